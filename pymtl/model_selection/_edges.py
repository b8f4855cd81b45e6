"""Best values at the edge of a grid of strengths."""

from __future__ import annotations

import warnings
from numbers import Real

import numpy as np

STILL_RISING = 1e-3  # of the spread of the scores; less is the plateau of a flat end


def warn_of_edges(name, grid, scores, path):
    """Warn where a best value is at an edge, and better ones may follow beyond.

    Parameters
    ----------
    name : str
        Whose search it is.
    grid : list of (outer, prefix, lines)
        The candidates: parameters, prefix of the strengths, and lines of settings,
        each of decreasing lambda1.
    scores : ndarray of shape (n_candidates,)
        Mean scores.
    path : bool
        Whether the lines are paths, of which the strong end needs no more.
    """
    candidates = []
    for outer, prefix, lines in grid:
        for k, line in enumerate(lines):
            moved = _moved(line)
            candidates += [(outer, prefix, setting, moved, k) for setting in line]
    best = int(np.nanargmax(scores))
    outer, prefix, setting, moved, _ = candidates[best]
    messages = []
    for strength in _strengths(outer, setting, moved):
        line = _line(candidates, best, strength, moved)
        at = line.index(best)
        values = [_value(candidates[i], strength) for i in line]
        if len(line) < 2 or 0 < at < len(line) - 1 or values[at] == 0:
            continue
        largest = at == len(line) - 1
        on_path = strength in moved and path
        if on_path and largest:
            continue
        own = scores[line]
        gain = own[at] - own[at - 1 if largest else at + 1]
        if not gain > STILL_RISING * (np.nanmax(own) - np.nanmin(own)):
            continue
        full = strength if strength in outer else prefix + strength
        side, remedy = ("largest", "larger") if largest else ("smallest", "smaller")
        remedy = "a smaller eps" if on_path else f"{remedy} ones"
        messages.append(
            f"{full}={values[at]:.3g} is the {side} of its {len(line)} values, and the "
            f"score is still rising there: give {remedy}"
        )
    if messages:
        warnings.warn(
            f"{name}: the best candidate is at the edge of the grid: "
            f"{'; '.join(messages)}.",
            UserWarning,
            stacklevel=3,
        )


def _moved(line):
    """Return the names of the strengths that change along a line, the first leading."""
    names = sorted(line[0])
    return [n for n in names if len({repr(setting[n]) for setting in line}) > 1]


def _strengths(outer, setting, moved):
    """Return the strengths that are searched; of a line the first stands for all."""
    others = [name for name in setting if name not in moved]
    names = [*moved[:1], *others, *outer]
    both = {**outer, **setting}
    return [
        n
        for n in names
        if n.split("__")[-1].startswith("lambda")
        and isinstance(both[n], Real)
        and not isinstance(both[n], bool)
    ]


def _value(candidate, strength):
    outer, _, setting, *_ = candidate
    return {**outer, **setting}[strength]


def _line(candidates, best, strength, moved):
    """Return the candidates that differ from the best in one strength, increasing."""
    outer, _, setting, _, k = candidates[best]
    if strength in moved:
        same = [i for i, c in enumerate(candidates) if c[0] is outer and c[4] == k]
    else:
        place = _place(candidates, best)
        own = _without(outer, setting, strength, moved)
        same = [
            i
            for i, c in enumerate(candidates)
            if strength in {**c[0], **c[2]}
            and _without(c[0], c[2], strength, c[3]) == own
            and _place(candidates, i) == place
        ]
    return sorted(same, key=lambda i: _value(candidates[i], strength))


def _without(outer, setting, strength, moved):
    both = {**outer, **setting}
    return {n: repr(v) for n, v in both.items() if n != strength and n not in moved}


def _place(candidates, i):
    """Return the place of a candidate on its line."""
    outer, *_, k = candidates[i]
    start = i
    while start and candidates[start - 1][0] is outer and candidates[start - 1][4] == k:
        start -= 1
    return i - start
