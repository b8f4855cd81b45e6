"""The judge of the rows of classification, and pymtl's adapters."""

from functools import partial

import numpy as np
import pytest
from scipy.special import expit, log_softmax, xlogy

from benchmarks import logistic
from benchmarks.rows import Run

PROBLEMS = {
    "two": partial(logistic.two_classes, 3, 30, 20, 0.3),
    "many": partial(logistic.many_classes, 60, 25, 4, 0.3),
    "lasso": partial(logistic.many_classes, 60, 25, 4, 0.3, 1),
}


@pytest.mark.parametrize("name", PROBLEMS)
def test_gap_bounds_what_is_left(name):
    problem = PROBLEMS[name]()
    solver = logistic.Pymtl(problem)
    exact, rough = solver.solve(1e-10), solver.solve(1e-2)
    assert 0 <= solver.gap(exact) <= 1e-9
    left = objective(problem, rough) - objective(problem, exact)
    null = objective(problem, 0 * rough)
    assert 0 < left / null <= solver.gap(rough) <= 1e-2


@pytest.mark.parametrize("name", PROBLEMS)
def test_zero_is_optimal_at_the_largest_strength_only(name):
    problem = PROBLEMS[name]()
    W = 0 * logistic.Pymtl(problem).solve(0.1)
    largest = problem.alpha / problem.fraction
    rows = problem.Xs, problem.ys
    at = logistic.Problem(*rows, largest, 1.0, problem.order)
    below = logistic.Problem(*rows, 0.9 * largest, 0.9, problem.order)
    assert abs(logistic.duality_gap(at, W)) < 1e-12
    assert logistic.duality_gap(below, W) > 1e-4


def test_gap_of_one_task_by_formula():
    problem = logistic.two_classes(1, 30, 20, 0.3)
    (X,), (y,) = problem.Xs, problem.ys
    w = np.random.default_rng(0).standard_normal((20, 1)) / 10
    p = expit(X @ w[:, 0])
    gauge = np.abs(X.T @ (p - y) / 30).max() / problem.alpha
    q = y + (p - y) / max(gauge, 1.0)
    dual = -np.mean(xlogy(q, q) + xlogy(1 - q, 1 - q))
    expected = (objective(problem, w) - dual) / np.log(2)
    assert logistic.duality_gap(problem, w) == pytest.approx(expected, rel=1e-12)


def test_a_race_without_peers_and_one_whose_peer_breaks():
    class Broken(logistic.Peer):
        name = "broken"

        def solve(self, tol):
            raise ValueError

    record = logistic.race(PROBLEMS["two"], [Broken], 1e-6, Run(repeats=1))
    assert record["status"] == "ok"
    assert record["gap"] <= 1e-6
    assert record["others"][0]["status"].startswith("failed")
    assert "peer" not in record


def objective(problem, W):
    """The objective, from its formula."""
    value = problem.alpha * np.linalg.norm(W, problem.order, axis=1).sum()
    if problem.ys[0].ndim == 2:
        log_p = log_softmax(problem.Xs[0] @ W, axis=1)
        return value - np.mean(np.sum(problem.ys[0] * log_p, axis=1))
    for X, y, w in zip(problem.Xs, problem.ys, W.T, strict=True):
        value += np.mean(np.logaddexp(0, -(2 * y - 1) * (X @ w)))
    return value
