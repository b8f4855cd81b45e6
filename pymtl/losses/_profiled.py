"""A loss whose intercepts are minimised out."""

from __future__ import annotations

import numpy as np

from ._base import FAR, Loss

NEWTON_STEPS = 60
HALVINGS = 40
PATIENCE = 5
BISECTIONS = 100
EPS = np.finfo(float).eps
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
        self.form = form
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
            task = _Shifts(self, y, self._known(z), weight, bounds, shape)
            start = np.zeros(shape) if self._start is None else self._start
            self._start = task.exact()
            if self._start is None:
                self._start = task.newton(start) if self.smooth else task.bisect(start)
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
        # at a knot there are many subgradients, and one whose rows add up to zero
        room = np.abs(y) + np.abs(z) + np.abs(moved - z)
        low, high = self.loss.sides(y, moved, weight, bounds, NEAR * EPS * room)
        least, most = (self.pull(u, bounds) for u in (low, high))
        width = most - least
        share = np.divide(-least, width, out=np.zeros_like(width), where=width > 0)
        return low + self.push(np.clip(share, 0.0, 1.0), bounds) * (high - low)

    def hessian(self, y, z, weight, bounds):
        """Return the weighted second derivatives of the loss, intercepts held."""
        return self.loss.hessian(y, self.at(y, z, weight, bounds), weight, bounds)

    def feasible(self, y, u, weight, bounds):
        """Return a dual point near u whose rows add up to zero, as intercepts ask."""
        if self._is_balanced(u, bounds):
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

    def _is_balanced(self, u, bounds):
        """Return whether the sums are zero, but for rounding."""
        size = self.pull(np.abs(u), bounds)
        return bool(np.all(np.abs(self.pull(u, bounds)) <= ROUNDING * EPS * size))

    def pull(self, u, bounds):
        if self.form is False:
            return np.zeros(0)
        sums = _sums(u, bounds, self.loss.n_classes or 1)
        return sums.ravel() if self.form is True else sums.sum(axis=0)

    def push(self, c, bounds):
        if self.form is False:
            return 0.0
        shape = len(bounds) - 1, self.loss.n_classes or 1
        c = np.broadcast_to(np.reshape(c, (-1, shape[1])), shape)
        return spread(np.zeros(bounds[-1]), c, bounds)

    def conjugate(self, y, u, weight, bounds):
        if not self._is_balanced(u, bounds):
            return np.inf
        value = self.loss.conjugate(y, u, weight, bounds)
        if self.offset is not None:  # less its mean, which the sums leave out
            rows = self.push(self.pull(np.ones(len(u)), bounds), bounds)
            total = self.push(self.pull(self.offset, bounds), bounds)
            mean = 0.0 if self.form is False else total / rows
            value -= float(np.dot(u, self.offset - mean))
        if self.form == "shrink" and self.strength > 0:
            sums = _sums(u, bounds, self.loss.n_classes or 1)
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
        if self.form == "shrink" and self.strength > 0:
            return self.task_values(y, z, weight, bounds)
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

    def _known(self, z):
        return z if self.offset is None else z + self.offset

    def _shifted(self, z, c, bounds):
        return (
            self._known(z) if self.form is False else spread(self._known(z), c, bounds)
        )


class _Shifts:
    """The problem of the intercepts at given predictions."""

    def __init__(self, profile, y, z, weight, bounds, shape):
        self.loss, self.y, self.z = profile.loss, y, z
        self.weight, self.bounds, self.shape = weight, bounds, shape
        self.shared = profile.form == "shared"
        self.strength = profile.strength if profile.form == "shrink" else 0.0
        self.scale = (self.loss.curvature or 1.0) * weight

    def slopes(self, c):
        """Return the gradient in the intercepts, and what counts as its rounding."""
        z = spread(self.z, c, self.bounds)
        r = self.loss.gradient(self.y, z, self.weight, self.bounds)
        slope = _sums(r, self.bounds, self.shape[1])
        size = np.abs(r) + self.scale * (np.abs(self.y) + np.abs(z))
        size = _sums(size, self.bounds, self.shape[1])
        if self.strength:
            slope += 2 * self.strength * (c - c.mean(axis=0))
        if self.shared:
            slope = np.broadcast_to(slope.sum(axis=0), self.shape)
            size = np.broadcast_to(size.sum(axis=0), self.shape)
        return slope, 8 * EPS * size

    def exact(self):
        """Return the minimiser where there is a formula for it, else None."""
        if self.strength:
            return None
        ends = self.bounds[[0, -1]] if self.shared else self.bounds
        best = self.loss.best_shift(self.y, self.z, self.weight, ends)
        if best is None:
            return None
        return best if best.ndim == 2 else np.broadcast_to(best[:, None], self.shape)

    def newton(self, c):
        """Return the minimiser by Newton's method, halving steps that go too far."""
        slope, rounding = self.slopes(c)
        idle = 0
        for _ in range(NEWTON_STEPS):
            if np.all(np.abs(slope) <= rounding):
                break
            step = self.direction(c, slope)
            fall = -np.sum(slope * step, axis=1)
            length = np.ones((len(c), 1))
            best = np.abs(slope).max()
            for _ in range(HALVINGS):
                new, noise = self.slopes(c + length * step)
                rise = np.abs(np.sum(new * step, axis=1))
                far = ~(rise <= 0.9 * fall) & (rise > np.sum(noise * np.abs(step), 1))
                if self.strength or self.shared:
                    far[:] = ~(rise.sum() <= 0.9 * fall.sum()) and far.any()
                if not far.any():
                    break
                length[far] *= 0.5
            c, slope, rounding = c + length * step, new, noise
            idle = idle + 1 if np.abs(slope).max() > 0.5 * best else 0
            if idle == PATIENCE:
                break
        return c

    def direction(self, c, slope):
        """Return the Newton step, with the coupling of "shrink" by elimination."""
        z = spread(self.z, c, self.bounds)
        H = self.loss.shift_hessian(self.y, z, self.weight, self.bounds)
        if self.shared:
            H = np.broadcast_to(H.sum(axis=0), H.shape)
        K = self.shape[1]
        top = np.trace(H, axis1=1, axis2=2).max() + self.strength
        lift = 2 * self.strength + 1e-12 * top + 1e-300
        inverse = np.linalg.inv(H + lift * np.eye(K))
        step = -np.einsum("tkl,tl->tk", inverse, slope)
        if self.strength:
            weight = 2 * self.strength * inverse
            mean = np.linalg.lstsq(
                np.eye(K) - weight.mean(axis=0), step.mean(axis=0), rcond=None
            )[0]
            step = step + weight @ mean
        return step

    def bisect(self, c):
        """Return the minimiser where the slope may jump."""
        low, high = c - 1.0, c + 1.0
        for end, sign in ((low, 1.0), (high, -1.0)):
            width = 1.0
            for _ in range(BISECTIONS):
                out = sign * self.slopes(end)[0] > 0
                if not out.any():
                    break
                end[out] -= sign * width
                width *= 2.0
        for _ in range(BISECTIONS):
            middle = 0.5 * (low + high)
            right = self.slopes(middle)[0] < 0
            low, high = np.where(right, middle, low), np.where(right, high, middle)
            if np.all(high - low <= 2 * EPS * np.maximum(np.abs(low), np.abs(high))):
                break
        return 0.5 * (low + high)


def spread(z: np.ndarray, c: np.ndarray, bounds: np.ndarray) -> np.ndarray:
    """Return z plus the intercepts c (n_tasks, n_classes) of its rows."""
    return z + np.repeat(
        c.ravel(), np.repeat(np.diff(bounds) // c.shape[1], c.shape[1])
    )


def _sums(r, bounds, n_classes):
    """Return the sums (n_tasks, n_classes) of the rows."""
    sizes = np.repeat(np.diff(bounds) // n_classes, n_classes)
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    return np.add.reduceat(r, starts).reshape(-1, n_classes)
