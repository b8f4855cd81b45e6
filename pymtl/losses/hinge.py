"""Hinge loss."""

import numpy as np

from ._base import Loss, slope, weighted_quantile, within


class Hinge(Loss):
    r"""Hinge loss of a support vector machine, for labels -1 and 1.

    .. math:: \ell(y, z) = \max(0, 1 - y z), \qquad
              \ell^*(u) = u y, \quad u y \in [-1, 0].

    Examples
    --------
    >>> import numpy as np
    >>> from pymtl.losses import Hinge
    >>> y, z = np.array([-1.0, 1.0]), np.array([1.0, 2.0])
    >>> Hinge().value(y, z, np.ones(2), np.array([0, 2]))
    2.0
    """

    smooth = False
    targets = "classification"
    domain = "labels -1 and 1"

    def admissible(self, y):
        return np.abs(y) == 1

    def value(self, y, z, weight, bounds):
        return float(np.dot(weight, np.maximum(1 - y * z, 0.0)))

    def gradient(self, y, z, weight, bounds):
        return -weight * y * (y * z < 1)

    def hessian(self, y, z, weight, bounds):
        return 0.5 * weight  # max(0, m) = (m + |m|) / 2, and |m| <= (m^2 + 1) / 2

    def conjugate(self, y, u, weight, bounds):
        if not within(slope(u, weight) * y, -1.0, 0.0):
            return np.inf
        return float(np.dot(u, y))

    def dual_prox(self, y, x, weight, bounds, step):
        return -weight * y * np.clip((1 - y * x) / step, 0.0, 1.0)

    def dual_prox_slope(self, y, x, weight, bounds, step):
        return weight / step * (np.abs(y * x - 1 + 0.5 * step) < 0.5 * step)

    def best_shift(self, y, z, weight, bounds):
        # in the intercept c every row has its kink at y - z, whatever the label
        share = np.add.reduceat(weight * (y > 0), bounds[:-1])
        return weighted_quantile(y - z, weight, share, bounds)
