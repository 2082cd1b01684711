"""States by the names of parameters: of a model in another order, of other models, and without names."""

import copy

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim


class Pair(nn.Module):
    """Two layers of one shape, in the order that is asked for."""

    def __init__(self, *names):
        for name in names:
            setattr(self, name, nn.Linear(3, 3))


def stepped(optimizer):
    for i, p in enumerate(p for group in optimizer.param_groups for p in group["params"]):
        p.grad = mg.tensor(np.full(p.shape, i + 1.0, p.dtype))
    optimizer.step()
    return optimizer


def states(model, optimizer):
    return {name: optimizer.state[p]["m"].tolist() for name, p in model.named_parameters()}


def by_layer(model):
    return [{"params": getattr(model, name).named_parameters()} for name in model._modules]


def test_a_reordered_model_gets_the_states_of_its_names(backend):
    ab, ba = Pair("a", "b"), Pair("b", "a")
    first, second = stepped(optim.Adam(ab.parameters())), optim.Adam(ba.parameters())
    second.load_state_dict(state=first.state_dict())
    assert states(ba, second) == states(ab, first)
    again = optim.Adam(ab.named_parameters())
    again.load_state_dict(second.state_dict())
    assert states(ab, again) == states(ab, first)


def test_groups_are_matched_group_by_group():
    model = Pair("a", "b")
    names = [f"{layer}.{name}" for layer in "ab" for name in ("weight", "bias")]
    pairs = dict(model.named_parameters())

    def make(*groups):
        return optim.Adam([{"params": [(name, pairs[name]) for name in group]} for group in groups])

    first = stepped(make(names[:2], names[2:]))
    turned = make(names[1::-1], names[:1:-1])
    turned.load_state_dict(first.state_dict())
    assert states(model, turned) == states(model, first)
    with pytest.raises(ValueError, match=r"group 0 it lacks b\.weight, b\.bias and has a\.weight, a\.bias in excess"):
        make(names[2:], names[:2]).load_state_dict(first.state_dict())


def test_other_names_are_refused_with_the_cure(backend):
    first = stepped(optim.Adam(Pair("a", "b").parameters()))
    other = Pair("a", "c")
    optimizer = optim.Adam(other.parameters())
    before = copy.deepcopy(optimizer.state_dict())
    state = first.state_dict()
    with pytest.raises(ValueError, match=r"group 0 it lacks c\.weight, c\.bias and has b\.weight, b\.bias in excess"):
        optimizer.load_state_dict(state)
    assert all((optimizer.state_dict()["state"][key] == array).all() for key, array in before["state"].items())
    state.pop("names")  # as the message says
    optimizer.load_state_dict(state)
    assert list(states(other, optimizer).values()) == [s["m"].tolist() for s in first.state.values()]


def test_without_names_the_order_decides():
    model = Pair("a", "b")
    for makes in ((list, iter), (list, nn.Module.parameters), (nn.Module.parameters, list)):
        first, second = (
            optim.Adam(make(model.parameters()) if make is not nn.Module.parameters else make(model)) for make in makes
        )
        stepped(first)
        second.load_state_dict(first.state_dict())
        assert states(model, second) == states(model, first)
    assert "names" not in optim.Adam(list(model.parameters())).state_dict()
    mixed = optim.Adam([{"params": model.a.parameters()}, {"params": [model.b.weight]}])
    assert "names" not in mixed.state_dict()
    named = optim.Adam(by_layer(model)).state_dict()["names"]
    assert named == [["weight", "bias"], ["weight", "bias"]]


def test_errors_name_the_parameter():
    first, model = stepped(optim.Adam(Pair("a").parameters())), Pair("a")
    state = first.state_dict()
    state["state"]["0.m"] = np.zeros((2, 2), np.float32)
    with pytest.raises(ValueError, match=r"0\.m \(a\.weight\) is float32 \(2, 2\); need floats \(3, 3\)"):
        optim.Adam(model.parameters()).load_state_dict(state)
    for names in (3, [3], [["a.weight", "a.bias"], ["more"]]):
        state["names"] = names
        with pytest.raises(ValueError, match=r"needs what state_dict gives|0\.m"):
            optim.Adam(model.parameters()).load_state_dict(state)
