"""The table of targets: pymtl, the fastest peer and the floor of the machine."""

import argparse
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
import tracemalloc
import warnings
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import numpy as np

from . import logistic, pages, problems, reference, report, runner
from .gap import lambda_max
from .problems import Problem, Spec, make_problem
from .rows import Row, Run, against, beside, floor, timed

PEERS = ("adelie", "scikit-learn", "celer", "celer group", "skglm", "skglm group")
CODE = """
import time, numpy as np
start = time.perf_counter()
from pymtl import MultiTaskL21Regressor
imported = time.perf_counter()
rng = np.random.default_rng(0)
Xs = [rng.standard_normal((100, 20)) for _ in range(5)]
MultiTaskL21Regressor().fit(Xs, [X[:, 0] + X[:, 1] for X in Xs])
print(time.perf_counter() - imported)
"""


def small(run: Run) -> dict:
    """One small fit, beside scikit-learn on a design of the same size."""
    from sklearn.linear_model import MultiTaskLasso

    from pymtl import MultiTaskL21Regressor

    more = replace(run, repeats=20 * run.repeats)
    problem = make_problem(Spec("small", False, 5, (100, 100), 20, 0.1))
    model = MultiTaskL21Regressor(problem.alpha)
    ours = timed(lambda: model.fit(problem.Xs, problem.ys), more)
    shared = make_problem(Spec("small", True, 5, (100, 100), 20, 0.1))
    peer = MultiTaskLasso(shared.alpha)
    other = timed(lambda: peer.fit(shared.Xs[0], shared.Y), more)
    record = beside(ours, {"name": "scikit-learn, shared X"} | other)
    return record | {"value": 1e3 * ours["seconds"]} | floor(problem, run)


def startup(cold: bool, run: Run) -> dict:
    """The first fit of a new process, imports apart."""
    with tempfile.TemporaryDirectory() as folder:
        environment = dict(os.environ, NUMBA_CACHE_DIR=folder)
        call = [sys.executable, "-c", CODE]
        options = {"capture_output": True, "text": True, "check": True}
        times = [
            float(subprocess.run(call, env=environment, **options).stdout)
            for _ in range(1 if cold else 3)
        ]
    seconds = times[0] if cold else min(times[1:])
    return {"status": "ok", "seconds": seconds, "value": seconds}


def growth(what: str, of: str, run: Run) -> dict:
    """Slope of log time or log memory over the last two of three decades.

    Memory is the data and the most that a fit allocates.
    """
    from pymtl import MultiTaskL21Regressor

    shapes = {  # T, n, d
        "N": [(5, n, 20) for n in (200, 2_000, 20_000, 200_000)],
        "d": [(5, 50, d) for d in (40, 400, 4_000, 40_000)],
        "T": [(T, 50, 20) for T in (5, 50, 500, 5_000)],
    }[what]
    costs = []
    for T, n, d in shapes:
        problem = make_problem(Spec("growth", False, T, (n, n), d, 0.3, n_active=5))
        model = MultiTaskL21Regressor(problem.alpha, fit_intercept=True)
        fit = partial(model.fit, problem.Xs, problem.ys)
        found = timed(fit, run if of == "time" else replace(run, repeats=0))
        costs.append(found["seconds"])
        if of == "memory":
            tracemalloc.start()
            fit()
            costs[-1] = 8 * T * n * (d + 1) + tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
    sizes = [T * n * d for T, n, d in shapes]
    slope = np.polyfit(np.log(sizes[1:]), np.log(costs[1:]), 1)[0]
    record = {"costs": costs, "sizes": sizes, "value": float(slope)}
    if of == "time":
        record |= floor(problem, run)
    return record | {"status": "ok", "seconds": found["seconds"]}


def memory(shared: bool, T: int, n: int, d: int, run: Run) -> dict:
    """Largest resident set of data and fit, over the size of the data.

    What the process held before the data, with all code loaded, is taken off.
    """
    from pymtl import MultiTaskL21Regressor

    rng = np.random.default_rng(0)

    def data(T, n, d):
        Xs = [np.empty((n, d)) for _ in range(1 if shared else T)]
        for X in Xs:
            rng.standard_normal(out=X)
        ys = rng.standard_normal((T, n))
        ys += [X[:, 0] for X in (Xs * T if shared else Xs)]
        return (Xs[0], ys.T) if shared else (Xs, list(ys))

    def fit(X, Y):
        ys = Y.T if shared else Y
        largest = lambda_max([X] * T if shared else X, ys)
        MultiTaskL21Regressor(0.3 * largest).fit(X, Y)

    fit(*data(T, 4 * d, d) if n >= d else data(T, n, 4 * n))
    before = _resident("VmRSS")
    X, Y = data(T, n, d)
    clock = runner.CLOCKS[run.clock]
    start = clock()
    fit(X, Y)
    seconds = clock() - start
    size = 8 * (n * d + T * n if shared else T * n * (d + 1))
    value = (_resident("VmHWM") - before) / size
    return {"status": "ok", "seconds": seconds, "value": value, "bytes": size}


def _resident(field):
    """Return a resident set in bytes: of now (VmRSS) or the largest (VmHWM)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    line = next(line for line in lines if line.startswith(field))
    return 1024 * int(line.split()[1])


def school_grid(run: Run) -> dict:
    """Thirty by ten strengths in five folds on School, and by scikit-learn's search."""
    from sklearn.model_selection import GridSearchCV

    from pymtl import MultiTaskMeanRegressor, TaskKFold, stack_tasks
    from pymtl.datasets import load_school
    from pymtl.model_selection import MultiTaskSearchCV

    data = load_school(problems.outside("data"))
    first, second = np.geomspace(1e2, 1e-3, 30), np.geomspace(10, 1e-3, 10)
    search = MultiTaskSearchCV(
        MultiTaskMeanRegressor(), lambda1=first, lambda2=second, cv=5
    )
    ours = timed(lambda: search.fit(data.Xs, data.ys), run)
    table = stack_tasks(data.Xs, data.ys)
    few = GridSearchCV(  # a tenth of the grid, ten times the time
        MultiTaskMeanRegressor(task_column=0),
        {"lambda1": first[::10], "lambda2": second},
        cv=TaskKFold(5, task_column=0),
    )
    other = timed(lambda: few.fit(*table), replace(run, repeats=0))
    peer = {"name": "GridSearchCV", "status": "ok", "seconds": 10 * other["seconds"]}
    return beside(ours, peer) | floor(Problem(None, data.Xs, data.ys, None, 0.0), run)


def school_search(run: Run) -> dict:
    """Fifty strengths in five folds, in times of one path."""
    from pymtl import MultiTaskL21Regressor
    from pymtl.datasets import load_school
    from pymtl.model_selection import MultiTaskSearchCV

    data = load_school(problems.outside("data"))
    options = {"n_lambdas": 50, "eps": 1e-2}
    model = MultiTaskL21Regressor()
    path = timed(lambda: model.path(data.Xs, data.ys, **options), run)
    search = MultiTaskSearchCV(model, **options, cv=5)
    ours = timed(lambda: search.fit(data.Xs, data.ys), run)
    record = beside(ours, {"name": "one path"} | path)
    record |= floor(Problem(None, data.Xs, data.ys, None, 0.0), run)
    return record | {"value": ours["seconds"] / path["seconds"]}


def rows(quick: bool, skip: Sequence[str] = ()) -> list[Row]:
    """Return the table.

    Parameters
    ----------
    quick : bool
        Five rows of small problems.
    skip : sequence of str, default=()
        Peers to leave out.
    """
    peers = [name for name in PEERS if name not in skip]
    return _quick() if quick else [*_l21(peers), *logistic.rows(skip), *_others()]


def _quick():
    shared, tasks = problems.QUICK
    path = replace(tasks, name="tasks-path-quick", fraction=0.05, n_strengths=20)
    lasso = replace(problems.LASSO, name="lasso-quick", n_tasks=10, n_features=50)
    quick = ("adelie", "scikit-learn", "celer")
    table = [
        against(spec, quick, target=3.0, group="L2,1") for spec in (shared, tasks, path)
    ]
    table.append(against(lasso, quick, target=3.0, group="Lasso"))
    return [*table, Row("lists (5, 100, 20)", 2.0, small, "ms", "One small fit")]


def _l21(peers):
    """Rows that the duality gap judges."""
    one = "L2,1, one design for all tasks"
    table = [against(spec, peers, target=3.0, group=one) for spec in problems.SHARED]
    table.append(against(problems.SHARED_PATH, peers, target=2.0, group=one))
    school = problems.SCHOOL if problems.outside("data").exists() else problems.MANY
    targets = dict.fromkeys((*problems.TALL, school), 3.0)
    targets |= dict.fromkeys(problems.WIDE, 2.0)
    each = "L2,1, a design for each task"
    for spec, target in (targets | {problems.UNITS: 5.0}).items():
        table.append(against(spec, peers, target=target, group=each))
    for spec, target in targets.items():
        path = problems.path_of(spec)
        table.append(against(path, peers, target=target, group=each))
    lasso = against(problems.LASSO, peers, target=3.0, group="Lasso for each task")
    return [*table, lasso]


def _others():
    """Rows with a judge of their own."""
    table, group = [], "Searches"
    if problems.outside("data").exists():
        work = "School, mean, 30 x 10 strengths, 5 folds"
        table.append(Row(work, 50.0, school_grid, group=group))
        work = "School, L2,1, 50 strengths, 5 folds"
        table.append(Row(work, 10.0, school_search, "paths", group))
    group = "Beside MALSAR and RMTL"
    for name, entries in reference.functions().items():
        where = "/".join(sorted({entry["problem"] for entry in entries}))
        work = f"{name} on {where}, the worst of {len(entries)}"
        measure = partial(reference.measure, entries)
        table.append(Row(work, 20.0, measure, group=group))
    group = "Small fits, growth and memory"
    table += [
        Row("one fit, lists (T=5, n=100, d=20)", 2.0, small, "ms", group),
        Row("first fit, warm cache", 0.5, partial(startup, False), "s", group),
        Row("first fit, cold cache", 5.0, partial(startup, True), "s", group),
    ]
    for of in ("time", "memory"):
        for what in ("N", "d", "T"):
            work = f"growth with {what}, slope of log {of}"
            table.append(Row(work, 1.1, partial(growth, what, of), "", group))
    for name, *shape in (
        ("one design", True, 20, 100_000, 400),
        ("lists", False, 20, 20_000, 100),
        ("wide lists", False, 20, 200, 10_000),
    ):
        _, T, n, d = shape
        work = f"peak memory, {name} (T={T}, n={n}, d={d})"
        table.append(Row(work, 2.0, partial(memory, *shape), "x input", group))
    return table


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``python -m benchmarks speed``."""
    parser.add_argument("--quick", action="store_true", help="five rows, in a minute")
    parser.add_argument("--repeats", type=int, default=3, help="calls of a median (3)")
    parser.add_argument("--threads", type=int, default=1, help="of all solvers (1)")
    parser.add_argument(
        "--timeout", type=float, default=80, help="seconds of a solver in a row (80)"
    )
    parser.add_argument(
        "--clock",
        choices=list(runner.CLOCKS),
        default="wall",
        help="cpu counts the time the process works, for a machine that is not idle",
    )
    parser.add_argument("--skip", nargs="+", default=[], help="solvers to leave out")
    parser.add_argument(
        "--only",
        nargs="+",
        default=[],
        help="rows with these words; the last results of the others are kept",
    )
    parser.add_argument(
        "--pages",
        action="store_true",
        help="measure nothing: write docs/speed from the last results",
    )


def run(args: argparse.Namespace) -> int:
    """Measure the rows, print the table and write it after each of them.

    Parameters
    ----------
    args : argparse.Namespace
        Options declared by `add_arguments`.

    Returns
    -------
    int
        Exit code: 1 where a row gave no time.
    """
    stem = report.RESULTS / ("speed-quick" if args.quick else "speed")
    if args.pages:
        pages.write(json.loads(stem.with_suffix(".json").read_text()), pages.FOLDER)
        return 0
    os.environ |= dict.fromkeys(runner.THREAD_VARIABLES, str(args.threads))
    content = {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "surroundings": report.surroundings(),
        "threads": args.threads,
        "clock": args.clock,
        "rows": [],
    }
    load, cpus = (content["surroundings"][key] for key in ("load", "cpus"))
    print(f"load {load or np.nan:.1f} on {cpus} CPUs", flush=True)
    table = rows(args.quick, args.skip)
    kept = _last(stem) if args.only else {}
    how = Run(args.repeats, args.clock, args.threads, args.timeout)
    group, start = None, time.monotonic()
    for row in table:
        key = f"{row.group}: {row.work}"
        if args.only and not any(word in key for word in args.only):
            continue
        if row.group != group:
            print(group := row.group, flush=True)
        kept[key] = _measured(row, how)
        print(" ", pages.line(kept[key]), flush=True)
        keys = (f"{row.group}: {row.work}" for row in table)
        content["rows"] = [kept[key] for key in keys if key in kept]
        report.write_json(stem.with_suffix(".json"), content)
    print(f"{(time.monotonic() - start) / 60:.0f} minutes")
    stem.with_suffix(".txt").write_text(pages.text(content["rows"]))
    pages.picture(stem.with_suffix(".png"), content["rows"])
    return int(any("seconds" not in record for record in content["rows"]))


def _last(stem):
    """Return the rows of the last results by their names."""
    path = stem.with_suffix(".json")
    rows = json.loads(path.read_text())["rows"] if path.exists() else []
    return {f"{row.get('group')}: {row['work']}": row for row in rows}


def _measured(row, run):
    """Return a row's record, complete."""
    start, before = datetime.now(UTC), os.times()
    found = _in_a_process(partial(row.measure, run), row.solvers * run.timeout + 30)
    record = {key: getattr(row, key) for key in ("group", "work", "target", "unit")}
    record |= found | {"load": report.load(), "date": start.isoformat(" ", "seconds")}
    record["took"] = (datetime.now(UTC) - start).total_seconds()
    record["worked"] = sum(os.times()[2:4]) - sum(before[2:4])  # of all its processes
    return record | {"met": pages.met(record)}


def _in_a_process(work, timeout):
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(1, mp_context=context)
    try:
        return pool.submit(_quiet, work).result(timeout)
    except TimeoutError:
        for process in list(pool._processes.values()):
            process.terminate()
        return {"status": f"timeout after {timeout:g} s"}
    except Exception as error:
        return {"status": f"failed: {error}"}
    finally:
        pool.shutdown(cancel_futures=True)


def _quiet(work):
    warnings.simplefilter("ignore")
    return work()
