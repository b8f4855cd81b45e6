"""Losses with kinks, by smooth losses that are centred at the last dual point."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..losses import Squared
from ..losses._base import slope
from ._problem import Point, Problem
from ._result import Result

SHARE = 0.1
SLOW = 0.9
PATIENCE = 5
LOOSE = 0.1
TIGHTER = 0.25
CHECK = 10
WAIT = 0.1  # of the iterations so far, where a feasible dual has to be looked for


def smoothing(
    problem: Problem,
    W: np.ndarray,
    tol: float,
    max_iter: int,
    null_objective: float,
    callback: Callable[[int, float, float], None] | None = None,
) -> Result:
    r"""Minimise a problem whose loss f has kinks until its certificate is within `tol`.

    .. math:: W_{k+1} \approx \arg\min_W f_h(X W; u_k) + \Omega(W), \qquad
              u_{k+1} = \nabla f_h(X W_{k+1}; u_k)

    The smooth loss :math:`f_h(\cdot; u)` lies below f and touches it where u is a
    subgradient, so that h need not vanish. It is the proximal point method on the dual,
    or the method of multipliers on the residuals. The inner problems are solved by
    accelerated proximal gradient steps that go on over the changes of the centre: it
    moves as soon as the step in W is short beside the move of the dual. With exact
    solutions these moves never grow, so if one does, the rule gets tighter; where a
    task's moves hardly shrink, its h does.

    Parameters
    ----------
    problem : Problem
        The problem.
    W : ndarray of shape (n_features, n_columns)
        Start.
    tol : float
        Relative tolerance of the certificate.
    max_iter : int
        Largest number of proximal gradient steps.
    null_objective : float
        Objective of the null model, the unit of the gap.
    callback : callable or None, default=None
        Called with iteration, objective and certificate.

    Returns
    -------
    result : Result
        The last iterate, and its dual point: the gradients of the loss at W are no
        certificate where it has kinks.

    References
    ----------
    R. T. Rockafellar (1976). Augmented Lagrangians and applications of the proximal
    point algorithm in convex programming. Mathematics of Operations Research.
    """
    design, y, weight = problem.design, problem.y, problem.weight
    rows = weight, design.bounds
    by_residual = problem.by_residual
    unit = np.linalg.norm(problem.point(problem.null).gradient) or 1.0

    old, z_old = W, design.forward(W)
    z = z_old
    h, metric = _step(problem, SHARE * _scale(problem))
    centre, pull = np.zeros_like(z), np.zeros_like(W)
    loss = problem.loss.smoothed(h, centre)
    starts = design.bounds[:-1]
    loose, last, slow = LOOSE, np.full(len(starts), np.inf), np.zeros(len(starts))
    momentum, beta = 1.0, 0.0
    wait = WAIT if problem.null_basis.shape[1] else 0.0
    look, certificate = 0, 1.0
    result = Result(W, history=[], solver="smoothing")
    for iteration in range(1, max_iter + 1):
        V = W + beta * (W - old)
        dual = loss.gradient(y, z + beta * (z - z_old), *rows)
        gradient = design.adjoint(dual)
        step = 1.0 / metric if metric.ndim else float(1.0 / metric)
        old, z_old = W, z
        W = problem.prox(V - step * (gradient + problem.matrix.apply(V)), step)
        z = design.forward(W)
        point = Point(problem, W, z, dual=dual, gradient=gradient)
        objective = problem.objective(point)
        result.history.append(objective)

        near = float(np.sum(metric * (V - W) ** 2))
        move = dual - centre
        distance = np.add.reduceat(h * slope(move, weight) * move, starts)
        far = float(distance.sum())
        settled = near <= loose * far
        now = iteration >= look and (settled or iteration % CHECK == 0)
        if now or iteration == max_iter:
            look = iteration + int(wait * iteration)
            if by_residual:
                left = np.linalg.norm(metric * (V - W))
                certificate = (left + np.linalg.norm(gradient - pull)) / unit
            else:
                certificate = problem.gap(point, objective) / null_objective
        if callback is not None:
            callback(iteration, objective, certificate)
        if certificate <= tol:
            break
        if settled:
            if far > 1.01 * last.sum():
                loose *= TIGHTER
            slow = np.where(distance > SLOW * last, slow + 1, 0)
            centre, pull, last = dual, gradient, distance
            long = slow >= PATIENCE
            if long.any():
                h, metric = _step(problem, np.where(long, h[starts] / 4, h[starts]))
                slow[long], last = 0, np.full(len(starts), np.inf)
            loss = problem.loss.smoothed(h, centre)
        elif np.sum((V - W) * (W - old) * metric) > 0:
            momentum, beta = 1.0, 0.0
        else:
            before, momentum = momentum, 0.5 + np.sqrt(0.25 + momentum**2)
            beta = (before - 1.0) / momentum
    result.W, result.n_iter, result.dual = W, iteration, dual
    result.objective, result.certificate = objective, float(certificate)
    return result


def _scale(problem):
    """Return the step at which the smooth loss of each task is as curved as its own."""
    starts, weight = problem.design.bounds[:-1], problem.weight
    zero = np.zeros(len(weight))
    hessian = problem.loss.hessian(problem.y, zero, weight, problem.design.bounds)
    curvature = np.add.reduceat(hessian, starts)
    scale = np.add.reduceat(weight, starts)
    return np.divide(scale, curvature, out=np.zeros_like(scale), where=curvature > 0)


def _step(problem, h):
    """Return steps h for the rows, and the metric of the smooth problem."""
    typical = h[h > 0].mean() if np.any(h > 0) else 1.0
    h = np.repeat(np.where(h > 0, h, typical), np.diff(problem.design.bounds))
    smooth = Problem(
        problem.design,
        Squared(),
        problem.y,
        problem.weight / h,
        problem.matrix,
        problem.proximal,
    )
    return h, smooth.metric()
