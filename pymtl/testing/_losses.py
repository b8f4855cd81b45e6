"""Conformance of losses."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ..losses import Loss
from ._common import (
    check_parameters,
    frozen,
    require,
    require_at_most,
    require_close,
)

SIZES = (1, 2, 7, 20)
SLACK = 1e-10


def check_loss(
    loss: Loss, targets: ArrayLike | None = None, *, random_state: int = 0
) -> None:
    """Check that a loss keeps its contract.

    The value is finite, at least zero and convex, and its gradient is that of finite
    differences, away from kinks, and a subgradient everywhere. The curvature bounds
    the second derivative. The conjugate obeys Fenchel and Young's inequality, with
    equality at the gradient. An integer weight is a repetition, a weight of zero is an
    absence. Tasks add up, and nothing that is passed in is modified.

    Parameters
    ----------
    loss : Loss
        The loss.
    targets : array-like of shape (n_rows,) or None, default=None
        Targets the loss is made for, at least one; they are drawn from with
        replacement. None draws from the normal distribution.
    random_state : int, default=0
        Seed of the test data.

    Raises
    ------
    AssertionError
        If the contract is broken; the message names the loss and the property.

    See Also
    --------
    check_penalty : The same for a penalty.
    check_multitask_estimator : The same for an estimator.

    Notes
    -----
    The single checks are in the list ``pymtl.testing.LOSS_CHECKS``; each is called
    with the loss, a vector of targets and a random generator.

    Examples
    --------
    >>> from pymtl.losses import Squared
    >>> from pymtl.testing import check_loss
    >>> check_loss(Squared())
    """
    for check in LOSS_CHECKS:
        rng = np.random.default_rng(random_state)
        n = sum(SIZES)
        y = rng.standard_normal(n) if targets is None else rng.choice(targets, n)
        check(loss, frozen(y, float), rng)


def _bounds():
    return frozen(np.cumsum([0, *SIZES]))


def _weight(rng):
    return frozen(rng.uniform(0.01, 3.0, sum(SIZES)))


def _predictions(rng):
    """Return linear predictions of small and moderate size."""
    n = sum(SIZES)
    return [frozen(scale * rng.standard_normal(n)) for scale in (0.0, 0.1, 1.0, 4.0)]


def check_value(loss, y, rng):
    """The value is a finite number, at least zero."""
    weight, bounds = _weight(rng), _bounds()
    for z in _predictions(rng):
        value = loss.value(y, z, weight, bounds)
        require(np.ndim(value) == 0, loss, f"value is not a number: {value!r}")
        require(np.isfinite(value), loss, f"value is {value} at finite predictions")
        require(value >= 0, loss, f"value is {value}, below zero")


def check_gradient(loss, y, rng):
    """The gradient is that of central differences, away from kinks."""
    weight, bounds = _weight(rng), _bounds()
    for z in _predictions(rng):
        gradient = loss.gradient(y, z, weight, bounds)
        value = loss.value(y, z, weight, bounds)
        slopes = np.empty((2, len(z)))
        for i in range(len(z)):
            h = np.zeros_like(z)
            h[i] = 1e-4 * (1 + abs(z[i]))
            slopes[0, i] = (loss.value(y, z + h, weight, bounds) - value) / h[i]
            slopes[1, i] = (value - loss.value(y, z - h, weight, bounds)) / h[i]
        size = np.abs(slopes).max()
        flat = np.full(len(z), True)
        if not loss.smooth:
            flat = np.abs(slopes[0] - slopes[1]) <= 0.01 * size
        require_close(
            np.where(flat, gradient, 0.0),
            np.where(flat, slopes.mean(axis=0), 0.0),
            loss,
            "gradient is not that of finite differences",
            1e-5,
        )


def check_subgradient(loss, y, rng):
    """The loss lies above its tangents, so it is convex."""
    weight, bounds = _weight(rng), _bounds()
    for z in _predictions(rng):
        value = loss.value(y, z, weight, bounds)
        gradient = loss.gradient(y, z, weight, bounds)
        for x in _predictions(rng):
            other = loss.value(y, x, weight, bounds)
            require_at_most(
                value + float(np.dot(gradient, x - z)),
                other,
                SLACK * (value + other),
                loss,
                "value lies below its tangent",
            )


def check_curvature(loss, y, rng):
    """The loss lies below the parabola that its curvature promises."""
    if loss.curvature is None:
        return
    weight, bounds = _weight(rng), _bounds()
    for z in _predictions(rng):
        value = loss.value(y, z, weight, bounds)
        gradient = loss.gradient(y, z, weight, bounds)
        for scale in (1e-2, 1.0, 10.0):
            step = scale * rng.standard_normal(len(z))
            for move in (step, np.where(np.arange(len(z)) == 3, step, 0.0)):
                bound = value + float(np.dot(gradient, move))
                bound += 0.5 * loss.curvature * float(np.dot(weight, move**2))
                require_at_most(
                    loss.value(y, z + move, weight, bounds),
                    bound,
                    SLACK * (value + abs(bound)),
                    loss,
                    f"curvature {loss.curvature} is not an upper bound",
                )


def check_quadratic(loss, y, rng):
    """The gradient of a quadratic loss is linear in the predictions."""
    if not loss.quadratic:
        return
    weight, bounds = _weight(rng), _bounds()
    a, b = _predictions(rng)[-2:]
    ga, gb, gm = (
        loss.gradient(y, z, weight, bounds) for z in (a, b, 2.5 * a - 1.5 * b)
    )
    require_close(gm, 2.5 * ga - 1.5 * gb, loss, "gradient is not linear, as promised")


def check_conjugate(loss, y, rng):
    """Fenchel and Young's inequality, with equality at gradients."""
    weight, bounds = _weight(rng), _bounds()
    for z in _predictions(rng):
        u = loss.gradient(y, z, weight, bounds)
        value = loss.value(y, z, weight, bounds)
        conjugate = loss.conjugate(y, u, weight, bounds)
        require_at_most(
            abs(value + conjugate - float(np.dot(u, z))),
            0.0,
            1e-9 * (value + abs(conjugate) + 1e-3),
            loss,
            "value(z) + conjugate(u) is not u'z at the gradient u",
        )
        # the dual points of the solvers: the gradient, shortened
        for scale in (0.0, 0.3, 1.0):
            conjugate = loss.conjugate(y, scale * u, weight, bounds)
            require(np.isfinite(conjugate), loss, f"conjugate({scale} u) is infinite")
            for x in _predictions(rng):
                bound = loss.value(y, x, weight, bounds) + conjugate
                require_at_most(
                    scale * float(np.dot(u, x)),
                    bound,
                    SLACK * (abs(bound) + abs(conjugate)),
                    loss,
                    "u'z exceeds value(z) + conjugate(u)",
                )


def check_weights(loss, y, rng):
    """The value is proportional to the weights, and the gradient with it."""
    weight, bounds = _weight(rng), _bounds()
    z = _predictions(rng)[-2]
    for name in ("value", "gradient"):
        function = getattr(loss, name)
        require_close(
            function(y, z, 3.0 * weight, bounds),
            3.0 * function(y, z, weight, bounds),
            loss,
            f"{name} is not proportional to the weights",
        )


def check_integer_weights(loss, y, rng):
    """An integer weight is a repetition, a weight of zero an absence."""
    times = rng.integers(0, 4, len(y))
    bounds = _bounds()
    times[bounds[:-1]] = 2
    z = _predictions(rng)[-2]
    again = np.repeat(np.arange(len(y)), times)
    ends = np.concatenate([[0], np.cumsum(np.add.reduceat(times, bounds[:-1]))])
    many = y[again], z[again], np.ones(len(again)), ends
    once = y, z, times.astype(float), bounds
    message = "of repeated rows is not that of rows with integer weights"
    require_close(loss.value(*many), loss.value(*once), loss, f"value {message}")
    gradient = np.bincount(again, loss.gradient(*many), minlength=len(y))
    require_close(gradient, loss.gradient(*once), loss, f"gradient {message}")


def check_tasks(loss, y, rng):
    """A loss of several tasks is the sum of the losses of each."""
    weight, bounds = _weight(rng), _bounds()
    z = _predictions(rng)[-2]
    u = loss.gradient(y, z, weight, bounds)
    parts = {"value": 0.0, "gradient": [], "conjugate": 0.0}
    for a, b in zip(bounds[:-1], bounds[1:], strict=True):
        task, rows = np.array([0, b - a]), slice(a, b)
        parts["value"] += loss.value(y[rows], z[rows], weight[rows], task)
        parts["gradient"].extend(loss.gradient(y[rows], z[rows], weight[rows], task))
        parts["conjugate"] += loss.conjugate(y[rows], u[rows], weight[rows], task)
    whole = {
        "value": loss.value(y, z, weight, bounds),
        "gradient": u,
        "conjugate": loss.conjugate(y, u, weight, bounds),
    }
    for name, part in parts.items():
        require_close(part, whole[name], loss, f"{name} does not add up over tasks")


def check_inputs(loss, y, rng):
    """Inputs are not modified, and the gradient is a new array."""
    z, weight, bounds = _predictions(rng)[-2].copy(), _weight(rng).copy(), _bounds()
    y = y.copy()
    before = [array.copy() for array in (y, z, weight)]
    loss.value(y, z, weight, bounds)
    u = loss.gradient(y, z, weight, bounds)
    require(u.shape == z.shape, loss, f"gradient has shape {u.shape}, not {z.shape}")
    dual = u.copy()
    loss.conjugate(y, u, weight, bounds)
    require((u == dual).all(), loss, "conjugate modifies its input")
    for array, copy in zip((y, z, weight), before, strict=True):
        require((array == copy).all(), loss, "modifies its inputs")
        require(not np.shares_memory(u, array), loss, "gradient returns its input")


def check_sklearn_object(loss, y, rng):
    """The loss and its examples are cloned, copied, pickled and printed."""
    examples = list(type(loss).examples())
    require(examples, loss, "examples() yields nothing")
    for example in [loss, *examples]:
        require(type(example) is type(loss), loss, f"examples() yields {example!r}")
        check_parameters(example)


LOSS_CHECKS = [
    check_value,
    check_gradient,
    check_subgradient,
    check_curvature,
    check_quadratic,
    check_conjugate,
    check_weights,
    check_integer_weights,
    check_tasks,
    check_inputs,
    check_sklearn_object,
]
