"""Methods of Tensor: what people type who know PyTorch works, or says what would do."""

import inspect
import operator as op
import pickle
import re

import numpy as np
import pytest

import minigrad as mg

pytestmark = pytest.mark.usefixtures("backend")
X = np.array([[1.0, -2.0, 3.0], [4.0, 5.0, 6.0]])


def leaf():
    return mg.tensor(X, requires_grad=True)


@pytest.mark.parametrize(
    ("call", "expected", "slope"),
    [
        (lambda x: x.add(2), X + 2, 1),
        (lambda x: x.sub(2), X - 2, 1),
        (lambda x: x.mul(2), X * 2, 2),
        (lambda x: x.div(2), X / 2, 0.5),
        (lambda x: x.neg(), -X, -1),
        (lambda x: +x, X, 1),
        (lambda x: x.clone(), X, 1),
        (lambda x: x.contiguous(), X, 1),
        (lambda x: x.cpu(), X, 1),
        (lambda x: x.to("cpu"), X, 1),
        (lambda x: x.to(mg.float32), X.astype("float32"), 1),
        (lambda x: x.view(3, 2), X.reshape(3, 2), 1),
        (lambda x: x.view((-1,)), X.reshape(-1), 1),
        (lambda x: x.ravel(), X.ravel(), 1),
        (lambda x: x.mT, X.T, 1),
        (lambda x: x.clip(-9, 9), X, 1),
    ],
)
def test_values_and_gradients(call, expected, slope):
    x = leaf()
    y = call(x)
    assert y.dtype == expected.dtype
    np.testing.assert_array_equal(y.data, expected)
    y.sum().backward()
    np.testing.assert_array_equal(x.grad.data, np.full_like(X, slope))


def test_a_clone_has_memory_of_its_own():
    x = leaf()
    y = x.clone()
    with mg.no_grad():
        x.copy_(X + 1)
    np.testing.assert_array_equal(y.data, X)


def test_what_it_is():
    x = leaf()
    assert (x.numel(), x.dim()) == (6, 2)
    assert x.int().dtype == np.int32
    assert x.bool().tolist() == [[True] * 3] * 2
    assert x.equal(X) and not x.equal(X[0])
    assert x.allclose(X + 1e-9) and not x.allclose(X + 1e-3)


def test_numbers_in_text():
    x = mg.tensor([[1.25]], requires_grad=True)
    assert f"{x:.1f} {x.sum():6.3f} {x}" == "1.2  1.250 tensor([[1.25]], requires_grad=True)"
    assert f"{mg.tensor(3, dtype='int64'):03d}" == "003"
    with pytest.raises(mg.ShapeError, match=r"format: the tensor has shape \(2, 3\)"):
        f"{leaf():.2f}"


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda x: x.add_(1), TypeError, r"add_: .*t = t.add\("),
        (lambda x: x.mul_(1), TypeError, r"mul_: .*copy_ under no_grad"),
        (lambda x: x.clamp_(min=0), TypeError, "clamp_"),
        (lambda x: x.zero_(), TypeError, "zero_: .*grad = None"),
        (lambda x: x.fill_(1.0), TypeError, "fill_: .*full_like"),
        (lambda x: x.to("cuda:0"), ValueError, "to: 'cuda:0': all tensors are in the processor's memory"),
        (lambda x: x.to("float16"), mg.DTypeError, "to: dtype float16"),
        (lambda x: x.to("complex64"), mg.DTypeError, "to: dtype complex64"),
        (lambda x: x.to("spam"), TypeError, "to: 'spam' is no dtype"),
        (lambda x: x.view(4), mg.ShapeError, "reshape"),
    ],
)
def test_what_is_refused(call, error, match):
    with pytest.raises(error, match=match):
        call(leaf())


def test_options_may_come_by_position():
    x = mg.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    assert mg.sum(x, 1).tolist() == [3, 7]
    assert mg.mean(x, 0, True).tolist() == [[2, 3]]
    assert mg.reshape(x, (4,)).tolist() == [1, 2, 3, 4]
    assert mg.permute(x, (1, 0)).tolist() == [[1, 3], [2, 4]]
    assert mg.softmax(x, 0).tolist() == mg.softmax(x, dim=0).tolist() != mg.softmax(x, dim=1).tolist()
    mg.sum(mg.sum(x, 1) * 2).backward()
    assert x.grad.tolist() == [[2, 2], [2, 2]]


def test_errors_about_arguments_name_the_method():
    with pytest.raises(TypeError, match=r"mean\(\) got .*'axis'"):
        leaf().mean(axis=1)
    with pytest.raises(TypeError, match="Tensor: got a list"):
        mg.Tensor([1, 2])


SIGNS = {"+=": "__iadd__", "-=": "__isub__", "*=": "__imul__", "/=": "__itruediv__", "**=": "__ipow__"}


@pytest.mark.parametrize("sign", SIGNS)
@pytest.mark.parametrize("other", [2.0, 3, X[0], "tensor", "mask"])
def test_augmented_assignment_writes_a_leaf_in_place(sign, other):
    other = {"tensor": mg.tensor(X), "mask": mg.tensor(X) > 0}.get(other, other) if isinstance(other, str) else other
    x = leaf()
    before, array = x, x.array
    with mg.no_grad():
        expected = getattr(x, SIGNS[sign].replace("__i", "__"))(other)
        x = getattr(x, SIGNS[sign])(other)
    assert x is before and x.array is array and x.requires_grad and x.is_leaf
    np.testing.assert_array_equal(x.data, expected.data)
    (x * x).sum().backward()
    np.testing.assert_array_equal(x.grad.data, 2 * x.data)


@pytest.mark.parametrize("sign", SIGNS)
def test_augmented_assignment_of_a_leaf_needs_no_grad(sign):
    x = leaf()
    with pytest.raises(mg.GraphError, match=rf"^{re.escape(sign)}: this leaf requires grad; .*no_grad.*y = t "):
        getattr(x, SIGNS[sign])(2.0)
    np.testing.assert_array_equal(x.data, X)


def test_augmented_assignment_keeps_shape_dtype_and_the_check_of_writes():
    x = leaf()
    y = (x * x).sum()
    with mg.no_grad():
        with pytest.raises(mg.ShapeError, match=r"\+=: the result has shape \(2, 2, 3\), this leaf \(2, 3\)"):
            x += np.ones((2, 1, 1))
        single = mg.tensor([1.0], requires_grad=True)
        single += np.array([1e-9])  # float64
        assert single.dtype == np.float32
        x -= 1.0
        square = mg.tensor(np.eye(2), requires_grad=True)
        same = square
        square @= np.array([[0.0, 1.0], [1.0, 0.0]])
        assert same is square and square.tolist() == [[0, 1], [1, 0]]
    with pytest.raises(mg.GraphError, match="written by copy_"):
        y.backward()


def test_augmented_assignment_rebinds_elsewhere():
    constant = kept = mg.tensor(X)
    constant += 1.0
    assert constant is not kept and kept.tolist() == X.tolist()
    x = leaf()
    y = former = x * 2
    y *= 3
    assert y is not former
    y.sum().backward()
    np.testing.assert_array_equal(x.grad.data, np.full_like(X, 6))
    frozen = leaf().requires_grad_(False)
    frozen *= 2
    assert frozen.tolist() == (2 * X).tolist()


def test_data_is_not_assigned():
    x = leaf()
    with pytest.raises(TypeError, match=r"t.data = v: .*copy_.*no_grad"):
        x.data -= 0.1 * mg.tensor(X)
    np.testing.assert_array_equal(x.data, X)


def test_a_list_of_tensors_with_graphs_is_no_tensor():
    a = mg.tensor([1.0, 2.0], requires_grad=True)
    for make in (mg.tensor, mg.nn.Parameter, mg.mean, lambda x: mg.add(x, 1.0)):
        for numbers in ([a.sum(), (3 * a).sum()], [1.0, a.sum()], [[a], [a]]):
            with pytest.raises(mg.GraphError, match=r"^\w+: .*requires grad.*minigrad\.stack"):
                make(numbers)
    made = mg.stack([a.sum(), (3 * a).sum()])
    made.sum().backward()
    assert a.grad.tolist() == [4, 4]
    assert mg.tensor([a.detach(), a.detach()]).tolist() == [[1, 2], [1, 2]]
    assert mg.tensor(a).requires_grad is False
    assert np.asarray(a).tolist() == [1, 2]


@pytest.mark.parametrize(
    ("data", "error", "match"),
    [
        ([[1, 2]] * 5 + [[1, 2, 3]], mg.ShapeError, r"ragged: data\[5\] has 3 elements, data\[0\] has 2"),
        ([[[1], [2]], [[1], [2, 3]]], mg.ShapeError, r"data\[1\]\[1\] has 2 elements, data\[1\]\[0\] has 1"),
        ([1, [2]], mg.ShapeError, r"data\[0\] is a number, data\[1\] a list"),
        ([np.ones(2), np.ones(3)], mg.ShapeError, r"data\[1\] has 3 elements, data\[0\] has 2"),
        ([1, None], mg.DTypeError, r"None, a NoneType, in data\[1\]"),
        ([[1, 2], ["a", 3]], mg.DTypeError, r"'a', a str, in data\[1\]\[0\]"),
        ([2**70], mg.DTypeError, "too large for int64"),
        ("abc", mg.DTypeError, "got 'abc'; need numbers"),
        ((x for x in (1, 2)), mg.DTypeError, "got a generator"),
    ],
)
def test_what_is_no_table_of_numbers(data, error, match):
    with pytest.raises(error, match=match):
        mg.tensor(data)


def test_integers_that_a_dtype_does_not_hold():
    assert mg.tensor([255, 0], dtype="uint8").tolist() == [255, 0]
    for number, dtype in ((300, "uint8"), (-1, "uint8"), (2**31, "int32"), (float("nan"), "int64"), (2**63, "int64")):
        with pytest.raises(mg.DTypeError, match=f"and {dtype} holds integers from"):
            mg.tensor([number], dtype=dtype)
    with pytest.raises(TypeError, match="tensor: dtype is 'spam'; need 'float32'"):
        mg.tensor([1], dtype="spam")


ARRAY = np.array([[1.0, 2.0, 0.5], [3.0, 1.0, 2.0]])


@pytest.mark.parametrize("sign", ["add", "sub", "mul", "truediv", "pow", "eq", "lt", "le", "gt", "ge", "ne"])
def test_an_array_before_an_operator(sign):
    operator = getattr(op, sign)
    y = operator(ARRAY, leaf())
    assert isinstance(y, mg.Tensor)
    np.testing.assert_allclose(y.data, operator(ARRAY, X), rtol=1e-14)
    assert y.requires_grad is (y.dtype != bool)


def test_array_plus_assign_and_matmul():
    total = ARRAY
    total += leaf()
    assert isinstance(total, mg.Tensor) and total.requires_grad
    np.testing.assert_array_equal((ARRAY @ leaf().T).data, ARRAY @ X.T)
    assert (np.float32(2) * leaf()).tolist() == (2 * X).tolist()
    assert ((ARRAY > 1) & (mg.tensor(X) > 0)).tolist() == ((ARRAY > 1) & (X > 0)).tolist()


@pytest.mark.parametrize(
    ("name", "here"),
    [("exp", "exp"), ("sqrt", "sqrt"), ("tanh", "tanh"), ("absolute", "abs"), ("maximum", "maximum")],
)
def test_functions_of_numpy_name_ours(name, here):
    function = getattr(np, name)
    for x, numbers in ((mg.tensor(X), r"t\.numpy"), (leaf(), r"t\.detach\(\)\.numpy")):
        args = (x, x) if function.nin == 2 else (x,)
        with pytest.raises(TypeError, match=rf"np\.{name}: got a tensor; minigrad\.{here} takes .*{numbers}"):
            function(*args)
    with pytest.raises(TypeError, match=r"np\.log10: got a tensor; pass t\.numpy\(\)"):
        np.log10(mg.tensor(X))
    with pytest.raises(TypeError, match=r"np\.add: "):
        np.add(ARRAY, mg.tensor(X), out=np.empty_like(X))


def test_functions_of_arrays_give_numbers_or_name_ours():
    x = mg.tensor(X)
    assert np.mean(x) == X.mean() and np.sum(x) == X.sum() and np.std(x, axis=0).tolist() == X.std(0).tolist()
    assert np.concatenate([x, x]).shape == (4, 3) and np.allclose(leaf(), X) and np.argmax(leaf()) == X.argmax()
    assert np.zeros_like(leaf()).shape == X.shape
    for call, here in ((np.mean, "mean"), (np.stack, "stack"), (lambda x: np.concatenate([x, x]), "cat")):
        with pytest.raises(mg.GraphError, match=f"its graph would be lost; minigrad.{here} takes"):
            call([leaf()] if call is np.stack else leaf())


def test_errors_of_methods_name_the_method():
    x = leaf()
    for call, error, match in [
        (lambda: x.narrow(0, "a", 1), TypeError, "^narrow: start is 'a'; need a whole number"),
        (lambda: x.narrow(0, x, 1), TypeError, r"^narrow: start is a tensor float64 \(2, 3\); need"),
        (lambda: mg.narrow([1.0], 0, 0, 1), TypeError, r"^narrow: x is \[1.0\]; need a tensor"),
        (lambda: mg.chunk(x, 0), ValueError, "^chunk: chunks is 0"),
        (lambda: x.unsqueeze("a"), TypeError, "^unsqueeze: dim is 'a'; need"),
        (lambda: mg.elu("a"), TypeError, "^elu: "),
        (lambda: mg.lerp(x, None, 0.5), TypeError, "^lerp: "),
        (lambda: mg.celu(mg.tensor([1], dtype="int64")), mg.DTypeError, r"^celu: an operand is int64.*astype"),
        (lambda: mg.softmax(x, dim=None), mg.ShapeError, "^softmax: dim is None; need one dimension"),
        (lambda: x.transpose((0, 1), 1), mg.ShapeError, r"^transpose: dim is \(0, 1\); need one dimension"),
        (lambda: x.argmax((0, 1)), mg.ShapeError, "^argmax: dim"),
        (lambda: mg.sum(x, True), TypeError, "^sum: dim is True; need an integer"),
        (lambda: mg.addmm(x, x, x), mg.ShapeError, "^addmm: "),
        (lambda: mg.all("spam"), mg.DTypeError, "^all: got 'spam'; need numbers"),
        (lambda: mg.full((2,), "a"), mg.DTypeError, "^full: "),
    ]:
        with pytest.raises(error, match=match):
            call()


def test_public_functions_can_be_pickled():
    for f in (mg.narrow, mg.cross_entropy, mg.stack, mg.max, mg.mul, mg.kl_div):
        assert pickle.loads(pickle.dumps(f)) is f
        assert not inspect.signature(f).parameters.keys() >= {"args"}


def test_integers_made_of_a_leaf_are_constants():
    x = leaf()
    for whole in (x.long(), x.int(), x.bool(), x.to("int64"), x.to(bool)):
        assert not whole.requires_grad
    (x * x.long()).sum().backward()
    np.testing.assert_array_equal(x.grad.data, X)
    assert x.double().requires_grad and x.float().requires_grad


def test_what_copy_and_cat_refuse():
    with pytest.raises(mg.DTypeError, match="copy_: the source is object; need numbers"):
        mg.zeros(1).copy_([None])
    with pytest.raises(TypeError, match="cat: got a Tensor; need a list or tuple of tensors"):
        mg.cat(leaf(), leaf())
    with pytest.raises(TypeError, match="stack: got a list with a float; need"):
        mg.stack([leaf(), 1.0])
