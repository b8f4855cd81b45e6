"""MultiTaskSearchCV: the scores and the choice of scikit-learn's GridSearchCV."""

import sys
import warnings
from itertools import combinations
from numbers import Real

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.compose import make_column_transformer
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.linear_model import Lasso
from sklearn.linear_model import Ridge as SklearnRidge
from sklearn.metrics import (
    make_scorer,
    mean_absolute_error,
    r2_score,
    roc_auc_score,
)
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from pymtl import (
    MultiTaskClassifier,
    MultiTaskClusteredRegressor,
    MultiTaskDirtyRegressor,
    MultiTaskGraphRegressor,
    MultiTaskL21Regressor,
    MultiTaskMeanRegressor,
    MultiTaskRegressor,
    MultiTaskSearchCV,
    MultiTaskTraceNormRegressor,
    PooledRegressor,
    RepeatedTaskKFold,
    SingleTaskRegressor,
    TaskKFold,
    TaskScaler,
    stack_tasks,
)
from pymtl._path import Training
from pymtl.datasets import make_multitask_regression
from pymtl.designs import Stacked
from pymtl.metrics import get_scorer, multitask_score
from pymtl.penalties import L21, Mean, Ridge
from pymtl.penalties._task_matrix import TaskMatrix
from pymtl.solvers.closed import ClosedForm, has_closed_form

DATA = make_multitask_regression(
    n_tasks=4, n_features=6, n_samples=(10, 25), snr=1.0, random_state=0
)
X, Y = stack_tasks(DATA.Xs, DATA.ys)
ROWS = np.random.default_rng(0).permutation(len(Y))
X, Y = X[ROWS], Y[ROWS]
LONG = {"task_column": 0, "tol": 1e-10}
VALUES = [3.0, 0.3, 0.03]


def by_params(results, key="mean_test_score"):
    """Return {parameters: result}."""

    def name(params):
        numbers = {k: float(v) for k, v in params.items() if isinstance(v, Real)}
        return repr(sorted((params | numbers).items()))

    names = [name(params) for params in results["params"]]
    return dict(zip(names, results[key], strict=True))


def require_same(search, grid, rtol=1e-6):
    """Require the results of a search to be those of a grid search."""
    assert search.n_splits_ == grid.n_splits_
    keys = [f"split{k}_test_score" for k in range(grid.n_splits_)]
    for key in ["mean_test_score", "std_test_score", "rank_test_score", *keys]:
        ours, theirs = (by_params(s.cv_results_, key) for s in (search, grid))
        assert set(ours) == set(theirs)
        if key == "rank_test_score":
            scores = by_params(grid.cv_results_)
            apart = 1e-9 * max(map(abs, scores.values()))  # equal models tie but for it
            for a, b in combinations(scores, 2):
                if abs(scores[a] - scores[b]) > apart:
                    assert (ours[a] < ours[b]) == (theirs[a] < theirs[b])
            continue
        for name, value in theirs.items():
            assert ours[name] == pytest.approx(value, rel=rtol, abs=1e-9)
    assert search.best_params_ == grid.best_params_
    assert search.best_score_ == pytest.approx(grid.best_score_, rel=rtol)
    assert search.best_params_ == search.cv_results_["params"][search.best_index_]


@pytest.mark.parametrize(
    ("model", "lambda2"),
    [
        (MultiTaskMeanRegressor(**LONG), [0.0, 0.1]),
        (MultiTaskL21Regressor(**LONG), [0.0, 0.1]),
        (MultiTaskL21Regressor(fit_intercept="shrink", lambda0=0.3, **LONG), None),
        (MultiTaskMeanRegressor(feature_weight=[0, 1, 2, 1, 1, 1], **LONG), None),
        (MultiTaskMeanRegressor(task_weight="n_samples", **LONG), [0.2]),
        (MultiTaskDirtyRegressor(**LONG), [0.2, 0.5]),
        (MultiTaskDirtyRegressor(**LONG), None),
        (MultiTaskGraphRegressor(lambda2=0.1, **LONG), None),
        (MultiTaskTraceNormRegressor(**LONG), [0.05]),
        (SingleTaskRegressor(**LONG), None),
        (PooledRegressor(**LONG), None),
    ],
    ids=repr,
)
def test_scores_and_choice_of_grid_search(model, lambda2):
    cv = TaskKFold(3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # the range of two strengths
        search = MultiTaskSearchCV(model, lambda1=VALUES, lambda2=lambda2, cv=3)
        search.fit(X, Y)
        first = "lambda1" if hasattr(model, "lambda1") else "lambda2"
        grid = {first: VALUES} | ({} if lambda2 is None else {"lambda2": lambda2})
        theirs = GridSearchCV(model, grid, cv=cv, scoring="neg_mean_squared_error")
        theirs.fit(X, Y)
    require_same(search, theirs)
    assert_allclose(search.predict(X), theirs.predict(X), rtol=1e-6)
    assert_allclose(
        search.best_estimator_.coef_, theirs.best_estimator_.coef_, atol=1e-5
    )


@pytest.mark.parametrize(
    "scoring",
    [
        "r2",
        "neg_median_absolute_error",
        "task_r2_macro",
        "explained_variance_within",
        make_scorer(mean_absolute_error, greater_is_better=False),
        lambda estimator, X, y: -np.abs(estimator.predict(X) - y).max(),
    ],
)
def test_any_scorer(scoring):
    model = MultiTaskL21Regressor(**LONG)
    search = MultiTaskSearchCV(model, lambda1=VALUES, cv=3, scoring=scoring).fit(X, Y)
    theirs = GridSearchCV(
        model, {"lambda1": VALUES}, cv=TaskKFold(3), scoring=get_scorer(scoring)
    )
    require_same(search, theirs.fit(X, Y))
    assert search.score(X, Y) == pytest.approx(theirs.score(X, Y))


def test_further_parameters():
    model = MultiTaskMeanRegressor(fit_intercept="shrink", **LONG)
    grid = {"lambda0": [0.1, 10.0], "task_weight": [None, "n_samples"]}
    search = MultiTaskSearchCV(model, lambda1=VALUES, param_grid=grid, cv=3).fit(X, Y)
    theirs = GridSearchCV(
        model,
        {"lambda1": VALUES, **grid},
        cv=TaskKFold(3),
        scoring="neg_mean_squared_error",
    )
    require_same(search, theirs.fit(X, Y))
    model = MultiTaskClusteredRegressor(tol=1e-9, task_column=0)
    grid = [{"n_clusters": [1, 3]}, {"lambda2": [0.3], "n_clusters": [2]}]
    search = MultiTaskSearchCV(model, lambda1=[1.0, 0.1], param_grid=grid, cv=3)
    search.fit(X, Y)
    grid = [g | {"lambda1": [1.0, 0.1]} for g in grid]
    theirs = GridSearchCV(
        model, grid, cv=TaskKFold(3), scoring="neg_mean_squared_error"
    ).fit(X, Y)
    require_same(search, theirs, rtol=1e-4)
    column = search.cv_results_["param_lambda2"]
    assert_array_equal(column.mask, [True] * 4 + [False] * 2)


def test_a_pipeline_is_searched():
    model = make_pipeline(TaskScaler(task_column=0), MultiTaskMeanRegressor(**LONG))
    step = "multitaskmeanregressor__"
    outer = {"taskscaler__with_std": [True, False], step + "fit_intercept": [True]}
    search = MultiTaskSearchCV(
        model, lambda1=VALUES, lambda2=[0.1, 0.0], param_grid=outer, cv=3
    ).fit(X, Y)
    grid = {step + "lambda1": VALUES, step + "lambda2": [0.1, 0.0], **outer}
    theirs = GridSearchCV(
        model, grid, cv=TaskKFold(3), scoring="neg_mean_squared_error"
    ).fit(X, Y)
    require_same(search, theirs)
    assert_allclose(search.predict(X), theirs.predict(X))
    with_scorer = MultiTaskSearchCV(
        model, lambda1=VALUES, cv=3, scoring="task_r2_macro"
    ).fit(X, Y)
    theirs = GridSearchCV(
        model,
        {step + "lambda1": VALUES},
        cv=TaskKFold(3),
        scoring=get_scorer("task_r2_macro"),
    ).fit(X, Y)
    require_same(with_scorer, theirs)
    path = MultiTaskSearchCV(model, n_lambdas=4, cv=3).fit(X, Y)
    Z = TaskScaler(task_column=0).fit_transform(X, Y)
    plain = MultiTaskMeanRegressor(**LONG).path(Z, Y, n_lambdas=4)
    assert_allclose(
        path.cv_results_["param_" + step + "lambda1"].tolist(), plain.lambdas
    )
    assert path.lambda_max(X, Y) == np.inf


def test_a_task_column_behind_other_steps():
    frame = pd.DataFrame(X, columns=["school", *"abcdef"])[[*"abc", "school", *"def"]]
    move = make_column_transformer(
        ("passthrough", ["school"]), (StandardScaler(), [*"abcdef"])
    )
    model = make_pipeline(move, MultiTaskMeanRegressor(lambda2=0.1, **LONG))
    search = MultiTaskSearchCV(model, lambda1=VALUES, cv=3)
    with pytest.raises(ValueError, match="'columntransformer' returns"):
        search.fit(frame, Y)
    cv = TaskKFold(3, task_column="school")
    theirs = GridSearchCV(
        model,
        {"multitaskmeanregressor__lambda1": VALUES},
        cv=cv,
        scoring="neg_mean_squared_error",
    )
    require_same(search.set_params(cv=cv).fit(frame, Y), theirs.fit(frame, Y))


def test_inside_a_pipeline():
    search = MultiTaskSearchCV(MultiTaskL21Regressor(**LONG), lambda1=VALUES, cv=3)
    model = make_pipeline(TaskScaler(task_column=0), search).fit(X, Y)
    Z = TaskScaler(task_column=0).fit_transform(X, Y)
    assert_allclose(model.predict(X), clone(search).fit(Z, Y).predict(Z))
    scores = cross_val_score(model, X, Y, cv=TaskKFold(3))
    assert scores.shape == (3,)


def test_path_is_that_of_all_data():
    model = MultiTaskL21Regressor(**LONG)
    search = MultiTaskSearchCV(model, n_lambdas=5, eps=0.05, cv=3).fit(X, Y)
    path = model.path(X, Y, n_lambdas=5, eps=0.05)
    assert search.cv_results_["params"] == path.params
    theirs = GridSearchCV(
        model,
        {"lambda1": path.lambdas},
        cv=TaskKFold(3),
        scoring="neg_mean_squared_error",
    ).fit(X, Y)
    require_same(search, theirs)
    assert search.lambda_max(X, Y) == pytest.approx(model.lambda_max(X, Y))
    dirty = MultiTaskSearchCV(MultiTaskDirtyRegressor(**LONG), n_lambdas=3, cv=3)
    dirty.fit(X, Y)
    assert set(dirty.best_params_) == {"lambda1", "lambda2"}


def test_general_estimators():
    model = MultiTaskRegressor(L21("auto") + Ridge(0.1), **LONG)
    named = MultiTaskL21Regressor("auto", 0.1, **LONG)
    for options in ({"n_lambdas": 4}, {"lambda1": VALUES}):
        search = MultiTaskSearchCV(model, cv=3, **options).fit(X, Y)
        other = MultiTaskSearchCV(named, cv=3, **options).fit(X, Y)
        assert_allclose(
            search.cv_results_["mean_test_score"], other.cv_results_["mean_test_score"]
        )
        strength = search.best_params_["penalty"].left.lambda1
        assert strength == pytest.approx(other.best_params_["lambda1"])
    grid = {"penalty__right__lambda2": [0.1, 1.0]}
    search = MultiTaskSearchCV(model, lambda1=None, param_grid=grid, cv=3).fit(X, Y)
    theirs = GridSearchCV(
        model, grid, cv=TaskKFold(3), scoring="neg_mean_squared_error"
    ).fit(X, Y)
    require_same(search, theirs)
    with pytest.raises(ValueError, match="penalty__right__lambda2"):
        MultiTaskSearchCV(model, lambda2=[0.1]).fit(X, Y)


@pytest.mark.parametrize("scoring", [None, "r2", "task_r2_weighted"])
def test_lists_and_dicts_are_the_long_table(scoring):
    Z, y = stack_tasks(DATA.Xs, DATA.ys)
    model = MultiTaskL21Regressor(tol=1e-10)
    options = {"lambda1": VALUES, "cv": 3, "scoring": scoring}
    long = clone(model).set_params(task_column=0)
    long = MultiTaskSearchCV(long, **options).fit(Z, y)
    names = ["d", "a", "c", "b"]
    dicts = [dict(zip(names, v, strict=True)) for v in (DATA.Xs, DATA.ys)]
    for Xs, ys in [(DATA.Xs, DATA.ys), dicts]:
        search = MultiTaskSearchCV(model, **options).fit(Xs, ys)
        assert_allclose(
            search.cv_results_["mean_test_score"],
            long.cv_results_["mean_test_score"],
            rtol=1e-6,
        )
        z = search.predict(Xs)
        z = list(z.values()) if isinstance(z, dict) else z
        assert_allclose(np.concatenate(z), long.predict(Z), atol=1e-5)
    frames = [pd.DataFrame(v, columns=list("abcdef")) for v in DATA.Xs]
    search = MultiTaskSearchCV(model, **options).fit(frames, DATA.ys)
    assert_allclose(
        search.cv_results_["mean_test_score"],
        long.cv_results_["mean_test_score"],
        rtol=1e-6,
    )


def test_targets_of_a_long_table_in_any_container():
    model = MultiTaskMeanRegressor(lambda2=0.1, **LONG)
    search = MultiTaskSearchCV(model, lambda1=VALUES, cv=3, refit=False).fit(X, Y)
    expected = search.cv_results_["mean_test_score"]
    index = np.random.default_rng(0).permutation(len(Y))
    for table, y in [
        (X, Y[:, None]),
        (X.tolist(), Y.tolist()),
        (pd.DataFrame(X, index=index), pd.Series(Y, index=index)),
        (pl.DataFrame(X), pl.Series(Y)),
    ]:
        found = search.fit(table, y).cv_results_["mean_test_score"]
        assert_allclose(found, expected, rtol=1e-9)


def test_tasks_smaller_than_the_folds():
    sizes = (30, 3, 1)
    rng = np.random.default_rng(0)
    Xs = [rng.normal(size=(n, 4)) for n in sizes]
    ys = [v[:, 0] + 0.1 * rng.normal(size=len(v)) for v in Xs]
    for scoring in (None, "r2", "task_rmse_macro"):
        scoring = "neg_" + scoring if scoring == "task_rmse_macro" else scoring
        search = MultiTaskSearchCV(
            MultiTaskMeanRegressor(lambda2=0.1), n_lambdas=4, cv=5, scoring=scoring
        ).fit(Xs, ys)
        assert np.isfinite(search.cv_results_["mean_test_score"]).all()
        assert search.best_estimator_.coef_.shape == (3, 4)


def test_shared_design():
    rng = np.random.default_rng(0)
    Z = rng.normal(size=(30, 5))
    Y2 = Z[:, :2] @ rng.normal(size=(2, 3)) + rng.normal(size=(30, 3))
    model = MultiTaskL21Regressor(tol=1e-10)
    search = MultiTaskSearchCV(model, lambda1=VALUES, cv=KFold(3)).fit(Z, Y2)
    theirs = GridSearchCV(
        model, {"lambda1": VALUES}, cv=KFold(3), scoring="neg_mean_squared_error"
    ).fit(Z, Y2)
    require_same(search, theirs)
    for cv in (4, TaskKFold(4, task_column="any")):
        search = MultiTaskSearchCV(model, lambda1=VALUES, cv=cv).fit(Z, Y2)
        assert search.n_splits_ == 4
        assert search.predict(Z).shape == (30, 3)


@pytest.mark.parametrize("scoring", [None, "neg_mean_squared_error", "task_r2_macro"])
def test_missing_targets(scoring):
    rng = np.random.default_rng(0)
    Z = rng.normal(size=(40, 5))
    Y2 = Z[:, :2] @ rng.normal(size=(2, 3)) + rng.normal(size=(40, 3))
    Y2[rng.random(Y2.shape) < 0.4] = np.nan
    Y2[:, 2] = np.nan
    Y2[[3, 7], 2] = 1.0, 2.0
    model = MultiTaskMeanRegressor(lambda2=0.1)
    search = MultiTaskSearchCV(model, lambda1=VALUES, cv=3, scoring=scoring)
    search.fit(Z, Y2)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    seen = ~np.isnan(Y2)
    fold = np.full(Y2.shape, -1)
    row = np.nonzero(seen.T)[1]
    table = np.nonzero(seen.T)[0][:, None]
    scores = np.empty((3, 3))
    for k, (_, test) in enumerate(TaskKFold(3).split(table, groups=row)):
        fold.T[tuple(np.stack([table[test, 0], row[test]]))] = k
        train, held = np.where(fold == k, np.nan, Y2), np.where(fold == k, Y2, np.nan)
        assert np.isfinite(train).any(axis=0).all()
        for i, value in enumerate(VALUES):
            z = clone(model).set_params(lambda1=value).fit(Z, train).predict(Z)
            if scoring == "task_r2_macro":
                scores[k, i] = multitask_score("r2", held, z)
            else:
                scores[k, i] = -np.nanmean((held - z) ** 2)
    assert_allclose(search.cv_results_["mean_test_score"], np.mean(scores, axis=0))


def test_one_task_is_the_lasso_search_of_scikit_learn():
    Z, y = DATA.Xs[0], DATA.ys[0]
    cv = KFold(4, shuffle=True, random_state=0)
    search = MultiTaskSearchCV(MultiTaskL21Regressor(tol=1e-12), lambda1=VALUES, cv=cv)
    theirs = GridSearchCV(
        Lasso(tol=1e-12), {"alpha": VALUES}, cv=cv, scoring="neg_mean_squared_error"
    ).fit(Z, y)
    search.fit(Z, y)
    assert_allclose(
        search.cv_results_["mean_test_score"],
        theirs.cv_results_["mean_test_score"],
        rtol=1e-6,
    )
    assert_allclose(search.predict(Z), theirs.predict(Z), rtol=1e-5)


def test_groups_weights_and_offsets():
    groups = np.arange(len(Y)) // 2
    cv = TaskKFold(3)
    model = MultiTaskMeanRegressor(lambda2=0.1, **LONG)
    search = MultiTaskSearchCV(model, lambda1=VALUES, cv=3).fit(X, Y, groups=groups)
    theirs = GridSearchCV(
        model,
        {"lambda1": VALUES},
        cv=list(cv.split(X, Y, groups)),
        scoring="neg_mean_squared_error",
    ).fit(X, Y)
    require_same(search, theirs)
    weight = np.random.default_rng(0).integers(0, 3, size=len(Y)).astype(float)
    offset = np.linspace(0, 3, len(Y))
    search = MultiTaskSearchCV(model, lambda1=VALUES, cv=3)
    search.fit(X, Y + offset, sample_weight=weight, offset=offset)
    expected = []
    for train, test in cv.split(X, Y + offset):
        fits = [
            clone(model).set_params(lambda1=v).fit(X[train], Y[train], weight[train])
            for v in VALUES
        ]
        squares = [(Y[test] - fit.predict(X[test])) ** 2 for fit in fits]
        expected.append([-np.average(s, weights=weight[test]) for s in squares])
    assert_allclose(
        search.cv_results_["mean_test_score"], np.mean(expected, axis=0), rtol=1e-6
    )
    Xs, ys = [list(v) for v in (DATA.Xs, DATA.ys)]
    pairs = [np.arange(len(v)) // 2 for v in ys]
    lists = MultiTaskSearchCV(MultiTaskMeanRegressor(), lambda1=VALUES, cv=3)
    lists.fit(Xs, ys, groups=pairs, sample_weight=[np.ones(len(v)) for v in ys])
    assert lists.n_splits_ == 3


def test_splitters():
    model = MultiTaskMeanRegressor(lambda2=0.1, **LONG)
    repeated = RepeatedTaskKFold(3, n_repeats=2, random_state=0)
    shuffled = TaskKFold(4, shuffle=True, random_state=0)
    for cv in (repeated, shuffled, list(shuffled.split(X, Y))):
        search = MultiTaskSearchCV(model, lambda1=VALUES, cv=cv).fit(X, Y)
        theirs = GridSearchCV(
            model, {"lambda1": VALUES}, cv=cv, scoring="neg_mean_squared_error"
        ).fit(X, Y)
        require_same(search, theirs)


def test_one_standard_error():
    model = MultiTaskL21Regressor(**LONG)
    options = {"n_lambdas": 15, "lambda2": [1.0, 0.0], "cv": 4}
    least = MultiTaskSearchCV(model, **options).fit(X, Y)
    one = MultiTaskSearchCV(model, select="1se", **options).fit(X, Y)
    results = least.cv_results_
    assert_array_equal(one.cv_results_["mean_test_score"], results["mean_test_score"])
    folds = [results[f"split{k}_test_score"][least.best_index_] for k in range(4)]
    bound = least.best_score_ - np.std(folds, ddof=1) / 2
    best = least.best_params_
    line = [
        i for i, p in enumerate(results["params"]) if p["lambda2"] == best["lambda2"]
    ]
    good = [i for i in line if results["mean_test_score"][i] >= bound]
    strongest = max(good, key=lambda i: results["params"][i]["lambda1"])
    assert one.best_index_ == strongest
    assert one.best_params_["lambda1"] > best["lambda1"]


@pytest.mark.parametrize(
    ("model", "options", "length"),
    [
        (SingleTaskRegressor(**LONG), {"lambda2": [0.01, 0.3, 1.0, 3.0]}, 4),
        (MultiTaskMeanRegressor(**LONG), {"lambda1": [0.1, 1.0], "lambda2": VALUES}, 2),
        (
            MultiTaskRegressor("mean", **LONG),
            {"param_grid": {"fit_intercept": [True, False]}, "n_lambdas": 5},
            5,
        ),
    ],
)
def test_one_standard_error_stays_on_the_line_of_the_best(model, options, length):
    search = MultiTaskSearchCV(model, cv=3, select="1se", **options).fit(X, Y)
    mean = search.cv_results_["mean_test_score"]
    best = int(np.argmax(mean))
    folds = [search.cv_results_[f"split{k}_test_score"][best] for k in range(3)]
    bound = mean[best] - np.std(folds, ddof=1) / np.sqrt(3)
    start = best // length * length
    line = range(start, start + length)
    assert search.best_index_ == next(i for i in line if mean[i] >= bound)


def test_information_criteria():
    rng = np.random.default_rng(0)
    Xs = [rng.normal(size=(60, 30)) for _ in range(3)]
    ys = [v[:, :3] @ rng.normal(2, 1, size=3) + rng.normal(size=60) for v in Xs]
    model = MultiTaskL21Regressor(tol=1e-8)
    bic = MultiTaskSearchCV(model, select="bic", eps=0.01).fit(Xs, ys)
    ebic = MultiTaskSearchCV(model, select="ebic", eps=0.01).fit(Xs, ys)
    assert bic.n_splits_ == 0
    path = model.path(Xs, ys, n_lambdas=30, eps=0.01)
    for i in (0, 10, 29):
        squares = sum(
            np.sum((y - v @ w - c) ** 2)
            for y, v, w, c in zip(ys, Xs, path.coef[i], path.intercept[i], strict=True)
        )
        value = 180 * np.log(squares / 180) + np.log(180) * (path.n_nonzero[i] + 3)
        assert -bic.cv_results_["mean_test_score"][i] == pytest.approx(value)
    features = [
        np.count_nonzero(s.best_estimator_.coef_.any(axis=0)) for s in (bic, ebic)
    ]
    assert 3 <= features[1] <= features[0] < 30
    assert set(np.flatnonzero(ebic.best_estimator_.coef_.any(axis=0))) >= {0, 1, 2}


def test_results_have_the_layout_of_scikit_learn():
    model = MultiTaskMeanRegressor(**LONG)
    search = MultiTaskSearchCV(model, lambda1=VALUES, lambda2=[0.1], cv=3).fit(X, Y)
    theirs = GridSearchCV(model, {"lambda1": VALUES, "lambda2": [0.1]}, cv=TaskKFold(3))
    assert set(search.cv_results_) == set(theirs.fit(X, Y).cv_results_)
    frame = pd.DataFrame(search.cv_results_)
    assert len(frame) == 3
    for name in ("mean_fit_time", "std_fit_time", "mean_score_time", "std_score_time"):
        assert (frame[name] >= 0).all()
    assert search.refit_time_ > 0
    assert_array_equal(search.cv_results_["param_lambda1"], VALUES)


def test_n_jobs_and_verbose(capsys, monkeypatch):
    model = MultiTaskL21Regressor(**LONG)
    one = MultiTaskSearchCV(model, lambda1=VALUES, cv=3).fit(X, Y)
    two = clone(one).set_params(n_jobs=2).fit(X, Y)
    assert_array_equal(
        one.cv_results_["mean_test_score"], two.cv_results_["mean_test_score"]
    )
    assert capsys.readouterr().out == ""
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    clone(one).set_params(verbose=1).fit(X, Y)
    assert "fold 3 of 3" in capsys.readouterr().out


def test_without_refit():
    search = MultiTaskSearchCV(MultiTaskMeanRegressor(**LONG), refit=False, cv=3)
    search.fit(X, Y)
    assert not hasattr(search, "best_estimator_")
    with pytest.raises(AttributeError, match="refit=False"):
        search.predict(X)
    with pytest.raises(NotFittedError):
        MultiTaskSearchCV(MultiTaskMeanRegressor()).predict(X)


def test_a_missed_tolerance_warns_once():
    model = MultiTaskL21Regressor(max_iter=1, task_column=0, tol=1e-9)
    search = MultiTaskSearchCV(model, lambda1=[0.01, 0.001], cv=3, refit=False)
    with pytest.warns(ConvergenceWarning, match="6 of 6 fits") as caught:
        search.fit(X, Y)
    assert sum(issubclass(w.category, ConvergenceWarning) for w in caught) == 1


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"select": "max"}, "select"),
        ({"lambda1": "auto"}, "lambda1"),
        ({"lambda1": [-1.0]}, "lambda1"),
        ({"lambda2": [np.nan]}, "lambda2"),
        ({"n_lambdas": 0}, "n_lambdas"),
        ({"eps": 2.0}, "eps"),
        ({"scoring": "r3"}, "r3"),
        ({"cv": 1}, "n_splits"),
        ({"param_grid": {"lambda9": [1]}}, "lambda9"),
        ({"estimator": SklearnRidge()}, "GridSearchCV"),
    ],
)
def test_bad_options_are_refused(options, match):
    options = {"estimator": MultiTaskMeanRegressor(**LONG)} | options
    with pytest.raises(ValueError, match=match):
        MultiTaskSearchCV(**options).fit(X, Y)


def test_tags_and_parameters():
    search = MultiTaskSearchCV(MultiTaskMeanRegressor())
    assert is_regressor(search)
    assert not is_classifier(search)
    assert "estimator__lambda2" in search.get_params()
    assert repr(clone(search)) == repr(search)
    assert not hasattr(search, "predict_proba")


@parametrize_with_checks(
    [MultiTaskSearchCV(MultiTaskL21Regressor(), n_lambdas=4, cv=2)]
)
def test_scikit_learn_checks(estimator, check):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        check(estimator)


@pytest.mark.slow
@parametrize_with_checks(
    [
        MultiTaskSearchCV(MultiTaskMeanRegressor(), n_lambdas=3, cv=2),
        MultiTaskSearchCV(PooledRegressor(), n_lambdas=3, cv=2),
    ]
)
def test_scikit_learn_checks_of_others(estimator, check):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        check(estimator)


def test_score_is_that_of_the_estimator():
    search = MultiTaskSearchCV(MultiTaskMeanRegressor(**LONG), cv=3).fit(X, Y)
    assert search.score(X, Y) == pytest.approx(r2_score(Y, search.predict(X)))


def test_linear_systems_are_solved_in_closed_form(monkeypatch):
    """Where the closed form serves, and that it serves nothing else."""
    lists = DATA.Xs, DATA.ys
    long = stack_tasks(*lists)
    serves = [
        (MultiTaskMeanRegressor(lambda2=0.1), lists, 3),
        (MultiTaskMeanRegressor(lambda2=0.1, **LONG), long, 3),
        (MultiTaskMeanRegressor(fit_intercept=False, lambda2=0.1), lists, 3),
        (SingleTaskRegressor(task_weight="null"), lists, 3),
        (MultiTaskRegressor(Mean("auto") + Ridge(0.1)), lists, 3),
        (MultiTaskMeanRegressor(), lists, 0),
        (MultiTaskMeanRegressor(lambda2=0.1, fit_intercept="shrink"), lists, 0),
        (MultiTaskMeanRegressor(lambda2=0.1, feature_weight=[1] * 6), lists, 0),
        (MultiTaskGraphRegressor(lambda2=0.1), lists, 3),
        (MultiTaskGraphRegressor(graph="order", lambda2=0.1), lists, 0),
        (PooledRegressor(), lists, 0),
        (MultiTaskL21Regressor(), lists, 0),
    ]
    for model, data, n in serves:
        model = clone(model).set_params(tol=1e-10)
        search = MultiTaskSearchCV(model, lambda1=[1e3, 0.1, 1e-4], cv=3)
        with_closed = search.fit(*data).cv_results_["mean_test_score"]
        training = Training(clone(model), *data)
        settings = training.settings([1e3, 0.1, 1e-4])[2]
        found = training.closed_form(settings)
        assert len(found) == n
        for i, (coef, intercept) in found.items():
            fit = clone(model).set_params(**settings[i]).fit(*data)
            assert_allclose(coef, fit.coef_, atol=1e-9)
            assert_allclose(intercept, fit.intercept_, atol=1e-9)
        with monkeypatch.context() as patch:
            patch.setattr(Training, "closed_form", lambda *args: {})
            without = search.fit(*data).cv_results_["mean_test_score"]
        assert_allclose(with_closed, without, rtol=1e-7)


def test_closed_form_of_any_vector_and_its_bound():
    rng = np.random.default_rng(0)
    bounds = np.cumsum([0, 2, 9, 30, 1])
    X = rng.normal(size=(42, 5))
    X[:, 3] = 0.0
    X[2:11, 4] = X[2:11, 0]
    design = Stacked(X, bounds)
    y, weight = rng.normal(size=42), rng.uniform(0.1, 2, size=42)
    closed = ClosedForm(design, y, weight)
    f = rng.normal(size=4)
    f /= np.linalg.norm(f)
    for beta, nu in [(3.0, 0.2), (0.2, 3.0), (1.0, 1.0), (1e-3, 1e-5)]:
        matrix = TaskMatrix(4, beta, f[:, None], np.array([nu]))
        assert has_closed_form(matrix)
        W, bound = closed.solve(matrix)
        L = matrix.toarray()
        K, b = np.kron(np.eye(5), L), np.zeros((5, 4))
        for t in range(4):
            B = design.block(t, weight)
            rows = slice(bounds[t], bounds[t + 1])
            b[:, t] = B.T @ (np.sqrt(weight[rows]) * y[rows])
            K[t::4, t::4] += B.T @ B
        expected = np.linalg.solve(K, b.ravel()).reshape(5, 4)
        assert_allclose(W, expected, atol=1e-9 * np.abs(expected).max())
        H = K - np.kron(np.eye(5), L)
        assert closed.trace(matrix) == pytest.approx(np.trace(np.linalg.solve(K, H)))
        assert bound < 1e-12
    assert not has_closed_form(TaskMatrix(4, 1.0, f[:, None], np.array([0.0])))
    assert not has_closed_form(TaskMatrix(4, 1.0, matrix=np.eye(4)))


def make_labels(n_classes=2):
    rng = np.random.default_rng(0)
    Xs = [rng.normal(size=(n, 4)) for n in (30, 45, 40)]
    z = [v[:, 0] + rng.logistic(size=len(v)) + t for t, v in enumerate(Xs)]
    cuts = np.quantile(np.concatenate(z), np.arange(1, n_classes) / n_classes)
    return Xs, [np.array(["a", "b", "c"])[np.digitize(v, cuts)] for v in z]


@pytest.mark.parametrize("n_classes", [2, 3])
def test_classifiers(n_classes):
    Xs, ys = make_labels(n_classes)
    Z, y = stack_tasks(Xs, ys)
    model = MultiTaskClassifier("l21", task_column=0, tol=1e-7)
    grid = {"penalty": [L21(0.3), L21(0.1)]}
    options = {"lambda1": None, "param_grid": grid, "cv": 3}
    theirs = GridSearchCV(model, grid, cv=TaskKFold(3), scoring="neg_log_loss")
    search = MultiTaskSearchCV(model, **options).fit(Z, y)
    assert is_classifier(search)
    assert_allclose(
        search.cv_results_["mean_test_score"],
        theirs.fit(Z, y).cv_results_["mean_test_score"],
        rtol=1e-5,
    )
    assert repr(search.best_params_) == repr(theirs.best_params_)
    assert_array_equal(search.classes_, theirs.classes_)
    assert search.predict_proba(Z).shape == (len(y), n_classes)
    assert search.score(Z, y) == pytest.approx(np.mean(search.predict(Z) == y))
    lists = MultiTaskSearchCV(clone(model).set_params(task_column=None), **options)
    assert_allclose(
        lists.fit(Xs, ys).cv_results_["mean_test_score"],
        search.cv_results_["mean_test_score"],
        rtol=1e-5,
    )
    if n_classes > 2:
        return
    for scoring in ("accuracy", "task_balanced_accuracy_macro"):
        both = [
            clone(s).set_params(scoring=scoring).fit(*data).best_score_
            for s, data in [(search, (Z, y)), (lists, (Xs, ys))]
        ]
        assert both[0] == pytest.approx(both[1])
    path = MultiTaskSearchCV(model, n_lambdas=4, cv=3, select="1se").fit(Z, y)
    assert path.cv_results_["mean_test_score"].shape == (4,)


def test_classifiers_of_a_shared_design_and_own_labels():
    rng = np.random.default_rng(0)
    Z = rng.normal(size=(60, 3))
    scores = Z @ rng.normal(size=(3, 3)) + rng.logistic(size=(60, 3))
    model = MultiTaskClassifier("l21", tol=1e-6)
    grid = {"lambda1": [0.1, 0.05], "cv": KFold(3)}
    for Y2 in ((scores > 0).astype(float), np.digitize(scores, [-1, 1]).astype(float)):
        Y2[:5, 1] = np.nan
        search = MultiTaskSearchCV(model, **grid).fit(Z, Y2)
        expected = []
        for train, test in KFold(3).split(Z):
            fit = clone(model).set_params(**search.cv_results_["params"][0])
            p = fit.fit(Z[train], Y2[train]).predict_proba(Z[test])
            if not isinstance(p, list):
                p = [np.column_stack([1 - q, q]) for q in p.T]
            parts = [
                np.log(q[np.arange(20), np.nan_to_num(v).astype(int)])[~np.isnan(v)]
                for q, v in zip(p, Y2[test].T, strict=True)
            ]
            expected.append(np.concatenate(parts).mean())
        score = search.cv_results_["mean_test_score"][0]
        assert score == pytest.approx(np.mean(expected))
    Xs, ys = make_labels(3)
    own = {"x": ys[0], "y": np.char.upper(ys[1]), "z": (ys[2] == "a").astype(int)}
    Xs = dict(zip("xyz", Xs, strict=True))
    search = MultiTaskSearchCV(model, lambda1=[0.1, 0.01], cv=3).fit(Xs, own)
    assert np.isfinite(search.best_score_)
    assert np.log(1 / 3) < search.best_score_ < 0


def test_offsets_and_weights_of_labels():
    Xs, ys = make_labels()
    Z, y = stack_tasks(Xs, ys)
    rng = np.random.default_rng(0)
    known = {"sample_weight": rng.integers(1, 4, len(y)) * 1.0}
    known["offset"] = rng.normal(size=len(y))
    model = MultiTaskClassifier(L21(0.05), task_column=0, tol=1e-8)
    options = {"lambda1": None, "cv": 3}
    by_default = MultiTaskSearchCV(model, **options).fit(Z, y, **known)
    area = MultiTaskSearchCV(model, scoring="roc_auc", **options).fit(Z, y, **known)
    accuracy = MultiTaskSearchCV(model, scoring="task_accuracy_pooled", **options)
    accuracy.fit(Z, y, **known)
    expected = []
    for train, test in TaskKFold(3).split(Z, y):
        fit = model.fit(Z[train], y[train], **{k: v[train] for k, v in known.items()})
        z = fit.decision_function(Z[test], offset=known["offset"][test])
        up = y[test] == "b"
        weight = known["sample_weight"][test]
        loss = np.average(np.logaddexp(0, np.where(up, -z, z)), weights=weight)
        expected.append([-loss, roc_auc_score(up, z), np.mean(up == (z > 0))])
    scores = [search.best_score_ for search in (by_default, area, accuracy)]
    assert_allclose(scores, np.mean(expected, axis=0), rtol=1e-6)


@pytest.mark.parametrize("loss", ["huber", "poisson", "square_root"])
def test_losses(loss):
    counts = np.round(np.abs(Y))
    model = MultiTaskL21Regressor(loss=loss, task_column=0, tol=1e-8)
    search = MultiTaskSearchCV(model, lambda1=[0.3, 0.1], cv=3).fit(X, counts)
    theirs = GridSearchCV(
        model,
        {"lambda1": [0.3, 0.1]},
        cv=TaskKFold(3),
        scoring="neg_mean_squared_error",
    ).fit(X, counts)
    require_same(search, theirs, rtol=1e-4)
