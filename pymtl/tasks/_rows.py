"""Rows to predict through the three doors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.utils import check_array
from sklearn.utils.validation import validate_data

from .._sparse import by_task
from ._classes import is_missing
from ._clean import label_array, plain
from ._constants import FLOATS, LISTS, LONG, SHARED
from ._labels import encode_tasks, find_tasks, split_column
from ._stack import check_finite, is_lists, items_of, stack, unmasked, vectors


@dataclass
class TaskRows:
    """Rows to predict: for the shared door all tasks, else one task a row.

    Parameters
    ----------
    door : {"lists", "shared", "long"}
        How the rows came in.
    X : ndarray or csr_array of shape (n_rows, n_features)
        The rows.
    task : ndarray of shape (n_rows,) or None
        Index of each row's task, -1 for an unseen one; None for the shared door.
    bounds : ndarray or None
        Rows of the items of a list.
    keys : list or None
        Keys of a dict.
    unseen : list
        Labels that were not in fit.
    """

    door: str
    X: np.ndarray
    task: np.ndarray | None = None
    bounds: np.ndarray | None = None
    keys: list | None = None
    unseen: list = field(default_factory=list)

    def unseen_tasks(self) -> str:
        """Return which tasks were not in fit, and how many rows they have."""
        unseen, count = self.unseen, int(np.sum(self.task < 0))
        tasks = "1 task" if len(unseen) == 1 else f"{len(unseen)} tasks"
        more = ", ..." if len(unseen) > 5 else ""
        names = ", ".join(map(repr, unseen[:5])) + more
        return f"{tasks} ({count} of {len(self.task)} rows): {names}"

    def products(self, coef: np.ndarray) -> np.ndarray:
        """Return ``x_i . coef[task_i]`` for rows that each have a task."""
        if sp.issparse(self.X):
            return by_task(self.X, self.task % len(coef), len(coef)) @ coef.T.ravel()
        return np.einsum("ij,ij->i", self.X, coef[self.task])

    def split(self, z: np.ndarray) -> Any:
        """Return predictions of the rows in the form of the door."""
        if self.door != LISTS:
            return z
        parts = np.split(z, self.bounds[1:-1])
        return parts if self.keys is None else dict(zip(self.keys, parts, strict=True))

    def mean_score(
        self,
        metric: Callable,
        y: Any,
        z: Any,
        sample_weight: Any = None,
        missing: Any = np.nan,
    ) -> float:
        """Return the mean of a metric over the tasks.

        Of a 2-d y each column counts on its observed labels; of lists the tasks with
        at least two distinct targets.
        """
        if self.door == LISTS:
            sizes = np.diff(self.bounds)
            labels = self.keys or range(len(sizes))
            keyed = self.keys is not None
            ys = vectors(y, labels, sizes, keyed, "y")
            zs = list(z.values()) if keyed else z
            ws = [None] * len(ys)
            if sample_weight is not None:
                ws = vectors(sample_weight, labels, sizes, keyed, "sample_weight")
            keep = [t for t, v in enumerate(ys) if len(np.unique(v)) > 1]
            if not keep:
                msg = "No task has two distinct targets, so the score is undefined."
                raise ValueError(msg)
            return float(
                np.mean([metric(ys[t], zs[t], sample_weight=ws[t]) for t in keep])
            )
        y = np.asarray(plain(y))
        if y.shape != z.shape:
            msg = f"y has shape {y.shape}, the predictions have shape {z.shape}."
            raise ValueError(msg)
        scores = []
        for t in range(y.shape[1]):
            seen = ~is_missing(y[:, t], missing)
            w = None
            if sample_weight is not None:
                w = np.asarray(sample_weight, dtype=float)
                w = w[seen] if w.ndim == 1 else w[seen, t]
            if seen.any():
                actual = np.array(y[seen, t].tolist())
                scores.append(metric(actual, z[seen, t], sample_weight=w))
        return float(np.mean(scores))


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
    d = len(estimator.coef_names_)
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
        check_finite(table, column)
        labels, task = encode_tasks(column)
        return _looked_up(estimator, labels, task, TaskRows(LONG, table))
    if fitted_long:
        msg = (
            f"{type(estimator).__name__} was fitted on a long table: set task_column "
            "to the column of X that names the task."
        )
        raise ValueError(msg)
    X = unmasked(X)
    X = validate_data(estimator, X, reset=False, accept_sparse="csr", dtype=FLOATS)
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
            vectors(values, labels, sizes, keyed, name, dtype=np.float64)
        )
    values = plain(values)
    values = check_array(values, ensure_2d=False, dtype=np.float64, input_name=name)
    n = rows.X.shape[0]
    if rows.door == SHARED and values.shape in [(n, 1), (n,)]:
        return np.broadcast_to(values.reshape(n, 1), (n, n_tasks))
    if values.shape != ((n, n_tasks) if rows.door == SHARED else (n,)):
        msg = f"{name} has shape {values.shape}, but X has {n} rows."
        raise ValueError(msg)
    return values


def _rows_of_lists(estimator, X):
    items, labels, keyed = items_of(X, "X")
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
    table, bounds, names = stack(items, labels)
    d = len(estimator.coef_names_)
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
    task = np.repeat(np.arange(len(labels)), np.diff(bounds))
    rows = TaskRows(LISTS, table, None, bounds, labels if keyed else None)
    return _looked_up(estimator, label_array(labels), task, rows)


def _looked_up(estimator, labels, task, rows):
    """Set the index of each row's task, -1 for tasks that were not fitted."""
    index = find_tasks(labels, estimator.tasks_, type(estimator).__name__)
    rows.task = index[task]
    known = zip(labels.tolist(), index, strict=True)
    rows.unseen = [label for label, i in known if i < 0]
    if rows.unseen and not estimator._accepts_unseen():
        msg = (
            f"{type(estimator).__name__} was not fitted with {rows.unseen_tasks()}. "
            "Split the samples inside each task (cv=TaskKFold(task_column=...)), or "
            "set unseen_task='structure' (or 'mean') to predict with what the tasks "
            "share."
        )
        raise ValueError(msg)
    return rows


def _n_columns(X):
    shape = getattr(X, "shape", None)
    return shape[1] if shape is not None and len(shape) == 2 else None
