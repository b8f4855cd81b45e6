"""Sparse features whose effect is constant for some time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from .._kernels import fused_gauge, smooth_paths
from ._base import Penalty
from ._order import new_steps, steps
from ._prior import Deviations, on_rows, touching
from .chain import align_times, irregular_times
from .l1 import L1
from .l21 import L21

ROUNDING = 1e-8


class FusedSparseGroup(Penalty):
    r"""Fused sparse group lasso: sparse coefficients that change rarely in time.

    .. math:: \Omega(W) = \lambda_1 \|W\|_1 + \lambda_2 \sum_{t=1}^{T-1}
              \frac{\|w_t - w_{t+1}\|_1}{\tau_{t+1} - \tau_t}
              + \lambda_3 \sum_j \|w_{j\cdot}\|_2

    Tasks follow each other in the order of their times :math:`\tau_t`; without times
    in their own order, one unit of time apart.

    The prox of a row is that of the steps (a taut string through the row), followed by
    the one of the entries and the one of the row,

    .. math:: \operatorname{prox} = \operatorname{prox}_{\lambda_3 \|\cdot\|_2} \circ
              \operatorname{prox}_{\lambda_1 \|\cdot\|_1} \circ
              \operatorname{prox}_{\lambda_2 \mathrm{TV}}.

    The polar of a row g is the c at which the first two, with the strengths
    :math:`c \lambda_2` and :math:`c \lambda_1`, leave of g the norm :math:`c
    \lambda_3`. With :math:`\lambda_1 = \lambda_3 = 0` rows may be constant at no cost.

    Parameters
    ----------
    lambda1 : float or "auto", default="auto"
        Strength of the entries.
    lambda2 : float or "auto", default="auto"
        Strength of the steps.
    lambda3 : float or "auto", default="auto"
        Strength of the row norms. Strengths that are "auto" equal the first that is
        not, or are a tenth of `lambda_max`; lambda2 times the mean time between tasks.
    times : array-like of shape (n_tasks,), dict or None, default=None
        The times :math:`\tau_t`, in the order of the tasks or by task label.

    References
    ----------
    J. Zhou, J. Liu, V. A. Narayan and J. Ye (2012). Modeling disease progression via
    fused sparse group lasso. KDD.

    N. A. Johnson (2013). A dynamic programming algorithm for the fused lasso and
    L0-segmentation. Journal of Computational and Graphical Statistics.

    Examples
    --------
    >>> import numpy as np
    >>> from pymtl.penalties import FusedSparseGroup
    >>> row = np.array([[3.0, 3.5, 2.5, 0.1]])
    >>> FusedSparseGroup(0.5, 0.6, 0.0).prox(row, 1.0)
    array([[2.45, 2.45, 2.  , 0.2 ]])
    """

    by_task = True

    strengths = ("lambda1", "lambda2", "lambda3")
    separable = "row"
    placed_by = "time"

    def __init__(
        self,
        lambda1: float | str = "auto",
        lambda2: float | str = "auto",
        lambda3: float | str = "auto",
        times: Any = None,
    ):
        self.lambda1 = lambda1
        self.lambda2 = lambda2
        self.lambda3 = lambda3
        self.times = times

    def align(self, tasks, ordered=True):
        return align_times(self, tasks, ordered)

    def unit(self, n_features, n_tasks):
        _, gaps = steps(self.times, n_tasks)
        mean = float(gaps.mean()) if len(gaps) else 1.0
        return {"lambda1": 1.0, "lambda2": mean, "lambda3": 1.0}

    def null_space(self, n_tasks):
        if self.lambda1 == 0 and self.lambda3 == 0:
            return np.full((n_tasks, 1), n_tasks**-0.5)
        return super().null_space(n_tasks)

    def value(self, W):
        order, gaps = steps(self.times, W.shape[1])
        total = self.lambda2 * float(np.sum(np.abs(np.diff(W[:, order])) / gaps))
        return total + L1(self.lambda1).value(W) + L21(self.lambda3).value(W)

    def metric(self, bound):
        rows = bound(True).max(axis=1, keepdims=True)
        common = bound(False)
        if rows.sum() >= common.max() * len(rows):
            return np.array(common.max())
        return np.broadcast_to(rows, common.shape)

    def prox(self, V, step):
        order, gaps = steps(self.times, V.shape[1])
        if np.ndim(step):  # by the metric it is the same for all of a row
            step = step[:, :1]
        scale = np.broadcast_to(self.lambda2 * step, (len(V), 1)).ravel()
        rows = np.ascontiguousarray(V[:, order], dtype=float)
        W = np.empty_like(rows)
        W[:, order] = smooth_paths(rows, 1.0 / gaps, scale)
        return L21(self.lambda3).prox(L1(self.lambda1).prox(W, step), step)

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
        order, gaps = steps(self.times, G.shape[1])
        rows = np.ascontiguousarray(G[:, order], dtype=float)
        entry, row = float(self.lambda1), float(self.lambda3)
        if entry == row == 0:  # what is constant is free
            mean = rows.mean(axis=1, keepdims=True)
            if np.abs(mean).max() > ROUNDING * np.abs(rows).max():
                return np.inf
            rows = rows - mean
        return fused_gauge(rows, self.lambda2 / gaps, entry, row)

    def new_task(self, W, place):
        tasks, gaps = new_steps(self.times, W.shape[1], place.time)
        points = np.vstack([np.zeros(len(W)), W[:, tasks].T])
        strengths = np.append(self.lambda1, self.lambda2 / gaps)[:, None]
        own = Deviations(points, np.broadcast_to(strengths, points.shape))
        return on_rows(touching(np.linalg.norm(W, axis=1), self.lambda3), own)

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
            Regular and irregular times, with numeric strengths.
        """
        yield cls(0.5, 0.7, 0.3)
        yield cls(0.2, 0.4, 0.6, irregular_times(n_tasks))
        yield cls(0.3, 0.5, 0.0)
        yield cls(0.01, 0.9, 0.4)
