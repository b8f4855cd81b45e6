"""Working sets of rows, for solvers that would see all of them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ._problem import Point, Problem
from ._result import Result
from .bcd import row_scores

SMALLEST = 100
INNER = 0.1
MOST = 0.75
PATIENCE = 4


def has_working_sets(problem: Problem) -> bool:
    """Return whether a problem can be restricted to some of the rows of W."""
    squares = problem.least_squares
    return (
        problem.proximal is not None
        and problem.proximal.row_norms is not None
        and problem.matrix.ridge is not None
        and hasattr(problem.design, "take")
        and (squares is None or hasattr(squares, "take"))
    )


def working_sets(
    problem: Problem,
    W: np.ndarray,
    tol: float,
    max_iter: int,
    null_objective: float,
    callback: Callable[[int, float, float], None] | None = None,
    *,
    solver: Callable[..., Result],
) -> Result:
    """Minimise a problem by a sequence of problems of some of the rows.

    The rows are those that are not zero and those whose gradient is the furthest from
    the dual ball; they are kept. The certificate is the one of all rows.

    Parameters
    ----------
    problem : Problem
        A problem that :func:`has_working_sets`.
    W : ndarray of shape (n_features, n_columns)
        Start.
    tol : float
        Relative tolerance of the certificate.
    max_iter : int
        Largest number of iterations of the solver.
    null_objective : float
        Objective of the null model, the unit of the gap.
    callback : callable or None, default=None
        Called with iteration, objective and certificate.
    solver : callable
        ``solver(problem, W, tol, max_iter, null_objective, callback=callback)``.

    Returns
    -------
    result : Result
        The last iterate.
    """
    result = Result(W, n_iter=0, history=[])
    point = problem.null_point if W is problem.null else problem.point(W)
    rows, part = np.zeros(0, int), None
    best, idle = np.inf, 0
    while True:
        result.W, result.objective = point.W, problem.objective(point)
        gap = problem.gap(point, result.objective)
        result.certificate = gap / null_objective
        idle = idle + 1 if gap > 0.5 * best else 0
        best = min(gap, best)
        if result.certificate <= tol or result.n_iter >= max_iter or idle >= PATIENCE:
            break
        new = _nearest(point, rows)
        goal = max(INNER * result.certificate, 0.5 * tol)
        if part is None or len(new):
            rows = np.sort(np.append(rows, new))
            part = problem.take(rows)
        if len(rows) > MOST * len(W):
            rows, part, goal = np.arange(len(W)), problem, tol
        start = point.W[rows]
        part.known_point(start, point, rows)
        left = max_iter - result.n_iter
        found = solver(part, start, goal, left, null_objective, callback=callback)
        result.n_iter += found.n_iter
        result.history += found.history
        result.solver = found.solver
        W = np.zeros(problem.design.shape)
        W[rows] = found.W
        point = Point(problem, W, part.design.forward(found.W))
    problem._known["last point"] = point
    result.n_iter = max(result.n_iter, 1)
    result.history = result.history or [result.objective]
    return result


def _nearest(point, inside):
    """Return the rows to add: the farthest from the dual ball, those in use first."""
    score = row_scores(point)
    size = max(2 * np.count_nonzero(np.isinf(score)), SMALLEST)
    score[inside] = 0.0
    if np.count_nonzero(score > 1) <= size:
        return np.flatnonzero(score > 1)
    return np.argpartition(-score, size - 1)[:size]
