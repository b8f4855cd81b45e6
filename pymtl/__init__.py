"""Classical regularised multi-task learning in the manner of scikit-learn."""

from .linear_model import (
    MultiTaskL21Regressor,
    MultiTaskMeanRegressor,
    MultiTaskRegressor,
    PooledRegressor,
    SingleTaskRegressor,
)
from .tasks import split_tasks, stack_tasks

__version__ = "0.1.0"

__all__ = [
    "MultiTaskL21Regressor",
    "MultiTaskMeanRegressor",
    "MultiTaskRegressor",
    "PooledRegressor",
    "SingleTaskRegressor",
    "split_tasks",
    "stack_tasks",
]
