"""Tasks in an order: steps from each task to the next one in time."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..tasks import task_entries


def steps(times: Any, n_tasks: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the tasks in the order of time, and the gaps between them.

    Parameters
    ----------
    times : array-like of shape (n_tasks,), mapping or None
        Times of the tasks; a mapping has the tasks' numbers for keys. None is one step
        from each task to the next.
    n_tasks : int
        Number of tasks.

    Returns
    -------
    order : ndarray of shape (n_tasks,)
        Indices of the tasks, the earliest first.
    gaps : ndarray of shape (n_tasks - 1,)
        Positive gaps from each task to the next.
    """
    if times is None:
        return np.arange(n_tasks), np.ones(n_tasks - 1)
    values = task_times(times, np.arange(n_tasks))
    order = np.argsort(values, kind="stable")
    return order, np.diff(values[order])


def task_times(times: Any, labels: np.ndarray) -> np.ndarray:
    """Return the times of the tasks with these labels.

    Parameters
    ----------
    times : array-like of shape (n_tasks,) or mapping
        One number a task in the order of the tasks; or a mapping or series by label,
        which may hold more tasks.
    labels : ndarray of shape (n_tasks,)
        Task labels.

    Returns
    -------
    values : ndarray of shape (n_tasks,)
        The times.

    Raises
    ------
    ValueError
        If tasks have no time, or two have the same.
    """
    tasks = labels.tolist()
    if hasattr(times, "items"):
        times = task_entries(dict(times.items()), labels, "times")
    try:
        values = np.asarray(times, dtype=float)
    except (TypeError, ValueError):
        msg = "times must be numbers: for dates give, say, days since the first."
        raise ValueError(msg) from None
    if values.shape != (len(tasks),):
        msg = (
            f"times has shape {values.shape}, but there are {len(tasks)} tasks. Give "
            "one number a task, or a dict by task label (which also fits a fold that "
            "misses a task)."
        )
        raise ValueError(msg)
    if not np.isfinite(values).all():
        task = tasks[int(np.argmin(np.isfinite(values)))]
        msg = f"times has no finite number for task {task!r}."
        raise ValueError(msg)
    order = np.argsort(values, kind="stable")
    same = np.flatnonzero(np.diff(values[order]) == 0)
    if len(same):
        a, b = (tasks[order[k]] for k in (same[0], same[0] + 1))
        msg = f"times has the same number for the tasks {a!r} and {b!r}."
        raise ValueError(msg)
    return values


def require_order(name: str, ordered: bool) -> None:
    """Raise a ValueError if the order of the tasks is that of sorted text."""
    if not ordered:
        msg = (
            f"{name} depends on the order of the tasks, and their labels are text, "
            "sorted alphabetically. Give the order: task_order=[...], times= by label, "
            "a categorical task column, or labels that are numbers."
        )
        raise ValueError(msg)
