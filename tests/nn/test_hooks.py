"""Hooks of modules: when they are called, with what, what they replace, how they go away; the tree's other helpers."""

import copy
import pickle

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn

X = np.arange(6, dtype=np.float32).reshape(2, 3) / 4


def note(module, args, output):
    module.seen = getattr(module, "seen", 0) + 1


class Pair(nn.Module):
    """Two inputs and an option, two outputs; what the first output depends on is x alone."""

    def forward(self, x, y, scale=1.0):
        return x * x * scale, x + y


def test_order_and_replacement(backend):
    calls, layer = [], nn.Linear(3, 2)
    layer.register_forward_hook(lambda m, args, y: calls.append("after") or y * 10)
    layer.register_forward_hook(lambda m, args, y: calls.append("first after"), prepend=True)
    layer.register_forward_pre_hook(lambda m, args: calls.append("before") or args[0] * 2)
    layer.register_forward_pre_hook(lambda m, args: calls.append("first before"), prepend=True)
    x = mg.tensor(X)
    expected = 10 * (2 * x @ layer.weight + layer.bias)
    np.testing.assert_allclose(nn.Sequential(layer)(x).data, expected.data, rtol=1e-6)  # Sequential calls hooks too
    assert calls == ["first before", "before", "first after", "after"]


def test_keyword_arguments():
    layer, seen = Pair(), []
    layer.register_forward_pre_hook(lambda m, args, kwargs: (args, {"scale": 3.0}), with_kwargs=True)
    layer.register_forward_hook(lambda m, args, kwargs, out: seen.append((len(args), kwargs)), with_kwargs=True)
    assert layer(mg.tensor(2.0), mg.tensor(1.0), scale=5.0)[0].item() == 12
    assert seen == [(2, {"scale": 3.0})]
    layer.register_forward_pre_hook(lambda m, args, kwargs: 3, with_kwargs=True)
    with pytest.raises(
        TypeError, match=r"Pair: a forward pre-hook with_kwargs returned 3; need None or \(args, kwargs\)"
    ):
        layer(mg.tensor(2.0), mg.tensor(1.0))


def test_handles_and_copies():
    layer = nn.Linear(3, 2)
    handle = layer.register_forward_hook(note)
    with layer.register_forward_hook(note):
        layer(mg.tensor(X))
    layer(mg.tensor(X))
    assert layer.seen == 3
    twins = copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))
    handle.remove()
    handle.remove()
    for module, expected in [(layer, 3), *((twin, 4) for twin in twins)]:
        module(mg.tensor(X))
        assert module.seen == expected
    for register in ("register_forward_hook", "register_forward_pre_hook", "register_full_backward_hook"):
        with pytest.raises(TypeError, match="a hook of a module is 3; need a function"):
            getattr(layer, register)(3)


def test_gradients_of_inputs_and_outputs(backend):
    layer, seen = nn.Linear(3, 2), []
    layer.register_full_backward_hook(lambda m, gin, gout: seen.append((m, gin, gout)))
    x = mg.tensor(X, requires_grad=True)
    layer(x).sum().backward()
    ((module, (g_input,), (g_output,)),) = seen
    assert module is layer and g_output.tolist() == [[1, 1], [1, 1]]
    np.testing.assert_array_equal(g_input.data, x.grad.data)
    seen.clear()
    layer(mg.tensor(X)).sum().backward()  # the input needs no gradient: the hook is called all the same
    assert seen[0][1] == (None,) and seen[0][2][0].tolist() == [[1, 1], [1, 1]]
    with mg.no_grad():
        layer(x)
    assert len(seen) == 1


def test_several_tensors_arrive_together(backend):
    layer, seen = Pair(), []
    layer.register_full_backward_hook(lambda m, gin, gout: seen.append((gin, gout)))
    x, y = (mg.tensor(v, requires_grad=True) for v in (3.0, 5.0))
    square, total = layer(x, y, 2.0)
    (square * 10 + total * 100).backward()
    (((gx, gy, none), (g_square, g_total)),) = seen
    assert (gx.item(), gy.item(), none) == (220, 100, None) and (g_square.item(), g_total.item()) == (10, 100)
    assert x.grad.item() == 220 and y.grad.item() == 100
    seen.clear()
    x.grad = y.grad = None
    layer(x, y, 2.0)[0].backward()  # nothing reaches y, nor the second output
    assert seen[0][0][1] is None and seen[0][1][1] is None and (x.grad.item(), y.grad.item()) == (12, 0)
    seen.clear()
    shared = layer(x, x)
    (shared[0] + shared[1]).backward()
    assert [g.item() for g in seen[0][0]] == [7, 1]


def test_a_backward_hook_replaces_gradients(backend):
    layer = Pair()
    layer.register_full_backward_hook(lambda m, gin, gout: (gin[0] * 10, gin[1]))
    layer.register_full_backward_hook(lambda m, gin, gout: (gin[0] + 1, gin[1]))
    x, y = (mg.tensor(v, requires_grad=True) for v in (3.0, 5.0))
    gx, gy = mg.grad(sum(layer(x, y)), (x, y), create_graph=True)
    assert gx.item() == 71 and gy.item() == 1
    assert mg.grad(gx, x).item() == 201  # 20 for 20 x + 11, which goes through the hooks again
    for bad, text in [(mg.tensor([1.0, 2.0]), r"float32 \(2,\)"), (None, "None")]:
        layer = nn.ReLU()
        layer.register_full_backward_hook(lambda m, gin, gout, bad=bad: (bad,))
        with pytest.raises(
            mg.GraphError, match=rf"a hook returned \({text}\); need None, or gradients like \(float32 \(\)\)"
        ):
            layer(x).backward()


def test_hooks_change_no_bit_of_a_gradient(backend):
    grads = []
    for hooked in (False, True):
        mg.manual_seed(1)
        model = nn.Sequential(nn.Linear(3, 4, activation="tanh"), nn.Linear(4, 2))
        for layer in model if hooked else ():
            layer.register_full_backward_hook(lambda m, gin, gout: None)
        mg.square(model(mg.tensor(X))).sum().backward()
        grads.append([p.grad.data for p in model.parameters()])
    assert all((a == b).all() for a, b in zip(*grads))


@pytest.mark.peers
def test_as_pytorch():
    torch = pytest.importorskip("torch", reason="compares with PyTorch")
    seen = {}
    for lib, module, make in [("mg", nn.Linear(3, 2), mg.tensor), ("torch", torch.nn.Linear(3, 2), torch.tensor)]:
        if lib == "torch":
            module.weight.data = torch.tensor(seen.pop("weight").T.copy())
            module.bias.data.zero_()
        else:
            seen["weight"] = module.weight.data
        calls = seen[lib] = []
        x = make(X, requires_grad=True) if lib == "mg" else make(X).requires_grad_(True)
        with module.register_forward_pre_hook(lambda m, args: args[0] * 2):
            module.register_forward_hook(lambda m, args, y, calls=calls: calls.append(args[0].tolist()) or y * 3)
            module.register_full_backward_hook(
                lambda m, gin, gout, calls=calls: calls.append((gin[0].tolist(), gout[0].tolist()))
            )
            module(x).sum().backward()
            calls.append(x.grad.tolist())
    np.testing.assert_allclose(seen["mg"][0], seen["torch"][0])
    np.testing.assert_allclose(seen["mg"][1][0], seen["torch"][1][0], rtol=1e-6)
    np.testing.assert_allclose(seen["mg"][1][1], seen["torch"][1][1], rtol=1e-6)
    np.testing.assert_allclose(seen["mg"][2], seen["torch"][2], rtol=1e-6)


def test_apply_goes_from_children_to_parents():
    model = nn.Sequential(nn.Linear(1, 1), nn.Sequential(nn.ReLU(), nn.Tanh()))
    order = []
    assert model.apply(order.append) is model
    assert order == [model[0], model[1][0], model[1][1], model[1], model]
    assert list(model.modules()) == [model, model[0], model[1], model[1][0], model[1][1]]
    shared = nn.Sequential(model[0], model[0])
    order.clear()
    shared.apply(order.append)
    assert order == [model[0], shared]


def test_freezing_and_buffers():
    model = nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.5, seed=1))
    assert model.requires_grad_(False) is model and not any(p.requires_grad for p in model.parameters())
    assert len(model.parameters()) == 2 and all(p.requires_grad for p in model.requires_grad_().parameters())
    assert model.buffers() == [model[1].calls] and [name for name, _ in model.named_buffers()] == ["1.calls"]
