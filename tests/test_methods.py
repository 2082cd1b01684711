"""Methods of Tensor: what people type who know PyTorch works, or says what would do."""

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
