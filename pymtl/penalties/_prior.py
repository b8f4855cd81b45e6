"""Penalties of the coefficients of one more task, the learned structure held fixed.

They are functions of the distance to what is known: to a subspace or a mean
(:class:`Prior`), to numbers (:class:`Deviations`), to other tasks (:class:`Distances`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ._base import Penalty
from .ridge import Ridge

OUTSIDE = 1e-6
SMALL_STEP, STEPS, SLOPE = 1e-12, 100, 1e-4
SAME = 1e-13


@dataclass
class Place:
    """Where a new task stands among those of training.

    Parameters
    ----------
    weight : ndarray of shape (n_tasks,) or None
        What links it to each of them, 0 for nothing; None where it was not said.
    time : float or None
        Its time.
    """

    weight: np.ndarray | None = None
    time: float | None = None

    def edges(self, penalty: Penalty) -> tuple[np.ndarray, np.ndarray]:
        """Return the neighbours and the weights of the edges to them."""
        if self.weight is None:
            msg = (
                f"{type(penalty).__name__} has a graph of the tasks of training, which "
                "does not know the new one. Say which tasks it is linked to: "
                "neighbours=[label, ...], or neighbours={label: weight, ...}."
            )
            raise ValueError(msg)
        tasks = np.flatnonzero(self.weight)
        return tasks, self.weight[tasks]


class Known(Penalty):
    """Base class of the penalties of a new task.

    One that has a polar as well as a conjugate is finite everywhere, and its conjugate
    where the polar is at most 1.
    """

    strengths = ()
    is_zero = False


class Moved(Known):
    """Base class of penalties that have another one within.

    Parameters
    ----------
    penalty : Penalty
        The other one.
    """

    penalty: Penalty

    @property
    def convex(self):
        return self.penalty.convex

    @property
    def task_metric(self):
        return self.penalty.task_metric

    def only_signs(self, n_features, n_tasks):
        return self.penalty.only_signs(n_features, n_tasks)

    def _inner_polar(self, G):
        return self.penalty.polar(G) if hasattr(self.penalty, "polar") else 0.0

    def _inner_conjugate(self, G):
        finite = hasattr(self.penalty, "conjugate")
        return self.penalty.conjugate(G) if finite else 0.0


class Prior(Known):
    r"""The quadratic ½ sum(precision v²) at w = mean + basis v, else infinite.

    The prox moves v towards zero, by 1 / (1 + step * precision), and drops what is
    outside the span. The conjugate is :math:`g^\top m + \tfrac12 \sum_i (b_i^\top g)^2
    / p_i`.

    Parameters
    ----------
    mean : ndarray of shape (n_features,)
        Coefficients that cost nothing.
    basis : ndarray of shape (n_features, k) or None
        Orthonormal directions in which a task may differ from them; None is all.
    precision : ndarray of shape (k,)
        What it costs.
    least : float, default=0.0
        What the mean costs, where several priors are compared.

    Examples
    --------
    >>> import numpy as np
    >>> from pymtl.penalties import Prior
    >>> prior = Prior(np.array([1.0, 0.0]), np.eye(2)[:, :1], np.array([4.0]))
    >>> prior.value(np.array([[2.0], [0.0]])), prior.value(np.array([[2.0], [1.0]]))
    (2.0, inf)
    """

    def __init__(
        self,
        mean: np.ndarray,
        basis: np.ndarray | None,
        precision: np.ndarray,
        least: float = 0.0,
    ):
        self.mean = mean
        self.basis = basis
        self.precision = precision
        self.least = least

    @property
    def certified(self):
        zero = np.zeros((len(self.mean), 1))
        return bool(np.all(self.precision > 0) and np.isfinite(self.value(zero)))

    def value(self, W):
        D = W - self.mean[:, None]
        v = self._coordinates(D)
        outside = np.linalg.norm(D - self._span(v))
        if outside > OUTSIDE * max(np.linalg.norm(W), np.linalg.norm(self.mean)):
            return np.inf
        return 0.5 * float(np.sum(self.precision[:, None] * v**2))

    def prox(self, V, step):
        v = self._coordinates(V - self.mean[:, None])
        moved = v / (1 + step * self.precision[:, None])
        return self.mean[:, None] + self._span(moved)

    def conjugate(self, G: np.ndarray) -> float:
        """Return the conjugate.

        Parameters
        ----------
        G : ndarray of shape (n_features, n_tasks)
            Dual point.

        Returns
        -------
        value : float
            Finite where no precision is zero.
        """
        v = self._coordinates(G)
        square = float(np.sum(v**2 / self.precision[:, None]))
        return float(np.sum(G * self.mean[:, None])) + 0.5 * square

    def near(self, mean: np.ndarray, precision: np.ndarray) -> Prior:
        """Return the sum with another quadratic, ½ sum(precision (w - mean)²).

        Parameters
        ----------
        mean : ndarray of shape (n_features,)
            Where the other is zero.
        precision : ndarray of shape (n_features,)
            Its weights.

        Returns
        -------
        prior : Prior
            The sum.
        """
        basis = self.basis
        pull = self._coordinates(precision * (mean - self.mean))
        if basis is None:
            total = self.precision + precision
        elif np.ptp(precision) == 0:
            total = self.precision + precision[0]
        else:  # other directions
            own = basis.T @ (precision[:, None] * basis)
            total, R = np.linalg.eigh(np.diag(self.precision) + own)
            total, basis, pull = np.maximum(total, 0.0), basis @ R, R.T @ pull
        # where both are flat the pull is zero
        v = np.divide(pull, total, out=np.zeros_like(pull), where=total > 0)
        centre = self.mean + (v if basis is None else basis @ v)
        other = 0.5 * float(np.sum(precision * (centre - mean) ** 2))
        least = self.least + self.value(centre[:, None]) + other
        return Prior(centre, basis, total, least)

    def _coordinates(self, W):
        return W if self.basis is None else self.basis.T @ W

    def _span(self, v):
        return v if self.basis is None else self.basis @ v


class Near(Moved):
    """A penalty and the quadratic ½ sum(precision (w - mean)²).

    Its prox is that of the penalty, at a point that is nearer to the mean and with a
    step that is shorter. The conjugate is attained at such a point, too.

    Parameters
    ----------
    penalty : Penalty
        A sum over the coefficients, or one whose prox takes a step for each.
    mean : ndarray of shape (n_features,)
        Where the quadratic is zero.
    precision : ndarray of shape (n_features,)
        Its weights, positive; infinite where w is the mean.
    """

    def __init__(self, penalty: Penalty, mean: np.ndarray, precision: np.ndarray):
        self.penalty = penalty
        self.mean = mean
        self.precision = precision

    @property
    def certified(self):
        return bool(np.isfinite(self.value(np.zeros((len(self.mean), 1)))))

    def only_signs(self, n_features, n_tasks):
        return np.zeros((n_features, n_tasks), bool)

    def value(self, W):
        D = W - self.mean[:, None]
        fixed = np.isinf(self.precision)
        if D[fixed].any():
            return np.inf
        square = np.where(fixed, 0.0, self.precision)[:, None] * D**2
        return self.penalty.value(W) + 0.5 * float(np.sum(square))

    def prox(self, V, step):
        share = 1 / (1 + step * self.precision[:, None])
        V = self.mean[:, None] + share * (V - self.mean[:, None])
        return self._prox(V, step * share)

    def conjugate(self, G: np.ndarray) -> float:
        """Return the conjugate.

        Parameters
        ----------
        G : ndarray of shape (n_features, n_tasks)
            Dual point.

        Returns
        -------
        value : float
            Finite everywhere.
        """
        step = 1 / self.precision[:, None]
        W = self._prox(self.mean[:, None] + step * G, step)
        return float(np.sum(W * G)) - self.value(W)

    def _prox(self, V, step):
        step = np.broadcast_to(step, V.shape)
        return self.penalty.prox(V, step if self.task_metric else float(step[0, 0]))


class About(Moved):
    """A penalty of what coefficients differ from a known point.

    Parameters
    ----------
    penalty : Penalty
        The penalty.
    point : ndarray of shape (n_features,)
        The point.
    """

    def __init__(self, penalty: Penalty, point: np.ndarray):
        self.penalty = penalty
        self.point = point

    @property
    def certified(self):
        return self.penalty.certified

    def value(self, W):
        return self.penalty.value(W - self.point[:, None])

    def prox(self, V, step):
        point = self.point[:, None]
        return point + self.penalty.prox(V - point, step)

    def polar(self, G):
        return self._inner_polar(G)

    def conjugate(self, G):
        return self._inner_conjugate(G) + float(np.sum(G * self.point[:, None]))


class Deviations(Known):
    r"""Weighted distances of each coefficient to known numbers.

    .. math:: \Omega(w) = \sum_j \sum_k a_{kj} |w_j - b_{kj}|

    The prox is a median: of the numbers, and of the points to which each of the slopes
    between them leads.

    Parameters
    ----------
    points : ndarray of shape (n_points, n_features)
        The numbers b.
    weights : ndarray of shape (n_points, n_features)
        Their weights a.
    positive : bool, default=False
        Whether to forbid negative coefficients.

    References
    ----------
    Y. Li and S. Osher (2009). A new median formula with applications to PDE based
    denoising. Communications in Mathematical Sciences.
    """

    task_metric = True

    def __init__(self, points: np.ndarray, weights: np.ndarray, positive: bool = False):
        self.points = points
        self.weights = weights
        self.positive = positive

    def value(self, W):
        if self.positive and W.min(initial=0.0) < 0:
            return np.inf
        apart = np.abs(W[None] - self.points[:, :, None])
        return float(np.sum(self.weights[:, :, None] * apart))

    def prox(self, V, step):
        order = np.argsort(self.points, axis=0)
        b = np.take_along_axis(self.points, order, axis=0)[:, :, None]
        a = np.take_along_axis(self.weights, order, axis=0)[:, :, None]
        rise = np.concatenate([np.zeros_like(a[:1]), np.cumsum(2 * a, axis=0)])
        slopes = rise - a.sum(axis=0)
        level = np.broadcast_to(b, (len(b), *V.shape))
        w = np.median(np.concatenate([level, V - step * slopes]), axis=0)
        return np.maximum(w, 0.0) if self.positive else w

    def polar(self, G):
        G = np.maximum(G, 0.0) if self.positive else np.abs(G)
        total = self.weights.sum(axis=0)[:, None]
        bound = np.full(G.shape, np.inf)
        np.divide(G, total, out=bound, where=total > 0)
        return float(bound[G > 0].max(initial=0.0))

    def conjugate(self, G):
        # the largest of g w - value(w) is at one of the numbers, or at zero
        least = 0.0 if self.positive else -np.inf
        points = np.maximum(np.vstack([self.points, 0 * self.points[:1]]), least)
        apart = np.abs(points[:, None] - self.points[None])
        value = np.sum(self.weights[None] * apart, axis=1)
        return float(np.sum(np.max(points[:, :, None] * G - value[:, :, None], axis=0)))


class Distances(Known):
    r"""Weighted distances to known points: :math:`\sum_k a_k \|w - b_k\|_2`.

    The prox is the nearest of the points if it balances the pulls of all; else the sum
    is smooth wherever it is less than there, and Newton's method finds the minimum.

    Parameters
    ----------
    points : ndarray of shape (n_features, n_points)
        The points b, one column each.
    weights : ndarray of shape (n_points,)
        Their weights a.
    """

    by_task = True
    task_metric = True

    def __init__(self, points: np.ndarray, weights: np.ndarray):
        self.points = points
        self.weights = weights

    def value(self, W):
        apart = np.linalg.norm(W[:, :, None] - self.points[:, None], axis=0)
        return float(np.sum(apart @ self.weights))

    def prox(self, V, step):
        step = np.broadcast_to(step, V.shape)
        columns = zip(V.T, step.T, strict=True)
        return np.stack([self._prox(v, s) for v, s in columns], axis=1)

    def _prox(self, x, step):
        points, weights = _distinct(self.points, self.weights)
        if np.ptp(step) == 0 and len(x) > points.shape[1] + 1:  # stay in the span
            Q, R = np.linalg.qr(np.column_stack([points, x]))
            return Q @ _nearest(R[:, :-1], weights, R[:, -1], step[: len(R)])
        return _nearest(points, weights, x, step)


class Beside(Moved):
    """A penalty of the coefficients, and a quadratic of the intercepts below them.

    Parameters
    ----------
    penalty : Penalty
        Penalty of all rows but the last, of each of the blocks.
    centre : ndarray of shape (n_blocks, n_columns)
        Where the quadratic of the last rows is zero.
    precision : float
        Twice its strength; infinite where the intercepts are known.
    """

    def __init__(self, penalty: Penalty, centre: np.ndarray, precision: float):
        self.penalty = penalty
        self.centre = centre
        self.precision = precision

    @property
    def certified(self):
        return self.penalty.certified and (
            np.isfinite(self.precision) or not self.centre.any()
        )

    def only_signs(self, n_features, n_tasks):
        alone = np.zeros((len(self.centre), n_features // len(self.centre), n_tasks))
        rows = self.penalty.only_signs(n_features - len(self.centre), n_tasks)
        alone[:, :-1] = rows.reshape(len(self.centre), -1, n_tasks)
        return alone.reshape(n_features, n_tasks) > 0

    def _split(self, W):
        """Return the rows of the penalty, and the last rows."""
        blocks = W.reshape(len(self.centre), -1, W.shape[1])
        return blocks[:, :-1].reshape(-1, W.shape[1]), blocks[:, -1]

    def value(self, W):
        rows, last = self._split(W)
        apart = float(np.sum((last - self.centre) ** 2))
        cost = 0.5 * self.precision * apart if apart else 0.0
        return self.penalty.value(rows) + cost

    def prox(self, V, step):
        rows, last = self._split(V)
        if np.ndim(step):
            step, own = self._split(np.broadcast_to(step, V.shape))
        else:
            own = step
        share = 1 / (1 + own * self.precision)
        last = self.centre + share * (last - self.centre)
        rows = self.penalty.prox(rows, step).reshape(len(self.centre), -1, V.shape[1])
        return np.concatenate([rows, last[:, None]], axis=1).reshape(V.shape)

    def polar(self, G):
        return self._inner_polar(self._split(G)[0])

    def conjugate(self, G):
        rows, last = self._split(G)
        own = float(np.sum(last * self.centre + last**2 / (2 * self.precision)))
        return self._inner_conjugate(rows) + own


def joined(prior: Prior, term: Penalty | None) -> Penalty:
    """Return a quadratic of the coefficients and another penalty as one."""
    if term is None:
        return prior
    if isinstance(term, Prior):
        return term.near(prior.mean, prior.precision)
    if not prior.precision.any():
        return term
    if not hasattr(term, "terms"):
        return Near(term, prior.mean, prior.precision)
    if prior.mean.any() or np.ptp(prior.precision):
        msg = (
            "fit_new_task takes no quadratic but a plain ridge beside a structure of "
            "two parts: leave out the other, and feature_weight beside the ridge."
        )
        raise ValueError(msg)
    return term + Ridge(prior.precision[0] / 2)


def touching(norms: np.ndarray, strength: float) -> np.ndarray:
    """Return p of the quadratics that touch strength * norm, p w² / 2, at these norms.

    As ``norm <= w'w / (2 e) + e / 2``, with equality at ``e = norm``; where the norm is
    zero p is infinite.
    """
    if strength == 0:
        return np.zeros(len(norms))
    none = np.full(len(norms), np.inf)
    return np.divide(strength, norms, out=none, where=norms > 0)


def on_rows(precision: np.ndarray, term: Penalty | None = None) -> Penalty:
    """Return ½ sum(precision w²), infinite precisions allowed, and a term beside it."""
    zero = np.zeros(len(precision))
    if term is not None:
        return Near(term, zero, precision) if precision.any() else term
    used = np.flatnonzero(np.isfinite(precision))
    basis = np.zeros((len(zero), len(used)))
    basis[used, np.arange(len(used))] = 1.0
    return Prior(zero, basis, precision[used])


def around(W: np.ndarray, weight: np.ndarray) -> Prior:
    """Return ½ sum(weight_t ||w - w_t||²), up to a constant, as a prior."""
    total = float(np.sum(weight))
    mean = W @ weight / total if total > 0 else np.zeros(len(W))
    return Prior(mean, None, np.full(len(W), total))


def _distinct(points, weights):
    """Return the points that differ by more than rounding, their weights added up."""
    size = np.abs(points).max(initial=0.0) or 1.0
    keys = np.round(points / (SAME * size))
    _, first, group = np.unique(keys, axis=1, return_index=True, return_inverse=True)
    return points[:, first], np.bincount(group.ravel(), weights)


def _nearest(points, weights, x, step):
    """Return the minimiser of ½ sum((v - x)² / step) + sum(weights ||v - points||)."""

    def value(v):
        apart = np.linalg.norm(v[:, None] - points, axis=0)
        return 0.5 * float(np.sum((v - x) ** 2 / step)) + float(weights @ apart)

    starts = [*points.T, x]
    values = [value(v) for v in starts]
    k = int(np.argmin(values))
    v, least = starts[k], values[k]
    if k < points.shape[1]:
        others = np.arange(points.shape[1]) != k
        D = points[:, others] - v[:, None]
        apart = np.linalg.norm(D, axis=0)
        pull = (x - v) / step + D @ (weights[others] / apart)
        size = np.linalg.norm(pull)
        if size <= weights[k]:
            return v
        length = min(step.min(), apart.min(initial=np.inf) / size)
        slope = SLOPE * length * size * (size - weights[k])
        v, least = _descend(value, v, least, length * pull, slope)
        if least == values[k]:  # but for rounding it holds
            return v
    for _ in range(STEPS):
        D = v[:, None] - points
        apart = np.linalg.norm(D, axis=0)
        U, curved = D / apart, weights / apart
        gradient = (v - x) / step + U @ weights
        hessian = np.diag(1 / step + curved.sum()) - (U * curved) @ U.T
        move = -np.linalg.solve(hessian, gradient)
        decrement = -float(gradient @ move)
        if decrement <= SMALL_STEP * least:
            return v + move
        last = least
        v, least = _descend(value, v, least, move, SLOPE * decrement)
        if least == last:
            break
    return v


def _descend(value, v, least, move, slope):
    """Return a point along a move, halved until it is lower, and its value."""
    length = 1.0
    while length > SMALL_STEP:
        found = value(v + length * move)
        if found < least - length * slope:
            return v + length * move, found
        length /= 2
    return v, least
