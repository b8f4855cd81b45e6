"""Penalties of the singular values."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ._base import Penalty

SAFE_RATIO = 1e-6


class Spectral(Penalty):
    """Base class of the penalties that see the singular values of W alone.

    A subclass gives :meth:`vector_value`, :meth:`vector_prox` and either
    `vector_polar` or `vector_conjugate`, functions of the singular values
    (descending, min(n_features, n_tasks) of them).
    """

    def vector_value(self, s: np.ndarray) -> float:
        """Return the penalty of singular values s."""
        raise NotImplementedError

    def vector_prox(self, s: np.ndarray, step: float) -> np.ndarray:
        """Return the prox of singular values s; the singular vectors stay."""
        raise NotImplementedError

    def value(self, W):
        return float(self.vector_value(singular_values(W)))

    def prox(self, V, step):
        return spectral_map(V, lambda s: self.vector_prox(s, float(step)))


def singular_values(W: np.ndarray) -> np.ndarray:
    """Return the singular values of W, descending."""
    return np.linalg.svd(W, compute_uv=False)


def spectral_map(
    V: np.ndarray, function: Callable[[np.ndarray], np.ndarray]
) -> np.ndarray:
    """Apply a function to the singular values of V.

    The decomposition is an eigendecomposition of the Gram matrix of the short side,
    several times faster than a singular value decomposition. It knows small singular
    values to ``eps sigma_1^2 / sigma`` only, so where a value below `SAFE_RATIO`
    sigma_1 survives, the singular value decomposition takes over.
    """
    tall = V if V.shape[0] >= V.shape[1] else V.T
    square, Q = np.linalg.eigh(tall.T @ tall)
    s = np.sqrt(np.maximum(square[::-1], 0.0))
    Q = Q[:, ::-1]
    if s[0] == 0:
        return np.zeros_like(V)
    image = function(s)
    small = s < SAFE_RATIO * s[0]
    if image[small].any():
        U, s, Qt = np.linalg.svd(tall, full_matrices=False)
        out = (U * function(s)) @ Qt
    else:
        ratio = np.divide(image, s, out=np.zeros_like(s), where=~small)
        out = tall @ ((Q * ratio) @ Q.T)
    return out if tall is V else out.T
