"""Smooth losses on working sets of rows, and Newton's method on rows in use."""

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose
from sklearn.exceptions import ConvergenceWarning

from pymtl import MultiTaskClassifier, MultiTaskL21Classifier, MultiTaskRegressor
from pymtl.designs import Recentred, Shifted, Stacked
from pymtl.losses import Squared
from pymtl.penalties import L1, L21, Ridge, SparseGroup
from pymtl.penalties._task_matrix import TaskMatrix
from pymtl.solvers import _solve, working_set
from pymtl.solvers._problem import Problem
from pymtl.solvers.bcd import bcd
from pymtl.solvers.newton import EACH
from pymtl.solvers.support import newton_on_support


def make_labels(T=3, n=30, d=150):
    rng = np.random.default_rng(0)
    Xs = [rng.standard_normal((n + t, d)) + 1.0 for t in range(T)]
    ys = [(X[:, :4].sum(axis=1) + rng.standard_normal(len(X)) > 4) * 1 for X in Xs]
    return Xs, ys


@pytest.mark.parametrize("form", [True, False])
@pytest.mark.parametrize(
    "penalty",
    [L21(0.03), L21(0.03) + Ridge(0.01), L1(0.03), SparseGroup(0.01, 0.02)],
    ids=str,
)
def test_working_sets_reach_the_optimum_of_all_rows(monkeypatch, penalty, form):
    monkeypatch.setattr(working_set, "FEWEST", 8)
    monkeypatch.setattr(working_set, "MANY", 8)  # several rounds
    Xs, ys = make_labels()
    offset = [0.3 * X[:, 5] for X in Xs]
    model = MultiTaskClassifier(penalty, fit_intercept=form, tol=1e-9)
    found = model.fit(Xs, ys, offset=offset)
    assert found.solver_ == "newton"
    assert found.certificate_ <= 1e-9
    other = MultiTaskClassifier(
        penalty, fit_intercept=form, tol=1e-8, solver="apg"
    ).fit(Xs, ys, offset=offset)
    assert other.solver_ == "apg"
    assert_allclose(found.objective_, other.objective_, rtol=1e-7)
    assert_allclose(found.coef_, other.coef_, atol=2e-3)
    assert_allclose(found.intercept_, other.intercept_, atol=2e-3)


def test_working_sets_of_sparse_rows_and_of_counts(monkeypatch):
    monkeypatch.setattr(working_set, "FEWEST", 8)
    monkeypatch.setattr(working_set, "MANY", 8)
    Xs, ys = make_labels()
    Xs = [X * (X > 1.5) for X in Xs]
    for model in (
        MultiTaskL21Classifier(0.02, tol=1e-8),
        MultiTaskRegressor(L21(0.02), loss="poisson", tol=1e-8),
        MultiTaskRegressor(L21(0.02), loss="huber", tol=1e-8),
    ):
        dense = model.fit(Xs, ys).objective_
        sparse = model.fit([sp.csr_array(X) for X in Xs], ys)
        assert sparse.solver_ == "newton"
        assert_allclose(sparse.objective_, dense, rtol=1e-8)


def test_products_of_recentred_rows():
    rng = np.random.default_rng(0)
    X, bounds = rng.standard_normal((12, 3)), np.array([0, 4, 12])
    weight = rng.uniform(0.1, 1.0, 12)
    design = Recentred(Stacked(X, bounds), weight)
    means = [np.average(X[:4], 0, weight[:4]), np.average(X[4:], 0, weight[4:])]
    plain = Shifted(Stacked(X, bounds), np.array(means))
    W = rng.standard_normal((3, 2))
    assert_allclose(design.forward(W), plain.forward(W))
    assert_allclose(design.gram(weight)(W), plain.gram(weight)(W))
    assert_allclose(design.gram(weight**2)(W), plain.gram(weight**2)(W))
    few = np.array([2, 0])
    assert_allclose(design.take(few).forward(W[few]), plain.take(few).forward(W[few]))


@pytest.mark.parametrize("ridge", [0.0, 1e-4])
def test_newton_on_support_ends_at_the_optimum_of_the_rows_in_use(ridge):
    rng = np.random.default_rng(0)
    common = rng.standard_normal((60, 1))  # slow for coordinate descent
    X = common + 0.03 * rng.standard_normal((60, 4))
    y = X @ [40.0, -30.0, 20.0, 10.0] + rng.standard_normal(60)
    design, weight = Stacked(X, np.array([0, 25, 60])), np.full(60, 1 / 30)
    matrix, strength = TaskMatrix(2, ridge), 0.003
    problem = Problem(design, Squared(), y, weight, matrix, L21(strength)).fast()
    start = bcd(problem, np.zeros((4, 2)), 1e-12, 20, 1.0).W
    assert _left(problem, start, strength) > 1e-3
    W = newton_on_support(problem, start)
    assert np.array_equal(W.any(axis=1), start.any(axis=1))
    assert _left(problem, W, strength) < 1e-9


def _left(problem, W, strength):
    """Return how far the gradient is from where it has to be, in rows not zero."""
    used, point = W.any(axis=1), problem.point(W)
    U = W[used] / np.linalg.norm(W[used], axis=1, keepdims=True)
    return np.abs((point.gradient + point.pull)[used] + strength * U).max()


@pytest.mark.parametrize("max_iter", [3, 10])
def test_max_iter_bounds_the_iterations_of_all_steps(monkeypatch, max_iter):
    counts, minimise = [], _solve._minimise

    def counted(*args):
        result = minimise(*args)
        counts.append(result.n_iter)
        return result

    monkeypatch.setattr(_solve, "_minimise", counted)
    rng = np.random.default_rng(0)
    Xs = [rng.standard_normal((40, 6)) * 10.0 ** np.arange(6) for _ in range(2)]
    ys = [rng.permutation(np.arange(40) % 2) for _ in range(2)]
    model = MultiTaskClassifier(L21(1e-8), max_iter=max_iter, tol=1e-13)
    with pytest.warns(ConvergenceWarning):
        model.fit(Xs, ys)
    assert 0 < sum(counts) <= EACH * max_iter
    assert model.n_iter_ <= max_iter
