"""What estimators can do, of searches and pipelines too."""

from __future__ import annotations

from typing import Any

from sklearn.pipeline import Pipeline

from .._wrapped import fitted_of, split_fitted


def coef_frame(estimator: Any) -> Any:
    """Return the coefficients of an estimator, search or pipeline as a pandas frame.

    Parameters
    ----------
    estimator : estimator
        A fitted estimator, a search of one, or a pipeline that ends with one. The
        coefficients of a pipeline are those of what its first steps return.

    Returns
    -------
    frame : pandas.DataFrame
        As the method `coef_frame` of the estimators: a row a task, a column for each
        feature and one for the intercept.

    Raises
    ------
    TypeError
        If there is no estimator of this package in it.
    ImportError
        If pandas is not installed.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.pipeline import make_pipeline
    >>> from pymtl import MultiTaskL21Regressor, TaskScaler, coef_frame
    >>> X = np.arange(12.0).reshape(6, 2) ** 2
    >>> pipeline = make_pipeline(TaskScaler(), MultiTaskL21Regressor()).fit(X, X)
    >>> coef_frame(pipeline).shape
    (2, 3)
    """
    return fitted_of(estimator).coef_frame()


def fit_new_task(estimator: Any, X: Any, y: Any, **options: Any) -> Any:
    """Fit a task that was not in training, of an estimator, search or pipeline.

    Parameters
    ----------
    estimator : estimator
        A fitted estimator, a search of one, or a pipeline that ends with one.
    X : array or frame of shape (n_samples, n_features)
        Rows of the new task, as in training: the fitted first steps of a pipeline
        transform them. Of a long table with the task column, which holds one label.
    y : array of shape (n_samples,)
        Its targets.
    **options : object
        Options of the method `fit_new_task` of the estimators: `sample_weight`,
        `offset`, `neighbours`, `time`.

    Returns
    -------
    model : estimator
        A fitted model of one task; of a pipeline the pipeline that ends with it.

    Raises
    ------
    TypeError
        If there is no estimator of this package in it.
    ValueError
        If the data do not fit the model.

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from pymtl import MultiTaskMeanRegressor, TaskScaler, fit_new_task
    >>> from pymtl.datasets import make_multitask_regression
    >>> data = make_multitask_regression(n_tasks=5, structure="mean", random_state=0)
    >>> pipeline = make_pipeline(TaskScaler(), MultiTaskMeanRegressor())
    >>> pipeline = pipeline.fit(data.Xs[:4], data.ys[:4])
    >>> new = fit_new_task(pipeline, data.Xs[4][:5], data.ys[4][:5])
    >>> bool(new.score(data.Xs[4], data.ys[4]) > 0)
    True
    """
    steps, model = split_fitted(estimator)
    if not steps:
        return model.fit_new_task(X, y, **options)
    new = model.fit_new_task(Pipeline(steps).transform(X), y, **options)
    return Pipeline([*steps, (type(model).__name__.lower(), new)])
