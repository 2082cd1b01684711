"""Cells of recurrent networks: one step of RNN, LSTM and GRU, and how their parameters start."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..checks import finite, real_dtype, whole
from ..engine import Tensor
from ..errors import ShapeError
from ..ops.layers.recurrent import NONLINEARITIES, gru_cell, lstm_cell, rnn_cell
from ..ops.shape.slices import view
from ..ops.shape.views import unsqueeze
from ..tensor import tensor
from . import init as initializers
from .module import Module, Parameter


class Weights(Module):
    """What layers and cells share: sizes, and how parameters start."""

    gates = 1  # of a plain network; LSTM: i f g o; GRU: r u n

    def set_sizes(
        self,
        input_size: Any,
        hidden_size: Any,
        bias: bool,
        init: Any,
        recurrent_init: Any,
        forget_bias: Any,
        dtype: Any,
    ) -> None:
        who = type(self).__name__
        self.input_size = whole(input_size, f"{who}: input_size", 1)
        self.hidden_size = whole(hidden_size, f"{who}: hidden_size", 1)
        self.bias = bool(bias)
        self._start = init, recurrent_init, forget_bias
        if forget_bias is not None:
            if self.gates != 4 or not self.bias:
                raise ValueError(f"{who}: forget_bias is {forget_bias!r}; it needs an LSTM with biases")
            finite(forget_bias, f"{who}: forget_bias")
        self._dtype = real_dtype(dtype, f"{who}: dtype")

    def draw_parameters(self, features: int, suffix: str) -> None:
        """Make the parameters of one layer and direction."""
        width, (init, recurrent_init, forget_bias) = self.hidden_size, self._start
        n = self.gates * width
        self._weight(f"weight_ih{suffix}", (features, n), init)
        self._weight(f"weight_hh{suffix}", (width, n), recurrent_init)
        if not self.bias:
            return
        for i, name in enumerate(("bias_ih", "bias_hh")):
            start = self._uniform((n,))
            if forget_bias is not None:
                start[width : 2 * width] = 0.0 if i else forget_bias
            setattr(self, name + suffix, Parameter(start))

    def _uniform(self, shape: tuple[int, ...]) -> np.ndarray:
        limit = 1 / math.sqrt(self.hidden_size)
        return initializers.uniform(shape, self._dtype, low=-limit, high=limit)

    def _weight(self, name: str, shape: tuple[int, int], init: str | Callable[..., Any] | None) -> None:
        """One parameter; an initializer makes one gate at a time, so that each is orthogonal, for instance."""
        if init is None:
            found = self._uniform(shape)
        else:
            each = (shape[0], shape[1] // self.gates)
            parts = [np.asarray(initializers.find(init)(each, self._dtype)) for _ in range(self.gates)]
            for part in parts:
                if part.shape != each:
                    raise ShapeError(f"{type(self).__name__}: init returned {part.shape}; need {each}, one gate")
            found = np.concatenate(parts, 1)
        setattr(self, name, Parameter(found, self._dtype))

    def extra_repr(self) -> str:
        return f"{self.input_size}->{self.hidden_size}" + ("" if self.bias else ", no bias")


def checked_nonlinearity(who: str, given: Any) -> str:
    if given not in NONLINEARITIES:
        raise ValueError(f"{who}: nonlinearity is {given!r}; need 'tanh' or 'relu'")
    return given


class _Cell(Weights):
    """What the cells share: parameters weight_ih, weight_hh, bias_ih, bias_hh."""

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        init: str | Callable[..., Any] | None = None,
        recurrent_init: str | Callable[..., Any] | None = None,
        forget_bias: float | None = None,
        dtype: Any = "float32",
    ) -> None:
        self.set_sizes(input_size, hidden_size, bias, init, recurrent_init, forget_bias, dtype)
        self.draw_parameters(self.input_size, "")

    def forward(self, x: Any, state: Any = None) -> Any:
        x = x if isinstance(x, Tensor) else tensor(x)
        if x.ndim not in (1, 2) or x.array.shape[-1] != self.input_size:
            raise ShapeError(f"x is {x.shape}; need (rows, {self.input_size}) or ({self.input_size},)")
        if x.ndim == 2:
            return self._step(x, state)
        found = self._step(unsqueeze(x, 0), self._row_of(state))
        return tuple(view(s, index=(0,)) for s in found) if isinstance(found, tuple) else view(found, index=(0,))

    def _row_of(self, state: Any) -> Any:
        """States (hidden_size,) that belong to one x (input_size,), as rows (1, hidden_size)."""
        if state is None:
            return None
        if isinstance(state, (tuple, list)):
            return tuple(self._row_of(s) for s in state)
        s = state if isinstance(state, Tensor) else tensor(state)
        if s.ndim != 1:
            raise ShapeError(f"the state is {s.shape} beside one x ({self.input_size},); need ({self.hidden_size},)")
        return unsqueeze(s, 0)

    def _step(self, x: Tensor, state: Any) -> Any:
        """The next state of rows, by the function of this kind."""
        raise NotImplementedError(f"{type(self).__name__} defines no _step()")

    def _parameters_in_order(self) -> tuple[Any, ...]:
        return tuple(getattr(self, name, None) for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"))


class LSTMCell(_Cell):
    """One step of LSTM: x (rows, input_size) and (h, c), or None for zeros, to the new (h, c), (rows, hidden_size).

    x (input_size,) and states (hidden_size,) are one row. The errors are ShapeError and DTypeError for sizes and states
    that do not fit. Formula: mg.lstm_cell.

    Parameters weight_ih (in, 4 hidden_size), weight_hh, bias_ih, bias_hh in gate order i f g o; they start as LSTM's.

    >>> import minigrad as mg
    >>> h, c = mg.nn.LSTMCell(3, 8, forget_bias=1.0)(mg.ones(5, 3))
    >>> h.shape, c.shape
    ((5, 8), (5, 8))
    """

    gates = 4

    def _step(self, x: Tensor, state: Any) -> tuple[Tensor, Tensor]:
        return lstm_cell(x, state, *self._parameters_in_order())


class GRUCell(_Cell):
    """One step of GRU: x (rows, input_size) and h, or None for zeros, to the new h (rows, hidden_size).

    x (input_size,) and h (hidden_size,) are one row; parameters and errors as of LSTMCell. Formula: mg.gru_cell.

    >>> import minigrad as mg
    >>> mg.nn.GRUCell(3, 8)(mg.ones(5, 3)).shape
    (5, 8)
    """

    gates = 3

    def _step(self, x: Tensor, state: Any) -> Tensor:
        return gru_cell(x, state, *self._parameters_in_order())


class RNNCell(_Cell):
    """One step of RNN: x (rows, input_size) and h, or None for zeros, to the new h (rows, hidden_size).

    x (input_size,) and h (hidden_size,) are one row; parameters and errors as of LSTMCell. Formula: mg.rnn_cell.

    >>> import minigrad as mg
    >>> mg.nn.RNNCell(3, 8, nonlinearity="relu")(mg.ones(5, 3)).shape
    (5, 8)
    """

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool = True, nonlinearity: str = "tanh", **options: Any
    ) -> None:
        self.nonlinearity = checked_nonlinearity("RNNCell", nonlinearity)
        super().__init__(input_size, hidden_size, bias, **options)

    def _step(self, x: Tensor, state: Any) -> Tensor:
        w, u, b, v = self._parameters_in_order()
        return rnn_cell(x, state, w, u, b, v, self.nonlinearity)
