"""Tasks at prediction that were not in fit, and of which there are no data."""

from __future__ import annotations

import warnings
from typing import Any
from weakref import WeakSet

import numpy as np

from ._sklearn import cross_validation
from .penalties._base import summands

TOLD: WeakSet = WeakSet()  # cross-validations that have warned


def with_unseen(
    estimator: Any, coef: np.ndarray, intercept: np.ndarray, rows: Any
) -> tuple[np.ndarray, np.ndarray]:
    """Return coefficients and intercepts with those of unseen tasks as the last.

    Their intercept is the mean of the tasks' finite ones, their coefficients are the
    mean of the tasks, for "structure" that of what the tasks share. Rows without unseen
    tasks leave both as they are.

    Parameters
    ----------
    estimator : estimator
        A fitted model.
    coef : ndarray of shape (n_tasks, n_features) or (n_tasks, n_classes, n_features)
        Its coefficients.
    intercept : ndarray of shape (n_tasks,) or (n_tasks, n_classes)
        Its intercepts.
    rows : TaskRows
        The rows to predict.

    Returns
    -------
    coef, intercept : ndarray
        The same, with one more entry where there are unseen tasks.

    Raises
    ------
    ValueError
        If the structure does not say where an unseen task belongs, or the tasks have
        labels of their own.
    """
    if not rows.unseen:
        return coef, intercept
    name = type(estimator).__name__
    if isinstance(getattr(estimator, "classes_", None), list):
        msg = (
            f"{name} was not fitted with {rows.unseen_tasks()}. Its tasks have classes "
            "of their own, so that those of a new one are not known: fit it with "
            "fit_new_task."
        )
        raise ValueError(msg)
    known = coef
    if estimator.unseen_task == "structure" and estimator._pool(len(coef)) is None:
        known = _shared(estimator, coef, rows)
    seen = np.isfinite(intercept)
    total = np.where(seen, intercept, 0.0).sum(axis=0)
    mean = total / np.maximum(seen.sum(axis=0), 1)
    new = known.mean(axis=0, dtype=np.float64)
    return np.concatenate([coef, new[None]]), np.concatenate([intercept, mean[None]])


def _shared(estimator, coef, rows):
    """Return the coefficients whose mean stands for a new task, and say so."""
    name, parts = type(estimator).__name__, summands(estimator.penalty_)
    parts = [part for part in parts if not part.is_zero]
    lost = [part for part in parts if part.needs_place]
    which = f"{name} was not fitted with {rows.unseen_tasks()}."
    if lost:
        msg = (
            f"{which} {type(lost[0]).__name__} needs to know where a new task belongs: "
            f"fit it with fit_new_task(X, y, {lost[0].placed_by}=...). To compare "
            "models, split the samples inside each task (cv=TaskKFold(task_column="
            "...)), or set unseen_task='mean' to predict with the mean of the tasks."
        )
        raise ValueError(msg)
    two = any(hasattr(part, "terms") for part in parts)
    folds = cross_validation()
    if folds is None or folds not in TOLD:
        what = "of the part that the tasks share" if two else "of the tasks"
        rest = (
            "" if folds is None else " Other folds may lack others: they do not warn."
        )
        warnings.warn(
            f"{which} They are predicted with the mean {what}. To keep every task in "
            "training use cv=TaskKFold(task_column=...); unseen_task='error' refuses "
            f"such rows, and 'mean' predicts them without this warning.{rest}",
            UserWarning,
            stacklevel=5,
        )
    if folds is not None:
        TOLD.add(folds)
    return estimator.shared_coef_ if two else coef
