"""From lists to long tables and back."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.utils import column_or_1d

from ._clean import label_array
from ._labels import encode_tasks, split_column
from ._stack import items_of, same_length, stack, vectors


def stack_tasks(Xs: Any, ys: Any) -> tuple[Any, np.ndarray]:
    """Stack lists of tasks into a long table whose column 0 is the task.

    Parameters
    ----------
    Xs : list or dict of {array-like, sparse, frame} of shape (n_t, n_features)
        One design matrix a task.
    ys : list or dict of array-like of shape (n_t,)
        One target a task.

    Returns
    -------
    X : {array, csr_array, frame} of shape (n_samples, 1 + n_features)
        The rows, task after task, in the form of `Xs`; sparse if any task is. Column 0
        holds the task's number; in a frame it is called "task" and holds the keys of a
        dict, else numbers.
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
    items, labels, keyed = items_of(Xs, "X")
    X, bounds, names = stack(items, labels)
    y = np.concatenate(vectors(ys, labels, np.diff(bounds), keyed, "y"))
    task = np.repeat(np.arange(len(labels)), np.diff(bounds))
    if sp.issparse(X):
        return sp.hstack([task[:, None].astype(X.dtype), X], format="csr"), y
    if names is None:
        return np.column_stack([task.astype(X.dtype), X]), y
    import narwhals as nw

    frames = [nw.from_native(x, eager_only=True) for x in items]
    frame = nw.concat(frames)
    values = label_array(labels)[task] if keyed else task
    column = nw.new_series("task", values.tolist(), backend=frame.implementation)
    return frame.select(column, *frame.columns).to_native(), y


def split_tasks(
    X: Any, y: Any, task_column: int | str
) -> tuple[list[Any], list[np.ndarray], np.ndarray]:
    """Split a long table into lists of tasks.

    Parameters
    ----------
    X : {array-like, sparse, frame} of shape (n_samples, 1 + n_features)
        Long table, one row a sample.
    y : array-like of shape (n_samples,)
        Targets.
    task_column : int or str
        The column of X that names the task: a column name of a frame, or a position.

    Returns
    -------
    Xs : list of {ndarray, csr_array} of shape (n_t, n_features)
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
    labels, task = encode_tasks(column, categories[0])
    y = column_or_1d(y)
    same_length(len(task), len(y), "y")
    order = np.argsort(task, kind="stable")
    rows = np.split(order, np.cumsum(np.bincount(task))[:-1])
    return [table[i] for i in rows], [y[i] for i in rows], labels
