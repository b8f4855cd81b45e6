"""Classical regularised multi-task learning in the manner of scikit-learn."""

from .linear_model import (
    MultiTaskASORegressor,
    MultiTaskClusteredRegressor,
    MultiTaskDataSharedRegressor,
    MultiTaskDirtyRegressor,
    MultiTaskFeatureCovarianceRegressor,
    MultiTaskFusedSparseGroupRegressor,
    MultiTaskGraphRegressor,
    MultiTaskL1Regressor,
    MultiTaskL21Regressor,
    MultiTaskLInfRegressor,
    MultiTaskMeanRegressor,
    MultiTaskNetworkLassoRegressor,
    MultiTaskRegressor,
    MultiTaskRelationshipRegressor,
    MultiTaskRobustFeatureRegressor,
    MultiTaskRobustLowRankRegressor,
    MultiTaskSparseGroupRegressor,
    MultiTaskSparseLowRankRegressor,
    MultiTaskTemporalGroupRegressor,
    MultiTaskTraceNormRegressor,
    MultiTaskTreeRegressor,
    PooledRegressor,
    SingleTaskRegressor,
)
from .model_selection import MultiTaskSearchCV, RepeatedTaskKFold, TaskKFold
from .preprocessing import TaskScaler
from .tasks import split_tasks, stack_tasks

__version__ = "0.1.0"

__all__ = [
    "MultiTaskFusedSparseGroupRegressor",
    "MultiTaskGraphRegressor",
    "MultiTaskTemporalGroupRegressor",
    "MultiTaskASORegressor",
    "MultiTaskClusteredRegressor",
    "MultiTaskDataSharedRegressor",
    "MultiTaskDirtyRegressor",
    "MultiTaskFeatureCovarianceRegressor",
    "MultiTaskL1Regressor",
    "MultiTaskL21Regressor",
    "MultiTaskLInfRegressor",
    "MultiTaskMeanRegressor",
    "MultiTaskNetworkLassoRegressor",
    "MultiTaskRegressor",
    "MultiTaskRelationshipRegressor",
    "MultiTaskRobustFeatureRegressor",
    "MultiTaskRobustLowRankRegressor",
    "MultiTaskSearchCV",
    "MultiTaskSparseGroupRegressor",
    "MultiTaskSparseLowRankRegressor",
    "MultiTaskTraceNormRegressor",
    "MultiTaskTreeRegressor",
    "PooledRegressor",
    "RepeatedTaskKFold",
    "SingleTaskRegressor",
    "TaskKFold",
    "TaskScaler",
    "split_tasks",
    "stack_tasks",
]
