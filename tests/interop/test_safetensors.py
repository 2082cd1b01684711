"""safetensors: what is no such file, or has changed, is a ValueError with file and reason; memory stays bounded."""

import hashlib
import os
import re
import tracemalloc
from contextlib import contextmanager, suppress

import numpy as np
import pytest

import minigrad as mg
from minigrad.interop import inspect
from minigrad.interop.header import NUMPY
from minigrad.interop.safetensors import CHUNK

from .files import HOSTILE, STRICTER, described, raw

WAYS = [{}, {"verify": False}, {"mmap": True}, {"mmap": True, "verify": True}]


def small(path):
    """A file with a digest and of every kind something, and its bytes."""
    mg.save(
        path,
        {"w": np.array([1.5, np.nan, -0.0], np.float32), "mask": np.array([True, False]), "ü": np.zeros((0, 2))},
        metadata={"data": "Häuser"},
    )
    return path.read_bytes()


@contextmanager
def changed(path, content, place, byte):
    """The file with another byte at this place, and as it was behind the block."""
    with open(path, "r+b", buffering=0) as file:
        file.seek(place)
        file.write(bytes([byte]))
        yield
        file.seek(place)
        file.write(content[place : place + 1])


def peak_of(function):
    """The most memory, in bytes, that a call had taken at a time."""
    tracemalloc.start()
    try:
        function()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


# --- hostile and damaged files --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_are_refused_in_little_memory(tmp_path, name):
    content, word = HOSTILE[name]
    (tmp_path / "a").write_bytes(content)

    def refused():
        for read in (mg.load, inspect, lambda path: mg.load(path, mmap=True), lambda path: mg.load(path, verify=False)):
            with pytest.raises(ValueError, match=f"^{re.escape(str(tmp_path / 'a'))}: .*({word})") as error:
                read(tmp_path / "a")
            assert len(str(error.value)) < 1000 + len(str(tmp_path))

    assert peak_of(refused) < 500_000 + 3 * len(content)


def test_a_header_above_the_limit_is_refused_unread(tmp_path):
    with open(tmp_path / "a", "wb") as file:
        file.write(raw(b"{}", length=100_000_001))
        file.truncate(200_000_000)  # sparse

    def refused():
        with pytest.raises(ValueError, match="100000001 bytes; need at most 100000000"):
            mg.load(tmp_path / "a")

    assert peak_of(refused) < 100_000


def test_truncated_at_every_byte(tmp_path):
    content = small(tmp_path / "a")
    for length in range(len(content)):
        (tmp_path / "cut").write_bytes(content[:length])
        for way in WAYS:
            with pytest.raises(ValueError, match="cut: "):
                mg.load(tmp_path / "cut", **way)


def test_bytes_appended_are_refused(tmp_path):
    content = small(tmp_path / "a")
    for more in (b"\0", b" ", content):
        (tmp_path / "a").write_bytes(content + more)
        for way in WAYS:
            with pytest.raises(ValueError, match="follow the header"):
                mg.load(tmp_path / "a", **way)


def test_every_flipped_bit_is_noticed(tmp_path):
    content = small(tmp_path / "a")
    assert mg.load(tmp_path / "a").verified
    for i in range(8 * len(content)):
        with changed(tmp_path / "a", content, i // 8, content[i // 8] ^ 1 << i % 8):
            with pytest.raises(ValueError, match="a: "):
                mg.load(tmp_path / "a")
            if i % 8 == i // 8 % 8:
                with pytest.raises(ValueError, match="a: "):
                    mg.load(tmp_path / "a", mmap=True, verify=True)
                with suppress(ValueError):
                    assert inspect(tmp_path / "a").verified is False
    assert mg.load(tmp_path / "a").verified


def test_without_a_digest_a_changed_byte_gives_arrays_or_an_error(tmp_path):
    header = {"a": described("F32", [1, 2], 0, 8), "b": described("BOOL", [2], 8, 10), "c": described("U8", [], 10, 11)}
    content = raw({**header, "__metadata__": {"k": "v"}}, b"\0" * 8 + b"\1\0\7")
    (tmp_path / "a").write_bytes(content)
    counts = [0, 0]

    def read_all(places):
        for i in places:
            for byte in {0, 255, *b'"{9', *(content[i] ^ 1 << bit for bit in range(8))} - {content[i]}:
                with changed(tmp_path / "a", content, i, byte):
                    try:
                        loaded = mg.load(tmp_path / "a")
                    except ValueError:
                        counts[1] += 1
                        continue
                counts[0] += 1
                assert loaded.verified is None
                assert sum(array.nbytes for array in loaded.values()) == 11
                assert all(array.view(np.uint8).max() < 2 for array in loaded.values() if array.dtype == bool)

    read_all(range(len(content)))
    assert min(counts) > 100
    assert peak_of(lambda: read_all(range(0, len(content), 7))) < 200_000


def test_the_digest_is_the_formula(tmp_path):
    content = small(tmp_path / "a")
    assert hashlib.sha256(content[:44] + b"0" * 64 + content[108:]).hexdigest().encode() == content[44:108]


def test_a_digest_that_another_program_moved_is_told(tmp_path):
    header = {"a": described("U8", [], 0, 1), "__metadata__": {"minigrad.sha256": "0" * 64, "minigrad.format": "1"}}
    (tmp_path / "a").write_bytes(raw(header, b"1"))
    with pytest.raises(ValueError, match="another program wrote it anew; verify=False"):
        mg.load(tmp_path / "a")
    contents = inspect(tmp_path / "a")
    assert contents.verified is False and "not at its place" in contents.finding
    assert mg.load(tmp_path / "a", verify=False).metadata == {}


def test_a_later_format_is_told(tmp_path):
    content = small(tmp_path / "a").replace(b'"minigrad.format":"1"', b'"minigrad.format":"2"')
    (tmp_path / "a").write_bytes(content)
    with pytest.raises(ValueError, match=r"has the format '2', written by minigrad .* reads '1'"):
        mg.load(tmp_path / "a")
    assert len(mg.load(tmp_path / "a", verify=False)) == 3


def test_booleans_that_are_none(tmp_path):
    (tmp_path / "a").write_bytes(raw({"m": described("BOOL", [3], 0, 3)}, b"\0\1\2"))
    for way in ({}, {"mmap": True}):
        with pytest.raises(ValueError, match="'m' is BOOL and has a byte"):
            mg.load(tmp_path / "a", **way)


def test_a_file_that_shrinks_while_it_is_read(tmp_path, monkeypatch):
    mg.save(tmp_path / "a", {"x": np.zeros(3 * CHUNK, np.uint8)})
    empty = np.empty

    def shrink(*arguments, **options):
        os.truncate(tmp_path / "a", 2 * CHUNK)
        return empty(*arguments, **options)

    monkeypatch.setattr(np, "empty", shrink)
    with pytest.raises(ValueError, match="cut while it was read"):
        mg.load(tmp_path / "a")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes")
def test_folders_devices_and_pipes_are_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe", "/dev/zero"):
        with pytest.raises(ValueError, match="need a file"):
            mg.load(path)
    with pytest.raises(FileNotFoundError, match="missing"):
        mg.load(tmp_path / "missing")


# --- what the format has ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", NUMPY)
def test_every_dtype_of_numpy(tmp_path, code):
    numbers = bytes([0, 1] * 16) if code == "BOOL" else bytes(range(230, 256)) + bytes(6)
    (tmp_path / "a").write_bytes(raw({"x": described(code, [32 // np.dtype(NUMPY[code]).itemsize], 0, 32)}, numbers))
    for way in ({}, {"mmap": True}):
        array = mg.load(tmp_path / "a", **way)["x"]
        assert array.dtype == NUMPY[code] and array.dtype.isnative
        assert array.tobytes() == numbers


def test_bfloat16_becomes_float32_exactly(tmp_path):
    halves = np.array([0x3FC0, 0x8000, 0x0001, 0x7F80, 0x7FC1], "<u2")
    (tmp_path / "a").write_bytes(raw({"x": described("BF16", [5], 0, 10)}, halves.tobytes()))
    array = mg.load(tmp_path / "a")["x"]
    assert array.dtype == np.float32
    assert array.view(np.uint32).tolist() == (halves.astype(np.uint32) << 16).tolist()
    assert array[0] == 1.5
    with pytest.raises(ValueError, match=r"'x' is BF16.*not with mmap"):
        mg.load(tmp_path / "a", mmap=True)


@pytest.mark.parametrize("code", ["F8_E4M3", "F8_E5M2", "F4", "F6_E2M3"])
def test_floats_that_numpy_does_not_have_are_refused_and_shown(tmp_path, code):
    (tmp_path / "a").write_bytes(raw({"x": described(code, [4], 0, 4 * int(code[1]) // 8)}, bytes(int(code[1]) // 2)))
    with pytest.raises(ValueError, match=f"'x' is {code}, which NumPy does not have; convert"):
        mg.load(tmp_path / "a")
    assert inspect(tmp_path / "a").tensors == {"x": (code, (4,))}


def test_numbers_at_odd_places(tmp_path):
    header = {"a": described("U8", [1], 0, 1), "b": described("F64", [2], 1, 17)}
    numbers = np.array([1.5, -2.5])
    for pad in range(8):  # so that some place is odd wherever the file is mapped
        (tmp_path / "a").write_bytes(raw(str(header).replace("'", '"').encode() + b" " * pad, b"x" + numbers.tobytes()))
        for way in ({}, {"mmap": True}):
            b = mg.load(tmp_path / "a", **way)["b"]
            assert b.tolist() == [1.5, -2.5]
            assert (mg.tensor(b) * 2.0).numpy().tolist() == [3.0, -5.0]
            model = mg.nn.Linear(1, 2).to("float64")
            model.load_state_dict({"bias": b}, strict=False)
            assert model.bias.detach().numpy().tolist() == [1.5, -2.5]


def test_a_mapped_file_is_read_only_and_outlives_its_name(tmp_path):
    mg.save(tmp_path / "a", {"x": np.arange(5.0), "none": np.zeros((0, 3)), "step": 4})
    mapped = mg.load(tmp_path / "a", mmap=True)
    assert mapped.verified is None
    mg.save(tmp_path / "a", {"x": np.zeros(5)})
    os.unlink(tmp_path / "a")
    assert mapped["x"].tolist() == [0, 1, 2, 3, 4] and mapped["none"].shape == (0, 3) and mapped["step"] == 4
    with pytest.raises(ValueError, match="read-only"):
        mapped["x"][0] = 1


def test_a_mapped_file_takes_no_memory_and_loading_takes_its_size(tmp_path):
    size = 8 << 20
    mg.save(tmp_path / "a", {"x": np.zeros(size, np.uint8)})
    assert peak_of(lambda: mg.load(tmp_path / "a", mmap=True)) < 100_000
    assert peak_of(lambda: mg.load(tmp_path / "a", mmap=True, verify=True)) < 100_000 + 2 * CHUNK
    assert peak_of(lambda: inspect(tmp_path / "a")) < 100_000 + 2 * CHUNK
    assert peak_of(lambda: mg.load(tmp_path / "a")) < 100_000 + size


def test_verify_true_needs_a_digest(tmp_path):
    (tmp_path / "a").write_bytes(raw({"x": described("U8", [], 0, 1)}, b"1"))
    with pytest.raises(ValueError, match="no digest to verify; verify=None"):
        mg.load(tmp_path / "a", verify=True)
    contents = inspect(tmp_path / "a")
    assert contents.verified is None and contents.version is None and contents.finding.startswith("no digest")


def test_inspect(tmp_path):
    content = small(tmp_path / "a")
    contents = inspect(tmp_path / "a")
    assert contents.path == str(tmp_path / "a") and contents.size == len(content)
    assert contents.tensors == {"w": ("F32", (3,)), "mask": ("BOOL", (2,)), "ü": ("F64", (0, 2))}
    assert contents.metadata == {"data": "Häuser"}
    assert contents.version == mg.__version__ and contents.verified is True


# --- the format's own library ----------------------------------------------------------------------------------------


@pytest.mark.peers
def test_safetensors_reads_what_minigrad_writes(tmp_path):
    numpy = pytest.importorskip("safetensors.numpy")
    arrays = {
        f"ä.{code}{shape}": np.ones(shape, NUMPY[code]) * (3 if code != "BOOL" else 1)
        for code in NUMPY
        for shape in [(), (0,), (3,), (2, 3)]
    }
    arrays = {name: array.astype(array.dtype if "BOOL" not in name else bool) for name, array in arrays.items()}
    mg.save(tmp_path / "a", arrays, metadata={"k": "vü"})
    back = numpy.load_file(tmp_path / "a")
    assert back.keys() == arrays.keys()
    for name, array in arrays.items():
        assert back[name].dtype == array.dtype and back[name].shape == array.shape
        assert back[name].tobytes() == array.tobytes()
    with pytest.importorskip("safetensors").safe_open(tmp_path / "a", "np") as file:
        assert file.metadata()["k"] == "vü"


@pytest.mark.peers
def test_minigrad_reads_what_safetensors_writes(tmp_path, rng):
    numpy = pytest.importorskip("safetensors.numpy")
    arrays = {f'"{code}\n{i}': (rng.random((i, 3)) * 100).astype(NUMPY[code]) for code in NUMPY for i in range(4)} | {
        "": np.array(np.nan)
    }
    numpy.save_file(arrays, tmp_path / "a", metadata={"format": "np", "ü": "\n"})
    for way in ({}, {"mmap": True}):
        back = mg.load(tmp_path / "a", **way)
        assert back.keys() == arrays.keys() and back.metadata == {"format": "np", "ü": "\n"} and back.verified is None
        for name, array in arrays.items():
            assert back[name].dtype == array.dtype and back[name].shape == array.shape
            assert back[name].tobytes() == array.tobytes()


@pytest.mark.peers
@pytest.mark.parametrize("name", HOSTILE)
def test_what_safetensors_refuses(name):
    """The cases of this file against the library: minigrad is stricter in the few listed, laxer in none."""
    numpy = pytest.importorskip("safetensors.numpy")
    if name in STRICTER:
        numpy.load(HOSTILE[name][0])
    else:
        with pytest.raises(Exception):  # noqa: B017  # whatever it raises
            numpy.load(HOSTILE[name][0])


@pytest.mark.peers
def test_a_changed_byte_that_minigrad_takes_safetensors_takes_too(tmp_path):
    numpy = pytest.importorskip("safetensors.numpy")
    header = {"a": described("F32", [1, 2], 0, 8), "c": described("U8", [], 8, 9)}
    content = raw({**header, "__metadata__": {"k": "v"}}, b"\0" * 9)
    (tmp_path / "a").write_bytes(content)
    taken = 0
    for i in range(len(content)):
        for byte in {*b' 19"a{', *(content[i] ^ 1 << bit for bit in range(8))} - {content[i]}:
            with changed(tmp_path / "a", content, i, byte):
                try:
                    ours = mg.load(tmp_path / "a")
                except ValueError:
                    continue
                theirs = numpy.load((tmp_path / "a").read_bytes())
            taken += 1
            assert {name: (a.dtype, a.shape, a.tobytes()) for name, a in ours.items()} == {
                name: (a.dtype, a.shape, a.tobytes()) for name, a in theirs.items()
            }
    assert taken > 100
