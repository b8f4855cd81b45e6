"""Direct solution of purely quadratic problems."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ._result import Result

if TYPE_CHECKING:
    from ._problem import Problem

REFINEMENTS = 8
CG_STEPS = 2000
ALL, PART = 1e-24, 1e-8


def direct(
    problem: Problem, W: np.ndarray | None = None, enough: float = 0.0
) -> Result:
    r"""Solve ``H_t w_t + (W L)_t = X_t' y_t`` for all tasks at once.

    With ``L = \beta (I - ff') + \nu ff'`` and ``K_t = H_t + \beta I`` the mean
    :math:`u = \sum_t f_t w_t` solves one d x d system,

    .. math:: \sum_t f_t^2 K_t^{-1} (H_t + \nu I)\, u = \sum_t f_t K_t^{-1} X_t' y_t,

    and the tasks follow from it. What the system leaves out (rounding, intercepts
    that are shared, a task graph) is the work of conjugate gradients preconditioned by
    it, usually one step.

    Parameters
    ----------
    problem : Problem
        A problem with a squared loss and no proximal part.
    W : ndarray of shape (n_features, n_columns) or None, default=None
        Start.
    enough : float, default=0.0
        Duality gap at which to stop where only conjugate gradients remain: for sparse
        rows with many features.

    Returns
    -------
    result : Result
        The solution; of several the one of least norm.
    """
    solve = problem.preconditioner
    # one step of an exact inverse is not worth a Gram matrix
    fast = problem if problem.matrix.general is None else problem.fast()
    W = np.zeros(problem.design.shape) if W is None else W
    point = problem.point(W)
    R = -point.slope
    Z = solve(R)
    energy = float(np.vdot(R, Z))
    rounding = 1e-30 * abs(point.dual_y)
    in_parts = enough > 0 and not solve.exact and problem.kind == "duality gap"
    reduction = PART if in_parts else ALL
    result = Result(W, n_iter=0, solver="direct", history=[])
    for _ in range(REFINEMENTS):
        if not energy > rounding:
            break
        step, n_iter = conjugate_gradients(fast, solve, R, Z, rounding, reduction)
        new = problem.point(problem.refit(point.W + step))
        R = -new.slope
        Z = solve(R)
        last, energy = energy, float(np.vdot(R, Z))
        if not abs(energy) < last:
            break
        point = new
        result.n_iter += n_iter
        result.history += [point.fit + point.quad] * n_iter
        if energy > 0.25 * last:
            break
        if in_parts and problem.gap(point, problem.objective(point)) <= enough:
            break
    result.W, result.objective = point.W, point.fit + point.quad
    result.n_iter = max(result.n_iter, 1)
    result.history = result.history or [result.objective]
    return result


def newton_decrement(problem: Problem, W: np.ndarray) -> float:
    """Return ½ g'H^+g, the distance to the optimum of a quadratic problem."""
    point = problem.point(W)
    R, solve = point.slope, problem.preconditioner
    Z = solve(R)
    if not solve.exact:
        Z, _ = conjugate_gradients(problem, solve, R, Z, reduction=PART)
    return max(0.5 * float(np.vdot(R, Z)), 0.0)


def conjugate_gradients(
    problem, solve, R, Z, rounding=0.0, reduction=ALL, steps=CG_STEPS
):
    """Solve H step = R, where Z = solve(R) is the first direction."""
    step = np.zeros_like(R)
    direction = Z
    energy = first = float(np.vdot(R, Z))
    n_iter = 0
    while n_iter < steps and energy > 0:
        n_iter += 1
        H = problem.hessian(direction) + problem.matrix.apply(direction)
        curvature = float(np.vdot(direction, H))
        if not curvature > 0:
            break
        length = energy / curvature
        step = step + length * direction
        R = R - length * H
        Z = solve(R)
        last, energy = energy, float(np.vdot(R, Z))
        if not energy > max(reduction * first, rounding):
            break
        direction = Z + energy / last * direction
    return step, n_iter
