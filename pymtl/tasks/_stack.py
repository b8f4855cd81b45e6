"""Lists of tasks, stacked and checked."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.utils import check_array

from .._sparse import canonical
from ._clean import label_array, plain
from ._constants import FLOATS

LARGE = 2**19


def is_lists(X: Any) -> bool:
    """Return whether X is a list or dict of tasks; refuse what is neither door."""
    if sp.issparse(X):
        return False
    refuse_lazy(X, "X")
    if isinstance(X, dict):
        return True
    shape = getattr(X, "shape", None)
    if isinstance(X, list | tuple):
        matrices = [len(getattr(x, "shape", ())) == 2 for x in X]
        if any(matrices) and not all(matrices):
            t = matrices.index(False)
            msg = (
                f"X is a list of tasks, but item {t} is not 2-d "
                f"(shape {getattr(X[t], 'shape', type(X[t]).__name__)}). Give every "
                "task a matrix of shape (n_samples, n_features)."
            )
            raise ValueError(msg)
        return bool(matrices) and all(matrices)
    if shape is not None and hasattr(X, "dtype") and not isinstance(X.dtype, property):
        nested = len(shape) == 1 and X.dtype == object and len(X) and np.ndim(X[0]) == 2
        if len(shape) == 3 or nested:
            msg = (
                f"X is an array of shape {tuple(shape)}. For tasks with their own "
                "rows pass a list of 2-d arrays, for example list(X)."
            )
            raise ValueError(msg)
    return False


def items_of(Xs, name):
    """Return the items, labels and whether they are keyed, of a list or dict."""
    if isinstance(Xs, dict):
        if not Xs:
            msg = f"{name} is an empty dict: give at least one task."
            raise ValueError(msg)
        return list(Xs.values()), list(Xs), True
    return list(Xs), list(range(len(Xs))), False


class Pieces:
    """Rows of large tasks that are not copied into a stack, with its shape.

    Parameters
    ----------
    arrays : list of ndarray of shape (n_rows_t, n_features)
        The rows of each task, of one type.
    """

    def __init__(self, arrays):
        self.arrays = arrays
        self.shape = sum(map(len, arrays)), arrays[0].shape[1]
        self.dtype = arrays[0].dtype

    def __array__(self, dtype=None, copy=None):
        return np.concatenate(self.arrays, dtype=dtype)

    def __getitem__(self, rows):
        return np.asarray(self)[rows]

    def sum(self):
        return sum(X.sum() for X in self.arrays)


def stack(items, labels, pieces=False):
    """Stack the matrices of all tasks: one check on the stack.

    As in scikit-learn's unions, the stack is sparse if any of them is. Those of large
    tasks of one type stay apart if `pieces` will do.
    """
    first, names = labels[0], None
    d = items[0].shape[1] if len(getattr(items[0], "shape", ())) == 2 else None
    arrays = []
    for label, item in zip(labels, items, strict=True):
        shape = getattr(item, "shape", None)
        if shape is None or len(shape) != 2:
            msg = (
                f"X of task {label!r} must be 2-d, got "
                f"{'shape ' + str(shape) if shape is not None else type(item).__name__}"
            )
            raise ValueError(msg)
        if shape[0] == 0:
            msg = f"Task {label!r} is empty (X has shape {shape}): drop the task."
            raise ValueError(msg)
        if shape[1] != d:
            msg = (
                f"Task {label!r} has {shape[1]} features, task {first!r} has {d}. "
                "Every task needs the same features in the same order."
            )
            raise ValueError(msg)
        own = feature_names(item)
        if own is not None and names is not None and own != names:
            msg = (
                f"Task {label!r} has the columns {own}, task {first!r} has {names}. "
                "Every task needs the same columns in the same order: X[columns]."
            )
            raise ValueError(msg)
        names = own if names is None else names
        arrays.append(_numbers(item, label))
    bounds = np.cumsum([0, *(a.shape[0] for a in arrays)])
    if any(map(sp.issparse, arrays)):
        X = canonical(sp.vstack(arrays, format="csr"))
    elif len(arrays) == 1:
        X = arrays[0]
    else:
        large = d * bounds[-1] > LARGE and len({a.dtype for a in arrays}) == 1
        X = Pieces(arrays) if pieces and large else np.concatenate(arrays)
    if not np.isfinite(X.sum()):
        check_finite(X, np.repeat(label_array(labels), np.diff(bounds)))
    return X, bounds, names


def vectors(ys, labels, sizes, keyed, name, dtype=None):
    """Return one vector a task, in the order of the labels."""
    if isinstance(ys, dict):
        if not keyed or set(ys) != set(labels):
            msg = (
                f"{name} is a dict with keys {list(ys)[:5]}, X has the tasks "
                f"{list(labels)[:5]}: give both as dicts with the same keys."
            )
            raise ValueError(msg)
        ys = [ys[label] for label in labels]
    if is_scalar(ys):
        msg = f"{name} is a scalar: give one vector a task, as X is a list of tasks."
        raise ValueError(msg)
    if len(ys) != len(sizes):
        msg = (
            f"X is a list of {len(sizes)} tasks, but {name} has {len(ys)} items. "
            "Give one vector a task; to cut samples rather than tasks, as "
            "GridSearchCV and cross_validate do, pass the table of stack_tasks."
        )
        raise ValueError(msg)
    vectors = []
    for label, y, n in zip(labels, ys, sizes, strict=True):
        if not hasattr(y, "shape"):
            y = np.asarray(y)
        y = np.asarray(plain(y), dtype=dtype)
        if y.ndim == 2 and y.shape[1] == 1:
            y = y.ravel()
        if dtype is not None and not np.isfinite(y).all():
            msg = f"Task {label!r}: {name} contains NaN or infinity."
            raise ValueError(msg)
        if y.shape != (n,):
            msg = (
                f"Task {label!r}: X has {n} rows, but {name} has shape {y.shape}. "
                "They must have the same length."
            )
            raise ValueError(msg)
        vectors.append(y)
    return vectors


def feature_names(item):
    columns = getattr(item, "columns", None)
    if columns is None or not all(isinstance(c, str) for c in columns):
        return None
    return list(columns)


def target_names(y):
    """Return the column names of a 2-d frame of targets, which name the tasks."""
    columns = getattr(y, "columns", None)
    if columns is None or len(getattr(y, "shape", ())) != 2:
        return None
    names = list(columns)
    default = names == list(range(len(names)))
    return None if default or len(set(names)) < len(names) else label_array(names)


def unmasked(X):
    """Return X with NaN for what is masked."""
    return plain(X) if isinstance(X, np.ma.MaskedArray) else X


def refuse_lazy(values, name):
    """Raise an error for data that are not in memory."""
    for method in ("compute", "collect"):
        if callable(getattr(values, method, None)):
            module = type(values).__module__.split(".")[0]
            msg = (
                f"{name} is a {type(values).__name__} of {module}, whose rows are not "
                f"in memory: give {name}.{method}()."
            )
            raise ValueError(msg)


def check_finite(X, task):
    """Raise an error that names the task of the first NaN or infinity."""
    values = X.data if sp.issparse(X) else np.asarray(X)
    finite = np.isfinite(values)
    if finite.all():
        return
    if sp.issparse(X):
        k = int(np.argmin(finite))
        i, j = np.searchsorted(X.indptr, k, side="right") - 1, X.indices[k]
    else:
        i, j = np.argwhere(~finite)[0]
    value = "NaN" if np.isnan(X[i, j]) else "infinity"
    msg = (
        f"Input X contains {value}: task {task.tolist()[i]!r}, feature {j}. Impute or "
        "drop the rows first (for example sklearn.impute.SimpleImputer)."
    )
    raise ValueError(msg)


def same_length(n, found, name):
    if found != n:
        msg = f"X has {n} rows, but {name} has length {found}: they must agree."
        raise ValueError(msg)


def is_scalar(values):
    return np.isscalar(values) or getattr(values, "shape", None) == ()


def _numbers(item, label):
    refuse_lazy(item, f"X of task {label!r}")
    if isinstance(item, np.ma.MaskedArray) and np.ma.is_masked(item):
        msg = f"X of task {label!r} has masked values: impute or drop them first."
        raise ValueError(msg)
    if type(item) in (np.ndarray, np.memmap) and item.dtype in FLOATS:
        return item
    try:
        return check_array(
            item, accept_sparse="csr", dtype=FLOATS, ensure_all_finite=False
        )
    except (TypeError, ValueError) as error:
        msg = f"X of task {label!r}: {error}"
        raise ValueError(msg) from error
