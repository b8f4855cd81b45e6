"""Shared features, and tasks that do not fit in."""

from ._two_parts import TwoParts
from .column_l2 import ColumnL2
from .l21 import L21


class RobustFeature(TwoParts):
    r"""Robust feature learning: tasks that share features, and outlier tasks.

    .. math:: \Omega(W) = \min_{P + Q = W} \lambda_1 \sum_j \|p_{j\cdot}\|_2
              + \lambda_2 \sum_t \|q_t\|_2

    The tasks with a column of Q that is not zero are the outliers.

    The proxes are those of :class:`L21` and :class:`ColumnL2`. The polar is
    :math:`\max(\max_j \|g_{j\cdot}\|_2 / \lambda_1, \max_t \|g_t\|_2 / \lambda_2)`.

    Both parts are used where :math:`\lambda_2 / \sqrt d < \lambda_1 < \sqrt T
    \lambda_2`: below, Q is zero, above, P is.

    Parameters
    ----------
    lambda1 : float or "auto", default="auto"
        Strength of the shared features.
    lambda2 : float or "auto", default="auto"
        Strength of the outlier tasks. If both are "auto", :math:`\lambda_1 =
        T^{1/5} d^{-3/10} \lambda_2`, in the useful range a little to the side where few
        tasks are outliers, and they are a tenth of `lambda_max`; one "auto" follows the
        other.

    References
    ----------
    P. Gong, J. Ye and C. Zhang (2012). Robust multi-task feature learning. KDD.

    Examples
    --------
    >>> import numpy as np
    >>> from pymtl.penalties import RobustFeature
    >>> RobustFeature(1.0, 1.0).polar(np.array([[3.0, 4.0], [4.0, 0.0]]))
    5.0
    """

    place = 0.4
    names = ("shared part", "part of the outlier tasks")

    def terms(self, n_tasks):
        return [(None, L21(self.lambda1)), (None, ColumnL2(self.lambda2))]

    def useful_ratios(self, n_features, n_tasks):
        return n_features**-0.5, n_tasks**0.5

    def learned(self, W, parts, tasks):
        learned = super().learned(W, parts, tasks)
        outlier = learned["specific_coef_"].any(axis=1)
        return {**learned, "outlier_tasks_": tasks[outlier]}
