"""What sharing gains on real data, and loses to unrelated tasks."""

import argparse
import csv
import time
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
from scipy.stats import t as student
from sklearn.base import clone

import pymtl
from pymtl import MultiTaskSearchCV, datasets
from pymtl.metrics import multitask_score

from . import reference

FOLDER = Path(__file__).parents[1] / "docs" / "evidence"
BASE = "single-task ridge"
NAMES = {"SingleTask": BASE, "Pooled": "pooled ridge"}
SUMS = {"task_weight": "n_samples"}
SHRUNK = SUMS | {"fit_intercept": "shrink"}


@dataclass
class Part:
    """The training and the test part of a data set, as lists of tasks.

    Parameters
    ----------
    train, test : tuple of list of ndarray
        Features and targets of each task.
    raw : tuple of list of ndarray or None, default=None
        Features of both parts in their own units.
    judged : int or None, default=None
        Number of tasks that count, the first ones; None is all.
    """

    train: tuple[list, list]
    test: tuple[list, list]
    raw: tuple[list, list] | None = None
    judged: int | None = None


@dataclass
class Model:
    """A search, and whether it takes the features in their own units.

    Parameters
    ----------
    search : MultiTaskSearchCV
        The search.
    raw : bool, default=False
        Features in their own units, in place of standard deviations.
    """

    search: MultiTaskSearchCV
    raw: bool = False


@dataclass
class Block:
    """Models on the draws of one data set.

    Parameters
    ----------
    facts : dict
        First columns of the table.
    models : dict of {str: Model}
        The models; gains are over the first.
    draws : iterable of Part
        Training and test parts.
    metrics : tuple of str
        Metrics of `contributions`.
    found : dict
        For each model its contributions (n_draws, n_metrics, n_tasks) and seconds.
    """

    facts: dict
    models: dict[str, Model]
    draws: Iterable[Part]
    metrics: tuple[str, ...]
    found: dict = field(default_factory=dict)

    def run(self, tell: Callable[[], None]) -> None:
        """Evaluate the models, and tell after each."""
        draws = list(self.draws)
        for name, model in self.models.items():
            pairs = [evaluate(model, part, self.metrics) for part in draws]
            self.found[name] = [np.array(column) for column in zip(*pairs, strict=True)]
            tell()

    def rows(self) -> list[dict]:
        """Return a line of the table for each model, in percent."""
        lines = []
        first = next(iter(self.found.values()))[0]
        for name, (scores, seconds) in self.found.items():
            line = self.facts | {"model": name}
            for j, metric in enumerate(self.metrics):
                line[metric] = f"{100 * scores[:, j].sum(axis=1).mean():.1f}"
                gain = 100 * (scores - first)[:, j].mean(axis=0)
                line[f"gain, {metric}"] = interval(gain) if gain.any() else ""
            line["seconds"] = f"{seconds.mean():.1f}"
            lines.append(line | {"draws": len(scores)})
        return lines


def interval(contributions: np.ndarray, confidence: float = 0.95) -> str:
    """Return a sum over independent units, with its interval."""
    n, total = len(contributions), contributions.sum()
    if n < 2:
        return f"{total:+.1f}"
    spread = contributions.std(ddof=1) * np.sqrt(n)
    half = spread * student.ppf((1 + confidence) / 2, n - 1)
    return f"{total:+.1f} [{total - half:+.1f}, {total + half:+.1f}]"


def contributions(metric: str, y_true: list, y_pred: list) -> np.ndarray:
    """Return what each task adds to a score.

    Parameters
    ----------
    metric : {"pooled", "within", "auc"}
        One of the two explained variances of `pymtl.metrics`, or the mean of the tasks'
        areas under the curve.
    y_true, y_pred : list of ndarray
        Targets and predictions of each task.

    Returns
    -------
    contributions : ndarray of shape (n_tasks,)
        Their sum is the score.
    """
    size = np.array([len(y) for y in y_true])
    if metric == "pooled":
        errors = multitask_score("mse", y_true, y_pred, average=None) * size
        y = np.concatenate(y_true)
        return size / len(y) - errors / (len(y) * y.var())
    name, weight = ("r2", size) if metric == "within" else ("roc_auc", 1.0)
    scores = multitask_score(name, y_true, y_pred, average=None)
    weight = np.where(np.isnan(scores), 0.0, weight)
    return np.nan_to_num(scores) * weight / weight.sum()


def evaluate(model: Model, part: Part, metrics: tuple[str, ...]):
    """Choose strengths in the training part; judge on the test part, and time it."""
    X, X_test = part.raw if model.raw else (part.train[0], part.test[0])
    search, start = clone(model.search), time.process_time()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*both parts are used", UserWarning)
        search.fit(X, part.train[1])
    seconds = time.process_time() - start
    classify = hasattr(search, "decision_function")
    z = search.decision_function(X_test) if classify else search.predict(X_test)
    y, z = part.test[1][: part.judged], z[: part.judged]
    scores = np.array([contributions(m, y, z) for m in metrics])
    return scores, seconds


def divide(Xs: list, ys: list, train: list, test: list) -> Part:
    """Return rows of each task, features also in standard deviations of training."""

    def take(arrays, rows):
        return [a[i] for a, i in zip(arrays, rows, strict=True)]

    raw = take(Xs, train), take(Xs, test)
    unit = np.concatenate(raw[0]).std(axis=0)
    unit[unit == 0] = 1.0
    scaled = ([X / unit for X in side] for side in raw)
    targets = take(ys, train), take(ys, test)
    return Part(*zip(scaled, targets, strict=True), raw)


def deal(ys: list, share: float, seed: int) -> tuple[list, list]:
    """Return random training and test rows of each task, and of each of few labels.

    Of a group that small at least two rows train and one tests.
    """
    rng = np.random.default_rng(seed)
    train, test = [], []
    for y in ys:
        labels = np.unique(y)
        groups = [y == v for v in labels] if len(labels) == 2 else [y == y]
        parts = ([], [])
        for group in groups:
            rows = rng.permutation(np.flatnonzero(group))
            cut = min(max(2, round(share * len(rows))), len(rows) - 1)
            parts[0].append(rows[:cut])
            parts[1].append(rows[cut:])
        train.append(np.concatenate(parts[0]))
        test.append(np.concatenate(parts[1]))
    return train, test


def structure(name: str, kind: str = "Regressor", **options):
    """Return an estimator of a structure, to a tolerance that prediction needs."""
    for prefix in ("", "MultiTask"):
        if hasattr(pymtl, f"{prefix}{name}{kind}"):
            return getattr(pymtl, f"{prefix}{name}{kind}")(tol=1e-3, **options)
    msg = f"there is no {name}{kind}."
    raise ValueError(msg)


SCHOOL = (
    "L1",
    "L21",
    "TraceNorm",
    "FeatureCovariance",
    "Relationship",
    "Clustered",
    "ASO",
    "DataShared",
    "Dirty",
    "RobustFeature",
    "RobustLowRank",
    "SparseLowRank",
)
LANDMINE = ("L21", "TraceNorm", "Clustered", "RobustLowRank")
RIDGES = {"n_lambdas": 30, "eps": 1e-5, "cv": 5}


def school_models() -> dict[str, Model]:
    """Return the models of the School table."""
    single = MultiTaskSearchCV(structure("SingleTask", **SUMS), **RIDGES)
    shrunk = MultiTaskSearchCV(structure("SingleTask", **SHRUNK), **RIDGES)
    pooled = MultiTaskSearchCV(structure("Pooled", **SUMS), **RIDGES)
    mean = MultiTaskSearchCV(
        structure("Mean", **SHRUNK),
        lambda1=np.geomspace(3e4, 3.0, 20),
        lambda2=[0.01, 0.1, 1.0],
        param_grid={"lambda0": [10, 30, 100]},
        cv=5,
    )
    models = {
        BASE: Model(single, raw=True),
        f"{BASE}, scaled": Model(single),
        f"{BASE}, shrunk intercepts": Model(shrunk, raw=True),
        f"{BASE}, shrunk intercepts, scaled": Model(shrunk),
        "pooled ridge": Model(pooled, raw=True),
        "Mean": Model(mean, raw=True),
        "Mean, scaled": Model(mean),
    }
    for name in SCHOOL:
        search = MultiTaskSearchCV(
            structure(name, **SHRUNK), n_lambdas=10, eps=3e-3, cv=3
        )
        models[f"{name}, scaled"] = Model(search)
    return models


def school(args: argparse.Namespace) -> Iterable[Block]:
    """The ten standard splits of the London schools."""
    splits = range(1, min(args.draws or 10, 10) + 1)

    def draws():
        for split in splits:
            data = datasets.load_school(args.data, split=split)
            yield divide(data.Xs, data.ys, data.train, data.test)

    yield Block({}, school_models(), draws(), ("pooled", "within"))


def landmine(args: argparse.Namespace) -> Iterable[Block]:
    """Landmine detection against the size of the training part."""
    data = datasets.load_landmine(args.data)
    models = {}
    for name in ("SingleTask", "Pooled", "Mean", *LANDMINE):
        model = structure(name, "Classifier", **SUMS)
        eps = 0.03 if name in LANDMINE else 1e-3
        search = MultiTaskSearchCV(model, n_lambdas=10, eps=eps, cv=3)
        models[NAMES.get(name, name)] = Model(search)
    for share in (0.1, 0.3, 0.5):
        draws = (
            divide(data.Xs, data.ys, *deal(data.ys, share, seed))
            for seed in range(args.draws or 10)
        )
        yield Block({"training rows": f"{share:.0%}"}, models, draws, ("auc",))


def multilevel(args: argparse.Namespace) -> Iterable[Block]:
    """Exam, Hsb82 and bdf, with free and with shrunk intercepts."""
    models = {}
    grids = {
        "SingleTask": {"lambda1": np.geomspace(1e3, 1e-2, 20)},
        "Pooled": {"lambda1": np.geomspace(1e3, 1e-2, 20)},
        "Mean": {"lambda1": np.geomspace(1e3, 1e-1, 20), "lambda2": [0.01, 0.1, 1.0]},
    }
    for name, grid in grids.items():
        for form, title in ((True, "free"), ("shrink", "shrunk")):
            options = SUMS | {"fit_intercept": form}
            outer = {"lambda0": [1.0, 3.0, 10.0]} if form == "shrink" else None
            search = MultiTaskSearchCV(
                structure(name, **options), param_grid=outer, cv=5, **grid
            )
            models[f"{NAMES.get(name, name)}, {title} intercepts"] = Model(search)
    for title, load in (
        ("Exam", datasets.load_exam),
        ("Hsb82", datasets.load_hsb82),
        ("bdf", datasets.load_bdf),
    ):
        Xs, ys = load(return_X_y=True, as_lists=True)
        kept = [school for school, y in ys.items() if len(y) >= 4]
        Xs = [Xs[school].to_numpy(dtype=float) for school in kept]
        ys = [ys[school].to_numpy(dtype=float) for school in kept]
        for share in (0.2, 0.6):
            draws = [
                divide(Xs, ys, *deal(ys, share, seed))
                for seed in range(args.draws or 10)
            ]
            facts = {"data": title, "training rows": f"{share:.0%}"}
            yield Block(facts, models, draws, ("pooled",))


RELATED = 8
UNRELATED = (0, 1, 2, 4, 8)
UNRELATED_MODELS = ("L21", "TraceNorm", "RobustFeature", "RobustLowRank", "Clustered")


def unrelated_part(seed: int, n_unrelated: int, size: float = 1.0) -> Part:
    """Return related tasks and unrelated ones; only the related ones are judged.

    The coefficients of the unrelated ones are `size` times as long as the common part.
    """
    rng = np.random.default_rng(seed)
    d, n, n_test = 30, 30, 200
    common = np.zeros(d)
    common[:10] = rng.standard_normal(10)
    coef = common + 0.15 * rng.standard_normal((RELATED, d)) * (common != 0)
    other = rng.standard_normal((max(UNRELATED), d))
    other *= (
        size * np.linalg.norm(common) / np.linalg.norm(other, axis=1, keepdims=True)
    )
    coef = np.concatenate([coef, other])
    Xs = rng.standard_normal((len(coef), n + n_test, d))
    ys = np.einsum("tij,tj->ti", Xs, coef)
    ys += np.linalg.norm(common) * rng.standard_normal(ys.shape)
    T = RELATED + n_unrelated
    train, test = (
        (list(Xs[:T, rows]), list(ys[:T, rows])) for rows in (slice(n), slice(n, None))
    )
    return Part(train, test, judged=RELATED)


def unrelated(args: argparse.Namespace, tell: Callable[[list[dict]], None]) -> None:
    """Score of eight related tasks as unrelated ones are added."""
    clusters = {"n_clusters": [2, 3, 5, 7]}  # there may be as many as unrelated tasks
    seeds, lines = range(args.draws or 10), []
    for size in (1.0, 3.0):
        for name in ("SingleTask", "Mean", *UNRELATED_MODELS):
            search = MultiTaskSearchCV(
                structure(name),
                param_grid=clusters if name == "Clustered" else None,
                n_lambdas=12,
                eps=1e-3,
                cv=3,
                scoring="task_r2_macro",  # not to let the largest tasks choose
            )
            line = {"size": f"{size:.0f}", "model": NAMES.get(name, name)}
            scores = []
            for k in UNRELATED:
                parts = [unrelated_part(seed, k, size) for seed in seeds]
                found = [evaluate(Model(search), part, ("pooled",)) for part in parts]
                scores.append(100 * np.array([score.sum() for score, _ in found]))
                line[f"{k} unrelated"] = f"{scores[-1].mean():.1f}"
            change = (scores[-1] - scores[0]) / len(seeds)
            lines.append(line | {"change": interval(change), "seeds": len(seeds)})
            tell(lines)


def run_blocks(blocks: Callable, args, tell) -> None:
    """Run the blocks of a section, and tell the lines so far."""
    started: list[Block] = []
    for block in blocks(args):
        started.append(block)
        block.run(lambda: tell([line for b in started for line in b.rows()]))


SECTIONS = {
    "school": partial(run_blocks, school),
    "landmine": partial(run_blocks, landmine),
    "multilevel": partial(run_blocks, multilevel),
    "unrelated": unrelated,
}


def write_table(path: Path, lines: list[dict]) -> None:
    """Write the lines as CSV, and print the last one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(lines[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(lines)
    print(path.stem, *lines[-1].values(), sep="  ", flush=True)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``python -m benchmarks evidence``."""
    parser.add_argument(
        "--only", nargs="+", choices=SECTIONS, default=SECTIONS, help="these tables"
    )
    parser.add_argument(
        "--draws", type=int, help="splits, draws or seeds behind each number (10)"
    )
    parser.add_argument(
        "--data",
        type=Path,
        default=reference.folder().parent / "data",
        help="folder of the files of School and Landmine",
    )
    parser.add_argument("--out", type=Path, default=FOLDER, help="folder of the tables")


def run(args: argparse.Namespace) -> int:
    """Make the tables.

    Parameters
    ----------
    args : argparse.Namespace
        Options declared by `add_arguments`.

    Returns
    -------
    int
        Exit code: 1 where the data of a table are not here.
    """
    missing = 0
    for name in args.only:
        try:
            SECTIONS[name](args, partial(write_table, args.out / f"{name}.csv"))
        except (FileNotFoundError, ImportError) as error:
            print(f"{name} left out: {error}")
            missing = 1
    return missing
