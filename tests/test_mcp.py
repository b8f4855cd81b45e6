"""The minimax concave penalty of rows: beside brute force, and what a fit claims."""

from itertools import product

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.optimize import minimize, minimize_scalar

from pymtl import (
    MultiTaskL21Regressor,
    MultiTaskMCPClassifier,
    MultiTaskMCPRegressor,
    MultiTaskRegressor,
)
from pymtl.penalties import L21, MCP
from pymtl.penalties._weighted_rows import WeightedRows

TIGHT = {"tol": 1e-9, "max_iter": 100_000}


def problem(seed=0, n=40, d=5, T=3, correlated=1.0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d)) + correlated * rng.normal(size=(n, 1))
    W = np.zeros((d, T))
    W[:2] = rng.normal(size=(2, T))
    return X, X @ W + 0.5 * rng.normal(size=(n, T))


def objective(X, Y, W, strength, gamma):
    """Return the objective of coefficients (d, T) without intercepts."""
    r = np.linalg.norm(W, axis=1)
    bent = np.where(
        r <= gamma * strength,
        strength * r - r**2 / (2 * gamma),
        gamma * strength**2 / 2,
    )
    return np.sum((Y - X @ W) ** 2) / (2 * len(X)) + bent.sum()


def violation(X, Y, W, strength, gamma):
    """Return the largest violation of the conditions of order one."""
    G = X.T @ (X @ W - Y) / len(X)
    r = np.linalg.norm(W, axis=1)
    on = r > 0
    slope = np.maximum(strength - r[on] / gamma, 0) / r[on]
    inside = np.abs(G[on] + slope[:, None] * W[on]).max(initial=0)
    return max(inside, (np.linalg.norm(G[~on], axis=1) - strength).max(initial=0))


@pytest.mark.parametrize("step", [0.3, 1.0, 2.0, 7.0])
def test_prox_of_a_row_is_the_global_minimiser(step):
    penalty = MCP(0.8, gamma=2.0)
    for r in np.linspace(0.05, 6, 40):
        kept = np.linalg.norm(penalty.prox(np.array([[0.6 * r, 0.8 * r]]), step))
        grid = np.linspace(0, 7, 20_001)
        values = (grid - r) ** 2 / (2 * step) + penalty._cost(grid)
        ours = (kept - r) ** 2 / (2 * step) + penalty._cost(np.array([kept]))[0]
        assert ours <= values.min() + 1e-12


@pytest.mark.parametrize("strength", [0.15, 0.6])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_no_support_and_no_start_is_better(seed, strength):
    """Brute force: a local minimiser from the least squares of every support."""
    X, Y = problem(seed, n=15, d=4)
    gamma = 3.0
    model = MultiTaskMCPRegressor(strength, gamma=gamma, fit_intercept=False, **TIGHT)
    model.fit(X, Y)
    W = model.coef_.T
    assert_allclose(model.objective_, objective(X, Y, W, strength, gamma), rtol=1e-12)
    assert violation(X, Y, W, strength, gamma) <= 1e-7 * np.abs(X.T @ Y).max()
    best = objective(X, Y, 0 * W, strength, gamma)
    for used in product([False, True], repeat=4):
        on = np.flatnonzero(used)
        if not len(on):
            continue

        def cost(w, on=on):
            full = np.zeros_like(W)
            full[on] = w.reshape(len(on), -1)
            return objective(X, Y, full, strength, gamma)

        start = np.linalg.lstsq(X[:, on], Y, rcond=None)[0]
        best = min(best, minimize(cost, start.ravel(), method="BFGS").fun)
    assert model.objective_ <= best * (1 + 1e-6)


def test_certificate_says_what_it_is():
    X, Y = problem()
    model = MultiTaskMCPRegressor(**TIGHT).fit(X, Y)
    assert model.certificate_kind_ == "stationarity" and model.converged_
    assert np.isnan(model.dual_gap_)
    assert 0 <= model.majorant_gap_ <= 1e-6
    assert np.all(np.diff(model.history_) <= 1e-12 * model.history_[0])
    top = model.lambda_max(X, Y)
    assert_allclose(model.lambda1_, 0.1 * top, rtol=1e-12)
    assert_allclose(top, MultiTaskL21Regressor().lambda_max(X, Y), rtol=1e-12)
    curvature = np.mean((X - X.mean(axis=0)) ** 2)
    assert_allclose(model.gamma_, 3 / curvature, rtol=1e-12)
    model.set_params(lambda1=0.0).fit(X, Y)
    assert not hasattr(model, "majorant_gap_")


def test_majorant_gap_is_that_of_the_stage():
    """Coefficients that are not yet those of a stage have a gap to them."""
    X, Y = problem()
    rough = MultiTaskMCPRegressor(0.3, gamma=3.0, tol=0.05, n_init=1).fit(X, Y)
    W, penalty = rough.coef_.T, MCP(0.3, 3.0)
    strength = penalty.majorant(W).strength
    Z = Y - Y.mean(axis=0)
    C = X - X.mean(axis=0)

    def value(U):
        fit = np.sum((Z - C @ U) ** 2) / (2 * len(X))
        return fit + strength @ np.linalg.norm(U, axis=1)

    best = minimize(lambda u: value(u.reshape(W.shape)), W.ravel() + 1e-3).fun
    null = np.sum(Z**2) / (2 * len(X))
    assert rough.majorant_gap_ * null >= value(W) - best - 1e-9


def test_large_gamma_is_l21():
    X, Y = problem()
    model = MultiTaskMCPRegressor(0.2, 0.1, gamma=1e9, **TIGHT).fit(X, Y)
    rows = MultiTaskL21Regressor(0.2, 0.1, **TIGHT).fit(X, Y)
    assert_allclose(model.coef_, rows.coef_, atol=1e-5)


def test_large_rows_are_not_shrunk():
    X, Y = problem(n=200, correlated=0.0)
    model = MultiTaskMCPRegressor(0.2, gamma=3.0, **TIGHT).fit(X, Y)
    assert np.flatnonzero(model.coef_.any(axis=0)).tolist() == [0, 1]
    C, Z = X[:, :2] - X[:, :2].mean(axis=0), Y - Y.mean(axis=0)
    least_squares = np.linalg.lstsq(C, Z, rcond=None)[0]
    assert_allclose(model.coef_[:, :2], least_squares.T, rtol=1e-6)
    shrunk = MultiTaskL21Regressor(0.2).fit(X, Y).coef_
    assert np.linalg.norm(shrunk[:, :2]) < 0.95 * np.linalg.norm(model.coef_[:, :2])


def test_weaker_starts_find_better_points():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(100, 50))
    for j in range(1, 50):
        X[:, j] = 0.9 * X[:, j - 1] + np.sqrt(0.19) * X[:, j]
    W = np.zeros((50, 5))
    W[rng.choice(50, 10, False)] = rng.normal(size=(10, 5))
    Y = X @ W + rng.normal(size=(100, 5))
    strength = 0.05 * MultiTaskL21Regressor().lambda_max(X, Y)
    one = MultiTaskMCPRegressor(strength, gamma=3.0, n_init=1).fit(X, Y)
    five = MultiTaskMCPRegressor(strength, gamma=3.0).fit(X, Y)
    plain = MultiTaskMCPRegressor(strength, gamma=3.0, solver="apg").fit(X, Y)
    assert five.objective_ < 0.999 * one.objective_
    assert five.objective_ < 0.999 * plain.objective_
    assert five.converged_ and one.converged_ and plain.converged_


def test_a_task_of_training_gets_back_its_coefficients():
    X, Y = problem()
    model = MultiTaskMCPRegressor(0.3, gamma=3.0, **TIGHT).fit(X, Y)
    new = model.fit_new_task(X, Y[:, 1])
    assert_allclose(new.coef_[0], model.coef_[1], atol=2e-4)


def test_other_losses_and_separable_labels():
    X, Y = problem(n=60)
    huber = MultiTaskMCPRegressor(loss="huber").fit(X, Y)
    assert huber.converged_ and huber.solver_ in ("multistage", "apg")
    model = MultiTaskMCPClassifier().fit(X, X[:, :2] @ np.ones((2, 2)) > 0)
    assert model.converged_ and model.lambda2_ > 0
    assert model.certificate_kind_ == "stationarity"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"gamma": 0.0}, "gamma of MCP is a number above 0, or 'auto', got 0.0"),
        ({"gamma": "wide"}, "gamma of MCP is a number above 0"),
        ({"n_init": 6}, "n_init of MCP is 1 to 5, got 6"),
    ],
)
def test_bad_options_are_refused(options, message):
    X, Y = problem()
    with pytest.raises(ValueError, match=message):
        MultiTaskRegressor(MCP(0.3, **options)).fit(X, Y)


def test_strengths_of_rows_go_through_coordinate_descent():
    """Weights of features are strengths of rows, in another way."""
    X, Y = problem()
    weight = np.array([0.5, 1.0, 2.0, 1.5, 3.0])
    penalty = WeightedRows(0.2 * weight, 1.0)
    model = MultiTaskRegressor(penalty, **TIGHT).fit(X, Y)
    other = MultiTaskL21Regressor(0.2, feature_weight=weight, **TIGHT).fit(X, Y)
    assert model.solver_ == "bcd"
    assert_allclose(model.coef_, other.coef_, atol=1e-5)
    assert_allclose(model.objective_, other.objective_, rtol=1e-9)
    W = np.random.default_rng(0).normal(size=(5, 3))
    same = WeightedRows(np.full(5, 0.3), 1.0)
    assert_allclose(same.value(W), L21(0.3).value(W), rtol=1e-14)
    assert_allclose(same.polar(W), L21(0.3).polar(W), rtol=1e-14)


def test_rows_without_strength_are_fitted_freely():
    X, Y = problem()
    model = MultiTaskRegressor(WeightedRows(np.array([0, 0.5, 0.5, 0, 0.5]), 5.0))
    model.set_params(**TIGHT).fit(X, Y)
    residual = Y - X @ model.coef_.T - model.intercept_
    assert np.abs(X[:, [0, 3]].T @ residual).max() <= 1e-5
    assert model.certificate_kind_ == "duality gap" and model.converged_


def test_scalar_minimum_of_one_coefficient():
    """One feature, one task: the whole objective on a line."""
    rng = np.random.default_rng(3)
    X, y = rng.normal(size=(30, 1)), rng.normal(size=30)
    y += 0.5 * X[:, 0]
    model = MultiTaskMCPRegressor(0.1, gamma=3.0, fit_intercept=False, **TIGHT)
    model.fit(X, y)

    def cost(w):
        return objective(X, y[:, None], np.array([[w]]), 0.1, 3.0)

    best = minimize_scalar(
        cost, bounds=(-3, 3), method="bounded", options={"xatol": 1e-9}
    )
    assert_allclose(model.objective_, best.fun, rtol=1e-9)
