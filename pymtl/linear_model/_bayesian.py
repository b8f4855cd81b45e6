"""Linear mixed models: coefficients with their uncertainty."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

import numpy as np
from scipy import stats
from sklearn.base import RegressorMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import check_is_fitted

from .._sklearn import Interval, Parameters, StrOptions, fit_context
from .._variance import (
    METHODS,
    Columns,
    Likelihood,
    Posterior,
    Statistics,
    Structure,
    estimate_noise,
    precisions,
)
from ..base import MultiTaskBase, MultiTaskRegressorBase, store
from ..tasks import SHARED, read_rows, read_training, read_vector
from ._summary import summary

CHUNK = 4096  # rows or tasks whose covariances are in memory at the same time


@dataclass
class LikelihoodRatio:
    """Comparison of two fits of which one is a special case of the other.

    Parameters
    ----------
    statistic : float
        Twice the difference of the log-likelihoods.
    df : int
        Difference of the numbers of parameters.
    p_value : float
        Probability of a larger statistic if the smaller model holds, by the chi-squared
        distribution: too large, by up to a half, where variances are zero under it.
    """

    statistic: float
    df: int
    p_value: float


class MultiTaskBayesianRegressor(RegressorMixin, Parameters):
    r"""Linear mixed model: tasks whose coefficients are draws of a normal distribution.

    .. math:: y_{ti} = x_{ti}'w_t + c_t + \varepsilon_{ti}, \quad
              (w_t, c_t) \sim N(\mu, \Psi), \quad
              \varepsilon_{ti} \sim N(0, \sigma^2)

    The covariance :math:`\Psi` and the noise :math:`\sigma^2` are those of the largest
    (restricted) likelihood. `coef_` are the posterior means, the same that
    `MultiTaskMeanRegressor` finds with the strengths that belong to the variances
    (an "isotropic" covariance is one strength); here they come with their standard
    errors, predictions with theirs, and tasks that were not seen have both.

    Parameters
    ----------
    covariance : {"isotropic", "diagonal", "full"}, default="isotropic"
        The form of :math:`\Psi`: one variance for the coefficients and one for the
        intercepts, a variance each, or correlations as well.
    noise : {"shared", "task", "moderated"}, default="shared"
        One variance of the errors, one for each task, or one for each task that is
        drawn to a common one the more the fewer rows the task has.
    method : {"reml", "ml"}, default="reml"
        Restricted maximum likelihood, which allows for the common coefficients that
        are estimated, or maximum likelihood.
    fit_intercept : bool or {"shared", "shrink"}, default="shrink"
        "shrink" is a random intercept, True a free one for each task, "shared" one for
        all, False none.
    feature_weight : array-like of shape (n_features,) or None, default=None
        Multiplies the precision of a feature's coefficients. 0 is a covariate that
        is free in each task; infinity one whose coefficient is the same in all tasks, a
        fixed effect without a random part.
    task_column : int, str or None, default=None
        The column of a long table that names the task: a column name of a frame, or a
        position. None when the tasks come as lists or as columns of y.
    task_order : array-like or None, default=None
        Task labels in the order of `tasks_`.
    unseen_task : {"structure", "mean", "error"}, default="structure"
        What `predict` does with a task that was not in fit. "structure" predicts it,
        with a warning, by the common coefficients, which are the mean of the tasks,
        and, where asked, with the variance of a new task; "mean" does so without a
        warning; "error" raises.
    tol : float, default=1e-4
        Largest relative change of the noise levels of tasks at which the search ends.
    max_iter : int, default=500
        Largest number of rounds of that search.

    Attributes
    ----------
    coef_ : ndarray of shape (n_tasks, n_features)
        Posterior means of the coefficients.
    coef_std_ : ndarray of shape (n_tasks, n_features)
        Their posterior standard deviations, those of the common coefficients included.
    intercept_, intercept_std_ : ndarray of shape (n_tasks,)
        The same of the intercepts.
    coef_mean_ : ndarray of shape (n_features,)
        The common coefficients (fixed effects); of a free one the mean of the tasks.
    intercept_mean_ : float
        The common intercept.
    coef_mean_covariance_ : ndarray of shape (n_features + 1, n_features + 1)
        Their covariance, the intercept last.
    coef_prior_covariance_ : ndarray of shape (n_features + 1, n_features + 1)
        The estimate of :math:`\Psi`, the intercept last; zero where nothing is random.
    noise_variance_ : float or ndarray of shape (n_tasks,)
        Variance of the errors, for each task unless `noise` is "shared".
    log_marginal_likelihood_ : float
        The (restricted) log-likelihood of the variances.
    n_parameters_ : int
        Number of variances and covariances that were estimated, and with "ml" of
        common coefficients.
    singular_ : bool
        Whether the estimate of :math:`\Psi` has no full rank on what is random, as
        lme4's `isSingular`: a legal answer, common with few tasks.
    converged_ : bool
        Whether the search for the variances came to an end.
    n_iter_ : int
        Number of evaluations of the likelihood; of rounds if the noise is not shared.
    tasks_ : ndarray of shape (n_tasks,)
        Task labels, in the order of the rows of `coef_`.
    coef_names_ : ndarray of shape (n_features,)
        Names of the features, without the task column.
    n_features_in_ : int
        Number of columns of X in fit, the task column included.
    feature_names_in_ : ndarray of shape (n_columns,)
        Names of the columns of X in fit, if they are all strings.

    See Also
    --------
    MultiTaskMeanRegressor : The coefficients alone, with many more options.

    Notes
    -----
    The variances are plugged in, as in lme4: with few tasks intervals are too short
    (95 % intervals hold about 87, 91, 94 and 94 % at 5, 10, 30 and 100 tasks).
    `sample_weight` counts repetitions.

    References
    ----------
    D. Bates, M. Maechler, B. Bolker and S. Walker (2015). Fitting linear mixed-effects
    models using lme4. Journal of Statistical Software.

    Examples
    --------
    >>> import numpy as np
    >>> from pymtl import MultiTaskBayesianRegressor
    >>> from pymtl.datasets import make_multitask_regression
    >>> data = make_multitask_regression(
    ...     n_tasks=20, n_features=3, structure="mean", random_state=0
    ... )
    >>> model = MultiTaskBayesianRegressor().fit(data.Xs, data.ys)
    >>> model.coef_.shape, model.coef_std_.shape
    ((20, 3), (20, 3))
    >>> z, std = model.predict(data.Xs, return_std=True)
    >>> len(z), len(std)
    (20, 20)
    >>> lower, upper = model.interval(0.9)
    >>> bool(np.all(lower < upper))
    True
    """

    _parameter_constraints: dict = {
        "covariance": [StrOptions({"isotropic", "diagonal", "full"})],
        "noise": [StrOptions({"shared", "task", "moderated"})],
        "method": [StrOptions(set(METHODS))],
        "fit_intercept": ["boolean", StrOptions({"shared", "shrink"})],
        "feature_weight": ["array-like", None],
        "task_column": [Integral, str, None],
        "task_order": ["array-like", None],
        "unseen_task": [StrOptions({"structure", "mean", "error"})],
        "tol": [Interval(Real, 0, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(
        self,
        covariance: str = "isotropic",
        noise: str = "shared",
        method: str = "reml",
        *,
        fit_intercept: bool | str = "shrink",
        feature_weight: Sequence[float] | None = None,
        task_column: int | str | None = None,
        task_order: Sequence | None = None,
        unseen_task: str = "structure",
        tol: float = 1e-4,
        max_iter: int = 500,
    ):
        store(self, locals())

    coef_frame = MultiTaskBase.coef_frame
    score = MultiTaskRegressorBase.score

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any, sample_weight: Any = None, offset: Any = None):
        """Estimate the variances, and the coefficients given them.

        Parameters
        ----------
        X : list or dict of arrays (n_t, n_features), or array (n_samples, n_features)
            Data through one of three doors: a list or dict of tasks; one design
            shared by all tasks; or, with `task_column`, a long table.
        y : list or dict of arrays (n_t,), or array (n_samples,) or (n_samples, n_tasks)
            Targets in the form of the door. In the 2-d form NaN is "not observed".
        sample_weight : same form as y, or array (n_samples,), default=None
            How often each sample counts; 0 leaves it out.
        offset : same form as y, or array (n_samples,), default=None
            Known part of the prediction.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            If the data do not fit together, or no coefficient is common to the tasks.
        """
        where = self.task_column, self.task_order
        data = read_training(self, X, y, sample_weight, offset, *where)
        d = data.X.shape[1]
        columns = Columns(self.fit_intercept, self._feature_weights(d))
        if not len(columns.common):
            msg = (
                f"{type(self).__name__}: every coefficient is free in each task, so "
                "that the tasks share nothing. Use SingleTaskRegressor, or leave out "
                "feature_weight=0."
            )
            raise ValueError(msg)
        statistics = Statistics(data, precisions(data), columns)
        if self.covariance != "isotropic":
            statistics.drop(statistics.scale > 0)
        structure = _structure(self.covariance, statistics)
        likelihood, theta = self._estimate(statistics, structure)
        q, T = len(structure.unit), data.n_tasks
        inverses = np.zeros((T, q, q))
        state = likelihood.state(theta, inverses)
        sigma2 = 0.0 if statistics.exact else state.noise
        state.noise = sigma2
        noise = sigma2 * likelihood.noise
        posterior = Posterior(statistics, state, inverses, noise)
        self._posterior = posterior
        self._set_coefficients(posterior, data, d)
        self.noise_variance_ = float(sigma2) if self.noise == "shared" else noise
        self.log_marginal_likelihood_ = -0.5 * state.value
        fixed = statistics.n_common + int(statistics.free_rank.sum())
        self._fixed, self._n_obs = fixed, float(statistics.counts.sum())
        levels = 1 if self.noise == "shared" else T
        self.n_parameters_ = structure.n_parameters + levels
        self.n_parameters_ += fixed * (self.method == "ml")
        spread = np.linalg.svd(state.L, compute_uv=False)
        self.singular_ = bool(np.any(spread <= 1e-4 * max(spread.max(initial=0), 1e-4)))
        self.tasks_ = data.labels
        names = data.names or [f"x{j}" for j in range(d)]
        self.coef_names_ = np.array(names, dtype=object)
        self._door, self._single = data.door, data.single
        self._feature_names, self._input_labels = data.names, data.input_labels
        if not self.converged_:
            warnings.warn(
                f"{type(self).__name__} did not converge: the likelihood of the "
                "variances could not be made larger, but its gradient is not zero, or "
                f"the noise levels still move after {self.n_iter_} rounds. Raise "
                "max_iter or tol, scale the features (TaskScaler), or take a simpler "
                "covariance.",
                ConvergenceWarning,
                stacklevel=2,
            )
        return self

    def predict(self, X: Any, offset: Any = None, return_std: bool = False) -> Any:
        """Predict the targets.

        Parameters
        ----------
        X : list, dict or array
            Rows through any door.
        offset : same form as the prediction, default=None
            Known part of the prediction.
        return_std : bool, default=False
            Whether to return standard deviations of new targets as well, which have
            the noise in them. Of a task that was not seen they have the variance of
            the tasks in them, and are infinite where a coefficient is free.

        Returns
        -------
        y : list, dict or array
            Predictions in the form of X.
        std : list, dict or array
            Standard deviations in the same form, with `return_std`.
        """
        check_is_fitted(self)
        rows = read_rows(self, X, self.task_column)
        coef = np.vstack([self.coef_, self.coef_mean_])
        intercept = np.append(self.intercept_, self.intercept_mean_)
        if rows.door == SHARED:
            z = rows.X @ coef[:-1].T + intercept[:-1]
        else:
            if rows.unseen and self.unseen_task == "structure":
                warnings.warn(
                    f"{type(self).__name__} was not fitted with {rows.unseen_tasks()}. "
                    "They are predicted by the common coefficients; unseen_task='mean' "
                    "does so without a warning, 'error' raises.",
                    UserWarning,
                    stacklevel=2,
                )
            z = rows.products(coef) + intercept[rows.task]
        if offset is not None:
            z = z + read_vector(offset, rows, len(self.tasks_), "offset")
        z = self._formed(rows, z)
        return (z, self._formed(rows, self._std(rows))) if return_std else z

    def coef_covariance(self, task: Any) -> np.ndarray:
        """Return the posterior covariance of the coefficients of a task.

        Parameters
        ----------
        task : object
            The label of a task of fit.

        Returns
        -------
        covariance : ndarray of shape (n_features + 1, n_features + 1)
            The intercept last.

        Raises
        ------
        ValueError
            If the task was not in fit.
        """
        check_is_fitted(self)
        labels = self.tasks_.tolist()
        if task not in labels:
            msg = f"{task!r} is not a task of training, they are {labels[:5]}..."
            raise ValueError(msg)
        root = self._posterior.roots(np.array([labels.index(task)]))[0]
        return root @ root.T

    def interval(self, level: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
        """Return intervals of the coefficients from the normal distribution.

        Parameters
        ----------
        level : float, default=0.95
            Probability that an interval holds the coefficient, given the variances.

        Returns
        -------
        lower, upper : ndarray of shape (n_tasks, n_features)
            The ends.

        Raises
        ------
        ValueError
            If the level is not between 0 and 1.
        """
        check_is_fitted(self)
        if not 0 < level < 1:
            msg = f"level={level!r} is not between 0 and 1."
            raise ValueError(msg)
        half = stats.norm.ppf(0.5 + level / 2) * self.coef_std_
        return self.coef_ - half, self.coef_ + half

    def compare(self, other: Any) -> LikelihoodRatio:
        """Compare with a fit to the same data that is more, or less, general.

        Parameters
        ----------
        other : MultiTaskBayesianRegressor
            The other fit.

        Returns
        -------
        test : LikelihoodRatio
            The statistic, its degrees of freedom and its p-value.

        Raises
        ------
        ValueError
            If the likelihoods cannot be compared: other methods or numbers of rows, or
            restricted ones with other common coefficients.
        """
        check_is_fitted(self)
        check_is_fitted(other)
        same = self._n_obs == other._n_obs and self.method == other.method
        if not same or (self.method == "reml" and self._fixed != other._fixed):
            msg = (
                "The likelihoods are of other data, methods or, restricted, common "
                "coefficients: fit both to the same rows with method='ml'."
            )
            raise ValueError(msg)
        df = other.n_parameters_ - self.n_parameters_
        rise = 2 * (other.log_marginal_likelihood_ - self.log_marginal_likelihood_)
        if df < 0:
            df, rise = -df, -rise
        if df == 0:
            msg = "Both models have as many parameters: none is a case of the other."
            raise ValueError(msg)
        statistic = max(float(rise), 0.0)
        return LikelihoodRatio(statistic, df, float(stats.chi2.sf(statistic, df)))

    def summary(self) -> str:
        """Return the fit as a table, in the manner of statsmodels and lme4.

        Returns
        -------
        text : str
            Common coefficients with standard errors, and standard deviations of what
            is random; it says so if variances are estimated as zero.
        """
        check_is_fitted(self)
        return summary(self)

    def _accepts_unseen(self) -> bool:
        return self.unseen_task != "error"

    def _feature_weights(self, d):
        if self.feature_weight is None:
            return np.ones(d)
        weight = np.asarray(self.feature_weight, dtype=float)
        if weight.shape != (d,) or np.isnan(weight).any() or weight.min(initial=0) < 0:
            msg = (
                f"feature_weight has shape {weight.shape}, or entries below 0 or "
                f"NaN: give one number of at least 0 for each of {d} features."
            )
            raise ValueError(msg)
        return weight

    def _estimate(self, statistics, structure):
        """Return the likelihood and its best parameters; set what the search says."""
        T = statistics.n_tasks
        if T == 1 or statistics.exact:
            self.n_iter_, self.converged_ = 1, True
            zero = np.zeros(structure.n_parameters)
            return Likelihood(statistics, structure, self.method), zero
        if self.noise == "shared":
            likelihood = Likelihood(statistics, structure, self.method)
            theta, self.converged_ = likelihood.minimise()
            self.n_iter_ = max(likelihood.evaluations, 1)
            return likelihood, theta
        found = estimate_noise(
            statistics,
            structure,
            self.method,
            self.noise == "moderated",
            self.tol,
            self.max_iter,
        )
        likelihood, theta, _, self.n_iter_, self.converged_ = found
        return likelihood, theta

    def _set_coefficients(self, posterior, data, d):
        dtype = data.X.dtype
        coef = posterior.coefficients()
        std = np.empty_like(coef)
        for start in range(0, len(coef), CHUNK):
            tasks = np.arange(start, min(start + CHUNK, len(coef)))
            root = posterior.roots(tasks)
            std[tasks] = np.sqrt(np.einsum("tjk,tjk->tj", root, root))
        self.coef_ = coef[:, :d].astype(dtype)
        self.coef_std_ = std[:, :d].astype(dtype)
        self.intercept_ = coef[:, d].astype(dtype)
        self.intercept_std_ = std[:, d].astype(dtype)
        free = np.roll(np.isin(np.arange(d + 1), posterior.columns.free), -1)
        mean = np.where(free, coef.mean(axis=0), posterior.mean())
        self.coef_mean_, self.intercept_mean_ = mean[:d], float(mean[d])
        root = posterior.mean_root()
        self.coef_mean_covariance_ = root @ root.T
        self.coef_prior_covariance_ = posterior.prior_covariance
        self._free = free

    def _std(self, rows):
        """Return the standard deviations of new targets."""
        T, posterior = len(self.tasks_), self._posterior
        X = rows.X.toarray() if hasattr(rows.X, "toarray") else np.asarray(rows.X)
        U = np.column_stack([X, np.ones(len(X))]).astype(float)
        noise = posterior.noise
        if rows.door == SHARED:
            out = np.empty((len(U), T))
            for t in range(T):
                root = posterior.roots(np.array([t]))[0]
                out[:, t] = np.sum((U @ root) ** 2, axis=1) + noise[t]
            return np.sqrt(out)
        out = np.empty(len(U))
        order = np.argsort(rows.task, kind="stable")
        seen, first = np.unique(rows.task[order], return_index=True)
        for t, own in zip(seen, np.split(order, first[1:]), strict=True):
            root = posterior.new_root() if t < 0 else posterior.roots(np.array([t]))[0]
            level = noise.mean() if t < 0 else noise[t]
            out[own] = np.sum((U[own] @ root) ** 2, axis=1) + level
            if t < 0 and self._free.any():
                out[own[(U[own][:, self._free] != 0).any(axis=1)]] = np.inf
        return np.sqrt(out)

    def _formed(self, rows, z):
        if rows.door == SHARED:
            return z.ravel() if self._single else z
        return rows.split(z)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.target_tags.multi_output = True
        tags.target_tags.required = True
        return tags


def _structure(covariance, statistics):
    """Return the form of the covariance, its unit the inverse size of the columns."""
    columns, scale = statistics.columns, statistics.scale
    q, weight = len(scale), columns.weight[columns.random]
    if covariance == "isotropic":
        intercept = columns.random == 0
        unit, size = weight**-0.5, np.where(intercept, 1.0, scale * weight**-0.5)
        slopes = size[~intercept]
        typical = np.sqrt(np.mean(slopes**2)) if len(slopes) else 1.0
        unit = np.where(intercept, unit, unit / (typical if typical > 0 else 1.0))
        groups = np.where(intercept, 0, int(intercept.any()))
        return Structure(groups, unit)
    unit = 1 / np.where(scale > 0, scale, 1.0)
    return Structure(np.arange(q) if covariance == "diagonal" else None, unit)
