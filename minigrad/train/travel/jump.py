"""Which batch made the loss jump? The step at which it did, and whether its rows or the update before are to blame."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ...engine import Tensor
from ...nn.prediction import leaves, rebuilt
from ...recording import no_grad
from ..snapshot import Saved
from ..weighing import in_dtype, loss_of
from .answer import Answer, counted, number

if TYPE_CHECKING:
    from .moment import Moment
    from .opened import OpenRun

BEFORE = 50  # batches whose median and spread a loss is compared with
LEAST = 8  # of them there have to be so many
STANDS_OUT = 6.0  # spreads above the median
BLAMED = 3  # rows that are named


def loss_jump(run: OpenRun, step: int | None) -> Answer:
    """What OpenRun.loss_jump does."""
    size, level = jumps(run.losses)
    if step is None:
        k = int(np.nanargmax(size)) if len(size) and not np.isnan(size).all() else -1
        if k < 0 or size[k] < STANDS_OUT:
            largest = f"; the largest is {number(size[k])} spreads above, in step {k + 1:,}" if k >= 0 else ""
            said = (
                f"No loss stands out among {counted(run.steps, 'step')}: none lies {STANDS_OUT:g} spreads (mean "
                f"absolute deviations) above the median of the {BEFORE} batches before{largest}."
            )
            return Answer("no jump", None, [said], {"largest": float(size[k]) if k >= 0 else float("nan")})
        step = k + 1
    run.checked(step)
    if run.losses[step - 1] <= level[step - 1]:
        said = (
            f"The loss of step {step:,} is {number(run.losses[step - 1])}, which is no jump: the median of the batches "
            f"before is {number(level[step - 1])}."
        )
        return Answer("no jump", None, [said], {"loss": run.losses[step - 1], "median before": level[step - 1]})
    return _told(run, step, float(level[step - 1]))


def jumps(losses: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of each loss, how many spreads it lies above the median of the BEFORE before it; and that median. NaN: too few.

    The spread is the mean distance of these losses from their median, and at least 1e-3 of the median.
    """
    size, level = np.full(len(losses), np.nan), np.full(len(losses), np.nan)
    for start in range(0, len(losses), 1 << 14):
        chosen = np.arange(max(start, LEAST), min(start + (1 << 14), len(losses)))
        if len(chosen):
            padded = np.concatenate([np.full(BEFORE, np.nan), losses[max(0, start - BEFORE) : chosen[-1] + 1]])
            offset = max(0, start - BEFORE)
            view = np.lib.stride_tricks.sliding_window_view(padded, BEFORE)[chosen - offset]
            enough = np.isfinite(view).sum(1) >= LEAST
            view = np.where(enough[:, None], np.where(np.isfinite(view), view, np.nan), 0.0)
            median = np.nanmedian(view, axis=1)
            spread = np.nanmean(np.abs(view - median[:, None]), axis=1)
            spread = np.maximum(spread, 1e-3 * np.abs(median) + 1e-12)
            level[chosen] = np.where(enough, median, np.nan)
            size[chosen] = np.where(enough, (losses[chosen] - median) / spread, np.nan)
    return size, level


def _told(run: OpenRun, step: int, level: float) -> Answer:
    moment = run.at(step)
    after = run.losses[step:]
    back = np.flatnonzero(after <= level + 0.5 * (moment.loss - level)) if level == level else np.empty(0)
    lasted = (
        f"It was half way back {counted(int(back[0]) + 1, 'step')} later."
        if len(back)
        else f"It did not come half way back in the {counted(len(after), 'step')} that followed."
    )
    numbers: dict[str, Any] = {"loss": moment.loss, "median before": level}
    usual = f"; the median of the batches before is {number(level)}" if level == level else ""
    opening = (
        f"The loss is {number(moment.loss)} in step {step:,} (epoch {moment.epoch}, batch {moment.number}){usual}."
    )
    if step == 1:
        return Answer("rows", step, [opening, "It is the first step: no update came before it.", lasted], numbers)
    earlier = run.at(step - 1)
    without = loss_with(run, moment, earlier)
    numbers["loss without the update before"] = without
    base = level if level == level else run.losses[step - 2]
    if without - base >= 0.5 * (moment.loss - base):
        return _by_rows(run, moment, without, [opening], lasted, numbers)
    return _by_update(run, moment, earlier, without, [opening], lasted, numbers)


def _by_rows(
    run: OpenRun, moment: Moment, without: float, opening: list[str], lasted: str, numbers: dict[str, Any]
) -> Answer:
    few, usual = len(moment.rows), run.loader.batch_size
    numbers["rows of the batch"] = few
    small = f" It has {counted(few, 'row')} only, where others have {usual}: its mean varies more."
    said = (
        f"With the weights that step {moment.step - 1:,} began with, this batch has the loss {number(without)}: its "
        f"rows are unlike the others, and the update before is not to blame.{small if few < usual else ''}"
    )
    return Answer("rows", moment.step, [*opening, said, _worst(run, moment, numbers), lasted], numbers)


def _by_update(
    run: OpenRun,
    moment: Moment,
    earlier: Moment,
    without: float,
    opening: list[str],
    lasted: str,
    numbers: dict[str, Any],
) -> Answer:
    """The update of the step before did it."""
    g = norm(earlier.gradients)
    others = [norm(m.gradients) for m in run.walk(max(1, earlier.step - BEFORE), max(1, earlier.step - 1))]
    usual = float(np.median(others)) if earlier.step > 1 else float("nan")
    moved = norm({name: earlier.after[name] - earlier.before[name] for name in earlier.gradients})
    numbers |= {"gradient": g, "median gradient before": usual, "moved by": moved, "blamed step": earlier.step}
    times = f", {number(g / usual)} times the median of the steps before, {number(usual)}" if usual > 0 else ""
    said = (
        f"The update of step {earlier.step:,} (epoch {earlier.epoch}, batch {earlier.number}) did it: with the weights "
        f"before it, the same batch has the loss {number(without)}. Its gradient has the norm {number(g)}{times}; it "
        f"moved the weights by {number(moved)}."
    )
    return Answer("update", earlier.step, [*opening, said, _worst(run, earlier, numbers), lasted], numbers)


def norm(arrays: dict[str, np.ndarray]) -> float:
    """√Σg² over all arrays."""
    return float(np.sqrt(sum(float(np.square(a.astype(np.float64)).sum()) for a in arrays.values())))


def _worst(run: OpenRun, moment: Moment, numbers: dict[str, Any]) -> str:
    """The rows of a batch with the largest losses."""
    losses = of_rows(run, moment)
    if losses is None or len(losses) != len(moment.rows):
        return ""
    order = np.argsort(-losses)[:BLAMED]
    numbers["rows"] = moment.rows[order].tolist()
    named = ", ".join(f"{int(moment.rows[i])} ({number(float(losses[i]))})" for i in order)
    median = number(float(np.median(losses)))
    return f"The rows of the data with the largest losses in its batch: {named}; their median is {median}."


def _output(moment: Moment) -> tuple[Any, list[Any], Any]:
    """The output of a moment's batch in eval mode, its targets and weights, and the parts that it was made with."""
    parts = moment.own
    x, y, *weight = moment.batch
    modes = [(module, module.training) for _, module in parts.model.named_modules()]
    parts.model.eval()
    try:
        dtype = next(p.array.dtype for p in parts.model.parameters())
        return parts.model(Tensor(in_dtype(x, dtype))), [y, *weight], parts
    finally:
        for module, mode in modes:
            module.training = mode


def of_rows(run: OpenRun, moment: Moment) -> np.ndarray | None:
    """(rows,) the loss of each row of a batch by itself, in eval mode; None where the loss takes no single rows."""
    with run.rerun.as_recorded(), no_grad():
        output, targets, parts = _output(moment)
        found = []
        try:
            for i in range(len(targets[0])):
                one = rebuilt(output, iter([Tensor(t.array[i : i + 1]) for t in leaves(output)]))
                found.append(loss_of(parts.loss, one, *[t[i : i + 1] for t in targets]).item())
        except (ValueError, TypeError, IndexError, ZeroDivisionError):
            return None
    return np.array(found)


def loss_with(run: OpenRun, moment: Moment, earlier: Moment) -> float:
    """The loss of a moment's batch with the weights that an earlier moment began with, as training computes it."""
    state: Saved = run.state_after(moment.step - 1)
    swapped = {name: earlier.before[name] for name in earlier.gradients}
    return run.rerun.loss_of_next(state, {**state.model, **swapped})
