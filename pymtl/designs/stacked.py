"""Tasks with their own rows, dense."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from .._kernels import stacked_adjoint, stacked_forward
from .._sparse import weighted
from ._base import Design, class_bounds, weights_alike

LARGE_TASK = 20_000


class Stacked(Design):
    """Tasks with their own rows, stacked into one C-contiguous matrix.

    Small tasks are multiplied by one compiled loop over all rows, tasks of more than
    `LARGE_TASK` numbers by a library call each, for which they need no stack.

    Parameters
    ----------
    X : ndarray or list of ndarray, of shape (n_rows, n_features)
        Rows sorted by task, or those of each task.
    bounds : ndarray of shape (n_tasks + 1,)
        Task boundaries.
    n_classes : int, default=1
        Number of columns of W a task.
    """

    def __init__(self, X, bounds, n_classes=1):
        self.given = X
        self.rows, self.n_classes = bounds, n_classes
        self.bounds = class_bounds(bounds, n_classes)
        n_tasks, first = len(bounds) - 1, X[0] if isinstance(X, list) else X
        d = first.shape[-1]
        self.shape = (d, n_classes * n_tasks)
        big = first.dtype == float and bounds[-1] * d > LARGE_TASK * n_tasks
        self.large = big or n_classes > 1

    @cached_property
    def X(self):
        """The rows, sorted by task."""
        apart = isinstance(self.given, list)
        return np.concatenate(self.given) if apart else np.ascontiguousarray(self.given)

    @cached_property
    def tasks(self):
        """The rows of each task."""
        if isinstance(self.given, list):
            return self.given
        return np.split(self.X, self.rows[1:-1])

    def forward(self, W):
        if self.large:
            parts = np.split(np.ascontiguousarray(W.T), len(self.tasks))
            pairs = zip(self.tasks, parts, strict=True)
            return np.concatenate([(U @ X.T).ravel() for X, U in pairs])
        return stacked_forward(self.X, np.ascontiguousarray(W), self.bounds)

    def adjoint(self, r):
        if self.large:
            parts = np.split(r, self.n_classes * self.rows[1:-1])
            pairs = zip(self.tasks, parts, strict=True)
            parts = [v.reshape(self.n_classes, -1) @ X for X, v in pairs]
            return np.ascontiguousarray(np.concatenate(parts).T)
        return stacked_adjoint(self.X, np.ascontiguousarray(r), self.bounds)

    def block(self, t, weight):
        rows = slice(self.bounds[t], self.bounds[t + 1])
        return weighted(self.tasks[t // self.n_classes], weight[rows])

    def squares(self, weight):
        parts = np.split(weight[: self.bounds[-1]], self.bounds[1:-1])
        rows = ((self.tasks[t // self.n_classes], w) for t, w in enumerate(parts))
        return np.stack([w @ np.square(X, dtype=float) for X, w in rows], axis=1)

    def take(self, features):
        if isinstance(self.given, list):
            X = np.concatenate([np.take(X, features, axis=1) for X in self.given])
        else:
            X = np.take(self.X, features, axis=1)
        return Stacked(X, self.rows, self.n_classes)

    @property
    def has_lines(self):
        return self.n_classes == 1

    def lines(self, features, weight):
        X = self.take(features).X * np.sqrt(weight)[:, None]
        return np.ascontiguousarray(X.T)

    def of_classes(self, n):
        return Stacked(self.given, self.rows, n)

    def reduced(self, weight, y):
        """Return a design of fewer rows with the same inner products, and its y.

        The rows of a task that has more of them than features become the triangle of
        their QR decomposition, so that nothing is squared; their weight is 1.
        """
        parts = []
        for t, (a, b) in enumerate(zip(self.bounds[:-1], self.bounds[1:], strict=True)):
            z = np.sqrt(weight[a:b]) * y[a:b]
            part = np.column_stack([self.block(t, weight), z])
            small = len(part) <= part.shape[1]
            parts.append(part if small else np.linalg.qr(part, mode="r"))
        rows = np.concatenate(parts)
        bounds = np.cumsum([0, *map(len, parts)])
        return Stacked(np.ascontiguousarray(rows[:, :-1]), bounds), rows[:, -1]

    def alike(self, weight):
        return weights_alike(weight, self.n_classes) if len(self.tasks) == 1 else None
