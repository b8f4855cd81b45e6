"""The estimators, grouped by the kind of sharing they assume."""

from ._baselines import PooledRegressor, SingleTaskRegressor
from ._features import MultiTaskL21Regressor
from ._general import MultiTaskRegressor
from ._tasks import MultiTaskMeanRegressor

__all__ = [
    "MultiTaskL21Regressor",
    "MultiTaskMeanRegressor",
    "MultiTaskRegressor",
    "PooledRegressor",
    "SingleTaskRegressor",
]
