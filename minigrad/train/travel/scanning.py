"""Looking for a step: windows between snapshots, from the last one backwards, each made again and looked at."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from .looks import Element, Outputs, Taps, Untapped
from .rerun import Stop

if TYPE_CHECKING:
    from .opened import OpenRun

SHORTEST = 512  # steps of a window, because to begin one takes as long as a hundred steps


def windows(run: OpenRun, last: int) -> Iterator[tuple[int, int]]:
    """(first, last) step of the windows up to `last`, the last one first: each begins behind a snapshot."""
    while last > 0:
        mark = max([s for s in run.marks if s <= last - SHORTEST], default=0)
        yield mark + 1, last
        last = mark


def elements(run: OpenRun, wanted: list[Element], first: int, last: int) -> np.ndarray:
    """(elements, steps): each element after each of the steps first to last."""
    return scan(run, lambda: Taps(wanted, first, last), first, last)


def outputs(run: OpenRun, layer: str, made: Callable[[np.ndarray], np.ndarray], first: int, last: int) -> np.ndarray:
    """(steps,): what `made` gives of the outputs of a layer in each of the steps first to last."""
    return scan(run, lambda: Outputs(layer, made, first, last), first, last)


def scan(run: OpenRun, look: Callable[[], Any], first: int, last: int) -> np.ndarray:
    """The values of what looks at the steps first to last; where replays cannot hand them out, in Python."""
    saved = run.state_after(first - 1)
    looking = look()
    try:
        after, losses = run.rerun.go(saved, Stop(last), looking)
    except Untapped:
        looking = look()
        after, losses = run.rerun.go(saved, Stop(last), looking, compile=False)
    run.compare(first, losses)
    run.keep(last, after)
    return looking.values
