# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""Dropout: checks, then blocks over threads. Arithmetic: src_c/random/dropout.c; meaning: reference/dropout.py."""

from cython.parallel cimport prange
from libc.math cimport rint
from libc.stdint cimport int64_t, uint8_t, uint32_t
from numpy cimport NPY_UINT8, PyArray_DATA, PyArray_SIZE, PyArray_TYPE, ndarray

from minigrad.kernels.native cimport runtime
from minigrad.kernels.native._c cimport mg_dropout_tables, mg_dropout_table, mg_stream
from minigrad.kernels.native.checks cimport check_flat, check_out, check_same, describe
from minigrad.kernels.native.streams cimport stream_of

cdef enum:
    BLOCK = 16384                           # elements; a multiple of 128, so that no group is drawn twice
    WORK = 4                                # an element costs as much as four that are only copied

cdef enum:
    BITS
    SCALE
    BOTH


cdef struct dropout_args:
    Py_ssize_t n
    const char *x
    uint8_t *mask
    char *out
    mg_stream stream
    uint32_t threshold
    double scale
    int bits, kernel


cdef inline void dropout_block(const dropout_args *p, Py_ssize_t i) noexcept nogil:
    cdef Py_ssize_t start = i * BLOCK, n = min(BLOCK, p.n - start)
    cdef const mg_dropout_table *t = mg_dropout_tables[runtime.variant]
    cdef const char *x = p.x + start * (p.bits // 8)
    cdef char *out = p.out + start * (p.bits // 8)
    cdef uint8_t *mask = p.mask + start // 8
    cdef mg_stream stream = p.stream
    stream.offset += start
    if p.kernel == BITS:
        t.dropout_bits(n, mask, stream, p.threshold)
    elif p.kernel == SCALE and p.bits == 32:
        t.masked_scale_f32(n, <const float *>x, mask, p.scale, <float *>out)
    elif p.kernel == SCALE:
        t.masked_scale_f64(n, <const double *>x, mask, p.scale, <double *>out)
    elif p.bits == 32:
        t.dropout_f32(n, <const float *>x, mask, stream, p.threshold, p.scale, <float *>out)
    else:
        t.dropout_f64(n, <const double *>x, mask, stream, p.threshold, p.scale, <double *>out)


cdef int k_dropout(const dropout_args *p) noexcept nogil:
    cdef Py_ssize_t i, blocks = (p.n + BLOCK - 1) // BLOCK
    cdef int threads = runtime.threads_for(p.n if p.kernel == SCALE else WORK * p.n)
    if threads == 1:                        # a prange in the path costs 0.5 us, even with one thread
        for i in range(blocks):
            dropout_block(p, i)
    else:
        for i in prange(blocks, num_threads=threads, schedule="static"):
            dropout_block(p, i)
    return 0


cdef inline int run(const dropout_args *p) except -1:
    if runtime.releases_gil(p.n):
        with nogil:
            k_dropout(p)
    else:
        k_dropout(p)
    return 0


cdef inline int check_mask(str kernel, ndarray mask, Py_ssize_t n) except -1:
    if PyArray_TYPE(mask) != NPY_UINT8 or PyArray_SIZE(mask) != (n + 7) // 8:
        from minigrad.errors import ShapeError
        raise ShapeError(f"{kernel}: bits is {describe(mask)}; need uint8 of size {(n + 7) // 8} for {n} elements")
    return check_flat(kernel, mask)


cdef inline int64_t threshold_of(str kernel, double p) except -1:
    """How many of the 65536 numbers of an element drop it."""
    if not 0 <= p <= 1:                     # NaN as well
        raise ValueError(f"{kernel}: p is {p}; need 0 <= p <= 1")
    return <int64_t>rint(65536 * p)         # half to even, as Python rounds


def dropout_bits(ndarray bits not None, Py_ssize_t n, *, key, stream, offset, double p):
    cdef dropout_args a
    if n < 0:
        raise ValueError(f"dropout_bits: n is {n}; need at least 0")
    check_mask("dropout_bits", bits, n)
    check_out("dropout_bits", bits)
    a.stream, a.threshold = stream_of("dropout_bits", key, stream, offset), threshold_of("dropout_bits", p)
    a.n, a.mask, a.x, a.out = n, <uint8_t *>PyArray_DATA(bits), NULL, NULL
    a.bits, a.kernel = 0, BITS
    run(&a)


def masked_scale(ndarray x not None, ndarray bits not None, ndarray out not None, *, double scale):
    cdef dropout_args a
    a.bits = 32 << check_same("masked_scale", x, out)
    check_mask("masked_scale", bits, PyArray_SIZE(x))
    a.n, a.mask = PyArray_SIZE(x), <uint8_t *>PyArray_DATA(bits)
    a.x, a.out = <const char *>PyArray_DATA(x), <char *>PyArray_DATA(out)
    a.scale, a.kernel = scale, SCALE
    run(&a)


def dropout(
    ndarray x not None, ndarray out not None, ndarray bits not None, *, key, stream, offset, double p, double scale
):
    cdef dropout_args a
    a.bits = 32 << check_same("dropout", x, out)
    check_mask("dropout", bits, PyArray_SIZE(x))
    check_out("dropout", bits)
    a.stream, a.threshold = stream_of("dropout", key, stream, offset), threshold_of("dropout", p)
    a.n, a.mask = PyArray_SIZE(x), <uint8_t *>PyArray_DATA(bits)
    a.x, a.out = <const char *>PyArray_DATA(x), <char *>PyArray_DATA(out)
    a.scale, a.kernel = scale, BOTH
    run(&a)
