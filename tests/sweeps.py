"""Sweeps over combinations, of which the quick suite runs a spread part."""

from contextlib import contextmanager
from itertools import product

import pytest


def thinned(every, *, whole=lambda *values: False, ids=None, **lists):
    """Parametrise over all combinations of values; most are slow.

    Quick are those whose positions in the lists add up to a multiple of `every`: a
    diagonal, on which every value of one list meets other values of the next; and those
    for which `whole` is true. It is an error if a value is in no quick combination.
    """
    parameters, quick = [], set()
    for combination in product(*map(enumerate, lists.values())):
        positions, values = zip(*combination, strict=True)
        stays = sum(positions) % every == 0 or whole(*values)
        if stays:
            quick.update(enumerate(positions))
        marks = () if stays else pytest.mark.slow
        parameters.append(pytest.param(*values, marks=marks))
    if len(quick) < sum(map(len, lists.values())):
        message = f"thinned({every}) leaves values without a quick combination"
        raise ValueError(message)
    return pytest.mark.parametrize(list(lists), parameters, ids=ids)


@contextmanager
def named(case):
    """Add to an error inside which case of a loop it is."""
    try:
        yield
    except BaseException as error:
        error.add_note(case)
        raise
