"""A loss of its own for each task."""

from __future__ import annotations

import numpy as np

from ._base import Loss


class PerTask(Loss):
    r"""The sum of one loss a task.

    .. math:: f(z) = \sum_t f_t(z_t)

    Where a task has several classes all tasks have their number of linear predictions;
    the others use the first.

    Parameters
    ----------
    losses : list of Loss
        The losses, in the order of the tasks.
    n_classes : int or None, default=None
        Number of linear predictions a sample; None is one.

    Examples
    --------
    >>> import numpy as np
    >>> from pymtl.losses import Logistic, PerTask, Squared
    >>> loss = PerTask([Squared(), Logistic()])
    >>> y, z = np.array([1.0, 2.0, 1.0]), np.zeros(3)
    >>> loss.task_values(y, z, np.ones(3), np.array([0, 2, 3])).round(2)
    array([2.5 , 0.69])
    """

    targets = "mixed"

    def __init__(self, losses: list[Loss], n_classes: int | None = None):
        self.losses = losses
        self.n_classes = n_classes

    @property
    def smooth(self) -> bool:
        """Whether all losses are smooth."""
        return all(loss.smooth for loss in self.losses)

    @property
    def curvature(self) -> float | None:
        """The largest bound of the second derivatives."""
        bounds = [loss.curvature for loss in self.losses if loss.smooth]
        return None if None in bounds or not bounds else max(bounds)

    @property
    def scalar(self) -> np.ndarray:
        """Which tasks have one linear prediction a sample."""
        return np.array([loss.n_classes is None for loss in self.losses])

    def value(self, y, z, weight, bounds):
        return float(self.task_values(y, z, weight, bounds).sum())

    def task_values(self, y, z, weight, bounds):
        return np.array(self._each("value", bounds, y, z, weight))

    def gradient(self, y, z, weight, bounds):
        return np.concatenate(self._each("gradient", bounds, y, z, weight))

    def hessian(self, y, z, weight, bounds):
        return np.concatenate(self._each("hessian", bounds, y, z, weight))

    def dual_prox(self, y, x, weight, bounds, step):
        step = np.broadcast_to(step, len(y))
        return np.concatenate(self._each("dual_prox", bounds, y, x, weight, last=step))

    def dual_prox_slope(self, y, x, weight, bounds, step):
        step = np.broadcast_to(step, len(y))
        slopes = self._each("dual_prox_slope", bounds, y, x, weight, last=step)
        return np.concatenate(slopes)

    def smoothed(self, step=1.0, dual=0.0):
        return _SmoothedTasks(self, step, dual)

    def sides(self, y, z, weight, bounds, room):
        found = self._each("sides", bounds, y, z, weight, last=room)
        low, high = zip(*found, strict=True)
        return np.concatenate(low), np.concatenate(high)

    def balanced(self, y, u, weight, bounds):
        if len(bounds) <= len(self.losses):  # one intercept for all tasks
            return super().balanced(y, u, weight, bounds)
        return np.concatenate(self._each("balanced", bounds, y, u, weight))

    def room(self, y, z, u, weight, bounds):
        moves = self._each("room", bounds, y, z, u, weight)
        cuts = bounds[1:-1]

        def move(v):
            parts = zip(moves, np.split(v, cuts), strict=True)
            return np.concatenate([each(part) for each, part in parts])

        return move

    def conjugate(self, y, u, weight, bounds):
        return float(sum(self._each("conjugate", bounds, y, u, weight)))

    def deviance(self, means, sizes):
        parts = zip(self.losses, means[:, None], sizes[:, None], strict=True)
        return float(sum(loss.deviance(mean, size) for loss, mean, size in parts))

    def shift_hessian(self, y, z, weight, bounds):
        K = self.n_classes or 1
        hessians = self._each("shift_hessian", bounds, y, z, weight)
        out = np.zeros((len(hessians), K, K))
        for t, H in enumerate(hessians):
            out[t, : H.shape[1], : H.shape[1]] = H[0]
        return out

    def best_shift(self, y, z, weight, bounds):
        if self.smooth:
            return None
        from ._profiled import Profiled

        shifts = np.zeros((len(self.losses), self.n_classes or 1))
        cuts = zip(self.losses, bounds[:-1], bounds[1:], strict=True)
        for t, (loss, a, b) in enumerate(cuts):
            alone = Profiled(loss, True)
            c = alone.intercepts(y[a:b], z[a:b], weight[a:b], np.array([0, b - a]))
            shifts[t, : c.shape[1]] = c[0]
        return shifts

    def rounding(self, y_scale, eps):
        return max(loss.rounding(y_scale, eps) for loss in self.losses)

    def learned(self, y, z, weight, bounds):
        found = self._each("learned", bounds, y, z, weight)
        names = {name for attributes in found for name in attributes}
        unknown = np.array([np.nan])
        return {
            name: np.concatenate(
                [attributes.get(name, unknown) for attributes in found]
            )
            for name in names
        }

    def _each(self, method, bounds, *rows, last=None):
        """Call a method of each loss with the rows of its task."""
        out = []
        for loss, a, b in zip(self.losses, bounds[:-1], bounds[1:], strict=True):
            task = [v[a:b] for v in rows]
            more = () if last is None else (last[a:b],)
            out.append(getattr(loss, method)(*task, np.array([0, b - a]), *more))
        return out


class _SmoothedTasks(PerTask):
    """The same where the losses with kinks are smoothed, and the others as they are."""

    def __init__(self, loss, step, dual):
        super().__init__(loss.losses, loss.n_classes)
        self.kinked, self.step, self.dual = loss.losses, step, dual
        self._bounds = None

    def _each(self, method, bounds, *rows, last=None):
        if self._bounds is not bounds:
            n = bounds[-1]
            step, dual = (np.broadcast_to(v, n) for v in (self.step, self.dual))
            self.losses = [
                loss if loss.smooth else loss.smoothed(step[a:b], dual[a:b])
                for loss, a, b in zip(self.kinked, bounds[:-1], bounds[1:], strict=True)
            ]
            self._bounds = bounds
        return super()._each(method, bounds, *rows, last=last)

    @property
    def smooth(self):
        return True

    @property
    def curvature(self):
        flat = [loss.curvature or 1.0 for loss in self.kinked if loss.smooth]
        return max([*flat, float(1.0 / np.min(self.step))])
