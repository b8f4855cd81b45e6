"""Features shared by groups of tasks, at every level of a tree."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable
from numbers import Real
from typing import Any

import numpy as np
from sklearn.base import clone

from .._kernels import tree_gauge, tree_prox, tree_value
from ._base import Penalty
from ._prior import on_rows, touching
from .l1 import L1


class Tree(Penalty):
    r"""Tree-guided group lasso: features chosen jointly within the branches of a tree.

    .. math:: \Omega(W) = \lambda_1 \sum_j \sum_{v} a_v
              \big\|(w_{jt})_{t \in v}\big\|_2

    The nodes v of the tree are sets of tasks: leaves are single tasks, and the root
    holds all of them. Tasks whose branches join near the leaves tend to use the same
    features; a feature can be dropped for a whole branch.

    The prox shrinks the nodes one after the other, each after the nodes that it
    contains. The polar of a row is the c at which the row, shrunk by :math:`c
    \lambda_1 a_v` in all nodes but the root, has the norm :math:`c \lambda_1
    a_{\text{root}}`.

    Parameters
    ----------
    lambda1 : float or "auto", default="auto"
        Strength; "auto" is a tenth of `lambda_max`.
    tree : list, ndarray or None, default=None
        Nested lists of task labels, such as ``[["a", "b"], ["c", "d"]]``: a list is a
        node, a label a leaf, and a tuple ``(node, weight)`` a node whose weight is not
        1. Labels of other tasks do not count. Tasks without labels are 0, ..., T - 1.

        Or a linkage matrix (T - 1, 4) of `scipy.cluster.hierarchy` over the tasks in
        their order: with :math:`h_v` the height of a node over that of the root and
        zero for the leaves, :math:`a_v = (1 - h_v) \prod_{u \supset v} h_u`, so that
        the weights above each task add up to 1.

        None is a root with a leaf for each task.

    References
    ----------
    S. Kim and E. P. Xing (2012). Tree-guided group lasso for multi-response regression
    with structured sparsity. Annals of Applied Statistics.

    R. Jenatton, J. Mairal, G. Obozinski and F. Bach (2011). Proximal methods for
    hierarchical sparse coding. Journal of Machine Learning Research.

    Examples
    --------
    The first row is used by the pair of tasks 0 and 1 alone:

    >>> import numpy as np
    >>> from pymtl.penalties import Tree
    >>> leaves = [(t, 0.0) for t in range(4)]
    >>> penalty = Tree(1.0, [leaves[:2], leaves[2:]])
    >>> penalty.prox(np.array([[6.0, 8.0, 0.4, 0.3], [1.0, 0.0, 0.0, 1.0]]), 1.0)
    array([[4.8, 6.4, 0. , 0. ],
           [0. , 0. , 0. , 0. ]])
    """

    by_task = True

    separable = "row"
    placed_by = "neighbours"
    needs_place = False  # the root holds all tasks

    def __init__(self, lambda1: float | str = "auto", tree: Any = None):
        self.lambda1 = lambda1
        self.tree = tree

    def align(self, tasks, ordered=True):
        if self.tree is None or isinstance(self.tree, np.ndarray):
            return self
        return clone(self).set_params(tree=_select(self.tree, tasks.tolist()))

    def value(self, W):
        return self.lambda1 * tree_value(np.ascontiguousarray(W), *self._groups(W))

    def metric(self, bound):
        entry = bound(True)  # one number a row is what the prox can take
        return np.broadcast_to(entry.max(axis=1, keepdims=True), entry.shape)

    def prox(self, V, step):
        step = np.broadcast_to(step, V.shape)[:, 0]  # the same in all of a row
        scale = np.ascontiguousarray(step * self.lambda1, dtype=float)
        return tree_prox(np.ascontiguousarray(V), *self._groups(V), scale)

    def polar(self, G: np.ndarray) -> float:
        """Return the polar gauge, the largest of the rows.

        Parameters
        ----------
        G : ndarray of shape (n_features, n_tasks)
            Dual point.

        Returns
        -------
        gauge : float
            At most 1 where G is in the dual ball.
        """
        gauge = tree_gauge(np.ascontiguousarray(G), *self._groups(G))
        return gauge / self.lambda1

    def new_task(self, W, place):
        # a leaf below the smallest node that holds the neighbours
        order, start, stop, weight = self._groups(W)
        n_tasks = len(order)
        beside = np.ones(n_tasks) if place.weight is None else place.weight
        leaves = np.flatnonzero(beside[order])
        above = (start <= leaves[0]) & (leaves[-1] < stop) & (stop - start > 1)
        precision = np.zeros(len(W))
        for a, b, w in zip(start[above], stop[above], weight[above], strict=True):
            norms = np.linalg.norm(W[:, order[a:b]], axis=1)
            precision += touching(norms, self.lambda1 * w)
        # with its own the weights above it are, together, what the others there have
        leaf = np.arange(n_tasks)
        total = ((start[:, None] <= leaf) & (leaf < stop[:, None])).T @ weight
        near = np.argmin(np.where(above, stop - start, n_tasks + 1))
        inside = slice(start[near], stop[near]) if above.any() else slice(None)
        own = max(float(total[inside].mean() - weight[above].sum()), 0.0)
        return on_rows(precision, L1(self.lambda1 * own))

    def _groups(self, W):
        """Return what the kernels take: (order, start, stop, weight) of the nodes."""
        n_tasks = W.shape[1]
        tree, known, groups = getattr(self, "_parsed", (None, 0, None))
        if tree is not self.tree or known != n_tasks:
            groups = _parse(self.tree, n_tasks)
            self._parsed = self.tree, n_tasks, groups
        return groups


def _parse(tree, n_tasks):
    """Return the tasks in the order of the leaves, and the nodes as intervals of it.

    Nodes of weight zero are left out. A node follows the nodes that it contains.
    """
    order: list[int] = []
    nodes: list[tuple[int, int, float]] = []
    if isinstance(tree, np.ndarray):
        _read_linkage(tree, n_tasks, order, nodes)
    else:
        tasks = list(range(n_tasks))
        _read_node(_select(tasks if tree is None else tree, tasks), order, nodes)
    used = [node for node in nodes if node[2] > 0]
    used.sort(key=lambda node: (node[1], -node[0]))
    free = np.ones(n_tasks, bool)
    for a, b, _ in used:
        free[order[a:b]] = False
    if free.any():
        msg = (
            f"The tree leaves {free.sum()} of {n_tasks} tasks unpenalised, first the "
            f"one at {np.argmax(free)}: give it, or a node above, a positive weight."
        )
        raise ValueError(msg)
    start, stop, weight = (np.array(part) for part in zip(*used, strict=True))
    return np.array(order), start, stop, weight


def _select(tree, tasks):
    """Return a tree with places in tasks for labels; other labels are left out."""
    tree = _replace(tree, {task: place for place, task in enumerate(tasks)})
    found = Counter(_leaves(tree))
    wrong = [task for place, task in enumerate(tasks) if found[place] != 1]
    if wrong:
        msg = (
            f"The tree has no leaf, or several, for the tasks {wrong[:5]}; each needs "
            "one. Lists are nodes, task labels are leaves, tuples are (node, weight)."
        )
        raise ValueError(msg)
    return tree


def _replace(node, place):
    if isinstance(node, list):
        children = [_replace(child, place) for child in node]
        return [child for child in children if child != []]
    if isinstance(node, tuple):
        pair = len(node) == 2 and not isinstance(node[0], tuple)
        if not (pair and isinstance(node[1], Real) and 0 <= node[1] < np.inf):
            msg = f"{node!r} is no tuple (node, weight) with a weight of at least 0."
            raise ValueError(msg)
        below = _replace(node[0], place)
        return [] if below == [] else (below, float(node[1]))
    return place.get(node, []) if isinstance(node, Hashable) else []


def _leaves(node):
    if isinstance(node, tuple):
        node = node[0]
    if isinstance(node, list):
        for child in node:
            yield from _leaves(child)
    else:
        yield node


def _read_node(node, order, nodes):
    """Append the leaves below a node, and the node after those it contains."""
    node, weight = node if isinstance(node, tuple) else (node, 1.0)
    start = len(order)
    if isinstance(node, list):
        for child in node:
            _read_node(child, order, nodes)
    else:
        order.append(node)
    nodes.append((start, len(order), weight))


def _read_linkage(Z, n_tasks, order, nodes):
    """Append the leaves and the nodes of a linkage matrix."""
    from scipy.cluster.hierarchy import is_valid_linkage, leaves_list  # takes long

    if Z.shape != (n_tasks - 1, 4) or (n_tasks > 1 and not is_valid_linkage(Z)):
        msg = (
            f"The tree of {n_tasks} tasks is a linkage matrix of shape "
            f"({n_tasks - 1}, 4) as scipy.cluster.hierarchy.linkage returns it, got "
            f"shape {Z.shape}. Nested lists of labels also fit a part of the tasks."
        )
        raise ValueError(msg)
    order += leaves_list(Z).tolist() if n_tasks > 1 else [0]
    start = np.append(np.argsort(order), np.full(n_tasks - 1, n_tasks))
    stop = start + 1
    height = np.append(np.zeros(n_tasks), Z[:, 2] / (Z[:, 2].max(initial=0.0) or 1.0))
    above = np.ones(2 * n_tasks - 1)
    children = Z[:, :2].astype(int)
    for node, pair in enumerate(children, n_tasks):
        start[node], stop[node] = start[pair].min(), stop[pair].max()
    for node, pair in reversed(list(enumerate(children, n_tasks))):
        above[pair] = above[node] * height[node]
    weight = (1 - height) * above
    nodes += zip(start.tolist(), stop.tolist(), weight.tolist(), strict=True)
