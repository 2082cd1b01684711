"""Groups and parameters that are added, by add_param_group or by hand, and taken out; names of parameters in errors."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim, reg


@pytest.fixture
def model():
    mg.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 1))


def fill(model):
    for p in model.parameters():
        p.grad = mg.tensor(np.ones(p.shape, p.dtype))


MAKERS = {
    "SGD": lambda params: optim.SGD(params, lr=0.1, momentum=0.9),
    "Adam": lambda params: optim.Adam(params, lr=0.1, amsgrad=True),
    "RMSprop": lambda params: optim.RMSprop(params, lr=0.1, centered=True),
    "Adagrad": lambda params: optim.Adagrad(params, lr=0.1, initial_accumulator_value=0.5),
}


def by_method(optimizer, layer):
    optimizer.add_param_group({"params": layer.parameters()})


def as_a_group(optimizer, layer):
    optimizer.param_groups.append({**optimizer.param_groups[0], "params": layer.parameters()})


def as_a_bare_group(optimizer, layer):
    optimizer.param_groups.append({"params": tuple(layer.parameters())})


def into_a_group(optimizer, layer):
    optimizer.param_groups[0]["params"] += layer.parameters()


def in_place_of_a_list(optimizer, layer):
    group = optimizer.param_groups[0]
    group["params"] = (p for p in [*group["params"], *layer.parameters()])


@pytest.mark.parametrize("add", [by_method, as_a_group, as_a_bare_group, into_a_group, in_place_of_a_list])
@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_parameters_that_came_later_take_part_from_a_fresh_state(backend, model, make, add):
    optimizer = make(model[0].parameters())
    fill(model)
    optimizer.step()
    first = model[0].weight.data.copy()
    add(optimizer, model[1])
    start = model[1].weight.data.copy()
    optimizer.zero_grad()
    assert model[1].weight.grad is None
    fill(model)
    optimizer.step()
    twin = nn.Parameter(start)
    alone = make([twin])  # the later ones move as in an optimizer of their own, the earlier ones go on
    twin.grad = mg.tensor(np.ones(twin.shape, twin.dtype))
    alone.step()
    assert (model[1].weight.data == twin.data).all()
    assert (model[0].weight.data != first).all()
    assert len(optimizer.state_dict()["state"]) == 4 * len(alone.state_dict()["state"])


def test_a_list_that_somebody_holds_stays_the_list_of_the_group(backend, model):
    optimizer = optim.SGD([model[0].weight], lr=0.1)
    held = optimizer.param_groups[0]["params"]
    for p in model.parameters()[1:]:
        held.append(p)
        before = p.data.copy()
        fill(model)
        optimizer.step()
        assert (p.data != before).all()
    mine = [nn.Parameter([1.0])]
    optimizer.add_param_group({"params": mine})
    mine.append("mine")  # not a list of the optimizer's
    optimizer.step()


def test_a_group_has_the_options_that_it_brings_and_those_of_the_optimizer(backend, model):
    optimizer = optim.SGD(model[0].parameters(), lr=0.1, momentum=0.9)
    optimizer.param_groups[0]["lr"] = 7.0
    optimizer.add_param_group({"params": model[1].weight, "momentum": 0})
    assert optimizer.param_groups[1] == {
        "lr": 0.1,
        "momentum": 0.0,
        "nesterov": False,
        "weight_decay": 0.0,
        "params": [model[1].weight],
    }
    assert optimizer.defaults == {"lr": 0.1, "momentum": 0.9, "nesterov": False, "weight_decay": 0.0}


def test_a_penalty_may_be_on_parameters_of_any_group(backend, model):
    terms = reg.on(model, "0.weight", reg.L1(0.1))
    optimizer = optim.SGD(model[0].parameters(), lr=0.1, prox=terms)
    optimizer.add_param_group({"params": model[1].parameters()})
    fill(model)
    expected = np.sign(model[0].weight.data - 0.1) * np.maximum(np.abs(model[0].weight.data - 0.1) - 0.01, 0)
    optimizer.step()
    np.testing.assert_allclose(model[0].weight.data, expected, rtol=1e-6, atol=1e-8)


def test_what_was_taken_out_is_left_alone(backend, model):
    optimizer = optim.Adam([{"params": model[0].parameters()}, {"params": model[1].parameters()}], lr=0.1)
    fill(model)
    optimizer.step()
    del optimizer.param_groups[0]
    before, kept = model[0].weight.data.copy(), model[1].weight.data.copy()
    fill(model)
    optimizer.step()
    assert (model[0].weight.data == before).all()
    assert (model[1].weight.data != kept).all()
    assert set(optimizer.state) == set(model[1].parameters())


@pytest.mark.parametrize(
    ("change", "error", "match"),
    [
        (lambda o, m: o.add_param_group({"params": m[0].weight}), ValueError, r"0\.weight \(3, 2\) is listed twice"),
        (lambda o, m: o.add_param_group(m[1].parameters()), TypeError, "got a Parameters; need a dict"),
        (lambda o, m: o.add_param_group({"params": m[1]}), TypeError, "'params' of a group is a Linear; pass tensors"),
        (lambda o, m: o.add_param_group({"params": m[1].parameters(), "lrr": 1}), TypeError, "did you mean 'lr'"),
        (lambda o, m: o.add_param_group({"params": m[1].parameters(), "lr": -1}), ValueError, "lr is -1"),
        (lambda o, m: o.add_param_group({"params": [m[1].weight * 2]}), mg.GraphError, "made by mul"),
    ],
)
def test_a_wrong_group_changes_nothing(model, change, error, match):
    optimizer = optim.SGD(list(model.named_parameters())[:2], lr=0.1)
    with pytest.raises(error, match=match):
        change(optimizer, model)
    assert len(optimizer.param_groups) == 1
    fill(model)
    optimizer.step()


@pytest.mark.parametrize(
    ("change", "error", "match"),
    [
        (lambda o, m: o.param_groups[0]["params"].append(m[0].bias), ValueError, r"0\.bias \(2,\) is listed twice"),
        (lambda o, m: o.param_groups[0]["params"].append(np.ones(3)), TypeError, "a parameter is a ndarray"),
        (lambda o, m: o.param_groups[0].pop("params"), TypeError, "need a dict with the key 'params'"),
        (lambda o, m: o.param_groups.append(m[1].parameters()), TypeError, "a group is"),
        (lambda o, m: o.param_groups.clear(), ValueError, "list of parameters is empty"),
        (lambda o, m: o.param_groups[0].update(params=[m[0].bias]), ValueError, r"is on 0\.weight, which"),
    ],
)
def test_what_cannot_take_part_is_said_at_once(backend, model, change, error, match):
    optimizer = optim.SGD(list(model.named_parameters())[:2], lr=0.1, prox=reg.on(model, "0.weight", reg.L1(0.1)))
    fill(model)
    before = model[0].weight.data.copy()
    change(optimizer, model)
    for act in (optimizer.zero_grad, optimizer.step, optimizer.state_dict):
        with pytest.raises(error, match=match):
            act()
    assert (model[0].weight.data == before).all()


def test_one_step_for_all_means_one_group(model):
    optimizer = optim.FISTA([model[0].weight])
    x = mg.tensor(np.eye(3, dtype=np.float32))
    optimizer.param_groups[0]["params"].append(model[0].bias)
    before = model[0].bias.data.copy()
    optimizer.step(lambda: mg.square(model[0](x) - 1).mean())
    assert (model[0].bias.data != before).any()
    with pytest.raises(ValueError, match="FISTA: got 2 groups; it has one step for all parameters"):
        optimizer.add_param_group({"params": model[1].parameters()})


@pytest.mark.parametrize(
    ("params", "match"),
    [
        (lambda m: m.parameters, r"params is a method; pass model.parameters\(\) with its parentheses"),
        (lambda m: None, r"params is a NoneType; pass model.parameters\(\)"),
        (lambda m: m.state_dict(), r"params is a dict; pass model.parameters\(\)"),
        (lambda m: {"params": m.parameters()}, r"params is a dict; pass a list of groups: \[{'params': ...}\]"),
        (lambda m: [{"params": m[0]}], "'params' of a group is a Linear"),
    ],
)
def test_what_is_no_list_of_parameters(model, params, match):
    with pytest.raises(TypeError, match=match):
        optim.SGD(params(model), lr=0.1)


def test_names_are_those_of_what_is_held(model):
    params = model.parameters()
    params[:] = [*params[1:], nn.Parameter([1.0])]
    optimizer = optim.SGD(params, lr=0.1)
    assert "names" not in optimizer.state_dict()  # one has none
    params.pop()
    assert optim.SGD(params, lr=0.1).state_dict()["names"] == [["0.bias", "1.weight", "1.bias"]]


def test_errors_name_parameters_that_came_with_names(backend, model):
    for params in (model.parameters(), model.named_parameters(), [{"params": model.parameters()}]):
        optimizer = optim.SGD(params, lr=0.1)
        fill(model)
        model[1].weight.grad = mg.tensor([1.0])
        with pytest.raises(mg.ShapeError, match=r"the gradient of 1\.weight is float32 \(1,\)"):
            optimizer.step()
    with pytest.raises(ValueError, match=r"1\.weight \(2, 1\) is listed twice"):
        optim.SGD([{"params": model.parameters()}, {"params": model[1].parameters()}], lr=0.1)


def test_options_stand_in_groups_under_their_names(backend, model):
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    with pytest.raises(AttributeError, match=r"SGD\.lr is an option of each group; .* group\['lr'\] = 0.01"):
        optimizer.lr = 0.01
    fill(model)
    optimizer.step()
    optimizer.param_groups[0]["learning_rate"] = 0.01
    before = model[0].weight.data.copy()
    with pytest.raises(TypeError, match="a group: unknown keyword 'learning_rate'; it takes params, initial_lr"):
        optimizer.step()
    assert (model[0].weight.data == before).all()
