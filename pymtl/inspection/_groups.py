"""Partitions of the tasks."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from ._affinity import Trials

EXACT = 8


@dataclass
class TaskGroups:
    """A partition of the tasks, see :func:`group_tasks`.

    Parameters
    ----------
    groups : list of list
        Labels of the tasks of each group.
    labels : ndarray of shape (n_tasks,)
        Number of the group of each task.
    gain : float
        Mean over the tasks of what they gain over training alone.
    task_gain : ndarray of shape (n_tasks,)
        What each task gains.
    method : {"exact", "greedy"}
        How the partition was found.
    """

    groups: list[list]
    labels: np.ndarray
    gain: float
    task_gain: np.ndarray
    method: str


def group_tasks(
    X: Any,
    y: Any,
    estimator: Any = None,
    *,
    method: str = "auto",
    task_column: int | str | None = None,
    cv: int = 5,
    random_state: int | np.random.RandomState | None = None,
    n_jobs: int | None = None,
) -> TaskGroups:
    r"""Partition the tasks so that training within the groups gains the most.

    .. math:: \max_{S_1 \cup \dots \cup S_k} \frac 1T \sum_g \sum_{s \in S_g} \left(1 -
              \frac{\ell_s(S_g)}{\ell_s(\{s\})}\right)

    with the cross-validated losses of :func:`task_affinity`.

    Parameters
    ----------
    X, y : object
        Training data through any door.
    estimator : estimator or None, default=None
        The model of a group, as in :func:`task_affinity`.
    method : {"auto", "exact", "greedy"}, default="auto"
        "exact" fits every subset of the tasks and takes the best partition; "greedy"
        starts with the tasks alone and joins the two groups that gain the most by it,
        until none does. "auto" is "exact" for at most 8 tasks.
    task_column : int, str or None, default=None
        The column of a long table that names the task.
    cv : int, default=5
        Number of folds inside every task.
    random_state : int, RandomState instance or None, default=None
        Seed of the folds.
    n_jobs : int or None, default=None
        Number of subsets at a time, through joblib.

    Returns
    -------
    groups : TaskGroups
        The partition, its gains and the method.

    See Also
    --------
    task_affinity : The gains of pairs.

    Notes
    -----
    The gain is the largest of many on the same folds, so it promises too much. What a
    partition is worth shows on other data.

    References
    ----------
    T. Standley, A. Zamir, D. Chen, L. Guibas, J. Malik and S. Savarese (2020). Which
    tasks should be learned together in multi-task learning? ICML.

    Examples
    --------
    >>> from pymtl import group_tasks
    >>> from pymtl.datasets import make_multitask_regression
    >>> data = make_multitask_regression(
    ...     n_tasks=4, n_samples=20, structure="clustered", n_clusters=2,
    ...     deviation=0.0, random_state=0,
    ... )
    >>> found = group_tasks(data.Xs, data.ys)
    >>> found.method, sorted(len(group) for group in found.groups)
    ('exact', [2, 2])
    """
    if method not in ("auto", "exact", "greedy"):
        msg = f"method must be 'auto', 'exact' or 'greedy', got {method!r}."
        raise ValueError(msg)
    trials = Trials(X, y, estimator, task_column, cv, random_state, n_jobs)
    T = len(trials.labels)
    if method == "auto":
        method = "exact" if T <= EXACT else "greedy"
    parts = _best_partition(trials) if method == "exact" else _joined(trials)
    parts = sorted(parts)
    labels, task_gain = np.empty(T, dtype=int), np.empty(T)
    for g, part in enumerate(parts):
        labels[list(part)] = g
        task_gain[list(part)] = trials.gain(part)
    names = trials.labels.tolist()
    groups = [[names[t] for t in part] for part in parts]
    return TaskGroups(groups, labels, float(task_gain.mean()), task_gain, method)


def _best_partition(trials):
    """Return the partition of the most gain, by the best of every subset."""
    T = len(trials.labels)
    sizes = range(1, T + 1)
    subsets = [s for size in sizes for s in combinations(range(T), size)]
    trials.run(subsets)
    best: dict[frozenset, tuple] = {frozenset(): (0.0, [])}
    for subset in subsets:  # the small ones first
        first, rest = subset[0], subset[1:]
        options = []
        for size in range(len(rest) + 1):
            for others in combinations(rest, size):
                part = (first, *others)
                value, parts = best[frozenset(subset) - set(part)]
                options.append((value + trials.gain(part).sum(), [part, *parts]))
        best[frozenset(subset)] = max(options, key=lambda option: option[0])
    return best[frozenset(range(T))][1]


def _joined(trials):
    """Return the partition that joining groups ends with."""
    parts = [(t,) for t in range(len(trials.labels))]
    trials.run(parts)
    while len(parts) > 1:
        pairs = list(combinations(parts, 2))
        trials.run([tuple(sorted(a + b)) for a, b in pairs])
        gains = [
            trials.gain(tuple(sorted(a + b))).sum()
            - trials.gain(a).sum()
            - trials.gain(b).sum()
            for a, b in pairs
        ]
        best = int(np.argmax(gains))
        if gains[best] <= 0:
            break
        a, b = pairs[best]
        parts = [part for part in parts if part not in (a, b)] + [tuple(sorted(a + b))]
    return parts
