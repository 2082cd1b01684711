# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""Making arrays, contiguous copies, broadcasts without a copy, and joins. Meaning: reference/memory.py."""

cimport cython
import numpy as np
from cpython.ref cimport Py_INCREF
from libc.stdint cimport uintptr_t
from libc.string cimport memcpy
from numpy cimport (
    NPY_ARRAY_CARRAY, NPY_DOUBLE, NPY_FLOAT, NPY_UINT8, PyArray_DATA, PyArray_DIM, PyArray_DIMS, PyArray_ISCARRAY_RO,
    PyArray_ISNOTSWAPPED, PyArray_ITEMSIZE, PyArray_NDIM, PyArray_SIZE, PyArray_STRIDE, PyArray_TYPE,
    PyTypeNum_ISNUMBER, import_array, ndarray, npy_intp,
)

from minigrad.kernels.native cimport block_cache, tape
from minigrad.kernels.native.checks cimport apart, check_flat, check_out, describe
from minigrad.kernels.native.launch cimport THREAD_WORK

from minigrad.errors import DTypeError, ShapeError
from minigrad.kernels import reference
from minigrad.kernels.native.gather import place
from minigrad.kernels.native.elementwise import copy

cdef extern from "numpy/arrayobject.h":             # not in Cython's numpy module
    object PyArray_EMPTY(int nd, const npy_intp *shape, int typenum, int fortran)
    object PyArray_New(type subtype, int nd, const npy_intp *shape, int typenum, const npy_intp *strides, void *data,
                       int itemsize, int flags, void *obj)
    int PyArray_SetBaseObject(ndarray array, object base) except -1
    bint PyArray_SAMESHAPE(ndarray a, ndarray b)

import_array()

cdef enum: SMALL = 8                        # the most axes that this file handles; NumPy handles more
cdef enum: ALIGN = 64                       # bytes: a cache line, and the widest vector
cdef enum: LARGE = 2048                     # bytes from which an array starts on a cache line
cdef enum: SHORT = 64                       # bytes: rows shorter than this are copied by `place`, not each by memcpy
cdef Py_ssize_t HUGE = 1 << 50              # more bytes than any machine has
cdef object float32 = np.float32, float64 = np.float64, uint8 = np.uint8
cdef object dtype32 = np.dtype(np.float32), dtype64 = np.dtype(np.float64)


@cython.final
@cython.freelist(64)
cdef class Memory:
    """A block of memory, freed with the last array on it."""
    cdef void *block
    cdef size_t bytes

    def __dealloc__(self):
        block_cache.give(self.block, self.bytes)


cdef ndarray make(int axes, const npy_intp *shape, int t):
    """An array with arbitrary content. Arrays that NumPy makes start 16 bytes behind a cache line, so that every vector
    of 64 bytes is read from two lines: with them, add took 1.4 times as long on 2,048 floats in the cache, matmul up to
    1.16 times."""
    cdef Py_ssize_t bytes = 4 if t == NPY_FLOAT else 8 if t == NPY_DOUBLE else 1
    cdef int axis
    cdef uintptr_t start
    cdef Memory memory
    cdef ndarray array
    for axis in range(axes):
        if shape[axis] <= 0 or shape[axis] > HUGE // bytes:
            bytes = 0                       # an empty array, or one for which NumPy raises the error
            break
        bytes *= shape[axis]
    if bytes < LARGE:
        return PyArray_EMPTY(axes, shape, t, 0)
    memory = Memory.__new__(Memory)
    memory.bytes = bytes + ALIGN
    memory.block = block_cache.take(memory.bytes)
    if memory.block == NULL:
        raise MemoryError(f"no memory for an array of {bytes} bytes")
    start = (<uintptr_t>memory.block + ALIGN - 1) // ALIGN * ALIGN
    array = PyArray_New(ndarray, axes, shape, t, NULL, <void *>start, 0, NPY_ARRAY_CARRAY, NULL)
    Py_INCREF(memory)
    PyArray_SetBaseObject(array, memory)    # takes the reference over
    return array


def empty(shape, dtype):
    cdef npy_intp dims[SMALL]
    cdef int axis, t
    if dtype is float32 or dtype is dtype32:
        t = NPY_FLOAT
    elif dtype is float64 or dtype is dtype64:
        t = NPY_DOUBLE
    elif dtype is uint8:
        t = NPY_UINT8
    else:
        return np.empty(shape, dtype)
    if type(shape) is not tuple or len(<tuple>shape) > SMALL:
        return np.empty(shape, dtype)
    for axis in range(len(<tuple>shape)):
        dims[axis] = (<tuple>shape)[axis]
    return make(<int>len(<tuple>shape), dims, t)


def empty_like(ndarray x not None):
    if PyArray_NDIM(x) > SMALL or not PyArray_ISNOTSWAPPED(x) or (
        PyArray_TYPE(x) != NPY_FLOAT and PyArray_TYPE(x) != NPY_DOUBLE
    ):
        return reference.empty_like(x)
    return make(PyArray_NDIM(x), PyArray_DIMS(x), PyArray_TYPE(x))


def empty_product(ndarray a not None, ndarray b not None, bint ta=False, bint tb=False):
    cdef npy_intp dims[2]
    if PyArray_NDIM(a) != 2 or PyArray_NDIM(b) != 2 or not PyArray_ISNOTSWAPPED(a) or (
        PyArray_TYPE(a) != NPY_FLOAT and PyArray_TYPE(a) != NPY_DOUBLE
    ):
        return reference.empty_product(a, b, ta, tb)        # or it raises the error
    dims[0], dims[1] = PyArray_DIM(a, 1 if ta else 0), PyArray_DIM(b, 0 if tb else 1)
    return make(2, dims, PyArray_TYPE(a))


cdef int broadcast_shape(ndarray a, ndarray b, npy_intp *dims) noexcept:
    """Fill dims with the shape that a and b broadcast to; the number of its axes, or -1 if they do not fit."""
    cdef int axis, i, j, axes = max(PyArray_NDIM(a), PyArray_NDIM(b))
    cdef npy_intp m, n
    if axes > SMALL:
        return -1
    for axis in range(axes):
        i, j = axis + PyArray_NDIM(a) - axes, axis + PyArray_NDIM(b) - axes
        m = PyArray_DIM(a, i) if i >= 0 else 1
        n = PyArray_DIM(b, j) if j >= 0 else 1
        if m != n and m != 1 and n != 1:
            return -1
        dims[axis] = n if m == 1 else m
    return axes


def empty_for(a, b):
    cdef npy_intp dims[SMALL]
    cdef ndarray x
    cdef int axes
    if isinstance(b, ndarray) and isinstance(a, ndarray):
        x = a
        if PyArray_TYPE(x) != PyArray_TYPE(<ndarray>b):
            return reference.empty_for(a, b)
        if not PyArray_SAMESHAPE(x, <ndarray>b):
            axes = broadcast_shape(x, b, dims)
            if axes < 0 or PyArray_TYPE(x) != NPY_FLOAT and PyArray_TYPE(x) != NPY_DOUBLE:
                return reference.empty_for(a, b)        # or it raises the error
            return make(axes, dims, PyArray_TYPE(x))
    elif isinstance(a, ndarray):
        x = a
    elif isinstance(b, ndarray):
        x = b
    else:
        return reference.empty_for(a, b)
    if PyArray_TYPE(x) != NPY_FLOAT and PyArray_TYPE(x) != NPY_DOUBLE:
        return reference.empty_for(a, b)
    return make(PyArray_NDIM(x), PyArray_DIMS(x), PyArray_TYPE(x))


def empty_reduced(ndarray x not None, int first, int last, bint keepdim=False):
    cdef npy_intp dims[SMALL]
    cdef int axis, axes = 0
    if PyArray_NDIM(x) > SMALL or not 0 <= first <= last <= PyArray_NDIM(x) or (
        PyArray_TYPE(x) != NPY_FLOAT and PyArray_TYPE(x) != NPY_DOUBLE
    ):
        return reference.empty_reduced(x, first, last, keepdim)
    for axis in range(PyArray_NDIM(x)):
        if not first <= axis < last:
            dims[axes] = PyArray_DIM(x, axis)
        elif keepdim:
            dims[axes] = 1
        else:
            continue
        axes += 1
    return make(axes, dims, PyArray_TYPE(x))


def alike(ndarray a not None, ndarray b not None):
    return (
        PyArray_TYPE(a) == PyArray_TYPE(b) and PyArray_SAMESHAPE(a, b)
        and PyArray_ISNOTSWAPPED(a) == PyArray_ISNOTSWAPPED(b)
    )


def contiguous(ndarray x not None):
    if PyArray_ISCARRAY_RO(x):
        return x
    out = empty_like(x) if PyArray_ISNOTSWAPPED(x) else np.empty((<object>x).shape, x.dtype.newbyteorder("="))
    copy(x, out)
    return out


def broadcast(ndarray x not None, tuple shape, int at=0):
    cdef npy_intp dims[SMALL]
    cdef npy_intp strides[SMALL]
    cdef int axis, own, axes = <int>len(shape), extra = axes - PyArray_NDIM(x)
    cdef ndarray view
    if not 0 <= at <= PyArray_NDIM(x) or extra < 0 or axes > SMALL or not (
        PyArray_ISNOTSWAPPED(x) and PyTypeNum_ISNUMBER(PyArray_TYPE(x))
    ):
        return reference.broadcast(x, shape, at)
    for axis in range(axes):
        dims[axis], strides[axis] = shape[axis], 0
        if at <= axis < at + extra:
            if dims[axis] < 0:
                return reference.broadcast(x, shape, at)        # which raises the error
            continue
        own = axis if axis < at else axis - extra
        if PyArray_DIM(x, own) == dims[axis]:
            strides[axis] = PyArray_STRIDE(x, own)
        elif dims[axis] < 0 or PyArray_DIM(x, own) != 1:
            return reference.broadcast(x, shape, at)
    view = PyArray_New(ndarray, axes, dims, PyArray_TYPE(x), strides, PyArray_DATA(x), 0, 0, NULL)
    Py_INCREF(x)
    PyArray_SetBaseObject(view, x)          # takes the reference over
    return view


cdef Py_ssize_t check_piece(ndarray x, ndarray out, int axis) except -1:
    """How many elements x fills along that axis of out."""
    cdef int i, lacks = PyArray_NDIM(out) - PyArray_NDIM(x)
    cdef bint fits = lacks == 0 or lacks == 1
    if PyArray_TYPE(x) != PyArray_TYPE(out) or not PyTypeNum_ISNUMBER(PyArray_TYPE(x)):
        raise DTypeError(f"join: a piece is {describe(x)}, out is {describe(out)}; need one dtype of numbers")
    for i in range(PyArray_NDIM(out) if fits else 0):
        if i != axis:
            fits &= PyArray_DIM(x, i - (lacks if i > axis else 0)) == PyArray_DIM(out, i)
    if not fits:
        raise ShapeError(f"join: a piece is {describe(x)}, out is {describe(out)}; need out's sizes but along {axis}")
    check_flat("join", x)
    if not apart(x, out):
        raise ValueError("join: out shares memory with a piece")
    return 1 if lacks else PyArray_DIM(x, axis)


def join(xs, ndarray out not None, int axis):
    cdef tuple pieces = tuple(xs), lead = (slice(None),) * axis
    cdef Py_ssize_t n, row, whole, rows = 1, filled = 0
    cdef char *to
    cdef const char *x
    cdef int i
    check_out("join", out)
    if not 0 <= axis < PyArray_NDIM(out):
        raise ShapeError(f"join: axis is {axis}, out is {describe(out)}")
    for piece in pieces:
        if not isinstance(piece, ndarray):
            raise TypeError(f"join: a piece is a {type(piece).__name__}; need arrays")
        filled += check_piece(piece, out, axis)
    if filled != PyArray_DIM(out, axis):
        raise ShapeError(f"join: the pieces fill {filled} along axis {axis} of out, {describe(out)}")
    for i in range(axis):
        rows *= PyArray_DIM(out, i)
    whole = PyArray_SIZE(out) // max(rows, 1) * PyArray_ITEMSIZE(out)
    filled, to = 0, <char *>PyArray_DATA(out)
    for piece in pieces:
        n = 1 if PyArray_NDIM(<ndarray>piece) < PyArray_NDIM(out) else PyArray_DIM(<ndarray>piece, axis)
        row = PyArray_SIZE(<ndarray>piece) // max(rows, 1) * PyArray_ITEMSIZE(out)
        if row < SHORT or PyArray_SIZE(<ndarray>piece) >= THREAD_WORK or tape.on:     # memcpy is not recorded
            place(piece, out[lead + (filled if piece.ndim < out.ndim else slice(filled, filled + n), ...)])
        else:
            x = <const char *>PyArray_DATA(<ndarray>piece)
            for i in range(rows):
                memcpy(to + i * whole, x + i * row, row)
        filled += n
        to += row
