"""Sparse X: the same answers as dense X, in memory that follows the number of entries.

`pymtl.testing.check_sparse_equals_dense` runs the doors over all estimators.
"""

import tracemalloc

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.linear_model import MultiTaskLasso, Ridge
from sklearn.model_selection import GridSearchCV

import pymtl
from pymtl import (
    MultiTaskGraphRegressor,
    MultiTaskL21Regressor,
    MultiTaskMeanRegressor,
    MultiTaskRegressor,
    MultiTaskSearchCV,
    PooledRegressor,
    SingleTaskRegressor,
    TaskKFold,
    stack_tasks,
)
from pymtl._sparse import (
    SparseRows,
    by_task,
    centre_full,
    column_squares,
    columns,
    condensed,
    gram,
    less_fit,
    less_outer,
    stack_rows,
    weighted,
)
from pymtl.designs import Shared, Shifted, Stacked, StackedSparse
from pymtl.losses import Squared
from pymtl.penalties import Chain, Mean
from pymtl.penalties import Ridge as RidgePenalty
from pymtl.solvers import _precondition
from pymtl.solvers._problem import Problem, largest_eigenvalue
from pymtl.solvers.direct import newton_decrement

from .sweeps import thinned

EXACT = {"tol": 1e-12, "max_iter": 20_000}


def make_sparse(sizes=(30, 25, 40), n_features=12, density=0.3, seed=0):
    rng = np.random.default_rng(seed)
    w = rng.standard_normal(n_features)
    Xs, ys = [], []
    for t, n in enumerate(sizes):
        X = rng.standard_normal((n, n_features)) + rng.standard_normal(n_features)
        X *= rng.uniform(size=X.shape) < density
        noise = 0.3 * rng.standard_normal(n)
        Xs.append(X)
        ys.append(X @ (w + 0.3 * rng.standard_normal(n_features)) + t + noise)
    return Xs, ys


def random_rows(n, d, density, rng):
    seed = int(rng.integers(2**31))
    return sp.csr_array(sp.random(n, d, density, format="csr", random_state=seed))


def parameters(model):
    return np.column_stack([model.coef_, model.intercept_])


def require_same(sparse, dense, rtol=1e-8):
    expected = parameters(dense)
    assert_allclose(parameters(sparse), expected, atol=rtol * np.abs(expected).max())


@pytest.fixture
def without_factors(monkeypatch):
    """Solve every sparse quadratic problem by conjugate gradients."""
    monkeypatch.setattr(_precondition, "SPARSE_BYTES", -1)


# Against solvers of others


def test_single_tasks_are_ridges(without_factors):
    Xs, ys = make_sparse()
    model = SingleTaskRegressor(0.1, tol=1e-15).fit(list(map(sp.csr_array, Xs)), ys)
    for X, y, w, c in zip(Xs, ys, model.coef_, model.intercept_, strict=True):
        ridge = Ridge(2 * len(y) * 0.1).fit(X, y)
        assert_allclose(w, ridge.coef_, rtol=1e-7)
        assert c == pytest.approx(ridge.intercept_, rel=1e-7)
    assert model.solver_ == "direct"
    assert model.certificate_ <= 1e-12


def test_shared_design_is_multi_task_lasso():
    X, Y = make_sparse()[0][0], np.random.default_rng(1).standard_normal((30, 3))
    lasso = MultiTaskLasso(0.05, tol=1e-12, max_iter=10**5).fit(X, Y)
    model = MultiTaskL21Regressor(0.05, **EXACT).fit(sp.csc_matrix(X), Y)
    assert_allclose(model.coef_, lasso.coef_, atol=1e-7)
    assert_allclose(model.intercept_, lasso.intercept_, atol=1e-7)
    assert_allclose(model.predict(sp.dok_array(X)), lasso.predict(X), atol=1e-7)


# Conjugate gradients in place of factors


@pytest.mark.parametrize("form", [True, False, "shared", "shrink"])
@pytest.mark.parametrize(
    "model",
    [
        SingleTaskRegressor(),
        SingleTaskRegressor(0.0),
        PooledRegressor(),
        PooledRegressor(0.0),
        MultiTaskMeanRegressor(),
        MultiTaskMeanRegressor(1e4),
        MultiTaskMeanRegressor(0.1, 0.1),
        MultiTaskGraphRegressor(graph="order"),
        MultiTaskRegressor(Mean(0.3) + Chain(0.1) + RidgePenalty(0.01)),
    ],
    ids=str,
)
def test_conjugate_gradients(model, form, without_factors):
    Xs, ys = make_sparse()
    Xs = [X * 10.0 ** np.linspace(-2, 2, X.shape[1]) for X in Xs]
    model = clone(model).set_params(fit_intercept=form, **EXACT)
    dense = clone(model).fit(Xs, ys)
    sparse = clone(model).fit([sp.csr_array(X) for X in Xs], ys)
    assert sparse.certificate_ <= 1e-12
    assert sparse.certificate_kind_ == dense.certificate_kind_
    assert_allclose(sparse.objective_, dense.objective_, rtol=1e-10)
    z, expected = np.concatenate(sparse.predict(Xs)), np.concatenate(dense.predict(Xs))
    assert_allclose(z, expected, atol=2e-6 * np.abs(expected).max())


def test_newton_decrement_without_factors(without_factors):
    Xs, ys = make_sparse()
    X, y, bounds = np.vstack(Xs), np.concatenate(ys), np.array([0, 30, 55, 95])
    designs = Stacked(X, bounds), StackedSparse.of_rows(sp.csr_array(X), bounds)
    problems = [Problem(design, Squared(), y, np.ones(95)) for design in designs]
    W = np.ones(designs[0].shape)
    expected, found = (newton_decrement(problem, W) for problem in problems)
    assert found == pytest.approx(expected, rel=1e-4)


# Feature weights


@pytest.mark.parametrize("form", [True, "shared"])
@pytest.mark.parametrize("first", [0.0, 2.0])
@pytest.mark.parametrize(
    "model",
    [
        MultiTaskL21Regressor(),
        MultiTaskMeanRegressor(0.3, 0.1),
        MultiTaskRegressor("dirty"),
    ],
    ids=str,
)
def test_feature_weights(model, first, form):
    Xs, ys = make_sparse()
    weight = np.r_[first, first, np.linspace(0.5, 2, Xs[0].shape[1] - 2)]
    options = {"feature_weight": weight, "fit_intercept": form, **EXACT}
    model = clone(model).set_params(**options)
    dense = clone(model).fit(Xs, ys)
    sparse = clone(model).fit([sp.csc_array(X) for X in Xs], ys)
    require_same(sparse, dense)
    X, Y = Xs[0], np.column_stack([ys[0], -ys[0], ys[0] ** 2])
    Y[::4, 1] = np.nan
    require_same(clone(model).fit(sp.csr_array(X), Y), clone(model).fit(X, Y))


# Precision


def test_float32():
    Xs, ys = make_sparse()
    single = [sp.csr_array(X, dtype=np.float32) for X in Xs]
    model = MultiTaskL21Regressor(0.05, tol=1e-6)
    coarse = clone(model).fit(single, [y.astype(np.float32) for y in ys])
    assert coarse.coef_.dtype == np.float32
    assert coarse.converged_
    require_same(coarse, clone(model).set_params(tol=1e-10).fit(Xs, ys), 1e-4)


@pytest.mark.parametrize("value", [0.1, 1e8])
def test_constant_columns(value):
    """A column without zeros is centred itself, to exact zeros if it is constant."""
    rng = np.random.default_rng(0)
    sizes = [4059, 300]
    Xs = [rng.standard_normal((n, 3)) + 1e6 * np.eye(3)[2] for n in sizes]
    for X in Xs:
        X[:, 0] = value
    ys = [X[:, 1] + 2 * X[:, 2] + rng.standard_normal(len(X)) for X in Xs]
    weights = [rng.uniform(size=n) for n in sizes]
    sparse = MultiTaskMeanRegressor().fit([sp.csr_array(X) for X in Xs], ys, weights)
    dense = MultiTaskMeanRegressor().fit(Xs, ys, weights)
    assert np.abs(sparse.coef_[:, 0]).max() <= 1e-16
    assert_allclose(sparse.coef_, dense.coef_, atol=1e-8)


# The parts


def test_products_by_task():
    rng = np.random.default_rng(0)
    X = random_rows(20, 6, 0.4, rng)
    task = rng.integers(0, 3, 20)
    W = rng.standard_normal((6, 3))
    A = by_task(X, task, 3)
    expected = np.einsum("ij,ji->i", X.toarray(), W[:, task])
    assert_allclose(A @ W.ravel(), expected, atol=1e-14)
    wide = by_task(
        sp.csr_array(([1.0], [2**30], [0, 1]), (1, 2**30 + 1)), np.array([3]), 4
    )
    assert wide.indices.dtype == np.int64
    assert wide.indices.tolist() == [2**32 + 3]


def test_full_columns_are_centred():
    rng = np.random.default_rng(0)
    dense = rng.standard_normal((5, 3)) * [1, 1, 0] + [0, 0, 7]
    dense[2, 1] = 0
    A = sp.csr_array(dense)
    means = dense.mean(axis=0, keepdims=True)
    B, shift = centre_full(A, np.array([5]), means, 2e-16)
    assert_array_equal(A.toarray(), dense)
    assert_allclose(B.toarray() - shift, dense - means, atol=1e-15)
    assert shift[0].nonzero()[0].tolist() == [1]
    assert not B.toarray()[:, 2].any()


def test_designs_of_some_features():
    Xs, _ = make_sparse()
    X, bounds = np.vstack(Xs), np.array([0, 30, 55, 95])
    A, rng = sp.csr_array(X), np.random.default_rng(0)
    shift, few = rng.standard_normal((3, X.shape[1])), np.array([5, 0, 7])
    W, weight = rng.standard_normal((3, 3)), rng.uniform(size=95)
    full = np.zeros((X.shape[1], 3))
    full[few] = W
    for sparse, dense, repeats in [
        (StackedSparse.of_rows(A, bounds), Stacked(X, bounds), 1),
        (Shared(A, 3), Shared(X, 3), 3),
    ]:
        rho = np.tile(weight, repeats)
        for design, same in [
            (sparse, dense),
            (Shifted(sparse, shift), Shifted(dense, shift)),
        ]:
            some = design.take(few)
            assert some.shape == (3, 3)
            z = same.forward(full)
            assert_allclose(some.forward(W), z, atol=1e-12)
            G = same.adjoint(rho * z)[few]
            assert_allclose(some.adjoint(rho * z), G, atol=1e-12)
            assert_allclose(some.gram(rho)(W), G, atol=1e-11)
            assert_allclose(same.take(few).gram(rho)(W), G, atol=1e-11)


def make_rows(n, d, seed=0):
    """Return weighted sparse rows less two products, and the same dense."""
    rng = np.random.default_rng(seed)
    X = random_rows(n, d, 0.3, rng)
    weight = rng.uniform(size=n)
    weight[3] = 0.0
    B, D = weighted(X, weight), weighted(X.toarray(), weight)
    for _ in range(2):
        u, v = rng.standard_normal(n - 1), rng.standard_normal(d)
        B, D = less_outer(B, u, v), less_outer(D, u, v)
    return B, D, rng


@pytest.mark.parametrize(("n", "d"), [(9, 14), (60, 7)])
def test_sparse_rows(n, d):
    B, D, rng = make_rows(n, d)
    assert isinstance(B, SparseRows)
    assert B.shape == D.shape
    v, u = rng.standard_normal(d), rng.standard_normal(n - 1)
    close = {"atol": 1e-12 * np.abs(D).max() ** 2 * n}
    assert_allclose(B.toarray(), D, **close)
    assert_allclose(B @ v, D @ v, **close)
    assert_allclose(B.T @ u, D.T @ u, **close)
    assert_allclose(gram(B), gram(D), **close)
    assert_allclose(gram(B.T), gram(D.T), **close)
    assert_allclose(column_squares(B), column_squares(D), **close)
    R = condensed(B)
    assert_allclose(R.T @ R, D.T @ D, **close)
    assert_allclose((B * v).toarray(), D * v, **close)
    assert_allclose((np.float64(3) * B).toarray(), 3 * D, **close)
    assert_allclose((B / np.abs(v)).toarray(), D / np.abs(v), **close)
    some = np.array([5, 0, 2])
    assert_allclose(columns(B, some).toarray(), D[:, some], **close)
    free, kept = np.array([1, 4]), np.array([0, 2, 3])
    assert_allclose(less_fit(B, free, kept).toarray(), less_fit(D, free, kept), **close)
    stacked = stack_rows([2.0 * B, v, B])
    assert_allclose(stacked.toarray(), stack_rows([2.0 * D, v, D]), **close)
    assert largest_eigenvalue(B) == pytest.approx(largest_eigenvalue(D))


def test_condensed_in_parts(monkeypatch):
    monkeypatch.setattr(pymtl._sparse, "CHUNK", 1)
    B, D, _ = make_rows(60, 7)
    R = condensed(B)
    assert R.shape == (7, 7)
    assert_allclose(R.T @ R, D.T @ D, atol=1e-10)


# Memory


def peak(function, *args):
    tracemalloc.start()
    try:
        function(*args)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@thinned(
    2,
    model=[
        MultiTaskL21Regressor(),
        MultiTaskMeanRegressor("auto", "auto"),
        SingleTaskRegressor(),
        PooledRegressor(),
    ],
    form=[True, "shared"],
    ids=str,
)
def test_memory_follows_the_entries(model, form):
    """Text: more features than a matrix of them, or of the rows, could have."""
    rng = np.random.default_rng(0)
    n, d, T = 200, 10_000, 3
    Xs = [random_rows(n, d, 2e-3, rng) for _ in range(T)]
    ys = [X.sum(axis=1) + rng.standard_normal(n) for X in Xs]
    entries = sum(X.nnz for X in Xs)
    budget = 10 * 12 * entries + 30 * 8 * d * T
    assert budget < 0.25 * 8 * n * d * T
    model = clone(model).set_params(fit_intercept=form, tol=1e-2)
    assert peak(model.fit, Xs, ys) < budget
    assert model.converged_
    assert peak(model.predict, Xs) < budget
    assert peak(model.lambda_max, Xs, ys) < budget
    Y = np.column_stack([y + X.sum(axis=1) for X, y in zip(Xs, ys, strict=True)])
    Y[rng.uniform(size=Y.shape) < 0.2] = np.nan
    assert peak(clone(model).fit, Xs[0], Y) < budget


# Tools


def test_search_on_a_sparse_table():
    Xs, ys = make_sparse()
    dense, y = stack_tasks(Xs, ys)
    sparse, _ = stack_tasks([sp.csr_array(X) for X in Xs], ys)
    search = GridSearchCV(
        MultiTaskMeanRegressor(task_column=0),
        {"lambda1": [0.01, 1.0]},
        cv=TaskKFold(3, task_column=0),
    )
    of_sparse, of_dense = clone(search).fit(sparse, y), clone(search).fit(dense, y)
    scores = "mean_test_score"
    assert_allclose(of_sparse.cv_results_[scores], of_dense.cv_results_[scores])
    expected = of_dense.predict(dense)
    assert_allclose(of_sparse.predict(sparse), expected, rtol=1e-9)
    assert_allclose(of_sparse.predict(dense), expected, rtol=1e-9)


def test_paths_and_their_search():
    Xs, ys = make_sparse()
    sparse = [sp.csr_array(X) for X in Xs]
    model = MultiTaskL21Regressor(tol=1e-10)
    expected, path = model.path(Xs, ys), model.path(sparse, ys)
    assert_allclose(path.coef, expected.coef, atol=1e-7)
    search = MultiTaskSearchCV(MultiTaskL21Regressor(tol=1e-10), cv=3)
    z = np.concatenate(clone(search).fit(sparse, ys).predict(sparse))
    assert_allclose(z, np.concatenate(search.fit(Xs, ys).predict(Xs)), atol=1e-7)


def test_sparse_frames():
    pd = pytest.importorskip("pandas")
    Xs, ys = make_sparse()
    frames = [
        pd.DataFrame.sparse.from_spmatrix(
            sp.csr_matrix(X), columns=[f"f{j}" for j in range(X.shape[1])]
        )
        for X in Xs
    ]
    model = MultiTaskMeanRegressor().fit(frames, ys)
    require_same(model, MultiTaskMeanRegressor().fit(Xs, ys))
    assert model.coef_names_[1] == "f1"
    model = MultiTaskMeanRegressor().fit(frames[0], ys[0])
    require_same(model, MultiTaskMeanRegressor().fit(Xs[0], ys[0]))


def test_a_sparse_task_of_one_class_has_no_rows_left():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(8, 2))
    Xs, ys = [X[:4], X[4:]], [np.ones(4), np.array([0.0, 1.0, 0.0, 1.0])]
    options = {"lambda1": 0.12, "lambda2": 0.1, "single_class": "constant"}
    for name in ("RobustLowRank", "Mean", "L21"):
        cls = getattr(pymtl, f"MultiTask{name}Classifier")
        dense = cls(**options).fit(Xs, ys)
        sparse = cls(**options).fit([sp.csr_array(X) for X in Xs], ys)
        assert_allclose(sparse.coef_, dense.coef_, atol=1e-4)
        assert sparse.intercept_[0] == dense.intercept_[0]
