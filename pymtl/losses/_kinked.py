"""Losses of two lines that meet at y."""

from __future__ import annotations

import numpy as np

from ._base import Loss, slope, weighted_quantile, within


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

    def smooth_shift(self, y, x, weight, bounds, step):
        # a sum of ramps, which start and stop to rise at the knots
        low, high = self.slopes(y)
        step = np.broadcast_to(step, x.shape)
        task = np.repeat(np.arange(len(bounds) - 1), np.diff(bounds))
        knots = np.concatenate([y - x + step * low, y - x + step * high])
        order = np.lexsort((knots, np.concatenate([task, task])))
        knots, first = knots[order], 2 * bounds[:-1]
        rate = np.concatenate([weight / step, -weight / step])[order]
        rate = np.cumsum(rate)
        rise = np.append(0.0, rate[:-1] * np.diff(knots))
        rise[first] = 0.0
        height = np.cumsum(rise)
        lowest = np.add.reduceat(weight * low, bounds[:-1])
        height += np.repeat(lowest - height[first], 2 * np.diff(bounds))
        # the knot before the root, and the way that is left
        before = np.add.reduceat(height < 0, first, dtype=int) - 1
        at = first + np.maximum(before, 0)
        next_at = np.minimum(at + 1, 2 * bounds[1:] - 1)
        way = np.divide(
            -height[at],
            rate[at],
            out=np.zeros(len(at)),
            where=(before >= 0) & (rate[at] > 0),
        )
        shift = np.clip(knots[at] + way, knots[at], knots[next_at])
        # what the sums over other tasks have left of rounding
        x = x + np.repeat(shift, np.diff(bounds))
        rest = np.add.reduceat(self.dual_prox(y, x, weight, bounds, step), bounds[:-1])
        slopes = self.dual_prox_slope(y, x, weight, bounds, step)
        slopes = np.add.reduceat(slopes, bounds[:-1])
        return shift - np.divide(rest, slopes, out=np.zeros(len(at)), where=slopes > 0)
