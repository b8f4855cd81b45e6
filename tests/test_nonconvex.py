"""Penalties that are not convex: fits end at a stationary point, and say so."""

import numpy as np
import pytest

from pymtl import MultiTaskClassifier, MultiTaskRegressor
from pymtl.penalties import L1, L21, Components, Penalty, Ridge
from pymtl.penalties._components import Blocks
from pymtl.penalties._prior import About
from pymtl.testing import check_penalty


class RowMCP(Penalty):
    """Sum over rows of the minimax concave penalty of their norm, strength 1 at 0."""

    convex = False
    separable = "row"

    def __init__(self, lambda1="auto", gamma=3.0):
        self.lambda1 = lambda1
        self.gamma = gamma

    def _cost(self, r):
        knee = self.gamma * self.lambda1
        bent = self.lambda1 * r - r**2 / (2 * self.gamma)
        return np.where(r <= knee, bent, knee * self.lambda1 / 2)

    def value(self, W):
        return float(self._cost(np.linalg.norm(W, axis=1)).sum())

    def prox(self, V, step):
        r = np.linalg.norm(V, axis=1)
        tries = [np.zeros_like(r), r]
        if step < self.gamma:
            bent = (r - step * self.lambda1) / (1 - step / self.gamma)
            tries.append(np.clip(bent, 0, self.gamma * self.lambda1))
        tries = np.array(tries)
        best = np.argmin((tries - r) ** 2 / (2 * step) + self._cost(tries), axis=0)
        return V * (tries[best, np.arange(len(r))] / np.where(r > 0, r, 1))[:, None]


class WithPolar(RowMCP):
    """The same with a gauge of the slopes at zero, which is no norm's dual."""

    row_norms = (0.0, 1.0)

    def polar(self, G):
        return float(np.linalg.norm(G, axis=1).max(initial=0.0)) / self.lambda1


def problem(seed=0, n=40, d=8, T=3):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d)) + rng.normal(size=(n, 1))
    W = np.zeros((d, T))
    W[:3] = rng.normal(size=(3, T))
    return X, X @ W + 0.5 * rng.normal(size=(n, T))


def violation(model, X, Y):
    """Return the largest violation of the conditions of order one, relative."""
    strength, gamma = model.penalty_.lambda1, model.penalty_.gamma
    W = model.coef_.T
    R = X @ W + model.intercept_ - Y
    G = X.T @ R / len(X)
    r = np.linalg.norm(W, axis=1)
    slope = np.maximum(strength - r / gamma, 0.0)
    on = r > 0
    inside = G[on] + slope[on, None] * W[on] / r[on, None]
    off = np.maximum(np.linalg.norm(G[~on], axis=1) - strength, 0.0)
    unit = np.linalg.norm(X.T @ (Y - Y.mean(axis=0)) / len(X))
    return max(np.abs(inside).max(initial=0.0), off.max(initial=0.0)) / unit


@pytest.mark.parametrize("penalty", [RowMCP(0.5), WithPolar(0.5)], ids=repr)
def test_check_penalty_accepts_them(penalty):
    check_penalty(penalty)


def test_a_wrong_prox_is_found():
    class Wrong(RowMCP):
        def prox(self, V, step):
            return L21(self.lambda1).prox(V, step)

    with pytest.raises(AssertionError, match="prox is not the minimiser"):
        check_penalty(Wrong(0.5))


def test_convexity_is_passed_on():
    part = RowMCP(0.3)
    assert not (part + Ridge(0.1)).convex
    assert not (Ridge(0.1) + part).convex
    assert not Components(part, L1(0.2)).convex
    assert not Components(L1(0.2), part + Ridge(0.1)).convex
    assert not Blocks([L1(0.2), part], [2, 2]).convex
    assert not About(part, np.zeros(3)).convex
    assert not part.certified and not WithPolar(0.3).certified
    assert (L21(0.1) + Ridge(0.1)).convex
    assert Components(L21(0.1), L1(0.1)).convex


@pytest.mark.parametrize("kind", [RowMCP, WithPolar])
@pytest.mark.parametrize("strength", [0.02, 0.2, 1.0, 100.0])
def test_fits_end_at_a_stationary_point(kind, strength):
    X, Y = problem()
    model = MultiTaskRegressor(kind(strength), tol=1e-8, max_iter=100_000).fit(X, Y)
    assert model.certificate_kind_ == "stationarity"
    assert model.converged_ and model.certificate_ <= 1e-8
    assert np.isnan(model.dual_gap_)
    assert violation(model, X, Y) <= 1e-6
    assert np.all(np.diff(model.history_) <= 1e-12 * model.history_[0])


def test_auto_follows_the_gauge_at_zero():
    X, Y = problem()
    top = MultiTaskRegressor(WithPolar()).lambda_max(X, Y)
    model = MultiTaskRegressor(WithPolar()).fit(X, Y)
    assert model.penalty_.lambda1 == pytest.approx(0.1 * top)


@pytest.mark.parametrize(
    "wrap",
    [
        lambda p: p + Ridge(0.05),
        lambda p: Components(p, L1(0.2)),
        lambda p: Components(L1(0.2), p),
    ],
    ids=["sum", "left", "right"],
)
@pytest.mark.parametrize("kind", [RowMCP, WithPolar])
def test_sums_and_components_are_told_the_truth_about(kind, wrap):
    X, Y = problem()
    model = MultiTaskRegressor(wrap(kind(0.3)), max_iter=50_000).fit(X, Y)
    assert model.certificate_kind_ == "stationarity" and model.converged_


@pytest.mark.parametrize("loss", ["huber", "poisson"])
def test_other_losses(loss):
    X, Y = problem()
    Y = np.floor(np.exp(0.3 * Y)) if loss == "poisson" else Y
    model = MultiTaskRegressor(RowMCP(0.3), loss=loss, max_iter=50_000).fit(X, Y)
    assert model.certificate_kind_ == "stationarity" and model.converged_


def test_classifier():
    X, Y = problem()
    model = MultiTaskClassifier(WithPolar(0.05), max_iter=50_000).fit(X, Y > 0)
    assert model.certificate_kind_ == "stationarity" and model.converged_


def test_starts_may_end_elsewhere_and_both_are_stationary():
    X, Y = problem()
    model = MultiTaskRegressor(RowMCP(0.3, 0.5), warm_start=True, tol=1e-8)
    model.fit(X, Y)
    first = model.objective_
    model._solution = np.full_like(model._solution, 2.0)
    model.fit(X, Y)
    assert model.certificate_kind_ == "stationarity"
    assert violation(model, X, Y) <= 1e-6
    assert np.isfinite(first)


def test_what_needs_convexity_is_refused():
    X, Y = problem()
    for solver in ("bcd", "newton", "semismooth"):
        with pytest.raises(ValueError, match="convex penalty, WithPolar is not"):
            MultiTaskRegressor(WithPolar(0.3), solver=solver).fit(X, Y)
    with pytest.raises(ValueError, match="RowMCP is not convex.*smooth loss"):
        MultiTaskRegressor(RowMCP(0.3), loss="quantile").fit(X, Y)
