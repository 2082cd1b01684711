"""A moment of a recorded training: one step of it, with all that it was made of."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from ...engine import Tensor
from ...nn.module import Module
from ...optim.base import Optimizer
from ..snapshot import Saved, set_layers, set_strengths

if TYPE_CHECKING:
    from .opened import OpenRun
    from .rerun import Parts


class Moment:
    """Step `step` of a recorded training, with the bits that it had.

    step, epoch, number   counted from 1; number: the batch in its epoch
    loss                  the data loss of the batch, before the update
    rows                  (batch_size,) which rows of the data the batch has, int64
    gradients             {name: array} those that the update was made of; clipped, where they are clipped. Penalties
                          that are bound to the optimizer add theirs inside the update
    before, after         {name: array} parameters and buffers before and after the update
    updated               False where a callback left the update out, or joined its gradients with those of later ones

    What takes longer is made when it is asked for: `batch`, `model`, `optimizer`.
    """

    def __init__(
        self,
        run: OpenRun,
        step: int,
        loss: float,
        before: dict[str, np.ndarray],
        after: dict[str, np.ndarray],
        gradients: dict[str, np.ndarray],
        states: dict[str, Any],
        updated: bool,
    ) -> None:
        self.run, self.step, self.loss, self.updated = run, step, loss, updated
        self.before, self.after, self.gradients = before, after, gradients
        self._states = states
        epoch, number = divmod(step - 1, run.batches)
        self.epoch, self.number = epoch + 1, number + 1

    @cached_property
    def rows(self) -> np.ndarray:
        """Which rows of the data the batch has."""
        loader = self.run.loader
        size = loader.batch_size
        return loader.order(self.epoch - 1)[(self.number - 1) * size : self.number * size]

    @cached_property
    def batch(self) -> Any:
        """(x, y) or (x, y, weight) of the batch, as transforms of the loader made them."""
        loader = self.run.loader
        return loader._batch(loader.order(self.epoch - 1), self.epoch - 1, self.number - 1)

    def parts(self) -> Parts:
        """Model, loss, optimizer and penalty, made anew, as they were before the update, with the gradients."""
        parts = self.run.fresh()
        parts.model.load_state_dict(self.before)
        set_layers(parts.model, self._states["layers"])
        parts.optimizer.load_state_dict(self._states["optimizer"])
        terms = ([] if parts.penalty is None else [parts.penalty]) + parts.optimizer.bound_terms
        for bound, held in zip(terms, self._states["terms"]):
            bound.at_epoch(self.epoch)
            set_strengths(bound, held)
        for name, p in parts.model.named_parameters():
            p.grad = Tensor(self.gradients[name].copy()) if name in self.gradients else None
        return parts

    @cached_property
    def own(self) -> Parts:
        """The parts of this moment that are kept: what is changed in them stays changed."""
        return self.parts()

    @property
    def model(self) -> Module:
        """A model of its own as it was before the update, with its gradients: parameter.grad."""
        return self.own.model

    @property
    def optimizer(self) -> Optimizer:
        """The optimizer of `model` as it was before the update: moment.optimizer.step() makes it, to the same bits."""
        return self.own.optimizer

    def __repr__(self) -> str:
        text = "" if self.updated else "; no update"
        where = f"step {self.step}: epoch {self.epoch}, batch {self.number}"
        return f"Moment({where}; loss {self.loss:.6g}{text}; model as before the update)"


def saved_at(path: Any, looking: list[bool]) -> Saved:
    """A snapshot, without the states of callbacks that only look."""
    saved = Saved(path)
    saved.known = True
    states = saved.state["callbacks"]
    if len(states) == len(looking):
        saved.state["callbacks"] = [state for state, looks in zip(states, looking) if not looks]
    return saved
