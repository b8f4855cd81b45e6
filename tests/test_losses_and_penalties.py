"""Every loss with every penalty: certified, and the optimum that cvxpy finds."""

import numpy as np
import pytest

from pymtl import MultiTaskClassifier, MultiTaskRegressor
from pymtl.losses import LOSSES
from pymtl.penalties import L21, PENALTIES, Dirty, Graph, Ridge, TraceNorm

from .sweeps import thinned

SIZES = (14, 20, 17)
OMEGA = np.array([1.0, 0.4, 2.0])
NAMES = [name for name in LOSSES if name != "multinomial"]


def problem(name, n_features=4):
    """Return data for a loss; of a multinomial loss three classes."""
    rng = np.random.default_rng(0)
    Xs = [rng.standard_normal((n, n_features)) for n in SIZES]
    w = np.array([1.0, -0.8, 0.0, 0.5])
    weights = [rng.uniform(0.3, 2.0, n) for n in SIZES]
    z = [X @ (w + 0.2 * rng.standard_normal(4)) for X in Xs]
    noisy = [v + 0.5 * rng.standard_normal(len(v)) for v in z]
    if name == "poisson":
        return Xs, [rng.poisson(np.exp(0.7 * v)) for v in z], weights
    if name == "multinomial":
        return Xs, [np.digitize(v, [-0.5, 0.5]) for v in noisy], weights
    if LOSSES[name].targets == "classification":
        return Xs, [np.where(v > 0, 1, 0) for v in noisy], weights
    return Xs, noisy, weights


def model_of(name, penalty, **options):
    if name == "multinomial":
        return MultiTaskClassifier(penalty, **options)
    if LOSSES[name].targets == "classification":
        return MultiTaskClassifier(penalty, loss=name, **options)
    return MultiTaskRegressor(penalty, loss=name, **options)


@thinned(4, name=LOSSES, penalty=PENALTIES)
def test_fit_is_certified(name, penalty):
    Xs, ys, weights = problem(name)
    instance = next(iter(PENALTIES[penalty].examples(4, 3)))
    strength = 0.1 if name in ("squared", "huber", "poisson") else 0.05
    classes = 3 if name == "multinomial" and not instance.by_task else 1
    unit = instance.unit(4, 3 * classes)
    instance = instance.set_params(**{s: strength * v for s, v in unit.items()})
    free = instance.quadratic(3) is not None or instance.null_space(3).size
    if free or not instance.convex:
        instance = instance + Ridge(0.02)  # separable labels have no optimum without
    model = model_of(name, instance, task_weight=OMEGA)
    if not instance.convex and not LOSSES[name].smooth:
        with pytest.raises(
            ValueError, match="is not convex, which needs a smooth loss"
        ):
            model.fit(Xs, ys, weights)
        return
    model.fit(Xs, ys, weights)
    assert model.converged_
    kind = "duality gap" if instance.convex else "stationarity"
    assert model.certificate_kind_ == kind


def loss_formula(cp, name, y, z):
    if name == "squared":
        return cp.square(y - z) / 2
    if name == "huber":
        return cp.huber(y - z, 1.35) / 2
    if name == "quantile":
        return cp.abs(y - z) / 2
    if name == "poisson":
        constant = np.where(y > 0, y * np.log(np.maximum(y, 1)), 0) - y
        return cp.exp(z) - cp.multiply(y, z) + constant
    sign = 2 * y - 1
    if name == "logistic":
        return cp.logistic(-cp.multiply(sign, z))
    hinge = cp.pos(1 - cp.multiply(sign, z))
    return hinge if name == "hinge" else cp.square(hinge)


def rows(cp, W):
    return 0.05 * cp.sum(cp.norm(W, 2, axis=1))


def trace(cp, W):
    return 0.05 * cp.normNuc(W)


def graph(cp, W):
    gaps = [cp.sum_squares(W[:, s] - W[:, t]) for s in range(3) for t in range(s)]
    return 0.1 / 3 * sum(gaps) + 0.02 * cp.sum_squares(W)


def dirty(cp, W):
    Q = cp.Variable(W.shape)
    return 0.05 * cp.sum(cp.max(cp.abs(W - Q), axis=1)) + 0.04 * cp.sum(cp.abs(Q))


FORMULAS = {
    "L21": (L21(0.05), rows),
    "TraceNorm": (TraceNorm(0.05), trace),
    "Graph": (Graph(0.1) + Ridge(0.02), graph),
    "Dirty": (Dirty(0.05, 0.04), dirty),
}


@thinned(2, name=NAMES, structure=FORMULAS)
def test_optimum(name, structure):
    penalty, formula = FORMULAS[structure]
    cp = pytest.importorskip("cvxpy")
    Xs, ys, weights = problem(name)
    model = model_of(name, penalty, task_weight=OMEGA, tol=1e-8).fit(Xs, ys, weights)
    W, c = cp.Variable((4, 3)), cp.Variable(3)
    total = formula(cp, W)
    for t, (X, y, s, omega) in enumerate(zip(Xs, ys, weights, OMEGA, strict=True)):
        z, share = X @ W[:, t] + c[t], s / s.sum()
        if name == "square_root":
            total += omega * cp.norm(cp.multiply(np.sqrt(share), y - z))
        else:
            total += omega * (share @ loss_formula(cp, name, y.astype(float), z))
    expected = cp.Problem(cp.Minimize(total)).solve(cp.CLARABEL)
    assert model.objective_ == pytest.approx(expected, rel=1e-6)
    assert model.certificate_ <= 1e-8
