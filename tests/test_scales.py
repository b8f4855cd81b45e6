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
        with pytest.raises(ValueError, match="2 tasks.*range of float64.*Scale"):
            model.fit(*data)


def test_classifiers_refuse_too():
    X, Y = problem()
    with pytest.raises(ValueError, match="range of float64"):
        MultiTaskL21Classifier().fit(1e155 * X, Y > 0)
