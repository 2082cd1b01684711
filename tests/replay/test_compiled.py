"""mg.compile: a compiled step leaves the same bits as the step, whatever it is made of, or is refused by name."""

import signal
import threading
import time

import numpy as np
import pytest
from replay.twins import T, X, Y, assert_twins, classifier, network, state

import minigrad as mg
from minigrad import nn, optim, reg

OPTIMIZERS = {
    "sgd": lambda m: optim.SGD(m.parameters(), lr=0.1),
    "momentum": lambda m: optim.SGD(m.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-3),
    "nesterov": lambda m: optim.SGD(m.parameters(), lr=0.1, momentum=0.9, nesterov=True),
    "adam": lambda m: optim.Adam(m.parameters(), lr=0.01),
    "amsgrad": lambda m: optim.Adam(m.parameters(), lr=0.01, amsgrad=True),
    "adamw": lambda m: optim.AdamW(m.parameters(), lr=0.01),
    "rmsprop": lambda m: optim.RMSprop(m.parameters(), lr=0.01),
    "rmsprop centered": lambda m: optim.RMSprop(m.parameters(), lr=0.01, centered=True, momentum=0.5),
    "adagrad": lambda m: optim.Adagrad(m.parameters(), lr=0.1, lr_decay=0.1),
    "groups": lambda m: optim.Adam(
        [{"params": m[0].parameters(), "lr": 0.02}, {"params": m[1].parameters(), "betas": (0.5, 0.9)}]
    ),
    "l2": lambda m: optim.Adam(m.parameters(), penalty=reg.on(m, "*.weight", reg.L2(1e-2))),
    "elastic net in the gradient": lambda m: optim.SGD(
        m.parameters(), lr=0.1, penalty=reg.on(m, "*.weight", reg.ElasticNet(1e-2, 1e-3))
    ),
    "l1 in the prox, sgd": lambda m: optim.SGD(m.parameters(), lr=0.1, prox=reg.on(m, "*.weight", reg.L1(1e-2))),
    "l1 in the prox, adam": lambda m: optim.Adam(m.parameters(), prox=reg.on(m, "*.weight", reg.L1(1e-2))),
    "group lasso in the prox, sgd": lambda m: optim.SGD(
        m.parameters(), lr=0.1, prox=reg.on(m, "*.weight", reg.GroupLasso(1e-2))
    ),
    "group lasso in the prox, adam": lambda m: optim.Adam(
        m.parameters(), prox=reg.on(m, "*.weight", reg.GroupLasso(1e-2))
    ),
    "group lasso in the prox, adagrad": lambda m: optim.Adagrad(
        m.parameters(), lr_decay=0.1, prox=reg.on(m, "*.weight", reg.GroupLasso(1e-2))
    ),
    "max norm": lambda m: optim.SGD(m.parameters(), lr=0.1, constraints=reg.on(m, "*.weight", reg.MaxNorm(0.5))),
    "non-negative": lambda m: optim.Adam(m.parameters(), constraints=reg.on(m, "*.weight", reg.NonNegative())),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizers_and_moments(name):
    assert_twins(classifier(make_optimizer=OPTIMIZERS[name]))


@pytest.mark.parametrize("p", [0.5, 0.0])
def test_dropout(p):
    assert_twins(classifier(lambda: nn.Sequential(nn.Linear(6, 8), nn.Dropout(p), nn.Linear(8, 3))))


def test_dropout_with_a_seed_of_its_own():
    assert_twins(classifier(lambda: nn.Sequential(nn.Linear(6, 8), nn.Dropout(0.5, seed=4), nn.Linear(8, 3))))


def test_float64():
    assert_twins(classifier(lambda: network(dtype="float64")), columns=(X.astype(np.float64), Y))


def test_regression():
    def make():
        mg.manual_seed(1)
        model = network(0.3)
        optimizer = optim.Adam(model.parameters())

        def step(x, y):
            optimizer.zero_grad()
            output = model(x)
            loss = mg.mse(output, y)
            loss.backward()
            optimizer.step()
            return loss, output

        return model, optimizer, step

    assert_twins(make, columns=(X, T))


def test_a_penalty_in_the_loss():
    def make():
        model, optimizer, _ = classifier()()
        terms = reg.on(model, "*.weight", reg.L2(1e-2))

        def step(x, y):
            optimizer.zero_grad()
            output = model(x)
            loss = mg.cross_entropy(output, y) + terms()
            loss.backward()
            optimizer.step()
            return loss, output

        return model, optimizer, step

    assert_twins(make)


def test_calls_equal_the_step():
    """step(x, y) with arrays, tensors and lists, and results that stay what they were."""
    model, optimizer, step = classifier()()
    expected = [step(mg.tensor(X[:8] + i), mg.tensor(Y[:8]))[1].data.copy() for i in range(6)]
    end = state(model, optimizer)
    model, optimizer, step = classifier()()
    step = mg.compile(step)
    takes = [lambda x: x, mg.tensor, lambda x: x.tolist(), lambda x: x, mg.tensor, lambda x: x]
    got = [step(take(X[:8] + np.float32(i)), Y[:8])[1] for i, take in enumerate(takes)]
    assert all((a == b.data).all() for a, b in zip(expected, got))
    assert state(model, optimizer) == end


def test_run_equals_calls():
    _, _, step = classifier()()
    x, y = mg.tensor(X[:8]), mg.tensor(Y[:8])
    expected = [step(x, y)[0].item() for _ in range(9)]
    _, _, step = classifier()()
    step = mg.compile(step)
    first, second = step.run(4, x, y)[0], step.run(5, x, y)[0]
    assert [*first.tolist(), *second.tolist()] == expected


def test_a_step_that_returns_nothing_is_made_as_often_as_asked():
    model, optimizer, both = classifier(make_optimizer=OPTIMIZERS["adagrad"])()
    step = mg.compile(lambda x, y: both(x, y) and None)
    assert step.run(5, X[:8], Y[:8]) is None
    assert step.run(1, X[:8], Y[:8]) is None
    assert optimizer.state[model[0].bias]["t"] == 7


def test_a_step_without_arguments():
    x = mg.tensor([1.0, -2.0], requires_grad=True)
    optimizer = optim.SGD([x], lr=0.1)

    @mg.compile
    def step():
        optimizer.zero_grad()
        loss = (x * x).sum()
        loss.backward()
        optimizer.step()
        return {"loss": loss, "at": x, "name": "x"}

    found = step.run(10)
    assert found["name"] == "x"
    assert np.allclose(found["loss"], 5 * 0.64 ** np.arange(10))
    assert np.allclose(found["at"][-1], [0.8**10, -2 * 0.8**10])
    assert step()["loss"].item() == pytest.approx(5 * 0.64**10)


def test_the_options_of_groups_and_strengths_may_change_between_runs():
    terms = {}

    def make_optimizer(model):
        terms["l2"] = reg.on(model, "*.weight", reg.L2(1e-2))
        return optim.Adam(model.parameters(), penalty=terms["l2"])

    def run(compiled):
        model, optimizer, step = classifier(make_optimizer=make_optimizer)()
        step = mg.compile(step) if compiled else step
        for i in range(8):
            optimizer.param_groups[0]["lr"] = 0.01 / (1 + i)
            terms["l2"].entries[0].term.l2 = 0.01 * i
            step(mg.tensor(X[:8]), mg.tensor(Y[:8]))
        return state(model, optimizer)

    assert run(True) == run(False)


def test_what_changes_is_recorded_again_and_said_at_the_third_time():
    model, _, step = classifier(lambda: network(0.5))()
    step = mg.compile(step)

    def alternate(times):
        for _ in range(times):
            for mode in (model.train, model.eval):
                mode()
                for _ in range(3):
                    step(X[:8], Y[:8])

    alternate(1)
    step(X[:8], Y[:8])
    with pytest.warns(UserWarning, match=r"recorded again for the third time, because .* changed"):
        alternate(2)
    alternate(1)  # and once only


def test_a_mode_that_changes_has_the_bits_of_the_step():
    def run(compiled):
        model, optimizer, step = classifier(lambda: network(0.5))()
        step = mg.compile(step) if compiled else step
        for mode in (model.train, model.eval):
            mode()
            for _ in range(4):
                step(mg.tensor(X[:8]), mg.tensor(Y[:8]))
        return state(model, optimizer)

    assert run(True) == run(False)


def test_only_functions_are_compiled():
    with pytest.raises(TypeError, match="compile: got a int; need a function"):
        mg.compile(3)
    step = mg.compile(lambda x: x)
    with pytest.raises(TypeError, match="argument 0 is a dict"):
        step({})


TERMS = {
    "l1": lambda m: reg.on(m, "*.weight", reg.L1(1e-2)),
    "group lasso": lambda m: reg.on(m, "*.weight", reg.GroupLasso(1e-2)),
    "sparse group lasso": lambda m: reg.on(m, "*.weight", reg.SparseGroupLasso(1e-2, 0.5)),
    "orthogonal": lambda m: reg.on(m, "1.weight", reg.Orthogonal(1e-2)),
    "activity": lambda m: reg.on(m, "0", reg.Activity(l1=1e-2)),
    "activity norm": lambda m: reg.on(m, "0", reg.ActivityNorm(l1=1e-2)),
    "confidence": lambda m: reg.on(m, "", reg.ConfidencePenalty(1e-2)),
}


@pytest.mark.parametrize("name", TERMS)
def test_terms_in_the_loss(name):
    """Also those on what the model computes, whose last values are those of the last step."""
    seen = []

    def make():
        mg.manual_seed(3)
        model = network()
        optimizer = optim.SGD(model.parameters(), lr=0.1)
        terms = TERMS[name](model)
        seen.append(terms)

        def step(x, y):
            optimizer.zero_grad()
            output = model(x)
            loss = mg.cross_entropy(output, y) + terms()
            loss.backward()
            optimizer.step()
            return loss, output

        return model, optimizer, step

    assert_twins(make)
    assert seen[0].value() == seen[1].value()


def test_a_run_ends_where_a_number_is_not_finite():
    """Weights, streams and counters are those before the step that was broken off."""

    def make():
        mg.manual_seed(3)
        model = network(0.5)
        optimizer = optim.Adam(model.parameters())
        schedule = optim.ExponentialLR(optimizer, 0.9)

        def step(x, y):
            optimizer.zero_grad()
            loss = mg.mse(model(x), y)
            mg.kernels.check_finite(loss.array)
            loss.backward()
            optimizer.step()
            schedule.step()
            return loss

        return model, optimizer, step

    targets = T.copy()
    targets[45] = np.inf
    ends = []
    for compiled in (False, True):
        model, optimizer, step = make()
        loader = mg.data.Loader(X, T, 10, shuffle=False)
        loader.y = targets
        if compiled:
            with pytest.raises(mg.NonFiniteError, match="NaN or infinite in step 2 of the run"):
                mg.compile(step).epoch(loader)
        else:
            with pytest.raises(mg.NonFiniteError, match="NaN or infinite"):
                [step(mg.tensor(x), mg.tensor(y)) for x, y in loader]
        found = state(model, optimizer)
        del found["gradients"]
        ends.append(found)
    assert ends[0] == ends[1]


def test_epochs_that_begin_in_their_middle():
    _, _, step = classifier()()
    step = mg.compile(step)
    step.epoch(mg.data.Loader(X, Y, 10, seed=5))
    _, _, other = classifier()()
    other = mg.compile(other)
    other.epoch(mg.data.Loader(X, Y, 10, seed=5))
    whole = step.epoch(mg.data.Loader(X, Y, 10, seed=6))[0]
    first = other.epoch(mg.data.Loader(X, Y, 10, seed=6), last=3)[0]
    second = other.epoch(mg.data.Loader(X, Y, 10, seed=6), first=3)[0]
    assert [*first, *second] == whole.tolist()


def test_a_loader_with_transforms():
    def run(compiled):
        model, optimizer, step = classifier()()
        step = mg.compile(step) if compiled else step
        loader = mg.data.Loader(X, Y, 10, seed=5, transform=lambda x, y, place: (x + np.float32(0.1), y))
        for _ in range(2):
            if compiled:
                step.epoch(loader)
            else:
                for x, y in loader:
                    step(mg.tensor(x), mg.tensor(y))
        return state(model, optimizer)

    assert run(True) == run(False)


def test_ctrl_c_leaves_between_two_steps():
    """Within a twentieth of a second; the steps that were made are whole ones."""

    def make():
        model, optimizer, both = classifier(lambda: network(0.5), OPTIMIZERS["adagrad"])()
        step = mg.compile(lambda x, y: both(x, y)[0])
        step.run(3, mg.tensor(X[:8]), mg.tensor(Y[:8]))
        return model, optimizer, step

    model, optimizer, step = make()
    sent = []

    def send():
        sent.append(time.perf_counter())
        signal.raise_signal(signal.SIGINT)

    threading.Timer(0.2, send).start()
    with pytest.raises(KeyboardInterrupt):
        step.run(10**7, mg.tensor(X[:8]), mg.tensor(Y[:8]))
    assert time.perf_counter() - sent[0] < 0.5  # 0.05 where nobody else computes
    made = int(optimizer.state[model[0].bias]["t"]) - 1
    expected = state(model, optimizer)

    model, optimizer, step = make()
    step.run(made - 3, mg.tensor(X[:8]), mg.tensor(Y[:8]))
    assert state(model, optimizer) == expected


@pytest.mark.parametrize("wrong", [-100, 3, 2**40])
def test_labels_that_are_no_class_end_a_run(wrong):
    """Of those that no Python looks at in a replay, none is read beyond the classes; weights are those before."""
    model, optimizer, step = classifier()()
    step = mg.compile(step)
    for first in range(3):  # other labels each time: the same ones in both recordings would be recorded anew
        step(X[:8], Y[first : first + 8])
    before = state(model, optimizer)
    labels = Y[:8].copy()
    labels[5] = wrong
    with pytest.raises(IndexError, match=r"cross_entropy: an index is outside of its table in step 0 of the run"):
        step(X[:8], labels)
    assert state(model, optimizer) == before


@pytest.mark.parametrize("wrong", [-1, 5, 2**40])
def test_indices_that_are_in_no_table_end_a_run(wrong):
    table, places = nn.Embedding(5, 3), np.array([0, 4, 2, 2])
    rows = mg.compile(lambda index: table(index))
    sums = mg.compile(lambda index: mg.nll_loss(mg.log_softmax(table.weight[:4]), index))
    for step in (rows, sums):
        for i in range(3):
            step((places[2:] + i) % 5 if step is rows else (places + i) % 3)
        with pytest.raises(IndexError, match="an index is outside of its table"):
            step(np.array([1, wrong]) if step is rows else np.array([0, 1, wrong, 1]))


HOOKS = {
    "of a module": lambda model, seen: model[0].register_forward_hook(lambda module, x, y: seen.append(1)),
    "of a module, before": lambda model, seen: model[0].register_forward_pre_hook(lambda module, x: seen.append(1)),
    "of a module, backward": lambda model, seen: model[1].register_full_backward_hook(lambda *given: seen.append(1)),
    "of a tensor": lambda model, seen: model[0].weight.register_hook(lambda g: seen.append(1)),
}


@pytest.mark.parametrize("name", HOOKS)
def test_a_hook_that_returns_nothing_is_refused(name):
    model, _, step = classifier()()
    HOOKS[name](model, [])
    with pytest.raises(mg.errors.ReplayError, match=r"hook .*it returns nothing"):
        mg.compile(step)(X[:8], Y[:8])
