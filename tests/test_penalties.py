"""Every penalty of the registry keeps the contract, and the checks notice who does not.

The checks themselves are `pymtl.testing.check_penalty`; here they run over the registry
and over penalties that are broken on purpose.
"""

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone

from pymtl.penalties import (
    L21,
    PENALTIES,
    Mean,
    Penalty,
    Quadratic,
    Ridge,
    Sum,
    TaskMatrix,
)
from pymtl.penalties._base import split_quadratic
from pymtl.testing import PENALTY_CHECKS, check_penalty
from pymtl.testing._penalties import check_prox_by_brute_force, check_shapes

from .sweeps import thinned

EXAMPLES = [penalty for cls in PENALTIES.values() for penalty in cls.examples(6, 4)]
LONG = (check_shapes, check_prox_by_brute_force)
SHORT = [check for check in PENALTY_CHECKS if check not in LONG]


def name(value):
    return type(value).__name__ if isinstance(value, Penalty) else None


def is_first(penalty, check):
    """Whether a penalty is the first example of its class, and a check is short."""
    same = [e for e in EXAMPLES if type(e) is type(penalty)]
    return check is not check_prox_by_brute_force and penalty is same[0]


@thinned(
    3,
    whole=is_first,
    ids=name,
    penalty=EXAMPLES,
    check=[check for check in PENALTY_CHECKS if check is not check_shapes],
)
def test_registry(penalty, check):
    check(penalty, (6, 4), np.random.default_rng(0))


@pytest.mark.parametrize("cls", PENALTIES.values())
def test_one_feature_or_one_task(cls):
    check_shapes(next(cls.examples(5, 3)), (5, 3), np.random.default_rng(0))


@thinned(2, cls=PENALTIES.values(), shape=[(3, 12), (12, 3)])
def test_wide_and_tall(cls, shape):
    for penalty in cls.examples(*shape):
        for check in SHORT:
            check(penalty, shape, np.random.default_rng(0))


@thinned(2, ids=name, penalty=EXAMPLES, factor=[1e-6, 1e6])
def test_weak_and_strong(penalty, factor):
    names = penalty.strengths
    scaled = {name: factor * getattr(penalty, name) for name in names}
    penalty = clone(penalty).set_params(**scaled)
    for check in SHORT:
        check(penalty, (6, 4), np.random.default_rng(0))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 11))
@pytest.mark.parametrize("cls", PENALTIES.values())
def test_registry_on_many_points(cls, seed):
    for shape in [(6, 4), (1, 5), (5, 1), (2, 12)]:
        for penalty in cls.examples(*shape):
            check_penalty(penalty, *shape, random_state=seed)


def test_registry_holds_penalties():
    for name, cls in PENALTIES.items():
        assert name == name.lower() and issubclass(cls, Penalty)
    assert len(set(PENALTIES.values())) == len(PENALTIES)


@pytest.mark.parametrize(
    ("penalty", "formula"),
    [
        (L21(0.7), lambda W: 0.7 * sum(np.sqrt(w @ w) for w in W)),
        (Mean(0.7), lambda W: 0.7 * sum((w - w.mean()) @ (w - w.mean()) for w in W)),
        (Ridge(0.7), lambda W: 0.7 * sum(w @ w for w in W)),
    ],
    ids=["L21", "Mean", "Ridge"],
)
def test_formulas(penalty, formula):
    W = np.random.default_rng(0).standard_normal((5, 3))
    assert penalty.value(W) == pytest.approx(formula(W), rel=1e-13)


# The checks notice what is broken


class HalfProx(L21):
    def prox(self, V, step):
        return super().prox(V, 0.5 * np.asarray(step))


class PlainMetric(L21):
    """Treats steps of their own as if the rows shrank by the mean step."""

    def prox(self, V, step):
        return super().prox(V, np.mean(step))


class TransposedMetric(L21):
    def prox(self, V, step):
        if np.ndim(step) == 1:
            step = step[::-1]
        return super().prox(V, step)


class LargePolar(L21):
    def polar(self, G):
        return 1.1 * super().polar(G)


class SmallPolar(L21):
    def polar(self, G):
        return 0.9 * super().polar(G)


class FrobeniusPolar(L21):
    def polar(self, G):
        return float(np.linalg.norm(G)) / self.lambda1


class InPlace(L21):
    def prox(self, V, step):
        V *= 0.5
        return super().prox(2 * V, step)


class SameArray(L21):
    def prox(self, V, step):
        W = super().prox(V, step)
        return V if (W == V).all() or V.shape == (6, 4) else W


class Squared21(L21):
    """Not homogeneous, though it says it has a polar."""

    def value(self, W):
        return super().value(W) ** 2


class NotConvex(L21):
    def value(self, W):
        return self.lambda1 * float(np.sqrt(np.linalg.norm(W, axis=1)).sum())


class WrongBlocks(L21):
    separable = "entry"


class NoDefault(L21):
    def __init__(self, lambda1=1.0):
        self.lambda1 = lambda1


class Rounded(L21):
    def __init__(self, lambda1="auto"):
        self.lambda1 = lambda1 if isinstance(lambda1, str) else float(lambda1)


class AutoExamples(L21):
    @classmethod
    def examples(cls, n_features, n_tasks):
        yield cls()


class DoubleValue(Ridge):
    def value(self, W):
        return 2 * super().value(W)


class HalfConjugate(Ridge):
    def conjugate(self, G):
        return 0.5 * super().conjugate(G)


class Indefinite(Quadratic):
    def __init__(self, lambda1="auto"):
        self.lambda1 = lambda1

    def quadratic(self, n_tasks):
        return self.lambda1 * (np.eye(n_tasks) - 0.9)


class EagerAuto(L21):
    def resolve(self, gradient, curvature):
        return self.set_params(lambda1=0.1 * L21(1.0).polar(gradient))


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (HalfProx(0.7), "three-point"),
        (PlainMetric(0.7), "three-point"),
        (TransposedMetric(0.7), "three-point"),
        (LargePolar(0.7), "exceeds 1"),
        (SmallPolar(0.7), "polar is too small"),
        (FrobeniusPolar(0.7), "exceeds 1"),
        (InPlace(0.7), "read-only"),
        (SameArray(0.7), "three-point|not a new array"),
        (Squared21(0.7), "three-point"),
        (NotConvex(0.7), "not convex"),
        (WrongBlocks(0.7), "entry"),
        (NoDefault(0.7), '"auto"'),
        (Rounded(0.7), "does not just store lambda1"),
        (AutoExamples(0.7), "give a number"),
        (DoubleValue(0.7), "three-point"),
        (HalfConjugate(0.7), "conjugate"),
        (Indefinite(0.7), "below zero|not convex"),
        (EagerAuto(0.7), "modifies"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_broken_penalties_are_noticed(broken, message):
    with pytest.raises((AssertionError, ValueError, RuntimeError), match=message):
        check_penalty(broken)


def test_checks_need_numbers():
    with pytest.raises(ValueError, match="lambda1 is 'auto'; give a number"):
        check_penalty(L21())


# Task matrices


def task_matrices(n_tasks):
    """Return task matrices of every kind, each with its dense array."""
    rng = np.random.default_rng(0)
    F = np.linalg.qr(rng.standard_normal((n_tasks, 2)))[0]
    R = rng.standard_normal((n_tasks, n_tasks - 1))
    M, identity = R @ R.T, np.eye(n_tasks)
    values = np.array([0.0, 3.0])
    spread = 0.5 * (identity - F @ F.T) + F @ np.diag(values) @ F.T
    return {
        "zero": (TaskMatrix(n_tasks), 0 * identity),
        "ridge": (TaskMatrix(n_tasks, 0.3), 0.3 * identity),
        "factors": (TaskMatrix(n_tasks, 0.5, F, values), spread),
        "dense": (TaskMatrix(n_tasks, matrix=M), M),
        "sparse": (TaskMatrix(n_tasks, matrix=sp.csr_array(M)), M),
        "all": (TaskMatrix(n_tasks, 0.5, F, values, M), spread + M),
        "mean": (Mean(0.7).quadratic(n_tasks), 1.4 * (identity - 1 / n_tasks)),
    }


KINDS = list(task_matrices(5))


@pytest.mark.parametrize("kind", KINDS)
def test_task_matrix_is_its_array(kind):
    matrix, L = task_matrices(5)[kind]
    W = np.random.default_rng(1).standard_normal((3, 5))
    tight = {"rtol": 1e-12, "atol": 1e-12}
    assert_allclose(matrix.toarray(), L, **tight)
    assert_allclose(matrix.apply(W), W @ L, **tight)
    assert_allclose(matrix.value(W), 0.5 * np.trace(W @ L @ W.T), **tight)
    assert_allclose(matrix.diagonal(), L.diagonal(), **tight)
    assert_allclose(matrix.prox(W, 0.7), W @ np.linalg.inv(np.eye(5) + 0.7 * L))
    pinv = np.linalg.pinv(L, rcond=1e-12)
    assert_allclose(matrix.conjugate(W), 0.5 * np.trace(W @ pinv @ W.T), rtol=1e-9)
    assert matrix.is_zero == (not L.any())
    rest = np.diag(matrix.majorant()) - L
    assert np.linalg.eigvalsh(rest)[0] >= -1e-12
    N = matrix.null_space()
    assert N.shape == (5, 5 - np.linalg.matrix_rank(L, tol=1e-10))
    assert_allclose(L @ N, 0, atol=1e-12)
    assert_allclose(N.T @ N, np.eye(N.shape[1]), atol=1e-12)


@pytest.mark.parametrize("right", KINDS)
@pytest.mark.parametrize("left", KINDS)
def test_task_matrices_add(left, right):
    a, A = task_matrices(5)[left]
    b, B = task_matrices(5)[right]
    assert_allclose((a + b).toarray(), A + B, atol=1e-12)
    W = np.random.default_rng(1).standard_normal((3, 5))
    assert_allclose((a + b).apply(W), W @ (A + B), atol=1e-12)
    assert_allclose(a.toarray(), A, atol=1e-12)
    assert_allclose(b.toarray(), B, atol=1e-12)


def test_mean_of_one_task_is_no_penalty():
    assert Mean(3.0).value(np.ones((4, 1))) == 0
    assert_array_equal(Mean(3.0).prox(np.ones((4, 1)), 1.0), np.ones((4, 1)))


# Sums


def test_sum_adds_values_and_matrices():
    penalty = L21(0.3) + Mean(0.2) + Ridge(0.1)
    W = np.random.default_rng(0).standard_normal((4, 3))
    parts = [L21(0.3).value(W), Mean(0.2).value(W), Ridge(0.1).value(W)]
    assert penalty.value(W) == pytest.approx(sum(parts), rel=1e-14)
    matrix, proximal = split_quadratic(penalty, 3)
    assert repr(proximal) == "L21(lambda1=0.3)"
    assert_allclose(matrix.value(W), parts[1] + parts[2], rtol=1e-14)


def test_sum_leaves_out_what_is_zero():
    matrix, proximal = split_quadratic(L21(0.0) + Ridge(0.0), 3)
    assert matrix.is_zero and proximal is None
    assert (L21(0.0) + Ridge(0.0)).is_zero
    assert not (L21(0.0) + Ridge(0.1)).is_zero
    two = split_quadratic(L21(0.0) + Ridge(1.0) + L21(0.5), 3)[1]
    assert two.lambda1 == 0.5


def test_sum_refuses_two_proximal_parts():
    with pytest.raises(ValueError, match="at most one .* got L21 and L21"):
        split_quadratic(L21(0.1) + Ridge(0.1) + L21(0.2), 3)


def test_sum_resolves_each_part():
    penalty = L21() + Mean(0.2) + Ridge()
    G = np.random.default_rng(0).standard_normal((4, 3))
    resolved = penalty.resolve(G, curvature=3.0)
    norm = float(np.linalg.norm(G, axis=1).max())
    expected = L21(0.1 * norm) + Mean(0.2) + Ridge(1.5)
    assert repr(resolved) == repr(expected)
    assert repr(penalty) == repr(L21() + Mean(0.2) + Ridge())
    assert penalty.lambda_max(G) == pytest.approx(norm, rel=1e-14)
    assert Sum(Mean(1.0), Ridge(1.0)).lambda_max(G) == np.inf


def test_sum_is_a_nested_object():
    penalty = L21(0.3) + Ridge(0.1)
    penalty.set_params(left__lambda1=0.5)
    assert penalty.get_params()["left__lambda1"] == 0.5


def test_auto_needs_a_polar():
    class OnlyProx(Penalty):
        def __init__(self, lambda1="auto"):
            self.lambda1 = lambda1

    with pytest.raises(ValueError, match="OnlyProx has no polar gauge"):
        OnlyProx().resolve(np.ones((2, 3)), 1.0)
