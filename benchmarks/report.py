"""Say what was measured: an aligned table, a JSON file and a picture."""

import importlib.metadata
import json
import os
import platform
import statistics
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).resolve().parent / "results"
REFERENCE = "pymtl"
SMALLEST_GAP = 1e-14  # what a logarithmic axis makes of rounding
COLUMNS = (
    "solver",
    "time",
    f"/ {REFERENCE}",
    "gap",
    "tol",
    "runs",
    "first call",
    "prepare",
)
LEGEND = """\
time        median of the runs at the loosest tolerance that reaches the gap, to half
            a decade; conversion of the data excluded
/ pymtl     that time over pymtl's: under 1, the peer is faster
gap         the largest of these runs, (primal - dual) / primal at zero, one function
            for all; where the gap was not reached, the best one seen
first call  in a new process at tol=0.1, compilation included, import excluded
prepare     conversion to the solver's layout"""

Record = dict[str, Any]


def table(records: Sequence[Record], title: str) -> str:
    """One problem's results as text, the fastest solver of each target first.

    Parameters
    ----------
    records : sequence of dict
        What `runner.run` returned for the problem.
    title : str

    Returns
    -------
    str
    """
    lines = [title]
    targets = {entry["target"] for record in records for entry in record["targets"]}
    for target in sorted(targets, reverse=True):
        rows = sorted(_rows(records, target), key=_order)
        reference = next((e["seconds"] for r, e in rows if _is_reference(r, e)), None)
        cells = [COLUMNS, *(_cells(r, e, reference) for r, e in rows)]
        lines += ["", f"  gap <= {target:.0e} of the null objective", *_align(cells)]
    remarks = [
        f"  {record['solver']}: {record['status']} ({record['message']})"
        for record in records
        if record["message"]
    ]
    return "\n".join([*lines, *([""] if remarks else []), *remarks])


def _rows(records: Iterable[Record], target: float) -> list[tuple[Record, Record]]:
    return [
        (record, entry)
        for record in records
        for entry in record["targets"]
        if entry["target"] == target
    ]


def _order(row: tuple[Record, Record]) -> float:
    return row[1].get("seconds", float("inf"))


def _is_reference(record: Record, entry: Record) -> bool:
    return record["solver"] == REFERENCE and entry["status"] == "ok"


def _cells(record: Record, entry: Record, reference: float | None) -> tuple[str, ...]:
    seconds = entry.get("seconds")
    ratio = "" if seconds is None or not reference else f"{seconds / reference:.2f}"
    first = record.get("first_call")
    return (
        record["solver"],
        entry["status"] if seconds is None else duration(seconds),
        ratio,
        f"{entry['gap']:.1e}" if "gap" in entry else "",
        f"{entry['tol']:.1e}" if "tol" in entry else "",
        str(entry.get("repeats", "")),
        duration(first["seconds"]) if first else "",
        duration(record["prepare_seconds"]) if "prepare_seconds" in record else "",
    )


def duration(seconds: float) -> str:
    """Three digits and a unit."""
    if seconds < 1:
        return f"{seconds * 1e3:.3g} ms"
    return f"{seconds:.3g} s"


def _align(cells: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = []
    for name, *rest in cells:
        right = [c.rjust(w) for c, w in zip(rest, widths[1:], strict=True)]
        lines.append("  ".join(["", name.ljust(widths[0]), *right]).rstrip())
    return lines


def surroundings() -> dict[str, Any]:
    """Versions and machine, for the JSON file."""
    peers = ("scikit-learn", "celer", "skglm", "adelie")
    packages = ("numpy", "scipy", "numba", *peers)
    return {
        "python": platform.python_version(),
        "machine": platform.machine(),
        "processor": _processor(),
        "system": platform.system(),
        "cpus": os.cpu_count(),
        "load": load(),
        "packages": {name: _installed(name) for name in packages},
    }


def load() -> float | None:
    """Processes that ran or waited to run during the last minute, on average."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else None


def _processor() -> str:
    """Name of the processor where the system tells it, or of its kind."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2] for line in lines if line.startswith("model name"))
    return next(names, platform.processor()).strip()


def _installed(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def versions(records: Iterable[Record]) -> str:
    """One line: each solver that ran and its version."""
    found = {r["solver"]: r["version"] for r in records if "version" in r}
    return ", ".join(f"{solver} {version}" for solver, version in found.items())


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Write results, making the folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def write_png(path: Path, records: Sequence[Record], titles: dict[str, str]) -> bool:
    """Draw gap against time for every tolerance tried, one panel a problem.

    Parameters
    ----------
    path : Path
    records : sequence of dict
        What `runner.run` returned, all problems.
    titles : dict of str to str
        Title of each problem, in the order of the panels.

    Returns
    -------
    bool
        False where matplotlib is not installed.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        return False

    columns = min(2, len(titles))
    rows = -(-len(titles) // columns)
    figure = Figure(figsize=(6.5 * columns, 4 * rows), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    solvers = list(dict.fromkeys(record["solver"] for record in records))
    for ax, (problem, title) in zip(axes, titles.items(), strict=False):
        here = [record for record in records if record["problem"] == problem]
        for record in here:
            curve = _curve(record["calls"])
            if not curve:
                continue
            ax.plot(
                *zip(*curve, strict=True),
                marker="o",
                markersize=3,
                linewidth=1,
                color=f"C{solvers.index(record['solver']) % 10}",
                label=record["solver"],
            )
        for target in {e["target"] for record in here for e in record["targets"]}:
            ax.axhline(target, color="0.6", linewidth=0.8, linestyle=":")
        ax.set(xscale="log", yscale="log", xlabel="seconds", ylabel="relative gap")
        ax.set_title(title, fontsize=8)
        if ax.get_legend_handles_labels()[0]:
            ax.legend(fontsize=7)
    for ax in axes[len(titles) :]:
        ax.set_axis_off()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)
    return True


def _curve(calls: Iterable[Record]) -> list[tuple[float, float]]:
    """Median time and largest gap at each tolerance, loosest first."""
    by_tol = defaultdict(list)
    for call in calls:
        by_tol[call["tol"]].append(call)
    return [
        (
            statistics.median(call["seconds"] for call in by_tol[tol]),
            max(SMALLEST_GAP, *(call["gap"] for call in by_tol[tol])),
        )
        for tol in sorted(by_tol, reverse=True)
    ]
