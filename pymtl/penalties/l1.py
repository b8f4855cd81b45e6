"""Sparse coefficients."""

import numpy as np

from ._base import Penalty


class L1(Penalty):
    r"""Sum of the absolute values: each task chooses its own features.

    .. math:: \Omega(W) = \lambda_1 \sum_{jt} |w_{jt}|

    The prox moves every entry towards zero by the step times the strength and stops
    there, whatever steps the tasks have. The polar is :math:`\max_{jt} |g_{jt}| /
    \lambda_1`. Nothing is shared between the tasks but the strength.

    Parameters
    ----------
    lambda1 : float or "auto", default="auto"
        Strength; "auto" is a tenth of `lambda_max`.

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

    def __init__(self, lambda1: float | str = "auto"):
        self.lambda1 = lambda1

    @property
    def row_norms(self):
        return self.lambda1, 0.0

    def value(self, W):
        return self.lambda1 * float(np.abs(W).sum())

    def prox(self, V, step):
        threshold = step * self.lambda1
        return V - np.clip(V, -threshold, threshold)

    def polar(self, G: np.ndarray) -> float:
        """Return the polar gauge, the largest absolute value over the strength.

        Parameters
        ----------
        G : ndarray of shape (n_features, n_tasks)
            Dual point.

        Returns
        -------
        gauge : float
            At most 1 where G is in the dual ball.
        """
        return float(np.abs(G).max(initial=0.0)) / self.lambda1
