"""Does sharing help: structures compared by nested cross-validation."""

from __future__ import annotations

import html
import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

import numpy as np
from joblib import delayed
from scipy.stats import t as student
from sklearn.base import clone, is_classifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV
from sklearn.utils import check_scalar

from . import linear_model
from ._jobs import run_jobs
from ._names import value_hint
from ._wrapped import final_of
from .base import import_pandas
from .model_selection import MultiTaskSearchCV, RepeatedTaskKFold, TaskKFold
from .model_selection._measures import CLASSIFICATION, Measure
from .model_selection._samples import Samples
from .penalties._base import summands

__all__ = ["SharingComparison", "compare_sharing"]

STRUCTURES = ("SingleTask", "L1", "Pooled", "Mean", "L21", "TraceNorm", "Dirty")
INTERVAL = ("gain", "gain_low", "gain_high")
CHOSEN = ("no sharing, chosen", "sharing, chosen")
DECISIONS = ("no clear difference", "share", "do not share")
LISTED = 5
TOL = 1e-4
GIVEN = ("FusedSparseGroup", "Graph", "NetworkLasso", "TemporalGroup", "Tree")


def compare_sharing(
    X: Any,
    y: Any,
    estimators: dict[str, Any] | None = None,
    *,
    structures: str | Sequence[str] = STRUCTURES,
    classification: bool = False,
    task_column: int | str | None = None,
    sample_weight: Any = None,
    offset: Any = None,
    groups: Any = None,
    scoring: str | None = None,
    n_splits: int = 5,
    n_repeats: int = 3,
    inner_cv: int = 5,
    n_lambdas: int = 15,
    confidence: float = 0.95,
    random_state: int | np.random.RandomState | None = None,
    n_jobs: int | None = None,
    verbose: int = 0,
) -> SharingComparison:
    r"""Say whether multi-task learning helps, by nested cross-validation.

    Every model is fitted on the same outer training parts, its strengths chosen there
    by a :class:`MultiTaskSearchCV`, and judged on the outer test part: by squared
    error, or for classifiers by log loss (by the share of errors where a classifier has
    no probabilities), or by `scoring`. With :math:`\ell_i` the loss of a model on
    sample i, averaged over the repetitions, :math:`\ell_i^0` that of the single-task
    one and :math:`v_i` the weight of the sample, the gain is

    .. math:: g = 1 - \frac{\sum_i v_i \ell_i}{\sum_i v_i \ell_i^0}

    over all samples, and over those of each task.

    Parameters
    ----------
    X, y : object
        Training data through any door, as in `fit` of the estimators. Two tasks at
        least.
    estimators : dict of {str: estimator} or None, default=None
        Models to compare, in place of `structures`: estimators of this package,
        pipelines that end with one, or searches of them, :class:`MultiTaskSearchCV`
        or `GridSearchCV`. The single-task model is added if none of them shares
        nothing.
    structures : sequence of str or "all"
        Names of structures, fitted to ``tol=1e-4``; by default SingleTask, L1, Pooled,
        Mean, L21, TraceNorm and Dirty. "all" is every one that needs neither an order,
        a graph nor a tree of the tasks.
    classification : bool, default=False
        Whether `structures` are of classifiers.
    task_column : int, str or None, default=None
        The column of X, a long table, that names the task; by default that of the
        `estimators`.
    sample_weight, offset : object, default=None
        In the form of the door. The weights enter the fits, the default scores of the
        inner folds and the table; the offsets the fits and all predictions.
    groups : array-like or None, default=None
        Groups of samples that outer and inner folds keep together, such as the subjects
        they are of; of lists a list, or one vector of all samples. The intervals take
        the groups as independent, no longer the samples.
    scoring : str or None, default=None
        What the inner folds choose by and the table compares: "neg_mean_squared_error",
        "neg_mean_absolute_error", "neg_mean_poisson_deviance", "r2", "neg_log_loss",
        "accuracy", "balanced_accuracy", "roc_auc", one of the two explained variances,
        or ``[neg_]task_<metric>_<average>`` of :func:`pymtl.metrics.get_scorer_names`
        for mse, nmse, amse, r2, accuracy, balanced_accuracy and roc_auc. None is the
        mean squared error, for classifiers the log loss.
    n_splits : int, default=5
        Number of outer folds, inside every task.
    n_repeats : int, default=3
        How often the outer folds are dealt anew.
    inner_cv : int, default=5
        Number of folds that choose the strengths.
    n_lambdas : int, default=15
        Number of values of lambda1 of each structure.
    confidence : float, default=0.95
        Confidence of the intervals.
    random_state : int, RandomState instance or None, default=None
        Seed of the outer folds.
    n_jobs : int or None, default=None
        Number of searches at a time, through joblib.
    verbose : int, default=0
        Whether to show the progress of the searches, by tqdm if it is installed.

    Returns
    -------
    comparison : SharingComparison
        The losses, the gains with their intervals, the verdict, a table and a figure.

    Raises
    ------
    ValueError
        If there are fewer than two tasks, or a structure or score is not known.

    See Also
    --------
    MultiTaskSearchCV : Chooses the strengths.

    Notes
    -----
    The verdict is of one comparison, so that trying many structures makes no winner by
    chance. In each outer training part the structure with the best inner score is
    chosen, once among those that share and once among those that do not (ridge and
    lasso), and the two choices meet on the test part. To compare with ridge alone would
    take what sparsity gains for what sharing gains.

    The intervals are paired: the standard error of the gain is

    .. math:: \frac{1}{\sum_i v_i \ell_i^0} \sqrt{\tfrac{n}{n - 1} \sum_i v_i^2
              \left((1 - g) \ell_i^0 - \ell_i\right)^2},

    with the terms of a group, or of a row of a 2-d y, added up before they are squared.
    A score that is an average over tasks, or classes, weighs their samples so; the area
    under a ROC curve is one over the samples of each label, of the share of the other
    label's samples in the test part that are on the right side, and its error twice
    that of a mean (DeLong et al.), since each sample is in the shares of others too.
    For methods
    that change little with one sample this is right for the mean over the training
    parts of cross-validation (Bayle et al.). The decision is "share" if the interval of
    the gain is above zero, "do not share" if it is below, else "no clear difference".
    How often it is wrong has been measured, see the page on sharing. The verdict names
    the tasks on which it hangs: without one of them the decision would be another.

    The intervals of the tasks are of each task by itself. Of many tasks that gain
    nothing a few will seem hurt or helped.

    References
    ----------
    P. Bayle, A. Bayle, L. Janson and L. Mackey (2020). Cross-validation confidence
    intervals for test error. NeurIPS.

    E. DeLong, D. DeLong and D. Clarke-Pearson (1988). Comparing the areas under two or
    more correlated receiver operating characteristic curves. Biometrics.

    S. Varma and R. Simon (2006). Bias in error estimation when using cross-validation
    for model selection. BMC Bioinformatics.

    Examples
    --------
    >>> from pymtl import compare_sharing
    >>> from pymtl.datasets import make_multitask_regression
    >>> data = make_multitask_regression(
    ...     n_tasks=8, n_samples=20, n_features=10, structure="mean", snr=1.0,
    ...     random_state=0,
    ... )
    >>> comparison = compare_sharing(
    ...     data.Xs, data.ys, structures=["SingleTask", "Mean"], n_repeats=1,
    ...     random_state=0,
    ... )
    >>> comparison.decision
    'share'
    """
    for name, value in (("n_splits", n_splits), ("inner_cv", inner_cv)):
        check_scalar(value, name, Integral, min_val=2)
    check_scalar(
        confidence,
        "confidence",
        Real,
        min_val=0,
        max_val=1,
        include_boundaries="neither",
    )
    models = _models(estimators, structures, classification, task_column)
    inner = inner_cv
    if task_column is not None:
        inner = TaskKFold(inner_cv, task_column=task_column)
    searches = {
        name: _as_search(name, model, inner, n_lambdas)
        for name, model in models.items()
    }
    shares = {name: _shares(search.estimator) for name, search in searches.items()}
    first = next(iter(searches.values())).estimator
    measure = _measured(searches, scoring, is_classifier(final_of(first)))
    column = final_of(first).task_column if task_column is None else task_column
    samples = Samples(X, y, sample_weight, offset, column)
    tasks, task, cluster = samples.cells()
    if len(tasks) < 2:
        msg = (
            f"There is {len(tasks)} task, and nothing to share. Pass lists of tasks, a "
            "2-d y, or the long table with task_column=."
        )
        raise ValueError(msg)
    cv = RepeatedTaskKFold(n_splits, n_repeats=n_repeats, random_state=random_state)
    if column is not None:
        cv.task_column = column
    splits = samples.split(cv, groups)
    weight = np.ones(len(task))
    if sample_weight is not None:
        weight = samples.of_cells(sample_weight).astype(float)
    if groups is not None:
        _, cluster = np.unique(samples.of_cells(groups), return_inverse=True)
    counts, unit = measure.weights(samples.of_cells(samples.y), task, weight)
    starts = np.arange(len(tasks)) * samples.n_samples
    rows_only = len(task) > samples.n_samples  # of a row the targets of all tasks
    cells = [(starts[:, None] + v).ravel() if rows_only else v for _, v in splits]
    known = samples, measure, groups, task, weight
    jobs = [
        delayed(_evaluate)(search, *known, train, test, held)
        for search in searches.values()
        for (train, test), held in zip(splits, cells, strict=True)
    ]
    found = run_jobs(jobs, n_jobs, "compare_sharing", "search", verbose)
    losses, *numbers = zip(*found, strict=True)
    shape = len(searches), len(splits)
    inner, seconds, missed = (np.reshape(part, shape) for part in numbers)
    loss = np.full((len(searches), n_repeats, len(task)), np.nan)
    fold = np.full((n_repeats, len(task)), -1)
    for j, held in enumerate(cells):
        fold[j // n_splits, held] = j
        for m in range(len(searches)):
            loss[m, j // n_splits, held] = losses[m * len(splits) + j] / unit[held]
    if missed.any():
        worst = [n for n, m in zip(searches, missed.any(axis=1), strict=True) if m]
        warnings.warn(
            f"{int(missed.sum())} of {missed.size} searches had fits that did not "
            f"reach their tolerance ({', '.join(worst)}). Raise max_iter or tol of "
            "the estimators, or lower `n_lambdas`.",
            ConvergenceWarning,
            stacklevel=2,
        )
    return SharingComparison(
        names=list(searches),
        shares=np.array(list(shares.values())),
        tasks=tasks,
        task=task,
        cluster=cluster,
        weight=counts,
        loss=loss,
        fold=fold,
        inner_score=inner,
        fit_time=seconds,
        confidence=confidence,
        metric=measure.title,
        order=measure.order,
    )


@dataclass
class SharingComparison:
    """What :func:`compare_sharing` has found.

    Parameters
    ----------
    names : list of str
        The models.
    shares : ndarray of bool of shape (n_models,)
        Whether a model shares anything between the tasks.
    tasks : ndarray of shape (n_tasks,)
        Task labels.
    task : ndarray of shape (n_samples,)
        The task of each sample. Of a 2-d y every target that is observed is a sample.
    cluster : ndarray of shape (n_samples,)
        The group of each sample, its row where no groups were given.
    weight : ndarray of shape (n_samples,)
        How much each sample counts.
    loss : ndarray of shape (n_models, n_repeats, n_samples)
        Losses on held-out samples; NaN for those that are always trained with.
    fold : ndarray of shape (n_repeats, n_samples)
        The outer test part that a sample was in, -1 for none.
    inner_score : ndarray of shape (n_models, n_test_parts)
        Best score of each inner search.
    fit_time : ndarray of shape (n_models, n_test_parts)
        Seconds of each inner search.
    confidence : float
        Confidence of the intervals.
    metric : str
        Name of the loss.
    order : int, default=1
        How many samples a loss compares: 2 for areas under ROC curves, whose standard
        errors are twice those of a mean of losses.
    """

    names: list[str]
    shares: np.ndarray
    tasks: np.ndarray
    task: np.ndarray
    cluster: np.ndarray
    weight: np.ndarray
    loss: np.ndarray
    fold: np.ndarray
    inner_score: np.ndarray
    fit_time: np.ndarray
    confidence: float
    metric: str
    order: int = 1

    def __post_init__(self):
        self.reference = self.names[int(np.argmin(self.shares))]

    @property
    def rows(self) -> list[str]:
        """The models, then what is chosen of those that do not share, and that do."""
        return [*self.names, *(CHOSEN if self.shares.any() else CHOSEN[:1])]

    @property
    def chosen(self) -> np.ndarray:
        """The model chosen in each test part, (2, n_test_parts): not sharing, sharing.

        By the scores of the inner searches; -1 where there is none.
        """
        picks = np.full((2, self.inner_score.shape[1]), -1)
        for k in range(2):
            models = np.flatnonzero(self.shares == k)
            if len(models):
                picks[k] = models[self.inner_score[models].argmax(axis=0)]
        return picks

    def losses(self, row: str) -> np.ndarray:
        """Return the loss of a row of the table on each sample.

        Parameters
        ----------
        row : str
            One of `rows`.

        Returns
        -------
        loss : ndarray of shape (n_samples,)
            Means over the repetitions.

        Raises
        ------
        ValueError
            If there is no such row.
        """
        if row in self.names:
            return self.loss[self.names.index(row)].mean(axis=0)
        if row not in self.rows:
            msg = f"There is no row {row!r} in {self.rows}."
            raise ValueError(msg)
        model = self.chosen[CHOSEN.index(row)][self.fold]
        return np.take_along_axis(self.loss, model[None], axis=0)[0].mean(axis=0)

    def gain(
        self, row: str, reference: str | None = None, by_task: bool = False
    ) -> tuple:
        """Return the share of the reference's loss that a row saves, and its interval.

        Parameters
        ----------
        row : str
            One of `rows`.
        reference : str or None, default=None
            Another; by default the single-task model.
        by_task : bool, default=False
            Whether to return arrays with a number for each task.

        Returns
        -------
        gain, low, high : float or ndarray of shape (n_tasks,)
            The gain and its paired interval. NaN where a task has no held-out sample,
            the interval also where it has one only.
        """
        ours, theirs = self.losses(row), self.losses(reference or self.reference)
        if not by_task:
            return self._gain(ours, theirs, np.isfinite(theirs))
        tasks = range(len(self.tasks))
        parts = [
            self._gain(ours, theirs, np.isfinite(theirs) & (self.task == t))
            for t in tasks
        ]
        return tuple(np.array(parts).T)

    def _gain(self, ours, theirs, rows):
        gain, error, n = np.nan, np.nan, 1
        weight = self.weight[rows]
        total = np.dot(weight, theirs[rows])
        if total > 0:
            gain = 1 - np.dot(weight, ours[rows]) / total
            residual = (1 - gain) * theirs[rows] - ours[rows]
            error, n = self._spread(residual, rows)
            error *= weight.sum() / total
        half = error * student.ppf((1 + self.confidence) / 2, max(n - 1, 1))
        return gain, gain - half, gain + half

    def _spread(self, residual, rows):
        """Return the standard error of a weighted mean, and the number of clusters."""
        weight = self.weight[rows]
        _, cluster = np.unique(self.cluster[rows], return_inverse=True)
        sums = np.bincount(cluster, weight * residual)
        n = len(sums)
        if n < 2:
            return np.nan, n
        error = np.sqrt(n / (n - 1) * np.sum(sums**2)) / weight.sum()
        return self.order * error, n

    @property
    def decision(self) -> str:
        """One of "share", "do not share" and "no clear difference"."""
        if not self.shares.any():
            return DECISIONS[0]
        return _decide(*self.gain(CHOSEN[1], CHOSEN[0]))

    @property
    def decisive_tasks(self) -> list:
        """Labels of the tasks without which the decision would be another one."""
        if not self.shares.any():
            return []
        ours, theirs = (self.losses(row) for row in reversed(CHOSEN))
        seen, decision, labels = np.isfinite(theirs), self.decision, self.tasks.tolist()
        return [
            label
            for t, label in enumerate(labels)
            if _decide(*self._gain(ours, theirs, seen & (self.task != t))) != decision
        ]

    @property
    def verdict(self) -> str:
        """The decision in words, with its numbers."""
        if not self.shares.any():
            return "No clear difference: none of the models shares anything."
        gain, low, high = self.gain(CHOSEN[1], CHOSEN[0])
        names, counts = np.unique(self.chosen[1], return_counts=True)
        favourite = self.names[names[counts.argmax()]]
        helped, hurt = self.changed(CHOSEN[1])
        word = "lowers" if gain >= 0 else "raises"
        return (
            f"{self.decision.capitalize()}: sharing {word} the {self.metric} by "
            f"{abs(gain):.1%} ({self.confidence:.0%} interval of the gain {low:.1%} to "
            f"{high:.1%}) against the best model that does not share; chosen most "
            f"often: {favourite}. Of {len(self.tasks)} tasks {len(helped)} are clearly "
            f"better than by {self.reference}, {len(hurt)} clearly worse"
            + (f" ({', '.join(map(str, hurt))})." if hurt else ".")
            + self._caveat()
        )

    def _caveat(self):
        tasks = self.decisive_tasks
        if not tasks:
            return ""
        names = ", ".join(map(str, tasks[:LISTED]))
        names += ", ..." if len(tasks) > LISTED else ""
        return (
            f" The decision hangs on single tasks: without one of {len(tasks)} "
            f"({names}) it would be another."
        )

    def changed(self, row: str) -> tuple[list, list]:
        """Return the tasks that a row helps, and those that it hurts.

        Parameters
        ----------
        row : str
            One of `rows`.

        Returns
        -------
        helped, hurt : list
            Labels of the tasks whose interval of the gain over the single-task model is
            above zero, and of those (negative transfer) where it is below.
        """
        _, low, high = self.gain(row, by_task=True)
        labels = self.tasks.tolist()
        return (
            [label for label, end in zip(labels, low, strict=True) if end > 0],
            [label for label, end in zip(labels, high, strict=True) if end < 0],
        )

    def table(self) -> dict[str, list]:
        """Return the table as columns.

        Returns
        -------
        table : dict of {str: list}
            "model", mean "loss" over the samples and its "std_error", "gain" over the
            single-task model with "gain_low" and "gain_high", numbers of tasks "helped"
            and "hurt", and "fit_time" of a search in seconds.
        """
        table: dict[str, list] = {"model": self.rows}
        losses = [self.losses(row) for row in self.rows]
        table["loss"], table["std_error"] = [], []
        for loss in losses:
            seen = np.isfinite(loss)
            mean = np.average(loss[seen], weights=self.weight[seen])
            table["loss"].append(float(mean))
            error, _ = self._spread(loss[seen] - mean, seen)
            table["std_error"].append(float(error))
        gains = np.array([self.gain(row) for row in self.rows])
        for name, column in zip(
            ("gain", "gain_low", "gain_high"), gains.T, strict=True
        ):
            table[name] = column.tolist()
        changed = [self.changed(row) for row in self.rows]
        table["helped"] = [len(helped) for helped, _ in changed]
        table["hurt"] = [len(hurt) for _, hurt in changed]
        times = self.fit_time.mean(axis=1)
        groups = [times[self.shares == k].sum() for k in (False, True)]
        table["fit_time"] = [*times.tolist(), *groups][: len(self.rows)]
        return table

    def to_frame(self, by_task: bool = False):
        """Return the table as a pandas frame.

        Parameters
        ----------
        by_task : bool, default=False
            Whether to return the gains of the tasks: one row a model and task.

        Returns
        -------
        frame : pandas.DataFrame
            The columns of :meth:`table`; by task "gain", "gain_low" and "gain_high".

        Raises
        ------
        ImportError
            If pandas is not installed.
        """
        pd = import_pandas("to_frame")
        if not by_task:
            return pd.DataFrame(self.table()).set_index("model")
        index = pd.MultiIndex.from_product(
            [self.rows, self.tasks.tolist()], names=["model", "task"]
        )
        gains = np.hstack([self.gain(row, by_task=True) for row in self.rows])
        return pd.DataFrame(gains.T, index, list(INTERVAL))

    def plot(self, row: str = CHOSEN[1], *, ax: Any = None):
        """Draw the gain of each task with its interval.

        Parameters
        ----------
        row : str, default="sharing, chosen"
            One of `rows`.
        ax : matplotlib.axes.Axes or None, default=None
            Where to draw; by default in a new figure.

        Returns
        -------
        display : TaskGainDisplay
            The picture.
        """
        from .plotting import TaskGainDisplay

        return TaskGainDisplay.from_comparison(self, row, ax=ax)

    def __str__(self):
        return "\n".join([self.verdict, "", *(_line(cells) for cells in self._cells())])

    def _repr_html_(self):
        head, *body = self._cells()
        rows = [
            "<tr>" + "".join(f"<td>{html.escape(c)}</td>" for c in cells) + "</tr>"
            for cells in body
        ]
        titles = "".join(f"<th>{html.escape(c)}</th>" for c in head)
        return (
            f"<p>{html.escape(self.verdict)}</p><table><thead><tr>{titles}</tr></thead>"
            f"<tbody>{''.join(rows)}</tbody></table>"
        )

    def _cells(self):
        """Yield the rows of the table as text, first the titles."""
        table = self.table()
        yield ["model", self.metric, "gain", "interval", "helped", "hurt", "seconds"]
        for cells in zip(*table.values(), strict=True):
            name, loss, error, gain, low, high, helped, hurt, seconds = cells
            yield [
                name,
                f"{loss:.4g} +- {error:.2g}",
                f"{gain:.1%}",
                f"{low:.1%} to {high:.1%}",
                str(helped),
                str(hurt),
                f"{seconds:.2f}",
            ]


def _decide(gain, low, high):
    """Return the decision of a gain and its interval."""
    return DECISIONS[1 if low > 0 else 2 if high < 0 else 0]


def _line(cells):
    widths = (20, 20, 8, 18, 7, 5, 8)
    return " ".join(c.ljust(w) for c, w in zip(cells, widths, strict=True)).rstrip()


def _models(estimators, structures, classification, task_column):
    """Return {name: estimator}, at least one of which shares nothing."""
    if estimators is not None:
        if not isinstance(estimators, dict) or not estimators:
            msg = f"estimators must be a dict {{name: estimator}}, got {estimators!r}."
            raise ValueError(msg)
        models = {str(name): clone(model) for name, model in estimators.items()}
        kinds = {is_classifier(final_of(model)) for model in models.values()}
        if len(kinds) > 1:
            msg = "The estimators must all be regressors, or all be classifiers."
            raise ValueError(msg)
        classification = kinds.pop()
        if any(not _shares(model) for model in models.values()):
            return models
        if task_column is None:
            task_column = final_of(next(iter(models.values()))).task_column
        single = _known(classification)["SingleTask"]
        return {"SingleTask": single(task_column=task_column)} | models
    known = _known(classification)
    if isinstance(structures, str):
        if structures != "all":
            msg = f"structures must be 'all' or names in a list, got {structures!r}."
            raise ValueError(msg)
        structures = [name for name in known if name not in GIVEN]
    unknown = [name for name in structures if name not in known]
    if unknown:
        hint = value_hint("penalty", str(unknown[0]), known)
        msg = f"{unknown} are not structures; those are {sorted(known)}, or 'all'."
        raise ValueError(f"{msg} {hint}".strip())
    structures = list(dict.fromkeys(["SingleTask", *structures]))
    return {name: known[name](task_column=task_column, tol=TOL) for name in structures}


def _known(classification):
    """Return {structure: class} of the named estimators that have paths."""
    kind = "Classifier" if classification else "Regressor"
    names = (
        n.removesuffix(kind)
        for n in linear_model.__all__
        if n.endswith(kind) and hasattr(getattr(linear_model, n), "path")
    )
    structures = {name.removeprefix("MultiTask") or None: name for name in names}
    return {
        short: getattr(linear_model, name + kind)
        for short, name in sorted((s, n) for s, n in structures.items() if s)
    }


def _as_search(name, model, cv, n_lambdas):
    """Return the search of a model; a grid of scikit-learn's is searched as it is."""
    if isinstance(model, MultiTaskSearchCV):
        return model
    if isinstance(model, GridSearchCV):
        return MultiTaskSearchCV(
            model.estimator,
            lambda1=None,
            param_grid=model.param_grid,
            scoring=model.scoring,
            cv=cv if model.cv is None else model.cv,
        )
    last = model.steps[-1][1] if hasattr(model, "steps") else model
    if hasattr(last, "estimator"):
        msg = (
            f"estimators[{name!r}] is a {type(model).__name__} with a "
            f"{type(last).__name__}: compare_sharing takes a MultiTaskSearchCV or a "
            "GridSearchCV of an estimator or of a pipeline."
        )
        raise ValueError(msg)
    return MultiTaskSearchCV(model, cv=cv, n_lambdas=n_lambdas)


def _shares(model):
    """Return whether an estimator has the tasks share coefficients."""
    final = final_of(model)
    pooled = final._pool(2) is not None
    return pooled or any(part.sharing for part in summands(final._penalty()))


def _measured(searches, scoring, classification):
    """Return the measure of a comparison; the inner scores follow it."""
    models = list(searches.values())
    if scoring is None:
        measure = Measure.default(models)
        scoring = "accuracy" if measure.metric == "accuracy" else None
    else:
        measure = Measure.named(scoring)
        if (measure.metric in CLASSIFICATION) != classification:
            kind = "regressors" if classification else "classifiers"
            msg = f"scoring={scoring!r} is for {kind}."
            raise ValueError(msg)
    for search in models if scoring is not None else ():
        search.set_params(scoring=scoring)
    return measure


def _evaluate(search, samples, measure, groups, task, weight, train, test, cells):
    """Return losses, inner score, seconds, and whether a fit missed its tolerance."""
    model = clone(search)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ConvergenceWarning)
        start = time.perf_counter()
        model.fit(*samples.take(train), groups=samples.take_groups(groups, train))
        seconds = time.perf_counter() - start
    missed = any(issubclass(w.category, ConvergenceWarning) for w in caught)
    X, y, _, offset = samples.take(test)
    losses = measure.losses(model, X, y, offset, task[cells], weight[cells])
    return losses, model.best_score_, seconds, missed
