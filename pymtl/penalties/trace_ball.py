"""A bound on the trace norm."""

import numpy as np

from ._spectral import Spectral, squared_singular_values

OUTSIDE = 1e-6


class TraceBall(Spectral):
    r"""Bound on the sum of the singular values: a budget for the rank.

    .. math:: \Omega(W) = 0 \text{ if } \|W\|_* \le \tau, \text{ else } \infty

    A component for :class:`Components`. The prox, for any step, is the projection: all
    singular values move towards zero by the amount at which their sum is the budget.
    The conjugate is :math:`\tau \sigma_1(G)`. What rounding to single precision leaves
    outside counts as inside.

    Parameters
    ----------
    budget : float
        The bound :math:`\tau`, positive.

    Examples
    --------
    >>> import numpy as np
    >>> from pymtl.penalties import TraceBall
    >>> TraceBall(2.0).prox(np.array([[3.0, 0.0], [0.0, 2.0]]), 1.0)
    array([[1.5, 0. ],
           [0. , 0.5]])
    """

    strengths = ()
    is_zero = False

    def __init__(self, budget: float):
        self.budget = budget

    def vector_value(self, s):
        return 0.0 if s.sum() <= self.budget * (1 + OUTSIDE) else np.inf

    def vector_prox(self, s, step):
        rank = np.arange(1, len(s) + 1)
        excess = np.max((np.cumsum(s) - self.budget) / rank)
        return np.maximum(s - max(excess, 0.0), 0.0)

    def conjugate(self, G: np.ndarray) -> float:
        """Return the conjugate, the largest singular value times the budget.

        Parameters
        ----------
        G : ndarray of shape (n_features, n_tasks)
            Dual point.

        Returns
        -------
        value : float
            Finite everywhere.
        """
        return self.budget * float(np.sqrt(squared_singular_values(G)[0]))

    def new_task(self, W, place):
        msg = (
            "A budget of the trace norm has no price for one task more: fit_new_task "
            "needs a strength in its place, lambda2 in place of rank_budget."
        )
        raise ValueError(msg)

    @classmethod
    def examples(cls, n_features, n_tasks):
        yield cls(1.5)
