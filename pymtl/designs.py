"""Designs: what the solvers see of the data.

A design maps coefficients W (n_features, n_columns) to the predictions of all rows,
stacked task after task, and back. Solvers know no other layout.

=====================  ========================================================
``forward(W)``         stacked predictions, shape (n_rows,)
``adjoint(r)``         the transpose, shape (n_features, n_columns)
``block(t, weight)``   rows B_t, square-root weighted, with B_t'B_t at least the
                       part of the weighted Gram matrix that belongs to column t
``gram(weight)``       a function W -> adjoint(weight * forward(W)) that holds the
                       products X_t'X_t in place of the rows, or None; a `Gram`
                       where the tasks do not touch each other
``take(features)``     the design of some of the features; a design without it is
                       not solved by coordinate descent
``alike(weight)``      numbers c_t when every B_t'B_t is c_t B_0'B_0, else None
``bounds``             rows ``bounds[t]:bounds[t + 1]`` belong to task t
=====================  ========================================================
"""

from __future__ import annotations

import numpy as np

from ._kernels import gram_product, stacked_adjoint, stacked_forward

LARGE_TASK = 20_000


class Stacked:
    """Tasks with their own rows, stacked into one C-contiguous matrix.

    Small tasks are multiplied by one compiled loop over all rows, tasks of more than
    `LARGE_TASK` numbers by a library call each.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_features)
        Rows sorted by task.
    bounds : ndarray of shape (n_tasks + 1,)
        Task boundaries.
    """

    def __init__(self, X, bounds):
        self.X = X
        self.bounds = bounds
        self.shape = (X.shape[1], len(bounds) - 1)
        self.large = X.dtype == float and X.size > LARGE_TASK * self.shape[1]
        self.tasks = np.split(X, bounds[1:-1])

    def forward(self, W):
        if self.large:
            columns = np.ascontiguousarray(W.T)
            return np.concatenate(
                [X @ w for X, w in zip(self.tasks, columns, strict=True)]
            )
        return stacked_forward(self.X, np.ascontiguousarray(W), self.bounds)

    def adjoint(self, r):
        if self.large:
            parts = np.split(r, self.bounds[1:-1])
            return np.stack([v @ X for X, v in zip(self.tasks, parts, strict=True)], 1)
        return stacked_adjoint(self.X, np.ascontiguousarray(r), self.bounds)

    def block(self, t, weight):
        rows = slice(self.bounds[t], self.bounds[t + 1])
        return self.X[rows] * np.sqrt(weight[rows])[:, None]

    def gram(self, weight):
        return _stacked_gram(self, weight)

    def take(self, features):
        return Stacked(np.take(self.X, features, axis=1), self.bounds)

    def alike(self, weight):
        return None


class Shared:
    """One design matrix for all tasks; it is never copied for each task.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
        The design matrix.
    n_tasks : int
        Number of tasks.
    shift : ndarray of shape (n_tasks, n_features) or None, default=None
        What each task subtracts from every row of X: the means of its observed rows.
    """

    def __init__(self, X, n_tasks, shift=None):
        self.X = X
        self.shift = shift
        self.bounds = X.shape[0] * np.arange(n_tasks + 1)
        self.shape = (X.shape[1], n_tasks)

    def forward(self, W):
        Z = W.T @ self.X.T
        if self.shift is not None:
            Z -= np.einsum("tj,jt->t", self.shift, W)[:, None]
        return Z.ravel()

    def adjoint(self, r):
        R = r.reshape(self.shape[1], -1)
        G = (R @ self.X).T
        if self.shift is not None:
            G -= self.shift.T * R.sum(axis=1)
        return G

    def block(self, t, weight):
        w = weight[self.bounds[t] : self.bounds[t + 1]]
        seen = w > 0
        rows = self.X if seen.all() else self.X[seen]
        if self.shift is not None:
            rows = rows - self.shift[t]
        return rows * np.sqrt(w[seen])[:, None]

    def gram(self, weight):
        scale = self.alike(weight)
        if scale is None:
            return _stacked_gram(self, weight)
        B = self.block(0, weight)
        return Gram((B.T @ B)[None], scale)

    def take(self, features):
        shift = None if self.shift is None else self.shift[:, features]
        return Shared(np.take(self.X, features, axis=1), self.shape[1], shift)

    def alike(self, weight):
        weight = weight.reshape(self.shape[1], -1)
        scale = weight.sum(axis=1) / weight[0].sum()
        if self.shift is not None or np.any(
            np.abs(weight - scale[:, None] * weight[0]) > 1e-15 * scale[:, None]
        ):
            return None
        return scale


class Gram:
    """The products ``X_t'X_t = c_t H_t``, as a function of the coefficients.

    Parameters
    ----------
    H : ndarray of shape (n_tasks, n_features, n_features) or (1, ...)
        The matrices H_t, or one for all tasks.
    scale : ndarray of shape (n_tasks,)
        The numbers c_t, ones where each task has its matrix.
    """

    def __init__(self, H, scale):
        self.H = H
        self.scale = scale

    def __call__(self, W):
        if len(self.H) == 1:
            return (self.H[0] @ W) * self.scale
        return gram_product(self.H, np.ascontiguousarray(W))

    def take(self, features):
        """Return the products of some of the features."""
        return Gram(self.H[:, features[:, None], features], self.scale)


class Between:
    """A design and one row a task that is known up to a common constant.

    Intercepts that are shared or shrunk to each other leave, once minimised out, the
    centred tasks and the quadratic form ``k' (diag(a) - a a' / sum a) k`` of the
    residuals k of the task means. This design appends the square root of that form
    as one more row a task.

    Parameters
    ----------
    design : design
        The tasks, each centred.
    means : ndarray of shape (n_tasks, n_features)
        Mean row of each task.
    strength : ndarray of shape (n_tasks,)
        The vector a.
    """

    def __init__(self, design, means, strength):
        self.design = design
        self.means = means
        self.root = np.sqrt(strength)
        self.direction = self.root / np.linalg.norm(self.root)
        self.shape = design.shape
        n_rows = design.bounds[-1]
        self.bounds = np.append(design.bounds, n_rows + np.arange(1, len(means) + 1))

    def project(self, k):
        """Return the scaled residuals of the task means, less their common part."""
        k = self.root * k
        return k - self.direction * (self.direction @ k)

    def forward(self, W):
        return np.concatenate([self.design.forward(W), self._forward(W)])

    def adjoint(self, r):
        n_rows = self.design.bounds[-1]
        return self.design.adjoint(r[:n_rows]) + self._adjoint(r[n_rows:])

    def _forward(self, W):
        return self.project(np.einsum("tj,jt->t", self.means, W))

    def _adjoint(self, k):
        return self.means.T * (self.root * (k - self.direction * (self.direction @ k)))

    def gram(self, weight):
        product = self.design.gram(weight[: self.design.bounds[-1]])
        return lambda W: product(W) + self._adjoint(self._forward(W))

    def block(self, t, weight):
        row = self.root[t] * self.means[t]
        n_rows = self.design.bounds[-1]
        return np.vstack([self.design.block(t, weight[:n_rows]), row])

    def alike(self, weight):
        return None


class Spanned:
    """A design whose coefficients are ``W = S N'``: columns of S in place of tasks.

    With ``N`` a column of ones all tasks have the same coefficients.

    Parameters
    ----------
    design : design
        The tasks.
    basis : ndarray of shape (n_tasks, n_columns)
        The matrix N.
    """

    def __init__(self, design, basis):
        self.design = design
        self.basis = basis
        self.shape = (design.shape[0], basis.shape[1])
        self.bounds = design.bounds

    def forward(self, W):
        return self.design.forward(W @ self.basis.T)

    def adjoint(self, r):
        return self.design.adjoint(r) @ self.basis

    def block(self, t, weight):
        size = np.abs(self.basis)
        share = np.sqrt(size[:, t] * size.sum(axis=1))
        tasks = np.flatnonzero(share)
        return np.vstack([share[s] * self.design.block(s, weight) for s in tasks])

    def gram(self, weight):
        product, N = self.design.gram(weight), self.basis
        return None if product is None else lambda W: product(W @ N.T) @ N

    def alike(self, weight):
        return None


def _stacked_gram(design, weight):
    """Return the products of tasks that do not touch each other."""
    d, m = design.shape
    H = np.empty((m, d, d))
    for t in range(m):
        B = design.block(t, weight)
        H[t] = B.T @ B
    return Gram(H, np.ones(m))
