"""eps = 0, or nearly: a step that would be divided by a square root of numbers that counted as 0 is refused.

The updates count gradients under 1e-15 and running squares v under 1e-30 as 0 (float64: 1e-150, 1e-290). With the usual
eps nobody notices, because eps is far larger than √v there. Without it m / √v would be NaN or far too large.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..recording import mode
from .table import Table

SMALL = 1e-12  # an eps from which no root of a square that counted as 0 matters, in either precision
LOST = {np.dtype(np.float32): 1e-30, np.dtype(np.float64): 1e-290}  # squares that count as 0


def update_checked(
    name: str, table: Table, grads: list[Any], update: Callable[[], None], square: str, less: str | None = None
) -> None:
    """update(), which writes the table's parameters and states; all is undone if it divided by a square that was lost.

    Under the root stands the state `square`, less the square of the state `less`. ValueError says which eps would do.
    """
    if mode.step is not None:
        why = f"eps is {table.group['eps']:g}: whether a square that it divides by was lost, is seen in Python after it"
        mode.step.refuse(name, f"{why}. Take an eps from {SMALL:g} on, or train by fit(compile=True)")
    arrays = [*table.arrays.values(), *(state[key] for state in table.state for key in table.names)]
    arrays.append(table.counters)
    held = [(x, x.copy()) for x in arrays]
    with np.errstate(all="ignore"):
        update()
    eps = table.group["eps"]
    for i, (w, state) in enumerate(zip(table.arrays.values(), table.state)):
        limit = LOST[w.dtype]
        if grads[i] is False or eps >= 1e3 * np.sqrt(limit):
            continue
        v = state[square] if less is None else state[square] - state[less] ** 2
        lost = (v < limit) & (v > 0) if eps else v < limit
        if lost.any():
            for x, before in held:
                np.copyto(x, before)
            raise ValueError(
                f"{name}: eps is {eps:g}, and in {int(lost.sum())} of the {lost.size} elements of a parameter "
                f"{w.dtype} {w.shape} the step would be divided by the root of a running square that is 0, or under "
                f"{limit:g}, and counts as 0. The group is left as it was; any eps from {SMALL:g} on does"
            )
