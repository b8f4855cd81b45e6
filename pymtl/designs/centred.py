"""Rows less their means, which are not touched."""

from __future__ import annotations

import numpy as np

from .._sparse import less_outer
from ._base import Design
from .gram import Gram


class Shifted(Design):
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

    def take(self, features):
        return Shifted(self.design.take(features), self.shift[features].T)

    def of_classes(self, n):
        return Shifted(self.design.of_classes(n), np.repeat(self.shift.T, n, axis=0))


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
