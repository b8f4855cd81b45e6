"""Splits in time: scikit-learn's TimeSeriesSplit of each task."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit, cross_val_score
from sklearn.pipeline import make_pipeline

from pymtl import (
    MultiTaskMeanRegressor,
    MultiTaskSearchCV,
    TaskScaler,
    TaskTimeSeriesSplit,
    stack_tasks,
)

RNG = np.random.default_rng(0)
SIZES = (12, 17, 30)
TASK = np.repeat([5, 3, 8], SIZES)
X = np.column_stack([TASK, RNG.normal(size=(len(TASK), 2))])
Y = X[:, 1] + RNG.normal(size=len(TASK))


@pytest.mark.parametrize("options", [
    {},
    {"gap": 2},
    {"test_size": 2},
    {"max_train_size": 3},
    {"test_size": 1, "gap": 1, "max_train_size": 4},
])  # fmt: skip
@pytest.mark.parametrize("shuffled", [False, True])
def test_each_task_is_split_as_a_series(options, shuffled):
    order = RNG.permutation(len(TASK)) if shuffled else np.arange(len(TASK))
    time = np.concatenate([np.arange(n) for n in SIZES])[order]
    table = pd.DataFrame({"task": TASK[order], "time": time})
    cv = TaskTimeSeriesSplit(3, task_column="task", time_column="time", **options)
    found = list(cv.split(table))
    assert len(found) == cv.get_n_splits() == 3
    for label, n in zip((5, 3, 8), SIZES, strict=True):
        wanted = TimeSeriesSplit(3, **options).split(np.zeros(n))
        for parts, theirs in zip(found, wanted, strict=True):
            for rows, their_rows in zip(parts, theirs, strict=True):
                own = rows[table["task"].to_numpy()[rows] == label]
                assert sorted(time[own]) == their_rows.tolist()
    if not shuffled:
        plain = TaskTimeSeriesSplit(3, task_column="task", **options).split(table)
        for parts, other in zip(found, plain, strict=True):
            assert [p.tolist() for p in parts] == [p.tolist() for p in other]


@pytest.mark.parametrize("dates", [
    lambda t: pd.to_datetime("2024-01-01") + pd.to_timedelta(t, "D"),
    lambda t: np.array([f"2024-{m + 1:02d}" for m in t]),
    lambda t: pd.to_datetime(pd.Series(["2024-01-01"] * len(t)), utc=True)
    + pd.to_timedelta(t, "D"),
])  # fmt: skip
def test_dates(dates):
    time = RNG.permutation(12)
    table = pd.DataFrame({"task": 0, "when": np.asarray(dates(time))})
    cv = TaskTimeSeriesSplit(3, task_column="task", time_column="when")
    for train, test in cv.split(table):
        assert time[train].max() < time[test].min()
    table["when"] = table["when"].where(table.index != 4)
    with pytest.raises(ValueError, match="'when' has missing values"):
        next(cv.split(table))


def test_short_tasks():
    short = np.vstack([X, [[9, 0.0, 0.0]] * 3])
    with pytest.raises(ValueError, match=r"Task 9 has 3 rows.*gap=0 need 4.*drop"):
        next(TaskTimeSeriesSplit(3).split(short))
    for train, test in TaskTimeSeriesSplit(3, short_tasks="train").split(short):
        assert (short[train, 0] == 9).sum() == 3
        assert 9 not in short[test, 0]
    with pytest.raises(ValueError, match="No task has rows enough"):
        next(TaskTimeSeriesSplit(40, short_tasks="train").split(short))
    with pytest.raises(ValueError, match="gap=40 need"):
        next(TaskTimeSeriesSplit(3, gap=40).split(short))


def test_searches_and_scores():
    cv = TaskTimeSeriesSplit(3)
    model = MultiTaskMeanRegressor(task_column=0)
    values = [0.01, 1.0]
    grid = GridSearchCV(
        model, {"lambda1": values}, cv=cv, scoring="neg_mean_squared_error"
    ).fit(X, Y)
    search = MultiTaskSearchCV(model, lambda1=values, cv=cv).fit(X, Y)
    np.testing.assert_allclose(
        np.sort(search.cv_results_["mean_test_score"]),
        np.sort(grid.cv_results_["mean_test_score"]),
        rtol=1e-8,
    )
    steps = make_pipeline(TaskScaler(task_column=0), model)
    assert np.isfinite(cross_val_score(steps, X, Y, cv=cv)).all()
    assert clone(model) is not model


def test_doors_without_a_table():
    labels = np.unique(TASK)
    Xs = [X[TASK == label, 1:] for label in labels]
    ys = [Y[TASK == label] for label in labels]
    cv = TaskTimeSeriesSplit(3)
    lists = MultiTaskSearchCV(MultiTaskMeanRegressor(), lambda1=[0.1], cv=cv)
    table = MultiTaskSearchCV(
        MultiTaskMeanRegressor(task_column=0), lambda1=[0.1], cv=cv
    )
    lists.fit(Xs, ys)
    table.fit(*stack_tasks(Xs, ys))
    np.testing.assert_allclose(lists.best_score_, table.best_score_, rtol=1e-10)
    shared = MultiTaskSearchCV(MultiTaskMeanRegressor(), lambda1=[0.1], cv=cv)
    assert shared.fit(Xs[0], np.column_stack([ys[0]] * 2)).n_splits_ == 3
    lists.set_params(cv=TaskTimeSeriesSplit(3, time_column="when"))
    with pytest.raises(ValueError, match="sort their rows by time"):
        lists.fit(Xs, ys)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_splits": 1}, "n_splits"),
        ({"task_column": 1.5}, "task_column"),
        ({"time_column": 1.5}, "time_column"),
        ({"gap": -1}, "gap"),
        ({"gap": None}, "gap"),
        ({"test_size": 0}, "test_size"),
        ({"max_train_size": 0.5}, "max_train_size"),
        ({"short_tasks": "drop"}, "short_tasks"),
    ],
)
def test_options_are_checked(options, message):
    with pytest.raises(ValueError, match=message):
        TaskTimeSeriesSplit(**options)
