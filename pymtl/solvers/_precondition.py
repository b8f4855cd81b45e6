"""Exact inverses of the parts of a quadratic problem."""

from __future__ import annotations

import numpy as np

SPREAD = 1e4


class Factor:
    """The inverse of ``K = B'B + alpha I``, by one singular value decomposition.

    Columns of very different length are scaled to one length first, so that units do
    not decide what is rounding: always when nothing is penalised, and with a penalty
    when the lengths differ by more than `SPREAD`.
    """

    def __init__(self, B, alpha):
        self.B, self.alpha = B, alpha
        length = np.sqrt(np.einsum("ij,ij->j", B, B))
        seen = length[length > 0]
        spread = seen.max() / seen.min() if len(seen) else 1.0
        self.scale = None
        if alpha == 0 or spread > SPREAD:
            if alpha > 0:
                B = np.vstack([B, np.sqrt(alpha) * np.eye(B.shape[1])])
                length = np.sqrt(length**2 + alpha)
            self.scale = np.where(length > 0, length, 1.0)
            B, alpha = B / self.scale, 0.0
        self.V, self.square = _decompose(B, alpha)
        self.outside = alpha

    def solve(self, b):
        """Return the least-norm solution of K w = b."""
        if self.scale is not None:
            b = (b.T / self.scale).T
        c = self.V.T @ b
        w = self.V @ (c.T / (self.square + self.outside)).T
        if self.outside and self.V.shape[1] < len(b):
            w += (b - self.V @ c) / self.outside
        return w if self.scale is None else (w.T / self.scale).T

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


class Preconditioner:
    """The inverse of the system without couplings other than one factor f.

    Parameters
    ----------
    problem : Problem
        A problem with a squared loss and no proximal part.
    """

    def __init__(self, problem):
        d, m = problem.design.shape
        matrix = problem.matrix
        extra = 0.0 if matrix.matrix is None else matrix.matrix.diagonal()
        alpha = np.full(m, matrix.beta) + extra
        self.factors = _factors(problem, alpha)
        self.f = matrix.factors[:, 0] if matrix.factors.shape[1] == 1 else None
        if self.f is None:
            return
        self.coupling = matrix.beta - matrix.values[0]
        nu = matrix.values[0] + alpha - matrix.beta
        system = sum(
            self.f[t] ** 2 * factor.ratio(nu[t])
            for t, factor in enumerate(self.factors)
        )
        self.system = _inverse(system)

    def __call__(self, B):
        W = self._tasks(B)
        if self.f is not None:
            u = self.system @ (W @ self.f)
            W = W + self._tasks(self.coupling * np.outer(u, self.f))
        return W

    def _tasks(self, B):
        return np.column_stack(
            [factor.solve(B[:, t]) for t, factor in enumerate(self.factors)]
        )


def _inverse(system):
    """Return the pseudo-inverse of a system whose units may differ widely."""
    columns = np.linalg.norm(system, axis=0)
    columns[columns == 0] = 1.0
    rows = np.linalg.norm(system / columns, axis=1)
    rows[rows == 0] = 1.0
    inverse = np.linalg.pinv(system / columns / rows[:, None], rcond=1e-15)
    return inverse / columns[:, None] / rows


def _factors(problem, alpha):
    """Return the factor of each task, one for all where the tasks are alike."""
    scale = problem.design.alike(problem.weight)
    tasks = range(problem.design.shape[1])
    if scale is not None and np.ptp(scale) == 0 and np.ptp(alpha) == 0:
        return [Factor(problem.design.block(0, problem.weight), alpha[0])] * len(tasks)
    return [Factor(problem.design.block(t, problem.weight), alpha[t]) for t in tasks]


def _decompose(B, alpha):
    """Return the eigenvectors and positive eigenvalues of B'B."""
    n, d = B.shape
    if n >= 2 * d and alpha > 0:
        square, V = np.linalg.eigh(B.T @ B)
        if alpha > 1e-10 * square[-1]:
            return V, np.maximum(square, 0.0)
    _, singular, Vt = np.linalg.svd(B, full_matrices=False)
    cut = max(n, d) * np.finfo(float).eps * singular.max(initial=0.0)
    keep = singular > cut
    return Vt[keep].T, singular[keep] ** 2
