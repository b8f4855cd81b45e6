"""scikit-learn's selectors of features with estimators of this package."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.feature_selection import SelectFromModel
from sklearn.pipeline import make_pipeline

import pymtl
from pymtl import MultiTaskL21Classifier, MultiTaskL21Regressor, MultiTaskMeanRegressor

RNG = np.random.default_rng(0)
X = RNG.normal(size=(80, 12))
SLOPES = np.zeros((12, 4))
SLOPES[:6] = np.repeat([4.0, 1.0], 3)[:, None] * RNG.choice([-1.0, 1.0], (6, 4))
Y = X @ SLOPES + 0.01 * RNG.normal(size=(80, 4))
SELECTING = [
    "Calibrated",
    "DataShared",
    "Dirty",
    "FusedSparseGroup",
    "L1",
    "L21",
    "LInf",
    "SparseGroup",
    "TemporalGroup",
    "Tree",
]


def example(name):
    cls = getattr(pymtl, f"MultiTask{name}Regressor")
    own = {"Tree": {"tree": [[0, 1], [2, 3]]}, "Calibrated": {"lambda1": 0.5}}
    return cls(**own.get(name, {}))


@pytest.mark.parametrize("name", SELECTING)
def test_all_features_that_are_not_zero_are_selected(name):
    select = SelectFromModel(example(name).set_params(tol=1e-8)).fit(X, Y)
    used = np.abs(select.estimator_.coef_).sum(axis=0) >= 1e-5
    assert_array_equal(select.get_support(), used)
    assert used[:6].all()
    assert not used.all()
    assert "penalty" not in select.estimator_.get_params()
    assert clone(select.estimator_).penalty == "l1"


def test_others_have_no_such_penalty():
    assert not hasattr(MultiTaskMeanRegressor(), "penalty")
    assert SelectFromModel(MultiTaskMeanRegressor()).fit(X, Y).get_support().sum() < 12


@pytest.mark.parametrize("position", [0, 2, -1])
@pytest.mark.parametrize("named", [False, True])
def test_the_task_column_is_kept(position, named):
    table = pd.DataFrame(np.tile(X, (4, 1))).add_prefix("x")
    place = position % 13
    table.insert(place, "school", np.repeat(["n", "e", "s", "w"], 80))
    target = Y.T.ravel()
    column = "school" if named else position
    model = MultiTaskL21Regressor(0.05, task_column=column)
    select = SelectFromModel(model, importance_getter="feature_importances_")
    select.fit(table, target)
    fitted = select.estimator_
    sizes = np.delete(fitted.feature_importances_, place)
    assert_allclose(sizes, np.abs(fitted.coef_).sum(axis=0))
    used = np.insert(fitted.coef_.any(axis=0), place, True)
    assert_array_equal(select.get_support(), used)
    assert used.sum() < 13
    after = MultiTaskMeanRegressor(0.01, task_column="school")
    pipe = make_pipeline(select.set_output(transform="pandas"), after)
    assert pipe.fit(table, target).score(table, target) > 0.9
    nothing = MultiTaskL21Regressor(1e6, task_column=column).fit(table, target)
    assert_array_equal(np.flatnonzero(nothing.feature_importances_), [place])


def test_importances_of_frames_with_numbers_as_names():
    table = pd.DataFrame(np.column_stack([X[:, :2], np.arange(80) % 2]))
    table.columns = [7, 0, 1]
    model = MultiTaskL21Regressor(0.01, task_column=1).fit(table, Y[:, 0])
    size = np.abs(model.coef_).sum(axis=0)
    assert_allclose(model.feature_importances_, [*size, size.max()])


def test_importances_of_classes():
    three = np.digitize(Y[:, 0], [-1.0, 1.0])
    model = MultiTaskL21Classifier(0.01).fit([X, X[::-1]], [three, three[::-1]])
    size = np.abs(model.coef_).sum(axis=(0, 1))
    assert_allclose(model.feature_importances_, size)
    names = np.array(["a", "b"])[np.minimum(three, 1)]
    model.fit([X, X], [three, names])
    size = sum(np.abs(W).sum(axis=0) for W in model.coef_)
    assert_allclose(model.feature_importances_, size)
