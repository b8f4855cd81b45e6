"""The estimators, grouped by the kind of sharing they assume."""

from ._baselines import (
    PooledClassifier,
    PooledRegressor,
    SingleTaskClassifier,
    SingleTaskRegressor,
)
from ._bayesian import MultiTaskBayesianRegressor
from ._calibrated import (
    MultiTaskCalibratedRegressor,
)
from ._clustered import (
    MultiTaskASOClassifier,
    MultiTaskASORegressor,
    MultiTaskClusteredClassifier,
    MultiTaskClusteredRegressor,
)
from ._components import (
    MultiTaskDirtyClassifier,
    MultiTaskDirtyRegressor,
    MultiTaskRobustFeatureClassifier,
    MultiTaskRobustFeatureRegressor,
)
from ._covariance import (
    MultiTaskFeatureCovarianceClassifier,
    MultiTaskFeatureCovarianceRegressor,
    MultiTaskRelationshipClassifier,
    MultiTaskRelationshipRegressor,
)
from ._features import (
    MultiTaskL1Classifier,
    MultiTaskL1Regressor,
    MultiTaskL21Classifier,
    MultiTaskL21Regressor,
    MultiTaskLInfClassifier,
    MultiTaskLInfRegressor,
    MultiTaskSparseGroupClassifier,
    MultiTaskSparseGroupRegressor,
)
from ._general import (
    MultiTaskClassifier,
    MultiTaskRegressor,
)
from ._low_rank import (
    MultiTaskRobustLowRankClassifier,
    MultiTaskRobustLowRankRegressor,
    MultiTaskSparseLowRankClassifier,
    MultiTaskSparseLowRankRegressor,
    MultiTaskTraceNormClassifier,
    MultiTaskTraceNormRegressor,
)
from ._mcp import (
    MultiTaskMCPClassifier,
    MultiTaskMCPRegressor,
)
from ._mixed import (
    MultiTaskDataSharedClassifier,
    MultiTaskDataSharedRegressor,
    MultiTaskTreeClassifier,
    MultiTaskTreeRegressor,
)
from ._mixed_losses import MultiTaskMixed
from ._ordered_rows import (
    MultiTaskOrderedRowsClassifier,
    MultiTaskOrderedRowsRegressor,
)
from ._tasks import (
    MultiTaskGraphClassifier,
    MultiTaskGraphRegressor,
    MultiTaskMeanClassifier,
    MultiTaskMeanRegressor,
    MultiTaskNetworkLassoClassifier,
    MultiTaskNetworkLassoRegressor,
)
from ._temporal import (
    MultiTaskFusedSparseGroupClassifier,
    MultiTaskFusedSparseGroupRegressor,
    MultiTaskTemporalGroupClassifier,
    MultiTaskTemporalGroupRegressor,
)

__all__ = [
    "MultiTaskASOClassifier",
    "MultiTaskASORegressor",
    "MultiTaskBayesianRegressor",
    "MultiTaskCalibratedRegressor",
    "MultiTaskClassifier",
    "MultiTaskClusteredClassifier",
    "MultiTaskClusteredRegressor",
    "MultiTaskDataSharedClassifier",
    "MultiTaskDataSharedRegressor",
    "MultiTaskDirtyClassifier",
    "MultiTaskDirtyRegressor",
    "MultiTaskFeatureCovarianceClassifier",
    "MultiTaskFeatureCovarianceRegressor",
    "MultiTaskFusedSparseGroupClassifier",
    "MultiTaskFusedSparseGroupRegressor",
    "MultiTaskGraphClassifier",
    "MultiTaskGraphRegressor",
    "MultiTaskL1Classifier",
    "MultiTaskL1Regressor",
    "MultiTaskL21Classifier",
    "MultiTaskL21Regressor",
    "MultiTaskLInfClassifier",
    "MultiTaskLInfRegressor",
    "MultiTaskMCPClassifier",
    "MultiTaskMCPRegressor",
    "MultiTaskMeanClassifier",
    "MultiTaskMeanRegressor",
    "MultiTaskMixed",
    "MultiTaskNetworkLassoClassifier",
    "MultiTaskNetworkLassoRegressor",
    "MultiTaskOrderedRowsClassifier",
    "MultiTaskOrderedRowsRegressor",
    "MultiTaskRegressor",
    "MultiTaskRelationshipClassifier",
    "MultiTaskRelationshipRegressor",
    "MultiTaskRobustFeatureClassifier",
    "MultiTaskRobustFeatureRegressor",
    "MultiTaskRobustLowRankClassifier",
    "MultiTaskRobustLowRankRegressor",
    "MultiTaskSparseGroupClassifier",
    "MultiTaskSparseGroupRegressor",
    "MultiTaskSparseLowRankClassifier",
    "MultiTaskSparseLowRankRegressor",
    "MultiTaskTemporalGroupClassifier",
    "MultiTaskTemporalGroupRegressor",
    "MultiTaskTraceNormClassifier",
    "MultiTaskTraceNormRegressor",
    "MultiTaskTreeClassifier",
    "MultiTaskTreeRegressor",
    "PooledClassifier",
    "PooledRegressor",
    "SingleTaskClassifier",
    "SingleTaskRegressor",
]
