"""Training data through the three doors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.utils import check_array, column_or_1d
from sklearn.utils.validation import validate_data

from .._sparse import canonical
from ._clean import label_array, plain
from ._constants import FLOATS, LISTS, LONG, SHARED
from ._labels import encode_tasks, split_column
from ._stack import (
    Pieces,
    check_finite,
    feature_names,
    is_lists,
    is_scalar,
    items_of,
    refuse_lazy,
    same_length,
    stack,
    target_names,
    unmasked,
    vectors,
)


@dataclass
class TaskData:
    """Training data, rows sorted by task.

    Parameters
    ----------
    door : {"lists", "shared", "long"}
        How the data came in.
    X : ndarray, csr_array or Pieces of shape (n_rows, n_features)
        All rows; for the shared design its n_samples rows, once.
    y : ndarray of shape (n_rows,)
        Targets, task after task; for the shared design n_tasks * n_samples.
    weight : ndarray of shape (n_rows,)
        Sample weights; 0 for what is not observed.
    offset : ndarray of shape (n_rows,) or None
        Known part of the linear predictions.
    bounds : ndarray of shape (n_tasks + 1,)
        Rows ``bounds[t]:bounds[t + 1]`` belong to task t.
    labels : ndarray of shape (n_tasks,)
        Task labels.
    names : list of str or None
        Feature names, without the task column.
    input_labels : ndarray of shape (n_tasks,)
        Task labels in the order in which lists were given.
    single : bool
        Whether y was one-dimensional: one task without a name.
    ordered : bool
        Whether the order of the tasks means something: False for text labels of a long
        table, which are sorted as text.
    own : bool
        Whether X is a copy, which may be overwritten.
    """

    door: str
    X: np.ndarray
    y: np.ndarray
    weight: np.ndarray
    offset: np.ndarray | None
    bounds: np.ndarray
    labels: np.ndarray
    names: list[str] | None = None
    input_labels: np.ndarray | None = None
    single: bool = False
    ordered: bool = True
    own: bool = False

    @property
    def n_tasks(self) -> int:
        """Number of tasks."""
        return len(self.labels)

    @property
    def pieces(self) -> list[np.ndarray]:
        """The rows of each task; not for a shared design."""
        if isinstance(self.X, Pieces):
            return self.X.arrays
        return np.split(self.X, self.bounds[1:-1])

    def task_sum(self, values: np.ndarray) -> np.ndarray:
        """Return the sum over each task's rows."""
        return np.add.reduceat(values, self.bounds[:-1], axis=0)

    def spread(self, values: np.ndarray) -> np.ndarray:
        """Return one value a task repeated over the task's rows."""
        return np.repeat(values, np.diff(self.bounds), axis=0)


def read_training(
    estimator: Any,
    X: Any,
    y: Any,
    sample_weight: Any = None,
    offset: Any = None,
    task_column: int | str | None = None,
    task_order: Sequence | None = None,
    names: Sequence | None = None,
) -> TaskData:
    """Read training data through the door that X asks for.

    Parameters
    ----------
    estimator : estimator
        Its `n_features_in_` and `feature_names_in_` are set.
    X, y : object
        The data, see the module's docstring.
    sample_weight, offset : object or None
        In the form of the door.
    task_column : int, str or None
        Names the task in a long table.
    task_order : sequence of labels or None
        Order of the tasks.
    names : sequence of labels or None, default=None
        Labels of the columns of a 2-d y; by default those of a frame.

    Returns
    -------
    data : TaskData
        The rows sorted by task.
    """
    refuse_lazy(y, "y")
    if is_lists(X):
        data = _read_lists(estimator, X, y, sample_weight, offset)
    elif task_column is None:
        data = _read_shared(estimator, X, y, sample_weight, offset, names)
    else:
        return _read_long(
            estimator, X, y, sample_weight, offset, task_column, task_order
        )
    return data if task_order is None else _reorder(data, task_order)


def task_values(values: Any, labels: np.ndarray, name: str) -> np.ndarray:
    """Return one positive number a task, from an array or a dict by label."""
    if isinstance(values, dict):
        values = task_entries(values, labels, name)
    array = np.asarray(values, dtype=np.float64)
    if array.shape != (len(labels),):
        msg = (
            f"{name} has shape {array.shape}, but there are {len(labels)} tasks. Give "
            "one number a task, or a dict by task label (which also fits a fold that "
            "misses a task)."
        )
        raise ValueError(msg)
    if not np.isfinite(array).all() or array.min() <= 0:
        msg = f"{name} must be finite and positive."
        raise ValueError(msg)
    return array


def task_entries(values: Any, labels: np.ndarray, name: str) -> list:
    """Return one entry a task, from one for all, a list, or a dict by label."""
    if isinstance(values, dict):
        missing = [label for label in labels.tolist() if label not in values]
        if missing:
            msg = f"{name} has no entry for the tasks {missing[:5]}."
            raise ValueError(msg)
        return [values[label] for label in labels.tolist()]
    if not isinstance(values, list | tuple):
        return [values] * len(labels)
    if len(values) != len(labels):
        msg = (
            f"{name} has {len(values)} entries, but there are {len(labels)} tasks "
            f"({labels.tolist()[:5]}...): give one a task, or a dict by task label."
        )
        raise ValueError(msg)
    return list(values)


def _read_lists(estimator, X, y, sample_weight, offset):
    items, labels, keyed = items_of(X, "X")
    if y is None:
        validate_data(estimator, items[0], y, skip_check_array=True)
    X, bounds, names = stack(items, labels, pieces=True)
    _learn_features(estimator, items[0])
    sizes = np.diff(bounds)
    y = _targets(vectors(y, labels, sizes, keyed, "y"), labels)
    n = X.shape[0]
    weight = np.ones(n)
    if sample_weight is not None:
        if not is_scalar(sample_weight):
            parts = vectors(sample_weight, labels, sizes, keyed, "sample_weight", float)
            sample_weight = np.concatenate(parts)
        weight = _weights(sample_weight, n)
    if offset is not None:
        offset = np.concatenate(vectors(offset, labels, sizes, keyed, "offset", float))
    labels = label_array(labels)
    data = TaskData(LISTS, X, y, weight, offset, bounds, labels, names, labels)
    data.own = len(items) > 1 and isinstance(X, np.ndarray)
    return _observed(data)


def _learn_features(estimator, X):
    """Set what scikit-learn says that fit sets of the features."""
    if type(X) is not np.ndarray:  # for which its way is long
        validate_data(estimator, X, reset=True, skip_check_array=True)
        return
    estimator.n_features_in_ = X.shape[1]
    vars(estimator).pop("feature_names_in_", None)


def _read_shared(estimator, X, y, sample_weight, offset, columns=None):
    if y is None:
        validate_data(estimator, X, y)
    if is_scalar(y):
        msg = f"y should be a 1d or 2d array, got a scalar {y!r} instead."
        raise ValueError(msg)
    if len(getattr(y, "shape", ())) > 2:
        msg = f"y should be a 1d or 2d array, got an array of shape {y.shape} instead."
        raise ValueError(msg)
    columns = target_names(y) if columns is None else columns
    names, y = feature_names(X), plain(y)
    X = unmasked(X)
    X = validate_data(estimator, X, reset=True, accept_sparse="csr", dtype=FLOATS)
    if sp.issparse(X):
        X = canonical(X)
    y = check_array(
        y,
        ensure_2d=False,
        dtype="numeric",
        ensure_all_finite=False,
        ensure_min_samples=0,
        input_name="y",
    )
    single = y.ndim == 1
    check_array(
        y,
        ensure_2d=False,
        dtype=None,
        ensure_all_finite=True if single else "allow-nan",
        ensure_min_samples=0,
        input_name="y",
    )
    if len(y) != X.shape[0]:
        msg = (
            f"Found input variables with inconsistent numbers of samples: X has "
            f"{X.shape[0]} rows, y has {len(y)}."
        )
        raise ValueError(msg)
    y = y.reshape(len(y), -1)
    n, n_tasks = y.shape
    dtype = y.dtype if y.dtype.kind == "f" else np.float64
    Y = np.array(y.T, dtype=dtype, order="C")
    weight = np.ones((n_tasks, n))
    if sample_weight is not None:
        sample_weight = np.asarray(plain(sample_weight), dtype=np.float64)
        if sample_weight.shape == (n, n_tasks) and not single:
            weight[:] = _weights(sample_weight.T.ravel(), n * n_tasks).reshape(-1, n)
        else:
            weight[:] = _weights(sample_weight, n)
    if offset is not None:
        offset = check_array(
            plain(offset), ensure_2d=False, dtype=np.float64, input_name="offset"
        )
        if offset.shape not in [(n,), (n, n_tasks)]:
            msg = f"offset has shape {offset.shape}, expected ({n},) or y's shape."
            raise ValueError(msg)
        offset = np.broadcast_to(offset.T, (n_tasks, n)).ravel()
    missing = np.isnan(Y)
    labels = np.arange(n_tasks) if single or columns is None else columns
    if missing.any():
        gone = missing.all(axis=1)
        if gone.any():
            t = int(np.argmax(gone))
            task = labels.tolist()[t]
            msg = f"Task {task!r} has no observed label (column {t} of y is all NaN)."
            raise ValueError(msg)
        Y[missing], weight[missing] = 0.0, 0.0
    bounds = n * np.arange(n_tasks + 1)
    if single and weight.min() == 0:
        keep = weight[0] > 0
        if not keep.any():
            msg = "sample_weight is zero in every row: no data are left."
            raise ValueError(msg)
        X, Y, weight = X[keep], Y[:, keep], weight[:, keep]
        offset = None if offset is None else offset[keep]
        bounds = X.shape[0] * np.arange(2)
    data = TaskData(
        SHARED, X, Y.ravel(), weight.ravel(), offset, bounds, labels, names, labels
    )
    data.single = single
    return _observed(data)


def _read_long(estimator, X, y, sample_weight, offset, task_column, task_order):
    validate_data(estimator, X, y, reset=True, skip_check_array=True)
    table, column, categories, names = split_column(X, task_column)
    check_finite(table, column)
    labels, task = encode_tasks(column, categories[0], task_order)
    n = table.shape[0]
    y = column_or_1d(plain(y), warn=True)
    same_length(n, len(y), "y")
    order = np.argsort(task, kind="stable")
    if np.array_equal(order, np.arange(n)):
        order = slice(None)
    sizes = np.bincount(task)
    bounds = np.cumsum([0, *sizes])
    y = _targets(np.split(y[order], bounds[1:-1]), labels.tolist())
    weight = np.ones(n)
    if sample_weight is not None:
        weight = _weights(sample_weight, n)[order]
    if offset is not None:
        offset = column_or_1d(plain(offset), dtype=np.float64)
        same_length(n, len(offset), "offset")
        offset = offset[order]
    data = TaskData(
        LONG, table[order], y, weight, offset, bounds, labels, names, labels
    )
    text = isinstance(labels.tolist()[0], str | bytes)
    data.ordered = task_order is not None or categories[1] or not text
    data.own = type(X) is np.ndarray or not isinstance(order, slice)
    return _observed(data)


def _targets(vectors, labels):
    """Return the stacked numeric targets of lists."""
    y = np.concatenate(vectors)
    if y.dtype.kind not in "fiub":
        try:
            y = y.astype(np.float64)
        except (TypeError, ValueError) as error:
            msg = f"y is not numeric: {error}"
            raise ValueError(msg) from error
    finite = np.isfinite(y)
    if not finite.all():
        sizes = [len(v) for v in vectors]
        task = np.repeat(np.arange(len(sizes)), sizes)
        t = task[np.argmin(finite)]
        bad, n = int(np.sum(~finite[task == t])), sizes[t]
        every = "only missing" if bad == n else "missing"
        msg = (
            f"Task {labels[t]!r}: y has {every} or infinite values, in {bad} of {n} "
            "rows. Drop the rows, or, for a shared X, give a 2-d Y, in which NaN is "
            "'not observed'."
        )
        raise ValueError(msg)
    return y


def _weights(values, n, name="sample_weight"):
    weight = np.array(plain(values), dtype=np.float64)  # estimators may change it
    if weight.ndim == 0:
        weight = np.full(n, weight)
    if weight.shape != (n,):
        msg = f"{name} has shape {weight.shape}, expected ({n},)."
        raise ValueError(msg)
    if not np.isfinite(weight).all() or weight.min(initial=0.0) < 0:
        msg = f"{name} must be finite and at least 0."
        raise ValueError(msg)
    return weight


def _observed(data):
    """Drop rows of weight zero; a task must keep at least one row."""
    keep = data.weight > 0
    sizes = data.task_sum(keep.astype(int))
    if np.any(sizes == 0):
        label = data.labels.tolist()[np.argmin(sizes)]
        msg = (
            f"Task {label!r} has no row with positive sample_weight (it is zero in "
            "every row): drop the task, or give it weight."
        )
        raise ValueError(msg)
    if keep.all() or data.door == SHARED:
        return data
    data.X, data.y, data.weight = data.X[keep], data.y[keep], data.weight[keep]
    if data.offset is not None:
        data.offset = data.offset[keep]
    data.bounds = np.cumsum([0, *sizes])
    return data


def _reorder(data, task_order):
    """Put the tasks of lists or of a shared design in the order asked for."""
    labels, index = encode_tasks(data.labels, order=task_order)
    perm = np.argsort(index)
    rows = [np.arange(data.bounds[t], data.bounds[t + 1]) for t in perm]
    sizes = np.diff(data.bounds)[perm]
    rows = np.concatenate(rows)
    data.y, data.weight = data.y[rows], data.weight[rows]
    data.offset = None if data.offset is None else data.offset[rows]
    if data.door != SHARED:
        data.X = data.X[rows]
    data.bounds = np.cumsum([0, *sizes])
    data.labels = labels
    return data
