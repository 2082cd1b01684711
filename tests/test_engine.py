"""The engine: what the walk computes, what it frees, and what it refuses."""

import gc
import threading
import weakref

import numpy as np
import pytest

import minigrad as mg
from minigrad import kernels as K

pytestmark = pytest.mark.usefixtures("backend")


def leaf(values, dtype="float64"):
    return mg.tensor(values, dtype=dtype, requires_grad=True)


def test_a_shared_node_is_finished_before_its_inputs():
    a = leaf(1.5)
    b = a + a
    c = b + b * b
    c.backward()
    assert a.grad.item() == 2 + 2 * (2 * 1.5) * 2


def test_diamonds_take_linear_time():
    x = y = leaf(1.0)
    for _ in range(60):  # 2^60 paths
        y = y * 0.5 + y * 0.5
    y.backward()
    assert x.grad.item() == 1.0


def test_backward_adds_to_grad_and_keeps_apart_the_memory_of_leaves():
    a, b = leaf([1.0, 2.0]), leaf([3.0, 4.0])
    (a + b).sum().backward()
    (a * 2).sum().backward()
    assert a.grad.tolist() == [3.0, 3.0]
    assert b.grad.tolist() == [1.0, 1.0]
    assert not np.shares_memory(a.grad.data, b.grad.data)
    (a + b).backward(seed := mg.tensor([1.0, 1.0], dtype="float64"))
    assert not np.shares_memory(a.grad.data, seed.data)
    a.grad = b.grad = None
    ((a + b) * 2).sum().backward()  # one new array arrives at both
    assert not np.shares_memory(a.grad.data, b.grad.data)


def test_the_gradient_of_a_sum_has_memory_of_its_own():
    a = leaf(np.zeros((3, 4)))
    a.sum().backward()
    assert a.grad.data.flags.c_contiguous
    assert a.grad.data.strides == (32, 8)


def test_second_order_and_higher():
    x = leaf(0.7)
    first = mg.grad(mg.exp(x * 2), x, create_graph=True)
    second = mg.grad(first, x, create_graph=True)
    third = mg.grad(second, x)
    assert third.item() == pytest.approx(8 * np.exp(1.4), rel=1e-12)


def test_create_graph_leaves_differentiable_gradients():
    x = leaf(3.0)
    (x * x * x).backward(create_graph=True)
    assert mg.grad(x.grad, x).item() == 18.0


def test_grad_of_inner_tensors_and_unused_inputs():
    x, unused = leaf(2.0), leaf(1.0)
    y = x * x
    z = y * 3
    assert mg.grad(z, [y, x], retain_graph=True)[0].item() == 3.0
    assert x.grad is None
    assert mg.grad(z, [unused, x], retain_graph=True, allow_unused=True)[0] is None
    with pytest.raises(mg.GraphError, match=r"does not depend on input 0.*allow_unused"):
        mg.grad(z, [unused])


def test_a_freed_graph_says_so():
    x = leaf([1.0, 2.0])
    y = mg.exp(x)
    y.sum().backward()
    with pytest.raises(mg.GraphError, match="freed"):
        y.sum().backward()
    z = mg.exp(x).sum()
    z.backward(retain_graph=True)
    z.backward()


def test_a_write_between_forward_and_backward_is_noticed():
    x = leaf([1.0, 2.0])
    y = (x * x).sum()
    with mg.no_grad():
        x.copy_([3.0, 4.0])
    with pytest.raises(mg.GraphError, match=r"mul.*written"):
        y.backward()
    (x * x).sum().backward()
    assert x.grad.tolist() == [6.0, 8.0]
    y = x[:1] * x[1:]
    with mg.no_grad():
        x.copy_([1.0, 2.0])  # the very next tick of the clock
    with pytest.raises(mg.GraphError, match="written"):
        y.backward()
    z = x * 2
    with mg.no_grad():
        x.copy_([1.0, 2.0])
    with pytest.raises(mg.GraphError, match="written"):
        z.backward([1.0, 1.0])


def test_writes_are_refused_where_they_would_lie():
    x = leaf([1.0])
    with pytest.raises(mg.GraphError, match="no_grad"):
        x.copy_([2.0])
    y = x * 2
    with pytest.raises(mg.GraphError, match="only leaves"), mg.no_grad():
        y.copy_([2.0])
    with pytest.raises(mg.ShapeError, match="shape"), mg.no_grad():
        x.copy_([1.0, 2.0])
    with pytest.raises(TypeError, match="values"):
        x[0] = 1.0
    for view in (x.data, x.detach().numpy(), np.asarray(x)):
        with pytest.raises(ValueError, match="read-only"):
            view[0] = 5.0


def test_tensor_copies_and_from_numpy_shares():
    array = np.ones(2, np.float32)
    copied, shared = mg.tensor(array), mg.from_numpy(array)
    array[0] = 5
    assert copied.tolist() == [1.0, 1.0]
    assert shared.tolist() == [5.0, 1.0]


def test_arrays_in_ops_are_copied_so_that_later_writes_do_not_show():
    x, array = leaf([1.0, 2.0]), np.array([3.0, 4.0])
    y = (x * array).sum()
    array[:] = 0
    y.backward()
    assert x.grad.tolist() == [3.0, 4.0]


@pytest.mark.parametrize(
    ("make", "error", "match"),
    [
        (lambda x: x.backward(), mg.GraphError, "reduce it to one number"),
        (lambda x: mg.tensor(1.0).backward(), mg.GraphError, "requires_grad"),
        (lambda x: (x * 2).backward([1.0]), mg.ShapeError, r"gradient is \(1,\), the output \(2,\)"),
        (lambda x: (x * 2).backward(mg.tensor([1.0, 1.0])), mg.DTypeError, "float32"),
        (lambda x: mg.grad(x.sum(), mg.tensor(1.0)), mg.GraphError, "input 0"),
        (lambda x: mg.tensor([1, 2], dtype="int64", requires_grad=True), mg.DTypeError, "only float32 and float64"),
        (lambda x: mg.tensor([1.0], dtype="float16"), mg.DTypeError, "float16"),
        (lambda x: mg.tensor([1j]), mg.DTypeError, "complex"),
        (lambda x: mg.tensor(["a"]), mg.DTypeError, "need"),
        (lambda x: mg.tensor([[1], [1, 2]]), mg.ShapeError, "ragged"),
        (lambda x: mg.add(x, "a"), Exception, "add|str"),
        (lambda x: mg.add(x, {}), TypeError, "add: b is a dict"),
        (lambda x: mg.add(x), TypeError, "'b' is missing"),
        (lambda x: mg.add(x, x, x), TypeError, "got 3 arguments"),
        (lambda x: mg.sum(x, 0, True, 1), TypeError, "sum: takes x, dim, keepdim; got 4 arguments"),
        (lambda x: mg.sum(x, 0, dim=0), TypeError, "sum: takes x, dim, keepdim; got 2 .* by position, dim by name"),
        (lambda x: mg.cast(x, dtype="float16"), mg.DTypeError, "cast: dtype float16"),
        (lambda x: mg.sum(x, 1.5), TypeError, "sum: dim is 1.5; need an integer"),
        (lambda x: mg.mul(x, None), TypeError, "mul: .*None.*; need"),
        (lambda x: x + "a", TypeError, "add: .* is .*; need"),
        (lambda x: mg.mean(None), TypeError, "mean: x is None; need a tensor"),
        (lambda x: mg.add(x, [[1], [1, 2]]), mg.ShapeError, "add: b: the nested lists are ragged"),
        (lambda x: mg.mul(x, np.float16([1])), mg.DTypeError, "mul: b: dtype float16"),
        (lambda x: mg.sum(x, dims=0), TypeError, "'dims'"),
        (lambda x: mg.tensor([1, 2], dtype="int64") + 1, mg.DTypeError, "int64"),
        (lambda x: x.item(), mg.ShapeError, "one element"),
        (lambda x: bool(x), ValueError, "one element"),
        (lambda x: x.sum(dim=3), mg.ShapeError, "dim 3"),
        (lambda x: x.reshape(3), mg.ShapeError, "reshape"),
        (lambda x: x + mg.tensor([1.0, 2.0, 3.0]), Exception, r"\(2,\)|broadcast"),
    ],
)
def test_bad_input(make, error, match):
    with pytest.raises(error, match=match):
        make(leaf([1.0, 2.0]))


def test_dtypes_promote_and_gradients_keep_the_leaf_dtype():
    a, b = leaf([1.0, 2.0], "float32"), leaf([[3.0], [4.0]], "float64")
    y = a * b
    assert y.dtype == np.float64
    y.sum().backward()
    assert a.grad.dtype == np.float32
    assert a.grad.tolist() == [7.0, 7.0]
    assert b.grad.dtype == np.float64
    assert (a * np.float64(2)).dtype == np.float32  # scalars of any kind are weak
    assert (a * 2).dtype == np.float32
    with pytest.raises(mg.DTypeError):
        mg.matmul(mg.tensor([[1.0]]), mg.tensor([[1.0]], dtype="float64"))


def test_no_grad_is_restored_after_an_exception_and_per_thread():
    x = leaf(1.0)
    with pytest.raises(ZeroDivisionError), mg.no_grad():
        assert not mg.is_grad_enabled()
        raise ZeroDivisionError
    assert mg.is_grad_enabled()
    seen = []
    with mg.no_grad():
        thread = threading.Thread(target=lambda: seen.append((x * 2).requires_grad))
        thread.start()
        thread.join()
    assert seen == [True]
    assert not mg.no_grad()(lambda: (x * 2).requires_grad)()


def test_an_exception_inside_a_rule_leaves_the_engine_clean():
    @mg.differentiable(x=lambda g, y, x: 1 / 0)
    def broken(x):
        return x.copy()

    x = leaf([1.0])
    with pytest.raises(ZeroDivisionError):
        broken(x).sum().backward()
    assert x.grad is None
    assert mg.is_grad_enabled()
    (x * 2).sum().backward()
    assert x.grad.tolist() == [2.0]


def test_a_rule_that_returns_the_wrong_shape_is_named():
    @mg.differentiable(x=lambda g, y, x: g)
    def doubled(x):
        return np.concatenate([x, x])

    with pytest.raises(mg.GraphError, match=r"doubled: a rule returned .*\(2,\).*\(1,\)"):
        doubled(leaf([1.0])).sum().backward()


def test_an_argument_without_gradient_is_named():
    @mg.differentiable(x=lambda g, y, x, index: g, index=None)
    def plus_index(x, index):
        return x + index

    with pytest.raises(mg.GraphError, match="plus_index has no gradient for its argument 'index'"):
        plus_index(mg.tensor([1.0]), leaf([1.0], "float32")).sum().backward()
    with pytest.raises(TypeError, match=r"missing \['index'\]"):
        mg.differentiable(x=None)(lambda x, index: x)


def test_constant_arguments_cost_no_rule():
    @mg.differentiable(a=lambda g, y, a, b: mg.mul(g, b), b=lambda g, y, a, b: 1 / 0)
    def scaled(a, b):
        y = K.empty(a.shape, a.dtype)
        K.mul(a, b, y)
        return y

    x = leaf([2.0])
    scaled(x, mg.tensor([3.0], dtype="float64")).sum().backward()
    assert x.grad.tolist() == [3.0]


def test_a_graph_is_freed_by_reference_counts_alone():
    gc.collect()
    gc.disable()
    try:
        x = leaf([1.0, 2.0])
        y = mg.exp(x * 2).sum()
        inner = weakref.ref(y.inputs[0])
        y.backward()
        assert inner() is None, "backward frees the graph behind it"
        z = mg.exp(x).sum()
        inner = weakref.ref(z.inputs[0])
        del z
        assert inner() is None, "a graph that was never walked goes with its last tensor"
    finally:
        gc.enable()


def test_views_of_what_is_written_keep_their_numbers():
    x = mg.tensor([[1.0, 2.0]], dtype="float64")
    w = leaf([[3.0], [5.0]])
    turned = x.T
    y = (turned * w).sum()
    x.copy_([[10.0, 20.0]])
    y.backward()
    assert w.grad.tolist() == [[1.0], [2.0]]
    assert turned.tolist() == [[1.0], [2.0]]
    with mg.no_grad():
        old = w.reshape(-1)
        w.copy_([[0.0], [0.0]])
    assert old.tolist() == [3.0, 5.0]


def test_a_written_view_that_the_walk_does_not_reach_is_noticed():
    x, w = leaf([1.0, 2.0]), leaf([3.0, 4.0])
    view = x[:1]
    z = w * 2  # younger than the view, so that a walk to z does not visit it
    y = (z[1:] * view).sum()
    with mg.no_grad():
        x.copy_([5.0, 6.0])
    with pytest.raises(mg.GraphError, match="written"):
        mg.grad(y, z)
    view = x[:1]
    z = w * 2
    with mg.no_grad():
        x.copy_([7.0, 8.0])  # the view shows these numbers, and y is made of them
    assert mg.grad((z[1:] * view).sum(), z).tolist() == [0.0, 7.0]


def test_branches_are_walked_newest_first():
    """Where several tensors are pending at once, the heap gives them in the order of their creation."""
    x, order = leaf(1.0), []
    branches = [x * float(i) for i in range(1, 6)]
    for i, branch in enumerate(branches):
        branch.register_hook(lambda g, i=i: order.append(i))
    y = branches[2]
    for i in (0, 4, 1, 3, 0, 2):
        y = y + branches[i]
    y.backward()
    assert order == [4, 3, 2, 1, 0]
    assert x.grad.item() == 1 * 2 + 2 + 3 * 2 + 4 + 5


def test_a_number_for_an_argument_that_needs_a_tensor_is_named():
    with pytest.raises(TypeError, match=r"matmul: b is 2.0; need a tensor or an array"):
        mg.matmul(leaf([[1.0]]), 2.0)
