"""What follows a loss, a gradient or a weight that is NaN or infinite: an exception, or what run.non_finite says."""

from __future__ import annotations

import math

import numpy as np

from ..engine import Tensor
from ..errors import GraphError, NonFiniteError
from ..optim.base import Optimizer
from .run import Run


def usable(total: Tensor, run: Run) -> bool:
    """Whether the loss is finite; if not, what the policy says. GraphError for a loss that reaches no parameter."""
    if not total.tracked:
        raise GraphError(
            "fit: the loss depends on no parameter that requires grad, so that nothing would be trained: all are "
            "frozen, or the loss detaches the output, or fit is called under no_grad"
        )
    value = total.item()
    if math.isfinite(value):
        return True
    refuse_broken_weights(run)
    text = (
        f"the loss is {value} in epoch {run.epoch}, batch {run.batch}; the weights are those before this batch. A "
        "smaller learning rate, or inputs of a smaller scale, usually cure it"
    )
    if math.isnan(value):
        text += ". A batch in which no row counts, because all are ignored or weigh 0, has no mean: larger batches"
    _leave_out(run, text)
    run.keep_gradients = True  # those of the batches before, where they are accumulated; else there are none
    return False


def check_gradients(run: Run) -> None:
    """Leave the update out if a gradient is not finite and the policy is "skip" or "stop"; "raise" does not look."""
    if run.non_finite == "raise":
        return
    for p in run.optimizer.state:
        if p.grad is not None and not np.isfinite(p.grad.array).all():
            names = [name for name, own in run.model.named_parameters() if own is p]
            whose = names[0] if names else "a parameter"
            _leave_out(
                run,
                f"the gradient of {whose} is not finite in epoch {run.epoch}, batch {run.batch}; the weights are "
                "those before this batch",
            )
            run.keep_gradients = False
            return


def _leave_out(run: Run, text: str) -> None:
    """What the policy does with a batch that would break the weights."""
    if run.non_finite == "raise":
        raise NonFiniteError(f"fit: {text}")
    run.skip_update = True
    if run.non_finite == "skip":
        run.skipped += 1
    else:
        run.stop_now, run.history.stopped = True, text


def refuse_broken_weights(run: Run) -> None:
    """NonFiniteError where an update made a weight NaN or infinite, though the loss of its batch was finite."""
    for name, p in run.model.named_parameters():
        if p.tracked and not np.isfinite(p.array).all():
            raise NonFiniteError(
                f"fit: {name} has a number that is not finite in epoch {run.epoch}, after an update whose loss was "
                "finite. A smaller learning rate, or clipped gradients, usually cure it"
            )


def refuse_empty_epoch(run: Run) -> None:
    """NonFiniteError where the loss of no batch of the epoch was finite: there is nothing to write into the history."""
    if not run.means.rows:
        raise NonFiniteError(
            f"fit: in epoch {run.epoch} the loss of all {run.batches} batches is NaN or infinite, and each was "
            "skipped: nothing was trained. Look at the data, or at the weights that training began with"
        )


def refuse_idle(optimizer: Optimizer) -> None:
    """GraphError where no parameter of the optimizer has a gradient after backward."""
    if all(p.grad is None for p in optimizer.state):
        raise GraphError(
            "fit: the loss depends on no parameter that the optimizer holds, so that nothing would be trained: it uses "
            "another model, for instance, instead of the output that it is given"
        )
