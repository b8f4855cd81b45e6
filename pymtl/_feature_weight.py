"""Feature weights: a rescaled design, and covariates that are not penalised."""

from __future__ import annotations

import numpy as np

from ._sparse import columns, less_fit
from .losses import Squared
from .solvers import Problem
from .solvers.direct import direct


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
    """

    def __init__(self, weight: np.ndarray, degree: int):
        self.kept = np.flatnonzero(weight > 0)
        self.free = np.flatnonzero(weight == 0)
        q = weight[self.kept]
        self.scale = q ** (-1.0 / degree)
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


class Selected:
    """Some of the features of a design.

    Parameters
    ----------
    design : design
        The tasks.
    features : ndarray of int
        Their indices.
    """

    def __init__(self, design, features):
        self.design = design
        self.features = features
        self.bounds = design.bounds
        self.shape = (len(features), design.shape[1])

    def forward(self, W):
        full = np.zeros(self.design.shape)
        full[self.features] = W
        return self.design.forward(full)

    def adjoint(self, r):
        return self.design.adjoint(r)[self.features]

    def block(self, t, weight):
        return columns(self.design.block(t, weight), self.features)

    def gram(self, weight):
        return None

    def alike(self, weight):
        return self.design.alike(weight)


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


class Scaled:
    """A design whose features are multiplied by numbers.

    Parameters
    ----------
    design : design
        The tasks.
    scale : ndarray of shape (n_features,)
        The numbers.
    """

    def __init__(self, design, scale):
        self.design = design
        self.scale = scale
        self.bounds = design.bounds
        self.shape = design.shape

    def forward(self, W):
        return self.design.forward(self.scale[:, None] * W)

    def adjoint(self, r):
        return self.scale[:, None] * self.design.adjoint(r)

    def block(self, t, weight):
        return self.design.block(t, weight) * self.scale

    def gram(self, weight):
        product, s = self.design.gram(weight), self.scale[:, None]
        return None if product is None else lambda W: s * product(s * W)

    def alike(self, weight):
        return self.design.alike(weight)


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
