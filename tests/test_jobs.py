"""Progress of parallel jobs, and what an interruption leaves behind."""

import os
import shutil
import signal
import subprocess
import sys
import time
from types import ModuleType

import numpy as np
import pytest
from joblib import delayed, parallel_config
from joblib.parallel import ThreadingBackend

from pymtl import MultiTaskMeanRegressor, MultiTaskSearchCV, compare_sharing
from pymtl._jobs import run_jobs
from pymtl.datasets import make_multitask_regression

DATA = make_multitask_regression(n_tasks=3, structure="mean", random_state=0)


class Bar:
    """What tqdm does, on record."""

    made: list = []

    def __init__(self, results, **options):
        self.results, self.options, self.seen = results, options, 0
        Bar.made.append(self)

    def __iter__(self):
        for result in self.results:
            self.seen += 1
            yield result


@pytest.fixture
def bars(monkeypatch):
    """Return the bars that were made, by a module in place of tqdm."""
    module = ModuleType("tqdm.auto")
    module.tqdm = Bar
    monkeypatch.setitem(sys.modules, "tqdm", ModuleType("tqdm"))
    monkeypatch.setitem(sys.modules, "tqdm.auto", module)
    monkeypatch.setattr(Bar, "made", [])
    return Bar.made


def test_a_bar_counts_the_folds(bars, capsys):
    search = MultiTaskSearchCV(
        MultiTaskMeanRegressor(),
        lambda1=[1.0, 0.1],
        param_grid={"fit_intercept": [True, False]},
        cv=3,
    )
    quiet = search.fit(DATA.Xs, DATA.ys).cv_results_["mean_test_score"]
    assert not bars
    search.set_params(verbose=1).fit(DATA.Xs, DATA.ys)
    np.testing.assert_array_equal(search.cv_results_["mean_test_score"], quiet)
    assert [bar.seen for bar in bars] == [6]
    options = {"desc": "MultiTaskSearchCV", "total": 6, "unit": "fold"}
    assert bars[0].options == options
    assert capsys.readouterr().out == ""


def test_a_bar_counts_the_searches(bars):
    compare_sharing(
        DATA.Xs,
        DATA.ys,
        structures=["SingleTask", "Pooled"],
        n_splits=2,
        n_repeats=1,
        inner_cv=2,
        n_lambdas=2,
        verbose=1,
    )
    assert [bar.seen for bar in bars] == [4]
    assert bars[0].options["unit"] == "search"


def test_the_bar_goes_on_when_a_job_is_done(bars):
    done = []
    jobs = [delayed(done.append)(i) for i in range(3)]
    run_jobs(jobs, None, "test", "job", verbose=1)
    assert done == [0, 1, 2]
    assert bars[0].seen == 3


def test_without_tqdm_lines_are_printed(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    found = run_jobs([delayed(abs)(-i) for i in range(2)], None, "test", "job", 1)
    assert found == [0, 1]
    assert capsys.readouterr().out == "test: job 1 of 2\ntest: job 2 of 2\n"


def test_a_backend_that_returns_all_at_the_end(monkeypatch, capsys):
    monkeypatch.setattr(ThreadingBackend, "supports_return_generator", False)
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    with parallel_config(backend="threading"):
        found = run_jobs([delayed(abs)(-i) for i in range(3)], 2, "test", "job", 1)
    assert found == [0, 1, 2]
    assert "job 3 of 3" in capsys.readouterr().out


LONG = """
import pymtl
from pymtl.datasets import make_multitask_regression
data = make_multitask_regression(n_tasks=8, n_samples=200, n_features=40)
Xs, ys, slow = data.Xs, data.ys, pymtl.MultiTaskTraceNormRegressor(tol=1e-9)
print("ready", flush=True)
"""
CALLS = {
    "search": "pymtl.MultiTaskSearchCV(slow, cv=50, n_jobs=2).fit(Xs, ys)",
    "verbose": "pymtl.MultiTaskSearchCV(slow, cv=50, n_jobs=2, verbose=1).fit(Xs, ys)",
    "compare": "pymtl.compare_sharing(Xs, ys, n_repeats=99, n_jobs=2)",
    "bootstrap": "pymtl.bootstrap_coef(slow, Xs, ys, n_boot=9999, n_jobs=2)",
    "stability": "pymtl.stability_selection(pymtl.MultiTaskL21Regressor(tol=1e-9), "
    "Xs, ys, n_subsamples=9999, n_jobs=2)",
}


def alive(session):
    """Return the processes of a session that have not ended."""
    table = subprocess.run(
        ["ps", "-eo", "pid=,sid=,stat="], capture_output=True, text=True, check=True
    )
    rows = [line.split() for line in table.stdout.splitlines()]
    return [pid for pid, sid, stat in rows if sid == str(session) and stat[0] != "Z"]


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("ps") is None, reason="there is no ps")
@pytest.mark.parametrize("to_group", [False, True])
@pytest.mark.parametrize("name", CALLS)
def test_an_interruption_leaves_no_process(name, to_group):
    process = subprocess.Popen(
        [sys.executable, "-c", LONG + CALLS[name]],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        text=True,
    )
    try:
        assert process.stdout.readline() == "ready\n"
        stop = time.monotonic() + 60
        while len(alive(process.pid)) < 3:  # itself and two workers
            assert process.poll() is None
            assert time.monotonic() < stop
            time.sleep(0.2)
        time.sleep(2.0)
        send = os.killpg if to_group else os.kill
        send(process.pid, signal.SIGINT)
        _, errors = process.communicate(timeout=60)
        assert "KeyboardInterrupt" in errors
        stop = time.monotonic() + 10
        while alive(process.pid) and time.monotonic() < stop:
            time.sleep(0.2)
        assert not alive(process.pid)
    finally:
        for pid in alive(process.pid):
            os.kill(int(pid), signal.SIGKILL)
