"""A loss whose intercepts are minimised out."""

from __future__ import annotations

import numpy as np

from ._base import FAR, Loss
from ._shifts import EPS, Shifts, class_sums, spread

NEAR = 8  # roundings of a row's parts within which it lies on a kink
ROUNDING = 1024  # roundings within which sums are zero


class Profiled(Loss):
    r"""The minimum of a loss over the intercepts, as a function of the rest.

    .. math:: \tilde f(z) = \min_c\, f(z + o + S c) + g(c)

    where S gives each task (and class) its intercept, o is an offset that is known, and
    g is zero or :math:`\lambda_0 \sum_t (c_t - \bar c)^2`. It is convex, its gradient
    is that of f at the best intercepts, and its curvature is at most that of f, so that
    a solver needs no variable for the intercepts. The residuals of a task sum to zero
    there, which is what the dual asks of them.

    Parameters
    ----------
    loss : Loss
        The loss f.
    form : bool or {"shared", "shrink"}
        The intercepts; False has none.
    strength : float
        Strength :math:`\lambda_0` of "shrink".
    offset : ndarray of shape (n_rows,) or None
        The offset o.
    """

    def __init__(self, loss, form, strength=0.0, offset=None):
        self.loss = loss
        self.form = True if form == "shrink" and strength == 0 else form
        self.strength = strength
        self.offset = offset
        self.smooth, self.quadratic = loss.smooth, loss.quadratic
        self.curvature, self.n_classes = loss.curvature, loss.n_classes
        self.probabilities, self.flat = loss.probabilities, loss.flat
        self._seen = self._start = None

    def intercepts(self, y, z, weight, bounds):
        """Return the best intercepts (n_tasks, n_classes) at predictions z."""
        shape = len(bounds) - 1, self.loss.n_classes or 1
        if self.form is False:
            return np.zeros(shape)
        if self._seen is not z:
            self._seen = None
            rows = y, self.known(z), weight, bounds
            search = Shifts(self.loss, self.form, self.strength, *rows, shape)
            self._start = search.solve(self._start)
            self._seen = z
        return self._start

    def value(self, y, z, weight, bounds):
        c = self.intercepts(y, z, weight, bounds)
        value = self.loss.value(y, self._shifted(z, c, bounds), weight, bounds)
        if self.form == "shrink":
            value += self.strength * float(np.sum((c - c.mean(axis=0)) ** 2))
        return value

    def gradient(self, y, z, weight, bounds):
        moved = self.at(y, z, weight, bounds)
        if self.smooth or self.form is False:
            return self.loss.gradient(y, moved, weight, bounds)
        # at a knot there are many subgradients, and one whose rows add up to what the
        # intercepts pay for: nothing, or the slope of their own penalty
        room = np.abs(y) + np.abs(z) + np.abs(moved - z)
        low, high = self.loss.sides(y, moved, weight, bounds, NEAR * EPS * room)
        c = self.intercepts(y, z, weight, bounds)
        least, most = (class_sums(u, bounds, c.shape[1]) for u in (low, high))
        if self.form == "shared":
            least, most = (u.sum(axis=0) for u in (least, most))
        wanted, width = np.zeros_like(least), most - least
        if self.form == "shrink":
            wanted -= 2 * self.strength * (c - c.mean(axis=0))
        short = wanted - least
        share = np.divide(short, width, out=np.zeros_like(width), where=width > 0)
        return low + self.push(np.clip(share, 0.0, 1.0), bounds) * (high - low)

    def hessian(self, y, z, weight, bounds):
        """Return the weighted second derivatives of the loss, intercepts held."""
        return self.loss.hessian(y, self.at(y, z, weight, bounds), weight, bounds)

    def feasible(self, y, u, weight, bounds):
        """Return a dual point near u whose rows add up to zero, as intercepts ask."""
        if self._is_balanced(y, u, weight, bounds):
            return u
        if self.form is True:
            return self.loss.balanced(y, u, weight, bounds)
        K = self.loss.n_classes or 1
        label = self.push(np.tile(np.arange(K), len(bounds) - 1), bounds)
        order = np.argsort(label, kind="stable")
        rows = (v[order] for v in (y, u, weight))
        out = np.empty(len(u))
        out[order] = self.loss.balanced(*rows, bounds[[0, -1]])
        return out

    def _is_balanced(self, y, u, weight, bounds):
        """Return whether the sums are zero, but for rounding: u is less a part of y."""
        size = self.pull(np.abs(u) + weight * np.abs(y), bounds)
        return bool(np.all(np.abs(self.pull(u, bounds)) <= ROUNDING * EPS * size))

    def pull(self, u, bounds):
        if self.form is False:
            return np.zeros(0)
        sums = class_sums(u, bounds, self.loss.n_classes or 1)
        return sums.ravel() if self.form is True else sums.sum(axis=0)

    def push(self, c, bounds):
        if self.form is False:
            return 0.0
        shape = len(bounds) - 1, self.loss.n_classes or 1
        c = np.broadcast_to(np.reshape(c, (-1, shape[1])), shape)
        return spread(np.zeros(bounds[-1]), c, bounds)

    def conjugate(self, y, u, weight, bounds):
        if not self._is_balanced(y, u, weight, bounds):
            return np.inf
        value = self.loss.conjugate(y, u, weight, bounds)
        if self.offset is not None:  # less its mean, which the sums leave out
            rows = self.push(self.pull(np.ones(len(u)), bounds), bounds)
            total = self.push(self.pull(self.offset, bounds), bounds)
            mean = 0.0 if self.form is False else total / rows
            value -= float(np.dot(u, self.offset - mean))
        if self.form == "shrink":
            sums = class_sums(u, bounds, self.loss.n_classes or 1)
            value += float(np.sum(sums**2)) / (4 * self.strength)
        return value

    def smoothed(self, step, dual):
        """Return the same of the smoothed loss."""
        smooth = self.loss.smoothed(step, dual)
        other = Profiled(smooth, self.form, self.strength, self.offset)
        other._start = self._start
        return other

    def shifted(self, z):
        """Return the same with a larger offset."""
        offset = z if self.offset is None else z + self.offset
        other = Profiled(self.loss, self.form, self.strength, offset)
        other._start = self._start
        return other

    def task_values(self, y, z, weight, bounds):
        z = self.at(y, z, weight, bounds)
        return self.loss.task_values(y, z, weight, bounds)

    def far(self, y, z, weight, bounds):
        if self.form == "shrink":  # large intercepts would cost
            return self.task_values(y, FAR * z, weight, bounds)
        known = 0.0 if self.offset is None else self.offset
        shift = known / FAR - known
        return self.loss.far(y, self.at(y, z, weight, bounds) + shift, weight, bounds)

    def learned(self, y, z, weight, bounds):
        return self.loss.learned(y, self.at(y, z, weight, bounds), weight, bounds)

    def rounding(self, y_scale, eps):
        return self.loss.rounding(y_scale, eps)

    def at(self, y, z, weight, bounds):
        """Return the linear predictions, with offset and intercepts."""
        return self._shifted(z, self.intercepts(y, z, weight, bounds), bounds)

    def shifts(self, y, z, weight, bounds):
        """Return the intercept of each row."""
        c = self.intercepts(y, z, weight, bounds)
        return spread(np.zeros(len(y)), c, bounds)

    def known(self, z):
        """Return predictions with the offset."""
        return z if self.offset is None else z + self.offset

    def _shifted(self, z, c, bounds):
        return self.known(z) if self.form is False else spread(self.known(z), c, bounds)
