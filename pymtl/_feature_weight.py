"""Feature weights: a rescaled design, and covariates that are not penalised."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from ._sparse import less_fit
from .designs import Scaled, Selected
from .losses import Loss, Squared
from .losses._base import separated
from .penalties import L1
from .penalties._sign import covered
from .solvers import Problem, solve
from .solvers.direct import direct
from .solvers.newton import newton

COVARIATE_TOL = 1e-28
COVARIATE_LEFT = 1e-9  # of the lengths of dual and covariate: what counts as orthogonal
SIGNED_TOL = 1e-12


class FeatureWeight:
    """Weights that multiply each feature's share of the penalty.

    A penalty of degree p (1 a norm, 2 a square) of ``diag(q)^(1/p) W`` is the plain
    penalty of the coefficients of the design ``X diag(q)^(-1/p)``. Features of weight
    zero are fitted, task by task, before and after: what they explain is taken out of
    the targets and of the other features.

    Parameters
    ----------
    weight : ndarray of shape (n_features,)
        The weights q, at least zero.
    degree : {1, 2}
        Degree p of the penalty; with a norm the quadratic parts keep degree 2.
    positive : bool, default=False
        Whether coefficients have to be at least zero. Then features of weight zero
        stay in the problem, held to their sign: `signed`.
    """

    def __init__(self, weight: np.ndarray, degree: int, positive: bool = False):
        self.signed = (weight == 0) & positive
        self.kept = np.flatnonzero((weight > 0) | positive)
        self.free = np.flatnonzero((weight == 0) & ~self.signed)
        q = weight[self.kept]
        self.scale = np.where(q > 0, q, 1.0) ** (-1.0 / degree)
        self.root = weight[:, None] ** (1.0 / degree)
        self.quadratic = None if degree == 2 else q * self.scale**2

    def enter(self, design, y, weight):
        """Return the design of the penalised features, and its targets."""
        self.covariates = None
        if len(self.free):
            self.covariates = Covariates(design, self.free, weight)
            design = Projected(design, self.kept, self.covariates)
            y = y - self.covariates.fitted(y)
        return Scaled(design, self.scale), y

    def cover(self, proximal):
        """Return the penalty that leaves signed covariates only their sign."""
        return covered(proximal, self.signed) if self.signed.any() else proximal

    def null_gradient(self, design, loss, y, weight):
        """Return the negative gradient where the signed covariates are fitted."""
        own = Selected(design, np.flatnonzero(self.signed))
        sign = L1(0.0, positive=True)
        result = solve(Problem(own, loss, y, weight, proximal=sign), tol=SIGNED_TOL)
        slope = loss.gradient(y, own.forward(result.W), weight, design.bounds)
        gradient = -design.adjoint(slope)
        gradient[self.signed] = 0.0
        return gradient

    def unscale(self, W):
        """Return the coefficients of all features, 0 for the covariates."""
        full = np.zeros((len(self.kept) + len(self.free), W.shape[1]))
        full[self.kept] = self.scale[:, None] * W
        return full

    def seen(self, W):
        """Return the coefficients of all features in the units of the penalty."""
        return self.root * W

    def covariate_fit(self, W, design, y):
        """Return the coefficients of the covariates given the other features."""
        full = np.zeros_like(W)
        if self.covariates is not None:
            full[self.free] = self.covariates.fit(y - design.forward(W))
        return full


def feature_values(values, n_features: int) -> np.ndarray:
    """Return the feature weights as an array of the right shape."""
    weight = np.asarray(values, dtype=np.float64)
    if weight.shape != (n_features,):
        msg = (
            f"feature_weight has shape {weight.shape}, but X has {n_features} features "
            "(the task column is not one)."
        )
        raise ValueError(msg)
    if not np.isfinite(weight).all() or weight.min() < 0 or weight.max() == 0:
        msg = "feature_weight must be finite and at least 0, and not 0 everywhere."
        raise ValueError(msg)
    return weight


class Covariates:
    """Least-squares fit of some of the features of each task.

    Parameters
    ----------
    design : design
        The tasks.
    free : ndarray of int
        The features.
    weight : ndarray of shape (n_rows,)
        Row weights.
    """

    def __init__(self, design, free, weight):
        self.design = Selected(design, free)
        self.problem = Problem(self.design, Squared(), np.zeros(len(weight)), weight)

    def fit(self, z):
        """Return the coefficients (n_free, n_tasks) that fit z."""
        self.problem.y = z
        return direct(self.problem).W

    def fitted(self, z):
        """Return what the covariates explain of z."""
        return self.design.forward(self.fit(z))


class WithCovariates(Loss):
    r"""The minimum of a smooth loss over the coefficients of covariates.

    .. math:: \tilde f(z) = \min_B\, f(z + F B)

    What :class:`~pymtl.losses._profiled.Profiled` is to intercepts.

    Parameters
    ----------
    loss : Profiled
        The loss f.
    design : design
        The covariates F.
    least_squares : callable
        Least squares on them, see :class:`~pymtl.solvers.Problem`.
    """

    cost = 30  # some Newton steps, each with its search for intercepts

    def __init__(self, loss, design, least_squares):
        self.loss = loss
        self.design = design
        self.least_squares = least_squares
        self.curvature, self.flat = loss.curvature, loss.flat
        self.probabilities = loss.probabilities
        self._seen, self._coef = None, np.zeros(design.shape)
        self._unit = None

    @cached_property
    def length(self) -> np.ndarray:
        """The lengths (n_free, n_columns) of the covariates."""
        length = np.sqrt(self.design.squares(np.ones(self.design.bounds[-1])))
        return np.where(length > 0, length, np.inf)

    def fit(self, y, z, weight):
        """Return the best coefficients of the covariates at predictions z."""
        if self._seen is not z:
            loss, squares = self.loss.shifted(z), self.least_squares
            problem = Problem(self.design, loss, y, weight, least_squares=squares)
            if self._unit is None:
                zero = problem.point(np.zeros(self.design.shape))
                self._unit = problem.objective(zero) or 1.0
            # of one unit always, lest coefficients without an optimum go on and on
            self._coef = newton(
                problem, self._coef, COVARIATE_TOL, null_objective=self._unit
            ).W
            self._seen, self._z = z, z + self.design.forward(self._coef)
        return self._coef

    def separated(self, y, z, weight, bounds):
        """Return whether the covariates alone separate the labels of a task."""
        own = self.design.forward(self.fit(y, z, weight))
        return separated(self.loss, y, own, weight, bounds).any()

    def moved(self, y, z, weight):
        """Return the predictions with what the covariates explain."""
        self.fit(y, z, weight)
        return self._z

    def value(self, y, z, weight, bounds):
        return self.loss.value(y, self.moved(y, z, weight), weight, bounds)

    def gradient(self, y, z, weight, bounds):
        return self.loss.gradient(y, self.moved(y, z, weight), weight, bounds)

    def hessian(self, y, z, weight, bounds):
        return self.loss.hessian(y, self.moved(y, z, weight), weight, bounds)

    def conjugate(self, y, u, weight, bounds):
        left = np.abs(self.design.adjoint(u)) / self.length
        if np.any(left > COVARIATE_LEFT * np.linalg.norm(u)):
            return np.inf
        return self.loss.conjugate(y, u, weight, bounds)

    def task_values(self, y, z, weight, bounds):
        return self.loss.task_values(y, self.moved(y, z, weight), weight, bounds)

    def learned(self, y, z, weight, bounds):
        return self.loss.learned(y, self.moved(y, z, weight), weight, bounds)

    def rounding(self, y_scale, eps):
        return self.loss.rounding(y_scale, eps)

    def feasible(self, y, u, weight, bounds):
        return self.loss.feasible(y, u, weight, bounds)

    def room(self, y, z, u, weight, bounds):
        return self.loss.room(y, self.moved(y, z, weight), u, weight, bounds)

    def pull(self, u, bounds):
        """Return the products with the covariates too, which have to be zero."""
        own = self.design.adjoint(u) / self.length
        return np.concatenate([own.ravel(), self.loss.pull(u, bounds)])

    def push(self, c, bounds):
        k = self.length.size
        own = c[:k].reshape(self.length.shape) / self.length
        return self.design.forward(own) + self.loss.push(c[k:], bounds)

    def shifted(self, z):
        """Return the same with an offset."""
        return WithCovariates(self.loss.shifted(z), self.design, self.least_squares)

    def shifts(self, y, z, weight, bounds):
        """Return what covariates and intercepts add to each row."""
        moved = self.moved(y, z, weight)
        return moved - z + self.loss.shifts(y, moved, weight, bounds)


class Projected(Selected):
    """Some of the features, less what the covariates explain of them.

    Parameters
    ----------
    design : design
        The tasks.
    features : ndarray of int
        Their indices.
    covariates : Covariates
        The other features.
    """

    def __init__(self, design, features, covariates):
        super().__init__(design, features)
        self.covariates = covariates

    def forward(self, W):
        z = super().forward(W)
        return z - self.covariates.fitted(z)

    def adjoint(self, r):
        weight = self.covariates.problem.weight
        z = np.divide(r, weight, out=np.zeros_like(r), where=weight > 0)
        return super().adjoint(r - weight * self.covariates.fitted(z))

    def block(self, t, weight):
        free = self.covariates.design.features
        return less_fit(self.design.block(t, weight), free, self.features)

    def take(self, features):
        return Projected(self.design, self.features[features], self.covariates)


class RowScaled:
    """A task matrix whose penalty counts row j of W with a weight r_j.

    Parameters
    ----------
    matrix : TaskMatrix
        The matrix L.
    rows : ndarray of shape (n_features,)
        The weights r.
    """

    def __init__(self, matrix, rows):
        self.matrix = matrix
        self.rows = rows[:, None]
        self.is_zero = matrix.is_zero

    @property
    def ridge(self):
        """The numbers beta of the rows if the matrix is a multiple of I, else None."""
        ridge = self.matrix.ridge
        return None if ridge is None else ridge * self.rows

    def apply(self, W):
        return self.rows * self.matrix.apply(W)

    def value(self, W):
        return self.matrix.value(np.sqrt(self.rows) * W)

    def majorant(self):
        return self.rows * self.matrix.majorant()

    def restrict(self, basis):
        return RowScaled(self.matrix.restrict(basis), self.rows.ravel())

    def unscaled(self, design):
        """Return the design and the task matrix of the coefficients sqrt(r) W."""
        return Scaled(design, 1.0 / np.sqrt(self.rows.ravel())), self.matrix
