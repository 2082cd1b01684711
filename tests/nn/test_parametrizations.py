"""Spectral norm: against the singular value, differences and PyTorch; u and v; replay, checkpoints, copies, removal."""

import copy
import pickle

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim, reg
from minigrad.train import fit

RNG = np.random.default_rng(0)
LAYERS = {
    "Linear": (lambda **o: nn.Linear(5, 4, activation="tanh", **o), (7, 5)),
    "wide": (lambda **o: nn.Linear(3, 8, **o), (7, 3)),
    "Conv1d": (lambda **o: nn.Conv1d(4, 3, 3, stride=2, **o), (2, 4, 9)),
    "Conv2d": (lambda **o: nn.Conv2d(4, 6, 3, groups=2, **o), (2, 4, 6, 6)),
    "ConvTranspose2d": (lambda **o: nn.ConvTranspose2d(3, 4, 3, **o), (2, 3, 4, 4)),
}
each = pytest.mark.parametrize("name", LAYERS)


def made(name, dtype="float64", **options):
    mg.manual_seed(3)
    make, shape = LAYERS[name]
    return nn.spectral_norm(make(dtype=dtype), **options), np.random.default_rng(1).normal(size=shape).astype(dtype)


def matrix(layer):
    """original as PyTorch looks at it: a row for each output."""
    w = layer.parametrizations["weight"].original.data
    dim = layer.parametrizations["weight"].dim
    return np.moveaxis(w, dim, 0).reshape(w.shape[dim], -1)


@each
def test_the_weight_is_divided_by_its_largest_singular_value(backend, name):
    layer, x = made(name, n_power_iterations=2)
    plain = LAYERS[name][0](dtype="float64")
    for _ in range(60):
        y = layer(mg.tensor(x))
    sigma = np.linalg.norm(matrix(layer), 2)
    with mg.no_grad():
        plain.weight.copy_(layer.parametrizations["weight"].original.data / sigma)
        plain.bias.copy_(layer.bias.data)
    np.testing.assert_allclose(layer.weight.data, plain.weight.data, rtol=1e-9)
    np.testing.assert_allclose(y.data, plain(mg.tensor(x)).data, rtol=1e-8, atol=1e-9)


@each
def test_one_pass_makes_one_step_of_the_power_iteration(backend, name):
    layer, x = made(name)
    part, w = layer.parametrizations["weight"], matrix(layer)
    v = part.v.data.copy()
    layer(mg.tensor(x))
    u = w @ v / np.linalg.norm(w @ v)
    v = w.T @ u / np.linalg.norm(w.T @ u)
    np.testing.assert_allclose(part.u.data, u, rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(part.v.data, v, rtol=1e-12, atol=1e-15)
    expected = part.original.data / (u.T @ w @ v)
    np.testing.assert_allclose(layer.weight.data, expected, rtol=1e-12)
    before = part.u.data.copy(), part.v.data.copy()
    _ = layer.weight, layer.eval()(mg.tensor(x)), layer(mg.tensor(x))
    np.testing.assert_array_equal(part.u.data, before[0])  # neither a look nor evaluation moves them
    np.testing.assert_array_equal(part.v.data, before[1])


@each
def test_gradient_by_formula_and_by_differences(backend, name):
    layer, x = made(name)
    layer.eval()
    part = layer.parametrizations["weight"]
    layer.weight  # noqa: B018
    y = mg.square(layer(mg.tensor(x))).sum()
    y.backward()
    found = part.original.grad.data.copy()
    for _ in range(3):
        step = RNG.normal(size=found.shape)
        sides = []
        for sign in (1, -1):
            with mg.no_grad():
                part.original.copy_(part.original.data + sign * 1e-6 * step)
                sides.append(mg.square(layer(mg.tensor(x))).sum().item())
                part.original.copy_(part.original.data - sign * 1e-6 * step)
        assert (sides[0] - sides[1]) / 2e-6 == pytest.approx(float((found * step).sum()), rel=1e-6, abs=1e-7)
    plain = nn.remove_parametrizations(copy.deepcopy(layer))
    mg.square(plain(mg.tensor(x))).sum().backward()
    g, dim = np.moveaxis(plain.weight.grad.data, part.dim, 0), part.dim
    g, w = g.reshape(g.shape[0], -1), matrix(layer)
    sigma = float((part.u.data.T @ w @ part.v.data).item())
    expected = (g - (g * w / sigma).sum() * part.u.data @ part.v.data.T) / sigma
    np.testing.assert_allclose(np.moveaxis(found, dim, 0).reshape(g.shape), expected, rtol=1e-9, atol=1e-11)


def test_second_order(backend):
    layer, x = made("Linear")
    layer.eval()
    part = layer.parametrizations["weight"]
    w = part.original.data.copy()

    def function(w):
        part.__dict__["original"] = w
        return mg.square(layer(mg.tensor(x)))

    assert mg.testing.gradcheck(function, [w])


@pytest.mark.peers
@each
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_as_pytorch(backend, name, dtype):
    torch = pytest.importorskip("torch", reason="compares with PyTorch")
    layer, x = made(name, dtype)
    kind = getattr(torch.nn, "Linear" if name in ("Linear", "wide") else name)
    sizes = {
        "Linear": (5, 4),
        "wide": (3, 8),
        "Conv1d": (4, 3, 3, 2),
        "Conv2d": (4, 6, 3),
        "ConvTranspose2d": (3, 4, 3),
    }
    options = {"groups": 2} if name == "Conv2d" else {}
    theirs = torch.nn.utils.parametrizations.spectral_norm(
        kind(*sizes.get(name, (3, 4, 3)), dtype=getattr(torch, dtype), **options)
    )
    ours, other = layer.parametrizations["weight"], theirs.parametrizations.weight
    turned = (lambda a: a.T.copy()) if name in ("Linear", "wide") else (lambda a: a)
    with torch.no_grad():
        other.original.copy_(torch.tensor(turned(ours.original.data)))
        theirs.bias.copy_(torch.tensor(layer.bias.data))
        other[0]._u.copy_(torch.tensor(ours.u.data[:, 0]))
        other[0]._v.copy_(torch.tensor(ours.v.data[:, 0]))
    bound = 1e-12 if dtype == "float64" else 2e-6
    mine, their = optim.SGD(layer.parameters(), lr=0.02), torch.optim.SGD(theirs.parameters(), lr=0.02)
    for i in range(6):
        layer.train(i != 4)
        theirs.train(i != 4)
        mine.zero_grad()
        their.zero_grad()
        y, z = layer(mg.tensor(x)), theirs(torch.tensor(x))
        z = torch.tanh(z) if name == "Linear" else z
        np.testing.assert_allclose(y.data, z.detach().numpy(), rtol=bound, atol=bound)
        mg.square(y).mean().backward()
        (z * z).mean().backward()
        g = turned(other.original.grad.numpy())
        np.testing.assert_allclose(ours.original.grad.data, g, rtol=10 * bound, atol=bound)
        np.testing.assert_allclose(ours.u.data[:, 0], other[0]._u.numpy(), rtol=bound, atol=bound)
        mine.step()
        their.step()
        np.testing.assert_allclose(
            layer.weight.data, turned(theirs.eval().weight.detach().numpy()), rtol=bound, atol=bound
        )


def network(seed=None):
    mg.manual_seed(4)
    return nn.Sequential(
        nn.spectral_norm(nn.Conv2d(1, 4, 3, activation="relu")),
        nn.Dropout(0.2, seed=seed),
        nn.Flatten(),
        nn.spectral_norm(nn.Linear(144, 3), n_power_iterations=2),
    )


X, Y = RNG.normal(size=(40, 1, 8, 8)).astype(np.float32), np.arange(40) % 3


def bits(model):
    return {name: a.tobytes() for name, a in model.state_dict().items()}


def step_of(model, optimizer):
    def step(x, y):
        optimizer.zero_grad()
        loss = mg.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        return loss

    return step


def test_compiled_equals_eager():
    ends = []
    for compiled in (False, True):
        model = network()
        optimizer = optim.Adam(model.parameters())
        step = step_of(model, optimizer)
        step = mg.compile(step) if compiled else step
        losses = [step(mg.tensor(X[i : i + 5]), mg.tensor(Y[i : i + 5])).item() for i in range(0, 40, 5)]
        if compiled:
            assert all(entry.program is not None for entry in step._entries.values()), "it was replayed"
        ends.append((losses, bits(model)))
    assert ends[0] == ends[1]


@pytest.mark.parametrize("how", ["state", "copy", "pickle"])
def test_training_goes_on_from_a_copy_to_the_bit(how):
    model = network()
    optimizer = optim.Adam(model.parameters())
    step, losses = step_of(model, optimizer), []
    for i in range(0, 40, 5):
        if i == 20:
            streams, held = mg.rng.get_state(), optimizer.state_dict()
            if how == "state":
                other = network()
                mg.rng.set_state(streams)
                other.load_state_dict(model.state_dict())
            else:
                other = copy.deepcopy(model) if how == "copy" else pickle.loads(pickle.dumps(model))
            second = optim.Adam(other.parameters())
            second.load_state_dict(held)
        losses.append(step(mg.tensor(X[i : i + 5]), mg.tensor(Y[i : i + 5])).item())
    mg.rng.set_state(streams)
    again, end = step_of(other, second), bits(model)
    more = [again(mg.tensor(X[i : i + 5]), mg.tensor(Y[i : i + 5])).item() for i in range(20, 40, 5)]
    assert more == losses[4:] and bits(other) == end and bits(model) == end


@pytest.mark.parametrize("compiled", [False, True])
def test_fit_resumes_to_the_bit(tmp_path, compiled):
    def run(epochs, resume=None, keep=None):
        model = network()
        loader = mg.data.Loader(X, Y, 8, seed=1)
        optimizer = optim.Adam(model.parameters())
        more = [mg.train.Checkpoint(keep)] if keep else []
        fit(model, loader, mg.cross_entropy, optimizer, epochs=epochs, callbacks=more, resume=resume, compile=compiled)
        return bits(model)

    whole = run(4)
    run(2, keep=tmp_path / "kept")
    assert run(4, resume=tmp_path / "kept") == whole


def test_a_checkpoint_repeats_u_and_v_and_counts_them_once():
    """Two passes before the backward, as a discriminator has: the first is repeated with the vectors it had."""
    ends = []
    for again in (False, True):
        layer, x = made("Linear")
        ys = [mg.checkpoint(layer, mg.tensor(z)) if again else layer(mg.tensor(z)) for z in (x, x + 1)]
        mg.add(*(mg.square(y).sum() for y in ys)).backward()
        ends.append((bits(layer), layer.parametrizations["weight"].original.grad.data.tobytes()))
    assert ends[0] == ends[1]


def test_a_pass_that_fails_leaves_nothing_behind():
    layer, x = made("Linear")
    with pytest.raises(mg.ShapeError, match=r"Linear .*x is \(7, 4\)"):
        layer(mg.tensor(x[:, :4]))
    part = layer.parametrizations["weight"]
    with mg.no_grad():
        part.original.copy_(part.original.data**2)  # another direction: a factor would be lost
    w = matrix(layer)
    expected = part.original.data / (part.u.data.T @ w @ part.v.data)
    np.testing.assert_allclose(layer.weight.data, expected, rtol=1e-12)
    copy.deepcopy(layer)(mg.tensor(x))


def test_a_recurrent_layer_and_several_weights():
    mg.manual_seed(0)
    layer = nn.LSTM(3, 5)
    for name in ("weight_ih_l0", "weight_hh_l0"):
        nn.spectral_norm(layer, name, n_power_iterations=30)
    layer(mg.ones(4, 2, 3))
    for name in ("weight_ih_l0", "weight_hh_l0"):
        assert np.linalg.norm(getattr(layer, name).data, 2) == pytest.approx(1, abs=1e-4)
    assert len(layer._hooks.before) == len(layer._hooks.after) == 1
    nn.remove_parametrizations(layer, "weight_ih_l0")
    layer(mg.ones(4, 2, 3))
    nn.remove_parametrizations(layer, "weight_hh_l0")
    assert not layer._hooks and list(layer.state_dict()) == list(nn.LSTM(3, 5).state_dict())


@pytest.mark.parametrize("leave", [True, False])
def test_removal(leave):
    layer, x = made("Conv2d")
    original = layer.parametrizations["weight"].original
    optimizer, first = optim.SGD(layer.parameters(), lr=0.1), original.data.copy()
    y = layer(mg.tensor(x))
    assert nn.remove_parametrizations(layer, leave_parametrized=leave) is layer
    assert layer.weight is original and list(layer.state_dict()) == ["weight", "bias"]
    if leave:
        np.testing.assert_array_equal(layer(mg.tensor(x)).data, y.data)
    else:
        np.testing.assert_array_equal(layer.weight.data, first)
    before = layer.weight.data.copy()
    mg.square(layer(mg.tensor(x))).sum().backward()
    optimizer.step()
    assert (layer.weight.data != before).any()


def test_names_and_selectors():
    model = network()
    names = [name for name, _ in model.named_parameters()]
    assert names[1] == "0.parametrizations.weight.original" and len(names) == 4
    assert [name for name, _ in reg.select(model, "*.original")] == [names[1], names[3]]
    model.to("float64")
    assert model[3].weight.dtype == np.float64 and model[3].parametrizations["weight"].u.dtype == np.float64
    assert "SpectralNorm(144x3, n_power_iterations=2)" in repr(model)
    assert not hasattr(model[3], "weigth")
    with pytest.raises(AttributeError, match="'Linear' object has no attribute 'weigth'"):
        _ = model[3].weigth


def test_bad_input():
    layer = nn.spectral_norm(nn.Linear(3, 2))
    with pytest.raises(TypeError, match=r"Linear.weight is computed from parametrizations.weight.original"):
        layer.weight = nn.Parameter(np.ones((3, 2), np.float32))
    with pytest.raises(ValueError, match=r"Linear.weight is divided by its norm already"):
        nn.spectral_norm(layer)
    with pytest.raises(ValueError, match=r"Linear.w is no parameter; there are weight, bias"):
        nn.spectral_norm(nn.Linear(3, 2), "w")
    with pytest.raises(mg.ShapeError, match=r"Linear.bias is \(2,\); need a weight with two dimensions"):
        nn.spectral_norm(layer, "bias")
    with pytest.raises(ValueError, match=r"Linear.weight is all zeros"):
        nn.spectral_norm(nn.Linear(3, 2, init="zeros"))
    with pytest.raises(TypeError, match=r"the layer is .3.; need a Module"):
        nn.spectral_norm("3")
    with pytest.raises(ValueError, match="dim is 2; weight has 2 dimensions"):
        nn.spectral_norm(nn.Linear(3, 2), dim=2)
    with pytest.raises(ValueError, match="n_power_iterations is -1"):
        nn.spectral_norm(nn.Linear(3, 2), n_power_iterations=-1)
    with pytest.raises(ValueError, match=r"Linear.bias is not computed; weight of this layer is"):
        nn.remove_parametrizations(layer, "bias")
    with pytest.raises(ValueError, match=r"Linear.weight is not computed; nothing"):
        nn.remove_parametrizations(nn.Linear(3, 2))
