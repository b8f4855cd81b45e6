"""Sphinx configuration; the API pages are written from the modules' ``__all__``."""

import importlib
import inspect
import os
from pathlib import Path

import pymtl

MODULES = (
    "pymtl",
    "pymtl.penalties",
    "pymtl.losses",
    "pymtl.model_selection",
    "pymtl.metrics",
    "pymtl.plotting",
    "pymtl.preprocessing",
    "pymtl.datasets",
    "pymtl.testing",
)

project = "pymtl"
author = "The pymtl developers"
copyright = f"2026, {author}"
version = release = pymtl.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
    "myst_parser",
    "sphinx-mathjax-offline",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["_build"]
templates_path = ["_templates"]
default_role = "literal"
toc_object_entries_show_parents = "hide"
autodoc_typehints = "none"  # the docstrings say it, with shapes and defaults
numpydoc_show_class_members = False
nitpick_ignore_regex = [(r"py:.*", r"(sklearn|numpy|scipy|pandas|polars|networkx)\..*")]

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT / os.environ.get("PYMTL_SHARED", "../shared")
os.environ["PYMTL_SHARED"] = str(SHARED)  # the examples run in their folder
SCHOOL = "" if (SHARED / "data" / "school_b.mat").is_file() else "(?!school)"
sphinx_gallery_conf = {
    "examples_dirs": str(ROOT / "examples"),
    "gallery_dirs": "gallery",
    "filename_pattern": f"/plot_{SCHOOL}",  # shown without its output where no data is
    "ignore_pattern": r"demo\.py",
    "write_computation_times": False,
    "reference_url": {"pymtl": None},
    "download_all_examples": False,
    "show_signature": False,
}

html_theme = "pydata_sphinx_theme"
html_theme_options = {"show_prev_next": False, "show_toc_level": 2}
html_title = f"pymtl {version}"
html_show_sourcelink = False
html_sidebars = dict.fromkeys(
    ("changelog", "data", "extending", "objective", "what_is_mtl"), []
)


def public_names():
    """Return {module: {name: module under which the object is documented}}."""
    homes, names = {}, {}
    for module in MODULES:
        imported = importlib.import_module(module)
        names[module] = {
            name: homes.setdefault(id(getattr(imported, name)), module)
            for name in sorted(imported.__all__)
        }
    return names


def registry_table(module, name):
    """Return the lines that document a registry {name: class}, or of functions."""
    registry = getattr(importlib.import_module(module), name)
    lines = [f".. py:data:: {name}", ""]
    if not all(map(inspect.isclass, registry.values())):
        keys = ", ".join(f'``"{key}"``' for key in registry)
        return [*lines, f"   The names {keys}.", ""]
    lines += ["   .. list-table::", "      :header-rows: 1", ""]
    rows = [("name", "class", "what it is")]
    for key, cls in registry.items():
        summary = inspect.getdoc(cls).splitlines()[0]
        rows.append((f'``"{key}"``', f":class:`{cls.__name__}`", summary))
    for first, *others in rows:
        lines += [f"      * - {first}", *(f"        - {cell}" for cell in others)]
    return [*lines, ""]


def write_api(app, config):
    """Write api.rst, one section a module."""
    lines = ["=============", "API reference", "=============", ""]
    for module, names in public_names().items():
        imported = importlib.import_module(module)
        summary = inspect.getdoc(imported).splitlines()[0]
        lines += [module, "-" * len(module), ""]
        lines += [f".. currentmodule:: {module}", "", summary, ""]
        tables = [name for name in names if isinstance(getattr(imported, name), dict)]
        own = [n for n, home in names.items() if home == module and n not in tables]
        links = [f":obj:`{h}.{n}`" for n, h in names.items() if h != module]
        if own:
            lines += [".. autosummary::", "   :toctree: generated", "   :nosignatures:"]
            lines += ["", *(f"   {name}" for name in own), ""]
        if links:
            lines += ["See " + ", ".join(links) + ".", ""]
        for name in tables:
            lines += registry_table(module, name)
    Path(app.srcdir, "api.rst").write_text("\n".join(lines))


def skip_inherited(app, what, name, obj, skip, options):
    """Leave out what comes from scikit-learn; its own pages document it."""
    return skip or (getattr(obj, "__module__", None) or "").startswith("sklearn")


def setup(app):
    app.connect("config-inited", write_api)
    app.connect("autodoc-skip-member", skip_inherited)
