"""scikit-learn's own tools take the estimators as they take its linear models."""

import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from sklearn import config_context
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor, make_column_transformer
from sklearn.ensemble import BaggingRegressor, StackingRegressor
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.inspection import permutation_importance
from sklearn.linear_model import Ridge
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    KFold,
    RandomizedSearchCV,
    cross_val_score,
    cross_validate,
    learning_curve,
    validation_curve,
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


# A table with a task column of text in its midst.
SCHOOLS = pd.DataFrame(RNG.normal(size=(120, 4)), columns=list("abcd"))
SCHOOLS.insert(2, "school", np.repeat(["north", "east", "south", "west"], 30))
LEVEL = SCHOOLS["school"].map({"north": 0, "east": 1, "south": 2, "west": 3})
EXAM = SCHOOLS["a"] - SCHOOLS["b"] + LEVEL + 0.1 * RNG.normal(size=120)
PASSED = np.where(EXAM - LEVEL + 0.5 * RNG.normal(size=120) > 0, "yes", "no")
SHUFFLED = KFold(3, shuffle=True, random_state=0)  # every task is in every training
MEAN = MultiTaskMeanRegressor(0.01, task_column="school")
GRID = {"lambda1": [0.01, 0.1]}
TOOLS = {
    "learning_curve": lambda cv: learning_curve(
        MEAN, SCHOOLS, EXAM, cv=cv, train_sizes=[0.9, 1.0]
    )[2],
    "validation_curve": lambda cv: validation_curve(
        MEAN, SCHOOLS, EXAM, param_name="lambda1", param_range=[0.01, 0.1], cv=cv
    )[1],
    "HalvingGridSearchCV": lambda cv: (
        HalvingGridSearchCV(MEAN, GRID, cv=cv, min_resources=60, random_state=0)
        .fit(SCHOOLS, EXAM)
        .cv_results_["mean_test_score"]
    ),
    "RandomizedSearchCV": lambda cv: (
        RandomizedSearchCV(MEAN, GRID, n_iter=2, cv=cv, random_state=0)
        .fit(SCHOOLS, EXAM)
        .cv_results_["mean_test_score"]
    ),
    "StackingRegressor": lambda cv: (
        StackingRegressor(
            [
                ("mean", MEAN),
                ("l21", MultiTaskL21Regressor(0.01, task_column="school")),
            ],
            Ridge(),
            cv=cv,
        )
        .fit(SCHOOLS, EXAM)
        .score(SCHOOLS, EXAM)
    ),
    "CalibratedClassifierCV": lambda cv: (
        CalibratedClassifierCV(
            MultiTaskMeanClassifier(0.01, task_column="school", fit_intercept="shrink"),
            cv=cv,
        )
        .fit(SCHOOLS, PASSED)
        .score(SCHOOLS, PASSED)
    ),
}


@pytest.mark.parametrize("tool", TOOLS)
def test_tools_score_tables_with_text_tasks(tool):
    assert np.min(TOOLS[tool](SHUFFLED)) > 0.8


@pytest.mark.parametrize("tool", TOOLS)
def test_tools_warn_of_folds_that_miss_a_task(tool):
    """Three folds of four sorted tasks: the first lacks one, and so does the last."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        scores = TOOLS[tool](3)
    assert np.isfinite(scores).all()
    messages = [str(w.message) for w in caught]
    assert all("was not fitted with" in message for message in messages)
    # the calibration predicts by itself, fold by fold
    assert 1 <= len(messages) <= (3 if tool == "CalibratedClassifierCV" else 1)


def test_permutation_importance_counts_the_task_column():
    fitted = MultiTaskMeanRegressor(0.01, task_column="school").fit(SCHOOLS, EXAM)
    found = permutation_importance(fitted, SCHOOLS, EXAM, n_repeats=2, random_state=0)
    assert (found.importances_mean[:3] > 0.1).all()
    assert (found.importances_mean[3:] < 0.01).all()


def test_transformed_targets():
    model = TransformedTargetRegressor(MEAN, func=np.log, inverse_func=np.exp)
    model.fit(SCHOOLS, np.exp(EXAM))
    direct = MultiTaskMeanRegressor(0.01, task_column="school").fit(SCHOOLS, EXAM)
    assert_allclose(model.predict(SCHOOLS), np.exp(direct.predict(SCHOOLS)))


def test_bags_of_a_frame_know_the_task_by_position():
    """The ensemble makes an array of the frame; the message says what to give."""
    with pytest.raises(ValueError, match="give the position of the column"):
        BaggingRegressor(MEAN, 3, random_state=0).fit(SCHOOLS, EXAM)
    model = MultiTaskMeanRegressor(0.01, task_column=2)
    bags = BaggingRegressor(model, 3, random_state=0).fit(SCHOOLS, EXAM)
    assert bags.score(SCHOOLS, EXAM) > 0.9


def test_metadata_reach_the_model_in_a_pipeline():
    weight, offset = RNG.random(120), RNG.normal(size=120)
    scaler = TaskScaler(task_column="school").set_output(transform="pandas")
    table = scaler.fit_transform(SCHOOLS)
    direct = MultiTaskMeanRegressor(0.01, task_column="school")
    direct.fit(table, EXAM, sample_weight=weight, offset=offset)
    with config_context(enable_metadata_routing=True):
        model = MultiTaskMeanRegressor(0.01, task_column="school")
        model.set_fit_request(sample_weight=True, offset=True)
        model.set_predict_request(offset=True)
        routed = make_pipeline(scaler.set_fit_request(sample_weight=False), model)
        routed.fit(SCHOOLS, EXAM, sample_weight=weight, offset=offset)
        found = routed.predict(SCHOOLS, offset=offset)
        search = GridSearchCV(
            MultiTaskMeanRegressor(task_column="school")
            .set_fit_request(sample_weight=True, offset=True)
            .set_score_request(sample_weight=True),
            {"lambda1": [0.01]},
            cv=SHUFFLED,
        ).fit(table, EXAM, sample_weight=weight, offset=offset)
    assert_allclose(routed[-1].coef_, direct.coef_)
    assert_allclose(found, direct.predict(table, offset=offset))
    assert_allclose(search.best_estimator_.coef_, direct.coef_)
    plain = MultiTaskMeanRegressor(0.01, task_column="school").fit(table, EXAM)
    assert np.abs(plain.coef_ - direct.coef_).max() > 1e-3
