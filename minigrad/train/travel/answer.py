"""An answer in words, with its numbers; and what a question is about: a parameter, an index, a layer, a unit."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...checks import whole
from ...nn.module import Module


class Answer:
    """What a question about a run is answered with.

    text      in words, with the numbers put in; str(answer) and print(answer) give it
    kind      the answer as one word, such as "prox" or "never trained": each question says which there are
    step      the step that it is about, None where there is none
    numbers   {name: number} those of the text
    """

    def __init__(self, kind: str, step: int | None, sentences: Sequence[str], numbers: dict[str, Any]) -> None:
        self.kind, self.step, self.numbers = kind, step, numbers
        self.text = " ".join(sentence for sentence in sentences if sentence)

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return self.text


def number(x: float) -> str:
    """A number as it stands in an answer.

    >>> number(0.1 + 0.2), number(0.0), number(1e-9)
    ('0.3', '0', '1e-09')
    """
    return f"{x:.6g}"


def counted(count: int, what: str) -> str:
    """A count with its noun.

    >>> counted(1, "step"), counted(12000, "step"), counted(2, "batch")
    ('1 step', '12,000 steps', '2 batches')
    """
    ending = "" if count == 1 else "es" if what.endswith("ch") else "s"
    return f"{count:,} {what}{ending}"


def known(what: str, name: str, names: Sequence[str]) -> str:
    """The name, if it is one of `names`; else ValueError with the closest one."""
    if name in names:
        return name
    close = difflib.get_close_matches(str(name), [n for n in names if n], n=1)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    shown = ", ".join(n for n in list(names)[:12] if n)
    raise ValueError(f"there is no {what} {name!r}{hint} ({what}s: {shown}{', ...' if len(names) > 12 else ''})")


def checked_index(name: str, index: Sequence[Any], shape: tuple[int, ...]) -> tuple[int, ...]:
    """The index of one element of a parameter, each number from 0. ValueError where it is none."""
    if len(index) != len(shape):
        raise ValueError(
            f"{name} has the shape {shape}: need {counted(len(shape), 'number')} to name one element, got {len(index)}"
        )
    found = tuple(whole(i, f"index of {name}", -size if size else 0) for i, size in zip(index, shape))
    for axis, (i, size) in enumerate(zip(found, shape)):
        if i >= size:
            raise ValueError(f"{name} has the shape {shape}: index {i} of axis {axis} is outside of 0 to {size - 1}")
    return tuple(i % size for i, size in zip(found, shape))


def flat_index(index: tuple[int, ...], shape: tuple[int, ...]) -> int:
    """The place of an element in the flat array."""
    return int(np.ravel_multi_index(index, shape)) if shape else 0


def module_of(model: Module, layer: str) -> Module:
    """The layer of a model by its name. ValueError for another name."""
    modules = {name: module for name, module in model.named_modules() if name or module is model}
    return modules[known("layer", layer, list(modules))]
