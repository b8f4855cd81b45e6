"""Seeded L2,1 problems, with one design shared by all tasks or with one per task."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .gap import lambda_max


@dataclass(frozen=True)
class Spec:
    """What a problem is made from; equal specs give equal problems.

    Parameters
    ----------
    name : str
    shared : bool
        One X for all tasks, or one for each.
    n_tasks, n_features : int
    n_samples : tuple of two int
        The rows of each task are drawn from this range, ends included. With a
        shared X the first number is used.
    fraction : float
        Strength of the penalty as a share of `lambda_max`.
    n_active : int
        Rows of the true coefficients that are not zero.
    correlation : float
        Correlation of neighbouring features.
    snr : float
        Variance of the signal over that of the noise.
    spread : float
        The design of each task is multiplied by ten to a power drawn uniformly from
        ``[-spread, spread]``: tasks measured in different units.
    seed : int
    """

    name: str
    shared: bool
    n_tasks: int
    n_samples: tuple[int, int]
    n_features: int
    fraction: float
    n_active: int = 15
    correlation: float = 0.5
    snr: float = 4.0
    spread: float = 0.0
    seed: int = 0

    def __str__(self) -> str:
        low, high = self.n_samples
        rows = f"{low}" if self.shared or low == high else f"{low}..{high}"
        design = "shared X" if self.shared else "X per task"
        scales = f", scales 10^+-{self.spread:g}" if self.spread else ""
        return (
            f"{self.name}: {design}, T={self.n_tasks}, n={rows}, d={self.n_features}, "
            f"lambda={self.fraction:g} lambda_max{scales}"
        )


@dataclass(frozen=True, eq=False)
class Problem:
    """Centred data and the strength of the penalty; no intercept is needed.

    With a shared design every item of `Xs` is the same array and `Y` (n, T) holds
    the targets side by side; else `Y` is None.
    """

    spec: Spec
    Xs: Sequence[np.ndarray]
    ys: Sequence[np.ndarray]
    Y: np.ndarray | None
    alpha: float


FULL = (
    Spec("shared-wide", True, 20, (300, 300), 5000, 0.1),
    Spec("shared-wide-weak", True, 20, (300, 300), 5000, 0.02),
    Spec("shared-tall", True, 20, (5000, 5000), 500, 0.02),
    Spec("tasks-wide", False, 20, (60, 140), 2000, 0.1),
    Spec("tasks-wide-weak", False, 20, (60, 140), 2000, 0.03),
    Spec("tasks-tall", False, 50, (300, 700), 100, 0.05),
    Spec("tasks-many", False, 139, (20, 250), 28, 0.05),
    Spec("tasks-units", False, 50, (300, 700), 100, 0.05, spread=1.0),
)
QUICK = (
    Spec("shared-quick", True, 10, (200, 200), 1000, 0.1),
    Spec("tasks-quick", False, 10, (40, 100), 300, 0.1),
)
SPEED = (
    *(
        Spec(
            f"shared-{n}-{d}-{T} at {fraction:g}", True, T, (n, n), d, fraction, **more
        )
        for n, d, T, more in (
            (300, 10000, 50, {"correlation": 0.7}),
            (500, 5000, 20, {}),
            (500, 1000, 50, {}),
            (5000, 500, 20, {}),
            (20000, 200, 50, {}),
        )
        for fraction in (0.1, 0.02)
    ),
    Spec("tasks-50-100-500", False, 50, (500, 500), 100, 0.05),
    Spec("tasks-50-500-200", False, 50, (200, 200), 500, 0.05),
    Spec("tasks-20-2000-100", False, 20, (100, 100), 2000, 0.1),
    Spec("tasks-10-2000-50", False, 10, (50, 50), 2000, 0.1),
    Spec("tasks-units", False, 50, (300, 700), 100, 0.05, spread=1.0),
)
PATHS = (
    Spec("shared-path", True, 20, (500, 500), 5000, 0.01),
    Spec("tasks-path-tall", False, 50, (500, 500), 100, 0.02),
    Spec("tasks-path-wide", False, 20, (100, 100), 2000, 0.02),
)
LASSO = Spec("lasso-path", False, 50, (200, 200), 100, 0.01)


def make_problem(spec: Spec) -> Problem:
    """Build the problem a spec describes.

    Parameters
    ----------
    spec : Spec

    Returns
    -------
    Problem
    """
    rng = np.random.default_rng(spec.seed)
    T, d = spec.n_tasks, spec.n_features
    W = np.zeros((d, T))
    active = rng.choice(d, size=min(spec.n_active, d), replace=False)
    W[active] = rng.standard_normal((len(active), T))

    if spec.shared:
        X = _design(rng, spec.n_samples[0], d, spec.correlation)
        Y = _targets(rng, X, W, spec.snr)
        Xs, ys = [X] * T, list(Y.T)
    else:
        low, high = spec.n_samples
        Y = None
        n = rng.integers(low, high, size=T, endpoint=True)
        Xs = [_design(rng, n_t, d, spec.correlation) for n_t in n]
        ys = [_targets(rng, X, w, spec.snr) for X, w in zip(Xs, W.T, strict=True)]
        units = 10 ** rng.uniform(-spec.spread, spec.spread, size=T)
        Xs = [X * unit for X, unit in zip(Xs, units, strict=True)]
    return Problem(spec, Xs, ys, Y, spec.fraction * lambda_max(Xs, ys))


def _design(rng, n, d, correlation):
    X = rng.standard_normal((d, n))
    innovation = np.sqrt(1 - correlation**2)
    for j in range(1, d):
        X[j] = correlation * X[j - 1] + innovation * X[j]
    X -= X.mean(axis=1, keepdims=True)
    return np.ascontiguousarray(X.T)


def _targets(rng, X, W, snr):
    signal = X @ W
    noise = rng.standard_normal(signal.shape)
    y = signal + noise * signal.std(axis=0) / np.sqrt(snr)
    return y - y.mean(axis=0)
