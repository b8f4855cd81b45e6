"""Square-root loss."""

import numpy as np

from ._base import SLACK, Loss, slope


class SquareRoot(Loss):
    r"""Square root of each task's mean squared error: noise levels cancel.

    .. math:: f(z) = \sum_t \sqrt{\omega_t} \Big(\sum_{i \in t} \rho_i
              (y_i - z_i)^2\Big)^{1/2}, \qquad \omega_t = \sum_{i \in t} \rho_i,
              \qquad f^*(u) = u'y, \quad \sum_{i \in t} u_i^2 / \rho_i \le \omega_t.

    Its gradient does not depend on the noise level of a task, so one strength suits
    tasks with different noise. With a regulariser it is the joint estimation of the
    coefficients and the noise levels :math:`\sigma_t`, since
    :math:`\sqrt{a} = \min_\sigma a / (2 \sigma) + \sigma / 2`.

    References
    ----------
    A. Belloni, V. Chernozhukov and L. Wang (2011). Square-root lasso: pivotal recovery
    of sparse signals via conic programming. Biometrika.

    Examples
    --------
    >>> import numpy as np
    >>> from pymtl.losses import SquareRoot
    >>> y, z = np.array([3.0, 4.0]), np.zeros(2)
    >>> round(SquareRoot().value(y, z, np.ones(2) / 2, np.array([0, 2])) ** 2, 9)
    12.5
    """

    smooth = False
    centring = True

    def value(self, y, z, weight, bounds):
        omega, error = _tasks(y, z, weight, bounds)
        return float(np.sum(np.sqrt(omega) * error))

    def gradient(self, y, z, weight, bounds):
        return self.hessian(y, z, weight, bounds) * (z - y)

    def hessian(self, y, z, weight, bounds):
        noise = self._noise(y, z, weight, bounds)
        ratio = np.divide(1.0, noise, out=np.zeros_like(noise), where=noise > 0)
        return weight * np.repeat(ratio, np.diff(bounds))

    def room(self, y, z, u, weight, bounds):
        return lambda v: weight * v

    def conjugate(self, y, u, weight, bounds):
        omega = np.add.reduceat(weight, bounds[:-1])
        square = np.add.reduceat(u * slope(u, weight), bounds[:-1])
        if np.any(square > omega * (1 + SLACK)):
            return np.inf
        return float(np.dot(u, y))

    def dual_prox(self, y, x, weight, bounds, step):
        return self.dual_prox_slope(y, x, weight, bounds, step) * (x - y)

    def dual_prox_slope(self, y, x, weight, bounds, step):
        omega, error = _tasks(y, x, weight, bounds)
        ratio = 1.0 / np.broadcast_to(step, y.shape)[bounds[:-1]]
        root = np.sqrt(omega)
        np.divide(root, error, out=ratio, where=ratio * error > root)
        return weight * np.repeat(ratio, np.diff(bounds))

    def learned(self, y, z, weight, bounds):
        return {"noise_": self._noise(y, z, weight, bounds)}

    def deviance(self, means, sizes):
        seen = sizes > 0
        return float(2 * np.dot(sizes[seen], np.log(means[seen])))

    def rounding(self, y_scale, eps):
        return 8 * eps * np.sqrt(y_scale)

    def _noise(self, y, z, weight, bounds):
        """Return the root mean squared error of each task."""
        omega, error = _tasks(y, z, weight, bounds)
        root = np.sqrt(omega)
        return np.divide(error, root, out=np.zeros_like(error), where=omega > 0)


def _tasks(y, z, weight, bounds):
    """Return the weight of each task and the root of its weighted squares."""
    omega = np.add.reduceat(weight, bounds[:-1])
    square = np.add.reduceat(weight * (y - z) ** 2, bounds[:-1])
    return omega, np.sqrt(square)
