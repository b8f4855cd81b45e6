"""Splits in time, inside every task."""

from __future__ import annotations

from collections.abc import Iterator
from numbers import Integral
from typing import Any

import numpy as np
from sklearn.model_selection import BaseCrossValidator

from ..tasks import is_missing, read_task_column
from ._split import TaskKFold, tasks_of_rows


class TaskTimeSeriesSplit(BaseCrossValidator):
    """Training before testing, inside every task of a long table.

    In each split every task is tested on a stretch of its rows and trained with rows
    before it; the stretches follow each other up to the task's last row. That is
    scikit-learn's `TimeSeriesSplit` of each task: split k of all tasks together.

    Parameters
    ----------
    n_splits : int, default=5
        Number of splits, at least 2.
    task_column : int or str, default=0
        The column of X that names the task: a column name of a frame, or a position.
    time_column : int, str or None, default=None
        The column of X that says when a row was: numbers, dates, or texts that sort so.
        By default the rows of a task are in the order of time.
    max_train_size : int or None, default=None
        Largest number of training rows of a task; the last ones stay.
    test_size : int or None, default=None
        Number of rows that a task is tested on in each split, by default
        ``n_t // (n_splits + 1)`` of its n_t rows.
    gap : int, default=0
        Number of rows left out between training and testing.
    short_tasks : {"error", "train"}, default="error"
        What becomes of a task with too few rows, fewer than ``n_splits * test_size +
        gap + 1``: an error, or all of its rows are in all training parts.

    See Also
    --------
    TaskKFold : Folds that know no time.
    sklearn.model_selection.TimeSeriesSplit : The split of one series.

    Notes
    -----
    Tasks are cut by their numbers of rows, not by a common date: where tasks are
    observed in different years, rows of one task may be later than those that another
    is tested on.

    Examples
    --------
    >>> import numpy as np
    >>> from pymtl import TaskTimeSeriesSplit
    >>> shop = np.array([0, 0, 0, 0, 1, 1, 1, 1, 1, 1])
    >>> X = np.column_stack([shop, np.arange(10)])
    >>> for train, test in TaskTimeSeriesSplit(2, test_size=1).split(X):
    ...     print(train, test)
    [0 1 4 5 6 7] [2 8]
    [0 1 2 4 5 6 7 8] [3 9]
    """

    def __init__(
        self,
        n_splits: int = 5,
        *,
        task_column: int | str = 0,
        time_column: int | str | None = None,
        max_train_size: int | None = None,
        test_size: int | None = None,
        gap: int = 0,
        short_tasks: str = "error",
    ):
        TaskKFold(n_splits, task_column=task_column)
        if not isinstance(time_column, Integral | str | None):
            msg = (
                f"time_column must be a column name or a position, got {time_column!r}."
            )
            raise ValueError(msg)
        for name, value, least in (
            ("max_train_size", max_train_size, 1),
            ("test_size", test_size, 1),
            ("gap", gap, 0),
        ):
            optional = value is None and name != "gap"
            if not optional and (not isinstance(value, Integral) or value < least):
                msg = f"{name} must be an integer of at least {least}, got {value!r}."
                raise ValueError(msg)
        if short_tasks not in ("error", "train"):
            msg = f"short_tasks must be 'error' or 'train', got {short_tasks!r}."
            raise ValueError(msg)
        self.n_splits = n_splits
        self.task_column = task_column
        self.time_column = time_column
        self.max_train_size = max_train_size
        self.test_size = test_size
        self.gap = gap
        self.short_tasks = short_tasks

    def split(
        self, X: Any, y: Any = None, groups: Any = None
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Generate the rows of the training and the test part of each split.

        Parameters
        ----------
        X : {array-like, sparse, frame} of shape (n_samples, 1 + n_features)
            Long table; only its task column and its time column are read.
        y, groups : object, default=None
            Not used.

        Yields
        ------
        train : ndarray
            Rows of the training part.
        test : ndarray
            Rows of the test part.

        Raises
        ------
        ValueError
            If a task has too few rows, or a row has no time.
        """
        labels, task = tasks_of_rows(X, self.task_column)
        order = np.argsort(task, kind="stable")
        if self.time_column is not None:
            order = np.lexsort((self._times(X), task))
        always, cut = [], []
        for label, rows in zip(
            labels.tolist(),
            np.split(order, np.cumsum(np.bincount(task))[:-1]),
            strict=True,
        ):
            size = self._test_size(len(rows))
            if size and len(rows) >= self.n_splits * size + self.gap + 1:
                cut.append((rows, size))
            elif self.short_tasks == "train":
                always.append(rows)
            else:
                self._refuse(label, len(rows), size)
        if not cut:
            msg = (
                f"No task has rows enough for n_splits={self.n_splits} and "
                f"gap={self.gap}: lower them."
            )
            raise ValueError(msg)
        for k in range(self.n_splits, 0, -1):
            train, test = list(always), []
            for rows, size in cut:
                start = len(rows) - k * size
                known = rows[: start - self.gap]
                train.append(known[-(self.max_train_size or len(known)) :])
                test.append(rows[start : start + size])
            yield np.sort(np.concatenate(train)), np.sort(np.concatenate(test))

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:
        """Return the number of splits.

        Parameters
        ----------
        X, y, groups : object, default=None
            Not used.

        Returns
        -------
        n_splits : int
            The number of splits.
        """
        return self.n_splits

    def _test_size(self, n_rows):
        if self.test_size is not None:
            return self.test_size
        return n_rows // (self.n_splits + 1)

    def _refuse(self, label, n_rows, size):
        msg = (
            f"Task {label!r} has {n_rows} rows, and n_splits={self.n_splits} with "
            f"test_size={max(size, 1)} and gap={self.gap} need "
            f"{self.n_splits * max(size, 1) + self.gap + 1}: lower them, drop the task,"
            " or keep it in training with short_tasks='train'."
        )
        raise ValueError(msg)

    def _times(self, X):
        """Return the rank of each row's time."""
        try:
            times = read_task_column(X, self.time_column)
        except ValueError as error:
            msg = (
                f"time_column={self.time_column!r} is not a column of X. Lists of tasks"
                " and shared designs have none: sort their rows by time, and leave "
                "time_column at None."
            )
            raise ValueError(msg) from error
        missing = is_missing(times) if times.dtype == object else times != times
        if np.any(missing):
            msg = f"The time column {self.time_column!r} has missing values."
            raise ValueError(msg)
        return np.unique(times, return_inverse=True)[1]
