"""What a problem tells its solvers, and penalties their estimators, part by part."""

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import chi

from pymtl.designs import Shared, Stacked, StackedSparse
from pymtl.losses import Huber, Logistic, Multinomial, Poisson, Squared
from pymtl.penalties import (
    L1,
    L21,
    PENALTIES,
    Chain,
    DataShared,
    Graph,
    Mean,
    NetworkLasso,
    OrderedRows,
    Relationship,
    Ridge,
    SparseGroup,
    Tree,
)
from pymtl.penalties._base import Penalty, leading, moving, split_quadratic
from pymtl.penalties._task_matrix import TaskMatrix
from pymtl.penalties._weighted_rows import WeightedRows
from pymtl.solvers import Problem, _problem, solve
from pymtl.solvers._problem import ROUNDED, GramProblem, largest_eigenvalue
from pymtl.solvers.alm import Edges, State
from pymtl.solvers.support import has_support, newton_on_support

BOUNDS = np.array([0, 7, 12, 21])


def problem(penalty=None, loss=None, scale=1.0, seed=0, sparse=False):
    rng = np.random.default_rng(seed)
    X = (
        scale
        * rng.normal(size=(21, 3))
        * np.repeat([1.0, 3.0, 0.2], [7, 5, 9])[:, None]
    )
    design = Stacked(X, BOUNDS)
    if sparse:
        design = StackedSparse.of_rows(sp.csr_array(X), BOUNDS)
    loss = loss or Squared()
    y = X @ [1.0, -1.0, 0.5] + rng.normal(size=21)
    y = {Logistic: np.where(y > 0, 1.0, -1.0), Poisson: np.floor(np.abs(y))}.get(
        type(loss), y
    )
    matrix, proximal = split_quadratic(penalty, 3) if penalty else (None, None)
    weight = rng.uniform(0.5, 1.5, 21)
    return Problem(design, loss, y, weight, matrix, proximal)


def grams(part):
    blocks = [part.design.block(t, part.weight) for t in range(3)]
    return [B.T @ B for B in blocks]


@pytest.mark.parametrize("ridge", [0.0, 0.4])
def test_majorants_are_tight(ridge):
    part = problem(L21(0.1) + Ridge(ridge))
    whole, entry = part.majorant(False), part.majorant(True)
    for t, H in enumerate(grams(part)):
        top = np.linalg.eigvalsh(H)[-1] + 2 * ridge
        assert_allclose(whole[:, t], top, rtol=1e-9)
        unit = np.sqrt(np.diagonal(H))
        top = np.linalg.eigvalsh(H / unit / unit[:, None])[-1]
        assert_allclose(entry[:, t], unit**2 * top + 2 * ridge, rtol=1e-9)
        low = part.estimate()[:, t]
        assert np.all(low <= entry[:, t] * (1 + 1e-9))
        assert np.all(low >= 0.3 * entry[:, t])
    X = part.design.X[:7]
    weight = np.r_[np.ones(7), np.full(7, 3.0)]
    shared = Problem(Shared(X, 2), Squared(), np.ones(14), weight)
    top = np.linalg.eigvalsh(X.T @ X)[-1]
    assert_allclose(shared.majorant(False), np.ones((3, 1)) * [top, 3 * top], rtol=1e-9)
    empty = Problem(Shared(X * [1.0, 0.0, 1.0], 2), Squared(), np.ones(14), weight)
    assert np.all(empty.majorant(True) > 0)


def test_estimates_do_not_depend_on_signs_and_order():
    part = problem(L21(0.1))
    one = part.estimate()
    turned = Problem(part.design, part.loss, -part.y, part.weight, None, L21(0.1))
    assert_allclose(turned.estimate(), one, rtol=1e-12)
    order = np.array([2, 0, 1])
    moved = Stacked(part.design.X[:, order], BOUNDS)
    other = Problem(moved, part.loss, part.y, part.weight, None, L21(0.1))
    assert_allclose(other.estimate(), one[order], rtol=1e-10)


def test_largest_eigenvalue(monkeypatch):
    rng = np.random.default_rng(0)
    for shape in ((9, 4), (4, 9), (1, 1), (6, 6)):
        B = rng.normal(size=shape)
        top = np.linalg.norm(B, 2) ** 2
        assert_allclose(largest_eigenvalue(B), top, rtol=1e-9)
    assert largest_eigenvalue(np.zeros((0, 3))) == 0.0
    B = rng.normal(size=(9, 7))
    top = np.linalg.norm(B, 2) ** 2
    monkeypatch.setattr(_problem, "DENSE_EIGEN", 6)
    assert top < largest_eigenvalue(B) < 1.02 * top
    monkeypatch.setattr(_problem, "DENSE_EIGEN", 7)
    assert_allclose(largest_eigenvalue(B), top, rtol=1e-9)
    monkeypatch.setattr(_problem, "DENSE_EIGEN", 8)
    assert_allclose(largest_eigenvalue(B), top, rtol=1e-9)


def test_gram_matrices_where_they_pay(monkeypatch):
    part = problem()
    assert isinstance(part.fast(), GramProblem)
    assert problem(loss=Logistic()).fast().__class__ is Problem
    for bytes_, kind in ((8 * 3 * 9, GramProblem), (8 * 3 * 9 - 1, Problem)):
        monkeypatch.setattr(_problem, "GRAM_BYTES", bytes_)
        assert type(problem().fast()) is kind
    monkeypatch.setattr(_problem, "GRAM_BYTES", 2**20)
    for rows, kind in ((8, Problem), (9, GramProblem)):  # of nine coefficients
        few = problem()
        few.weight[rows:] = 0.0
        assert type(few.fast()) is kind


FREE = np.array([[1.0, 0.0, 0.0]] * 3).T


def separable(loss, penalty=None, flip=None):
    """Labels that the first feature separates, but for one row of the task `flip`."""
    part = problem(penalty, loss)
    part.y = np.where(part.design.X[:, 0] > 0, 1.0, -1.0)
    if flip is not None:
        row = BOUNDS[flip]
        part.y[row] = -part.y[row]
    return part


def test_labels_that_are_separated_at_no_cost():
    W = 1e3 * FREE
    assert separable(Logistic()).separates(W)
    assert separable(Logistic(), flip=0).separates(W)  # one task is enough
    every = separable(Logistic())
    every.y = -every.y
    assert not every.separates(W) and every.separates(-W)
    assert not separable(Logistic(), Ridge(1e-3)).separates(W)
    assert not separable(Logistic(), L21(1e-3)).separates(W)
    common = NetworkLasso(0.1)
    assert separable(Logistic(), common).separates(W)
    assert not separable(Logistic(), common, flip=0).separates(W)  # all have to be
    # the quadratic sees the common part: it costs
    assert not separable(Logistic(), common + Ridge(1e-6)).separates(W)
    # and a quadratic that does not see it costs nothing, whatever the scale
    assert separable(Logistic(), common + Mean(5.0)).separates(W)
    poisson = separable(Logistic(), common)
    poisson.loss = Poisson()
    assert not poisson.separates(W)


@pytest.mark.parametrize("loss", [Squared(), Huber(), Logistic()])
def test_gradients_of_extrapolations(loss):
    part = problem(Ridge(0.2), loss)
    rng = np.random.default_rng(1)
    new, old = (part.point(rng.normal(size=(3, 3))) for _ in range(2))
    for beta in (0.0, 0.7):
        V = new.W + beta * (new.W - old.W)
        slope = part.gradient_at(V, new, old, beta)
        assert_allclose(slope, part.point(V).slope, atol=1e-10)


def test_predictions_by_the_columns_in_use():
    rng = np.random.default_rng(0)
    design = Stacked(rng.normal(size=(21, 8)), BOUNDS)
    part = Problem(design, Squared(), np.ones(21), np.ones(21))
    for used in ([], [5], [1, 6], [0, 1, 2, 7], range(8)):
        W = np.zeros((8, 3))
        W[list(used)] = rng.normal(size=(len(used), 3))
        assert_allclose(part.predictions(W), design.forward(W), atol=1e-13)


@pytest.mark.parametrize("loss", [Squared(), Logistic()])
@pytest.mark.parametrize("penalty", [Ridge(5.0), L1(0.2) + Ridge(5.0)])
def test_a_gap_below_zero_is_rounding_or_no_bound(loss, penalty):
    part = problem(penalty, loss)
    W = solve(part, tol=1e-13).W
    point = part.point(W)
    objective = part.objective(point)
    gap = part.gap(point, objective)
    assert gap <= 1e-12 * objective
    size = 2 * objective + part.yy
    if isinstance(loss, Logistic):
        size = 2 * objective + np.abs(point.dual) @ (np.abs(part.y) + np.abs(point.z))
    quad = point.quad
    if part.proximal is None:
        quad = part.matrix.conjugate(point.gradient)
    # the dual objective is that of the primal but for the quadratic, which has its own
    size += 2 * quad
    eps = ROUNDED * np.finfo(float).eps
    for share, expected in ((0.9, 0.0), (1.15, None)):
        claimed = objective - share * eps * size
        found = part.gap(point, claimed)
        assert found == (claimed if expected is None else expected)
    assert part.gap(point, np.inf) == np.inf


class Plain(Penalty):
    """The norm of entries, of which nothing is known but value and prox."""

    strengths = ("lambda1",)

    def __init__(self, lambda1=0.1):
        self.lambda1 = lambda1

    def value(self, W):
        return self.lambda1 * float(np.abs(W).sum())

    def prox(self, V, step):
        return np.sign(V) * np.maximum(np.abs(V) - step * self.lambda1, 0.0)


def test_prox_residual_is_a_step_of_the_metric():
    part = problem(Plain(1.0))
    found = solve(part, tol=1e-3)
    assert found.kind == "prox residual" and found.converged
    metric = part.metric()
    slope = part.point(found.W).slope
    moved = part.proximal.prox(found.W - slope / metric, 1 / metric)
    unit = np.linalg.norm(part.design.adjoint(part.weight * part.y))
    residual = np.linalg.norm(metric * (found.W - moved)) / unit
    assert_allclose(found.certificate, residual, rtol=1e-9)
    best = solve(problem(L1(1.0)), tol=1e-12)
    assert_allclose(solve(part, tol=1e-9).W, best.W, atol=1e-6)


@pytest.mark.parametrize("penalty", PENALTIES.values(), ids=str)
def test_labels_have_an_order_unless_said_otherwise(penalty):
    for example in penalty.examples(3, 4):
        assert example.align(np.arange(4)).strengths == example.strengths


def test_what_a_path_moves():
    both = L21(0.3) + Ridge(0.2)
    assert [type(p) for p in moving(both)] == [L21]
    assert leading(both) == ("lambda1", 0.3)
    assert leading(DataShared(0.4, 0.2)) == ("lambda1", 0.4)
    assert leading(DataShared(0.0, 0.2)) == ("lambda2", 0.2)
    with pytest.raises(ValueError, match="no positive strength"):
        leading(L1(0.0))


def test_useful_range_of_data_shared():
    assert DataShared().unit(3, 4) == {"lambda1": 1.0, "lambda2": 0.5}
    assert "common part is zero" in DataShared(1.0, 0.2).range_warning(3, 4)
    assert "common part is zero" in DataShared(1.0, 0.25).range_warning(3, 4)
    for fine in (DataShared(1.0, 0.26), DataShared(1.0, 0.0), DataShared(8.0, 3.0)):
        assert fine.range_warning(3, 4) is None


def test_correlations_of_tasks_without_coefficients():
    W = np.array([[1.0, 2.0, 0.0], [0.0, 1.0, 0.0]])
    learned = Relationship(1.0, 1.0).learned(W, [W], np.arange(3))
    correlation = learned["task_correlation_"]
    assert_array_equal(np.diagonal(correlation), np.ones(3))
    S = learned["task_covariance_"]
    expected = S[0, 1] / np.sqrt(S[0, 0] * S[1, 1])
    assert_allclose(correlation[:2, :2], [[1.0, expected], [expected, 1.0]])
    assert_array_equal(correlation[2], [0.0, 0.0, 1.0])
    square = S @ S
    assert_allclose(square / square[0, 0], W.T @ W, atol=1e-12)


def test_nodes_of_weight_zero_penalise_nothing():
    tree = ([0, 1, ([2, 3], 0.0)], 1.0)
    W = np.random.default_rng(0).normal(size=(2, 4))
    flat = Tree(0.5, ([0, 1, 2, 3], 1.0))
    assert_allclose(Tree(0.5, tree).value(W), flat.value(W))
    with pytest.raises(ValueError, match="leaves 1 of 4 tasks unpenalised"):
        Tree(0.5, ([(3, 0.0), ([0, 1, 2], 1.0)], 0.0)).value(W)


def test_a_quadratic_that_does_not_hold_a_new_task():
    W = np.random.default_rng(0).normal(size=(2, 3))
    prior = Mean(0.0).new_task(W, None)
    assert_array_equal(prior.mean, np.zeros(2))
    assert_allclose(Mean(0.5).new_task(W, None).mean, W.mean(axis=1))


def test_order_of_a_network_is_a_chain():
    order, mean = NetworkLasso(0.5, "order"), NetworkLasso(0.5, "mean")
    labels = np.array(["a", "b", "c"])
    assert mean.align(labels, ordered=False) is mean
    assert order.align(labels) is order
    for penalty in (order, Graph(0.5, "order"), Chain(0.5)):
        with pytest.raises(ValueError, match="depends on the order of the tasks"):
            penalty.align(labels, ordered=False)
    W = np.array([[1.0, 3.0, 7.0, 8.0]])
    assert_allclose(order.value(W), 0.5 * 7)
    # the edges are read once for each number of tasks
    first = order._edges(4)
    assert order._edges(4) is first
    assert len(order._edges(3)[0]) == 2
    assert_allclose(order.value(W[:, :3]), 0.5 * 6)


def test_auto_of_a_graph_does_not_depend_on_its_weights():
    rng = np.random.default_rng(0)
    gradient, curvature = rng.normal(size=(3, 3)), 2.0
    A = np.array([[0.0, 1, 0], [1, 0, 2], [0, 2, 0]])
    strengths = [
        Graph("auto", c * A).resolve(gradient, curvature).lambda1 * c
        for c in (1e-3, 1.0, 1e3)
    ]
    assert_allclose(strengths, strengths[0])
    none = Graph("auto", np.zeros((3, 3))).resolve(gradient, curvature)
    assert none.lambda1 > 0


def test_shares_of_probability_go_where_they_lack():
    y = np.eye(3)[:, [0, 0, 1, 2]].ravel()
    p = np.array([[0.2, 0.2, 0.1, 0.1], [0.7, 0.6, 0.8, 0.7], [0.1, 0.2, 0.1, 0.2]])
    weight = np.ones(12)
    u = p.ravel() - y
    near = Multinomial(3).balanced(y, u, weight, np.array([0, 12]))
    kept = 1.0 / p[1].sum()
    freed = (1 - kept) * p[1]
    lack = np.array([2 - p[0].sum(), 0.0, 1 - p[2].sum()])
    P = p + np.outer(lack / lack.sum(), freed)
    P[1] = kept * p[1]
    assert_allclose(near, P.ravel() - y, atol=1e-12)


def test_sparse_matrices_that_may_be_singular_are_not_factored():
    for beta, laplacian, expected in (
        (0.0, False, False),
        (0.5, False, True),
        (0.0, True, True),
    ):
        matrix = TaskMatrix(600, beta, matrix=sp.csr_array((600, 600)))
        matrix.laplacian = laplacian
        assert bool(matrix.sparse) is expected


def edges_and_point():
    part = problem(Ridge(0.1))
    edges = Edges(np.array([0, 1]), np.array([1, 2]), np.array([0.5, 2.0]), 3)
    rng = np.random.default_rng(2)
    return part, edges, rng


def test_falls_of_the_augmented_lagrangian():
    part, edges, rng = edges_and_point()
    flow, rho = rng.normal(size=(2, 3)), np.array([0.7, 3.0])

    def lagrangian(W):
        point = part.point(W)
        pushed = flow + rho[:, None] * edges.difference(W)
        size = np.linalg.norm(pushed, axis=1)
        # the least of strength ||v|| + ||v - pushed / rho||^2 rho / 2
        v = np.maximum(1 - edges.strength / size, 0.0) * size / rho
        least = edges.strength * v + 0.5 * rho * (size / rho - v) ** 2
        return point.fit + point.quad + least.sum()

    for size in (0.01, 0.5, 3.0):
        W, step = rng.normal(size=(3, 3)), size * rng.normal(size=(3, 3))
        state = State(edges, part.point(W), flow, rho)
        step *= np.sign(np.vdot(state.residual, step))
        curvature = np.vdot(part.hessian(step) + part.matrix.apply(step), step)
        length, fall = state.search(step, float(curvature))
        assert_allclose(fall, lagrangian(W) - lagrangian(W + length * step), atol=1e-9)
        assert fall > 0


def test_flows_of_edges_that_are_fused_stay():
    _, edges, rng = edges_and_point()
    U, W = rng.normal(size=(2, 3)), rng.normal(size=(3, 3))
    W[:, 1] = W[:, 0]
    found, apart = edges.saturate(W, U), W[:, 1] - W[:, 2]
    assert_array_equal(found[0], U[0])
    assert_allclose(found[1], 2.0 * apart / np.linalg.norm(apart))
    A = rng.normal(size=(3, 3))
    A -= A.mean(axis=1, keepdims=True)
    assert_allclose(edges.divergence(edges.complete(A, U)), A, atol=1e-12)


def test_rows_with_a_strength_each():
    rows = WeightedRows(np.array([0.5, 0.0, 2.0]), 3.0)
    G = np.array([[0.3, 0.4], [3.0, 4.0], [0.0, 1.0]])
    assert_allclose(rows.polar(G), 1.0)
    assert_allclose(rows.conjugate(G), 3.0 * 5.0)
    assert_allclose(rows.value(G), 0.25 + 2.0)


def test_weights_of_ordered_rows():
    for d, m, q in ((5, 3, 0.1), (2, 1, 0.4)):
        expected = chi(m).isf(q * np.arange(1, d + 1) / d)
        weights = OrderedRows(1.0, q=q).falling((d, m))
        assert_allclose(weights, expected / expected[0], rtol=1e-9)
    for wrong in ([0.0, 0.0], [-0.5, -1.0], [1.0, 2.0], [1.0, -1.0], [1.0, np.nan]):
        with pytest.raises(ValueError, match="the first above 0"):
            OrderedRows(1.0, wrong).falling((2, 3))
    assert_array_equal(OrderedRows(1.0, [1.0, 0.0]).falling((2, 3)), [1.0, 0.0])


def test_steps_on_the_support():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 3))
    design, y = Stacked(X, np.array([0, 20, 40, 60])), rng.normal(size=60)

    def of(penalty):
        matrix, proximal = split_quadratic(penalty, 3)
        return Problem(design, Squared(), y + X[:, 0], np.ones(60), matrix, proximal)

    part = of(L21(2.0)).fast()
    assert has_support(part)
    assert not has_support(of(L21(2.0)))
    assert not has_support(of(SparseGroup(2.0, 0.1)).fast())
    assert not has_support(of(L21(2.0, positive=True)).fast())
    part.y = y[:35]
    assert not has_support(part)
    part.y = y
    best = solve(of(L21(2.0)), tol=1e-13)
    near = best.W * (1 + 0.05 * rng.normal(size=(3, 3)))
    step = newton_on_support(part, near)
    assert np.abs(step - best.W).max() < 0.2 * np.abs(near - best.W).max()


def test_what_solvers_say_they_are_for():
    part = problem(NetworkLasso(0.1))
    free = "each with or without a ridge); use"
    with pytest.raises(ValueError, match="a ridge. and with intercepts free or absent"):
        solve(part, solver="semismooth")
    with pytest.raises(ValueError) as caught:
        solve(part, solver="bcd")
    assert free in str(caught.value)


def test_named_graphs():
    for name, penalty in (("mean", Mean(0.7)), ("order", Chain(0.7))):
        matrix = Graph(0.7, name).quadratic(4).toarray()
        assert_allclose(matrix, penalty.quadratic(4).toarray(), atol=1e-12)
    W = np.random.default_rng(0).normal(size=(2, 3))
    new = Graph(0.7).new_task(W, None)
    assert_allclose(new.mean, Mean(0.7).new_task(W, None).mean)
