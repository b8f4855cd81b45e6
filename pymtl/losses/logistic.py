"""Logistic loss."""

import numpy as np
from scipy.special import expit

from ._base import Loss, slope, within

TINY = np.finfo(float).tiny  # times its logarithm nothing
MOST = 1.0 - np.finfo(float).epsneg


class Logistic(Loss):
    r"""Logistic loss, the negative log-likelihood of labels -1 and 1.

    .. math:: \ell(y, z) = \log(1 + e^{-y z}), \qquad
              \ell^*(u) = p \log p + (1 - p) \log(1 - p), \quad p = -u y \in [0, 1].

    Examples
    --------
    >>> import numpy as np
    >>> from pymtl.losses import Logistic
    >>> y, z = np.array([-1.0, 1.0]), np.zeros(2)
    >>> value = Logistic().value(y, z, np.ones(2), np.array([0, 2]))
    >>> bool(np.isclose(value, 2 * np.log(2)))
    True
    """

    curvature = 0.25
    targets = "classification"
    probabilities = True
    domain = "labels -1 and 1"

    def admissible(self, y):
        return np.abs(y) == 1

    def value(self, y, z, weight, bounds):
        margin = y * z
        value = np.log1p(np.exp(-np.abs(margin)))  # logaddexp, but vectorised
        value -= np.minimum(margin, 0.0)
        return float(np.dot(weight, value))

    def gradient(self, y, z, weight, bounds):
        return -weight * y * expit(-y * z)

    def hessian(self, y, z, weight, bounds):
        return weight * expit(z) * expit(-z)

    def deviance(self, means, sizes):
        return 2 * float(np.dot(sizes, means))

    def conjugate(self, y, u, weight, bounds):
        p = -slope(u, weight) * y
        if not within(p, 0.0, 1.0):
            return np.inf
        p = np.clip(p, 0.0, 1.0)
        q = 1.0 - p
        entropy = p * np.log(np.maximum(p, TINY)) + q * np.log1p(-np.minimum(p, MOST))
        return float(np.dot(weight, entropy))
