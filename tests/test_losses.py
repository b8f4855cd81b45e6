"""Every loss of the registry keeps the contract, and the checks notice who does not."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.optimize import minimize_scalar
from scipy.special import xlogy
from sklearn.metrics import mean_pinball_loss, mean_poisson_deviance

from pymtl.losses import (
    LOSSES,
    Hinge,
    Huber,
    Logistic,
    Loss,
    Multinomial,
    Poisson,
    Quantile,
    Squared,
    SquaredHinge,
    SquareRoot,
)
from pymtl.testing import LOSS_CHECKS, check_loss
from pymtl.testing._losses import make_targets

from .sweeps import thinned

EXAMPLES = [loss for cls in LOSSES.values() for loss in cls.examples()]


@pytest.mark.parametrize("check", LOSS_CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("loss", EXAMPLES, ids=str)
def test_registry(loss, check):
    rng = np.random.default_rng(0)
    check(loss, make_targets(loss, rng), rng)


@thinned(5, loss=EXAMPLES, seed=range(1, 11), ids=str)
def test_registry_on_other_points(loss, seed):
    check_loss(loss, random_state=seed)


@pytest.mark.parametrize("loss", EXAMPLES, ids=str)
def test_targets_of_the_user(loss):
    targets = [
        value for value in (-1.0, 1.0, 3.0) if loss.admissible(np.array([value]))
    ]
    if not isinstance(loss, Multinomial):  # whose targets are not drawn one by one
        check_loss(loss, targets=targets)


def test_targets_outside_the_domain():
    with pytest.raises(AssertionError, match="counts, at least 0"):
        check_loss(Poisson(), targets=[-1.0, 1.0])


def test_squared_is_half_the_square():
    y, z = np.array([1.0, 2.0, 5.0]), np.array([0.0, 4.0, 5.0])
    weight, bounds = np.array([0.5, 0.5, 1.0]), np.array([0, 2, 3])
    assert Squared().value(y, z, weight, bounds) == 0.5 * (0.5 * 1 + 0.5 * 4)
    assert_allclose(Squared().gradient(y, z, weight, bounds), [-0.5, 1.0, 0.0])


def test_registry_holds_losses():
    for name, cls in LOSSES.items():
        assert name == name.lower() and issubclass(cls, Loss)
    assert len(set(LOSSES.values())) == len(LOSSES)


# The checks notice what is broken


class DoubleGradient(Squared):
    def gradient(self, y, z, weight, bounds):
        return 2 * super().gradient(y, z, weight, bounds)


class NoHalf(Squared):
    def value(self, y, z, weight, bounds):
        return 2 * super().value(y, z, weight, bounds)


class SmallCurvature(Squared):
    curvature = 0.9


class NegativeValue(Squared):
    def value(self, y, z, weight, bounds):
        return super().value(y, z, weight, bounds) - 0.5 * float(weight @ y**2)


class WrongConjugate(Squared):
    def conjugate(self, y, u, weight, bounds):
        return 0.5 * float(np.dot(u, u)) + float(np.dot(u, y))


class SmallConjugate(Squared):
    def conjugate(self, y, u, weight, bounds):
        return super().conjugate(y, u, weight, bounds) - 0.01


class SquaredWeights(Squared):
    def value(self, y, z, weight, bounds):
        return super().value(y, z, weight**2, bounds)

    def gradient(self, y, z, weight, bounds):
        return super().gradient(y, z, weight**2, bounds)

    def conjugate(self, y, u, weight, bounds):
        return super().conjugate(y, u, weight**2, bounds)

    curvature = 3.0


class FirstTaskTwice(Squared):
    def value(self, y, z, weight, bounds):
        return super().value(y, z, self._weight(weight, bounds), bounds)

    def gradient(self, y, z, weight, bounds):
        return super().gradient(y, z, self._weight(weight, bounds), bounds)

    def conjugate(self, y, u, weight, bounds):
        return super().conjugate(y, u, self._weight(weight, bounds), bounds)

    def _weight(self, weight, bounds):
        late = np.arange(len(weight)) >= bounds[len(bounds) // 2]
        return weight * np.where(late, 1.0, 0.5)


class InPlace(Squared):
    def gradient(self, y, z, weight, bounds):
        z -= y
        return weight * z


class NotQuadratic(Squared):
    """The square root of one plus the square."""

    def value(self, y, z, weight, bounds):
        return float(weight @ (np.sqrt(1 + (z - y) ** 2) - 1))

    def gradient(self, y, z, weight, bounds):
        return weight * (z - y) / np.sqrt(1 + (z - y) ** 2)


class SmallHessian(Logistic):
    def hessian(self, y, z, weight, bounds):
        return 0.9 * super().hessian(y, z, weight, bounds)


class WrongProx(Quantile):
    def dual_prox(self, y, x, weight, bounds, step):
        return 0.9 * super().dual_prox(y, x, weight, bounds, step)


class WeightForgotten(SquareRoot):
    def dual_prox_slope(self, y, x, weight, bounds, step):
        return super().dual_prox_slope(y, x, 0 * weight + 1, bounds, step)


class DividesByWeight(Logistic):
    def conjugate(self, y, u, weight, bounds):
        with np.errstate(invalid="ignore"):
            p = np.clip(-u / weight * y, 0, 1)
        return float(np.sum(weight * (xlogy(p, p) + xlogy(1 - p, 1 - p))))


class NoDomain(Hinge):
    def conjugate(self, y, u, weight, bounds):
        return float(u @ y) if not u.any() else np.inf


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (DoubleGradient(), "finite differences"),
        (NoHalf(), "finite differences"),
        (SmallCurvature(), "upper bound"),
        (NegativeValue(), "below zero"),
        (WrongConjugate(), "conjugate"),
        (SmallConjugate(), "conjugate"),
        (SquaredWeights(), "proportional to the weights"),
        (FirstTaskTwice(), "add up over tasks"),
        (InPlace(), "read-only"),
        (NotQuadratic(), "not linear, as promised"),
        (SmallHessian(), "hessian is no majorant"),
        (WrongProx(), "no subgradient at prox"),
        (WeightForgotten(), "dual_prox|prox"),
        (DividesByWeight(), "conjugate of repeated rows"),
        (NoDomain(), "conjugate"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_broken_losses_are_noticed(broken, message):
    errors = AssertionError, ValueError, FloatingPointError
    with pytest.raises(errors, match=message):
        check_loss(broken)


# The formulas, against numerical suprema, derivatives and scipy

SEPARABLE = [x for x in EXAMPLES if not isinstance(x, SquareRoot | Multinomial)]


def one_row(loss, y):
    """Return value, gradient, Hessian and conjugate of one row of weight 0.7."""
    y, weight, bounds = np.array([y]), np.array([0.7]), np.array([0, 1])

    def of(name):
        return lambda x: np.ravel(
            getattr(loss, name)(y, np.array([x]), weight, bounds)
        )[0]

    return [of(name) for name in ("value", "gradient", "hessian", "conjugate")]


@pytest.mark.parametrize("y", [-1.0, 0.0, 1.0, 4.0])
@pytest.mark.parametrize("loss", SEPARABLE, ids=str)
def test_conjugate_is_the_supremum(loss, y):
    if not loss.admissible(np.array([y])).all():
        return
    value, gradient, _, conjugate = one_row(loss, y)
    for z in (-3.0, -0.4, 0.0, 0.3, 2.5):
        for u in (gradient(z), 0.4 * gradient(z)):
            found = minimize_scalar(
                lambda z, u=u: value(z) - u * z,
                bounds=(-40, 40),
                method="bounded",
                options={"xatol": 1e-10},
            )
            assert_allclose(conjugate(u), -found.fun, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("loss", [x for x in SEPARABLE if x.smooth], ids=str)
def test_hessian_is_the_second_derivative(loss):
    for y in (-1.0, 0.0, 1.0, 4.0):
        if not loss.admissible(np.array([y])).all():
            continue
        _, gradient, hessian, _ = one_row(loss, y)
        for z in (-3.0, -0.41, 0.0, 0.37, 2.3):
            slope = (gradient(z + 1e-5) - gradient(z - 1e-5)) / 2e-5
            assert_allclose(hessian(z), slope, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize(
    ("loss", "y", "inside", "outside"),
    [
        (Huber(2.0), 0.5, [-2.0, 2.0], [-2.001, 2.001]),
        (Logistic(), 1.0, [-1.0, 0.0], [-1.001, 0.001]),
        (Logistic(), -1.0, [1.0, 0.0], [1.001, -0.001]),
        (Poisson(), 2.0, [-2.0, 50.0], [-2.001]),
        (SquaredHinge(), 1.0, [-50.0, 0.0], [0.001]),
        (Hinge(), -1.0, [0.0, 1.0], [-0.001, 1.001]),
        (Quantile(0.9), 3.0, [-0.9, 0.1], [-0.901, 0.101]),
        (SquareRoot(), 3.0, [-1.0, 1.0], [-1.001, 1.001]),
    ],
    ids=str,
)
def test_domain_of_the_conjugate(loss, y, inside, outside):
    conjugate = one_row(loss, y)[3]
    for u in inside:  # the ends are in, rounding or not
        for rounding in (1 - 1e-15, 1.0, 1 + 1e-15):
            assert np.isfinite(conjugate(0.7 * u * rounding))
    for u in outside:
        assert conjugate(0.7 * u) == np.inf


@pytest.mark.parametrize("loss", EXAMPLES, ids=str)
def test_large_predictions_do_not_overflow(loss):
    k = 3 if isinstance(loss, Multinomial) else 1
    loss = Multinomial(3) if k == 3 else loss
    y = np.array([1.0, 0.0, 0.0]) if k == 3 else np.ones(3)
    weight, bounds = np.ones(3), np.array([0, 3])
    for z in (np.array([1e5, -1e5, 0.0]), np.array([-1e5, 1e5, 30.0])):
        with np.errstate(over="raise", invalid="raise", divide="raise"):
            assert np.isfinite(loss.value(y, z, weight, bounds))
            u = loss.gradient(y, z, weight, bounds)
            assert np.isfinite(u).all()
            assert np.isfinite(loss.conjugate(y, u, weight, bounds))


def test_poisson_is_exact_near_a_perfect_fit():
    y = np.array([3.0, 1e6])
    z = np.log(y) + 1e-6
    value = Poisson().value(y, z, np.ones(2), np.array([0, 2]))
    assert_allclose(value, np.sum(y) * 0.5e-12, rtol=1e-4)
    assert Poisson().value(y, np.log(y), np.ones(2), np.array([0, 2])) < 1e-20


def test_poisson_is_half_the_deviance():
    rng = np.random.default_rng(0)
    y, z = rng.poisson(2.0, 20).astype(float), rng.standard_normal(20)
    value = Poisson().value(y, z, np.full(20, 0.05), np.array([0, 20]))
    assert_allclose(2 * value, mean_poisson_deviance(y, np.exp(z)))


def test_quantile_is_the_pinball_loss():
    rng = np.random.default_rng(0)
    y, z = rng.standard_normal((2, 20))
    value = Quantile(0.8).value(y, z, np.full(20, 0.05), np.array([0, 20]))
    assert_allclose(value, mean_pinball_loss(y, z, alpha=0.8))


def test_logistic_is_multinomial_of_two_classes():
    rng = np.random.default_rng(0)
    y, z, weight = rng.choice([-1.0, 1.0], 9), rng.standard_normal(9), rng.random(9)
    bounds = np.array([0, 4, 9])
    classes, scores, double = [], [], []
    for a, b in zip(bounds[:-1], bounds[1:], strict=True):
        classes += [y[a:b] < 0, y[a:b] > 0]
        scores += [np.zeros(b - a), z[a:b]]
        double += [weight[a:b]] * 2
    stacked = np.concatenate(classes).astype(float), np.concatenate(scores)
    two = Multinomial([2, 2])
    assert_allclose(
        two.value(*stacked, np.concatenate(double), 2 * bounds),
        Logistic().value(y, z, weight, bounds),
    )


def test_multinomial_needs_the_number_of_classes():
    arrays = np.zeros(6), np.zeros(6), np.ones(6), np.array([0, 2, 6])
    with pytest.raises(ValueError, match=r"Multinomial\(n_classes=3\)"):
        Multinomial().value(*arrays)
    with pytest.raises(ValueError, match="does not fit 2 tasks"):
        Multinomial(3).value(*arrays)
    assert_allclose(Multinomial([2, 4]).value(*arrays), 0.0)


@pytest.mark.parametrize(
    ("loss", "message"),
    [
        (Huber(0.0), "delta > 0"),
        (Quantile(1.0), "0 < quantile < 1"),
        (Quantile(-0.5), "0 < quantile < 1"),
    ],
    ids=str,
)
def test_options_out_of_range(loss, message):
    with pytest.raises(ValueError, match=message):
        loss.value(np.ones(1), np.ones(1), np.ones(1), np.array([0, 1]))


@pytest.mark.parametrize("loss", EXAMPLES, ids=str)
def test_shift_hessian_is_the_second_derivative_in_intercepts(loss):
    if not loss.smooth:
        return
    rng, k = np.random.default_rng(0), loss.n_classes or 1
    sizes = np.array([2, 5])
    bounds = k * np.array([0, 2, 7])
    if k > 1:
        labels = [np.eye(k)[rng.integers(0, k, n)].T for n in sizes]
        y = np.concatenate([task.ravel() for task in labels])
    else:
        y = np.array([1.0, 1.0, 1.0, -1.0, 1.0, -1.0, 1.0])
        y = y if loss.admissible(y).all() else np.abs(y)
    weight = np.concatenate([np.tile(rng.random(n), k) for n in sizes])
    z = 0.5 * rng.standard_normal(len(y))

    def slopes(c):
        shifted = z + np.repeat(c.ravel(), np.repeat(sizes, k))
        u = loss.gradient(y, shifted, weight, bounds)
        return np.add.reduceat(u, np.cumsum([0, *np.repeat(sizes, k)])[:-1])

    found = loss.shift_hessian(y, z, weight, bounds)
    assert found.shape == (2, k, k)
    for t in range(2):
        for a in range(k):
            h = np.zeros((2, k))
            h[t, a] = 1e-5
            slope = (slopes(h) - slopes(-h)).reshape(2, k)[t] / 2e-5
            assert_allclose(found[t, a], slope, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("loss", EXAMPLES, ids=str)
def test_values_of_the_tasks_add_up(loss):
    rng, k = np.random.default_rng(0), loss.n_classes or 1
    y, z = np.ones(7 * k), rng.standard_normal(7 * k)
    rows = y, z, np.ones(7 * k), k * np.array([0, 2, 7])
    parts = loss.task_values(*rows)
    assert parts.shape == (2,)
    assert_allclose(parts.sum(), loss.value(*rows))


def test_noise_is_the_root_mean_squared_error():
    y, z = np.array([1.0, 2.0, 5.0]), np.array([0.0, 4.0, 5.0])
    arrays = y, z, np.array([0.5, 0.5, 1.0]), np.array([0, 2, 3])
    assert_allclose(SquareRoot().learned(*arrays)["noise_"], [np.sqrt(2.5), 0.0])
    assert_allclose(SquareRoot().value(*arrays), np.sqrt(2.5))
    assert_allclose(SquareRoot().gradient(*arrays)[2], 0.0)


@pytest.mark.parametrize("bounds", [[0, 9, 30], [0, 30], [0, 1, 2, 30]], ids=str)
@pytest.mark.parametrize(
    "loss",
    [Quantile(), Quantile(0.8), Quantile(0.05), Hinge(), Huber(), Huber(0.01)],
    ids=str,
)
def test_best_shift_is_the_minimiser(loss, bounds):
    for seed in range(10):
        rng = np.random.default_rng(seed)
        y, bounds = make_targets(loss, rng), np.array(bounds)
        weight = rng.integers(0, 3, len(y)).astype(float)
        weight[bounds[:-1]] = 1.0
        z = rng.standard_normal(len(y))
        z[3:9] = z[3]  # ties
        shift = loss.best_shift(y, z, weight, bounds)
        assert shift.shape == (len(bounds) - 1,)

        def value(c, rows=(y, z, weight, bounds)):
            y, z, weight, bounds = rows
            z = z + np.repeat(c, np.diff(bounds))
            return loss.task_values(y, z, weight, bounds)

        best = value(shift)
        for move in np.concatenate([np.linspace(-5, 5, 201), [-1e-6, 1e-6]]):
            assert np.all(best <= value(shift + move) + 1e-12)


@pytest.mark.parametrize("bounds", [[0, 9, 30], [0, 30], [0, 1, 2, 30]], ids=str)
@pytest.mark.parametrize("loss", [Quantile(), Quantile(0.05), Hinge()], ids=str)
def test_best_shift_of_the_smooth_loss(loss, bounds):
    for seed in range(20):
        rng = np.random.default_rng(seed)
        y, bounds = make_targets(loss, rng), np.array(bounds)
        weight = rng.integers(0, 3, len(y)) * rng.random(len(y))
        weight[bounds[:-1]] = 1.0
        z = 3 * rng.standard_normal(len(y))
        z[3:9] = z[3]  # ties
        step = np.repeat(10 ** rng.uniform(-3, 2, len(bounds) - 1), np.diff(bounds))
        dual = loss.gradient(y, rng.standard_normal(len(y)), weight, bounds)
        smooth = loss.smoothed(step, seed % 3 / 2 * dual)
        shift = smooth.best_shift(y, z, weight, bounds)
        z = z + np.repeat(shift, np.diff(bounds))
        u = smooth.gradient(y, z, weight, bounds)
        rounding = 2e-14 * weight * (1 + (np.abs(z) + np.abs(y)) / step)
        rounding = np.add.reduceat(rounding, bounds[:-1])
        assert np.all(np.abs(np.add.reduceat(u, bounds[:-1])) <= rounding)
