"""Relatedness of tasks, and uncertainty of coefficients."""

from itertools import combinations

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import Ridge

from pymtl import (
    MultiTaskClassifier,
    MultiTaskClusteredRegressor,
    MultiTaskL21Regressor,
    MultiTaskMeanRegressor,
    MultiTaskRelationshipRegressor,
    MultiTaskTraceNormRegressor,
    SingleTaskRegressor,
    TaskKFold,
    bootstrap_coef,
    group_tasks,
    stability_selection,
    stack_tasks,
    task_affinity,
    task_similarity,
)
from pymtl.datasets import make_multitask_regression
from pymtl.inspection._affinity import Trials
from pymtl.penalties import Mean
from pymtl.penalties import Ridge as RidgePenalty


def clustered(**options):
    shape = {"n_tasks": 4, "n_samples": 15, "n_features": 5, "n_clusters": 2}
    shape |= {"structure": "clustered", "deviation": 0.0, "random_state": 0}
    return make_multitask_regression(**(shape | options))


def test_similarity_is_the_cosine_or_what_was_learned():
    data = clustered()
    model = MultiTaskMeanRegressor(0.1).fit(data.Xs, data.ys)
    unit = model.coef_ / np.linalg.norm(model.coef_, axis=1, keepdims=True)
    np.testing.assert_allclose(task_similarity(model), unit @ unit.T, atol=1e-12)
    model = MultiTaskRelationshipRegressor().fit(data.Xs, data.ys)
    np.testing.assert_allclose(task_similarity(model), model.task_correlation_)
    assert not np.allclose(task_similarity(model, "coef"), model.task_correlation_)
    model = MultiTaskClusteredRegressor().fit(data.Xs, data.ys)
    same = data.cluster_labels[:, None] == data.cluster_labels
    similarity = task_similarity(model)
    assert similarity[same].min() > similarity[~same].max()


def test_zero_tasks_are_like_no_other():
    data = clustered()
    ys = [0 * data.ys[0], *data.ys[1:]]
    model = SingleTaskRegressor(1.0).fit(data.Xs, ys)
    similarity = task_similarity(model)
    np.testing.assert_array_equal(similarity[0], [1, 0, 0, 0])


def test_similarity_refuses_what_it_cannot_compare():
    data = clustered()
    model = MultiTaskMeanRegressor().fit(data.Xs, data.ys)
    with pytest.raises(ValueError, match="learns no matrix"):
        task_similarity(model, "learned")
    with pytest.raises(ValueError, match="method must be"):
        task_similarity(model, "cosine")


def test_affinity_is_the_gain_of_the_pair():
    data = clustered()
    affinity = task_affinity(data.Xs, data.ys, cv=3, random_state=0)
    assert np.all(np.diag(affinity) == 0)
    model = MultiTaskMeanRegressor(lambda2="auto")
    X, y = stack_tasks(data.Xs, data.ys)
    folds = TaskKFold(3, shuffle=True, random_state=0).split(X)
    together, alone = 0.0, 0.0
    for train, test in folds:
        own, pair = (np.isin(X[:, 0], tasks) for tasks in ([1], [1, 3]))
        rows = test[own[test]]
        for mask in (own, pair):
            i = train[mask[train]]
            fit = model.set_params(task_column=0).fit(X[i], y[i])
            error = np.square(y[rows] - fit.predict(X[rows])).sum()
            together, alone = (
                (together, alone + error) if mask is own else (together + error, alone)
            )
    assert affinity[1, 3] == pytest.approx(1 - together / alone)
    same = data.cluster_labels[:, None] == data.cluster_labels
    np.fill_diagonal(same, False)
    other = data.cluster_labels[:, None] != data.cluster_labels
    assert affinity[same].min() > 0 > affinity[other].mean()


def test_a_task_alone_is_ridge():
    data = clustered()
    model = MultiTaskMeanRegressor(lambda2="auto").fit(data.Xs[:1], data.ys[:1])
    ridge = Ridge(alpha=2 * model.lambda2_ * 15).fit(data.Xs[0], data.ys[0])
    np.testing.assert_allclose(model.coef_[0], ridge.coef_, rtol=1e-6)


def partitions(items):
    if not items:
        yield []
        return
    for size in range(len(items)):
        for others in combinations(items[1:], size):
            rest = [i for i in items[1:] if i not in others]
            for parts in partitions(rest):
                yield [(items[0], *others), *parts]


def test_exact_grouping_is_the_best_of_all_partitions():
    data = clustered(n_tasks=5, snr=1.0)
    found = group_tasks(data.Xs, data.ys, cv=3, random_state=0)
    assert found.method == "exact"
    trials = Trials(data.Xs, data.ys, None, None, 3, 0, None)
    every = list(partitions([0, 1, 2, 3, 4]))
    assert len(every) == 52
    best = max(sum(trials.gain(p).sum() for p in parts) for parts in every) / 5
    assert found.gain == pytest.approx(best)
    assert found.gain == pytest.approx(found.task_gain.mean())
    greedy = group_tasks(data.Xs, data.ys, method="greedy", cv=3, random_state=0)
    assert greedy.method == "greedy"
    assert 0 <= greedy.gain <= found.gain + 1e-12


def test_groups_are_those_that_were_planted():
    data = clustered(n_tasks=9, n_clusters=3, n_features=10, n_samples=18)
    names = [f"t{i}" for i in range(9)]
    Xs, ys = (dict(zip(names, v, strict=True)) for v in (data.Xs, data.ys))
    found = group_tasks(Xs, ys, cv=3, random_state=0)
    assert found.method == "greedy"
    cluster = dict(zip(names, data.cluster_labels.tolist(), strict=True))
    assert all(len({cluster[t] for t in group}) == 1 for group in found.groups)
    assert len(found.groups) < 6
    assert found.gain > 0.1


def test_doors_agree():
    data = clustered(n_tasks=3, n_clusters=1, shared_X=True)
    Y = data.Y
    lists = task_affinity([data.X] * 3, list(Y.T), cv=3, random_state=0)
    np.testing.assert_allclose(task_affinity(data.X, Y, cv=3, random_state=0), lists)
    X, y = stack_tasks([data.X] * 3, list(Y.T))
    table = task_affinity(X, y, task_column=0, cv=3, random_state=0)
    np.testing.assert_allclose(table, lists)


def test_classifiers_and_warnings():
    data = clustered()
    labels = [np.where(y > np.median(y), "a", "b") for y in data.ys]
    model = MultiTaskClassifier(Mean() + RidgePenalty())
    affinity = task_affinity(data.Xs[:2], labels[:2], model, cv=2)
    assert affinity.shape == (2, 2)
    slow = MultiTaskTraceNormRegressor(max_iter=1)
    with pytest.warns(ConvergenceWarning, match="subsets of the tasks"):
        task_affinity(data.Xs[:2], data.ys[:2], slow, cv=2)


def test_bad_input():
    data = clustered()
    with pytest.raises(ValueError, match="method must be"):
        group_tasks(data.Xs, data.ys, method="best")
    with pytest.raises(ValueError, match="not to be seen"):
        task_affinity(data.Xs[0], data.ys[0])


def test_bootstrap_draws_rows_within_tasks():
    data = clustered(n_samples=(6, 20))
    model = MultiTaskMeanRegressor(0.1, lambda2=0.1)
    found = bootstrap_coef(model, data.Xs, data.ys, n_boot=5, random_state=0)
    rng = np.random.RandomState(0)
    for k in range(2):
        rows = [rng.randint(len(y), size=len(y)) for y in data.ys]
        Xs = [X[i] for X, i in zip(data.Xs, rows, strict=True)]
        ys = [y[i] for y, i in zip(data.ys, rows, strict=True)]
        np.testing.assert_allclose(found.samples[k], model.fit(Xs, ys).coef_, atol=1e-8)
    np.testing.assert_allclose(found.low, np.quantile(found.samples, 0.025, axis=0))
    np.testing.assert_allclose(found.coef, model.fit(data.Xs, data.ys).coef_)
    frame = found.to_frame()
    assert frame.loc[(2, "x1"), "high"] == found.high[2, 1]


def test_bootstrap_errors_are_those_of_least_squares():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 2))
    y = X @ [1.0, -1.0] + rng.normal(size=300)
    found = bootstrap_coef(
        SingleTaskRegressor(0.0), [X, X], [y, -y], n_boot=100, random_state=0
    )
    np.testing.assert_allclose(found.std_error, 1 / np.sqrt(300), rtol=0.3)
    assert np.all((found.low < [[1, -1], [-1, 1]]) & (found.high > [[1, -1], [-1, 1]]))


def test_bootstrap_through_the_doors():
    data = clustered(n_tasks=3, n_clusters=1, shared_X=True)
    options = {"n_boot": 4, "random_state": 1}
    model = MultiTaskMeanRegressor(0.1, lambda2=0.1)
    Y = data.Y.copy()
    Y[3, 1] = np.nan
    assert bootstrap_coef(model, data.X, Y, **options).samples.shape == (4, 3, 5)
    Xs, ys = [data.X] * 3, list(data.Y.T)
    lists = bootstrap_coef(model, Xs, ys, **options)
    X, y = stack_tasks(Xs, ys)
    table = bootstrap_coef(model.set_params(task_column=0), X, y, **options)
    np.testing.assert_allclose(table.samples, lists.samples, atol=1e-8)
    labels = [np.where(v > np.sort(v)[-3], "a", "b") for v in ys]
    model = MultiTaskClassifier(Mean() + RidgePenalty(0.1))
    keyed = (dict(zip("abc", v, strict=True)) for v in (Xs, labels))
    found = bootstrap_coef(model, *keyed, **options)
    assert found.to_frame().index.get_level_values("task")[0] == "a"


def test_stability_selection_counts_supports_of_halves():
    data = make_multitask_regression(
        n_tasks=3,
        n_samples=20,
        n_features=8,
        structure="shared_rows",
        n_informative=2,
        snr=5.0,
        random_state=0,
    )
    model = MultiTaskL21Regressor()
    options = {"n_subsamples": 6, "n_lambdas": 4, "eps": 0.5, "random_state": 0}
    found = stability_selection(model, data.Xs, data.ys, **options)
    rng = np.random.RandomState(0)
    count = np.zeros((4, 8))
    for _ in range(6):
        rows = [rng.permutation(20)[:10] for _ in range(3)]
        Xs = [X[i] for X, i in zip(data.Xs, rows, strict=True)]
        ys = [y[i] for y, i in zip(data.ys, rows, strict=True)]
        for k, strength in enumerate(found.lambdas):
            fit = MultiTaskL21Regressor(strength).fit(Xs, ys)
            count[k] += fit.coef_.any(axis=0)
    np.testing.assert_allclose(found.frequency, count / 6)
    np.testing.assert_array_equal(found.selected, found.score >= 0.75)
    assert set(data.shared_features) <= set(np.flatnonzero(found.selected))
    assert found.error_bound == pytest.approx(found.n_selected**2 / (0.5 * 8))
    assert found.to_frame()["score"].is_monotonic_decreasing
    assert list(found.features) == [f"x{j}" for j in range(8)]


def test_stability_selection_wants_a_selection():
    data = clustered()
    with pytest.raises(ValueError, match="selects no features"):
        stability_selection(MultiTaskMeanRegressor(), data.Xs, data.ys)
    with pytest.raises(ValueError, match="threshold"):
        stability_selection(MultiTaskL21Regressor(), data.Xs, data.ys, threshold=0.4)
