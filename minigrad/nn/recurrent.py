"""Recurrent layers: RNN, LSTM and GRU over sequences. Their cells for single steps stand in cells.py."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import kernels as K
from ..checks import finite, whole
from ..engine import Tensor, full
from ..errors import ShapeError
from ..ops.elementwise.arithmetic import mul, sub
from ..ops.layers.recurrence import keep_steps
from ..ops.layers.recurrent import as_lengths, gru, gru_cell, lstm, lstm_cell, rnn, rnn_cell
from ..ops.regularize.dropout import dropout as dropped
from ..ops.shape.join import concatenate, stack
from ..ops.shape.slices import view
from ..ops.shape.views import permute, unsqueeze
from ..tensor import tensor
from .cells import Weights, checked_nonlinearity
from .dropout.channels import VariationalDropout
from .dropout.dropout import Dropout
from .dropout.random_layer import RandomLayer
from .dropout.zoneout import Zoneout, mixed


class WeightDropout(RandomLayer):
    """What a recurrent layer with recurrent_dropout does to its weight_hh in training: entries dropped, once a call."""

    def __init__(self, p: float, seed: int | None = None) -> None:
        super().__init__(seed)
        self.p = finite(p, "recurrent_dropout (the share of recurrent weights that is dropped)", 0.0, 1.0)

    def forward(self, weight: Tensor) -> Tensor:
        if not self.training:
            return weight
        key, stream = self.draw()
        return dropped(weight, p=self.p, key=key, stream=stream, scale=1 / (1 - self.p) if self.p < 1 else 0.0)

    def extra_repr(self) -> str:
        return f"p={self.p:g}"


class _Recurrent(Weights):
    """What RNN, LSTM and GRU share."""

    states = 1

    def _set_up(
        self, sizes: tuple[Any, ...], num_layers: Any, batch_first: bool, bidirectional: bool, drops: dict[str, Any]
    ) -> None:
        who = type(self).__name__
        self.set_sizes(*sizes)
        self.num_layers = whole(num_layers, f"{who}: num_layers", 1)
        self.batch_first, self.bidirectional = bool(batch_first), bool(bidirectional)
        self.dropout = finite(drops["dropout"], f"{who}: dropout (the share that is dropped between layers)", 0.0, 1.0)
        share = finite(drops["recurrent_dropout"], f"{who}: recurrent_dropout", 0.0, 1.0)
        if self.dropout > 0 and self.num_layers == 1:
            raise ValueError(f"{who}: dropout is {self.dropout:g} for one layer; it acts between layers: num_layers=2")
        self._endings = [
            f"_l{k}{end}" for k in range(self.num_layers) for end in ("", "_reverse")[: 1 + self.bidirectional]
        ]
        for i, ending in enumerate(self._endings):
            wide = self.hidden_size * (1 + self.bidirectional)
            self.draw_parameters(self.input_size if i <= self.bidirectional else wide, ending)
        self.between = self.weight_dropout = None
        if self.dropout > 0:
            kind = VariationalDropout if drops["variational"] else Dropout
            self.between = kind(self.dropout, seed=drops["seed"])
        if share > 0:
            self.weight_dropout = WeightDropout(share, None if drops["seed"] is None else drops["seed"] + 1)
        self._set_zoneout(drops["zoneout"], drops["seed"])

    def _set_zoneout(self, given: Any, seed: int | None) -> None:
        """A Zoneout for each state, if there is one that stays with a probability above 0."""
        who, names = f"{type(self).__name__}: zoneout", ("zoneout_hidden", "zoneout_cell")[: self.states]
        self.zoneout_hidden = self.zoneout_cell = None
        shares = tuple(given) if isinstance(given, (tuple, list)) else (given,) * self.states
        if len(shares) != self.states:
            need = "a share, or (that of h, that of c)" if self.states > 1 else "one share, of h"
            raise ValueError(f"{who} is {given!r}; need {need}")
        found = [finite(p, f"{who} (the share of units that stay as they were)", 0.0, 1.0) for p in shares]
        for i, (name, p) in enumerate(zip(names, found)):
            if any(found):
                setattr(self, name, Zoneout(p, None if seed is None else seed + 2 + i))

    def forward(self, x: Any, state: Any = None, lengths: Any = None) -> Any:
        x, single = self._input(x, lengths)
        first = self._initial(state, x.array.shape[1], single)
        lasts: list[tuple[Tensor, ...]] = []
        for k in range(self.num_layers):
            if k > 0 and self.between is not None:
                x = self._drop(x)
            outputs = []
            for reverse in (False, True)[: 1 + self.bidirectional]:
                i = len(lasts)
                own = None if first is None else tuple(view(s, index=(i,)) for s in first)
                output, last = self._one(x, own, self._endings[i], lengths, reverse)
                outputs.append(output)
                lasts.append(last)
            x = outputs[0] if len(outputs) == 1 else concatenate(*outputs, dim=2)
        ends = tuple(stack(states) for states in zip(*lasts))
        if single:
            x, ends = view(x, index=(slice(None), 0)), tuple(view(s, index=(slice(None), 0)) for s in ends)
        elif self.batch_first:
            x = permute(x, dims=(1, 0, 2))
        return x, ends if self.states > 1 else ends[0]

    def _input(self, x: Any, lengths: Any) -> tuple[Tensor, bool]:
        """x as (steps, rows, features), and whether it came as one sequence."""
        x = x if isinstance(x, Tensor) else tensor(x)
        if x.ndim not in (2, 3) or x.array.shape[-1] != self.input_size:
            order = "rows, steps" if self.batch_first else "steps, rows"
            raise ShapeError(f"x is {x.shape}; need ({order}, {self.input_size}), or (steps, {self.input_size})")
        if x.ndim == 3:
            return permute(x, dims=(1, 0, 2)) if self.batch_first else x, False
        if lengths is not None:
            raise ShapeError("lengths go with several rows; x is one sequence, (steps, features)")
        return unsqueeze(x, 1), True

    def _drop(self, x: Tensor) -> Tensor:
        assert self.between is not None
        if not isinstance(self.between, VariationalDropout):
            return self.between(x)
        return permute(self.between(permute(x, dims=(1, 0, 2))), dims=(1, 0, 2))

    def _initial(self, state: Any, rows: int, single: bool) -> tuple[Tensor, ...] | None:
        """The states before the first step, (layers directions, rows, hidden_size) each; None for zeros."""
        if state is None:
            return None
        given = state if isinstance(state, (tuple, list)) else (state,)
        if len(given) != self.states:
            need = "a pair (h, c)" if self.states > 1 else "one tensor h"
            raise TypeError(f"the initial state is {len(given)} tensors; need {need}")
        want, found = (len(self._endings), rows, self.hidden_size), []
        for name, s in zip("hc", given):
            s = s if isinstance(s, Tensor) else tensor(s)
            s = unsqueeze(s, 1) if single and s.ndim == 2 else s
            if s.array.shape != want:
                raise ShapeError(
                    f"the initial {name} is {s.shape}; need {want}, (layers · directions, rows, hidden_size)"
                )
            found.append(s)
        return tuple(found)

    def _one(
        self, x: Tensor, state: tuple[Tensor, ...] | None, ending: str, lengths: Any, reverse: bool
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Output and last states of one layer in one direction."""
        w, u, b, v = (getattr(self, name + ending, None) for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"))
        if self.weight_dropout is not None:
            u = self.weight_dropout(u)
        if self.zoneout_hidden is not None:
            return self._zoned(x, state, (w, u, b, v), lengths, reverse)
        output, last = self._sequence(x, state, (w, u, b, v), {"lengths": lengths, "reverse": reverse})
        return output, last if isinstance(last, tuple) else (last,)

    def _zoned(
        self, x: Tensor, state: tuple[Tensor, ...] | None, weights: Any, lengths: Any, reverse: bool
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """_one with zoneout: a cell for each step, behind which units of its states stay as they were."""
        (steps, rows), dtype = x.array.shape[:2], weights[1].array.dtype
        zones: list[Any] = [self.zoneout_hidden, self.zoneout_cell][: self.states]
        shares = [zone.shares(rows, steps, self.hidden_size, dtype) for zone in zones]
        ends = as_lengths(type(self).__name__.lower(), lengths, rows, steps)
        if ends is not None:  # behind its end a row takes nothing new
            on = keep_steps(full(Tensor(K.empty((steps, rows, 1), np.dtype(dtype))), 1.0), lengths=ends)
            for of_state in shares:
                for t, (_, new) in enumerate(of_state):
                    new = mul(view(on, index=(t,)), new)
                    of_state[t] = sub(1.0, new), new
        zeros = full(Tensor(K.empty((rows, self.hidden_size), np.dtype(dtype))), 0.0)
        now = (zeros,) * self.states if state is None else state
        outputs: list[Any] = [None] * steps
        for t in reversed(range(steps)) if reverse else range(steps):
            new = self._cell(view(x, index=(t,)), now, weights)
            now = tuple(mixed(n, before, of_state[t]) for n, before, of_state in zip(new, now, shares))
            outputs[t] = now[0]
        output = stack(outputs)
        return output if ends is None else keep_steps(output, lengths=ends), now

    def _cell(self, x: Tensor, state: tuple[Tensor, ...], weights: Any) -> tuple[Tensor, ...]:
        """The states after one step, by the function of its kind."""
        raise NotImplementedError(f"{type(self).__name__} defines no _cell()")

    def _sequence(self, x: Tensor, state: Any, weights: Any, options: dict[str, Any]) -> Any:
        """Output and last state of one direction of one layer, by the function of its kind."""
        raise NotImplementedError(f"{type(self).__name__} defines no _sequence()")

    def extra_repr(self) -> str:
        text = super().extra_repr() + (f", {self.num_layers} layers" if self.num_layers > 1 else "")
        text += ", batch_first" if self.batch_first else ""
        return text + (", bidirectional" if self.bidirectional else "")


class LSTM(_Recurrent):
    """Layers of long short-term memory: x (steps, rows, input_size) to (output, (h, c)), as PyTorch's.

    output is (steps, rows, hidden_size), of two directions (steps, rows, 2 hidden_size); with batch_first x and output
    are (rows, steps, ...). h and c are the last states of all layers and directions, (layers · directions, rows,
    hidden_size). A call takes the states before the first step (None: zeros), and lengths (rows,), how many steps each
    row has: behind its end output is 0 and the states stay. x (steps, input_size) is one sequence; formula: mg.lstm.

    weight_ih_l0 …   (in, 4 hidden_size), gate after gate i f g o; weight_hh_l0 (hidden_size, 4 hidden_size), bias_ih_l0
                     and bias_hh_l0 (4 hidden_size); of layer 1 "_l1", of the way back "_reverse" behind it. PyTorch's
                     weights are these transposed.
    dropout          between layers, in training; variational: one mask for all steps (VariationalDropout)
    recurrent_dropout  drops entries of weight_hh in training, once for each call, layer and direction
    zoneout          units of h, and of c, that stay as they were at each step (nn.Zoneout): one share, or (of h, of c);
                     the new h is made of the new c before any of it stays. Steps are then taken one at a time.
    init, recurrent_init  of weight_ih and weight_hh, a gate at a time: functions of minigrad.nn.init or their names;
                     None, and biases: uniform in ±1/√hidden_size, as PyTorch's. "orthogonal" suits recurrent_init.
    forget_bias      what the forget gate's bias starts from (1 lets a network remember from the start); None: as others
    seed             of the dropouts, as in Dropout
    errors           ShapeError, DTypeError, TypeError, ValueError with the layer's path: sizes, states, lengths below 1
                     or beyond the steps

    source    Hochreiter, Schmidhuber 1997, Long short-term memory; forget_bias: Jozefowicz, Zaremba, Sutskever 2015, An
              empirical exploration of recurrent network architectures; variational: Gal, Ghahramani 2016, A
              theoretically grounded application of dropout in recurrent neural networks; recurrent_dropout:
              Merity, Keskar, Socher 2018, Regularizing and optimizing LSTM language models; zoneout: Krueger and
              others 2017, Zoneout: regularizing RNNs by randomly preserving hidden activations

    >>> import minigrad as mg
    >>> layer = mg.nn.LSTM(3, 8, num_layers=2, batch_first=True)
    >>> output, (h, c) = layer(mg.ones(5, 7, 3), lengths=[7, 7, 4, 2, 1])
    >>> output.shape, h.shape, layer.weight_hh_l1.shape
    ((5, 7, 8), (2, 5, 8), (8, 32))
    """

    gates, states = 4, 2

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        variational: bool = False,
        recurrent_dropout: float = 0.0,
        zoneout: float | tuple[float, float] = 0.0,
        init: str | Callable[..., Any] | None = None,
        recurrent_init: str | Callable[..., Any] | None = None,
        forget_bias: float | None = None,
        dtype: Any = "float32",
        seed: int | None = None,
    ) -> None:
        sizes = (input_size, hidden_size, bias, init, recurrent_init, forget_bias, dtype)
        drops: dict[str, Any] = {"dropout": dropout, "variational": variational, "recurrent_dropout": recurrent_dropout}
        drops |= {"zoneout": zoneout, "seed": seed}
        self._set_up(sizes, num_layers, batch_first, bidirectional, drops)

    def _sequence(self, x: Tensor, state: Any, weights: Any, options: dict[str, Any]) -> Any:
        return lstm(x, state, *weights, **options)

    def _cell(self, x: Tensor, state: tuple[Tensor, ...], weights: Any) -> tuple[Tensor, ...]:
        return lstm_cell(x, state, *weights)


class GRU(_Recurrent):
    """Layers of gated recurrent units: x (steps, rows, input_size) to (output, h). Arguments and shapes as LSTM's, with
    3 gates r u n in place of 4, and without c. Formula: mg.gru.

    source    Cho and others 2014, Learning phrase representations using RNN encoder-decoder

    >>> import minigrad as mg
    >>> output, h = mg.nn.GRU(3, 8, bidirectional=True)(mg.ones(7, 5, 3))
    >>> output.shape, h.shape
    ((7, 5, 16), (2, 5, 8))
    """

    gates = 3

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        variational: bool = False,
        recurrent_dropout: float = 0.0,
        zoneout: float = 0.0,
        init: str | Callable[..., Any] | None = None,
        recurrent_init: str | Callable[..., Any] | None = None,
        dtype: Any = "float32",
        seed: int | None = None,
    ) -> None:
        drops: dict[str, Any] = {"dropout": dropout, "variational": variational, "recurrent_dropout": recurrent_dropout}
        drops |= {"zoneout": zoneout, "seed": seed}
        sizes = (input_size, hidden_size, bias, init, recurrent_init, None, dtype)
        self._set_up(sizes, num_layers, batch_first, bidirectional, drops)

    def _sequence(self, x: Tensor, state: Any, weights: Any, options: dict[str, Any]) -> Any:
        return gru(x, None if state is None else state[0], *weights, **options)

    def _cell(self, x: Tensor, state: tuple[Tensor, ...], weights: Any) -> tuple[Tensor, ...]:
        return (gru_cell(x, state[0], *weights),)


class RNN(_Recurrent):
    """Plain recurrent layers, h' = f(x W_ih + b_ih + h W_hh + b_hh): x (steps, rows, input_size) to (output, h).

    nonlinearity f is "tanh" or "relu"; other arguments and shapes as LSTM's, with one gate, and without c.

    source    Elman 1990, Finding structure in time; with recurrent_init an identity and relu: Le, Jaitly, Hinton 2015

    >>> import minigrad as mg
    >>> output, h = mg.nn.RNN(3, 8, nonlinearity="relu", recurrent_init="orthogonal")(mg.ones(7, 5, 3))
    >>> output.shape, h.shape
    ((7, 5, 8), (1, 5, 8))
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: str = "tanh",
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        variational: bool = False,
        recurrent_dropout: float = 0.0,
        zoneout: float = 0.0,
        init: str | Callable[..., Any] | None = None,
        recurrent_init: str | Callable[..., Any] | None = None,
        dtype: Any = "float32",
        seed: int | None = None,
    ) -> None:
        self.nonlinearity = checked_nonlinearity("RNN", nonlinearity)
        drops: dict[str, Any] = {"dropout": dropout, "variational": variational, "recurrent_dropout": recurrent_dropout}
        drops |= {"zoneout": zoneout, "seed": seed}
        sizes = (input_size, hidden_size, bias, init, recurrent_init, None, dtype)
        self._set_up(sizes, num_layers, batch_first, bidirectional, drops)

    def _sequence(self, x: Tensor, state: Any, weights: Any, options: dict[str, Any]) -> Any:
        w, u, b, v = weights
        return rnn(x, None if state is None else state[0], w, u, b, v, self.nonlinearity, **options)

    def _cell(self, x: Tensor, state: tuple[Tensor, ...], weights: Any) -> tuple[Tensor, ...]:
        w, u, b, v = weights
        return (rnn_cell(x, state[0], w, u, b, v, self.nonlinearity),)
