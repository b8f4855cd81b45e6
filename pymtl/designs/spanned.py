"""Columns in place of tasks."""

from __future__ import annotations

import numpy as np

from .._sparse import stack_rows, triangle
from ._base import Design


class Spanned(Design):
    """A design whose coefficients are ``W = S N'``: columns of S in place of tasks.

    With ``N`` a column of ones all tasks have the same coefficients.

    Parameters
    ----------
    design : design
        The tasks.
    basis : ndarray of shape (n_tasks, n_columns)
        The matrix N.
    """

    apart = False

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
        own = self.design.squares(weight)
        if self.copies is None:
            return own @ self.majorant
        return np.tile(self.copies * own, self.copies)
