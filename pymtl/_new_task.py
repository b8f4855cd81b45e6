"""A task that was not in training, with the learned structure held fixed."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.utils import check_array
from sklearn.utils.validation import check_is_fitted

from .penalties._base import Prior, split_quadratic, summands


def fit_new_task(estimator: Any, X: Any, y: Any, sample_weight: Any = None) -> Any:
    """Return the model of a new task, see :meth:`MultiTaskBase.fit_new_task`."""
    check_is_fitted(estimator)
    _refuse(estimator)
    names = list(X.columns) if hasattr(X, "columns") else None
    if names is not None and names != list(estimator.coef_names_):
        msg = (
            f"The columns of the new task are {names}, those of training were "
            f"{list(estimator.coef_names_)}: give the same, without a task column."
        )
        raise ValueError(msg)
    array = check_array(X, accept_sparse="csr")
    d = estimator.coef_.shape[1]
    if array.shape[1] != d:
        msg = (
            f"X of the new task has {array.shape[1]} features, the model has {d} (the "
            "task column is not one)."
        )
        raise ValueError(msg)
    if not any(part.sharing for part in summands(estimator.penalty_)) and (
        estimator._pool(2) is None
    ):
        strengths = {
            name: getattr(estimator, f"{name}_")
            for part in summands(estimator.penalty_)
            for name in part.strengths
        }
        alone = clone(estimator).set_params(task_column=None, **strengths)
        return alone.fit(X, y, sample_weight=sample_weight)
    mean, basis, precision = _prior(estimator)
    offset = array @ mean
    Z = array if basis is None else array @ basis
    n_directions = Z.shape[1]
    fit_intercept = estimator.fit_intercept
    centre = 0.0
    if fit_intercept in ("shared", "shrink"):
        centre, fit_intercept = float(estimator.intercept_.mean()), False
        if estimator.fit_intercept == "shrink":
            T = len(estimator.tasks_)
            ones = np.ones((Z.shape[0], 1))
            Z = np.hstack([Z.toarray() if hasattr(Z, "toarray") else Z, ones])
            precision = np.append(precision, 2 * estimator.lambda0_ * T / (T + 1))
    new = _ridge(estimator, Z, precision, fit_intercept)
    if Z.shape[1]:
        new.fit(Z, y, sample_weight=sample_weight, offset=offset + centre)
    else:  # nothing is free but the intercept
        zero = np.zeros((Z.shape[0], 1))
        new.fit(zero, y, sample_weight=sample_weight, offset=offset + centre)
    moved = new.coef_[0, :n_directions]
    if basis is None or not n_directions:
        w = mean + (moved if n_directions and basis is None else 0.0)
    else:
        w = mean + basis @ moved
    if estimator.fit_intercept == "shrink":
        centre += new.coef_[0, -1]
    new.coef_ = w[None].astype(new.coef_.dtype)
    new.intercept_ = new.intercept_ + np.asarray(centre, dtype=new.intercept_.dtype)
    new.coef_names_ = estimator.coef_names_
    new.n_features_in_ = d
    new._n_coef = d
    new.prior_mean_ = mean
    if names is not None:
        new.feature_names_in_ = np.array(names, dtype=object)
        new._feature_names = names
    return new


def _refuse(estimator):
    """Raise an error for models whose new tasks have no such fit."""
    name = type(estimator).__name__
    if not (is_classifier(estimator) or is_regressor(estimator)):
        msg = f"{name}: fit_new_task is for regressors and classifiers."
        raise ValueError(msg)
    if estimator.feature_weight is not None:
        msg = f"{name}: fit_new_task does not take feature_weight."
        raise ValueError(msg)
    if getattr(estimator, "positive", False):
        msg = f"{name}: fit_new_task does not take positive=True."
        raise ValueError(msg)
    if np.ndim(estimator.coef_) != 2 or isinstance(estimator.coef_, list):
        msg = f"{name}: fit_new_task is for two classes, the model has more."
        raise ValueError(msg)


def _prior(estimator):
    """Return mean, basis and precisions of what is known of a new task's w.

    The penalty of ``w = mean + basis v`` is ``½ sum(precision v²)``.
    """
    W = np.asarray(estimator.coef_, dtype=float).T
    d, T = W.shape
    if estimator._pool(T) is not None:
        return W.mean(axis=1), np.zeros((d, 0)), np.zeros(0)
    try:
        matrix, _ = split_quadratic(estimator.penalty_, T + 1)
    except ValueError as error:
        msg = (
            f"{type(estimator).__name__}: a new task has no place in the structure, "
            "which is given for the tasks of training."
        )
        raise ValueError(msg) from error
    last = matrix.apply(np.eye(1, T + 1, T))[0]
    level = float(last[T])
    pull = -W @ last[:T]
    proximal = [
        part
        for part in summands(estimator.penalty_)
        if part.quadratic(T) is None and not part.is_zero
    ]
    if not proximal:
        mean = pull / level if level > 0 else np.zeros(d)
        return mean, None, np.full(d, level)
    prior: Prior = proximal[0].new_task(W)
    precision = prior.precision + level
    # where both are flat the pull is zero
    step = prior.basis.T @ (pull - level * prior.mean)
    step = np.divide(step, precision, out=np.zeros_like(step), where=precision > 0)
    return prior.mean + prior.basis @ step, prior.basis, precision


def _ridge(estimator, Z, precision, fit_intercept):
    """Return the single-task model with a precision for each column of Z."""
    from .linear_model import SingleTaskClassifier, SingleTaskRegressor

    classes = (SingleTaskRegressor, SingleTaskClassifier)
    cls = classes[is_classifier(estimator)]
    names = cls().get_params()
    same = {n: v for n, v in estimator.get_params(deep=False).items() if n in names}
    same |= {"fit_intercept": fit_intercept, "task_column": None, "task_order": None}
    same |= {"lambda2": 0.5 if np.any(precision > 0) else 0.0, "solver": "auto"}
    if "loss" not in same:
        same["loss"] = estimator._loss()
    if not isinstance(estimator.task_weight, str):
        same["task_weight"] = None
    if np.any(precision > 0):
        same["feature_weight"] = precision
    return cls(**same)
