"""Norms of the absolute values, which may be held to coefficients of one sign."""

from __future__ import annotations

import numpy as np

from ._base import Penalty


class Signed(Penalty):
    """Base class of penalties that depend on the absolute values of W and grow in them.

    With ``positive=True`` negative coefficients are forbidden: the penalty is infinite
    there. Then the prox is that of the positive part, and so is the polar.
    """

    positive = False

    def _allowed(self, V: np.ndarray) -> np.ndarray:
        """Return the positive part where only that counts, else all."""
        return np.maximum(V, 0.0) if self.positive else V

    def _size(self, W, norm):
        """Return the norm, infinite where W is not allowed."""
        return np.inf if self.positive and W.min(initial=0.0) < 0 else norm
