"""Gradient hooks, and gradients kept by tensors that ops made."""

import gc
import weakref

import pytest

import minigrad as mg
from minigrad import engine

pytestmark = pytest.mark.usefixtures("backend")


def leaf(values):
    return mg.tensor(values, dtype="float64", requires_grad=True)


def test_a_hook_sees_the_whole_gradient_once_and_may_replace_it():
    x = leaf([1.0, 2.0])
    y = x * 3
    seen = []
    y.register_hook(lambda g: seen.append(g.tolist()))
    y.register_hook(lambda g: g * 10)
    y.register_hook(lambda g: seen.append(g.tolist()))
    (y * y + y).sum().backward()  # dy = 2 y + 1, from three uses
    assert seen == [[7.0, 13.0], [70.0, 130.0]]
    assert x.grad.tolist() == [210.0, 390.0]


def test_a_leaf_with_a_hook_waits_for_all_its_uses():
    x, calls = leaf(2.0), []
    x.register_hook(lambda g: calls.append(g.item()))
    y = x
    for _ in range(3):
        y = y * x
    y.backward()
    assert calls == [32.0]
    assert x.grad.item() == 32.0


def test_hooks_hold_for_grad_and_every_walk_until_removed():
    x = leaf(3.0)
    y = x * x
    remove = y.register_hook(lambda g: g * 2)
    z = y * 5
    assert mg.grad(z, [y, x], retain_graph=True)[0].item() == 10.0
    assert mg.grad(z, x, retain_graph=True).item() == 60.0
    remove()
    remove()  # a second time does nothing
    assert mg.grad(z, x).item() == 30.0


def test_hooks_are_differentiable_with_create_graph():
    x = leaf(2.0)
    x.register_hook(lambda g: g * g)
    dx = mg.grad(x * x * x, x, create_graph=True)  # (3 x²)²
    assert dx.item() == 144.0
    x.hooks.clear()
    assert mg.grad(dx, x).item() == 36 * 8.0


def test_wrong_hooks_are_refused():
    x = leaf([1.0, 2.0])
    with pytest.raises(mg.GraphError, match="does not require grad"):
        mg.tensor([1.0]).register_hook(print)
    with pytest.raises(TypeError, match="function of the gradient"):
        x.register_hook(3)
    for wrong in (lambda g: g.sum(), lambda g: 0.0, lambda g: g.float()):
        remove = x.register_hook(wrong)
        with pytest.raises(mg.GraphError, match=r"a hook returned .*; need float64 \(2,\) or None"):
            (x * x).sum().backward()
        remove()
    assert x.grad is None


def test_retain_grad_adds_up_and_makes_no_cycle():
    x = leaf([1.0, 2.0])
    y = x * x
    y.retain_grad()
    y.sum().backward(retain_graph=True)
    (y * 2).sum().backward()
    assert y.grad.tolist() == [3.0, 3.0]
    x.retain_grad()  # leaves do anyway
    gone = weakref.ref(y)
    gc.disable()
    try:
        del y
        assert gone() is None
    finally:
        gc.enable()


def overwrite(g):
    g.copy_(5.0)
    g.requires_grad = True
    with mg.no_grad():
        g.copy_(7.0)
    g.requires_grad = False


def slope():
    x = mg.tensor(3.0, requires_grad=True)
    (x + 1.0).backward()
    return x.grad.item()


def test_what_hooks_and_leaves_are_given_is_their_own():
    x, z = mg.tensor(3.0, requires_grad=True), mg.tensor(3.0, requires_grad=True)
    y = x + 1.0
    given = []
    for t in (x, y):  # the rule of a sum hands the gradient on as it is
        t.register_hook(given.append)
    y.backward()
    z.backward()
    given += [z.grad, mg.grad(z, z), mg.grad(z + 1.0, z)]
    for _ in range(2):
        z.grad = None
        (z + 1.0).backward(create_graph=True)
        given.append(z.grad)
    for i, g in enumerate(given):
        assert g.item() == 1.0, i
        overwrite(g)
        assert slope() == 1.0


def test_a_rule_that_writes_on_its_gradient_spoils_no_other_walk(monkeypatch):
    one = mg.tensor(1.0)
    one.stamp = 1
    monkeypatch.setitem(engine._ONES, one.dtype, one)

    @mg.differentiable(x=lambda g, y, x: overwrite(g))
    def careless(x):
        return x + 1

    with pytest.raises(mg.GraphError, match="careless: a rule returned None"):
        careless(mg.tensor(3.0, requires_grad=True)).backward()
    assert one.item() == 7.0
    assert slope() == 1.0
