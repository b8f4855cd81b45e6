"""Accelerated proximal gradient: FISTA with adaptive restart."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ._problem import Problem
from ._result import Result

LOOK = 20
SHRINK = 0.95
GROW = 1.5
LEAST = 1e-14


def apg(
    problem: Problem,
    W: np.ndarray,
    tol: float,
    max_iter: int,
    null_objective: float,
    callback: Callable[[int, float, float], None] | None = None,
) -> Result:
    r"""Minimise a problem from W until its certificate is within `tol`.

    .. math:: W^+ = \operatorname{prox}(V - \nabla F(V) / L), \qquad
              V = W^+ + \beta (W^+ - W)

    For the squared loss the gradient at V is the same combination of two gradients
    that are known, so an iteration is one product and its gap is free.

    L is the metric times a share, which is tried a little smaller at each iteration and
    grows where the curvature along the step is more: the coefficients that still move
    may have much less than the largest.

    Parameters
    ----------
    problem : Problem
        The problem.
    W : ndarray of shape (n_features, n_columns)
        Start.
    tol : float
        Relative tolerance of the certificate.
    max_iter : int
        Largest number of iterations.
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
    A. Beck and M. Teboulle (2009). A fast iterative shrinkage-thresholding algorithm
    for linear inverse problems. SIAM Journal on Imaging Sciences.

    B. O'Donoghue and E. Candes (2015). Adaptive restart for accelerated gradient
    schemes. Foundations of Computational Mathematics.
    """
    metric = problem.metric()
    step = 1.0 / metric if metric.ndim else float(1.0 / metric)
    top = np.inf if problem.loss.curvature is None else 1.0
    share = 1.0
    by_residual = problem.kind == "prox residual"
    unit = None
    if by_residual:
        start = problem.point(np.zeros_like(W))
        unit = np.linalg.norm(start.gradient) or 1.0
    old = new = problem.point(W)
    momentum, beta = 1.0, 0.0
    result = Result(W, history=[])
    for iteration in range(1, max_iter + 1):
        V = new.W + beta * (new.W - old.W) if beta else new.W
        G = problem.gradient_at(V, new, old, beta)
        share = max(SHRINK * share, LEAST)
        while True:
            moved = problem.prox(V - step / share * G, step / share)
            point = problem.point(moved)
            if share == top:
                break
            used = _share(metric, moved - V, point, G)
            if used <= share:
                break
            least = 1.01 * used if np.isfinite(used) else 10 * share
            share = min(max(GROW * share, least), top)  # no tie with rounding
        old, new = new, point
        objective = problem.objective(new)
        if by_residual:
            certificate = prox_residual(problem, new, metric, step) / unit
        else:
            certificate = problem.gap(new, objective) / null_objective
        result.history.append(objective)
        if callback is not None:
            callback(iteration, objective, certificate)
        if certificate <= tol:
            break
        if by_residual and iteration % LOOK == 0 and problem.separates(new.W):
            break
        if np.sum((V - moved) * (moved - old.W) * metric) > 0:
            momentum, beta = 1.0, 0.0
        else:
            last, momentum = momentum, 0.5 + np.sqrt(0.25 + momentum**2)
            beta = (last - 1.0) / momentum
    result.W, result.n_iter = new.W, iteration
    result.objective, result.certificate = objective, float(certificate)
    return result


def _share(metric, D, point, G) -> float:
    """Return the curvature along the step D to a point, over that of the metric."""
    size = float(np.sum(metric * D**2))
    change = point.gradient + point.pull - G
    return float(np.vdot(D, change)) / size if size > 0 else 0.0


def prox_residual(problem, point, metric, step) -> float:
    """Return ||L (W - prox(W - gradient / L))||, zero exactly at an optimum."""
    W = point.W
    moved = problem.prox(W - step * (point.gradient + point.pull), step)
    return float(np.linalg.norm(metric * (W - moved)))
