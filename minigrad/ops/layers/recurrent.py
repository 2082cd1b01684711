"""rnn, lstm and gru over whole sequences, and their cells, which are sequences of one step."""

from __future__ import annotations

from typing import Any

import numpy as np

from ... import kernels as K
from ...engine import Tensor
from ...errors import DTypeError, ShapeError
from ..elementwise.arithmetic import add
from ..linalg.matmul import affine
from ..shape.axes import check_real, given
from ..shape.slices import view
from ..shape.views import reshape
from .recurrence import ends_of, gru_states, keep_steps, lstm_states, rnn_states

GATES = {"rnn": 1, "lstm": 4, "gru": 3}
NONLINEARITIES = ("tanh", "relu")


def as_lengths(op: str, lengths: Any, rows: int, steps: int) -> np.ndarray | None:
    """lengths as int64 (rows,), checked to be in 1 … steps; None for None."""
    if lengths is None:
        return None
    found = lengths.array if isinstance(lengths, Tensor) else np.asarray(lengths)
    if found.dtype.kind not in "iu":
        raise DTypeError(f"{op}: lengths are {found.dtype}; need integers, the number of steps of each row")
    if found.shape != (rows,):
        raise ShapeError(f"{op}: lengths are {found.shape}; need ({rows},), one for each row")
    for i, n in enumerate(found.tolist()):
        if not 1 <= n <= steps:
            cure = "leave rows without steps out" if n == 0 else f"need 1 to {steps}, the steps of the input"
            raise ValueError(f"{op}: lengths[{i}] is {n}; {cure}")
    return K.contiguous(found) if found.dtype == np.int64 else found.astype(np.int64)


def _weights(op: str, gates: int, x: Tensor, weights: tuple[Any, ...]) -> list[Tensor | None]:
    """[W_ih, W_hh, b_ih, b_hh] of fitting shapes, and of one dtype that x has too, if it has floats."""
    w, u = given(weights[0]), given(weights[1])
    if u.ndim != 2 or u.array.shape[1] != gates * u.array.shape[0]:
        times = "" if gates == 1 else f"{gates} · "
        raise ShapeError(f"{op}: weight_hh is {u.shape}; need (width, {times}width)")
    n = u.array.shape[1]
    if w.array.shape != (x.array.shape[-1], n):
        raise ShapeError(f"{op}: weight_ih is {w.shape}, input {x.shape}; need ({x.array.shape[-1]}, {n})")
    found: list[Tensor | None] = [w, u]
    for name, b in zip(("bias_ih", "bias_hh"), weights[2:]):
        found.append(None if b is None else given(b))
        if b is not None and found[-1].array.shape != (n,):  # type: ignore[union-attr]
            raise ShapeError(f"{op}: {name} is {found[-1].shape}; need ({n},)")  # type: ignore[union-attr]
    check_real(op, w)
    for name, t in zip(("weight_hh", "bias_ih", "bias_hh", "input"), (*found[1:], x)):
        if t is not None and t.array.dtype != w.array.dtype and (name != "input" or t.array.dtype.kind == "f"):
            raise DTypeError(
                f"{op}: {name} is {t.dtype}, weight_ih {w.dtype}; need one dtype: use .to({str(w.dtype)!r})"
            )
    return found


def _state(op: str, name: str, state: Any, shape: tuple[int, int], dtype: np.dtype) -> Tensor:
    """A state before the first step; zeros for None."""
    if state is None:
        zeros = K.empty(shape, dtype)
        K.copy(0.0, zeros)
        return Tensor(zeros)
    t = given(state)
    if t.array.shape != shape:
        raise ShapeError(f"{op}: the initial {name} is {t.shape}; need {shape}, (rows, width)")
    if t.array.dtype != dtype:
        raise DTypeError(f"{op}: the initial {name} is {t.dtype}, the weights {dtype}; use .to({str(dtype)!r})")
    return t


def _first_states(op: str, state: Any, shape: tuple[int, int], dtype: np.dtype) -> list[Tensor]:
    """[h], or [h, c] of an LSTM, before the first step."""
    if not op.startswith("lstm"):
        return [_state(op, "h", state, shape, dtype)]
    if state is not None and not (isinstance(state, (tuple, list)) and len(state) == 2):
        raise TypeError(f"{op}: the initial state is a {type(state).__name__}; need a pair (h, c)")
    return [_state(op, name, s, shape, dtype) for name, s in zip("hc", state or (None, None))]


def _run(
    op: str, input: Any, state: Any, weights: tuple[Any, ...], lengths: Any, reverse: bool, nonlinearity: str = "tanh"
) -> tuple[Tensor, Tensor, Tensor | None]:
    """(output, last h, last c) of a network over a sequence (steps, rows, features)."""
    x, kind = given(input), op.partition("_")[0]
    if x.ndim != 3 or not len(x.array):
        raise ShapeError(f"{op}: input is {x.shape}; need (steps, rows, features), at least one step")
    if nonlinearity not in NONLINEARITIES:
        raise ValueError(f"{op}: nonlinearity is {nonlinearity!r}; need 'tanh' or 'relu'")
    w, u, b, b_hh = _weights(op, GATES[kind], x, weights)
    assert w is not None and u is not None
    (steps, rows, features), (width, n) = x.array.shape, u.array.shape
    options = {"lengths": as_lengths(op, lengths, rows, steps), "reverse": reverse}
    first = _first_states(op, state, (rows, width), w.array.dtype)
    if kind != "gru" and b_hh is not None:
        b = b_hh if b is None else add(b, b_hh)
    z = reshape(affine(reshape(x, shape=(steps * rows, features)), w, b), shape=(steps, rows, n))
    if kind == "lstm":
        y = lstm_states(z, *first, u, **options)
    elif kind == "gru":
        y = gru_states(z, *first, u, b_hh, **options)
    else:
        y = rnn_states(z, *first, u, relu=nonlinearity == "relu", **options)
    output = view(y, index=(slice(0, steps) if reverse else slice(1, steps + 1),))
    if options["lengths"] is not None:
        output = keep_steps(output, lengths=options["lengths"])
    last = view(y, index=(ends_of(steps, reverse)[1],))
    return output, last, view(y, index=(steps + 1,)) if kind == "lstm" else None


def lstm(
    input: Any,
    state: Any,
    weight_ih: Any,
    weight_hh: Any,
    bias_ih: Any = None,
    bias_hh: Any = None,
    lengths: Any = None,
    reverse: bool = False,
) -> tuple[Tensor, tuple[Tensor, Tensor]]:
    """(output, (h, c)) of a long short-term memory over input (steps, rows, features), one layer in one direction.

    With p = input[t] W_ih + b_ih + h W_hh + b_hh, (rows, 4 width) in gate order i f g o:

        i, f, o = σ(p_i), σ(p_f), σ(p_o);  g = tanh(p_g);  c' = f c + i g;  h' = o tanh(c');  output[t] = h'

    state: the pair (h, c) before the first step, (rows, width) each, None for zeros. weight_ih (features, 4 width),
    weight_hh (width, 4 width), the transposes of PyTorch's; bias_ih, bias_hh (4 width,) or None. lengths (rows,): a row
    ends after so many steps, from 1 to all; after its end output is 0, and h and c keep their values. reverse: from the
    last step of each row to the first; output[t] still belongs to input[t].

    errors    ShapeError for shapes that do not fit, DTypeError for several dtypes or lengths that are no integers,
              ValueError for a length outside [1, steps], TypeError for a state that is no pair

    source    Hochreiter, Schmidhuber 1997, Long short-term memory; Gers, Schmidhuber, Cummins 2000, Learning to forget

    >>> import minigrad as mg
    >>> output, (h, c) = mg.lstm(mg.ones(5, 2, 3), None, mg.ones(3, 16), mg.ones(4, 16), lengths=[5, 2])
    >>> output.shape, c.shape, output[4, 1].tolist()
    ((5, 2, 4), (2, 4), [0.0, 0.0, 0.0, 0.0])
    """
    weights = (weight_ih, weight_hh, bias_ih, bias_hh)
    output, h, c = _run("lstm", input, state, weights, lengths, reverse)
    assert c is not None
    return output, (h, c)


def gru(
    input: Any,
    state: Any,
    weight_ih: Any,
    weight_hh: Any,
    bias_ih: Any = None,
    bias_hh: Any = None,
    lengths: Any = None,
    reverse: bool = False,
) -> tuple[Tensor, Tensor]:
    """(output, h) of a gated recurrent unit over input (steps, rows, features), one layer in one direction.

    With a = input[t] W_ih + b_ih and p = h W_hh + b_hh, (rows, 3 width) in gate order r u n (PyTorch writes z for u):

        r, u = σ(a_r + p_r), σ(a_u + p_u);  n = tanh(a_n + r p_n);  h' = n + u (h - n);  output[t] = h'

    weight_ih (features, 3 width), weight_hh (width, 3 width), bias_ih, bias_hh (3 width,) or None; state is h alone, or
    None for zeros; lengths, reverse and errors as lstm's.

    source    Cho and others 2014, Learning phrase representations using RNN encoder-decoder for statistical machine
              translation; r is applied after the product, as in PyTorch and cuDNN

    >>> import minigrad as mg
    >>> output, h = mg.gru(mg.ones(5, 2, 3), None, mg.ones(3, 12), mg.ones(4, 12))
    >>> output.shape, bool((output[-1] == h).data.all())
    ((5, 2, 4), True)
    """
    weights = (weight_ih, weight_hh, bias_ih, bias_hh)
    return _run("gru", input, state, weights, lengths, reverse)[:2]


def rnn(
    input: Any,
    state: Any,
    weight_ih: Any,
    weight_hh: Any,
    bias_ih: Any = None,
    bias_hh: Any = None,
    nonlinearity: str = "tanh",
    lengths: Any = None,
    reverse: bool = False,
) -> tuple[Tensor, Tensor]:
    """(output, h) of a plain recurrent network over input (steps, rows, features), one layer in one direction.

    h' = f(input[t] W_ih + b_ih + h W_hh + b_hh), f the nonlinearity, "tanh" or "relu"; output[t] = h'.

    weight_ih (features, width), weight_hh (width, width), bias_ih, bias_hh (width,) or None; state is h alone, or None
    for zeros; lengths, reverse and errors as lstm's.

    source    Elman 1990, Finding structure in time

    >>> import minigrad as mg
    >>> output, h = mg.rnn(mg.ones(2, 1, 1), None, mg.ones(1, 1), mg.ones(1, 1), nonlinearity="relu")
    >>> output.tolist()
    [[[1.0]], [[2.0]]]
    """
    weights = (weight_ih, weight_hh, bias_ih, bias_hh)
    return _run("rnn", input, state, weights, lengths, reverse, nonlinearity)[:2]


# --- cells -----------------------------------------------------------------------------------------------------------


def _one_step(op: str, input: Any) -> Tensor:
    x = given(input)
    if x.ndim != 2:
        raise ShapeError(f"{op}: input is {x.shape}; need (rows, features)")
    return reshape(x, shape=(1, *x.array.shape))


def lstm_cell(
    input: Any, state: Any, weight_ih: Any, weight_hh: Any, bias_ih: Any = None, bias_hh: Any = None
) -> tuple[Tensor, Tensor]:
    """(h, c) after one step of lstm: input (rows, features), state (h, c) or None for zeros.

    weight_ih (features, 4 width), weight_hh (width, 4 width), bias_ih, bias_hh (4 width,) or None. Errors as for lstm.

    >>> import minigrad as mg
    >>> h, c = mg.lstm_cell(mg.ones(2, 3), None, mg.ones(3, 16), mg.ones(4, 16))
    >>> h.shape, c.shape
    ((2, 4), (2, 4))
    """
    x = _one_step("lstm_cell", input)
    _, h, c = _run("lstm_cell", x, state, (weight_ih, weight_hh, bias_ih, bias_hh), None, False)
    assert c is not None
    return h, c


def gru_cell(
    input: Any, state: Any, weight_ih: Any, weight_hh: Any, bias_ih: Any = None, bias_hh: Any = None
) -> Tensor:
    """h after one step of gru: input (rows, features), state h or None for zeros.

    weight_ih (features, 3 width), weight_hh (width, 3 width), bias_ih, bias_hh (3 width,) or None. Errors as for lstm.

    >>> import minigrad as mg
    >>> mg.gru_cell(mg.ones(2, 3), None, mg.ones(3, 12), mg.ones(4, 12)).shape
    (2, 4)
    """
    x = _one_step("gru_cell", input)
    return _run("gru_cell", x, state, (weight_ih, weight_hh, bias_ih, bias_hh), None, False)[1]


def rnn_cell(
    input: Any,
    state: Any,
    weight_ih: Any,
    weight_hh: Any,
    bias_ih: Any = None,
    bias_hh: Any = None,
    nonlinearity: str = "tanh",
) -> Tensor:
    """h after one step of rnn: input (rows, features), state h or None for zeros.

    weight_ih (features, width), weight_hh (width, width), bias_ih, bias_hh (width,) or None.
    nonlinearity "tanh" or "relu". Errors as for lstm.

    >>> import minigrad as mg
    >>> mg.rnn_cell(mg.ones(2, 3), None, mg.zeros(3, 4), mg.zeros(4, 4), mg.zeros(4)).shape
    (2, 4)
    """
    x = _one_step("rnn_cell", input)
    return _run("rnn_cell", x, state, (weight_ih, weight_hh, bias_ih, bias_hh), None, False, nonlinearity)[1]
