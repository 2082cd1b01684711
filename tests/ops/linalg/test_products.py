"""Products beyond generated cases: vectors and batches, errors, numbers that are not finite, diagonals."""

import numpy as np
import pytest

import minigrad as mg

R = np.random.default_rng(5)


def normal(*shape):
    return mg.tensor(R.standard_normal(shape))


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ((3,), (3,)),
        ((3,), (3, 2)),
        ((2, 3), (3,)),
        ((3,), (4, 3, 2)),
        ((4, 2, 3), (3,)),
        ((4, 2, 3), (3, 5)),
        ((2, 3), (4, 3, 5)),
        ((4, 1, 2, 3), (5, 3, 2)),
        ((0, 2, 3), (3, 4)),
        ((2, 0, 3), (2, 3, 4)),
        ((2, 3, 0), (0, 4)),
    ],
)
def test_matmul_is_numpys(a, b, backend):
    a, b = normal(*a), normal(*b)
    expected = a.data @ b.data
    y = a @ b
    assert y.shape == expected.shape
    np.testing.assert_allclose(y.data, expected, rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize(
    ("a", "b"),
    [((3,), (3,)), ((3,), (3, 2)), ((2, 3), (3,)), ((3,), (4, 3, 2)), ((4, 2, 3), (3,)), ((4, 1, 2, 3), (5, 3, 2))],
)
def test_gradients_of_vectors_and_batches(a, b, backend):
    """<g, a b> is linear in a and in b: its gradients, times a and b, give it again; and gradcheck agrees."""
    a, b = (mg.tensor(R.standard_normal(shape), requires_grad=True) for shape in (a, b))
    y = a @ b
    g = R.standard_normal(y.shape)
    y.backward(g)
    for x in (a, b):
        assert x.grad.shape == x.shape
        np.testing.assert_allclose((x.grad.data * x.data).sum(), (g * y.data).sum(), rtol=1e-12)
    assert mg.testing.gradcheck(mg.matmul, [a.detach(), b.detach()])


def test_a_zero_times_infinity_is_nan(backend):
    """No product skips zeros: matrices, batches, einsum."""
    zero, infinite = mg.tensor(np.zeros((2, 3, 3))), mg.tensor(np.full((2, 3, 3), np.inf))
    found = zero @ infinite, mg.einsum("bij,bjk->ik", zero, infinite), mg.tensordot(zero, infinite, ([2], [1]))
    for y in (*found, zero.reshape(18) @ infinite.reshape(18)):
        assert np.isnan(y.data).all()


def test_the_gradient_of_a_shared_matrix_is_summed_over_the_batch(backend):
    x, w = normal(4, 2, 3), normal(3, 5)
    w.requires_grad = True
    g = normal(4, 2, 5)
    (x @ w).backward(g)
    np.testing.assert_allclose(w.grad.data, np.einsum("bij,bik->jk", x.data, g.data), rtol=1e-13)


def test_a_batch_is_its_products_bit_for_bit(backend):
    x, w = normal(5, 7, 40), normal(5, 40, 9)
    both = mg.bmm(x, w).data
    for i in range(5):
        assert (both[i] == mg.mm(mg.tensor(x.data[i]), mg.tensor(w.data[i])).data).all()


def test_off_a_diagonal_the_gradient_is_zero_whatever_comes(backend):
    x = mg.tensor(np.full((2, 2), np.nan), requires_grad=True)
    mg.einsum("ii->i", x).backward(mg.tensor([np.inf, 1.0], dtype="float64"))
    np.testing.assert_array_equal(x.grad.data, [[np.inf, 0], [0, 1]])


def test_einsum_stretches_sizes_of_one():
    x, y = normal(3, 1), normal(1, 4)
    np.testing.assert_allclose(mg.einsum("ij,ij->ij", x, y).data, x.data * y.data)
    np.testing.assert_allclose(mg.einsum("ij,ij", x, y).data, (x.data * y.data).sum())
    np.testing.assert_allclose(mg.einsum("...j,...j->...", normal(1, 4), y).shape, (1,))


def test_addmm_with_beta_zero_does_not_look_at_input():
    nan = mg.tensor([np.nan])
    assert mg.addmm(nan, mg.tensor([[1.0]]), mg.tensor([[2.0]]), beta=0, alpha=3).tolist() == [[6.0]]


def test_linear_with_one_output():
    x, w, b = normal(2, 3), normal(3), mg.tensor(np.float64(2.0))
    np.testing.assert_allclose(mg.linear(x, w, b).data, x.data @ w.data + 2)


def test_methods():
    m, v = normal(3, 3), normal(3)
    for ours, theirs in [
        (m.mm(m), m.data @ m.data),
        (m.mv(v), m.data @ v.data),
        (v.dot(v), v.data @ v.data),
        (v.vdot(v), v.data @ v.data),
        (m.inner(v), m.data @ v.data),
        (v.outer(v), np.outer(v.data, v.data)),
        (v.addmm(m, m), v.data + m.data @ m.data),
        (m.reshape(1, 3, 3).bmm(m.reshape(1, 3, 3)), (m.data @ m.data)[None]),
    ]:
        np.testing.assert_allclose(ours.data, theirs, rtol=1e-12)


V, M, F = mg.tensor([1.0, 2.0]), mg.tensor(np.ones((2, 3), "f")), mg.tensor(np.ones((3, 2)))
B = mg.tensor(np.ones((2, 3, 4), "f"))


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda: V @ M.T, mg.ShapeError, r"matmul: a is \(2,\), b is \(3, 2\); they sum over sizes 2 and 3"),
        (lambda: mg.matmul(V, M, ta=True), mg.ShapeError, "only matrices are transposed"),
        (lambda: mg.matmul(mg.tensor(1.0), M), mg.ShapeError, "need vectors, matrices or batches"),
        (
            lambda: B @ mg.tensor(np.ones((3, 4, 2), "f")),
            mg.ShapeError,
            r"the batches \(2,\) and \(3,\) do not broadcast",
        ),
        (lambda: M @ F, mg.DTypeError, r"need one dtype, float32 or float64: use .float\(\) or .double\(\)"),
        (lambda: V.long() @ V.long(), mg.DTypeError, "float32 or float64"),
        (
            lambda: mg.mm(M, V),
            mg.ShapeError,
            r"mm: input is \(2, 3\), mat2 is \(2,\); need dimensions: 2 for input, 2 for mat2",
        ),
        (lambda: mg.mm([[1.0]], M), TypeError, "mm: input is a list; need a tensor"),
        (lambda: mg.dot(M, M), mg.ShapeError, "dot: .* 1 for input"),
        (lambda: mg.bmm(B, mg.tensor(np.ones((1, 4, 2), "f"))), mg.ShapeError, "batches of one size"),
        (lambda: mg.addmm(V, M, M.T.reshape(3, 2).matmul(M)), mg.ShapeError, r"addmm: input is \(2,\).*\(2, 3\)"),
        (lambda: mg.linear(M, M.T), mg.ShapeError, r"linear: input is \(2, 3\), weight is \(3, 2\)"),
        (lambda: mg.linear(M, M, V.reshape(1, 2)), mg.ShapeError, r"linear: bias is \(1, 2\); need \(2,\)"),
        (lambda: mg.tensordot(M, M, 3), mg.ShapeError, "0 <= dims"),
        (lambda: mg.tensordot(M, M, ([0], [1])), mg.ShapeError, "pairs of equal sizes"),
        (lambda: mg.einsum("ij,jk", M), mg.ShapeError, "names 2 operands; 1 came"),
        (lambda: mg.einsum("ij,ij->k", M, M), mg.ShapeError, "the output needs letters of the operands"),
        (lambda: mg.einsum("ij->ii", M), mg.ShapeError, "each once"),
        (lambda: mg.einsum("ijk", M), mg.ShapeError, "does not name the 2 dimensions"),
        (lambda: mg.einsum("i", M), mg.ShapeError, "does not name the 2 dimensions"),
        (lambda: mg.einsum("i.j", M), mg.ShapeError, "something else than letters"),
        (lambda: mg.einsum("ij,jk", M, M), mg.ShapeError, "the letter 'j' has the sizes 3 and 2"),
        (lambda: mg.einsum("ii", mg.tensor(np.ones((1, 3)))), mg.ShapeError, "the letter 'i' has the sizes 1 and 3"),
        (
            lambda: mg.einsum("...j,...j", M, mg.tensor(np.ones((3, 3), "f"))),
            mg.ShapeError,
            "a dimension of the ellipsis",
        ),
        (lambda: mg.einsum("ij,jk", M, F), mg.DTypeError, "float32, float64; need one dtype"),
    ],
)
def test_errors_say_what_came_and_what_would_do(call, error, says, backend):
    with pytest.raises(error, match=says):
        call()


@pytest.mark.parametrize("real", ["float32", "float64"])
@pytest.mark.parametrize("dtype", ["uint8", "bool", "int32", "int64"])
def test_products_with_weights_take_integers(backend, dtype, real):
    """affine and linear: the bits of the same numbers as floats, to second order; an int input gets no gradient."""
    rng = np.random.default_rng(0)
    x = rng.integers(0, 2 if dtype == "bool" else 100, (6, 4)).astype(dtype)
    w, b = (mg.tensor(rng.standard_normal(shape), real, requires_grad=True) for shape in ((4, 3), (3,)))
    products = [
        lambda x: mg.affine(x, w, b, activation="tanh"),
        lambda x: mg.linear(x, w.T, b),
        lambda x: mg.linear(x, w.T[0], b[0]),
        lambda x: mg.linear(x.reshape(2, 3, 4), w.T, b),
    ]
    for product in products:
        found = []
        for given in (mg.tensor(x), mg.tensor(x.astype(real))):
            y = product(given)
            dw, db = mg.grad((y * y).sum(), [w, b], create_graph=True)
            found.append([y.data, dw.data, db.data, mg.grad((dw * dw).sum(), w).data])
        for a, exact in zip(*found):
            assert a.dtype == exact.dtype == real and a.tobytes() == exact.tobytes()
    y = mg.affine(mg.tensor(x), w)
    y.sum().backward(retain_graph=True)
    first = w.grad.data.copy()
    y.sum().backward()  # again through the part that was kept
    assert (w.grad.data == 2 * first).all()
    with pytest.raises(mg.DTypeError, match="float64"):
        mg.affine(mg.tensor(x), mg.tensor(np.ones((4, 3), "int64")))
    with pytest.raises(mg.ShapeError):
        mg.affine(mg.tensor(x[:, :3]), w)


@pytest.mark.parametrize(
    ("a", "b", "match"),
    [
        (np.ones(2), np.ones(3), r"a is \(2,\), b is \(3,\); they sum over sizes 2 and 3"),
        (np.ones((2, 2)), np.ones((3, 2)), r"a is \(2, 2\), b is \(3, 2\); need"),
        (np.ones((2, 2, 2)), np.ones((3, 2, 2)), r"the batches \(2,\) and \(3,\) do not broadcast"),
        (np.ones(()), np.ones((3, 2)), "need vectors, matrices or batches"),
        (np.ones((2, 2, 2)), np.ones((2, 2), np.float32), "need one dtype"),
        (np.ones((2, 2)), None, "b is None; need a tensor"),
    ],
)
def test_errors_of_every_form_name_matmul(a, b, match):
    b = b if b is None else mg.tensor(b)
    with pytest.raises((TypeError, ValueError), match=f"^matmul: .*{match}"):
        mg.matmul(mg.tensor(a), b)


def test_products_are_no_views(backend):
    """Outside of a graph the engine copies what is a view of an array, as that may be one of a parameter."""
    a, b = mg.rand(3, 2, 4, requires_grad=True), mg.rand(3, 4, 5)
    for y in (mg.matmul(a, b), mg.matmul(a[0], b), mg.matmul(a, b[0, :, 0]), mg.matmul(b[0, :, 0], b)):
        assert not isinstance(y.array.base, np.ndarray)
