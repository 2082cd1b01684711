"""The texts in the package are what their pages say: sizes, classes, digests."""

import hashlib
import re

import numpy as np

from minigrad.data import load_psalms, load_words
from minigrad.data.sets.texts import FILES


def said(page):
    """The digest that a page of files/ gives."""
    return re.search(r"`([0-9a-f]{64})`", (FILES / page).read_text(encoding="utf-8")).group(1)


def test_words():
    words, y, classes = load_words()
    assert np.bincount(y).tolist() == [3000] * 4
    assert words == sorted(set(words))
    assert classes[y[words.index("happily")]] == "adverb"
    text = "".join(f"{word} {classes[k]}\n" for word, k in zip(words, y))
    assert hashlib.sha256(text.encode()).hexdigest() == said("words.md")


def test_psalms():
    text = load_psalms()
    assert (len(text), text.count("\n")) == (223_732, 2461)
    assert hashlib.sha256(text.encode()).hexdigest() == said("psalms.md")


def test_each_file_is_small_and_has_a_page():
    for path in FILES.glob("*.gz"):
        assert path.stat().st_size <= 300_000
        assert "Licence" in (FILES / f"{path.name.split('.')[0]}.md").read_text(encoding="utf-8")
