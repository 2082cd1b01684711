"""ops/index/gather.py and getitem.py by hand: what an index may be, what it may not, order of sums, later writes."""

import numpy as np
import pytest

import minigrad as mg

pytestmark = pytest.mark.usefixtures("backend")
X = np.arange(24.0).reshape(2, 3, 4)


def leaf(values):
    return mg.tensor(np.asarray(values, np.float64), requires_grad=True)


def ints(values, dtype="int64"):
    return mg.tensor(values, dtype=dtype)


def numpys(index):
    """The index as NumPy takes it."""
    if isinstance(index, tuple):
        return tuple(map(numpys, index))
    if isinstance(index, list) and not index:
        return np.zeros(0, int)
    return index.data if isinstance(index, mg.Tensor) else index


@pytest.mark.parametrize(
    "index",
    [
        0,
        -1,
        np.int64(1),
        ints(1),
        slice(None),
        slice(1, None),
        slice(None, None, -1),
        slice(5, -9, -2),
        slice(3, 1),
        slice(np.int64(0), np.int8(1)),
        None,
        ...,
        (),
        (..., 1),
        (1, ...),
        (0, ..., None),
        (None, 1, None, 2),
        (1, 2, 3),
        [0, 1, 1],
        [],
        [[0], [1]],
        [-1],
        [True, False],
        (slice(None), [True, False, True]),
        (..., [3, 0]),
        range(2),
        np.array([1, 0], np.int8),
        np.array([1], np.uint64),
        (0, [1, 2], slice(1, 3)),
        (None, [1], None),
        (slice(None), [0, 1], [1, 3]),
        ([0, 1], slice(None), [1, 3]),
        ([[0], [1]], [0, 2]),
        ([0, 1], None, [0, 2]),
        X > 5,
        (..., X[0, 0] > 1),
        (1, X[0] % 2 == 0),
        (np.ones(2, bool), np.array([0, 2])),
        np.zeros((2, 3), bool),
        ([[0], [1]], X[0] > 8),
        (None, [0, 1], slice(None), [1, 3]),
        (slice(None), [0, 2], None, [1, 3]),
    ],
)
def test_what_numpy_gives(index):
    expected = X[numpys(index)]
    for x in mg.tensor(X), mg.from_numpy(np.asfortranarray(X)):
        y = x[index]
        assert isinstance(y, mg.Tensor)
        np.testing.assert_array_equal(y.data, expected)
    x = leaf(X)
    (x[index] * 2.0).sum().backward()
    counted = np.zeros(X.shape)
    np.add.at(counted, numpys(index), 2)
    assert x.grad.tolist() == counted.tolist()


def test_integers_are_taken_first_as_in_pytorch():
    x = mg.tensor(X)
    assert x[0, :, [0, 1]].shape == (3, 2)
    assert x[ints(0), :, [0, 1]].shape == (3, 2)
    assert X[0, :, [0, 1]].shape == (2, 3)


@pytest.mark.parametrize(
    ("index", "error", "match"),
    [
        (2, IndexError, r"x\[\.\.\.\]: index 2 is outside of dim 0 of \(2, 3, 4\)"),
        (-3, IndexError, r"x\[\.\.\.\]: index -3 is outside of dim 0 of \(2, 3, 4\)"),
        ((0, -4), IndexError, "index -4 is outside of dim 1"),
        ((0, 0, 0, 0), IndexError, "4 indices.*at most 3"),
        ((..., 0, ...), IndexError, "2 ellipses"),
        ([0, 2], IndexError, "index 2 is outside of -2 <= index < 2"),
        ((slice(None), [0, -4]), IndexError, "index -4 is outside of -3 <= index < 3"),
        (ints(2**40), IndexError, "outside"),
        (np.array([2**64 - 1], np.uint64), IndexError, "18446744073709551615"),
        (1.0, TypeError, "1.0 is no index"),
        ("a", TypeError, "x"),
        (True, TypeError, "True is no index"),
        ([0.5], mg.DTypeError, "float64"),
        (mg.tensor([0.0]), mg.DTypeError, r"float32 \(1,\)"),
        (ints([0, 1], "uint8"), mg.DTypeError, "uint8 may mean a mask or indices"),
        (slice(0.0, 1), TypeError, "integer"),
        (slice(None, None, 0), ValueError, "step"),
        ([True, False, True], mg.ShapeError, r"mask is \(3,\) at dim 0 of \(2, 3, 4\); need \(2,\)"),
        (np.ones((2, 4), bool), mg.ShapeError, r"mask is \(2, 4\)"),
        (np.ones((2, 3, 4, 1), bool), IndexError, "4 indices"),
        (([0, 1], [0, 1, 2]), mg.ShapeError, r"\(2,\) and \(3,\)"),
        ({}, TypeError, r"\{\} is no index"),
    ],
)
def test_what_is_no_index(index, error, match):
    with pytest.raises(error, match=match):
        mg.tensor(X)[index]


def test_assignment_is_refused_and_the_cure_named():
    with pytest.raises(TypeError, match="values"):
        mg.tensor(X)[0] = 1.0


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sums_are_made_in_the_order_of_the_index(backend, dtype):
    """1e8 + 1 - 1e8 and the like: another order gives other bits."""
    r = np.random.default_rng(3)
    index = r.integers(0, 4, 500)
    g = (r.standard_normal((500, 3)) * 10.0 ** r.integers(-7, 8, (500, 3))).astype(dtype)
    expected = np.zeros((4, 3), dtype)
    for i, row in zip(index, g):
        expected[i] += row
    calls = {
        "x[index]": lambda w: w[index],
        "embedding": lambda w: mg.embedding(index, w),
        "index_select": lambda w: w.index_select(0, index),
        "gather": lambda w: w.gather(0, np.repeat(index[:, None], 3, 1)),
        "pairs": lambda w: w[index[:, None], [0, 1, 2]],
        "transposed": lambda w: w.T[:, index].T,
    }
    for name, call in calls.items():
        w = mg.tensor(np.ones((4, 3), dtype), requires_grad=True)
        call(w).backward(mg.tensor(g))
        assert w.grad.data.tobytes() == expected.tobytes(), name
    start = r.standard_normal((4, 3)).astype(dtype)
    y = mg.scatter_add(mg.tensor(start), 0, np.repeat(index[:, None], 3, 1), mg.tensor(g))
    for i, row in zip(index, g):
        start[i] += row
    assert y.data.tobytes() == start.tobytes()


def test_later_writes_into_an_index():
    """An index is copied, or what was written to it since is noticed: no gradient goes to another row."""
    for use in (lambda w, i: w[i], lambda w, i: mg.embedding(i, w), lambda w, i: w.gather(0, i[:, None])):
        w, index = leaf(np.ones((3, 1))), np.array([0, 2])
        y = use(w, index).sum()
        index[:] = 1
        y.backward()
        assert w.grad.data.ravel().tolist() == [1, 0, 1]
    w, index = leaf(np.ones((3, 1))), ints([0, 2])
    indexed, embedded = w[index].sum(), mg.embedding(index, w).sum()
    index.copy_(ints([1, 1]))
    indexed.backward()
    assert w.grad.data.ravel().tolist() == [1, 0, 1]
    embedded.backward()
    assert w.grad.data.ravel().tolist() == [2, 0, 2]


def test_gather_and_scatter_add_are_each_others_gradients():
    x, src, index = leaf(X[0]), leaf(X[1, :2, :3]), np.array([[0, 2, 2], [1, 2, 0]])
    y = mg.scatter_add(x, 0, index, src)
    weights = np.random.default_rng(1).standard_normal((3, 4))
    dx, dsrc = mg.grad(y, [x, src], grad_outputs=weights)
    np.testing.assert_array_equal(dx.data, weights)
    np.testing.assert_array_equal(dsrc.data, weights[index, [0, 1, 2]])
    larger = leaf(X[1])
    mg.scatter_add(x, 0, index, larger).sum().backward()
    assert larger.grad.tolist() == np.pad(np.ones((2, 3)), ((0, 1), (0, 1))).tolist()


def test_embedding():
    w = leaf([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    index = [[0, 2], [2, 1]]
    for padding, row in ((None, None), (2, 2), (-1, 2)):
        w.grad = None
        y = mg.embedding(index, w, padding_idx=padding)
        np.testing.assert_array_equal(y.data, w.data[index])
        (y * y).sum().backward()
        expected = 2 * np.array([[1.0, 1.0], [1.0, 1.0], [2.0, 2.0]]) * w.data
        if row is not None:
            expected[row] = 0
        np.testing.assert_array_equal(w.grad.data, expected)
    assert mg.embedding(1, w).tolist() == [3.0, 4.0]
    assert mg.embedding(ints([], "int32"), w).shape == (0, 2)
    for wrong in ([3], [-1], [[0, 2**40]]):
        with pytest.raises(IndexError, match=r"embedding: index .* is outside of 0 <= index < 3"):
            mg.embedding(wrong, w)
    with pytest.raises(IndexError, match="padding_idx: index 3"):
        mg.embedding([0], w, 3)
    with pytest.raises(mg.DTypeError, match=r"embedding: the index is float32.*long"):
        mg.embedding(mg.tensor([0.0]), w)
    with pytest.raises(mg.ShapeError, match=r"embedding: weight is \(2,\)"):
        mg.embedding([0], w[0])


def test_one_hot():
    assert mg.one_hot(np.array([1, 0], np.uint8), 3).tolist() == [[0, 1, 0], [1, 0, 0]]
    assert mg.one_hot(ints([[2], [0]])).shape == (2, 1, 3)
    assert mg.one_hot([1]).dtype == np.int64
    assert mg.one_hot([], 2).shape == (0, 2)
    for labels, classes, error in [
        ([3], 3, IndexError),
        ([-1], -1, ValueError),
        ([], -1, ValueError),
        ([0], 0, ValueError),
        ([0.5], 2, mg.DTypeError),
        ([True], 2, mg.DTypeError),
    ]:
        with pytest.raises(error, match="one_hot"):
            mg.one_hot(labels, classes)


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda x: x.gather(0, [[0, 1]]), mg.ShapeError, r"gather: x is \(2, 3, 4\), the index \(1, 2\)"),
        (lambda x: x.gather(0, np.zeros((2, 3, 5), int)), mg.ShapeError, "none larger but dim 0"),
        (lambda x: x.gather(1, [[[3]]]), IndexError, "gather: index 3 is outside of 0 <= index < 3"),
        (lambda x: x.gather(1, [[[-1]]]), IndexError, "gather: index -1"),
        (lambda x: x.gather(3, [[[0]]]), mg.ShapeError, "gather: dim 3"),
        (lambda x: x.gather(0, [[[0.0]]]), mg.DTypeError, "gather: the index is float64"),
        (lambda x: x.gather(0, np.ones((1, 1, 1), bool)), mg.DTypeError, "gather: .*masks"),
        (lambda x: x.index_select(1, [3]), IndexError, "index_select: index 3"),
        (lambda x: x.index_select(1, [[0]]), mg.ShapeError, "index_select: .*vector"),
        (lambda x: x.take_along_dim([0, 1], 0), mg.ShapeError, "take_along_dim: .*as many dimensions"),
        (lambda x: x.take_along_dim(np.zeros((1, 2, 4), int), 0), mg.ShapeError, "take_along_dim: .*broadcast"),
        (lambda x: x.masked_select([1, 0, 1, 1]), mg.DTypeError, "masked_select: the mask is int64"),
        (lambda x: x.masked_select([True, False]), mg.ShapeError, r"masked_select: .*the mask \(2,\)"),
        (lambda x: x.scatter_add(0, [[[0]]], x[0]), mg.ShapeError, "scatter_add: src is"),
        (lambda x: x.scatter_add(2, [[[4]]], x), IndexError, "scatter_add: index 4"),
        (lambda x: x.scatter_add(0, [[[0]]], x.float()), mg.DTypeError, "scatter_add: x is float64, src float32"),
        (lambda x: ints([1]).scatter_add(0, [0], ints([1])), mg.DTypeError, "scatter_add: .*int64"),
        (lambda x: x.sum()[0], IndexError, "1 indices"),
        (lambda x: x[:0].index_select(0, [0]), IndexError, "0 <= index < 0"),
    ],
)
def test_errors_name_the_op_what_came_and_what_would_do(call, error, match):
    with pytest.raises(error, match=match):
        call(mg.tensor(X))


def test_take_along_dim_and_masked_select():
    x = mg.tensor(X)
    order = np.argsort(-X, axis=2)
    np.testing.assert_array_equal(x.take_along_dim(order, -1).data, np.take_along_axis(X, order, -1))
    assert x.take_along_dim([23, 0]).tolist() == [23.0, 0.0]
    assert x.masked_select(x.data > 21).tolist() == [22.0, 23.0]
    assert mg.tensor([1.0, 2.0]).masked_select([[True, False], [True, True]]).tolist() == [1.0, 1.0, 2.0]
    assert x.masked_select(False).shape == (0,)


def test_an_empty_tensor_can_be_indexed_with_nothing():
    x = leaf(np.ones((0, 3)))
    nothing = np.zeros((0, 3), bool)
    for y in x[[]], x[ints([])], x[:, [1, 2]], x[nothing], x.gather(0, nothing.astype(int)), x[None, ...]:
        y.sum().backward()
        assert x.grad.shape == (0, 3)


def test_second_derivatives_through_repeated_indices():
    x = leaf([0.5, -1.0])
    y = mg.exp(x)[[0, 1, 0]]
    first = mg.grad((y * y).sum(), x, create_graph=True)
    second = mg.grad(first.sum(), x)
    np.testing.assert_allclose(second.data, [8 * np.exp(1.0), 4 * np.exp(-2.0)], rtol=1e-14)
