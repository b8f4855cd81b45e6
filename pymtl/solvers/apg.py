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
EXACT = 1e-16
IDLE = 300  # iterations in which neither certificate nor objective moves: the end
FLAT = 1e-14  # of the objective: what counts as moving


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
    that are known, so an iteration is one product. The certificate is looked at when it
    may be within `tol`, at the rate at which it has fallen.

    L is the metric times a share, which is tried a little smaller at each iteration and
    grows where the curvature along the step is more: the coefficients that still move
    may have much less than the largest. So the metric need not be a majorant, and no
    eigenvalue is computed, but where the certificate is measured in it.

    Where the penalty is not convex an extrapolated step that raises the objective is
    not taken, so that the iterates go down to a stationary point (Li and Lin, 2015).

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

    H. Li and Z. Lin (2015). Accelerated proximal gradient methods for nonconvex
    programming. NeurIPS.
    """
    by_residual = problem.by_residual
    sure = by_residual or bool(problem.only_signs.any())  # lengths without a bound
    metric = problem.metric() if sure else problem.estimate()
    step = 1.0 / metric if metric.ndim else float(1.0 / metric)
    bounded = sure and problem.loss.curvature is not None
    top = 1.0 if bounded else np.inf
    share = 1.0
    unit = None
    if by_residual:
        start = problem.point(np.zeros_like(W))
        unit = np.linalg.norm(start.gradient) or 1.0
    old = new = problem.point(W)
    momentum, beta = 1.0, 0.0
    certificate, last, seen, look = np.inf, 1.0, 0, 1
    best = level = np.inf
    mark = 0
    result = Result(W, history=[])
    for iteration in range(1, max_iter + 1):
        V = new.W + beta * (new.W - old.W) if beta else new.W
        G = problem.gradient_at(V, new, old, beta)
        share = max(SHRINK * share, LEAST)
        while True:
            length = step / share
            point = problem.point(problem.prox(V - length * G, length))
            D = point.W - V
            MD = metric * D
            if share == top:
                break
            size = float(np.vdot(MD, D))
            used = float(np.vdot(D, point.slope - G)) / size if size > 0 else 0.0
            if used <= share:
                break
            least = 1.01 * used if np.isfinite(used) else 10 * share
            share = min(max(GROW * share, least), top)  # no tie with rounding
        objective = problem.objective(point)
        if beta and not problem.convex and objective > result.history[-1]:
            point, objective = new, result.history[-1]
        old, new = new, point
        result.history.append(objective)
        if iteration in (look, max_iter):
            if by_residual:
                certificate = prox_residual(problem, new, metric, step) / unit
            else:
                certificate = problem.gap(new, objective) / null_objective
            look = iteration + _wait(certificate, last, iteration - seen, tol)
            last, seen = certificate, iteration
            if certificate < 0.5 * best or objective < level - FLAT * abs(level):
                best, level, mark = min(best, certificate), objective, iteration
            elif iteration - mark >= IDLE:
                break
        if callback is not None:
            callback(iteration, objective, certificate)
        if certificate <= tol:
            break
        if iteration % LOOK == 0 and problem.separates(new.W):
            break
        if new is old or np.vdot(MD, new.W - old.W) < 0:
            momentum, beta = 1.0, 0.0
        else:
            before, momentum = momentum, 0.5 + np.sqrt(0.25 + momentum**2)
            beta = (before - 1.0) / momentum
    result.W, result.n_iter = new.W, iteration
    result.objective, result.certificate = objective, float(certificate)
    return result


def _wait(certificate, last, passed, tol):
    """Return for how many iterations it is too early to look at the certificate.

    They are half of those that it takes at the rate since the last look, and no more
    than if each halved the certificate.
    """
    if not tol < certificate < last:
        return 1
    rate = np.log(last / certificate) / passed
    wait = np.log(certificate / max(tol, EXACT)) / max(2 * rate, np.log(2))
    return int(np.clip(wait, 1, LOOK))


def prox_residual(problem, point, metric, step) -> float:
    """Return ||L (W - prox(W - gradient / L))||, zero exactly at an optimum."""
    W = point.W
    moved = problem.prox(W - step * point.slope, step)
    return float(np.linalg.norm(metric * (W - moved)))
