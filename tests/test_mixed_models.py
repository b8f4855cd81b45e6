"""The strengths of the mean-regularised model are ratios of variance components."""

import numpy as np
import pytest
from scipy.linalg import block_diag

from pymtl import MultiTaskMeanRegressor


def simulate(slope_sd, intercept_sd, sigma, sizes, rng):
    """Return tasks whose coefficients and intercepts are normal around common ones."""
    beta, Xs, ys = rng.standard_normal(len(slope_sd)), [], []
    for n in sizes:
        X = rng.standard_normal((n, len(beta))) + rng.standard_normal(len(beta))
        w = beta + slope_sd * rng.standard_normal(len(beta))
        c = 2.0 + intercept_sd * rng.standard_normal()
        Xs.append(X)
        ys.append(X @ w + c + sigma * rng.standard_normal(n))
    return Xs, ys


def blups(Zs, ys, cov, sigma):
    """Return fixed effects by generalised least squares plus predicted random ones.

    Every column of Z has a fixed and a random effect; the formulas are Henderson's.
    """
    V = [Z @ cov @ Z.T + sigma**2 * np.eye(len(Z)) for Z in Zs]
    left = sum(Z.T @ np.linalg.solve(v, Z) for Z, v in zip(Zs, V, strict=True))
    right = sum(Z.T @ np.linalg.solve(v, y) for Z, v, y in zip(Zs, V, ys, strict=True))
    beta = np.linalg.solve(left, right)
    return np.array(
        [
            beta + cov @ Z.T @ np.linalg.solve(v, y - Z @ beta)
            for Z, v, y in zip(Zs, V, ys, strict=True)
        ]
    )


def with_ones(X):
    return np.column_stack([np.ones(len(X)), X])


def test_coefficients_and_intercepts_are_the_blups():
    tau, tau0, sigma = 0.4, 1.5, 0.7
    rng = np.random.default_rng(0)
    Xs, ys = simulate(np.full(3, tau), tau0, sigma, [3, 5, 8, 20, 2], rng)
    model = MultiTaskMeanRegressor(
        lambda1=sigma**2 / (2 * tau**2),
        lambda0=sigma**2 / (2 * tau0**2),
        fit_intercept="shrink",
        task_weight="n_samples",
        tol=1e-10,
    ).fit(Xs, ys)
    cov = np.diag([tau0**2, *[tau**2] * 3])
    expected = blups([with_ones(X) for X in Xs], ys, cov, sigma)
    np.testing.assert_allclose(model.intercept_, expected[:, 0], atol=1e-8)
    np.testing.assert_allclose(model.coef_, expected[:, 1:], atol=1e-8)


def test_the_mean_loss_is_the_blup_of_tasks_of_one_size():
    tau, tau0, sigma, n = 0.4, 1.5, 0.7, 6
    rng = np.random.default_rng(1)
    Xs, ys = simulate(np.full(2, tau), tau0, sigma, [n] * 5, rng)
    model = MultiTaskMeanRegressor(
        lambda1=sigma**2 / (2 * n * tau**2),
        lambda0=sigma**2 / (2 * n * tau0**2),
        fit_intercept="shrink",
        tol=1e-10,
    ).fit(Xs, ys)
    cov = np.diag([tau0**2, tau**2, tau**2])
    expected = blups([with_ones(X) for X in Xs], ys, cov, sigma)
    np.testing.assert_allclose(model.intercept_, expected[:, 0], atol=1e-8)
    np.testing.assert_allclose(model.coef_, expected[:, 1:], atol=1e-8)


def test_feature_weights_are_variances_of_their_own():
    tau, tau0, sigma = np.array([0.2, 1.0, 0.5]), 1.5, 0.7
    rng = np.random.default_rng(2)
    Xs, ys = simulate(tau, tau0, sigma, [4, 9, 15, 6], rng)
    model = MultiTaskMeanRegressor(
        lambda1=sigma**2 / 2,
        lambda0=sigma**2 / (2 * tau0**2),
        feature_weight=1 / tau**2,
        fit_intercept="shrink",
        task_weight="n_samples",
        tol=1e-10,
    ).fit(Xs, ys)
    expected = blups([with_ones(X) for X in Xs], ys, np.diag([tau0**2, *tau**2]), sigma)
    np.testing.assert_allclose(model.intercept_, expected[:, 0], atol=1e-8)
    np.testing.assert_allclose(model.coef_, expected[:, 1:], atol=1e-8)


def test_correlated_effects_are_columns_times_the_root_of_their_covariance():
    sigma, rng = 0.7, np.random.default_rng(3)
    Xs, ys = simulate(np.array([0.6, 0.3]), 1.0, sigma, [4, 9, 15, 6], rng)
    A = rng.standard_normal((3, 3))
    cov = A @ A.T
    root = np.linalg.cholesky(cov)
    Zs = [with_ones(X) for X in Xs]
    model = MultiTaskMeanRegressor(
        lambda1=sigma**2 / 2,
        fit_intercept=False,
        task_weight="n_samples",
        tol=1e-12,
    ).fit([Z @ root for Z in Zs], ys)
    expected = blups(Zs, ys, cov, sigma)
    np.testing.assert_allclose(model.coef_ @ root.T, expected, atol=1e-7)


def test_a_ridge_is_a_prior_on_the_fixed_effects():
    tau, omega, sigma, T, d = 0.4, 0.9, 0.7, 4, 2
    rng = np.random.default_rng(5)
    Xs, ys = simulate(np.full(d, tau), 0.0, sigma, [4, 9, 15, 6], rng)
    lambda2 = sigma**2 / (2 * (T * omega**2 + tau**2))
    model = MultiTaskMeanRegressor(
        lambda1=sigma**2 / (2 * tau**2) - lambda2,
        lambda2=lambda2,
        fit_intercept=False,
        task_weight="n_samples",
        tol=1e-12,
    ).fit(Xs, ys)
    between = omega**2 * np.ones((T, T)) + tau**2 * np.eye(T)
    cov = np.kron(between, np.eye(d))  # of the stacked coefficients
    X = block_diag(*Xs)
    noise = sigma**2 * np.eye(len(X))
    expected = cov @ X.T @ np.linalg.solve(X @ cov @ X.T + noise, np.concatenate(ys))
    np.testing.assert_allclose(model.coef_.ravel(), expected, atol=1e-8)


def test_statsmodels_mixed_lm():
    reason = "statsmodels is not installed"
    mixed = pytest.importorskip(
        "statsmodels.regression.mixed_linear_model", reason=reason
    )
    rng = np.random.default_rng(4)
    Xs, ys = simulate(np.array([0.5]), 1.0, 0.8, rng.integers(5, 15, 30), rng)
    Z = with_ones(np.concatenate(Xs))
    task = np.repeat(np.arange(30), [len(y) for y in ys])
    independent = mixed.MixedLMParams.from_components(np.ones(2), cov_re=np.eye(2))
    fit = mixed.MixedLM(np.concatenate(ys), Z, groups=task, exog_re=Z)
    fit = fit.fit(free=independent)
    intercept, slope = np.diag(fit.cov_re)
    model = MultiTaskMeanRegressor(
        lambda1=fit.scale / (2 * slope),
        lambda0=fit.scale / (2 * intercept),
        fit_intercept="shrink",
        task_weight="n_samples",
        tol=1e-10,
    ).fit(Xs, ys)
    random = np.array([fit.random_effects[t] for t in range(30)])
    coef = np.column_stack([model.intercept_, model.coef_])
    np.testing.assert_allclose(coef, fit.fe_params + random, atol=1e-8)
