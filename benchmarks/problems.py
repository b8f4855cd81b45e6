"""Seeded L2,1 problems, with one design shared by all tasks or with one per task."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

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
    n_strengths : int
        Strengths from `lambda_max`, which is not among them, down to that of the
        problem, in equal ratios.
    order : {1, 2}
        Norm of a feature's coefficients in the penalty: the lasso, or L2,1.
    school : bool
        The pupils of 139 London schools in place of random numbers.
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
    n_strengths: int = 1
    order: int = 2
    school: bool = False
    seed: int = 0

    @property
    def shape(self) -> str:
        """Sizes and strengths in few words, for a line of a table."""
        low, high = self.n_samples
        rows = f"{low}" if self.shared or low == high else f"{low} to {high}"
        data = "School, " if self.school else ""
        size = f"{self.n_strengths} strengths to" if self.n_strengths > 1 else "at"
        low, high = 10**-self.spread, 10**self.spread
        units = f", units {low:g} to {high:g}" if self.spread else ""
        tasks = f"T={self.n_tasks}, n={rows}, d={self.n_features}{units}"
        return f"{data}{tasks}, {size} {self.fraction:g}"

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
SHARED = tuple(
    Spec(f"shared-{n}-{d}-{T}-{fraction:g}", True, T, (n, n), d, fraction, **more)
    for n, d, T, more in (
        (300, 10000, 50, {"correlation": 0.7}),
        (500, 5000, 20, {}),
        (500, 1000, 50, {}),
        (5000, 500, 20, {}),
        (20000, 200, 50, {}),
    )
    for fraction in (0.1, 0.02)
)
SHARED_PATH = Spec("shared-path", True, 20, (500, 500), 5000, 0.01, n_strengths=50)
TALL = (
    Spec("tasks-50-100-500", False, 50, (500, 500), 100, 0.05),
    Spec("tasks-50-500-200", False, 50, (200, 200), 500, 0.05),
)
WIDE = (
    Spec("tasks-20-2000-100", False, 20, (100, 100), 2000, 0.1),
    Spec("tasks-10-2000-50", False, 10, (50, 50), 2000, 0.1),
)
UNITS = Spec("tasks-units", False, 50, (300, 700), 100, 0.05, spread=1.0)
SCHOOL = Spec("school", False, 139, (22, 251), 27, 0.05, school=True)
MANY = Spec("tasks-139-27", False, 139, (22, 251), 27, 0.05)  # where School is not
LASSO = Spec("lasso-path", False, 50, (200, 200), 100, 0.01, n_strengths=100, order=1)


def outside(name: str) -> Path:
    """Return a folder of the files that are not part of the repository."""
    default = Path(__file__).resolve().parents[2] / "shared"
    return Path(os.environ.get("PYMTL_SHARED", default)) / name


def path_of(spec: Spec) -> Spec:
    """Twenty strengths down to 0.02 of the largest, on the data of another problem."""
    return replace(spec, name=f"{spec.name}-path", fraction=0.02, n_strengths=20)


def make_problem(spec: Spec) -> Problem:
    """Build the problem a spec describes.

    Parameters
    ----------
    spec : Spec

    Returns
    -------
    Problem
    """
    if spec.school:
        return _school(spec)
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


def _school(spec):
    from pymtl.datasets import load_school

    data = load_school(outside("data"))
    Xs = [X - X.mean(axis=0) for X in data.Xs]
    ys = [y - y.mean() for y in data.ys]
    return Problem(spec, Xs, ys, None, spec.fraction * lambda_max(Xs, ys))


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
