# The argument checks that kernels share. A check raises the error itself; a check that passes takes nanoseconds.
# The checks are functions of their own, because an error text with a generator in a kernel's `def` would make every
# call build a closure.
from libc.stdint cimport int64_t, uint64_t
from numpy cimport (
    NPY_DOUBLE,
    NPY_FLOAT,
    NPY_INT64,
    PyArray_DATA,
    PyArray_DIM,
    PyArray_ISCARRAY,
    PyArray_ISCARRAY_RO,
    PyArray_ITEMSIZE,
    PyArray_NDIM,
    PyArray_SIZE,
    PyArray_STRIDE,
    PyArray_TYPE,
    ndarray,
)


cdef enum:                                  # 0 and 1: the index of a precision in the pairs of a C table
    FLOAT32
    FLOAT64


cdef inline str describe(object x):
    """An array as errors name it: float32 (3, 4)."""
    return f"{x.dtype} {x.shape}"


cdef inline int check_real(str kernel, ndarray x) except -1:
    """FLOAT32 or FLOAT64. Raises DTypeError for any other dtype."""
    cdef int t = PyArray_TYPE(x)
    if t == NPY_FLOAT:
        return FLOAT32
    if t == NPY_DOUBLE:
        return FLOAT64
    from minigrad.errors import DTypeError
    raise DTypeError(f"{kernel}: an array is {describe(x)}; need float32 or float64")


cdef inline int check_flat(str kernel, ndarray x) except -1:
    """x is C-contiguous, aligned and in native byte order, so that C can read it from its first element to its last."""
    if not PyArray_ISCARRAY_RO(x):
        raise ValueError(f"{kernel}: {describe(x)} is strided, misaligned or byte-swapped; pass kernels.contiguous(x)")
    return 0


cdef inline int check_out(str kernel, ndarray out) except -1:
    """out is C-contiguous, aligned, in native byte order, and writable."""
    if not PyArray_ISCARRAY(out):
        raise ValueError(f"{kernel}: out is {describe(out)}; need it C-contiguous, aligned, native and writable")
    return 0


cdef inline int check_same(str kernel, ndarray x, ndarray out) except -1:
    """x and out are flat, real, of one dtype and one size, and out is writable. Returns FLOAT32 or FLOAT64."""
    if PyArray_TYPE(x) != PyArray_TYPE(out) or PyArray_SIZE(x) != PyArray_SIZE(out):
        from minigrad.errors import ShapeError
        raise ShapeError(f"{kernel}: an array is {describe(x)}, out is {describe(out)}; need the same dtype and size")
    check_flat(kernel, x)
    check_out(kernel, out)
    return check_real(kernel, x)


cdef inline bint within(const int64_t *at, size_t count, size_t n) noexcept nogil:
    """Whether all numbers at `at` are in [0, n)."""
    cdef uint64_t last = <uint64_t>n - 1, outside = 0
    cdef size_t i
    for i in range(count):                  # by sign bits, because compilers use vectors for them, and not for compares
        outside |= <uint64_t>at[i] | (last - <uint64_t>at[i])
    return not outside >> 63


cdef inline int check_dtype_of_indices(str kernel, str what, ndarray index) except -1:
    """index is flat int64."""
    if PyArray_TYPE(index) != NPY_INT64:
        from minigrad.errors import DTypeError
        raise DTypeError(f"{kernel}: {what} is {describe(index)}; need int64")
    return check_flat(kernel, index)


cdef inline int check_indices(str kernel, str what, ndarray index, Py_ssize_t n) except -1:
    """index is flat int64 and every element is in [0, n); the error names the first that is not."""
    cdef Py_ssize_t i = 0
    cdef const int64_t *at = <const int64_t *>PyArray_DATA(index)
    check_dtype_of_indices(kernel, what, index)
    if not within(at, PyArray_SIZE(index), n):
        while 0 <= at[i] < n:
            i += 1
        raise IndexError(f"{kernel}: {what}[{i}] is {at[i]}; need 0 <= {what} < {n}")
    return 0


cdef inline bint apart(ndarray x, ndarray out) noexcept:
    """Whether no byte of x, of any strides, lies between the first and the last of the contiguous out."""
    cdef Py_ssize_t first = <Py_ssize_t>PyArray_DATA(x), last = first, start = <Py_ssize_t>PyArray_DATA(out), step
    cdef int axis
    if PyArray_SIZE(x) == 0 or PyArray_SIZE(out) == 0:      # an empty array may have any strides
        return True
    for axis in range(PyArray_NDIM(x)):
        step = (PyArray_DIM(x, axis) - 1) * PyArray_STRIDE(x, axis)
        if step < 0:
            first += step
        else:
            last += step
    return last + PyArray_ITEMSIZE(x) <= start or first >= start + PyArray_SIZE(out) * PyArray_ITEMSIZE(out)
