"""Squared hinge loss."""

import numpy as np

from ._base import Loss, slope, within


class SquaredHinge(Loss):
    r"""Squared hinge loss of a support vector machine, for labels -1 and 1.

    .. math:: \ell(y, z) = \max(0, 1 - y z)^2, \qquad
              \ell^*(u) = u y + \tfrac14 u^2, \quad u y \le 0.

    Examples
    --------
    >>> import numpy as np
    >>> from pymtl.losses import SquaredHinge
    >>> y, z = np.array([-1.0, 1.0]), np.array([1.0, 1.0])
    >>> SquaredHinge().value(y, z, np.ones(2), np.array([0, 2]))
    4.0
    """

    curvature = 2.0
    targets = "classification"
    domain = "labels -1 and 1"

    def admissible(self, y):
        return np.abs(y) == 1

    def value(self, y, z, weight, bounds):
        return float(np.dot(weight, np.maximum(1 - y * z, 0.0) ** 2))

    def gradient(self, y, z, weight, bounds):
        return -2 * weight * y * np.maximum(1 - y * z, 0.0)

    def hessian(self, y, z, weight, bounds):
        return 2 * weight * (y * z < 1)

    def conjugate(self, y, u, weight, bounds):
        a = slope(u, weight) * y
        if not within(a, -np.inf, 0.0):
            return np.inf
        return float(np.dot(weight, a + 0.25 * a**2))
