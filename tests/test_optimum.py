"""The solutions are the optima: against scikit-learn, cvxpy, closed forms and limits.

`Problem` and `optimum` state the objective once more, in NumPy and in cvxpy, exactly as
`docs/objective.rst` has it, and share no code with the package.
"""

import warnings
from dataclasses import dataclass, field

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone, is_classifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import (
    Lasso,
    LinearRegression,
    MultiTaskElasticNet,
    MultiTaskLasso,
    Ridge,
)

from pymtl import (
    MultiTaskDataSharedRegressor,
    MultiTaskDirtyRegressor,
    MultiTaskL21Classifier,
    MultiTaskL21Regressor,
    MultiTaskMeanClassifier,
    MultiTaskMeanRegressor,
    MultiTaskRegressor,
    MultiTaskTraceNormRegressor,
    PooledClassifier,
    PooledRegressor,
    SingleTaskRegressor,
)
from pymtl import penalties as pen

from .sweeps import thinned

FORMS = [True, False, "shared", "shrink"]
TIGHT = {"tol": 1e-10, "max_iter": 100_000}


@dataclass
class Problem:
    """Tasks with weights and offsets, as `fit` takes them."""

    Xs: list
    ys: list
    weights: list | None = None
    offsets: list | None = None
    omega: np.ndarray | None = None
    n_features: int = field(init=False)

    def __post_init__(self):
        self.n_features = self.Xs[0].shape[1]
        ones = [np.ones(len(y)) for y in self.ys]
        self.rows = self.weights or ones
        self.known = self.offsets or [0.0 * one for one in ones]
        self.task = np.ones(len(ones)) if self.omega is None else self.omega

    @property
    def data(self):
        """Arguments of `fit`."""
        return self.Xs, self.ys, self.weights, self.offsets

    def fit(self, model, **params):
        """Return a copy of a model with other parameters, fitted."""
        model = clone(model).set_params(task_weight=self.omega, **params)
        return model.fit(*self.data)

    def loss(self, W, c):
        """Return the loss at coefficients W (n_tasks, n_features) and intercepts c."""
        total = 0.0
        for t, (X, y) in enumerate(zip(self.Xs, self.ys, strict=True)):
            s, residual = self.rows[t], y - X @ W[t] - c[t] - self.known[t]
            total += self.task[t] * np.sum(s * residual**2 / 2) / np.sum(s)
        return float(total)

    def means(self):
        """Return the weighted mean target of each task, less the offset."""
        return np.array(
            [
                np.average(y - o, weights=s)
                for y, o, s in zip(self.ys, self.known, self.rows, strict=True)
            ]
        )


@dataclass
class Strengths:
    """Strengths of all penalties; `pooled` holds all coefficients equal."""

    l21: float = 0.0
    mean: float = 0.0
    ridge: float = 0.0
    lambda0: float = 0.3
    pooled: bool = False

    def penalty(self, W):
        """Return the penalty of W (n_tasks, n_features)."""
        return float(
            self.l21 * np.linalg.norm(W, axis=0).sum()
            + self.mean * np.sum((W - W.mean(axis=0)) ** 2)
            + self.ridge * np.sum(W**2)
        )

    def shrink(self, c, form):
        return self.lambda0 * np.sum((c - c.mean()) ** 2) if form == "shrink" else 0.0


def objective(problem, strengths, form, W, c):
    """Return the objective."""
    return problem.loss(W, c) + strengths.penalty(W) + strengths.shrink(c, form)


def optimum(problem, strengths, form):
    """Return W (n_tasks, n_features) and c that minimise the objective, by cvxpy."""
    cp = pytest.importorskip("cvxpy")
    T, d = len(problem.Xs), problem.n_features
    W, c = cp.Variable((T, d)), cp.Variable(T)
    terms, constraints = [], []
    for t, (X, y) in enumerate(zip(problem.Xs, problem.ys, strict=True)):
        s, residual = problem.rows[t], y - X @ W[t] - c[t] - problem.known[t]
        scale = problem.task[t] / np.sum(s)
        terms.append(scale * cp.sum(cp.multiply(s, cp.square(residual))) / 2)
    if strengths.l21:
        terms.append(strengths.l21 * cp.sum(cp.norm(W, 2, axis=0)))
    if strengths.mean:
        average = np.full((T, T), 1 / T)
        terms.append(strengths.mean * cp.sum_squares(W - average @ W))
    if strengths.ridge:
        terms.append(strengths.ridge * cp.sum_squares(W))
    if form == "shrink":
        terms.append(strengths.lambda0 * cp.sum_squares(c - cp.sum(c) / T))
    elif form == "shared":
        constraints += [c == c[0]]
    elif form is False:
        constraints += [c == 0]
    if strengths.pooled:
        constraints += [W[t] == W[0] for t in range(1, T)]
    task = cp.Problem(cp.Minimize(cp.sum(cp.hstack(terms))), constraints)
    accuracy = {"tol_gap_abs": 1e-12, "tol_gap_rel": 1e-12, "tol_feas": 1e-12}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # "may be inaccurate" at such an accuracy
        task.solve(solver=cp.CLARABEL, **accuracy)
    return W.value, c.value


def make_problem(sizes=(4, 9, 25), n_features=6, seed=0, plain=False):
    """Return tasks that share three features, with all kinds of weights."""
    rng = np.random.default_rng(seed)
    common = np.append(rng.normal(size=3) + 1, np.zeros(n_features - 3))
    Xs, ys = [], []
    for n in sizes:
        X = rng.normal(size=(n, n_features)) * rng.uniform(0.5, 2, n_features) + 1
        w = common * rng.uniform(0.5, 1.5, n_features)
        Xs.append(X)
        ys.append(X @ w + 2 * rng.normal() + 0.5 * rng.normal(size=n))
    if plain:
        return Problem(Xs, ys)
    weights = [rng.uniform(0.2, 3, len(y)) for y in ys]
    weights[-1][:3] = 0
    offsets = [rng.normal(size=len(y)) for y in ys]
    return Problem(Xs, ys, weights, offsets, rng.uniform(0.3, 3, len(ys)))


def shared_design(n_samples=60, n_features=20, n_tasks=5, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_samples, n_features)) @ rng.normal(size=(n_features,) * 2)
    W = rng.normal(size=(n_features, n_tasks)) * (np.arange(n_features) < 5)[:, None]
    return X + 1, X @ W + rng.normal(size=(n_samples, n_tasks)) + np.arange(n_tasks)


MODELS = {
    "L21": (MultiTaskL21Regressor(0.2), Strengths(l21=0.2)),
    "L21 + Ridge": (
        MultiTaskL21Regressor(0.2, 0.1),
        Strengths(l21=0.2, ridge=0.1),
    ),
    "Mean": (MultiTaskMeanRegressor(0.4), Strengths(mean=0.4)),
    "Mean + Ridge": (
        MultiTaskMeanRegressor(0.4, 0.1),
        Strengths(mean=0.4, ridge=0.1),
    ),
    "sum L21 + Mean": (
        MultiTaskRegressor(pen.L21(0.2) + pen.Mean(0.4)),
        Strengths(l21=0.2, mean=0.4),
    ),
    "sum of all": (
        MultiTaskRegressor(
            pen.Ridge(0.1) + pen.Mean(0.3) + pen.L21(0.2) + pen.Mean(0.1)
        ),
        Strengths(l21=0.2, mean=0.4, ridge=0.1),
    ),
    "SingleTask": (SingleTaskRegressor(0.1), Strengths(ridge=0.1)),
    "Pooled": (PooledRegressor(0.1), Strengths(ridge=0.1, pooled=True)),
}


# Against cvxpy


@thinned(2, name=MODELS, plain=[True, False], form=FORMS, ids=str)
def test_equals_cvxpy(name, plain, form):
    model, strengths = MODELS[name]
    problem = make_problem(plain=plain)
    model = problem.fit(model, fit_intercept=form, lambda0=strengths.lambda0, **TIGHT)
    W, c = optimum(problem, strengths, form)
    best = objective(problem, strengths, form, W, c)
    value = objective(problem, strengths, form, model.coef_, model.intercept_)
    assert_allclose(model.objective_, value, rtol=1e-12)
    assert_allclose(value, best, rtol=1e-8)
    assert value <= best * (1 + 1e-9)  # ours is no worse
    scale = np.abs(W).max()
    assert_allclose(model.coef_, W, atol=2e-4 * scale)
    assert_allclose(model.intercept_, c, atol=2e-4 * max(scale, np.abs(c).max()))


# Against scikit-learn


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("alpha", [0.05, 0.5, 3.0])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_shared_design_equals_multitask_lasso(fit_intercept, alpha, seed):
    X, Y = shared_design(seed=seed)
    theirs = MultiTaskLasso(alpha, fit_intercept=fit_intercept, **TIGHT).fit(X, Y)
    ours = MultiTaskL21Regressor(alpha, fit_intercept=fit_intercept, **TIGHT).fit(X, Y)
    assert_allclose(ours.coef_, theirs.coef_, atol=1e-6)
    assert_allclose(ours.intercept_, theirs.intercept_, atol=1e-6 * X.shape[1])


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize(("n_samples", "n_features"), [(60, 20), (25, 60)])
def test_shared_design_equals_multitask_elastic_net(
    n_samples, n_features, fit_intercept
):
    X, Y = shared_design(n_samples, n_features)
    alpha, ratio = 0.8, 0.7
    theirs = MultiTaskElasticNet(
        alpha, l1_ratio=ratio, fit_intercept=fit_intercept, **TIGHT
    ).fit(X, Y)
    # theirs has half of the squared Frobenius norm
    ours = MultiTaskL21Regressor(
        alpha * ratio, alpha * (1 - ratio) / 2, fit_intercept=fit_intercept, **TIGHT
    ).fit(X, Y)
    assert_allclose(ours.coef_, theirs.coef_, atol=1e-6)


@pytest.mark.parametrize("fit_intercept", [True, False])
def test_one_task_is_the_lasso(fit_intercept):
    X, Y = shared_design()
    theirs = Lasso(0.3, fit_intercept=fit_intercept, **TIGHT).fit(X, Y[:, 0])
    ours = MultiTaskL21Regressor(0.3, fit_intercept=fit_intercept, **TIGHT)
    ours.fit(X, Y[:, 0])
    assert_allclose(ours.coef_[0], theirs.coef_, atol=1e-6)
    ours.fit([X], [Y[:, 0]])
    assert_allclose(ours.coef_[0], theirs.coef_, atol=1e-6)
    assert_allclose(ours.intercept_, [theirs.intercept_], atol=1e-5)


@pytest.mark.parametrize("fit_intercept", [True, False])
def test_one_task_has_no_distance_to_the_mean(fit_intercept):
    problem = make_problem((30,), plain=True)
    X, y = problem.Xs[0], problem.ys[0]
    ridge = Ridge(2 * 30 * 0.2, fit_intercept=fit_intercept).fit(X, y)
    ours = MultiTaskMeanRegressor(5.0, 0.2, fit_intercept=fit_intercept)
    assert_allclose(ours.fit([X], [y]).coef_[0], ridge.coef_, rtol=1e-9)
    plain = LinearRegression(fit_intercept=fit_intercept).fit(X, y)
    ours = MultiTaskMeanRegressor(5.0, fit_intercept=fit_intercept)
    assert_allclose(ours.fit([X], [y]).coef_[0], plain.coef_, rtol=1e-9)


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("name", ["mean", "single", "l21"])
def test_no_structure_is_a_ridge_for_each_task(name, fit_intercept):
    models = {
        "mean": MultiTaskMeanRegressor(0.0, 0.2),
        "single": SingleTaskRegressor(0.2),
        "l21": MultiTaskL21Regressor(0.0, 0.2),
    }
    problem = make_problem((3, 9, 25), plain=True)
    model = problem.fit(models[name], fit_intercept=fit_intercept)
    assert model.solver_ == "direct"
    for t, (X, y) in enumerate(zip(problem.Xs, problem.ys, strict=True)):
        # the loss is a mean with 1/2, the ridge has no 1/2
        ridge = Ridge(2 * len(y) * 0.2, fit_intercept=fit_intercept).fit(X, y)
        assert_allclose(model.coef_[t], ridge.coef_, rtol=1e-9, atol=1e-12)
        assert_allclose(model.intercept_[t], ridge.intercept_, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize(
    "model",
    [
        MultiTaskL21Regressor(0.0),
        MultiTaskMeanRegressor(0.0),
        SingleTaskRegressor(0.0),
        MultiTaskRegressor(pen.L21(0.0) + pen.Mean(0.0)),
    ],
    ids=lambda model: type(model).__name__,
)
def test_no_penalty_is_least_squares(model, fit_intercept):
    problem = make_problem((10, 30, 100), plain=True)
    model = problem.fit(model, fit_intercept=fit_intercept)
    assert model.certificate_kind_ == "newton decrement"
    for t, (X, y) in enumerate(zip(problem.Xs, problem.ys, strict=True)):
        plain = LinearRegression(fit_intercept=fit_intercept).fit(X, y)
        assert_allclose(model.coef_[t], plain.coef_, rtol=1e-8)
        assert_allclose(model.intercept_[t], plain.intercept_, rtol=1e-8, atol=1e-12)


@pytest.mark.parametrize("fit_intercept", [True, False])
def test_least_squares_that_interpolate(fit_intercept):
    problem = make_problem((1, 3, 6), n_features=8, plain=True)
    model = problem.fit(MultiTaskL21Regressor(0.0), fit_intercept=fit_intercept)
    assert model.converged_
    for t, (X, y) in enumerate(zip(problem.Xs, problem.ys, strict=True)):
        assert_allclose(X @ model.coef_[t] + model.intercept_[t], y, rtol=1e-9)
    assert_allclose(model.objective_, 0, atol=1e-18 * sum(y @ y for y in problem.ys))
    # of all solutions the shortest
    for t, (X, y) in enumerate(zip(problem.Xs, problem.ys, strict=True)):
        X, y = (X - X.mean(axis=0), y - y.mean()) if fit_intercept else (X, y)
        shortest = np.linalg.lstsq(X, y, rcond=1e-12)[0]
        assert_allclose(model.coef_[t], shortest, rtol=1e-8, atol=1e-10)


# lambda_max


def null_intercepts(problem, form, lambda0=None):
    """Return the intercepts of a model without coefficients."""
    means = problem.means()
    if form is False:
        return 0 * means
    if form == "shared":
        return np.full_like(means, np.average(means, weights=problem.task))
    if form == "shrink":
        T = len(means)
        system = np.diag(problem.task) + 2 * lambda0 * (np.eye(T) - 1 / T)
        return np.linalg.solve(system, problem.task * means)
    return means


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("plain", [True, False], ids=["plain", "weighted"])
@pytest.mark.parametrize("ridge", [0.0, 0.1])
def test_lambda_max(ridge, plain, form, seed):
    problem = make_problem(plain=plain, seed=seed)
    model = MultiTaskL21Regressor(
        lambda2=ridge, fit_intercept=form, lambda0=0.3, task_weight=problem.omega
    )
    top = model.lambda_max(*problem.data)
    assert not hasattr(model, "coef_")
    for factor in (1.0, 1.0001, 10.0):
        model.set_params(lambda1=top * factor).fit(*problem.data)
        assert_array_equal(model.coef_, 0)
        expected = null_intercepts(problem, form, 0.3)
        assert_allclose(model.intercept_, expected, rtol=1e-13, atol=1e-15)
    model.set_params(lambda1=top * 0.999, **TIGHT).fit(*problem.data)
    assert np.count_nonzero(model.coef_.any(axis=0)) == 1


@pytest.mark.parametrize("plain", [True, False], ids=["plain", "weighted"])
def test_lambda_max_is_the_largest_row_of_the_gradient(plain):
    problem = make_problem(plain=plain)
    rows = []
    for t, (X, y) in enumerate(zip(problem.Xs, problem.ys, strict=True)):
        s = problem.rows[t] / problem.rows[t].sum()
        residual = y - problem.known[t] - problem.means()[t]
        rows.append(problem.task[t] * (X.T @ (s * residual)))
    model = MultiTaskL21Regressor(task_weight=problem.omega)
    top = model.lambda_max(*problem.data)
    assert_allclose(top, np.linalg.norm(rows, axis=0).max(), rtol=1e-12)


def test_lambda_max_of_a_shared_design():
    X, Y = shared_design()
    model = MultiTaskL21Regressor()
    top = model.lambda_max(X, Y)
    rows = (X - X.mean(axis=0)).T @ (Y - Y.mean(axis=0)) / len(X)
    assert_allclose(top, np.linalg.norm(rows, axis=1).max(), rtol=1e-12)
    assert_array_equal(model.set_params(lambda1=top).fit(X, Y).coef_, 0)
    assert_allclose(model.intercept_, Y.mean(axis=0), rtol=1e-14)
    model.set_params(lambda1="auto").fit(X, Y)
    assert_allclose(model.lambda1_, 0.1 * top, rtol=1e-14)


def test_quadratic_penalties_never_select():
    problem = make_problem()
    for model in (MultiTaskMeanRegressor(), SingleTaskRegressor()):
        assert model.lambda_max(problem.Xs, problem.ys) == np.inf


# Mean regularisation


def closed_form(problem, lambda1, lambda2):
    """Return the solution with free intercepts by the textbook's d x d system."""
    T, d = len(problem.Xs), problem.n_features
    g, mu = 2 * lambda1, 2 * lambda2
    inverses, rights, means = [], [], []
    for t, (X, y) in enumerate(zip(problem.Xs, problem.ys, strict=True)):
        s = problem.rows[t] / problem.rows[t].sum()
        mean = s @ X
        Xc, yc = X - mean, y - problem.known[t] - problem.means()[t]
        H = problem.task[t] * (Xc.T * s) @ Xc + (mu + g) * np.eye(d)
        inverses.append(np.linalg.inv(H))
        rights.append(problem.task[t] * (Xc.T * s) @ yc)
        means.append(mean)
    system = np.eye(d) - g / T * sum(inverses)
    right = sum(H @ b for H, b in zip(inverses, rights, strict=True)) / T
    centre = np.linalg.solve(system, right)
    W = [H @ (b + g * centre) for H, b in zip(inverses, rights, strict=True)]
    return np.array(W), problem.means() - np.einsum("tj,tj->t", means, W)


@pytest.mark.parametrize("lambda1", [0.0, 1e-3, 0.5, 100.0])
@pytest.mark.parametrize("lambda2", [1e-3, 0.5])
@pytest.mark.parametrize("plain", [True, False], ids=["plain", "weighted"])
def test_mean_equals_its_closed_form(plain, lambda1, lambda2):
    problem = make_problem((1, 4, 9, 25), plain=plain)
    model = problem.fit(MultiTaskMeanRegressor(lambda1, lambda2))
    W, c = closed_form(problem, lambda1, lambda2)
    assert_allclose(model.coef_, W, rtol=1e-7, atol=1e-10)
    assert_allclose(model.intercept_, c, rtol=1e-7, atol=1e-10)
    assert model.certificate_ <= 1e-12


def test_mean_without_ridge_equals_its_closed_form():
    problem = make_problem((4, 9, 25))
    model = problem.fit(MultiTaskMeanRegressor(0.5))
    W, c = closed_form(problem, 0.5, 0.0)
    assert_allclose(model.coef_, W, rtol=1e-7)
    assert_allclose(model.intercept_, c, rtol=1e-7)


@pytest.mark.parametrize("lambda2", [0.0, 0.1])
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("plain", [True, False], ids=["plain", "weighted"])
def test_mean_becomes_pooled(plain, form, lambda2):
    problem = make_problem(plain=plain)
    options = {"fit_intercept": form, "lambda0": 0.3}
    pooled = problem.fit(PooledRegressor(lambda2), **options)
    for lambda1, error in [(1e4, 1e-3), (1e8, 1e-6), (1e12, 1e-6)]:
        model = problem.fit(MultiTaskMeanRegressor(lambda1, lambda2), **options)
        assert model.converged_
        assert_allclose(model.coef_, pooled.coef_, rtol=error, atol=error)
        assert_allclose(model.intercept_, pooled.intercept_, rtol=error, atol=error)


def test_pooled_is_a_ridge_of_all_rows():
    problem = make_problem(plain=True)
    X, y = np.vstack(problem.Xs), np.concatenate(problem.ys)
    model = PooledRegressor(0.2, task_weight="n_samples").fit(problem.Xs, problem.ys)
    ridge = Ridge(2 * len(problem.Xs) * 0.2).fit(X, y)
    assert_allclose(model.coef_, np.tile(ridge.coef_, (3, 1)), rtol=1e-9)
    assert_allclose(model.intercept_, np.full(3, ridge.intercept_), rtol=1e-9)


# Solvers and certificates

QUADRATIC = {
    "Mean": MultiTaskMeanRegressor(0.4),
    "Mean + Ridge": MultiTaskMeanRegressor(0.4, 0.1),
    "SingleTask": SingleTaskRegressor(0.1),
    "least squares": SingleTaskRegressor(0.0),
    "Pooled": PooledRegressor(0.1),
    "Pooled least squares": PooledRegressor(0.0),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", QUADRATIC)
def test_apg_equals_direct(name, form):
    problem = make_problem((10, 20, 40))
    apg, direct = (
        problem.fit(QUADRATIC[name], fit_intercept=form, solver=solver, **TIGHT)
        for solver in ("apg", "direct")
    )
    assert (apg.solver_, direct.solver_) == ("apg", "direct")
    assert apg.certificate_ <= 1e-10
    assert direct.certificate_ <= 1e-13
    assert_allclose(apg.objective_, direct.objective_, rtol=1e-9)
    assert_allclose(apg.coef_, direct.coef_, atol=1e-3 * np.abs(direct.coef_).max())


def test_direct_refuses_what_it_cannot_solve():
    problem = make_problem()
    with pytest.raises(ValueError, match="solver='auto' or 'apg'"):
        problem.fit(MultiTaskL21Regressor(0.2, solver="direct"))


@thinned(3, sizes=[(4, 9, 25), (60, 80)], name=MODELS, form=FORMS, ids=str)
def test_the_gap_bounds_the_distance_to_the_optimum(sizes, name, form):
    model, strengths = MODELS[name]
    problem = make_problem(sizes)
    options = {"fit_intercept": form, "lambda0": strengths.lambda0}
    exact = problem.fit(model, **options, **TIGHT)
    best = exact.objective_
    c = null_intercepts(problem, form, strengths.lambda0)
    null = objective(problem, strengths, form, 0 * exact.coef_, c)
    options |= {"solver": "apg", "tol": 0.0}
    for max_iter in [*range(1, 12), 20, 50]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            model = problem.fit(model, max_iter=max_iter, **options)
        value = objective(problem, strengths, form, model.coef_, model.intercept_)
        assert_allclose(model.objective_, value, rtol=1e-12)
        assert value - best <= model.dual_gap_ + 1e-13 * null
        if strengths.l21 or strengths.ridge:
            assert_allclose(model.certificate_, model.dual_gap_ / null, rtol=1e-9)
        if model.n_iter_ == 1:
            assert model.dual_gap_ > 0


@pytest.mark.parametrize("solver", ["auto", "apg"])
@pytest.mark.parametrize("name", MODELS)
def test_history_ends_at_the_objective(name, solver):
    model, _ = MODELS[name]
    problem = make_problem((4, 9, 60))
    model = problem.fit(model, tol=1e-8, solver=solver)
    assert len(model.history_) == model.n_iter_ >= 1
    assert_allclose(model.history_[-1], model.objective_, rtol=1e-9)
    least = model.objective_ - model.dual_gap_ * (1 + 1e-6)
    assert min(model.history_) >= least - 1e-14 * model.objective_


@pytest.mark.parametrize("door", ["lists", "shared"])
@pytest.mark.parametrize("name", MODELS)
def test_float32(name, door):
    model, _ = MODELS[name]
    if door == "lists":
        problem = make_problem((10, 40, 80), plain=True)
        Xs, ys = problem.Xs, problem.ys
        single = [X.astype("f4") for X in Xs], [y.astype("f4") for y in ys]
    else:
        Xs, ys = shared_design(n_features=8)
        single = Xs.astype("f4"), ys.astype("f4")
    coarse = clone(model).set_params(tol=1e-6).fit(*single)
    fine = clone(model).set_params(**TIGHT).fit(Xs, ys)
    assert coarse.coef_.dtype == coarse.intercept_.dtype == np.float32
    assert fine.coef_.dtype == np.float64
    assert coarse.certificate_ <= 1e-6
    assert_allclose(coarse.objective_, fine.objective_, rtol=1e-5)
    error = 1e-4 if fine.solver_ == "direct" else 2e-3
    for a, b in [(coarse.coef_, fine.coef_), (coarse.intercept_, fine.intercept_)]:
        assert_allclose(a, b, atol=error * np.abs(b).max())


def test_float32_does_not_certify_a_fine_tol():
    X, Y = shared_design()
    X, Y = X.astype(np.float32), Y.astype(np.float32)
    with pytest.warns(UserWarning, match="float32"):
        MultiTaskMeanRegressor(tol=1e-8).fit(X, Y)


def test_warm_start():
    problem = make_problem((20, 30, 40))
    model = MultiTaskL21Regressor(warm_start=True, task_weight=problem.omega, **TIGHT)
    top = model.lambda_max(*problem.data)
    cold_steps = warm_steps = 0
    for lambda1 in np.geomspace(top, 1e-3 * top, 10):
        model.set_params(lambda1=lambda1).fit(*problem.data)
        cold = problem.fit(MultiTaskL21Regressor(lambda1, **TIGHT))
        assert_allclose(model.coef_, cold.coef_, atol=1e-4)
        assert_allclose(model.objective_, cold.objective_, rtol=1e-9)
        cold_steps += cold.n_iter_
        warm_steps += model.n_iter_
    assert warm_steps < cold_steps
    model.fit(*problem.data)
    assert model.n_iter_ == 1
    other = make_problem((5, 8), n_features=4, plain=True)  # starts anew
    assert model.set_params(task_weight=None).fit(*other.data).coef_.shape == (2, 4)
    assert model.converged_


WARM = [
    MultiTaskL21Regressor(0.05),
    MultiTaskL21Regressor(0.05, feature_weight=[1, 2, 0.5, 1, 3, 1]),
    MultiTaskDirtyRegressor(0.1, 0.05),
    MultiTaskDataSharedRegressor(0.1, 0.05),
    MultiTaskTraceNormRegressor(0.05),
    PooledRegressor(0.05, loss="huber"),
    MultiTaskMeanClassifier(0.05, 0.05),
    MultiTaskL21Classifier(0.01),
    PooledClassifier(0.05),
]


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("model", WARM, ids=lambda model: type(model).__name__)
def test_a_warm_start_after_a_cold_fit(model, n_classes):
    rng = np.random.default_rng(0)
    Xs = [rng.normal(size=(n, 6)) for n in (20, 30, 40)]
    ys = [X @ [3, -2, 1, 0, 0, 0] + rng.normal(size=len(X)) for X in Xs]
    if is_classifier(model):
        ys = [np.digitize(y, np.linspace(-2, 2, n_classes - 1)) for y in ys]
    model = clone(model).set_params(solver="apg").fit(Xs, ys)
    coef, steps = np.array(model.coef_), model.n_iter_
    model.set_params(warm_start=True).fit(Xs, ys)
    assert model.n_iter_ <= steps / 2
    assert_allclose(model.coef_, coef, atol=1e-2 * np.abs(coef).max())


def test_a_fit_that_stops_early_says_so():
    X, Y = shared_design()
    message = r"\(duality gap\) is .*, wanted tol=1.00e-05. Raise max_iter or tol"
    with pytest.warns(ConvergenceWarning, match=message):
        model = MultiTaskL21Regressor(max_iter=2).fit(X, Y)
    assert not model.converged_
    assert model.certificate_ > model.tol
    assert model.n_iter_ == len(model.history_) == 2


# Data


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", MODELS)
def test_missing_labels_are_left_out(name, form):
    model, _ = MODELS[name]
    options = {"fit_intercept": form, **TIGHT}
    X, Y = shared_design(40, 6, 4)
    weights = np.random.default_rng(1).uniform(0.5, 2, Y.shape)
    seen = np.random.default_rng(2).random(Y.shape) < 0.6
    Y = np.where(seen, Y, np.nan)
    masked = clone(model).set_params(**options).fit(X, Y, sample_weight=weights)
    lists = (
        clone(model)
        .set_params(**options)
        .fit(
            [X[rows] for rows in seen.T],
            [Y[rows, t] for t, rows in enumerate(seen.T)],
            sample_weight=[weights[rows, t] for t, rows in enumerate(seen.T)],
        )
    )
    assert_allclose(masked.objective_, lists.objective_, rtol=1e-9)
    scale = np.abs(lists.coef_).max()
    assert_allclose(masked.coef_, lists.coef_, atol=1e-4 * scale)


@pytest.mark.parametrize("name", MODELS)
def test_task_weight_forms(name):
    problem = make_problem((4, 9, 25))

    def fit(task_weight, labels=range(3), weights=problem.weights):
        model = clone(MODELS[name][0]).set_params(task_weight=task_weight, **TIGHT)
        model.fit(
            dict(zip(labels, problem.Xs, strict=True)),
            dict(zip(labels, problem.ys, strict=True)),
            sample_weight=weights and dict(zip(labels, weights, strict=True)),
        )
        return np.column_stack([model.coef_, model.intercept_])

    sums = [s.sum() for s in problem.weights]
    null = [2 / np.var(y) for y in problem.ys]
    same = {"rtol": 1e-5, "atol": 1e-6}
    assert_allclose(fit("n_samples"), fit(sums), **same)
    for form, values in [("n_samples", [4, 9, 25]), ("null", null)]:
        assert_allclose(fit(form, weights=None), fit(values, weights=None), **same)
    assert_allclose(fit(None), fit(np.ones(3)), **same)
    by_label = dict(zip("cab", sums, strict=True)) | {"d": 7.0}
    assert_allclose(fit(by_label, "cab"), fit(sums), **same)
    assert not np.allclose(fit(sums), fit(None), rtol=1e-3)


@pytest.mark.parametrize("ratio", [10, 1e3])
def test_targets_of_very_different_scale_warn(ratio):
    problem = make_problem((20, 30, 40), plain=True)
    names = ["small", "usual", "large"]
    Xs = dict(zip(names, problem.Xs, strict=True))
    ys = dict(zip(names, problem.ys, strict=True))
    ys["large"] = ys["large"] * ratio
    model = MultiTaskMeanRegressor(1.0, unseen_task="mean")
    if ratio < 100:  # the loss is squared
        model.fit(Xs, ys)
    else:
        with pytest.warns(UserWarning, match="'large' is .* that of task '.*'null'"):
            model.fit(Xs, ys)
    weights = {"small": 1.0, "usual": 2.0, "large": 1.0}
    for asked in ("null", "n_samples", weights, list(weights.values())):
        model.set_params(task_weight=asked).fit(Xs, ys)  # no warning


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("task_weight", [None, "n_samples"])
def test_task_sizes_are_not_units(form, task_weight):
    rng = np.random.default_rng(0)
    Xs = [rng.normal(size=(n, 2)) for n in (50_000, 2, 3)]
    ys = [rng.normal(size=len(X)) for X in Xs]
    ys[1][1] = ys[1][0] + 1e-6  # two targets that are near each other by chance
    options = {"fit_intercept": form, "task_weight": task_weight}
    MultiTaskMeanRegressor(1.0, **options).fit(Xs, ys)  # no warning


def test_labels_have_no_units():
    X = np.ones((200_000, 1))
    rare, even = np.zeros((2, len(X)))
    rare[0], even[::2] = 1, 1
    MultiTaskMeanClassifier(1.0, 1.0).fit([X, X], [rare, even])  # no warning


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("constant", [0.0, 0.1, 1e8 / 3])
def test_constant_targets_are_the_null_model(name, form, constant):
    model, _ = MODELS[name]
    problem = make_problem((4, 9, 25), plain=True)
    ys = [np.full(len(y), constant) for y in problem.ys]
    if form is False:
        ys = [0 * y for y in ys]
    model = Problem(problem.Xs, ys).fit(model, fit_intercept=form)
    assert_array_equal(model.coef_, 0)
    assert_allclose(model.intercept_, ys[0][0], rtol=1e-14)
    assert model.certificate_ == model.dual_gap_ == 0
    assert model.converged_


def test_one_task_with_a_constant_target():
    problem = make_problem((9, 9, 25), plain=True)
    problem.ys[1] = np.full(9, 3.0)
    for name in ("L21 + Ridge", "Mean", "SingleTask"):
        model, strengths = MODELS[name]
        model = problem.fit(model, **TIGHT)
        W, c = optimum(problem, strengths, True)
        assert_allclose(model.coef_, W, atol=1e-4)
        assert_allclose(model.intercept_, c, atol=1e-4)
