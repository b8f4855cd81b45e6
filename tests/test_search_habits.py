"""What a search says and survives: edges, strengths it leaves, errors in folds."""

import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.exceptions import FitFailedWarning
from sklearn.model_selection import GridSearchCV

from pymtl import (
    MultiTaskMeanClassifier,
    MultiTaskMeanRegressor,
    MultiTaskRelationshipClassifier,
    MultiTaskSearchCV,
    TaskKFold,
    stack_tasks,
)


def make_tasks(n_tasks=6, n=12, spread=0.0, seed=0):
    rng = np.random.default_rng(seed)
    Xs = [rng.normal(size=(n, 3)) for _ in range(n_tasks)]
    ys = [X @ [1.0, -1.0, 0.5] + rng.normal(size=n) for X in Xs]
    return Xs, [y + spread * t for t, y in enumerate(ys)]


XS, YS = make_tasks()
LABELS = [(y > 0).astype(int) for y in YS]


def edges(search, *data):
    """Return what the search warns of edges."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        search.fit(*data)
    said = [str(w.message) for w in caught]
    return [message for message in said if "edge of the grid" in message]


def test_a_best_value_at_the_edge_is_said_once():
    model = MultiTaskMeanRegressor(fit_intercept="shrink")
    search = MultiTaskSearchCV(
        model, lambda1=[0.03, 0.01], lambda0=[0.02, 0.01, 0.005], cv=3
    )
    said = edges(search, XS, YS)  # equal tasks: both want to be stronger
    assert len(said) == 1
    assert "lambda1=0.03 is the largest of its 2 values" in said[0]
    assert "lambda0=0.02 is the largest of its 3 values" in said[0]
    assert "give larger ones" in said[0]


def test_a_parameter_of_the_grid_at_its_edge_is_said():
    model = MultiTaskMeanRegressor(fit_intercept="shrink")
    Xs, ys = make_tasks(spread=5.0)
    grid = {"lambda0": [10.0, 30.0, 100.0]}
    (said,) = edges(MultiTaskSearchCV(model, param_grid=grid, cv=3), Xs, ys)
    assert "lambda0=10 is the smallest of its 3 values" in said


def test_what_has_nothing_beyond_is_not_said():
    # one model for all, at the strong end of the path
    assert not edges(MultiTaskSearchCV(MultiTaskMeanRegressor(), cv=3), XS, YS)
    # zero that was given, and a path that ends in its plateau
    rng = np.random.default_rng(0)
    Xs = [rng.normal(size=(60, 2)) for _ in range(3)]
    ys = [X @ rng.normal(size=2) + 1e-3 * rng.normal(size=60) for X in Xs]
    zero = MultiTaskSearchCV(MultiTaskMeanRegressor(), lambda1=[1.0, 0.1, 0.0], cv=3)
    assert not edges(zero, Xs, ys)
    assert zero.best_params_ == {"lambda1": 0.0}
    path = MultiTaskSearchCV(MultiTaskMeanRegressor(), eps=1e-6, cv=3)
    assert not edges(path, Xs, ys)


def test_the_end_of_a_path_names_eps():
    rng = np.random.default_rng(0)
    Xs = [rng.normal(size=(60, 2)) for _ in range(3)]
    ys = [X @ rng.normal(size=2) + 1e-3 * rng.normal(size=60) for X in Xs]
    search = MultiTaskSearchCV(MultiTaskMeanRegressor(), n_lambdas=3, eps=0.3, cv=3)
    (said,) = edges(search, Xs, ys)
    assert "smallest of its 3 values" in said
    assert "smaller eps" in said


def test_lambda0_equals_its_param_grid():
    Xs, ys = make_tasks(spread=0.5)
    model = MultiTaskMeanRegressor(fit_intercept="shrink", tol=1e-10)
    values = {"lambda0": [1.0, 0.1, 0.01]}
    options = {"lambda1": [1.0, 0.1], "cv": 3}
    ours = MultiTaskSearchCV(model, **values, **options).fit(Xs, ys)
    theirs = MultiTaskSearchCV(model, param_grid=values, **options).fit(Xs, ys)
    assert ours.best_params_ == theirs.best_params_
    key = "mean_test_score"
    assert_allclose(ours.cv_results_[key], theirs.cv_results_[key], rtol=1e-7)


@pytest.mark.parametrize("weight", [None, [1.0, 2.0, 0.5]])
@pytest.mark.parametrize("labels", [False, True])
def test_lambda0_equals_the_search_of_scikit_learn(labels, weight):
    cls = MultiTaskMeanClassifier if labels else MultiTaskMeanRegressor
    options = {"tol": 1e-9, "feature_weight": weight, "fit_intercept": "shrink"}
    model = cls(lambda2=0.1, task_column=0, **options)
    X, y = stack_tasks(XS, LABELS if labels else YS)
    grid = {"lambda0": [1.0, 0.1], "lambda1": [0.5, 0.05]}
    scoring = "neg_log_loss" if labels else "neg_mean_squared_error"
    ours = MultiTaskSearchCV(model, cv=3, scoring=scoring, **grid).fit(X, y)
    cv = TaskKFold(3, task_column=0)
    theirs = GridSearchCV(model, grid, cv=cv, scoring=scoring).fit(X, y)

    def by_params(search):
        results = search.cv_results_
        pairs = zip(results["params"], results["mean_test_score"], strict=True)
        return {tuple(sorted(p.items())): score for p, score in pairs}

    found, expected = by_params(ours), by_params(theirs)
    assert found.keys() == expected.keys()
    values = [found[key] for key in expected]
    assert_allclose(values, list(expected.values()), rtol=1e-5)


def test_lambda0_needs_shrunk_intercepts():
    search = MultiTaskSearchCV(MultiTaskMeanRegressor(), lambda0=[0.1])
    with pytest.raises(ValueError, match="fit_intercept='shrink'"):
        search.fit(XS, YS)
    forms = {"fit_intercept": [True, "shrink"]}
    search = MultiTaskSearchCV(
        MultiTaskMeanRegressor(), lambda1=[1.0], lambda0=[1, 0.1], param_grid=forms
    )
    assert len(search.fit(XS, YS).cv_results_["params"]) == 3


def test_the_ridge_of_classifiers_is_searched():
    model = MultiTaskMeanClassifier(task_column=0)
    X, y = stack_tasks(XS, LABELS)
    auto = MultiTaskMeanClassifier(task_column=0).fit(X, y).lambda2_
    search = MultiTaskSearchCV(model, n_lambdas=4, cv=2).fit(X, y)
    found = {setting["lambda2"] for setting in search.cv_results_["params"]}
    assert_allclose(sorted(found), [auto, 10 * auto, 100 * auto])
    assert search.fixed_strengths_ == {}
    one = MultiTaskSearchCV(model, lambda2=None, n_lambdas=4, cv=2).fit(X, y)
    assert len(one.cv_results_["params"]) == 4
    assert one.fixed_strengths_ == {"lambda2": one.best_estimator_.lambda2_}
    # strengths of one structure move together
    both = MultiTaskSearchCV(
        MultiTaskRelationshipClassifier(task_column=0), n_lambdas=4, cv=2
    )
    both.fit(X, y)
    assert len(both.cv_results_["params"]) == 4
    assert both.fixed_strengths_ == {"ridge": 0.0}


def test_what_is_not_searched_is_said():
    model = MultiTaskMeanRegressor(fit_intercept="shrink")
    search = MultiTaskSearchCV(model, n_lambdas=3, cv=2).fit(XS, YS)
    assert search.fixed_strengths_ == {"lambda2": 0.0, "lambda0": 0.5}
    search.set_params(refit=False).fit(XS, YS)
    assert search.fixed_strengths_ == {"lambda2": 0.0, "lambda0": "auto"}


class Bad(MultiTaskMeanRegressor):
    """Fails at one strength."""

    def _problem(self, centred, penalty, like=None):
        if self.lambda1 == 0.5:
            msg = "half is not a strength"
            raise RuntimeError(msg)
        return super()._problem(centred, penalty, like)


@pytest.mark.parametrize("score", [np.nan, -1e6])
def test_fits_that_fail(score):
    model = Bad(fit_intercept="shrink")
    options = {"lambda1": [1.0, 0.5, 0.1], "cv": 3}
    search = MultiTaskSearchCV(model, error_score=score, **options)
    with pytest.warns(FitFailedWarning, match="(?s)3 fits failed out of .* 9.*half is"):
        search.fit(XS, YS)
    plain = MultiTaskSearchCV(
        MultiTaskMeanRegressor(fit_intercept="shrink"), **options
    ).fit(XS, YS)
    mean, expected = (s.cv_results_["mean_test_score"] for s in (search, plain))
    assert_allclose(mean[[0, 2]], expected[[0, 2]], rtol=1e-6)
    assert np.isnan(mean[1]) if np.isnan(score) else mean[1] == score
    assert search.cv_results_["rank_test_score"][1] == 3
    with pytest.raises(RuntimeError, match="half is not"):
        search.set_params(error_score="raise").fit(XS, YS)


def test_all_fits_fail():
    search = MultiTaskSearchCV(Bad(fit_intercept="shrink"), lambda1=[0.5], cv=3)
    with pytest.raises(ValueError, match="(?s)All the 3 fits failed.*half is not"):
        search.fit(XS, YS)


def test_scorers_that_fail():
    X, y = stack_tasks(XS, YS)
    calls = []

    def scorer(model, X, y):
        calls.append(model)
        if len(calls) == 2:
            msg = "no score today"
            raise RuntimeError(msg)
        return 1.0

    model = MultiTaskMeanRegressor(task_column=0)
    options = {"lambda1": [1.0, 0.1], "cv": 2, "scoring": scorer}
    with pytest.warns(UserWarning, match="(?s)Scoring failed 1 times.*no score today"):
        search = MultiTaskSearchCV(model, **options).fit(X, y)
    assert np.isnan(search.cv_results_["mean_test_score"]).tolist() == [False, True]
    assert search.best_index_ == 0
    calls.clear()
    with pytest.raises(RuntimeError, match="no score today"):
        MultiTaskSearchCV(model, error_score="raise", **options).fit(X, y)


@pytest.mark.parametrize(
    "options", [{"error_score": "nan"}, {"lambda2": "path"}, {"lambda0": [-1.0]}]
)
def test_wrong_options(options):
    model = MultiTaskMeanRegressor(fit_intercept="shrink")
    with pytest.raises(ValueError, match=next(iter(options))):
        MultiTaskSearchCV(model, **options).fit(XS, YS)
