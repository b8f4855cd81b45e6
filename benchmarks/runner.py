"""Time one solver on one problem, in a process of its own.

Solvers stop by different rules, so their tolerances cannot be compared. Each is
therefore run at several tolerances to find the loosest at which the duality gap,
computed by `gap.duality_gap` from nothing but its coefficients, is under the target;
what counts is the time at that tolerance. The process makes the first call's time
mean what a user would see, and can be ended when it takes too long.
"""

import importlib
import importlib.metadata
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_info, threadpool_limits

from .paths import PATHS
from .peers import PEERS, Peer
from .problems import Problem, Spec, make_problem

TARGETS = (1e-4, 1e-6)
TOLERANCES = tuple(10 ** (-k / 2) for k in range(2, 33))  # 1e-1 ... 1e-16
REPEAT_SECONDS = 5.0  # no further repeats once they have taken this long

THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMBA_NUM_THREADS",
)
ROOT = Path(__file__).resolve().parents[1]

CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}
Emit = Callable[[dict[str, Any]], None]


def solvers(spec: Spec) -> dict[str, type[Peer]]:
    """Return the adapters for a problem of this kind, by name."""
    known = PATHS if spec.n_strengths > 1 else PEERS
    return {name: peer for name, peer in known.items() if peer.supports(spec)}


class Trials:
    """Calls of one solver on one problem, timed and judged.

    Parameters
    ----------
    peer : Peer
    problem : Problem
    repeats : int
        Calls at a tolerance before it is accepted.
    emit : callable
        Told of each call.
    clock : {"wall", "cpu"}, default="wall"
        Time that passes, or that the process works: on a busy machine, and with one
        thread, the second is the fairer one.
    """

    def __init__(
        self,
        peer: Peer,
        problem: Problem,
        repeats: int,
        emit: Emit,
        clock: str = "wall",
    ) -> None:
        self.clock = CLOCKS[clock]
        self.peer = peer
        self.problem = problem
        self.repeats = repeats
        self.emit = emit
        self.calls: dict[float, list[dict[str, float]]] = {}

    def call(self, tol: float) -> dict[str, float]:
        """Solve once at `tol`; return the tolerance, the time and the gap."""
        start = self.clock()
        W = self.peer.solve(tol)
        seconds = self.clock() - start
        if not np.isfinite(W).all():
            msg = f"coefficients at tol={tol:g} are not finite"
            raise FloatingPointError(msg)
        return {"tol": tol, "seconds": seconds, "gap": self.peer.gap(W)}

    def reaches(self, k: int, target: float, repeats: int = 1) -> bool:
        """Whether every call at the k-th tolerance has a gap of at most `target`."""
        calls = self.calls.setdefault(TOLERANCES[k], [])
        while all(call["gap"] <= target for call in calls):
            spent = sum(call["seconds"] for call in calls)
            if calls and (len(calls) >= repeats or spent > REPEAT_SECONDS):
                return True
            calls.append(self.call(TOLERANCES[k]))
            self.emit({"call": calls[-1]})
        return False

    def loosest(self, target: float) -> float | None:
        """Loosest tolerance that reaches `target`: by decades, then the half before.

        The search starts where the solver says; only what it ends with is repeated.
        """
        k, end = round(-2 * np.log10(self.peer.start)) - 2, len(TOLERANCES)
        while k >= 2 and self.reaches(k, target) and self.reaches(k - 2, target):
            k -= 2
        while k < end and not self.reaches(k, target):
            k += 2
        if 0 < k < end and self.reaches(k - 1, target):
            k -= 1
        while k < end and not self.reaches(k, target, self.repeats):
            k += 1
        return TOLERANCES[k] if k < end else None

    def summary(self, target: float) -> dict[str, Any]:
        """What there is to say about `target`, after looking for its tolerance."""
        tol = self.loosest(target)
        if tol is None:
            every = [call for calls in self.calls.values() for call in calls]
            return {"status": "not reached"} | _best(every)
        return _reached(self.calls[tol])


def measure(
    peer_type: type[Peer],
    problem: Problem,
    emit: Emit,
    *,
    targets: Sequence[float] = TARGETS,
    repeats: int = 5,
    threads: int = 1,
    clock: str = "wall",
) -> None:
    """Time a solver in this process.

    Parameters
    ----------
    peer_type : type
        A subclass of `Peer`.
    problem : Problem
    emit : callable
        Receives what is found, one dict at a time, as soon as it is known: the times
        of import and preparation, the first call, each further call, and for each
        target the loosest tolerance with the median time and the largest gap there.
    targets : sequence of float, default=(1e-4, 1e-6)
        Duality gaps relative to the null objective.
    repeats : int, default=5
        Calls at a tolerance; fewer where they take more than five seconds in all.
    threads : int, default=1
    clock : {"wall", "cpu"}, default="wall"
        As in `Trials`.
    """
    start = time.perf_counter()
    importlib.import_module(peer_type.module)
    imported = time.perf_counter()
    peer = peer_type(problem, threads)
    prepared = time.perf_counter()
    with threadpool_limits(threads):
        emit(
            {
                "version": _version(peer_type),
                "import_seconds": imported - start,
                "prepare_seconds": prepared - imported,
                "threadpools": [
                    {key: pool[key] for key in ("internal_api", "num_threads")}
                    for pool in threadpool_info()
                ],
            }
        )
        trials = Trials(peer, problem, repeats, emit, clock)
        emit({"first_call": trials.call(TOLERANCES[0])})
        for target in sorted(targets, reverse=True):
            emit({"target": {"target": target} | trials.summary(target)})


def run(
    name: str,
    spec: Spec,
    *,
    targets: Sequence[float] = TARGETS,
    repeats: int = 5,
    threads: int = 1,
    timeout: float = 120.0,
    clock: str = "wall",
) -> dict[str, Any]:
    """Time a solver in a new process; never raises because of the solver.

    Parameters
    ----------
    name : str
        A key of `solvers(spec)`.
    spec : Spec
        The problem, made anew in the process.
    targets, repeats, threads, clock
        As in `measure`.
    timeout : float, default=120
        Seconds after which the process is ended; what it had found is kept.

    Returns
    -------
    dict
        "problem", "solver", "status" ("ok", "missing", "timeout" or "failed"),
        "message", what `measure` emitted, "calls" and "targets" being lists.
    """
    record = {
        "problem": spec.name,
        "solver": name,
        "status": "ok",
        "message": "",
        "calls": [],
        "targets": [],
    }
    module = solvers(spec)[name].module.partition(".")[0]
    if importlib.util.find_spec(module) is None:
        return record | {"status": "missing", "message": f"no module named {module}"}

    order = {
        "name": name,
        "spec": asdict(spec),
        "targets": list(targets),
        "repeats": repeats,
        "threads": threads,
        "clock": clock,
    }
    environment = os.environ | dict.fromkeys(THREAD_VARIABLES, str(threads))
    with tempfile.TemporaryDirectory() as folder:
        findings = Path(folder, "findings.jsonl")
        findings.touch()
        try:
            done = subprocess.run(
                [sys.executable, "-m", "benchmarks.runner", str(findings)],
                input=json.dumps(order),
                capture_output=True,
                text=True,
                cwd=ROOT,
                env=environment,
                timeout=timeout,
            )
        except subprocess.TimeoutExpired:
            record["status"], record["message"] = "timeout", f"{timeout:.3g} s"
        else:
            if done.returncode != 0:
                last = done.stderr.strip().splitlines()[-1:] or ["no message"]
                record["status"] = "failed"
                record["message"] = f"exit code {done.returncode}: {last[0]}"
        _collect(record, findings.read_text().splitlines())
    _close(record, targets)
    return record


def _collect(record: dict[str, Any], lines: Iterable[str]) -> None:
    for line in lines:
        try:
            finding = json.loads(line)
        except json.JSONDecodeError:  # the process was ended while it wrote this
            continue
        for key, value in finding.items():
            if key in ("call", "target"):
                record[f"{key}s"].append(value)
            else:
                record[key] = value


def _close(record: dict[str, Any], targets: Sequence[float]) -> None:
    """Give a broken run's unfinished targets what its calls say of them.

    The loosest tolerance within the gap counts though the search was not over, else the
    status and the best gap.
    """
    seen = {entry["target"] for entry in record["targets"]}
    tried: dict[float, list[dict[str, float]]] = {}
    for call in record["calls"]:
        tried.setdefault(call["tol"], []).append(call)
    for target in sorted(set(targets) - seen, reverse=True):
        good = [
            tol
            for tol, calls in tried.items()
            if all(call["gap"] <= target for call in calls)
        ]
        if good:
            outcome = _reached(tried[max(good)]) | {"unfinished": True}
        else:
            outcome = {"status": record["status"]} | _best(record["calls"])
        record["targets"].append({"target": target} | outcome)


def _reached(calls: Sequence[dict[str, float]]) -> dict[str, Any]:
    """Median time and largest gap of calls at one tolerance that reach the target."""
    return {
        "status": "ok",
        "tol": calls[0]["tol"],
        "seconds": statistics.median(call["seconds"] for call in calls),
        "gap": max(call["gap"] for call in calls),
        "repeats": len(calls),
    }


def _best(calls: Sequence[dict[str, float]]) -> dict[str, float]:
    """Smallest gap of some calls and where it was; no time, for it met no target."""
    call = min(calls, key=lambda call: call["gap"], default={})
    return {key: call[key] for key in ("tol", "gap") if key in call}


def _version(peer_type: type[Peer]) -> str | None:
    try:
        return importlib.metadata.version(peer_type.distribution)
    except importlib.metadata.PackageNotFoundError:  # run from a checkout
        module = sys.modules[peer_type.module.partition(".")[0]]
        return getattr(module, "__version__", None)


def _main(path: str) -> None:
    order = json.load(sys.stdin)
    warnings.simplefilter("ignore")  # the gap is the judge of convergence
    with open(path, "a", encoding="utf-8") as stream:

        def emit(finding: dict[str, Any]) -> None:
            stream.write(json.dumps(finding) + "\n")
            stream.flush()

        spec = Spec(**order["spec"])
        measure(
            solvers(spec)[order["name"]],
            make_problem(spec),
            emit,
            targets=order["targets"],
            repeats=order["repeats"],
            threads=order["threads"],
            clock=order["clock"],
        )


if __name__ == "__main__":
    _main(sys.argv[1])
