"""Class labels through the three doors."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils import column_or_1d
from sklearn.utils.multiclass import check_classification_targets

from ._clean import is_gone, plain
from ._column import read_task_column
from ._stack import is_lists, is_scalar, items_of, refuse_lazy


def encode_classes(
    X: Any, y: Any, missing: Any = np.nan, task_column: int | str | None = None
) -> tuple[Any, np.ndarray | dict]:
    """Return class labels as numbers 0, 1, ... and what they stand for.

    Parameters
    ----------
    X : object
        Training data: it says which door this is.
    y : object
        Labels of any type in the form of the door.
    missing : object, default=nan
        What stands for "not observed" in a 2-d y; NaN and None always do.
    task_column : int, str or None, default=None
        The task column of a long table, for messages.

    Returns
    -------
    codes : object
        Floats in the form of y, NaN for what is missing.
    classes : ndarray of shape (n_classes,), or dict
        The labels; of lists whose tasks have different labels {task: labels}.
    """
    if y is None or is_scalar(y):
        return y, np.zeros(0)
    refuse_lazy(y, "y")
    y = plain(y)
    if is_lists(X):
        return _encode_lists(y)
    shape = getattr(y, "shape", None)
    if len(np.asarray(y).shape if shape is None else shape) != 2:
        y = column_or_1d(y, warn=True)
        gone = is_missing(y)
        if y.size and gone.any():
            msg = (
                f"y has no label in {gone.sum()} of {len(y)} rows, the first of them "
                f"row {int(np.argmax(gone))}{_task_of(X, gone, task_column)}. Drop the "
                "rows, or, for a shared X, give a 2-d Y, in which missing labels are "
                "'not observed'."
            )
            raise ValueError(msg)
        if y.dtype == object:
            y = np.array(y.tolist())
        if _unfit(y):
            return y, np.zeros(0)
        check_classification_targets(y)
        classes, codes = np.unique(y, return_inverse=True)
        return codes.astype(float), classes
    Y = np.asarray(y)
    seen = ~is_missing(Y, missing)
    observed = Y[seen]
    if observed.dtype == object:
        observed = np.array(observed.tolist())
    if not len(observed) or _unfit(observed):
        return np.where(seen, 0.0, np.nan) if not len(observed) else y, np.zeros(0)
    check_classification_targets(observed)
    codes = np.full(Y.shape, np.nan)
    classes, codes[seen] = np.unique(observed, return_inverse=True)
    return codes, classes


def number_rows(X: Any, y: Any, missing: Any = np.nan) -> tuple[Any, np.ndarray]:
    """Return targets of any kind as the numbers of their rows, and the targets.

    Parameters
    ----------
    X : object
        Training data: it says which door this is.
    y : object
        Targets of any type in the form of the door.
    missing : object, default=nan
        What stands for "not observed" in a 2-d y; NaN and None always do.

    Returns
    -------
    rows : object
        Floats 0, 1, ... in the form of y, NaN for what is missing.
    values : ndarray of object
        The targets with these numbers.
    """
    if y is None or is_scalar(y):
        return y, np.zeros(0, dtype=object)
    if is_lists(X):
        items, labels, keyed = items_of(y, "y")
        parts = [np.asarray(plain(v)).astype(object).ravel() for v in items]
        sizes = [len(part) for part in parts]
        rows = np.split(np.arange(sum(sizes), dtype=float), np.cumsum(sizes)[:-1])
        rows = dict(zip(labels, rows, strict=True)) if keyed else rows
        return rows, np.concatenate(parts)
    Y = np.asarray(plain(y))
    if Y.ndim != 2:
        return np.arange(float(Y.size)).reshape(Y.shape), Y.astype(object).ravel()
    rows = np.arange(float(Y.size)).reshape(Y.shape)
    return np.where(is_missing(Y, missing), np.nan, rows), Y.astype(object).ravel()


def is_missing(y: np.ndarray, missing: Any = np.nan) -> np.ndarray:
    """Return which labels are missing: NaN, None, or the marker."""
    if y.dtype.kind == "f":
        gone = np.isnan(y)
    elif y.dtype == object:
        gone = np.frompyfunc(is_gone, 1, 1)(y).astype(bool)
    elif y.dtype.kind in "mM":
        gone = np.isnat(y)
    else:
        gone = np.zeros(y.shape, bool)
    if missing is not None and missing == missing:
        same = np.frompyfunc(lambda v: not is_gone(v) and v == missing, 1, 1)
        gone = gone | same(y).astype(bool)
    return gone


def _encode_lists(y):
    items, labels, keyed = items_of(y, "y")
    vectors = [np.asarray(plain(v)) for v in items]
    vectors = [v.ravel() if v.ndim == 2 and v.shape[1] == 1 else v for v in vectors]
    for label, v in zip(labels, vectors, strict=True):
        gone = is_missing(v)
        if gone.any():
            msg = (
                f"Task {label!r}: y has no label in {gone.sum()} of {len(v)} rows. "
                "Drop the rows, or, for a shared X, give a 2-d Y, in which missing "
                "labels are 'not observed'."
            )
            raise ValueError(msg)
    if any(v.ndim != 1 or _unfit(v) for v in vectors):
        return y, np.zeros(0)
    same = len({v.dtype for v in vectors}) == 1
    for v in [np.concatenate(vectors)] if same else vectors:
        check_classification_targets(v)
    sets, codes = zip(
        *(np.unique(v, return_inverse=True) for v in vectors), strict=True
    )
    codes = [c.astype(float) for c in codes]
    codes = dict(zip(labels, codes, strict=True)) if keyed else codes
    if all(np.array_equal(s, sets[0]) for s in sets):
        return codes, sets[0]
    return codes, dict(zip(labels, sets, strict=True))


def _task_of(X, gone, task_column):
    """Return the task of the first of some rows, for a message."""
    if task_column is None:
        return ""
    column = read_task_column(X, task_column)
    labels = list(dict.fromkeys(np.asarray(column)[gone].tolist()))
    return f" (task {labels[0]!r}; {len(labels)} of the tasks have such rows)"


def _unfit(y):
    """Return whether the reader of the targets has to refuse the labels."""
    return y.size == 0 or (y.dtype.kind == "f" and not np.isfinite(y).all())
