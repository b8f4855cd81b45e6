"""Tasks that fuse along a graph."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import scipy.sparse as sp
from scipy.sparse.csgraph import connected_components
from sklearn.base import clone

from ..losses.squared import Squared
from ._adjacency import edges, laplacian, read_adjacency
from ._base import Penalty
from ._order import require_order


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
        from ..solvers import Problem, alm

        V = np.asarray(V, dtype=float)
        if self.is_zero:
            return V.copy()
        weight = np.full(V.size, 1.0 / step)
        problem = Problem(
            _Points(V.shape), Squared(), V.T.ravel(), weight, proximal=self
        )
        null = problem.point(problem.null)
        if null.fit == 0.0:
            return problem.null.copy()
        return alm(problem, problem.null, 1e-15, 200, null.fit).W

    def null_space(self, n_tasks):
        a, b, _ = self._edges(n_tasks)
        links = sp.coo_array((np.ones(len(a)), (a, b)), shape=(n_tasks, n_tasks))
        component = connected_components(links, directed=False)[1]
        member = component[:, None] == np.unique(component)
        return member / np.sqrt(member.sum(axis=0))

    def lambda_max(self, gradient: np.ndarray) -> float:
        """Return an upper bound of the strength at which all neighbours are equal.

        Parameters
        ----------
        gradient : ndarray of shape (n_features, n_tasks)
            Negative gradient of the loss where they are equal.

        Returns
        -------
        lambda_max : float
            From this strength on each component of the graph is one group; it may
            be so from a smaller one on.
        """
        n_tasks = gradient.shape[1]
        a, b, weight = self._edges(n_tasks)
        scaled = weight / weight.max(initial=0.0)
        potential = laplacian(a, b, scaled**2, n_tasks).solve(gradient).T
        flow = scaled[:, None] * (potential[a] - potential[b])
        size = np.linalg.norm(flow, axis=1).max(initial=0.0)
        return float(size / weight.max()) if len(a) else 0.0

    def resolve(self, gradient, curvature):
        if not isinstance(self.lambda1, str):
            return clone(self)
        return clone(self).set_params(lambda1=0.1 * self.lambda_max(gradient))

    def learned(self, W, parts, tasks):
        a, b, _ = self._edges(len(tasks))
        gap = np.abs(W[:, a] - W[:, b]).max(axis=0, initial=0.0)
        fused = gap <= 1e-9 * np.abs(W).max(initial=0.0)
        links = (np.ones(np.count_nonzero(fused)), (a[fused], b[fused]))
        links = sp.coo_array(links, shape=(len(tasks), len(tasks)))
        return {"task_groups_": connected_components(links, directed=False)[1]}

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
        yield cls(0.4, "order")
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


class _Points:
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
