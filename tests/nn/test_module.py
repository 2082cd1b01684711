"""The tree: what is a parameter, names, state, modes, errors that say where, and depth."""

import copy
import pickle

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.nn.standing import Standing


class Block(nn.Module):
    def __init__(self):
        self.scale = nn.Parameter([1.0, 2.0])
        self.register_buffer("count", np.zeros((), np.int64))
        self.inner = nn.Linear(2, 3)
        self.note = "plain"

    def forward(self, x):
        return self.inner(x * self.scale)


def test_attributes_become_parameters_buffers_and_modules():
    block = Block()  # without super().__init__()
    assert [n for n, _ in block.named_parameters()] == ["scale", "inner.weight", "inner.bias"]
    assert [n for n, _ in block.named_buffers()] == ["count"]
    assert [n for n, _ in block.named_modules()] == ["", "inner"]
    assert list(block.state_dict()) == ["scale", "count", "inner.weight", "inner.bias"]


def test_a_frozen_parameter_stays_one_and_a_constant_is_none():
    block = Block()
    block.scale.requires_grad_(False)
    block.fixed = mg.tensor([1.0])
    block.seen = block(mg.tensor([[1.0, 1.0]]))
    assert [n for n, _ in block.named_parameters()] == ["scale", "inner.weight", "inner.bias"]
    block.scale = mg.tensor([3.0, 4.0])  # a constant in the place of a parameter is a frozen parameter
    assert "scale" in dict(block.named_parameters())
    with pytest.raises(TypeError, match="scale is a parameter"):
        block.scale = nn.Parameter([1.0]) * 2
    block.scale = None
    del block.inner
    assert list(block.state_dict()) == ["count"]


def test_what_an_attribute_was_before_is_forgotten():
    block = Block()
    block.inner = nn.Parameter([1.0])
    assert block.children() == [] and [name for name, _ in block.named_parameters()] == ["scale", "inner"]
    block.inner = nn.Linear(2, 3)
    block.register_buffer("scale", np.ones(2))
    assert list(block.state_dict()) == ["scale", "count", "inner.weight", "inner.bias"]
    block.register_buffer("inner", np.ones(2))
    assert block.children() == [] and list(block.state_dict()) == ["scale", "count", "inner"]
    block.inner = nn.Linear(2, 3)
    del block.inner
    assert block.children() == [] and list(block.state_dict()) == ["scale", "count"]


def test_a_shallow_copy_notes_parts_of_its_own():
    block, other = Block(), nn.Linear(2, 3)
    twin = copy.copy(block)
    assert twin.inner is block.inner
    twin.inner = other
    twin.more = nn.Parameter([1.0])
    assert twin.children() == [other] and block.children() == [block.inner]
    assert "more" in twin.state_dict() and "more" not in block.state_dict()


def test_parameters_hidden_in_containers_are_refused():
    block = Block()
    for value in ([nn.Linear(1, 1)], {"a": nn.Parameter([1.0])}, (nn.ReLU(),)):
        with pytest.raises(TypeError, match="not found in there"):
            block.layers = value
    block.sizes = [1, 2]


def test_a_shared_tensor_counts_once():
    a, b = nn.Linear(2, 2), nn.Linear(2, 2)
    b.weight = a.weight
    model = nn.Sequential(a, b, a)
    assert [n for n, _ in model.named_parameters()] == ["0.weight", "0.bias", "1.bias"]
    assert list(model.state_dict()) == ["0.weight", "0.bias", "1.bias"]
    assert [n for n, _ in model.named_modules()] == ["", "0", "1"]
    assert len(model) == 3
    model(mg.tensor([[1.0, 2.0]])).sum().backward()
    assert a.weight.grad.shape == (2, 2)


def test_state_is_a_copy_and_comes_back(backend):
    model = nn.Sequential(nn.Linear(3, 2), Block())
    before = model.state_dict()
    kept = {name: array.copy() for name, array in before.items()}
    with mg.no_grad():
        for p in model.parameters():
            p.copy_(np.zeros(p.shape))
    assert all((before[name] == kept[name]).all() for name in kept)
    assert model.load_state_dict(before) == ([], [])
    assert all((model.state_dict()[name] == kept[name]).all() for name in kept)


def test_nothing_is_loaded_when_something_is_wrong():
    model = nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 1))
    before = model.state_dict()
    wrong = {name: np.ones_like(array) for name, array in before.items()}
    wrong["1.weight"] = np.ones((1, 2))
    del wrong["1.bias"]
    wrong["2.weight"] = np.ones(1)
    wrong["0.bias"] = np.array(["a", "b"])
    with pytest.raises(ValueError) as error:
        model.load_state_dict(wrong)
    for part in ("missing 1.bias", "unexpected 2.weight", "1.weight is (1, 2), need (2, 1)", "0.bias is <U1"):
        assert part in str(error.value)
    assert all((model.state_dict()[name] == before[name]).all() for name in before)
    with pytest.raises(TypeError, match="mapping"):
        model.load_state_dict([1])
    del wrong["1.weight"], wrong["0.bias"]
    assert model.load_state_dict(wrong, strict=False) == (["0.bias", "1.weight", "1.bias"], ["2.weight"])
    assert (model[0].weight.data == 1).all()
    with pytest.raises(ValueError, match=r"count is float64, need int64"):
        Block().load_state_dict({"count": np.array(0.5)}, strict=False)


def test_loading_invalidates_graphs_that_used_the_numbers():
    layer = nn.Linear(2, 1)
    y = layer(nn.Parameter([[1.0, 2.0]])).sum()
    layer.load_state_dict(layer.state_dict())
    with pytest.raises(mg.GraphError, match="written"):
        y.backward()


def test_modes_dtype_and_gradients():
    model = nn.Sequential(nn.Dropout(0.5), nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.5)))
    assert model.eval() is model
    assert not any(m.training for _, m in model.named_modules())
    assert all(m.training for _, m in model.train().named_modules())
    model(mg.tensor([[1.0, 2.0]])).sum().backward()
    model.zero_grad()
    assert all(p.grad is None for p in model.parameters())
    assert model.to("float64") is model
    assert model(mg.tensor([[1.0, 2.0]]).double()).dtype == np.float64
    with pytest.raises(mg.DTypeError, match="float16"):
        model.to(np.float16)


def test_errors_name_the_layer():
    model = nn.Sequential(nn.Linear(8, 64), nn.ReLU(), nn.Sequential(nn.Linear(60, 10, activation="relu")))
    with pytest.raises(mg.ShapeError) as error:
        model(mg.tensor(np.zeros((32, 8), np.float32)))
    assert str(error.value) == "model.2.0 (Linear 60->10, relu): x is (32, 64); need (rows, 60)"
    block = Block()
    with pytest.raises(mg.ShapeError, match=r"^Block: mul: "):  # raised by an op in its own forward
        block(mg.tensor([[1.0, 2.0, 3.0]]))
    with pytest.raises(NotImplementedError, match="Module: Module defines no forward"):
        nn.Module()(1)


def test_a_copy_of_a_model_is_a_model_of_its_own():
    model = Block()
    model(mg.tensor([[1.0, 2.0]])).sum().backward()
    for again in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert list(again.state_dict()) == list(model.state_dict())
        model.zero_grad()
        (model(mg.tensor([[1.0, 2.0]])) - 3 * again(mg.tensor([[1.0, 2.0]]))).sum().backward()
        assert again.inner.bias.grad.data.tolist() == [-3, -3, -3]
        assert model.inner.bias.grad.data.tolist() == [1, 1, 1]
    with pytest.raises(mg.GraphError, match="made by mul"):
        copy.copy(model.scale * 2)


def test_repr_is_a_tree():
    assert repr(nn.Sequential(Block(), nn.Dropout(0.25))) == (
        "Sequential()\n  0: Block()\n    inner: Linear(2->3)\n  1: Dropout(p=0.25)"
    )


def test_ten_thousand_levels():
    innermost = nn.Linear(1, 1)
    model = innermost
    for _ in range(10_000):
        model = nn.Sequential(model)
    assert model.parameters() == [innermost.weight, innermost.bias]
    assert not innermost.training or model.eval() is model
    assert not innermost.training
    assert len(model.load_state_dict(model.state_dict())) == 2
    assert "..." in repr(model)
    assert model(mg.tensor([[0.0]])).data == 0
    with pytest.raises(mg.ShapeError, match=r"0 \(Linear 1->1\): x is \(1, 2\)"):
        model(mg.tensor([[0.0, 0.0]]))


def test_hundreds_of_layers():
    model = nn.Sequential(*(nn.Linear(2, 2, activation="tanh") for _ in range(400)))
    model(mg.tensor([[1.0, -1.0]])).sum().backward()
    assert all(p.grad is not None for p in model.parameters())


def test_the_list_of_parameters_has_their_names():
    model = nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 1))
    params = model.parameters()
    assert [params.names[p] for p in params] == ["0.weight", "0.bias", "1.weight", "1.bias"]
    assert params.module() is model
    params.append(nn.Parameter([1.0]))
    assert (len(params), len(params.names)) == (5, 4)
    for plain in (params[:2], params + params, copy.deepcopy(params), pickle.loads(pickle.dumps(params))):
        assert type(plain) is list
    shared = nn.Sequential(model[0], model[0])
    assert list(shared.parameters().names.values()) == ["0.weight", "0.bias"]


def test_what_was_replaced_is_found_by_name():
    model = nn.Sequential(nn.Sequential(nn.Linear(3, 2)), nn.Linear(2, 1))
    standing = Standing(model, model.named_parameters())
    assert standing.lost() == []
    kept, model[0][0] = model[0][0], nn.Linear(3, 2)
    assert standing.lost() == ["0.0.weight", "0.0.bias"]
    model.append(kept)  # in another place, but there
    assert standing.lost() == []
    delattr(model, "1")
    assert standing.lost() == ["1.weight", "1.bias"]
    del model
    assert standing.lost() == []


def test_a_copy_says_which_attribute_has_a_graph():
    layer = nn.Linear(2, 1)
    layer.last = layer(mg.tensor([[1.0, 2.0]]))
    with pytest.raises(mg.GraphError, match=r"copy: Linear 2->1\.last was made by affine"):
        copy.deepcopy(nn.Sequential(layer))
    del layer.last
    assert copy.deepcopy(layer).weight is not layer.weight


def test_a_state_none_of_whose_names_fits_is_refused():
    model = nn.Linear(2, 1)
    state = {f"module.{name}": array for name, array in model.state_dict().items()}
    with pytest.raises(ValueError, match=r"no name fits: the module has weight, bias, the state module\.weight"):
        model.load_state_dict(state, strict=False)
    assert model.load_state_dict({}, strict=False) == (["weight", "bias"], [])


def test_copies_keep_hooks_of_parameters(backend):
    model = nn.Linear(2, 1, bias=False)
    model.weight.register_hook(lambda g: 10 * g)
    twin = copy.deepcopy(model)
    twin.weight.register_hook(lambda g: 0 * g)
    for layer, expected in ((model, 10.0), (twin, 0.0)):
        layer(mg.tensor([[1.0, 1.0]])).sum().backward()
        assert (layer.weight.grad.data == expected).all()


def test_a_parameter_is_not_replaced_by_what_would_not_be_trained():
    layer = nn.Linear(2, 1, init="zeros")
    weight = layer.weight
    for value, came in [
        (mg.zeros(2, 1), "a Tensor without requires_grad"),
        (np.zeros((2, 1)), "a ndarray"),
        ([[0.0], [0.0]], "a list"),
        (0.0, "a float"),
        (weight * 2, "the result of mul"),
        (weight.detach(), "a Tensor"),
    ]:
        with pytest.raises(TypeError, match=rf"Linear 2->1\.weight is a parameter; {came} .*copy_.*nn\.Parameter"):
            layer.weight = value
    with mg.no_grad(), pytest.raises(TypeError, match="the result of sub"):
        layer.weight = weight - 0.1
    assert layer.weight is weight and layer.parameters()[0] is weight
    layer.weight = nn.Parameter([[1.0], [2.0]])
    layer.bias = None
    assert [name for name, _ in layer.named_parameters()] == ["weight"]


def test_augmented_assignment_of_a_parameter_trains_it():
    layer = nn.Linear(2, 1, init="zeros")
    weight, array = layer.weight, layer.weight.array
    layer(mg.tensor([[1.0, 2.0]])).sum().backward()
    with pytest.raises(mg.GraphError, match="no_grad"):
        layer.weight -= 0.1 * layer.weight.grad
    with mg.no_grad():
        layer.weight -= 0.1 * layer.weight.grad
        for p in layer.parameters():
            p *= 2.0
    assert layer.weight is weight and weight.array is array and weight.requires_grad
    np.testing.assert_allclose(weight.data, [[-0.2], [-0.4]], rtol=1e-6)


def test_buffers_take_constants():
    block = Block()
    block.register_buffer("mean", [1.0, 2.0])
    block.mean *= 0.5
    assert [name for name, _ in block.named_buffers()] == ["count", "mean"] and block.mean.tolist() == [0.5, 1.0]
    with pytest.raises(TypeError, match="mean is a buffer and takes constants; the value was made by mul"):
        block.mean = block.scale.sum() * block.mean
