"""Penalties of the singular values."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ._base import Penalty
from ._prior import Prior

SAFE_RATIO = 1e-4
ROUNDING = 1e-12
RANK = 1e-9


class Spectral(Penalty):
    """Base class of the penalties that see the singular values of W alone.

    A subclass gives :meth:`vector_value` and :meth:`vector_prox`, functions of the
    singular values (descending, min(n_features, n_tasks) of them), and a polar or a
    conjugate, most cheaply by :func:`squared_singular_values`.
    """

    def vector_value(self, s: np.ndarray) -> float:
        """Return the penalty of singular values.

        Parameters
        ----------
        s : ndarray of shape (r,)
            Singular values, descending.

        Returns
        -------
        value : float
            The penalty, strengths included.
        """
        raise NotImplementedError

    def vector_prox(self, s: np.ndarray, step: float) -> np.ndarray:
        """Return the prox of singular values; the singular vectors stay.

        Parameters
        ----------
        s : ndarray of shape (r,)
            Singular values, descending.
        step : float
            Positive step.

        Returns
        -------
        s : ndarray of shape (r,)
            The singular values of the prox.
        """
        raise NotImplementedError

    def slopes(self, s: np.ndarray) -> np.ndarray:
        """Return the derivatives of the penalty of singular values over these.

        Parameters
        ----------
        s : ndarray of shape (r,)
            Singular values, descending.

        Returns
        -------
        slopes : ndarray of shape (r,)
            Infinite where directions that are not used must stay so.
        """
        return np.full(len(s), np.nan)

    def new_task(self, W, place):
        # tr(W' D^-1 W) with the learned D held fixed: precisions along the singular
        # vectors
        d, T = W.shape
        unused = self.slopes(np.zeros(1))[0]
        if np.isnan(unused):
            return super().new_task(W, place)
        U, s, _ = np.linalg.svd(W, full_matrices=bool(np.isfinite(unused)))
        s = np.concatenate([s, np.zeros(U.shape[1] - len(s))])
        s[s <= RANK * s[0]] = 0.0
        precision = self.slopes(s)
        kept = np.isfinite(precision)
        return Prior(np.zeros(d), U[:, kept], precision[kept])

    def value(self, W):
        # solvers ask for the value of the last prox, whose singular values are known
        image, s = self.__dict__.pop("_last", (None, None))
        if image is None or not np.array_equal(W, image):
            s = singular_values(W)
        return float(self.vector_value(s))

    def prox(self, V, step):
        W, s = spectral_map(V, lambda s: self.vector_prox(s, float(step)))
        self._last = W.copy(), s
        return W


def singular_values(W: np.ndarray) -> np.ndarray:
    """Return the singular values of W, descending."""
    return np.linalg.svd(np.asarray(W, dtype=float), compute_uv=False)


def squared_singular_values(G: np.ndarray) -> np.ndarray:
    """Return the squared singular values of G, descending.

    They are the eigenvalues of the Gram matrix of the short side, which costs less
    than a singular value decomposition and is as accurate for the squares.
    """
    G = np.asarray(G, dtype=float)
    gram = G.T @ G if G.shape[0] >= G.shape[1] else G @ G.T
    return np.maximum(np.linalg.eigvalsh(gram)[::-1], 0.0)


def spectral_map(
    V: np.ndarray, function: Callable[[np.ndarray], np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """Apply a function to the singular values of V; return the matrix and its values.

    The decomposition is an eigendecomposition of the Gram matrix of the short side,
    several times faster than a singular value decomposition. It mixes the directions
    of the values that are small, below `SAFE_RATIO` of the largest. That does no harm
    where the function shrinks them alike, to zero for example; else the singular value
    decomposition takes over.
    """
    V = np.asarray(V, dtype=float)
    tall = V if V.shape[0] >= V.shape[1] else V.T
    square, Q = np.linalg.eigh(tall.T @ tall)
    s, Q = np.sqrt(np.maximum(square[::-1], 0.0)), Q[:, ::-1]
    ratio = _ratio(function(s), s)
    small = s < SAFE_RATIO * s[0]
    alike = ratio[small & (s > 0)]
    if len(alike) and np.ptp(alike) > ROUNDING * alike.max():
        U, s, Qt = np.linalg.svd(tall, full_matrices=False)
        image = function(s)
        out = (U * image) @ Qt
        return (out if tall is V else out.T), image
    base = alike[0] if len(alike) else 0.0
    moved = ~small & (ratio != base)
    B = tall @ Q[:, moved]
    s[moved] = np.linalg.norm(B, axis=0)
    ratio = np.where(moved, _ratio(function(s), s), base)
    out = (B * (ratio[moved] - base)) @ Q[:, moved].T
    if base:
        out += base * tall
    return (out if tall is V else out.T), ratio * s


def reciprocal(s: np.ndarray, scale: float) -> np.ndarray:
    """Return ``scale / s``, infinite where s is zero."""
    return np.divide(scale, s, out=np.full(s.shape, np.inf), where=s > 0)


def _ratio(image, s):
    return np.divide(image, s, out=np.zeros_like(s), where=s > 0)
