"""Pictures of convergence, paths and searches."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._wrapped import fitted_of, inside
from ._display import Display


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
            A fitted estimator, a search of one, or a pipeline that ends with one.
        ax : matplotlib.axes.Axes or None, default=None
            Where to draw; by default in a new figure.

        Returns
        -------
        display : ConvergenceDisplay
            The picture.
        """
        estimator = fitted_of(estimator)
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
            An estimator, a search of one, or a pipeline that ends with one; it is not
            fitted.
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
        estimator, X = inside(estimator, X, y)
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
        search : MultiTaskSearchCV, GridSearchCV or Pipeline
            A fitted search over at least one strength, or a pipeline that ends with
            one.
        ax : matplotlib.axes.Axes or None, default=None
            Where to draw; by default in a new figure.

        Returns
        -------
        display : SearchDisplay
            The picture.
        """
        while hasattr(search, "steps"):
            search = search.steps[-1][1]
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
