"""Choose a solver, run it, and certify what it returns."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ._problem import Problem
from ._result import Result
from .alm import alm
from .apg import apg, prox_residual
from .direct import direct, newton_decrement
from .smoothing import smoothing

EXACT = 1e-14
SOLVERS = ("auto", "apg", "direct")
ITERATIVE = {"alm": alm, "apg": apg}


def solve(
    problem: Problem,
    *,
    solver: str = "auto",
    tol: float = 1e-5,
    max_iter: int = 10000,
    W: np.ndarray | None = None,
    dtype: np.dtype | type = np.float64,
    y_scale: float = 0.0,
    callback: Callable[[int, float, float], None] | None = None,
) -> Result:
    """Solve a problem and certify the solution on its rows.

    Parameters
    ----------
    problem : Problem
        The problem.
    solver : {"auto", "apg", "direct"}, default="auto"
        "direct" solves purely quadratic problems by a linear system, "apg" is the
        accelerated proximal gradient method. "auto" takes "direct" where it can, else
        for the squared loss the method that the penalty names.
    tol : float, default=1e-5
        Tolerance of the certificate.
    max_iter : int, default=10000
        Largest number of iterations.
    W : ndarray of shape (n_features, n_columns) or None, default=None
        Start.
    dtype : dtype, default=float64
        Type of the returned coefficients, for which the certificate holds.
    y_scale : float, default=0.0
        Weighted sum of the squared targets before centring: a null model that is
        within rounding of it is the solution.
    callback : callable or None, default=None
        Called with iteration, objective and certificate.

    Returns
    -------
    result : Result
        The solution and its certificate.

    Raises
    ------
    ValueError
        If `solver` is "direct" and the problem is not purely quadratic.
    """
    if solver == "direct" and not problem.is_quadratic:
        msg = (
            "solver='direct' solves squared losses with quadratic penalties only; "
            "use solver='auto' or 'apg'."
        )
        raise ValueError(msg)
    null = problem.point(problem.null)
    null_objective = problem.objective(null)
    if problem.null.any():
        terms = 2 * np.sqrt(problem.hessian_diagonal) * np.abs(problem.null)
        y_scale += float(np.sum(terms.sum(axis=0) ** 2))
    if null_objective <= problem.loss.rounding(y_scale, np.finfo(dtype).eps):
        result = Result(problem.null, 1, [null_objective], converged=True)
        result.kind, result.objective = problem.kind, null_objective
        result.gap = result.certificate = 0.0
        return result
    if problem.is_quadratic and solver != "apg":
        result = direct(problem, problem.null if W is None else W)
        result.W = result.W.astype(dtype).astype(float)
        return _certified(problem, result, tol, null_objective)
    if problem.kind == "duality gap":
        gap = problem.gap(null, null_objective)
        if gap <= EXACT * null_objective:
            result = Result(problem.null, 1, [null_objective])
            return _certified(problem, result, tol, null_objective)
    start = np.array(null.W if W is None else W, dtype=float)
    goal = tol if dtype == np.float64 else 0.5 * tol  # room for rounding the solution
    if not problem.loss.smooth:
        result = smoothing(problem, start, goal, max_iter, null_objective, callback)
        result.W = result.W.astype(dtype).astype(float)
        return _certified(problem, result, tol, null_objective)
    metric = problem.metric()
    fast = problem.fast()
    own = solver == "auto" and problem.loss.quadratic
    run = ITERATIVE[problem.proximal.solver if own else "apg"]
    result = run(fast, start, goal, max_iter, null_objective, metric, callback)
    result = _certified(problem, result, tol, null_objective, metric)
    left = max_iter - result.n_iter
    if not result.converged and fast is not problem and left > 0:
        more = run(problem, result.W, goal, left, null_objective, metric, callback)
        more.n_iter += result.n_iter
        more.history = result.history + more.history
        result = _certified(problem, more, tol, null_objective, metric)
    if dtype == np.float64:
        return result
    result.W = result.W.astype(dtype).astype(float)
    return _certified(problem, result, tol, null_objective, metric)


def _certified(problem, result, tol, null_objective, metric=None):
    """Fill in the certificate, computed from the rows."""
    result.kind = problem.kind if result.polar is None else "duality gap"
    point = problem.point(result.W)
    if result.dual is not None:
        point.dual = result.dual
    result.objective = problem.objective(point)
    if result.kind == "duality gap":
        result.gap = problem.gap(point, result.objective, result.polar)
    elif result.kind == "newton decrement":
        result.gap = newton_decrement(problem, result.W)
    elif result.dual is None:
        unit = np.linalg.norm(problem.point(problem.null).gradient)
        result.certificate = prox_residual(problem, point, metric, 1 / metric) / unit
    if result.kind != "prox residual":
        result.certificate = result.gap / null_objective
    result.converged = bool(result.certificate <= tol)
    return result
