"""The confidence penalty: on being sure, measured by the entropy of what a classifier says."""

from __future__ import annotations

from ...engine import Tensor
from ...errors import ShapeError
from ...ops.elementwise.arithmetic import add, mul
from ...ops.elementwise.exponential import exp, log
from ...ops.reduce.softmax import log_softmax
from ...ops.shape.broadcast import sum
from ...tensor import tensor
from .watching import OutputPenalty


class ConfidencePenalty(OutputPenalty):
    """strength · mean over samples of log(classes) - H(softmax(z)), for logits z (samples, classes).

    The entropy H is at most log(classes), for all classes alike: there the penalty is 0, and it is log(classes) for one
    that is certain. It is the Kullback-Leibler divergence from the uniform distribution.

    gradient  strength p (log p + H) / samples by the logits of a sample, p = softmax(z)
    source    Pereyra, Tucker, Chorowski, Kaiser, Hinton 2017, Regularizing neural networks by penalizing confident
              output distributions, section 3

    ShapeError for an output that is not (samples, classes).

    >>> ConfidencePenalty(1.0).value([[0.0, 0.0], [100.0, 0.0]])
    0.3465735912322998
    """

    __slots__ = ("strength",)
    strength: float

    def __init__(self, strength: float) -> None:
        self.strength = strength

    def __call__(self, z: Tensor) -> Tensor:
        z = self.real(z)
        if z.array.ndim != 2 or not z.array.size:
            raise ShapeError(f"{self.name}: an output is {z.array.shape}; need logits (samples, classes)")
        samples, classes = z.array.shape
        logs = log_softmax(z)
        surplus = add(sum(mul(exp(logs), logs)), mul(log(tensor(float(classes), z.array.dtype)), float(samples)))
        return mul(surplus, self.strength / samples)
