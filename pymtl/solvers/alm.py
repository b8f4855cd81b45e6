"""Augmented Lagrangian method for distances between tasks that are not squared."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import scipy.sparse as sp
from scipy.sparse.csgraph import connected_components

from .._kernels import edge_curvature, edge_divergence
from ..penalties._adjacency import laplacian
from ._precondition import Preconditioner
from ._problem import Problem
from ._result import Result
from .direct import conjugate_gradients

GROWTH = 4.0
PATIENCE = 20


class Edges:
    """Edges of a graph of tasks, and flows on them: one row an edge.

    Parameters
    ----------
    a, b : ndarray of shape (n_edges,)
        The ends of each edge.
    strength : ndarray of shape (n_edges,)
        Positive strength of each edge.
    n_tasks : int
        Number of tasks.
    """

    def __init__(self, a, b, strength, n_tasks):
        self.a, self.b = a, b
        self.strength = strength
        self.n_tasks = n_tasks
        self.share = (strength / strength.max(initial=0.0)) ** 2
        self.matrix = laplacian(a, b, self.share, n_tasks)

    def laplacian(self, weight, beta):
        """Return the task matrix of squared distances with these weights."""
        component = self.matrix.component
        return laplacian(self.a, self.b, weight, self.n_tasks, beta, component)

    def difference(self, W):
        """Return w_a - w_b of each edge."""
        V = np.ascontiguousarray(W.T)
        return V[self.a] - V[self.b]

    def divergence(self, U):
        """Return what flows out of each task, (n_features, n_tasks)."""
        return edge_divergence(U, self.a, self.b, self.n_tasks).T

    def value(self, X):
        """Return the penalty of differences X."""
        return float(np.dot(self.strength, np.linalg.norm(X, axis=1)))

    def clip(self, U):
        """Return flows within the strengths, and the lengths that they had."""
        size = np.linalg.norm(U, axis=1)
        above = size > self.strength
        shrunk = np.divide(self.strength, size, out=np.ones_like(size), where=above)
        return shrunk[:, None] * U, size

    def complete(self, A, U):
        """Return flows near U whose divergence is A."""
        rest = self.matrix.solve(A - self.divergence(U))
        return U + self.share[:, None] * self.difference(rest)

    def gauge(self, A, U):
        """Return a bound of the polar gauge of A, from flows that are nearly right."""
        size = np.linalg.norm(self.complete(A, U), axis=1)
        return float((size / self.strength).max(initial=0.0))

    def merge(self, W, fused):
        """Return W with tasks that fused edges connect at their mean."""
        ends = (self.a[fused], self.b[fused])
        shape = (self.n_tasks, self.n_tasks)
        links = sp.coo_array((np.ones(len(ends[0])), ends), shape=shape)
        group = connected_components(links, directed=False)[1]
        member = sp.csr_array((np.ones(self.n_tasks), (np.arange(self.n_tasks), group)))
        return ((W @ member) / np.bincount(group))[:, group]


class Curvature:
    """Hessian of the augmented Lagrangian, as conjugate gradients ask for it.

    Parameters
    ----------
    problem : Problem
        The problem.
    edges : Edges
        The edges.
    rho : ndarray of shape (n_edges,)
        Scale of each edge.
    pushed : ndarray of shape (n_edges, n_features)
        Flows before they are clipped.
    size : ndarray of shape (n_edges,)
        Their lengths.
    """

    def __init__(self, problem, edges, rho, pushed, size):
        self.problem, self.edges = problem, edges
        self.hessian, self.matrix = problem.hessian, self
        above = size > edges.strength
        self.weight = rho.copy()
        self.weight[above] *= (edges.strength / np.where(above, size, 1.0))[above]
        self.along = np.zeros_like(pushed)
        self.along[above] = pushed[above] / size[above, None]

    def apply(self, W):
        """Return W times what the penalties add to the Hessian of the loss."""
        V, edges = np.ascontiguousarray(W.T), self.edges
        curved = edge_curvature(V, edges.a, edges.b, self.weight, self.along)
        return self.problem.matrix.apply(W) + curved.T

    def smooth(self, W):
        """Return W times the Hessian of the loss and the quadratic part."""
        return self.problem.hessian(W) + self.problem.matrix.apply(W)


def alm(
    problem: Problem,
    W: np.ndarray,
    tol: float,
    max_iter: int,
    null_objective: float,
    callback: Callable[[int, float, float], None] | None = None,
) -> Result:
    r"""Minimise a squared loss with a sum of distances ``strength_e ||w_a - w_b||_2``.

    The differences X of the edges are split off with multipliers U, and what is left
    is smooth,

    .. math:: \min_W F(W) + \sum_e h_e(x_e + u_e / \rho), \qquad
              U \leftarrow \operatorname{clip}(U + \rho X)

    with h the Moreau envelope of the strength times the norm. Newton's method solves
    it by conjugate gradients. U are flows on the graph that carry the gradients of the
    tasks to each other, feasible by construction; where their divergence is exact they
    are the dual solution.

    Parameters
    ----------
    problem : Problem
        A problem with a squared loss whose proximal part has `differences`.
    W : ndarray of shape (n_features, n_tasks)
        Start.
    tol : float
        Relative tolerance of the gap.
    max_iter : int
        Largest number of Newton steps.
    null_objective : float
        Objective of the null model, the unit of the gap.
    callback : callable or None, default=None
        Called with iteration, objective and certificate.

    Returns
    -------
    result : Result
        The last iterate, tasks that are fused exactly equal; its `polar` bounds the
        polar gauge by the flows.

    References
    ----------
    D. Hallac, J. Leskovec and S. Boyd (2015). Network lasso: clustering and
    optimization in large graphs. KDD.

    D. Sun, K.-C. Toh and Y. Yuan (2021). Convex clustering: model, theoretical
    guarantee and efficient algorithm. Journal of Machine Learning Research.
    """
    m = problem.design.shape[1]
    edges = Edges(*problem.proximal.differences(m), m)
    fast = problem.fast()
    goal = tol * null_objective
    ridge = float(np.mean(problem.matrix.majorant()))
    rho = _first_scale(problem, edges, ridge)
    point = fast.point(problem.refit(W))
    flow = _first_flow(edges, point)
    result = Result(W, n_iter=0, solver="alm", history=[])
    like, best, idle, last = None, np.inf, 0, np.inf
    while True:
        X = edges.difference(point.W)
        pushed = flow + rho[:, None] * X
        clipped, size = edges.clip(pushed)
        fused = size <= edges.strength
        objective, gap = _certify(fast, edges, point, clipped)
        slack = edges.value(X) - float(np.vdot(clipped, X))
        if gap < best:
            idle = 0 if gap < 0.5 * best else idle
            best, result.W, result.objective = gap, point.W, objective
            result.polar = partial(edges.gauge, U=clipped)
        if gap <= goal:
            whole = fast.point(edges.merge(point.W, fused))
            joint = _certify(fast, edges, whole, clipped)
            if joint[1] <= goal:
                result.W, result.objective = whole.W, joint[0]
                result.polar = partial(edges.gauge, U=clipped)
                break
        if result.n_iter >= max_iter or idle >= PATIENCE:
            break
        if gap <= 3 * slack:
            flow = clipped
            rho = rho if slack <= 0.2 * last else GROWTH * rho
            last = slack
            continue
        curvature = Curvature(fast, edges, rho, pushed, size)
        stub = Problem(problem.design, problem.loss, problem.y, problem.weight)
        stub.matrix = edges.laplacian(curvature.weight, ridge)
        like = Preconditioner(stub, like)
        R = -(point.gradient + point.pull) - edges.divergence(clipped)
        step, _ = conjugate_gradients(curvature, like, R, like(R), reduction=1e-10)
        step *= _step_length(curvature, edges, R, step, pushed, clipped, rho)
        point = fast.point(point.W + step)
        result.n_iter += 1
        idle += 1
        result.history.append(objective)
        if callback is not None:
            callback(result.n_iter, objective, gap / null_objective)
    result.n_iter = max(result.n_iter, 1)
    result.history = result.history or [result.objective]
    return result


def _certify(problem, edges, point, flow):
    """Return the objective, and the gap to the dual value of the flow."""
    value = edges.value(edges.difference(point.W))
    objective = point.fit + point.quad + value
    return objective, problem.gap(point, objective, partial(edges.gauge, U=flow))


def _first_scale(problem, edges, ridge):
    """Return rho, a scale at which edges curve about as much as the loss."""
    if not len(edges.a):
        return np.zeros(0)
    curvature = float(problem.hessian_diagonal.mean()) + ridge
    degree = 2 * len(edges.a) / edges.n_tasks
    return curvature / degree * edges.strength / edges.strength.mean()


def _first_flow(edges, point):
    """Return flows that carry the gradients at a start."""
    X = edges.difference(point.W)
    size = np.linalg.norm(X, axis=1)
    apart = size > 1e-10 * np.abs(point.W).max()
    share = np.divide(edges.strength, size, out=np.zeros_like(size), where=apart)
    flow = edges.complete(-(point.gradient + point.pull), share[:, None] * X)
    return edges.clip(flow)[0]


def _step_length(curvature, edges, R, step, pushed, clipped, rho):
    """Return a step length at which the slope is less than half in size, or rising."""
    curved = curvature.smooth(step)
    X = edges.difference(step)
    first = float(np.vdot(R, step))
    pull = first + float(np.vdot(clipped, X))
    length = 1.0
    for _ in range(30):
        flow, _ = edges.clip(pushed + length * rho[:, None] * X)
        slope = length * float(np.vdot(curved, step)) - pull + float(np.vdot(flow, X))
        if not slope > 0.5 * first:
            break
        length *= min(max(first / (first + slope), 0.1), 0.9)
    return length
