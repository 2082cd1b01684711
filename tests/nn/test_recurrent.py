"""Recurrent layers: against PyTorch, against single steps, rows that stand alone, lengths, options, bad input."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.errors import DTypeError, ShapeError

KINDS = ["RNN", "LSTM", "GRU"]
CELLS = {"RNN": nn.RNNCell, "LSTM": nn.LSTMCell, "GRU": nn.GRUCell}
RNG = np.random.default_rng(0)


def drawn(*shape):
    return RNG.normal(size=shape)


def same(found, expected):
    """Equal bits; of the reference backend, whose products depend on the rows beside, nearly equal numbers."""
    bound = 0 if mg.kernels.backend() == "native" else 1e-13
    np.testing.assert_allclose(found, expected, rtol=bound, atol=bound)


def both(state):
    return state if isinstance(state, tuple) else (state,)


def layer(kind, *sizes, seed=0, **options):
    mg.manual_seed(seed)
    return getattr(nn, kind)(*sizes, dtype="float64", **options)


def copied_to_cell(model):
    """A cell with the weights of the layer's first layer."""
    cell = CELLS[type(model).__name__](model.input_size, model.hidden_size, dtype="float64")
    cell.load_state_dict({name.removesuffix("_l0"): w for name, w in model.state_dict().items() if "_l0" in name})
    return cell


@pytest.mark.parametrize("kind", KINDS)
def test_a_layer_is_its_cell_step_after_step(kind):
    model = layer(kind, 3, 4)
    cell, x, state = copied_to_cell(model), mg.tensor(drawn(5, 2, 3)), None
    output, last = model(x)
    for t in range(5):
        state = cell(x[t], state)
        same(output.data[t], both(state)[0].data)
    for a, b in zip(both(last), both(state), strict=True):
        same(a.data[0], b.data)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("bidirectional", [False, True])
def test_a_row_with_a_length_is_the_row_alone(kind, bidirectional):
    model = layer(kind, 3, 4, num_layers=2, bidirectional=bidirectional)
    x, lengths = drawn(5, 3, 3), [5, 1, 3]
    padded = mg.tensor(x, requires_grad=True)
    output, last = model(padded, lengths=lengths)
    for r, n in enumerate(lengths):
        alone, end = model(mg.tensor(x[:n, r : r + 1]))
        same(output.data[:n, r], alone.data[:, 0])
        assert not output.data[n:, r].any()
        for a, b in zip(both(last), both(end), strict=True):
            same(a.data[:, r], b.data[:, 0])
    mg.sum(output * output).backward()
    for r, n in enumerate(lengths):
        assert not padded.grad.data[n:, r].any()
        assert padded.grad.data[:n, r].all()


@pytest.mark.parametrize("kind", KINDS)
def test_rows_of_a_batch_do_not_see_each_other(kind):
    model, x = layer(kind, 3, 4, bidirectional=True), drawn(6, 4, 3)
    expected = model(mg.tensor(x))[0].data[:, 2]
    x[:, [0, 1, 3]] = np.nan
    same(model(mg.tensor(x))[0].data[:, 2], expected)


@pytest.mark.parametrize("kind", KINDS)
def test_batch_first_and_single_sequences(kind):
    x = drawn(5, 2, 3)
    model, turned = layer(kind, 3, 4), layer(kind, 3, 4, batch_first=True)
    output, last = model(mg.tensor(x))
    found, end = turned(mg.tensor(x.transpose(1, 0, 2)))
    same(found.data.transpose(1, 0, 2), output.data)
    for a, b in zip(both(last), both(end), strict=True):
        same(a.data, b.data)
    single, end = model(mg.tensor(x[:, 1]))
    same(single.data, output.data[:, 1])
    assert both(end)[0].shape == (1, 4)


@pytest.mark.parametrize("kind", KINDS)
def test_a_sequence_in_two_pieces(kind):
    model, x = layer(kind, 3, 4, num_layers=2), drawn(6, 2, 3)
    whole, last = model(mg.tensor(x))
    first, state = model(mg.tensor(x[:2]))
    second, end = model(mg.tensor(x[2:]), state)
    same(np.concatenate([first.data, second.data]), whole.data)
    for a, b in zip(both(last), both(end), strict=True):
        same(a.data, b.data)


def test_starts():
    model = layer("LSTM", 3, 16, forget_bias=1.0, recurrent_init="orthogonal")
    assert (model.bias_ih_l0.data[16:32] == 1).all()
    assert not model.bias_hh_l0.data[16:32].any()
    for k in range(4):
        gate = model.weight_hh_l0.data[:, 16 * k : 16 * (k + 1)]
        np.testing.assert_allclose(gate @ gate.T, np.eye(16), atol=1e-14)
    assert not np.allclose(model.weight_hh_l0.data[:, :16], model.weight_hh_l0.data[:, 16:32])
    assert np.abs(model.weight_ih_l0.data).max() <= 0.25
    wide, tall = nn.init.orthogonal((3, 5), "float64", gain=2.0), nn.init.orthogonal((5, 3), "float64")
    np.testing.assert_allclose(wide @ wide.T, 4 * np.eye(3), atol=1e-14)
    np.testing.assert_allclose(tall.T @ tall, np.eye(3), atol=1e-14)
    with pytest.raises(ValueError, match=r"forget_bias is 1\.0; it needs an LSTM with biases"):
        nn.LSTM(3, 4, bias=False, forget_bias=1.0)


def test_dropout_between_layers_and_of_recurrent_weights():
    x = mg.tensor(drawn(5, 2, 3))
    plain = layer("LSTM", 3, 8, num_layers=2)
    dropping = layer("LSTM", 3, 8, num_layers=2, dropout=0.5, variational=True, recurrent_dropout=0.3, seed=0)
    assert dropping.state_dict().keys() - plain.state_dict().keys() == set()
    expected = plain(x)[0].data
    same(dropping.eval()(x)[0].data, expected)
    assert not np.allclose(dropping.train()(x)[0].data, expected)
    mask = dropping.between.last_mask()
    assert mask.shape == (2, 5, 8)
    assert (mask == mask[:, :1]).all(), "one mask for all steps"
    # the recurrent weights of the last layer that the last call dropped get no gradient
    dropping(x)[0].sum().backward()
    lost = dropping.weight_hh_l1.grad.data == 0
    assert 0.1 < lost.mean() < 0.5
    with pytest.raises(ValueError, match="it acts between layers"):
        nn.LSTM(3, 4, dropout=0.5)


@pytest.mark.parametrize(
    ("error", "text", "call"),
    [
        (ShapeError, r"x is \(5, 2, 4\); need \(steps, rows, 3\)", lambda m, x: m(mg.ones(5, 2, 4))),
        (ShapeError, r"input is \(0, 2, 3\)", lambda m, x: m(mg.ones(0, 2, 3))),
        (DTypeError, "input is float32, weight_ih float64", lambda m, x: m(mg.ones(5, 2, 3))),
        (ValueError, r"lengths\[1\] is 0; leave rows without steps out", lambda m, x: m(x, lengths=[2, 0])),
        (ValueError, r"lengths\[0\] is -1; need 1 to 5", lambda m, x: m(x, lengths=[-1, 2])),
        (ValueError, r"lengths\[1\] is 6; need 1 to 5", lambda m, x: m(x, lengths=[5, 6])),
        (ShapeError, r"lengths are \(3,\); need \(2,\)", lambda m, x: m(x, lengths=[1, 2, 3])),
        (DTypeError, "lengths are float64", lambda m, x: m(x, lengths=[1.0, 2.0])),
        (TypeError, "the initial state is 1 tensors; need a pair", lambda m, x: m(x, mg.ones(1, 2, 4))),
        (ShapeError, r"the initial c is \(1, 3, 4\)", lambda m, x: m(x, (mg.ones(1, 2, 4), mg.ones(1, 3, 4)))),
    ],
)
def test_bad_input_is_named_with_the_layer(error, text, call):
    model = nn.ModuleDict({"core": layer("LSTM", 3, 4)})

    class Model(nn.Module):
        def __init__(self):
            self.parts = model

        def forward(self, x):
            return call(self.parts["core"], x)

    with pytest.raises(error, match=text) as caught:
        Model()(mg.tensor(drawn(5, 2, 3)))
    assert "parts.core" in str(caught.value)


def two_by_two(shape, dtype):
    return np.ones((2, 2), dtype)


def test_bad_options():
    for error, text, make in [
        (ValueError, "hidden_size", lambda: nn.LSTM(3, 0)),
        (ValueError, "nonlinearity is 'sigmoid'; need 'tanh' or 'relu'", lambda: nn.RNN(3, 4, nonlinearity="sigmoid")),
        (ValueError, "num_layers", lambda: nn.GRU(3, 4, num_layers=0)),
        (ValueError, "recurrent_dropout", lambda: nn.GRU(3, 4, recurrent_dropout=1.5)),
        (ShapeError, r"init returned \(2, 2\); need \(4, 4\)", lambda: nn.GRU(3, 4, recurrent_init=two_by_two)),
    ]:
        with pytest.raises(error, match=text):
            make()


@pytest.mark.peers
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(8))
def test_agreement_with_pytorch(kind, seed):
    """Outputs, states and all gradients over layers, directions, batch_first, lengths, initial states and biases."""
    torch = pytest.importorskip("torch", reason="needs torch: minigrad[peers]")
    rng = np.random.default_rng(seed)
    features, width, layers, steps, rows = (int(rng.integers(1, 5)) for _ in range(5))
    on = lambda: bool(rng.integers(2))
    options = {"num_layers": layers, "batch_first": on(), "bidirectional": on(), "bias": on()}
    if kind == "RNN":
        options["nonlinearity"] = ["tanh", "relu"][seed % 2]
    ours, theirs = layer(kind, features, width, **options), getattr(torch.nn, kind)(features, width, **options).double()
    ours.load_state_dict({n: np.ascontiguousarray(w.detach().numpy().T) for n, w in theirs.named_parameters()})
    x = rng.normal(size=(rows, steps, features) if options["batch_first"] else (steps, rows, features))
    directions = 1 + options["bidirectional"]
    first = [rng.normal(size=(layers * directions, rows, width)) for _ in range(2 if kind == "LSTM" else 1)]
    lengths = None if seed % 3 == 0 else [steps, *rng.integers(1, steps + 1, rows - 1).tolist()]
    a, b = mg.tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
    mine, his = [mg.tensor(s, requires_grad=True) for s in first], [torch.tensor(s, requires_grad=True) for s in first]
    output, last = ours(a, tuple(mine) if kind == "LSTM" else mine[0], lengths=lengths)
    given = b
    if lengths is not None:
        pack = torch.nn.utils.rnn.pack_padded_sequence
        given = pack(b, lengths, batch_first=options["batch_first"], enforce_sorted=False)
    wanted, end = theirs(given, tuple(his) if kind == "LSTM" else his[0])
    if lengths is not None:
        wanted, _ = torch.nn.utils.rnn.pad_packed_sequence(wanted, batch_first=options["batch_first"])
    loss, their_loss = mg.sum(output * output * output), (wanted**3).sum()
    np.testing.assert_allclose(output.data, wanted.detach().numpy(), rtol=1e-12, atol=1e-13)
    for s, t in zip(both(last), both(end), strict=True):
        np.testing.assert_allclose(s.data, t.detach().numpy(), rtol=1e-12, atol=1e-13)
        loss, their_loss = loss + mg.sum(mg.sin(s)), their_loss + torch.sin(t).sum()
    loss.backward()
    their_loss.backward()
    pairs = [(a, b), *zip(mine, his, strict=True)]
    for s, t in pairs:
        np.testing.assert_allclose(s.grad.data, t.grad.numpy(), rtol=1e-11, atol=1e-12)
    for name, w in theirs.named_parameters():
        np.testing.assert_allclose(getattr(ours, name).grad.data, w.grad.numpy().T, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("kind", ["RNNCell", "GRUCell", "LSTMCell"])
def test_a_cell_takes_one_row_without_a_batch(kind, backend):
    """x (features,) and states (width,): the bits of a batch of one."""
    cell = getattr(nn, kind)(3, 4, dtype="float64")
    x, h, c = np.arange(3.0) / 3, np.arange(4.0) / 5, -np.arange(4.0) / 7
    state, rows = ((h, c), (h[None], c[None])) if kind == "LSTMCell" else (h, h[None])
    for one, many in ((None, None), (state, rows)):
        got, expected = both(cell(x, one)), both(cell(x[None], many))
        assert [s.shape for s in got] == [(4,)] * len(expected)
        assert [s.data.tobytes() for s in got] == [s.data.tobytes() for s in expected]
    with pytest.raises(ShapeError, match=rf"{kind} 3->4: the state is \(1, 4\) beside one x \(3,\); need \(4,\)"):
        cell(x, rows)
    with pytest.raises(ShapeError, match=r"x is \(4,\); need \(rows, 3\) or \(3,\)"):
        cell(h)
