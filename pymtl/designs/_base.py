"""What every design has, and the defaults that it works with."""

from __future__ import annotations

import numpy as np

from .._sparse import column_squares, columns, gram
from .gram import Gram


class Design:
    """A linear map of the coefficients to the predictions of all rows.

    A design gives `forward`, `adjoint` and `block`; the other methods have defaults
    that are right for all, and that a design replaces where it knows better.

    Attributes
    ----------
    shape : tuple of int
        Numbers of features and of columns of W.
    bounds : ndarray of shape (n_tasks + 1,)
        Rows ``bounds[t]:bounds[t + 1]`` belong to task t.
    apart : bool
        Whether each column of W has rows of its own, so that nothing but the penalty
        holds the columns together.
    has_lines : bool
        Whether `lines` gives the columns of some features.
    direction : ndarray of shape (n_columns,)
        Direction that the last rows lack where there is a `tie`, else empty.
    copies : int or None
        How many times each task has a column, if that is all that the columns are.
    """

    shape: tuple[int, int]
    bounds: np.ndarray
    apart = True
    has_lines = False
    direction = np.zeros(0)
    copies: int | None = None

    def forward(self, W: np.ndarray) -> np.ndarray:
        """Return the stacked predictions (n_rows,) of coefficients W."""
        raise NotImplementedError

    def adjoint(self, r: np.ndarray) -> np.ndarray:
        """Return the transpose times r, of the shape of W."""
        raise NotImplementedError

    def block(self, t: int, weight: np.ndarray):
        """Return rows B, square-root weighted, for which B'B is the Gram matrix of t.

        Where columns share rows B'B is at least its part of the Gram matrix. B is an
        array or :class:`~pymtl._sparse.SparseRows`.
        """
        raise NotImplementedError

    @property
    def tie(self) -> np.ndarray | None:
        """Numbers B (n_features, n_columns) if B alone ties the columns together.

        The Gram matrix is that of the blocks, less the product of vec(B) with itself.
        """
        return None

    def gram(self, weight: np.ndarray):
        """Return a function ``W -> adjoint(weight * forward(W))``, or None.

        It holds the products ``X_t'X_t`` in place of the rows.
        """
        if not self.apart:
            return None
        d, m = self.shape
        H = np.empty((m, d, d))
        starts = self.bounds[:-1]
        scale = np.maximum.reduceat(weight, starts)
        scale[(np.minimum.reduceat(weight, starts) < scale) | (scale == 0)] = 1.0
        weight = weight / np.repeat(scale, np.diff(self.bounds))
        for t in range(m):  # rows of weight 1 are not copied
            H[t] = gram(self.block(t, weight))
        return Gram(H, scale)

    def take(self, features: np.ndarray) -> Design:
        """Return the design of some of the features."""
        return Selected(self, features)

    def of_classes(self, n: int) -> Design:
        """Return the design of n columns of W a task.

        The predictions of one are below those of the other.
        """
        raise NotImplementedError

    def alike(self, weight: np.ndarray) -> np.ndarray | None:
        """Return numbers c_t when every B_t'B_t is c_t B_0'B_0, else None."""
        return None

    def squares(self, weight: np.ndarray) -> np.ndarray:
        """Return the diagonals (n_features, n_columns) of all B_t'B_t."""
        scale, weight = self.as_one(weight)
        tasks = range(self.shape[1] if scale is None else 1)
        columns = [column_squares(self.block(t, weight)) for t in tasks]
        if scale is None:
            return np.stack(columns, axis=1)
        return np.outer(columns[0], scale)

    def lines(self, features: np.ndarray, weight: np.ndarray) -> np.ndarray:
        """Return the columns of features (n_taken, n_rows) times roots of weights."""
        raise NotImplementedError

    def as_one(self, weight: np.ndarray) -> tuple[np.ndarray | None, np.ndarray]:
        """Return how many times tasks of one Gram matrix have it, and its weights."""
        scale = self.alike(weight)
        if scale is None:
            return None, weight
        top = weight[: self.bounds[1]].max()  # rows of weight 1 are not copied
        return top * scale, weight / top


class Selected(Design):
    """Some of the features of a design.

    Parameters
    ----------
    design : design
        The tasks.
    features : ndarray of int
        Their indices.
    """

    def __init__(self, design, features):
        self.design = design
        self.features = features
        self.bounds = design.bounds
        self.shape = (len(features), design.shape[1])

    def forward(self, W):
        full = np.zeros(self.design.shape)
        full[self.features] = W
        return self.design.forward(full)

    def adjoint(self, r):
        return self.design.adjoint(r)[self.features]

    def block(self, t, weight):
        return columns(self.design.block(t, weight), self.features)

    def take(self, features):
        return Selected(self.design, self.features[features])

    @property
    def apart(self):
        return self.design.apart

    def alike(self, weight):
        return self.design.alike(weight)


def class_bounds(bounds: np.ndarray, n_classes: int) -> np.ndarray:
    """Return the boundaries of each class of each task."""
    if n_classes == 1:
        return bounds
    sizes = np.repeat(np.diff(bounds), n_classes)
    return np.append(0, np.cumsum(sizes))


def weights_alike(weight: np.ndarray, m: int) -> np.ndarray | None:
    """Return the weights of m copies of the rows over the first, or None."""
    weight = weight.reshape(m, -1)
    if not weight[0].any():
        return None
    scale = weight.sum(axis=1) / weight[0].sum()
    for own, c in zip(weight, scale, strict=True):
        if np.any(np.abs(own - c * weight[0]) > 1e-15 * c):
            return None
    return scale
