"""Norms of rows with a strength for each, as stages of other penalties have them."""

from __future__ import annotations

import numpy as np

from .._kernels import shrink_rows
from ._base import Penalty
from .l21 import row_lengths


class WeightedRows(Penalty):
    r"""The norm :math:`\sum_j a_j \|w_j\|_2` with a strength for each row.

    A convex penalty that touches a concave one of the rows is such a norm. Strengths
    may be zero: then the dual is bounded by how long such a row may be, which enters
    through the conjugate, so that a gap is one to the best among coefficients that are
    so long at most.

    Parameters
    ----------
    strength : ndarray of shape (n_features,)
        The strengths a.
    reach : float
        The longest that rows of strength zero may be.
    """

    strengths = ()
    is_zero = False
    task_metric = True
    separable = "row"

    def __init__(self, strength: np.ndarray, reach: float):
        self.strength = strength
        self.reach = reach

    @property
    def row_norms(self):
        return 0.0, self.strength

    def value(self, W):
        return float(np.dot(self.strength, row_lengths(W)))

    def prox(self, V, step):
        V = np.ascontiguousarray(V, dtype=np.float64)
        step = np.ascontiguousarray(np.broadcast_to(step, V.shape), dtype=np.float64)
        return shrink_rows(V, step, self.strength)

    def polar(self, G: np.ndarray) -> float:
        """Return the largest ratio of a row's norm and its strength, of those with one.

        Parameters
        ----------
        G : ndarray of shape (n_features, n_tasks)
            Dual point.

        Returns
        -------
        gauge : float
            At most 1 where the conjugate is finite.
        """
        on = self.strength > 0
        return float((row_lengths(G)[on] / self.strength[on]).max(initial=0.0))

    def conjugate(self, G: np.ndarray) -> float:
        """Return the conjugate: the reach times the norms of the rows without strength.

        Parameters
        ----------
        G : ndarray of shape (n_features, n_tasks)
            Dual point, whose polar is at most 1.

        Returns
        -------
        value : float
            Zero where all rows have a strength.
        """
        return self.reach * float(row_lengths(G)[self.strength == 0].sum())

    def of_rows(self, rows, shape):
        return WeightedRows(self.strength[rows], self.reach)
