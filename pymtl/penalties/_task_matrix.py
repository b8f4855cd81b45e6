"""Positive semi-definite task matrices, the quadratic part of a penalty."""

from __future__ import annotations

from functools import cached_property

import numpy as np
import scipy.sparse as sp


class TaskMatrix:
    r"""Positive semi-definite (T, T) matrix L of the penalty ½ tr(W L W').

    .. math:: L = \beta (I - F F') + F \operatorname{diag}(\nu) F' + M

    F has orthonormal columns, so that the usual structures are held by their
    eigenvalues and nothing cancels: a ridge is beta alone, and a penalty of the
    deviations from the mean has ``F = 1 / sqrt(T)`` with eigenvalue 0.

    Parameters
    ----------
    n_tasks : int
        Number of tasks T.
    beta : float, default=0.0
        Eigenvalue outside the span of F.
    factors : ndarray of shape (n_tasks, r) or None, default=None
        Orthonormal columns F.
    values : ndarray of shape (r,) or None, default=None
        Eigenvalues of L on F.
    matrix : ndarray or scipy sparse array of shape (n_tasks, n_tasks), default=None
        Any further positive semi-definite part M.
    """

    def __init__(self, n_tasks, beta=0.0, factors=None, values=None, matrix=None):
        self.n_tasks = n_tasks
        self.beta = float(beta)
        self.factors = np.zeros((n_tasks, 0)) if factors is None else factors
        self.values = np.zeros(0) if values is None else np.asarray(values, float)
        self.matrix = matrix

    def __add__(self, other: TaskMatrix) -> TaskMatrix:
        if not self.factors.shape[1]:
            self, other = other, self
        beta = self.beta + other.beta
        if not other.factors.shape[1]:
            values = self.values + other.beta
        elif np.array_equal(self.factors, other.factors):
            values = self.values + other.values
        else:
            return TaskMatrix(self.n_tasks, matrix=self.toarray() + other.toarray())
        parts = [p.matrix for p in (self, other) if p.matrix is not None]
        matrix = sum(parts[1:], parts[0]) if parts else None
        return TaskMatrix(self.n_tasks, beta, self.factors, values, matrix)

    @property
    def is_zero(self) -> bool:
        """Whether L is the zero matrix."""
        return not (self.beta or self.values.any() or self.matrix is not None)

    def _rest(self, W):
        """Return W (I - F F'); tasks that are equal give exactly zero."""
        if not self.factors.shape[1]:
            return W
        if self.factors.shape[1] == 1 and np.ptp(self.factors) == 0:
            W = W - W[:, :1]
        return W - (W @ self.factors) @ self.factors.T

    def apply(self, W: np.ndarray) -> np.ndarray:
        """Return W L."""
        out = self.beta * self._rest(W)
        if self.values.any():
            out += ((W @ self.factors) * self.values) @ self.factors.T
        if self.matrix is not None:
            out += W @ self.matrix
        return out

    def value(self, W: np.ndarray) -> float:
        """Return ½ tr(W L W'), each part a sum of squares."""
        rest = self._rest(W)
        total = self.beta * np.vdot(rest, rest)
        if self.values.any():
            total += np.sum(self.values * (W @ self.factors) ** 2)
        if self.matrix is not None:
            total += np.vdot(W @ self.matrix, W)
        return 0.5 * float(total)

    def restrict(self, basis: np.ndarray) -> TaskMatrix:
        """Return N' L N for a basis N (n_tasks, n_columns)."""
        k = basis.shape[1]
        if self.matrix is None and not self.factors.shape[1] and k == 1:
            return TaskMatrix(1, self.beta * float(np.vdot(basis, basis)))
        return TaskMatrix(k, matrix=basis.T @ self.apply(basis.T).T)

    def toarray(self) -> np.ndarray:
        """Return L as a dense array."""
        L = self.apply(np.eye(self.n_tasks))
        return 0.5 * (L + L.T)

    def diagonal(self) -> np.ndarray:
        """Return the diagonal of L."""
        diagonal = self.beta + np.sum(
            self.factors**2 * (self.values - self.beta), axis=1
        )
        if self.matrix is not None:
            diagonal = diagonal + self.matrix.diagonal()
        return diagonal

    def majorant(self) -> np.ndarray:
        """Return a vector l with L <= diag(l), as small as is cheap."""
        top = max([self.beta, *self.values])
        if self.matrix is None:
            return np.full(self.n_tasks, top)
        return top + np.asarray(abs(self.matrix).sum(axis=1)).ravel()

    @cached_property
    def _eigen(self):
        """Eigenvalues and vectors, ascending; what is rounding counts as zero."""
        if self.matrix is None and not self.factors.shape[1]:
            return np.full(self.n_tasks, self.beta), np.eye(self.n_tasks)
        if self.matrix is None:
            full, _ = np.linalg.qr(self.factors, mode="complete")
            r = self.factors.shape[1]
            vectors = np.hstack([self.factors, full[:, r:]])
            return (
                np.concatenate([self.values, np.full(self.n_tasks - r, self.beta)]),
                vectors,
            )
        values, vectors = np.linalg.eigh(self.toarray())
        values[values <= 1e-12 * values[-1]] = 0.0
        return values, vectors

    def null_space(self) -> np.ndarray:
        """Return an orthonormal basis (n_tasks, k) of the null space of L."""
        values, vectors = self._eigen
        return vectors[:, values == 0]

    def conjugate(self, A: np.ndarray) -> float:
        """Return ½ tr(A L^+ A'), the conjugate on the range of L."""
        values, vectors = self._eigen
        keep = values > 0
        return 0.5 * float(np.sum((A @ vectors[:, keep]) ** 2 / values[keep]))

    def prox(self, V: np.ndarray, step: float) -> np.ndarray:
        """Return V (I + step L)^-1."""
        values, vectors = self._eigen
        return (V @ vectors) / (1.0 + step * values) @ vectors.T


def as_task_matrix(L) -> TaskMatrix:
    """Return a dense or sparse positive semi-definite array as a TaskMatrix."""
    if isinstance(L, TaskMatrix):
        return L
    return TaskMatrix(L.shape[0], matrix=L if sp.issparse(L) else np.asarray(L, float))
