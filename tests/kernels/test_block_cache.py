"""Large blocks of memory are kept for the next array of their size, within limits, and never twice at a time."""

import random
import tracemalloc

import numpy as np
import pytest

import minigrad as mg
import minigrad.kernels as K

if K.runtime is None:
    pytest.skip("no compiled kernels in this installation", allow_module_level=True)

from minigrad.kernels import blocks

MIB = 1 << 20


@pytest.fixture(autouse=True)
def nothing_kept():
    with K.use_backend("native"):
        blocks.release()
        yield
        blocks.release()


def array(n_bytes):
    return K.empty((n_bytes,), np.uint8)


def place(x):
    return x.ctypes.data


def kept():
    return blocks.held()[1]


def test_a_block_serves_the_next_array_of_its_size():
    x = array(MIB)
    first = place(x)
    view = x[5:]
    del x
    assert kept() == 0  # somebody looks at it
    other = array(MIB)
    assert place(other) != first
    del view
    assert MIB <= kept() < 1.001 * MIB
    larger = array(MIB + 4096)
    assert kept() >= MIB  # it is of another size
    y = array(MIB)
    assert place(y) == first
    assert kept() == 0
    assert len({place(a) for a in (other, larger, y)}) == 3


def test_the_last_to_come_back_is_the_first_to_go():
    a, b = array(MIB), array(MIB)
    last = place(b)
    del a
    del b
    assert place(array(MIB)) == last


def test_small_blocks_are_not_kept():
    x = array(60_000)
    del x
    assert kept() == 0


def test_no_more_is_kept_than_is_in_use_or_64_mib():
    used = blocks.held()[0]
    arrays = [array(10 * MIB + i) for i in range(20)]
    assert blocks.held()[0] - used >= 200 * MIB
    half = [arrays.pop() for _ in range(10)]
    half.clear()
    assert kept() > 64 * MIB  # ten are in use
    while arrays:
        arrays.pop()
        assert kept() <= max(blocks.held()[0], 64 * MIB)
    assert blocks.held()[0] == used
    arrays = [array(100_000) for _ in range(1000)]
    arrays.clear()
    assert kept() <= 128 * 100_100  # 128 blocks


def test_release():
    x = array(MIB)
    del x
    assert kept() > 0
    blocks.release()
    assert kept() == 0


def test_tracemalloc_counts_arrays_and_not_what_is_kept():
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(2):  # new, then kept
            x = array(8 * MIB)
            assert tracemalloc.get_traced_memory()[0] - before >= 8 * MIB
            del x
            assert tracemalloc.get_traced_memory()[0] - before < MIB
            assert kept() >= 8 * MIB
    finally:
        tracemalloc.stop()


def test_arrays_never_share_a_block():
    random.seed(0)
    sizes = [70_000, 70_001, 200_000, MIB, 3 * MIB]
    alive = {}
    for step in range(3000):
        if len(alive) > 20 or (alive and random.random() < 0.5):
            key = random.choice(list(alive))
            x = alive.pop(key)
            assert (x[0], x[len(x) // 2], x[-1]) == (key % 251,) * 3
        else:
            x = array(random.choice(sizes))
            x[0] = x[len(x) // 2] = x[-1] = step % 251
            alive[step] = x


def test_steps_of_training_need_no_new_memory():
    model = mg.nn.Linear(784, 512)
    optimizer = mg.optim.Adam(model.parameters())
    x = mg.zeros(64, 784)
    held = []
    for _ in range(6):
        optimizer.zero_grad()
        mg.sum(model(x) ** 2).backward()
        optimizer.step()
        held.append(sum(blocks.held()))
    assert len(set(held[2:])) == 1
