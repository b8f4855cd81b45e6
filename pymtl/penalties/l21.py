"""Joint feature selection."""

import numpy as np

from .._kernels import shrink_rows
from ._prior import on_rows, touching
from ._sign import Signed
from .l1 import L1


class L21(Signed):
    r"""Sum of the Euclidean norms of the rows: features chosen for all tasks together.

    .. math:: \Omega(W) = \lambda_1 \sum_j \|w_{j\cdot}\|_2

    The prox shrinks each row towards zero, in the metric of the tasks when they have
    steps of their own. The polar is :math:`\max_j \|g_{j\cdot}\|_2 / \lambda_1`.

    Parameters
    ----------
    lambda1 : float or "auto", default="auto"
        Strength; "auto" is a tenth of `lambda_max`.
    positive : bool, default=False
        Whether to forbid negative coefficients.

    References
    ----------
    G. Obozinski, B. Taskar and M. I. Jordan (2010). Joint covariate selection and
    joint subspace selection for multiple classification problems. Statistics and
    Computing.

    Examples
    --------
    >>> import numpy as np
    >>> from pymtl.penalties import L21
    >>> L21(1.0).prox(np.array([[3.0, 4.0], [0.3, 0.4]]), 1.0)
    array([[2.4, 3.2],
           [0. , 0. ]])
    """

    task_metric = True
    separable = "row"

    def __init__(self, lambda1: float | str = "auto", positive: bool = False):
        self.lambda1 = lambda1
        self.positive = positive

    @property
    def row_norms(self):
        return None if self.is_sign else (0.0, self.lambda1)

    def value(self, W):
        return self._size(W, self.lambda1 * float(row_lengths(W).sum()))

    def prox(self, V, step):
        V = np.ascontiguousarray(self._allowed(V))
        if np.ndim(step) == 0:
            norms = row_lengths(V)
            threshold = step * self.lambda1
            shrunk = np.zeros_like(norms)
            np.divide(threshold, norms, out=shrunk, where=norms > threshold)
            return V * np.where(norms > threshold, 1 - shrunk, 0)[:, None]
        step = np.ascontiguousarray(np.broadcast_to(step, V.shape), dtype=V.dtype)
        return shrink_rows(V, step, np.full(V.shape[0], float(self.lambda1)))

    def _gauge(self, G: np.ndarray) -> float:
        """Return the largest row norm over the strength."""
        return float(row_lengths(G).max(initial=0.0)) / self.lambda1

    def new_task(self, W, place):
        norms = row_lengths(np.ascontiguousarray(W))
        sign = L1(0.0, positive=True) if self.positive else None
        return on_rows(touching(norms, self.lambda1), sign)


def row_lengths(W):
    """Return the Euclidean norms of the rows."""
    return np.sqrt(np.einsum("ij,ij->i", W, W))
