# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""Cumulative sums, products and norms of rows: checks, then rows over threads. Arithmetic: src_c/reduce/scans.c; meaning:
reference/scans.py."""

from cython.parallel cimport prange
from numpy cimport PyArray_DATA, PyArray_DIM, PyArray_NDIM, PyArray_SIZE, PyArray_TYPE, ndarray

from minigrad.kernels.native cimport runtime
from minigrad.kernels.native._c cimport mg_scans_tables, mg_scans_table
from minigrad.kernels.native.checks cimport check_flat, check_out, check_real, describe

from minigrad.errors import DTypeError, ShapeError

cdef enum:
    BLOCK = 8192                            # elements that a thread takes at once, in whole rows
    WEIGHT = 4                              # a chain of additions, in elements of memory-bound work
    CUMSUM, PROD, PROD_GRAD, NORM


cdef struct scan_args:
    int kind, bits
    Py_ssize_t rows, n
    bint reverse                            # cumsum only
    const char *x
    const char *g                           # one for each row: prod_grad only
    char *out


cdef void scan_block(const scan_args *p, Py_ssize_t i, Py_ssize_t rows) noexcept nogil:
    cdef const mg_scans_table *c = mg_scans_tables[runtime.variant]
    cdef const float *x32 = <const float *>p.x + i * p.n
    cdef const double *x64 = <const double *>p.x + i * p.n
    cdef Py_ssize_t to = i * p.n if p.kind == CUMSUM or p.kind == PROD_GRAD else i
    cdef float *out32 = <float *>p.out + to
    cdef double *out64 = <double *>p.out + to
    if p.bits == 32:
        if p.kind == CUMSUM: c.cumsum_f32(rows, p.n, x32, p.reverse, out32)
        elif p.kind == PROD: c.prod_f32(rows, p.n, x32, out32)
        elif p.kind == PROD_GRAD: c.prod_grad_f32(rows, p.n, <const float *>p.g + i, x32, out32)
        else: c.norm_f32(rows, p.n, x32, out32)
    else:
        if p.kind == CUMSUM: c.cumsum_f64(rows, p.n, x64, p.reverse, out64)
        elif p.kind == PROD: c.prod_f64(rows, p.n, x64, out64)
        elif p.kind == PROD_GRAD: c.prod_grad_f64(rows, p.n, <const double *>p.g + i, x64, out64)
        else: c.norm_f64(rows, p.n, x64, out64)


cdef int k_scan(const scan_args *p) noexcept nogil:
    cdef int threads = runtime.threads_for(WEIGHT * p.rows * p.n)
    cdef Py_ssize_t i, size = 1 + BLOCK // (p.n + 1), blocks = (p.rows + size - 1) // size
    if threads == 1:
        scan_block(p, 0, p.rows)
    else:
        for i in prange(blocks, num_threads=threads, schedule="static"):
            scan_block(p, i * size, min(size, p.rows - i * size))
    return 0


cdef int check_rows(str kernel, ndarray x, str name, ndarray a) except -1:
    """a is flat, of x's dtype, with one element for each row of x."""
    if PyArray_TYPE(a) != PyArray_TYPE(x):
        raise DTypeError(f"{kernel}: x is {describe(x)}, {name} is {describe(a)}; need the same dtype")
    if PyArray_SIZE(a) != PyArray_DIM(x, 0):
        raise ShapeError(f"{kernel}: x is {describe(x)}, {name} is {describe(a)}; need one element for each row")
    check_flat(kernel, a)
    return 0


cdef int run_scan(str kernel, int kind, ndarray x, ndarray g, ndarray out, bint reverse) except -1:
    cdef scan_args p
    p.kind, p.bits, p.reverse = kind, 32 << check_real(kernel, x), reverse
    if PyArray_NDIM(x) != 2:
        raise ShapeError(f"{kernel}: x is {describe(x)}; need (rows, n)")
    check_flat(kernel, x)
    check_out(kernel, out)
    if kind == CUMSUM or kind == PROD_GRAD:
        if PyArray_TYPE(out) != PyArray_TYPE(x):
            raise DTypeError(f"{kernel}: x is {describe(x)}, out is {describe(out)}; need the same dtype")
        if (<object>out).shape != (<object>x).shape:
            raise ShapeError(f"{kernel}: x is {describe(x)}, out is {describe(out)}; need the same shape")
    else:
        check_rows(kernel, x, "out", out)
    if kind == PROD_GRAD:
        check_rows(kernel, x, "g", g)
    p.rows, p.n = PyArray_DIM(x, 0), PyArray_DIM(x, 1)
    p.x, p.g, p.out = <const char *>PyArray_DATA(x), <const char *>PyArray_DATA(g), <char *>PyArray_DATA(out)
    if runtime.releases_gil(WEIGHT * p.rows * p.n):
        with nogil:
            k_scan(&p)
    else:
        k_scan(&p)
    return 0


def cumsum(ndarray x not None, ndarray out not None, *, bint reverse=False):
    run_scan("cumsum", CUMSUM, x, x, out, reverse)


def prod(ndarray x not None, ndarray out not None):
    run_scan("prod", PROD, x, x, out, False)


def prod_grad(ndarray g not None, ndarray x not None, ndarray out not None):
    run_scan("prod_grad", PROD_GRAD, x, g, out, False)


def norm(ndarray x not None, ndarray out not None):
    run_scan("norm", NORM, x, x, out, False)
