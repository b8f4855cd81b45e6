"""Designs with a column of W for each class of each task, against plain loops."""

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose

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
    yield "scaled projected", Scaled(Projected(own, rest, covariates), np.ones(3))
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
