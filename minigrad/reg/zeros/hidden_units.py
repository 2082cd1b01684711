"""Hidden units of recurrent layers: which are 0 at every step, which read which, how the layers get smaller.

h starts at 0 and stays there if what is written into it is: in an LSTM if the column of gate g of a unit is zero, with
its biases; in a GRU that of gate n; in a plain network its only column. Other constants change from step to step, so a
unit that is not 0 goes only where nothing leaves it: neither through weight_hh nor to the layer behind.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...engine import Tensor
from ...ops.elementwise.arithmetic import add
from ...ops.linalg.matmul import matmul
from .stations import Station
from .wires import STEPS, Space, Wire, constants, replace

WRITTEN = 2  # the gate that is written into the state: g of i f g o, n of r u n; of a plain network its only one


class Recurrent(Station):
    """RNN, LSTM, GRU. All layers and directions have one hidden_size: they keep equally many units each."""

    wires: list[Wire]  # what comes to each layer
    spaces: list[Space]  # the units of each layer, those of the way back behind the others

    def forward(self, wire: Wire) -> Wire:
        self.refuse_form(wire, STEPS)
        self.wires, self.spaces = [], []
        wire = wire.spread(self.layer.input_size, self.path, self.layer)
        for k in range(self.layer.num_layers):
            self.wires.append(wire)
            zero = np.concatenate([self._zero(wire, ending) for ending in self._endings(k)])
            self.spaces.append(Space(len(zero)))
            wire = constants(wire, zero[:, None], np.zeros((len(zero), 1), self._dtype), space=self.spaces[-1])
        return constants(wire, wire.known, wire.value, form=STEPS, tuple=True)

    @property
    def _dtype(self) -> Any:
        return self.layer.weight_ih_l0.dtype

    def _endings(self, k: int) -> list[str]:
        """The names of the parameters of layer k end so, one for each direction."""
        return [f"_l{k}", f"_l{k}_reverse"][: 1 + self.layer.bidirectional]

    def _gates(self, name: str) -> np.ndarray:
        """A parameter as (..., gates, units)."""
        array = getattr(self.layer, name).array
        return array.reshape(*array.shape[:-1], self.layer.gates, self.layer.hidden_size)

    def _zero(self, wire: Wire, ending: str) -> np.ndarray:
        """The units of one direction that are 0 at every step."""
        gate = min(WRITTEN, self.layer.gates - 1)
        nothing = wire.known[:, 0] & (wire.value[:, 0] == 0)
        found = ~(self._gates(f"weight_ih{ending}")[~nothing, gate] != 0).any(0)
        for name in ("bias_ih", "bias_hh") if self.layer.bias else ():
            found &= self._gates(name + ending)[gate] == 0
        across = self._gates(f"weight_hh{ending}")[:, gate] != 0
        while (wrong := found & across[~found].any(0)).any():  # a unit that is written into it is not 0
            found &= ~wrong
        return found

    def _solid(self, wire: Wire) -> np.ndarray:
        """Inputs that are constants which bias_ih can take over."""
        return wire.known[:, 0] & ((wire.value[:, 0] == 0) | self.layer.bias)

    def _blocks(self, k: int) -> list[tuple[str, slice]]:
        """The ending and the units of each direction of layer k."""
        n = self.layer.hidden_size
        return [(ending, slice(i * n, (i + 1) * n)) for i, ending in enumerate(self._endings(k))]

    def hear(self) -> bool:
        news = False
        for k in reversed(range(len(self.spaces))):
            wire, space = self.wires[k], self.spaces[k]
            for ending, block in self._blocks(k):
                zero = self._zero(wire, ending)
                heard = np.zeros(space.count, bool)
                across = (self._gates(f"weight_hh{ending}") != 0).any(1)
                heard[block] = across[:, space.keep[block]].any(1) & ~zero
                news |= space.need(heard)
                reads = (self._gates(f"weight_ih{ending}") != 0).any(1)
                news |= wire.space.need(reads[:, space.keep[block]].any(1) & ~self._solid(wire))
        return news

    def settle(self) -> bool:
        """Equally many units in all layers and directions, and at least one."""
        blocks = [(self.spaces[k], block) for k in range(len(self.spaces)) for _, block in self._blocks(k)]
        most = max(1, *(int(space.keep[block].sum()) for space, block in blocks))
        news = False
        for space, block in blocks:
            needed = space.keep.copy()
            spare = [j for j in range(block.start, block.stop) if not needed[j]]
            needed[spare[: most - int(needed[block].sum())]] = True
            news |= space.need(needed)
        return news

    def shrink(self) -> None:
        kept = 0
        for k, (wire, space) in enumerate(zip(self.wires, self.spaces)):
            taken = wire.space.keep
            for ending, block in self._blocks(k):
                units = space.keep[block]
                kept = int(units.sum())
                self._absorb(wire, ending, ~taken & self._solid(wire))
                if taken.all() and units.all():
                    continue
                columns = np.tile(units, self.layer.gates)
                for name, rows in (("weight_ih", taken), ("weight_hh", units)):
                    replace(self.layer, name + ending, getattr(self.layer, name + ending).array[np.ix_(rows, columns)])
                for name in ("bias_ih", "bias_hh") if self.layer.bias else ():
                    replace(self.layer, name + ending, getattr(self.layer, name + ending).array[columns])
        self.layer.hidden_size, self.layer.input_size = kept, int(self.wires[0].space.keep.sum())

    def _absorb(self, wire: Wire, ending: str, lost: np.ndarray) -> None:
        """Put into bias_ih what constant inputs give that go."""
        x = np.where(lost, wire.value[:, 0], 0).astype(self._dtype).reshape(1, -1)
        if x.any():
            given = matmul(Tensor(x), getattr(self.layer, f"weight_ih{ending}"))
            replace(self.layer, f"bias_ih{ending}", add(given, getattr(self.layer, f"bias_ih{ending}")).array[0])
