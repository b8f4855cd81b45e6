"""Low rank, and tasks that do not fit in."""

from ._two_parts import TwoParts
from .column_l2 import ColumnL2
from .trace_norm import TraceNorm


class RobustLowRank(TwoParts):
    r"""Robust low rank: tasks in a space of few dimensions, and outlier tasks.

    .. math:: \Omega(W) = \min_{L + S = W} \lambda_1 \|L\|_*
              + \lambda_2 \sum_t \|s_t\|_2

    The tasks with a column of S that is not zero are the outliers.

    The proxes are those of :class:`TraceNorm` and :class:`ColumnL2`. The polar is
    :math:`\max(\sigma_1(G) / \lambda_1, \max_t \|g_t\|_2 / \lambda_2)`.

    Both parts are used where :math:`\lambda_2 < \lambda_1 < \sqrt T \lambda_2`: below,
    S is zero, above, L is.

    Parameters
    ----------
    lambda1 : float or "auto", default="auto"
        Strength of the trace norm.
    lambda2 : float or "auto", default="auto"
        Strength of the outlier tasks. If both are "auto", :math:`\lambda_1 =
        T^{1/20} \lambda_2`, which is near the end of the useful range where few tasks
        are outliers, and they are a tenth of `lambda_max`; one "auto" follows the
        other.

    References
    ----------
    J. Chen, J. Zhou and J. Ye (2011). Integrating low-rank and group-sparse structures
    for robust multi-task learning. KDD.

    Examples
    --------
    >>> import numpy as np
    >>> from pymtl.penalties import RobustLowRank
    >>> RobustLowRank(1.5, 1.0).polar(np.array([[3.0, 0.0], [0.0, 1.0]]))
    3.0
    """

    place = 0.1
    names = ("low-rank part", "part of the outlier tasks")

    def terms(self, n_tasks):
        return [(None, TraceNorm(self.lambda1)), (None, ColumnL2(self.lambda2))]

    def useful_ratios(self, n_features, n_tasks):
        return 1.0, n_tasks**0.5

    def learned(self, W, parts, tasks):
        learned = super().learned(W, parts, tasks)
        outlier = learned["specific_coef_"].any(axis=1)
        return {**learned, "outlier_tasks_": tasks[outlier]}
