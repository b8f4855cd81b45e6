"""Fits to samples of the rows of each task."""

from __future__ import annotations

import warnings
from numbers import Real

import numpy as np
from sklearn.base import is_classifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_scalar

from ..tasks import encode_tasks, is_lists, read_task_column
from ..tasks._stack import items_of, vectors


def check_share(value, name, low=0):
    """Refuse what is not between `low` and 1."""
    bounds = {"min_val": low, "max_val": 1, "include_boundaries": "neither"}
    check_scalar(value, name, Real, **bounds)


def strata_of(estimator, X, y):
    """Return the stratum of each row, and what brings weights into the door's form.

    A stratum is a task, for classifiers a label of a task.
    """
    labels = is_classifier(estimator)
    if is_lists(X):
        Xs, names, keyed = items_of(X, "X")
        ys = vectors(y, names, [x.shape[0] for x in Xs], keyed, "y")
        task = np.repeat(np.arange(len(ys)), [len(v) for v in ys])
        cuts = np.cumsum(np.bincount(task))[:-1]

        def pack(weight):
            parts = np.split(weight, cuts)
            return dict(zip(names, parts, strict=True)) if keyed else parts

        return _crossed(task, np.concatenate(ys) if labels else None), pack
    task = np.zeros(np.shape(y)[0], dtype=int)
    if estimator.task_column is not None:
        task = encode_tasks(read_task_column(X, estimator.task_column))[1]
    return _crossed(task, y if labels and np.ndim(y) == 1 else None), np.asarray


def _crossed(task, y):
    """Return the numbers of the pairs of task and label."""
    if y is None:
        return task
    _, code = np.unique(np.asarray(y), return_inverse=True)
    return np.unique(task * (code.max() + 1) + code, return_inverse=True)[1]


def rows_of(strata):
    """Return the rows of each stratum."""
    order = np.argsort(strata, kind="stable")
    return np.split(order, np.cumsum(np.bincount(strata))[:-1])


def quietly(function):
    """Return what a function returns, and whether a fit in it missed its tolerance."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ConvergenceWarning)
        result = function()
    return result, any(issubclass(w.category, ConvergenceWarning) for w in caught)


def warn_of_misses(missed, n):
    """Warn of the samples whose fits missed their tolerance."""
    if missed:
        warnings.warn(
            f"{missed} of {n} samples had fits that did not reach their tolerance. "
            "Raise max_iter or tol of the estimator, or its strengths.",
            ConvergenceWarning,
            stacklevel=3,
        )
