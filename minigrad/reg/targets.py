"""Penalties on how sure a network is: the confidence penalty on its logits."""

from __future__ import annotations

from ..engine import Tensor
from ..ops.elementwise import mul
from ..ops.reduce import log_softmax, softmax
from ..ops.shape import sum
from .activity import samples_of
from .outputs import OutputPenalty


class ConfidencePenalty(OutputPenalty):
    """-strength H(p): the mean over samples of strength Σⱼ pⱼ log pⱼ, p = softmax(y), y logits (Pereyra et al. 2017).

    Its minimum is -strength log(classes), where all classes are alike. Label smoothing is its mirror image: that is
    KL(uniform, p), this is KL(p, uniform), up to constants. `reg.on(model, "", ConfidencePenalty(0.1))` puts it on
    what the model gives out.

    >>> round(ConfidencePenalty(1.0).value([[0.0, 0.0], [9.0, 9.0]]), 4)
    -0.6931
    """

    __slots__ = ("strength",)
    strength: float

    def __init__(self, strength: float) -> None:
        self.strength = strength

    def __call__(self, y: Tensor) -> Tensor:
        samples = samples_of(self.name, self.real(y))
        return mul(sum(mul(softmax(y, dim=1), log_softmax(y, dim=1))), self.strength / samples)
