"""Poisson loss."""

import numpy as np
from scipy.special import xlog1py, xlogy

from ._base import Loss, slope, within

LARGEST = 300.0  # products with rates stay finite
NOTHING = 1e-30  # the rate of a task without a count


class Poisson(Loss):
    r"""Poisson loss with log link: half the deviance of counts.

    .. math:: \ell(y, z) = e^z - y z - y + y \log y, \qquad
              \ell^*(u) = q \log q - q + y - y \log y, \quad q = u + y \ge 0.

    The prediction z is the logarithm of the expected count; the terms without z make
    the loss of a perfect fit zero. An `offset` in `fit` is the logarithm of the
    exposure. The second derivative :math:`e^z` has no bound. The best intercept is
    :math:`\log(\sum_i \rho_i y_i / \sum_i \rho_i e^{z_i})`; that of a task whose counts
    are all zero would be minus infinity, and is so low that its rate is 1e-30.

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

    def best_shift(self, y, z, weight, bounds):
        starts, seen = bounds[:-1], weight > 0
        z = np.where(seen, z + np.log(np.where(seen, weight, 1.0)), -np.inf)
        top = np.maximum.reduceat(z, starts)
        top = np.where(np.isfinite(top), top, 0.0)
        rate = np.add.reduceat(np.exp(z - np.repeat(top, np.diff(bounds))), starts)
        total = np.add.reduceat(weight, starts)
        count = np.add.reduceat(weight * y, starts)
        ratio = np.maximum(count, NOTHING * total) / np.where(total > 0, rate, 1.0)
        return np.log(np.where(total > 0, ratio, 1.0)) - top

    def rounding(self, y_scale, eps):
        return max(super().rounding(y_scale, eps), 1 / eps * NOTHING)

    def deviance(self, means, sizes):
        return 2 * float(np.dot(sizes, means))

    def conjugate(self, y, u, weight, bounds):
        q = y + slope(u, weight)
        if not within(q, 0.0, np.inf, np.maximum(y, 1.0)):
            return np.inf
        # y ((1 + s) log(1 + s) - s) + u log y, with q = y (1 + s), does not cancel
        q, some = np.maximum(q, 0.0), y > 0
        s = np.divide(q - y, y, out=np.zeros(len(y)), where=some)
        log_y = np.log(y, out=np.zeros(len(y)), where=some)
        near = y * (xlog1py(1 + s, s) - s) + (q - y) * log_y
        return float(np.dot(weight, np.where(some, near, xlogy(q, q) - q)))

    def mean(self, z):
        return _rate(z)


def _rate(z):
    """Return exp(z), short of overflow."""
    return np.exp(np.minimum(z, LARGEST))
