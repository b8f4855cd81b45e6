"""Classification: optima, labels of every kind, and what a task may lack."""

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, PoissonRegressor

import pymtl
from pymtl import (
    MultiTaskClassifier,
    MultiTaskDirtyClassifier,
    MultiTaskL21Classifier,
    MultiTaskMeanClassifier,
    MultiTaskNetworkLassoClassifier,
    MultiTaskRegressor,
    PooledClassifier,
    SingleTaskClassifier,
    stack_tasks,
)
from pymtl.penalties import L21, Components, Dirty, Graph, Mean, Ridge, TraceNorm

from .sweeps import thinned

CLASSIFIERS = [name for name in pymtl.__all__ if name.endswith("Classifier")]
EXACT = {"tol": 1e-9, "max_iter": 20_000}
SIZES = (25, 40, 60)


def problem(n_classes=2, seed=0, n_features=4):
    rng = np.random.default_rng(seed)
    Xs = [rng.standard_normal((n, n_features)) + 0.5 for n in SIZES]
    shared = rng.standard_normal((n_features, n_classes))
    ys = []
    for X in Xs:
        W = shared + 0.3 * rng.standard_normal(shared.shape)
        ys.append(np.argmax(X @ W + rng.gumbel(size=(len(X), n_classes)), axis=1))
    return Xs, ys


def weights_of(seed=1):
    rng = np.random.default_rng(seed)
    return [rng.uniform(0.2, 2.0, n) for n in SIZES], np.array([1.0, 0.3, 2.0])


def oracle(Xs, ys, weights, omega, penalty, form, n_classes=2):
    """Return the optimum that cvxpy finds."""
    cp = pytest.importorskip("cvxpy")
    d, T, K = Xs[0].shape[1], len(Xs), n_classes
    W, c = cp.Variable((d, T * K if K > 2 else T)), cp.Variable((T, max(K - 1, 1)))
    c_all = cp.hstack([c, np.zeros((T, 1))]) if K > 2 else c
    total = penalty(cp, W)
    if form is False:
        constraints = [c == 0]
    elif form == "shared":
        constraints = [c[t] == c[0] for t in range(T)]
    else:
        constraints = []
    for t, (X, y, s) in enumerate(zip(Xs, ys, weights, strict=True)):
        share = omega[t] * s / s.sum()
        if K == 2:
            z = X @ W[:, t] + c[t, 0]
            total += share @ cp.logistic(-cp.multiply(2 * y - 1, z))
        else:
            Z = X @ W[:, t * K : (t + 1) * K] + np.ones((len(X), 1)) @ c_all[t : t + 1]
            own = cp.sum(cp.multiply(Z, np.eye(K)[y]), axis=1)
            total += share @ (cp.log_sum_exp(Z, axis=1) - own)
    return cp.Problem(cp.Minimize(total), constraints).solve(cp.CLARABEL)


def rows(cp, W):
    return 0.05 * cp.sum(cp.norm(W, 2, axis=1))


def trace(cp, W):
    return 0.05 * cp.normNuc(W)


def graph(cp, W):
    gaps = [cp.sum_squares(W[:, s] - W[:, t]) for s in range(3) for t in range(s)]
    return 0.1 / 3 * sum(gaps) + 0.01 * cp.sum_squares(W)


def dirty(cp, W):
    Q = cp.Variable(W.shape)
    rows = cp.sum(cp.max(cp.abs(W - Q), axis=1))
    return 0.05 * rows + 0.04 * cp.sum(cp.abs(Q))


CASES = [
    (L21(0.05), rows),
    (TraceNorm(0.05), trace),
    (Graph(0.1) + Ridge(0.01), graph),
    (Dirty(0.05, 0.04), dirty),
]


@pytest.mark.parametrize("form", [True, False, "shared"])
@pytest.mark.parametrize(("penalty", "formula"), CASES, ids=lambda v: type(v).__name__)
def test_logistic_optimum(penalty, formula, form):
    Xs, ys = problem()
    weights, omega = weights_of()
    model = MultiTaskClassifier(
        penalty, fit_intercept=form, task_weight=omega, **EXACT
    ).fit(Xs, ys, weights)
    expected = oracle(Xs, ys, weights, omega, formula, form)
    assert model.objective_ == pytest.approx(expected, rel=1e-6)
    assert model.certificate_kind_ == "duality gap"
    assert model.certificate_ <= 1e-9


@pytest.mark.parametrize("form", [True, False])
@pytest.mark.parametrize(
    ("penalty", "formula"), CASES[:2], ids=lambda v: type(v).__name__
)
def test_multinomial_optimum(penalty, formula, form):
    Xs, ys = problem(3)
    weights, omega = weights_of()
    if form is False:
        pytest.importorskip("cvxpy")
    model = MultiTaskClassifier(
        penalty, fit_intercept=form, task_weight=omega, **EXACT
    ).fit(Xs, ys, weights)
    expected = oracle(Xs, ys, weights, omega, formula, form, 3)
    assert model.objective_ == pytest.approx(expected, rel=1e-6)
    assert model.certificate_ <= 1e-9


@pytest.mark.parametrize("form", [True, False, "shared", "shrink"])
@pytest.mark.parametrize("solver", ["newton", "apg"])
def test_solvers_agree(form, solver):
    Xs, ys = problem()
    for penalty in (L21(0.05), Mean(0.1), Ridge(0.02), Components(L21(0.05), L21(0.1))):
        model = MultiTaskClassifier(penalty, fit_intercept=form, **EXACT)
        expected = model.fit(Xs, ys).objective_
        model.set_params(solver=solver).fit(Xs, ys)
        assert model.objective_ == pytest.approx(expected, rel=1e-8)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_one_task_is_logistic_regression(n_classes):
    Xs, ys = problem(n_classes)
    X, y = Xs[2], np.array(["low", "middle", "top"])[ys[2]]
    model = MultiTaskClassifier(Ridge(0.01), tol=1e-11).fit(X, y)
    peer = LogisticRegression(C=1 / (0.02 * len(X)), tol=1e-10, max_iter=10_000)
    peer.fit(X, y)
    assert_array_equal(model.classes_, peer.classes_)
    assert_allclose(model.predict_proba(X), peer.predict_proba(X), atol=1e-5)
    assert_array_equal(model.predict(X), peer.predict(X))
    assert model.score(X, y) == peer.score(X, y)


def test_one_task_is_poisson_regression():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((80, 3))
    exposure = rng.uniform(0.5, 3.0, 80)
    y = rng.poisson(exposure * np.exp(X @ [0.5, -0.3, 0.2] + 0.4))
    model = MultiTaskRegressor(Ridge(0.05), loss="poisson", tol=1e-12)
    peer = PoissonRegressor(alpha=0.1, tol=1e-10, max_iter=10_000).fit(X, y)
    assert_allclose(model.fit(X, y).predict(X), peer.predict(X), rtol=1e-5)
    rate = PoissonRegressor(alpha=0.1, tol=1e-10, max_iter=10_000)
    rate.fit(X, y / exposure, sample_weight=exposure)
    model.fit(X, y, sample_weight=None, offset=np.log(exposure))
    strength = 0.05 * len(y) / exposure.sum()  # the peer divides by the exposure
    other = MultiTaskRegressor(Ridge(strength * exposure.mean()), loss="poisson")
    other.set_params(tol=1e-12).fit(X, y, offset=np.log(exposure))
    assert_allclose(other.coef_, model.coef_, rtol=1e-6)
    rate.set_params(alpha=2 * 0.05 / exposure.mean()).fit(
        X, y / exposure, sample_weight=exposure
    )
    assert_allclose(model.coef_[0], rate.coef_, rtol=1e-4)
    assert_allclose(
        model.predict(X, offset=np.log(exposure)), exposure * rate.predict(X), rtol=1e-4
    )


def test_counts_below_zero_are_refused():
    X = np.eye(4)
    model = MultiTaskRegressor(loss="poisson")
    with pytest.raises(ValueError, match=r"Task 1: y holds -1.*counts"):
        model.fit([X, X], [[0, 1, 2, 3], [1, 2, -1, 3]])


def test_doors_agree():
    Xs, ys = problem(3)
    names = np.array(["a", "b", "c"])
    ys = [names[y] for y in ys]
    model = MultiTaskClassifier(**EXACT).fit(Xs, ys)
    keyed = MultiTaskClassifier(**EXACT).fit(
        dict(zip("xyz", Xs, strict=True)), dict(zip("xyz", ys, strict=True))
    )
    X, y = stack_tasks(Xs, ys)
    order = np.random.default_rng(0).permutation(len(y))
    table = MultiTaskClassifier(task_column=0, **EXACT).fit(X[order], y[order])
    sparse = MultiTaskClassifier(**EXACT).fit([sp.csr_array(X) for X in Xs], ys)
    for other in (keyed, table, sparse):
        assert_allclose(other.coef_, model.coef_, atol=1e-6)
        assert_allclose(other.intercept_, model.intercept_, atol=1e-6)
        assert_array_equal(other.classes_, names)
    p = model.predict_proba(Xs)
    assert [q.shape for q in p] == [(n, 3) for n in SIZES]
    assert_allclose(np.concatenate(p)[order], table.predict_proba(X[order]), atol=1e-6)
    assert_allclose(keyed.predict_proba({"y": Xs[1]})["y"], p[1], atol=1e-6)
    assert_array_equal(
        np.concatenate(model.predict(Xs))[order], table.predict(X[order])
    )


def test_missing_labels_are_lists_of_what_is_seen():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((50, 4))
    Y = (X @ rng.standard_normal((4, 3)) + rng.standard_normal((50, 3)) > 0).astype(
        float
    )
    gone = rng.random(Y.shape) < 0.3
    seen = [X[~g] for g in gone.T]
    lists = MultiTaskClassifier(**EXACT).fit(
        seen, [y[~g] for y, g in zip(Y.T, gone.T, strict=True)]
    )
    with_nan, with_marker = np.where(gone, np.nan, Y), np.where(gone, -1, Y).astype(int)
    text = np.where(Y > 0, "yes", "no").astype(object)
    text[gone] = None
    models = [
        MultiTaskClassifier(**EXACT).fit(X, with_nan),
        MultiTaskClassifier(missing=-1, **EXACT).fit(X, with_marker),
        MultiTaskClassifier(**EXACT).fit(X, text),
    ]
    for model in models:
        assert_allclose(model.coef_, lists.coef_, atol=1e-7)
    assert models[0].predict_proba(X).shape == (50, 3)
    assert models[2].classes_.tolist() == ["no", "yes"]
    scores = [
        m.score(X, y)
        for m, y in zip(models, (with_nan, with_marker, text), strict=True)
    ]
    assert_allclose(scores, scores[0])


def test_tasks_with_labels_of_their_own():
    Xs, ys = problem(3)
    ys = [ys[0], np.array(["p", "q", "r"])[ys[1]], (ys[2] > 0).astype(int)]
    model = MultiTaskClassifier(tol=1e-8).fit(Xs, ys)
    assert [labels.tolist() for labels in model.classes_] == [
        [0, 1, 2],
        ["p", "q", "r"],
        [0, 1],
    ]
    assert [c.shape for c in model.coef_] == [(3, 4), (3, 4), (2, 4)]
    assert [p.shape[1] for p in model.predict_proba(Xs)] == [3, 3, 2]
    assert_allclose([p.sum(axis=1).max() for p in model.predict_proba(Xs)], 1.0)
    assert set(model.predict(Xs)[1]) <= set("pqr")
    assert model.score(Xs, ys) > 0.5
    binary = [(y == y[0]).astype(int) for y in ys]
    binary[1] = np.where(binary[1], "yes", "no")
    model = MultiTaskClassifier().fit(Xs, binary)
    assert model.coef_.shape == (3, 4)
    assert set(model.predict(Xs)[1]) <= {"yes", "no"}


def test_class_that_a_task_lacks():
    Xs, ys = problem(3)
    keep = ys[1] != 2
    Xs[1], ys[1] = Xs[1][keep], ys[1][keep]
    X, y = stack_tasks(Xs, ys)
    model = MultiTaskClassifier(task_column=0, tol=1e-8).fit(X, y)
    assert model.certificate_ <= 1e-8
    assert model.intercept_[1, 2] == -np.inf
    p = model.predict_proba(X)
    assert_array_equal(p[X[:, 0] == 1, 2], 0.0)
    assert_allclose(p.sum(axis=1), 1.0)


def test_task_with_one_class():
    Xs, ys = problem()
    ys[1][:] = 1
    model = MultiTaskClassifier()
    with pytest.raises(ValueError, match=r"Task 1 has one class only.*single_class"):
        model.fit(Xs, ys)
    X, y = stack_tasks(Xs, ys)
    model = MultiTaskClassifier(single_class="constant", task_column=0).fit(X, y)
    assert set(model.predict(X[X[:, 0] == 1])) == {1}
    others = MultiTaskClassifier().fit(Xs[::2], ys[::2])
    assert_allclose(model.coef_[::2], others.coef_, rtol=1e-3, atol=1e-6)
    shared = MultiTaskClassifier(task_column=0, fit_intercept="shared").fit(X, y)
    assert np.isfinite(shared.intercept_).all()
    with pytest.raises(ValueError, match="one class"):
        MultiTaskClassifier(task_column=0).fit(X, np.ones(len(y)))


def separated(n_classes):
    rng = np.random.default_rng(0)
    W = rng.standard_normal((4, n_classes))
    Xs = [rng.standard_normal((30, 4)) for _ in range(3)]
    return Xs, [np.argmax(X @ W, axis=1) for X in Xs]


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize(
    "model",
    [
        SingleTaskClassifier(0.0),
        PooledClassifier(0.0),
        MultiTaskMeanClassifier(0.1, 0.0),
        MultiTaskNetworkLassoClassifier(0.1, 0.0),
        MultiTaskL21Classifier(0.0),
        MultiTaskClassifier("mean"),
    ],
    ids=lambda model: type(model).__name__,
)
def test_separated_labels_without_ridge(model, n_classes):
    """There is no finite optimum: that is said soon."""
    Xs, ys = separated(n_classes)
    with pytest.warns(ConvergenceWarning, match="no finite optimum.*ridge"):
        model.fit(Xs, ys)
    assert not model.converged_
    assert model.n_iter_ <= 200
    assert np.isfinite(model.coef_).all()
    assert model.score(Xs, ys) > 0.9


@thinned(2, name=CLASSIFIERS, n_classes=[2, 3])
def test_separated_labels_are_fitted_by_default(name, n_classes):
    """Finite, with a certificate, by every classifier as it is."""
    model = getattr(pymtl, name)().fit(*separated(n_classes))
    assert model.certificate_ <= model.tol
    assert np.abs(model.coef_).max() < 50


def test_labels_that_some_tasks_separate():
    """What the tasks share is bounded by the others; what they do not is not."""
    Xs, ys = separated(2)
    rng = np.random.default_rng(1)
    for y in ys[1:]:
        flipped = rng.random(len(y)) < 0.3
        y[flipped] = 1 - y[flipped]
    for model in (PooledClassifier(0.0), MultiTaskMeanClassifier(0.1, 0.0)):
        assert model.fit(Xs, ys).converged_
    with pytest.warns(ConvergenceWarning, match="no finite optimum"):
        SingleTaskClassifier(0.0).fit(Xs, ys)


LEARNED = {
    "Clustered": {"cluster_labels_": (3,), "cluster_matrix_": (3, 3)},
    "Relationship": {"task_covariance_": (3, 3), "task_correlation_": (3, 3)},
    "FeatureCovariance": {"feature_covariance_": (4, 4)},
    "ASO": {"subspace_": (2, 4)},
    "NetworkLasso": {"task_groups_": (3,)},
    "Dirty": {},
    "DataShared": {},
    "SparseLowRank": {},
    "RobustFeature": {},
    "RobustLowRank": {},
}


@thinned(2, structure=LEARNED, n_classes=[2, 3])
def test_what_structures_learn(structure, n_classes):
    """Of tasks, of features, or of the shape of coef_: for more classes too."""
    Xs, ys = problem(n_classes)
    model = getattr(pymtl, f"MultiTask{structure}Classifier")().fit(Xs, ys)
    for name, shape in LEARNED[structure].items():
        assert getattr(model, name).shape == shape
    if LEARNED[structure]:
        return
    parts = model.shared_coef_, model.specific_coef_
    assert parts[0].shape == model.coef_.shape
    assert_allclose(sum(parts), model.coef_, atol=1e-12)
    if hasattr(model, "outlier_tasks_"):
        own = model.specific_coef_.reshape(3, -1).any(axis=1)
        assert_array_equal(model.outlier_tasks_, np.flatnonzero(own))
    if structure == "DataShared":
        assert np.ptp(model.shared_coef_, axis=0).max() == 0


def test_parts_of_tasks_with_labels_of_their_own():
    Xs, ys = problem(3)
    ys = [ys[0], np.array(["p", "q", "r"])[ys[1]], (ys[2] > 0).astype(int)]
    model = MultiTaskDirtyClassifier().fit(Xs, ys)
    parts = zip(model.shared_coef_, model.specific_coef_, model.coef_, strict=True)
    for P, Q, W in parts:
        assert_allclose(P + Q, W, atol=1e-12)


def test_class_weight():
    Xs, ys = problem()
    weights = [np.where(y == 1, 3.0, 1.0) for y in ys]
    model = MultiTaskClassifier(L21(0.05), class_weight={1: 3.0}, **EXACT).fit(Xs, ys)
    expected = MultiTaskClassifier(L21(0.05), **EXACT).fit(Xs, ys, weights)
    assert_allclose(model.coef_, expected.coef_, atol=1e-8)
    weights = [np.where(y == 1, (y == 0).sum(), (y == 1).sum()) for y in ys]
    model.set_params(class_weight="balanced").fit(Xs, ys)
    expected.fit(Xs, ys, weights)
    assert_allclose(model.coef_, expected.coef_, atol=1e-7)


def test_probabilities_need_a_loss_that_has_them():
    Xs, ys = problem()
    model = MultiTaskClassifier(loss="squared_hinge").fit(Xs, ys)
    assert not hasattr(model, "predict_proba")
    with pytest.raises(AttributeError, match="predict_proba") as error:
        _ = model.predict_proba
    assert "logistic" in str(error.value.__cause__)
    with pytest.raises(ValueError, match="two classes"):
        MultiTaskClassifier(loss="squared_hinge").fit(*problem(3))


def test_labels_that_are_no_classes_are_refused():
    Xs, ys = problem()
    with pytest.raises(ValueError, match="Unknown label type"):
        MultiTaskClassifier().fit(
            Xs, [y + 0.5 * np.arange(len(y)) / len(y) for y in ys]
        )


def test_frame_of_classes():
    pytest.importorskip("pandas")
    Xs, ys = problem(3)
    frame = MultiTaskClassifier().fit(Xs, ys).coef_frame()
    assert frame.shape == (9, 5)
    assert frame.index.names == ["task", "class"]


def test_sample_weights_are_left_alone():
    Xs, ys = problem()
    X, y = stack_tasks(Xs, ys)
    y[X[:, 0] == 1] = 1
    weight = np.ones(len(y))
    weight.flags.writeable = False
    options = {"class_weight": {1: 3.0}, "single_class": "constant"}
    MultiTaskClassifier(task_column=0, **options).fit(X, y, weight)
    assert_array_equal(weight, 1.0)
