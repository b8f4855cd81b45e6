"""Sparse coefficients."""

import numpy as np

from ._sign import Signed


class L1(Signed):
    r"""Sum of the absolute values: each task chooses its own features.

    .. math:: \Omega(W) = \lambda_1 \sum_{jt} |w_{jt}|

    The prox moves every entry towards zero by the step times the strength and stops
    there, whatever steps the tasks have. The polar is :math:`\max_{jt} |g_{jt}| /
    \lambda_1`. Nothing is shared between the tasks but the strength.

    Parameters
    ----------
    lambda1 : float or "auto", default="auto"
        Strength; "auto" is a tenth of `lambda_max`.
    positive : bool, default=False
        Whether to forbid negative coefficients.

    References
    ----------
    R. Tibshirani (1996). Regression shrinkage and selection via the lasso. Journal of
    the Royal Statistical Society B.

    Examples
    --------
    >>> import numpy as np
    >>> from pymtl.penalties import L1
    >>> L1(1.0).prox(np.array([[3.0, -2.0], [0.5, -0.5]]), 1.0)
    array([[ 2., -1.],
           [ 0.,  0.]])
    """

    task_metric = True
    separable = "entry"
    sharing = False

    def __init__(self, lambda1: float | str = "auto", positive: bool = False):
        self.lambda1 = lambda1
        self.positive = positive

    @property
    def row_norms(self):
        return None if self.is_sign else (self.lambda1, 0.0)

    def value(self, W):
        return self._size(W, self.lambda1 * float(np.abs(W).sum()))

    def prox(self, V, step):
        V, threshold = self._allowed(V), step * self.lambda1
        return V - np.clip(V, -threshold, threshold)

    def _gauge(self, G: np.ndarray) -> float:
        """Return the largest absolute value over the strength."""
        return float(np.abs(G).max(initial=0.0)) / self.lambda1
