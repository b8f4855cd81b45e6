"""Metrics by task against scikit-learn's, and scorers that see the task column."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn import metrics as sk
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score, cross_validate
from sklearn.pipeline import make_pipeline

from pymtl import (
    MultiTaskMeanRegressor,
    PooledRegressor,
    SingleTaskRegressor,
    TaskKFold,
    TaskScaler,
    stack_tasks,
)
from pymtl.metrics import METRICS, get_scorer, get_scorer_names, multitask_score

SIZES = (12, 7, 30)


def nmse(y, z, sample_weight=None):
    mean = np.average(y, weights=sample_weight)
    return amse(y - mean, z - mean, sample_weight)


def amse(y, z, sample_weight=None):
    error = np.average((y - z) ** 2, weights=sample_weight)
    return error / np.average(y**2, weights=sample_weight)


THEIRS = {
    "r2": sk.r2_score,
    "mse": sk.mean_squared_error,
    "rmse": sk.root_mean_squared_error,
    "nmse": lambda y, z, sample_weight=None: (
        sk.mean_squared_error(y, z, sample_weight=sample_weight)
        / np.average(
            (y - np.average(y, weights=sample_weight)) ** 2, weights=sample_weight
        )
    ),
    "amse": lambda y, z, sample_weight=None: (
        np.average((y - z) ** 2, weights=sample_weight)
        / np.average(y**2, weights=sample_weight)
    ),
    "accuracy": sk.accuracy_score,
    "balanced_accuracy": sk.balanced_accuracy_score,
    "f1": sk.f1_score,
    "roc_auc": sk.roc_auc_score,
}
LABELS = ("accuracy", "balanced_accuracy", "f1", "roc_auc")


def make_targets(metric, seed=0):
    rng = np.random.default_rng(seed)
    if metric not in LABELS:
        ys = [rng.normal(10 * t, 1 + t, size=n) for t, n in enumerate(SIZES)]
        return ys, [y + rng.normal(size=len(y)) for y in ys]
    ys = [np.r_[0, 1, rng.integers(2, size=n - 2)] for n in SIZES]
    if metric == "roc_auc":
        return ys, [y + rng.normal(size=len(y)) for y in ys]
    return ys, [np.where(rng.random(len(y)) < 0.7, y, 1 - y) for y in ys]


def forms(ys, zs, ws):
    """Yield the targets, predictions, weights and tasks through every door."""
    yield ys, zs, ws, None
    keys = ["b", "a", "c"]
    yield (*(dict(zip(keys, v, strict=True)) for v in (ys, zs, ws)), None)
    task = np.repeat([1, 5, 7], SIZES)
    rows = np.random.default_rng(0).permutation(len(task))
    long = [np.concatenate(v)[rows] for v in (ys, zs, ws)]
    yield (*long, task[rows])
    yield (*map(pd.Series, long), pd.Series(task[rows]).astype(str))
    wide = np.full((3, max(SIZES), len(SIZES)), np.nan)
    for t, n in enumerate(SIZES):
        wide[:, :n, t] = ys[t], zs[t], ws[t]
    yield wide[0], np.nan_to_num(wide[1]), np.nan_to_num(wide[2]), None


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("metric", METRICS)
def test_each_task_has_the_metric_of_scikit_learn(metric, weighted):
    ys, zs = make_targets(metric)
    ws = [np.random.default_rng(1).uniform(0.5, 2, size=len(y)) for y in ys]
    used = ws if weighted else [None] * 3
    expected = [
        THEIRS[metric](y, z, sample_weight=w)
        for y, z, w in zip(ys, zs, used, strict=True)
    ]
    size = [w.sum() for w in ws] if weighted else SIZES
    flat = [np.concatenate(v) for v in (ys, zs, ws)]
    pooled = THEIRS[metric](
        flat[0], flat[1], sample_weight=flat[2] if weighted else None
    )
    for y, z, w, task in forms(ys, zs, ws):
        options = {"task": task, "sample_weight": w if weighted else None}
        score = [
            multitask_score(metric, y, z, average=average, **options)
            for average in (None, "macro", "weighted", "pooled")
        ]
        assert_allclose(score[0], expected)
        assert score[1] == pytest.approx(np.mean(expected))
        assert score[2] == pytest.approx(np.average(expected, weights=size))
        assert score[3] == pytest.approx(pooled)


def test_two_explained_variances():
    ys, zs = make_targets("r2")
    y, z = np.concatenate(ys), np.concatenate(zs)
    pooled = multitask_score("explained_variance_pooled", ys, zs)
    assert pooled == pytest.approx(1 - np.mean((y - z) ** 2) / np.var(y))
    within = multitask_score("explained_variance_within", ys, zs)
    each = [1 - np.mean((y - z) ** 2) / np.var(y) for y, z in zip(ys, zs, strict=True)]
    assert within == pytest.approx(np.average(each, weights=SIZES))
    assert pooled - within > 0.1  # the task means are far apart


def test_what_is_undefined_is_left_out():
    ys = [np.array([1.0, 2.0, 3.0]), np.array([2.0, 2.0]), np.array([4.0]), np.zeros(2)]
    zs = [y + 0.5 for y in ys]
    for metric in ("r2", "nmse"):
        scores = multitask_score(metric, ys, zs, average=None)
        assert_array_equal(np.isnan(scores), [False, True, True, True])
        assert multitask_score(metric, ys, zs) == scores[0]
        assert np.isnan(multitask_score(metric, ys[1:2], zs[1:2]))
    amse = multitask_score("amse", ys, zs, average=None)
    assert_array_equal(np.isnan(amse), [False, False, False, True])
    mse = multitask_score("mse", ys, zs, average=None)
    assert_allclose(mse, 0.25)
    labels = [np.array([0, 1, 1]), np.array([1, 1])]
    auc = multitask_score(
        "roc_auc", labels, [[0.1, 0.9, 0.8], [0.2, 0.3]], average=None
    )
    assert_array_equal(auc, [1.0, np.nan])
    f1 = multitask_score("f1", [[0, 0], [1, 0]], [[0, 0], [1, 0]], average=None)
    assert_array_equal(f1, [0.0, 1.0])
    balanced = multitask_score("balanced_accuracy", [[1, 1]], [[1, 0]], average=None)
    assert_array_equal(balanced, [0.5])
    Y = np.array([[1.0, np.nan], [2.0, np.nan]])
    assert_array_equal(
        multitask_score("mse", Y, np.ones((2, 2)), average=None), [0.5, np.nan]
    )


def test_labels_of_any_kind():
    ys = [np.array(["no", "yes", "no"]), np.array(["yes", "yes"])]
    zs = [np.array(["no", "yes", "yes"]), np.array(["yes", "no"])]
    assert_allclose(multitask_score("accuracy", ys, zs, average=None), [2 / 3, 0.5])
    expected = [sk.f1_score(y, z, pos_label="yes") for y, z in zip(ys, zs, strict=True)]
    assert_allclose(multitask_score("f1", ys, zs, average=None), expected)
    many = [np.array([0, 1, 2, 2]), np.array([2, 1])]
    other = [np.array([0, 1, 2, 1]), np.array([2, 2])]
    expected = [
        sk.f1_score(y, z, average="macro", labels=[0, 1, 2], zero_division=0)
        for y, z in zip(many, other, strict=True)
    ]
    assert_allclose(multitask_score("f1", many, other, average=None), expected)


def test_a_metric_of_the_user():
    ys, zs = make_targets("mse")
    scores = multitask_score(sk.mean_absolute_error, ys, zs, average=None)
    expected = [np.abs(y - z).mean() for y, z in zip(ys, zs, strict=True)]
    assert_allclose(scores, expected)


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        (("r3", [[1.0]], [[1.0]]), "r3"),
        (("r2", [[1.0, 2.0]], [[1.0]]), "Task 0: lengths"),
        (("r2", [[1.0]], [[1.0], [2.0]]), "y_pred has 2 tasks"),
        (("r2", {"a": [1.0]}, {"b": [1.0]}), "y_pred has 1 tasks"),
        (("r2", {"a": [1.0]}, [[1.0]]), "both be dicts"),
        (("r2", np.ones((3, 2)), np.ones((3, 3))), "shape"),
        (("r2", np.ones(3), np.ones(4)), "inconsistent"),
    ],
)
def test_bad_input_is_refused(arguments, match):
    with pytest.raises(ValueError, match=match):
        multitask_score(*arguments)


def test_bad_average_is_refused():
    with pytest.raises(ValueError, match="average"):
        multitask_score("r2", [[1.0]], [[1.0]], average="micro")


def make_table(seed=0):
    rng = np.random.default_rng(seed)
    Xs = [rng.normal(size=(n, 3)) for n in (30, 20, 11)]
    ys = [X @ [1, 1 + t, 0] + 5 * t + rng.normal(size=len(X)) for t, X in enumerate(Xs)]
    return Xs, ys, *stack_tasks(Xs, ys)


@pytest.mark.parametrize("name", get_scorer_names())
def test_scorers_see_the_task_column(name):
    Xs, ys, X, y = make_table()
    if name.split("_")[-2] in ("auc", "accuracy", "f1"):
        ys = [(v > np.median(v)).astype(int) for v in ys]
        y = np.concatenate(ys)
        model = Scores(task_column=0).fit(X, y)
    else:
        model = MultiTaskMeanRegressor(task_column=0).fit(X, y)
    scorer = get_scorer(name)
    assert name in repr(scorer)
    sign = -1 if name.startswith("neg_") else 1
    metric, average = name, "macro"
    if not name.startswith("explained"):
        metric, average = name.removeprefix("neg_").removeprefix("task_").rsplit("_", 1)
    z = model.decision_function(X) if metric == "roc_auc" else model.predict(X)
    zs = np.split(z, np.cumsum([30, 20]))
    expected = sign * multitask_score(metric, ys, zs, average=average)
    rows = np.random.default_rng(0).permutation(len(y))
    assert scorer(model, X[rows], y[rows]) == pytest.approx(expected)
    frame = pd.DataFrame(X[rows], columns=["school", "a", "b", "c"])
    named = clone(model).set_params(task_column="school").fit(frame, y[rows])
    assert scorer(named, frame, y[rows]) == pytest.approx(expected)


class Scores(ClassifierMixin, BaseEstimator):
    """A classifier of the long table that ignores the task."""

    def __init__(self, task_column=None):
        self.task_column = task_column

    def fit(self, X, y):
        self.model_ = LogisticRegression().fit(np.asarray(X)[:, 1:], y)
        self.classes_ = self.model_.classes_
        return self

    def predict(self, X):
        return self.model_.predict(np.asarray(X)[:, 1:])

    def decision_function(self, X):
        return self.model_.decision_function(np.asarray(X)[:, 1:])


def test_probabilities_are_scores_too():
    _, _, X, y = make_table()
    y = (y > np.median(y)).astype(int)

    class Probabilities(Scores):
        decision_function = property()

        def predict_proba(self, X):
            return self.model_.predict_proba(np.asarray(X)[:, 1:])

    scorer = get_scorer("task_roc_auc_pooled")
    a = scorer(Scores(task_column=0).fit(X, y), X, y)
    b = scorer(Probabilities(task_column=0).fit(X, y), X, y)
    assert a == pytest.approx(b)


def test_scorers_of_the_other_doors():
    Xs, ys, X, y = make_table()
    scorer = get_scorer("task_r2_macro")
    lists = SingleTaskRegressor().fit(Xs, ys)
    long = SingleTaskRegressor(task_column=0).fit(X, y)
    assert scorer(lists, Xs, ys) == pytest.approx(scorer(long, X, y))
    assert scorer(lists, Xs, ys) == pytest.approx(lists.score(Xs, ys))
    named = dict(zip("abc", Xs, strict=True)), dict(zip("abc", ys, strict=True))
    dicts = SingleTaskRegressor().fit(*named)
    assert scorer(dicts, *named) == pytest.approx(lists.score(Xs, ys))
    Y = np.column_stack([Xs[0] @ [1, 2, 3], Xs[0] @ [1, 0, 3]]) + 1
    Y[:3, 0] = np.nan
    shared = SingleTaskRegressor(10.0).fit(Xs[0], Y)
    assert scorer(shared, Xs[0], Y) == pytest.approx(shared.score(Xs[0], Y))
    single = SingleTaskRegressor().fit(Xs[0], ys[0])
    assert scorer(single, Xs[0], ys[0]) == pytest.approx(single.score(Xs[0], ys[0]))


def test_scorers_in_searches_and_pipelines():
    _, _, X, y = make_table()
    model = make_pipeline(TaskScaler(task_column=0), PooledRegressor(task_column=0))
    cv = TaskKFold(3)
    scorer = get_scorer("task_r2_macro")
    scores = cross_val_score(model, X, y, cv=cv, scoring=scorer)
    for score, (train, test) in zip(scores, cv.split(X, y), strict=True):
        z = clone(model).fit(X[train], y[train]).predict(X[test])
        expected = multitask_score("r2", y[test], z, task=X[test, 0])
        assert score == pytest.approx(expected)
    grid = {"pooledregressor__lambda2": [0.1, 10.0]}
    search = GridSearchCV(model, grid, cv=cv, scoring=scorer).fit(X, y)
    assert search.score(X, y) == pytest.approx(
        multitask_score("r2", y, search.predict(X), task=X[:, 0])
    )
    assert scorer(search, X, y) == pytest.approx(search.score(X, y))
    several = {"r2": scorer, "rmse": get_scorer("neg_task_rmse_weighted")}
    result = cross_validate(model, X, y, cv=cv, scoring=several)
    assert_allclose(result["test_r2"], scores)


def test_names_of_scikit_learn_pass_through():
    assert repr(get_scorer("r2")) == repr(sk.get_scorer("r2"))
    scorer = sk.make_scorer(sk.r2_score)
    assert get_scorer(scorer) is scorer
    assert not set(get_scorer_names()) & set(sk.get_scorer_names())
    with pytest.raises(ValueError, match="task_r2_macro"):
        get_scorer("r3")
