"""What does not belong together is refused by name: optimizers, terms and models that were made anew or changed."""

import copy

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim, reg, train

X = np.random.default_rng(0).standard_normal((12, 5)).astype(np.float32)
Y = np.random.default_rng(1).standard_normal((12, 2)).astype(np.float32)


def build():
    return nn.Sequential(nn.Linear(5, 4), nn.Linear(4, 2))


def fit(model, optimizer, **options):
    return train.fit(model, (X, Y), mg.mse, optimizer, epochs=1, **options)


def step(model, optimizer):
    optimizer.zero_grad()
    mg.mse(model(mg.tensor(X)), Y).backward()
    optimizer.step()


def replaced(model):
    model[1] = nn.Linear(4, 2)
    return model


def assigned(model):
    model[1].weight = nn.Parameter(np.ones((4, 2), np.float32))
    return model


@pytest.mark.parametrize(
    ("change", "holds", "lacks"),
    [
        (lambda model: build(), "0.weight (5, 4), 0.bias", "0.weight, 0.bias, 1.weight, 1.bias"),
        (copy.deepcopy, "0.weight (5, 4), 0.bias", "0.weight, 0.bias, 1.weight, 1.bias"),
        (replaced, "1.weight (4, 2), 1.bias (2,)", "1.weight, 1.bias"),
        (assigned, "1.weight (4, 2)", "1.weight"),
        (lambda model: model[0], "1.weight (4, 2), 1.bias (2,)", ""),
    ],
    ids=["made anew", "copied", "layer replaced", "weight assigned", "a part"],
)
def test_fit_refuses_an_optimizer_of_other_parameters(change, holds, lacks):
    model = build()
    optimizer = optim.Adam(model.parameters())
    other = change(model)
    before = [p.data.copy() for p in other.parameters()]
    y = Y if len(other.parameters()) == 4 else np.zeros((12, 4), np.float32)
    with pytest.raises(ValueError, match="the optimizer \\(Adam\\) does not belong") as caught:
        train.fit(other, (X, y), mg.mse, optimizer, epochs=1)
    assert f"it holds {holds}" in str(caught.value)
    assert (f"does not hold {lacks}." if lacks else "of this model. If") in str(caught.value)
    assert all((p.data == b).all() for p, b in zip(other.parameters(), before))


def test_parameters_without_names_are_told_by_their_shapes():
    optimizer = optim.SGD(list(build().parameters()), lr=0.1)
    with pytest.raises(ValueError, match=r"holds a parameter \(5, 4\), a parameter \(4,\)"):
        fit(build(), optimizer)


def test_some_of_the_parameters_are_enough():
    model = build()
    body = model[0].weight.data.copy()
    fit(model, optim.SGD(model[1].parameters(), lr=0.1))
    assert (model[0].weight.data == body).all()
    model[0].weight.requires_grad_(False)
    fit(model, optim.SGD(model.parameters(), lr=0.1))
    assert (model[0].weight.data == body).all()
    for p in model[1].parameters():
        p.requires_grad_(False)
    with pytest.raises(ValueError, match=r"holds none that would be trained, and does not hold 0\.bias"):
        fit(model, optim.SGD(model[1].parameters(), lr=0.1))


def test_a_layer_that_was_added_is_not_forgotten():
    model = build()
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    model.append(nn.Linear(2, 2))
    with pytest.raises(ValueError, match=r"2\.weight, 2\.bias of the model came after the optimizer \(SGD\) was made"):
        fit(model, optimizer)
    optimizer.add_param_group({"params": model[2].parameters()})
    before = model[2].weight.data.copy()
    fit(model, optimizer)
    assert (model[2].weight.data != before).any()
    del optimizer.param_groups[1]  # on purpose: not a word about it
    fit(model, optimizer)


def test_a_loss_may_have_parameters_of_its_own():
    class Scaled(nn.Module):
        def __init__(self):
            self.scale = nn.Parameter([1.0])

        def forward(self, output, target):
            return mg.mse(output * self.scale, target)

    model, loss = build(), Scaled()
    optimizer = optim.SGD([*model.parameters(), *loss.parameters()], lr=0.1)
    penalty = reg.on(loss, "scale", reg.L2(0.1))
    train.fit(model, (X, Y), loss, optimizer, penalty, epochs=1)
    assert loss.scale.item() != 1.0


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda model: "adam", "optimizer is 'adam'; need an Optimizer of minigrad.optim, such as"),
        (lambda model: optim.SGD, "need an Optimizer of minigrad.optim, such as"),
        (lambda model: optim.StepLR(optim.SGD(model.parameters(), lr=1), 1), r"callbacks=\[train.LearningRate"),
    ],
)
def test_what_is_no_optimizer(make, match):
    model = build()
    with pytest.raises(TypeError, match=match):
        fit(model, make(model))


def test_the_visible_loop_refuses_a_replaced_layer(backend):
    model = build()
    optimizer = optim.Adam(model.parameters())
    step(model, optimizer)
    replaced(model)
    before = [p.data.copy() for p in model.parameters()]
    for _ in range(2):
        with pytest.raises(mg.GraphError, match=r"Adam: 1\.weight, 1\.bias of the model came after the optimizer"):
            step(model, optimizer)
    assert all((p.data == b).all() for p, b in zip(model.parameters(), before))
    params = optimizer.param_groups[0]["params"]
    params[:] = [p for p in params if p.grad is not None]
    optimizer.add_param_group({"params": model[1].parameters()})
    step(model, optimizer)
    assert all((p.data != b).any() for p, b in zip(model.parameters(), before))


def test_the_visible_loop_refuses_an_optimizer_whose_model_is_gone(backend):
    model = build()
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    model = build()
    with pytest.raises(mg.GraphError, match="the model whose parameters it holds no longer exists"):
        step(model, optimizer)
    part = optim.SGD(model[:1].parameters(), lr=0.1)  # of a chain that lived for a moment, and its layer lives on
    step(model, part)


def test_layers_that_get_no_gradient_or_are_taken_out_are_no_fault(backend):
    model = build()
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    model[0](mg.tensor(X)).sum().backward()
    optimizer.step()
    delattr(model, "1")
    optimizer.zero_grad()
    optimizer.step()


@pytest.mark.parametrize("term", [reg.L1(0.1), reg.Activity(0.1)], ids=["weights", "outputs"])
def test_fit_refuses_a_penalty_on_another_model(term):
    model, other = build(), build()
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    selector = "0" if isinstance(term, reg.Activity) else "0.weight"
    with pytest.raises(ValueError, match=f"is on {selector}, but not of this model"):
        fit(model, optimizer, penalty=reg.on(other, selector, term))
    fit(model, optimizer, penalty=reg.on(model, selector, term))
    with pytest.raises(ValueError, match=f"evaluate: penalty .* is on {selector}, but not of this model"):
        train.evaluate(model, (X, Y), mg.mse, penalty=reg.on(other, selector, term))


def test_terms_of_a_layer_that_was_replaced(backend):
    model = build()
    terms = reg.on(model, {"first": ("0.weight", reg.L1(0.1)), "second": ("1.weight", reg.L2(0.1))})
    part = reg.on(model, "0.weight", reg.Norm(0.1))
    replaced(model)
    for act in (terms, terms.value):
        with pytest.raises(mg.GraphError, match=r"the terms are on 1\.weight, which the model no longer has"):
            act()
    with pytest.raises(ValueError, match=r"'second' is on 1\.weight, which this optimizer does not hold; if the model"):
        optim.SGD(model.parameters(), lr=0.1, penalty=terms)
    assert part().item() == pytest.approx(0.1 * np.linalg.norm(model[0].weight.data), rel=1e-5)  # the layer stayed
    on_a_slice = reg.on(model[:1], "*.weight", reg.L1(0.1))  # its chain lived for a moment
    assert on_a_slice().item() > 0


def test_a_cell_that_binds_terms_twice_is_told_the_cure(backend):
    model = build()
    terms = reg.on(model, "*.weight", reg.L1(0.1))
    with pytest.raises(ValueError, match="lr is -1"):
        optim.SGD(model.parameters(), lr=-1, prox=terms)  # binds nothing
    optimizer = optim.SGD(model.parameters(), lr=0.1, prox=terms)
    with pytest.raises(mg.GraphError, match=r"act in SGD\(prox=...\) already.* call reg\.on anew"):
        optimizer = optim.SGD(model.parameters(), lr=0.1, prox=terms)
    assert terms.optimizer is optimizer
    optimizer = optim.SGD(model.parameters(), lr=0.1, prox=copy.copy(terms))
