"""header: what is no header is a ValueError that says why, in little time and memory; what is written is read."""

import json
import tracemalloc

import pytest

from minigrad.interop.header import BITS, MAX_HEADER, Entry, Header, build_header, parse_header

from .files import ONE, described, raw


def test_what_is_built_is_parsed():
    odd = 'ä\0"\\\u2028\U0001f600'
    tensors = {"b": Entry("F64", (2, 0), 0, 0), odd: Entry("F32", (), 0, 4), "": Entry("U8", (3,), 4, 7)}
    metadata = {"k": "v\n\t", "": "", "🙂": "\x7f"}
    text = build_header(metadata, tensors.items())
    assert (8 + len(text)) % 64 == 0
    assert json.loads(text)["__metadata__"] == metadata
    assert parse_header(text, 7) == Header(metadata, tensors)
    assert list(parse_header(text, 7).tensors) == list(tensors)


def test_spaces_and_the_order_of_fields_are_free():
    text = b'{ "a" :\t{"data_offsets":[ 0 , 1 ],"shape":[\r\n1 ] , "dtype":"U8"} }  \n'
    assert parse_header(text, 1).tensors == {"a": Entry("U8", (1,), 0, 1)}


def test_escapes_are_read():
    text = b'{"\\u00e4\\n\\"\\\\\\/\\ud83d\\ude00":' + ONE + b"}"
    assert list(parse_header(text, 1).tensors) == ['ä\n"\\/😀']


@pytest.mark.parametrize("dtype", BITS)
def test_the_size_of_every_dtype(dtype):
    size = 4 * BITS[dtype] // 8
    assert parse_header(json.dumps({"a": described(dtype, [4], 0, size)}).encode(), size).tensors["a"].dtype == dtype
    with pytest.raises(ValueError, match="tensor 'a' is"):
        parse_header(json.dumps({"a": described(dtype, [4], 0, size + 1)}).encode(), size + 1)


def test_memory_is_a_few_times_the_header():
    """The most entries that a header of its size can have."""
    members = (f'"{i}":{{"dtype":"U8","shape":[],"data_offsets":[{i},{i + 1}]}}' for i in range(3_000))
    text = f"{{{','.join(members)}}}".encode()
    tracemalloc.start()
    try:
        header = parse_header(text, 3_000)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(header.tensors) == 3_000
    assert peak < 10 * len(text)


def test_long_names_are_cut_in_errors():
    with pytest.raises(ValueError) as error:
        parse_header(json.dumps({"a" * 1_000_000: described("U8", [2], 0, 1)}).encode(), 1)
    assert len(str(error.value)) < 500


def test_a_header_above_the_limit_is_refused():
    with pytest.raises(ValueError, match="the format allows 100000000"):
        build_header({"k": "x" * MAX_HEADER}, {})


def test_raw_counts_the_header():
    assert raw({}) == b"\x02\0\0\0\0\0\0\0{}"
