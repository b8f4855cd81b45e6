"""Shared features whose effect changes smoothly."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ._base import Penalty, Sum
from .chain import Chain, align_times, irregular_times
from .l21 import L21
from .ridge import Ridge


class TemporalGroup(Sum):
    r"""Temporal group lasso: shared features with coefficients smooth in time.

    .. math:: \Omega(W) = \lambda_1 \|W\|_F^2 + \lambda_2 \sum_{t=1}^{T-1}
              \frac{\|w_t - w_{t+1}\|_2^2}{\tau_{t+1} - \tau_t}
              + \lambda_3 \sum_j \|w_{j\cdot}\|_2

    It is the sum of :class:`Ridge`, :class:`Chain` and :class:`L21`. In the basis of
    the eigenvectors of the chain the prox is the one of the row norms in a metric.

    Parameters
    ----------
    lambda1 : float or "auto", default="auto"
        Strength of the ridge.
    lambda2 : float or "auto", default="auto"
        Strength of the steps.
    lambda3 : float or "auto", default="auto"
        Strength of the row norms. Each "auto" is that of `Ridge`, `Chain`, `L21`.
    times : array-like of shape (n_tasks,), dict or None, default=None
        The times :math:`\tau_t`, in the order of the tasks or by task label. Without
        times the tasks are one unit of time apart.

    References
    ----------
    J. Zhou, L. Yuan, J. Liu and J. Ye (2011). A multi-task learning formulation for
    predicting disease progression. KDD.

    Examples
    --------
    >>> import numpy as np
    >>> from pymtl.penalties import TemporalGroup
    >>> W = np.array([[3.0, 4.0], [0.0, 0.0]])
    >>> TemporalGroup(0.1, 0.5, 1.0).value(W)
    8.0
    """

    by_task = True

    strengths = ("lambda1", "lambda2", "lambda3")

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

    @property
    def left(self) -> Penalty:
        """The quadratic part."""
        return Ridge(self.lambda1) + Chain(self.lambda2, self.times)

    @property
    def right(self) -> Penalty:
        """The row norms."""
        return L21(self.lambda3)

    def align(self, tasks, ordered=True):
        return align_times(self, tasks, ordered)

    def resolve(self, gradient, curvature):
        ridge = Ridge(self.lambda1).resolve(gradient, curvature)
        chain = Chain(self.lambda2, self.times).resolve(gradient, curvature)
        rows = L21(self.lambda3).resolve(gradient, curvature)
        return TemporalGroup(ridge.lambda2, chain.lambda1, rows.lambda1, self.times)

    def lambda_max(self, gradient: np.ndarray) -> float:
        """Return the strength from which on all coefficients are zero.

        Parameters
        ----------
        gradient : ndarray of shape (n_features, n_tasks)
            Negative gradient of the loss at zero.

        Returns
        -------
        lambda_max : float
            The smallest lambda3; or, for a lambda1 that is a number above zero, the
            smallest lambda1 if all strengths move together.
        """
        top = L21(1.0).polar(gradient)
        strengths = (self.lambda1, self.lambda3)
        if any(isinstance(value, str) for value in strengths) or not self.lambda1:
            return top
        return top * self.lambda1 / self.lambda3 if self.lambda3 else np.inf

    def prox(self, V, step):
        matrix = Ridge(self.lambda1).quadratic(V.shape[1])
        matrix = matrix + Chain(self.lambda2, self.times).quadratic(V.shape[1])
        values, vectors = np.linalg.eigh(matrix.toarray())
        shrunk = 1.0 / (1.0 + step * np.maximum(values, 0.0))
        steps = np.broadcast_to(step * shrunk, V.shape)
        return self.right.prox((V @ vectors) * shrunk, steps) @ vectors.T

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
        yield cls(0.2, 0.7, 0.3)
        yield cls(0.0, 0.4, 0.6, irregular_times(n_tasks))
