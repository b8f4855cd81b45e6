"""What the displays share: axes, ticks, fitted models."""

from __future__ import annotations

from typing import Any

import numpy as np

MANY = 40


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
        self.ax_ = subplots(ax)
        self.figure_ = self.ax_.figure
        self._draw(self.ax_)
        return self

    def _draw(self, ax):
        raise NotImplementedError


def subplots(ax: Any = None, **options: Any) -> Any:
    """Return axes to draw in, by default of a new figure."""
    if ax is not None:
        return ax
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        msg = 'Pictures need matplotlib: pip install "pymtl[plot]".'
        raise ImportError(msg) from error
    return plt.subplots(layout="constrained", **options)[1]


def name_ticks(axis, labels):
    """Name the places 0, 1, ... of an axis, unless there are too many."""
    if len(labels) <= MANY:
        axis.set_ticks(np.arange(len(labels)), [str(label) for label in labels])
