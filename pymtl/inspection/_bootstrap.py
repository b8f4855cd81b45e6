"""Bootstrap intervals of coefficients."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from sklearn.base import clone
from sklearn.utils import check_random_state, check_scalar

from .._wrapped import inside
from ..base import import_pandas
from ._resampling import check_share, quietly, rows_of, strata_of, warn_of_misses


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
        from ..plotting import CoefIntervalDisplay

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
        An estimator of this package, a search of one, or a pipeline that ends with
        one; it is not fitted. "auto" is resolved in each sample. The first steps of a
        pipeline are fitted to all data, a search that is not fitted is run on them, and
        what it chooses stays.
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
    check_share(confidence, "confidence")
    estimator, X = inside(estimator, X, y)
    whole = clone(estimator).fit(X, y)
    if isinstance(whole.coef_, list):
        msg = "The tasks have classes of their own: their coef_ are not one array."
        raise ValueError(msg)
    strata, pack = strata_of(estimator, X, y)
    rng = check_random_state(random_state)
    weights = [_drawn(rng, strata) for _ in range(n_boot)]
    jobs = (delayed(_coef)(estimator, X, y, pack(weight)) for weight in weights)
    found = Parallel(n_jobs=n_jobs)(jobs)
    warn_of_misses(sum(miss for _, miss in found), n_boot)
    samples = np.stack([coef for coef, _ in found])
    ends = (1 - confidence) / 2, (1 + confidence) / 2
    low, high = np.quantile(samples, ends, axis=0)
    spread = samples.std(axis=0, ddof=1)
    names = whole.coef_names_
    return CoefIntervals(
        whole.coef_, low, high, spread, samples, whole.tasks_, names, confidence
    )


def _drawn(rng, strata):
    """Return how often each row is drawn, with replacement within its stratum."""
    weight = np.zeros(len(strata))
    for rows in rows_of(strata):
        np.add.at(weight, rows[rng.randint(len(rows), size=len(rows))], 1.0)
    return weight


def _coef(estimator, X, y, weight):
    return quietly(lambda: clone(estimator).fit(X, y, sample_weight=weight).coef_)
