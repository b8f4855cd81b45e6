"""Comparisons of sharing and not sharing."""

import warnings

import numpy as np
import pytest
from scipy.stats import t as student
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from pymtl import (
    MultiTaskClassifier,
    MultiTaskMeanRegressor,
    MultiTaskSearchCV,
    RepeatedTaskKFold,
    SharingComparison,
    SingleTaskRegressor,
    compare_sharing,
    stack_tasks,
)
from pymtl.comparison import CHOSEN, _known, _shares
from pymtl.datasets import make_multitask_classification, make_multitask_regression
from pymtl.metrics import get_scorer
from pymtl.model_selection._measures import CLASSIFICATION, NAMES, Measure
from pymtl.penalties import Mean, Ridge

FEW = {"n_splits": 3, "n_repeats": 2, "inner_cv": 3, "n_lambdas": 6, "random_state": 0}


def planted(structure="mean", **options):
    shape = {"n_tasks": 6, "n_samples": 24, "n_features": 12, "snr": 1.0}
    if structure == "mean":
        shape["deviation"] = 0.1
    return make_multitask_regression(
        structure=structure, random_state=0, **(shape | options)
    )


@pytest.fixture(scope="module")
def comparison():
    data = planted()
    models = ["SingleTask", "L1", "Mean", "Pooled"]
    return compare_sharing(data.Xs, data.ys, structures=models, **FEW)


def test_losses_are_those_of_searches_on_the_same_folds(comparison):
    data = planted()
    X, y = stack_tasks(data.Xs, data.ys)
    table = np.repeat(np.arange(6.0), 24)[:, None]
    splits = list(RepeatedTaskKFold(3, n_repeats=2, random_state=0).split(table, y))
    search = MultiTaskSearchCV(
        MultiTaskMeanRegressor(task_column=0, tol=1e-4), cv=3, n_lambdas=6
    )
    for j in (0, 5):
        train, test = splits[j]
        model = clone(search).fit(X[train], y[train])
        error = np.square(y[test] - model.predict(X[test]))
        np.testing.assert_allclose(
            comparison.loss[2, j // 3, test], error, rtol=1e-2, atol=1e-3
        )
        assert comparison.inner_score[2, j] == pytest.approx(model.best_score_, 1e-4)


def test_gain_and_paired_interval(comparison):
    ours, theirs = comparison.losses("Mean"), comparison.losses("SingleTask")
    np.testing.assert_array_equal(ours, comparison.loss[2].mean(axis=0))
    n = len(ours)
    gain, low, high = comparison.gain("Mean")
    assert gain == pytest.approx(1 - ours.mean() / theirs.mean())
    left = theirs * (1 - gain) - ours
    assert left.mean() == pytest.approx(0, abs=1e-12)
    half = student.ppf(0.975, n - 1) * left.std(ddof=1) / np.sqrt(n) / theirs.mean()
    assert (low, high) == pytest.approx((gain - half, gain + half))
    by_task = comparison.gain("Mean", by_task=True)
    own = comparison.task == 4
    assert by_task[0][4] == pytest.approx(1 - ours[own].sum() / theirs[own].sum())
    assert np.all((by_task[1] < by_task[0]) & (by_task[0] < by_task[2]))


def test_choices_use_inner_scores_only(comparison):
    chosen = comparison.chosen
    assert comparison.shares.tolist() == [False, False, True, True]
    for k, models in enumerate(([0, 1], [2, 3])):
        best = np.array(models)[comparison.inner_score[models].argmax(axis=0)]
        np.testing.assert_array_equal(chosen[k], best)
    model = chosen[1][comparison.fold]
    loss = [comparison.loss[model[:, i], [0, 1], i].mean() for i in range(6 * 24)]
    np.testing.assert_allclose(comparison.losses(CHOSEN[1]), loss)


def test_planted_sharing_is_found(comparison):
    assert comparison.decision == "share"
    gain = comparison.gain(CHOSEN[1], CHOSEN[0])[0]
    assert f"{gain:.1%}" in comparison.verdict
    assert comparison.verdict.startswith("Share: sharing lowers")


def test_harm_and_no_difference_are_told():
    data = planted("unrelated", n_samples=40, snr=10.0)
    models = {"single": SingleTaskRegressor(), "pooled": _known(False)["Pooled"]()}
    harm = compare_sharing(data.Xs, data.ys, models, **FEW)
    assert harm.decision == "do not share"
    assert "raises" in harm.verdict
    assert len(harm.changed("pooled")[1]) > 0
    same = {"a": SingleTaskRegressor(), "b": SingleTaskRegressor()}
    alone = compare_sharing(data.Xs, data.ys, same, **FEW)
    assert alone.decision == "no clear difference"
    assert "none of the models shares" in alone.verdict


def test_doors_agree():
    data = planted(shared_X=True, n_samples=24)
    data.ys = list(data.Y.T)
    Y = data.Y.copy()
    models = {"SingleTask": SingleTaskRegressor(), "Mean": MultiTaskMeanRegressor()}
    by_column = compare_sharing(data.X, Y, models, **FEW)
    assert by_column.loss.shape == (2, 2, 6 * 24)
    error = comparison_error(data, by_column, models["Mean"])
    np.testing.assert_allclose(by_column.loss[1, 0][by_column.fold[0] == 1], error)
    Y[::5, 0] = np.nan
    gaps = compare_sharing(data.X, Y, models, **FEW)
    assert (gaps.task == 0).sum() == 24 - 5
    assert np.isfinite(gaps.loss).all()
    Xs = [data.X] * 6
    lists = compare_sharing(Xs, data.ys, models, **FEW)
    X, y = stack_tasks(Xs, data.ys)
    models = {n: m.set_params(task_column=0) for n, m in models.items()}
    table = compare_sharing(X, y, models, **FEW)
    np.testing.assert_allclose(table.loss, lists.loss, rtol=1e-6, atol=1e-9)
    scaled = {n: make_pipeline(TaskFree(), m) for n, m in models.items()}
    assert compare_sharing(X, y, scaled, task_column=0, **FEW).names == [
        "SingleTask",
        "Mean",
    ]


def comparison_error(data, comparison, model):
    """Return the squared errors in the test part 1, column after column."""
    test = comparison.cluster[(comparison.fold[0] == 1) & (comparison.task == 0)]
    train = np.setdiff1d(np.arange(24), test)
    search = MultiTaskSearchCV(model, cv=3, n_lambdas=6)
    search.fit(data.X[train], data.Y[train])
    return np.square(data.Y[test] - search.predict(data.X[test])).T.ravel()


class TaskFree(StandardScaler):
    """A scaler that leaves the task column alone."""

    def transform(self, X, copy=None):
        return np.column_stack([X[:, 0], super().transform(X)[:, 1:]])


def test_classification():
    data = make_multitask_classification(
        n_tasks=4, n_samples=30, n_features=6, structure="mean", random_state=0
    )
    models = {
        "own": MultiTaskClassifier("ridge"),
        "mean": MultiTaskClassifier(Mean() + Ridge("auto")),
    }
    options = FEW | {"n_repeats": 1, "n_lambdas": 3}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        found = compare_sharing(data.Xs, data.ys, models, **options)
    assert found.metric == "log loss"
    assert found.shares.tolist() == [False, True]
    train, test = next(
        RepeatedTaskKFold(3, n_repeats=1, random_state=0).split(
            np.repeat(np.arange(4), 30)[:, None], np.concatenate(data.ys)
        )
    )
    X, y = stack_tasks(data.Xs, data.ys)
    own = models["own"].set_params(task_column=0)
    search = MultiTaskSearchCV(own, cv=3, n_lambdas=3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = search.fit(X[train], y[train])
    p = model.predict_proba(X[test])[
        np.arange(len(test)), np.searchsorted(model.classes_, y[test])
    ]
    assert found.loss[0, 0][found.fold[0] == 0].mean() == pytest.approx(
        -np.log(p).mean(), rel=1e-3
    )


def test_tasks_with_labels_of_their_own():
    data = planted(n_tasks=2, n_samples=(4, 24))
    ys = [
        np.where(y > np.median(y), b, a)
        for y, a, b in zip(data.ys, "ac", "bd", strict=True)
    ]
    models = {"own": MultiTaskClassifier("ridge", single_class="constant")}
    options = FEW | {"n_splits": 6, "n_repeats": 1, "n_lambdas": 2}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        found = compare_sharing(data.Xs, ys, models, **options)
    assert np.isfinite(found.loss).all()


def test_table_and_pages(comparison):
    frame = comparison.to_frame()
    assert list(frame.index) == [*comparison.names, *CHOSEN]
    assert frame.loc["SingleTask", "gain"] == 0
    assert frame.loc["Mean", "loss"] == pytest.approx(comparison.losses("Mean").mean())
    assert comparison.to_frame(by_task=True).loc["Mean"].shape == (6, 3)
    page = comparison._repr_html_()
    assert page.count("<tr>") == 7
    assert comparison.verdict in page
    assert comparison.verdict in str(comparison)


def weighted_table():
    data = planted(n_samples=30)
    X, y = stack_tasks(data.Xs, data.ys)
    rng = np.random.default_rng(1)
    offset = rng.normal(size=len(y))
    weight = rng.integers(1, 4, size=len(y)).astype(float)
    return X, y + offset, weight, offset, np.arange(len(y)) // 3


def test_weights_offsets_and_groups_of_a_table():
    X, y, weight, offset, groups = weighted_table()
    known = {"sample_weight": weight, "offset": offset, "groups": groups}
    models = {n: _known(False)[n](task_column=0) for n in ("SingleTask", "Mean")}
    found = compare_sharing(X, y, models, **known, **FEW)
    np.testing.assert_array_equal(found.cluster, groups)
    np.testing.assert_array_equal(found.weight, weight)
    for fold in found.fold:
        assert all(len(set(fold[groups == g])) == 1 for g in np.unique(groups))
    test = found.fold[0] == 1
    search = MultiTaskSearchCV(models["Mean"], cv=3, n_lambdas=6)
    search.fit(X[~test], y[~test], weight[~test], offset[~test], groups[~test])
    error = np.square(y[test] - search.predict(X[test], offset=offset[test]))
    np.testing.assert_allclose(found.loss[1, 0, test], error)
    ours, theirs = found.losses("Mean"), found.losses("SingleTask")
    gain, low, high = found.gain("Mean")
    assert gain == pytest.approx(1 - (weight @ ours) / (weight @ theirs))
    sums = np.bincount(groups, weight * ((1 - gain) * theirs - ours))
    error = np.sqrt(len(sums) / (len(sums) - 1) * (sums @ sums)) / (weight @ theirs)
    half = student.ppf(0.975, len(sums) - 1) * error
    assert (low, high) == pytest.approx((gain - half, gain + half))
    mean = np.average(ours, weights=weight)
    assert found.table()["loss"][1] == pytest.approx(mean)


def test_weights_offsets_and_groups_through_the_doors():
    X, y, weight, offset, groups = weighted_table()
    options = FEW | {"n_repeats": 1, "structures": ["SingleTask", "Pooled"]}
    known = {"sample_weight": weight, "offset": offset, "groups": groups}
    table = compare_sharing(X, y, task_column=0, **known, **options)
    rows = [X[:, 0] == t for t in range(6)]
    Xs = [X[i, 1:] for i in rows]
    parts = {name: [v[i] for i in rows] for name, v in known.items()}
    lists = compare_sharing(Xs, [y[i] for i in rows], **parts, **options)
    np.testing.assert_allclose(lists.loss, table.loss, rtol=1e-6)
    np.testing.assert_array_equal(lists.cluster, table.cluster)
    Y = np.stack([y[i] for i in rows], axis=1)
    Y[4, 1:] = np.nan
    Y[5] = np.nan
    row = {"sample_weight": weight[:30], "groups": groups[:30]}
    gaps = compare_sharing(Xs[0], Y, offset=np.ones(Y.shape), **row, **options)
    assert np.isfinite(gaps.loss).all()
    np.testing.assert_array_equal(gaps.weight, weight[np.nonzero(~np.isnan(Y.T))[1]])
    assert len(set(gaps.cluster)) == 10
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        compare_sharing(X, y, task_column=0, sample_weight=weight[1:], **options)


REGRESSOR = MultiTaskMeanRegressor(0.1, lambda2=0.1)
CLASSIFIER = MultiTaskClassifier(Mean(0.1) + Ridge(0.1))


@pytest.mark.parametrize("scoring", sorted(NAMES))
def test_measures_are_the_scores(scoring):
    data = planted(n_tasks=3, n_samples=(20, 40), n_features=4)
    measure, model, ys = Measure.named(scoring), REGRESSOR, data.ys
    if measure.metric == "poisson":
        ys = [np.exp(y / 4) for y in ys]
        model = clone(model).set_params(loss="poisson")
    elif measure.metric in CLASSIFICATION:
        model, ys = CLASSIFIER, [np.where(y > 0.5, "yes", "no") for y in ys]
    model = clone(model).set_params(task_column=0)
    X, y = stack_tasks(data.Xs, ys)
    task = X[:, 0].astype(int)
    model.fit(X, y)
    losses = measure.losses(model, X, y, task=task)
    weight, unit = measure.weights(y, task, np.ones(len(y)))
    loss = np.average(losses / unit, weights=weight)
    score = get_scorer(scoring)(model, X, y)
    assert loss == pytest.approx(-score if scoring.startswith("neg_") else 1 - score)
    lists = clone(model).set_params(task_column=None).fit(data.Xs, ys)
    own = measure.losses(lists, *(dict(enumerate(v)) for v in (data.Xs, ys)), task=task)
    np.testing.assert_allclose(own, losses, rtol=1e-6, atol=1e-9)


def test_scoring_decides_inside_and_outside():
    data = planted(n_tasks=4, n_samples=40)
    ys = [np.where(y > 0, 1, 0) for y in data.ys]
    models = {"own": MultiTaskClassifier("ridge"), "mean": CLASSIFIER}
    options = FEW | {"n_repeats": 1, "n_lambdas": 3, "scoring": "task_roc_auc_macro"}
    found = compare_sharing(data.Xs, ys, models, **options)
    assert found.metric == "area above the ROC curve, averaged over the tasks"
    X, y = stack_tasks(data.Xs, ys)
    model = clone(models["mean"]).set_params(task_column=0)
    search = MultiTaskSearchCV(model, cv=3, n_lambdas=3, scoring="task_roc_auc_macro")
    test = found.fold[0] == 2
    search.fit(X[~test], y[~test])
    assert found.inner_score[1, 2] == pytest.approx(search.best_score_)
    z = search.decision_function(X[test])
    for t in range(4):
        own = X[test, 0] == t
        positive = own & (y[test] == 1)
        area = roc_auc_score(y[test][own], z[own])
        assert found.loss[1, 0, test][positive].mean() == pytest.approx(1 - area)
    assert found.weight[y == 1].sum() == pytest.approx(2)
    # the error of DeLong's method
    ours, theirs = found.losses("mean"), found.losses("own")
    gain, low, high = found.gain("mean", by_task=True)
    for t in range(4):
        rest = (1 - gain[t]) * theirs - ours
        parts = [rest[(X[:, 0] == t) & (y == label)] for label in (0, 1)]
        variance = sum(part.var(ddof=1) / len(part) for part in parts)
        own = theirs[(X[:, 0] == t) & (y == 1)].mean()
        half = student.ppf(0.975, 39) * np.sqrt(variance) / own
        assert high[t] - gain[t] == pytest.approx(half, rel=0.1)


@pytest.mark.parametrize(
    ("scoring", "message"),
    [("neg_task_rmse_macro", "no weighted mean"), ("accuracy", "for classifiers")],
)
def test_scores_without_a_table(scoring, message):
    data = planted()
    with pytest.raises(ValueError, match=message):
        compare_sharing(data.Xs, data.ys, scoring=scoring)


def test_a_verdict_that_hangs_on_one_task():
    rng = np.random.default_rng(0)
    task = np.repeat(np.arange(3), 30)
    loss = 1 + 0.1 * rng.random((2, 1, 90))
    loss[0, 0, task == 1] += 2.0
    found = SharingComparison(
        names=["own", "mean"],
        shares=np.array([False, True]),
        tasks=np.array(["a", "b", "c"]),
        task=task,
        cluster=np.arange(90),
        weight=np.ones(90),
        loss=loss,
        fold=np.zeros((1, 90), int),
        inner_score=np.zeros((2, 1)),
        fit_time=np.zeros((2, 1)),
        confidence=0.95,
        metric="mean squared error",
    )
    assert found.decision == "share"
    assert found.decisive_tasks == ["b"]
    assert "hangs on single tasks: without one of 1 (b)" in found.verdict
    found.loss[0, 0] = loss[1, 0] + 0.5
    assert found.decisive_tasks == []
    assert "hangs" not in found.verdict


@pytest.mark.slow
def test_same_seed_same_result_in_parallel(comparison):
    data = planted()
    models = ["SingleTask", "Mean"]
    other = compare_sharing(data.Xs, data.ys, structures=models, n_jobs=2, **FEW)
    np.testing.assert_array_equal(other.loss, comparison.loss[[0, 2]])


def test_the_whole_family_is_known():
    known = _known(False)
    assert {"SingleTask", "Pooled", "Mean", "Calibrated", "Relationship"} <= set(known)
    alone = {name for name, cls in known.items() if not _shares(cls())}
    assert alone == {"SingleTask", "L1"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"structures": ["Meen"]}, "'Meen'.*are not structures"),
        ({"structures": "some"}, "'all' or names"),
        ({"estimators": {}}, "must be a dict"),
        ({"confidence": 1.5}, "confidence"),
        ({"n_splits": 1}, "n_splits"),
    ],
)
def test_bad_options(options, message):
    data = planted()
    with pytest.raises(ValueError, match=message):
        compare_sharing(data.Xs, data.ys, **options)


def test_one_task_is_refused():
    data = planted()
    with pytest.raises(ValueError, match="There is 1 task"):
        compare_sharing(data.Xs[:1], data.ys[:1])


def test_missed_tolerances_are_told():
    data = planted()
    models = {
        "SingleTask": SingleTaskRegressor(),
        "L21": _known(False)["TraceNorm"](max_iter=2),
    }
    with pytest.warns(ConvergenceWarning, match="L21"):
        compare_sharing(data.Xs, data.ys, models, **FEW)
