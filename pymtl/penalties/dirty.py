"""Shared rows and entries of a task's own."""

from ._two_parts import TwoParts
from .l1 import L1
from .l21 import L21
from .linf import LInf


class Dirty(TwoParts):
    r"""Dirty model: features that all tasks share, and features of a task's own.

    .. math:: \Omega(W) = \min_{P + Q = W} \lambda_1 \sum_j \max_t |p_{jt}|
              + \lambda_2 \sum_{jt} |q_{jt}|

    With ``shared_norm="2"`` the rows of P count with their Euclidean norms, so that a
    shared feature may have coefficients of any size.

    The proxes are those of :class:`LInf` (or :class:`L21`) and :class:`L1`. The polar
    is :math:`\max(\max_j \|g_{j\cdot}\|_1 / \lambda_1, \max_{jt} |g_{jt}| /
    \lambda_2)`, with :math:`\|g_{j\cdot}\|_2` for ``shared_norm="2"``.

    Both parts are used where :math:`\lambda_2 < \lambda_1 < T \lambda_2`, or :math:`<
    \sqrt T \lambda_2` for ``shared_norm="2"``: below, everything is shared, above,
    nothing.

    Parameters
    ----------
    lambda1 : float or "auto", default="auto"
        Strength of the shared part.
    lambda2 : float or "auto", default="auto"
        Strength of the own parts. If both are "auto" their ratio is the geometric
        middle of the useful range, :math:`\lambda_1 = \sqrt T \lambda_2` or
        :math:`T^{1/4} \lambda_2`, and they are a tenth of `lambda_max`; one "auto"
        follows the other.
    shared_norm : {"inf", "2"}, default="inf"
        Norm of the rows of P.

    References
    ----------
    A. Jalali, P. Ravikumar, S. Sanghavi and C. Ruan (2010). A dirty model for
    multi-task learning. NIPS.

    Examples
    --------
    >>> import numpy as np
    >>> from pymtl.penalties import Dirty
    >>> Dirty(2.0, 1.0).polar(np.array([[1.0, 1.0, 1.0], [-2.0, 0.0, 0.5]]))
    2.0
    """

    def __init__(
        self,
        lambda1: float | str = "auto",
        lambda2: float | str = "auto",
        shared_norm: str = "inf",
    ):
        super().__init__(lambda1, lambda2)
        self.shared_norm = shared_norm

    def terms(self, n_tasks):
        return [(None, self._rows(self.lambda1)), (None, L1(self.lambda2))]

    @property
    def _rows(self):
        norms = {"inf": LInf, "2": L21}
        if self.shared_norm not in norms:
            msg = f'shared_norm must be "inf" or "2", got {self.shared_norm!r}.'
            raise ValueError(msg)
        return norms[self.shared_norm]

    def useful_ratios(self, n_features, n_tasks):
        return 1.0, float(n_tasks if self._rows is LInf else n_tasks**0.5)

    @classmethod
    def examples(cls, n_features, n_tasks):
        yield from super().examples(n_features, n_tasks)
        yield cls(0.7, 0.7 / n_tasks**0.25, shared_norm="2")
