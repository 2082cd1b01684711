"""What NumPy and other threads do while a step is recorded: what they write is refused, what they read is let be."""

import threading
import time

import numpy as np
import pytest
from replay.test_record import refused
from replay.twins import assert_twins, classifier, network

import minigrad as mg
from minigrad import optim


def test_numpy_that_writes_into_a_parameter():
    model = network()
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    bias = model[1].bias.array

    def step(x, y):
        optimizer.zero_grad()
        output = model(x)
        bias[0] += 1
        loss = mg.cross_entropy(output + model[1].bias, y)
        loss.backward()
        optimizer.step()
        return loss

    refused(step, "something else than a kernel of the step changed an array that it uses, in the middle of the step")


@pytest.mark.parametrize("write", ["copy_", "an optimizer"])
def test_another_thread_that_writes_into_a_parameter(write):
    """Its kernels are no part of the step, and what they change is noticed by the next one that is."""
    model = network()
    optimizer, other = (optim.SGD(model.parameters(), lr=0.1) for _ in range(2))

    def written():
        with mg.no_grad():
            if write == "copy_":
                model[1].bias.copy_(model[1].bias + 1.0)
            else:
                other.step()

    def step(x, y):
        optimizer.zero_grad()
        output = model(x) + model[1].bias
        loss = mg.cross_entropy(output, y)
        loss.backward()
        thread = threading.Thread(target=written)
        thread.start()
        thread.join()
        optimizer.step()
        return loss

    refused(step, r"something else than a kernel of the step changed an array .* NumPy and other threads that write")


def test_another_thread_computes_meanwhile():
    """Recording sees the kernels of its own thread alone, and the other thread may read its tensors."""
    stop, seen = threading.Event(), []

    def other():
        t = mg.tensor(np.ones((50, 50)))
        while not stop.is_set():
            seen.append((t @ t).sum().item())

    thread = threading.Thread(target=other)
    thread.start()
    while not seen:  # it has begun
        time.sleep(0.001)
    try:
        assert_twins(classifier())
    finally:
        stop.set()
        thread.join()
    assert set(seen) == {50.0 * 2500}
