"""Copies of optimizers, alone and with their models: deepcopy, pickle, copy. They train on to the same bits, alone."""

import copy
import pickle
import subprocess
import sys

import numpy as np
import pytest
from minigrad.nn.utils import clip_grad_norm_

import minigrad as mg
from minigrad import nn, optim, reg, train

X = np.random.default_rng(0).standard_normal((12, 5)).astype(np.float32)
Y = np.random.default_rng(1).standard_normal((12, 2)).astype(np.float32)
DUPLICATES = {"deepcopy": copy.deepcopy, "pickle": lambda x: pickle.loads(pickle.dumps(x))}
UNITS = {f"unit {j}": [("0.weight", np.s_[:, j]), ("0.bias", j), ("2.weight", j)] for j in range(4)}
MAKERS = {
    "SGD": lambda m: optim.SGD(m.parameters(), lr=0.1, momentum=0.9, nesterov=True),
    "Adam": lambda m: optim.Adam(m.parameters(), lr=0.01, amsgrad=True),
    "RMSprop": lambda m: optim.RMSprop(m.parameters(), lr=0.01, centered=True, momentum=0.5),
    "Adagrad": lambda m: optim.Adagrad(m.parameters(), lr=0.1, lr_decay=0.1, initial_accumulator_value=0.3),
    "groups": lambda m: optim.Adam([{"params": m[0].parameters(), "lr": 0.02}, {"params": m[2].parameters()}]),
    "penalty": lambda m: optim.SGD(
        m.parameters(),
        lr=0.1,
        penalty=reg.on(m, "*.weight", reg.L2(reg.Ramp(0, 0.1, 5))),
        constraints=reg.on(m, "*.weight", reg.MaxNorm(1.0)),
    ),
    "prox": lambda m: optim.AdamW(m.parameters(), lr=0.01, prox=reg.on(m, "*.weight", reg.L1(0.01))),
    "prox of groups": lambda m: optim.Adam(m.parameters(), lr=0.01, prox=reg.on(m, "*.weight", reg.GroupLasso(0.01))),
    "prox of units": lambda m: optim.Adam(
        m.parameters(), lr=0.01, prox=reg.on(m, reg.everything, reg.NamedGroupLasso(0.01, UNITS))
    ),
}


@pytest.fixture
def model():
    mg.manual_seed(0)
    return nn.Sequential(nn.Linear(5, 4, activation="tanh"), nn.Dropout(0.3, seed=3), nn.Linear(4, 2))


def gradients(model, optimizer, terms=None):
    optimizer.zero_grad()
    loss = mg.mse(model(mg.tensor(X)), Y)
    (loss if terms is None else loss + terms(loss)).backward()


def step(model, optimizer, terms=None, times=1):
    for _ in range(times):
        gradients(model, optimizer, terms)
        optimizer.step()


def weights(model):
    return b"".join(p.data.tobytes() for p in model.parameters())


@pytest.mark.parametrize("duplicate", DUPLICATES.values(), ids=DUPLICATES)
@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_a_pair_trains_on_alone_to_the_same_bits(backend, model, make, duplicate):
    optimizer = make(model)
    step(model, optimizer, times=3)
    gradients(model, optimizer)  # a copy between backward and step takes that step
    before = weights(model)
    twin, twin_optimizer = duplicate((model, optimizer))
    assert {id(p) for p in twin.parameters()} == {id(p) for p in twin_optimizer.state}
    twin_optimizer.step()
    step(twin, twin_optimizer, times=2)
    assert weights(model) == before
    optimizer.step()
    step(model, optimizer, times=2)
    assert weights(twin) == weights(model) != before
    for pair in ((model, optimizer), (twin, twin_optimizer)):
        train.fit(pair[0], (X, Y), mg.mse, pair[1], epochs=2)
    assert weights(twin) == weights(model)
    assert twin_optimizer.state_dict()["names"] == optimizer.state_dict()["names"]


@pytest.mark.parametrize("duplicate", DUPLICATES.values(), ids=DUPLICATES)
def test_an_optimizer_alone_has_its_parameters_inside(backend, model, duplicate):
    optimizer = MAKERS["prox"](model)
    step(model, optimizer)
    before = weights(model)
    twin = duplicate(optimizer)
    held = twin.param_groups[0]["params"]
    assert b"".join(p.data.tobytes() for p in held) == before
    assert twin.bound_terms[0].optimizer is twin
    assert twin.penalty_values() == optimizer.penalty_values()
    twin.step()
    assert weights(model) == before != b"".join(p.data.tobytes() for p in held)


def test_a_copy_of_an_optimizer_is_a_second_one_on_the_same_parameters(backend, model):
    optimizer = MAKERS["prox"](model)
    step(model, optimizer, times=2)
    second = copy.copy(optimizer)
    second.param_groups[0]["lr"] = 0.0
    assert optimizer.param_groups[0]["lr"] == 0.01
    before = optimizer.state[model[0].weight]["m"].copy()
    gradients(model, second)
    kept = model[0].weight.grad
    second.step()
    assert model[0].weight.grad is kept
    assert (optimizer.state[model[0].weight]["m"] == before).all()
    assert (second.state[model[0].weight]["m"] != before).any()
    assert second.bound_terms[0] is not optimizer.bound_terms[0]
    assert second.bound_terms[0].optimizer is second


@pytest.mark.parametrize("duplicate", DUPLICATES.values(), ids=DUPLICATES)
def test_terms_are_bound_to_the_copy_they_came_with(backend, model, duplicate):
    terms = reg.on(model, "*.weight", reg.L1(0.1))
    optimizer = optim.SGD(model.parameters(), lr=0.1, prox=terms)
    _, twin_optimizer, twin_terms = duplicate((model, optimizer, terms))
    assert (terms.optimizer, twin_terms.optimizer) == (optimizer, twin_optimizer)
    with pytest.raises(mg.GraphError, match=r"reg\.on anew"):
        twin_terms()
    for alone in (duplicate(terms), copy.copy(terms)):
        assert (alone.optimizer, alone.moment) == (None, "loss")
        assert alone().item() == pytest.approx(sum(terms.value().values()))


@pytest.mark.parametrize("duplicate", DUPLICATES.values(), ids=DUPLICATES)
@pytest.mark.parametrize("turn", [1, -1])
def test_terms_on_outputs_watch_the_copied_model(backend, model, duplicate, turn):
    terms = reg.on(model, {"active": ("0", reg.Activity(l1=0.1)), "slope": ("", reg.InputGradient(0.1))})
    x = mg.tensor(X, requires_grad=True)
    terms(mg.mse(model(x), Y))
    twin, twin_terms = duplicate((model, terms)[::turn])[::turn]
    with pytest.raises(mg.GraphError, match="has no output yet"):
        twin_terms()
    for calls in (model[1].calls, twin[1].calls):
        calls.copy_(0)  # the same dropout
    totals = [t(mg.mse(m(x), Y)).item() for m, t in ((model, terms), (twin, twin_terms))]
    assert totals[0] == totals[1]
    kept = twin_terms.entries[0].value()
    model(mg.tensor(2 * X))  # is no call of the copy
    assert twin_terms.entries[0].value() == kept
    assert len(twin.watchers) == len(model.watchers) == 1


def test_hooks_go_along(backend, model):
    clip = train.ClipGradients(max_norm=1e-3)
    optimizer = optim.SGD(model.parameters(), lr=1.0)
    optimizer.before_step(clip._clip)
    optimizer.before_step(lambda o: clip_grad_norm_(o.state, 1e-3))
    mask = mg.tensor(np.zeros((4, 2), np.float32))
    model[2].weight.register_hook(lambda g: g * mask)
    twin, twin_optimizer = copy.deepcopy((model, optimizer))
    frozen = twin[2].weight.data.copy()
    step(twin, twin_optimizer)
    assert (twin[2].weight.data == frozen).all()
    moved = np.sqrt(sum(((p.data - q.data) ** 2).sum() for p, q in zip(model.parameters(), twin.parameters())))
    assert 0 < moved < 1.1e-3
    assert clip.norms == []
    remove = optimizer.before_step(lambda o: clip_grad_norm_(model.parameters(), 1.0))
    with pytest.raises(TypeError, match="the hook <lambda>, which acts on 'model' of the original"):
        copy.deepcopy((model, optimizer))
    assert len(copy.copy(optimizer)._hooks) == 3  # the same parameters, so the hook is right
    remove()
    copy.deepcopy((model, optimizer))


@pytest.mark.parametrize("duplicate", DUPLICATES.values(), ids=DUPLICATES)
def test_a_copy_from_within_fit(model, duplicate):
    """Clipping hooks into the optimizer as long as fit runs; the copy of an epoch goes on as fit itself does."""

    class Keep(train.Callback):
        def on_epoch_end(self, run):
            if run.epoch == 1:
                self.kept = duplicate((run.model, run.optimizer))

    keep, clips = Keep(), [train.ClipGradients(0.1), train.ClipGradients(0.1)]
    optimizer = MAKERS["Adam"](model)
    train.fit(model, (X, Y), mg.mse, optimizer, epochs=2, callbacks=[keep, clips[0]])
    twin, twin_optimizer = keep.kept
    assert (len(optimizer._hooks), len(twin_optimizer._hooks)) == (0, 1)
    twin_optimizer._hooks[0].__self__.on_train_end(None)
    assert twin_optimizer._hooks == []
    before = weights(twin)
    train.fit(twin, (X, Y), mg.mse, twin_optimizer, epochs=1, callbacks=[clips[1]])
    assert before != weights(twin)
    assert len(clips[0].norms) == 2


PROGRAM = """
import pickle, sys
import minigrad as mg
model, optimizer, x, y = pickle.load(sys.stdin.buffer)
for _ in range(2):
    optimizer.zero_grad()
    mg.mse(model(x), y).backward()
    optimizer.step()
sys.stdout.buffer.write(b"".join(p.data.tobytes() for p in model.parameters()))
"""


def test_another_process_goes_on_with_the_same_bits(model):
    optimizer = MAKERS["prox of groups"](model)
    step(model, optimizer, times=2)
    sent = pickle.dumps((model, optimizer, mg.tensor(X), Y))
    command = [sys.executable, "-W", "ignore", "-c", PROGRAM]
    found = subprocess.run(command, input=sent, capture_output=True, check=True, timeout=120).stdout
    step(model, optimizer, times=2)
    assert found == weights(model)


def test_the_backend_may_change_between_pickle_and_load(model):
    optimizer = MAKERS["Adam"](model)
    step(model, optimizer)
    sent = pickle.dumps((model, optimizer))
    with mg.use_backend("reference"):
        twin, twin_optimizer = pickle.loads(sent)
        step(twin, twin_optimizer)
    step(model, optimizer)
    for p, q in zip(model.parameters(), twin.parameters()):
        np.testing.assert_allclose(p.data, q.data, rtol=1e-5)


def test_states_that_cannot_be_written_are_copied(backend, model):
    """As joblib hands large arrays to a worker: mapped into memory, read-only."""
    optimizer = MAKERS["Adam"](model)
    step(model, optimizer)
    for state in optimizer.state.values():
        state["m"].flags.writeable = False
    twin, twin_optimizer = copy.deepcopy((model, optimizer))
    for state in twin_optimizer.state.values():
        state["v"].flags.writeable = False
    twin_optimizer._build()
    step(twin, twin_optimizer)


def test_options_and_frozen_parameters_go_along(model):
    """Options that were changed by hand, frozen parameters and the rate go along."""
    model[0].weight.requires_grad_(False)
    optimizer = MAKERS["SGD"](model)
    optimizer.param_groups[0]["lr"] = 0.5
    twin, twin_optimizer = copy.deepcopy((model, optimizer))
    assert not twin[0].weight.requires_grad
    assert twin_optimizer.param_groups[0]["lr"] == 0.5
    before = twin[0].weight.data.copy()
    step(twin, twin_optimizer)
    assert (twin[0].weight.data == before).all()
