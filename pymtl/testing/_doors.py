"""Checks of the three doors for data."""

from __future__ import annotations

import importlib
import re
import warnings
from tempfile import TemporaryDirectory

import numpy as np
import scipy.sparse as sp
from sklearn.base import is_classifier

from ._common import frozen, require, require_close
from ._data import (
    depends_on_order,
    exact,
    fresh,
    is_pooled,
    linear,
    make_long,
    measure,
    parameters,
    refusal,
    require_same_fit,
    shared_for,
    slack,
    tasks_for,
)


def check_lists_equal_long(estimator):
    """Lists, dicts and a shuffled long table are the same problem."""
    Xs, ys = tasks_for(estimator)
    X, y, order = make_long(Xs, ys)
    lists = exact(estimator).fit(Xs, ys)
    long = exact(estimator, task_column=0).fit(X, y)
    require_same_fit(long, lists, "a long table gives another fit than lists")
    names = "ABCDEF"
    named = exact(estimator).fit(
        dict(zip(names, Xs, strict=True)), dict(zip(names, ys, strict=True))
    )
    require_same_fit(named, lists, "dicts give another fit than lists")
    require(
        [lists.tasks_.tolist(), long.tasks_.tolist(), named.tasks_.tolist()]
        == [list(range(6)), list(range(6)), list(names)],
        estimator,
        "tasks_ does not hold the labels",
    )
    z = lists.predict(Xs)
    require(
        isinstance(z, list) and [len(p) for p in z] == [len(v) for v in ys],
        estimator,
        "predictions of lists are not a list of vectors",
    )
    require_close(
        long.predict(X),
        np.concatenate(z)[order],
        estimator,
        "a long table gives other predictions than lists",
        slack(estimator),
    )
    require_close(
        long.score(X, y),
        measure(estimator)(y, long.predict(X)),
        estimator,
        "score of a long table is not that of its rows",
    )
    pairs = [(v, p) for v, p in zip(ys, z, strict=True) if len(v) > 1]
    require_close(
        lists.score(Xs, ys),
        np.mean([measure(estimator)(v, p) for v, p in pairs]),
        estimator,
        "score of lists is not the mean over the tasks with two targets",
    )


def check_shared_equals_lists(estimator):
    """A shared design and the same rows as lists are the same problem."""
    X, Y = shared_for(estimator)
    T = Y.shape[1]
    shared = exact(estimator).fit(X, Y)
    lists = exact(estimator).fit([X] * T, list(Y.T))
    require_same_fit(shared, lists, "a shared design gives another fit than lists")
    long = exact(estimator, task_column=0).fit(*make_long([X] * T, Y.T)[:2])
    require_same_fit(shared, long, "a shared design gives another fit than a table")
    Z = shared.predict(X)
    require_close(
        Z,
        np.column_stack(lists.predict([X] * T)),
        estimator,
        "predictions of a shared design are not (n_samples, n_tasks)",
        slack(estimator),
    )
    require_close(
        shared.score(X, Y),
        np.mean([measure(estimator)(y, z) for y, z in zip(Y.T, Z.T, strict=True)]),
        estimator,
        "score of a shared design is not the uniform average",
    )


def check_masked_equals_lists(estimator):
    """NaN in the targets of a shared design leaves the sample out."""
    X, Y = shared_for(estimator)
    seen = np.random.default_rng(1).uniform(size=Y.shape) < 0.6
    seen[:2] = True
    Y = frozen(np.where(seen, Y, np.nan))
    masked = exact(estimator).fit(X, Y)
    Xs = [X[rows] for rows in seen.T]
    ys = [Y[rows, t] for t, rows in enumerate(seen.T)]
    lists = exact(estimator).fit(Xs, ys)
    require_same_fit(masked, lists, "NaN in y gives another fit than without the rows")
    rng = np.random.default_rng(2)
    extra = {
        "sample_weight": frozen(rng.uniform(0.5, 2.0, Y.shape)),
        "offset": frozen(rng.standard_normal(Y.shape)),
    }
    parts = {
        name: [v[rows, t] for t, rows in enumerate(seen.T)] for name, v in extra.items()
    }
    require_same_fit(
        exact(estimator).fit(X, Y, **extra),
        exact(estimator).fit(Xs, ys, **parts),
        "NaN in y gives another fit than without the rows, with weights and offsets",
    )
    Z = masked.predict(X)
    scores = [
        measure(estimator)(y, Z[rows, t])
        for t, (y, rows) in enumerate(zip(ys, seen.T, strict=True))
    ]
    require_close(
        masked.score(X, Y), np.mean(scores), estimator, "score counts what is NaN in y"
    )


def check_one_task(estimator):
    """A 1-d target is one task."""
    X, Y = shared_for(estimator)
    y = Y[:, 0]
    flat = exact(estimator).fit(X, y)
    lists = exact(estimator).fit([X], [y])
    require_same_fit(flat, lists, "a 1-d y gives another fit than a list of one task")
    require(flat.coef_.shape == (1, 5), estimator, f"coef_ is {flat.coef_.shape}")
    z = flat.predict(X)
    require(z.shape == y.shape, estimator, f"1-d y, but predictions {z.shape}")
    column = exact(estimator).fit(X, Y[:, :1]).predict(X)
    require_close(column, z[:, None], estimator, "y of shape (n, 1)", slack(estimator))


def check_predict_doors(estimator):
    """A fitted model predicts through any door."""
    Xs, ys = tasks_for(estimator, (8, 20, 12))
    X = Xs[2]
    model = fresh(estimator).fit(Xs, ys)
    expected = X @ model.coef_.T + model.intercept_
    crossed = linear(model, X)
    require_close(crossed, expected, estimator, "one X for all tasks of a list")
    require_close(
        np.column_stack(linear(model, [X, X, X])), expected, estimator, "a list"
    )
    part = linear(model, {1: X})
    require(
        isinstance(part, dict) and list(part) == [1],
        estimator,
        "predictions of a dict are not a dict with its keys",
    )
    require_close(part[1], expected[:, 1], estimator, "a dict of one task")
    shared = fresh(estimator).fit(*shared_for(estimator, n_tasks=3))
    require_close(
        np.column_stack(linear(shared, [X, X, X])),
        linear(shared, X),
        estimator,
        "a list for a model of a shared design",
    )
    table, y, _ = make_long(Xs, ys)
    long = fresh(estimator, task_column=0).fit(table, y)
    rows = np.column_stack([np.full(len(X), 2), X])
    z = linear(long, rows)
    own = X @ long.coef_[2] + long.intercept_[2]
    require_close(z, own, estimator, "a long table with rows of one task")
    require_close(linear(long, {2: X})[2], own, estimator, "a dict for a long model")


def check_unseen_task(estimator):
    """A task that was not in fit is refused, or gets the mean of the tasks."""
    X, y, _ = make_long(*tasks_for(estimator, (8, 20, 12)))
    new = X.copy()
    new[:, 0] = 99
    strict = fresh(estimator, task_column=0).fit(X, y)
    if not is_pooled(strict):
        with refusal(estimator, "a task not seen in fit", "99", "TaskKFold"):
            linear(strict, new)
    mean = fresh(estimator, task_column=0, unseen_task="mean").fit(X, y)
    require_close(
        linear(mean, new),
        X[:, 1:] @ mean.coef_.mean(axis=0) + mean.intercept_.mean(),
        estimator,
        'unseen_task="mean" is not the mean of the tasks',
    )
    shared = fresh(estimator, task_column=0, unseen_task="structure").fit(X, y)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            z = linear(shared, new)
        except ValueError as error:
            lost = re.search("40 of 40 rows.*TaskKFold", str(error))
            require(lost, estimator, f"the message about unseen tasks: {error}")
            return
    require(np.isfinite(z).all(), estimator, "predictions of unseen tasks")
    said = [str(w.message) for w in caught if "40 of 40 rows" in str(w.message)]
    require(
        len(said) == (not is_pooled(shared)),
        estimator,
        "unseen tasks are predicted without one warning",
    )


def check_predict_refusals(estimator):
    """Rows that do not fit the model are refused."""
    Xs, ys = tasks_for(estimator, (8, 20, 12))
    model = fresh(estimator).fit(Xs, ys)
    with refusal(estimator, "a list of 2 tasks for 3", "2 tasks", "3"):
        model.predict(Xs[:2])
    with refusal(estimator, "a list with 4 features for 5", "4 features", "5"):
        model.predict([X[:, :4] for X in Xs])
    with refusal(estimator, "an X with 4 features for 5", "4 features", "5"):
        model.predict(Xs[0][:, :4])
    with refusal(estimator, "NaN in X", "NaN"):
        model.predict([X * np.nan for X in Xs])
    X, y, _ = make_long(Xs, ys)
    long = fresh(estimator, task_column=0).fit(X, y)
    with refusal(estimator, "a table with 4 features for 5", "5 features", "6"):
        long.predict(X[:, :5])


def check_fit_refusals(estimator):
    """Bad training data are refused, with the task and the remedy."""
    Xs, ys = tasks_for(estimator, (8, 20, 12))

    def second(values, new):
        return [values[0], new, *values[2:]]

    nan = np.full_like(ys[1], np.nan)
    bad = [
        ("an empty task", second(Xs, Xs[1][:0]), ys, ["1", "empty"]),
        ("a task with fewer features", second(Xs, Xs[1][:, 1:]), ys, ["1", "4", "5"]),
        ("a short y", Xs, second(ys, ys[1][:3]), ["1", "20", "3"]),
        ("a y too few", Xs, ys[:2], ["3 tasks", "stack_tasks"]),
        ("NaN in X", second(Xs, Xs[1] * np.nan), ys, ["1", "NaN"]),
        ("a task with NaN for targets", Xs, second(ys, nan), ["1"]),
        ("a 3-d X", np.zeros((3, 8, 5)), ys, ["list"]),
    ]
    if not is_classifier(estimator):
        bad.append(("targets of text", Xs, second(ys, np.array(["a"] * 20)), []))
    for situation, X, y, patterns in bad:
        with refusal(estimator, situation, *patterns):
            fresh(estimator).fit(X, y)
    weights = [np.ones(8), np.zeros(20), np.ones(12)]
    with refusal(estimator, "a task of weight zero", "1", "weight"):
        fresh(estimator).fit(Xs, ys, sample_weight=weights)
    with refusal(estimator, "a negative weight", "weight"):
        fresh(estimator).fit(Xs, ys, sample_weight=[-np.ones(8), *weights[1:]])
    X, Y = shared_for(estimator)
    hidden = np.where(np.arange(Y.shape[1]) == 1, np.nan, Y)
    with refusal(estimator, "a column of y without a label", "1"):
        fresh(estimator).fit(X, hidden)
    table, y, _ = make_long(Xs, ys)
    scaled = table / [[3.0, 1, 1, 1, 1, 1]]
    with refusal(estimator, "a scaled task column", "whole number", "TaskScaler"):
        fresh(estimator, task_column=0).fit(scaled, y)
    with refusal(estimator, "a task column that is not there", "9", "column"):
        fresh(estimator, task_column=9).fit(table, y)


def check_inputs_unmodified(estimator):
    """Arrays that are read-only, of any order and type, are read and left alone."""
    Xs, ys = tasks_for(estimator, (8, 20, 12))
    expected = fresh(estimator).fit(Xs, ys)
    columns = [frozen(X, order="F") for X in Xs]
    views = [np.kron(X, np.ones((2, 2)))[::2, ::2] for X in Xs]
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        files = [_mapped(X, f"{folder}/{t}") for t, X in enumerate(Xs)]
        kinds = {"Fortran order": columns, "views": views, "a file": files}
        for kind, other in kinds.items():
            model = fresh(estimator).fit(other, ys)
            require_same_fit(model, expected, f"X in {kind} gives another fit", 1e-6)
    whole = [frozen(np.round(3 * X), int) for X in Xs]
    require_same_fit(
        fresh(estimator).fit(whole, ys),
        fresh(estimator).fit([X.astype(float) for X in whole], ys),
        "integers in X give another fit than floats",
    )
    X, Y = (array.copy() for array in shared_for(estimator))
    table, y, _ = (array.copy() for array in make_long(Xs, ys))
    for data, params in [((X, Y), {}), ((table, y), {"task_column": 0})]:
        n = len(data[0])
        extra = {"sample_weight": np.linspace(1, 2, n), "offset": np.linspace(0, 1, n)}
        arrays = [*data, *extra.values()]
        before = [array.copy() for array in arrays]
        model = fresh(estimator, **params).fit(*data, **extra)
        model.predict(data[0])
        model.score(*data)
        for array, copy in zip(arrays, before, strict=True):
            require((array == copy).all(), estimator, "fit or predict modify the input")
        for array in arrays:
            array.flags.writeable = False
        fresh(estimator, **params).fit(*data, **extra).predict(data[0])


def _mapped(X, name):
    """Return X mapped from a file, read-only."""
    file = np.memmap(name, X.dtype, "w+", shape=X.shape)
    file[:] = X
    file.flush()
    return np.memmap(name, X.dtype, "r", shape=X.shape)


def check_frames(estimator):
    """Data frames of pandas and polars give what arrays give."""
    Xs, ys = tasks_for(estimator, (8, 20, 12))
    X, Y = shared_for(estimator)
    table, y, _ = make_long(Xs, ys)
    names = [f"f{j}" for j in range(5)]
    order = ["north", "south", "east"]
    schools = np.array(order)[table[:, 0].astype(int)]
    lists = exact(estimator).fit(Xs, ys)
    shared = exact(estimator).fit(X, Y)
    for library in ("pandas", "polars"):
        try:
            frame = importlib.import_module(library).DataFrame
        except ImportError:
            continue

        def named(A, frame=frame):
            return frame(dict(zip(names, np.array(A).T, strict=True)))

        model = exact(estimator).fit([named(A) for A in Xs], ys)
        require_same_fit(model, lists, f"frames of {library} give another fit")
        require(model.coef_names_.tolist() == names, estimator, "coef_names_ in frames")
        z = model.predict([named(A) for A in Xs])
        require_close(
            np.concatenate(z),
            np.concatenate(lists.predict(Xs)),
            estimator,
            f"frames of {library} give other predictions",
            slack(estimator),
        )
        targets = frame({f"y{t}": np.array(column) for t, column in enumerate(Y.T)})
        model = exact(estimator).fit(named(X), targets)
        require_same_fit(model, shared, f"a frame of {library} as shared design")
        columns = {names[0]: table[:, 1], "school": schools}
        columns |= dict(zip(names[1:], table[:, 2:].T, strict=True))
        long = frame(columns)
        model = exact(estimator, task_column="school", task_order=order).fit(long, y)
        require(model.tasks_.tolist() == order, estimator, f"tasks_ is {model.tasks_}")
        require_same_fit(model, lists, f"a long frame of {library}")
        require(
            model.feature_names_in_.tolist() == list(columns)
            and model.n_features_in_ == 6
            and model.coef_names_.tolist() == names,
            estimator,
            "feature_names_in_ counts the task column, coef_names_ does not",
        )
        z = model.predict(long)
        long = frame({name: columns[name] for name in ["school", *names]})
        model = exact(estimator, task_column=0, task_order=order).fit(long, y)
        require_close(
            model.predict(long),
            z,
            estimator,
            "the task column in front",
            slack(estimator),
        )


def check_sparse_equals_dense(estimator):
    """Sparse X gives what dense X gives, through every door, and is left alone."""
    rng = np.random.default_rng(0)
    Xs, ys = tasks_for(estimator, (8, 20, 12))
    Xs = [_thinned(X) for X in Xs]
    X, Y = shared_for(estimator)
    X = _thinned(X)
    masked = np.where(np.arange(Y.size).reshape(Y.shape) % 7 == 2, np.nan, Y)
    table, y, _ = make_long(Xs, ys)

    def like(target):
        if isinstance(target, list):
            return [rng.uniform(0.5, 2.0, v.shape) for v in target]
        return rng.uniform(0.5, 2.0, target.shape)

    doors = {
        "lists": (Xs, ys, {}),
        "a shared design": (X, Y, {}),
        "a shared design with NaN in y": (X, masked, {}),
        "a long table": (table, y, {"task_column": 0}),
    }
    for door, (data, target, params) in doors.items():
        if isinstance(data, list):
            kinds = zip(data, ["coo", "csc", "csr"], strict=True)
            sparse = [_sparse(A, kind) for A, kind in kinds]
        else:
            sparse = _sparse(data, "csc")
        extra = {"sample_weight": like(target), "offset": like(target)}
        for options in ({}, extra):
            dense_model = exact(estimator, **params).fit(data, target, **options)
            model = exact(estimator, **params).fit(sparse, target, **options)
            require_same_fit(model, dense_model, f"sparse X gives another fit ({door})")
        message = f"sparse X gives other predictions ({door})"
        offset = {"offset": extra["offset"]}
        z, expected = (_flat(linear(dense_model, A, **offset)) for A in (sparse, data))
        require_close(z, expected, estimator, message, slack(estimator))
        scores = dense_model.score(sparse, target), dense_model.score(data, target)
        require_close(*scores, estimator, f"sparse X gives another score ({door})")
        largest = [
            fresh(estimator, **params).lambda_max(A, target) for A in (sparse, data)
        ]
        if np.isfinite(largest[1]):
            message = f"sparse X gives another lambda_max ({door})"
            require_close(*largest, estimator, message, slack(estimator))


def _thinned(X):
    """Return X with zeros, but for its first column."""
    keep = np.arange(X.size).reshape(X.shape) % 3 > 0
    keep[:, 0] = True
    return frozen(np.where(keep, X, 0.0))


def _sparse(X, kind):
    """Return a sparse matrix whose arrays nobody can write to."""
    S = sp.coo_array(X).asformat(kind)
    for name in ("data", "indices", "indptr", "row", "col"):
        if isinstance(getattr(S, name, None), np.ndarray):
            getattr(S, name).flags.writeable = False
    return S


def _flat(z):
    return np.concatenate([np.ravel(part) for part in z])


def check_text_labels(estimator):
    """Labels that are text are sorted; where the order counts, they need one."""
    X, y, _ = make_long(*tasks_for(estimator, (8, 20, 12)))
    expected = exact(estimator, task_column=0).fit(X, y)
    table = X.astype(object)
    table[:, 0] = np.array(["b", "c", "a"])[X[:, 0].astype(int)]
    order, params = ["a", "b", "c"], {}
    if depends_on_order(estimator):
        order = ["b", "c", "a"]
        params = {"task_order": order}
    model = exact(estimator, task_column=0, **params).fit(table, y)
    require(model.tasks_.tolist() == order, estimator, f"tasks_ is {model.tasks_}")
    require_close(
        parameters(model),
        parameters(expected)[["bca".index(label) for label in order]],
        estimator,
        "labels that are text change the fit",
        slack(estimator),
    )
    require_close(
        model.predict(table),
        expected.predict(X),
        estimator,
        "text labels",
        slack(estimator),
    )


DOOR_CHECKS = [
    check_lists_equal_long,
    check_shared_equals_lists,
    check_masked_equals_lists,
    check_one_task,
    check_predict_doors,
    check_unseen_task,
    check_predict_refusals,
    check_fit_refusals,
    check_inputs_unmodified,
    check_frames,
    check_sparse_equals_dense,
    check_text_labels,
]
