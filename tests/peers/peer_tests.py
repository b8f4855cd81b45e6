"""scikit-learn's test modules, read with adapters in the place of its estimators."""

import importlib.util
import inspect
import re
from functools import cache

import pytest
import sklearn
import sklearn.linear_model
from adapters import PEERS

VERSION = "1.9"
SAME_VERSION = sklearn.__version__.startswith(f"{VERSION}.")
MENTION = re.compile(rf"\b({'|'.join(PEERS)})\b")
# One value of these is enough: the adapters have one solver, and read no such option.
ONCE = ("solver", "precompute", "copy_X", "check_input")


@cache
def read(name):
    """Return a test module that imported the adapters, None if it is not installed."""
    try:
        spec = importlib.util.find_spec(f"sklearn.linear_model.tests.{name}")
    except ModuleNotFoundError:
        spec = None
    if spec is None:
        return None
    module = importlib.util.module_from_spec(spec)
    theirs = {peer: getattr(sklearn.linear_model, peer) for peer in PEERS}
    try:
        for peer, adapter in PEERS.items():
            setattr(sklearn.linear_model, peer, adapter)
        spec.loader.exec_module(module)
    finally:
        for peer, estimator in theirs.items():
            setattr(sklearn.linear_model, peer, estimator)
    return module


def check_listed(name, reasons):
    """Fail if a reason is of no test: it was renamed, or does no longer ask a peer."""
    unknown = set(reasons) - set(tests_of(name))
    assert not unknown, f"{name} of scikit-learn {VERSION} has no tests {unknown}"


def tests_of(name):
    """Return {name: function} of the tests that have to do with a peer."""
    module = read(name)
    if module is None:
        return {}
    return {
        test: function
        for test, function in vars(module).items()
        if test.startswith("test_") and MENTION.search(inspect.getsource(function))
    }


def to_run(name, reasons):
    """Return what a test file defines: tests that apply, and the fixtures they ask for.

    A new release may have tests that fail here: it is then for us to run or to list
    them. Parameters are reduced to those of the adapters: values that are estimators of
    scikit-learn go, and of options that the adapters do not read one stays.
    """
    if not SAME_VERSION:
        pytest.skip(
            f"the lists are those of scikit-learn {VERSION}", allow_module_level=True
        )
    module = read(name)
    if module is None:
        pytest.skip("scikit-learn's tests are not installed", allow_module_level=True)
    found = {}
    for test, function in tests_of(name).items():
        if test not in reasons:
            marks = getattr(function, "pytestmark", [])
            function.pytestmark = [_reduced(mark) for mark in marks]
            found[test] = function
    fixtures = {n: v for n, v in vars(module).items() if "Fixture" in type(v).__name__}
    return fixtures | found


def _reduced(mark):
    if mark.name != "parametrize":
        return mark
    names, values, *rest = mark.args
    names = names.split(",") if isinstance(names, str) else list(names)
    kept = [value for value in values if not _is_theirs(value)]
    if len(names) == 1 and names[0] in ONCE:
        kept = kept[:1]
    return pytest.mark.parametrize(mark.args[0], kept, *rest, **mark.kwargs).mark


def _is_theirs(value):
    """Return whether a parameter is, or holds, an estimator of scikit-learn's."""
    value = getattr(value, "values", value)
    parts = value if isinstance(value, list | tuple) else (value,)
    for part in parts:
        cls = part if inspect.isclass(part) else type(part)
        if cls.__module__.startswith("sklearn.linear_model."):
            return True
    return False
