"""json_arrays: what goes in comes out, to the bit; what JSON would change in silence is refused."""

import math

import numpy as np
import pytest

import minigrad as mg
from minigrad.errors import DTypeError
from minigrad.interop import pack_json, unpack_json

LEAVES = [
    None,
    True,
    False,
    0,
    1,
    -(2**63),
    2**64,
    0.1,
    -0.0,
    5e-324,
    math.inf,
    -math.inf,
    "",
    'ä\n\0"\\😀',
    "NaN",
    "1",
]


@pytest.mark.parametrize("value", [*LEAVES, LEAVES, [], {}, {"": LEAVES, "ü\n": {"a": [[], {}, [LEAVES]]}}], ids=repr)
def test_round_trip(value):
    back = unpack_json(pack_json(value))
    assert back == value
    assert repr(back) == repr(value)  # 1 and True and 1.0 are equal, and so are 0.0 and -0.0


def test_floats_of_all_bits_come_back(rng):
    values = rng.integers(0, 2**64, 10_000, np.uint64, endpoint=False).view(np.float64)
    back = np.array(unpack_json(pack_json(values.tolist())))
    exact = np.where(np.isnan(values), np.nan, values)
    assert np.isnan(values).any()
    assert np.where(np.isnan(back), np.nan, back).tobytes() == exact.tobytes()


def test_numbers_of_numpy_and_tuples():
    value = {"a": np.float32(0.1), "b": np.int64(-3), "c": np.bool_(True), "d": (np.float64(-0.0), "x")}
    back = unpack_json(pack_json(value))
    assert back == {"a": float(np.float32(0.1)), "b": -3, "c": True, "d": [-0.0, "x"]}
    assert type(back["b"]) is int and back["c"] is True and math.copysign(1, back["d"][0]) == -1


def test_big_numbers_half_surrogates_and_deep_lists():
    deep = 1
    for _ in range(100):
        deep = [deep]
    for value in (10**4000, -(2**64), "\ud800", deep):
        assert unpack_json(pack_json(value)) == value
    with pytest.raises(ValueError, match="more than 100 levels"):
        pack_json([deep])


def test_a_list_in_itself_is_refused():
    value = []
    value.append(value)
    with pytest.raises(ValueError, match="more than 100 levels"):
        pack_json(value)


@pytest.mark.parametrize(
    "value, word",
    [
        ({1: 2}, "the value has the key 1; need strings"),
        ({"a": [0, {2, 3}]}, r"the value\['a'\]\[1\] is a set"),
        (np.zeros(2), "is a ndarray"),
        (b"x", "is a bytes"),
        (1j, "is a complex"),
        (np.complex64(1), "is a complex"),
        (mg.zeros(1), "is a Tensor"),
    ],
)
def test_what_json_does_not_have_is_refused(value, word):
    with pytest.raises(TypeError, match=f"pack_json: .*{word}"):
        pack_json(value)


@pytest.mark.parametrize("text", [b"", b"{", b"[1,]", b"\xff", b"nul", b'{"a":1,"a":2}', b"[" * 100_000, b"1 2"])
def test_what_is_no_json_is_a_value_error_with_the_name(text):
    with pytest.raises(ValueError, match=r"^run\.history: no JSON"):
        unpack_json(np.frombuffer(text, np.uint8), "run.history")


def test_other_arrays_are_refused():
    for array in (np.zeros(2), np.zeros((1, 2), np.uint8), np.uint8(1)):
        with pytest.raises(DTypeError, match="need uint8"):
            unpack_json(array)


def test_a_tensor_of_it_is_read():
    assert unpack_json(mg.tensor(pack_json([1, None]))) == [1, None]
