"""Tasks of different kinds in one fit, and task weights that are learned."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone

from pymtl import (
    MultiTaskCalibratedRegressor,
    MultiTaskClassifier,
    MultiTaskL21Regressor,
    MultiTaskMixed,
    MultiTaskRegressor,
    stack_tasks,
)
from pymtl.losses import Huber
from pymtl.penalties import L21, Mean, Ridge

KINDS = ["squared", "logistic", "poisson", "logistic"]


def problem(seed=0):
    rng = np.random.default_rng(seed)
    Xs = [rng.standard_normal((n, 5)) for n in (40, 60, 80, 50)]
    z = [X @ [1.0, -1.0, 0.5, 0.0, 0.0] for X in Xs]
    ys = [
        100 * (z[0] + 0.1 * rng.standard_normal(40)),
        np.where(z[1] + 0.3 * rng.standard_normal(60) > 0, "high", "low"),
        rng.poisson(np.exp(0.5 * z[2])),
        np.digitize(z[3] + 0.3 * rng.standard_normal(50), [-0.5, 0.5]),
    ]
    return Xs, ys


def test_optimum_of_a_mixture():
    cp = pytest.importorskip("cvxpy")
    Xs, ys = (items[:3] for items in problem())
    omega = np.array([1e-4, 1.0, 0.5])
    model = MultiTaskMixed(L21(0.05), KINDS[:3], task_weight=omega, tol=1e-9)
    model.fit(Xs, ys)
    W, c = cp.Variable((5, 3)), cp.Variable(3)
    z = [X @ W[:, t] + c[t] for t, X in enumerate(Xs)]
    sign = np.where(ys[1] == "low", 1.0, -1.0)
    counts = ys[2].astype(float)
    entropy = np.where(counts > 0, counts * np.log(np.maximum(counts, 1)) - counts, 0)
    losses = [
        cp.sum_squares(ys[0] - z[0]) / 2,
        cp.sum(cp.logistic(-cp.multiply(sign, z[1]))),
        cp.sum(cp.exp(z[2]) - cp.multiply(counts, z[2])) + entropy.sum(),
    ]
    terms = [w * f / len(y) for w, f, y in zip(omega, losses, ys, strict=True)]
    penalty = 0.05 * cp.sum(cp.norm(W, 2, axis=1))
    expected = cp.Problem(cp.Minimize(sum(terms) + penalty)).solve(cp.CLARABEL)
    assert model.objective_ == pytest.approx(expected, rel=1e-6)
    assert model.certificate_ <= 1e-9


def test_one_kind_is_the_model_of_that_kind():
    Xs, ys = problem()
    numbers = [ys[0], ys[2].astype(float)]
    options = {"task_weight": None, "tol": 1e-9}
    mixed = MultiTaskMixed(L21(0.1), **options).fit(Xs[::2], numbers)
    same = MultiTaskRegressor(L21(0.1), tol=1e-9).fit(Xs[::2], numbers)
    assert_allclose(mixed.coef_, same.coef_, atol=1e-6)
    labels = [ys[1], np.where(ys[3] > 1, "high", "low")]
    mixed = MultiTaskMixed(L21(0.05), "logistic", **options).fit(Xs[1::2], labels)
    same = MultiTaskClassifier(L21(0.05), tol=1e-9).fit(Xs[1::2], labels)
    assert_allclose(mixed.coef_, same.coef_, atol=1e-6)
    assert_array_equal(mixed.predict(Xs[1::2])[0], same.predict(Xs[1::2])[0])
    assert_allclose(
        mixed.predict_proba(Xs[1::2])[1], same.predict_proba(Xs[1::2])[1], atol=1e-6
    )


def test_kinds_and_units_do_not_matter():
    Xs, ys = problem()
    model = MultiTaskMixed(loss=KINDS[:2], tol=1e-9).fit(Xs[:2], ys[:2])
    other = clone(model).fit(Xs[:2], [1e-3 * ys[0] + 7, ys[1]])
    assert model.score(Xs[:2], ys[:2]) > 0.9
    assert_allclose(other.coef_[0], 1e-3 * model.coef_[0], rtol=1e-5, atol=1e-9)
    assert_allclose(other.coef_[1], model.coef_[1], rtol=1e-5, atol=1e-7)
    huber = MultiTaskMixed(loss=[Huber(50.0), "logistic"], tol=1e-9).fit(Xs[:2], ys[:2])
    small = clone(huber).set_params(loss=[Huber(0.05), "logistic"])
    small.fit(Xs[:2], [1e-3 * ys[0], ys[1]])
    assert_allclose(small.coef_[0], 1e-3 * huber.coef_[0], rtol=1e-5, atol=1e-9)


@pytest.mark.parametrize(
    "task_weight", ["null", pytest.param("learned", marks=pytest.mark.slow)]
)
def test_doors(task_weight):
    Xs, ys = problem()
    model = MultiTaskMixed(loss=KINDS, task_weight=task_weight, tol=1e-7).fit(Xs, ys)
    X, y = stack_tasks(Xs, [v.astype(object) for v in ys])
    order = np.random.default_rng(0).permutation(len(y))
    table = MultiTaskMixed(
        loss=dict(enumerate(KINDS)), task_column=0, task_weight=task_weight, tol=1e-7
    ).fit(X[order], y[order])
    assert table.objective_ == pytest.approx(model.objective_, rel=1e-6)
    assert table.score(X[order], y[order]) == pytest.approx(
        model.score(Xs, ys), abs=0.05
    )
    answer = np.concatenate([v.astype(object) for v in model.predict(Xs)])[order]
    found = table.predict(X[order])
    text = np.array([isinstance(v, str) for v in answer])
    assert_array_equal(found[text], answer[text])
    assert [c is None for c in model.classes_] == [True, False, True, False]
    proba = model.predict_proba(Xs)
    assert proba[0] is None
    assert proba[1].shape == (60, 2)
    assert proba[3].shape == (50, 3)
    keyed = clone(model).set_params(loss=dict(zip("abcd", KINDS, strict=True)))
    keyed.fit(dict(zip("abcd", Xs, strict=True)), dict(zip("abcd", ys, strict=True)))
    assert_allclose(keyed.predict({"a": Xs[0]})["a"], model.predict(Xs)[0], rtol=1e-3)


def test_columns_with_missing_targets():
    Xs, _ = problem()
    z = Xs[2] @ [1.0, -1.0, 0.5, 0.0, 0.0]
    Y = np.column_stack([z, z > 0]).astype(float)
    Y[3, 0] = Y[5, 1] = np.nan
    seen = ~np.isnan(Y)
    penalty = Mean("auto") + Ridge("auto")
    model = MultiTaskMixed(penalty, KINDS[:2], tol=1e-9).fit(Xs[2], Y)
    lists = clone(model).fit(
        [Xs[2][s] for s in seen.T], [Y[s, t] for t, s in enumerate(seen.T)]
    )
    assert_allclose(model.coef_, lists.coef_, atol=1e-6)
    assert model.predict(Xs[2]).shape == (80, 2)
    assert model.score(Xs[2], Y) > 0.8


def test_learned_weights_are_noise_levels():
    rng = np.random.default_rng(0)
    Xs = [rng.standard_normal((400, 4)) for _ in range(3)]
    levels = np.array([0.1, 1.0, 10.0])
    w = np.array([3.0, -2.0, 1.0, 0.0])
    ys = [X @ w + s * rng.standard_normal(400) for X, s in zip(Xs, levels, strict=True)]
    model = MultiTaskL21Regressor(0.01, task_weight="learned", tol=1e-8).fit(Xs, ys)
    assert_allclose(model.noise_, levels, rtol=0.1)
    same = MultiTaskCalibratedRegressor(0.01, tol=1e-8).fit(Xs, ys)
    assert_allclose(model.coef_, same.coef_, atol=1e-5)
    mixed = MultiTaskMixed(L21(0.001), task_weight="learned", tol=1e-8).fit(Xs, ys)
    assert_allclose(mixed.noise_, levels, rtol=0.1)
    with pytest.raises(ValueError, match="squared loss"):
        MultiTaskRegressor(loss="huber", task_weight="learned").fit(Xs, ys)


def test_refusals():
    Xs, ys = problem()
    with pytest.raises(ValueError, match=r"3 entries, but there are 4 tasks"):
        MultiTaskMixed(loss=KINDS[:3]).fit(Xs, ys)
    with pytest.raises(ValueError, match=r"no entry for the tasks \[3\]"):
        MultiTaskMixed(loss=dict(enumerate(KINDS[:3]))).fit(Xs, ys)
    with pytest.raises(ValueError, match=r"Task 1: y is not numeric"):
        MultiTaskMixed().fit(Xs, ys)
    with pytest.raises(ValueError, match=r"not one of"):
        MultiTaskMixed(loss="cubic").fit(Xs, ys)
    with pytest.raises(ValueError, match=r"Task 0: y holds .* counts"):
        MultiTaskMixed(loss=["poisson", *KINDS[1:]]).fit(Xs, ys)
    with pytest.raises(ValueError, match=r"Task 1 has one class only"):
        MultiTaskMixed(loss=KINDS).fit(Xs, [ys[0], np.full(60, "high"), *ys[2:]])
    with pytest.raises(ValueError, match=r"Task 3 has 3 classes"):
        MultiTaskMixed(loss=[*KINDS[:3], "hinge"]).fit(Xs, ys)
