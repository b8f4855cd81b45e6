"""The search for the best intercepts at given predictions."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

import numpy as np

EPS = np.finfo(float).eps
NEWTON_STEPS = 30
HALVINGS = 40
PATIENCE = 5
EVALUATIONS = 600  # halving alone, from the largest float to rounding, takes 130
SWEEPS = 500
REACH = 4.0
NEAR = 4.0
LEFT = 1e-9


class Shifts:
    r"""The problem of the intercepts at given predictions.

    .. math:: \min_c\, f(z + S c) + \lambda_0 \sum_t (c_t - \bar c)^2

    Parameters
    ----------
    loss : Loss
        The loss f.
    form : {True, "shared", "shrink"}
        The intercepts.
    strength : float
        The strength of "shrink".
    y, z, weight, bounds : ndarray
        As in :meth:`Loss.value`.
    shape : tuple
        ``(n_tasks, n_classes)``.
    """

    def __init__(self, loss, form, strength, y, z, weight, bounds, shape):
        self.loss, self.y, self.z = loss, y, z
        self.weight, self.bounds, self.shape = weight, bounds, shape
        self.shared = form == "shared"
        self.strength = strength if form == "shrink" and shape[0] > 1 else 0.0

    @cached_property
    def scale(self) -> np.ndarray:
        """The curvature of each row."""
        return (self.loss.curvature or 1.0) * self.weight

    @cached_property
    def size(self) -> np.ndarray:
        """What each row's residual is the difference of."""
        return np.where(self.weight > 0, np.abs(self.y) + np.abs(self.z), 0.0)

    @cached_property
    def unit(self) -> np.ndarray:
        """Rounding (n_tasks, n_classes) of the largest row."""
        top = class_sums(self.size, self.bounds, self.shape[1], np.maximum)
        return EPS * top

    def solve(self, start: np.ndarray | None) -> np.ndarray:
        """Return the minimiser (n_tasks, n_classes).

        It is a formula where the loss has one. One class leaves one increasing function
        a task, whose root is bracketed; what couples tasks or classes is tried by
        Newton's method, and where that fails, by such roots.
        """
        if not np.isfinite(self.z).all():  # nothing is best; a line search goes back
            return np.zeros(self.shape)
        best = self.exact()
        if best is not None:
            return best
        c = self.exact(0.0) if start is None else start
        if c is None:
            c = np.zeros(self.shape)
        if self.shape[1] == 1 and not self.strength:
            return self.roots(c)
        if self.loss.smooth:
            c, done = self.newton(c)
            if done:
                return c
        if self.shape[1] == 1:
            return self.about_the_mean(c)
        return self.by_class(c)

    def exact(self, strength: float | None = None) -> np.ndarray | None:
        """Return the minimiser where there is a formula for it, else None."""
        strength = self.strength if strength is None else strength
        ends = self.bounds[[0, -1]] if self.shared else self.bounds
        rows = self.y, self.z, self.weight, ends
        if strength:
            best = self.loss.shrunk_shift(*rows, strength)
        else:
            best = self.loss.best_shift(*rows)
        if best is None:
            return None
        best = best if best.ndim == 2 else best[:, None]
        return np.array(np.broadcast_to(best, self.shape))

    def slopes(self, c, mean=None):
        """Return the gradient in the intercepts, and what counts as its rounding."""
        z = spread(self.z, c, self.bounds)
        r = self.loss.gradient(self.y, z, self.weight, self.bounds)
        slope = class_sums(r, self.bounds, self.shape[1])
        size = np.abs(r) + self.scale * (self.size + np.abs(z))
        size = class_sums(size, self.bounds, self.shape[1])
        if self.strength:
            mean = c.mean(axis=0) if mean is None else mean
            slope = slope + 2 * self.strength * (c - mean)
            size = size + 2 * self.strength * (np.abs(c) + np.abs(mean))
        if self.shared:
            slope = np.broadcast_to(slope.sum(axis=0), self.shape)
            size = np.broadcast_to(size.sum(axis=0), self.shape)
        return slope, 8 * EPS * size

    def curvatures(self, c):
        """Return the second derivatives (n_tasks, n_classes, n_classes) of the loss."""
        z = spread(self.z, c, self.bounds)
        H = self.loss.shift_hessian(self.y, z, self.weight, self.bounds)
        return np.broadcast_to(H.sum(axis=0), H.shape) if self.shared else H

    def roots(self, c, mean=None, k=0):
        """Return c with the intercepts of class k best, the mean and the rest held."""
        c = c.copy()

        def slope(column):
            c[:, k] = column
            value, noise = self.slopes(c, mean)
            rate = None
            if self.loss.smooth:
                rate = self.curvatures(c)[:, k, k] + 2 * self.strength
            return value[:, k], rate, noise[:, k]

        c[:, k] = increasing_root(slope, c[:, k], self.unit[:, k])
        return c

    def about_the_mean(self, c):
        r"""Return the minimiser where the tasks are coupled by their mean alone.

        The best intercepts :math:`c_t(m)` about a given m are roots, and so is the best
        m, of :math:`2 \lambda_0 \sum_t (m - c_t(m))`.
        """
        twice = 2 * self.strength

        def slope(m):
            nonlocal c
            c = self.roots(c, m)
            value = twice * np.sum(m - c, axis=0)
            noise = self.slopes(c, m)[1].sum(axis=0)
            if not self.loss.smooth:
                return value, None, noise
            H = self.curvatures(c)[:, :, 0]
            return value, twice * np.sum(H / (H + twice), axis=0), noise

        increasing_root(slope, c.mean(axis=0), self.unit.max(axis=0))
        return c

    def by_class(self, c):
        """Return the minimiser by one class after another, and the mean in between.

        That is slow near the end, where Newton's method is not.
        """
        for _ in range(SWEEPS):
            for k in range(self.shape[1]):
                c = self.roots(c, c.mean(axis=0), k)
            trial, done = self.newton(c) if self.loss.smooth else (c, False)
            if done:
                return trial
            slope, noise = self.slopes(c)
            if np.all(np.abs(slope) <= LEFT / EPS * noise):
                return c
        msg = "The search for intercepts has not converged; please report the data."
        raise RuntimeError(msg)

    def newton(self, c):
        """Return where Newton's method ends, and whether that is the minimiser.

        Steps that go too far are halved.
        """
        with np.errstate(over="ignore", invalid="ignore"):
            slope, rounding = self.slopes(c)
            idle = 0
            for _ in range(NEWTON_STEPS):
                if np.all(np.abs(slope) <= rounding) or not np.isfinite(slope).all():
                    break
                step = self.direction(c, slope)
                fall = -np.sum(slope * step, axis=1)
                length = np.ones((len(c), 1))
                best = np.abs(slope).max()
                for _ in range(HALVINGS):
                    new, noise = self.slopes(c + length * step)
                    rise = np.abs(np.sum(new * step, axis=1))
                    least = np.sum(noise * np.abs(step), axis=1)
                    far = ~(rise <= 0.9 * fall) & ~(rise <= least)
                    if self.strength or self.shared:
                        far[:] = ~(rise.sum() <= 0.9 * fall.sum()) and far.any()
                    if not far.any():
                        break
                    length[far] *= 0.5
                c, slope, rounding = c + length * step, new, noise
                idle = idle + 1 if np.abs(slope).max() > 0.5 * best else 0
                if idle == PATIENCE:
                    break
            done = np.all(np.abs(slope) <= NEAR * rounding)
        return np.where(np.isfinite(c), c, 0.0), bool(done)

    def direction(self, c, slope):
        """Return the Newton step, with the coupling of "shrink" by elimination."""
        H = self.curvatures(c)
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


def increasing_root(
    slope: Callable[[np.ndarray], tuple], c: np.ndarray, unit: np.ndarray
) -> np.ndarray:
    """Return the root of each of many increasing functions, which may jump.

    Newton steps are kept within the bracket, and give way to its middle where they do
    not halve in two; as long as an end is not known, steps outwards grow by a factor.

    Parameters
    ----------
    slope : callable
        ``slope(c)`` gives values, derivatives (or None) and what counts as rounding of
        the values.
    c : ndarray of shape (n,)
        Start.
    unit : ndarray of shape (n,)
        Length of a bracket that counts as a point, beside the rounding of c.

    Returns
    -------
    c : ndarray of shape (n,)
        Where the values are zero but for rounding, or change sign.
    """
    low, high = np.full(c.shape, -np.inf), np.full(c.shape, np.inf)
    reach = np.ones(c.shape)
    last = before = np.full(c.shape, np.inf)
    for _ in range(EVALUATIONS):
        value, rate, noise = slope(c)
        low = np.where(value < -noise, c, low)
        high = np.where(value > noise, c, high)
        tight = high - low <= 2 * EPS * np.abs(c) + unit
        going = (np.abs(value) > noise) & ~tight
        if np.isnan(value).any():
            break
        if not going.any():
            return c
        step = np.full(c.shape, np.inf)
        if rate is not None:
            with np.errstate(over="ignore"):  # a step of any length goes outwards
                np.divide(-value, rate, out=step, where=going & (rate > 0))
        far = np.abs(step) > 0.5 * before
        closed = np.isfinite(low) & np.isfinite(high)
        middle = 0.5 * (np.where(closed, low, c) + np.where(closed, high, c)) - c
        outwards = -np.sign(value) * reach
        out = (c + step <= low) | (c + step >= high)
        limited = np.where(far | (np.abs(step) > reach), outwards, step)
        step = np.where(closed, np.where(far | out, middle, step), limited)
        reach = np.where(step == outwards, REACH * reach, reach)
        new = np.where(going, c + step, c)
        if np.array_equal(new, c):  # the steps are the rounding of c
            return c
        last, before, c = np.abs(step), last, new
    msg = "The search for intercepts has not converged; please report the data."
    raise RuntimeError(msg)


def spread(z: np.ndarray, c: np.ndarray, bounds: np.ndarray) -> np.ndarray:
    """Return z plus the intercepts c (n_tasks, n_classes) of its rows."""
    return z + np.repeat(
        c.ravel(), np.repeat(np.diff(bounds) // c.shape[1], c.shape[1])
    )


def class_sums(r, bounds, n_classes, function=np.add):
    """Return the sums (n_tasks, n_classes) of the rows, or another reduction."""
    sizes = np.repeat(np.diff(bounds) // n_classes, n_classes)
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    return function.reduceat(r, starts).reshape(-1, n_classes)
