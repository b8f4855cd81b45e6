"""Data whose squares are no floating-point numbers, refused before any arithmetic."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import scipy.sparse as sp

if TYPE_CHECKING:
    from .tasks import TaskData

DECIMALS = 140  # of squares and products of X, y, which are squared again


def check_range(data: TaskData) -> None:
    """Raise an error if squares of the data overflow or underflow.

    Parameters
    ----------
    data : TaskData
        Rows and targets of all tasks.

    Raises
    ------
    ValueError
        If the largest absolute values of a task, or of a column of it, are so far from
        1 that products of them, squared, are beyond the range of float64. It names the
        task and the column.
    """
    tasks, starts = data.labels.tolist(), data.bounds[:-1]
    X = _decimals(_largest(data.X, starts))
    y = _decimals(np.maximum.reduceat(np.abs(data.y), starts))
    top = np.fmax.reduce(X, axis=1, initial=-np.inf)
    top = np.broadcast_to(np.where(np.isfinite(top), top, 0.0), y.shape)
    where = np.argwhere((X < -DECIMALS) | (X > DECIMALS / 2))
    if len(where):
        t, j = where[0].tolist()
        name = j if data.names is None else repr(data.names[j])
        whose = f"of task {tasks[t]!r}" if len(X) == len(tasks) else "of all tasks"
        _refuse(f"X {whose} has a column, {name}, whose", X[t, j])
    wrong = np.flatnonzero(np.abs(top) > DECIMALS / 2)
    if len(wrong):
        _refuse(f"X of task {tasks[wrong[0]]!r}: its", top[wrong[0]])
    z = np.where(np.isfinite(y), y, 0.0)
    wrong = np.flatnonzero(np.maximum(np.abs(z), np.abs(top + z)) > DECIMALS)
    if len(wrong):
        _refuse(f"y of task {tasks[wrong[0]]!r}: its", z[wrong[0]])
    low, high = int(np.argmin(z)), int(np.argmax(z))
    if z[high] - z[low] > DECIMALS:
        _refuse(
            f"y of task {tasks[high]!r} beside that of task {tasks[low]!r}: its",
            z[high],
        )
    if data.offset is not None:
        offset = _decimals(np.maximum.reduceat(np.abs(data.offset), starts))
        wrong = np.flatnonzero(offset > DECIMALS)
        if len(wrong):
            _refuse(f"offset of task {tasks[wrong[0]]!r}: its", offset[wrong[0]])


def _refuse(what, decimals):
    msg = (
        f"The data are too far from 1: {what} largest absolute value is about "
        f"1e{decimals:.0f}, and its squares and products are beyond the range of "
        "float64. Scale X (TaskScaler) or the targets first, or set to zero what is "
        "meant to be zero."
    )
    raise ValueError(msg)


def _decimals(values):
    """Return decimal logarithms, NaN of zero."""
    return np.log10(values, out=np.full(values.shape, np.nan), where=values > 0)


def _largest(values, starts):
    """Return the largest absolute values (n_tasks or 1, n_columns).

    Of sparse rows with no value that could be too far the columns are not told apart.
    """
    if hasattr(values, "arrays"):
        return np.concatenate([_largest(a, [0]) for a in values.arrays])
    n = values.shape[0]
    starts = starts if starts[-1] < n else [0]
    if sp.issparse(values):
        values = abs(values).astype(np.float64)  # the bounds are beyond float32
        near = values.data >= 10.0**-DECIMALS
        near &= values.data <= 10.0 ** (DECIMALS / 2)
        if np.all(near | (values.data == 0)):
            rows = values.max(axis=1).toarray().reshape(-1, 1)
            return np.maximum.reduceat(rows, starts).astype(np.float64)
    ends = zip(starts, [*starts[1:], n], strict=True)
    return np.stack([_columns(values[a:b]) for a, b in ends])


def _columns(values):
    """Return the largest absolute value of each column."""
    if sp.issparse(values):
        return values.max(axis=0).toarray().ravel().astype(np.float64)
    return np.maximum(values.max(axis=0), -values.min(axis=0)).astype(np.float64)
