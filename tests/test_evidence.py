import csv
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import stats

from benchmarks import __main__ as command_line
from benchmarks import evidence
from pymtl import MultiTaskMeanRegressor, MultiTaskSearchCV, SingleTaskRegressor
from pymtl.datasets import make_multitask_regression
from pymtl.metrics import multitask_score


@pytest.fixture
def tasks():
    data = make_multitask_regression(
        n_tasks=4, n_samples=24, n_features=3, structure="mean", random_state=0
    )
    return data.Xs, data.ys


@pytest.mark.parametrize(
    "metric, name",
    [
        ("pooled", "explained_variance_pooled"),
        ("within", "explained_variance_within"),
        ("auc", "roc_auc"),
    ],
)
def test_contributions_add_up_to_the_score(metric, name):
    rng = np.random.default_rng(0)
    sizes = (3, 8, 5)
    ys = [np.arange(n) % 2 if metric == "auc" else rng.normal(size=n) for n in sizes]
    ys[0][:] = ys[0][0]  # not defined within this task
    zs = [rng.normal(size=n) for n in sizes]
    found = evidence.contributions(metric, ys, zs)
    assert found.shape == (3,)
    expected = multitask_score(name, ys, zs)
    assert found.sum() == pytest.approx(expected)


def test_interval_is_that_of_a_paired_t_test():
    a, b = np.random.default_rng(0).normal(size=(2, 12))
    test = stats.ttest_rel(a, b)
    low, high = test.confidence_interval(0.95)
    text = evidence.interval((a - b) / 12)
    assert text == f"{(a - b).mean():+.1f} [{low:+.1f}, {high:+.1f}]"


def test_deal_keeps_rows_of_every_task_and_label_apart():
    ys = [np.arange(9.0), np.array([0, 1] * 20), np.arange(4.0)]
    train, test = evidence.deal(ys, 0.2, seed=0)
    for y, a, b in zip(ys, train, test, strict=True):
        assert sorted([*a, *b]) == list(range(len(y)))
    assert [len(rows) for rows in train] == [2, 8, 2]
    assert ys[1][train[1]].mean() == ys[1][test[1]].mean() == 0.5


def test_divide_measures_features_by_the_training_part(tasks):
    Xs, ys = tasks
    Xs[0][-1] = 1e6  # in the test part
    part = evidence.divide(Xs, ys, *[[slice(0, 20)] * 4, [slice(20, None)] * 4])
    np.testing.assert_allclose(np.concatenate(part.train[0]).std(axis=0), 1.0)
    assert part.raw[1][0][-1, 0] == 1e6


def test_a_block_chooses_in_the_training_part_and_tells_after_each_model(tasks):
    Xs, ys = tasks
    searches = {
        "alone": MultiTaskSearchCV(SingleTaskRegressor(), n_lambdas=3, cv=2),
        "mean": MultiTaskSearchCV(MultiTaskMeanRegressor(), n_lambdas=3, cv=2),
    }
    models = {name: evidence.Model(search) for name, search in searches.items()}
    part = evidence.divide(Xs, ys, *evidence.deal(ys, 0.5, 0))
    block = evidence.Block({"data": "tiny"}, models, [part], ("pooled", "within"))
    lengths = []
    block.run(lambda: lengths.append(len(block.rows())))
    assert lengths == [1, 2]
    first, second = block.rows()
    assert first["gain, pooled"] == "" and second["gain, pooled"] != ""
    z = searches["mean"].fit(*part.train).predict(part.test[0])
    score = multitask_score("explained_variance_within", part.test[1], z)
    assert second["within"] == f"{100 * score:.1f}"


def test_related_tasks_stay_the_same_as_unrelated_ones_are_added():
    few, many = (evidence.unrelated_part(0, k) for k in (0, 8))
    assert len(many.train[0]) == 16 and len(few.train[0]) == few.judged == 8
    np.testing.assert_array_equal(few.test[1], many.test[1][:8])


def test_command_writes_a_table_and_says_what_is_missing(tmp_path, monkeypatch, capsys):
    def lines(args, tell):
        tell([{"model": "a", "score": "1.0"}])

    monkeypatch.setitem(evidence.SECTIONS, "multilevel", lines)
    out = ["--out", str(tmp_path), "--data", str(tmp_path)]
    command = ["evidence", *out, "--only"]
    assert command_line.main([*command, "multilevel"]) == 0
    with (tmp_path / "multilevel.csv").open() as file:
        assert list(csv.DictReader(file)) == [{"model": "a", "score": "1.0"}]
    assert command_line.main([*command, "school"]) == 1
    assert "school left out" in capsys.readouterr().out


def test_school_runs_on_the_real_files(shared_folder):
    args = SimpleNamespace(data=shared_folder / "data", draws=1)
    (school,) = evidence.school(args)
    school.models = {evidence.BASE: school.models[evidence.BASE]}
    school.run(lambda: None)
    (line,) = school.rows()
    assert 30 < float(line["pooled"]) < 40 and 15 < float(line["within"]) < 25
