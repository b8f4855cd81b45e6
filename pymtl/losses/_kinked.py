"""Losses of two lines that meet at y."""

from __future__ import annotations

import numpy as np

from .._kernels_shifts import ramp_roots
from ._base import Loss, slope, weighted_quantile, within

NEAR = 64  # roundings of the sum of its slopes within which a task is at a kink


class Kinked(Loss):
    r"""Base class of the losses with two slopes, a below y and b above.

    .. math:: \ell(y, z) = \max(a (z - y), b (z - y)), \qquad
              \ell^*(u) = u y, \quad u \in [a, b], \qquad a \le 0 \le b.

    A subclass gives :meth:`slopes`.
    """

    smooth = False

    def slopes(self, y: np.ndarray) -> tuple:
        """Return the slopes a and b of each row.

        Parameters
        ----------
        y : ndarray of shape (n_rows,)
            Targets.

        Returns
        -------
        low, high : float or ndarray of shape (n_rows,)
            The slopes below and above y.
        """
        raise NotImplementedError

    def value(self, y, z, weight, bounds):
        low, high = self.slopes(y)
        residual = z - y
        return float(np.dot(weight, np.maximum(low * residual, high * residual)))

    def gradient(self, y, z, weight, bounds):
        low, high = self.slopes(y)
        return weight * np.where(z > y, high, np.where(z < y, low, 0.0))

    def sides(self, y, z, weight, bounds, room):
        low, high = self.slopes(y)
        residual = z - y
        ends = (
            np.where(residual < -room, low, high),
            np.where(residual > room, high, low),
        )
        return weight * np.minimum(*ends), weight * np.maximum(*ends)

    def room(self, y, z, u, weight, bounds):
        low, high = self.slopes(y)
        row = slope(u, weight)
        inside = np.maximum((row - low) * (high - row), 0.0)
        return lambda v: weight * inside * v

    def conjugate(self, y, u, weight, bounds):
        if not within(slope(u, weight), *self.slopes(y)):
            return np.inf
        return float(np.dot(u, y))

    def dual_prox(self, y, x, weight, bounds, step):
        return weight * np.clip((x - y) / step, *self.slopes(y))

    def dual_prox_slope(self, y, x, weight, bounds, step):
        low, high = self.slopes(y)
        inside = (x - y > step * low) & (x - y < step * high)
        return weight / step * inside

    def best_shift(self, y, z, weight, bounds):
        share = -np.add.reduceat(weight * self.slopes(y)[0], bounds[:-1])
        return weighted_quantile(y - z, weight, share, bounds)

    def shrunk_shift(self, y, z, weight, bounds, strength):
        # about a mean m a task stays at a kink while 2 strength (m - kink) is between
        # the slopes there: one ramp a kink, whose sum has its root at the best mean
        low, high = (np.broadcast_to(v, len(y)) for v in self.slopes(y))
        sizes, starts = np.diff(bounds), bounds[:-1]
        task = np.repeat(np.arange(len(sizes)), sizes)
        order = np.lexsort((y - z, task))
        knot, rise = (y - z)[order], (weight * (high - low))[order]
        first = np.add.reduceat(weight * low, starts)
        before = np.cumsum(rise) - rise
        before += np.repeat(first - before[starts], sizes)
        step = 0.5 / strength
        least = np.zeros(len(y))
        least[starts] = first
        kink = knot + step * (before - least)
        ramps = np.full(len(y), step), least, least + rise
        one = np.ones(len(y)), np.array([0, len(y)])
        mean = ramp_root(kink, *ramps, *one)
        slopes = np.clip((mean - kink) / step, *ramps[1:])
        shift = mean - step * np.add.reduceat(slopes, starts)
        # a task at a kink is there exactly, without what the sums leave of rounding
        away = np.abs(knot - np.repeat(shift, sizes))
        nearest = np.lexsort((away, task))[starts]
        room = np.abs(mean) + step * np.add.reduceat(np.abs(slopes), starts)
        at = away[nearest] <= NEAR * np.finfo(float).eps * room
        return np.where(at, knot[nearest], shift)

    def smooth_shift(self, y, x, weight, bounds, step):
        return ramp_root(y - x, step, *self.slopes(y), weight, bounds)


def ramp_root(
    knot: np.ndarray,
    step: float | np.ndarray,
    low: float | np.ndarray,
    high: float | np.ndarray,
    weight: np.ndarray,
    bounds: np.ndarray,
) -> np.ndarray:
    """Return for each task the c where its ramps add up to zero.

    The ramp of a row is its weight times ``clip((c - knot) / step, low, high)``.
    """
    rows = (
        np.ascontiguousarray(np.broadcast_to(v, len(knot)), dtype=float)
        for v in (knot, step, low, high, weight)
    )
    return ramp_roots(*rows, bounds)
