"""Attention: PyTorch's numbers with its weights, masks, order of dimensions, dropout, state; bad input."""

import copy
import pickle

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn


def given(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def taken(layer, theirs):
    """Write PyTorch's state into a layer of the same shape: matrices are transposed."""
    state = {name: value.detach().numpy() for name, value in theirs.state_dict().items()}
    layer.load_state_dict({name: value.T if value.ndim == 2 else value for name, value in state.items()})


CASES = {
    "self": {},
    "batch first": {"batch_first": True},
    "no bias": {"bias": False},
    "other widths": {"kdim": 3, "vdim": 5},
}


@pytest.mark.peers
@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("mask", ["none", "padding", "booleans", "numbers", "heads", "both"])
def test_multihead_as_pytorch(backend, name, mask):
    torch = pytest.importorskip("torch", reason="compares with PyTorch")
    options = CASES[name]
    theirs, layer = torch.nn.MultiheadAttention(8, 2, **options), nn.MultiheadAttention(8, 2, **options)
    if theirs.in_proj_bias is not None:
        torch.nn.init.normal_(theirs.in_proj_bias)
    taken(layer, theirs)
    rows, steps, keys = 3, 4, 4 if name != "other widths" else 6
    shapes = (rows, steps, 8), (rows, keys, options.get("kdim", 8)), (rows, keys, options.get("vdim", 8))
    arrays = [given(*shape, seed=i) for i, shape in enumerate(shapes)]
    if name in ("self", "no bias"):
        arrays = arrays[:1] * 3
    if not options.get("batch_first"):
        arrays = (
            [x.swapaxes(0, 1).copy() for x in arrays]
            if name == "other widths"
            else [arrays[0].swapaxes(0, 1).copy()] * 3
        )
    rng, masks = np.random.default_rng(3), {}
    if mask in ("padding", "both"):
        masks["key_padding_mask"] = rng.random((rows, keys)) < 0.4
        masks["key_padding_mask"][:, 0] = False
    if mask in ("booleans", "both"):
        masks["attn_mask"] = rng.random((steps, keys)) < 0.4
        masks["attn_mask"][:, 0] = False
    if mask == "numbers":
        masks["attn_mask"] = rng.standard_normal((steps, keys)).astype(np.float32)
    if mask == "heads":
        masks["attn_mask"] = rng.standard_normal((rows * 2, steps, keys)).astype(np.float32)
    same = arrays[0] is arrays[1]
    own = [mg.tensor(x, requires_grad=True) for x in (arrays[:1] if same else arrays)]
    other = [torch.tensor(x, requires_grad=True) for x in (arrays[:1] if same else arrays)]
    for average in (True, False):
        y, weights = layer(*own * (3 if same else 1), **masks, average_attn_weights=average)
        t, expected = theirs(
            *other * (3 if same else 1),
            **{key: torch.tensor(value) for key, value in masks.items()},
            average_attn_weights=average,
        )
        np.testing.assert_allclose(y.data, t.detach().numpy(), rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(weights.data, expected.detach().numpy(), rtol=1e-5, atol=1e-6)
    (y * y).sum().backward()
    (t * t).sum().backward()
    for a, b in zip(own, other):
        np.testing.assert_allclose(a.grad.data, b.grad.numpy(), rtol=2e-4, atol=2e-5)
    grads = {key: p.grad.numpy() for key, p in theirs.named_parameters()}
    for key, p in layer.named_parameters():
        want = grads[key].T if p.ndim == 2 else grads[key]
        np.testing.assert_allclose(p.grad.data, want, rtol=2e-4, atol=2e-5)


@pytest.mark.peers
@pytest.mark.parametrize("options", [{}, {"norm_first": True, "activation": "gelu"}, {"batch_first": True}])
def test_encoder_layer_as_pytorch(backend, options):
    torch = pytest.importorskip("torch", reason="compares with PyTorch")
    theirs = torch.nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, **options)
    layer = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, **options)
    assert list(layer.state_dict()) == list(theirs.state_dict())
    taken(layer, theirs)
    x, mask = given(4, 4, 8), np.triu(np.ones((4, 4), bool), 1)
    own, other = mg.tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
    y, t = layer(own, mask), theirs(other, torch.tensor(mask))
    np.testing.assert_allclose(y.data, t.detach().numpy(), rtol=2e-5, atol=2e-6)
    np.testing.assert_allclose(layer(own, is_causal=True).data, y.data, rtol=1e-6)
    (y * y * y).sum().backward()
    (t * t * t).sum().backward()
    np.testing.assert_allclose(own.grad.data, other.grad.numpy(), rtol=1e-3, atol=1e-4)


def test_by_hand(backend):
    """Two equal keys share; a third that fits much better takes all."""
    q, k = mg.tensor([[1.0, 0.0]]), mg.tensor([[0.0, 5.0], [0.0, -5.0], [0.0, 0.0]])
    v = mg.tensor([[3.0], [6.0], [0.0]])
    assert mg.scaled_dot_product_attention(q, k, v).tolist() == [[3.0]]
    sharp = mg.scaled_dot_product_attention(mg.tensor([[0.0, 1.0]]), k, v, scale=100.0)
    assert sharp.tolist() == [[3.0]]
    seen = mg.scaled_dot_product_attention(q, k, v, attn_mask=[[False, True, True]])
    assert seen.tolist() == [[3.0]]
    assert mg.scaled_dot_product_attention(q, k, v, attn_mask=[[False, False, False]]).tolist() == [[0.0]]
    mg.manual_seed(0)
    dropped = mg.scaled_dot_product_attention(q, k, v, dropout_p=1.0)
    assert dropped.tolist() == [[0.0]]
    p = mg.scaled_dot_product_attention(mg.zeros(200, 1), mg.zeros(50, 1), mg.ones(50, 1), dropout_p=0.5)
    assert abs(p.data.mean() - 1) < 0.05 and p.data.std() > 0.05


def test_rows_do_not_see_each_other_and_causal_steps_no_later_ones(backend):
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True).eval()
    x = given(3, 5, 8)
    other = x.copy()
    other[1, 3] += 1
    a, b = (layer(v, is_causal=True).data for v in (x, other))
    changed = (a != b).any(-1)
    expected = np.zeros((3, 5), bool)
    expected[1, 3:] = True
    np.testing.assert_array_equal(changed, expected)
    if backend == "native":
        np.testing.assert_array_equal(layer(x[1:2], is_causal=True).data, a[1:2])


def test_a_single_row_and_no_weights(backend):
    layer = nn.MultiheadAttention(8, 2)
    x = given(5, 8)
    y, weights = layer(x, x, x)
    assert y.shape == (5, 8) and weights.shape == (5, 5)
    np.testing.assert_allclose(weights.data.sum(-1), 1, rtol=1e-6)
    batch = layer(x[:, None], x[:, None], x[:, None], need_weights=False)
    assert batch[1] is None
    np.testing.assert_allclose(batch[0].data[:, 0], y.data, rtol=1e-6)


def test_dropout_draws_in_training_alone(backend):
    mg.manual_seed(1)
    model = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.5, batch_first=True)
    x = given(2, 3, 8)
    assert (model(x).data != model(x).data).any()
    model.eval()
    assert (model(x).data == model(x).data).all()
    assert len([m for m in model.modules() if isinstance(m, nn.Dropout)]) == 4


def test_state_copies_predictions(backend, tmp_path):
    model = nn.Sequential(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), nn.Flatten(), nn.Linear(24, 2))
    x = given(4, 3, 8)
    expected = model.predict(x)
    mg.save(tmp_path / "t.safetensors", model)
    other = nn.Sequential(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), nn.Flatten(), nn.Linear(24, 2))
    other.load_state_dict(mg.load(tmp_path / "t.safetensors"))
    for twin in (other, copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        np.testing.assert_array_equal(twin.predict(x), expected)
    assert "MultiheadAttention 8, 2 heads" in repr(nn.summary(model, (1, 3, 8)))


def test_bad_input_is_named():
    x = mg.zeros(5, 3, 8)
    layer = nn.MultiheadAttention(8, 2)
    for call, error, text in [
        (
            lambda: layer(mg.zeros(5, 3, 7), x, x),
            mg.ShapeError,
            r"8, 2 heads\): query|MultiheadAttention 8, 2 heads: query, key",
        ),
        (lambda: layer(x, mg.zeros(5, 2, 8), mg.zeros(5, 2, 8)), mg.ShapeError, "need equal rows"),
        (lambda: layer(x, x, mg.zeros(4, 3, 8)), mg.ShapeError, "as many keys as values"),
        (lambda: layer(mg.zeros(8), x, x), mg.ShapeError, r"query is \(8,\); need \(steps, rows, width\)"),
        (lambda: layer(x, x, x, key_padding_mask=np.zeros((3, 4), bool)), mg.ShapeError, r"need \(3, 5\): rows, keys"),
        (lambda: layer(x, x, x, attn_mask=np.zeros((5, 4), bool)), mg.ShapeError, r"need \(5, 5\) or \(6, 5, 5\)"),
        (
            lambda: layer(x, x, x, attn_mask=np.zeros((5, 5), int)),
            mg.DTypeError,
            "need booleans, True where a key may not",
        ),
        (lambda: layer(x.double(), x.double(), x.double()), mg.DTypeError, r"use x\.to\('float32'\)"),
        (lambda: nn.MultiheadAttention(8, 3), ValueError, "need heads of equal width"),
        (lambda: nn.TransformerEncoderLayer(8, 2, activation="rely"), ValueError, "activation is 'rely'; need"),
    ]:
        with pytest.raises(error, match=text):
            call()
    q = mg.zeros(4, 3)
    for call, error, text in [
        (lambda f: f(q, mg.zeros(4, 2), q), mg.ShapeError, r"query is \(4, 3\), key \(4, 2\)"),
        (lambda f: f(q, q, mg.zeros(3, 3)), mg.ShapeError, r"value \(3, 3\)"),
        (lambda f: f(q, q, q.double()), mg.DTypeError, "need one dtype"),
        (lambda f: f(q, q, q, np.ones((4, 3), bool)), mg.ShapeError, r"attn_mask is \(4, 3\); need \(\.\.\., 4, 4\)"),
        (lambda f: f(q, q, q, np.ones((4, 4), int)), mg.DTypeError, "attn_mask is int64"),
        (lambda f: f(q, q, q, np.ones((4, 4), bool), is_causal=True), ValueError, "got attn_mask and is_causal"),
        (lambda f: f(q, q, q, dropout_p=2), ValueError, "dropout_p is 2"),
    ]:
        with pytest.raises(error, match=text):
            call(mg.scaled_dot_product_attention)
