"""Variances of the tasks' coefficients by maximum (restricted) likelihood."""

import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose

from pymtl import MultiTaskMeanRegressor, PooledRegressor
from pymtl._variance import Columns, Likelihood, Statistics, Structure, precisions
from pymtl.tasks import TaskData

SIZES = (5, 9, 4, 30, 12, 7, 3, 16)


def simulate(sizes=SIZES, d=2, sd=0.7, seed=0, noise=0.6):
    """Return tasks with normal coefficients and intercepts, and noise."""
    rng = np.random.default_rng(seed)
    Xs = [rng.standard_normal((n, d)) + 0.5 for n in sizes]
    W = 1.0 + sd * rng.standard_normal((len(sizes), d))
    c = rng.standard_normal(len(sizes))
    ys = [
        X @ w + b + noise * rng.standard_normal(len(X))
        for X, w, b in zip(Xs, W, c, strict=True)
    ]
    return Xs, ys


def as_data(Xs, ys, weights=None):
    sizes = [len(y) for y in ys]
    weight = np.ones(sum(sizes)) if weights is None else np.concatenate(weights)
    bounds = np.cumsum([0, *sizes])
    labels = np.arange(len(ys))
    y = np.concatenate(ys)
    return TaskData("lists", np.concatenate(Xs), y, weight, None, bounds, labels)


def likelihood(Xs, ys, method, groups=None, intercept="shrink", weight=None):
    data = as_data(Xs, ys)
    weight = np.ones(Xs[0].shape[1]) if weight is None else np.asarray(weight)
    statistics = Statistics(data, precisions(data), Columns(intercept, weight))
    structure = Structure(groups, np.ones(len(statistics.scale)))
    return Likelihood(statistics, structure, method)


def dense(Xs, ys, D, method, F=None, random=None):
    """Return minus twice the log-likelihood from the covariance of all targets."""
    Us = [np.column_stack([np.ones(len(X)), X]) for X in Xs]
    Zs = Us if random is None else [U[:, random] for U in Us]
    F = np.concatenate(Us) if F is None else F
    y, N = np.concatenate(ys), sum(map(len, ys))
    V, row = np.eye(N), 0
    for Z in Zs:
        own = slice(row, row + len(Z))
        V[own, own] += Z @ D @ Z.T
        row += len(Z)
    Vi = np.linalg.inv(V)
    A = F.T @ Vi @ F
    beta = np.linalg.solve(A, F.T @ Vi @ y)
    rss = (y - F @ beta) @ Vi @ (y - F @ beta)
    nu = N - F.shape[1] * (method == "reml")
    value = np.linalg.slogdet(V)[1] + nu * (1 + np.log(2 * np.pi * rss / nu))
    if method == "reml":
        value += np.linalg.slogdet(A)[1]
    return value, beta, rss / nu


@pytest.mark.parametrize("method", ["reml", "ml"])
def test_likelihood_is_that_of_the_dense_covariance(method):
    Xs, ys = simulate()
    model = likelihood(Xs, ys, method)
    theta = np.random.default_rng(1).standard_normal(6)
    state = model.state(theta)
    value, beta, noise = dense(Xs, ys, state.L @ state.L.T, method)
    assert_allclose(state.value, value, rtol=1e-12)
    assert_allclose(state.noise, noise, rtol=1e-12)
    statistics = model.statistics
    found = statistics.basis @ state.gamma + statistics.origin
    assert_allclose(found[1:], beta[1:], rtol=1e-10)


def test_free_intercepts_are_fixed_effects_of_the_tasks():
    Xs, ys = simulate()
    model = likelihood(Xs, ys, "reml", intercept=True)
    state = model.state(np.array([0.6, 0.2, -0.3]))
    task = np.repeat(np.arange(len(ys)), SIZES)
    F = np.column_stack([np.eye(len(ys))[task], np.concatenate(Xs)])
    value, _, _ = dense(Xs, ys, state.L @ state.L.T, "reml", F, [1, 2])
    assert_allclose(state.value, value, rtol=1e-12)


def test_features_without_weight_are_free_and_of_infinite_weight_in_common():
    Xs, ys = simulate(d=3)
    model = likelihood(Xs, ys, "reml", np.array([0, 1]), weight=[0.0, 1.0, np.inf])
    state = model.state(np.array([0.6, 0.2]))
    task = np.repeat(np.arange(len(ys)), SIZES)
    X = np.concatenate(Xs)
    own = np.eye(len(ys))[task] * X[:, :1]
    F = np.column_stack([np.ones(len(X)), own, X[:, 1:]])
    value, _, _ = dense(Xs, ys, state.L @ state.L.T, "reml", F, [0, 2])
    assert_allclose(state.value, value, rtol=1e-12)


@pytest.mark.parametrize("method", ["reml", "ml"])
@pytest.mark.parametrize("groups", [None, np.arange(3), np.array([0, 1, 1])])
def test_gradient(groups, method):
    model = likelihood(*simulate(), method, groups)
    n = model.structure.n_parameters
    theta = np.random.default_rng(2).standard_normal(n)
    step = 1e-5 * np.eye(n)
    up = np.array([model.state(theta + e).value for e in step])
    down = np.array([model.state(theta - e).value for e in step])
    assert_allclose(model.state(theta).gradient, (up - down) / 2e-5, rtol=1e-6)


def test_without_variance_it_is_the_likelihood_of_least_squares():
    Xs, ys = simulate()
    model = likelihood(Xs, ys, "ml", np.arange(3))
    U = np.column_stack([np.ones(sum(SIZES)), np.concatenate(Xs)])
    y = np.concatenate(ys)
    rss = np.sum((y - U @ np.linalg.lstsq(U, y, rcond=None)[0]) ** 2)
    expected = len(y) * (1 + np.log(2 * np.pi * rss / len(y)))
    assert_allclose(model.state(np.zeros(3)).value, expected, rtol=1e-13)


def test_digits_survive_offsets_and_hard_conditions():
    """Large means, tiny noise and units of their own change no digit that counts."""
    Xs, ys = simulate()
    theta = np.array([0.8, 0.5])
    groups = np.array([0, 1])
    plain = likelihood(Xs, ys, "reml", groups, True).state(theta)
    moved = [X + np.array([1e5, -1e4]) for X in Xs]
    shifted = likelihood(moved, [y + 1e6 for y in ys], "reml", groups, True)
    assert_allclose(shifted.state(theta).value, plain.value, rtol=1e-8)
    scaled = likelihood([1e6 * X for X in Xs], ys, "reml", groups, True)
    assert_allclose(scaled.state(1e-6 * theta).noise, plain.noise, rtol=1e-12)


MIXED = {"fit_intercept": "shrink", "task_weight": "n_samples"}


@pytest.mark.parametrize("method", ["reml", "ml"])
def test_strengths_of_the_mean_model_are_the_best(method):
    Xs, ys = simulate()
    model = MultiTaskMeanRegressor(method, **MIXED).fit(Xs, ys)
    assert model.certificate_ <= model.tol
    best = np.array([model.lambda0_, model.lambda1_])

    def value(strengths):
        D = np.diag(0.5 / strengths[[0, 1, 1]])
        return dense(Xs, ys, D, method)[0]

    for factor in ([1.02, 1.0], [0.98, 1.0], [1.0, 1.02], [1.0, 0.98]):
        assert value(best) < value(best * factor)
    gradient = [value(best * f) - value(best / f) for f in ([1 + 1e-4, 1], [1, 1.0001])]
    assert_allclose(gradient, 0.0, atol=1e-7)


def test_strengths_follow_the_objective():
    """The weights of the tasks are the precisions of their errors."""
    Xs, ys = simulate()
    omega = np.linspace(0.5, 2.0, len(ys))
    model = MultiTaskMeanRegressor("ml", fit_intercept=False, task_weight=omega)
    found = model.fit(Xs, ys).lambda1_
    roots = [np.sqrt(o / len(y)) for o, y in zip(omega, ys, strict=True)]
    scaled = [r * X for r, X in zip(roots, Xs, strict=True)]
    targets = [r * y for r, y in zip(roots, ys, strict=True)]
    other = MultiTaskMeanRegressor("ml", fit_intercept=False, task_weight="n_samples")
    assert_allclose(other.fit(scaled, targets).lambda1_, found, rtol=1e-5)


def test_given_and_estimated_strengths_go_together():
    Xs, ys = simulate()
    both = MultiTaskMeanRegressor("reml", **MIXED).fit(Xs, ys)
    for name in ("lambda0", "lambda1"):
        given = {"lambda0": "reml", "lambda1": "reml", **MIXED}
        given[name] = getattr(both, f"{name}_")
        again = MultiTaskMeanRegressor(**given).fit(Xs, ys)
        assert_allclose(again.lambda0_, both.lambda0_, rtol=1e-4)
        assert_allclose(again.lambda1_, both.lambda1_, rtol=1e-4)
    alone = MultiTaskMeanRegressor(0.0, lambda0="reml", **MIXED).fit(Xs, ys)
    assert alone.lambda1_ == 0


def test_doors_and_units_give_the_same_strengths():
    Xs, ys = simulate((12,) * 5)
    X, Y = Xs[0], np.column_stack(ys)
    shared = MultiTaskMeanRegressor("reml").fit(X, Y)
    lists = MultiTaskMeanRegressor("reml").fit([X] * 5, ys)
    assert_allclose(shared.lambda1_, lists.lambda1_, rtol=1e-8)
    for size in (1e-8, 1e8):
        units = MultiTaskMeanRegressor("reml").fit(X, size * Y)
        assert_allclose(units.coef_ / size, shared.coef_, rtol=1e-6)


def test_repetitions_are_weights():
    Xs, ys = simulate()
    rng = np.random.default_rng(3)
    counts = [rng.integers(0, 3, len(y)) for y in ys]
    for c in counts:
        c[0] = 1
    weighted = MultiTaskMeanRegressor("reml").fit(Xs, ys, sample_weight=counts)
    repeated = MultiTaskMeanRegressor("reml").fit(
        [np.repeat(X, c, axis=0) for X, c in zip(Xs, counts, strict=True)],
        [np.repeat(y, c) for y, c in zip(ys, counts, strict=True)],
    )
    assert_allclose(weighted.lambda1_, repeated.lambda1_, rtol=1e-6)


def test_variance_zero_is_the_pooled_model():
    Xs, ys = simulate(sd=0.0)
    for t, (X, y) in enumerate(zip(Xs, ys, strict=True)):  # residuals that say nothing
        U = np.column_stack([np.ones(len(X)), X])
        ys[t] = X.sum(axis=1) + y - U @ np.linalg.lstsq(U, y, rcond=None)[0]
    model = MultiTaskMeanRegressor("reml", task_weight="n_samples")
    with pytest.warns(UserWarning, match="coefficients is estimated as zero"):
        model.fit(Xs, ys)
    pooled = PooledRegressor(0.0, fit_intercept=True, task_weight="n_samples")
    assert_allclose(model.coef_, pooled.fit(Xs, ys).coef_, rtol=1e-5)
    assert model.certificate_ <= model.tol


@pytest.mark.parametrize("form", [True, "shrink", "shared", False])
@pytest.mark.parametrize(
    "case", ["one task", "one row", "wide", "constant", "exact", "targets", "collinear"]
)
def test_degenerate_data_have_strengths(case, form):
    Xs, ys = simulate((6,) * 6, d=3)
    if case == "one task":
        Xs, ys = Xs[:1], ys[:1]
    elif case == "one row":
        Xs, ys = [X[:1] for X in Xs], [y[:1] for y in ys]
    elif case == "wide":
        Xs, ys = simulate((3,) * 6, d=8)
    elif case == "constant":
        Xs = [np.column_stack([X, np.ones(len(X))]) for X in Xs]
    elif case == "exact":
        ys = [t * X.sum(axis=1) for t, X in enumerate(Xs, 1)]
    elif case == "targets":
        ys = [np.ones(len(y)) for y in ys]
    else:
        Xs = [np.column_stack([X, X[:, 0]]) for X in Xs]
    with warnings.catch_warnings():
        warnings.filterwarnings(
            "ignore", "The variance of the tasks|Each of the 6 tasks"
        )
        model = MultiTaskMeanRegressor("reml", fit_intercept=form).fit(Xs, ys)
    assert np.isfinite(model.lambda1_)
    assert np.isfinite(model.coef_).all()
    assert model.converged_
    if case == "exact":
        for y, z in zip(ys, model.predict(Xs), strict=True):
            assert_allclose(z, y, atol=1e-5 * np.abs(y).max())


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"loss": "huber"}, "need the squared loss"),
        ({"task_weight": "learned"}, "MultiTaskBayesianRegressor"),
        ({"lambda2": 1.0}, "lambda2=1.0 does not go"),
        ({"fit_intercept": "shrink", "lambda0": "ml"}, "do not go together"),
        (
            {"lambda1": "auto", "fit_intercept": "shrink", "lambda0": "ml"},
            "do not go together",
        ),
    ],
)
def test_refusals_name_the_remedy(params, message):
    model = MultiTaskMeanRegressor(**({"lambda1": "reml"} | params))
    with pytest.raises(ValueError, match=message):
        model.fit(*simulate())


def test_path_begins_at_the_estimated_strength():
    Xs, ys = simulate()
    path = MultiTaskMeanRegressor("reml").path(Xs, ys, n_lambdas=5)
    assert path.coef.shape[0] == 5
    assert MultiTaskMeanRegressor("reml").lambda_max(Xs, ys) == np.inf
