"""The three doors for data: the only place that knows how samples belong to tasks.

1. lists of tasks, ``fit(Xs, ys)`` (or dicts that name the tasks),
2. a shared design, ``fit(X, Y)`` with one column of Y a task,
3. a long table, one row a sample, one column of X naming its task.

Inside there is one form, :class:`TaskData`: rows sorted by task.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.utils import check_array, column_or_1d
from sklearn.utils.validation import validate_data

__all__ = ["split_tasks", "stack_tasks"]

LISTS, SHARED, LONG = "lists", "shared", "long"
FLOATS = [np.float64, np.float32]


@dataclass
class TaskData:
    """Training data, rows sorted by task.

    Parameters
    ----------
    door : {"lists", "shared", "long"}
        How the data came in.
    X : ndarray of shape (n_rows, n_features)
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

    @property
    def n_tasks(self) -> int:
        """Number of tasks."""
        return len(self.labels)

    def task_sum(self, values: np.ndarray) -> np.ndarray:
        """Return the sum over each task's rows."""
        return np.add.reduceat(values, self.bounds[:-1], axis=0)

    def spread(self, values: np.ndarray) -> np.ndarray:
        """Return one value a task repeated over the task's rows."""
        return np.repeat(values, np.diff(self.bounds), axis=0)


@dataclass
class TaskRows:
    """Rows to predict: for the shared door all tasks, else one task a row.

    Parameters
    ----------
    door : {"lists", "shared", "long"}
        How the rows came in.
    X : ndarray of shape (n_rows, n_features)
        The rows.
    task : ndarray of shape (n_rows,) or None
        Index of each row's task, -1 for an unseen one; None for the shared door.
    bounds : ndarray or None
        Rows of the items of a list.
    keys : list or None
        Keys of a dict.
    """

    door: str
    X: np.ndarray
    task: np.ndarray | None = None
    bounds: np.ndarray | None = None
    keys: list | None = None

    def split(self, z: np.ndarray) -> Any:
        """Return predictions of the rows in the form of the door."""
        if self.door != LISTS:
            return z
        parts = np.split(z, self.bounds[1:-1])
        return parts if self.keys is None else dict(zip(self.keys, parts, strict=True))

    def mean_score(
        self, metric: Callable, y: Any, z: Any, sample_weight: Any = None
    ) -> float:
        """Return the mean of a metric over the tasks.

        Of a 2-d y each column counts on its observed labels; of lists the tasks with
        at least two distinct targets.
        """
        if self.door == LISTS:
            sizes = np.diff(self.bounds)
            labels = self.keys or range(len(sizes))
            keyed = self.keys is not None
            ys = _vectors(y, labels, sizes, keyed, "y")
            zs = list(z.values()) if keyed else z
            ws = [None] * len(ys)
            if sample_weight is not None:
                ws = _vectors(sample_weight, labels, sizes, keyed, "sample_weight")
            keep = [t for t, v in enumerate(ys) if len(np.unique(v)) > 1]
            if not keep:
                msg = "No task has two distinct targets, so the score is undefined."
                raise ValueError(msg)
            return float(
                np.mean([metric(ys[t], zs[t], sample_weight=ws[t]) for t in keep])
            )
        y = np.asarray(y, dtype=float)
        if y.shape != z.shape:
            msg = f"y has shape {y.shape}, the predictions have shape {z.shape}."
            raise ValueError(msg)
        scores = []
        for t in range(y.shape[1]):
            seen = ~np.isnan(y[:, t])
            w = None
            if sample_weight is not None:
                w = np.asarray(sample_weight, dtype=float)
                w = w[seen] if w.ndim == 1 else w[seen, t]
            if seen.any():
                scores.append(metric(y[seen, t], z[seen, t], sample_weight=w))
        return float(np.mean(scores))


def task_values(values: Any, labels: np.ndarray, name: str) -> np.ndarray:
    """Return one positive number a task, from an array or a dict by label."""
    if isinstance(values, dict):
        missing = [label for label in labels.tolist() if label not in values]
        if missing:
            msg = f"{name} has no entry for the tasks {missing[:5]}."
            raise ValueError(msg)
        values = [values[label] for label in labels.tolist()]
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


def stack_tasks(Xs: Any, ys: Any) -> tuple[Any, np.ndarray]:
    """Stack lists of tasks into a long table whose column 0 is the task.

    Parameters
    ----------
    Xs : list or dict of {array-like, frame} of shape (n_t, n_features)
        One design matrix a task.
    ys : list or dict of array-like of shape (n_t,)
        One target a task.

    Returns
    -------
    X : ndarray of shape (n_samples, 1 + n_features), or a frame of the library of `Xs`
        The rows, task after task. Column 0 holds the task's number; in a frame it is
        called "task" and holds the keys of a dict, else numbers.
    y : ndarray of shape (n_samples,)
        The targets.

    Raises
    ------
    ValueError
        If tasks are empty or their shapes do not fit.

    See Also
    --------
    split_tasks : The way back.

    Examples
    --------
    >>> import numpy as np
    >>> from pymtl import stack_tasks
    >>> X, y = stack_tasks([np.ones((2, 1)), np.zeros((1, 1))], [[1, 2], [3]])
    >>> X
    array([[0., 1.],
           [0., 1.],
           [1., 0.]])
    """
    items, labels, keyed = _items(Xs, "X")
    X, bounds, names = _stack(items, labels)
    y = np.concatenate(_vectors(ys, labels, np.diff(bounds), keyed, "y"))
    task = np.repeat(np.arange(len(labels)), np.diff(bounds))
    if names is None:
        return np.column_stack([task.astype(X.dtype), X]), y
    import narwhals as nw

    frames = [nw.from_native(x, eager_only=True) for x in items]
    frame = nw.concat(frames)
    values = np.asarray(labels)[task] if keyed else task
    column = nw.new_series("task", values.tolist(), backend=frame.implementation)
    return frame.select(column, *frame.columns).to_native(), y


def split_tasks(
    X: Any, y: Any, task_column: int | str
) -> tuple[list[np.ndarray], list[np.ndarray], np.ndarray]:
    """Split a long table into lists of tasks.

    Parameters
    ----------
    X : {array-like, frame} of shape (n_samples, 1 + n_features)
        Long table, one row a sample.
    y : array-like of shape (n_samples,)
        Targets.
    task_column : int or str
        The column of X that names the task: a column name of a frame, or a position.

    Returns
    -------
    Xs : list of ndarray of shape (n_t, n_features)
        The rows of each task, in their order in X, without the task column.
    ys : list of ndarray of shape (n_t,)
        The targets of each task.
    labels : ndarray of shape (n_tasks,)
        Task labels, in category order for a categorical column, else sorted.

    Raises
    ------
    ValueError
        If the column does not exist or holds missing or fractional labels.

    See Also
    --------
    stack_tasks : The way back.

    Examples
    --------
    >>> import numpy as np
    >>> from pymtl import split_tasks
    >>> X = np.array([[7, 0.5], [3, 1.5], [7, 2.5]])
    >>> Xs, ys, labels = split_tasks(X, [1, 2, 3], task_column=0)
    >>> labels
    array([3, 7])
    >>> ys
    [array([2]), array([1, 3])]
    """
    table, column, categories, _ = split_column(X, task_column)
    labels, task = encode_tasks(column, categories)
    y = column_or_1d(y)
    _same_length(len(task), len(y), "y")
    order = np.argsort(task, kind="stable")
    cuts = np.cumsum(np.bincount(task))[:-1]
    return np.split(table[order], cuts), np.split(y[order], cuts), labels


def is_lists(X: Any) -> bool:
    """Return whether X is a list or dict of tasks; refuse what is neither door."""
    if sp.issparse(X):
        return False
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


def read_training(
    estimator: Any,
    X: Any,
    y: Any,
    sample_weight: Any = None,
    offset: Any = None,
    task_column: int | str | None = None,
    task_order: Sequence | None = None,
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

    Returns
    -------
    data : TaskData
        The rows sorted by task.
    """
    if is_lists(X):
        data = _read_lists(estimator, X, y, sample_weight, offset)
    elif task_column is None:
        data = _read_shared(estimator, X, y, sample_weight, offset)
    else:
        return _read_long(
            estimator, X, y, sample_weight, offset, task_column, task_order
        )
    return data if task_order is None else _reorder(data, task_order)


def read_rows(estimator: Any, X: Any, task_column: int | str | None) -> TaskRows:
    """Read rows to predict for a fitted estimator.

    Parameters
    ----------
    estimator : estimator
        A fitted estimator.
    X : object
        Rows through any door; doors may be crossed.
    task_column : int, str or None
        Names the task in a long table.

    Returns
    -------
    rows : TaskRows
        The rows and their tasks.
    """
    d = estimator.coef_.shape[-1]
    if is_lists(X):
        return _rows_of_lists(estimator, X)
    fitted_long = estimator._door == LONG
    if task_column is not None and (fitted_long or _n_columns(X) == d + 1):
        if fitted_long:
            validate_data(estimator, X, reset=False, skip_check_array=True)
        table, column, _, _ = split_column(X, task_column)
        if table.shape[1] != d:
            msg = (
                f"X has {table.shape[1]} features beside the task column, but "
                f"{type(estimator).__name__} was fitted with {d}."
            )
            raise ValueError(msg)
        _check_finite(table, column)
        return TaskRows(LONG, table, _look_up(estimator, column))
    if fitted_long:
        msg = (
            f"{type(estimator).__name__} was fitted on a long table: set task_column "
            "to the column of X that names the task."
        )
        raise ValueError(msg)
    X = validate_data(estimator, X, reset=False, dtype=FLOATS)
    return TaskRows(SHARED, X)


def read_vector(values: Any, rows: TaskRows, n_tasks: int, name: str) -> np.ndarray:
    """Read one number a row, in the form of the door, for rows to predict.

    Parameters
    ----------
    values : object
        List of (n_t,) arrays, (n,) array, or (n, n_tasks) array.
    rows : TaskRows
        The rows.
    n_tasks : int
        Number of tasks of the model.
    name : str
        Name for messages.

    Returns
    -------
    vector : ndarray of shape (n_rows,), or (n_rows, n_tasks) for the shared door
        The numbers.
    """
    if rows.door == LISTS:
        labels = rows.keys or range(len(rows.bounds) - 1)
        sizes = np.diff(rows.bounds)
        keyed = rows.keys is not None
        return np.concatenate(
            _vectors(values, labels, sizes, keyed, name, dtype=np.float64)
        )
    values = check_array(values, ensure_2d=False, dtype=np.float64, input_name=name)
    n = len(rows.X)
    if rows.door == SHARED and values.shape in [(n, 1), (n,)]:
        return np.broadcast_to(values.reshape(n, 1), (n, n_tasks))
    if values.shape != ((n, n_tasks) if rows.door == SHARED else (n,)):
        msg = f"{name} has shape {values.shape}, but X has {n} rows."
        raise ValueError(msg)
    return values


def split_column(
    X: Any, task_column: int | str
) -> tuple[np.ndarray, np.ndarray, list | None, list[str] | None]:
    """Split a long table into its features and its task column.

    Parameters
    ----------
    X : {array-like, frame} of shape (n_samples, 1 + n_features)
        Long table.
    task_column : int or str
        A name where the frame has that name, else a position.

    Returns
    -------
    table : ndarray of shape (n_samples, n_features)
        Numeric features; they may still hold NaN.
    column : ndarray of shape (n_samples,)
        Task labels as they are.
    categories : list or None
        Order of the labels of a categorical column.
    names : list of str or None
        Feature names.
    """
    if sp.issparse(X):
        msg = "A sparse long table is not accepted; give a dense array or a frame."
        raise TypeError(msg)
    if hasattr(X, "columns"):
        return _split_frame(X, task_column)
    if not hasattr(X, "dtype"):
        X = np.asarray(X)
    if X.ndim != 2:
        X = check_array(X, dtype=None)
    if isinstance(task_column, str):
        msg = (
            f"task_column={task_column!r} names a column, but X is an array without "
            "column names: give the position of the column, or pass a frame (after a "
            "transformer: set_output(transform='pandas'))."
        )
        raise ValueError(msg)
    d = X.shape[1]
    if not -d <= task_column < d:
        msg = f"task_column={task_column} is not a column of X, which has {d}."
        raise ValueError(msg)
    rest = np.arange(d) != task_column % d
    table = check_array(
        X[:, rest], dtype=FLOATS, ensure_all_finite=False, input_name="X"
    )
    return table, np.asarray(X[:, task_column]), None, None


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


def _missing_label(row):
    msg = f"The task column has a missing label in row {row}: name a task or drop it."
    raise ValueError(msg)


def _split_frame(X, task_column):
    import narwhals as nw

    frame = nw.from_native(X, eager_only=True)
    columns = list(frame.columns)
    if task_column in columns:
        name = task_column
    elif isinstance(task_column, str) or not (
        -len(columns) <= task_column < len(columns)
    ):
        msg = f"X has no column {task_column!r}; its columns are {columns}."
        raise ValueError(msg)
    else:
        name = columns[task_column]
    series = frame[name]
    categories = None
    if series.dtype in (nw.Categorical, nw.Enum):
        if series.is_null().any():
            _missing_label(int(np.argmax(series.is_null().to_numpy())))
        categories = series.cat.get_categories().to_list()
    column = np.asarray(series.to_list() if categories else series.to_numpy())
    names = [c for c in columns if c != name]
    table = frame.select(names).to_native()
    try:
        table = check_array(
            table, dtype=FLOATS, ensure_all_finite=False, input_name="X"
        )
    except (TypeError, ValueError) as error:
        text = [c for c in names if not frame[c].dtype.is_numeric()]
        if not text:
            raise
        msg = (
            f"The columns {text} of X are not numeric: encode them (for example with "
            f"a OneHotEncoder) before the model. ({error})"
        )
        raise ValueError(msg) from error
    names = names if all(isinstance(c, str) for c in names) else None
    return table, column, categories, names


def _items(Xs, name):
    """Return the items, labels and whether they are keyed, of a list or dict."""
    if isinstance(Xs, dict):
        if not Xs:
            msg = f"{name} is an empty dict: give at least one task."
            raise ValueError(msg)
        return list(Xs.values()), list(Xs), True
    return list(Xs), list(range(len(Xs))), False


def _stack(items, labels):
    """Stack the matrices of all tasks: one check on the stack."""
    first, names = labels[0], None
    d = items[0].shape[1] if len(getattr(items[0], "shape", ())) == 2 else None
    arrays = []
    for label, item in zip(labels, items, strict=True):
        if sp.issparse(item):
            msg = f"X of task {label!r} is sparse; give dense arrays (X.toarray())."
            raise TypeError(msg)
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
        own = _names(item)
        if own is not None and names is not None and own != names:
            msg = (
                f"Task {label!r} has the columns {own}, task {first!r} has {names}. "
                "Every task needs the same columns in the same order: X[columns]."
            )
            raise ValueError(msg)
        names = own if names is None else names
        arrays.append(_numbers(item, label))
    X = arrays[0] if len(arrays) == 1 else np.concatenate(arrays)
    bounds = np.cumsum([0, *(len(a) for a in arrays)])
    if not np.isfinite(np.sum(X)) and not np.isfinite(X).all():
        _check_finite(X, np.repeat(np.array(labels, object), np.diff(bounds)))
    return X, bounds, names


def _numbers(item, label):
    if isinstance(item, np.ndarray) and item.dtype in FLOATS:
        return item
    try:
        return check_array(item, dtype=FLOATS, ensure_all_finite=False)
    except (TypeError, ValueError) as error:
        msg = f"X of task {label!r}: {error}"
        raise ValueError(msg) from error


def _names(item):
    columns = getattr(item, "columns", None)
    if columns is None or not all(isinstance(c, str) for c in columns):
        return None
    return list(columns)


def _vectors(ys, labels, sizes, keyed, name, dtype=None):
    """Return one vector a task, in the order of the labels."""
    if isinstance(ys, dict):
        if not keyed or set(ys) != set(labels):
            msg = (
                f"{name} is a dict with keys {list(ys)[:5]}, X has the tasks "
                f"{list(labels)[:5]}: give both as dicts with the same keys."
            )
            raise ValueError(msg)
        ys = [ys[label] for label in labels]
    if _is_scalar(ys):
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
        y = np.asarray(y) if dtype is None else np.asarray(y, dtype=dtype)
        if y.ndim == 2 and y.shape[1] == 1:
            y = y.ravel()
        if y.shape != (n,):
            msg = (
                f"Task {label!r}: X has {n} rows, but {name} has shape {y.shape}. "
                "They must have the same length."
            )
            raise ValueError(msg)
        vectors.append(y)
    return vectors


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
        every = "only" if not finite[task == t].any() else "NaN or infinity among"
        msg = (
            f"Task {labels[t]!r}: y has {every} missing or infinite values. Drop the "
            "rows, or, for a shared X, give a 2-d Y in which NaN is 'not observed'."
        )
        raise ValueError(msg)
    return y


def _check_finite(X, task):
    """Raise an error that names the task of the first NaN or infinity."""
    finite = np.isfinite(X)
    if finite.all():
        return
    i, j = np.argwhere(~finite)[0]
    value = "NaN" if np.isnan(X[i, j]) else "infinity"
    msg = (
        f"Input X contains {value}: task {task[i]!r}, feature {j}. Impute or drop the "
        "rows first (for example sklearn.impute.SimpleImputer)."
    )
    raise ValueError(msg)


def _same_length(n, found, name):
    if found != n:
        msg = f"X has {n} rows, but {name} has length {found}: they must agree."
        raise ValueError(msg)


def _is_scalar(values):
    return np.isscalar(values) or getattr(values, "shape", None) == ()


def _n_columns(X):
    shape = getattr(X, "shape", None)
    return shape[1] if shape is not None and len(shape) == 2 else None


def _weights(values, n, name="sample_weight"):
    weight = np.asarray(values, dtype=np.float64)
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
        label = data.labels[np.argmin(sizes)]
        msg = (
            f"Task {label!r} has no row with positive sample_weight: drop the task, "
            "or give it weight."
        )
        raise ValueError(msg)
    if keep.all() or data.door == SHARED:
        return data
    data.X, data.y, data.weight = data.X[keep], data.y[keep], data.weight[keep]
    if data.offset is not None:
        data.offset = data.offset[keep]
    data.bounds = np.cumsum([0, *sizes])
    return data


def _read_lists(estimator, X, y, sample_weight, offset):
    items, labels, keyed = _items(X, "X")
    if y is None:
        validate_data(estimator, items[0], y, skip_check_array=True)
    X, bounds, names = _stack(items, labels)
    validate_data(estimator, items[0], reset=True, skip_check_array=True)
    sizes = np.diff(bounds)
    y = _targets(_vectors(y, labels, sizes, keyed, "y"), labels)
    n = len(X)
    weight = np.ones(n)
    if sample_weight is not None:
        parts = _vectors(sample_weight, labels, sizes, keyed, "sample_weight", float)
        weight = _weights(np.concatenate(parts), n)
    if offset is not None:
        offset = np.concatenate(
            _vectors(offset, labels, sizes, keyed, "offset", float)
        )
    labels = _label_array(labels)
    data = TaskData(LISTS, X, y, weight, offset, bounds, labels, names, labels)
    return _observed(data)


def _label_array(labels):
    array = np.asarray(labels)
    if array.ndim == 1 and array.dtype.kind in "iub":
        return array
    if array.ndim == 1 and all(isinstance(label, str) for label in labels):
        return array
    array = np.empty(len(labels), dtype=object)
    array[:] = labels
    return array


def _read_shared(estimator, X, y, sample_weight, offset):
    if y is None:
        validate_data(estimator, X, y)
    if _is_scalar(y):
        msg = f"y should be a 1d or 2d array, got a scalar {y!r} instead."
        raise ValueError(msg)
    names = _names(X)
    X = validate_data(estimator, X, reset=True, dtype=FLOATS)
    y = check_array(
        y,
        ensure_2d=False,
        dtype="numeric",
        ensure_all_finite=False,
        ensure_min_samples=0,
        input_name="y",
    )
    if y.ndim > 2:
        msg = f"y should be a 1d or 2d array, got an array of shape {y.shape} instead."
        raise ValueError(msg)
    single = y.ndim == 1
    check_array(
        y,
        ensure_2d=False,
        dtype=None,
        ensure_all_finite=True if single else "allow-nan",
        ensure_min_samples=0,
        input_name="y",
    )
    if len(y) != len(X):
        msg = (
            f"Found input variables with inconsistent numbers of samples: X has "
            f"{len(X)} rows, y has {len(y)}."
        )
        raise ValueError(msg)
    y = y.reshape(len(y), -1)
    n, n_tasks = y.shape
    dtype = y.dtype if y.dtype.kind == "f" else np.float64
    Y = np.array(y.T, dtype=dtype, order="C")
    weight = np.ones((n_tasks, n))
    if sample_weight is not None:
        sample_weight = np.asarray(sample_weight, dtype=np.float64)
        if sample_weight.shape == (n, n_tasks) and not single:
            weight[:] = _weights(sample_weight.T.ravel(), n * n_tasks).reshape(-1, n)
        else:
            weight[:] = _weights(sample_weight, n)
    if offset is not None:
        offset = check_array(
            offset, ensure_2d=False, dtype=np.float64, input_name="offset"
        )
        if offset.shape not in [(n,), (n, n_tasks)]:
            msg = f"offset has shape {offset.shape}, expected ({n},) or y's shape."
            raise ValueError(msg)
        offset = np.broadcast_to(offset.T, (n_tasks, n)).ravel()
    missing = np.isnan(Y)
    labels = np.arange(n_tasks)
    if missing.any():
        gone = missing.all(axis=1)
        if gone.any():
            t = int(np.argmax(gone))
            msg = f"Task {t} has no observed label (column {t} of y is all NaN)."
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
        bounds = len(X) * np.arange(2)
    data = TaskData(
        SHARED, X, Y.ravel(), weight.ravel(), offset, bounds, labels, names, labels
    )
    data.single = single
    return _observed(data)


def _read_long(estimator, X, y, sample_weight, offset, task_column, task_order):
    validate_data(estimator, X, y, reset=True, skip_check_array=True)
    table, column, categories, names = split_column(X, task_column)
    _check_finite(table, column)
    labels, task = encode_tasks(column, categories, task_order)
    n = len(table)
    y = column_or_1d(y, warn=True)
    _same_length(n, len(y), "y")
    order = np.argsort(task, kind="stable")
    if np.array_equal(order, np.arange(n)):
        order = slice(None)
    sizes = np.bincount(task)
    bounds = np.cumsum([0, *sizes])
    y = _targets(np.split(y[order], bounds[1:-1]), labels)
    weight = np.ones(n)
    if sample_weight is not None:
        weight = _weights(sample_weight, n)[order]
    if offset is not None:
        offset = column_or_1d(offset, dtype=np.float64)
        _same_length(n, len(offset), "offset")
        offset = offset[order]
    data = TaskData(
        LONG, table[order], y, weight, offset, bounds, labels, names, labels
    )
    return _observed(data)


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


def _rows_of_lists(estimator, X):
    items, labels, keyed = _items(X, "X")
    T, name = len(estimator.tasks_), type(estimator).__name__
    if not keyed:
        if len(items) != T:
            msg = (
                f"X is a list of {len(items)} tasks, but {name} was fitted with {T}. "
                "Give one matrix a task, or a dict {task: X} for some of them. If this "
                "comes from GridSearchCV or cross_validate: they cut a list into "
                "tasks, not samples; give them the long table of stack_tasks with "
                "cv=TaskKFold(task_column=0)."
            )
            raise ValueError(msg)
        labels = estimator._input_labels.tolist()
    table, bounds, names = _stack(items, labels)
    d = estimator.coef_.shape[-1]
    if table.shape[1] != d:
        msg = (
            f"X of task {labels[0]!r} has {table.shape[1]} features, but {name} was "
            f"fitted with {d} (shape of X: {items[0].shape})."
        )
        raise ValueError(msg)
    expected = estimator._feature_names
    if names is not None and expected is not None and names != list(expected):
        msg = (
            f"X of task {labels[0]!r} has the columns {names}, but {name} was fitted "
            f"with {list(expected)}."
        )
        raise ValueError(msg)
    column = np.repeat(_label_array(labels), np.diff(bounds))
    task = _look_up(estimator, column)
    return TaskRows(LISTS, table, task, bounds, labels if keyed else None)


def _look_up(estimator, column):
    """Return the index of each row's task, -1 for tasks that were not fitted."""
    column = clean_labels(column)
    position = {label: i for i, label in enumerate(estimator.tasks_.tolist())}
    present, inverse = np.unique(column.astype(object), return_inverse=True)
    index = np.array([position.get(label, -1) for label in present.tolist()], int)
    if (index < 0).any() and not estimator._accepts_unseen():
        unseen = [label for label, i in zip(present.tolist(), index, strict=True) if i < 0]
        msg = (
            f"X has tasks that {type(estimator).__name__} was not fitted with: "
            f"{unseen[:5]}. Split the samples inside each task (cv=TaskKFold("
            "task_column=...)), or set unseen_task='mean' to predict with the mean of "
            "the tasks."
        )
        raise ValueError(msg)
    return index[inverse]
