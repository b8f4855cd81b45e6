"""The Bayesian regressor beside dense formulas, statsmodels and recorded lme4 runs."""

import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose

from pymtl import MultiTaskBayesianRegressor, MultiTaskMeanRegressor, stack_tasks
from pymtl.testing import _doors, _invariance

SIZES = (5, 9, 4, 30, 12, 7, 3, 16, 11, 8)


def simulate(sizes=SIZES, d=2, sd=0.7, seed=0, noise=0.6):
    """Return tasks with normal coefficients and intercepts, and noise."""
    rng = np.random.default_rng(seed)
    Xs = [rng.standard_normal((n, d)) + 0.5 for n in sizes]
    W = 1.0 + sd * rng.standard_normal((len(sizes), d))
    c = rng.standard_normal(len(sizes))
    level = np.broadcast_to(noise, len(sizes))
    ys = [
        X @ w + b + s * rng.standard_normal(len(X))
        for X, w, b, s in zip(Xs, W, c, level, strict=True)
    ]
    return Xs, ys


def dense_posterior(Xs, ys, prior, noise):
    """Return means and covariances of the tasks by Bayes' rule, mu having no prior."""
    p, T = len(prior), len(Xs)
    H, g = np.zeros((p * (T + 1),) * 2), np.zeros(p * (T + 1))
    mean = slice(0, p)
    for t, (X, y) in enumerate(zip(Xs, ys, strict=True)):
        U = np.column_stack([X, np.ones(len(X))])
        own, G = slice(p * (t + 1), p * (t + 2)), U.T @ U / noise[t]
        for rows in (mean, own):
            g[rows] += U.T @ y / noise[t]
            for columns in (mean, own):
                H[rows, columns] += G
        H[own, own] += np.linalg.inv(prior)
    C = np.linalg.inv(H)
    A = np.zeros((T, p, len(C)))
    A[:, :, :p] = np.eye(p)
    for t in range(T):
        A[t, :, p * (t + 1) : p * (t + 2)] = np.eye(p)
    return A @ C @ g, A @ C @ A.transpose(0, 2, 1), C[:p, :p]


@pytest.mark.parametrize("noise", ["shared", "task", "moderated"])
@pytest.mark.parametrize("covariance", ["isotropic", "diagonal", "full"])
def test_posterior_is_the_dense_one(covariance, noise):
    Xs, ys = simulate(seed=5, noise=np.linspace(0.3, 1.5, len(SIZES)))
    model = MultiTaskBayesianRegressor(covariance, noise).fit(Xs, ys)
    levels = np.broadcast_to(model.noise_variance_, len(ys))
    prior = model.coef_prior_covariance_
    assert not model.singular_
    mean, cov, common = dense_posterior(Xs, ys, prior, levels)
    found = np.column_stack([model.coef_, model.intercept_])
    assert_allclose(found, mean, atol=1e-9)
    std = np.column_stack([model.coef_std_, model.intercept_std_])
    assert_allclose(std, np.sqrt(np.einsum("tjj->tj", cov)), rtol=1e-8)
    assert_allclose(model.coef_covariance(3), cov[3], atol=1e-9)
    assert_allclose(model.coef_mean_covariance_, common, atol=1e-9)
    U = [np.column_stack([X, np.ones(len(X))]) for X in Xs]
    _, stds = model.predict(Xs, return_std=True)
    for u, c, s, level in zip(U, cov, stds, levels, strict=True):
        assert_allclose(s**2, np.einsum("ij,jk,ik->i", u, c, u) + level, rtol=1e-8)
    lower, upper = model.interval(0.9)
    assert_allclose((upper + lower) / 2, model.coef_, atol=1e-12)
    assert_allclose(upper - lower, 2 * 1.6448536269514722 * model.coef_std_, rtol=1e-9)


@pytest.mark.parametrize("form", [True, "shrink", "shared", False])
@pytest.mark.parametrize("method", ["reml", "ml"])
def test_it_is_the_mean_model_with_estimated_strengths(method, form):
    Xs, ys = simulate()
    weight = [1.0, 4.0]
    model = MultiTaskBayesianRegressor(
        method=method, fit_intercept=form, feature_weight=weight
    ).fit(Xs, ys)
    other = MultiTaskMeanRegressor(
        method,
        fit_intercept=form,
        feature_weight=weight,
        task_weight="n_samples",
        tol=1e-12,
    ).fit(Xs, ys)
    assert_allclose(model.coef_, other.coef_, atol=1e-7)
    assert_allclose(model.intercept_, other.intercept_, atol=1e-7)
    tau2 = model.coef_prior_covariance_[0, 0]
    assert_allclose(model.noise_variance_ / (2 * tau2), other.lambda1_, rtol=1e-5)


def by_formula():
    """Return tasks with known trends, in a long table."""
    task = np.repeat(np.arange(12), 7)
    x = np.sin(1.0 + 1.7 * np.arange(84))
    slope = np.cos(2.3 * np.arange(12))
    start = 1.5 * np.sin(5.1 * np.arange(12) + 1)
    noise = 0.5 * np.sin(12.9898 * np.arange(84) ** 1.1)
    return np.column_stack([task, x]), 2 + start[task] + (1 + slope[task]) * x + noise


@pytest.mark.parametrize("method", ["reml", "ml"])
@pytest.mark.parametrize("covariance", ["diagonal", "full"])
def test_deviance_is_that_of_statsmodels(covariance, method):
    mixed = pytest.importorskip("statsmodels.regression.mixed_linear_model")
    X, y = by_formula()
    model = MultiTaskBayesianRegressor(covariance, method=method, task_column=0)
    model.fit(X, y)
    Z = np.column_stack([np.ones(len(X)), X[:, 1]])
    free = None
    if covariance == "diagonal":
        free = mixed.MixedLMParams.from_components(np.ones(2), cov_re=np.eye(2))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = mixed.MixedLM(y, Z, groups=X[:, 0], exog_re=Z)
        theirs = theirs.fit(reml=method == "reml", free=free, gtol=1e-9)
    assert_allclose(model.log_marginal_likelihood_, theirs.llf, atol=1e-6)
    assert_allclose(model.noise_variance_, theirs.scale, rtol=1e-3)
    assert_allclose(model.intercept_mean_, theirs.fe_params[0], rtol=1e-4)
    std = np.sqrt(np.diag(model.coef_mean_covariance_))
    assert_allclose(std[::-1], theirs.bse_fe, rtol=1e-3)


@pytest.mark.parametrize(
    ("covariance", "method", "deviance", "noise"),
    [
        ("full", "reml", 829.46728095543, 0.7282405263),
        ("diagonal", "reml", 843.57335053049, 0.7237998029),
        ("full", "ml", 822.78970121063, 0.7292448233),
        ("diagonal", "ml", 837.50450516139, 0.7245258334),
    ],
)
def test_deviance_is_that_of_recorded_lme4_runs(
    covariance, method, deviance, noise, shared_folder
):
    with np.load(shared_folder / "reference" / "next" / "R1_vc.npz") as z:
        X, y = np.column_stack([z["task"], z["X"]]), z["y"]
    model = MultiTaskBayesianRegressor(covariance, method=method, task_column=0)
    model.fit(X, y)
    assert_allclose(-2 * model.log_marginal_likelihood_, deviance, atol=1e-7)
    assert_allclose(model.noise_variance_, noise, rtol=1e-5)


CHECKS = [
    _doors.check_lists_equal_long,
    _doors.check_shared_equals_lists,
    _doors.check_masked_equals_lists,
    _doors.check_one_task,
    _doors.check_predict_doors,
    _doors.check_unseen_task,
    _doors.check_predict_refusals,
    _doors.check_fit_refusals,
    _doors.check_inputs_unmodified,
    _doors.check_frames,
    _doors.check_text_labels,
    _invariance.check_task_permutation,
    _invariance.check_task_order,
    _invariance.check_row_permutation,
    _invariance.check_feature_permutation,
    _invariance.check_offset,
    _invariance.check_translation,
    _invariance.check_scale_equivariance,
]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("options", [{}, {"covariance": "full", "fit_intercept": True}])
def test_contract_of_the_doors(check, options):
    """All checks but those of penalties, certificates and the scale of weights."""
    check(MultiTaskBayesianRegressor(**options))


def test_weights_are_repetitions():
    Xs, ys = simulate()
    counts = [np.arange(len(y)) % 3 + (np.arange(len(y)) == 0) for y in ys]
    weighted = MultiTaskBayesianRegressor("full").fit(Xs, ys, sample_weight=counts)
    repeated = MultiTaskBayesianRegressor("full").fit(
        [np.repeat(X, c, axis=0) for X, c in zip(Xs, counts, strict=True)],
        [np.repeat(y, c) for y, c in zip(ys, counts, strict=True)],
    )
    assert_allclose(
        weighted.log_marginal_likelihood_, repeated.log_marginal_likelihood_, rtol=1e-9
    )
    assert_allclose(weighted.coef_std_, repeated.coef_std_, rtol=1e-4)
    small = [1e-4 * np.ones(len(y)) for y in ys]
    with pytest.raises(ValueError, match="count repetitions"):
        MultiTaskBayesianRegressor().fit(Xs, ys, sample_weight=small)


@pytest.mark.parametrize("size", [1e-8, 1e8])
@pytest.mark.parametrize("noise", ["shared", "moderated"])
def test_units_of_the_targets_only_scale(size, noise):
    Xs, ys = simulate()
    model = MultiTaskBayesianRegressor("full", noise).fit(Xs, ys)
    scaled = MultiTaskBayesianRegressor("full", noise).fit(Xs, [size * y for y in ys])
    assert_allclose(scaled.coef_ / size, model.coef_, rtol=1e-5)
    assert_allclose(scaled.coef_std_ / size, model.coef_std_, rtol=1e-4)


def test_features_of_infinite_weight_are_the_same_in_all_tasks():
    Xs, ys = simulate(d=3)
    weight = [1.0, np.inf, 0.0]
    model = MultiTaskBayesianRegressor(feature_weight=weight).fit(Xs, ys)
    assert np.ptp(model.coef_[:, 1]) == 0
    assert np.ptp(model.coef_std_[:, 1]) < 1e-12
    assert model.coef_prior_covariance_[1, 1] == 0
    assert "free in each task" in model.summary()
    with pytest.raises(ValueError, match="every coefficient is free"):
        MultiTaskBayesianRegressor(feature_weight=[0, 0, 0], fit_intercept=True).fit(
            Xs, ys
        )
    for wrong in ([1.0, 1.0], [1.0, -1.0, 1.0], [1.0, np.nan, 1.0]):
        with pytest.raises(ValueError, match="each of 3 features"):
            MultiTaskBayesianRegressor(feature_weight=wrong).fit(Xs, ys)


def test_a_new_task_has_the_variance_of_the_tasks():
    X, y = stack_tasks(*simulate())
    model = MultiTaskBayesianRegressor("full", task_column=0, unseen_task="mean")
    model.fit(X, y)
    new = np.array([[99.0, 0.3, -1.0]])
    z, std = model.predict(new, return_std=True)
    u = np.array([0.3, -1.0, 1.0])
    cov = model.coef_prior_covariance_ + model.coef_mean_covariance_
    assert_allclose(std**2, u @ cov @ u + model.noise_variance_, rtol=1e-10)
    assert_allclose(z, u[:2] @ model.coef_mean_ + model.intercept_mean_, rtol=1e-10)
    model.set_params(fit_intercept=True).fit(X, y)
    assert model.predict(new, return_std=True)[1] == np.inf


def test_intervals_hold_as_often_as_they_say():
    """Of 40 tasks; with few they are too short, as the docstring says."""
    held = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        W = 1 + 0.5 * rng.standard_normal((40, 2))
        Xs = [rng.standard_normal((8, 2)) for _ in W]
        ys = [X @ w + rng.standard_normal(8) for X, w in zip(Xs, W, strict=True)]
        lower, upper = MultiTaskBayesianRegressor().fit(Xs, ys).interval()
        held.append(np.mean((lower <= W) & (upper >= W)))
    assert 0.92 < np.mean(held) < 0.975


def test_noise_of_the_tasks():
    """Moderated levels lie between; equal noise leaves them equal."""
    sizes, levels = (40,) * 16, np.exp(np.linspace(-1.5, 1.5, 16))
    Xs, ys = simulate(sizes, noise=levels)
    own = MultiTaskBayesianRegressor(noise="task").fit(Xs, ys)
    between = MultiTaskBayesianRegressor(noise="moderated").fit(Xs, ys)
    assert_allclose(np.sqrt(own.noise_variance_), levels, rtol=0.35)
    assert np.ptp(between.noise_variance_) < np.ptp(own.noise_variance_)
    assert own.log_marginal_likelihood_ > between.log_marginal_likelihood_
    shared = MultiTaskBayesianRegressor().fit(Xs, ys)
    assert own.compare(shared).p_value < 1e-10
    Xs, ys = simulate(sizes, noise=0.7)
    equal = MultiTaskBayesianRegressor(noise="moderated").fit(Xs, ys)
    assert equal.noise_variance_.max() < 1.5 * equal.noise_variance_.min()


def test_likelihood_ratio():
    Xs, ys = simulate()
    small = MultiTaskBayesianRegressor("diagonal").fit(Xs, ys)
    large = MultiTaskBayesianRegressor("full").fit(Xs, ys)
    test = small.compare(large)
    assert test.df == 3
    assert test == large.compare(small)
    rise = large.log_marginal_likelihood_ - small.log_marginal_likelihood_
    assert_allclose(test.statistic, 2 * rise)
    ml = MultiTaskBayesianRegressor(method="ml").fit(Xs, ys)
    with pytest.raises(ValueError, match="other data, methods"):
        small.compare(ml)
    with pytest.raises(ValueError, match="as many parameters"):
        small.compare(small)


def test_summary_names_what_is_zero():
    Xs, ys = simulate(noise=0.3)
    text = MultiTaskBayesianRegressor("full").fit(Xs, ys).summary()
    for word in ("intercept", "x0", "std err", "std dev", "noise", "covariance full"):
        assert word in text
    assert "estimated as zero" not in text
    for t, (X, y) in enumerate(zip(Xs, ys, strict=True)):
        U = np.column_stack([np.ones(len(X)), X])
        ys[t] = X.sum(axis=1) + y - U @ np.linalg.lstsq(U, y, rcond=None)[0]
    model = MultiTaskBayesianRegressor().fit(Xs, ys)
    assert model.singular_
    assert "estimated as zero" in model.summary()
    assert np.ptp(model.coef_, axis=0).max() < 1e-6


@pytest.mark.parametrize("noise", ["shared", "task", "moderated"])
@pytest.mark.parametrize(
    "case",
    ["one task", "one row", "wide", "constant", "exact", "targets", "collinear"],
)
def test_degenerate_data(case, noise):
    Xs, ys = simulate((6,) * 8, d=3)
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
    for covariance in ("isotropic", "diagonal", "full"):
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", ".*did not converge")
            model = MultiTaskBayesianRegressor(covariance, noise, max_iter=20)
            model.fit(Xs, ys)
        z, std = model.predict(Xs, return_std=True)
        assert all(np.isfinite(v).all() for v in [model.coef_, *z, *std])
        assert np.isfinite(model.coef_std_).all()
        model.summary()


def test_unknown_names():
    model = MultiTaskBayesianRegressor().fit(*simulate())
    with pytest.raises(ValueError, match="is not a task"):
        model.coef_covariance("nobody")
    with pytest.raises(ValueError, match="between 0 and 1"):
        model.interval(95)
