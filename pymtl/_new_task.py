"""A task that was not in training, with the learned structure held fixed.

The penalty says what it is for one more task; here the model of that task is put
together from the parts of the penalty, the intercepts and the feature weights.
"""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.base import is_classifier
from sklearn.utils import check_array, column_or_1d
from sklearn.utils.validation import check_is_fitted, validate_data

from ._feature_weight import FeatureWeight, feature_values
from ._sparse_coef import dense
from .losses import LOSSES
from .penalties import Mean, Prior
from .penalties._base import degree, summands
from .penalties._components import beside
from .penalties._prior import Place, joined
from .tasks import LONG, encode_tasks, split_column


def fit_new_task(
    estimator: Any,
    X: Any,
    y: Any,
    sample_weight: Any = None,
    offset: Any = None,
    neighbours: Any = None,
    time: float | None = None,
    **options: Any,
) -> Any:
    """Return the model of a new task, see :meth:`MultiTaskBase.fit_new_task`."""
    check_is_fitted(estimator)
    learned = Learned(estimator)
    if learned.mixed:
        _refuse(learned, y, options["loss"])
    table, X, label = X, *_without_column(estimator, X)
    names = list(X.columns) if hasattr(X, "columns") else None
    rows = _rows(learned, X, y, sample_weight, offset)
    penalties = _penalties(learned, _place(estimator, neighbours, time))
    models = [_fit(learned, penalty, rows, options) for penalty in penalties]
    new = models[int(np.argmin([model.objective_ for model in models]))]
    new.coef_names_ = estimator.coef_names_
    new.n_features_in_ = new._n_coef = learned.n_features
    if names is not None:
        new.feature_names_in_ = np.array(names, dtype=object)
        new._feature_names = names
    return new if label is None else _behind_column(new, estimator, table, label)


def _without_column(estimator, X):
    """Return the rows without a task column, and its label if they had one."""
    column, d = estimator.task_column, len(estimator.coef_names_)
    if column is None or len(getattr(X, "shape", ())) != 2 or X.shape[1] != d + 1:
        return X, None
    features, labels, _, names = split_column(X, column)
    labels = encode_tasks(labels)[0]
    if len(labels) > 1:
        msg = (
            f"The task column {column!r} holds {len(labels)} tasks, "
            f"{labels.tolist()[:5]}: fit_new_task fits one, call it for each."
        )
        raise ValueError(msg)
    if names is not None:
        features = X[[c for c in X.columns if c in names]]
    return features, labels


def _behind_column(new, estimator, table, label):
    """Have a model of one task read tables with a task column."""
    new.task_column, new._door = estimator.task_column, LONG
    new.tasks_ = new._input_labels = label
    validate_data(new, table, reset=True, skip_check_array=True)
    return new


class Learned:
    """A fitted model as its penalty sees it: weighted features, standardised targets.

    Parameters
    ----------
    estimator : estimator
        The model.
    """

    def __init__(self, estimator):
        self.estimator = estimator
        self.mixed = hasattr(estimator, "_losses")
        self.n_tasks, self.n_classes, d = _per_class(estimator.coef_).shape
        self.scale = estimator._scale if self.mixed else np.ones(self.n_tasks)
        self.n_features = d
        self.one_prediction = self.n_classes == 1 and not self.mixed
        self.pooled = estimator._pool(self.n_tasks) is not None
        parts = summands(estimator.penalty_)
        self.by_task = self.pooled or any(part.by_task for part in parts)
        given = estimator.feature_weight
        weight = np.ones(d) if given is None else feature_values(given, d)
        features = FeatureWeight(weight, degree(estimator.penalty_))
        self.kept, self.free = features.kept, features.free
        self.root = features.root[self.kept, 0]
        self.quadratic = features.quadratic

    def columns(self, coef: Any) -> np.ndarray:
        """Return coefficients in the form of coef_ as the penalty sees them."""
        V = _per_class(coef)[:, :, self.kept] * self.root
        V = np.asarray(V, dtype=float) / self.scale[:, None, None]
        if self.by_task:
            return V.reshape(self.n_tasks, -1).T
        return V.reshape(-1, len(self.kept)).T

    def raw(self, w: np.ndarray) -> np.ndarray:
        """Return (n_classes, n_features) coefficients of one column of the penalty."""
        W = w.reshape(-1, len(self.kept)) / self.root
        full = np.zeros((len(W), self.n_features))
        full[:, self.kept] = W
        return full

    @property
    def intercept(self) -> np.ndarray:
        """The mean intercept of each class."""
        c = _stacked([np.atleast_1d(c) for c in self.estimator.intercept_], -np.inf)
        c, seen = c / self.scale[:, None], np.isfinite(c)
        total = np.where(seen, c, 0.0).sum(axis=0)
        return np.asarray(total / np.maximum(seen.sum(axis=0), 1), dtype=float)

    @property
    def precision(self) -> float | None:
        """That of the intercept about the mean one; infinite if they are the same."""
        if self.estimator.fit_intercept == "shrink":
            return 2 * self.estimator.lambda0_ * self.n_tasks / (self.n_tasks + 1)
        return np.inf if self.estimator.fit_intercept == "shared" else None


def _penalties(learned, place):
    """Return the penalty of the new coefficients, or several to choose from."""
    estimator = learned.estimator
    W = learned.columns(estimator.coef_)
    d = len(W)
    if learned.pooled:
        return [Prior(W[:, 0], np.zeros((d, 0)), np.zeros(0))]
    prior, terms = Prior(np.zeros(d), None, np.zeros(d)), [None]
    for part in summands(estimator.penalty_):
        if part.is_zero:
            continue
        parts = W
        if hasattr(part, "terms"):
            both = estimator.shared_coef_, estimator.specific_coef_
            parts = [learned.columns(U) for U in both]
        own = part.new_task(parts, place)
        if part.quadratic(learned.n_tasks) is None:
            terms = own if isinstance(own, list) else [own]
        else:
            rows = 1.0 if learned.quadratic is None else learned.quadratic
            rows = np.broadcast_to(rows, (d // len(learned.kept), len(learned.kept)))
            prior = prior.near(own.mean, own.precision * rows.ravel())
    return [joined(prior, term) for term in terms]


def _fit(learned, penalty, rows, options):
    """Return the model with a penalty, its objective comparable with others."""
    ridge = learned.one_prediction and hasattr(penalty, "basis")
    new = (_by_ridge if ridge else _by_prox)(learned, penalty, rows, options)
    if hasattr(penalty, "basis"):
        mean = getattr(new, "_scale", 1.0) * learned.raw(penalty.mean)
        new.prior_mean_ = mean if len(mean) > 1 else mean[0]
        new.objective_ += penalty.least
    return new


def _by_ridge(learned, prior, rows, options):
    """Fit a ridge in the directions of a quadratic."""
    from .linear_model import SingleTaskClassifier, SingleTaskRegressor

    X, y, sample_weight, known = rows
    basis, precision, n_free = prior.basis, prior.precision, len(learned.free)
    k, shrunk = len(precision), learned.estimator.fit_intercept == "shrink"
    centre = 0.0 if learned.precision is None else learned.intercept[0]
    kept = _scaled(X[:, learned.kept], learned.root)
    Z = [kept if basis is None else kept @ basis, X[:, learned.free]]
    precision = np.append(precision, np.zeros(n_free))
    if shrunk or not len(precision):  # of Pooled nothing is free
        Z.append(np.full((X.shape[0], 1), float(shrunk)))
        precision = np.append(precision, learned.precision if shrunk else 1.0)
    strength = {"lambda2": 0.0}
    if np.any(precision > 0):
        strength = {"lambda2": 0.5, "feature_weight": precision}
    classifier = is_classifier(learned.estimator)
    cls = SingleTaskClassifier if classifier else SingleTaskRegressor
    new = cls(**_same(learned, cls) | strength)
    offset = kept @ prior.mean + centre + known
    new.fit(_side_by_side(Z), y, sample_weight=sample_weight, offset=offset)
    v = new.coef_[0]
    W = learned.raw(prior.mean + (v[:k] if basis is None else basis @ v[:k]))
    W[0, learned.free] = v[k : k + n_free]
    c = new.intercept_ + centre
    return _set(new, W, c + v[-1] if shrunk else c)


def _by_prox(learned, penalty, rows, options):
    """Fit with a penalty, which may have to hold the intercepts as well."""
    from .linear_model import MultiTaskClassifier, MultiTaskMixed, MultiTaskRegressor

    X, y, sample_weight, offset = rows
    estimator, k, n_free = learned.estimator, len(learned.kept), len(learned.free)
    Z = [_scaled(X[:, learned.kept], learned.root), X[:, learned.free]]
    weight, held = np.repeat([1.0, 0.0], [k, n_free]), 0
    fixed = learned.one_prediction and estimator.fit_intercept == "shared"
    if fixed:
        offset = offset + learned.intercept[0]
    elif learned.precision is not None:
        Z.insert(1, np.ones((X.shape[0], 1)))
        weight, held = np.insert(weight, k, 1.0), 1
        centre = learned.intercept.reshape((-1, 1) if learned.by_task else (1, -1))
        penalty = beside(penalty, centre, learned.precision)
    if learned.by_task and learned.n_classes > 1:
        penalty = penalty + Mean(0.0)  # a column is a whole task
    cls = MultiTaskClassifier if is_classifier(estimator) else MultiTaskRegressor
    cls = MultiTaskMixed if learned.mixed else cls
    same = _same(learned, cls) | {"feature_weight": weight if n_free else None}
    new = cls(**same | options | {"penalty": penalty})
    new.fit(_side_by_side(Z), y, sample_weight=sample_weight, offset=offset)
    V = _per_class(new.coef_)[0]
    W = np.vstack([learned.raw(v[:k]) for v in V])
    W[:, learned.free] = V[:, k + held :]
    c = np.atleast_1d(new.intercept_[0])
    if fixed:
        c = c + learned.intercept
    return _set(new, W, c + V[:, k] if held else c)


def _refuse(learned, y, loss):
    """Raise an error for what has no such fit among tasks of different kinds."""
    if learned.precision is not None:
        msg = (
            "MultiTaskMixed: fit_new_task does not share intercepts between different "
            "kinds of targets; use fit_intercept=True or False."
        )
        raise ValueError(msg)
    loss = LOSSES.get(loss, loss) if isinstance(loss, str) else loss
    labels = getattr(loss, "targets", None) == "classification"
    several = learned.n_classes > 1 or (labels and len(np.unique(np.asarray(y))) > 2)
    if learned.by_task and several:
        msg = (
            "MultiTaskMixed: a column of this structure holds all classes of a task, "
            "which differ between tasks, so that a new one has no place in it. Use "
            "one whose columns are classes (L1, L21, LInf, SparseGroup, TraceNorm, "
            "FeatureCovariance), or tasks of two classes."
        )
        raise ValueError(msg)


def _set(new, W, c):
    """Set coefficients (n_classes, n_features) and intercepts of a model of a task."""
    if hasattr(new, "_coef"):  # several predictions a sample, or of different kinds
        new._coef = W[None].astype(new._coef.dtype)
        new._intercept = c[None].astype(new._coef.dtype)
        new.coef_, new.intercept_ = new._cut(new._coef), new._cut(new._intercept)
        return new
    new.coef_ = W.astype(new.coef_.dtype)
    new.intercept_ = c.astype(new.coef_.dtype)
    return new


def _rows(learned, X, y, sample_weight, offset):
    """Return the rows of the new task, checked against those of training."""
    estimator = learned.estimator
    if hasattr(X, "columns") and list(X.columns) != list(estimator.coef_names_):
        msg = (
            f"The columns of the new task are {list(X.columns)}, those of training "
            f"were {list(estimator.coef_names_)}: give the same, without a task column."
        )
        raise ValueError(msg)
    X = check_array(X, accept_sparse="csr")
    if X.shape[1] != learned.n_features:
        msg = (
            f"X of the new task has {X.shape[1]} features, the model has "
            f"{learned.n_features} (the task column is not one)."
        )
        raise ValueError(msg)
    offset = np.zeros(X.shape[0]) if offset is None else _vector(offset, X)
    if is_classifier(estimator) and isinstance(estimator.classes_, np.ndarray):
        return _with_classes(estimator, X, y, sample_weight, offset)
    return X, y, sample_weight, offset


def _vector(offset, X):
    """Return the offset as numbers, one a row."""
    offset = np.asarray(offset, dtype=float)
    if offset.shape != (X.shape[0],) or not np.isfinite(offset).all():
        msg = (
            f"offset of the new task has shape {offset.shape}, or entries that are not "
            f"finite: give one number for each of its {X.shape[0]} rows."
        )
        raise ValueError(msg)
    return offset


def _with_classes(estimator, X, y, sample_weight, offset):
    """Return rows in which every class of training has a row, if of no weight."""
    y, classes = column_or_1d(y, warn=True), estimator.classes_
    seen = np.unique(y)
    unknown = np.setdiff1d(seen, classes)
    if len(unknown):
        msg = (
            f"y of the new task holds {unknown.tolist()[:5]}, the classes of training "
            f"are {classes.tolist()}."
        )
        raise ValueError(msg)
    absent = np.setdiff1d(classes, seen)
    if not len(absent):
        return X, y, sample_weight, offset
    rows = np.zeros(len(absent), dtype=int)
    stack = sp.vstack if sp.issparse(X) else np.vstack
    given = np.ones(len(y)) if sample_weight is None else sample_weight
    weight = np.append(np.asarray(given, dtype=float), np.zeros(len(absent)))
    offset = np.append(offset, offset[rows])
    return stack([X, X[rows]]), np.append(y, absent), weight, offset


def _place(estimator, neighbours, time):
    """Return where the new task belongs, from the arguments that say it."""
    given = {"neighbours": neighbours, "time": time}
    parts = summands(estimator.penalty_)
    taken = {p.placed_by for p in parts if not p.is_zero} - {None}
    for name, value in given.items():
        if value is not None and name not in taken:
            others = " and ".join(f"{other}=" for other in sorted(taken)) or "nothing"
            msg = (
                f"{type(estimator).__name__}: the structure has no place for {name}=; "
                f"what says where a new task belongs is {others}."
            )
            raise ValueError(msg)
    if time is not None and not isinstance(time, Real):
        msg = f"time={time!r} of the new task is not a number."
        raise ValueError(msg)
    weight = None if neighbours is None else _weights(neighbours, estimator.tasks_)
    return Place(weight, time)


def _weights(neighbours, labels):
    """Return the weight (n_tasks,) of the edge to each task."""
    if hasattr(neighbours, "items"):
        edges = dict(neighbours.items())
    else:
        one = isinstance(neighbours, str) or not hasattr(neighbours, "__iter__")
        edges = dict.fromkeys([neighbours] if one else neighbours, 1.0)
    tasks = labels.tolist()
    unknown = [task for task in edges if task not in tasks]
    weight = np.array([float(edges.get(task, 0.0)) for task in tasks])
    if unknown or not (np.isfinite(weight).all() and weight.min() >= 0 < weight.max()):
        what = f"{unknown[:5]} are not tasks of training" if unknown else "weights"
        msg = (
            f"neighbours={neighbours!r}: {what}. Give a list of labels of tasks of "
            f"training, {tasks[:5]}..., or a dict of labels and weights, at least 0 "
            "and one of them positive."
        )
        raise ValueError(msg)
    return weight


def _same(learned, cls):
    """Return the options of a model of one task."""
    estimator = learned.estimator
    names = cls().get_params(deep=False)
    same = {n: v for n, v in estimator.get_params(deep=False).items() if n in names}
    intercept = estimator.fit_intercept if learned.precision is None else False
    same |= {"fit_intercept": intercept, "task_column": None, "task_order": None}
    same |= {"solver": "auto", "feature_weight": None}
    for name in ("lambda2", "penalty"):
        same.pop(name, None)
    if "loss" not in same:
        same["loss"] = estimator._loss()
    if not isinstance(estimator.task_weight, str):
        same["task_weight"] = None
    return same


def _per_class(coef):
    """Return coefficients in the form of coef_ as (n_tasks, n_classes, n_features)."""
    if isinstance(coef, list):
        return _stacked([np.atleast_2d(W) for W in coef], 0.0)
    coef = dense(coef)
    return coef if coef.ndim == 3 else coef[:, None]


def _stacked(values, missing):
    """Return arrays of different lengths as one."""
    longest = max(len(v) for v in values)
    out = np.full((len(values), longest, *values[0].shape[1:]), missing)
    for row, v in zip(out, values, strict=True):
        row[: len(v)] = v
    return out


def _scaled(X, root):
    if np.all(root == 1):
        return X
    return sp.csr_array(X.multiply(1 / root)) if sp.issparse(X) else X / root


def _side_by_side(columns):
    """Return blocks of columns as one array, sparse if one of them is."""
    columns = [C for C in columns if C.shape[1]]
    if len(columns) == 1:
        return columns[0]
    if any(sp.issparse(C) for C in columns):
        return sp.csr_array(sp.hstack(columns))
    return np.hstack(columns)
