"""Coefficients that are held to positive values."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.linear_model import ElasticNet

from pymtl import (
    MultiTaskL1Regressor,
    MultiTaskL21Classifier,
    MultiTaskL21Regressor,
    MultiTaskLInfRegressor,
    MultiTaskRegressor,
    MultiTaskSparseGroupRegressor,
    MultiTaskTraceNormRegressor,
)
from pymtl.penalties import L1, L21, LInf, SparseGroup

PENALTIES = [L1(0.7), L21(0.7), LInf(0.7), SparseGroup(0.5, 0.3)]


def problem(seed=0):
    rng = np.random.default_rng(seed)
    Xs = [rng.standard_normal((n, 5)) for n in (20, 30, 25)]
    w = np.array([1.0, 0.5, -1.0, 0.0, -0.2])
    return Xs, [X @ w + 0.2 * rng.standard_normal(len(X)) for X in Xs]


@pytest.mark.parametrize("penalty", PENALTIES, ids=lambda p: type(p).__name__)
def test_prox_and_polar(penalty):
    cp = pytest.importorskip("cvxpy")
    penalty.set_params(positive=True)
    norms = {
        "L1": lambda W: 0.7 * cp.sum(W),
        "L21": lambda W: 0.7 * cp.sum(cp.norm(W, 2, axis=1)),
        "LInf": lambda W: 0.7 * cp.sum(cp.max(W, axis=1)),
        "SparseGroup": lambda W: 0.5 * cp.sum(cp.norm(W, 2, axis=1)) + 0.3 * cp.sum(W),
    }
    norm = norms[type(penalty).__name__]
    rng = np.random.default_rng(0)
    for step in (0.5, rng.uniform(0.2, 2.0, (4, 3))):
        V = 2 * rng.standard_normal((4, 3))
        W = cp.Variable((4, 3), nonneg=True)
        size = np.broadcast_to(0.5 / step, V.shape)
        near = cp.sum(cp.multiply(size, cp.square(W - V)))
        cp.Problem(cp.Minimize(near + norm(W))).solve(cp.CLARABEL)
        assert_allclose(penalty.prox(V, step), W.value, atol=1e-4)
    G = rng.standard_normal((4, 3))
    W = cp.Variable((4, 3), nonneg=True)
    gauge = cp.Problem(cp.Maximize(cp.sum(cp.multiply(G, W))), [norm(W) <= 1])
    assert penalty.polar(G) == pytest.approx(gauge.solve(cp.CLARABEL), rel=1e-5)
    assert penalty.value(-np.ones((4, 3))) == np.inf


@pytest.mark.parametrize(
    "estimator",
    [
        MultiTaskL1Regressor(0.1, 0.02, positive=True),
        MultiTaskL21Regressor(0.1, 0.02, positive=True),
        MultiTaskLInfRegressor(0.1, 0.02, positive=True),
        MultiTaskSparseGroupRegressor(0.1, 0.05, positive=True),
        MultiTaskL21Regressor(positive=True, loss="huber"),
        MultiTaskL21Regressor(positive=True, loss="quantile"),
        MultiTaskRegressor(L21(0.1, positive=True)),
    ],
    ids=lambda e: type(e).__name__,
)
def test_fits_are_positive_and_certified(estimator):
    Xs, ys = problem()
    model = estimator.set_params(tol=1e-8).fit(Xs, ys)
    assert model.coef_.min() >= 0
    assert model.coef_.any()
    assert model.certificate_ <= 1e-8
    assert model.certificate_kind_ == "duality gap"
    top = estimator.lambda_max(Xs, ys)
    if hasattr(model, "lambda1"):
        scale = 1.001 * top / model.lambda1_
        strengths = {
            name: scale * getattr(model, f"{name}_")
            for name in ("lambda1", "lambda2")
            if name == "lambda1" or isinstance(estimator, MultiTaskSparseGroupRegressor)
        }
        assert not estimator.set_params(**strengths).fit(Xs, ys).coef_.any()


def test_one_task_is_the_positive_elastic_net():
    Xs, ys = problem()
    model = MultiTaskL1Regressor(0.05, 0.01, positive=True, tol=1e-12)
    peer = ElasticNet(alpha=0.07, l1_ratio=0.05 / 0.07, positive=True, tol=1e-12)
    assert_allclose(
        model.fit(Xs[0], ys[0]).coef_[0], peer.fit(Xs[0], ys[0]).coef_, atol=1e-6
    )


def test_classifier_and_refusal():
    Xs, ys = problem()
    labels = [y > np.median(y) for y in ys]
    model = MultiTaskL21Classifier(positive=True).fit(Xs, labels)
    assert model.coef_.min() >= 0
    with pytest.raises(TypeError, match="positive"):
        MultiTaskTraceNormRegressor(positive=True)
    with pytest.raises(ValueError, match="bcd"):
        MultiTaskL21Regressor(0.1, positive=True, solver="bcd").fit(Xs, ys)
