"""The task column of a long table, and task labels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.utils import check_array

from .._sparse import canonical
from ._clean import (
    clean_labels,
    kind_of,
    label_array,
    label_key,
    missing_label,
    objects,
    plain,
)
from ._constants import FLOATS


def split_column(
    X: Any, task_column: int | str
) -> tuple[np.ndarray, np.ndarray, tuple[list | None, bool], list[str] | None]:
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
    categories : (list or None, bool)
        Order of the labels of a categorical column, and whether it means something.
    names : list of str or None
        Feature names.
    """
    if hasattr(X, "columns"):
        return _split_frame(X, task_column)
    if sp.issparse(X):
        X = check_array(X, accept_sparse="csr", dtype=FLOATS, ensure_all_finite=False)
    elif not hasattr(X, "dtype"):
        X = np.asarray(X, dtype=object)  # or large numbers would be cut
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
        return X[:, np.flatnonzero(rest)], column, (None, False), None
    column = X[:, task_column]
    if d == 1:
        return np.zeros((len(column), 0)), column, (None, False), None
    table = check_array(
        plain(X[:, rest]),
        dtype=FLOATS,
        ensure_all_finite=False,
        input_name="X",
    )
    return table, column, (None, False), None


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
    if column.dtype == object:
        labels, task = _unique_objects(column)
    else:
        labels, task = np.unique(column, return_inverse=True)
    order = categories if order is None else order
    if order is None:
        return labels, task
    position = {label_key(v): i for i, v in enumerate(label_array(order).tolist())}
    known = [label_key(label) for label in labels.tolist()]
    missing = [label for label in known if label not in position]
    if missing:
        msg = f"task_order does not name the tasks {missing[:5]}."
        raise ValueError(msg)
    perm = np.argsort([position[label] for label in known])
    return labels[perm], np.argsort(perm)[task]


def find_tasks(labels: np.ndarray, known: np.ndarray, name: str) -> np.ndarray:
    """Return the index of each label among those that are known, -1 for others.

    Parameters
    ----------
    labels, known : ndarray
        Labels of rows, or of lists, and those of fit.
    name : str
        The estimator, for messages.

    Returns
    -------
    index : ndarray of int
        Positions in `known`.

    Raises
    ------
    ValueError
        If the labels are of another type, so that none can be equal.
    """
    position = {label_key(label): i for i, label in enumerate(known.tolist())}
    index = np.array([position.get(label_key(v), -1) for v in labels.tolist()], int)
    if len(index) and (index < 0).all():
        here = {kind_of(v) for v in labels.tolist()}
        there = {kind_of(v) for v in known.tolist()}
        if not here & there:
            msg = (
                f"{name} was not fitted with the tasks {labels.tolist()[:5]}: they are "
                f"of type {', '.join(sorted(here))}, those of fit of type "
                f"{', '.join(sorted(there))} ({known.tolist()[:5]}). Give the labels "
                "the type that they had in fit."
            )
            raise ValueError(msg)
    return index


def _unique_objects(column):
    """Return the labels that occur, sorted, and each row's index into them."""
    try:
        seen = dict.fromkeys(column.tolist())
    except TypeError as error:
        msg = f"Task labels need a hash ({error}): name the tasks by text or numbers."
        raise ValueError(msg) from error
    try:
        labels = sorted(seen)
    except TypeError as error:
        msg = f"Task labels need an order ({error}): name them by text or numbers."
        raise ValueError(msg) from error
    position = {label: i for i, label in enumerate(labels)}
    return objects(labels), np.array([position[v] for v in column.tolist()], int)


def find_column(X: Any, task_column: int | str) -> tuple[Any, Any]:
    """Return a frame, as narwhals has it, and the name of its task column."""
    import narwhals as nw

    if getattr(X.columns, "nlevels", 1) > 1:
        msg = (
            "The columns of X have several levels, of which task_column and the "
            "feature names can be only one: join them first, for example X.columns = "
            "['_'.join(map(str, c)) for c in X.columns]."
        )
        raise ValueError(msg)
    frame = nw.from_native(X, eager_only=True)
    columns = list(frame.columns)
    if task_column in columns:
        return frame, task_column
    if isinstance(task_column, str) or not (
        -len(columns) <= task_column < len(columns)
    ):
        raise ValueError(no_column(task_column, columns))
    return frame, columns[task_column]


def column_values(series: Any) -> np.ndarray:
    """Return the values of a column of a frame, as objects where NumPy has no type."""
    native = series.to_native()
    if hasattr(native, "cat") and hasattr(native.cat, "categories"):
        values = native.cat.categories.to_numpy()  # pandas
        codes = native.cat.codes.to_numpy()
        return objects([values[k] if k >= 0 else None for k in codes])
    if hasattr(native, "array"):
        return native.to_numpy()
    dtype = series.dtype
    zone = getattr(dtype, "time_zone", None)
    exact = dtype.is_numeric() and not dtype.is_decimal() and "128" not in str(dtype)
    whole = not series.is_null().any()
    if whole and zone is None and (exact or dtype.is_temporal()):
        return series.to_numpy()
    if zone is not None and dtype.time_unit == "ns":
        nanoseconds = series.to_numpy().astype("M8[ns]").astype(np.int64)
        if (nanoseconds % 1000).any():
            msg = (
                "The task column holds nanoseconds with a time zone, which are cut to "
                "microseconds: cast it to Datetime('us', ...), or drop the time zone."
            )
            raise ValueError(msg)
    return objects(series.to_list())


def _categories(series):
    """Return the categories of a column, and whether their order means something."""
    native = series.to_native()
    if hasattr(native, "cat") and hasattr(native.cat, "categories"):
        return list(native.cat.categories), bool(native.cat.ordered)
    if type(native.dtype).__name__ == "Enum":
        return list(native.dtype.categories), True
    return None, False


def _split_frame(X, task_column):
    import narwhals as nw

    frame, name = find_column(X, task_column)
    series = frame.get_column(name)
    missing = series.is_null().to_numpy()
    if missing.any():
        missing_label(int(np.argmax(missing)))
    column = column_values(series)
    names = [c for c in frame.columns if c != name]
    if not names:
        table = np.zeros((len(column), 0))
        return table, column, _categories(series), []
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
    return table, column, _categories(series), names
