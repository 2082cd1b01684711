"""Adam and AdamW: steps in units of each coordinate's own gradients."""

from __future__ import annotations

from typing import Any

from .. import kernels as K
from ..checks import finite
from ..engine import Tensor
from ..kernels.reference.segments import CORRECTION2
from .base import Optimizer
from .binding import Metric
from .small_eps import SMALL, update_checked
from .table import Table


class Adam(Optimizer):
    """m = β1 m + (1 - β1) g;  v = β2 v + (1 - β2) g²;  w = w - lr m̂ / (√v̂ + eps)  (Kingma, Ba 2015).

    m̂ = m / (1 - β1^t) and v̂ = v / (1 - β2^t) undo the start at zero; t counts the steps of each parameter. weight_decay
    is PyTorch's: it adds weight_decay w to g, and so is scaled by 1 / √v̂ like all of the gradient (AdamW's is not).
    amsgrad takes the largest v so far in place of v: steps never grow again (Reddi, Kale, Kumar 2018). The prox, if
    terms are given as prox=, has each coordinate's own step lr / (√v̂ + eps). With an eps under 1e-12 a step is refused
    (ValueError) where v is so small that it counts as 0: under 1e-30, in float64 1e-290.

    >>> import minigrad as mg
    >>> w = mg.nn.Parameter([1.0, -2.0])
    >>> optimizer = mg.optim.Adam([w], lr=0.1)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w.data.round(4)
    array([ 0.9, -1.9], dtype=float32)
    """

    counters = ("beta1_power", "beta2_power")  # β1^t and β2^t, running products that the update kernel advances

    def __init__(
        self,
        params: Any,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        amsgrad: bool = False,
        *,
        penalty: Any = None,
        prox: Any = None,
        constraints: Any = None,
    ) -> None:
        options = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "amsgrad": amsgrad}
        super().__init__(params, options, penalty, prox, constraints)

    def _check(self, group: dict[str, Any]) -> None:
        super()._check(group)
        group["eps"] = finite(group["eps"], f"{self.name}: eps", at_least=0.0)
        try:
            beta1, beta2 = group["betas"]
        except (TypeError, ValueError):
            raise ValueError(f"{self.name}: betas is {group['betas']!r}; need two numbers below 1") from None
        betas = [finite(beta, f"{self.name}: beta{i}", at_least=0.0) for i, beta in ((1, beta1), (2, beta2))]
        if max(betas) >= 1:
            raise ValueError(f"{self.name}: betas is {group['betas']!r}; need two numbers below 1")
        group["betas"], group["amsgrad"] = tuple(betas), bool(group["amsgrad"])

    def _state_names(self, group: dict[str, Any]) -> tuple[str, ...]:
        return ("m", "v", "largest_v") if group["amsgrad"] else ("m", "v")

    def _update(self, table: Table, grads: list[Any], checked: bool = False) -> None:
        group = table.group
        beta1, beta2 = group["betas"]
        if group["eps"] < SMALL and not checked:
            square = "largest_v" if group["amsgrad"] else "v"
            update_checked(self.name, table, grads, lambda: self._update(table, grads, True), square)
            return
        K.adam_update(table.segments, grads, beta1=beta1, beta2=beta2, eps=group["eps"], amsgrad=group["amsgrad"])

    def metric(self, p: Tensor, group: dict[str, Any]) -> Metric:
        """√v̂ + eps."""
        state = self.state[p]
        square = state["largest_v" if group["amsgrad"] else "v"]
        table, row = self._rows[p]
        return Metric(square, table.number(row, CORRECTION2), group["eps"], 1.0)


class AdamW(Adam):
    """Adam with decoupled weight decay: w = w (1 - lr weight_decay) before the step (Loshchilov, Hutter 2019).

    >>> import minigrad as mg
    >>> w = mg.nn.Parameter([1.0])
    >>> optimizer = mg.optim.AdamW([w], lr=0.1, weight_decay=0.5)
    >>> (0 * w).sum().backward()
    >>> optimizer.step()
    >>> w  # no gradient: the decay alone, 1 - 0.1 · 0.5
    tensor([0.95], requires_grad=True)
    """

    decoupled = True

    def __init__(
        self,
        params: Any,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        penalty: Any = None,
        prox: Any = None,
        constraints: Any = None,
    ) -> None:
        terms = {"penalty": penalty, "prox": prox, "constraints": constraints}
        super().__init__(params, lr, betas, eps, weight_decay, amsgrad, **terms)
