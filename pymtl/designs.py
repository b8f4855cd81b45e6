"""Designs: what the solvers see of the data.

A design maps coefficients W (n_features, n_columns) to the predictions of all rows,
stacked task after task, and back. Solvers know no other layout.

=====================  ========================================================
``forward(W)``         stacked predictions, shape (n_rows,)
``adjoint(r)``         the transpose, shape (n_features, n_columns)
``block(t, weight)``   rows B_t, square-root weighted, with B_t'B_t at least the
                       part of the weighted Gram matrix that belongs to column t; an
                       array, or :class:`~pymtl._sparse.SparseRows`
``gram(weight)``       a function W -> adjoint(weight * forward(W)) that holds the
                       products X_t'X_t in place of the rows, or None; a `Gram`
                       where the tasks do not touch each other
``take(features)``     the design of some of the features; a design without it is
                       not solved by coordinate descent
``of_classes(n)``      the design of n columns of W a task, the predictions of one
                       below those of the other
``alike(weight)``      numbers c_t when every B_t'B_t is c_t B_0'B_0, else None
``squares(weight)``    the diagonals (n_features, n_columns) of all B_t'B_t, for
                       designs that have them cheaper than from the blocks
``bounds``             rows ``bounds[t]:bounds[t + 1]`` belong to task t
=====================  ========================================================
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
import scipy.sparse as sp
from scipy.linalg import block_diag

from ._kernels import gram_product, stacked_adjoint, stacked_forward
from ._sparse import (
    SparseRows,
    by_task,
    column_squares,
    gram,
    less_outer,
    stack_rows,
    triangle,
    weighted,
)

LARGE_TASK = 20_000


class Stacked:
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
        self.bounds = _class_bounds(bounds, n_classes)
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

    def gram(self, weight):
        return _stacked_gram(self, weight)

    def take(self, features):
        if isinstance(self.given, list):
            X = np.concatenate([np.take(X, features, axis=1) for X in self.given])
        else:
            X = np.take(self.X, features, axis=1)
        return Stacked(X, self.rows, self.n_classes)

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
        return _alike(weight, self.n_classes) if len(self.tasks) == 1 else None


class StackedSparse:
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
        self.bounds = _class_bounds(bounds, n_classes)
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

    def gram(self, weight):
        return _stacked_gram(self, weight)

    def take(self, features):
        n_tasks = self.n_tasks
        columns = np.add.outer(n_tasks * np.asarray(features), np.arange(n_tasks))
        return StackedSparse(self.A[:, columns.ravel()], self.rows, self.n_classes)

    def of_classes(self, n):
        return StackedSparse(self.A, self.rows, n)

    def alike(self, weight):
        return None


class Shared:
    """One design matrix for all tasks; it is never copied for each task.

    Parameters
    ----------
    X : ndarray or csr_array of shape (n_samples, n_features)
        The design matrix.
    n_tasks : int
        Number of tasks.
    """

    def __init__(self, X, n_tasks):
        self.X = X
        self.bounds = X.shape[0] * np.arange(n_tasks + 1)
        self.shape = (X.shape[1], n_tasks)

    def forward(self, W):
        return (W.T @ self.X.T).ravel()

    def adjoint(self, r):
        return (r.reshape(self.shape[1], -1) @ self.X).T

    def block(self, t, weight):
        return weighted(self.X, weight[self.bounds[t] : self.bounds[t + 1]])

    def gram(self, weight):
        scale = self.alike(weight)
        if scale is None:
            return _stacked_gram(self, weight)
        weight = weight[: self.bounds[1]]
        top = weight.max()  # rows of weight 1 are not copied
        return Gram(gram(self.block(0, weight / top))[None], top * scale)

    def take(self, features):
        return Shared(_take(self.X, features), self.shape[1])

    def of_classes(self, n):
        return Shared(self.X, n * self.shape[1])

    def alike(self, weight):
        return _alike(weight, self.shape[1])


class Shifted:
    """A design less one row a task: the centring of rows that are not touched.

    Parameters
    ----------
    design : design
        The tasks.
    shift : ndarray of shape (n_tasks, n_features)
        What each task subtracts from its rows.
    """

    def __init__(self, design, shift):
        self.design = design
        self.shift = np.ascontiguousarray(shift.T)
        self.bounds = design.bounds
        self.shape = design.shape

    def forward(self, W):
        z = self.design.forward(W)
        z -= np.repeat(np.einsum("jt,jt->t", self.shift, W), np.diff(self.bounds))
        return z

    def adjoint(self, r):
        G = self.design.adjoint(r)
        G -= self.shift * np.add.reduceat(r, self.bounds[:-1])
        return G

    def block(self, t, weight):
        own = weight[self.bounds[t] : self.bounds[t + 1]]
        B = self.design.block(t, weight)
        return less_outer(B, np.sqrt(own[own > 0]), self.shift[:, t])

    def gram(self, weight):
        return _stacked_gram(self, weight)

    def take(self, features):
        return Shifted(self.design.take(features), self.shift[features].T)

    def of_classes(self, n):
        return Shifted(self.design.of_classes(n), np.repeat(self.shift.T, n, axis=0))

    def alike(self, weight):
        return None


class Recentred(Shifted):
    """A design less the weighted means of its tasks, for other weights than before.

    It has to be centred with some weights: then the products lose little where they
    are corrected for the means.

    Parameters
    ----------
    design : design
        The tasks.
    weight : ndarray of shape (n_rows,)
        Row weights.
    """

    def __init__(self, design, weight):
        total = np.add.reduceat(weight, design.bounds[:-1])
        self.total, self.weight = total, weight
        means = design.adjoint(weight) / np.where(total > 0, total, 1.0)
        super().__init__(design, means.T)

    def gram(self, weight):
        product = self.design.gram(weight) if weight is self.weight else None
        if not isinstance(product, Gram) or len(product.H) < len(self.total):
            return super().gram(weight)
        shift = self.shift.T
        for H, s, c in zip(product.H, shift, self.total / product.scale, strict=True):
            H -= np.outer(c * s, s)
        return product

    def take(self, features):
        return Recentred(self.design.take(features), self.weight)


class Gram:
    """The products ``X_t'X_t = c_t H_t``, as a function of the coefficients.

    Parameters
    ----------
    H : ndarray of shape (n_tasks, n_features, n_features) or (1, ...)
        The matrices H_t, or one for all tasks.
    scale : ndarray of shape (n_tasks,)
        The numbers c_t.
    """

    def __init__(self, H, scale):
        self.H = H
        self.scale = scale

    def __call__(self, W):
        if len(self.H) == 1:
            return (self.H[0] @ W) * self.scale
        return gram_product(self.H, np.ascontiguousarray(W)) * self.scale

    def diagonal(self):
        """Return the diagonals (n_features, n_tasks)."""
        return np.einsum("tjj->jt", self.H) * self.scale

    def take(self, features):
        """Return the products of some of the features."""
        H = self.H[:, features[:, None], features]
        return Gram(np.ascontiguousarray(H), self.scale)


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
        if product is None:
            return None
        return lambda W: product(W) + self._adjoint(self._forward(W))

    def block(self, t, weight):
        row = self.root[t] * self.means[t]
        n_rows = self.design.bounds[-1]
        return stack_rows([self.design.block(t, weight[:n_rows]), row])

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
        m, k = basis.shape
        same = k % m == 0 and np.array_equal(basis, np.tile(np.eye(m), k // m))
        self.copies = k // m if same else None

    def gather(self, S):
        """Return the coefficients of the tasks, S N'."""
        if self.copies is None:
            return S @ self.basis.T
        return S.reshape(len(S), self.copies, -1).sum(axis=1)

    def spread(self, G):
        """Return G N, the transpose of `gather`."""
        return G @ self.basis if self.copies is None else np.tile(G, self.copies)

    @property
    def majorant(self):
        """What turns a diagonal majorant for the tasks into one for the columns."""
        size = np.abs(self.basis)
        return size * size.sum(axis=1, keepdims=True)

    def forward(self, W):
        return self.design.forward(self.gather(W))

    def adjoint(self, r):
        return self.spread(self.design.adjoint(r))

    def block(self, t, weight):
        return stack_rows(list(self._parts(t, weight)))

    def triangle(self, t, weight):
        """Return few rows with the Gram matrix of the block, a task after the other."""
        parts = self._parts(t, weight)
        return stack_rows(
            [triangle(B) if B.shape[0] > B.shape[1] else B for B in parts]
        )

    def _parts(self, t, weight):
        share = np.sqrt(self.majorant[:, t])
        for s in np.flatnonzero(share):
            yield share[s] * self.design.block(s, weight)

    def gram(self, weight):
        product = self.design.gram(weight)
        if product is None:
            return None
        return lambda W: self.spread(product(self.gather(W)))

    def squares(self, weight):
        own = squares(self.design, weight)
        if self.copies is None:
            return own @ self.majorant
        return np.tile(self.copies * own, self.copies)

    def alike(self, weight):
        return None


class PerClass:
    """A design with several linear predictions a sample, one a class.

    The predictions of a task are stacked class after class. The columns of W are the
    classes of the tasks, task after task; or, for penalties of whole tasks, the tasks,
    each with the coefficients of all its classes one below the other.

    Parameters
    ----------
    design : design
        The tasks.
    n_classes : int
        Number of classes.
    by_task : bool
        Whether the columns of W are the tasks.
    """

    def __init__(self, design, n_classes, by_task):
        self.design = design
        self.columns = design.of_classes(n_classes)
        self.n_classes = n_classes
        self.by_task = by_task
        d, m = design.shape
        self.shape = (n_classes * d, m) if by_task else (d, n_classes * m)
        self.bounds = n_classes * design.bounds
        rows = np.arange(design.bounds[-1])
        parts = [
            np.tile(rows[a:b], n_classes)
            for a, b in zip(design.bounds[:-1], design.bounds[1:], strict=True)
        ]
        self.row = np.concatenate(parts)
        sizes = np.diff(design.bounds)
        self.task = np.repeat(np.arange(m), n_classes * sizes)
        self.label = np.repeat(
            np.tile(np.arange(n_classes), m), np.repeat(sizes, n_classes)
        )

    def repeat(self, values):
        """Return values of the samples, once a class."""
        return values[self.row]

    def indicators(self, y, weight, scalar=None):
        """Return targets and weights of labels y = 0, 1, ...

        A class that a task does not have gets no weight there. Tasks that are `scalar`
        have numbers for targets, and use the first class.
        """
        y, weight = y[self.row], weight[self.row]
        Y = (y == self.label).astype(float)
        kept = self.present(Y * weight)[self.task, self.label]
        if scalar is not None:
            number, first = scalar[self.task], self.label == 0
            Y = np.where(number, y * first, Y)
            kept = np.where(number, first, kept)
        return Y, np.where(kept, weight, 0.0)

    def present(self, weight):
        """Return which classes (n_tasks, n_classes) have rows with weight."""
        present = np.zeros((len(self.bounds) - 1, self.n_classes), bool)
        seen = weight > 0
        present[self.task[seen], self.label[seen]] = True
        return present

    def forward(self, W):
        if not self.by_task:
            return self.columns.forward(W)
        d, m = self.design.shape
        parts = W.reshape(self.n_classes, d, m).transpose(1, 2, 0)
        return self.columns.forward(parts.reshape(d, -1))

    def adjoint(self, r):
        G = self.columns.adjoint(r)
        if not self.by_task:
            return G
        d, m = self.design.shape
        parts = G.reshape(d, m, self.n_classes).transpose(2, 0, 1)
        return parts.reshape(self.shape)

    def block(self, t, weight):
        if not self.by_task:
            return self.columns.block(t, weight)
        labels = range(t * self.n_classes, (t + 1) * self.n_classes)
        blocks = [self.columns.block(k, weight) for k in labels]
        if not isinstance(blocks[0], SparseRows):
            return block_diag(*blocks)
        S = sp.csr_array(sp.block_diag([B.S for B in blocks]))
        left, right = [B.U for B in blocks], [B.V for B in blocks]
        return SparseRows(S, block_diag(*left), block_diag(*right))

    def gram(self, weight):
        return None

    def alike(self, weight):
        return None if self.by_task else self.columns.alike(weight)


def _class_bounds(bounds, n_classes):
    """Return the boundaries of each class of each task."""
    if n_classes == 1:
        return bounds
    sizes = np.repeat(np.diff(bounds), n_classes)
    return np.append(0, np.cumsum(sizes))


def _alike(weight, m):
    """Return the weights of m copies of the rows over the first, or None."""
    weight = weight.reshape(m, -1)
    if not weight[0].any():
        return None
    scale = weight.sum(axis=1) / weight[0].sum()
    for own, c in zip(weight, scale, strict=True):
        if np.any(np.abs(own - c * weight[0]) > 1e-15 * c):
            return None
    return scale


def _stacked_gram(design, weight):
    """Return the products of tasks that do not touch each other."""
    d, m = design.shape
    H = np.empty((m, d, d))
    starts = design.bounds[:-1]
    scale = np.maximum.reduceat(weight, starts)
    scale[(np.minimum.reduceat(weight, starts) < scale) | (scale == 0)] = 1.0
    weight = weight / np.repeat(scale, np.diff(design.bounds))
    for t in range(m):  # rows of weight 1 are not copied
        H[t] = gram(design.block(t, weight))
    return Gram(H, scale)


def _take(X, features):
    return X[:, features] if sp.issparse(X) else np.take(X, features, axis=1)


def alike(design, weight: np.ndarray) -> tuple[np.ndarray | None, np.ndarray]:
    """Return how many times tasks of one Gram matrix have it, and its weights."""
    scale = design.alike(weight)
    if scale is None:
        return scale, weight
    top = weight[: design.bounds[1]].max()  # rows of weight 1 are not copied
    return top * scale, weight / top


def squares(design, weight: np.ndarray) -> np.ndarray:
    """Return the diagonals (n_features, n_columns) of the blocks' Gram matrices."""
    if hasattr(design, "squares"):
        return design.squares(weight)
    scale, weight = alike(design, weight)
    tasks = range(design.shape[1] if scale is None else 1)
    columns = [column_squares(design.block(t, weight)) for t in tasks]
    return np.stack(columns, axis=1) if scale is None else np.outer(columns[0], scale)
