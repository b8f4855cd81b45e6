"""Network lasso: optima, the groups that fuse, lambda_max, and the prox."""

import warnings

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.metrics import adjusted_rand_score

from pymtl import (
    MultiTaskNetworkLassoRegressor,
    MultiTaskRegressor,
    PooledRegressor,
    SingleTaskRegressor,
)
from pymtl.designs import Stacked
from pymtl.losses import Logistic
from pymtl.losses._profiled import Profiled
from pymtl.penalties import Graph, NetworkLasso, Ridge
from pymtl.solvers import Problem
from pymtl.solvers.alm import alm
from pymtl.solvers.newton import newton

RING = [(0, 1), (1, 2, 0.5), (2, 3, 2.0), (3, 0), (3, 4, 0.25)]
TWO_PARTS = [(0, 1), (1, 2, 0.5), (3, 4, 2.0)]
GRAPHS = {
    "mean": ("mean", [(a, b, 0.2) for b in range(5) for a in range(b)]),
    "order": ("order", [(t, t + 1) for t in range(4)]),
    "ring": (RING, RING),
    "two parts": (TWO_PARTS, TWO_PARTS),
}


def make_problem(n_tasks=5, n_features=4, seed=0):
    """Return tasks of different size, the first with fewer rows than features."""
    rng = np.random.default_rng(seed)
    W = np.cumsum(rng.normal(size=(n_tasks, n_features)) / 2, axis=0)
    Xs = [rng.normal(size=(3 + 5 * t, n_features)) + 1 for t in range(n_tasks)]
    return Xs, [
        X @ w + 0.5 * rng.normal(size=len(X)) + 3 for X, w in zip(Xs, W, strict=True)
    ]


def adjacency(edges, n_tasks=5):
    A = np.zeros((n_tasks, n_tasks))
    for a, b, *weight in edges:
        A[a, b] = A[b, a] = weight[0] if weight else 1.0
    return A


def loss(Xs, ys, W, c):
    """Return the loss at W (n_tasks, n_features), of NumPy or of cvxpy."""
    return sum(
        ((y - X @ W[t] - c[t]) ** 2).sum() / (2 * len(y))
        for t, (X, y) in enumerate(zip(Xs, ys, strict=True))
    )


def penalty_of(W, edges, norm=np.linalg.norm):
    return sum((w[0] if w else 1.0) * norm(W[a] - W[b]) for a, b, *w in edges)


def optimum(Xs, ys, edges, lambda1, lambda2, form=True, lambda0=0.0):
    """Return the smallest objective, by cvxpy."""
    cp = pytest.importorskip("cvxpy")
    W, c = cp.Variable((len(Xs), Xs[0].shape[1])), cp.Variable(len(Xs))
    objective = lambda1 * penalty_of(W, edges, cp.norm) + lambda2 * cp.sum_squares(W)
    if form is False:
        c = np.zeros(len(Xs))
    elif form == "shared":
        c = cp.Variable() * np.ones(len(Xs))
    elif form == "shrink":
        objective += lambda0 * cp.sum_squares(c - cp.sum(c) / len(Xs))
    objective += loss(Xs, ys, W, c)
    accuracy = {"tol_gap_abs": 1e-11, "tol_gap_rel": 1e-11, "tol_feas": 1e-11}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # "may be inaccurate" at such an accuracy
        return cp.Problem(cp.Minimize(objective)).solve(cp.CLARABEL, **accuracy)


@pytest.mark.parametrize("lambda1", [0.02, 0.3, 2.0])
@pytest.mark.parametrize("lambda2", [0.0, 0.1])
@pytest.mark.parametrize("graph", GRAPHS)
def test_optimum_is_that_of_cvxpy(graph, lambda1, lambda2):
    given, edges = GRAPHS[graph]
    Xs, ys = make_problem()
    expected = optimum(Xs, ys, edges, lambda1, lambda2)
    for tol in (1e-5, 1e-10):
        model = MultiTaskNetworkLassoRegressor(lambda1, lambda2, given, tol=tol)
        model.fit(Xs, ys)
        value = loss(Xs, ys, model.coef_, model.intercept_)
        value += lambda1 * penalty_of(model.coef_, edges)
        value += lambda2 * np.sum(model.coef_**2)
        assert model.certificate_kind_ == "duality gap"
        assert model.certificate_ <= tol
        assert model.solver_ == "alm" or model.n_iter_ == 1  # the null model
        assert_allclose(model.objective_, value, rtol=1e-10)
        assert expected * (1 - 1e-8) <= value
        assert value <= expected * (1 + 1e-8) + model.dual_gap_
    assert_allclose(value, expected, rtol=1e-7)


@pytest.mark.parametrize("form", [False, "shared", "shrink"])
@pytest.mark.parametrize("lambda2", [0.0, 0.1])
def test_optimum_with_every_form_of_the_intercepts(lambda2, form):
    Xs, ys = make_problem()
    model = MultiTaskNetworkLassoRegressor(
        0.3, lambda2, RING, fit_intercept=form, lambda0=0.4, tol=1e-10
    ).fit(Xs, ys)
    assert model.certificate_ <= 1e-10
    expected = optimum(Xs, ys, RING, 0.3, lambda2, form, 0.4)
    assert_allclose(model.objective_, expected, rtol=1e-7)


@pytest.mark.filterwarnings("ignore:The null loss:UserWarning")
@pytest.mark.parametrize(
    "seed",
    [*range(5), *(pytest.param(n, marks=pytest.mark.slow) for n in range(5, 20))],
)
def test_random_problems_are_solved(seed):
    """Fewer rows than features, wild scales, any graph, any strength."""
    rng = np.random.default_rng(seed)
    n_tasks, d = rng.integers(2, 15), rng.integers(1, 12)
    Xs = [
        10.0 ** rng.uniform(-1, 1) * rng.normal(size=(rng.integers(1, 30), d))
        for _ in range(n_tasks)
    ]
    ys = [X @ rng.normal(size=d) + rng.normal(size=len(X)) for X in Xs]
    A = np.triu(10.0 ** rng.uniform(-1, 1, (n_tasks, n_tasks)), 1)
    A *= rng.uniform(size=A.shape) < rng.choice([0.2, 0.5, 1.0])
    ridge = rng.choice([0.0, 1e-4, 0.1])
    model = MultiTaskNetworkLassoRegressor(1.0, ridge, graph=A + A.T, tol=1e-10)
    top = model.lambda_max(Xs, ys)
    for share in (0.003, 0.1, 0.7, 1.0001):
        model.set_params(lambda1=share * top).fit(Xs, ys)
        assert model.converged_


def test_shared_design_and_float32():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 6))
    Y = X @ np.repeat(rng.normal(size=(6, 2)), 4, axis=1) + rng.normal(size=(40, 8))
    model = MultiTaskNetworkLassoRegressor(tol=1e-10).fit(X, Y)
    lists = MultiTaskNetworkLassoRegressor(model.lambda1_, tol=1e-10)
    lists.fit([X] * 8, list(Y.T))
    assert_allclose(model.coef_, lists.coef_, atol=1e-6)
    single = MultiTaskNetworkLassoRegressor(model.lambda1_)
    single.fit(X.astype(np.float32), Y)
    assert single.converged_ and single.coef_.dtype == np.float32
    assert_allclose(single.coef_, model.coef_, atol=1e-2)


# Equivalences and limits


@pytest.mark.parametrize("ridge", [0.0, 0.2])
@pytest.mark.parametrize("graph", GRAPHS)
def test_from_lambda_max_on_each_component_is_one_group(graph, ridge):
    Xs, ys = make_problem()
    model = MultiTaskNetworkLassoRegressor(1.0, ridge, GRAPHS[graph][0])
    top = model.lambda_max(Xs, ys)
    parts = [[0, 1, 2], [3, 4]] if graph == "two parts" else [[0, 1, 2, 3, 4]]
    for share in (1 + 1e-9, 3.0, 1e6):
        model.set_params(lambda1=share * top).fit(Xs, ys)
        assert len(set(model.task_groups_)) == len(parts)
        for part in parts:
            pooled = PooledRegressor(ridge, fit_intercept=True)
            pooled.fit([Xs[t] for t in part], [ys[t] for t in part])
            assert_allclose(model.coef_[part], pooled.coef_, rtol=1e-7)
    if graph in ("order", "two parts"):  # without cycles the bound is exact
        model.set_params(lambda1=0.99 * top).fit(Xs, ys)
        assert len(set(model.task_groups_)) > len(parts)


@pytest.mark.parametrize("ridge", [0.0, 0.2])
def test_lambda_max_of_a_chain_is_that_of_its_only_flow(ridge):
    """On a chain the flow of an edge is the sum of the gradients on its left."""
    Xs, ys = make_problem()
    pooled = PooledRegressor(ridge, fit_intercept=True).fit(Xs, ys)
    w, c = pooled.coef_[0], pooled.intercept_
    gradient = [
        X.T @ (y - X @ w - c[t]) / len(y) - 2 * ridge * w
        for t, (X, y) in enumerate(zip(Xs, ys, strict=True))
    ]
    flow = np.cumsum(gradient, axis=0)
    assert_allclose(flow[-1], 0, atol=1e-10)
    model = MultiTaskNetworkLassoRegressor("auto", ridge, graph="order")
    top = np.linalg.norm(flow[:-1], axis=1).max()
    assert_allclose(model.lambda_max(Xs, ys), top, rtol=1e-8)
    assert_allclose(model.fit(Xs, ys).lambda1_, 0.1 * top, rtol=1e-8)


def test_no_strength_and_no_links_leave_the_tasks_alone():
    Xs, ys = (part[1:] for part in make_problem())
    alone = SingleTaskRegressor(0.0).fit(Xs, ys)
    for model in (
        MultiTaskNetworkLassoRegressor(0.0),
        MultiTaskNetworkLassoRegressor(1e-9, graph="order"),
        MultiTaskNetworkLassoRegressor(5.0, graph=np.zeros((4, 4))),
    ):
        model.fit(Xs, ys)
        assert_allclose(model.coef_, alone.coef_, rtol=1e-4)
        assert_array_equal(model.task_groups_, np.arange(4))


def test_one_task_has_no_neighbours():
    X, y = (part[-1] for part in make_problem())
    for ridge in (0.0, 0.2):
        alone = SingleTaskRegressor(ridge).fit([X], [y])
        for lambda1 in ("auto", 3.0):
            model = MultiTaskNetworkLassoRegressor(lambda1, ridge).fit([X], [y])
            assert_allclose(model.coef_, alone.coef_, rtol=1e-6)
            assert_array_equal(model.task_groups_, [0])
            assert model.converged_


def test_graph_may_come_in_any_form():
    Xs, ys = make_problem()
    expected = MultiTaskNetworkLassoRegressor(0.3, graph=RING).fit(Xs, ys)
    A = adjacency(RING)
    for graph in (A, sp.csr_array(A), A.tolist()):
        model = MultiTaskNetworkLassoRegressor(0.3, graph=graph).fit(Xs, ys)
        assert_allclose(model.coef_, expected.coef_, atol=1e-10)
    names = ["e", "a", "d", "c", "b"]
    labelled = [(names[a], names[b], *w) for a, b, *w in RING]
    model = MultiTaskNetworkLassoRegressor(0.3, graph=labelled)
    model.fit(dict(zip(names, Xs, strict=True)), dict(zip(names, ys, strict=True)))
    position = [model.tasks_.tolist().index(name) for name in names]
    assert_allclose(model.coef_[position], expected.coef_, atol=1e-6)
    with pytest.raises(ValueError, match="negative"):
        MultiTaskNetworkLassoRegressor(0.3, graph=-A).fit(Xs, ys)


def test_feature_weights_scale_the_distances():
    """Weight q_j of a feature is the network lasso of X with the column x_j / q_j."""
    Xs, ys = make_problem()
    q = np.array([0.5, 1.0, 2.0, 4.0])
    for ridge in (0.0, 0.1):
        model = MultiTaskNetworkLassoRegressor(
            0.3, ridge, RING, feature_weight=q, tol=1e-9
        ).fit(Xs, ys)
        value = loss(Xs, ys, model.coef_, model.intercept_)
        value += 0.3 * penalty_of(q * model.coef_, RING)
        value += ridge * np.sum(q * model.coef_**2)
        assert_allclose(model.objective_, value, rtol=1e-10)
        assert model.certificate_ <= model.tol
    free = MultiTaskNetworkLassoRegressor(
        1e3, graph=RING, feature_weight=[0.0, 1, 1, 1]
    ).fit(Xs, ys)
    assert_array_equal(free.task_groups_, 0)  # among the features with a weight
    assert np.ptp(free.coef_[:, 1:], axis=0).max() < 1e-9
    assert np.ptp(free.coef_[:, 0]) > 0.1


def test_in_a_sum_and_by_proximal_gradient():
    Xs, ys = make_problem()
    penalty = NetworkLasso(0.3, RING) + Graph(0.1, "order")
    model = MultiTaskRegressor(penalty, tol=1e-10).fit(Xs, ys)
    assert model.solver_ == "alm"
    assert model.certificate_ <= 1e-10
    value = loss(Xs, ys, model.coef_, model.intercept_)
    value += 0.3 * penalty_of(model.coef_, RING)
    value += 0.1 * np.sum(np.diff(model.coef_, axis=0) ** 2)
    assert_allclose(model.objective_, value, rtol=1e-10)
    forced = MultiTaskRegressor(
        NetworkLasso(0.3, RING) + Ridge(0.1), solver="apg", tol=1e-8
    ).fit(Xs, ys)
    assert forced.solver_ == "apg"
    other = MultiTaskNetworkLassoRegressor(0.3, 0.1, RING, tol=1e-10).fit(Xs, ys)
    assert_allclose(forced.coef_, other.coef_, atol=1e-5)
    assert_array_equal(forced.task_groups_, other.task_groups_)


@pytest.mark.parametrize("lambda1", [0.05, 3.0])
def test_other_losses_are_certified(lambda1):
    cp = pytest.importorskip("cvxpy")
    Xs, ys = make_problem()
    W, c = cp.Variable((5, 4)), cp.Variable(5)
    objective = lambda1 * penalty_of(W, RING, cp.norm)
    for t, (X, y) in enumerate(zip(Xs, ys, strict=True)):
        objective += cp.sum(cp.huber(y - X @ W[t] - c[t], 1.35)) / (2 * len(y))
    expected = cp.Problem(cp.Minimize(objective)).solve(cp.CLARABEL)
    model = MultiTaskNetworkLassoRegressor(lambda1, graph=RING, loss="huber", tol=1e-8)
    model.fit(Xs, ys)
    assert model.solver_ == "newton"
    assert model.certificate_kind_ == "duality gap"
    assert_allclose(model.objective_, expected, rtol=1e-7)


def test_newton_steps_certify_the_logistic_loss():
    """The flows of the last model are nearly those of the loss."""
    cp = pytest.importorskip("cvxpy")
    Xs, ys = make_problem()
    ys = [np.where(y > np.median(y), 1.0, -1.0) for y in ys]
    bounds = np.cumsum([0] + [len(y) for y in ys])
    weight = np.concatenate([np.full(len(y), 1 / len(y)) for y in ys])
    problem = Problem(
        Stacked(np.concatenate(Xs), bounds),
        Profiled(Logistic(), False),
        np.concatenate(ys),
        weight,
        Ridge(0.01).quadratic(5),
        NetworkLasso(0.1, adjacency(RING)),
    )

    def inner(model, W, gap, most):
        return alm(model, W, gap, 1000, 1.0)

    result = newton(problem, np.zeros((4, 5)), 1e-9, inner=inner)
    point = problem.point(result.W)
    objective = problem.objective(point)
    W = cp.Variable((5, 4))
    penalty = 0.1 * penalty_of(W, RING, cp.norm) + 0.01 * cp.sum_squares(W)
    losses = [
        cp.sum(cp.logistic(-cp.multiply(y, X @ W[t]))) / len(y)
        for t, (X, y) in enumerate(zip(Xs, ys, strict=True))
    ]
    expected = cp.Problem(cp.Minimize(penalty + sum(losses))).solve(cp.CLARABEL)
    assert_allclose(objective, expected, rtol=1e-7)
    assert problem.gap(point, objective, result.polar) <= 1e-8 * objective
    assert result.n_iter <= 10


# Structure


def test_planted_groups_are_found():
    rng = np.random.default_rng(0)
    truth = np.repeat([0, 1, 2], 4)
    centres = 2 * rng.normal(size=(3, 5))
    Xs = [rng.normal(size=(20, 5)) for _ in truth]
    ys = [
        X @ centres[g] + 0.5 * rng.normal(size=20)
        for X, g in zip(Xs, truth, strict=True)
    ]
    inside = truth[:, None] == truth
    A = np.where(inside, 1.0, 0.3 * (rng.uniform(size=(12, 12)) < 0.2))
    model = MultiTaskNetworkLassoRegressor(0.3, graph=np.maximum(A, A.T)).fit(Xs, ys)
    assert adjusted_rand_score(truth, model.task_groups_) == 1.0
    for g in range(3):
        assert np.ptp(model.coef_[truth == g], axis=0).max() == 0
    alone = SingleTaskRegressor(0.0).fit(Xs, ys)
    errors = [np.mean((m.coef_ - centres[truth]) ** 2) for m in (model, alone)]
    assert errors[0] < errors[1]


def test_groups_are_found_at_any_strength_without_noise():
    rng = np.random.default_rng(0)
    Xs = [rng.normal(size=(40, 3)) for _ in range(6)]
    ys = [X @ (np.ones(3) if t < 3 else -np.ones(3)) for t, X in enumerate(Xs)]
    model = MultiTaskNetworkLassoRegressor(graph="order", tol=1e-9)
    top = model.lambda_max(Xs, ys)
    for share in (1e-4, 1e-3, 0.01, 0.1, 0.9):
        model.set_params(lambda1=share * top).fit(Xs, ys)
        assert_array_equal(model.task_groups_, [0, 0, 0, 1, 1, 1])


def test_tasks_that_say_nothing_are_solved():
    """A task of one row, with an intercept: no strength is needed to fuse it."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(20, 3))
    model = MultiTaskNetworkLassoRegressor(graph="order")
    model.fit([X, X[:1]], [X[:, 0], X[:1, 0]])
    assert model.converged_


# The prox


def prox_points(rng, d, n_tasks):
    """Yield points with columns that are different, equal, zero, far off, or ties."""
    V = rng.normal(size=(d, n_tasks))
    yield V
    yield np.outer(V[:, 0], np.ones(n_tasks))
    yield V[:, rng.integers(0, max(n_tasks // 3, 1), n_tasks)]
    yield V * (np.arange(n_tasks) > n_tasks // 2)
    yield 1e-6 * V + 1e2
    yield np.round(V)


def flow_residual(W, V, strength, edges):
    """Return how far W is from the prox, by the flows that its conditions ask for.

    Tasks that differ fix the flow of their edge. The rest is a flow within the groups;
    the part of it that no flow within the strengths carries, by cvxpy, is the error.
    """
    cp = pytest.importorskip("cvxpy")
    rest, fused = (V - W) / strength, []
    for a, b, *w in edges:
        s, move = w[0] if w else 1.0, W[:, a] - W[:, b]
        if move.any():
            rest[:, a] -= s * move / np.linalg.norm(move)
            rest[:, b] += s * move / np.linalg.norm(move)
        else:
            fused.append((a, b, s))
    if not fused:
        return strength * np.abs(rest).max()
    D = np.zeros((V.shape[1], len(fused)))
    for e, (a, b, _) in enumerate(fused):
        D[a, e], D[b, e] = 1, -1
    U, top = cp.Variable((len(V), len(fused))), cp.Variable()
    limits = [s * top for _, _, s in fused]
    rules = [cp.norm(U[:, e]) <= limit for e, limit in enumerate(limits)]
    flow = np.linalg.lstsq(D, rest.T, rcond=None)[0]
    error = strength * np.abs(D @ flow - rest.T).max()
    balance = U @ D.T == (D @ flow).T
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cp.Problem(cp.Minimize(top), [*rules, balance]).solve(cp.CLARABEL)
    assert top.value <= 1 + 1e-6
    return error


@pytest.mark.parametrize("n_tasks", [2, 3, 7])
@pytest.mark.parametrize("graph", ["mean", "order", "random"])
def test_prox_obeys_its_conditions(graph, n_tasks):
    rng = np.random.default_rng(n_tasks)
    if graph == "mean":
        weight = 1 / n_tasks
        edges = [(a, b, weight) for b in range(n_tasks) for a in range(b)]
    elif graph == "order":
        edges = [(t, t + 1) for t in range(n_tasks - 1)]
    else:
        pairs = [(a, b) for b in range(n_tasks) for a in range(b)]
        edges = [(a, b, 10.0 ** rng.uniform(-1, 1)) for a, b in pairs]
        edges = [edge for edge in edges if rng.uniform() < 0.5]
        graph = adjacency(edges, n_tasks)
    for d in (1, 3, 10):
        for V in prox_points(rng, d, n_tasks):
            scale = max(np.ptp(V, axis=1).max(), 1e-3)
            for strength in scale * 10.0 ** rng.uniform(-2, 1, 2):
                W = NetworkLasso(2 * strength, graph).prox(V, 0.5)
                error = flow_residual(W, V, strength, edges)
                assert error <= 1e-12 * np.abs(V).max()


def test_prox_of_two_tasks_is_that_of_their_difference():
    rng = np.random.default_rng(0)
    V = rng.normal(size=(4, 2))
    mean, half = V.mean(axis=1, keepdims=True), (V[:, :1] - V[:, 1:]) / 2
    for share in (0.0, 1e-6, 0.5, 1 - 1e-9, 1.0, 1 + 1e-9, 3.0):
        strength = share * np.linalg.norm(half)
        shrunk = max(1 - share, 0.0) * half
        W = NetworkLasso(strength, "order").prox(V, 1.0)
        expected = mean + np.hstack([shrunk, -shrunk])
        assert_allclose(W, expected, rtol=1e-12, atol=1e-12)
        if share > 1:
            assert_array_equal(W[:, 0], W[:, 1])


@pytest.mark.parametrize("d", [3, 40])
def test_prox_of_equal_columns_is_the_point(d):
    V = np.outer(np.random.default_rng(0).normal(size=d), np.ones(12))
    for graph in ("mean", "order", np.ones((12, 12))):
        for step in (0.01, 1.0, 50.0):
            W = NetworkLasso(0.7, graph).prox(V, step)
            assert_allclose(W, V, rtol=1e-13)
            assert NetworkLasso(0.7, graph).value(W) == 0
    assert not NetworkLasso(0.7).prox(np.zeros((d, 12)), 1.0).any()


def test_prox_of_many_tasks():
    rng = np.random.default_rng(0)
    centres = 3 * rng.normal(size=(8, 5))
    truth = np.repeat(np.arange(5), 10)
    V = centres[:, truth] + 0.1 * rng.normal(size=(8, 50))
    W = NetworkLasso(5.0, "mean").prox(V, 0.7)
    groups = np.unique(W, axis=1, return_inverse=True)[1].ravel()
    assert adjusted_rand_score(truth, groups) == 1.0


@pytest.mark.parametrize("scale", [1e-100, 1e-8, 1e8, 1e100])
def test_prox_at_other_scales(scale):
    V = np.random.default_rng(0).normal(size=(5, 6))
    W = NetworkLasso(0.4, "order").prox(V, 1.0)
    scaled = NetworkLasso(0.4 * scale, "order").prox(scale * V, 1.0)
    assert_allclose(scaled, scale * W, rtol=1e-12)


@pytest.mark.parametrize("ridge", [0.0, 0.1])
def test_learned_noise_levels(ridge):
    """With what the graph leaves free not refitted, "auto" starts from zero."""
    rng = np.random.default_rng(31)
    Xs = [rng.normal(size=(40, 3)) for _ in range(3)]
    noise = [0.1, 1.0, 3.0]
    ys = [X[:, 0] + s * rng.normal(size=40) for X, s in zip(Xs, noise, strict=True)]
    model = MultiTaskNetworkLassoRegressor(lambda2=ridge, task_weight="learned")
    found = model.fit(Xs, ys).noise_
    assert_allclose(found, noise, rtol=0.3)
    assert model.converged_
