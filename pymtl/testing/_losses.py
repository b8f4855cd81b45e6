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
    the second derivative, as does the Hessian's majorant at each point. The conjugate
    obeys Fenchel and Young's inequality, with equality at the gradient. An integer
    weight is a repetition, a weight of zero is an absence. A loss with kinks has a
    prox, and the smooth losses below it keep the contract. Tasks add up, and nothing
    that is passed in is modified.

    Parameters
    ----------
    loss : Loss
        The loss.
    targets : array-like of shape (n_rows,) or None, default=None
        Targets the loss is made for, at least one; they are drawn from with
        replacement. None draws from the normal distribution, or signs, counts or
        indicators of classes, whatever the loss admits.
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
        if targets is None:
            y = make_targets(loss, rng)
        else:
            y = rng.choice(targets, sum(SIZES) * _n_classes(loss))
        check(loss, frozen(y, float), rng)


def make_targets(loss: Loss, rng: np.random.Generator) -> np.ndarray:
    """Return targets that a loss is made for: the first kind that it admits."""
    n, k = sum(SIZES), _n_classes(loss)
    if k > 1:
        return np.concatenate(
            [np.eye(k)[rng.integers(0, k, m)].T.ravel() for m in SIZES]
        )
    kinds = (
        lambda: rng.standard_normal(n),
        lambda: rng.choice([-1.0, 1.0], n),
        lambda: rng.poisson(2.0, n).astype(float),
    )
    for draw in kinds:
        y = draw()
        if loss.admissible(y).all():
            return y
    msg = f"{loss!r}: give check_loss targets, of the domain: {loss.domain}"
    raise AssertionError(msg)


def _n_classes(loss):
    """Return how often a sample stands in the rows of its task: once a class."""
    return getattr(loss, "n_classes", None) or 1


def _bounds(loss):
    return frozen(_n_classes(loss) * np.cumsum([0, *SIZES]))


def _weight(loss, rng):
    samples = np.split(rng.uniform(0.01, 3.0, sum(SIZES)), np.cumsum(SIZES)[:-1])
    return frozen(np.concatenate([np.tile(w, _n_classes(loss)) for w in samples]))


def _predictions(loss, rng):
    """Return linear predictions of small and moderate size."""
    n = sum(SIZES) * _n_classes(loss)
    return [frozen(scale * rng.standard_normal(n)) for scale in (0.0, 0.1, 1.0, 4.0)]


def check_value(loss, y, rng):
    """The value is a finite number, at least zero."""
    weight, bounds = _weight(loss, rng), _bounds(loss)
    for z in _predictions(loss, rng):
        value = loss.value(y, z, weight, bounds)
        require(np.ndim(value) == 0, loss, f"value is not a number: {value!r}")
        require(np.isfinite(value), loss, f"value is {value} at finite predictions")
        require(value >= 0, loss, f"value is {value}, below zero")


def check_gradient(loss, y, rng):
    """The gradient is that of central differences, away from kinks."""
    weight, bounds = _weight(loss, rng), _bounds(loss)
    for z in _predictions(loss, rng):
        gradient = loss.gradient(y, z, weight, bounds)
        value = loss.value(y, z, weight, bounds)
        slopes = np.empty((2, len(z)))
        for i in range(len(z)):
            h = np.zeros_like(z)
            h[i] = 1e-6 * (1 + abs(z[i]))
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
    weight, bounds = _weight(loss, rng), _bounds(loss)
    for z in _predictions(loss, rng):
        value = loss.value(y, z, weight, bounds)
        gradient = loss.gradient(y, z, weight, bounds)
        for x in _predictions(loss, rng):
            other = loss.value(y, x, weight, bounds)
            require_at_most(
                value + float(np.dot(gradient, x - z)),
                other,
                SLACK * (abs(value) + abs(other)),
                loss,
                "value lies below its tangent",
            )


def check_curvature(loss, y, rng):
    """The loss lies below the parabola that its curvature promises."""
    if loss.curvature is None:
        return
    weight, bounds = _weight(loss, rng), _bounds(loss)
    for z in _predictions(loss, rng):
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
                    SLACK * (abs(value) + abs(bound)),
                    loss,
                    f"curvature {loss.curvature} is not an upper bound",
                )


def check_hessian(loss, y, rng):
    """The Hessian of a smooth loss is at most the diagonal that stands for it."""
    if not loss.smooth:
        return
    weight, bounds = _weight(loss, rng), _bounds(loss)
    for z in _predictions(loss, rng):
        diagonal = loss.hessian(y, z, weight, bounds)
        require(diagonal.shape == z.shape, loss, "hessian is not one number a row")
        require(np.all(diagonal >= 0), loss, "hessian is below zero")
        h = 1e-5 * np.eye(len(z))
        hessian = [
            loss.gradient(y, z + e, weight, bounds)
            - loss.gradient(y, z - e, weight, bounds)
            for e in h
        ]
        least = np.linalg.eigvalsh(np.diag(diagonal) - np.array(hessian) / 2e-5)[0]
        require_at_most(
            0.0, least, 1e-6 * (1 + diagonal.max()), loss, "hessian is no majorant"
        )


def check_admissible(loss, y, rng):
    """The targets are admissible, and the class says what they are."""
    admissible = np.asarray(loss.admissible(y))
    require(admissible.shape == y.shape, loss, "admissible is not one value a row")
    require(admissible.all(), loss, f"the targets are none: wanted {loss.domain}")
    require(
        loss.targets in ("regression", "classification"),
        loss,
        f"targets is {loss.targets!r}, not 'regression' or 'classification'",
    )


def check_quadratic(loss, y, rng):
    """The gradient of a quadratic loss is linear in the predictions."""
    if not loss.quadratic:
        return
    weight, bounds = _weight(loss, rng), _bounds(loss)
    a, b = _predictions(loss, rng)[-2:]
    ga, gb, gm = (
        loss.gradient(y, z, weight, bounds) for z in (a, b, 2.5 * a - 1.5 * b)
    )
    require_close(gm, 2.5 * ga - 1.5 * gb, loss, "gradient is not linear, as promised")


def check_conjugate(loss, y, rng):
    """Fenchel and Young's inequality, with equality at gradients."""
    weight, bounds = _weight(loss, rng), _bounds(loss)
    for z in _predictions(loss, rng):
        u = loss.gradient(y, z, weight, bounds)
        value = loss.value(y, z, weight, bounds)
        conjugate = loss.conjugate(y, u, weight, bounds)
        require_at_most(
            abs(value + conjugate - float(np.dot(u, z))),
            0.0,
            1e-9 * (abs(value) + abs(conjugate) + 1e-3),
            loss,
            "value(z) + conjugate(u) is not u'z at the gradient u",
        )
        # the dual points of the solvers: the gradient, shortened
        for scale in (0.0, 0.3, 1.0):
            conjugate = loss.conjugate(y, scale * u, weight, bounds)
            require(np.isfinite(conjugate), loss, f"conjugate({scale} u) is infinite")
            for x in _predictions(loss, rng):
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
    weight, bounds = _weight(loss, rng), _bounds(loss)
    z = _predictions(loss, rng)[-2]
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
    k, bounds = _n_classes(loss), _bounds(loss)
    times = [rng.integers(0, 4, n) for n in SIZES]
    for task in times:
        task[0] = 2
    rows = np.split(np.arange(len(y)), bounds[1:-1])
    kept = [
        np.repeat(r.reshape(k, -1), m, axis=1).ravel()
        for r, m in zip(rows, times, strict=True)
    ]
    again = np.concatenate(kept)
    z = _predictions(loss, rng)[-2]
    ends = np.cumsum([0, *map(len, kept)])
    many = y[again], z[again], np.ones(len(again)), ends
    weight = np.concatenate([np.tile(m, k) for m in times]).astype(float)
    once = y, z, weight, bounds
    message = "of repeated rows is not that of rows with integer weights"
    require_close(loss.value(*many), loss.value(*once), loss, f"value {message}")
    gradient = loss.gradient(*many)
    total = np.bincount(again, gradient, minlength=len(y))
    require_close(total, loss.gradient(*once), loss, f"gradient {message}")
    require_close(
        loss.conjugate(y[again], gradient, *many[2:]),
        loss.conjugate(y, total, *once[2:]),
        loss,
        f"conjugate {message}",
    )


def check_absent_rows(loss, y, rng):
    """A row of weight zero has no target, and nothing is divided by its weight."""
    weight, bounds = _weight(loss, rng).copy(), _bounds(loss)
    absent = np.tile(np.arange(SIZES[-1]) % 3 == 1, _n_classes(loss))
    rows = np.flatnonzero(absent) + bounds[-2]
    weight[rows] = 0.0
    y = np.where(weight > 0, y, 0.0)
    for z in _predictions(loss, rng):
        with np.errstate(all="raise"):
            u = loss.gradient(y, z, weight, bounds)
            values = (
                loss.value(y, z, weight, bounds),
                loss.conjugate(y, u, weight, bounds),
            )
        require(not u[rows].any(), loss, "the gradient of an absent row is not zero")
        require(np.isfinite(values).all(), loss, "absent rows give infinite values")


def check_prox(loss, y, rng):
    """The prox of the conjugate is one: a subgradient where the prox arrives."""
    if loss.smooth:
        return
    weight, bounds = _weight(loss, rng), _bounds(loss)
    for x in _predictions(loss, rng):
        for size in (1e-3, 0.3, 20.0):
            tasks = size * rng.uniform(0.5, 2.0, len(SIZES))
            for step in (size, np.repeat(tasks, np.diff(bounds))):
                u = loss.dual_prox(y, x, weight, bounds, step)
                v = loss.prox(y, x, weight, bounds, step)
                require_close(
                    v, x - step * u / weight, loss, "prox is not x - h u / rho"
                )
                value = loss.value(y, v, weight, bounds)
                gap = value + loss.conjugate(y, u, weight, bounds) - float(u @ v)
                require_at_most(
                    abs(gap),
                    0.0,
                    1e-9 * (value + abs(float(u @ v)) + 1e-3),
                    loss,
                    f"dual_prox(x, step={size}) is no subgradient at prox(x)",
                )


def check_smoothed(loss, y, rng):
    """The smooth losses that lie below keep the contract, and touch at the centre."""
    if loss.smooth:
        return
    weight, bounds = _weight(loss, rng), _bounds(loss)
    centre = _predictions(loss, rng)[-2]
    dual = loss.gradient(y, centre, weight, bounds)
    for step in (0.2, 3.0):
        for u in (0.0, 0.5 * dual, dual):
            smoothed = loss.smoothed(step, u)
            for z in _predictions(loss, rng):
                require_at_most(
                    smoothed.value(y, z, weight, bounds),
                    value := loss.value(y, z, weight, bounds),
                    SLACK * (value + 1),
                    loss,
                    f"smoothed({step}) exceeds the loss",
                )
            for check in SMOOTHED_CHECKS:
                check(smoothed, y, rng)
        require_close(
            smoothed.value(y, centre, weight, bounds),
            loss.value(y, centre, weight, bounds),
            loss,
            f"smoothed({step}) does not touch the loss at the centre",
        )


def check_tasks(loss, y, rng):
    """A loss of several tasks is the sum of the losses of each."""
    weight, bounds = _weight(loss, rng), _bounds(loss)
    z = _predictions(loss, rng)[-2]
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
    z, weight, bounds = (
        _predictions(loss, rng)[-2].copy(),
        _weight(loss, rng).copy(),
        _bounds(loss),
    )
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


SMOOTHED_CHECKS = [
    check_gradient,
    check_subgradient,
    check_curvature,
    check_hessian,
    check_conjugate,
]
LOSS_CHECKS = [
    check_admissible,
    check_value,
    check_gradient,
    check_subgradient,
    check_curvature,
    check_hessian,
    check_quadratic,
    check_conjugate,
    check_weights,
    check_integer_weights,
    check_absent_rows,
    check_prox,
    check_smoothed,
    check_tasks,
    check_inputs,
    check_sklearn_object,
]
