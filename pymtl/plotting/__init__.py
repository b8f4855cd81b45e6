"""Pictures: displays in the manner of scikit-learn, made by ``from_estimator``."""

from ._coefficients import CoefficientDisplay, CoefIntervalDisplay
from ._fits import ConvergenceDisplay, PathDisplay, SearchDisplay
from ._tasks import TaskGainDisplay, TaskSimilarityDisplay

__all__ = [
    "CoefIntervalDisplay",
    "CoefficientDisplay",
    "ConvergenceDisplay",
    "PathDisplay",
    "SearchDisplay",
    "TaskGainDisplay",
    "TaskSimilarityDisplay",
]
