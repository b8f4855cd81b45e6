"""Inverses of quadratic problems and task matrices, against dense linear algebra."""

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal
from scipy.linalg import block_diag

from pymtl.designs import Shared, Spanned, Stacked, StackedSparse
from pymtl.losses import Squared
from pymtl.penalties import _task_matrix
from pymtl.penalties._task_matrix import TaskMatrix, as_task_matrix
from pymtl.solvers import Problem, _precondition
from pymtl.solvers._precondition import (
    Diagonal,
    Factor,
    Factors,
    Preconditioner,
    _decompose,
    _inverse,
    _one_length,
    _row_space,
    _spans,
    preconditioner,
)
from pymtl.solvers.closed import ClosedForm, has_closed_form
from pymtl.solvers.direct import direct, newton_decrement

RNG = np.random.default_rng(0)
ROWS = {
    "tall": RNG.normal(size=(12, 3)),
    "square": RNG.normal(size=(4, 4)),
    "wide": RNG.normal(size=(2, 5)),
    "of low rank": RNG.normal(size=(9, 2)) @ RNG.normal(size=(2, 4)),
    "units": RNG.normal(size=(7, 3)) * [1.0, 1e5, 1e-3],
    "wide units": RNG.normal(size=(2, 5)) * [1.0, 1e5, 1.0, 1e-3, 2.0],
    "a zero column": RNG.normal(size=(6, 3)) * [1.0, 0.0, 2.0],
    "nothing": np.zeros((3, 2)),
}


@pytest.mark.parametrize("alpha", [0.0, 1e-3, 2.0])
@pytest.mark.parametrize("name", ROWS)
def test_factor_is_the_inverse(name, alpha):
    rng = np.random.default_rng(1)
    B = ROWS[name]
    d = B.shape[1]
    K = B.T @ B + alpha * np.eye(d)
    factor = Factor(B, alpha)
    b = rng.normal(size=(d, 2))
    if alpha == 0:
        b = B.T @ rng.normal(size=(len(B), 2))
    scale = np.sqrt(np.maximum(np.diagonal(K), 1e-300))
    w = factor.solve(b)
    assert_allclose((K @ w) / scale[:, None], b / scale[:, None], atol=1e-9)
    assert_allclose(factor.solve(b[:, 0]), w[:, 0], rtol=1e-12, atol=1e-14)
    if alpha == 0 and "units" not in name:
        assert_allclose(w, np.linalg.pinv(K) @ b, atol=1e-10)
        dropped = factor.solve(b + 3 * (np.eye(d) - np.linalg.pinv(B) @ B)[:, :1])
        assert_allclose(dropped, w, atol=1e-8)
    if alpha == 0:
        return
    assert factor.shifted(alpha) is factor
    for other in (0.5 * alpha, 3.0):
        fresh, moved = Factor(B, other), factor.shifted(other)
        assert moved.alpha == other and factor.alpha == alpha
        assert_allclose(moved.solve(b), fresh.solve(b), rtol=1e-8, atol=1e-10)
    for nu in (0.0, 0.7):
        ratio = np.linalg.solve(K, B.T @ B + nu * np.eye(d))
        if "units" not in name:
            assert_allclose(factor.ratio(nu), ratio, atol=1e-10)


def test_a_tiny_alpha_does_not_blow_up_rounding():
    rng = np.random.default_rng(1)
    B = ROWS["wide"]
    b = B.T @ rng.normal(size=2)
    plain = Factor(B, 1e-2)
    assert not plain.is_tiny and not Factor(B, 0.0).is_tiny
    factor = plain.shifted(1e-13 * plain.square.max())
    assert factor.is_tiny
    assert_allclose(factor.solve(b, inside=True), np.linalg.pinv(B.T @ B) @ b)
    outside = b + 1e-6 * np.linalg.svd(B)[2][-1]
    assert np.linalg.norm(factor.solve(outside)) > 1e5
    assert np.linalg.norm(factor.solve(outside, inside=True)) < 1e2
    many = Factors([factor, plain])
    assert_array_equal(many.is_tiny, [[True], [False]])
    two = np.stack([outside, outside], axis=1)
    found = many.solve(two, inside=True)
    assert_allclose(found[:, 0], factor.solve(outside, inside=True))
    assert_allclose(found[:, 1], plain.solve(outside))
    assert_allclose(many.solve(two)[:, 0], factor.solve(outside))


@pytest.mark.parametrize("stacked", [True, False])
@pytest.mark.parametrize(
    "alpha", [np.array([0.5, 1.0, 2.0, 0.1]), np.array([0.5, 0.0, 1.0, 0.3])]
)
def test_factors_are_those_of_each_task(alpha, stacked, monkeypatch):
    rng = np.random.default_rng(1)
    if not stacked:
        monkeypatch.setattr(_precondition, "FACTOR_BYTES", 0)
    blocks = [rng.normal(size=(n, 4)) for n in (11, 2, 5)]
    blocks.append(rng.normal(size=(9, 4)) * [1.0, 1e-6, 1.0, 1.0])
    factors = Factors([Factor(B, a) for B, a in zip(blocks, alpha, strict=True)])
    plain = np.flatnonzero((alpha > 0) & (np.arange(4) < 3))
    assert_array_equal(factors.plain, [] if not stacked else plain)
    assert len(factors.other) == 4 - len(factors.plain)
    b = np.stack([B.T @ rng.normal(size=len(B)) for B in blocks], axis=1)
    b[:, alpha > 0] += rng.normal(size=(4, 1))
    for a in (alpha, 2 * alpha):
        moved = factors.shifted(a)
        K = [B.T @ B + x * np.eye(4) for B, x in zip(blocks, a, strict=True)]
        solved = np.stack([np.linalg.pinv(M) @ v for M, v in zip(K, b.T, strict=True)])
        assert_allclose(moved.solve(b), solved.T, rtol=1e-6, atol=1e-9)
        if np.all(a > 0):
            inverses = [np.linalg.inv(M) for M in K]
            assert_allclose(moved.inverses(), inverses, rtol=1e-6, atol=1e-9)
            tasks, share = np.array([0, 1, 3]), np.array([0.2, 0.5, 0.3])
            total = sum(
                s * inverses[t] @ (blocks[t].T @ blocks[t] + 0.7 * np.eye(4))
                for t, s in zip(tasks, share, strict=True)
            )
            assert_allclose(moved.ratio(tasks, share, 0.7), total, rtol=1e-6, atol=1e-9)
    assert factors.shifted(np.zeros(4)) is None
    if np.any(alpha == 0):
        assert factors.shifted(np.ones(4)) is None


def test_decompositions_keep_what_is_no_rounding():
    for name, B in ROWS.items():
        for alpha in (0.0, 1e-3, 1e3):
            V, square = _decompose(B, alpha, alpha == 0)
            assert_allclose(V.T @ V, np.eye(len(square)), atol=1e-10, err_msg=name)
            H = B.T @ B
            size = np.abs(H).max() + 1e-300
            assert_allclose((V * square) @ V.T / size, H / size, atol=1e-9)
            assert np.all(square > 0)
    near = np.vstack([np.eye(3)[:2], 1e-13 * np.eye(3)[2:]])
    assert len(_decompose(near, 0.0, True)[1]) == 2
    assert len(_decompose(near, 0.0, False)[1]) == 3
    assert len(_decompose(near, 1e-13)[1]) == 2


def test_inverse_of_any_units():
    rng = np.random.default_rng(3)
    A = rng.normal(size=(4, 4))
    units = 10.0 ** np.array([0, 6, -6, 3])
    found = _inverse(units[:, None] * A * units)
    assert_allclose(found, np.linalg.inv(A) / units / units[:, None], rtol=1e-9)
    for singular in (np.diag([1.0, 2.0, 0.0]), np.ones((3, 3))):
        assert_allclose(_inverse(singular), np.linalg.pinv(singular), atol=1e-12)


def test_rows_of_one_length():
    rng = np.random.default_rng(0)
    blocks = [1e6 * rng.normal(size=(3, 2)), np.zeros((2, 2)), rng.normal(size=(4, 2))]
    blocks[2][1] = 0.0
    B, scale = _one_length(blocks)
    assert_allclose(np.linalg.norm(B, axis=1), np.ones(6))
    seen = np.concatenate([blocks[0], np.delete(blocks[2], 1, axis=0)])
    ratio = B * scale / seen
    assert_allclose(ratio, ratio[:, :1] * np.ones(2))
    assert _spans(B)
    assert not _spans(B[:1]) and not _spans(np.ones((5, 2)))
    B, scale = _one_length([np.array([[0.0, 2.0]])])
    assert_allclose(B, [[0.0, 1.0]])
    assert scale[0] == 1.0


def problem(blocks, matrix, shared=False, sparse=False):
    rng = np.random.default_rng(7)
    if shared:
        design = Shared(blocks[0], len(blocks))
    else:
        bounds = np.cumsum([0, *map(len, blocks)])
        X = np.concatenate(blocks)
        design = Stacked(X, bounds)
        if sparse:
            design = StackedSparse.of_rows(sp.csr_array(X), bounds)
    n = design.bounds[-1]
    return Problem(design, Squared(), rng.normal(size=n), np.ones(n), matrix)


def hessian(part):
    """The whole Hessian, tasks one below the other."""
    d, m = part.design.shape
    blocks = [part.design.block(t, part.weight) for t in range(m)]
    blocks = [B if isinstance(B, np.ndarray) else B @ np.eye(d) for B in blocks]
    H = block_diag(*[B.T @ B for B in blocks])
    return H + np.kron(part.matrix.toarray(), np.eye(d))


def solution(part, B):
    """The least-squares solution of the whole system, columns at one length."""
    H = hessian(part)
    unit = 1 / np.sqrt(np.diagonal(H))
    w = np.linalg.lstsq(unit[:, None] * H * unit, unit * B.T.ravel(), rcond=1e-14)[0]
    return (unit * w).reshape(B.T.shape).T


MEAN = np.full((3, 1), 3**-0.5)
LAPLACE = np.array([[1.0, -1, 0], [-1, 3.0, -2], [0, -2, 2.0]])
TASKS = {
    "tall": [RNG.normal(size=(n, 3)) for n in (8, 9, 5)],
    "short": [RNG.normal(size=(n, 3)) for n in (1, 2, 4)],
    "units": [RNG.normal(size=(n, 3)) * [1.0, 1e6, 1.0] for n in (8, 9, 5)],
}
EXACT = {
    "ridge": TaskMatrix(3, 0.3),
    "mean": TaskMatrix(3, 0.5, MEAN, [0.0]),
    "mean and ridge": TaskMatrix(3, 0.5, MEAN, [0.2]),
    "pooled": TaskMatrix(3, 0.1, MEAN, [0.4]),
    "one vector": TaskMatrix(3, 0.5, np.array([[0.6], [0.0], [0.8]]), [0.1]),
}


@pytest.mark.parametrize("tasks", TASKS)
@pytest.mark.parametrize("name", EXACT)
def test_preconditioner_of_a_mean_is_exact(name, tasks):
    part = problem(TASKS[tasks], EXACT[name])
    solve = preconditioner(part)
    assert isinstance(solve, Preconditioner) and solve.exact and not solve.alike
    B = part.design.adjoint(part.y)
    W = solution(part, B)
    size = np.abs(W).max(axis=1, keepdims=True)
    assert_allclose(solve(B) / size, W / size, atol=1e-7)
    found = direct(part)
    assert found.n_iter <= 2
    assert_allclose(found.W / size, W / size, atol=1e-8)
    null = 0.5 * part.yy - 0.5 * np.sum(W * B)
    decrement = newton_decrement(part, np.zeros((3, 3)))
    assert_allclose(decrement, 0.5 * part.yy - null, rtol=1e-9)
    # other strengths on the same decompositions
    m = EXACT[name]
    moved = TaskMatrix(3, 2 * m.beta, m.factors, 3 * m.values)
    other = problem(TASKS[tasks], moved)
    again = preconditioner(other, solve)
    if name != "ridge":
        assert again.groups[0].seen is solve.groups[0].seen
    assert_allclose(again(B), Preconditioner(other)(B), rtol=1e-7, atol=1e-12)


GRAPHS = {
    "laplacian": TaskMatrix(3, 0.0, matrix=LAPLACE, laplacian=True),
    "strong": TaskMatrix(3, 0.1, matrix=1e3 * LAPLACE, laplacian=True),
    "weak": TaskMatrix(3, 0.1, matrix=1e-2 * LAPLACE, laplacian=True),
    "definite": TaskMatrix(3, matrix=LAPLACE + np.eye(3)),
    "two parts": TaskMatrix(
        3, 0.2, matrix=block_diag(LAPLACE[:2, :2] + [[0, 0], [0, -2]], 0.0)
    ),
}


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("tasks", ["tall", "short"])
@pytest.mark.parametrize("name", GRAPHS)
def test_conjugate_gradients_of_a_graph_take_few_steps(name, tasks, shared):
    part = problem(TASKS[tasks], GRAPHS[name], shared)
    solve = preconditioner(part)
    assert solve.alike == shared
    B = part.design.adjoint(part.y)
    W = np.linalg.pinv(hessian(part), rcond=1e-13) @ B.T.ravel()
    W = W.reshape(3, 3).T
    if shared:
        assert_allclose(solve(B), W, atol=1e-8)
    else:  # positive and symmetric
        d, m = B.shape
        P = [solve(e.reshape(m, d).T).T.ravel() for e in np.eye(d * m)]
        P = np.array(P)
        assert_allclose(P, P.T, atol=1e-8)
        assert np.linalg.eigvalsh(P).min() > -1e-10
    found = direct(part)
    assert found.n_iter <= (2 if shared else 14)
    assert_allclose(found.W, W, atol=1e-7)


def test_what_a_preconditioner_serves():
    part = problem(TASKS["tall"], EXACT["mean and ridge"])
    solve = Preconditioner(part)
    assert solve.fits(part)
    others = [EXACT["mean"], EXACT["ridge"], GRAPHS["weak"], EXACT["one vector"]]
    others.append(TaskMatrix(3, 0.5, MEAN, [1e-14]))  # flat
    for matrix in others:
        assert not solve.fits(problem(TASKS["tall"], matrix))
    graph = Preconditioner(problem(TASKS["tall"], GRAPHS["weak"]))
    assert graph.fits(problem(TASKS["tall"], GRAPHS["strong"]))
    assert not graph.fits(problem(TASKS["tall"], GRAPHS["two parts"]))
    assert not graph.fits(problem(TASKS["tall"], GRAPHS["laplacian"]))


def test_rows_of_a_span():
    rng = np.random.default_rng(1)
    flat = [rng.normal(size=(2, 1)) * [[1.0, 2.0, 0.0, 1.0]] for _ in range(2)]
    flat[0][1] = [0.0, 0.0, 3e-8, 0.0]
    part = problem(flat, TaskMatrix(2, 1.0, np.full((2, 1), 0.5**0.5), [0.0]))
    Q = _row_space(part, [0, 1])
    assert Q.shape == (4, 2)
    assert_allclose(Q.T @ Q, np.eye(2), atol=1e-12)
    rows = np.array([[1.0, 2.0, 0.0, 1.0], [0.0, 0.0, 1.0, 0.0]])
    assert_allclose(rows @ Q @ Q.T, rows, atol=1e-12)
    whole = problem(TASKS["short"], EXACT["mean"])
    assert _row_space(whole, [0, 1, 2]) is None
    assert _row_space(whole, [0, 1]) is None  # three rows span three features
    assert _row_space(whole, [1]).shape == (3, 2)


@pytest.mark.parametrize("name", [*EXACT, "definite", "weak"])
def test_diagonal_is_exact_for_orthogonal_columns(name):
    rng = np.random.default_rng(1)
    matrix = {**EXACT, **GRAPHS}[name]
    Q = np.linalg.qr(rng.normal(size=(6, 3)))[0]
    scales = [1.0, 1.0, 1.0] if name in GRAPHS else [1.0, 2.0, 0.5]
    part = problem([s * Q * [1.0, 2.0, 3.0] for s in scales], matrix, sparse=True)
    solve = Diagonal(part)
    B = part.design.adjoint(part.y)
    W = np.linalg.solve(hessian(part), B.T.ravel()).reshape(3, 3).T
    if name in GRAPHS:  # a positive sum of two inverses
        assert_allclose(solve(B) - B / (part.hessian_diagonal + matrix.diagonal()), W)
    else:
        assert_allclose(solve(B), W)
    assert not solve.exact


def test_diagonal_is_for_sparse_rows_with_many_features(monkeypatch):
    monkeypatch.setattr(_precondition, "SPARSE_BYTES", 8 * 3 * 9 - 1)
    part = problem(TASKS["tall"], EXACT["mean"], sparse=True)
    assert isinstance(preconditioner(part), Diagonal)
    assert isinstance(
        preconditioner(problem(TASKS["tall"], EXACT["mean"])), Preconditioner
    )
    monkeypatch.setattr(_precondition, "SPARSE_BYTES", 8 * 3 * 9)
    assert isinstance(preconditioner(part), Preconditioner)
    monkeypatch.setattr(_precondition, "SPARSE_BYTES", 0)
    found = direct(part)
    W = np.linalg.lstsq(
        hessian(part), part.design.adjoint(part.y).T.ravel(), rcond=None
    )
    assert_allclose(found.W.T.ravel(), W[0], atol=1e-8)


def test_a_spanned_design_of_all_tasks_is_least_squares():
    inner = problem(TASKS["short"], None)
    design = Spanned(inner.design, np.ones((3, 1)))
    part = Problem(design, Squared(), inner.y, inner.weight)
    X = np.concatenate(TASKS["short"])
    w = np.linalg.lstsq(X, inner.y, rcond=None)[0]
    found = direct(part)
    assert_allclose(found.W[:, 0], w, atol=1e-10)
    assert found.n_iter == 1


CLOSED = {name: m for name, m in EXACT.items() if name != "mean"}


@pytest.mark.parametrize("tasks", TASKS)
@pytest.mark.parametrize("name", CLOSED)
def test_closed_form(name, tasks):
    part, matrix = problem(TASKS[tasks], EXACT[name]), EXACT[name]
    weight = np.random.default_rng(1).uniform(0.5, 1.5, len(part.y))
    part.weight = weight
    closed = ClosedForm(part.design, part.y, weight)
    W, gap = closed.solve(matrix)
    H = hessian(part)
    best = solution(part, part.design.adjoint(weight * part.y))
    size = np.abs(best).max(axis=1, keepdims=True)
    assert_allclose(W / size, best / size, atol=1e-7)
    assert 0 <= gap < 1e-9
    own = H - np.kron(matrix.toarray(), np.eye(3))
    expected = np.trace(np.linalg.solve(H, own))
    assert_allclose(closed.trace(matrix), expected, rtol=1e-8)
    assert_allclose(closed.null, 0.5 * weight @ part.y**2)


def test_closed_form_of_columns_that_are_zero():
    blocks = [X * [1.0, 0.0, 1.0] for X in TASKS["tall"]]
    blocks[1] = 0 * blocks[1]
    part = problem(blocks, EXACT["mean and ridge"])
    closed = ClosedForm(part.design, part.y, part.weight)
    W, gap = closed.solve(part.matrix)
    best = np.linalg.solve(hessian(part), part.design.adjoint(part.y).T.ravel())
    assert_allclose(W, best.reshape(3, 3).T, atol=1e-10)
    assert not W[1].any() and gap < 1e-12


def test_what_has_a_closed_form():
    yes = [EXACT["ridge"], EXACT["mean and ridge"], EXACT["pooled"]]
    no = [EXACT["mean"], GRAPHS["weak"], TaskMatrix(3), object()]
    no.append(TaskMatrix(3, 0.0, MEAN, [1.0]))
    no.append(TaskMatrix(3, 1.0, np.eye(3)[:, :2], [1.0, 2.0]))
    assert all(map(has_closed_form, yes))
    assert not any(map(has_closed_form, no))


ROOT = np.array([[1.0, 0.0], [-1.0, 2.0], [0.0, -2.0]])
MATRICES = {
    **EXACT,
    **GRAPHS,
    "zero": TaskMatrix(3),
    "root": TaskMatrix(3, 0.1, root=ROOT, laplacian=True),
    "flat root": TaskMatrix(3, root=ROOT, laplacian=True),
    "root and matrix": TaskMatrix(3, matrix=LAPLACE, root=ROOT, laplacian=True),
    "sparse": TaskMatrix(3, matrix=sp.csr_array(LAPLACE), laplacian=True),
    "sparse root": TaskMatrix(3, 0.3, root=sp.csr_array(ROOT), laplacian=True),
    "low": TaskMatrix(3, matrix=np.outer([1.0, 2, 0], [1.0, 2, 0])),
    "one direction": TaskMatrix(3, 0.0, MEAN, [0.7]),
    "two directions": TaskMatrix(3, 0.4, np.eye(3)[:, :2], [0.0, 0.5]),
    "factor and graph": TaskMatrix(3, 0.4, MEAN, [0.0], matrix=LAPLACE, laplacian=True),
}


@pytest.mark.parametrize("large", [False, True])
@pytest.mark.parametrize("name", MATRICES)
def test_task_matrix(name, large, monkeypatch):
    rng = np.random.default_rng(1)
    if large:
        monkeypatch.setattr(_task_matrix, "LARGE", 2)
    m = MATRICES[name]
    L = m.beta * (np.eye(3) - m.factors @ m.factors.T)
    L = L + (m.factors * m.values) @ m.factors.T
    for part in (m.matrix, None if m.root is None else m.root @ m.root.T):
        if part is not None:
            L = L + (part.toarray() if sp.issparse(part) else part)
    V = rng.normal(size=(2, 3))
    assert m.sparse == (large and "sparse" in name)
    assert_allclose(m.toarray(), L, atol=1e-12)
    assert_allclose(m.apply(V), V @ L, atol=1e-10)
    assert_allclose(m.value(V), 0.5 * np.trace(V @ L @ V.T), rtol=1e-10)
    assert_allclose(m.diagonal(), np.diagonal(L), atol=1e-12)
    assert np.linalg.eigvalsh(np.diag(m.majorant()) - L).min() >= -1e-9 * L.max()
    assert m.majorant().max() <= np.abs(L).sum(axis=1).max() * 1.5 + 1e-12
    assert m.is_zero == (not L.any())
    plain = np.allclose(L, L[0, 0] * np.eye(3)) and not m.factors.shape[1]
    assert m.ridge == (L[0, 0] if plain and m.general is None else None)
    inverse = np.linalg.pinv(L, rcond=1e-12)
    assert_allclose(m.conjugate(V), 0.5 * np.trace(V @ inverse @ V.T), rtol=1e-9)
    assert_allclose(m.solve(V), V @ inverse, atol=1e-9)
    for shift in (0.3, np.array([[0.3], [2.0]])):
        size = np.broadcast_to(np.ravel(shift), 2)
        solved = [
            np.linalg.solve(L + s * np.eye(3), v) for s, v in zip(size, V, strict=True)
        ]
        assert_allclose(m.solve(V, shift), solved, atol=1e-9)
    assert_allclose(m.prox(V, 0.7), V @ np.linalg.inv(np.eye(3) + 0.7 * L), atol=1e-9)
    N = m.null_space()
    assert_allclose(N.T @ N, np.eye(N.shape[1]), atol=1e-12)
    assert N.shape[1] == 3 - np.linalg.matrix_rank(L, tol=1e-9)
    assert_allclose(L @ N, 0, atol=1e-9)
    basis = rng.normal(size=(3, 2))
    for N in (basis, basis[:, :1]):
        assert_allclose(m.restrict(N).toarray(), N.T @ L @ N, atol=1e-10)
    for other in MATRICES.values():
        assert_allclose((m + other).toarray(), L + other.toarray(), atol=1e-9)
        for both in (m + other, other + m):
            kinds = [p.laplacian for p in (m, other) if p.general is not None]
            if m.factors.shape[1] == other.factors.shape[1] == 0:
                assert both.laplacian == (bool(kinds) and all(kinds))
    assert as_task_matrix(m) is m


def test_task_matrix_sees_equal_tasks_at_no_cost():
    equal = np.full((1, 3), 0.1) + 1e16
    for name in ("mean", "laplacian", "flat root", "sparse"):
        assert MATRICES[name].value(equal) == 0.0
        assert not MATRICES[name].apply(equal).any()
    assert_allclose(as_task_matrix(LAPLACE).toarray(), LAPLACE)
    assert sp.issparse(as_task_matrix(sp.csr_array(LAPLACE)).matrix)
    assert_array_equal(MATRICES["two parts"].component, [0, 0, 1])
    known = TaskMatrix(3, matrix=LAPLACE, component=np.array([0, 1, 1]))
    assert_array_equal(known.component, [0, 1, 1])
