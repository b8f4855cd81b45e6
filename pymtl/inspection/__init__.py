"""What a model has learned of the tasks, and how sure it is."""

from ._affinity import task_affinity
from ._bootstrap import CoefIntervals, bootstrap_coef
from ._groups import TaskGroups, group_tasks
from ._pipelines import coef_frame, fit_new_task
from ._similarity import task_similarity
from ._stability import StabilitySelection, stability_selection

__all__ = [
    "CoefIntervals",
    "StabilitySelection",
    "TaskGroups",
    "bootstrap_coef",
    "coef_frame",
    "fit_new_task",
    "group_tasks",
    "stability_selection",
    "task_affinity",
    "task_similarity",
]
