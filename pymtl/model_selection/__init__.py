"""Choosing strengths: folds inside every task, paths, and the search over them."""

from .._path import Path
from ._split import TaskKFold

__all__ = ["Path", "TaskKFold"]
