"""Low rank."""

import numpy as np

from ._spectral import Spectral, reciprocal, squared_singular_values


class TraceNorm(Spectral):
    r"""Sum of the singular values: the tasks lie in a space of few dimensions.

    .. math:: \Omega(W) = \lambda_1 \|W\|_* = \lambda_1 \sum_i \sigma_i(W)

    It is to the rank what the sum of absolute values is to the number of entries that
    are not zero. The prox moves every singular value towards zero by the step times
    the strength and stops there. The polar is :math:`\sigma_1(G) / \lambda_1`.

    Parameters
    ----------
    lambda1 : float or "auto", default="auto"
        Strength; "auto" is a tenth of `lambda_max`.

    References
    ----------
    M. Fazel, H. Hindi and S. P. Boyd (2001). A rank minimization heuristic with
    application to minimum order system approximation. American Control Conference.

    S. Ji and J. Ye (2009). An accelerated gradient method for trace norm minimization.
    ICML.

    Examples
    --------
    >>> import numpy as np
    >>> from pymtl.penalties import TraceNorm
    >>> TraceNorm(1.0).value(np.array([[3.0, 0.0], [0.0, -2.0]]))
    5.0
    """

    def __init__(self, lambda1: float | str = "auto"):
        self.lambda1 = lambda1

    def vector_value(self, s):
        return self.lambda1 * s.sum()

    def slopes(self, s):
        return reciprocal(s, self.lambda1)

    def vector_prox(self, s, step):
        return np.maximum(s - step * self.lambda1, 0.0)

    def polar(self, G: np.ndarray) -> float:
        """Return the polar gauge, the largest singular value over the strength.

        Parameters
        ----------
        G : ndarray of shape (n_features, n_tasks)
            Dual point.

        Returns
        -------
        gauge : float
            At most 1 where G is in the dual ball.
        """
        return float(np.sqrt(squared_singular_values(G)[0])) / self.lambda1
