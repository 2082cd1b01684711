"""read_ahead: the batches of a plain loader, made in a thread that ends with its iteration."""

import copy
import gc
import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import textwrap
import threading
import time
import traceback
import weakref

import numpy as np
import pytest

import minigrad as mg
from minigrad.data import Draws, Loader, Mixup, RandomFlip, RandomShift
from minigrad.data.batches import read_ahead
from minigrad.data.batches.read_ahead import ReadAhead

X = np.arange(26 * 16, dtype=np.float32).reshape(26, 1, 4, 4)
Y = np.arange(26) % 3
TRANSFORMS = [RandomShift(1), RandomFlip(), Mixup(0.4, classes=3)]


def threads():
    return [thread for thread in threading.enumerate() if thread.name == "minigrad read_ahead" and thread.is_alive()]


@pytest.fixture(autouse=True)
def no_thread_is_left():
    yield
    gc.collect()
    assert threads() == []


def loader(ahead, **options):
    return Loader(X, Y, 4, read_ahead=ahead, **{"seed": 3, "transform": TRANSFORMS, **options})


def bits(batches):
    return [[part.tobytes() for part in batch] for batch in batches]


@pytest.mark.parametrize("ahead", [1, 3, 100])
@pytest.mark.parametrize("options", [{}, {"shuffle": False, "drop_last": True}, {"weight": np.arange(26)}])
def test_the_batches_are_those_of_a_plain_loader(backend, ahead, options):
    plain, made = loader(0, **options), loader(ahead, **options)
    for _ in range(2):
        assert bits(made) == bits(plain)
    for batch in (4, len(plain)):
        for each in (plain, made):
            each.set_position(1, batch)
        assert bits(made) == bits(plain) and made.epoch == 2
    a, b = iter(made), iter(made)
    mixed = [next(each) for each in (a, b, a, b)]
    plain.set_epoch(2)
    c, d = iter(plain), iter(plain)
    assert bits(mixed) == bits([next(each) for each in (c, d, c, d)])


def test_training_is_the_same():
    def trained(ahead):
        mg.manual_seed(0)
        model = mg.nn.Sequential(mg.nn.Flatten(), mg.nn.Linear(16, 8), mg.nn.Dropout(0.5), mg.nn.Linear(8, 3))
        optimizer = mg.optim.Adam(model.parameters(), lr=0.01)
        history = mg.train.fit(model, loader(ahead), mg.cross_entropy, optimizer, epochs=3)
        return history["loss"], bits([[p.data for p in model.parameters()]])

    assert trained(2) == trained(0)


def test_batches_are_made_while_others_are_used():
    """Batch 2 is made although nobody has asked for it, and batch 3 is not: two wait at most."""
    begun = [threading.Event() for _ in range(6)]

    def make(number):
        begun[number].set()
        return number

    batches = ReadAhead(make, 0, 6, ahead=2)
    assert not begun[0].wait(0.02)  # nothing happens before the first is asked for
    assert next(batches) == 0
    assert begun[2].wait(10) and not begun[3].wait(0.05)
    assert next(batches) == 1
    assert begun[3].wait(10) and not begun[4].wait(0.05)
    assert list(batches) == [2, 3, 4, 5] and next(batches, None) is None


def test_exceptions_come_out_where_their_batch_is_asked_for():
    class Odd(Exception):
        pass

    def breaks(x, y, place):
        if place[2] >= 8:
            raise Odd(f"rows from {place[2]}")
        return x, y

    batches = iter(loader(3, transform=breaks))
    assert len([next(batches), next(batches)]) == 2
    with pytest.raises(Odd, match="rows from 8") as caught:
        next(batches)
    names = [frame.name for frame in traceback.extract_tb(caught.tb)]
    assert names[0].startswith("test_exceptions") and names[-1] == "breaks"
    assert next(batches, "over") == "over"


@pytest.mark.parametrize(
    ("raised", "seen"),
    [(StopIteration, RuntimeError), (SystemExit, SystemExit), (KeyboardInterrupt, KeyboardInterrupt)],
)
def test_exceptions_of_other_kinds(raised, seen):
    def make(number):
        if number:
            raise raised
        return number

    batches = ReadAhead(make, 0, 3, ahead=1)
    assert next(batches) == 0
    with pytest.raises(seen):
        next(batches)
    assert list(batches) == []


def test_nothing_is_made_after_an_exception():
    made = []

    def make(number):
        made.append(number)
        if number == 1:
            raise ValueError(number)
        return number

    batches = ReadAhead(make, 0, 9, ahead=5)
    assert next(batches) == 0
    with pytest.raises(ValueError, match="1"):
        next(batches)
    time.sleep(0.05)
    assert made == [0, 1] and list(batches) == []


def test_an_exception_is_freed_with_its_batch():
    class Large:
        pass

    alive = []

    def make(number):
        large = Large()
        alive.append(weakref.ref(large))
        raise ValueError(number)

    gc.disable()
    try:
        batches = ReadAhead(make, 0, 3, ahead=2)
        with pytest.raises(ValueError, match="0"):
            next(batches)
        del batches
    finally:
        gc.enable()
    gc.collect()
    assert alive[0]() is None


def test_the_thread_ends_when_the_iterator_is_dropped():
    for taken in (0, 1, 3):
        batches = iter(loader(2))
        for _ in range(taken):
            next(batches)
        del batches
        assert threads() == []
    for _ in range(50):
        next(iter(loader(2)))
    assert threads() == []


def test_a_thread_without_work_ends_by_itself(monkeypatch):
    monkeypatch.setattr(read_ahead, "IDLE", 0.02)
    batches, right = iter(loader(2)), bits(loader(0))
    first = next(batches)
    for _ in range(500):
        if not threads():
            break
        time.sleep(0.01)
    assert threads() == []
    assert bits([first, *batches]) == right


def test_a_batch_that_ctrl_c_took_is_made_again():
    for lost in (1, 6):
        batches = ReadAhead(lambda number: number, 0, 7, ahead=2)
        taken = [next(batches) for _ in range(lost)]
        batches._taken()
        assert [*taken, *batches] == list(range(7))


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_copies_while_a_thread_runs(duplicate):
    made, plain = loader(2), loader(0)
    batches = iter(made)
    next(batches)
    twin = duplicate(made)
    next(iter(plain))
    assert bits(twin) == bits(plain) and twin.read_ahead == 2
    with pytest.raises(TypeError, match=r"copy the Loader, and set_position\(epoch, batch\)"):
        duplicate(batches)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_fork_goes_on_in_both_processes(monkeypatch):
    monkeypatch.setattr(read_ahead, "PATIENCE", 60.0)
    slow = [lambda x, y, place: (time.sleep(0.002), (x, y))[1], *TRANSFORMS]
    right = bits(loader(0, transform=slow))
    for at in (0, 1, 3):
        batches = iter(loader(2, transform=slow))
        taken = [next(batches) for _ in range(at)]

        def child(connection, batches=batches, taken=taken):
            connection.send(bits([*taken, *batches]))

        here, there = multiprocessing.Pipe()
        process = multiprocessing.get_context("fork").Process(target=child, args=(there,))
        process.start()
        assert here.poll(60)
        assert here.recv() == right
        process.join(60)
        assert process.exitcode == 0
        assert bits([*taken, *batches]) == right


PROGRAM = """
    import sys, time
    import numpy as np
    from minigrad.data import Loader

    def slow(x, y, place):
        if place[2] >= 4:
            time.sleep(float(sys.argv[1]))
        return x, y

    batches = iter(Loader(np.ones((40, 2)), np.ones(40), 4, transform=slow, read_ahead=2))
    next(batches)
    print("ready", flush=True)
    if sys.argv[2] == "wait":
        next(batches)
"""


def test_a_program_ends_while_a_batch_is_made():
    # Where the native kernels are off, minigrad says so in a warning; only what threads print at the end is looked for.
    command = [sys.executable, "-W", "ignore:minigrad", "-c", textwrap.dedent(PROGRAM), "0.2", "end"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "ready\n", "")


@pytest.mark.skipif(sys.platform == "win32", reason="needs signals")
def test_ctrl_c_while_a_batch_is_waited_for():
    command = [sys.executable, "-c", textwrap.dedent(PROGRAM), "2", "wait"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "ready\n"
        time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        start = time.monotonic()
        _, errors = process.communicate(timeout=60)
    assert "KeyboardInterrupt" in errors and "Fatal" not in errors
    assert process.returncode != 0 and time.monotonic() - start < 30


def test_the_thread_computes_under_the_settings_of_its_iteration():
    seen = []

    def spy(x, y, place):
        seen.append((mg.is_grad_enabled(), np.geterr()["over"], threading.current_thread().name))
        return x, y

    with mg.no_grad(), np.errstate(over="raise"):
        next(iter(loader(2, transform=spy)))
    assert seen[0] == (False, "raise", "minigrad read_ahead")
    next(iter(loader(2, transform=spy)))
    assert seen[-1][0] is True


def test_draws_are_those_of_the_place():
    def noise(x, y, place):
        return x + Draws(place, len(x)).normal().reshape(-1, 1, 1, 1), y

    before = mg.rng.get_state()
    assert bits(loader(3, transform=noise)) == bits(loader(0, transform=noise))
    assert mg.rng.get_state() == before


@pytest.mark.parametrize(
    ("ahead", "error", "words"),
    [
        (-1, ValueError, "Loader: read_ahead is -1; need at least 0"),
        (True, TypeError, "read_ahead is True; need a whole number"),
        (2.0, TypeError, "read_ahead is 2.0"),
        (10**6, ValueError, "need less than 1025"),
    ],
)
def test_numbers_that_are_none(ahead, error, words):
    with pytest.raises(error, match=words):
        loader(ahead)
