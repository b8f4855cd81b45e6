"""Squared loss."""

import numpy as np

from .._kernels import weighted_squares
from ._base import Loss, scaled_deviance, slope


class Squared(Loss):
    r"""Squared loss, the log-likelihood of Gaussian noise.

    .. math:: \ell(y, z) = \tfrac12 (y - z)^2, \qquad
              \ell^*(u) = \tfrac12 u^2 + u y.

    Examples
    --------
    >>> import numpy as np
    >>> from pymtl.losses import Squared
    >>> y, z = np.array([1.0, 2.0]), np.array([0.0, 2.0])
    >>> Squared().value(y, z, np.array([0.5, 0.5]), np.array([0, 2]))
    0.25
    """

    curvature = 1.0
    quadratic = True
    centring = True

    def value(self, y, z, weight, bounds):
        return 0.5 * weighted_squares(weight, y, z)

    def gradient(self, y, z, weight, bounds):
        gradient = z - y
        gradient *= weight
        return gradient

    def conjugate(self, y, u, weight, bounds):
        return 0.5 * float(np.dot(slope(u, weight), u)) + float(np.dot(u, y))

    def deviance(self, means, sizes):
        return scaled_deviance(2 * means, sizes, power=2)

    def task_values(self, y, z, weight, bounds):
        return 0.5 * np.add.reduceat(weight * (y - z) ** 2, bounds[:-1])
