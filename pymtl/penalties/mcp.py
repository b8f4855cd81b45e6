"""Joint feature selection that does not shrink large coefficients."""

from __future__ import annotations

from collections.abc import Iterator
from numbers import Integral, Real

import numpy as np

from ._base import Penalty
from ._prior import on_rows
from ._weighted_rows import WeightedRows
from .l21 import L21, row_lengths

FACTORS = (1.0, 0.5, 0.25, 0.1, 0.03)  # of the strength, of the convex starts
REACH = 2.0  # of the longest row: how far rows that are not shrunk may go
BEND = 1 / 3  # of the curvature of the loss, by "auto"


class MCP(Penalty):
    r"""The minimax concave penalty of the row norms: large rows are not shrunk.

    .. math:: \Omega(W) = \sum_j \phi(\|w_{j\cdot}\|_2), \qquad
              \phi(r) = \begin{cases} \lambda_1 r - r^2 / (2 \gamma) & r \le \gamma
              \lambda_1 \\ \gamma \lambda_1^2 / 2 & \text{else} \end{cases}

    At zero it is as steep as :class:`L21`, which it becomes as gamma grows, then its
    slope :math:`(\lambda_1 - r / \gamma)_+` falls to nothing. It is not convex: fits
    end at a stationary point. Gamma has the unit of an inverse curvature of the loss.

    The prox with a step s below gamma is firm thresholding of the row norms: 0 up to
    :math:`s \lambda_1`, r itself from :math:`\gamma \lambda_1` on, and :math:`(r - s
    \lambda_1) / (1 - s / \gamma)` between; with larger steps it is hard thresholding at
    :math:`\lambda_1 \sqrt{\gamma s}`.

    Parameters
    ----------
    lambda1 : float or "auto", default="auto"
        Strength, the slope at zero; "auto" is a tenth of `lambda_max`, from which on
        zero is stationary.
    gamma : float or "auto", default="auto"
        How far the slope falls: rows longer than gamma lambda1 are not shrunk. "auto"
        is 3 over the mean curvature of the loss, so 3 for features of unit variance.
    n_init : int, default=5
        Number of starts, 1 to 5: the solutions of :class:`L21` with the strength and
        smaller ones. The best of the stationary points counts.

    References
    ----------
    C.-H. Zhang (2010). Nearly unbiased variable selection under minimax concave
    penalty. Annals of Statistics.

    P. Breheny and J. Huang (2015). Group descent algorithms for nonconvex penalized
    linear and logistic regression models with grouped predictors. Statistics and
    Computing.

    Examples
    --------
    >>> import numpy as np
    >>> from pymtl.penalties import MCP
    >>> V = np.array([[6.0, 8.0], [1.2, 1.6], [0.3, 0.4]])
    >>> np.linalg.norm(MCP(1.0, gamma=3.0).prox(V, 1.0), axis=1)
    array([10. ,  1.5,  0. ])
    """

    convex = False
    separable = "row"

    def __init__(
        self,
        lambda1: float | str = "auto",
        gamma: float | str = "auto",
        n_init: int = 5,
    ):
        self.lambda1 = lambda1
        self.gamma = gamma
        self.n_init = n_init

    @property
    def is_auto(self):
        """Whether the strength or gamma is "auto"."""
        return super().is_auto or isinstance(self.gamma, str)

    def resolve(self, gradient, curvature):
        other = super().resolve(gradient, curvature)
        if isinstance(self.gamma, str) and self.gamma == "auto":
            other.gamma = 1 / (BEND * (curvature or 1.0))
        return other

    def _cost(self, r):
        """Return phi of the norms r."""
        near = np.minimum(r, self.gamma * self.lambda1)
        return near * (self.lambda1 - near / (2 * self.gamma))

    def _slope(self, r):
        """Return the derivative of phi at the norms r, from above."""
        return np.maximum(self.lambda1 - r / self.gamma, 0.0)

    def value(self, W):
        self.check_options()
        return float(self._cost(row_lengths(W)).sum())

    def prox(self, V, step):
        r = row_lengths(V)
        tries = [np.zeros_like(r), r]  # one of the stationary points is the best
        if step < self.gamma:
            bent = (r - step * self.lambda1) / (1 - step / self.gamma)
            tries.append(np.clip(bent, 0.0, self.gamma * self.lambda1))
        tries = np.array(tries)
        best = np.argmin((tries - r) ** 2 / (2 * step) + self._cost(tries), axis=0)
        kept = tries[best, np.arange(len(r))]
        ratio = np.divide(kept, r, out=np.zeros_like(r), where=r > 0)
        return V * ratio[:, None]

    def polar(self, G: np.ndarray) -> float:
        """Return the gauge of the slopes at zero, for "auto" and `lambda_max`.

        Parameters
        ----------
        G : ndarray of shape (n_features, n_tasks)
            Dual point.

        Returns
        -------
        gauge : float
            At most 1 where zero is stationary.
        """
        return float(row_lengths(G).max(initial=0.0)) / self.lambda1

    def majorant(self, W: np.ndarray) -> Penalty:
        """Return the convex penalty that touches this one at W, but for a constant.

        Parameters
        ----------
        W : ndarray of shape (n_features, n_tasks)
            Coefficients.

        Returns
        -------
        penalty : Penalty
            Up to the constant it is above this one everywhere and equal to it at W.
        """
        r = row_lengths(W)
        return WeightedRows(self._slope(r), REACH * float(r.max(initial=0.0)))

    def starts(self) -> Iterator[Penalty]:
        """Yield the convex penalties whose solutions are the starts of a fit.

        Yields
        ------
        penalty : Penalty
            The tangent at zero, and weaker ones, `n_init` in all.
        """
        for factor in FACTORS[: self.n_init]:
            yield L21(factor * self.lambda1)

    def learned(self, W, parts, tasks):
        return {"gamma_": self.gamma}

    def check_options(self) -> None:
        """Raise a ValueError if an option is not what it has to be."""
        if not isinstance(self.gamma, Real) or not self.gamma > 0:
            msg = f"gamma of MCP is a number above 0, or 'auto', got {self.gamma!r}."
            raise ValueError(msg)
        most = len(FACTORS)
        if not isinstance(self.n_init, Integral) or not 1 <= self.n_init <= most:
            msg = f"n_init of MCP is 1 to {most}, got {self.n_init!r}."
            raise ValueError(msg)

    def new_task(self, W, place):
        r = row_lengths(W)
        none = np.full(len(r), np.inf)
        return on_rows(np.divide(self._slope(r), r, out=none, where=r > 0))

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
            Of the usual gamma.
        """
        yield cls(0.7, 3.0)
