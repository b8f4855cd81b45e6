"""What a model has learned of the tasks, and how sure it is."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from itertools import combinations
from numbers import Integral, Real
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from sklearn.base import clone, is_classifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state, check_scalar
from sklearn.utils.validation import check_is_fitted

from .base import import_pandas
from .linear_model import MultiTaskMeanRegressor
from .model_selection import TaskKFold
from .model_selection._measures import sample_losses
from .tasks import encode_tasks, is_lists, read_task_column, split_tasks
from .tasks._stack import items_of, vectors

__all__ = [
    "CoefIntervals",
    "StabilitySelection",
    "TaskGroups",
    "bootstrap_coef",
    "group_tasks",
    "stability_selection",
    "task_affinity",
    "task_similarity",
]

EXACT = 8


def task_similarity(estimator: Any, method: str = "auto") -> np.ndarray:
    r"""Return how alike the tasks of a fitted model are.

    Parameters
    ----------
    estimator : estimator
        A fitted estimator or search.
    method : {"auto", "learned", "coef"}, default="auto"
        "learned" is what the structure has learned: the task correlations of
        `Relationship`, or the cluster matrix M of `Clustered`, as
        :math:`M_{st} / \sqrt{M_{ss} M_{tt}}`. "coef" is :math:`w_s^\top w_t / (\|w_s\|
        \|w_t\|)`, the correlation of the coefficients about zero. "auto" is "learned"
        where there is such a matrix.

    Returns
    -------
    similarity : ndarray of shape (n_tasks, n_tasks)
        Numbers between -1 and 1, in the order of `tasks_`; 1 on the diagonal. A task
        whose coefficients are zero is like no other, 0.

    Raises
    ------
    ValueError
        If the model has learned no such matrix, or tasks differ in their classes.

    See Also
    --------
    task_affinity : Whether training together helps, which likeness need not.

    Examples
    --------
    >>> import numpy as np
    >>> from pymtl import MultiTaskMeanRegressor, task_similarity
    >>> X = np.eye(4)
    >>> Y = np.array([[1, 2, -1], [0, 0, 0], [1, 2, -1], [0, 0, 0]])
    >>> model = MultiTaskMeanRegressor(0.0, fit_intercept=False).fit(X, Y)
    >>> task_similarity(model).round(2)
    array([[ 1.,  1., -1.],
           [ 1.,  1., -1.],
           [-1., -1.,  1.]])
    """
    estimator = getattr(estimator, "best_estimator_", estimator)
    check_is_fitted(estimator, "coef_")
    if method not in ("auto", "learned", "coef"):
        msg = f"method must be 'auto', 'learned' or 'coef', got {method!r}."
        raise ValueError(msg)
    names = ("task_correlation_", "cluster_matrix_")
    learned = [getattr(estimator, n) for n in names if hasattr(estimator, n)]
    if method == "learned" and not learned:
        msg = (
            f"{type(estimator).__name__} learns no matrix of the tasks: use "
            "method='coef'."
        )
        raise ValueError(msg)
    if learned and method != "coef":
        return _correlation(learned[0])
    if len({np.shape(w) for w in estimator.coef_}) > 1:
        msg = "The tasks have different numbers of classes: their coef_ do not compare."
        raise ValueError(msg)
    coef = np.asarray(estimator.coef_, dtype=float)
    coef = coef.reshape(len(coef), -1)
    return _correlation(coef @ coef.T)


def task_affinity(
    X: Any,
    y: Any,
    estimator: Any = None,
    *,
    task_column: int | str | None = None,
    cv: int = 5,
    random_state: int | np.random.RandomState | None = None,
    n_jobs: int | None = None,
) -> np.ndarray:
    r"""Return what each task gains from training with each other one.

    .. math:: A_{st} = 1 - \frac{\ell_s(\{s, t\})}{\ell_s(\{s\})}

    with :math:`\ell_s(S)` the cross-validated loss on task s of the model fitted to the
    tasks S.

    Parameters
    ----------
    X, y : object
        Training data through any door.
    estimator : estimator or None, default=None
        An estimator of this package, or a search of one. By default
        ``MultiTaskMeanRegressor(lambda2="auto")``, ridge for a task alone.
    task_column : int, str or None, default=None
        The column of a long table that names the task.
    cv : int, default=5
        Number of folds inside every task, the same for all fits.
    random_state : int, RandomState instance or None, default=None
        Seed of the folds.
    n_jobs : int or None, default=None
        Number of pairs at a time, through joblib.

    Returns
    -------
    affinity : ndarray of shape (n_tasks, n_tasks)
        Row s is what task s gains, column t is what task t gives; 0 on the diagonal.
        It need not be symmetric: a task with few samples gains from one with many.

    See Also
    --------
    group_tasks : Which tasks to train together.

    References
    ----------
    T. Standley, A. Zamir, D. Chen, L. Guibas, J. Malik and S. Savarese (2020). Which
    tasks should be learned together in multi-task learning? ICML.

    Examples
    --------
    >>> from pymtl import task_affinity
    >>> from pymtl.datasets import make_multitask_regression
    >>> data = make_multitask_regression(
    ...     n_tasks=4, n_samples=20, structure="clustered", n_clusters=2,
    ...     deviation=0.0, random_state=0,
    ... )
    >>> affinity = task_affinity(data.Xs, data.ys)
    >>> same = data.cluster_labels[:, None] == data.cluster_labels
    >>> bool(affinity[same].mean() > affinity[~same].mean())
    True
    """
    trials = Trials(X, y, estimator, task_column, cv, random_state, n_jobs)
    T = len(trials.labels)
    trials.run([(s,) for s in range(T)] + list(combinations(range(T), 2)))
    affinity = np.zeros((T, T))
    for s, t in combinations(range(T), 2):
        affinity[s, t], affinity[t, s] = trials.gain((s, t))
    return affinity


@dataclass
class TaskGroups:
    """A partition of the tasks, see :func:`group_tasks`.

    Parameters
    ----------
    groups : list of list
        Labels of the tasks of each group.
    labels : ndarray of shape (n_tasks,)
        Number of the group of each task.
    gain : float
        Mean over the tasks of what they gain over training alone.
    task_gain : ndarray of shape (n_tasks,)
        What each task gains.
    method : {"exact", "greedy"}
        How the partition was found.
    """

    groups: list[list]
    labels: np.ndarray
    gain: float
    task_gain: np.ndarray
    method: str


def group_tasks(
    X: Any,
    y: Any,
    estimator: Any = None,
    *,
    method: str = "auto",
    task_column: int | str | None = None,
    cv: int = 5,
    random_state: int | np.random.RandomState | None = None,
    n_jobs: int | None = None,
) -> TaskGroups:
    r"""Partition the tasks so that training within the groups gains the most.

    .. math:: \max_{S_1 \cup \dots \cup S_k} \frac 1T \sum_g \sum_{s \in S_g} \left(1 -
              \frac{\ell_s(S_g)}{\ell_s(\{s\})}\right)

    with the cross-validated losses of :func:`task_affinity`.

    Parameters
    ----------
    X, y : object
        Training data through any door.
    estimator : estimator or None, default=None
        The model of a group, as in :func:`task_affinity`.
    method : {"auto", "exact", "greedy"}, default="auto"
        "exact" fits every subset of the tasks and takes the best partition; "greedy"
        starts with the tasks alone and joins the two groups that gain the most by it,
        until none does. "auto" is "exact" for at most 8 tasks.
    task_column : int, str or None, default=None
        The column of a long table that names the task.
    cv : int, default=5
        Number of folds inside every task.
    random_state : int, RandomState instance or None, default=None
        Seed of the folds.
    n_jobs : int or None, default=None
        Number of subsets at a time, through joblib.

    Returns
    -------
    groups : TaskGroups
        The partition, its gains and the method.

    See Also
    --------
    task_affinity : The gains of pairs.

    Notes
    -----
    The gain is the largest of many on the same folds, so it promises too much. What a
    partition is worth shows on other data.

    References
    ----------
    T. Standley, A. Zamir, D. Chen, L. Guibas, J. Malik and S. Savarese (2020). Which
    tasks should be learned together in multi-task learning? ICML.

    Examples
    --------
    >>> from pymtl import group_tasks
    >>> from pymtl.datasets import make_multitask_regression
    >>> data = make_multitask_regression(
    ...     n_tasks=4, n_samples=20, structure="clustered", n_clusters=2,
    ...     deviation=0.0, random_state=0,
    ... )
    >>> found = group_tasks(data.Xs, data.ys)
    >>> found.method, sorted(len(group) for group in found.groups)
    ('exact', [2, 2])
    """
    if method not in ("auto", "exact", "greedy"):
        msg = f"method must be 'auto', 'exact' or 'greedy', got {method!r}."
        raise ValueError(msg)
    trials = Trials(X, y, estimator, task_column, cv, random_state, n_jobs)
    T = len(trials.labels)
    if method == "auto":
        method = "exact" if T <= EXACT else "greedy"
    parts = _best_partition(trials) if method == "exact" else _joined(trials)
    parts = sorted(parts)
    labels, task_gain = np.empty(T, dtype=int), np.empty(T)
    for g, part in enumerate(parts):
        labels[list(part)] = g
        task_gain[list(part)] = trials.gain(part)
    names = trials.labels.tolist()
    groups = [[names[t] for t in part] for part in parts]
    return TaskGroups(groups, labels, float(task_gain.mean()), task_gain, method)


@dataclass
class CoefIntervals:
    """Bootstrap intervals of coefficients, see :func:`bootstrap_coef`.

    Parameters
    ----------
    coef : ndarray of shape (n_tasks, n_features)
        Coefficients of the fit to all data, (n_tasks, n_classes, n_features) with more
        than two classes.
    low, high : ndarray of the shape of coef
        Ends of the percentile intervals.
    std_error : ndarray of the shape of coef
        Standard deviations over the bootstrap samples.
    samples : ndarray of shape (n_boot, ...)
        Coefficients of each bootstrap sample.
    tasks : ndarray of shape (n_tasks,)
        Task labels.
    features : ndarray of shape (n_features,)
        Names of the features.
    confidence : float
        Confidence of the intervals.
    """

    coef: np.ndarray
    low: np.ndarray
    high: np.ndarray
    std_error: np.ndarray
    samples: np.ndarray
    tasks: np.ndarray
    features: np.ndarray
    confidence: float

    def to_frame(self):
        """Return the intervals as a pandas frame.

        Returns
        -------
        frame : pandas.DataFrame
            One row a task and feature (and class, by its number), with the columns
            "coef", "low", "high" and "std_error".

        Raises
        ------
        ImportError
            If pandas is not installed.
        """
        pd = import_pandas("to_frame")
        levels = [self.tasks.tolist(), list(self.features)]
        names = ["task", "feature"]
        if self.coef.ndim == 3:
            levels.insert(1, list(range(self.coef.shape[1])))
            names.insert(1, "class")
        index = pd.MultiIndex.from_product(levels, names=names)
        columns = ("coef", "low", "high", "std_error")
        values = {name: getattr(self, name).ravel() for name in columns}
        return pd.DataFrame(values, index)

    def plot(self, feature: Any = 0, *, ax: Any = None):
        """Draw the intervals of one feature in all tasks.

        Parameters
        ----------
        feature : int or str, default=0
            Its number or name.
        ax : matplotlib.axes.Axes or None, default=None
            Where to draw; by default in a new figure.

        Returns
        -------
        display : CoefIntervalDisplay
            The picture.
        """
        from .plotting import CoefIntervalDisplay

        return CoefIntervalDisplay.from_intervals(self, feature, ax=ax)


def bootstrap_coef(
    estimator: Any,
    X: Any,
    y: Any,
    *,
    n_boot: int = 200,
    confidence: float = 0.95,
    random_state: int | np.random.RandomState | None = None,
    n_jobs: int | None = None,
) -> CoefIntervals:
    """Return bootstrap intervals of the coefficients of an estimator.

    The rows of each task (for classifiers, of each label of a task) are drawn anew with
    replacement, the tasks stay. Of a 2-d y whole rows are drawn, for all tasks at once.

    Parameters
    ----------
    estimator : estimator
        An estimator of this package, with its strengths; "auto" is resolved in each
        sample. It is not fitted.
    X, y : object
        Training data through the estimator's door.
    n_boot : int, default=200
        Number of bootstrap samples.
    confidence : float, default=0.95
        Confidence of the percentile intervals.
    random_state : int, RandomState instance or None, default=None
        Seed of the samples.
    n_jobs : int or None, default=None
        Number of fits at a time, through joblib.

    Returns
    -------
    intervals : CoefIntervals
        Coefficients, intervals, standard errors, a frame and a picture.

    See Also
    --------
    stability_selection : How surely features are selected.

    Notes
    -----
    The intervals say how much the estimate moves with the sample. Penalties pull it
    towards what they prefer, and an interval goes along: it does not cover the truth
    as often as its confidence says where the strengths are large.

    References
    ----------
    B. Efron and R. Tibshirani (1993). An introduction to the bootstrap.

    Examples
    --------
    >>> from pymtl import MultiTaskMeanRegressor, bootstrap_coef
    >>> from pymtl.datasets import make_multitask_regression
    >>> data = make_multitask_regression(n_tasks=3, n_features=4, random_state=0)
    >>> model = MultiTaskMeanRegressor(0.1)
    >>> found = bootstrap_coef(model, data.Xs, data.ys, n_boot=50, random_state=0)
    >>> found.low.shape
    (3, 4)
    >>> bool((found.low <= found.high).all())
    True
    """
    check_scalar(n_boot, "n_boot", Integral, min_val=2)
    _check_share(confidence, "confidence")
    whole = clone(estimator).fit(X, y)
    if isinstance(whole.coef_, list):
        msg = "The tasks have classes of their own: their coef_ are not one array."
        raise ValueError(msg)
    strata, pack = _strata(estimator, X, y)
    rng = check_random_state(random_state)
    weights = [_drawn(rng, strata) for _ in range(n_boot)]
    jobs = (delayed(_coef)(estimator, X, y, pack(weight)) for weight in weights)
    found = Parallel(n_jobs=n_jobs)(jobs)
    _warn_of_misses(sum(miss for _, miss in found), n_boot)
    samples = np.stack([coef for coef, _ in found])
    ends = (1 - confidence) / 2, (1 + confidence) / 2
    low, high = np.quantile(samples, ends, axis=0)
    spread = samples.std(axis=0, ddof=1)
    names = whole.coef_names_
    return CoefIntervals(
        whole.coef_, low, high, spread, samples, whole.tasks_, names, confidence
    )


@dataclass
class StabilitySelection:
    """How often features are selected, see :func:`stability_selection`.

    Parameters
    ----------
    lambdas : ndarray of shape (n_lambdas,)
        Strengths, decreasing.
    frequency : ndarray of shape (n_lambdas, n_features)
        Share of the subsamples in which some task uses the feature.
    score : ndarray of shape (n_features,)
        Largest frequency of each feature.
    selected : ndarray of bool of shape (n_features,)
        Whether the score reaches the threshold.
    features : ndarray of shape (n_features,)
        Names of the features.
    threshold : float
        The threshold.
    n_selected : float
        Mean number of features that a subsample selects anywhere on the path.
    error_bound : float
        Bound of the expected number of features selected wrongly.
    """

    lambdas: np.ndarray
    frequency: np.ndarray
    score: np.ndarray
    selected: np.ndarray
    features: np.ndarray
    threshold: float
    n_selected: float
    error_bound: float

    def to_frame(self):
        """Return the scores as a pandas frame.

        Returns
        -------
        frame : pandas.DataFrame
            One row a feature, the most stable first: "score" and "selected".

        Raises
        ------
        ImportError
            If pandas is not installed.
        """
        pd = import_pandas("to_frame")
        values = {"score": self.score, "selected": self.selected}
        frame = pd.DataFrame(values, pd.Index(list(self.features), name="feature"))
        return frame.sort_values("score", ascending=False, kind="stable")


def stability_selection(
    estimator: Any,
    X: Any,
    y: Any,
    *,
    lambda1: Any = None,
    n_lambdas: int = 20,
    eps: float = 0.1,
    n_subsamples: int = 100,
    threshold: float = 0.75,
    random_state: int | np.random.RandomState | None = None,
    n_jobs: int | None = None,
) -> StabilitySelection:
    r"""Select the features that paths on half of the samples keep selecting.

    .. math:: \hat S = \left\{ j : \max_\lambda \hat P(w_{j \cdot}(\lambda) \ne 0)
              \ge \pi \right\}, \qquad E |\text{wrong}| \le \frac{q^2}{(2 \pi - 1) d}

    with q the mean number of features that a subsample selects on the path.

    Parameters
    ----------
    estimator : estimator
        An estimator that selects features, such as :class:`MultiTaskL21Regressor`.
    X, y : object
        Training data through the estimator's door.
    lambda1 : array-like or None, default=None
        Strengths; by default those of the estimator's path on all data.
    n_lambdas : int, default=20
        Number of values of the path.
    eps : float, default=0.1
        Length of the path. A long one selects much, and the bound says little.
    n_subsamples : int, default=100
        Number of subsamples: half of the rows of each task (for classifiers, of each
        label of a task), at least one.
    threshold : float, default=0.75
        Share :math:`\pi` of the subsamples, above one half.
    random_state : int, RandomState instance or None, default=None
        Seed of the subsamples.
    n_jobs : int or None, default=None
        Number of paths at a time, through joblib.

    Returns
    -------
    found : StabilitySelection
        Frequencies, scores, the selected features and the bound.

    Raises
    ------
    ValueError
        If the penalty selects no features.

    See Also
    --------
    bootstrap_coef : Intervals of the coefficients.

    Notes
    -----
    The bound holds where the features that do not matter are exchangeable, and where
    the selection is better than chance.

    References
    ----------
    N. Meinshausen and P. Buhlmann (2010). Stability selection. Journal of the Royal
    Statistical Society B.

    Examples
    --------
    >>> from pymtl import MultiTaskL21Regressor, stability_selection
    >>> from pymtl.datasets import make_multitask_regression
    >>> data = make_multitask_regression(
    ...     structure="shared_rows", n_features=10, n_informative=2, snr=5.0,
    ...     random_state=0,
    ... )
    >>> found = stability_selection(
    ...     MultiTaskL21Regressor(), data.Xs, data.ys, n_subsamples=20, eps=0.5,
    ...     random_state=0,
    ... )
    >>> found.selected.nonzero()[0].tolist() == data.shared_features.tolist()
    True
    """
    check_scalar(n_subsamples, "n_subsamples", Integral, min_val=1)
    _check_share(threshold, "threshold", 0.5)
    if lambda1 is None and not np.isfinite(estimator.lambda_max(X, y)):
        msg = (
            f"{type(estimator).__name__} selects no features, it shrinks them all: use "
            "MultiTaskL21Regressor, for example."
        )
        raise ValueError(msg)
    path = clone(estimator).path(X, y, lambda1, n_lambdas, eps)
    strata, pack = _strata(estimator, X, y)
    rng = check_random_state(random_state)
    weights = [_halved(rng, strata) for _ in range(n_subsamples)]
    jobs = (
        delayed(_support)(estimator, X, y, pack(weight), path.lambdas)
        for weight in weights
    )
    found = Parallel(n_jobs=n_jobs)(jobs)
    _warn_of_misses(sum(miss for _, miss in found), n_subsamples)
    support = np.stack([used for used, _ in found])
    d = support.shape[-1]
    frequency = support.mean(axis=0)
    score = frequency.max(axis=0)
    n_selected = float(support.any(axis=1).sum(axis=1).mean())
    reader = clone(estimator)
    names = reader._read(X, y, None, None).names or [f"x{j}" for j in range(d)]
    return StabilitySelection(
        path.lambdas,
        frequency,
        score,
        score >= threshold,
        np.array(names, dtype=object),
        threshold,
        n_selected,
        n_selected**2 / ((2 * threshold - 1) * d),
    )


class Trials:
    """Cross-validated losses of a model fitted to subsets of the tasks.

    Parameters
    ----------
    X, y, estimator, task_column, cv, random_state, n_jobs : object
        As in :func:`task_affinity`.
    """

    def __init__(self, X, y, estimator, task_column, cv, random_state, n_jobs):
        check_scalar(cv, "cv", Integral, min_val=2)
        if estimator is None:
            estimator = MultiTaskMeanRegressor(lambda2="auto")
        self.Xs, self.ys, self.labels = as_lists(X, y, task_column)
        self.estimator, self.n_jobs = clone(estimator), n_jobs
        task = np.repeat(np.arange(len(self.ys)), [len(v) for v in self.ys])
        folds = TaskKFold(cv, shuffle=True, random_state=random_state)
        fold = np.full(len(task), -1)
        for k, (_, test) in enumerate(folds.split(task[:, None], None)):
            fold[test] = k
        self.folds = np.split(fold, np.cumsum(np.bincount(task))[:-1])
        self.known: dict[tuple, np.ndarray] = {}

    def run(self, subsets) -> None:
        """Fit the model to subsets of the tasks that it was not fitted to before."""
        new = [s for s in subsets if s not in self.known]
        jobs = (delayed(self.losses)(subset) for subset in new)
        found = Parallel(n_jobs=self.n_jobs)(jobs)
        missed = sum(miss for _, miss in found)
        self.known |= {s: loss for s, (loss, _) in zip(new, found, strict=True)}
        if missed:
            warnings.warn(
                f"{missed} of {len(new)} subsets of the tasks had fits that did not "
                "reach their tolerance. Raise max_iter or tol of the estimator.",
                ConvergenceWarning,
                stacklevel=4,
            )

    def losses(self, subset):
        """Return the losses of the tasks of a subset, and whether a fit missed."""
        return _quietly(lambda: self._losses(subset))

    def _losses(self, subset):
        total = np.zeros(len(subset))
        for k in range(max(fold.max() for fold in self.folds) + 1):
            train = {t: self.folds[t] != k for t in subset}
            Xs = {t: self.Xs[t][rows] for t, rows in train.items()}
            ys = {t: self.ys[t][rows] for t, rows in train.items()}
            model = clone(self.estimator).fit(Xs, ys)
            for place, t in enumerate(subset):
                test = ~train[t]
                if test.any():
                    held = {t: self.Xs[t][test]}, {t: self.ys[t][test]}
                    total[place] += sample_losses(model, *held).sum()
        return total

    def gain(self, subset) -> np.ndarray:
        """Return what the tasks of a subset gain over each of them alone."""
        self.run([(t,) for t in subset] + [subset])
        alone = np.concatenate([self.known[(t,)] for t in subset])
        ratio = np.divide(
            self.known[subset], alone, out=np.ones(len(subset)), where=alone > 0
        )
        return 1 - ratio


def as_lists(X: Any, y: Any, task_column: int | str | None = None) -> tuple:
    """Return lists of the tasks' rows and targets, and the labels, of any door."""
    if task_column is not None:
        return split_tasks(X, y, task_column)
    if is_lists(X):
        Xs, labels, keyed = items_of(X, "X")
        Xs = [x if hasattr(x, "toarray") else np.asarray(x) for x in Xs]
        ys = vectors(y, labels, [x.shape[0] for x in Xs], keyed, "y")
        return Xs, ys, np.array(labels)
    X, Y = X if hasattr(X, "toarray") else np.asarray(X), np.asarray(y)
    if Y.ndim != 2:
        msg = (
            "The tasks are not to be seen: pass lists of tasks, a 2-d y, or "
            "task_column= with a long table."
        )
        raise ValueError(msg)
    seen = [column == column for column in Y.T]
    Xs = [X[rows] for rows in seen]
    ys = [column[rows] for column, rows in zip(Y.T, seen, strict=True)]
    return Xs, ys, np.arange(Y.shape[1])


def _correlation(matrix):
    """Return a positive semi-definite matrix scaled to ones on its diagonal."""
    std = np.sqrt(np.maximum(np.diag(matrix), 0.0))
    scale = np.divide(1.0, std, out=np.zeros_like(std), where=std > 0)
    scaled = np.clip(matrix * scale * scale[:, None], -1.0, 1.0)
    np.fill_diagonal(scaled, 1.0)
    return scaled


def _best_partition(trials):
    """Return the partition of the most gain, by the best of every subset."""
    T = len(trials.labels)
    sizes = range(1, T + 1)
    subsets = [s for size in sizes for s in combinations(range(T), size)]
    trials.run(subsets)
    best: dict[frozenset, tuple] = {frozenset(): (0.0, [])}
    for subset in subsets:  # the small ones first
        first, rest = subset[0], subset[1:]
        options = []
        for size in range(len(rest) + 1):
            for others in combinations(rest, size):
                part = (first, *others)
                value, parts = best[frozenset(subset) - set(part)]
                options.append((value + trials.gain(part).sum(), [part, *parts]))
        best[frozenset(subset)] = max(options, key=lambda option: option[0])
    return best[frozenset(range(T))][1]


def _joined(trials):
    """Return the partition that joining groups ends with."""
    parts = [(t,) for t in range(len(trials.labels))]
    trials.run(parts)
    while len(parts) > 1:
        pairs = list(combinations(parts, 2))
        trials.run([tuple(sorted(a + b)) for a, b in pairs])
        gains = [
            trials.gain(tuple(sorted(a + b))).sum()
            - trials.gain(a).sum()
            - trials.gain(b).sum()
            for a, b in pairs
        ]
        best = int(np.argmax(gains))
        if gains[best] <= 0:
            break
        a, b = pairs[best]
        parts = [part for part in parts if part not in (a, b)] + [tuple(sorted(a + b))]
    return parts


def _check_share(value, name, low=0):
    bounds = {"min_val": low, "max_val": 1, "include_boundaries": "neither"}
    check_scalar(value, name, Real, **bounds)


def _strata(estimator, X, y):
    """Return the stratum of each row, and what brings weights into the door's form.

    A stratum is a task, for classifiers a label of a task.
    """
    labels = is_classifier(estimator)
    if is_lists(X):
        Xs, names, keyed = items_of(X, "X")
        ys = vectors(y, names, [x.shape[0] for x in Xs], keyed, "y")
        task = np.repeat(np.arange(len(ys)), [len(v) for v in ys])
        cuts = np.cumsum(np.bincount(task))[:-1]

        def pack(weight):
            parts = np.split(weight, cuts)
            return dict(zip(names, parts, strict=True)) if keyed else parts

        return _crossed(task, np.concatenate(ys) if labels else None), pack
    task = np.zeros(np.shape(y)[0], dtype=int)
    if estimator.task_column is not None:
        task = encode_tasks(read_task_column(X, estimator.task_column))[1]
    return _crossed(task, y if labels and np.ndim(y) == 1 else None), np.asarray


def _crossed(task, y):
    """Return the numbers of the pairs of task and label."""
    if y is None:
        return task
    _, code = np.unique(np.asarray(y), return_inverse=True)
    return np.unique(task * (code.max() + 1) + code, return_inverse=True)[1]


def _rows_of(strata):
    return np.split(np.argsort(strata, kind="stable"), np.cumsum(np.bincount(strata)))


def _drawn(rng, strata):
    """Return how often each row is drawn, with replacement within its stratum."""
    weight = np.zeros(len(strata))
    for rows in _rows_of(strata)[:-1]:
        np.add.at(weight, rows[rng.randint(len(rows), size=len(rows))], 1.0)
    return weight


def _halved(rng, strata):
    """Return 1 for half of the rows of each stratum, at least one, 0 for the others."""
    weight = np.zeros(len(strata))
    for rows in _rows_of(strata)[:-1]:
        weight[rng.permutation(rows)[: max(1, len(rows) // 2)]] = 1.0
    return weight


def _quietly(function):
    """Return what a function returns, and whether a fit in it missed its tolerance."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ConvergenceWarning)
        result = function()
    return result, any(issubclass(w.category, ConvergenceWarning) for w in caught)


def _coef(estimator, X, y, weight):
    return _quietly(lambda: clone(estimator).fit(X, y, sample_weight=weight).coef_)


def _support(estimator, X, y, weight, lambdas):
    def used():
        path = clone(estimator).path(X, y, lambdas, sample_weight=weight)
        return path.coef.reshape(len(lambdas), -1, path.coef.shape[-1]).any(axis=1)

    return _quietly(used)


def _warn_of_misses(missed, n):
    if missed:
        warnings.warn(
            f"{missed} of {n} samples had fits that did not reach their tolerance. "
            "Raise max_iter or tol of the estimator, or its strengths.",
            ConvergenceWarning,
            stacklevel=3,
        )
