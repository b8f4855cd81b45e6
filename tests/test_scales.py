"""Data far from 1: the same fit in other units, or one clear error."""

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose

from pymtl import (
    MultiTaskL21Classifier,
    MultiTaskL21Regressor,
    MultiTaskMeanRegressor,
    SingleTaskRegressor,
)

MODELS = [MultiTaskL21Regressor(), MultiTaskMeanRegressor(), SingleTaskRegressor()]


def problem():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(30, 4))
    return X, X @ rng.normal(size=(4, 2)) + rng.normal(size=(30, 2))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("scale", [1e20, 1e-24])
@pytest.mark.parametrize("model", MODELS, ids=repr)
def test_targets_far_from_one(model, scale, dtype):
    X, Y = problem()
    plain = model.fit(X, Y).coef_.copy()
    far = model.fit(X.astype(dtype), (Y * scale).astype(dtype))
    assert far.converged_ and far.coef_.any()
    assert_allclose(far.coef_ / scale, plain, atol=1e-3)


@pytest.mark.parametrize("model", MODELS, ids=repr)
@pytest.mark.parametrize("a, b", [(1, 1e160), (1, 1e-200), (1e155, 1), (1e-100, 1)])
def test_beyond_the_range_of_squares_is_refused(model, a, b):
    X, Y = problem()
    for data in [
        (a * X, b * Y),
        ([a * X, a * X], [b * Y[:, 0], b * Y[:, 1]]),
        (sp.csr_array(a * X), b * Y),
    ]:
        with pytest.raises(ValueError, match="(task|column).*range of float64.*Scale"):
            model.fit(*data)


def test_classifiers_refuse_too():
    X, Y = problem()
    with pytest.raises(ValueError, match="range of float64"):
        MultiTaskL21Classifier().fit(1e155 * X, Y > 0)


ONE_FAR = {
    "subnormal column": ("X", 1e-310, "X of task 1 has a column, 2,"),
    "large column": ("X", 1e100, "X of task 1 has a column, 2,"),
    "subnormal targets": ("y", 1e-310, "y of task 1"),
    "large targets": ("y", 1e155, "y of task 1"),
    "large offsets": ("offset", 1e155, "offset of task 1"),
}


@pytest.mark.parametrize("strength", [0, 0.1])
@pytest.mark.parametrize("name", ONE_FAR)
def test_one_far_part_is_named(name, strength):
    part, scale, message = ONE_FAR[name]
    X, Y = problem()
    data = {"X": [X, X.copy()], "y": list(Y.T.copy()), "offset": list(Y.T.copy())}
    if part == "X":
        data["X"][1][:, 2] *= scale
    else:
        data[part][1] *= scale
    with pytest.raises(ValueError, match=f"{message}.*range of float64.*Scale"):
        MultiTaskL21Regressor(strength).fit(**data)
    if part == "X":
        data["X"] = [sp.csr_array(x) for x in data["X"]]
        with pytest.raises(ValueError, match=f"{message}.*range of float64.*Scale"):
            MultiTaskL21Regressor(strength).fit(**data)


def test_a_far_column_of_a_frame_is_named():
    pd = pytest.importorskip("pandas")
    X, Y = problem()
    frame = pd.DataFrame(X * [1, 1e-310, 1, 1], columns=list("abcd"))
    with pytest.raises(ValueError, match="of all tasks has a column, 'b',.*1e-310"):
        MultiTaskL21Regressor().fit(frame, Y)


def test_targets_far_from_each_other_are_refused():
    X, Y = problem()
    with pytest.raises(ValueError, match="y of task 1 beside that of task 0"):
        MultiTaskL21Regressor().fit(X, Y * [1e-80, 1e80])


@pytest.mark.parametrize("scale", [0, 1e-100])
def test_a_small_column_is_fitted(scale):
    X, Y = problem()
    model = MultiTaskL21Regressor(0.1).fit(X * [1, scale, 1, 1], Y)
    rest = MultiTaskL21Regressor(0.1).fit(X[:, [0, 2, 3]], Y)
    assert model.converged_ and not model.coef_[:, 1].any()
    assert_allclose(model.coef_[:, [0, 2, 3]], rest.coef_, atol=1e-4)
