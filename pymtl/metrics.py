"""Metrics by task and their averages, also as scorers that see the task column."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn import metrics as sk
from sklearn.utils import check_consistent_length, column_or_1d

from .tasks import encode_tasks, is_lists, read_task_column

__all__ = ["METRICS", "get_scorer", "get_scorer_names", "multitask_score"]

AVERAGES = ("macro", "weighted", "pooled")


def _normalized_mse(y, z, sample_weight=None):
    return 1.0 - sk.r2_score(y, z, sample_weight=sample_weight)


def _averaged_mse(y, z, sample_weight=None):
    square = np.average(np.square(y, dtype=float), weights=sample_weight)
    return sk.mean_squared_error(y, z, sample_weight=sample_weight) / square


def _roc_auc(y, z, sample_weight=None):
    z = np.asarray(z)
    if z.ndim == 2 and z.shape[1] == 2:
        z = z[:, 1]
    return sk.roc_auc_score(y, z, sample_weight=sample_weight, multi_class="ovr")


def _f1(y, z, sample_weight=None, classes=()):
    kind = {"average": "macro", "labels": classes}
    if len(classes) <= 2:
        kind = {"average": "binary", "pos_label": classes[-1]}
    return sk.f1_score(y, z, sample_weight=sample_weight, zero_division=0.0, **kind)


def _balanced_accuracy(y, z, sample_weight=None):
    # the mean recall over the classes of y; scikit-learn's warns of further ones in z
    return sk.recall_score(
        y,
        z,
        labels=np.unique(y),
        average="macro",
        sample_weight=sample_weight,
        zero_division=0.0,
    )


METRICS: dict[str, Callable] = {
    "r2": sk.r2_score,
    "mse": sk.mean_squared_error,
    "rmse": sk.root_mean_squared_error,
    "nmse": _normalized_mse,
    "amse": _averaged_mse,
    "accuracy": sk.accuracy_score,
    "balanced_accuracy": _balanced_accuracy,
    "f1": _f1,
    "roc_auc": _roc_auc,
}
ERRORS = ("mse", "rmse", "nmse", "amse")
VARYING = ("r2", "nmse", "roc_auc")  # undefined where y is constant
EXPLAINED = {
    "explained_variance_pooled": ("r2", "pooled"),
    "explained_variance_within": ("r2", "weighted"),
}


def multitask_score(
    metric: str | Callable,
    y_true: Any,
    y_pred: Any,
    *,
    task: Any = None,
    sample_weight: Any = None,
    average: str | None = "macro",
) -> float | np.ndarray:
    r"""Return a metric of each task, or its average over the tasks.

    With :math:`\bar y_t` the mean of the task's true targets, the metrics of a task are

    .. math:: \text{mse} = \tfrac{1}{n_t} \sum_i (y_i - z_i)^2, \quad
              \text{rmse} = \sqrt{\text{mse}}, \quad
              \text{nmse} = \frac{\sum_i (y_i - z_i)^2}{\sum_i (y_i - \bar y_t)^2}
              = 1 - \text{r2}, \quad
              \text{amse} = \frac{\sum_i (y_i - z_i)^2}{\sum_i y_i^2},

    and scikit-learn's accuracy, balanced accuracy, F1 and area under the ROC curve.

    Parameters
    ----------
    metric : str or callable
        A name of `METRICS`, "explained_variance_pooled", "explained_variance_within",
        or a function ``metric(y_true, y_pred, sample_weight=None)``.
    y_true : list or dict of array-like, or array-like
        True targets in the form of a door: a (n_t,) vector a task, (n_samples,), or
        (n_samples, n_tasks), where NaN is "not observed".
    y_pred : same form as y_true
        Predictions; for "roc_auc" scores, or probabilities of the second class.
    task : array-like of shape (n_samples,) or None, default=None
        The task of each row of a long table. None takes a 1-d y as one task.
    sample_weight : same form as y_true, or array-like (n_samples,), default=None
        Weights of the samples.
    average : {"macro", "weighted", "pooled"} or None, default="macro"
        "macro" is the mean over the tasks, "weighted" the mean weighted by the tasks'
        numbers of samples (or sums of weights), "pooled" the metric of all samples
        together, as if there were one task. None returns one number a task.

    Returns
    -------
    score : float or ndarray of shape (n_tasks,)
        The average, or the metric of each task: in the order of lists and columns, for
        a long table in sorted order of the labels.

    Raises
    ------
    ValueError
        If the metric or the average is not known, or the forms do not fit together.

    See Also
    --------
    get_scorer : The same as scorers for scikit-learn's tools.

    Notes
    -----
    A metric that a task does not define is NaN there and left out of the averages: r2,
    nmse and the area under the curve where the true targets are constant (so also for
    one sample), amse where they are all zero. Where no task defines it the average is
    NaN. An area under the curve of a task, in contrast to the pooled one, is not
    touched by what distinguishes the tasks.

    The literature on the London schools calls two numbers "explained variance".
    "explained_variance_pooled" compares with the variance of all targets, so that what
    is explained of the differences between the tasks counts (average="pooled" of r2).
    "explained_variance_within" compares with the variance within each task, averaged
    by size (average="weighted" of r2). On the schools they differ by 15 points.

    References
    ----------
    A. Argyriou, T. Evgeniou and M. Pontil (2008). Convex multi-task feature learning.
    Machine Learning.

    P. Gong, J. Ye and C. Zhang (2012). Robust multi-task feature learning. KDD.

    Examples
    --------
    >>> from pymtl.metrics import multitask_score
    >>> y_true = [[1.0, 2.0, 3.0], [10.0, 20.0]]
    >>> y_pred = [[1.0, 2.0, 2.0], [10.0, 20.0]]
    >>> multitask_score("r2", y_true, y_pred, average=None)
    array([0.5, 1. ])
    >>> multitask_score("r2", y_true, y_pred)
    0.75
    >>> multitask_score("explained_variance_within", y_true, y_pred)
    0.7
    """
    if metric in EXPLAINED:
        metric, average = EXPLAINED[metric]
    if average is not None and average not in AVERAGES:
        msg = f"average must be one of {AVERAGES} or None, got {average!r}."
        raise ValueError(msg)
    ys, zs, ws = _by_task(y_true, y_pred, task, sample_weight)
    if average == "pooled":
        ys, zs, ws = [[np.concatenate(part)] for part in (ys, zs, ws)]
    score, undefined = _function(metric, ys)
    scores = np.array(
        [
            np.nan if undefined(y) else score(y, z, sample_weight=w)
            for y, z, w in zip(ys, zs, ws, strict=True)
        ]
    )
    if average is None:
        return scores
    size = np.array([w.sum() if average == "weighted" else 1.0 for w in ws])
    seen = ~np.isnan(scores)
    return float(np.average(scores[seen], weights=size[seen])) if seen.any() else np.nan


def get_scorer_names() -> list[str]:
    """Return the names of the multi-task scorers.

    Returns
    -------
    names : list of str
        ``task_<metric>_<average>``, with ``neg_`` before errors, for the metrics of
        `METRICS` and the averages "macro", "weighted" and "pooled"; and the two
        explained variances.

    Examples
    --------
    >>> from pymtl.metrics import get_scorer_names
    >>> [name for name in get_scorer_names() if "rmse" in name]
    ['neg_task_rmse_macro', 'neg_task_rmse_weighted', 'neg_task_rmse_pooled']
    """
    return list(_scorers())


def get_scorer(scoring: str | Callable) -> Callable:
    """Return a scorer, to be called with an estimator, X and y.

    A multi-task scorer finds the task of each row through the form of X and the
    `task_column` of the estimator, behind a search or at the end of a pipeline too, so
    that it serves `cross_validate` and `GridSearchCV` on the long table.

    Parameters
    ----------
    scoring : str or callable
        A name of :func:`get_scorer_names`, a name of scikit-learn's scorers, or a
        scorer, which is returned as it is.

    Returns
    -------
    scorer : callable
        ``scorer(estimator, X, y, sample_weight=None)``; greater is better.

    Raises
    ------
    ValueError
        If there is no such name.

    See Also
    --------
    multitask_score : The metrics.

    Examples
    --------
    >>> from sklearn.model_selection import cross_val_score
    >>> from pymtl import MultiTaskMeanRegressor, TaskKFold, stack_tasks
    >>> from pymtl.datasets import make_multitask_regression
    >>> from pymtl.metrics import get_scorer
    >>> problem = make_multitask_regression(structure="mean", random_state=0)
    >>> X, y = stack_tasks(problem.Xs, problem.ys)
    >>> model = MultiTaskMeanRegressor(task_column=0)
    >>> scorer = get_scorer("task_r2_macro")
    >>> scores = cross_val_score(model, X, y, cv=TaskKFold(3), scoring=scorer)
    >>> bool(scores.min() > 0.5)
    True
    """
    if callable(scoring):
        return scoring
    known = _scorers()
    if scoring in known:
        return TaskScorer(scoring, *known[scoring])
    if scoring in sk.get_scorer_names():
        return sk.get_scorer(scoring)
    msg = (
        f"{scoring!r} is not a scorer. Multi-task scorers are {get_scorer_names()}; "
        "all names of sklearn.metrics.get_scorer_names() are known too."
    )
    raise ValueError(msg)


class TaskScorer:
    """A metric by task, averaged, as a scorer.

    Parameters
    ----------
    name : str
        Name of the scorer.
    metric : str
        Name of the metric.
    average : {"macro", "weighted", "pooled"}
        The average.
    """

    def __init__(self, name, metric, average):
        self.name = name
        self.metric = metric
        self.average = average

    def __repr__(self):
        return f"get_scorer({self.name!r})"

    def __call__(self, estimator, X, y, sample_weight=None):
        z = _response(estimator, X, self.metric)
        task = None if is_lists(X) or _n_dim(y) == 2 else tasks_of_rows(estimator, X)
        score = multitask_score(
            self.metric,
            y,
            z,
            task=task,
            sample_weight=sample_weight,
            average=self.average,
        )
        return -score if self.metric in ERRORS else score


def _scorers():
    """Return the metric and the average of each named scorer."""
    sign = {m: "neg_" if m in ERRORS else "" for m in METRICS}
    by_task = {f"{sign[m]}task_{m}_{a}": (m, a) for m in METRICS for a in AVERAGES}
    return EXPLAINED | by_task


def _function(metric, ys):
    """Return the metric of one task, and whether targets leave it undefined."""
    if callable(metric):
        return metric, lambda y: len(y) == 0
    if metric not in METRICS:
        msg = f"metric must be one of {[*METRICS, *EXPLAINED]}, got {metric!r}."
        raise ValueError(msg)
    score = METRICS[metric]
    if metric == "f1":
        classes = np.unique(np.concatenate(ys))
        return lambda y, z, sample_weight: _f1(y, z, sample_weight, classes), _is_empty
    if metric in VARYING:
        return score, lambda y: len(np.unique(y)) < 2
    if metric == "amse":
        return score, lambda y: not np.any(y)
    return score, _is_empty


def _is_empty(y):
    return len(y) == 0


def _by_task(y, z, task, sample_weight):
    """Return the true targets, predictions and weights of each task."""
    if isinstance(y, dict) or (isinstance(y, list | tuple) and y and np.ndim(y[0])):
        return _by_item(y, z, sample_weight)
    y, z = np.asarray(y), np.asarray(z)
    w = np.ones(len(y)) if sample_weight is None else np.asarray(sample_weight, float)
    check_consistent_length(y, z, w)
    if y.ndim == 2:
        if y.shape[1:] != z.shape[1:2]:
            msg = f"y_true has shape {y.shape}, y_pred has shape {z.shape}."
            raise ValueError(msg)
        w = np.broadcast_to(w if w.ndim == 2 else w[:, None], y.shape)
        seen = [np.flatnonzero(y[:, t] == y[:, t]) for t in range(y.shape[1])]
        return [[part[i, t] for t, i in enumerate(seen)] for part in (y, z, w)]
    y = column_or_1d(y)
    rows = [np.arange(len(y))]
    if task is not None:
        check_consistent_length(y, task)
        labels, index = encode_tasks(np.asarray(task))
        rows = [np.flatnonzero(index == t) for t in range(len(labels))]
    return [[part[i] for i in rows] for part in (y, z, w)]


def _by_item(y, z, sample_weight):
    keys = list(y) if isinstance(y, dict) else range(len(y))
    parts = [y, z] if sample_weight is None else [y, z, sample_weight]
    for part, name in zip(parts, ("y_true", "y_pred", "sample_weight"), strict=False):
        same = set(part) == set(keys) if isinstance(part, dict) else None
        if same is False or (same is None and len(part) != len(keys)):
            msg = f"{name} has {len(part)} tasks, y_true has {len(keys)}: {list(keys)}."
            raise ValueError(msg)
    keyed = [isinstance(part, dict) for part in parts]
    if any(keyed) and not all(keyed):
        msg = "y_true and y_pred must both be dicts by task, or both be lists."
        raise ValueError(msg)
    ys, zs = ([np.asarray(part[k]) for k in keys] for part in (y, z))
    ws = [np.ones(len(v)) for v in ys]
    if sample_weight is not None:
        ws = [np.asarray(sample_weight[k], dtype=float) for k in keys]
    for key, *vectors in zip(keys, ys, zs, ws, strict=True):
        if len({len(v) for v in vectors}) > 1:
            msg = f"Task {key!r}: lengths {[len(v) for v in vectors]} do not agree."
            raise ValueError(msg)
    return [ys, zs, ws]


def _n_dim(y):
    return len(getattr(y, "shape", ()))


def _response(estimator, X, metric):
    if metric != "roc_auc":
        return estimator.predict(X)
    if hasattr(estimator, "decision_function"):
        return estimator.decision_function(X)
    return estimator.predict_proba(X)


def tasks_of_rows(estimator, X):
    """Return the task of each row, None where the estimator has no task column."""
    for name in ("best_estimator_", "estimator_", "estimator"):
        if not hasattr(estimator, "task_column") and hasattr(estimator, name):
            return tasks_of_rows(getattr(estimator, name), X)
    if hasattr(estimator, "steps"):
        before = estimator[:-1]
        X = before.transform(X) if len(before) else X
        return tasks_of_rows(estimator.steps[-1][1], X)
    column = getattr(estimator, "task_column", None)
    return None if column is None else read_task_column(X, column)
