"""Averages of weights along the trajectory: the exponential moving average of a model's parameters."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

import numpy as np

from .. import kernels as K
from ..checks import finite, refuse_unknown_of
from ..engine import touch
from ..errors import GraphError, ShapeError
from ..kernels.reference.segments import DECAY, LR
from ..nn.module import Module
from ..nn.standing import Standing
from ..public import described
from .parameter_groups import listed

Model = TypeVar("Model", bound=Module)


class EMA:
    """average = decay average + (1 - decay) w for every parameter, at each update(); it starts at the present weights.

    The average of the last 1 / (1 - decay) steps or so has less of their noise (Polyak, Juditsky 1992). Buffers are not
    averaged. GraphError where a parameter of the model was replaced, or added, after the average was made. Copied
    together with its model, as (model, ema), it is on the copied model; copy.copy gives a second average of the same
    model.

    >>> import minigrad as mg
    >>> model = mg.nn.Linear(2, 1)
    >>> ema = EMA(model, decay=0.9)
    >>> with mg.no_grad():
    ...     _ = model.bias.copy_([1.0])
    >>> ema.update()
    >>> with ema.swap():
    ...     model.bias.data
    array([0.1], dtype=float32)
    >>> model.bias.data
    array([1.], dtype=float32)
    """

    __repr__ = described

    def __new__(cls, *args: Any, **options: Any) -> Any:
        refuse_unknown_of(cls.__init__, cls.__name__, options)
        return super().__new__(cls)

    def __init__(self, model: Module, decay: float = 0.999) -> None:
        if not isinstance(model, Module):
            raise TypeError(f"EMA: the model is a {type(model).__name__}; need an nn.Module")
        self.model, self.decay = model, finite(decay, "EMA: decay", 0.0, 1.0)
        self._parameters = list(model.named_parameters())
        self._averages = [p.detach().array for _, p in self._parameters]
        self._swapped = False
        self._standing = Standing(model, self._parameters)
        self._make_table()

    def _make_table(self) -> None:
        # One call for the whole model: sgd_update is w = w (1 - lr decay) - lr g, so that with w for its gradient, with
        # lr = -(1 - decay) and with a decay of -1, it is the formula above.
        self._maker, self._table = K.segments, K.segments(self._averages)
        self._table.scalars[:, LR], self._table.scalars[:, DECAY] = -(1 - self.decay), -1.0

    def update(self) -> None:
        """Let the averages take a step towards the present weights."""
        if self._swapped:
            raise RuntimeError("EMA: update() inside swap(): the averages are in the model's place")
        self._check()
        if self._maker is not K.segments:  # the process got another backend
            self._make_table()
        K.sgd_update(self._table, [K.contiguous(p.array) for _, p in self._parameters])

    def _check(self) -> None:
        lost = self._standing.lost()
        if lost:
            raise GraphError(
                f"EMA: a layer of the model was replaced after the average was made, which still is of "
                f"the old {listed(lost)}; make a new EMA of the changed model"
            )
        for (name, p), average in zip(self._parameters, self._averages):
            if p.array.shape != average.shape or p.array.dtype != average.dtype:
                raise ShapeError(
                    f"EMA: {name} became {p.array.dtype} {p.array.shape}, its average is {average.dtype} "
                    f"{average.shape}; make a new EMA of the changed model"
                )

    @contextmanager
    def swap(self) -> Iterator[None]:
        """Inside the block the model has the averages for its weights: for evaluation, or to save them."""
        if self._swapped:
            raise RuntimeError("EMA: swap() inside swap()")
        self._check()
        averaged = {id(p) for _, p in self._parameters}
        new = [name for name, p in self.model.named_parameters() if id(p) not in averaged]
        if new:
            raise GraphError(
                f"EMA: {listed(new)} of the model came after the average was made, which has none of it; "
                "make a new EMA of the changed model"
            )
        self._exchange()
        try:
            yield
        finally:
            self._exchange()

    def _exchange(self) -> None:
        """Arrays change places, no number is copied."""
        self._swapped = not self._swapped
        for i, (_, p) in enumerate(self._parameters):
            p.array, self._averages[i] = self._averages[i], p.array
        touch(p for _, p in self._parameters)

    def copy_to(self, model: Module) -> None:
        """Write the averages into a model with the same parameters, this one for instance."""
        if not isinstance(model, Module):
            raise TypeError(f"EMA.copy_to: got a {type(model).__name__}; need an nn.Module")
        model.load_state_dict({**model.state_dict(), **self.state_dict()})

    def copy(self) -> Module:
        """A new model with the averages for its weights, in eval mode."""
        twin = copy.deepcopy(self.model)
        self.copy_to(twin)
        return twin.eval()

    def state_dict(self) -> dict[str, np.ndarray]:
        """Name -> copy of each average."""
        return {name: average.copy() for (name, _), average in zip(self._parameters, self._averages)}

    def load_state_dict(self, state: Mapping[str, np.ndarray]) -> None:
        """Continue from averages that state_dict gave: of parameters with the same names and shapes."""
        if not isinstance(state, Mapping):
            raise TypeError(f"EMA.load_state_dict: got a {type(state).__name__}; need what state_dict gives")
        averaged = {name for name, _ in self._parameters}
        buffers = {name: array for name, array in self.model.state_dict().items() if name not in averaged}
        with self.swap():
            self.model.load_state_dict({**buffers, **state})

    # --- copies --------------------------------------------------------------------------------------------------

    def __getstate__(self) -> dict[str, Any]:
        """What deepcopy and pickle take: the table holds addresses, a copy makes its own."""
        if self._swapped:
            raise RuntimeError("EMA: copied inside swap(): the averages are in the model's place; copy it outside")
        return {name: value for name, value in self.__dict__.items() if name not in ("_table", "_maker", "_standing")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._standing = Standing(self.model, self._parameters)
        self._make_table()

    def __copy__(self) -> EMA:
        """A second average of the same model: deepcopy, told that model and parameters are copies of themselves."""
        kept = [self.model, *(p for _, p in self._parameters)]
        return copy.deepcopy(self, {id(x): x for x in kept})
