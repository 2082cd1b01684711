"""Blocks that live between two calls only share an arena; all others stay where they are."""

import gc

import numpy as np
import pytest
from replay.twins import X, Y, classifier, network, state

import minigrad as mg
from minigrad import kernels as K
from minigrad import nn, optim
from minigrad.replay.arena import aligned, covered, lives_of, packed
from minigrad.replay.plain import Form, Launch, Noted, Place

needs_native = pytest.mark.skipif(K.backend() != "native", reason="needs compiled kernels, whose memory may move")


def form(block, first=0, count=8, stride=1):
    return Form(block, first, (count,), (stride,), "|u1")


def call(reads=(), writes=(), places=()):
    launch = Launch("map", b"", tuple(Place(0, n, 0) for n in places))
    return Noted("a call", (launch,), tuple(reads), tuple(writes), ("", 0), "")


def test_a_life_is_from_the_first_to_the_last_call_that_uses_a_block():
    calls = [call((), [form(0)]), call([form(0)], [form(1)]), call([form(1)], [form(2)]), call([form(0)], [form(3)])]
    assert lives_of(calls, [0, 1, 2, 3]) == {0: (0, 3), 1: (1, 2), 2: (2, 2), 3: (3, 3)}
    assert lives_of(calls, [1]) == {1: (1, 2)}


def test_a_copy_inside_of_a_call_is_used_by_its_kernels_alone():
    assert lives_of([call([form(0)], [form(1)], places=(0, 5, 1))], [1, 5]) == {1: (0, 0), 5: (0, 0)}


def test_a_block_that_is_read_where_no_call_wrote_stays_where_it_is():
    """Of its other bytes the step knows only that they were there: zeros around what is padded, for example."""
    half, rest, all_of_it = form(0, 0, 4), form(0, 4, 4), form(0)
    assert lives_of([call((), [half]), call([all_of_it])], [0]) == {}
    assert lives_of([call((), [half]), call([half])], [0]) == {0: (0, 1)}
    assert lives_of([call((), [half]), call((), [rest]), call([all_of_it])], [0]) == {0: (0, 2)}
    assert lives_of([call((), [form(0, 0, 4, stride=2)]), call([form(0, 0, 7)])], [0]) == {}, "every other byte"


def test_intervals_that_cover_one():
    assert covered([(4, 8), (0, 4)], (0, 8))
    assert covered([(0, 5), (3, 9)], (1, 8))
    assert not covered([(0, 3), (4, 8)], (0, 8))
    assert not covered([(1, 8)], (0, 8))
    assert not covered([], (0, 1))


def test_random_lives_never_meet_in_one_place():
    rng = np.random.default_rng(0)
    for _ in range(50):
        lives = {i: tuple(sorted(rng.integers(0, 12, 2).tolist())) for i in range(12)}
        sizes = {i: int(rng.integers(1, 500)) for i in range(12)}
        places, total = packed(lives, sizes)
        for i in range(12):
            assert places[i] % 64 == 0
            assert places[i] + sizes[i] <= total
            for j in range(i):
                apart = places[i] + sizes[i] <= places[j] or places[j] + sizes[j] <= places[i]
                assert apart or lives[i][1] < lives[j][0] or lives[j][1] < lives[i][0]
        assert total <= sum(-(-size // 64) * 64 for size in sizes.values())


def test_the_arena_begins_on_a_cache_line():
    assert [aligned(n).__array_interface__["data"][0] % 64 for n in (1, 100, 5000)] == [0, 0, 0]
    assert aligned(100).nbytes == 100


def deep(x):
    """A step whose arrays die one after the other."""
    for _ in range(6):
        x = mg.tanh(x * 2.0) + x
    return x.sum()


@needs_native
def test_the_arena_is_smaller_than_what_lies_in_it():
    step = mg.compile(deep)
    x = np.ones((50, 40), np.float32)
    expected = deep(mg.tensor(x)).item()
    assert step.run(5, x).tolist() == [expected] * 5
    (entry,) = step._entries.values()
    memory = entry.record_.memory
    assert memory.saved > 10 * x.nbytes
    assert 0 < memory.arena.nbytes <= 4 * x.nbytes
    said = rf"arrays of {memory.saved} bytes between calls in an arena of {memory.arena.nbytes}"
    assert said in step.explain().splitlines()[0]


@needs_native
def test_the_memory_of_the_recording_is_given_back():
    """What only the record held is freed when it becomes a program."""
    step = mg.compile(deep)
    x = np.ones((50, 40), np.float32)
    step(x), step(x)
    (entry,) = step._entries.values()
    owners = [b.owner for b in entry.record_.blocks]
    held = len([owner for owner in owners if owner is not None])
    del owners
    step(x)
    left = [b.owner for b in entry.record_.blocks if b.owner is not None]
    assert held > 15
    assert len(left) <= 3, "the argument and the result"
    assert gc.is_tracked(entry)


@needs_native
def test_what_somebody_holds_stays_where_it_is():
    """An activation that the user keeps from the recording, and a gradient of a tensor that no optimizer has."""
    seen = {}

    def parts():
        w = mg.tensor(np.eye(6, dtype=np.float32), requires_grad=True)

        def step(x):
            w.grad = None
            hidden = mg.tanh(x @ w)
            seen.setdefault("hidden", []).append(hidden)
            loss = (hidden * hidden).sum()
            loss.backward()
            return loss

        return w, step

    w, eager = parts()
    other, step = parts()
    step = mg.compile(step)
    kept = None
    for i in range(6):
        x = X[:8] * np.float32(i + 1)
        eager(mg.tensor(x))
        hidden = seen.pop("hidden")[0].data
        step(x)
        kept = seen.pop("hidden", kept)  # the tensor of the last recording
        assert kept[-1].data.tobytes() == hidden.tobytes()
        assert other.grad.data.tobytes() == w.grad.data.tobytes()


@needs_native
def test_results_values_and_gradients_are_no_part_of_the_arena():
    model, optimizer, step = classifier(lambda: network(0.5), lambda m: optim.Adam(m.parameters()))()
    step = mg.compile(step)
    step.run(4, X[:8], Y[:8])
    (entry,) = step._entries.values()
    low = entry.record_.memory.arena.__array_interface__["data"][0]
    inside = range(low, low + entry.record_.memory.arena.nbytes)
    for array in [*entry.outputs, *(p.grad.array for p in model.parameters()), *(p.array for p in model.parameters())]:
        assert array.__array_interface__["data"][0] not in inside
    assert len(inside) > 0


@needs_native
def test_every_array_of_a_step_can_be_tapped_in_the_arena():
    """Behind each call stands what it wrote, as in the first steps, which are made in Python."""
    model = nn.Sequential(nn.Linear(6, 8, activation="relu"), nn.Linear(8, 8, activation="tanh"), nn.Linear(8, 3))
    optimizer = optim.SGD(model.parameters(), lr=0.0)

    @mg.compile
    def step(x, y):
        optimizer.zero_grad()
        loss = mg.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()

    other = mg.compile(step.function)
    for _ in range(3):
        other(X[:8], Y[:8])
    names = [line.split()[2] for line in other.explain().splitlines()[2:]]
    taps = [step.tap(name) for name in names]
    step.run(6, X[:8], Y[:8])
    for tap in taps:
        assert len({row.tobytes() for row in tap.values}) == 1, tap.name


def test_a_step_that_goes_on_after_it_was_looked_at():
    """explain, check and taps come between recording and replay."""
    ends = []
    for look in (False, True):
        model, optimizer, step = classifier(lambda: network(0.5), lambda m: optim.Adam(m.parameters()))()
        step = mg.compile(step)
        step.run(2, X[:8], Y[:8])
        if look:
            step.explain()
            step.tap("matmul")
        step.run(4, X[:8], Y[:8])
        ends.append(state(model, optimizer))
    assert ends[0] == ends[1]
