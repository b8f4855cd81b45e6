"""Newton's method, with or without a penalty that has a prox."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from ._result import Result
from .direct import direct, newton_decrement

if TYPE_CHECKING:
    from ._problem import Problem

ARMIJO = 1e-4
HALVINGS = 30
ROUNDING = 1e-14
INNER = 0.2
LEFT = 0.2
PATIENCE = 4
SLOWLY = 0.9
LITTLE = 1e-3
STEPS = 100
INNER_ITERATIONS = 10_000  # a step
EACH = 3  # inner iterations, all steps together, for each of max_iter


def newton(
    problem: Problem,
    W: np.ndarray,
    tol: float,
    max_iter: int = 10000,
    null_objective: float | None = None,
    inner: Callable[[Problem, np.ndarray, float, int], Result] | None = None,
    enlarge: Callable | None = None,
    callback: Callable[[int, float, float], None] | None = None,
) -> Result:
    r"""Minimise a problem with a smooth loss by a sequence of squared losses.

    .. math:: W^+ = W + s\,(\hat W - W), \qquad \hat W = \arg\min_U\, q_W(U) + \Omega(U)

    where :math:`q_W` has the value, gradient and Hessian of the loss at W and the step
    length s is halved until the objective falls enough.

    Parameters
    ----------
    problem : Problem
        The problem; its loss has second derivatives.
    W : ndarray of shape (n_features, n_columns)
        Start.
    tol : float
        Relative tolerance of the certificate.
    max_iter : int, default=10000
        Largest number of steps, no more than a hundred; their inner iterations are at
        most three times as many.
    null_objective : float or None, default=None
        Objective of the null model, the unit of the gap; by default that at the start.
    inner : callable or None, default=None
        ``inner(model, W, gap, most)`` solves a problem with a squared loss and a
        penalty to a gap, in so many iterations, and returns the result, whose `polar`,
        if there is one, certifies the next iterate. A problem without proximal part
        needs none.
    enlarge : callable or None, default=None
        ``enlarge(point, rows, part)`` returns the rows of W that the next step moves,
        and the problem of them, see :func:`~pymtl.solvers.working_set.enlarge`; by
        default these are all rows.
    callback : callable or None, default=None
        Called with iteration, objective and certificate.

    Returns
    -------
    result : Result
        The last iterate.

    References
    ----------
    J. D. Lee, Y. Sun and M. A. Saunders (2014). Proximal Newton-type methods for
    minimizing composite functions. SIAM Journal on Optimization.
    """
    null = problem.proximal is not None and W is problem.null
    point = problem.null_point if null else problem.point(W)
    objective = problem.objective(point)
    unit = objective if null_objective is None else null_objective
    best, idle, work = np.inf, 0, EACH * max_iter
    rows, part = (slice(None), problem) if enlarge is None else (np.zeros(0, int), None)
    result = Result(W, n_iter=0, solver="newton", history=[])
    while result.n_iter < min(max_iter, STEPS):
        if problem.proximal is None:
            model = problem.model(point)
            gap = newton_decrement(model, point.W)
        else:
            gap = _gap(problem, point, objective, result.polar)
        result.certificate = gap / unit if gap else 0.0
        fall = result.history[-2] - objective if result.n_iter > 1 else np.inf
        slow = np.isinf(gap) or gap > SLOWLY * best  # infinite: there may be no gap
        idle = idle + 1 if slow and fall <= LITTLE * gap else 0
        best = min(gap, best)
        if callback is not None:
            callback(result.n_iter, objective, result.certificate)
        if result.certificate <= tol or idle >= PATIENCE or work <= 0:
            break
        if problem.proximal is None:
            step = direct(model, point.W).W - point.W
            move = problem.design.forward(step)
        else:
            if enlarge is not None:
                rows, part = enlarge(point, rows, part)
            share = min(INNER, np.sqrt(gap / unit))
            goal = max(share * min(gap, INNER * unit), LEFT * tol * unit)
            most = min(work, INNER_ITERATIONS)
            found = inner(part.model(point, rows), point.W[rows], goal, most)
            work -= found.n_iter
            result.polar = found.polar
            step, moved = np.zeros(point.W.shape), found.W - point.W[rows]
            step[rows], move = moved, part.design.forward(moved)
        point = _search(problem, point, objective, step, move)
        result.n_iter += 1
        objective = problem.objective(point)
        result.history.append(objective)
    result.W, result.objective = point.W, objective
    result.history = result.history or [objective]
    result.n_iter = len(result.history)
    problem._known["last point"] = point
    return result


def _gap(problem, point, objective, polar):
    """Return the gap, infinite while no bound of the polar, or dual point, is known."""
    if polar is None and not problem.proximal.certified:
        return np.inf
    gap = problem.gap(point, objective, polar)
    return np.inf if gap >= objective and problem.only_signs.any() else gap


def _search(problem, point, objective, step, move):
    """Return the first point on the way whose objective has fallen enough."""
    slope = float(np.vdot(point.gradient + point.pull, step))
    if problem.proximal is not None:
        ends = problem.proximal.value(point.W + step), problem.proximal.value(point.W)
        slope += ends[0] - ends[1]
    length = 1.0
    for _ in range(HALVINGS):
        new = point.along(step, move, length)
        fall = ARMIJO * length * min(slope, 0.0) + ROUNDING * abs(objective)
        if problem.objective(new) <= objective + fall:
            return new
        length *= 0.5
    return point
