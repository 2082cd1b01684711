"""Layers: thin modules over ops, and the chain that applies one after the other."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any, overload

import numpy as np

from ..checks import real_dtype, whole
from ..engine import Tensor
from ..errors import DTypeError, ShapeError
from ..ops.elementwise.fused_activations import ACTIVATION_GRADS
from ..ops.linalg.matmul import affine
from ..ops.shape.views import reshape
from ..tensor import tensor
from . import init as initializers
from .module import ERRORS, Module, Parameter


class Sequential(Module):
    """Layers applied in order. Layer i is model[i], and is named by its index.

    >>> from minigrad import nn
    >>> nn.Sequential(nn.Linear(64, 32, activation="relu"), nn.Dropout(0.5), nn.Linear(32, 10))
    Sequential()
      0: Linear(64->32, relu)
      1: Dropout(p=0.5)
      2: Linear(32->10)
    """

    def __init__(self, *layers: Module) -> None:
        for i, layer in enumerate(layers):  # append counts the layers anew, and many would take a while
            self._set(i, layer)

    def append(self, layer: Module) -> Sequential:
        """Add a layer at the end."""
        self._set(len(self), layer)
        return self

    def _set(self, i: int, layer: Module) -> None:
        if not isinstance(layer, Module):
            cure = f"; did you mean {layer.__name__}()?" if isinstance(layer, type) else ", such as nn.Linear(2, 1)"
            raise TypeError(f"Sequential: layer {i} is {layer!r}; need a Module{cure}")
        setattr(self, str(i), layer)

    def __len__(self) -> int:
        return len(self.children())

    def __iter__(self) -> Iterator[Module]:
        return iter(self.children())

    @overload
    def __getitem__(self, i: int) -> Any: ...
    @overload
    def __getitem__(self, i: slice) -> Sequential: ...
    def __getitem__(self, i: int | slice) -> Any:
        layers = list(self)
        return Sequential(*layers[i]) if isinstance(i, slice) else layers[i]

    def __setitem__(self, i: int, layer: Module) -> None:
        self._set(range(len(self))[i], layer)

    def forward(self, x: Any) -> Any:
        waiting = self.children()[::-1]
        layer: Module = self
        try:
            while waiting:  # a loop, not calls, through chains within chains: they may be deeper than Python recurses
                layer = waiting.pop()
                if type(layer) is Sequential and not layer.watchers:
                    waiting += layer.children()[::-1]
                else:
                    x = layer(x) if layer.watchers else layer.forward(x)
        except ERRORS as error:
            layer._locate(error)
            raise
        return x


class Linear(Module):
    """y = activation(x W + b): x (..., in_features) to y (..., out_features); W is stored (in, out).

    activation is None, "relu", "tanh" or "sigmoid", computed in the same pass. init is the name of a function of
    minigrad.nn.init or such a function; W starts Glorot-uniform ("he_uniform" suits a relu), b starts at zero.

    >>> import minigrad as mg
    >>> layer = mg.nn.Linear(3, 2)
    >>> layer(mg.tensor([[1, 2, 3]])).shape, layer.weight.shape
    ((1, 2), (3, 2))
    """

    def __init__(
        self, in_features: int, out_features: int, bias: bool = True, activation: str | None = None,
        init: str | Callable[..., Any] = "glorot_uniform", dtype: Any = "float32",
    ) -> None:  # fmt: skip
        self.in_features = whole(in_features, "Linear: in_features", 1)
        self.out_features = whole(out_features, "Linear: out_features", 1)
        if not (activation is None or activation in ACTIVATION_GRADS):
            raise ValueError(f"Linear: activation is {activation!r}; need None or {', '.join(ACTIVATION_GRADS)}; "
                             "others are layers of their own")  # fmt: skip
        self.activation = activation
        dtype = real_dtype(dtype, "Linear: dtype")
        shape = (self.in_features, self.out_features)
        weight = np.asarray(initializers.find(init)(shape, dtype))
        if weight.shape != shape:
            raise ShapeError(f"Linear: init returned {weight.shape}; need {shape}")
        self.weight = Parameter(weight, dtype)
        self.bias = Parameter(initializers.zeros((self.out_features,), dtype)) if bias else None

    def forward(self, x: Any) -> Tensor:
        return self.apply(x, self.weight)

    def apply(self, x: Any, w: Tensor) -> Tensor:
        """activation(x w + b), w the weight or what a subclass makes of it."""
        x = x if isinstance(x, Tensor) else tensor(x)
        shape, dtype, want = x.array.shape, x.array.dtype, w.array.dtype
        if len(shape) < 2 or shape[-1] != self.in_features:
            cure = ": a single row is x.reshape(1, -1)" if shape == (self.in_features,) else ""
            raise ShapeError(f"x is {shape}; need (rows, {self.in_features}){cure}")
        if dtype is not want and dtype != want:
            raise DTypeError(f"x is {dtype}, the weight {want}; use x.to({str(want)!r})")
        if len(shape) == 2:
            return affine(x, w, self.bias, activation=self.activation)
        y = affine(reshape(x, shape=(math.prod(shape[:-1]), shape[-1])), w, self.bias, activation=self.activation)
        return reshape(y, shape=(*shape[:-1], self.out_features))

    def extra_repr(self) -> str:
        text = f"{self.in_features}->{self.out_features}" + (f", {self.activation}" if self.activation else "")
        return text if self.bias is not None else text + ", no bias"


Dense = Linear


class Flatten(Module):
    """(rows, a, b, ...) to (rows, a b ...)."""

    def forward(self, x: Any) -> Tensor:
        x = x if isinstance(x, Tensor) else tensor(x)
        if not x.array.ndim:
            raise ShapeError("x is a single number; need (rows, ...)")
        return reshape(x, shape=(x.array.shape[0], math.prod(x.array.shape[1:])))
