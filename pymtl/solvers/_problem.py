"""The problem every solver minimises, and its duality gap."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from functools import cached_property, partial
from typing import Any

import numpy as np
from scipy.linalg import eigh
from scipy.sparse.linalg import LinearOperator, eigsh

from .._kernels import weighted_squares
from .._sparse import SparseRows, column_squares, gram
from ..designs import Gram, Spanned
from ..losses import Loss, Squared
from ..losses._base import separated
from ..penalties._task_matrix import TaskMatrix
from ._dual import dual_point
from ._precondition import Diagonal, Preconditioner, preconditioner
from .direct import direct
from .newton import newton

GRAM_BYTES = 2**29
DENSE_EIGEN = 500
REFITTED = 1e-5
REFIT_TOL = 1e-28
FLAT = 1e-4
FEW = 4
ROUNDING = 16
POWERS = 2
MOST_REST = 64  # gaps without a look for a dual point, where there was none
ROUNDED = 1024  # roundings of its terms by which a gap may be below zero


class Point:
    """Coefficients with the values and gradients of the smooth parts, when asked for.

    `fit` and `gradient` belong to the loss, `quad` and `pull` to ½ tr(W L W'); `dual`
    is the gradient of the loss in the predictions z, and `dual_y` its product with -y.

    Parameters
    ----------
    problem : Problem
        The problem.
    W : ndarray of shape (n_features, n_columns)
        Coefficients.
    z : ndarray of shape (n_rows,) or None, default=None
        Their predictions.
    **known : dict
        What is known of the other attributes.
    """

    def __init__(
        self, problem: Problem, W: np.ndarray, z: np.ndarray | None = None, **known: Any
    ):
        self.problem = problem
        self.W = W
        if z is not None:
            self.z = z
        vars(self).update(known)

    @cached_property
    def z(self) -> np.ndarray:
        """The predictions."""
        return self.problem.predictions(self.W)

    @cached_property
    def fit(self) -> float:
        """The loss."""
        return self.problem.loss.value(*self._rows)

    @cached_property
    def dual(self) -> np.ndarray:
        """Gradient of the loss in the predictions."""
        return self.problem.loss.gradient(*self._rows)

    @cached_property
    def gradient(self) -> np.ndarray:
        """Gradient of the loss."""
        return self.problem.design.adjoint(self.dual)

    @cached_property
    def dual_y(self) -> float:
        """Product of the dual with -y."""
        return -float(np.dot(self.dual, self.problem.y))

    @cached_property
    def quad(self) -> float:
        """The quadratic part."""
        return self.problem.matrix.value(self.W)

    @cached_property
    def pull(self) -> np.ndarray | float:
        """Gradient of the quadratic part."""
        if self.problem.matrix.is_zero:
            return 0.0
        return self.problem.matrix.apply(self.W)

    @cached_property
    def slope(self) -> np.ndarray:
        """Gradient of all that is smooth."""
        if self.problem.matrix.is_zero:
            return self.gradient
        return self.gradient + self.pull

    def along(self, step: np.ndarray, move: np.ndarray, length: float) -> Point:
        """Return the point a way along a step, whose predictions are `move`."""
        W, z = self.W + length * step, self.z + length * move
        return Point(self.problem, W, z)

    @property
    def _rows(self):
        problem = self.problem
        return problem.y, self.z, problem.weight, problem.design.bounds


class Problem:
    """Minimise loss(design.forward(W)) + ½ tr(W L W') + proximal(W).

    Parameters
    ----------
    design : design
        See :mod:`pymtl.designs`.
    loss : Loss
        The loss.
    y : ndarray of shape (n_rows,)
        Targets.
    weight : ndarray of shape (n_rows,)
        Row weights, at least zero; rows of weight zero do not count.
    matrix : TaskMatrix
        The quadratic part L.
    proximal : Penalty or None
        The other part of the penalty.
    least_squares : callable or None, default=None
        ``least_squares(y, weight)`` gives design, targets and weights of the weighted
        least squares whose intercepts are minimised out; by default there are none.
    """

    def __init__(
        self,
        design,
        loss,
        y,
        weight,
        matrix=None,
        proximal=None,
        least_squares=None,
    ):
        self.design = design
        self.loss = loss
        self.y = y
        self.weight = weight
        self.matrix = TaskMatrix(design.shape[1]) if matrix is None else matrix
        self.proximal = proximal
        self.least_squares = least_squares
        self._known: dict = {}
        self._missed = self._rest = 0

    def with_penalty(self, matrix, proximal) -> Problem:
        """Return the problem of the same data with another penalty.

        What is known of the data alone (Gram matrices, step sizes, decompositions) is
        shared, and computed once for a whole path.
        """
        rows = self.design, self.loss, self.y, self.weight
        other = Problem(*rows, matrix, proximal, self.least_squares)
        other._known = self._known
        self._known["reused"] = True
        return other

    @property
    def is_reused(self) -> bool:
        """Whether what is found out of the data serves more than one problem."""
        return "reused" in self._known

    @property
    def dual_scale(self) -> float | None:
        """The scale at which a method on the dual has solved a problem of the data."""
        return self._known.get("dual scale")

    @dual_scale.setter
    def dual_scale(self, scale: float) -> None:
        self._known["dual scale"] = scale

    @property
    def lasso_path(self) -> Any:
        """Where a path of the data that is followed from knot to knot has got to."""
        return self._known.get("lasso path")

    @lasso_path.setter
    def lasso_path(self, path: Any) -> None:
        self._known["lasso path"] = path

    def take(self, rows: np.ndarray) -> Problem:
        """Return the problem of some rows of W, the others being zero."""
        design, squares = self.design.take(rows), self.least_squares
        data = design, self.loss, self.y, self.weight
        squares = None if squares is None else squares.of(design)
        proximal = self.proximal.of_rows(rows, self.design.shape)
        return Problem(*data, self.matrix, proximal, squares)

    def of_rows(self, rows: np.ndarray) -> Problem:
        """Return the same problem with the penalty of some rows of W."""
        proximal = self.proximal.of_rows(rows, self.design.shape)
        if proximal is self.proximal:
            return self
        part = copy(self)
        part.proximal = proximal
        return part

    @property
    def of_tasks(self) -> Problem:
        """The problem of the tasks' coefficients, for components without a penalty."""
        rows = self.design.design, self.loss, self.y, self.weight
        return self._once("of tasks", lambda: Problem(*rows))

    def _once(self, name, compute):
        """Return what is known of the data by this name."""
        if name not in self._known:
            self._known[name] = compute()
        return self._known[name]

    @property
    def convex(self) -> bool:
        """Whether the penalty is convex, as the loss is."""
        return self.proximal is None or self.proximal.convex

    @property
    def by_residual(self) -> bool:
        """Whether the certificate is the length of a step, and not a distance."""
        return self.kind in ("prox residual", "stationarity")

    @property
    def is_quadratic(self) -> bool:
        """Whether a linear system solves the problem."""
        return self.loss.quadratic and self.proximal is None

    @property
    def second_order(self) -> bool:
        """Whether Newton's method is for it: second derivatives, row by row."""
        loss = self.loss
        return loss.smooth and not loss.quadratic and loss.n_classes is None

    @property
    def refits(self) -> bool:
        """Whether what the penalty leaves free can be fitted exactly."""
        return self.loss.quadratic or self.second_order

    def separates(self, W: np.ndarray) -> bool:
        """Return whether W separates the labels at no cost: there is no optimum then.

        What counts is the part of W that is free. Where that is different for each task
        the labels of one are enough.
        """
        N, loss = self.null_basis, self.loss
        rows = self.weight, self.design.bounds
        if not loss.probabilities:
            return False
        if loss.separated(self.y, self.point(W).z, *rows):
            return True
        if not N.shape[1]:
            return False
        U = (W @ N) @ N.T
        size = self.matrix.majorant().max() * np.sum(U**2)
        if self.proximal is not None and self.matrix.value(U) > 1e-12 * size:
            return False
        together = N.shape[1] < len(N) or isinstance(self.design, Spanned)
        z = self.predictions(U)
        return bool(separated(loss, self.y, z, *rows, together).any())

    def point(self, W: np.ndarray) -> Point:
        """Return the smooth parts at W."""
        last = self._known.get("last point")
        if last is not None and last.W is W:
            names = "fit", "dual", "gradient"
            known = {name: vars(last)[name] for name in names if name in vars(last)}
            return Point(self, W, last.z, **known)
        return Point(self, W)

    def remember(self, point: Point) -> Point:
        """Return a point, where the next penalty may start."""
        self._known["last point"] = point
        return point

    def judge(self, W: np.ndarray, error: float) -> Problem:
        """Return the problem that tells the gap at W within an error at the least cost.

        That is the one on Gram matrices where they are known, and where what rounding
        does to products with them, in the objective and in the gauge, is less.
        """
        product = self._known.get("gram")
        if not isinstance(product, Gram) or not hasattr(self.proximal, "polar"):
            return self
        if self.only_signs.any():  # their dual point is one of rows
            return self
        root = np.sqrt(product.diagonal())
        length = np.sqrt(self.yy) + np.sum(root * np.abs(W), axis=0)
        eps = ROUNDING * np.finfo(float).eps
        gauge = self.proximal.polar(eps * root * length)
        left = eps * float(np.sum(length**2)) + gauge * self.yy
        return self.fast() if left <= error and not self.null_basis.shape[1] else self

    def learned(self, W: np.ndarray) -> dict[str, Any]:
        """Return what the loss has learned with coefficients W, as attributes."""
        own = self.loss
        while hasattr(own, "loss"):  # what wraps a loss asks it
            own = own.loss
        if type(own).learned is Loss.learned:
            return {}
        rows = self.y, self.predictions(W), self.weight, self.design.bounds
        return self.loss.learned(*rows)

    def predictions(self, W: np.ndarray) -> np.ndarray:
        """Return the predictions, by the columns in use where they are few."""
        used = np.flatnonzero(W.any(axis=1))
        if not len(used):
            return np.zeros(self.design.bounds[-1])
        if FEW * len(used) > len(W):
            return self.design.forward(W)
        return self.design.take(used).forward(W[used])

    def prox(self, V: np.ndarray, step: float | np.ndarray) -> np.ndarray:
        """Return the prox of the proximal part, V itself where there is none."""
        return V if self.proximal is None else self.proximal.prox(V, step)

    def hessian(self, W: np.ndarray) -> np.ndarray:
        """Return the Hessian of the squared loss, or the bound of it, times W."""
        return self.design.adjoint(self._curved * self.design.forward(W))

    def gradient_at(self, V: np.ndarray, new: Point, old: Point, beta: float):
        """Return the smooth gradient at ``V = new.W + beta (new.W - old.W)``."""
        if not self.loss.quadratic:
            z = (1 + beta) * new.z - beta * old.z if beta else new.z
            point = Point(self, V, z) if beta else new
            return point.slope
        if not beta:
            return new.slope
        return (1 + beta) * new.slope - beta * old.slope

    def objective(self, point: Point) -> float:
        """Return the objective."""
        value = point.fit + point.quad
        return value if self.proximal is None else value + self.proximal.value(point.W)

    @cached_property
    def kind(self) -> str:
        """The kind of certificate this problem admits."""
        if not self.convex:
            return "stationarity"
        if self.proximal is None:
            plain = self.matrix.is_zero and self.loss.quadratic
            return "newton decrement" if plain else "duality gap"
        known = self.proximal.certified or hasattr(self.proximal, "polar_near")
        return "duality gap" if known else "prox residual"

    def gap(
        self,
        point: Point,
        objective: float,
        polar: Callable[[np.ndarray], float] | None = None,
        sure: bool = False,
    ) -> float:
        """Return the objective less the best dual value on the ray of the residuals.

        The quadratic part joins the loss: in the dual it is one more squared loss with
        target zero, or, alone, the conjugate ½ tr(A L^+ A'). A solver that knows a
        bound of the polar gauge gives it, in place of the method of the penalty. What
        is held to its sign alone asks for a dual point that is looked for less and less
        often where there was none, unless the answer has to be `sure`.
        """
        top, A = np.inf, None
        if self.only_signs.any():
            point = self._signed_point(point, sure)
        elif not self.loss.quadratic:
            point = dual_point(self, point)
        elif self.null_basis.shape[1]:
            point = self.point(self.refit(point.W))
            point = point if self._is_refitted(point) else None
        if point is None:  # the dual point zero is always there: no loss is negative
            return objective
        quad = point.quad
        if self.proximal is None:
            quad = self.matrix.conjugate(point.gradient)
        else:
            A = -point.slope
            if self.only_signs.any():
                A[self.only_signs] = np.minimum(A[self.only_signs], 0.0)  # rounding
            polar = polar or self._polar(point.W)
            if polar is not None:
                gauge = polar(A)
                top = 1.0 / gauge if gauge > 0 else np.inf
        finite = A is not None and hasattr(self.proximal, "conjugate")
        if self.loss.quadratic:
            curvature = 2 * (point.fit + quad)
            best = point.dual_y / curvature if curvature > 0 and not finite else 1.0
            scale = min(max(best, 0.0), top)
            dual = scale * point.dual_y - scale**2 * point.fit
        else:
            scale = min(1.0, top)
            dual = -self.loss.conjugate(
                self.y, scale * point.dual, self.weight, self.design.bounds
            )
        if finite:
            dual -= self.proximal.conjugate(scale * A)
        gap = objective - dual + scale**2 * quad
        if gap >= 0 or not np.isfinite(gap):
            return gap
        # below zero by more than rounding it bounds nothing; the dual point zero does
        size = abs(objective) + abs(dual) + scale**2 * quad
        if self.loss.quadratic:  # residuals have the rounding of the targets
            size += self.yy
        else:
            size += float(np.dot(np.abs(point.dual), np.abs(self.y) + np.abs(point.z)))
        return 0.0 if -gap <= ROUNDED * np.finfo(float).eps * size else objective

    def _signed_point(self, point, sure):
        if self._rest and not sure:
            self._rest -= 1
            return None
        found = dual_point(self, point)
        self._missed = 0 if found else self._missed + 1
        self._rest = min(2**self._missed, MOST_REST) if self._missed else 0
        return found

    def _polar(self, W):
        """Return the polar gauge, or a bound of it that is tight about W."""
        own = self.proximal
        if hasattr(own, "polar_near"):
            return partial(own.polar_near, W=W)
        return getattr(own, "polar", None)

    def metric(self) -> np.ndarray:
        """Return a diagonal majorant of the Hessian that the prox can take."""
        return self._for_prox(self.majorant)

    def estimate(self) -> np.ndarray:
        """Return what `metric` is about, from below, at the price of a few products."""
        return self._for_prox(self._estimate)

    def _for_prox(self, bound):
        return bound(True) if self.proximal is None else self.proximal.metric(bound)

    def majorant(self, entry: bool) -> np.ndarray:
        """Return a diagonal majorant (n_features, n_columns) of the Hessian.

        Parameters
        ----------
        entry : bool
            Whether it may differ between the coefficients of a column.
        """
        bound = self._once(("majorant", entry), lambda: self._majorant(entry))
        bound = bound + self.matrix.majorant()
        bound[bound == 0] = bound.max() or 1.0
        return bound

    def _estimate(self, entry):
        size = self._once(("estimate", entry), lambda: self._few_powers(entry))
        bound = size + self.matrix.majorant()
        bound[bound == 0] = bound.max() or 1.0
        return bound

    def _few_powers(self, entry):
        """Estimate the largest eigenvalue of each column's part of the Hessian.

        The powers begin at the gradient and its cube, which has no reason to avoid the
        first eigenvector, as the gradient does where targets have none of it. Features
        and tasks in another order give the same.
        """
        scale = np.sqrt(self.hessian_diagonal) if entry else np.ones(self.design.shape)
        inverse = np.divide(1.0, scale, out=np.zeros_like(scale), where=scale > 0)
        V = _normed(inverse * self.null_point.gradient)
        V[:, ~V.any(axis=0)] = 1.0
        V += _normed(V**3)
        for _ in range(POWERS):
            V = _normed(V)
            V = inverse * self.hessian(inverse * V)
        size = np.linalg.norm(V, axis=0)
        return scale**2 * (np.maximum(size, 1.0) if entry else size)  # mean diagonal

    def _majorant(self, entry):
        d, m = self.design.shape
        bound = np.empty((d, m))
        weight = self._curved
        scale, weight = self.design.as_one(weight)
        for t in range(m if scale is None else 1):
            bound[:, t] = _majorant(self.design.block(t, weight), entry)
        if scale is not None:
            bound[:] = bound[:, :1] * scale
        return bound

    @property
    def hessian_diagonal(self) -> np.ndarray:
        """Diagonal (n_features, n_columns) of the loss's Hessian at the null model."""
        return self._once("diagonal", self._squares)

    def _squares(self):
        product = self._known.get("gram")
        if self.loss.quadratic and isinstance(product, Gram):
            return product.diagonal()
        return self.design.squares(self._curvature_at_zero)

    @property
    def _curvature_at_zero(self):
        """Second derivatives of the loss in the predictions, at zero."""
        if self.loss.quadratic:
            return self.weight
        zero = np.zeros(len(self.y))
        return self.loss.hessian(self.y, zero, self.weight, self.design.bounds)

    @property
    def _curved(self):
        """Bound of the second derivatives, or those at zero where there is none."""
        if self.loss.curvature is None:
            return self._curvature_at_zero
        return self.loss.curvature * self.weight

    @cached_property
    def null(self) -> np.ndarray:
        """Coefficients of the null model: all that is unpenalised is fitted."""
        zero = np.zeros(self.design.shape)
        if not self.null_basis.shape[1] or self.by_residual or not self.refits:
            return zero
        if self.proximal is not None and not self._free.matrix.is_zero:
            return zero
        return self._refit(zero)

    @cached_property
    def null_point(self) -> Point:
        """The null model."""
        if self.null.any():
            return self.point(self.null)
        gradient = self._once("gradient", self._null_gradient)
        return Point(self, self.null, gradient=gradient)

    def _null_gradient(self):
        """Return the gradient at zero, from one that is known if that is cheap."""
        W, gradient = self._known.get("tangent", (None, None))
        product = self._known.get("gram")
        if W is None or (product is None and W.any()):
            return self.point(self.null).gradient
        return gradient - product(W) if W.any() else gradient

    def components(self, W: np.ndarray) -> list[np.ndarray]:
        """Return the components of the tasks' coefficients, which add up to them."""
        if not isinstance(self.design, Spanned):
            return [W]
        sizes = getattr(self.proximal, "sizes", [W.shape[1]])
        cuts = np.cumsum(sizes)[:-1]
        parts = np.split(W, cuts, axis=1), np.split(self.design.basis, cuts, axis=1)
        return [U @ N.T for U, N in zip(*parts, strict=True)]

    def refit(self, W: np.ndarray) -> np.ndarray:
        """Refit what the penalty, or its proximal part, leaves free: A N = 0."""
        if not self.null_basis.shape[1] or self.kind == "newton decrement":
            return W
        return self._refit(W)

    def _refit(self, W):
        N, free = self.null_basis, self._free
        if not free.matrix.is_zero:  # take out of W what it has along N
            pull = self.matrix.apply(W) @ N / self.row_scale
            W = W - free.matrix.solve(pull) @ N.T
        z = self.design.forward(W)
        if self.loss.quadratic:
            free.y = self.y - z
            S = direct(free).W
        else:
            free.loss = self.loss.shifted(z)
            S = newton(free, np.zeros(free.design.shape), REFIT_TOL).W
        return W + (S / np.sqrt(self.row_scale)) @ N.T

    def _is_refitted(self, point):
        """Return whether the gradient is zero, but for rounding, where it has to be."""
        N = self.null_basis
        if not N.shape[1] or self.kind == "newton decrement":
            return True
        left = np.abs(point.slope @ N)
        length = np.sqrt(self.hessian_diagonal @ N**2)
        seen = length > 0
        return bool(
            np.all(left[seen] <= REFITTED * length[seen] * np.sqrt(2 * point.fit))
        )

    @property
    def row_scale(self):
        """What the quadratic part multiplies the rows of W by."""
        return getattr(self.matrix, "rows", 1.0)

    @property
    def free_matrix(self) -> TaskMatrix:
        """The quadratic part of what a norm leaves free."""
        return self._free.matrix

    @property
    def squares(self) -> np.ndarray:
        """Weighted squares (n_features, n_columns) of the rows."""
        return self._once("squares", lambda: self.design.squares(self.weight))

    @cached_property
    def null_basis(self) -> np.ndarray:
        """Basis N (n_columns, k) of what the penalty, or its norm, leaves free."""
        if self.proximal is None:
            return self.matrix.null_space()
        return self.proximal.null_space(self.design.shape[1])

    @cached_property
    def only_signs(self) -> np.ndarray:
        """Which coefficients (n_features, n_columns) are only held to their sign."""
        if self.proximal is None:
            return np.zeros(self.design.shape, bool)
        return self.proximal.only_signs(*self.design.shape)

    @cached_property
    def preconditioner(self) -> Preconditioner | Diagonal:
        """Approximate inverse of the Hessian of a quadratic problem."""
        last = self._known.get("preconditioner")
        self._known["preconditioner"] = preconditioner(self, last)
        return self._known["preconditioner"]

    @property
    def is_sparse(self) -> bool:
        """Whether the rows are sparse."""
        return isinstance(self.design.block(0, self.weight), SparseRows)

    @cached_property
    def _free(self):
        """Problem of S in W = S N', with the quadratic part that a norm comes with."""
        N = self.null_basis
        design, matrix = Spanned(self.design, N), TaskMatrix(N.shape[1])
        if self.proximal is not None and not self.matrix.is_zero:
            whole = self.matrix
            if hasattr(whole, "unscaled"):
                design, whole = whole.unscaled(design)
            seen = whole.restrict(N)
            if seen.diagonal().max() > 1e-12 * whole.majorant().max():
                matrix = seen
        squares = None
        if self.least_squares is not None:
            squares = on_design(self.least_squares, lambda inner: Spanned(inner, N))
        problem = Problem(
            design, self.loss, self.y, self.weight, matrix, least_squares=squares
        )
        if self.loss.quadratic:
            problem._known = self._once(("free", N.tobytes()), dict)
        return problem

    def model(self, point: Point, rows: np.ndarray | slice = slice(None)) -> Problem:
        """Return the problem whose squared loss has the same second order at a point.

        Its intercepts are minimised out anew, with the weights that the rows have
        there. Rows without curvature are given a little. The point may be one of the
        problem that this is a part of, by some rows of W.
        """
        loss, bounds = self.loss, self.design.bounds
        data = self.y, point.z, self.weight, bounds
        flat = FLAT if self.proximal is None else loss.flat
        weight, top = loss.hessian(*data), loss.curvature
        if top is None:  # the mean of each task
            starts = bounds[:-1]
            total = np.add.reduceat(self.weight, starts)
            top = np.add.reduceat(weight, starts) / np.where(total > 0, total, 1.0)
            top = np.repeat(top, np.diff(bounds))
        weight = np.maximum(weight, flat * top * self.weight)
        step = np.divide(
            point.dual, weight, out=np.zeros_like(weight), where=weight > 0
        )
        design, y = self.design, point.z - step
        if self.least_squares is not None:
            y += loss.shifts(*data)
            design, y, weight = self.least_squares(y, weight)
        model = Problem(design, Squared(), y, weight, self.matrix, self.proximal)
        model._known["tangent"] = point.W[rows], point.gradient[rows]
        return model

    @cached_property
    def yy(self) -> float:
        """Weighted sum of the squared targets."""
        zero = np.broadcast_to(0.0, self.y.shape)
        return self._once("yy", lambda: weighted_squares(self.weight, self.y, zero))

    @property
    def working_set(self) -> list:
        """Blocks of rows that coordinate descent has worked on, and their products."""
        return self._once("working set", list)

    def products(self, features: np.ndarray) -> Gram:
        """Return the products X_t'X_t of some of the features."""
        return self.design.take(features).gram(self.weight)

    def fast(self) -> Problem:
        """Return the same problem on Gram matrices, where that pays."""
        product = self._once("gram", self._gram) if self.loss.quadratic else None
        return self if product is None else GramProblem(self, product)

    def _gram(self):
        """Return the design's products, None where they do not pay."""
        d, m = self.design.shape
        rows = np.count_nonzero(self.weight)
        if rows < m * d or 8 * m * d * d > GRAM_BYTES:
            return None
        B = self.design.block(0, np.broadcast_to(1.0, self.weight.shape))
        if isinstance(B, SparseRows) and B.S.nnz < d * d:
            return None
        return self.design.gram(self.weight)


class GramProblem(Problem):
    """A squared-loss problem held by X_t'X_t, X_t'y_t and y_t'y_t.

    Parameters
    ----------
    problem : Problem
        The problem on the rows.
    product : callable
        The function W -> X_t'X_t w_t of the design.
    """

    def __init__(self, problem, product):
        vars(self).update(vars(problem))
        self.product = product
        if problem.null.any():
            compute = partial(self.design.adjoint, self.weight * self.y)
            self.Xy = self._once("Xy", compute)
        else:
            self.Xy = -problem.null_point.gradient

    def hessian(self, W):
        return self.product(W)

    def products(self, features):
        whole = len(features) == self.design.shape[0]
        return self.product if whole else self.product.take(features)

    def point(self, W):
        HW = self.product(W)
        linear = float(np.vdot(self.Xy, W))
        return Point(
            self,
            W,
            fit=max(0.5 * (float(np.vdot(W, HW)) + self.yy) - linear, 0.0),
            gradient=HW - self.Xy,
            dual_y=self.yy - linear,
        )


def on_design(least_squares: Callable, change: Callable) -> Callable:
    """Return `least_squares` with another design made of its own."""

    def changed(y, weight):
        design, y, weight = least_squares(y, weight)
        return change(design), y, weight

    return changed


def _normed(V):
    """Return columns of length one, or zero."""
    length = np.linalg.norm(V, axis=0)
    return V / np.where(length > 0, length, 1.0)


def _majorant(B, entry):
    """Diagonal majorant (n_features,) of B'B."""
    if not entry:
        return np.full(B.shape[1], largest_eigenvalue(B))
    diagonal = column_squares(B)
    scale = np.sqrt(diagonal)
    scale[scale == 0] = 1.0
    return diagonal * largest_eigenvalue(B / scale)


def largest_eigenvalue(B: np.ndarray | SparseRows) -> float:
    """Return the largest eigenvalue of B'B, or a little more."""
    n, d = B.shape
    if n == 0:
        return 0.0
    if min(n, d) <= DENSE_EIGEN:
        return _largest(gram(B if d <= n else B.T))
    operator = LinearOperator((d, d), matvec=lambda v: B.T @ (B @ v), dtype=float)
    return _lanczos(operator)


def _largest(gram):
    n = len(gram)
    if n > DENSE_EIGEN:
        return _lanczos(gram)
    top = eigh(gram, eigvals_only=True, subset_by_index=[n - 1, n - 1])[0]
    return max(float(top), 0.0) * (1 + 1e-10)


def _lanczos(operator):
    v0 = np.ones(operator.shape[0])
    top = eigsh(operator, k=1, v0=v0, tol=1e-3, return_eigenvectors=False)
    return 1.01 * float(top[0])
