"""The trace of a backward pass: its order, its formulas, and that its parts add up to the gradients to the bit."""

import time

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, reg
from minigrad.insight.formula import plain
from minigrad.kernels import add as add_kernel


def traced(model, x, t):
    with mg.debug.trace(model, numbers=10_000) as seen:
        loss = mg.cross_entropy(model(x), t) + 0.01 * mg.sum(model[0].weight ** 2)
        loss.backward()
    return seen


@pytest.fixture
def network():
    mg.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4, activation="tanh"), nn.Linear(4, 4), nn.Linear(4, 2))


def test_the_parts_add_up_to_each_gradient_to_the_bit(backend, network):
    """Each node's gradient is the last sum that arrived there, which is the kernel's sum of what was there and came."""
    model = nn.Sequential(network[0], network[1], network[1], network[2])  # a shared layer: gradients meet in it
    seen = traced(model, mg.tensor(np.linspace(-1, 1, 15).reshape(5, 3).tolist()), [0, 1, 1, 0, 1])
    (visits,), arrived = seen.walks, {}
    for visit in visits:
        assert visit.gradient.numbers.dtype == np.float32
        if visit is not visits[0]:
            np.testing.assert_array_equal(visit.gradient.numbers, arrived[visit.node])
        for part in visit.parts:
            gradient = part.gradient.numbers
            if part.before is None:
                assert part.node not in arrived
            else:
                np.testing.assert_array_equal(part.before.numbers, arrived[part.node])
                added = np.empty_like(gradient)
                add_kernel(part.before.numbers, gradient, added)
                np.testing.assert_array_equal(part.total.numbers, added)
            arrived[part.node] = part.arrived.numbers
    found = {seen.nodes[number].name: g for number, g in arrived.items() if not seen.nodes[number].op}
    parameters = dict(model.named_parameters())
    assert parameters.keys() == found.keys()
    for name, p in parameters.items():
        np.testing.assert_array_equal(found[name], p.grad.data)
    assert sum(part.before is not None for visit in visits for part in visit.parts) == 3  # two of the layer, one of L2


def test_nodes_are_visited_from_the_newest_to_the_oldest(network):
    seen = traced(network, mg.tensor([[1.0, 2.0, 3.0]]), [1])
    order = [seen.nodes[visit.node].stamp for visit in seen.walks[0]]
    assert order == sorted(order, reverse=True)
    assert [node.number for node in seen.nodes.values()] == list(range(1, len(seen.nodes) + 1))


@pytest.mark.parametrize(
    ("make", "formulas"),
    [
        (lambda a, b: a * b, ["g · b", "g · a"]),
        (lambda a, b: a - b, ["g", "−g"]),
        (lambda a, b: a / b, ["g / b", "−(g · y / b)"]),
        (lambda a, b: a @ b, ["g @ bᵀ", "aᵀ @ g"]),
        (lambda a, b: mg.exp(a), ["g · y"]),
        (lambda a, b: mg.sign(a), ["0"]),
    ],
)
def test_formulas_are_those_of_the_rules(make, formulas):
    a, b = (mg.tensor(np.full((2, 2), x), requires_grad=True) for x in (2.0, 3.0))
    with mg.debug.trace() as seen:
        mg.grad(make(a, b), [a, b], grad_outputs=np.ones((2, 2), np.float32), allow_unused=True)
    got = [part.formula for part in seen.walks[0][0].parts]
    assert [text.replace("(g · y) / b", "g · y / b") for text in got] == formulas


def test_two_walks_of_one_graph_and_a_second_derivative():
    x = mg.tensor(2.0, requires_grad=True)
    with mg.debug.trace() as seen:
        y = x * x
        y.backward(retain_graph=True)
        y.backward()
        first = mg.grad(x * x * x, x, create_graph=True)
        assert mg.grad(first, x).item() == 12
    assert len(seen.walks) == 4
    assert seen.walks[0][0].parts[1].total.numbers == 4
    assert "backward 4" in repr(seen)


def test_hooks_change_what_is_passed_on():
    x = mg.tensor(3.0, requires_grad=True)
    with mg.debug.trace() as seen:
        y = x * 2.0
        y.register_hook(lambda g: g * 10.0)
        (y * 1.0).backward()
    assert [visit.gradient.numbers.item() for visit in seen.walks[0]] == [1, 10]
    assert x.grad.item() == 20


def test_large_tensors_are_shown_by_their_norm_and_zeros():
    x = mg.tensor(np.r_[np.zeros(30), 3.0, 4.0], requires_grad=True)
    with mg.debug.trace(numbers=8) as seen:
        mg.sum(x * 1.0).backward()
    leaf = next(node for node in seen.nodes.values() if node.name.startswith("leaf"))
    assert (leaf.value.numbers, str(leaf.value)) == (None, "32, norm 5, 30 zeros")


def test_what_is_shown_stays_when_a_weight_is_written():
    w = mg.tensor([1.0, 2.0], requires_grad=True)
    with mg.debug.trace() as seen:
        mg.sum(w * w).backward()
        with mg.no_grad():
            w.copy_([7.0, 7.0])
    assert next(iter(seen.nodes.values())).value.numbers.tolist() == [1, 2]


def test_blocks_nest_and_end():
    x = mg.tensor([1.0], requires_grad=True)
    with mg.debug.trace() as outer, mg.debug.anomaly(), mg.debug.trace() as inner:
        mg.sum(mg.log(x)).backward()
    assert repr(outer) == repr(inner)
    before = repr(outer)
    mg.sum(x * 2.0).backward()
    assert repr(outer) == before
    with pytest.raises(mg.NonFiniteError), mg.debug.trace(), mg.debug.anomaly():
        mg.log(mg.tensor([0.0]))


def test_an_empty_trace_and_names_in_html():
    with mg.debug.trace() as seen:
        pass
    assert repr(seen) == "nothing was traced: call ops and backward inside of the block"
    p = nn.Parameter(mg.tensor([1.0]))

    class Odd:
        def named_parameters(self):
            return [("<b>", p)]

        def named_modules(self):
            return []

    with mg.debug.trace(Odd()) as seen:
        mg.sum(p * 2.0).backward()
    html = seen._repr_html_()
    assert "&lt;b&gt;" in html
    assert "<b>forward, line test_trace.py" in html
    assert "to <b>" not in html


class Two(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter([0.02, 1.0])

    def forward(self):
        return mg.sum(self.weight * self.weight)


@pytest.mark.parametrize("way", ["prox", "penalty"])
def test_what_an_update_did_is_told(way, backend):
    """The map takes a weight to 0, and the gradient of a penalty is not in that of backward: both are shown."""
    model = Two()
    optimizer = mg.optim.SGD(model.parameters(), lr=0.25, **{way: reg.on(model, "weight", reg.L1(0.1))})
    with mg.debug.trace(model) as seen:
        model().backward()
        optimizer.step()
    (update,) = seen.steps[0].updates
    assert update.gradient.numbers.tobytes() == model.weight.grad.data.tobytes()
    assert update.before.numbers.tolist() == [np.float32(0.02), 1]
    assert update.after.numbers.tobytes() == model.weight.data.tobytes()
    text = str(seen)
    if way == "prox":
        assert update.new_zeros == 1 and update.threshold == plain(0.25 * 0.1)
        assert "prox L1(0.1) weight: 0 where at most step · l1 = 0.025" in text and "became 0" in text
    else:
        assert update.penalty_gradient.numbers.tobytes() == np.float32([0.1, 0.1]).tobytes()
        moved = update.before.numbers - np.float32(0.25) * (update.gradient.numbers + update.penalty_gradient.numbers)
        assert moved == pytest.approx(update.after.numbers, abs=1e-6)
        assert "penalty L1(0.1) weight: its gradient = [0.1 0.1]" in text and update.new_zeros == 0
    assert "update, by SGD\n  weight  " in text
    optimizer.step()
    assert len(seen.steps) == 1, "nothing is noted behind the block"


def test_steps_of_coordinates_are_those_of_adam():
    w = mg.tensor([3.0, 0.5], requires_grad=True)
    optimizer = mg.optim.Adam([w], lr=0.01)
    with mg.debug.trace() as seen:
        mg.sum(w * w).backward()
        optimizer.step()
    assert seen.steps[0].updates[0].step == "[0.0017 0.01  ]"  # lr / (|g| + eps) in the first step: 0.01/6, 0.01/1
    assert "w  gradient g = [6. 1.]" in str(seen)


def test_tensors_are_called_as_their_variables_are():
    def inner(v):
        return v * 2.0

    weight = mg.tensor(2.0, requires_grad=True)
    same = other = mg.tensor(3.0, requires_grad=True)
    with mg.debug.trace() as seen:
        inner(weight * other).backward()
    names = [node.name for node in seen.nodes.values() if node.op is None]
    assert names == ["weight", "leaf 2"] and same is other


def test_time_before_an_op_is_not_its_own():
    w = mg.tensor(2.0, requires_grad=True)
    with mg.debug.trace() as seen:
        for _ in range(2):
            time.sleep(0.05)
            (w * w).backward()
    assert max(node.seconds for node in seen.nodes.values()) < 0.05
