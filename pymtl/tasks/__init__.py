"""The three doors for data: the only place that knows how samples belong to tasks.

1. lists of tasks, ``fit(Xs, ys)`` (or dicts that name the tasks),
2. a shared design, ``fit(X, Y)`` with one column of Y a task,
3. a long table, one row a sample, one column of X naming its task.

Inside there is one form, :class:`TaskData`: rows sorted by task.
"""

from ._classes import encode_classes, is_missing, number_rows
from ._clean import clean_labels, label_key, plain
from ._column import read_task_column, task_position
from ._constants import FLOATS, LISTS, LONG, SHARED
from ._convert import split_tasks, stack_tasks
from ._labels import encode_tasks, split_column
from ._rows import TaskRows, read_rows, read_vector
from ._stack import Pieces, is_lists, target_names
from ._training import TaskData, read_training, task_entries, task_values

__all__ = [
    "FLOATS",
    "LISTS",
    "LONG",
    "SHARED",
    "Pieces",
    "TaskData",
    "TaskRows",
    "clean_labels",
    "encode_classes",
    "encode_tasks",
    "is_lists",
    "is_missing",
    "label_key",
    "number_rows",
    "plain",
    "read_rows",
    "read_task_column",
    "read_training",
    "read_vector",
    "split_column",
    "split_tasks",
    "stack_tasks",
    "target_names",
    "task_entries",
    "task_position",
    "task_values",
]
