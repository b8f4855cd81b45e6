"""The one judge of every solver: the duality gap of L2,1 multi-task least squares.

It uses NumPy only and shares no code with any solver it judges.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np


class Gap(NamedTuple):
    """Value of the primal, of a feasible dual point, and of the primal at zero."""

    primal: float
    dual: float
    null: float

    @property
    def relative(self) -> float:
        """Duality gap as a share of the null objective."""
        return (self.primal - self.dual) / self.null


def lambda_max(Xs: Sequence[np.ndarray], ys: Sequence[np.ndarray]) -> float:
    """Smallest strength at which every coefficient is zero.

    Parameters
    ----------
    Xs : sequence of T arrays of shape (n_t, d)
    ys : sequence of T arrays of shape (n_t,)

    Returns
    -------
    float
        ``max_j || (x_tj . y_t / n_t)_t ||_2``.
    """
    correlation = np.stack([X.T @ y / len(y) for X, y in zip(Xs, ys, strict=True)])
    return float(np.linalg.norm(correlation, axis=0).max())


def duality_gap(
    Xs: Sequence[np.ndarray],
    ys: Sequence[np.ndarray],
    W: np.ndarray,
    alpha: float,
    order: int = 2,
) -> Gap:
    r"""Duality gap of L2,1 multi-task least squares without intercepts at `W`.

    The primal problem is

    .. math:: P(W) = \sum_t \frac{1}{2 n_t} \|y_t - X_t w_t\|_2^2
              + \alpha \sum_j \|w_{j \cdot}\|_2,

    its dual is to maximise
    :math:`D(\theta) = \sum_t \theta_t^\top y_t - \frac{n_t}{2} \|\theta_t\|_2^2`
    subject to :math:`\|(x_{tj}^\top \theta_t)_t\|_2 \le \alpha` for each feature j.
    The dual point is the best feasible multiple of the scaled residuals
    :math:`(y_t - X_t w_t) / n_t`.

    Parameters
    ----------
    Xs : sequence of T arrays of shape (n_t, d)
    ys : sequence of T arrays of shape (n_t,)
    W : array of shape (d, T)
        Coefficients, one column a task.
    alpha : float
        Strength of the penalty, positive.
    order : {1, 2}, default=2
        With 1 the penalty is the sum of the absolute values, with its own dual ball.

    Returns
    -------
    Gap
        ``P(W)``, ``D`` at the dual point, and ``P(0)``.
    """
    n = [len(y) for y in ys]
    theta = [
        (y - X @ w) / len(y) for X, y, w in zip(Xs, ys, np.transpose(W), strict=True)
    ]
    size = sum(n_t * (th @ th) for n_t, th in zip(n, theta, strict=True))
    slope = sum(th @ y for th, y in zip(theta, ys, strict=True))
    correlation = np.stack([X.T @ th for X, th in zip(Xs, theta, strict=True)])
    if order == 1:
        penalty, gauge = np.abs(W).sum(), np.abs(correlation).max() / alpha
    else:
        penalty = np.linalg.norm(W, axis=1).sum()
        gauge = np.linalg.norm(correlation, axis=0).max() / alpha

    # D(c theta) = c slope - c^2 size / 2 is a parabola in c; c gauge <= 1 is feasible.
    scale = max(slope / size, 0.0) if size > 0 else 0.0
    if scale * gauge > 1:
        scale = 1 / gauge
    return Gap(
        primal=float(size / 2 + alpha * penalty),
        dual=float(scale * slope - scale**2 * size / 2),
        null=float(sum(y @ y / (2 * len(y)) for y in ys)),
    )
