"""Quantile loss."""

import numpy as np

from ._base import scaled_deviance
from ._kinked import Kinked


class Quantile(Kinked):
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

    def __init__(self, quantile: float = 0.5):
        self.quantile = quantile

    def slopes(self, y):
        if not 0 < self.quantile < 1:
            msg = f"Quantile needs 0 < quantile < 1, got {self.quantile!r}."
            raise ValueError(msg)
        return -self.quantile, 1 - self.quantile

    def hessian(self, y, z, weight, bounds):
        # the density at the quantile, where the residuals are Laplace's
        total = np.add.reduceat(weight, bounds[:-1])
        size = np.add.reduceat(weight * np.abs(y - z), bounds[:-1])
        density = np.divide(0.5 * total, size, out=np.zeros_like(size), where=size > 0)
        return weight * np.repeat(density, np.diff(bounds))

    def deviance(self, means, sizes):
        return scaled_deviance(means, sizes, power=1)

    def rounding(self, y_scale, eps):
        return 8 * eps * np.sqrt(y_scale)

    @classmethod
    def examples(cls):
        yield cls()
        yield cls(0.9)
