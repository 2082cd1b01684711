# The position in a random stream from which dropout and random draw.
from libc.stdint cimport uint64_t

cdef extern from "random/stream.h" nogil:
    ctypedef struct mg_stream:
        uint64_t key, number, offset


cdef inline mg_stream stream_of(str kernel, object key, object stream, object offset) except *:
    cdef mg_stream s
    try:
        s.key, s.number, s.offset = key, stream, offset
    except OverflowError:
        where = f"key {key}, stream {stream}, offset {offset}"
        raise ValueError(f"{kernel}: {where}; need 0 <= key, stream < 2**64") from None
    if s.offset >> 63:
        raise ValueError(f"{kernel}: offset is {offset}; need 0 <= offset < 2**63")
    return s
