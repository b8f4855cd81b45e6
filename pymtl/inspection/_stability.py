"""Stability selection."""

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
        An estimator that selects features, such as :class:`MultiTaskL21Regressor`, a
        search of one, or a pipeline that ends with one, as in :func:`bootstrap_coef`.
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
    check_share(threshold, "threshold", 0.5)
    estimator, X = inside(estimator, X, y)
    if lambda1 is None and not np.isfinite(estimator.lambda_max(X, y)):
        msg = (
            f"{type(estimator).__name__} selects no features, it shrinks them all: use "
            "MultiTaskL21Regressor, for example."
        )
        raise ValueError(msg)
    path = clone(estimator).path(X, y, lambda1, n_lambdas, eps)
    strata, pack = strata_of(estimator, X, y)
    rng = check_random_state(random_state)
    weights = [_halved(rng, strata) for _ in range(n_subsamples)]
    jobs = (
        delayed(_support)(estimator, X, y, pack(weight), path.lambdas)
        for weight in weights
    )
    found = Parallel(n_jobs=n_jobs)(jobs)
    warn_of_misses(sum(miss for _, miss in found), n_subsamples)
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


def _halved(rng, strata):
    """Return 1 for half of the rows of each stratum, at least one, 0 for the others."""
    weight = np.zeros(len(strata))
    for rows in rows_of(strata):
        weight[rng.permutation(rows)[: max(1, len(rows) // 2)]] = 1.0
    return weight


def _support(estimator, X, y, weight, lambdas):
    def used():
        path = clone(estimator).path(X, y, lambdas, sample_weight=weight)
        return path.coef.reshape(len(lambdas), -1, path.coef.shape[-1]).any(axis=1)

    return quietly(used)
