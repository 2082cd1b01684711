"""A running fit, as callbacks see it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..nn.module import Module
from ..optim.base import Optimizer
from .history import History

if TYPE_CHECKING:
    from .callbacks import Callback


class Run:
    """A running fit, as callbacks see it. Setting `stop` ends it after the present epoch.

    model, optimizer, history; epoch and batch, counted from 1, of epochs and batches; row: the measurements of the
    present epoch so far; columns: the names of those that fit makes; callbacks: all of them, in order.
    """

    def __init__(
        self, model: Module, optimizer: Optimizer, history: History, epochs: int, batches: int,
        columns: Sequence[str] = (), callbacks: Sequence[Callback] = (),
    ) -> None:  # fmt: skip
        self.model, self.optimizer, self.history = model, optimizer, history
        self.epochs, self.batches = epochs, batches
        self.columns, self.callbacks = list(columns), list(callbacks)
        self.epoch = self.batch = 0
        self.row: dict[str, float] = {}
        self.stop = False
