"""Simulated multi-task problems that come with the truth behind them.

A structure is one function `(rng, shape, **options) -> (parts, facts)`. `shape` is
(n_tasks, n_outputs, n_features), with one output for a regression or two classes
and one for each class otherwise. `parts` holds arrays that have a row for each task
and live in the units of the coefficients (they are rescaled together), `facts` all
the rest. Its keyword arguments are the options that the structure takes.
"""

import inspect
from collections.abc import Callable
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import Bunch, check_random_state

__all__ = ["make_multitask_classification", "make_multitask_regression"]

_Shape = tuple[int, int, int]
_Drawn = tuple[dict[str, np.ndarray], dict[str, Any]]


def _shared_rows(rng, shape: _Shape, n_informative=None) -> _Drawn:
    n_features = shape[2]
    k = _integer(
        "n_informative", n_informative, 1, n_features, default=max(1, n_features // 5)
    )
    shared = np.sort(rng.permutation(n_features)[:k])
    coef = np.zeros(shape)
    coef[..., shared] = rng.standard_normal((*shape[:2], k))
    return {"coef": coef}, {"shared_features": shared}


def _low_rank(rng, shape: _Shape, rank=None) -> _Drawn:
    n_tasks, n_outputs, n_features = shape
    # the coefficients of K classes are centred, which leaves K - 1 of them free
    largest = min(n_tasks * max(1, n_outputs - 1), n_features)
    rank = _integer("rank", rank, 1, largest, default=min(2, largest))
    task_factors = rng.standard_normal((n_tasks, n_outputs, rank))
    feature_factors = rng.standard_normal((rank, n_features))
    parts = {"coef": task_factors @ feature_factors, "task_factors": task_factors}
    return parts, {"rank": rank, "feature_factors": feature_factors}


def _clustered(rng, shape: _Shape, n_clusters=None, deviation=None) -> _Drawn:
    n_tasks = shape[0]
    k = _integer("n_clusters", n_clusters, 1, n_tasks, default=min(3, n_tasks))
    labels = rng.permutation(np.arange(n_tasks) % k)
    centres = rng.standard_normal((k, *shape[1:]))
    parts = _with_deviations(rng, centres[labels], deviation)
    return parts, {"cluster_labels": labels}


def _mean(rng, shape: _Shape, deviation=None) -> _Drawn:
    common = np.repeat(rng.standard_normal((1, *shape[1:])), shape[0], axis=0)
    return _with_deviations(rng, common, deviation), {}


def _with_deviations(rng, shared: np.ndarray, deviation) -> dict[str, np.ndarray]:
    deviation = _number("deviation", 0.3 if deviation is None else deviation)
    return _sum(shared, deviation * rng.standard_normal(shared.shape))


def _ordered(rng, shape: _Shape, smoothness=None) -> _Drawn:
    chain = np.eye(shape[0], k=1) + np.eye(shape[0], k=-1)
    return _smooth(rng, shape, chain, smoothness)


def _graph(rng, shape: _Shape, adjacency=None, smoothness=None) -> _Drawn:
    if adjacency is None:
        adjacency = _neighbour_graph(rng, shape[0])
    else:
        adjacency = _check_adjacency(adjacency, shape[0])
    return _smooth(rng, shape, adjacency, smoothness)


def _smooth(rng, shape: _Shape, adjacency: np.ndarray, smoothness) -> _Drawn:
    smoothness = _number("smoothness", 10.0 if smoothness is None else smoothness)
    laplacian = np.diag(adjacency.sum(axis=1)) - adjacency
    factor = np.linalg.cholesky(np.eye(shape[0]) + smoothness * laplacian)
    root = np.linalg.inv(factor).T  # root @ root.T is the covariance
    independent = rng.standard_normal((shape[0], shape[1] * shape[2]))
    coef = (root @ independent).reshape(shape)
    covariance = root @ root.T
    std = np.sqrt(np.diag(covariance))
    facts = {
        "adjacency": adjacency,
        "task_correlation": covariance / np.outer(std, std),
    }
    return {"coef": coef}, facts


def _neighbour_graph(rng, n_tasks: int, n_neighbours: int = 3) -> np.ndarray:
    """Link each of n_tasks random points of the unit square to its nearest ones."""
    points = rng.uniform(size=(n_tasks, 2))
    distance = np.linalg.norm(points[:, None] - points[None], axis=2)
    np.fill_diagonal(distance, np.inf)
    k = min(n_neighbours, n_tasks - 1)
    adjacency = np.zeros((n_tasks, n_tasks))
    np.put_along_axis(adjacency, np.argsort(distance, axis=1)[:, :k], 1.0, axis=1)
    return np.maximum(adjacency, adjacency.T)


def _dirty(rng, shape: _Shape, n_informative=None, n_own=None) -> _Drawn:
    n_features = shape[2]
    parts, facts = _shared_rows(rng, shape, n_informative)
    others = np.setdiff1d(np.arange(n_features), facts["shared_features"])
    default = min(max(1, n_features // 20), others.size)
    k = _integer("n_own", n_own, 0, others.size, default=default)
    own = np.zeros(shape)
    for task in own:
        task[:, rng.permutation(others)[:k]] = rng.standard_normal((shape[1], k))
    return _sum(parts["coef"], own), facts


def _unrelated(rng, shape: _Shape) -> _Drawn:
    return {"coef": rng.standard_normal(shape)}, {}


_STRUCTURES: dict[str, Callable[..., _Drawn]] = {
    "shared_rows": _shared_rows,
    "low_rank": _low_rank,
    "clustered": _clustered,
    "mean": _mean,
    "ordered": _ordered,
    "graph": _graph,
    "dirty": _dirty,
    "unrelated": _unrelated,
}


def _outlier(
    rng, shape: _Shape, base="shared_rows", n_outliers=None, **options
) -> _Drawn:
    parts, facts = _STRUCTURES[base](rng, shape, **options)
    n_tasks = shape[0]
    k = _integer("n_outliers", n_outliers, 0, n_tasks, default=max(1, n_tasks // 10))
    outliers = np.sort(rng.permutation(n_tasks)[:k])
    shared, own = parts["coef"], np.zeros(shape)
    own[outliers] = rng.standard_normal((k, *shape[1:])) * np.sqrt(np.mean(shared**2))
    # a base that is itself a sum counts as the shared part as a whole
    return {**parts, **_sum(shared, own)}, {**facts, "outlier_tasks": outliers}


def _sum(shared: np.ndarray, specific: np.ndarray) -> dict[str, np.ndarray]:
    return {
        "coef": shared + specific,
        "shared_coef": shared,
        "specific_coef": specific,
    }


def _draw_structure(rng, structure: str, shape: _Shape, options: dict) -> _Drawn:
    """Draw the coefficients, and refuse an option that the structure ignores."""
    known = [*_STRUCTURES, "outlier"]
    if structure not in known:
        message = f"structure must be one of {known}, got {structure!r}."
        raise ValueError(message)
    options = {name: value for name, value in options.items() if value is not None}
    allowed = _options_of(structure)
    if structure == "outlier":
        base = options.get("base", "shared_rows")
        if base not in _STRUCTURES:
            message = f"base must be one of {list(_STRUCTURES)}, got {base!r}."
            raise ValueError(message)
        allowed |= _options_of(base)
    for name in options:
        if name not in allowed:
            users = [other for other in known if name in _options_of(other)]
            message = (
                f"structure {structure!r} does not use {name}, which belongs to "
                f"{users}: leave it out."
            )
            raise ValueError(message)
    draw = _STRUCTURES.get(structure, _outlier)
    return draw(rng, shape, **options)


def _options_of(structure: str) -> set[str]:
    parameters = inspect.signature(_STRUCTURES.get(structure, _outlier)).parameters
    return set(parameters) - {"rng", "shape", "options"}


def _correlate(Z: np.ndarray, rho: float) -> None:
    """Turn white columns into AR(1) ones, corr(j, k) = rho^|j - k|, in place."""
    if rho:
        Z[:, 1:] *= np.sqrt(1 - rho**2)
        for j in range(1, Z.shape[1]):
            Z[:, j] += rho * Z[:, j - 1]


def _signal_variance(coef: np.ndarray, rho: float) -> np.ndarray:
    """Variance of x.w over the distribution of x, for w along the last axis."""
    white = coef.copy()  # weights of the white variables behind x
    for j in range(coef.shape[-1] - 1, 0, -1):
        white[..., j - 1] += rho * white[..., j]
    white[..., 1:] *= np.sqrt(1 - rho**2)
    return np.sum(white**2, axis=-1)


def _draw_truth(
    rng,
    shape: _Shape,
    structure: str,
    options: dict,
    *,
    rho: float,
    signal_std: float,
    intercept_std: float,
    scale_range,
) -> Bunch:
    n_tasks, n_outputs, _ = shape
    intercept_std = _number("intercept_std", intercept_std)
    low, high = _check_scale_range(scale_range)
    parts, facts = _draw_structure(rng, structure, shape, options)
    parts["intercept"] = intercept_std * rng.standard_normal((n_tasks, n_outputs))
    scale = np.exp(rng.uniform(np.log(low), np.log(high), size=n_tasks))

    if n_outputs > 1:  # classes matter up to a common shift: take the one of mean 0
        for name, part in parts.items():
            parts[name] = part - part.mean(axis=1, keepdims=True)
    intercept = parts.pop("intercept")
    unit = signal_std / np.sqrt(_signal_variance(parts["coef"], rho).mean())
    for name, part in parts.items():
        parts[name] = part * (unit * scale)[:, None, None]
    parts["intercept"] = intercept * (signal_std * scale)[:, None]
    if n_outputs == 1:
        parts = {name: part[:, 0] for name, part in parts.items()}
    return Bunch(
        structure=structure,
        **parts,
        task_scale=scale,
        support=parts["coef"] != 0,
        **facts,
    )


def _draw_designs(
    rng, n_tasks: int, n_samples, n_features: int, rho: float, shared_X: bool
) -> list[np.ndarray]:
    low, high = _check_n_samples(n_samples)
    if shared_X and low != high:
        message = (
            f"shared_X=True is one design for all tasks and needs one number of "
            f"samples, got n_samples={n_samples!r}."
        )
        raise ValueError(message)
    if shared_X:
        sizes = np.array([low])
    else:
        sizes = rng.randint(low, high + 1, size=n_tasks)
    X = rng.standard_normal((sizes.sum(), n_features))
    _correlate(X, rho)
    return np.split(X, np.cumsum(sizes)[:-1])


def _integer(name: str, value, low: int, high: int | None = None, default=None) -> int:
    value = default if value is None else value
    ceiling = np.inf if high is None else high
    if not isinstance(value, Integral) or not low <= value <= ceiling:
        wanted = f">= {low}" if high is None else f"from {low} to {high}"
        message = f"{name} must be an integer {wanted}, got {value!r}."
        raise ValueError(message)
    return int(value)


def _number(name: str, value) -> float:
    if not isinstance(value, Real) or not 0 <= value < np.inf:
        message = f"{name} must be a finite number >= 0, got {value!r}."
        raise ValueError(message)
    return float(value)


def _check_rho(rho) -> float:
    if not isinstance(rho, Real) or not -1 < rho < 1:
        message = f"rho must be a number between -1 and 1, got {rho!r}."
        raise ValueError(message)
    return float(rho)


def _check_n_samples(n_samples) -> tuple[int, int]:
    pair = n_samples if isinstance(n_samples, tuple) else (n_samples, n_samples)
    if (
        len(pair) != 2
        or not all(isinstance(n, Integral) for n in pair)
        or not 1 <= pair[0] <= pair[1]
    ):
        message = (
            "n_samples must be an integer >= 1, or a tuple (low, high) of two with "
            f"low <= high, got {n_samples!r}."
        )
        raise ValueError(message)
    return int(pair[0]), int(pair[1])


def _check_scale_range(scale_range) -> tuple[float, float]:
    if scale_range is None:
        return 1.0, 1.0
    pair = np.asarray(scale_range, dtype=float)
    if pair.shape != (2,) or not 0 < pair[0] <= pair[1] < np.inf:
        message = (
            "scale_range must be two finite numbers (low, high) with "
            f"0 < low <= high, got {scale_range!r}."
        )
        raise ValueError(message)
    return float(pair[0]), float(pair[1])


def _check_adjacency(adjacency, n_tasks: int) -> np.ndarray:
    A = np.array(adjacency, dtype=float)
    if A.shape != (n_tasks, n_tasks):
        message = (
            f"adjacency must have shape {(n_tasks, n_tasks)} for {n_tasks} tasks, "
            f"got {A.shape}."
        )
        raise ValueError(message)
    if not (np.isfinite(A).all() and (A >= 0).all() and np.array_equal(A, A.T)):
        message = "adjacency must be symmetric, finite and non-negative."
        raise ValueError(message)
    if np.diag(A).any():
        message = "adjacency must have a zero diagonal: no task is its own neighbour."
        raise ValueError(message)
    return A


def make_multitask_regression(
    n_tasks: int = 10,
    n_samples: int | tuple[int, int] = 50,
    n_features: int = 20,
    *,
    structure: str = "shared_rows",
    n_informative: int | None = None,
    rank: int | None = None,
    n_clusters: int | None = None,
    deviation: float | None = None,
    adjacency: ArrayLike | None = None,
    smoothness: float | None = None,
    n_own: int | None = None,
    base: str | None = None,
    n_outliers: int | None = None,
    rho: float = 0.0,
    snr: float = 4.0,
    intercept_std: float = 1.0,
    scale_range: tuple[float, float] | None = None,
    shared_X: bool = False,
    random_state: int | np.random.RandomState | None = None,
) -> Bunch:
    r"""Simulate related linear regressions, and return the truth with the data.

    Task t has :math:`y = X_t w_t + c_t + \sigma_t \varepsilon` with Gaussian
    features of variance 1 and Gaussian noise. `structure` says what the
    coefficient vectors :math:`w_t` have in common:

    ================= ==========================================================
    "shared_rows"     the same `n_informative` features matter in all tasks
    "low_rank"        all vectors lie in a space of dimension `rank`
    "clustered"       `n_clusters` groups: centre of the group + own deviation
    "mean"            one common vector + own deviation
    "ordered"         they change smoothly from task to task along a chain
    "graph"           they change smoothly along the edges of a graph of tasks
    "dirty"           shared rows, and `n_own` more entries in each task
    "outlier"         the structure `base`, and `n_outliers` tasks that leave it
    "unrelated"       nothing: independent dense vectors
    ================= ==========================================================

    Parameters
    ----------
    n_tasks : int, default=10
        Number of tasks T.
    n_samples : int or tuple (low, high), default=50
        Samples in each task. A tuple draws each task's number uniformly from
        low, ..., high.
    n_features : int, default=20
        Number of features d.
    structure : str, default="shared_rows"
        What the tasks share, see the table.
    n_informative : int, default=None
        For "shared_rows" and "dirty": number of shared features. None is a fifth
        of the features.
    rank : int, default=None
        For "low_rank": rank of the coefficients. None is 2.
    n_clusters : int, default=None
        For "clustered": number of groups, whose sizes differ by one at most. None
        is 3.
    deviation : float, default=None
        For "clustered" and "mean": size of a task's deviation relative to the
        centre. None is 0.3.
    adjacency : array-like of shape (n_tasks, n_tasks), default=None
        For "graph": symmetric, non-negative edge weights. None links tasks placed
        at random in a square, each to its three nearest.
    smoothness : float, default=None
        For "ordered" and "graph": how strongly neighbours agree. The coefficients
        of a feature are Gaussian over the tasks with covariance
        :math:`(I + \text{smoothness} \cdot L)^{-1}`, L the Laplacian of the graph
        or the chain; 0 is unrelated tasks. None is 10, a correlation of about
        0.75 between neighbours in a chain.
    n_own : int, default=None
        For "dirty": entries of each task outside the shared rows. None is a
        twentieth of the features.
    base : str, default=None
        For "outlier": the structure that all tasks share; its own options apply.
        None is "shared_rows".
    n_outliers : int, default=None
        For "outlier": number of tasks that get a dense vector on top of the shared
        part, of the shared part's average norm. None is a tenth of the tasks.
    rho : float, default=0.0
        Correlation of neighbouring features; features j and k correlate by
        rho^abs(j - k).
    snr : float, default=4.0
        Variance of the signal :math:`x^\top w_t` over the variance of the noise,
        the same in every task. `np.inf` is no noise.
    intercept_std : float, default=1.0
        Standard deviation of the intercepts over the tasks; 0 is no intercepts.
        The signal's standard deviation averages 1.
    scale_range : tuple (low, high), default=None
        Multiply the targets of each task, with its coefficients, intercept and
        noise, by a factor drawn log-uniformly from this range. None is 1 for all.
    shared_X : bool, default=False
        Measure all tasks on one design: `X` and `Y` in place of `Xs` and `ys`.
    random_state : int, RandomState instance or None, default=None
        Seed. The truth is drawn before the data, so that one seed with other
        `n_samples`, `snr` or `shared_X` gives other data of the same truth.

    Returns
    -------
    problem : Bunch
        The data:

        - `Xs`, `ys`: lists of T arrays (n_t, d) and (n_t,); or, with
          `shared_X=True`, `X` (n, d) and `Y` (n, T).

        The truth, always:

        - `coef` (T, d), `intercept` (T,), `noise_std` (T,), `task_scale` (T,);
        - `support` (T, d): True where `coef` is not zero;
        - `structure`, `snr`, `rho`: as asked for.

        And by structure:

        - `shared_coef`, `specific_coef` (T, d), which add up to `coef`:
          "clustered", "mean", "dirty", "outlier";
        - `shared_features`: indices of the shared rows ("shared_rows", "dirty");
        - `rank`, `task_factors` (T, rank) and `feature_factors` (rank, d), whose
          product is `coef` ("low_rank"), or `shared_coef` as the base of "outlier";
        - `cluster_labels` (T,) ("clustered");
        - `adjacency`, `task_correlation` (T, T): the graph, and the correlation of
          the tasks' coefficients that it implies ("ordered", "graph");
        - `outlier_tasks`: indices ("outlier").

    Raises
    ------
    ValueError
        If a value is out of its range, or an option is given that `structure` does
        not use.

    See Also
    --------
    make_multitask_classification : The same structures with class labels.

    Notes
    -----
    With `scale_range` the shared part, too, is in the units of each task:
    `coef / task_scale[:, None]` has equal vectors in a cluster or a common mean.
    Shared rows and rank do not depend on it.

    Examples
    --------
    >>> from pymtl.datasets import make_multitask_regression
    >>> problem = make_multitask_regression(
    ...     n_tasks=4, n_samples=(20, 60), n_features=8, n_informative=2, random_state=0
    ... )
    >>> [X.shape for X in problem.Xs]
    [(43, 8), (55, 8), (31, 8), (48, 8)]
    >>> problem.coef.shape, problem.support.sum(axis=1)
    ((4, 8), array([2, 2, 2, 2]))
    """
    n_tasks = _integer("n_tasks", n_tasks, 1)
    n_features = _integer("n_features", n_features, 1)
    rho = _check_rho(rho)
    if not isinstance(snr, Real) or not snr > 0:
        message = f"snr must be a number > 0 (np.inf: no noise), got {snr!r}."
        raise ValueError(message)
    rng = check_random_state(random_state)
    truth = _draw_truth(
        rng,
        (n_tasks, 1, n_features),
        structure,
        {
            "n_informative": n_informative,
            "rank": rank,
            "n_clusters": n_clusters,
            "deviation": deviation,
            "adjacency": adjacency,
            "smoothness": smoothness,
            "n_own": n_own,
            "base": base,
            "n_outliers": n_outliers,
        },
        rho=rho,
        signal_std=1.0,
        intercept_std=intercept_std,
        scale_range=scale_range,
    )
    truth.rho, truth.snr = rho, float(snr)
    truth.noise_std = np.sqrt(_signal_variance(truth.coef, rho) / snr)
    designs = _draw_designs(rng, n_tasks, n_samples, n_features, rho, shared_X)
    if shared_X:
        X = designs[0]
        noise = rng.standard_normal((X.shape[0], n_tasks)) * truth.noise_std
        return Bunch(X=X, Y=X @ truth.coef.T + truth.intercept + noise, **truth)
    ys = [
        X @ w + c + std * rng.standard_normal(X.shape[0])
        for X, w, c, std in zip(
            designs, truth.coef, truth.intercept, truth.noise_std, strict=True
        )
    ]
    return Bunch(Xs=designs, ys=ys, **truth)


def make_multitask_classification(
    n_tasks: int = 10,
    n_samples: int | tuple[int, int] = 100,
    n_features: int = 20,
    *,
    n_classes: int = 2,
    structure: str = "shared_rows",
    n_informative: int | None = None,
    rank: int | None = None,
    n_clusters: int | None = None,
    deviation: float | None = None,
    adjacency: ArrayLike | None = None,
    smoothness: float | None = None,
    n_own: int | None = None,
    base: str | None = None,
    n_outliers: int | None = None,
    rho: float = 0.0,
    signal_std: float = 2.0,
    intercept_std: float = 0.5,
    scale_range: tuple[float, float] | None = None,
    shared_X: bool = False,
    random_state: int | np.random.RandomState | None = None,
) -> Bunch:
    r"""Simulate related classifications, and return the truth with the data.

    Labels follow the logistic model. With two classes task t has
    :math:`P(y = 1 \mid x) = 1 / (1 + \exp(-x^\top w_t - c_t))`; with K > 2 classes
    :math:`P(y = k \mid x) \propto \exp(x^\top w_{tk} + c_{tk})`, where coefficients
    and intercepts sum to zero over the classes and the classes of a task share its
    structure (rows, factors, cluster, neighbours).

    Parameters
    ----------
    n_tasks : int, default=10
        Number of tasks T.
    n_samples : int or tuple (low, high), default=100
        Samples in each task. A tuple draws each task's number uniformly from
        low, ..., high.
    n_features : int, default=20
        Number of features d.
    n_classes : int, default=2
        Number of classes K; labels are the integers 0, ..., K - 1. In a small task
        some classes may not occur.
    structure : str, default="shared_rows"
        What the tasks share: "shared_rows", "low_rank", "clustered", "mean",
        "ordered", "graph", "dirty", "outlier" or "unrelated", as in
        `make_multitask_regression`.
    n_informative, rank, n_clusters : int, default=None
        Options of the structure, see `make_multitask_regression`.
    deviation : float, default=None
        Likewise.
    adjacency : array-like of shape (n_tasks, n_tasks), default=None
        Likewise.
    smoothness : float, default=None
        Likewise.
    n_own : int, default=None
        Likewise.
    base : str, default=None
        Likewise.
    n_outliers : int, default=None
        Likewise.
    rho : float, default=0.0
        Correlation of neighbouring features; features j and k correlate by
        rho^abs(j - k).
    signal_std : float, default=2.0
        Standard deviation of the signal :math:`x^\top w_t` (root of its mean square
        over tasks and classes): the larger, the better the classes separate.
    intercept_std : float, default=0.5
        Standard deviation of the intercepts relative to the signal's; 0 is no
        intercepts.
    scale_range : tuple (low, high), default=None
        Multiply the coefficients and intercept of each task by a factor drawn
        log-uniformly from this range, so that some tasks are harder than others.
        None is 1 for all.
    shared_X : bool, default=False
        Measure all tasks on one design: `X` and `Y` in place of `Xs` and `ys`.
    random_state : int, RandomState instance or None, default=None
        Seed. The truth is drawn before the data, so that one seed with other
        `n_samples` or `shared_X` gives other data of the same truth.

    Returns
    -------
    problem : Bunch
        What `make_multitask_regression` returns, without `snr` and `noise_std` and
        with integer labels as targets. With K > 2 classes `coef`, `support`,
        `shared_coef`, `specific_coef` are (T, K, d), `intercept` is (T, K) and
        `task_factors` (T, K, rank).

    Raises
    ------
    ValueError
        If a value is out of its range, or an option is given that `structure` does
        not use.

    See Also
    --------
    make_multitask_regression : The same structures with real targets.

    Examples
    --------
    >>> from pymtl.datasets import make_multitask_classification
    >>> problem = make_multitask_classification(
    ...     n_tasks=3, n_samples=40, n_features=6, structure="low_rank", rank=1,
    ...     random_state=0,
    ... )
    >>> problem.Xs[0].shape, problem.ys[0][:5], problem.task_factors.shape
    ((40, 6), array([1, 0, 1, 1, 1]), (3, 1))
    """
    n_tasks = _integer("n_tasks", n_tasks, 1)
    n_features = _integer("n_features", n_features, 1)
    n_classes = _integer("n_classes", n_classes, 2)
    rho = _check_rho(rho)
    signal_std = _number("signal_std", signal_std)
    rng = check_random_state(random_state)
    truth = _draw_truth(
        rng,
        (n_tasks, 1 if n_classes == 2 else n_classes, n_features),
        structure,
        {
            "n_informative": n_informative,
            "rank": rank,
            "n_clusters": n_clusters,
            "deviation": deviation,
            "adjacency": adjacency,
            "smoothness": smoothness,
            "n_own": n_own,
            "base": base,
            "n_outliers": n_outliers,
        },
        rho=rho,
        signal_std=signal_std,
        intercept_std=intercept_std,
        scale_range=scale_range,
    )
    truth.rho, truth.n_classes = rho, n_classes
    designs = _draw_designs(rng, n_tasks, n_samples, n_features, rho, shared_X)
    if shared_X:
        X = designs[0]
        Y = [
            _draw_labels(rng, X @ w.T + c)
            for w, c in zip(truth.coef, truth.intercept, strict=True)
        ]
        return Bunch(X=X, Y=np.column_stack(Y), **truth)
    ys = [
        _draw_labels(rng, X @ w.T + c)
        for X, w, c in zip(designs, truth.coef, truth.intercept, strict=True)
    ]
    return Bunch(Xs=designs, ys=ys, **truth)


def _draw_labels(rng, Z: np.ndarray) -> np.ndarray:
    """Draw from the logistic model, Z (n,) or (n, K): noise added to the scores."""
    if Z.ndim == 1:
        return (Z + rng.logistic(size=Z.shape) > 0).astype(int)
    return np.argmax(Z + rng.gumbel(size=Z.shape), axis=1)
