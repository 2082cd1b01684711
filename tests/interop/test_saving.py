"""saving: what is saved comes back bit for bit, into a model too; a save cut short leaves the old file."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.errors import DTypeError
from minigrad.interop import inspect, pack_json, unpack_json

FLOATS = [np.nan, -0.0, np.inf, -np.inf, 5e-324, 1e-40, 1.1]


def model():
    return nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Dropout(0.5), nn.Linear(4, 2))


def bits(mapping):
    return {name: (np.asarray(a).dtype, np.shape(a), np.asarray(a).tobytes()) for name, a in mapping.items()}


# --- round trips -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "int32", "uint8", "bool", "float16", "uint64", "c8"])
@pytest.mark.parametrize("shape", [(), (0,), (1,), (7,), (2, 3, 4), (3, 0, 2)])
def test_arrays_come_back(tmp_path, dtype, shape):
    with np.errstate(all="ignore"):
        array = np.resize(np.array(FLOATS) if np.dtype(dtype).kind in "fc" else np.arange(7), shape).astype(dtype)
    mg.save(tmp_path / "a", {"x": array})
    for way in ({}, {"verify": True}, {"verify": False}, {"mmap": True}, {"mmap": True, "verify": True}):
        loaded = mg.load(tmp_path / "a", **way)
        assert bits(loaded) == bits({"x": array})
        assert loaded.verified is (True if way.get("verify", not way) else None)
    loaded = mg.load(tmp_path / "a")["x"]
    assert loaded.flags.owndata or loaded.base.base is None
    loaded[...] = 0  # the array is the reader's own


def test_nan_payloads_come_back(tmp_path):
    singles = np.array([0x7F800001, 0xFFC12345, 0x7FFFFFFF, 0x80000001], np.uint32).view(np.float32)
    doubles = np.array([0x7FF0000000000001, 0xFFF8123456789ABC], np.uint64).view(np.float64)
    arrays = {"singles": singles, "doubles": doubles, "swapped": doubles.astype(">f8"), "strided": singles[::-2]}
    mg.save(tmp_path / "a", arrays)
    loaded = mg.load(tmp_path / "a")
    assert loaded["singles"].tobytes() == singles.tobytes()
    assert loaded["doubles"].tobytes() == loaded["swapped"].tobytes() == doubles.tobytes()
    assert loaded["strided"].tobytes() == singles[::-2].tobytes()


def test_layout_in_memory_does_not_show_in_the_file(tmp_path):
    array = np.arange(24, dtype=np.int32).reshape(4, 6)
    wide = np.zeros((4, 12), np.int32)
    wide[:, ::2] = array
    record = np.zeros((4, 6), [("pad", "u1"), ("x", "<i4")])  # misaligned
    record["x"] = array
    same = (array, np.asfortranarray(array), array[::-1][::-1], array.astype(">i4"), wide[:, ::2], record["x"])
    for i, one in enumerate(same):
        mg.save(tmp_path / str(i), {"x": one, "row": np.broadcast_to(one[0], (3, 6))})
        assert (tmp_path / str(i)).read_bytes() == (tmp_path / "0").read_bytes()
    assert mg.load(tmp_path / "0")["row"].tolist() == [array[0].tolist()] * 3


def test_names_keep_their_order_and_numbers_are_aligned(tmp_path):
    arrays = {
        "z": np.zeros(3, np.uint8),
        "ä 🙂": np.zeros(1),
        "": np.zeros(1, np.float32),
        'a"\\\n\0': np.zeros(2, bool),
    }
    mg.save(tmp_path / "a", arrays)
    mapped = mg.load(tmp_path / "a", mmap=True)
    assert list(mapped) == list(arrays)
    assert all(array.flags.aligned for array in mapped.values())
    assert mapped["ä 🙂"].ctypes.data % 64 == 0


def test_nothing_at_all_is_a_file(tmp_path):
    mg.save(tmp_path / "a", {})
    assert mg.load(tmp_path / "a") == {} and mg.load(tmp_path / "a", mmap=True) == {}
    assert inspect(tmp_path / "a").verified is True


def test_a_mapping_of_all_that_is_taken(tmp_path):
    twin = model()
    what = {"model": twin, "x": mg.ones(2, requires_grad=True) * 3.0, "deep": {"er": {"n": 2**63 - 1, "on": True}}}
    mg.save(tmp_path / "a", {**what, "rate": 0.1, "scalar": np.float32(0.5), "log": pack_json({"loss": [0.5]})})
    loaded = mg.load(tmp_path / "a")
    assert bits(loaded.part("model")) == bits(twin.state_dict())
    assert loaded["x"].tolist() == [3, 3] and loaded["deep.er.n"] == 2**63 - 1 and loaded["deep.er.on"].dtype == bool
    assert loaded["rate"] == 0.1 and loaded["scalar"].dtype == np.float32
    assert unpack_json(loaded["log"]) == {"loss": [0.5]}
    assert list(loaded.part("deep")) == ["er.n", "er.on"]
    with pytest.raises(KeyError, match=r"begins with 'modle\.'; there are model, x, deep"):
        loaded.part("modle")


def test_metadata(tmp_path):
    mg.save(tmp_path / "a", {"x": 1}, metadata={"ü": "\n\0🙂", "": ""})
    assert mg.load(tmp_path / "a").metadata == {"ü": "\n\0🙂", "": ""}
    mg.save(tmp_path / "b", mg.load(tmp_path / "a"), metadata=mg.load(tmp_path / "a").metadata)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


# --- models ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_loaded_model_computes_the_same_bits(tmp_path, backend, dtype, rng):
    first, x = model().to(dtype), mg.tensor(rng.random((5, 3)).astype(dtype))
    optimizer = mg.optim.Adam(first.parameters(), lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        first(x).sum().backward()
        optimizer.step()
    mg.save(tmp_path / "a", first)
    for way in ({}, {"mmap": True}):
        second = model().to(dtype)
        assert second.load_state_dict(mg.load(tmp_path / "a", **way)) == ([], [])
        assert bits(second.state_dict()) == bits(first.state_dict())
        assert second.eval()(x).data.tobytes() == first.eval()(x).data.tobytes()


def test_model_optimizer_and_counters_in_one_file_continue_to_the_bit(tmp_path, backend, rng):
    x = mg.tensor(rng.random((5, 3)).astype(np.float32))

    def steps(network, optimizer, count):
        for _ in range(count):
            optimizer.zero_grad()
            network(x).square().mean().backward()
            optimizer.step()

    whole = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
    optimizer = mg.optim.Adam(whole.parameters(), lr=0.1)
    steps(whole, optimizer, 3)
    state = optimizer.state_dict()
    counters = {"epoch": 3, "groups": state["groups"], "best": float("inf")}
    mg.save(tmp_path / "a", {"model": whole, "optimizer": state["state"], "counters": pack_json(counters)})
    steps(whole, optimizer, 4)

    loaded = mg.load(tmp_path / "a")
    resumed = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
    resumed.load_state_dict(loaded.part("model"))
    counters = unpack_json(loaded["counters"], "counters")
    optimizer = mg.optim.Adam(resumed.parameters(), lr=1.0)
    optimizer.load_state_dict({"groups": counters["groups"], "state": loaded.part("optimizer")})
    steps(resumed, optimizer, 4)
    assert bits(resumed.state_dict()) == bits(whole.state_dict())
    assert counters["epoch"] == 3 and counters["best"] == float("inf")


def test_a_file_of_one_backend_loads_in_the_other(tmp_path):
    if mg.kernels.runtime is None:
        pytest.skip("no compiled kernels in this installation")
    for writer, reader in (("native", "reference"), ("reference", "native")):
        with mg.use_backend(writer):
            first = model()
            mg.save(tmp_path / writer, first)
        with mg.use_backend(reader):
            second = model()
            second.load_state_dict(mg.load(tmp_path / writer))
            mg.save(tmp_path / reader, second)
        assert (tmp_path / writer).read_bytes() == (tmp_path / reader).read_bytes()


def test_load_state_dict_names_what_does_not_fit(tmp_path):
    mg.save(tmp_path / "a", {"0.weight": np.zeros((3, 5)), "0.bias": np.zeros(4, complex).astype("c8"), "more": 1})
    before = bits((twin := model()).state_dict())
    with pytest.raises(ValueError) as error:
        twin.load_state_dict(mg.load(tmp_path / "a"))
    for part in (
        "missing 3.weight, 3.bias",
        "unexpected more",
        r"0.weight is (3, 5), need (3, 4)",
        "0.bias is complex64",
    ):
        assert part in str(error.value)
    assert bits(twin.state_dict()) == before
    mg.save(tmp_path / "a", {"0.bias": np.array([0.1, -0.0, 1e-50, 7]), "more": 1})
    missing, unexpected = twin.load_state_dict(mg.load(tmp_path / "a"), strict=False)
    assert (missing, unexpected) == (["0.weight", "3.weight", "3.bias"], ["more"])
    assert twin.state_dict()["0.bias"].tobytes() == np.array([0.1, -0.0, 1e-50, 7], np.float32).tobytes()  # rounded


def test_tensors_and_half_precision_are_loaded(tmp_path):
    twin = model()
    state = twin.state_dict()
    assert model().load_state_dict({name: mg.tensor(array) for name, array in state.items()}) == ([], [])
    mg.save(tmp_path / "a", {name: array.astype(np.float16) for name, array in state.items()})
    twin.load_state_dict(mg.load(tmp_path / "a"))
    assert bits(twin.state_dict()) == bits({k: v.astype(np.float16).astype(np.float32) for k, v in state.items()})


# --- refusals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "what, error, word",
    [
        (mg.ones(2), TypeError, "got a Tensor; need a module or a mapping"),
        (np.ones(2), TypeError, "got a ndarray"),
        ([1], TypeError, "got a list"),
        ({"a": [1.0]}, TypeError, "'a' is a list; need a tensor.*pack_json"),
        ({"a": {"b": None}}, TypeError, r"'a\.b' is a NoneType"),
        ({"a": "text"}, TypeError, "'a' is a str;.*metadata"),
        ({"a": 2**63}, TypeError, "'a' is a int; need .* below 2\\^63"),
        ({"a": np.array("x")}, DTypeError, "'a' is <U1"),
        ({"a": np.array([None])}, DTypeError, "'a' is object.* need one of bool"),
        ({"a": np.zeros(1, "c16")}, DTypeError, "'a' is complex128"),
        ({"a": np.zeros(1, np.longdouble)}, DTypeError, "which the safetensors format does not have"),
        ({"a": np.zeros(1, "M8[s]")}, DTypeError, "'a' is datetime64"),
        ({"a": np.zeros(1, [("x", "f4")])}, DTypeError, "'a' is "),
        ({"a": np.ma.array([1.0], mask=[True])}, TypeError, "'a' is a masked array"),
        ({1: np.ones(1)}, TypeError, "the mapping has the key 1"),
        ({"a": {2: np.ones(1)}}, TypeError, "a has the key 2"),
        ({"a.b": 1, "a": {"b": 2}}, ValueError, r"two entries have the name 'a\.b'"),
        ({"__metadata__": 1}, ValueError, "is taken by the format"),
        ({"\ud800": 1}, ValueError, "is no text"),
    ],
)
def test_what_is_no_tensor_is_named_and_nothing_is_written(tmp_path, what, error, word):
    (tmp_path / "a").write_bytes(b"old")
    with pytest.raises(error, match=f"save: .*{word}"):
        mg.save(tmp_path / "a", what)
    assert (tmp_path / "a").read_bytes() == b"old" and os.listdir(tmp_path) == ["a"]


def test_a_mapping_in_itself_is_refused(tmp_path):
    what = {}
    what["a"] = what
    with pytest.raises(ValueError, match="more than 100 levels"):
        mg.save(tmp_path / "a", what)


@pytest.mark.parametrize("metadata", [{"a": 1}, {1: "a"}, [("a", "b")], {"minigrad.sha256": "0"}, {"a": "\ud800"}])
def test_metadata_is_text(tmp_path, metadata):
    with pytest.raises((TypeError, ValueError), match="save: metadata"):
        mg.save(tmp_path / "a", {}, metadata=metadata)
    assert os.listdir(tmp_path) == []


# --- faults while it is written --------------------------------------------------------------------------------------


class Fault(OSError):
    """What a broken disk raises here."""


def fail(*arguments, **options):
    raise Fault(28, "No space left on device")


@pytest.mark.parametrize("step", ["fsync", "link", "replace", "fchmod"])
def test_a_failing_system_call_leaves_the_old_file(tmp_path, monkeypatch, step):
    mg.save(tmp_path / "a", {"x": 1})
    old = (tmp_path / "a").read_bytes()
    if step == "link" and not hasattr(os, "O_TMPFILE"):
        pytest.skip("needs nameless files")
    with monkeypatch.context() as patch:
        patch.setattr(os, step, fail)
        with pytest.raises(OSError, match=r"No space left on device.*a'"):
            mg.save(tmp_path / "a", {"x": np.zeros(100_000)})
    assert (tmp_path / "a").read_bytes() == old and os.listdir(tmp_path) == ["a"]
    mg.save(tmp_path / "a", {"x": 2})
    assert mg.load(tmp_path / "a")["x"] == 2


@pytest.mark.parametrize("named", [False, True])
@pytest.mark.parametrize("size", [1, 1000, 200_000])
def test_a_full_disk_leaves_the_old_file(tmp_path, monkeypatch, size, named):
    resource = pytest.importorskip("resource")
    if named:
        monkeypatch.delattr(os, "O_TMPFILE", raising=False)
    mg.save(tmp_path / "a", {"x": 1})
    old, limits = (tmp_path / "a").read_bytes(), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        with pytest.raises(OSError, match=r"too large.*a'"):
            mg.save(tmp_path / "a", {"x": np.zeros(100_000)})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert (tmp_path / "a").read_bytes() == old and os.listdir(tmp_path) == ["a"]


SAVER = """
import sys
import numpy as np
import minigrad as mg
path, count = sys.argv[1], 0
while True:
    count += 1
    mg.save(path, {"count": count, "x": np.full(100_000, count)})
    if count == 1:
        print("ready", flush=True)
"""


def kill_in_the_middle(path, seed):
    """Start a process that saves again and again, kill it at a moment from the seed; the file must be whole."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    with subprocess.Popen([sys.executable, "-c", SAVER, path], stdout=subprocess.PIPE, env=environment) as saver:
        try:
            assert saver.stdout.readline() == b"ready\n"
            time.sleep(random.Random(seed).uniform(0, 0.1))
        finally:
            saver.kill()
    assert saver.returncode == -signal.SIGKILL
    loaded = mg.load(path)
    assert loaded.verified and loaded["count"] >= 1
    assert (loaded["x"] == loaded["count"]).all() and len(loaded["x"]) == 100_000
    # Nothing beside it; but in the µs between link and rename the whole new file has a hidden name.
    names = sorted(os.listdir(path.parent))
    assert names in (["a"], [names[0], "a"]) and all(name.endswith(".part") for name in names[:-1])


@pytest.mark.parametrize("seed", range(5))
def test_killed_in_the_middle_of_a_save(tmp_path, seed):
    kill_in_the_middle(tmp_path / "a", seed)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5, 55))
def test_killed_often_in_the_middle_of_a_save(tmp_path, seed):
    kill_in_the_middle(tmp_path / "a", seed)


def test_saves_at_the_same_time_are_each_whole(tmp_path):
    """Two processes write one file: it is always one of theirs, and nothing stays beside it."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    code = SAVER.replace("while True:", "for _ in range(30):")
    savers = [
        subprocess.Popen([sys.executable, "-c", code, tmp_path / "a"], stdout=subprocess.DEVNULL, env=environment)
        for _ in range(2)
    ]
    while any(saver.poll() is None for saver in savers):
        if Path(tmp_path / "a").exists():
            loaded = mg.load(tmp_path / "a")
            assert loaded.verified and (loaded["x"] == loaded["count"]).all()
    assert [saver.wait() for saver in savers] == [0, 0]
    assert os.listdir(tmp_path) == ["a"]


def test_arguments_in_the_other_order_and_a_path_for_a_state(tmp_path):
    with pytest.raises(TypeError, match=r"save: got a str; .*; the order is save\(path, what\)"):
        mg.save(nn.Linear(2, 2), str(tmp_path / "m.safetensors"))
    with pytest.raises(TypeError, match=r"got a str; .*; minigrad.load\('m.safetensors'\) reads a file"):
        nn.Linear(2, 2).load_state_dict("m.safetensors")
    with pytest.raises(TypeError, match="need the path of a file, got a Linear"):
        mg.load(nn.Linear(2, 2))
