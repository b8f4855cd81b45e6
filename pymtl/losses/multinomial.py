"""Multinomial loss."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.special import xlogy

from ._base import Loss, slope, within


class Multinomial(Loss):
    r"""Multinomial logistic loss, the negative log-likelihood of K classes.

    .. math:: \ell(y, z) = \log \sum_k e^{z_k} - z_y, \qquad
              \ell^*(u) = \sum_k p_k \log p_k, \quad p = u + e_y \text{ in the simplex}.

    The rows of a task are stacked class after class: of task t with :math:`K_t` classes
    and :math:`n_t` samples ``bounds[t]:bounds[t + 1]`` holds :math:`K_t n_t` entries,
    which are reshaped to :math:`(K_t, n_t)`. The targets are the indicators of the
    classes, and the weight of a sample stands once a class. A class that a task does
    not have has weight 0 there, and is left out.

    Parameters
    ----------
    n_classes : int or sequence of int, default=None
        Number of classes :math:`K_t`, one for all tasks or one a task.

    Notes
    -----
    The curvature 1/2 is Böhning's bound: the Hessian :math:`diag(p) - pp'` of a sample
    is at most half the identity. It is not diagonal; `hessian` is the diagonal majorant
    :math:`2 p_k (1 - p_k)`, by Gershgorin's theorem at most 1/2 too.

    References
    ----------
    D. Böhning (1992). Multinomial logistic regression algorithm. Annals of the
    Institute of Statistical Mathematics.

    Examples
    --------
    Two samples, of the first and of the third class:

    >>> import numpy as np
    >>> from pymtl.losses import Multinomial
    >>> y = np.array([[1.0, 0.0], [0.0, 0.0], [0.0, 1.0]]).ravel()
    >>> loss = Multinomial(n_classes=3)
    >>> value = loss.value(y, np.zeros(6), np.ones(6), np.array([0, 6]))
    >>> bool(np.isclose(value, 2 * np.log(3)))
    True
    """

    curvature = 0.5
    targets = "classification"
    probabilities = True
    domain = "indicators of classes, 0 and 1"

    def __init__(self, n_classes: int | Sequence[int] | None = None):
        self.n_classes = n_classes

    def admissible(self, y):
        return (y == 0) | (y == 1)

    def value(self, y, z, weight, bounds):
        log_p = self._each(_log_softmax, _shown(z, weight), bounds)
        log_p[weight == 0] = 0.0
        return max(-float(np.dot(weight * y, log_p)), 0.0)

    def gradient(self, y, z, weight, bounds):
        return weight * (self._each(_softmax, _shown(z, weight), bounds) - y)

    def hessian(self, y, z, weight, bounds):
        p = self._each(_softmax, _shown(z, weight), bounds)
        return 2 * weight * p * (1 - p)

    def deviance(self, means, sizes):
        return 2 * float(np.dot(sizes, means))

    def balanced(self, y, u, weight, bounds):
        # classes with too much probability give the share that is too much to others
        out = np.empty(len(u))
        p = np.where(weight > 0, y + slope(u, weight), 0.0)
        for a, b, k in zip(bounds[:-1], bounds[1:], self._classes(bounds), strict=True):
            heavy, P = (v[a:b].reshape(k, -1) for v in (weight, p))
            wanted = np.sum(heavy * y[a:b].reshape(k, -1), axis=1)
            given = np.sum(heavy * P, axis=1)
            lack = np.maximum(wanted - given, 0.0)
            kept = np.divide(wanted, given, out=np.ones(k), where=given > wanted)
            freed = np.sum((1 - kept)[:, None] * P, axis=0)
            if not lack.any():  # it is lost in the rounding of the largest class
                lack[np.argmax(wanted)] = 1.0
            P = kept[:, None] * P + np.outer(lack / lack.sum(), freed)
            out[a:b] = (heavy * P).ravel()
        return out - weight * y

    def room(self, y, z, u, weight, bounds):
        p = np.where(weight > 0, y + slope(u, weight), 0.0)

        def move(v):
            mean = self._each(_total, p * v, bounds)
            return weight * p * (v - mean)

        return move

    def conjugate(self, y, u, weight, bounds):
        p = np.where(weight > 0, y + slope(u, weight), 0.0)
        total = self._each(_total, p, bounds)[weight > 0]
        if not within(p, 0.0, 1.0) or not within(total, 1.0, 1.0):
            return np.inf
        p = np.clip(p, 0.0, 1.0)
        return float(np.dot(weight, xlogy(p, p)))

    def task_values(self, y, z, weight, bounds):
        log_p = self._each(_log_softmax, _shown(z, weight), bounds)
        log_p[weight == 0] = 0.0
        return -np.add.reduceat(weight * y * log_p, bounds[:-1])

    def shift_hessian(self, y, z, weight, bounds):
        p = self._each(_softmax, _shown(z, weight), bounds)
        hessian = []
        for a, b, k in zip(bounds[:-1], bounds[1:], self._classes(bounds), strict=True):
            task = p[a:b].reshape(k, -1)
            heavy = weight[a:b].reshape(k, -1) * task
            hessian.append(np.diag(heavy.sum(axis=1)) - heavy @ task.T)
        return np.stack(hessian)

    def _each(self, function, z, bounds):
        """Apply a function to (K_t, n_t) of each task, along the classes."""
        out = np.empty(len(z))
        for a, b, k in zip(bounds[:-1], bounds[1:], self._classes(bounds), strict=True):
            out[a:b] = function(z[a:b].reshape(k, -1)).ravel()
        return out

    def _classes(self, bounds):
        """Return the number of classes of each task."""
        if self.n_classes is None:
            msg = (
                "Multinomial cannot tell the classes from the rows; give it n_classes, "
                "as in Multinomial(n_classes=3)."
            )
            raise ValueError(msg)
        sizes = np.diff(bounds)
        classes = np.atleast_1d(self.n_classes)
        if len(classes) not in (1, len(sizes)) or np.any(sizes % classes):
            msg = (
                f"n_classes={self.n_classes!r} does not fit {len(sizes)} tasks of "
                f"{sizes.tolist()} rows: give one number that divides them, or one "
                "for each task."
            )
            raise ValueError(msg)
        return np.broadcast_to(classes, sizes.shape)

    @classmethod
    def examples(cls):
        yield cls(3)
        yield cls(2)


def _shown(z, weight):
    """Return predictions at which classes of weight 0 have no probability."""
    return np.where(weight > 0, z, -1e300)


def _softmax(z):
    p = np.exp(z - z.max(axis=0))
    p /= p.sum(axis=0)
    return p


def _log_softmax(z):
    z = z - z.max(axis=0)
    z -= np.log(np.exp(z).sum(axis=0))
    return z


def _total(p):
    return np.broadcast_to(p.sum(axis=0), p.shape)
