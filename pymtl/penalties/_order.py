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


def new_steps(
    times: Any, n_tasks: int, time: float | None
) -> tuple[np.ndarray, np.ndarray]:
    """Return the tasks before and after a new one, and the gaps to them.

    Parameters
    ----------
    times : array-like of shape (n_tasks,), mapping or None
        Times of the tasks, as :func:`steps` takes them.
    n_tasks : int
        Number of tasks.
    time : float or None
        The time of the new task; None is a mean gap after the last one.

    Returns
    -------
    tasks : ndarray of shape (1,) or (2,)
        Indices of the tasks next to it.
    gaps : ndarray of the same shape
        Positive gaps to them.

    Raises
    ------
    ValueError
        If the time is no finite number, or that of a task.
    """
    order, gaps = steps(times, n_tasks)
    values = np.arange(n_tasks) if times is None else np.asarray(times, dtype=float)
    values = values[order].astype(float)
    if time is None:
        return order[-1:], np.array([gaps.mean() if len(gaps) else 1.0])
    after = int(np.searchsorted(values, time))
    if not np.isfinite(time) or (after < n_tasks and values[after] == time):
        msg = (
            f"time={time} of the new task is not finite, or a task of training has the "
            f"same; they are from {values[0]:g} to {values[-1]:g}. Give a time between "
            "two of them, before or after."
        )
        raise ValueError(msg)
    near = np.arange(max(after - 1, 0), min(after + 1, n_tasks))
    return order[near], np.abs(values[near] - time)


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
