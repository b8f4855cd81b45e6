"""Losses with kinks: certified fits, and the optima of cvxpy and scikit-learn."""

import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.linear_model import QuantileRegressor

from pymtl import MultiTaskRegressor, SingleTaskRegressor
from pymtl.losses import Hinge, Quantile, SquareRoot
from pymtl.penalties import L21, Dirty, Graph, Penalty, Ridge, TraceNorm

SIZES = (20, 30, 25, 40)
LOSSES = [Quantile(0.3), Hinge(), SquareRoot()]
PENALTIES = [
    L21(0.1),
    TraceNorm(0.15),
    Dirty(0.12, 0.06),
    Graph(0.05) + Ridge(0.02),
    L21(0.05) + Ridge(0.02),
]
ACCURACY = {"tol_gap_abs": 1e-12, "tol_gap_rel": 1e-12, "tol_feas": 1e-12}


def make_data(loss, seed=0, sizes=SIZES, d=8, noise=0.5):
    """Return tasks with heavy tails, labels where the loss wants them."""
    rng = np.random.default_rng(seed)
    W = rng.standard_normal((d, len(sizes))) * (np.arange(d)[:, None] < 4)
    Xs = [rng.standard_normal((n, d)) for n in sizes]
    ys = [
        X @ w + noise * rng.standard_t(3, size=len(X))
        for X, w in zip(Xs, W.T, strict=True)
    ]
    if loss.targets == "classification":
        ys = [np.where(y > 0, 1.0, -1.0) for y in ys]
    return Xs, ys, [rng.uniform(0.2, 2.0, n) for n in sizes]


def task_loss(loss, y, z, share):
    """Return the loss of a task in cvxpy, `share` adding up to one."""
    import cvxpy as cp

    if isinstance(loss, SquareRoot):
        return cp.norm(cp.multiply(np.sqrt(share), y - z), 2)
    if isinstance(loss, Hinge):
        return share @ cp.pos(1 - cp.multiply(y, z))
    q = loss.quantile
    return share @ cp.maximum(q * (y - z), (q - 1) * (y - z))


def omega(penalty, W):
    """Return the penalty of W (d, T) in cvxpy, and constraints."""
    import cvxpy as cp

    if isinstance(penalty, L21):
        return penalty.lambda1 * cp.sum(cp.norm(W, 2, axis=1)), []
    if isinstance(penalty, TraceNorm):
        return penalty.lambda1 * cp.normNuc(W), []
    if isinstance(penalty, Ridge):
        return penalty.lambda2 * cp.sum_squares(W), []
    if isinstance(penalty, Graph):
        T = W.shape[1]
        spread = W - W @ np.full((T, T), 1 / T)
        return penalty.lambda1 * cp.sum_squares(spread), []
    if isinstance(penalty, Dirty):
        P, Q = cp.Variable(W.shape), cp.Variable(W.shape)
        value = penalty.lambda1 * cp.sum(cp.max(cp.abs(P), axis=1))
        return value + penalty.lambda2 * cp.sum(cp.abs(Q)), [W == P + Q]
    left, right = omega(penalty.left, W), omega(penalty.right, W)
    return left[0] + right[0], left[1] + right[1]


def optimum(loss, penalty, Xs, ys, weights, task_weight):
    """Return the optimal objective."""
    cp = pytest.importorskip("cvxpy")
    W = cp.Variable((Xs[0].shape[1], len(Xs)))
    value, constraints = omega(penalty, W)
    for t, (X, y, s) in enumerate(zip(Xs, ys, weights, strict=True)):
        value += task_weight[t] * task_loss(loss, y, X @ W[:, t], s / s.sum())
    task = cp.Problem(cp.Minimize(value), constraints)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # "may be inaccurate" at such an accuracy
        task.solve(solver=cp.CLARABEL, **ACCURACY)
    return task.value


@pytest.mark.parametrize("penalty", PENALTIES, ids=lambda p: type(p).__name__)
@pytest.mark.parametrize("loss", LOSSES, ids=lambda x: type(x).__name__)
def test_optimum_of_cvxpy(loss, penalty):
    Xs, ys, weights = make_data(loss)
    task_weight = np.array([1.0, 0.5, 2.0, 1.5])
    model = MultiTaskRegressor(
        penalty, loss=loss, fit_intercept=False, task_weight=task_weight, tol=1e-9
    ).fit(Xs, ys, weights)
    assert model.converged_ and model.certificate_kind_ == "duality gap"
    assert model.solver_ == "smoothing" and model.n_iter_ == len(model.history_)
    best = optimum(loss, penalty, Xs, ys, weights, task_weight)
    assert_allclose(model.objective_, best, rtol=1e-7)
    assert model.objective_ - best <= model.dual_gap_ + 1e-8 * best


@pytest.mark.parametrize("sizes", [(1, 2, 3, 30), (5, 6, 7, 8)])
@pytest.mark.parametrize("loss", LOSSES, ids=lambda x: type(x).__name__)
def test_tasks_that_are_fitted_exactly(loss, sizes):
    data = make_data(loss, sizes=sizes, d=12)
    penalty = L21(0.02)
    model = MultiTaskRegressor(penalty, loss=loss, fit_intercept=False, tol=1e-8)
    model.fit(*data)
    assert model.converged_
    best = optimum(loss, penalty, *data, np.ones(4))
    assert_allclose(model.objective_, best, rtol=1e-6)
    if isinstance(loss, SquareRoot):
        assert model.noise_.min() <= 1e-6 * model.noise_.max() or sizes[0] > 1


@pytest.mark.parametrize("noise", [1e-3, 30.0])
@pytest.mark.parametrize("loss", [Quantile(0.8), SquareRoot()], ids=str)
def test_any_level_of_noise(loss, noise):
    data = make_data(loss, noise=noise)
    model = MultiTaskRegressor(L21(0.1), loss=loss, fit_intercept=False, tol=1e-9)
    assert model.fit(*data).converged_
    assert_allclose(
        model.objective_, optimum(loss, L21(0.1), *data, np.ones(4)), rtol=1e-6
    )


@pytest.mark.parametrize("quantile", [0.2, 0.5, 0.9])
def test_quantile_regressor_of_one_task(quantile):
    Xs, ys, _ = make_data(Quantile())
    X, y = Xs[3], ys[3]
    theirs = QuantileRegressor(quantile=quantile, alpha=0.02, fit_intercept=False)
    theirs.fit(X, y)
    ours = MultiTaskRegressor(
        L21(0.02), loss=Quantile(quantile), fit_intercept=False, tol=1e-10
    ).fit(X, y)
    assert_allclose(ours.coef_[0], theirs.coef_, atol=1e-6)


class ValueAndProx(Penalty):
    """The L1 norm of the user, without polar."""

    def __init__(self, lambda1=0.05):
        self.lambda1 = lambda1

    def value(self, W):
        return self.lambda1 * float(np.abs(W).sum())

    def prox(self, V, step):
        return np.sign(V) * np.maximum(np.abs(V) - step * self.lambda1, 0)


@pytest.mark.parametrize(
    "loss",
    [Quantile(0.3), pytest.param(Hinge(), marks=pytest.mark.slow), SquareRoot()],
    ids=lambda x: type(x).__name__,
)
def test_penalty_without_polar_has_a_residual(loss):
    data = make_data(loss)
    settings = {"loss": loss, "fit_intercept": False, "tol": 1e-9}
    model = MultiTaskRegressor(ValueAndProx(), **settings).fit(*data)
    assert model.certificate_kind_ == "prox residual" and model.converged_
    known = MultiTaskRegressor("l1", **settings)
    known.set_params(penalty=known._penalty().set_params(lambda1=0.05)).fit(*data)
    assert_allclose(model.objective_, known.objective_, rtol=1e-7)


@pytest.mark.parametrize(
    "loss",
    [Quantile(0.7), pytest.param(SquareRoot(), marks=pytest.mark.slow)],
    ids=str,
)
def test_no_penalty(loss):
    Xs, ys, weights = make_data(loss)
    model = SingleTaskRegressor(0.0, loss=loss, fit_intercept=False, tol=1e-8)
    model.fit(Xs, ys, weights)
    assert model.converged_
    best = optimum(loss, Ridge(0.0), Xs, ys, weights, np.ones(4))
    assert_allclose(model.objective_, best, rtol=1e-6)


@pytest.mark.parametrize("loss", [Quantile(0.7), SquareRoot()], ids=str)
def test_units_of_y_cancel(loss):
    Xs, ys, weights = make_data(loss)
    model = MultiTaskRegressor(loss=loss, fit_intercept=False, tol=1e-9)
    coef = model.fit(Xs, ys, weights).coef_
    big = model.fit(Xs, [1e5 * y for y in ys], weights).coef_
    assert_allclose(big, 1e5 * coef, atol=1e-5 * 1e5 * np.abs(coef).max())


def test_too_few_iterations_warn():
    data = make_data(Quantile())
    model = MultiTaskRegressor(loss=Quantile(), fit_intercept=False, max_iter=7)
    with pytest.warns(UserWarning, match="did not converge in 7 iterations"):
        model.fit(*data)
    assert not model.converged_ and len(model.history_) == 7


def test_float32():
    Xs, ys, weights = make_data(Quantile())
    model = MultiTaskRegressor(L21(0.1), loss="quantile", fit_intercept=False)
    coef = model.fit(Xs, ys, weights).coef_
    low = model.fit([X.astype(np.float32) for X in Xs], ys, weights)
    assert low.converged_
    assert_allclose(low.coef_, coef, atol=1e-2)


def test_covariates_of_the_square_root_loss():
    cp = pytest.importorskip("cvxpy")
    loss, share = SquareRoot(), np.array([0, 1, 2, 1, 0, 1, 1, 1.0])
    Xs, ys, weights = make_data(loss)
    model = MultiTaskRegressor(
        L21(0.1), loss=loss, fit_intercept=False, feature_weight=share, tol=1e-9
    ).fit(Xs, ys, weights)
    W = cp.Variable((8, 4))
    value = 0.1 * cp.sum(cp.multiply(share, cp.norm(W, 2, axis=1)))
    for t, (X, y, s) in enumerate(zip(Xs, ys, weights, strict=True)):
        value += task_loss(loss, y, X @ W[:, t], s / s.sum())
    best = cp.Problem(cp.Minimize(value)).solve(solver=cp.CLARABEL)
    assert_allclose(model.objective_, best, rtol=1e-7)


def test_covariates_of_other_losses_are_refused():
    data, share = make_data(Quantile()), [0, 1, 1, 1, 1, 1, 1, 1]
    model = MultiTaskRegressor("l21", loss="quantile", fit_intercept=False)
    with pytest.raises(ValueError, match="feature_weight of 0"):
        model.set_params(feature_weight=share).fit(*data)
