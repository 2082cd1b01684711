"""The team of threads: every part is computed once, whoever comes; helpers come and go.

New processes are in test_processes.
tests/cross/team.c counts the parts of jobs; the tests in Python use updates in place, where a part that is left out or
computed twice leaves a wrong number.
"""

import os
import signal
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from cross.selftest import missing
from cross.team import build_team, run_team
from kernels.twins import assert_one_answer, every_variant, needs_native

import minigrad.kernels as K

pytestmark = needs_native
TASKS = Path("/proc/self/task")


@pytest.fixture(autouse=True)
def members():
    before = K.get_num_threads()
    yield
    K.set_num_threads(before)


def until(holds, seconds=20.0):
    """Whether it holds before that time is over."""
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            return False
        time.sleep(0.001)
    return True


class Counter:
    """Parameters that every update makes larger by one: w -= -1 for each element of each."""

    def __init__(self, *sizes):
        self.w = [np.zeros(n, np.float32) for n in sizes]
        self.table, self.g, self.calls = K.segments(self.w), [np.full(n, -1, np.float32) for n in sizes], 0
        self.table.scalars[:, 0], self.table.summed = 1.0, False

    def update(self):
        K.sgd_update(self.table, self.g)
        self.calls += 1

    def is_right(self):
        return all((w == self.calls).all() for w in self.w)


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_every_part_is_computed_once(compiler, tmp_path):
    """50,000 jobs of all sizes, nested ones, two callers at once, members that come and go, forked children."""
    if absent := missing(compiler):
        pytest.skip(absent)
    helped = run_team(build_team(compiler, tmp_path), 50_000, "fork")
    assert helped > 0 or len(os.sched_getaffinity(0)) == 1


@pytest.mark.parametrize("threads", [1, 2, 3, 8])
def test_jobs_of_mixed_sizes(threads):
    K.set_num_threads(threads)
    counters = [Counter(40_000), Counter(4096, 1, 50_000, 10, 4097), Counter(*[300] * 400), Counter(1_000_000)]
    for i in range(3000):
        counters[0 if i % 2 else 1 if i % 4 else 2].update()
        if i % 100 == 0:
            counters[3].update()
    assert all(counter.is_right() for counter in counters)


@pytest.mark.slow
def test_fifty_thousand_jobs_while_members_come_and_go():
    counters = [Counter(40_000), Counter(4096, 1, 50_000, 10, 4097), Counter(100_000)]
    for i in range(50_000):
        if i % 97 == 0:
            K.set_num_threads(1 + i % 8)
        counters[i % 3].update()
    assert all(counter.is_right() for counter in counters)


def test_one_answer_whoever_computes():
    """What is cut into parts in ways of its own: products by columns, rows and batch, sums, columns of sums, rows."""
    data = np.random.default_rng(0)
    a, b = (data.standard_normal(size).astype(np.float32) for size in ((300, 200), (200, 260)))
    tall, batch = data.standard_normal((3000, 40)).astype(np.float32), data.standard_normal((9, 60, 60))
    flat, index = data.standard_normal(500_000).astype(np.float32), data.integers(0, 50, 3000)

    def compute():
        columns, rows = np.empty((300, 260), np.float32), np.empty((3000, 3), np.float32)
        many, column = np.empty((9, 60, 60)), np.empty((3000, 1), np.float32)
        K.matmul(a, b, columns)
        K.matmul(tall, tall[:3], rows, tb=True)
        K.matmul(batch, batch, many)
        K.matmul(tall, tall[:1], column, tb=True)
        value, total, added = np.empty(1), np.empty((), np.float32), np.zeros((50, 40), np.float32)
        K.elastic_net(flat, value, l1=0.1, l2=0.2)
        K.sum(flat, total, first=0, last=1)
        K.add_at(tall, index, added)
        return columns, rows, many, column, value, total, added

    assert_one_answer(compute)


def test_helpers_come_and_go():
    K.set_num_threads(1)
    assert until(lambda: K.runtime.helpers() == 0)
    before = threading.active_count(), len(list(TASKS.iterdir())) if TASKS.exists() else 0
    counter = Counter(100_000)
    for i in range(300):
        K.set_num_threads(1 + i % 5)
        counter.update()
        assert K.runtime.helpers() >= i % 5
    assert counter.is_right()
    K.set_num_threads(3)
    assert until(lambda: K.runtime.helpers() <= 2)
    K.set_num_threads(1)
    assert until(lambda: K.runtime.helpers() == 0)
    if TASKS.exists():
        assert until(lambda: len(list(TASKS.iterdir())) == before[1]), "threads are left"


def test_small_work_starts_no_thread():
    K.set_num_threads(1)
    assert until(lambda: K.runtime.helpers() == 0)
    K.set_num_threads(4)
    Counter(1000).update()
    assert K.runtime.helpers() == 0 and K.get_num_threads() == 4


@pytest.mark.skipif(sys.platform != "linux" or len(os.sched_getaffinity(0)) < 2, reason="needs two processors, Linux")
def test_helpers_help():
    """The process takes more processor time than the thread that calls."""
    K.set_num_threads(2)
    a = np.ones((256, 256), np.float32)
    out = np.empty_like(a)

    def helped():
        for _ in range(50):
            K.matmul(a, a, out)
        return time.process_time() - process > 0.05 + time.thread_time() - thread

    process, thread = time.process_time(), time.thread_time()
    assert until(helped, 60.0)


def test_two_callers_at_once():
    K.set_num_threads(2)
    counters = [Counter(70_000), Counter(1, 100_000)]

    def work(counter):
        for _ in range(1500):
            counter.update()

    callers = [threading.Thread(target=work, args=(counter,)) for counter in counters]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert all(counter.is_right() and counter.calls == 1500 for counter in counters)


def test_a_signal_in_the_middle_of_a_job():
    """Helpers take no signals; the caller's job ends, then KeyboardInterrupt; the next job is right."""
    K.set_num_threads(2)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    counter = Counter(1_000_000)
    try:
        for _ in range(5):
            timer = threading.Timer(0.02, lambda: os.kill(os.getpid(), signal.SIGINT))
            with pytest.raises(KeyboardInterrupt):
                timer.start()
                while True:
                    counter.update()
            timer.join()
            # The signal may come between the update and its count.
            made = int(counter.w[0][0])
            assert made - counter.calls in (0, 1)
            counter.calls = made
            assert counter.is_right()
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.skipif(not TASKS.exists(), reason="needs Linux")
def test_helpers_block_signals_and_have_a_name():
    K.set_num_threads(2)
    Counter(100_000).update()
    assert until(lambda: K.runtime.helpers() == 1)
    helpers = [task for task in TASKS.iterdir() if (task / "comm").read_text() == "minigrad\n"]
    assert len(helpers) == 1

    def blocks(number):
        words = [(task / "status").read_text().split("SigBlk:")[1].split()[0] for task in helpers]
        return {int(word, 16) >> (number - 1) & 1 for word in words}

    assert until(lambda: blocks(signal.SIGSEGV) == {0})  # a thread that begins blocks all signals for a moment
    assert blocks(signal.SIGINT) == blocks(signal.SIGTERM) == {1}


def test_every_variant_gets_helpers():
    for _variant, threads in every_variant(threads=(1, 3)):
        counter = Counter(100_000)
        counter.update()
        assert counter.is_right() and K.runtime.helpers() >= threads - 1
