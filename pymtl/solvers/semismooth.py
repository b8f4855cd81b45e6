"""Semismooth Newton method on the dual, for small strengths and correlated features."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.linalg import cho_factor, cho_solve, solve_triangular

from .._sparse import SparseRows
from ._problem import Problem
from ._result import Result
from .bcd import has_bcd, is_uniform

TALL, LARGE = 2, 5000  # samples a feature, and a task, above which sweeps are cheaper
GROWTH = 3.0  # of sigma from one multiplier to the next
EASY, HARD = 4, 15  # steps of a multiplier: more at the first, and sigma starts lower
MOST = 40  # steps of a multiplier: then sigma is too large
CLOSE = 0.3  # of the move of W, to which the equations of a multiplier are solved
ARMIJO, HALVINGS = 1e-4, 25
IDLE = 12  # multipliers without a smaller gap before it gives up
ROUNDING = 1e-14


def can_semismooth(problem: Problem) -> bool:
    """Return whether :func:`semismooth` solves a problem."""
    return has_bcd(problem) and problem.design.apart and is_uniform(problem)


def has_semismooth(problem: Problem) -> bool:
    """Return whether :func:`semismooth` is faster than many sweeps over the features.

    A Newton step costs n k min(n, k) for n samples and k features in use of a task, so
    many samples are left to coordinate descent on their products.
    """
    n_rows, (d, m) = problem.design.bounds[-1], problem.design.shape
    return can_semismooth(problem) and n_rows <= min(TALL * d, LARGE) * m


def semismooth(
    problem: Problem,
    W: np.ndarray,
    tol: float,
    max_iter: int,
    null_objective: float,
    callback: Callable[[int, float, float], None] | None = None,
) -> Result:
    r"""Minimise a squared loss with norms of rows by Newton steps on the dual.

    With rows :math:`A_t` and targets :math:`b_t`, times the roots of their weights, the
    dual variable :math:`\theta` (the residuals, at the end) minimises the augmented
    Lagrangian

    .. math:: \tfrac12 \|\theta\|^2 - b'\theta + \min_u\, \Omega^*(u) + \langle W,
              A'\theta - u \rangle + \tfrac{\sigma}{2} \|A'\theta - u\|^2

    for a multiplier W, the coefficients, which then become
    :math:`\mathrm{prox}_{\sigma\Omega}(W + \sigma A'\theta)`, and :math:`\sigma` grows.
    The gradient :math:`\theta - b + A\,\mathrm{prox}(\cdot)` has the generalised
    derivative :math:`I + \sigma A M A'`, with M a diagonal on the coefficients in use
    and, for norms of rows, one product of a vector with itself for each row in use. So
    a Newton step costs a system of the size of the samples or of the features in use
    of a task, whichever are fewer, and one of the rows in use. Some thirty steps solve
    a problem to rounding, whatever the correlations of the features.

    Parameters
    ----------
    problem : Problem
        A problem that coordinate descent solves, see :func:`~pymtl.solvers.bcd.bcd`.
    W : ndarray of shape (n_features, n_columns)
        Start.
    tol : float
        Relative tolerance of the gap.
    max_iter : int
        Largest number of Newton steps.
    null_objective : float
        Objective of the null model, the unit of the gap.
    callback : callable or None, default=None
        Called with iteration, objective and certificate.

    Returns
    -------
    result : Result
        The iterate with the smallest gap.

    References
    ----------
    X. Li, D. Sun and K.-C. Toh (2018). A highly efficient semismooth Newton augmented
    Lagrangian method for solving Lasso problems. SIAM Journal on Optimization.

    Y. Zhang, N. Zhang, D. Sun and K.-C. Toh (2020). An efficient Hessian based
    algorithm for solving large-scale sparse group Lasso problems. Mathematical
    Programming.
    """
    dual = Dual(problem)
    point = problem.point(W)
    theta = dual.residuals(point)
    sigma = dual.first_scale() if problem.dual_scale is None else problem.dual_scale
    objective = problem.objective(point)
    best, idle = problem.gap(point, objective), 0
    result = Result(W, 0, [], solver="semismooth", objective=objective)
    result.certificate = best / null_objective
    while result.certificate > tol and idle < IDLE and result.n_iter < max_iter:
        first = result.n_iter
        W, theta = dual.solve(W, theta, sigma, result, min(first + MOST, max_iter))
        point = problem.point(W)
        objective = problem.objective(point)
        gap = problem.gap(point, objective)
        idle = 0 if gap < best else idle + 1
        if gap < best:
            best = gap
            result.W, result.objective = W, objective
            result.certificate = gap / null_objective
        if callback is not None:
            callback(result.n_iter, objective, gap / null_objective)
        taken = result.n_iter - first
        if first == 0:  # where the next problem of the data begins
            problem.dual_scale = sigma / GROWTH if taken > EASY else sigma
        if taken == MOST:
            sigma /= GROWTH
        elif taken <= HARD:
            sigma *= GROWTH
    result.n_iter = max(result.n_iter, 1)
    result.history = result.history or [objective]
    return result


class State:
    """A dual point with a multiplier: value, slope, and the coefficients that it gives.

    Parameters
    ----------
    dual : Dual
        The problem.
    V, sigma : ndarray of shape (n_features, n_columns), and float
        Multiplier and scale.
    theta : ndarray of shape (n_rows,)
        The dual point.
    Z : ndarray of shape (n_features, n_columns)
        ``V + sigma A'theta``.
    """

    def __init__(self, dual, V, sigma, theta, Z):
        self.V, self.sigma, self.theta, self.Z = V, sigma, theta, Z
        self.W = W = dual.prox(Z, sigma)
        linear = float(np.vdot(Z, W) - 0.5 * np.vdot(W, W))
        envelope = linear / sigma - dual.penalty(W)
        self.value = float(0.5 * theta @ theta - dual.b @ theta) + envelope
        residuals = dual.b - dual.forward(W)
        self.slope = theta - residuals
        self.objective = float(0.5 * residuals @ residuals) + dual.penalty(W)


class Dual:
    """The dual of a squared loss with norms of rows.

    Parameters
    ----------
    problem : Problem
        The problem.
    """

    def __init__(self, problem):
        self.problem = problem
        self.design = problem.design
        self.root = np.sqrt(problem.weight)
        self.b = self.root * problem.y
        self.entry, self.row = problem.proximal.row_norms
        self.positive = problem.proximal.positive
        d = problem.design.shape[0]
        ridge = np.broadcast_to(np.ravel(problem.matrix.ridge), d)
        self.ridge = ridge[:, None] if ridge.any() else None

    def residuals(self, point):
        """Return the residuals of a point, the dual variable that belongs to it."""
        return self.b - self.root * point.z

    def first_scale(self):
        """Return a scale to begin with.

        The inverse of the curvature suits the start from zero, its product with the
        ratio of the largest strength to this one the solution; between them is faster
        than both.
        """
        size = self.problem.hessian_diagonal
        gauge = self.problem.proximal.polar(-self.problem.null_point.gradient)
        return float(np.sqrt(gauge) / size[size > 0].mean())

    def solve(self, V, theta, sigma, result, most):
        """Return prox and dual point for a multiplier V, solved by Newton steps."""
        state = self.state(V, sigma, theta)
        size = np.linalg.norm(self.b)
        while result.n_iter < most:
            new = self.search(state, self.direction(state))
            result.n_iter += 1
            result.history.append(new.objective)
            left = np.linalg.norm(new.slope)
            far = np.linalg.norm(new.W - V) / np.sqrt(sigma)
            stuck, state = new is state, new
            if stuck or left <= max(CLOSE * far, ROUNDING * size):
                break
        return state.W, state.theta

    def forward(self, W):
        """Return A W."""
        return self.root * self.problem.predictions(W)

    def adjoint(self, theta):
        """Return A'theta."""
        return self.design.adjoint(self.root * theta)

    def prox(self, Z, sigma):
        """Return the prox of sigma times the penalty, ridge included."""
        W = self.problem.proximal.prox(Z, sigma)
        return W if self.ridge is None else W / (1.0 + sigma * self.ridge)

    def penalty(self, W):
        """Return the penalty, ridge included."""
        return self.problem.proximal.value(W) + self.problem.matrix.value(W)

    def state(self, V, sigma, theta):
        """Return the state of a dual point."""
        return State(self, V, sigma, theta, V + sigma * self.adjoint(theta))

    def search(self, state, step):
        """Return the first state on the way whose value has fallen enough."""
        slope = float(state.slope @ step)
        move = state.sigma * self.adjoint(step)
        length = 1.0
        rounding = ROUNDING * abs(state.value)
        for _ in range(HALVINGS):
            theta, Z = state.theta + length * step, state.Z + length * move
            new = State(self, state.V, state.sigma, theta, Z)
            if new.value <= state.value + ARMIJO * length * slope + rounding:
                return new
            length *= 0.5
        return state

    def direction(self, state):
        """Return the Newton step at a state."""
        rows = np.flatnonzero(state.W.any(axis=1))
        if not len(rows):
            return -state.slope
        V, sigma = state.Z[rows], state.sigma
        if self.entry > 0:
            threshold = sigma * self.entry
            V = V - np.clip(V, -threshold, threshold)
        if self.positive:
            V = np.maximum(V, 0.0)
        used = V != 0
        kappa = np.full((len(rows), 1), sigma)
        if self.ridge is not None:
            kappa = sigma / (1.0 + sigma * self.ridge[rows])
        if self.row == 0:
            return self._solve(rows, np.where(used, kappa, 0.0), None, state.slope)
        norms = np.linalg.norm(V, axis=1)[:, None]
        share = sigma * self.row / norms
        diagonal = np.where(used, kappa * (1.0 - share), 0.0)
        U = np.sqrt(kappa * share) / norms * V
        return self._solve(rows, diagonal, U, state.slope)

    def _solve(self, rows, diagonal, U, slope):
        """Solve (I + A (D + rows of U) A') x = -slope on these rows of W."""
        part = self.design.take(rows)
        weight, bounds = self.problem.weight, self.design.bounds
        x = -slope
        couple, right = np.eye(len(rows)), np.zeros(len(rows))
        blocks = []
        for t in range(diagonal.shape[1]):
            seen = bounds[t] + np.flatnonzero(weight[bounds[t] : bounds[t + 1]])
            A = part.block(t, weight)
            A = A @ np.eye(len(rows)) if isinstance(A, SparseRows) else A
            used = np.flatnonzero(diagonal[:, t])
            if not len(used):
                continue
            root = np.sqrt(diagonal[used, t])
            block = Block(A[:, used] * root)
            x[seen] = block.solve(-slope[seen])
            if U is not None:
                F = U[used, t] / root
                couple[np.ix_(used, used)] += F[:, None] * block.inner() * F
                right[used] += F * (block.A.T @ x[seen])
                blocks.append((seen, used, F, block))
        if U is not None:
            share = cho_solve(cho_factor(couple), right)
            for seen, used, F, block in blocks:
                x[seen] -= block.solve(block.A @ (F * share[used]))
        return x


class Block:
    """The matrix I + A A' of one task, by the short side of A.

    Parameters
    ----------
    A : ndarray of shape (n, k)
        Columns.
    """

    def __init__(self, A):
        self.A = A
        n, k = A.shape
        self.short = k < n
        G = A.T @ A if self.short else A @ A.T
        G[np.diag_indices(len(G))] += 1.0
        self.factor = cho_factor(G, lower=True, overwrite_a=True, check_finite=False)

    def solve(self, x):
        """Return the inverse times x."""
        if not self.short:
            return cho_solve(self.factor, x, check_finite=False)
        v = cho_solve(self.factor, self.A.T @ x, check_finite=False)
        return x - self.A @ v

    def inner(self):
        """Return A' times the inverse times A."""
        if self.short:
            eye = np.eye(self.A.shape[1])
            return eye - cho_solve(self.factor, eye, check_finite=False)
        Z = solve_triangular(self.factor[0], self.A, lower=True, check_finite=False)
        return Z.T @ Z
