"""Pictures: displays in the manner of scikit-learn, made by ``from_estimator``."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["TaskGainDisplay"]


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
        if len(order) <= 40:
            ax.set_yticks(place, [str(label) for label in self.tasks[order]])
