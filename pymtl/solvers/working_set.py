"""Working sets of rows, for steps that would see all of them."""

from __future__ import annotations

import numpy as np

from ._problem import Point, Problem
from .bcd import farthest, has_rows, row_scores

SMALLEST = 1000  # coefficients
FEWEST, MANY = 10, 100
MOST = 0.75


def has_working_sets(problem: Problem) -> bool:
    """Return whether a problem can be restricted to some of the rows of W."""
    squares = problem.least_squares
    return has_rows(problem) and (squares is None or hasattr(squares, "of"))


def enlarge(
    point: Point, rows: np.ndarray | slice, part: Problem | None
) -> tuple[np.ndarray | slice, Problem]:
    """Return the rows to work on at a point, and the problem of them.

    They are kept as long as they hold the rows that are not zero, and those whose
    gradient is the furthest from the dual ball; those are the new ones else.

    Parameters
    ----------
    point : Point
        Where a problem that :func:`has_working_sets` is.
    rows : ndarray of int, or slice
        The rows so far.
    part : Problem or None
        The problem of them.

    Returns
    -------
    rows : ndarray of int, or slice
        The rows; a slice where they are nearly all.
    part : Problem
        The problem of them, the others being zero.
    """
    if isinstance(rows, slice):
        return rows, part
    score = row_scores(point)
    size = np.clip(SMALLEST // point.W.shape[1], FEWEST, MANY)
    size = max(2 * np.count_nonzero(np.isinf(score)), size)
    wanted = farthest(score, size)
    if len(wanted) > MOST * len(score):
        return slice(None), point.problem
    if part is None or not np.isin(wanted, rows).all():
        rows, part = wanted, point.problem.take(wanted)
    return rows, part
