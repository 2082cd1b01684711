"""Monte-Carlo prediction: dropout stays on, and the spread over its draws says how sure a network is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from ... import kernels as K
from ... import rng
from ...checks import whole
from ...engine import Tensor
from ...ops.elementwise.arithmetic import mul, square, sub
from ...ops.elementwise.exponential import sqrt
from ...ops.reduce.statistics import mean
from ...ops.shape.broadcast import sum
from ...recording import no_grad
from ...tensor import tensor
from ..module import Module
from .redraw import drawing_from


class Prediction(NamedTuple):
    """Mean and standard deviation (samples - 1) over draws, each of the shape of an output."""

    mean: Tensor
    std: Tensor


def mc_predict(
    model: Module, x: Any, samples: int = 50, seed: int = 0, transform: Callable[[Tensor], Tensor] | None = None
) -> Prediction:
    """Mean and spread of model(x) over draws of its random layers (Gal, Ghahramani 2016), a function of the seed.

    The random layers draw as in training, from streams of this call alone; everything else, BatchNorm for instance, is
    in eval mode; modes and streams are left as they were. transform is applied to each output: mg.softmax gives the
    mean probabilities of a model that returns logits.

    ValueError for a model without a layer that draws.

    >>> import minigrad as mg
    >>> model = mg.nn.Sequential(mg.nn.Linear(2, 8), mg.nn.Dropout(0.5), mg.nn.Linear(8, 1))
    >>> found = mc_predict(model, [[1.0, 2.0]], samples=20)
    >>> found.mean.shape, float(found.std) > 0
    ((1, 1), True)
    """
    whole(samples, "mc_predict: samples", 2)
    streams = rng.Streams(seed)
    x = x if isinstance(x, Tensor) else tensor(x)
    modes = [(module, module.training) for _, module in model.named_modules()]
    outputs = []
    try:
        model.eval()
        for _ in range(samples):  # a block for each, so that masks which are held for a sequence are drawn anew
            with no_grad(), drawing_from(model, lambda layer: streams.next(layer.purpose)) as layers:
                if not layers:
                    raise ValueError("mc_predict: the model has no layer that draws, such as nn.Dropout")
                for layer in layers:
                    layer.training = True
                y = model(x)
                outputs.append(y if transform is None else transform(y))
    finally:
        for module, mode in modes:
            module.training = mode
    return spread(outputs)


@no_grad()
def spread(outputs: list[Tensor]) -> Prediction:
    """Mean and standard deviation over a list of tensors of one shape."""
    stack = K.empty((len(outputs), *outputs[0].shape), outputs[0].dtype)
    for row, y in zip(stack, outputs):
        K.copy(y.array, row)
    middle = mean(Tensor(stack), dim=0)
    variance = mul(sum(square(sub(Tensor(stack), middle)), dim=0), 1 / (len(outputs) - 1))
    return Prediction(middle, sqrt(variance))
