"""mg.compile: a compiled step leaves the same bits as the step, whatever it is made of, or is refused by name."""

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
