"""Conformance checks for penalties, losses and estimators, yours included."""

from ._estimators import MULTITASK_CHECKS as MULTITASK_CHECKS
from ._estimators import check_multitask_estimator
from ._losses import LOSS_CHECKS as LOSS_CHECKS
from ._losses import check_loss
from ._penalties import PENALTY_CHECKS as PENALTY_CHECKS
from ._penalties import check_penalty

__all__ = ["check_loss", "check_multitask_estimator", "check_penalty"]
