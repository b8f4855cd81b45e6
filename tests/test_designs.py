"""Every design against plain loops over its tasks."""

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal

from pymtl._feature_weight import Covariates, Projected
from pymtl._sparse import condensed
from pymtl.designs import (
    Between,
    Gram,
    PerClass,
    Recentred,
    Scaled,
    Selected,
    Shared,
    Shifted,
    Spanned,
    Stacked,
    StackedSparse,
)

BOUNDS = np.array([0, 4, 10, 15])
K = 3


def designs():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((15, 2)) * (rng.random((15, 2)) < 0.7)
    tasks = np.split(X, BOUNDS[1:-1])
    shift = rng.standard_normal((3, 2))
    sparse = StackedSparse.of_rows(sp.csr_array(X), BOUNDS)
    moved = [task - s for task, s in zip(tasks, shift, strict=True)]
    yield "stacked", Stacked(X, BOUNDS), tasks
    yield "sparse", sparse, tasks
    yield "shifted", Shifted(Stacked(X, BOUNDS), shift), moved
    yield "shifted sparse", Shifted(sparse, shift), moved
    yield "shared", Shared(X, 3), [X] * 3


@pytest.mark.parametrize("by_task", [False, True])
@pytest.mark.parametrize(
    ("name", "design", "tasks"), [pytest.param(*case, id=case[0]) for case in designs()]
)
def test_columns_of_classes(name, design, tasks, by_task):
    rng = np.random.default_rng(1)
    classes = PerClass(design, K, by_task)
    W = rng.standard_normal(classes.shape)
    parts = W.reshape(K, 2, 3).transpose(2, 0, 1) if by_task else W.T.reshape(3, K, 2)
    expected = [U @ X.T for X, U in zip(tasks, parts, strict=True)]
    z = classes.forward(W)
    assert_allclose(z, np.concatenate([part.ravel() for part in expected]))
    r = rng.standard_normal(len(z))
    assert_allclose(np.vdot(classes.adjoint(r), W), r @ z)
    weight = rng.uniform(0.5, 2.0, len(z))
    for t in range(classes.shape[1]):
        V = np.zeros(classes.shape)
        V[:, t] = W[:, t]
        B = classes.block(t, weight)
        assert_allclose(
            np.sum((B @ W[:, t]) ** 2), weight @ classes.forward(V) ** 2, rtol=1e-12
        )


def test_classes_of_one_task_are_alike():
    X = np.random.default_rng(0).standard_normal((5, 2))
    classes = PerClass(Stacked(X, np.array([0, 5])), K, False)
    weight = np.tile(np.arange(1.0, 6.0), K)
    assert_allclose(classes.alike(weight), np.ones(K))
    weight[5:10] *= 2.0
    assert_allclose(classes.alike(weight), [1.0, 2.0, 1.0])
    weight[0] = 3.0
    assert classes.alike(weight) is None


def wrapped():
    """Designs that are made of others, and of all that a solver asks."""
    rng = np.random.default_rng(5)
    X, weight = rng.standard_normal((15, 4)), rng.uniform(0.5, 2.0, 15)
    means, strength = rng.standard_normal((3, 4)), np.array([0.5, 1.0, 2.0])
    own, one = Stacked(X, BOUNDS), Shared(X[:5], 3)
    covariates = Covariates(own, np.array([1]), weight)
    rest = np.array([0, 2, 3])
    yield "own", own
    yield "one", one
    yield "sparse", StackedSparse.of_rows(sp.csr_array(X), BOUNDS)
    yield "shifted", Shifted(own, means)
    yield "recentred", Recentred(own, weight)
    yield "selected", Selected(own, rest)
    yield "scaled", Scaled(own, np.arange(1.0, 5.0))
    yield "between", Between(own, means, strength)
    yield "between one", Between(one, means, strength)
    yield "between equal", Between(one, means[[0, 0, 0]], np.ones(3))
    yield "scaled between", Scaled(Between(own, means, strength), np.arange(1.0, 5.0))
    yield "projected", Projected(own, rest, covariates)
    yield (
        "scaled projected",
        Scaled(Projected(own, rest, covariates), np.arange(1.0, 4.0)),
    )
    yield "spanned", Spanned(own, rng.standard_normal((3, 2)))
    yield "classes", PerClass(own, K, False)
    yield "classes of tasks", PerClass(own, K, True)


@pytest.mark.parametrize(
    ("name", "design"), list(wrapped()), ids=[n for n, _ in wrapped()]
)
def test_contract(name, design):
    """Everything that a solver may ask agrees with the matrix of `forward`."""
    d, m = design.shape
    units = np.eye(d * m).reshape(-1, d, m)
    A = np.stack([design.forward(U) for U in units], axis=1)
    n = design.bounds[-1]
    assert A.shape[0] == n
    rng = np.random.default_rng(6)
    r, W = rng.standard_normal(n), rng.standard_normal((d, m))
    assert_allclose(design.adjoint(r).ravel(), A.T @ r, atol=1e-12)
    if "projected" in name:  # an operator of the weights that it was made with
        base = design.design if name.startswith("scaled") else design
        weight = base.covariates.problem.weight
    elif "one" in name or "equal" in name:
        weight = np.append(np.tile(rng.uniform(0.5, 2.0, 5), 3), np.ones(n - 15))
    else:
        weight = np.append(rng.uniform(0.5, 2.0, 15), np.ones(n - 15))
        weight = weight[:n] if n <= 18 else np.tile(weight[:15], n // 15)
    H = (A.T * weight) @ A
    product = design.gram(weight)
    if product is not None:
        assert_allclose(product(W).ravel(), H @ W.ravel(), atol=1e-10)
        if isinstance(product, Gram):
            assert_allclose(product.diagonal().ravel(), np.diag(H), atol=1e-10)
    blocks = [condensed(design.block(t, weight)) for t in range(m)]
    squares = np.stack([np.sum(B**2, axis=0) for B in blocks], axis=1)
    assert_allclose(design.squares(weight), squares, atol=1e-10)
    tensor = H.reshape(d, m, d, m)
    own = np.stack([tensor[:, t, :, t] for t in range(m)])
    if design.apart:
        assert_allclose(own, [B.T @ B for B in blocks], atol=1e-10)
        for s, t in ((0, 1), (m - 1, 0)):
            assert_allclose(tensor[:, s, :, t], 0.0, atol=1e-10)
    elif design.tie is not None:
        b = design.tie.ravel()
        free = (H + np.outer(b, b)).reshape(d, m, d, m)
        for t, B in enumerate(blocks):
            assert_allclose(free[:, t, :, t], B.T @ B, atol=1e-10)
        assert_allclose(free[:, 0, :, 1], 0.0, atol=1e-10)
        taken = product.take(np.array([2, 0]))
        some = design.take(np.array([2, 0])).gram(weight)
        assert_allclose(taken(W[:2]), some(W[:2]), atol=1e-10)
    if design.copies is None:
        features = np.array([d - 1, 0])
        full = np.zeros((d, m))
        full[features] = W[:2]
        some = design.take(features)
        assert_allclose(some.forward(W[:2]), design.forward(full), atol=1e-12)
        if design.has_lines:
            lines = design.lines(features, weight)
            assert_allclose(np.sum(lines**2), squares[features].sum(), rtol=1e-12)


WEIGHTS = {
    "any": np.random.default_rng(2).uniform(0.5, 2.0, 45),
    "one number a task": np.repeat([2.0, 0.5, 1.0] * 3, np.diff(BOUNDS).tolist() * 3),
    "none in a task": np.r_[np.zeros(4), np.random.default_rng(3).random(41) + 0.1],
}


def plain(monkeypatch):
    """Yield designs whose columns do not touch each other, and the rows of each."""
    yield from designs()
    rng = np.random.default_rng(4)
    tasks = [rng.standard_normal((n, 3)) for n in np.diff(BOUNDS)]
    X = np.concatenate(tasks)
    yield "in parts", Stacked(tasks, BOUNDS), tasks
    sparse = StackedSparse.of_rows(sp.csr_array(X), BOUNDS)
    twice = [X for X in tasks for _ in range(2)]
    yield "two classes", Stacked(X, BOUNDS).of_classes(2), twice
    yield "two sparse classes", sparse.of_classes(2), twice
    yield "shared sparse", Shared(sp.csr_array(X), 3), [X] * 3
    yield "shared classes", Shared(X, 1).of_classes(3), [X] * 3
    shift = rng.standard_normal((3, 3))
    moved = [task - s for task, s in zip(tasks, shift, strict=True)]
    two = [X for X in moved for _ in range(2)]
    yield "shifted classes", Shifted(Stacked(X, BOUNDS), shift).of_classes(2), two
    for name in WEIGHTS:
        weight = WEIGHTS[name][:15]
        means = [
            np.average(X, axis=0, weights=weight[a:b]) if weight[a:b].any() else 0.0
            for X, a, b in zip(tasks, BOUNDS[:-1], BOUNDS[1:], strict=True)
        ]
        centred = [X - mean for X, mean in zip(tasks, means, strict=True)]
        yield f"recentred, {name}", Recentred(Stacked(X, BOUNDS), weight), centred
    monkeypatch.setattr("pymtl.designs.stacked.LARGE_TASK", 0)
    large = Stacked(X, BOUNDS)
    assert large.large
    yield "large", large, tasks


@pytest.mark.parametrize("kind", WEIGHTS)
def test_products_of_recentred_rows(kind):
    """Those of the weights that rows are centred by are corrected, not formed anew."""
    rng = np.random.default_rng(7)
    X, W, weight = rng.standard_normal((15, 3)), rng.random((3, 3)), WEIGHTS[kind][:15]
    design = Recentred(Stacked(X, BOUNDS), weight)
    expected = design.adjoint(weight * design.forward(W))
    assert_allclose(design.gram(weight)(W), expected, atol=1e-12)
    assert_allclose(design.gram(weight.copy())(W), expected, atol=1e-12)


def test_small_tasks_are_multiplied_in_one_loop():
    X = np.ones((15, 2))
    assert not Stacked(X, BOUNDS).large
    assert not Stacked(X.astype(np.float32), BOUNDS).large
    assert Stacked(X, BOUNDS, 2).large
    assert Stacked(np.ones((15, 4001)), BOUNDS).large
    assert not Stacked(np.ones((15, 4000)), BOUNDS).large


def rows_of(block, d):
    return np.column_stack([block @ e for e in np.eye(d)])


def test_contract_of_plain_designs(monkeypatch):
    for name, design, tasks in plain(monkeypatch):
        for kind, weight in WEIGHTS.items():
            check_plain(design, tasks, weight[: design.bounds[-1]], f"{name}, {kind}")


def check_plain(design, tasks, weight, name):
    d, m = design.shape
    rng = np.random.default_rng(1)
    assert (d, m) == (tasks[0].shape[1], len(tasks)), name
    sizes = [len(X) for X in tasks]
    assert_array_equal(design.bounds, np.cumsum([0, *sizes]), name)
    W, r = rng.standard_normal((d, m)), rng.standard_normal(sum(sizes))
    parts = np.split(r, design.bounds[1:-1]), np.split(weight, design.bounds[1:-1])
    z = np.concatenate([X @ w for X, w in zip(tasks, W.T, strict=True)])
    assert_allclose(design.forward(W), z, err_msg=name)
    back = [X.T @ v for X, v in zip(tasks, parts[0], strict=True)]
    assert_allclose(design.adjoint(r), np.stack(back, axis=1), err_msg=name)
    H = [X.T @ (w[:, None] * X) for X, w in zip(tasks, parts[1], strict=True)]
    for t in range(m):
        B = rows_of(design.block(t, weight), d)
        assert len(B) == np.count_nonzero(parts[1][t]), name
        assert_allclose(B.T @ B, H[t], atol=1e-13, err_msg=name)
    diagonal = np.stack([np.diagonal(A) for A in H], axis=1)
    assert_allclose(design.squares(weight), diagonal, atol=1e-13, err_msg=name)
    product = design.gram(weight)
    HW = np.stack([A @ w for A, w in zip(H, W.T, strict=True)], axis=1)
    assert_allclose(product(W), HW, atol=1e-12, err_msg=name)
    assert_allclose(product.diagonal(), diagonal, atol=1e-12, err_msg=name)
    some = np.array([d - 1, 0])
    taken = design.take(some)
    few = np.concatenate([X[:, some] @ w for X, w in zip(tasks, W[:2].T, strict=True)])
    assert_allclose(taken.forward(W[:2]), few, err_msg=name)
    small = np.stack(
        [A[np.ix_(some, some)] @ w for A, w in zip(H, W[:2].T, strict=True)], axis=1
    )
    assert_allclose(product.take(some)(W[:2]), small, atol=1e-12, err_msg=name)
    scale, rest = design.as_one(weight)
    if scale is not None:
        for t in range(m):
            own = rest[: sizes[0]]
            first = tasks[0].T @ (own[:, None] * tasks[0])
            assert_allclose(H[t], scale[t] * first, atol=1e-13, err_msg=name)


def test_alike_says_when_tasks_have_one_gram_matrix():
    X = np.random.default_rng(0).standard_normal((5, 2))
    own = np.arange(1.0, 6.0)
    shared = Shared(X, 3)
    assert_allclose(shared.alike(np.r_[own, 2 * own, 0.5 * own]), [1.0, 2.0, 0.5])
    assert shared.alike(np.r_[own, own, own[::-1]]) is None
    assert shared.alike(np.r_[0 * own, own, own]) is None
    other = np.r_[own, 2 * own, own]
    other[-1] *= 1 + 1e-12
    assert shared.alike(other) is None
    for design in (Stacked(X, np.array([0, 2, 5])), Shifted(shared, np.ones((3, 2)))):
        assert design.alike(np.ones(design.bounds[-1])) is None
    one = Stacked(X, np.array([0, 5]), 2)
    assert_allclose(one.alike(np.r_[own, 3 * own]), [1.0, 3.0])


def test_rows_are_reduced_to_a_triangle():
    rng = np.random.default_rng(0)
    X, y, weight = rng.standard_normal((15, 3)), rng.standard_normal(15), rng.random(15)
    bounds = np.array([0, 2, 6, 15])
    design = Stacked(X, bounds)
    small, z = design.reduced(weight, y)
    assert_array_equal(small.bounds, [0, 2, 6, 10])  # at most one row more than columns
    for t, (a, b) in enumerate(zip(bounds[:-1], bounds[1:], strict=True)):
        own = slice(small.bounds[t], small.bounds[t + 1])
        rows, B = design.block(t, weight), small.X[own]
        assert_allclose(B.T @ B, rows.T @ rows, atol=1e-13)
        linear = rows.T @ (np.sqrt(weight[a:b]) * y[a:b])
        assert_allclose(B.T @ z[own], linear, atol=1e-13)
        assert_allclose(z[own] @ z[own], weight[a:b] @ y[a:b] ** 2)


BASES = {
    "one column": np.ones((3, 1)),
    "any": np.random.default_rng(5).standard_normal((3, 2)),
    "two copies": np.tile(np.eye(3), 2),
}


@pytest.mark.parametrize("basis", BASES)
def test_spanned_columns(basis):
    rng, N = np.random.default_rng(0), BASES[basis]
    X, weight = rng.standard_normal((15, 2)), rng.random(15)
    inner = Stacked(X, BOUNDS)
    design = Spanned(inner, N)
    S, r = rng.standard_normal(design.shape), rng.standard_normal(15)
    assert design.shape == (2, N.shape[1])
    assert_allclose(design.forward(S), inner.forward(S @ N.T))
    assert_allclose(design.adjoint(r), inner.adjoint(r) @ N)
    product = design.gram(weight)
    assert_allclose(product(S), design.adjoint(weight * design.forward(S)))
    blocks = [design.block(t, weight) for t in range(N.shape[1])]
    few = [design.triangle(t, weight) for t in range(N.shape[1])]
    bound = 0.0
    for t, (B, R) in enumerate(zip(blocks, few, strict=True)):
        assert_allclose(R.T @ R, B.T @ B, atol=1e-13)
        assert len(R) <= 2 * 3
        assert_allclose(design.squares(weight)[:, t], np.sum(B**2, axis=0))
        bound += np.sum((B @ S[:, t]) ** 2)
    assert weight @ design.forward(S) ** 2 <= bound * (1 + 1e-12)
    assert design.alike(weight) is None


def test_means_between_tasks():
    rng = np.random.default_rng(0)
    X, means, a = rng.standard_normal((15, 2)), rng.standard_normal((3, 2)), [1, 2, 5.0]
    design = Between(Stacked(X, BOUNDS), means, np.array(a))
    W, r = rng.standard_normal((2, 3)), rng.standard_normal(18)
    weight = np.r_[rng.random(15), np.ones(3)]
    z = design.forward(W)
    assert_array_equal(design.bounds, [*BOUNDS, 16, 17, 18])
    k = np.sum(means.T * W, axis=0)
    form = np.diag(a) - np.outer(a, a) / np.sum(a)
    assert_allclose(np.sum(z[15:] ** 2), k @ form @ k)
    assert_allclose(z[15:], design.project(k))
    assert_allclose(np.vdot(design.adjoint(r), W), r @ z)
    assert_allclose(design.gram(weight)(W), design.adjoint(weight * z))
    blocks = [design.block(t, weight) for t in range(3)]
    bound = sum(np.sum((B @ w) ** 2) for B, w in zip(blocks, W.T, strict=True))
    assert weight @ z**2 <= bound
    for t, B in enumerate(blocks):
        assert len(B) == np.diff(BOUNDS)[t] + 1
        assert_allclose(B[-1], np.sqrt(a[t]) * means[t])
    assert design.alike(weight) is None


def test_labels_become_indicators():
    classes = PerClass(Stacked(np.ones((7, 1)), np.array([0, 3, 7])), K, False)
    y, weight = np.array([0, 1, 0, 2, 1, 1, 0.5]), np.array([1, 2, 3, 0, 4, 5, 6.0])
    assert_array_equal(classes.repeat(y)[:9], np.tile(y[:3], 3))
    Y, kept = classes.indicators(y, weight, np.array([False, True]))
    assert_array_equal(Y[:9], [1, 0, 1, 0, 1, 0, 0, 0, 0])
    assert_array_equal(kept[:9], [1, 2, 3, 1, 2, 3, 0, 0, 0])  # no label 2 in task 0
    assert_array_equal(Y[9:], np.r_[y[3:], np.zeros(8)])
    assert_array_equal(kept[9:], np.r_[weight[3:], np.zeros(8)])
    _, kept = classes.indicators(np.floor(y), weight)
    # the only 2 of task 1 has no weight, its 0 has
    assert_array_equal(kept[9:], np.r_[weight[3:], weight[3:], np.zeros(4)])
    assert classes.gram(weight) is None
