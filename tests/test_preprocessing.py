"""TaskScaler: three doors, frames and labels kept, coefficients mapped back."""

import copy
import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
import sklearn
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from pymtl import (
    MultiTaskL21Regressor,
    MultiTaskMeanRegressor,
    SingleTaskRegressor,
    stack_tasks,
)
from pymtl.model_selection import TaskKFold
from pymtl.preprocessing import TaskScaler

NAMES = ["south", "north", "west"]
SIZES = (12, 7, 5)
FEATURES = ["a", "b", "c"]


def make_lists(dtype=float, seed=0):
    rng = np.random.default_rng(seed)
    Xs = [
        rng.normal(rng.uniform(-9, 9, 3), rng.uniform(0.1, 9, 3), size=(n, 3))
        for n in SIZES
    ]
    ys = [X @ [1.0, 2.0, 3.0] + rng.normal(30, 5) + rng.normal(size=len(X)) for X in Xs]
    return [X.astype(dtype) for X in Xs], [y.astype(dtype) for y in ys]


def make_frame(library="pandas", labels=NAMES):
    """Return a shuffled long table whose task column is in the middle."""
    Xs, ys = make_lists()
    X = pd.DataFrame(np.vstack(Xs), columns=FEATURES)
    X.insert(1, "school", np.repeat(labels, SIZES))
    X["y"] = np.concatenate(ys)
    X = X.sample(frac=1, random_state=0)
    y = X.pop("y").to_numpy()
    if library == "polars":
        X = pl.DataFrame({name: X[name].tolist() for name in X})
    elif library == "numpy":
        X = X.to_numpy()
    return X, y


def features(X):
    """Return the features of a table of `make_frame` as floats."""
    X = X.to_numpy() if hasattr(X, "columns") else X
    return X[:, [0, 2, 3]].astype(float)


@parametrize_with_checks(
    [
        TaskScaler(),
        TaskScaler(per_task=True),
        TaskScaler(scale_y=True),
        TaskScaler(with_mean=False),
        TaskScaler(with_std=False, per_task=True, scale_y=True),
    ]
)
def test_scikit_learn_checks(estimator, check):
    check(estimator)


@pytest.mark.parametrize("with_std", [True, False])
@pytest.mark.parametrize("with_mean", [True, False])
def test_pooled_is_standard_scaler_on_all_rows(with_mean, with_std):
    options = {"with_mean": with_mean, "with_std": with_std}
    Xs, _ = make_lists()
    reference = StandardScaler(**options).fit(np.vstack(Xs))
    scaler = TaskScaler(**options).fit(Xs)
    for X, Z in zip(Xs, scaler.transform(Xs), strict=True):
        assert_allclose(Z, reference.transform(X))
    assert_allclose(scaler.mean_, reference.mean_ if with_mean else np.zeros(3))
    assert_allclose(scaler.scale_, reference.scale_ if with_std else np.ones(3))
    stacked = TaskScaler(**options).fit(np.vstack(Xs))
    assert_allclose(stacked.transform(Xs[0]), scaler.transform(Xs)[0])
    frame, _ = make_frame()
    long = TaskScaler(task_column="school", **options).fit(frame)
    assert_allclose(
        features(long.transform(frame)), reference.transform(features(frame))
    )


def test_per_task_is_one_standard_scaler_a_task():
    Xs, _ = make_lists()
    expected = [StandardScaler().fit_transform(X) for X in Xs]
    scaler = TaskScaler(per_task=True)
    for Z, E in zip(scaler.fit_transform(Xs), expected, strict=True):
        assert_allclose(Z, E)
    assert scaler.mean_.shape == scaler.scale_.shape == (3, 3)
    assert_allclose(scaler.mean_, [X.mean(axis=0) for X in Xs])
    keyed = TaskScaler(per_task=True).fit(dict(zip(NAMES, Xs, strict=True)))
    some = keyed.transform({"west": Xs[2], "south": Xs[0]})
    assert list(some) == ["west", "south"]
    assert_allclose(some["west"], expected[2])
    assert_allclose(some["south"], expected[0])
    for Z, E in zip(keyed.transform(Xs), expected, strict=True):
        assert_allclose(Z, E)
    frame, _ = make_frame()
    long = TaskScaler(task_column="school", per_task=True).fit(frame)
    assert long.tasks_.tolist() == sorted(NAMES)
    Z = long.transform(frame)
    for name in NAMES:
        mine = frame["school"] == name
        assert_allclose(
            features(Z[mine]), StandardScaler().fit_transform(features(frame[mine]))
        )


@pytest.mark.parametrize("per_task", [False, True])
@pytest.mark.parametrize("library", ["pandas", "polars", "numpy"])
def test_kind_and_task_column_are_kept(library, per_task):
    X, _ = make_frame(library)
    before = copy.deepcopy(X)
    column = 1 if library == "numpy" else "school"
    scaler = TaskScaler(task_column=column, per_task=per_task)
    Z = scaler.fit_transform(X)
    assert type(Z) is type(X)
    for table in (Z, scaler.inverse_transform(Z)):
        if library == "pandas":
            assert table.index.equals(X.index)
            assert table.columns.equals(X.columns)
            assert table["school"].equals(X["school"])
        elif library == "polars":
            assert table.columns == X.columns
            assert table["school"].equals(X["school"])
        else:
            assert_array_equal(table[:, 1], X[:, 1])
    assert_allclose(features(scaler.inverse_transform(Z)), features(X))
    assert not np.allclose(features(Z), features(X))
    equal = np.array_equal if library == "numpy" else type(X).equals
    assert equal(X, before)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_arrays_with_numbers_for_labels(dtype):
    X, _ = make_frame(labels=[30, 10, 20])
    array = X.to_numpy(dtype)
    Z = TaskScaler(task_column=-3, per_task=True).fit_transform(array)
    assert Z.dtype == dtype
    assert_array_equal(array, X.to_numpy(dtype))
    assert_array_equal(Z[:, 1], array[:, 1])
    expected = TaskScaler(task_column="school", per_task=True).fit_transform(X)
    assert_allclose(features(Z), features(expected), atol=1e-4)
    lists = X.to_numpy().tolist()
    Z = TaskScaler(task_column=1, per_task=True).fit_transform(lists)
    assert_allclose(Z, expected.to_numpy())
    X, _ = make_frame()
    Z = TaskScaler(task_column=1, per_task=True).fit_transform(X.to_numpy().tolist())
    assert_allclose(features(Z), features(expected))
    assert_array_equal(Z[:, 1], X["school"])


def test_statistics_of_float32_are_exact():
    rng = np.random.default_rng(0)
    X = (1e4 + rng.lognormal(0, 3, size=(10**5, 1))).astype(np.float32)
    scaler = TaskScaler().fit(X)
    assert_allclose(scaler.mean_, X.astype(float).mean(axis=0), rtol=1e-12)
    assert_allclose(scaler.scale_, X.astype(float).std(axis=0), rtol=1e-12)
    assert scaler.transform(X).dtype == np.float32
    assert [Z.dtype for Z in TaskScaler().fit_transform([X, X[:9]])] == [np.float32] * 2


@pytest.mark.parametrize("per_task", [False, True])
def test_constant_columns_become_exact_zeros(per_task):
    rng = np.random.default_rng(0)
    values = np.array([0.1, -1e8 / 3, 1e-300, 0.0])
    Xs = [np.tile(values, (n, 1)) for n in (1000, 3)]
    scaler = TaskScaler(per_task=per_task).fit(Xs)
    assert_array_equal(scaler.scale_, np.ones_like(scaler.scale_))
    for Z in scaler.transform(Xs):
        assert_array_equal(Z, np.zeros_like(Z))
    # constant up to rounding
    X = 0.1 * (1 + 2e-16 * rng.integers(-1, 2, size=(1000, 1)))
    assert_array_equal(TaskScaler().fit(X).scale_, [1.0])
    # small, but not constant
    X = 1e-8 * rng.normal(size=(50, 1)) + 0.1
    assert TaskScaler().fit_transform(X).std() == pytest.approx(1)


def test_task_of_one_row_is_scaled_to_zeros():
    Xs = [np.ones((1, 2)) * 7, np.arange(6.0).reshape(3, 2)]
    Zs = TaskScaler(per_task=True).fit_transform(Xs)
    assert_array_equal(Zs[0], np.zeros((1, 2)))
    assert_allclose(Zs[1].std(axis=0), 1)


@settings(deadline=None, max_examples=50)
@given(
    st.lists(st.integers(1, 6), min_size=1, max_size=5),
    st.integers(-8, 8),
    st.booleans(),
    st.booleans(),
    st.integers(0, 10**6),
)
def test_doors_agree_and_inverses_are_inverse(sizes, power, per_task, scale_y, seed):
    rng = np.random.default_rng(seed)
    Xs = [10.0**power * rng.normal(rng.normal(), 1, size=(n, 2)) for n in sizes]
    ys = [rng.normal(size=n) for n in sizes]
    options = {"per_task": per_task, "scale_y": scale_y}
    lists = TaskScaler(**options).fit(Xs, ys)
    X, y = stack_tasks(Xs, ys)
    order = rng.permutation(len(y))
    long = TaskScaler(task_column=0, **options).fit(X[order], y[order])
    assert_allclose(long.mean_, lists.mean_, atol=1e-12 * 10.0**power)
    assert_allclose(long.scale_, lists.scale_)
    Zs, Z = lists.transform(Xs), long.transform(X)
    assert_allclose(np.vstack(Zs), Z[:, 1:], atol=1e-9)
    assert_array_equal(Z[:, 0], X[:, 0])
    assert_allclose(
        np.vstack(lists.inverse_transform(Zs)), np.vstack(Xs), atol=1e-9 * 10.0**power
    )
    if scale_y:
        us, u = lists.transform_y(ys), long.transform_y(y, X)
        assert_allclose(np.concatenate(us), u, atol=1e-9)
        assert_allclose(long.inverse_transform_y(u, X), y)
        assert_allclose(np.concatenate(lists.inverse_transform_y(us)), y)


@pytest.mark.parametrize("per_task", [False, True])
def test_integer_weights_repeat_rows(per_task):
    rng = np.random.default_rng(0)
    Xs, ys = make_lists()
    weights = [rng.integers(0, 4, size=n) for n in SIZES]
    repeated = [
        [np.repeat(a, w, axis=0) for a, w in zip(arrays, weights, strict=True)]
        for arrays in (Xs, ys)
    ]
    options = {"per_task": per_task, "scale_y": True}
    expected = TaskScaler(**options).fit(*repeated)
    X, y = stack_tasks(Xs, ys)
    for scaler in (
        TaskScaler(**options).fit(Xs, ys, sample_weight=weights),
        TaskScaler(task_column=0, **options).fit(X, y, np.concatenate(weights)),
    ):
        for name in ("mean_", "scale_", "y_mean_", "y_scale_"):
            assert_allclose(getattr(scaler, name), getattr(expected, name))


def test_targets():
    Xs, ys = make_lists()
    y = np.concatenate(ys)
    pooled = TaskScaler(scale_y=True).fit(Xs, ys)
    assert pooled.y_mean_ == pytest.approx(y.mean())
    assert pooled.y_scale_ == pytest.approx(y.std())
    us = pooled.transform_y(ys)
    assert_allclose(np.concatenate(us), (y - y.mean()) / y.std())
    own = TaskScaler(scale_y=True, per_task=True)
    own.fit(dict(zip(NAMES, Xs, strict=True)), dict(zip(NAMES, ys, strict=True)))
    assert_allclose(own.y_scale_, [u.std() for u in ys])
    assert own.transform_y({"west": ys[2].astype(np.float32)})["west"].dtype == "f4"
    u = own.transform_y({"west": ys[2]})
    assert_allclose(u["west"], (ys[2] - ys[2].mean()) / ys[2].std())
    assert_allclose(own.inverse_transform_y(u)["west"], ys[2])
    X, y = make_frame()
    for library in ("pandas", "polars"):
        X, y = make_frame(library)
        long = TaskScaler(scale_y=True, per_task=True, task_column="school").fit(X, y)
        u = long.transform_y(y, X)
        for name in NAMES:
            mine = np.asarray(X["school"]) == name
            assert_allclose(u[mine].mean(), 0, atol=1e-12)
            assert_allclose(u[mine].std(), 1)
    with pytest.raises(ValueError, match="pass X"):
        long.transform_y(y)


def test_targets_of_a_shared_design():
    rng = np.random.default_rng(0)
    X = rng.normal(3, 2, size=(30, 4))
    Y = rng.normal([1, 20, -5], [1, 5, 0.1], size=(30, 3))
    Y[:7, 1] = np.nan
    before = Y.copy()
    own = TaskScaler(scale_y=True, per_task=True).fit(X, Y)
    assert_allclose(own.transform(X), StandardScaler().fit_transform(X))
    assert_allclose(own.transform_y(Y), StandardScaler().fit_transform(Y))
    assert_allclose(own.inverse_transform_y(own.transform_y(Y)), Y)
    assert_array_equal(Y, before)
    pooled = TaskScaler(scale_y=True).fit(X, Y)
    assert pooled.y_mean_ == pytest.approx(np.nanmean(Y))
    assert_allclose(pooled.transform_y(Y), (Y - np.nanmean(Y)) / np.nanstd(Y))
    with pytest.raises(ValueError, match=r"shape \(30, 2\), but there are 3 tasks"):
        own.transform_y(Y[:, :2])
    single = TaskScaler(scale_y=True, per_task=True).fit(X, Y[:, 0])
    assert_allclose(single.transform_y(Y[:, 0]).std(), 1)
    constant = np.full((10**5, 2), 0.1)
    constant[0, 1] = np.nan
    scaler = TaskScaler(scale_y=True, per_task=True).fit(np.ones((10**5, 1)), constant)
    assert_array_equal(scaler.y_mean_, [0.1, 0.1])
    assert_array_equal(scaler.y_scale_, [1.0, 1.0])
    # a model of lists predicts one matrix for every task
    lists = TaskScaler(scale_y=True, per_task=True).fit([X, X], [Y[:, 0], Y[:, 2]])
    back = lists.inverse_transform_y(np.zeros((5, 2)), X[:5])
    assert_allclose(back, np.tile(Y[:, [0, 2]].mean(axis=0), (5, 1)))


@pytest.mark.parametrize("per_task", [False, True])
@pytest.mark.parametrize("scale_y", [False, True])
@pytest.mark.parametrize("estimator", [MultiTaskMeanRegressor, MultiTaskL21Regressor])
def test_coefficients_in_original_units_predict_the_same(estimator, scale_y, per_task):
    Xs, ys = make_lists()
    scaler = TaskScaler(per_task=per_task, scale_y=scale_y).fit(Xs, ys)
    targets = scaler.transform_y(ys) if scale_y else ys
    model = estimator().fit(scaler.transform(Xs), targets)
    predictions = model.predict(scaler.transform(Xs))
    if scale_y:
        predictions = scaler.inverse_transform_y(predictions)
    coef, intercept = scaler.unscale_coef(model.coef_, model.intercept_)
    for X, w, c, z in zip(Xs, coef, intercept, predictions, strict=True):
        assert_allclose(X @ w + c, z)


def test_least_squares_do_not_see_the_scaling():
    Xs, ys = make_lists()
    plain = SingleTaskRegressor(lambda2=0.0).fit(Xs, ys)
    for per_task in (False, True):
        scaler = TaskScaler(per_task=per_task, scale_y=True).fit(Xs, ys)
        model = SingleTaskRegressor(lambda2=0.0)
        model.fit(scaler.transform(Xs), scaler.transform_y(ys))
        coef, intercept = scaler.unscale_coef(model.coef_, model.intercept_)
        assert_allclose(coef, plain.coef_)
        assert_allclose(intercept, plain.intercept_)
    X, Y = Xs[0], np.column_stack([ys[0], 5 - ys[0] ** 2])
    scaler = TaskScaler(per_task=True, scale_y=True).fit(X, Y)
    model = LinearRegression().fit(scaler.transform(X), scaler.transform_y(Y))
    coef, intercept = scaler.unscale_coef(model.coef_, model.intercept_)
    plain = LinearRegression().fit(X, Y)
    assert_allclose(coef, plain.coef_)
    assert_allclose(intercept, plain.intercept_)


def test_coefficients_are_matched_by_label():
    X, y = make_frame()
    scaler = TaskScaler(task_column="school", per_task=True).fit(X)
    model = MultiTaskMeanRegressor(task_column="school", task_order=NAMES)
    model.fit(scaler.transform(X), y)
    coef, intercept = scaler.unscale_coef(model.coef_, model.intercept_, model.tasks_)
    z = model.predict(scaler.transform(X))
    for name, w, c in zip(NAMES, coef, intercept, strict=True):
        mine = (X["school"] == name).to_numpy()
        assert_allclose(features(X[mine]) @ w + c, z[mine])
    some = scaler.unscale_coef(model.coef_[2:], model.intercept_[2:], ["west"])
    assert_allclose(some[0], coef[2:])
    with pytest.raises(ValueError, match=r"not fitted with 1 of the tasks: \['east'\]"):
        scaler.unscale_coef(model.coef_[:1], model.intercept_[:1], ["east"])
    with pytest.raises(ValueError, match="3 tasks: pass the tasks_ of the model"):
        scaler.unscale_coef(model.coef_[:2], model.intercept_[:2])
    with pytest.raises(ValueError, match=r"expected \(n_tasks, 3\)"):
        scaler.unscale_coef(model.coef_[:, :2], model.intercept_)
    with pytest.raises(ValueError, match=r"expected \(n_tasks, 3\)"):
        scaler.unscale_coef(model.coef_, model.intercept_[:2])
    with pytest.raises(ValueError, match="3 tasks"):
        scaler.unscale_coef(model.coef_[0], model.intercept_[0])


@pytest.mark.parametrize("per_task", [False, True])
def test_coefficients_of_classes(per_task):
    rng = np.random.default_rng(0)
    Xs, _ = make_lists()
    coef, intercept = rng.normal(size=(3, 4, 3)), rng.normal(size=(3, 4))
    scaler = TaskScaler(per_task=per_task).fit(Xs)
    back, shift = scaler.unscale_coef(coef, intercept)
    for t, Z in enumerate(scaler.transform(Xs)):
        assert_allclose(Xs[t] @ back[t].T + shift[t], Z @ coef[t].T + intercept[t])
    if not per_task:
        w, c = scaler.unscale_coef(coef[0, 0], intercept[0, 0])
        assert_allclose(w, back[0, 0])
        assert_allclose(c, shift[0, 0])


def test_unseen_tasks():
    X, _ = make_frame()
    known = X[X["school"] != "west"]
    scaler = TaskScaler(task_column="school", per_task=True).fit(known)
    with pytest.warns(UserWarning, match=r"1 of the tasks: \['west'\].*TaskKFold"):
        warned = scaler.transform(X)
    with pytest.raises(ValueError, match=r"tasks: \['west'\].*TaskKFold"):
        scaler.set_params(unseen_task="error").transform(X)
    scaler = TaskScaler(task_column="school", per_task=True, unseen_task="mean")
    Z = scaler.fit(known).transform(X)
    assert_allclose(features(warned), features(Z))
    west = (X["school"] == "west").to_numpy()
    pooled = StandardScaler().fit(features(known))
    assert_allclose(features(Z[west]), pooled.transform(features(X[west])))
    assert_allclose(features(Z[~west]), features(scaler.transform(known)))
    Xs, _ = make_lists()
    lists = TaskScaler(per_task=True, unseen_task="mean").fit(
        {"south": Xs[0], "north": Xs[1]}
    )
    pooled = StandardScaler().fit(np.vstack(Xs[:2]))
    assert_allclose(lists.transform({"west": Xs[2]})["west"], pooled.transform(Xs[2]))
    # pooled statistics know no tasks
    assert len(TaskScaler().fit(Xs).transform(Xs[:1])) == 1
    everyone = TaskScaler(task_column="school").fit(known)
    assert_allclose(
        features(everyone.transform(X)),
        StandardScaler().fit(features(known)).transform(features(X)),
    )


def test_frames_in_lists():
    Xs, _ = make_lists()
    scaler = TaskScaler().fit(Xs)
    for library in (pd, pl):
        frames = (
            [library.DataFrame(X, FEATURES) for X in Xs]
            if library is pl
            else [
                pd.DataFrame(X, columns=FEATURES, index=range(9, 9 + len(X)))
                for X in Xs
            ]
        )
        own = TaskScaler().fit(frames)
        assert own.get_feature_names_out().tolist() == FEATURES
        for frame, Z, E in zip(
            frames, own.transform(frames), scaler.transform(Xs), strict=True
        ):
            assert type(Z) is type(frame)
            assert list(Z.columns) == FEATURES
            assert_allclose(Z.to_numpy(), E)


def test_set_output():
    X, _ = make_frame()
    array, _ = make_frame("numpy")
    expected = TaskScaler(task_column="school").fit_transform(X)
    scaler = TaskScaler(task_column=1).set_output(transform="pandas")
    Z = scaler.fit_transform(array)
    assert list(Z.columns) == scaler.get_feature_names_out().tolist()
    assert_array_equal(Z["x1"], X["school"])
    assert_allclose(features(Z), features(expected))
    polars, _ = make_frame("polars")
    scaler = TaskScaler(task_column="school").set_output(transform="polars")
    assert scaler.fit_transform(polars).columns == ["a", "school", "b", "c"]
    Xs, _ = make_lists()
    with sklearn.config_context(transform_output="pandas"):
        Zs = TaskScaler().fit_transform(Xs)
        keyed = TaskScaler().fit_transform(dict(zip(NAMES, Xs, strict=True)))
    assert [type(Z) for Z in [*Zs, *keyed.values()]] == [pd.DataFrame] * 6
    for Z, E in zip(Zs, TaskScaler().fit_transform(Xs), strict=True):
        assert_allclose(Z, E)


def test_integer_names_of_columns():
    X = pd.DataFrame({1: [0.5, 1.5, 2.5, 4.5], 0: [3.0, 2.0, 0.0, 1.0]})
    assert_allclose(TaskScaler().fit_transform(X), StandardScaler().fit_transform(X))


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_in_a_pipeline(library):
    X, y = make_frame(library)
    scaler = TaskScaler(task_column="school", per_task=True)
    model = MultiTaskMeanRegressor(lambda1=0.1, task_column="school")
    pipe = make_pipeline(clone(scaler), clone(model)).fit(X, y)
    by_hand = model.fit(scaler.fit_transform(X), y)
    assert_allclose(pipe.predict(X), by_hand.predict(scaler.transform(X)))
    # the pipeline leaves y alone, also when the scaler knows its scale
    pipe.set_params(taskscaler__scale_y=True).fit(X, y)
    assert_allclose(pipe.predict(X), by_hand.predict(scaler.transform(X)))
    around = TransformedTargetRegressor(pipe, transformer=StandardScaler()).fit(X, y)
    assert around.score(X, y) > 0.9


def test_choices_of_the_scaler_in_a_grid():
    X, y = make_frame()
    search = GridSearchCV(
        make_pipeline(
            TaskScaler(task_column="school"),
            MultiTaskMeanRegressor(lambda1=0.1, task_column="school"),
        ),
        {"taskscaler__per_task": [False, True], "taskscaler__with_std": [False, True]},
        cv=TaskKFold(3, task_column="school"),
        error_score="raise",
    ).fit(X, y)
    scores = search.cv_results_["mean_test_score"]
    # free intercepts make up for any shift, so that only the scale matters
    assert scores[2] == pytest.approx(scores[0], rel=1e-9)
    assert len(np.unique(scores.round(3))) == 3


def test_inputs_are_not_modified():
    Xs, ys = make_lists()
    saved = copy.deepcopy((Xs, ys))
    scaler = TaskScaler(per_task=True, scale_y=True).fit(Xs, ys)
    scaler.inverse_transform(scaler.transform(Xs))
    scaler.inverse_transform_y(scaler.transform_y(ys))
    coef, intercept = np.ones((3, 3)), np.ones(3)
    scaler.unscale_coef(coef, intercept)
    for now, before in zip((*Xs, *ys), (*saved[0], *saved[1]), strict=True):
        assert_array_equal(now, before)
    assert_array_equal(coef, 1)
    assert_array_equal(intercept, 1)


def test_pickle_and_refit():
    Xs, ys = make_lists()
    scaler = TaskScaler(per_task=True, scale_y=True).fit(Xs, ys)
    again = pickle.loads(pickle.dumps(scaler))
    assert_allclose(again.transform(Xs)[1], scaler.transform(Xs)[1])
    scaler.set_params(scale_y=False)
    assert_allclose(scaler.transform_y(ys)[1], again.transform_y(ys)[1])
    scaler.fit(Xs[0])
    assert scaler.y_mean_ is None
    assert scaler.tasks_ is None
    assert scaler.mean_.shape == (3,)


def broken(value):
    Xs, _ = make_lists()
    Xs[1][2, 0] = value
    return Xs


@pytest.mark.parametrize(
    ("scaler", "X", "message"),
    [
        (TaskScaler(), broken(np.nan), "NaN: task 1, feature 0"),
        (TaskScaler(), broken(np.inf), "infinity: task 1, feature 0"),
        (TaskScaler(), [np.ones((3, 2)), np.ones((3, 4))], "Task 1 has 4 features"),
        (TaskScaler(), [np.ones((3, 2)), np.ones((0, 2))], "Task 1 is empty"),
        (TaskScaler(), np.ones((2, 3, 4)), "array of shape"),
        (TaskScaler(task_column=0), np.ones((3, 2)) / 3, "not a whole number"),
        (TaskScaler(task_column="s"), np.ones((3, 2)), "without column names"),
        (TaskScaler(task_column="s"), pd.DataFrame({"a": [1]}), "no column 's'"),
        (TaskScaler(scale_y=True), [np.ones((3, 2))], "y"),
        (TaskScaler(unseen_task="skip"), np.ones((3, 2)), "unseen_task"),
    ],
)
def test_bad_training_data_are_refused(scaler, X, message):
    with pytest.raises(ValueError, match=message):
        scaler.fit(X)


def test_bad_new_data_are_refused():
    Xs, ys = make_lists()
    frame, y = make_frame()
    lists = TaskScaler(per_task=True, unseen_task="error")
    lists.fit(dict(zip(NAMES, Xs, strict=True)))
    long = TaskScaler(task_column="school", per_task=True).fit(frame)
    hole = frame.copy()
    hole.iloc[3, 0] = np.nan
    cases = [
        (lists, Xs[:2], "list of 2 tasks.*fitted with 3"),
        (lists, Xs[0], "one matrix without a task column"),
        (lists, {"east": Xs[0]}, r"\['east'\]"),
        (lists, {"west": Xs[0][:, :2]}, "task 'west'.*2 features.*expecting 3"),
        (lists, {"west": broken(np.nan)[1]}, "task 'west'.*NaN"),
        (long, Xs, "fitted on a long table"),
        (long, hole, "contains NaN"),
        (long, frame.drop(columns="a"), "feature names should match"),
        (long, frame.assign(school=None), "missing label"),
    ]
    for scaler, X, message in cases:
        with pytest.raises(ValueError, match=message):
            scaler.transform(X)
    with pytest.raises(ValueError, match="scale_y=True"):
        lists.transform_y(ys)
    long.set_params(scale_y=True).fit(frame, y)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        long.transform_y(y[:5], frame)
    lists.set_params(scale_y=True).fit(Xs, ys)
    with pytest.raises(ValueError, match="y is a list of 2 tasks"):
        lists.transform_y(ys[:2])
    with pytest.raises(sklearn.exceptions.NotFittedError):
        TaskScaler().transform(Xs)
