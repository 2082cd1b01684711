"""RMSprop: steps in units of a running root mean square of each coordinate's gradients."""

from __future__ import annotations

from typing import Any

from .. import kernels as K
from ..checks import finite
from ..engine import Tensor
from .base import Optimizer
from .binding import Metric
from .small_eps import SMALL, update_checked
from .table import Table


class RMSprop(Optimizer):
    """v = α v + (1 - α) g²;  w = w - lr g / (√v + eps)  (Tieleman, Hinton 2012, in PyTorch's form).

    centered divides by the running standard deviation instead, √max(v - m², 0) with m = α m + (1 - α) g (Graves 2013).
    momentum steps along buf = momentum buf + g / (√v + eps). weight_decay adds weight_decay w to g. The prox, if terms
    are given as prox=, has each coordinate's own step lr / (√v + eps), divided by 1 - momentum. With an eps under 1e-12
    a step is refused (ValueError) where what stands under the root is so small that it counts as 0.

    >>> import minigrad as mg
    >>> w = mg.nn.Parameter([1.0, -2.0])
    >>> optimizer = mg.optim.RMSprop([w], lr=0.1, alpha=0.75)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w.data.round(4)
    array([ 0.8, -1.8], dtype=float32)
    """

    def __init__(
        self, params: Any, lr: float = 1e-2, alpha: float = 0.99, eps: float = 1e-8, weight_decay: float = 0.0,
        momentum: float = 0.0, centered: bool = False, *, penalty: Any = None, prox: Any = None,
        constraints: Any = None,
    ) -> None:  # fmt: skip
        options = {"lr": lr, "alpha": alpha, "eps": eps, "weight_decay": weight_decay, "momentum": momentum,
                   "centered": centered}  # fmt: skip
        super().__init__(params, options, penalty, prox, constraints)

    def _check(self, group: dict[str, Any]) -> None:
        super()._check(group)
        for name in ("eps", "momentum"):
            group[name] = finite(group[name], f"RMSprop: {name}", at_least=0.0)
        group["alpha"] = finite(group["alpha"], "RMSprop: alpha", at_least=0.0, at_most=1.0)
        group["centered"] = bool(group["centered"])

    def _state_names(self, group: dict[str, Any]) -> tuple[str, ...]:
        return ("v", *["m"] * group["centered"], *["momentum"] * (group["momentum"] != 0))

    def _update(self, table: Table, grads: list[Any]) -> None:
        options = {name: table.group[name] for name in ("alpha", "eps", "momentum", "centered")}

        def update() -> None:
            K.rmsprop_update(table.segments, grads, **options)

        if options["eps"] >= SMALL:
            update()
        else:
            update_checked("RMSprop", table, grads, update, "v", less="m" if options["centered"] else None)

    def metric(self, p: Tensor, group: dict[str, Any]) -> Metric:
        """√v + eps, or √max(v - m², 0) + eps."""
        state = self.state[p]
        square = state["v"]
        if group["centered"]:
            square = K.empty_like(p.array)
            K.mul(state["m"], state["m"], square)
            K.sub(state["v"], square, square)
            K.relu(square, square)
        return Metric(square, 1.0, group["eps"], 1.0)
