"""rng: every draw is a function of seed, purpose, call number and position, and of nothing else."""

import copy
import os
import pickle
import random
import threading

import numpy as np
import pytest

import minigrad.kernels as K
from minigrad import rng
from minigrad.errors import DTypeError
from minigrad.kernels.reference import philox


@pytest.fixture(autouse=True)
def restored():
    before = rng.get_state()
    yield
    rng.set_state(before)


def test_philox_gives_the_published_numbers():
    """Known answers of Random123's kat_vectors for philox4x32 with 10 rounds."""
    answers = {
        (0, 0): "6627e8d5 e169c58d bc57ac4c 9b00dbd8",
        (0xFFFFFFFF, 2**64 - 1): "408f276d 41c83b0e a20bc7c6 6d5451fd",
    }
    for (word, key), answer in answers.items():
        (found,) = philox.rounds(np.full((1, 4), word, np.uint32), key)
        assert " ".join(f"{w:08x}" for w in found) == answer


def test_streams_count_up_per_purpose():
    rng.manual_seed(9)
    assert [rng.next_stream(rng.INIT), rng.next_stream(rng.INIT)] == [(9, 0), (9, 1)]
    assert rng.next_stream(rng.DROPOUT) == (9, 1 << 48)
    assert rng.next_stream(rng.NOISE) == (9, 4 << 48)
    assert rng.next_stream(rng.INIT) == (9, 2)
    rng.manual_seed(2**64 - 1)
    assert rng.next_stream(rng.INIT) == (2**64 - 1, 0)


@pytest.mark.parametrize(
    ("seed", "error"), [(-1, ValueError), (2**64, ValueError), (1.0, TypeError), (True, TypeError), ("1", TypeError)]
)
def test_a_seed_is_a_whole_number_of_64_bits(seed, error):
    before = rng.get_state()
    with pytest.raises(error, match="seed is"):
        rng.manual_seed(seed)
    assert rng.get_state() == before


def test_numpy_integers_are_seeds():
    rng.manual_seed(np.uint64(2**63))
    assert rng.get_state()["seed"] == 2**63
    assert type(rng.get_state()["seed"]) is int


def test_state_continues_where_it_was_taken():
    rng.manual_seed(3)
    rng.uniform(5)
    state = rng.get_state()
    ahead = rng.uniform(7), rng.next_stream(rng.DROPOUT)
    rng.manual_seed(4)
    rng.set_state(state)
    again = rng.uniform(7), rng.next_stream(rng.DROPOUT)
    np.testing.assert_array_equal(ahead[0], again[0])
    assert ahead[1] == again[1]


@pytest.mark.parametrize(
    "change",
    [
        lambda s: s.pop("noise"),
        lambda s: s.update(extra=1),
        lambda s: s.update(noise=-1),
        lambda s: s.update(noise=2**48),
        lambda s: s.update(noise=1.5),
        lambda s: s.update(seed=2**64),
    ],
)
def test_a_bad_state_changes_nothing(change):
    before = rng.get_state()
    state = {**before, "seed": 77}
    change(state)
    with pytest.raises((ValueError, TypeError), match="set_state"):
        rng.set_state(state)
    with pytest.raises(ValueError, match="set_state"):
        rng.set_state(None)
    assert rng.get_state() == before


def test_call_numbers_do_not_run_into_the_purpose():
    rng.set_state({**rng.get_state(), "init": 2**48 - 1})
    assert rng.next_stream(rng.INIT)[1] == 2**48 - 1
    with pytest.raises(ValueError, match="outside"):
        rng.next_stream(rng.INIT)


def test_threads_share_no_stream():
    rng.manual_seed(0)
    found = []

    def work():
        found.extend([rng.next_stream(rng.DROPOUT) for _ in range(2000)])

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 8000
    assert rng.get_state()["dropout"] == 8000


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_child_forked_while_the_lock_is_held_does_not_hang():
    rng.manual_seed(1)
    with rng._process._lock:
        child = os.fork()
        if child == 0:
            free = rng._process._lock.acquire(timeout=5)
            os._exit(0 if free else 1)
    assert os.waitpid(child, 0)[1] == 0


def test_other_generators_are_neither_read_nor_advanced():
    python, numpy = random.getstate(), np.random.get_state()[1].tobytes()
    rng.manual_seed(1)
    first = rng.uniform(4), rng.permutation(9, 1, 2)
    assert random.getstate() == python
    assert np.random.get_state()[1].tobytes() == numpy
    random.seed(5)
    np.random.seed(5)
    rng.manual_seed(1)
    np.testing.assert_array_equal(first[0], rng.uniform(4))
    random.setstate(python)


def test_permutation_is_the_stable_order_of_its_keys():
    for n in (0, 1, 2, 1001):
        order = rng.permutation(n, key=6, stream=7)
        assert order.dtype == np.int64
        np.testing.assert_array_equal(order, np.argsort(philox.double_words(6, 7, 0, n), kind="stable"))
    assert (rng.permutation(1001, 6, 7) != rng.permutation(1001, 6, 8)).any()
    assert (rng.permutation(1001, 6, 7) != rng.permutation(1001, 5, 7)).any()


def test_bits_are_those_of_every_other_machine():
    assert rng.permutation(10, 0, rng.stream(rng.SHUFFLE, 0)).tolist() == [7, 2, 3, 6, 0, 4, 1, 5, 8, 9]
    assert rng.permutation(10, 2**64 - 1, rng.stream(rng.SPLIT, 5)).tolist() == [1, 7, 2, 0, 3, 9, 8, 6, 5, 4]
    u = rng.Streams(1).uniform(3, -1.0, 1.0, "float64")
    assert [float(v).hex() for v in u] == ["-0x1.f6d0ca140c9fcp-1", "0x1.3faf4e385c400p-4", "0x1.a96cc818be6b8p-2"]


def test_permutation_with_equal_keys_keeps_the_order_of_index(monkeypatch):
    keys = np.arange(1000, dtype=np.uint64) % np.uint64(7)
    monkeypatch.setattr(K, "random_bits", lambda out, **_: np.copyto(out, keys))
    np.testing.assert_array_equal(rng.permutation(1000, 0, 0), np.argsort(keys, kind="stable"))


def test_uniform_follows_its_definition_in_both_precisions():
    rng.manual_seed(2)
    double = rng.uniform((3, 5), -2.0, 3.0, "float64")
    rng.manual_seed(2)
    single = rng.uniform((3, 5), -2.0, 3.0)
    u = (philox.double_words(2, rng.stream(rng.NOISE, 0), 0, 15) >> np.uint64(11)).astype(float) * 2.0**-53
    np.testing.assert_array_equal(double.reshape(-1), -2.0 + 5.0 * u)
    np.testing.assert_array_equal(single, double.astype(np.float32))


def test_normal_has_the_moments_of_its_name_and_one_network_in_both_precisions():
    rng.manual_seed(2)
    double = rng.normal(20_000, 1.0, 2.0, "float64")
    rng.manual_seed(2)
    np.testing.assert_array_equal(rng.normal(20_000, 1.0, 2.0), double.astype(np.float32))
    z = (double - 1.0) / 2.0
    for moment, power, spread in ((0, 1, 1), (1, 2, 2), (0, 3, 15), (3, 4, 96)):
        assert abs((z**power).mean() - moment) < 4 * (spread / 20_000) ** 0.5


@pytest.mark.parametrize("shape", [(), 0, (0, 3), 1, (2, 3, 4)])
def test_shapes_and_backends(shape):
    for draw in (rng.uniform, rng.normal):
        rng.manual_seed(8)
        native = draw(shape)
        rng.manual_seed(8)
        with K.use_backend("reference"):
            reference = draw(shape)
        assert native.shape == reference.shape == np.empty(shape).shape
        np.testing.assert_allclose(native, reference, rtol=1e-6)


@pytest.mark.parametrize(
    ("draw", "arguments", "words"),
    [
        (rng.uniform, (2.0, 1.0), "high is 1.0"),
        (rng.uniform, (float("nan"), 1.0), "low is nan"),
        (rng.uniform, (0.0, float("inf")), "high is inf"),
        (rng.normal, (0.0, -1.0), "std is -1.0"),
        (rng.normal, ("0", 1.0), "mean is '0'"),
    ],
)
def test_arguments_of_draws_are_checked_before_a_stream_is_used(draw, arguments, words):
    before = rng.get_state()
    with pytest.raises(ValueError, match=words):
        draw(3, *arguments)
    with pytest.raises(DTypeError, match="float16"):
        draw(3, dtype="float16")
    assert rng.get_state() == before


def test_own_streams_leave_the_process_alone():
    before = rng.get_state()
    mine = rng.Streams(5)
    first, second = mine.uniform(100), mine.uniform(100)
    assert (first != second).all()
    assert rng.get_state() == before
    assert mine.get_state()["noise"] == 2
    assert mine.bits(3).dtype == np.uint64
    assert "seed=5" in repr(mine)


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_copies_of_streams_draw_on_by_themselves(duplicate):
    streams = rng.Streams(7)
    streams.uniform(3)
    twin = duplicate(streams)
    right = streams.uniform(3), streams.normal(2)
    assert [draw.tolist() for draw in (twin.uniform(3), twin.normal(2))] == [draw.tolist() for draw in right]
