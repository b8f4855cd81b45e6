"""What a model has learned of the tasks, and how sure it is."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from itertools import combinations
from numbers import Integral
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_scalar
from sklearn.utils.validation import check_is_fitted

from .comparison import sample_losses
from .linear_model import MultiTaskMeanRegressor
from .model_selection import TaskKFold
from .tasks import is_lists, split_tasks
from .tasks._stack import items_of, vectors

__all__ = ["TaskGroups", "group_tasks", "task_affinity", "task_similarity"]

EXACT = 8


def task_similarity(estimator: Any, method: str = "auto") -> np.ndarray:
    r"""Return how alike the tasks of a fitted model are.

    Parameters
    ----------
    estimator : estimator
        A fitted estimator or search.
    method : {"auto", "learned", "coef"}, default="auto"
        "learned" is what the structure has learned: the task correlations of
        `Relationship`, or the cluster matrix M of `Clustered`, as
        :math:`M_{st} / \sqrt{M_{ss} M_{tt}}`. "coef" is :math:`w_s^\top w_t / (\|w_s\|
        \|w_t\|)`, the correlation of the coefficients about zero. "auto" is "learned"
        where there is such a matrix.

    Returns
    -------
    similarity : ndarray of shape (n_tasks, n_tasks)
        Numbers between -1 and 1, in the order of `tasks_`; 1 on the diagonal. A task
        whose coefficients are zero is like no other, 0.

    Raises
    ------
    ValueError
        If the model has learned no such matrix, or tasks differ in their classes.

    See Also
    --------
    task_affinity : Whether training together helps, which likeness need not.

    Examples
    --------
    >>> import numpy as np
    >>> from pymtl import MultiTaskMeanRegressor, task_similarity
    >>> X = np.eye(4)
    >>> Y = np.array([[1, 2, -1], [0, 0, 0], [1, 2, -1], [0, 0, 0]])
    >>> model = MultiTaskMeanRegressor(0.0, fit_intercept=False).fit(X, Y)
    >>> task_similarity(model).round(2)
    array([[ 1.,  1., -1.],
           [ 1.,  1., -1.],
           [-1., -1.,  1.]])
    """
    estimator = getattr(estimator, "best_estimator_", estimator)
    check_is_fitted(estimator, "coef_")
    if method not in ("auto", "learned", "coef"):
        msg = f"method must be 'auto', 'learned' or 'coef', got {method!r}."
        raise ValueError(msg)
    names = ("task_correlation_", "cluster_matrix_")
    learned = [getattr(estimator, n) for n in names if hasattr(estimator, n)]
    if method == "learned" and not learned:
        msg = (
            f"{type(estimator).__name__} learns no matrix of the tasks: use "
            "method='coef'."
        )
        raise ValueError(msg)
    if learned and method != "coef":
        return _correlation(learned[0])
    if len({np.shape(w) for w in estimator.coef_}) > 1:
        msg = "The tasks have different numbers of classes: their coef_ do not compare."
        raise ValueError(msg)
    coef = np.asarray(estimator.coef_, dtype=float)
    coef = coef.reshape(len(coef), -1)
    return _correlation(coef @ coef.T)


def task_affinity(
    X: Any,
    y: Any,
    estimator: Any = None,
    *,
    task_column: int | str | None = None,
    cv: int = 5,
    random_state: int | np.random.RandomState | None = None,
    n_jobs: int | None = None,
) -> np.ndarray:
    r"""Return what each task gains from training with each other one.

    .. math:: A_{st} = 1 - \frac{\ell_s(\{s, t\})}{\ell_s(\{s\})}

    with :math:`\ell_s(S)` the cross-validated loss on task s of the model fitted to the
    tasks S.

    Parameters
    ----------
    X, y : object
        Training data through any door.
    estimator : estimator or None, default=None
        An estimator of this package, or a search of one. By default
        ``MultiTaskMeanRegressor(lambda2="auto")``, ridge for a task alone.
    task_column : int, str or None, default=None
        The column of a long table that names the task.
    cv : int, default=5
        Number of folds inside every task, the same for all fits.
    random_state : int, RandomState instance or None, default=None
        Seed of the folds.
    n_jobs : int or None, default=None
        Number of pairs at a time, through joblib.

    Returns
    -------
    affinity : ndarray of shape (n_tasks, n_tasks)
        Row s is what task s gains, column t is what task t gives; 0 on the diagonal.
        It need not be symmetric: a task with few samples gains from one with many.

    See Also
    --------
    group_tasks : Which tasks to train together.

    References
    ----------
    T. Standley, A. Zamir, D. Chen, L. Guibas, J. Malik and S. Savarese (2020). Which
    tasks should be learned together in multi-task learning? ICML.

    Examples
    --------
    >>> from pymtl import task_affinity
    >>> from pymtl.datasets import make_multitask_regression
    >>> data = make_multitask_regression(
    ...     n_tasks=4, n_samples=20, structure="clustered", n_clusters=2,
    ...     deviation=0.0, random_state=0,
    ... )
    >>> affinity = task_affinity(data.Xs, data.ys)
    >>> same = data.cluster_labels[:, None] == data.cluster_labels
    >>> bool(affinity[same].mean() > affinity[~same].mean())
    True
    """
    trials = Trials(X, y, estimator, task_column, cv, random_state, n_jobs)
    T = len(trials.labels)
    trials.run([(s,) for s in range(T)] + list(combinations(range(T), 2)))
    affinity = np.zeros((T, T))
    for s, t in combinations(range(T), 2):
        affinity[s, t], affinity[t, s] = trials.gain((s, t))
    return affinity


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


class Trials:
    """Cross-validated losses of a model fitted to subsets of the tasks.

    Parameters
    ----------
    X, y, estimator, task_column, cv, random_state, n_jobs : object
        As in :func:`task_affinity`.
    """

    def __init__(self, X, y, estimator, task_column, cv, random_state, n_jobs):
        check_scalar(cv, "cv", Integral, min_val=2)
        if estimator is None:
            estimator = MultiTaskMeanRegressor(lambda2="auto")
        self.Xs, self.ys, self.labels = as_lists(X, y, task_column)
        self.estimator, self.n_jobs = clone(estimator), n_jobs
        task = np.repeat(np.arange(len(self.ys)), [len(v) for v in self.ys])
        folds = TaskKFold(cv, shuffle=True, random_state=random_state)
        fold = np.full(len(task), -1)
        for k, (_, test) in enumerate(folds.split(task[:, None], None)):
            fold[test] = k
        self.folds = np.split(fold, np.cumsum(np.bincount(task))[:-1])
        self.known: dict[tuple, np.ndarray] = {}

    def run(self, subsets) -> None:
        """Fit the model to subsets of the tasks that it was not fitted to before."""
        new = [s for s in subsets if s not in self.known]
        jobs = (delayed(self.losses)(subset) for subset in new)
        found = Parallel(n_jobs=self.n_jobs)(jobs)
        missed = sum(miss for _, miss in found)
        self.known |= {s: loss for s, (loss, _) in zip(new, found, strict=True)}
        if missed:
            warnings.warn(
                f"{missed} of {len(new)} subsets of the tasks had fits that did not "
                "reach their tolerance. Raise max_iter or tol of the estimator.",
                ConvergenceWarning,
                stacklevel=4,
            )

    def losses(self, subset):
        """Return the losses of the tasks of a subset, and whether a fit missed."""
        total = np.zeros(len(subset))
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", ConvergenceWarning)
            for k in range(max(fold.max() for fold in self.folds) + 1):
                train = {t: self.folds[t] != k for t in subset}
                Xs = {t: self.Xs[t][rows] for t, rows in train.items()}
                ys = {t: self.ys[t][rows] for t, rows in train.items()}
                model = clone(self.estimator).fit(Xs, ys)
                for place, t in enumerate(subset):
                    test = ~train[t]
                    if test.any():
                        held = {t: self.Xs[t][test]}, {t: self.ys[t][test]}
                        total[place] += sample_losses(model, *held).sum()
        missed = any(issubclass(w.category, ConvergenceWarning) for w in caught)
        return total, missed

    def gain(self, subset) -> np.ndarray:
        """Return what the tasks of a subset gain over each of them alone."""
        self.run([(t,) for t in subset] + [subset])
        alone = np.concatenate([self.known[(t,)] for t in subset])
        ratio = np.divide(
            self.known[subset], alone, out=np.ones(len(subset)), where=alone > 0
        )
        return 1 - ratio


def as_lists(X: Any, y: Any, task_column: int | str | None = None) -> tuple:
    """Return lists of the tasks' rows and targets, and the labels, of any door."""
    if task_column is not None:
        return split_tasks(X, y, task_column)
    if is_lists(X):
        Xs, labels, keyed = items_of(X, "X")
        Xs = [x if hasattr(x, "toarray") else np.asarray(x) for x in Xs]
        ys = vectors(y, labels, [x.shape[0] for x in Xs], keyed, "y")
        return Xs, ys, np.array(labels)
    X, Y = X if hasattr(X, "toarray") else np.asarray(X), np.asarray(y)
    if Y.ndim != 2:
        msg = (
            "The tasks are not to be seen: pass lists of tasks, a 2-d y, or "
            "task_column= with a long table."
        )
        raise ValueError(msg)
    seen = [column == column for column in Y.T]
    Xs = [X[rows] for rows in seen]
    ys = [column[rows] for column, rows in zip(Y.T, seen, strict=True)]
    return Xs, ys, np.arange(Y.shape[1])


def _correlation(matrix):
    """Return a positive semi-definite matrix scaled to ones on its diagonal."""
    std = np.sqrt(np.maximum(np.diag(matrix), 0.0))
    scale = np.divide(1.0, std, out=np.zeros_like(std), where=std > 0)
    scaled = np.clip(matrix * scale * scale[:, None], -1.0, 1.0)
    np.fill_diagonal(scaled, 1.0)
    return scaled


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
