"""The task column alone, of a table whose other columns are not read."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.utils import check_array

from ._labels import column_values, find_column
from ._stack import is_lists


def read_task_column(X: Any, task_column: int | str) -> np.ndarray:
    """Return the task column of a long table; the others may hold anything.

    Parameters
    ----------
    X : {array-like, frame} of shape (n_samples, 1 + n_features)
        Long table.
    task_column : int or str
        A name where the frame has that name, else a position.

    Returns
    -------
    column : ndarray of shape (n_samples,)
        Task labels as they are.
    """
    if is_lists(X):
        msg = (
            f"X is a list of {len(X)} tasks, and TaskKFold splits rows: give the long "
            "table of stack_tasks(Xs, ys), with task_column=0."
        )
        raise ValueError(msg)
    if hasattr(X, "columns"):
        frame, name = find_column(X, task_column)
        return column_values(frame.get_column(name))
    if not hasattr(X, "dtype") and not sp.issparse(X):
        X = np.asarray(X, dtype=object)
    masked = isinstance(X, np.ma.MaskedArray)
    if masked and _is_position(task_column, X.shape[1]):
        return X[:, task_column]
    X = check_array(
        X, accept_sparse=("csr", "csc"), dtype=None, ensure_all_finite=False
    )
    if not _is_position(task_column, X.shape[1]):
        msg = (
            f"task_column={task_column!r} is not a column of X, an array with "
            f"{X.shape[1]} columns: give a position, or pass a frame to use names."
        )
        raise ValueError(msg)
    if sp.issparse(X):
        return X[:, [task_column % X.shape[1]]].toarray().ravel()
    return X[:, task_column]


def task_position(X: Any, task_column: int | str) -> int:
    """Return where the task column of a long table is.

    Parameters
    ----------
    X : {array-like, frame} of shape (n_samples, 1 + n_features)
        Long table that has the column.
    task_column : int or str
        A name where the frame has that name, else a position.

    Returns
    -------
    position : int
        Counted from 0.
    """
    if hasattr(X, "columns"):
        import narwhals as nw

        columns = list(nw.from_native(X, eager_only=True).columns)
        if task_column in columns:
            return columns.index(task_column)
        return task_column % len(columns)
    return task_column % (X if hasattr(X, "shape") else np.asarray(X)).shape[1]


def _is_position(task_column, n_columns):
    return not isinstance(task_column, str) and -n_columns <= task_column < n_columns
