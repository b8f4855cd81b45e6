"""Dual points that are feasible where coefficients and intercepts are free."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.linalg import solve_triangular
from scipy.sparse.linalg import LinearOperator, lsqr

if TYPE_CHECKING:
    from ._problem import Point, Problem

ROUNDS = 4
MATVECS = 2000
SIGN_ROUNDS = 12  # signs that are lost on the way are held from then on
SIGN_MATVECS = 50  # a round, with a factor of the rows
GONE = 1e-6  # of a dual point: less is left where only zero is feasible
DENSE = 2000  # columns of a task of which a factor pays
NUDGE = 1e-8  # of the columns' lengths, for factors of dependent ones
LEFT = 1e-12  # of the constraints' terms: what counts as rounding
EDGE = 1e-13  # the first share of a dual point that is given up to be in the domain


def dual_point(problem: Problem, point: Point) -> Point | None:
    """Return the point with a dual that is feasible, or None if there is none near.

    Parameters
    ----------
    problem : Problem
        A problem whose loss is not quadratic, or that holds coefficients to a sign.
    point : Point
        Coefficients, predictions, and a dual point that is about feasible.

    Returns
    -------
    point : Point or None
        The same with another dual: its rows add up to zero as the intercepts ask, what
        the penalty leaves free has no gradient, and what it only holds to its sign none
        below zero. Where quadratic parts come beside the norm, another W takes part of
        that.
    """
    rows = problem.weight, problem.design.bounds
    dual = problem.loss.feasible(problem.y, point.dual, *rows)
    found = point if dual is point.dual else _with(problem, point, point.W, dual)
    if problem.only_signs.any():
        return Signs(problem).project(found)
    if not problem.null_basis.shape[1]:
        return found
    free = Free(problem)
    if free.is_feasible(found):
        return found
    if free.covered:
        found = _with(problem, point, free.covers(found), dual)
        return found if free.is_feasible(found) else None
    return free.project(found)


def _with(problem, point, W, dual):
    """Return the point with other coefficients and another dual."""
    known = {"fit": point.fit, "dual": dual, "gradient": problem.design.adjoint(dual)}
    if problem.loss.quadratic:  # half the square of the residuals that the dual is of
        known["fit"] = 0.5 * _length(dual, problem.weight) ** 2
    return type(point)(problem, W, point.z, **known)


def _length(dual, weight):
    """Return the length of a dual point in the metric of the rows."""
    inner = np.divide(dual**2, weight, out=np.zeros_like(dual), where=weight > 0)
    return float(np.sqrt(inner.sum()))


class Free:
    """What is free in a problem: coefficients S in W = S N', and intercepts.

    Parameters
    ----------
    problem : Problem
        The problem.
    """

    rounds = ROUNDS
    matvecs = MATVECS

    def __init__(self, problem):
        self.problem = problem
        self.N = problem.null_basis
        length = np.sqrt(problem.squares @ self.N**2)
        self.length = np.where(length > 0, length, np.inf)

    @property
    def covered(self):
        """Whether another W, seen by the quadratic part, can make the slope zero."""
        return not self.problem.free_matrix.is_zero

    def covers(self, point):
        """Return W for which the pull of the quadratic part makes the slope zero."""
        pull = (point.slope @ self.N) / self.problem.row_scale
        return point.W - self.problem.free_matrix.solve(pull) @ self.N.T

    def is_feasible(self, point):
        """Return whether the slope along N is zero, but for rounding."""
        size = LEFT * _length(point.dual, self.problem.weight)
        slope = point.slope if self.covered else point.gradient
        return bool(np.all(np.abs(slope @ self.N) / self.length <= size))

    def project(self, point):
        """Return the nearest point with a feasible dual, in the metric of the domain.

        What is moved out of the domain is brought back by a smaller multiple of all,
        which keeps the sums.
        """
        problem = self.problem
        loss, rows = problem.loss, (problem.weight, problem.design.bounds)
        start = _length(point.dual, problem.weight)
        for _ in range(self.rounds):
            loads = self._loads(point)
            if not loads.any():
                break
            move = loss.room(problem.y, point.z, point.dual, *rows)
            point = self._moved(point, loads, move)
            if self.is_feasible(point):
                break
            if _length(point.dual, problem.weight) < GONE * start:
                return None
        else:
            return None
        share, dual = 0.0, point.dual
        while not np.isfinite(loss.conjugate(problem.y, (1 - share) * dual, *rows)):
            share = max(4 * share, EDGE)
            if share > 0.5:
                return None
        if not share:
            return point
        return _with(problem, point, (1 - share) * point.W, (1 - share) * dual)

    def _moved(self, point, loads, move):
        """Return the point whose dual, moved the least, takes the loads away."""

        def forth(v):
            u = move(v)
            return self._constraints(self.problem.design.adjoint(u), u)

        def back(c):
            S, z = self._spread(c)
            return move(self.problem.design.forward(S) + z)

        step = self._solve(forth, back, loads, len(point.dual))
        return _with(self.problem, point, point.W, point.dual - move(step))

    def _solve(self, forth, back, loads, size):
        shape = len(loads), size
        operator = LinearOperator(shape, matvec=forth, rmatvec=back, dtype=float)
        return lsqr(operator, loads, atol=0, btol=1e-16, iter_lim=self.matvecs)[0]

    def _loads(self, point):
        return self._constraints(point.gradient, point.dual)

    def _constraints(self, slope, u):
        """Return what has to be zero, in units of the lengths."""
        slope = (slope @ self.N) / self.length
        sums = self.problem.loss.pull(u, self.problem.design.bounds)
        return np.concatenate([slope.ravel(), sums])

    def _spread(self, c):
        """Return the coefficients and the rows of the adjoint of the constraints."""
        k = self.length.size
        S = c[:k].reshape(self.length.shape) / self.length
        return S @ self.N.T, self.problem.loss.push(c[k:], self.problem.design.bounds)


class Signs(Free):
    r"""What is held to its sign alone: the slope there has to be at least zero.

    The slope is made zero where it is below, or where W is above zero, by the least
    move of the dual; what then falls below zero joins. At the optimum nothing moves, so
    the gap goes to zero with the distance. A ridge needs no move: another W, with
    :math:`v = \max(-g, 0) / \beta` at the gradient g, is what its conjugate asks for.

    Parameters
    ----------
    problem : Problem
        The problem.
    """

    rounds = SIGN_ROUNDS
    matvecs = SIGN_MATVECS

    def __init__(self, problem):
        super().__init__(problem)
        self.alone, matrix = problem.only_signs, problem.matrix
        size = np.sqrt(problem.squares + matrix.majorant())
        self.size = np.where(size > 0, size, np.inf)
        ridge = 0.0 if matrix.ridge is None else matrix.ridge
        self.ridge = np.broadcast_to(ridge, size.shape)
        self.linked = matrix.ridge is None
        self.held = np.zeros(size.shape, bool)

    def is_feasible(self, point):
        """Return whether no slope of what is held is below zero, but for rounding."""
        pull = np.sqrt(self.problem.matrix.majorant().max()) * np.linalg.norm(point.W)
        size = LEFT * (_length(point.dual, self.problem.weight) + pull)
        least = np.min(point.slope / self.size, where=self.alone, initial=0.0)
        along = np.abs(point.slope @ self.N) / self.length
        return bool(least >= -size and np.all(along <= size))

    def project(self, point):
        point = self._by_ridge(point)
        if self.is_feasible(point):
            return point
        self.held |= self.alone & (self.ridge == 0) & (point.W > 0)
        return super().project(point)

    def _by_ridge(self, point):
        """Return the point with the coefficients that a ridge has at its dual."""
        own = self.alone & (self.ridge > 0)
        if not own.any():
            return point
        W = point.W.copy()
        W[own] = np.maximum(-point.gradient[own], 0.0) / self.ridge[own]
        return _with(self.problem, point, W, point.dual)

    def _loads(self, point):
        self.held |= self.alone & (self.ridge == 0) & (point.slope < 0)
        self.factors = self._factors(point)
        return self._constraints(point.slope, point.dual)

    def _moved(self, point, loads, move):
        matrix, n = self.problem.matrix, len(point.dual)
        if not self.linked:
            return self._by_ridge(super()._moved(point, loads, move))
        unit = np.mean(np.abs(move(np.ones(n)))) / matrix.majorant().max()
        unit, shape = np.sqrt(unit), point.W.shape

        def forth(v):
            u, V = move(v[:n]), unit * v[n:].reshape(shape)
            slope = self.problem.design.adjoint(u) + matrix.apply(V)
            return self._constraints(slope, u)

        def back(c):
            S, z = self._spread(c)
            rows = move(self.problem.design.forward(S) + z)
            return np.concatenate([rows, unit * matrix.apply(S).ravel()])

        step = self._solve(forth, back, loads, n + point.W.size)
        W = point.W - unit * step[n:].reshape(shape)
        return _with(self.problem, point, W, point.dual - move(step[:n]))

    def _factors(self, point):
        """Return lengths and triangles of the rows of what is held, task by task.

        They are weighed by the room for moves, so that few steps of lsqr are enough.
        """
        problem, factors = self.problem, {}
        weight, rows = problem.weight, (problem.weight, problem.design.bounds)
        if problem.loss.n_classes is None:
            room = problem.loss.room(problem.y, point.z, point.dual, *rows)
            weight = room(np.ones(len(weight))) ** 2
        for t in np.flatnonzero(self.held.any(axis=0)):
            own = self.held[:, t]
            B, size = problem.design.block(t, weight), self.size[own, t]
            if isinstance(B, np.ndarray) and own.sum() <= DENSE:
                B = B[:, own]
                length = np.sqrt(np.einsum("ij,ij->j", B, B))
                size = np.where(length > 0, length, size)
                B = np.vstack([B / size, NUDGE * np.eye(len(size))])
                factors[t] = size, np.linalg.qr(B, mode="r")
            else:
                factors[t] = size, None
        return factors

    def _constraints(self, slope, u):
        parts = [super()._constraints(slope, u)]
        for t, (size, R) in self.factors.items():
            b = slope[self.held[:, t], t] / size
            parts.append(b if R is None else solve_triangular(R, b, trans="T"))
        return np.concatenate(parts)

    def _spread(self, c):
        k = len(c) - int(self.held.sum())
        S, z = super()._spread(c[:k])
        for t, (size, R) in self.factors.items():
            b, k = c[k : k + len(size)], k + len(size)
            b = b if R is None else solve_triangular(R, b)
            S[self.held[:, t], t] += b / size
        return S, z
