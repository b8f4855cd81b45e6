"""Joint feature selection, tasks bounded alike."""

import numpy as np

from .._kernels import clip_rows
from ._prior import Deviations
from ._sign import Signed


class LInf(Signed):
    r"""Sum of the largest entries of the rows: features chosen jointly, of like size.

    .. math:: \Omega(W) = \lambda_1 \sum_j \max_t |w_{jt}|

    Once a task uses a feature, the others may use it up to the same size for free, so
    that the coefficients of a chosen feature tend to be equal in absolute value.

    The prox clips each row to :math:`[-\tau_j, \tau_j]` with
    :math:`\sum_t (|v_{jt}| - \tau_j)_+ / \text{step}_t = \lambda_1`, and to zero where
    even :math:`\tau_j = 0` leaves less. The polar is
    :math:`\max_j \|g_{j\cdot}\|_1 / \lambda_1`.

    Parameters
    ----------
    lambda1 : float or "auto", default="auto"
        Strength; "auto" is a tenth of `lambda_max`.
    positive : bool, default=False
        Whether to forbid negative coefficients.

    References
    ----------
    B. A. Turlach, W. N. Venables and S. J. Wright (2005). Simultaneous variable
    selection. Technometrics.

    A. Quattoni, X. Carreras, M. Collins and T. Darrell (2009). An efficient projection
    for l1,infinity regularization. ICML.

    Examples
    --------
    >>> import numpy as np
    >>> from pymtl.penalties import LInf
    >>> LInf(1.0).prox(np.array([[3.0, 2.5, -1.0], [0.5, 0.0, -0.4]]), 1.0)
    array([[ 2.25,  2.25, -1.  ],
           [ 0.  ,  0.  ,  0.  ]])
    """

    task_metric = True
    separable = "row"

    def __init__(self, lambda1: float | str = "auto", positive: bool = False):
        self.lambda1 = lambda1
        self.positive = positive

    def value(self, W):
        return self._size(W, self.lambda1 * float(np.abs(W).max(axis=1).sum()))

    def prox(self, V, step):
        V = np.ascontiguousarray(self._allowed(V))
        step = np.ascontiguousarray(np.broadcast_to(step, V.shape), dtype=V.dtype)
        return clip_rows(V, step, float(self.lambda1))

    def _gauge(self, G: np.ndarray) -> float:
        """Return the largest row sum over the strength."""
        return float(np.abs(G).sum(axis=1).max(initial=0.0)) / self.lambda1

    def new_task(self, W, place):
        # (|w| - e)_+ = (|w - e| + |w + e|) / 2 - e is what w adds to the largest e
        largest = np.abs(W).max(axis=1)
        points = np.stack([-largest, largest])
        weights = np.full(points.shape, self.lambda1 / 2)
        return Deviations(points, weights, self.positive)
