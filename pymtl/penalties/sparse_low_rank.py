"""Sparse plus low rank."""

import numpy as np

from ._components import Components
from ._two_parts import TwoParts
from .l1 import L1
from .trace_ball import TraceBall
from .trace_norm import TraceNorm


class SparseLowRank(TwoParts):
    r"""Sparse plus low rank: tasks in a space of few dimensions, and own entries.

    .. math:: \Omega(W) = \min_{P + Q = W} \lambda_1 \sum_{jt} |p_{jt}|
              + \lambda_2 \|Q\|_*

    The proxes are those of :class:`L1` and :class:`TraceNorm`. The polar is
    :math:`\max(\max_{jt} |g_{jt}| / \lambda_1, \sigma_1(G) / \lambda_2)`.

    Both parts are used where :math:`\lambda_1 < \lambda_2 < \sqrt{dT} \lambda_1`:
    below, P is zero, above, Q is.

    Parameters
    ----------
    lambda1 : float or "auto", default="auto"
        Strength of the sparse part.
    lambda2 : float or "auto", default="auto"
        Strength of the trace norm. If both are "auto" their ratio is the geometric
        middle of the useful range, :math:`\lambda_2 = (dT)^{1/4} \lambda_1`, and they
        are a tenth of `lambda_max`; one "auto" follows the other.

    See Also
    --------
    SparseRankBudget : With a bound on the trace norm in place of lambda2.

    References
    ----------
    J. Chen, J. Liu and J. Ye (2010). Learning incoherent sparse and low-rank patterns
    from multiple tasks. KDD.

    Examples
    --------
    >>> import numpy as np
    >>> from pymtl.penalties import SparseLowRank
    >>> SparseLowRank(1.0, 1.5).polar(np.array([[3.0, 3.0], [3.0, 3.0]]))
    4.0
    """

    names = ("sparse part", "low-rank part")

    def terms(self, n_tasks):
        return [(None, TraceNorm(self.lambda2)), (None, L1(self.lambda1))]

    def useful_ratios(self, n_features, n_tasks):
        return (n_features * n_tasks) ** -0.5, 1.0


class SparseRankBudget(Components):
    r"""Sparse plus low rank, the trace norm within a budget.

    .. math:: \Omega(W) = \min_{P + Q = W} \lambda_1 \sum_{jt} |p_{jt}|
              \quad \text{subject to } \|Q\|_* \le \tau

    :class:`SparseLowRank` with a bound in place of a strength. The proxes are those of
    :class:`L1` and :class:`TraceBall`. The conjugate is :math:`\tau \sigma_1(G)` where
    :math:`\max_{jt} |g_{jt}| \le \lambda_1`.

    Parameters
    ----------
    lambda1 : float or "auto", default="auto"
        Strength of the sparse part; "auto" is a tenth of the strength from which on P
        would be zero without Q.
    rank_budget : float, default=1.0
        The bound :math:`\tau`, positive.

    References
    ----------
    J. Chen, J. Liu and J. Ye (2010). Learning incoherent sparse and low-rank patterns
    from multiple tasks. KDD.

    Examples
    --------
    >>> import numpy as np
    >>> from pymtl.penalties import SparseRankBudget
    >>> SparseRankBudget(2.0, rank_budget=3.0).polar(np.array([[3.0, -4.0]]))
    2.0
    """

    strengths = ("lambda1",)

    def __init__(self, lambda1: float | str = "auto", rank_budget: float = 1.0):
        self.lambda1 = lambda1
        self.rank_budget = rank_budget

    def terms(self, n_tasks):
        return [(None, TraceBall(self.rank_budget)), (None, L1(self.lambda1))]

    def lambda_max(self, gradient):
        return np.inf  # Q is free within the budget

    def learned(self, W, parts, tasks):
        return {**super().learned(W, parts, tasks), "lambda2_": None}

    @classmethod
    def examples(cls, n_features, n_tasks):
        yield cls(0.7, 1.5)
