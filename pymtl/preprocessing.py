"""Standardisation that knows tasks."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from numbers import Integral
from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.base import OneToOneFeatureMixin, TransformerMixin
from sklearn.utils import assert_all_finite, check_array, column_or_1d
from sklearn.utils.validation import (
    check_consistent_length,
    check_is_fitted,
    validate_data,
)

from ._sklearn import Parameters, StrOptions, fit_context
from .tasks import (
    LISTS,
    LONG,
    SHARED,
    clean_labels,
    is_lists,
    label_key,
    read_training,
    split_column,
)

__all__ = ["TaskScaler"]

FLOATS = [np.float64, np.float32]


class _TableScaler(OneToOneFeatureMixin, TransformerMixin, Parameters):
    """Scales one table, or one item of a list if the index of its task is given.

    scikit-learn wraps this `transform` for `set_output`. Its metadata routing would
    offer `task` to users if it were an ordinary parameter.
    """

    def transform(self, X, *task):
        return self._rescale(X, _standardise, *task)


class _Doors:
    """Takes lists item by item, so that `set_output` acts on items, not on lists."""

    def fit_transform(self, X: Any, y: Any = None, sample_weight: Any = None) -> Any:
        """Fit, then transform the same rows.

        Parameters
        ----------
        X, y, sample_weight : object
            Training data as in :meth:`fit`.

        Returns
        -------
        X : list, dict, ndarray or frame
            The scaled features, see :meth:`transform`.
        """
        return self.fit(X, y, sample_weight).transform(X)

    def transform(self, X: Any) -> Any:
        """Standardise the features.

        Parameters
        ----------
        X : list, dict, array-like or frame
            Rows through the door of :meth:`fit`. A dict may hold some of the tasks.

        Returns
        -------
        X : list, dict, ndarray or frame
            The scaled features in the form of X: frames stay frames, and a task column
            stays where and what it was. float32 stays float32.

        Raises
        ------
        ValueError
            If X has other features than in fit or missing values, or, with statistics
            for each task, a task that was not in fit while `unseen_task` is "error".
        """
        check_is_fitted(self)
        return self._by_door(X, super().transform)

    def inverse_transform(self, X: Any) -> Any:
        """Return scaled features to their original units.

        Parameters
        ----------
        X : list, dict, array-like or frame
            Scaled rows, see :meth:`transform`.

        Returns
        -------
        X : list, dict, ndarray or frame
            The features in their original units, in the form of X.
        """
        check_is_fitted(self)
        return self._by_door(X, lambda x, *task: self._rescale(x, _restore, *task))

    def _by_door(self, X, scale):
        if not is_lists(X):
            return scale(X)
        if self._door == LONG:
            msg = (
                "TaskScaler was fitted on a long table, and X is a list of tasks: give "
                "a table with the task column, such as stack_tasks makes."
            )
            raise ValueError(msg)
        return self._each(X, "X", scale, self._mean)


class TaskScaler(_Doors, _TableScaler):
    """Standardise features, and optionally targets, and leave the task column alone.

    Features get mean 0 and standard deviation 1, over the rows of all tasks, or within
    each task. The scaler takes data through the same doors as the models: lists or
    dicts of tasks, a design shared by all tasks, and the long table.

    Parameters
    ----------
    task_column : int, str or None, default=None
        The column of a long table that names the task: a column name of a frame, or a
        position. It is passed on as it is. None when the tasks come as lists or as
        columns of y.
    with_mean : bool, default=True
        Whether to subtract the mean.
    with_std : bool, default=True
        Whether to divide by the standard deviation. What is constant is divided by 1.
    per_task : bool, default=False
        Whether each task has its own mean and standard deviation. The default pools
        the rows of all tasks, which keeps the coefficients of the tasks comparable.
        The features of a shared design are the same for all tasks, and so is their
        scale; then only targets are scaled by task.
    scale_y : bool, default=False
        Whether `fit` also reads y, for :meth:`transform_y`,
        :meth:`inverse_transform_y` and :meth:`unscale_coef`.
    unseen_task : {"structure", "mean", "error"}, default="structure"
        What `per_task` does with a task that was not in fit: scale it with the
        statistics of all rows, with a warning ("structure", as the estimators call it)
        or without ("mean"), or raise.

    Attributes
    ----------
    mean_ : ndarray of shape (n_features,) or (n_tasks, n_features)
        What is subtracted from the features; one row a task if they are scaled by task.
    scale_ : ndarray of shape (n_features,) or (n_tasks, n_features)
        What the features are divided by.
    y_mean_ : float, ndarray of shape (n_tasks,) or None
        What is subtracted from the targets; None without `scale_y`.
    y_scale_ : float, ndarray of shape (n_tasks,) or None
        What the targets are divided by; None without `scale_y`.
    tasks_ : ndarray of shape (n_tasks,) or None
        Task labels; None for a shared design whose targets were not read.
    n_features_in_ : int
        Number of columns of X, with the task column.
    feature_names_in_ : ndarray of shape (n_columns,)
        Names of the columns of X, if X was a frame with string names.

    See Also
    --------
    sklearn.preprocessing.StandardScaler : The same without tasks.
    sklearn.compose.TransformedTargetRegressor : Scales y around a pipeline.

    Notes
    -----
    A pipeline of scikit-learn never transforms y: as its step a TaskScaler scales X
    only, whatever `scale_y` says, and the coefficients of the last step belong to
    unscaled targets, so leave `scale_y` at False there. To scale the targets use
    :meth:`transform_y` by hand, or wrap the pipeline in a `TransformedTargetRegressor`.

    Statistics are weighted by `sample_weight`, use the population formula (division by
    the sum of the weights) and are computed in float64. Missing and infinite values are
    refused, as by the models; impute first. Only in the targets of a shared design is
    NaN allowed, where it is "not observed".

    With `per_task` a task of a single row is scaled to zeros.

    Examples
    --------
    >>> import pandas as pd
    >>> from pymtl import TaskScaler
    >>> frame = pd.DataFrame({"school": ["n", "n", "s"], "age": [10.0, 12.0, 14.0]})
    >>> scaler = TaskScaler(task_column="school").fit(frame)
    >>> scaler.transform(frame).round(2)
      school   age
    0      n -1.22
    1      n  0.00
    2      s  1.22

    Coefficients of a model of scaled data, in the units of the data:

    >>> import numpy as np
    >>> from pymtl import MultiTaskMeanRegressor
    >>> rng = np.random.default_rng(0)
    >>> Xs = [rng.normal(50, 10, size=(n, 2)) for n in (30, 8)]
    >>> ys = [X @ [1.0, 2.0] + 7 for X in Xs]
    >>> scaler = TaskScaler(scale_y=True).fit(Xs, ys)
    >>> model = MultiTaskMeanRegressor(lambda1=0.01)
    >>> model = model.fit(scaler.transform(Xs), scaler.transform_y(ys))
    >>> coef, intercept = scaler.unscale_coef(model.coef_, model.intercept_)
    >>> coef.round(6)
    array([[1., 2.],
           [1., 2.]])
    >>> intercept.round(6)
    array([7., 7.])
    """

    _parameter_constraints: dict = {
        "task_column": [Integral, str, None],
        "with_mean": ["boolean"],
        "with_std": ["boolean"],
        "per_task": ["boolean"],
        "scale_y": ["boolean"],
        "unseen_task": [StrOptions({"error", "mean", "structure"})],
    }

    def __init__(
        self,
        *,
        task_column: int | str | None = None,
        with_mean: bool = True,
        with_std: bool = True,
        per_task: bool = False,
        scale_y: bool = False,
        unseen_task: str = "structure",
    ):
        self.task_column = task_column
        self.with_mean = with_mean
        self.with_std = with_std
        self.per_task = per_task
        self.scale_y = scale_y
        self.unseen_task = unseen_task

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> TaskScaler:
        """Compute means and standard deviations.

        Parameters
        ----------
        X : list or dict of arrays (n_t, n_features), or array (n_samples, n_features)
            Data through one of three doors: a list or dict of tasks; one design
            shared by all tasks; or, with `task_column`, a long table.
        y : list or dict of arrays (n_t,), or array, default=None
            Targets in the form of the door, (n_samples, n_tasks) for a shared design,
            else (n_samples,). Not read without `scale_y`.
        sample_weight : list or dict of arrays (n_t,), or array, default=None
            Weights of the rows, (n_samples,) for a table or shared design; 0 leaves a
            row out.

        Returns
        -------
        self : object
            The fitted scaler.

        Raises
        ------
        ValueError
            If the data do not fit together or hold missing values; the message names
            the task, the shapes and the remedy.
        """
        data = read_training(
            self, X, _no_target(X), sample_weight, None, self.task_column
        )
        if sp.issparse(data.X):
            msg = (
                "TaskScaler does not take sparse data: scale the features before the "
                "task column is added, for example with "
                "sklearn.preprocessing.MaxAbsScaler."
            )
            raise TypeError(msg)
        self._door = data.door
        by_task = self.per_task and data.door != SHARED
        self._mean, self._scale = self._measure(
            np.asarray(data.X), data.weight, data.bounds, by_task
        )
        self.mean_, self.scale_ = _visible(self._mean), _visible(self._scale)
        self.y_mean_ = self.y_scale_ = None
        if self.scale_y:
            data = read_training(self, X, y, sample_weight, None, self.task_column)
            seen = data.weight > 0
            sizes = data.task_sum(seen.astype(int))
            mean, scale = self._measure(
                data.y[seen, None],
                data.weight[seen],
                np.cumsum([0, *sizes]),
                self.per_task,
            )
            self._y_mean, self._y_scale = mean[:, 0], scale[:, 0]
            self.y_mean_, self.y_scale_ = _visible(mean[:, 0]), _visible(scale[:, 0])
        read_tasks = data.door != SHARED or self.scale_y
        self.tasks_ = data.labels if read_tasks else None
        self._input_labels = data.input_labels.tolist()
        return self

    def transform_y(self, y: Any, X: Any = None) -> Any:
        """Standardise targets.

        Parameters
        ----------
        y : list or dict of arrays (n_t,), or array
            Targets in the form of the door.
        X : list, dict, array-like or frame, default=None
            The rows of y. Needed to find the task of each row of a long table when
            targets are scaled by task, and where y does not come through the door of
            :meth:`fit`.

        Returns
        -------
        y : list or dict of ndarray, or ndarray
            The scaled targets in the form of y. NaN stays NaN.

        Raises
        ------
        ValueError
            If `scale_y` is False, or the tasks of y are not known.
        """
        return self._rescale_y(y, X, _standardise)

    def inverse_transform_y(self, y: Any, X: Any = None) -> Any:
        """Return targets, or predictions of them, to their original units.

        Parameters
        ----------
        y : list or dict of arrays (n_t,), or array
            Scaled targets or predictions.
        X : list, dict, array-like or frame, default=None
            The rows of y, see :meth:`transform_y`.

        Returns
        -------
        y : list or dict of ndarray, or ndarray
            The targets in their original units, in the form of y.

        Raises
        ------
        ValueError
            If `scale_y` is False, or the tasks of y are not known.
        """
        return self._rescale_y(y, X, _restore)

    def unscale_coef(
        self, coef: Any, intercept: Any, tasks: Sequence | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the coefficients of a model of scaled data, in original units.

        The model then gives for unscaled features, and in the units of the targets if
        `scale_y` is set, what it gave for scaled ones.

        Parameters
        ----------
        coef : array-like of shape (n_tasks, n_features)
            Coefficients for scaled features, and for scaled targets with `scale_y`; of
            a multi-class model (n_tasks, n_classes, n_features).
        intercept : array-like of shape (n_tasks,)
            Intercepts; of a multi-class model (n_tasks, n_classes).
        tasks : sequence of labels or None, default=None
            The tasks of the rows of `coef`, as in the `tasks_` of a model; by default
            the `tasks_` of the scaler. Plays no part without `per_task`.

        Returns
        -------
        coef : ndarray of the shape of `coef`
            Coefficients for the original units.
        intercept : ndarray of the shape of `intercept`
            Intercepts for the original units.

        Raises
        ------
        ValueError
            If the shapes do not fit the scaler.
        """
        check_is_fitted(self)
        coef = np.asarray(coef, dtype=np.float64)
        intercept = np.asarray(intercept, dtype=np.float64)
        d = self._mean.shape[1]
        if coef.shape[-1:] != (d,) or intercept.shape != coef.shape[:-1]:
            msg = (
                f"coef has shape {coef.shape}, intercept {intercept.shape}; expected "
                f"(n_tasks, {d}) and (n_tasks,)."
            )
            raise ValueError(msg)
        statistics = [self._mean, self._scale]
        if self.y_mean_ is not None:
            statistics += [self._y_mean, self._y_scale]
        if max(map(len, statistics)) > 1:
            index = self._positions(
                list(self.tasks_ if tasks is None else tasks), strict=True
            )
            if intercept.shape[:1] != index.shape:
                msg = (
                    f"coef has shape {coef.shape}, but there are {len(index)} tasks: "
                    "pass the tasks_ of the model as tasks."
                )
                raise ValueError(msg)

        classes = tuple(range(1, coef.ndim - 1))
        mean, scale, *of_y = (
            np.expand_dims(s[index], classes) if len(s) > 1 else s[0]
            for s in statistics
        )
        coef = coef / scale
        if of_y:
            y_mean, y_scale = of_y
            coef = coef * y_scale[..., None]
            intercept = intercept * y_scale + y_mean
        return coef, intercept - (coef * mean).sum(axis=-1)

    def _measure(self, values, weight, bounds, by_task):
        """Return means and scales: rows for the tasks, if wanted, then for all."""
        mean, scale = _moments(values, weight, np.array([0, len(values)]))
        if by_task:
            of_tasks = _moments(values, weight, bounds)
            mean = np.vstack([of_tasks[0], mean])
            scale = np.vstack([of_tasks[1], scale])
        if not self.with_mean:
            mean = np.zeros_like(mean)
        if not self.with_std:
            scale = np.ones_like(scale)
        return mean, scale

    def _rescale(self, X, rescale, task=None):
        """Rescale a table whose rows have their task in a column, or all the same."""
        by_task, column = len(self._mean) > 1, None
        if self._door == LONG:
            column = self.task_column
            validate_data(self, X, reset=False, skip_check_array=True)
            table, labels, _, _ = split_column(X, column)
            assert_all_finite(table, estimator_name="TaskScaler", input_name="X")
            task = self._rows(labels) if by_task else None
        elif by_task and task is None:
            msg = (
                "X is one matrix without a task column, but TaskScaler has statistics "
                "for each task: give a list with every task, or a dict {task: X}."
            )
            raise ValueError(msg)
        else:
            table = validate_data(self, X, reset=False, dtype=FLOATS)
        index = task if by_task else -1
        values = rescale(table, self._mean[index], self._scale[index])
        return _like(X, values.astype(table.dtype, copy=False), column)

    def _rescale_y(self, y, X, rescale):
        check_is_fitted(self)
        if self.y_mean_ is None:
            msg = "TaskScaler read no targets: set scale_y=True and fit it on X and y."
            raise ValueError(msg)

        def scale(y, task):
            y = check_array(
                y,
                ensure_2d=False,
                dtype=FLOATS,
                ensure_all_finite="allow-nan",
                input_name="y",
            )
            values = rescale(y, self._y_mean[task], self._y_scale[task])
            return values.astype(y.dtype, copy=False)

        if self._door == LISTS if X is None else is_lists(X):
            return self._each(y, "y", scale, self._y_mean)
        if len(self._y_mean) == 1:
            return scale(y, -1)
        if self._door != LONG:
            n_tasks, shape = len(self.tasks_), np.asarray(y).shape
            if (*shape, 1)[1] != n_tasks:
                msg = f"y has shape {shape}, but there are {n_tasks} tasks."
                raise ValueError(msg)
            return scale(y, slice(n_tasks))
        if X is None:
            msg = "Targets are scaled by task: pass X, whose task column names it."
            raise ValueError(msg)
        check_consistent_length(X, y)
        _, labels, _, _ = split_column(X, self.task_column)
        return scale(column_or_1d(y), self._rows(labels))

    def _each(self, items, name, scale, statistic):
        """Apply a function to every item of a list or dict and its task's index."""
        keyed, n_tasks = isinstance(items, dict), len(statistic) - 1
        labels = list(items) if keyed else self._input_labels
        if not n_tasks:
            labels = list(items) if keyed else range(len(items))
        if len(labels) != len(items):
            msg = (
                f"{name} is a list of {len(items)} tasks, but TaskScaler was fitted "
                f"with {n_tasks}. Give a dict {{task: {name}}} for some of them."
            )
            raise ValueError(msg)
        tasks = self._positions(labels) if n_tasks else np.full(len(items), -1)
        scaled, values = [], items.values() if keyed else items
        for label, item, task in zip(labels, values, tasks, strict=True):
            try:
                scaled.append(scale(item, task))
            except ValueError as error:
                msg = f"{name} of task {label!r}: {error}"
                raise ValueError(msg) from error
        return dict(zip(items, scaled, strict=True)) if keyed else scaled

    def _rows(self, column):
        """Return the index of the task of each row of a task column."""
        return self._positions(clean_labels(column).tolist())

    def _positions(self, labels, strict=False):
        """Return the index of each task, -1 for one that was not in fit."""
        position = {label_key(v): t for t, v in enumerate(self.tasks_.tolist())}
        index = np.array([position.get(label_key(v), -1) for v in labels])
        if self.unseen_task == "mean" or not np.any(index < 0):
            return index
        unseen = list(dict.fromkeys(v for v in labels if label_key(v) not in position))
        msg = (
            f"TaskScaler was not fitted with {len(unseen)} of the tasks: {unseen[:5]}. "
            "Split the samples inside each task (cv=TaskKFold(task_column=...)), or "
            "set unseen_task='mean' to scale them with the statistics of all rows"
        )
        if strict or self.unseen_task == "error":
            raise ValueError(msg)
        warnings.warn(f"{msg} (as is done now).", UserWarning, stacklevel=4)
        return index

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        tags.target_tags.required = self.scale_y
        return tags


def _moments(values, weight, bounds):
    """Return means and standard deviations, one row for each group of rows.

    Deviations are taken from the group's first row, so that constant columns have
    exactly their value as mean and a deviation of zero.
    """
    starts, sizes = bounds[:-1], np.diff(bounds)
    weight = weight / np.repeat(np.add.reduceat(weight, starts), sizes)
    first = values[starts].astype(np.float64)
    deviation = values - np.repeat(first, sizes, axis=0)
    shift = np.add.reduceat(weight[:, None] * deviation, starts)
    deviation -= np.repeat(shift, sizes, axis=0)
    scale = np.sqrt(np.add.reduceat(weight[:, None] * deviation**2, starts))
    largest = np.maximum.reduceat(np.abs(values), starts)
    rounding = 10 * np.finfo(values.dtype).eps * largest
    return first + shift, np.where(scale > rounding, scale, 1.0)


def _standardise(values, mean, scale):
    return (values - mean) / scale


def _restore(values, mean, scale):
    return values * scale + mean


def _visible(statistic):
    """Return the statistics in use: those of the tasks if there are any."""
    return statistic[0] if len(statistic) == 1 else statistic[:-1]


def _no_target(X):
    """Return zeros in the form of the door, where y plays no part."""
    if is_lists(X) and isinstance(X, dict):
        return {label: _no_target(x) for label, x in X.items()}
    if is_lists(X):
        return [_no_target(x) for x in X]
    shape = X.shape if hasattr(X, "shape") else np.asarray(X).shape
    return np.zeros(shape[:1])


def _like(X, values, task_column=None):
    """Return the values in a table of the kind of X, with its task column in place."""
    if hasattr(X, "columns"):
        import narwhals as nw

        frame = nw.from_native(X, eager_only=True)
        names = list(frame.columns)
        if task_column is not None:
            known = task_column in names
            names.remove(task_column if known else names[task_column])
        columns = [
            nw.new_series(name, column, backend=frame.implementation)
            for name, column in zip(names, values.T, strict=True)
        ]
        return frame.with_columns(*columns).to_native()
    if task_column is None:
        return values
    X = np.asarray(X)
    table = X.astype(object if X.dtype.kind in "OSU" else values.dtype)
    table[:, np.arange(X.shape[1]) != task_column % X.shape[1]] = values
    return table
