"""Intercepts of the squared loss, minimised out by centring.

All four forms are one: within a task rows are centred, and between the task means
the residuals k pay ``½ k' (diag(a) - a a' / sum a) k``. Free intercepts have a = 0,
one shared intercept has a = omega, intercepts that are shrunk to their mean with
strength lambda0 have ``a = 2 lambda0 omega / (omega + 2 lambda0)``.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from ._feature_weight import FeatureWeight
from ._sparse import centre_full
from .designs import Between, Shared, Shifted, Stacked, StackedSparse
from .tasks import SHARED, TaskData


class Centred:
    """Data whose intercepts are minimised out.

    Parameters
    ----------
    data : TaskData
        The training data.
    task_weight : ndarray of shape (n_tasks,)
        Weight omega of each task's mean loss.
    fit_intercept : bool or {"shared", "shrink"}
        The form of the intercepts.
    lambda0 : float or "auto"
        Strength of "shrink"; "auto" is half the mean task weight.
    pooled : bool, default=False
        Whether the tasks have the same coefficients, so that what is common to the
        task means belongs to the intercept.
    """

    def __init__(
        self,
        data: TaskData,
        task_weight: np.ndarray,
        fit_intercept: bool | str = True,
        lambda0: float | str = "auto",
        pooled: bool = False,
    ):
        self.fit_intercept = fit_intercept
        self.lambda0: float | None = None
        self.features: FeatureWeight | None = None
        self.omega = task_weight
        self.dtype = data.X.dtype
        share = data.weight / data.spread(data.task_sum(data.weight))
        self.weight = share * data.spread(task_weight)
        y = data.y.astype(np.float64)
        if data.offset is not None:
            y = y - data.offset
        self.y_scale = float(np.dot(self.weight * y, y))
        if fit_intercept is False:
            self.means = self.y_means = None
            self.y, self.design = y, _plain(data)
            self.within = self.design
            return
        self.means = _task_means(data, share)
        self.y_means = data.task_sum(share * y)
        rest = data.task_sum(share * (y - data.spread(self.y_means)))
        self.y_means += rest
        self.y = y - data.spread(self.y_means)
        self.y[self.weight == 0] = 0.0
        self.within = self.design = _centre(data, self.means)
        n_tasks = len(task_weight)
        self.between = np.zeros(n_tasks)
        if fit_intercept == "shared":
            self.between = task_weight
        elif fit_intercept == "shrink":
            auto = isinstance(lambda0, str)
            self.lambda0 = float(0.5 * task_weight.mean() if auto else lambda0)
            twice = 2 * self.lambda0
            self.between = twice * task_weight / (task_weight + twice)
        if n_tasks == 1 or not self.between.any():
            return
        means = self.means
        if pooled:
            common = self.between @ means / self.between.sum()
            means = _subtract(means, common, np.empty_like(means))
        self.design = Between(self.design, means, self.between)
        self.y = np.concatenate([self.y, self.design.project(self.y_means)])
        self.weight = np.concatenate([self.weight, np.ones(n_tasks)])

    def weigh(self, features: FeatureWeight) -> None:
        """Let the features count with weights in the penalty."""
        self.features, self.rows = features, (self.design, self.y)
        n = self.within.bounds[-1]
        self.within, _ = features.enter(self.within, self.y[:n], self.weight[:n])
        self.design, self.y = features.enter(self.design, self.y, self.weight)

    def reduce(self) -> None:
        """Take fewer rows with the same squared loss, where there are many a task."""
        within = self.within
        d, n_tasks = within.shape
        n = within.bounds[-1]
        dense = hasattr(within, "reduced") and self.features is None
        if not dense or n <= 2 * n_tasks * (d + 1):
            return
        self.within, y = within.reduced(self.weight[:n], self.y[:n])
        self.y = np.concatenate([y, self.y[n:]])
        self.weight = np.concatenate([np.ones(len(y)), self.weight[n:]])
        if self.design is within:
            self.design = self.within
        else:
            self.design = Between(self.within, self.design.means, self.between)

    def restore(self, parts: list[np.ndarray]) -> list[np.ndarray]:
        """Return the components for all features, in their own units."""
        if self.features is None:
            return parts
        first, *rest = (self.features.unscale(U) for U in parts)
        first += self.features.covariate_fit(sum(rest, first), *self.rows)
        return [first, *rest]

    def seen(self, W: np.ndarray) -> np.ndarray:
        """Return coefficients as the penalty sees them, weighted, covariates zero."""
        return W if self.features is None else self.features.seen(W)

    def task_squares(self, data: TaskData) -> np.ndarray:
        """Return each task's weighted sum of squares of the centred targets."""
        n = len(data.y)
        return data.task_sum(self.weight[:n] * self.y[:n] ** 2)

    def intercepts(self, W: np.ndarray) -> np.ndarray:
        """Return the intercepts (n_tasks,) that belong to coefficients W."""
        if self.fit_intercept is False:
            return np.zeros(len(self.omega))
        free = self.y_means - np.einsum("tj,jt->t", self.means, W)
        if not self.between.any():
            return free
        centre = np.dot(self.between, free) / self.between.sum()
        if self.fit_intercept == "shared":
            return np.full_like(free, centre)
        twice = 2 * self.lambda0
        return (self.omega * free + twice * centre) / (self.omega + twice)


def _plain(data):
    X = data.X
    if sp.issparse(X):
        if data.door == SHARED:
            return Shared(X.astype(np.float64, copy=False), data.n_tasks)
        return StackedSparse.of_rows(X, data.bounds)
    if data.door == SHARED:
        return Shared(np.ascontiguousarray(X), data.n_tasks)
    return Stacked(np.ascontiguousarray(X), data.bounds)


def _task_means(data, share):
    """Weighted means (n_tasks, n_features) of the rows, accumulated in float64."""
    if sp.issparse(data.X):
        return np.ascontiguousarray(_plain(data).adjoint(share).T)
    if data.door == SHARED:
        return share.reshape(data.n_tasks, -1) @ data.X
    means = np.empty((data.n_tasks, data.X.shape[1]))
    for t, (a, b) in enumerate(zip(data.bounds[:-1], data.bounds[1:], strict=True)):
        means[t] = share[a:b] @ data.X[a:b]
    return means


def _centre(data, means):
    if sp.issparse(data.X):
        return _centre_sparse(data, means)
    if data.door == SHARED:
        centre = means.mean(axis=0)
        shift = means - centre
        same = np.abs(shift).max() <= 1e-14 * np.abs(data.X).max()
        X = _subtract(data.X, centre, np.empty(data.X.shape, data.X.dtype))
        design = Shared(X, data.n_tasks)
        return design if same else Shifted(design, shift)
    X = np.empty(data.X.shape, dtype=data.X.dtype)
    for t, (a, b) in enumerate(zip(data.bounds[:-1], data.bounds[1:], strict=True)):
        _subtract(data.X[a:b], means[t], X[a:b])
    return Stacked(X, data.bounds)


def _centre_sparse(data, means):
    """Centre by what the products lose: zeros stay zeros."""
    design, eps = _plain(data), np.finfo(data.X.dtype).eps
    if data.door == SHARED:
        n, centre = data.X.shape[0], means.mean(axis=0, keepdims=True)
        X, rest = centre_full(design.X, np.array([n]), centre, eps)
        design, shift = Shared(X, data.n_tasks), means - (centre - rest)
        shift[:, np.abs(shift).max(axis=0) <= 1e-14 * np.abs(centre[0])] = 0.0
    else:
        A, shift = centre_full(design.A, np.diff(data.bounds), means, eps)
        design = StackedSparse(A, data.bounds)
    return Shifted(design, shift) if shift.any() else design


def _subtract(X, mean, out):
    """Centre X; a column that is constant but for rounding becomes zero."""
    np.subtract(X, mean, out=out, casting="same_kind")
    size = np.maximum(out.max(axis=0), -out.min(axis=0))
    rounding = np.finfo(X.dtype).eps * np.abs(mean)
    small = np.flatnonzero(size <= max(len(X), 8) * rounding)
    constant = np.ptp(X[:, small], axis=0) == 0
    out[:, small[constant | (size[small] <= 8 * rounding[small])]] = 0
    return out
