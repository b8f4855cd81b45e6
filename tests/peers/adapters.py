"""scikit-learn's linear models, fitted by pymtl: its names, its strengths, its shapes.

An adapter holds no arithmetic of fits. It turns alpha, l1_ratio and C into strengths,
hands the data on, and gives the coefficients the shape that scikit-learn's have.
"""

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.model_selection import check_cv
from sklearn.utils.validation import check_is_fitted

from pymtl import (
    MultiTaskL1Classifier,
    MultiTaskL1Regressor,
    MultiTaskL21Regressor,
    MultiTaskSearchCV,
    SingleTaskClassifier,
    SingleTaskRegressor,
)


class Adapter(BaseEstimator):
    """Fits a model of pymtl, and reads its attributes."""

    def _fit(self, cls, X, y, sample_weight, **options):
        names = cls().get_params()
        same = {n: v for n, v in self.get_params().items() if n in names}
        same.pop("solver", None)
        if not (self.get_params().get("warm_start") and hasattr(self, "model_")):
            self.model_ = cls()
        self.model_.set_params(**same | options)
        if sample_weight is not None and np.ndim(sample_weight) == 0:
            sample_weight = np.full(X.shape[0], sample_weight)
        self.model_.fit(X, y, sample_weight=sample_weight)
        self.n_features_in_ = self.model_.n_features_in_
        if hasattr(self.model_, "feature_names_in_"):
            self.feature_names_in_ = self.model_.feature_names_in_
        return self

    def _shape(self, y):
        """Set coefficients and intercepts in the shape of the targets."""
        model = self.model_
        self.coef_, self.intercept_ = model.coef_, model.intercept_
        if np.ndim(y) == 1:
            self.coef_, self.intercept_ = model.coef_[0], model.intercept_[0]
        if not self.fit_intercept:
            self.intercept_ = 0.0
        self.n_iter_, self.dual_gap_ = model.n_iter_, model.dual_gap_

    def predict(self, X):
        check_is_fitted(self)
        return self.model_.predict(X)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


def _targets(y):
    return y if hasattr(y, "shape") else np.asarray(y)


def _strengths(alpha, l1_ratio):
    return {"lambda1": alpha * l1_ratio, "lambda2": alpha * (1 - l1_ratio) / 2}


class MultiTaskElasticNet(RegressorMixin, Adapter):
    """Rows of all targets together; y is a matrix."""

    def __init__(
        self,
        alpha=1.0,
        *,
        l1_ratio=0.5,
        fit_intercept=True,
        copy_X=True,
        max_iter=1000,
        tol=1e-4,
        warm_start=False,
        random_state=None,
        selection="cyclic",
    ):
        self.alpha = alpha
        self.l1_ratio = l1_ratio
        self.fit_intercept = fit_intercept
        self.copy_X = copy_X
        self.max_iter = max_iter
        self.tol = tol
        self.warm_start = warm_start
        self.random_state = random_state
        self.selection = selection

    def fit(self, X, y, sample_weight=None):
        y = _targets(y)
        if y.ndim == 1:
            msg = f"For mono-task outputs, use {type(self).__name__[9:]}"
            raise ValueError(msg)
        strengths = _strengths(self.alpha, self.l1_ratio)
        self._fit(MultiTaskL21Regressor, X, y, sample_weight, **strengths)
        self._shape(y)
        return self


class MultiTaskLasso(MultiTaskElasticNet):
    """Rows of all targets together, without a ridge."""

    def __init__(
        self,
        alpha=1.0,
        *,
        fit_intercept=True,
        copy_X=True,
        max_iter=1000,
        tol=1e-4,
        warm_start=False,
        random_state=None,
        selection="cyclic",
    ):
        super().__init__(
            alpha,
            fit_intercept=fit_intercept,
            copy_X=copy_X,
            max_iter=max_iter,
            tol=tol,
            warm_start=warm_start,
            random_state=random_state,
            selection=selection,
        )
        self.l1_ratio = 1.0


class MultiTaskElasticNetCV(RegressorMixin, Adapter):
    """The search for rows of all targets together."""

    def __init__(
        self,
        *,
        l1_ratio=0.5,
        eps=1e-3,
        n_alphas="deprecated",
        alphas=100,
        fit_intercept=True,
        max_iter=1000,
        tol=1e-4,
        cv=None,
        copy_X=True,
        verbose=0,
        n_jobs=None,
        random_state=None,
        selection="cyclic",
    ):
        self.l1_ratio = l1_ratio
        self.eps = eps
        self.n_alphas = n_alphas
        self.alphas = alphas
        self.fit_intercept = fit_intercept
        self.max_iter = max_iter
        self.tol = tol
        self.cv = cv
        self.copy_X = copy_X
        self.verbose = verbose
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.selection = selection

    def fit(self, X, y, sample_weight=None):
        y = _targets(y)
        if y.ndim == 1:
            msg = f"For mono-task outputs, use {type(self).__name__[9:]}"
            raise ValueError(msg)
        ratios = np.atleast_1d(self.l1_ratio)
        names = ("fit_intercept", "max_iter", "tol", "positive")
        model = MultiTaskL21Regressor(
            **{n: getattr(self, n) for n in names if hasattr(self, n)}
        )
        grids = [self._alphas(model, X, y, sample_weight, r) for r in ratios]
        search = MultiTaskSearchCV(model, lambda1=grids[0], cv=check_cv(self.cv))
        if self.l1_ratio != 1.0:
            grid = [
                {name: [value] for name, value in _strengths(alpha, r).items()}
                for r, alphas in zip(ratios, grids, strict=True)
                for alpha in alphas
            ]
            search.set_params(lambda1=None, param_grid=grid)
        search.fit(X, y, sample_weight=sample_weight)
        results, K = search.cv_results_, search.n_splits_
        mse = -np.stack([results[f"split{k}_test_score"] for k in range(K)], axis=-1)
        self.mse_path_ = np.squeeze(mse.reshape(len(ratios), -1, K))
        self.alphas_ = np.squeeze(np.stack(grids))
        i, j = np.unravel_index(search.best_index_, (len(ratios), len(grids[0])))
        self.alpha_, self.l1_ratio_ = float(grids[i][j]), float(ratios[i])
        self.model_ = search.best_estimator_
        self._shape(y)
        return self

    def _alphas(self, model, X, y, sample_weight, ratio):
        n = self.alphas if self.n_alphas in ("deprecated", "warn") else self.n_alphas
        if np.ndim(n):
            return np.sort(n)[::-1]
        if ratio == 0:
            msg = (
                "Automatic alpha grid generation is not supported for l1_ratio=0. "
                "Please supply a grid by providing your estimator with the "
                "appropriate `alphas=` argument."
            )
            raise ValueError(msg)
        top = model.lambda_max(X, y, sample_weight) / ratio
        if top <= np.finfo(float).resolution:
            return np.full(n, np.finfo(float).resolution)
        return np.geomspace(top, top * self.eps, n)


class MultiTaskLassoCV(MultiTaskElasticNetCV):
    """The search for rows of all targets together, without a ridge."""

    def __init__(
        self,
        *,
        eps=1e-3,
        n_alphas="deprecated",
        alphas=100,
        fit_intercept=True,
        max_iter=1000,
        tol=1e-4,
        copy_X=True,
        cv=None,
        verbose=False,
        n_jobs=None,
        random_state=None,
        selection="cyclic",
    ):
        super().__init__(
            eps=eps,
            n_alphas=n_alphas,
            alphas=alphas,
            fit_intercept=fit_intercept,
            max_iter=max_iter,
            tol=tol,
            copy_X=copy_X,
            cv=cv,
            verbose=verbose,
            n_jobs=n_jobs,
            random_state=random_state,
            selection=selection,
        )
        self.l1_ratio = 1.0


class Ridge(RegressorMixin, Adapter):
    """Ridge regression of each target: the sum of squares and alpha."""

    def __init__(
        self,
        alpha=1.0,
        *,
        fit_intercept=True,
        copy_X=True,
        max_iter=None,
        tol=1e-4,
        solver="auto",
        positive=False,
        random_state=None,
    ):
        self.alpha = alpha
        self.fit_intercept = fit_intercept
        self.copy_X = copy_X
        self.max_iter = max_iter
        self.tol = tol
        self.solver = solver
        self.positive = positive
        self.random_state = random_state

    def fit(self, X, y, sample_weight=None):
        y = _targets(y)
        total = y.shape[0]
        if sample_weight is not None:
            total = np.sum(np.broadcast_to(sample_weight, total))
        options = {"lambda2": self.alpha / (2 * total), "tol": 1e-5, "max_iter": 10000}
        cls = SingleTaskRegressor
        if self.positive:
            cls, options = MultiTaskL1Regressor, options | {"lambda1": 0.0}
            options["tol"] = 1e-14  # the others are solved directly
        self._fit(cls, X, y, sample_weight, **options)
        self._shape(y)
        if y.ndim == 2 and y.shape[1] == 1:
            self.coef_ = self.coef_[0]
        self.n_iter_, self.solver_ = None, self.solver
        return self


class LogisticRegression(ClassifierMixin, Adapter):
    """Logistic regression: the sum of losses times C, and l1_ratio."""

    def __init__(
        self,
        penalty="deprecated",
        *,
        C=1.0,
        l1_ratio=0.0,
        dual=False,
        tol=1e-4,
        fit_intercept=True,
        intercept_scaling=1,
        class_weight=None,
        random_state=None,
        solver="lbfgs",
        max_iter=100,
        verbose=0,
        warm_start=False,
        n_jobs=None,
    ):
        self.penalty = penalty
        self.C = C
        self.l1_ratio = l1_ratio
        self.dual = dual
        self.tol = tol
        self.fit_intercept = fit_intercept
        self.intercept_scaling = intercept_scaling
        self.class_weight = class_weight
        self.random_state = random_state
        self.solver = solver
        self.max_iter = max_iter
        self.verbose = verbose
        self.warm_start = warm_start
        self.n_jobs = n_jobs

    def fit(self, X, y, sample_weight=None):
        y = _targets(y)
        X = X if hasattr(X, "dtype") else np.asarray(X)
        weight = np.ones(len(y)) if sample_weight is None else sample_weight
        labels, code = np.unique(y, return_inverse=True)
        if isinstance(self.class_weight, dict):
            factor = [self.class_weight.get(label, 1.0) for label in labels.tolist()]
            weight = np.asarray(factor)[code] * weight
        ratio = {"l1": 1.0, "l2": 0.0}.get(self.penalty, self.l1_ratio or 0.0)
        price = 0.0 if self.penalty is None else 1.0 / (self.C * np.sum(weight))
        strengths = {"lambda1": price * ratio, "lambda2": price * (1 - ratio) / 2}
        # its tol bounds the gradient, ours the gap, which is of the order of its square
        least = 1e-6 if X.dtype == np.float32 else 1e-14
        same = strengths | {"tol": max(self.tol**2, least), "max_iter": 10000}
        cls = MultiTaskL1Classifier
        if not ratio:
            cls = SingleTaskClassifier
            del same["lambda1"]
        self._fit(cls, X, y, sample_weight, **same)
        model = self.model_
        self.classes_ = model.classes_
        several = len(self.classes_) > 2
        self.coef_ = model.coef_[0] if several else model.coef_
        self.intercept_ = model.intercept_[0] if several else model.intercept_
        if not self.fit_intercept:
            self.intercept_ = np.zeros(len(self.coef_))
        self.n_iter_ = np.array([model.n_iter_], dtype=np.int32)
        return self

    def decision_function(self, X):
        check_is_fitted(self)
        return self.model_.decision_function(X)

    def predict_proba(self, X):
        check_is_fitted(self)
        return self.model_.predict_proba(X)

    def predict_log_proba(self, X):
        return np.log(self.predict_proba(X))


PEERS = {
    cls.__name__: cls
    for cls in (
        LogisticRegression,
        MultiTaskElasticNet,
        MultiTaskElasticNetCV,
        MultiTaskLasso,
        MultiTaskLassoCV,
        Ridge,
    )
}
