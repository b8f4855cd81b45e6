"""Augmented Lagrangian method for distances between tasks that are not squared."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np

from .._kernels import edge_curvature, edge_divergence
from ..designs import Spanned
from ..penalties._adjacency import laplacian
from ..penalties._task_matrix import connected
from ._precondition import Preconditioner
from ._problem import Point, Problem
from ._result import Result
from .direct import conjugate_gradients

EASY, HARD = 2, 8
GROWTH, SLOW = 3.0, 0.3
CLOSE = 1e-3
PATIENCE = 100
POLISH, IDLE = 15, 3
EXACT = 1e-10, 200
TOUCHING = 1e-6
ROUNDING = 1e-14


def alm(
    problem: Problem,
    W: np.ndarray,
    tol: float,
    max_iter: int,
    null_objective: float,
    callback: Callable[[int, float, float], None] | None = None,
    gap: Callable[[Edges, Point, np.ndarray], float] | None = None,
) -> Result:
    r"""Minimise a squared loss with a sum of distances ``strength_e ||w_a - w_b||_2``.

    With multipliers U for the differences X of the edges what is left is smooth,

    .. math:: \min_W F(W) + \sum_e h_e(u_e + \rho_e x_e), \qquad
              U \leftarrow \operatorname{clip}(U + \rho X)

    with h the Moreau envelope of the penalty of an edge. Newton's method solves it by
    conjugate gradients. The multipliers are flows on the graph, within the strengths
    of the edges, that carry the gradients of the tasks to each other: a dual solution
    once nothing is left over. Edges whose flow stays below their strength fuse their
    tasks; among the groups that they form the problem is smooth, and Newton's method
    ends it.

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
    gap : callable or None, default=None
        The gap of a point and a flow within the strengths, in place of the problem's.

    Returns
    -------
    result : Result
        The best iterate, with tasks that are fused exactly equal; its `polar` bounds
        the polar gauge by the flows.

    References
    ----------
    D. Hallac, J. Leskovec and S. Boyd (2015). Network lasso: clustering and
    optimization in large graphs. KDD.

    D. Sun, K.-C. Toh and Y. Yuan (2021). Convex clustering: model, theoretical
    guarantee and efficient algorithm. Journal of Machine Learning Research.
    """
    edges = Edges(*problem.proximal.differences(W.shape[1]), W.shape[1])
    newton = Newton(problem, edges, gap)
    point = problem.point(problem.refit(W))
    flow, rho = edges.first_flow(point), newton.first_scale()
    best = Candidate(W, flow, np.inf, np.inf)
    history: list[float] = []
    goal = tol * null_objective
    last, idle, inner, tried = np.inf, 0, 0, null_objective
    while True:
        state = State(edges, point, flow, rho)
        found = newton.certify(point, state.flow)
        idle = 0 if found.gap < 0.5 * best.gap else idle + 1
        best = found if found.gap < best.gap else best
        solved = found.gap <= 2 * state.slack
        update = inner > 0 and (solved or inner >= HARD)
        ended = len(history) >= max_iter or idle >= PATIENCE
        if found.gap <= max(goal, CLOSE * tried) or ended:
            tried = found.gap
            fused = newton.polish(state)
            best = fused if fused.gap <= max(goal, best.gap) else best
            if ended or fused.gap <= goal:
                break
        if update:
            if not solved:
                rho = rho / GROWTH
            elif inner <= EASY and state.slack > SLOW * last:
                rho = rho * GROWTH
            flow, last, inner = state.flow, state.slack, 0
            state = State(edges, point, flow, rho)
        point = newton.step(state)
        inner += 1
        history.append(found.objective)
        if callback is not None:
            callback(len(history), found.objective, found.gap / null_objective)
    return Result(
        best.W,
        max(len(history), 1),
        history or [best.objective],
        solver="alm",
        objective=best.objective,
        polar=partial(edges.gauge, U=best.flow),
    )


class Candidate(NamedTuple):
    """Coefficients and a flow, with the objective of the one and the gap of both."""

    W: np.ndarray
    flow: np.ndarray
    objective: float
    gap: float


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

    def difference(self, W):
        """Return w_a - w_b of each edge."""
        V = np.ascontiguousarray(W.T)
        return V[self.a] - V[self.b]

    def divergence(self, U):
        """Return what flows out of each task, (n_features, n_tasks)."""
        return edge_divergence(U, self.a, self.b, self.n_tasks).T

    def laplacian(self, weight, beta):
        """Return the task matrix of squared distances with these weights."""
        component = self.matrix.component if len(self.a) else None
        return laplacian(self.a, self.b, weight, self.n_tasks, beta, component)

    def value(self, X):
        """Return the penalty of differences X."""
        return float(np.dot(self.strength, np.linalg.norm(X, axis=1)))

    def clip(self, U):
        """Return flows within the strengths."""
        size = np.linalg.norm(U, axis=1)
        above = size > self.strength
        shrunk = np.divide(self.strength, size, out=np.ones_like(size), where=above)
        return shrunk[:, None] * U

    def saturate(self, W, U):
        """Return U with the flows of edges that are not fused as W has them."""
        X = self.difference(W)
        size = np.linalg.norm(X, axis=1)
        share = np.divide(self.strength, size, out=np.zeros_like(size), where=size > 0)
        return np.where(size[:, None] > 0, share[:, None] * X, U)

    def envelope(self, U, rho):
        """Return the Moreau envelope of the penalty, less a constant."""
        size = np.linalg.norm(U, axis=1)
        inside = np.minimum(size, self.strength)
        return float(np.sum(inside * (size - 0.5 * inside) / rho))

    def complete(self, A, U):
        """Return flows near U whose divergence is A."""
        rest = self.matrix.solve(A - self.divergence(U))
        return U + self.share[:, None] * self.difference(rest)

    def gauge(self, A, U):
        """Return a bound of the polar gauge of A, from flows that are nearly right."""
        size = np.linalg.norm(self.complete(A, U), axis=1)
        return float((size / self.strength).max(initial=0.0))

    def first_flow(self, point):
        """Return flows that carry the gradients at a start."""
        A = -(point.gradient + point.pull)
        nothing = np.zeros((len(self.a), len(A)))
        return self.clip(self.complete(A, self.saturate(point.W, nothing)))


class Groups:
    """Groups of tasks, each with one vector of coefficients.

    Parameters
    ----------
    problem : Problem
        The problem of the tasks.
    edges : Edges
        The edges between tasks.
    fused : ndarray of bool, shape (n_edges,)
        Edges that fuse their ends.
    """

    def __init__(self, problem, edges, fused):
        group = connected(edges.a[fused], edges.b[fused], edges.n_tasks)
        self.edges = edges
        self.inside = group[edges.a] == group[edges.b]
        self.basis = (group[:, None] == np.arange(group.max() + 1)).astype(float)
        design = Spanned(problem.design, self.basis)
        matrix = problem.matrix.restrict(self.basis)
        few = Problem(design, problem.loss, problem.y, problem.weight, matrix)
        self.newton = Newton(few, self._between(group))

    def _between(self, group):
        """Return the edges between groups, one for each pair."""
        edges, n_groups = self.edges, group.max() + 1
        low, high = np.sort([group[edges.a], group[edges.b]], axis=0)[:, ~self.inside]
        pair, index = np.unique(low * n_groups + high, return_inverse=True)
        strength = np.bincount(index, edges.strength[~self.inside], len(pair))
        return Edges(*np.divmod(pair, n_groups), strength, n_groups)

    def means(self, W):
        """Return the means of the groups."""
        return W @ self.basis / self.basis.sum(axis=0)

    def spread(self, W):
        """Return the coefficients of the tasks."""
        return W @ self.basis.T

    def touching(self, W):
        """Return which edges join groups that are equal but for rounding."""
        size = np.linalg.norm(self.edges.difference(self.spread(W)), axis=1)
        return ~self.inside & (size <= TOUCHING * np.abs(W).max())

    def step(self, W):
        """Return the next iterate of Newton's method, for groups that differ."""
        edges = self.newton.edges
        X = edges.difference(W)
        rho = 2 * edges.strength / np.linalg.norm(X, axis=1)
        state = State(edges, self.newton.problem.point(W), np.zeros_like(X), rho)
        return self.newton.step(state, *EXACT).W

    def flow(self, point, U):
        """Return the flow at a point, within groups as near to U as may be."""
        U, inside = self.edges.saturate(point.W, U), self.inside
        A = -(point.gradient + point.pull)
        rest = A - self.edges.divergence(np.where(inside[:, None], 0.0, U))
        ends = self.edges.a[inside], self.edges.b[inside]
        within = Edges(*ends, self.edges.strength[inside], self.edges.n_tasks)
        U[inside] = within.clip(within.complete(rest, U[inside]))
        return U


class State:
    """Multipliers at a point.

    Parameters
    ----------
    edges : Edges
        The edges.
    point : Point
        The coefficients.
    flow : ndarray of shape (n_edges, n_features)
        Multipliers.
    rho : ndarray of shape (n_edges,)
        Scale of each edge.
    """

    def __init__(self, edges: Edges, point: Point, flow, rho):
        self.edges, self.point, self.rho = edges, point, rho
        X = edges.difference(point.W)
        self.pushed = flow + rho[:, None] * X
        self.flow = edges.clip(self.pushed)
        self.size = np.linalg.norm(self.pushed, axis=1)
        self.fused = self.size <= edges.strength
        self.slack = edges.value(X) - float(np.vdot(self.flow, X))
        A = -(point.gradient + point.pull)
        self.residual = A - edges.divergence(self.flow)

    def search(self, step, curvature):
        """Return the length at which the slope has mostly gone, and the fall up to it.

        `curvature` is that of the smooth part along the step.
        """
        edges = self.edges
        X = edges.difference(step)
        first = float(np.vdot(self.residual, step))
        pull = first + float(np.vdot(self.flow, X))
        low, high, length = 0.0, np.inf, 1.0
        for _ in range(30):
            moved = self.pushed + length * self.rho[:, None] * X
            slope = length * curvature - pull + float(np.vdot(edges.clip(moved), X))
            if slope > 0.3 * first:
                high = length
            elif slope < -0.3 * first and high < np.inf:
                low = length
            else:
                break
            length = 0.5 * (low + high)
        rise = edges.envelope(moved, self.rho) - edges.envelope(self.pushed, self.rho)
        return length, length * pull - 0.5 * length**2 * curvature - rise


class Newton:
    """Newton's method for the augmented Lagrangian.

    Parameters
    ----------
    problem : Problem
        The problem.
    edges : Edges
        The edges.
    gap : callable or None, default=None
        The gap of a point and a flow, in place of the problem's.
    """

    def __init__(self, problem, edges, gap=None):
        self.problem, self.edges, self.gap = problem, edges, gap
        self.hessian = problem.hessian
        self.matrix = self  # as conjugate gradients ask for both
        self.ridge = float(np.mean(problem.matrix.majorant()))
        self.solve = None

    def first_scale(self):
        """Return rho, a scale at which edges curve about as much as the loss."""
        edges = self.edges
        if not len(edges.a):
            return np.zeros(0)
        curvature = float(self.problem.hessian_diagonal.mean()) + self.ridge
        degree = 2 * len(edges.a) / edges.n_tasks
        return curvature / degree * edges.strength / edges.strength.mean()

    def certify(self, point, flow):
        """Return a candidate, with its gap to the dual value of the flow."""
        objective = self.edges.value(self.edges.difference(point.W))
        objective += point.fit + point.quad
        if self.gap is None:
            polar = partial(self.edges.gauge, U=flow)
            gap = self.problem.gap(point, objective, polar)
        else:
            gap = self.gap(self.edges, point, flow)
        return Candidate(point.W, flow, objective, gap)

    def polish(self, state):
        """Return the candidate of Newton's method among the groups of fused tasks.

        Groups that come to touch each other on the way are fused, too.
        """
        groups = Groups(self.problem, self.edges, state.fused)
        W = groups.means(state.point.W)
        best = self.certify(self.problem.point(groups.spread(W)), state.flow)
        idle = 0
        for _ in range(POLISH):
            touching = groups.touching(W)
            if touching.any():
                fused = groups.inside | touching
                W = groups.spread(W)
                groups = Groups(self.problem, self.edges, fused)
                W = groups.means(W)
            W = groups.step(W)
            point = self.problem.point(groups.spread(W))
            last, found = best.gap, self.certify(point, groups.flow(point, state.flow))
            rounding = ROUNDING * found.objective if self.gap is None else 0.0
            best = found if found.gap <= max(last, rounding) else best
            idle = 0 if found.gap < 0.5 * last or touching.any() else idle + 1
            if idle == IDLE:
                break
        return best

    def apply(self, W):
        """Return W times the curvature of all but the loss."""
        V, edges = np.ascontiguousarray(W.T), self.edges
        curved = edge_curvature(V, edges.a, edges.b, self.weight, self.along)
        return self.problem.matrix.apply(W) + curved.T

    def step(self, state, reduction=1e-4, steps=100):
        """Return the point of the next iterate.

        An edge that is not fused has no curvature along itself. Where a step would
        bend such an edge over, it is tried again with the edge as stiff along itself
        as across.
        """
        edges, rest = self.edges, ~state.fused
        size = np.where(rest, state.size, 1.0)
        self.weight = state.rho * np.where(rest, edges.strength / size, 1.0)
        self.along = np.where(rest[:, None], state.pushed / size[:, None], 0.0)
        reach = (size - edges.strength) / state.rho
        p, R = self.problem, state.residual
        matrix = edges.laplacian(self.weight, self.ridge)
        quadratic = Problem(p.design, p.loss, p.y, p.weight, matrix)
        self.solve = Preconditioner(quadratic, self.solve)
        most, move = -np.inf, None
        for _ in range(3):
            start = self.solve(R)
            step, _ = conjugate_gradients(
                self, self.solve, R, start, reduction=reduction, steps=steps
            )
            curved = self.hessian(step) + self.problem.matrix.apply(step)
            length, fall = state.search(step, float(np.vdot(curved, step)))
            if move is None or fall > most:
                most, move = fall, length * step
            shorter = -np.einsum("ij,ij->i", self.along, edges.difference(step))
            bent = rest & (shorter > reach)
            if length > 0.5 or not bent.any():
                break
            self.along[bent] = 0.0
            rest = rest & ~bent
        return self.problem.point(state.point.W + move)
