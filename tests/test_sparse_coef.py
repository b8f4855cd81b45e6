"""Coefficients that are made sparse after a fit."""

import pickle

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.exceptions import NotFittedError

from pymtl import (
    MultiTaskCalibratedRegressor,
    MultiTaskL1Classifier,
    MultiTaskL1Regressor,
    MultiTaskL21Classifier,
    MultiTaskL21Regressor,
    PooledRegressor,
    fit_new_task,
    stack_tasks,
    task_similarity,
)

RNG = np.random.default_rng(0)
XS = [RNG.normal(size=(30, 8)) for _ in range(4)]
YS = [X[:, :2] @ [2.0, -1.0] + 0.1 * RNG.normal(size=30) for X in XS]
LABELS = [(y > 0).astype(int) for y in YS]
LONG, TARGET = stack_tasks(XS, YS)
SHARED = XS[0], np.column_stack([YS[0], -YS[0], XS[0][:, 5]])
SPARSE = [sp.csr_array(X) for X in XS]


def flat(z):
    return np.concatenate([np.ravel(v) for v in z])


@pytest.mark.parametrize(
    ("model", "X", "y"),
    [
        (MultiTaskL21Regressor(0.1), XS, YS),
        (MultiTaskL1Regressor(0.1), SPARSE, YS),
        (MultiTaskL1Regressor(0.1), *SHARED),
        (MultiTaskL1Regressor(0.1), sp.csr_array(SHARED[0]), SHARED[1]),
        (MultiTaskL21Regressor(0.1, task_column=0), LONG, TARGET),
        (MultiTaskL21Regressor(0.1), [X.astype(np.float32) for X in XS], YS),
        (MultiTaskCalibratedRegressor(), *SHARED),
        (PooledRegressor(0.1), XS, YS),
        (MultiTaskL1Classifier(0.05), XS, LABELS),
        (MultiTaskL21Classifier(0.05), SPARSE, LABELS),
        (MultiTaskL21Classifier(0.05, loss="squared_hinge"), XS, LABELS),
    ],
)
def test_sparse_coefficients_predict_alike(model, X, y):
    model.fit(X, y)
    coef, names = model.coef_, ["predict", "decision_function", "predict_proba"]
    names = [name for name in names if hasattr(model, name)]
    expected = [flat(getattr(model, name)(X)) for name in names]
    score, frame = model.score(X, y), model.coef_frame()
    assert model.sparsify() is model
    assert sp.issparse(model.coef_)
    assert model.coef_.nnz == np.count_nonzero(coef)
    assert model.coef_.dtype == coef.dtype
    again = pickle.loads(pickle.dumps(model.sparsify()))
    for name, values in zip(names, expected, strict=True):
        assert_allclose(flat(getattr(again, name)(X)), values, rtol=1e-6)
    assert again.score(X, y) == pytest.approx(score)
    assert_array_equal(model.coef_frame(), frame)
    assert model.densify() is model
    assert_array_equal(model.densify().coef_, coef)
    assert model.sparsify().fit(X, y).coef_.shape == coef.shape
    assert isinstance(model.coef_, np.ndarray)


def test_sparse_coefficients_are_inspected_and_go_on():
    model = MultiTaskL21Regressor(0.1, warm_start=True).fit(XS, YS)
    similar, new = task_similarity(model), fit_new_task(model, XS[0], YS[0]).coef_
    model.sparsify()
    assert_array_equal(task_similarity(model), similar)
    assert_array_equal(fit_new_task(model, XS[0], YS[0]).coef_, new)
    rows = np.column_stack([np.full(30, 9.0), XS[0]])
    model.set_params(task_column=0)
    with pytest.warns(UserWarning, match="mean of the tasks"):
        unseen = model.predict(rows)
    model.densify()
    with pytest.warns(UserWarning, match="mean of the tasks"):
        assert_allclose(unseen, model.predict(rows))
    model.set_params(task_column=None)
    assert model.sparsify().fit(XS, YS).n_iter_ <= 1


def test_sparse_coefficients_are_drawn():
    plt = pytest.importorskip("matplotlib.pyplot")
    from pymtl.plotting import CoefficientDisplay

    plt.close("all")
    plt.switch_backend("Agg")
    model = MultiTaskL21Regressor(0.1).fit(XS, YS)
    coef = model.coef_
    display = CoefficientDisplay.from_estimator(model.sparsify())
    assert_array_equal(display.coef, coef)
    plt.close("all")


def test_sparsify_says_what_it_cannot():
    model = MultiTaskL21Classifier(0.05)
    with pytest.raises(AttributeError, match="sparsify") as found:
        model.sparsify()
    assert isinstance(found.value.__cause__, NotFittedError)
    with pytest.raises(NotFittedError):
        model.densify()
    three = [np.digitize(y, [-1.0, 1.0]) for y in YS]
    model.fit(XS, three)
    with pytest.raises(AttributeError, match="sparsify") as found:
        model.sparsify()
    cause = str(found.value.__cause__)
    assert "(4, 3, 8) = " in cause and "csr_array(coef_[t])" in cause
    assert model.densify().coef_.shape == (4, 3, 8)
    own = [
        y if t else np.array(["a", "b"])[np.minimum(y, 1)] for t, y in enumerate(three)
    ]
    model.fit(XS, own)
    with pytest.raises(AttributeError, match="sparsify") as found:
        model.sparsify()
    assert "a list of one array a task" in str(found.value.__cause__)
