"""Strengths by restricted likelihood beside "auto", a search, and mixed models."""

import argparse
import time
import warnings

import numpy as np
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import r2_score
from sklearn.model_selection import StratifiedShuffleSplit

from pymtl import (
    MultiTaskBayesianRegressor,
    MultiTaskMeanRegressor,
    MultiTaskSearchCV,
    PooledRegressor,
    SingleTaskRegressor,
    datasets,
)

DATA = {
    "Exam": datasets.load_exam,
    "Hsb82": datasets.load_hsb82,
    "bdf": datasets.load_bdf,
}
# groups, features, rows a group, covariance
SIZES = [(18, 1, 10, "full"), (1000, 4, 10, "isotropic"), (10_000, 9, 20, "full")]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``python -m benchmarks reml``."""
    parser.add_argument("--splits", type=int, default=5, help="splits (5)")
    parser.add_argument(
        "--share", type=float, default=0.2, help="share of the rows for training (0.2)"
    )
    parser.add_argument(
        "--speed", action="store_true", help="times beside statsmodels, no accuracy"
    )


def run(args: argparse.Namespace) -> int:
    """Print test R2 and seconds of each way, or the times of large problems."""
    warnings.simplefilter("ignore", ConvergenceWarning)
    warnings.simplefilter("ignore", UserWarning)
    if args.speed:
        for size in SIZES:
            _print_times(*size)
        return 0
    for name, load in DATA.items():
        bunch = load()
        table = bunch.data
        codes = np.unique(table[bunch.task_column].to_numpy(), return_inverse=True)[1]
        features = table.drop(columns=bunch.task_column).to_numpy(dtype=float)
        scores = _scores(features, codes, bunch.target.to_numpy(), args)
        print(f"{name}: test R2 in percent, {args.splits} splits, share {args.share:g}")
        for way, (r2, seconds) in scores.items():
            error = np.std(r2, ddof=1) / np.sqrt(len(r2)) if len(r2) > 1 else np.nan
            lead = np.asarray(r2) - scores["reml"][0]
            half = np.std(lead, ddof=1) / np.sqrt(len(r2)) if len(r2) > 1 else np.nan
            print(
                f"  {way:22} {100 * np.mean(r2):6.2f} +- {100 * error:4.2f}   to reml "
                f"{100 * np.mean(lead):+6.2f} +- {100 * half:4.2f}   "
                f"{np.mean(seconds):7.3f} s",
                flush=True,
            )
    return 0


def _ways():
    """Return the models by name; each takes a long table with the task first."""
    same = {"task_column": 0, "unseen_task": "mean"}
    shrunk = {**same, "fit_intercept": "shrink", "task_weight": "n_samples"}
    return {
        "reml": MultiTaskMeanRegressor("reml", **shrunk),
        "auto": MultiTaskMeanRegressor(**same),
        "auto, shrunk": MultiTaskMeanRegressor(fit_intercept="shrink", **same),
        "search": MultiTaskSearchCV(
            MultiTaskMeanRegressor(**shrunk), param_grid={"lambda0": [1, 4, 16, 64]}
        ),
        "Bayesian, full": MultiTaskBayesianRegressor("full", **same),
        "pooled ridge": PooledRegressor(**same),
        "pooled, dummies": PooledRegressor(fit_intercept=True, **same),
        "ridge a task": SingleTaskRegressor(**same),
        "gradient boosting": HistGradientBoostingRegressor(random_state=0),
    }


def _scores(features, codes, y, args):
    """Return {way: (R2 of each split, seconds)}."""
    sizes = np.bincount(codes)
    kept = np.flatnonzero(sizes[codes] >= 2)  # a split needs a row on each side
    features, codes, y = features[kept], codes[kept], y[kept]
    split = StratifiedShuffleSplit(args.splits, train_size=args.share, random_state=0)
    found: dict = {way: ([], []) for way in _ways()}
    for train, test in split.split(codes, codes):
        centre, scale = features[train].mean(axis=0), features[train].std(axis=0)
        Z = (features - centre) / np.where(scale > 0, scale, 1.0)
        X = np.column_stack([codes, Z])
        for way, model in _ways().items():
            start = time.perf_counter()
            model.fit(X[train], y[train])
            found[way][1].append(time.perf_counter() - start)
            found[way][0].append(r2_score(y[test], model.predict(X[test])))
    return found


def _print_times(n_groups, d, n, covariance):
    """Print the seconds of a fit, and those of MixedLM where it is installed."""
    rng = np.random.default_rng(0)
    task = np.repeat(np.arange(n_groups), n)
    X = rng.standard_normal((len(task), d))
    W = 1.0 + 0.5 * rng.standard_normal((n_groups, d))
    y = np.einsum("ij,ij->i", X, W[task]) + rng.standard_normal(n_groups)[task]
    y += rng.standard_normal(len(y))
    table = np.column_stack([task, X])
    model = MultiTaskBayesianRegressor(covariance, task_column=0)
    model.fit(table[: 5 * n], y[: 5 * n])  # compiles
    start = time.perf_counter()
    model.fit(table, y)
    ours = time.perf_counter() - start
    theirs = "not run"
    if n_groups <= 1000 and covariance == "full":
        try:
            from statsmodels.regression.mixed_linear_model import MixedLM
        except ImportError:
            theirs = "not installed"
        else:
            Z = np.column_stack([np.ones(len(X)), X])
            start = time.perf_counter()
            MixedLM(y, Z, groups=task, exog_re=Z).fit()
            theirs = f"{time.perf_counter() - start:.2f} s"
    print(
        f"{n_groups} groups of {n}, {d} slopes, {covariance}: {ours:.2f} s, "
        f"{model.n_iter_} evaluations; MixedLM {theirs}",
        flush=True,
    )
