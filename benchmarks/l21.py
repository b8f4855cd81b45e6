"""L2,1 multi-task least squares: pymtl and its peers at equal duality gap."""

import argparse
from datetime import UTC, datetime

from . import problems, report, runner
from .peers import PEERS

QUICK_TIMEOUT = 60.0
TIMEOUT = 120.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``python -m benchmarks l21``."""
    parser.add_argument(
        "--quick", action="store_true", help="two small problems, under a minute"
    )
    parser.add_argument(
        "--repeats", type=_positive, help="calls behind each median (5; quick: 3)"
    )
    parser.add_argument(
        "--threads", type=_positive, default=1, help="of BLAS and Numba alike (1)"
    )
    parser.add_argument(
        "--timeout",
        type=float,
        help=f"seconds for a solver on a problem ({TIMEOUT:g}; "
        f"quick: {QUICK_TIMEOUT:g})",
    )
    parser.add_argument(
        "--only",
        nargs="+",
        choices=list(PEERS),
        metavar="SOLVER",
        help=", ".join(PEERS),
    )
    names = [spec.name for spec in (*problems.FULL, *problems.QUICK)]
    parser.add_argument(
        "--problems", nargs="+", choices=names, metavar="NAME", help=", ".join(names)
    )


def run(args: argparse.Namespace) -> int:
    """Measure, print a table a problem, and write the results.

    Parameters
    ----------
    args : argparse.Namespace
        Options declared by `add_arguments`.

    Returns
    -------
    int
        Exit code: 1 when no solver that was asked for is installed.
    """
    specs = problems.QUICK if args.quick else problems.FULL
    if args.problems:
        every = (*problems.FULL, *problems.QUICK)
        specs = [spec for spec in every if spec.name in args.problems]
    options = {
        "repeats": args.repeats or (3 if args.quick else 5),
        "threads": args.threads,
        "timeout": args.timeout or (QUICK_TIMEOUT if args.quick else TIMEOUT),
    }
    plural = "" if args.threads == 1 else "s"
    print(f"{args.threads} thread{plural} of BLAS and Numba for every solver\n")
    surroundings = report.surroundings()
    if (surroundings["load"] or 0) > surroundings["cpus"] - args.threads:
        print(
            f"other programs are running (load {surroundings['load']:.1f} on "
            f"{surroundings['cpus']} CPUs): times will be off\n"
        )

    records = []
    for spec in specs:
        here = [
            runner.run(name, spec, **options)
            for name in args.only or PEERS
            if PEERS[name].supports(spec)
        ]
        print(report.table(here, str(spec)), end="\n\n", flush=True)
        records += here

    print(report.LEGEND)
    print(report.versions(records))
    stem = report.RESULTS / ("l21-quick" if args.quick else "l21")
    content = {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "options": options,
        "targets": runner.TARGETS,
        "surroundings": surroundings,
        "problems": [vars(spec) for spec in specs],
        "records": records,
    }
    report.write_json(stem.with_suffix(".json"), content)
    print(f"wrote {stem.with_suffix('.json')}")
    titles = {spec.name: str(spec) for spec in specs}
    if report.write_png(stem.with_suffix(".png"), records, titles):
        print(f"wrote {stem.with_suffix('.png')}")
    else:
        print("no picture: matplotlib is not installed")
    return int(all(record["status"] == "missing" for record in records))


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        msg = "must be at least 1"
        raise argparse.ArgumentTypeError(msg)
    return value
