"""The compiled kernel of intercepts that have a formula."""

from __future__ import annotations

import numpy as np

from ._kernels import njit


@njit
def ramp_roots(knot, step, low, high, weight, bounds):
    """For each task the c where its ramps add up to zero.

    The ramp of a row is its weight times ``clip((c - knot) / step, low, high)``.
    """
    n_tasks = bounds.shape[0] - 1
    roots = np.zeros(n_tasks)
    for t in range(n_tasks):
        first, last = bounds[t], bounds[t + 1]
        n = last - first
        if n == 0:
            continue
        knots, rises, height = np.empty(2 * n), np.empty(2 * n), 0.0
        for i in range(n):
            row = first + i
            knots[i] = knot[row] + step[row] * low[row]
            knots[n + i] = knot[row] + step[row] * high[row]
            rises[i] = weight[row] / step[row]
            rises[n + i] = -rises[i]
            height += weight[row] * low[row]
        order = np.argsort(knots)
        root, rate = knots[order[0]], 0.0
        for k in range(2 * n):
            if not height < 0:
                break
            root = knots[order[k]]
            rate += rises[order[k]]
            after = knots[order[min(k + 1, 2 * n - 1)]]
            way, height = -height, height + rate * (after - root)
            if rate > 0:
                root = min(root + way / rate, after)
        roots[t] = root - _rest(root, knot, step, low, high, weight, first, last)
    return roots


@njit
def _rest(c, knot, step, low, high, weight, first, last):
    """What the sums along the knots have left of rounding."""
    rest = rate = 0.0
    for row in range(first, last):
        ramp = (c - knot[row]) / step[row]
        rest += weight[row] * min(max(ramp, low[row]), high[row])
        if low[row] < ramp < high[row]:
            rate += weight[row] / step[row]
    return rest / rate if rate > 0 else 0.0
