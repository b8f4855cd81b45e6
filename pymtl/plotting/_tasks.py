"""Pictures of what tasks gain, and of how alike they are."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._wrapped import fitted_of
from ..tasks import encode_tasks, is_lists
from ._display import Display, name_ticks


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
            Regressors, searches or pipelines fitted to the same tasks.
        X, y : list, dict or array
            Samples that were not trained with, through any door.
        ax : matplotlib.axes.Axes or None, default=None
            Where to draw; by default in a new figure.

        Returns
        -------
        display : TaskGainDisplay
            The picture.
        """
        from ..metrics import multitask_score, tasks_of_rows

        model, other = fitted_of(estimator), fitted_of(baseline)
        tasks, task = list(y) if isinstance(y, dict) else model.tasks_, None
        if model.task_column is not None and not is_lists(X):
            task = tasks_of_rows(estimator, X)
            tasks = encode_tasks(task)[0]
        ours, theirs = (
            multitask_score("mse", y, one.predict(X), task=task, average=None)
            for one in (estimator, baseline)
        )
        name = f"{type(model).__name__}, over {type(other).__name__}"
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
        name_ticks(ax.yaxis, self.tasks[order])


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
            A fitted estimator, a search of one, or a pipeline that ends with one.
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
        from ..inspection import task_similarity

        estimator = fitted_of(estimator)
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
            name_ticks(axis, self.tasks[self.order_])
        ax.tick_params(axis="x", labelrotation=90)
