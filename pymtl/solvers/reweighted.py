"""Reweighted least squares for losses with a quadratic majorant."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from ..losses import Squared
from ._problem import Problem
from ._result import Result
from .apg import apg

FLOOR = 1e-2


def reweighted(
    problem: Problem,
    W: np.ndarray,
    tol: float,
    max_iter: int,
    null_objective: float,
    callback: Callable[[int, float, float], None] | None = None,
) -> Result:
    r"""Minimise a loss by the squared losses that majorise it.

    Each round solves the problem with the squared loss whose row weights make it touch
    the loss at W, so the objective falls. The weights of tasks that are fitted exactly
    would be infinite: noise levels have a floor, which falls whenever it is what is
    left of the gap.

    Parameters
    ----------
    problem : Problem
        A problem whose loss has the method `reweight`.
    W : ndarray of shape (n_features, n_columns)
        Start.
    tol : float
        Relative tolerance of the certificate.
    max_iter : int
        Largest number of iterations, those of the rounds together.
    null_objective : float
        Objective of the null model, the unit of the gap.
    callback : callable or None, default=None
        Called with iteration, objective and certificate.

    Returns
    -------
    result : Result
        The last iterate.

    References
    ----------
    H. Liu, L. Wang and T. Zhao (2014). Multivariate regression with calibration. NIPS.
    """
    design, loss = problem.design, problem.loss
    bounds = design.bounds
    floor = FLOOR * loss.noise(problem.y, 0.0, problem.weight, bounds)
    result = Result(W, n_iter=0, solver="reweighted")
    certificate = 1.0
    z = design.forward(W)
    while result.n_iter < max_iter:
        weight = loss.reweight(problem.y, z, problem.weight, bounds, floor)
        inner = Problem(
            design, Squared(), problem.y, weight, problem.matrix, problem.proximal
        )
        unit = inner.objective(inner.point(np.zeros_like(W)))
        goal = 0.1 * max(min(certificate, 0.1), tol)
        left = max_iter - result.n_iter
        step = apg(inner.fast(), result.W, goal, left, unit, inner.metric())
        point = problem.point(step.W)
        objective = problem.objective(point)
        z = design.forward(step.W)
        smooth = _smoothed(problem, point, z, floor)
        certificate = problem.gap(smooth, objective) / null_objective
        result.W, result.objective = step.W, objective
        result.certificate, result.gap = certificate, certificate * null_objective
        result.n_iter += step.n_iter
        result.history += [objective] * step.n_iter
        if callback is not None:
            callback(result.n_iter, objective, certificate)
        if certificate <= tol:
            break
        if loss.excess(problem.y, z, problem.weight, bounds, floor) > 0.5 * result.gap:
            floor = 0.2 * floor
    return result


def _smoothed(problem, point, z, floor):
    """Return the point with the gradient of the loss whose noise has a floor.

    It lies in the domain of the conjugate, and unlike the gradient of the loss itself
    it is small where a task is fitted exactly.
    """
    y, weight, bounds = problem.y, problem.weight, problem.design.bounds
    dual = problem.loss.reweight(y, z, weight, bounds, floor) * (z - y)
    return replace(
        point,
        dual=dual,
        gradient=problem.design.adjoint(dual),
        dual_y=-float(np.dot(dual, y)),
    )
