"""Feature weights: a rescaled design, and covariates that are not penalised.

A norm of ``diag(q) W`` is the norm on the design ``X diag(1 / q)``, a square counts q
by its root. Covariates, of weight zero, are checked against cvxpy and against the fit
on what they leave of the targets and of the other features.
"""

import inspect
import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone

import pymtl
from pymtl import (
    MultiTaskASORegressor,
    MultiTaskClassifier,
    MultiTaskClusteredRegressor,
    MultiTaskDataSharedRegressor,
    MultiTaskDirtyRegressor,
    MultiTaskFeatureCovarianceRegressor,
    MultiTaskFusedSparseGroupRegressor,
    MultiTaskGraphRegressor,
    MultiTaskL1Regressor,
    MultiTaskL21Regressor,
    MultiTaskLInfRegressor,
    MultiTaskMeanRegressor,
    MultiTaskRegressor,
    MultiTaskRelationshipRegressor,
    MultiTaskRobustFeatureRegressor,
    MultiTaskRobustLowRankRegressor,
    MultiTaskSparseGroupRegressor,
    MultiTaskSparseLowRankRegressor,
    MultiTaskTraceNormRegressor,
    MultiTaskTreeRegressor,
    PooledRegressor,
    SingleTaskRegressor,
    stack_tasks,
)
from pymtl.penalties import L1, L21, Components, KSupport, Mean, Ridge
from pymtl.penalties._base import leading

TIGHT = {"tol": 1e-10, "max_iter": 100_000}
EDGES = [(0, 1, 2.0), (1, 2, 0.5), (2, 3, 1.0)]
WEIGHT = np.array([0.5, 2.0, 1.0, 4.0, 0.8, 1.5])
FREE = np.array([1.0, 0.0, 2.0, 0.5, 0.0, 1.0])

NORMS = [
    MultiTaskL21Regressor(0.2),
    MultiTaskL1Regressor(0.15),
    MultiTaskLInfRegressor(0.3),
    MultiTaskSparseGroupRegressor(0.1, 0.1),
    MultiTaskTreeRegressor(0.1, tree=[[0, 1], [2, 3]]),
    MultiTaskDataSharedRegressor(0.3, 0.2),
    MultiTaskTraceNormRegressor(0.3),
    MultiTaskDirtyRegressor(0.4, 0.2),
    MultiTaskDirtyRegressor(0.3, 0.2, shared_norm="2"),
    MultiTaskRobustFeatureRegressor(0.2, 0.3),
    MultiTaskRobustLowRankRegressor(0.35, 0.25),
    MultiTaskSparseLowRankRegressor(0.2, 0.4),
    MultiTaskSparseLowRankRegressor(0.2, rank_budget=1.5),
    MultiTaskFusedSparseGroupRegressor(0.1, 0.1, 0.1),
    MultiTaskRegressor(KSupport(0.3, 2)),
    MultiTaskRegressor(Components(L21(0.3), L1(0.2))),
]
SQUARES = [
    SingleTaskRegressor(0.2),
    PooledRegressor(0.2),
    MultiTaskMeanRegressor(0.4, 0.1),
    MultiTaskMeanRegressor(0.4),
    MultiTaskGraphRegressor(0.4, 0.1, graph=EDGES),
    MultiTaskClusteredRegressor(0.8, 0.05),
    MultiTaskClusteredRegressor(0.8, 0.05, center=True, ridge=0.1),
    MultiTaskASORegressor(0.8, 0.05),
    MultiTaskRelationshipRegressor(0.2, 0.05),
    MultiTaskFeatureCovarianceRegressor(0.05, 0.02),
]
MODELS = NORMS + SQUARES


def make_problem(sizes=(12, 17, 25, 40), n_features=6, seed=0):
    """Return tasks whose covariates, of weight zero in FREE, matter most."""
    rng = np.random.default_rng(seed)
    W = rng.normal(size=(n_features, 2)) @ rng.normal(size=(2, len(sizes)))
    W[FREE == 0] = 5 * rng.normal(size=(2, len(sizes)))
    root = np.linalg.cholesky(np.full((n_features, n_features), 0.5) + np.eye(6) / 2)
    Xs = [(rng.normal(size=(n, n_features)) + 1) @ root.T for n in sizes]
    return Xs, [
        X @ w + rng.normal() + rng.normal(size=len(X))
        for X, w in zip(Xs, W.T, strict=True)
    ]


def fit(model, Xs, ys, **params):
    return clone(model).set_params(**{**TIGHT, **params}).fit(Xs, ys)


def scaled(model, weight):
    """Return the feature weights in the units of the coefficients."""
    return weight if any(model is m for m in NORMS) else np.sqrt(weight)


# A rescaled design


@pytest.mark.parametrize("model", MODELS, ids=repr)
def test_weights_rescale_the_design(model):
    Xs, ys = make_problem()
    scale = scaled(model, WEIGHT)
    plain = fit(model, [X / scale for X in Xs], ys)
    weighted = fit(model, Xs, ys, feature_weight=WEIGHT)
    size = np.abs(plain.coef_).max()
    assert_allclose(weighted.coef_ * scale, plain.coef_, atol=1e-4 * size)
    assert_allclose(weighted.intercept_, plain.intercept_, atol=1e-3 * size)
    assert_allclose(weighted.objective_, plain.objective_, rtol=1e-8)
    assert weighted.converged_


@pytest.mark.parametrize("form", [False, "shared", "shrink"])
@pytest.mark.parametrize("index", [0, 6, 7, len(NORMS) + 2])
def test_weights_and_intercepts(index, form):
    model = MODELS[index]
    Xs, ys = make_problem()
    scale = scaled(model, WEIGHT)
    plain = fit(model, [X / scale for X in Xs], ys, fit_intercept=form)
    weighted = fit(model, Xs, ys, feature_weight=WEIGHT, fit_intercept=form)
    size = np.abs(plain.coef_).max()
    assert_allclose(weighted.coef_ * scale, plain.coef_, atol=1e-4 * size)
    assert_allclose(weighted.intercept_, plain.intercept_, atol=1e-3 * size)


@pytest.mark.parametrize("model", MODELS, ids=repr)
def test_equal_weights_are_a_factor_of_the_strengths(model):
    """But for the budget of a rank, which is none."""
    Xs, ys = make_problem()
    if getattr(model, "rank_budget", None) is not None:
        return
    factor = {n: 3 * v for n, v in numbers(model).items()}
    strong = fit(model, Xs, ys, **factor)
    weighted = fit(model, Xs, ys, feature_weight=np.full(6, 3.0))
    size = np.abs(strong.coef_).max()
    assert_allclose(weighted.coef_, strong.coef_, atol=1e-4 * size)


def numbers(model):
    """Return the strengths of a model that are numbers, nested ones too."""
    params = model.get_params().items()
    params = {n: v for n, v in params if "lambda" in n or n == "ridge"}
    return {n: v for n, v in params.items() if isinstance(v, float)}


@pytest.mark.parametrize("model", MODELS, ids=repr)
def test_auto_follows_the_weights(model):
    """The strength that is "auto" is that of the rescaled design."""
    Xs, ys = make_problem()
    scale = scaled(model, WEIGHT)
    auto = {n: "auto" for n, v in numbers(model).items() if v and n != "ridge"}
    plain = fit(model, [X / scale for X in Xs], ys, **auto)
    weighted = fit(model, Xs, ys, **auto, feature_weight=WEIGHT)
    if isinstance(model, MultiTaskRegressor):
        plain, weighted = plain.penalty_, weighted.penalty_
        for name, value in numbers(plain).items():
            assert_allclose(weighted.get_params()[name], value, rtol=1e-10)
        return
    for name in auto:
        value = getattr(plain, f"{name}_")
        assert_allclose(getattr(weighted, f"{name}_"), value, rtol=1e-10)


# Covariates


def total(cp, name, W, rows):
    """Return a penalty of W (n_features, n_tasks) in cvxpy, and its constraints."""
    U, V = cp.multiply(rows[:, None], W), cp.multiply(np.sqrt(rows)[:, None], W)
    T = W.shape[1]
    if name == "L21":
        return 0.2 * cp.sum(cp.norm(U, axis=1)), []
    if name == "L21 + ridge":
        return 0.2 * cp.sum(cp.norm(U, axis=1)) + 0.1 * cp.sum_squares(V), []
    if name == "TraceNorm":
        return 0.3 * cp.normNuc(U), []
    if name == "Dirty":
        P = cp.Variable(W.shape)
        shared = 0.4 * cp.sum(cp.max(cp.abs(P), axis=1))
        return shared + 0.2 * cp.sum(cp.abs(U - P)), []
    if name == "Mean":
        return 0.4 * cp.sum_squares(V @ (np.eye(T) - 1 / T)), []
    if name == "Graph":
        steps = sum(a * cp.sum_squares(V[:, s] - V[:, t]) for s, t, a in EDGES)
        return 0.4 * steps + 0.1 * cp.sum_squares(V), []
    M, eta = cp.Variable((T, T), PSD=True), 0.05 / 0.8
    value = 0.8 * eta * (1 + eta) * cp.matrix_frac(V.T, eta * np.eye(T) + M)
    return value, [np.eye(T) - M >> 0, cp.trace(M) == 2]


COVARIATE_CASES = {
    "L21": MultiTaskL21Regressor(0.2),
    "L21 + ridge": MultiTaskL21Regressor(0.2, 0.1),
    "TraceNorm": MultiTaskTraceNormRegressor(0.3),
    "Dirty": MultiTaskDirtyRegressor(0.4, 0.2),
    "Mean": MultiTaskMeanRegressor(0.4),
    "Graph": MultiTaskGraphRegressor(0.4, 0.1, graph=EDGES),
    "Clustered": MultiTaskClusteredRegressor(0.8, 0.05),
}


def optimum(name, Xs, ys, form, lambda0=None):
    """Return the smallest objective with the weights FREE, by cvxpy."""
    cp = pytest.importorskip("cvxpy")
    T = len(Xs)
    W, c = cp.Variable((6, T)), cp.Variable(T)
    kept = np.flatnonzero(FREE)
    value, constraints = total(cp, name, W[kept], FREE[kept])
    for t, (X, y) in enumerate(zip(Xs, ys, strict=True)):
        value += cp.sum_squares(y - X @ W[:, t] - c[t]) / (2 * len(y))
    if form is False:
        constraints.append(c == 0)
    elif form == "shared":
        constraints.append(c == c[0])
    elif form == "shrink":
        value += lambda0 * cp.sum_squares(c - cp.sum(c) / T)
    accuracy = {"tol_gap_abs": 1e-10, "tol_gap_rel": 1e-10, "tol_feas": 1e-10}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # "may be inaccurate" at such an accuracy
        problem = cp.Problem(cp.Minimize(value), constraints)
        return problem.solve(cp.CLARABEL, **accuracy)


@pytest.mark.parametrize("form", [True, False, "shared", "shrink"])
@pytest.mark.parametrize("name", COVARIATE_CASES)
def test_covariates_equal_cvxpy(name, form):
    Xs, ys = make_problem()
    model = COVARIATE_CASES[name]
    model = fit(model, Xs, ys, tol=1e-9, feature_weight=FREE, fit_intercept=form)
    assert model.certificate_kind_ == "duality gap"
    assert model.converged_
    best = optimum(name, Xs, ys, form, getattr(model, "lambda0_", None))
    assert_allclose(model.objective_, best, rtol=1e-6)
    residuals = [y - z for y, z in zip(ys, model.predict(Xs), strict=True)]
    if form is True:  # the covariates are fitted in each task
        for X, r in zip(Xs, residuals, strict=True):
            assert_allclose(r @ X[:, FREE == 0], 0, atol=1e-8 * len(r))


def left_over(Xs, ys):
    """Return the features and targets less what the covariates explain, centred."""
    left = []
    for X, y in zip(Xs, ys, strict=True):
        known = np.column_stack([np.ones(len(X)), X[:, FREE == 0]])
        rows = np.column_stack([X[:, FREE > 0], y])
        rows = rows - known @ np.linalg.lstsq(known, rows, rcond=None)[0]
        left.append((rows[:, :-1], rows[:, -1]))
    return [X for X, _ in left], [y for _, y in left]


@pytest.mark.parametrize("model", [m for m in MODELS if m is not SQUARES[1]], ids=repr)
def test_covariates_are_taken_out(model):
    """What is learned is that of the penalised features, in the penalty's units."""
    Xs, ys = make_problem()
    kept = FREE > 0
    scale = scaled(model, FREE)[kept]
    rest, targets = left_over(Xs, ys)
    plain = fit(model, [X / scale for X in rest], targets)
    facts, coef = learned(plain), plain.coef_ / scale
    weighted = fit(model, Xs, ys, feature_weight=FREE)
    assert_allclose(weighted.coef_[:, kept], coef, atol=1e-4 * np.abs(coef).max())
    assert_allclose(weighted.objective_, plain.objective_, rtol=1e-7)
    for name, fact in learned(weighted).items():
        if name.endswith("_coef_"):
            assert_allclose(fact[:, kept], facts[name] / scale, atol=1e-3)
        elif name == "subspace_":
            assert_allclose(fact[:, ~kept], 0, atol=1e-12)
            assert_allclose(fact[:, kept], facts[name], atol=1e-3)
        elif name == "feature_covariance_":
            assert_allclose(fact[~kept], 0, atol=1e-12)
            assert_allclose(fact[np.ix_(kept, kept)], facts[name], atol=1e-3)
        elif fact.dtype.kind == "f":
            assert_allclose(fact, facts[name], atol=1e-3)
        else:
            assert_array_equal(fact, facts[name])
    parts = learned(weighted)
    if "shared_coef_" in parts:
        assert_allclose(parts["shared_coef_"] + parts["specific_coef_"], weighted.coef_)
        assert_array_equal(parts["specific_coef_"][:, ~kept], 0)


LEARNED = [
    "cluster_labels_",
    "cluster_matrix_",
    "subspace_",
    "task_covariance_",
    "task_correlation_",
    "feature_covariance_",
    "outlier_tasks_",
    "shared_coef_",
    "specific_coef_",
]


def learned(model):
    return {name: getattr(model, name) for name in LEARNED if hasattr(model, name)}


def test_covariates_do_not_hide_the_clusters():
    """Their coefficients are large and differ from task to task."""
    rng = np.random.default_rng(0)
    groups = np.repeat([0, 1], 6)
    W = rng.normal(size=(2, 8))[groups] + 0.1 * rng.normal(size=(12, 8))
    own = 20 * rng.normal(size=(12, 2))
    Xs = [rng.normal(size=(30, 10)) for _ in range(12)]
    ys = [
        X[:, :8] @ w + X[:, 8:] @ v + 0.3 * rng.normal(size=30)
        for X, w, v in zip(Xs, W, own, strict=True)
    ]
    model = MultiTaskClusteredRegressor(feature_weight=[1.0] * 8 + [0.0] * 2)
    model.fit(Xs, ys)
    assert_array_equal(model.cluster_labels_, groups)


NORMS_WITH_A_MAXIMUM = [m for m in NORMS if getattr(m, "rank_budget", None) is None]


@pytest.mark.parametrize("model", NORMS_WITH_A_MAXIMUM, ids=repr)
def test_lambda_max_and_the_null_model(model):
    """At lambda_max the covariates are fitted alone, a little below they are not."""
    Xs, ys = make_problem()
    weighted = clone(model).set_params(feature_weight=FREE, tol=1e-8)
    top = weighted.lambda_max(Xs, ys)
    rest, targets = left_over(Xs, ys)
    scale = FREE[FREE > 0]
    assert_allclose(model.lambda_max([X / scale for X in rest], targets), top)
    given = {name: value for name, value in numbers(model).items() if value}
    first = leading(model._penalty())[1]
    for factor in (1 + 1e-9, 0.95):
        values = {name: v * factor * top / first for name, v in given.items()}
        weighted.set_params(**values).fit(Xs, ys)
        assert np.any(weighted.coef_[:, FREE > 0]) == (factor < 1)
        if factor < 1:
            continue
        null = sum(0.5 * np.mean(y**2) for y in targets)
        assert_allclose(weighted.objective_, null)
        for t, (X, y) in enumerate(zip(Xs, ys, strict=True)):
            known = np.column_stack([X[:, FREE == 0], np.ones(len(X))])
            best = np.linalg.lstsq(known, y, rcond=None)[0]
            found = [*weighted.coef_[t, FREE == 0], weighted.intercept_[t]]
            assert_allclose(found, best, atol=1e-8)


@pytest.mark.parametrize("name", ["L21", "TraceNorm", "Dirty", "Mean"])
def test_doors_agree(name):
    """A shared design with missing labels, lists, and a table with a task column."""
    rng = np.random.default_rng(1)
    X = make_problem((30,))[0][0]
    Y = X @ rng.normal(size=(6, 4)) + rng.normal(size=(30, 4))
    Y[rng.random(Y.shape) < 0.2] = np.nan
    seen = [~np.isnan(y) for y in Y.T]
    Xs, ys = [X[s] for s in seen], [y[s] for s, y in zip(seen, Y.T, strict=True)]
    model = COVARIATE_CASES[name]
    shared = fit(model, X, Y, feature_weight=FREE).coef_
    lists = fit(model, Xs, ys, feature_weight=FREE).coef_
    table = fit(model, *stack_tasks(Xs, ys), feature_weight=FREE, task_column=0).coef_
    assert_allclose(shared, lists, atol=1e-4)
    assert_allclose(table, lists, atol=1e-4)


def test_rows_of_weight_zero_do_not_count():
    Xs, ys = make_problem()
    weights = [np.ones(len(y)) for y in ys]
    for w in weights:
        w[::5] = 0
    model = clone(COVARIATE_CASES["L21"]).set_params(feature_weight=FREE, **TIGHT)
    weighted = model.fit(Xs, ys, weights).coef_
    part = [w > 0 for w in weights]
    model.fit(*([a[p] for a, p in zip(A, part, strict=True)] for A in (Xs, ys)))
    assert_allclose(weighted, model.coef_, atol=1e-4)


def test_covariates_that_depend_on_each_other():
    """Repeated and constant covariates are those that are there, once."""
    Xs, ys = make_problem()
    once = fit(COVARIATE_CASES["L21"], Xs, ys, feature_weight=FREE)
    twice = [np.hstack([X, X[:, [1, 4, 1]], np.ones((len(X), 1))]) for X in Xs]
    model = fit(once, twice, ys, feature_weight=np.append(FREE, np.zeros(4)))
    assert model.converged_
    assert_allclose(model.objective_, once.objective_, rtol=1e-8)
    for z, expected in zip(model.predict(twice), once.predict(Xs), strict=True):
        assert_allclose(z, expected, atol=1e-4)


@pytest.mark.parametrize(
    ("weight", "message"),
    [
        ([1.0, 2.0], r"shape \(2,\), but X has 6 features"),
        (np.ones((6, 4)), r"shape \(6, 4\), but X has 6 features"),
        ([1, 1, 1, 1, 1, -1], "at least 0"),
        ([1, 1, 1, 1, 1, np.nan], "finite"),
        ([1, 1, 1, 1, 1, np.inf], "finite"),
        (np.zeros(6), "not 0 everywhere"),
    ],
    ids=["few", "matrix", "negative", "nan", "infinite", "zero"],
)
def test_bad_weights_are_refused(weight, message):
    Xs, ys = make_problem()
    for model in (MultiTaskL21Regressor(), MultiTaskMeanRegressor()):
        with pytest.raises(ValueError, match=message):
            model.set_params(feature_weight=weight).fit(Xs, ys)


def test_the_task_column_has_no_weight():
    X, y = stack_tasks(*make_problem())
    model = MultiTaskL21Regressor(task_column=0, feature_weight=np.ones(7))
    with pytest.raises(ValueError, match=r"\(7,\).*6 features \(the task column is"):
        model.fit(X, y)


# "auto" of penalties that are made of others


def test_auto_within_components_is_resolved():
    Xs, ys = make_problem()
    model = MultiTaskRegressor(Components(L21(), L1("auto"))).fit(Xs, ys)
    rows, lasso = MultiTaskL21Regressor(), MultiTaskL1Regressor()
    assert_allclose(model.penalty_.left.lambda1, 0.1 * rows.lambda_max(Xs, ys))
    assert_allclose(model.penalty_.right.lambda1, 0.1 * lasso.lambda_max(Xs, ys))
    assert model.penalty.left.lambda1 == "auto"
    assert model.converged_
    top = model.lambda_max(Xs, ys) / leading(model.penalty_)[1]
    assert_allclose(top, 10)
    zero = MultiTaskRegressor(model.penalty_.scaled(top * (1 + 1e-9))).fit(Xs, ys)
    assert not zero.coef_.any()
    mixed = MultiTaskRegressor(Components(L21(0.2), L1("auto"))).fit(Xs, ys)
    assert mixed.penalty_.left.lambda1 == 0.2
    assert_allclose(mixed.penalty_.right.lambda1, 0.1 * lasso.lambda_max(Xs, ys))


@pytest.mark.parametrize("form", [True, False])
@pytest.mark.parametrize("loss", ["logistic", "poisson"])
@pytest.mark.parametrize("penalty", [L21(0.05), Mean(0.1) + Ridge(0.02)], ids=repr)
def test_covariates_of_other_losses(penalty, loss, form):
    cp = pytest.importorskip("cvxpy")
    rng = np.random.default_rng(0)
    Xs = [rng.standard_normal((n, 4)) for n in (30, 40, 50)]
    z = [X @ [1.0, -0.7, 0.5, 0.3] for X in Xs]
    weight = np.array([0.0, 1.0, 2.0, 0.5])
    if loss == "logistic":
        ys = [(v + 0.5 * rng.standard_normal(len(v)) > 0).astype(int) for v in z]
        model = MultiTaskClassifier(penalty)
    else:
        ys = [rng.poisson(np.exp(0.5 * v)) for v in z]
        model = MultiTaskRegressor(penalty, loss="poisson")
    model.set_params(feature_weight=weight, fit_intercept=form, tol=1e-8).fit(Xs, ys)
    W, c = cp.Variable((4, 3)), cp.Variable(3)
    if isinstance(penalty, L21):
        total = 0.05 * (weight @ cp.norm(W, 2, axis=1))
    else:
        rows = [W[j] - cp.sum(W[j]) / 3 for j in range(4)]
        total = sum(
            q * (0.1 * cp.sum_squares(r) + 0.02 * cp.sum_squares(W[j]))
            for j, (q, r) in enumerate(zip(weight, rows, strict=True))
        )
    for t, (X, y) in enumerate(zip(Xs, ys, strict=True)):
        v = X @ W[:, t] + (c[t] if form else 0.0)
        if loss == "logistic":
            total += cp.sum(cp.logistic(-cp.multiply(2 * y - 1, v))) / len(y)
        else:
            counts = y.astype(float)
            rest = np.where(y > 0, counts * np.log(np.maximum(y, 1)), 0) - counts
            total += cp.sum(cp.exp(v) - cp.multiply(counts, v) + rest) / len(y)
    expected = cp.Problem(cp.Minimize(total)).solve(cp.CLARABEL)
    assert model.objective_ == pytest.approx(expected, rel=1e-6)
    assert model.certificate_kind_ == "duality gap"
    assert model.certificate_ <= 1e-8


def test_covariates_need_a_smooth_loss():
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((30, 3)), rng.standard_normal(30)
    with pytest.raises(ValueError, match="smooth loss"):
        MultiTaskRegressor(loss="quantile", feature_weight=[0, 1, 1]).fit(X, y)


# No strength at all


ZERO = [
    n
    for n in pymtl.__all__
    if n.endswith("Regressor")
    and "lambda2" in str(inspect.signature(getattr(pymtl, n)))
]


@pytest.mark.parametrize("weight", [WEIGHT, FREE], ids=["weights", "covariates"])
@pytest.mark.parametrize("name", ZERO)
def test_without_strengths_weights_do_not_count(name, weight):
    Xs, ys = make_problem()
    model = getattr(pymtl, name)()
    zero = {n: 0.0 for n in model.get_params() if n.startswith("lambda")}
    zero.pop("lambda0", None)
    if "ridge" in model.get_params():
        zero["ridge"] = 0.0
    if "tree" in model.get_params():
        zero["tree"] = [[0, 1], [2, 3]]
    model.set_params(**zero, tol=1e-8)
    plain = clone(model).fit(Xs, ys)
    model.set_params(feature_weight=weight).fit(Xs, ys)
    assert model.converged_
    if name == "PooledRegressor" and weight is FREE:
        return  # covariates have a coefficient in each task
    assert_allclose(model.coef_, plain.coef_, atol=1e-3 * np.abs(plain.coef_).max())
    assert_allclose(model.objective_, plain.objective_, rtol=1e-6)


@pytest.mark.parametrize("ridge", [0.0, 0.1])
@pytest.mark.parametrize("weight", [WEIGHT, FREE], ids=["weights", "covariates"])
def test_paths_end_at_strength_zero(weight, ridge):
    Xs, ys = make_problem()
    model = MultiTaskL21Regressor(lambda2=ridge, feature_weight=weight, tol=1e-8)
    path = model.path(Xs, ys, lambda1=[0.1, 0.0])
    last = clone(model).set_params(lambda1=1e-9).fit(Xs, ys)
    assert_allclose(path.coef[-1], last.coef_, atol=1e-4 * np.abs(last.coef_).max())
