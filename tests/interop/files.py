"""Files in the safetensors format, made by hand: what a hostile or another program may write."""

import json


def described(dtype, shape, begin, end):
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


def raw(header, data=b"", length=None):
    """A file with this header (bytes, or what JSON makes of it), these numbers, and this length or the true one."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return (len(text) if length is None else length).to_bytes(8, "little") + text + data


ONE = b'{"dtype":"U8","shape":[1],"data_offsets":[0,1]}'

# name -> bytes that are no safetensors file, and a word of the error that says why
HOSTILE = {
    "empty": (b"", "0 bytes"),
    "seven bytes": (b"\0" * 7, "7 bytes"),
    "no header": (raw(b""), "begins with"),
    "trailing": (raw(b"{}", b"x"), "0 bytes in all, and 1 bytes follow"),
    "length 2^63": (raw(b"{}", length=2**63), "should have 9223372036854775808"),
    "length 2^64-1": (raw(b"{}", length=2**64 - 1), "need at most 2"),
    "length one more": (raw(b"{}", length=3), "should have 3"),
    "length one less": (raw(b"{}", length=1), "end|string"),
    "a list": (raw(b"[]"), "begins with"),
    "space first": (raw(b" {}"), "begins with"),
    "byte order mark": (raw(b"\xef\xbb\xbf{}"), "begins with"),
    "no JSON": (raw(b"{x}"), "need a string"),
    "end missing": (raw(b'{"a":'), "need '{'"),
    "something behind": (raw(b"{}{}"), "need its end"),
    "comma at the end": (raw(b'{"a":' + ONE + b",}", b"1"), "need a string"),
    "no UTF-8": (raw(b'{"\xff":' + ONE + b"}", b"1"), "no text"),
    "half a surrogate": (raw(b'{"\\ud800":' + ONE + b"}", b"1"), "no text"),
    "wrong escape": (raw(b'{"\\x":' + ONE + b"}", b"1"), "no text"),
    "raw control": (raw(b'{"a\n":' + ONE + b"}", b"1"), "need a string"),
    "deep": (raw(b'{"a":' * 100_000), "field 'a'"),
    "deep lists": (raw(b'{"a":' + b"[" * 100_000), "need '{'"),
    "deep metadata": (raw(b'{"__metadata__":' + b'{"a":' * 100_000), "need a string"),
    "deep shape": (raw(b'{"a":{"shape":' + b"[" * 100_000), "need a whole number"),
    "entry is a list": (raw({"a": ["U8", [1], [0, 1]]}, b"1"), "need '{'"),
    "name twice": (raw(b'{"a":' + ONE + b',"a":' + ONE + b"}", b"1"), "'a' twice"),
    "name twice, escaped": (raw(b'{"a":' + ONE + b',"\\u0061":' + ONE + b"}", b"1"), "'a' twice"),
    "metadata twice": (raw(b'{"__metadata__":{},"__metadata__":{}}'), "'__metadata__' twice"),
    "metadata's key twice": (raw(b'{"__metadata__":{"k":"1","k":"2"}}'), "'k' twice"),
    "field twice": (raw(b'{"a":{"dtype":"U8","dtype":"U8","shape":[1],"data_offsets":[0,1]}}', b"1"), "'dtype' twice"),
    "metadata of numbers": (raw({"__metadata__": {"a": 1}}), "need a string"),
    "metadata null": (raw({"__metadata__": None}), "need '{'"),
    "unknown dtype": (raw({"a": described("X9", [1], 0, 1)}, b"1"), "dtype 'X9'"),
    "unknown field": (raw({"a": {**described("U8", [1], 0, 1), "code": "x"}}, b"1"), "field 'code'"),
    "field missing": (raw({"a": {"dtype": "U8", "shape": [1]}}, b"1"), "by half"),
    "one offset": (raw({"a": {"dtype": "U8", "shape": [1], "data_offsets": [0]}}, b"1"), "by half"),
    "three offsets": (raw({"a": {"dtype": "U8", "shape": [1], "data_offsets": [0, 1, 2]}}, b"1"), "at most 2"),
    "overlap": (raw({"a": described("U8", [2], 0, 2), "b": described("U8", [2], 1, 3)}, b"123"), "begin at 2"),
    "twice the same bytes": (raw({"a": described("U8", [1], 0, 1), "b": described("U8", [1], 0, 1)}, b"1"), "at 1"),
    "hole": (raw({"a": described("U8", [1], 0, 1), "b": described("U8", [1], 2, 3)}, b"123"), "begin at 1"),
    "hole at the start": (raw({"a": described("U8", [1], 1, 2)}, b"12"), "begin at 0"),
    "past the end": (raw({"a": described("U8", [3], 0, 3)}, b"12"), "3 bytes in all, and 2"),
    "more than it says": (raw({"a": described("U8", [1], 0, 1)}, b"12"), "1 bytes in all, and 2"),
    "end before begin": (raw({"a": described("U8", [1], 0, 1), "b": described("U8", [1], 1, 0)}, b"1"), "begin at"),
    "size and shape differ": (raw({"a": described("F32", [1], 0, 3)}, b"123"), "4 bytes, and has 3"),
    "product above 2^64": (raw({"a": described("U8", [2**33, 2**33], 0, 0)}), "more than memory"),
    "product above 2^64, and 0": (raw({"a": described("F32", [0, 2**62], 0, 0)}), "more than memory"),
    "a petabyte": (raw({"a": described("F64", [2**47], 0, 2**50)}), "bytes in all, and 0"),
    "negative size": (raw({"a": described("U8", [-1], 0, 1)}, b"1"), "whole number"),
    "size 1.0": (raw({"a": described("U8", [1.0], 0, 1)}, b"1"), "need ']'"),
    "size 2^64": (raw({"a": described("U8", [2**64], 0, 0)}), "less than 2\\^64"),
    "size 10^400": (raw(b'{"a":{"dtype":"U8","shape":[' + b"9" * 400 + b'],"data_offsets":[0,0]}}'), "whole number"),
    "size 01": (raw(b'{"a":{"dtype":"U8","shape":[01],"data_offsets":[0,1]}}', b"1"), "need ']'"),
    "size true": (raw({"a": described("U8", [True], 0, 1)}, b"1"), "whole number"),
    "65 axes": (raw({"a": described("U8", [1] * 65, 0, 1)}, b"1"), "at most 64"),
    "a million axes": (raw({"a": described("U8", [2**63] * 1_000_000, 0, 1)}, b"1"), "at most 64"),
    "half a byte": (raw({"a": described("F4", [1], 0, 1)}, b"1"), "0.5 bytes"),
    "pickle": (b"\x80\x05\x95\x1a\0\0\0\0\0\0\0\x8c\x05posix\x94\x8c\x06system\x94\x93\x94.", "header should have"),
    "zip": (b"PK\x03\x04" + b"\0" * 60, "header should have"),
}

# What the format's own library takes and minigrad refuses, each for a reason that the error names.
STRICTER = {
    "space first",
    "name twice",
    "name twice, escaped",
    "metadata's key twice",
    "metadata null",
    "unknown field",
    "entry is a list",
}
