"""Penalties and losses by their formulas, as numbers and as expressions of cvxpy.

A structure is written once, in :data:`STRUCTURES`, over an algebra of norms that is
either numbers (:class:`Numbers`) or expressions (:class:`Expressions`). Nothing here is
the package's: the formulas are those of the documentation.
"""

from __future__ import annotations

from dataclasses import dataclass

import cvxpy as cp
import numpy as np
from scipy.special import expit, log_expit, xlogy
from scipy.stats import chi

SLACK = 1e-6


# --- norms, as numbers and as expressions -------------------------------------------


class Numbers:
    """Norms of arrays."""

    @staticmethod
    def entries(W):
        return np.abs(W).sum()

    @staticmethod
    def rows(W):
        return np.sqrt(np.sum(W**2, axis=1)).sum()

    @staticmethod
    def largest(W):
        return np.abs(W).max(axis=1).sum()

    @staticmethod
    def columns(W):
        return np.sqrt(np.sum(W**2, axis=0)).sum()

    @staticmethod
    def squares(W):
        return np.sum(W**2)

    @staticmethod
    def trace(W):
        return _singular_values(W).sum()

    @staticmethod
    def square(value):
        return value**2

    @staticmethod
    def within(value, budget):
        return 0.0 if value <= budget * (1 + SLACK) else np.inf

    @staticmethod
    def box(W, between, ridge, k):
        """Return the squared spectral box norm: M takes the shares m of sum k."""
        s = _singular_values(W)
        if ridge == 0:
            return 0.0
        if k >= len(s) or between == 0:
            return ridge * np.sum(s**2)
        if not s.any():
            return 0.0

        def shares(log_z):
            return np.clip((np.exp(log_z) * s - ridge) / between, 0.0, 1.0)

        low, high = np.log(ridge / s.max()), np.log((ridge + between) / s[s > 0].min())
        for _ in range(200):
            middle = (low + high) / 2
            low, high = (middle, high) if shares(middle).sum() < k else (low, middle)
        m = shares(low)
        return np.sum(ridge * (between + ridge) / (ridge + between * m) * s**2)

    @staticmethod
    def ordered(W, weights):
        """Return the sorted norm of the row norms."""
        return np.sort(np.sqrt(np.sum(W**2, axis=1)))[::-1] @ weights

    @staticmethod
    def k_support(W, k):
        """Return the k-support norm of the row norms, by its dual: the best q."""
        n = np.sort(np.sqrt(np.sum(W**2, axis=1)))[::-1].astype(float)
        k = min(k, len(n))
        for q in range(k):
            mean = n[k - q - 1 :].sum() / (q + 1)
            if q == k - 1 or n[k - q - 2] > mean:
                break
        return np.sqrt(np.sum(n[: k - q - 1] ** 2) + (q + 1) * mean**2)


class Expressions:
    """The same norms of expressions of cvxpy; `constraints` collects what they need."""

    def __init__(self):
        self.constraints = []

    @staticmethod
    def entries(W):
        return cp.sum(cp.abs(W))

    @staticmethod
    def rows(W):
        return cp.sum(cp.norm(W, 2, axis=1))

    @staticmethod
    def largest(W):
        return cp.sum(cp.max(cp.abs(W), axis=1))

    @staticmethod
    def columns(W):
        return cp.sum(cp.norm(W, 2, axis=0))

    @staticmethod
    def squares(W):
        return cp.sum_squares(W)

    @staticmethod
    def trace(W):
        return cp.normNuc(W)

    @staticmethod
    def square(value):
        return cp.square(value)

    def within(self, value, budget):
        self.constraints.append(value <= budget)
        return 0.0

    def box(self, W, between, ridge, k):
        d, m = W.shape
        if ridge == 0:
            return 0.0
        if k >= min(d, m) or between == 0:
            return ridge * cp.sum_squares(W)
        W = W.T if m < d else W
        size, eta = W.shape[0], ridge / between
        M = cp.Variable((size, size), symmetric=True)
        self.constraints += [M >> 0, np.eye(size) - M >> 0, cp.trace(M) == k]
        value = cp.matrix_frac(W, eta * np.eye(size) + M)
        return between * eta * (1 + eta) * value

    @staticmethod
    def ordered(W, weights):
        norms, steps = cp.norm(W, 2, axis=1), -np.diff(np.append(weights, 0.0))
        return sum(s * cp.sum_largest(norms, k + 1) for k, s in enumerate(steps))

    def k_support(self, W, k):
        d = W.shape[0]
        if k >= d:
            return cp.norm(W, "fro")
        theta, s = cp.Variable(d), cp.Variable()
        self.constraints += [theta <= s, cp.sum(theta) <= k * s]
        total = sum(cp.quad_over_lin(W[j], theta[j]) for j in range(d))
        return total / 2 + s / 2


def _singular_values(W):
    return np.linalg.svd(np.asarray(W, float), compute_uv=False)


# --- structures: Omega(W), exactly --------------------------------------------------
# `a` is the algebra, `s` has strengths and options; `v.norm` is W as norms see it
# (feature weights multiplied in), `v.square` as squares do, `v.parts` the components.


def _steps(W, s):
    """Return the steps from each task to the next, and the gaps of time."""
    n_tasks = W.shape[1]
    times = np.arange(n_tasks) if s.times is None else np.asarray(s.times, float)
    order = np.argsort(times, kind="stable")
    gaps = np.diff(times[order])
    return W[:, order[1:]] - W[:, order[:-1]], gaps


def _chain(a, W, s):
    steps, gaps = _steps(W, s)
    return sum(a.squares(steps[:, i]) / gap for i, gap in enumerate(gaps))


def _variation(a, W, s):
    steps, gaps = _steps(W, s)
    return sum(a.entries(steps[:, i]) / gap for i, gap in enumerate(gaps))


def _from_mean(W):
    n_tasks = W.shape[1]
    return W @ (np.eye(n_tasks) - 1 / n_tasks)


def _pairs(graph, n_tasks, mean):
    """Return the weighted pairs of tasks of a graph."""
    pairs = [(i, j) for j in range(n_tasks) for i in range(j)]
    if isinstance(graph, str) and graph == "mean":
        return [(i, j, mean) for i, j in pairs]
    if isinstance(graph, str):
        return [(i, i + 1, 1.0) for i in range(n_tasks - 1)]
    return [(i, j, graph[i][j]) for i, j in pairs if graph[i][j] > 0]


def _graph(a, W, s):
    pairs = _pairs(s.graph, W.shape[1], 1 / W.shape[1])
    return sum(weight * a.squares(W[:, i] - W[:, j]) for i, j, weight in pairs)


def _network(a, W, s):
    pairs = _pairs(s.graph, W.shape[1], 1 / W.shape[1])
    return sum(
        weight * a.columns(W[:, [i]] - W[:, [j]]) for i, j, weight in pairs if weight
    )


def _tree(a, W, s):
    """Sum over the nodes of nested lists; without a tree all tasks, and each alone."""
    nodes = []

    def leaves(node):
        if not isinstance(node, list):
            nodes.append([node])
            return [node]
        tasks = [t for child in node for t in leaves(child)]
        nodes.append(tasks)
        return tasks

    leaves(list(range(W.shape[1])) if s.tree is None else s.tree)
    return sum(a.rows(W[:, tasks]) for tasks in nodes)


def _clustered(a, W, s):
    if not s.center:
        return a.box(W, s.lambda1, s.lambda2, s.n_clusters)
    n_tasks = W.shape[1]
    mean = W @ np.full((n_tasks, 1), n_tasks**-0.5)
    rest = a.box(_from_mean(W), s.lambda1, s.lambda2, s.n_clusters - 1)
    if s.n_clusters == 1:
        rest = (s.lambda1 + s.lambda2) * a.squares(_from_mean(W))
    return s.lambda2 * a.squares(mean) + rest


def _dirty(a, s, P, Q):
    shared = a.rows(P) if s.shared_norm == "2" else a.largest(P)
    return s.lambda1 * shared + s.lambda2 * a.entries(Q)


def _sparse_low_rank(a, s, Q, P):
    if s.rank_budget is None:
        return s.lambda1 * a.entries(P) + s.lambda2 * a.trace(Q)
    return s.lambda1 * a.entries(P) + a.within(a.trace(Q), s.rank_budget)


def _ordered_weights(W, s):
    """Return the weights of the ranks, the quantiles by another distribution."""
    d, n_tasks = W.shape
    rank = np.arange(1, d + 1)
    if s.weights == "oscar":
        return 1 - (rank - 1) / (2 * d)
    if s.weights != "bh":
        return np.asarray(s.weights)[:d]
    weights = chi(n_tasks).ppf(1 - s.q * rank / d)
    return weights / weights[0]


STRUCTURES = {
    "SingleTask": lambda a, s, v: 0.0,
    "Pooled": lambda a, s, v: 0.0,
    "L1": lambda a, s, v: s.lambda1 * a.entries(v.norm),
    "L21": lambda a, s, v: s.lambda1 * a.rows(v.norm),
    "Calibrated": lambda a, s, v: s.lambda1 * a.rows(v.norm),
    "LInf": lambda a, s, v: s.lambda1 * a.largest(v.norm),
    "ColumnL2": lambda a, s, v: s.lambda1 * a.columns(v.norm),
    "KSupport": lambda a, s, v: s.lambda1 * a.k_support(v.norm, s.k),
    "OrderedRows": lambda a, s, v: (
        s.lambda1 * a.ordered(v.norm, _ordered_weights(v.norm, s))
    ),
    "SparseGroup": lambda a, s, v: (
        s.lambda1 * a.rows(v.norm) + s.lambda2 * a.entries(v.norm)
    ),
    "Mean": lambda a, s, v: s.lambda1 * a.squares(_from_mean(v.square)),
    "Chain": lambda a, s, v: s.lambda1 * _chain(a, v.square, s),
    "Graph": lambda a, s, v: (
        s.lambda1 * _graph(a, v.square, s) + s.lambda3 * a.entries(v.norm)
    ),
    "TraceNorm": lambda a, s, v: s.lambda1 * a.trace(v.norm),
    "Clustered": lambda a, s, v: _clustered(a, v.square, s),
    "ASO": lambda a, s, v: a.box(v.square, s.lambda1, s.lambda2, s.n_components),
    "Relationship": lambda a, s, v: (
        s.lambda1 / 2 * a.squares(v.square)
        + s.lambda2 / 2 * a.square(a.trace(v.square))
    ),
    "FeatureCovariance": lambda a, s, v: s.lambda1 * a.square(a.trace(v.square)),
    "TemporalGroup": lambda a, s, v: (
        s.lambda1 * a.squares(v.square)
        + s.lambda2 * _chain(a, v.square, s)
        + s.lambda3 * a.rows(v.norm)
    ),
    "FusedSparseGroup": lambda a, s, v: (
        s.lambda1 * a.entries(v.norm)
        + s.lambda2 * _variation(a, v.norm, s)
        + s.lambda3 * a.rows(v.norm)
    ),
    "NetworkLasso": lambda a, s, v: s.lambda1 * _network(a, v.norm, s),
    "Tree": lambda a, s, v: s.lambda1 * _tree(a, v.norm, s),
    "Dirty": lambda a, s, v: _dirty(a, s, *v.parts),
    "RobustFeature": lambda a, s, v: (
        s.lambda1 * a.rows(v.parts[0]) + s.lambda2 * a.columns(v.parts[1])
    ),
    "RobustLowRank": lambda a, s, v: (
        s.lambda1 * a.trace(v.parts[0]) + s.lambda2 * a.columns(v.parts[1])
    ),
    "SparseLowRank": lambda a, s, v: _sparse_low_rank(a, s, *v.parts),
    "DataShared": lambda a, s, v: (
        s.lambda1 * a.entries(v.parts[0][:, :1]) + s.lambda2 * a.entries(v.parts[1])
    ),
}
PARTS = {"Dirty", "RobustFeature", "RobustLowRank", "SparseLowRank", "DataShared"}
# structures whose lambda2 is a ridge beside them
RIDGE = {"SingleTask", "Pooled", "L1", "L21", "Calibrated", "LInf", "Mean", "Graph"}
RIDGE |= {"OrderedRows"}
RIDGE |= {"TraceNorm", "NetworkLasso", "Tree", "FeatureCovariance"}
# of more than two classes these see all classes of a task in one column
BY_TASK = {"Pooled", "Mean", "Chain", "Graph", "Clustered", "Relationship"}
BY_TASK |= {"TemporalGroup", "FusedSparseGroup", "NetworkLasso", "Tree", "DataShared"}
BY_TASK |= {"RobustFeature", "RobustLowRank", "ColumnL2"}
SPELT = {"aso": "ASO", "linf": "LInf", "ridge": "SingleTask"}


def structure_name(registered):
    """Return the structure of a penalty's name in the registry, or of its class."""
    if registered in STRUCTURES:
        return registered
    camel = "".join(part.title() for part in registered.split("_"))
    return SPELT.get(registered, camel)


# --- losses -------------------------------------------------------------------------


@dataclass
class LossRule:
    """A loss of rows: its values, its slopes, its bend, and it as an expression.

    `bend(y, z)` bounds the second derivative near z, 0 for a loss with kinks.
    """

    name: str
    value: object
    slope: object
    bend: object
    expression: object
    delta: float = 1.0

    @property
    def labels(self):
        return self.name in ("logistic", "hinge", "squaredhinge")


def loss_rule(loss, delta=None):
    """Return the rule of a loss, a name of the registry or an object with options."""
    name = loss if isinstance(loss, str) else type(loss).__name__
    name = name.lower().replace("_", "")
    if name == "squared":
        return LossRule(
            name,
            lambda y, z: (y - z) ** 2 / 2,
            lambda y, z: z - y,
            lambda y, z: 1.0,
            lambda y, z, w: cp.sum_squares(cp.multiply(np.sqrt(w), y - z)) / 2,
        )
    if name == "huber":
        delta = getattr(loss, "delta", 1.35) if delta is None else delta

        def huber(y, z):
            size = abs(y - z)
            near = np.minimum(size, delta)
            return near * (size - near / 2)

        return LossRule(
            name,
            huber,
            lambda y, z: np.clip(z - y, -delta, delta),
            lambda y, z: 1.0,
            lambda y, z, w: w @ cp.huber(y - z, delta) / 2,
            delta,
        )
    if name == "quantile":
        tau = getattr(loss, "quantile", 0.5)
        return LossRule(
            name,
            lambda y, z: tau * np.maximum(y - z, 0) + (1 - tau) * np.maximum(z - y, 0),
            lambda y, z: np.where(z < y, -tau, 1 - tau),
            lambda y, z: 0.0,
            lambda y, z, w: w @ (tau * cp.pos(y - z) + (1 - tau) * cp.pos(z - y)),
        )
    if name == "poisson":
        return LossRule(
            name,
            lambda y, z: np.exp(z) - y * z - y + xlogy(y, y),
            lambda y, z: np.exp(z) - y,
            lambda y, z: np.exp(z),
            lambda y, z, w: w @ (cp.exp(z) - cp.multiply(y, z)) + w @ (xlogy(y, y) - y),
        )
    if name == "logistic":
        return LossRule(
            name,
            lambda y, z: -log_expit((y * z).astype(float)),
            lambda y, z: -y * expit((-y * z).astype(float)),
            lambda y, z: 0.25,
            lambda y, z, w: w @ cp.logistic(-cp.multiply(y, z)),
        )
    if name == "squaredhinge":
        return LossRule(
            name,
            lambda y, z: np.maximum(1 - y * z, 0) ** 2,
            lambda y, z: -2 * y * np.maximum(1 - y * z, 0),
            lambda y, z: 2.0,
            lambda y, z, w: w @ cp.square(cp.pos(1 - cp.multiply(y, z))),
        )
    if name == "hinge":
        return LossRule(
            name,
            lambda y, z: np.maximum(1 - y * z, 0),
            lambda y, z: -y * (y * z < 1),
            lambda y, z: 0.0,
            lambda y, z, w: w @ cp.pos(1 - cp.multiply(y, z)),
        )
    msg = f"the auditor does not know the loss {loss!r}"
    raise ValueError(msg)
