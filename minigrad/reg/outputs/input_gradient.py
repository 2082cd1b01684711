"""The input-gradient penalty: how much the loss of a sample changes when its input does, by double backpropagation."""

from __future__ import annotations

from typing import Any

from ...engine import Tensor, grad
from ...errors import GraphError
from ...nn.module import Module
from ...ops.elementwise.arithmetic import mul, square
from ...ops.shape.broadcast import sum
from ...recording import is_grad_enabled
from .activity import samples_of
from .watching import LossEntry, OutputPenalty


class InputGradient(OutputPenalty):
    """(strength/2) mean over samples of ‖∂ℓᵢ/∂xᵢ‖², ℓᵢ the loss of sample i.

    gradient  strength mean of (∂gᵢ/∂w)ᵀ gᵢ with gᵢ = ∂ℓᵢ/∂xᵢ, by differentiating gᵢ again
    source    Drucker, Le Cun 1992, Improving generalization performance using double backpropagation

    The data loss is a mean over the samples, and no sample looks at another one (no BatchNorm): then ∂ℓᵢ/∂xᵢ is m times
    row i of the loss's gradient by x. It is differentiated again, so the rules of every op behind the loss are used to
    second order. x requires grad:

    ValueError for a selector other than '', the model itself; GraphError if the input of the model does not require
    grad.

    >>> import minigrad as mg
    >>> model, x = mg.nn.Linear(2, 1, init="zeros"), mg.tensor([[1, 2], [3, 4]], requires_grad=True)
    >>> loss = mg.mse(model(x), [[1], [0]])
    >>> total = loss + InputGradient(0.1)(loss, x)

    `fit(penalty=reg.on(model, "", reg.InputGradient(0.1)))` does the same, and reports it.
    """

    __slots__ = ("strength",)
    entry = LossEntry
    strength: float

    def __init__(self, strength: float) -> None:
        self.strength = strength

    def bind(self, name: str, model: Module, selector: Any) -> LossEntry:
        if selector != "":
            raise ValueError(f"reg.on: {self.name} is on the input of the model; its selector is '', the model itself")
        return super().bind(name, model, selector)  # type: ignore[return-value]

    def __call__(self, loss: Tensor, x: Tensor) -> Tensor:  # type: ignore[override]
        return self._penalty(loss, x, is_grad_enabled())

    def value(self, loss: Tensor, x: Tensor) -> float:  # type: ignore[override]
        return self._penalty(loss, x, False).item()

    def _penalty(self, loss: Tensor, x: Tensor, create_graph: bool) -> Tensor:
        if not isinstance(x, Tensor) or not x.tracked:
            raise GraphError(
                f"{self.name}: the input of the model does not require grad; pass mg.tensor(x, requires_grad=True)"
            )
        samples = samples_of(self.name, x)
        g = grad(loss, x, retain_graph=True, create_graph=create_graph)
        return mul(sum(square(g)), 0.5 * self.strength * samples)
