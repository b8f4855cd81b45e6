"""Joint feature selection with strengths that fall with the rank of a feature."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from numbers import Real

import numpy as np
from scipy.special import gammainccinv

from .._kernels import shrink_sorted
from ._base import Penalty
from ._prior import on_rows, touching
from .l21 import row_lengths

ALIKE = 1e-9  # of the largest norm, within which two norms are one


class OrderedRows(Penalty):
    r"""The sorted norm (SLOPE) of the row norms: large rows pay more than small ones.

    .. math:: \Omega(W) = \lambda_1 \sum_k a_k \|w\|_{(k)}, \qquad
              \|w\|_{(1)} \ge \|w\|_{(2)} \ge \dots, \qquad a_1 \ge a_2 \ge \dots \ge 0,

    where :math:`\|w\|_{(k)}` is the k-th largest of the row norms :math:`\|w_{j
    \cdot}\|_2`. With equal weights it is :class:`L21`. Falling ones are like a test
    that asks less of the k-th feature than of the first, so that more features come in
    where many matter, at the same rate of false ones; and rows of about the same norm
    get the same norm, so that correlated features stay together.

    ``weights="bh"`` has the quantiles of Benjamini and Hochberg's procedure for the
    norms of T columns of noise, :math:`a_k = c\, F^{-1}(1 - q k / d)` with the
    distribution function F of :math:`\chi_T`; ``"oscar"`` falls along a line from 1 to
    1/2, :math:`a_k = 1 - (k - 1) / (2 d)`. Both begin with :math:`a_1 = 1`.

    The prox keeps the directions of the rows, takes the thresholds from the sorted
    norms, and averages neighbours that are out of order. The polar is :math:`\max_k
    \sum_{i \le k} \|g\|_{(i)} / (\lambda_1 \sum_{i \le k} a_i)`.

    Parameters
    ----------
    lambda1 : float or "auto", default="auto"
        Strength of the largest row; "auto" is a tenth of `lambda_max`.
    weights : {"bh", "oscar"} or array-like, default="bh"
        How the strengths fall. An array has the weights themselves, for the d features
        and maybe more, at least zero and not increasing.
    q : float, default=0.1
        Level of "bh", between 0 and 1: the share of false features that is aimed at.
        The smaller, the more the weights are alike.

    References
    ----------
    M. Bogdan, E. van den Berg, C. Sabatti, W. Su and E. J. Candes (2015). SLOPE -
    adaptive variable selection via convex optimization. Annals of Applied Statistics.

    D. Brzyski, A. Gossmann, W. Su and M. Bogdan (2019). Group SLOPE - adaptive
    selection of groups of predictors. Journal of the American Statistical Association.

    H. D. Bondell and B. J. Reich (2008). Simultaneous regression shrinkage, variable
    selection, and supervised clustering of predictors with OSCAR. Biometrics.

    Examples
    --------
    >>> import numpy as np
    >>> from pymtl.penalties import OrderedRows
    >>> V = np.array([[6.0, 8.0], [5.0, 0.0], [3.0, 4.0], [0.6, 0.8]])
    >>> penalty = OrderedRows(1.0, weights=[4, 3, 2, 1])
    >>> penalty.value(V)
    66.0
    >>> np.linalg.norm(penalty.prox(V, 1.0), axis=1)
    array([6. , 2.5, 2.5, 0. ])
    """

    def __init__(
        self,
        lambda1: float | str = "auto",
        weights: str | Sequence[float] = "bh",
        q: float = 0.1,
    ):
        self.lambda1 = lambda1
        self.weights = weights
        self.q = q

    def value(self, W):
        norms = np.sort(row_lengths(W))[::-1]
        return self.lambda1 * float(np.dot(self.falling(W.shape), norms))

    def prox(self, V, step):
        norms = row_lengths(V)
        order = np.argsort(-norms, kind="stable")
        kept = norms[order] - step * self.lambda1 * self.falling(V.shape)
        shrink_sorted(kept)
        ratio = np.zeros_like(norms)
        ratio[order] = kept
        np.divide(ratio, norms, out=ratio, where=norms > 0)
        return V * ratio[:, None]

    def polar(self, G: np.ndarray) -> float:
        """Return the polar gauge, the largest ratio of the sums of the k first.

        Parameters
        ----------
        G : ndarray of shape (n_features, n_tasks)
            Dual point.

        Returns
        -------
        gauge : float
            At most 1 where G is in the dual ball.
        """
        norms = np.sort(row_lengths(G))[::-1]
        ratios = np.cumsum(norms) / np.cumsum(self.falling(G.shape))
        return float(ratios.max(initial=0.0)) / self.lambda1

    def new_task(self, W, place):
        # rows of one norm share their weights: which has which W does not say
        norms = row_lengths(W)
        order = np.argsort(-norms, kind="stable")
        steps = -np.diff(norms[order])
        group = np.append(0, np.cumsum(steps > ALIKE * norms.max(initial=0.0)))
        weights = self.falling(W.shape)
        means = np.bincount(group, weights) / np.bincount(group)
        share = np.empty(len(norms))
        share[order] = means[group]
        share[norms == 0] = 1.0
        size = np.divide(norms, share, out=np.full(len(norms), np.inf), where=share > 0)
        return on_rows(touching(size, self.lambda1))

    def falling(self, shape: tuple[int, int]) -> np.ndarray:
        """Return the weights of the sorted rows.

        Parameters
        ----------
        shape : tuple of int
            Shape (n_features, n_tasks) of W.

        Returns
        -------
        weights : ndarray of shape (n_features,)
            Not increasing, read only.

        Raises
        ------
        ValueError
            If `weights` or `q` are not what they have to be.
        """
        d, n_tasks = shape
        if not isinstance(self.weights, str):
            return _given(self.weights, d)
        if self.weights == "oscar":
            return 1.0 - np.arange(d) / (2 * d)
        if self.weights != "bh":
            msg = (
                f"weights of OrderedRows are 'bh', 'oscar' or an array, got "
                f"{self.weights!r}."
            )
            raise ValueError(msg)
        if not isinstance(self.q, Real) or not 0 < self.q < 1:
            msg = f"q of OrderedRows is a number between 0 and 1, got {self.q!r}."
            raise ValueError(msg)
        return _quantiles(d, n_tasks, float(self.q))

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
            Each kind of weights, among them those of the largest row norm alone.
        """
        yield cls(0.7)
        yield cls(0.7, "oscar")
        yield cls(0.7, np.eye(1, n_features)[0].tolist())


@lru_cache(maxsize=16)
def _quantiles(d, n_tasks, q):
    """Return the quantiles of the length of n_tasks normal numbers, the first as 1."""
    tails = q * np.arange(1, d + 1) / d
    weights = np.sqrt(gammainccinv(0.5 * n_tasks, tails))
    weights /= weights[0]
    weights.flags.writeable = False
    return weights


def _given(weights, d):
    """Return the first d of the weights that were given."""
    weights = np.asarray(weights, dtype=float)
    good = weights.ndim == 1 and len(weights) >= d and np.isfinite(weights).all()
    if not good or weights[-1] < 0 or weights[0] <= 0 or np.any(np.diff(weights) > 0):
        msg = (
            f"weights of OrderedRows have shape {weights.shape} for {d} features: give "
            "a number for each feature, finite, at least 0, none larger than the one "
            "before, the first above 0; or 'bh' or 'oscar'."
        )
        raise ValueError(msg)
    return weights[:d]
