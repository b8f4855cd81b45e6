"""How often `compare_sharing` says that sharing helps, where it does and does not."""

import argparse
import warnings
from collections import Counter

from sklearn.exceptions import ConvergenceWarning

from pymtl import compare_sharing
from pymtl.datasets import make_multitask_regression

STRUCTURES = ["SingleTask", "L1", "Pooled", "Mean", "L21"]
PROBLEM = {"n_tasks": 8, "n_samples": 25, "n_features": 12, "snr": 1.0}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``python -m benchmarks sharing``."""
    parser.add_argument(
        "--seeds", type=int, default=50, help="problems of each kind (50)"
    )
    parser.add_argument(
        "--structures", nargs="+", default=STRUCTURES, help=", ".join(STRUCTURES)
    )
    parser.add_argument("--jobs", type=int, default=1, help="searches at a time (1)")


def run(args: argparse.Namespace) -> int:
    """Print the decisions on unrelated tasks and on planted sharing."""
    warnings.simplefilter("ignore", ConvergenceWarning)
    for kind in ("unrelated", "mean"):
        decisions: Counter = Counter()
        for seed in range(args.seeds):
            data = make_multitask_regression(
                structure=kind, random_state=seed, **PROBLEM
            )
            found = compare_sharing(
                data.Xs,
                data.ys,
                structures=args.structures,
                n_repeats=2,
                random_state=seed,
                n_jobs=args.jobs,
            )
            decisions[found.decision] += 1
        print(f"{kind}: {dict(decisions)}", flush=True)
    return 0
