"""What changes from step to step between backward and update: clipping, schedules, averages of weights."""

import pytest
from replay.twins import X, Y, assert_twins, classifier, network

import minigrad as mg
from minigrad import optim
from minigrad.nn.clipping import clip_grad_norm_, clip_grad_value_


def with_own_step(make_step, make_optimizer=lambda m: optim.Adam(m.parameters(), lr=0.01), model=network):
    """make for assert_twins: make_step(model, optimizer) -> what comes between backward and the optimizer's step."""

    def make():
        mg.manual_seed(3)
        net = model()
        optimizer = make_optimizer(net)
        before, after = make_step(net, optimizer)

        def step(x, y):
            optimizer.zero_grad()
            output = net(x)
            loss = mg.cross_entropy(output, y)
            loss.backward()
            before()
            optimizer.step()
            after()
            return loss, output

        return net, optimizer, step

    return make


def nothing():
    pass


CLIPS = {
    "norm": lambda m: clip_grad_norm_(m.parameters(), 0.3),
    "norm 1": lambda m: clip_grad_norm_(m.parameters(), 0.3, norm_type=1),
    "norm inf": lambda m: clip_grad_norm_(m.parameters(), 0.01, norm_type=float("inf"), error_if_nonfinite=True),
    "never": lambda m: clip_grad_norm_(m.parameters(), 1e9),
    "value": lambda m: clip_grad_value_(m.parameters(), 0.01),
}


@pytest.mark.parametrize("name", CLIPS)
def test_clipping(name):
    assert_twins(with_own_step(lambda m, o: (lambda: CLIPS[name](m), nothing)))


def test_clipping_in_a_hook_of_the_optimizer():
    def make_optimizer(model):
        optimizer = optim.SGD(model.parameters(), lr=0.1)
        optimizer.before_step(lambda o: clip_grad_norm_(o.state, 0.3))
        return optimizer

    assert_twins(classifier(make_optimizer=make_optimizer))


SCHEDULES = {
    "cosine": lambda o: optim.lr_scheduler.CosineAnnealingLR(o, 30),
    "exponential": lambda o: optim.lr_scheduler.ExponentialLR(o, 0.9),
    "sequence": lambda o: optim.lr_scheduler.SequentialLR(
        o, [optim.lr_scheduler.LinearLR(o, 0.1, 1.0, 5), optim.lr_scheduler.StepLR(o, 3, 0.5)], milestones=[5]
    ),
    "one cycle": lambda o: optim.lr_scheduler.OneCycleLR(o, 0.1, 100, cycle_momentum=False),
}


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("place", ["before", "after"])
def test_schedules_that_step_in_the_step(name, place):
    def make_step(model, optimizer):
        schedule = SCHEDULES[name](optimizer)
        return (schedule.step, nothing) if place == "before" else (nothing, schedule.step)

    assert_twins(with_own_step(make_step))


def test_a_schedule_that_changes_the_momentum_is_refused():
    make = with_own_step(
        lambda m, o: (nothing, optim.lr_scheduler.OneCycleLR(o, 0.1, 100).step),
        lambda m: optim.SGD(m.parameters(), lr=0.1, momentum=0.9),
    )
    step = mg.compile(make()[2])
    with pytest.raises(
        mg.ReplayError, match=r"compile: SGD, in .* a schedule sets momentum .* call its step\(\) between two steps"
    ):
        for _ in range(3):
            step(X[:8], Y[:8])


def test_averages_of_weights():
    averages = []

    def make_step(model, optimizer):
        averages.append(optim.EMA(model, 0.9))
        return nothing, averages[-1].update

    assert_twins(with_own_step(make_step))
    eager, compiled = (ema.state_dict() for ema in averages)
    assert all((eager[name] == compiled[name]).all() for name in eager)


REFUSED = {
    "a tiny eps": (lambda m: optim.Adam(m.parameters(), eps=1e-14), "eps is 1e-14: .* Take an eps from 1e-12 on"),
    "steps by trying": (lambda m: optim.FISTA(m.parameters()), "FISTA.* it tries steps until one is short enough"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_optimizers_that_look_at_their_steps_are_refused(name):
    make_optimizer, why = REFUSED[name]
    model, optimizer, _ = classifier(make_optimizer=make_optimizer)()

    def step(x, y):
        def closure():
            return mg.cross_entropy(model(x), y)

        if isinstance(optimizer, optim.FISTA):
            return mg.tensor(optimizer.step(closure))
        optimizer.zero_grad()
        loss = closure()
        loss.backward()
        optimizer.step()
        return loss

    with pytest.raises(mg.ReplayError, match=why) as caught:
        mg.compile(step)(X[:8], Y[:8])
    assert len(str(caught.value)) < 300
