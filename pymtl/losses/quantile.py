"""Quantile loss."""

import numpy as np

from ._base import Loss, slope, weighted_quantile, within


class Quantile(Loss):
    r"""Quantile (pinball) loss: its minimiser is a quantile of y, not the mean.

    .. math:: \ell(y, z) = \tau (y - z)_+ + (1 - \tau) (z - y)_+, \qquad
              \ell^*(u) = u y, \quad u \in [-\tau, 1 - \tau].

    Parameters
    ----------
    quantile : float, default=0.5
        The quantile :math:`\tau`, between 0 and 1; 0.5 is the median, for which the
        loss is half the absolute residual.

    References
    ----------
    R. Koenker and G. Bassett (1978). Regression quantiles. Econometrica.

    Examples
    --------
    >>> import numpy as np
    >>> from pymtl.losses import Quantile
    >>> y, z = np.array([1.0, -1.0]), np.zeros(2)
    >>> Quantile(0.75).value(y, z, np.ones(2), np.array([0, 2]))
    1.0
    >>> Quantile(0.75).gradient(y, z, np.ones(2), np.array([0, 2]))
    array([-0.75,  0.25])
    """

    smooth = False

    def __init__(self, quantile: float = 0.5):
        self.quantile = quantile

    def value(self, y, z, weight, bounds):
        low, high = self._slopes()
        residual = z - y
        return float(np.dot(weight, np.maximum(low * residual, high * residual)))

    def gradient(self, y, z, weight, bounds):
        low, high = self._slopes()
        residual = z - y
        return weight * np.where(residual > 0, high, np.where(residual < 0, low, 0.0))

    def hessian(self, y, z, weight, bounds):
        # the density at the quantile, where the residuals are Laplace's
        total = np.add.reduceat(weight, bounds[:-1])
        size = np.add.reduceat(weight * np.abs(y - z), bounds[:-1])
        density = np.divide(0.5 * total, size, out=np.zeros_like(size), where=size > 0)
        return weight * np.repeat(density, np.diff(bounds))

    def conjugate(self, y, u, weight, bounds):
        if not within(slope(u, weight), *self._slopes()):
            return np.inf
        return float(np.dot(u, y))

    def dual_prox(self, y, x, weight, bounds, step):
        return weight * np.clip((x - y) / step, *self._slopes())

    def dual_prox_slope(self, y, x, weight, bounds, step):
        low, high = self._slopes()
        inside = (x - y > step * low) & (x - y < step * high)
        return weight / step * inside

    def best_shift(self, y, z, weight, bounds):
        share = self.quantile * np.add.reduceat(weight, bounds[:-1])
        return weighted_quantile(y - z, weight, share, bounds)

    def rounding(self, y_scale, eps):
        return 8 * eps * np.sqrt(y_scale)

    def _slopes(self):
        """Return the derivatives below and above y."""
        if not 0 < self.quantile < 1:
            msg = f"Quantile needs 0 < quantile < 1, got {self.quantile!r}."
            raise ValueError(msg)
        return -self.quantile, 1 - self.quantile

    @classmethod
    def examples(cls):
        yield cls()
        yield cls(0.9)
