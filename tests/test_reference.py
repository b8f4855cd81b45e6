"""The optima of MALSAR and RMTL, computed by independent solvers, are reached.

MALSAR sums the squared loss over the rows and has no intercept; RMTL's objective is
ours, and so are those of labels in both packages. Its graph of the mean, like
MALSAR's, is `W (I - 11'/T)`.
"""

import csv
import json
import re
import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose

from pymtl import (
    MultiTaskClusteredClassifier,
    MultiTaskDirtyClassifier,
    MultiTaskGraphClassifier,
    MultiTaskL1Classifier,
    MultiTaskL21Classifier,
    MultiTaskL21Regressor,
    MultiTaskMeanClassifier,
    MultiTaskMeanRegressor,
    MultiTaskRobustFeatureClassifier,
    MultiTaskTraceNormClassifier,
)

from .test_docs import ROOT

MALSAR_L21 = ["Least_L21_P1_1", "Least_L21_P1_2", "Least_L21_P2_1", "Least_L21_P2_2"]
MALSAR_RIDGE = ["Least_L21_L2_P2_1"]
RMTL_L21 = [f"RMTL_L21_{p}" for p in ("P1_1", "P1_2", "P2_1", "P2_2", "P2_3")]
RMTL_MEAN = [f"RMTL_Graph_{p}" for p in ("P1_1", "P1_2", "P2_1", "P2_2")]
# functions of classification: the same model, given rho1 (Lam1), rho2 (Lam2), k and R
LABELS = {
    "Logistic_Lasso": lambda a, b, k, R: MultiTaskL1Classifier(a),
    "Logistic_L21": lambda a, b, k, R: MultiTaskL21Classifier(a),
    "Logistic_Trace": lambda a, b, k, R: MultiTaskTraceNormClassifier(a),
    "Logistic_SRMTL": lambda a, b, k, R: MultiTaskGraphClassifier(
        a, 0.0, b, incidence=R
    ),
    "Logistic_CMTL": lambda a, b, k, R: MultiTaskClusteredClassifier(
        a, b, n_clusters=k
    ),
    "Logistic_Dirty": lambda a, b, k, R: MultiTaskDirtyClassifier(a, b),
    "Logistic_rMTFL": lambda a, b, k, R: MultiTaskRobustFeatureClassifier(a, b),
    "MTL(Classification,Lasso)": lambda a, b, k, R: MultiTaskL1Classifier(a, b),
    "MTL(Classification,L21)": lambda a, b, k, R: MultiTaskL21Classifier(a, b),
    "MTL(Classification,Trace)": lambda a, b, k, R: MultiTaskTraceNormClassifier(a, b),
    "MTL(Classification,Graph)": lambda a, b, k, R: MultiTaskMeanClassifier(a, b),
    "MTL(Classification,CMTL)": lambda a, b, k, R: MultiTaskClusteredClassifier(
        a, b, n_clusters=k
    ),
}
NAMES = {
    "Logistic_Lasso": (1, 2),
    "Logistic_L21": (1, 2),
    "Logistic_Trace": (1, 2),
    "Logistic_SRMTL": (1, 2),
    "Logistic_CMTL": (1,),
    "Logistic_Dirty": (1, 2),
    "Logistic_rMTFL": (1, 2),
    "RMTL_L21": (1, 2),
    "RMTL_Lasso": (1, 2),
    "RMTL_Trace": (1, 2),
    "RMTL_Graph": (1,),
    "RMTL_CMTL": (1,),
}
LABEL_ENTRIES = [f"{name}_P2c_{i}" for name, ends in NAMES.items() for i in ends]


@pytest.fixture(scope="module")
def entries(shared_folder):
    text = (shared_folder / "reference" / "reference.json").read_text()
    return {entry["id"]: entry for entry in json.loads(text)["entries"]}


def problem(shared_folder, entry):
    """Return the tasks of a reference, its solution and its graph."""
    with np.load(shared_folder / "reference" / f"{entry['problem']}.npz") as z:
        cuts = np.cumsum(z["n"])[:-1]
        Xs = np.split(z["X"].astype(float), cuts)
        return Xs, np.split(z["y"], cuts), z[f"{entry['id']}/ref_W"], z["R"]


def estimator(entry):
    """Return the model that minimises the objective of a reference."""
    strengths = entry["params"]
    if entry["package"] == "MALSAR":
        return MultiTaskL21Regressor(
            strengths["rho1"],
            strengths.get("rho_L2", 0.0),
            fit_intercept=False,
            task_weight="n_samples",
        )
    graph = "Graph" in entry["function"]
    model = MultiTaskMeanRegressor if graph else MultiTaskL21Regressor
    return model(float(strengths["Lam1"]), float(strengths["Lam2"]))


def written_out(entry, Xs, ys, W, c):
    """Return the objective of the package at W (d, T) and c, as its manual has it."""
    strengths, total = entry["params"], 0.0
    for t, (X, y) in enumerate(zip(Xs, ys, strict=True)):
        square = np.sum((y - X @ W[:, t] - c[t]) ** 2)
        total += square / 2 if entry["package"] == "MALSAR" else square / (2 * len(y))
    rows = np.linalg.norm(W, axis=1).sum()
    if entry["package"] == "MALSAR":
        ridge = strengths.get("rho_L2", 0.0)
        return total + strengths["rho1"] * rows + ridge * np.sum(W**2)
    if "Graph" in entry["function"]:
        rows = np.sum((W - W.mean(axis=1, keepdims=True)) ** 2)
    return total + strengths["Lam1"] * rows + strengths["Lam2"] * np.sum(W**2)


@pytest.mark.parametrize("name", MALSAR_L21 + MALSAR_RIDGE + RMTL_L21 + RMTL_MEAN)
def test_optimum_is_reached(shared_folder, entries, name):
    entry = entries[name]
    Xs, ys, W, R = problem(shared_folder, entry)
    model = estimator(entry).set_params(tol=1e-8).fit(Xs, ys)
    assert model.converged_
    value = written_out(entry, Xs, ys, model.coef_.T, model.intercept_)
    assert_allclose(value, entry["objective"], rtol=1e-6)
    assert_allclose(model.objective_, value, rtol=1e-9)
    assert value - entry["objective"] <= model.dual_gap_ + 1e-9 * value
    if "Graph" in name:
        assert_allclose(R, np.eye(len(Xs)) - 1 / len(Xs), atol=1e-15)
        assert_allclose(model.coef_.T, W, atol=1e-6 * np.abs(W).max())


@pytest.mark.parametrize("name", LABEL_ENTRIES)
def test_optimum_of_labels_is_reached(shared_folder, entries, name):
    entry = entries[name]
    strengths = {k.lower(): float(v) for k, v in entry["params"].items()}
    first = strengths.get("rho1", strengths.get("lam1"))
    second = strengths.get("rho2", strengths.get("lam2", 0.0))
    with np.load(shared_folder / "reference" / "P2c.npz") as z:
        cuts = np.cumsum(z["n"])[:-1]
        Xs = np.split(z["X"].astype(float), cuts)
        ys, R = np.split(z["y"], cuts), z["R"]
        solution = z[f"{name}/ref_W"] if f"{name}/ref_W" in z else None
    build = LABELS[entry["function"]]
    model = build(first, second, int(strengths.get("k", 0)), R).set_params(tol=1e-7)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of a part that is zero
        model.fit(Xs, ys)
    assert model.converged_
    assert_allclose(model.objective_, entry["objective"], rtol=1e-6)
    assert model.objective_ - entry["objective"] <= model.dual_gap_ + 1e-9
    if solution is not None:
        assert_allclose(model.coef_.T, solution, atol=0.01 * np.abs(solution).max())


def test_every_reference_of_labels_is_here(entries):
    found = {i for i, e in entries.items() if e["problem"] == "P2c"}
    assert found - {"Logistic_CMTL_fix_P2c_1"} == set(LABEL_ENTRIES)


def test_every_reference_of_these_models_is_here(entries):
    functions = {
        "Least_L21": MALSAR_L21,
        "Least_L21_L2": MALSAR_RIDGE,
        "MTL(Regression,L21)": RMTL_L21,
        "MTL(Regression,Graph)": RMTL_MEAN,
    }
    for function, names in functions.items():
        found = [i for i, e in entries.items() if e["function"] == function]
        assert sorted(found) == sorted(names)
    for entry in entries.values():
        if entry["function"] == "Least_SRMTL":  # has an L1 term, so it is no Mean
            assert entry["params"]["rho2"] > 0


def documented_misses():
    """Return the rows of the table in `coming_from.rst`."""
    page = (ROOT / "docs" / "coming_from.rst").read_text(encoding="utf-8")
    table = re.search(r"^ +:header: .*\n\n((?: +.*\n)+)", page, re.MULTILINE)[1]
    return list(csv.reader(table.splitlines(), skipinitialspace=True))


@pytest.mark.parametrize("row", documented_misses(), ids=lambda row: " ".join(row[:3]))
def test_documented_miss_is_the_recorded_one(entries, row):
    function, data, strengths, theirs, optimum, above = row
    package, name = re.match(r"(\w+) ``(\w+)``", function).groups()
    name = name if package == "MALSAR" else f"MTL(Regression,{name})"
    numbers = [float(x) for x in re.findall(r"(?<![a-zA-Z])\d+\.?\d*", strengths)]
    problem = "P1" if data == "School" else data
    [entry] = [
        e
        for e in entries.values()
        if (e["package"], e["function"], e["problem"]) == (package, name, problem)
        and [float(v) for v in e["params"].values() if v][: len(numbers)] == numbers
    ]
    assert_allclose(float(theirs), entry["obj_default"], rtol=1e-5)
    assert_allclose(float(optimum), entry["objective"], rtol=1e-6)
    percent = float(above.removesuffix("%"))
    assert_allclose(percent, 100 * entry["gap_default"], rtol=0.05)
