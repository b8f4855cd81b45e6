"""Cross-validation over the strengths, along warm-started paths."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Sequence
from copy import deepcopy
from itertools import chain
from numbers import Integral, Real
from typing import Any

import numpy as np
from joblib import delayed
from scipy.stats import rankdata
from sklearn.base import MetaEstimatorMixin, clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import ParameterGrid
from sklearn.pipeline import Pipeline
from sklearn.utils import check_scalar, get_tags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from .._jobs import run_jobs
from .._path import Training, check_values, with_parameters
from .._sklearn import Parameters
from ..metrics import get_scorer
from ._criterion import Criterion
from ._edges import warn_of_edges
from ._folds import evaluate, final_step, prepared, warn_of_failures
from ._samples import Samples
from ._scoring import MeanSquaredError

RULES = ("min", "1se", "bic", "ebic")
RIDGES = (100.0, 10.0, 1.0)  # times what "auto" is, where that is left alone otherwise


def _best_has(name):
    def check(self):
        getattr(getattr(self, "best_estimator_", self.estimator), name)
        return True

    return check


class MultiTaskSearchCV(MetaEstimatorMixin, Parameters):
    r"""Choose the strengths of an estimator by cross-validation inside every task.

    The candidates are a grid lambda1 x lambda2 x lambda0 x `param_grid`. Each fold
    reads and decomposes its training data once for the whole grid of strengths, and
    fits along the path of lambda1 from the strongest down, each fit started from the
    last. The scores are those of scikit-learn's `GridSearchCV` on the same folds.

    Parameters
    ----------
    estimator : estimator
        An estimator of this package, or a pipeline that ends with one.
    lambda1 : "path", array-like or None, default="path"
        Values of lambda1; for the baselines, which have none, of lambda2. "path" is
        the values of the estimator's own path on all data, all strengths of the
        structure moving in one proportion. None leaves lambda1 to `param_grid`, or as
        it is.
    lambda2 : "auto", array-like or None, default="auto"
        Values of lambda2. "auto" searches a ridge that the estimator leaves to "auto"
        beside a structure, and that the path does not move, as classifiers near their
        mean have it: at 100, 10 and 1 times its automatic value. None leaves lambda2
        to `param_grid`, or as it is.
    lambda0 : array-like or None, default=None
        Values of lambda0, the strength of ``fit_intercept="shrink"``; the data are not
        read again.
    param_grid : dict, list of dict or None, default=None
        Further parameters as in `GridSearchCV`, for example ``{"fit_intercept": [True,
        "shrink"]}`` or parameters of a pipeline's steps. The data are read anew for
        each.
    n_lambdas : int, default=30
        Number of values of "path".
    eps : float, default=1e-3
        Length of "path", as in the method `path` of the estimators.
    cv : int, splitter or iterable, default=5
        A number is that of the folds of :class:`TaskKFold`. Splitters with a task
        column deal the samples of each task, through all doors. Others get the rows,
        of lists those of all tasks stacked.
    scoring : str, callable or None, default=None
        A name of :func:`pymtl.metrics.get_scorer`, or a scorer. None is less the mean
        squared error over all samples, for a classifier less the log loss (the accuracy
        of one without probabilities), weighted by `sample_weight`.
    select : {"min", "1se", "bic", "ebic"}, default="min"
        "min" takes the best mean score; "1se" the strongest lambda1 beside the same
        other parameters whose score is within one standard error of it. "bic" and
        "ebic" (which also counts the models of the same size) take no folds: they fit
        all data, for losses that are likelihoods and structures that are quadratic, or
        select features or a rank.
    error_score : "raise" or float, default=nan
        The score of a fit, or of a scorer, that raises an error, with a warning that
        has the error; "raise" lets it pass. Where all fits fail it is raised.
    n_jobs : int or None, default=None
        Number of folds that are fitted at a time, through joblib.
    refit : bool, default=True
        Whether to fit the best candidate to all data.
    verbose : int, default=0
        Whether to show the progress of the folds, by tqdm if it is installed.

    Attributes
    ----------
    cv_results_ : dict of ndarray
        One entry a candidate, in the layout of `GridSearchCV`: `params`, `param_*`,
        `split*_test_score`, `mean_test_score`, `std_test_score`, `rank_test_score`,
        `mean_fit_time`, `std_fit_time`, `mean_score_time`, `std_score_time`.
    best_index_ : int
        The candidate that `select` takes.
    best_params_ : dict
        Its parameters.
    best_score_ : float
        Its mean score.
    best_estimator_ : estimator
        The estimator with these parameters, fitted to all data.
    fixed_strengths_ : dict
        Strengths of the structure and the intercepts that no candidate varies, with
        the values that the best estimator used (as they were given, if it was not
        fitted).
    scorer_ : callable or None
        The scorer; None for the mean squared error.
    n_splits_ : int
        Number of folds, 0 without.
    refit_time_ : float
        Seconds of the last fit.

    See Also
    --------
    TaskKFold : The folds.
    sklearn.model_selection.GridSearchCV : The same for any estimator, fit by fit.

    Notes
    -----
    Of a shared design with missing targets whole rows are held out; a task of which
    no target would be left to train with keeps its targets. Lists are handed to
    scorers as dicts by task; scikit-learn's own scorers get one vector of all samples.
    The offset of held-out samples enters their predictions; their weights enter the
    default score only.

    Where the best candidate has a strength at the edge of its values and the score was
    still rising there, a warning names it. The strong end of a path, from where on
    there is the null model or one model for all, and a value of zero have nothing
    beyond.

    "bic" is :math:`-2 \log L + k \log n`. The likelihood L is that of the loss: of
    Gaussian noise with its most likely variance for the squared loss (of each task for
    "square_root"), alike of the asymmetric Laplace distribution for the quantile loss,
    of labels, of counts; Huber's loss and those of margins are refused. The parameters
    are the intercepts and :math:`\min(m, r (d + T - r))` of m coefficients that are not
    zero, of rank r; of K classes K - 1 count. A quadratic penalty leaves the effective
    number, the trace of :math:`(H + P)^{-1} H` with the Hessians H of the loss and P of
    the penalty.

    References
    ----------
    L. Breiman, J. Friedman, R. Olshen and C. Stone (1984). Classification and
    regression trees (the rule of one standard error).

    G. Schwarz (1978). Estimating the dimension of a model. Annals of Statistics.

    J. Chen and Z. Chen (2008). Extended Bayesian information criteria for model
    selection with large model spaces. Biometrika.

    Examples
    --------
    >>> from pymtl import MultiTaskMeanRegressor, MultiTaskSearchCV
    >>> from pymtl.datasets import make_multitask_regression
    >>> data = make_multitask_regression(structure="mean", snr=1.0, random_state=0)
    >>> search = MultiTaskSearchCV(MultiTaskMeanRegressor(), lambda2=[0.0, 0.1])
    >>> search.fit(data.Xs, data.ys).cv_results_["mean_test_score"].shape
    (60,)
    >>> sorted(search.best_params_)
    ['lambda1', 'lambda2']
    """

    def __init__(
        self,
        estimator: Any,
        *,
        lambda1: str | Sequence[float] | None = "path",
        lambda2: str | Sequence[float] | None = "auto",
        lambda0: Sequence[float] | None = None,
        param_grid: dict | Sequence[dict] | None = None,
        n_lambdas: int = 30,
        eps: float = 1e-3,
        cv: Any = 5,
        scoring: str | Callable | None = None,
        select: str = "min",
        error_score: str | float = np.nan,
        n_jobs: int | None = None,
        refit: bool = True,
        verbose: int = 0,
    ):
        self.estimator = estimator
        self.lambda1 = lambda1
        self.lambda2 = lambda2
        self.lambda0 = lambda0
        self.param_grid = param_grid
        self.n_lambdas = n_lambdas
        self.eps = eps
        self.cv = cv
        self.scoring = scoring
        self.select = select
        self.error_score = error_score
        self.n_jobs = n_jobs
        self.refit = refit
        self.verbose = verbose

    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        offset: Any = None,
        groups: Any = None,
    ):
        """Search, and fit the best candidate to all data.

        Parameters
        ----------
        X, y : object
            Training data through any door, as in `fit` of the estimators.
        sample_weight, offset : object, default=None
            In the form of the door.
        groups : array-like or None, default=None
            Groups of samples that the folds keep together; of lists a list, or one
            vector of all samples.

        Returns
        -------
        self : object
            The fitted search.

        Raises
        ------
        ValueError
            If an option is not known, or the data do not fit together.
        """
        self._check_options()
        self._check_column()
        final, _ = final_step(self.estimator)
        samples = Samples(X, y, sample_weight, offset, final.task_column)
        grid = [
            (outer, *self._settings(outer, X, y, sample_weight, offset))
            for outer in ParameterGrid(self.param_grid or {})
        ]
        self.scorer_ = None if self.scoring is None else get_scorer(self.scoring)
        params = [
            {**outer, **{prefix + name: v for name, v in setting.items()}}
            for outer, prefix, lines in grid
            for setting in chain(*lines)
        ]
        if self.select in ("bic", "ebic"):
            self._by_criterion(grid, params, samples)
        else:
            self._by_folds(grid, params, samples, groups)
        warn_of_edges(
            type(self).__name__,
            grid,
            self.cv_results_["mean_test_score"],
            isinstance(self.lambda1, str),
        )
        self.best_params_ = params[self.best_index_]
        self.best_score_ = float(self.cv_results_["mean_test_score"][self.best_index_])
        if self.refit:
            start = time.perf_counter()
            best = clone(self.estimator).set_params(**deepcopy(self.best_params_))
            known = {"sample_weight": sample_weight, "offset": offset}
            known = {name: v for name, v in known.items() if v is not None}
            if isinstance(best, Pipeline):
                known = {f"{best.steps[-1][0]}__{name}": v for name, v in known.items()}
            self.best_estimator_ = best.fit(X, y, **known)
            self.refit_time_ = time.perf_counter() - start
            if hasattr(best, "feature_names_in_"):
                self.feature_names_in_ = best.feature_names_in_
        self.fixed_strengths_ = self._fixed(params)
        return self

    def _fixed(self, params):
        """Return the strengths that no candidate varies."""
        model = clone(self.estimator).set_params(**deepcopy(self.best_params_))
        final, prefix = final_step(model)
        fitted = final_step(self.best_estimator_)[0] if self.refit else final
        varied = {name for setting in params for name in setting}
        names = final.get_params(deep=False)
        strengths = [n for n in names if n.startswith("lambda") or n == "ridge"]
        if final.fit_intercept != "shrink":
            strengths = [name for name in strengths if name != "lambda0"]
        return {
            name: getattr(fitted, f"{name}_", names[name])
            for name in strengths
            if prefix + name not in varied
        }

    def _check_options(self):
        if self.select not in RULES:
            msg = f"select must be one of {RULES}, got {self.select!r}."
            raise ValueError(msg)
        check_scalar(self.n_lambdas, "n_lambdas", Integral, min_val=1)
        check_scalar(
            self.eps, "eps", Real, min_val=0, max_val=1, include_boundaries="neither"
        )
        for name, word in (("lambda1", "path"), ("lambda2", "auto")):
            value = getattr(self, name)
            if isinstance(value, str) and value != word:
                msg = f"{name} must be {word!r}, values or None, got {value!r}."
                raise ValueError(msg)
        error = self.error_score
        if error != "raise" and not isinstance(error, Real):
            msg = f"error_score must be 'raise' or a number, got {error!r}."
            raise ValueError(msg)
        final, _ = final_step(self.estimator)
        if not hasattr(final, "_moved"):
            msg = (
                f"MultiTaskSearchCV searches the estimators of pymtl and pipelines "
                f"that end with one, got {self.estimator!r}. For others use "
                "GridSearchCV with cv=TaskKFold(task_column=...)."
            )
            raise ValueError(msg)

    def _check_column(self):
        """Refuse a task column that is a position behind steps that may move it."""
        final, _ = final_step(self.estimator)
        column = final.task_column
        if isinstance(column, str | None) or not isinstance(self.cv, Integral):
            return
        for name, step in getattr(self.estimator, "steps", [])[:-1]:
            same = step in ("passthrough", None) or column == getattr(
                step, "task_column", None
            )
            if not same:
                msg = (
                    f"task_column={column} is a position in what the step {name!r} "
                    f"returns, and may be another in X: give cv=TaskKFold({self.cv}, "
                    "task_column=...) with the column of X."
                )
                raise ValueError(msg)

    def _settings(self, outer, X, y, sample_weight, offset):
        """Return the prefix and lines of settings, on each the strongest first."""
        model = clone(self.estimator).set_params(**deepcopy(outer))
        final, prefix = final_step(model)
        names = final.get_params(deep=False)
        lambda1, lambda2 = self.lambda1, self.lambda2
        automatic = isinstance(lambda2, str)
        if automatic:
            lambda2 = None
        elif "lambda1" not in names and lambda2 is not None and "lambda2" in names:
            lambda1, lambda2 = lambda2, None
        if lambda2 is not None and "lambda2" not in names:
            msg = (
                f"{type(final).__name__} has no lambda2: give its strengths in "
                "param_grid, for example param_grid={'penalty__right__lambda2': [...]}."
            )
            raise ValueError(msg)
        thirds = self._intercepts(outer, final)
        seconds = [{}]
        if lambda2 is not None:
            seconds = [{"lambda2": v} for v in _decreasing(lambda2, "lambda2")]
        if lambda1 is None:
            return prefix, [[third | second] for third in thirds for second in seconds]
        path = isinstance(lambda1, str)
        first = next((n for n in ("lambda1", "lambda2") if n in names), None)
        ridge = automatic and first == "lambda1" and names.get("lambda2") == "auto"
        training = None
        if path or first is None or ridge:
            if isinstance(model, Pipeline) and len(model) > 1:
                X = model[:-1].fit_transform(X, y)
            training = Training(final, X, y, sample_weight, offset)
        if ridge and (value := training.ridge()):
            seconds = [{"lambda2": factor * value} for factor in RIDGES]
        values = None if path else lambda1
        lines = []
        for second in seconds:
            if first is not None and not path:
                line = [{first: v} for v in _decreasing(lambda1, "lambda1")]
            else:
                training.estimator = with_parameters(final, second)
                line = training.settings(values, self.n_lambdas, self.eps)[2]
            lines.append([moving | second for moving in line])
        return prefix, [[v | third for v in line] for third in thirds for line in lines]

    def _intercepts(self, outer, final):
        """Return the settings of lambda0."""
        if self.lambda0 is None:
            return [{}]
        if final.fit_intercept == "shrink":
            return [{"lambda0": v} for v in _decreasing(self.lambda0, "lambda0")]
        if any(name.endswith("fit_intercept") for name in outer):
            return [{}]
        msg = (
            "lambda0 is the strength of fit_intercept='shrink', but the estimator has "
            f"fit_intercept={final.fit_intercept!r}."
        )
        raise ValueError(msg)

    def _by_folds(self, grid, params, samples, groups):
        splits = samples.split(self.cv, groups)
        self.n_splits_ = len(splits)
        self._warn_of_unseen(samples, splits)
        jobs = [
            delayed(evaluate)(
                self.estimator,
                outer,
                [*chain(*lines)],
                samples,
                *split,
                self.scorer_,
                self.error_score,
            )
            for split in splits
            for outer, _, lines in grid
        ]
        found = run_jobs(jobs, self.n_jobs, type(self).__name__, "fold", self.verbose)
        scores, fit_times, score_times, converged = (
            np.concatenate([part[i] for part in found]).reshape(len(splits), -1)
            for i in range(4)
        )
        warn_of_failures([part[4] for part in found], scores.size, self.error_score)
        _warn_of_misses(self.estimator, ~converged)
        self.cv_results_ = _results(params, scores, fit_times, score_times)
        mean = self.cv_results_["mean_test_score"]
        if np.isnan(mean).all():
            msg = "The score is not defined on any fold: choose another `scoring`."
            raise ValueError(msg)
        self.best_index_ = int(np.nanargmax(mean))
        if self.select == "1se":
            if len(splits) < 2:
                msg = "select='1se' needs at least two folds."
                raise ValueError(msg)
            self.best_index_ = self._strongest(grid, scores, self.best_index_)

    def _warn_of_unseen(self, samples, splits):
        """Warn of tasks that are tested but not trained, as `predict` does."""
        final, _ = final_step(self.estimator)
        column = getattr(self.cv, "task_column", final.task_column)
        first = getattr(self.estimator, "steps", [])[:-1]
        if (
            first
            and isinstance(column, Integral)
            and not hasattr(self.cv, "task_column")
        ):
            return  # a position behind steps that may move it
        tasks, rows, folds = samples.unseen(splits, column)
        pooled = final._pool(max(len(tasks), 1)) is not None
        if not tasks or pooled or final.unseen_task != "structure":
            return
        named = ", ".join(map(str, tasks[:5])) + (", ..." if len(tasks) > 5 else "")
        warnings.warn(
            f"{folds} of {len(splits)} folds test tasks that they do not train: "
            f"{len(tasks)} tasks, {rows} rows ({named}). The scores are those of new "
            "tasks, as the structure has them. To keep every task in training give cv "
            "a number or TaskKFold(task_column=...); unseen_task='error' refuses such "
            "folds, and 'mean' takes the mean of the tasks without this warning.",
            UserWarning,
            stacklevel=4,
        )

    def _strongest(self, grid, scores, best):
        """Return the first of the best's line that is within one standard error."""
        error = scores[:, best].std(ddof=1) / np.sqrt(len(scores))
        mean, stop = scores.mean(axis=0), 0
        for line in chain(*(lines for _, _, lines in grid)):
            start, stop = stop, stop + len(line)
            if best < stop:
                break
        near = mean[start : best + 1] >= mean[best] - error
        return start + int(np.argmax(near))

    def _by_criterion(self, grid, params, samples):
        self.n_splits_ = 0
        values, times, converged = [], [], []
        for outer, _, lines in grid:
            for value, seconds, done in _criterion(
                self.estimator, outer, [*chain(*lines)], samples, self.select == "ebic"
            ):
                values.append(value)
                times.append(seconds)
                converged.append(done)
        _warn_of_misses(self.estimator, ~np.array(converged))
        times = np.array([times])
        self.cv_results_ = _results(params, -np.array([values]), times, 0 * times)
        del self.cv_results_["split0_test_score"]
        self.best_index_ = int(np.argmin(values))

    def predict(self, X: Any, **options: Any) -> Any:
        """Predict with the best estimator.

        Parameters
        ----------
        X : list, dict or array
            Rows through any door.
        **options : object
            Options of its `predict`, such as the offset.

        Returns
        -------
        y : list, dict or array
            Predictions.
        """
        return self._best().predict(X, **options)

    @available_if(_best_has("predict_proba"))
    def predict_proba(self, X: Any, **options: Any) -> Any:
        """Predict probabilities with the best estimator.

        Parameters
        ----------
        X : list, dict or array
            Rows through any door.
        **options : object
            Options of its `predict_proba`, such as the offset.

        Returns
        -------
        p : list, dict or array
            Probabilities.
        """
        return self._best().predict_proba(X, **options)

    @available_if(_best_has("decision_function"))
    def decision_function(self, X: Any, **options: Any) -> Any:
        """Return the linear predictions of the best estimator.

        Parameters
        ----------
        X : list, dict or array
            Rows through any door.
        **options : object
            Options of its `decision_function`, such as the offset.

        Returns
        -------
        z : list, dict or array
            Linear predictions.
        """
        return self._best().decision_function(X, **options)

    def score(self, X: Any, y: Any, **options: Any) -> float:
        """Return the score of the best estimator.

        Parameters
        ----------
        X, y : object
            Samples through any door.
        **options : object
            Options of the score, such as `sample_weight`.

        Returns
        -------
        score : float
            By `scoring` where it is given, else by its own `score`.
        """
        best = self._best()
        if self.scorer_ is None:
            return best.score(X, y, **options)
        return self.scorer_(best, X, y, **options)

    def coef_frame(self) -> Any:
        """Return the coefficients of the best estimator as a pandas frame.

        Returns
        -------
        frame : pandas.DataFrame
            As of :func:`pymtl.coef_frame`.
        """
        from ..inspection import coef_frame

        return coef_frame(self._best())

    def fit_new_task(self, X: Any, y: Any, **options: Any) -> Any:
        """Fit a task that was not in training, with what the best estimator learned.

        Parameters
        ----------
        X, y : object
            Rows of the new task, and its targets.
        **options : object
            As in :func:`pymtl.fit_new_task`.

        Returns
        -------
        model : estimator
            A fitted model of one task.
        """
        from ..inspection import fit_new_task

        return fit_new_task(self._best(), X, y, **options)

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
            That of the estimator as it is given; of a pipeline, behind its first steps.
        """
        model = clone(self.estimator)
        if isinstance(model, Pipeline) and len(model) > 1:
            X = model[:-1].fit_transform(X, y)
        return final_step(model)[0].lambda_max(X, y, sample_weight, offset)

    def _best(self):
        check_is_fitted(self, "cv_results_")
        if not self.refit:
            msg = "The search has refit=False, so there is no fitted best estimator."
            raise AttributeError(msg)
        return self.best_estimator_

    @property
    def n_features_in_(self) -> int:
        """Number of columns of X in fit, the task column included."""
        if not hasattr(self, "best_estimator_"):
            msg = f"{type(self).__name__} has no n_features_in_: it is not fitted."
            raise AttributeError(msg)
        return self.best_estimator_.n_features_in_

    @property
    def classes_(self) -> Any:
        """The classes of the best estimator."""
        return self.best_estimator_.classes_

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        own = get_tags(self.estimator)
        tags.estimator_type = own.estimator_type
        tags.classifier_tags = deepcopy(own.classifier_tags)
        tags.regressor_tags = deepcopy(own.regressor_tags)
        tags.target_tags = deepcopy(own.target_tags)
        tags.input_tags = deepcopy(own.input_tags)
        return tags


def _decreasing(values, name):
    return np.sort(check_values(values, name))[::-1].tolist()


def _criterion(estimator, outer, settings, samples, extended):
    """Yield the information criterion of each setting, its time and convergence."""
    data = samples.take(np.arange(samples.n_samples))
    model, training = prepared(estimator, outer, *data)
    X, y, sample_weight, offset = data
    if isinstance(model, Pipeline) and len(model) > 1:
        X = model[:-1].transform(X)
    squares = None
    if training.estimator._loss().quadratic:
        squares = MeanSquaredError(X, y, sample_weight, offset)
    criterion = Criterion(training, squares, extended)
    start = time.perf_counter()
    for fit, penalty, problem, result in training.sweep(settings):
        fit = training.fitted(fit, penalty, problem, result)
        value = criterion(fit, penalty, problem, result.W)
        yield value, time.perf_counter() - start, result.converged
        start = time.perf_counter()


def _results(params, scores, fit_times, score_times):
    """Return the results in the layout of scikit-learn's searches."""
    results: dict[str, Any] = {}
    for name, times in (("fit", fit_times), ("score", score_times)):
        results[f"mean_{name}_time"] = times.mean(axis=0)
        results[f"std_{name}_time"] = times.std(axis=0)
    for name in sorted({name for setting in params for name in setting}):
        column = np.ma.masked_all(len(params), dtype=object)
        for i, setting in enumerate(params):
            if name in setting:
                column[i] = setting[name]
        results[f"param_{name}"] = column
    results["params"] = params
    for k, row in enumerate(scores):
        results[f"split{k}_test_score"] = row
    mean = scores.mean(axis=0)
    results["mean_test_score"] = mean
    results["std_test_score"] = scores.std(axis=0)
    worst = np.nan_to_num(mean, nan=-np.inf)
    results["rank_test_score"] = rankdata(-worst, method="min").astype(np.int32)
    return results


def _warn_of_misses(estimator, missed):
    if missed.any():
        final, _ = final_step(estimator)
        warnings.warn(
            f"{type(final).__name__}: {missed.sum()} of {missed.size} fits of the "
            f"search did not reach tol={final.tol:.0e} in max_iter={final.max_iter} "
            "iterations. Raise max_iter or tol, or leave out the smallest strengths.",
            ConvergenceWarning,
            stacklevel=4,
        )
