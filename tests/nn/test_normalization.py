"""Normalization layers: PyTorch's numbers, state, modes, copies; rows that see each other or do not; bad input."""

import copy
import pickle

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn

LAYERS = {  # name -> (make, shape of x)
    "BatchNorm1d": (lambda lib, **o: lib.BatchNorm1d(6, **o), (5, 6)),
    "BatchNorm1d of signals": (lambda lib, **o: lib.BatchNorm1d(6, **o), (5, 6, 7)),
    "BatchNorm1d of one row": (lambda lib, **o: lib.BatchNorm1d(6, **o), (1, 6, 7)),
    "BatchNorm1d average": (lambda lib, **o: lib.BatchNorm1d(6, momentum=None, **o), (5, 6)),
    "BatchNorm1d plain": (lambda lib, **o: lib.BatchNorm1d(6, affine=False, **o), (5, 6)),
    "BatchNorm1d untracked": (lambda lib, **o: lib.BatchNorm1d(6, track_running_stats=False, **o), (5, 6)),
    "BatchNorm2d": (lambda lib, **o: lib.BatchNorm2d(3, eps=1e-3, momentum=0.3, **o), (4, 3, 5, 6)),
    "LayerNorm": (lambda lib, **o: lib.LayerNorm(7, **o), (4, 3, 7)),
    "LayerNorm of two": (lambda lib, **o: lib.LayerNorm((3, 7), **o), (4, 3, 7)),
    "LayerNorm without bias": (lambda lib, **o: lib.LayerNorm(7, bias=False, **o), (4, 7)),
    "LayerNorm plain": (lambda lib, **o: lib.LayerNorm(7, elementwise_affine=False, **o), (7,)),
    "GroupNorm": (lambda lib, **o: lib.GroupNorm(2, 6, **o), (4, 6, 5)),
    "GroupNorm of rows": (lambda lib, **o: lib.GroupNorm(3, 6, **o), (4, 6)),
    "RMSNorm": (lambda lib, **o: lib.RMSNorm(7, **o), (4, 7)),
    "RMSNorm plain": (lambda lib, **o: lib.RMSNorm((3, 7), eps=1e-4, elementwise_affine=False, **o), (4, 3, 7)),
}
each = pytest.mark.parametrize("name", LAYERS)


def made(name, dtype="float64"):
    """A layer with a scale and a shift that are not 1 and 0, and an input."""
    make, shape = LAYERS[name]
    layer, rng = make(nn, dtype=dtype), np.random.default_rng(2)
    with mg.no_grad():
        for p in layer.parameters():
            p.copy_(rng.uniform(0.5, 1.5, p.shape))
    return layer, (3 * np.random.default_rng(1).standard_normal(shape) + 1).astype(dtype)


@pytest.mark.peers
@each
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_as_pytorch(backend, name, dtype):
    torch = pytest.importorskip("torch", reason="compares with PyTorch")
    (layer, x), bound = made(name, dtype), 1e-11 if dtype == "float64" else 2e-5
    theirs = LAYERS[name][0](torch.nn, dtype=getattr(torch, dtype))
    assert list(theirs.state_dict()) == list(layer.state_dict())
    theirs.load_state_dict({key: torch.tensor(value) for key, value in layer.state_dict().items()})
    for step in range(4):
        for module in (layer, theirs):
            module.train(step != 3)
        x = x * 1.5 + step
        own, other = mg.tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
        y, t = layer(own), theirs(other)
        g = np.random.default_rng(step).uniform(0.5, 1.5, y.shape).astype(dtype)
        layer.zero_grad()
        theirs.zero_grad()
        y.backward(mg.tensor(g))
        t.backward(torch.tensor(g))
        pairs = [(y.data, t.detach()), (own.grad.data, other.grad)]
        pairs += [(a, b) for a, b in zip(layer.state_dict().values(), theirs.state_dict().values())]
        pairs += [(a.grad.data, b.grad) for a, b in zip(layer.parameters(), theirs.parameters())]
        for mine, their in pairs:
            their = their.numpy()
            np.testing.assert_allclose(mine, their, rtol=bound, atol=bound * max(1, np.abs(their).max()))
            assert mine.dtype == their.dtype


@each
def test_what_comes_out_has_mean_0_and_variance_1(backend, name):
    layer, x = made(name)
    with mg.no_grad():
        for p, start in ((layer.weight, 1.0), (layer.bias, 0.0)):
            if p is not None:
                p.copy_(np.full(p.shape, start))
    y = layer(x).data
    if isinstance(layer, (nn.LayerNorm, nn.RMSNorm)):
        axes = tuple(range(y.ndim - len(layer.normalized_shape), y.ndim))
    elif isinstance(layer, nn.GroupNorm):
        y, axes = y.reshape(len(y), layer.num_groups, -1), (2,)
    else:
        axes = (0, *range(2, y.ndim))
    if not isinstance(layer, nn.RMSNorm):
        np.testing.assert_allclose(y.mean(axes), 0, atol=1e-12)
    np.testing.assert_allclose(np.square(y).mean(axes), 1, atol=2e-3)


def seen_by(layer, x, i):
    """Which rows of the output change when row i of x does."""
    other = x.copy()
    other[i] += np.linspace(1, 2, x[i].size).reshape(x[i].shape)
    a, b = layer(x).data, layer(other).data
    return {row for row in range(len(x)) if (a[row] != b[row]).any()}


@each
def test_only_batch_norm_in_training_mixes_rows(backend, name):
    layer, x = made(name)
    if x.ndim == 1 or len(x) < 2:
        return
    batch = name.startswith("BatchNorm")
    for i in range(len(x)):
        assert seen_by(layer, x, i) == (set(range(len(x))) if batch else {i})
        if "untracked" not in name:
            layer.eval()
            assert seen_by(layer, x, i) == {i}
            layer.train()


def test_the_bits_of_a_row_do_not_depend_on_the_batch(backend):
    for name, (_, shape) in LAYERS.items():
        layer, x = made(name, "float32")
        layer(np.concatenate([x, x]) if len(shape) > 1 else x)
        layer.eval()
        if "untracked" in name or len(shape) == 1:
            continue
        whole = layer(x).data
        for i in range(len(x)):
            np.testing.assert_array_equal(layer(x[i : i + 1]).data, whole[i : i + 1])


def test_running_moments_by_hand(backend):
    layer = nn.BatchNorm1d(2, momentum=0.25, dtype="float64")
    layer(np.array([[1.0, 10.0], [3.0, 30.0], [5.0, 80.0]]))
    np.testing.assert_allclose(layer.running_mean.data, [0.75, 10.0], rtol=1e-15)
    np.testing.assert_allclose(layer.running_var.data, [0.75 + 0.25 * 4, 0.75 + 0.25 * 1300], rtol=1e-15)
    assert layer.num_batches_tracked.item() == 1
    layer.reset_running_stats()
    assert layer.running_mean.tolist() == [0, 0] and layer.running_var.tolist() == [1, 1]
    assert layer.num_batches_tracked.item() == 0
    average = nn.BatchNorm1d(1, momentum=None)
    for value in (1.0, 2.0, 6.0):
        average(mg.tensor([[value], [value]]))
    assert average.running_mean.tolist() == [3.0] and average.running_var.tolist() == [0.0]


def test_moments_are_state(backend, tmp_path):
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 1))
    x = np.random.default_rng(0).standard_normal((8, 3)).astype(np.float32)
    for _ in range(3):
        model(x)
    assert model.training and [name for name, _ in model.named_buffers()] == [
        f"1.{name}" for name in ("running_mean", "running_var", "num_batches_tracked")
    ]
    expected = model.predict(x)
    assert model.training and model[1].num_batches_tracked.item() == 3  # predict leaves the moments alone
    mg.save(tmp_path / "model.safetensors", model)
    fresh = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 1))
    fresh.load_state_dict(mg.load(tmp_path / "model.safetensors"))
    for twin in (fresh, copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert (twin.predict(x) == expected).all() and twin[1].num_batches_tracked.item() == 3
        twin(x)
    assert model[1].num_batches_tracked.item() == 3
    assert model.to("float64")[1].running_mean.dtype == np.float64
    model(x.astype(np.float64))


def test_moments_are_written_once_and_graphs_know(backend):
    layer = nn.BatchNorm1d(2)
    x = mg.tensor([[1.0, 2.0], [3.0, 5.0]])
    y = layer(x)
    layer(x * 2)
    y.sum().backward()  # the second batch wrote the moments, which the first graph does not read
    layer.eval()
    y = layer(x)
    layer.train()(x)
    y.sum().backward()  # a graph of evaluation has copies of its moments
    assert layer.weight.grad is not None and not layer.running_mean.requires_grad


def test_a_batch_of_one_value_per_channel_cannot_train(backend):
    model = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))
    for rows, what in ((1, "one value"), (0, "no value")):
        with pytest.raises(
            mg.ShapeError, match=rf"model\.1 \(BatchNorm1d 2\): batch_norm: x is \({rows}, 2\), {what} for each channel"
        ):
            model(mg.zeros(rows, 3))
        assert model[1].num_batches_tracked.item() == 0
        assert model.eval()(mg.zeros(rows, 3)).shape == (rows, 2)
        model.train()
    assert nn.BatchNorm1d(2)(mg.rand(1, 2, 3)).shape == (1, 2, 3)


def test_bad_input_is_named():
    x = mg.zeros(4, 3)
    for layer, given, error, text in [
        (nn.BatchNorm1d(4), x, mg.ShapeError, r"BatchNorm1d 4: x is \(4, 3\); need \(rows, 4\) or \(rows, 4, length\)"),
        (nn.BatchNorm1d(3), mg.zeros(3), mg.ShapeError, r"x is \(3,\); need \(rows, 3\)"),
        (nn.BatchNorm2d(3), x, mg.ShapeError, r"need \(rows, 3, height, width\)"),
        (nn.LayerNorm(4), x, mg.ShapeError, r"LayerNorm 4: layer_norm: x is \(4, 3\); need \(\.\.\., 4\)"),
        (nn.RMSNorm((2, 4)), x, mg.ShapeError, r"rms_norm: x is \(4, 3\); need \(\.\.\., 2, 4\)"),
        (nn.GroupNorm(2, 4), x, mg.ShapeError, r"GroupNorm 2 groups of 2: x is \(4, 3\); need \(rows, 4, \.\.\.\)"),
        (nn.LayerNorm(3), mg.tensor([[1, 2, 3]], dtype="int64"), mg.DTypeError, "need float32 or float64"),
        (nn.LayerNorm(3), x.double(), mg.DTypeError, r"x is float64, weight float32; need one dtype: use x\.to"),
        (nn.BatchNorm1d(3), x.double(), mg.DTypeError, "x is float64, weight float32"),
        (nn.BatchNorm1d(3, affine=False), x.double(), mg.DTypeError, "the running mean or variance float32"),
    ]:
        with pytest.raises(error, match=text):
            layer(given)
    for make, text in [
        (lambda: nn.BatchNorm1d(0), "BatchNorm1d: num_features is 0; need at least 1"),
        (lambda: nn.BatchNorm2d(3, momentum=2), "BatchNorm2d: momentum is 2; need"),
        (lambda: nn.BatchNorm1d(3, eps=-1), "BatchNorm1d: eps is -1; need"),
        (lambda: nn.GroupNorm(2, 3), "num_channels is 3, num_groups 2; need groups of equally many"),
        (lambda: nn.LayerNorm(0), "LayerNorm: normalized_shape is 0"),
    ]:
        with pytest.raises(ValueError, match=text):
            make()
    with pytest.raises(mg.ShapeError, match="normalized_shape is empty"):
        nn.LayerNorm(())
    with pytest.raises(ValueError, match="evaluation needs running_mean and running_var"):
        mg.batch_norm(x, None, None)
    with pytest.raises(mg.GraphError, match="a running mean or variance requires grad"):
        mg.batch_norm(x, nn.Parameter([0.0] * 3), mg.ones(3), training=True)


def test_texts():
    assert repr(nn.BatchNorm1d(3)) == "BatchNorm1d(3)"
    assert repr(nn.BatchNorm2d(3, eps=0.1, momentum=None, affine=False, track_running_stats=False)) == (
        "BatchNorm2d(3, eps=0.1, momentum=None, not affine, no running moments)"
    )
    assert repr(nn.LayerNorm((2, 3), elementwise_affine=False)) == "LayerNorm((2, 3), not affine)"
    assert repr(nn.GroupNorm(2, 6)) == "GroupNorm(2 groups of 3)"


def test_training_with_it_finds_what_it_should(backend):
    """Features on scales of 1e-3 and 1e3: with batch norm plain descent separates the classes."""
    rng = np.random.default_rng(0)
    x = (rng.standard_normal((200, 2)) * [1e-3, 1e3] + [0.0, 5e3]).astype(np.float32)
    y = (x[:, 0] > 0).astype(np.int64)
    mg.manual_seed(0)
    model = nn.Sequential(nn.BatchNorm1d(2), nn.Linear(2, 2))
    mg.train.fit(
        model,
        mg.data.Dataset(x, y),
        mg.cross_entropy,
        optimizer=mg.optim.SGD(model.parameters(), lr=0.5),
        epochs=60,
        batch_size=50,
    )
    assert (model.predict(x).argmax(1) == y).mean() > 0.97
