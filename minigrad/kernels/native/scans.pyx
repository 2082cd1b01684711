# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""Cumulative sums, products and norms of rows: checks, then rows, shared among threads.

Arithmetic: src_c/reduce/scans.c; meaning: reference/scans.py.
"""

from numpy cimport PyArray_DATA, PyArray_DIM, PyArray_NDIM, PyArray_SIZE, PyArray_TYPE, ndarray

from minigrad.kernels.native cimport runtime
from minigrad.kernels.native.checks cimport check_flat, check_out, check_real, describe
from minigrad.kernels.native.launch cimport call, know, least, pieces, record, share, threads_for

from minigrad.errors import DTypeError, ShapeError

cdef extern from "numpy/arrayobject.h":     # not in Cython's numpy module
    bint PyArray_SAMESHAPE(ndarray a, ndarray b)

cdef extern from "reduce/scans.h" nogil:
    ctypedef struct mg_scan_args:
        size_t rows, n
        const void *x
        const void *g
        void *out
        int reverse, precision
    ctypedef void (*mg_scan)(const mg_scan_args *p, size_t first, size_t n) noexcept nogil
    ctypedef struct mg_scans_table:
        mg_scan cumsum[2]
        mg_scan prod[2]
        mg_scan prod_grad[2]
        mg_scan norm[2]
    const mg_scans_table *const *mg_scans_tables

cdef enum:
    BLOCK = 8192                            # elements that a thread takes at once, in whole rows
    WEIGHT = 4                              # the work of an element of a chain, in elements of memory-bound work


cdef struct scan:                           # what the blocks share
    const mg_scan_args *p
    mg_scan body


cdef inline size_t rows_at_once(size_t n) noexcept nogil:
    return 1 + BLOCK // (n + 1)


cdef void scan_block(const void *args, size_t i) noexcept nogil:
    s = <const scan *>args
    cdef size_t size = rows_at_once(s.p.n)
    s.body(s.p, i * size, least(size, s.p.rows - i * size))


cdef inline int scan_rows(const mg_scan_args *p, mg_scan body) noexcept nogil:
    cdef scan s
    cdef size_t work = WEIGHT * p.rows * p.n
    s.p, s.body = p, body
    if threads_for(work) == 1:              # all rows at once, because the bodies compute several side by side
        body(p, 0, p.rows)
    else:
        share(work, pieces(p.rows, rows_at_once(p.n)), scan_block, &s)
    return 0


cdef int k_cumsum(const void *args) noexcept nogil:
    p = <const mg_scan_args *>args
    return scan_rows(p, mg_scans_tables[runtime.variant].cumsum[p.precision])


cdef int k_prod(const void *args) noexcept nogil:
    p = <const mg_scan_args *>args
    return scan_rows(p, mg_scans_tables[runtime.variant].prod[p.precision])


cdef int k_prod_grad(const void *args) noexcept nogil:
    p = <const mg_scan_args *>args
    return scan_rows(p, mg_scans_tables[runtime.variant].prod_grad[p.precision])


cdef int k_norm(const void *args) noexcept nogil:
    p = <const mg_scan_args *>args
    return scan_rows(p, mg_scans_tables[runtime.variant].norm[p.precision])


cdef int check_rows(str kernel, ndarray x, str name, ndarray a) except -1:
    """a is flat, of x's dtype, with one element for each row of x."""
    if PyArray_TYPE(a) != PyArray_TYPE(x):
        raise DTypeError(f"{kernel}: x is {describe(x)}, {name} is {describe(a)}; need the same dtype")
    if PyArray_SIZE(a) != PyArray_DIM(x, 0):
        raise ShapeError(f"{kernel}: x is {describe(x)}, {name} is {describe(a)}; need one element for each row")
    check_flat(kernel, a)
    return 0


cdef int prepare(str kernel, mg_scan_args *p, ndarray x, ndarray out, bint by_element) except -1:
    """out has x's shape if by_element, else one element for each row."""
    p.precision = check_real(kernel, x)
    if PyArray_NDIM(x) != 2:
        raise ShapeError(f"{kernel}: x is {describe(x)}; need (rows, n)")
    check_flat(kernel, x)
    check_out(kernel, out)
    if not by_element:
        check_rows(kernel, x, "out", out)
    elif PyArray_TYPE(out) != PyArray_TYPE(x):
        raise DTypeError(f"{kernel}: x is {describe(x)}, out is {describe(out)}; need the same dtype")
    elif not PyArray_SAMESHAPE(out, x):
        raise ShapeError(f"{kernel}: x is {describe(x)}, out is {describe(out)}; need the same shape")
    p.rows, p.n, p.x, p.out = PyArray_DIM(x, 0), PyArray_DIM(x, 1), PyArray_DATA(x), PyArray_DATA(out)
    p.g, p.reverse = NULL, False
    return 0


def cumsum(ndarray x not None, ndarray out not None, *, bint reverse=False):
    cdef mg_scan_args p
    record(&p, sizeof(p))
    prepare("cumsum", &p, x, out, True)
    p.reverse = reverse
    call(k_cumsum, &p, WEIGHT * p.rows * p.n)


def prod(ndarray x not None, ndarray out not None):
    cdef mg_scan_args p
    record(&p, sizeof(p))
    prepare("prod", &p, x, out, False)
    call(k_prod, &p, WEIGHT * p.rows * p.n)


def prod_grad(ndarray g not None, ndarray x not None, ndarray out not None):
    cdef mg_scan_args p
    record(&p, sizeof(p))
    prepare("prod_grad", &p, x, out, True)
    check_rows("prod_grad", x, "g", g)
    p.g = PyArray_DATA(g)
    call(k_prod_grad, &p, WEIGHT * p.rows * p.n)


def norm(ndarray x not None, ndarray out not None):
    cdef mg_scan_args p
    record(&p, sizeof(p))
    prepare("norm", &p, x, out, False)
    call(k_norm, &p, WEIGHT * p.rows * p.n)


know("cumsum", k_cumsum)
know("prod", k_prod)
know("prod_grad", k_prod_grad)
know("norm", k_norm)
