"""Data whose squares are no floating-point numbers, refused before any arithmetic."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

DECIMALS = 140  # of squares and products of X, y, which are squared again


def check_range(X, y: np.ndarray, n_tasks: int) -> None:
    """Raise an error if squares of the data overflow or underflow.

    Parameters
    ----------
    X : ndarray, sparse array or pieces of (n_rows, n_features)
        Rows of all tasks.
    y : ndarray of shape (n_rows,)
        Their targets.
    n_tasks : int
        Number of tasks, for the message.

    Raises
    ------
    ValueError
        If the largest absolute values of X and y are so far from 1 that products of
        them, squared, are beyond the range of float64.
    """
    features, targets = _largest(X), _largest(y)
    x, z = (np.log10(a) if a > 0 else 0.0 for a in (features, targets))
    if max(abs(2 * x), abs(z), abs(x + z)) <= DECIMALS:
        return
    msg = (
        f"The data of {n_tasks} task{'s' * (n_tasks != 1)} are too far from 1: the "
        f"largest absolute value is {features:.1e} in X and {targets:.1e} in y, and "
        "their squares are beyond the range of float64. Scale X (TaskScaler) or the "
        "targets first."
    )
    raise ValueError(msg)


def _largest(values) -> float:
    """Return the largest absolute value."""
    if sp.issparse(values):
        values = values.data
    arrays = getattr(values, "arrays", [values])
    ends = [f(a) for a in arrays if a.size for f in (np.max, np.min)]
    with np.errstate(over="ignore"):
        return max((abs(float(end)) for end in ends), default=0.0)
