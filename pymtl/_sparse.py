"""Sparse rows: one form, products by task, and centring that leaves zeros alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import scipy.sparse as sp

CHUNK = 2**22


def canonical(X) -> sp.csr_array:
    """Return a CSR array without duplicates, sorted; the input is left alone."""
    X = sp.csr_array(X)
    if not X.has_canonical_format:
        X = X.copy()
        X.sum_duplicates()
    return X


def by_task(X: sp.csr_array, task: np.ndarray, n_tasks: int) -> sp.csr_array:
    """Return the matrix that maps ``W.ravel()`` to the products ``x_i . w_task(i)``.

    Parameters
    ----------
    X : csr_array of shape (n_rows, n_features)
        The rows.
    task : ndarray of shape (n_rows,)
        Column of W (n_features, n_tasks) that belongs to each row.
    n_tasks : int
        Number of columns of W.

    Returns
    -------
    A : csr_array of shape (n_rows, n_features * n_tasks)
        Feature j of a row of task t is in column ``j * n_tasks + t``.
    """
    n, d = X.shape
    size = d * n_tasks
    integer = np.int32 if max(size, X.nnz) <= np.iinfo(np.int32).max else np.int64
    column = X.indices.astype(integer) * integer(n_tasks)
    column += np.repeat(task.astype(integer), np.diff(X.indptr))
    indptr = X.indptr.astype(integer, copy=False)
    data = X.data.astype(np.float64, copy=False)
    return sp.csr_array((data, column, indptr), shape=(n, size))


def centre_full(A, sizes, means, eps):
    """Centre the columns that hold no zero, which costs no memory.

    Of the others the deviations are not small beside the mean, so that taking the
    mean off their products loses nothing.

    Parameters
    ----------
    A : csr_array of shape (n_rows, n_features * n_tasks)
        Rows by task, see :func:`by_task`.
    sizes : ndarray of shape (n_tasks,)
        Number of rows of each task.
    means : ndarray of shape (n_tasks, n_features)
        Means of the tasks.
    eps : float
        Precision of the data: a column that is constant but for it becomes zero.

    Returns
    -------
    A : csr_array of shape (n_rows, n_features * n_tasks)
        The rows; a copy if they have changed.
    shift : ndarray of shape (n_tasks, n_features)
        What is still to be taken off each row.
    """
    mean = means.T.ravel()
    size = np.tile(sizes, means.shape[1])
    full = np.bincount(A.indices, minlength=len(mean)) == size
    if not full.any():
        return A, means
    entry = np.flatnonzero(full[A.indices])
    column = A.indices[entry]
    values = A.data[entry] - mean[column]
    last = np.zeros(len(mean))
    last[column] = A.data[entry]
    equal = np.abs(values) <= 8 * eps * np.abs(mean[column])
    equal |= A.data[entry] == last[column]
    constant = np.bincount(column[equal], minlength=len(mean)) == size
    values[constant[column]] = 0.0
    data = A.data.copy()
    data[entry] = values
    A = sp.csr_array((data, A.indices, A.indptr), shape=A.shape)
    return A, np.where(full, 0.0, mean).reshape(-1, len(sizes)).T


class SparseRows:
    """The matrix ``S - U V'``: sparse, less a product of two thin ones.

    Weighted rows whose means, or fit by some covariates, are taken off.

    Parameters
    ----------
    S : sparse array of shape (n, d)
        The sparse part.
    U : array or sparse array of shape (n, k) or None, default=None
        Left factor.
    V : array or sparse array of shape (d, k) or None, default=None
        Right factor.
    """

    __array_ufunc__ = None  # numbers on the left leave products to this class

    def __init__(self, S, U=None, V=None):
        self.S = S
        self.U = np.zeros((S.shape[0], 0)) if U is None else U
        self.V = np.zeros((S.shape[1], 0)) if V is None else V
        self.shape = S.shape

    @property
    def T(self):
        """The transpose."""
        return SparseRows(self.S.T, self.V, self.U)

    def __matmul__(self, w):
        return self.S @ w - self.U @ (self.V.T @ w)

    def __mul__(self, scale):
        scale = np.broadcast_to(scale, self.shape[1:])
        S = sp.csr_array(self.S)
        S = sp.csr_array((S.data * scale[S.indices], S.indices, S.indptr), S.shape)
        return SparseRows(S, self.U, self.V * scale[:, None])

    __rmul__ = __mul__

    def __truediv__(self, scale):
        return self * (1.0 / scale)

    def less(self, U, V) -> SparseRows:
        """Return these rows less another product ``U V'``."""
        U, V = (np.atleast_2d(np.transpose(A)).T for A in (U, V))
        if self.U.shape[1]:
            U, V = _side_by_side([self.U, U]), np.hstack([self.V, V])
        return SparseRows(self.S, U, V)

    def columns(self, features) -> SparseRows:
        """Return some of the columns."""
        return SparseRows(self.S[:, features], self.U, self.V[features])

    def toarray(self) -> np.ndarray:
        """Return the dense matrix."""
        return self.S.toarray() - _dense(self.U @ self.V.T)

    def gram(self) -> np.ndarray:
        """Return the product of the transpose with the matrix."""
        cross = _dense(self.S.T @ self.U) @ _dense(self.V).T
        inner = _dense(self.V @ _dense(self.U.T @ self.U)) @ _dense(self.V).T
        return (self.S.T @ self.S).toarray() - cross - cross.T + inner

    def squares(self) -> np.ndarray:
        """Return the sum of squares of each column; what is rounding is zero."""
        own = np.asarray(self.S.multiply(self.S).sum(axis=0)).ravel()
        cross = np.sum(_dense(self.S.T @ self.U) * self.V, axis=1)
        thin = np.sum((self.V @ _dense(self.U.T @ self.U)) * self.V, axis=1)
        squares = own - 2 * cross + thin
        return np.where(squares > 1e-13 * (own + thin), squares, 0.0)

    def condensed(self) -> np.ndarray:
        """Return dense rows, at most two for each column, with the same Gram matrix."""
        n, d = self.shape
        if n <= 2 * d:
            return self.toarray()
        S, U, rows = self.S.tocsr(), self.U, np.zeros((0, d))
        step = max(d, CHUNK // d)
        for a in range(0, n, step):
            part = SparseRows(S[a : a + step], U[a : a + step], self.V)
            rows = np.linalg.qr(np.vstack([rows, part.toarray()]), mode="r")
        return rows


def stack_rows(blocks: Sequence) -> np.ndarray | SparseRows:
    """Return arrays, or sparse rows and arrays, on top of each other."""
    if not any(isinstance(block, SparseRows) for block in blocks):
        return np.vstack(blocks)
    blocks = [_as_sparse_rows(block) for block in blocks]
    S = sp.vstack([block.S for block in blocks], format="csr")
    U = sp.block_diag([sp.csr_array(block.U) for block in blocks], format="csr")
    return SparseRows(S, U, np.hstack([block.V for block in blocks]))


def weighted(X, weight: np.ndarray) -> np.ndarray | SparseRows:
    """Return the rows of positive weight times its square root."""
    if not sp.issparse(X) and X.dtype == float and np.all(weight == 1):
        return X
    if not weight.all():
        X, weight = X[weight > 0], weight[weight > 0]
    root = np.sqrt(weight)
    if not sp.issparse(X):
        return X * root[:, None]
    data = X.data * np.repeat(root, np.diff(X.indptr))
    return SparseRows(sp.csr_array((data, X.indices, X.indptr), shape=X.shape))


def less_outer(B, u: np.ndarray, v: np.ndarray):
    """Return ``B - u v'``."""
    if isinstance(B, SparseRows):
        return B.less(u, v)
    return B - np.outer(u, v)


def less_fit(B, free, kept):
    """Return the columns `kept`, less their least-squares fit by the columns `free`."""
    F, K = columns(B, free), columns(B, kept)
    sparse = isinstance(B, SparseRows)
    Q, size, _ = np.linalg.svd(F.toarray() if sparse else F, full_matrices=False)
    Q = Q[:, size > max(F.shape) * np.finfo(float).eps * size.max(initial=0.0)]
    return K.less(Q, K.T @ Q) if sparse else K - Q @ (Q.T @ K)


def columns(B, features):
    """Return some of the columns of rows."""
    return B.columns(features) if isinstance(B, SparseRows) else B[:, features]


def gram(B) -> np.ndarray:
    """Return ``B'B``."""
    return B.gram() if isinstance(B, SparseRows) else B.T @ B


def triangle(B):
    """Return rows B, or as many as columns, with the same Gram matrix."""
    return B if isinstance(B, SparseRows) else np.linalg.qr(B, mode="r")


def column_squares(B) -> np.ndarray:
    """Return the diagonal of ``B'B``."""
    if isinstance(B, SparseRows):
        return B.squares()
    return np.einsum("ij,ij->j", B, B)


def condensed(B) -> np.ndarray:
    """Return dense rows with the same Gram matrix."""
    return B.condensed() if isinstance(B, SparseRows) else B


def _as_sparse_rows(block):
    """Return dense rows as nothing less a product, so that they stay thin."""
    if isinstance(block, SparseRows):
        return block
    block = np.atleast_2d(block)
    n, d = block.shape
    return SparseRows(sp.csr_array((n, d)), -np.eye(n), block.T)


def _side_by_side(parts):
    if any(map(sp.issparse, parts)):
        return sp.hstack([sp.csr_array(part) for part in parts], format="csr")
    return np.hstack(parts)


def _dense(M):
    return M.toarray() if sp.issparse(M) else M
