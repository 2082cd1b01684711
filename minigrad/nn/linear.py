"""The linear layer: y = x W + b, with an activation in the same op."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..checks import real_dtype, whole
from ..engine import Tensor
from ..errors import DTypeError, ShapeError
from ..ops.elementwise.fused_activations import ACTIVATION_GRADS
from ..ops.linalg.matmul import affine
from ..ops.shape.views import reshape
from ..tensor import tensor
from . import init as initializers
from .module import Module, Parameter


class Linear(Module):
    """y = activation(x W + b): x (..., in_features) to y (..., out_features); W is stored (in, out).

    Integers and booleans in x are taken in W's dtype.

    activation is None, "relu", "tanh" or "sigmoid", computed in the same pass. init is the name of a function of
    minigrad.nn.init or such a function; W starts Glorot-uniform ("he_uniform" suits a relu), b starts at zero.

    ValueError for another activation or the name of no initializer; ShapeError for x whose last size is not
    in_features, and for an init that returns another shape; DTypeError for x of the other real dtype.

    >>> import minigrad as mg
    >>> layer = mg.nn.Linear(3, 2)
    >>> layer(mg.tensor([[1, 2, 3]])).shape, layer.weight.shape
    ((1, 2), (3, 2))
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        activation: str | None = None,
        init: str | Callable[..., Any] = "glorot_uniform",
        dtype: Any = "float32",
    ) -> None:
        self.in_features = whole(in_features, "Linear: in_features", 1)
        self.out_features = whole(out_features, "Linear: out_features", 1)
        if not (activation is None or activation in ACTIVATION_GRADS):
            raise ValueError(
                f"Linear: activation is {activation!r}; need None or {', '.join(ACTIVATION_GRADS)}; "
                "others are layers of their own"
            )
        self.activation = activation
        dtype = real_dtype(dtype, "Linear: dtype")
        shape = (self.in_features, self.out_features)
        weight = np.asarray(initializers.find(init)(shape, dtype))
        if weight.shape != shape:
            raise ShapeError(f"Linear: init returned {weight.shape}; need {shape}")
        self.weight = Parameter(weight, dtype)
        self.bias = Parameter(initializers.zeros((self.out_features,), dtype)) if bias else None

    def forward(self, x: Any) -> Tensor:
        return self.by_weight(x, self.weight)

    def by_weight(self, x: Any, w: Tensor) -> Tensor:
        """activation(x w + b), w the weight or what a subclass makes of it."""
        x = x if isinstance(x, Tensor) else tensor(x)
        shape, dtype, want = x.array.shape, x.array.dtype, w.array.dtype
        if len(shape) < 2 or shape[-1] != self.in_features:
            cure = ": a single row is x.reshape(1, -1)" if shape == (self.in_features,) else ""
            cure = ": a column is x.reshape(-1, 1)" if len(shape) == self.in_features == 1 else cure
            raise ShapeError(f"x is {shape}; need (rows, {self.in_features}){cure}")
        if dtype is not want and dtype != want and dtype.kind == "f":
            raise DTypeError(f"x is {dtype}, the weight {want}; use x.to({str(want)!r}), or astype for an array")
        if len(shape) == 2:
            return affine(x, w, self.bias, activation=self.activation)
        y = affine(reshape(x, shape=(math.prod(shape[:-1]), shape[-1])), w, self.bias, activation=self.activation)
        return reshape(y, shape=(*shape[:-1], self.out_features))

    def extra_repr(self) -> str:
        text = f"{self.in_features}->{self.out_features}" + (f", {self.activation}" if self.activation else "")
        return text if self.bias is not None else text + ", no bias"


Dense = Linear
