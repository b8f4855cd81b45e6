"""Tasks of different kinds: numbers and labels."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.special import expit, softmax
from sklearn.base import clone
from sklearn.metrics import accuracy_score, r2_score
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from .._classifier import stacked_predictions
from .._docs import document
from .._intercept import per_class
from .._sklearn import StrOptions
from ..base import MultiTaskBase, store
from ..losses import LOSSES, Loss, Multinomial, PerTask, SquareRoot
from ..penalties import Penalty
from ..tasks import SHARED, number_rows, read_rows, target_names, task_entries
from ._general import AnyPenalty


def _has_classes(self):
    losses = list(self.loss.values()) if isinstance(self.loss, dict) else self.loss
    losses = losses if isinstance(losses, list | tuple) else [losses]
    return any(_loss(value).probabilities for value in losses)


def _loss(value):
    if isinstance(value, Loss):
        return value
    if value not in LOSSES:
        msg = f"loss {value!r} is not one of {sorted(LOSSES)}."
        raise ValueError(msg)
    return LOSSES[value]()


@document
class MultiTaskMixed(AnyPenalty, MultiTaskBase):
    r"""Regression and classification tasks in one fit, each with a loss of its own.

    .. math:: \min_{W, c} \sum_t \frac{\omega_t}{n_t} \sum_i
              \ell_t(y_{ti}, x_{ti}'w_t + c_t) + \Omega(W)

    The tasks have the same features and different kinds of targets: a measurement, a
    diagnosis, a count. What they share is the structure of their coefficients. By
    default :math:`\omega_t` is the inverse of a task's null loss, and the penalty sees
    the coefficients of standardised targets, so that neither the kind of a task nor its
    units decide how much it counts.

    Parameters
    ----------
    penalty : str or Penalty, default="l21"
        The penalty :math:`\Omega`: a name of the registry, or an object.
    loss : str, Loss, list or dict, default="squared"
        The loss of all tasks, or of each: a list in the order of `tasks_`, or a dict by
        task label. "logistic" takes labels of two or more classes.
    task_weight : str, array-like, dict or None, default="null"
        Weight :math:`\omega_t` of each task's mean loss, as in the other estimators.
        With "null" the penalty is that of :math:`w_t / s_t`, where :math:`s_t` is the
        standard deviation of a numeric target (1 for counts). So it is with "learned",
        which estimates the noise level of each squared loss with the coefficients:
        :math:`\|r_t\|_2 / \sqrt{n_t} = \min_\sigma \|r_t\|_2^2 / (2 n_t \sigma) +
        \sigma / 2`; the other losses weigh 1.
    missing : object, default=nan
        What stands for "not observed" in a 2-d y; NaN and None always do.
    {parameters}

    Attributes
    ----------
    {attributes}
    classes_ : list
        The labels of each classification task, None for the others.
    noise_ : ndarray of shape (n_tasks,)
        With ``task_weight="learned"`` the noise levels of the squared losses, NaN for
        the other tasks.

    See Also
    --------
    MultiTaskRegressor : Numbers only.
    MultiTaskClassifier : Labels only.

    Notes
    -----
    If a task has more than two classes, `coef_` and `intercept_` are lists:
    (n_features,) and a number for a task with numbers or two classes, (n_classes,
    n_features) and (n_classes,) for one with more.

    References
    ----------
    X. Yang, S. Kim and E. P. Xing (2009). Heterogeneous multitask learning with joint
    sparsity constraints. NIPS.

    Examples
    --------
    >>> import numpy as np
    >>> from pymtl import MultiTaskMixed
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((40, 5))
    >>> score = X[:, 0] - X[:, 1] + 0.1 * rng.standard_normal(40)
    >>> ys = [score, np.where(score > 0, "pass", "fail")]
    >>> model = MultiTaskMixed("l21", loss=["squared", "logistic"]).fit([X, X], ys)
    >>> numbers, labels = model.predict([X, X])
    >>> bool(np.mean(labels == ys[1]) > 0.9)
    True
    """

    _parameter_constraints: dict = {
        "loss": [str, Loss, list, tuple, dict],
        "missing": "no_validation",
        "task_weight": [
            StrOptions({"n_samples", "null", "learned"}),
            "array-like",
            dict,
            None,
        ],
    }

    def __init__(
        self,
        penalty: str | Penalty = "l21",
        loss: str | Loss | Sequence | dict = "squared",
        *,
        task_weight: str | Sequence[float] | dict | None = "null",
        missing: Any = float("nan"),
        fit_intercept: bool | str = True,
        lambda0: float | str = "auto",
        task_column: int | str | None = None,
        task_order: Sequence | None = None,
        feature_weight: Sequence[float] | None = None,
        solver: str = "auto",
        tol: float = 1e-5,
        max_iter: int = 10000,
        warm_start: bool = False,
        verbose: int = 0,
    ):
        store(self, locals())

    unseen_task = "error"

    def _read(self, X, y, sample_weight, offset):
        rows, values = number_rows(X, y, self.missing)
        data = super()._read(X, rows, sample_weight, offset, target_names(y))
        losses = [_loss(v) for v in task_entries(self.loss, data.labels, "loss")]
        self.classes_ = [None] * data.n_tasks
        values = values[data.y.astype(int)]
        data.y = np.zeros(len(values))
        for t, loss in enumerate(losses):
            seen = np.arange(data.bounds[t], data.bounds[t + 1])
            seen = seen[data.weight[seen] > 0]
            task = data.labels.tolist()[t]
            if loss.targets == "classification":
                self.classes_[t], data.y[seen] = _codes(values[seen], loss, task)
            else:
                data.y[seen] = _numbers(values[seen], loss, task)
        sizes = [2 if c is None else len(c) for c in self.classes_]
        K = max(sizes) if max(sizes) > 2 else None
        for t, size in enumerate(sizes):
            if size > 2:
                losses[t] = Multinomial(K)
            elif self._learns_weights() and losses[t].quadratic:
                losses[t] = SquareRoot()
        self._scale = np.ones(data.n_tasks)
        if isinstance(self.task_weight, str) and self.task_weight != "n_samples":
            self._standardise(data, losses)
        self._losses = PerTask(losses, K)
        self._n_coef = data.X.shape[1]
        return data

    def _standardise(self, data, losses):
        """Divide numeric targets by their standard deviations."""
        for t, loss in enumerate(losses):
            if loss.targets != "regression" or not loss.rescales:
                continue
            rows = slice(data.bounds[t], data.bounds[t + 1])
            y, weight = data.y[rows], data.weight[rows]
            if data.offset is not None:
                y = y - data.offset[rows]
            mean = np.average(y, weights=weight) if self.fit_intercept else 0.0
            scale = np.sqrt(np.average((y - mean) ** 2, weights=weight))
            if scale > 1e-12 * np.abs(y).max(initial=0.0):
                self._scale[t] = scale
                data.y[rows] /= scale
                losses[t] = loss.rescaled(scale)
                if data.offset is not None:
                    data.offset = data.offset.astype(float)
                    data.offset[rows] /= scale

    def _loss(self):
        return self._losses

    def _report(self, *fit):
        super()._report(*fit)
        if hasattr(self, "noise_"):
            self.noise_ = self.noise_ * self._scale

    def _check_targets(self, data):
        """They have been looked at task by task."""

    def _coefficients(self, centred, W):
        c, scale = centred.intercepts(W), self._scale
        self._coef = self._of_classes(centred, W)
        if self._losses.n_classes is None:
            c = (scale * c).astype(centred.dtype)
            self._intercept = c[:, None]
            return self._cut(self._coef), c
        self._intercept = np.where(centred.present, c * scale[:, None], -np.inf)
        return self._cut(self._coef), self._cut(self._intercept)

    def _of_classes(self, centred, W):
        """Return coefficients (n_tasks, n_classes, n_features) in the units of y."""
        scale = self._scale[:, None, None]
        if self._losses.n_classes is None:
            return (W.T[:, None] * scale).astype(centred.dtype)
        V = per_class(W, self._n_coef, len(scale), centred.by_task)
        return np.where(centred.present[:, :, None], V * scale, 0.0)

    def _by_task(self, centred, W):
        return self._cut(self._of_classes(centred, W))

    def _cut(self, values):
        """Return values of all classes in the form of coef_."""
        if self._losses.n_classes is None:
            return values[:, 0]
        sizes = [None if c is None or len(c) == 2 else len(c) for c in self.classes_]
        return [
            v[0] if k is None else v[:k] for v, k in zip(values, sizes, strict=True)
        ]

    def predict(self, X: Any, offset: Any = None) -> Any:
        """Predict the targets: values of regression tasks, labels of classification.

        Parameters
        ----------
        X : list, dict or array
            Rows through any door.
        offset : same form as the prediction, default=None
            Known part of the linear prediction.

        Returns
        -------
        y : list, dict or array
            In the form of X. In one array with tasks of both kinds the entries are
            objects, unless all are numbers.
        """
        return self._answers(X, offset, self._answer)

    @available_if(_has_classes)
    def predict_proba(self, X: Any, offset: Any = None) -> Any:
        """Predict the probabilities of the classes.

        Parameters
        ----------
        X : list, dict or array
            Rows of tasks as lists, or one design for all tasks.
        offset : same form as the prediction, default=None
            Known part of the linear prediction.

        Returns
        -------
        p : list or dict
            One array (n_t, n_classes) a classification task, None for the others.

        Raises
        ------
        ValueError
            If X is a long table.
        """
        return self._answers(X, offset, self._probabilities, join=False)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the mean over the tasks of R2, or of the accuracy.

        Parameters
        ----------
        X : list, dict or array
            Rows through any door.
        y : list, dict or array
            True targets in the form of the door.
        sample_weight : same form as y, or array (n_samples,), default=None
            Weights of the samples.

        Returns
        -------
        score : float
            R2 of regression and accuracy of classification tasks, of those with at
            least two distinct targets.
        """
        check_is_fitted(self)
        rows, values = number_rows(X, y, self.missing)
        data = MultiTaskBase._read(
            clone(self), X, rows, sample_weight, None, target_names(y)
        )
        z = _flat(self.predict(X))
        scores = []
        for t in range(data.n_tasks):
            seen = np.arange(data.bounds[t], data.bounds[t + 1])
            seen = seen[data.weight[seen] > 0]
            index = data.y[seen].astype(int)
            task = self.tasks_.tolist().index(data.labels.tolist()[t])
            actual = np.array(values[index].tolist())
            if len(np.unique(actual)) > 1:
                metric = r2_score if self.classes_[task] is None else accuracy_score
                found = np.array(z[index].tolist())
                scores.append(metric(actual, found, sample_weight=data.weight[seen]))
        if not scores:
            msg = "No task has two distinct targets, so the score is undefined."
            raise ValueError(msg)
        return float(np.mean(scores))

    def fit_new_task(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        offset: Any = None,
        *,
        loss: str | Loss | None = None,
        neighbours: Any = None,
        time: float | None = None,
    ) -> Any:
        """Fit a task that was not in training, with the learned structure held fixed.

        The coefficients of all kinds of tasks make up the structure, those of
        standardised targets where `task_weight` says so. What it is for a new task is
        in :meth:`MultiTaskRegressor.fit_new_task`.

        Parameters
        ----------
        X : array of shape (n_samples, n_features)
            Rows of the new task, without a task column.
        y : array of shape (n_samples,)
            Its targets.
        sample_weight : array of shape (n_samples,) or None, default=None
            Weights of the samples.
        offset : array of shape (n_samples,) or None, default=None
            Known part of the linear prediction.
        loss : str, Loss or None, default=None
            Loss of the new task; None is that of training, if all have the same.
        neighbours, time : object, default=None
            Where the new task belongs, for structures that ask for it.

        Returns
        -------
        model : MultiTaskMixed
            A fitted model of one task.

        Raises
        ------
        ValueError
            If the loss is not known, intercepts are shared, or a column of the
            structure holds more, or fewer, classes than the new task has.
        """
        from .._new_task import fit_new_task

        check_is_fitted(self)
        losses = self.loss.values() if isinstance(self.loss, dict) else self.loss
        given = list(losses) if not isinstance(losses, str | Loss) else [losses]
        if loss is None and any(other != given[0] for other in given):
            msg = (
                f"The tasks of training have the losses {given}: say which the new "
                "one has, loss=..."
            )
            raise ValueError(msg)
        loss = given[0] if loss is None else loss
        place = neighbours, time
        return fit_new_task(self, X, y, sample_weight, offset, *place, loss=loss)

    def _answer(self, t, z):
        labels = self.classes_[t]
        if labels is None:
            return self._losses.losses[t].mean(z[:, 0])
        code = z[:, 0] > 0 if len(labels) == 2 else z[:, : len(labels)].argmax(axis=1)
        return labels[code.astype(int)]

    def _probabilities(self, t, z):
        labels = self.classes_[t]
        if labels is None or not self._losses.losses[t].probabilities:
            return None
        if len(labels) > 2:
            return softmax(z[:, : len(labels)], axis=1)
        p = expit(z[:, 0])
        return np.column_stack([1 - p, p])

    def _answers(self, X, offset, answer, join=True):
        """Return an answer for each task, in the form of the door."""
        check_is_fitted(self)
        rows = read_rows(self, X, self.task_column)
        z = stacked_predictions(self, rows, offset)
        if rows.door == SHARED:
            parts = [answer(t, z[:, t]) for t in range(len(self.tasks_))]
            if not join:
                return parts
            return parts[0] if self._single else _joined(parts).T
        if rows.bounds is None:
            if not join:
                msg = "Probabilities need the rows by task, as lists: see split_tasks."
                raise ValueError(msg)
            out = np.empty(len(z), dtype=object)
            for t in np.unique(rows.task):
                out[rows.task == t] = answer(t, z[rows.task == t])
            return _plain(out)
        cuts = zip(rows.bounds[:-1], rows.bounds[1:], strict=True)
        parts = [answer(rows.task[a], z[a:b]) for a, b in cuts]
        return parts if rows.keys is None else dict(zip(rows.keys, parts, strict=True))


def _codes(values, loss, task):
    """Return the labels of a task and its targets."""
    labels, codes = np.unique(np.array(values.tolist()), return_inverse=True)
    if len(labels) < 2:
        msg = f"Task {task!r} has one class only, {labels[0]!r}: drop the task."
        raise ValueError(msg)
    if len(labels) == 2:
        return labels, 2.0 * codes - 1.0
    if not loss.probabilities:
        msg = (
            f"Task {task!r} has {len(labels)} classes, and {type(loss).__name__} is "
            "for two: use 'logistic'."
        )
        raise ValueError(msg)
    return labels, codes.astype(float)


def _numbers(values, loss, task):
    """Return the targets of a regression task."""
    try:
        y = values.astype(float)
    except (TypeError, ValueError) as error:
        msg = f"Task {task!r}: y is not numeric ({error}); its loss is for numbers."
        raise ValueError(msg) from error
    if not np.isfinite(y).all():
        msg = f"Task {task!r}: y contains NaN or infinity."
        raise ValueError(msg)
    wrong = ~loss.admissible(y)
    if wrong.any():
        msg = (
            f"Task {task!r}: y holds {y[wrong][0]}, but the targets of "
            f"{type(loss).__name__} are {loss.domain}."
        )
        raise ValueError(msg)
    return y


def _joined(parts):
    out = np.empty((len(parts), len(parts[0])), dtype=object)
    for t, part in enumerate(parts):
        out[t] = part
    return _plain(out)


def _plain(values):
    """Return numbers as numbers."""
    kinds = {type(v) for v in values.ravel()[:: max(1, values.size // 1000)]}
    if all(issubclass(kind, int | float | np.number) for kind in kinds):
        return values.astype(float)
    return values


def _flat(z):
    if isinstance(z, dict):
        z = list(z.values())
    if not isinstance(z, list):
        return np.asarray(z, dtype=object).ravel()
    parts = [np.asarray(part).astype(object) for part in z]
    return np.concatenate(parts)
