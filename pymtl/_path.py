"""Regularisation paths: many penalties on data that are read and centred once."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator
from copy import copy
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_scalar

from .penalties._base import gauge, leading, moving, split_quadratic, summands
from .solvers import Result
from .solvers.closed import ClosedForm, has_closed_form

CLOSED_BYTES = 2**27
FAR = 2.0


@dataclass
class Path:
    """Fits of one estimator along decreasing strengths.

    Parameters
    ----------
    lambdas : ndarray of shape (n_lambdas,)
        Values of the leading strength, decreasing.
    strength : str
        Name of the leading strength: "lambda1", for the baselines "lambda2".
    params : list of dict
        Parameters that make the estimator fit each point. All strengths of the
        structure move in one proportion.
    coef : ndarray of shape (n_lambdas, n_tasks, n_features)
        Coefficients; of more than two classes (n_lambdas, n_tasks, n_classes,
        n_features), zero for classes that a task does not have.
    intercept : ndarray of shape (n_lambdas, n_tasks)
        Intercepts; of more than two classes (n_lambdas, n_tasks, n_classes), minus
        infinity for classes that a task does not have.
    objective : ndarray of shape (n_lambdas,)
        Objectives.
    gap : ndarray of shape (n_lambdas,)
        Duality gaps, in units of the objective.
    certificate : ndarray of shape (n_lambdas,)
        What `tol` bounds.
    n_iter : ndarray of shape (n_lambdas,)
        Iterations of each fit.
    n_features : ndarray of shape (n_lambdas,)
        Number of features that some task uses.
    n_nonzero : ndarray of shape (n_lambdas,)
        Number of coefficients that are not zero.
    rank : ndarray of shape (n_lambdas,)
        Rank of the coefficients.
    tasks : ndarray of shape (n_tasks,)
        Task labels.
    """

    lambdas: np.ndarray
    strength: str
    params: list[dict[str, Any]]
    coef: np.ndarray
    intercept: np.ndarray
    objective: np.ndarray
    gap: np.ndarray
    certificate: np.ndarray
    n_iter: np.ndarray
    n_features: np.ndarray
    n_nonzero: np.ndarray
    rank: np.ndarray
    tasks: np.ndarray


class Training:
    """The training data of an estimator, read and centred once.

    Parameters
    ----------
    estimator : estimator
        Its options of the data (doors, intercepts, weights) are used; `n_features_in_`
        and the feature names are set on it.
    X, y, sample_weight, offset : object
        Training data as in `fit`.
    """

    def __init__(self, estimator, X, y, sample_weight=None, offset=None):
        self.estimator = estimator
        self.data = estimator._read(X, y, sample_weight, offset)
        if estimator.feature_weight is not None:
            self.data.own = False  # to be centred again
        self.centred = estimator._centre(self.data)
        if estimator._loss().quadratic:
            self.centred.reduce()

    def ridge(self) -> float | None:
        """Return the automatic strength of a ridge that paths leave as it is."""
        if getattr(self.estimator, "lambda2", None) != "auto":
            return None
        penalty = self.penalty(self.estimator)
        if not penalty.structure or "lambda2" in self.estimator._moved(penalty):
            return None
        kept = (p for p in summands(penalty) if not p.structure)
        return next((p.lambda2 for p in kept if p.lambda2 > 0), None)

    def shrink(self, lambda0: float) -> None:
        """Take another strength for intercepts that are shrunk to their mean."""
        if lambda0 == self.centred.lambda0:
            return
        if hasattr(self.centred, "with_lambda0") and self.centred.features is None:
            self.centred = self.centred.with_lambda0(lambda0)
        else:
            model = with_parameters(self.estimator, {"lambda0": lambda0})
            self.centred = model._centre(self.data)

    def penalty(self, model):
        """Return the penalty of a model with numbers for its strengths."""
        return model._resolve(self.centred, model._aligned(self.data))

    def sweep(self, settings: Iterable[dict], W=None) -> Iterator[tuple]:
        """Yield (model, penalty, problem, result) for settings of the parameters.

        The settings are of strengths, `lambda0` among them, and of options of the
        penalty. Each fit starts
        from where the two before lead to, and shares what they knew of the data.
        """
        problem, known = None, []
        for parameters in settings:
            model = with_parameters(self.estimator, parameters)
            if "lambda0" in parameters:
                self.shrink(parameters["lambda0"])
            penalty = self.penalty(model)
            problem = model._problem(self.centred, penalty, like=problem)
            if W is not None and W.shape != problem.design.shape:
                W, known = None, []
            value = max(getattr(p, s) for p in moving(penalty) for s in p.strengths)
            result = model._solve(self.centred, problem, _ahead(known, value, W))
            W = result.W
            known = [*known[-1:], (value, W)]
            yield model, penalty, problem, result

    def closed_form(self, settings: list[dict]) -> dict:
        """Return {index: (coef_, intercept_)} of the settings that are linear systems.

        Without those that are not solved within `tol` so.
        """
        centred, estimator = self.centred, self.estimator
        design = centred.design
        plain = (
            hasattr(design, "reduced")
            and centred.features is None
            and centred.dtype == np.float64
            and estimator._loss().quadratic
            and estimator._pool(design.shape[1]) is None
            and estimator.solver in ("auto", "direct")
            and 8 * len(settings) * np.prod(design.shape) <= CLOSED_BYTES
        )
        matrices = {}
        for i, parameters in enumerate(settings if plain else ()):
            penalty = self.penalty(with_parameters(estimator, parameters))
            matrix, proximal = split_quadratic(penalty, design.shape[1])
            if proximal is None and has_closed_form(matrix):
                matrices[i] = matrix
        if not matrices:
            return {}
        closed = ClosedForm(design, centred.y, centred.weight)
        solved = {i: closed.solve(matrix) for i, matrix in matrices.items()}
        return {
            i: estimator._coefficients(centred, W)
            for i, (W, certificate) in solved.items()
            if certificate <= estimator.tol
        }

    def fitted(self, model, penalty, problem, result):
        """Return the model of a sweep, fitted."""
        model._report(self.data, self.centred, problem, penalty, result)
        return model

    def reader(self, parameters):
        """Return a null model that reads rows to predict."""
        model = with_parameters(self.estimator, parameters)
        penalty = self.penalty(model)
        problem = model._problem(self.centred, penalty)
        null = Result(np.zeros(problem.design.shape), converged=True)
        return self.fitted(model, penalty, problem, null)

    def coefficients(self, problem, result):
        """Return coef_ and intercept_ of a solution."""
        parts = self.centred.restore(problem.components(result.W))
        return self.estimator._coefficients(self.centred, sum(parts[1:], parts[0]))

    def settings(self, values=None, n_lambdas=100, eps=1e-3):
        """Return the leading strength, its values, and the parameters of a path."""
        model = _started(self.estimator)
        penalty = self.penalty(model)
        if not any(getattr(p, s) for p in moving(penalty) for s in p.strengths):
            # constant targets: "auto" is zero, any number will do
            shape = self.centred.design.shape
            penalty = model._aligned(self.data).resolve(np.ones(shape), 1.0)
        strength, value = leading(penalty)
        if values is None:
            values = self._grid(penalty, value, n_lambdas, eps)
        values = np.sort(check_values(values, strength))[::-1]
        params = []
        for v in values.tolist():
            moved = self.estimator._moved(penalty.scaled(v / value))
            params.append(moved | ({strength: v} if strength in moved else {}))
        return strength, values, params

    def _grid(self, penalty, value, n_lambdas, eps):
        """Return values from the null model down, or around the mean curvature."""
        gradient = self.estimator._null_gradient(self.centred, penalty)
        gauges = [
            known
            for p in summands(penalty)
            if (known := gauge(p, gradient)) and np.isfinite(p.lambda_max(gradient))
        ]
        if gauges:
            top = value * min(gauges)
            return _spaced(top, eps * top, n_lambdas)
        middle = self.estimator._curvature(self.centred) or 1.0
        return _spaced(middle / eps, middle * eps, n_lambdas)


def compute_path(estimator, X, y, lambda1, n_lambdas, eps, sample_weight, offset):
    """Return the path of an estimator that is not modified."""
    check_scalar(n_lambdas, "n_lambdas", Integral, min_val=1)
    check_scalar(eps, "eps", Real, min_val=0, max_val=1, include_boundaries="neither")
    estimator = clone(estimator)
    training = Training(estimator, X, y, sample_weight, offset)
    strength, values, params = training.settings(lambda1, n_lambdas, eps)
    coefs, results = [], []
    for _, _, problem, result in training.sweep(params):
        coefs.append(training.coefficients(problem, result))
        results.append(result)
    missed = [v for v, r in zip(values, results, strict=True) if not r.converged]
    if missed:
        worst = max(r.certificate for r in results)
        warnings.warn(
            f"{type(estimator).__name__}: {len(missed)} of {len(values)} points of the "
            f"path did not converge, the first at {strength}={missed[0]:.3g}; their "
            f"certificates are up to {worst:.2e}, wanted tol={estimator.tol:.2e}. "
            "Raise max_iter, tol or eps.",
            ConvergenceWarning,
            stacklevel=3,
        )
    coef = np.stack([_padded(c, 0.0) for c, _ in coefs])
    flat = coef.reshape(len(coef), -1, coef.shape[-1])
    nonzero = flat != 0
    return Path(
        lambdas=values,
        strength=strength,
        params=params,
        coef=coef,
        intercept=np.stack([_padded(c, -np.inf) for _, c in coefs]),
        objective=np.array([r.objective for r in results]),
        gap=np.array([r.gap for r in results]),
        certificate=np.array([r.certificate for r in results]),
        n_iter=np.array([r.n_iter for r in results]),
        n_features=nonzero.any(axis=1).sum(axis=-1),
        n_nonzero=nonzero.sum(axis=(1, 2)),
        rank=np.linalg.matrix_rank(flat),
        tasks=training.data.labels,
    )


def _padded(parts, value):
    """Return an array; of tasks with fewer classes than others, filled up."""
    if not isinstance(parts, list):
        return parts
    size = max(len(part) for part in parts)
    widths = [[(0, size - len(p))] + [(0, 0)] * (p.ndim - 1) for p in parts]
    padded = zip(parts, widths, strict=True)
    return np.stack([np.pad(p, w, constant_values=value) for p, w in padded])


def check_values(values, name: str) -> np.ndarray:
    """Return the values of a strength as an array."""
    array = np.atleast_1d(np.asarray(values, dtype=float))
    good = array.ndim == 1 and len(array) and np.isfinite(array).all()
    if not good or array.min() < 0:
        msg = f"The values of {name} must be finite numbers >= 0, got {values!r}."
        raise ValueError(msg)
    return array


def with_parameters(estimator, parameters: dict):
    """Return a copy of an estimator with other parameters, its data unread."""
    if any("__" in name for name in parameters):
        return clone(estimator).set_params(**parameters)
    other = copy(estimator)
    for name, value in parameters.items():
        setattr(other, name, value)
    return other


def _started(estimator):
    """Return the estimator with a strength to start from in place of zero."""
    names = estimator.get_params(deep=False)
    first = "lambda1" if "lambda1" in names else "lambda2"
    return with_parameters(estimator, {first: "auto"} if names.get(first) == 0 else {})


def _ahead(known, value, W):
    """Return where a line through two solutions leads, W where there are none.

    What was zero in one of them stays as it is in the last.
    """
    if len(known) < 2:
        return W
    (first, U), (second, W) = known
    share = (value - second) / (second - first) if second != first else 0.0
    if not 0 < share <= FAR:
        return W
    return np.where((U == 0) | (W == 0), W, W + share * (W - U))


def _spaced(high, low, n):
    return np.geomspace(high, low, n) if n > 1 else np.array([high])
