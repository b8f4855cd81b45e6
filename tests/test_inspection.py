"""Relatedness of tasks, and uncertainty of coefficients."""

from itertools import combinations

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import Ridge

from pymtl import (
    MultiTaskClassifier,
    MultiTaskClusteredRegressor,
    MultiTaskMeanRegressor,
    MultiTaskRelationshipRegressor,
    MultiTaskTraceNormRegressor,
    SingleTaskRegressor,
    TaskKFold,
    group_tasks,
    stack_tasks,
    task_affinity,
    task_similarity,
)
from pymtl.datasets import make_multitask_regression
from pymtl.inspection import Trials
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
