"""Calibrated joint feature selection: optima, invariances, noise levels."""

import json
import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose

from pymtl import MultiTaskCalibratedRegressor, MultiTaskL21Regressor

MTFLC = ["MTFLC_ADMM_P2_1", "MTFLC_ADMM_P5_1", "MTFLC_ADMM_P5_2"]
TIGHT = {"tol": 1e-10, "max_iter": 50_000}


def make_data(sizes=(15, 25, 20, 30), d=8, noise=(0.1, 0.5, 1.0, 3.0), seed=0):
    """Return tasks whose noise differs, with sample weights."""
    rng = np.random.default_rng(seed)
    W = rng.standard_normal((len(sizes), d)) * (np.arange(d) < 3)
    Xs = [rng.standard_normal((n, d)) for n in sizes]
    ys = [
        3.0 + X @ w + s * rng.standard_normal(len(X))
        for X, w, s in zip(Xs, W, noise, strict=True)
    ]
    return Xs, ys, [rng.uniform(0.2, 2.0, n) for n in sizes]


def objective(model, Xs, ys, weights, task_weight):
    """Return the objective, written out."""
    total = model.lambda1_ * np.linalg.norm(model.coef_, axis=0).sum()
    total += model.lambda2_ * np.sum(model.coef_**2)
    for t, (X, y, s) in enumerate(zip(Xs, ys, weights, strict=True)):
        residual = y - X @ model.coef_[t] - model.intercept_[t]
        total += task_weight[t] * np.sqrt(np.average(residual**2, weights=s))
    return total


def optimum(Xs, ys, weights, task_weight, lambda1, lambda2, fit_intercept):
    """Return the optimal objective by cvxpy."""
    cp = pytest.importorskip("cvxpy")
    T, d = len(Xs), Xs[0].shape[1]
    W, c = cp.Variable((T, d)), cp.Variable(T)
    value = lambda1 * cp.sum(cp.norm(W, 2, axis=0)) + lambda2 * cp.sum_squares(W)
    for t, (X, y, s) in enumerate(zip(Xs, ys, weights, strict=True)):
        root = np.sqrt(s / s.sum())
        residual = y - X @ W[t] - c[t]
        value += task_weight[t] * cp.norm(cp.multiply(root, residual), 2)
    task = cp.Problem(cp.Minimize(value), [] if fit_intercept else [c == 0])
    accuracy = {"tol_gap_abs": 1e-12, "tol_gap_rel": 1e-12, "tol_feas": 1e-12}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        task.solve(solver=cp.CLARABEL, **accuracy)
    return task.value


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize(("lambda1", "lambda2"), [(0.2, 0.0), (0.05, 0.0), (0.1, 0.05)])
def test_optimum_of_cvxpy(lambda1, lambda2, fit_intercept):
    data, omega = make_data(), np.array([1.0, 0.5, 2.0, 1.5])
    model = MultiTaskCalibratedRegressor(
        lambda1, lambda2, fit_intercept=fit_intercept, task_weight=omega, tol=1e-9
    ).fit(*data)
    assert model.certificate_kind_ == "duality gap" and model.converged_
    assert_allclose(model.objective_, objective(model, *data, omega), rtol=1e-9)
    best = optimum(*data, omega, lambda1, lambda2, fit_intercept)
    assert_allclose(model.objective_, best, rtol=1e-7)


@pytest.mark.parametrize("sizes", [(1, 2, 3, 30), (3, 3, 3, 3), (12, 10, 8, 6)])
def test_tasks_that_are_fitted_exactly(sizes):
    data = make_data(sizes, d=15)
    settings = {"lambda2": 1e-3, "fit_intercept": False, "tol": 1e-9}
    model = MultiTaskCalibratedRegressor(0.02, **settings).fit(*data)
    assert model.converged_
    best = optimum(*data, np.ones(4), 0.02, 1e-3, False)
    assert_allclose(model.objective_, best, rtol=1e-6)
    assert model.noise_.min() <= 1e-7


@pytest.mark.parametrize("name", MTFLC)
def test_optimum_of_mtflc(shared_folder, name):
    text = (shared_folder / "reference" / "reference.json").read_text()
    entry = next(e for e in json.loads(text)["entries"] if e["id"] == name)
    with np.load(shared_folder / "reference" / f"{entry['problem']}.npz") as z:
        cuts, sizes = np.cumsum(z["n"])[:-1], z["n"].astype(float)
        Xs, ys = np.split(z["X"].astype(float), cuts), np.split(z["y"], cuts)
    strengths = entry["params"]
    model = MultiTaskCalibratedRegressor(
        strengths["lambda1"],
        strengths["lambda2"] / 2,
        fit_intercept=False,
        task_weight=np.sqrt(sizes),
        tol=1e-8,
    ).fit(Xs, ys)
    assert model.converged_
    residuals = [y - X @ w for X, y, w in zip(Xs, ys, model.coef_, strict=True)]
    value = sum(map(np.linalg.norm, residuals))
    value += strengths["lambda1"] * np.linalg.norm(model.coef_, axis=0).sum()
    value += strengths["lambda2"] / 2 * np.sum(model.coef_**2)
    assert_allclose(value, entry["objective"], rtol=1e-6)


def test_one_orthonormal_task_is_the_square_root_lasso():
    # with X'X = n I and z = X'y / n: |b_j| = (|z_j| - lambda sigma)_+, where sigma is
    # the noise level of the fit, found here by its fixed point
    rng = np.random.default_rng(0)
    n, d, strength = 50, 6, 0.3
    X = np.linalg.qr(rng.standard_normal((n, d)))[0] * np.sqrt(n)
    y = X @ np.array([2.0, -1.0, 0.5, 0, 0, 0]) + rng.standard_normal(n)
    z, sigma = X.T @ y / n, 1.0
    for _ in range(500):
        b = np.sign(z) * np.maximum(np.abs(z) - strength * sigma, 0)
        sigma = np.sqrt(np.mean((y - X @ b) ** 2))
    model = MultiTaskCalibratedRegressor(strength, fit_intercept=False, **TIGHT)
    model.fit(X, y)
    assert_allclose(model.coef_[0], b, atol=1e-6)
    assert_allclose(model.noise_, [sigma], rtol=1e-7)


def test_squared_loss_with_the_noise_levels_as_weights():
    # the stationary points of the two agree: weight 1 / sigma_t on the squared loss
    Xs, ys, weights = make_data()
    ours = MultiTaskCalibratedRegressor(0.2, **TIGHT).fit(Xs, ys, weights)
    theirs = MultiTaskL21Regressor(0.2, task_weight=1 / ours.noise_, tol=1e-12)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of the scales
        theirs.fit(Xs, ys, weights)
    assert_allclose(ours.coef_, theirs.coef_, atol=1e-5)
    assert_allclose(ours.intercept_, theirs.intercept_, atol=1e-5)


@pytest.mark.parametrize("scale", [1e-6, 1e5])
def test_units_cancel(scale):
    Xs, ys, weights = make_data()
    model = MultiTaskCalibratedRegressor(0.1, tol=1e-9)
    coef = model.fit(Xs, ys, weights).coef_
    noise = model.noise_
    model = MultiTaskCalibratedRegressor(0.1, tol=1e-9)
    model.fit(Xs, [scale * y for y in ys], weights)
    size = np.abs(coef).max()
    assert_allclose(model.coef_, scale * coef, atol=1e-5 * scale * size)
    assert_allclose(model.noise_, scale * noise, rtol=1e-5)


def test_strength_does_not_depend_on_the_noise():
    # lambda_max of the null model is the same at any noise level, and finite
    Xs, ys, _ = make_data()
    rng = np.random.default_rng(1)
    pure = [rng.standard_normal(len(y)) for y in ys]
    model = MultiTaskCalibratedRegressor()
    top = model.lambda_max(Xs, pure)
    units = [10.0**t * y for t, y in enumerate(pure)]
    assert_allclose(model.lambda_max(Xs, units), top, rtol=1e-12)
    squared = MultiTaskL21Regressor()
    assert squared.lambda_max(Xs, [1e3 * y for y in pure]) > 10 * top
    assert not model.set_params(lambda1=1.0001 * top).fit(Xs, pure).coef_.any()
    assert model.set_params(lambda1=0.99 * top).fit(Xs, pure).coef_.any()


def test_noise_levels_are_recovered():
    noise = 10.0 ** np.linspace(-2, 1, 6)
    Xs, ys, _ = make_data((400,) * 6, noise=noise)
    model = MultiTaskCalibratedRegressor(0.02).fit(Xs, ys)
    assert_allclose(model.noise_, noise, rtol=0.15)


def test_only_free_intercepts():
    Xs, ys, _ = make_data()
    for form in ("shared", "shrink"):
        model = MultiTaskCalibratedRegressor(fit_intercept=form)
        with pytest.raises(ValueError, match=f"fit_intercept='{form}'"):
            model.fit(Xs, ys)
