"""The search for intercepts ends at the minimum, for every loss, form and scale."""

import cvxpy as cp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.optimize import brentq
from sklearn.linear_model import HuberRegressor, LogisticRegression, PoissonRegressor

from pymtl import (
    MultiTaskL21Regressor,
    PooledClassifier,
    PooledRegressor,
    SingleTaskClassifier,
    SingleTaskRegressor,
)
from pymtl.losses import (
    Hinge,
    Huber,
    Logistic,
    Multinomial,
    Poisson,
    Quantile,
    SquaredHinge,
)
from pymtl.losses._profiled import Profiled
from pymtl.losses._shifts import increasing_root
from pymtl.testing._losses import make_targets

SMOOTH = [Huber(), Huber(1e-3), Logistic(), Poisson(), SquaredHinge(), Multinomial(3)]
KINKED = [Quantile(0.5), Quantile(0.1), Hinge()]
LOCATION = [Huber(), Huber(1e-3), Quantile(0.5), Quantile(0.2)]
FORMS = [True, "shared", "shrink"]
BOUNDS = np.array([0, 3, 12, 30])


def rows(loss, seed, spread):
    """Return targets, predictions and weights of three tasks."""
    rng = np.random.default_rng(seed)
    copies = loss.n_classes or 1
    bounds = copies * BOUNDS
    sizes = np.diff(BOUNDS)
    if copies > 1:
        y = [np.eye(copies)[:, np.arange(n) % copies].ravel() for n in sizes]
        y = np.concatenate(y)
    else:
        y = make_targets(loss, rng)
        y[BOUNDS[:-1]], y[BOUNDS[:-1] + 1] = 1.0, 0.0 if loss.positive else -1.0
    weight = [np.tile(rng.random(n) + 0.1, copies) / n for n in sizes]
    return y, spread * rng.standard_normal(len(y)), np.concatenate(weight), bounds


def slopes(loss, c, strength, form, y, z, weight, bounds):
    """Return the gradient in the intercepts, and the terms that it is the sum of."""
    K = c.shape[1]
    groups = np.repeat(np.arange(3 * K), np.repeat(np.diff(bounds) // K, K))
    size = np.abs(y) + np.abs(z)
    z = z + c.ravel()[groups]
    r = loss.gradient(y, z, weight, bounds)
    scale = weight * (loss.curvature or 1.0) * (size + np.abs(z))
    slope = np.bincount(groups, r).reshape(3, K)
    size = np.bincount(groups, np.abs(r) + scale).reshape(3, K)
    if form == "shared":
        return slope.sum(axis=0), size.sum(axis=0)
    if form == "shrink":
        slope = slope + 2 * strength * (c - c.mean(axis=0))
        size = size + 2 * strength * (np.abs(c) + np.abs(c).max())
    return slope, size


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("loss", SMOOTH, ids=str)
@settings(max_examples=8, deadline=None)
@given(
    seed=st.integers(0, 1000),
    spread=st.integers(-6, 1),
    shift=st.floats(-1e6, 1e6),
    strength=st.integers(-6, 3),
)
def test_slope_is_zero_to_rounding(loss, form, seed, spread, shift, strength):
    data = rows(loss, seed, 10.0**spread)
    offset = np.full(len(data[0]), shift)
    c = Profiled(loss, form, 10.0**strength, offset).intercepts(*data)
    y, z, *rest = data
    slope, size = slopes(loss, c, 10.0**strength, form, y, z + shift, *rest)
    assert np.all(np.abs(slope) <= 1e-12 * size)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("loss", LOCATION, ids=str)
@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 1000), scale=st.integers(-6, 9), strength=st.integers(-6, 3))
def test_intercepts_follow_the_targets(loss, form, seed, scale, strength):
    y, z, *rest = rows(loss, seed, 1.0)
    scale, model = 10.0**scale, Profiled(loss, form, 10.0**strength)
    value = model.value(y, z, *rest)
    moved = Profiled(loss, form, 10.0**strength)
    rounding = 1e-14 * scale * (1 + 10.0**strength)
    assert_allclose(moved.value(y + scale, z, *rest), value, rtol=1e-9, atol=rounding)
    if isinstance(loss, Huber) and loss.delta > 1:  # others are flat in between
        c = model.intercepts(y, z, *rest)
        far = moved.intercepts(y + scale, z, *rest)
        assert_allclose(far - scale, c, atol=1e-9 + 1e-12 * scale)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("loss", KINKED, ids=str)
@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 1000), strength=st.integers(-6, 3))
def test_kinks(loss, form, seed, strength):
    data = rows(loss, seed, 2.0)
    strength = 10.0**strength
    c = Profiled(loss, form, strength).intercepts(*data)

    def value(c):
        z = data[1] + np.repeat(c[:, 0], np.diff(BOUNDS))
        pull = strength * np.sum((c - c.mean()) ** 2) if form == "shrink" else 0.0
        return loss.value(data[0], z, *data[2:]) + pull

    rng = np.random.default_rng(seed)
    for size in 10.0 ** rng.integers(-8, 2, 40):
        move = size * rng.standard_normal((1 if form == "shared" else 3, 1))
        assert value(c) <= value(c + move) + 1e-12


@pytest.mark.parametrize("loss", [Huber(0.5), Logistic(), SquaredHinge()], ids=str)
def test_free_intercepts_equal_brentq(loss):
    y, z, weight, bounds = rows(loss, 0, 3.0)
    c = Profiled(loss, True).intercepts(y, z, weight, bounds)
    for t, (a, b) in enumerate(zip(bounds[:-1], bounds[1:], strict=True)):
        whole = np.array([0, b - a])
        task = [v[a:b] for v in (y, z, weight)]

        def slope(c, y, z, weight, whole=whole):
            return loss.gradient(y, z + c, weight, whole).sum()

        root = brentq(slope, -1e3, 1e3, tuple(task), xtol=1e-13)
        assert_allclose(c[t, 0], root, atol=1e-10)


def test_roots_of_steep_flat_and_jumping_functions():
    def slope(c):
        far = np.clip(c - 1e9, -1, 1), np.exp(np.minimum(c, 300.0)) - 1e-9
        value = np.array([*(v[i] for i, v in enumerate(far)), np.sign(c[2] - 0.3)])
        rate = np.array([0.0, np.exp(min(c[1], 300.0)), 1.0])
        return value, rate, np.full(3, 1e-25)

    root = increasing_root(slope, np.array([0.0, 200.0, -1e12]), np.zeros(3))
    assert_allclose(root, [1e9, -9 * np.log(10), 0.3], rtol=1e-12)


def test_a_slope_that_is_all_but_flat_overflows_no_step():
    def slope(c):
        return np.tanh(c - 1.0), np.full(1, 1e-310), np.full(1, 1e-15)

    assert_allclose(increasing_root(slope, np.array([700.0]), np.zeros(1)), 1.0)


@pytest.mark.parametrize("size", [1e-6, 1.0, 1e3, 1e9])
@pytest.mark.parametrize("exposure", [1e-6, 1.0, 1e6])
def test_rates_of_poisson_are_a_formula(size, exposure):
    rng = np.random.default_rng(0)
    y = size * rng.integers(0, 5, 30).astype(float)
    z = np.log(exposure) + rng.uniform(-14, 14, 30)  # twelve orders of magnitude
    weight = rng.random(30)
    c = Profiled(Poisson(), True).intercepts(y, z, weight, BOUNDS)
    rate = weight * np.exp(z.astype(np.longdouble))
    for t, (a, b) in enumerate(zip(BOUNDS[:-1], BOUNDS[1:], strict=True)):
        ratio = np.dot(weight[a:b], y[a:b]) / rate[a:b].sum()
        assert_allclose(c[t, 0], float(np.log(ratio)), rtol=1e-12)


def counts(name):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(50, 2))
    if name == "one huge count":
        return np.arange(10.0)[:, None], np.append(np.ones(9), 1e4), 500.0
    rate = {"steep": np.exp(8 + 2 * X[:, 0]), "billions": np.full(50, 1e9)}
    return X, rng.poisson(rate.get(name, np.full(50, 22026.0))).astype(float), 1.0


@pytest.mark.parametrize("name", ["large", "billions", "steep", "one huge count"])
@pytest.mark.parametrize("share", [1.0, 1e-3])
def test_counts_equal_scikit_learn(name, share):
    X, y, lambda2 = counts(name)
    lambda2 *= share
    model = SingleTaskRegressor(lambda2, loss="poisson", tol=1e-9).fit(X, y)
    theirs = PoissonRegressor(
        alpha=2 * lambda2, solver="newton-cholesky", tol=1e-8 * y.mean(), max_iter=1000
    ).fit(X, y)
    assert_allclose(model.coef_[0], theirs.coef_, rtol=1e-4, atol=3e-5)
    assert_allclose(model.intercept_, theirs.intercept_, rtol=3e-4)


def test_automatic_strength_is_half_the_mean_rate():
    X, y, _ = counts("one huge count")
    model = SingleTaskRegressor(loss="poisson").fit(X, y)
    assert_allclose(model.lambda2_, 0.5 * y.mean() * X.var(), rtol=1e-12)


@pytest.mark.parametrize("form", FORMS)
def test_a_task_without_counts(form):
    rng = np.random.default_rng(0)
    Xs = [rng.normal(size=(20, 2)) for _ in range(3)]
    ys = [rng.poisson(3.0, 20).astype(float) for _ in range(3)]
    ys[1][:] = 0
    model = SingleTaskRegressor(0.1, loss="poisson", fit_intercept=form).fit(Xs, ys)
    assert model.converged_
    if form is True:
        assert np.all(model.predict(Xs)[1] <= 1e-29)
        alone = SingleTaskRegressor(0.1, loss="poisson").fit(Xs[0], ys[0])
        assert_allclose(model.coef_[0], alone.coef_[0], atol=1e-2)
    empty = SingleTaskRegressor(loss="poisson").fit(Xs[0], ys[1])
    assert empty.converged_ and not empty.coef_.any()


@pytest.mark.parametrize("lambda0", ["auto", 1e-6])
@pytest.mark.parametrize("mean", [0.0, 1e3, 1e4, 1e6])
def test_huber_far_from_zero_with_shrunk_intercepts(mean, lambda0):
    rng = np.random.default_rng(0)
    Xs = [rng.normal(size=(20, 2)) for _ in range(3)]
    ys = [rng.normal(size=20) for _ in range(3)]
    model = SingleTaskRegressor(
        0.1, loss="huber", fit_intercept="shrink", lambda0=lambda0
    )  # a gap much below 1e-5 is beyond the rounding of targets of 1e6
    near = model.fit(Xs, ys).objective_
    model.fit(Xs, [y + mean for y in ys])
    assert_allclose(model.objective_, near, rtol=1e-6)


def test_free_intercepts_equal_scikit_learn():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 3))
    y = X @ [1, -1, 0.5] + rng.standard_t(2, size=60)
    theirs = HuberRegressor(epsilon=1.35, alpha=0.0, tol=1e-10, max_iter=10000)
    theirs.fit(X, y + 1e3)
    scale = theirs.scale_
    loss = Huber(1.35 * scale)
    model = SingleTaskRegressor(0.0, loss=loss, tol=1e-10).fit(X, y + 1e3)
    assert_allclose(model.intercept_, theirs.intercept_, rtol=3e-4)
    labels = y > 1
    theirs = LogisticRegression(C=1 / (60 * 0.2), tol=1e-10).fit(X, labels)
    model = SingleTaskClassifier(0.1, tol=1e-12).fit(X, labels)
    assert_allclose(model.intercept_, theirs.intercept_, atol=1e-6)


def kinked_optimum(loss, form, lambda0, Xs, ys, pooled):
    W = cp.Variable((2, 1 if pooled else 3))
    c = cp.Variable(1 if form == "shared" else 3)
    value = 0.1 * cp.sum_squares(W) * (3 if pooled else 1)
    for t, (X, y) in enumerate(zip(Xs, ys, strict=True)):
        z = X @ W[:, 0 if pooled else t] + c[0 if form == "shared" else t]
        if loss == "hinge":
            value += cp.sum(cp.pos(1 - cp.multiply(y, z))) / len(y)
        else:
            value += cp.sum(cp.abs(y - z)) / (2 * len(y))
    if form == "shrink":
        value += lambda0 * cp.sum_squares(c - cp.sum(c) / 3)
    problem = cp.Problem(cp.Minimize(value))
    return problem.solve(solver="CLARABEL", tol_gap_rel=1e-10, tol_gap_abs=1e-10)


@pytest.mark.parametrize("pooled", [False, True])
@pytest.mark.parametrize("form", ["shared", "shrink"])
@pytest.mark.parametrize("loss", ["hinge", "quantile"])
def test_kinks_equal_cvxpy(loss, form, pooled):
    rng = np.random.default_rng(0)
    Xs = [rng.normal(size=(n, 2)) for n in (9, 14, 20)]
    ys = [X @ [1, -1] + rng.normal(size=len(X)) + t for t, X in enumerate(Xs)]
    single, one = SingleTaskRegressor, PooledRegressor
    if loss == "hinge":
        single, one = SingleTaskClassifier, PooledClassifier
        ys = [np.where(y > 0.5, 1, -1) for y in ys]
    estimator = one if pooled else single
    for lambda0 in (0.02, 2.0):
        model = estimator(
            0.1, loss=loss, fit_intercept=form, lambda0=lambda0, tol=1e-7
        ).fit(Xs, ys)
        best = kinked_optimum(loss, form, lambda0, Xs, ys, pooled)
        assert_allclose(model.objective_, best, rtol=1e-6)


@pytest.mark.parametrize("pooled", [False, True])
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("loss", ["squared", Huber(1e6)], ids=str)
def test_covariates_of_tasks_with_other_means(loss, form, pooled):
    rng = np.random.default_rng(0)
    Xs = [rng.normal(size=(12, 3)) + t for t in range(3)]
    ys = [
        X @ [1, -1, 0.5] + rng.normal(size=12) + 5 * t + 100 for t, X in enumerate(Xs)
    ]
    weight = np.array([0.0, 1.0, 1.0])
    estimator = PooledRegressor if pooled else SingleTaskRegressor
    model = estimator(
        0.3, loss=loss, fit_intercept=form, lambda0=0.2, feature_weight=weight
    ).fit(Xs, ys)
    # unknowns: kept coefficients, covariates of the tasks, intercepts
    k, basis = (2, [0, 0, 0]) if pooled else (6, [0, 2, 4])
    shared = form == "shared"
    blocks, right = [], []
    for t, (X, y) in enumerate(zip(Xs, ys, strict=True)):
        A = np.zeros((12, k + 6))
        A[:, basis[t] : basis[t] + 2] = X[:, 1:]
        A[:, k + t], A[:, k + 3 + (0 if shared else t)] = X[:, 0], 1.0
        blocks.append(A / np.sqrt(24))
        right.append(y / np.sqrt(24))
    blocks.append(np.sqrt(0.9 if pooled else 0.3) * np.eye(k, k + 6))
    if form == "shrink":
        centre = np.zeros((3, k + 6))
        centre[:, k + 3 :] = np.sqrt(0.2) * (np.eye(3) - 1 / 3)
        blocks.append(centre)
    A = np.vstack(blocks)
    b = np.append(np.concatenate(right), np.zeros(len(A) - 36))
    x = np.linalg.lstsq(A, b, rcond=None)[0]
    assert_allclose(model.objective_, np.sum((A @ x - b) ** 2), rtol=1e-4)
    assert_allclose(model.coef_[:, 0], x[k : k + 3], atol=2e-2)
    c = np.full(3, x[k + 3]) if shared else x[k + 3 :]
    W = model.coef_
    value = 0.3 * np.sum(W[:, 1:] ** 2)
    for X, y, w, c in zip(Xs, ys, W, model.intercept_, strict=True):
        value += np.mean((y - X @ w - c) ** 2) / 2
    if form == "shrink":
        value += 0.2 * np.sum((model.intercept_ - model.intercept_.mean()) ** 2)
    assert_allclose(model.objective_, value, rtol=1e-12)


@pytest.mark.parametrize("quantile", [0.1, 1 / 3, 0.5])
def test_subgradients_at_ties_are_those_of_the_intercepts(quantile):
    rng = np.random.default_rng(0)
    Xs = [rng.normal(size=(21, 3)) for _ in range(3)]
    ys = [np.where(X[:, 0] > 0.3, 1.0, 0.0) for X in Xs]
    weights = [np.arange(1.0, 22.0)] * 3

    def largest(rows=None, **options):
        rows = [np.arange(21)] * 3 if rows is None else rows
        data = ([v[i] for v, i in zip(part, rows, strict=True)] for part in (Xs, ys))
        weight = [weights[0][i] for i in rows]
        model = MultiTaskL21Regressor(loss=Quantile(quantile), **options)
        return model.lambda_max(*data, weight)

    for form in (True, False, "shared", "shrink"):  # no order of the rows counts
        found = [largest(fit_intercept=form)]
        found += [
            largest([rng.permutation(21) for _ in Xs], fit_intercept=form)
            for _ in range(4)
        ]
        assert_allclose(found, found[0], rtol=1e-12)
    for strength in (0.0, 1e-9):  # free intercepts
        end = largest(fit_intercept="shrink", lambda0=strength)
        assert_allclose(end, largest(fit_intercept=True), rtol=1e-6)
