"""Displays, drawn without a screen."""

import sys

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest

from pymtl import (
    MultiTaskClassifier,
    MultiTaskDirtyRegressor,
    MultiTaskL21Regressor,
    MultiTaskMeanRegressor,
    MultiTaskRelationshipRegressor,
    MultiTaskSearchCV,
    SingleTaskRegressor,
    bootstrap_coef,
    compare_sharing,
    task_similarity,
)
from pymtl.datasets import make_multitask_regression
from pymtl.penalties import Ridge
from pymtl.plotting import (
    CoefficientDisplay,
    CoefIntervalDisplay,
    ConvergenceDisplay,
    PathDisplay,
    SearchDisplay,
    TaskGainDisplay,
    TaskSimilarityDisplay,
)

DATA = make_multitask_regression(
    n_tasks=5, n_samples=20, n_features=6, structure="clustered", random_state=0
)


@pytest.fixture(autouse=True)
def close():
    yield
    plt.close("all")


def drawn(display):
    assert display.figure_ is display.ax_.figure
    display.figure_.canvas.draw()
    return display


def test_convergence_ends_at_the_gap():
    model = MultiTaskDirtyRegressor().fit(DATA.Xs, DATA.ys)
    display = drawn(ConvergenceDisplay.from_estimator(model))
    above = display.gap_ax_.lines[0].get_ydata()
    assert len(above) == len(model.history_)
    assert model.certificate_kind_ == "duality gap"
    end = model.history_[-1] - model.objective_ + model.dual_gap_
    assert above[-1] == pytest.approx(max(end, 0), abs=1e-12)
    drawn(ConvergenceDisplay.from_estimator(SingleTaskRegressor(0.1).fit(*lists())))


def lists():
    return DATA.Xs, DATA.ys


def test_path_lines_are_norms_or_coefficients():
    model = MultiTaskL21Regressor()
    path = model.path(*lists(), n_lambdas=6)
    display = drawn(PathDisplay.from_estimator(model, *lists(), n_lambdas=6))
    line = display.ax_.lines[2].get_ydata()
    np.testing.assert_allclose(line, np.linalg.norm(path.coef[:, :, 2], axis=1))
    display = drawn(PathDisplay(path, task=3).plot())
    np.testing.assert_allclose(display.ax_.lines[1].get_ydata(), path.coef[:, 3, 1])
    with pytest.raises(ValueError, match="no task 9"):
        PathDisplay(path, task=9).plot()


def test_coefficients_are_the_image():
    model = MultiTaskL21Regressor().fit(*lists())
    _, ax = plt.subplots()
    display = drawn(CoefficientDisplay.from_estimator(model, ax=ax))
    assert display.ax_ is ax
    np.testing.assert_array_equal(ax.images[0].get_array(), model.coef_)
    labels = [np.arange(20) % 3] * 5
    model = MultiTaskClassifier(Ridge(0.1)).fit(DATA.Xs, labels)
    display = drawn(CoefficientDisplay.from_estimator(model))
    assert display.coef.shape == (15, 6)
    assert display.rows[4] == "1: 1"


def test_search_is_a_curve_or_a_surface():
    search = MultiTaskSearchCV(MultiTaskL21Regressor(), n_lambdas=4, cv=3)
    display = drawn(SearchDisplay.from_estimator(search.fit(*lists())))
    x, mean = display.ax_.lines[0].get_data()
    order = np.argsort(x)
    np.testing.assert_allclose(mean[order], search.cv_results_["mean_test_score"][::-1])
    assert display.ax_.lines[1].get_xdata()[0] == search.best_params_["lambda1"]
    search = MultiTaskSearchCV(
        MultiTaskMeanRegressor(), lambda1=[0.1, 1.0, 9.0], lambda2=[0.01, 0.1], cv=3
    ).fit(*lists())
    display = drawn(SearchDisplay.from_estimator(search))
    surface = display.ax_.collections[0].get_array().reshape(2, 3)
    for params, mean in zip(
        search.cv_results_["params"],
        search.cv_results_["mean_test_score"],
        strict=True,
    ):
        i = [0.01, 0.1].index(params["lambda2"])
        j = [0.1, 1.0, 9.0].index(params["lambda1"])
        assert surface[i, j] == mean
    # strengths that move together make no grid
    search = MultiTaskSearchCV(MultiTaskDirtyRegressor(), n_lambdas=3, cv=3)
    assert drawn(SearchDisplay.from_estimator(search.fit(*lists()))).seconds is None
    search = MultiTaskSearchCV(
        MultiTaskMeanRegressor(), lambda1=None, param_grid={"tol": [1e-3]}, cv=3
    )
    with pytest.raises(ValueError, match="no strength"):
        SearchDisplay.from_estimator(search.fit(*lists()))


def test_gains_of_tasks():
    shared = MultiTaskMeanRegressor().fit(*lists())
    alone = SingleTaskRegressor().fit(*lists())
    display = drawn(TaskGainDisplay.from_estimator(shared, alone, *lists()))
    y, X = DATA.ys[2], DATA.Xs[2]
    errors = [np.square(y - m.predict({2: X})[2]).mean() for m in (shared, alone)]
    assert display.gain[2] == pytest.approx(1 - errors[0] / errors[1])
    comparison = compare_sharing(
        *lists(),
        {"alone": SingleTaskRegressor(), "mean": MultiTaskMeanRegressor()},
        n_splits=2,
        n_repeats=1,
        inner_cv=2,
        n_lambdas=3,
        random_state=0,
    )
    display = drawn(comparison.plot("mean"))
    np.testing.assert_array_equal(display.gain, comparison.gain("mean", None, True)[0])


def test_similarity_is_ordered_by_its_tree():
    model = MultiTaskRelationshipRegressor().fit(*lists())
    display = drawn(TaskSimilarityDisplay.from_estimator(model))
    order = display.order_
    shown = display.ax_.images[0].get_array()
    np.testing.assert_allclose(shown, task_similarity(model)[np.ix_(order, order)])
    labels = DATA.cluster_labels[order]
    assert np.count_nonzero(np.diff(labels)) == len(np.unique(labels)) - 1
    plain = drawn(TaskSimilarityDisplay.from_estimator(model, dendrogram=False))
    assert plain.order_.tolist() == [0, 1, 2, 3, 4]


def test_intervals_of_a_feature():
    model = MultiTaskMeanRegressor(0.1, lambda2=0.1)
    found = bootstrap_coef(model, *lists(), n_boot=5, random_state=0)
    display = drawn(found.plot("x2"))
    np.testing.assert_array_equal(display.low, found.low[:, 2])
    options = {"n_boot": 5, "random_state": 0}
    other = CoefIntervalDisplay.from_estimator(model, *lists(), 2, **options)
    np.testing.assert_array_equal(other.high, display.high)
    with pytest.raises(ValueError, match="no feature 'age'"):
        found.plot("age")


def test_a_missing_matplotlib_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match=r"pymtl\[plot\]"):
        TaskGainDisplay([0.1], ["a"]).plot()
