"""Searches and pipelines are accepted wherever an estimator is."""

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline, make_pipeline

from pymtl import (
    MultiTaskL21Regressor,
    MultiTaskMeanClassifier,
    MultiTaskMeanRegressor,
    MultiTaskSearchCV,
    SingleTaskRegressor,
    TaskKFold,
    TaskScaler,
    bootstrap_coef,
    coef_frame,
    compare_sharing,
    fit_new_task,
    group_tasks,
    stability_selection,
    task_affinity,
    task_similarity,
)
from pymtl.datasets import make_multitask_regression
from pymtl.plotting import (
    CoefficientDisplay,
    CoefIntervalDisplay,
    ConvergenceDisplay,
    PathDisplay,
    SearchDisplay,
    TaskGainDisplay,
    TaskSimilarityDisplay,
)

mpl.use("agg")
NAMES = ["a", "b", "c"]


def table():
    """Return a long table, named, whose first feature is in large units."""
    data = make_multitask_regression(
        n_tasks=3, n_samples=20, n_features=5, snr=5.0, random_state=0
    )
    X = pd.DataFrame(np.vstack(data.Xs)).add_prefix("x")
    X.insert(0, "school", np.repeat(NAMES, 20))
    return X.assign(x0=100 * X["x0"]), np.concatenate(data.ys)


X, Y = table()
SCALED = TaskScaler(task_column="school").fit_transform(X, Y)
CV = TaskKFold(3, task_column="school")
GRID = {"multitaskl21regressor__lambda1": [0.01, 0.1]}


def alone():
    return MultiTaskL21Regressor(0.01, task_column="school")


def pipeline():
    return make_pipeline(TaskScaler(task_column="school"), alone())


WRAPPED = {
    "pipeline": pipeline,
    "search": lambda: MultiTaskSearchCV(pipeline(), lambda1=[0.01]),
    "grid": lambda: GridSearchCV(
        pipeline(), {"multitaskl21regressor__lambda1": [0.01]}, cv=CV
    ),
    "search at the end": lambda: make_pipeline(
        TaskScaler(task_column="school"), MultiTaskSearchCV(alone(), lambda1=[0.01])
    ),
}


@pytest.fixture(params=WRAPPED)
def wrapped(request):
    return WRAPPED[request.param]()


@pytest.fixture(autouse=True)
def close_figures():
    yield
    import matplotlib.pyplot as plt

    plt.close("all")


def test_coefficients_are_those_behind_the_first_steps(wrapped):
    wanted = alone().fit(SCALED, Y)
    fitted = wrapped.fit(X, Y)
    pd.testing.assert_frame_equal(coef_frame(fitted), wanted.coef_frame())
    if hasattr(fitted, "coef_frame"):
        pd.testing.assert_frame_equal(fitted.coef_frame(), wanted.coef_frame())
    similarity = task_similarity(wanted)
    np.testing.assert_array_equal(task_similarity(fitted), similarity)


def test_bootstrap(wrapped):
    options = {"n_boot": 5, "random_state": 0}
    wanted = bootstrap_coef(alone(), SCALED, Y, **options)
    found = bootstrap_coef(wrapped, X, Y, **options)
    np.testing.assert_allclose(found.low, wanted.low)
    np.testing.assert_allclose(found.high, wanted.high)
    assert list(found.features) == list(X.columns[1:])
    fitted = bootstrap_coef(wrapped.fit(X, Y), X, Y, **options)
    np.testing.assert_allclose(fitted.samples, found.samples)


def test_stability(wrapped):
    options = {"n_subsamples": 5, "n_lambdas": 5, "random_state": 0}
    wanted = stability_selection(alone(), SCALED, Y, **options)
    found = stability_selection(wrapped, X, Y, **options)
    np.testing.assert_allclose(found.frequency, wanted.frequency)
    assert list(found.features) == list(X.columns[1:])


def test_pictures(wrapped):
    path = PathDisplay.from_estimator(wrapped, X, Y, n_lambdas=4)
    wanted = alone().path(SCALED, Y, n_lambdas=4)
    np.testing.assert_allclose(path.path.coef, wanted.coef)
    intervals = CoefIntervalDisplay.from_estimator(wrapped, X, Y, "x1", n_boot=2)
    assert intervals.name == "x1"
    fitted, model = wrapped.fit(X, Y), alone().fit(SCALED, Y)
    shown = CoefficientDisplay.from_estimator(fitted)
    np.testing.assert_allclose(shown.coef, model.coef_)
    assert ConvergenceDisplay.from_estimator(fitted).name == "MultiTaskL21Regressor"
    assert TaskSimilarityDisplay.from_estimator(fitted).similarity.shape == (3, 3)
    base = SingleTaskRegressor(task_column="school").fit(X, Y)
    gains = TaskGainDisplay.from_estimator(fitted, base, X, Y)
    assert list(gains.tasks) == NAMES
    rows = (X["school"] == "b").to_numpy()
    error = [np.mean((Y - m.predict(X))[rows] ** 2) for m in (fitted, base)]
    np.testing.assert_allclose(gains.gain[1], 1 - error[0] / error[1])


def test_picture_of_a_search_at_the_end_of_a_pipeline():
    search = MultiTaskSearchCV(alone(), n_lambdas=3)
    steps = make_pipeline(TaskScaler(task_column="school"), search).fit(X, Y)
    assert len(SearchDisplay.from_estimator(steps).values) == 3


def test_a_search_chooses_once():
    search = MultiTaskSearchCV(pipeline(), lambda1=[0.01, 0.1])
    found = bootstrap_coef(search, X, Y, n_boot=3, random_state=0)
    assert not hasattr(search, "cv_results_")
    chosen = clone_of_best(search.fit(X, Y))
    wanted = bootstrap_coef(chosen, X, Y, n_boot=3, random_state=0)
    np.testing.assert_allclose(found.samples, wanted.samples)


def clone_of_best(search):
    return pipeline().set_params(**search.best_params_)


@pytest.mark.parametrize("function", [task_affinity, group_tasks])
def test_affinity_of_a_pipeline(function):
    """A scaler for each task undoes the units, so lists scaled before do as well."""
    scaler = TaskScaler(task_column="school", per_task=True)
    steps = make_pipeline(scaler, MultiTaskMeanRegressor(0.1, task_column="school"))
    model = MultiTaskMeanRegressor(0.1, task_column="school")
    options = {"task_column": "school", "cv": 2, "random_state": 0}
    found = function(X, Y, steps, **options)
    plain = function(X, Y, model, **options)
    lists = function(X, Y, MultiTaskMeanRegressor(0.1), **options)
    value = (lambda f: f.task_gain) if function is group_tasks else np.asarray
    np.testing.assert_allclose(value(plain), value(lists), rtol=1e-8)
    assert np.isfinite(value(found)).all()
    assert np.abs(value(found) - value(plain)).max() > 1e-4


def test_comparison_takes_the_grid_of_scikit_learn():
    models = {"grid": GridSearchCV(pipeline(), GRID), "alone": None}
    models["alone"] = SingleTaskRegressor(0.1, task_column="school")
    options = {"n_splits": 2, "n_repeats": 1, "inner_cv": 2, "random_state": 0}
    found = compare_sharing(X, Y, models, **options)
    models["grid"] = MultiTaskSearchCV(
        pipeline(), lambda1=None, param_grid=GRID, cv=TaskKFold(2, task_column="school")
    )
    wanted = compare_sharing(X, Y, models, **options)
    np.testing.assert_allclose(found.loss, wanted.loss)
    models["grid"] = WRAPPED["search at the end"]()
    with pytest.raises(ValueError, match="takes a MultiTaskSearchCV"):
        compare_sharing(X, Y, models, **options)


def test_new_task(wrapped):
    rows = (X["school"] != "c").to_numpy()
    fitted = wrapped.fit(X[rows], Y[rows])
    new = fit_new_task(fitted, X[~rows], Y[~rows])
    assert isinstance(new, Pipeline)
    scaler = TaskScaler(task_column="school").fit(X[rows])
    model = alone().fit(scaler.transform(X[rows]), Y[rows])
    held = scaler.transform(X[~rows])
    wanted = model.fit_new_task(held.drop(columns="school"), Y[~rows])
    np.testing.assert_allclose(new[-1].coef_, wanted.coef_)
    z = new.predict(X[~rows])
    np.testing.assert_allclose(z, wanted.predict(held.drop(columns="school")))
    assert new.score(X[~rows], Y[~rows]) > 0.5
    assert new[-1].tasks_.tolist() == ["c"]
    if hasattr(fitted, "fit_new_task"):
        same = fitted.fit_new_task(X[~rows], Y[~rows])
        np.testing.assert_array_equal(same.predict(X[~rows]), z)


@pytest.mark.parametrize("kind", [pd.DataFrame, np.asarray])
def test_new_task_with_its_column(kind):
    column = "school" if kind is pd.DataFrame else 0
    numbered = X.assign(school=X["school"].map({"a": 4, "b": 5, "c": 7}))
    rows = (numbered["school"] != 7).to_numpy()
    old, new = kind(numbered[rows]), kind(numbered[~rows])
    model = MultiTaskMeanRegressor(0.1, task_column=column).fit(old, Y[rows])
    found = model.fit_new_task(new, Y[~rows])
    wanted = model.fit_new_task(kind(numbered[~rows].drop(columns="school")), Y[~rows])
    np.testing.assert_array_equal(found.coef_, wanted.coef_)
    assert found.tasks_.tolist() == [7]
    np.testing.assert_allclose(found.predict(new), new_predictions(wanted, new, kind))
    with pytest.raises(ValueError, match="holds 3 tasks"):
        model.fit_new_task(kind(numbered), Y)


def new_predictions(model, rows, kind):
    return model.predict(kind(pd.DataFrame(rows).iloc[:, 1:]))


def test_classifiers():
    labels = np.where(Y > np.median(Y), "high", "low")
    model = MultiTaskMeanClassifier(0.1, task_column="school")
    steps = make_pipeline(TaskScaler(task_column="school"), model).fit(X, labels)
    assert coef_frame(steps).shape == (3, 6)
    found = bootstrap_coef(steps, X, labels, n_boot=2, random_state=0)
    assert found.coef.shape == (3, 5)


def test_others_are_refused():
    for function in (coef_frame, task_similarity, CoefficientDisplay.from_estimator):
        with pytest.raises(TypeError, match="neither an estimator of pymtl"):
            function(make_pipeline(Ridge()).fit(np.eye(3), np.ones(3)))
    with pytest.raises(TypeError, match="neither an estimator of pymtl"):
        bootstrap_coef(Ridge(), np.eye(3), np.ones(3))
    with pytest.raises(ValueError, match="not fitted"):
        coef_frame(pipeline())
