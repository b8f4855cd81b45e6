"""How much work each solver takes on fixed problems: what is slower than it was shows.

The limits are what the problems take today and a sixth more, which leaves room for
other libraries of linear algebra.
"""

from collections import Counter

import numpy as np
import pytest

from pymtl.designs import Stacked
from pymtl.losses import Hinge, Huber, Logistic, Poisson, Quantile, Squared, SquareRoot
from pymtl.penalties import L1, L21, LInf, Mean, NetworkLasso, Ridge, TraceNorm
from pymtl.penalties._base import split_quadratic
from pymtl.solvers import Problem, solve
from pymtl.solvers.smoothing import CHECK

RNG = np.random.default_rng(0)


def data(sizes, d):
    bounds = np.append(0, np.cumsum(sizes))
    X = RNG.normal(size=(sum(sizes), d))
    truth = np.zeros((d, len(sizes)))
    truth[:2] = [[2.0], [1.0]] * RNG.normal(size=(2, len(sizes)))
    design = Stacked(X, bounds)
    z, noise = design.forward(truth), RNG.normal(size=sum(sizes))
    label = np.where(z + noise > 0, 1.0, -1.0)
    targets = dict.fromkeys([Squared, Huber, Quantile, SquareRoot], z + noise)
    targets |= dict.fromkeys([Logistic, Hinge], label)
    targets[Poisson] = np.floor(np.exp(np.clip(z, -2, 2)))
    return design, targets, np.repeat(1.0 / np.array(sizes), sizes)


ROWS = {"small": data([7, 9, 12], 4), "wide": data([12, 15, 20], 60)}
SMALL, WIDE = ROWS
PENALTIES = {
    "l1": L1(0.1),
    "l21": L21(0.1),
    "l21 and ridge": L21(0.1) + Ridge(0.1),
    "linf": LInf(0.1),
    "mean": Mean(0.3) + Ridge(0.1),
    "trace": TraceNorm(0.1),
    "network": NetworkLasso(0.1),
}
# rows, penalty, loss, solver: the solver that ends it, and the counts
COUNTED = "iterations", "gap", "prox", "hessian"
EFFORT = {
    (SMALL, "l1", Squared, "apg"): ("apg", 24, 10, 26, 0),
    (SMALL, "l1", Squared, "auto"): ("bcd", 4, 8, 0, 0),
    (SMALL, "l1", Squared, "semismooth"): ("semismooth", 9, 9, 0, 0),
    (SMALL, "l1", Squared, "homotopy"): ("homotopy", 4, 3, 0, 0),
    (SMALL, "l1", Huber, "auto"): ("newton", 8, 42, 0, 0),
    (SMALL, "l1", Quantile, "auto"): ("smoothing", 320, 51, 320, 0),
    (SMALL, "l1", SquareRoot, "auto"): ("smoothing", 125, 32, 125, 0),
    (SMALL, "l21", Squared, "auto"): ("bcd", 15, 7, 0, 0),
    (SMALL, "l21", Huber, "apg"): ("apg", 46, 12, 50, 2),
    (SMALL, "l21", Hinge, "auto"): ("smoothing", 320, 53, 320, 0),
    (SMALL, "l21 and ridge", Squared, "semismooth"): ("semismooth", 5, 8, 0, 0),
    (SMALL, "l21 and ridge", Quantile, "auto"): ("smoothing", 109, 24, 109, 0),
    (SMALL, "linf", Poisson, "apg"): ("apg", 65, 19, 73, 2),
    (SMALL, "linf", Poisson, "auto"): ("newton", 7, 55, 67, 0),
    (SMALL, "mean", Squared, "auto"): ("direct", 1, 1, 0, 1),
    (SMALL, "mean", Huber, "auto"): ("newton", 2, 2, 0, 2),
    (SMALL, "mean", Poisson, "auto"): ("newton", 3, 2, 0, 3),
    (SMALL, "mean", SquareRoot, "auto"): ("smoothing", 47, 12, 47, 0),
    (SMALL, "network", Squared, "auto"): ("alm", 3, 17, 0, 87),
    (WIDE, "l1", Squared, "apg"): ("apg", 96, 25, 105, 2),
    (WIDE, "l1", Squared, "auto"): ("homotopy", 18, 3, 0, 0),
    (WIDE, "l1", Poisson, "auto"): ("newton", 6, 15, 0, 0),
    (WIDE, "l1", Poisson, "apg"): ("apg", 253, 72, 276, 2),
    (WIDE, "l21", Squared, "auto"): ("bcd", 55, 15, 0, 0),
    (WIDE, "l21", Squared, "semismooth"): ("semismooth", 22, 9, 0, 0),
    (WIDE, "l21", Huber, "auto"): ("newton", 8, 90, 0, 0),
    (WIDE, "l21", Logistic, "auto"): ("newton", 5, 25, 0, 0),
    (WIDE, "linf", Logistic, "auto"): ("newton", 7, 85, 109, 14),
    (WIDE, "mean", Squared, "auto"): ("direct", 2, 1, 0, 2),
    (WIDE, "mean", Poisson, "auto"): ("newton", 5, 2, 0, 9),
    (WIDE, "trace", Squared, "auto"): ("admm", 260, 47, 283, 62),
}


def fitted(case):
    rows, penalty, loss, solver = case
    return solve(problem(PENALTIES[penalty], loss, ROWS[rows]), solver=solver, tol=1e-6)


def name(case):
    rows, penalty, loss, solver = case
    return f"{rows}-{penalty}-{loss.__name__}-{solver}"


def problem(penalty, loss, rows):
    design, targets, weight = rows
    matrix, proximal = split_quadratic(penalty, 3)
    return Problem(design, loss(), targets[loss], weight, matrix, proximal)


@pytest.mark.parametrize("case", EFFORT.items(), ids=lambda case: name(case[0]))
def test_effort(case, monkeypatch):
    case, (solver, *limits) = case
    counts = Counter()

    def counted(name):
        method = getattr(Problem, name)

        def call(self, *args, **kwargs):
            counts[name] += 1
            return method(self, *args, **kwargs)

        return call

    for part in COUNTED[1:]:
        monkeypatch.setattr(Problem, part, counted(part))
    found = fitted(case)
    assert found.converged and found.solver == solver
    counts["iterations"] = found.n_iter
    for part, most in zip(COUNTED, limits, strict=True):
        assert counts[part] <= most + max(most // 6, 1), (part, counts)
    if solver == "smoothing":  # looked at now and then, settled or not
        assert counts["gap"] >= found.n_iter // CHECK
