"""Newton's method on the rows that are not zero."""

from __future__ import annotations

import numpy as np

from ._problem import GramProblem, Problem
from .bcd import is_uniform

SAMPLES = 4
STEPS = 10
HALVINGS = 4
ROUNDING = 1e-15


def has_support(problem: Problem) -> bool:
    """Return whether :func:`newton_on_support` is for a problem.

    With few samples for a feature its steps are ill-conditioned.
    """
    if not isinstance(problem, GramProblem) or not problem.design.apart:
        return False
    if not is_uniform(problem):
        return False
    if problem.proximal.row_norms[0] or problem.proximal.positive:
        return False
    return len(problem.y) >= SAMPLES * np.prod(problem.design.shape)


def newton_on_support(problem: GramProblem, W: np.ndarray) -> np.ndarray:
    r"""Move the rows of W that are not zero to where the objective is less.

    There :math:`\lambda \sum_j \|w_j\|` has the second derivatives
    :math:`\lambda (I - u_j u_j') / \|w_j\|`, with :math:`u_j = w_j / \|w_j\|`. With
    those of the squared loss they are a block :math:`A_t` a task, less a product of
    one column a row of W, which Woodbury's identity inverts.

    Parameters
    ----------
    problem : GramProblem
        A squared loss with the sum of the norms of the rows, and maybe a ridge.
    W : ndarray of shape (n_features, n_tasks)
        Start.

    Returns
    -------
    W : ndarray of shape (n_features, n_tasks)
        The start itself where no step helps.
    """
    strength = problem.proximal.row_norms[1]
    point = problem.point(W)
    objective = problem.objective(point)
    for _ in range(STEPS):
        rows = np.flatnonzero(point.W.any(axis=1))
        step = np.zeros(W.shape)
        step[rows] = _direction(problem, point, rows, strength)
        for halving in range(HALVINGS):
            trial = problem.point(point.W + 0.5**halving * step)
            value = problem.objective(trial)
            if value < objective:
                break
        fall = objective - value
        if not fall > 0:
            break
        point, objective = trial, value
        if fall <= ROUNDING * objective:
            break
    return point.W


def _direction(problem, point, rows, strength):
    """Return the Newton step of the rows."""
    product, U = problem.product, point.W[rows]
    norms = np.linalg.norm(U, axis=1)
    slope = (point.gradient + point.pull)[rows] + strength * U / norms[:, None]
    A = product.scale[:, None, None] * product.H[:, rows[:, None], rows]
    i = np.arange(len(rows))
    A[:, i, i] += np.broadcast_to(problem.matrix.ridge, norms.shape) + strength / norms
    inverse = np.linalg.inv(A)

    def solve(B):
        return np.einsum("tjk,kt->jt", inverse, B)

    V = solve(slope)
    products = np.einsum("jt,tjk,kt->jk", U, inverse, U)
    inner = np.diag(norms**3 / strength) - products
    share = np.linalg.lstsq(inner, np.sum(U * V, axis=1), rcond=None)[0]
    return -(V + solve(share[:, None] * U))
