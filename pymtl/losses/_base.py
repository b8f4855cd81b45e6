"""The contract of a loss."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator


class Loss(BaseEstimator):
    r"""Base class of the losses.

    A loss is a sum over the rows of all tasks, stacked task after task,

    .. math:: f(z) = \sum_i \rho_i\, \ell(y_i, z_i),

    where the weights :math:`\rho` hold sample weights, the mean within a task and the
    task weights. Every method sees the whole stack and the task boundaries, so that
    a loss may also be a function of a task's rows together.

    Attributes
    ----------
    smooth : bool
        Whether the loss is differentiable in z.
    curvature : float or None
        Bound of the second derivative of :math:`\ell` in z; None asks for a line
        search.
    quadratic : bool
        Whether the gradient is linear in z.
    n_classes : int or None
        Number of linear predictions a sample; None is one.
    """

    smooth = True
    curvature: float | None = None
    quadratic = False
    n_classes: int | None = None

    def value(
        self, y: np.ndarray, z: np.ndarray, weight: np.ndarray, bounds: np.ndarray
    ) -> float:
        """Return the weighted sum of the losses, at least zero.

        Parameters
        ----------
        y : ndarray of shape (n_rows,)
            Targets, sorted by task.
        z : ndarray of shape (n_rows,)
            Linear predictions.
        weight : ndarray of shape (n_rows,)
            Positive weight of each row.
        bounds : ndarray of shape (n_tasks + 1,)
            Rows ``bounds[t]:bounds[t + 1]`` belong to task t.

        Returns
        -------
        value : float
            The weighted sum.
        """
        raise NotImplementedError

    def gradient(
        self, y: np.ndarray, z: np.ndarray, weight: np.ndarray, bounds: np.ndarray
    ) -> np.ndarray:
        """Return the gradient of :meth:`value` with respect to z.

        Parameters
        ----------
        y, z, weight, bounds : ndarray
            As in :meth:`value`.

        Returns
        -------
        gradient : ndarray of shape (n_rows,)
            Weighted derivatives.
        """
        raise NotImplementedError

    def conjugate(
        self, y: np.ndarray, u: np.ndarray, weight: np.ndarray, bounds: np.ndarray
    ) -> float:
        """Return the Fenchel conjugate of :meth:`value` at u.

        Parameters
        ----------
        y : ndarray of shape (n_rows,)
            Targets, sorted by task.
        u : ndarray of shape (n_rows,)
            Dual point; the gradient of :meth:`value` is one.
        weight, bounds : ndarray
            As in :meth:`value`.

        Returns
        -------
        value : float
            ``sup_z u'z - value(z)``, infinite outside the domain.
        """
        raise NotImplementedError

    def learned(
        self, y: np.ndarray, z: np.ndarray, weight: np.ndarray, bounds: np.ndarray
    ) -> dict[str, Any]:
        """Return what the loss has learned, as fitted attributes.

        Parameters
        ----------
        y, z, weight, bounds : ndarray
            As in :meth:`value`.

        Returns
        -------
        attributes : dict of {str: object}
            For example the noise levels of the tasks.
        """
        return {}

    def rounding(self, y_scale: float, eps: float) -> float:
        """Return the largest value that may be the rounding of zero.

        Parameters
        ----------
        y_scale : float
            Weighted sum of the squared targets.
        eps : float
            Machine precision of the data.

        Returns
        -------
        value : float
            A null model below it fits exactly.
        """
        return (8 * eps) ** 2 * y_scale

    def task_values(
        self, y: np.ndarray, z: np.ndarray, weight: np.ndarray, bounds: np.ndarray
    ) -> np.ndarray:
        """Return the part of each task in :meth:`value`.

        Parameters
        ----------
        y, z, weight, bounds : ndarray
            As in :meth:`value`.

        Returns
        -------
        values : ndarray of shape (n_tasks,)
            They add up to the value.
        """
        cuts = [slice(a, b) for a, b in zip(bounds[:-1], bounds[1:], strict=True)]
        return np.array(
            [
                self.value(y[t], z[t], weight[t], np.array([0, t.stop - t.start]))
                for t in cuts
            ]
        )

    def shift_hessian(
        self, y: np.ndarray, z: np.ndarray, weight: np.ndarray, bounds: np.ndarray
    ) -> np.ndarray:
        """Return the second derivatives in a shift of each task's predictions.

        Parameters
        ----------
        y, z, weight, bounds : ndarray
            As in :meth:`value`.

        Returns
        -------
        hessian : ndarray of shape (n_tasks, n_classes, n_classes)
            One number a task where there are no classes.
        """
        rows = self.hessian(y, z, weight, bounds)
        return np.add.reduceat(rows, bounds[:-1])[:, None, None]

    def mean(self, z: np.ndarray) -> np.ndarray:
        """Return the prediction of y that belongs to linear predictions.

        Parameters
        ----------
        z : ndarray
            Linear predictions.

        Returns
        -------
        y : ndarray
            By default z itself.
        """
        return z

    @classmethod
    def examples(cls) -> Iterator["Loss"]:
        """Yield instances for the conformance tests.

        Yields
        ------
        loss : Loss
            An instance with representative options.
        """
        yield cls()
