"""The estimators, grouped by the kind of sharing they assume."""

from ._baselines import PooledRegressor, SingleTaskRegressor
from ._calibrated import MultiTaskCalibratedRegressor
from ._components import MultiTaskDirtyRegressor, MultiTaskRobustFeatureRegressor
from ._features import (
    MultiTaskL1Regressor,
    MultiTaskL21Regressor,
    MultiTaskLInfRegressor,
    MultiTaskSparseGroupRegressor,
)
from ._general import MultiTaskClassifier, MultiTaskRegressor
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
from ._mixed_losses import MultiTaskMixed
from ._tasks import (
    MultiTaskGraphRegressor,
    MultiTaskMeanRegressor,
    MultiTaskNetworkLassoRegressor,
)
from ._temporal import (
    MultiTaskFusedSparseGroupRegressor,
    MultiTaskTemporalGroupRegressor,
)

__all__ = [
    "MultiTaskClassifier",
    "MultiTaskASORegressor",
    "MultiTaskCalibratedRegressor",
    "MultiTaskClusteredRegressor",
    "MultiTaskDataSharedRegressor",
    "MultiTaskDirtyRegressor",
    "MultiTaskFeatureCovarianceRegressor",
    "MultiTaskFusedSparseGroupRegressor",
    "MultiTaskGraphRegressor",
    "MultiTaskL1Regressor",
    "MultiTaskL21Regressor",
    "MultiTaskLInfRegressor",
    "MultiTaskMeanRegressor",
    "MultiTaskMixed",
    "MultiTaskNetworkLassoRegressor",
    "MultiTaskRegressor",
    "MultiTaskRelationshipRegressor",
    "MultiTaskRobustFeatureRegressor",
    "MultiTaskRobustLowRankRegressor",
    "MultiTaskSparseGroupRegressor",
    "MultiTaskSparseLowRankRegressor",
    "MultiTaskTemporalGroupRegressor",
    "MultiTaskTraceNormRegressor",
    "MultiTaskTreeRegressor",
    "PooledRegressor",
    "SingleTaskRegressor",
]
