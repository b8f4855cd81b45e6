"""Labels and targets as they were meant: nothing masked, missing or cast on the way."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from numbers import Integral, Real
from typing import Any

import numpy as np


def is_gone(value: Any) -> bool:
    """Return whether one value is missing: None, NaN, NaT or NA."""
    if value is None or value is np.ma.masked:
        return True
    try:
        return bool(value != value)
    except TypeError:  # pandas.NA
        return True
    except ValueError:  # an array
        return False


def plain(values: Any) -> Any:
    """Return targets or weights with NaN for what is masked or missing.

    What has neither masks nor objects is returned as it is.
    """
    if isinstance(values, np.ma.MaskedArray):
        mask = np.ma.getmaskarray(values)
        array = np.asarray(values.data)
        if not mask.any():
            return array
        if array.dtype.kind in "biuf":
            return np.where(mask, np.nan, array.astype(np.result_type(array, float)))
        values = array.astype(object)
        values[mask] = None
    if isinstance(values, list | tuple) and any(
        isinstance(v, np.ma.MaskedArray) for v in values
    ):
        return [plain(v) for v in values]
    if isinstance(values, list | tuple | np.ndarray):
        array = values
    elif hasattr(values, "shape") or hasattr(values, "__array__"):
        array = np.asarray(values)
    else:
        return values
    if not isinstance(array, np.ndarray) or array.dtype != object:
        return array if isinstance(values, np.ndarray | list | tuple) else values
    gone = np.frompyfunc(is_gone, 1, 1)(array).astype(bool)
    rest = array[~gone]
    if all(isinstance(v, Real | np.bool_) for v in rest.ravel()):
        numbers = np.full(array.shape, np.nan)
        numbers[~gone] = rest.astype(float)
        return numbers
    if gone.any():
        array = array.copy()
        array[gone] = None
    return array


def clean_labels(column: Any) -> np.ndarray:
    """Return task labels of one type, none of them missing.

    Whole-number floats become integers, times of any unit those of microseconds, both
    only where they stay what they are.

    Parameters
    ----------
    column : array-like of shape (n_samples,)
        Labels of any type that has an order and a hash.

    Returns
    -------
    labels : ndarray of shape (n_samples,)
        Integers, booleans, text or times; all else as objects.

    Raises
    ------
    ValueError
        If a label is missing, not a whole number, or types are mixed.
    """
    mask = np.ma.getmask(column) if isinstance(column, np.ma.MaskedArray) else False
    if np.any(mask):
        missing_label(int(np.argmax(mask)))
    column = np.asarray(column)
    kind = column.dtype.kind
    if kind in "biuSU":
        return column
    if kind in "mM":
        return _times(column)
    if kind == "f":
        return _whole(column)
    if kind == "c":
        msg = "The task column holds complex numbers: name the tasks by other labels."
        raise ValueError(msg)
    if kind != "O":  # text of variable width, records
        column = objects(column.tolist())
    missing = [is_gone(v) for v in column]
    if any(missing):
        missing_label(missing.index(True))
    kinds = {kind_of(v) for v in column}
    if len(kinds) > 1:
        types = sorted({type(v).__name__ for v in column})
        msg = f"The task column mixes labels of types {types}; use one type."
        raise ValueError(msg)
    if kinds == {"number"}:
        return _numbers(column)
    return column


def label_array(labels: Iterable) -> np.ndarray:
    """Return the labels of lists, which may be of several types, one entry each."""
    if isinstance(labels, np.ndarray) and labels.ndim == 1:
        return labels
    labels = list(labels)
    if labels and all(isinstance(label, str) for label in labels):
        array = np.asarray(labels)
        if array.tolist() == labels:  # not so where they end in a null
            return array
    if labels and all(isinstance(label, bool | np.bool_) for label in labels):
        return np.asarray(labels)
    if labels and all(_is_integer(label) for label in labels):
        return _integers(labels)
    return objects(labels)


def objects(values: list) -> np.ndarray:
    """Return an array of objects, one for each value."""
    array = np.empty(len(values), dtype=object)
    for i, value in enumerate(values):
        array[i] = value
    return array


def kind_of(label: Any) -> str:
    """Return the name of the kind of a label: only those of one kind can be equal."""
    if isinstance(label, Real | np.bool_):
        return "number"
    if isinstance(label, str):
        return "text"
    if isinstance(label, datetime.datetime) and label.tzinfo is not None:
        return "time with a time zone"
    if isinstance(label, datetime.date | np.datetime64):
        return "time"
    return type(label).__name__


def label_key(label: Any) -> Any:
    """Return what equal labels have in common, days and midnights too."""
    if isinstance(label, datetime.date) and not isinstance(label, datetime.datetime):
        return datetime.datetime(label.year, label.month, label.day)
    return label


def _is_integer(value):
    return isinstance(value, Integral) and not isinstance(value, bool | np.bool_)


def _numbers(column):
    if all(isinstance(v, bool | np.bool_) for v in column):
        return column.astype(bool)
    if all(isinstance(v, Integral | np.bool_) for v in column):
        return _integers(column)
    for i, v in enumerate(column):
        if not np.isfinite(float(v)) or v != int(v):
            _not_whole(v, i)
    return _integers(column)


def _whole(column):
    if np.isnan(column).any():
        missing_label(int(np.argmax(np.isnan(column))))
    whole = np.isfinite(column) & (column == np.floor(column))
    if not whole.all():
        i = int(np.argmin(whole))
        _not_whole(column[i], i)
    if np.abs(column).max(initial=0.0) < 2.0**63:
        return column.astype(np.int64)
    return _integers(column.tolist())


def _integers(values):
    """Return integers of any size, in the smallest form that holds them."""
    values = [int(v) for v in values]
    low, high = min(values, default=0), max(values, default=0)
    for dtype in (np.int64, np.uint64):
        if np.iinfo(dtype).min <= low and high <= np.iinfo(dtype).max:
            return np.array(values, dtype=dtype)
    return objects(values)


def _times(column):
    """Return times whose items are those of datetime, else of pandas."""
    if np.isnat(column).any():
        missing_label(int(np.argmax(np.isnat(column))))
    kind = column.dtype.kind
    coarse = kind == "M" and np.datetime_data(column.dtype)[0] in "YMWD"
    found = column.astype(f"{kind}8[{'D' if coarse else 'us'}]")
    exact = (found == column).all()
    if exact and not any(isinstance(v, int) for v in np.unique(found).tolist()):
        return found
    try:
        import pandas as pd
    except ImportError as error:
        msg = "Task labels of nanoseconds need pandas: pip install 'pymtl[data]'."
        raise ValueError(msg) from error
    index = pd.DatetimeIndex if kind == "M" else pd.TimedeltaIndex
    return objects(list(index(column)))


def missing_label(row):
    msg = f"The task column has a missing label in row {row}: name a task or drop it."
    raise ValueError(msg)


def _not_whole(value, row):
    msg = (
        f"The task column holds {value!s} in row {row}, which is not a whole "
        "number: a scaler may have changed it, or column 0 is not the task (name it: "
        "task_column=...). Let only the features through the scaler, with "
        "pymtl.TaskScaler(task_column=...) or a ColumnTransformer(..., "
        "remainder='passthrough'); for text cast the labels to str."
    )
    raise ValueError(msg)
