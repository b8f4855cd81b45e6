"""Scores of fitted models on held-out samples of any door."""

from __future__ import annotations

from functools import wraps
from typing import Any

import numpy as np
from sklearn import metrics as sk
from sklearn.base import BaseEstimator, is_classifier

from ..tasks import SHARED, read_rows, read_vector

RESPONSES = ("predict", "predict_proba", "predict_log_proba", "decision_function")
TINY = np.finfo(float).tiny


class Flat(BaseEstimator):
    """A fitted estimator whose predictions are one vector, whatever the door.

    Parameters
    ----------
    estimator : estimator
        A fitted estimator.
    seen : ndarray of bool or None
        Which targets of a 2-d y are observed.
    """

    def __init__(self, estimator, seen=None):
        self.estimator = estimator
        self.seen = seen

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        value = getattr(self.estimator, name)
        if name not in RESPONSES:
            return value

        @wraps(value)
        def response(X):
            return flat(value(X), self.seen)

        return response

    def __sklearn_tags__(self):
        return self.estimator.__sklearn_tags__()


def flat(values: Any, seen: np.ndarray | None = None) -> np.ndarray:
    """Return values of any door as one array, one sample after another."""
    if isinstance(values, dict):
        values = list(values.values())
    if isinstance(values, list | tuple):
        return np.concatenate([np.asarray(v) for v in values])
    values = np.asarray(values)
    return values if seen is None else values.T[seen.T]


def score(scorer, model, X, y) -> float:
    """Return the score of a fitted model; scikit-learn's scorers see one vector."""
    seen = None
    if not isinstance(y, dict) and np.ndim(y) == 2:
        seen = ~np.isnan(y) if np.asarray(y).dtype.kind == "f" else None
        seen = None if seen is None or seen.all() else seen
    if (isinstance(y, dict) or seen is not None) and isinstance(scorer, _PLAIN):
        return float(scorer(Flat(model, seen), X, flat(y, seen)))
    return float(scorer(model, X, y))


_PLAIN = type(sk.get_scorer("r2"))


class MeanSquaredError:
    """Less the mean squared error over all samples, which are read once.

    Parameters
    ----------
    X, y, sample_weight, offset : object
        Held-out samples.
    """

    def __init__(self, X, y, sample_weight=None, offset=None):
        self.X, self.offset, self.rows = X, offset, None
        self.y = flat(y).astype(float)
        self.weight = None if sample_weight is None else flat(sample_weight)
        if self.weight is not None and self.weight.ndim < self.y.ndim:
            self.weight = np.repeat(self.weight[:, None], self.y.shape[1], axis=1)
        self.seen = None if self.y.ndim == 1 else ~np.isnan(self.y)

    def __call__(self, model):
        if self.rows is None:
            self.rows = read_rows(model, self.X, model.task_column)
        z = model._loss().mean(model._linear(self.rows, self.offset))
        if self.rows.door == SHARED and self.y.ndim == 1:
            z = z.ravel()
        error = np.square(self.y - z)
        if self.seen is not None:
            weight = self.seen if self.weight is None else self.seen * self.weight
            return -float(np.average(np.where(self.seen, error, 0.0), weights=weight))
        return -float(np.average(error, weights=self.weight))

    def of_all(self, model, found) -> np.ndarray:
        """Return the scores of many coefficients and intercepts of a linear model."""
        rows = read_rows(model, self.X, model.task_column)
        offset = 0.0
        if self.offset is not None:
            offset = read_vector(self.offset, rows, len(model.tasks_), "offset")
        y = self.y - offset
        weight = np.ones(len(y)) if self.weight is None else self.weight
        coef, intercept = (np.stack(values) for values in zip(*found, strict=True))
        total = np.zeros(len(found))
        for t in np.unique(rows.task):
            i = np.flatnonzero(rows.task == t)
            w, c = coef[:, t], intercept[:, t]
            if t < 0:  # not seen in training
                w, c = coef.mean(axis=1), intercept.mean(axis=1)
            error = y[i, None] - rows.X[i] @ w.T - c
            total += weight[i] @ np.square(error)
        return -total / weight.sum()


def log_loss(model, X, y) -> float:
    """Return the mean log-likelihood of the labels of all samples."""
    p, classes = model.predict_proba(X), model.classes_
    if isinstance(y, dict):
        own = dict.fromkeys(y, classes)
        if isinstance(classes, list):  # each task has its own
            final = getattr(model, "_final_estimator", model)
            own = dict(zip(final.tasks_.tolist(), classes, strict=True))
        parts = [_likelihood(y[t], p[t], own[t]) for t in y]
        return float(np.concatenate(parts).mean())
    y = np.asarray(y)
    if y.ndim == 1:
        return float(_likelihood(y, p, classes).mean())
    if not isinstance(p, list):
        p = np.stack([1 - p, p], axis=-1).transpose(1, 0, 2)
    seen = y == y
    columns = zip(y.T, p, seen.T, strict=True)
    parts = [_likelihood(v[i], q[i], classes) for v, q, i in columns]
    return float(np.concatenate(parts).mean())


def _likelihood(y, p, classes):
    """Return the log-likelihood of labels, given probabilities in class order."""
    position = np.searchsorted(classes, np.asarray(y))
    return np.log(np.maximum(p[np.arange(len(y)), position], TINY))


def default_scorer(model):
    """Return the default scorer of a classifier, None for a regressor."""
    if not is_classifier(model):
        return None
    return log_loss if hasattr(model, "predict_proba") else sk.get_scorer("accuracy")
