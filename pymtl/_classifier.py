"""What the classifiers share: labels, probabilities, the score."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import expit, softmax
from sklearn.base import ClassifierMixin
from sklearn.metrics import accuracy_score
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from ._intercept import per_class
from ._sklearn import StrOptions
from ._unseen import with_unseen
from .base import MultiTaskBase, import_pandas
from .losses import LOSSES, Loss, Multinomial
from .penalties._weak_prior import resolve_as_prior, rows_share
from .solvers import Problem
from .tasks import LONG, SHARED, encode_classes, read_rows, read_vector, target_names

CLASSIFICATION = {n for n, c in LOSSES.items() if c.targets == "classification"}


def _has_probabilities(self):
    loss = LOSSES[self.loss] if isinstance(self.loss, str) else type(self.loss)
    if not loss.probabilities:
        msg = f"loss={self.loss!r} has no probabilities; use loss='logistic'."
        raise AttributeError(msg)
    return True


class MultiTaskClassifierBase(ClassifierMixin, MultiTaskBase):
    """Base class of the classifiers.

    Two classes have one linear prediction, more have one each. Tasks may have labels of
    their own: then the k-th label of one task goes with the k-th of another.
    """

    _parameter_constraints: dict = {
        "loss": [StrOptions(CLASSIFICATION - {"multinomial"}), Loss],
        "class_weight": [dict, StrOptions({"balanced"}), None],
        "single_class": [StrOptions({"error", "constant"})],
        "missing": "no_validation",
    }

    class_weight: dict | str | None
    single_class: str
    missing: Any

    def _read(self, X, y, sample_weight, offset):
        codes, classes = encode_classes(X, y, self.missing, self.task_column)
        data = super()._read(X, codes, sample_weight, offset, target_names(y))
        if isinstance(classes, dict):
            sets = [classes[label] for label in data.labels.tolist()]
        else:
            sets = [classes] * data.n_tasks
        self.classes_ = sets if isinstance(classes, dict) else classes
        self._sets = sets
        self._n_classes = max(len(s) for s in sets)
        self._n_coef = data.X.shape[1]
        self._weigh_classes(data)
        self._refuse_single_class(data)
        if self._n_classes <= 2:
            data.y = np.where(data.weight > 0, 2 * data.y - 1, 0.0)
        return data

    def _loss(self):
        loss = super()._loss()
        K = getattr(self, "_n_classes", 2)
        if K <= 2:
            return loss
        if not loss.probabilities:
            msg = (
                f"loss={self.loss!r} is for two classes, y has {K}: use "
                "loss='logistic', or one task for each class (one against the rest)."
            )
            raise ValueError(msg)
        return Multinomial(K)

    def _check_targets(self, data):
        """Any labels will do: they have been numbered."""

    def _weigh_classes(self, data):
        """Multiply the sample weights by those of the classes."""
        if self.class_weight is None:
            return
        code = np.where(data.weight > 0, data.y, 0).astype(int)
        for t, (a, b) in enumerate(zip(data.bounds[:-1], data.bounds[1:], strict=True)):
            labels = self._sets[t]
            if self.class_weight == "balanced":
                size = np.bincount(code[a:b], data.weight[a:b], minlength=len(labels))
                seen = size > 0
                factor = np.ones(len(labels))
                factor[seen] = size.sum() / (seen.sum() * size[seen])
            else:
                factor = [
                    self.class_weight.get(label, 1.0) for label in labels.tolist()
                ]
            data.weight[a:b] *= np.asarray(factor)[code[a:b]]

    def _refuse_single_class(self, data):
        """Raise an error if a task shows one class only, unless that is accepted."""
        self._constant = np.zeros(data.n_tasks)
        shown = [
            np.unique(data.y[a:b][data.weight[a:b] > 0])
            for a, b in zip(data.bounds[:-1], data.bounds[1:], strict=True)
        ]
        everywhere = np.unique(np.concatenate(shown))
        if len(everywhere) < 2 and self.single_class == "error":
            label = self._sets[0][int(everywhere[0])]
            msg = (
                f"{type(self).__name__} needs two classes, but y has one class only, "
                f"{label!r}."
            )
            raise ValueError(msg)
        if self.fit_intercept is not True:
            return
        alone = [t for t, codes in enumerate(shown) if len(codes) < 2]
        if alone and self.single_class == "error":
            t = alone[0]
            label = self._sets[t].tolist()[int(shown[t][0])]
            msg = (
                f"Task {data.labels.tolist()[t]!r} has one class only in the training "
                f"data, {label!r}: its intercept has no finite optimum. Drop the task, "
                "set single_class='constant' to predict that class for it, or "
                "fit_intercept='shrink'."
            )
            raise ValueError(msg)
        for t in alone if self._n_classes <= 2 else []:
            self._constant[t] = 2 * shown[t][0] - 1
            data.weight[data.bounds[t] : data.bounds[t + 1]] = 0.0

    def _numbers(self, centred, penalty, gradient):
        """Return the penalty with numbers that vanish as the rows become many."""
        classes = centred.loss.n_classes if centred.by_task else None
        d = len(gradient) // (classes or 1)
        share = d * rows_share(centred.omega, centred.sizes) / centred.omega.mean()
        curvature = self._curvature(centred)
        if not curvature:  # all features are constant within the tasks
            rows = centred.design, centred.loss, centred.y, centred.weight
            curvature = float(Problem(*rows).hessian_diagonal.mean())
        rule = curvature, min(share, 1.0), self._pool(gradient.shape[1])
        return resolve_as_prior(penalty, gradient, *rule)

    def _coefficients(self, centred, W):
        c = centred.intercepts(W)
        if self._n_classes <= 2:
            alone = self._constant != 0
            c[alone] = np.copysign(np.inf, self._constant[alone])
            return self._by_task(centred, W), c.astype(centred.dtype)
        present = centred.present
        shown = np.where(present, c, 0.0)
        c = c - shown.sum(axis=1, keepdims=True) / present.sum(axis=1, keepdims=True)
        self._intercept = np.where(present, c, -np.inf).astype(centred.dtype)
        self._coef = self._of_classes(centred, W)
        return self._by_task(centred, W), self._cut(self._intercept)

    def _by_task(self, centred, W):
        if self._n_classes <= 2:
            return super()._by_task(centred, W)
        return self._cut(self._of_classes(centred, W))

    def _of_classes(self, centred, W):
        """Return coefficients (n_tasks, n_classes, n_features)."""
        V = per_class(W, self._n_coef, len(centred.omega), centred.by_task)
        present = centred.present[:, :, None]
        return np.where(present, V, 0.0).astype(centred.dtype)

    def _cut(self, values):
        """Return values of all classes as a list if the tasks have their own."""
        if not isinstance(self.classes_, list):
            return values
        return [v[: len(s)] for v, s in zip(values, self._sets, strict=True)]

    def _linear(self, rows, offset=None):
        if self._n_classes <= 2:
            return super()._linear(rows, offset)
        return stacked_predictions(self, rows, offset)

    def decision_function(self, X: Any, offset: Any = None) -> Any:
        """Return the linear predictions.

        Parameters
        ----------
        X : list, dict or array
            Rows through any door.
        offset : same form as the labels, default=None
            Known part of the linear prediction.

        Returns
        -------
        z : list, dict or array
            Of two classes one number a sample, positive for the second, in the form of
            `predict`; of more one number a class, along the last axis.
        """
        check_is_fitted(self)
        rows = read_rows(self, X, self.task_column)
        return self._arrange(rows, self._linear(rows, offset))

    def predict(self, X: Any, offset: Any = None) -> Any:
        """Predict the labels.

        Parameters
        ----------
        X : list, dict or array
            Rows through any door. A dict may hold some of the tasks; one 2-d array
            without a task column is predicted for every task.
        offset : same form as the labels, default=None
            Known part of the linear prediction.

        Returns
        -------
        y : list, dict or array
            Labels in the form of X: a list or dict of (n_t,) arrays, (n_samples,) for a
            long table, (n_samples, n_tasks) for a shared design, (n_samples,) if y was
            one-dimensional in fit.

        Raises
        ------
        ValueError
            If the features differ from those of fit, or a task was not seen in fit
            and `unseen_task` is "error", or the structure needs to know where it
            belongs.
        """
        check_is_fitted(self)
        rows = read_rows(self, X, self.task_column)
        z = self._linear(rows, offset)
        code = (z > 0).astype(int) if self._n_classes <= 2 else z.argmax(axis=-1)
        if not isinstance(self.classes_, list):
            return self._arrange(rows, self.classes_[code])
        if rows.door == SHARED:
            return [labels[c] for labels, c in zip(self._sets, code.T, strict=True)]
        parts = np.split(code, rows.bounds[1:-1])
        tasks = rows.task[rows.bounds[:-1]]
        labels = [self._sets[t][c] for t, c in zip(tasks, parts, strict=True)]
        return (
            labels if rows.keys is None else dict(zip(rows.keys, labels, strict=True))
        )

    @available_if(_has_probabilities)
    def predict_proba(self, X: Any, offset: Any = None) -> Any:
        """Predict the probabilities of the classes.

        Parameters
        ----------
        X : list, dict or array
            Rows through any door.
        offset : same form as the labels, default=None
            Known part of the linear prediction.

        Returns
        -------
        p : list, dict or array
            In the form of `predict`, (n, n_classes) in place of each (n,) array, in the
            order of `classes_`. With a 2-d y of two classes the probabilities
            (n_samples, n_tasks) of ``classes_[1]``, of more classes one array a task.
        """
        check_is_fitted(self)
        rows = read_rows(self, X, self.task_column)
        z = self._linear(rows, offset)
        if self._n_classes > 2:
            p = softmax(z, axis=-1)
        else:
            p = expit(z)
            if rows.door == SHARED and not self._single:
                return p
            p = np.stack([1 - p, p], axis=-1)
        if rows.door == SHARED and not self._single:
            return list(np.moveaxis(p, 1, 0))
        parts = self._arrange(rows, p)
        if isinstance(self.classes_, list):
            tasks = rows.task[rows.bounds[:-1]]
            sizes = [len(self._sets[t]) for t in tasks]
            if rows.keys is None:
                return [q[:, :k] for q, k in zip(parts, sizes, strict=True)]
            pairs = zip(parts.items(), sizes, strict=True)
            return {key: q[:, :k] for (key, q), k in pairs}
        return parts

    def _arrange(self, rows, values):
        """Return values in the form of the door."""
        if rows.door == SHARED:
            return values[:, 0] if self._single else values
        return rows.split(values)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the accuracy of the prediction.

        Parameters
        ----------
        X : list, dict or array
            Rows through any door.
        y : list, dict or array
            True labels in the form of the door.
        sample_weight : same form as y, or array (n_samples,), default=None
            Weights of the samples.

        Returns
        -------
        score : float
            For a long table the accuracy over all rows; for a 2-d y the uniform average
            over its columns, each on its observed labels; for lists the mean over the
            tasks with at least two distinct labels.
        """
        check_is_fitted(self)
        rows = read_rows(self, X, self.task_column)
        z = self.predict(X)
        if rows.door == LONG or (rows.door == SHARED and np.ndim(z) == 1):
            return float(accuracy_score(y, z, sample_weight=sample_weight))
        return rows.mean_score(accuracy_score, y, z, sample_weight, self.missing)

    def coef_frame(self):
        """Return the coefficients as a pandas frame.

        Returns
        -------
        frame : pandas.DataFrame
            One row a task, or a class of a task where there are more than two; a column
            for each feature and one for the intercept.

        Raises
        ------
        ImportError
            If pandas is not installed.
        """
        if getattr(self, "_n_classes", 2) <= 2:
            return super().coef_frame()
        pd = import_pandas("coef_frame")
        pairs = zip(self.tasks_.tolist(), self._sets, strict=True)
        keys = [(task, label) for task, labels in pairs for label in labels.tolist()]
        index = pd.MultiIndex.from_tuples(keys, names=[self._task_name(), "class"])
        coef, names = np.concatenate(list(self.coef_)), list(self.coef_names_)
        frame = pd.DataFrame(coef, index=index, columns=names)
        return frame.assign(intercept=np.concatenate(list(self.intercept_)))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags


def stacked_predictions(model, rows, offset=None) -> np.ndarray:
    """Return the linear predictions of each class, along the last axis."""
    coef, intercept = model._coef, model._intercept
    if rows.door == SHARED:
        z = np.stack([rows.X @ U.T for U in coef], axis=1) + intercept
    else:
        coef, intercept = with_unseen(model, coef, intercept, rows)
        z = np.empty((rows.X.shape[0], coef.shape[1]))
        for t in np.unique(rows.task):
            i = rows.task == t
            z[i] = rows.X[i] @ coef[t].T + intercept[t]
    if offset is None:
        return z
    return z + read_vector(offset, rows, len(model.tasks_), "offset")[..., None]
