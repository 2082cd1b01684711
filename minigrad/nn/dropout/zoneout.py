"""Zoneout: units of a recurrent network that keep the state of the step before."""

from __future__ import annotations

from typing import Any

import numpy as np

from ... import kernels as K
from ...checks import finite
from ...engine import Tensor, full
from ...errors import ShapeError
from ...ops.elementwise.arithmetic import add, mul, sub
from ...ops.regularize.dropout import dropout
from ...ops.shape.axes import check_real
from ...ops.shape.slices import view
from ...ops.shape.views import permute
from ...recording import no_grad
from ...tensor import tensor
from .dropout import mask
from .random_layer import RandomLayer


class Zoneout(RandomLayer):
    """The new state of a step, of which each unit stays what it was with probability p: called with (new, before).

    training    y = m before + (1 - m) new, with m = 1 with probability p, for each row and unit anew
    evaluation  y = p before + (1 - p) new, the mean of that
    gradient    g m to before and g (1 - m) to new

    new and before are (rows, units). It stands behind a cell, in a loop over steps; LSTM, GRU and RNN take zoneout=.
    seed and streams are those of Dropout: every call in training takes a number.

    source    Krueger, Maharaj, Kramár, Pezeshki, Ballas, Ke, Goyal, Bengio, Courville, Pal 2017, Zoneout: regularizing
              RNNs by randomly preserving hidden activations

    ShapeError unless both states are (rows, units).

    >>> import minigrad as mg
    >>> cell, zone, h = mg.nn.GRUCell(3, 8), mg.nn.Zoneout(0.2), mg.zeros(5, 8)
    >>> for x in mg.ones(7, 5, 3):
    ...     h = zone(cell(x, h), h)
    >>> h.shape, zone.eval()(mg.tensor([[1.0]]), mg.tensor([[2.0]])).item()
    ((5, 8), 1.2000000476837158)
    """

    def __init__(self, p: float = 0.1, seed: int | None = None) -> None:
        super().__init__(seed)
        self.p = finite(p, "Zoneout: p (the share of units that stay as they were)", 0.0, 1.0)
        self._drawn: tuple[tuple[int, int, int], int] | None = None  # (rows, steps, units) of the last call, its offset

    def forward(self, new: Any, before: Any) -> Tensor:
        new, before = (t if isinstance(t, Tensor) else tensor(t) for t in (new, before))
        check_real("zoneout", new, before)
        if new.ndim != 2 or new.array.shape != before.array.shape:
            raise ShapeError(f"the new state is {new.shape}, that before {before.shape}; need (rows, units) of both")
        rows, units = new.array.shape
        return mixed(new, before, self.shares(rows, 1, units, new.array.dtype)[0])

    def shares(self, rows: int, steps: int, units: int, dtype: Any) -> list[tuple[Any, Any]]:
        """(m, 1 - m) of all steps of a sequence, from one draw; in evaluation (p, 1 - p) for each."""
        if not self.training:
            return [(self.p, 1 - self.p)] * steps
        key, stream = self.draw()
        offset = self.row * steps * units
        self.__dict__["_drawn"] = (rows, steps, units), offset  # no part: no need to look at what it is
        with no_grad():
            ones = full(Tensor(K.empty((rows, steps, units), np.dtype(dtype))), 1.0)
            news = permute(dropout(ones, p=self.p, key=key, stream=stream, offset=offset, scale=1.0), dims=(1, 0, 2))
            stays = sub(1.0, news)
            return [(view(stays, index=(t,)), view(news, index=(t,))) for t in range(steps)]

    def last_mask(self) -> np.ndarray:
        """m of the last call in training, drawn again: True where a unit stayed; (rows, units), of layers with steps
        (rows, steps, units).
        """
        drawn = self.last_draw()
        assert self._drawn is not None  # noted with the draw
        shape, offset = self._drawn
        found = ~mask(shape, self.p, *drawn, offset)
        return found[:, 0] if shape[1] == 1 else found

    def extra_repr(self) -> str:
        return f"p={self.p:g}" if self.seed is None else f"p={self.p:g}, seed={self.seed}"


def mixed(new: Tensor, before: Tensor, shares: tuple[Any, Any]) -> Tensor:
    """m before + (1 - m) new, for shares (m, 1 - m)."""
    return add(mul(before, shares[0]), mul(new, shares[1]))
