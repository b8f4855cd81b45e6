"""TaskKFold: folds inside every task, for scikit-learn's own tools."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
import sklearn
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.linear_model import Ridge
from sklearn.model_selection import (
    GridSearchCV,
    KFold,
    cross_val_predict,
    cross_validate,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from pymtl import (
    MultiTaskL21Regressor,
    MultiTaskMeanRegressor,
    PooledRegressor,
    SingleTaskRegressor,
    stack_tasks,
)
from pymtl.model_selection import RepeatedTaskKFold, TaskKFold
from pymtl.preprocessing import TaskScaler

SIZES = (40, 23, 9, 4, 2)


def make_schools(sizes=SIZES, seed=0):
    """Return a frame sorted by school, the string labels in no special order."""
    rng = np.random.default_rng(seed)
    names = [f"school {i}" for i in rng.permutation(len(sizes))]
    X = pd.DataFrame(rng.normal(5, 3, size=(sum(sizes), 3)), columns=["a", "b", "c"])
    X.insert(1, "school", np.repeat(names, sizes))
    slopes = 1 + 0.2 * rng.normal(size=(len(sizes), 3))
    y = (X[["a", "b", "c"]] * np.repeat(slopes, sizes, axis=0)).sum(axis=1)
    return X, (y + rng.normal(size=len(y))).to_numpy()


def folds(cv, X, y=None):
    """Return the fold that tests each row, -1 for none, checking the training part."""
    n = len(X)
    fold = np.full(n, -1)
    for k, (train, test) in enumerate(cv.split(X, y)):
        np.testing.assert_array_equal(np.sort(np.r_[train, test]), np.arange(n))
        assert np.all(np.diff(train) > 0)
        assert np.all(fold[test] == -1), "a row is tested twice"
        fold[test] = k
    return fold


def spread(fold, n_splits):
    """Return how much the numbers of rows in the folds differ."""
    counts = np.bincount(fold[fold >= 0], minlength=n_splits)
    return counts.max() - counts.min()


@st.composite
def tables(draw):
    """Return a shuffled task column, labels and a splitter."""
    sizes = draw(st.lists(st.integers(1, 12), min_size=1, max_size=8))
    task = np.repeat(np.arange(len(sizes)), sizes)
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    task = rng.permutation(task) if draw(st.booleans()) else task
    y = rng.integers(draw(st.integers(1, 6)), size=len(task))
    if draw(st.booleans()):
        y = np.array(["lose", "draw", "win", "void", "none", "left"])[y]
    shuffle = draw(st.booleans())
    cv = TaskKFold(
        draw(st.integers(2, 6)),
        shuffle=shuffle,
        random_state=draw(st.integers(0, 99)) if shuffle else None,
        single_rows=draw(st.sampled_from(["train", "test"])),
    )
    return task, y, cv


@settings(deadline=None, max_examples=200)
@given(tables(), st.booleans())
def test_folds_are_balanced_at_every_level(table, with_y):
    task, y, cv = table
    single = np.bincount(task)[task] == 1
    tested = np.ones(len(task), bool) if cv.single_rows == "test" else ~single
    assume(tested.sum() >= cv.n_splits)
    fold = folds(cv, task[:, None], y if with_y else None)
    np.testing.assert_array_equal(fold >= 0, tested)
    assert spread(fold, cv.n_splits) <= 1
    for t in np.unique(task):
        assert spread(fold[task == t], cv.n_splits) <= 1
        for label in np.unique(y) if with_y else ():
            assert spread(fold[(task == t) & (y == label)], cv.n_splits) <= 1


@settings(deadline=None, max_examples=100)
@given(tables())
def test_every_training_part_has_every_task(table):
    task, y, cv = table
    single = np.bincount(task)[task] == 1
    assume((~single).sum() >= cv.n_splits)
    for train, test in cv.split(task[:, None], y):
        assert len(test)
        unseen = np.setdiff1d(task, task[train])
        expected = task[test][single[test]]
        np.testing.assert_array_equal(unseen, np.unique(expected))
        assert cv.single_rows == "test" or not len(unseen)


@settings(deadline=None, max_examples=50)
@given(tables())
def test_targets_that_differ_within_tasks_change_nothing(table):
    task, _, cv = table
    single = np.bincount(task)[task] == 1
    assume((~single).sum() >= cv.n_splits)
    X = task[:, None]
    scores = np.random.default_rng(0).permutation(len(task))
    ranks = [np.sum(scores[task == t] < s) for t, s in zip(task, scores, strict=True)]
    for y in (scores, scores + 0.5, ranks):
        np.testing.assert_array_equal(folds(cv, X), folds(cv, X, y))


def test_rows_are_dealt_in_turn():
    X = np.array(["b", "a", "b", "b", "a", "b", "b"], dtype=object)[:, None]
    fold = folds(TaskKFold(3), X)
    # task "a" gets the folds 0, 1; task "b" goes on at fold 2
    assert fold.tolist() == [2, 0, 0, 1, 1, 2, 0]


def test_rare_labels_are_in_different_folds():
    task = np.repeat([0, 1], 20)
    y = np.zeros(40, int)
    rare = [0, 1, 2, 20, 25, 30]
    y[rare] = 1
    fold = folds(TaskKFold(3), task[:, None], y)
    assert sorted(fold[rare[:3]]) == [0, 1, 2]
    assert sorted(fold[rare[3:]]) == [0, 1, 2]


def test_labels_may_be_of_mixed_type_or_missing():
    X = np.repeat([0, 1], 3)[:, None]
    y = np.array([1, "a", None, float("nan"), 1, "a"], dtype=object)
    assert spread(folds(TaskKFold(3), X, y), 3) == 0


def test_containers_agree():
    X, y = make_schools()
    polars = pl.DataFrame({name: X[name].tolist() for name in X})
    codes = X["school"].astype("category").cat.codes.to_numpy()
    expected = folds(TaskKFold(4, task_column="school"), X, y)
    tables = {
        "school": [X, polars, X.sample(frac=1, axis=1, random_state=0)],
        1: [X, polars, X.to_numpy(), X.to_numpy().tolist(), X.assign(school=codes)],
        -3: [X, polars, X.to_numpy()],
    }
    tables["school"] += [X.astype({"school": "category"}), X.assign(a="text", b=None)]
    for column, frames in tables.items():
        for table in frames:
            fold = folds(TaskKFold(4, task_column=column), table, y)
            np.testing.assert_array_equal(fold, expected)
    numbers = np.column_stack([X["a"], codes])
    fold = folds(TaskKFold(4, task_column=1), numbers, pl.Series(y))
    np.testing.assert_array_equal(fold, expected)


def test_integer_names_of_columns_come_before_positions():
    X = pd.DataFrame({1: [0.5, 1.5, 2.5, 3.5], 0: [7, 7, 8, 8]})
    assert folds(TaskKFold(2, task_column=0), X).tolist() == [0, 1, 0, 1]
    with pytest.raises(ValueError, match="not a whole number"):
        folds(TaskKFold(2, task_column=1), X)


def test_shuffling():
    X, y = make_schools()
    first, again, other = (
        folds(TaskKFold(5, task_column="school", shuffle=True, random_state=s), X, y)
        for s in (0, 0, 1)
    )
    np.testing.assert_array_equal(first, again)
    # within a task too, not just between tasks
    pairs = [fold[:40, None] == fold[:40] for fold in (first, other)]
    assert not np.array_equal(*pairs)
    cv = TaskKFold(5, task_column="school", shuffle=True)
    assert not np.array_equal(folds(cv, X, y), folds(cv, X, y))
    rng = np.random.RandomState(0)
    cv = TaskKFold(5, task_column="school", shuffle=True, random_state=rng)
    assert not np.array_equal(folds(cv, X, y), folds(cv, X, y))


@pytest.mark.parametrize(
    ("table", "task_column", "message"),
    [
        ([np.ones((3, 2)), np.ones((4, 2))], 0, "list of 2 tasks.*stack_tasks"),
        ({"a": np.ones((3, 2))}, 0, "list of 1 tasks.*stack_tasks"),
        (np.ones((4, 2)), 2, "task_column=2 is not a column.* 2 columns"),
        (np.ones((4, 2)), "school", "'school' is not a column.*pass a frame"),
        (pd.DataFrame({"a": [1, 2]}), "school", r"no column 'school'.*\['a'\]"),
        (pd.DataFrame({"a": [1, 2]}), 1, r"no column 1.*\['a'\]"),
        (pd.DataFrame({"s": ["a", None, "b"]}), "s", "missing label in row 1"),
        (pl.DataFrame({"s": ["a", None, "b"]}), "s", "missing label in row 1"),
        (np.array([[0.0], [np.nan], [1.0]]), 0, "missing label in row 1"),
        (np.array([[0.0], [0.5], [1.0]]), 0, "0.5 in row 1.*not a whole number"),
        (np.ones((3, 2)) / 7, 0, "If X has no task column.*KFold.*MultiTaskSearchCV"),
        (np.zeros((2, 1)), 0, "n_splits=3 is greater.*tested, 2.$"),
        (np.arange(9)[:, None], 0, "tested, 0, not counting 9 tasks of one row"),
        (np.ones((2, 3, 4)), 0, "array of shape"),
    ],
)
def test_bad_tables_are_refused(table, task_column, message):
    with pytest.raises(ValueError, match=message):
        next(TaskKFold(3, task_column=task_column).split(table))


def test_bad_targets_are_refused():
    X = np.repeat([0, 1], 3)[:, None]
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        next(TaskKFold(2).split(X, np.zeros(5)))
    with pytest.raises(ValueError, match="1d array"):
        next(TaskKFold(2).split(X, np.zeros((6, 2))))


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"n_splits": 1}, "at least 2"),
        ({"n_splits": 2.5}, "integer"),
        ({"task_column": None}, "task_column"),
        ({"shuffle": 1}, "shuffle"),
        ({"random_state": 0}, "random_state has no effect"),
        ({"single_rows": "drop"}, "single_rows"),
    ],
)
def test_bad_parameters_are_refused(parameters, message):
    with pytest.raises(ValueError, match=message):
        TaskKFold(**parameters)


def test_is_a_scikit_learn_splitter():
    cv = TaskKFold(3, task_column="school", shuffle=True, random_state=4)
    assert cv.get_n_splits() == 3
    assert "task_column='school'" in repr(cv)
    X, y = make_schools()
    grid = GridSearchCV(MultiTaskMeanRegressor(), {}, cv=cv)
    np.testing.assert_array_equal(folds(clone(grid).cv, X, y), folds(cv, X, y))


ESTIMATORS = [
    MultiTaskMeanRegressor,
    MultiTaskL21Regressor,
    SingleTaskRegressor,
    PooledRegressor,
]


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda e: e.__name__)
def test_cross_validate_on_tables_sorted_by_task(estimator):
    X, y = make_schools()
    polars = pl.DataFrame({name: X[name].tolist() for name in X})
    scores = []
    for table, column in [(X, "school"), (polars, "school"), (X.to_numpy(), 1)]:
        model = make_pipeline(
            TaskScaler(task_column=column), estimator(0.01, task_column=column)
        )
        cv = TaskKFold(3, task_column=column)
        result = cross_validate(model, table, y, cv=cv, error_score="raise")
        scores.append(result["test_score"])
    assert np.isfinite(scores).all()
    np.testing.assert_allclose(scores[1:], [scores[0]] * 2)


def test_plain_folds_miss_tasks_where_these_do_not():
    X, y = make_schools()
    model = SingleTaskRegressor(task_column="school", unseen_task="error")
    with pytest.raises(ValueError, match="TaskKFold"):
        cross_validate(model, X, y, cv=KFold(5), error_score="raise")
    cv = TaskKFold(5, task_column="school")
    cross_validate(model, X, y, cv=cv, error_score="raise")


def test_grid_search_of_the_readme():
    X, y = make_schools()
    strengths = [0.01, 0.1, 1.0, 10.0]
    cv = TaskKFold(5, task_column="school")
    search = GridSearchCV(
        make_pipeline(
            TaskScaler(task_column="school"),
            MultiTaskMeanRegressor(task_column="school"),
        ),
        {"multitaskmeanregressor__lambda1": strengths},
        scoring="neg_mean_squared_error",
        cv=cv,
        error_score="raise",
    ).fit(X, y)
    assert len(search.best_estimator_[-1].tasks_) == len(SIZES)
    features = ["a", "b", "c"]
    for strength, score in zip(
        strengths, search.cv_results_["mean_test_score"], strict=True
    ):
        errors = []
        for train, test in cv.split(X, y):
            mean, scale = X[features].iloc[train].mean(), X[features].iloc[train].std()
            Z = X.copy()
            Z[features] = (X[features] - mean) / (scale * np.sqrt(1 - 1 / len(train)))
            model = MultiTaskMeanRegressor(strength, task_column="school")
            model.fit(Z.iloc[train], y[train])
            errors.append(np.mean((model.predict(Z.iloc[test]) - y[test]) ** 2))
        assert score == pytest.approx(-np.mean(errors), rel=1e-6)


def test_cross_val_predict():
    X, y = make_schools()
    model = MultiTaskMeanRegressor(lambda1=0.1, task_column="school")
    cv = TaskKFold(4, task_column="school")
    predicted = cross_val_predict(model, X, y, cv=cv)
    for train, test in cv.split(X, y):
        expected = model.fit(X.iloc[train], y[train]).predict(X.iloc[test])
        np.testing.assert_allclose(predicted[test], expected)


def test_single_rows():
    X, y = make_schools(sizes=(12, 1, 8, 1))
    model = MultiTaskMeanRegressor(
        lambda1=0.1, task_column="school", unseen_task="mean"
    )
    stay = TaskKFold(4, task_column="school")
    with pytest.raises(ValueError, match="partition"):
        cross_val_predict(model, X, y, cv=stay)
    dealt = TaskKFold(4, task_column="school", single_rows="test")
    predicted = cross_val_predict(model, X, y, cv=dealt)
    rest = np.arange(len(y)) != 12
    fold = folds(dealt, X, y)
    train = rest & (fold != fold[12])
    expected = model.fit(X[train], y[train]).predict(X.iloc[[12]])
    np.testing.assert_allclose(predicted[[12]], expected)
    refuses = clone(model).set_params(unseen_task="error")
    cross_validate(refuses, X, y, cv=stay, error_score="raise")
    with pytest.raises(ValueError, match="not fitted with"):
        cross_val_predict(refuses, X, y, cv=dealt)


def test_lists_are_stacked_first():
    rng = np.random.default_rng(0)
    Xs = [rng.normal(size=(n, 2)) for n in (10, 6, 4)]
    ys = [X.sum(axis=1) for X in Xs]
    model = MultiTaskMeanRegressor(lambda1=0.1, task_column=0)
    search = GridSearchCV(model, {"lambda2": [0.0, 1.0]}, cv=TaskKFold(2))
    assert search.fit(*stack_tasks(Xs, ys)).best_params_ == {"lambda2": 0.0}
    with pytest.raises(ValueError, match="stack_tasks"):
        search.fit(Xs, ys)


def test_other_columns_may_hold_text():
    X, y = make_schools()
    X["kind"] = np.where(np.arange(len(X)) % 3, "public", "private")
    encode = make_column_transformer(
        (OneHotEncoder(drop="first", sparse_output=False), ["kind"]),
        remainder="passthrough",
        verbose_feature_names_out=False,
    ).set_output(transform="pandas")
    model = make_pipeline(
        encode,
        TaskScaler(task_column="school"),
        MultiTaskMeanRegressor(lambda1=0.1, task_column="school"),
    )
    cv = TaskKFold(3, task_column="school")
    result = cross_validate(model, X, y, cv=cv, error_score="raise")
    assert np.all(result["test_score"] > 0.5)


def test_metadata_routing_leaves_it_alone():
    X, y = make_schools()
    cv = TaskKFold(3, task_column="school")
    with sklearn.config_context(enable_metadata_routing=True):
        model = MultiTaskMeanRegressor(task_column="school")
        model.set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
        search = GridSearchCV(model, {"lambda1": [0.1, 1.0]}, cv=cv)
        search.fit(X, y, sample_weight=np.ones(len(y)))
    assert search.best_score_ > 0.5


def test_serves_models_of_others():
    X, y = make_schools()
    X["school"] = X["school"].astype("category").cat.codes
    cv = TaskKFold(3, task_column="school")
    assert np.all(cross_validate(Ridge(), X, y, cv=cv)["test_score"] > 0)


@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("crossed", [False, True])
def test_groups_stay_together(crossed, shuffle):
    rng = np.random.default_rng(0)
    task = np.repeat([0, 1, 2, 3], [60, 40, 30, 1])
    pupil = rng.integers(25, size=len(task))
    groups = pupil if crossed else 100 * task + pupil
    cv = TaskKFold(4, shuffle=shuffle, random_state=0 if shuffle else None)
    fold = np.full(len(task), -1)
    for k, (train, test) in enumerate(cv.split(task[:, None], groups=groups)):
        assert not set(groups[train]) & set(groups[test]) - {groups[-1]}
        assert set(task[train]) == {0, 1, 2, 3}
        fold[test] = k
    assert fold[-1] == -1  # the only row of its task stays in training
    for t in range(3):
        counts = np.bincount(fold[task == t], minlength=4)
        largest = np.bincount(groups[task == t]).max()
        assert counts.max() - counts.min() <= (3 if crossed else 1) * largest


def test_a_task_of_one_group_stays_in_training():
    task = np.repeat([0, 1], [4, 6])
    groups = np.r_[0, 0, 0, 0, 1, 1, 2, 2, 3, 3]
    tested = np.concatenate(
        [t for _, t in TaskKFold(3).split(task[:, None], None, groups)]
    )
    np.testing.assert_array_equal(np.sort(tested), np.arange(4, 10))
    cv = TaskKFold(3, single_rows="test")
    tested = np.concatenate([t for _, t in cv.split(task[:, None], None, groups)])
    np.testing.assert_array_equal(np.sort(tested), np.arange(10))


def test_too_few_groups_are_refused():
    with pytest.raises(ValueError, match="number of groups, 2"):
        next(TaskKFold(3).split(np.zeros((6, 1)), None, [0, 0, 0, 1, 1, 1]))


def test_repetitions_differ_and_are_reproducible():
    X, y = make_schools()
    cv = RepeatedTaskKFold(3, n_repeats=4, task_column="school", random_state=0)
    splits = list(cv.split(X, y))
    assert len(splits) == cv.get_n_splits() == 12
    first = [test.tolist() for _, test in splits]
    assert first == [test.tolist() for _, test in cv.split(X, y)]
    assert len({str(test) for test in first}) == 12
    for i in range(4):
        rows = np.concatenate(first[3 * i : 3 * i + 3])
        np.testing.assert_array_equal(np.sort(rows), np.arange(len(y)))
    for options in ({"n_splits": 1}, {"n_repeats": 0}, {"single_rows": "no"}):
        with pytest.raises(ValueError, match=next(iter(options))):
            RepeatedTaskKFold(**options)
