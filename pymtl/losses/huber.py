"""Huber's loss."""

import numpy as np

from ._base import Loss, slope, within
from ._kinked import ramp_root


class Huber(Loss):
    r"""Huber's loss: squares for small residuals, absolute values for large ones.

    .. math:: \ell(y, z) = \begin{cases} \tfrac12 (y - z)^2 & |y - z| \le \delta \\
              \delta |y - z| - \tfrac12 \delta^2 & \text{else} \end{cases}, \qquad
              \ell^*(u) = \tfrac12 u^2 + u y, \quad |u| \le \delta.

    A row counts as an outlier from a residual of :math:`\delta` on, and its pull on the
    fit does not grow any more.

    Parameters
    ----------
    delta : float, default=1.35
        The residual, in units of y, from which on the loss is linear; 1.35 standard
        deviations of the noise keep 95 % of the efficiency of the squared loss.

    References
    ----------
    P. J. Huber (1964). Robust estimation of a location parameter. Annals of
    Mathematical Statistics.

    Examples
    --------
    >>> import numpy as np
    >>> from pymtl.losses import Huber
    >>> y, z = np.array([1.0, 5.0]), np.zeros(2)
    >>> Huber(delta=2.0).value(y, z, np.ones(2), np.array([0, 2]))
    8.5
    """

    curvature = 1.0
    flat = 0.05

    def __init__(self, delta: float = 1.35):
        self.delta = delta

    def value(self, y, z, weight, bounds):
        size = np.abs(y - z)
        near = np.minimum(size, self._delta())
        return float(np.dot(weight, near * (size - 0.5 * near)))

    def gradient(self, y, z, weight, bounds):
        delta = self._delta()
        return weight * np.clip(z - y, -delta, delta)

    def hessian(self, y, z, weight, bounds):
        return weight * (np.abs(y - z) <= self._delta())

    def conjugate(self, y, u, weight, bounds):
        u_row, delta = slope(u, weight), self._delta()
        if not within(u_row, -delta, delta, delta):
            return np.inf
        return 0.5 * float(np.dot(u_row, u)) + float(np.dot(u, y))

    def best_shift(self, y, z, weight, bounds):
        delta = self._delta()
        return ramp_root(y - z, 1.0, -delta, delta, weight, bounds)

    def rescaled(self, scale):
        return Huber(self._delta() / scale)

    def _delta(self):
        if not self.delta > 0:
            msg = f"Huber needs delta > 0, got {self.delta!r}."
            raise ValueError(msg)
        return self.delta
