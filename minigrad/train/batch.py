"""The second half of a batch of fit: what follows backward. A replayed batch ends in the same way."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from .evaluate import penalty_values, with_penalties
from .finite import check_gradients, refuse_idle
from .run import Run


def finish_batch(
    run: Run,
    call: Callable[..., None],
    penalty: Any,
    rows: int,
    size: float,
    values: Mapping[str, float],
    weighted: Collection[str],
) -> None:
    """The callbacks that look at gradients, the update, and what was measured: values by name, and run.parts.

    rows, size: how many rows the batch has, and what they count by their weights.
    """
    optimizer = run.optimizer
    if not run.updates:
        refuse_idle(optimizer)
    call("on_gradients")
    check_gradients(run)
    penalties = {} if penalty is None else penalty.value()
    if run.skip_update:
        penalties.update(penalty_values(optimizer.bound_terms))
    else:
        optimizer.step()
        penalties.update(optimizer.penalty_values())  # before the step, summed on its way
        run.updates += 1
    run.means.add(rows, run.parts, {**penalties, **values}, size, weighted)
    run.row = {"epoch": run.epoch, **with_penalties(run.means.row(), penalties)}
