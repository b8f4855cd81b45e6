"""Scores that are weighted means of losses of single samples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import xlogy
from sklearn.base import is_classifier

from .._wrapped import fitted_of

TINY = np.finfo(float).tiny
REGRESSION = {
    "mse": "mean squared error",
    "nmse": "squared error over the variance",
    "amse": "squared error over the mean square",
    "absolute": "mean absolute error",
    "poisson": "mean Poisson deviance",
}
CLASSIFICATION = {
    "log_loss": "log loss",
    "accuracy": "share of errors",
    "balanced_accuracy": "balanced share of errors",
    "roc_auc": "area above the ROC curve",
}
TITLES = REGRESSION | CLASSIFICATION
NAMES = {
    "neg_mean_squared_error": ("mse", "pooled"),
    "neg_mean_absolute_error": ("absolute", "pooled"),
    "neg_mean_poisson_deviance": ("poisson", "pooled"),
    "r2": ("nmse", "pooled"),
    "explained_variance_pooled": ("nmse", "pooled"),
    "explained_variance_within": ("nmse", "weighted"),
    "neg_log_loss": ("log_loss", "pooled"),
    "accuracy": ("accuracy", "pooled"),
    "balanced_accuracy": ("balanced_accuracy", "pooled"),
    "roc_auc": ("roc_auc", "pooled"),
} | {
    name.format(average): (metric, average)
    for average in ("macro", "weighted", "pooled")
    for name, metric in (
        ("neg_task_mse_{}", "mse"),
        ("neg_task_nmse_{}", "nmse"),
        ("neg_task_amse_{}", "amse"),
        ("task_r2_{}", "nmse"),
        ("task_accuracy_{}", "accuracy"),
        ("task_balanced_accuracy_{}", "balanced_accuracy"),
        ("task_roc_auc_{}", "roc_auc"),
    )
}


@dataclass(frozen=True)
class Measure:
    """What a score loses on each sample, and how much each sample counts.

    Of the area under a ROC curve a sample loses the share of the other label's samples
    that are on its wrong side.

    Parameters
    ----------
    metric : str
        A key of `TITLES`.
    average : {"macro", "weighted", "pooled"}
        Whether tasks count alike, or by their size; "pooled" does not tell them apart.
    """

    metric: str
    average: str = "pooled"

    @classmethod
    def named(cls, scoring: Any) -> Measure:
        """Return the measure of a scorer's name."""
        if not isinstance(scoring, str) or scoring not in NAMES:
            msg = (
                f"scoring={scoring!r} is no weighted mean over the samples, as "
                f"comparisons need it. Those are {sorted(NAMES)}."
            )
            raise ValueError(msg)
        return cls(*NAMES[scoring])

    @classmethod
    def default(cls, models: list) -> Measure:
        """Return the measure of the models where nothing is said."""
        if not is_classifier(models[0]):
            return cls("mse")
        known = all(hasattr(model, "predict_proba") for model in models)
        return cls("log_loss" if known else "accuracy")

    @property
    def order(self) -> int:
        """How many samples a loss compares, the degree of the U-statistic."""
        return 2 if self.metric == "roc_auc" else 1

    @property
    def title(self) -> str:
        """The name in words."""
        title = TITLES[self.metric]
        return f"{title}, averaged over the tasks" if self.average == "macro" else title

    def losses(self, model, X, y, offset=None, task=None, weight=None) -> np.ndarray:
        """Return the losses of all samples, task after task unless in a table.

        `task` and `weight` are of each sample; only the area under the curve asks.
        """
        parts = _responses(model, X, y, self._response, offset)
        if self.metric == "roc_auc":
            positive = np.concatenate([y == classes[-1] for y, _, classes in parts])
            z = np.concatenate([z for _, z, _ in parts])
            group = np.zeros(len(z), int) if self.average == "pooled" else task
            weight = np.ones(len(z)) if weight is None else weight
            return _misplaced(positive, z, group, weight)
        return np.concatenate([self._each(*part) for part in parts])

    def weights(self, y, task, weight) -> tuple[np.ndarray, np.ndarray]:
        """Return how much each sample counts, and what its loss is divided by."""
        group = np.zeros_like(task) if self.average == "pooled" else task
        size, unit = np.bincount(group, weight), np.ones(len(task))
        if self.metric in ("nmse", "amse"):
            mean = _over(np.bincount(group, weight * y), size)
            error = y - mean[group] if self.metric == "nmse" else y
            unit = _over(np.bincount(group, weight * error**2), size)[group]
            weight, unit = weight * (unit > 0), np.where(unit > 0, unit, 1.0)
        if self.metric in ("balanced_accuracy", "roc_auc"):
            label = np.unique(y, return_inverse=True)[1]
            cell = group * (label.max() + 1) + label
            shown = np.unique(np.stack([group, label]), axis=1)[0]
            share = size[group] / np.bincount(shown)[group]
            weight = share * _over(weight, np.bincount(cell, weight)[cell])
        if self.average == "macro":
            weight = _over(weight, size[group])
        return weight, unit

    @property
    def _response(self):
        known = {"log_loss": "predict_proba", "roc_auc": "decision_function"}
        return known.get(self.metric, "predict")

    def _each(self, y, z, classes):
        if self.metric in ("accuracy", "balanced_accuracy"):
            return (y != z).astype(float)
        if self.metric == "log_loss":
            p = z[np.arange(len(y)), np.searchsorted(classes, y)]
            return -np.log(np.maximum(p, TINY))
        if self.metric == "absolute":
            return np.abs(y - z)
        if self.metric == "poisson":
            return 2 * (xlogy(y, y) - xlogy(y, z) - y + z)
        return np.square(y - z)


def sample_losses(model, X, y) -> np.ndarray:
    """Return the losses of all samples by the model's default measure."""
    return Measure.default([model]).losses(model, X, y)


def _responses(model, X, y, response, offset):
    """Return targets, responses and classes of each task; of a table of all."""
    known = {} if offset is None else {"offset": offset}
    z = getattr(model, response)(X, **known)
    labels, classes = None, getattr(model, "classes_", None)
    if isinstance(y, dict):
        labels, y, z = list(y), list(y.values()), list(z.values())
    elif np.ndim(y) == 2:
        z = z if isinstance(z, list) else list(np.moveaxis(np.asarray(z), 1, 0))
        y = list(np.asarray(y).T)
        seen = [part == part for part in y]
        y, z = ([p[i] for p, i in zip(v, seen, strict=True)] for v in (y, z))
    else:
        y, z = [y], [z]
    own = [classes] * len(y)
    if isinstance(classes, list):
        tasks = fitted_of(model).tasks_.tolist()
        by_task = dict(zip(tasks, classes, strict=True))
        own = [by_task[label] for label in labels or tasks]
    y, z = ([np.asarray(part) for part in v] for v in (y, z))
    if response == "predict_proba":  # one column is that of the second class
        z = [p if p.ndim == 2 else np.column_stack([1 - p, p]) for p in z]
    return list(zip(y, z, own, strict=True))


def _over(part, whole):
    return np.divide(part, whole, out=np.zeros(len(whole)), where=whole > 0)


def _misplaced(positive, z, group, weight):
    """Return of each sample the share of the other label that is on its wrong side."""
    if z.ndim > 1:
        msg = "The area under the ROC curve is for two classes; y has more."
        raise ValueError(msg)
    loss = np.full(len(z), np.nan)
    for g in np.unique(group):
        up, down = (np.flatnonzero((group == g) & (positive == s)) for s in (1, 0))
        if len(up) and len(down):
            wrong = (z[up, None] < z[down]) + 0.5 * (z[up, None] == z[down])
            loss[up] = wrong @ weight[down] / weight[down].sum()
            loss[down] = weight[up] @ wrong / weight[up].sum()
    return loss
