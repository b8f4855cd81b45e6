"""Whole tasks in or out."""

import numpy as np

from .._kernels import shrink_rows
from ._base import Penalty


class ColumnL2(Penalty):
    r"""Sum of the Euclidean norms of the columns: a task has coefficients or has none.

    .. math:: \Omega(W) = \lambda_1 \sum_t \|w_t\|_2

    As the second component of W = P + Q it finds the tasks that do not fit into the
    structure of the first.

    The prox shortens each column by the step times the strength, to zero where it is
    not longer; with a step a coefficient it solves the secular equation of :class:`L21`
    on the transpose. The polar is :math:`\max_t \|g_t\|_2 / \lambda_1`.

    Parameters
    ----------
    lambda1 : float or "auto", default="auto"
        Strength; "auto" is a tenth of `lambda_max`.

    References
    ----------
    J. Chen, J. Zhou and J. Ye (2011). Integrating low-rank and group-sparse structures
    for robust multi-task learning. KDD.

    Examples
    --------
    >>> import numpy as np
    >>> from pymtl.penalties import ColumnL2
    >>> ColumnL2(1.0).prox(np.array([[3.0, 0.3], [4.0, 0.4]]), 1.0)
    array([[2.4, 0. ],
           [3.2, 0. ]])
    """

    by_task = True

    task_metric = True
    separable = "column"
    sharing = False

    def __init__(self, lambda1: float | str = "auto"):
        self.lambda1 = lambda1

    def value(self, W):
        return self.lambda1 * float(np.linalg.norm(W, axis=0).sum())

    def prox(self, V, step):
        step = np.broadcast_to(step, V.shape).T
        columns = np.ascontiguousarray(V.T)
        step = np.ascontiguousarray(step, dtype=columns.dtype)
        return shrink_rows(columns, step, np.full(len(columns), float(self.lambda1))).T

    def polar(self, G: np.ndarray) -> float:
        """Return the polar gauge, the largest column norm over the strength.

        Parameters
        ----------
        G : ndarray of shape (n_features, n_tasks)
            Dual point.

        Returns
        -------
        gauge : float
            At most 1 where G is in the dual ball.
        """
        return float(np.linalg.norm(G, axis=0).max(initial=0.0)) / self.lambda1
