# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""Random fills: checks, then blocks, shared among threads.

Arithmetic: src_c/random/random.c; meaning: reference/random.py.
"""

from numpy cimport NPY_UINT64, PyArray_DATA, PyArray_SIZE, PyArray_TYPE, ndarray

from minigrad.kernels.native cimport runtime
from minigrad.kernels.native.checks cimport FLOAT64, check_out, check_real, check_same, describe
from minigrad.kernels.native.launch cimport call, kernel_of, know, least, pieces, record, share
from minigrad.kernels.native.streams cimport mg_stream, stream_of

cdef extern from "random/random.h" nogil:
    ctypedef struct mg_random_args:
        size_t n
        void *out
        mg_stream stream
        double a, b
        int precision
    ctypedef void (*mg_fill)(const mg_random_args *p, size_t first, size_t n) noexcept nogil
    ctypedef struct mg_random_table:
        void (*normal_quantile)(size_t n, const double *q, double *out) noexcept nogil
        mg_fill random_bits
        mg_fill uniform[2]
        mg_fill normal[2]
    const mg_random_table *const *mg_random_tables

cdef enum:
    BLOCK = 8192                            # elements; even, so that no block of Philox is drawn twice
    WORK = 8                                # an element takes as long as eight that are only copied


cdef struct fill_call:                      # what the blocks share
    const mg_random_args *p
    mg_fill body


cdef void fill_block(const void *args, size_t i) noexcept nogil:
    c = <const fill_call *>args
    c.body(c.p, i * BLOCK, least(BLOCK, c.p.n - i * BLOCK))


cdef inline int fill(const mg_random_args *p, mg_fill body) noexcept nogil:
    cdef fill_call c
    c.p, c.body = p, body
    share(WORK * p.n, pieces(p.n, BLOCK), fill_block, &c)
    return 0


cdef int k_random_bits(const void *args) noexcept nogil:
    return fill(<const mg_random_args *>args, mg_random_tables[runtime.variant].random_bits)


cdef int k_uniform(const void *args) noexcept nogil:
    p = <const mg_random_args *>args
    return fill(p, mg_random_tables[runtime.variant].uniform[p.precision])


cdef int k_normal(const void *args) noexcept nogil:
    p = <const mg_random_args *>args
    return fill(p, mg_random_tables[runtime.variant].normal[p.precision])


cdef int run(str name, kernel_of kernel, ndarray out, int precision, mg_stream stream, double a, double b) except -1:
    cdef mg_random_args p
    record(&p, sizeof(p))
    check_out(name, out)
    p.n, p.out, p.precision, p.stream, p.a, p.b = PyArray_SIZE(out), PyArray_DATA(out), precision, stream, a, b
    call(kernel, &p, p.n)
    return 0


def random_bits(ndarray out not None, *, key, stream, offset):
    if PyArray_TYPE(out) != NPY_UINT64:
        from minigrad.errors import DTypeError
        raise DTypeError(f"random_bits: out is {describe(out)}; need uint64")
    run("random_bits", k_random_bits, out, FLOAT64, stream_of("random_bits", key, stream, offset), 0, 0)


def uniform(ndarray out not None, *, key, stream, offset, double low, double high):
    run("uniform", k_uniform, out, check_real("uniform", out), stream_of("uniform", key, stream, offset), low, high)


def normal(ndarray out not None, *, key, stream, offset, double mean, double std):
    run("normal", k_normal, out, check_real("normal", out), stream_of("normal", key, stream, offset), mean, std)


def normal_quantile(ndarray q not None, ndarray out not None):
    """out = the normal quantile of 1/2 + q, |q| < 1/2, float64, as `normal` computes it. For tests of its tails.

    Raises DTypeError for another dtype than float64.
    """
    if check_same("normal_quantile", q, out) != FLOAT64:
        from minigrad.errors import DTypeError
        raise DTypeError(f"normal_quantile: q is {describe(q)}; need float64")
    cdef double *z = <double *>PyArray_DATA(out)
    mg_random_tables[runtime.variant].normal_quantile(PyArray_SIZE(q), <const double *>PyArray_DATA(q), z)


know("random_bits", k_random_bits)
know("uniform", k_uniform)
know("normal", k_normal)
