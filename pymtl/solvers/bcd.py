"""Block coordinate descent on working sets of rows."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .._kernels import bcd_epoch
from ._problem import Point, Problem
from ._result import Result

SMALLEST = 100
BLOCK = 64
GROWTH = 2
RATIO = 0.5
FEW = 256
FEW_BYTES = 2**26
KEPT = 5
INNER = 0.3
PATIENCE = 10
REGULAR = 1e-3  # less lets rounding decide, and equal problems differ


def has_bcd(problem: Problem) -> bool:
    """Return whether coordinate descent solves a problem."""
    return (
        problem.loss.quadratic
        and problem.proximal is not None
        and problem.proximal.row_norms is not None
        and problem.matrix.ridge is not None
        and hasattr(problem.design, "take")
    )


def bcd(
    problem: Problem,
    W: np.ndarray,
    tol: float,
    max_iter: int,
    null_objective: float,
    callback: Callable[[int, float, float], None] | None = None,
) -> Result:
    r"""Minimise a problem row by row until its certificate is within `tol`.

    Each row of W is replaced by its exact minimiser,

    .. math:: w_j = \arg\min_w \tfrac12 \sum_t L_{jt} w_t^2 - u_j' w + \omega(w),
              \qquad u_{jt} = L_{jt} w_{jt} - g_{jt}, \quad
              L_{jt} = x_{tj}' x_{tj} + \beta,

    for the gradient g of the smooth part, which follows W through the products
    :math:`X_t' X_t` of the rows in the working set: those that are not zero and those
    whose gradient is the furthest from the dual ball. Every few passes an affine
    combination of the last iterates takes their place if its objective is less
    (Anderson acceleration). The certificate is the one of all rows.

    Parameters
    ----------
    problem : Problem
        A problem that :func:`has_bcd`.
    W : ndarray of shape (n_features, n_columns)
        Start.
    tol : float
        Relative tolerance of the certificate.
    max_iter : int
        Largest number of passes over the working set.
    null_objective : float
        Objective of the null model, the unit of the gap.
    callback : callable or None, default=None
        Called with iteration, objective and certificate.

    Returns
    -------
    result : Result
        The last iterate.

    References
    ----------
    Q. Bertrand and M. Massias (2021). Anderson acceleration of coordinate descent.
    AISTATS.

    M. Massias, A. Gramfort and J. Salmon (2018). Celer: a fast solver for the Lasso
    with dual extrapolation. ICML.
    """
    norms = tuple(map(float, problem.proximal.row_norms))
    result = Result(W, n_iter=0, history=[], solver="bcd")
    point = problem.null_point if W is problem.null else problem.point(W)
    chunks, blocks = problem.working_set
    part = _working_set(problem, chunks, blocks) if chunks else None
    best, patience = np.inf, PATIENCE
    while True:
        objective = problem.objective(point)
        gap = problem.gap(point, objective)
        result.W, result.objective = point.W, objective
        result.certificate = gap / null_objective
        if callback is not None:
            callback(result.n_iter, objective, result.certificate)
        patience = PATIENCE if gap < best else patience - 1
        best = min(gap, best)
        if result.certificate <= tol or result.n_iter >= max_iter or not patience:
            break
        new = _nearest(point, chunks, *norms)
        if len(new) or part is None:
            chunks += np.split(new, np.arange(BLOCK, len(new), BLOCK))
            part = _working_set(problem, chunks, blocks)
        part.start(point)
        goal = max(INNER * gap, 0.5 * tol * null_objective)
        part.run(norms, goal, max_iter, result)
        point = part.whole()
    result.n_iter = max(result.n_iter, 1)
    result.history = result.history or [result.objective]
    return result


def _nearest(point, chunks, entry, row):
    """Return the rows to add to the working set: the farthest from the dual ball."""
    used = point.W.any(axis=1)
    A = np.abs(point.gradient + point.pull)
    if row > 0:
        if entry > 0:
            A = np.maximum(A - entry, 0.0)
        score = np.sqrt(np.einsum("ij,ij->i", A, A)) / row
    else:
        score = A.max(axis=1) / entry
    score[used] = np.inf
    for chunk in chunks:
        score[chunk] = 0.0
    size = max(GROWTH * np.count_nonzero(used), SMALLEST)
    if np.count_nonzero(score > 1) <= size:
        return np.flatnonzero(score > 1)
    return np.sort(np.argpartition(-score, size - 1)[:size])


def _working_set(problem, chunks, blocks):
    """Return the working set of these rows, in the form that is fast for so many."""
    size, m = sum(map(len, chunks)), problem.design.shape[1]
    few = size <= FEW and 8 * m * size**2 <= FEW_BYTES
    if few or size * m <= RATIO * len(problem.y) or hasattr(problem, "product"):
        return ByProducts(problem, chunks)
    return ByBlocks(problem, chunks, blocks)


class WorkingSet:
    """The problem of some of the rows, the others being zero.

    Coefficients W are (n_tasks, n_rows) here, as the kernel wants them. With them go
    `state`, an affine function of W: the gradient or the predictions.
    """

    def __init__(self, problem, chunks):
        self.problem = problem
        self.features = np.concatenate(chunks)
        ridge = np.broadcast_to(np.ravel(problem.matrix.ridge), problem.design.shape[0])
        self.ridge = ridge[self.features]

    def start(self, point):
        """Take the coefficients of a point."""
        self.W = np.ascontiguousarray(point.W[self.features].T)

    def coefficients(self):
        """Return the coefficients of all rows."""
        W = np.zeros(self.problem.design.shape)
        W[self.features] = self.W.T
        return W

    def objective(self, W, state):
        return self.smooth(W, state) + self.problem.proximal.value(W.T)

    def run(self, norms, goal, max_iter, result):
        """Pass over the rows until their gap is within the goal, or at its rounding."""
        best, patience = np.inf, PATIENCE
        kept = [np.empty((KEPT + 1, *a.shape)) for a in (self.W, self.state)]
        n_kept = self.keep(kept, 0)
        while result.n_iter < max_iter and patience:
            self.sweep(norms)
            result.n_iter += 1
            n_kept = self.keep(kept, n_kept)
            objective = self.objective(self.W, self.state)
            if n_kept > KEPT:
                objective = self.extrapolate(*kept, objective)
                n_kept = self.keep(kept, 0)
                gap = self.problem.gap(self.point(), objective)
                patience = PATIENCE if gap < best else patience - 1
                best = min(gap, best)
            result.history.append(objective)
            if best <= goal:
                break

    def keep(self, kept, n):
        """Keep the iterate beside n others."""
        kept[0][n], kept[1][n] = self.W, self.state
        return n + 1

    def extrapolate(self, W, state, objective):
        """Take the affine combination of the last iterates whose step is the least."""
        steps = (W[1:] - W[:-1]).reshape(KEPT, -1)
        products = steps @ steps.T
        products[np.diag_indices(KEPT)] += REGULAR * np.trace(products)
        try:
            share = np.linalg.solve(products, np.ones(KEPT))
        except np.linalg.LinAlgError:
            return objective
        share /= share.sum()
        W = np.tensordot(share, W[1:], 1)
        state = np.tensordot(share, state[1:], 1)
        trial = self.objective(W, state)
        if not trial <= objective:
            return objective
        self.W, self.state = W, state
        return trial


class ByProducts(WorkingSet):
    """Few rows: the gradient follows W through the products X_t'X_t."""

    def __init__(self, problem, chunks):
        super().__init__(problem, chunks)
        self.gram = problem.products(self.features)

    def start(self, point):
        super().start(point)
        smooth = (point.gradient + point.pull)[self.features]
        self.state = np.ascontiguousarray(smooth.T)
        curved = self.gram(self.W.T) + self.ridge[:, None] * self.W.T
        self.Xy = np.ascontiguousarray((curved - smooth).T)

    def whole(self):
        return self.problem.point(self.coefficients())

    def sweep(self, norms):
        gram = self.gram
        bcd_epoch(gram.H, gram.scale, self.ridge, self.W, self.state, *norms)

    def smooth(self, W, G):
        return 0.5 * (float(np.vdot(W, G - self.Xy)) + self.problem.yy)

    def point(self):
        dual_y = self.problem.yy - float(np.vdot(self.Xy, self.W))
        fit = max(self.smooth(self.W, self.state), 0.0)
        known = {"fit": fit, "gradient": self.state.T, "dual_y": dual_y}
        return Point(self.problem, self.W.T, quad=0.0, pull=0.0, **known)


class ByBlocks(WorkingSet):
    """Many rows: products in blocks of them, between which the residuals follow W.

    The state is the gradient of the loss in the predictions.
    """

    def __init__(self, problem, chunks, blocks):
        super().__init__(problem, chunks)
        for chunk in chunks[len(blocks) :]:
            design = problem.design.take(chunk)
            blocks.append((design, design.gram(problem.weight)))
        ends = np.cumsum([0, *map(len, chunks)])
        rows = map(slice, ends[:-1], ends[1:])
        self.blocks = [(r, *block) for r, block in zip(rows, blocks, strict=True)]
        weight = problem.weight
        self.inverse = np.divide(1.0, weight, np.zeros_like(weight), where=weight > 0)

    def start(self, point):
        super().start(point)
        self.state = point.dual.copy()

    def whole(self):
        fit = 0.5 * float(np.dot(self.inverse * self.state, self.state))
        return Point(self.problem, self.coefficients(), dual=self.state, fit=fit)

    def sweep(self, norms):
        for rows, design, gram in self.blocks:
            ridge, old = self.ridge[rows], self.W[:, rows]
            G = np.ascontiguousarray(design.adjoint(self.state).T + ridge * old)
            W = old.copy()
            bcd_epoch(gram.H, gram.scale, ridge, W, G, *norms)
            move = W - old
            if move.any():
                self.W[:, rows] = W
                self.state += self.problem.weight * design.forward(move.T)

    def smooth(self, W, dual):
        fit = np.dot(self.inverse * dual, dual) + np.sum(self.ridge * W**2)
        return 0.5 * float(fit)

    def point(self):
        gradient = [design.adjoint(self.state) for _, design, _ in self.blocks]
        return Point(
            self.problem,
            self.W.T,
            dual=self.state,
            fit=self.smooth(self.W, self.state),
            gradient=np.concatenate(gradient),
            quad=0.0,
            pull=(self.ridge * self.W).T,
        )
