"""Penalties: one file each, registered in :data:`PENALTIES`."""

from ._base import Penalty, Quadratic, Sum
from ._components import Components
from ._task_matrix import TaskMatrix
from .l21 import L21
from .mean import Mean
from .ridge import Ridge

PENALTIES = {
    "l21": L21,
    "mean": Mean,
    "ridge": Ridge,
}

__all__ = [
    "PENALTIES",
    "L21",
    "Components",
    "Mean",
    "Penalty",
    "Quadratic",
    "Ridge",
    "Sum",
    "TaskMatrix",
]
