"""What a model has learned of the tasks, and how sure it is."""

from ._affinity import task_affinity
from ._bootstrap import CoefIntervals, bootstrap_coef
from ._groups import TaskGroups, group_tasks
from ._similarity import task_similarity
from ._stability import StabilitySelection, stability_selection

__all__ = [
    "CoefIntervals",
    "StabilitySelection",
    "TaskGroups",
    "bootstrap_coef",
    "group_tasks",
    "stability_selection",
    "task_affinity",
    "task_similarity",
]
