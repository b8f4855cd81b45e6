"""Penalties of the rows and entries of W: L1, LInf, sparse group, k-support, trees,
and the data-shared lasso.
"""

import json
import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.cluster.hierarchy import linkage
from scipy.optimize import brentq
from sklearn.base import clone
from sklearn.linear_model import ElasticNet, Lasso

from pymtl import (
    MultiTaskDataSharedRegressor,
    MultiTaskL1Regressor,
    MultiTaskL21Regressor,
    MultiTaskLInfRegressor,
    MultiTaskRegressor,
    MultiTaskSparseGroupRegressor,
    MultiTaskTreeRegressor,
    SingleTaskRegressor,
)
from pymtl.datasets import make_multitask_regression
from pymtl.penalties import (
    L1,
    L21,
    KSupport,
    LInf,
    Ridge,
    SparseGroup,
    Tree,
)
from pymtl.testing import check_penalty

TIGHT = {"tol": 1e-10, "max_iter": 100_000}
FAMILIES = [([0, 1], 0.5), [2, (3, 0.0), 4]]
LINKAGE = linkage(np.array([[0.0], [0.3], [1.0], [2.0], [2.5]]))
LINKAGE_NODES = {  # tasks of the nodes, and their weights by hand: heights over 1.0
    (0,): 0.3 * 0.7 * 1.0,
    (1,): 0.3 * 0.7 * 1.0,
    (2,): 0.7 * 1.0,
    (3,): 0.5 * 1.0,
    (4,): 0.5 * 1.0,
    (0, 1): (1 - 0.3) * 0.7 * 1.0,
    (3, 4): (1 - 0.5) * 1.0,
    (0, 1, 2): (1 - 0.7) * 1.0,
}


def make_problem(n_tasks=5, n_features=6, seed=0):
    """Return tasks of different size that share some features."""
    rng = np.random.default_rng(seed)
    W = rng.normal(size=(n_features, n_tasks)) * (np.arange(n_features) < 3)[:, None]
    W[-1, 0] = 2.0
    Xs = [rng.normal(size=(8 + 5 * t, n_features)) + 1 for t in range(n_tasks)]
    return Xs, [
        X @ w + rng.normal(size=len(X)) + 3 for X, w in zip(Xs, W.T, strict=True)
    ]


def loss(Xs, ys, W, c):
    """Return the loss at W (n_tasks, n_features), of NumPy or of cvxpy."""
    return sum(
        ((y - X @ W[t] - c[t]) ** 2).sum() / (2 * len(y))
        for t, (X, y) in enumerate(zip(Xs, ys, strict=True))
    )


# The norms, once more, by their definitions: {tasks of a node: weight} for trees


def star(n_tasks, row, entry):
    return {tuple(range(n_tasks)): row} | {(t,): entry for t in range(n_tasks)}


FAMILY_NODES = {
    (0, 1, 2, 3, 4): 1.0,
    (0, 1): 0.5,
    (2, 3, 4): 1.0,
    (0,): 1.0,
    (1,): 1.0,
    (2,): 1.0,
    (4,): 1.0,
}


def nested(nodes):
    """Return the norm of nested groups as a cvxpy expression of W (T, d)."""

    def norm(cp, W):
        groups = [
            weight * cp.sum(cp.norm(W[list(tasks)], 2, axis=0))
            for tasks, weight in nodes.items()
        ]
        return sum(groups), []

    return norm


def k_support(strength, k):
    """Return the k-support norm of the rows: min of (sum_j n_j^2 / a_j + s) / 2."""

    def norm(cp, W):
        d = W.shape[1]
        a, s = cp.Variable(d, nonneg=True), cp.Variable(nonneg=True)
        q = cp.Variable(d)  # q_j a_j >= n_j^2
        cones = [
            cp.SOC(q[j] + a[j], cp.hstack([2 * W[:, j], q[j] - a[j]])) for j in range(d)
        ]
        return strength / 2 * (cp.sum(q) + s), [a <= s, cp.sum(a) <= k * s, *cones]

    return norm


def l_inf(strength):
    return lambda cp, W: (strength * cp.sum(cp.max(cp.abs(W), axis=0)), [])


def data_shared(lambda1, lambda2):
    def norm(cp, W):
        u = cp.Variable((1, W.shape[1]))
        common = np.ones((W.shape[0], 1)) @ u
        return lambda1 * cp.norm1(u) + lambda2 * cp.sum(cp.abs(W - common)), []

    return norm


MODELS = {
    "L1": (MultiTaskL1Regressor(0.2), nested(star(5, 0.0, 0.2))),
    "LInf": (MultiTaskLInfRegressor(0.5), l_inf(0.5)),
    "SparseGroup": (
        MultiTaskSparseGroupRegressor(0.3, 0.1),
        nested(star(5, 0.3, 0.1)),
    ),
    "Tree": (MultiTaskTreeRegressor(0.15), nested(star(5, 0.15, 0.15))),
    "Tree, nested": (
        MultiTaskTreeRegressor(0.15, tree=FAMILIES),
        nested({v: 0.15 * a for v, a in FAMILY_NODES.items()}),
    ),
    "Tree, linkage": (
        MultiTaskTreeRegressor(0.4, tree=LINKAGE),
        nested({v: 0.4 * a for v, a in LINKAGE_NODES.items()}),
    ),
    "DataShared": (MultiTaskDataSharedRegressor(0.4, 0.15), data_shared(0.4, 0.15)),
    "KSupport": (MultiTaskRegressor(KSupport(0.4)), k_support(0.4, 2)),
    "KSupport 1": (MultiTaskRegressor(KSupport(0.4, 1)), k_support(0.4, 1)),
    "KSupport 4": (MultiTaskRegressor(KSupport(0.5, 4)), k_support(0.5, 4)),
    "KSupport 9": (MultiTaskRegressor(KSupport(0.8, 9)), k_support(0.8, 6)),
}


def with_ridge(model, ridge):
    """Return a copy of a model with a ridge."""
    params = model.get_params(deep=False)
    if "penalty" in params:
        return clone(model).set_params(penalty=model.penalty + Ridge(ridge))
    return clone(model).set_params(
        **{"ridge" if "ridge" in params else "lambda2": ridge}
    )


def minimum(cp, objective, constraints=()):
    """Return the least value of a cvxpy objective."""
    task = cp.Problem(cp.Minimize(objective), list(constraints))
    accuracy = {"tol_gap_abs": 1e-11, "tol_gap_rel": 1e-11, "tol_feas": 1e-11}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # "may be inaccurate" at such an accuracy
        return task.solve(solver=cp.CLARABEL, **accuracy)


def optimum(cp, Xs, ys, norm, ridge=0.0):
    """Return the least objective of a model."""
    W, c = cp.Variable((len(Xs), Xs[0].shape[1])), cp.Variable(len(Xs))
    fit = sum(
        cp.sum_squares(y - X @ W[t] - c[t]) / (2 * len(y))
        for t, (X, y) in enumerate(zip(Xs, ys, strict=True))
    )
    value, constraints = norm(cp, W)
    return minimum(cp, fit + value + ridge * cp.sum_squares(W), constraints)


@pytest.mark.parametrize("ridge", [0.0, 0.05])
@pytest.mark.parametrize("name", MODELS)
def test_equals_cvxpy(name, ridge):
    cp = pytest.importorskip("cvxpy")
    model, norm = MODELS[name]
    Xs, ys = make_problem()
    model = with_ridge(model, ridge).set_params(**TIGHT).fit(Xs, ys)
    assert model.certificate_kind_ == "duality gap"
    assert model.certificate_ <= model.tol
    best = optimum(cp, Xs, ys, norm, ridge)
    assert_allclose(model.objective_, best, rtol=1e-8)
    written_out = loss(Xs, ys, model.coef_, model.intercept_)
    written_out += minimum(cp, *norm(cp, model.coef_)) + ridge * np.sum(model.coef_**2)
    assert_allclose(model.objective_, written_out, rtol=1e-8)
    assert model.coef_.any()


@pytest.mark.parametrize("shared", [False, True], ids=["lists", "shared"])
@pytest.mark.parametrize("name", MODELS)
def test_default_tolerance_is_met(name, shared):
    """At the automatic strengths of ordinary data, with few iterations."""
    model, _ = MODELS[name]
    data = make_multitask_regression(
        n_tasks=5, n_samples=60, n_features=15, shared_X=shared, random_state=0
    )
    if "penalty" in model.get_params(deep=False):
        auto = clone(model).set_params(penalty__lambda1="auto")
    else:
        auto = clone(model).set_params(lambda1="auto")
    auto.fit(*((data.X, data.Y) if shared else (data.Xs, data.ys)))
    assert auto.converged_ and auto.certificate_kind_ == "duality gap"
    assert auto.n_iter_ <= 100


# Values, proxes and polars

PENALTIES = {
    "L1": L1(0.3),
    "LInf": LInf(0.3),
    "SparseGroup": SparseGroup(0.3, 0.2),
    "SparseGroup rows": SparseGroup(0.3, 0.0),
    "SparseGroup entries": SparseGroup(0.0, 0.2),
    "Tree": Tree(0.3),
    "KSupport 1": KSupport(0.3, 1),
    "KSupport 3": KSupport(0.3, 3),
    "KSupport 50": KSupport(0.3, 50),
    "KSupport 1000": KSupport(0.3, 1000),
}


def points(seed=0):
    """Yield matrices of many shapes, with ties, zeros and entries of any size."""
    rng = np.random.default_rng(seed)
    for shape in [(1, 1), (7, 1), (1, 7), (60, 4), (4, 60), (300, 20)]:
        V = rng.normal(size=shape)
        yield V
        yield np.round(V)  # ties and zeros
        yield np.sign(V)
        yield V * 10.0 ** rng.uniform(-8, 8, size=(shape[0], 1))
        yield V * (rng.random(shape) < 0.2)


@pytest.mark.parametrize("step", [1e-8, 0.01, 1.0, 30.0, 1e8])
@pytest.mark.parametrize("name", PENALTIES)
def test_prox_is_exact(name, step):
    """G = (V - W) / step is a subgradient at W: <G, W> = value(W), polar(G) <= 1."""
    penalty = PENALTIES[name]
    for V in points():
        W = penalty.prox(V, step)
        G = (V - W) / step
        rounding = 1e-15 * np.abs(V).max() / step * np.sqrt(V.size)
        bound = 1.0 + 1e-13 + penalty.polar(np.full(V.shape, rounding))
        assert penalty.polar(G) <= bound
        value = penalty.value(W)
        assert abs(np.vdot(G, W) - value) <= 1e-12 * value + rounding * np.abs(W).sum()


@pytest.mark.parametrize("scale", [1e-8, 1e8])
@pytest.mark.parametrize("name", PENALTIES)
def test_units_do_not_matter(name, scale):
    penalty = PENALTIES[name]
    for V in points():
        expected = scale * penalty.prox(V, 0.7)
        error = {"rtol": 1e-9, "atol": 1e-13 * scale * np.abs(V).max()}
        assert_allclose(penalty.prox(scale * V, 0.7 * scale), expected, **error)
        assert_allclose(penalty.value(scale * V), scale * penalty.value(V), rtol=1e-13)
        assert_allclose(penalty.polar(scale * V), scale * penalty.polar(V), rtol=1e-13)


@pytest.mark.parametrize("name", ["LInf", "SparseGroup", "L1"])
def test_prox_in_the_metric_of_the_tasks_is_exact(name):
    penalty = PENALTIES[name]
    for V in points():
        step = 10.0 ** np.random.default_rng(1).uniform(-4, 4, V.shape)
        W = penalty.prox(V, step)
        G = (V - W) / step
        rounding = 1e-15 * np.abs(V) / step * np.sqrt(V.size)
        assert penalty.polar(G) <= 1.0 + 1e-13 + penalty.polar(rounding)
        value = penalty.value(W)
        assert abs(np.vdot(G, W) - value) <= 1e-12 * value + np.sum(rounding * abs(W))


def test_l_inf_clips():
    V = np.array([[3.0, 2.0, -2.5, 0.5], [0.1, -0.2, 0.3, 0.0]])
    # 0.25 + 0.75 + 0.0 = 1.0 is taken from the first row; the second sums to less
    expected = [[2.25, 2.0, -2.25, 0.5], [0, 0, 0, 0]]
    assert_allclose(LInf(1.0).prox(V, 1.0), expected, rtol=1e-15)
    assert LInf(1.0).polar(V) == 8.0


@pytest.mark.parametrize("lambdas", [(0.3, 0.2), (1.0, 1e-3), (1e-3, 1.0)])
def test_polar_of_sparse_group_is_the_root(lambdas):
    """Each row's gauge c solves ||soft(row, c lambda2)|| = c lambda1."""
    row, entry = lambdas
    G = np.random.default_rng(0).normal(size=(20, 6))

    def gauge(g):
        def excess(c):
            return np.linalg.norm(np.maximum(np.abs(g) - c * entry, 0)) - c * row

        return brentq(excess, 0, np.abs(g).max() / entry, xtol=1e-14, rtol=1e-14)

    expected = max(map(gauge, G))
    assert_allclose(SparseGroup(row, entry).polar(G), expected, rtol=1e-12)


@pytest.mark.parametrize("tree", [None, FAMILIES, LINKAGE], ids=["star", "nested", "Z"])
def test_polar_of_a_tree_is_the_decomposition_norm(tree):
    """The least c for which a row is a sum over nodes v of parts of norm c a_v."""
    cp = pytest.importorskip("cvxpy")
    nodes = LINKAGE_NODES if tree is LINKAGE else FAMILY_NODES
    nodes = star(5, 1.0, 1.0) if tree is None else nodes
    for row in np.random.default_rng(0).normal(size=(3, 5)):
        c = cp.Variable()
        parts = {v: cp.Variable(len(v)) for v in nodes}
        members = {v: np.eye(5)[list(v)] for v in nodes}
        total = sum(part @ members[v] for v, part in parts.items())
        bounds = [cp.norm(parts[v], 2) <= c * a for v, a in nodes.items()]
        expected = minimum(cp, c, [total == row, *bounds])
        assert_allclose(Tree(1.0, tree).polar(row[None]), expected, rtol=1e-7)


def test_k_support_is_between_the_row_norms_and_the_frobenius_norm():
    W = np.random.default_rng(0).normal(size=(6, 3))
    norms = np.linalg.norm(W, axis=1)
    assert_allclose(KSupport(0.7, 1).value(W), L21(0.7).value(W), rtol=1e-14)
    assert_allclose(KSupport(0.7, 6).value(W), 0.7 * np.linalg.norm(W), rtol=1e-14)
    values = [KSupport(1.0, k).value(W) for k in range(1, 8)]
    assert np.all(np.diff(values[:6]) < 0) and values[6] == values[5]
    sparse = W * (np.arange(6) < 3)[:, None]
    assert_allclose(KSupport(1.0, 3).value(sparse), np.linalg.norm(norms[:3]))
    for step in (0.1, 1.0, 4.0):
        one = KSupport(0.7, 1).prox(W, step)
        assert_allclose(one, L21(0.7).prox(W, step), rtol=1e-12, atol=1e-14)
        kept = max(0.0, 1 - 0.7 * step / np.linalg.norm(W))
        assert_allclose(KSupport(0.7, 6).prox(W, step), kept * W, rtol=1e-13)


@pytest.mark.parametrize("k", [1, 2, 4, 6])
def test_k_support_prox_is_a_projection(k):
    """V - prox(V) is the point next to V whose k largest rows have the norm 1."""
    cp = pytest.importorskip("cvxpy")
    rng = np.random.default_rng(k)
    for norms in (rng.exponential(size=6), np.array([3.0, 1.0, 1.0, 1.0, 0.2, 0.0])):
        g = cp.Variable(6)
        ball = cp.sum_largest(cp.square(g), k) <= 1
        minimum(cp, cp.sum_squares(g - norms), [ball])
        ours = KSupport(1.0, k).prox(norms[:, None], 1.0)[:, 0]
        assert_allclose(ours, norms - g.value, atol=1e-5)


@pytest.mark.parametrize("k", [0, -1, 1.5, "2", None])
def test_k_is_a_whole_number(k):
    with pytest.raises(ValueError, match="k of KSupport is a whole number"):
        KSupport(1.0, k).polar(np.ones((3, 2)))


# Trees


def test_trees_are_other_penalties():
    rng = np.random.default_rng(0)
    V = rng.normal(size=(8, 5))
    tasks = list(range(5))
    leaves = [(t, 0.0) for t in tasks]
    pairs = [
        (Tree(0.3), SparseGroup(0.3, 0.3)),
        (Tree(0.3, [(t, 0.5) for t in tasks]), SparseGroup(0.3, 0.15)),
        (Tree(0.3, leaves), L21(0.3)),
        (Tree(0.3, (tasks, 0.0)), L1(0.3)),
        (Tree(0.3, [leaves]), L21(0.6)),  # a node twice is a node of twice the weight
        (Tree(0.3, linkage(np.zeros((5, 1)))), L21(0.3)),
    ]
    for tree, other in pairs:
        assert_allclose(tree.value(V), other.value(V), rtol=1e-14)
        assert_allclose(tree.polar(V), other.polar(V), rtol=1e-14)
        for step in (0.1, 1.0, 3.0):
            expected = other.prox(V, step)
            assert_allclose(tree.prox(V, step), expected, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize(
    "tree",
    [FAMILIES, LINKAGE, ([[0, 2, 4], [1, 3]], 0.0), [[([0, 1], 0.0), [[2, 3]]], 4]],
    ids=["nested", "linkage", "two trees", "nodes of the same tasks"],
)
def test_trees_keep_the_contract(tree):
    check_penalty(Tree(0.7, tree), n_tasks=5)


def test_weights_of_a_linkage():
    for t in range(5):  # those above a task add up to 1
        assert_allclose(Tree(1.0, LINKAGE).value(np.eye(5)[[t]]), 1.0, rtol=1e-14)
    w = np.random.default_rng(0).normal(size=5)
    expected = sum(a * np.linalg.norm(w[list(v)]) for v, a in LINKAGE_NODES.items())
    assert_allclose(Tree(1.0, LINKAGE).value(w[None]), expected, rtol=1e-14)


def test_branches_may_come_in_any_order():
    V = np.random.default_rng(0).normal(size=(8, 5))
    order = [3, 1, 4, 0, 2]
    one = Tree(0.5, [[0, 1], [2, [3, 4]]])
    same = Tree(0.5, [[[4, 3], 2], [1, 0]])
    where = {task: place for place, task in enumerate(order)}
    moved = Tree(0.5, [[where[0], where[1]], [where[2], [where[3], where[4]]]])
    assert_allclose(same.prox(V, 0.6), one.prox(V, 0.6), rtol=1e-14)
    assert_allclose(
        moved.prox(V[:, order], 0.6), one.prox(V, 0.6)[:, order], rtol=1e-14
    )
    assert_allclose(moved.polar(V[:, order]), one.polar(V), rtol=1e-14)


def test_a_tree_can_be_replaced():
    penalty, V = Tree(1.0, [[0, 1], 2]), np.ones((1, 3))
    expected = Tree(1.0).value(V)
    assert penalty.value(V) != expected
    assert penalty.set_params(tree=None).value(V) == expected
    assert penalty.value(np.ones((1, 2))) == Tree(1.0).value(np.ones((1, 2)))


def test_a_chain_of_many_tasks():
    n = 2000
    Z = linkage(np.cumsum(np.arange(n, dtype=float))[:, None])
    assert_allclose(Tree(1.0, Z).value(np.eye(n)[[7]]), 1.0, rtol=1e-12)


@pytest.mark.parametrize(
    ("tree", "message"),
    [
        ([0, 1], r"no leaf, or several, for the tasks \[2\]"),
        ([0, 1, 1, 2], r"no leaf, or several, for the tasks \[1\]"),
        ([0, 1, {2}], r"no leaf, or several, for the tasks \[2\]"),
        ([(0, 1), 2], r"for the tasks \[1\]; .* tuples are \(node, weight\)"),
        (["0", "1", "2"], r"for the tasks \[0, 1, 2\]"),
        ([], r"for the tasks \[0, 1, 2\]"),
        (((0, 1), 2), r"\(\(0, 1\), 2\) is no tuple"),
        ([0, 1, (2, -1.0)], r"\(2, -1.0\) is no tuple"),
        ([0, 1, (2, np.nan)], r"\(2, nan\) is no tuple"),
        ([0, 1, (2, "3")], r"\(2, '3'\) is no tuple"),
        ([0, 1, (2, 1.0, 1.0)], r"\(2, 1.0, 1.0\) is no tuple"),
        ([0, 1, 2, ()], r"\(\) is no tuple"),
        (
            ([0, 1, (2, 0.0)], 0.0),
            "leaves 1 of 3 tasks unpenalised, first the one at 2",
        ),
        (([(0, 0.0), (1, 0.0), (2, 0.0)], 0.0), "leaves 3 of 3 tasks unpenalised"),
        (LINKAGE, r"tree of 3 tasks is a linkage matrix of shape \(2, 4\) .* \(4, 4\)"),
        (np.ones((2, 4)), "linkage matrix"),
        (np.ones(3), "linkage matrix"),
    ],
)
def test_bad_trees_are_refused(tree, message):
    X, Y = np.eye(6)[:, :2], np.random.default_rng(0).normal(size=(6, 3))
    with pytest.raises(ValueError, match=message):
        MultiTaskTreeRegressor(tree=tree).fit(X, Y)


def test_leaves_are_task_labels():
    Xs, ys = make_problem()
    names = ["d", "a", "e", "c", "b"]
    tree = [["d", "a", "z"], (["e", ("c", 0.5), ["y"], "b"], 2.0), "x"]
    plain = [[0, 1], ([2, (3, 0.5), 4], 2.0)]
    model = MultiTaskTreeRegressor(tree=tree)
    model.fit(dict(zip(names, Xs, strict=True)), dict(zip(names, ys, strict=True)))
    same = MultiTaskTreeRegressor(tree=plain).fit(Xs, ys)
    assert_array_equal(model.coef_, same.coef_)
    table = np.vstack(Xs), np.repeat([3, 0, 4, 2, 1], [len(y) for y in ys])
    model = MultiTaskTreeRegressor(
        tree=[[3, 0], ([4, (2, 0.5), 1], 2.0)], task_column=-1
    )
    model.fit(np.column_stack(table), np.concatenate(ys))
    assert_allclose(model.coef_[[3, 0, 4, 2, 1]], same.coef_, rtol=1e-9, atol=1e-12)
    rest = clone(model).set_params(tree=tree, task_column=None)
    rest.fit({"e": Xs[2], "d": Xs[0]}, {"e": ys[2], "d": ys[0]})  # as in a fold
    fewer = MultiTaskTreeRegressor(tree=[([0], 2.0), [1]]).fit(Xs[2::-2], ys[2::-2])
    assert_array_equal(rest.coef_, fewer.coef_)


# Equivalences of the models


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("ridge", [0.0, 0.1])
def test_l1_is_the_lasso_of_each_task(ridge, fit_intercept):
    Xs, ys = make_problem()
    model = MultiTaskL1Regressor(0.2, ridge, fit_intercept=fit_intercept, **TIGHT)
    model.fit(Xs, ys)
    for t, (X, y) in enumerate(zip(Xs, ys, strict=True)):
        theirs = ElasticNet(  # half of the squared norm
            alpha=0.2 + 2 * ridge,
            l1_ratio=0.2 / (0.2 + 2 * ridge),
            fit_intercept=fit_intercept,
            tol=1e-10,
        ).fit(X, y)
        assert_allclose(model.coef_[t], theirs.coef_, atol=1e-5)


@pytest.mark.parametrize(
    ("model", "strength"),
    [
        (MultiTaskL1Regressor(0.3), 0.3),
        (MultiTaskLInfRegressor(0.3), 0.3),
        (MultiTaskSparseGroupRegressor(0.2, 0.1), 0.3),
        (MultiTaskTreeRegressor(0.15), 0.3),
        (MultiTaskTreeRegressor(0.3, tree=np.ones((0, 4))), 0.3),
        (MultiTaskDataSharedRegressor(0.3, 0.9), 0.3),
        (MultiTaskDataSharedRegressor(0.9, 0.3), 0.3),
        (MultiTaskRegressor(KSupport(0.3, 1)), 0.3),
    ],
    ids=str,
)
def test_one_task_is_the_lasso(model, strength):
    Xs, ys = make_problem()
    theirs = Lasso(strength, tol=1e-10).fit(Xs[4], ys[4])
    ours = clone(model).set_params(**TIGHT).fit([Xs[4]], [ys[4]])
    assert_allclose(ours.coef_[0], theirs.coef_, atol=1e-6)


def same_fit(model, other):
    Xs, ys = make_problem()
    model, other = (clone(m).set_params(**TIGHT).fit(Xs, ys) for m in (model, other))
    assert_allclose(model.objective_, other.objective_, rtol=1e-9)
    assert_allclose(model.coef_, other.coef_, atol=1e-4)
    return model


@pytest.mark.parametrize(
    ("model", "other"),
    [
        (MultiTaskSparseGroupRegressor(0.3, 0.0), MultiTaskL21Regressor(0.3)),
        (MultiTaskSparseGroupRegressor(0.0, 0.3), MultiTaskL1Regressor(0.3)),
        (MultiTaskTreeRegressor(0.2), MultiTaskSparseGroupRegressor(0.2, 0.2)),
        (MultiTaskRegressor(KSupport(0.3, 1)), MultiTaskL21Regressor(0.3)),
        (MultiTaskL1Regressor(0.0, 0.2), SingleTaskRegressor(0.2)),
        (MultiTaskLInfRegressor(0.0, 0.2), SingleTaskRegressor(0.2)),
        (MultiTaskTreeRegressor(0.0, 0.2), SingleTaskRegressor(0.2)),
        (MultiTaskSparseGroupRegressor(0.0, 0.0, ridge=0.2), SingleTaskRegressor(0.2)),
        (MultiTaskDataSharedRegressor(0.3, 0.0, ridge=0.2), SingleTaskRegressor(0.2)),
    ],
    ids=str,
)
def test_limits(model, other):
    same_fit(model, other)


def test_data_shared_is_a_lasso_on_a_stacked_design():
    rng = np.random.default_rng(0)
    T, n, d, lambda1, lambda2 = 4, 12, 5, 0.4, 0.3
    Xs = [rng.normal(size=(n, d)) for _ in range(T)]
    ys = [X @ np.arange(d) + rng.normal(size=n) for X in Xs]
    own = [np.kron(np.eye(T)[[t]], X) for t, X in enumerate(Xs)]
    design = np.hstack([np.vstack(Xs) * (lambda2 / lambda1), np.vstack(own)])
    lasso = Lasso(lambda2 / T, fit_intercept=False, tol=1e-12)
    lasso.fit(design, np.concatenate(ys))
    u = lasso.coef_[:d] * (lambda2 / lambda1)
    V = lasso.coef_[d:].reshape(T, d)
    model = MultiTaskDataSharedRegressor(
        lambda1, lambda2, fit_intercept=False, **TIGHT
    ).fit(Xs, ys)
    assert_allclose(model.coef_, u + V, atol=1e-5)
    assert_array_equal(model.shared_coef_, np.tile(model.shared_coef_[0], (T, 1)))
    assert_allclose(model.shared_coef_ + model.specific_coef_, model.coef_, rtol=1e-13)
    penalty = lambda1 * np.abs(model.shared_coef_[0]).sum()
    penalty += lambda2 * np.abs(model.specific_coef_).sum()
    fitted = loss(Xs, ys, model.coef_, np.zeros(T))
    assert_allclose(model.objective_, fitted + penalty, rtol=1e-12)


def test_data_shared_warns_out_of_its_range():
    Xs, ys = make_problem()
    model = MultiTaskDataSharedRegressor(1.0, 0.2, **TIGHT)
    with pytest.warns(UserWarning, match=r"common part is zero.*lambda1 < n_tasks \*"):
        model.fit(Xs, ys)
    assert_allclose(model.shared_coef_, 0, atol=1e-9)
    lasso = MultiTaskL1Regressor(0.2, **TIGHT).fit(Xs, ys)
    assert_allclose(model.objective_, lasso.objective_, rtol=1e-9)
    model.set_params(lambda1=0.99).fit(Xs, ys)  # no warning
    assert model.set_params(lambda1="auto", lambda2="auto").fit(Xs, ys).converged_
    assert_allclose(model.lambda1_, np.sqrt(5) * model.lambda2_, rtol=1e-14)


@pytest.mark.parametrize("ridge", [0.0, 0.05])
def test_data_shared_with_a_free_common_part(ridge):
    cp = pytest.importorskip("cvxpy")
    Xs, ys = make_problem()
    model = MultiTaskDataSharedRegressor(0.0, 0.2, ridge=ridge, **TIGHT).fit(Xs, ys)
    assert model.certificate_kind_ == "duality gap"
    best = optimum(cp, Xs, ys, data_shared(0.0, 0.2), ridge)
    assert_allclose(model.objective_, best, rtol=1e-8)


def test_one_strength_given():
    Xs, ys = make_problem()
    model = MultiTaskDataSharedRegressor(lambda2=0.1).fit(Xs, ys)
    assert_allclose(model.lambda1_, 0.1 * np.sqrt(5), rtol=1e-14)
    model = MultiTaskSparseGroupRegressor(0.1, ridge=0.3).fit(Xs, ys)
    assert (model.lambda1_, model.lambda2_) == (0.1, 0.1)


def test_k_support_by_name():
    Xs, ys = make_problem()
    model = MultiTaskRegressor("k_support").fit(Xs, ys)
    top = MultiTaskRegressor("k_support").lambda_max(Xs, ys)
    assert_allclose(model.penalty_.lambda1, 0.1 * top, rtol=1e-14)
    assert model.certificate_kind_ == "duality gap"


# lambda_max


def null_gradient(Xs, ys):
    """Return X_t'(y_t - mean) / n_t, one column a task."""
    columns = [X.T @ (y - y.mean()) / len(y) for X, y in zip(Xs, ys, strict=True)]
    return np.column_stack(columns)


@pytest.mark.parametrize("ridge", [0.0, 0.1])
@pytest.mark.parametrize("name", MODELS)
def test_lambda_max(name, ridge):
    model, _ = MODELS[name]
    model, (Xs, ys) = with_ridge(model, ridge), make_problem()
    top = model.lambda_max(Xs, ys)
    params = model.get_params()
    strengths = [
        s
        for s in ("lambda1", "penalty__left__lambda1", "lambda2")
        if s in params and not (s == "lambda2" and "ridge" not in params)
    ]
    scale = top / params[strengths[0]]

    def fit(factor):
        moved = {s: factor * scale * params[s] for s in strengths}
        return clone(model).set_params(**moved, **TIGHT).fit(Xs, ys)

    assert_array_equal(fit(1.0 + 1e-12).coef_, 0)
    assert_array_equal(fit(10.0).coef_, 0)
    assert fit(0.999).coef_.any()


def test_lambda_max_in_closed_form():
    Xs, ys = make_problem()
    G = null_gradient(Xs, ys)
    norms = np.sort(np.linalg.norm(G, axis=1))[::-1]
    expected = {
        "L1": np.abs(G).max(),
        "LInf": np.abs(G).sum(axis=1).max(),
        "DataShared": max(np.abs(G.sum(axis=1)).max(), np.abs(G).max() * 0.4 / 0.15),
        "KSupport 4": np.linalg.norm(norms[:4]),
        "KSupport 9": np.linalg.norm(G),
    }
    for name, value in expected.items():
        assert_allclose(MODELS[name][0].lambda_max(Xs, ys), value, rtol=1e-12)


# MALSAR and RMTL

MALSAR = [
    "Least_Lasso_P1_1",
    "Least_Lasso_P1_2",
    "Least_Lasso_P2_1",
    "Least_Lasso_P2_2",
]
RMTL = [f"RMTL_Lasso_{p}" for p in ("P1_1", "P1_2", "P2_1", "P2_2")]


@pytest.fixture(scope="module")
def entries(shared_folder):
    text = (shared_folder / "reference" / "reference.json").read_text()
    return {entry["id"]: entry for entry in json.loads(text)["entries"]}


@pytest.mark.parametrize("name", MALSAR + RMTL)
def test_optimum_of_malsar_and_rmtl_is_reached(shared_folder, entries, name):
    """MALSAR sums the loss and has no intercept; the objective of RMTL is ours."""
    entry = entries[name]
    strengths, malsar = entry["params"], entry["package"] == "MALSAR"
    with np.load(shared_folder / "reference" / f"{entry['problem']}.npz") as z:
        cuts = np.cumsum(z["n"])[:-1]
        Xs, ys = np.split(z["X"].astype(float), cuts), np.split(z["y"], cuts)
    if malsar:
        model = MultiTaskL1Regressor(
            strengths["rho1"], fit_intercept=False, task_weight="n_samples"
        )
    else:
        model = MultiTaskL1Regressor(float(strengths["Lam1"]), float(strengths["Lam2"]))
    model.set_params(tol=1e-8).fit(Xs, ys)
    assert model.converged_
    value = strengths["rho1" if malsar else "Lam1"] * np.abs(model.coef_).sum()
    for X, y, w, c in zip(Xs, ys, model.coef_, model.intercept_, strict=True):
        square = np.sum((y - X @ w - c) ** 2) / 2
        value += square if malsar else square / len(y)
    assert_allclose(value, entry["objective"], rtol=1e-7)


def test_every_lasso_of_the_references_is_here(entries):
    functions = ("Least_Lasso", "MTL(Regression,Lasso)")
    found = [i for i, e in entries.items() if e["function"] in functions]
    assert sorted(found) == sorted(MALSAR + RMTL)


# Structure is recovered


def truths(rng):
    """Return coefficients (n_tasks, n_features) made for each structure."""
    tree = np.zeros((6, 30))
    tree[:3, :4], tree[3:, 4:8] = rng.normal(size=(2, 3, 4))
    exceptions = np.zeros((10, 40))
    exceptions[:, :8] = rng.normal(size=(10, 8)) * (rng.random((10, 8)) < 0.4)
    alike = np.zeros((8, 40))
    alike[:, :5] = rng.choice([-1, 1], size=(8, 5))
    common = np.zeros((8, 30))
    common[:, :5] = rng.normal(size=5)
    common[np.arange(8), rng.integers(0, 30, 8)] += 2 * rng.choice([-1, 1], 8)
    return {"tree": tree, "exceptions": exceptions, "alike": alike, "common": common}


MADE_FOR = {
    "tree": MultiTaskTreeRegressor(tree=[[0, 1, 2], [3, 4, 5]]),
    "exceptions": MultiTaskSparseGroupRegressor(),
    "alike": MultiTaskLInfRegressor(),
    "common": MultiTaskDataSharedRegressor(),
}


def simulate(W, n_samples, rng):
    Xs = [rng.normal(size=(n_samples, W.shape[1])) for _ in W]
    return Xs, [X @ w + rng.normal(size=len(X)) for X, w in zip(Xs, W, strict=True)]


def error_at_best(model, W, train, test):
    """Return the relative error at the strength that predicts other data best."""
    model = clone(model)
    top = model.lambda_max(*train)
    fits = []
    for lambda1 in np.geomspace(top, 0.02 * top, 8):
        model = clone(model).set_params(lambda1=lambda1)
        if "ridge" in model.get_params():
            unit = model._penalty().right.unit(*W.T.shape)
            model.set_params(lambda2=lambda1 * unit["lambda2"])
        fits.append(model.fit(*train))
    best = max(fits, key=lambda fit: fit.score(*test))
    return np.sum((best.coef_ - W) ** 2) / np.sum(W**2)


@pytest.mark.parametrize("structure", MADE_FOR)
def test_the_right_structure_is_best(structure):
    """It beats the lasso of each task and the joint choice of features."""
    models = [MADE_FOR[structure], MultiTaskL1Regressor(), MultiTaskL21Regressor()]
    errors = np.zeros(3)
    for seed in range(2):
        rng = np.random.default_rng(seed)
        W = truths(rng)[structure]
        train, test = simulate(W, 25, rng), simulate(W, 200, rng)
        errors += [error_at_best(model, W, train, test) for model in models]
    assert errors[0] < 0.95 * errors[1:].min()


def test_a_tree_separates_its_branches():
    rng = np.random.default_rng(0)
    W = truths(rng)["tree"]
    tree = [[(t, 0.0) for t in (0, 1, 2)], [(t, 0.0) for t in (3, 4, 5)]]
    model = MultiTaskTreeRegressor(0.28, tree=(tree, 0.0)).fit(*simulate(W, 200, rng))
    used = model.coef_.astype(bool)
    assert_array_equal(used[:3], np.tile(np.arange(30) < 4, (3, 1)))
    assert_array_equal(used[3:], np.tile((np.arange(30) - 4) // 4 == 0, (3, 1)))


def test_data_shared_names_the_exceptions():
    rng = np.random.default_rng(0)
    W = truths(rng)["common"]
    model = MultiTaskDataSharedRegressor(0.6, 0.25).fit(*simulate(W, 200, rng))
    own = np.abs(model.specific_coef_) > 0.2
    assert_array_equal(np.flatnonzero(model.shared_coef_[0].round(1)), range(5))
    assert_array_equal(own, np.abs(W - np.median(W, axis=0)) > 1)


def test_l_inf_coefficients_are_alike():
    rng = np.random.default_rng(0)
    W = truths(rng)["alike"]
    model = MultiTaskLInfRegressor(1.2).fit(*simulate(W, 100, rng))
    sizes = np.abs(model.coef_)
    assert_array_equal(sizes.any(axis=0), np.arange(40) < 5)
    largest = np.isclose(sizes, sizes.max(axis=0), rtol=1e-12)
    assert largest[:, :5].mean() > 0.5
    assert_array_equal(np.sign(model.coef_[:, :5]), W[:, :5])


def test_k_support_keeps_correlated_features_together():
    rng = np.random.default_rng(0)
    common = rng.normal(size=(40, 1))
    X = rng.normal(size=(40, 16))
    X[:, :4] = common + 0.3 * X[:, :4]
    W = np.tile(np.arange(16) < 4, (4, 1))
    Y = X @ W.T + rng.normal(size=(40, 4))

    def least_error(penalty):
        model = MultiTaskRegressor(penalty)
        errors = []
        for factor in np.geomspace(1, 0.01, 15):
            strength = factor * clone(model).lambda_max(X, Y)
            fitted = clone(model).set_params(penalty__lambda1=strength).fit(X, Y)
            errors.append(np.sum((fitted.coef_ - W) ** 2) / np.sum(W))
        return min(errors)

    assert least_error(KSupport(k=4)) < 0.5 * least_error(L21())
