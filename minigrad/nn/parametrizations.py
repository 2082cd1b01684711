"""Spectral normalization: a layer whose weight is always divided by its largest singular value."""

from __future__ import annotations

import math
from typing import Any, TypeVar

from .. import kernels as K
from .. import rng
from ..checks import finite, whole
from ..engine import Tensor, touch
from ..errors import ShapeError
from ..ops.elementwise.arithmetic import div, square
from ..ops.elementwise.exponential import sqrt
from ..ops.elementwise.where import maximum
from ..ops.linalg.matmul import matmul
from ..ops.shape.broadcast import sum
from ..ops.shape.views import permute, reshape
from ..recording import mode, no_grad
from .containers import ModuleDict
from .conv import Convolutional
from .embedding import Embedding, EmbeddingBag
from .hooks import replays
from .module import PARAMETER, Module
from .parametrized import HELD_IN

M = TypeVar("M", bound=Module)
AT_THE_START = 15  # steps of the power iteration when a weight gets its norm, as PyTorch makes


class SpectralNorm(Module):
    """What computes a weight W / σ(W): W is `original`; u and v, buffers, are near the singular vectors of σ.

    It is made by nn.spectral_norm. u has an entry for each output, v one for each number of an output's weights.
    """

    original: Tensor
    u: Tensor
    v: Tensor

    def __init__(self, original: Tensor, n_power_iterations: int, eps: float, dim: int) -> None:
        self.n_power_iterations, self.eps, self.dim = n_power_iterations, eps, dim
        self._held: tuple[tuple[Any, ...], Tensor] | None = None  # W / σ during a forward pass, and of what
        self.original = original
        shape, dtype = original.array.shape, original.array.dtype
        for name, n in (("u", shape[dim]), ("v", original.array.size // shape[dim])):
            self.register_buffer(name, rng.normal((n, 1), dtype=dtype, purpose=rng.INIT))
        self._write(*self._stepped(AT_THE_START))

    def _by_outputs(self) -> tuple[Tensor, bool]:
        """W as a matrix, and whether its columns, not its rows, are what belongs to one output."""
        w, dim = self.original, self.dim
        if w.ndim == 2:
            return w, dim == 1
        if dim:
            w = permute(w, dims=(dim, *(i for i in range(w.ndim) if i != dim)))
        return reshape(w, shape=(w.array.shape[0], -1)), False

    @no_grad()
    def _stepped(self, steps: int) -> tuple[Tensor, Tensor]:
        """u and v after steps of the power iteration: u = W v / ‖W v‖, v = Wᵀ u / ‖Wᵀ u‖."""
        (w, columns), v = self._by_outputs(), self.v
        for _ in range(steps):
            u = self._unit(matmul(w, v, ta=columns))
            v = self._unit(matmul(w, u, ta=not columns))
        return u, v

    def _unit(self, x: Tensor) -> Tensor:
        return div(x, maximum(sqrt(sum(square(x))), self.eps))

    def _write(self, u: Tensor, v: Tensor) -> None:
        for buffer, new in ((self.u, u), (self.v, v)):
            K.copy(new.array, buffer.array)
            touch([buffer])

    def _moved(self) -> tuple[Any, Any]:
        """u and v of a forward pass in training, which are then the buffers."""
        u, v = self._stepped(self.n_power_iterations)
        self._write(u, v)
        return u, v

    def _divided(self, u: Tensor, v: Tensor) -> Tensor:
        """W / (uᵀ W v); the gradient takes u and v for constants."""
        w, columns = self._by_outputs()
        left, right = (v, u) if columns else (u, v)
        return div(self.original, reshape(matmul(matmul(left, w, ta=True), right), shape=()))

    def _state(self) -> tuple[Any, ...]:
        return mode.recording, *(part for t in (self.original, self.u, self.v) for part in (t.stamp, id(t.array)))

    def enter(self) -> None:
        """Begin a forward pass: in training u and v move on; W / σ is computed once and held."""
        if self.training and self.n_power_iterations:
            u, v = self._moved() if mode.draws is None else mode.draws.of(self._moved)  # a checkpoint repeats them
        else:
            u, v = self._copied()
        self.__dict__["_held"] = self._state(), self._divided(u, v)

    def leave(self) -> None:
        """End a forward pass."""
        self.__dict__["_held"] = None

    def made(self) -> Tensor:
        """W / σ as it is now: that of the forward pass which is running, else computed, and u and v stay."""
        if self._held is not None and self._held[0] == self._state():
            return self._held[1]
        return self._divided(*self._copied())

    def _copied(self) -> tuple[Tensor, Tensor]:
        """The buffers in memory of their own: a graph uses them, and the next forward pass writes them."""
        found = []
        for t in (self.u, self.v):
            array = K.empty_like(t.array)
            K.copy(t.array, array)
            found.append(Tensor(array))
        return found[0], found[1]

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "_held": None}

    def extra_repr(self) -> str:
        shape = "x".join(map(str, self.original.array.shape))
        return shape + (f", n_power_iterations={self.n_power_iterations}" if self.n_power_iterations != 1 else "")


@replays
def _entering(layer: Module, args: tuple) -> None:
    """The hook before a forward pass."""
    for part in layer._modules[HELD_IN].children():
        part.enter()


@replays
def _leaving(layer: Module, args: tuple, output: Any) -> None:
    """The hook behind it."""
    for part in layer._modules[HELD_IN].children():
        part.leave()


def spectral_norm(
    layer: M, name: str = "weight", n_power_iterations: int = 1, eps: float = 1e-12, dim: int | None = None
) -> M:
    """Let a layer compute with W / σ(W) in the place of its weight W, σ its largest singular value; returns the layer.

    With σ = 1 a linear layer lengthens no vector, and a network of them and relu no difference of two inputs. The
    matrix has a row for each output: that of a convolution is (out, in · height · width). σ = uᵀ W v; each forward pass
    in training first makes n_power_iterations times u = W v / ‖W v‖, v = Wᵀ u / ‖Wᵀ u‖; evaluation leaves u and v as
    they are. They start at random numbers of rng.INIT and 15 such steps. The gradient goes through W and through σ,
    with u and v constants, as PyTorch's does: (G - <G, W/σ> u vᵀ) / σ for a gradient G at W / σ.

    name  which parameter; of an LSTM for instance weight_hh_l0
    eps   the least norm that is divided by
    dim   the dimension of W that counts outputs; None: 0 of convolutions and embeddings, 1 of others, as Linear

    The parameter, the same tensor as before, is then parametrizations.<name>.original, beside the buffers u and v:
    state_dict, checkpoints, copies and optimizers have them by these names. `layer.weight` is computed where it is
    read, and cannot be set. nn.remove_parametrizations undoes it. The scale of `original` does not reach the output, so
    a penalty on it only changes the size of its steps.

    errors  TypeError for what is no Module; ValueError for a name that is no parameter, and for a weight of zeros;
            ShapeError for a weight that is no matrix

    source  Miyato, Kataoka, Koyama, Yoshida 2018, Spectral normalization for generative adversarial networks

    >>> import minigrad as mg
    >>> layer = mg.nn.spectral_norm(mg.nn.Linear(3, 2), n_power_iterations=20)
    >>> y = layer(mg.ones(1, 3))
    >>> lengths = mg.norm(mg.matmul(mg.tensor([[3.0, 4.0, 0.0], [1.0, 0.0, 0.0]]), layer.weight), dim=1)
    >>> bool(lengths[0] < 5.001), list(layer.state_dict())[1]
    (True, 'parametrizations.weight.original')
    """
    original = _parameter(layer, name)
    by_rows = isinstance(layer, (Embedding, EmbeddingBag, Convolutional)) and not getattr(layer, "transposed", False)
    dim = (0 if by_rows else 1) if dim is None else whole(dim, "spectral_norm: dim", 0)
    if dim >= original.ndim:
        raise ValueError(f"spectral_norm: dim is {dim}; {name} has {original.ndim} dimensions")
    steps = whole(n_power_iterations, "spectral_norm: n_power_iterations", 0)
    _attach(layer, name, SpectralNorm(original, steps, finite(eps, "spectral_norm: eps", at_least=0.0), dim))
    return layer


def _parameter(layer: Any, name: str) -> Tensor:
    """The parameter of this name, which has a largest singular value above 0; else the error that says why not."""
    if not isinstance(layer, Module):
        raise TypeError(f"spectral_norm: the layer is {layer!r:.80}; need a Module, such as nn.Linear(3, 2)")
    who = f"spectral_norm: {type(layer).__name__}.{name}"
    if layer._parts.get(name) != PARAMETER:
        held = layer._modules.get(HELD_IN)
        if held is not None and name in held:
            raise ValueError(f"{who} is divided by its norm already")
        there = ", ".join(n for n, kind in layer._parts.items() if kind == PARAMETER) or "none"
        raise ValueError(f"{who} is no parameter; there are {there}")
    original: Tensor = layer.__dict__[name]
    if original.ndim < 2:
        raise ShapeError(f"{who} is {original.shape}; need a weight with two dimensions or more")
    if not original.array.any():
        raise ValueError(f"{who} is all zeros, and has no singular value to divide by")
    return original


def _attach(layer: Module, name: str, made: SpectralNorm) -> None:
    """Put what computes a parameter in the place of the parameter."""
    made.train(layer.training)
    if HELD_IN not in layer._modules:
        held = ModuleDict().train(layer.training)
        held.__dict__["places"] = list(layer._parts)  # the order to which removing returns
        setattr(layer, HELD_IN, held)
        layer.register_forward_pre_hook(_entering, prepend=True)
        layer.register_forward_hook(_leaving)
    delattr(layer, name)
    layer._modules[HELD_IN][name] = made


def remove_parametrizations(layer: M, name: str = "weight", leave_parametrized: bool = True) -> M:
    """Make a parameter that spectral_norm computes a plain one again; returns the layer.

    It is the tensor `original`, with the numbers of W / σ, or with leave_parametrized=False those of W. ValueError for
    a name that is not computed.

    >>> import minigrad as mg
    >>> layer = mg.nn.spectral_norm(mg.nn.Linear(3, 2))
    >>> list(mg.nn.remove_parametrizations(layer).state_dict())
    ['weight', 'bias']
    """
    held: Any = layer._modules.get(HELD_IN)
    if held is None or name not in held:
        there = ", ".join(held) if held is not None else "nothing"
        raise ValueError(
            f"remove_parametrizations: {type(layer).__name__}.{name} is not computed; {there} of this layer is"
        )
    made = held.pop(name)
    if leave_parametrized:
        with no_grad():
            K.copy(made.made().array, made.original.array)
        touch([made.original])
    if not len(held):
        delattr(layer, HELD_IN)
        hooks: Any = layer._hooks
        for moment, hook in (("before", _entering), ("after", _leaving)):
            setattr(hooks, moment, [entry for entry in getattr(hooks, moment) if entry[0] is not hook])
    setattr(layer, name, made.original)
    layer._parts[name] = PARAMETER  # also where it is frozen
    order = {part: i for i, part in enumerate(held.__dict__["places"])}
    parts = sorted(layer._parts.items(), key=lambda part: order.get(part[0], math.inf))
    layer.__dict__["_parts"] = dict(parts)
    return layer
