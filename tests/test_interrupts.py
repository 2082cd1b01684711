"""Ctrl-C: a first one takes effect between two batches, a second one at once; handlers are left as found."""

import signal
import threading

import numpy as np
import pytest

import minigrad as mg
from minigrad import optim
from minigrad.interrupts import Interrupts
from minigrad.train import Callback, fit

X = np.linspace(-1, 1, 12, dtype=np.float32).reshape(12, 1)


@pytest.fixture(autouse=True)
def ctrl_c():
    """Ctrl-C raises KeyboardInterrupt, also where the tests run in the background of a shell, which ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


class Press(Callback):
    """Ctrl-C `times` times, after backward in batch 2 of epoch 2, and notes what follows."""

    def __init__(self, times=1):
        self.times, self.ends = times, []

    def on_gradients(self, run):
        self.run = run
        if (run.epoch, run.batch) == (2, 2):
            for _ in range(self.times):
                signal.raise_signal(signal.SIGINT)

    def on_batch_end(self, run):
        self.ends.append((run.epoch, run.batch))


def train(callbacks, epochs=3):
    mg.manual_seed(0)
    model = mg.nn.Linear(1, 1)
    optimizer = optim.Adam(model.parameters(), lr=0.1)
    return fit(model, (X, X), mg.mse, optimizer, epochs=epochs, batch_size=4, callbacks=callbacks)


def test_the_batch_is_finished_first():
    press = Press()
    with pytest.raises(KeyboardInterrupt) as caught:
        train([press])
    assert press.ends == [(1, 1), (1, 2), (1, 3), (2, 1), (2, 2)]
    assert len(caught.value.history) == 1 and press.run.interrupts.whole and press.run.updates == 5
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_second_one_comes_at_once():
    press = Press(times=2)
    with pytest.raises(KeyboardInterrupt):
        train([press])
    assert press.ends[-1] == (2, 1) and not press.run.interrupts.whole


def test_callbacks_see_the_end_of_an_epoch_before():
    """Ctrl-C in the last batch: validation does not follow. In a callback at an epoch's end: the others are called."""
    ends = []

    class Late(Callback):
        def on_epoch_end(self, run):
            ends.append(run.epoch)

    class Early(Callback):
        def on_epoch_end(self, run):
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt) as caught:
        train([Early(), Late()])
    assert ends == [1] and len(caught.value.history) == 1


def test_handlers_of_the_program_stay():
    seen = []
    before = signal.signal(signal.SIGINT, lambda number, frame: seen.append(number))
    try:
        train([Press()])
        assert seen == [signal.SIGINT]
    finally:
        signal.signal(signal.SIGINT, before)


def test_in_a_thread_nothing_is_installed():
    found = []

    class See(Callback):
        def on_batch_end(self, run):
            found.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=train, args=([See()], 1))
    thread.start()
    thread.join()
    assert found == [signal.default_int_handler] * 3


def test_one_that_comes_while_another_error_does_is_not_lost():
    interrupts = Interrupts()
    with pytest.raises(KeyboardInterrupt), interrupts.caught():
        try:
            with interrupts:
                signal.raise_signal(signal.SIGINT)
                raise ValueError("of the block")
        except ValueError:
            assert not interrupts.whole
