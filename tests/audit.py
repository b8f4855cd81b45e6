"""An auditor of fits: NumPy, SciPy and cvxpy, nothing of the package's mathematics.

:class:`Audit` takes a fitted public estimator and the data that it was given, through
any door, and recomputes the objective from the formulas of the documentation. It then
looks for a *witness*, another point with a lower objective: the null model, the same
coefficients with intercepts fitted again, a solution of cvxpy, or one that the caller
knows. Whoever found it, a witness proves how far a fit is from the optimum at least, so
that :meth:`Audit.faults` can say that a certificate is wrong.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from types import SimpleNamespace

import cvxpy as cp
import numpy as np
import scipy.sparse as sp
from scipy.special import logsumexp, softmax

from .formulas import (
    BY_TASK,
    PARTS,
    RIDGE,
    SLACK,
    STRUCTURES,
    Expressions,
    Numbers,
    loss_rule,
    structure_name,
)

LONG = np.longdouble
NUMERIC = {"squared", "huber", "quantile"}
DIGITS = 8  # units in the last place by which a size may be off
SOLVER = {"tol_gap_abs": 1e-10, "tol_gap_rel": 1e-10, "tol_feas": 1e-10}


# --- data ---------------------------------------------------------------------------


@dataclass
class Task:
    """Rows of one task: those that count, weights as shares of their sum."""

    X: np.ndarray
    y: np.ndarray
    weight: np.ndarray
    offset: np.ndarray
    total: float = field(init=False)
    share: np.ndarray = field(init=False)

    def __post_init__(self):
        used = self.weight > 0
        self.X, self.y = np.asarray(self.X[used], float), self.y[used]
        self.offset, self.weight = self.offset[used], self.weight[used]
        self.total = self.weight.sum()
        self.share = self.weight / (self.total or 1.0)


def read_tasks(model, X, y, sample_weight=None, offset=None):
    """Return the tasks of training data, in the order of `tasks_`."""
    column = getattr(model, "task_column", None)
    labels = model.tasks_.tolist()

    def numbers(values, like, default):
        values = np.full(len(like), default) if values is None else values
        return np.asarray(values, float).ravel()

    if isinstance(X, dict | list | tuple) and not sp.issparse(X):
        keys = labels if isinstance(X, dict) else range(len(X))

        def item(values, key):
            return None if values is None else values[key]

        return [
            Task(
                _dense(X[key]),
                np.asarray(y[key]),
                numbers(item(sample_weight, key), y[key], 1.0),
                numbers(item(offset, key), y[key], 0.0),
            )
            for key in keys
        ]
    X, y = _dense(X), np.asarray(y)
    if column is None:
        Y = y.reshape(len(X), -1)

        def spread(values, default):
            if values is None:
                return np.full(Y.shape, default)
            values = np.asarray(values, float)
            return np.broadcast_to(values.reshape(len(X), -1), Y.shape)

        weight, offset = spread(sample_weight, 1.0), spread(offset, 0.0)
        seen = Y == Y  # noqa: PLR0124 - NaN is not observed
        return [
            Task(X[s], v[s], w[s], o[s])
            for s, v, w, o in zip(seen.T, Y.T, weight.T, offset.T, strict=True)
        ]
    weight, offset = numbers(sample_weight, y, 1.0), numbers(offset, y, 0.0)
    names, rest = X[:, column], np.delete(X, column, axis=1)
    return [
        Task(rest[names == t], y[names == t], weight[names == t], offset[names == t])
        for t in labels
    ]


def _dense(X):
    return X.toarray() if sp.issparse(X) else np.asarray(X)


# --- the audit ----------------------------------------------------------------------


class Audit:
    """Judge a fitted estimator by its data and attributes.

    Parameters
    ----------
    model : estimator
        A fitted public estimator.
    tasks : list of Task
        Its training data, see :func:`read_tasks`.
    """

    def __init__(self, model, tasks):
        self.model = model
        self._read_model()
        self._read_data(tasks)
        self.omega = self._task_weights()
        self.parts = [] if self.kind in PARTS else None
        self.W, self.c, self.parts = self.point_of(model)

    # what the model is

    def _read_model(self):
        model, options = self.model, {}
        name = type(model).__name__.removeprefix("MultiTask")
        self.kind = name.removesuffix("Regressor").removesuffix("Classifier")
        options |= model.get_params(deep=False)
        if self.kind in ("", "Mixed"):
            penalty = model.penalty
            if not isinstance(penalty, str):
                options |= penalty.get_params(deep=False)
                penalty = type(penalty).__name__
            own = {"k": 2, "n_clusters": 2, "n_components": 2, "center": False}
            own |= {"shared_norm": "inf", "rank_budget": None}
            options = own | options
            self.kind = structure_name(penalty)
        defaults = {"k": 2, "times": None, "graph": "mean", "tree": None, "ridge": 0.0}
        used = {
            name: getattr(model, f"{name}_")
            for name in ("lambda1", "lambda2", "lambda3", "ridge")
            if hasattr(model, f"{name}_")
        }
        zero = {"lambda1": 0.0, "lambda2": 0.0, "lambda3": 0.0}
        self.s = SimpleNamespace(**(defaults | zero | options | used))
        self.ridge = self.s.lambda2 if self.kind in RIDGE else self.s.ridge
        self.form = model.fit_intercept
        self.lambda0 = getattr(model, "lambda0_", 0.0)
        self.positive = bool(options.get("positive", False))
        self.learned = isinstance(model.task_weight, str) and (
            model.task_weight == "learned"
        )
        self.root = self.learned or self.kind == "Calibrated"
        self.eps = np.finfo(np.result_type(model.coef_[0])).eps

    def _read_data(self, tasks):
        model, self.K = self.model, 2
        classes = getattr(model, "classes_", None)
        if classes is not None:
            sets = classes if isinstance(classes, list) else [classes] * len(tasks)
            self.K = max([2, *(len(labels) for labels in sets if labels is not None)])
            for task, labels in zip(tasks, sets, strict=True):
                if labels is None:
                    continue
                code = np.searchsorted(labels, task.y)
                task.y = code if self.K > 2 else 2.0 * code - 1
        for task in tasks:
            if self.K == 2:
                task.y = np.asarray(task.y, float)
        d = tasks[0].X.shape[1]
        weight = getattr(model, "feature_weight", None)
        self.q = np.ones(d) if weight is None else np.asarray(weight, float)
        # tasks with one label only are left out of the loss
        c = np.asarray(model.intercept_, float)
        alone = ~np.isfinite(c) if self.K == 2 else np.zeros(len(tasks), bool)
        signs = {t: np.sign(c[t]) for t in np.flatnonzero(alone)}
        self.alone_wrong = [t for t, s in signs.items() if np.any(tasks[t].y * s < 0)]
        for t in signs:
            none = np.zeros(0)
            tasks[t] = Task(np.zeros((0, d)), none, none, none)
        self.tasks = tasks
        self.rules = self._rules()
        self.scale = self._standardised()

    def _rules(self):
        """Return the rule of each task, None where a whole task has one loss."""
        loss = self.model.loss
        if self.root or self.K > 2:
            return [None] * len(self.tasks)
        each = loss if isinstance(loss, list) else [loss] * len(self.tasks)
        return [loss_rule(loss) for loss in each]

    def _standardised(self):
        """Divide numeric targets of a mixed fit by their deviations; return these."""
        scale = np.ones(len(self.tasks))
        if type(self.model).__name__ != "MultiTaskMixed":
            return scale
        if self.model.task_weight not in ("null", "learned"):
            return scale
        for t, (task, rule) in enumerate(zip(self.tasks, self.rules, strict=True)):
            if rule.labels or rule.name == "poisson":
                continue
            y = task.y - task.offset
            mean = task.share @ y if self.form else 0.0
            size = np.sqrt(task.share @ (y - mean) ** 2)
            if size > 1e-12 * np.abs(y).max(initial=0.0):
                scale[t] = size
                task.y, task.offset = task.y / size, task.offset / size
                self.rules[t] = loss_rule(rule.name, rule.delta / size)
        return scale

    def _task_weights(self):
        weight = self.model.task_weight
        if weight is None or self.learned:
            return np.ones(len(self.tasks))
        if isinstance(weight, str) and weight == "n_samples":
            return np.array([task.total for task in self.tasks])
        if isinstance(weight, str):
            null = np.array(
                [self._null_loss(t) for t in range(len(self.tasks))],
                float,
            )
            typical = np.median(null[null > 0]) if np.any(null > 0) else 1.0
            return 1 / np.where(null > 0, null, typical)
        if isinstance(weight, dict):
            weight = [weight[label] for label in self.model.tasks_.tolist()]
        return np.asarray(weight, float)

    def _null_loss(self, t):
        task = self.tasks[t]
        c = self._free(t)
        c = (0.0 if self.K == 2 else np.zeros(self.K)) if c is None else c
        z = task.offset if self.K == 2 else np.zeros((len(task.y), self.K))
        loss = self.loss_of(t, z + c) if len(task.y) else 0.0
        size = np.max(np.abs(task.y) + np.abs(task.offset), initial=0.0)
        return loss if loss > (64 * np.finfo(float).eps * size) ** 2 else 0.0

    def _free(self, t):
        """Return the best intercept of a task without coefficients, None if at -inf."""
        if not self.form:
            return 0.0
        zero = self.tasks[t].offset * (np.ones(1) if self.K == 2 else 1.0)
        return self.best_intercept([t], [zero], np.ones(len(self.tasks)))

    def _coefficients(self, coef, intercept):
        """Return W (d, T) and c, of more classes W as the penalty sees it."""
        c = np.asarray(intercept, LONG)
        coef = np.asarray(coef, LONG)
        if self.K == 2:
            return (coef / self.scale[:, None]).T, c / self.scale
        T, K, d = coef.shape
        if self.kind in BY_TASK:
            return coef.transpose(1, 2, 0).reshape(K * d, T), c
        return coef.reshape(T * K, d).T, c

    def own(self, W, t):
        """Return the coefficients of task t, (d,) or (d, K)."""
        d = len(self.q)
        if self.K == 2:
            return W[:, t]
        if self.kind not in BY_TASK:
            return W[:, t * self.K : (t + 1) * self.K]
        blocks = [W[k * d : (k + 1) * d, t] for k in range(self.K)]
        if isinstance(W, np.ndarray):
            return np.stack(blocks, axis=1)
        return cp.vstack(blocks).T

    # the objective in numbers

    def predictions(self, W, c, t):
        task = self.tasks[t]
        offset = task.offset if self.K == 2 else task.offset[:, None]
        return task.X.astype(LONG) @ self.own(W, t) + c[t] + offset

    def loss_of(self, t, z):
        """Return the mean loss of a task at predictions z."""
        task = self.tasks[t]
        if self.root:
            return np.sqrt(task.share @ (task.y - z) ** 2)
        if not len(task.y):
            return 0.0
        if self.K == 2:
            return task.share @ self.rules[t].value(task.y, z)
        z = z.astype(float)
        rows = np.arange(len(z))
        return task.share @ (logsumexp(z, axis=1) - z[rows, task.y])

    def penalty(self, W, parts=None):
        q = np.tile(self.q, len(W) // len(self.q))[:, None]
        v = SimpleNamespace(
            norm=q * W,
            square=np.sqrt(q) * W,
            parts=None if parts is None else [q * U for U in parts],
        )
        value = STRUCTURES[self.kind](Numbers, self.s, v)
        return value + self.ridge * np.sum(v.square**2)

    def spread(self, c):
        if not self.lambda0:
            return 0.0
        return self.lambda0 * np.sum((c - c.mean(axis=0)) ** 2)

    def objective(self, W, c, parts=None):
        value = self.penalty(W, parts)
        c = np.where(np.isfinite(c), c, 0)
        value = value + self.spread(c)
        for t in range(len(self.tasks)):
            loss = self.loss_of(t, self.predictions(W, c, t))
            value = value + self.omega[t] * loss
        return float(value)

    def rounding(self, W, c, parts=None):
        """Return what the objective owes to the last digits of the parameters."""
        eps, total = DIGITS * self.eps, 0.0
        c = np.where(np.isfinite(c), c, 0)
        for t in range(len(self.tasks)):
            task, w = self.tasks[t], self.own(W, t)
            sizes = np.abs(task.X) @ np.abs(w) + np.abs(c[t])
            sizes = sizes.max(axis=1) if self.K > 2 else sizes
            moves = eps * (sizes + np.abs(task.offset))
            if self.K == 2:
                moves = moves + eps * np.abs(task.y)
            z = self.predictions(W, c, t)
            if self.root:
                change = np.sqrt(task.share @ moves**2)
            elif self.K > 2:
                change = task.share @ (2 * moves)
            else:
                slope = np.abs(self.rules[t].slope(task.y, z))
                bend = self.rules[t].bend(task.y, z)
                change = task.share @ (slope * moves + bend * moves**2)
                if not np.any(bend):  # kinks
                    change = task.share @ moves
            total += self.omega[t] * change
        rng = np.random.default_rng(0)

        def moved(values):
            return eps * values * rng.choice([-1.0, 1.0], values.shape)

        off = self.penalty(moved(W), None if parts is None else list(map(moved, parts)))
        size = self.penalty(W, parts)
        if np.isfinite(off) and np.isfinite(size):
            total += off + 2 * np.sqrt(off * size) + eps * size
        off, size = self.spread(moved(c)), self.spread(c)
        return float(total + off + 2 * np.sqrt(off * size) + 1e-300)

    # witnesses

    def point_of(self, model):
        """Return W, c and parts of another fit of the same problem."""
        W, c = self._coefficients(model.coef_, model.intercept_)
        if self.parts is None:
            return W, c, None
        shares = model.shared_coef_, model.specific_coef_
        return W, c, [self._coefficients(U, c)[0] for U in shares]

    def best_intercept(self, which, offsets, omega):
        """Return the intercept that is best for these tasks together, by bisection."""
        tasks = [self.tasks[t] for t in which]
        if self.K > 2:
            return self._best_class_intercepts(tasks, offsets)
        ys = [np.asarray(task.y, LONG) for task in tasks]
        weights = [omega[t] * self.tasks[t].share for t in which]
        rules = [self.rules[t] for t in which]
        pairs = list(zip(ys, offsets, weights, rules, strict=True))
        pairs = [pair for pair in pairs if len(pair[0])]
        if not pairs:
            return 0.0
        if self.root:
            if len(pairs) > 1:
                return None
            y, z, w, _ = pairs[0]
            return w @ (y - z) / w.sum()
        names = {rule.name for *_, rule in pairs}
        if names == {"squared"}:
            total = sum(w.sum() for _, _, w, _ in pairs)
            return sum(w @ (y - z) for y, z, w, _ in pairs) / total
        if names == {"poisson"}:
            count = sum(w @ y for y, _, w, _ in pairs)
            if count == 0:
                return None
            top = max(np.max(z) for _, z, _, _ in pairs)
            rate = sum(w @ np.exp(z - top) for _, z, w, _ in pairs)
            return np.log(count) - np.log(rate) - top
        reach = 1 if names <= NUMERIC else 800
        low = min((y - z).min() for y, z, _, _ in pairs) - reach
        high = max((y - z).max() for y, z, _, _ in pairs) + reach
        for _ in range(200):
            middle = (low + high) / 2
            slope = sum(w @ rule.slope(y, z + middle) for y, z, w, rule in pairs)
            low, high = (middle, high) if slope < 0 else (low, middle)
        return high

    def _best_class_intercepts(self, tasks, offsets):
        """Return the intercepts of classes by Newton's method, from the shares."""
        c = np.zeros(self.K)
        for _ in range(100):
            gradient, hessian = np.zeros(self.K), 1e-12 * np.eye(self.K)
            for task, z in zip(tasks, offsets, strict=True):
                z = np.broadcast_to(
                    np.asarray(z, float).reshape(len(task.y), -1), (len(task.y), self.K)
                )
                p = softmax(z + c, axis=1)
                heavy = task.share[:, None] * p
                gradient += heavy.sum(axis=0)
                np.add.at(gradient, task.y, -task.share)
                hessian += np.diag(heavy.sum(axis=0)) - heavy.T @ p
            step = np.linalg.lstsq(hessian, gradient, rcond=None)[0]
            c = c - step * min(1.0, 3 / max(np.abs(step).max(), 1e-300))
        return c - c.mean()

    def refitted(self, W):
        """Return intercepts that are best for W, or None where that is no formula."""
        T = len(self.tasks)
        if self.form is False or self.form == "shrink":
            return None
        zero = np.zeros_like(self.c)
        z = [self.predictions(W, zero, t) for t in range(T)]
        used = range(T)
        c = zero.copy()
        if self.form == "shared":
            if self.K > 2 and len(set(self.omega)) > 1:
                return None
            best = self.best_intercept(used, [z[t] for t in used], self.omega)
            if best is None:
                return None
            c[:] = best
            return c
        for t in used:
            best = self.best_intercept([t], [z[t]], self.omega)
            if best is None:
                return None
            c[t] = best
        return c

    def null(self):
        """Return the objective of the null model, or a little more."""
        zero = np.zeros_like(self.W)
        parts = None if self.parts is None else [zero, zero]
        candidates = [np.zeros_like(self.c)]
        if self.form is not False:
            candidates.append(self.refitted(zero))
            own = [self._free(t) for t in range(len(self.tasks))]
            if self.form != "shared" and not any(c is None for c in own):
                candidates.append(np.array(own, LONG).reshape(self.c.shape))
        if self.form == "shrink" and not self.root:
            z = [self.predictions(zero, 0 * self.c, t) for t in range(len(self.tasks))]
            same = self.best_intercept(range(len(z)), z, self.omega)
            if same is not None:
                candidates.append(np.zeros_like(self.c) + same)
        values = [self.objective(zero, c, parts) for c in candidates if c is not None]
        if self.form == "shrink" or np.any(self.q == 0):
            found = self.solve(null=True, scale=max(min(values), 1e-300))
            if found is not None:
                values.append(self.objective(*found))
        return min(values)

    def solve(self, null=False, scale=None):
        """Return W, c and parts of a solution of cvxpy, or None if it has none."""
        scale = self.null() if scale is None else scale
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                with np.errstate(all="ignore"):
                    return self._solve(null, scale)
        except (cp.error.SolverError, cp.error.DCPError, ArithmeticError, ValueError):
            return None

    def _units(self):
        """Return units of the coefficients (d, T), and of the targets."""
        used = self.tasks
        spread = 1.0
        if self.root or (self.K == 2 and {r.name for r in self.rules} <= NUMERIC):
            spread = max(
                (np.std(task.y - task.offset) for task in used if len(task.y)),
                default=1.0,
            )
        spread = spread if spread > 0 else 1.0
        units = np.ones((len(self.q), len(self.tasks)))
        for t, task in enumerate(self.tasks):
            if not len(task.y):
                continue
            X = task.X - (task.X.mean(axis=0) if self.form is not False else 0)
            size = np.sqrt(np.mean((X / max(np.abs(X).max(), 1e-300)) ** 2, axis=0))
            size = size * max(np.abs(X).max(), 1e-300)
            known = size > 1e-12 * max(np.abs(task.X).max(), 1e-300)
            units[known, t] = 1 / size[known]
        if self.kind == "Pooled":
            units[:] = np.exp(np.log(units).mean(axis=1, keepdims=True))
        return units * spread, spread

    def _solve(self, null, scale):
        d, T, K = len(self.q), len(self.tasks), self.K
        units, spread = self._units()
        if K > 2:
            by_task = self.kind in BY_TASK
            units = np.tile(units, (K, 1)) if by_task else np.repeat(units, K, axis=1)
        shape = units.shape
        q = np.tile(self.q, shape[0] // d)[:, None]
        algebra = Expressions()

        def matrix():
            return cp.multiply(units, cp.Variable(shape))

        parts = None
        if self.kind == "Pooled":
            vector = cp.Variable((shape[0], 1))
            W = cp.multiply(units, vector @ np.ones((1, T)))
            W = W + cp.multiply((q == 0) * units, cp.Variable(shape))
        elif self.kind == "DataShared":
            common = cp.Variable((shape[0], 1))
            size = units.mean(axis=1, keepdims=True)
            parts = [cp.multiply(size @ np.ones((1, T)), common @ np.ones((1, T)))]
            parts.append(matrix())
        elif self.kind in PARTS:
            parts = [matrix(), matrix()]
        else:
            W = matrix()
        if parts is not None:
            W = parts[0] + parts[1]
        # intercepts: a centre, and what the coefficients owe to the means
        centre = np.zeros((T, K)) if K > 2 else np.zeros(T)
        if self.form is not False:
            for t in range(len(self.tasks)):
                own = self._free(t)
                centre[t] = 0.0 if own is None else own
            if self.form == "shared":
                centre[:] = centre.mean(axis=0)
        moves = spread * cp.Variable(centre.shape)
        means = [t.X.mean(axis=0) if len(t.y) else np.zeros(d) for t in self.tasks]
        z, cs = [], []
        for t, task in enumerate(self.tasks):
            w = self.own(W, t)
            if self.form is False:
                z.append(task.X @ w + _like(task.offset, K))
                cs.append(np.zeros(K) if K > 2 else 0.0)
                continue
            c = centre[t] + moves[t]
            inner = (task.X - means[t]) @ w
            if K > 2:
                ones = np.ones((len(task.y), 1))
                z.append(inner + ones @ cp.reshape(c, (1, K), order="C"))
            else:
                z.append(inner + c + task.offset)
            cs.append(c - means[t] @ w)
        if self.form == "shared":
            algebra.constraints += [c == cs[0] for c in cs[1:]]
        if self.positive:
            algebra.constraints.append(W >= 0)
        if null:
            algebra.constraints.append(cp.multiply((q > 0) * np.ones(shape), W) == 0)
        v = SimpleNamespace(
            norm=cp.multiply(q @ np.ones((1, shape[1])), W),
            square=cp.multiply(np.sqrt(q) @ np.ones((1, shape[1])), W),
            parts=None,
        )
        if parts is not None:
            v.parts = [cp.multiply(q @ np.ones((1, shape[1])), U) for U in parts]
        total = 0.0
        if not null:
            total = STRUCTURES[self.kind](algebra, self.s, v)
            if self.ridge:
                total = total + self.ridge * cp.sum_squares(v.square)
        if self.lambda0 and T > 1:
            width = (1, K if K > 2 else 1)
            stacked = cp.vstack([cp.reshape(c, width, order="C") for c in cs])
            away = (np.eye(T) - 1 / T) @ stacked
            total = total + self.lambda0 * cp.sum_squares(away)
        for t in range(len(self.tasks)):
            total = total + self.omega[t] * self._expression(t, z[t])
        scale = scale if np.isfinite(scale) and scale > 0 else 1.0
        problem = cp.Problem(cp.Minimize(total / scale), algebra.constraints)
        problem.solve(solver=cp.CLARABEL, **SOLVER)
        if W.value is None:
            return None
        return self._feasible(W, cs, parts)

    def _expression(self, t, z):
        task = self.tasks[t]
        if self.root:
            return cp.norm(cp.multiply(np.sqrt(task.share), task.y - z), 2)
        if self.K == 2:
            return self.rules[t].expression(task.y, z, task.share)
        hot = np.eye(self.K)[task.y] * task.share[:, None]
        return task.share @ cp.log_sum_exp(z, axis=1) - cp.sum(cp.multiply(hot, z))

    def _feasible(self, W, cs, parts):
        """Return the values of expressions, every constraint met."""
        c = np.array([getattr(c, "value", c) for c in cs], LONG).reshape(self.c.shape)
        if self.form == "shared":
            c = np.broadcast_to(c.mean(axis=0), c.shape)
        if parts is None:
            W = W.value.astype(LONG)
        else:
            parts = [U.value.astype(LONG) for U in parts]
            budget = getattr(self.s, "rank_budget", None)
            if self.kind == "SparseLowRank" and budget is not None:
                q = np.tile(self.q, len(parts[0]) // len(self.q))[:, None]
                trace = Numbers.trace(q * parts[0])
                parts[0] = parts[0] * min(1.0, budget / max(trace, 1e-300))
            W = parts[0] + parts[1]
        if self.positive:
            W = np.maximum(W, 0)
        better = self.refitted(W)
        if better is not None:
            old, new = (self.objective(W, x, parts) for x in (c, better))
            c = better if new < old else c
        return W, c, parts

    def witnesses(self, solve=True):
        """Yield other points with their objectives: (name, value, rounding)."""
        zero = np.zeros_like(self.W)
        parts = None if self.parts is None else [zero, zero]
        c = self.refitted(zero) if self.form is not False else 0 * self.c
        if c is not None:
            yield "the null model", self.objective(zero, c, parts)
        c = self.refitted(self.W)
        if c is not None:
            name = "the same coefficients with the best intercepts"
            yield name, self.objective(self.W, c, self.parts)
        if solve:
            found = self.solve()
            if found is not None:
                yield "cvxpy", self.objective(*found)

    # the verdict

    def faults(self, warned=None, others=(), solve=True):
        """Return what is wrong with the fit, in words.

        Parameters
        ----------
        warned : bool or None
            Whether the fit warned that it did not converge, if known.
        others : iterable of (name, W, c, parts)
            More witnesses.
        solve : bool
            Whether to ask cvxpy.
        """
        model, found = self.model, []
        self.checked = False
        if not np.isfinite(self.W).all():
            return ["coefficients: not finite"]
        if np.isnan(self.c).any():
            return ["coefficients: an intercept is NaN"]
        for t in self.alone_wrong:
            found.append(f"label: task {t} has both classes, or the other one")
        if self.positive and self.W.min(initial=0) < 0:
            found.append(f"sign: a coefficient is {float(self.W.min()):.3g}")
        same = self.W[np.tile(self.q, len(self.W) // len(self.q)) > 0]
        if self.kind == "Pooled" and np.any(same != same[:, :1]):
            found.append("coefficients: those of the pooled model differ")
        apart = np.ptp(self.c, axis=0) > 4 * self.eps * np.abs(self.c).max()
        if self.form == "shared" and apart.any():  # their units have been rounded
            found.append("intercept: the shared one differs between tasks")
        if self.form is False and self.c.any():
            found.append("intercept: there is one")
        with np.errstate(all="ignore"):
            value = self.objective(self.W, self.c, self.parts)
            rounding = self.rounding(self.W, self.c, self.parts)
            if not np.isfinite(value):
                return [*found, f"objective: of the coefficients it is {value}"]
            if self.parts is not None:
                off = float(np.abs(self.parts[0] + self.parts[1] - self.W).max())
                size = sum(float(np.abs(U).max()) for U in self.parts)
                if off > 4 * self.eps * size:
                    found.append(f"components: they miss coef_ by {off:.2g}")
            null = self.null()
            slack = rounding + 1e-9 * abs(value) + 0.01 * model.tol * null
            if not abs(value - model.objective_) <= slack:
                found.append(
                    f"objective: objective_ is {model.objective_:.12g}, of the "
                    f"coefficients it is {value:.12g} (rounding {rounding:.1e})"
                )
            points = list(self.witnesses(solve))
            points += [
                (name, self.objective(W, c, parts)) for name, W, c, parts in others
            ]
        points = [(name, v) for name, v in points if np.isfinite(v)]
        self.checked = any(
            name == "cvxpy" and v <= value + 1e-3 * null for name, v in points
        )
        self.null_value, self.value = null, value
        if warned is not None and warned == bool(model.converged_):
            found.append(
                f"warning: converged_ is {model.converged_}, warned is {warned}"
            )
        if not points:
            return found
        name, best = min(points, key=lambda point: point[1])
        gap = value - best
        # a null model that owes its objective to rounding has none
        slack = rounding * (1 + SLACK) + 64 * self.eps * self.eps * null
        said = f"{name} has {best:.9g}, the fit {value:.9g}, the null model {null:.6g}"
        if not gap <= model.dual_gap_ * (1 + SLACK) + slack and (
            "duality gap" in model.certificate_kind_
        ):
            found.append(f"certificate: dual_gap_ is {model.dual_gap_:.2e}, but {said}")
        if model.converged_ and not gap <= model.tol * null * (1 + 1e-3) + slack:
            found.append(
                f"optimum: converged ({model.certificate_kind_} "
                f"{model.certificate_:.1e}), but {said}"
            )
        return found


def _like(offset, K):
    return offset if K == 2 else offset[:, None] @ np.ones((1, K))
