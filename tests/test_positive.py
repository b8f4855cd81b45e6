"""Coefficients that are held to positive values."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import nnls
from scipy.special import xlogy
from sklearn.linear_model import ElasticNet

from pymtl import (
    MultiTaskL1Regressor,
    MultiTaskL21Classifier,
    MultiTaskL21Regressor,
    MultiTaskLInfRegressor,
    MultiTaskRegressor,
    MultiTaskSearchCV,
    MultiTaskSparseGroupRegressor,
    MultiTaskTraceNormRegressor,
)
from pymtl.penalties import L1, L21, Components, LInf, Mean, Ridge, SparseGroup

PENALTIES = [L1(0.7), L21(0.7), LInf(0.7), SparseGroup(0.5, 0.3)]


def problem(seed=0):
    rng = np.random.default_rng(seed)
    Xs = [rng.standard_normal((n, 5)) for n in (20, 30, 25)]
    w = np.array([1.0, 0.5, -1.0, 0.0, -0.2])
    return Xs, [X @ w + 0.2 * rng.standard_normal(len(X)) for X in Xs]


@pytest.mark.parametrize("penalty", PENALTIES, ids=lambda p: type(p).__name__)
def test_prox_and_polar(penalty):
    cp = pytest.importorskip("cvxpy")
    penalty.set_params(positive=True)
    norms = {
        "L1": lambda W: 0.7 * cp.sum(W),
        "L21": lambda W: 0.7 * cp.sum(cp.norm(W, 2, axis=1)),
        "LInf": lambda W: 0.7 * cp.sum(cp.max(W, axis=1)),
        "SparseGroup": lambda W: 0.5 * cp.sum(cp.norm(W, 2, axis=1)) + 0.3 * cp.sum(W),
    }
    norm = norms[type(penalty).__name__]
    rng = np.random.default_rng(0)
    for step in (0.5, rng.uniform(0.2, 2.0, (4, 3))):
        V = 2 * rng.standard_normal((4, 3))
        W = cp.Variable((4, 3), nonneg=True)
        size = np.broadcast_to(0.5 / step, V.shape)
        near = cp.sum(cp.multiply(size, cp.square(W - V)))
        cp.Problem(cp.Minimize(near + norm(W))).solve(cp.CLARABEL)
        assert_allclose(penalty.prox(V, step), W.value, atol=1e-4)
    G = rng.standard_normal((4, 3))
    W = cp.Variable((4, 3), nonneg=True)
    gauge = cp.Problem(cp.Maximize(cp.sum(cp.multiply(G, W))), [norm(W) <= 1])
    assert penalty.polar(G) == pytest.approx(gauge.solve(cp.CLARABEL), rel=1e-5)
    assert penalty.value(-np.ones((4, 3))) == np.inf


@pytest.mark.parametrize(
    "estimator",
    [
        MultiTaskL1Regressor(0.1, 0.02, positive=True),
        MultiTaskL21Regressor(0.1, 0.02, positive=True),
        MultiTaskLInfRegressor(0.1, 0.02, positive=True),
        MultiTaskSparseGroupRegressor(0.1, 0.05, positive=True),
        MultiTaskL21Regressor(positive=True, loss="huber"),
        MultiTaskL21Regressor(positive=True, loss="quantile"),
        MultiTaskRegressor(L21(0.1, positive=True)),
    ],
    ids=lambda e: type(e).__name__,
)
def test_fits_are_positive_and_certified(estimator):
    Xs, ys = problem()
    model = estimator.set_params(tol=1e-8).fit(Xs, ys)
    assert model.coef_.min() >= 0
    assert model.coef_.any()
    assert model.certificate_ <= 1e-8
    assert model.certificate_kind_ == "duality gap"
    top = estimator.lambda_max(Xs, ys)
    if hasattr(model, "lambda1"):
        scale = 1.001 * top / model.lambda1_
        strengths = {
            name: scale * getattr(model, f"{name}_")
            for name in ("lambda1", "lambda2")
            if name == "lambda1" or isinstance(estimator, MultiTaskSparseGroupRegressor)
        }
        assert not estimator.set_params(**strengths).fit(Xs, ys).coef_.any()


def test_one_task_is_the_positive_elastic_net():
    Xs, ys = problem()
    model = MultiTaskL1Regressor(0.05, 0.01, positive=True, tol=1e-12)
    peer = ElasticNet(alpha=0.07, l1_ratio=0.05 / 0.07, positive=True, tol=1e-12)
    assert_allclose(
        model.fit(Xs[0], ys[0]).coef_[0], peer.fit(Xs[0], ys[0]).coef_, atol=1e-6
    )


def test_classifier_and_refusal():
    Xs, ys = problem()
    labels = [y > np.median(y) for y in ys]
    model = MultiTaskL21Classifier(positive=True).fit(Xs, labels)
    assert model.coef_.min() >= 0
    with pytest.raises(TypeError, match="positive"):
        MultiTaskTraceNormRegressor(positive=True)
    with pytest.raises(ValueError, match="bcd"):
        MultiTaskLInfRegressor(0.1, positive=True, solver="bcd").fit(Xs, ys)


# A sign alone: strength zero, or a covariate


SIGNED = [
    MultiTaskL1Regressor,
    MultiTaskL21Regressor,
    MultiTaskLInfRegressor,
    MultiTaskSparseGroupRegressor,
]


def opposed(seed=0, n=30):
    """Return data whose least-squares coefficients are 1, -1, 0.5."""
    X = np.random.default_rng(seed).normal(size=(n, 3))
    return X, X @ [1.0, -1.0, 0.5]


@pytest.mark.parametrize("estimator", SIGNED)
def test_strength_zero_leaves_the_sign(estimator):
    X, y = opposed()
    model = estimator(0.0, 0.0, positive=True, fit_intercept=False, tol=1e-14)
    expected, residual = nnls(X, y)
    assert_allclose(model.fit(X, y).coef_[0], expected, atol=1e-6)
    assert model.certificate_kind_ == "duality gap" and model.certificate_ <= 1e-14
    model.set_params(tol=0.1).fit(X, y)  # a loose fit is as near as its gap says
    left = model.objective_ - residual**2 / (2 * len(y))
    assert -1e-12 <= left <= model.dual_gap_ + 1e-12
    model.set_params(tol=1e-14)
    model.set_params(fit_intercept=True).fit(X, y)
    expected = nnls(X - X.mean(axis=0), y - y.mean())[0]
    assert_allclose(model.coef_[0], expected, atol=1e-6)
    path = estimator(positive=True, tol=1e-12).path(X, y, lambda1=[0.1, 0.0])
    assert_allclose(path.coef[-1, 0], expected, atol=1e-6)
    search = MultiTaskSearchCV(estimator(positive=True), lambda1=[1e3, 0.0], cv=3)
    assert search.fit(X, y).best_estimator_.coef_.min() >= 0


COLUMNS = {
    "more columns than rows": lambda X: np.hstack([X, X[:, :1] * X, X**2, X**3])[:9],
    "columns and their negatives": lambda X: np.hstack([X, -X]),
    "categories beside an intercept": lambda X: np.eye(4)[np.arange(len(X)) % 4],
    "columns far from one length": lambda X: X * [1e-6, 1.0, 1e5],
}


@pytest.mark.parametrize("tol", [1e-2, 1e-9])
@pytest.mark.parametrize("name", COLUMNS)
def test_a_sign_alone_has_a_gap(name, tol):
    X, y = opposed()
    X = COLUMNS[name](X)
    y = y[: len(X)] + np.sin(np.arange(len(X)))
    model = MultiTaskL21Regressor(0.0, positive=True, tol=tol).fit(X, y)
    best = nnls(X - X.mean(axis=0), y - y.mean())[1] ** 2 / (2 * len(y))
    assert model.converged_ and model.certificate_kind_ == "duality gap"
    assert model.objective_ - best <= model.dual_gap_ + 1e-12
    assert best - model.objective_ <= 1e-12


@pytest.mark.parametrize("ridge", [0.0, 0.1])
def test_a_sign_beside_a_quadratic_that_links_tasks(ridge):
    cp = pytest.importorskip("cvxpy")
    Xs, ys = problem()
    Xs[0], ys[0] = Xs[0][:4], ys[0][:4]  # fewer rows than columns
    penalty = L1(0.0, positive=True) + Mean(0.2) + Ridge(ridge)
    model = MultiTaskRegressor(penalty, fit_intercept=False, tol=1e-8).fit(Xs, ys)
    W = cp.Variable((5, 3), nonneg=True)
    deviations = W - cp.sum(W, axis=1, keepdims=True) / 3 @ np.ones((1, 3))
    objective = 0.2 * cp.sum_squares(deviations) + ridge * cp.sum_squares(W)
    for t, (X, y) in enumerate(zip(Xs, ys, strict=True)):
        objective += cp.sum_squares(y - X @ W[:, t]) / (2 * len(y))
    best = cp.Problem(cp.Minimize(objective)).solve(cp.CLARABEL)
    assert model.converged_ and model.certificate_kind_ == "duality gap"
    assert model.objective_ == pytest.approx(best, rel=1e-7)


@pytest.mark.parametrize("loss", ["logistic", "hinge", "squared_hinge"])
def test_signs_of_classifiers(loss):
    Xs, ys = problem()
    labels = [y > 0 for y in ys]
    model = MultiTaskL21Classifier(0.0, 0.0, positive=True, loss=loss, tol=1e-4)
    model.fit(Xs, labels)
    assert model.converged_ and model.certificate_kind_ == "duality gap"
    assert np.min(model.coef_) >= 0 and np.any(model.coef_)


@pytest.mark.parametrize("loss", ["squared", "huber", "quantile", "poisson"])
@pytest.mark.parametrize("weights", [None, [1.0, 0.0, 1.0], [0.0, 0.0, 2.0]], ids=str)
@pytest.mark.parametrize("strength", [0.0, 0.02])
def test_signs_equal_cvxpy(loss, weights, strength):
    cp = pytest.importorskip("cvxpy")
    Xs, ys = zip(*(opposed(seed, n) for seed, n in [(0, 30), (1, 20)]), strict=True)
    if loss == "poisson":
        ys = [np.floor(np.exp(0.5 * y)) for y in ys]
    model = MultiTaskL21Regressor(
        strength, positive=True, loss=loss, feature_weight=weights, tol=1e-7
    )
    model.set_params(max_iter=100_000).fit(list(Xs), list(ys))
    W, c = cp.Variable((3, 2), nonneg=True), cp.Variable(2)
    q = np.ones(3) if weights is None else np.array(weights)
    objective = strength * cp.sum(cp.multiply(q, cp.norm(W, 2, axis=1)))
    for t, (X, y) in enumerate(zip(Xs, ys, strict=True)):
        z = X @ W[:, t] + c[t]
        losses = {
            "squared": lambda y=y, z=z: cp.sum_squares(y - z) / 2,
            "huber": lambda y=y, z=z: cp.sum(cp.huber(y - z, 1.35)) / 2,
            "quantile": lambda y=y, z=z: cp.sum(cp.abs(y - z)) / 2,
            "poisson": lambda y=y, z=z: cp.sum(
                cp.exp(z) - cp.multiply(y, z) - y + xlogy(y, y)
            ),
        }
        objective += losses[loss]() / len(y)
    best = cp.Problem(cp.Minimize(objective)).solve(cp.CLARABEL)
    assert model.coef_.min() >= 0 and model.certificate_kind_ == "duality gap"
    assert model.objective_ == pytest.approx(best, rel=1e-5)
    assert model.objective_ - model.dual_gap_ <= best * (1 + 1e-7)


@pytest.mark.parametrize("estimator", SIGNED)
@pytest.mark.parametrize("ridge", [0.0, 0.05])
def test_covariates_keep_their_sign(estimator, ridge):
    X, y = opposed()
    model = estimator(0.01, ridge, positive=True, feature_weight=[1, 0, 1])
    assert model.fit(X, y).coef_.min() >= 0 and model.converged_
    top = model.set_params(lambda1="auto").lambda_max(X, y)
    if estimator is MultiTaskSparseGroupRegressor:  # both strengths move
        model.set_params(lambda2=top)
    null = model.set_params(lambda1=1.001 * top).fit(X, y)
    assert_array_equal(null.coef_[0, [0, 2]], 0)
    labels = MultiTaskL21Classifier(0.01, positive=True, feature_weight=[1, 0, 1])
    assert labels.fit(X, y > 0).coef_.min() >= 0


def test_signed_components_and_covariates():
    X, y = opposed()
    part = L21(0.01, positive=True)
    for penalty in (
        Components(part, L1(0.02, positive=True)),
        part + Ridge(0.01),
    ):
        model = MultiTaskRegressor(penalty, feature_weight=[1, 0, 1]).fit(X, y)
        assert model.coef_.min() >= 0 and model.converged_
