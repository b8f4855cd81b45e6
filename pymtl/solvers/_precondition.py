"""Exact inverses of the parts of a quadratic problem."""

from __future__ import annotations

from copy import copy

import numpy as np

from .._kernels import gram_product
from .._sparse import condensed
from ..designs import Spanned
from ..penalties._task_matrix import TaskMatrix, reciprocal

RANK_CUT = 1e-12
FLAT = 1e-12  # of the curvature: less does not tell unseen directions from rounding
SPREAD = 1e4
REGULAR = 1e8
STACK_BYTES = 2**28
FACTOR_BYTES = 2**26
SPARSE_BYTES = 2**26


class Factor:
    """The inverse of ``K = B'B + alpha I``, by one singular value decomposition.

    Columns of very different length are scaled to one length first, so that units do
    not decide what is rounding: always when nothing is penalised, and with a penalty
    when the lengths differ by more than `SPREAD`.
    """

    def __init__(self, B, alpha):
        self.alpha = alpha
        self.scale, self.outside = None, alpha
        length = np.sqrt(np.einsum("ij,ij->j", B, B))
        seen = length[length > 0]
        spread = seen.max() / seen.min() if len(seen) else 1.0
        if alpha == 0 or spread > SPREAD:
            tall = len(B) >= 2 * B.shape[1]
            self.B = np.linalg.qr(B, mode="r") if tall else B
            if alpha > 0:
                B = np.vstack([B, np.sqrt(alpha) * np.eye(B.shape[1])])
                length = np.sqrt(length**2 + alpha)
            self.scale = np.where(length > 0, length, 1.0)
            B, self.outside = B / self.scale, 0.0
        self.V, self.square = _decompose(B, self.outside, alpha == 0)
        self.seen = None
        if alpha == 0 and self.V.shape[1] < len(self.V):
            self.seen = np.linalg.qr((self.V.T * self.scale).T)[0]

    def shifted(self, alpha):
        """Return the factor of the same B with another alpha, as positive as this."""
        if alpha == self.alpha:
            return self
        if self.scale is not None:
            return Factor(self.B, alpha)
        other = copy(self)
        other.alpha = other.outside = alpha
        return other

    @property
    def is_tiny(self):
        """Whether alpha would blow up the rounding of right sides outside the rows."""
        return 0 < self.outside < RANK_CUT * self.square.max(initial=0.0)

    def solve(self, b, inside=False):
        """Return the least-norm solution of K w = b.

        Where alpha is tiny and b is known to be `inside` the span of the rows, what it
        has outside of it is rounding.
        """
        b = self._project(b)
        if self.scale is not None:
            b = (b.T / self.scale).T
        c = self.V.T @ b
        w = self.V @ (c.T / (self.square + self.outside)).T
        rounded = inside and self.is_tiny
        if self.outside and self.V.shape[1] < len(b) and not rounded:
            w += (b - self.V @ c) / self.outside
        return self._project(w if self.scale is None else (w.T / self.scale).T)

    def _project(self, b):
        """Leave out what no row sees, where columns were scaled to find it."""
        return b if self.seen is None else self.seen @ (self.seen.T @ b)

    def ratio(self, nu):
        """Return K^-1 (B'B + nu I), without cancellation."""
        d = len(self.V)
        if self.scale is not None:
            return self.solve(self.B.T @ self.B + nu * np.eye(d))
        outside = nu / self.alpha
        inside = (self.square + nu) / (self.square + self.alpha)
        if self.V.shape[1] == d:
            return (self.V * inside) @ self.V.T
        ratio = (self.V * (inside - outside)) @ self.V.T
        ratio[np.diag_indices(d)] += outside
        return ratio


class Factors:
    """The factors of all tasks; those of small plain ones are stacked.

    Parameters
    ----------
    factors : list of Factor
        One factor a task.
    """

    def __init__(self, factors):
        self.n_tasks = len(factors)
        d = len(factors[0].V)
        small = 8 * self.n_tasks * d * d <= FACTOR_BYTES
        plain = [small and f.scale is None and f.outside > 0 for f in factors]
        self.plain = np.flatnonzero(plain)
        self.other = {t: f for t, f in enumerate(factors) if not plain[t]}
        stacked = [factors[t] for t in self.plain]
        self.rank = np.array([len(f.square) for f in stacked], dtype=int)
        size = max(self.rank, default=0)
        self.V = np.zeros((len(stacked), d, size))
        self.square = np.zeros((len(stacked), size))
        for i, f in enumerate(stacked):
            self.V[i, :, : self.rank[i]], self.square[i, : self.rank[i]] = f.V, f.square
        self.alpha = np.array([f.outside for f in stacked])[:, None]
        self.free = np.array([f.alpha == 0 for f in factors])
        self.short = (self.rank < d)[:, None]

    def shifted(self, alpha):
        """Return the factors of the same tasks with other numbers alpha."""
        if np.any((alpha == 0) != self.free):
            return None
        shifted = copy(self)
        shifted.alpha = alpha[self.plain][:, None]
        shifted.other = {t: f.shifted(alpha[t]) for t, f in self.other.items()}
        return shifted

    @property
    def is_tiny(self):
        """Whether alpha is, task by task, see :class:`Factor`."""
        return self.alpha < RANK_CUT * self.square.max(axis=1, initial=0.0)[:, None]

    def solve(self, B, inside=False):
        """Return the solutions of K_t w_t = b_t, see :class:`Factor`."""
        W = np.empty(B.shape)
        if len(self.plain):
            b = B.T[self.plain]
            c = np.matmul(b[:, None], self.V)[:, 0]
            w = np.matmul(self.V, (c / (self.square + self.alpha))[:, :, None])[..., 0]
            if self.short.any():
                rest = b - np.matmul(self.V, c[:, :, None])[..., 0]
                seen = self.short & ~(self.is_tiny & inside)
                w += np.where(seen, rest / self.alpha, 0.0)
            W[:, self.plain] = w.T
        for t, factor in self.other.items():
            W[:, t] = factor.solve(B[:, t], inside)
        return W

    def inverses(self):
        """Return the symmetric inverses (n_tasks, d, d)."""
        d = self.V.shape[1]
        inverse = np.empty((self.n_tasks, d, d))
        outside = np.where(self.short, 1.0 / self.alpha, 0.0)
        inside = 1.0 / (self.square + self.alpha) - outside
        K = np.matmul(self.V * inside[:, None], self.V.transpose(0, 2, 1))
        K[:, np.arange(d), np.arange(d)] += outside
        inverse[self.plain] = K
        for t, factor in self.other.items():
            inverse[t] = factor.solve(np.eye(d))
        return 0.5 * (inverse + inverse.transpose(0, 2, 1))

    def ratio(self, tasks, share, nu):
        """Return the sum of ``share_t K_t^-1 (B_t'B_t + nu I)`` over some tasks."""
        d = self.V.shape[1]
        weight = np.zeros(self.n_tasks)
        weight[tasks] = share
        total = np.zeros((d, d))
        for t, factor in self.other.items():
            if weight[t]:
                total += weight[t] * factor.ratio(nu)
        w = weight[self.plain][:, None]
        outside = np.where(self.short, nu / self.alpha, 0.0)
        inside = (self.square + nu) / (self.square + self.alpha) - outside
        flat = self.V.transpose(1, 0, 2).reshape(d, -1)
        total += (flat * (w * inside).ravel()) @ flat.T
        total[np.diag_indices(d)] += np.sum(w * outside)
        return total


class Preconditioner:
    """Approximate inverse of the Hessian of a quadratic problem.

    Tasks that are not connected are solved each by its own factor. Connected ones are
    coupled by a d x d system as if each were linked to their mean: exact for the mean
    penalty, and good where the coupling is weak. Where a graph couples strongly, the
    inverse with all of L, and with the mean Gram matrix in place of the tasks' own, is
    added; for tasks with one design it is exact, and stands alone.

    Parameters
    ----------
    problem : Problem
        A problem with a squared loss and no proximal part.
    like : Preconditioner or None, default=None
        That of the same design with another task matrix of the same pattern, whose
        decompositions are used again.
    """

    exact = True

    def __init__(self, problem, like=None):
        d, m = problem.design.shape
        matrix = problem.matrix
        graph = matrix.general is not None
        self.matrix = matrix
        self.flat = _is_flat(problem)
        self.alike = graph and _are_alike(problem)
        self.small = 8 * m * d * d <= STACK_BYTES
        alpha = matrix.diagonal() if graph else np.full(m, matrix.beta)
        self.factors = None
        if not self.alike:
            known = None if like is None else like.factors.shifted(alpha)
            self.factors = known or Factors(_factors(problem, alpha))
        largest = problem.hessian_diagonal.max(initial=0.0)
        self.tiny = bool(np.any(alpha < RANK_CUT * largest))
        self.inverse = None
        parts = [
            (tasks, part)
            for tasks, part in _connected(matrix)
            if len(tasks) > 1 or self.alike
        ]
        known = [None] * len(parts) if like is None else like.groups
        self.groups = [
            Group(problem, tasks, part, self.factors, group)
            for (tasks, part), group in zip(parts, known, strict=True)
        ]
        if graph:
            self.stack()

    def stack(self):
        """Form the inverses of small tasks, which pays where many systems follow."""
        if self.factors and self.inverse is None and self.small and not self.tiny:
            self.inverse = self.factors.inverses()

    def fits(self, problem) -> bool:
        """Return whether the decompositions serve this problem of the same design."""
        mine, its = self.matrix, problem.matrix
        return (
            (mine.general is None) == (its.general is None)
            and (mine.general is None or np.array_equal(mine.component, its.component))
            and np.array_equal(mine.factors, its.factors)
            and mine.sparse == its.sparse
            and mine.null_space().shape == its.null_space().shape
            and self.flat == _is_flat(problem)
        )

    def __call__(self, B):
        W = np.zeros(B.shape)
        if not self.alike:
            W = self._tasks(B, inside=True)
            pull = np.zeros(B.shape)
            for group in self.groups:
                pull[:, group.tasks] = group.couple(W[:, group.tasks])
            if pull.any():
                W = W + self._tasks(pull)
        for group in self.groups:
            if group.strong:
                W[:, group.tasks] += group.solve(B[:, group.tasks])
            W[:, group.tasks] = group.project(W[:, group.tasks])
        return W

    def _tasks(self, B, inside=False):
        if self.inverse is not None:
            return gram_product(self.inverse, np.ascontiguousarray(B))
        return self.factors.solve(B, inside)


class Diagonal:
    """Approximate inverse of the Hessian for sparse rows with many features.

    Each task's Gram matrix is replaced by its diagonal, so that the features part. What
    couples the tasks is solved exactly if it is a penalty of the deviations from their
    mean, for other graphs as if the tasks had the mean diagonal.

    Parameters
    ----------
    problem : Problem
        A problem with a squared loss and no proximal part.
    """

    exact = False

    def __init__(self, problem):
        diagonal, matrix = problem.hessian_diagonal, problem.matrix
        graph = matrix.general is not None
        alpha = matrix.diagonal() if graph else matrix.beta
        self.matrix = matrix
        self.inverse = reciprocal(diagonal + alpha)
        self.graph = graph and not matrix.sparse
        self.factors = np.zeros((matrix.n_tasks, 0)) if graph else matrix.factors
        if self.graph:
            self.mean = diagonal.mean(axis=1, keepdims=True)
        if self.factors.shape[1] == 1:
            nu = matrix.values[0]
            ratio = ((diagonal + nu) * self.inverse) @ self.factors**2
            self.pull = (matrix.beta - nu) * reciprocal(ratio)

    def __call__(self, B):
        W = B * self.inverse
        if self.graph:
            return W + self.matrix.solve(B, self.mean)
        if self.factors.shape[1] == 1:
            W += (self.pull * (W @ self.factors)) @ self.factors.T * self.inverse
        return W


def preconditioner(problem, last=None):
    """Return an approximate inverse of the Hessian of a quadratic problem.

    Parameters
    ----------
    problem : Problem
        A problem with a squared loss and no proximal part.
    last : Preconditioner or None, default=None
        That of the same design with another task matrix.

    Returns
    -------
    solve : Preconditioner or Diagonal
        A function of the right-hand side.
    """
    d, m = problem.design.shape
    if 8 * m * d * d > SPARSE_BYTES and problem.is_sparse:
        return Diagonal(problem)
    return Preconditioner(problem, last if last and last.fits(problem) else None)


class Group:
    """Tasks that are connected by the task matrix.

    Parameters
    ----------
    problem : Problem
        The problem.
    tasks : ndarray of int
        The tasks.
    matrix : TaskMatrix
        Their part of the task matrix.
    factors : Factors or None
        Factors of all tasks; None where the tasks are alike.
    like : Group or None, default=None
        The same tasks with another matrix.
    """

    def __init__(self, problem, tasks, matrix, factors, like=None):
        self.tasks = tasks
        self.matrix = matrix
        self.free = matrix.factors if _is_flat(problem) else matrix.null_space()
        self.seen = self.system = None
        graph = matrix.general is not None
        if like is not None:
            self.seen = like.seen
            if graph:
                self.vectors, self.values = like.vectors, like.values
        elif self.free.shape[1]:
            self.seen = _row_space(problem, tasks)
        if graph and like is None:
            blocks = [_rows(problem, t) for t in tasks]
            self._average(np.concatenate(blocks) / np.sqrt(len(tasks)))
        self.strong = graph and (not factors or self._is_strong())
        if factors:
            self._link(factors)

    def _average(self, B):
        """Decompose the mean Gram matrix."""
        if self.seen is None:
            self.vectors, self.values = _decompose(B, 1.0)
        else:
            V, self.values = _decompose(B @ self.seen, 1.0)
            self.vectors = self.seen @ V
        if self.matrix.sparse:  # each takes a factorisation: a few values will do
            self.values = 2.0 ** np.round(np.log2(self.values))

    def _is_strong(self):
        typical = np.exp(np.log(self.values).mean()) if len(self.values) else 0.0
        return self.matrix.diagonal().mean() > typical

    def _link(self, factors):
        """Form the d x d system of the mean task."""
        matrix = self.matrix
        if matrix.general is None and matrix.factors.shape[1] == 1:
            self.f, nu = matrix.factors[:, 0], matrix.values[0]
            self.coupling, share = matrix.beta - nu, self.f**2
        elif matrix.laplacian and not matrix.factors.shape[1]:
            degree, nu = matrix.general.diagonal(), matrix.beta
            self.f, self.coupling = degree / np.sqrt(degree.sum()), 1.0
            share = degree / degree.sum()
        else:
            return
        system = factors.ratio(self.tasks, share, nu)
        if self.seen is None:
            self.system = _inverse(system)
        else:
            self.system = self.seen @ _inverse(self.seen.T @ system @ self.seen)
            self.system = self.system @ self.seen.T

    def couple(self, W):
        """Return the pull of the mean task, given the tasks on their own."""
        if self.system is None:
            return np.zeros_like(W)
        return np.outer(self.system @ (W @ self.f), self.coupling * self.f)

    def solve(self, B):
        """Return W with ``H W + W L = B``, H the mean Gram matrix."""
        C = self.vectors.T @ B
        W = self.vectors @ self.matrix.solve(C, self.values[:, None])
        if self.vectors.shape[1] < len(B):
            W += self.matrix.solve(B - self.vectors @ C)
        return W

    def project(self, W):
        """Leave out what the tasks have in common but no row of them sees."""
        if self.seen is None:
            return W
        common = W @ self.free
        return W - (common - self.seen @ (self.seen.T @ common)) @ self.free.T


def _is_flat(problem):
    """Return whether what all tasks have in common costs next to nothing."""
    matrix = problem.matrix
    if matrix.general is not None or matrix.factors.shape[1] != 1:
        return False
    return 0 < matrix.values[0] < FLAT * problem.hessian_diagonal.max(initial=0.0)


def _connected(matrix):
    """Yield groups of tasks, and their part of the task matrix."""
    m = matrix.n_tasks
    if matrix.general is None or matrix.factors.shape[1]:
        if matrix.factors.shape[1] or matrix.general is not None:
            yield np.arange(m), matrix
        return
    component = matrix.component
    order = np.argsort(component, kind="stable")
    for tasks in np.split(order, np.cumsum(np.bincount(component))[:-1]):
        if len(tasks) == m:
            yield tasks, matrix
            continue
        part = matrix.general[tasks][:, tasks]
        yield (
            tasks,
            TaskMatrix(
                len(tasks),
                matrix.beta,
                matrix=part,
                laplacian=matrix.laplacian,
                component=np.zeros(len(tasks), dtype=int),
            ),
        )


def _row_space(problem, tasks):
    """Return an orthonormal basis of all rows, None if they span everything.

    Neither the units of tasks and features nor the size of single rows may decide what
    is rounding: tasks, columns and rows are brought to one length first. Where some of
    the rows span everything the others are not looked at.
    """
    d = problem.design.shape[0]

    def some(t):
        B = _rows(problem, t)
        return B[:: max(len(B) // d, 1)].copy()

    if _spans(_one_length([some(t) for t in tasks])[0]):
        return None
    B, scale = _one_length([_rows(problem, t) for t in tasks])
    if _spans(B):
        return None
    _, singular, Vt = np.linalg.svd(B, full_matrices=False)
    rank = np.count_nonzero(singular > RANK_CUT * singular.max(initial=0.0))
    return np.linalg.qr(Vt[:rank].T * scale[:, None])[0] if rank < d else None


def _spans(B):
    """Return whether rows of one length surely span everything."""
    n, d = B.shape
    return n >= d and np.linalg.eigvalsh(B.T @ B)[0] > 1e-8 * n / d


def _one_length(blocks):
    """Return all rows, scaled, and the scale of their columns."""
    size = [np.linalg.norm(B) for B in blocks]
    d = blocks[0].shape[1]
    scaled = [B / s for B, s in zip(blocks, size, strict=True) if s > 0]
    B = np.concatenate([*scaled, np.zeros((0, d))])
    scale = np.ones(d)
    for _ in range(2):
        length = np.linalg.norm(B, axis=0)
        length[length == 0] = 1.0
        B, scale = B / length, scale * length
        length = np.linalg.norm(B, axis=1)
        seen = length > RANK_CUT * length.max(initial=0.0)
        B = B[seen] / length[seen, None]
    return B, scale


def _inverse(system):
    """Return the pseudo-inverse of a system whose units may differ widely."""
    columns = np.linalg.norm(system, axis=0)
    columns[columns == 0] = 1.0
    rows = np.linalg.norm(system / columns, axis=1)
    rows[rows == 0] = 1.0
    system = system / columns / rows[:, None]
    try:
        inverse = np.linalg.inv(system)
    except np.linalg.LinAlgError:
        inverse = np.full_like(system, np.inf)
    if not np.linalg.norm(inverse) * np.linalg.norm(system) < REGULAR:
        inverse = np.linalg.pinv(system, rcond=1e-15)
    return inverse / columns[:, None] / rows


def _are_alike(problem):
    scale = problem.design.alike(problem.weight)
    return scale is not None and np.ptp(scale) == 0


def _factors(problem, alpha):
    """Return the factor of each task, one for all where the tasks are alike."""
    tasks = range(problem.design.shape[1])
    if np.ptp(alpha) == 0 and _are_alike(problem):
        return [Factor(_rows(problem, 0), alpha[0])] * len(tasks)
    return [Factor(_rows(problem, t, alpha[t] == 0), alpha[t]) for t in tasks]


def _rows(problem, t, free=False):
    """Return dense rows with the Gram matrix of task t, for a free problem few."""
    few = free and isinstance(problem.design, Spanned)
    rows = problem.design.triangle if few else problem.design.block
    return condensed(rows(t, problem.weight))


def _decompose(B, alpha, free=False):
    """Return the eigenvectors and positive eigenvalues of B'B.

    Where nothing is penalised (`free`), or next to nothing, what the centring has left
    of rounding must not count as a direction.
    """
    n, d = B.shape
    if n >= 2 * d and alpha > 0:
        square, V = np.linalg.eigh(B.T @ B)
        if alpha > 1e-10 * square[-1]:
            return V[:, square > 0], square[square > 0]
    if d >= 2 * n > 0 and alpha > 0:
        square, U = np.linalg.eigh(B @ B.T)
        if alpha > 1e-4 * square[-1]:
            keep = square > 1e-10 * square[-1]
            square = square[keep]
            return B.T @ (U[:, keep] / np.sqrt(square)), square
    tall = n >= 2 * d
    rows = np.linalg.qr(B, mode="r") if tall else B
    _, singular, Vt = np.linalg.svd(rows, full_matrices=False)
    largest = singular.max(initial=0.0)
    free = free or 0 < alpha < RANK_CUT * largest**2
    cut = max(max(n, d) * np.finfo(float).eps, RANK_CUT if free else 0.0)
    keep = singular > cut * largest
    return Vt[keep].T, singular[keep] ** 2
