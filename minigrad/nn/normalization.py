"""Normalization layers: over the batch, over the features of a row, over groups of channels. PyTorch's names."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..checks import finite, real_dtype, whole
from ..engine import Tensor, touch
from ..errors import ShapeError
from ..ops.layers.normalization import by_batch, group_norm, layer_norm, rms_norm, sizes, tolerance
from ..recording import is_repeating
from ..tensor import tensor
from .module import Module, Parameter


class Normalization(Module):
    """What the normalization layers share: a scale `weight` and a shift `bias`, or neither.

    Terms of reg.on leave the scales out, as they leave biases out, unless they are selected: by name or by layer type.
    """

    weight: Tensor | None
    bias: Tensor | None

    def _set_affine(self, shape: tuple[int, ...], scale: bool, shift: bool, dtype: Any) -> None:
        """weight 1 and bias 0, where asked for."""
        dtype = real_dtype(dtype, f"{type(self).__name__}: dtype")
        self.weight = Parameter(np.ones(shape, dtype), dtype) if scale else None
        self.bias = Parameter(np.zeros(shape, dtype), dtype) if shift else None


class _BatchNorm(Normalization):
    """BatchNorm1d and BatchNorm2d; `dims` are the numbers of dimensions that x may have, `need` says which."""

    dims: tuple[int, ...]
    need: str
    running_mean: Tensor | None
    running_var: Tensor | None
    num_batches_tracked: Tensor | None

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        dtype: Any = "float32",
        *,
        bias: bool = True,
    ) -> None:
        name = type(self).__name__
        self.num_features = whole(num_features, f"{name}: num_features", 1)
        self.eps = tolerance(name, eps)
        self.momentum = None if momentum is None else finite(momentum, f"{name}: momentum", 0.0, 1.0)
        self._set_affine((self.num_features,), affine, affine and bias, dtype)
        self.track_running_stats = bool(track_running_stats)
        if self.track_running_stats:
            real = real_dtype(dtype, f"{name}: dtype")
            self.register_buffer("running_mean", np.zeros(self.num_features, real))
            self.register_buffer("running_var", np.ones(self.num_features, real))
            self.register_buffer("num_batches_tracked", np.zeros((), np.int64))
        else:
            self.running_mean = self.running_var = self.num_batches_tracked = None

    def forward(self, x: Any) -> Tensor:
        x = x if isinstance(x, Tensor) else tensor(x)
        shape = x.array.shape
        if len(shape) not in self.dims or shape[1] != self.num_features:
            raise ShapeError(f"x is {shape}; need {self.need.format(self.num_features)}")
        running = None
        if self.running_mean is not None and self.running_var is not None:
            running = self.running_mean, self.running_var, self.num_batches_tracked
        training = self.training or running is None
        if training and is_repeating():
            running = None  # the batch was counted the first time
        return by_batch("batch_norm", x, running, self.weight, self.bias, training, self.momentum, self.eps)

    def reset_running_stats(self) -> None:
        """Start the running mean at 0, the running variance at 1 and the count of batches at 0 again."""
        for t, start in ((self.running_mean, 0), (self.running_var, 1), (self.num_batches_tracked, 0)):
            if t is not None:
                t.array[...] = start
                touch([t])

    def extra_repr(self) -> str:
        text = f"{self.num_features}" + (f", eps={self.eps:g}" if self.eps != 1e-5 else "")
        text += f", momentum={self.momentum}" if self.momentum != 0.1 else ""
        text += "" if self.weight is not None else ", not affine"
        return text if self.track_running_stats else text + ", no running moments"


class BatchNorm1d(_BatchNorm):
    """y = (x - mean) / √(var + eps) · weight + bias for each feature of x (rows, features) or (rows, features, length).

    In training mean and var are those of the batch (and of all places along the length), in evaluation the running
    ones. Each batch in training moves running_mean and running_var by the share momentum towards its own mean and
    variance, the latter Σ (x - mean)² / (n - 1) as of a sample; momentum None makes them the averages of all batches,
    which num_batches_tracked counts. The three are buffers: state_dict and copies have them.

    affine               False for no weight and bias (1 and 0)
    bias                 False for a weight alone
    track_running_stats  False for the moments of the batch in evaluation too
    errors               ShapeError for other shapes, and in training for a single value per feature

    A penalty on a weight before this layer only changes its step size: the scale of that weight does not reach y.

    source    Ioffe, Szegedy 2015, Batch normalization: accelerating deep network training

    >>> import minigrad as mg
    >>> layer = mg.nn.BatchNorm1d(2, momentum=None)
    >>> y = layer(mg.tensor([[1.0, 10.0], [3.0, 30.0]]))
    >>> layer.running_mean, layer.running_var, layer.num_batches_tracked.item()
    (tensor([ 2., 20.]), tensor([  2., 200.]), 1)
    >>> layer.eval()(mg.tensor([[2.0, 20.0]]))
    tensor([[0., 0.]], requires_grad=True)
    """

    dims = 2, 3
    need = "(rows, {0}) or (rows, {0}, length)"


class BatchNorm2d(_BatchNorm):
    """BatchNorm1d for images: x (rows, channels, height, width), moments of each channel over rows and places.

    >>> import minigrad as mg
    >>> layer = mg.nn.BatchNorm2d(3)
    >>> layer(mg.rand(2, 3, 4, 4)).shape, list(layer.state_dict())
    ((2, 3, 4, 4), ['weight', 'bias', 'running_mean', 'running_var', 'num_batches_tracked'])
    """

    dims = (4,)
    need = "(rows, {0}, height, width)"


class LayerNorm(Normalization):
    """y = (x - mean) / √(var + eps) · weight + bias over the last dimensions of x, for each place before them.

    normalized_shape is the size of the last dimension or the sizes of several; weight and bias have that shape.
    elementwise_affine=False leaves both out, bias=False the bias. mean and var = Σ (x - mean)² / n are those of the
    place itself, in training as in evaluation: no row sees another. ShapeError where x does not end in that shape.

    source    Ba, Kiros, Hinton 2016, Layer normalization

    >>> import minigrad as mg
    >>> mg.nn.LayerNorm(2, eps=0)(mg.tensor([[1.0, 3.0], [20.0, 40.0]])).tolist()
    [[-1.0, 1.0], [-1.0, 1.0]]
    """

    def __init__(
        self,
        normalized_shape: Any,
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        dtype: Any = "float32",
    ) -> None:
        self.normalized_shape = sizes("LayerNorm", normalized_shape)
        self.eps = tolerance("LayerNorm", eps)
        self._set_affine(self.normalized_shape, elementwise_affine, elementwise_affine and bias, dtype)

    def forward(self, x: Any) -> Tensor:
        return layer_norm(x, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return _ends_in(self.normalized_shape) + ("" if self.weight is not None else ", not affine")


class RMSNorm(Normalization):
    """y = x / √(m + eps) · weight, m the mean of x² over the last dimensions: LayerNorm without mean and bias.

    normalized_shape is the size of the last dimension or the sizes of several; weight has that shape, and is left out
    with elementwise_affine=False. eps None is the distance from 1 to the next number of x's dtype.

    source    Zhang, Sennrich 2019, Root mean square layer normalization

    >>> import minigrad as mg
    >>> mg.nn.RMSNorm(3, eps=0)(mg.tensor([[3.0, 3.0, -3.0]])).tolist()
    [[1.0, 1.0, -1.0]]
    """

    def __init__(
        self, normalized_shape: Any, eps: float | None = None, elementwise_affine: bool = True, dtype: Any = "float32"
    ) -> None:
        self.normalized_shape = sizes("RMSNorm", normalized_shape)
        self.eps = None if eps is None else tolerance("RMSNorm", eps)
        self._set_affine(self.normalized_shape, elementwise_affine, False, dtype)

    def forward(self, x: Any) -> Tensor:
        return rms_norm(x, self.normalized_shape, self.weight, self.eps)

    def extra_repr(self) -> str:
        return _ends_in(self.normalized_shape) + ("" if self.weight is not None else ", not affine")


class GroupNorm(Normalization):
    """y = (x - mean) / √(var + eps) · weight + bias over each group of channels of x (rows, channels, ...).

    The channels make num_groups groups of equally many, side by side; mean and var = Σ (x - mean)² / n are those of
    the channels of a group and all their places, in one row: no row sees another. weight and bias have one number for
    each channel; affine=False leaves both out, bias=False the bias. num_groups=1 normalizes all of a row,
    num_groups=num_channels each channel alone.

    source    Wu, He 2018, Group normalization

    ValueError if num_groups does not divide num_channels; ShapeError for x of another number of channels.

    >>> import minigrad as mg
    >>> mg.nn.GroupNorm(2, 4, eps=0)(mg.tensor([[1.0, 3.0, 20.0, 40.0]])).tolist()
    [[-1.0, 1.0, -1.0, 1.0]]
    """

    def __init__(
        self,
        num_groups: int,
        num_channels: int,
        eps: float = 1e-5,
        affine: bool = True,
        dtype: Any = "float32",
        *,
        bias: bool = True,
    ) -> None:
        self.num_groups = whole(num_groups, "GroupNorm: num_groups", 1)
        self.num_channels = whole(num_channels, "GroupNorm: num_channels", 1)
        if self.num_channels % self.num_groups:
            raise ValueError(
                f"GroupNorm: num_channels is {num_channels}, num_groups {num_groups}; need groups of equally many"
            )
        self.eps = tolerance("GroupNorm", eps)
        self._set_affine((self.num_channels,), affine, affine and bias, dtype)

    def forward(self, x: Any) -> Tensor:
        x = x if isinstance(x, Tensor) else tensor(x)
        if x.ndim < 2 or x.array.shape[1] != self.num_channels:
            raise ShapeError(f"x is {x.array.shape}; need (rows, {self.num_channels}, ...)")
        return group_norm(x, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        text = f"{self.num_groups} groups of {self.num_channels // self.num_groups}"
        return text + ("" if self.weight is not None else ", not affine")


def _ends_in(shape: tuple[int, ...]) -> str:
    return str(shape[0]) if len(shape) == 1 else str(shape)
