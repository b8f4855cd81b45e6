"""Intercepts, minimised out: of the squared loss by centring, else within the loss.

For the squared loss all four forms are one: within a task rows are centred, and between
the task means the residuals k pay ``½ k' (diag(a) - a a' / sum a) k``. Free intercepts
have a = 0, one shared intercept has a = omega, intercepts that are shrunk to their mean
with strength lambda0 have ``a = 2 lambda0 omega / (omega + 2 lambda0)``.
"""

from __future__ import annotations

from copy import copy
from dataclasses import replace
from functools import partial

import numpy as np
import scipy.sparse as sp

from ._feature_weight import FeatureWeight, WithCovariates
from ._kernels import weighted_squares
from ._sparse import centre_full
from .designs import (
    Between,
    PerClass,
    Recentred,
    Scaled,
    Selected,
    Shared,
    Shifted,
    Stacked,
    StackedSparse,
)
from .losses import Loss, Squared
from .losses._profiled import Profiled, spread
from .penalties._weak_prior import INTERCEPT_VARIANCE, rows_share
from .solvers import on_design
from .tasks import SHARED, Pieces, TaskData


class Rows:
    """Rows and weights of a problem, and the way back to the tasks' coefficients.

    Parameters
    ----------
    data : TaskData
        The training data.
    task_weight : ndarray of shape (n_tasks,)
        Weight omega of each task's mean loss.
    loss : Loss
        The loss.
    fit_intercept : bool or {"shared", "shrink"}
        The form of the intercepts.
    lambda0 : float or "auto"
        Strength of "shrink"; "auto" is half the mean task weight, of labels twice that
        over the number of rows.

    Attributes
    ----------
    sizes : ndarray of shape (n_tasks,)
        Effective number of rows of each task, the inverse of the sum of the squared
        shares that they have in its loss (Kish); 0 of a task without rows.
    """

    def __init__(self, data, task_weight, loss, fit_intercept, lambda0):
        self.loss = loss
        self.fit_intercept = fit_intercept
        self.features: FeatureWeight | None = None
        self.omega = task_weight
        self.dtype = data.X.dtype
        total = data.task_sum(data.weight)
        share = data.weight / data.spread(np.where(total > 0, total, 1.0))
        self.share, self.weight = share, share * data.spread(task_weight)
        spread = data.task_sum(share**2)
        self.sizes = np.divide(1, spread, out=np.zeros_like(spread), where=spread > 0)
        self.lambda0: float | None = None
        if fit_intercept == "shrink":
            auto = isinstance(lambda0, str)
            self.lambda0 = self._automatic() if auto else float(lambda0)
        self.y = data.y.astype(np.float64)
        self.bounds = data.bounds
        self.least_squares = None

    def _automatic(self):
        """Return the strength of "shrink": half a task weight, of labels a prior's."""
        if self.loss.targets != "classification":
            return float(0.5 * self.omega.mean())
        return rows_share(self.omega, self.sizes) / (2 * INTERCEPT_VARIANCE)

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

    def rounding(self, W: np.ndarray) -> float:
        """Return what rounding to the data's type adds to the loss.

        Parameters
        ----------
        W : ndarray of shape (n_features, n_columns)
            Coefficients of all features, with the intercepts that belong to them.
        """
        c = self.intercepts(W).astype(self.dtype).astype(float)
        rounded = W.astype(self.dtype).astype(float)
        return self.loss_at(rounded, c) - self.loss_at(W, self.intercepts(W))

    def loss_at(self, W: np.ndarray, c: np.ndarray) -> float:
        """Return the loss with coefficients W and intercepts c, "shrink" included."""
        raise NotImplementedError

    def spread_cost(self, c: np.ndarray) -> float:
        """Return what intercepts c pay for their spread about the mean."""
        if self.fit_intercept != "shrink":
            return 0.0
        return self.lambda0 * float(np.sum((c - c.mean(axis=0)) ** 2))

    def seen(self, W: np.ndarray) -> np.ndarray:
        """Return coefficients as the penalty sees them, weighted, covariates zero."""
        return W if self.features is None else self.features.seen(W)

    def null_losses(self) -> np.ndarray:
        """Return each task's loss at zero coefficients."""
        n = self.bounds[-1]
        rows = self.y[:n], np.zeros(n), self.weight[:n], self.bounds
        values = self.loss.task_values(*rows)
        values[values <= self.loss.rounding(0.0, np.finfo(self.dtype).eps)] = 0.0
        return values


class Centred(Rows):
    """Data whose intercepts are minimised out by centring.

    Parameters
    ----------
    data, task_weight, loss, fit_intercept, lambda0 : object
        As in `Rows`.
    pooled : ndarray of bool of shape (n_features,) or None, default=None
        The features that have the same coefficient in all tasks, so that what is common
        to their task means belongs to the intercept.
    """

    def __init__(
        self,
        data: TaskData,
        task_weight: np.ndarray,
        loss: Loss,
        fit_intercept: bool | str = True,
        lambda0: float | str = "auto",
        pooled: np.ndarray | None = None,
    ):
        super().__init__(data, task_weight, loss, fit_intercept, lambda0)
        share, y = self.share, self.y
        if data.offset is not None:
            y = y - data.offset
        zero = np.broadcast_to(0.0, y.shape)
        self.y_scale = weighted_squares(self.weight, y, zero)
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
        self.within = self.design = _centre(data, self.means, data.own)
        self.pooled = pooled
        self._join()

    def _join(self):
        """Add rows for what the task means say where the intercepts are not free."""
        n_tasks, omega = len(self.omega), self.omega
        self.between = np.zeros(n_tasks)
        if self.fit_intercept == "shared":
            self.between = omega
        elif self.fit_intercept == "shrink":
            twice = 2 * self.lambda0
            self.between = twice * omega / (omega + twice)
        self.design = self.within
        if n_tasks == 1 or not self.between.any():
            return
        means = self.means
        if self.pooled is not None:
            common = self.pooled * (self.between @ means) / self.between.sum()
            means = _subtract(means, common, np.empty_like(means))
        self.design = Between(self.within, means, self.between)
        self.y = np.concatenate([self.y, self.design.project(self.y_means)])
        self.weight = np.concatenate([self.weight, np.ones(n_tasks)])

    def with_lambda0(self, lambda0: float):
        """Return the same rows with another strength of "shrink".

        Parameters
        ----------
        lambda0 : float
            The strength.

        Returns
        -------
        rows : Centred
            They share the centred rows.
        """
        other, n = copy(self), self.within.bounds[-1]
        other.lambda0 = lambda0
        other.y, other.weight = self.y[:n], self.weight[:n]
        other._join()
        return other

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

    def loss_at(self, W, c):
        design, y = (self.design, self.y) if self.features is None else self.rows
        n, z = self.within.bounds[-1], design.forward(W)
        if self.fit_intercept is False:
            return self.loss.value(y, z, self.weight, design.bounds)
        free = self.y_means - np.einsum("tj,jt->t", self.means, W)
        rows = y[:n], z[:n], self.weight[:n], self.within.bounds
        if not self.loss.quadratic:
            y, z, *rest = rows
            return self.loss.value(y, spread(z, (c - free)[:, None], rest[1]), *rest)
        between = 0.5 * float(np.dot(self.omega, (free - c) ** 2))
        return self.loss.value(*rows) + between + self.spread_cost(c)


class Uncentred(Rows):
    """Data whose intercepts are minimised out within the loss.

    Rows are centred where every task has an intercept of its own, which changes nothing
    but the condition.

    Parameters
    ----------
    data, task_weight, loss, fit_intercept, lambda0 : object
        As in `Rows`.
    by_task : bool, default=False
        Where a sample has several linear predictions, one a class: whether the columns
        of W are the tasks, each with the coefficients of all its classes, rather than
        the classes of the tasks.
    """

    def __init__(
        self,
        data: TaskData,
        task_weight: np.ndarray,
        loss: Loss,
        fit_intercept: bool | str = True,
        lambda0: float | str = "auto",
        by_task: bool = False,
    ):
        super().__init__(data, task_weight, loss, fit_intercept, lambda0)
        self.y_scale, self.means = 0.0, None
        if fit_intercept is True:
            self.means = _task_means(data, self.share)
            design = _centre(data, self.means)
        else:
            design = _plain(data)
        shared = isinstance(fit_intercept, str)
        self._centred = partial(_centre_by_task, data, self.share) if shared else None
        offset = data.offset
        if loss.n_classes is None:
            if shared:
                rows = partial(_least_squares, data, fit_intercept, self.lambda0)
                self.least_squares = rows
            else:
                self.least_squares = LeastSquares(design, fit_intercept)
        else:
            design = PerClass(design, loss.n_classes, by_task)
            scalar = getattr(loss, "scalar", None)
            self.y, self.weight = design.indicators(self.y, self.weight, scalar)
            self.present = design.present(self.weight)
            offset = None if offset is None else design.repeat(offset)
            self.bounds = design.bounds
            if shared:
                centre, K = self._centred, loss.n_classes
                self._centred = lambda: PerClass(centre(), K, by_task)
        self.by_task = by_task
        self.design = self.plain = design
        self.profile = Profiled(loss, fit_intercept, self.lambda0 or 0.0, offset)
        self.loss = self.profile

    @property
    def within(self):
        """The design whose rows are centred within each task if there are intercepts.

        Of intercepts that are not free it is made when asked for, and not kept.
        """
        if self._centred is None:
            return self.design
        design, features = self._centred(), self.features
        if features is None:
            return design
        if len(features.free):
            design = Selected(design, features.kept)
        return Scaled(design, features.scale)

    def weigh(self, features: FeatureWeight) -> None:
        """Let the features count with weights in the penalty."""
        self.features, design, squares = features, self.design, self.least_squares
        if len(features.free):
            if not self.loss.smooth or squares is None:
                msg = (
                    "A feature_weight of 0 (a covariate) needs a smooth loss, and two "
                    "classes at most; give the feature a small weight instead."
                )
                raise ValueError(msg)
            own = partial(Selected, features=features.free)
            self.loss = WithCovariates(self.loss, own(design), on_design(squares, own))
            design = Selected(design, features.kept)
        self.design = Scaled(design, features.scale)
        if squares is not None:
            self.least_squares = partial(_weighed_squares, features, squares)

    def restore(self, parts: list[np.ndarray]) -> list[np.ndarray]:
        """Return the components for all features, in their own units."""
        if self.features is None:
            return parts
        first, *rest = (self.features.unscale(U) for U in parts)
        if len(self.features.free):
            z = self.plain.forward(sum(rest, first))
            first[self.features.free] = self.loss.fit(self.y, z, self.weight)
        return [first, *rest]

    def intercepts(self, W: np.ndarray) -> np.ndarray:
        """Return the intercepts (n_tasks,), or (n_tasks, n_classes), that go with W."""
        if self.fit_intercept is False:
            K = self.loss.n_classes
            shape = len(self.omega), *(() if K is None else (K,))
            return np.zeros(shape)
        z = self.plain.forward(W)
        n = self.bounds[-1]
        rows = self.y[:n], z, self.weight[:n], self.bounds
        c = self.profile.intercepts(*rows).copy()  # a caller may write into it
        if self.loss.n_classes is None:
            c = c[:, 0]
            return c if self.means is None else c - np.einsum("tj,jt->t", self.means, W)
        if self.means is None:
            return c
        tasks, d = self.means.shape
        V = per_class(W, d, tasks, self.by_task)
        return c - np.einsum("tj,tkj->tk", self.means, V)

    def loss_at(self, W, c):
        z, cost = self.profile.known(self.plain.forward(W)), self.spread_cost(c)
        if self.loss.n_classes is None:
            c = c[:, None]
        if self.means is not None:
            V = per_class(W, self.means.shape[1], len(self.means), self.by_task)
            c = c + np.einsum("tj,tkj->tk", self.means, V)
        n = self.bounds[-1]
        rows = self.weight[:n], self.bounds
        z = spread(z, c, self.bounds)
        return self.profile.loss.value(self.y[:n], z, *rows) + cost


def _weighed_squares(features, least_squares, y, weight):
    """Return least squares on the penalised features."""
    design, y, weight = least_squares(y, weight)
    design, y = features.enter(design, y, weight)
    return design, y, weight


def per_class(W: np.ndarray, d: int, n_tasks: int, by_task: bool) -> np.ndarray:
    """Return coefficients as (n_tasks, n_classes, n_features)."""
    if by_task:
        return W.reshape(-1, d, n_tasks).transpose(2, 0, 1)
    return W.T.reshape(n_tasks, -1, d)


class LeastSquares:
    """Weighted least squares whose intercepts are free, or absent.

    Parameters
    ----------
    design : design
        The tasks; with intercepts their rows are centred, with any weights.
    fit_intercept : bool
        Whether each task has an intercept.
    """

    def __init__(self, design, fit_intercept):
        self.design = design
        self.fit_intercept = fit_intercept

    def __call__(self, y, weight):
        """Return design, targets and weights, the intercepts minimised out."""
        if not self.fit_intercept:
            return self.design, y, weight
        design = Recentred(self.design, weight)
        starts, total = design.bounds[:-1], np.where(design.total > 0, design.total, 1)
        means = np.add.reduceat(weight * y, starts) / total
        return design, y - np.repeat(means, np.diff(design.bounds)), weight

    def of(self, design):
        """Return the same of another design, of some of the features."""
        return LeastSquares(design, self.fit_intercept)


def _least_squares(data, fit_intercept, lambda0, y, weight):
    """Return design, targets and weights of weighted least squares on the rows."""
    data = replace(data, y=y, weight=weight, offset=None, own=False)
    omega = data.task_sum(weight)
    rows = Centred(data, omega, Squared(), fit_intercept, lambda0)
    return rows.design, rows.y, rows.weight


def _plain(data):
    X = data.X
    if sp.issparse(X):
        if data.door == SHARED:
            return Shared(X.astype(np.float64, copy=False), data.n_tasks)
        return StackedSparse.of_rows(X, data.bounds)
    if data.door == SHARED:
        return Shared(np.ascontiguousarray(X), data.n_tasks)
    return Stacked(X.arrays if isinstance(X, Pieces) else X, data.bounds)


def _task_means(data, share):
    """Weighted means (n_tasks, n_features) of the rows, accumulated in float64."""
    if sp.issparse(data.X):
        return np.ascontiguousarray(_plain(data).adjoint(share).T)
    if data.door == SHARED:
        return share.reshape(data.n_tasks, -1) @ data.X
    means = np.empty((data.n_tasks, data.X.shape[1]))
    parts = np.split(share, data.bounds[1:-1])
    for mean, own, X in zip(means, parts, data.pieces, strict=True):
        mean[:] = own @ X
    return means


def _centre_by_task(data, share):
    return _centre(data, _task_means(data, share))


def _centre(data, means, own=False):
    """Return the design of centred rows, in the place of the data's if they are own."""
    if sp.issparse(data.X):
        return _centre_sparse(data, means)
    if data.door == SHARED:
        centre = means.mean(axis=0)
        shift = means - centre
        largest = max(data.X.max(), -data.X.min())
        same = np.abs(shift).max() <= 1e-14 * largest
        X = _subtract(data.X, centre, np.empty(data.X.shape, data.X.dtype))
        design = Shared(X, data.n_tasks)
        return design if same else Shifted(design, shift)
    own = own and data.X.flags.c_contiguous
    X = data.X if own else np.empty(data.X.shape, dtype=data.X.dtype)
    parts = np.split(X, data.bounds[1:-1])
    for rows, mean, centred in zip(data.pieces, means, parts, strict=True):
        _subtract(rows, mean, centred)
    if own:  # nobody is to take them for the rows that came in
        data.X = np.broadcast_to(X.dtype.type(np.nan), X.shape)
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
    if not len(small):
        return out
    constant = np.ptp(X[:, small], axis=0) == 0
    out[:, small[constant | (size[small] <= 8 * rounding[small])]] = 0
    return out
