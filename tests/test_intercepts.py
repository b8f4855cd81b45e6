"""The four forms of the intercepts against designs in which they are columns.

`written_out` solves the mean-regularised model as one dense least-squares problem whose
intercepts are ordinary unknowns; nothing is centred.
"""

import tracemalloc

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone

from pymtl import (
    MultiTaskL21Classifier,
    MultiTaskL21Regressor,
    MultiTaskMeanRegressor,
    PooledRegressor,
    SingleTaskRegressor,
)
from pymtl._intercept import Rows, per_class

from .test_optimum import FORMS, MODELS, Problem, make_problem

LAMBDA0 = [0.0, 1e-3, 0.3, 20.0, 1e6]


def written_out(problem, lambda1, lambda2, form, lambda0=0.0):
    """Return W (n_tasks, n_features) and c of the mean-regularised model."""
    T, d = len(problem.Xs), problem.n_features
    spread = np.eye(T) - 1 / T
    basis = {True: np.eye(T), "shrink": np.eye(T), "shared": np.ones((T, 1))}
    basis = basis.get(form, np.zeros((T, 0)))
    rows, right = [], []
    for t, (X, y) in enumerate(zip(problem.Xs, problem.ys, strict=True)):
        s = problem.rows[t]
        root = np.sqrt(problem.task[t] * s / s.sum())
        block = np.kron(np.eye(T)[t], X)
        constant = np.tile(basis[t], (len(y), 1))
        rows.append(root[:, None] * np.hstack([block, constant]))
        right.append(root * (y - problem.known[t]))
    k = basis.shape[1]
    for strength, matrix in [(lambda1, spread), (lambda2, np.eye(T))]:
        block = np.kron(matrix, np.eye(d))
        rows.append(np.sqrt(2 * strength) * np.hstack([block, np.zeros((T * d, k))]))
    if form == "shrink":
        block = np.hstack([np.zeros((T, T * d)), spread @ basis])
        rows.append(np.sqrt(2 * lambda0) * block)
    A = np.vstack(rows)
    b = np.append(np.concatenate(right), np.zeros(len(A) - sum(map(len, right))))
    solution = np.linalg.lstsq(A, b, rcond=None)[0]
    return solution[: T * d].reshape(T, d), basis @ solution[T * d :]


@pytest.mark.parametrize("lambda0", [1e-3, 0.3, 20.0])
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("lambda2", [0.0, 0.1])
@pytest.mark.parametrize("plain", [True, False], ids=["plain", "weighted"])
def test_columns_of_a_dense_problem(plain, lambda2, form, lambda0):
    problem = make_problem((4, 9, 25, 40), plain=plain)
    model = problem.fit(
        MultiTaskMeanRegressor(0.4, lambda2), fit_intercept=form, lambda0=lambda0
    )
    W, c = written_out(problem, 0.4, lambda2, form, lambda0)
    assert_allclose(model.coef_, W, rtol=1e-8, atol=1e-10)
    assert_allclose(model.intercept_, c, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("lambda1", [1e-3, 0.3, 20.0])
@pytest.mark.parametrize("plain", [True, False], ids=["plain", "weighted"])
def test_shrunk_intercepts_are_a_penalised_constant_column(plain, lambda1):
    problem = make_problem((1, 4, 9, 25), plain=plain)
    model = problem.fit(
        MultiTaskMeanRegressor(lambda1), fit_intercept="shrink", lambda0=lambda1
    )
    Xs = [np.column_stack([X, np.ones(len(X))]) for X in problem.Xs]
    column = Problem(Xs, problem.ys, problem.weights, problem.offsets, problem.omega)
    other = column.fit(MultiTaskMeanRegressor(lambda1), fit_intercept=False)
    assert_allclose(model.coef_, other.coef_[:, :-1], rtol=1e-8, atol=1e-10)
    assert_allclose(model.intercept_, other.coef_[:, -1], rtol=1e-8, atol=1e-10)
    assert_allclose(model.objective_, other.objective_, rtol=1e-10)
    assert model.lambda0_ == lambda1


@pytest.mark.parametrize("lambda2", [0.0, 0.2])
@pytest.mark.parametrize("plain", [True, False], ids=["plain", "weighted"])
def test_shared_intercept_of_the_pooled_model_is_a_constant_column(plain, lambda2):
    problem = make_problem((4, 9, 25), plain=plain)
    model = problem.fit(PooledRegressor(lambda2))
    rows, right = [np.sqrt(2 * 3 * lambda2) * np.eye(6, 7)], [np.zeros(6)]
    for t, (X, y) in enumerate(zip(problem.Xs, problem.ys, strict=True)):
        s = problem.rows[t]
        root = np.sqrt(problem.task[t] * s / s.sum())
        rows.append(root[:, None] * np.column_stack([X, np.ones(len(y))]))
        right.append(root * (y - problem.known[t]))
    w = np.linalg.lstsq(np.vstack(rows), np.concatenate(right), rcond=None)[0]
    assert_allclose(model.coef_, np.tile(w[:6], (3, 1)), rtol=1e-9)
    assert_allclose(model.intercept_, np.full(3, w[6]), rtol=1e-9)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("plain", [True, False], ids=["plain", "weighted"])
def test_shrunk_intercepts_are_between_free_and_shared(plain, name):
    model = MODELS[name][0]
    problem = make_problem((4, 9, 25), plain=plain)
    options = {"tol": 1e-11, "max_iter": 100_000}
    free = problem.fit(model, fit_intercept=True, **options)
    shared = problem.fit(model, fit_intercept="shared", **options)
    fits = [
        problem.fit(model, fit_intercept="shrink", lambda0=lambda0, **options)
        for lambda0 in LAMBDA0
    ]
    for end, limit, error in [(fits[0], free, 1e-6), (fits[-1], shared, 2e-5)]:
        scale = np.abs(limit.coef_).max()
        assert_allclose(end.coef_, limit.coef_, atol=error * scale)
        assert_allclose(end.intercept_, limit.intercept_, atol=error * scale)
        assert_allclose(end.objective_, limit.objective_, rtol=error)
    assert np.ptp(shared.intercept_) == 0
    distance = [np.linalg.norm(fit.intercept_ - fit.intercept_.mean()) for fit in fits]
    assert (np.diff(distance) < 0).all()
    values = [free.objective_, *(fit.objective_ for fit in fits), shared.objective_]
    assert (np.diff(values) >= -1e-9 * shared.objective_).all()


@pytest.mark.parametrize("plain", [True, False], ids=["plain", "weighted"])
def test_automatic_strength_is_half_the_mean_task_weight(plain):
    problem = make_problem((4, 9, 25), plain=plain)
    model = problem.fit(MultiTaskMeanRegressor(), fit_intercept="shrink")
    assert_allclose(model.lambda0_, 0.5 * problem.task.mean(), rtol=1e-14)
    fixed = problem.fit(model, lambda0=float(model.lambda0_))
    assert_allclose(fixed.intercept_, model.intercept_, rtol=1e-12)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", MODELS)
def test_doors_agree_on_the_forms(name, form):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(30, 5)) + 2
    Y = X @ rng.normal(size=(5, 3)) + rng.normal(size=(30, 3)) + [0, 3, 9]
    model = clone(MODELS[name][0])
    model.set_params(fit_intercept=form, tol=1e-11, max_iter=100_000)
    shared = clone(model).fit(X, Y)
    lists = model.fit([X] * 3, list(Y.T))
    assert_allclose(shared.coef_, lists.coef_, atol=1e-6)
    assert_allclose(shared.intercept_, lists.intercept_, atol=1e-5)


@pytest.mark.parametrize("form", [True, "shared", "shrink"])
@pytest.mark.parametrize(
    "model",
    [
        MultiTaskL21Regressor(0.2, tol=1e-11, max_iter=100_000),
        MultiTaskMeanRegressor(0.4),
        SingleTaskRegressor(0.1),
        PooledRegressor(0.1),
    ],
    ids=lambda model: type(model).__name__,
)
def test_a_constant_of_all_targets_goes_into_the_intercepts(model, form):
    problem = make_problem((4, 9, 25))
    fit = problem.fit(model, fit_intercept=form)
    moved = Problem(
        problem.Xs,
        [y + 1e3 for y in problem.ys],
        problem.weights,
        problem.offsets,
        problem.omega,
    ).fit(model, fit_intercept=form)
    assert_allclose(moved.coef_, fit.coef_, atol=1e-6)
    assert_allclose(moved.intercept_, fit.intercept_ + 1e3, atol=1e-6)


@pytest.mark.parametrize(
    "model",
    [
        MultiTaskL21Regressor(0.2, tol=1e-11, max_iter=100_000),
        MultiTaskMeanRegressor(0.4),
    ],
    ids=lambda model: type(model).__name__,
)
def test_free_intercepts_make_the_origin_of_the_features_irrelevant(model):
    problem = make_problem((9, 9, 25), plain=True)
    fit = problem.fit(model)
    for shift in (1e3, 1e6):
        Xs = [X + shift * (t + 1) for t, X in enumerate(problem.Xs)]
        moved = Problem(Xs, problem.ys).fit(model)
        assert moved.converged_
        assert_allclose(moved.coef_, fit.coef_, atol=1e-9 * shift)


def test_no_intercept():
    problem = make_problem()
    for model, _ in MODELS.values():
        assert_array_equal(problem.fit(model, fit_intercept=False).intercept_, 0)


def test_one_task_has_the_same_intercept_in_every_form():
    problem = make_problem((25,))
    fits = [
        problem.fit(MultiTaskMeanRegressor(1.0, 0.1), fit_intercept=form)
        for form in (True, "shared", "shrink")
    ]
    for fit in fits[1:]:
        assert_allclose(fit.intercept_, fits[0].intercept_, rtol=1e-12)
        assert_allclose(fit.coef_, fits[0].coef_, rtol=1e-12)


def test_constant_columns_of_large_tasks_are_centred_to_zero():
    rng = np.random.default_rng(0)
    constant = rng.uniform(10, 20, size=4)
    Xs = [
        np.column_stack([rng.normal(size=(n, 2)), np.tile(constant * t, (n, 1))])
        for t, n in enumerate((200, 300, 1000), start=1)
    ]
    ys = [X[:, 0] + 0.1 * rng.normal(size=len(X)) for X in Xs]
    model = MultiTaskMeanRegressor(1.0).fit(Xs, ys)
    assert not model.coef_[:, 2:].any()
    assert model.n_iter_ <= 2


def test_lists_are_held_once_and_left_alone():
    rng = np.random.default_rng(0)
    Xs = [rng.standard_normal((3000, 50)) + 3 for _ in range(4)]
    Xs = [*Xs[:2], *map(np.asfortranarray, Xs[2:])]
    ys = [X[:, 0] + rng.standard_normal(3000) for X in Xs]
    before = [X.copy() for X in Xs]
    model = MultiTaskL21Regressor(0.3).fit(Xs, ys)
    tracemalloc.start()
    model.fit(Xs, ys)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1.5 * sum(X.nbytes for X in Xs)
    for X, copy in zip(Xs, before, strict=True):
        assert_array_equal(X, copy)
    one = [np.asfortranarray(X) for X in Xs]
    other = MultiTaskL21Regressor(0.3).fit(one, ys)
    assert_allclose(other.coef_, model.coef_, rtol=1e-9)


@pytest.mark.parametrize("weight", ["null", "n_samples", "learned", None])
def test_residuals_of_every_task_have_mean_zero(weight):
    """The rows may be centred in place once, and not by what only weighs the tasks."""
    rng = np.random.default_rng(17)
    Xs = [rng.normal(size=(30, 4)) + 5 for _ in range(3)]
    ys = [X[:, 0] + 3 * t + rng.normal(size=30) for t, X in enumerate(Xs)]
    model = MultiTaskL21Regressor(0.01, task_weight=weight).fit(Xs, ys)
    for y, z in zip(ys, model.predict(Xs), strict=True):
        assert_allclose(np.mean(y - z), 0.0, atol=1e-8)


@pytest.mark.parametrize("fit_intercept", [True, False])
def test_large_lists_are_not_stacked(fit_intercept):
    """Tasks of any layout are read where they are, and copied once to be centred."""
    rng = np.random.default_rng(3)
    Xs = [rng.standard_normal((n, 60)) for n in (4000, 5000, 6000)]
    Xs[1] = np.asfortranarray(Xs[1])
    Xs[2] = rng.standard_normal((12000, 120))[::2, ::2]
    ys = [X[:, 0] + rng.standard_normal(len(X)) for X in Xs]
    model = MultiTaskL21Regressor(0.3, fit_intercept=fit_intercept).fit(Xs, ys)
    tracemalloc.start()
    model.fit(Xs, ys)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < (0.4 + fit_intercept) * sum(X.nbytes for X in Xs)
    weights = [np.ones(len(y)) for y in ys]
    weights[0][:10] = 0.0
    table = np.concatenate(
        [np.column_stack([[t] * len(X), X]) for t, X in enumerate(Xs)]
    )
    long = MultiTaskL21Regressor(0.3, fit_intercept=fit_intercept, task_column=0)
    long.fit(table, np.concatenate(ys), sample_weight=np.concatenate(weights))
    model.fit(Xs, ys, sample_weight=weights)
    assert_allclose(model.coef_, long.coef_, atol=1e-9)
    Xs[1][7, 3] = np.nan
    with pytest.raises(ValueError, match="task 1, feature 3"):
        model.fit(Xs, ys)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("loss", ["squared", "huber", "multinomial"])
def test_loss_of_any_intercepts(loss, form, monkeypatch):
    """What rounding costs is told by the loss at coefficients of another precision."""
    seen = []
    monkeypatch.setattr(Rows, "rounding", lambda rows, W: seen.extend([rows, W]) or 0.0)
    rng = np.random.default_rng(0)
    Xs = [rng.normal(size=(n, 3)).astype(np.float32) + 2 for n in (9, 12, 15)]
    ys = [(X @ [1, -2, 0.5] + 3 * t).astype(np.float32) for t, X in enumerate(Xs)]
    options = {"fit_intercept": form, "tol": 1e-5}
    if loss == "multinomial":
        ys = [np.argsort(np.argsort(y)) * 3 // len(y) for y in ys]
        model = MultiTaskL21Classifier(0.05, **options).fit(Xs, ys)
    else:
        model = MultiTaskL21Regressor(0.05, loss=loss, **options).fit(Xs, ys)
    rows, W = seen
    best = rows.intercepts(W)
    assert_allclose(best, np.array(model.intercept_), atol=0.02)
    c = best + 0.1 * rng.normal(size=best.shape) * (form is not False)
    coef = W.T if loss != "multinomial" else per_class(W, 3, 3, rows.by_task)
    total = 0.0
    for X, y, w, b in zip(Xs, ys, coef, c, strict=True):
        z = X.astype(float) @ w.T + b
        if loss == "multinomial":
            each = np.log(np.exp(z).sum(axis=1)) - z[np.arange(len(y)), y]
        else:
            r = np.abs(y - z)
            each = np.where(r <= 1.35, r**2 / 2, 1.35 * (r - 0.675))
            each = r**2 / 2 if loss == "squared" else each
        total += each.mean()
    if form == "shrink":
        total += model.lambda0_ * np.sum((c - c.mean(axis=0)) ** 2)
    assert_allclose(rows.loss_at(W, c), total, rtol=1e-5)
