"""Low rank and components: optima, equivalences, limits, and what is learned.

The objectives are stated once more, in NumPy and in cvxpy, in the form of the papers:
with the matrices M, Sigma and D that the package minimises out, as semidefinite
programs.
"""

import json
import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.metrics import adjusted_rand_score

from pymtl import (
    MultiTaskASORegressor,
    MultiTaskClusteredRegressor,
    MultiTaskDirtyRegressor,
    MultiTaskFeatureCovarianceRegressor,
    MultiTaskMeanRegressor,
    MultiTaskRegressor,
    MultiTaskRelationshipRegressor,
    MultiTaskRobustFeatureRegressor,
    MultiTaskRobustLowRankRegressor,
    MultiTaskSparseLowRankRegressor,
    MultiTaskTraceNormRegressor,
    SingleTaskRegressor,
)
from pymtl import penalties as pen
from pymtl.datasets import make_multitask_regression
from pymtl.penalties._spectral import spectral_map

TIGHT = {"tol": 1e-10, "max_iter": 100_000}


def make_problem(sizes=(6, 9, 14, 30), n_features=5, seed=0):
    """Return tasks of rank two, with one task that does not fit in."""
    rng = np.random.default_rng(seed)
    W = rng.normal(size=(n_features, 2)) @ rng.normal(size=(2, len(sizes)))
    W[:, -1] += 2 * rng.normal(size=n_features)
    Xs = [rng.normal(size=(n, n_features)) + 1 for n in sizes]
    noises = [rng.normal() + 0.5 * rng.normal(size=n) for n in sizes]
    ys = [X @ w + e for X, w, e in zip(Xs, W.T, noises, strict=True)]
    return Xs, ys


def loss(model, Xs, ys):
    """Return the sum over tasks of half the mean squared residual."""
    residuals = [
        y - X @ w - c
        for X, y, w, c in zip(Xs, ys, model.coef_, model.intercept_, strict=True)
    ]
    return sum(0.5 * np.mean(r**2) for r in residuals)


def trace_norm(W):
    return np.linalg.svd(W, compute_uv=False).sum()


# The penalties, in NumPy from what a model has learned, and in cvxpy


def clustered_value(model, a, b):
    """The matrix M is given back by the model."""
    W, M, eta = model.coef_.T, model.cluster_matrix_, b / a
    inverse = np.linalg.inv(eta * np.eye(len(M)) + M)
    return a * eta * (1 + eta) * np.trace(W @ inverse @ W.T)


def clustered_sdp(cp, W, a, b, k, center=False):
    d, T = W.shape
    M, eta = cp.Variable((T, T), symmetric=True), b / a
    spread = eta * np.eye(T) + M
    terms = [cp.matrix_frac(W[j], spread) for j in range(d)]
    constraints = [M >> 0, np.eye(T) - M >> 0, cp.trace(M) == k]
    if center:
        constraints.append(cp.sum(M, axis=1) == 1)
    return a * eta * (1 + eta) * sum(terms), constraints


def aso_value(model, a, b):
    """Shares of the singular values, by bisection."""
    s, k, eta = np.linalg.svd(model.coef_, compute_uv=False), 2, b / a
    low, high = 0.0, (eta + 1) / s[-1]
    for _ in range(200):
        z = (low + high) / 2
        m = np.clip(z * s - eta, 0, 1)
        low, high = (z, high) if m.sum() < k else (low, z)
    return a * eta * (1 + eta) * np.sum(s**2 / (eta + m))


def aso_sdp(cp, W, a, b):
    return clustered_sdp(cp, W.T, a, b, 2)


def relationship_value(model, a, b):
    W = model.coef_.T
    pull = np.trace(W @ np.linalg.pinv(model.task_covariance_, 1e-9) @ W.T)
    return a / 2 * np.sum(W**2) + b / 2 * pull


def relationship_sdp(cp, W, a, b):
    d, T = W.shape
    S = cp.Variable((T, T), PSD=True)
    pull = sum(cp.matrix_frac(W[j], S) for j in range(d))
    return a / 2 * cp.sum_squares(W) + b / 2 * pull, [cp.trace(S) == 1]


def feature_covariance_sdp(cp, W, a):
    d, T = W.shape
    D = cp.Variable((d, d), PSD=True)
    pull = sum(cp.matrix_frac(W[:, t], D) for t in range(T))
    return a * pull, [cp.trace(D) <= 1]


def parts_value(first, second):
    """Return a function of the two components of a model."""

    def value(model, a, b):
        return a * first(model.shared_coef_.T) + b * second(model.specific_coef_.T)

    return value


def parts_convex(first, second):
    def convex(cp, W, a, b):
        P = cp.Variable(W.shape)
        return a * first(cp, P) + b * second(cp, W - P), []

    return convex


def rows(norm):
    return lambda W: np.linalg.norm(W, norm, axis=1).sum()


def columns(W):
    return np.linalg.norm(W, axis=0).sum()


def cp_rows(norm):
    return lambda cp, W: cp.sum(cp.norm(W, norm, axis=1))


def cp_columns(cp, W):
    return cp.sum(cp.norm(W, 2, axis=0))


def cp_trace(cp, W):
    return cp.normNuc(W)


def cp_entries(cp, W):
    return cp.sum(cp.abs(W))


def entries(W):
    return np.abs(W).sum()


def budget_convex(cp, W, a, tau):
    P = cp.Variable(W.shape)
    return a * cp_entries(cp, P), [cp.normNuc(W - P) <= tau]


# name: (model, its strengths, its penalty in NumPy, in cvxpy)
CASES = {
    "trace": (
        MultiTaskTraceNormRegressor(0.4),
        (0.4,),
        lambda model, a: a * trace_norm(model.coef_),
        lambda cp, W, a: (a * cp.normNuc(W), []),
    ),
    "clustered": (
        MultiTaskClusteredRegressor(0.8, 0.05, n_clusters=2),
        (0.8, 0.05),
        clustered_value,
        lambda cp, W, a, b: clustered_sdp(cp, W, a, b, 2),
    ),
    "clustered, three": (
        MultiTaskClusteredRegressor(0.3, 0.4, n_clusters=3),
        (0.3, 0.4),
        clustered_value,
        lambda cp, W, a, b: clustered_sdp(cp, W, a, b, 3),
    ),
    "clustered, centred": (
        MultiTaskClusteredRegressor(0.8, 0.05, n_clusters=2, center=True),
        (0.8, 0.05),
        clustered_value,
        lambda cp, W, a, b: clustered_sdp(cp, W, a, b, 2, center=True),
    ),
    "aso": (MultiTaskASORegressor(0.8, 0.05), (0.8, 0.05), aso_value, aso_sdp),
    "relationship": (
        MultiTaskRelationshipRegressor(0.2, 0.05),
        (0.2, 0.05),
        relationship_value,
        relationship_sdp,
    ),
    "feature covariance": (
        MultiTaskFeatureCovarianceRegressor(0.05),
        (0.05,),
        lambda model, a: a * trace_norm(model.coef_) ** 2,
        feature_covariance_sdp,
    ),
    "dirty": (
        MultiTaskDirtyRegressor(0.4, 0.2),
        (0.4, 0.2),
        parts_value(rows(np.inf), entries),
        parts_convex(cp_rows("inf"), cp_entries),
    ),
    "dirty, two": (
        MultiTaskDirtyRegressor(0.3, 0.2, shared_norm="2"),
        (0.3, 0.2),
        parts_value(rows(2), entries),
        parts_convex(cp_rows(2), cp_entries),
    ),
    "robust low rank": (
        MultiTaskRobustLowRankRegressor(0.4, 0.25),
        (0.4, 0.25),
        parts_value(trace_norm, columns),
        parts_convex(cp_trace, cp_columns),
    ),
    "robust feature": (
        MultiTaskRobustFeatureRegressor(0.3, 0.3),
        (0.3, 0.3),
        parts_value(rows(2), columns),
        parts_convex(cp_rows(2), cp_columns),
    ),
    "sparse low rank": (
        MultiTaskSparseLowRankRegressor(0.2, 0.4),
        (0.4, 0.2),  # the low-rank part is the shared one
        parts_value(trace_norm, entries),
        parts_convex(cp_trace, cp_entries),
    ),
    "rank budget": (
        MultiTaskSparseLowRankRegressor(0.2, rank_budget=1.5),
        (0.2, 1.5),
        lambda model, a, tau: a * entries(model.specific_coef_),
        budget_convex,
    ),
}


def optimum(Xs, ys, convex, strengths, ridge):
    """Return the smallest objective, by cvxpy."""
    cp = pytest.importorskip("cvxpy")
    T, d = len(Xs), Xs[0].shape[1]
    W, c = cp.Variable((d, T)), cp.Variable(T)
    penalty, constraints = convex(cp, W, *strengths)
    total = penalty + ridge * cp.sum_squares(W)
    for t, (X, y) in enumerate(zip(Xs, ys, strict=True)):
        total += cp.sum_squares(y - X @ W[:, t] - c[t]) / (2 * len(y))
    problem = cp.Problem(cp.Minimize(total), constraints)
    accuracy = {"tol_gap_abs": 1e-10, "tol_gap_rel": 1e-10, "tol_feas": 1e-10}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # "may be inaccurate" at such an accuracy
        return problem.solve(solver=cp.CLARABEL, **accuracy)


@pytest.mark.parametrize("ridge", [0.0, 0.03])
@pytest.mark.parametrize("name", CASES)
def test_equals_cvxpy(name, ridge):
    model, strengths, value, convex = CASES[name]
    Xs, ys = make_problem()
    option = "ridge" if "ridge" in model.get_params() else "lambda2"
    model = type(model)(**{**model.get_params(), option: ridge, "tol": 1e-8})
    model.fit(Xs, ys)
    assert model.certificate_kind_ == "duality gap"
    assert model.converged_ and model.certificate_ <= model.tol
    best = optimum(Xs, ys, convex, strengths, ridge)
    assert_allclose(model.objective_, best, rtol=1e-6)
    written = value(model, *strengths) + ridge * np.sum(model.coef_**2)
    assert_allclose(model.objective_, loss(model, Xs, ys) + written, rtol=1e-8)
    assert model.lambda1_ == model.lambda1


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("sizes", [(3, 5, 4, 2), (60, 50, 70, 80)])
def test_default_tolerance_is_met(name, sizes):
    """Also with fewer rows than features, and free of the strengths' values."""
    model = CASES[name][0]
    Xs, ys = make_problem(sizes, n_features=8)
    for factor in (0.01, 1.0, 10.0):
        params = model.get_params()
        for strength in ("lambda1", "lambda2"):
            if not isinstance(params[strength], str):
                params[strength] *= factor
        fitted = type(model)(**params).fit(Xs, ys)
        assert fitted.converged_
        assert fitted.n_iter_ <= 5000


# The optima of MALSAR and RMTL


def reference_model(entry):
    """Return the model of a reference, and its objective over ours."""
    function, strengths = entry["function"].replace("_fix", ""), entry["params"]
    sums = {"fit_intercept": False, "task_weight": "n_samples"}
    if function == "Least_Trace":
        return MultiTaskTraceNormRegressor(strengths["rho1"], **sums), 1
    if function == "Least_CMTL":
        k = int(strengths["k"])
        model = MultiTaskClusteredRegressor(
            strengths["rho1"], strengths["rho2"], n_clusters=k, **sums
        )
        return model, 1
    if function == "Least_CASO":
        k = int(strengths["k"])
        model = MultiTaskASORegressor(
            strengths["rho1"], strengths["rho2"], n_components=k, **sums
        )
        return model, 1
    if function == "MTL(Regression,Trace)":
        strengths = float(strengths["Lam1"]), float(strengths["Lam2"])
        return MultiTaskTraceNormRegressor(*strengths), 1
    if function == "MTL(Regression,CMTL)":
        k = int(strengths["k"])
        strengths = float(strengths["Lam1"]), float(strengths["Lam2"])
        return MultiTaskClusteredRegressor(*strengths, n_clusters=k), 1
    # the loss of these has no 1/2
    if function == "Least_SparseTrace":
        model = MultiTaskSparseLowRankRegressor(
            strengths["gamma"] / 2, rank_budget=strengths["tau"], **sums
        )
        return model, 2
    models = {
        "Least_Dirty": (MultiTaskDirtyRegressor, "lambda1", "lambda2"),
        "Least_rMTFL": (MultiTaskRobustFeatureRegressor, "lambda1", "lambda2"),
        "Least_RMTL": (MultiTaskRobustLowRankRegressor, "rho1", "rho2"),
    }
    model, first, second = models[function]
    return model(strengths[first] / 2, strengths[second] / 2, **sums), 2


QUICK = [
    f"{function}_{problem}_{i}"
    for function, problems in {
        "Least_Trace": ["P2", "P6"],
        "Least_CMTL": ["P2", "P6"],
        "Least_CMTL_fix": ["P6"],
        "Least_CASO": ["P5"],
        "Least_CASO_fix": ["P5"],
        "Least_Dirty": ["P2", "P5"],
        "Least_rMTFL": ["P2", "P5"],
        "Least_RMTL": ["P2", "P6"],
        "Least_SparseTrace": ["P2", "P6"],
        "Least_SparseTrace_fix": ["P6"],
        "RMTL_Trace": ["P2"],
        "RMTL_CMTL": ["P2"],
    }.items()
    for problem in problems
    for i in (1, 2)
] + ["RMTL_Trace_P2_3", "Least_CASO_P6_1", "Least_CASO_fix_P6_1"]
SCHOOL = [
    f"{function}_P1_{i}"
    for function in [
        "Least_Trace",
        "Least_CMTL",
        "Least_CMTL_fix",
        "Least_Dirty",
        "Least_rMTFL",
        "Least_RMTL",
        "Least_SparseTrace",
        "Least_SparseTrace_fix",
        "RMTL_Trace",
    ]
    for i in (1, 2)
] + ["RMTL_CMTL_P1_1"]
TWINS = ["Least_CMTL_fix_P2_1", "Least_CMTL_fix_P2_2"] + [
    f"Least_SparseTrace_fix_P2_{i}" for i in (1, 2)
]


@pytest.fixture(scope="module")
def entries_by_id(shared_folder):
    text = (shared_folder / "reference" / "reference.json").read_text()
    return {entry["id"]: entry for entry in json.loads(text)["entries"]}


@pytest.mark.filterwarnings("ignore:.*part is zero:UserWarning")
@pytest.mark.filterwarnings("ignore:.*outlier tasks is zero:UserWarning")
@pytest.mark.parametrize(
    "name", QUICK + [pytest.param(n, marks=pytest.mark.slow) for n in SCHOOL + TWINS]
)
def test_reference_optimum_is_reached(shared_folder, entries_by_id, name):
    entry = entries_by_id[name]
    with np.load(shared_folder / "reference" / f"{entry['problem']}.npz") as z:
        cuts = np.cumsum(z["n"])[:-1]
        Xs, ys = np.split(z["X"].astype(float), cuts), np.split(z["y"], cuts)
    model, factor = reference_model(entry)
    model.set_params(tol=2e-7, max_iter=100_000).fit(Xs, ys)
    assert model.converged_
    best = entry["objective"] / factor
    null = model.dual_gap_ / model.certificate_
    # two of the optima are zero: the budget lets the data be interpolated
    assert abs(model.objective_ - best) <= 1e-6 * best + 1e-9 * null
    assert model.objective_ - best <= model.dual_gap_ + 1e-9 * null


def test_every_reference_of_these_models_is_here(entries_by_id):
    functions = {
        entry["function"]
        for name, entry in entries_by_id.items()
        if name in QUICK + SCHOOL + TWINS
    }
    names = ("Trace", "CMTL", "CASO", "Dirty", "rMTFL", "Least_RMTL")
    for name, entry in entries_by_id.items():
        function = entry["function"]
        if function in functions:
            assert name in QUICK + SCHOOL + TWINS
        elif any(part in function for part in names):
            assert "Logistic" in function or "Classification" in function


# Equivalences


def fit(model, problem, **params):
    return model.set_params(**{**TIGHT, **params}).fit(*problem)


def assert_same_fit(model, other, rtol=1e-4):
    scale = np.abs(other.coef_).max()
    assert_allclose(model.coef_, other.coef_, atol=rtol * scale)
    assert_allclose(model.intercept_, other.intercept_, atol=10 * rtol * scale)


@pytest.mark.parametrize("k", [1, 2, 3])
@pytest.mark.parametrize("strengths", [(0.8, 0.05), (0.1, 1.0)])
def test_clustered_is_aso(strengths, k):
    problem = make_problem()
    clustered = fit(MultiTaskClusteredRegressor(*strengths, n_clusters=k), problem)
    aso = fit(MultiTaskASORegressor(*strengths, n_components=k), problem)
    assert_allclose(clustered.objective_, aso.objective_, rtol=1e-9)
    assert_same_fit(clustered, aso)


@pytest.mark.parametrize(
    "model",
    [
        MultiTaskClusteredRegressor(3.0, 0.2, n_clusters=4),
        MultiTaskClusteredRegressor(3.0, 0.2, n_clusters=4, center=True),
        MultiTaskASORegressor(3.0, 0.2, n_components=4),
        MultiTaskClusteredRegressor(0.0, 0.2),
        MultiTaskRelationshipRegressor(0.4, 0.0),
    ],
    ids=repr,
)
def test_what_is_a_ridge(model):
    problem = make_problem()
    ridge = SingleTaskRegressor(0.2).fit(*problem)
    model = fit(model, problem)
    assert_allclose(model.objective_, ridge.objective_, rtol=1e-9)
    assert_same_fit(model, ridge)


def test_one_centred_cluster_is_the_mean():
    problem = make_problem()
    mean = MultiTaskMeanRegressor(0.5, 0.1).fit(*problem)
    one = MultiTaskClusteredRegressor(0.5, 0.1, n_clusters=1, center=True)
    assert_same_fit(fit(one, problem), mean)
    assert_allclose(one.objective_, mean.objective_, rtol=1e-9)
    assert_allclose(one.cluster_matrix_, np.full((4, 4), 0.25), atol=1e-12)
    assert_array_equal(one.cluster_labels_, 0)


@pytest.mark.parametrize(
    ("model", "ridge"),
    [
        (MultiTaskClusteredRegressor(3.0, 0.2), 0.2),
        (MultiTaskClusteredRegressor(3.0, 0.2, center=True), 0.2),
        (MultiTaskASORegressor(3.0, 0.2), 0.2),
        (MultiTaskRelationshipRegressor(0.1, 0.3), 0.2),
        (MultiTaskFeatureCovarianceRegressor(0.2), 0.2),
    ],
    ids=repr,
)
def test_one_task_is_a_ridge(model, ridge):
    Xs, ys = make_problem((20,))
    model = fit(model, (Xs, ys))
    assert_same_fit(model, SingleTaskRegressor(ridge).fit(Xs, ys))


@pytest.mark.parametrize(
    "model",
    [
        MultiTaskTraceNormRegressor(0.3),
        MultiTaskRobustLowRankRegressor(0.3, 0.5),
        MultiTaskRobustLowRankRegressor(0.5, 0.3),
    ],
    ids=repr,
)
def test_one_task_is_a_group(model):
    problem = make_problem((20,))
    group = fit(MultiTaskRegressor(pen.ColumnL2(0.3)), problem)
    assert group.coef_.any()
    assert_same_fit(fit(model, problem), group)


@pytest.mark.parametrize("strengths", [(0.3, 0.2), (0.2, 0.3)])
def test_dirty_with_one_task_is_the_lasso(strengths):
    problem = make_problem((20,))
    for norm in ("inf", "2"):
        model = fit(MultiTaskDirtyRegressor(*strengths, shared_norm=norm), problem)
        lasso = fit(MultiTaskRegressor(pen.L1(0.2)), problem)
        assert lasso.coef_.any()
        assert_same_fit(model, lasso)


def orthonormal(n_samples=40, n_features=6, n_tasks=5, seed=0):
    """Return a centred X with X'X / n = I, targets, and the least squares W."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_samples, n_features))
    X = np.linalg.qr(X - X.mean(axis=0))[0] * np.sqrt(n_samples)
    Y = X @ rng.normal(size=(n_features, n_tasks)) + rng.normal(size=(n_samples, 1))
    return X, Y, X.T @ Y / n_samples


def test_trace_norm_of_an_orthonormal_design_thresholds_the_singular_values():
    X, Y, W = orthonormal()
    U, s, Vt = np.linalg.svd(W, full_matrices=False)
    strength = (s[2] + s[3]) / 2
    expected = (U * np.maximum(s - strength, 0)) @ Vt
    model = fit(MultiTaskTraceNormRegressor(strength), (X, Y))
    assert_allclose(model.coef_, expected.T, atol=1e-9)
    assert np.linalg.matrix_rank(model.coef_) == 3
    ridge = fit(MultiTaskTraceNormRegressor(strength, 0.3), (X, Y))
    assert_allclose(ridge.coef_, expected.T / 1.6, atol=1e-9)


@pytest.mark.parametrize(
    "model",
    [
        MultiTaskClusteredRegressor(2.0, 0.3),
        MultiTaskClusteredRegressor(2.0, 0.3, center=True),
        MultiTaskRelationshipRegressor(0.2, 0.1),
        MultiTaskFeatureCovarianceRegressor(0.1),
    ],
    ids=repr,
)
def test_an_orthonormal_design_is_one_prox(model):
    X, Y, W = orthonormal()
    model = fit(model, (X, Y))
    expected = model.penalty_.right if hasattr(model, "ridge") else model.penalty_.left
    assert_allclose(model.coef_.T, expected.prox(W, 1.0), atol=1e-5)


def test_feature_covariance_has_the_solutions_of_the_trace_norm():
    problem = make_problem()
    model = fit(MultiTaskFeatureCovarianceRegressor(0.1), problem)
    strength = 2 * 0.1 * trace_norm(model.coef_)
    assert_same_fit(model, fit(MultiTaskTraceNormRegressor(strength), problem))


def test_a_rank_budget_has_the_solutions_of_the_penalty():
    problem = make_problem()
    penalty = fit(MultiTaskSparseLowRankRegressor(0.2, 0.4), problem)
    used = trace_norm(penalty.shared_coef_)
    budget = fit(MultiTaskSparseLowRankRegressor(0.2, rank_budget=used), problem)
    assert_allclose(budget.objective_ + 0.4 * used, penalty.objective_, rtol=1e-8)
    assert_same_fit(budget, penalty)
    assert trace_norm(budget.shared_coef_) <= used * (1 + 1e-9)
    assert (penalty.lambda2_, budget.lambda2_) == (0.4, None)


# Useful ranges: at their ends a model is a simpler one

Dirty, RobustFeature = MultiTaskDirtyRegressor, MultiTaskRobustFeatureRegressor
RobustLowRank = MultiTaskRobustLowRankRegressor
SparseLowRank = MultiTaskSparseLowRankRegressor
T, D = 4, 5
ENDS = [
    (Dirty(T * 0.2, 0.2), pen.L1(0.2), "shared"),
    (Dirty(0.3, 0.3), pen.LInf(0.3), "specific"),
    (Dirty(T**0.5 * 0.2, 0.2, shared_norm="2"), pen.L1(0.2), "shared"),
    (Dirty(0.3, 0.3, shared_norm="2"), pen.L21(0.3), "specific"),
    (RobustLowRank(T**0.5 * 0.3, 0.3), pen.ColumnL2(0.3), "shared"),
    (RobustLowRank(0.4, 0.4), pen.TraceNorm(0.4), "specific"),
    (RobustFeature(T**0.5 * 0.3, 0.3), pen.ColumnL2(0.3), "shared"),
    (RobustFeature(0.3, D**0.5 * 0.3), pen.L21(0.3), "specific"),
    (SparseLowRank(0.2, (D * T) ** 0.5 * 0.2), pen.L1(0.2), "shared"),
    (SparseLowRank(0.4, 0.4), pen.TraceNorm(0.4), "specific"),
]


@pytest.mark.parametrize(("model", "penalty", "part"), ENDS, ids=repr)
def test_ends_of_the_useful_range(model, penalty, part):
    problem = make_problem()
    simple = fit(MultiTaskRegressor(penalty), problem)
    first = (part == "shared") != isinstance(model, SparseLowRank)
    name = "lambda1" if first else "lambda2"  # the strength of the part
    end = model.get_params()[name]
    for strength in (1.001 * end, 2 * end):
        with pytest.warns(UserWarning, match=r"part.* is zero\. .* < lambda1 < "):
            fit(model, problem, **{name: strength})
        assert not getattr(model, f"{part}_coef_").any()
        assert_same_fit(model, simple)


@pytest.mark.parametrize("model", [case[0] for case in ENDS], ids=repr)
def test_both_parts_are_used_inside_the_useful_range(model):
    problem = make_problem()
    auto = type(model)(**TIGHT).fit(*problem)
    weak = {"lambda1": 0.2 * auto.lambda1_, "lambda2": 0.2 * auto.lambda2_}
    auto.set_params(**weak).fit(*problem)
    assert auto.shared_coef_.any() and auto.specific_coef_.any()


@pytest.mark.parametrize("model", [case[0] for case in ENDS], ids=repr)
def test_auto_is_inside_the_useful_range(model):
    for sizes in [(9, 8, 7), (5,) * 9]:
        Xs, ys = make_problem(sizes)
        fitted = type(model)().fit(Xs, ys)  # without a warning
        low, high = fitted.penalty_.right.useful_ratios(D, len(sizes))
        ratio = fitted.lambda1_ / fitted.lambda2_
        assert low < ratio < high
        place = {RobustLowRank: 0.1, RobustFeature: 0.4}.get(type(model), 0.5)
        assert_allclose(np.log(ratio / low), place * np.log(high / low))
        assert_allclose(fitted.lambda1_, 0.1 * fitted.lambda_max(Xs, ys))
        half = type(model)(lambda2=fitted.lambda2_).fit(Xs, ys)
        assert_allclose(half.lambda1_, fitted.lambda1_)
    assert type(model)().fit(*make_problem((9,))).converged_


def test_auto_of_a_squared_trace_norm_shrinks_equal_singular_values_half_way():
    rng = np.random.default_rng(0)
    X = np.sqrt(40) * np.linalg.qr(rng.normal(size=(40, 6)))[0]
    V = np.linalg.qr(rng.normal(size=(6, 4)))[0]
    Y = X @ V  # all singular values are 1
    plain = {"fit_intercept": False, **TIGHT}
    model = MultiTaskFeatureCovarianceRegressor(**plain).fit(X, Y)
    assert_allclose(model.coef_, 0.5 * V.T, atol=1e-5)
    assert_allclose(model.lambda1_, 0.5 / 4)
    related = MultiTaskRelationshipRegressor(**plain).fit(X, Y)
    assert_allclose([related.lambda1_, related.lambda2_], 0.5 / 4)


@pytest.mark.parametrize(
    "model",
    [MultiTaskFeatureCovarianceRegressor(), MultiTaskRelationshipRegressor()],
    ids=repr,
)
def test_auto_with_one_task_is_the_ridge(model):
    problem = make_problem((20,))
    ridge = SingleTaskRegressor().fit(*problem)
    assert_same_fit(fit(model, problem), ridge)


def recovered(model, data):
    """Return the share of the true coefficients that is explained."""
    return 1 - np.sum((model.coef_ - data.coef) ** 2) / np.sum(data.coef**2)


@pytest.mark.parametrize("n_samples", [25, 50, 150])
@pytest.mark.parametrize("structure", ["low_rank", "clustered"])
def test_auto_is_better_than_one_model_a_task(structure, n_samples):
    """The strengths that are meant to be useful without a choice are."""
    models = [
        MultiTaskFeatureCovarianceRegressor(),
        MultiTaskRelationshipRegressor(),
        MultiTaskClusteredRegressor(n_clusters=3),
        MultiTaskASORegressor(n_components=3),
    ]
    shares = []
    for seed in range(2):
        data = make_multitask_regression(
            10, n_samples, 20, structure=structure, random_state=seed
        )
        baseline = [SingleTaskRegressor(), MultiTaskMeanRegressor()]
        fitted = [model.fit(data.Xs, data.ys) for model in baseline + models]
        shares.append([recovered(model, data) for model in fitted])
    share = np.mean(shares, axis=0)
    assert share[2:].min() > share[:2].max() + 0.05


def test_more_groups_than_tasks_warn():
    problem = make_problem()
    for model in (
        MultiTaskClusteredRegressor(n_clusters=5),
        MultiTaskASORegressor(n_components=5),
    ):
        with pytest.warns(UserWarning, match=r"ridge lambda2 .* where n_\w+ < 4"):
            model.fit(*problem)
        assert_same_fit(model, SingleTaskRegressor(model.lambda2_).fit(*problem), 0.02)
    clustered = MultiTaskClusteredRegressor(1.0, 0.1, n_clusters=4).fit(*problem)
    assert_array_equal(np.sort(clustered.cluster_labels_), np.arange(4))


# lambda_max


def null_gradient(Xs, ys):
    """Return the negative gradient of the loss where only intercepts are fitted."""
    return np.column_stack(
        [X.T @ (y - y.mean()) / len(y) for X, y in zip(Xs, ys, strict=True)]
    )


def rows_max(G):
    return np.linalg.norm(G, axis=1).max()


def largest(G):
    return np.linalg.svd(G, compute_uv=False)[0]


# name: gauge of G, with the strengths of CASES
GAUGES = {
    "trace": lambda G: largest(G) / 0.4,
    "dirty": lambda G: max(np.abs(G).sum(axis=1).max() / 0.4, np.abs(G).max() / 0.2),
    "dirty, two": lambda G: max(rows_max(G) / 0.3, np.abs(G).max() / 0.2),
    "robust low rank": lambda G: max(largest(G) / 0.4, rows_max(G.T) / 0.25),
    "robust feature": lambda G: max(rows_max(G), rows_max(G.T)) / 0.3,
    "sparse low rank": lambda G: max(largest(G) / 0.4, np.abs(G).max() / 0.2),
}


@pytest.mark.parametrize("name", GAUGES)
def test_lambda_max(name):
    Xs, ys = make_problem()
    model = CASES[name][0]
    top = model.lambda_max(Xs, ys)
    scale = GAUGES[name](null_gradient(Xs, ys))
    assert_allclose(top, scale * model.lambda1, rtol=1e-12)
    for share, empty in [(1 + 1e-9, True), (3.0, True), (0.99, False)]:
        strengths = {
            key: share * scale * value
            for key, value in model.get_params().items()
            if key in ("lambda1", "lambda2")
        }
        other = fit(type(model)(**{**model.get_params(), **strengths}), (Xs, ys))
        assert other.coef_.any() != empty
        if name.startswith("robust") and empty:
            assert len(other.outlier_tasks_) == 0


@pytest.mark.parametrize("name", sorted(set(CASES) - set(GAUGES)))
def test_what_never_becomes_zero(name):
    assert CASES[name][0].lambda_max(*make_problem()) == np.inf


# What is learned


def test_cluster_matrix():
    data = make_multitask_regression(
        n_tasks=12, structure="clustered", n_clusters=3, random_state=0
    )
    ones = np.ones(12)
    for center in (False, True):
        model = MultiTaskClusteredRegressor(1.0, 0.02, n_clusters=3, center=center).fit(
            data.Xs, data.ys
        )
        M = model.cluster_matrix_
        assert_allclose(M, M.T, atol=1e-12)
        values = np.linalg.eigvalsh(M)
        assert -1e-10 <= values[0] <= values[-1] <= 1 + 1e-10
        assert_allclose(np.trace(M), 3)
        assert center == np.allclose(M @ ones, ones, atol=1e-10)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("center", [False, True])
def test_clusters_are_recovered(center, seed):
    data = make_multitask_regression(
        n_tasks=15, structure="clustered", n_clusters=3, random_state=seed
    )
    model = MultiTaskClusteredRegressor(n_clusters=3, center=center)
    model.fit(data.Xs, data.ys)
    labels = model.cluster_labels_
    assert adjusted_rand_score(data.cluster_labels, labels) == 1
    assert labels[0] == 0 and set(labels) == {0, 1, 2}
    again = model.fit(data.Xs, data.ys).cluster_labels_
    assert_array_equal(again, labels)


def test_clusters_of_tasks_without_coefficients_are_one():
    Xs, ys = make_problem()
    model = MultiTaskClusteredRegressor(1.0, 0.1).fit(Xs, [0 * y for y in ys])
    assert_array_equal(model.cluster_labels_, 0)
    relation = MultiTaskRelationshipRegressor(1.0, 0.1).fit(Xs, [0 * y for y in ys])
    assert_allclose(relation.task_covariance_, np.eye(4) / 4)
    assert_array_equal(relation.task_correlation_, np.eye(4))


def test_rank_and_subspace_are_recovered():
    data = make_multitask_regression(
        n_tasks=20, structure="low_rank", rank=2, snr=20, random_state=0
    )
    trace = MultiTaskTraceNormRegressor().fit(data.Xs, data.ys)
    top = trace.lambda_max(data.Xs, data.ys)
    trace.set_params(lambda1=0.2 * top).fit(data.Xs, data.ys)
    assert np.linalg.matrix_rank(trace.coef_) == 2
    aso = MultiTaskASORegressor(1.0, 0.01).fit(data.Xs, data.ys)
    assert aso.subspace_.shape == (2, 20)
    assert_allclose(aso.subspace_ @ aso.subspace_.T, np.eye(2), atol=1e-10)
    truth = np.linalg.qr(data.feature_factors.T)[0]
    overlap = np.linalg.svd(aso.subspace_ @ truth, compute_uv=False)
    assert overlap.min() > 0.99
    D = MultiTaskFeatureCovarianceRegressor(0.01)
    assert not hasattr(D, "feature_covariance_")
    D.fit(data.Xs, data.ys)
    values, vectors = np.linalg.eigh(D.feature_covariance_)
    assert_allclose(values.sum(), 1)
    assert_allclose(values[:-2], 0, atol=0.05)
    overlap = np.linalg.svd(vectors[:, -2:].T @ truth, compute_uv=False)
    assert overlap.min() > 0.99


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("base", ["low_rank", "shared_rows"])
def test_outlier_tasks_are_recovered(base, seed):
    data = make_multitask_regression(
        n_tasks=20,
        n_samples=100,
        structure="outlier",
        base=base,
        n_outliers=2,
        random_state=seed,
    )
    named = {f"task {t:02}": X for t, X in enumerate(data.Xs)}
    targets = dict(zip(named, data.ys, strict=True))
    low_rank = base == "low_rank"
    model = RobustLowRank() if low_rank else RobustFeature()
    model.fit(named, targets)
    expected = [f"task {t:02}" for t in data.outlier_tasks]
    assert set(expected) <= set(model.outlier_tasks_)
    assert len(model.outlier_tasks_) <= 4
    factor = 2.0 if low_rank else 1.3
    model.set_params(lambda1=factor * model.lambda1_, lambda2=factor * model.lambda2_)
    model.fit(named, targets)
    assert model.outlier_tasks_.tolist() == expected
    assert_allclose(model.shared_coef_ + model.specific_coef_, model.coef_)
    others = np.setdiff1d(np.arange(20), data.outlier_tasks)
    assert_array_equal(model.specific_coef_[others], 0)


def test_dirty_parts_are_recovered():
    data = make_multitask_regression(
        n_tasks=10, n_samples=200, structure="dirty", random_state=0
    )
    for norm in ("inf", "2"):
        model = Dirty(shared_norm=norm).fit(data.Xs, data.ys)
        top = model.lambda_max(data.Xs, data.ys)
        model.set_params(lambda1=0.2 * top).fit(data.Xs, data.ys)
        assert_allclose(model.shared_coef_ + model.specific_coef_, model.coef_)
        shared = np.flatnonzero(model.shared_coef_.any(axis=0))
        assert_array_equal(shared, data.shared_features)
        own = np.delete(data.support, data.shared_features, axis=1)
        found = np.delete(model.specific_coef_, data.shared_features, axis=1) != 0
        assert not np.any(found & ~own)
        assert np.mean(found[own]) >= 0.5


def test_relations_are_recovered():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 10))
    W = np.array([a, 2 * a, -a, b, b])
    Xs = [rng.normal(size=(60, 10)) for _ in W]
    ys = [X @ w + 0.3 * rng.normal(size=60) for X, w in zip(Xs, W, strict=True)]
    model = MultiTaskRelationshipRegressor(0.01, 0.01).fit(Xs, ys)
    covariance, correlation = model.task_covariance_, model.task_correlation_
    assert_allclose(np.trace(covariance), 1)
    assert np.linalg.eigvalsh(covariance)[0] >= -1e-12
    root = covariance @ covariance
    gram = model.coef_ @ model.coef_.T
    assert_allclose(root / np.trace(root), gram / np.trace(gram), atol=1e-10)
    assert_array_equal(np.diag(correlation), 1)
    signs = np.array([1, 1, -1])
    assert (correlation[:3, :3] * np.outer(signs, signs)).min() > 0.9
    assert correlation[3, 4] > 0.9
    assert np.abs(correlation[:3, 3:]).max() < 0.7


def test_sparse_and_low_rank_parts():
    data = make_multitask_regression(
        n_tasks=20, n_samples=100, structure="low_rank", rank=1, random_state=0
    )
    Y = [y + 3 * X[:, t] for t, (X, y) in enumerate(zip(data.Xs, data.ys, strict=True))]
    model = SparseLowRank()
    top = model.lambda_max(data.Xs, Y)
    model.set_params(lambda1=0.2 * top).fit(data.Xs, Y)
    assert np.linalg.matrix_rank(model.shared_coef_) == 1
    assert_array_equal(np.argmax(np.abs(model.specific_coef_), axis=1), np.arange(20))
    assert np.count_nonzero(model.specific_coef_) < 60


# Options


@pytest.mark.parametrize(
    "model", [Dirty(), RobustFeature(), RobustLowRank(), SparseLowRank()], ids=repr
)
@pytest.mark.parametrize(
    ("strengths", "part"),
    [((0.0, 0.3), 0), ((0.3, 0.0), 1), ((0.0, 0.0), 0)],
)
@pytest.mark.filterwarnings("ignore:.*is zero:UserWarning")
def test_a_part_without_penalty_takes_everything(model, strengths, part):
    problem = make_problem((20, 30))
    model.set_params(lambda1=strengths[0], lambda2=strengths[1]).fit(*problem)
    assert_same_fit(model, SingleTaskRegressor(0.0).fit(*problem), 1e-8)
    parts = [model.shared_coef_, model.specific_coef_]
    if isinstance(model, SparseLowRank) and any(strengths):
        part = 1 - part  # lambda1 is that of the specific part
    assert_array_equal(parts[part], model.coef_)
    assert_array_equal(parts[1 - part], 0)


def test_refusals():
    problem = make_problem()
    refused = [
        (SparseLowRank(lambda2=0.1, rank_budget=2.0), "give one of the two"),
        (SparseLowRank(rank_budget=0.0), "rank_budget"),
        (MultiTaskClusteredRegressor(n_clusters=0), "n_clusters"),
        (MultiTaskASORegressor(n_components=1.5), "n_components"),
        (Dirty(shared_norm="1"), "shared_norm"),
        (Dirty(ridge=-1.0), "ridge"),
        (MultiTaskRegressor(pen.Dirty(shared_norm="1")), 'must be "inf" or "2"'),
    ]
    for model, message in refused:
        with pytest.raises(ValueError, match=message):
            model.fit(*problem)


# Spectral penalties


SPECTRAL = [
    pen.TraceNorm(0.1),
    pen.TraceNorm(1e-6),
    pen.Clustered(2.0, 0.1),
    pen.ASO(0.1, 0.1),
    pen.Relationship(0.5, 0.01),
    pen.Relationship(0.5, 1e-8),
    pen.FeatureCovariance(0.3),
    pen.TraceBall(0.5),
]


@pytest.mark.parametrize("decay", [0, 2, 6, 12])
@pytest.mark.parametrize("shape", [(30, 12), (4, 25), (6, 1), (1, 6)])
@pytest.mark.parametrize("penalty", SPECTRAL, ids=repr)
def test_prox_is_that_of_the_singular_values(penalty, shape, decay):
    rng = np.random.default_rng(0)
    k = min(shape)
    U, Q = (np.linalg.qr(rng.normal(size=(n, k)))[0] for n in shape)
    V = (U * 10.0 ** (-decay * np.linspace(0, 1, k))) @ Q.T
    before = V.copy()
    U, s, Qt = np.linalg.svd(V, full_matrices=False)
    W = penalty.prox(V, 1.0)
    assert_allclose(W, (U * penalty.vector_prox(s, 1.0)) @ Qt, atol=1e-12)
    assert_array_equal(V, before)
    fresh = float(penalty.vector_value(np.linalg.svd(W, compute_uv=False)))
    assert_allclose(penalty.value(W), fresh, rtol=1e-10, atol=1e-15)


def test_value_after_prox_belongs_to_the_matrix_that_is_given():
    rng = np.random.default_rng(0)
    penalty = pen.TraceNorm(0.5)
    W = penalty.prox(rng.normal(size=(5, 4)), 0.1)
    W *= 2
    assert_allclose(penalty.value(W), 0.5 * trace_norm(W), rtol=1e-12)
    penalty.prox(rng.normal(size=(5, 4)), 0.1)
    assert_allclose(penalty.value(W), 0.5 * trace_norm(W), rtol=1e-12)


@pytest.mark.parametrize("scale", [1e-8, 1.0, 1e8])
def test_spectral_map_of_zero_and_of_rank_one(scale):
    def halve(s):
        return s / 2

    for shape in [(5, 3), (3, 5)]:
        zero, s = spectral_map(np.zeros(shape), halve)
        assert_array_equal(zero, np.zeros(shape))
        assert_array_equal(s, 0)
        V = scale * np.outer(np.arange(shape[0]), np.ones(shape[1]))
        W, s = spectral_map(V, halve)
        assert_allclose(W, V / 2, rtol=1e-13)
        assert_allclose(s[0], np.linalg.norm(V) / 2, rtol=1e-13)


def test_trace_ball_is_a_projection():
    rng = np.random.default_rng(0)
    ball = pen.TraceBall(3.0)
    for scale in (1e-3, 1.0, 1e3):
        V = scale * rng.normal(size=(6, 4))
        W = ball.prox(V, 0.7)
        inside = trace_norm(V) <= 3.0
        assert_allclose(trace_norm(W), min(3.0, trace_norm(V)), rtol=1e-12)
        assert inside == np.allclose(W, V, rtol=1e-12)
        assert ball.value(W) == ball.value(W.astype(np.float32)) == 0
        G = V - W  # in the normal cone: W attains the support function
        assert_allclose(np.vdot(G, W), ball.conjugate(G), rtol=1e-9, atol=1e-12)
        assert ball.value(1.001 * W) == (0 if inside else np.inf)


def test_columns_shrink_as_rows_of_the_transpose():
    rng = np.random.default_rng(0)
    V, step = rng.normal(size=(5, 4)), 10.0 ** rng.uniform(-2, 2, (5, 4))
    W = pen.ColumnL2(0.3).prox(V, step)
    assert_allclose(W, pen.L21(0.3).prox(V.T, step.T).T, rtol=1e-14)
    assert W.any()
    plain = pen.ColumnL2(0.3).prox(V, 0.5)
    norms = np.linalg.norm(V, axis=0)
    assert_allclose(plain, V * np.maximum(1 - 0.15 / norms, 0), rtol=1e-14)
