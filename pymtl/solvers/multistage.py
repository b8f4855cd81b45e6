"""Penalties that are not convex, by a sequence of convex ones above them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ._problem import Point, Problem
from ._result import Result
from .apg import prox_residual

STAGES = 30
MOST = 100  # iterations of a stage, and twice as many of a convex start
SLOW, PATIENCE = 0.7, 3  # a fall this share of the last: too slow, after so many stages
ROUGH = 1e-4  # relative gap of the convex starts, and fall at which a start is left
SHARE = 0.1  # of the last fall of the objective, to which a stage is solved
LEAST = 1e-14  # relative gap of a stage


def has_majorant(problem: Problem) -> bool:
    """Return whether the penalty has convex ones above it."""
    return hasattr(problem.proximal, "majorant") and problem.loss.smooth


def above(problem: Problem, W: np.ndarray) -> Problem:
    """Return the convex problem that touches a problem at W, but for a constant."""
    return problem.with_penalty(problem.matrix, problem.proximal.majorant(W))


def multistage(
    problem: Problem,
    W: np.ndarray,
    tol: float,
    max_iter: int,
    null_objective: float,
    callback: Callable[[int, float, float], None] | None = None,
    *,
    convex: Callable[[Problem, np.ndarray, float, int], Result],
) -> Result:
    r"""Minimise a problem with a concave penalty of rows in convex stages.

    .. math:: W^+ = \arg\min_U\, f(U) + \Omega_W(U), \qquad
              \Omega_W(U) + \Omega(W) - \Omega_W(W) \ge \Omega(U)

    for the convex penalty :math:`\Omega_W` that touches :math:`\Omega` at W, so that
    the objective falls with each stage. Where a stage ends depends on where it starts:
    from the solutions of the convex problem with the strength of the penalty and with
    weaker ones, and from W if that is not the null model. The best is followed until it
    is stationary.

    Parameters
    ----------
    problem : Problem
        A problem that :func:`has_majorant`.
    W : ndarray of shape (n_features, n_columns)
        A start beside those of the penalty, unless it is the null model.
    tol : float
        Relative tolerance of the certificate, the length of a step.
    max_iter : int
        Largest number of iterations of the convex problems, all together.
    null_objective : float
        Objective of the null model, the unit of the gaps.
    callback : callable or None, default=None
        Called with stage, objective and certificate of the best.
    convex : callable
        ``convex(problem, W, gap, most)`` minimises a convex problem to a gap.

    Returns
    -------
    result : Result
        The last iterate.

    References
    ----------
    H. Zou and R. Li (2008). One-step sparse estimates in nonconcave penalized
    likelihood models. Annals of Statistics.

    T. Zhang (2010). Analysis of multi-stage convex relaxation for sparse
    regularization. Journal of Machine Learning Research.
    """
    stages = Stages(problem, null_objective, max_iter, convex)
    ends = []
    if W is not problem.null:
        ends.append(stages.descend(W))
    start = problem.null
    for penalty in problem.proximal.starts():
        easy = problem.with_penalty(problem.matrix, penalty)
        start = stages.solve(easy, start, ROUGH * null_objective, 2 * MOST)
        ends.append(stages.descend(start))
    best = min(ends, key=lambda end: end.objective)
    return stages.finish(best, tol, callback)


class Stages:
    """The stages of a problem, with what is left of the iterations."""

    def __init__(self, problem, null_objective, max_iter, convex):
        self.problem = problem
        self.unit = null_objective
        self.left = max_iter
        self.convex = convex

    def solve(self, problem, W, gap, most=MOST):
        """Minimise a convex problem to a gap, in so many iterations."""
        if self.left <= 0:
            return W
        most = min(most, self.left)
        found = self.convex(problem, W, max(gap, LEAST * self.unit), most)
        self.left -= found.n_iter
        return found.W

    def next(self, W, fall):
        """Return the point of the next stage, and its objective."""
        W = self.solve(above(self.problem, W), W, SHARE * fall)
        point = self.problem.point(W)
        return point, self.problem.objective(point)

    def descend(self, W):
        """Return where stages lead that are stopped early."""
        objective = self.problem.objective(self.problem.point(W))
        fall, history = ROUGH * self.unit, []
        for _ in range(STAGES):
            point, new = self.next(W, fall)
            if not new < objective:
                break
            W, fall, objective = point.W, objective - new, new
            history.append(objective)
            if fall <= ROUGH * self.unit:
                break
        return Result(W, history=history, objective=objective)

    def finish(self, result, tol, callback):
        """Return the result of stages until no step goes down, or they are too slow.

        They are where the penalty bends more than the loss.
        """
        problem, fall, slow = self.problem, np.inf, 0
        metric = problem.metric()
        unit = np.linalg.norm(problem.null_point.gradient) or 1.0
        for _ in range(STAGES):
            residual = prox_residual(
                problem, problem.point(result.W), metric, 1 / metric
            )
            result.certificate = residual / unit
            if callback is not None:
                callback(len(result.history), result.objective, result.certificate)
            if result.certificate <= tol or self.left <= 0 or slow >= PATIENCE:
                break
            goal = min(fall, ROUGH * self.unit, result.certificate**2 * self.unit)
            point, new = self.next(result.W, goal)
            if not new < result.objective:
                break
            slow = slow + 1 if result.objective - new > SLOW * fall else 0
            fall = result.objective - new
            result.W, result.objective = point.W, new
            result.history.append(new)
        result.history = result.history or [result.objective]
        result.n_iter, result.solver = len(result.history), "multistage"
        return result


def majorant_gap(point: Point) -> float:
    """Return the duality gap of the convex problem that touches one at a point."""
    convex = above(point.problem, point.W)
    same = Point(convex, point.W, point.z)
    return convex.gap(same, convex.objective(same))
