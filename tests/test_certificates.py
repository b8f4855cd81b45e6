"""Certificates against optima and objectives that cvxpy and NumPy find."""

import warnings

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

from pymtl import (
    MultiTaskClassifier,
    MultiTaskDataSharedClassifier,
    MultiTaskMeanRegressor,
    MultiTaskRegressor,
    PooledClassifier,
    SingleTaskClassifier,
    SingleTaskRegressor,
)
from pymtl.losses import Hinge, Huber, Logistic, Multinomial, Quantile, Squared
from pymtl.penalties import L21, Mean, NetworkLasso, Ridge

from .sweeps import thinned

TIGHT = {"tol_gap_abs": 1e-11, "tol_gap_rel": 1e-11, "tol_feas": 1e-11}
LOSSES = [Squared(), Huber(0.8), Quantile(0.1), Quantile(0.5), Hinge(), Logistic()]
PENALTIES = [Ridge(0.5), Ridge(0.0), Mean(0.1), L21(0.05), NetworkLasso(0.1, "order")]
FORMS = [True, False, "shared", "shrink"]
LAMBDA0 = 0.3


def row_losses(cp, loss, y, z):
    """Return the losses of the rows in cvxpy."""
    if isinstance(loss, Squared):
        return 0.5 * cp.square(y - z)
    if isinstance(loss, Huber):
        return 0.5 * cp.huber(y - z, loss.delta)
    if isinstance(loss, Hinge):
        return cp.pos(1 - cp.multiply(y, z))
    if isinstance(loss, Logistic):
        return cp.logistic(-cp.multiply(y, z))
    q = loss.quantile
    return cp.maximum(q * (y - z), (q - 1) * (y - z))


def penalised(cp, penalty, W):
    """Return the penalty of W (d, T) in cvxpy."""
    T = W.shape[1]
    if isinstance(penalty, Ridge):
        return penalty.lambda2 * cp.sum_squares(W)
    if isinstance(penalty, Mean):
        return penalty.lambda1 * cp.sum_squares(W - W @ np.full((T, T), 1 / T))
    if isinstance(penalty, L21):
        return penalty.lambda1 * cp.sum(cp.norm(W, 2, axis=1))
    steps = [cp.norm(W[:, t] - W[:, t + 1]) for t in range(T - 1)]
    return penalty.lambda1 * cp.sum(cp.hstack(steps))


def objective(cp, case, W, c):
    """Return the objective in cvxpy."""
    loss, penalty, form, (Xs, ys, weights, offset) = case
    value = penalised(cp, penalty, W)
    for t, (X, y, s, o) in enumerate(zip(Xs, ys, weights, offset, strict=True)):
        rows = row_losses(cp, loss, y, X @ W[:, t] + c[t] + o)
        value += (s / s.sum()) @ rows
    if form == "shrink":
        value += LAMBDA0 * cp.sum_squares(c - cp.sum(c) / len(Xs))
    return value


def optimum(cp, case):
    """Return the optimal objective."""
    form, data = case[2:]
    W, c = cp.Variable((data[0][0].shape[1], len(data[0]))), cp.Variable(len(data[0]))
    constraints = {False: [c == 0], "shared": [c == c[0]]}.get(form, [])
    task = cp.Problem(cp.Minimize(objective(cp, case, W, c)), constraints)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # "may be inaccurate" at such an accuracy
        task.solve(solver=cp.CLARABEL, **TIGHT)
    return task.value


def make_data(loss, seed=0, sizes=(12, 9), shift=0.0):
    rng = np.random.default_rng(seed)
    Xs = [rng.normal(size=(n, 2)) for n in sizes]
    ys = [X @ [1.0, 2.0] + 1.5 * rng.normal(size=len(X)) + shift for X in Xs]
    if loss.targets == "classification":
        ys = [np.where(y > 0, 1.0, -1.0) for y in ys]
        for X, y in zip(Xs, ys, strict=True):  # no direction separates them
            X[4:8], y[:8] = X[:4], [1.0, 1.0, -1.0, -1.0, -1.0, -1.0, 1.0, 1.0]
    weights = [rng.uniform(0.2, 2.0, n) for n in sizes]
    return Xs, ys, weights, [0.5 * rng.normal(size=n) for n in sizes]


CASES = [
    # every loss with every form, every penalty with two losses; the rest is slow
    pytest.param(
        *case,
        marks=() if (i + j + k) % 3 == 0 and j != 4 else pytest.mark.slow,
        id="-".join(map(repr, case)),
    )
    for i, loss in enumerate(LOSSES)
    for j, penalty in enumerate(PENALTIES)
    for k, form in enumerate(FORMS)
    for case in [(loss, penalty, form)]
]


@pytest.mark.parametrize(("loss", "penalty", "form"), CASES)
def test_gap_bounds_the_distance(loss, penalty, form):
    cp = pytest.importorskip("cvxpy")
    data = make_data(loss)
    estimator = (
        MultiTaskClassifier if loss.targets == "classification" else MultiTaskRegressor
    )
    model = estimator(penalty, loss=loss, fit_intercept=form, lambda0=LAMBDA0)
    model.fit(*data)
    case = loss, penalty, form, data
    value = objective(cp, case, cp.Constant(model.coef_.T), model.intercept_).value
    assert model.converged_ and model.certificate_kind_ != "prox residual"
    assert abs(value - model.objective_) <= 1e-10 * value
    assert value - optimum(cp, case) <= model.dual_gap_ + 1e-8 * value


@pytest.mark.parametrize("shift", [0.0, 50.0])
@pytest.mark.parametrize("seed", range(4))
def test_null_model_of_a_quantile_is_no_optimum(seed, shift):
    cp = pytest.importorskip("cvxpy")
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(10, 2))
    y = X @ [1, 2] + rng.normal(size=10) + shift
    model = SingleTaskRegressor(0.5, loss=Quantile(0.1)).fit([X], [y])
    data = [X], [y], [np.ones(10)], [np.zeros(10)]
    best = optimum(cp, (Quantile(0.1), Ridge(0.5), True, data))
    assert model.coef_.any()
    assert model.objective_ - best <= model.dual_gap_ + 1e-9
    assert model.objective_ - best <= 1e-4 * best


def test_duals_are_balanced_inside_their_domain():
    rng = np.random.default_rng(0)
    bounds, weight = np.array([0, 12, 24]), np.repeat(rng.uniform(0.5, 2, 8), 3)
    weight = np.concatenate([np.tile(weight[:4], 3), np.tile(weight[12:16], 3)])
    label = rng.integers(3, size=(2, 4))
    y = (np.arange(3)[:, None] == label[:, None]).astype(float).ravel()
    loss = Multinomial(3)
    u = loss.gradient(y, rng.normal(size=24), weight, bounds)
    balanced = loss.balanced(y, u, weight, bounds)
    assert np.isfinite(loss.conjugate(y, balanced, weight, bounds))
    assert np.abs(balanced.reshape(2, 3, 4).sum(axis=2)).max() <= 1e-14


@pytest.mark.parametrize("mean", [1e5, 1e6])
@pytest.mark.parametrize("form", [True, "shared", "shrink"], ids=str)
def test_float32_certifies_what_is_returned(form, mean):
    cp = pytest.importorskip("cvxpy")
    Xs, ys, _, _ = make_data(Squared(), sizes=(20, 20), shift=mean)
    Xs = [X.astype(np.float32) for X in Xs]
    ys = [y.astype(np.float32) for y in ys]
    model = MultiTaskMeanRegressor(0.1, fit_intercept=form, lambda0=LAMBDA0)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.fit(Xs, ys)
    data = [[v.astype(float) for v in part] for part in (Xs, ys)]
    data = *data, [np.ones(20)] * 2, [np.zeros(20)] * 2
    case = Squared(), Mean(0.1), form, data
    W, c = model.coef_.T.astype(float), model.intercept_.astype(float)
    value = objective(cp, case, cp.Constant(W), c).value
    exact = MultiTaskMeanRegressor(0.1, fit_intercept=form, lambda0=LAMBDA0)
    best = exact.fit(*data[:2]).objective_
    assert value - best <= model.dual_gap_ + 1e-4 * model.tol * best + 1e-7 * best
    if not model.converged_:
        assert any("float32 alone costs" in str(w.message) for w in caught)


@thinned(
    3,
    model=[
        MultiTaskDataSharedClassifier(0.0, 0.0),
        SingleTaskClassifier(0.0),
        PooledClassifier(0.0),
    ],
    door=["list", "table"],
    form=FORMS,
    ids=str,
)
def test_separable_labels_are_said(model, door, form):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(24, 2))
    y = np.where(X[:, 0] > 0.1, 1, 0)
    task = np.repeat([0.0, 1.0], 12)
    data = [X[:12], X[12:]], [y[:12], y[12:]]
    model.set_params(fit_intercept=form, lambda0=LAMBDA0, task_column=None)
    if door == "table":
        data = np.column_stack([task, X]), y
        model.set_params(task_column=0)
    with pytest.warns(ConvergenceWarning, match="no finite optimum"):
        model.fit(*data)
    assert not model.converged_
