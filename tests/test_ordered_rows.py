"""SLOPE on the norms of rows: beside its formula, cvxpy, brute force and the lasso."""

from itertools import permutations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.stats import chi, norm
from sklearn.isotonic import isotonic_regression

from pymtl import (
    MultiTaskL21Regressor,
    MultiTaskOrderedRowsClassifier,
    MultiTaskOrderedRowsRegressor,
    MultiTaskRegressor,
)
from pymtl.penalties import L21, OrderedRows, Ridge

from .formulas import Expressions

TIGHT = {"tol": 1e-10, "max_iter": 100_000}
WEIGHTS = [4.0, 2.5, 2.5, 1.0, 0.5, 0.0]


def problem(seed=0, n=30, d=6, T=3):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d)) + rng.normal(size=(n, 1))
    W = np.zeros((d, T))
    W[:3] = rng.normal(size=(3, T))
    return X, X @ W + 0.5 * rng.normal(size=(n, T)) + 2


@pytest.mark.parametrize("weights", ["bh", "oscar", WEIGHTS])
def test_value_is_the_largest_over_all_orders(weights):
    W = np.random.default_rng(0).normal(size=(5, 3))
    penalty = OrderedRows(0.7, weights)
    norms, falling = np.linalg.norm(W, axis=1), penalty.falling(W.shape)
    values = [0.7 * falling @ norms[list(p)] for p in permutations(range(5))]
    assert_allclose(penalty.value(W), max(values), rtol=1e-14)


@pytest.mark.parametrize("T", [1, 4])
def test_weights(T):
    rank = np.arange(1, 21)
    quantiles = chi(T).ppf(1 - 0.2 * rank / 20)
    found = OrderedRows(q=0.2).falling((20, T))
    assert_allclose(found, quantiles / quantiles[0], rtol=1e-12)
    if T == 1:  # those of the lasso
        quantiles = norm.ppf(1 - 0.2 * rank / 40)
        assert_allclose(found, quantiles / quantiles[0], rtol=1e-12)
    line = OrderedRows(weights="oscar").falling((20, T))
    assert line[0] == 1 and line[-1] == 1 - 19 / 40
    assert_allclose(np.diff(line, 2), 0, atol=1e-14)


def test_prox_is_isotonic_regression():
    rng = np.random.default_rng(1)
    for _ in range(20):
        V = np.round(rng.normal(size=(30, 2)), int(rng.integers(1, 4)))  # ties
        penalty = OrderedRows(0.3, np.sort(rng.random(30).round(1))[::-1])
        norms = np.linalg.norm(V, axis=1)
        order = np.argsort(-norms)
        left = norms[order] - 0.6 * np.asarray(penalty.weights)
        kept = np.empty(30)
        kept[order] = np.maximum(isotonic_regression(left, increasing=False), 0)
        ratio = np.divide(kept, norms, out=np.zeros(30), where=norms > 0)
        assert_allclose(penalty.prox(V, 2.0), V * ratio[:, None], atol=1e-13)


@pytest.mark.parametrize("ridge", [0.0, 0.05])
@pytest.mark.parametrize("weights", ["bh", "oscar", WEIGHTS])
def test_equals_cvxpy(weights, ridge):
    cp = pytest.importorskip("cvxpy")
    X, Y = problem()
    model = MultiTaskOrderedRowsRegressor(0.2, ridge, weights=weights, **TIGHT)
    model.fit(X, Y)
    assert model.certificate_kind_ == "duality gap" and model.converged_
    W, c = cp.Variable(model.coef_.T.shape), cp.Variable((1, 3))
    falling = OrderedRows(weights=weights).falling(W.shape)
    fit = cp.sum_squares(Y - X @ W - np.ones((30, 1)) @ c) / (2 * 30)
    value = 0.2 * Expressions.ordered(W, falling) + ridge * cp.sum_squares(W)
    best = cp.Problem(cp.Minimize(fit + value)).solve(solver=cp.CLARABEL)
    assert_allclose(model.objective_, best, rtol=1e-7)
    assert model.coef_.any()


def test_equal_weights_are_l21():
    X, Y = problem()
    ordered = MultiTaskRegressor(OrderedRows(0.2, np.ones(6)) + Ridge(0.1), **TIGHT)
    rows = MultiTaskL21Regressor(0.2, 0.1, **TIGHT).fit(X, Y)
    assert_allclose(ordered.fit(X, Y).coef_, rows.coef_, atol=1e-5)
    assert_allclose(ordered.lambda_max(X, Y), rows.lambda_max(X, Y), rtol=1e-14)


def test_lambda_max_is_where_coefficients_begin():
    X, Y = problem()
    model = MultiTaskOrderedRowsRegressor(weights="oscar", **TIGHT)
    G = (X - X.mean(axis=0)).T @ Y / len(X)
    sums = np.cumsum(np.sort(np.linalg.norm(G, axis=1))[::-1])
    top = model.lambda_max(X, Y)
    assert_allclose(top, (sums / np.cumsum(1 - np.arange(6) / 12)).max(), rtol=1e-12)
    assert not model.set_params(lambda1=top).fit(X, Y).coef_.any()
    assert model.set_params(lambda1=0.999 * top).fit(X, Y).coef_.any()


def test_correlated_features_get_one_norm():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 8))
    X[:, :3] = rng.normal(size=(60, 1)) + 0.2 * X[:, :3]
    Y = X[:, :3].sum(axis=1, keepdims=True) + rng.normal(size=(60, 4))
    model = MultiTaskOrderedRowsRegressor(0.6, weights="oscar", **TIGHT).fit(X, Y)
    norms = np.linalg.norm(model.coef_[:, :3], axis=0)
    assert_allclose(norms, norms[0], rtol=1e-8)
    assert model.coef_[0, 0] != model.coef_[0, 1]


def test_more_features_come_in_than_at_one_strength():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(100, 40))
    W = np.zeros((40, 5))
    W[:15] = 0.15 * rng.normal(size=(15, 5))
    Y = X @ W + rng.normal(size=(100, 5))
    # what noise alone would let in
    top = np.sqrt(chi(5).ppf(1 - 0.1 / 40) ** 2 / 100)
    ordered = MultiTaskOrderedRowsRegressor(top).fit(X, Y).coef_.any(axis=0)
    rows = MultiTaskL21Regressor(top).fit(X, Y).coef_.any(axis=0)
    assert ordered[:15].sum() > rows[:15].sum()
    assert ordered[15:].sum() <= 2


def test_a_task_of_training_gets_back_its_coefficients():
    X, Y = problem()
    model = MultiTaskOrderedRowsRegressor(0.02, q=0.5, **TIGHT).fit(X, Y)
    norms = np.linalg.norm(model.coef_, axis=0)
    assert np.diff(np.sort(norms)).min() > 1e-3  # no ties, where W does not say all
    new = model.fit_new_task(X, Y[:, 1])
    assert_allclose(new.coef_[0], model.coef_[1], atol=2e-4)


def test_rows_of_one_norm_share_their_weights_in_a_new_task():
    W = np.array([[3.0, 0.0], [0.0, 3.0], [5.0, 0.0], [0.0, 0.0], [1.0, 0.0]])
    prior = OrderedRows(0.5, [4.0, 3.0, 1.0, 1.0, 1.0]).new_task(W, None)
    assert_allclose(prior.precision, 0.5 * np.array([2 / 3, 2 / 3, 4 / 5, 1]))
    assert not prior.basis[3].any()


def test_covariates_and_weights_of_features():
    X, Y = problem()
    weight = np.array([0.0, 1, 1, 1, 2, 1])
    model = MultiTaskOrderedRowsRegressor(10.0, feature_weight=weight).fit(X, Y)
    assert np.flatnonzero(model.coef_.any(axis=0)).tolist() == [0]
    free = MultiTaskOrderedRowsRegressor(
        0.1, weights=WEIGHTS, feature_weight=weight, **TIGHT
    ).fit(X, Y)
    norms = np.sort(np.linalg.norm(free.coef_[:, 1:] * weight[1:], axis=0))[::-1]
    residual = Y - X @ free.coef_.T - free.intercept_
    value = np.sum(residual**2) / 60 + 0.1 * norms @ WEIGHTS[:5]
    assert_allclose(free.objective_, value, rtol=1e-9)


def test_classifier():
    X, Y = problem(n=60)
    model = MultiTaskOrderedRowsClassifier().fit(X, Y > 2)
    assert model.converged_ and model.certificate_kind_ == "duality gap"
    assert np.all(model.score(X, Y > 2) > 0.8)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"weights": "slope"}, "weights of OrderedRows are 'bh', 'oscar' or an array"),
        ({"weights": [1.0, 0.5]}, r"shape \(2,\) for 6 features"),
        ({"weights": [1, 2, 3, 4, 5, 6]}, "none larger than the one before"),
        ({"weights": [1, 1, 1, 1, 1, np.nan]}, "finite"),
        ({"weights": np.zeros(6)}, "the first above 0"),
        ({"q": 1.0}, "q of OrderedRows is a number between 0 and 1, got 1.0"),
    ],
)
def test_bad_weights_are_refused(options, message):
    X, Y = problem()
    with pytest.raises(ValueError, match=message):
        MultiTaskRegressor(OrderedRows(**options)).fit(X, Y)


def test_penalty_of_ones_and_of_the_largest_row():
    V = np.random.default_rng(0).normal(size=(6, 3))
    same = OrderedRows(0.7, np.ones(6))
    assert_allclose(same.value(V), L21(0.7).value(V), rtol=1e-14)
    assert_allclose(same.prox(V, 0.5), L21(0.7).prox(V, 0.5), rtol=1e-13)
    assert_allclose(same.polar(V), L21(0.7).polar(V), rtol=1e-14)
    largest = OrderedRows(0.7, np.eye(1, 6)[0])
    norms = np.linalg.norm(V, axis=1)
    assert_allclose(largest.value(V), 0.7 * norms.max(), rtol=1e-14)
    assert_allclose(largest.polar(V), norms.sum() / 0.7, rtol=1e-14)
