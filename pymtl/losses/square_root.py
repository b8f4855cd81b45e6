"""Square-root loss."""

import numpy as np

from ._base import Loss

FEASIBLE = 1e-12


class SquareRoot(Loss):
    r"""Square root of each task's mean squared error: noise levels cancel.

    .. math:: f(z) = \sum_t \sqrt{\omega_t} \Big(\sum_{i \in t} \rho_i
              (y_i - z_i)^2\Big)^{1/2}, \qquad \omega_t = \sum_{i \in t} \rho_i

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
    >>> SquareRoot().value(y, z, np.ones(2) / 2, np.array([0, 2])) ** 2
    12.5
    """

    smooth = False

    def value(self, y, z, weight, bounds):
        omega, error = self._tasks(y, z, weight, bounds)
        return float(np.sum(np.sqrt(omega) * error))

    def gradient(self, y, z, weight, bounds):
        return self.reweight(y, z, weight, bounds) * (z - y)

    def conjugate(self, y, u, weight, bounds):
        omega = np.add.reduceat(weight, bounds[:-1])
        square = np.divide(u**2, weight, out=np.zeros_like(u), where=weight > 0)
        if np.any(np.add.reduceat(square, bounds[:-1]) > omega * (1 + FEASIBLE)):
            return np.inf
        return float(np.dot(u, y))

    def reweight(
        self,
        y: np.ndarray,
        z: np.ndarray,
        weight: np.ndarray,
        bounds: np.ndarray,
        floor: float | np.ndarray = 0.0,
    ) -> np.ndarray:
        """Return the row weights of the squared loss that majorises this one at z.

        Parameters
        ----------
        y, z, weight, bounds : ndarray
            As in `value`.
        floor : float or ndarray of shape (n_tasks,), default=0.0
            Smallest noise level of a task.

        Returns
        -------
        weight : ndarray of shape (n_rows,)
            Weights; 0 for a task without error and without floor.
        """
        noise = np.maximum(self.noise(y, z, weight, bounds), floor)
        ratio = np.divide(1.0, noise, out=np.zeros_like(noise), where=noise > 0)
        return weight * np.repeat(ratio, np.diff(bounds))

    def excess(self, y, z, weight, bounds, floor):
        """Return the part of the gap that is due to the floor."""
        omega, error = self._tasks(y, z, weight, bounds)
        low = np.divide(
            error, np.sqrt(omega) * floor, out=np.ones_like(error), where=floor > 0
        )
        return float(np.sum(np.sqrt(omega) * error * np.maximum(1.0 - low, 0.0)))

    def noise(self, y, z, weight, bounds):
        """Return the root mean squared error of each task."""
        omega, error = self._tasks(y, z, weight, bounds)
        return error / np.sqrt(omega)

    def learned(self, y, z, weight, bounds):
        return {"noise_": self.noise(y, z, weight, bounds)}

    def rounding(self, y_scale, eps):
        return 8 * eps * np.sqrt(y_scale)

    def _tasks(self, y, z, weight, bounds):
        """Return the weight of each task and the root of its weighted squares."""
        omega = np.add.reduceat(weight, bounds[:-1])
        square = np.add.reduceat(weight * (y - z) ** 2, bounds[:-1])
        return omega, np.sqrt(square)
