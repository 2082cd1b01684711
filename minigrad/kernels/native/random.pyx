# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""Random fills: checks, then blocks over threads. Arithmetic: src_c/random/random.c; meaning: reference/random.py."""

from cython.parallel cimport prange
from libc.stdint cimport uint64_t
from numpy cimport NPY_UINT64, PyArray_DATA, PyArray_SIZE, PyArray_TYPE, ndarray

from minigrad.kernels.native cimport runtime
from minigrad.kernels.native._c cimport mg_random_tables, mg_stream
from minigrad.kernels.native.checks cimport check_out, check_real, check_same, describe
from minigrad.kernels.native.streams cimport stream_of

cdef enum:
    BLOCK = 8192                            # elements; even, so that no block of Philox is drawn twice
    WORK = 8                                # an element costs as much as eight that are only copied

cdef enum:
    BITS
    UNIFORM
    NORMAL


cdef struct random_args:
    Py_ssize_t n
    char *out
    mg_stream stream
    double a, b                             # low and high, or mean and std
    int bits, kernel


cdef inline void random_block(const random_args *p, Py_ssize_t i) noexcept nogil:
    cdef Py_ssize_t start = i * BLOCK, n = min(BLOCK, p.n - start)
    cdef mg_stream stream = p.stream
    stream.offset += start
    if p.kernel == BITS:
        mg_random_tables[runtime.variant].random_bits(n, <uint64_t *>p.out + start, stream)
    elif p.kernel == UNIFORM and p.bits == 32:
        mg_random_tables[runtime.variant].uniform_f32(n, <float *>p.out + start, stream, p.a, p.b)
    elif p.kernel == UNIFORM:
        mg_random_tables[runtime.variant].uniform_f64(n, <double *>p.out + start, stream, p.a, p.b)
    elif p.bits == 32:
        mg_random_tables[runtime.variant].normal_f32(n, <float *>p.out + start, stream, p.a, p.b)
    else:
        mg_random_tables[runtime.variant].normal_f64(n, <double *>p.out + start, stream, p.a, p.b)


cdef int k_random(const random_args *p) noexcept nogil:
    cdef Py_ssize_t i, blocks = (p.n + BLOCK - 1) // BLOCK
    cdef int threads = runtime.threads_for(WORK * p.n)
    if threads == 1:                        # a prange in the path costs 0.5 us, even with one thread
        for i in range(blocks):
            random_block(p, i)
    else:
        for i in prange(blocks, num_threads=threads, schedule="static"):
            random_block(p, i)
    return 0


cdef fill(str name, int kernel, ndarray out, int bits, mg_stream stream, double a, double b):
    cdef random_args p
    check_out(name, out)
    p.n, p.out, p.bits, p.kernel = PyArray_SIZE(out), <char *>PyArray_DATA(out), bits, kernel
    p.stream, p.a, p.b = stream, a, b
    if runtime.releases_gil(p.n):
        with nogil:
            k_random(&p)
    else:
        k_random(&p)


def random_bits(ndarray out not None, *, key, stream, offset):
    if PyArray_TYPE(out) != NPY_UINT64:
        from minigrad.errors import DTypeError
        raise DTypeError(f"random_bits: out is {describe(out)}; need uint64")
    fill("random_bits", BITS, out, 64, stream_of("random_bits", key, stream, offset), 0, 0)


def uniform(ndarray out not None, *, key, stream, offset, double low, double high):
    fill("uniform", UNIFORM, out, 32 << check_real("uniform", out), stream_of("uniform", key, stream, offset), low, high)


def normal(ndarray out not None, *, key, stream, offset, double mean, double std):
    fill("normal", NORMAL, out, 32 << check_real("normal", out), stream_of("normal", key, stream, offset), mean, std)


def normal_quantile(ndarray q not None, ndarray out not None):
    """out = the normal quantile of 1/2 + q, |q| < 1/2, float64: what `normal` is made of. For tests of its tails."""
    if check_same("normal_quantile", q, out) != 1:
        from minigrad.errors import DTypeError
        raise DTypeError(f"normal_quantile: q is {describe(q)}; need float64")
    cdef double *z = <double *>PyArray_DATA(out)
    mg_random_tables[runtime.variant].normal_quantile(PyArray_SIZE(q), <const double *>PyArray_DATA(q), z)
