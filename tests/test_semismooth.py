"""Newton's method on the dual: its equations, its optima, where it takes over."""

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose

from pymtl import (
    MultiTaskL21Regressor,
    MultiTaskMeanRegressor,
    MultiTaskRegressor,
)
from pymtl.designs import Stacked
from pymtl.losses import Squared
from pymtl.penalties._task_matrix import TaskMatrix
from pymtl.solvers import Problem
from pymtl.solvers.bcd import bcd
from pymtl.solvers.semismooth import Dual, semismooth

from .test_bcd import FORMS, lists, shared, weighted, weighted_shared, with_gaps

DATA = {
    "lists": lists,
    "wide lists": lambda rng: lists(rng, 3, 10, 40),
    "shared": shared,
    "missing labels": with_gaps,
    "weights": weighted,
    "weights of a shared X": weighted_shared,
}


def problem(rng, form, ridge=0.0, positive=False, sizes=(7, 12, 9), d=15):
    """Return the problem of random tasks, some rows without weight."""
    bounds = np.cumsum([0, *sizes])
    X = rng.normal(size=(bounds[-1], d)) + rng.normal(size=(bounds[-1], 1))
    y = X[:, :3].sum(axis=1) + rng.normal(size=len(X))
    weight = rng.integers(0, 3, size=len(X)) / 10.0
    penalty = FORMS[form](0.8)
    proximal = getattr(penalty, "penalties", [penalty])[0].set_params(positive=positive)
    matrix = TaskMatrix(len(sizes), beta=ridge)
    return Problem(Stacked(X, bounds), Squared(), y, weight, matrix, proximal)


@pytest.mark.parametrize("ridge", [0.0, 0.3])
@pytest.mark.parametrize("positive", [False, True])
@pytest.mark.parametrize("form", ["l21", "l1", "sparse group"])
def test_step_solves_the_newton_equations(form, positive, ridge):
    """Against the derivative of the slope by differences, as a dense matrix."""
    rng = np.random.default_rng(3)
    dual = Dual(problem(rng, form, ridge, positive))
    V, theta = 0.1 * rng.normal(size=(15, 3)), rng.normal(size=28)
    state = dual.state(V, 0.7, theta)
    assert 0 < np.count_nonzero(state.W.any(axis=1)) < 15

    def slope(theta):
        return dual.state(V, 0.7, theta).slope

    h = 1e-6
    slopes = [slope(theta + h * e) - slope(theta - h * e) for e in np.eye(28)]
    derivative = np.stack(slopes, axis=1) / (2 * h)
    assert_allclose(derivative @ dual.direction(state), -state.slope, atol=1e-6)
    values = [dual.state(V, 0.7, theta + h * e).value for e in np.eye(28)]
    lower = [dual.state(V, 0.7, theta - h * e).value for e in np.eye(28)]
    difference = (np.array(values) - lower) / (2 * h)
    assert_allclose(difference, state.slope, atol=1e-7)


@pytest.mark.parametrize("data", DATA)
@pytest.mark.parametrize("form", FORMS)
def test_same_optimum_as_proximal_gradient(form, data):
    rng = np.random.default_rng(0)
    rows = DATA[data](rng)
    penalty = FORMS[form](0.02)
    if data == "wide lists" and form != "elastic":
        penalty.positive = True
    options = {"tol": 1e-10, "max_iter": 100_000}
    ours = MultiTaskRegressor(penalty, solver="semismooth", **options).fit(*rows)
    theirs = MultiTaskRegressor(penalty, solver="apg", **options).fit(*rows)
    assert ours.solver_ == "semismooth"
    assert ours.certificate_kind_ == "duality gap"
    assert ours.n_iter_ <= 150
    assert ours.objective_ == pytest.approx(theirs.objective_, rel=1e-9)
    assert_allclose(ours.coef_, theirs.coef_, atol=2e-4 * np.abs(theirs.coef_).max())


def test_sparse_rows_and_float32():
    rng = np.random.default_rng(2)
    X = rng.normal(size=(40, 30)) * (rng.random((40, 30)) < 0.2)
    Y = X[:, :4] @ rng.normal(size=(4, 3)) + 0.1 * rng.normal(size=(40, 3))
    fit = MultiTaskL21Regressor(0.01, solver="semismooth", tol=1e-8).fit
    dense, sparse = fit(X, Y).objective_, fit(sp.csr_array(X), Y).objective_
    assert sparse == pytest.approx(dense, rel=1e-7)
    single = MultiTaskL21Regressor(0.01, solver="semismooth")
    single.fit(X.astype(np.float32), Y.astype(np.float32))
    assert single.coef_.dtype == np.float32
    assert single.objective_ == pytest.approx(dense, rel=1e-4)


def correlated(rho, n=40, d=80, T=4):
    rng = np.random.default_rng(5)
    Xs = []
    for _ in range(T):
        X = rng.normal(size=(n, d))
        for j in range(1, d):
            X[:, j] = rho * X[:, j - 1] + np.sqrt(1 - rho**2) * X[:, j]
        Xs.append(X)
    ys = [X[:, ::8] @ rng.normal(size=10) + 0.5 * rng.normal(size=n) for X in Xs]
    return Xs, ys


@pytest.mark.parametrize("share", [1e-1, 1e-3, 1e-5])
@pytest.mark.parametrize("rho", [0.5, 0.99, 0.999])
def test_few_steps_whatever_strength_and_correlation(rho, share):
    Xs, ys = correlated(rho)
    strength = share * MultiTaskL21Regressor().lambda_max(Xs, ys)
    model = MultiTaskL21Regressor(strength, solver="semismooth", tol=1e-9)
    assert model.fit(Xs, ys).converged_
    assert model.n_iter_ <= 80


def test_takes_over_from_coordinate_descent():
    Xs, ys = correlated(0.999)
    model = MultiTaskL21Regressor(tol=1e-8)
    strength = 1e-4 * model.lambda_max(Xs, ys)
    model.set_params(lambda1=strength).fit(Xs, ys)
    assert model.solver_ == "semismooth"
    assert model.converged_
    assert model.n_iter_ <= 1300  # a thousand sweeps, and the steps
    slow = MultiTaskL21Regressor(strength, tol=1e-8, solver="bcd", max_iter=2000)
    with pytest.warns(UserWarning, match="did not converge"):
        slow.fit(Xs, ys)


def test_path_remembers_the_scale():
    """Points after the first hard one start with the scale that it has found."""
    Xs, ys = correlated(0.99)
    path = MultiTaskL21Regressor(solver="semismooth", tol=1e-8)
    path = path.path(Xs, ys, n_lambdas=20, eps=1e-4)
    assert path.certificate.max() <= 1e-8
    assert path.n_iter.mean() <= 25


def test_history_and_best_iterate():
    rng = np.random.default_rng(0)
    own = problem(rng, "sparse group", 0.1)
    null = own.objective(own.null_point)
    seen = []
    result = semismooth(
        own, own.null, 1e-12, 200, null, lambda *args: seen.append(args)
    )
    assert len(result.history) == result.n_iter == seen[-1][0]
    assert result.objective == own.objective(own.point(result.W))
    assert result.objective <= min(result.history) + 1e-12 * null
    short = semismooth(own, own.null, 1e-12, 3, null)
    assert short.n_iter == 3
    other = bcd(own, own.null, 1e-12, 10_000, null)
    assert result.objective == pytest.approx(other.objective, rel=1e-12)


def test_refuses_what_has_no_rows():
    rng = np.random.default_rng(0)
    for model in (
        MultiTaskMeanRegressor(solver="semismooth"),
        MultiTaskL21Regressor(solver="semismooth", loss="huber"),
        MultiTaskRegressor("trace_norm", solver="semismooth"),
    ):
        with pytest.raises(ValueError, match="solver='semismooth' solves squared"):
            model.fit(*lists(rng))
