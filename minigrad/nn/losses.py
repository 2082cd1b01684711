"""The losses of minigrad.ops as modules: loss(input, target), with weights of rows loss(input, target, sample_weight).

Options are those of the function of the same name.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from ..engine import Tensor
from ..ops.losses.binary import (
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    hinge_embedding_loss,
    hinge_loss,
    kl_div,
    sigmoid_focal_loss,
    soft_margin_loss,
)
from ..ops.losses.classes import cross_entropy, multi_margin_loss, nll_loss, softmax_focal_loss
from ..ops.losses.common import REDUCTIONS
from ..ops.losses.regression import huber_loss, l1_loss, mse_loss, smooth_l1_loss
from .module import Module


class _Loss(Module):
    """A function of input and target, with options that are set once."""

    function: Callable[..., Tensor]
    reductions = tuple(REDUCTIONS)

    def __init__(self, reduction: str = "mean", **options: Any) -> None:
        if not isinstance(reduction, str) or reduction not in self.reductions:
            need = ", ".join(map(repr, self.reductions))
            cure = "; class weights come by name: weight=..." if "weight" in options and np.ndim(reduction) else ""
            raise ValueError(f"{type(self).__name__}: reduction is {reduction!r:.80}; need one of {need}{cure}")
        self.reduction = reduction
        self.options = options

    def forward(self, input: Any, target: Any, sample_weight: Any = None) -> Tensor:
        weights = {} if sample_weight is None else {"sample_weight": sample_weight}
        return type(self).function(input, target, reduction=self.reduction, **weights, **self.options)

    def extra_repr(self) -> str:
        defaults = inspect.signature(type(self).__init__).parameters
        changed = [name for name, value in self.options.items() if value is not defaults[name].default]
        return ", ".join([self.reduction, *(f"{name}={self.options[name]}" for name in changed)])


class L1Loss(_Loss):
    """|input - target|, one shape.

    >>> import minigrad as mg
    >>> mg.nn.L1Loss()(mg.tensor([1, 2]), mg.tensor([1, 4]))
    tensor(1.)
    """

    function = staticmethod(l1_loss)

    def __init__(self, reduction: str = "mean") -> None:
        super().__init__(reduction)


class MSELoss(_Loss):
    """(input - target)², one shape.

    >>> import minigrad as mg
    >>> mg.nn.MSELoss()(mg.tensor([1, 2]), mg.tensor([1, 4]))
    tensor(2.)
    """

    function = staticmethod(mse_loss)

    def __init__(self, reduction: str = "mean") -> None:
        super().__init__(reduction)


class HuberLoss(_Loss):
    """Squared up to delta, linear beyond, one shape.

    >>> import minigrad as mg
    >>> mg.nn.HuberLoss(delta=1.0, reduction="none")(mg.tensor([0.5, 3.0]), mg.tensor([0.0, 0.0]))
    tensor([0.125, 2.5  ])
    """

    function = staticmethod(huber_loss)

    def __init__(self, reduction: str = "mean", delta: float = 1.0) -> None:
        super().__init__(reduction, delta=delta)


class SmoothL1Loss(_Loss):
    """HuberLoss(delta=beta) / beta; L1Loss for beta = 0.

    >>> import minigrad as mg
    >>> mg.nn.SmoothL1Loss(beta=0.5, reduction="none")(mg.tensor([0.5, 3.0]), mg.tensor([0.0, 0.0]))
    tensor([0.25, 2.75])
    """

    function = staticmethod(smooth_l1_loss)

    def __init__(self, reduction: str = "mean", beta: float = 1.0) -> None:
        super().__init__(reduction, beta=beta)


class CrossEntropyLoss(_Loss):
    """Softmax cross-entropy of logits (rows, classes) and integer classes (rows,) or probabilities (rows, classes).

    >>> import minigrad as mg
    >>> mg.nn.CrossEntropyLoss(ignore_index=0, label_smoothing=0.1)
    CrossEntropyLoss(mean, ignore_index=0, label_smoothing=0.1)
    """

    function = staticmethod(cross_entropy)

    def __init__(
        self,
        reduction: str = "mean",
        *,
        weight: Any = None,
        ignore_index: int = -100,
        label_smoothing: float = 0.0,
        allow_probabilities: bool = False,
    ) -> None:
        super().__init__(
            reduction,
            weight=weight,
            ignore_index=ignore_index,
            label_smoothing=label_smoothing,
            allow_probabilities=allow_probabilities,
        )


class NLLLoss(_Loss):
    """The negative log-likelihood of log-probabilities (rows, classes) and integer classes (rows,).

    >>> import minigrad as mg
    >>> mg.nn.NLLLoss()(mg.tensor([[-0.5, -1.0]]), [1])
    tensor(1.)
    """

    function = staticmethod(nll_loss)

    def __init__(self, reduction: str = "mean", *, weight: Any = None, ignore_index: int = -100) -> None:
        super().__init__(reduction, weight=weight, ignore_index=ignore_index)


class SoftmaxFocalLoss(_Loss):
    """Cross-entropy of logits in which sure rows count little, by (1 - p)^gamma.

    >>> import minigrad as mg
    >>> mg.nn.SoftmaxFocalLoss(gamma=1.0)(mg.tensor([[0.0, 0.0]]), [1])
    tensor(0.3465736)
    """

    function = staticmethod(softmax_focal_loss)

    def __init__(
        self,
        reduction: str = "mean",
        *,
        gamma: float = 2.0,
        weight: Any = None,
        ignore_index: int = -100,
        allow_probabilities: bool = False,
    ) -> None:
        super().__init__(
            reduction, gamma=gamma, weight=weight, ignore_index=ignore_index, allow_probabilities=allow_probabilities
        )


class MultiMarginLoss(_Loss):
    """The multi-class hinge of scores (rows, classes) and integer classes (rows,).

    >>> import minigrad as mg
    >>> mg.nn.MultiMarginLoss()(mg.tensor([[1.0, 0.5]]), [0])
    tensor(0.25)
    """

    function = staticmethod(multi_margin_loss)

    def __init__(self, reduction: str = "mean", *, p: int = 1, margin: float = 1.0, weight: Any = None) -> None:
        super().__init__(reduction, p=p, margin=margin, weight=weight)


class BCELoss(_Loss):
    """Binary cross-entropy of probabilities and targets in [0, 1], one shape.

    >>> import minigrad as mg
    >>> mg.nn.BCELoss()(mg.tensor([0.5, 0.5]), mg.tensor([1.0, 0.0]))
    tensor(0.6931472)
    """

    function = staticmethod(binary_cross_entropy)

    def __init__(self, reduction: str = "mean", *, weight: Any = None) -> None:
        super().__init__(reduction, weight=weight)


class BCEWithLogitsLoss(_Loss):
    """Binary cross-entropy of logits and targets in [0, 1], one shape.

    >>> import minigrad as mg
    >>> mg.nn.BCEWithLogitsLoss()(mg.tensor([0.0, 0.0]), mg.tensor([1.0, 0.0]))
    tensor(0.6931472)
    """

    function = staticmethod(binary_cross_entropy_with_logits)

    def __init__(
        self, reduction: str = "mean", *, weight: Any = None, pos_weight: Any = None, allow_probabilities: bool = False
    ) -> None:
        super().__init__(reduction, weight=weight, pos_weight=pos_weight, allow_probabilities=allow_probabilities)


class SigmoidFocalLoss(_Loss):
    """Binary cross-entropy of logits in which sure elements count little, by (1 - p)^gamma; targets 0 and 1.

    >>> import minigrad as mg
    >>> mg.nn.SigmoidFocalLoss(gamma=1.0)(mg.tensor([0.0]), mg.tensor([1.0]))
    tensor(0.0866434)
    """

    function = staticmethod(sigmoid_focal_loss)

    def __init__(
        self, reduction: str = "mean", *, alpha: float = 0.25, gamma: float = 2.0, allow_probabilities: bool = False
    ) -> None:
        super().__init__(reduction, alpha=alpha, gamma=gamma, allow_probabilities=allow_probabilities)


class SoftMarginLoss(_Loss):
    """log(1 + exp(-t x)) of scores and signs t, one shape.

    >>> import minigrad as mg
    >>> mg.nn.SoftMarginLoss()(mg.tensor([0.0, 0.0]), mg.tensor([1.0, -1.0]))
    tensor(0.6931472)
    """

    function = staticmethod(soft_margin_loss)

    def __init__(self, reduction: str = "mean") -> None:
        super().__init__(reduction)


class HingeLoss(_Loss):
    """max(0, margin - t x) of scores and signs t, one shape.

    >>> import minigrad as mg
    >>> mg.nn.HingeLoss()(mg.tensor([0.5, 2.0]), mg.tensor([1.0, 1.0]))
    tensor(0.25)
    """

    function = staticmethod(hinge_loss)

    def __init__(self, reduction: str = "mean", *, margin: float = 1.0) -> None:
        super().__init__(reduction, margin=margin)


class HingeEmbeddingLoss(_Loss):
    """Distances of pairs that belong together (sign 1), and max(0, margin - distance) of those that do not (-1).

    >>> import minigrad as mg
    >>> mg.nn.HingeEmbeddingLoss(reduction="none")(mg.tensor([0.5, 0.25]), mg.tensor([1.0, -1.0]))
    tensor([0.5 , 0.75])
    """

    function = staticmethod(hinge_embedding_loss)

    def __init__(self, reduction: str = "mean", *, margin: float = 1.0) -> None:
        super().__init__(reduction, margin=margin)


class KLDivLoss(_Loss):
    """The Kullback-Leibler divergence of log-probabilities and probabilities; reduction may also be "batchmean".

    >>> import minigrad as mg
    >>> log_p = mg.log_softmax(mg.tensor([[0.0, 0.0]]), dim=1)
    >>> mg.nn.KLDivLoss(reduction="batchmean")(log_p, mg.tensor([[0.5, 0.5]]))
    tensor(0.)
    """

    function = staticmethod(kl_div)
    reductions = ("none", "mean", "sum", "batchmean")

    def __init__(self, reduction: str = "mean", *, log_target: bool = False) -> None:
        super().__init__(reduction, log_target=log_target)
