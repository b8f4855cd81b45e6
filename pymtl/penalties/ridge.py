"""Ridge penalty."""

from ._base import Quadratic
from ._task_matrix import TaskMatrix


class Ridge(Quadratic):
    r"""Squared Frobenius norm, no sharing between tasks.

    .. math:: \Omega(W) = \lambda_2 \|W\|_F^2

    Parameters
    ----------
    lambda2 : float or "auto", default="auto"
        Strength; "auto" is half the mean curvature of the loss.

    Examples
    --------
    >>> import numpy as np
    >>> from pymtl.penalties import Ridge
    >>> Ridge(0.5).value(np.ones((2, 3)))
    3.0
    """

    by_task = False

    strengths = ("lambda2",)
    structure = False
    sharing = False

    def __init__(self, lambda2: float | str = "auto"):
        self.lambda2 = lambda2

    def quadratic(self, n_tasks):
        return TaskMatrix(n_tasks, 2 * self.lambda2)
