"""Random problems with bad conditions and wild units end certified, or say so.

:class:`Audit` judges a fit from its coefficients alone, in extended precision and
without the package: by a feasible dual point, whose value no objective can undercut,
and, for quadratic models, by another solution.

:func:`structure_faults` judges the other structures by a dual point whose residuals are
in extended precision; what the penalty says of it, ``check_penalty`` has compared.

``python tests/test_robustness.py 500`` prints the numbers of docs/robustness.rst,
``python tests/test_robustness.py 60 structures`` those of its second table.
"""

import sys
import warnings
from dataclasses import dataclass

import numpy as np
import pytest
from scipy.linalg import lstsq
from sklearn.exceptions import ConvergenceWarning

from pymtl import (
    MultiTaskASORegressor,
    MultiTaskClusteredRegressor,
    MultiTaskDataSharedRegressor,
    MultiTaskDirtyRegressor,
    MultiTaskFeatureCovarianceRegressor,
    MultiTaskFusedSparseGroupRegressor,
    MultiTaskGraphRegressor,
    MultiTaskL1Regressor,
    MultiTaskL21Regressor,
    MultiTaskLInfRegressor,
    MultiTaskMeanRegressor,
    MultiTaskRegressor,
    MultiTaskRelationshipRegressor,
    MultiTaskRobustFeatureRegressor,
    MultiTaskRobustLowRankRegressor,
    MultiTaskSparseGroupRegressor,
    MultiTaskSparseLowRankRegressor,
    MultiTaskTemporalGroupRegressor,
    MultiTaskTraceNormRegressor,
    MultiTaskTreeRegressor,
)
from pymtl.penalties._base import split_quadratic

FORMS = [True, False, "shared", "shrink"]
REACHES = [0, 2, 8]
MILD = 1e6
STRUCTURES = {
    "L1": MultiTaskL1Regressor(),
    "LInf": MultiTaskLInfRegressor(),
    "SparseGroup": MultiTaskSparseGroupRegressor(),
    "Tree": MultiTaskTreeRegressor(),
    "KSupport": MultiTaskRegressor("k_support"),
    "DataShared": MultiTaskDataSharedRegressor(),
    "TraceNorm": MultiTaskTraceNormRegressor(),
    "Clustered": MultiTaskClusteredRegressor(),
    "ASO": MultiTaskASORegressor(),
    "Relationship": MultiTaskRelationshipRegressor(),
    "FeatureCovariance": MultiTaskFeatureCovarianceRegressor(),
    "Dirty": MultiTaskDirtyRegressor(),
    "RobustFeature": MultiTaskRobustFeatureRegressor(),
    "RobustLowRank": MultiTaskRobustLowRankRegressor(),
    "SparseLowRank": MultiTaskSparseLowRankRegressor(),
    "Graph + ridge": MultiTaskGraphRegressor("auto", "auto", graph="order"),
    "TemporalGroup": MultiTaskTemporalGroupRegressor("auto"),
    "FusedSparseGroup": MultiTaskFusedSparseGroupRegressor(),
}
EPS = np.finfo(float).eps
LONG = np.longdouble


class Problem:
    """Tasks that a seed makes.

    The design of every task has singular values from 1 to 1 / `drawn`. Then come its
    origin and its units: of the features, the same in all tasks or not, of the task,
    and of its targets, each 10^u with u uniform up to `reach`.
    """

    def __init__(self, seed):
        rng = np.random.default_rng(seed)
        d, n_tasks = rng.integers(1, 61), rng.integers(1, 9)
        self.drawn = 10 ** rng.uniform(0, 10)
        self.reach = int(rng.choice(REACHES))

        def units(size=None):
            return 10 ** rng.uniform(-self.reach, self.reach, size)

        own_units, offset = rng.random() < 0.5, rng.choice([0.0, 1.0, 30.0])
        feature_units, common = units(d), rng.normal(size=d)
        self.Xs, self.ys = [], []
        for _ in range(n_tasks):
            n = int(np.exp(rng.uniform(0, np.log(501))))
            U, s, V = np.linalg.svd(rng.normal(size=(n, d)), full_matrices=False)
            s = np.geomspace(1, 1 / self.drawn, len(s)) * np.sqrt(n)
            X = U * s @ V
            y = X @ (common + 0.3 * rng.normal(size=d))
            y = y / np.abs(y).max() + rng.choice([0.01, 0.3, 1.0]) * rng.normal(size=n)
            X = (X + offset * rng.normal(size=d)) * units()
            self.Xs.append(X * (units(d) if own_units else feature_units))
            self.ys.append(y * units() + rng.normal())
        self.factors = 10 ** rng.uniform(-6, 6, 2)
        self.fraction = 10 ** rng.uniform(-2, np.log10(0.9))
        self.form = FORMS[rng.integers(4)]

    @property
    def condition(self):
        """Condition of the whole design as it is solved: stacked, centred, weighted."""
        values = []
        for X in self.Xs:
            centred = (X - X.mean(axis=0)) / np.sqrt(len(X))
            s = np.linalg.svd(centred, compute_uv=False)
            rounding = max(X.shape) * EPS * np.linalg.norm(X, 2) / np.sqrt(len(X))
            values.append(s[s > rounding])
        values = np.concatenate(values)
        return values.max() / values.min() if len(values) else 1.0

    def models(self):
        """Return models by name: automatic, and with random strengths and forms."""
        form = {"fit_intercept": self.form}
        auto = MultiTaskMeanRegressor("auto", "auto", **form)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            top = MultiTaskL21Regressor(**form).lambda_max(self.Xs, self.ys)
            auto.fit(self.Xs, self.ys)
        lambda1, lambda2 = self.factors * (auto.lambda1_, auto.lambda2_)
        fraction = self.fraction * top
        return {
            "L21, auto": MultiTaskL21Regressor(),
            "L21": MultiTaskL21Regressor(fraction, **form),
            "L21 + ridge": MultiTaskL21Regressor(fraction, "auto", **form),
            "Mean, auto": MultiTaskMeanRegressor(),
            "Mean + ridge, auto": auto,
            "Mean + ridge": MultiTaskMeanRegressor(lambda1, lambda2, **form),
        }


class Audit:
    """The objective of a fitted model in extended precision, and what bounds it."""

    def __init__(self, problem, model):
        self.model = model
        self.Xs = [X.astype(LONG) for X in problem.Xs]
        self.ys = [y.astype(LONG) for y in problem.ys]
        self.W, self.c = model.coef_.astype(LONG), model.intercept_.astype(LONG)
        self.is_l21 = isinstance(model, MultiTaskL21Regressor)
        self.lambda0 = getattr(model, "lambda0_", 0.0)
        self.lambda1, self.lambda2 = model.lambda1_, getattr(model, "lambda2_", 0.0)

    def residuals(self, W, c):
        rows = zip(self.Xs, self.ys, W, c, strict=True)
        return [y - X @ w - b for X, y, w, b in rows]

    def quadratic(self, W, c):
        """Return the quadratic part of the penalty."""
        value = self.lambda0 * np.sum((c - c.mean()) ** 2)
        value += self.lambda2 * np.sum(W**2)
        if not self.is_l21:
            value += self.lambda1 * np.sum((W - W.mean(axis=0)) ** 2)
        return value

    def objective(self, W, c):
        value = sum(np.mean(r**2) / 2 for r in self.residuals(W, c))
        if self.is_l21:
            value += self.lambda1 * np.sqrt(np.sum(W**2, axis=0)).sum()
        return value + self.quadratic(W, c)

    def rounding(self):
        """Return what the objective owes to the last digits of the parameters."""
        W, c = self.W, self.c
        length = np.linalg.norm(W.astype(float))
        pull = self.lambda2 * length
        if not self.is_l21:
            pull += self.lambda1 * np.linalg.norm((W - W.mean(axis=0)).astype(float))
        total = 2 * pull * 8 * EPS * length
        residuals = self.residuals(W, c)
        for X, y, w, b, r in zip(self.Xs, self.ys, W, c, residuals, strict=True):
            size = np.abs(X).max(axis=0) @ np.abs(w) + abs(b) + np.abs(y).max()
            total += np.sqrt(np.mean(r**2)) * 8 * EPS * size + (8 * EPS * size) ** 2
        return total

    def intercepts(self, W):
        """Return the intercepts that are best for W."""
        form = self.model.fit_intercept
        free = np.array([r.mean() for r in self.residuals(W, 0 * self.c)])
        if form is False:
            return 0 * free
        if form == "shared":
            return np.full_like(free, free.mean())
        twice = 2 * self.lambda0
        return (free + twice * free.mean()) / (1 + twice)

    def dual_bound(self):
        """Return the value of a feasible dual point: no objective is lower."""
        c = self.intercepts(self.W)
        theta = [r / len(r) for r in self.residuals(self.W, c)]
        A = np.array([X.T @ u for X, u in zip(self.Xs, theta, strict=True)])
        # theta'y term by term: theta adds up to what the intercepts ask for
        between = self.lambda0 * np.sum((c - c.mean()) ** 2)
        linear = sum(len(u) * u @ u for u in theta) + np.sum(A * self.W) + 2 * between
        square = sum(len(u) * u @ u for u in theta) / 2
        top = np.inf
        if self.is_l21:
            square += self.quadratic(self.W, c)
            A = A - 2 * self.lambda2 * self.W
            rows = np.sqrt(np.sum(A**2, axis=0)).max()
            top = self.lambda1 / rows if rows > 0 else np.inf
        else:
            mean = A.mean(axis=0)
            square += between + len(A) * np.sum(mean**2) / (4 * self.lambda2)
            square += np.sum((A - mean) ** 2) / (4 * (self.lambda1 + self.lambda2))
        scale = np.clip(linear / (2 * square), 0, top) if square > 0 else 0
        return scale * linear - scale**2 * square

    def other_objective(self):
        """Return the objective of a quadratic model solved as dense least squares.

        Columns of one length and rows sorted by size make the pivoted QR decomposition
        accurate in each row.
        """
        T, d = self.W.shape
        form = self.model.fit_intercept
        basis = {False: np.zeros((T, 0)), "shared": np.ones((T, 1))}
        basis = basis.get(form, np.eye(T))
        spread = np.eye(T) - 1 / T
        rows = [
            np.hstack([np.kron(np.eye(T)[t], X), np.tile(basis[t], (len(X), 1))])
            / np.sqrt(len(X))
            for t, X in enumerate(self.Xs)
        ]
        between = 0.0 if self.is_l21 else self.lambda1
        for strength, L in [(between, spread), (self.lambda2, np.eye(T))]:
            pull = np.sqrt(2 * strength) * np.kron(L, np.eye(d))
            rows.append(np.hstack([pull, np.zeros((T * d, basis.shape[1]))]))
        pull = np.sqrt(2 * self.lambda0) * spread @ basis
        rows.append(np.hstack([np.zeros((T, T * d)), pull]))
        A = np.vstack(rows)
        b = np.zeros(len(A), dtype=LONG)
        y = np.concatenate([y / np.sqrt(len(y)) for y in self.ys])
        b[: len(y)] = y
        length = np.sqrt(np.sum(A**2, axis=0))
        length[length == 0] = 1
        A = A / length
        order = np.argsort(-np.abs(A).max(axis=1))
        x = np.zeros(A.shape[1], dtype=LONG)
        for _ in range(3):
            rest = (b - A @ x)[order].astype(float)
            # refinement: the residual in extended precision
            x += lstsq(A[order].astype(float), rest, cond=1e-14, lapack_driver="gelsy")[
                0
            ]
        W = (x / length)[: T * d].reshape(T, d).astype(float).astype(LONG)
        return self.objective(W, self.intercepts(W).astype(float).astype(LONG))

    def faults(self):
        """Return what is wrong with the fit, in words."""
        model, found = self.model, []
        if not (np.isfinite(self.W).all() and np.isfinite(self.c).all()):
            return ["coefficients are not finite"]
        value, rounding = self.objective(self.W, self.c), self.rounding()
        if abs(value - model.objective_) > rounding + 1e-10 * value:
            found.append(f"objective_ is {model.objective_:.12g}, not {value:.12g}")
        is_norm = self.is_l21 and self.lambda1 > 0
        other = self.dual_bound() if is_norm else self.other_objective()
        if value - other > model.dual_gap_ * (1 + 1e-6) + rounding:
            found.append(f"dual_gap_ {model.dual_gap_:.2e}, but {value - other:.2e}")
        null = self.objective(0 * self.W, self.intercepts(0 * self.W))
        gap = value - (self.dual_bound() if self.lambda2 > 0 else other)
        if model.converged_ and gap > model.tol * null * (1 + 1e-6) + rounding:
            found.append(f"converged, but {gap / null:.2e} from the optimum")
        return found


def structure_faults(problem, model):
    """Return what is wrong with a fit of a structure, intercepts free, in words."""
    audit = Audit(problem, model)
    if not (np.isfinite(audit.W).all() and np.isfinite(audit.c).all()):
        return ["coefficients are not finite"]
    W = audit.W.T.astype(float)
    matrix, norm = split_quadratic(model.penalty_, W.shape[1])
    parts = [(None, norm)] if norm is not None else []
    if hasattr(norm, "terms"):
        parts = norm.terms(W.shape[1])
    shares = [W]
    if len(parts) > 1:
        shares = [model.shared_coef_.T, model.specific_coef_.T]
        if parts[0][0] is not None:
            shares[0] = shares[0][:, :1]  # what is common, once
    penalty = matrix.value(W)
    penalty += sum(p.value(U) for (_, p), U in zip(parts, shares, strict=False))
    value = sum(np.mean(r**2) / 2 for r in audit.residuals(audit.W, audit.c)) + penalty
    free = np.array([r.mean() for r in audit.residuals(audit.W, 0 * audit.c)])
    residuals = audit.residuals(audit.W, free)
    squares = sum(np.mean(r**2) for r in residuals)
    pairs = zip(audit.Xs, residuals, strict=True)
    A = np.array([X.T @ r / len(r) for X, r in pairs]).T
    linear = squares + np.sum(A * audit.W.T)
    square, top, A = squares / 2, np.inf, A.astype(float)
    if norm is None:
        square += matrix.conjugate(A)
    else:
        square += matrix.value(W)
        A = A - matrix.apply(W)
        if hasattr(norm, "polar"):
            gauge = norm.polar(A)
            top = 1 / gauge if gauge > 0 else np.inf
        else:  # a squared norm
            square += norm.conjugate(A)
    scale = np.clip(linear / (2 * square), 0, top) if square > 0 else 0
    bound = scale * linear - scale**2 * square
    null = sum(np.mean((y - y.mean()) ** 2) / 2 for y in audit.ys)
    rounding = audit.rounding() + 1e-13 * penalty
    found = []
    if abs(value - model.objective_) > rounding + 1e-10 * value:
        found.append(f"objective_ is {model.objective_:.12g}, not {value:.12g}")
    if value - bound > model.dual_gap_ * (1 + 1e-6) + rounding + 1e-12 * null:
        found.append(f"dual_gap_ {model.dual_gap_:.2e}, but {value - bound:.2e}")
    if model.converged_ and value - bound > 1.01 * model.tol * null + rounding:
        found.append(f"converged, but {(value - bound) / null:.2e} from the optimum")
    return found


@dataclass
class Outcome:
    """What became of one fit."""

    seed: int
    name: str
    problem: Problem
    condition: float
    certificate: float
    converged: bool
    faults: list


def outcomes(seed, structures=None):
    """Fit the models of a problem, or these structures, and judge them."""
    problem = Problem(seed)
    condition = problem.condition
    models = problem.models() if structures is None else structures
    for name, model in models.items():
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            model.fit(problem.Xs, problem.ys)
        if structures is None:
            faults = Audit(problem, model).faults()
        else:
            faults = structure_faults(problem, model)
        said = {w.category for w in caught}
        if (ConvergenceWarning in said) == model.converged_:
            faults.append(f"converged_ is {model.converged_}, warnings: {said}")
        if not said <= {ConvergenceWarning, UserWarning}:
            faults.append(f"warnings: {said}")
        if condition <= MILD and not model.converged_:
            faults.append(f"not certified at condition {condition:.1e}")
        certificate, converged = model.certificate_, model.converged_
        yield Outcome(seed, name, problem, condition, certificate, converged, faults)


@pytest.mark.parametrize(
    "n_problems",
    [
        pytest.param(20, id="20"),
        pytest.param(500, id="500", marks=pytest.mark.slow),
    ],
)
def test_random_problems(n_problems):
    found = [o for seed in range(n_problems) for o in outcomes(seed)]
    faults = [f"seed {o.seed}, {o.name}: {fault}" for o in found for fault in o.faults]
    assert not faults, "\n".join(faults)
    assert np.mean([o.converged for o in found]) >= 0.95
    assert any(o.condition <= MILD for o in found)
    assert any(o.condition > 1e16 for o in found)


@pytest.mark.parametrize(
    "n_problems",
    [
        pytest.param(3, id="3"),
        pytest.param(60, id="60", marks=pytest.mark.slow),
    ],
)
def test_random_problems_of_each_structure(n_problems):
    found = [o for seed in range(n_problems) for o in outcomes(seed, STRUCTURES)]
    faults = [f"seed {o.seed}, {o.name}: {fault}" for o in found for fault in o.faults]
    assert not faults, "\n".join(faults)
    assert np.mean([o.converged for o in found]) >= 0.95


@pytest.mark.parametrize("name", [n for n in STRUCTURES if "ridge" not in n])
def test_strengths_near_zero_are_least_squares(name):
    rng = np.random.default_rng(0)
    Xs = [rng.normal(size=(n, 5)) + 1 for n in (20, 30, 60)]
    ys = [X @ rng.normal(size=5) + rng.normal(size=len(X)) for X in Xs]
    penalty = STRUCTURES[name].fit(Xs, ys).penalty_.scaled(1e-3)
    model = MultiTaskRegressor(penalty).fit(Xs, ys)
    assert model.converged_
    for X, y, w, c in zip(Xs, ys, model.coef_, model.intercept_, strict=True):
        known = np.column_stack([X, np.ones(len(X))])
        best = np.linalg.lstsq(known, y, rcond=None)[0]
        np.testing.assert_allclose([*w, c], best, atol=0.02)


@pytest.mark.parametrize("n_problems", [40, pytest.param(200, marks=pytest.mark.slow)])
@pytest.mark.parametrize("columns", ["indicators", "repeated", "constant"])
def test_dependent_columns_do_not_blow_up(columns, n_problems):
    for seed in range(n_problems):
        rng = np.random.default_rng(seed)
        Xs, ys = [], []
        for n in rng.integers(2, 60, rng.integers(2, 6)):
            X = rng.normal(size=(n, 3))
            ys.append(X[:, 0] + rng.normal(size=n))
            extra = {
                "indicators": np.eye(3)[rng.integers(0, 3, n)],
                "repeated": np.column_stack([X[:, 0], X[:, 0] + X[:, 1]]),
                "constant": np.full((n, 2), 4.0),
            }
            Xs.append(np.hstack([X, extra[columns]]))
        model = MultiTaskMeanRegressor(0.5).fit(Xs, ys)
        assert model.certificate_ <= 1e-10, f"seed {seed}"
        assert np.abs(model.coef_).max() < 10, f"seed {seed}"


def report(n_problems, structures=None):
    """Print how many fits are certified, and those that are not, as CSV tables."""
    found = [o for seed in range(n_problems) for o in outcomes(seed, structures)]
    for name in dict.fromkeys(o.name for o in found):
        fits = [o for o in found if o.name == name]
        parts = [
            fits,
            [o for o in fits if o.condition <= MILD],
            [o for o in fits if o.problem.drawn <= MILD],
        ]
        counts = [f"{sum(o.converged for o in part)} of {len(part)}" for part in parts]
        print(f'"{name}"', *counts, sep=", ")
    for o in found:
        if o.faults or not o.converged:
            numbers = f"{o.problem.drawn:.0e}, {o.problem.reach}, {o.condition:.0e}"
            print(f'{o.seed}, "{o.name}", {numbers}, {o.certificate:.1e}', *o.faults)


if __name__ == "__main__":
    report(int(sys.argv[1]), STRUCTURES if "structures" in sys.argv else None)
