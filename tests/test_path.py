"""Paths: every point is the certified optimum that a fit of its own finds."""

import inspect
import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import MultiTaskLasso, Ridge, lasso_path

import pymtl
from pymtl import (
    MultiTaskClassifier,
    MultiTaskDirtyClassifier,
    MultiTaskGraphRegressor,
    MultiTaskL1Regressor,
    MultiTaskL21Regressor,
    MultiTaskMeanClassifier,
    MultiTaskMeanRegressor,
    MultiTaskRegressor,
    MultiTaskRelationshipClassifier,
    MultiTaskSparseLowRankRegressor,
    MultiTaskTemporalGroupRegressor,
    PooledClassifier,
    PooledRegressor,
    SingleTaskRegressor,
    stack_tasks,
)
from pymtl.datasets import make_multitask_regression
from pymtl.losses import Squared
from pymtl.model_selection import Path
from pymtl.penalties import L1, L21, PENALTIES, Components, Mean, NetworkLasso
from pymtl.penalties import Ridge as RidgePenalty
from pymtl.solvers import Problem

from .sweeps import thinned

ESTIMATORS = [
    cls()
    for cls in (getattr(pymtl, name) for name in pymtl.__all__)
    if inspect.isclass(cls) and hasattr(cls, "path") and is_regressor(cls())
]
ESTIMATORS += [
    MultiTaskClassifier(),
    MultiTaskDirtyClassifier(),
    MultiTaskMeanClassifier(),
    MultiTaskRelationshipClassifier(),
    PooledClassifier(),
]
ESTIMATORS += [
    # most penalties have an estimator, which is in the list
    pytest.param(
        MultiTaskRegressor(name),
        marks=pytest.mark.slow
        if hasattr(pymtl, f"MultiTask{cls.__name__}Regressor")
        else (),
    )
    for name, cls in PENALTIES.items()
]
ESTIMATORS += [
    MultiTaskRegressor(L21("auto") + Mean("auto") + RidgePenalty(0.01)),
    MultiTaskRegressor(Components(L21(1.0), L1(0.5))),
    MultiTaskL21Regressor(0.1, 0.02, fit_intercept="shrink"),
    MultiTaskL21Regressor(feature_weight=[0, 1, 2, 1, 1, 1]),
    MultiTaskMeanRegressor(0.3, 0.05, fit_intercept="shared"),
    MultiTaskMeanRegressor(task_weight="n_samples", fit_intercept=False),
    MultiTaskGraphRegressor(lambda3=0.1),
    MultiTaskSparseLowRankRegressor(rank_budget=1.5),
    MultiTaskTemporalGroupRegressor(0.2, 0.1, 0.3),
    MultiTaskL21Regressor(loss="huber"),
    MultiTaskL21Regressor(loss="square_root"),
]
DATA = make_multitask_regression(
    n_tasks=4, n_features=6, n_samples=(12, 30), random_state=0
)
LABELS = [np.where(y > np.median(y), "high", "low") for y in DATA.ys]


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=repr)
def test_points_are_the_optima_of_single_fits(estimator):
    estimator = clone(estimator).set_params(tol=1e-7)
    ys = LABELS if is_classifier(estimator) else DATA.ys
    before = repr(estimator)
    path = estimator.path(DATA.Xs, ys, n_lambdas=6, eps=1e-2)
    assert repr(estimator) == before
    assert not hasattr(estimator, "coef_")
    assert path.coef.shape == (6, 4, 6)
    assert path.intercept.shape == (6, 4)
    assert np.all(np.diff(path.lambdas) < 0)
    assert path.certificate.max() <= 1e-7
    for i, parameters in enumerate(path.params):
        model = clone(estimator).set_params(**parameters)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # ranges of two strengths
            model.fit(DATA.Xs, ys)
        if (
            model.certificate_kind_ == "stationarity"
        ):  # one start more: as good at least
            assert path.objective[i] <= model.objective_ * (1 + 1e-6)
            continue
        null = (model.dual_gap_ / model.certificate_) if model.certificate_ else 1.0
        assert_allclose(
            path.objective[i], model.objective_, rtol=1e-6, atol=1e-7 * null
        )
        scale = np.abs(model.coef_).max() + 1e-3
        assert_allclose(path.coef[i], model.coef_, atol=0.02 * scale)
        names = {name: v for name, v in parameters.items() if name == path.strength}
        assert all(v == pytest.approx(path.lambdas[i]) for v in names.values())


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=repr)
def test_path_starts_at_the_null_model(estimator):
    ys = LABELS if is_classifier(estimator) else DATA.ys
    top = clone(estimator).lambda_max(DATA.Xs, ys)
    path = estimator.path(DATA.Xs, ys, n_lambdas=3)
    if np.isinf(top):
        curvature = path.lambdas[0] * 1e-3
        assert_allclose(path.lambdas, curvature * np.array([1e3, 1, 1e-3]))
        return
    bound = any(isinstance(part, NetworkLasso) for part in _parts(estimator))
    first, second = path.lambdas[0], (0.1 if bound else 0.98) * path.lambdas[0]
    if type(estimator) not in (MultiTaskTemporalGroupRegressor, MultiTaskRegressor):
        assert first == pytest.approx(top) or type(estimator) is MultiTaskGraphRegressor
    near = estimator.path(DATA.Xs, ys, lambda1=[first * (1 + 1e-6), second])
    if estimator.get_params().get("feature_weight") is None:
        free = [p.null_space(4).size for p in _parts(estimator)]
        if not any(free):
            assert near.n_nonzero[0] == 0
    assert near.n_nonzero[1] > 0
    assert np.ptp(near.coef, axis=0).max() > 0


def _parts(estimator):
    penalty = estimator._penalty()
    return [p for p in (penalty, getattr(penalty, "right", penalty))]


def test_lasso_path_of_scikit_learn():
    X, y = DATA.Xs[0], DATA.ys[0]
    path = MultiTaskL1Regressor(tol=1e-12).path(X, y, n_lambdas=20)
    X, y = X - X.mean(axis=0), y - y.mean()
    alphas, coefs, _ = lasso_path(X, y, alphas=path.lambdas, tol=1e-14)
    assert_allclose(path.lambdas, alphas)
    assert_allclose(path.coef[:, 0], coefs.T, atol=1e-5)
    assert_array_equal(path.n_nonzero, path.n_features)
    assert path.n_nonzero[0] == 0


def test_joint_path_of_scikit_learn():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 8))
    Y = X[:, :3] @ rng.normal(size=(3, 5)) + rng.normal(size=(40, 5))
    path = MultiTaskL21Regressor(tol=1e-12).path(X, Y, n_lambdas=5, eps=0.05)
    for i, alpha in enumerate(path.lambdas):
        lasso = MultiTaskLasso(alpha=alpha, tol=1e-12, max_iter=100000).fit(X, Y)
        assert_allclose(path.coef[i], lasso.coef_, atol=1e-5)
        assert_allclose(path.intercept[i], lasso.intercept_, atol=1e-5)
    assert_array_equal(path.n_features, np.any(path.coef != 0, axis=1).sum(axis=1))


@pytest.mark.parametrize("model", [SingleTaskRegressor(), PooledRegressor()])
def test_baselines_move_the_ridge(model):
    path = model.path(DATA.Xs, DATA.ys, lambda1=[0.01, 1.0])
    assert path.strength == "lambda2"
    assert_array_equal(path.lambdas, [1.0, 0.01])
    assert path.params == [{"lambda2": 1.0}, {"lambda2": 0.01}]
    if isinstance(model, SingleTaskRegressor):
        X, y = DATA.Xs[0], DATA.ys[0]
        for coef, value in zip(path.coef, path.lambdas, strict=True):
            ridge = Ridge(alpha=2 * value * len(y)).fit(X, y)
            assert_allclose(coef[0], ridge.coef_)


def test_strengths_keep_their_proportion():
    model = pymtl.MultiTaskDirtyRegressor(1.0, 1.5)
    path = model.path(DATA.Xs, DATA.ys, n_lambdas=4)
    assert path.lambdas[0] == pytest.approx(model.lambda_max(DATA.Xs, DATA.ys))
    for params, value in zip(path.params, path.lambdas, strict=True):
        assert params == pytest.approx({"lambda1": value, "lambda2": 1.5 * value})
    ridge = MultiTaskL21Regressor("auto", 0.3).path(DATA.Xs, DATA.ys, n_lambdas=2)
    assert all(set(params) == {"lambda1"} for params in ridge.params)


def test_a_strength_of_zero_does_not_hold_the_path_up():
    zero = MultiTaskL21Regressor(0.0).path(DATA.Xs, DATA.ys, n_lambdas=3)
    auto = MultiTaskL21Regressor().path(DATA.Xs, DATA.ys, n_lambdas=3)
    assert_array_equal(zero.lambdas, auto.lambdas)


def test_doors_have_one_path():
    X, y = stack_tasks(DATA.Xs, DATA.ys)
    rows = np.random.default_rng(0).permutation(len(y))
    lists = MultiTaskL21Regressor().path(DATA.Xs, DATA.ys, n_lambdas=4)
    long = MultiTaskL21Regressor(task_column=0).path(X[rows], y[rows], n_lambdas=4)
    assert_allclose(long.lambdas, lists.lambdas)
    assert_allclose(long.coef, lists.coef, atol=1e-5)
    assert_array_equal(long.tasks, [0, 1, 2, 3])
    Y = np.random.default_rng(0).normal(size=(20, 3))
    Y[:4, 0] = np.nan
    X = np.random.default_rng(1).normal(size=(20, 6))
    seen = ~np.isnan(Y)
    shared = MultiTaskMeanRegressor().path(X, Y, n_lambdas=3)
    lists = MultiTaskMeanRegressor().path(
        [X[seen[:, t]] for t in range(3)],
        [Y[seen[:, t], t] for t in range(3)],
        n_lambdas=3,
    )
    assert_allclose(shared.coef, lists.coef, atol=1e-8)


def test_sample_weight_and_offset_count():
    model = MultiTaskL21Regressor(tol=1e-9)
    weight = [np.arange(1, 1 + len(y)) % 3 for y in DATA.ys]
    offset = [0.1 * np.arange(len(y)) for y in DATA.ys]
    path = model.path(
        DATA.Xs, DATA.ys, n_lambdas=3, sample_weight=weight, offset=offset
    )
    Xs = [np.repeat(X, w, axis=0) for X, w in zip(DATA.Xs, weight, strict=True)]
    ys = [np.repeat(y - o, w) for y, o, w in zip(DATA.ys, offset, weight, strict=True)]
    plain = model.path(Xs, ys, n_lambdas=3)
    assert_allclose(path.lambdas, plain.lambdas)
    assert_allclose(path.coef, plain.coef, atol=1e-4)


def test_float32_stays_float32():
    Xs = [X.astype(np.float32) for X in DATA.Xs]
    path = MultiTaskL21Regressor().path(Xs, DATA.ys, n_lambdas=4)
    assert path.coef.dtype == np.float32
    assert path.certificate.max() <= 1e-5


def test_decompositions_are_shared_between_different_null_spaces():
    """With lambda2 = 0 the mean task is free, with lambda2 > 0 it is not."""
    for lambda2 in (0.0, 0.1):
        model = MultiTaskMeanRegressor(lambda2=lambda2)
        path = model.path(DATA.Xs, DATA.ys, lambda1=[10.0, 1.0, 0.1, 0.0])
        for i, value in enumerate(path.lambdas):
            fit = MultiTaskMeanRegressor(value, lambda2).fit(DATA.Xs, DATA.ys)
            assert_allclose(path.coef[i], fit.coef_, atol=1e-8)


@pytest.mark.parametrize("fit_intercept", [True, False, "shared", "shrink"])
def test_fewer_rows_have_the_same_loss(fit_intercept):
    rng = np.random.default_rng(0)
    Xs = [rng.normal(3, 2, size=(n, 4)) for n in (50, 3, 80, 5)]
    Xs[2][:, 1] = 7.0
    ys = [X[:, 0] + rng.normal(1, 1, size=len(X)) for X in Xs]
    weight = [rng.integers(1, 4, size=len(y)) for y in ys]
    model = MultiTaskMeanRegressor(fit_intercept=fit_intercept)
    centred = model._centre(model._read(Xs, ys, weight, None))
    problems = [Problem(centred.design, Squared(), centred.y, centred.weight)]
    centred.reduce()
    problems.append(Problem(centred.design, Squared(), centred.y, centred.weight))
    n_rows = [p.design.bounds[-1] for p in problems]
    assert n_rows[1] <= n_rows[0] - 50 - 80 + 2 * 5
    for W in (np.zeros((4, 4)), rng.normal(size=(4, 4))):
        many, few = (p.point(W) for p in problems)
        assert few.fit == pytest.approx(many.fit)
        assert_allclose(few.gradient, many.gradient, atol=1e-12)


def test_data_are_decomposed_once(monkeypatch):
    counts = {"majorant": 0, "power": 0, "gram": 0}

    def count(name, function):
        def counted(*args):
            counts[name] += 1
            return function(*args)

        return counted

    from pymtl.designs import Stacked

    monkeypatch.setattr(Problem, "_majorant", count("majorant", Problem._majorant))
    monkeypatch.setattr(Problem, "_few_powers", count("power", Problem._few_powers))
    monkeypatch.setattr(Stacked, "gram", count("gram", Stacked.gram))
    Xs, ys = DATA.Xs * 2, DATA.ys * 2
    MultiTaskL1Regressor(0.1, solver="apg").path(Xs, ys, n_lambdas=20)
    assert counts["majorant"] == 0
    assert counts["power"] == 1
    assert counts["gram"] <= 1


def test_a_missed_tolerance_warns_once():
    model = MultiTaskL21Regressor(max_iter=1, tol=1e-9)
    with pytest.warns(ConvergenceWarning, match="points of the path") as caught:
        model.path(DATA.Xs, DATA.ys, n_lambdas=5)
    assert len(caught) == 1
    assert "4 of 5" in str(caught[0].message)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"lambda1": [-1.0]}, "lambda1"),
        ({"lambda1": [np.nan]}, "lambda1"),
        ({"lambda1": []}, "lambda1"),
        ({"n_lambdas": 0}, "n_lambdas"),
        ({"eps": 1.0}, "eps"),
    ],
)
def test_bad_options_are_refused(options, match):
    with pytest.raises(ValueError, match=match):
        MultiTaskL21Regressor().path(DATA.Xs, DATA.ys, **options)


def test_constant_targets():
    ys = [np.full(len(y), 2.0) for y in DATA.ys]
    path = MultiTaskL21Regressor().path(DATA.Xs, ys, n_lambdas=3)
    assert not path.coef.any()
    assert_allclose(path.intercept, 2.0)


def test_result_is_public():
    path = MultiTaskL21Regressor().path(DATA.Xs, DATA.ys, n_lambdas=2)
    assert isinstance(path, Path)


def make_labels():
    rng = np.random.default_rng(0)
    Xs = [rng.normal(size=(n, 4)) for n in (20, 30, 25)]
    z = [X[:, 0] + 0.5 * X[:, 1] + rng.logistic(size=len(X)) for X in Xs]
    two = [(v > 0).astype(int) for v in z]
    three = [np.digitize(v, [-1, 1]) for v in z]
    own = [np.array(["no", "yes"])[two[0]], np.array(["a", "b", "c"])[three[1]], two[2]]
    return Xs, {"two": two, "three": three, "own": own}


@thinned(2, penalty=["l21", Mean() + RidgePenalty(0.05)], kind=["two", "three", "own"])
def test_classifiers(penalty, kind):
    Xs, ys = make_labels()
    model = MultiTaskClassifier(penalty, tol=1e-6)
    path = model.path(Xs, ys[kind], n_lambdas=3)
    assert path.certificate.max() <= 1e-6
    if penalty == "l21":
        assert path.n_features[0] == 0
    for i, parameters in enumerate(path.params):
        fit = clone(model).set_params(**parameters).fit(Xs, ys[kind])
        assert path.objective[i] == pytest.approx(fit.objective_, rel=2e-6)
        for t, (coef, intercept) in enumerate(
            zip(fit.coef_, fit.intercept_, strict=True)
        ):
            size = slice(len(coef)) if kind == "own" else slice(None)
            scale = 0.02 * np.abs(coef).max() + 1e-3
            assert_allclose(path.coef[i, t][size], coef, atol=scale)
            close = np.atleast_1d(path.intercept[i, t])[: len(np.atleast_1d(intercept))]
            assert_allclose(close, np.atleast_1d(intercept), atol=0.05)


def test_fits_start_where_the_two_before_lead_to():
    """A path of many strengths takes fewer iterations than fits from the last one."""
    rng = np.random.default_rng(21)
    Xs = [rng.normal(size=(20, 150)) for _ in range(3)]
    ys = [X[:, :4].sum(axis=1) + rng.normal(size=20) for X in Xs]
    model = MultiTaskL21Regressor(tol=1e-6, warm_start=True)
    path = model.path(Xs, ys, n_lambdas=30, eps=0.05)
    alone = [model.set_params(lambda1=v).fit(Xs, ys).n_iter_ for v in path.lambdas]
    assert path.n_iter.sum() < 0.9 * sum(alone)
    assert path.certificate.max() <= 1e-6


def test_steps_where_targets_avoid_the_first_eigenvector(monkeypatch):
    rng = np.random.default_rng(0)
    Xs, ys = [], []
    for t in range(6):
        factor = rng.standard_normal((80, 1))
        X = 3 * factor + 0.1 * rng.standard_normal((80, 12))
        y = X @ rng.standard_normal(12) + 0.01 * rng.standard_normal(80)
        if t == 0:
            Q, _ = np.linalg.qr(np.column_stack([np.ones(80), factor]))
            y -= Q @ (Q.T @ y)
        Xs.append(X)
        ys.append(y)
    options = {"solver": "apg", "tol": 1e-4, "max_iter": 50_000}
    model = MultiTaskL21Regressor(**options).fit(Xs, ys)
    monkeypatch.setattr(Problem, "estimate", Problem.metric)
    exact = MultiTaskL21Regressor(**options).fit(Xs, ys)
    assert model.n_iter_ <= 1.5 * exact.n_iter_
