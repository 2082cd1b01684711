"""The segment table of an optimizer: what one update call takes."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import kernels as K
from ..engine import Tensor


class Table:
    """The parameters of one group and one dtype: what one update call takes."""

    def __init__(
        self,
        group: dict[str, Any],
        params: list[Tensor],
        names: tuple[str, ...],
        counters: tuple[str, ...],
        state: dict[Tensor, dict[str, Any]],
    ) -> None:
        self.group, self.params, self.names = group, params, names
        self.arrays = {p: p.array for p in params}
        self.state = [state[p] for p in params]
        self.segments = K.segments(self.arrays.values(), *([s[name] for s in self.state] for name in names))
        # Counters are numbers in one array, because the update kernel advances them; a state has views of its own ones.
        self.counters = np.ones((len(params), 2))
        for i, s in enumerate(self.state):
            for k, name in enumerate(counters):
                self.counters[i, k] = s[name]
                s[name] = self.counters[i, k : k + 1].reshape(())
        self.segments.counters = self.counters if counters else None
        self.terms: dict[Any, tuple[Any, list[int], int, int]] = {}  # a term, its rows, its columns of l1 and of l2
        self.bound: set[Tensor] = set()  # those with a term on them
        self.written: tuple[dict, list] | None = None  # the options and strengths that stand in the columns

    def number(self, row: int, column: int) -> np.ndarray:
        """Where a scalar of a parameter stands: for a kernel that is to read what the update kernel wrote there."""
        return self.segments.scalars[row, column : column + 1].reshape(())
