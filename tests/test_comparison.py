"""Comparisons of sharing and not sharing."""

import warnings

import numpy as np
import pytest
from scipy.stats import t as student
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from pymtl import (
    MultiTaskClassifier,
    MultiTaskMeanRegressor,
    MultiTaskSearchCV,
    RepeatedTaskKFold,
    SingleTaskRegressor,
    compare_sharing,
    stack_tasks,
)
from pymtl.comparison import CHOSEN, _known, _shares
from pymtl.datasets import make_multitask_classification, make_multitask_regression
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
