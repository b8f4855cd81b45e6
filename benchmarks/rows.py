"""What a row of the table of targets is, and what rows are measured with."""

import statistics
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial

from . import runner
from .problems import Problem, Spec, make_problem

TARGET = 1e-6  # duality gap, of the objective at zero
PATIENCE = 12.0  # seconds, and times the fastest solver's, that a peer is given
LONG = 15.0  # no further calls of what has taken this many seconds


@dataclass(frozen=True)
class Run:
    """How to measure.

    Parameters
    ----------
    repeats : int, default=3
        Calls behind a median.
    clock : {"wall", "cpu"}, default="wall"
        Time that passes, or that the process works.
    threads : int, default=1
    timeout : float, default=80
        Seconds for one solver, all included.
    """

    repeats: int = 3
    clock: str = "wall"
    threads: int = 1
    timeout: float = 80.0


@dataclass(frozen=True)
class Row:
    """A line of the table.

    Parameters
    ----------
    work : str
        What is done; with the group it names the row.
    target : float
        Wanted ratio of the peer's time to pymtl's, or a bound.
    measure : callable
        ``measure(run)`` returns the record: "status", "seconds", and as far as there
        are any "peer", "peer_seconds", "floor" with "floor_is", "value". It runs in a
        process of its own.
    unit : str, default="ratio"
        What the target is: "ratio", or the unit of a bound.
    group : str, default="Others"
        Heading that the row stands under.
    solvers : int, default=1
        How many solvers it runs; each has the time limit for itself.
    """

    work: str
    target: float
    measure: Callable[[Run], dict]
    unit: str = "ratio"
    group: str = "Others"
    solvers: int = 1


def against(spec: Spec, peers: Iterable[str], **row) -> Row:
    """Return the row of pymtl and some peers on one problem at equal duality gap."""
    names = tuple(name for name in peers if name in runner.solvers(spec))
    work = row.pop("work", spec.shape)
    measure = partial(_race, spec, names)
    return Row(work, measure=measure, solvers=1 + len(names), **row)


def _race(spec: Spec, peers: Iterable[str], run: Run) -> dict:
    """Time each solver in its own process; the slow are not waited for."""
    found, patience = [], run.timeout
    for name in ("pymtl", *peers):
        compiles = runner.solvers(spec)[name].compiles
        record = runner.run(
            name,
            spec,
            targets=(TARGET,),
            repeats=run.repeats,
            threads=run.threads,
            timeout=min(run.timeout, patience + compiles),
            clock=run.clock,
        )
        first = record.get("first_call", {}).get("seconds")
        about = {"name": name, "first": first, "message": record["message"]}
        (reached,) = record["targets"]
        del reached["target"]
        found.append(about | reached)
        fastest = min((r["seconds"] for r in found if "seconds" in r), default=1e3)
        patience = PATIENCE * (1 + fastest)
    return beside(*found) | floor(make_problem(spec), run)


def beside(ours: dict, *others: dict) -> dict:
    """Return the record of pymtl beside the fastest of the others.

    Each has a "name" and "status", and where it was timed "seconds".
    """
    record = {key: value for key, value in ours.items() if key != "name"}
    timed = [peer for peer in others if "seconds" in peer]
    if timed:
        best = min(timed, key=lambda peer: peer["seconds"])
        record |= {"peer": best["name"], "peer_seconds": best["seconds"]}
    return record | {"others": list(others)}


def timed(call: Callable, run: Run) -> dict:
    """Return the seconds of the first call and the median of further ones."""
    seconds, clock = [], runner.CLOCKS[run.clock]
    for _ in range(run.repeats + 1):
        start = clock()
        call()
        seconds.append(clock() - start)
        if sum(seconds) > LONG:
            break
    return {
        "status": "ok",
        "first": seconds[0],
        "seconds": statistics.median(seconds[1:] or seconds),
    }


def floor(problem: Problem, run: Run) -> dict:
    """Seconds of the work that no solver of a problem can do without.

    That is one product of the designs with the targets, a pass over X, and where the
    designs have at least as many rows as columns their Gram matrices as well.
    """
    shared = problem.Y is not None
    Xs, ys = ([problem.Xs[0]], [problem.Y]) if shared else (problem.Xs, problem.ys)
    gram = sum(len(X) for X in Xs) >= sum(X.shape[1] for X in Xs)

    def work():
        for X, y in zip(Xs, ys, strict=True):
            X.T @ y
            if gram:
                X.T @ X

    seconds = timed(work, replace(run, repeats=9))["seconds"]
    return {"floor": seconds, "floor_is": "Gram" if gram else "pass"}
