"""The site: its parts are read right, and what `make docs` built is whole and needs no network.

The built site is checked with MINIGRAD_SITE=build/docs, or by `-m slow`, which builds one (Sphinx: minigrad[docs]).
"""

import doctest
import importlib
import importlib.util
import inspect
import json
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

import minigrad as mg

ROOT = Path(__file__).parent.parent
pytestmark = pytest.mark.skipif(
    not (ROOT / "docs" / "site").exists(), reason="needs the checkout, not an installed package"
)
GIVEN = os.environ.get("MINIGRAD_SITE")
built = pytest.mark.skipif(
    not GIVEN and not (importlib.util.find_spec("sphinx") and importlib.util.find_spec("myst_parser")),
    reason="Sphinx is not installed: minigrad[docs]",
)


def module(name, monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT))
    return importlib.import_module(f"docs.site.{name}")


@pytest.mark.parametrize("name", ["docstrings", "links", "names", "reference"])
def test_examples_of_the_builder(name, monkeypatch):
    found = doctest.testmod(module(name, monkeypatch))
    assert found.attempted and not found.failed


def public():
    """Every public name as users write it: of the packages' lists, and of minigrad itself."""
    import pkgutil

    for name in [info.name for info in pkgutil.iter_modules(mg.__path__, "minigrad.") if info.ispkg]:
        if name == "minigrad.sklearn" and not importlib.util.find_spec("sklearn"):
            continue
        package = importlib.import_module(name)
        for entry in getattr(package, "__all__", []):
            if not inspect.ismodule(getattr(package, entry)):
                yield f"{name}.{entry}"
    for entry, thing in vars(mg).items():
        if entry[0] != "_" and not inspect.ismodule(thing):
            yield f"minigrad.{entry}"


def above(name):
    """The name that the package above has for the same thing, such as mg.load for mg.interop.load."""
    package, _, last = name.rpartition(".")
    return f"{package.rpartition('.')[0]}.{last}"


@pytest.mark.skipif(not importlib.util.find_spec("sklearn"), reason="minigrad.sklearn needs scikit-learn")
def test_the_reference_has_every_public_name(monkeypatch):
    """In the text of its pages an entry stands for each, under that name or that of the package above."""
    pages = module("reference", monkeypatch).reference()
    entries = re.findall(r"^\.\. py:\w+:: ([\w.]+)", "\n".join(pages.values()), re.MULTILINE)
    assert len(entries) == len(set(entries))
    listed = re.findall(r"^   minigrad\.([\w.]+)$", "\n".join(pages.values()), re.MULTILINE)
    assert set(listed) <= set(entries)
    missing = {name for name in public() if not {name[9:], above(name)[9:]} & {*entries}}
    assert not missing, f"no entry for {sorted(missing)}"


def test_a_docstring_loses_no_word(monkeypatch):
    """The blocks of every public docstring hold all of its words, in order."""
    blocks = module("docstrings", monkeypatch).blocks
    count = 0
    for full in public():
        thing = mg
        for part in full.split(".")[1:]:
            thing = getattr(thing, part)
        text = inspect.cleandoc(thing.__doc__ or "")
        shown = " ".join(f"{block.text} {' '.join(f'{a} {b}' for a, b in block.rows)}" for block in blocks(text))
        assert shown.split() == text.split(), full
        count += 1
    assert count > 400


def test_every_example_has_been_recorded(monkeypatch):
    """Its page shows what it printed; where it draws, its picture."""
    kept = json.loads((ROOT / "docs" / "examples.json").read_text(encoding="utf-8"))["examples"]
    for path in (ROOT / "examples").glob("*.py"):
        again = f"python -m docs.site.record {path.stem}"
        assert path.stem in kept and "look at: " in kept[path.stem]["output"], again
        if "--figure" in path.read_text(encoding="utf-8"):
            assert (ROOT / "docs" / "images" / f"example-{path.stem}.png").exists(), again


def test_links_lead_to_something(monkeypatch):
    """A page that links to what is not there is refused by name; links to files become links to their sources."""
    links = module("links", monkeypatch)
    places = {"README.md": "index.md", "docs/engine.md": "engine.md"}
    text = "[a](../README.md#b) [c](https://d.e/) [f](../minigrad/op.py) `[g](h)`"
    told = links.rewritten(text, "docs/engine.md", "engine.md", places)
    assert told == "[a](index.md#b) [c](https://d.e/) {source}`f <minigrad/op.py>` `[g](h)`"
    with pytest.raises(LookupError, match=r"docs/engine\.md: a link to nothing\.md; there is no docs/nothing\.md"):
        links.rewritten("[x](nothing.md)", "docs/engine.md", "engine.md", places)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    if GIVEN:
        return Path(GIVEN).resolve()
    out = tmp_path_factory.mktemp("site") / "docs"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
    command = [sys.executable, "-m", "docs.site", str(out)]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr
    return out


class Page(HTMLParser):
    """What a page links to, what it loads, the anchors that it has, and its pictures without words."""

    def __init__(self, path):
        super().__init__()
        self.links, self.loads, self.anchors, self.mute = [], [], set(), []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.anchors |= {found.get("id"), found.get("name")}
        if tag == "a" and "href" in found:
            self.links.append(found["href"])
        if tag == "link" and found.get("rel") not in ("search", "index", "prev", "next"):
            self.loads.append(found["href"])
        if "src" in found:
            self.loads.append(found["src"])
        if tag == "img" and "alt" not in found:
            self.mute.append(found["src"])


@pytest.fixture(scope="module")
def pages(site):
    return {path: Page(path) for path in sorted(site.rglob("*.html"))}


slow_unless_given = pytest.mark.slow if not GIVEN else pytest.mark.filterwarnings("error")


@built
@slow_unless_given
def test_links_and_pictures_resolve(site, pages):
    assert len(pages) > 500
    for path, page in pages.items():
        assert not page.mute, f"{path}: no alt for {page.mute}"
        for target in [*page.links, *page.loads]:
            parts = urlsplit(target)
            if parts.scheme:
                continue
            file = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            assert file.exists(), f"{path.relative_to(site)}: {target}"
            if parts.fragment and file in pages:
                assert unquote(parts.fragment) in pages[file].anchors, f"{path.relative_to(site)}: {target}"


@built
@slow_unless_given
def test_nothing_is_loaded_from_elsewhere(site, pages):
    for path, page in pages.items():
        assert not [load for load in page.loads if urlsplit(load).scheme or load.startswith("//")], path
    for path in [*site.rglob("*.css"), *site.rglob("*.js")]:
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"(url\(|@import|fetch\(|src=)\s*[\"']?(https?:)?//", text), path


@built
@slow_unless_given
def test_every_public_name_has_an_entry(site, pages):
    anchors = set().union(*(page.anchors for path, page in pages.items() if path.parent.name == "api"))
    assert not {name for name in public() if name not in anchors and above(name) not in anchors}
    index = (site / "searchindex.js").read_text(encoding="utf-8")
    assert index.startswith("Search.setIndex(") and "cross_valid" in index
