"""Components of any number, and within each other, with quadratic parts."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from pymtl import MultiTaskClassifier, MultiTaskRegressor
from pymtl.penalties import L1, L21, Components, Mean, Ridge, TraceNorm

cp = pytest.importorskip("cvxpy")
D, T = 6, 4
FROM_MEAN = np.eye(T) - np.ones((T, T)) / T


class Three(Components):
    """Three components."""

    def __init__(self, left, middle, right):
        self.left, self.middle, self.right = left, middle, right

    def terms(self, n_tasks):
        return [(None, self.left), (None, self.middle), (None, self.right)]


def rows(W):
    return cp.sum(cp.norm(W, 2, axis=1))


def entries(W):
    return cp.sum(cp.abs(W))


def ridge(W):
    return cp.sum_squares(W)


def mean(W):
    return cp.sum_squares(W @ FROM_MEAN)


CASES = {
    "one ridge": (
        Components(L21(0.2) + Ridge(0.1), L1(0.15)),
        lambda P, Q, R: 0.2 * rows(P) + 0.1 * ridge(P) + 0.15 * entries(Q),
    ),
    "two quadratics": (
        Components(L21(0.2) + Ridge(0.1), L1(0.15) + Mean(0.3)),
        lambda P, Q, R: (
            0.2 * rows(P) + 0.1 * ridge(P) + 0.15 * entries(Q) + 0.3 * mean(Q)
        ),
    ),
    "only quadratics": (
        Components(L21(0.2), Mean(0.3) + Ridge(0.2)),
        lambda P, Q, R: 0.2 * rows(P) + 0.3 * mean(Q) + 0.2 * ridge(Q),
    ),
    "one singular": (
        Components(L1(0.2), Mean(0.3)),
        lambda P, Q, R: 0.2 * entries(P) + 0.3 * mean(Q),
    ),
    "three": (
        Components(Components(L21(0.2), TraceNorm(0.3)), L1(0.15)),
        lambda P, Q, R: 0.2 * rows(P) + 0.3 * cp.normNuc(R) + 0.15 * entries(Q),
    ),
    "nested": (
        Components(Components(L21(0.2), TraceNorm(0.3)) + Ridge(0.1), L1(0.15)),
        lambda P, Q, R: (
            0.2 * rows(P) + 0.3 * cp.normNuc(R) + 0.1 * ridge(P + R) + 0.15 * entries(Q)
        ),
    ),
    "inside and beside": (
        Components(L21(0.2) + Ridge(0.1), L1(0.15)) + Mean(0.2),
        lambda P, Q, R: (
            0.2 * rows(P) + 0.1 * ridge(P) + 0.15 * entries(Q) + 0.2 * mean(P + Q)
        ),
    ),
}


def data():
    rng = np.random.default_rng(0)
    Xs = [rng.normal(size=(20 + t, D)) for t in range(T)]
    zs = [X[:, 0] * (1 + t) + X[:, 1] for t, X in enumerate(Xs)]
    return Xs, [z + rng.normal(size=len(z)) for z in zs]


@pytest.mark.parametrize("case", CASES)
def test_equals_cvxpy(case):
    penalty, cost = CASES[case]
    Xs, ys = data()
    P, Q, R = (cp.Variable((D, T)) for _ in range(3))
    c = cp.Variable(T)
    W = P + Q + (R if case in ("three", "nested") else 0)
    loss = sum(
        cp.sum_squares(y - X @ W[:, t] - c[t]) / (2 * len(y))
        for t, (X, y) in enumerate(zip(Xs, ys, strict=True))
    )
    problem = cp.Problem(cp.Minimize(loss + cost(P, Q, R)))
    problem.solve(solver="CLARABEL")
    model = MultiTaskRegressor(penalty, tol=1e-8, max_iter=50_000).fit(Xs, ys)
    assert model.certificate_kind_ == "duality gap"
    assert model.objective_ == pytest.approx(problem.value, rel=1e-6)
    assert_allclose(model.coef_.T, W.value, atol=1e-3)


def test_classifier_and_automatic_strengths():
    Xs, ys = data()
    labels = [y > 0 for y in ys]
    penalty = Components(L21() + Ridge(0.05), L1())
    model = MultiTaskClassifier(penalty).fit(Xs, labels)
    assert model.certificate_kind_ == "duality gap"
    assert model.converged_
    weak = MultiTaskRegressor(penalty)
    top = weak.lambda_max(Xs, ys)
    assert np.isfinite(top)
    path = weak.path(Xs, ys, n_lambdas=4)
    assert not path.coef[0].any()
    assert path.coef[-1].any()


def test_three_components_are_those_of_nested_ones():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 5))
    Y = X @ rng.normal(size=(5, 3)) + rng.normal(size=(40, 3))
    parts = L21(0.2), L1(0.15), TraceNorm(0.3)
    three = MultiTaskRegressor(Three(*parts), tol=1e-8).fit(X, Y)
    inner = Components(parts[1], parts[2])
    nested = MultiTaskRegressor(Components(parts[0], inner), tol=1e-8).fit(X, Y)
    assert type(three.penalty_) is Three and three.converged_ and nested.converged_
    assert three.objective_ == pytest.approx(nested.objective_, rel=1e-6)
    auto = MultiTaskRegressor(Three(L21(), L1(), TraceNorm())).fit(X, Y)
    assert type(auto.penalty_) is Three and auto.penalty_.middle.lambda1 > 0


def test_a_part_has_one_norm():
    with pytest.raises(ValueError, match="at most one that is not quadratic.*L21"):
        MultiTaskRegressor(Components(L21(0.1) + L1(0.1), L1(0.1))).fit(*data())
