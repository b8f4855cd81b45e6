"""Norms of the absolute values, which may be held to coefficients of one sign."""

from __future__ import annotations

import numpy as np

from ._base import Penalty
from ._components import Blocks


class Signed(Penalty):
    """Base class of penalties that depend on the absolute values of W and grow in them.

    With ``positive=True`` negative coefficients are forbidden: the penalty is infinite
    there. Then the prox is that of the positive part, and so is the polar. A subclass
    gives the polar gauge of the absolute values, ``_gauge(G)``.
    """

    positive = False

    @property
    def is_zero(self):
        """Whether there is neither a strength nor a sign."""
        return not self.positive and super().is_zero

    @property
    def certified(self):
        """Whether a duality gap is known: not where nothing is penalised or held."""
        return super().certified and not self.is_zero

    def only_signs(self, n_features, n_tasks):
        return np.full((n_features, n_tasks), self.is_sign)

    def polar(self, G: np.ndarray) -> float:
        """Return the polar gauge; of a sign alone that is zero where G is feasible.

        Parameters
        ----------
        G : ndarray of shape (n_features, n_tasks)
            Dual point.

        Returns
        -------
        gauge : float
            At most 1 where G is dual feasible.
        """
        G = self._allowed(G)
        if self.is_sign:
            return np.inf if G.any() else 0.0
        return self._gauge(G)

    @property
    def is_sign(self):
        """Whether a sign is all that there is."""
        return self.positive and super().is_zero

    def _allowed(self, V: np.ndarray) -> np.ndarray:
        """Return the positive part where only that counts, else all."""
        return np.maximum(V, 0.0) if self.positive else V

    def _size(self, W, norm):
        """Return the norm, infinite where W is not allowed."""
        return np.inf if self.positive and W.min(initial=0.0) < 0 else norm


class Covered(Penalty):
    """A penalty of some rows; the others are only held to their sign.

    Parameters
    ----------
    penalty : Penalty
        The penalty of the rows that are not free.
    free : ndarray of bool of shape (n_features,)
        The other rows, at least zero.
    """

    strengths = ()
    is_zero = False

    def __init__(self, penalty: Penalty, free: np.ndarray):
        self.penalty = penalty
        self.free = free

    @property
    def convex(self):
        return self.penalty.convex

    @property
    def certified(self):
        return self.penalty.certified and hasattr(self.penalty, "polar")

    @property
    def task_metric(self):
        return self.penalty.task_metric

    def only_signs(self, n_features, n_tasks):
        alone = np.full((n_features, n_tasks), True)
        alone[~self.free] = self.penalty.only_signs(np.sum(~self.free), n_tasks)
        return alone

    def polar(self, G):
        if G[self.free].max(initial=0.0) > 0:
            return np.inf
        return self.penalty.polar(G[~self.free])

    def value(self, W):
        if W[self.free].min(initial=0.0) < 0:
            return np.inf
        return self.penalty.value(W[~self.free])

    def prox(self, V, step):
        W = np.maximum(V, 0.0)
        steps = np.broadcast_to(step, V.shape)[~self.free] if np.ndim(step) else step
        W[~self.free] = self.penalty.prox(V[~self.free], steps)
        return W


def covered(penalty: Penalty, free: np.ndarray) -> Penalty:
    """Return a penalty, or one of blocks, that leaves rows only their sign."""
    if isinstance(penalty, Blocks):
        parts = [Covered(part, free) for part in penalty.penalties]
        return Blocks(parts, penalty.sizes)
    return Covered(penalty, free)
