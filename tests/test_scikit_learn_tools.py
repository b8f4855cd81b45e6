"""scikit-learn's own tools take the estimators as they take its linear models."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.compose import make_column_transformer
from sklearn.ensemble import BaggingRegressor
from sklearn.model_selection import (
    GridSearchCV,
    cross_val_score,
    cross_validate,
    learning_curve,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from pymtl import (
    MultiTaskL21Regressor,
    MultiTaskMeanClassifier,
    MultiTaskMeanRegressor,
    MultiTaskSearchCV,
    TaskKFold,
    TaskScaler,
    split_tasks,
    stack_tasks,
)

RNG = np.random.default_rng(0)
XS = [RNG.normal(size=(20, 3)) for _ in range(6)]
YS = [X @ [1.0, -1.0, 0.0] + 0.1 * RNG.normal(size=20) for X in XS]


@pytest.mark.parametrize("run", [
    lambda model: GridSearchCV(model, {"lambda1": [0.1, 1.0]}, cv=3).fit(XS, YS),
    lambda model: cross_val_score(model, XS, YS, cv=3),
    lambda model: cross_validate(model, XS, YS, cv=3),
    lambda model: learning_curve(model, XS, YS, cv=3, train_sizes=[1, 2]),
])  # fmt: skip
def test_lists_are_refused_with_the_remedy(run):
    with pytest.raises(ValueError, match="MultiTaskSearchCV takes lists"):
        run(MultiTaskMeanRegressor())


@pytest.mark.parametrize("model", [
    MultiTaskL21Regressor(),
    MultiTaskSearchCV(MultiTaskMeanRegressor(), n_lambdas=3),
])  # fmt: skip
def test_lists_of_other_models_are_refused(model):
    with pytest.raises(ValueError, match="MultiTaskSearchCV takes lists"):
        cross_validate(model, XS, YS, cv=3)


def test_lists_of_classifiers_are_refused():
    labels = [(y > 0).astype(int) for y in YS]
    search = GridSearchCV(MultiTaskMeanClassifier(), {"lambda1": [0.1]}, cv=3)
    with pytest.raises(ValueError, match="MultiTaskSearchCV takes lists"):
        search.fit(XS, labels)


@pytest.mark.parametrize("estimator", [MultiTaskMeanRegressor, MultiTaskL21Regressor])
def test_folds_that_miss_tasks_are_scored(estimator):
    """Rows sorted by task, and folds that know of none, as cv=5 makes them."""
    X, y = stack_tasks(XS, YS)
    model = make_pipeline(TaskScaler(task_column=0), estimator(0.01, task_column=0))
    with pytest.warns(UserWarning):
        scores = cross_val_score(model, X, y, cv=3)
    assert scores.min() > 0.8
    bags = BaggingRegressor(estimator(0.01, task_column=0), 3, random_state=0)
    assert bags.fit(X, y).score(X, y) > 0.8


class Table(RegressorMixin, BaseEstimator):
    """Somebody's model that makes lists of a table by itself."""

    def fit(self, X, y):
        Xs, ys, labels = split_tasks(X, y, 0)
        self.labels_ = labels
        self.model_ = MultiTaskMeanRegressor(0.1).fit(Xs, ys)
        return self

    def predict(self, X):
        Xs, _, _ = split_tasks(X, np.zeros(len(X)), 0)
        z = np.empty(len(X))
        z[np.argsort(X[:, 0], kind="stable")] = np.concatenate(self.model_.predict(Xs))
        return z


def test_lists_that_are_made_inside_a_fold_are_not():
    X, y = stack_tasks(XS, YS)
    order = RNG.permutation(len(y))
    assert cross_val_score(Table(), X[order], y[order], cv=3).min() > 0.9


def test_prefixes_of_a_column_transformer_are_named():
    X, y = stack_tasks([pd.DataFrame(X).add_prefix("x") for X in XS], YS)
    columns = make_column_transformer(
        (StandardScaler(), ["x0"]), remainder="passthrough"
    ).set_output(transform="pandas")
    model = make_pipeline(columns, MultiTaskMeanRegressor(task_column="task"))
    with pytest.raises(ValueError, match="verbose_feature_names_out=False"):
        model.fit(X, y)
    columns.set_params(verbose_feature_names_out=False)
    assert model.fit(X, y).score(X, y) > 0.8
    with pytest.raises(ValueError, match="verbose_feature_names_out=False"):
        next(TaskKFold(2, task_column="x1").split(X.add_prefix("remainder__")))
