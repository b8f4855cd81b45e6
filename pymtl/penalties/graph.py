"""Tasks that are near their neighbours in a graph."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.base import clone

from ._adjacency import edges, laplacian, read_adjacency
from ._base import Penalty, Quadratic
from ._order import require_order
from ._prior import around
from ._task_matrix import TaskMatrix
from .chain import Chain
from .mean import Mean


class Graph(Quadratic):
    r"""Squared distances between tasks that are neighbours in a graph.

    .. math:: \Omega(W) = \lambda_1 \|W G\|_F^2
              = \lambda_1 \sum_{s<t} A_{st} \|w_s - w_t\|_2^2

    A is the adjacency of the graph and G its weighted incidence matrix, one column an
    edge. Tasks in different components of the graph do not know of each other. The
    task matrix is :math:`2 \lambda_1 G G'`, twice the strength times the Laplacian.

    Parameters
    ----------
    lambda1 : float or "auto", default="auto"
        Strength; "auto" is half the mean curvature of the loss, for a given graph
        divided by the mean degree of its tasks.
    graph : str or object, default="mean"
        The graph. "mean" is the distances to the mean of all tasks, as `Mean`,
        "order" the chain of the tasks in their order, as `Chain`. Else an adjacency
        with weights at least zero: a symmetric (n_tasks, n_tasks) array, dense or
        sparse, in the order of the tasks; or, with task labels for nodes, a data
        frame, a networkx graph, or a list of tuples (a, b) or (a, b, weight). Nodes
        that are no tasks are left out.
    incidence : array or None, default=None
        The matrix G, (n_tasks, n_edges), in place of a graph; it may be any matrix. As
        a data frame its rows have task labels.

    References
    ----------
    T. Evgeniou, C. A. Micchelli and M. Pontil (2005). Learning multiple tasks with
    kernel methods. Journal of Machine Learning Research.

    Examples
    --------
    >>> import numpy as np
    >>> from pymtl.penalties import Graph
    >>> W = np.array([[1.0, 2.0, 4.0]])
    >>> Graph(1.0, [(0, 1), (1, 2, 0.5)]).value(W)
    3.0
    >>> edge = np.array([[1.0], [-1.0], [0.0]])
    >>> round(Graph(1.0, incidence=edge).value(W), 6)
    1.0
    """

    def __init__(
        self, lambda1: float | str = "auto", graph: Any = "mean", incidence: Any = None
    ):
        self.lambda1 = lambda1
        self.graph = graph
        self.incidence = incidence

    def align(self, tasks, ordered=True):
        named = isinstance(self.graph, str)
        if self.incidence is not None:
            self._refuse_two_graphs()
            G = _read_incidence(self.incidence, tasks)
            return clone(self).set_params(incidence=G)
        if not named:
            return clone(self).set_params(graph=read_adjacency(self.graph, tasks))
        if self.graph == "order":
            require_order("graph='order'", ordered)
        return self

    def quadratic(self, n_tasks):
        if self.incidence is not None:
            self._refuse_two_graphs()
            G = _read_incidence(self.incidence, np.arange(n_tasks))
            root = np.sqrt(2 * self.lambda1) * G
            return TaskMatrix(n_tasks, root=root if self.lambda1 else None)
        if not isinstance(self.graph, str):
            a, b, weight = edges(read_adjacency(self.graph, np.arange(n_tasks)))
            return laplacian(a, b, 2 * self.lambda1 * weight, n_tasks)
        if self.graph not in ("mean", "order"):
            msg = f"graph must be 'mean', 'order' or a graph, got {self.graph!r}."
            raise ValueError(msg)
        penalty = Mean if self.graph == "mean" else Chain
        return penalty(self.lambda1).quadratic(n_tasks)

    @property
    def placed_by(self):
        """What says where in the graph a new task belongs."""
        if self.incidence is None and isinstance(self.graph, str):
            return "time" if self.graph == "order" else None
        return "neighbours"

    def new_task(self, W, place):
        if self.placed_by == "neighbours":
            tasks, weight = place.edges(self)
            return around(W[:, tasks], 2 * self.lambda1 * weight)
        penalty = Mean if self.graph == "mean" else Chain
        return penalty(self.lambda1).new_task(W, place)

    def resolve(self, gradient, curvature):
        if self.incidence is not None or not isinstance(self.graph, str):
            unit = clone(self).set_params(lambda1=0.5)
            degree = unit._matrix(gradient).diagonal().mean()
            curvature = curvature / degree if degree > 0 else curvature
        return super().resolve(gradient, curvature)

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
        ring = np.roll(np.eye(n_tasks), 1, axis=1) * (1.0 - np.eye(n_tasks))
        ring = (ring + ring.T) * np.add.outer(np.arange(n_tasks), np.arange(n_tasks))
        yield cls(0.3, ring / (ring.sum() / n_tasks or 1.0))
        G = np.eye(n_tasks) - 1.0 / (n_tasks + 1)
        yield cls(0.2, incidence=G * np.sqrt(n_tasks / np.sum(G**2)))

    def _refuse_two_graphs(self):
        if not (isinstance(self.graph, str) and self.graph == "mean"):
            msg = "Give either graph or incidence, not both."
            raise ValueError(msg)


def _read_incidence(incidence, labels):
    """Return G as an array or sparse array, rows in the order of the tasks."""
    tasks = labels.tolist()
    if hasattr(incidence, "loc"):
        if set(incidence.index) != set(tasks) or len(incidence.index) != len(tasks):
            msg = (
                f"incidence has rows for {list(incidence.index)[:5]}, the tasks are "
                f"{tasks[:5]}: give one row a task, or a graph, from which tasks that "
                "are not in the data can be left out."
            )
            raise ValueError(msg)
        incidence = incidence.loc[tasks].to_numpy()
    if sp.issparse(incidence):
        G, values = sp.csr_array(incidence, dtype=float), incidence.data
    else:
        G = values = np.asarray(incidence, dtype=float)
    if G.ndim != 2 or G.shape[0] != len(tasks):
        msg = (
            f"incidence has shape {G.shape}, but there are {len(tasks)} tasks: give a "
            "matrix (n_tasks, n_edges)."
        )
        raise ValueError(msg)
    if not np.isfinite(values).all():
        msg = "incidence has entries that are NaN or infinite."
        raise ValueError(msg)
    return G
