"""Activity penalties: on what a layer gives out, not on its weights.

    Activity      mean over the samples of  l1 Σ|y| + (l2/2) Σy²
    ActivityNorm  mean over the samples of  l1 ‖y‖₁ + l2 ‖y‖₂, not squared: the term that article 004's code computes

A sample is a row: the first axis of the output. Bound by `reg.on(model, "0", reg.Activity(l1=1e-3))`: selectors then
match modules. Which term makes sense depends on the layer. ‖y‖₁ of a softmax is 1 whatever the weights are: its
gradient is zero, and the term says so in a warning; ‖y‖₂ of a softmax is a penalty on being sure.
"""

from __future__ import annotations

import warnings

from ...engine import Tensor, full, walk
from ...errors import ShapeError
from ...ops.elementwise.arithmetic import abs, add, mul
from ...ops.reduce.norms import norm
from ...ops.regularize.penalty import elastic_net
from ...ops.shape.broadcast import sum
from ...recording import aside
from .watching import OutputPenalty

FLAT = 1e-6  # a gradient below this share of the value moves nothing


class Activity(OutputPenalty):
    """mean over samples of l1 Σ|y| + (l2/2) Σy²: Keras's activity_regularizer, which divides by the batch as well.

    gradient  (l1 sign(y) + l2 y) / samples by the output y, and from there back through the layer
    source    Glorot, Bordes, Bengio 2011, Deep sparse rectifier neural networks, section 3, for the l1 part

    >>> Activity(l1=1.0).value([[1.0, -1.0], [4.0, 0.0]])
    3.0
    """

    __slots__ = ("checked", "l1", "l2")
    strengths = ("l1", "l2")
    l1: float
    l2: float

    def __init__(self, l1: float = 0.0, l2: float = 0.0) -> None:
        self.l1, self.l2, self.checked = l1, l2, False

    def parts(self, y: Tensor) -> dict[str, Tensor]:
        """The sums over all samples whose strengths are not 0, by the names of these."""
        return {name: elastic_net(y, **{name: getattr(self, name)}) for name in self.strengths if getattr(self, name)}

    def __call__(self, y: Tensor) -> Tensor:
        samples = samples_of(self.name, self.real(y))
        parts = self.parts(y)
        if y.tracked and not self.checked:
            self.checked = True
            for name, part in parts.items():
                warn_if_flat(f"{self.name}: {name}", part)
        total = elastic_net(y)  # 0
        for part in parts.values():
            total = add(total, part)
        return mul(total, 1.0 / samples)


class ActivityNorm(Activity):
    """mean over samples of l1 ‖y‖₁ + l2 ‖y‖₂: with l1 = l2 = 0.01, the penalty in the code of article 004.

    gradient  (l1 sign(y) + l2 y / ‖y‖₂) / samples by the output y of a sample, the second part 0 at 0
    source    article 004, its code

    >>> ActivityNorm(l1=1.0, l2=1.0).value([[3.0, -4.0], [0.0, 0.0]])
    6.0
    """

    __slots__ = ()

    def parts(self, y: Tensor) -> dict[str, Tensor]:
        features = tuple(range(1, y.array.ndim))
        sums = {"l1": lambda: sum(abs(y)), "l2": lambda: sum(norm(y, dim=features))}
        return {name: mul(sums[name](), getattr(self, name)) for name in self.strengths if getattr(self, name)}


def samples_of(who: str, y: Tensor) -> int:
    """How many samples y has."""
    if y.array.ndim < 2 or not y.array.shape[0]:
        raise ShapeError(f"{who}: an output is {y.array.shape}; need (samples, features, ...)")
    return y.array.shape[0]


def warn_if_flat(what: str, value: Tensor) -> None:
    """Warn if the gradient of a term by everything behind it is nothing beside its value."""
    with aside():
        gradients = walk(value, full(value, 1.0), (), create_graph=False, free=False).values()
        size, level = max((norm(g).item() for _, g in gradients), default=0.0), value.item()
    if size < FLAT * level:
        warnings.warn(
            f"reg: the gradient of {what} is {size:.1g} where its value is {level:.3g}: it moves no weight (the "
            "sum of a softmax is always 1). A penalty on weights is reg.on(model, '*.weight', reg.L1(...))",
            stacklevel=5,
        )
