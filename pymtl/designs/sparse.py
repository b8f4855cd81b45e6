"""Tasks with their own rows, sparse."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from .._sparse import by_task, weighted
from ._base import Design, class_bounds


class StackedSparse(Design):
    """Tasks with their own sparse rows, as one matrix that maps all of W.

    Parameters
    ----------
    A : csr_array of shape (n_rows, n_features * n_tasks)
        Rows sorted by task, as :func:`pymtl._sparse.by_task` returns them.
    bounds : ndarray of shape (n_tasks + 1,)
        Task boundaries.
    n_classes : int, default=1
        Number of columns of W a task.
    """

    def __init__(self, A, bounds, n_classes=1):
        self.A = A
        self.rows, self.n_classes = bounds, n_classes
        self.bounds = class_bounds(bounds, n_classes)
        self.n_tasks = len(bounds) - 1
        self.shape = (A.shape[1] // self.n_tasks, n_classes * self.n_tasks)

    @classmethod
    def of_rows(cls, X, bounds):
        """Return the design of the rows of X."""
        n_tasks = len(bounds) - 1
        task = np.repeat(np.arange(n_tasks), np.diff(bounds))
        return cls(by_task(X, task, n_tasks), bounds)

    def forward(self, W):
        if self.n_classes == 1:
            return self.A @ W.ravel()
        parts = np.split(self.A @ W.reshape(-1, self.n_classes), self.rows[1:-1])
        return np.concatenate([z.T.ravel() for z in parts])

    def adjoint(self, r):
        if self.n_classes == 1:
            return (self.A.T @ r).reshape(self.shape)
        parts = np.split(r, self.n_classes * self.rows[1:-1])
        parts = [v.reshape(self.n_classes, -1).T for v in parts]
        return (self.A.T @ np.concatenate(parts)).reshape(self.shape)

    def block(self, t, weight):
        task = t // self.n_classes
        A = self.A[self.rows[task] : self.rows[task + 1]]
        shape = (A.shape[0], self.shape[0])
        X = sp.csr_array((A.data, A.indices // self.n_tasks, A.indptr), shape=shape)
        return weighted(X, weight[self.bounds[t] : self.bounds[t + 1]])

    def take(self, features):
        n_tasks = self.n_tasks
        columns = np.add.outer(n_tasks * np.asarray(features), np.arange(n_tasks))
        return StackedSparse(self.A[:, columns.ravel()], self.rows, self.n_classes)

    def of_classes(self, n):
        return StackedSparse(self.A, self.rows, n)
