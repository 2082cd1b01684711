"""ops/shape/ and ops/index/diagonals.py by hand: views, joined dtypes, kept memory, edges, errors."""

import gc
import sys

import numpy as np
import pytest

import minigrad as mg
from minigrad import kernels as K

pytestmark = pytest.mark.usefixtures("backend")
X = np.arange(24.0).reshape(4, 6)
INDEX = X.T.astype(int)[:4] % 6
CALLS = {  # every function on a matrix (4, 6), as NumPy has it
    "flatten": (lambda x: x.flatten(), lambda x: x.reshape(-1)),
    "unsqueeze": (lambda x: x.unsqueeze(1), lambda x: x[:, None]),
    "squeeze": (lambda x: x.unsqueeze(0).squeeze(), lambda x: x),
    "t": (lambda x: x.t(), lambda x: x.T),
    "movedim": (lambda x: x.movedim(0, 1), lambda x: x.T),
    "expand": (lambda x: x.expand(2, -1, 6), lambda x: np.stack([x, x])),
    "expand_as": (lambda x: x.expand_as(mg.tensor(np.ones((1, 4, 6)))), lambda x: x[None]),
    "repeat": (lambda x: x.repeat(2, 1, 2), lambda x: np.tile(x, (2, 1, 2))),
    "tile": (lambda x: mg.tile(x.tile(3), 2), lambda x: np.tile(x, 6)),
    "narrow": (lambda x: x.narrow(1, -4, 3), lambda x: x[:, 2:5]),
    "select": (lambda x: x.select(0, 2), lambda x: x[2]),
    "flip": (lambda x: x.flip(0, 1), lambda x: x[::-1, ::-1]),
    "split": (lambda x: x.split(4, 1)[1], lambda x: x[:, 4:]),
    "unbind": (lambda x: x.unbind(1)[3], lambda x: x[:, 3]),
    "cat": (lambda x: mg.cat([x, x], 1), lambda x: np.concatenate([x, x], 1)),
    "stack": (lambda x: mg.stack([x, x], 1), lambda x: np.stack([x, x], 1)),
    "roll": (lambda x: x.roll((1, -2), (0, 1)), lambda x: np.roll(x, (1, -2), (0, 1))),
    "diag": (lambda x: x.diag(-1), lambda x: np.diag(x, -1)),
    "tril": (lambda x: x.tril(1), lambda x: np.tril(x, 1)),
    "triu": (lambda x: x.triu(1), lambda x: np.triu(x, 1)),
    "pad": (lambda x: mg.pad(x, (1, 0, 0, 2)), lambda x: np.pad(x, ((0, 2), (1, 0)))),
    "reflect": (lambda x: mg.pad(x, (1, 2), "reflect"), lambda x: np.pad(x, ((0, 0), (1, 2)), "reflect")),
    "x[...]": (lambda x: x[[0, -1], 1:], lambda x: x[[0, -1], 1:]),
    "mask": (lambda x: x[X % 2 == 0], lambda x: x[X % 2 == 0]),
    "gather": (lambda x: x.gather(1, INDEX), lambda x: np.take_along_axis(x, INDEX, 1)),
    "index_select": (lambda x: x.index_select(1, [5, 0]), lambda x: x[:, [5, 0]]),
}
each = pytest.mark.parametrize("name", CALLS)


def leaf(values):
    return mg.tensor(np.asarray(values, np.float64), requires_grad=True)


def forms():
    """X in forms that a careless kernel reads wrongly."""
    packed = np.zeros(4, dtype=[("tag", "u1"), ("x", "f8", (6,))])  # every row one byte behind the eights
    packed["x"] = X
    frozen = X.copy()
    frozen.flags.writeable = False
    yield from (packed["x"], frozen, np.asfortranarray(X), np.repeat(X, 2, 1)[:, ::2], X[::-1, ::-1].copy()[::-1, ::-1])


@each
def test_every_form_of_an_array_gives_the_same_and_is_left_as_it_was(name):
    ours, numpys = CALLS[name]
    for x in forms():
        y = ours(mg.from_numpy(x))
        np.testing.assert_array_equal(y.data, numpys(X))
        assert y.dtype == np.float64
        np.testing.assert_array_equal(x, X)
    row = np.broadcast_to(X[:1], (4, 6))
    np.testing.assert_array_equal(ours(mg.from_numpy(row)).data, numpys(row))
    with pytest.raises(mg.DTypeError, match=">f8"):
        mg.from_numpy(X.astype(">f8"))


@each
@pytest.mark.parametrize("dtype", ["int64", "int32", "uint8", "bool", "float32"])
def test_every_dtype_keeps_itself(name, dtype):
    ours, numpys = CALLS[name]
    x = (X % 7).astype(dtype)
    y = ours(mg.tensor(x))
    assert y.dtype == dtype
    np.testing.assert_array_equal(y.data, numpys(x))


@each
def test_nan_stays_where_it_is_and_the_gradient_has_memory_of_its_own(name):
    x = leaf(np.where(X == 9, np.nan, np.where(X == 16, np.inf, X)))
    y = CALLS[name][0](x)
    assert np.isnan(y.data).sum() == np.isnan(CALLS[name][1](x.data)).sum()
    y.sum().backward()
    assert x.grad.shape == x.shape
    assert x.grad.data.base is None or x.grad.array.flags.owndata
    assert x.grad.data.flags.c_contiguous
    assert np.isfinite(x.grad.data).all()


def test_what_can_be_a_view_is_one():
    x = mg.tensor(X)
    for y in (
        x.T.unsqueeze(1),
        x.T[None, :, :].squeeze(),
        x.t(),
        x.movedim(0, 1),
        x.expand(3, 4, 6),
        x[1:, ::-2],
        x.narrow(1, 2, 2),
        x.select(1, 0),
        x.flip(0),
        x.split(2)[1],
        x.unbind(1)[2],
        x.diag(1),
        x[None, ..., 2],
        x.flatten(),
        next(iter(x)),
    ):
        assert np.shares_memory(y.data, x.data)
    for y in mg.cat([x]), mg.pad(x, (0, 0)), x.roll(1, 0), x.tril(9):
        assert not np.shares_memory(y.data, x.data)


def test_one_tensor_several_times():
    """Diamonds: every use counts, whichever way it came."""
    x = leaf([1.0, 2.0, 3.0])
    (mg.cat([x, x[:2], x]) * mg.cat([x, x[1:], x])).sum().backward()
    assert x.grad.tolist() == [4 * 1 + 2, 4 * 2 + 1 + 3, 4 * 3 + 2]
    a, b = leaf([1.0]), leaf([2.0])
    left, right = mg.cat([a, b]).split(1)
    (left + right).sum().backward()
    assert not np.shares_memory(a.grad.data, b.grad.data)


def test_a_border_of_nothing_needs_no_elements_to_reflect():
    assert mg.pad(leaf(np.ones((0, 5))), (2, 1), "reflect").shape == (0, 8)
    assert mg.pad(leaf(np.ones((3, 5))), (-2, -3), "circular").shape == (3, 0)


def test_joined_dtypes():
    a, b = mg.tensor([1.0], requires_grad=True), leaf([2.0])
    y = mg.cat([a, b, mg.tensor([3.0])])
    assert y.dtype == np.float64
    (y * y).sum().backward()
    assert (a.grad.dtype, a.grad.item(), b.grad.item()) == (np.float32, 2.0, 4.0)
    with pytest.raises(mg.DTypeError, match=r"cat: tensor 1 is int64, tensor 0 float32.*to\("):
        mg.cat([a, mg.tensor([1], dtype="int64")])


def test_iteration_ends():
    x = leaf(X)
    rows = list(x)
    assert [row.tolist() for row in rows] == X.tolist()
    sum(row[0] for row in rows).backward()
    assert x.grad.data.sum() == 4
    assert list(mg.tensor(np.ones((0, 3)))) == []
    with pytest.raises(TypeError, match="iteration"):
        iter(mg.tensor(1.0))
    first, *others = x.split([1, 0, 3])
    assert [piece.shape for piece in others] == [(0, 6), (3, 6)]


def test_gradients_of_many_pieces_do_not_cost_size_times_pieces():
    """The elements that the kernels write in a backward pass over n rows of n: n² log n, where n³ would do as well."""
    n, written = 64, [0]
    x = leaf(np.ones((n, n)))
    y = mg.stack([row * 2.0 for row in x])

    def counting(name):
        def kernel(*args, **options):
            written[0] += args[1].size if name == "place" else args[2].size
            return getattr(K.reference, name)(*args, **options)

        return kernel

    table = type(sys)("counting")
    table.place, table.add = counting("place"), counting("add")
    with mg.use_backend(table):
        y.sum().backward()
    assert x.grad.data.tolist() == np.full((n, n), 2.0).tolist()
    assert written[0] <= 3 * n * n * 6


def test_long_chains_and_graphs_are_freed():
    gc.collect()
    gc.disable()
    try:
        x = y = leaf([1.0, 2.0])
        for _ in range(3000):
            y = mg.cat([y[1:], y[:1]])
        y.sum().backward()
        assert x.grad.tolist() == [1.0, 1.0]
        before = len(gc.get_objects())
        for _ in range(20):
            mg.stack(x.unbind()).flip(0).sum().backward()
        assert len(gc.get_objects()) - before < 20
    finally:
        gc.enable()


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda x: x.flatten(1, 0), mg.ShapeError, "flatten: start_dim 1 lies behind end_dim 0"),
        (lambda x: x.flatten(5), mg.ShapeError, "flatten: dim 5"),
        (lambda x: x.unsqueeze(4), mg.ShapeError, "unsqueeze: dim 4"),
        (lambda x: x.unsqueeze(0).t(), mg.ShapeError, r"t: got \(1, 4, 6\)"),
        (lambda x: x.movedim((0, 1), (0,)), mg.ShapeError, "movedim: 2 dimensions to 1"),
        (lambda x: x.movedim((0, 0), (0, 1)), mg.ShapeError, "movedim: .*twice"),
        (lambda x: x.expand(4), mg.ShapeError, r"expand: \(4, 6\) to \(4,\)"),
        (lambda x: x.expand(-1, 4, 6), mg.ShapeError, "expand: .*-1 only"),
        (lambda x: x.expand(4, 7), mg.ShapeError, r"expand: \(4, 6\)"),
        (lambda x: x.repeat(2), mg.ShapeError, "repeat: .*at least 2"),
        (lambda x: x.repeat(2, -1), mg.ShapeError, "none negative"),
        (lambda x: x.narrow(0, 2, 3), IndexError, "narrow: start 2, length 3 along dim 0"),
        (lambda x: x.narrow(0, 2, -1), IndexError, "narrow"),
        (lambda x: x.select(1, 6), IndexError, "select: index 6 is outside of dim 1"),
        (lambda x: x.flip((0, -2)), mg.ShapeError, "flip: .*twice"),
        (lambda x: x.split(0), mg.ShapeError, "split: pieces of 0"),
        (lambda x: x.split([1, 2]), mg.ShapeError, r"split: .*\[1, 2\].*sum to be 4"),
        (lambda x: x.split([5, -1]), mg.ShapeError, "split"),
        (lambda x: x.chunk(0), ValueError, "chunk: chunks is 0"),
        (lambda x: mg.cat([]), ValueError, "cat: got no tensors"),
        (lambda x: mg.cat(x), TypeError, "cat: .*list or tuple of tensors"),
        (lambda x: mg.cat([x, X]), TypeError, "cat: .*list or tuple of tensors"),
        (lambda x: mg.cat([x, x.t()]), mg.ShapeError, r"cat: tensor 1 is \(6, 4\), tensor 0 \(4, 6\)"),
        (lambda x: mg.cat([x.sum()]), mg.ShapeError, "cat: dim 0"),
        (lambda x: mg.stack([x, x[0]]), mg.ShapeError, r"stack: tensor 1 is \(6,\)"),
        (lambda x: x.roll((1, 2), 0), mg.ShapeError, "roll: 2 shifts along 1 dims"),
        (lambda x: x[None].diag(), mg.ShapeError, "diag: got"),
        (lambda x: x[0].tril(), mg.ShapeError, r"tril: got \(6,\)"),
        (lambda x: mg.pad(x, (1,)), mg.ShapeError, r"pad: \(1,\)"),
        (lambda x: mg.pad(x, (1,) * 6), mg.ShapeError, "pad: .*at most 2"),
        (lambda x: mg.pad(x, (-4, -3)), mg.ShapeError, "pad: .*negative"),
        (lambda x: mg.pad(x, (6, 0), "reflect"), mg.ShapeError, "pad: reflect by 6 and 0 along dim 1.*at most 5"),
        (lambda x: mg.pad(x[:0], (0, 0, 1, 0), "replicate"), mg.ShapeError, "pad: replicate"),
        (lambda x: mg.pad(x, (1, 0), "mirror"), ValueError, "pad: mode 'mirror'"),
        (lambda x: mg.pad(x, (1, 0), "reflect", 1.0), ValueError, "without a value"),
    ],
)
def test_errors_name_the_op_what_came_and_what_would_do(call, error, match):
    with pytest.raises(error, match=match):
        call(leaf(X))


@pytest.mark.parametrize(
    "call",
    [
        lambda x: x.repeat(2**62, 1),
        lambda x: x.repeat(2**40, 2**40),
        lambda x: x.repeat(2**20, 2**30),
        lambda x: x[:0].repeat(2**40, 2**40),
        lambda x: x.expand(2**62, 4, 6),
        lambda x: mg.cat([x[:1, :1].expand(2**58, 1)] * 3),
        lambda x: mg.pad(x, (2**62, 0)),
        lambda x: mg.pad(x, (2**63, 0)),
        lambda x: mg.pad(x, (2**62, 0), "replicate"),
        lambda x: x[0].diag(2**31),
        lambda x: x[0].diag(2**40),
        lambda x: x.narrow(0, 0, 2**63),
        lambda x: x.expand(2**40, 4, 6)[:, 0, [1]],
        lambda x: x[np.broadcast_to(np.int64(1), (2**40, 2**10))],
        lambda x: x.gather(0, mg.tensor([[1]], dtype="int64").expand(2**40, 2**10)),
        lambda x: mg.one_hot(mg.tensor([1], dtype="int64").expand(2**40, 2**10)),
        lambda x: mg.one_hot([1], 2**62),
        lambda x: mg.one_hot([2**61]),
    ],
)
def test_absurd_sizes_are_errors(call):
    with pytest.raises((MemoryError, ValueError, OverflowError, IndexError)):
        call(leaf(X))


def test_variadic_ops_and_their_definition():
    def pick(g, y, *xs, i, by):  # the gradient of by[i] * x_i
        return mg.mul(g, by[i])

    @mg.differentiable(xs=lambda i, g, y, *xs, by=None: pick(g, y, *xs, i=i, by=by))
    def weighted(*xs, by=(1.0, 2.0, 3.0)):
        y = K.empty(xs[0].shape, xs[0].dtype)
        K.copy(0.0, y)
        for x, factor in zip(xs, by):
            term = K.empty(x.shape, x.dtype)
            K.mul(x, factor, term)
            K.add(y, term, y)
        return y

    a, b = leaf([1.0]), leaf([10.0])
    weighted(a, [5.0], b).sum().backward()
    assert (a.grad.item(), b.grad.item()) == (1.0, 3.0)
    assert weighted(a, b, by=(4.0, 5.0)).item() == 54.0
    with pytest.raises(TypeError, match=r"weighted: xs\[1\] is a dict"):
        weighted(a, {})
    with pytest.raises(TypeError, match="weighted: argument 'xs' is missing"):
        weighted()
    with pytest.raises(TypeError, match="weighted: got 'buy'; it takes xs, by"):
        weighted(a, buy=1)
    for rule, forward in ((None, lambda *xs: xs[0]), (pick, lambda x, *xs: x)):
        rules = dict.fromkeys(forward.__code__.co_varnames, rule)
        with pytest.raises(TypeError, match=r"\*xs must be the only"):
            mg.differentiable(**rules)(forward)


@pytest.mark.parametrize("n", [1, 7, 8, 9, 64, 65, 513])
@pytest.mark.parametrize("dim", [0, 1])
def test_many_pieces(n, dim):
    """Cut in two and more stages; each piece's gradient finds its place, also to second order."""
    x = np.arange(3.0 * n).reshape((n, 3) if dim == 0 else (3, n))
    t = mg.tensor(x, requires_grad=True)
    for cut, join in ((mg.unbind, mg.stack), (lambda t, dim: mg.split(t, 2, dim), mg.cat)):
        pieces = cut(t, dim)
        again = join([piece * piece * float(i) for i, piece in enumerate(pieces)], dim)
        i = np.arange(n) if cut is mg.unbind else np.arange(n) // 2
        i = i[:, None] if dim == 0 else i
        np.testing.assert_array_equal(again.data, i * x * x)
        (g,) = mg.grad(again, [t], x + 1, create_graph=True)
        np.testing.assert_array_equal(g.data, 2 * i * x * (x + 1))
        np.testing.assert_array_equal(mg.grad(g, t, x).data, 2 * i * x * (x + 1))
