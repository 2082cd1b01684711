"""Stochastic gradient descent, with momentum."""

from __future__ import annotations

from typing import Any

from .. import kernels as K
from ..checks import finite
from .base import Optimizer
from .table import Table


class SGD(Optimizer):
    """d = g + weight_decay w;  buf = momentum buf + d;  w = w - lr buf  (Polyak 1964, in PyTorch's form).

    nesterov steps along d + momentum buf (Sutskever, Martens, Dahl, Hinton 2013, after Nesterov 1983). weight_decay is
    PyTorch's: on every parameter, biases too; it equals penalty=reg.on(model, reg.everything, reg.L2(weight_decay)).
    The prox, if terms are given as prox=, has step lr / (1 - momentum): what a lasting gradient moves a weight by, so
    that its fixed points are those of the objective.

    ValueError for nesterov without momentum, and for numbers below 0.

    >>> import minigrad as mg
    >>> w = mg.nn.Parameter([1.0])
    >>> optimizer = mg.optim.SGD([w], lr=0.1)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w
    tensor([0.8], requires_grad=True)
    """

    own_steps = False

    def __init__(
        self,
        params: Any,
        lr: float,
        *,
        momentum: float = 0.0,
        nesterov: bool = False,
        weight_decay: float = 0.0,
        penalty: Any = None,
        prox: Any = None,
        constraints: Any = None,
    ) -> None:
        options = {"lr": lr, "momentum": momentum, "nesterov": nesterov, "weight_decay": weight_decay}
        super().__init__(params, options, penalty, prox, constraints)

    def _check(self, group: dict[str, Any]) -> None:
        super()._check(group)
        group["momentum"] = finite(group["momentum"], "SGD: momentum", at_least=0.0)
        group["nesterov"] = bool(group["nesterov"])
        if group["nesterov"] and group["momentum"] == 0:
            raise ValueError("SGD: nesterov needs a momentum above 0")

    def _state_names(self, group: dict[str, Any]) -> tuple[str, ...]:
        return ("momentum",) if group["momentum"] else ()

    def _update(self, table: Table, grads: list[Any]) -> None:
        group = table.group
        K.sgd_update(table.segments, grads, momentum=group["momentum"], nesterov=group["nesterov"])
