"""The lasso from knot to knot: exact on generic data, and never wrong on ties."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from sklearn.linear_model import Lasso

from pymtl import (
    MultiTaskL1Regressor,
    MultiTaskL21Regressor,
    MultiTaskRegressor,
    MultiTaskSearchCV,
)
from pymtl import penalties as pen
from pymtl._kernels_lasso import lasso_path

from .test_bcd import lists, shared, weighted, weighted_shared, with_gaps

DATA = {
    "lists": lists,
    "wide lists": lambda rng: lists(rng, 3, 10, 40),
    "shared": shared,
    "missing labels": with_gaps,
    "weights": weighted,
    "weights of a shared X": weighted_shared,
}


@pytest.mark.parametrize("ridge", [0.0, 0.1])
@pytest.mark.parametrize("data", DATA)
def test_same_optimum_as_proximal_gradient(data, ridge):
    rows = DATA[data](np.random.default_rng(0))
    penalty = pen.L1(0.02) + pen.Ridge(ridge)
    ours = MultiTaskRegressor(penalty, solver="homotopy", tol=1e-13).fit(*rows)
    theirs = MultiTaskRegressor(penalty, solver="apg", tol=1e-10, max_iter=10**5)
    theirs.fit(*rows)
    assert ours.solver_ == "homotopy"
    assert ours.certificate_kind_ == "duality gap"
    assert ours.converged_
    assert ours.objective_ == pytest.approx(theirs.objective_, rel=1e-9)
    assert_allclose(ours.coef_, theirs.coef_, atol=2e-4 * np.abs(theirs.coef_).max())


def test_is_the_lasso_of_each_task():
    Xs, ys = lists(np.random.default_rng(1))
    ours = MultiTaskL1Regressor(0.05, solver="homotopy").fit(Xs, ys)
    for X, y, w in zip(Xs, ys, ours.coef_, strict=True):
        theirs = Lasso(0.05, tol=1e-14, max_iter=10**6).fit(X, y)
        assert_allclose(w, theirs.coef_, atol=1e-9)


def correlated(rho, n=30, d=60, T=3):
    rng = np.random.default_rng(5)
    Xs = []
    for _ in range(T):
        X = rng.normal(size=(n, d))
        for j in range(1, d):
            X[:, j] = rho * X[:, j - 1] + np.sqrt(1 - rho**2) * X[:, j]
        Xs.append(X)
    return Xs, [X[:, ::6] @ rng.normal(size=10) + 0.5 * rng.normal(size=n) for X in Xs]


@pytest.mark.parametrize("rho", [0.0, 0.9, 0.999])
def test_every_point_of_a_path_is_exact(rho):
    Xs, ys = correlated(rho)
    path = MultiTaskL1Regressor(tol=1e-12).path(Xs, ys, n_lambdas=40, eps=1e-5)
    assert path.certificate.max() <= 1e-12
    single = MultiTaskL1Regressor(path.lambdas[20], tol=1e-12).fit(Xs, ys)
    assert_allclose(path.coef[20], single.coef_, atol=1e-9)
    assert path.n_iter.sum() <= 10 * single.n_features_in_  # each knot once


def test_path_in_any_order():
    """Larger strengths than the last start again from the null model."""
    Xs, ys = correlated(0.5)
    search = MultiTaskSearchCV(
        MultiTaskL1Regressor(tol=1e-11), lambda1=[0.1, 0.01, 0.5]
    )
    found = search.fit(Xs, ys).best_estimator_
    alone = MultiTaskL1Regressor(found.lambda1, tol=1e-11).fit(Xs, ys)
    assert_allclose(found.coef_, alone.coef_, atol=1e-9)


ALLOWED = "ignore:The null loss:UserWarning", "ignore:.* one row only:UserWarning"


def ties(data):
    """Small integers: equal, opposite, constant, dependent columns, equal targets."""
    T, n, d = (data.draw(st.integers(1, k)) for k in (3, 6, 6))
    numbers = st.lists(st.integers(-2, 2), min_size=T * n * (d + 1))
    rows = np.array(data.draw(numbers)[: T * n * (d + 1)], float).reshape(T, n, d + 1)
    Xs, ys = list(rows[:, :, :d]), list(rows[:, :, d])
    strength = data.draw(st.sampled_from([1e-6, 0.01, 0.3, 2.0]))
    for intercept in (True, False):
        options = {"fit_intercept": intercept, "tol": 1e-7}
        model = MultiTaskL1Regressor(strength, **options).fit(Xs, ys)
        other = MultiTaskL1Regressor(strength, solver="semismooth", **options)
        other.fit(Xs, ys)
        assert model.converged_
        scale = sum(0.5 * np.mean(y**2) for y in ys)
        assert model.objective_ <= other.objective_ + 1e-6 * scale


@pytest.mark.filterwarnings(*ALLOWED)
@settings(max_examples=10, deadline=None, derandomize=True)
@given(st.data())
def test_ties_are_certified_too(data):
    ties(data)


@pytest.mark.slow
@pytest.mark.filterwarnings(*ALLOWED)
@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.data())
def test_many_ties_are_certified_too(data):
    ties(data)


def test_knots_are_bounded():
    Xs, ys = correlated(0.5)
    model = MultiTaskL1Regressor(1e-4, solver="homotopy", max_iter=3, tol=1e-9)
    with pytest.warns(UserWarning, match="did not converge in 3 iterations"):
        model.fit(Xs, ys)


def test_duplicates_stay_out():
    """Of two equal columns the second never enters; the solution is still optimal."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(5, 12))
    X[3] = X[1]
    b = X[1] + 0.5 * X[4]
    w, sign, order = np.zeros(5), np.zeros(5, np.int8), np.zeros(5, int)
    L, state = np.zeros((5, 5)), np.array([np.inf, 0.0])
    lasso_path(X, b, np.zeros(5), w, sign, order, L, state, 0.01, 100)
    slope = X @ (b - X.T @ w)
    assert np.abs(slope).max() == pytest.approx(0.01, rel=1e-9)
    assert np.count_nonzero(w[[1, 3]]) == 1
    assert_allclose(slope[w != 0], 0.01 * np.sign(w[w != 0]), rtol=1e-9)
    k = int(state[1])
    used = X[order[:k]]
    assert_allclose(L[:k, :k] @ L[:k, :k].T, used @ used.T, atol=1e-12)


def test_refuses_what_is_no_lasso():
    rng = np.random.default_rng(0)
    for model in (
        MultiTaskL21Regressor(solver="homotopy"),
        MultiTaskL1Regressor(solver="homotopy", loss="huber"),
    ):
        with pytest.raises(ValueError, match="solver='homotopy' solves squared"):
            model.fit(*lists(rng))
