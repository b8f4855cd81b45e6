"""Training data through the three doors, of which folds can be taken."""

from __future__ import annotations

from copy import copy
from numbers import Integral

import numpy as np
from sklearn.model_selection import check_cv
from sklearn.utils import column_or_1d, indexable

from .._sklearn import safe_indexing
from ..tasks import (
    LISTS,
    LONG,
    SHARED,
    encode_tasks,
    is_lists,
    read_task_column,
)
from ..tasks._stack import items_of, vectors
from ._split import TaskKFold


class Samples:
    """The samples of a training set as they were given, one after another.

    Of lists the samples are the rows of all tasks; of a shared design with missing
    targets they are the targets that are observed, column after column; else rows.

    Parameters
    ----------
    X, y, sample_weight, offset : object
        Training data through any door.
    task_column : int, str or None
        Names the task in a long table.
    """

    def __init__(self, X, y, sample_weight=None, offset=None, task_column=None):
        self.X, self.y = X, y
        self.sample_weight, self.offset = sample_weight, offset
        self.task_column = task_column
        self.door = LONG if task_column is not None else SHARED
        self.row = None
        if is_lists(X):
            self.door = LISTS
            self.X, self.labels, keyed = items_of(X, "X")
            sizes = [item.shape[0] for item in self.X]
            if any(size == 0 for size in sizes):
                label = self.labels[sizes.index(0)]
                msg = f"Task {label!r} is empty: drop the task."
                raise ValueError(msg)
            self.task = np.repeat(np.arange(len(sizes)), sizes)
            self.row = np.concatenate([np.arange(size) for size in sizes])
            for name in ("y", "sample_weight", "offset"):
                values = getattr(self, name)
                if values is not None:
                    setattr(
                        self, name, vectors(values, self.labels, sizes, keyed, name)
                    )
            return
        self.X, *_ = indexable(X, y, sample_weight, offset)
        if not hasattr(self.X, "shape"):
            self.X = np.asarray(X)
        if self.door == LONG:
            self.y = column_or_1d(y)
        y_array = np.asarray(y)
        if self.door == SHARED and y_array.ndim == 2 and y_array.dtype.kind == "f":
            missing = np.isnan(y_array)
            if missing.any() and y_array.shape[1] > 1:
                self.y = y_array
                self.task, self.row = np.nonzero(~missing.T)

    @property
    def n_samples(self) -> int:
        """Number of samples."""
        if self.row is not None:
            return len(self.row)
        return self.X.shape[0]

    def take(self, index: np.ndarray) -> tuple:
        """Return X, y, sample_weight and offset of some samples."""
        if self.door == LISTS:
            task = self.task[index]
            order = index[np.argsort(task, kind="stable")]
            sizes = np.bincount(task, minlength=len(self.X))
            rows = np.split(self.row[order], np.cumsum(sizes)[:-1])
            parts = (self.X, self.y, self.sample_weight, self.offset)
            return tuple(
                part
                and {
                    label: _rows(values, i)
                    for label, values, i in zip(self.labels, part, rows, strict=True)
                    if len(i)
                }
                for part in parts
            )
        rows, y = index, self.y
        if self.row is not None:
            y = np.full(y.shape, np.nan)
            cells = self.row[index], self.task[index]
            y[cells] = self.y[cells]
            rows = np.unique(self.row[index])
        parts = (self.X, y, self.sample_weight, self.offset)
        return tuple(None if part is None else _rows(part, rows) for part in parts)

    def take_groups(self, groups, index: np.ndarray):
        """Return the groups of some samples, in the order of :meth:`take`."""
        if groups is None:
            return None
        groups = np.asarray(self._stacked(groups) if self.door == LISTS else groups)
        if self.door != LISTS and self.row is not None:
            return groups[np.unique(self.row[index])]
        return groups[index]

    def cells(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the labels of the tasks, and the task and the row of each target.

        A row of a shared design has one target a task.
        """
        if self.door == LISTS:
            return np.array(self.labels), self.task, np.arange(self.n_samples)
        if self.door == LONG:
            labels, task = encode_tasks(read_task_column(self.X, self.task_column))
            return labels, task, np.arange(self.n_samples)
        shape = np.shape(self.y)
        T = shape[1] if len(shape) == 2 else 1
        if self.row is not None:
            return np.arange(T), self.task, self.row
        n = self.n_samples
        return np.arange(T), np.repeat(np.arange(T), n), np.tile(np.arange(n), T)

    def of_cells(self, values) -> np.ndarray:
        """Return values in the form of y, or one a row, of each target."""
        _, task, row = self.cells()
        if self.door == LISTS:
            return np.asarray(self._stacked(values))
        values = np.asarray(values)
        if self.door == SHARED and values.ndim == 2 and values.shape[1] > 1:
            return values[row, task]
        return values.ravel()[row]

    def split(self, cv, groups=None) -> list[tuple[np.ndarray, np.ndarray]]:
        """Return the samples of the training and the test part of each fold.

        A number of folds, or a splitter with a task column, deals the samples of each
        task; other splitters get the rows of a table, or the samples of lists.
        """
        if isinstance(cv, Integral) and not isinstance(cv, bool):
            cv = TaskKFold(cv)
            if self.door == LONG:
                cv.task_column = self.task_column
        by_task = hasattr(cv, "task_column")
        if by_task and self.door != LONG:
            cv = copy(cv)
            cv.task_column = 0
        cv = check_cv(cv)
        if self.n_samples < 2:
            msg = f"n_samples={self.n_samples} cannot be split into folds."
            raise ValueError(msg)
        if self.door == LISTS:
            y, table = np.concatenate(self.y), self.task[:, None]
            if groups is not None:
                groups = self._stacked(groups)
            return list(cv.split(table, y, groups))
        if self.door == LONG or not by_task:
            y = self.y
            splits = list(cv.split(self.X, y, groups))
            if self.row is None:
                return splits
            return [
                tuple(np.flatnonzero(np.isin(self.row, rows)) for rows in parts)
                for parts in splits
            ]
        if self.row is not None:
            groups = self.row if groups is None else np.asarray(groups)[self.row]
            return list(cv.split(self.task[:, None], None, groups))
        y = np.asarray(self.y)
        y = column_or_1d(y) if y.ndim == 1 or y.shape[1] == 1 else None
        return list(cv.split(np.zeros((self.n_samples, 1)), y, groups))

    def unseen(self, splits: list, column) -> tuple[list, int, int]:
        """Return the tasks that a fold tests but does not train, their rows, and folds.

        A design that all tasks share has none, nor has a table without the column.
        """
        if self.door == SHARED:
            return [], 0, 0
        if self.door == LISTS:
            labels, task = np.array(self.labels), self.task
        else:
            try:
                labels, task = encode_tasks(read_task_column(self.X, column))
            except ValueError:  # it is made by the first steps of a pipeline
                return [], 0, 0
        tested = [test[~np.isin(task[test], task[train])] for train, test in splits]
        tasks = labels[np.unique(task[np.concatenate(tested)])].tolist()
        return tasks, sum(map(len, tested)), sum(len(rows) > 0 for rows in tested)

    def _stacked(self, groups):
        if isinstance(groups, dict):
            groups = [groups[label] for label in self.labels]
        if len(groups) == len(self.X) and np.ndim(groups[0]) == 1:
            return np.concatenate(groups)
        return groups


def _rows(part, rows):
    if isinstance(part, np.ndarray):
        return part[rows]
    return safe_indexing(part if hasattr(part, "shape") else np.asarray(part), rows)
