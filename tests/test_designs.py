"""Designs with a column of W for each class of each task, against plain loops."""

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose

from pymtl.designs import PerClass, Shared, Shifted, Stacked, StackedSparse

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
