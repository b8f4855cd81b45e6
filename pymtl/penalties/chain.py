"""Tasks that change smoothly in time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from sklearn.base import clone

from ._adjacency import laplacian
from ._base import Penalty, Quadratic
from ._order import new_steps, require_order, steps, task_times
from ._prior import around


class Chain(Quadratic):
    r"""Squared steps from each task to the next, over the time between them.

    .. math:: \Omega(W) = \lambda_1 \sum_{t=1}^{T-1}
              \frac{\|w_t - w_{t+1}\|_2^2}{\tau_{t+1} - \tau_t}

    It is the logarithm of a random walk: steps are larger where more time passes.
    Tasks follow each other in the order of their times; without times in their own
    order, one unit of time apart.

    Parameters
    ----------
    lambda1 : float or "auto", default="auto"
        Strength; "auto" is half the mean curvature of the loss, times the mean time
        between tasks.
    times : array-like of shape (n_tasks,), dict or None, default=None
        The times :math:`\tau_t`, in the order of the tasks or by task label.

    References
    ----------
    J. Zhou, L. Yuan, J. Liu and J. Ye (2011). A multi-task learning formulation for
    predicting disease progression. KDD.

    Examples
    --------
    >>> import numpy as np
    >>> from pymtl.penalties import Chain
    >>> W = np.array([[1.0, 2.0, 4.0]])
    >>> values = Chain(1.0).value(W), Chain(1.0, times=[0, 1, 5]).value(W)
    >>> [round(value, 6) for value in values]
    [5.0, 2.0]
    """

    placed_by = "time"

    def __init__(self, lambda1: float | str = "auto", times: Any = None):
        self.lambda1 = lambda1
        self.times = times

    def align(self, tasks, ordered=True):
        return align_times(self, tasks, ordered)

    def quadratic(self, n_tasks):
        order, gaps = steps(self.times, n_tasks)
        return laplacian(order[:-1], order[1:], 2 * self.lambda1 / gaps, n_tasks)

    def new_task(self, W, place):
        tasks, gaps = new_steps(self.times, W.shape[1], place.time)
        return around(W[:, tasks], 2 * self.lambda1 / gaps)

    def resolve(self, gradient, curvature):
        _, gaps = steps(self.times, gradient.shape[1])
        return super().resolve(gradient, curvature * (gaps.mean() if len(gaps) else 1))

    @classmethod
    def examples(cls, n_features: int, n_tasks: int) -> Iterator[Penalty]:
        """Yield instances for the conformance tests.

        Parameters
        ----------
        n_features, n_tasks : int
            Shape of W.

        Yields
        ------
        penalty : Penalty
            Regular and irregular times, with numeric strengths.
        """
        yield cls(0.7)
        yield cls(0.3, irregular_times(n_tasks))


def align_times(penalty: Any, tasks: np.ndarray, ordered: bool) -> Any:
    """Return a copy of a penalty with the times of these tasks."""
    if penalty.times is None:
        require_order(type(penalty).__name__, ordered)
        return penalty
    return clone(penalty).set_params(times=task_times(penalty.times, tasks))


def irregular_times(n_tasks: int) -> np.ndarray:
    """Return times with a mean gap of 1 for the conformance tests, not sorted."""
    times = np.cumsum(1.0 + 0.5 * np.cos(np.arange(n_tasks)))
    span = np.ptp(times)
    times = times * (n_tasks - 1) / span if span else times
    return np.roll(times, n_tasks // 2)
