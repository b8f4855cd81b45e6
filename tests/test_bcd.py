"""Coordinate descent finds the optimum: against apg, cvxpy, optimality conditions."""

import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.linear_model import Lasso

from pymtl import MultiTaskGraphRegressor, MultiTaskL21Regressor, MultiTaskRegressor
from pymtl import penalties as pen
from pymtl._kernels import bcd_by_task, bcd_epoch
from pymtl.designs import Shared, Stacked
from pymtl.losses import Squared
from pymtl.solvers import Problem, bcd

TIGHT = {"tol": 1e-10, "max_iter": 100_000}
FORMS = {
    "l21": lambda a: pen.L21(a),
    "l1": lambda a: pen.L1(0.5 * a),
    "sparse group": lambda a: pen.SparseGroup(0.6 * a, 0.3 * a),
    "elastic": lambda a: pen.L21(a) + pen.Ridge(0.05),
}


def lists(rng, T=4, n=40, d=12, correlation=0.5):
    """Tasks of different sizes with correlated features and few that matter."""
    mix = np.linalg.cholesky(
        correlation ** np.abs(np.subtract.outer(np.arange(d), np.arange(d)))
    )
    W = np.zeros((d, T))
    W[: max(d // 6, 2)] = rng.normal(size=(max(d // 6, 2), T))
    Xs = [rng.normal(size=(n + 3 * t, d)) @ mix.T + 1.0 for t in range(T)]
    ys = [X @ w + rng.normal(size=len(X)) for X, w in zip(Xs, W.T, strict=True)]
    return Xs, ys


def shared(rng, T=4, n=40, d=12):
    Xs, _ = lists(rng, 1, n, d)
    W = np.zeros((d, T))
    W[:3] = rng.normal(size=(3, T))
    return Xs[0], Xs[0] @ W + rng.normal(size=(n, T))


def with_gaps(rng, T=4, n=40, d=12):
    X, Y = shared(rng, T, n, d)
    Y[rng.random(Y.shape) < 0.3] = np.nan
    return X, Y


def weighted(rng, *shape):
    Xs, ys = lists(rng, *shape)
    weights = [rng.integers(0, 4, size=len(y)) + 0.0 for y in ys]
    return Xs, ys, weights


def weighted_shared(rng):
    X, Y = shared(rng)
    return X, Y, rng.random(Y.shape) + 0.1


def degenerate(rng):
    """Zero columns in one task and in all, constant and equal columns."""
    Xs, ys = lists(rng)
    for X in Xs:
        X[:, 3], X[:, 4], X[:, 6] = 0.0, 7.0, X[:, 5]
    Xs[1][:, :2] = 0.0
    return Xs, ys


DATA = {
    "lists": lists,
    "lists, wide": lambda rng: lists(rng, 4, 14, 150),
    "lists, some rows": lambda rng: lists(rng, 2, 210, 230),
    "shared": shared,
    "shared, wide": lambda rng: shared(rng, 5, 20, 150),
    "one task": lambda rng: shared(rng, 1),
    "one task, wide": lambda rng: lists(rng, 1, 15, 150),
    "not observed": with_gaps,
    "not observed, wide": lambda rng: with_gaps(rng, 5, 20, 150),
    "weights": weighted,
    "weights, wide": lambda rng: weighted(rng, 3, 20, 150),
    "weights, shared": weighted_shared,
    "degenerate": degenerate,
}


def fitted(data, penalty, solver, **params):
    model = MultiTaskRegressor(penalty, solver=solver, **TIGHT | params)
    return model.fit(*data)


def strength(data, fraction):
    return fraction * MultiTaskL21Regressor().lambda_max(*data)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", DATA)
def test_equals_apg(kind, form):
    data = DATA[kind](np.random.default_rng(0))
    penalty = FORMS[form](strength(data, 0.1))
    ours = fitted(data, penalty, "bcd")
    other = fitted(data, penalty, "apg")
    assert ours.solver_ == "bcd"
    assert ours.certificate_ <= 1e-10
    assert len(ours.history_) == ours.n_iter_
    assert np.all(np.diff(ours.history_) <= 1e-12 * ours.history_[0])
    null = other.dual_gap_ / other.certificate_
    assert abs(ours.objective_ - other.objective_) <= 1e-9 * null
    if kind != "degenerate":
        size = np.abs(other.coef_).max()
        assert_allclose(ours.coef_, other.coef_, rtol=0, atol=1e-3 * size)
        assert_allclose(ours.intercept_, other.intercept_, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", ["lists", "lists, wide", "degenerate"])
def test_equals_cvxpy(kind, form):
    cp = pytest.importorskip("cvxpy")
    Xs, ys = DATA[kind](np.random.default_rng(1))
    a = strength((Xs, ys), 0.15)
    W, c = cp.Variable((Xs[0].shape[1], len(Xs))), cp.Variable(len(Xs))
    loss = sum(
        cp.sum_squares(y - X @ W[:, t] - c[t]) / (2 * len(y))
        for t, (X, y) in enumerate(zip(Xs, ys, strict=True))
    )
    rows, entries = cp.sum(cp.norm(W, 2, axis=1)), cp.sum(cp.abs(W))
    penalty = {
        "l21": a * rows,
        "l1": 0.5 * a * entries,
        "sparse group": 0.6 * a * rows + 0.3 * a * entries,
        "elastic": a * rows + 0.05 * cp.sum_squares(W),
    }[form]
    problem = cp.Problem(cp.Minimize(loss + penalty))
    best = problem.solve(solver=cp.CLARABEL, tol_gap_rel=1e-10, tol_gap_abs=1e-10)
    model = fitted((Xs, ys), FORMS[form](a), "bcd")
    assert model.solver_ == "bcd"
    assert model.objective_ == pytest.approx(best, rel=1e-7)


def test_units_of_tasks_and_features_do_not_matter_to_convergence():
    rng = np.random.default_rng(2)
    for unit in ("task", "feature"):
        Xs, ys = lists(rng)
        powers = np.linspace(-8, 8, len(Xs) if unit == "task" else Xs[0].shape[1])
        for t, X in enumerate(Xs):
            X *= 10.0 ** (powers[t] if unit == "task" else powers)
        model = MultiTaskL21Regressor(solver="bcd", **TIGHT).fit(Xs, ys)
        assert model.solver_ == "bcd"
        assert model.n_iter_ < 500


@pytest.mark.parametrize("wide", [False, True])
def test_support_is_that_of_the_optimum(wide):
    """No row that the optimum needs is left out of the working sets."""
    rng = np.random.default_rng(3)
    for fraction in (0.7, 0.2, 0.05):
        Xs, ys = lists(rng, 3, 20, 200 if wide else 25)
        a = strength((Xs, ys), fraction)
        model = MultiTaskL21Regressor(a, solver="bcd", tol=1e-13).fit(Xs, ys)
        A = np.zeros(model.coef_.shape)
        for t, (X, y) in enumerate(zip(Xs, ys, strict=True)):
            A[t] = X.T @ (y - X @ model.coef_[t] - model.intercept_[t]) / len(y)
        size, norm = np.linalg.norm(A, axis=0), np.linalg.norm(model.coef_, axis=0)
        assert size.max() <= a * (1 + 1e-5)
        used = norm > 1e-6 * norm.max()
        assert_allclose(A[:, used], a * model.coef_[:, used] / norm[used], rtol=1e-3)
        assert_array_equal(norm[size < a * (1 - 1e-3)], 0.0)


def test_wide_and_tall_working_sets_agree(monkeypatch):
    rng = np.random.default_rng(4)
    X, Y = shared(rng, 3, 50, 200)
    data = [X] * 3, list(Y.T)
    coefs = []
    for ratio in (0.0, np.inf):
        monkeypatch.setattr("pymtl.solvers.bcd.RATIO", ratio)
        monkeypatch.setattr("pymtl.solvers.bcd.FEW", 0)
        for args in ((X, Y), data):
            model = MultiTaskL21Regressor(solver="bcd", tol=1e-12).fit(*args)
            assert model.solver_ == "bcd"
            coefs.append(model.coef_)
    for coef in coefs[1:]:
        assert_allclose(coef, coefs[0], rtol=0, atol=1e-5)


def test_one_pass_over_one_row_is_its_minimiser():
    """The row update is the prox at a Newton step, in the metric of the curvatures."""
    rng = np.random.default_rng(5)
    kinds = [pen.L21(0.7), pen.L1(0.4), pen.SparseGroup(0.5, 0.2)]
    kinds += [clone(form).set_params(positive=True) for form in kinds]
    for form in kinds:
        positive = bool(form.positive)
        H = rng.random((6, 1, 1)) + 0.1
        scale, ridge = np.ones(6), np.array([0.3])
        W, G = rng.normal(size=(6, 1)), 2 * rng.normal(size=(6, 1))
        L = H[:, 0] + ridge
        best = form.prox((W - G / L).T, 1 / L.T).T
        slope = G + L * (best - W)
        none = np.zeros((0, 0))
        norms = (np.full(len(ridge), float(s)) for s in form.row_norms)
        bcd_epoch(H, scale, ridge, none, W, G, *norms, positive, False)
        assert_allclose(W, best, rtol=1e-12, atol=1e-14)
        assert_allclose(G, slope, rtol=1e-10, atol=1e-12)


def test_warm_start_at_the_solution_ends_at_once():
    data = lists(np.random.default_rng(6))
    model = MultiTaskL21Regressor(solver="bcd", warm_start=True).fit(*data)
    first = model.coef_
    model.fit(*data)
    assert model.n_iter_ == 1
    assert_allclose(model.coef_, first, rtol=1e-12)


def test_large_strength_gives_the_null_model():
    data = lists(np.random.default_rng(7))
    model = MultiTaskL21Regressor(strength(data, 1.01), solver="bcd").fit(*data)
    assert not model.coef_.any()
    assert model.converged_


def test_float32():
    Xs, ys = lists(np.random.default_rng(8))
    Xs = [X.astype(np.float32) for X in Xs]
    model = MultiTaskL21Regressor(solver="bcd").fit(Xs, ys)
    exact = MultiTaskL21Regressor(solver="bcd").fit([X.astype(float) for X in Xs], ys)
    assert model.coef_.dtype == np.float32
    assert model.converged_
    assert_allclose(model.coef_, exact.coef_, atol=1e-2)


def test_says_when_it_has_not_converged():
    data = lists(np.random.default_rng(9), 4, 20, 150)
    with pytest.warns(match="did not converge in 3 iterations"):
        model = MultiTaskL21Regressor(
            solver="bcd", max_iter=3, tol=1e-12, lambda1=1e-3
        ).fit(*data)
    assert model.solver_ == "bcd"
    assert len(model.history_) == 3


def test_automatic_choice():
    data = lists(np.random.default_rng(10))
    assert MultiTaskL21Regressor().fit(*data).solver_ == "bcd"
    assert MultiTaskL21Regressor(solver="apg").fit(*data).solver_ == "apg"
    assert MultiTaskRegressor("mean").fit(*data).solver_ == "direct"
    assert MultiTaskRegressor("trace_norm").fit(*data).solver_ == "apg"
    assert MultiTaskL21Regressor(fit_intercept="shrink").fit(*data).solver_ == "bcd"


@pytest.mark.parametrize(
    "model",
    [
        MultiTaskRegressor("trace_norm", solver="bcd"),
        MultiTaskGraphRegressor(lambda3=0.1, solver="bcd"),
        MultiTaskL21Regressor(fit_intercept="shared", solver="semismooth"),
    ],
    ids=["penalty", "graph", "intercept"],
)
def test_refuses_what_it_cannot_solve(model):
    with pytest.raises(ValueError, match="use solver='auto' or 'apg'"):
        model.fit(*lists(np.random.default_rng(11)))


def test_a_penalty_without_row_norms_goes_on():
    """A new penalty needs nothing of coordinate descent."""

    class Plain(pen.L21):
        row_norms = None

    data = lists(np.random.default_rng(12))
    model = MultiTaskRegressor(Plain(0.1)).fit(*data)
    other = MultiTaskRegressor(pen.L21(0.1)).fit(*data)
    assert (model.solver_, other.solver_) == ("apg", "bcd")
    assert_allclose(model.coef_, other.coef_, atol=1e-2)


def test_solves_a_problem_without_an_estimator():
    rng = np.random.default_rng(13)
    X, y = rng.normal(size=(30, 8)), rng.normal(size=60)
    problem = Problem(
        Shared(X, 2), Squared(), y, np.full(60, 1 / 30), proximal=pen.L1(0.05)
    )
    result = bcd.bcd(problem, np.zeros((8, 2)), 1e-12, 1000, 1.0)
    for t in range(2):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            lasso = Lasso(0.05, fit_intercept=False, tol=1e-14).fit(
                X, y[30 * t : 30 * t + 30]
            )
        assert_allclose(result.W[:, t], lasso.coef_, atol=1e-6)


@pytest.mark.parametrize("offset", [0.0, 1e6])
def test_products_certify_where_they_are_sure(offset):
    """Far from the origin what rounding does to X'X is more than the gap."""
    rng = np.random.default_rng(8)
    X, y = rng.normal(size=(200, 4)), rng.normal(size=200)
    X += offset
    design, weight = Stacked(X, np.array([0, 100, 200])), np.full(200, 0.01)
    problem = Problem(design, Squared(), y, weight, proximal=pen.L1(0.1 + offset))
    problem.fast()
    W = np.full((4, 2), 1e-3)
    judge = problem.judge(W, 1e-9)
    assert (judge is problem) == bool(offset)
    if judge is not problem:
        gaps = [p.gap(p.point(W), p.objective(p.point(W))) for p in (judge, problem)]
        assert_allclose(*gaps, rtol=0, atol=1e-9)


def test_passes_by_task_lead_to_the_lasso():
    rng = np.random.default_rng(9)
    X, Y = rng.normal(size=(3, 30, 5)), rng.normal(size=(3, 30))
    H, W = np.einsum("tni,tnj->tij", X, X), np.zeros((3, 5))
    G = -np.einsum("tni,tn->ti", X, Y)
    strength = np.full(5, 6.0)
    bcd_by_task(H, np.ones(3), np.zeros(5), W, G, strength, False, 1000, 0.0)
    for w, x, y in zip(W, X, Y, strict=True):
        lasso = Lasso(6.0 / 30, fit_intercept=False, tol=1e-12).fit(x, y)
        assert_allclose(w, lasso.coef_, atol=1e-8)
    assert_allclose(G, np.einsum("tij,tj->ti", H, W) - np.einsum("tni,tn->ti", X, Y))


@pytest.mark.parametrize("form", ["shared", "shrink"])
@pytest.mark.parametrize("positive", [False, True])
@pytest.mark.parametrize("kind", ["lists", "one X", "long"])
def test_tied_intercepts_and_signs(kind, positive, form):
    """Rows by products, in blocks and by samples, with what ties the tasks."""
    rng = np.random.default_rng(14)
    if kind == "one X":
        X, Y = rng.normal(size=(30, 40)) + 1.0, rng.normal(size=(30, 4))
        data = X, Y + X[:, :1] + np.arange(4)
    else:
        n, d = (300, 6) if kind == "long" else (12, 40)
        Xs = [rng.normal(size=(n + t, d)) + t for t in range(4)]
        data = (
            Xs,
            [X[:, 0] - X[:, 1] + t + rng.normal(size=len(X)) for t, X in enumerate(Xs)],
        )
    for penalty in (pen.L21(0.1), pen.L1(0.1), pen.SparseGroup(0.05, 0.05)):
        penalty = penalty.set_params(positive=positive)
        model = MultiTaskRegressor(penalty, fit_intercept=form, tol=1e-10).fit(*data)
        assert model.solver_ == "bcd"
        slow = clone(model).set_params(solver="apg", tol=1e-4).fit(*data)
        assert slow.objective_ >= model.objective_ * (1 - 1e-9)
        assert_allclose(model.objective_, slow.objective_, rtol=1e-4)
        assert model.coef_.min() >= 0 or not positive
