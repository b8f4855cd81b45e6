"""Information criteria: how well a fit does on its own data, and what that took."""

from __future__ import annotations

import numpy as np
from scipy.special import gammaln

from ..solvers.closed import ClosedForm, has_closed_form
from ..solvers.direct import conjugate_gradients


class Criterion:
    r"""The information criterion of fits to one training set.

    .. math:: -2 \log L + k \log n + 2 \log \binom{p}{s}

    with L the likelihood and k the number of parameters in use; only the extended one
    has the last term, s of p features (or coefficients) being selected.

    Parameters
    ----------
    training : Training
        The training data.
    squares : callable
        Less the mean squared error of a fit, for the squared loss.
    extended : bool
        Whether to count the models of the same size.
    """

    def __init__(self, training, squares, extended):
        self.training, self.squares, self.extended = training, squares, extended
        data = training.data
        self.sizes = data.task_sum(data.weight)

    def __call__(self, fit, penalty, problem, W) -> float:
        """Return the criterion of a fit, given its penalty, problem and solution."""
        value = self._deviance(fit, problem, W)
        coefs = [np.atleast_2d(coef) for coef in fit.coef_]
        free = np.array([max(len(coef) - 1, 1) for coef in coefs])
        chosen = None
        if problem.proximal is None:
            size = self._shrunk(fit, problem, W)
        elif np.isfinite(penalty.lambda_max(np.ones(problem.design.shape))):
            size, chosen = _selected(coefs, free)
        else:
            msg = (
                "select='bic' and 'ebic' count the parameters of structures that are "
                f"quadratic, or select; {type(fit).__name__} is neither: use folds."
            )
            raise ValueError(msg)
        size += {False: 0, "shared": free.max()}.get(fit.fit_intercept, free.sum())
        value += np.log(self.sizes.sum()) * size
        if self.extended and chosen is not None:
            value += 2 * _log_binomial(*chosen)
        return float(value)

    def _deviance(self, fit, problem, W):
        """Return minus twice the log-likelihood, but for a constant."""
        loss = fit._loss()
        if loss.quadratic:  # the rows of the problem may be fewer than the samples
            means = np.array([-0.5 * self.squares(fit)])
            return loss.deviance(means, self.sizes.sum(keepdims=True))
        rows = problem.weight, problem.design.bounds
        values = problem.loss.task_values(problem.y, problem.predictions(W), *rows)
        return loss.deviance(values / self.training.centred.omega, self.sizes)

    def _shrunk(self, fit, problem, W):
        """Return the effective number of coefficients under a quadratic penalty."""
        if not (problem.is_quadratic or problem.second_order):
            msg = (
                f"select='bic' and 'ebic' of {type(fit).__name__} need the second "
                "derivatives of the loss, of two classes at most: use folds."
            )
            raise ValueError(msg)
        features = self.training.centred.features
        covariates = 0 if features is None else len(features.free)
        return traced(problem, W) + covariates * W.shape[1]


def traced(problem, W: np.ndarray) -> float:
    r"""Return the trace of :math:`(H + P)^{-1} H` at the solution.

    H is the Hessian of the loss, P that of the penalty. For ridge alone these are the
    effective degrees of freedom :math:`\sum_j s_j^2 / (s_j^2 + \lambda)`.
    """
    if not problem.is_quadratic:
        problem = problem.model(problem.point(W))
    if hasattr(problem.design, "reduced") and has_closed_form(problem.matrix):
        closed = ClosedForm(problem.design, problem.y, problem.weight)
        return closed.trace(problem.matrix)
    solve, total = problem.preconditioner, 0.0
    unit = np.zeros(W.shape)
    for place in np.ndindex(*W.shape):
        unit[place] = 1.0
        R = problem.hessian(unit)
        step, _ = conjugate_gradients(problem, solve, R, solve(R))
        total += step[place]
        unit[place] = 0.0
    return total


def _selected(coefs, free):
    """Return the number of coefficients in use, and what was selected of what.

    Of the K classes of a task only K - 1 are free, and of rank r no more than
    :math:`r (d + m - r)` coefficients of d features and m columns.
    """
    W = np.concatenate(coefs)
    rank, d, m = np.linalg.matrix_rank(W), W.shape[1], free.sum()
    used = [np.count_nonzero(coef, axis=0) for coef in coefs]
    nonzero = int(np.minimum(used, free[:, None]).sum())
    rows = np.count_nonzero(W.any(axis=0))
    chosen = (d, rows) if nonzero == rows * m else (d * m, nonzero)
    return min(nonzero, rank * (d + m - rank)), chosen


def _log_binomial(n, k):
    return gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1)
