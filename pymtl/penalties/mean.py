"""Penalty of the deviations from the mean task."""

import numpy as np

from ._base import Quadratic
from ._task_matrix import TaskMatrix


class Mean(Quadratic):
    r"""Squared distances of the tasks to their mean.

    .. math:: \Omega(W) = \lambda_1 \sum_t \|w_t - \tfrac1T \sum_s w_s\|_2^2

    With the ridge :math:`\lambda_2 \|W\|_F^2` it is the regularised multi-task
    learning of Evgeniou and Pontil. As :math:`\lambda_1` grows the tasks become one.

    Parameters
    ----------
    lambda1 : float or "auto", default="auto"
        Strength; "auto" is half the mean curvature of the loss.

    References
    ----------
    T. Evgeniou and M. Pontil (2004). Regularized multi-task learning. KDD.

    Examples
    --------
    >>> import numpy as np
    >>> from pymtl.penalties import Mean
    >>> Mean(1.0).value(np.array([[1.0, 3.0]]))
    2.0
    """

    def __init__(self, lambda1: float | str = "auto"):
        self.lambda1 = lambda1

    def quadratic(self, n_tasks):
        return TaskMatrix(
            n_tasks,
            beta=2 * self.lambda1,
            factors=np.full((n_tasks, 1), n_tasks**-0.5),
            values=np.zeros(1),
        )
