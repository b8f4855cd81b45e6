"""Tasks at prediction that were not in fit."""

import re
import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.model_selection import (
    GridSearchCV,
    KFold,
    cross_val_predict,
    cross_val_score,
)
from sklearn.pipeline import make_pipeline

import pymtl
from pymtl import (
    MultiTaskClassifier,
    MultiTaskDataSharedRegressor,
    MultiTaskDirtyRegressor,
    MultiTaskGraphRegressor,
    MultiTaskL21Regressor,
    MultiTaskMeanClassifier,
    MultiTaskMeanRegressor,
    MultiTaskNetworkLassoRegressor,
    MultiTaskRegressor,
    MultiTaskRobustLowRankRegressor,
    MultiTaskSearchCV,
    MultiTaskSparseLowRankRegressor,
    MultiTaskTemporalGroupRegressor,
    MultiTaskTreeRegressor,
    PooledClassifier,
    PooledRegressor,
    SingleTaskRegressor,
    TaskScaler,
    stack_tasks,
)
from pymtl.penalties import L1, L21, Components, Penalty, Ridge

TWO_PARTS = [
    MultiTaskDataSharedRegressor(0.05, 0.05),
    MultiTaskDirtyRegressor(0.1, 0.05),
    MultiTaskRobustLowRankRegressor(0.1, 0.07),
    MultiTaskSparseLowRankRegressor(0.05, 0.1),
    MultiTaskRegressor(Components(L21(0.1), L1(0.05)) + Ridge(0.01)),
]
MEANS = [
    MultiTaskMeanRegressor(0.1, 0.05),
    MultiTaskL21Regressor(0.1),
    MultiTaskGraphRegressor(0.1),
    MultiTaskTreeRegressor(0.1, tree=[[0, 1], [2, 3]]),
    SingleTaskRegressor(0.1),
    MultiTaskRegressor(L21(0.1) + Ridge(0.1)),
]
LOST = [
    (MultiTaskGraphRegressor(graph=np.ones((4, 4)) - np.eye(4)), "neighbours="),
    (MultiTaskNetworkLassoRegressor(graph=np.ones((4, 4)) - np.eye(4)), "neighbours="),
    (MultiTaskGraphRegressor(graph="order"), "time="),
    (MultiTaskTemporalGroupRegressor(), "time="),
]


def make_table(n_tasks=4, n=15):
    rng = np.random.default_rng(0)
    Xs = [rng.normal(size=(n, 3)) + 1 for _ in range(n_tasks)]
    ys = [X @ [1, 2, -1] + t + 0.1 * rng.normal(size=n) for t, X in enumerate(Xs)]
    return stack_tasks(Xs, ys)


def newcomers(X):
    """Two tasks that were not in fit, of three rows in all, and one that was."""
    new = X[:4].copy()
    new[:, 0] = [7, 7, 9, 2]
    return new


def name_of(value):
    return type(value).__name__


@pytest.mark.parametrize("model", MEANS + TWO_PARTS, ids=name_of)
def test_what_is_shared(model):
    X, y = make_table()
    new = newcomers(X)
    model.set_params(task_column=0).fit(X, y)
    with pytest.warns(UserWarning, match=r"2 tasks \(3 of 4 rows\): 7, 9") as caught:
        z = model.predict(new)
    assert len(caught) == 1
    two = model in TWO_PARTS
    assert ("part that the tasks share" in str(caught[0].message)) == two
    coef = (model.shared_coef_ if two else model.coef_).mean(axis=0)
    assert_allclose(z[:3], new[:3, 1:] @ coef + model.intercept_.mean())
    assert_allclose(z[3], new[3, 1:] @ model.coef_[2] + model.intercept_[2])
    model.set_params(unseen_task="mean")  # without a warning
    z = model.predict(new)[:3]
    assert_allclose(z, new[:3, 1:] @ model.coef_.mean(0) + model.intercept_.mean())


@pytest.mark.parametrize(("model", "place"), LOST, ids=lambda v: name_of(v))
def test_no_place(model, place):
    X, y = make_table()
    model.set_params(task_column=0).fit(X, y)
    match = rf"2 tasks \(3 of 4 rows\): 7, 9.*{place}.*TaskKFold.*unseen_task='mean'"
    with pytest.raises(ValueError, match=match):
        model.predict(newcomers(X))
    assert np.isfinite(model.set_params(unseen_task="mean").predict(X)).all()


def test_structure_of_a_user():
    class Rows(Penalty):
        """Norms of rows; what it is for a new task is not said."""

        separable = "row"

        def __init__(self, lambda1=0.1):
            self.lambda1 = lambda1

        def value(self, W):
            return L21(self.lambda1).value(W)

        def prox(self, V, step):
            return L21(self.lambda1).prox(V, step)

    X, y = make_table()
    model = MultiTaskRegressor(Rows(), task_column=0, tol=1e-3).fit(X, y)
    with pytest.warns(UserWarning, match="mean of the tasks"):
        model.predict(newcomers(X))


def test_errors_count():
    X, y = make_table()
    new = np.vstack([X, X[:9]])
    new[-9:, 0] = np.arange(20, 29)
    model = MultiTaskMeanRegressor(task_column=0, unseen_task="error").fit(X, y)
    match = r"9 tasks \(9 of 69 rows\): 20, 21, 22, 23, 24, \.\.\..*TaskKFold"
    with pytest.raises(ValueError, match=match):
        model.predict(new)


def test_pooled_model_knows_every_task():
    X, y = make_table()
    for model in (PooledRegressor(), PooledClassifier()):
        labels = y if isinstance(model, PooledRegressor) else y > np.median(y)
        model.set_params(task_column=0).fit(X, labels)
        z = model.predict(newcomers(X))
        assert (z == model.predict(np.column_stack([np.ones(4), X[:4, 1:]]))).all()


@pytest.mark.parametrize("n_classes", [2, 3])
def test_classes(n_classes):
    X, y = make_table()
    y = y - X[:, 0]
    edges = np.quantile(y, np.arange(1, n_classes) / n_classes)
    labels = np.array(["low", "mid", "top"])[np.digitize(y, edges)]
    model = MultiTaskMeanClassifier(0.1, task_column=0, fit_intercept="shrink")
    model.fit(X, labels)
    new = newcomers(X)
    with pytest.warns(UserWarning, match=r"2 tasks \(3 of 4 rows\)"):
        p = model.predict_proba(new)
    z = new[:3, 1:] @ model.coef_.mean(0).T + model.intercept_.mean(0)
    if n_classes == 2:
        z = np.column_stack([np.zeros(3), z])
    expected = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    assert_allclose(p[:3], expected)
    with pytest.warns(UserWarning, match=r"2 tasks \(3 of 4 rows\)"):
        assert (model.predict(new) == model.classes_[p.argmax(axis=1)]).all()


@pytest.mark.parametrize("unseen_task", ["structure", "mean"])
def test_tasks_with_classes_of_their_own(unseen_task):
    X, y = make_table(2)
    Xs = {"a": X[:15, 1:], "b": X[15:, 1:]}
    ys = {"a": np.where(y[:15] > 1, "x", "y"), "b": np.where(y[15:] > 2, "u", "v")}
    model = MultiTaskClassifier(unseen_task=unseen_task).fit(Xs, ys)
    with pytest.raises(ValueError, match=r"'c'.*classes of their own"):
        model.predict({"c": Xs["a"]})


def test_tasks_of_one_class():
    """The mean intercept is that of the tasks that have one."""
    X, y = make_table()
    labels = np.where((y > np.median(y)) | (X[:, 0] == 3), 1, 0)
    options = {"single_class": "constant", "unseen_task": "mean", "task_column": 0}
    model = MultiTaskMeanClassifier(0.1, **options).fit(X, labels)
    assert np.isinf(model.intercept_[3])
    z = model.decision_function(newcomers(X))[:3]
    expected = newcomers(X)[:3, 1:] @ model.coef_.mean(0) + model.intercept_[:3].mean()
    assert_allclose(z, expected)


def test_dict_of_new_tasks():
    X, y = make_table()
    model = MultiTaskMeanRegressor(0.1).fit(
        {"a": X[:30, 1:], "b": X[30:, 1:]}, [*np.split(y, 2)]
    )
    with pytest.warns(UserWarning, match=r"1 task \(15 of 30 rows\): 'c'"):
        z = model.predict({"c": X[:15, 1:], "a": X[15:30, 1:]})
    assert_allclose(z["c"], X[:15, 1:] @ model.coef_.mean(0) + model.intercept_.mean())


@pytest.mark.filterwarnings("ignore:.*was not fitted with:UserWarning")
@pytest.mark.parametrize("name", ["Mean", "L21", "TraceNorm", "Dirty", "Clustered"])
def test_ordinary_folds(name):
    """Folds that miss tasks have a score, and predict what the fit of the rest says."""
    X, y = make_table()
    model = getattr(pymtl, f"MultiTask{name}Regressor")(task_column=0)
    assert np.isfinite(cross_val_score(model, X, y, cv=5, error_score="raise")).all()
    pipe = make_pipeline(TaskScaler(task_column=0, per_task=True), model)
    assert np.isfinite(cross_val_score(pipe, X, y, cv=5, error_score="raise")).all()
    z = cross_val_predict(model, X, y, cv=KFold(4))
    shared = model.fit(X[15:], y[15:])
    assert_allclose(z[:15], shared.predict(X[:15]))
    labels = np.where(y > X[:, 0], "pass", "fail")
    model = getattr(pymtl, f"MultiTask{name}Classifier")
    model = model(task_column=0, fit_intercept="shrink")
    scores = cross_val_score(model, X, labels, cv=KFold(4), scoring="neg_log_loss")
    assert np.isfinite(scores).all()


def test_one_warning():
    X, y = make_table()
    model = MultiTaskMeanRegressor(0.1, task_column=0).fit(X, y)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.score(newcomers(X), y[:4])
    assert len(caught) == 1
    assert caught[0].filename == __file__ or re.search("base", caught[0].filename)


def test_one_warning_of_a_search():
    X, y = make_table()
    model = MultiTaskMeanRegressor(task_column=0)
    grid = {"lambda1": [0.1, 1.0]}
    search = MultiTaskSearchCV(model, lambda1=None, lambda2=None, cv=KFold(4))
    for run, match in [
        (lambda: cross_val_score(model, X, y, cv=4), "1 task .*: 0.*Other folds"),
        (lambda: GridSearchCV(model, grid, cv=4).fit(X, y), "Other folds"),
        (
            lambda: search.fit(X, y),
            r"4 of 4 folds.*4 tasks, 60 rows \(0, 1, 2, 3\)",
        ),
    ]:
        for _ in range(2):  # a second one says it again
            with pytest.warns(UserWarning, match=match) as caught:
                run()
            assert len(caught) == 1
