"""Tiny strengths with more features than rows: down to the solution of least norm."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from pymtl import (
    MultiTaskGraphRegressor,
    MultiTaskL21Regressor,
    MultiTaskMeanRegressor,
    PooledRegressor,
    SingleTaskRegressor,
)

TINY = [1e-20, 1e-17, 1e-16, 1e-15, 1e-14, 1e-13]


def wide(lists=False, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(20, 40))
    Y = X[:, :3] @ rng.normal(size=(3, 3)) + 0.1 * rng.normal(size=(20, 3))
    if not lists:
        return X, Y
    return [X[:12], X[5:], X], [Y[:12, 0], Y[5:, 1], Y[:, 2]]


MODELS = {
    "single": lambda s, unit: SingleTaskRegressor(s),
    "pooled": lambda s, unit: PooledRegressor(s),
    "mean": lambda s, unit: MultiTaskMeanRegressor(0.1 * unit, s),
    "mean, both": lambda s, unit: MultiTaskMeanRegressor(s, s),
    "graph": lambda s, unit: MultiTaskGraphRegressor(s, s),
    "beside a norm": lambda s, unit: MultiTaskL21Regressor(0.0, s),
}


@pytest.mark.parametrize("scale", [1.0, 1e6, 1e-6])
@pytest.mark.parametrize("lists", [False, True])
@pytest.mark.parametrize("name", MODELS)
def test_they_lead_to_the_limit(name, lists, scale):
    data = wide(lists)
    if scale != 1.0:
        X = [scale * A for A in data[0]] if lists else scale * data[0]
        data = X, data[1]
    limit = MODELS[name](1e-9 * scale**2, scale**2).fit(*data)
    for strength in TINY:
        model = MODELS[name](strength * scale**2, scale**2).fit(*data)
        assert model.converged_
        assert_allclose(scale * model.coef_, scale * limit.coef_, atol=1e-5)


@pytest.mark.parametrize("lists", [False, True])
@pytest.mark.parametrize("units", [1.0, 100.0])
def test_without_a_strength_the_norm_is_the_least(lists, units):
    Xs, ys = wide(True)
    units = np.geomspace(1.0, units, 40)
    if lists:
        Xs = [X * units for X in Xs]
        model = SingleTaskRegressor(0.0).fit(Xs, ys)
    else:
        X, Y = wide()
        model = SingleTaskRegressor(0.0).fit(X * units, Y)
        Xs, ys = [X * units] * 3, list(Y.T)
    for X, y, w in zip(Xs, ys, model.coef_, strict=True):
        least = np.linalg.lstsq(X - X.mean(axis=0), y - y.mean(), rcond=1e-10)[0]
        assert_allclose(w, least, atol=1e-9)
