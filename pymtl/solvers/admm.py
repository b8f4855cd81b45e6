"""Alternating directions: the loss by linear systems, the penalty by its prox."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from ..designs import Spanned
from ..penalties import Ridge
from ._result import Result
from .direct import conjugate_gradients

if TYPE_CHECKING:
    from ._problem import Problem

CHECK = 10
BALANCE = 20
RATIO = 5.0
EXTRA = 10
ENOUGH = 1e-16


def admm(
    problem: Problem,
    W: np.ndarray,
    tol: float,
    max_iter: int,
    null_objective: float,
    callback: Callable[[int, float, float], None] | None = None,
) -> Result:
    r"""Minimise a problem with a squared loss where one step does not suit all tasks.

    .. math:: W^+ = \arg\min_W f(W) + \tfrac{\rho}{2} \|W - Z + U\|_F^2, \qquad
              Z^+ = \operatorname{prox}_{\Omega / \rho}(W^+ + U), \qquad
              U^+ = U + W^+ - Z^+

    The tasks' own units are the business of the linear systems, which are factored
    once for each :math:`\rho`; it follows the balance of the residuals.

    Parameters
    ----------
    problem : Problem
        A problem with a squared loss.
    W : ndarray of shape (n_features, n_columns)
        Start.
    tol : float
        Relative tolerance of the certificate.
    max_iter : int
        Largest number of iterations.
    null_objective : float
        Objective of the null model, the unit of the gap.
    callback : callable or None, default=None
        Called with iteration, objective and certificate.

    Returns
    -------
    result : Result
        The last Z if it is certified, else the last W.

    References
    ----------
    S. Boyd, N. Parikh, E. Chu, B. Peleato and J. Eckstein (2011). Distributed
    optimization and statistical learning via the alternating direction method of
    multipliers. Foundations and Trends in Machine Learning.
    """
    diagonal = problem.hessian_diagonal
    rho = float(np.exp(np.log(diagonal[diagonal > 0]).mean()))
    system = _System(problem, rho)
    Xy = -problem.point(np.zeros_like(W)).gradient
    Z, U = W, np.zeros_like(W)
    result = Result(W, history=[], solver="admm")
    late, certificate = 0, np.inf
    objective = problem.objective(problem.point(W))
    for iteration in range(1, max_iter + 1):
        W = system.solve(Xy + rho * (Z - U))
        last, Z = Z, problem.prox(W + U, 1.0 / rho)
        U = U + W - Z
        if iteration % CHECK and iteration < max_iter:
            result.history.append(objective)
            continue
        objective, certificate = _certificate(problem, W, null_objective)
        result.history.append(objective)
        result.W = W
        if callback is not None:
            callback(iteration, objective, certificate)
        if certificate <= tol:
            found = _certificate(problem, Z, null_objective)
            if found[1] <= tol:
                result.W, (objective, certificate) = Z, found
                break
            late += 1
            if late == EXTRA:
                break
        if iteration % BALANCE == 0:
            apart, moved = np.linalg.norm(W - Z), np.linalg.norm(Z - last)
            if max(apart, moved) > RATIO * min(apart, moved):
                factor = RATIO if apart > moved else 1.0 / RATIO
                rho, U = rho * factor, U / factor
                system = _System(problem, rho)
    result.n_iter = iteration
    result.objective, result.certificate = objective, float(certificate)
    return result


class _System:
    r"""The Hessian of the loss and the quadratic part, plus rho times the identity.

    With k components that add up to W, :math:`(H + \tfrac{\rho}{k} I) W = \bar B` is
    solved for their sum, and :math:`U_c = W / k + (B_c - \bar B) / \rho`.
    """

    def __init__(self, problem, rho):
        self.rho, self.parts, k = rho, None, 1
        if isinstance(problem.design, Spanned):
            self.parts, k = problem.design, problem.design.copies
            problem = problem.of_tasks
        m = problem.design.shape[1]
        matrix = problem.matrix + Ridge(0.5 * rho / k).quadratic(m)
        self.problem = problem.with_penalty(matrix, None)
        if self.problem.preconditioner.exact:
            self.problem.preconditioner.stack()

    def solve(self, B):
        """Return the solution of the system with right side B."""
        if self.parts is None:
            return self._solve(B)
        mean = self.parts.gather(B) / self.parts.copies
        W = self._solve(mean) / self.parts.copies
        return (B - self.parts.spread(mean)) / self.rho + self.parts.spread(W)

    def _solve(self, B):
        solve, fast = self.problem.preconditioner, self.problem.fast()
        return conjugate_gradients(fast, solve, B, solve(B), reduction=ENOUGH)[0]


def _certificate(problem, W, null_objective):
    point = problem.point(W)
    objective = problem.objective(point)
    return objective, problem.gap(point, objective) / null_objective
