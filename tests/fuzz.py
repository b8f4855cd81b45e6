"""Random fits of hostile data, each audited: ``python -m tests.fuzz --minutes 10``.

A case draws an estimator, a loss, a door, options and data that are made to be hard. It
fits with every warning an error that is not the package's own, within a limit of
processor time, and hands the fit to :class:`tests.audit.Audit`. What fails is made
smaller (fewer tasks, rows, columns, options, digits) as long as it fails alike, and
printed as lines to paste. Case N of a seed is always the same: ``--case N`` runs it
alone. The exit status is 1 if anything was found.

A fault is a fit that claims to have converged and has not; an objective or certificate
that is not that of the coefficients; a fit that does not end in time; an exception that
is not a ValueError or TypeError raised with a message by the package; a warning of
numpy or scipy; an invariance that does not hold (order of tasks and rows, repeated
rows for weights, another door, units).
"""

from __future__ import annotations

import argparse
import linecache
import re
import signal
import sys
import time
import traceback
import warnings
from collections import Counter
from dataclasses import dataclass, field, replace
from inspect import signature
from pathlib import Path

import numpy as np
import scipy.sparse as sp
from sklearn.exceptions import ConvergenceWarning

import pymtl
from pymtl import losses as pymtl_losses

from .audit import Audit, read_tasks
from .formulas import STRUCTURES

LIMIT = 20.0  # seconds of processor time for a fit
AUDIT_LIMIT = 20.0
TINY = 1e-25  # a strength that is rounding where targets are explained exactly
SHRINK_LIMIT = 30.0
FORMS = [True, True, True, False, "shared", "shrink"]
GENERAL = ["k_support", "column_l2", "chain", "trace_norm", "linf", "dirty", "ridge"]
NAMES = sorted(
    name
    for name in STRUCTURES
    if name in ("SingleTask", "Pooled") or hasattr(pymtl, f"MultiTask{name}Regressor")
)
MIXED = ["squared", "huber", "poisson", "logistic", "squared_hinge"]
POSITIVE = {"L1", "L21", "LInf", "SparseGroup"}
ORDINARY = (UserWarning, ConvergenceWarning)


class OutOfTimeError(Exception):
    """A fit did not end in time."""


# --- cases --------------------------------------------------------------------------


@dataclass
class Case:
    """An estimator with its options, and data in tasks."""

    name: str
    classify: bool
    options: dict
    Xs: list
    ys: list
    weights: list | None = None
    offsets: list | None = None
    door: str = "lists"
    dtype: str = "float64"
    sparse: bool = False
    warm: bool = False
    tags: tuple = field(default=(), compare=False)

    @property
    def loss(self):
        loss = self.options.get("loss")
        if self.name == "Mixed":
            return "mixed"
        if self.name == "Calibrated":
            return "square_root"
        if self.classify:
            labels = {v for y in self.ys for v in y[y == y].tolist()}
            if len(labels) > 2:
                return "multinomial"
        if loss is None:
            return "logistic" if self.classify else "squared"
        return loss if isinstance(loss, str) else type(loss).__name__.lower()

    def estimator(self):
        kind = "Classifier" if self.classify else "Regressor"
        kind = "" if self.name == "Mixed" else kind
        options = dict(self.options)
        if self.door == "long":
            options["task_column"] = 0
        if self.warm:
            options["warm_start"] = True
        return _class(self.name, kind)(**options)

    def data(self):
        """Return X, y, sample_weight and offset in the form of the door."""
        dtype = np.dtype(self.dtype)
        Xs = [X.astype(dtype) for X in self.Xs]
        ys = [y if self.classify else y.astype(dtype) for y in self.ys]
        extra = {"sample_weight": self.weights, "offset": self.offsets}
        if self.door == "shared":
            X = sp.csr_array(Xs[0]) if self.sparse else Xs[0]
            extra = {k: v and np.stack(v, axis=1) for k, v in extra.items()}
            return X, np.stack(ys, axis=1), extra
        if self.door == "long":
            task = np.repeat(np.arange(len(Xs)), [len(X) for X in Xs])
            order = np.argsort(np.random.default_rng(0).random(len(task)))
            X = np.column_stack([task, np.vstack(Xs)])[order]
            extra = {k: v and np.concatenate(v)[order] for k, v in extra.items()}
            return X, np.concatenate(ys)[order], extra
        if self.sparse:
            Xs = [sp.csr_array(X) for X in Xs]
        if self.door == "dict":

            def named(values):
                return values and {f"t{i}": v for i, v in enumerate(values)}

            return named(Xs), named(ys), {k: named(v) for k, v in extra.items()}
        return Xs, ys, extra


def _class(name, kind):
    prefix = "" if name in ("SingleTask", "Pooled") else "MultiTask"
    return getattr(pymtl, f"{prefix}{name}{kind}")


def _number(rng, low, high):
    return float(f"{10 ** rng.uniform(low, high):.3g}")


def draw(seed, number):
    """Return case `number` of a seed."""
    rng = np.random.default_rng([seed, number])
    pick = rng.choice
    classify = bool(rng.random() < 0.35)
    names = [n for n in NAMES if not (classify and n == "Calibrated")] + ["", "Mixed"]
    name = str(pick(names))
    classify = classify and name != "Mixed"
    options = {}
    if name in ("", "Mixed"):
        options["penalty"] = str(pick(GENERAL))
    loss = _draw_loss(rng, name, classify)
    if loss is not None:
        options["loss"] = loss
    form = FORMS[rng.integers(len(FORMS))]
    if name == "Calibrated":
        form = bool(form)
    if name != "Pooled" or rng.random() < 0.5:
        if form is not True or name == "Pooled":
            options["fit_intercept"] = form
    if form == "shrink" and rng.random() < 0.5:
        options["lambda0"] = float(pick([0.0, 1e-6, 0.01, 1.0, 1e3]))
    door = str(pick(["lists", "lists", "dict", "shared", "long"]))
    tags, Xs, ys = _draw_data(rng, door, classify, loss)
    n_tasks, d = len(Xs), Xs[0].shape[1]
    if name == "Mixed":
        options["loss"], ys = _draw_mixed(rng, ys)
    _draw_strengths(rng, name, classify, options)
    _draw_structure(rng, name, options, n_tasks, d)
    case = Case(name, classify, options, Xs, ys, door=door, tags=tags)
    if rng.random() < 0.25:
        weight = pick(["n_samples", "null", "learned", "numbers"])
        if weight == "learned" and (classify or loss is not None or name == "Mixed"):
            weight = "null"
        if name == "Calibrated" and weight == "learned":
            weight = "n_samples"
        if weight == "numbers":
            weight = [_number(rng, -2, 2) for _ in range(n_tasks)]
        options["task_weight"] = weight if isinstance(weight, list) else str(weight)
        if weight == "learned" and isinstance(form, str):
            options.pop("fit_intercept", None)
    if rng.random() < 0.2:
        case.weights = [_draw_weights(rng, len(y)) for y in ys]
        if "three classes" in tags:  # a class without weight is not there
            case.weights = [np.where(w > 0, w, 1.0) for w in case.weights]
    if rng.random() < 0.15:
        case.offsets = [np.round(rng.normal(size=len(y)), 2) for y in ys]
    if rng.random() < 0.2:
        weight = pick([0.0, 0.0, 1.0, 1.0, 0.1, 10.0, 1e-4], d)
        if weight.any() and options.get("rank_budget") is None:
            options["feature_weight"] = weight.tolist()
    if name in POSITIVE and rng.random() < 0.3:
        options["positive"] = True
    if rng.random() < 0.15:
        options["solver"] = str(pick(["apg", "bcd", "newton", "direct"]))
    if rng.random() < 0.1:
        options["tol"] = float(pick([1e-3, 1e-8]))
    if rng.random() < 0.1:
        options["max_iter"] = int(pick([1, 5, 100]))
    if classify:
        options["single_class"] = "constant"
    if rng.random() < 0.2:
        case.dtype = "float32"
    case.sparse = bool(door != "long" and rng.random() < 0.15)
    case.warm = bool(rng.random() < 0.1)
    return case


def _draw_mixed(rng, ys):
    """Return a loss for each task, and targets that go with them."""
    losses, targets = [str(name) for name in rng.choice(MIXED, len(ys))], []
    for t, (loss, y) in enumerate(zip(losses, ys, strict=True)):
        seen = y[y == y]
        top = np.abs(seen).max() or 1.0
        if loss == "poisson":
            y = np.where(y == y, np.round(np.exp(2 * y / top)), np.nan)
        elif loss in ("logistic", "squared_hinge"):
            if len(np.unique(seen)) < 2:
                losses[t] = "squared"
            else:
                y = np.where(y == y, 1.0 * (y > seen.min()), np.nan)
        targets.append(y)
    return losses, targets


def _draw_loss(rng, name, classify):
    if name in ("Calibrated", "Mixed"):
        return None
    if classify:
        return [None, None, "squared_hinge", "hinge"][rng.integers(4)]
    kind = rng.integers(7)
    if kind <= 2:
        return None
    if kind == 3:
        return pymtl_losses.Huber(float(rng.choice([0.1, 1.35, 10.0])))
    if kind == 4:
        return pymtl_losses.Quantile(float(rng.choice([0.1, 0.5, 0.9])))
    return ["poisson", "huber"][kind - 5]


def _draw_strengths(rng, name, classify, options):
    if name in ("", "Mixed"):
        return
    kind = "Classifier" if classify else "Regressor"
    known = signature(_class(name, kind)).parameters
    names = [n for n in ("lambda1", "lambda2", "lambda3", "ridge") if n in known]
    for strength in names:
        kind = rng.random()
        if strength == "ridge" and kind < 0.7:
            continue
        if kind < 0.4:
            continue
        if kind < 0.55:
            options[strength] = 0.0
        elif kind < 0.65:
            options[strength] = _number(rng, -17, -6)
        elif kind < 0.92:
            options[strength] = _number(rng, -4, 1)
        elif kind < 0.97:
            options[strength] = _number(rng, 1, 6)
        elif strength != "ridge":
            options[strength] = "auto"


def _draw_structure(rng, name, options, n_tasks, d):
    pick = rng.choice
    if name == "Clustered":
        options["n_clusters"] = int(rng.integers(1, n_tasks + 1))
        options["center"] = bool(rng.random() < 0.5)
    if name == "ASO":
        options["n_components"] = int(rng.integers(1, min(n_tasks, d) + 2))
    if name == "Dirty" and rng.random() < 0.5:
        options["shared_norm"] = "2"
    if name == "SparseLowRank" and rng.random() < 0.25:
        options["rank_budget"] = _number(rng, -2, 2)
        options.pop("lambda2", None)
    if name in ("Graph", "NetworkLasso") and n_tasks > 1:
        graph = pick(["mean", "order", "given"])
        if graph == "given":
            A = np.triu(pick([0.0, 0.0, 1.0, 0.1, 30.0], (n_tasks, n_tasks)), 1)
            graph = (A + A.T).tolist()
        options["graph"] = graph if isinstance(graph, list) else str(graph)
    if name in ("TemporalGroup", "FusedSparseGroup") and rng.random() < 0.3:
        times = np.cumsum(pick([0.01, 1.0, 1.0, 50.0], n_tasks))
        options["times"] = rng.permutation(times).round(2).tolist()
    if name == "Tree" and n_tasks > 2 and rng.random() < 0.5:
        options["tree"] = [list(range(n_tasks - 1)), n_tasks - 1]


def _draw_weights(rng, n):
    weight = rng.choice([0.0, 1.0, 1.0, 1.0, 2.0, 0.01, 100.0], n)
    weight[rng.integers(n)] = 1.0
    return weight


# --- hostile data -------------------------------------------------------------------


def _draw_design(rng, n, d):
    """Return a design (n, d) and the name of what is wrong with it."""
    X = rng.normal(size=(n, d))
    kind = str(
        rng.choice(
            ["plain"] * 4
            + ["collinear", "constant", "onehot", "scales", "origin", "repeated"]
            + ["integers", "zeros", "tiny", "huge", "nearly", "sparse", "hidden"]
        )
    )
    if kind == "collinear":
        X[:, -1] = X[:, 0]
    elif kind == "nearly":
        X[:, -1] = X[:, 0] + 1e-6 * X[:, -1]
    elif kind == "constant":
        X[:, rng.integers(d)] = rng.choice([0.0, 1.0, 1e6])
    elif kind == "onehot":
        X = np.eye(d)[rng.integers(0, d, n)]
    elif kind == "scales":
        X *= 10 ** rng.uniform(-6, 6, d)
    elif kind == "origin":
        X += 10 ** rng.uniform(0, 7, d)
    elif kind == "repeated":
        X = X[rng.integers(0, max(n // 3, 1), n)]
    elif kind == "integers":
        X = np.round(2 * X)
    elif kind == "zeros":
        X[:] = 0.0
    elif kind == "tiny":
        X *= 1e-100 if rng.random() < 0.5 else 1e-10
    elif kind == "huge":
        X *= 1e12
    elif kind == "sparse":
        X *= rng.random(X.shape) < 0.3
    elif kind == "hidden":
        X[:, rng.integers(d)] *= rng.choice([1e-310, 1e-30, 1e-12])
    return kind, X


def _draw_data(rng, door, classify, loss):
    n_tasks, d = int(rng.integers(1, 6)), int(rng.integers(1, 7))
    sizes = [int(np.exp(rng.uniform(np.log(1), np.log(25)))) for _ in range(n_tasks)]
    if door == "shared":
        sizes = [max(max(sizes), 2)] * n_tasks
    if classify:
        sizes = [max(n, 2) for n in sizes]
    common, tags, Xs, ys = rng.normal(size=d), set(), [], []
    same = rng.random() < 0.5
    seed = rng.integers(2**32)
    for t, n in enumerate(sizes):
        if door != "shared" or t == 0:
            own = np.random.default_rng(seed) if same else rng
            kind, X = _draw_design(own, n, d)
            X = X.astype(np.float32).astype(float) if rng.random() < 0.1 else X
            tags.add(kind)
        Xs.append(X)
        size = np.sqrt(np.mean((X / max(np.abs(X).max(), 1e-300)) ** 2, axis=0))
        size = size * max(np.abs(X).max(), 1e-300)
        Z = (X - X.mean(axis=0)) / np.where(size > 0, size, 1)
        ys.append(Z @ (common + 0.5 * rng.normal(size=d)))
    if classify:
        kind, ys = _draw_labels(rng, ys)
    elif isinstance(loss, str) and loss == "poisson":
        kind, ys = _draw_counts(rng, ys)
    else:
        kind, ys = _draw_targets(rng, ys)
    tags.add(kind)
    if door == "shared" and rng.random() < 0.4:
        tags.add("missing")
        for t, y in enumerate(ys):
            y = y.astype(float)
            gone = rng.random(len(y)) < 0.3
            gone[rng.integers(len(y))] = False
            if classify:
                for label in np.unique(y):
                    gone[np.flatnonzero(y == label)[0]] = False
            y[gone] = np.nan
            ys[t] = y
    return tuple(sorted(tags)), Xs, ys


def _draw_targets(rng, zs):
    kind = str(
        rng.choice(
            ["noise"] * 3
            + ["exact", "flat", "outlier", "shift", "far", "units", "large", "ties"]
        )
    )
    ys = [z + 0.5 * rng.normal(size=len(z)) for z in zs]
    if kind == "exact":
        ys = zs
    elif kind == "flat":
        ys = [np.full(len(z), float(rng.integers(3))) for z in zs]
    elif kind == "outlier":
        t = rng.integers(len(ys))
        ys[t][rng.integers(len(ys[t]))] = rng.choice([-1.0, 1.0]) * 1e6
    elif kind == "shift":
        ys = [y + 50.0 * t for t, y in enumerate(ys)]
    elif kind == "far":
        far = 10 ** rng.uniform(2, 7)
        ys = [y + far for y in ys]
    elif kind == "units":
        ys = [y * 10 ** rng.uniform(-3, 3) for y in ys]
    elif kind == "large":
        unit = 10.0 ** rng.choice([-20, -8, 8, 15])
        ys = [y * unit for y in ys]
    elif kind == "ties":
        ys = [np.round(y) for y in ys]
    return kind, ys


def _draw_counts(rng, zs):
    kind = str(rng.choice(["counts", "counts", "large counts", "one count", "rare"]))
    zs = [np.clip(z, -4, 4) for z in zs]
    if kind == "large counts":
        rate = 10 ** rng.uniform(2, 8)
        return kind, [rng.poisson(rate * np.exp(z / 4)).astype(float) for z in zs]
    ys = [rng.poisson(np.exp(z / 2)).astype(float) for z in zs]
    if kind == "one count":
        ys[0][0] = float(rng.choice([1e4, 1e6]))
    if kind == "rare":
        ys = [np.zeros(len(z)) for z in zs]
        ys[0][0] = 1.0
    return kind, ys


def _draw_labels(rng, zs):
    kind = str(
        rng.choice(["noisy", "noisy", "separable", "alone", "rare", "three classes"])
    )
    ys = []
    for z in zs:
        noise = 0.0 if kind == "separable" else 1.0
        z = z + noise * rng.normal(size=len(z))
        y = (z > np.median(z)).astype(float)
        if kind == "rare":
            y = np.zeros(len(z))
        if kind == "three classes" and len(z) >= 3:
            y = np.argsort(np.argsort(z)) * 3 // len(z)
        if len(np.unique(y)) < 2:
            y[0], y[-1] = 0, 1
        ys.append(y.astype(float))
    if kind == "three classes" and any(len(np.unique(y)) < 3 for y in ys):
        kind, ys = "noisy", [np.minimum(y, 1.0) for y in ys]
        for y in ys:
            y[0], y[-1] = 0, 1
    if kind == "alone" and len(ys) > 1:
        ys[0][:] = rng.integers(2)
    return kind, [y.astype(int) for y in ys]


# --- one case -----------------------------------------------------------------------


@dataclass
class Outcome:
    """What became of a case: its state, faults in words, and the model."""

    state: str
    faults: list
    message: str = ""
    checked: bool = False
    model: object = None


class limit:  # noqa: N801 - reads as a statement
    """Raise OutOfTimeError after some seconds of processor time."""

    def __init__(self, seconds):
        self.seconds = seconds

    def __enter__(self):
        self.old = signal.signal(signal.SIGPROF, self._stop)
        # again and again, for what is raised within a callback of C is lost
        signal.setitimer(signal.ITIMER_PROF, self.seconds, 1.0)

    def __exit__(self, *_):
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, self.old)

    def _stop(self, *_):
        raise OutOfTimeError


def is_refusal(error):
    """Return whether an exception is a message to the user, raised on purpose."""
    if type(error) not in (ValueError, TypeError) or not str(error):
        return False
    frame = traceback.extract_tb(error.__traceback__)[-1]
    line = linecache.getline(frame.filename, frame.lineno).strip()
    ours = "pymtl" in frame.filename or "sklearn/utils" in frame.filename
    return ours and line.startswith("raise")


def _where(error):
    """Return the last lines of the package in a traceback."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [f for f in frames if "/pymtl/" in f.filename]
    return " < ".join(
        f"{f.filename.split('/pymtl/')[-1]}:{f.lineno}" for f in ours[:-4:-1]
    )


def fit(case):
    """Fit a case; return the model, what it warned of, or raise."""
    X, y, extra = case.data()
    model = case.estimator()
    kept = _copies(X, y, extra)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("error")
        warnings.filterwarnings("always", category=UserWarning)
        for _ in range(1 + case.warm):
            caught.clear()
            with limit(LIMIT):
                model.fit(X, y, **extra)
    odd = [w for w in caught if w.category not in ORDINARY]
    if odd:
        raise odd[0].category(odd[0].message)
    if not _equal(kept, _copies(X, y, extra)):
        msg = "the inputs were modified"
        raise AssertionError(msg)
    warned = any(w.category is ConvergenceWarning for w in caught)
    return model, warned, (X, y, extra)


def _copies(*values):
    flat = []
    for value in values:
        if isinstance(value, dict):
            flat += _copies(*value.values())
        elif isinstance(value, list):
            flat += _copies(*value)
        elif sp.issparse(value):
            flat.append(value.toarray())
        elif value is not None:
            flat.append(np.array(value))
    return flat


def _equal(a, b):
    return all(np.array_equal(x, y, equal_nan=True) for x, y in zip(a, b, strict=True))


def _counts_rows(case):
    """Return whether automatic strengths, as a prior of labels, count the rows."""
    values = case.estimator().get_params().values()
    labels = case.classify or case.name == "Mixed"
    return labels and any(isinstance(v, str) and v == "auto" for v in values)


def twins(case):
    """Yield the same problem in other forms, whose solution is the same."""
    rng = np.random.default_rng(len(case.Xs[0]))

    def each(change):
        """Return the case with the rows of each task changed."""
        values = {}
        for name in ("Xs", "ys", "weights", "offsets"):
            arrays = getattr(case, name)
            changed = arrays and [change(v, t) for t, v in enumerate(arrays)]
            values[name] = changed
        return replace(case, **values)

    if case.door == "shared":
        order = rng.permutation(len(case.Xs[0]))
        yield "rows in another order", each(lambda v, t: v[order])
    else:
        orders = [rng.permutation(len(X)) for X in case.Xs]
        yield "rows in another order", each(lambda v, t: v[orders[t]])
    half = each(lambda v, t: np.concatenate([v, v]))
    weights = case.weights or [np.ones(len(y)) for y in case.ys]
    halves = [np.concatenate([w, w]) / 2 for w in weights]
    if not _counts_rows(case):
        yield "rows split in two", replace(half, weights=halves)
    if case.door == "shared":
        seen = [y == y for y in case.ys]
        yield "as lists", replace(each(lambda v, t: v[seen[t]]), door="lists")
    elif not case.sparse:
        door = "long" if case.door in ("lists", "dict") else "lists"
        yield f"as {door}", replace(case, door=door)


def compared(model, case):
    """Return the fit of a twin of a case, chosen by its data, its name and faults."""
    choices = list(twins(case))
    name, twin = choices[len(case.ys[0]) % len(choices)]
    try:
        other, _, _ = fit(twin)
    except OutOfTimeError:
        return None, name, [f"hang: only with {name}"]
    except Exception as error:  # noqa: BLE001
        kind = type(error).__name__
        return None, name, [f"invariance: {name}: {kind}: {str(error)[:150]}"]
    faults = []
    slack = 1e-3 if case.dtype == "float32" else 1e-6
    for strength in ("lambda0_", "lambda1_", "lambda2_", "lambda3_"):
        a, b = (getattr(m, strength, None) or 0.0 for m in (model, other))
        if not np.isclose(a, b, rtol=slack, atol=TINY):
            faults.append(f"invariance: {strength} is {a:.6g}, {b:.6g} with {name}")
    return (None if faults else other), name, faults


def run(case, solve=True):
    """Fit and audit a case."""
    try:
        model, warned, (X, y, extra) = fit(case)
    except OutOfTimeError:
        return Outcome("fault", [f"hang: more than {LIMIT:.0f} s"])
    except Exception as error:  # noqa: BLE001 - all kinds are of interest
        if is_refusal(error):
            return Outcome("refused", [], str(error))
        kind = type(error).__name__
        text = f"exception: {kind}: {str(error)[:200]} ({_where(error)})"
        return Outcome("fault", [text])
    state = "warned" if warned else "certified"
    checked, other, broken = False, None, []
    if len(case.ys) % 2 and not case.warm:
        other, name, broken = compared(model, case)
    try:
        with limit(AUDIT_LIMIT), np.errstate(all="ignore"):
            audit = Audit(model, read_tasks(model, X, y, **extra))
            others = [] if other is None else [(name, *audit.point_of(other))]
            faults = audit.faults(warned, others, solve) + broken
            checked = audit.checked
    except OutOfTimeError:
        faults = broken
    if faults:
        state = "fault"
    return Outcome(state, faults, checked=checked, model=model)


def kinds(faults):
    """Return the kinds of faults: the first word, of exceptions the second too."""
    found = set()
    for fault in faults:
        words = fault.split(":")
        found.add(":".join(words[: 2 if words[0] == "exception" else 1]))
    return found


# --- shrinking ----------------------------------------------------------------------


def smaller(case):
    """Yield cases that are simpler, the greatest steps first."""
    T, d = len(case.Xs), case.Xs[0].shape[1]
    for t in range(T):
        if T > 1:
            yield _without_task(case, t)
    for name in list(case.options):
        options = {k: v for k, v in case.options.items() if k != name}
        yield replace(case, options=options)
    for name in ("weights", "offsets"):
        if getattr(case, name) is not None:
            yield replace(case, **{name: None})
    if case.warm or case.sparse or case.dtype != "float64":
        yield replace(case, warm=False)
        yield replace(case, sparse=False)
        yield replace(case, dtype="float64")
    if case.door in ("dict", "long"):
        yield replace(case, door="lists")
    elif case.door == "shared" and not any(np.any(y != y) for y in case.ys):
        yield replace(case, door="lists")
    for j in range(d):
        if d > 1:
            yield _without_column(case, j)
    if case.door == "shared":
        yield from _without_rows(case, None)
    else:
        for t in range(T):
            yield from _without_rows(case, t)
    for digits in (0, 1, 3):
        Xs = [_rounded(X, digits) for X in case.Xs]
        ys = case.ys if case.classify else [_rounded(y, digits) for y in case.ys]
        if any(np.any(a != b) for a, b in zip(Xs, case.Xs, strict=True)):
            yield replace(case, Xs=Xs)
        if any(np.any((a != b) & (b == b)) for a, b in zip(ys, case.ys, strict=True)):
            yield replace(case, ys=ys)


def _rounded(values, digits):
    """Round to some digits of the largest value."""
    top = np.nanmax(np.abs(values), initial=0.0)
    if top == 0:
        return values
    unit = 10.0 ** np.floor(np.log10(top))
    with np.errstate(all="ignore"):
        rounded = np.round(values / unit, digits) * unit
    return np.where(np.isfinite(rounded), rounded, values)


def _options_without_task(case, t):
    options = dict(case.options)
    for name in ("task_weight", "times", "loss"):
        if isinstance(options.get(name), list):
            options[name] = [v for i, v in enumerate(options[name]) if i != t]
    if isinstance(options.get("graph"), list):
        A = np.delete(np.delete(np.array(options["graph"]), t, 0), t, 1)
        options["graph"] = A.tolist()
    options.pop("tree", None)
    return options


def _without_task(case, t):
    def rest(values):
        return values and [v for i, v in enumerate(values) if i != t]

    return replace(
        case,
        options=_options_without_task(case, t),
        Xs=rest(case.Xs),
        ys=rest(case.ys),
        weights=rest(case.weights),
        offsets=rest(case.offsets),
    )


def _without_column(case, j):
    options = dict(case.options)
    if "feature_weight" in options:
        options["feature_weight"] = np.delete(options["feature_weight"], j).tolist()
    return replace(case, options=options, Xs=[np.delete(X, j, axis=1) for X in case.Xs])


def _without_rows(case, t):
    """Yield the case without half of the rows of a task (None: of all), and one."""
    n = len(case.Xs[t or 0])
    pieces = [range(n // 2), range(n // 2, n)] if n > 3 else []
    for gone in [list(p) for p in pieces] + [[i] for i in range(min(n, 8)) if n > 1]:

        def cut(values, gone=gone):
            if values is None:
                return None
            return [
                np.delete(v, gone, axis=0) if t in (None, i) else v
                for i, v in enumerate(values)
            ]

        yield replace(
            case,
            Xs=cut(case.Xs),
            ys=cut(case.ys),
            weights=cut(case.weights),
            offsets=cut(case.offsets),
        )


def shrink(case, outcome, judge=run, seconds=SHRINK_LIMIT):
    """Return the smallest case found with a fault of the same kind, and its outcome."""
    wanted, end = kinds(outcome.faults), time.process_time() + seconds
    moved = True
    while moved and time.process_time() < end:
        moved = False
        for other in smaller(case):
            if time.process_time() > end:
                break
            try:
                found = judge(other)
            except Exception:  # noqa: BLE001 - the auditor does not know such a case
                continue
            if kinds(found.faults) & wanted:
                case, outcome, moved = other, found, True
                break
    return case, outcome


def reproduction(case):
    """Return lines that fit a case."""
    X, y, extra = case.data()
    lines = ["import numpy as np", "import scipy.sparse as sp", "import pymtl"]

    def text(value):
        if isinstance(value, dict):
            return "{" + ", ".join(f"{k!r}: {text(v)}" for k, v in value.items()) + "}"
        if isinstance(value, list):
            return "[" + ", ".join(map(text, value)) + "]"
        if sp.issparse(value):
            return f"sp.csr_array({text(value.toarray())})"
        if isinstance(value, np.ndarray):
            dtype = "" if value.dtype.kind != "f" else f", dtype=np.{value.dtype}"
            return f"np.array({value.tolist()!r}{dtype})".replace("nan", "np.nan")
        return repr(value)

    lines += [f"X = {text(X)}", f"y = {text(y)}"]
    model = case.estimator()
    options = model.get_params(deep=False)
    default = type(model)().get_params(deep=False)
    shown = []
    for name, value in options.items():
        if repr(value) != repr(default[name]):
            prefix = "pymtl.losses." if isinstance(value, pymtl_losses.Loss) else ""
            shown.append(f"{name}={prefix}{value!r}")
    given = "".join(f", {k}={text(v)}" for k, v in extra.items() if v is not None)
    lines.append(f"model = pymtl.{type(model).__name__}({', '.join(shown)})")
    lines.append(f"model.fit(X, y{given})")
    if case.warm:
        lines.append(f"model.fit(X, y{given})")
    lines.append("print(model.objective_, model.certificate_, model.coef_)")
    return "\n".join(lines)


# --- the hunt -----------------------------------------------------------------------


@dataclass
class Report:
    """Counts of a hunt."""

    states: Counter = field(default_factory=Counter)
    by: dict = field(default_factory=dict)
    refusals: Counter = field(default_factory=Counter)
    unchecked: int = 0
    seconds: Counter = field(default_factory=Counter)
    found: list = field(default_factory=list)

    def add(self, number, case, outcome):
        self.states[outcome.state] += 1
        for key in (f"{case.name or 'general'}", f"loss {case.loss}", case.door):
            self.by.setdefault(key, Counter())[outcome.state] += 1
        if outcome.state == "refused":
            message = re.sub(r"[-+.\d]+(e[-+]?\d+)?", "#", outcome.message)
            self.refusals[message[:90]] += 1
        if outcome.model is not None and not outcome.checked:
            self.unchecked += 1
        if outcome.state == "fault":
            self.found.append((number, case, outcome))

    def summary(self):
        total = sum(self.states.values())
        order = ["certified", "warned", "refused", "fault"]
        counts = ", ".join(f"{self.states[s]} {s}" for s in order)
        lines = [
            f"{total} fits: {counts}; {self.unchecked} without an optimum of cvxpy"
        ]
        lines.append(f"{'':22}" + "".join(f"{s:>11}" for s in order))
        for key in sorted(self.by, key=lambda k: (k.startswith("loss"), k)):
            row = "".join(f"{self.by[key][s]:>11}" for s in order)
            lines.append(f"{key:22}{row}")
        slow = ", ".join(f"{n} ({s:.0f} s)" for n, s in self.seconds.most_common(12))
        lines.append(f"{sum(self.seconds.values()):.0f} s, the slowest cases: {slow}")
        lines += [f"refused {n:4} x {m}" for m, n in self.refusals.most_common(20)]
        return "\n".join(lines)


def hunt(seed, numbers, minutes=None, say=print, small=True):
    """Run cases until they end, or the minutes of processor time; return a Report."""
    report, start, known = Report(), time.process_time(), Counter()
    for number in numbers:
        if minutes is not None and time.process_time() - start > 60 * minutes:
            break
        begin = time.process_time()
        case = draw(seed, number)
        outcome = run(case)
        report.seconds[number] = time.process_time() - begin
        report.add(number, case, outcome)
        if outcome.state != "fault":
            continue
        alike = (case.name, case.loss, tuple(sorted(kinds(outcome.faults))))
        known[alike] += 1
        head = f"seed {seed}, case {number} ({', '.join(case.tags)}): "
        say(head + "; ".join(outcome.faults))
        if small and known[alike] == 1 and "hang" not in kinds(outcome.faults):
            case, outcome = shrink(case, outcome)
        if known[alike] <= 3:
            say("    " + "; ".join(outcome.faults))
            say(reproduction(case) + "\n")
    return report


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="tests.fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, help="of processor time")
    parser.add_argument("--cases", type=int, help="how many cases")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=0, help="number of the first case")
    parser.add_argument("--case", type=int, help="run this case alone")
    parser.add_argument("--no-shrink", action="store_true")
    parser.add_argument("--out", type=Path, help="write there too")
    given = parser.parse_args(arguments)

    def say(text):
        print(text, flush=True)
        if given.out is not None:
            with given.out.open("a") as file:
                file.write(text + "\n")

    if given.case is not None:
        numbers = [given.case]
    else:
        end = given.first + (given.cases or 10**9)
        numbers = range(given.first, end)
    minutes = given.minutes
    if minutes is None and given.cases is None:
        minutes = 10
    report = hunt(given.seed, numbers, minutes, say, not given.no_shrink)
    say(report.summary())
    return int(bool(report.found))


if __name__ == "__main__":
    sys.exit(main())
