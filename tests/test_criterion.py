"""BIC and EBIC, computed by hand."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.special import comb, expit
from sklearn.metrics import mean_pinball_loss, mean_poisson_deviance

from pymtl import (
    MultiTaskClassifier,
    MultiTaskClusteredRegressor,
    MultiTaskL21Regressor,
    MultiTaskMeanRegressor,
    MultiTaskMixed,
    MultiTaskRegressor,
    MultiTaskSearchCV,
    PooledRegressor,
    SingleTaskRegressor,
)
from pymtl.penalties import Mean

D, SIZES = 6, (30, 40, 50)
RNG = np.random.default_rng(0)
XS = [RNG.normal(size=(n, D)) for n in SIZES]
Z = [X[:, :2] @ [1.0, -1.0] + 0.3 * X[:, 2] + t for t, X in enumerate(XS)]
NOISE = [RNG.normal(size=n) for n in SIZES]
NUMBERS = [z + 2 * e for z, e in zip(Z, NOISE, strict=True)]
LABELS = [np.where(y > t, "b", "a") for t, y in enumerate(NUMBERS)]
COUNTS = [RNG.poisson(np.exp(0.5 * z)).astype(float) for z in Z]
WEIGHTS = [RNG.integers(1, 4, size=n).astype(float) for n in SIZES]


def search(model, ys, select="bic", lambda1=(0.3, 0.05), **data):
    found = MultiTaskSearchCV(model, lambda1=list(lambda1), select=select)
    return found.fit(XS, ys, **data)


def criteria(found):
    assert found.n_splits_ == 0
    return -found.cv_results_["mean_test_score"]


def fits(model, found, ys, **data):
    for params in found.cv_results_["params"]:
        yield model.set_params(**params).fit(XS, ys, **data)


def stacked(model):
    return np.concatenate(model.predict(XS))


def squared(model, ys):
    return 120 * np.log(np.mean((np.concatenate(ys) - stacked(model)) ** 2))


def likelihood(model, ys):
    """Return minus twice the log-likelihood of labels."""
    pairs = zip(model.predict_proba(XS), ys, strict=True)
    return -2 * sum(
        np.log(p[np.arange(len(y)), np.searchsorted(model.classes_, y)]).sum()
        for p, y in pairs
    )


def poisson(model, ys):
    return 120 * mean_poisson_deviance(np.concatenate(ys), stacked(model))


def pinball(model, ys):
    loss = mean_pinball_loss(np.concatenate(ys), stacked(model), alpha=0.5)
    return 240 * np.log(loss)


def by_task(model, ys):
    pairs = zip(ys, model.predict(XS), strict=True)
    return sum(len(y) * np.log(np.mean((y - z) ** 2)) for y, z in pairs)


@pytest.mark.parametrize(
    ("model", "ys", "deviance"),
    [
        (MultiTaskL21Regressor(), NUMBERS, squared),
        (MultiTaskL21Regressor(loss="square_root"), NUMBERS, by_task),
        (MultiTaskL21Regressor(loss="quantile"), NUMBERS, pinball),
        (MultiTaskL21Regressor(loss="poisson"), COUNTS, poisson),
        (MultiTaskClassifier("l21"), LABELS, likelihood),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_selected_coefficients_are_counted(model, ys, deviance):
    model.set_params(tol=1e-8)
    bic, ebic = (search(model, ys, rule) for rule in ("bic", "ebic"))
    sizes = []
    values = zip(fits(model, bic, ys), criteria(bic), criteria(ebic), strict=True)
    for fit, value, extended in values:
        sizes.append(np.count_nonzero(fit.coef_.any(axis=0)))
        size = 3 + 3 * sizes[-1]
        expected = deviance(fit, ys) + np.log(120) * size
        assert value == pytest.approx(expected, rel=1e-5)
        assert extended - value == pytest.approx(2 * np.log(comb(D, sizes[-1])))
    assert 0 < sizes[0] < sizes[1]


def test_of_the_classes_one_is_not_free():
    ys = [np.digitize(y - t, [-1, 1]) for t, y in enumerate(NUMBERS)]
    model = MultiTaskClassifier("l21", tol=1e-8)
    found = search(model, ys, lambda1=[0.15])
    fit = next(fits(model, found, ys))
    rows = np.count_nonzero(np.abs(fit.coef_).sum(axis=(0, 1)))
    size = 3 * 2 * (1 + rows)
    assert 0 < rows < D
    expected = likelihood(fit, ys) + np.log(120) * size
    assert criteria(found)[0] == pytest.approx(expected, rel=1e-5)


def test_rank_bounds_the_parameters():
    model = MultiTaskRegressor("trace_norm", tol=1e-8)
    found = search(model, NUMBERS, lambda1=[1.2])
    fit = next(fits(model, found, NUMBERS))
    assert np.linalg.matrix_rank(fit.coef_) == 1
    expected = squared(fit, NUMBERS) + np.log(120) * (3 + D + 3 - 1)
    assert criteria(found)[0] == pytest.approx(expected, rel=1e-5)


def system(weights, strength, ridge, intercept=True):
    """Return Hessians of the mean losses and of the penalty; intercepts are last."""
    H = np.zeros((3 * D + 3, 3 * D + 3))
    for t, (X, weight) in enumerate(zip(XS, weights, strict=True)):
        place = np.append(np.arange(t * D, (t + 1) * D), 3 * D + t)
        B = np.column_stack([X, np.ones(len(X))])
        H[np.ix_(place, place)] = (B.T * weight) @ B
    L = strength * (np.eye(3) - 1 / 3) + ridge * np.eye(3)
    P = np.zeros_like(H)
    P[: 3 * D, : 3 * D] = 2 * np.kron(L, np.eye(D))
    if intercept == "shared":
        join = np.zeros((3 * D + 3, 3 * D + 1))
        join[: 3 * D, : 3 * D] = np.eye(3 * D)
        join[3 * D :, -1] = 1.0
        H, P = (join.T @ A @ join for A in (H, P))
    return H, P


@pytest.mark.parametrize("intercept", [True, "shared"])
def test_effective_parameters_of_a_quadratic_penalty(intercept):
    model = MultiTaskMeanRegressor(lambda2=0.02, fit_intercept=intercept, tol=1e-10)
    found = search(model, NUMBERS, sample_weight=WEIGHTS)
    n = sum(map(np.sum, WEIGHTS))
    path = fits(model, found, NUMBERS, sample_weight=WEIGHTS)
    for fit, value in zip(path, criteria(found), strict=True):
        share = [w / w.sum() for w in WEIGHTS]
        H, P = system(share, fit.lambda1, 0.02, intercept)
        size = np.trace(np.linalg.solve(H + P, H))
        error = np.concatenate(NUMBERS) - stacked(fit)
        mean = np.average(error**2, weights=np.concatenate(WEIGHTS))
        assert value == pytest.approx(n * np.log(mean) + np.log(n) * size, rel=1e-6)


def test_effective_parameters_of_labels():
    model = MultiTaskClassifier(Mean(0.1), tol=1e-10)
    found = search(model, LABELS, "ebic", sample_weight=WEIGHTS)
    path = fits(model, found, LABELS, sample_weight=WEIGHTS)
    n = sum(map(np.sum, WEIGHTS))
    for fit, value in zip(path, criteria(found), strict=True):
        z = fit.decision_function(XS)
        weights = [
            w / w.sum() * expit(v) * expit(-v) for w, v in zip(WEIGHTS, z, strict=True)
        ]
        H, P = system(weights, fit.penalty_.lambda1, 0.0)
        size = np.trace(np.linalg.solve(H + P, H))
        rows = zip(LABELS, z, WEIGHTS, strict=True)
        deviance = 2 * sum(
            w @ np.logaddexp(0, np.where(y == "b", -v, v)) for y, v, w in rows
        )
        assert value == pytest.approx(deviance + np.log(n) * size, rel=1e-6)


def test_baselines_and_covariates():
    """Ridge's degrees of freedom, of every task and of one model for all."""
    singular = [np.linalg.svd(X - X.mean(0), compute_uv=False) ** 2 for X in XS]
    found = search(SingleTaskRegressor(tol=1e-10), NUMBERS, lambda1=[0.3])
    sizes = [np.sum(s / (s + 0.6 * len(X))) for s, X in zip(singular, XS, strict=True)]
    expected = squared(found.best_estimator_, NUMBERS)
    expected += np.log(120) * (3 + np.sum(sizes))
    assert criteria(found)[0] == pytest.approx(expected)
    found = search(PooledRegressor(tol=1e-10), NUMBERS, lambda1=[0.0])
    expected = squared(found.best_estimator_, NUMBERS) + np.log(120) * (1 + D)
    assert criteria(found)[0] == pytest.approx(expected)
    model = SingleTaskRegressor(feature_weight=[0.0] + [1.0] * (D - 1), tol=1e-10)
    found = search(model, NUMBERS, lambda1=[1e6])
    expected = squared(found.best_estimator_, NUMBERS) + np.log(120) * (3 + 3)
    assert criteria(found)[0] == pytest.approx(expected, rel=1e-5)


def test_mixed_tasks_add_up():
    model = MultiTaskMixed("l21", loss=["squared", "squared", "logistic"], tol=1e-8)
    ys = [*NUMBERS[:2], LABELS[2]]
    found = search(model, ys, lambda1=[0.05])
    fit = found.best_estimator_
    z = fit.predict(XS)
    expected = sum(
        len(y) * np.log(np.mean((y - v) ** 2))
        for y, v in zip(ys[:2], z[:2], strict=True)
    )
    p = fit.predict_proba(XS)[2][np.arange(50), (ys[2] == "b").astype(int)]
    expected += -2 * np.log(p).sum()
    expected += np.log(120) * (3 + np.count_nonzero(fit.coef_))
    scales = [np.log(np.var(y)) * len(y) for y in ys[:2]]
    assert criteria(found)[0] == pytest.approx(expected - sum(scales), rel=1e-5)


@pytest.mark.parametrize(
    ("model", "ys"),
    [
        (MultiTaskClusteredRegressor(), NUMBERS),
        (MultiTaskL21Regressor(loss="huber"), NUMBERS),
        (MultiTaskClassifier("l21", loss="hinge"), LABELS),
        (MultiTaskClassifier("l21", loss="squared_hinge"), LABELS),
        (MultiTaskMeanRegressor(loss="quantile", lambda2=0.1), NUMBERS),
        (MultiTaskClassifier(Mean(0.1)), [np.arange(n) % 3 for n in SIZES]),
    ],
    ids=lambda value: repr(value) if hasattr(value, "fit") else "",
)
def test_what_has_no_criterion_is_refused(model, ys):
    with pytest.raises(ValueError, match="folds"):
        search(model, ys)


def test_the_sparse_model_is_found():
    found = search(MultiTaskL21Regressor(), NUMBERS, "bic", np.geomspace(1, 0.01, 20))
    assert set(np.flatnonzero(found.best_estimator_.coef_.any(axis=0))) >= {0, 1}
    assert_allclose(found.best_score_, -criteria(found).min())
