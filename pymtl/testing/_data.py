"""Test problems for estimators, and what their checks have in common."""

from __future__ import annotations

import re
import warnings
from contextlib import contextmanager
from typing import Any

import numpy as np
from sklearn.base import clone, is_classifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import accuracy_score, r2_score

from ..losses import LOSSES, Loss
from ..tasks import stack_tasks
from ._common import frozen, require, require_close

SIZES = (1, 2, 3, 12, 60, 500)
EXACT = {"tol": 1e-12, "max_iter": 20_000}
# options that belong to the data of a user, not to those of the checks
DATA_OPTIONS = {
    "task_column": None,
    "task_order": None,
    "task_weight": None,
    "feature_weight": None,
    "unseen_task": "error",
    "warm_start": False,
    "verbose": 0,
}


def fresh(estimator: Any, **params: Any) -> Any:
    """Return an unfitted copy with other parameters."""
    has = estimator.get_params(deep=False)
    options = {name: value for name, value in DATA_OPTIONS.items() if name in has}
    return clone(estimator).set_params(**{**options, **params})


def exact(estimator: Any, **params: Any) -> Any:
    """Return an unfitted copy that solves to high accuracy."""
    return fresh(estimator, **{**EXACT, **params})


def used_strengths(model: Any) -> dict[str, Any]:
    """Return the strengths of a fitted classifier, whose "auto" counts the rows."""
    if not is_classifier(model):
        return {}
    given = model.get_params(deep=False)
    if "penalty" in given:
        return {"penalty": model.penalty_}
    names = [name for name in given if name.startswith("lambda")]
    return {n: getattr(model, f"{n}_") for n in names if hasattr(model, f"{n}_")}


def make_tasks(sizes=SIZES, n_features=5, seed=0):
    """Return lists of read-only arrays; the last feature is of no use."""
    rng = np.random.default_rng(seed)
    common = rng.uniform(0.5, 2.0, n_features) * rng.choice([-1, 1], n_features)
    common[n_features // 2 + 1 :] = 0.0
    Xs, ys = [], []
    for n in sizes:
        X = rng.standard_normal((n, n_features)) + rng.standard_normal(n_features)
        w = common * rng.uniform(0.5, 1.5, n_features)
        noise = 0.3 * rng.standard_normal(n)
        Xs.append(frozen(X))
        ys.append(frozen(X @ w + 2 * rng.standard_normal() + noise))
    return Xs, ys


def make_shared(n_samples=40, n_tasks=4, n_features=5, seed=0):
    """Return a read-only design and targets, one column a task."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n_samples, n_features)) + 1.0
    W = rng.standard_normal((n_features, 1)) + 0.3 * rng.standard_normal(
        (n_features, n_tasks)
    )
    W[n_features // 2 + 1 :] = 0.0
    noise = 0.3 * rng.standard_normal((n_samples, n_tasks))
    return frozen(X), frozen(X @ W + rng.standard_normal(n_tasks) + noise)


def tasks_for(estimator: Any, sizes=SIZES, n_features=5, seed=0):
    """Return tasks with numbers or labels, as the estimator wants them."""
    if not is_classifier(estimator):
        return make_tasks(sizes, n_features, seed)
    Xs, ys = make_tasks(np.maximum(sizes, 2), n_features, seed)
    return Xs, [labels_of(y) for y in ys]


def shared_for(estimator: Any, n_samples=40, n_tasks=4, n_features=5, seed=0):
    """Return a shared design with numbers or labels, as the estimator wants them."""
    X, Y = make_shared(n_samples, n_tasks, n_features, seed)
    return X, labels_of(Y) if is_classifier(estimator) else Y


def labels_of(y):
    """Return the labels 2 and 5 of numbers above a middle; the first rows have both."""
    label = np.where(y > np.median(y, axis=0), 5.0, 2.0)
    label[:2] = [[2.0], [5.0]] if y.ndim == 2 else [2.0, 5.0]
    return frozen(label)


def measure(estimator: Any):
    """Return the score of the kind of estimator: R2 or the accuracy."""
    return accuracy_score if is_classifier(estimator) else r2_score


def linear(model: Any, X: Any, **extra: Any):
    """Return the linear predictions, which a regressor's are."""
    if is_classifier(model):
        return model.decision_function(X, **extra)
    return model.predict(X, **extra)


def make_long(Xs, ys, seed=0):
    """Return a long table with shuffled rows, its targets, and the order of rows."""
    X, y = stack_tasks(Xs, ys)
    order = np.random.default_rng(seed).permutation(len(y))
    return frozen(X[order]), frozen(y[order]), order


def parameters(model: Any) -> np.ndarray:
    """Return coefficients and intercepts side by side, one row a task."""
    return np.column_stack([model.coef_, model.intercept_])


def require_same_fit(
    actual: Any, expected: Any, message: str, rtol: float | None = None
) -> None:
    """Require equal coefficients and intercepts."""
    rtol = slack(expected) if rtol is None else rtol
    require_close(parameters(actual), parameters(expected), expected, message, rtol)


def slack(estimator: Any) -> float:
    """Return how much two exact fits may differ: losses other than squares are flat."""
    return 1e-6 if is_classifier(estimator) else 1e-8


@contextmanager
def refusal(estimator: Any, situation: str, *patterns: str):
    """Expect a ValueError whose message matches the patterns."""
    try:
        yield
    except ValueError as error:
        for pattern in patterns:
            require(
                re.search(pattern, str(error)),
                estimator,
                f"the message about {situation} does not match {pattern!r}: {error}",
            )
    else:
        msg = f"{estimator!r}: {situation} is no ValueError"
        raise AssertionError(msg)


def depends_on_order(estimator: Any) -> bool:
    """Return whether an estimator wants an order of tasks whose labels are text."""
    X, y, _ = make_long(*tasks_for(estimator, (8, 20, 12)))
    table = X.astype(object)
    table[:, 0] = np.array(["b", "c", "a"])[X[:, 0].astype(int)]
    try:
        fresh(estimator, task_column=0).fit(table, y)
    except ValueError as error:
        return "task_order" in str(error)
    return False


def loss_of(estimator: Any) -> Loss:
    """Return the loss of an estimator, an object."""
    loss = getattr(estimator, "loss", "squared")
    return LOSSES[loss]() if isinstance(loss, str) else loss


@contextmanager
def only_convergence_warnings():
    """Ignore warnings that a structure makes no sense on small data."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        warnings.simplefilter("error", ConvergenceWarning)
        yield


def strengths(estimator: Any) -> dict[str, Any]:
    """Return the strengths lambda1, lambda2, ... among all parameters, nested too."""
    params = estimator.get_params(deep=True)
    return {k: v for k, v in params.items() if re.search(r"(^|__)lambda[1-9]$", k)}


def is_equivariant(estimator: Any) -> bool:
    """Return whether units cannot matter: a squared loss, no strength but "auto"."""
    if not loss_of(estimator).quadratic:
        return False
    values = list(strengths(estimator).values())
    named = isinstance(getattr(estimator, "penalty", None), str)
    return (named or bool(values)) and all(isinstance(v, str) or v == 0 for v in values)


def is_pooled(model: Any) -> bool:
    """Return whether all tasks of a fitted model have the same coefficients."""
    return bool(np.all(model.coef_ == model.coef_[0]))
