"""Pictures of coefficients and their intervals."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._sparse_coef import dense
from .._wrapped import fitted_of
from ._display import Display, name_ticks


class CoefficientDisplay(Display):
    """The coefficients as a heat map: a row a task, a column a feature.

    Parameters
    ----------
    coef : ndarray of shape (n_rows, n_features)
        Coefficients.
    rows : ndarray of shape (n_rows,)
        Task labels, with more than two classes the pairs of task and class.
    features : ndarray of shape (n_features,)
        Names of the features.
    name : str, default=""
        Name of the estimator.

    Attributes
    ----------
    ax_, figure_ : object
        Axes and figure of matplotlib.

    Examples
    --------
    >>> from pymtl import MultiTaskL21Regressor
    >>> from pymtl.datasets import make_multitask_regression
    >>> from pymtl.plotting import CoefficientDisplay
    >>> data = make_multitask_regression(random_state=0)
    >>> model = MultiTaskL21Regressor().fit(data.Xs, data.ys)
    >>> CoefficientDisplay.from_estimator(model).ax_.get_ylabel()
    'task'
    """

    def __init__(self, coef: Any, rows: Any, features: Any, name: str = ""):
        self.coef = np.asarray(coef)
        self.rows = rows
        self.features = features
        self.name = name

    @classmethod
    def from_estimator(cls, estimator: Any, *, ax: Any = None) -> CoefficientDisplay:
        """Draw the coefficients of a fitted estimator.

        Parameters
        ----------
        estimator : estimator
            A fitted estimator, a search of one, or a pipeline that ends with one.
        ax : matplotlib.axes.Axes or None, default=None
            Where to draw; by default in a new figure.

        Returns
        -------
        display : CoefficientDisplay
            The picture.
        """
        estimator = fitted_of(estimator)
        rows, coef = list(estimator.tasks_), dense(estimator.coef_)
        if np.ndim(coef[0]) == 2:
            classes = estimator.classes_
            if not isinstance(classes, list):
                classes = [classes] * len(rows)
            pairs = zip(rows, classes, strict=True)
            rows = [f"{task}: {label}" for task, labels in pairs for label in labels]
            coef = np.concatenate(list(coef))
        name = type(estimator).__name__
        return cls(coef, rows, estimator.coef_names_, name).plot(ax=ax)

    def _draw(self, ax):
        top = np.abs(self.coef).max() or 1.0
        image = ax.imshow(
            self.coef,
            cmap="RdBu_r",
            vmin=-top,
            vmax=top,
            aspect="auto",
            interpolation="nearest",
        )
        self.colorbar_ = self.figure_.colorbar(image, ax=ax)
        ax.set(xlabel="feature", ylabel="task", title=self.name)
        name_ticks(ax.yaxis, self.rows)
        name_ticks(ax.xaxis, self.features)
        ax.tick_params(axis="x", labelrotation=90)


class CoefIntervalDisplay(Display):
    """The bootstrap intervals of one feature in all tasks.

    Parameters
    ----------
    coef, low, high : ndarray of shape (n_tasks,)
        Coefficients and the ends of their intervals.
    tasks : ndarray of shape (n_tasks,)
        Task labels.
    name : str, default=""
        Name of the feature.

    Attributes
    ----------
    ax_, figure_ : object
        Axes and figure of matplotlib.

    See Also
    --------
    pymtl.bootstrap_coef : Computes the intervals.

    Examples
    --------
    >>> from pymtl.plotting import CoefIntervalDisplay
    >>> display = CoefIntervalDisplay([1.0, 2.0], [0.5, 1.0], [1.5, 3.0], ["a", "b"])
    >>> display.plot().ax_.get_ylabel()
    'task'
    """

    def __init__(self, coef: Any, low: Any, high: Any, tasks: Any, name: str = ""):
        self.coef = np.asarray(coef)
        self.low = np.asarray(low)
        self.high = np.asarray(high)
        self.tasks = tasks
        self.name = name

    @classmethod
    def from_intervals(
        cls, intervals: Any, feature: Any = 0, *, ax: Any = None
    ) -> CoefIntervalDisplay:
        """Draw a feature of bootstrap intervals.

        Parameters
        ----------
        intervals : CoefIntervals
            What :func:`pymtl.bootstrap_coef` returns, for two classes at most.
        feature : int or str, default=0
            Number or name of the feature.
        ax : matplotlib.axes.Axes or None, default=None
            Where to draw; by default in a new figure.

        Returns
        -------
        display : CoefIntervalDisplay
            The picture.
        """
        if intervals.coef.ndim != 2:
            msg = "The picture is for two classes at most; use to_frame()."
            raise ValueError(msg)
        names = list(intervals.features)
        if feature not in names and not isinstance(feature, int | np.integer):
            msg = f"There is no feature {feature!r} in {names}."
            raise ValueError(msg)
        j = names.index(feature) if feature in names else feature
        parts = (part[:, j] for part in (intervals.coef, intervals.low, intervals.high))
        return cls(*parts, intervals.tasks, str(names[j])).plot(ax=ax)

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: Any,
        feature: Any = 0,
        *,
        ax: Any = None,
        **options: Any,
    ) -> CoefIntervalDisplay:
        """Compute bootstrap intervals of an estimator, and draw those of a feature.

        Parameters
        ----------
        estimator : estimator
            An estimator, a search or a pipeline, as in :func:`pymtl.bootstrap_coef`.
        X, y : object
            Training data through the estimator's door.
        feature : int or str, default=0
            Number or name of the feature.
        ax : matplotlib.axes.Axes or None, default=None
            Where to draw; by default in a new figure.
        **options : object
            Options of :func:`pymtl.bootstrap_coef`.

        Returns
        -------
        display : CoefIntervalDisplay
            The picture.
        """
        from ..inspection import bootstrap_coef

        found = bootstrap_coef(estimator, X, y, **options)
        return cls.from_intervals(found, feature, ax=ax)

    def _draw(self, ax):
        place = np.arange(len(self.coef))
        ax.axvline(0, color="0.7", linewidth=1, zorder=0)
        ax.hlines(place, self.low, self.high, linewidth=1)
        ax.scatter(self.coef, place, s=16)
        ax.set(xlabel="coefficient", ylabel="task", title=self.name)
        name_ticks(ax.yaxis, self.tasks)
