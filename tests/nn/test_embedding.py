"""Embedding layers: PyTorch's numbers, padding, dropped rows, pretrained tables, state, bad input."""

import copy
import pickle

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn

WORDS = np.array([[1, 4, 2, 0], [3, 3, 0, 0], [4, 1, 1, 2]])


@pytest.mark.peers
@pytest.mark.parametrize("padding", [None, 0, -1])
def test_embedding_as_pytorch(backend, padding):
    torch = pytest.importorskip("torch", reason="compares with PyTorch")
    theirs = torch.nn.Embedding(5, 3, padding_idx=padding)
    layer = nn.Embedding(5, 3, padding_idx=padding)
    layer.load_state_dict({name: p.detach().numpy() for name, p in theirs.state_dict().items()})
    y, t = layer(WORDS), theirs(torch.tensor(WORDS))
    (y * y).sum().backward()
    (t * t).sum().backward()
    np.testing.assert_array_equal(y.data, t.detach().numpy())
    np.testing.assert_allclose(layer.weight.grad.data, theirs.weight.grad.numpy(), rtol=1e-6)


@pytest.mark.peers
@pytest.mark.parametrize("mode", ["sum", "mean", "max"])
@pytest.mark.parametrize("padding", [None, 1])
def test_bags_as_pytorch(backend, mode, padding):
    torch = pytest.importorskip("torch", reason="compares with PyTorch")
    theirs = torch.nn.EmbeddingBag(5, 3, mode=mode, padding_idx=padding)
    layer = nn.EmbeddingBag(5, 3, mode=mode, padding_idx=padding)
    layer.load_state_dict({name: p.detach().numpy() for name, p in theirs.state_dict().items()})
    offsets = np.array([0, 3, 3, 11])
    weights = np.linspace(-1, 1, 12).astype(np.float32) if mode == "sum" else None
    for given in ((WORDS,), (WORDS.reshape(-1), offsets)):
        scale = None if weights is None else weights.reshape(given[0].shape)
        layer.zero_grad()
        theirs.zero_grad()
        y = layer(*given, per_sample_weights=scale)
        t = theirs(*map(torch.tensor, given), per_sample_weights=None if scale is None else torch.tensor(scale))
        (y * y).sum().backward()
        (t * t).sum().backward()
        np.testing.assert_allclose(y.data, t.detach().numpy(), rtol=1e-6, atol=1e-7)
        np.testing.assert_allclose(layer.weight.grad.data, theirs.weight.grad.numpy(), rtol=1e-5, atol=1e-6)


def test_bags_by_hand(backend):
    table = np.array([[1.0, 2.0], [3.0, -4.0], [5.0, 6.0]], np.float32)
    for mode, expected in [("sum", [[5, 0], [0, 0], [5, 6]]), ("mean", [[5 / 3, 0], [0, 0], [5, 6]])]:
        layer = nn.EmbeddingBag.from_pretrained(table, mode=mode, freeze=False)
        y = layer([0, 1, 0, 2], offsets=[0, 3, 3])
        np.testing.assert_allclose(y.data, expected, rtol=1e-6)
        y.sum().backward()
        share = 1 if mode == "sum" else 1 / 3
        np.testing.assert_allclose(layer.weight.grad.data, [[2 * share] * 2, [share] * 2, [1, 1]], rtol=1e-6)
    last = nn.EmbeddingBag.from_pretrained(table, mode="max", include_last_offset=True)
    assert last([0, 1, 2], offsets=[0, 2, 3]).tolist() == [[3, 2], [5, 6]]


def test_padding_starts_at_zero_and_stays(backend):
    layer = nn.Embedding(5, 3, padding_idx=-5)
    assert layer.padding_idx == 0 and (layer.weight.data[0] == 0).all() and (layer.weight.data[1:] != 0).all()
    optimizer = mg.optim.SGD(layer.parameters(), lr=0.1)
    mg.square(layer(WORDS) - 1.0).sum().backward()
    optimizer.step()
    assert (layer.weight.data[0] == 0).all()
    bag = nn.EmbeddingBag(5, 2, padding_idx=0)
    np.testing.assert_array_equal(bag([[1, 0, 0]]).data, bag([[1]]).data)


def test_rows_are_dropped_wherever_they_occur(backend):
    mg.manual_seed(1)
    for layer in (nn.Embedding(50, 3, dropout=0.5), nn.EmbeddingBag(50, 3, dropout=0.5, mode="sum")):
        words = np.arange(50).repeat(2).reshape(50, 2)
        y, kept = layer(words), layer.last_mask()
        assert 10 < kept.sum() < 40
        table = layer.weight.data * (2 * kept[:, None])
        bag = isinstance(layer, nn.EmbeddingBag)
        np.testing.assert_array_equal(y.data, table[words].sum(1) if bag else table[words])
        y.sum().backward()
        np.testing.assert_array_equal(layer.weight.grad.data[:, 0], np.where(kept, 4.0, 0.0))
        assert (layer(words).data != y.data).any()
        expected = layer.weight.data[words]
        np.testing.assert_array_equal(layer.eval()(words).data, expected.sum(1) if bag else expected)
        assert "dropout=0.5" in repr(layer)
    seeded = nn.Embedding(50, 3, dropout=0.5, seed=4)
    first = seeded(words).data
    seeded.calls.copy_(0)
    np.testing.assert_array_equal(seeded(words).data, first)
    with nn.replay(seeded):
        np.testing.assert_array_equal(seeded(words).data, first)
    assert not nn.Embedding(3, 2, dropout=1.0)([[1]]).data.any()


def test_words_are_dropped_one_by_one(backend):
    mg.manual_seed(2)
    layer = nn.WordDropout(0.5)
    y = layer(mg.ones(4, 30, 3)).data
    assert (y == y[:, :, :1]).all() and set(np.unique(y)) == {0.0, 2.0}


def test_a_pretrained_table(backend):
    table = np.arange(6.0).reshape(3, 2)
    frozen = nn.Embedding.from_pretrained(table)
    assert frozen.weight.dtype == np.float64 and not frozen.weight.requires_grad
    assert [name for name, _ in frozen.named_parameters()] == ["weight"] and frozen([2]).tolist() == [[4, 5]]
    table[:] = 0
    assert frozen([2]).tolist() == [[4, 5]]
    trained = nn.Embedding.from_pretrained([[1, 2]], freeze=False)
    assert trained.weight.requires_grad and trained.weight.dtype == np.float32
    with pytest.raises(mg.ShapeError, match=r"embeddings are \(2,\); need \(entries, width\)"):
        nn.Embedding.from_pretrained([1.0, 2.0])


def test_a_model_of_words_is_saved_copied_and_predicts(backend, tmp_path):
    model = nn.Sequential(nn.EmbeddingBag(5, 4), nn.Linear(4, 2))
    expected = model.predict(WORDS)
    mg.save(tmp_path / "words.safetensors", model)
    other = nn.Sequential(nn.EmbeddingBag(5, 4), nn.Linear(4, 2))
    other.load_state_dict(mg.load(tmp_path / "words.safetensors"))
    for twin in (other, copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        np.testing.assert_array_equal(twin.predict(WORDS), expected)
    if backend == "native":
        np.testing.assert_array_equal(model.predict(WORDS, batch_size=1), expected)


def test_gradients_add_in_the_order_of_the_input(backend):
    """1e8 + 1 - 1e8 in float32 is 0 from left to right, and 1 if the ones come last."""
    layer = nn.Embedding.from_pretrained(np.zeros((2, 1), np.float32), freeze=False)
    for order, expected in [([1e8, 1.0, -1e8], 0.0), ([1e8, -1e8, 1.0], 1.0)]:
        layer.zero_grad()
        layer([1, 1, 1]).backward(mg.tensor([[g] for g in order]))
        assert layer.weight.grad.tolist() == [[0.0], [expected]]


def test_bad_input_is_named():
    model = nn.Sequential(nn.Embedding(5, 3))
    with pytest.raises(
        IndexError, match=r"model\.0 \(Embedding 5->3\): embedding: index 5 is outside of 0 <= index < 5"
    ):
        model([[1, 5]])
    with pytest.raises(IndexError, match="index -1 is outside"):
        model([[-1]])
    with pytest.raises(mg.DTypeError, match="the index is float32; need integers"):
        model(mg.tensor([[1.0]]))
    bag = nn.EmbeddingBag(5, 3)
    for given, error, text in [
        (([1, 2],), mg.ShapeError, r"input is \(2,\); need \(bags, n\), or \(n,\) with offsets"),
        (([[1, 2]], [0]), mg.ShapeError, "whose rows are bags; need no offsets"),
        (([1, 2], [1]), ValueError, r"offsets are \[1\]; need them to begin with 0 and to rise"),
        (([1, 2], [0, 2, 1]), ValueError, "need them to begin with 0 and to rise"),
        (([1, 2], [0, 3]), IndexError, "offsets: index 3 is outside"),
        (([[1, 2]], None, [[1.0, 2.0]]), ValueError, "per_sample_weights go with mode='sum'; got 'mean'"),
    ]:
        with pytest.raises(error, match=text):
            bag(*given)
    total = nn.EmbeddingBag(5, 3, mode="sum", include_last_offset=True)
    with pytest.raises(ValueError, match="the last offset is 1; need 2, the end of input"):
        total([1, 2], [0, 1])
    with pytest.raises(mg.ShapeError, match=r"per_sample_weights are \(1,\), input \(2,\)"):
        total([1, 2], [0, 2], [1.0])
    with pytest.raises(mg.DTypeError, match="per_sample_weights are float64, weight float32"):
        total([1, 2], [0, 2], mg.tensor([1.0, 2.0]).double())
    for make, error, text in [
        (lambda: nn.Embedding(0, 3), ValueError, "num_embeddings is 0"),
        (lambda: nn.Embedding(5, 3, padding_idx=5), ValueError, "padding_idx is 5; need less than 5"),
        (lambda: nn.EmbeddingBag(5, 3, mode="median"), ValueError, "mode is 'median'; need 'sum', 'mean' or 'max'"),
        (lambda: nn.Embedding(5, 3, max_norm=1), TypeError, "unknown keyword 'max_norm'"),
        (lambda: nn.Embedding(5, 3, dropout=2), ValueError, "dropout .* is 2; need"),
        (
            lambda: nn.Embedding(5, 3, init=lambda shape, dtype: np.zeros((3, 5))),
            mg.ShapeError,
            r"init returned \(3, 5\)",
        ),
    ]:
        with pytest.raises(error, match=text):
            make()
