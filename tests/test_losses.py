"""Every loss of the registry keeps the contract, and the checks notice who does not."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from pymtl.losses import LOSSES, Loss, Squared
from pymtl.testing import LOSS_CHECKS, check_loss

EXAMPLES = [loss for cls in LOSSES.values() for loss in cls.examples()]


@pytest.mark.parametrize("check", LOSS_CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("loss", EXAMPLES, ids=str)
def test_registry(loss, check):
    rng = np.random.default_rng(0)
    check(loss, rng.standard_normal(30), rng)


@pytest.mark.parametrize("seed", range(1, 11))
@pytest.mark.parametrize("loss", EXAMPLES, ids=str)
def test_registry_on_other_points(loss, seed):
    check_loss(loss, random_state=seed)


@pytest.mark.parametrize("loss", EXAMPLES, ids=str)
def test_targets_of_the_user(loss):
    check_loss(loss, targets=[-1.0, 1.0])


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
    ],
    ids=lambda value: type(value).__name__,
)
def test_broken_losses_are_noticed(broken, message):
    with pytest.raises((AssertionError, ValueError), match=message):
        check_loss(broken)
