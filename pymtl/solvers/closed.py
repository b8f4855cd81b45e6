"""Many quadratic problems of the same tasks in closed form."""

from __future__ import annotations

import numpy as np

from ._precondition import RANK_CUT


class ClosedForm:
    r"""Solutions of ``H_t w_t + (W L)_t = b_t`` for any number of matrices L.

    With :math:`H_t = V_t S_t V_t^\top` decomposed once, and
    :math:`L = \beta (I - f f^\top) + \nu f f^\top`, the tasks are

    .. math:: w_t = (H_t + \beta I)^{-1} (b_t + (\beta - \nu) f_t u), \qquad
              u = \sum_t f_t w_t,

    and u solves one d x d system, see :func:`pymtl.solvers.direct.direct`.

    Parameters
    ----------
    design : Stacked
        The tasks.
    y : ndarray of shape (n_rows,)
        Targets.
    weight : ndarray of shape (n_rows,)
        Row weights.
    """

    def __init__(self, design, y, weight):
        d, m = design.shape
        vectors, values, linear, sizes = [], [], [], []
        for t, (a, b) in enumerate(
            zip(design.bounds[:-1], design.bounds[1:], strict=True)
        ):
            U, s, Vt = np.linalg.svd(design.block(t, weight), full_matrices=False)
            keep = s > RANK_CUT * s.max(initial=0.0)
            keep[:1] = True  # each task has a column
            vectors.append(Vt[keep])
            values.append(s[keep] ** 2)
            linear.append(s[keep] * (U[:, keep].T @ (np.sqrt(weight[a:b]) * y[a:b])))
            sizes.append(keep.sum())
        A = np.concatenate(vectors).T
        self.n_features, self.seen = d, np.flatnonzero(A.any(axis=1))
        self.A = np.ascontiguousarray(A[self.seen])
        self.S, self.b = np.concatenate(values), np.concatenate(linear)
        self.task = np.repeat(np.arange(m), sizes)
        self.starts = np.cumsum([0, *sizes[:-1]])
        self.null = 0.5 * float(np.dot(weight * y, y))

    def solve(self, matrix) -> tuple[np.ndarray, float]:
        """Return W and a bound of its relative duality gap.

        Parameters
        ----------
        matrix : TaskMatrix
            The matrix L, definite, with at most one vector f and no general part.
        """
        A, S, beta = self.A, self.S, matrix.beta
        inverse = 1.0 / (S + beta)
        if not matrix.factors.shape[1]:
            W, modulus = self._join(inverse * self.b), beta
        else:
            f, nu = matrix.factors[:, 0], matrix.values[0]
            ft, share, M = self._coupling(matrix)
            u = np.linalg.solve(M, A @ (ft * inverse * self.b))
            pull = share * ft * (u @ A)
            W = self._join(inverse * (self.b - S * pull)) + np.outer(u, share * f)
            modulus = min(beta, nu)
        inside = np.einsum("ij,ij->j", A, W[:, self.task])
        gradient = self._join(S * inside - self.b) + matrix.apply(W)
        gap = 0.5 * float(np.vdot(gradient, gradient)) / modulus
        full = np.zeros((self.n_features, W.shape[1]))
        full[self.seen] = W
        return full, gap / self.null if gap else 0.0

    def trace(self, matrix) -> float:
        """Return the trace of the inverse Hessian times that of the loss.

        Parameters
        ----------
        matrix : TaskMatrix
            The matrix L, as in :meth:`solve`.
        """
        inverse = 1.0 / (self.S + matrix.beta)
        alone = float(np.sum(self.S * inverse))
        if not matrix.factors.shape[1]:
            return alone
        ft, share, M = self._coupling(matrix)
        C = self.A * (ft * inverse * np.sqrt(self.S))
        return alone + share * matrix.beta * float(np.vdot(C, np.linalg.solve(M, C)))

    def _coupling(self, matrix):
        """Return f by column, 1 - nu / beta, and the d x d system of u."""
        beta, ft = matrix.beta, matrix.factors[self.task, 0]
        share = 1 - matrix.values[0] / beta
        B = self.A * (ft * np.sqrt(abs(share) * self.S / (self.S + beta)))
        M = (1 - share) * np.eye(len(self.A)) + np.sign(share) * (B @ B.T)
        return ft, share, M

    def _join(self, c):
        """Return V_t c_t for all tasks."""
        return np.add.reduceat(self.A * c, self.starts, axis=1)


def has_closed_form(matrix) -> bool:
    """Return whether L is definite, with at most one vector and no general part."""
    plain = getattr(matrix, "general", 0) is None and matrix.factors.shape[1] <= 1
    return plain and matrix.beta > 0 and bool(np.all(matrix.values > 0))
