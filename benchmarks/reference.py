"""pymtl beside what MALSAR and RMTL were recorded to need on the same problems.

The records are not part of the repository: `PYMTL_SHARED` names their folder.
"""

import json
import warnings
from pathlib import Path

import numpy as np

from .problems import Problem, outside
from .rows import floor
from .runner import CLOCKS

SUMS = {"fit_intercept": False, "task_weight": "n_samples"}
TOLERANCES = 10.0 ** np.arange(-1, -13, -1)


def folder() -> Path:
    """Return where the records are."""
    return outside("reference")


def entries() -> list[dict]:
    """Return the records of the models that pymtl has."""
    path = folder() / "reference.json"
    if not path.exists():
        return []
    every = json.loads(path.read_text())["entries"]
    return [
        entry
        for entry in every
        if entry.get("time_default_1thread") and model(entry) is not None
    ]


def model(entry: dict):
    """Return pymtl's model of a record, and the record's objective over its own."""
    import pymtl

    s, function = entry["params"], entry["function"].replace("_fix", "")
    if function == "Least_L21" or function == "Least_L21_L2":
        ridge = s.get("rho_L2", 0.0)
        return pymtl.MultiTaskL21Regressor(s["rho1"], ridge, **SUMS), 1
    if function == "Least_Lasso":
        return pymtl.MultiTaskL1Regressor(s["rho1"], **SUMS), 1
    if function == "Least_Trace":
        return pymtl.MultiTaskTraceNormRegressor(s["rho1"], **SUMS), 1
    if function == "Least_CMTL":
        options = {"n_clusters": int(s["k"]), **SUMS}
        return pymtl.MultiTaskClusteredRegressor(s["rho1"], s["rho2"], **options), 1
    if function == "Least_CASO":
        options = {"n_components": int(s["k"]), **SUMS}
        return pymtl.MultiTaskASORegressor(s["rho1"], s["rho2"], **options), 1
    if function == "Least_TGL":
        strengths = s["rho1"], s["rho2"], s["rho3"]
        return pymtl.MultiTaskTemporalGroupRegressor(*strengths, **SUMS), 1
    if function == "Least_CFGLasso":
        strengths = s["rho1"], s["rho2"], s["rho3"]
        return pymtl.MultiTaskFusedSparseGroupRegressor(*strengths, **SUMS), 1
    if function == "Least_SparseTrace":
        budget = {"rank_budget": s["tau"]}
        lambda1 = s["gamma"] / 2
        return pymtl.MultiTaskSparseLowRankRegressor(lambda1, **budget, **SUMS), 2
    if function == "Least_Dirty":
        strengths = s["lambda1"] / 2, s["lambda2"] / 2
        return pymtl.MultiTaskDirtyRegressor(*strengths, **SUMS), 2
    if function == "Least_rMTFL":
        strengths = s["lambda1"] / 2, s["lambda2"] / 2
        return pymtl.MultiTaskRobustFeatureRegressor(*strengths, **SUMS), 2
    if function == "Least_RMTL":
        strengths = s["rho1"] / 2, s["rho2"] / 2
        return pymtl.MultiTaskRobustLowRankRegressor(*strengths, **SUMS), 2
    if function == "Least_SRMTL":
        with np.load(folder() / f"{entry['problem']}.npz") as z:
            graph = {"lambda3": s["rho2"], "incidence": z["R"]}
        return pymtl.MultiTaskGraphRegressor(s["rho1"], **graph, **SUMS), 1
    if entry["package"] != "RMTL" or "Classification" in function:
        return None
    strengths = float(s["Lam1"]), float(s["Lam2"])
    if "Lasso" in function:
        return pymtl.MultiTaskL1Regressor(*strengths), 1
    if "L21" in function:
        return pymtl.MultiTaskL21Regressor(*strengths), 1
    if "Trace" in function:
        return pymtl.MultiTaskTraceNormRegressor(*strengths), 1
    if "Graph" in function:
        return pymtl.MultiTaskMeanRegressor(*strengths), 1
    if "CMTL" in function:
        return pymtl.MultiTaskClusteredRegressor(*strengths, n_clusters=int(s["k"])), 1
    return None


def functions() -> dict[str, list[dict]]:
    """Return the records by function."""
    found: dict[str, list[dict]] = {}
    for entry in entries():
        name = f"{entry['package']} {entry['function'].replace('_fix', '')}"
        found.setdefault(name, []).append(entry)
    return found


def measure(records: list[dict], run) -> dict:
    """Return the record on which pymtl gains the least, and all of them."""
    found = [_measure(entry, run) for entry in records]
    missed = [r["id"] for r in found if "seconds" not in r]
    if missed:
        return {"status": f"objective not reached: {missed}", "entries": found}
    worst = min(found, key=lambda r: r["peer_seconds"] / r["seconds"])
    return worst | {"entries": found}


def _measure(entry, run):
    """Time a model at the loosest tolerance whose objective is no worse."""
    with np.load(folder() / f"{entry['problem']}.npz") as z:
        cuts = np.cumsum(z["n"])[:-1]
        Xs, ys = np.split(z["X"].astype(float), cuts), np.split(z["y"], cuts)
    fitted, factor = model(entry)
    clock = CLOCKS[run.clock]
    record = {
        "id": entry["id"],
        "peer": entry["package"],
        "peer_seconds": entry["time_default_1thread"],
        "status": "not reached",
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for tol in TOLERANCES:
            fitted.set_params(tol=tol, max_iter=100_000)
            seconds = []
            for _ in range(run.repeats + 1):
                start = clock()
                fitted.fit(Xs, ys)
                seconds.append(clock() - start)
                if fitted.objective_ * factor > entry["obj_default"]:
                    break
            else:
                return (
                    record
                    | {
                        "status": "ok",
                        "seconds": float(np.median(seconds[1:])),
                        "tol": float(tol),
                        "objective": fitted.objective_ * factor,
                        "peer_objective": entry["obj_default"],
                    }
                    | floor(Problem(None, Xs, ys, None, 0.0), run)
                )
    return record
