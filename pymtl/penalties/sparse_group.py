"""Joint feature selection with exceptions."""

import numpy as np

from .._kernels import tree_gauge
from ._prior import on_rows, touching
from ._sign import Signed
from .l1 import L1
from .l21 import L21


class SparseGroup(Signed):
    r"""Sparse-group lasso: features chosen jointly, and again in each task.

    .. math:: \Omega(W) = \lambda_1 \sum_j \|w_{j\cdot}\|_2
              + \lambda_2 \sum_{jt} |w_{jt}|

    Between :class:`L21` and :class:`L1`: a feature is dropped for all tasks together,
    and a feature that is kept is not used by every task.

    The prox is the one of the entries followed by the one of the rows, also in the
    metric of the tasks. The polar of a row is the c at which the row, each entry moved
    towards zero by :math:`c \lambda_2`, has the norm :math:`c \lambda_1`.

    Parameters
    ----------
    lambda1 : float or "auto", default="auto"
        Strength of the row norms.
    lambda2 : float or "auto", default="auto"
        Strength of the entries. If both are "auto" they are equal, a tenth of
        `lambda_max`; one "auto" is equal to the other.
    positive : bool, default=False
        Whether to forbid negative coefficients.

    References
    ----------
    N. Simon, J. Friedman, T. Hastie and R. Tibshirani (2013). A sparse-group lasso.
    Journal of Computational and Graphical Statistics.

    Examples
    --------
    >>> import numpy as np
    >>> from pymtl.penalties import SparseGroup
    >>> SparseGroup(1.0, 1.0).prox(np.array([[4.0, 5.0, 0.8], [1.5, 1.5, 0.0]]), 1.0)
    array([[2.4, 3.2, 0. ],
           [0. , 0. , 0. ]])
    """

    strengths = ("lambda1", "lambda2")
    task_metric = True
    separable = "row"

    def __init__(
        self,
        lambda1: float | str = "auto",
        lambda2: float | str = "auto",
        positive: bool = False,
    ):
        self.lambda1 = lambda1
        self.lambda2 = lambda2
        self.positive = positive

    @property
    def row_norms(self):
        return None if self.is_sign else (self.lambda2, self.lambda1)

    def value(self, W):
        rows, entries = L21(self.lambda1).value(W), L1(self.lambda2).value(W)
        return self._size(W, rows + entries)

    def prox(self, V, step):
        return L21(self.lambda1).prox(
            L1(self.lambda2).prox(self._allowed(V), step), step
        )

    def _gauge(self, G: np.ndarray) -> float:
        """Return the largest of the rows."""
        n_tasks = G.shape[1]
        tasks = np.arange(n_tasks)
        start, stop = np.append(tasks, 0), np.append(tasks + 1, n_tasks)
        weight = np.append(np.full(n_tasks, float(self.lambda2)), float(self.lambda1))
        used = weight > 0
        G = np.ascontiguousarray(G)
        return tree_gauge(G, tasks, start[used], stop[used], weight[used])

    def new_task(self, W, place):
        rows = touching(np.linalg.norm(W, axis=1), self.lambda1)
        return on_rows(rows, L1(self.lambda2, self.positive))
