"""Dual points that are feasible where coefficients and intercepts are free."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse.linalg import LinearOperator, lsqr

if TYPE_CHECKING:
    from ._problem import Point, Problem

ROUNDS = 4
MATVECS = 2000
LEFT = 1e-12  # of the constraints' terms: what counts as rounding
EDGE = 1e-13  # the first share of a dual point that is given up to be in the domain


def dual_point(problem: Problem, point: Point) -> Point | None:
    """Return the point with a dual that is feasible, or None if there is none near.

    Parameters
    ----------
    problem : Problem
        A problem whose loss is not quadratic.
    point : Point
        Coefficients, predictions, and a dual point that is about feasible.

    Returns
    -------
    point : Point or None
        The same with another dual: its rows add up to zero as the intercepts ask, and
        what the penalty leaves free has no gradient. Where quadratic parts come beside
        the norm, another W takes part of that.
    """
    rows = problem.weight, problem.design.bounds
    dual = problem.loss.feasible(problem.y, point.dual, *rows)
    found = point if dual is point.dual else _with(problem, point, dual)
    if not problem.null_basis.shape[1]:
        return found
    free = Free(problem)
    if free.is_zero(found.slope, dual):
        return found
    if free.covered:
        found = type(point)(
            problem,
            free.covers(found),
            point.z,
            fit=point.fit,
            dual=dual,
            gradient=found.gradient,
        )
        return found if free.is_zero(found.slope, dual) else None
    dual = free.project(point, dual)
    return None if dual is None else _with(problem, point, dual)


def _with(problem, point, dual):
    """Return the point with another dual."""
    known = {"fit": point.fit, "dual": dual, "gradient": problem.design.adjoint(dual)}
    return type(point)(problem, point.W, point.z, **known)


class Free:
    """What is free in a problem: coefficients S in W = S N', and intercepts.

    Parameters
    ----------
    problem : Problem
        The problem.
    """

    def __init__(self, problem):
        self.problem = problem
        self.N = problem.null_basis
        self.quadratic = problem.free_matrix
        self.covered = not self.quadratic.is_zero
        length = np.sqrt(problem.squares @ self.N**2)
        self.length = np.where(length > 0, length, np.inf)

    def covers(self, point):
        """Return W for which the pull of the quadratic part makes the slope zero."""
        rest = self.quadratic.solve((point.slope @ self.N) / self.problem.row_scale)
        return point.W - rest @ self.N.T

    def is_zero(self, slope, dual):
        """Return whether a slope along N is zero, but for rounding."""
        weight = self.problem.weight
        inner = np.divide(dual**2, weight, out=np.zeros_like(dual), where=weight > 0)
        size = LEFT * np.sqrt(inner.sum())
        return bool(np.all(np.abs(slope @ self.N) / self.length <= size))

    def project(self, point, dual):
        """Return the nearest dual with no slope along N, in the metric of the domain.

        What is moved out of the domain is brought back by a smaller multiple of all,
        which keeps the sums.
        """
        problem = self.problem
        loss, rows = problem.loss, (problem.weight, problem.design.bounds)
        for _ in range(ROUNDS):
            loads = self._loads(dual)
            if not loads.any():
                break
            move = loss.room(problem.y, point.z, dual, *rows)
            operator = LinearOperator(
                (len(loads), len(dual)),
                matvec=lambda v, move=move: self._loads(move(v)),
                rmatvec=lambda c, move=move: move(self._push(c)),
                dtype=float,
            )
            step = lsqr(operator, loads, atol=0, btol=1e-16, iter_lim=MATVECS)[0]
            dual = dual - move(step)
            if self.is_zero(problem.design.adjoint(dual), dual):
                break
        else:
            return None
        share = 0.0
        while not np.isfinite(loss.conjugate(problem.y, (1 - share) * dual, *rows)):
            share = max(4 * share, EDGE)
            if share > 0.5:
                return None
        return (1 - share) * dual

    def _loads(self, u):
        """Return what the constraints ask to be zero, in units of their lengths."""
        problem = self.problem
        slope = (problem.design.adjoint(u) @ self.N) / self.length
        sums = problem.loss.pull(u, problem.design.bounds)
        return np.concatenate([slope.ravel(), sums])

    def _push(self, c):
        """Return the adjoint of the constraints."""
        problem, k = self.problem, self.length.size
        S = c[:k].reshape(self.length.shape) / self.length
        z = problem.design.forward(S @ self.N.T)
        return z + problem.loss.push(c[k:], problem.design.bounds)
