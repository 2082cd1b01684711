# cython: language_level=3, boundscheck=False, wraparound=False
"""Coordinate descent: checks, then one call. Arithmetic: src_c/descent/descent.c; meaning: reference/descent.py."""

from libc.stdint cimport int64_t
from numpy cimport NPY_INT64, PyArray_DATA, PyArray_DIM, PyArray_NDIM, PyArray_SIZE, PyArray_TYPE, ndarray

from minigrad.kernels.native cimport runtime
from minigrad.kernels.native.checks cimport apart, check_flat, check_out, check_real, describe
from minigrad.kernels.native.launch cimport NO_MEMORY, call, call_in_memory, give_scratch, scratch, take_scratch

cdef extern from "descent/descent.h" nogil:
    ctypedef struct mg_coordinate_descent_args:
        size_t n, sweeps
        const void *gram
        const void *l1
        const void *l2
        const void *lower
        const void *upper
        void *w
        void *r
        size_t *done
        double *largest
        double tolerance
        int precision
    ctypedef struct mg_group_descent_args:
        size_t n, groups, sweeps
        const void *gram
        const void *l1
        const void *l2
        const void *strength
        const void *curvature
        const int64_t *first
        void *w
        void *r
        void *scratch
        size_t *done
        double *largest
        double tolerance
        int precision
    ctypedef struct mg_descent_table:
        void (*coordinate_descent[2])(const mg_coordinate_descent_args *p) noexcept nogil
        void (*group_descent[2])(const mg_group_descent_args *p) noexcept nogil
    const mg_descent_table *const *mg_descent_tables


cdef int k_coordinate_descent(const void *args) noexcept nogil:
    """On one thread, because each coordinate changes the correlations that the next one needs."""
    p = <const mg_coordinate_descent_args *>args
    mg_descent_tables[runtime.variant].coordinate_descent[p.precision](p)
    return 0


def coordinate_descent(
    ndarray gram not None, ndarray l1 not None, ndarray l2 not None, ndarray w not None, ndarray r not None,
    *, Py_ssize_t sweeps, double tolerance=0.0, ndarray lower=None, ndarray upper=None,
):
    cdef mg_coordinate_descent_args p
    cdef size_t done
    cdef double largest
    cdef ndarray x
    cdef Py_ssize_t n = PyArray_SIZE(w)
    p.precision, p.n, p.sweeps, p.tolerance = check_real("coordinate_descent", w), n, max(sweeps, 0), tolerance
    if not (PyArray_NDIM(gram) == 2 and PyArray_DIM(gram, 0) == n and PyArray_DIM(gram, 1) == n):
        from minigrad.errors import ShapeError
        raise ShapeError(f"coordinate_descent: gram is {describe(gram)}, w is {describe(w)}; need a square of its size")
    if (lower is None) != (upper is None):
        raise ValueError("coordinate_descent: bounds need both, lower and upper")
    bounds = () if lower is None else (lower, upper)
    for x in (gram, l1, l2, r, *bounds):
        if PyArray_TYPE(x) != PyArray_TYPE(w) or not (x is gram or PyArray_SIZE(x) == n):
            from minigrad.errors import ShapeError
            given = f"an array is {describe(x)}, w is {describe(w)}"
            raise ShapeError(f"coordinate_descent: {given}; need one dtype and size")
        check_flat("coordinate_descent", x)
    check_out("coordinate_descent", w)
    check_out("coordinate_descent", r)
    for x in (gram, l1, l2, *bounds):
        if not (apart(x, w) and apart(x, r)) or not apart(w, r):
            raise ValueError("coordinate_descent: w and r change; need memory that no other argument shares")
    p.gram, p.l1, p.l2 = PyArray_DATA(gram), PyArray_DATA(l1), PyArray_DATA(l2)
    p.lower = NULL if lower is None else PyArray_DATA(lower)
    p.upper = NULL if upper is None else PyArray_DATA(upper)
    p.w, p.r, p.done, p.largest = PyArray_DATA(w), PyArray_DATA(r), &done, &largest
    call(k_coordinate_descent, &p, p.n * p.n * p.sweeps)
    return done, largest


cdef int k_group_descent(const void *args) noexcept nogil:
    """On one thread, because each group changes the correlations that the next one needs."""
    cdef mg_group_descent_args p = (<const mg_group_descent_args *>args)[0]
    cdef scratch memory
    if not take_scratch(&memory, 1, 2 * p.n * (8 if p.precision else 4)):
        return NO_MEMORY
    p.scratch = memory.first
    mg_descent_tables[runtime.variant].group_descent[p.precision](&p)
    give_scratch(&memory)
    return 0


cdef int check_groups(ndarray first, Py_ssize_t n) except -1:
    """first rises from 0 to n."""
    cdef Py_ssize_t i, last = PyArray_SIZE(first) - 1
    cdef const int64_t *at
    if PyArray_TYPE(first) != NPY_INT64 or last < 0:
        from minigrad.errors import DTypeError
        raise DTypeError(f"group_descent: first is {describe(first)}; need int64, one more than there are groups")
    check_flat("group_descent", first)
    at = <const int64_t *>PyArray_DATA(first)
    for i in range(last):
        if at[i] > at[i + 1]:
            raise ValueError(f"group_descent: first falls from {at[i]} to {at[i + 1]}; need numbers that rise")
    if at[0] != 0 or at[last] != n:
        raise ValueError(f"group_descent: first goes from {at[0]} to {at[last]}; need 0 to {n}, the elements of w")
    return 0


def group_descent(
    ndarray gram not None, ndarray l1 not None, ndarray l2 not None, ndarray strength not None,
    ndarray curvature not None, ndarray first not None, ndarray w not None, ndarray r not None,
    *, Py_ssize_t sweeps, double tolerance=0.0,
):
    cdef mg_group_descent_args p
    cdef size_t done
    cdef double largest
    cdef ndarray x
    cdef Py_ssize_t n = PyArray_SIZE(w), groups = PyArray_SIZE(first) - 1
    p.precision, p.n, p.sweeps, p.tolerance = check_real("group_descent", w), n, max(sweeps, 0), tolerance
    if not (PyArray_NDIM(gram) == 2 and PyArray_DIM(gram, 0) == n and PyArray_DIM(gram, 1) == n):
        from minigrad.errors import ShapeError
        raise ShapeError(f"group_descent: gram is {describe(gram)}, w is {describe(w)}; need a square of its size")
    check_groups(first, n)
    for x, size in ((gram, n * n), (l1, n), (l2, n), (r, n), (strength, groups), (curvature, groups)):
        if PyArray_TYPE(x) != PyArray_TYPE(w) or PyArray_SIZE(x) != size:
            from minigrad.errors import ShapeError
            given = f"an array is {describe(x)}, w is {describe(w)}, there are {groups} groups"
            raise ShapeError(f"group_descent: {given}; need one dtype, and a number per coordinate or group")
        check_flat("group_descent", x)
    check_out("group_descent", w)
    check_out("group_descent", r)
    for x in (gram, l1, l2, strength, curvature, first):
        if not (apart(x, w) and apart(x, r)) or not apart(w, r):
            raise ValueError("group_descent: w and r change; need memory that no other argument shares")
    p.groups, p.first, p.scratch = groups, <const int64_t *>PyArray_DATA(first), NULL
    p.gram, p.l1, p.l2 = PyArray_DATA(gram), PyArray_DATA(l1), PyArray_DATA(l2)
    p.strength, p.curvature = PyArray_DATA(strength), PyArray_DATA(curvature)
    p.w, p.r, p.done, p.largest = PyArray_DATA(w), PyArray_DATA(r), &done, &largest
    call_in_memory("group_descent", k_group_descent, &p, p.n * p.n * p.sweeps)
    return done, largest
