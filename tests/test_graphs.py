"""Graphs of tasks and tasks in time: optima, equivalences, graphs in all their forms.

The objectives are stated once more in NumPy and in cvxpy, over the edges of a graph
and the steps of a path.
"""

import json
import warnings

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal
from scipy.linalg import solve_sylvester
from sklearn.model_selection import cross_val_predict

from pymtl import (
    MultiTaskFusedSparseGroupRegressor,
    MultiTaskGraphRegressor,
    MultiTaskL1Regressor,
    MultiTaskL21Regressor,
    MultiTaskMeanRegressor,
    MultiTaskRegressor,
    MultiTaskSparseGroupRegressor,
    MultiTaskTemporalGroupRegressor,
    PooledRegressor,
    SingleTaskRegressor,
    stack_tasks,
)
from pymtl.datasets import make_multitask_regression
from pymtl.penalties import L21, Chain, FusedSparseGroup, Graph, Ridge, TemporalGroup

TIGHT = {"tol": 1e-10, "max_iter": 100_000}
TIMES = [2.0, 0.0, 0.5, 4.5, 4.0]
GAPS = [0.5, 1.5, 2.0, 0.5]  # of the sorted times
BY_TIME = [1, 2, 0, 4, 3]
EDGES = [(0, 1, 2.0), (1, 2, 0.5), (3, 4, 1.0), (0, 2, 0.25)]
ADJACENCY = np.zeros((5, 5))
for a, b, weight in EDGES:
    ADJACENCY[a, b] = ADJACENCY[b, a] = weight
INCIDENCE = np.random.default_rng(5).normal(size=(5, 3))
CENTRING = np.eye(5) - 1 / 5


def make_problem(sizes=(8, 30, 13, 18, 23), n_features=6, seed=0):
    """Return tasks that drift and do not use every feature."""
    rng = np.random.default_rng(seed)
    steps = 0.4 * rng.normal(size=(len(sizes), n_features))
    W = (rng.normal(size=n_features) + np.cumsum(steps, axis=0)) * (
        np.arange(n_features) < 4
    )
    Xs = [rng.normal(size=(n, n_features)) + 1 for n in sizes]
    return Xs, [X @ w + 2 + rng.normal(size=len(X)) for X, w in zip(Xs, W, strict=True)]


def fit(model, problem=None, **params):
    Xs, ys = problem or make_problem()
    return model.set_params(**{**TIGHT, **params}).fit(Xs, ys)


def assert_same_fit(model, other, rtol=1e-4):
    scale = np.abs(other.coef_).max()
    assert_allclose(model.coef_, other.coef_, atol=rtol * scale)
    assert_allclose(model.intercept_, other.intercept_, atol=10 * rtol * scale)
    assert_allclose(model.objective_, other.objective_, rtol=1e-8)


# The optimum


def total(square, absolute, norm):
    """Return the objectives' building blocks, on W (n_tasks, n_features)."""

    def graph(W, edges):
        return sum(weight * square(W[a] - W[b]) for a, b, weight in edges)

    def steps(W, size, order=range(5), gaps=(1, 1, 1, 1)):
        pairs = zip(order[:-1], order[1:], gaps, strict=True)
        return sum(size(W[a] - W[b]) / gap for a, b, gap in pairs)

    def rows(W):
        return sum(norm(W[:, j]) for j in range(W.shape[1]))

    return {
        "graph, mean": (
            MultiTaskGraphRegressor(0.3),
            lambda W: 0.3 * square(CENTRING @ W),
        ),
        "graph, order": (
            MultiTaskGraphRegressor(0.3, 0.05, 0.02, graph="order"),
            lambda W: 0.3 * steps(W, square) + 0.05 * square(W) + 0.02 * absolute(W),
        ),
        "graph, adjacency": (
            MultiTaskGraphRegressor(0.3, graph=ADJACENCY),
            lambda W: 0.3 * graph(W, EDGES),
        ),
        "graph, sparse with entries": (
            MultiTaskGraphRegressor(0.3, lambda3=0.1, graph=sp.csr_array(ADJACENCY)),
            lambda W: 0.3 * graph(W, EDGES) + 0.1 * absolute(W),
        ),
        "graph, edges": (
            MultiTaskGraphRegressor(0.7, 0.02, graph=EDGES),
            lambda W: 0.7 * graph(W, EDGES) + 0.02 * square(W),
        ),
        "incidence": (
            MultiTaskGraphRegressor(0.2, 0.01, 0.1, incidence=INCIDENCE),
            lambda W: (
                0.2 * square(INCIDENCE.T @ W) + 0.01 * square(W) + 0.1 * absolute(W)
            ),
        ),
        "temporal": (
            MultiTaskTemporalGroupRegressor(0.02, 0.3, 0.2),
            lambda W: 0.02 * square(W) + 0.3 * steps(W, square) + 0.2 * rows(W),
        ),
        "temporal, gaps": (
            MultiTaskTemporalGroupRegressor(0.0, 0.3, 0.2, times=TIMES),
            lambda W: 0.3 * steps(W, square, BY_TIME, GAPS) + 0.2 * rows(W),
        ),
        "fused": (
            MultiTaskFusedSparseGroupRegressor(0.1, 0.2, 0.1),
            lambda W: 0.1 * absolute(W) + 0.2 * steps(W, absolute) + 0.1 * rows(W),
        ),
        "fused, gaps": (
            MultiTaskFusedSparseGroupRegressor(0.1, 0.2, 0.1, TIMES, ridge=0.03),
            lambda W: (
                0.1 * absolute(W)
                + 0.2 * steps(W, absolute, BY_TIME, GAPS)
                + 0.1 * rows(W)
                + 0.03 * square(W)
            ),
        ),
        "fused, steps alone": (
            MultiTaskFusedSparseGroupRegressor(0.0, 0.2, 0.0, dict(enumerate(TIMES))),
            lambda W: 0.2 * steps(W, absolute, BY_TIME, GAPS),
        ),
        "chain": (
            MultiTaskRegressor(Chain(0.3, TIMES) + L21(0.1)),
            lambda W: 0.3 * steps(W, square, BY_TIME, GAPS) + 0.1 * rows(W),
        ),
    }


CASES = total(
    square=lambda v: np.sum(v**2),
    absolute=lambda v: np.abs(v).sum(),
    norm=np.linalg.norm,
)


def loss(Xs, ys, W, c):
    """Return the loss at W (n_tasks, n_features), of NumPy or of cvxpy."""
    return sum(
        ((y - X @ W[t] - c[t]) ** 2).sum() / (2 * len(y))
        for t, (X, y) in enumerate(zip(Xs, ys, strict=True))
    )


def optimum(name, Xs, ys):
    """Return the smallest objective, by cvxpy."""
    cp = pytest.importorskip("cvxpy")
    blocks = total(cp.sum_squares, lambda v: cp.sum(cp.abs(v)), cp.norm)
    W, c = cp.Variable((len(Xs), Xs[0].shape[1])), cp.Variable(len(Xs))
    objective = blocks[name][1](W)
    for t, (X, y) in enumerate(zip(Xs, ys, strict=True)):
        objective += cp.sum_squares(y - X @ W[t] - c[t]) / (2 * len(y))
    accuracy = {"tol_gap_abs": 1e-10, "tol_gap_rel": 1e-10, "tol_feas": 1e-10}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # "may be inaccurate" at such an accuracy
        return cp.Problem(cp.Minimize(objective)).solve(cp.CLARABEL, **accuracy)


@pytest.mark.parametrize("name", CASES)
def test_equals_cvxpy(name):
    model, penalty = CASES[name]
    Xs, ys = make_problem()
    model.set_params(tol=1e-8).fit(Xs, ys)
    assert model.certificate_kind_ == "duality gap"
    assert model.converged_ and model.certificate_ <= model.tol
    assert_allclose(model.objective_, optimum(name, Xs, ys), rtol=1e-6)
    written = loss(Xs, ys, model.coef_, model.intercept_) + penalty(model.coef_)
    assert_allclose(model.objective_, written, rtol=1e-9)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("sizes", [(3, 5, 4, 2, 4), (60, 50, 70, 80, 40)])
def test_default_tolerance_is_met(name, sizes):
    """Also with fewer rows than features."""
    model = CASES[name][0]
    model.set_params(tol=1e-5).fit(*make_problem(sizes, n_features=8))
    assert model.converged_
    assert model.n_iter_ <= 5000


# The optima of MALSAR and RMTL


SRMTL = [f"Least_SRMTL_P{p}_{i}" for p in (1, 2, 5, 6) for i in (1, 2)]
TIME = [f"Least_{name}_P5_{i}" for name in ("TGL", "CFGLasso") for i in (1, 2)]
TIME += ["Least_TGL_P2_1", "Least_CFGLasso_P2_1"]
RMTL = [f"RMTL_Graph_{p}" for p in ("P1_1", "P1_2", "P2_1", "P2_2")]


@pytest.fixture(scope="module")
def entries(shared_folder):
    text = (shared_folder / "reference" / "reference.json").read_text()
    return {entry["id"]: entry for entry in json.loads(text)["entries"]}


def reference_model(entry, R):
    """Return the model of a reference: MALSAR sums squares, without an intercept."""
    strengths = entry["params"]
    sums = {"fit_intercept": False, "task_weight": "n_samples"}
    if entry["package"] == "RMTL":
        l1, l2 = float(strengths["Lam1"]), float(strengths["Lam2"])
        return MultiTaskGraphRegressor(l1, l2, incidence=R)
    if "SRMTL" in entry["function"]:
        rho1, rho2 = strengths["rho1"], strengths["rho2"]
        return MultiTaskGraphRegressor(rho1, lambda3=rho2, incidence=R, **sums)
    rhos = (strengths["rho1"], strengths["rho2"], strengths["rho3"])
    if "TGL" in entry["function"]:
        return MultiTaskTemporalGroupRegressor(*rhos, **sums)
    return MultiTaskFusedSparseGroupRegressor(*rhos, **sums)


@pytest.mark.parametrize(
    "name",
    SRMTL + TIME + RMTL,
)
def test_reference_optimum_is_reached(shared_folder, entries, name):
    entry = entries[name]
    with np.load(shared_folder / "reference" / f"{entry['problem']}.npz") as z:
        cuts = np.cumsum(z["n"])[:-1]
        Xs, ys = np.split(z["X"].astype(float), cuts), np.split(z["y"], cuts)
        W, R = z[f"{name}/ref_W"], z["R"]
    model = reference_model(entry, R)
    model.set_params(tol=1e-8, max_iter=100_000).fit(Xs, ys)
    assert model.converged_
    assert_allclose(model.objective_, entry["objective"], rtol=1e-7)
    excess = model.objective_ - entry["objective"]
    assert excess <= model.dual_gap_ + 1e-9 * model.objective_
    if np.linalg.matrix_rank(Xs[0]) == W.shape[0]:
        assert_allclose(model.coef_.T, W, atol=1e-3 * np.abs(W).max())


def test_every_reference_of_these_models_is_here(entries):
    functions = ["SRMTL", "TGL", "CFGLasso"]
    functions = [f"Least_{name}" for name in functions] + ["MTL(Regression,Graph)"]
    found = [name for name, e in entries.items() if e["function"] in functions]
    assert sorted(found) == sorted(SRMTL + TIME + RMTL)


# Equivalences


@pytest.mark.parametrize("lambda2", [0.0, 0.1])
@pytest.mark.parametrize("form", [True, "shared", "shrink"])
@pytest.mark.parametrize(
    "graph",
    [
        {"graph": "mean"},
        {"incidence": CENTRING},
        {"graph": np.ones((5, 5)) / 5},  # the complete graph
        {"incidence": sp.csr_array(CENTRING)},
    ],
    ids=["mean", "centring", "complete", "sparse"],
)
def test_distances_to_the_mean_are_a_graph(graph, form, lambda2):
    mean = fit(MultiTaskMeanRegressor(0.4, lambda2, fit_intercept=form))
    model = fit(MultiTaskGraphRegressor(0.4, lambda2, fit_intercept=form, **graph))
    assert_same_fit(model, mean, rtol=1e-6)


CHAIN = np.diag(np.ones(4), 1) + np.diag(np.ones(4), -1)


@pytest.mark.parametrize(
    "graph",
    [
        {"graph": CHAIN},
        {"graph": [(2, 1), (3, 4), (0, 1), (2, 3)]},
        {"incidence": np.eye(5, 4) - np.eye(5, 4, -1)},
    ],
    ids=["adjacency", "edges", "incidence"],
)
@pytest.mark.parametrize("lambda3", [0.0, 0.1])
def test_the_order_is_a_graph(graph, lambda3):
    order = fit(MultiTaskGraphRegressor(0.4, 0.05, lambda3, graph="order"))
    assert_same_fit(fit(MultiTaskGraphRegressor(0.4, 0.05, lambda3, **graph)), order)


@pytest.mark.parametrize("ridge", [0.0, 0.1])
def test_temporal_group_without_rows_is_a_graph(ridge):
    model = fit(MultiTaskTemporalGroupRegressor(ridge, 0.4, 0.0))
    graph = fit(MultiTaskGraphRegressor(0.4, ridge, graph="order"))
    assert_same_fit(model, graph, rtol=1e-6)
    assert model.solver_ == "direct"
    model = fit(MultiTaskTemporalGroupRegressor(ridge, 0.4, 0.0, times=TIMES))
    edges = [(BY_TIME[k], BY_TIME[k + 1], 1 / GAPS[k]) for k in range(4)]
    graph = fit(MultiTaskGraphRegressor(0.4, ridge, graph=edges))
    assert_same_fit(model, graph, rtol=1e-6)


def test_limits_of_temporal_group():
    rows = fit(MultiTaskL21Regressor(0.3, 0.1))
    assert_same_fit(fit(MultiTaskTemporalGroupRegressor(0.1, 0.0, 0.3)), rows)
    ridge = fit(SingleTaskRegressor(0.1))
    assert_same_fit(fit(MultiTaskTemporalGroupRegressor(0.1, 0.0, 0.0)), ridge)
    stiff = fit(MultiTaskTemporalGroupRegressor(0.1, 1e7, 0.0))
    pooled = fit(PooledRegressor(0.1, fit_intercept=True))
    assert_allclose(stiff.coef_, pooled.coef_, atol=1e-5)


def test_limits_of_fused_sparse_group():
    group = fit(MultiTaskSparseGroupRegressor(0.2, 0.1))
    assert_same_fit(fit(MultiTaskFusedSparseGroupRegressor(0.1, 0.0, 0.2)), group)
    lasso = fit(MultiTaskL1Regressor(0.2))
    assert_same_fit(fit(MultiTaskFusedSparseGroupRegressor(0.2, 0.0, 0.0)), lasso)
    stiff = fit(MultiTaskFusedSparseGroupRegressor(0.0, 1e3, 0.0))
    pooled = fit(PooledRegressor(0.0, fit_intercept=True))
    assert_allclose(stiff.coef_, pooled.coef_, atol=1e-6)
    assert np.ptp(stiff.coef_, axis=0).max() == 0


def test_limits_of_the_graph():
    alone = fit(SingleTaskRegressor(0.1))
    assert_same_fit(fit(MultiTaskGraphRegressor(0.0, 0.1, graph=EDGES)), alone)
    empty = fit(MultiTaskGraphRegressor(5.0, 0.1, graph=np.zeros((5, 5))))
    assert_same_fit(empty, alone)
    lasso = fit(MultiTaskL1Regressor(0.2, 0.1))
    assert_same_fit(fit(MultiTaskGraphRegressor(0.0, 0.1, 0.2, graph=EDGES)), lasso)


def test_a_strong_graph_pools_each_component():
    Xs, ys = make_problem()
    model = fit(MultiTaskGraphRegressor(1e8, graph=EDGES))
    for component in ([0, 1, 2], [3, 4]):
        part = [Xs[t] for t in component], [ys[t] for t in component]
        pooled = fit(PooledRegressor(0.0, fit_intercept=True), part)
        for t in component:
            assert_allclose(model.coef_[t], pooled.coef_[0], atol=1e-6)


@pytest.mark.parametrize(
    ("model", "other"),
    [
        (MultiTaskGraphRegressor(3.0, 0.1), SingleTaskRegressor(0.1)),
        (MultiTaskGraphRegressor(3.0, 0.1, graph="order"), SingleTaskRegressor(0.1)),
        (MultiTaskGraphRegressor(3.0, 0.1, graph=[[0.0]]), SingleTaskRegressor(0.1)),
        (
            MultiTaskTemporalGroupRegressor(0.1, 3.0, 0.2),
            MultiTaskL21Regressor(0.2, 0.1),
        ),
        (
            MultiTaskFusedSparseGroupRegressor(0.1, 3.0, 0.2, ridge=0.1),
            MultiTaskL1Regressor(0.1 + 0.2, 0.1),
        ),
    ],
    ids=["mean", "order", "adjacency", "temporal", "fused"],
)
def test_one_task(model, other):
    problem = make_problem((20,))
    assert_same_fit(fit(model, problem), fit(other, problem))


@pytest.mark.parametrize("graph", ["mean", "order", ADJACENCY], ids=str)
def test_a_shared_design_solves_a_sylvester_equation(graph):
    rng = np.random.default_rng(1)
    X, Y = rng.normal(size=(40, 6)) + 1, rng.normal(size=(40, 5))
    model = MultiTaskGraphRegressor(0.4, 0.1, graph=graph).fit(X, Y)
    A = {"mean": np.ones((5, 5)) / 5, "order": CHAIN}.get(str(graph), ADJACENCY)
    L = 0.4 * (np.diag(A.sum(axis=1)) - A) + 0.1 * np.eye(5)
    X, Y = X - X.mean(axis=0), Y - Y.mean(axis=0)
    W = solve_sylvester(X.T @ X / 40, 2 * L, X.T @ Y / 40)
    assert_allclose(model.coef_.T, W, atol=1e-12)
    assert model.solver_ == "direct"


@pytest.mark.parametrize("graph", ["mean", EDGES], ids=["mean", "edges"])
def test_a_graph_is_a_kernel_of_the_tasks(graph):
    """Kernel ridge regression with K(x, x') (2 L)^-1, over the rows of all tasks."""
    Xs, ys = make_problem()
    model = MultiTaskGraphRegressor(0.4, 0.1, graph=graph, fit_intercept=False)
    model.fit(Xs, ys)
    A = np.ones((5, 5)) / 5 if graph == "mean" else ADJACENCY
    L = 0.4 * (np.diag(A.sum(axis=1)) - A) + 0.1 * np.eye(5)
    X, task = np.vstack(Xs), np.repeat(np.arange(5), [len(y) for y in ys])
    n = np.array([len(y) for y in ys])[task]
    kernel = (X @ X.T) * np.linalg.inv(2 * L)[np.ix_(task, task)]
    dual = np.linalg.solve(kernel + np.diag(n), np.concatenate(ys))
    assert_allclose(np.concatenate(model.predict(Xs)), kernel @ dual, rtol=1e-9)


def test_the_mean_is_evgeniou_and_pontil():
    """w_t = w_0 + v_t with l1 / T sum ||v_t||^2 + l2 ||w_0||^2, minimised over w_0."""
    l1, l2, T = 0.6, 0.2, 5
    strengths = l1**2 / (T * (l1 + l2)), l1 * l2 / (T * (l1 + l2))
    model = MultiTaskMeanRegressor(*strengths, fit_intercept=False)
    Xs, ys = make_problem()
    model.fit(Xs, ys)
    rows = [
        np.hstack([X, np.kron(np.eye(T)[t], X)]) / np.sqrt(len(X))
        for t, X in enumerate(Xs)
    ]
    d = Xs[0].shape[1]
    pulls = np.sqrt(2 * np.repeat([l2] + [l1 / T] * T, d))
    A = np.vstack([*rows, np.diag(pulls)])
    b = [y / np.sqrt(len(y)) for y in ys] + [np.zeros(len(pulls))]
    u = np.linalg.lstsq(A, np.concatenate(b), rcond=None)[0].reshape(T + 1, d)
    assert_allclose(model.coef_, u[0] + u[1:], atol=1e-10)


@pytest.mark.parametrize(
    "penalty",
    [
        TemporalGroup(0.1, 0.4, 0.3),
        TemporalGroup(0.0, 0.4, 0.3, TIMES),
        FusedSparseGroup(0.1, 0.4, 0.3, TIMES),
    ],
    ids=repr,
)
def test_an_orthonormal_design_is_one_prox(penalty):
    rng = np.random.default_rng(2)
    Q = np.linalg.qr(rng.normal(size=(30, 6)))[0]
    X, Y = np.sqrt(30) * Q, 3 * rng.normal(size=(30, 5))
    model = MultiTaskRegressor(penalty, fit_intercept=False, **TIGHT).fit(X, Y)
    expected = penalty.prox(X.T @ Y / 30, 1.0)
    assert_allclose(model.coef_.T, expected, atol=1e-5 * np.abs(expected).max())


# lambda_max


@pytest.mark.parametrize("ridge", [0.0, 0.1])
@pytest.mark.parametrize(
    ("make", "gauge"),
    [
        (
            lambda x, r: MultiTaskGraphRegressor(0.4, r, x, graph=EDGES),
            lambda G: np.abs(G).max(),
        ),
        (
            lambda x, r: MultiTaskTemporalGroupRegressor(r, 0.4, x, TIMES),
            lambda G: np.linalg.norm(G, axis=0).max(),
        ),
        (
            lambda x, r: MultiTaskFusedSparseGroupRegressor(x, 0.0, 0.0, ridge=r),
            lambda G: np.abs(G).max(),
        ),
        (
            lambda x, r: MultiTaskFusedSparseGroupRegressor(x, x, 0.0, ridge=r),
            lambda G: max(  # over intervals: entries and steps at its open ends
                abs(G[a:b].sum(axis=0)).max() / (b - a + (a > 0) + (b < len(G)))
                for a in range(len(G))
                for b in range(a + 1, len(G) + 1)
            ),
        ),
    ],
    ids=["graph", "temporal", "entries", "fused"],
)
def test_lambda_max(make, gauge, ridge):
    Xs, ys = make_problem()
    centred = [(X - X.mean(axis=0), y - y.mean()) for X, y in zip(Xs, ys, strict=True)]
    top = gauge(np.array([X.T @ y / len(y) for X, y in centred]))
    model = make("auto", 0.0)
    if ridge == 0:
        assert_allclose(model.lambda_max(Xs, ys), top, rtol=1e-9)
    assert not make(top * (1 + 1e-9), ridge).fit(Xs, ys).coef_.any()
    assert make(0.98 * top, ridge).set_params(**TIGHT).fit(Xs, ys).coef_.any()


def test_auto_beside_zeros_is_a_tenth_of_lambda_max():
    Xs, ys = make_problem()
    lasso = MultiTaskL1Regressor().fit(Xs, ys)
    fused = MultiTaskFusedSparseGroupRegressor("auto", 0.0, 0.0).fit(Xs, ys)
    assert fused.lambda1_ == lasso.lambda1_
    assert fused.lambda2_ == fused.lambda3_ == 0.0
    group = MultiTaskSparseGroupRegressor("auto", 0.0)
    top = MultiTaskL21Regressor().lambda_max(Xs, ys)
    assert_allclose(group.fit(Xs, ys).lambda1_, 0.1 * top)
    assert_allclose(group.lambda_max(Xs, ys), top)


def test_no_strength_makes_a_graph_zero():
    Xs, ys = make_problem()
    for model in (MultiTaskGraphRegressor(), MultiTaskGraphRegressor(graph=EDGES)):
        assert model.lambda_max(Xs, ys) == np.inf


# Graphs in the forms in which users have them


LABELS = ["oak", "elm", "ash", "fir", "yew"]


def labelled(order=range(5)):
    """Return named tasks in an order."""
    Xs, ys = make_problem()
    return {LABELS[t]: Xs[t] for t in order}, {LABELS[t]: ys[t] for t in order}


def graphs():
    """Return one graph of the labels in many forms, each with a node too many."""
    pd, nx = pytest.importorskip("pandas"), pytest.importorskip("networkx")
    names = [*LABELS, "box"]
    edges = [(names[a], names[b], weight) for a, b, weight in EDGES]
    edges.append(("box", "ash", 9.0))
    graph = nx.Graph()
    graph.add_weighted_edges_from(edges)
    frame = pd.DataFrame(0.0, index=names, columns=names)
    for a, b, weight in edges:
        frame.loc[a, b] = frame.loc[b, a] = weight
    mixed = frame.sample(frac=1, random_state=0).sample(frac=1, axis=1, random_state=1)
    both = nx.DiGraph(graph)  # an arrow each way
    return {"edges": edges, "graph": graph, "frame": mixed, "directed": both}


FORMS = ["edges", "graph", "frame", "directed"]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("order", [range(5), [3, 0, 4, 1, 2]], ids=["as is", "mixed"])
def test_graphs_are_aligned_by_label(form, order):
    plain = fit(MultiTaskGraphRegressor(0.4, 0.05, graph=ADJACENCY))
    model = MultiTaskGraphRegressor(0.4, 0.05, graph=graphs()[form])
    model = fit(model, labelled(order))
    assert model.tasks_.tolist() == [LABELS[t] for t in order]
    assert_allclose(model.coef_, plain.coef_[list(order)], atol=1e-10)


def test_an_incidence_frame_is_aligned_by_label():
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(INCIDENCE, index=LABELS).sample(frac=1, random_state=0)
    plain = fit(MultiTaskGraphRegressor(0.4, 0.05, incidence=INCIDENCE))
    order = [3, 0, 4, 1, 2]
    model = fit(MultiTaskGraphRegressor(0.4, 0.05, incidence=frame), labelled(order))
    assert_allclose(model.coef_, plain.coef_[order], atol=1e-10)
    with pytest.raises(ValueError, match="rows for .*'oak'.*give one row a task"):
        MultiTaskGraphRegressor(0.4, incidence=frame).fit(*labelled(order[:3]))


@pytest.mark.parametrize("form", FORMS)
def test_a_fold_may_miss_a_task(form):
    """The graph of the tasks that are there is the part of the graph they are in."""
    order = [0, 2, 3, 4]
    part = ADJACENCY[np.ix_(order, order)]
    Xs, ys = make_problem()
    plain = MultiTaskGraphRegressor(0.4, 0.05, graph=part)
    plain.fit([Xs[t] for t in order], [ys[t] for t in order])
    model = MultiTaskGraphRegressor(0.4, 0.05, graph=graphs()[form])
    model.fit(*labelled(order))
    assert_allclose(model.coef_, plain.coef_, atol=1e-12)


def test_folds_of_a_long_table():
    X, y = stack_tasks(*make_problem())
    edges = [(float(a), float(b), weight) for a, b, weight in EDGES]
    model = MultiTaskGraphRegressor(
        0.4, 0.05, graph=edges, task_column=0, unseen_task="mean"
    )
    sorted_rows = cross_val_predict(model, X, y)  # folds that miss whole tasks
    assert np.isfinite(sorted_rows).all()
    times = dict(enumerate(TIMES))
    model = MultiTaskTemporalGroupRegressor(
        times=times, task_column=0, unseen_task="mean"
    )
    assert np.isfinite(cross_val_predict(model, X, y)).all()


def test_times_by_label():
    plain = fit(MultiTaskFusedSparseGroupRegressor(0.1, 0.2, 0.1, TIMES))
    times = {**dict(zip(LABELS, TIMES, strict=True)), "box": 1.0}
    order = [3, 0, 4, 1, 2]
    model = MultiTaskFusedSparseGroupRegressor(0.1, 0.2, 0.1, times)
    model = fit(model, labelled(order))
    assert_allclose(model.coef_, plain.coef_[order], atol=1e-4)


def test_unit_of_time():
    """Twice the time between tasks is half the strength; "auto" does not notice."""
    problem = make_problem()
    twice = [2 * time for time in TIMES]
    for model in (MultiTaskTemporalGroupRegressor, MultiTaskFusedSparseGroupRegressor):
        once = fit(model(0.1, 0.2, 0.1, TIMES), problem)
        assert_same_fit(fit(model(0.1, 0.4, 0.1, twice), problem), once)
        once = fit(model(times=TIMES), problem)
        assert_same_fit(fit(model(times=twice), problem), once)


def test_auto_does_not_see_the_unit_of_the_weights():
    problem = make_problem()
    once = fit(MultiTaskGraphRegressor(graph=ADJACENCY), problem)
    assert_same_fit(fit(MultiTaskGraphRegressor(graph=7 * ADJACENCY), problem), once)
    mean = fit(MultiTaskMeanRegressor(), problem)
    complete = 3 * (1 - np.eye(5))
    model = fit(MultiTaskGraphRegressor(graph=complete), problem)
    # the mean degree against the number of tasks
    assert_allclose(model.lambda1_ * 3 * 5, mean.lambda1_ * 5 / 4, rtol=1e-12)


def test_text_labels_have_no_order():
    X, y = stack_tasks(*make_problem())
    table = X.astype(object)
    table[:, 0] = np.array(LABELS)[X[:, 0].astype(int)]
    for model in (
        MultiTaskGraphRegressor(graph="order", task_column=0),
        MultiTaskTemporalGroupRegressor(task_column=0),
        MultiTaskFusedSparseGroupRegressor(task_column=0),
    ):
        with pytest.raises(ValueError, match="task_order"):
            model.fit(table, y)
        model.set_params(task_order=LABELS).fit(table, y)
        assert model.tasks_.tolist() == LABELS


# Large graphs


def test_a_large_sparse_graph_stays_sparse(monkeypatch):
    n_tasks = 3000
    rng = np.random.default_rng(0)
    near = np.arange(n_tasks - 1)
    edges = sp.coo_array((rng.uniform(0.5, 2, n_tasks - 1), (near, near + 1)))
    upper = sp.csr_array((edges.data, (near, near + 1)), shape=(n_tasks, n_tasks))
    graph = upper + upper.T
    Xs = [rng.normal(size=(4, 2)) for _ in range(n_tasks)]
    ys = [X @ [1.0, np.sin(t / 200)] for t, X in enumerate(Xs)]

    def refuse(*args, **kwargs):
        msg = "the graph became dense"
        raise AssertionError(msg)

    for name in ("toarray", "todense"):
        monkeypatch.setattr(sp.csr_array, name, refuse)
        monkeypatch.setattr(sp.csc_array, name, refuse)
        monkeypatch.setattr(sp.coo_array, name, refuse)
    for graph_form in ({"graph": graph}, {"incidence": _incidence(upper)}):
        model = MultiTaskGraphRegressor(0.5, 0.01, **graph_form).fit(Xs, ys)
        assert model.converged_
        L = model.penalty_.right.quadratic(n_tasks)
        assert sp.issparse(L.general)
        step = np.diff(model.coef_, axis=0)
        pull = 2 * 0.5 * _divergence(upper.data[:, None] * step)
        for t in (0, 1, 1500, n_tasks - 1):  # stationary: 2 L W + 2 * 0.01 W = X'r / n
            X = Xs[t] - Xs[t].mean(axis=0)
            r = ys[t] - ys[t].mean() - X @ model.coef_[t]
            gradient = X.T @ r / 4 - 0.02 * model.coef_[t]
            assert_allclose(gradient, pull[t], atol=1e-7)


def _incidence(upper):
    """Return the weighted incidence matrix of an upper triangle."""
    links = sp.coo_array(upper)
    edge, share = np.arange(links.nnz), np.sqrt(links.data)
    ends = np.concatenate([links.row, links.col]), np.tile(edge, 2)
    shape = (upper.shape[0], links.nnz)
    return sp.csr_array((np.concatenate([share, -share]), ends), shape=shape)


def _divergence(flow):
    """Return the Laplacian of a path, given what flows along its edges."""
    zero = np.zeros_like(flow[:1])
    return np.vstack([zero, flow]) - np.vstack([flow, zero])


# Refusals


def asymmetric(weight):
    A = ADJACENCY.copy()
    A[1, 2] = weight
    return A


@pytest.mark.parametrize(
    ("graph", "message"),
    [
        (asymmetric(3.0), "not symmetric: the weight from 1 to 2 is 3, back it is 0.5"),
        (-ADJACENCY, "weight -.* between the tasks .* must be at least 0"),
        (asymmetric(np.nan), "NaN or infinite"),
        (ADJACENCY[:4, :4], r"shape \(4, 4\), but there are 5 tasks.*no row for \[4\]"),
        (ADJACENCY[:, :4], r"shape \(5, 4\), but there are 5 tasks"),
        ([(0, 1), (1, 0)], r"edge \(1, 0\) is in the list of edges more than once"),
        ([(0, 1), (1, 2)], r"no node for the tasks \[3, 4\]"),
        ([(0, 1, 1.0, 2)], "no edge: give tuples"),
        ("ring", "graph must be 'mean', 'order' or a graph, got 'ring'"),
        (object(), "neither 'mean' or 'order' nor a graph"),
    ],
    ids=[
        "asymmetric",
        "negative",
        "nan",
        "small",
        "wide",
        "twice",
        "missing",
        "four",
        "name",
        "object",
    ],
)
def test_bad_graphs_are_refused(graph, message):
    forms = [graph]
    if isinstance(graph, np.ndarray):
        forms.append(sp.csr_array(graph))
    for form in forms:
        with pytest.raises(ValueError, match=message):
            MultiTaskGraphRegressor(graph=form).fit(*make_problem())


def test_bad_labelled_graphs_are_refused():
    pd, nx = pytest.importorskip("pandas"), pytest.importorskip("networkx")
    data = labelled()
    arrow = nx.DiGraph([(LABELS[t], LABELS[t + 1]) for t in range(4)])
    with pytest.raises(ValueError, match="not symmetric.*from 'oak' to 'elm' is 1"):
        MultiTaskGraphRegressor(graph=arrow).fit(*data)
    frame = pd.DataFrame(asymmetric(3.0), index=LABELS, columns=LABELS)
    with pytest.raises(ValueError, match="from 'elm' to 'ash' is 3, back it is 0.5"):
        MultiTaskGraphRegressor(graph=frame).fit(*data)
    frame = pd.DataFrame(ADJACENCY, index=LABELS)
    with pytest.raises(ValueError, match="rows and columns differ"):
        MultiTaskGraphRegressor(graph=frame).fit(*data)
    frame = pd.DataFrame(ADJACENCY[1:, 1:], index=LABELS[1:], columns=LABELS[1:])
    with pytest.raises(ValueError, match=r"no node for the tasks \['oak'\]"):
        MultiTaskGraphRegressor(graph=frame).fit(*data)


@pytest.mark.parametrize(
    ("incidence", "message"),
    [
        (INCIDENCE[:4], r"shape \(4, 3\), but there are 5 tasks"),
        (INCIDENCE[:, 0], r"shape \(5,\), but there are 5 tasks"),
        (np.full((5, 1), np.inf), "NaN or infinite"),
    ],
    ids=["rows", "vector", "infinite"],
)
def test_bad_incidences_are_refused(incidence, message):
    with pytest.raises(ValueError, match=message):
        MultiTaskGraphRegressor(incidence=incidence).fit(*make_problem())


def test_a_graph_and_an_incidence_are_one_too_many():
    model = MultiTaskGraphRegressor(graph=ADJACENCY, incidence=INCIDENCE)
    with pytest.raises(ValueError, match="either graph or incidence"):
        model.fit(*make_problem())


@pytest.mark.parametrize(
    ("times", "message"),
    [
        ([0, 1, 2], r"shape \(3,\), but there are 5 tasks"),
        ([0, 1, 2, 2, 3], "same number for the tasks 2 and 3"),
        ([0, 1, 2, np.nan, 3], "no finite number for task 3"),
        ({0: 1.0, 1: 2.0}, r"no entry for the tasks \[2, 3, 4\]"),
        (["a", "b", "c", "d", "e"], "must be numbers"),
    ],
    ids=["few", "equal", "nan", "missing", "text"],
)
def test_bad_times_are_refused(times, message):
    for model in (MultiTaskTemporalGroupRegressor, MultiTaskFusedSparseGroupRegressor):
        with pytest.raises(ValueError, match=message):
            model(times=times).fit(*make_problem())


# What the structures are for


def error(model, data):
    return np.mean((model.coef_ - data.coef) ** 2)


@pytest.mark.parametrize("seed", range(3))
def test_the_right_graph_helps(seed):
    data = make_multitask_regression(
        30, 8, 6, structure="graph", smoothness=30.0, random_state=seed
    )
    graph = MultiTaskGraphRegressor(graph=data.adjacency).fit(data.Xs, data.ys)
    alone = SingleTaskRegressor().fit(data.Xs, data.ys)
    mean = MultiTaskMeanRegressor().fit(data.Xs, data.ys)
    assert error(graph, data) < 0.9 * min(error(alone, data), error(mean, data))


def test_paths_are_recovered():
    """One row moves slowly, another jumps twice, the others are zero."""
    rng = np.random.default_rng(0)
    n_tasks, d = 30, 6
    W = np.zeros((n_tasks, d))
    W[:, 0] = 2 + np.sin(np.linspace(0, 3, n_tasks))
    W[:, 1] = np.repeat([1.0, -1.0, 2.0], 10)
    Xs = [rng.normal(size=(12, d)) for _ in range(n_tasks)]
    ys = [X @ w + 0.5 * rng.normal(size=12) for X, w in zip(Xs, W, strict=True)]
    rows = MultiTaskL21Regressor(1.0).fit(Xs, ys)
    smooth = MultiTaskTemporalGroupRegressor(0.0, 1.0, 1.0).fit(Xs, ys)
    fused = MultiTaskFusedSparseGroupRegressor(0.0, 0.4, 0.3).fit(Xs, ys)
    for model, row in ((smooth, 0), (fused, 1)):
        assert_array_equal(model.coef_.any(axis=0), W.any(axis=0))
        square = np.mean((model.coef_ - W)[:, row] ** 2)
        assert square < 0.7 * np.mean((rows.coef_ - W)[:, row] ** 2)
    jumps = np.flatnonzero(np.abs(np.diff(fused.coef_[:, 1])) > 0.5) + 1
    assert_array_equal(jumps, [10, 20])
    assert np.mean(np.abs(np.diff(fused.coef_[:, 1])) < 1e-3) > 0.8


def test_chain_is_the_graph_of_the_order():
    W = np.random.default_rng(0).normal(size=(3, 5))
    assert_allclose(Chain(0.7).value(W), Graph(0.7, "order").value(W))
    assert_allclose(
        TemporalGroup(0.1, 0.7, 0.0).value(W), (Ridge(0.1) + Chain(0.7)).value(W)
    )
