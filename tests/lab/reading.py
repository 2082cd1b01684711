"""Reading a report as a browser would: tags that match, nothing loaded from elsewhere; and programs run for a page."""

import importlib.util
import re
from html.parser import HTMLParser

import pytest

import minigrad as mg
from minigrad.lab.gallery import pages


class Reader(HTMLParser):
    """Fails on tags that do not match, notes what a page would load from elsewhere, and the anchors it links to."""

    VOID = {"meta", "img", "br", "link"}

    def __init__(self):
        super().__init__()
        self.open, self.loads, self.images, self.text, self.links, self.anchors = [], [], [], [], [], []
        self.figures = []

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        for name in ("src", "href"):
            if name in attributes and not attributes[name].startswith(("data:", "#")):
                self.loads.append(attributes[name])
        if attributes.get("href", "").startswith("#"):
            self.links.append(attributes["href"][1:])
        if "id" in attributes:
            self.anchors.append(attributes["id"])
        if tag == "img":
            assert attributes["alt"]
            self.images.append(attributes["src"])
        if attributes.get("role") == "img" and tag == "svg":
            assert attributes["aria-label"]
            self.images.append(attributes["aria-label"])
        if tag in ("figure", "figcaption"):
            self.figures += [tag]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in self.VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def read(html):
    reader = Reader()
    reader.feed(html)
    reader.close()
    assert reader.open == []
    assert reader.figures == ["figure", "figcaption"] * (len(reader.figures) // 2)  # each has its caption
    return reader


def quick_runs(programs, folder, **options):
    """Yields get(name), which runs a program once, quickly, on the digits in the package, with one thread."""
    made, threads = {}, mg.get_num_threads()
    mg.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MINIGRAD_DATA", raising=False)
        patch.setenv("XDG_CACHE_HOME", str(folder))
        patch.chdir(folder)

        def get(name):
            if name not in made:
                made[name] = pages.run(programs[name], quick=True, **options)
            return made[name]

        yield get
    mg.set_num_threads(threads)
    assert list(folder.iterdir()) == []  # a program writes nothing


def must_hold(run, wanted, of_sklearn):
    """Every criterion that is wanted, in words that stand in its check, was checked, and no other. (One that fails
    raises.) Those that name scikit-learn are wanted where it is."""
    if importlib.util.find_spec("sklearn") is None:
        wanted = [part for part in wanted if not re.search(of_sklearn, part)]
    words = [kept.words for kept in run.kept if kept.kind == "must hold"]
    assert len(words) == len(wanted), words
    assert all(part in said for part, said in zip(wanted, words)), words
