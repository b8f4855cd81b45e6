"""Tasks that fuse along a graph."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
from sklearn.base import clone

from ..designs import Design
from ..losses.squared import Squared
from ._adjacency import edges, laplacian, read_adjacency
from ._base import Penalty
from ._order import new_steps, require_order
from ._prior import Distances
from ._task_matrix import connected

PRECISION, STEPS = 1e-13, 200
ROUNDING = FULL = 1e-14
EQUAL = 1e-9


class NetworkLasso(Penalty):
    r"""Distances, not squared, between tasks that are neighbours in a graph.

    .. math:: \Omega(W) = \lambda_1 \sum_{s<t} A_{st} \|w_s - w_t\|_2

    Like the fused lasso it makes neighbours equal: the tasks fall into groups with the
    same coefficients, fewer as lambda1 grows, until each component of the graph is one
    group. What the tasks of a component have in common is not penalised.

    There is no formula for the prox, which is a clustering problem of its own; it is
    solved to high precision. Nor is there one for the polar, the least capacity at
    which flows on the graph can carry G between the tasks; a bound comes from the
    flows of least energy, :math:`\max_{st} \|u_{st}\|_2 / (\lambda_1 A_{st})`. Fits are
    certified all the same, by the flows that the solver finds.

    Parameters
    ----------
    lambda1 : float or "auto", default="auto"
        Strength; "auto" is a tenth of `lambda_max`.
    graph : str or object, default="mean"
        The graph. "mean" links all tasks with the weight 1 / n_tasks, "order" each to
        the next with weight 1. Else an adjacency with weights at least zero: a
        symmetric (n_tasks, n_tasks) array, dense or sparse, in the order of the tasks;
        or, with task labels for nodes, a data frame, a networkx graph, or a list of
        tuples (a, b) or (a, b, weight). Nodes that are no tasks are left out.

    References
    ----------
    D. Hallac, J. Leskovec and S. Boyd (2015). Network lasso: clustering and
    optimization in large graphs. KDD.

    Examples
    --------
    >>> import numpy as np
    >>> from pymtl.penalties import NetworkLasso
    >>> penalty = NetworkLasso(0.5, graph="order")
    >>> W = np.array([[0.0, 1.0, 9.0], [0.0, 1.0, 9.0]])
    >>> penalty.prox(W, 1.0).round(6)
    array([[0.353553, 1.      , 8.646447],
           [0.353553, 1.      , 8.646447]])
    """

    solver = "alm"
    by_task = True

    def __init__(self, lambda1: float | str = "auto", graph: Any = "mean"):
        self.lambda1 = lambda1
        self.graph = graph

    def align(self, tasks, ordered=True):
        if not isinstance(self.graph, str):
            return clone(self).set_params(graph=read_adjacency(self.graph, tasks))
        if self.graph == "order":
            require_order("graph='order'", ordered)
        return self

    def differences(self, n_tasks: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the pairs of tasks whose distance is penalised.

        Parameters
        ----------
        n_tasks : int
            Number of tasks T.

        Returns
        -------
        a, b : ndarray of shape (n_edges,)
            The tasks of each pair.
        strength : ndarray of shape (n_edges,)
            The strength of their distance.
        """
        a, b, weight = self._edges(n_tasks)
        return a, b, self.lambda1 * weight

    def value(self, W):
        a, b, strength = self.differences(W.shape[1])
        V = np.ascontiguousarray(W.T)
        return float(np.dot(strength, np.linalg.norm(V[a] - V[b], axis=1)))

    def prox(self, V, step):
        V = np.asarray(V, dtype=float)
        if self.is_zero or not len(self._edges(V.shape[1])[0]):
            return V.copy()
        if len(V) > V.shape[1]:  # the prox is in the span of the columns
            Q, R = np.linalg.qr(V)
            W, tasks = np.unique(self.prox(R, step), axis=1, return_inverse=True)
            return (Q @ W)[:, tasks.ravel()]
        return self._nearest(V, step).W

    def _nearest(self, V, step):
        """Return the prox with its flows."""
        from ..solvers import Problem
        from ..solvers._result import Result
        from ..solvers.alm import alm

        weight = np.full(V.size, 1.0 / step)
        points = _Points(V.shape)
        problem = Problem(points, Squared(), V.T.ravel(), weight, proximal=self)
        null = problem.point(problem.null)
        if null.fit <= ROUNDING**2 * float(np.vdot(V, V)) / step:
            return Result(null.W, polar=self.polar_bound)
        gap = partial(_prox_gap, step=step)
        return alm(problem, null.W, PRECISION**2, STEPS, null.fit, gap=gap)

    def null_space(self, n_tasks):
        a, b, _ = self._edges(n_tasks)
        component = connected(a, b, n_tasks)
        member = component[:, None] == np.unique(component)
        return member / np.sqrt(member.sum(axis=0))

    def polar_bound(self, G: np.ndarray) -> float:
        """Return a bound of the polar gauge, from the flows of least energy.

        Parameters
        ----------
        G : ndarray of shape (n_features, n_tasks)
            Dual point; what the tasks of a component have in common is ignored.

        Returns
        -------
        bound : float
            At least the polar gauge, and equal to it in a graph without cycles.
        """
        a, b, strength = self.differences(G.shape[1])
        share = strength / strength.max(initial=0.0)
        potential = laplacian(a, b, share**2, G.shape[1]).solve(G).T
        flow = share[:, None] * (potential[a] - potential[b])
        size = np.linalg.norm(flow, axis=1).max(initial=0.0)
        return float(size / strength.max()) if len(a) else 0.0

    def polar_near(self, G: np.ndarray, W: np.ndarray) -> float:
        """Return a bound of the polar gauge that is tight where G is a subgradient.

        Parameters
        ----------
        G : ndarray of shape (n_features, n_tasks)
            Dual point; what the tasks of a component have in common is ignored.
        W : ndarray of shape (n_features, n_tasks)
            Coefficients at which G is about a subgradient: the flows are those of the
            prox at W + G.

        Returns
        -------
        bound : float
            At least the polar gauge.
        """
        bound = self.polar_bound(G)
        if not 0 < bound < np.inf:
            return bound
        if len(G) > 2 * G.shape[1]:  # nothing depends on the rest of the space
            Q = np.linalg.qr(np.hstack([G, W]))[0]
            G, W = Q.T @ G, Q.T @ W
        step = (np.abs(W).max() or 1.0) / np.abs(G).max()
        return min(bound, self._nearest(W + step * G, step).polar(G))

    def learned(self, W, parts, tasks):
        a, b, _ = self._edges(len(tasks))
        scale = np.abs(W).max(axis=1, keepdims=True)
        fused = np.all(np.abs(W[:, a] - W[:, b]) <= EQUAL * scale, axis=0)
        return {"task_groups_": connected(a[fused], b[fused], len(tasks))}

    @property
    def placed_by(self):
        """What says where in the graph a new task belongs."""
        named = {"mean": None, "order": "time"}
        return named[self.graph] if isinstance(self.graph, str) else "neighbours"

    def new_task(self, W, place):
        n_tasks = W.shape[1]
        if not isinstance(self.graph, str):
            tasks, weight = place.edges(self)
        elif self.graph == "order":
            tasks, gaps = new_steps(None, n_tasks, place.time)
            weight = 1 / gaps
        else:
            tasks, weight = np.arange(n_tasks), np.full(n_tasks, 1 / (n_tasks + 1))
        return Distances(W[:, tasks], self.lambda1 * weight)

    @classmethod
    def examples(cls, n_features: int, n_tasks: int) -> Iterator[Penalty]:
        """Yield instances for the conformance tests.

        Parameters
        ----------
        n_features, n_tasks : int
            Shape of W.

        Yields
        ------
        penalty : Penalty
            A graph of each kind, with numeric strengths.
        """
        yield cls(0.7)
        pairs = np.add.outer(np.arange(n_tasks), np.arange(n_tasks)) % 3
        yield cls(0.3, pairs * (1.0 - np.eye(n_tasks)))

    def _edges(self, n_tasks):
        """Return the ends and weights of the edges, read once."""
        graph, known, found = getattr(self, "_read", (None, 0, None))
        if graph is not self.graph or known != n_tasks:
            found = _read_edges(self.graph, n_tasks)
            self._read = self.graph, n_tasks, found
        return found


def _read_edges(graph, n_tasks):
    if not isinstance(graph, str):
        return edges(read_adjacency(graph, np.arange(n_tasks)))
    if graph == "mean":
        return edges(np.full((n_tasks, n_tasks), 1.0 / n_tasks))
    if graph == "order":
        tasks = np.arange(n_tasks)
        return tasks[:-1], tasks[1:], np.ones(n_tasks - 1)
    msg = f"graph must be 'mean', 'order' or a graph, got {graph!r}."
    raise ValueError(msg)


def _prox_gap(edges, point, flow, step):
    """Return the duality gap of the prox as a sum of squares, free of rounding.

    It is at least ``||W - prox||^2 / (2 step)``.
    """
    X = edges.difference(point.W)
    size, strength = np.linalg.norm(X, axis=1), edges.strength
    unit = np.divide(X, size[:, None], out=np.zeros_like(X), where=size[:, None] > 0)
    share = flow / strength[:, None]
    room = 1.0 - np.sum(share**2, axis=1)
    room[room < FULL] = 0.0
    apart = np.sum((unit - share) ** 2, axis=1) + room
    residual = point.gradient + edges.divergence(flow)
    slack = float(np.dot(strength * size, apart))
    return 0.5 * (slack + step * float(np.vdot(residual, residual)))


class _Points(Design):
    """A design in which each task observes its coefficients.

    Parameters
    ----------
    shape : tuple (n_features, n_tasks)
        Shape of W.
    """

    def __init__(self, shape):
        self.shape = shape
        self.bounds = shape[0] * np.arange(shape[1] + 1)

    def forward(self, W):
        return W.T.ravel()

    def adjoint(self, r):
        return r.reshape(self.shape[1], -1).T

    def block(self, t, weight):
        return np.diag(np.sqrt(weight[self.bounds[t] : self.bounds[t + 1]]))

    def gram(self, weight):
        return lambda W: self.adjoint(weight) * W

    def alike(self, weight):
        return np.ones(self.shape[1])
