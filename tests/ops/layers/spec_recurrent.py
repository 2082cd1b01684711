"""Specs of ops/layers/recurrent.py and recurrence.py."""

import numpy as np
from hypothesis import strategies as st
from ops.specs import Spec, values

import minigrad as mg
from minigrad.ops.layers import recurrence

GATES = {"rnn": 1, "lstm": 4, "gru": 3}
STATES = {"rnn": 1, "lstm": 2, "gru": 1}


@st.composite
def sizes(draw):
    """(steps, rows, features, width, lengths, seed)"""
    steps, rows, seed = draw(st.sampled_from([2, 1, 3])), draw(st.integers(1, 2)), draw(st.integers(0, 99))
    lengths = np.random.default_rng(seed).integers(1, steps + 1, rows) if draw(st.booleans()) else None
    if lengths is not None:
        lengths[0] = steps  # PyTorch's packed sequences end with the longest row
    return steps, rows, draw(st.integers(1, 2)), 1 if steps > 2 else draw(st.integers(1, 2)), lengths, seed


@st.composite
def sequences(draw, kind):
    """Input, state, weights and biases, or none."""
    steps, rows, features, width, lengths, seed = draw(sizes())
    n = GATES[kind] * width
    shapes = [(steps, rows, features), *[(rows, width)] * STATES[kind], (features, n), (width, n)]
    shapes += [(n,), (n,)] * draw(st.booleans())
    arrays = [values(shape, seed + i, -1.0, 1.0) for i, shape in enumerate(shapes)]
    options = {"kind": kind, "lengths": lengths, "reverse": draw(st.booleans())}
    if kind == "rnn":
        options["nonlinearity"] = "tanh"
    return arrays, options


def packed(output, state):
    """All that a network returns in one tensor: states behind the output."""
    states = state if isinstance(state, tuple) else (state,)
    return mg.cat([output.reshape(-1, output.shape[-1]), *states])


def parts(kind, arrays):
    """(input, state, weights) of what sequences draws."""
    n = STATES[kind]
    return arrays[0], tuple(arrays[1 : 1 + n]) if n > 1 else arrays[1], arrays[1 + n :]


def network(*arrays, kind, **options):
    x, state, weights = parts(kind, arrays)
    return packed(*getattr(mg, kind)(x, state, *weights, **options))


def their_network(torch, *arrays, kind, lengths, reverse, nonlinearity="tanh"):
    """PyTorch's kernel of one layer in one direction; what runs from the end is turned round before and after."""
    x, state, weights = parts(kind, list(arrays))
    steps, rows, _ = x.shape
    state = state if isinstance(state, tuple) else (state,)
    weights = [w.t() for w in weights]
    ends = [steps] * rows if lengths is None else lengths.tolist()
    outputs, lasts = [], []
    name = {"rnn": "rnn_tanh", "lstm": "lstm", "gru": "gru"}[kind]
    for r, n in enumerate(ends):
        row, own = x[:n, r : r + 1], tuple(s[r : r + 1][None] for s in state)
        row = row.flip(0) if reverse else row
        more = (len(weights) == 4, 1, 0.0, False, False, False)
        output, *last = getattr(torch, name)(row, own if kind == "lstm" else own[0], weights, *more)
        output = output.flip(0) if reverse else output
        outputs.append(torch.cat([output, output.new_zeros((steps - n, *output.shape[1:]))]))
        lasts.append([s[0] for s in last])
    output = torch.cat(outputs, 1)
    return torch.cat([output.reshape(-1, output.shape[-1]), *(torch.cat(s) for s in zip(*lasts))])


@st.composite
def steps_of_one(draw, kind):
    arrays, _ = draw(sequences(kind))
    return [arrays[0][0], *arrays[1:]], {"kind": kind}


def cell(*arrays, kind):
    x, state, weights = parts(kind, arrays)
    made = getattr(mg, f"{kind}_cell")(x, state, *weights)
    return mg.cat(list(made)) if kind == "lstm" else made


def their_cell(torch, *arrays, kind):
    x, state, weights = parts(kind, list(arrays))
    function = getattr(torch, {"rnn": "rnn_tanh_cell", "lstm": "lstm_cell", "gru": "gru_cell"}[kind])
    made = function(x, state, *(w.t() for w in weights))
    return torch.cat(made) if kind == "lstm" else made


@st.composite
def states(draw, kind, slopes=False):
    """The arguments of an op behind the functions."""
    steps, rows, _, width, lengths, seed = draw(sizes())
    n = GATES[kind] * width
    shapes = [(steps, rows, n), *[(rows, width)] * STATES[kind], (width, n)]
    shapes += [(n,)] * (kind == "gru" and draw(st.booleans()))
    if slopes:
        shapes.insert(0, (steps + STATES[kind], rows, width))
    avoid = (0.0,)
    arrays = [values(shape, seed + i, -1.0, 1.0, avoid) for i, shape in enumerate(shapes)]
    return arrays, {"lengths": lengths, "reverse": draw(st.booleans())} | ({"relu": False} if kind == "rnn" else {})


@st.composite
def rectified(draw):
    """A network of relu whose sums stay away from the kink: all numbers are positive, or those of z far below."""
    arrays, options = draw(states("rnn"))
    z = np.where(arrays[0] > 0, 1 + arrays[0], -9.0)
    return [z, *(np.abs(a) for a in arrays[1:])], {**options, "relu": True}


@st.composite
def kept(draw):
    steps, rows, _, width, lengths, seed = draw(sizes())
    lengths = np.full(rows, steps) if lengths is None else lengths
    return [values((steps, rows, width), seed)], {"lengths": lengths}


SPECS = {
    # The second order of what stands behind these functions is checked on their ops: it takes long.
    **{kind: Spec(network, sequences(kind), their_network, order=1) for kind in GATES},
    **{f"{kind}_cell": Spec(cell, steps_of_one(kind), their_cell, order=1) for kind in GATES},
    "rnn_states": [Spec(recurrence.rnn_states, states("rnn")), Spec(recurrence.rnn_states, rectified())],
    "lstm_states": Spec(recurrence.lstm_states, states("lstm")),
    "gru_states": Spec(recurrence.gru_states, states("gru")),
    "rnn_slopes": Spec(recurrence.rnn_slopes, states("rnn", True), order=1),
    "lstm_slopes": Spec(recurrence.lstm_slopes, states("lstm", True), order=1),
    "gru_slopes": Spec(recurrence.gru_slopes, states("gru", True), order=1),
    "keep_steps": Spec(recurrence.keep_steps, kept()),
}
