"""New tasks of every structure, against independent solvers of their problem."""

import cvxpy as cp
import numpy as np
import pytest
import scipy.sparse as sp
from scipy.cluster.hierarchy import linkage

from pymtl import (
    MultiTaskClassifier,
    MultiTaskClusteredRegressor,
    MultiTaskFusedSparseGroupRegressor,
    MultiTaskGraphRegressor,
    MultiTaskMixed,
    MultiTaskNetworkLassoClassifier,
    MultiTaskNetworkLassoRegressor,
    MultiTaskRegressor,
    MultiTaskRelationshipRegressor,
    MultiTaskSparseGroupRegressor,
    MultiTaskTemporalGroupRegressor,
    MultiTaskTreeRegressor,
    PooledClassifier,
    SingleTaskRegressor,
)
from pymtl.datasets import make_multitask_classification, make_multitask_regression
from pymtl.penalties import (
    L1,
    L21,
    PENALTIES,
    Chain,
    Clustered,
    Components,
    DataShared,
    Dirty,
    FeatureCovariance,
    Graph,
    LInf,
    Mean,
    NetworkLasso,
    Relationship,
    Ridge,
    RobustFeature,
    SparseGroup,
    TraceNorm,
    Tree,
)
from pymtl.penalties._box_norm import BoxNorm
from pymtl.penalties._prior import About, Beside, Deviations, Distances, Near, Place

RNG = np.random.default_rng(0)
RING = np.roll(np.eye(5), 1, axis=1) + np.roll(np.eye(5), -1, axis=1)
LINKS = {0: 1.0, 3: 0.5}
TIMES = [0.0, 1.0, 2.5, 4.0, 7.0]


@pytest.fixture(scope="module")
def data():
    return make_multitask_regression(
        n_tasks=6,
        n_samples=25,
        n_features=6,
        structure="mean",
        snr=2.0,
        random_state=0,
    )


def near(w, W, weights):
    return sum(a * cp.sum_squares(w - W[:, t]) for t, a in weights.items())


def apart(w, W, weights):
    return sum(a * cp.norm(w - W[:, t]) for t, a in weights.items())


def steps(w, W, weights):
    return sum(a * cp.norm1(w - W[:, t]) for t, a in weights.items())


def rows(w, W):
    size = np.linalg.norm(W, axis=1)
    used = size > 0
    return cp.sum(cp.multiply(0.5 / size[used], cp.square(w[used]))) + 1e6 * (
        cp.sum_squares(w[~used]) if (~used).any() else 0
    )


AFTER, BETWEEN = {4: 1 / 1.75}, {2: 1 / 0.5, 3: 1.0}
CASES = {
    "graph": (
        MultiTaskGraphRegressor(0.3, 0.1, graph=RING),
        {"neighbours": LINKS},
        lambda w, W: 0.3 * near(w, W, LINKS) + 0.1 * cp.sum_squares(w),
    ),
    "graph by incidence": (
        MultiTaskRegressor(Graph(0.3, incidence=RING[:, :3])),
        {"neighbours": [1, 4]},
        lambda w, W: 0.3 * near(w, W, {1: 1.0, 4: 1.0}),
    ),
    "graph in order": (
        MultiTaskGraphRegressor(0.3, graph="order"),
        {"time": 1.5},
        lambda w, W: 0.6 * near(w, W, {1: 1.0, 2: 1.0}),
    ),
    "network lasso": (
        MultiTaskNetworkLassoRegressor(0.15, 0.1, graph=RING),
        {"neighbours": LINKS},
        lambda w, W: 0.15 * apart(w, W, LINKS) + 0.1 * cp.sum_squares(w),
    ),
    "network lasso of all": (
        MultiTaskNetworkLassoRegressor(0.3),
        {},
        lambda w, W: 0.3 * apart(w, W, dict.fromkeys(range(5), 1 / 6)),
    ),
    "network lasso in order": (
        MultiTaskNetworkLassoRegressor(0.1, graph="order"),
        {},
        lambda w, W: 0.1 * apart(w, W, {4: 1.0}),
    ),
    "chain": (
        MultiTaskRegressor(Chain(0.3, TIMES) + Ridge(0.1)),
        {"time": 3.0},
        lambda w, W: 0.3 * near(w, W, BETWEEN) + 0.1 * cp.sum_squares(w),
    ),
    "temporal group": (
        MultiTaskTemporalGroupRegressor(0.1, 0.3, 0.6, times=TIMES),
        {},
        lambda w, W: (
            0.1 * cp.sum_squares(w) + 0.3 * near(w, W, AFTER) + 0.6 * rows(w, W)
        ),
    ),
    "fused sparse group": (
        MultiTaskFusedSparseGroupRegressor(0.05, 0.1, 0.3, times=TIMES),
        {"time": 3.0},
        lambda w, W: 0.05 * cp.norm1(w) + 0.1 * steps(w, W, BETWEEN) + 0.3 * rows(w, W),
    ),
    "sparse group, shrunk to the mean": (
        MultiTaskRegressor(SparseGroup(0.2, 0.1) + Mean(0.3)),
        {},
        lambda w, W: (
            0.2 * rows(w, W)
            + 0.1 * cp.norm1(w)
            + 0.25 * cp.sum_squares(w - W.mean(axis=1))
        ),
    ),
    "linf": (
        MultiTaskRegressor(LInf(0.4)),
        {},
        lambda w, W: 0.4 * cp.sum(cp.pos(cp.abs(w) - np.abs(W).max(axis=1))),
    ),
    "tree": (
        MultiTaskTreeRegressor(0.1, tree=[[0, 1], [2, (3, 0.5), 4]]),
        {"neighbours": [2, 4]},
        lambda w, W: (
            0.1 * rows(w, W) + 0.1 * rows(w, W[:, 2:]) + 0.1 * 2.5 / 3 * cp.norm1(w)
        ),
    ),
    "tree, below the root": (
        MultiTaskTreeRegressor(0.1, tree=[[0, 1], [2, 3, 4]]),
        {},
        lambda w, W: 0.1 * rows(w, W) + 0.2 * cp.norm1(w),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_the_problem_with_all_else_fixed(data, case):
    model, place, value = CASES[case]
    model.set_params(tol=1e-10, max_iter=100_000).fit(data.Xs[:5], data.ys[:5])
    X, y = data.Xs[5][:12], data.ys[5][:12]
    new = model.fit_new_task(X, y, **place)
    w, c = cp.Variable(6), cp.Variable()
    W = np.asarray(model.coef_.T)
    loss = cp.sum_squares(y - X @ w - c) / (2 * len(y))
    cp.Problem(cp.Minimize(loss + value(w, W))).solve(solver=cp.CLARABEL)
    np.testing.assert_allclose(new.coef_[0], w.value, atol=2e-5)
    np.testing.assert_allclose(new.intercept_[0], c.value, atol=2e-5)
    assert new.converged_


def place_of(penalty):
    """Return the arguments that say where a new task belongs, if it asks for them."""
    return {"neighbours": [0, 2]} if penalty.placed_by == "neighbours" else {}


@pytest.mark.parametrize("name", sorted(PENALTIES))
def test_every_structure_has_a_place_for_a_new_task(data, name):
    for penalty in PENALTIES[name].examples(6, 5):
        model = MultiTaskRegressor(penalty.scaled(0.1)).fit(data.Xs[:5], data.ys[:5])
        place = place_of(model.penalty_)
        new = model.fit_new_task(data.Xs[5], data.ys[5], **place)
        assert new.converged_
        assert np.isfinite(new.coef_).all()
        assert new.score(data.Xs[5], data.ys[5]) > 0.1
        single = data.Xs[5].astype(np.float32)
        same = model.fit_new_task(sp.csr_array(single), data.ys[5], **place)
        np.testing.assert_allclose(same.coef_, new.coef_, atol=2e-2)
        if place and name != "tree":  # which has a place below its root
            with pytest.raises(ValueError, match="neighbours="):
                model.fit_new_task(data.Xs[5], data.ys[5])


@pytest.mark.parametrize("center", [False, True])
def test_a_new_task_joins_the_group_of_the_lowest_objective(center):
    data = make_multitask_regression(
        n_tasks=9, n_samples=40, n_features=6, structure="clustered", random_state=1
    )
    model = MultiTaskClusteredRegressor(
        0.5, 0.05, n_clusters=3, center=center, feature_weight=np.arange(1.0, 7.0)
    )
    model.fit(data.Xs[:8], data.ys[:8])
    labels = model.cluster_labels_
    assert len(np.unique(labels)) == 3
    root, W = np.sqrt(np.arange(1.0, 7.0)), model.coef_.T
    for n in (5, 10):
        X, y = data.Xs[8][:n], data.ys[8][:n]
        found = []
        for label in np.unique(labels):
            group = W[:, labels == label]
            m, mean = group.shape[1], group.mean(axis=1)
            w, c = cp.Variable(6), cp.Variable()
            loss = cp.sum_squares(y - X @ w - c) / (2 * n)
            near = 0.5 * m / (m + 1) * cp.sum_squares(cp.multiply(root, w - mean))
            ridge = 0.05 * cp.sum_squares(cp.multiply(root, w))
            task = cp.Problem(cp.Minimize(loss + near + ridge))
            found.append((task.solve(solver=cp.CLARABEL), w.value, c.value))
        objective, w, c = min(found, key=lambda case: case[0])
        new = model.fit_new_task(X, y)
        assert new.objective_ == pytest.approx(objective, rel=1e-6)
        np.testing.assert_allclose(new.coef_[0], w, atol=1e-5)
        np.testing.assert_allclose(new.intercept_[0], c, atol=1e-5)


def test_groups_take_fewer_samples_than_their_subspace(monkeypatch):
    errors, own = [], Clustered.new_task
    for seed in range(6):
        data = make_multitask_regression(
            n_tasks=17,
            n_samples=40,
            n_features=20,
            structure="clustered",
            n_clusters=2,
            snr=2.0,
            random_state=seed,
        )
        model = MultiTaskClusteredRegressor().fit(data.Xs[:16], data.ys[:16])
        truth, X, y = data.coef[16], data.Xs[16][:8], data.ys[16][:8]
        fits = []
        for new_task in (own, BoxNorm.new_task):
            monkeypatch.setattr(Clustered, "new_task", new_task)
            fits.append(model.fit_new_task(X, y).coef_[0])
        fits.append(SingleTaskRegressor().fit(X, y).coef_[0])
        errors.append([np.sum((w - truth) ** 2) / np.sum(truth**2) for w in fits])
    group, subspace, alone = np.mean(errors, axis=0)
    assert group < 0.8 * subspace < 0.8 * alone


def test_a_group_is_joined_beside_another_part(data):
    penalty = Components(Clustered(0.3, 0.05), L1(0.1))
    model = MultiTaskRegressor(penalty).fit(data.Xs[:5], data.ys[:5])
    assert model.fit_new_task(data.Xs[5], data.ys[5]).converged_


def test_relationship_is_the_prior_of_the_learned_task_covariance(data):
    model = MultiTaskRelationshipRegressor(0.02, 0.05, tol=1e-10)
    model.fit(data.Xs[:5], data.ys[:5])
    X, y = data.Xs[5][:12], data.ys[5][:12]
    new = model.fit_new_task(X, y)
    W, S = model.coef_.T.astype(float), model.task_covariance_
    nuclear = np.linalg.svd(W, compute_uv=False).sum()
    a, c = cp.Variable(5), cp.Variable()
    loss = cp.sum_squares(y - X @ W @ a - c) / 24 + 0.01 * cp.sum_squares(W @ a)
    loss += 0.025 * nuclear**2 * cp.quad_form(a, cp.psd_wrap(S))
    cp.Problem(cp.Minimize(loss)).solve(solver=cp.CLARABEL)
    np.testing.assert_allclose(new.coef_[0], W @ a.value, atol=1e-5)

    # that is the objective of a covariance with a row for the new task, S as it is
    whole, w = cp.Variable((6, 6), PSD=True), new.coef_[0]
    size = whole[5, 5]
    scaled = [whole[:5, :5] == (1 - size) * S, size <= 1]
    full = np.column_stack([W, w])
    cost = cp.matrix_frac(full.T, whole)
    least = cp.Problem(cp.Minimize(cost), scaled).solve(solver=cp.CLARABEL)
    b = np.linalg.lstsq(W, w, rcond=None)[0]
    assert least == pytest.approx(nuclear**2 * (1 + b @ S @ b), rel=1e-5)


TREE = [[0, 1, 2], [3, 4]]
CLASSES = {
    "ridge": Ridge(0.05),
    "l21": L21(0.03) + Ridge(0.02),
    "trace": TraceNorm(0.03),
    "sparse group": SparseGroup(0.02, 0.02),
    "linf": LInf(0.03),
    "covariance": FeatureCovariance(0.001),
    "relationship": Relationship(0.01, 0.01),
    "robust": RobustFeature(0.05, 0.06),
    "dirty": Dirty(0.05, 0.03),
    "data shared": DataShared(0.05, 0.02),
    "tree": Tree(0.01, TREE),
}


@pytest.fixture(scope="module")
def labels():
    data = make_multitask_classification(
        n_tasks=5, n_samples=60, n_features=4, structure="mean", random_state=0
    )
    B, rng = RNG.normal(size=(3, 4)), np.random.default_rng(1)
    scores = [X @ B.T + rng.normal(size=(60, 3)) for X in data.Xs]
    return data.Xs, [np.array(["a", "b", "c"])[z.argmax(axis=1)] for z in scores]


@pytest.mark.parametrize("name", CLASSES)
def test_a_task_of_three_classes_gets_back_its_probabilities(labels, name):
    Xs, ys = labels
    model = MultiTaskClassifier(CLASSES[name], tol=1e-9).fit(Xs, ys)
    place = {"neighbours": [4]} if name == "tree" else {}
    new = model.fit_new_task(Xs[3], ys[3], **place)
    assert new.coef_.shape == (1, 3, 4)
    p = model.predict_proba({3: Xs[3]})[3]
    np.testing.assert_allclose(new.predict_proba(Xs[3]), p, atol=2e-4)
    if name not in ("linf", "dirty"):  # which leave free what classes have in common
        np.testing.assert_allclose(new.coef_[0], model.coef_[3], atol=1e-3)


def multinomial(X, y, classes, value, intercept=None):
    """Minimise the multinomial loss of a task, by an independent solver."""
    W, c = cp.Variable((len(classes), X.shape[1])), cp.Variable(len(classes))
    Z = X @ W.T + np.ones((len(X), 1)) @ cp.reshape(c, (1, len(classes)), order="C")
    Y = (np.asarray(y)[:, None] == classes).astype(float)
    loss = cp.sum(cp.log_sum_exp(Z, axis=1)) - cp.sum(cp.multiply(Y, Z))
    objective = loss / len(X) + value(W) + (intercept(c) if intercept else 0)
    cp.Problem(cp.Minimize(objective)).solve(solver=cp.CLARABEL)
    return W.value, c.value


def test_three_classes_near_the_mean_with_shrunk_intercepts(labels):
    Xs, ys = labels
    model = MultiTaskClassifier(
        Mean(0.1) + Ridge(0.01), fit_intercept="shrink", lambda0=0.2, tol=1e-9
    ).fit(Xs[:4], ys[:4])
    X, y = Xs[4][:20], ys[4][:20]
    new = model.fit_new_task(X, y)
    mean, centre = model.coef_.mean(axis=0), model.intercept_.mean(axis=0)
    W, c = multinomial(
        X,
        y,
        model.classes_,
        lambda W: 0.08 * cp.sum_squares(W - mean) + 0.01 * cp.sum_squares(W),
        lambda c: 0.16 * cp.sum_squares(c - centre),
    )
    np.testing.assert_allclose(new.coef_[0], W, atol=1e-4)
    np.testing.assert_allclose(new.intercept_[0], c - c.mean(), atol=1e-4)
    assert new.prior_mean_.shape == (3, 4)


def test_three_classes_with_intercepts_in_the_columns_of_classes(labels):
    Xs, ys = labels
    penalty = SparseGroup(0.02, 0.01)
    model = MultiTaskClassifier(
        penalty, fit_intercept="shrink", lambda0=0.2, tol=1e-9
    ).fit(Xs[:4], ys[:4])
    X, y = Xs[4][:20], ys[4][:20]
    new = model.fit_new_task(X, y)
    size = np.linalg.norm(model.coef_.reshape(-1, 4), axis=0)
    centre = model.intercept_.mean(axis=0)
    W, c = multinomial(
        X,
        y,
        model.classes_,
        lambda W: (
            0.01 * cp.sum(cp.multiply(cp.square(W), np.ones((3, 1)) / size))
            + 0.01 * cp.sum(cp.abs(W))
        ),
        lambda c: 0.16 * cp.sum_squares(c - centre),
    )
    np.testing.assert_allclose(new.coef_[0], W, atol=5e-4)
    np.testing.assert_allclose(new.intercept_[0], c - c.mean(), atol=5e-4)
    model = MultiTaskClassifier(L21(0.03), fit_intercept="shared", tol=1e-9)
    model.fit(Xs, ys)
    new = model.fit_new_task(Xs[3], ys[3])
    np.testing.assert_allclose(new.coef_[0], model.coef_[3], atol=1e-3)
    np.testing.assert_allclose(new.intercept_[0], model.intercept_[3], atol=1e-7)


def test_one_model_for_all_classes_moves_its_intercept_alone(labels):
    Xs, ys = labels
    model = PooledClassifier(0.1, fit_intercept=True).fit(Xs[:4], ys[:4])
    new = model.fit_new_task(Xs[4], ys[4])
    np.testing.assert_allclose(new.coef_[0], model.coef_[0], atol=1e-12)
    _, c = multinomial(
        Xs[4], ys[4], model.classes_, lambda W: 1e4 * cp.sum_squares(W - model.coef_[0])
    )
    np.testing.assert_allclose(new.intercept_[0], c - c.mean(), atol=1e-4)


def test_a_class_that_the_new_task_does_not_show(labels):
    Xs, ys = labels
    model = MultiTaskClassifier(L21(0.03)).fit(Xs[:4], ys[:4])
    seen = ys[4] != "b"
    new = model.fit_new_task(Xs[4][seen], ys[4][seen])
    assert new.classes_.tolist() == ["a", "b", "c"]
    assert new.predict_proba(Xs[4])[:, 1].max() == 0
    with pytest.raises(ValueError, match=r"holds \['d'\], the classes of training"):
        model.fit_new_task(Xs[4][:2], ["a", "d"])


@pytest.mark.parametrize(
    "penalty", [L21(0.1), Dirty(0.1, 0.06), Relationship(0.01, 0.02)]
)
def test_mixed_tasks_get_back_their_coefficients(data, penalty):
    ys = [10 * data.ys[0] + 3, np.where(data.ys[1] > 0, "yes", "no"), *data.ys[2:]]
    loss = ["squared", "logistic", "huber", *["squared"] * 3]
    model = MultiTaskMixed(penalty, loss, tol=1e-9, max_iter=100_000)
    model.fit(data.Xs, ys)
    for t in range(3):
        new = model.fit_new_task(data.Xs[t], ys[t], loss=loss[t])
        unit = np.abs(model.coef_[t]).max()
        np.testing.assert_allclose(new.coef_[0], model.coef_[t], atol=2e-4 * unit)
        assert new.intercept_[0] == pytest.approx(model.intercept_[t], abs=2e-3)
        answer = model.predict({t: data.Xs[t]})[t]
        assert new.predict(data.Xs[t]).shape == answer.shape
        assert new.predict(data.Xs[t])[0] == pytest.approx(answer[0], abs=2e-3)
    with pytest.raises(ValueError, match="say which the new one has, loss="):
        model.fit_new_task(data.Xs[0], ys[0])


def test_mixed_tasks_without_a_new_one(data):
    ys = [*data.ys[:5], np.digitize(data.ys[5], [-1, 1])]
    loss = ["squared"] * 5 + ["logistic"]
    model = MultiTaskMixed(L21(0.1), loss).fit(data.Xs, ys)
    new = model.fit_new_task(data.Xs[5], ys[5], loss="logistic")
    assert new.coef_[0].shape == (3, 6)
    assert new.score(data.Xs[5], ys[5]) > 0.6
    for fitted in (ys, data.ys):
        losses = loss if fitted is ys else "squared"
        model = MultiTaskMixed("clustered", losses).fit(data.Xs, fitted)
        with pytest.raises(ValueError, match="holds all classes of a task"):
            model.fit_new_task(data.Xs[5], ys[5], loss="logistic")
    model = MultiTaskMixed("mean", fit_intercept="shared").fit(data.Xs, data.ys)
    with pytest.raises(ValueError, match="does not share intercepts"):
        model.fit_new_task(data.Xs[0], data.ys[0])


def test_network_lasso_of_a_classifier():
    data = make_multitask_classification(
        n_tasks=6, n_samples=40, n_features=4, structure="mean", random_state=0
    )
    model = MultiTaskNetworkLassoClassifier(0.02, 0.01, graph=RING)
    model.set_params(tol=1e-11).fit(data.Xs[:5], data.ys[:5])
    X, y = data.Xs[5][:20], data.ys[5][:20]
    new = model.fit_new_task(X, y, neighbours=LINKS)
    w, c = cp.Variable(4), cp.Variable()
    sign = np.where(y == model.classes_[1], 1.0, -1.0)
    loss = cp.sum(cp.logistic(-cp.multiply(sign, X @ w + c))) / len(y)
    loss += 0.02 * apart(w, model.coef_.T, LINKS) + 0.01 * cp.sum_squares(w)
    cp.Problem(cp.Minimize(loss)).solve(solver=cp.CLARABEL)
    np.testing.assert_allclose(new.coef_[0], w.value, atol=1e-4)


def test_shrunk_intercepts_and_covariates(data):
    weight = np.array([0.0, 1.0, 2.0, 0.5, 1.0, 3.0])
    model = MultiTaskSparseGroupRegressor(
        0.2, 0.1, fit_intercept="shrink", lambda0=0.2, feature_weight=weight, tol=1e-10
    )
    ys = [y + t for t, y in enumerate(data.ys)]
    model.fit(data.Xs[:5], ys[:5])
    X, y = data.Xs[5][:12], ys[5][:12]
    new = model.fit_new_task(X, y)
    w, c = cp.Variable(6), cp.Variable()
    loss = cp.sum_squares(y - X @ w - c) / 24
    own = cp.multiply(weight[1:], w[1:])
    loss += 0.2 * rows(own, weight[1:, None] * model.coef_.T[1:]) + 0.1 * cp.norm1(own)
    loss += 0.2 * 5 / 6 * cp.square(c - model.intercept_.mean())
    cp.Problem(cp.Minimize(loss)).solve(solver=cp.CLARABEL)
    np.testing.assert_allclose(new.coef_[0], w.value, atol=2e-5)
    np.testing.assert_allclose(new.intercept_[0], c.value, atol=2e-5)


@pytest.mark.parametrize(
    "penalty", [Mean(0.3), SparseGroup(0.1, 0.1), NetworkLasso(0.1)]
)
def test_an_offset_is_a_known_part(data, penalty):
    model = MultiTaskRegressor(penalty, tol=1e-10).fit(data.Xs[:5], data.ys[:5])
    X, y = data.Xs[5], data.ys[5]
    part = np.linspace(-3, 3, len(y))
    new = model.fit_new_task(X, y + part, offset=part)
    np.testing.assert_allclose(new.coef_, model.fit_new_task(X, y).coef_, atol=1e-6)
    with pytest.raises(ValueError, match="offset of the new task has shape"):
        model.fit_new_task(X, y, offset=part[1:])


def test_where_a_new_task_belongs(data):
    X, y = data.Xs[5], data.ys[5]
    names = dict(zip("abcde", data.Xs, strict=False))
    ys = dict(zip("abcde", data.ys, strict=False))
    links = [("a", "b"), ("b", "c"), ("c", "d"), ("d", "e")]
    model = MultiTaskGraphRegressor(0.3, graph=links).fit(names, ys)
    one = model.fit_new_task(X, y, neighbours=["a", "c"])
    same = model.fit_new_task(X, y, neighbours={"a": 1, "c": 1.0, "d": 0})
    np.testing.assert_array_equal(one.coef_, same.coef_)
    np.testing.assert_allclose(one.prior_mean_, model.coef_[[0, 2]].mean(axis=0))
    alone = model.fit_new_task(X, y, neighbours="a")
    np.testing.assert_allclose(alone.prior_mean_, model.coef_[0])
    for wrong in (["a", "x"], {"a": -1.0}, {"a": 0.0}, []):
        with pytest.raises(ValueError, match="a list of labels of tasks of training"):
            model.fit_new_task(X, y, neighbours=wrong)
    with pytest.raises(ValueError, match="no place for time=.* is neighbours="):
        model.fit_new_task(X, y, time=2)
    model = MultiTaskRegressor(Chain(0.3, TIMES)).fit(data.Xs[:5], data.ys[:5])
    for time in (4.0, np.inf, "1"):
        with pytest.raises(ValueError, match="^time="):
            model.fit_new_task(X, y, time=time)


KNOWN = {
    "deviations": Deviations(RNG.normal(size=(3, 5)), RNG.random((3, 5))),
    "positive deviations": Deviations(
        RNG.normal(size=(3, 5)), RNG.random((3, 5)), positive=True
    ),
    "about": About(L1(0.4), RNG.normal(size=5)),
    "near": Near(
        Deviations(RNG.normal(size=(2, 5)), RNG.random((2, 5))),
        np.array([0.0, 0.3, -1.0, 0.2, 0.5]),
        np.array([np.inf, 0.5, 2.0, 1.0, 3.0]),
    ),
    "beside": Beside(L1(0.4), np.array([[0.7]]), 2.0),
    "distances": Distances(RNG.normal(size=(5, 3)), np.array([0.4, 0.2, 0.9])),
    "distances in many dimensions": Distances(
        RNG.normal(size=(9, 2)), np.array([0.4, 0.9])
    ),
}


@pytest.mark.parametrize("name", KNOWN)
def test_prox_and_conjugate(name):
    penalty, rng = KNOWN[name], np.random.default_rng(3)
    d = {"distances in many dimensions": 9, "beside": 6}.get(name, 5)
    for scale in (0.1, 1.0, 5.0):
        V = scale * rng.normal(size=(d, 1))
        step = rng.uniform(0.3, 2.0, size=(d, 1)) if penalty.task_metric else 0.7
        W = penalty.prox(V, step)
        G = (V - W) / step  # a subgradient at W
        for _ in range(20):
            U = W + rng.normal(size=V.shape) * rng.choice([1e-3, 0.1, 1.0])
            rise = np.sum((U - V) ** 2 / (2 * step)) + penalty.value(U)
            assert rise >= np.sum((W - V) ** 2 / (2 * step)) + penalty.value(W) - 1e-12
        if hasattr(penalty, "conjugate"):
            total = penalty.value(W) + penalty.conjugate(G)
            assert total == pytest.approx(np.sum(W * G))
        if hasattr(penalty, "polar"):
            assert penalty.polar(G) <= 1 + 1e-12


def test_distances_to_points_that_are_near_each_other():
    rng = np.random.default_rng(0)
    for _ in range(100):
        d, k = rng.integers(1, 12), rng.integers(1, 15)
        near = 10.0 ** rng.integers(-10, 1)
        points = rng.normal(size=(d, 1)) + near * rng.normal(size=(d, k))
        points[:, rng.integers(k, size=k // 3)] = points[:, :1]
        penalty = Distances(points, rng.random(k) * 10.0 ** rng.integers(-3, 3))
        V, step = rng.normal(size=(d, 1)), 10.0 ** rng.uniform(-2, 2, size=(d, 1))
        step = step if rng.random() < 0.5 else float(step[0, 0])

        def value(W, penalty=penalty, V=V, step=step):
            return float(np.sum((W - V) ** 2 / (2 * step))) + penalty.value(W)

        W = penalty.prox(V, step)
        others = [points[:, [i]] for i in range(k)]
        for size in 10.0 ** np.arange(-8, 1):
            others += [W + size * rng.normal(size=V.shape) for _ in range(5)]
        assert value(W) <= (1 + 1e-9) * min(map(value, others))


def test_a_leaf_of_a_dendrogram_has_the_weight_that_is_left():
    Z = linkage(RNG.normal(size=(5, 3)), "average")
    height = Z[:, 2] / Z[-1, 2]
    pair = Z[0, :2].astype(int)
    weight = np.bincount(pair, minlength=5).astype(float)
    above, node = [0], 5
    for i, (a, b, *_) in enumerate(Z[1:], 1):  # the nodes above the first pair
        if node in (a, b):
            above, node = [*above, i], 5 + i
    W = RNG.normal(size=(4, 5))
    new = Tree(2.0, Z).new_task(W, Place(weight))
    assert new.penalty.lambda1 == pytest.approx(2.0 * np.prod(height[above]))
    root = Tree(2.0, Z).new_task(W, Place())
    assert root.lambda1 == pytest.approx(2.0)


def test_distances_stop_at_a_point_that_holds():
    points = np.array([[0.0, 4.0, 0.0], [0.0, 0.0, 0.0]])
    penalty = Distances(points, np.array([1.0, 0.5, 1.0]))  # two of them are the same
    np.testing.assert_array_equal(penalty.prox(np.array([[1.0], [0.0]]), 1.0), 0.0)
    far = penalty.prox(np.array([[3.0], [0.0]]), 1.0)
    np.testing.assert_allclose(far, [[1.5], [0.0]])
