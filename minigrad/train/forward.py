"""The forward pass of a validation, recorded and replayed: what fit(compile=True) measures held-out data with."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine import Tensor
from ..nn.module import Module
from ..nn.prediction import leaves, rebuilt
from ..recording import mode
from ..replay.entry import Entry
from ..rng import get_state, set_state
from .recorded import known_by


class Forward:
    """model as a function of a batch, with the numbers that it gives. What cannot be replayed, the model does itself.

    It is for a model in eval mode, without recording of a graph. The two recordings of a shape lie on both sides of an
    update: else what Python computed of the weights would look like a constant.
    """

    def __init__(self, model: Module) -> None:
        self.model = model
        self._entries: dict[tuple, Entry] = {}
        self._stamps: dict[tuple, int] = {}  # when a weight was last written, at the first recording of a shape
        self._form: Any = None  # the last recorded output
        self._refused = False

    def __call__(self, x: Tensor) -> Any:
        """model(x)."""
        if self._refused or mode.recording:
            return self.model(x)
        key = x.shape, x.dtype
        entry = self._entries.get(key)
        if entry is None:
            entry = self._entries[key] = Entry(self._forward, [x.array])
        entry.fill([x.array])
        if entry.program is not None and (entry.changed() or entry.other_arguments()):
            entry.forget()
            self._stamps.pop(key, None)
        return self._replayed(entry) if entry.program is not None else self._recorded(entry, key, x)

    def _forward(self, x: Tensor) -> Any:
        self._form = self.model(x)
        return self._form

    def _replayed(self, entry: Entry) -> Any:
        _, kept = entry.run(1)
        return self._alike(entry.result, [array[0, ...] for array in kept])

    def _recorded(self, entry: Entry, key: tuple, x: Tensor) -> Any:
        stamp = max((p.stamp for p in self.model.parameters()), default=0)
        if self._stamps.get(key, -1) == stamp:
            return self.model(x)
        self._stamps[key], streams = stamp, get_state()
        try:
            made = entry.record()
        except Exception:  # where it is not of the recording, the model raises it again
            self._refused = True
            set_state(streams)
            return self.model(x)
        self._refused = entry.refused is not None
        return self._alike(self._form, [part.array for part in leaves(made)])

    @staticmethod
    def _alike(form: Any, arrays: list[np.ndarray]) -> Any:
        """An output of these numbers."""
        return rebuilt(form, iter([known_by(part, array) for part, array in zip(leaves(form), arrays)]))
