"""Every public name is importable, documented, mentioned and exemplified."""

import importlib
import importlib.resources
import inspect
import re
import runpy
import tomllib

import pytest
from numpydoc.validate import validate
from sklearn.base import BaseEstimator

import pymtl

from .test_docs import PAGES, ROOT, run_examples

MODULES = runpy.run_path(str(ROOT / "docs" / "conf.py"))["MODULES"]
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
CHECKS = set(SETTINGS["tool"]["numpydoc_validation"]["checks"])
PROSE = "\n".join(
    page.read_text(encoding="utf-8")
    for page in [ROOT / "README.md", *PAGES, *(ROOT / "examples").glob("**/*.py")]
)
PUBLIC = {
    f"{module}.{name}": getattr(importlib.import_module(module), name)
    for module in MODULES
    for name in importlib.import_module(module).__all__
}
ESTIMATORS = {
    path: obj
    for path, obj in PUBLIC.items()
    if path.count(".") == 1 and inspect.isclass(obj) and issubclass(obj, BaseEstimator)
}


def documented():
    """Return {path: object}: public functions, classes and methods, each once."""
    found, seen = {}, set()
    for path, obj in PUBLIC.items():
        members = {path: obj} if callable(obj) else {}
        if inspect.isclass(obj):
            for name, member in inspect.getmembers(obj, inspect.isroutine):
                own = (getattr(member, "__module__", None) or "").startswith("pymtl")
                if own and not name.startswith("_"):
                    members[f"{path}.{name}"] = getattr(member, "__func__", member)
        for member_path, member in members.items():
            if id(member) not in seen:
                seen.add(id(member))
                found[member_path] = member
    return found


DOCUMENTED = documented()


@pytest.mark.parametrize("module", MODULES)
def test_all_can_be_imported(module):
    names = importlib.import_module(module).__all__
    assert names
    assert len(set(names)) == len(names)
    exec(f"from {module} import *", {})


@pytest.mark.parametrize("path", DOCUMENTED)
def test_docstring_is_valid(path):
    if DOCUMENTED[path].__doc__ is None:
        owner, name = path.rsplit(".", 1)
        inherited = inspect.getdoc(getattr(DOCUMENTED.get(owner), name, None))
        assert inherited, f"{path} has no docstring of its own and inherits none"
        return
    errors = [error for error in validate(path)["errors"] if error[0] in CHECKS]
    assert not errors, f"{path}: {errors}"


@pytest.mark.parametrize("path", PUBLIC)
def test_name_is_mentioned(path):
    name = path.rsplit(".", 1)[1]
    where = "in a page of docs/, in README.md or in examples/"
    assert re.search(rf"\b{name}\b", PROSE), f"{path} is not mentioned {where}"


@pytest.mark.parametrize("path", ESTIMATORS)
def test_estimator_has_examples(path):
    assert re.search(r"\n *Examples\n *-{8}\n", ESTIMATORS[path].__doc__)


@pytest.mark.parametrize("path", DOCUMENTED)
def test_examples_of_docstring_run(path):
    run_examples(DOCUMENTED[path].__doc__ or "", path)


def test_package_is_typed():
    assert importlib.resources.files("pymtl").joinpath("py.typed").is_file()


def test_citation_is_of_this_version():
    text = (ROOT / "CITATION.cff").read_text()
    assert f"version: {pymtl.__version__}\n" in text
