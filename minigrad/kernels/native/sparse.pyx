# cython: language_level=3, boundscheck=False, wraparound=False
"""Sparse products: checks, then one call. Arithmetic: src_c/sparse/sparse.c; meaning: reference/sparse.py."""

from libc.stdint cimport int64_t
from libc.string cimport memset
from numpy cimport NPY_INT64, PyArray_DATA, PyArray_DIM, PyArray_NDIM, PyArray_SIZE, PyArray_TYPE, ndarray

from minigrad.kernels.native cimport runtime
from minigrad.kernels.native.checks cimport apart, check_flat, check_indices, check_out, check_real, describe
from minigrad.kernels.native.launch cimport (
    NO_MEMORY, call, call_in_memory, give_scratch, item_size, least, pieces, scratch, share, take_scratch,
)

from minigrad.errors import DTypeError, ShapeError

cdef extern from "sparse/sparse.h" nogil:
    ctypedef struct mg_sparse_args:
        size_t rows, n
        const int64_t *first
        const int64_t *row
        const void *x
        const void *v
        void *out
        int precision
    ctypedef struct mg_sparse_table:
        void (*sparse_dots[2])(const mg_sparse_args *p, size_t first, size_t n) noexcept nogil
        void (*sparse_sum[2])(const mg_sparse_args *p) noexcept nogil
        void (*sparse_gram[2])(const mg_sparse_args *p, size_t first, size_t n, void *scratch) noexcept nogil
    const mg_sparse_table *const *mg_sparse_tables

cdef enum: COLUMNS = 64                     # columns that a thread takes at once


cdef int fill(
    str kernel, mg_sparse_args *p, ndarray first, ndarray row, ndarray x, ndarray v, ndarray out, size_t rows
) except -1:
    """Check the arguments and put them into p; `rows` is how many rows the matrix has."""
    cdef Py_ssize_t j, n = PyArray_SIZE(first) - 1, entries = PyArray_SIZE(x)
    cdef const int64_t *at
    p.precision = check_real(kernel, x)
    for given in (v, out):
        if PyArray_TYPE(given) != PyArray_TYPE(x):
            raise DTypeError(f"{kernel}: x is {describe(x)}, an array is {describe(given)}; need one dtype")
    if PyArray_TYPE(first) != NPY_INT64 or PyArray_NDIM(first) != 1 or n < 0:
        raise DTypeError(f"{kernel}: first is {describe(first)}; need int64, one more than there are columns")
    if PyArray_SIZE(row) != entries:
        raise ShapeError(f"{kernel}: row is {describe(row)}, x is {describe(x)}; need a row for each number")
    for given in (first, row, x, v):
        check_flat(kernel, given)
    check_out(kernel, out)
    at = <const int64_t *>PyArray_DATA(first)
    for j in range(n):
        if at[j] > at[j + 1]:
            raise ValueError(f"{kernel}: first falls from {at[j]} to {at[j + 1]}; need numbers that rise")
    if at[0] != 0 or at[n] != entries:
        raise ValueError(f"{kernel}: first goes from {at[0]} to {at[n]}; need 0 to {entries}, the numbers in x")
    check_indices(kernel, "row", row, rows)
    for given in (first, row, x, v):
        if not apart(given, out):
            raise ValueError(f"{kernel}: out shares memory with another argument")
    p.rows, p.n, p.first, p.row = rows, n, at, <const int64_t *>PyArray_DATA(row)
    p.x, p.v, p.out = PyArray_DATA(x), PyArray_DATA(v), PyArray_DATA(out)
    return 0


cdef void dots_block(const void *args, size_t i) noexcept nogil:
    p = <const mg_sparse_args *>args
    cdef size_t first = i * COLUMNS
    mg_sparse_tables[runtime.variant].sparse_dots[p.precision](p, first, least(COLUMNS, p.n - first))


cdef int k_sparse_dots(const void *args) noexcept nogil:
    """Threads share columns, so that the order of each sum does not depend on them."""
    p = <const mg_sparse_args *>args
    share(2 * <size_t>p.first[p.n], pieces(p.n, COLUMNS), dots_block, p)
    return 0


def sparse_dots(
    ndarray first not None, ndarray row not None, ndarray x not None, ndarray v not None, ndarray out not None
):
    cdef mg_sparse_args p
    fill("sparse_dots", &p, first, row, x, v, out, PyArray_SIZE(v))
    if PyArray_SIZE(out) != <Py_ssize_t>p.n:
        raise ShapeError(f"sparse_dots: out is {describe(out)}; need one number for each of {p.n} columns")
    call(k_sparse_dots, &p, 2 * PyArray_SIZE(x))


cdef int k_sparse_sum(const void *args) noexcept nogil:
    """On one thread, because every row adds its columns in order."""
    p = <const mg_sparse_args *>args
    mg_sparse_tables[runtime.variant].sparse_sum[p.precision](p)
    return 0


def sparse_sum(
    ndarray first not None, ndarray row not None, ndarray x not None, ndarray v not None, ndarray out not None
):
    cdef mg_sparse_args p
    fill("sparse_sum", &p, first, row, x, v, out, PyArray_SIZE(out))
    if PyArray_SIZE(v) != <Py_ssize_t>p.n:
        raise ShapeError(f"sparse_sum: v is {describe(v)}; need one number for each of {p.n} columns")
    call(k_sparse_sum, &p, 3 * PyArray_SIZE(x))


cdef int k_sparse_gram(const void *args) noexcept nogil:
    """On one thread, because each thread would need scratch of the length of all rows, where a column is expanded."""
    p = <const mg_sparse_args *>args
    cdef scratch memory
    if not take_scratch(&memory, 1, p.rows * item_size(p.precision)):
        return NO_MEMORY
    if p.rows:
        memset(memory.first, 0, p.rows * item_size(p.precision))
    mg_sparse_tables[runtime.variant].sparse_gram[p.precision](p, 0, p.n, memory.first)
    give_scratch(&memory)
    return 0


def sparse_gram(
    ndarray first not None, ndarray row not None, ndarray x not None, ndarray v not None, ndarray out not None
):
    cdef mg_sparse_args p
    fill("sparse_gram", &p, first, row, x, v, out, PyArray_SIZE(v))
    if not (PyArray_NDIM(out) == 2 and PyArray_DIM(out, 0) == <Py_ssize_t>p.n == PyArray_DIM(out, 1)):
        raise ShapeError(f"sparse_gram: out is {describe(out)}; need a square of {p.n} columns")
    call_in_memory("sparse_gram", k_sparse_gram, &p, p.rows + p.n * PyArray_SIZE(x))
