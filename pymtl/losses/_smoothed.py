"""A smooth loss below one with kinks."""

import numpy as np

from ._base import Loss, slope


class Smoothed(Loss):
    r"""The Moreau envelope of a loss, centred at a dual point.

    .. math:: f_h(z; u) = \min_v f(v) + u'(z - v)
              + \sum_i \frac{\rho_i}{2 h_i} (z_i - v_i)^2

    It is smooth with curvature 1/h, below f, and equal to f wherever u is a subgradient
    of f. The minimiser v is the prox of f at :math:`z + h u / \rho`, the gradient
    :math:`\theta = u + \rho (z - v) / h` is a subgradient of f at v, and the conjugate
    is :math:`f^*(\theta) + \tfrac12 \sum_i h_i (\theta_i - u_i)^2 / \rho_i`.

    Parameters
    ----------
    loss : Loss
        A loss with the method `prox`.
    step : float or ndarray of shape (n_rows,), default=1.0
        The step h.
    dual : float or ndarray of shape (n_rows,), default=0.0
        The centre u.

    References
    ----------
    R. T. Rockafellar (1976). Augmented Lagrangians and applications of the proximal
    point algorithm in convex programming. Mathematics of Operations Research.

    Y. Nesterov (2005). Smooth minimization of non-smooth functions. Mathematical
    Programming.

    Examples
    --------
    The absolute value of the residual becomes Huber's loss:

    >>> import numpy as np
    >>> from pymtl.losses import Quantile, Smoothed
    >>> y, z, weight = np.zeros(2), np.array([0.5, 3.0]), np.ones(2)
    >>> Smoothed(Quantile(0.5), step=2.0).gradient(y, z, weight, np.array([0, 2]))
    array([0.25, 0.5 ])
    """

    def __init__(
        self,
        loss: Loss,
        step: float | np.ndarray = 1.0,
        dual: float | np.ndarray = 0.0,
    ):
        self.loss = loss
        self.step = step
        self.dual = dual

    @property
    def curvature(self) -> float:
        """The bound 1 / h of the second derivative."""
        return float(1.0 / np.min(self.step))

    def value(self, y, z, weight, bounds):
        u = self.gradient(y, z, weight, bounds)
        move = self.step * slope(u - self.dual, weight)  # z - v
        value = self.loss.value(y, z - move, weight, bounds)
        return value + 0.5 * float(np.dot(u + self.dual, move))

    def gradient(self, y, z, weight, bounds):
        x = self._centred(z, weight)
        return self.loss.dual_prox(y, x, weight, bounds, self.step)

    def hessian(self, y, z, weight, bounds):
        x = self._centred(z, weight)
        return self.loss.dual_prox_slope(y, x, weight, bounds, self.step)

    def conjugate(self, y, u, weight, bounds):
        move = u - self.dual
        near = 0.5 * float(np.sum(self.step * slope(move, weight) * move))
        return self.loss.conjugate(y, u, weight, bounds) + near

    def best_shift(self, y, z, weight, bounds):
        x = self._centred(z, weight)
        return self.loss.smooth_shift(y, x, weight, bounds, self.step)

    def _centred(self, z, weight):
        return z + self.step * slope(np.broadcast_to(self.dual, z.shape), weight)
