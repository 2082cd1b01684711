"""Graphs that are long, wide or deep: no recursion, flat memory, freed by reference counts alone."""

import gc
import subprocess
import sys
import threading
import tracemalloc

import numpy as np
import pytest

import minigrad as mg

pytestmark = pytest.mark.usefixtures("backend")


@pytest.fixture
def no_collector():
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def chain(x, n):
    for _ in range(n):
        x = x * 0.99999
    return x


def test_a_long_chain_is_walked_and_freed_without_recursion():
    program = """
import gc, minigrad as mg
gc.disable()
x = y = mg.tensor(1.0, requires_grad=True)
for _ in range(N):
    y = mg.neg(y)
y.backward()
assert x.grad.item() == 1.0
z = x
for _ in range(N):
    z = mg.neg(z)
del z
print("freed")
""".replace("N", "200_000")
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "freed\n"), done.stderr[-500:]


@pytest.mark.slow
def test_a_chain_of_a_million_ops():
    x = mg.tensor(1.0, dtype="float64", requires_grad=True)
    chain(x, 1_000_000).backward()
    assert x.grad.item() == pytest.approx(0.99999**1_000_000, rel=1e-8)


def test_a_wide_graph_of_a_hundred_thousand_leaves(no_collector):
    leaves = [mg.tensor(float(i), dtype="float64", requires_grad=True) for i in range(100_000)]
    level = leaves
    while len(level) > 1:
        pairs = [a * 1.0 + b for a, b in zip(level[::2], level[1::2])]
        level = pairs + level[2 * len(pairs) :]
    level[0].backward()
    assert all(x.grad.item() == 1.0 for x in leaves)


def test_a_recorded_op_takes_less_than_400_bytes(no_collector):
    x = mg.tensor(1.0, requires_grad=True)
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        y = chain(x, 10_000)
        taken = (tracemalloc.get_traced_memory()[0] - before) / 10_000
    finally:
        tracemalloc.stop()
    assert taken < 400, f"{taken:.0f} bytes"
    y.backward()


def test_memory_is_flat_over_steps_without_the_collector(no_collector):
    mg.manual_seed(0)
    model = mg.nn.Sequential(mg.nn.Linear(20, 30, activation="relu"), mg.nn.Dropout(0.5), mg.nn.Linear(30, 3))
    optimizer = mg.optim.Adam(model.parameters(), penalty=mg.reg.on(model, "*.weight", mg.reg.L2(0.01)))
    x, y = mg.tensor(np.ones((8, 20), np.float32)), np.zeros(8, np.int64)

    def steps(n):
        for _ in range(n):
            optimizer.zero_grad()
            mg.cross_entropy(model(x), y).backward()
            optimizer.step()

    tracemalloc.start()
    try:
        steps(50)
        before = tracemalloc.get_traced_memory()[0]
        steps(400)
        grown = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert grown < 20_000, f"{grown} bytes in 400 steps"


def test_two_threads_that_train_get_the_bits_that_each_gets_alone():
    def train(seed, into):
        data = np.random.default_rng(seed)
        model = mg.nn.Sequential(mg.nn.Linear(6, 8, activation="tanh"), mg.nn.Linear(8, 2))
        with mg.no_grad():
            for p in model.parameters():
                p.copy_(data.standard_normal(p.shape).astype(np.float32))
        optimizer = mg.optim.Adam(model.parameters(), lr=0.01)
        x, y = mg.tensor(data.standard_normal((16, 6)).astype(np.float32)), data.integers(0, 2, 16)
        for i in range(60):
            optimizer.zero_grad()
            mg.cross_entropy(model(x), y).backward()
            optimizer.step()
            if i % 7 == 0:
                with mg.no_grad():  # holds for this thread alone
                    model(x)
        into[seed] = b"".join(a.tobytes() for a in model.state_dict().values())

    alone, together = {}, {}
    for seed in (1, 2):
        train(seed, alone)
    threads = [threading.Thread(target=train, args=(seed, together)) for seed in (1, 2)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert alone == together
