"""Scores of fitted models on held-out samples of any door."""

from __future__ import annotations

from functools import wraps
from typing import Any

import numpy as np
from sklearn import metrics as sk
from sklearn.base import BaseEstimator

from ..tasks import SHARED, read_rows, read_vector
from ._measures import Measure

RESPONSES = ("predict", "predict_proba", "predict_log_proba", "decision_function")


class Held(BaseEstimator):
    """A fitted estimator that knows the offset of the samples it predicts.

    Parameters
    ----------
    estimator : estimator
        A fitted estimator.
    offset : object
        Known part of the linear predictions, in the form of the door.
    flatten : bool
        Whether predictions are one vector, whatever the door.
    seen : ndarray of bool or None
        Which targets of a 2-d y are observed.
    """

    def __init__(self, estimator, offset=None, flatten=False, seen=None):
        self.estimator = estimator
        self.offset = offset
        self.flatten = flatten
        self.seen = seen

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        value = getattr(self.estimator, name)
        if name not in RESPONSES:
            return value

        @wraps(value)
        def response(X):
            z = value(X) if self.offset is None else value(X, offset=self.offset)
            return flat(z, self.seen) if self.flatten else z

        return response

    def __getitem__(self, steps):
        return self.estimator[steps]

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


def score(scorer, model, X, y, offset=None) -> float:
    """Return the score of a fitted model; scikit-learn's scorers see one vector."""
    seen = None
    if not isinstance(y, dict) and np.ndim(y) == 2:
        seen = ~np.isnan(y) if np.asarray(y).dtype.kind == "f" else None
        seen = None if seen is None or seen.all() else seen
    flatten = isinstance(scorer, _PLAIN) and (isinstance(y, dict) or seen is not None)
    if flatten or offset is not None:
        model = Held(model, offset, flatten, seen)
    return float(scorer(model, X, flat(y, seen) if flatten else y))


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


class DefaultScore:
    """Less the mean log loss of a classifier over all samples, else its accuracy.

    Parameters
    ----------
    X, y, sample_weight, offset : object
        Held-out samples.
    """

    def __init__(self, X, y, sample_weight=None, offset=None):
        self.samples = X, y, offset
        self.weight = None
        if sample_weight is not None:
            weight = sample_weight
            if not isinstance(y, dict) and np.ndim(y) == 2:
                y = np.asarray(y)
                weight = np.asarray(weight, dtype=float)
                weight = weight if weight.ndim == 2 else weight[:, None]
                weight = np.broadcast_to(weight, y.shape)
                weight = weight.T[(y == y).T]
            self.weight = flat(weight)

    def __call__(self, model):
        measure = Measure.default([model])
        losses = measure.losses(model, *self.samples)
        loss = float(np.average(losses, weights=self.weight))
        return 1 - loss if measure.metric == "accuracy" else -loss
