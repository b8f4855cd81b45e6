"""Common features, learned."""

import numpy as np

from ._squared_trace_norm import SquaredTraceNorm, square_root


class FeatureCovariance(SquaredTraceNorm):
    r"""Convex multi-task feature learning: a covariance of the features is learned.

    .. math:: \Omega(W) = \lambda_1 \min_{D \succeq 0,\; \operatorname{tr} D \le 1}
              \operatorname{tr}(W^\top D^{-1} W) = \lambda_1 \|W\|_*^2

    The tasks share few directions of the feature space, the leading eigenvectors of
    :math:`D = (W W^\top)^{1/2} / \operatorname{tr} (W W^\top)^{1/2}`, which is
    minimised out. It has the solutions of :class:`TraceNorm`, but shrinks in proportion
    to the size of W and never to zero.

    The prox moves singular values s towards zero by :math:`\ell \sum_{i \le r} s_i / (1
    + \ell r)` with :math:`\ell` twice the step times the strength, r the number that
    stay positive. The conjugate is :math:`\sigma_1(G)^2 / (4 \lambda_1)`.

    Parameters
    ----------
    lambda1 : float or "auto", default="auto"
        Strength; "auto" is half the mean curvature of the loss over min(d, T), which
        shrinks a W whose singular values are equal half way.

    References
    ----------
    A. Argyriou, T. Evgeniou and M. Pontil (2008). Convex multi-task feature learning.
    Machine Learning.

    Examples
    --------
    >>> import numpy as np
    >>> from pymtl.penalties import FeatureCovariance
    >>> FeatureCovariance(1.0).value(np.array([[3.0, 0.0], [0.0, 4.0]]))
    49.0
    """

    def __init__(self, lambda1: float | str = "auto"):
        self.lambda1 = lambda1

    def weights(self):
        return 0.0, 2 * self.lambda1

    def learned(self, W, parts, tasks):
        return {"_penalised": W}  # the covariance, d x d, is formed when asked for

    @staticmethod
    def covariance(W: np.ndarray) -> np.ndarray:
        """Return the minimising D.

        Parameters
        ----------
        W : ndarray of shape (n_features, n_tasks)
            Coefficients.

        Returns
        -------
        D : ndarray of shape (n_features, n_features)
            Positive semi-definite, of trace 1.
        """
        return square_root(W.T)
