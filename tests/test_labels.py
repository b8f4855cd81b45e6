"""Labels of tasks, masks and missing values through every door."""

import datetime
import pickle
import uuid

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from pymtl import (
    MultiTaskMeanClassifier,
    MultiTaskMeanRegressor,
    MultiTaskTemporalGroupRegressor,
    TaskKFold,
    split_tasks,
)

pd = pytest.importorskip("pandas")
IDS = [1541815603606036480, 1541815603606036481, 1541815603606036482]
DAYS = pd.date_range("2020-01-01", periods=3)
KINDS = {
    "ids": IDS,
    "hashes": [2**64 - 3, 2**64 - 2, 2**64 - 1],
    "large": [3, 2**70, 2**70 + 1],
    "floats": [3.0, 1e20, 1e300],
    "text": ["a", "a\0", "b"],
    "dates": [d.date() for d in DAYS],
    "times": list(DAYS),
    "nanoseconds": list(DAYS + pd.Timedelta(1, "ns")),
    "zones": list(DAYS.tz_localize("Europe/Berlin")),
    "periods": list(DAYS.to_period("D")),
    "durations": list(pd.to_timedelta([1, 2, 3], "h")),
    "uuids": [uuid.UUID(int=i) for i in range(3)],
    "tuples": [("a", 1), ("a", 2), ("b", 1)],
}
TASK = np.arange(18) % 3


def make_rows():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(18, 2))
    return X, X.sum(axis=1) + 5 * TASK + 0.1 * rng.normal(size=18)


def make_frame(labels):
    X, y = make_rows()
    column = pd.Series([labels[t] for t in TASK], dtype=object)
    return pd.DataFrame(X, columns=["a", "b"]).assign(unit=column), y


def expected_coef():
    X, y = make_rows()
    lists = [X[TASK == t] for t in range(3)], [y[TASK == t] for t in range(3)]
    return MultiTaskMeanRegressor(0.1).fit(*lists)


@pytest.mark.parametrize("kind", KINDS)
def test_round_trip(kind):
    labels = KINDS[kind]
    X, y = make_frame(labels)
    model = MultiTaskMeanRegressor(
        0.1, task_column="unit", task_weight=dict.fromkeys(labels, 1.0)
    ).fit(X, y)
    assert model.tasks_.tolist() == labels
    assert_allclose(model.coef_, expected_coef().coef_)
    again = pickle.loads(pickle.dumps(model))
    assert_array_equal(again.predict(X), model.predict(X))
    assert_array_equal(model.predict(X[::-1])[::-1], model.predict(X))
    frame = model.coef_frame()
    assert frame.index.name == "unit"
    assert list(frame.index) == labels
    _, ys, found = split_tasks(X, y, "unit")
    assert found.tolist() == labels
    assert_array_equal(ys[1], y[TASK == 1])
    assert len(list(TaskKFold(3, task_column="unit").split(X, y))) == 3
    Xs = {label: X.loc[TASK == t, ["a", "b"]] for t, label in enumerate(labels)}
    lists = MultiTaskMeanRegressor(0.1).fit(Xs, dict(zip(labels, ys, strict=True)))
    assert lists.tasks_.tolist() == labels
    assert_allclose(lists.coef_, model.coef_)


@settings(max_examples=8, deadline=None)
@given(
    st.one_of(
        st.lists(st.integers(-(2**63), 2**64), min_size=3, max_size=3, unique=True),
        st.lists(st.text(max_size=5), min_size=3, max_size=3, unique=True),
        st.lists(st.datetimes(), min_size=3, max_size=3, unique=True),
        st.lists(st.uuids(), min_size=3, max_size=3, unique=True),
    )
)
def test_any_labels(labels):
    labels = sorted(labels)
    X, y = make_frame(labels)
    model = MultiTaskMeanRegressor(0.1, task_column="unit").fit(X, y)
    assert model.tasks_.tolist() == labels
    assert_allclose(model.coef_, expected_coef().coef_)


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_equal_labels_of_other_types(unit):
    X, y = make_frame(list(DAYS))
    typed = X.assign(unit=pd.to_datetime(X["unit"]).astype(f"M8[{unit}]"))
    model = MultiTaskMeanRegressor(0.1, task_column="unit").fit(typed, y)
    assert model.tasks_.tolist() == list(DAYS)
    assert_array_equal(model.predict(X), model.predict(typed))
    with pytest.raises(ValueError, match="of type text, those of fit of type time"):
        model.set_params(unseen_task="mean").predict(X.assign(unit="2020-01-01"))
    X, y = make_frame(IDS)
    model = MultiTaskMeanRegressor(0.1, task_column="unit").fit(X, y)
    for dtype in ("int64", "uint64", "Int64"):
        same = model.predict(X.assign(unit=X["unit"].astype(dtype)))
        assert_array_equal(same, model.predict(X))


def test_rows_of_a_list_keep_large_labels():
    X, y = make_rows()
    rows = [[IDS[t], *x] for t, x in zip(TASK, X.tolist(), strict=True)]
    model = MultiTaskMeanRegressor(0.1, task_column=0).fit(rows, y)
    assert model.tasks_.tolist() == IDS
    assert split_tasks(rows, y, 0)[2].tolist() == IDS


def test_masked_arrays():
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(20, 2)), rng.normal(size=(20, 2))
    mask = np.zeros(Y.shape, bool)
    mask[:5, 0] = True
    masked = np.ma.MaskedArray(np.where(mask, 999.0, Y), mask)
    expected = MultiTaskMeanRegressor(0.1).fit(X, np.where(mask, np.nan, Y))
    model = MultiTaskMeanRegressor(0.1).fit(X, masked)
    assert_allclose(model.coef_, expected.coef_)
    assert model.score(X, masked) == expected.score(X, np.where(mask, np.nan, Y))
    bad, hole = masked[:, 0], np.ma.MaskedArray(X, np.arange(40).reshape(20, 2) == 3)
    weight = np.ma.MaskedArray(np.ones(20), mask[:, 0])
    ones = np.ones(20)
    for args, options in [
        ((X, bad), {}),
        ((hole, ones), {}),
        (([X, hole], [ones, ones]), {}),
        (([X, X], [ones, bad]), {}),
        ((X, ones), {"sample_weight": weight}),
        ((X, ones), {"offset": weight}),
        (([X], [ones]), {"sample_weight": [weight]}),
    ]:
        with pytest.raises(ValueError, match="NaN|missing|finite|masked"):
            MultiTaskMeanRegressor(0.1).fit(*args, **options)


@pytest.mark.parametrize("dtype", ["Int64", "boolean", "string", object])
def test_missing_labels_are_not_observed(dtype):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(20, 2))
    Y = pd.DataFrame(rng.integers(0, 2, (20, 2)), columns=["u", "v"])
    plain = Y.astype(bool) if dtype == "boolean" else Y
    Z = plain.astype(str if dtype == "string" else dtype).astype(dtype)
    Z.iloc[:3, 0] = pd.NA
    model = MultiTaskMeanClassifier(0.1, fit_intercept="shrink").fit(X, Z)
    assert model.tasks_.tolist() == ["u", "v"]
    values = Y.to_numpy(float).copy()
    values[:3, 0] = np.nan
    same = MultiTaskMeanClassifier(0.1, fit_intercept="shrink").fit(X, values)
    assert_allclose(model.coef_, same.coef_)
    assert model.score(X, Z) == same.score(X, values)
    with pytest.raises(ValueError, match="no label in 3 of 20 rows"):
        MultiTaskMeanClassifier().fit(X, Z["u"])
    if dtype in ("Int64", object):
        model = MultiTaskMeanRegressor(0.1).fit(X, Z)
        expected = MultiTaskMeanRegressor(0.1).fit(X, values)
        assert_allclose(model.coef_, expected.coef_)
        assert model.score(X, Z) == expected.score(X, values)


def test_columns_of_targets_name_the_tasks():
    X, _ = make_rows()
    Y = pd.DataFrame(X + 1.0, columns=["u", "v"])
    model = MultiTaskMeanRegressor(0.1, task_weight={"u": 1.0, "v": 2.0}).fit(X, Y)
    assert model.tasks_.tolist() == ["u", "v"]
    assert list(model.coef_frame().index) == ["u", "v"]


def test_order_of_categories():
    weeks = ["week1", "week10", "week9"]
    X, y = make_frame(weeks)
    model = MultiTaskTemporalGroupRegressor(0.1, 0.1, 0.1, task_column="unit")
    with pytest.raises(ValueError, match="task_order"):
        model.fit(X.assign(unit=pd.Categorical(X["unit"])), y)
    order = pd.Categorical(X["unit"], ["week1", "week9", "week10"], ordered=True)
    assert model.fit(X.assign(unit=order), y).tasks_[1] == "week9"
    X, y = make_frame([datetime.date(2020, 1, i) for i in (1, 2, 3)])
    assert len(model.fit(X, y).tasks_) == 3


def test_one_weight_for_all():
    X, y = make_rows()
    table = np.column_stack([TASK, X])
    lists = [X[TASK == t] for t in range(3)], [y[TASK == t] for t in range(3)]
    for args, column in [((table, y), 0), (lists, None), ((X, X), None)]:
        model = MultiTaskMeanRegressor(0.1, task_column=column)
        same = model.fit(*args).coef_
        assert_allclose(model.fit(*args, sample_weight=2.0).coef_, same)


def test_columns_of_several_levels():
    X, y = make_frame(IDS)
    X.columns = pd.MultiIndex.from_product([["x"], X.columns])
    with pytest.raises(ValueError, match="several levels.*join"):
        MultiTaskMeanRegressor(task_column=2).fit(X, y)


def test_data_that_are_not_in_memory():
    class Lazy:
        shape = (18, 2)

        def compute(self):
            return None

    X, y = make_rows()
    for args in [(Lazy(), y), (X, Lazy())]:
        with pytest.raises(ValueError, match=r"\.compute\(\)"):
            MultiTaskMeanRegressor().fit(*args)
