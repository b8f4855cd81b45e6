"""Joint feature selection that keeps correlated features together."""

from __future__ import annotations

import math
from collections.abc import Iterator
from numbers import Integral

import numpy as np

from ._base import Penalty
from ._prior import on_rows, touching


class KSupport(Penalty):
    r"""The k-support norm of the row norms: features chosen jointly, k as one.

    .. math:: \Omega(W) = \lambda_1 \|n\|_k^{sp}, \qquad n_j = \|w_{j\cdot}\|_2,

    where the unit ball of the k-support norm is the convex hull of the vectors with at
    most k non-zeros and Euclidean norm at most 1. It is the tightest convex norm of
    "at most k features, and not large", tighter than the elastic net: the k largest
    rows are shrunk alike, as by a ridge, so that correlated features come in together.
    With k = 1 it is :class:`L21`, with k the number of features the Frobenius norm.

    Let n be in descending order, :math:`n_0 = \infty`, and q the first of 0, ..., k - 1
    with :math:`n_{k-q-1} > m_q = \frac{1}{q+1} \sum_{i \ge k-q} n_i`. Then

    .. math:: \big(\|n\|_k^{sp}\big)^2 = \sum_{i < k-q} n_i^2 + (q + 1)\, m_q^2 .

    The polar is the Euclidean norm of the k largest rows over the strength.

    The prox keeps the directions of the rows and takes g from their norms, the point
    next to n whose polar is at most the step. The largest norms are divided by one
    number, those in the middle are cut at one level, the smallest belong to g as they
    are: :math:`g_i = \min(n_i, \max(n_i / (1 + s), \beta))`. For each s there is one
    :math:`\beta` with :math:`\sum_i \min((n_i / \beta - 1)_+, s) = k s`, and Newton's
    method finds the s for which the polar of g is the step.

    Parameters
    ----------
    lambda1 : float or "auto", default="auto"
        Strength; "auto" is a tenth of `lambda_max`.
    k : int, default=2
        Number of features, at least 1; more than there are is all of them.

    References
    ----------
    A. Argyriou, R. Foygel and N. Srebro (2012). Sparse prediction with the k-support
    norm. NIPS.

    Examples
    --------
    >>> import numpy as np
    >>> from pymtl.penalties import KSupport
    >>> V = np.array([[6.0, 8.0], [0.0, 5.0], [3.0, 4.0], [0.6, 0.8]])
    >>> KSupport(1.0, k=1).polar(V)
    10.0
    >>> np.linalg.norm(KSupport(5.0, k=2).prox(V, 1.0), axis=1).round(3)
    array([5.924, 2.104, 2.104, 0.   ])
    """

    def __init__(self, lambda1: float | str = "auto", k: int = 2):
        self.lambda1 = lambda1
        self.k = k

    def value(self, W):
        return self.lambda1 * self._norm(np.linalg.norm(W, axis=1))[0]

    def _norm(self, norms):
        """Return the k-support norm of the row norms, and m_q."""
        k = self._at_most(len(norms))
        norms = np.sort(norms)[::-1]
        above = norms[: k - 1][::-1]
        rest = norms[k - 1 :].sum() + np.append(0.0, np.cumsum(above))
        means = rest / np.arange(1, k + 1)
        q = int(np.argmax(np.append(above, np.inf) > means))
        square = np.sum(above[q:] ** 2) + (q + 1) * means[q] ** 2
        return math.sqrt(square), float(means[q])

    def prox(self, V, step):
        norms = np.linalg.norm(V, axis=1)
        s, level = _project(norms, step * self.lambda1, self._at_most(len(V)))
        kept = norms - np.minimum(norms, np.maximum(norms / (1 + s), level))
        ratio = np.divide(kept, norms, out=np.zeros_like(norms), where=norms > 0)
        return V * ratio[:, None]

    def polar(self, G: np.ndarray) -> float:
        """Return the polar gauge, the norm of the k largest rows over the strength.

        Parameters
        ----------
        G : ndarray of shape (n_features, n_tasks)
            Dual point.

        Returns
        -------
        gauge : float
            At most 1 where G is in the dual ball.
        """
        norms = np.sort(np.linalg.norm(G, axis=1))[-self._at_most(len(G)) :]
        return float(np.linalg.norm(norms)) / self.lambda1

    def new_task(self, W, place):
        # the norm's derivative over n_j is max(n_j, m_q) / norm
        norms = np.linalg.norm(W, axis=1)
        norm, level = self._norm(norms)
        share = np.divide(norms, level, out=np.ones_like(norms), where=level > 0)
        return on_rows(touching(norm * np.minimum(share, 1.0), self.lambda1))

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
            From the sum of the row norms to the Frobenius norm.
        """
        for k in sorted({1, 2, (n_features + 1) // 2, n_features}):
            yield cls(0.7, k)

    def _at_most(self, n_features):
        if not isinstance(self.k, Integral) or self.k < 1:
            msg = f"k of KSupport is a whole number of at least 1, got {self.k!r}."
            raise ValueError(msg)
        return min(int(self.k), n_features)


def _project(norms, radius, k):
    """Return (s, level) of the point next to norms whose k largest have this norm."""
    a = np.sort(norms.astype(float))[::-1]
    top = float(np.linalg.norm(a[:k]))
    if top <= radius:
        return 0.0, 0.0
    if radius == 0:
        return np.inf, 0.0
    s = top / radius - 1
    if k == len(a) or a[k] * (1 + s) <= a[k - 1]:
        return s, float(a[k]) if k < len(a) else 0.0
    squares = np.append(0.0, np.cumsum(a[:k] ** 2)).tolist()
    left = np.append(np.cumsum(a[:k][::-1])[::-1], 0.0).tolist()
    right = np.append(np.zeros(k + 1), np.cumsum(a[k:])).tolist()
    a = a.tolist()
    s, h, q = a[k - 1] / a[k] - 1, k - 1, k + 1  # divided: a[:h], level: a[h:q]
    for _ in range(100):
        while True:
            total = left[h] + right[q]
            level = total / (q - h + (k - h) * s)
            if q < len(a) and a[q] > level:
                q += 1
            elif h > 0 and a[h - 1] < (1 + s) * level:
                h -= 1
            else:
                break
        square = squares[h] / (1 + s) ** 2 + (k - h) * level**2
        slope = squares[h] / (1 + s) ** 3 + (k - h) ** 2 * level**3 / total
        excess = math.sqrt(square) / radius - 1
        if excess <= 1e-15:
            break
        s += excess * square / slope
    return s, level
