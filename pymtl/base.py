"""What all estimators share: validate, form the problem, solve, report."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import replace
from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import r2_score
from sklearn.utils.validation import check_is_fitted

from ._enough import check_features, warn_of_single_rows
from ._feature_weight import FeatureWeight, RowScaled, feature_values
from ._intercept import Centred, Uncentred
from ._path import Path, compute_path
from ._range import check_range
from ._selection import FeatureImportances
from ._sklearn import (
    Interval,
    Parameters,
    StrOptions,
    cross_validated,
    fit_context,
)
from ._sparse_coef import SparseCoef, dense
from ._unseen import with_unseen
from .designs import Spanned
from .losses import LOSSES, Loss, SquareRoot
from .penalties import LInf, Penalty
from .penalties._base import degree, moving, split_quadratic, summands
from .penalties._components import expand
from .solvers import SOLVERS, Problem, on_design, solve
from .tasks import (
    LONG,
    SHARED,
    is_lists,
    read_rows,
    read_training,
    read_vector,
    task_position,
    task_values,
)

STRENGTH = [Interval(Real, 0, None, closed="left"), StrOptions({"auto"})]
SCALE_WARNING = 1e4
FEW_ROWS = 4  # the spread of fewer targets is chance: of three, 1 in 1e4 has this ratio
REGRESSION = {name for name, loss in LOSSES.items() if loss.targets == "regression"}


class MultiTaskBase(SparseCoef, FeatureImportances, Parameters):
    """Base class of the estimators; a subclass builds its penalty in `_penalty`."""

    _parameter_constraints: dict = {
        "loss": [StrOptions(REGRESSION), Loss],
        "fit_intercept": ["boolean", StrOptions({"shared", "shrink"})],
        "lambda0": STRENGTH,
        "task_column": [Integral, str, None],
        "task_order": ["array-like", None],
        "feature_weight": ["array-like", None],
        "task_weight": [StrOptions({"n_samples", "null"}), "array-like", dict, None],
        "unseen_task": [StrOptions({"error", "mean", "structure"})],
        "solver": [StrOptions(set(SOLVERS))],
        "tol": [Interval(Real, 0, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "warm_start": ["boolean"],
        "verbose": ["verbose"],
    }

    loss: str | Loss
    fit_intercept: bool | str
    lambda0: float | str
    task_column: int | str | None
    task_order: Sequence | None
    task_weight: str | Sequence[float] | dict | None
    feature_weight: Sequence[float] | None
    unseen_task: str
    solver: str
    tol: float
    max_iter: int
    warm_start: bool
    verbose: int

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        constraints: dict = {}
        for base in reversed(cls.__mro__):
            constraints |= vars(base).get("_parameter_constraints", {})
        cls._parameter_constraints = constraints

    def _penalty(self) -> Penalty:
        """Return the penalty, strengths as given."""
        raise NotImplementedError

    def _pool(self, n_tasks: int) -> np.ndarray | None:
        """Return the basis N of coefficients W = S N', or None for W itself."""
        return None

    def _accepts_unseen(self) -> bool:
        return self.unseen_task != "error"

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any, sample_weight: Any = None, offset: Any = None):
        """Fit the tasks together.

        Parameters
        ----------
        X : list or dict of arrays (n_t, n_features), or array (n_samples, n_features)
            Data through one of three doors: a list or dict of tasks; one design
            shared by all tasks; or, with `task_column`, a long table. Arrays may be
            scipy sparse, and stay it.
        y : list or dict of arrays (n_t,), or array (n_samples,) or (n_samples, n_tasks)
            Targets in the form of the door. In the 2-d form NaN is "not observed".
        sample_weight : same form as y, or array (n_samples,), default=None
            Weights of the samples; 0 leaves a sample out.
        offset : same form as y, or array (n_samples,), default=None
            Known part of the linear prediction.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            If the data do not fit together; the message names the task, the shapes
            and the remedy.
        """
        data = self._read(X, y, sample_weight, offset)
        centred = self._centre(data)
        penalty = self._resolve(centred, self._aligned(data))
        problem = self._problem(centred, penalty)
        self._warn_of_range(penalty, *centred.design.shape)
        if self.tol < 1e-6 and centred.dtype == np.float32:
            warnings.warn(
                f"tol={self.tol} is finer than float32 data can certify; give float64 "
                "data, or tol >= 1e-6.",
                UserWarning,
                stacklevel=2,
            )
        result = self._solve(centred, problem, self._start(problem))
        self._report(data, centred, problem, penalty, result)
        return self

    def predict(self, X: Any, offset: Any = None) -> Any:
        """Predict the targets.

        Parameters
        ----------
        X : list, dict or array
            Rows through any door. A dict may hold some of the tasks; one 2-d array
            without a task column is predicted for every task.
        offset : same form as the prediction, default=None
            Known part of the linear prediction.

        Returns
        -------
        y : list, dict or array
            Predictions in the form of X: a list or dict of (n_t,) arrays, (n_samples,)
            for a long table, (n_samples, n_tasks) for a shared design, (n_samples,) if
            y was one-dimensional in fit.

        Raises
        ------
        ValueError
            If the features differ from those of fit, or a task was not seen in fit
            and `unseen_task` is "error", or the structure needs to know where it
            belongs.
        """
        check_is_fitted(self)
        rows = read_rows(self, X, self.task_column)
        z = self._loss().mean(self._linear(rows, offset))
        if rows.door == SHARED:
            return z.ravel() if self._single else z
        return rows.split(z)

    def _linear(self, rows, offset=None):
        """Return the linear predictions, of the shared door for all tasks."""
        coef, intercept = dense(self.coef_), self.intercept_
        if rows.door == SHARED:
            z = rows.X @ coef.T + intercept
        else:
            coef, intercept = with_unseen(self, coef, intercept, rows)
            z = rows.products(coef) + intercept[rows.task]
        if offset is None:
            return z
        return z + read_vector(offset, rows, len(self.tasks_), "offset")

    def lambda_max(
        self, X: Any, y: Any, sample_weight: Any = None, offset: Any = None
    ) -> float:
        """Return the smallest lambda1 from which on the solution is the null model.

        Parameters
        ----------
        X, y, sample_weight, offset : object
            Training data as in :meth:`fit`.

        Returns
        -------
        lambda_max : float
            Infinite for quadratic penalties, which shrink but never select.
        """
        self._validate_params()
        other = clone(self)
        data = other._read(X, y, sample_weight, offset)
        centred, penalty = other._centre(data), other._aligned(data)
        gradient = other._null_gradient(centred, penalty)
        return float(penalty.lambda_max(gradient))

    def path(
        self,
        X: Any,
        y: Any,
        lambda1: Any = None,
        n_lambdas: int = 100,
        eps: float = 1e-3,
        sample_weight: Any = None,
        offset: Any = None,
    ) -> Path:
        """Fit the model along decreasing strengths, each fit started from the last.

        The data are read and centred once. All strengths of the structure move in the
        proportion that the estimator's own strengths have; a ridge stays as it is,
        unless it is all there is. The estimator itself is not fitted.

        Parameters
        ----------
        X, y : object
            Training data as in :meth:`fit`.
        lambda1 : array-like of shape (n_lambdas,) or None, default=None
            Values of lambda1 (lambda2 for the baselines), sorted to decrease. By
            default from `lambda_max` down to ``eps * lambda_max``; where that is
            infinite, from 1 / eps to eps times the mean curvature of the loss.
        n_lambdas : int, default=100
            Number of values, spaced evenly in the logarithm.
        eps : float, default=1e-3
            Length of the path.
        sample_weight, offset : object, default=None
            As in :meth:`fit`.

        Returns
        -------
        path : Path
            `lambdas`, `params`, and for each of them `coef` (n_lambdas, n_tasks,
            n_features), `intercept`, `objective`, `gap`, `certificate`, `n_iter`,
            `n_features`, `n_nonzero`, `rank`; see
            :class:`pymtl.model_selection.Path`.

        Raises
        ------
        ValueError
            If the values are not numbers of at least zero, or the penalty has no
            strength to move.
        """
        self._validate_params()
        return compute_path(self, X, y, lambda1, n_lambdas, eps, sample_weight, offset)

    def fit_new_task(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        offset: Any = None,
        *,
        neighbours: Any = None,
        time: float | None = None,
    ) -> Any:
        r"""Fit a task that was not in training, with the learned structure held fixed.

        The new coefficients w minimise the loss of the new task plus what the penalty
        is for one more column, W held fixed:

        - tasks near their mean: :math:`\lambda_1 \tfrac{T}{T + 1} \|w - \bar w\|_2^2`;
        - a graph: :math:`\lambda_1 \sum_s a_s \|w - w_s\|_2^2` over the `neighbours` s,
          the norms without squares for the network lasso; tasks in time likewise, with
          the inverse gaps to the tasks before and after as weights, and absolute values
          for the fused sparse group lasso;
        - the largest coefficients of rows: :math:`\lambda_1 \sum_j (|w_j| - \max_t
          |w_{jt}|)_+`, nothing up to the size that is in use;
        - norms of rows: the quadratic that touches the norm,
          :math:`\tfrac{\lambda_1}{2} \sum_j w_j^2 / \|w_{j \cdot}\|_2` on the selected
          features, so for each node of a tree above the new leaf; what a penalty says
          of single entries stays as it is;
        - trace norm: :math:`\tfrac{\lambda_1}{2} w^\top (W W^\top)^{-1/2} w` in the
          space of W, and alike for its square (learned covariances of features, or of
          tasks; it is the prior of the learned task covariance) and for the subspace of
          `ASO`;
        - clusters: that of a mean and a ridge, with the group of tasks with which the
          objective is the lowest;
        - two parts: the sum of a part that the shared structure penalises so, and of
          one with the penalty of its own part;
        - one model for all: its coefficients, with an intercept of the task;
        - no sharing: the same model alone, with the strengths that were used.

        A task of training would get back the coefficients that it has, except where it
        is its own neighbour (mean, group, graph, time). Feature weights and signs hold
        for the new task, too. Intercepts that are shared stay as they are, those that
        are shrunk are shrunk to the mean of training. Labels are those of training.

        Parameters
        ----------
        X : array of shape (n_samples, n_features)
            Rows of the new task. Of a long table they may come with the task column,
            which holds one label; so do those that the model then predicts.
        y : array of shape (n_samples,)
            Its targets.
        sample_weight : array of shape (n_samples,) or None, default=None
            Weights of the samples.
        offset : array of shape (n_samples,) or None, default=None
            Known part of the linear prediction.
        neighbours : list of labels, dict {label: weight} or None, default=None
            The tasks of training that the new one is linked to: required where a graph
            was given. For a tree the new leaf is directly below the smallest node that
            holds them, by default below the root.
        time : float or None, default=None
            The time of the new task, where tasks follow each other in time. By default
            it comes after the last one, by the mean gap. Without `times` the tasks are
            at 0, 1, ..., T - 1.

        Returns
        -------
        model : estimator
            A fitted model of one task, with `coef_` (1, n_features) and `intercept_`
            (1,) in the form of several tasks, and `predict`. Where the penalty of the
            new task is a quadratic, `prior_mean_` (n_features,), or (n_classes,
            n_features), is where it is least: the coefficients without any data.

        Raises
        ------
        ValueError
            If the data do not fit the model, the structure does not say where the task
            belongs, or, in what is not of this package, what it is for a new task.
        """
        from ._new_task import fit_new_task

        return fit_new_task(self, X, y, sample_weight, offset, neighbours, time)

    def coef_frame(self):
        """Return the coefficients as a pandas frame.

        Returns
        -------
        frame : pandas.DataFrame of shape (n_tasks, n_features + 1)
            One row a task, a column for each feature and one for the intercept.

        Raises
        ------
        ImportError
            If pandas is not installed.
        """
        check_is_fitted(self)
        pd = import_pandas("coef_frame")
        labels, name = self.tasks_.tolist(), self._task_name()
        index = pd.Index(labels, name=name, tupleize_cols=False)
        coef = dense(self.coef_)
        frame = pd.DataFrame(coef, index=index, columns=list(self.coef_names_))
        return frame.assign(intercept=self.intercept_)

    def _task_name(self):
        """Return the name of the task column, "task" where it has none."""
        column, names = self.task_column, getattr(self, "feature_names_in_", None)
        if self._door != LONG:
            return "task"
        if isinstance(column, str):
            return column
        return "task" if names is None else names[column]

    def _read(self, X, y, sample_weight, offset, names=None):
        if is_lists(X) and is_lists(cross_validated()):
            msg = (
                "scikit-learn's GridSearchCV and cross_validate cut a list into tasks, "
                "not samples, so that the tests have tasks that training lacks. "
                "MultiTaskSearchCV takes lists; or give them the long table of "
                "stack_tasks(Xs, ys) with task_column=0 and cv=TaskKFold()."
            )
            raise ValueError(msg)
        order = self.task_column, self.task_order
        data = read_training(self, X, y, sample_weight, offset, *order, names)
        check_features(data, type(self).__name__)
        long = data.door == LONG
        self._task_position = task_position(X, self.task_column) if long else None
        return data

    def _centre(self, data):
        check_range(data)
        self._check_targets(data)
        warn_of_single_rows(data, self.fit_intercept)
        centred = self._rows(data, self._task_weights(data), self.fit_intercept)
        if self.task_weight is None and self._loss().targets != "classification":
            self._compare_scales(data, centred)
        if self.feature_weight is not None:
            weight = feature_values(self.feature_weight, data.X.shape[1])
            weight = np.tile(weight, centred.design.shape[0] // len(weight))
            penalty = self._penalty()
            positive = any(part.positive for part in summands(penalty))
            centred.weigh(FeatureWeight(weight, degree(penalty), positive))
        return centred

    def _rows(self, data, task_weight, fit_intercept):
        """Return the rows with the intercepts minimised out."""
        loss, pooled = self._loss(), self._pool(data.n_tasks) is not None
        if loss.centring:
            if not loss.quadratic and isinstance(fit_intercept, str):
                msg = (
                    f"fit_intercept={fit_intercept!r} does not go with this loss; use "
                    "True, for one intercept a task, or False."
                )
                raise ValueError(msg)
            rows = data, task_weight, loss, fit_intercept, self._strength("lambda0")
            alike = np.full(data.X.shape[1], True) if pooled else None
            if pooled and self.feature_weight is not None:
                alike = feature_values(self.feature_weight, len(alike)) > 0
            return Centred(*rows, pooled=alike)
        if (
            not loss.smooth
            and loss.targets == "mixed"
            and fit_intercept
            not in (
                True,
                False,
            )
        ):
            msg = f"fit_intercept={fit_intercept!r} needs smooth losses; use True."
            raise ValueError(msg)
        by_task = pooled or any(p.by_task for p in summands(self._penalty()))
        rows = data, task_weight, loss, fit_intercept, self._strength("lambda0")
        return Uncentred(*rows, by_task)

    def _strength(self, name):
        """Return a strength as far as it is known before the problem is formed."""
        return getattr(self, name)

    def _check_targets(self, data):
        """Raise an error if the loss is not made for a target."""
        loss = self._loss()
        wrong = (data.weight > 0) & ~loss.admissible(data.y)
        if wrong.any():
            i = int(np.argmax(wrong))
            task = data.labels.tolist()[np.searchsorted(data.bounds, i, "right") - 1]
            msg = (
                f"Task {task!r}: y holds {data.y[i]}, but the targets of "
                f"{type(loss).__name__} are {loss.domain}."
            )
            raise ValueError(msg)

    def _task_weights(self, data):
        """Return omega: the weight of each task's mean loss."""
        weight = self.task_weight
        if weight is None or self._learns_weights():
            return np.ones(data.n_tasks)
        if isinstance(weight, str) and weight == "n_samples":
            return data.task_sum(data.weight)
        if isinstance(weight, str):
            omega = np.ones(data.n_tasks)
            kept = replace(data, own=False)
            null = self._rows(kept, omega, bool(self.fit_intercept)).null_losses()
            positive = null[null > 0]
            typical = np.median(positive) if len(positive) else 1.0
            return 1.0 / np.where(null > 0, null, typical)
        return task_values(weight, data.labels, "task_weight")

    def _learns_weights(self):
        return isinstance(self.task_weight, str) and self.task_weight == "learned"

    def _compare_scales(self, data, centred):
        """Warn if the units of the targets, not the user, decide which tasks count."""
        losses = centred.null_losses()
        enough = data.task_sum((data.weight > 0).astype(int)) >= FEW_ROWS
        scale = np.where(enough & (losses > 0), losses, np.nan)
        if np.isnan(scale).all():
            return
        high, low = int(np.nanargmax(scale)), int(np.nanargmin(scale))
        if scale[high] > SCALE_WARNING * scale[low]:
            labels = data.labels.tolist()
            warnings.warn(
                f"The null loss of task {labels[high]!r} is "
                f"{scale[high] / scale[low]:.1g} times that of task {labels[low]!r}: "
                "the tasks with large targets decide the fit. task_weight='null' makes "
                "units irrelevant, or scale the targets.",
                UserWarning,
                stacklevel=4,
            )

    def _loss(self):
        return LOSSES[self.loss]() if isinstance(self.loss, str) else self.loss

    def _aligned(self, data):
        """Return the penalty for the tasks of the data, strengths as given."""
        return self._penalty().align(data.labels, data.ordered)

    def _null_gradient(self, centred, penalty):
        """Return the negative gradient at the null model.

        Where the norm leaves something free, the null model has it fitted under the
        quadratic parts, and their gradient counts.
        """
        design, loss = centred.design, centred.loss
        squares = centred.least_squares
        rows = design, loss, centred.y, centred.weight
        if centred.features is not None and centred.features.signed.any():
            return centred.features.null_gradient(*rows)
        gradient = -Problem(*rows).point(np.zeros(design.shape)).gradient
        free = [p for p in summands(penalty) if p.null_space(design.shape[1]).size]
        if not free:
            return gradient
        resolved = self._numbers(centred, penalty, gradient)
        matrix = self._weighed(centred, split_quadratic(resolved, design.shape[1])[0])
        rows = design, loss, centred.y, centred.weight
        problem = Problem(*rows, matrix, free[0], squares)
        if not problem.refits:
            return gradient
        point = problem.point(problem.refit(np.zeros(design.shape)))
        return -(point.gradient + point.pull)

    def _curvature(self, centred):
        """Return the mean curvature of the loss."""
        problem = Problem(centred.within, centred.loss, centred.y, centred.weight)
        return float(problem.hessian_diagonal.mean())

    def _weighed(self, centred, matrix):
        """Return the task matrix under the feature weights."""
        if centred.features is None or centred.features.quadratic is None:
            return matrix
        return RowScaled(matrix, centred.features.quadratic)

    def _resolve(self, centred, penalty):
        """Return the penalty with numbers for its automatic strengths."""
        if penalty.is_auto:
            gradient = self._null_gradient(centred, penalty)
            penalty = self._numbers(centred, penalty, gradient)
        return penalty

    def _numbers(self, centred, penalty, gradient):
        """Return the penalty with numbers, given the negative null gradient."""
        return penalty.resolve(gradient, self._curvature(centred))

    def _problem(self, centred, penalty, like=None):
        """Return the problem to solve; it shares what `like` knows of the same data."""
        loss, design, squares = centred.loss, centred.design, centred.least_squares
        matrix, proximal = split_quadratic(penalty, design.shape[1])
        basis, within = self._pool(design.shape[1]), None
        if basis is None:
            basis, proximal, within = expand(proximal, design.shape[1])
        if centred.features is not None and proximal is not None:
            proximal = centred.features.cover(proximal)
        if basis is not None:
            design, matrix = Spanned(design, basis), matrix.restrict(basis)
            matrix = matrix if within is None else matrix + within
            if squares is not None:
                squares = on_design(squares, lambda rows: Spanned(rows, basis))
        weighed = self._weighed(centred, matrix)
        if proximal is not None or weighed is matrix:
            matrix = weighed
        elif not matrix.is_zero:  # the norm ends at zero, its units stay: a path
            matrix, proximal = weighed, LInf(0.0)
        if like is not None and _same_design(design, like.design):
            return like.with_penalty(matrix, proximal)
        rows = design, loss, centred.y, centred.weight
        return Problem(*rows, matrix, proximal, squares)

    def _moved(self, penalty):
        """Return the parameters that give the strengths of a scaled penalty."""
        values = {s: getattr(p, s) for p in moving(penalty) for s in p.strengths}
        return {name: v for name, v in values.items() if hasattr(self, name)}

    def _solve(self, centred, problem, W=None):
        return solve(
            problem,
            solver=self.solver,
            tol=self.tol,
            max_iter=self.max_iter,
            W=W,
            dtype=centred.dtype,
            y_scale=centred.y_scale,
            callback=self._progress if self.verbose else None,
        )

    def _warn_of_range(self, penalty, n_features, n_tasks):
        messages = (p.range_warning(n_features, n_tasks) for p in summands(penalty))
        for message in filter(None, messages):
            if n_tasks > 1:
                warnings.warn(f"{type(self).__name__}: {message}", stacklevel=4)

    def _start(self, problem):
        """Return the last solution if it fits."""
        if not self.warm_start or not hasattr(self, "coef_"):
            return None
        W = self._solution
        if W is None:
            W = np.ascontiguousarray(dense(self.coef_).T, dtype=np.float64)
        return W if W.shape == problem.design.shape else None

    def _progress(self, iteration, objective, certificate):
        if iteration % 100 == 0 or certificate <= self.tol:
            print(
                f"{type(self).__name__}: iteration {iteration}, objective "
                f"{objective:.6g}, certificate {certificate:.2e} (tol {self.tol:.0e})"
            )

    def _coefficients(self, centred, W):
        """Return coef_ and intercept_ of the coefficients W of all features."""
        intercept = centred.intercepts(W).astype(centred.dtype)
        return self._by_task(centred, W), intercept

    def _by_task(self, centred, W):
        """Return coefficients W in the form of coef_."""
        return np.ascontiguousarray(W.T, dtype=centred.dtype)

    def _report(self, data, centred, problem, penalty, result):
        """Set the fitted attributes, and warn if the fit is not certified."""
        parts = centred.restore(problem.components(result.W))
        W = sum(parts[1:], parts[0])
        if centred.dtype != np.float64 and np.isfinite(result.unit):
            result.add(centred.rounding(W), self.tol)
        seen = centred.seen(W)
        self.coef_, self.intercept_ = self._coefficients(centred, W)
        same = W is result.W and getattr(self.coef_, "shape", None) == W.T.shape
        self._solution = None if same else result.W
        self.penalty_ = penalty
        for part in [*summands(penalty), penalty]:
            for name in part.strengths:
                setattr(self, f"{name}_", getattr(part, name))
            for name, value in part.learned(seen, parts, data.labels).items():
                own = name in ("shared_coef_", "specific_coef_")
                setattr(self, name, self._by_task(centred, value.T) if own else value)
        for name, value in problem.learned(result.W).items():
            setattr(self, name, value)
        if hasattr(self, "ridge"):
            kept = (part for part in summands(penalty) if not part.structure)
            self.ridge_ = next((part.lambda2 for part in kept), 0.0)
        if centred.lambda0 is not None:
            self.lambda0_ = centred.lambda0
        self.tasks_ = data.labels
        names = data.names or [f"x{j}" for j in range(data.X.shape[1])]
        self.coef_names_ = np.array(names, dtype=object)
        self.n_iter_ = result.n_iter
        self.objective_ = result.objective
        self.dual_gap_ = result.gap
        self.certificate_ = result.certificate
        self.certificate_kind_ = result.kind
        vars(self).pop("majorant_gap_", None)
        if result.majorant_gap is not None:
            self.majorant_gap_ = result.majorant_gap
        self.converged_ = result.converged
        self.history_ = np.array(result.history)
        self.solver_ = result.solver
        self._door, self._single = data.door, data.single
        self._feature_names, self._input_labels = data.names, data.input_labels
        if result.unbounded:
            warnings.warn(
                f"{type(self).__name__} has no finite optimum: what the penalty leaves "
                "free separates the labels, and the larger the coefficients the "
                "smaller the loss. Raise the strength of the ridge, for example to "
                "'auto'.",
                ConvergenceWarning,
                stacklevel=3,
            )
        elif not result.converged:
            remedy = "Raise max_iter or tol"
            if result.solver == "apg":
                remedy += ", scale the features (TaskScaler), or raise the strengths"
            if result.rounding > 0.5 * self.tol * result.unit:
                remedy = (
                    f"Rounding the coefficients to {centred.dtype} alone costs "
                    f"{result.rounding / result.unit:.2e}: give float64 data"
                )
            warnings.warn(
                f"{type(self).__name__} did not converge in {result.n_iter} iterations:"
                f" its certificate ({result.kind}) is {result.certificate:.2e}, wanted "
                f"tol={self.tol:.2e}. {remedy}.",
                ConvergenceWarning,
                stacklevel=3,
            )

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.target_tags.multi_output = True
        tags.target_tags.required = True
        return tags


class MultiTaskRegressorBase(RegressorMixin, MultiTaskBase):
    """Base class of the regressors: the score, and weights that are learned."""

    _parameter_constraints: dict = {
        "task_weight": [
            StrOptions({"n_samples", "null", "learned"}),
            "array-like",
            dict,
            None,
        ],
    }

    def _loss(self):
        loss = super()._loss()
        if not self._learns_weights():
            return loss
        if not loss.quadratic:
            msg = "task_weight='learned' is for the squared loss."
            raise ValueError(msg)
        return SquareRoot()

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        loss = LOSSES.get(self.loss) if isinstance(self.loss, str) else type(self.loss)
        tags.target_tags.positive_only = loss is not None and loss.positive
        return tags

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the coefficient of determination R2 of the prediction.

        Parameters
        ----------
        X : list, dict or array
            Rows through any door.
        y : list, dict or array
            True targets in the form of the door.
        sample_weight : same form as y, or array (n_samples,), default=None
            Weights of the samples.

        Returns
        -------
        score : float
            For a long table the R2 over all rows; for a 2-d y the uniform average over
            its columns, each on its observed labels; for lists the mean over the tasks
            with at least two distinct targets.
        """
        check_is_fitted(self)
        rows = read_rows(self, X, self.task_column)
        z = self.predict(X)
        if rows.door == LONG or (rows.door == SHARED and np.ndim(z) == 1):
            return float(r2_score(y, z, sample_weight=sample_weight))
        return rows.mean_score(r2_score, y, z, sample_weight)


def store(estimator: BaseEstimator, parameters: dict) -> None:
    """Set the parameters of a constructor, given its `locals()`, as attributes."""
    for name, value in parameters.items():
        if name not in ("self", "__class__"):
            setattr(estimator, name, value)


def import_pandas(name: str) -> Any:
    """Return pandas, or say which extra has it."""
    try:
        import pandas as pd
    except ImportError as error:
        msg = f'{name} needs pandas: pip install "pymtl[data]".'
        raise ImportError(msg) from error
    return pd


def _same_design(design, other):
    if isinstance(design, Spanned) and isinstance(other, Spanned):
        same = np.array_equal(design.basis, other.basis)
        return same and design.design is other.design
    return design is other
