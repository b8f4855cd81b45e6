"""A task that was not in training, with the learned structure held fixed."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.utils import check_array
from sklearn.utils.validation import check_is_fitted

from .penalties import Components, Ridge
from .penalties._base import Prior, split_quadratic, summands
from .penalties._prior import Touching


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
    proximal = [
        part
        for part in summands(estimator.penalty_)
        if part.quadratic(len(estimator.tasks_)) is None and not part.is_zero
    ]
    if proximal and (hasattr(proximal[0], "terms") or not proximal[0].sharing):
        new = _by_terms(estimator, proximal[0], array, y, sample_weight)
    else:
        new = _by_ridge(estimator, proximal, array, y, sample_weight)
    new.coef_names_ = estimator.coef_names_
    new.n_features_in_ = d
    new._n_coef = d
    if names is not None:
        new.feature_names_in_ = np.array(names, dtype=object)
        new._feature_names = names
    return new


def _by_ridge(estimator, proximal, X, y, sample_weight):
    """Fit a ridge in the directions that the structure has learned."""
    mean, basis, precision = _prior(estimator, proximal)
    Z = X if basis is None else X @ basis
    k = Z.shape[1]
    fit_intercept, centre = _intercepts(estimator)
    if estimator.fit_intercept == "shrink":
        T = len(estimator.tasks_)
        ones = np.ones((Z.shape[0], 1))
        Z = np.hstack([Z.toarray() if hasattr(Z, "toarray") else Z, ones])
        precision = np.append(precision, 2 * estimator.lambda0_ * T / (T + 1))
    new = _ridge(estimator, precision, fit_intercept)
    free = Z if Z.shape[1] else np.zeros((Z.shape[0], 1))  # of Pooled nothing is free
    new.fit(free, y, sample_weight=sample_weight, offset=X @ mean + centre)
    moved = new.coef_[0, :k] if k else np.zeros(0)
    w = mean + (moved if basis is None else basis @ moved)
    if estimator.fit_intercept == "shrink":
        centre += new.coef_[0, -1]
    new.coef_ = w[None].astype(new.coef_.dtype)
    new.intercept_ = new.intercept_ + np.asarray(centre, dtype=new.intercept_.dtype)
    new.prior_mean_ = mean
    return new


def _by_terms(estimator, part, X, y, sample_weight):
    """Fit the components of a new task, each with its penalty of one column."""
    from .linear_model import MultiTaskClassifier, MultiTaskRegressor

    matrix, _ = split_quadratic(estimator.penalty_, len(estimator.tasks_))
    if estimator.fit_intercept == "shrink" or matrix.ridge is None:
        msg = (
            f"{type(estimator).__name__}: fit_new_task takes neither shrunk intercepts "
            "nor quadratic penalties other than a ridge beside this structure."
        )
        raise ValueError(msg)
    fixed = np.zeros(X.shape[1])
    if part.sharing:
        parts = estimator.shared_coef_.T, estimator.specific_coef_.T
        columns = []
        for (B, term), U in zip(part.terms(len(estimator.tasks_)), parts, strict=True):
            if B is not None:  # the same for all tasks
                fixed += U[:, 0]
            else:
                U = np.asarray(U, dtype=float)
                columns.append(Touching(term.new_task(U)) if term.sharing else term)
        penalty = columns[0] if len(columns) == 1 else Components(*columns)
    else:
        penalty = clone(part)
    if matrix.ridge:
        penalty = penalty + Ridge(matrix.ridge / 2)
    fit_intercept, centre = _intercepts(estimator)
    cls = MultiTaskClassifier if is_classifier(estimator) else MultiTaskRegressor
    new = cls(penalty, **_same(estimator, cls, fit_intercept))
    new.fit(X, y, sample_weight=sample_weight, offset=X @ fixed + centre)
    new.coef_ = new.coef_ + fixed[None].astype(new.coef_.dtype)
    new.intercept_ = new.intercept_ + np.asarray(centre, dtype=new.intercept_.dtype)
    new.prior_mean_ = fixed
    return new


def _intercepts(estimator):
    """Return what is fitted of the intercept, and what is fixed."""
    if estimator.fit_intercept in ("shared", "shrink"):
        return False, float(estimator.intercept_.mean())
    return estimator.fit_intercept, 0.0


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


def _prior(estimator, proximal):
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
    if not proximal:
        mean = pull / level if level > 0 else np.zeros(d)
        return mean, None, np.full(d, level)
    prior: Prior = proximal[0].new_task(W)
    precision = prior.precision + level
    # where both are flat the pull is zero
    step = prior.basis.T @ (pull - level * prior.mean)
    step = np.divide(step, precision, out=np.zeros_like(step), where=precision > 0)
    return prior.mean + prior.basis @ step, prior.basis, precision


def _ridge(estimator, precision, fit_intercept):
    """Return the single-task model with a precision for each coefficient."""
    from .linear_model import SingleTaskClassifier, SingleTaskRegressor

    cls = SingleTaskClassifier if is_classifier(estimator) else SingleTaskRegressor
    same = _same(estimator, cls, fit_intercept)
    if not np.any(precision > 0):
        return cls(**same | {"lambda2": 0.0})
    return cls(**same | {"lambda2": 0.5, "feature_weight": precision})


def _same(estimator, cls, fit_intercept):
    """Return the options of a model of one task."""
    names = cls().get_params(deep=False)
    same = {n: v for n, v in estimator.get_params(deep=False).items() if n in names}
    same |= {"fit_intercept": fit_intercept, "task_column": None, "task_order": None}
    same |= {"solver": "auto"}
    for name in ("lambda2", "penalty"):
        same.pop(name, None)
    if "loss" not in same:
        same["loss"] = estimator._loss()
    if not isinstance(estimator.task_weight, str):
        same["task_weight"] = None
    return same
