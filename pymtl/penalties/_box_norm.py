"""The squared box norm of the singular values, common to two penalties."""

from __future__ import annotations

import numpy as np

from .._kernels import box_shares
from ._spectral import Spectral, squared_singular_values


class BoxNorm(Spectral):
    r"""Base class of the squared spectral box norm.

    .. math:: \Omega(W) = \min_{0 \le m_i \le 1,\; \sum_i m_i \le k} \sum_i
              \frac{\lambda_2 (\lambda_1 + \lambda_2)}{\lambda_2 + \lambda_1 m_i} s_i^2

    Singular values s in full use of the budget k (m = 1) pay lambda2, those without
    (m = 0) pay lambda1 + lambda2. With :math:`\eta = \lambda_2 / \lambda_1` it is
    :math:`\lambda_1 \eta (1 + \eta) \min_M \operatorname{tr} (W (\eta I + M)^{-1} W')`.
    """

    strengths = ("lambda1", "lambda2")

    def unit(self, n_features, n_tasks):
        return {"lambda1": 1.0, "lambda2": 0.1}

    @property
    def budget(self) -> int:
        """The sum of the shares m."""
        raise NotImplementedError

    @property
    def is_zero(self):
        """Whether the penalty vanishes, which it does for lambda2 = 0."""
        return self.lambda2 == 0

    def shares(self, s: np.ndarray, extra: float = 0.0) -> np.ndarray:
        """Return the minimising m, ``clip((s z - lambda2 - extra) / lambda1, 0, 1)``.

        Parameters
        ----------
        s : ndarray of shape (r,)
            Singular values, descending.
        extra : float, default=0.0
            Positive within the prox.

        Returns
        -------
        m : ndarray of shape (r,)
            Shares for the z at which they use up the budget.
        """
        low, gain, k = self.lambda2 + extra, self.lambda1, self.budget
        used = np.count_nonzero(s)
        if used <= k or gain == 0:
            return (s > 0).astype(float)
        shares = np.zeros(len(s))
        shares[:used] = box_shares(s[:used], float(low), float(gain), k)
        return shares

    def slopes(self, s):
        a, b = self.lambda1, self.lambda2
        return 2 * b * (a + b) / (b + a * self.shares(s))

    def vector_value(self, s):
        if self.is_zero:
            return 0.0
        own = self.lambda2 + self.lambda1 * self.shares(s)
        return self.lambda2 * (self.lambda1 + self.lambda2) * float(np.sum(s**2 / own))

    def vector_prox(self, s, step):
        extra = 2 * step * self.lambda2 * (self.lambda1 + self.lambda2)
        own = self.lambda2 + self.lambda1 * self.shares(s, extra)
        return s * own / (own + extra)

    def conjugate(self, G: np.ndarray) -> float:
        r"""Return the conjugate.

        With :math:`s` the singular values of G it is :math:`\left(\|G\|_F^2 +
        \tfrac{\lambda_1}{\lambda_2} \sum_{i \le k} s_i^2\right) / (4 (\lambda_1 +
        \lambda_2))`.

        Parameters
        ----------
        G : ndarray of shape (n_features, n_tasks)
            Dual point.

        Returns
        -------
        value : float
            Finite everywhere.
        """
        a, b = self.lambda1, self.lambda2
        square = squared_singular_values(G)
        return float(square.sum() + a / b * square[: self.budget].sum()) / (4 * (a + b))
