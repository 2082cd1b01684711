# cython: language_level=3, boundscheck=False, wraparound=False
"""Coordinate descent: checks, then one call. Arithmetic: src_c/descent/descent.c; meaning: reference/descent.py."""

from numpy cimport PyArray_DATA, PyArray_DIM, PyArray_NDIM, PyArray_SIZE, PyArray_TYPE, ndarray

from minigrad.kernels.native cimport runtime
from minigrad.kernels.native.checks cimport apart, check_flat, check_out, check_real, describe
from minigrad.kernels.native.launch cimport call

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
    ctypedef struct mg_descent_table:
        void (*coordinate_descent[2])(const mg_coordinate_descent_args *p) noexcept nogil
    const mg_descent_table *const *mg_descent_tables


cdef int k_coordinate_descent(const void *args) noexcept nogil:
    """On one thread: the next coordinate needs the correlations that this one leaves."""
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
