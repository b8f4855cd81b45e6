"""Products of the rows in place of them."""

from __future__ import annotations

import numpy as np

from .._kernels import gram_product


class Gram:
    """The products ``X_t'X_t = c_t H_t``, as a function of the coefficients.

    Parameters
    ----------
    H : ndarray of shape (n_tasks, n_features, n_features) or (1, ...)
        The matrices H_t, or one for all tasks.
    scale : ndarray of shape (n_tasks,)
        The numbers c_t.

    Attributes
    ----------
    tie : ndarray of shape (n_features, n_tasks) or None
        What ties the tasks together, see :class:`Tied`.
    """

    tie: np.ndarray | None = None

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

    def scaled(self, numbers):
        """Return the products of features times numbers."""
        return Gram(self.H * np.outer(numbers, numbers), self.scale)


class Tied(Gram):
    """Products of tasks that touch each other by one rank: less ``vec(B) vec(B)'``.

    Parameters
    ----------
    H, scale : ndarray
        As in :class:`Gram`, of the tasks alone.
    tie : ndarray of shape (n_features, n_tasks)
        The numbers B.
    """

    def __init__(self, H, scale, tie):
        super().__init__(H, scale)
        self.tie = tie

    def __call__(self, W):
        return super().__call__(W) - np.vdot(self.tie, W) * self.tie

    def diagonal(self):
        return super().diagonal() - self.tie**2

    def take(self, features):
        own = super().take(features)
        return Tied(own.H, own.scale, self.tie[features])

    def scaled(self, numbers):
        own = super().scaled(numbers)
        return Tied(own.H, own.scale, numbers[:, None] * self.tie)
