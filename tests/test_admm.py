"""Alternating directions, where one step does not suit all tasks."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from pymtl import MultiTaskRegressor, MultiTaskTraceNormRegressor
from pymtl.designs import Spanned, Stacked
from pymtl.losses import Squared
from pymtl.penalties import (
    KSupport,
    Ridge,
    SparseLowRank,
    SparseRankBudget,
    TraceNorm,
)
from pymtl.solvers import Problem
from pymtl.solvers.admm import _System


@pytest.fixture(autouse=True)
def hard(monkeypatch):
    """Go to alternating directions after one step, as if a problem were hard."""
    monkeypatch.setattr("pymtl.solvers._solve.EASY", 1)


def problem(seed=0, n_features=8, spread=1.5):
    """Return tasks whose features have units of their own."""
    rng = np.random.default_rng(seed)
    Xs, ys = [], []
    w = rng.standard_normal(n_features)
    for n in (12, 25, 5, 40):
        X = rng.standard_normal((n, n_features))
        y = X @ (w + 0.3 * rng.standard_normal(n_features))
        Xs.append(X * 10 ** rng.uniform(-spread, spread, n_features))
        ys.append(y + 0.3 * rng.standard_normal(n))
    return Xs, ys


@pytest.mark.parametrize("form", [True, False, "shared", "shrink"])
@pytest.mark.parametrize(
    "penalty",
    [
        TraceNorm("auto"),
        TraceNorm("auto") + Ridge(1e-3),
        KSupport("auto"),
        SparseLowRank("auto", "auto"),
        SparseRankBudget("auto", 2.0),
    ],
    ids=repr,
)
def test_tasks_of_any_units_are_certified(penalty, form):
    Xs, ys = problem()
    options = {"fit_intercept": form, "tol": 1e-7}
    model = MultiTaskRegressor(penalty, **options).fit(Xs, ys)
    assert model.solver_ == "admm"
    assert model.certificate_ <= 1e-7
    assert len(model.history_) == model.n_iter_
    slow = MultiTaskRegressor(penalty, solver="apg", max_iter=200_000, **options)
    assert_allclose(model.objective_, slow.fit(Xs, ys).objective_, rtol=1e-6)


def test_rank_is_that_of_the_prox():
    Xs, ys = problem(spread=0.5)
    model = MultiTaskTraceNormRegressor(tol=1e-9).fit(Xs, ys)
    assert model.certificate_ <= 1e-9
    same = MultiTaskTraceNormRegressor(tol=1e-9, solver="apg", max_iter=100_000)
    same.fit(Xs, ys)
    ranks = [np.linalg.matrix_rank(m.coef_, tol=1e-10) for m in (model, same)]
    assert ranks[0] == ranks[1]


def test_steps_are_reported():
    Xs, ys = problem()
    seen = MultiTaskTraceNormRegressor(max_iter=33, tol=1e-12)
    with pytest.warns(match="did not converge in 33 iterations"):
        seen.fit(Xs, ys)
    assert seen.n_iter_ == 33


@pytest.mark.parametrize("copies", [1, 2, 3])
def test_system_of_components_is_solved(copies):
    rng = np.random.default_rng(copies)
    Xs, ys = problem(spread=0.0)
    design = Stacked(np.concatenate(Xs), np.cumsum([0, *map(len, Xs)]))
    d, m = design.shape
    spanned = Spanned(design, np.tile(np.eye(m), copies))
    weight = rng.uniform(0.5, 2.0, design.bounds[-1])
    problem_of_parts = Problem(spanned, Squared(), np.concatenate(ys), weight)
    B, rho = rng.standard_normal((d, copies * m)), 0.7
    U = _System(problem_of_parts, rho).solve(B)
    hessian = spanned.adjoint(weight * (design.forward(U @ spanned.basis.T)))
    assert_allclose(hessian + rho * U, B, atol=1e-8)
