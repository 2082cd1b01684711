"""Texts in the package: English words with their class, and the psalms; origin and licence in files/*.md."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np

FILES = Path(__file__).parent.parent / "files"
CLASSES = ("noun", "verb", "adjective", "adverb")


class Words(NamedTuple):
    """words[i] is of the class classes[y[i]]; y is int64. It unpacks: `words, y, classes = load_words()`.

    >>> words, y, classes = Words(["hand"], np.array([0]), ("noun", "verb"))
    >>> classes[y[0]]
    'noun'
    """

    words: list[str]
    y: np.ndarray
    classes: tuple[str, ...]


def load_words() -> Words:
    """12,000 English words, 3,000 nouns, verbs, adjectives and adverbs each, in alphabetical order.

    Words of 3 to 16 lower-case letters that WordNet 3.0 (Princeton University) knows in one class only.

    >>> words, y, classes = load_words()
    >>> len(words), words[7], classes[y[7]]
    (12000, 'abase', 'verb')
    """
    pairs = [line.split(" ") for line in _text("words.txt.gz").splitlines()]
    y = np.array([CLASSES.index(of) for _, of in pairs], np.int64)
    return Words([word for word, _ in pairs], y, CLASSES)


def load_psalms() -> str:
    """The 150 psalms in the King James Version (1611), 223,732 characters, a verse a line: a text to learn from.

    >>> load_psalms()[:23]
    'Blessed is the man that'
    """
    return _text("psalms.txt.gz")


def _text(name: str) -> str:
    import gzip

    with gzip.open(FILES / name, "rt", encoding="ascii", newline="\n") as file:
        return file.read()
