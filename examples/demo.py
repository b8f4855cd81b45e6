"""Does multi-task learning help 65 London schools?

Exam results of 4,059 pupils, one linear model a school. In every school some pupils
are for training and the others for testing; the strengths are chosen by
cross-validation inside the training pupils. Run it with ``make demo`` or
``python examples/demo.py``: it prints a table and writes two pictures.
"""

import argparse
import time
from pathlib import Path

import numpy as np
from sklearn.metrics import r2_score
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline

from pymtl import (
    MultiTaskL21Regressor,
    MultiTaskMeanRegressor,
    PooledRegressor,
    SingleTaskRegressor,
    TaskKFold,
    TaskScaler,
)
from pymtl.datasets import load_exam

TASK = "school"
STRENGTHS = np.logspace(-3, 2, 11)
COMMON = {"task_column": TASK, "task_weight": "n_samples"}


def models(n_rows):
    """Return each model with the grid of its strengths.

    Every pupil counts the same, so strengths are in units of the number of pupils.
    """
    strengths = n_rows / 65 * STRENGTHS
    shrunk = {"fit_intercept": "shrink"}
    return {
        "pooled": (PooledRegressor(**COMMON), {"lambda2": strengths}),
        "single-task": (SingleTaskRegressor(**COMMON), {"lambda2": strengths}),
        "mean-regularised": (
            MultiTaskMeanRegressor(**COMMON),
            {"lambda1": strengths},
        ),
        "mean-regularised, shrunk intercepts": (
            MultiTaskMeanRegressor(**COMMON, **shrunk),
            {"lambda1": strengths, "lambda0": n_rows / 65 * np.logspace(-2, 1, 7)},
        ),
        "L2,1": (MultiTaskL21Regressor(**COMMON), {"lambda1": strengths}),
    }


def split(data, train_size, seed):
    """Split the pupils of every school that has at least two."""
    school = data.target.groupby(data.data[TASK], observed=True)
    large = school.transform("size") >= 2
    return train_test_split(
        data.data[large],
        data.target[large],
        train_size=train_size,
        stratify=data.data[TASK][large],
        random_state=seed,
    )


def per_school(model, X, y):
    """Return the R2 of each school with at least two different results."""
    z = model.predict(X)
    scores = {}
    for school in X[TASK].unique():
        rows = (X[TASK] == school).to_numpy()
        if rows.sum() > 1 and y[rows].nunique() > 1:
            scores[school] = r2_score(y[rows], z[rows])
    return scores


def fit(model, grid, X, y):
    """Choose the strengths by inner cross-validation and refit."""
    pipe = make_pipeline(TaskScaler(task_column=TASK), model)
    step = pipe.steps[-1][0]
    search = GridSearchCV(
        pipe,
        {f"{step}__{name}": values for name, values in grid.items()},
        scoring="neg_mean_squared_error",
        cv=TaskKFold(5, task_column=TASK, shuffle=True, random_state=0),
    )
    return search.fit(X, y)


def draw(fitted, gains, folder):
    """Write the coefficients of each school and its gain over single-task."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    names = ["single-task", "mean-regularised, shrunk intercepts", "L2,1"]
    frames = [fitted[name][-1].coef_frame().drop(columns="intercept") for name in names]
    top = max(np.abs(frame.to_numpy()).max() for frame in frames)
    fig, axes = plt.subplots(1, 3, figsize=(9, 7), sharey=True, layout="constrained")
    for ax, name, frame in zip(axes, names, frames, strict=True):
        image = ax.imshow(frame, aspect="auto", cmap="RdBu_r", vmin=-top, vmax=top)
        ax.set_title(name, fontsize=9)
        ax.set_xticks(range(frame.shape[1]), frame.columns, rotation=60, ha="right")
    axes[0].set_ylabel("school")
    fig.colorbar(image, ax=axes, label="coefficient (standardised features)")
    fig.savefig(folder / "coefficients.png", dpi=120)
    plt.close(fig)

    name = names[1]
    gain = np.array(sorted(gains[name].values()))
    fig, ax = plt.subplots(figsize=(8, 4), layout="constrained")
    ax.bar(range(len(gain)), gain, color=np.where(gain > 0, "C0", "C3"))
    ax.axhline(0, color="black", linewidth=0.8)
    ax.set_yscale("symlog", linthresh=0.1)
    ax.set_xlabel("schools, sorted")
    ax.set_ylabel("test R2, gain over single-task")
    ax.set_title(f"{name}: better in {np.sum(gain > 0)} of {len(gain)} schools")
    fig.savefig(folder / "gain_per_school.png", dpi=120)
    plt.close(fig)


def main():
    """Fit, print the table, write the pictures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--train-size", type=float, default=0.3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path, default=Path("demo_output"))
    args = parser.parse_args()

    data = load_exam(school_level=False)
    X, X_test, y, y_test = split(data, args.train_size, args.seed)
    print(
        f"London schools: {data.data[TASK].nunique()} schools, {len(data.data)} "
        f"pupils; {len(X)} for training, {len(X_test)} for testing\n"
    )
    print(
        f"{'model':37}{'test R2':>9}{'per school':>12}{'fit time':>11}{'search':>9}"
        f"{'certificate':>13}"
    )
    fitted, schools = {}, {}
    for name, (model, grid) in models(len(X)).items():
        start = time.perf_counter()
        search = fit(model, grid, X, y)
        seconds = time.perf_counter() - start
        best = search.best_estimator_
        fitted[name], schools[name] = best, per_school(best, X_test, y_test)
        print(
            f"{name:37}{100 * search.best_estimator_.score(X_test, y_test):8.1f}%"
            f"{100 * np.mean(list(schools[name].values())):11.1f}%"
            f"{1000 * search.refit_time_:8.0f} ms{seconds:7.1f} s"
            f"{best[-1].certificate_:13.0e}",
            flush=True,
        )
    gains = {
        name: {
            s: schools[name][s] - alone for s, alone in schools["single-task"].items()
        }
        for name in schools
    }
    args.folder.mkdir(parents=True, exist_ok=True)
    draw(fitted, gains, args.folder)
    print(
        "\ntest R2: over all test pupils; per school: the mean of each school's own R2."
        "\nfit time: one fit at the strengths chosen; search: 5-fold inner "
        f"cross-validation.\nPictures: {args.folder}/coefficients.png, "
        f"{args.folder}/gain_per_school.png"
    )


if __name__ == "__main__":
    main()
