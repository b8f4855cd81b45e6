"""The estimator inside searches and pipelines, and the data as it sees them."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from sklearn.base import clone
from sklearn.utils.validation import check_is_fitted


def final_of(estimator: Any) -> Any:
    """Return the estimator inside searches and pipelines; the best of a fitted search.

    Parameters
    ----------
    estimator : estimator
        An estimator of this package, a search of one, a pipeline that ends with one.

    Returns
    -------
    final : estimator
        The estimator of this package.

    Raises
    ------
    TypeError
        If there is none.
    """
    model = estimator
    while True:
        if _is_search(model):
            model = getattr(model, "best_estimator_", model.estimator)
        elif hasattr(model, "steps"):
            model = model.steps[-1][1]
        else:
            break
    if not hasattr(model, "coef_frame"):
        msg = (
            f"{estimator!r} is neither an estimator of pymtl, nor a search of one, nor "
            "a pipeline that ends with one."
        )
        raise TypeError(msg)
    return model


def fitted_of(estimator: Any) -> Any:
    """Return the fitted estimator inside a fitted search or pipeline.

    Parameters
    ----------
    estimator : estimator
        As in :func:`final_of`.

    Returns
    -------
    model : estimator
        The fitted estimator of this package.
    """
    model = final_of(estimator)
    check_is_fitted(model, "coef_")
    return model


def inside(estimator: Any, X: Any, y: Any) -> tuple[Any, Any]:
    """Return the estimator to fit, and X as it sees it.

    First steps of a pipeline are fitted to all data. A search that is not fitted is run
    on all data; what it has chosen stays.

    Parameters
    ----------
    estimator : estimator
        As in :func:`final_of`; it is not fitted, nor changed.
    X, y : object
        Training data.

    Returns
    -------
    model : estimator
        The estimator of this package, to be cloned.
    X : object
        The training data behind the first steps.
    """
    final_of(estimator)
    while True:
        if _is_search(estimator):
            if not hasattr(estimator, "best_params_"):
                estimator = clone(estimator).fit(X, y)
            chosen = deepcopy(estimator.best_params_)
            estimator = clone(estimator.estimator).set_params(**chosen)
        elif hasattr(estimator, "steps"):
            first, estimator = clone(estimator[:-1]), estimator.steps[-1][1]
            X = first.fit_transform(X, y) if len(first) else X
        else:
            return estimator, X


def split_fitted(estimator: Any) -> tuple[list, Any]:
    """Return the fitted first steps of all pipelines, and the fitted model.

    Parameters
    ----------
    estimator : estimator
        As in :func:`final_of`, fitted.

    Returns
    -------
    steps : list of (name, transformer)
        The first steps, in their order.
    model : estimator
        The fitted estimator of this package.
    """
    fitted_of(estimator)
    steps: list = []
    while True:
        if _is_search(estimator):
            estimator = estimator.best_estimator_
        elif hasattr(estimator, "steps"):
            steps += estimator.steps[:-1]
            estimator = estimator.steps[-1][1]
        else:
            return steps, estimator


def _is_search(estimator):
    return hasattr(estimator, "estimator") and hasattr(estimator, "refit")
