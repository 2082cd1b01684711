# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""Dropout: checks, then blocks, shared among threads.

Arithmetic: src_c/random/dropout.c; meaning: reference/random.py.
"""

from libc.math cimport rint
from libc.stdint cimport int64_t, uint8_t, uint32_t
from numpy cimport NPY_UINT8, PyArray_DATA, PyArray_SIZE, PyArray_TYPE, ndarray

from minigrad.kernels.native cimport runtime
from minigrad.kernels.native.checks cimport check_flat, check_out, check_same, describe
from minigrad.kernels.native.launch cimport call, know, least, pieces, record, share
from minigrad.kernels.native.streams cimport mg_stream, stream_of

cdef extern from "random/dropout.h" nogil:
    ctypedef struct mg_dropout_bits_args:
        size_t n
        uint8_t *bits
        mg_stream stream
        uint32_t threshold
    ctypedef struct mg_masked_scale_args:
        size_t n
        const void *x
        const uint8_t *bits
        void *out
        double scale
        int precision
    ctypedef struct mg_dropout_args:
        size_t n
        const void *x
        uint8_t *bits
        void *out
        mg_stream stream
        double scale
        uint32_t threshold
        int precision
    ctypedef struct mg_dropout_table:
        void (*dropout_bits)(const mg_dropout_bits_args *p, size_t first, size_t n) noexcept nogil
        void (*masked_scale[2])(const mg_masked_scale_args *p, size_t first, size_t n) noexcept nogil
        void (*dropout[2])(const mg_dropout_args *p, size_t first, size_t n) noexcept nogil
    const mg_dropout_table *const *mg_dropout_tables

cdef enum:
    BLOCK = 16384                           # elements; a multiple of 128, so that no group is drawn twice
    WORK = 4                                # drawing for an element takes as long as copying four


cdef void dropout_bits_block(const void *args, size_t i) noexcept nogil:
    p = <const mg_dropout_bits_args *>args
    mg_dropout_tables[runtime.variant].dropout_bits(p, i * BLOCK, least(BLOCK, p.n - i * BLOCK))


cdef int k_dropout_bits(const void *args) noexcept nogil:
    p = <const mg_dropout_bits_args *>args
    share(WORK * p.n, pieces(p.n, BLOCK), dropout_bits_block, p)
    return 0


cdef void masked_scale_block(const void *args, size_t i) noexcept nogil:
    p = <const mg_masked_scale_args *>args
    mg_dropout_tables[runtime.variant].masked_scale[p.precision](p, i * BLOCK, least(BLOCK, p.n - i * BLOCK))


cdef int k_masked_scale(const void *args) noexcept nogil:
    p = <const mg_masked_scale_args *>args
    share(p.n, pieces(p.n, BLOCK), masked_scale_block, p)
    return 0


cdef void dropout_block(const void *args, size_t i) noexcept nogil:
    p = <const mg_dropout_args *>args
    mg_dropout_tables[runtime.variant].dropout[p.precision](p, i * BLOCK, least(BLOCK, p.n - i * BLOCK))


cdef int k_dropout(const void *args) noexcept nogil:
    p = <const mg_dropout_args *>args
    share(WORK * p.n, pieces(p.n, BLOCK), dropout_block, p)
    return 0


cdef inline int check_mask(str kernel, ndarray mask, Py_ssize_t n) except -1:
    if PyArray_TYPE(mask) != NPY_UINT8 or PyArray_SIZE(mask) != (n + 7) // 8:
        from minigrad.errors import ShapeError
        raise ShapeError(f"{kernel}: bits is {describe(mask)}; need uint8 of size {(n + 7) // 8} for {n} elements")
    return check_flat(kernel, mask)


cdef inline int64_t threshold_of(str kernel, double p) except -1:
    """How many of the 65536 numbers that may be drawn for an element drop it. Raises ValueError unless 0 <= p <= 1."""
    if not 0 <= p <= 1:                     # NaN as well
        raise ValueError(f"{kernel}: p is {p}; need 0 <= p <= 1")
    return <int64_t>rint(65536 * p)         # half to even, as Python rounds


def dropout_bits(ndarray bits not None, Py_ssize_t n, *, key, stream, offset, double p):
    cdef mg_dropout_bits_args a
    record(&a, sizeof(a))
    if n < 0:
        raise ValueError(f"dropout_bits: n is {n}; need at least 0")
    check_mask("dropout_bits", bits, n)
    check_out("dropout_bits", bits)
    a.stream, a.threshold = stream_of("dropout_bits", key, stream, offset), threshold_of("dropout_bits", p)
    a.n, a.bits = n, <uint8_t *>PyArray_DATA(bits)
    call(k_dropout_bits, &a, a.n)


def masked_scale(ndarray x not None, ndarray bits not None, ndarray out not None, *, double scale):
    cdef mg_masked_scale_args a
    record(&a, sizeof(a))
    a.precision, a.n, a.scale = check_same("masked_scale", x, out), PyArray_SIZE(x), scale
    check_mask("masked_scale", bits, a.n)
    a.x, a.bits, a.out = PyArray_DATA(x), <const uint8_t *>PyArray_DATA(bits), PyArray_DATA(out)
    call(k_masked_scale, &a, a.n)


def dropout(
    ndarray x not None, ndarray out not None, ndarray bits not None, *, key, stream, offset, double p, double scale
):
    cdef mg_dropout_args a
    record(&a, sizeof(a))
    a.precision, a.n, a.scale = check_same("dropout", x, out), PyArray_SIZE(x), scale
    check_mask("dropout", bits, a.n)
    check_out("dropout", bits)
    a.stream, a.threshold = stream_of("dropout", key, stream, offset), threshold_of("dropout", p)
    a.x, a.bits, a.out = PyArray_DATA(x), <uint8_t *>PyArray_DATA(bits), PyArray_DATA(out)
    call(k_dropout, &a, a.n)


know("dropout_bits", k_dropout_bits)
know("masked_scale", k_masked_scale)
know("dropout", k_dropout)
