# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""Reductions: checks, then rows, columns or parts, shared among threads.

Arithmetic: src_c/reduce/reduce.c; meaning: reference/reduce.py.

The axes [first, last) make x an array (outer, n, inner). If they are its last axes, every output is a row in the flat
order of src_c/base/sums.h; else every output is a column.
"""

from libc.stdint cimport int64_t
from numpy cimport NPY_INT64, PyArray_DATA, PyArray_DIM, PyArray_NDIM, PyArray_SIZE, PyArray_TYPE, ndarray

from minigrad.kernels.native cimport runtime
from minigrad.kernels.native.checks cimport FLOAT32, check_flat, check_indices, check_out, check_real, describe
from minigrad.kernels.native.launch cimport call, know, least, pieces, put, record, share, threads_for
from minigrad.kernels.native.sums cimport stretch, sum_in_parts

from minigrad.errors import DTypeError, NonFiniteError, ShapeError

cdef extern from "reduce/reduce.h" nogil:
    ctypedef struct mg_reduce_args:
        size_t outer, n, inner
        const void *x
        void *out
        int64_t *index
        double divisor
        int least, rows, precision
    ctypedef struct mg_max_grad_args:
        size_t outer, n, inner
        const void *g
        const int64_t *index
        void *out
        int precision
    ctypedef struct mg_check_finite_args:
        size_t n
        const void *x
        int precision
    ctypedef void (*mg_reduce_rows)(const mg_reduce_args *p, size_t first, size_t n) noexcept nogil
    ctypedef void (*mg_reduce_columns)(const mg_reduce_args *p, size_t slice, size_t first, size_t n) noexcept nogil
    ctypedef struct mg_reduce_table:
        double (*sum_flat[2])(const mg_reduce_args *p, size_t first, size_t n) noexcept nogil
        mg_reduce_rows sum_rows[2]
        mg_reduce_rows max_rows[2]
        mg_reduce_rows min_rows[2]
        mg_reduce_columns sum_columns[2]
        mg_reduce_columns max_columns[2]
        mg_reduce_columns min_columns[2]
        void (*max_grad[2])(const mg_max_grad_args *p, size_t first, size_t n) noexcept nogil
    const mg_reduce_table *const *mg_reduce_tables

cdef enum: BLOCK = 16384                    # elements that a thread takes at once
cdef enum: PANEL = 256                      # columns that a thread takes at once
cdef enum: NOT_FINITE = 2                   # what k_check_finite returns; 1 is a lack of memory (matmul)


# --- sum, mean, max and min: every output is reduced by one of two bodies, for rows or for columns ---

cdef struct reduction:
    const mg_reduce_args *p
    mg_reduce_rows rows
    mg_reduce_columns columns


cdef inline size_t rows_at_once(size_t n) noexcept nogil:
    return 1 + BLOCK // (n + 1)


cdef void rows_block(const void *args, size_t i) noexcept nogil:
    r = <const reduction *>args
    cdef size_t size = rows_at_once(r.p.n)
    r.rows(r.p, i * size, least(size, r.p.outer - i * size))


cdef void columns_block(const void *args, size_t i) noexcept nogil:
    r = <const reduction *>args
    cdef size_t panels = pieces(r.p.inner, PANEL), slice = i // panels, first = i % panels * PANEL
    r.columns(r.p, slice, first, least(PANEL, r.p.inner - first))


cdef inline void reduce_all(const reduction *r, size_t work, bint threads) noexcept nogil:
    p = r.p
    cdef size_t i
    if threads:
        if p.rows:
            share(work, pieces(p.outer, rows_at_once(p.n)), rows_block, r)
        else:
            share(work, p.outer * pieces(p.inner, PANEL), columns_block, r)
    elif p.rows:
        r.rows(p, 0, p.outer)
    else:
        for i in range(p.outer):            # whole slices, so that memory is read from end to end
            r.columns(p, i, 0, p.inner)


cdef void sum_part(const void *args, size_t i) noexcept nogil:
    s = <const stretch *>args
    p = <const mg_reduce_args *>s.args
    cdef size_t start = i * s.size
    s.sums[i] = mg_reduce_tables[runtime.variant].sum_flat[p.precision](p, s.first + start, least(s.size, s.n - start))


cdef int k_sum(const void *args) noexcept nogil:
    p = <const mg_reduce_args *>args
    t = mg_reduce_tables[runtime.variant]
    cdef reduction r
    cdef size_t i, work = p.outer * p.n * p.inner, threads = threads_for(work)
    if p.rows and p.outer < threads:        # fewer rows than threads, so that threads share the parts of each row
        for i in range(p.outer):
            put(<char *>p.out + (i << (2 + p.precision)), p.precision,
                sum_in_parts(work, i * p.n, p.n, sum_part, p) / p.divisor)
        return 0
    r.p, r.rows, r.columns = p, t.sum_rows[p.precision], t.sum_columns[p.precision]
    reduce_all(&r, work, threads > 1)
    return 0


cdef int k_extreme(const void *args) noexcept nogil:
    p = <const mg_reduce_args *>args
    t = mg_reduce_tables[runtime.variant]
    cdef reduction r
    cdef size_t work = p.outer * p.n * p.inner
    r.p = p
    if p.least:
        r.rows, r.columns = t.min_rows[p.precision], t.min_columns[p.precision]
    else:
        r.rows, r.columns = t.max_rows[p.precision], t.max_columns[p.precision]
    reduce_all(&r, work, threads_for(work) > 1)
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


cdef int prepare(str kernel, mg_reduce_args *p, ndarray x, ndarray out, Py_ssize_t first, Py_ssize_t last) except -1:
    cdef Py_ssize_t sizes[3]
    p.precision = check_real(kernel, x)
    if PyArray_TYPE(x) != PyArray_TYPE(out):
        raise DTypeError(f"{kernel}: x is {describe(x)}, out is {describe(out)}; need the same dtype")
    check_flat(kernel, x)
    check_out(kernel, out)
    split(kernel, x, first, last, sizes)
    p.outer, p.n, p.inner, p.rows = sizes[0], sizes[1], sizes[2], last == PyArray_NDIM(x)
    if PyArray_SIZE(out) != sizes[0] * sizes[2]:
        raise ShapeError(f"{kernel}: x is {describe(x)}, out is {describe(out)}; "
                         f"need out {others(x, first, last)}")
    p.x, p.out, p.index, p.divisor, p.least = PyArray_DATA(x), PyArray_DATA(out), NULL, 1, False
    return 0


def sum(ndarray x not None, ndarray out not None, Py_ssize_t first, Py_ssize_t last):
    cdef mg_reduce_args p
    record(&p, sizeof(p))
    prepare("sum", &p, x, out, first, last)
    call(k_sum, &p, PyArray_SIZE(x))


def mean(ndarray x not None, ndarray out not None, Py_ssize_t first, Py_ssize_t last):
    cdef mg_reduce_args p
    record(&p, sizeof(p))
    prepare("mean", &p, x, out, first, last)
    p.divisor = <double><Py_ssize_t>p.n
    call(k_sum, &p, PyArray_SIZE(x))


cdef int run_extreme(str kernel, bint least, ndarray x, ndarray out, ndarray index, Py_ssize_t first,
                     Py_ssize_t last) except -1:
    cdef mg_reduce_args p
    record(&p, sizeof(p))
    prepare(kernel, &p, x, out, first, last)
    check_out(kernel, index)
    if PyArray_TYPE(index) != NPY_INT64:
        raise DTypeError(f"{kernel}: index is {describe(index)}; need int64")
    if PyArray_SIZE(index) != PyArray_SIZE(out):
        raise ShapeError(f"{kernel}: index is {describe(index)}, out is {describe(out)}; need the same size")
    if p.n == 0:
        raise ShapeError(f"{kernel}: axes [{first}, {last}) of {describe(x)} have no element")
    p.index, p.least = <int64_t *>PyArray_DATA(index), least
    call(k_extreme, &p, PyArray_SIZE(x))
    return 0


def max(ndarray x not None, ndarray out not None, ndarray index not None, Py_ssize_t first, Py_ssize_t last):
    run_extreme("max", False, x, out, index, first, last)


def min(ndarray x not None, ndarray out not None, ndarray index not None, Py_ssize_t first, Py_ssize_t last):
    run_extreme("min", True, x, out, index, first, last)


# --- max_grad: the gradient goes to the places of the extremes ---

cdef inline size_t slices_at_once(const mg_max_grad_args *p) noexcept nogil:
    return 1 + BLOCK // (p.n * p.inner + 1)


cdef void max_grad_block(const void *args, size_t i) noexcept nogil:
    p = <const mg_max_grad_args *>args
    cdef size_t size = slices_at_once(p)
    mg_reduce_tables[runtime.variant].max_grad[p.precision](p, i * size, least(size, p.outer - i * size))


cdef int k_max_grad(const void *args) noexcept nogil:
    p = <const mg_max_grad_args *>args
    share(p.outer * p.n * p.inner, pieces(p.outer, slices_at_once(p)), max_grad_block, p)
    return 0


def max_grad(ndarray g not None, ndarray index not None, ndarray out not None, Py_ssize_t first, Py_ssize_t last):
    cdef mg_max_grad_args p
    record(&p, sizeof(p))
    cdef Py_ssize_t sizes[3]
    p.precision = check_real("max_grad", g)
    if PyArray_TYPE(g) != PyArray_TYPE(out):
        raise DTypeError(f"max_grad: g is {describe(g)}, out is {describe(out)}; need the same dtype")
    check_flat("max_grad", g)
    check_out("max_grad", out)
    split("max_grad", out, first, last, sizes)
    p.outer, p.n, p.inner = sizes[0], sizes[1], sizes[2]
    if PyArray_SIZE(g) != sizes[0] * sizes[2] or PyArray_SIZE(index) != sizes[0] * sizes[2]:
        raise ShapeError(f"max_grad: g is {describe(g)}, index is {describe(index)}, out is {describe(out)}; "
                         f"need both {others(out, first, last)}")
    check_indices("max_grad", "index", index, sizes[1])
    p.g, p.index, p.out = PyArray_DATA(g), <const int64_t *>PyArray_DATA(index), PyArray_DATA(out)
    call(k_max_grad, &p, PyArray_SIZE(out))


# --- check_finite: whether all numbers, such as those of a loss, are finite ---

cdef int k_check_finite(const void *args) noexcept nogil:
    p = <const mg_check_finite_args *>args
    cdef const float *x32 = <const float *>p.x
    cdef const double *x64 = <const double *>p.x
    cdef size_t i
    for i in range(p.n):                    # x - x is NaN for NaN and infinities, else 0
        if (x32[i] - x32[i] if p.precision == FLOAT32 else x64[i] - x64[i]) != 0:
            return NOT_FINITE
    return 0


def check_finite(ndarray x not None):
    cdef mg_check_finite_args p
    record(&p, sizeof(p))
    p.precision = check_real("check_finite", x)
    check_flat("check_finite", x)
    p.n, p.x = PyArray_SIZE(x), PyArray_DATA(x)
    if call(k_check_finite, &p, p.n) == NOT_FINITE:
        raise NonFiniteError(f"check_finite: {describe(x)} has a number that is NaN or infinite")


know("sum", k_sum)
know("extreme", k_extreme)
know("max_grad", k_max_grad)
know("check_finite", k_check_finite)
