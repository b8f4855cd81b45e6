"""Block coordinate descent on working sets of rows."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .._kernels import (
    bcd_by_task,
    bcd_epoch,
    bcd_epoch_shared,
    bcd_rows,
    rows_adjoint,
)
from ._problem import Point, Problem
from ._result import Result

SMALLEST, GROWTH = 100, 2  # rows of a working set at least, and over those in use
NEAR, DROPPED = 0.99, 0.1  # rows nearer to the dual ball stay, unless few would go
MANY = 0.25  # share of the rows from which on the Gram matrices of all pay
FEW, FEW_BYTES, RATIO = 256, 2**26, 0.5  # rows held by products rather than in blocks
BLOCK, FULL = 64, 0.8  # rows of a block, and the share below which it is cut down
SHARE = 0.3  # of the gap, to which working sets are solved
CHEAP = 20  # passes that cost less than a look at the other rows
PASSES, LEFT = 30, 1e-3  # of a sweep task by task: most of them, and what may be left
PATIENCE = 10
KEPT = 5
REGULAR = 1e-3  # less lets rounding decide, and equal problems differ


def has_bcd(problem: Problem) -> bool:
    """Return whether coordinate descent solves a problem."""
    return problem.loss.quadratic and has_rows(problem)


def has_rows(problem: Problem) -> bool:
    """Return whether a problem is one of rows of W, and can be cut down to some."""
    return (
        problem.proximal is not None
        and problem.convex
        and problem.proximal.row_norms is not None
        and problem.matrix.ridge is not None
        and (problem.design.apart or problem.design.tie is not None)
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
    norms = *strengths_of(problem), bool(problem.proximal.positive)
    result = Result(W, n_iter=0, history=[], solver="bcd")
    if problem.is_reused:
        problem = problem.fast()
    point = problem.null_point if W is problem.null else problem.point(W)
    part, inside = None, np.zeros(len(W), dtype=bool)
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
        if part is None or not part.is_whole:
            score = row_scores(point)
            new, far = _nearest(score, inside), inside & (score < NEAR)
            many = DROPPED * inside.sum()
            if part is None or len(new) or (part.shrinks and far.sum() > many):
                inside &= ~far
                inside[new] = True
                part = _working_set(problem, inside, norms)
        part.start(point)
        alone = part.is_cheap and not np.any((score > 1) & ~inside)
        share = 0.0 if part.is_whole or alone else SHARE
        goal = max(share * gap, 0.5 * tol * null_objective)
        part.run(goal, max_iter, result)
        point = part.whole()
    result.n_iter = max(result.n_iter, 1)
    result.history = result.history or [result.objective]
    return result


def strengths_of(problem: Problem) -> tuple[np.ndarray, np.ndarray]:
    """Return the strengths of the absolute values and of the norms, one a row."""
    strengths = problem.proximal.row_norms
    d = problem.design.shape[0]
    return tuple(np.array(np.broadcast_to(s, d), dtype=float) for s in strengths)


def is_uniform(problem: Problem) -> bool:
    """Return whether the strengths are the same in all rows."""
    return all(np.ndim(s) == 0 for s in problem.proximal.row_norms)


def row_scores(point: Point) -> np.ndarray:
    """Return how far each row is from the dual ball: 1 on it, inf for rows in use."""
    entry, row = strengths_of(point.problem)
    A = point.gradient + point.pull
    A = np.maximum(-A, 0.0) if point.problem.proximal.positive else np.abs(A)
    if row.any():
        if entry.any():
            A = np.maximum(A - entry[:, None], 0.0)
        size, strength = np.sqrt(np.einsum("ij,ij->i", A, A)), row
    else:
        size, strength = A.max(axis=1), entry
    score = np.where(size > 0, np.inf, 0.0)
    np.divide(size, strength, out=score, where=strength > 0)
    score[point.W.any(axis=1)] = np.inf
    return score


def _nearest(score, inside):
    """Return the rows to add to the working set: the farthest from the dual ball."""
    if len(score) <= SMALLEST:
        return np.flatnonzero(~inside)
    size = max(GROWTH * np.count_nonzero(np.isinf(score)), SMALLEST)
    return farthest(np.where(inside, 0.0, score), size)


def farthest(score: np.ndarray, size: int) -> np.ndarray:
    """Return the rows outside the dual ball, the farthest if they are more than size.

    Parameters
    ----------
    score : ndarray of shape (n_features,)
        What :func:`row_scores` says of them.
    size : int
        The most to return.
    """
    if np.count_nonzero(score > 1) <= size:
        return np.flatnonzero(score > 1)
    return np.sort(np.argpartition(-score, size - 1)[:size])


def _working_set(problem, inside, norms):
    """Return the working set of these rows, in the form that is fast for so many."""
    size, (d, m) = np.count_nonzero(inside), problem.design.shape
    if size > MANY * d:
        problem = problem.fast()
    if hasattr(problem, "product"):
        return ByProducts(problem, np.arange(d), norms)
    if problem.design.has_lines:
        if size * m > len(problem.y):
            return ByRows(problem, _columns(problem, inside), norms)
        return ByProducts(problem, np.flatnonzero(inside), norms)
    few = size <= FEW and 8 * m * size**2 <= FEW_BYTES
    if few or size * m <= RATIO * len(problem.y):
        return ByProducts(problem, np.flatnonzero(inside), norms)
    return ByBlocks(problem, _blocks(problem, inside), norms)


def _unknown(problem, inside):
    """Return the rows inside that were not worked on before."""
    new = inside.copy()
    for features, *_ in problem.working_set:
        new[features] = False
    return np.flatnonzero(new)


def _blocks(problem, inside):
    """Return blocks (features, design, products) that hold the rows inside.

    What was worked on before is known; of blocks that have lost many rows the rest.
    """
    known, new = problem.working_set, _unknown(problem, inside)
    for start in range(0, len(new), BLOCK):
        features = new[start : start + BLOCK]
        design = problem.design.take(features)
        known.append((features, design, design.gram(problem.weight)))
    found = []
    for features, design, gram in known:
        kept = np.flatnonzero(inside[features])
        if len(kept) > FULL * len(features):
            found.append((features, design, gram))
        elif len(kept):
            found.append((features[kept], design.take(kept), gram.take(kept)))
    return found


def _columns(problem, inside):
    """Return (features, places, columns, squares) of the rows inside.

    What was worked on before is known. The columns of X, one after the other, are
    multiplied by the square root of the weights.
    """
    known, new = problem.working_set, _unknown(problem, inside)
    if len(new):
        X = problem.design.lines(new, problem.weight)
        squares = np.add.reduceat(X**2, problem.design.bounds[:-1], axis=1)
        if problem.design.tie is not None:  # one row more of each task
            squares = sum(np.hsplit(squares, 2))
        known.append((new, X, squares))
    found = []
    for features, X, squares in known:
        places = np.flatnonzero(inside[features])
        if len(places):
            found.append((features[places], places, X, squares))
    return found


class WorkingSet:
    """The problem of some of the rows, the others being zero.

    Coefficients W are (n_tasks, n_rows) here, or (n_rows, n_tasks) where all tasks of a
    row are moved by the same products: as the kernels want them. With them go `state`,
    an affine function of W: the gradient or the predictions.

    Attributes
    ----------
    is_whole : bool
        Whether these are all rows.
    is_cheap : bool
        Whether many passes cost less than a look at the other rows.
    shrinks : bool
        Whether passes cost so much that it pays to drop rows.
    thorough : bool
        Whether a sweep makes many passes.
    """

    is_cheap = False
    shrinks = True
    thorough = False

    def __init__(self, problem, features, norms, by_row):
        self.problem = problem
        self.part = problem.of_rows(features)
        self.features = features
        self.is_whole = len(features) == problem.design.shape[0]
        entry, row, positive = norms
        self.norms = entry[features], row[features], positive
        self.by_row = by_row
        ridge = np.broadcast_to(np.ravel(problem.matrix.ridge), problem.design.shape[0])
        self.ridge = ridge[features]
        self.is_ridged = bool(self.ridge.any())

    def norms_of(self, rows):
        """Return the strengths of some of the rows, and whether they have a sign."""
        entry, row, positive = self.norms
        return entry[rows], row[rows], positive

    def laid(self, A):
        """Return (n_rows, n_tasks) as the kernels want it, or that the other way."""
        return A if self.by_row else A.T

    def start(self, point):
        """Take the coefficients of a point."""
        self.W = np.array(self.laid(point.W[self.features]), order="C")

    def coefficients(self):
        """Return the coefficients of all rows."""
        W = np.zeros(self.problem.design.shape)
        W[self.features] = self.laid(self.W)
        return W

    def ridge_value(self, W):
        """Return the ridge's part of the objective."""
        if not self.is_ridged:
            return 0.0
        return 0.5 * float(np.sum(self.ridge[:, None] * self.laid(W) ** 2))

    def objective(self, W, state):
        return self.smooth(W, state) + self.part.proximal.value(self.laid(W))

    def run(self, goal, max_iter, result):
        """Sweep over the rows until their gap is within the goal, or at rounding."""
        best, patience = np.inf, PATIENCE
        kept = [np.empty((KEPT + 1, *a.shape)) for a in (self.W, self.state)]
        n_kept = self.keep(kept, 0)
        while result.n_iter < max_iter and patience:
            self.sweep(goal)
            result.n_iter += 1
            n_kept = self.keep(kept, n_kept)
            objective = self.objective(self.W, self.state)
            if n_kept > KEPT:
                objective = self.extrapolate(*kept, objective)
                n_kept = self.keep(kept, 0)
            if n_kept == 1 or self.thorough:
                gap = self.part.gap(self.point(), objective)
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

    shrinks = False

    def __init__(self, problem, features, norms):
        self.gram = problem.products(features)
        tie = self.gram.tie
        self.thorough = not norms[1].any() and tie is None
        super().__init__(problem, features, norms, False)
        d, m = problem.design.shape
        self.tie = _tie(tie, False)
        passes = CHEAP * m * len(features) ** 2
        self.is_cheap = not self.is_whole and passes < d * len(problem.y)

    def start(self, point):
        super().start(point)
        smooth = (point.gradient + point.pull)[self.features]
        W = point.W[self.features]
        curved = self.gram(W) + self.ridge[:, None] * W
        self.state = np.array(self.laid(smooth), order="C")
        self.Xy = np.array(self.laid(curved - smooth), order="C")

    def whole(self):
        if self.is_whole and hasattr(self.problem, "product"):
            return self.point()
        return self.problem.remember(self.problem.point(self.coefficients()))

    def sweep(self, goal):
        entry, row, positive = self.norms
        data, state = (self.gram.H, self.gram.scale, self.ridge), (self.W, self.state)
        if self.thorough:
            most = PASSES, LEFT * goal / len(self.W)
            bcd_by_task(*data, *state, entry, positive, *most)
        else:
            bcd_epoch(*data, self.tie, *state, entry, row, positive, False)

    def smooth(self, W, G):
        return 0.5 * (float(np.vdot(W, G - self.Xy)) + self.problem.yy)

    def point(self):
        dual_y = self.problem.yy - float(np.vdot(self.Xy, self.W))
        fit = max(self.smooth(self.W, self.state), 0.0)
        known = {"fit": fit, "gradient": self.laid(self.state), "dual_y": dual_y}
        return Point(self.part, self.laid(self.W), quad=0.0, pull=0.0, **known)


class ByBlocks(WorkingSet):
    """Many rows: products in blocks of them, between which the residuals follow W.

    The state is the gradient of the loss in the predictions.
    """

    def __init__(self, problem, blocks, norms):
        features = np.concatenate([block[0] for block in blocks])
        super().__init__(problem, features, norms, len(blocks[0][2].H) == 1)
        ends = np.cumsum([0, *(len(block[0]) for block in blocks)])
        self.blocks = [
            (slice(a, b), design, gram, _tie(gram.tie, self.by_row))
            for a, b, (_, design, gram) in zip(ends[:-1], ends[1:], blocks, strict=True)
        ]
        weight = problem.weight
        self.inverse = np.divide(1.0, weight, np.zeros_like(weight), where=weight > 0)

    def start(self, point):
        super().start(point)
        self.state = point.dual.copy()

    def whole(self):
        fit = 0.5 * float(np.dot(self.inverse * self.state, self.state))
        return Point(self.problem, self.coefficients(), dual=self.state, fit=fit)

    def sweep(self, goal):
        W, epoch = self.laid(self.W), bcd_epoch_shared if self.by_row else bcd_epoch
        for rows, design, gram, tie in self.blocks:
            ridge, old = self.ridge[rows], W[rows]
            G = design.adjoint(self.state)
            if self.is_ridged:
                G = G + ridge[:, None] * old
            G = np.ascontiguousarray(self.laid(G))
            new = np.array(self.laid(old), order="C")
            epoch(gram.H, gram.scale, ridge, tie, new, G, *self.norms_of(rows), True)
            move = self.laid(new) - old
            if move.any():
                old[:] = self.laid(new)
                z = design.forward(move)
                z *= self.problem.weight
                self.state += z

    def smooth(self, W, dual):
        fit = 0.5 * float(np.dot(self.inverse * dual, dual))
        return fit + self.ridge_value(W)

    def point(self):
        gradient = [design.adjoint(self.state) for _, design, *_ in self.blocks]
        W = self.laid(self.W)
        return Point(
            self.part,
            W,
            dual=self.state,
            fit=self.smooth(self.W, self.state),
            gradient=np.concatenate(gradient),
            quad=0.0,
            pull=self.ridge[:, None] * W,
        )


class ByRows(WorkingSet):
    """Many rows of tasks with samples of their own: residuals follow W row by row.

    The state is the residuals times the square root of the weights.
    """

    def __init__(self, problem, columns, norms):
        features = np.concatenate([part[0] for part in columns])
        super().__init__(problem, features, norms, True)
        ends = np.cumsum([0, *(len(part[0]) for part in columns)])
        self.parts = [
            (slice(a, b), *part[1:])
            for a, b, part in zip(ends[:-1], ends[1:], columns, strict=True)
        ]
        self.root = np.sqrt(problem.weight)
        self.is_cheap = CHEAP * len(features) < problem.design.shape[0]

    def start(self, point):
        super().start(point)
        zero = np.zeros_like(self.root)
        self.state = np.divide(point.dual, self.root, out=zero, where=self.root > 0)

    def whole(self):
        fit = 0.5 * float(np.dot(self.state, self.state))
        dual = self.root * self.state
        return Point(self.problem, self.coefficients(), dual=dual, fit=fit)

    def sweep(self, goal):
        bounds, direction = self.problem.design.bounds, self.problem.design.direction
        for rows, places, X, squares in self.parts:
            data = X, places, bounds, squares, self.ridge[rows], direction
            bcd_rows(*data, self.W[rows], self.state, *self.norms_of(rows))

    def smooth(self, W, state):
        return 0.5 * float(np.dot(state, state)) + self.ridge_value(W)

    def point(self):
        bounds = self.problem.design.bounds
        gradient = [
            rows_adjoint(X, places, bounds, self.W.shape[1], self.state)
            for _, places, X, _ in self.parts
        ]
        return Point(
            self.part,
            self.W,
            dual=self.root * self.state,
            fit=self.smooth(self.W, self.state),
            gradient=np.concatenate(gradient),
            quad=0.0,
            pull=self.ridge[:, None] * self.W,
        )


def _tie(tie, by_row):
    """Return a tie as the kernels want it, one without rows where there is none."""
    if tie is None:
        return np.zeros((0, 0))
    return np.ascontiguousarray(tie if by_row else tie.T)
