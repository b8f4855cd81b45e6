"""The squared trace norm plus a ridge, common to two penalties."""

from __future__ import annotations

import numpy as np

from ._spectral import Spectral, reciprocal, squared_singular_values


class SquaredTraceNorm(Spectral):
    r"""Base class of :math:`\tfrac a2 \|W\|_F^2 + \tfrac b2 \|W\|_*^2`.

    Everything follows from one threshold. The conjugate at singular values s is
    :math:`\sum_i (s_i - \tau)_+^2 / (2a) + \tau^2 / (2b)` with

    .. math:: \tau = \max_r \frac{b \sum_{i \le r} s_i}{a + b r},

    attained at :math:`(s_i - \tau)_+ / a`; the prox is the same point for s divided by
    the step and a increased by its inverse.
    """

    def weights(self) -> tuple[float, float]:
        """Return a and b.

        Returns
        -------
        a, b : float
            Twice the strengths of the ridge and of the squared trace norm.
        """
        raise NotImplementedError

    def unit(self, n_features, n_tasks):
        # a square of a sum of r equal numbers is r times the sum of their squares
        return dict.fromkeys(self.strengths, 1.0 / min(n_features, n_tasks))

    def vector_value(self, s):
        a, b = self.weights()
        return 0.5 * (a * np.sum(s**2) + b * np.sum(s) ** 2)

    def slopes(self, s):
        a, b = self.weights()
        return a + (reciprocal(s, b * np.sum(s)) if b else 0.0 * s)

    def vector_prox(self, s, step):
        a, b = self.weights()
        a, b = 1.0 + step * a, step * b
        return np.maximum(s - threshold(s, a, b), 0.0) / a

    def conjugate(self, G: np.ndarray) -> float:
        r"""Return the conjugate, :math:`\sum_i (s_i - \tau)_+^2/(2a) + \tau^2/(2b)`.

        Parameters
        ----------
        G : ndarray of shape (n_features, n_tasks)
            Dual point.

        Returns
        -------
        value : float
            Finite everywhere.
        """
        a, b = self.weights()
        s = np.sqrt(squared_singular_values(G))
        tau = threshold(s, a, b)
        value = tau**2 / (2 * b) if b else 0.0
        if a:
            value += np.sum(np.maximum(s - tau, 0.0) ** 2) / (2 * a)
        return float(value)


def threshold(s: np.ndarray, a: float, b: float) -> float:
    """Return the largest of ``b (s_1 + ... + s_r) / (a + b r)`` for descending s."""
    rank = np.arange(1, len(s) + 1)
    return float(np.max(b * np.cumsum(s) / (a + b * rank)))


def square_root(W: np.ndarray) -> np.ndarray:
    """Return the square root of W'W over its trace; of zero, the identity over it."""
    _, s, Vt = np.linalg.svd(np.asarray(W, dtype=float), full_matrices=False)
    if not s.any():
        return np.eye(W.shape[1]) / W.shape[1]
    return (Vt.T * (s / s.sum())) @ Vt
