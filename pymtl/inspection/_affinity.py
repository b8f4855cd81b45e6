"""What tasks gain from training together."""

from __future__ import annotations

import warnings
from itertools import combinations
from numbers import Integral
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_scalar

from .._sklearn import safe_indexing
from .._wrapped import final_of
from ..linear_model import MultiTaskMeanRegressor
from ..model_selection import TaskKFold
from ..model_selection._measures import sample_losses
from ..tasks import encode_tasks, is_lists, read_task_column, split_tasks
from ..tasks._stack import items_of, vectors
from ._resampling import quietly


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
        An estimator of this package, a search of one, or a pipeline that ends with
        one. By default ``MultiTaskMeanRegressor(lambda2="auto")``, ridge for a task
        alone. One with a task column is fitted to rows of the table, others to lists.
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
        self.estimator, self.n_jobs = clone(estimator), n_jobs
        own = final_of(estimator).task_column
        self.table = own is not None and not is_lists(X)
        if self.table:
            column = own if task_column is None else task_column
            self.X, self.y = X if hasattr(X, "shape") else np.asarray(X), np.asarray(y)
            self.labels, task = encode_tasks(read_task_column(X, column))
            order = np.argsort(task, kind="stable")
            self.rows = np.split(order, np.cumsum(np.bincount(task))[:-1])
            sizes = [len(rows) for rows in self.rows]
        else:
            self.Xs, self.ys, self.labels = as_lists(X, y, task_column)
            sizes = [len(v) for v in self.ys]
        task = np.repeat(np.arange(len(sizes)), sizes)
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
        return quietly(lambda: self._losses(subset))

    def _losses(self, subset):
        total = np.zeros(len(subset))
        for k in range(max(fold.max() for fold in self.folds) + 1):
            train = {t: self.folds[t] != k for t in subset}
            model = clone(self.estimator).fit(*self.take(train))
            for place, t in enumerate(subset):
                test = ~train[t]
                if test.any():
                    held = self.take({t: test})
                    total[place] += sample_losses(model, *held).sum()
        return total

    def take(self, rows) -> tuple:
        """Return the data of some rows {task: mask} of the tasks."""
        if self.table:
            index = np.sort(np.concatenate([self.rows[t][m] for t, m in rows.items()]))
            return safe_indexing(self.X, index), self.y[index]
        Xs = {t: self.Xs[t][mask] for t, mask in rows.items()}
        return Xs, {t: self.ys[t][mask] for t, mask in rows.items()}

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
