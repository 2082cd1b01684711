# cython: language_level=3, boundscheck=False, wraparound=False
"""Coordinate descent: checks, then one call. Arithmetic: src_c/descent/descent.c; meaning: reference/descent.py."""

from numpy cimport PyArray_DATA, PyArray_DIM, PyArray_NDIM, PyArray_SIZE, PyArray_TYPE, ndarray

from minigrad.kernels.native cimport runtime
from minigrad.kernels.native._c cimport mg_descent_tables
from minigrad.kernels.native.checks cimport apart, check_flat, check_out, check_real, describe


cdef struct coordinate_descent_args:
    Py_ssize_t n, sweeps, done
    const char *gram
    const char *l1
    const char *l2
    char *w
    char *r
    double tolerance, largest
    int bits


cdef int k_coordinate_descent(coordinate_descent_args *p) noexcept nogil:
    if p.bits == 32:
        p.done = mg_descent_tables[runtime.variant].coordinate_descent_f32(
            p.n, <const float *>p.gram, <const float *>p.l1, <const float *>p.l2, <float *>p.w, <float *>p.r,
            p.sweeps, p.tolerance, &p.largest)
    else:
        p.done = mg_descent_tables[runtime.variant].coordinate_descent_f64(
            p.n, <const double *>p.gram, <const double *>p.l1, <const double *>p.l2, <double *>p.w, <double *>p.r,
            p.sweeps, p.tolerance, &p.largest)
    return 0


def coordinate_descent(
    ndarray gram not None, ndarray l1 not None, ndarray l2 not None, ndarray w not None, ndarray r not None,
    *, Py_ssize_t sweeps, double tolerance=0.0,
):
    cdef coordinate_descent_args p
    cdef ndarray x
    p.bits, p.n, p.sweeps, p.tolerance = 32 << check_real("coordinate_descent", w), PyArray_SIZE(w), max(sweeps, 0), tolerance
    if not (PyArray_NDIM(gram) == 2 and PyArray_DIM(gram, 0) == p.n and PyArray_DIM(gram, 1) == p.n):
        from minigrad.errors import ShapeError
        raise ShapeError(f"coordinate_descent: gram is {describe(gram)}, w is {describe(w)}; need a square of its size")
    for x in (gram, l1, l2, r):
        if PyArray_TYPE(x) != PyArray_TYPE(w) or not (x is gram or PyArray_SIZE(x) == p.n):
            from minigrad.errors import ShapeError
            raise ShapeError(f"coordinate_descent: an array is {describe(x)}, w is {describe(w)}; need one dtype and size")
        check_flat("coordinate_descent", x)
    check_out("coordinate_descent", w)
    check_out("coordinate_descent", r)
    for x in (gram, l1, l2):
        if not (apart(x, w) and apart(x, r)) or not apart(w, r):
            raise ValueError("coordinate_descent: w and r change; need memory that no other argument shares")
    p.gram, p.l1, p.l2 = <char *>PyArray_DATA(gram), <char *>PyArray_DATA(l1), <char *>PyArray_DATA(l2)
    p.w, p.r = <char *>PyArray_DATA(w), <char *>PyArray_DATA(r)
    if runtime.releases_gil(p.n * p.n * p.sweeps):
        with nogil:
            k_coordinate_descent(&p)
    else:
        k_coordinate_descent(&p)
    return p.done, p.largest
