"""The three doors for data: what they accept, what they refuse, and what they say.

Here the doors are tested with one estimator; `pymtl.testing` runs their agreement over
all of them.
"""

import re

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import Ridge
from sklearn.metrics import mean_squared_error, r2_score
from sklearn.model_selection import (
    GridSearchCV,
    cross_val_predict,
    cross_val_score,
    cross_validate,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from pymtl import (
    MultiTaskL21Regressor,
    MultiTaskMeanRegressor,
    MultiTaskSearchCV,
    PooledRegressor,
    SingleTaskRegressor,
    TaskKFold,
    TaskScaler,
    split_tasks,
    stack_tasks,
)

NAMES = ["age", "test", "hours"]
SCHOOLS = ["north", "east", "south"]


def make_tasks(sizes=(8, 5, 12), n_features=3, seed=0):
    rng = np.random.default_rng(seed)
    common = rng.normal(size=n_features)
    Xs = [rng.normal(size=(n, n_features)) for n in sizes]
    ys = [
        X @ (common + 0.3 * rng.normal(size=n_features)) + t + 0.1 * rng.normal(size=n)
        for t, (n, X) in enumerate(zip(sizes, Xs, strict=True))
    ]
    return Xs, ys


def make_table(order=None):
    """Return a shuffled pandas table with text labels, its targets, and the lists."""
    pd = pytest.importorskip("pandas")
    Xs, ys = make_tasks()
    frame = pd.DataFrame(np.vstack(Xs), columns=NAMES)
    frame.insert(1, "school", np.repeat(SCHOOLS, [len(y) for y in ys]))
    order = np.random.default_rng(1).permutation(len(frame))
    return frame.iloc[order].reset_index(drop=True), np.concatenate(ys)[order]


def mean(**params):
    return MultiTaskMeanRegressor(0.5, **params)


def parameters(model):
    return np.column_stack([model.coef_, model.intercept_])


def assert_same_fit(a, b, rtol=1e-9):
    assert_allclose(parameters(a), parameters(b), rtol=rtol, atol=1e-11)


def refuses(*words):
    """Expect a ValueError whose message has all these words."""
    return pytest.raises(
        ValueError, match="(?s)" + "".join(f"(?=.*{re.escape(w)})" for w in words)
    )


# Lists of tasks


def test_lists():
    Xs, ys = make_tasks()
    model = mean().fit(Xs, ys)
    assert model.coef_.shape == (3, 3)
    assert model.intercept_.shape == (3,)
    assert model.tasks_.tolist() == [0, 1, 2]
    assert model.n_features_in_ == 3
    assert model.coef_names_.tolist() == ["x0", "x1", "x2"]
    predicted = model.predict(Xs)
    assert isinstance(predicted, list)
    for t, (X, z) in enumerate(zip(Xs, predicted, strict=True)):
        assert_allclose(z, X @ model.coef_[t] + model.intercept_[t], rtol=1e-12)


@pytest.mark.parametrize("form", [list, tuple])
def test_forms_of_lists(form):
    Xs, ys = make_tasks((8, 8, 8))
    model = mean().fit(Xs, ys)
    assert_same_fit(mean().fit(form(Xs), form(ys)), model)
    assert_same_fit(mean().fit(form(Xs), np.array(ys)), model)  # (T, n) is iterated
    assert_same_fit(mean().fit(form(Xs), form(y[:, None] for y in ys)), model)
    assert_same_fit(mean().fit(form(Xs), form(y.tolist() for y in ys)), model)
    pd = pytest.importorskip("pandas")
    assert_same_fit(mean().fit(form(Xs), form(map(pd.Series, ys))), model)
    assert_same_fit(mean().fit([Xs[0], pd.DataFrame(Xs[1]), Xs[2]], ys), model)


def test_dict_names_the_tasks():
    Xs, ys = make_tasks()
    model = mean().fit(Xs, ys)
    X, y = (dict(zip(SCHOOLS, v, strict=True)) for v in (Xs, ys))
    named = mean().fit(X, y)
    assert named.tasks_.tolist() == SCHOOLS  # as given, not sorted
    assert_same_fit(named, model)
    assert_same_fit(mean().fit(X, dict(reversed(y.items()))), model)
    predicted = named.predict({"south": Xs[2], "north": Xs[0][:2]})
    assert list(predicted) == ["south", "north"]
    assert_allclose(predicted["south"], model.predict(Xs)[2], rtol=1e-12)
    assert_allclose(predicted["north"], model.predict(Xs)[0][:2], rtol=1e-12)
    assert_allclose(named.predict(Xs)[1], model.predict(Xs)[1], rtol=1e-12)
    assert_allclose(model.predict({1: Xs[1]})[1], model.predict(Xs)[1], rtol=1e-12)
    assert_allclose(named.score(X, y), model.score(Xs, ys), rtol=1e-12)
    part = named.score({"east": Xs[1]}, {"east": ys[1]})
    assert_allclose(part, r2_score(ys[1], model.predict(Xs)[1]), rtol=1e-12)


def test_weights_and_offsets_of_lists():
    Xs, ys = make_tasks()
    weights = [np.arange(len(y)) % 3 for y in ys]
    repeated = mean().fit(
        [np.repeat(X, w, axis=0) for X, w in zip(Xs, weights, strict=True)],
        [np.repeat(y, w) for y, w in zip(ys, weights, strict=True)],
    )
    assert_same_fit(mean().fit(Xs, ys, sample_weight=weights), repeated)
    X, y, w = (dict(zip(SCHOOLS, v, strict=True)) for v in (Xs, ys, weights))
    assert_same_fit(mean().fit(X, y, sample_weight=w), repeated)
    offsets = [np.cos(y) for y in ys]
    rest = [y - o for y, o in zip(ys, offsets, strict=True)]
    model = mean().fit(Xs, ys, offset=offsets)
    assert_same_fit(model, mean().fit(Xs, rest))
    for z, plain, o in zip(
        model.predict(Xs, offset=offsets), model.predict(Xs), offsets, strict=True
    ):
        assert_allclose(z, plain + o, rtol=1e-12)


def test_frames_name_the_features():
    pd = pytest.importorskip("pandas")
    Xs, ys = make_tasks()
    frames = [pd.DataFrame(X, columns=NAMES) for X in Xs]
    model = mean().fit(frames, ys)
    assert model.coef_names_.tolist() == NAMES
    assert model.feature_names_in_.tolist() == NAMES
    assert_same_fit(model, mean().fit(Xs, ys))
    frame = model.coef_frame()
    assert frame.columns.tolist() == [*NAMES, "intercept"]
    assert frame.index.tolist() == [0, 1, 2]
    turned = [frames[0], frames[1][NAMES[::-1]], frames[2]]
    with refuses("Task 1", "['hours', 'test', 'age']", "X[columns]"):
        mean().fit(turned, ys)
    with refuses("'south'", "'size'"):
        south = frames[2].rename(columns={"age": "size"})
        mean().fit(dict(zip(SCHOOLS, [*frames[:2], south], strict=True)), ys)
    with refuses("'hours', 'test', 'age'", "['age', 'test', 'hours']"):
        model.predict([frame[NAMES[::-1]] for frame in frames])


def test_lists_of_lists_are_one_matrix():
    Xs, ys = make_tasks()
    X, y = Xs[0], ys[0]
    model = mean().fit(X, y)
    for rows in (X.tolist(), list(X), tuple(X)):
        other = mean().fit(rows, y.tolist())
        assert_same_fit(other, model)
        assert other.predict(rows).shape == y.shape


def test_arrays_of_tasks_are_refused():
    Xs, ys = make_tasks((5, 5, 5))
    with refuses("(3, 5, 3)", "pass a list"):
        mean().fit(np.array(Xs), np.array(ys))
    ragged = np.empty(3, dtype=object)
    ragged[:] = make_tasks()[0]
    with refuses("(3,)", "pass a list"):
        mean().fit(ragged, make_tasks()[1])
    with refuses("(3, 5, 3)", "pass a list"):
        mean().fit(Xs, ys).predict(np.array(Xs))


# What lists refuse


def change(items, t, item):
    return [*items[:t], item, *items[t + 1 :]]


def bad_lists():
    """Yield the data that lists refuse, and the words of the message."""
    Xs, ys = make_tasks()
    nan, inf = Xs[1].copy(), Xs[1].copy()
    nan[2, 1], inf[2, 1] = np.nan, np.inf
    unseen = np.full(5, np.nan)
    some = np.where(np.arange(5) < 2, np.nan, ys[1])
    text = np.array([["a", "b", "c"]] * 5)
    yield (
        "empty task",
        change(Xs, 1, Xs[1][:0]),
        change(ys, 1, []),
        ["Task 1", "(0, 3)", "drop the task"],
    )
    yield (
        "ragged features",
        change(Xs, 2, Xs[2][:, :2]),
        ys,
        ["Task 2 has 2 features", "task 0 has 3", "same features"],
    )
    yield "NaN in X", change(Xs, 1, nan), ys, ["NaN", "task 1", "feature 1", "Impute"]
    yield "infinity in X", change(Xs, 1, inf), ys, ["infinity", "task 1", "feature 1"]
    yield "text", change(Xs, 1, text), ys, ["task 1"]
    yield "1-d item", change(Xs, 1, Xs[1][0]), ys, ["item 1", "(3,)", "2-d"]
    yield "list item", change(Xs, 1, Xs[1].tolist()), ys, ["item 1", "list", "2-d"]
    yield "all NaN", Xs, change(ys, 1, unseen), ["Task 1", "only", "Drop the rows"]
    yield "NaN in y", Xs, change(ys, 1, some), ["Task 1", "NaN", "2-d Y"]
    yield "infinity in y", Xs, change(ys, 1, some + np.inf), ["Task 1", "infinit"]
    yield "text in y", Xs, change(ys, 1, ["a"] * 5), ["y is not numeric"]
    yield "wrong length", Xs, change(ys, 1, ys[1][:-1]), ["Task 1", "5 rows", "(4,)"]
    yield "wide target", Xs, change(ys, 1, Xs[1]), ["Task 1", "5 rows", "(5, 3)"]
    yield "scalar target", Xs, change(ys, 1, 1.0), ["Task 1", "5 rows", "()"]
    yield "scalar", Xs, 1.0, ["scalar", "one vector a task"]
    yield "0-d", Xs, np.array(1.0), ["scalar", "one vector a task"]
    yield "one vector", Xs, np.concatenate(ys), ["3 tasks", "25 items", "stack_tasks"]
    yield "too few", Xs, ys[:2], ["3 tasks", "2 items", "stack_tasks"]
    yield "dict of targets", Xs, dict(enumerate(ys)), ["dict", "same keys"]
    yield (
        "other keys",
        dict(zip("abc", Xs, strict=True)),
        dict(zip("abd", ys, strict=True)),
        ["'a', 'b', 'd'", "'a', 'b', 'c'", "same keys"],
    )
    yield (
        "missing key",
        dict(zip("abc", Xs, strict=True)),
        dict(zip("ab", ys[:2], strict=True)),
        ["same keys"],
    )
    yield "empty dict", {}, {}, ["empty dict", "at least one task"]
    yield "dict of vectors", {"a": Xs[0][0]}, {"a": ys[0]}, ["'a'", "2-d", "(3,)"]


@pytest.mark.parametrize(
    ("X", "y", "words"), [pytest.param(*case[1:], id=case[0]) for case in bad_lists()]
)
def test_lists_refuse(X, y, words):
    with refuses(*words):
        mean().fit(X, y)


def test_messages_use_the_keys_of_a_dict():
    Xs, ys = make_tasks()
    Xs[1] = Xs[1].copy()
    Xs[1][0, 0] = np.nan
    X, y = (dict(zip(SCHOOLS, v, strict=True)) for v in (Xs, ys))
    with refuses("task 'east'", "feature 0"):
        mean().fit(X, y)
    X["east"] = np.nan_to_num(X["east"])
    with refuses("Task 'south'", "12 rows", "(11,)"):
        mean().fit(X, y | {"south": ys[2][1:]})


def test_sparse_tasks_beside_dense_ones():
    """The stack is sparse if any task is, as in scikit-learn's unions."""
    Xs, ys = make_tasks()
    expected = mean().fit(Xs, ys)
    model = mean().fit(change(Xs, 1, sp.csc_matrix(Xs[1])), ys)
    assert_allclose(model.coef_, expected.coef_, rtol=1e-9)
    X, y = stack_tasks(change(Xs, 2, sp.coo_array(Xs[2])), ys)
    assert sp.issparse(X)
    back, _, labels = split_tasks(X.tocsc(), y, -X.shape[1])
    assert labels.tolist() == [0, 1, 2]
    for x, own in zip(back, Xs, strict=True):
        assert_array_equal(x.toarray(), own)


KINDS = [sp.csr_array, sp.csc_matrix, sp.dok_array, sp.lil_array]


@pytest.mark.parametrize("kind", KINDS)
def test_kinds_of_sparse_matrices(kind):
    """A dok matrix is a dict and a matrix."""
    Xs, ys = make_tasks()
    X, y = Xs[2], ys[2]
    Y = np.column_stack([y, -y, y**2])
    assert_allclose(mean().fit(kind(X), Y).coef_, mean().fit(X, Y).coef_, rtol=1e-9)
    table, y = stack_tasks(Xs, ys)
    model = mean(task_column=0).fit(kind(table), y)
    expected = mean(task_column=0).fit(table, y)
    assert_allclose(model.coef_, expected.coef_, rtol=1e-9)
    assert_allclose(model.predict(kind(table)), expected.predict(table), rtol=1e-9)


def test_sparse_forms_that_are_not_canonical():
    """Duplicates, unsorted and long indices are read, and the input is left alone."""
    Xs, ys = make_tasks()
    X = Xs[2] * (np.arange(Xs[2].size).reshape(Xs[2].shape) % 3 > 0)
    n, d = X.shape
    columns = np.tile(np.r_[np.arange(d)[::-1], np.arange(d)], n)
    half = np.concatenate([[*x[::-1], *x] for x in 0.5 * X])
    indptr = np.arange(0, 2 * d * n + 1, 2 * d)
    for index in (np.int32, np.int64):
        parts = half.copy(), columns.astype(index), indptr.astype(index)
        for part in parts:
            part.flags.writeable = False
        messy = sp.csr_array(parts, shape=(n, d))
        assert_array_equal(messy.toarray(), X)
        model = mean().fit([messy, *Xs[:2]], [ys[2], *ys[:2]])
        expected = mean().fit([X, *Xs[:2]], [ys[2], *ys[:2]])
        assert_allclose(model.coef_, expected.coef_, rtol=1e-9)
        assert_allclose(mean().fit(messy, ys[2]).coef_, mean().fit(X, ys[2]).coef_)
        assert_array_equal(messy.data, half)
        assert_array_equal(messy.indices, columns)


def test_bad_values_of_sparse_tasks():
    Xs, ys = make_tasks()
    bad = sp.csr_array(Xs[1])
    bad.data[4] = np.inf
    with refuses("infinity", "task 1", "feature 1"):
        mean().fit(change(Xs, 1, bad), ys)
    with refuses("Task 1 has 2 features"):
        mean().fit(change(Xs, 1, sp.csr_array(Xs[1][:, :2])), ys)
    table, y = stack_tasks([sp.csr_array(X) for X in Xs], ys)
    with refuses("position", "dense"):
        mean(task_column="school").fit(table, y)
    with pytest.raises(TypeError, match="TaskScaler does not take sparse"):
        TaskScaler(task_column=0).fit(table, y)


@pytest.mark.parametrize("name", ["sample_weight", "offset"])
def test_bad_vectors_of_lists(name):
    Xs, ys = make_tasks()
    for values, words in [
        (ys[:2], ["3 tasks", name, "2 items"]),
        (change(ys, 1, ys[1][1:]), ["Task 1", "5 rows", name, "(4,)"]),
        (1.0, [name, "scalar"] if name == "offset" else None),
        (change(ys, 1, np.full(5, np.nan)), [name]),
    ]:
        if words is None:  # one weight for all
            mean().fit(Xs, ys, **{name: values})
            continue
        with refuses(*words):
            mean().fit(Xs, ys, **{name: values})


def test_bad_weights():
    Xs, ys = make_tasks()
    ones = [np.ones(len(y)) for y in ys]
    with refuses("sample_weight", "at least 0"):
        mean().fit(Xs, ys, sample_weight=change(ones, 1, -ones[1]))
    with refuses("Task 1", "no row with positive sample_weight", "drop the task"):
        mean().fit(Xs, ys, sample_weight=change(ones, 1, 0 * ones[1]))
    X, y = stack_tasks(Xs, ys)
    weight = np.where(X[:, 0] == 2, 0.0, 1.0)
    with refuses("Task 2", "no row with positive sample_weight"):
        mean(task_column=0).fit(X, y, sample_weight=weight)
    with refuses("sample_weight", "(3,)", "(25,)"):
        mean(task_column=0).fit(X, y, sample_weight=[1, 1, 1])
    with refuses("sample_weight"):
        mean().fit(X, y, sample_weight=0 * y)


@pytest.mark.parametrize(
    ("weight", "words"),
    [
        ([1.0, 2.0], ["task_weight", "(2,)", "3 tasks", "dict by task label"]),
        ({0: 1.0, 2: 1.0}, ["task_weight", "[1]"]),
        ([1.0, -1.0, 2.0], ["task_weight", "positive"]),
        ([1.0, 0.0, 2.0], ["task_weight", "positive"]),
        ([1.0, np.nan, 2.0], ["task_weight", "finite"]),
        ("samples", ["task_weight", "n_samples", "null"]),
    ],
)
def test_bad_task_weights(weight, words):
    with refuses(*words):
        mean(task_weight=weight).fit(*make_tasks())


def test_task_weights_by_label_fit_a_fold_that_misses_a_task():
    X, y = make_table()
    weight = {"north": 2.0, "east": 1.0, "south": 3.0}
    some = X["school"].isin(["north", "south"]).to_numpy()
    model = mean(task_column="school", task_weight=weight).fit(X[some], y[some])
    other = mean(task_column="school", task_weight=[2.0, 3.0]).fit(X[some], y[some])
    assert_same_fit(model, other)


# A shared design


def test_shared_design():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(20, 3))
    Y = X @ rng.normal(size=(3, 4)) + rng.normal(size=(20, 4))
    model = mean().fit(X, Y)
    assert model.coef_.shape == (4, 3)
    assert model.tasks_.tolist() == [0, 1, 2, 3]
    Z = model.predict(X)
    assert_allclose(Z, X @ model.coef_.T + model.intercept_, rtol=1e-12)
    assert_same_fit(model, mean().fit([X] * 4, list(Y.T)))
    assert_same_fit(model, mean().fit(X, Y.tolist()))
    assert_allclose(model.score(X, Y), r2_score(Y, Z), rtol=1e-12)
    one = mean().fit(X, Y[:, :1])
    assert one.coef_.shape == (1, 3)
    assert one.predict(X).shape == (20, 1)
    flat = mean().fit(X, Y[:, 0])
    assert_same_fit(one, flat)
    assert flat.predict(X).shape == (20,)
    assert flat.coef_.shape == (1, 3)


def test_missing_labels():
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(20, 3)), rng.normal(size=(20, 2))
    Y[rng.random(Y.shape) < 0.3] = np.nan
    seen = ~np.isnan(Y)
    model = mean().fit(X, Y)
    lists = [X[rows] for rows in seen.T], [Y[seen[:, t], t] for t in range(2)]
    assert_same_fit(model, mean().fit(*lists))
    predicted = model.predict(lists[0])
    scores = [r2_score(y, z) for y, z in zip(lists[1], predicted, strict=True)]
    assert_allclose(model.score(X, Y), np.mean(scores), rtol=1e-12)
    with refuses("Task 1", "column 1", "all NaN"):
        mean().fit(X, np.column_stack([Y[:, 0], np.full(20, np.nan)]))
    for bad in (np.inf, -np.inf):
        with refuses("infinity"):
            mean().fit(X, np.where(seen, Y, bad))
    with refuses("NaN"):
        mean().fit(X, Y[:, 0])  # a 1-d y has no such meaning
    weight = np.where(seen, 1.0, 7.0)
    assert_same_fit(mean().fit(X, Y, sample_weight=weight), model)


def test_weights_and_offsets_of_a_shared_design():
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(20, 3)), rng.normal(size=(20, 2))
    weight = rng.integers(0, 3, 20)
    repeated = mean().fit(np.repeat(X, weight, axis=0), np.repeat(Y, weight, axis=0))
    assert_same_fit(mean().fit(X, Y, sample_weight=weight), repeated)
    both = np.column_stack([weight, weight])
    assert_same_fit(mean().fit(X, Y, sample_weight=both), repeated)
    for offset in (rng.normal(size=20), rng.normal(size=(20, 2))):
        column = offset.reshape(20, -1)
        model = mean().fit(X, Y, offset=offset)
        assert_same_fit(model, mean().fit(X, Y - column))
        assert_allclose(
            model.predict(X, offset=offset), model.predict(X) + column, rtol=1e-12
        )
    with refuses("offset", "(19,)"):
        mean().fit(X, Y, offset=np.zeros(19))
    with refuses("sample_weight", "(19,)"):
        mean().fit(X, Y, sample_weight=np.ones(19))
    with refuses("sample_weight"):  # one column a task only when y has them
        mean().fit(X, Y[:, 0], sample_weight=both)


@pytest.mark.parametrize(
    ("y", "words"),
    [
        (np.zeros((20, 2, 2)), ["(20, 2, 2)"]),
        (np.zeros(19), ["20", "19"]),
        (np.zeros((19, 2)), ["20", "19"]),
        (1.0, ["scalar"]),
        (None, ["y"]),
    ],
    ids=["3-d", "short", "short 2-d", "scalar", "none"],
)
def test_shared_design_refuses(y, words):
    with refuses(*words):
        mean().fit(np.ones((20, 3)), y)


# A long table


@pytest.mark.parametrize("column", ["school", 1, -3])
def test_long_table(column):
    X, y = make_table()
    Xs, ys = make_tasks()
    model = mean(task_column=column).fit(X, y)
    assert model.tasks_.tolist() == ["east", "north", "south"]  # sorted
    assert model.coef_names_.tolist() == NAMES
    assert model.n_features_in_ == 4
    assert model.feature_names_in_.tolist() == ["age", "school", "test", "hours"]
    lists = mean().fit([Xs[1], Xs[0], Xs[2]], [ys[1], ys[0], ys[2]])
    assert_same_fit(model, lists)
    predicted = model.predict(X)
    for t, school in enumerate(model.tasks_):
        rows = (X["school"] == school).to_numpy()
        expected = X.loc[rows, NAMES].to_numpy() @ model.coef_[t] + model.intercept_[t]
        assert_allclose(predicted[rows], expected, rtol=1e-12)
    assert_allclose(model.score(X, y), r2_score(y, predicted), rtol=1e-12)
    weight = np.random.default_rng(0).uniform(size=len(y))
    assert_allclose(
        model.score(X, y, weight), r2_score(y, predicted, sample_weight=weight)
    )
    assert model.coef_frame().index.tolist() == ["east", "north", "south"]
    assert_allclose(model.predict(X, offset=y), predicted + y, rtol=1e-12)


def test_long_table_of_numbers():
    Xs, ys = make_tasks()
    X, y = stack_tasks(Xs, ys)
    lists = mean().fit(Xs, ys)
    for table, column in [
        (X, 0),
        (X, -4),
        (X.tolist(), 0),
        (np.roll(X, -1, axis=1), -1),
        (np.roll(X, -1, axis=1), 3),
        (X.astype(object), 0),
    ]:
        model = mean(task_column=column).fit(table, y)
        assert_same_fit(model, lists)
        assert model.tasks_.tolist() == [0, 1, 2]  # whole floats become integers
        assert model.tasks_.dtype.kind == "i"
        assert_allclose(model.predict(table), np.concatenate(lists.predict(Xs)))
    X[:, 0] = np.array([7, -3, 12])[X[:, 0].astype(int)]
    assert mean(task_column=0).fit(X, y).tasks_.tolist() == [-3, 7, 12]


def test_an_integer_is_a_name_where_the_frame_has_it():
    pd = pytest.importorskip("pandas")
    Xs, ys = make_tasks()
    X, y = stack_tasks(Xs, ys)
    lists = mean().fit(Xs, ys)
    plain = pd.DataFrame(X)  # columns 0, 1, 2, 3
    assert_same_fit(mean(task_column=0).fit(plain, y), lists)
    turned = plain[[3, 2, 1, 0]]
    model = mean(task_column=0).fit(turned, y)  # the name, which is the last column
    assert_allclose(model.coef_[:, ::-1], lists.coef_, rtol=1e-9)
    assert_allclose(model.predict(turned), np.concatenate(lists.predict(Xs)))
    named = plain.set_axis(["school", *NAMES], axis=1)
    assert_same_fit(mean(task_column=0).fit(named, y), lists)  # no such name
    assert_same_fit(mean(task_column=-4).fit(named, y), lists)


def test_the_order_of_a_categorical_column():
    pd = pytest.importorskip("pandas")
    X, y = make_table()
    order = ["south", "west", "north", "east"]
    kind = pd.CategoricalDtype(order, ordered=True)
    table = X.assign(school=X["school"].astype(kind))
    model = mean(task_column="school").fit(table, y)
    assert model.tasks_.tolist() == ["south", "north", "east"]  # "west" has no rows
    plain = mean(task_column="school").fit(X, y)
    assert_allclose(parameters(model), parameters(plain)[[2, 1, 0]], rtol=1e-9)
    assert_allclose(model.predict(X), plain.predict(table), rtol=1e-9)
    _, _, labels = split_tasks(table, y, "school")
    assert labels.tolist() == ["south", "north", "east"]
    some = (table["school"] != "north").to_numpy()
    fold = mean(task_column="school").fit(table[some], y[some])
    assert fold.tasks_.tolist() == ["south", "east"]
    forced = mean(task_column="school", task_order=SCHOOLS).fit(table, y)
    assert forced.tasks_.tolist() == SCHOOLS
    numbers = pd.CategoricalDtype([2, 0, 1])
    stacked = pd.DataFrame(stack_tasks(*make_tasks())[0]).astype({0: int})
    stacked = stacked.astype({0: numbers})
    y = np.concatenate(make_tasks()[1])
    assert mean(task_column=0).fit(stacked, y).tasks_.tolist() == [2, 0, 1]


def test_task_order():
    X, y = make_table()
    plain = mean(task_column="school").fit(X, y)
    for order in (SCHOOLS, tuple(SCHOOLS), np.array(SCHOOLS), [*SCHOOLS, "west"]):
        model = mean(task_column="school", task_order=order).fit(X, y)
        assert model.tasks_.tolist() == SCHOOLS
        assert_allclose(parameters(model), parameters(plain)[[1, 0, 2]], rtol=1e-9)
        assert_allclose(model.predict(X), plain.predict(X), rtol=1e-9)
    with refuses("task_order", "'south'"):
        mean(task_column="school", task_order=["north", "east"]).fit(X, y)
    Xs, ys = make_tasks((6, 6, 6))
    lists = mean(task_order=[2, 0, 1]).fit(Xs, ys)
    assert lists.tasks_.tolist() == [2, 0, 1]
    assert_allclose(parameters(lists), parameters(mean().fit(Xs, ys))[[2, 0, 1]])
    predicted = mean().fit(Xs, ys).predict(Xs)
    for z, expected in zip(lists.predict(Xs), predicted, strict=True):
        assert_allclose(z, expected)  # lists are in the order of fit, not of tasks_
    named = {"b": Xs[0], "a": Xs[1], "c": Xs[2]}
    model = mean(task_order=["a", "b", "c"]).fit(named, ys)
    assert model.tasks_.tolist() == ["a", "b", "c"]
    assert_allclose(model.predict({"a": Xs[1]})["a"], predicted[1])
    X, Y = Xs[0], np.column_stack(ys)
    shared = mean(task_order=[2, 0, 1]).fit(X, Y)
    assert shared.tasks_.tolist() == [2, 0, 1]
    assert_allclose(parameters(shared), parameters(mean().fit(X, Y))[[2, 0, 1]])


def test_polars():
    pl = pytest.importorskip("polars")
    X, y = make_table()
    plain = mean(task_column="school").fit(X, y)
    table = pl.DataFrame({name: X[name].to_numpy() for name in X.columns})
    model = mean(task_column="school").fit(table, y)
    assert model.tasks_.tolist() == ["east", "north", "south"]
    assert model.feature_names_in_.tolist() == X.columns.tolist()
    assert_same_fit(model, plain)
    assert_allclose(model.predict(table), plain.predict(X), rtol=1e-12)
    assert_same_fit(mean(task_column=1).fit(table, pl.Series(y)), plain)
    order = pl.Enum(["south", "west", "north", "east"])
    ordered = table.with_columns(pl.col("school").cast(order))
    assert mean(task_column="school").fit(ordered, y).tasks_.tolist() == [
        "south",
        "north",
        "east",
    ]
    Xs, ys = make_tasks((6, 6, 6))
    frames = [pl.DataFrame(X, schema=NAMES) for X in Xs]
    lists = mean().fit(frames, [pl.Series(y) for y in ys])
    assert_same_fit(lists, mean().fit(Xs, ys))
    assert lists.coef_names_.tolist() == NAMES
    shared = mean().fit(frames[0], pl.DataFrame(ys, schema=SCHOOLS))
    assert_same_fit(shared, mean().fit(Xs[0], np.column_stack(ys)))
    stacked, target = stack_tasks(dict(zip(SCHOOLS, frames, strict=True)), ys)
    assert isinstance(stacked, pl.DataFrame)
    assert stacked.columns == ["task", *NAMES]
    assert stacked["task"].to_list() == np.repeat(SCHOOLS, 6).tolist()
    assert_same_fit(
        mean(task_column="task", task_order=SCHOOLS).fit(stacked, target), lists
    )
    with refuses("school", "['age', 'test', 'hours']"):
        mean(task_column="school").fit(frames[0], ys[0])


def test_long_table_refuses():
    pd = pytest.importorskip("pandas")
    X, y = make_table()
    array, target = stack_tasks(*make_tasks())
    cases = [
        (X, "town", y, ["no column 'town'", "'age', 'school', 'test', 'hours'"]),
        (X, 7, y, ["no column 7", "'age', 'school', 'test', 'hours'"]),
        (array, 4, target, ["task_column=4", "has 4"]),
        (array, -5, target, ["task_column=-5", "has 4"]),
        (array, "school", target, ["'school'", "position", "set_output"]),
        (X[NAMES], "age", y, ["task column", "whole number", "TaskScaler"]),
        (X.assign(grade="good"), "school", y, ["['grade']", "not numeric", "encode"]),
        (X, "school", y[:-1], ["25", "24"]),
        (X, "school", 1.0, ["()"]),
        (X, "school", np.column_stack([y, y]), ["(25, 2)"]),
        (X.head(0), "school", y[:0], ["0"]),
    ]
    for label in (None, np.nan):
        school = X["school"].to_list()
        school[3] = label
        words = ["missing label", "row 3"]
        cases.append((X.assign(school=school), "school", y, words))
        cases.append(
            (X.assign(school=pd.Categorical(school)), "school", y, words),
        )
    holes = array.copy()
    holes[4, 0] = np.nan
    cases.append((holes, 0, target, ["missing label", "row 4"]))
    scaled = array.copy()
    scaled[:, 0] = StandardScaler().fit_transform(array[:, :1]).ravel()
    remedy = ["task column", "scaler", "TaskScaler(task_column=", "ColumnTransformer"]
    cases.append((scaled, 0, target, remedy))
    mixed = X["school"].to_list()
    mixed[0] = 3
    cases.append((X.assign(school=mixed), "school", y, ["'int'", "'str'", "one type"]))
    lost = X.copy()
    lost.loc[2, "test"] = np.nan
    school = lost.loc[2, "school"]
    cases.append((lost, "school", y, ["NaN", f"task '{school}'", "feature", "Impute"]))
    unknown = np.where(X["school"] == "east", np.nan, y)
    cases.append((X, "school", unknown, ["Task 'east'", "only", "Drop the rows"]))
    for table, column, values, words in cases:
        with refuses(*words):
            mean(task_column=column).fit(table, values)
    with refuses("task column"):
        mean(task_column=0).fit(array + 0.5, target)


def test_a_scaler_before_the_model_is_named_as_the_culprit():
    X, y = stack_tasks(*make_tasks())
    with refuses("scaler", "TaskScaler", "ColumnTransformer"):
        make_pipeline(StandardScaler(), mean(task_column=0)).fit(X, y)
    right = make_pipeline(TaskScaler(task_column=0), mean(task_column=0)).fit(X, y)
    also = make_pipeline(
        make_column_transformer((StandardScaler(), [1, 2, 3]), remainder="passthrough"),
        mean(task_column=-1),
    ).fit(X, y)
    assert_allclose(right.predict(X), also.predict(X), rtol=1e-9)


def test_array_transformers_lose_the_name_of_the_column():
    X, y = make_table()
    scale = make_column_transformer((StandardScaler(), NAMES), remainder="passthrough")
    pipe = make_pipeline(scale, mean(task_column="remainder__school"))
    with refuses("position", "set_output(transform='pandas')"):
        pipe.fit(X, y)
    scale.set_output(transform="pandas")
    assert pipe.fit(X, y)[-1].tasks_.tolist() == ["east", "north", "south"]


# Prediction


def test_unseen_task():
    X, y = make_table()
    new = X.assign(school=["west", *X["school"][1:]])
    model = mean(task_column="school", unseen_task="error").fit(X, y)
    said = "'west'", "MultiTaskMeanRegressor", "TaskKFold", "unseen_task='structure'"
    with refuses(*said):
        model.predict(new)
    tolerant = mean(task_column="school", unseen_task="mean").fit(X, y)
    z = tolerant.predict(new)
    expected = X.loc[0, NAMES].to_numpy(float) @ model.coef_.mean(axis=0)
    assert_allclose(z[0], expected + model.intercept_.mean(), rtol=1e-9)
    assert_allclose(z[1:], model.predict(X)[1:], rtol=1e-9)
    pooled = PooledRegressor(task_column="school").fit(X, y)
    assert_allclose(pooled.predict(new), pooled.predict(X), rtol=1e-12)
    Xs, ys = make_tasks()
    lists = mean(unseen_task="error").fit(dict(zip(SCHOOLS, Xs, strict=True)), ys)
    with refuses("'west'", "TaskKFold"):
        lists.predict({"west": Xs[0]})
    lists.set_params(unseen_task="mean")
    expected = Xs[0] @ lists.coef_.mean(axis=0) + lists.intercept_.mean()
    assert_allclose(lists.predict({"west": Xs[0]})["west"], expected, rtol=1e-12)
    with refuses("unseen_task"):
        mean(unseen_task="median").fit(Xs, ys)


def test_doors_are_crossed_at_predict():
    Xs, ys = make_tasks((6, 6, 6))
    X = Xs[0]
    table, y = stack_tasks(Xs, ys)
    lists = mean().fit(Xs, ys)
    every = X @ lists.coef_.T + lists.intercept_
    assert_allclose(lists.predict(X), every, rtol=1e-12)
    assert_allclose(lists.predict(X[:1].tolist()), every[:1], rtol=1e-12)
    shared = mean().fit(X, np.column_stack(ys))
    parts = shared.predict([X, X, X[:2]])
    for z, expected in zip(parts, shared.predict(X).T, strict=True):
        assert_allclose(z, expected[: len(z)], rtol=1e-12)
    assert_allclose(shared.predict({2: X})[2], shared.predict(X)[:, 2], rtol=1e-12)
    for model in (lists, shared):  # the task column is read where there is one
        z = model.set_params(task_column=0).predict(table)
        coef, c = np.repeat(model.coef_, 6, axis=0), np.repeat(model.intercept_, 6)
        assert_allclose(z, np.sum(table[:, 1:] * coef, axis=1) + c, rtol=1e-12)
    assert_allclose(lists.predict(X), every, rtol=1e-12)  # and nowhere else
    long = mean(task_column=0).fit(table, y)
    for z, expected in zip(long.predict(Xs), lists.predict(Xs), strict=True):
        assert_allclose(z, expected, rtol=1e-9)
    assert_allclose(long.predict({1: X})[1], every[:, 1], rtol=1e-9)
    assert_allclose(long.score(Xs, ys), lists.score(Xs, ys), rtol=1e-9)


def test_predict_refuses():
    Xs, ys = make_tasks()
    X, y = stack_tasks(Xs, ys)
    lists = mean().fit(Xs, ys)
    with refuses("2 tasks", "fitted with 3", "dict {task: X}", "stack_tasks"):
        lists.predict(Xs[:2])
    with refuses("2 features", "MultiTaskMeanRegressor", "3"):
        lists.predict([X[:, :2] for X in Xs])
    with refuses("2 features", "3"):
        lists.predict(Xs[0][:, :2])
    with refuses("Task 1 has 2 features", "task 0 has 3"):
        lists.predict(change(Xs, 1, Xs[1][:, :2]))
    with refuses("NaN", "task 1"):
        lists.predict(change(Xs, 1, np.full((2, 3), np.nan)))
    with refuses("Task 1", "empty"):
        lists.predict(change(Xs, 1, Xs[1][:0]))
    with refuses("offset", "Task 1"):
        lists.predict(Xs, offset=change(ys, 1, ys[1][1:]))
    long = mean(task_column=0).fit(X, y)
    with refuses("3 features", "4"):
        long.predict(X[:, :3])
    with refuses("missing label", "row 0"):
        long.predict([[np.nan, 0, 0, 0]])
    with refuses("NaN", "task 1", "feature 2"):
        long.predict([[1, 0, 0, np.nan]])
    with refuses("fitted on a long table", "task_column"):
        mean(task_column=0).fit(X, y).set_params(task_column=None).predict(X)
    shared = mean().fit(Xs[0], np.column_stack([ys[0]] * 2))
    with refuses("3 tasks", "fitted with 2"):
        shared.predict(Xs)
    with refuses("offset", "(7,)", "8 rows"):
        shared.predict(Xs[0], offset=np.zeros(7))
    with pytest.raises(NotFittedError):
        mean().predict(Xs)
    with refuses("y has shape (8, 3)", "(8, 2)"):
        shared.score(Xs[0], np.column_stack([ys[0]] * 3))


def test_frames_at_predict():
    X, y = make_table()
    model = mean(task_column="school").fit(X, y)
    with refuses("feature names", "size"):
        model.predict(X.rename(columns={"age": "size"}))
    with refuses("feature names"):
        model.predict(X[["school", *NAMES]])


def test_score_of_lists_leaves_out_tasks_with_one_target():
    Xs, ys = make_tasks((8, 1, 12))
    model = mean().fit(Xs, ys)
    z = model.predict(Xs)
    expected = np.mean([r2_score(ys[t], z[t]) for t in (0, 2)])
    assert_allclose(model.score(Xs, ys), expected, rtol=1e-12)
    weights = [np.arange(1.0, len(y) + 1) for y in ys]
    expected = [r2_score(ys[t], z[t], sample_weight=weights[t]) for t in (0, 2)]
    assert_allclose(model.score(Xs, ys, weights), np.mean(expected), rtol=1e-12)
    with refuses("two distinct targets"):
        model.score([X[:1] for X in Xs], [y[:1] for y in ys])


# Small and degenerate tasks


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("sizes", [(3, 5), (2, 3, 500), (40, 60)])
@pytest.mark.parametrize("value", [0.0, 4.0])
def test_a_constant_column_has_no_coefficient(value, sizes, seed):
    Xs, ys = make_tasks(sizes, n_features=6, seed=seed)
    Xs = [np.where(np.arange(6) == 2, value, X) for X in Xs]
    rest = [np.delete(X, 2, axis=1) for X in Xs]
    pooled = PooledRegressor(0.0), PooledRegressor(0.1)
    for model in (mean(), mean(lambda2=0.1), *pooled):
        fit, other = clone(model).fit(Xs, ys), clone(model).fit(rest, ys)
        assert_allclose(fit.coef_[:, 2], 0, atol=1e-12)
        assert_allclose(np.delete(fit.coef_, 2, axis=1), other.coef_, atol=1e-8)


def test_tasks_of_very_different_size():
    Xs, ys = make_tasks((1, 2, 3, 500), n_features=6)
    Xs = [X.copy() for X in Xs]
    for X in Xs:
        X[:, 2] = 4.0  # constant
    ys[1] = np.full(2, 3.0)
    Xs[2], ys[2] = np.repeat(Xs[2], 3, axis=0), np.repeat(ys[2], 3)
    for model in (
        mean(),
        SingleTaskRegressor(),
        PooledRegressor(),
        MultiTaskL21Regressor(tol=1e-10),
    ):
        model.fit(Xs, ys)
        assert model.converged_
        assert np.isfinite(parameters(model)).all()
        assert_allclose(model.coef_[:, 2], 0, atol=1e-12)
        assert len(model.predict(Xs)[0]) == 1
    single = SingleTaskRegressor(0.1).fit(Xs, ys)
    assert_allclose(single.coef_[:2], 0, atol=1e-15)  # nothing to learn from
    assert_allclose(single.intercept_[:2], [ys[0][0], 3.0], rtol=1e-14)
    ridge = Ridge(2 * 9 * 0.1).fit(Xs[2], ys[2])
    assert_allclose(single.coef_[2], ridge.coef_, rtol=1e-8, atol=1e-12)


# Memory


def layouts(X, folder):
    """Yield the same matrix in many layouts."""
    yield "Fortran", np.asfortranarray(X)
    wide = np.empty((2 * len(X), 2 * X.shape[1] + 1), dtype=X.dtype)
    wide[::2, 1::2] = X
    yield "strided", wide[::2, 1::2]
    yield "reversed", X[::-1].copy()[::-1]
    frozen = X.copy()
    frozen.flags.writeable = False
    yield "read-only", frozen
    file = np.memmap(folder / f"{id(X)}.bin", X.dtype, "w+", shape=X.shape)
    file[:] = X
    yield "memmap", np.memmap(file.filename, X.dtype, "r", shape=X.shape)
    yield "big-endian", X.astype(X.dtype.newbyteorder(">"))
    yield "object", X.astype(object)
    yield "subclass", np.ma.masked_array(X)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("model", [mean(), MultiTaskL21Regressor(0.05, tol=1e-6)])
def test_layouts(model, dtype, tmp_path):
    Xs, ys = make_tasks((9, 9, 9))
    Xs, ys = [X.astype(dtype) for X in Xs], [y.astype(dtype) for y in ys]
    table, target = stack_tasks(Xs, ys)
    Y = np.column_stack(ys)
    lists = clone(model).fit(Xs, ys)
    shared = clone(model).fit(Xs[0], Y)
    long = clone(model).set_params(task_column=0)
    tolerance = {"rtol": 1e-9} if dtype == np.float64 else {"rtol": 1e-3, "atol": 1e-4}
    assert lists.coef_.dtype == dtype
    items = [dict(layouts(X, tmp_path)) for X in Xs]
    for name in items[0]:
        X = [item[name] for item in items]
        fit = clone(model).fit(X, [np.asfortranarray(y[::-1])[::-1] for y in ys])
        assert_allclose(fit.coef_, lists.coef_, err_msg=name, **tolerance)
        assert_allclose(
            np.concatenate(fit.predict(X)),
            np.concatenate(lists.predict(Xs)),
            err_msg=name,
            **tolerance,
        )
        fit = clone(model).fit(X[0], Y)
        assert_allclose(fit.coef_, shared.coef_, err_msg=name, **tolerance)
    for name, X in layouts(table, tmp_path):
        fit = clone(long).fit(X, target)
        assert_allclose(fit.coef_, lists.coef_, err_msg=name, **tolerance)
        z = np.concatenate(lists.predict(Xs))
        assert_allclose(fit.predict(X), z, err_msg=name, **tolerance)
    for name, layout in layouts(Y, tmp_path):
        fit = clone(model).fit(Xs[0], layout)
        assert_allclose(fit.coef_, shared.coef_, err_msg=name, **tolerance)


def test_integers_and_booleans():
    rng = np.random.default_rng(0)
    Xs = [rng.integers(-3, 4, (n, 3)) for n in (9, 7, 12)]
    ys = [rng.integers(0, 9, len(X)) for X in Xs]
    model = mean().fit([X.astype(float) for X in Xs], [y.astype(float) for y in ys])
    for dtype in (np.int64, np.int8):
        other = mean().fit([X.astype(dtype) for X in Xs], [y.astype(dtype) for y in ys])
        assert_same_fit(other, model)
        assert other.coef_.dtype == np.float64
    bools = [X > 0 for X in Xs]
    assert_same_fit(
        mean().fit(bools, [y > 4 for y in ys]),
        mean().fit([1.0 * X for X in bools], [1.0 * (y > 4) for y in ys]),
    )


def test_inputs_are_not_modified():
    Xs, ys = make_tasks((9, 9, 9))
    weights = [np.linspace(0.5, 2, 9)] * 3
    table, target = stack_tasks(Xs, ys)
    table = table[::-1].copy()
    Y = np.column_stack(ys)
    Y[2, 1] = np.nan
    given = [*Xs, *ys, *weights, table, target, Y]
    before = [v.copy() for v in given]
    for model in (mean(), MultiTaskL21Regressor(), PooledRegressor()):
        model.fit(Xs, ys, sample_weight=weights, offset=ys).predict(Xs, offset=ys)
        model.fit(Xs[0], Y, sample_weight=weights[0], offset=ys[0]).predict(Xs[0])
        model.score(Xs[0], Y)
        model.lambda_max(Xs[0], Y)
        model.set_params(task_column=0).fit(table, target).predict(table)
        model.score(table, target)
    split_tasks(table, target, 0)
    for now, then in zip(given, before, strict=True):
        assert_array_equal(now, then)
    X, y = make_table()
    kept = X.copy()
    mean(task_column="school").fit(X, y).predict(X)
    assert X.equals(kept)


# stack_tasks and split_tasks


def test_stack_and_split():
    Xs, ys = make_tasks()
    X, y = stack_tasks(Xs, ys)
    assert X.shape == (25, 4)
    assert_array_equal(X[:, 0], np.repeat([0, 1, 2], [8, 5, 12]))
    again, targets, labels = split_tasks(X, y, 0)
    assert labels.tolist() == [0, 1, 2]
    for a, b in zip([*again, *targets], [*Xs, *ys], strict=True):
        assert_array_equal(a, b)
    order = np.random.default_rng(0).permutation(25)
    shuffled = np.roll(X[order], 2, axis=1)
    again, targets, _ = split_tasks(shuffled, y[order], 2)
    for t in range(3):
        rows = X[order][X[order][:, 0] == t]
        assert_array_equal(again[t], rows[:, [2, 3, 1]])
        assert_array_equal(targets[t], y[order][X[order][:, 0] == t])
    assert stack_tasks([X.astype("f4") for X in Xs], ys)[0].dtype == np.float32
    named = {"a": Xs[0], "b": Xs[1]}, {"b": ys[1], "a": ys[0]}
    assert_array_equal(stack_tasks(*named)[1], np.concatenate(ys[:2]))


def test_stack_and_split_frames():
    pd = pytest.importorskip("pandas")
    Xs, ys = make_tasks()
    frames = {
        school: pd.DataFrame(X, columns=NAMES)
        for school, X in zip(SCHOOLS, Xs, strict=True)
    }
    X, y = stack_tasks(frames, dict(zip(SCHOOLS, ys, strict=True)))
    assert isinstance(X, pd.DataFrame)
    assert X.columns.tolist() == ["task", *NAMES]
    assert X["task"].tolist() == np.repeat(SCHOOLS, [8, 5, 12]).tolist()
    again, targets, labels = split_tasks(X, y, "task")
    assert labels.tolist() == sorted(SCHOOLS)
    assert_array_equal(again[1], Xs[0])
    assert_array_equal(targets[1], ys[0])
    X, _ = stack_tasks(list(frames.values()), ys)
    assert X["task"].tolist() == np.repeat([0, 1, 2], [8, 5, 12]).tolist()


def test_stack_and_split_refuse():
    Xs, ys = make_tasks()
    X, y = stack_tasks(Xs, ys)
    with refuses("Task 1", "empty"):
        stack_tasks(change(Xs, 1, Xs[1][:0]), ys)
    with refuses("Task 1", "(4,)"):
        stack_tasks(Xs, change(ys, 1, ys[1][1:]))
    with refuses("no column 'task'"):
        split_tasks(make_table()[0], y, "task")
    with refuses("25", "24"):
        split_tasks(X, y[1:], 0)
    with refuses("whole number"):
        split_tasks(X, y, 1)


# scikit-learn's tools


def test_search_on_lists_is_detected():
    Xs, ys = make_tasks((8,) * 7)
    grid = {"lambda1": [0.1, 1.0]}
    with refuses("stack_tasks", "TaskKFold"):
        cross_val_score(mean(), Xs, ys, cv=3, error_score="raise")
    with refuses("stack_tasks", "TaskKFold"):
        GridSearchCV(mean(), grid, cv=3, error_score="raise").fit(Xs, ys)
    with refuses("stack_tasks", "TaskKFold"):
        GridSearchCV(mean(), grid, cv=3).fit(Xs, ys)
    with refuses("stack_tasks"):
        GridSearchCV(mean(), grid, cv=TaskKFold(3)).fit(Xs, ys)


def test_search_on_a_table_with_text_labels():
    X, y = make_table()
    order = np.argsort(X["school"].to_numpy(), kind="stable")
    X, y = X.iloc[order].reset_index(drop=True), y[order]  # sorted by school
    grid = [0.001, 0.1, 10.0]
    folds = TaskKFold(5, task_column="school")
    search = GridSearchCV(
        make_pipeline(
            TaskScaler(task_column="school"),
            MultiTaskMeanRegressor(task_column="school"),
        ),
        {"multitaskmeanregressor__lambda1": grid},
        scoring="neg_mean_squared_error",
        cv=folds,
    ).fit(X, y)
    expected = []
    for lambda1 in grid:
        errors = []
        for train, test in folds.split(X, y):
            assert set(X["school"].iloc[train]) == set(SCHOOLS)
            scale = StandardScaler().fit(X[NAMES].iloc[train])
            Xs, ys, labels = split_tasks(X.iloc[train], y[train], "school")
            model = MultiTaskMeanRegressor(lambda1)
            model.fit([scale.transform(A) for A in map(named, Xs)], ys)
            task = np.searchsorted(labels, X["school"].iloc[test])
            rows = scale.transform(X[NAMES].iloc[test])
            z = np.sum(rows * model.coef_[task], axis=1) + model.intercept_[task]
            errors.append(mean_squared_error(y[test], z))
        expected.append(-np.mean(errors))
    assert_allclose(search.cv_results_["mean_test_score"], expected, rtol=1e-9)
    best = search.best_estimator_[-1]
    assert best.lambda1 == grid[int(np.argmax(expected))]
    assert best.tasks_.tolist() == sorted(SCHOOLS)
    assert search.predict(X).shape == y.shape


def named(X):
    import pandas as pd

    return pd.DataFrame(X, columns=NAMES)


def test_cross_validation_of_a_table():
    X, y = make_table()
    folds = TaskKFold(4, task_column="school")
    model = mean(task_column="school")
    scoring = ["r2", "neg_mean_absolute_error"]
    result = cross_validate(model, X, y, cv=folds, scoring=scoring)
    default = cross_validate(model, X, y, cv=folds)
    assert_allclose(result["test_r2"], default["test_score"], rtol=1e-12)
    z = cross_val_predict(model, X, y, cv=folds)
    for train, test in folds.split(X, y):
        fold = clone(model).fit(X.iloc[train], y[train])
        assert_allclose(z[test], fold.predict(X.iloc[test]), rtol=1e-12)


def test_no_feature_beside_the_task_column():
    X, y = make_table()
    school = MultiTaskL21Regressor(0.1, task_column="school")
    for model, alone in [
        (school, X[["school"]]),
        (MultiTaskSearchCV(school), X[["school"]]),
        (MultiTaskL21Regressor(0.1, task_column=0), (y[:, None] > 0).astype(int)),
        (MultiTaskL21Regressor(0.1), [np.ones((len(y), 0))]),
    ]:
        with refuses("X has no columns", "constant"):
            model.fit(alone, [y] if isinstance(alone, list) else y)
    # what the message says
    alone = X[["school"]].assign(constant=1.0)
    means = y.copy()
    for name in SCHOOLS:
        means[X["school"] == name] = y[X["school"] == name].mean()
    for model in (school, SingleTaskRegressor(task_column="school")):
        assert_allclose(model.fit(alone, y).predict(alone), means)


def test_one_row_a_task():
    Xs, ys = make_tasks((1,) * 8)
    rows = np.vstack(Xs), np.concatenate(ys)
    table = np.column_stack([np.arange(8), rows[0]])
    for column, data in [(None, (Xs, ys)), (0, (table, rows[1]))]:
        with pytest.warns(UserWarning, match="8 tasks has one row.*'shrink'"):
            assert not mean(task_column=column).fit(*data).coef_.any()
        shrunk = mean(task_column=column, fit_intercept="shrink").fit(*data)
        assert np.abs(shrunk.coef_).max() > 0.1
    mean().fit([rows[0][:1]], [rows[1][:1]])  # one task has no other to be drawn to
