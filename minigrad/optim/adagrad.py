"""Adagrad: steps that shrink with all of a coordinate's gradients so far; rare coordinates keep long ones."""

from __future__ import annotations

from typing import Any

from .. import kernels as K
from ..checks import finite
from ..engine import Tensor
from ..kernels.reference.segments import CORRECTION1
from .base import Optimizer
from .binding import Metric
from .small_eps import SMALL, update_checked
from .table import Table


class Adagrad(Optimizer):
    """v = v + g²;  w = w - step g / (√v + eps),  step = lr / (1 + (t - 1) lr_decay)  (Duchi, Hazan, Singer 2011).

    v starts at initial_accumulator_value; t counts the steps of each parameter. weight_decay adds weight_decay w to g.
    The prox, if terms are given as prox=, has each coordinate's own step, step / (√v + eps). With an eps under 1e-12 a
    step is refused (ValueError) where v is so small that it counts as 0.

    >>> import minigrad as mg
    >>> w = mg.nn.Parameter([1.0, -2.0])
    >>> optimizer = mg.optim.Adagrad([w], lr=0.1)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w.data.round(4)
    array([ 0.9, -1.9], dtype=float32)
    """

    counters = ("t",)  # of the coming step; the update kernel advances it

    def __init__(
        self,
        params: Any,
        lr: float = 1e-2,
        lr_decay: float = 0.0,
        weight_decay: float = 0.0,
        initial_accumulator_value: float = 0.0,
        eps: float = 1e-10,
        *,
        penalty: Any = None,
        prox: Any = None,
        constraints: Any = None,
    ) -> None:
        options = {
            "lr": lr,
            "lr_decay": lr_decay,
            "weight_decay": weight_decay,
            "initial_accumulator_value": initial_accumulator_value,
            "eps": eps,
        }
        super().__init__(params, options, penalty, prox, constraints)

    def _check(self, group: dict[str, Any]) -> None:
        super()._check(group)
        for name in ("lr_decay", "initial_accumulator_value", "eps"):
            group[name] = finite(group[name], f"Adagrad: {name}", at_least=0.0)

    def _state_names(self, group: dict[str, Any]) -> tuple[str, ...]:
        return ("v",)

    def _start(self, name: str, group: dict[str, Any]) -> float:
        return group["initial_accumulator_value"]

    def _update(self, table: Table, grads: list[Any], checked: bool = False) -> None:
        if table.group["eps"] < SMALL and not checked:
            update_checked("Adagrad", table, grads, lambda: self._update(table, grads, True), "v")
            return
        K.adagrad_update(table.segments, grads, eps=table.group["eps"], lr_decay=table.group["lr_decay"])

    def metric(self, p: Tensor, group: dict[str, Any]) -> Metric:
        """lr / step (√v + eps), of the step that was made."""
        table, row = self._rows[p]
        return Metric(self.state[p]["v"], 1.0, group["eps"], table.number(row, CORRECTION1))
