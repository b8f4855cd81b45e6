"""Conformance of penalties: the mathematics and the manners."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from numbers import Real

import numpy as np
from scipy.optimize import minimize
from sklearn.base import clone

from ..designs import Shared
from ..losses import Squared
from ..penalties import Penalty
from ..penalties._task_matrix import as_task_matrix
from ..solvers import Problem, solve
from ._common import (
    check_parameters,
    frozen,
    require,
    require_at_most,
    require_close,
)

SLACK = 1e-10


def check_penalty(
    penalty: Penalty,
    n_features: int = 6,
    n_tasks: int = 4,
    *,
    random_state: int = 0,
) -> None:
    """Check that a penalty keeps its contract.

    The value is finite, at least zero and convex. The prox is the minimiser: by the
    three-point inequality, firm non-expansiveness, comparison with a general
    optimiser and, where there is a polar or conjugate, Moreau's identity. The polar
    bounds the inner product and is attained; the conjugate obeys Fenchel and Young
    with equality. Steps for each task or coefficient, the task matrix of a quadratic
    penalty, and the blocks of a separable one agree with the value. Arrays of any
    order are accepted and never modified; the constructor follows scikit-learn.
    Penalties with ``convex = False`` skip what only convex ones have, and fits from
    several starts have to end where no small step goes down; a ``majorant`` has to be
    convex, above the penalty, and touch it. Of components
    (:class:`~pymtl.penalties.Components`) the terms are checked.

    Parameters
    ----------
    penalty : Penalty
        The penalty, with numbers as strengths.
    n_features : int, default=6
        Number of features d of the test matrices (d, T).
    n_tasks : int, default=4
        Number of tasks T of the test matrices.
    random_state : int, default=0
        Seed of the test matrices.

    Raises
    ------
    AssertionError
        If the contract is broken; the message names the penalty and the property.
    ValueError
        If a strength is not a number.

    See Also
    --------
    check_loss : The same for a loss.
    check_multitask_estimator : The same for an estimator.

    Notes
    -----
    The single checks are in the list ``pymtl.testing.PENALTY_CHECKS``; each is called
    with the penalty, the shape (d, T) and a random generator.

    Examples
    --------
    >>> from pymtl.penalties import L21
    >>> from pymtl.testing import check_penalty
    >>> check_penalty(L21(0.5))
    """
    require_numbers(penalty)
    for check in PENALTY_CHECKS:
        check(penalty, (n_features, n_tasks), np.random.default_rng(random_state))


def _has_terms(penalty):
    return hasattr(penalty, "terms")


def of_values(check: Callable) -> Callable:
    """Let a check pass by penalties whose value is that of their terms."""

    @wraps(check)
    def checked(penalty, shape, rng):
        if not _has_terms(penalty):
            check(penalty, shape, rng)

    return checked


def require_numbers(penalty: Penalty) -> None:
    """Raise a ValueError unless the strengths of a penalty are numbers."""
    for name in penalty.strengths:
        if not isinstance(getattr(penalty, name), Real):
            msg = (
                f"{penalty!r}: {name} is {getattr(penalty, name)!r}; give a number to "
                "check the penalty."
            )
            raise ValueError(msg)


def _points(shape, rng):
    """Return matrices at which penalties may go wrong."""
    d, T = shape
    V = rng.standard_normal(shape)
    zeros = V.copy()
    zeros[d // 2] = 0.0
    zeros[:, T // 2] = 0.0
    same = np.outer(V[:, 0], np.ones(T))
    points = [V, 0.1 * V, 30.0 * rng.standard_normal(shape), zeros, same]
    return [frozen(point) for point in points]


def _steps(penalty, shape, rng):
    """Return the kinds of steps that the prox of the penalty has to take."""
    steps = [0.01, 1.0, 50.0]
    if penalty.task_metric:
        T = shape[1:]
        steps += [frozen(10.0 ** rng.uniform(-2, 2, size)) for size in (T, shape)]
    return steps


def _cases(penalty, shape, rng):
    """Yield points, steps and proxes."""
    for step in _steps(penalty, shape, rng):
        for V in _points(shape, rng):
            yield V, step, penalty.prox(V, step)


def _dual_points(penalty, shape, rng):
    """Yield (G, W, noise) with G a subgradient at W, as a convex prox gives it.

    The noise is the rounding error of G, which V - W leaves.
    """
    for V, step, W in _cases(penalty, shape, rng):
        yield (V - W) / step, W, 1e-13 * np.abs(V) / step


def _rounding(penalty, W):
    """Return the rounding error of the value of a matrix of the size of W."""
    signs = np.random.default_rng(0).standard_normal(W.shape)
    return 1e-14 * penalty.value(np.abs(W).max() * signs)


def _objective(penalty, U, V, step):
    return penalty.value(U) + 0.5 * float(np.sum((U - V) ** 2 / step))


def _require_minimiser(penalty, V, step, W, others):
    """Compare the prox with other points by the three-point inequality."""
    value = _objective(penalty, W, V, step)
    zero = _objective(penalty, np.zeros_like(V), V, step)
    rounding = 1e-14 * zero + _rounding(penalty, V)
    scale = min(zero, penalty.value(V))
    for U in others:
        other = _objective(penalty, U, V, step)
        if penalty.convex:
            other -= 0.5 * float(np.sum((U - W) ** 2 / step))
        require_at_most(
            value,
            other,
            SLACK * (scale + abs(other)) + rounding,
            penalty,
            f"prox is not the minimiser (three-point inequality, step {step})",
        )


@of_values
def check_value(penalty, shape, rng):
    """The value is a finite number, at least zero."""
    for W in [np.zeros(shape), *_points(shape, rng)]:
        value = penalty.value(W)
        require(np.ndim(value) == 0, penalty, f"value is not a number: {value!r}")
        require(np.isfinite(value), penalty, f"value is {value} at a finite W")
        require(value >= 0, penalty, f"value is {value}, below zero")


@of_values
def check_convexity(penalty, shape, rng):
    """The value on a segment is at most the value on the chord."""
    if not penalty.convex:
        return
    for U in _points(shape, rng):
        for W in _points(shape, rng):
            a = rng.uniform()
            chord = (1 - a) * penalty.value(U) + a * penalty.value(W)
            value = penalty.value((1 - a) * U + a * W)
            slack = SLACK * chord + _rounding(penalty, U) + _rounding(penalty, W)
            require_at_most(value, chord, slack, penalty, "value is not convex")


@of_values
def check_prox(penalty, shape, rng):
    """The prox beats every other point, by the margin that convexity gives."""
    for V, step, W in _cases(penalty, shape, rng):
        require(np.isfinite(W).all(), penalty, f"prox is not finite (step {step})")
        size = np.abs(V).max()
        noise = [s * size * rng.standard_normal(shape) for s in (1.0, 0.1, 1e-3)]
        others = [V, np.zeros(shape), 0.9 * W, 1.1 * W, *(W + e for e in noise)]
        _require_minimiser(penalty, V, step, W, others)


@of_values
def check_prox_by_brute_force(penalty, shape, rng):
    """No general optimiser finds a better point than the prox."""
    V = frozen(2.0 * rng.standard_normal(shape))
    starts = [np.zeros(shape), rng.standard_normal(shape)]
    for step in _steps(penalty, shape, rng)[1::2]:
        W = penalty.prox(V, step)

        def objective(u, step=step):
            return _objective(penalty, u.reshape(shape), V, step)

        found = [
            minimize(objective, U.ravel(), method="BFGS", options={"maxiter": 50}).x
            for U in starts
        ]
        _require_minimiser(penalty, V, step, W, [u.reshape(shape) for u in found])


@of_values
def check_firmly_nonexpansive(penalty, shape, rng):
    """||P(U) - P(V)||^2 is at most <P(U) - P(V), U - V>."""
    if not penalty.convex:
        return
    for step in _steps(penalty, shape, rng):
        for U, V in zip(_points(shape, rng), _points(shape, rng), strict=True):
            change = penalty.prox(U, step) - penalty.prox(V, step)
            require_at_most(
                float(np.sum(change**2 / step)),
                float(np.sum(change * (U - V) / step)),
                SLACK * float(np.sum((U - V) ** 2 / step)),
                penalty,
                f"prox is not firmly non-expansive (step {step})",
            )


@of_values
def check_stationarity(penalty, shape, rng):
    """With a penalty that is not convex fits end where no small step goes down."""
    if penalty.convex:
        return
    d, T = shape
    X, y = rng.standard_normal((5 * d, d)), rng.standard_normal(5 * d * T)
    problem = Problem(Shared(X, T), Squared(), y, np.ones(len(y)), proximal=penalty)
    unit = float(np.linalg.norm(problem.null_point.gradient))
    for start in (None, rng.standard_normal(shape)):
        result = solve(problem, tol=1e-9, max_iter=20_000, W=start)
        require(
            result.kind == "stationarity" and result.converged,
            penalty,
            f"a fit ends with {result.kind} {result.certificate:.1e}",
        )
        for length in (1e-5, 1e-7):
            for _ in range(20):
                E = rng.standard_normal(shape)
                E *= length / np.linalg.norm(E)
                rise = problem.objective(problem.point(result.W + E)) - result.objective
                slack = 1e-3 * unit * length + 1e-13 * result.objective
                require(rise >= -slack, penalty, f"a step goes down by {-rise:.1e}")


@of_values
def check_majorant(penalty, shape, rng):
    """The majorant is a convex penalty, above the other and equal to first order."""
    if not hasattr(penalty, "majorant"):
        return
    points = _points(shape, rng)
    above = penalty.majorant(points[0])
    for check in (check_convexity, check_prox, check_firmly_nonexpansive):
        check(above, shape, rng)
    for W in [np.zeros(shape), *points]:
        above = penalty.majorant(W)
        require(above.convex, penalty, "majorant is not convex")
        constant = penalty.value(W) - above.value(W)
        for U in [np.zeros(shape), *points]:
            require_at_most(
                penalty.value(U),
                above.value(U) + constant,
                SLACK * abs(constant) + _rounding(penalty, U) + _rounding(above, U),
                penalty,
                "majorant is below the penalty",
            )
        E = rng.standard_normal(shape)
        left = np.inf
        for length in (1e-6, 1e-8, 1e-10):  # shorter than the penalty is wide
            new = W + length * E
            rise = penalty.value(new) - penalty.value(W)
            expected = above.value(new) - above.value(W)
            left = min(left, abs(rise - expected) / penalty.value(length * E))
        require(
            left <= 1e-3,
            penalty,
            "majorant has another slope than the penalty where it touches it",
        )


@of_values
def check_metric(penalty, shape, rng):
    """Steps that are all equal give the prox of that step."""
    if not penalty.task_metric:
        return
    d, T = shape
    for V in _points(shape, rng):
        for step in (0.03, 1.0):
            expected = penalty.prox(V, step)
            for steps in (np.full(T, step), np.full(shape, step)):
                require_close(
                    penalty.prox(V, steps),
                    expected,
                    penalty,
                    f"prox with equal steps {steps.shape} is not that of one step",
                )
        steps = 10.0 ** rng.uniform(-2, 2, T)
        require_close(
            penalty.prox(V, np.tile(steps, (d, 1))),
            penalty.prox(V, steps),
            penalty,
            "prox with a step for each task is not that with a step for each entry",
        )


@of_values
def check_polar(penalty, shape, rng):
    """The polar is the gauge of the dual ball of a norm.

    Beside a conjugate it is the gauge of the set where that is finite.
    """
    if not hasattr(penalty, "polar"):
        return
    require_close(penalty.polar(np.zeros(shape)), 0.0, penalty, "polar is not 0 at 0")
    points = _points(shape, rng)
    if not penalty.convex:  # it scales "auto" and lambda_max, and certifies nothing
        for G in points:
            expected = 3.0 * penalty.polar(G)
            actual = penalty.polar(3.0 * G)
            require_close(actual, expected, penalty, "polar is not homogeneous")
        return
    norm = not hasattr(penalty, "conjugate")
    for W in points if norm else []:
        for factor in (0.0, 1e-3, 7.0):
            require_close(
                penalty.value(factor * W),
                factor * penalty.value(W),
                penalty,
                "has a polar, but its value is not positively homogeneous",
            )
    for G, W, noise in _dual_points(penalty, shape, rng):
        gauge = penalty.polar(G)
        slack = 1e-9 + 10 * np.linalg.norm(noise) / max(np.linalg.norm(G), 1e-300)
        require_at_most(gauge, 1.0, slack, penalty, "polar of a subgradient exceeds 1")
        require_close(
            penalty.polar(3.0 * G), 3.0 * gauge, penalty, "polar is not homogeneous"
        )
        if not norm:
            continue
        value = penalty.value(W)
        require_at_most(
            abs(float(np.vdot(G, W)) - value),
            0.0,
            SLACK * value + np.vdot(noise, np.abs(W)),
            penalty,
            "<G, prox> is not the value of the prox (Moreau's identity)",
        )
        for U in points:
            bound = gauge * penalty.value(U)
            require_at_most(
                float(np.vdot(G, U)),
                bound,
                SLACK * bound + np.vdot(noise, np.abs(U)),
                penalty,
                "<G, W> exceeds polar(G) value(W)",
            )
        if gauge > 0:
            _require_attained(penalty, G / gauge)


def _require_attained(penalty, G):
    """On the border of the dual ball the prox starts to leave zero."""
    inside = penalty.prox((1 - 1e-6) * G, 1.0)
    require(
        penalty.value(inside) <= 1e-9 * np.linalg.norm(G),
        penalty,
        "polar is too small: the prox of a point inside the dual ball is not zero",
    )
    outside = penalty.prox((1 + 1e-4) * G, 1.0)
    value = penalty.value(outside)
    require(
        float(np.vdot(G, outside)) >= (1 - 2e-4) * value and value > 0,
        penalty,
        "polar is too large: no W attains <G, W> = polar(G) value(W)",
    )


@of_values
def check_polar_bound(penalty, shape, rng):
    """A bound of the polar bounds the inner product."""
    if not hasattr(penalty, "polar_bound"):
        return
    G = rng.standard_normal(shape)
    for factor in (0.0, 1e-3, 7.0):
        require_close(
            penalty.polar_bound(factor * G),
            factor * penalty.polar_bound(G),
            penalty,
            "polar_bound is not homogeneous",
        )
    for G, _, noise in _dual_points(penalty, shape, rng):
        bound = penalty.polar_bound(G)
        for U in _points(shape, rng):
            value = bound * penalty.value(U)
            require_at_most(
                float(np.vdot(G, U)),
                value,
                SLACK * value + np.vdot(noise, np.abs(U)),
                penalty,
                "<G, W> exceeds polar_bound(G) value(W)",
            )


@of_values
def check_conjugate(penalty, shape, rng):
    """Fenchel and Young's inequality, with equality at subgradients."""
    if not hasattr(penalty, "conjugate"):
        return
    points = _points(shape, rng)
    for G, W, noise in _dual_points(penalty, shape, rng):
        conjugate = penalty.conjugate(G)
        value = penalty.value(W)
        require_at_most(
            abs(value + conjugate - float(np.vdot(G, W))),
            0.0,
            SLACK * (value + abs(conjugate)) + np.vdot(noise, np.abs(W)),
            penalty,
            "value(W) + conjugate(G) is not <G, W> at W = prox(V), G = V - W",
        )
        for U in points:
            bound = penalty.value(U) + conjugate
            require_at_most(
                float(np.vdot(G, U)),
                bound,
                SLACK * abs(bound) + np.vdot(noise, np.abs(U)),
                penalty,
                "<G, W> exceeds value(W) + conjugate(G)",
            )


@of_values
def check_quadratic(penalty, shape, rng):
    """The task matrix is positive semi-definite and gives the value and the prox."""
    T = shape[1]
    L = penalty.quadratic(T)
    if L is None:
        return
    L = as_task_matrix(L).toarray()
    require(L.shape == (T, T), penalty, f"the task matrix has shape {L.shape}")
    values = np.linalg.eigvalsh(L)
    require(
        values[0] >= -1e-12 * abs(values[-1]),
        penalty,
        f"the task matrix has the eigenvalue {values[0]:.2e}, below zero",
    )
    for W in _points(shape, rng):
        value = penalty.value(W)
        require_at_most(
            abs(0.5 * np.trace(W @ L @ W.T) - value),
            0.0,
            SLACK * value + 1e-13 * values[-1] * np.sum(W**2),
            penalty,
            "value is not 1/2 tr(W L W')",
        )
        require_close(
            penalty.prox(W, 0.3),
            np.linalg.solve(np.eye(T) + 0.3 * L, W.T).T,
            penalty,
            "prox is not V (I + step L)^-1",
        )


@of_values
def check_null_space(penalty, shape, rng):
    """What tasks have in common at no cost does not change the value."""
    d, T = shape
    L = penalty.quadratic(T)
    N = penalty.null_space(T) if L is None else as_task_matrix(L).null_space()
    require(len(N) == T, penalty, f"the null space has shape {N.shape}")
    require_close(
        N.T @ N, np.eye(N.shape[1]), penalty, "the null space is not orthonormal"
    )
    for W in _points(shape, rng):
        free = rng.standard_normal((d, N.shape[1])) @ N.T
        value = penalty.value(W)
        require_at_most(
            abs(penalty.value(W + free) - value),
            0.0,
            SLACK * value + 10 * _rounding(penalty, np.maximum(abs(W), abs(free))),
            penalty,
            "the null space changes the value",
        )
    same = np.ones(shape)
    if penalty.value(same) == 0:
        require_close(
            same @ N @ N.T, same, penalty, "equal tasks cost nothing, but not so N"
        )


@of_values
def check_separable(penalty, shape, rng):
    """Value and prox of a separable penalty go block by block."""
    d, T = shape
    masks = {
        None: [],
        "entry": np.eye(d * T, dtype=bool).reshape(-1, d, T),
        "row": [np.arange(d)[:, None] == j for j in range(d)],
        "column": [np.arange(T) == t for t in range(T)],
    }
    require(
        penalty.separable in masks,
        penalty,
        f"separable is {penalty.separable!r}, not one of {list(masks)}",
    )
    if penalty.separable is None:
        return
    zero = penalty.value(np.zeros(shape))
    for V in _points(shape, rng):
        parts = [np.where(mask, V, 0.0) for mask in masks[penalty.separable]]
        require_close(
            sum(penalty.value(part) - zero for part in parts),
            penalty.value(V) - zero,
            penalty,
            f"value is not the sum over each {penalty.separable}",
        )
        W = penalty.prox(V, 0.5)
        for mask, part in zip(masks[penalty.separable], parts, strict=True):
            require_close(
                np.where(mask, penalty.prox(part, 0.5), 0.0),
                np.where(mask, W, 0.0),
                penalty,
                f"prox mixes blocks, but separable is {penalty.separable!r}",
            )


def check_terms(penalty, shape, rng):
    """The terms of components are penalties, and the polar is their largest gauge."""
    if not _has_terms(penalty):
        return
    d, T = shape
    terms = penalty.terms(T)
    require(len(terms) > 1, penalty, f"has {len(terms)} terms")
    G = rng.standard_normal(shape)
    gauges = []
    for B, term in terms:
        B = np.eye(T) if B is None else B
        require(
            np.ndim(B) == 2 and B.shape[1] == T,
            penalty,
            f"the matrix of a term has shape {np.shape(B)}, not (n_columns, {T})",
        )
        for check in MATHEMATICS:
            check(term, (d, len(B)), rng)
        if hasattr(term, "polar"):
            gauges.append(term.polar(G @ B.T))
    if hasattr(penalty, "polar"):
        require_close(
            penalty.polar(G),
            max(gauges, default=0.0),
            penalty,
            "polar is not the largest gauge of the terms",
        )


def check_arrays(penalty, shape, rng):
    """Arrays of any order and precision are accepted, and none is modified."""
    V = rng.standard_normal(shape)
    wide = np.repeat(np.repeat(V, 2, axis=0), 2, axis=1)
    views = {"Fortran order": frozen(V, order="F"), "a strided view": wide[::2, ::2]}
    functions = {
        name: getattr(penalty, name)
        for name in ("value", "polar", "conjugate")
        if hasattr(penalty, name) and not (name == "value" and _has_terms(penalty))
    }
    for step in [] if _has_terms(penalty) else _steps(penalty, shape, rng):
        functions[f"prox with step {step}"] = lambda A, step=step: penalty.prox(A, step)
    for name, function in functions.items():
        argument = V.copy()
        expected = function(argument)
        require((argument == V).all(), penalty, f"{name} modifies its input")
        if name.startswith("prox"):
            require(expected.shape == shape, penalty, f"{name}: {expected.shape}")
            require(
                not np.shares_memory(expected, argument),
                penalty,
                f"{name} returns its input, not a new array",
            )
        for kind, view in views.items():
            require_close(function(view), expected, penalty, f"{name} of {kind}")
        single = function(frozen(V, np.float32))
        if np.isfinite(expected).all():
            require_close(single, expected, penalty, f"{name} of float32", 1e-3)


def check_shapes(penalty, shape, rng):
    """One feature or one task is nothing special."""
    d, T = shape
    for small in [(d, 1), (1, T), (1, 1)]:
        for example in type(penalty).examples(*small):
            for check in COMPONENTS if _has_terms(penalty) else MATHEMATICS:
                check(example, small, rng)


def check_strengths(penalty, shape, rng):
    """Strengths come first and default to "auto"; without any there is no penalty."""
    signature = list(inspect.signature(type(penalty).__init__).parameters.values())[1:]
    names = tuple(p.name for p in signature[: len(penalty.strengths)])
    require(
        names == tuple(penalty.strengths),
        penalty,
        f"the first parameters are {names}, the strengths {penalty.strengths}",
    )
    for parameter in signature[: len(names)]:
        require(parameter.default == "auto", penalty, f'{parameter.name} is not "auto"')
    nothing = clone(penalty).set_params(**dict.fromkeys(names, 0.0))
    require(nothing.is_zero, penalty, "is_zero is False with all strengths zero")
    require(not penalty.is_zero, penalty, "is_zero is True")
    if not _has_terms(penalty):
        W = rng.standard_normal(shape)
        require_close(nothing.value(W), 0.0, penalty, "value is not 0 at strength 0")


def check_auto(penalty, shape, rng):
    """Strengths that are "auto" are resolved on a copy, in their proportions."""
    names = penalty.strengths
    auto = clone(penalty).set_params(**dict.fromkeys(names, "auto"))
    G = rng.standard_normal(shape)
    norm = hasattr(penalty, "polar")
    if norm and not np.isfinite(penalty.polar(G)):
        G = G - penalty.prox(G, 1.0)
    if not norm and not hasattr(penalty, "conjugate"):
        return
    resolved = auto.resolve(G, 3.0)
    for name in names:
        require(getattr(auto, name) == "auto", penalty, "resolve modifies the penalty")
    require_numbers(resolved)
    used = np.array([getattr(resolved, name) for name in names])
    unit = penalty.unit(*shape)
    unit = np.array([unit[name] for name in names])
    require((used >= 0).all() and used.any(), penalty, f'"auto" gives {used}')
    require_close(
        used / used.sum(), unit / unit.sum(), penalty, '"auto" is not as unit() has it'
    )
    if not norm:
        require_close(used, 1.5 * unit, penalty, '"auto" is not half the curvature')
        require(penalty.lambda_max(G) == np.inf, penalty, "lambda_max is not infinite")
        return
    require_close(
        resolved.polar(G), 10.0, penalty, '"auto" is not a tenth of lambda_max'
    )
    factor = penalty.lambda_max(G) / getattr(penalty, names[0])
    values = {name: factor * getattr(penalty, name) for name in names}
    top = clone(penalty).set_params(**values)
    require_close(top.polar(G), 1.0, penalty, "polar at lambda_max is not 1")


def check_examples(penalty, shape, rng):
    """The class gives examples with numbers as strengths."""
    examples = list(type(penalty).examples(*shape))
    require(examples, penalty, "examples() yields nothing")
    for example in examples:
        require(
            type(example) is type(penalty), penalty, f"examples() yields {example!r}"
        )
        try:
            require_numbers(example)
        except ValueError as error:
            raise AssertionError(str(error)) from None


def check_sklearn_object(penalty, shape, rng):
    """The penalty is cloned, copied, pickled and printed as scikit-learn does."""
    check_parameters(penalty)


MATHEMATICS = [
    check_value,
    check_convexity,
    check_prox,
    check_firmly_nonexpansive,
    check_stationarity,
    check_majorant,
    check_metric,
    check_polar,
    check_polar_bound,
    check_conjugate,
    check_quadratic,
    check_null_space,
    check_separable,
]
COMPONENTS = [check_terms]
PENALTY_CHECKS = [
    check_sklearn_object,
    check_examples,
    *MATHEMATICS,
    *COMPONENTS,
    check_prox_by_brute_force,
    check_arrays,
    check_shapes,
    check_strengths,
    check_auto,
]
