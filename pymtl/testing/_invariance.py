"""Checks of what must not change an estimator's answer, or must change it along."""

from __future__ import annotations

import numpy as np
from sklearn.base import is_classifier

from ._common import frozen, require, require_close
from ._data import (
    depends_on_order,
    exact,
    fresh,
    is_equivariant,
    linear,
    loss_of,
    make_long,
    only_convergence_warnings,
    parameters,
    require_same_fit,
    shared_for,
    slack,
    tasks_for,
    used_strengths,
)

ORDER = [3, 0, 5, 1, 4, 2]


def check_task_permutation(estimator):
    """Tasks in another order give the same coefficients, unless the order counts."""
    if depends_on_order(estimator):
        return
    Xs, ys = tasks_for(estimator)
    expected = parameters(exact(estimator).fit(Xs, ys))
    message = "permuting the tasks does not permute the answer"
    other = exact(estimator).fit([Xs[t] for t in ORDER], [ys[t] for t in ORDER])
    require_close(
        parameters(other), expected[ORDER], estimator, message, slack(estimator)
    )
    X, y, _ = make_long(Xs, ys)
    renamed = X.copy()
    renamed[:, 0] = np.argsort(ORDER)[X[:, 0].astype(int)]
    other = exact(estimator, task_column=0).fit(renamed, y)
    require_close(
        parameters(other), expected[ORDER], estimator, message, slack(estimator)
    )


def check_task_order(estimator):
    """`task_order` puts the tasks in that order, through all doors."""
    Xs, ys = tasks_for(estimator)
    expected = exact(estimator).fit([Xs[t] for t in ORDER], [ys[t] for t in ORDER])
    X, y, _ = make_long(Xs, ys)
    long = exact(estimator, task_column=0, task_order=ORDER).fit(X, y)
    lists = exact(estimator, task_order=ORDER).fit(Xs, ys)
    for model in (long, lists):
        require(model.tasks_.tolist() == ORDER, estimator, f"tasks_ is {model.tasks_}")
        require_same_fit(model, expected, "task_order is not the order of the fit")
    require_close(
        np.concatenate(lists.predict(Xs)),
        long.predict(
            np.column_stack([np.repeat(range(6), list(map(len, ys))), np.vstack(Xs)])
        ),
        estimator,
        "predictions of lists are not in the order of the lists",
        slack(estimator),
    )
    X, Y = shared_for(estimator)
    shared = exact(estimator, task_order=[2, 0, 3, 1]).fit(X, Y)
    columns = exact(estimator).fit(X, Y[:, [2, 0, 3, 1]])
    require_same_fit(shared, columns, "task_order is not that of a shared design")


def check_row_permutation(estimator):
    """The order of the rows within a task does not matter."""
    Xs, ys = tasks_for(estimator)
    model = exact(estimator).fit(Xs, ys)
    rng = np.random.default_rng(0)
    orders = [rng.permutation(len(y)) for y in ys]
    other = exact(estimator).fit(
        [X[rows] for X, rows in zip(Xs, orders, strict=True)],
        [y[rows] for y, rows in zip(ys, orders, strict=True)],
    )
    require_same_fit(other, model, "permuting the rows changes the fit")


def check_feature_permutation(estimator):
    """Features in another order give the same coefficients in that order."""
    Xs, ys = tasks_for(estimator)
    model = exact(estimator).fit(Xs, ys)
    order = [2, 0, 4, 1, 3]
    other = exact(estimator).fit([X[:, order] for X in Xs], ys)
    require_close(
        parameters(other),
        parameters(model)[:, [*order, 5]],
        estimator,
        "permuting the features does not permute the answer",
        slack(estimator),
    )


def check_sample_weight(estimator):
    """An integer weight is a repetition, a weight of zero an absence: all doors."""
    rng = np.random.default_rng(0)
    message = "an integer sample_weight is not a repetition"
    Xs, ys = tasks_for(estimator, (3, 12, 40))
    times = [rng.integers(0, 4, len(y)) for y in ys]
    for k in times:
        k[:2] = 3, 1
    many = [np.repeat(X, k, axis=0) for X, k in zip(Xs, times, strict=True)]
    ym = [np.repeat(y, k) for y, k in zip(ys, times, strict=True)]
    repeated = exact(estimator).fit(many, ym)
    weights = [frozen(k, float) for k in times]
    same = used_strengths(repeated)
    weighted = exact(estimator, **same).fit(Xs, ys, sample_weight=weights)
    require_same_fit(weighted, repeated, f"{message} (lists)")
    require_close(
        weighted.score(Xs, ys, sample_weight=weights),
        weighted.score(many, ym),
        estimator,
        f"{message} in the score of lists",
    )
    halved = [0.5 * w for w in weights]
    scaled = exact(estimator).fit(Xs, ys, sample_weight=weights)
    weighted = exact(estimator).fit(Xs, ys, sample_weight=halved)
    require_same_fit(weighted, scaled, "the scale of the weights of a task counts")
    X, y, order = make_long(Xs, ys)
    weight = frozen(np.concatenate(weights)[order])
    weighted = exact(estimator, task_column=0, **same).fit(X, y, sample_weight=weight)
    require_same_fit(weighted, repeated, f"{message} (long table)")
    times = np.concatenate(times)[order]
    require_close(
        weighted.score(X, y, sample_weight=weight),
        weighted.score(np.repeat(X, times, axis=0), np.repeat(y, times)),
        estimator,
        f"{message} in the score of a long table",
    )
    X, Y = shared_for(estimator)
    k = rng.integers(0, 4, Y.shape)
    k[:2] = 1
    lists = exact(estimator).fit(
        [np.repeat(X, k[:, t], axis=0) for t in range(Y.shape[1])],
        [np.repeat(Y[:, t], k[:, t]) for t in range(Y.shape[1])],
    )
    same = used_strengths(lists)
    weighted = exact(estimator, **same).fit(X, Y, sample_weight=frozen(k, float))
    require_same_fit(weighted, lists, f"{message} (shared design, a weight a label)")
    k = k[:, 0]
    repeated = exact(estimator).fit(np.repeat(X, k, axis=0), np.repeat(Y, k, axis=0))
    same = used_strengths(repeated)
    weighted = exact(estimator, **same).fit(X, Y, sample_weight=frozen(k, float))
    require_same_fit(weighted, repeated, f"{message} (shared design)")
    require_close(
        weighted.score(X, Y, sample_weight=frozen(k, float)),
        weighted.score(np.repeat(X, k, axis=0), np.repeat(Y, k, axis=0)),
        estimator,
        f"{message} in the score of a shared design",
    )


def check_duplicated_rows(estimator):
    """All rows twice is the same problem, as the loss is a mean within each task."""
    Xs, ys = tasks_for(estimator)
    model = exact(estimator).fit(Xs, ys)
    twice = exact(estimator, **used_strengths(model)).fit(
        [np.repeat(X, 2, axis=0) for X in Xs], [np.repeat(y, 2) for y in ys]
    )
    require_same_fit(twice, model, "all rows twice gives another fit")


def check_task_weight(estimator):
    """Task weights come as an array, a dict or a name, and count as weights."""
    Xs, ys = tasks_for(estimator, (3, 12, 40, 20))
    sizes = [3.0, 12.0, 40.0, 20.0]
    model = exact(estimator, task_weight="n_samples").fit(Xs, ys)
    for weight in (sizes, dict(enumerate(sizes))):
        other = exact(estimator, task_weight=weight).fit(Xs, ys)
        require_same_fit(other, model, f"task_weight={weight} is not 'n_samples'")
    equal = exact(estimator, task_weight=np.ones(4)).fit(Xs, ys)
    require_same_fit(equal, exact(estimator).fit(Xs, ys), "task_weight=None is not 1")
    null = exact(estimator, task_weight="null").fit(Xs[1:], ys[1:])
    scaled = exact(estimator, task_weight="null").fit(Xs[1:], [10 * y for y in ys[1:]])
    if is_equivariant(estimator):
        require_close(
            parameters(scaled),
            10 * parameters(null),
            estimator,
            "task_weight='null' depends on the units of y",
            1e-6,
        )


def check_offset(estimator):
    """An offset is taken off the targets, and added to the predictions."""
    if is_classifier(estimator):
        return check_offset_of_labels(estimator)
    Xs, ys = tasks_for(estimator, (3, 12, 40))
    rng = np.random.default_rng(0)
    offsets = [frozen(rng.standard_normal(len(y))) for y in ys]
    rest = [y - o for y, o in zip(ys, offsets, strict=True)]
    expected = exact(estimator).fit(Xs, rest)
    model = exact(estimator).fit(Xs, ys, offset=offsets)
    require_same_fit(model, expected, "offset is not taken off the targets (lists)")
    z = model.predict(Xs, offset=offsets)
    plain = model.predict(Xs)
    for a, b, o in zip(z, plain, offsets, strict=True):
        require_close(a, b + o, estimator, "offset is not added to the predictions")
    X, y, order = make_long(Xs, ys)
    offset = frozen(np.concatenate(offsets)[order])
    model = exact(estimator, task_column=0).fit(X, y, offset=offset)
    require_same_fit(model, expected, "offset is not taken off (long table)")
    added = "offset is not added to the predictions"
    z = model.predict(X, offset=offset)
    require_close(z, model.predict(X) + offset, estimator, f"{added} (long table)")
    X, Y = shared_for(estimator)
    offset = frozen(rng.standard_normal(Y.shape))
    model = exact(estimator).fit(X, Y, offset=offset)
    require_same_fit(
        model,
        exact(estimator).fit(X, Y - offset),
        "offset is not taken off (shared design)",
    )
    for part in (offset, offset[:, 0], offset[:, :1]):
        expected = (model.predict(X).T + part.T).T
        z = model.predict(X, offset=part)
        require_close(z, expected, estimator, f"{added} (shared design)")


def check_offset_of_labels(estimator):
    """An offset is part of the linear prediction; intercepts take up constants."""
    Xs, ys = tasks_for(estimator, (3, 12, 40))
    rng = np.random.default_rng(0)
    constant = [np.full(len(y), 0.5 + t) for t, y in enumerate(ys)]
    plain = exact(estimator, fit_intercept=True).fit(Xs, ys)
    model = exact(estimator, fit_intercept=True).fit(Xs, ys, offset=constant)
    expected = parameters(plain)
    expected[:, -1] -= 0.5 + np.arange(3)
    require_close(
        parameters(model), expected, estimator, "a constant offset moves the fit", 1e-6
    )
    offsets = [rng.standard_normal(len(y)) for y in ys]
    model = exact(estimator).fit(Xs, ys, offset=offsets)
    z, without = linear(model, Xs, offset=offsets), linear(model, Xs)
    for a, b, o in zip(z, without, offsets, strict=True):
        require_close(a, b + o, estimator, "offset is not added to the predictions")
    X, y, order = make_long(Xs, ys)
    offset = frozen(np.concatenate(offsets)[order])
    long = exact(estimator, task_column=0).fit(X, y, offset=offset)
    require_same_fit(long, model, "offset of a long table is not that of lists", 1e-6)


def check_intercept_forms(estimator):
    """Free intercepts are optimal, shared ones equal, shrunk ones between the two."""
    Xs, ys = tasks_for(estimator, (3, 12, 40))

    def fit(form, **params):
        return exact(estimator, fit_intercept=form, **params).fit(Xs, ys)

    free, none = fit(True), fit(False)
    require((none.intercept_ == 0).all(), estimator, "fit_intercept=False has some")
    if not loss_of(estimator).quadratic:
        return
    for X, y, w, c in zip(Xs, ys, free.coef_, free.intercept_, strict=True):
        require_close(
            np.mean(X @ w) + c, np.mean(y), estimator, "free intercepts are not optimal"
        )
    shared = fit("shared")
    require(
        np.ptp(shared.intercept_) == 0, estimator, "shared intercepts are not equal"
    )
    message = "is not the limit of shrunk intercepts"
    loose, tight = fit("shrink", lambda0=0.0), fit("shrink", lambda0=1e8)
    require_same_fit(loose, free, f"a free intercept {message}", 1e-6)
    require_same_fit(tight, shared, f"a shared intercept {message}", 1e-5)


def check_translation(estimator):
    """Free intercepts take up constants that are added to X and y."""
    Xs, ys = tasks_for(estimator)
    model = exact(estimator, fit_intercept=True).fit(Xs, ys)
    rng = np.random.default_rng(0)
    shifts = 30 * rng.standard_normal((6, 5))
    lift = np.zeros(6) if is_classifier(estimator) else 30 * np.arange(6)
    moved = exact(estimator, fit_intercept=True).fit(
        [X + shift for X, shift in zip(Xs, shifts, strict=True)],
        [y + a for y, a in zip(ys, lift, strict=True)],
    )
    expected = model.intercept_ - np.sum(shifts * model.coef_, axis=1)
    expected = np.column_stack([model.coef_, expected + lift])
    require_close(
        parameters(moved),
        expected,
        estimator,
        "constants change coefficients",
        slack(estimator),
    )


def check_scale_equivariance(estimator):
    """With automatic strengths the units of X and y do not matter."""
    if not is_equivariant(estimator):
        return
    Xs, ys = tasks_for(estimator)
    model = exact(estimator).fit(Xs, ys)
    for a, b in [(1e-6, 1.0), (1e5, 1.0), (1.0, 1e4), (1e3, 1e-5)]:
        other = exact(estimator).fit([b * X for X in Xs], [a * y for y in ys])
        for name, unit in [("coef_", a / b), ("intercept_", a)]:
            require_close(
                getattr(other, name) / unit,
                getattr(model, name),
                estimator,
                f"{name} does not follow the units of X ({b}) and y ({a})",
                1e-6,
            )


def check_degenerate_data(estimator):
    """Data without much in them are fitted and certified all the same."""
    Xs, ys = tasks_for(estimator, (8, 20, 12))
    flat = [np.where(np.arange(5) == 1, 3.0, X) for X in Xs]
    twin = [np.column_stack([X, X[:, 0], X[:, 0]]) for X in Xs]
    cases = {
        "one row a task": tasks_for(estimator, (1, 1, 1)),
        "one row in all": tasks_for(estimator, (1,)),
        "fewer rows than features": tasks_for(estimator, (3, 4, 2), n_features=12),
        "one feature": tasks_for(estimator, (8, 20, 12), n_features=1),
        "a constant column": (flat, ys),
        "equal columns": (twin, ys),
        "a zero design": ([0.0 * X for X in Xs], ys),
    }
    constant = {
        "a task with constant y": (Xs, [np.ones(8), *ys[1:]]),
        "constant y": (Xs, [np.full(len(y), 0.1) for y in ys]),
        "zero y": (Xs, [0.0 * y for y in ys]),
    }
    if not is_classifier(estimator):
        cases |= constant
    for case, (A, b) in cases.items():
        with only_convergence_warnings():
            model = fresh(estimator, max_iter=100_000).fit(A, b)
        require(np.isfinite(parameters(model)).all(), estimator, f"{case}: not finite")
        require(
            model.converged_ and model.certificate_ <= model.tol,
            estimator,
            f"{case}: certificate {model.certificate_:.1e} is not reached",
        )
    model = exact(estimator, fit_intercept=True).fit(flat, ys)
    require(
        np.abs(model.coef_[:, 1]).max() <= slack(estimator),
        estimator,
        "a constant column has a coefficient beside free intercepts",
    )
    if is_classifier(estimator):
        return
    model = fresh(estimator).fit(*cases["zero y"])
    require(not parameters(model).any(), estimator, "zero targets, but not zero")
    model = fresh(estimator, fit_intercept=True).fit(*cases["constant y"])
    require(not model.coef_.any(), estimator, "constant targets have coefficients")


INVARIANCE_CHECKS = [
    check_task_permutation,
    check_task_order,
    check_row_permutation,
    check_feature_permutation,
    check_sample_weight,
    check_duplicated_rows,
    check_task_weight,
    check_offset,
    check_intercept_forms,
    check_translation,
    check_scale_equivariance,
    check_degenerate_data,
]
