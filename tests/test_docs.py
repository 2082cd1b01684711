"""The pages under docs/ and the README: their sessions run, and their listings are the source.

    python tests/test_docs.py     write the listings anew

A listing is a fenced block below a line `<!-- source: PATH NAME -->`: the function, class or op of that name.
"""

import ast
import doctest
import json
import re
from pathlib import Path

import pytest

from minigrad.lab.gallery import claims_page
from minigrad.lab.gallery.claim import SIZES

ROOT = Path(__file__).parent.parent
PAGES = [*sorted((ROOT / "docs").glob("*.md")), ROOT / "README.md"]
LISTING = re.compile(r"(<!-- source: (\S+) (\S+) -->\n```\w*\n)(.*?)(```)", re.DOTALL)


def source(path, name):
    """The text of a top-level function or class, with its decorators."""
    text = (ROOT / path).read_text()
    for node in ast.parse(text).body:
        if getattr(node, "name", None) == name:
            first = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", []))])
            return "\n".join(text.splitlines()[first - 1 : node.end_lineno]) + "\n"
    raise LookupError(f"{path} has no {name}")


def with_listings(text):
    """A page with its listings as the source has them."""
    return LISTING.sub(lambda m: m[1] + source(m[2], m[3]) + m[5], text)


def pages():
    present = [page for page in PAGES if page.exists()]
    return present or [pytest.param(None, marks=pytest.mark.skip("needs the checkout, not an installed package"))]


@pytest.mark.parametrize("page", pages(), ids=lambda page: getattr(page, "name", ""))
def test_listings_are_the_source(page):
    text = page.read_text()
    assert text == with_listings(text), f"{page.name}: run python tests/test_docs.py"


@pytest.mark.parametrize("page", pages(), ids=lambda page: getattr(page, "name", ""))
def test_sessions_run(page):
    text = LISTING.sub("", page.read_text())  # examples in their docstrings run with the modules
    test = doctest.DocTestParser().get_doctest(text, {}, page.name, str(page), 0)
    assert doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS).run(test).failed == 0


def test_links_between_pages_lead_somewhere():
    """Files that a page links to, and headings of its own or of another page."""
    for page in (page for page in [*PAGES, ROOT / "CONTRIBUTING.md"] if page.exists()):
        for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
            path, _, heading = target.partition("#")
            if "://" in target:
                continue
            other = page.parent / path if path else page
            assert other.exists(), f"{page.name} links to {target}"
            if heading:
                heads = re.findall(r"^#+ (.+)$", other.read_text(encoding="utf-8"), re.MULTILINE)
                slugs = {re.sub(r"[^\w -]", "", head.lower()).replace(" ", "-") for head in heads}
                assert heading in slugs, f"{page.name} links to {target}, and no heading there has that name"


def test_the_page_of_claims_is_what_was_measured():
    """Its tables are those of claims.json, which has every claim, in full, with the sizes that the claims have now."""
    if not (ROOT / "docs" / "claims.md").exists():
        pytest.skip("needs the checkout, not an installed package")
    page, found = (ROOT / "docs" / name for name in ("claims.md", "claims.json"))
    found = json.loads(found.read_text(encoding="utf-8"))
    text = page.read_text(encoding="utf-8")
    assert text == claims_page.with_tables(text, found), "run python -m minigrad.lab.gallery.claims_page"
    assert set(re.findall(r"<!-- claims: (\w+) -->", text)) == set(claims_page.TABLES)
    assert not found["run"]["quick"] and set(found["examples"]) == set(SIZES)
    for name, made in found["examples"].items():
        assert made["sizes"] == {what: full for what, (full, _) in SIZES[name].items()}, f"{name}: run it again"
        assert made["kept"]
        said = {"must hold": True, "holds": True, "does not hold": False, "undecided": None}
        assert all(kept["held"] is said[kept["kind"]] for kept in made["kept"])


if __name__ == "__main__":
    for page in PAGES:
        page.write_text(with_listings(page.read_text()))
