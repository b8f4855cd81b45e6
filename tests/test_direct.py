"""The parts of a fit by themselves: gap, judge, refit, solvers, a ridge on a path.

These are quick, and hold each part to a formula or to another part, so that what is
wrong is named by the test that fails.
"""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from pymtl import (
    MultiTaskL1Regressor,
    MultiTaskL21Regressor,
    MultiTaskMeanRegressor,
    MultiTaskRegressor,
)
from pymtl.designs import Shared, Stacked
from pymtl.losses import Huber, Logistic, Poisson, Squared
from pymtl.losses._profiled import Profiled
from pymtl.penalties import (
    L1,
    L21,
    FusedSparseGroup,
    LInf,
    Mean,
    NetworkLasso,
    Ridge,
    SparseGroup,
)
from pymtl.penalties._base import split_quadratic
from pymtl.solvers import Problem, solve

RNG = np.random.default_rng(0)
SIZES = [7, 9, 12]
BOUNDS = np.append(0, np.cumsum(SIZES))
X = RNG.normal(size=(sum(SIZES), 4))
TRUTH = RNG.normal(size=(4, 3)) * [[2.0], [1.0], [0.0], [0.0]]
DESIGN = Stacked(X, BOUNDS)
Z = DESIGN.forward(TRUTH)
WEIGHT = np.repeat(1.0 / np.array(SIZES), SIZES)
TARGETS = {
    Squared: Z + 0.5 * RNG.normal(size=len(Z)),
    Huber: Z + RNG.normal(size=len(Z)),
    Logistic: np.where(Z + RNG.normal(size=len(Z)) > 0, 1.0, -1.0),
    Poisson: np.floor(np.exp(np.clip(Z, -2, 2))),
}
NORMS = [L1(0.1), L21(0.1), LInf(0.1), SparseGroup(0.05, 0.05)]


def problem(penalty, loss=Squared, design=DESIGN):
    matrix, proximal = split_quadratic(penalty, 3)
    return Problem(design, loss(), TARGETS[loss], WEIGHT, matrix, proximal)


def objective(penalty, W, loss=Squared):
    y, z = TARGETS[loss], DESIGN.forward(W)
    return loss().value(y, z, WEIGHT, BOUNDS) + penalty.value(W)


@pytest.mark.parametrize("loss", TARGETS)
@pytest.mark.parametrize("penalty", [*NORMS, NORMS[1] + Ridge(0.1), Ridge(0.2)])
def test_gap_is_the_objective_less_a_lower_bound(penalty, loss):
    part = problem(penalty, loss)
    best = solve(part, tol=1e-10)
    lowest = objective(penalty, best.W, loss)
    assert best.converged
    assert_allclose(best.objective, lowest, rtol=1e-10)
    assert best.gap <= 1e-8 * objective(penalty, 0 * TRUTH, loss)
    for seed in range(5):
        W = best.W + 0.1 * np.random.default_rng(seed).normal(size=TRUTH.shape)
        point = part.point(W)
        value = part.objective(point)
        assert_allclose(value, objective(penalty, W, loss), rtol=1e-12)
        gap = part.gap(point, value)
        assert gap >= value - lowest - 1e-9
        assert gap <= 100 * (value - lowest)


def test_gap_of_the_lasso_is_its_formula():
    part, W = problem(L1(0.1)), TRUTH + 0.1
    point = part.point(W)
    r = TARGETS[Squared] - DESIGN.forward(W)
    correlation = np.abs(DESIGN.adjoint(WEIGHT * r)).max()
    fit = 0.5 * np.dot(WEIGHT * r, r)
    linear = np.dot(WEIGHT * r, TARGETS[Squared])
    scale = np.clip(linear / (2 * fit), 0, 0.1 / correlation)
    gap = fit + 0.1 * np.abs(W).sum() - scale * linear + scale**2 * fit
    assert_allclose(part.gap(point, part.objective(point)), gap, rtol=1e-12)


@pytest.mark.parametrize("penalty", [*NORMS, NORMS[0] + Ridge(0.1)])
def test_judge_on_gram_matrices_says_the_same(penalty):
    part = problem(penalty)
    fast = part.fast()
    assert fast is not part
    for W in (0 * TRUTH, TRUTH, TRUTH + 0.1):
        slow, quick = part.point(W), fast.point(W)
        assert_allclose(quick.fit, slow.fit, rtol=1e-10)
        assert_allclose(quick.gradient, slow.gradient, rtol=1e-8, atol=1e-12)
        assert_allclose(quick.dual_y, slow.dual_y, rtol=1e-8, atol=1e-12)
        value = part.objective(slow)
        gap = part.gap(slow, value)
        assert_allclose(fast.gap(quick, fast.objective(quick)), gap, rtol=1e-8)
        assert part.judge(W, 1e-6) is not part
        assert part.judge(W, 0.0) is part
    assert_allclose(fast.hessian(TRUTH), part.hessian(TRUTH), rtol=1e-10)


@pytest.mark.parametrize("penalty", [NetworkLasso(0.1), NetworkLasso(0.1) + Ridge(0.1)])
@pytest.mark.parametrize("loss", TARGETS)
def test_refit_leaves_no_gradient_in_what_is_free(penalty, loss):
    part = problem(penalty, loss)
    if loss is not Squared:
        part.loss = Profiled(part.loss, False)
    assert_allclose(np.abs(part.null_basis), np.full((3, 1), 3**-0.5))
    W = part.refit(TRUTH)
    slope = part.point(W).slope
    assert_allclose(slope @ part.null_basis, 0, atol=1e-10)
    # and nothing else has moved
    moved = W - TRUTH
    assert_allclose(moved, moved[:, :1] @ np.ones((1, 3)), atol=1e-10)
    assert objective(penalty, W, loss) <= objective(penalty, TRUTH, loss)


@pytest.mark.parametrize("form", [True, False, "shrink"])
def test_a_ridge_stays_on_a_path(form):
    Xs, ys = np.split(X, BOUNDS[1:-1]), np.split(TARGETS[Squared], BOUNDS[1:-1])
    model = MultiTaskL21Regressor(lambda2=0.3, fit_intercept=form, tol=1e-9)
    path = model.path(Xs, ys, [0.2, 0.1, 0.05])
    for strength, coef, value in zip(
        path.lambdas, path.coef, path.objective, strict=True
    ):
        alone = model.set_params(lambda1=strength).fit(Xs, ys)
        assert alone.lambda2_ == 0.3
        assert_allclose(coef, alone.coef_, atol=1e-4)
        assert_allclose(value, alone.objective_, rtol=1e-8)


@pytest.mark.parametrize("solver", ["auto", "apg", "bcd"])
@pytest.mark.parametrize("penalty", [NORMS[0], NORMS[1], NORMS[3] + Ridge(0.02)])
def test_solvers_find_the_same_optimum(penalty, solver):
    found = solve(problem(penalty), solver=solver, tol=1e-9)
    best = solve(problem(penalty), solver="apg", tol=1e-11)
    assert found.converged and found.n_iter <= 400
    assert_allclose(found.W, best.W, atol=1e-4)
    assert found.certificate <= 1e-9
    assert found.history[-1] <= found.history[0]


@pytest.mark.parametrize("loss", [Huber, Logistic, Poisson])
def test_newton_takes_few_steps(loss):
    found = solve(problem(NORMS[1], loss), solver="newton", tol=1e-9)
    assert found.converged and found.n_iter <= 15
    best = solve(problem(NORMS[1], loss), solver="apg", tol=1e-10)
    assert_allclose(found.W, best.W, atol=1e-3)


@pytest.mark.parametrize("penalty", [Ridge(0.1), Mean(0.2) + Ridge(0.1), Mean(0.2)])
def test_direct_is_the_linear_system(penalty):
    found = solve(problem(penalty), solver="direct")
    L = split_quadratic(penalty, 3)[0].toarray()
    blocks = np.split(X, BOUNDS[1:-1])
    A = np.kron(L, np.eye(4))
    for t, (block, n) in enumerate(zip(blocks, SIZES, strict=True)):
        rows = slice(4 * t, 4 * t + 4)
        A[rows, rows] += block.T @ block / n
    b = DESIGN.adjoint(WEIGHT * TARGETS[Squared])
    W = np.linalg.solve(A, b.T.ravel()).reshape(3, 4).T
    assert_allclose(found.W, W, atol=1e-10)


def test_shared_and_stacked_designs_are_one_problem():
    stacked = Stacked(np.vstack([X] * 3), np.arange(4) * len(X))
    shared = Shared(X, 3)
    r, weight = RNG.normal(size=3 * len(X)), RNG.random(3 * len(X))
    assert_allclose(shared.forward(TRUTH), stacked.forward(TRUTH))
    assert_allclose(shared.adjoint(r), stacked.adjoint(r))
    for t in range(3):
        assert_allclose(shared.block(t, weight), stacked.block(t, weight))
    product = stacked.gram(weight)
    assert_allclose(shared.gram(weight)(TRUTH), product(TRUTH), rtol=1e-10)
    full = stacked.adjoint(weight * stacked.forward(TRUTH))
    assert_allclose(product(TRUTH), full, rtol=1e-10)
    some = np.array([2, 0])
    taken = stacked.take(some)
    assert_allclose(taken.adjoint(r), stacked.adjoint(r)[some])
    assert_allclose(taken.forward(TRUTH[some]), shared.take(some).forward(TRUTH[some]))


@pytest.mark.parametrize("factor", [1e-3, 1.0, 1e4])
def test_lambda_max_is_where_the_null_model_ends(factor):
    Xs = np.split(X, BOUNDS[1:-1])
    ys = [factor * y for y in np.split(TARGETS[Squared], BOUNDS[1:-1])]
    for model in (MultiTaskL1Regressor(), MultiTaskL21Regressor()):
        top = model.lambda_max(Xs, ys)
        assert not np.any(model.set_params(lambda1=1.001 * top).fit(Xs, ys).coef_)
        assert np.any(model.set_params(lambda1=0.98 * top).fit(Xs, ys).coef_)
    model = MultiTaskMeanRegressor().fit(Xs, ys)
    scaled = MultiTaskRegressor(Mean() + Ridge(0.0)).fit(Xs, ys)
    assert_allclose(scaled.coef_, model.coef_, rtol=1e-6)


@pytest.mark.parametrize("entries", [0.0, 0.1, 1.0])
@pytest.mark.parametrize("rows", [0.0, 0.1, 1.0])
def test_rows_of_the_fused_lasso_may_be_constant_at_no_cost(entries, rows):
    N = FusedSparseGroup(entries, 0.3, rows).null_space(4)
    if entries == rows == 0:
        assert_allclose(N, np.full((4, 1), 0.5))
    else:
        assert N.shape == (4, 0)
