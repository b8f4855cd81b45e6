"""Choosing strengths: folds inside every task, paths, and the search over them."""

from .._path import Path
from ._search import MultiTaskSearchCV
from ._split import RepeatedTaskKFold, TaskKFold
from ._time_split import TaskTimeSeriesSplit

__all__ = [
    "MultiTaskSearchCV",
    "Path",
    "RepeatedTaskKFold",
    "TaskKFold",
    "TaskTimeSeriesSplit",
]
