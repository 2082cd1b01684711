"""Sorting: ties, NaN, integers, edges, errors."""

import numpy as np
import pytest

import minigrad as mg

pytestmark = pytest.mark.usefixtures("backend")


def test_equal_elements_keep_their_order_and_nan_counts_as_largest():
    x = mg.tensor([2.0, np.nan, 1.0, 2.0, -np.inf, 1.0])
    assert mg.argsort(x).tolist() == [4, 2, 5, 0, 3, 1]
    assert mg.argsort(x, descending=True).tolist() == [1, 0, 3, 2, 5, 4]
    assert x.topk(3).indices.tolist() == [1, 0, 3]
    assert x.topk(3, largest=False).indices.tolist() == [4, 2, 5]
    assert x.sort(descending=True).values.tolist()[1:] == [2, 2, 1, 1, -np.inf]


@pytest.mark.parametrize("dim", [0, 1, -1])
@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "uint8", "bool"])
def test_values_dtypes_and_layouts(dtype, dim):
    a = (np.random.default_rng(0).integers(0, 6, (5, 4)) % (2 if dtype == "bool" else 6)).astype(dtype)
    for array in (a, a.T, a[::-1, ::2]):
        values, indices = mg.sort(mg.from_numpy(array), dim)
        np.testing.assert_array_equal(values.data, np.sort(array, dim))
        np.testing.assert_array_equal(indices.data, np.argsort(array, dim, kind="stable"))
        falling = mg.sort(mg.from_numpy(array), dim, True).values
        assert falling.dtype == array.dtype
        np.testing.assert_array_equal(falling.data, np.flip(np.sort(array, dim), dim))


def test_the_gradient_goes_back_to_where_an_element_came_from():
    x = mg.tensor([[3.0, 1.0, 2.0], [4.0, 6.0, 5.0]], requires_grad=True)
    (x.topk(2).values * mg.tensor([10.0, 1.0])).sum().backward()
    assert x.grad.tolist() == [[10, 0, 1], [0, 10, 1]]


def test_edges_and_errors():
    empty = mg.zeros(0, 3)
    assert (mg.sort(empty, 0).values.shape, mg.topk(empty, 0, 0).values.shape) == ((0, 3), (0, 3))
    assert mg.topk(mg.ones(2, 3), 0).values.shape == (2, 0)
    with pytest.raises(mg.ShapeError, match=r"topk: k is 4, dim -1 of \(2, 3\) has 3"):
        mg.topk(mg.ones(2, 3), 4)
    with pytest.raises(ValueError, match="topk: k is -1"):
        mg.topk(mg.ones(3), -1)
    with pytest.raises(mg.ShapeError, match="sort: dim 1"):
        mg.sort(mg.ones(3), 1)
