"""The task column of a long table, and task labels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.utils import check_array

from .._sparse import canonical
from ._constants import FLOATS


def split_column(
    X: Any, task_column: int | str
) -> tuple[np.ndarray, np.ndarray, list | None, list[str] | None]:
    """Split a long table into its features and its task column.

    Parameters
    ----------
    X : {array-like, sparse, frame} of shape (n_samples, 1 + n_features)
        Long table.
    task_column : int or str
        A name where the frame has that name, else a position.

    Returns
    -------
    table : ndarray or csr_array of shape (n_samples, n_features)
        Numeric features; they may still hold NaN.
    column : ndarray of shape (n_samples,)
        Task labels as they are.
    categories : list or None
        Order of the labels of a categorical column.
    names : list of str or None
        Feature names.
    """
    if hasattr(X, "columns"):
        return _split_frame(X, task_column)
    if sp.issparse(X):
        X = check_array(X, accept_sparse="csr", dtype=FLOATS, ensure_all_finite=False)
    elif not hasattr(X, "dtype"):
        X = np.asarray(X)
    if X.ndim != 2:
        X = check_array(X, dtype=None)
    if isinstance(task_column, str):
        msg = (
            f"task_column={task_column!r} names a column, but X is an array without "
            "column names: give the position of the column, or, if it is dense, pass "
            "a frame (after a transformer: set_output(transform='pandas'))."
        )
        raise ValueError(msg)
    d = X.shape[1]
    if not -d <= task_column < d:
        msg = f"task_column={task_column} is not a column of X, which has {d}."
        raise ValueError(msg)
    rest = np.arange(d) != task_column % d
    if sp.issparse(X):
        X = canonical(X)
        column = X[:, [task_column % d]].toarray().ravel()
        return X[:, np.flatnonzero(rest)], column, None, None
    table = check_array(
        np.compress(rest, X, axis=1),
        dtype=FLOATS,
        ensure_all_finite=False,
        input_name="X",
    )
    return table, np.asarray(X[:, task_column]), None, None


def no_column(name: int | str, columns: list) -> str:
    """Return the message that a frame lacks a column, with the remedy if it is there.

    Parameters
    ----------
    name : int or str
        The column.
    columns : list
        Those of the frame.

    Returns
    -------
    message : str
        What is wrong.
    """
    msg = f"X has no column {name!r}; its columns are {columns}."
    prefixed = [c for c in columns if str(c).endswith(f"__{name}")]
    if prefixed:
        msg += (
            f" {prefixed[0]!r} has the prefix of a ColumnTransformer: give it "
            "verbose_feature_names_out=False."
        )
    return msg


def encode_tasks(
    column: np.ndarray, categories: list | None = None, order: Sequence | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Return the task labels and each row's index into them.

    Parameters
    ----------
    column : ndarray of shape (n_samples,)
        Task labels, one a row.
    categories : list or None, default=None
        Order of the labels of a categorical column.
    order : sequence of labels or None, default=None
        Order asked for, before any other.

    Returns
    -------
    labels : ndarray of shape (n_tasks,)
        The labels that occur.
    task : ndarray of shape (n_samples,)
        Index of each row's label.
    """
    column = clean_labels(column)
    try:
        labels, task = np.unique(column, return_inverse=True)
    except TypeError:
        kinds = sorted({type(v).__name__ for v in column})
        msg = f"The task column mixes labels of types {kinds}; use one type."
        raise ValueError(msg) from None
    order = categories if order is None else order
    if order is None:
        return labels, task
    position = {label: i for i, label in enumerate(clean_labels(np.asarray(order)))}
    missing = [label for label in labels.tolist() if label not in position]
    if missing:
        msg = f"task_order does not name the tasks {missing[:5]}."
        raise ValueError(msg)
    rank = np.array([position[label] for label in labels.tolist()])
    perm = np.argsort(rank)
    return labels[perm], np.argsort(perm)[task]


def clean_labels(column: np.ndarray) -> np.ndarray:
    """Return task labels of one type; whole-number floats become integers."""
    column = np.asarray(column)
    if column.dtype == object:
        missing = [v is None or v != v for v in column]
        if np.any(missing):
            _missing_label(int(np.argmax(missing)))
        if all(isinstance(v, int | float | np.number) for v in column):
            column = column.astype(float)
    if column.dtype.kind == "f":
        if np.isnan(column).any():
            _missing_label(int(np.argmax(np.isnan(column))))
        whole = np.isfinite(column) & (column == np.floor(column))
        if not whole.all():
            i = int(np.argmin(whole))
            msg = (
                f"The task column holds {column[i]!s} in row {i}, which is not a whole "
                "number: a scaler may have changed it. Let only the features through "
                "the scaler, with pymtl.TaskScaler(task_column=...) or a "
                "ColumnTransformer(..., remainder='passthrough')."
            )
            raise ValueError(msg)
        column = column.astype(np.int64)
    return column


def label_array(labels):
    array = np.asarray(labels)
    if array.ndim == 1 and array.dtype.kind in "iub":
        return array
    if array.ndim == 1 and all(isinstance(label, str) for label in labels):
        return array
    array = np.empty(len(labels), dtype=object)
    array[:] = labels
    return array


def _missing_label(row):
    msg = f"The task column has a missing label in row {row}: name a task or drop it."
    raise ValueError(msg)


def _categories(series):
    """Return the categories of a column whose categories have an order."""
    native = series.to_native()
    if hasattr(native, "cat") and hasattr(native.cat, "categories"):
        return list(native.cat.categories)
    if type(native.dtype).__name__ == "Enum":
        return list(native.dtype.categories)
    return None


def _split_frame(X, task_column):
    import narwhals as nw

    frame = nw.from_native(X, eager_only=True)
    columns = list(frame.columns)
    if task_column in columns:
        name = task_column
    elif isinstance(task_column, str) or not (
        -len(columns) <= task_column < len(columns)
    ):
        raise ValueError(no_column(task_column, columns))
    else:
        name = columns[task_column]
    series = frame.get_column(name)
    missing = series.is_null().to_numpy()
    if missing.any():
        _missing_label(int(np.argmax(missing)))
    categories = _categories(series)
    column = np.asarray(series.to_list() if categories else series.to_numpy())
    names = [c for c in columns if c != name]
    table = frame.select([nw.col(c) for c in names]).to_native()
    try:
        table = check_array(
            table, dtype=FLOATS, ensure_all_finite=False, input_name="X"
        )
    except (TypeError, ValueError) as error:
        text = [c for c in names if not frame.get_column(c).dtype.is_numeric()]
        if not text:
            raise
        msg = (
            f"The columns {text} of X are not numeric: encode them (for example with "
            f"a OneHotEncoder) before the model. ({error})"
        )
        raise ValueError(msg) from error
    names = names if all(isinstance(c, str) for c in names) else None
    return table, column, categories, names
