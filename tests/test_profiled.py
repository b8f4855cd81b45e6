"""Losses whose intercepts are minimised out, by brute force on a few rows."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import approx_fprime

from pymtl.losses import (
    Huber,
    Logistic,
    Multinomial,
    Poisson,
    Quantile,
    Squared,
)
from pymtl.losses._base import slope, weighted_quantile
from pymtl.losses._profiled import FAR, Profiled

BOUNDS = np.array([0, 4, 9, 12])
LOSSES = [Squared(), Huber(0.5), Logistic(), Poisson(), Quantile(0.3), Multinomial(3)]
FORMS = [False, True, "shared", "shrink"]


def data(loss, seed=0):
    """Targets, predictions, weights and bounds."""
    rng = np.random.default_rng(seed)
    K = loss.n_classes or 1
    z = rng.normal(size=12 * K)
    weight = np.tile(rng.uniform(0.5, 2.0, 12), 1)
    if K > 1:
        y, rows = [], []
        for a, b in zip(BOUNDS[:-1], BOUNDS[1:], strict=True):
            label = rng.permutation(np.arange(b - a) % K)
            y.append(np.eye(K)[:, label].ravel())
            rows.append(np.tile(weight[a:b], K))
        return np.concatenate(y), z, np.concatenate(rows), K * BOUNDS
    y = 2 * rng.normal(size=12)
    if isinstance(loss, Logistic):
        y = np.tile([1.0, -1.0], 6)
    elif isinstance(loss, Poisson):
        y = rng.poisson(2.0, 12) + 0.0
    return y, z, weight, BOUNDS


def moved(z, c, bounds):
    """Predictions with intercepts (n_tasks, n_classes)."""
    z = z.copy()
    for t, (a, b) in enumerate(zip(bounds[:-1], bounds[1:], strict=True)):
        z[a:b] += np.repeat(c[t], (b - a) // c.shape[1])
    return z


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_profiled_loss(loss, form):
    y, z, weight, bounds = data(loss)
    K, rng = loss.n_classes or 1, np.random.default_rng(1)
    offset = rng.normal(size=len(y))
    rows = weight, bounds
    strength = 0.3
    for known in (None, offset):
        own = Profiled(loss, form, strength, known)
        o = 0.0 if known is None else known
        assert_allclose(own.known(z), z + o)

        def whole(c, o=o):
            far = np.sum((c - c.mean(axis=0)) ** 2) if form == "shrink" else 0.0
            return loss.value(y, moved(z + o, c, bounds), *rows) + strength * far

        c = own.intercepts(y, z, *rows)
        assert c.shape == (3, K)
        value = own.value(y, z, *rows)
        assert_allclose(value, whole(c), rtol=1e-12)
        if form in (False, "shared"):
            assert_array_equal(c, c[:1] + np.zeros((3, 1)))
        assert c.any() == (form is not False)
        for size in (1e-4, 0.1, 1.0):
            for _ in range(3 if form else 0):
                step = size * rng.normal(size=(3 if form != "shared" else 1, K))
                assert whole(c + step) >= value - 1e-12
        assert_allclose(own.at(y, z, *rows), moved(z + o, c, bounds))
        assert_allclose(own.shifts(y, z, *rows), moved(0 * z, c, bounds))
        u = own.gradient(y, z, *rows)
        if loss.smooth:
            rise = approx_fprime(z, lambda v, own=own: own.value(y, v, *rows), 1e-7)
            assert_allclose(u, rise, atol=1e-4)
        total = np.add.reduceat(u, bounds[:-1])
        if form == "shared":
            total = total.sum()
        if form in (True, "shared") and K == 1:
            assert_allclose(total, 0, atol=1e-10)
        r = rng.normal(size=len(y))
        back = own.pull(r, bounds)
        some = rng.normal(size=back.shape)
        if form is not False:
            assert_allclose(np.dot(own.push(some, bounds), r), np.vdot(some, back))
        # Fenchel and Young, with equality at the gradient; of the subgradients at the
        # knots of shrunk intercepts it is one whose rows add up to zero
        if loss.smooth or form != "shrink":
            both = own.conjugate(y, u, *rows) + value
            assert_allclose(both, np.dot(u, z), rtol=1e-8, atol=1e-9)
        for seed in range(3):
            v = np.random.default_rng(seed).normal(size=len(y))
            assert (
                own.value(y, v, *rows) + own.conjugate(y, u, *rows)
                >= np.dot(u, v) - 1e-9
            )
        # a point that is not balanced has one near it that is
        w = loss.gradient(y, z + 0.5, *rows)
        if form is not False:
            assert np.isinf(own.conjugate(y, w, *rows))
        near = own.feasible(y, w, *rows)
        assert_allclose(own.pull(near, bounds), 0, atol=1e-10)
        assert np.isfinite(own.conjugate(y, near, *rows))
        assert_array_equal(own.feasible(y, near, *rows), near)
        values = own.task_values(y, z, *rows)
        assert_allclose(values, loss.task_values(y, own.at(y, z, *rows), *rows))
        assert_allclose(own.shifted(z).known(z), 2 * z + o)


def test_far_predictions_leave_offsets_where_they_are():
    loss = Logistic()
    y, z, weight, bounds = data(loss)
    offset = np.linspace(-1, 1, 12)
    for form in (False, True, "shared"):
        for known in (None, offset):
            own = Profiled(loss, form, 0.0, known)
            c = own.intercepts(y, z, weight, bounds)
            at = FAR * moved(z, c, bounds) + (0.0 if known is None else known)
            expected = loss.task_values(y, at, weight, bounds)
            assert_allclose(own.far(y, z, weight, bounds), expected, atol=1e-9)
    own = Profiled(loss, "shrink", 0.5)
    expected = own.task_values(y, FAR * z, weight, bounds)
    assert_allclose(own.far(y, z, weight, bounds), expected)
    free = Profiled(loss, "shrink", 0.0)
    assert_allclose(
        free.far(y, z, weight, bounds), Profiled(loss, True).far(y, z, weight, bounds)
    )


@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_balanced_duals_stay_in_the_domain(loss):
    for seed in range(4):
        y, z, weight, bounds = data(loss, seed)
        scale = [1.0, 1e-3, 1.0, 1e3][seed] if isinstance(loss, Squared) else 1.0
        u = loss.gradient(y, scale * z + 0.3, weight, bounds)
        near = loss.balanced(y, u, weight, bounds)
        sums = np.add.reduceat(near, bounds[:-1])
        assert_allclose(sums, 0, atol=1e-12 * scale)
        assert np.isfinite(loss.conjugate(y, near, weight, bounds))
        again = loss.balanced(y, near, weight, bounds)
        assert_allclose(again, near, atol=1e-12 * scale)


def test_balanced_sides_shrink_alike():
    u = np.array([3.0, -1.0, 2.0, -1.0, 0.2, -0.1, -0.3, 0.4, 0.5, 0, 0, -0.0])
    bounds = np.array([0, 4, 7, 9, 12])
    near = Huber(10.0).balanced(u, u, np.ones(12), bounds)
    expected = [1.2, -1, 0.8, -1, 0.2, -0.05, -0.15, 0, 0, 0, 0, 0]
    assert_allclose(near, expected, atol=1e-15)


def test_weighted_quantile():
    rng = np.random.default_rng(0)
    bounds = np.array([0, 1, 6, 13])
    for _ in range(5):
        x, weight = rng.integers(0, 5, 13) + 0.0, rng.integers(0, 3, 13) + 0.0
        weight[[0, 1, 6]] = 1.0
        share = rng.uniform(0.05, 0.95, 3)
        total = np.add.reduceat(weight, bounds[:-1])
        found = weighted_quantile(x, weight, share * total, bounds)
        for t, (a, b) in enumerate(zip(bounds[:-1], bounds[1:], strict=True)):
            below = [weight[a:b] @ (x[a:b] <= v) for v in np.sort(x[a:b])]
            k = np.flatnonzero(np.array(below) >= share[t] * total[t])[0]
            assert found[t] == np.sort(x[a:b])[k]
    assert_array_equal(weighted_quantile(x, weight, 2 * total, bounds)[2], x[6:].max())


def test_curvature_of_a_quantile_is_its_density():
    loss, (y, z, weight, bounds) = Quantile(0.3), data(Quantile(0.3))
    z[4:9] = y[4:9]
    H = loss.hessian(y, z, weight, bounds)
    for a, b in zip(bounds[:-1], bounds[1:], strict=True):
        mean = np.average(np.abs(y - z)[a:b], weights=weight[a:b])
        expected = weight[a:b] * (0.5 / mean if mean else 0.0)
        assert_allclose(H[a:b], expected)
    assert_array_equal(slope(np.array([2.0, 1.0]), np.array([4.0, 0.0])), [0.5, 0.0])


# loss, form, and the evaluations that the search takes at predictions of three sizes
EVALUATIONS = [
    (Logistic, True, [5, 5, 11]),
    (Logistic, "shared", [5, 5, 5]),
    (Logistic, "shrink", [5, 5, 7]),
    (Huber, "shrink", [5, 5, 50]),
    (Poisson, "shrink", [4, 5, 7]),
    (Multinomial, True, [7, 13, 119]),
    (Multinomial, "shared", [6, 7, 12]),
    (Multinomial, "shrink", [6, 8, 13]),
]


@pytest.mark.parametrize(("kind", "form", "most"), EVALUATIONS)
def test_searches_take_few_evaluations(kind, form, most):
    class Counted(kind):
        calls = 0

        def gradient(self, *args):
            Counted.calls += 1
            return super().gradient(*args)

    loss = Counted(3) if kind is Multinomial else Counted()
    y, z, weight, bounds = data(loss if kind is Multinomial else kind())
    for scale, limit in zip([1.0, 5.0, 30.0], most, strict=True):
        Counted.calls = 0
        own = Profiled(loss, form, 0.3)
        own.intercepts(y, scale * z, weight, bounds)
        assert Counted.calls <= limit + max(limit // 6, 1)
