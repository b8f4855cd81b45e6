"""A common sparse vector and sparse deviations from it."""

from collections.abc import Iterator

import numpy as np

from ._base import Penalty
from ._components import Components, Free
from .l1 import L1


class DataShared(Components):
    r"""Data-shared lasso: a common vector and a deviation of each task, all sparse.

    .. math:: \Omega(W) = \min_{w_t = u + v_t} \lambda_1 \|u\|_1
              + \lambda_2 \sum_t \|v_t\|_1

    It is the lasso on a design that holds every feature once for all tasks and once
    for each. The proxes of u and of the :math:`v_t` shrink their entries. The polar is
    :math:`\max_{jt}(|\sum_s g_{js}| / \lambda_1, |g_{jt}| / \lambda_2)`.

    With :math:`\lambda_1 \ge T \lambda_2` it costs no more to deviate in every task,
    and u is zero. With :math:`\lambda_1 = 0` the common part is free.

    Parameters
    ----------
    lambda1 : float or "auto", default="auto"
        Strength of the common part.
    lambda2 : float or "auto", default="auto"
        Strength of the deviations. If both are "auto", :math:`\lambda_1 =
        \sqrt{T} \lambda_2`, and a tenth of `lambda_max`; one "auto" follows the other.

    References
    ----------
    S. M. Gross and R. Tibshirani (2016). Data shared lasso: a novel tool to discover
    uplift. Computational Statistics and Data Analysis.

    Examples
    --------
    >>> import numpy as np
    >>> from pymtl.penalties import DataShared
    >>> DataShared(2.0, 1.0).polar(np.array([[1.0, 1.0, 1.0], [-2.0, 1.0, 1.0]]))
    2.0
    """

    by_task = True

    strengths = ("lambda1", "lambda2")

    def __init__(self, lambda1: float | str = "auto", lambda2: float | str = "auto"):
        self.lambda1 = lambda1
        self.lambda2 = lambda2

    def unit(self, n_features, n_tasks):
        return {"lambda1": 1.0, "lambda2": n_tasks**-0.5}

    def terms(self, n_tasks):
        return [
            (np.ones((1, n_tasks)), L1(self.lambda1) if self.lambda1 else Free()),
            (None, L1(self.lambda2)),
        ]

    def null_space(self, n_tasks):
        return np.full((n_tasks, 0 if self.lambda1 else 1), n_tasks**-0.5)

    def range_warning(self, n_features, n_tasks):
        if 0 < n_tasks * self.lambda2 <= self.lambda1:
            return (
                f"lambda1={self.lambda1:.3g} is at least n_tasks * lambda2="
                f"{n_tasks * self.lambda2:.3g}, so the common part is zero and this is "
                "the lasso of each task. Both parts are used where lambda1 < n_tasks * "
                "lambda2."
            )
        return None

    @classmethod
    def examples(cls, n_features: int, n_tasks: int) -> Iterator[Penalty]:
        """Yield instances for the conformance tests.

        Parameters
        ----------
        n_features, n_tasks : int
            Shape of W.

        Yields
        ------
        penalty : Penalty
            Strengths in the range where both parts are used.
        """
        yield cls(0.7, 0.5)
