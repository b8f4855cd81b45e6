"""Poisson loss."""

import numpy as np
from scipy.special import xlogy

from ._base import Loss, slope, within

LARGEST = 700.0


class Poisson(Loss):
    r"""Poisson loss with log link: half the deviance of counts.

    .. math:: \ell(y, z) = e^z - y z - y + y \log y, \qquad
              \ell^*(u) = q \log q - q + y - y \log y, \quad q = u + y \ge 0.

    The prediction z is the logarithm of the expected count; the terms without z make
    the loss of a perfect fit zero. An `offset` in `fit` is the logarithm of the
    exposure. The second derivative :math:`e^z` has no bound.

    Examples
    --------
    >>> import numpy as np
    >>> from pymtl.losses import Poisson
    >>> y, z = np.array([0.0, 1.0]), np.zeros(2)
    >>> Poisson().value(y, z, np.ones(2), np.array([0, 2]))
    1.0
    """

    domain = "counts, at least 0"
    rescales = False
    positive = True

    def admissible(self, y):
        return y >= 0

    def value(self, y, z, weight, bounds):
        # y (e^t - 1 - t), with t = z - log y, does not cancel near a perfect fit
        some = y > 0
        t = np.minimum(z - np.log(y, out=np.zeros(len(y)), where=some), LARGEST)
        rest = np.maximum(np.expm1(t) - t, 0.0)
        return float(np.dot(weight, np.where(some, y * rest, np.exp(t))))

    def gradient(self, y, z, weight, bounds):
        return weight * (_rate(z) - y)

    def hessian(self, y, z, weight, bounds):
        return weight * _rate(z)

    def deviance(self, means, sizes):
        return 2 * float(np.dot(sizes, means))

    def conjugate(self, y, u, weight, bounds):
        q = y + slope(u, weight)
        if not within(q, 0.0, np.inf, np.maximum(y, 1.0)):
            return np.inf
        q = np.maximum(q, 0.0)
        return float(np.dot(weight, xlogy(q, q) - q + y - xlogy(y, y)))

    def mean(self, z):
        return _rate(z)


def _rate(z):
    """Return exp(z), short of overflow."""
    return np.exp(np.minimum(z, LARGEST))
