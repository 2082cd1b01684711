"""The program that a record becomes: feeds, taps at chosen steps, threads and variants of the processor."""

import threading

import numpy as np
import pytest

import minigrad as mg
from minigrad import kernels as K
from minigrad import nn, optim
from minigrad.replay.program import Feed, Tap

RNG = np.random.default_rng(0)
X = RNG.normal(size=(96, 300)).astype(np.float32)
Y = RNG.integers(0, 10, 96)


def training(compiled=True):
    """A network that is large enough for threads: (model, step)."""
    mg.manual_seed(0)
    model = nn.Sequential(nn.Linear(300, 256, activation="relu"), nn.Dropout(0.5), nn.Linear(256, 10))
    optimizer = optim.Adam(model.parameters())

    def step(x, y):
        optimizer.zero_grad()
        loss = mg.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        return loss

    return model, mg.compile(step) if compiled else step


def weights(model):
    return [p.data.tobytes() for p in model.parameters()]


def test_threads_change_no_bit():
    found = []
    before = mg.get_num_threads()
    try:
        for threads in (1, 2, 3):
            mg.set_num_threads(threads)
            model, step = training()
            found.append((step.run(6, X, Y).tolist(), weights(model)))
    finally:
        mg.set_num_threads(before)
    assert found[1] == found[0]
    assert found[2] == found[0]


@pytest.mark.skipif(K.runtime is None, reason="needs compiled kernels")
def test_a_program_follows_the_variant_of_the_processor():
    """A record holds functions that look the variant up, so that it may change between two runs."""
    variants, before = K.runtime.supported(), K.runtime.get_variant()
    ends = []
    try:
        for names in ([variants[-1]] * 3, [variants[0], variants[-1], variants[0]]):
            model, step = training()
            for name in names:
                K.runtime.set_variant(name)
                step.run(3, X, Y)
            ends.append(weights(model))
    finally:
        K.runtime.set_variant(before)
    assert ends[0] == ends[1]


def test_taps_keep_any_array_of_a_call_at_chosen_steps():
    """A weight, an activation, a gradient, one element, at steps 1, 4 and 5 of 6, as the step in Python has them."""
    model, step = training(compiled=False)
    x, y = mg.tensor(X), mg.tensor(Y)
    expected = []
    for i in range(9):
        before = model[0].weight.data.copy()
        step(x, y)
        if i - 3 in (1, 4, 5):
            expected.append((before, model[0].weight.grad.data.copy(), model[2].bias.data[7]))
    model, step = training()
    step.run(3, X, Y)
    (entry,) = step._entries.values()
    calls = [call.name for call in entry.record_.calls]
    hidden = entry.record_.memory.array(entry.record_.calls[calls.index("matmul")].writes[0])
    gradient, element = model[0].weight.grad.array, model[2].bias.array[7:8]
    chosen = np.array([-1, 0, -1, -1, 1, 2])
    out = [np.empty((3, *a.shape), a.dtype) for a in (model[0].weight.array, hidden, gradient, element)]
    last = len(calls) - 1
    taps = [
        Tap(0, model[0].weight.array, out[0], chosen),
        Tap(calls.index("matmul"), hidden, out[1], chosen),
        Tap(last, gradient, out[2], chosen),
        Tap(last, element, out[3], chosen),
    ]
    entry.replay(6, taps=taps)
    for i, (w, g, b) in enumerate(expected):
        assert out[0][i].tobytes() == w.tobytes()
        assert out[2][i].tobytes() == g.tobytes()
        assert out[3][i, 0] == b
    assert (out[1] >= 0).all()
    assert out[1].any(axis=(1, 2)).all()


def test_a_feed_goes_into_an_array_before_each_step():
    total = mg.tensor(np.zeros(3))
    x = mg.tensor(np.zeros(3))

    @mg.compile
    def step(x):
        with mg.no_grad():
            total.copy_(total + x)
        return total

    for _ in range(3):  # the first gives the total memory of its own, which the other two agree on
        step(x.data)
    (entry,) = step._entries.values()
    rows = np.arange(12.0).reshape(4, 3)
    kept, ended = entry.replay(4, feeds=[Feed(entry.inputs[0].array, rows)])
    assert ended is None
    assert kept[0].tolist() == np.cumsum(rows, axis=0).tolist()


@pytest.mark.skipif(K.runtime is None, reason="needs compiled kernels")
def test_a_program_runs_in_one_thread_at_a_time():
    program = K.tape.Program([])
    assert len(program) == 0
    assert program.run(5, [], []) is None
    assert program.done == 5
    with pytest.raises(IndexError, match="call 0 of 0"):
        program.address(0, 0)


def test_two_threads_record_and_replay_two_programs_at_once():
    def train(seed, ends):
        mg.manual_seed(0)
        x = np.random.default_rng(seed).normal(size=(40, 6)).astype(np.float32)
        model = nn.Linear(6, 3, init="zeros")
        optimizer = optim.Adam(model.parameters())

        @mg.compile
        def step(x, y):
            optimizer.zero_grad()
            loss = mg.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
            return loss

        losses = [step.run(50, x, Y[:40] % 3).tolist() for _ in range(4)]
        ends[seed] = losses, weights(model)

    alone, together = {}, {}
    for seed in (1, 2):
        train(seed, alone)
    threads = [threading.Thread(target=train, args=(seed, together)) for seed in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert together == alone
