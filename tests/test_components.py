"""Components of any number, and within each other."""

import numpy as np
import pytest

from pymtl import MultiTaskRegressor
from pymtl.penalties import L1, L21, Components, Ridge, TraceNorm


class Three(Components):
    """Three components."""

    def __init__(self, left, middle, right):
        self.left, self.middle, self.right = left, middle, right

    def terms(self, n_tasks):
        return [(None, self.left), (None, self.middle), (None, self.right)]


def problem():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 5))
    return X, X @ rng.normal(size=(5, 3)) + rng.normal(size=(40, 3))


def test_three_components_are_those_of_nested_ones():
    X, Y = problem()
    parts = L21(0.2), L1(0.15), TraceNorm(0.3)
    three = MultiTaskRegressor(Three(*parts), tol=1e-8).fit(X, Y)
    inner = Components(parts[1], parts[2])
    nested = MultiTaskRegressor(Components(parts[0], inner), tol=1e-8).fit(X, Y)
    assert type(three.penalty_) is Three and three.converged_ and nested.converged_
    assert three.objective_ == pytest.approx(nested.objective_, rel=1e-6)
    auto = MultiTaskRegressor(Three(L21(), L1(), TraceNorm())).fit(X, Y)
    assert type(auto.penalty_) is Three and auto.penalty_.middle.lambda1 > 0


def test_a_sum_within_is_refused_by_a_sentence():
    with pytest.raises(ValueError, match="one penalty.*Ridge"):
        MultiTaskRegressor(Components(L21(0.1) + Ridge(0.1), L1(0.1))).fit(*problem())
