"""Choose a solver, run it, and certify what it returns."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from ._problem import Problem
from ._result import Result
from .admm import admm
from .alm import alm
from .apg import apg, prox_residual
from .bcd import bcd, has_bcd
from .direct import direct, newton_decrement
from .homotopy import has_homotopy, homotopy, is_small
from .multistage import has_majorant, majorant_gap, multistage
from .newton import newton
from .semismooth import can_semismooth, has_semismooth, semismooth
from .smoothing import smoothing
from .support import has_support, newton_on_support
from .working_set import enlarge, has_working_sets

EXACT = 1e-14
SOLVERS = ("auto", "apg", "bcd", "direct", "homotopy", "newton", "semismooth")
SURE = 1e-3
EASY, LONG = 200, 3000
SOON = 50  # with Gram matrices, factors are cheap
SWEEPS = 20
LABORIOUS = 1000  # sweeps that cost about as much as the steps of "semismooth"
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
    solver : str, default="auto"
        One of `SOLVERS`. "direct" solves purely quadratic problems by a linear system,
        "homotopy" squared losses with a norm of entries from knot to knot of the path,
        "bcd" those with norms of rows or entries by block coordinate descent,
        "semismooth" the same by Newton steps on the dual, "newton" other smooth losses
        by a sequence of squared losses, "apg" is the accelerated proximal gradient
        method. "auto" takes the first of "direct", "homotopy" (small tasks), "bcd",
        "newton", for the squared loss the method that the penalty names, and "apg"
        that can; "semismooth" takes over where "bcd" needs many sweeps. What the
        others leave short of `tol`, "apg" continues.
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
        If `solver` cannot solve the problem.
    """
    if not problem.convex:
        _require_descent(problem, solver)
    if solver == "homotopy" and not has_homotopy(problem):
        msg = (
            "solver='homotopy' solves squared losses with L1, with or without a ridge, "
            "on dense rows, with intercepts that are free or absent; use "
            "solver='auto', 'semismooth' or 'bcd'."
        )
        raise ValueError(msg)
    by_rows = {"bcd": has_bcd, "semismooth": can_semismooth}
    if solver in by_rows and not by_rows[solver](problem):
        forms = "" if solver == "bcd" else " and with intercepts free or absent"
        msg = (
            f"solver={solver!r} solves squared losses with penalties that are norms of "
            "rows or entries (L1, L21, SparseGroup, each with or without a ridge)"
            f"{forms}; use solver='auto' or 'apg'."
        )
        raise ValueError(msg)
    if solver == "direct" and not problem.is_quadratic:
        msg = (
            "solver='direct' solves squared losses with quadratic penalties only; "
            "use solver='auto' or 'apg'."
        )
        raise ValueError(msg)
    if solver == "newton" and not problem.second_order:
        msg = (
            "solver='newton' is for smooth losses with second derivatives that are not "
            "quadratic; use solver='auto'."
        )
        raise ValueError(msg)
    null = problem.null_point
    null_objective = problem.objective(null)
    if problem.null.any():
        terms = 16 * np.sqrt(problem.hessian_diagonal) * np.abs(problem.null)
        y_scale += float(np.sum(terms.sum(axis=0) ** 2))
    if null_objective <= problem.loss.rounding(y_scale, float(np.finfo(dtype).eps)):
        result = Result(problem.null, 1, [null_objective], converged=True)
        result.kind, result.objective = problem.kind, null_objective
        result.gap = result.certificate = 0.0
        result.majorant_gap = 0.0 if has_majorant(problem) else None
        return result
    if problem.null.any() and problem.separates(problem.null):
        result = Result(problem.null, 1, [null_objective], "newton")
        return _certified(problem, result, tol, null_objective)
    goal = tol if dtype == np.float64 else 0.5 * tol  # room for rounding the solution
    if problem.is_quadratic and solver != "apg":
        start = problem.null if W is None else W
        result = direct(problem, start, goal * null_objective)
        return _rounded(problem, result, dtype, tol, null_objective)
    if problem.kind == "duality gap":
        gap = problem.gap(null, null_objective)
        if gap <= EXACT * null_objective:
            result = Result(problem.null, 1, [null_objective])
            return _certified(problem, result, tol, null_objective)
    start = problem.null if W is None else np.asarray(W, dtype=float)
    result = Result(start, n_iter=0)
    for method in _methods(problem, solver):
        left = max_iter - result.n_iter
        new = method(result.W, goal, left, null_objective, callback=callback)
        new.n_iter += result.n_iter
        new.history = result.history + new.history
        result = _certified(problem, new, tol, null_objective)
        if result.converged or result.unbounded or result.n_iter >= max_iter:
            break
    if dtype == np.float64:
        return result
    return _rounded(problem, result, dtype, tol, null_objective)


def _require_descent(problem, solver):
    """Raise an error unless steps that go down minimise a penalty not convex."""
    parts = getattr(problem.proximal, "penalties", [problem.proximal])
    name = next(type(part).__name__ for part in parts if not part.convex)
    if solver not in ("auto", "apg"):
        msg = (
            f"solver={solver!r} needs a convex penalty, {name} is not: use "
            "solver='auto' or 'apg'."
        )
        raise ValueError(msg)
    if not problem.loss.smooth:
        msg = (
            f"{name} is not convex, which needs a smooth loss: use the Huber loss in "
            "place of a quantile, the squared hinge in place of the hinge."
        )
        raise ValueError(msg)


def _methods(problem, solver):
    """Yield the methods to try, each from where the last one has stopped."""
    if not problem.loss.smooth:
        yield partial(smoothing, problem)
        return
    if solver == "auto" and has_majorant(problem):
        yield partial(multistage, problem, convex=_stage)
    if solver in ("auto", "newton") and problem.second_order and problem.convex:
        rows = enlarge if has_working_sets(problem) else None
        method = partial(newton, problem, inner=_minimise, enlarge=rows)
        if problem.proximal is None and problem.null_basis.shape[1]:
            method = _sharper(method)
        yield method
    if solver != "apg" and has_bcd(problem):
        knots = solver in ("auto", "homotopy") and has_homotopy(problem)
        if knots and (solver == "homotopy" or is_small(problem)):
            yield partial(homotopy, problem)
        if solver == "semismooth":
            yield partial(semismooth, problem)
        elif solver == "auto" and has_semismooth(problem):
            if problem.dual_scale is None:
                yield _limited(partial(bcd, problem), LABORIOUS)
            yield partial(semismooth, problem)
        yield partial(bcd, problem)
    fast = problem.fast()
    own = solver == "auto" and problem.loss.quadratic
    name = problem.proximal.solver if own else "apg"
    method = ITERATIVE[name]
    if own and name == "apg" and _has_one_step(problem):
        easy = EASY if fast is problem else min(EASY, SOON)
        yield _limited(partial(apg, fast), easy)
        yield _limited(partial(admm, problem), LONG)
    yield _cheaper(partial(method, fast), problem.loss.cost)
    if fast is not problem:
        yield partial(method, problem)


def _stage(problem, W, gap, most):
    """Minimise a convex problem to a gap, or as far as its first method gets."""
    method = next(_methods(problem, "auto"))
    return method(W, gap, most, 1.0)


def _minimise(problem, W, gap, most):
    """Minimise a problem with a squared loss and a norm to a gap."""
    fast = problem.fast()
    if has_bcd(fast) and has_support(fast):
        return _sweep(fast, W, gap, most)
    work = 0
    for method in _methods(problem, "auto"):
        result = method(W, gap, most - work, 1.0)
        work += result.n_iter
        if result.certificate <= gap or work >= most:
            break
        W = result.W
    result.n_iter = work
    return result


def _sweep(problem, W, gap, most):
    """Minimise by coordinate descent, and where it is slow by Newton's method."""
    n_iter, sweeps = 0, max(SWEEPS, len(W))
    while True:
        result = bcd(problem, W, gap, min(sweeps, most - n_iter), 1.0)
        n_iter += result.n_iter
        if result.certificate <= gap or n_iter >= most:
            break
        W = newton_on_support(problem, result.W)
        sweeps = 2 * sweeps if W is result.W else sweeps
    result.n_iter = n_iter
    return result


def _has_one_step(problem):
    """Return whether a prox takes one step for all tasks, and ADMM is for it."""
    parts = getattr(problem.proximal, "penalties", [problem.proximal])
    if len(parts) > 1 and not (problem.design.copies and problem.matrix.is_zero):
        return False
    scaled = hasattr(problem.matrix, "rows")
    certified = problem.kind == "duality gap" and problem.proximal.certified
    one_step = not all(part.task_metric for part in parts)
    return certified and one_step and not scaled and not problem.is_sparse


def _sharper(method):
    """Return a method that goes on where the decrement is no bound: far from linear."""

    def sharper(W, tol, *args, **kwargs):
        return method(W, tol**2, *args, **kwargs)

    return sharper


def _rounded(problem, result, dtype, tol, null_objective):
    """Return the result in another precision, certified there."""
    objective = result.objective
    result.W = result.W.astype(dtype).astype(float)
    result = _certified(problem, result, tol, null_objective)
    if dtype != np.float64:
        result.rounding = max(result.objective - objective, 0.0)
    return result


def _limited(method, most):
    """Return a method that stops early."""

    def limited(W, tol, max_iter, *args, **kwargs):
        return method(W, tol, min(max_iter, most), *args, **kwargs)

    return limited


def _cheaper(method, cost):
    """Return a method that takes so many times fewer iterations."""
    if cost == 1:
        return method

    def cheaper(W, tol, max_iter, *args, **kwargs):
        return method(W, tol, -(-max_iter // cost), *args, **kwargs)

    return cheaper


def _certified(problem, result, tol, null_objective):
    """Fill in the certificate, from the rows unless their products are sure enough."""
    result.kind = problem.kind if result.polar is None else "duality gap"
    judge = problem
    if result.kind == "duality gap" and result.polar is None:
        judge = problem.judge(result.W, SURE * tol * null_objective)
    point = judge.point(result.W)
    if result.dual is not None:
        point.dual = result.dual
    elif judge is problem:
        problem.remember(point)
    result.objective = judge.objective(point)
    if result.kind == "duality gap":
        result.gap = judge.gap(point, result.objective, result.polar, sure=True)
    elif result.kind == "newton decrement":
        model = problem if problem.loss.quadratic else problem.model(point)
        result.gap = newton_decrement(model, result.W)
    elif result.dual is None:
        unit = np.linalg.norm(problem.null_point.gradient) or 1.0
        metric = problem.metric()
        result.certificate = prox_residual(problem, point, metric, 1 / metric) / unit
    if not problem.by_residual or result.polar is not None:
        result.certificate = result.gap / null_objective
    if has_majorant(problem):
        result.majorant_gap = majorant_gap(point) / null_objective
    result.unit = null_objective
    result.unbounded = problem.separates(result.W)
    result.converged = bool(result.certificate <= tol) and not result.unbounded
    return result
