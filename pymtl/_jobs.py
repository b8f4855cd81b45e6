"""Jobs through joblib, counted by a progress bar."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from joblib import Parallel


def run_jobs(
    jobs: Sequence, n_jobs: int | None, name: str, unit: str, verbose: int = 0
) -> list[Any]:
    """Return what the jobs return.

    Parameters
    ----------
    jobs : sequence of delayed calls
        What to do, see :func:`joblib.delayed`.
    n_jobs : int or None
        Number of jobs at a time.
    name, unit : str
        Whose jobs they are, and what one is.
    verbose : int, default=0
        Whether to count those that are done, by tqdm if it is installed.
    """
    if not verbose:
        return Parallel(n_jobs=n_jobs)(jobs)
    try:
        workers = Parallel(n_jobs=n_jobs, return_as="generator")
    except ValueError:  # the backend returns all at the end
        workers = Parallel(n_jobs=n_jobs)
    done = workers(jobs)
    try:
        from tqdm.auto import tqdm
    except ImportError:
        return list(_printed(done, len(jobs), name, unit))
    return list(tqdm(done, desc=name, total=len(jobs), unit=unit))


def _printed(done, total, name, unit):
    for i, result in enumerate(done):
        print(f"{name}: {unit} {i + 1} of {total}")
        yield result
