# What the losses share: the reduction (reference.NONE, MEAN, SUM), the check of its array of losses, and its divisor.
from numpy cimport PyArray_SIZE, PyArray_TYPE, ndarray

from minigrad.kernels.native.checks cimport check_flat, describe

cdef enum: NONE, MEAN, SUM


cdef inline int check_losses(str kernel, str name, ndarray a, ndarray x, Py_ssize_t n, int reduction) except -1:
    """a (loss or g) has x's dtype and one element per loss for NONE, one in all for MEAN and SUM."""
    if not NONE <= reduction <= SUM:
        raise ValueError(f"{kernel}: reduction is {reduction}; need NONE (0), MEAN (1) or SUM (2)")
    if PyArray_TYPE(a) != PyArray_TYPE(x):
        from minigrad.errors import DTypeError
        raise DTypeError(f"{kernel}: x is {describe(x)}, {name} is {describe(a)}; need the same dtype")
    if PyArray_SIZE(a) != (n if reduction == NONE else 1):
        from minigrad.errors import ShapeError
        need = f"{n} losses" if reduction == NONE else "one element, the mean or sum"
        raise ShapeError(f"{kernel}: x is {describe(x)}, {name} is {describe(a)}; need {need}")
    check_flat(kernel, a)
    return 0


cdef inline double divisor_of(str kernel, ndarray x, Py_ssize_t n, int reduction) except? -1:
    """n for MEAN, else 1. Raises ShapeError for the mean of no losses."""
    if reduction != MEAN:
        return 1
    if n == 0:
        from minigrad.errors import ShapeError
        raise ShapeError(f"{kernel}: x is {describe(x)}, and there is no mean of no losses; need at least one")
    return <double>n
