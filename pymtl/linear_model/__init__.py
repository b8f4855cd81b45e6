"""The estimators, grouped by the kind of sharing they assume."""

from ._baselines import PooledRegressor, SingleTaskRegressor
from ._components import MultiTaskDirtyRegressor, MultiTaskRobustFeatureRegressor
from ._features import (
    MultiTaskL1Regressor,
    MultiTaskL21Regressor,
    MultiTaskLInfRegressor,
    MultiTaskSparseGroupRegressor,
)
from ._general import MultiTaskRegressor
from ._low_rank import (
    MultiTaskASORegressor,
    MultiTaskClusteredRegressor,
    MultiTaskFeatureCovarianceRegressor,
    MultiTaskRelationshipRegressor,
    MultiTaskRobustLowRankRegressor,
    MultiTaskSparseLowRankRegressor,
    MultiTaskTraceNormRegressor,
)
from ._mixed import MultiTaskDataSharedRegressor, MultiTaskTreeRegressor
from ._tasks import MultiTaskGraphRegressor, MultiTaskMeanRegressor
from ._temporal import (
    MultiTaskFusedSparseGroupRegressor,
    MultiTaskTemporalGroupRegressor,
)

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
    "MultiTaskRegressor",
    "MultiTaskRelationshipRegressor",
    "MultiTaskRobustFeatureRegressor",
    "MultiTaskRobustLowRankRegressor",
    "MultiTaskSparseGroupRegressor",
    "MultiTaskSparseLowRankRegressor",
    "MultiTaskTraceNormRegressor",
    "MultiTaskTreeRegressor",
    "PooledRegressor",
    "SingleTaskRegressor",
]
