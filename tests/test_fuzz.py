"""The auditor agrees with fits that are right, and names what is wrong with others."""

import warnings

import numpy as np
import pytest

import pymtl

from .audit import Audit, read_tasks
from .fuzz import Case, draw, hunt, reproduction, run, shrink

SEED, SLICE = 0, 49
SLOW = {5, 26, 27, 34, 36, 44}  # cases that take seconds, or their limit
RNG = np.random.default_rng(0)
XS = [RNG.normal(size=(n, 4)) for n in (12, 15, 20)]
ZS = [X @ RNG.normal(size=4) + RNG.normal(size=len(X)) for X in XS]
LABELS = [(z > 0).astype(int) for z in ZS]
STRUCTURES = sorted(
    name
    for name in pymtl.__all__
    if name.endswith(("Regressor", "Classifier"))
    if hasattr(getattr(pymtl, name), "lambda_max")  # has a penalty
    if "MCP" not in name  # not convex: tests/test_mcp.py judges it
)


@pytest.mark.parametrize("name", STRUCTURES)
def test_cvxpy_finds_no_better_point(name):
    ys = LABELS if name.endswith("Classifier") else ZS
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        model = getattr(pymtl, name)().fit(XS, ys)
    audit = Audit(model, read_tasks(model, XS, ys))
    assert audit.faults(warned=not model.converged_) == []
    assert audit.checked


@pytest.mark.parametrize(
    "first",
    [
        *range(0, SLICE, 20),
        *(pytest.param(n, marks=pytest.mark.slow) for n in range(SLICE, 3000, 60)),
    ],
)
def test_random_fits_are_right(first):
    found = []
    stop = min(first + 20, SLICE) if first < SLICE else min(first + 60, 3000)
    numbers = [n for n in range(first, stop) if first >= SLICE or n not in SLOW]
    report = hunt(SEED, numbers, say=found.append, small=False)
    assert not report.found, "\n".join(found)


def judged(model, **changes):
    for name, value in changes.items():
        setattr(model, name, value)
    return " ".join(Audit(model, read_tasks(model, XS, ZS)).faults(warned=False))


def test_a_wrong_fit_is_named():
    def fitted():
        return pymtl.MultiTaskL21Regressor(0.1).fit(XS, ZS)

    assert judged(fitted()) == ""
    assert "objective_" in judged(fitted(), objective_=1.0)
    moved = judged(fitted(), coef_=fitted().coef_ + 0.01)
    assert "dual_gap_" in moved and "converged" in moved
    shifted = judged(fitted(), intercept_=fitted().intercept_ + 0.1)
    assert "dual_gap_" in shifted
    assert "NaN" in judged(fitted(), intercept_=np.full(3, np.nan))
    assert "warned" in judged(fitted(), converged_=False)


def test_a_case_is_the_same_each_time():
    first, again = draw(3, 14), draw(3, 14)
    assert repr(first) == repr(again)


def test_a_failure_shrinks_to_a_few_lines():
    case = Case("L21", False, {"lambda1": 0.1, "tol": 1e-3}, XS, ZS, door="dict")

    def judge(case):
        outcome = run(case, solve=False)
        large = [np.abs(y).max() for y in case.ys]
        outcome.faults = ["size: a target is large"] if max(large) > 2 else []
        return outcome

    small, outcome = shrink(case, judge(case), judge)
    assert outcome.faults == ["size: a target is large"]
    assert [X.shape for X in small.Xs] == [(1, 1)]
    assert (small.door, small.options) == ("lists", {})
    lines = reproduction(small)
    assert len(lines.splitlines()) == 8
    exec(lines, {"print": lambda *values: None})
