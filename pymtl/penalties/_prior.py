"""What a structure says of one more task."""

from __future__ import annotations

import numpy as np

from ._base import Penalty, Prior

OUTSIDE = 1e-8


class Touching(Penalty):
    r"""The quadratic of a prior: ½ sum(precision v²) at w = basis v, else infinite.

    The prox shrinks v, by 1 / (1 + step * precision), and drops what is outside the
    span. The conjugate is :math:`\tfrac12 \sum_i (b_i^\top g)^2 / p_i`.

    Parameters
    ----------
    prior : Prior
        Its mean is zero and its precisions are positive.
    """

    strengths = ()
    by_task = True
    is_zero = False

    def __init__(self, prior: Prior):
        self.prior = prior

    def value(self, W):
        v = self.prior.basis.T @ W
        outside = np.linalg.norm(W - self.prior.basis @ v)
        if outside > OUTSIDE * np.linalg.norm(W):
            return np.inf
        return 0.5 * float(np.sum(self.prior.precision[:, None] * v**2))

    def prox(self, V, step):
        v = self.prior.basis.T @ V
        return self.prior.basis @ (v / (1 + step * self.prior.precision[:, None]))

    def conjugate(self, G: np.ndarray) -> float:
        """Return the conjugate.

        Parameters
        ----------
        G : ndarray of shape (n_features, n_tasks)
            Dual point.

        Returns
        -------
        value : float
            Finite everywhere.
        """
        v = self.prior.basis.T @ G
        return 0.5 * float(np.sum(v**2 / self.prior.precision[:, None]))
