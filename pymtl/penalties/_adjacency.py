"""Task graphs in the forms in which users have them."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp

from ._task_matrix import TaskMatrix

DENSE_SHARE = 0.1
FEW_EDGES = 2
SMALL = 200


def read_adjacency(graph: Any, labels: np.ndarray) -> np.ndarray | sp.csr_array:
    """Return the adjacency of the tasks, in the order of their labels.

    Parameters
    ----------
    graph : object
        A (T, T) array or sparse array whose rows are the tasks in their order; or a
        graph whose nodes are task labels: a data frame with labels for rows and
        columns, a networkx graph, or a list of tuples (a, b) or (a, b, weight).
    labels : ndarray of shape (n_tasks,)
        Task labels.

    Returns
    -------
    adjacency : ndarray or csr_array of shape (n_tasks, n_tasks)
        Symmetric weights, at least zero, with a zero diagonal. It is sparse where the
        graph is large and has few edges.

    Raises
    ------
    ValueError
        If weights are negative, not symmetric or not finite, or if tasks are missing.
    """
    matrix, nodes = _read(graph, labels)
    tasks = labels.tolist()
    if nodes is not None:
        matrix = _select(matrix, nodes, tasks)
    if len(matrix.shape) != 2 or matrix.shape != (len(tasks), len(tasks)):
        missing = tasks[matrix.shape[0] :]
        lacks = f": it has no row for {missing[:5]}" if missing else ""
        msg = (
            f"graph has shape {matrix.shape}, but there are {len(tasks)} tasks{lacks}. "
            "Give a symmetric (n_tasks, n_tasks) matrix, or a graph whose nodes are "
            "task labels (a data frame, a networkx graph, a list of edges), which may "
            "have more nodes than there are tasks."
        )
        raise ValueError(msg)
    _check(matrix, tasks)
    matrix = 0.5 * (matrix + matrix.T)
    upper = sp.csr_array(sp.triu(matrix, k=1))
    upper.eliminate_zeros()
    links, n = upper + upper.T, len(tasks)
    return links if n > SMALL and links.nnz < DENSE_SHARE * n**2 else links.toarray()


def edges(adjacency: np.ndarray | sp.csr_array):
    """Return the ends a < b and the weights of the edges of an adjacency."""
    upper = sp.coo_array(sp.triu(adjacency, k=1))
    return upper.row, upper.col, upper.data


def laplacian(
    a: np.ndarray,
    b: np.ndarray,
    weight: np.ndarray,
    n_tasks: int,
    beta: float = 0.0,
    component: np.ndarray | None = None,
) -> TaskMatrix:
    """Return the task matrix of the sum of weight_e ||w_a - w_b||^2 / 2.

    Parameters
    ----------
    a, b : ndarray of shape (n_edges,)
        The ends of each edge, every pair once.
    weight : ndarray of shape (n_edges,)
        Weights, at least zero.
    n_tasks : int
        Number of tasks.
    beta : float, default=0.0
        Multiple of the identity to add.
    component : ndarray of shape (n_tasks,) or None, default=None
        Component of each task in the graph, if known.

    Returns
    -------
    matrix : TaskMatrix
        By its root where there are few edges, which is exact.
    """
    keep = weight > 0
    a, b, weight = a[keep], b[keep], weight[keep]
    if not len(a):
        return TaskMatrix(n_tasks, beta)
    edge, share = np.arange(len(a)), np.sqrt(weight)
    matrix = root = None
    if n_tasks > SMALL:
        ends = np.concatenate([a, b]), np.concatenate([edge, edge])
        entries = (np.concatenate([share, -share]), ends)
        root = sp.csr_array(sp.coo_array(entries, shape=(n_tasks, len(a))))
    elif len(a) <= FEW_EDGES * n_tasks:
        root = np.zeros((n_tasks, len(a)))
        root[a, edge], root[b, edge] = share, -share
    else:
        matrix = np.zeros((n_tasks, n_tasks))
        matrix[a, b] = matrix[b, a] = -weight
        matrix[np.diag_indices(n_tasks)] = -matrix.sum(axis=1)
    return TaskMatrix(
        n_tasks, beta, matrix=matrix, root=root, laplacian=True, component=component
    )


def _read(graph, labels):
    """Return the weights of a graph and its nodes, None where it has no labels."""
    if hasattr(graph, "nodes") and hasattr(graph, "edges"):
        nodes = list(graph.nodes)
        edges = list(graph.edges(data="weight", default=1.0))
        return _from_edges(nodes, edges, graph.is_directed()), nodes
    if hasattr(graph, "columns"):
        nodes = list(getattr(graph, "index", graph.columns))
        columns = {label: i for i, label in enumerate(graph.columns)}
        if len(columns) != len(nodes) or set(columns) != set(nodes):
            msg = (
                "graph is a data frame whose rows and columns differ: give both the "
                f"same labels, once each (rows {nodes[:5]}, columns "
                f"{list(graph.columns)[:5]})."
            )
            raise ValueError(msg)
        order = [columns[label] for label in nodes]
        return np.asarray(graph, dtype=float)[:, order], nodes
    if sp.issparse(graph):
        return sp.csr_array(graph, dtype=float), None
    if isinstance(graph, list | tuple) and all(isinstance(e, tuple) for e in graph):
        return _from_list(graph)
    try:
        return np.asarray(graph, dtype=float), None
    except (TypeError, ValueError):
        msg = (
            f"graph is {graph!r}, which is neither 'mean' or 'order' nor a graph: give "
            "an adjacency matrix, a data frame, a networkx graph, or a list of tuples "
            "(a, b) or (a, b, weight)."
        )
        raise ValueError(msg) from None


def _from_list(edges):
    """Return the weights and nodes of a list of edges."""
    nodes, seen = {}, set()
    for edge in edges:
        if len(edge) not in (2, 3):
            msg = f"{edge!r} is no edge: give tuples (a, b) or (a, b, weight)."
            raise ValueError(msg)
        a, b = (nodes.setdefault(label, len(nodes)) for label in edge[:2])
        pair = (min(a, b), max(a, b))
        if pair in seen:
            msg = f"The edge {edge[:2]!r} is in the list of edges more than once."
            raise ValueError(msg)
        seen.add(pair)
    weighted = [(*edge[:2], edge[2] if len(edge) == 3 else 1.0) for edge in edges]
    return _from_edges(list(nodes), weighted, directed=False), list(nodes)


def _from_edges(nodes, edges, directed):
    position = {label: i for i, label in enumerate(nodes)}
    rows = np.array([position[a] for a, _, _ in edges], dtype=int)
    columns = np.array([position[b] for _, b, _ in edges], dtype=int)
    weight = np.array([w for _, _, w in edges], dtype=float)
    shape = (len(nodes), len(nodes))
    matrix = sp.csr_array(sp.coo_array((weight, (rows, columns)), shape=shape))
    return matrix if directed else matrix + matrix.T


def _select(matrix, nodes, tasks):
    """Return the part of a labelled graph that belongs to the tasks."""
    position = {label: i for i, label in enumerate(nodes)}
    missing = [label for label in tasks if label not in position]
    if missing:
        msg = (
            f"graph has no node for the tasks {missing[:5]}; its nodes are "
            f"{nodes[:5]}... A task without neighbours is a node too (in a list of "
            "edges: an edge of weight 0)."
        )
        raise ValueError(msg)
    index = [position[label] for label in tasks]
    return matrix[index][:, index]


def _check(matrix, tasks):
    links = sp.coo_array(matrix)
    if not np.isfinite(links.data).all():
        msg = "graph has weights that are NaN or infinite."
        raise ValueError(msg)
    top = np.abs(links.data).max(initial=0.0)
    if links.data.min(initial=0.0) < 0:
        k = int(np.argmin(links.data))
        a, b = tasks[links.row[k]], tasks[links.col[k]]
        msg = (
            f"graph has the weight {links.data[k]:.4g} between the tasks {a!r} and "
            f"{b!r}. Weights pull tasks together, so they must be at least 0: with a "
            "negative one the objective has no minimum."
        )
        raise ValueError(msg)
    skew = sp.coo_array(links - links.T)
    if np.abs(skew.data).max(initial=0.0) > 1e-10 * top:
        k = int(np.argmax(np.abs(skew.data)))
        i, j = skew.row[k], skew.col[k]
        there, back = sp.csr_array(links)[[i, j], [j, i]]
        msg = (
            f"graph is not symmetric: the weight from {tasks[i]!r} to {tasks[j]!r} is "
            f"{there:.4g}, back it is {back:.4g}. The penalty of two tasks knows no "
            "direction; give (A + A.T) / 2."
        )
        raise ValueError(msg)
