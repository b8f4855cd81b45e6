"""Tasks that were not in training."""

from copy import copy

import cvxpy as cp
import numpy as np
import pandas as pd
import pytest

from pymtl import (
    MultiTaskASORegressor,
    MultiTaskCalibratedRegressor,
    MultiTaskDataSharedRegressor,
    MultiTaskDirtyRegressor,
    MultiTaskFeatureCovarianceRegressor,
    MultiTaskGraphRegressor,
    MultiTaskL1Regressor,
    MultiTaskL21Regressor,
    MultiTaskLInfRegressor,
    MultiTaskMeanClassifier,
    MultiTaskMeanRegressor,
    MultiTaskRegressor,
    MultiTaskRelationshipRegressor,
    MultiTaskRobustFeatureRegressor,
    MultiTaskRobustLowRankRegressor,
    MultiTaskSparseGroupRegressor,
    MultiTaskSparseLowRankRegressor,
    MultiTaskTraceNormRegressor,
    PooledRegressor,
    SingleTaskRegressor,
)
from pymtl.datasets import make_multitask_classification, make_multitask_regression
from pymtl.penalties import (
    L1,
    L21,
    Dirty,
    KSupport,
    LInf,
    Mean,
    Penalty,
    Prior,
    Ridge,
    SparseGroup,
)

FINE = {"tol": 1e-11}
WEIGHT = [0.0, 1.0, 2.0, 0.5, 1.0, 3.0]


def problem(**options):
    shape = {"n_tasks": 5, "n_samples": 30, "n_features": 6, "structure": "mean"}
    return make_multitask_regression(
        **(shape | {"snr": 2.0, "random_state": 0} | options)
    )


@pytest.mark.parametrize(
    "model",
    [
        MultiTaskL21Regressor(0.8),
        MultiTaskL21Regressor(0.8, 0.1),
        MultiTaskTraceNormRegressor(0.8),
        MultiTaskTraceNormRegressor(0.8, 0.1),
        MultiTaskFeatureCovarianceRegressor(0.05),
        MultiTaskRelationshipRegressor(0.1, 0.05),
        MultiTaskASORegressor(0.3, 0.05),
        MultiTaskL1Regressor(0.3),
        MultiTaskDirtyRegressor(0.6, 0.35, shared_norm="2"),
        MultiTaskRobustFeatureRegressor(0.5, 0.6),
        MultiTaskRobustLowRankRegressor(0.5, 0.4),
        MultiTaskSparseLowRankRegressor(0.3, 0.5),
        MultiTaskDataSharedRegressor(0.3, 0.15),
        MultiTaskRegressor(L1(0.2) + Ridge(0.1)),
        MultiTaskCalibratedRegressor(0.3),
        MultiTaskL21Regressor(0.3, loss="huber"),
        MultiTaskLInfRegressor(0.3),
        MultiTaskSparseGroupRegressor(0.3, 0.2),
        MultiTaskSparseGroupRegressor(0.3, 0.2, fit_intercept="shared"),
        MultiTaskDirtyRegressor(0.6, 0.25),
        MultiTaskDataSharedRegressor(0.3, 0.15, ridge=0.1),
        MultiTaskRegressor(KSupport(0.8, 2)),
        MultiTaskRegressor(L21(0.5, positive=True)),
        MultiTaskRegressor(LInf(0.5, positive=True)),
        MultiTaskRegressor(SparseGroup(0.2, 0.2, positive=True)),
        MultiTaskL21Regressor(0.4, 0.1, feature_weight=WEIGHT),
        MultiTaskTraceNormRegressor(0.4, 0.1, feature_weight=WEIGHT),
        MultiTaskRelationshipRegressor(0.1, 0.05, feature_weight=WEIGHT),
        MultiTaskLInfRegressor(0.3, 0.1, feature_weight=WEIGHT),
        SingleTaskRegressor(0.2),
        PooledRegressor(0.2),
    ],
    ids=repr,
)
def test_a_task_of_training_gets_back_its_coefficients(model):
    data = problem()
    model = model.set_params(**FINE, max_iter=100_000).fit(data.Xs, data.ys)
    assert model.converged_
    if hasattr(model, "shared_coef_"):
        assert model.shared_coef_.any() and model.specific_coef_.any()
    for t in (0, 3):
        new = model.fit_new_task(data.Xs[t], data.ys[t])
        np.testing.assert_allclose(new.coef_[0], model.coef_[t], atol=2e-4)
        np.testing.assert_allclose(new.intercept_[0], model.intercept_[t], atol=2e-4)
        z = new.predict(data.Xs[t])
        np.testing.assert_allclose(z, model.predict({t: data.Xs[t]})[t], atol=1e-3)


def joint(value, X, y, W):
    """Minimise over the new column, the others fixed, by an independent solver."""
    w, c = cp.Variable(W.shape[0]), cp.Variable()
    loss = cp.sum_squares(y - X @ w - c) / (2 * len(y))
    cp.Problem(cp.Minimize(loss + value(w, W))).solve(solver=cp.CLARABEL)
    return w.value, float(c.value)


def test_quadratic_structures_minimise_the_joint_objective():
    data = problem(n_tasks=6)
    X, y = data.Xs[5], data.ys[5]

    def mean(w, W):
        full = cp.hstack([W, cp.reshape(w, (len(W), 1), order="F")])
        middle = cp.sum(full, axis=1, keepdims=True) / 6
        return 0.4 * cp.sum_squares(full - middle @ np.ones((1, 6)))

    models = [MultiTaskMeanRegressor(0.4, 0.1), MultiTaskGraphRegressor(0.4, 0.1)]
    for model in models:
        model.fit(data.Xs[:5], data.ys[:5])
        new = model.fit_new_task(X, y)
        w, c = joint(
            lambda w, W: mean(w, W) + 0.1 * cp.sum_squares(w), X, y, model.coef_.T
        )
        np.testing.assert_allclose(new.coef_[0], w, atol=1e-5)
        np.testing.assert_allclose(new.intercept_[0], c, atol=1e-5)


def test_l21_holds_the_sizes_of_rows():
    data = problem(structure="shared_rows", n_features=12)
    model = MultiTaskRegressor(L21(1.0) + Mean(0.2)).fit(data.Xs, data.ys)
    size = np.linalg.norm(model.coef_, axis=0)
    used = size > 0
    assert 0 < used.sum() < 12
    X = np.random.default_rng(5).normal(size=(9, 12))
    y = X[:, 0] - X[:, 1]
    new = model.fit_new_task(X, y)
    mean = model.coef_.mean(axis=0)

    def value(w, W):
        near = 0.2 * 5 / 6 * cp.sum_squares(w - mean)
        rows = cp.sum(cp.multiply(0.5 / size[used], cp.square(w[used])))
        return near + rows + 1e6 * cp.sum_squares(w[~used])

    w, c = joint(value, X, y, model.coef_.T)
    np.testing.assert_allclose(new.coef_[0], w, atol=1e-4)
    assert not new.coef_[0, ~used].any()
    # the prior's mean is where the penalty alone is least
    step = np.where(used, 2 * 0.2 * 5 / 6, 0)
    own = np.divide(1.0, size, out=np.zeros(12), where=used)
    np.testing.assert_allclose(
        new.prior_mean_, step * mean / np.maximum(step + own, 1e-9)
    )


def test_touching_quadratic_has_its_prox_and_conjugate():
    rng = np.random.default_rng(0)
    basis = np.linalg.qr(rng.normal(size=(6, 3)))[0]
    penalty = Prior(np.zeros(6), basis, np.array([0.5, 1.0, 4.0]))
    V = rng.normal(size=(6, 2))
    W = penalty.prox(V, 0.7)
    G = (V - W) / 0.7  # a subgradient at W, so that Fenchel's inequality is tight
    assert penalty.value(W) + penalty.conjugate(G) == pytest.approx(np.sum(W * G))
    half = basis @ np.diag([0.5, 1.0, 4.0]) @ basis.T / 2
    assert penalty.value(W) == pytest.approx(np.sum(W * (half @ W)))
    assert penalty.value(V) == np.inf


def test_shared_and_shrunk_intercepts():
    data = problem()
    ys = [y + t for t, y in enumerate(data.ys)]
    X, y = data.Xs[0][:10], ys[0][:10]
    model = MultiTaskMeanRegressor(0.3, fit_intercept="shared").fit(data.Xs, ys)
    assert model.fit_new_task(X, y).intercept_[0] == pytest.approx(model.intercept_[0])
    model = MultiTaskMeanRegressor(0.3, fit_intercept="shrink", lambda0=0.2)
    model.fit(data.Xs, ys)
    new = model.fit_new_task(X, y)
    W, centre = model.coef_.T, model.intercept_.mean()
    w, c = cp.Variable(6), cp.Variable()
    loss = cp.sum_squares(y - X @ w - c) / 20
    loss += 0.3 * 5 / 6 * cp.sum_squares(w - W.mean(axis=1))
    loss += 0.2 * 5 / 6 * cp.square(c - centre)
    cp.Problem(cp.Minimize(loss)).solve(solver=cp.CLARABEL)
    np.testing.assert_allclose(new.coef_[0], w.value, atol=1e-5)
    np.testing.assert_allclose(new.intercept_[0], c.value, atol=1e-5)


def test_classifier():
    data = make_multitask_classification(
        n_tasks=5, n_samples=40, n_features=5, structure="mean", random_state=0
    )
    model = MultiTaskMeanClassifier(0.05, 0.01).fit(data.Xs[:4], data.ys[:4])
    X, y = data.Xs[4], data.ys[4]
    new = model.fit_new_task(X, y)
    W = model.coef_.T
    w, c = cp.Variable(5), cp.Variable()
    sign = np.where(y == model.classes_[1], 1.0, -1.0)
    loss = cp.sum(cp.logistic(-cp.multiply(sign, X @ w + c))) / len(y)
    loss += 0.05 * 4 / 5 * cp.sum_squares(w - W.mean(axis=1)) + 0.01 * cp.sum_squares(w)
    cp.Problem(cp.Minimize(loss)).solve(solver=cp.CLARABEL)
    np.testing.assert_allclose(new.coef_[0], w.value, atol=5e-3)
    assert new.predict_proba(X).shape == (40, 2)
    assert new.score(X, y) > 0.6


def test_structure_helps_with_few_samples():
    data = problem(n_tasks=8, n_features=15, deviation=0.2)
    model = MultiTaskMeanRegressor().fit(data.Xs[:7], data.ys[:7])
    X, y = data.Xs[7][:6], data.ys[7][:6]
    alone = SingleTaskRegressor().fit(X, y)
    new = model.fit_new_task(X, y)
    held = data.Xs[7][6:], data.ys[7][6:]
    assert new.score(*held) > alone.score(*held) + 0.2


def test_frames_and_long_tables():
    data = problem()
    frame = pd.DataFrame(np.vstack(data.Xs), columns=list("abcdef"))
    frame.insert(0, "task", np.repeat(np.arange(5), 30))
    model = MultiTaskMeanRegressor(0.2, task_column="task")
    model.fit(frame, np.concatenate(data.ys))
    X = frame.drop(columns="task").iloc[:10]
    new = model.fit_new_task(X, data.ys[0][:10])
    assert new.predict(X).shape == (10,)
    assert list(new.feature_names_in_) == list("abcdef")
    same = model.fit_new_task(frame.iloc[:10], data.ys[0][:10])
    np.testing.assert_allclose(same.predict(frame.iloc[:10]), new.predict(X))
    with pytest.raises(ValueError, match="columns of the new task"):
        model.fit_new_task(X[list("bacdef")], data.ys[0][:10])


class Unknown(L21):
    """A penalty that says nothing of new tasks."""

    new_task = Penalty.new_task

    def __init__(self, lambda1=0.1):
        super().__init__(lambda1)


def test_what_cannot_be():
    data = problem()
    X, y = data.Xs[0], data.ys[0]
    model = MultiTaskRobustFeatureRegressor(fit_intercept="shrink", ridge=0.1)
    with pytest.raises(ValueError, match="does not shrink intercepts"):
        model.fit(data.Xs, data.ys).fit_new_task(X, y)
    model = MultiTaskGraphRegressor(graph=np.ones((5, 5)) - np.eye(5))
    with pytest.raises(ValueError, match="neighbours="):
        model.fit(data.Xs, data.ys).fit_new_task(X, y)
    model = MultiTaskMeanRegressor().fit(data.Xs, data.ys)
    with pytest.raises(ValueError, match="has 5 features, the model has 6"):
        model.fit_new_task(X[:, :5], y)
    budget = MultiTaskSparseLowRankRegressor(0.2, rank_budget=1.0)
    with pytest.raises(ValueError, match="lambda2 in place of rank_budget"):
        budget.fit(data.Xs, data.ys).fit_new_task(X, y)
    twice = MultiTaskRegressor(Mean(0.1) + Dirty(0.2, 0.1)).fit(data.Xs, data.ys)
    with pytest.raises(ValueError, match="no quadratic but a plain ridge"):
        twice.fit_new_task(X, y)
    own = MultiTaskRegressor(Unknown()).fit(data.Xs, data.ys)
    with pytest.raises(ValueError, match=r"needs a method new_task\(W, place\)"):
        own.fit_new_task(X, y)
    for argument in ({"neighbours": [1]}, {"time": 3}):
        with pytest.raises(ValueError, match="has no place for"):
            model.fit_new_task(X, y, **argument)


def test_the_model_is_not_changed():
    data = problem()
    model = MultiTaskMeanRegressor().fit(data.Xs, data.ys)
    before = copy(vars(model))
    model.fit_new_task(data.Xs[0], data.ys[0])
    assert set(vars(model)) == set(before)
