"""Pictures: displays in the manner of scikit-learn, made by ``from_estimator``."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = [
    "CoefIntervalDisplay",
    "CoefficientDisplay",
    "ConvergenceDisplay",
    "PathDisplay",
    "SearchDisplay",
    "TaskGainDisplay",
    "TaskSimilarityDisplay",
]

MANY = 40


def _subplots(ax: Any = None, **options: Any) -> Any:
    """Return axes to draw in, by default of a new figure."""
    if ax is not None:
        return ax
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        msg = 'Pictures need matplotlib: pip install "pymtl[plot]".'
        raise ImportError(msg) from error
    return plt.subplots(layout="constrained", **options)[1]


def _name_ticks(axis, labels):
    """Name the places 0, 1, ... of an axis, unless there are too many."""
    if len(labels) <= MANY:
        axis.set_ticks(np.arange(len(labels)), [str(label) for label in labels])


class Display:
    """Base class of the displays: a subclass draws in the axes that it is given."""

    def plot(self, *, ax: Any = None) -> Any:
        """Draw the picture.

        Parameters
        ----------
        ax : matplotlib.axes.Axes or None, default=None
            Where to draw; by default in a new figure.

        Returns
        -------
        display : object
            The display itself, with `ax_` and `figure_`.
        """
        self.ax_ = _subplots(ax)
        self.figure_ = self.ax_.figure
        self._draw(self.ax_)
        return self

    def _draw(self, ax):
        raise NotImplementedError


class TaskGainDisplay(Display):
    """What each task gains over a reference, with intervals where they are known.

    Parameters
    ----------
    gain : ndarray of shape (n_tasks,)
        Share of the reference's loss that is saved; negative is a loss.
    tasks : ndarray of shape (n_tasks,)
        Task labels.
    interval : tuple of two ndarray of shape (n_tasks,) or None, default=None
        Ends of the intervals.
    name : str, default=""
        What is compared with what.

    Attributes
    ----------
    ax_, figure_ : object
        Axes and figure of matplotlib.

    See Also
    --------
    pymtl.compare_sharing : Computes the gains by nested cross-validation.

    Examples
    --------
    >>> from pymtl.plotting import TaskGainDisplay
    >>> display = TaskGainDisplay([0.2, -0.1], ["a", "b"])
    >>> display.plot().ax_.get_xlabel()
    'gain'
    """

    def __init__(self, gain: Any, tasks: Any, interval: Any = None, name: str = ""):
        self.gain = np.asarray(gain)
        self.tasks = np.asarray(tasks)
        self.interval = interval
        self.name = name

    @classmethod
    def from_comparison(
        cls, comparison: Any, row: str = "sharing, chosen", *, ax: Any = None
    ) -> TaskGainDisplay:
        """Draw the gains of a comparison.

        Parameters
        ----------
        comparison : SharingComparison
            What :func:`pymtl.compare_sharing` returns.
        row : str, default="sharing, chosen"
            A row of its table.
        ax : matplotlib.axes.Axes or None, default=None
            Where to draw; by default in a new figure.

        Returns
        -------
        display : TaskGainDisplay
            The picture.
        """
        gain, *interval = comparison.gain(row, by_task=True)
        name = f"{row}, over {comparison.reference}"
        return cls(gain, comparison.tasks, tuple(interval), name).plot(ax=ax)

    @classmethod
    def from_estimator(
        cls, estimator: Any, baseline: Any, X: Any, y: Any, *, ax: Any = None
    ) -> TaskGainDisplay:
        """Draw the gains of a fitted regressor over another on held-out data.

        Parameters
        ----------
        estimator, baseline : estimator
            Regressors fitted to the same tasks.
        X, y : list, dict or array
            Samples that were not trained with: lists, dicts or a 2-d y.
        ax : matplotlib.axes.Axes or None, default=None
            Where to draw; by default in a new figure.

        Returns
        -------
        display : TaskGainDisplay
            The picture.
        """
        from .metrics import multitask_score

        ours, theirs = (
            multitask_score("mse", y, model.predict(X), average=None)
            for model in (estimator, baseline)
        )
        tasks = list(y) if isinstance(y, dict) else estimator.tasks_
        name = f"{type(estimator).__name__}, over {type(baseline).__name__}"
        return cls(1 - ours / theirs, tasks, name=name).plot(ax=ax)

    def _draw(self, ax):
        order = np.argsort(self.gain)
        place = np.arange(len(order))
        gain = self.gain[order]
        ax.axvline(0, color="0.7", linewidth=1, zorder=0)
        colours = np.where(gain < 0, "tab:red", "tab:blue")
        if self.interval is not None:
            low, high = (np.asarray(end)[order] for end in self.interval)
            ax.hlines(place, low, high, color=colours, linewidth=1)
        ax.scatter(gain, place, color=colours, s=16)
        ax.set(xlabel="gain", ylabel="task", title=self.name)
        _name_ticks(ax.yaxis, self.tasks[order])


class ConvergenceDisplay(Display):
    """How a fit came down to its optimum.

    Parameters
    ----------
    history : ndarray of shape (n_iter,)
        The objective after each iteration.
    bound : float
        A lower bound of the optimum: the objective at the end less the duality gap, or
        without a gap the least objective.
    name : str, default=""
        Name of the estimator.

    Attributes
    ----------
    ax_, figure_ : object
        Axes and figure of matplotlib.

    Examples
    --------
    >>> from pymtl import MultiTaskTraceNormRegressor
    >>> from pymtl.datasets import make_multitask_regression
    >>> from pymtl.plotting import ConvergenceDisplay
    >>> data = make_multitask_regression(random_state=0)
    >>> model = MultiTaskTraceNormRegressor().fit(data.Xs, data.ys)
    >>> ConvergenceDisplay.from_estimator(model).ax_.get_xlabel()
    'iteration'
    """

    def __init__(self, history: Any, bound: float, name: str = ""):
        self.history = np.asarray(history)
        self.bound = bound
        self.name = name

    @classmethod
    def from_estimator(cls, estimator: Any, *, ax: Any = None) -> ConvergenceDisplay:
        """Draw the iterations of a fitted estimator.

        Parameters
        ----------
        estimator : estimator
            A fitted estimator or search.
        ax : matplotlib.axes.Axes or None, default=None
            Where to draw; by default in a new figure.

        Returns
        -------
        display : ConvergenceDisplay
            The picture.
        """
        estimator = _fitted(estimator)
        history = np.asarray(estimator.history_)
        bound = min(float(history.min()), estimator.objective_)
        if estimator.certificate_kind_ == "duality gap":
            bound = estimator.objective_ - estimator.dual_gap_
        return cls(history, bound, type(estimator).__name__).plot(ax=ax)

    def _draw(self, ax):
        steps = np.arange(1, len(self.history) + 1)
        above = np.maximum(self.history - self.bound, 0.0)
        ax.plot(steps, self.history, color="tab:blue")
        ax.set(xlabel="iteration", ylabel="objective", title=self.name)
        self.gap_ax_ = ax.twinx()
        self.gap_ax_.plot(steps, above, color="tab:red", linestyle="--")
        if (above > 0).any():
            self.gap_ax_.set_yscale("log")
        self.gap_ax_.set_ylabel("above the lower bound (dashed)")


class PathDisplay(Display):
    """Norms of the features' coefficients along a path.

    Parameters
    ----------
    path : Path
        What the method `path` of an estimator returns.
    task : object, default=None
        Label of a task, to draw its coefficients instead.
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
    >>> from pymtl.plotting import PathDisplay
    >>> data = make_multitask_regression(random_state=0)
    >>> model = MultiTaskL21Regressor()
    >>> display = PathDisplay.from_estimator(model, data.Xs, data.ys, n_lambdas=10)
    >>> len(display.ax_.lines) == data.Xs[0].shape[1]
    True
    """

    def __init__(self, path: Any, task: Any = None, name: str = ""):
        self.path = path
        self.task = task
        self.name = name

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: Any,
        *,
        task: Any = None,
        ax: Any = None,
        **options: Any,
    ) -> PathDisplay:
        """Compute the path of an estimator, and draw it.

        Parameters
        ----------
        estimator : estimator
            It is not fitted.
        X, y : object
            Training data through any door.
        task : object, default=None
            Label of a task, to draw its coefficients instead of norms.
        ax : matplotlib.axes.Axes or None, default=None
            Where to draw; by default in a new figure.
        **options : object
            Options of `path`, such as `n_lambdas`.

        Returns
        -------
        display : PathDisplay
            The picture.
        """
        path = estimator.path(X, y, **options)
        return cls(path, task, type(estimator).__name__).plot(ax=ax)

    def _draw(self, ax):
        coef = self.path.coef
        what = "norm over the tasks"
        if self.task is None:
            lines = np.linalg.norm(coef.reshape(len(coef), -1, coef.shape[-1]), axis=1)
        else:
            tasks = self.path.tasks.tolist()
            if self.task not in tasks:
                msg = f"There is no task {self.task!r} in {tasks}."
                raise ValueError(msg)
            lines = coef[:, tasks.index(self.task)].reshape(len(coef), -1)
            what = f"coefficients of task {self.task}"
        ax.plot(self.path.lambdas, lines)
        ax.set(xscale="log", xlabel=self.path.strength, ylabel=what, title=self.name)
        ax.invert_xaxis()


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
            A fitted estimator or search.
        ax : matplotlib.axes.Axes or None, default=None
            Where to draw; by default in a new figure.

        Returns
        -------
        display : CoefficientDisplay
            The picture.
        """
        estimator = _fitted(estimator)
        rows, coef = list(estimator.tasks_), estimator.coef_
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
        _name_ticks(ax.yaxis, self.rows)
        _name_ticks(ax.xaxis, self.features)
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
            It is not fitted.
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
        from .inspection import bootstrap_coef

        found = bootstrap_coef(estimator, X, y, **options)
        return cls.from_intervals(found, feature, ax=ax)

    def _draw(self, ax):
        place = np.arange(len(self.coef))
        ax.axvline(0, color="0.7", linewidth=1, zorder=0)
        ax.hlines(place, self.low, self.high, linewidth=1)
        ax.scatter(self.coef, place, s=16)
        ax.set(xlabel="coefficient", ylabel="task", title=self.name)
        _name_ticks(ax.yaxis, self.tasks)


class SearchDisplay(Display):
    """Scores of a search: a curve over one strength, a surface over two.

    Parameters
    ----------
    values : ndarray of shape (n_candidates,)
        Values of the first strength.
    score, spread : ndarray of shape (n_candidates,)
        Means and standard deviations of the scores over the folds.
    best : int
        The chosen candidate.
    seconds : ndarray of shape (n_candidates,) or None, default=None
        Values of the second strength, if they make a grid with those of the first.
    names : tuple of str, default=("lambda1", "lambda2")
        Names of the strengths.

    Attributes
    ----------
    ax_, figure_ : object
        Axes and figure of matplotlib.

    Examples
    --------
    >>> from pymtl import MultiTaskL21Regressor, MultiTaskSearchCV
    >>> from pymtl.datasets import make_multitask_regression
    >>> from pymtl.plotting import SearchDisplay
    >>> data = make_multitask_regression(random_state=0)
    >>> search = MultiTaskSearchCV(MultiTaskL21Regressor(), n_lambdas=5)
    >>> search = search.fit(data.Xs, data.ys)
    >>> SearchDisplay.from_estimator(search).ax_.get_xlabel()
    'lambda1'
    """

    def __init__(
        self,
        values: Any,
        score: Any,
        spread: Any,
        best: int,
        seconds: Any = None,
        names: tuple[str, str] = ("lambda1", "lambda2"),
    ):
        self.values = np.asarray(values)
        self.score = np.asarray(score)
        self.spread = np.asarray(spread)
        self.best = best
        self.seconds = seconds
        self.names = names

    @classmethod
    def from_estimator(cls, search: Any, *, ax: Any = None) -> SearchDisplay:
        """Draw the scores of a fitted search.

        Of candidates that share a value of the first strength and make no grid the best
        is drawn.

        Parameters
        ----------
        search : MultiTaskSearchCV or GridSearchCV
            A fitted search over at least one strength.
        ax : matplotlib.axes.Axes or None, default=None
            Where to draw; by default in a new figure.

        Returns
        -------
        display : SearchDisplay
            The picture.
        """
        results = search.cv_results_
        known = [n for n in results if n.startswith("param_") and "lambda" in n]
        known = [n for n in sorted(known) if not np.ma.getmaskarray(results[n]).any()]
        if not known:
            msg = "The search has no strength lambda1 or lambda2 that could be drawn."
            raise ValueError(msg)
        columns = [np.asarray(results[n], dtype=float) for n in known[:2]]
        counts = [len(np.unique(column)) for column in columns]
        grid = len(columns) == 2 and min(counts) > 1
        seconds = None
        if grid and np.prod(counts) == len(columns[0]):
            seconds = columns[1]
        names = tuple(n.removeprefix("param_") for n in known[:2])
        names = names if len(names) == 2 else (names[0], "")
        score, spread = results["mean_test_score"], results["std_test_score"]
        best = search.best_index_
        return cls(columns[0], score, spread, best, seconds, names).plot(ax=ax)

    def _draw(self, ax):
        ax.set(xlabel=self.names[0], ylabel="mean score")
        if (self.values > 0).all():
            ax.set_xscale("log")
        if self.seconds is not None:
            self._draw_surface(ax)
            return
        order = np.lexsort((-self.score, self.values))
        _, first = np.unique(self.values[order], return_index=True)
        shown = order[first]
        x, mean, spread = self.values[shown], self.score[shown], self.spread[shown]
        ax.fill_between(x, mean - spread, mean + spread, alpha=0.2)
        ax.plot(x, mean, "o-", markersize=3)
        ax.axvline(self.values[self.best], color="0.5", linestyle="--")

    def _draw_surface(self, ax):
        x, columns = np.unique(self.values, return_inverse=True)
        y, rows = np.unique(self.seconds, return_inverse=True)
        surface = np.empty((len(y), len(x)))
        surface[rows, columns] = self.score
        image = ax.pcolormesh(x, y, surface, shading="nearest")
        self.colorbar_ = self.figure_.colorbar(image, ax=ax, label="mean score")
        ax.plot(self.values[self.best], self.seconds[self.best], "r*", markersize=12)
        ax.set_ylabel(self.names[1])
        if (y > 0).all():
            ax.set_yscale("log")


class TaskSimilarityDisplay(Display):
    """How alike the tasks are, in the order of a dendrogram.

    Parameters
    ----------
    similarity : ndarray of shape (n_tasks, n_tasks)
        Symmetric, 1 on the diagonal.
    tasks : ndarray of shape (n_tasks,)
        Task labels.
    dendrogram : bool, default=True
        Whether to draw the dendrogram of average linkage, with one minus the similarity
        as distance, and to order the tasks by it.
    name : str, default=""
        Name of the estimator.

    Attributes
    ----------
    order_ : ndarray of shape (n_tasks,)
        Order of the tasks in the picture.
    ax_, figure_ : object
        Axes and figure of matplotlib.

    See Also
    --------
    pymtl.task_similarity : Computes the similarity.

    Examples
    --------
    >>> from pymtl import MultiTaskRelationshipRegressor
    >>> from pymtl.datasets import make_multitask_regression
    >>> from pymtl.plotting import TaskSimilarityDisplay
    >>> data = make_multitask_regression(structure="clustered", random_state=0)
    >>> model = MultiTaskRelationshipRegressor().fit(data.Xs, data.ys)
    >>> display = TaskSimilarityDisplay.from_estimator(model)
    >>> sorted(display.order_.tolist()) == list(range(len(data.Xs)))
    True
    """

    def __init__(
        self, similarity: Any, tasks: Any, dendrogram: bool = True, name: str = ""
    ):
        self.similarity = np.asarray(similarity)
        self.tasks = np.asarray(tasks)
        self.dendrogram = dendrogram
        self.name = name

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        *,
        method: str = "auto",
        dendrogram: bool = True,
        ax: Any = None,
    ) -> TaskSimilarityDisplay:
        """Draw the similarity of the tasks of a fitted estimator.

        Parameters
        ----------
        estimator : estimator
            A fitted estimator or search.
        method : {"auto", "learned", "coef"}, default="auto"
            As in :func:`pymtl.task_similarity`.
        dendrogram : bool, default=True
            Whether to draw the dendrogram.
        ax : matplotlib.axes.Axes or None, default=None
            Where to draw; by default in a new figure.

        Returns
        -------
        display : TaskSimilarityDisplay
            The picture.
        """
        from .inspection import task_similarity

        estimator = _fitted(estimator)
        similarity = task_similarity(estimator, method)
        name = type(estimator).__name__
        return cls(similarity, estimator.tasks_, dendrogram, name).plot(ax=ax)

    def _draw(self, ax):
        T = len(self.similarity)
        self.order_ = np.arange(T)
        if self.dendrogram and T > 1:
            from scipy.cluster.hierarchy import dendrogram, linkage
            from scipy.spatial.distance import squareform

            distance = np.clip(1 - self.similarity, 0.0, None)
            np.fill_diagonal(distance, 0.0)
            distance = squareform((distance + distance.T) / 2)
            tree = linkage(distance, "average", optimal_ordering=True)
            self.tree_ax_ = ax.inset_axes([0, 1.02, 1, 0.2])
            drawn = dendrogram(
                tree, ax=self.tree_ax_, no_labels=True, color_threshold=0
            )
            self.tree_ax_.axis("off")
            self.order_ = np.array(drawn["leaves"])
        shown = self.similarity[np.ix_(self.order_, self.order_)]
        image = ax.imshow(shown, cmap="RdBu_r", vmin=-1, vmax=1)
        self.colorbar_ = self.figure_.colorbar(image, ax=ax, label="similarity")
        ax.set_xlabel("task")
        getattr(self, "tree_ax_", ax).set_title(self.name)
        for axis in (ax.xaxis, ax.yaxis):
            _name_ticks(axis, self.tasks[self.order_])
        ax.tick_params(axis="x", labelrotation=90)


def _fitted(estimator):
    from sklearn.utils.validation import check_is_fitted

    estimator = getattr(estimator, "best_estimator_", estimator)
    check_is_fitted(estimator, "coef_")
    return estimator
