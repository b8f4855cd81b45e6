"""The table of targets: pymtl, the fastest peer and the floor of the machine."""

import argparse
import multiprocessing
import os
import statistics
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial

import numpy as np

from . import problems, reference, report, runner
from .paths import AdeliePath, CelerPath, LassoPaths, PathPeer, PymtlPath
from .problems import Spec, make_problem

TARGET = 1e-6
PEER_SECONDS = 90.0
SHARED = ("scikit-learn", "celer", "skglm", "adelie")
TASKS = ("adelie",)
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


@dataclass(frozen=True)
class Run:
    """How to measure.

    Parameters
    ----------
    repeats : int
        Calls behind a median.
    clock : {"wall", "cpu"}
        Time that passes, or that the process works.
    """

    repeats: int = 3
    clock: str = "wall"


@dataclass(frozen=True)
class Row:
    """A line of the table.

    Parameters
    ----------
    work : str
        What is done.
    target : float
        Wanted ratio of the peer's time to pymtl's, or a bound.
    measure : callable
        ``measure(run)`` returns the record; it runs in a process of its own.
    unit : str
        What the target is: "ratio", or the unit of a bound.
    """

    work: str
    target: float
    measure: Callable[[Run], dict]
    unit: str = "ratio"


def one_strength(spec: Spec, peers: tuple[str, ...], threads: int, run: Run):
    """L2,1 at one strength, each solver in its own process."""
    names = ("pymtl", *peers)
    options = {"targets": (TARGET,), "threads": threads, "timeout": PEER_SECONDS}
    options |= {"repeats": run.repeats, "clock": run.clock}
    records = [runner.run(name, spec, **options) for name in names]
    ours, *others = (
        {"name": r["solver"], "first": r.get("first_call")} | r["targets"][0]
        for r in records
    )
    return _beside(ours, others) | {"floor": floor(make_problem(spec), run)}


def along_path(spec, size, order, peers: tuple[type[PathPeer], ...], threads, run):
    """A path of strengths, every point within the gap."""
    problem = make_problem(spec)
    found = []
    for kind in (PymtlPath, *peers):
        named = type(kind.__name__, (kind,), {"size": size, "order": order})
        try:
            peer = named(problem, threads)
            trials = runner.Trials(peer, problem, run.repeats, _ignore, run.clock)
            first = trials.call(runner.TOLERANCES[0])
            summary = trials.summary(TARGET)
        except Exception as error:  # a peer that breaks is no reason to stop
            summary, first = {"status": f"failed: {error}"}, None
        found.append({"name": kind.name, "first": first} | summary)
    return _beside(found[0], found[1:]) | {"floor": floor(problem, run)}


def _ignore(found):
    """Tell nobody of a call."""


def _beside(ours, others):
    """Return the record of pymtl beside the fastest of the others."""
    record = {"others": others, "status": ours["status"]}
    if "seconds" in ours:
        record |= {"seconds": ours["seconds"], "gap": ours["gap"]}
        record["first"] = (ours["first"] or {}).get("seconds")
    timed = [peer for peer in others if "seconds" in peer]
    if timed:
        best = min(timed, key=lambda peer: peer["seconds"])
        record |= {"peer": best["name"], "peer_seconds": best["seconds"]}
    return record


def floor(problem, run: Run) -> float:
    """Seconds of one product of all designs with the targets: a pass over X."""

    def product():
        if problem.Y is not None:
            return problem.Y.T @ problem.Xs[0]
        return [y @ X for X, y in zip(problem.Xs, problem.ys, strict=True)]

    return timed(product, replace(run, repeats=9))["seconds"]


def timed(call, run: Run) -> dict:
    """Return the seconds of the first call and the median of further ones."""
    seconds, clock = [], runner.CLOCKS[run.clock]
    for _ in range(run.repeats + 1):
        start = clock()
        call()
        seconds.append(clock() - start)
        if sum(seconds) > 3 * runner.REPEAT_SECONDS:
            break
    return {
        "status": "ok",
        "first": seconds[0],
        "seconds": statistics.median(seconds[1:] or seconds),
    }


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
    record = {"peer": "scikit-learn, shared X", "peer_seconds": other["seconds"]}
    return ours | record | {"value": 1e3 * ours["seconds"]}


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


def growth(what: str, run: Run) -> dict:
    """Slope of log time, and the largest memory over that of X, over three decades."""
    import tracemalloc

    from pymtl import MultiTaskL21Regressor

    shapes = {  # T, n, d
        "N": [(5, n, 20) for n in (200, 2_000, 20_000, 200_000)],
        "d": [(5, 50, d) for d in (40, 400, 4_000, 40_000)],
        "T": [(T, 50, 20) for T in (5, 50, 500, 5_000)],
    }[what]
    times, memory = [], []
    for T, n, d in shapes:
        problem = make_problem(Spec("growth", False, T, (n, n), d, 0.3, n_active=5))
        model = MultiTaskL21Regressor(problem.alpha, fit_intercept=True)
        data = problem.Xs, problem.ys
        times.append(timed(partial(model.fit, *data), run)["seconds"])
        tracemalloc.start()
        model.fit(*data)
        size = sum(X.nbytes for X in problem.Xs)
        memory.append(1 + tracemalloc.get_traced_memory()[1] / size)
        tracemalloc.stop()
    sizes = [T * n * d for T, n, d in shapes]
    slope = np.polyfit(np.log(sizes[1:]), np.log(times[1:]), 1)[0]
    record = {"times": times, "memory": memory, "value": float(slope)}
    return {"status": "ok", "seconds": times[-1], "sizes": sizes} | record


def school_grid(run: Run) -> dict:
    """Thirty by ten strengths in five folds on School, and by scikit-learn's search."""
    from sklearn.model_selection import GridSearchCV

    from pymtl import MultiTaskMeanRegressor, TaskKFold, stack_tasks
    from pymtl.datasets import load_school
    from pymtl.model_selection import MultiTaskSearchCV

    data = load_school(reference.folder().parent / "data")
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
    return ours | {"peer": "GridSearchCV", "peer_seconds": 10 * other["seconds"]}


def school_search(run: Run) -> dict:
    """Fifty strengths in five folds, in times of one path."""
    from pymtl import MultiTaskL21Regressor
    from pymtl.datasets import load_school
    from pymtl.model_selection import MultiTaskSearchCV

    data = load_school(reference.folder().parent / "data")
    options = {"n_lambdas": 50, "eps": 1e-2}
    model = MultiTaskL21Regressor()
    path = timed(lambda: model.path(data.Xs, data.ys, **options), run)
    search = MultiTaskSearchCV(model, **options, cv=5)
    ours = timed(lambda: search.fit(data.Xs, data.ys), run)
    record = {"peer": "one path", "peer_seconds": path["seconds"]}
    return ours | record | {"value": ours["seconds"] / path["seconds"]}


def rows(threads: int, quick: bool, skip: Sequence[str] = ()) -> list[Row]:
    """Return the table."""
    responses = tuple(name for name in SHARED if name not in skip)
    if quick:
        shared, tasks = problems.QUICK
        path = Spec("tasks-path-quick", False, 10, (40, 100), 300, 0.05)
        lasso = Spec("lasso-path-quick", False, 10, (200, 200), 50, 0.01)
        peers = ("scikit-learn", "celer", "adelie")
        return [
            Row(str(shared), 3.0, partial(one_strength, shared, peers, threads)),
            Row(str(tasks), 3.0, partial(one_strength, tasks, TASKS, threads)),
            Row(
                f"{path}, 20 strengths",
                3.0,
                partial(along_path, path, 20, 2, (AdeliePath,), threads),
            ),
            Row(
                f"{lasso}, 100 strengths, lasso",
                3.0,
                partial(along_path, lasso, 100, 1, (LassoPaths,), threads),
            ),
            Row("small fit, lists (5, 100, 20)", 2.0, small, "ms"),
        ]
    table = [
        Row(
            str(spec),
            5.0 if spec.spread else 2.0 if "-2000-" in spec.name else 3.0,
            partial(one_strength, spec, responses if spec.shared else TASKS, threads),
        )
        for spec in problems.SPEED
    ]
    for spec in problems.PATHS:
        size = 50 if spec.shared else 20
        peers = (AdeliePath, CelerPath) if spec.shared else (AdeliePath,)
        work = partial(along_path, spec, size, 2, peers, threads)
        table.append(Row(f"{spec}, {size} strengths", 2.0 + (not spec.shared), work))
    work = partial(along_path, problems.LASSO, 100, 1, (LassoPaths,), threads)
    table.append(Row(f"{problems.LASSO}, 100 strengths, lasso", 3.0, work))
    table.append(Row("small fit, lists (5, 100, 20)", 2.0, small, "ms"))
    table.append(Row("first fit, warm cache", 0.5, partial(startup, False), "s"))
    table.append(Row("first fit, cold cache", 5.0, partial(startup, True), "s"))
    table += [
        Row(f"growth with {what}, slope", 1.1, partial(growth, what), "slope")
        for what in ("N", "d", "T")
    ]
    if reference.folder().exists():
        table.append(Row("School, mean, 30 x 10 grid, 5 folds", 50.0, school_grid))
        work = "School, L21, 50 strengths, 5 folds"
        table.append(Row(work, 10.0, school_search, "paths"))
    for name, entries in reference.functions().items():
        where = "/".join(sorted({entry["problem"] for entry in entries}))
        work = f"{name} on {where}, the worst of {len(entries)}"
        table.append(Row(work, 20.0, partial(reference.measure, entries)))
    return table


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``python -m benchmarks speed``."""
    parser.add_argument("--quick", action="store_true", help="five rows, in a minute")
    parser.add_argument("--repeats", type=int, default=3, help="calls of a median (3)")
    parser.add_argument("--threads", type=int, default=1, help="of all solvers (1)")
    parser.add_argument("--timeout", type=float, default=600, help="seconds of a row")
    parser.add_argument(
        "--clock",
        choices=list(runner.CLOCKS),
        default="wall",
        help="cpu counts the time the process works, for a machine that is not idle",
    )
    parser.add_argument("--skip", nargs="+", default=[], help="solvers to leave out")
    parser.add_argument("--only", nargs="+", default=[], help="rows with these words")


def run(args: argparse.Namespace) -> int:
    """Measure the rows, print the table and write it.

    Parameters
    ----------
    args : argparse.Namespace
        Options declared by `add_arguments`.

    Returns
    -------
    int
        Exit code: 1 where a row gave no time.
    """
    os.environ |= dict.fromkeys(runner.THREAD_VARIABLES, str(args.threads))
    surroundings = report.surroundings()
    print(f"load {surroundings['load']:.1f} on {surroundings['cpus']} CPUs", flush=True)
    found, how = [], Run(args.repeats, args.clock)
    for row in rows(args.threads, args.quick, args.skip):
        if args.only and not any(word in row.work for word in args.only):
            continue
        record = {"work": row.work, "target": row.target, "unit": row.unit}
        record |= _in_a_process(partial(row.measure, how), args.timeout)
        record["load"] = report.load()
        found.append(record | {"met": _met(record)})
        print(report.speed_line(found[-1]), flush=True)
    stem = report.RESULTS / ("speed-quick" if args.quick else "speed")
    content = {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "surroundings": surroundings,
        "threads": args.threads,
        "clock": args.clock,
        "rows": found,
    }
    report.write_json(stem.with_suffix(".json"), content)
    stem.with_suffix(".txt").write_text("\n".join(map(report.speed_line, found)) + "\n")
    report.write_ratios(stem.with_suffix(".png"), found)
    return int(any("seconds" not in record for record in found))


def _met(record):
    """Return whether a row is within its target."""
    if record["unit"] != "ratio":
        return record.get("value", np.inf) <= record["target"]
    if "seconds" not in record or "peer_seconds" not in record:
        return False
    return record["peer_seconds"] >= record["target"] * record["seconds"]


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
        pool.shutdown(wait=False, cancel_futures=True)


def _quiet(work):
    warnings.simplefilter("ignore")
    return work()
