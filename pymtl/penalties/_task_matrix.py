"""Positive semi-definite task matrices, the quadratic part of a penalty."""

from __future__ import annotations

from functools import cached_property

import numpy as np
import scipy.sparse as sp
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import splu

LARGE = 500


class TaskMatrix:
    r"""Positive semi-definite (T, T) matrix L of the penalty ½ tr(W L W').

    .. math:: L = \beta (I - F F') + F \operatorname{diag}(\nu) F' + M + R R'

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
    root : ndarray or scipy sparse array of shape (n_tasks, n_edges), default=None
        The matrix R of a part that is given by its root.
    laplacian : bool, default=False
        Whether M + R R' is the Laplacian of a graph. It is then known that tasks that
        are connected and equal cost nothing.
    component : ndarray of shape (n_tasks,) or None, default=None
        Component of each task in the graph of M + R R', if it is known.
    """

    def __init__(
        self,
        n_tasks,
        beta=0.0,
        factors=None,
        values=None,
        matrix=None,
        root=None,
        laplacian=False,
        component=None,
    ):
        self.n_tasks = n_tasks
        self.beta = float(beta)
        self.factors = np.zeros((n_tasks, 0)) if factors is None else factors
        self.values = np.zeros(0) if values is None else np.asarray(values, float)
        self.matrix = matrix
        self.root = root
        self.laplacian = laplacian
        self._known = component
        self._factors: dict = {}

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
        general = [p for p in (self, other) if p.general is not None]
        matrices = [p.matrix for p in general if p.matrix is not None]
        roots = [p.root for p in general if p.root is not None]
        return TaskMatrix(
            self.n_tasks,
            beta,
            self.factors,
            values,
            sum(matrices[1:], matrices[0]) if matrices else None,
            _side_by_side(roots) if roots else None,
            bool(general) and all(p.laplacian for p in general),
        )

    @cached_property
    def is_zero(self) -> bool:
        """Whether L is the zero matrix."""
        return not (self.beta or self.values.any() or self.general is not None)

    @property
    def ridge(self) -> float | None:
        """The number beta if L is beta I, else None."""
        if self.factors.shape[1] or self.general is not None:
            return None
        return self.beta

    @cached_property
    def general(self) -> np.ndarray | sp.sparray | None:
        """The part M + R R', None where there is none."""
        if self.root is None:
            return self.matrix
        square = self.root @ self.root.T
        return square if self.matrix is None else self.matrix + square

    @cached_property
    def component(self) -> np.ndarray:
        """Component of each task in the graph of M + R R'."""
        if self._known is not None:
            return self._known
        a, b = self.general.nonzero()  # a dense graph drops small weights
        return connected(a, b, self.n_tasks)

    @cached_property
    def _first(self):
        """Index of the first task of the component of each task."""
        _, first = np.unique(self.component, return_index=True)
        return first[self.component]

    def _rest(self, W):
        """Return W (I - F F'); tasks that are equal give exactly zero."""
        if not self.factors.shape[1]:
            return W
        if self.factors.shape[1] == 1 and np.ptp(self.factors) == 0:
            W = W - W[:, :1]
        return W - (W @ self.factors) @ self.factors.T

    def _moved(self, W):
        """Return W less what a Laplacian M does not see."""
        return W - W[:, self._first] if self.laplacian else W

    def apply(self, W: np.ndarray) -> np.ndarray:
        """Return W L.

        Parameters
        ----------
        W : ndarray of shape (n_features, n_tasks)
            Coefficients, one column a task.

        Returns
        -------
        product : ndarray of shape (n_features, n_tasks)
            W L.
        """
        out = self.beta * self._rest(W)
        if self.values.any():
            out += ((W @ self.factors) * self.values) @ self.factors.T
        W = self._moved(W)
        if self.matrix is not None:
            out += W @ self.matrix
        if self.root is not None:
            out += (W @ self.root) @ self.root.T
        return out

    def value(self, W: np.ndarray) -> float:
        """Return ½ tr(W L W'), each part a sum of squares.

        Parameters
        ----------
        W : ndarray of shape (n_features, n_tasks)
            Coefficients, one column a task.

        Returns
        -------
        value : float
            The penalty.
        """
        if self.is_zero:
            return 0.0
        rest = self._rest(W)
        total = self.beta * np.vdot(rest, rest)
        if self.values.any():
            total += np.sum(self.values * (W @ self.factors) ** 2)
        W = self._moved(W)
        if self.matrix is not None:
            total += max(np.vdot(W @ self.matrix, W), 0.0)
        if self.root is not None:
            total += np.sum((W @ self.root) ** 2)
        return 0.5 * float(total)

    def restrict(self, basis: np.ndarray) -> TaskMatrix:
        """Return N' L N for a basis N.

        Parameters
        ----------
        basis : ndarray of shape (n_tasks, n_columns)
            The basis N.

        Returns
        -------
        matrix : TaskMatrix
            The matrix on n_columns columns.
        """
        k = basis.shape[1]
        if self.is_zero:
            return TaskMatrix(k)
        if self.general is None and not self.factors.shape[1] and k == 1:
            return TaskMatrix(1, self.beta * float(np.vdot(basis, basis)))
        return TaskMatrix(k, matrix=basis.T @ self.apply(basis.T).T)

    def toarray(self) -> np.ndarray:
        """Return L as a dense array.

        Returns
        -------
        L : ndarray of shape (n_tasks, n_tasks)
            The matrix.
        """
        L = self.apply(np.eye(self.n_tasks))
        return 0.5 * (L + L.T)

    def diagonal(self) -> np.ndarray:
        """Return the diagonal of L.

        Returns
        -------
        diagonal : ndarray of shape (n_tasks,)
            The diagonal.
        """
        diagonal = self.beta + np.sum(
            self.factors**2 * (self.values - self.beta), axis=1
        )
        if self.general is not None:
            diagonal = diagonal + self.general.diagonal()
        return diagonal

    def majorant(self) -> np.ndarray:
        """Return a vector l with L <= diag(l), as small as is cheap.

        Returns
        -------
        bound : ndarray of shape (n_tasks,)
            The vector l.
        """
        top = max([self.beta, *self.values])
        if self.general is None:
            return np.full(self.n_tasks, top)
        return top + np.asarray(abs(self.general).sum(axis=1)).ravel()

    @property
    def sparse(self) -> bool:
        """Whether systems with L are solved by sparse factorisations."""
        return (
            self.n_tasks > LARGE
            and sp.issparse(self.general)
            and not self.factors.shape[1]
            and (self.beta > 0 or self.laplacian)
        )

    @cached_property
    def _eigen(self):
        """Eigenvalues and vectors, ascending; what is rounding counts as zero."""
        plain = not self.factors.shape[1]
        M = self.general if plain else self.toarray()
        values, vectors = np.linalg.eigh(M.toarray() if sp.issparse(M) else M)
        values[values <= 1e-12 * values[-1]] = 0.0
        if plain and self.laplacian:
            free = self._indicators
            values[: free.shape[1]], vectors[:, : free.shape[1]] = 0.0, free
        return values + self.beta if plain else values, vectors

    @cached_property
    def _indicators(self):
        """Orthonormal basis of what is constant on each component."""
        member = self.component[:, None] == np.unique(self.component)
        return member / np.sqrt(member.sum(axis=0))

    def null_space(self) -> np.ndarray:
        """Return an orthonormal basis (n_tasks, k) of the null space of L.

        Returns
        -------
        basis : ndarray of shape (n_tasks, k)
            Orthonormal columns, k = 0 where L is definite.
        """
        free = self.factors[:, self.values == 0]
        if self.beta == 0 and not self.factors.shape[1]:
            if self.general is None:
                return np.eye(self.n_tasks)
            if self.laplacian:
                return self._indicators
        elif self.beta > 0 and (self.general is None or not free.shape[1]):
            return free
        elif self.general is None:
            full, _ = np.linalg.qr(self.factors, mode="complete")
            return np.hstack([free, full[:, self.factors.shape[1] :]])
        values, vectors = self._eigen
        return vectors[:, values == 0]

    def conjugate(self, A: np.ndarray) -> float:
        """Return ½ tr(A L^+ A'), the conjugate on the range of L.

        Parameters
        ----------
        A : ndarray of shape (n_features, n_tasks)
            Dual point; its part in the null space of L is ignored.

        Returns
        -------
        value : float
            The conjugate.
        """
        if self.general is None:
            rest, inside = self._rest(A), A @ self.factors
            total = np.sum(inside**2 * reciprocal(self.values))
            return 0.5 * float(reciprocal(self.beta) * np.vdot(rest, rest) + total)
        if self.sparse:
            return 0.5 * max(float(np.vdot(A, self.solve(A))), 0.0)
        values, vectors = self._eigen
        return 0.5 * float(np.sum((A @ vectors) ** 2 * reciprocal(values)))

    def solve(self, B: np.ndarray, shift: float | np.ndarray = 0.0) -> np.ndarray:
        """Return X with ``X L + shift X = B``, the least-norm one where it is singular.

        Parameters
        ----------
        B : ndarray of shape (n_features, n_tasks)
            Right-hand side.
        shift : float or ndarray of shape (n_features, 1), default=0.0
            Number, at least zero, added to the eigenvalues of L.

        Returns
        -------
        X : ndarray of shape (n_features, n_tasks)
            The solution.
        """
        if self.general is None:
            inside = (B @ self.factors) * reciprocal(self.values + shift)
            return (
                reciprocal(self.beta + shift) * self._rest(B) + inside @ self.factors.T
            )
        if not self.sparse:
            values, vectors = self._eigen
            return (B @ vectors) * reciprocal(values + shift) @ vectors.T
        if np.ndim(shift):
            rows = zip(B[:, None], np.ravel(shift), strict=True)
            return np.vstack([self.solve(b, s) for b, s in rows])
        shift = self.beta + float(shift)
        if shift > 0:
            return np.ascontiguousarray(self._factor(shift).solve(B.T).T)
        X = np.zeros_like(B, dtype=float)
        B = self._centred(B)
        X[:, self._inner] = self._factor(0.0).solve(B[:, self._inner].T).T
        return self._centred(X)

    @property
    def _inner(self):
        """All tasks but the first of each component, which hold a Laplacian up."""
        return np.flatnonzero(self._first != np.arange(self.n_tasks))

    def _factor(self, shift):
        """Return the factorisation of M + R R' + shift I, or of its inner part."""
        if shift not in self._factors:
            matrix = sp.csc_array(self.general)
            if shift > 0:
                matrix = matrix + shift * sp.csc_array(sp.eye(self.n_tasks))
            else:
                matrix = matrix[self._inner][:, self._inner]
            options = {"permc_spec": "MMD_AT_PLUS_A", "diag_pivot_thresh": 0.0}
            self._factors[shift] = splu(_narrow(sp.csc_array(matrix)), **options)
        return self._factors[shift]

    def _centred(self, W):
        """Return W less the mean of each component."""
        size = np.bincount(self.component)
        member = sp.csr_array(
            (np.ones(self.n_tasks), (np.arange(self.n_tasks), self.component))
        )
        return W - ((W @ member) / size)[:, self.component]

    def prox(self, V: np.ndarray, step: float) -> np.ndarray:
        """Return V (I + step L)^-1.

        Parameters
        ----------
        V : ndarray of shape (n_features, n_tasks)
            Point to map.
        step : float
            Positive step.

        Returns
        -------
        W : ndarray of shape (n_features, n_tasks)
            The prox.
        """
        return self.solve(V / step, 1.0 / step)


def _narrow(matrix):
    """Return a sparse matrix with the indices that SciPy 1.11 factors."""
    matrix.indices = matrix.indices.astype(np.int32)
    matrix.indptr = matrix.indptr.astype(np.int32)
    return matrix


def connected(a: np.ndarray, b: np.ndarray, n_tasks: int) -> np.ndarray:
    """Return the number of the component of each task, given the edges."""
    ends = a.astype(np.int32), b.astype(np.int32)  # the width that SciPy 1.11 takes
    links = sp.coo_array((np.ones(len(a)), ends), shape=(n_tasks, n_tasks))
    return connected_components(links, directed=False)[1].astype(int)


def as_task_matrix(L) -> TaskMatrix:
    """Return a dense or sparse positive semi-definite array as a TaskMatrix."""
    if isinstance(L, TaskMatrix):
        return L
    return TaskMatrix(L.shape[0], matrix=L if sp.issparse(L) else np.asarray(L, float))


def reciprocal(values) -> np.ndarray:
    """Return 1 / values, zero where they are zero."""
    values = np.asarray(values, dtype=float)
    return np.divide(1.0, values, out=np.zeros_like(values), where=values > 0)


def _side_by_side(roots):
    if len(roots) == 1:
        return roots[0]
    stack = sp.hstack if any(map(sp.issparse, roots)) else np.hstack
    return stack(roots)
