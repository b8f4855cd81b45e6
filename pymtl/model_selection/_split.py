"""Folds inside every task."""

from __future__ import annotations

from collections.abc import Iterator
from numbers import Integral
from typing import Any

import numpy as np
from sklearn.model_selection import BaseCrossValidator
from sklearn.utils import check_random_state, column_or_1d
from sklearn.utils.validation import check_consistent_length

from ..tasks import encode_tasks, read_task_column


class TaskKFold(BaseCrossValidator):
    """K folds inside every task of a long table.

    The rows of each task are dealt to the folds in turn, like cards, each task going on
    where the last one stopped. So the folds as a whole, and the rows of each task in
    them, differ in size by one row at most, and every training part has rows of every
    task, in whatever order the table comes.

    Parameters
    ----------
    n_splits : int, default=5
        Number of folds, at least 2. A task with fewer rows is in the test part of as
        many folds as it has rows.
    task_column : int or str, default=0
        The column of X that names the task: a column name of a frame, or a position.
    shuffle : bool, default=False
        Whether to shuffle the rows of each task before they are dealt.
    random_state : int, RandomState instance or None, default=None
        Seed of the shuffling; pass an int for the same folds at every call.
    single_rows : {"train", "test"}, default="train"
        What becomes of the row of a task that has only one. "train" keeps it in all
        training parts and tests it never, as a model knows little of tasks that it was
        not fitted with. "test" deals it like any other; the test parts are then a
        partition of the rows even with such tasks, as `cross_val_predict` requires.

    See Also
    --------
    pymtl.stack_tasks : Makes the long table of lists of tasks.
    sklearn.model_selection.GroupKFold : Keeps whole groups out of training.

    Notes
    -----
    The folds are stratified by task and, where targets repeat within a task, by task x
    target: the rows of one label in one task are dealt together, and their numbers in
    the folds differ by one at most. That is what class labels need. It does nothing to
    targets that are all different, so that class labels need not be told from integer
    exam scores.

    With groups (pupils measured twice, say) whole groups are dealt, the largest first,
    each to the fold that has the fewest rows of the group's tasks. A group is in one
    fold, across all tasks; labels are then not stratified. The rows of a task that has
    no second group to be trained with count as single rows.

    Without shuffling, the rows of a task go to the folds 0, 1, 2, ... in turn, so that
    neighbours are in different folds. Where neighbours depend on each other, as in a
    time series, the error measured in such folds is too small.

    Examples
    --------
    >>> import numpy as np
    >>> from pymtl import TaskKFold
    >>> school = np.array([0, 0, 0, 0, 1, 1, 1, 2])
    >>> X = np.column_stack([school, np.arange(8)])
    >>> for train, test in TaskKFold(3).split(X):
    ...     print(test, "tests the schools", np.unique(school[test]))
    [0 3 6] tests the schools [0 1]
    [1 4] tests the schools [0 1]
    [2 5] tests the schools [0 1]
    """

    def __init__(
        self,
        n_splits: int = 5,
        *,
        task_column: int | str = 0,
        shuffle: bool = False,
        random_state: int | np.random.RandomState | None = None,
        single_rows: str = "train",
    ):
        if not isinstance(n_splits, Integral) or n_splits < 2:
            msg = f"n_splits must be an integer of at least 2, got {n_splits!r}."
            raise ValueError(msg)
        if not isinstance(task_column, Integral | str):
            msg = (
                f"task_column must be a column name or a position, got {task_column!r}."
            )
            raise ValueError(msg)
        if not isinstance(shuffle, bool | np.bool_):
            msg = f"shuffle must be True or False, got {shuffle!r}."
            raise ValueError(msg)
        if random_state is not None and not shuffle:
            msg = (
                "random_state has no effect without shuffling: set shuffle=True, or "
                "leave random_state at None."
            )
            raise ValueError(msg)
        if single_rows not in ("train", "test"):
            msg = f"single_rows must be 'train' or 'test', got {single_rows!r}."
            raise ValueError(msg)
        self.n_splits = n_splits
        self.task_column = task_column
        self.shuffle = shuffle
        self.random_state = random_state
        self.single_rows = single_rows

    def split(
        self, X: Any, y: Any = None, groups: Any = None
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Generate the rows of the training and the test part of each fold.

        Parameters
        ----------
        X : {array-like, sparse, frame} of shape (n_samples, 1 + n_features)
            Long table; only its task column is read.
        y : array-like of shape (n_samples,) or None, default=None
            Targets; labels that repeat are spread over the folds.
        groups : array-like of shape (n_samples,) or None, default=None
            Groups of rows, such as subjects, that stay together in one fold.

        Yields
        ------
        train : ndarray
            Rows of the training part.
        test : ndarray
            Rows of the test part.

        Raises
        ------
        ValueError
            If X is a list of tasks, has no such task column, or has fewer rows to test
            than there are folds.
        """
        fold = self._deal(X, y, groups)
        for k in range(self.n_splits):
            yield np.flatnonzero(fold != k), np.flatnonzero(fold == k)

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:
        """Return the number of folds.

        Parameters
        ----------
        X, y, groups : object, default=None
            Not used.

        Returns
        -------
        n_splits : int
            The number of folds.
        """
        return self.n_splits

    def _deal(self, X, y, groups=None):
        """Return the fold in which each row is tested, -1 for none."""
        _, task = tasks_of_rows(X, self.task_column)
        n = len(task)
        if groups is not None:
            return self._deal_groups(task, groups)
        stratum = task
        if y is not None:
            check_consistent_length(task, y)
            codes: dict = {}
            y = column_or_1d(y).tolist()
            label = np.array([codes.setdefault(value, len(codes)) for value in y])
            stratum = task * len(codes) + label
        order = np.arange(n)
        if self.shuffle:
            order = check_random_state(self.random_state).permutation(n)
        # Labels come in the order of their first rows: where all differ, that is the
        # order of the rows, shuffled or not.
        _, first, index = np.unique(
            stratum[order], return_index=True, return_inverse=True
        )
        order = order[np.lexsort((first[index], task[order]))]
        if self.single_rows == "train":
            order = order[np.bincount(task)[task[order]] > 1]
        if len(order) < self.n_splits:
            single = f", not counting {n - len(order)} tasks of one row, which stay in "
            single += "training (single_rows='train')"
            msg = (
                f"n_splits={self.n_splits} is greater than the number of rows that can "
                f"be tested, {len(order)}{single if len(order) < n else ''}."
            )
            raise ValueError(msg)
        fold = np.full(n, -1)
        fold[order] = np.arange(len(order)) % self.n_splits
        return fold

    def _deal_groups(self, task, groups):
        """Return the fold of each row where groups stay together."""
        check_consistent_length(task, groups)
        _, group = np.unique(column_or_1d(groups), return_inverse=True)
        n_groups, n_tasks = group.max() + 1, task.max() + 1
        if n_groups < self.n_splits:
            msg = (
                f"n_splits={self.n_splits} is greater than the number of groups, "
                f"{n_groups}."
            )
            raise ValueError(msg)
        order = np.arange(n_groups)
        if self.shuffle:
            order = check_random_state(self.random_state).permutation(n_groups)
        order = order[np.argsort(-np.bincount(group)[order], kind="stable")]
        share = 1.0 / np.bincount(task)
        rows = np.split(np.argsort(group, kind="stable"), np.cumsum(np.bincount(group)))
        held = np.zeros((self.n_splits, n_tasks))
        size = np.zeros(self.n_splits)
        fold = np.empty(len(task), dtype=int)
        for g in order:
            tasks, counts = np.unique(task[rows[g]], return_counts=True)
            load = held[:, tasks] @ (counts * share[tasks])
            k = np.lexsort((size, np.round(load, 12)))[0]
            held[k, tasks] += counts
            size[k] += counts.sum()
            fold[rows[g]] = k
        if self.single_rows == "train":
            alone = held.max(axis=0) == held.sum(axis=0)
            fold[alone[task]] = -1
        return fold


class RepeatedTaskKFold(BaseCrossValidator):
    """K folds inside every task, several times with other shuffles.

    Parameters
    ----------
    n_splits : int, default=5
        Number of folds, at least 2.
    n_repeats : int, default=10
        Number of repetitions.
    task_column : int or str, default=0
        The column of X that names the task: a column name of a frame, or a position.
    random_state : int, RandomState instance or None, default=None
        Seed of the shuffling; pass an int for the same folds at every call.
    single_rows : {"train", "test"}, default="train"
        What becomes of the row of a task that has only one, see :class:`TaskKFold`.

    See Also
    --------
    TaskKFold : One repetition, and what the folds are.

    Examples
    --------
    >>> import numpy as np
    >>> from pymtl.model_selection import RepeatedTaskKFold
    >>> X = np.column_stack([np.repeat([0, 1], 6), np.arange(12)])
    >>> cv = RepeatedTaskKFold(3, n_repeats=2, random_state=0)
    >>> cv.get_n_splits()
    6
    >>> [len(test) for train, test in cv.split(X)]
    [4, 4, 4, 4, 4, 4]
    """

    def __init__(
        self,
        n_splits: int = 5,
        *,
        n_repeats: int = 10,
        task_column: int | str = 0,
        random_state: int | np.random.RandomState | None = None,
        single_rows: str = "train",
    ):
        TaskKFold(n_splits, task_column=task_column, single_rows=single_rows)
        if not isinstance(n_repeats, Integral) or n_repeats < 1:
            msg = f"n_repeats must be an integer of at least 1, got {n_repeats!r}."
            raise ValueError(msg)
        self.n_splits = n_splits
        self.n_repeats = n_repeats
        self.task_column = task_column
        self.random_state = random_state
        self.single_rows = single_rows

    def split(
        self, X: Any, y: Any = None, groups: Any = None
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Generate the rows of the training and the test part of each fold.

        Parameters
        ----------
        X, y, groups : object
            As in :meth:`TaskKFold.split`.

        Yields
        ------
        train : ndarray
            Rows of the training part.
        test : ndarray
            Rows of the test part.
        """
        rng = check_random_state(self.random_state)
        for _ in range(self.n_repeats):
            once = TaskKFold(
                self.n_splits,
                task_column=self.task_column,
                shuffle=True,
                random_state=rng.randint(np.iinfo(np.int32).max),
                single_rows=self.single_rows,
            )
            yield from once.split(X, y, groups)

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:
        """Return the number of folds of all repetitions.

        Parameters
        ----------
        X, y, groups : object, default=None
            Not used.

        Returns
        -------
        n_splits : int
            The number of folds.
        """
        return self.n_splits * self.n_repeats


def tasks_of_rows(X: Any, task_column: int | str) -> tuple[np.ndarray, np.ndarray]:
    """Return the task labels of a long table, and each row's index into them.

    Parameters
    ----------
    X : {array-like, frame} of shape (n_samples, 1 + n_features)
        Long table.
    task_column : int or str
        The column that names the task.

    Returns
    -------
    labels : ndarray of shape (n_tasks,)
        The labels that occur.
    task : ndarray of shape (n_samples,)
        Index of each row's label.

    Raises
    ------
    ValueError
        If the column does not exist, or its values are no labels.
    """
    column = read_task_column(X, task_column)
    try:
        return encode_tasks(column)
    except ValueError as error:
        msg = (
            f"{error} If X has no task column, as with a single task or a design that "
            "all tasks share, take scikit-learn's KFold for the folds, or "
            "MultiTaskSearchCV, which needs none."
        )
        raise ValueError(msg) from error
