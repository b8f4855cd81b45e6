"""The table of targets for readers: lines of text, and the files of the pages.

``python -m benchmarks speed --pages`` makes the tables, the picture and the words about
the machine from the results, so that none of them is typed.
"""

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from .report import duration

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "speed"
HEADER = (
    "work",
    "pymtl",
    "fastest other",
    "ratio",
    "target",
    "floor",
    "first call",
    "gave no time",
)
LONGEST = 62  # characters of a label

Record = dict[str, Any]


def met(record: Record) -> bool:
    """Whether a row is within its target."""
    if record["unit"] != "ratio":
        return record.get("value", float("inf")) <= record["target"]
    return ratio(record) >= record["target"]


def ratio(record: Record) -> float:
    """Time of the fastest peer over that of pymtl; not a number without both."""
    if "seconds" not in record or "peer_seconds" not in record:
        return float("nan")
    return record["peer_seconds"] / record["seconds"]


def groups(records: Iterable[Record]) -> dict[str, list[Record]]:
    """Return the rows by their heading, in the order of the table."""
    found: dict[str, list[Record]] = {}
    for record in records:
        found.setdefault(record["group"], []).append(record)
    return found


def file_name(group: str) -> str:
    """Return the name of the file of a group's table."""
    letters = "".join(c if c.isalnum() else " " for c in group.lower())
    return "_".join(letters.split()) + ".csv"


def cells(record: Record) -> dict[str, str]:
    """Return what the table says of a row."""
    row = dict.fromkeys(HEADER, "") | {"work": record["work"]}
    bound = ">=" if record["unit"] == "ratio" else "<="
    unit = "" if record["unit"] == "ratio" else f" {record['unit']}".rstrip()
    row["target"] = f"{bound} {record['target']:g}{unit}"
    if not record["met"]:
        row["target"] += ", missed"
    silent = [peer for peer in record.get("others", ()) if "seconds" not in peer]
    row["gave no time"] = ", ".join(f"{p['name']} ({p['status']})" for p in silent)
    if "seconds" not in record:
        return row | {"pymtl": record["status"]}
    row["pymtl"] = duration(record["seconds"])
    if "peer_seconds" in record:
        row["fastest other"] = f"{record['peer']} {duration(record['peer_seconds'])}"
        row["ratio"] = f"{ratio(record):.2g}" if ratio(record) < 10 else ""
        row["ratio"] = row["ratio"] or f"{ratio(record):.0f}"
    if record["unit"] != "ratio":
        row["ratio"] = f"{record['value']:.3g}{unit}"
    if "floor" in record:
        times = record["seconds"] / record["floor"]
        row["floor"] = f"{times:.3g} x {record['floor_is']}"
    if record.get("first") is not None:
        row["first call"] = duration(record["first"])
    return row


def line(record: Record) -> str:
    """One row of the table as text."""
    widths = (LONGEST, 8, 24, 14, 22, 16, 8, 0)
    row = cells(record)
    text = "  ".join(
        f"{row[key]:<{width}}" for key, width in zip(HEADER, widths, strict=True)
    )
    return text.rstrip()


def text(records: Sequence[Record]) -> str:
    """Return the whole table as text."""
    parts = [
        "\n".join([group, *(f"  {line(record)}" for record in rows)])
        for group, rows in groups(records).items()
    ]
    return "\n\n".join(parts) + "\n"


def write(content: dict[str, Any], folder: Path) -> None:
    """Write the files that ``docs/benchmarks.rst`` includes.

    Parameters
    ----------
    content : dict
        What ``results/speed.json`` holds.
    folder : Path
    """
    folder.mkdir(parents=True, exist_ok=True)
    for group, rows in groups(content["rows"]).items():
        path = folder / file_name(group)
        shown = [cells(record) for record in rows]
        used = [key for key in HEADER if any(row[key] for row in shown)]
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(
                file, used, extrasaction="ignore", lineterminator="\n"
            )
            writer.writeheader()
            writer.writerows(shown)
    (folder / "machine.txt").write_text(_machine(content), encoding="utf-8")
    picture(folder / "ratios.png", content["rows"])


def _machine(content):
    about = content["surroundings"]
    versions = ", ".join(f"{k} {v}" for k, v in about["packages"].items() if v)
    loads = [row["load"] for row in content["rows"] if row.get("load") is not None]
    busy = f"; load {min(loads):.1f} to {max(loads):.1f}" if loads else ""
    threads = f"{content['threads']} thread{'s' * (content['threads'] > 1)}"
    clock = {"wall": "time that passes", "cpu": "time of the process"}[content["clock"]]
    return (
        f"Measured on {content['date'][:10]}, {about['cpus']} cores of an "
        f"{about['processor']} ({about['system']}, {about['machine']}), "
        f"{threads} for every solver, {clock}{busy}. "
        f"Python {about['python']}, {versions}.\n"
    )


def picture(path: Path, records: Sequence[Record]) -> bool:
    """Draw the ratios of all rows, a bar each, and their targets as ticks.

    Parameters
    ----------
    path : Path
    records : sequence of dict
        Rows of ``results/speed.json``.

    Returns
    -------
    bool
        False where matplotlib is not installed.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
        from PIL import Image  # which Matplotlib needs
    except ImportError:
        return False
    compared = [r for r in records if r["unit"] == "ratio" and ratio(r) > 0]
    panels = groups(compared)
    if not panels:
        return False
    sizes = [len(rows) for rows in panels.values()]
    figure = Figure(
        figsize=(9.5, 0.9 + 0.45 * len(panels) + 0.21 * sum(sizes)),
        layout="constrained",
    )
    FigureCanvasAgg(figure)
    axes = figure.subplots(
        len(panels),
        sharex=True,
        squeeze=False,
        height_ratios=[1 + size for size in sizes],
    )[:, 0]
    for ax, (group, rows) in zip(axes, panels.items(), strict=True):
        _bars(ax, rows)
        ax.set_title(group, loc="left", fontsize=9, fontweight="bold", pad=3)
    top = max(max(ratio(r), r["target"]) for r in compared)
    low = min(0.8, *(ratio(r) for r in compared)) if compared else 0.8
    axes[-1].set(
        xscale="log",
        xticks=(ticks := [t for t in (0.1, 1, 10, 100, 1000) if low <= t <= 9 * top]),
        xticklabels=[f"{t:g}" for t in ticks],
        xlim=(0.8 * low, 12 * top),
    )
    label = "time of the fastest other / time of pymtl (black tick: target)"
    axes[-1].set_xlabel(label, fontsize=8)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(drawn := io.BytesIO(), dpi=90)
    Image.open(drawn).convert("RGB").quantize(32).save(path, optimize=True)
    return True


def _bars(ax, rows):
    rows = rows[::-1]
    places = range(len(rows))
    heights = [ratio(r) for r in rows]
    colours = ["#2a7f62" if r["met"] else "#d98032" for r in rows]
    ax.barh(places, [h - 1 for h in heights], 0.7, left=1, color=colours)
    ax.plot([r["target"] for r in rows], places, "|", color="black", markersize=9)
    ax.axvline(1, color="0.4", linewidth=0.8)
    for place, row in zip(places, rows, strict=True):
        end = max(ratio(row), row["target"])
        name = f" {cells(row)['ratio']}x  {row['peer']}"
        ax.text(end * 1.1, place, name, va="center", fontsize=7, color="0.25")
    labels = [r["work"][:LONGEST] for r in rows]
    ax.set_yticks(places, labels, fontsize=7)
    ax.set_ylim(-0.6, len(rows) - 0.4)
    ax.tick_params(axis="x", labelsize=7)
    ax.spines[["top", "right"]].set_visible(False)
