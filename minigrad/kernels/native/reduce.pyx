# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""Reductions: checks, then rows, columns or parts over threads. Arithmetic: src_c/reduce/reduce.c; meaning: reference/reduce.py.

The axes [first, last) make x an array (outer, n, inner). If they are its last axes, every output is a row in the flat
order of src_c/base/sums.h; else every output is a column.
"""

from cython.parallel cimport prange
from libc.stdint cimport int64_t
from numpy cimport NPY_INT64, PyArray_DATA, PyArray_DIM, PyArray_NDIM, PyArray_SIZE, PyArray_TYPE, ndarray

from minigrad.kernels.native cimport runtime
from minigrad.kernels.native._c cimport mg_reduce_tables, mg_reduce_table
from minigrad.kernels.native.checks cimport check_flat, check_indices, check_out, check_real, describe
from minigrad.kernels.native.sums cimport MAX_PARTS, part_size, sum_parts

from minigrad.errors import DTypeError, ShapeError

cdef enum: BLOCK = 16384                    # elements that a thread takes at once
cdef enum: PANEL = 256                      # columns that a thread takes at once


cdef inline Py_ssize_t lesser(Py_ssize_t a, Py_ssize_t b) noexcept nogil:
    """min, whose name a kernel has in this file."""
    return a if a < b else b


cdef struct reduce_args:                    # of sum, mean, max and min
    Py_ssize_t outer, n, inner
    bint rows                               # the reduced axes are the last ones
    const char *x
    char *out
    int64_t *index                          # max and min only
    bint least                              # min instead of max
    double divisor                          # sum and mean only
    int bits


cdef inline void sum_rows(const reduce_args *p, Py_ssize_t i, Py_ssize_t rows) noexcept nogil:
    cdef const mg_reduce_table *c = mg_reduce_tables[runtime.variant]
    if p.bits == 32:
        c.sum_rows_f32(rows, p.n, <const float *>p.x + i * p.n, p.divisor, <float *>p.out + i)
    else:
        c.sum_rows_f64(rows, p.n, <const double *>p.x + i * p.n, p.divisor, <double *>p.out + i)


cdef inline void sum_columns(const reduce_args *p, Py_ssize_t i, Py_ssize_t j, Py_ssize_t columns) noexcept nogil:
    cdef const mg_reduce_table *c = mg_reduce_tables[runtime.variant]
    cdef Py_ssize_t at = i * p.n * p.inner + j, to = i * p.inner + j
    if p.bits == 32:
        c.sum_columns_f32(p.n, p.inner, columns, <const float *>p.x + at, p.divisor, <float *>p.out + to)
    else:
        c.sum_columns_f64(p.n, p.inner, columns, <const double *>p.x + at, p.divisor, <double *>p.out + to)


cdef void sum_row_in_parts(const reduce_args *p, Py_ssize_t row, int threads) noexcept nogil:
    cdef double part[MAX_PARTS]
    cdef double total
    cdef const mg_reduce_table *c = mg_reduce_tables[runtime.variant]
    cdef Py_ssize_t i, size = part_size(p.n), parts = (p.n + size - 1) // size, start = row * p.n
    for i in prange(parts, num_threads=threads, schedule="static"):
        if p.bits == 32:
            part[i] = c.sum_flat_f32(lesser(size, p.n - i * size), <const float *>p.x + start + i * size)
        else:
            part[i] = c.sum_flat_f64(lesser(size, p.n - i * size), <const double *>p.x + start + i * size)
    total = sum_parts(part, parts) / p.divisor
    if p.bits == 32:
        (<float *>p.out)[row] = <float>total
    else:
        (<double *>p.out)[row] = total


cdef int k_sum(const reduce_args *p) noexcept nogil:
    cdef int threads = runtime.threads_for(p.outer * p.n * p.inner)
    cdef Py_ssize_t i, blocks, size
    if p.rows:
        if threads == 1:
            sum_rows(p, 0, p.outer)
        elif p.outer < threads:
            for i in range(p.outer):
                sum_row_in_parts(p, i, threads)
        else:
            size = 1 + BLOCK // (p.n + 1)
            blocks = (p.outer + size - 1) // size
            for i in prange(blocks, num_threads=threads, schedule="static"):
                sum_rows(p, i * size, lesser(size, p.outer - i * size))
    else:
        if threads == 1:
            for i in range(p.outer):
                sum_columns(p, i, 0, p.inner)
        else:
            blocks = (p.inner + PANEL - 1) // PANEL
            for i in prange(p.outer * blocks, num_threads=threads, schedule="static"):
                sum_columns(p, i // blocks, i % blocks * PANEL, lesser(PANEL, p.inner - i % blocks * PANEL))
    return 0


cdef inline void extreme_rows(const reduce_args *p, Py_ssize_t i, Py_ssize_t rows) noexcept nogil:
    cdef const mg_reduce_table *c = mg_reduce_tables[runtime.variant]
    cdef Py_ssize_t at = i * p.n
    cdef int64_t *index = p.index + i
    if p.bits == 32:
        if p.least: c.min_rows_f32(rows, p.n, <const float *>p.x + at, <float *>p.out + i, index)
        else: c.max_rows_f32(rows, p.n, <const float *>p.x + at, <float *>p.out + i, index)
    else:
        if p.least: c.min_rows_f64(rows, p.n, <const double *>p.x + at, <double *>p.out + i, index)
        else: c.max_rows_f64(rows, p.n, <const double *>p.x + at, <double *>p.out + i, index)


cdef inline void extreme_columns(
    const reduce_args *p, Py_ssize_t i, Py_ssize_t j, Py_ssize_t columns
) noexcept nogil:
    cdef const mg_reduce_table *c = mg_reduce_tables[runtime.variant]
    cdef Py_ssize_t at = i * p.n * p.inner + j, to = i * p.inner + j
    cdef int64_t *index = p.index + to
    if p.bits == 32:
        if p.least: c.min_columns_f32(p.n, p.inner, columns, <const float *>p.x + at, <float *>p.out + to, index)
        else: c.max_columns_f32(p.n, p.inner, columns, <const float *>p.x + at, <float *>p.out + to, index)
    else:
        if p.least: c.min_columns_f64(p.n, p.inner, columns, <const double *>p.x + at, <double *>p.out + to, index)
        else: c.max_columns_f64(p.n, p.inner, columns, <const double *>p.x + at, <double *>p.out + to, index)


cdef int k_extreme(const reduce_args *p) noexcept nogil:
    cdef int threads = runtime.threads_for(p.outer * p.n * p.inner)
    cdef Py_ssize_t i, blocks, size
    if p.rows:
        if threads == 1:
            extreme_rows(p, 0, p.outer)
        else:
            size = 1 + BLOCK // p.n
            blocks = (p.outer + size - 1) // size
            for i in prange(blocks, num_threads=threads, schedule="static"):
                extreme_rows(p, i * size, lesser(size, p.outer - i * size))
    else:
        if threads == 1:
            for i in range(p.outer):
                extreme_columns(p, i, 0, p.inner)
        else:
            blocks = (p.inner + PANEL - 1) // PANEL
            for i in prange(p.outer * blocks, num_threads=threads, schedule="static"):
                extreme_columns(p, i // blocks, i % blocks * PANEL, lesser(PANEL, p.inner - i % blocks * PANEL))
    return 0


cdef struct max_grad_args:
    Py_ssize_t outer, n, inner
    const char *g
    const int64_t *index
    char *out
    int bits


cdef inline void max_grad_block(const max_grad_args *p, Py_ssize_t i, Py_ssize_t outer) noexcept nogil:
    cdef const mg_reduce_table *c = mg_reduce_tables[runtime.variant]
    cdef Py_ssize_t at = i * p.inner, to = at * p.n
    if p.bits == 32:
        c.max_grad_f32(outer, p.n, p.inner, <const float *>p.g + at, p.index + at, <float *>p.out + to)
    else:
        c.max_grad_f64(outer, p.n, p.inner, <const double *>p.g + at, p.index + at, <double *>p.out + to)


cdef int k_max_grad(const max_grad_args *p) noexcept nogil:
    cdef int threads = runtime.threads_for(p.outer * p.n * p.inner)
    cdef Py_ssize_t i, size = 1 + BLOCK // (p.n * p.inner + 1), blocks = (p.outer + size - 1) // size
    if threads == 1:
        max_grad_block(p, 0, p.outer)
    else:
        for i in prange(blocks, num_threads=threads, schedule="static"):
            max_grad_block(p, i * size, lesser(size, p.outer - i * size))
    return 0


cdef Py_ssize_t product(ndarray x, Py_ssize_t first, Py_ssize_t last):
    cdef Py_ssize_t i, n = 1
    for i in range(first, last):
        n *= PyArray_DIM(x, <int>i)
    return n


cdef str others(object x, Py_ssize_t first, Py_ssize_t last):
    """The shape of what remains of x, as errors name it."""
    return f"{x.shape[:first] + x.shape[last:]} for axes [{first}, {last})"


cdef int split(str kernel, ndarray x, Py_ssize_t first, Py_ssize_t last, Py_ssize_t *sizes) except -1:
    """sizes = outer, n, inner of x reduced over the axes [first, last)."""
    if not 0 <= first <= last <= PyArray_NDIM(x):
        raise ShapeError(f"{kernel}: axes [{first}, {last}) of {describe(x)}; need 0 <= first <= last <= {x.ndim}")
    sizes[0], sizes[1], sizes[2] = product(x, 0, first), product(x, first, last), product(x, last, PyArray_NDIM(x))
    return 0


cdef int prepare(str kernel, reduce_args *p, ndarray x, ndarray out, Py_ssize_t first, Py_ssize_t last) except -1:
    cdef Py_ssize_t sizes[3]
    p.bits = 32 << check_real(kernel, x)
    if PyArray_TYPE(x) != PyArray_TYPE(out):
        raise DTypeError(f"{kernel}: x is {describe(x)}, out is {describe(out)}; need the same dtype")
    check_flat(kernel, x)
    check_out(kernel, out)
    split(kernel, x, first, last, sizes)
    p.outer, p.n, p.inner, p.rows = sizes[0], sizes[1], sizes[2], last == PyArray_NDIM(x)
    if PyArray_SIZE(out) != p.outer * p.inner:
        raise ShapeError(f"{kernel}: x is {describe(x)}, out is {describe(out)}; "
                         f"need out {others(x, first, last)}")
    p.x, p.out, p.index, p.divisor = <const char *>PyArray_DATA(x), <char *>PyArray_DATA(out), NULL, 1
    return 0


def sum(ndarray x not None, ndarray out not None, Py_ssize_t first, Py_ssize_t last):
    cdef reduce_args p
    prepare("sum", &p, x, out, first, last)
    if runtime.releases_gil(PyArray_SIZE(x)):
        with nogil:
            k_sum(&p)
    else:
        k_sum(&p)


def mean(ndarray x not None, ndarray out not None, Py_ssize_t first, Py_ssize_t last):
    cdef reduce_args p
    prepare("mean", &p, x, out, first, last)
    p.divisor = <double>p.n
    if runtime.releases_gil(PyArray_SIZE(x)):
        with nogil:
            k_sum(&p)
    else:
        k_sum(&p)


cdef int run_extreme(str kernel, bint least, ndarray x, ndarray out, ndarray index, Py_ssize_t first,
                     Py_ssize_t last) except -1:
    cdef reduce_args p
    prepare(kernel, &p, x, out, first, last)
    check_out(kernel, index)
    if PyArray_TYPE(index) != NPY_INT64:
        raise DTypeError(f"{kernel}: index is {describe(index)}; need int64")
    if PyArray_SIZE(index) != PyArray_SIZE(out):
        raise ShapeError(f"{kernel}: index is {describe(index)}, out is {describe(out)}; need the same size")
    if p.n == 0:
        raise ShapeError(f"{kernel}: axes [{first}, {last}) of {describe(x)} have no element")
    p.index, p.least = <int64_t *>PyArray_DATA(index), least
    if runtime.releases_gil(PyArray_SIZE(x)):
        with nogil:
            k_extreme(&p)
    else:
        k_extreme(&p)
    return 0


def max(ndarray x not None, ndarray out not None, ndarray index not None, Py_ssize_t first, Py_ssize_t last):
    run_extreme("max", False, x, out, index, first, last)


def min(ndarray x not None, ndarray out not None, ndarray index not None, Py_ssize_t first, Py_ssize_t last):
    run_extreme("min", True, x, out, index, first, last)


def max_grad(ndarray g not None, ndarray index not None, ndarray out not None, Py_ssize_t first, Py_ssize_t last):
    cdef max_grad_args p
    cdef Py_ssize_t sizes[3]
    p.bits = 32 << check_real("max_grad", g)
    if PyArray_TYPE(g) != PyArray_TYPE(out):
        raise DTypeError(f"max_grad: g is {describe(g)}, out is {describe(out)}; need the same dtype")
    check_flat("max_grad", g)
    check_out("max_grad", out)
    split("max_grad", out, first, last, sizes)
    p.outer, p.n, p.inner = sizes[0], sizes[1], sizes[2]
    if PyArray_SIZE(g) != p.outer * p.inner or PyArray_SIZE(index) != p.outer * p.inner:
        raise ShapeError(f"max_grad: g is {describe(g)}, index is {describe(index)}, out is {describe(out)}; "
                         f"need both {others(out, first, last)}")
    check_indices("max_grad", "index", index, p.n)
    p.g, p.index, p.out = <const char *>PyArray_DATA(g), <const int64_t *>PyArray_DATA(index), <char *>PyArray_DATA(out)
    if runtime.releases_gil(PyArray_SIZE(out)):
        with nogil:
            k_max_grad(&p)
    else:
        k_max_grad(&p)
