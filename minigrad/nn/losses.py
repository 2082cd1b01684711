"""The losses of minigrad.ops.losses as modules: loss(input, target)."""

from __future__ import annotations

from typing import Any

from ..engine import Tensor
from ..ops.losses import REDUCTIONS, bce_with_logits, cross_entropy, mse
from .module import Module


class _Loss(Module):
    def __init__(self, reduction: str = "mean") -> None:
        if reduction not in REDUCTIONS:
            raise ValueError(f"{type(self).__name__}: reduction is {reduction!r}; need 'mean', 'sum' or 'none'")
        self.reduction = reduction

    def extra_repr(self) -> str:
        return self.reduction


class MSELoss(_Loss):
    """(input - target)², one shape.

    >>> import minigrad as mg
    >>> mg.nn.MSELoss()(mg.tensor([1, 2]), mg.tensor([1, 4]))
    tensor(2.)
    """

    def forward(self, input: Any, target: Any) -> Tensor:
        return mse(input, target, reduction=self.reduction)


class _LogitsLoss(_Loss):
    def __init__(self, reduction: str = "mean", *, allow_probabilities: bool = False) -> None:
        super().__init__(reduction)
        self.allow_probabilities = allow_probabilities


class CrossEntropyLoss(_LogitsLoss):
    """Softmax cross-entropy of logits (rows, classes) and integer classes (rows,) or probabilities (rows, classes)."""

    def forward(self, input: Any, target: Any) -> Tensor:
        return cross_entropy(input, target, reduction=self.reduction, allow_probabilities=self.allow_probabilities)


class BCEWithLogitsLoss(_LogitsLoss):
    """Binary cross-entropy of logits and targets in [0, 1], one shape."""

    def forward(self, input: Any, target: Any) -> Tensor:
        return bce_with_logits(input, target, reduction=self.reduction, allow_probabilities=self.allow_probabilities)
