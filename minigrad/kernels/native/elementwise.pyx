# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""Elementwise maps and copies: checks, then units of rows, shared among threads (maps.pxd).

Arithmetic: src_c/elementwise/elementwise.c; meaning: reference/elementwise.py.

An operand may have any strides and broadcasts to out; out is C-contiguous. Neighbouring axes are merged where every
operand steps evenly across them, so that most calls are one row.
"""

import numpy as np
from numpy cimport (
    NPY_DOUBLE, NPY_FLOAT, PyArray_DATA, PyArray_DIM, PyArray_IS_C_CONTIGUOUS, PyArray_ISBEHAVED_RO,
    PyArray_ISCARRAY_RO, PyArray_ITEMSIZE, PyArray_NDIM, PyArray_SIZE, PyArray_STRIDE, PyArray_TYPE, PyTypeNum_ISINTEGER,
    ndarray,
)

from minigrad.kernels.native cimport runtime, tape
from minigrad.kernels.native.checks cimport apart, check_out, check_real, describe
from minigrad.kernels.native.launch cimport call, item_size, kernel_of, know, put, record
from minigrad.kernels.native.maps cimport MG_AXES, map_all, mg_axis, mg_map_args, mg_mapper

from minigrad.errors import DTypeError, ShapeError

cdef extern from "numpy/arrayobject.h":     # not in Cython's numpy module
    bint PyArray_SAMESHAPE(ndarray a, ndarray b)

cdef extern from "elementwise/elementwise.h" nogil:
    enum:
        mg_op_copy, mg_op_neg, mg_op_abs, mg_op_sign, mg_op_sqrt, mg_op_exp, mg_op_log, mg_op_tanh, mg_op_sigmoid
        mg_op_relu, mg_op_add, mg_op_sub, mg_op_mul, mg_op_div, mg_op_relu_grad, mg_op_tanh_grad, mg_op_sigmoid_grad
        mg_op_convert
    ctypedef struct mg_elementwise_table:
        mg_mapper map[2]
    const mg_elementwise_table *const *mg_elementwise_tables

cdef enum: BY_NUMPY = -1                    # in place of an op: a copy between other dtypes, which NumPy makes


cdef inline size_t cost_of(int op) noexcept nogil:
    """The work of an element, in elements of memory-bound work, as measured with all arrays in the cache."""
    if mg_op_exp <= op <= mg_op_sigmoid:
        return 4
    return 2 if op == mg_op_sqrt or op == mg_op_div else 1


cdef int k_map(const void *args) noexcept nogil:
    p = <const mg_map_args *>args
    return map_all(p, mg_elementwise_tables[runtime.variant].map[p.precision], cost_of(p.op))


cdef ndarray readable(str kernel, ndarray x, ndarray out, bint convert):
    """x, or a copy of it that a map can read: aligned, in native byte order, either out itself or without memory in
    common with out, and, unless `convert`, with the dtype of out."""
    if not convert and PyArray_TYPE(x) != PyArray_TYPE(out):
        if check_real(kernel, x) > check_real(kernel, out):
            raise DTypeError(f"{kernel}: an operand is {describe(x)}, out is {describe(out)}; copy it to float32 first")
        x = copied(x, out.dtype)
    elif not PyArray_ISBEHAVED_RO(x):
        x = x.astype(x.dtype.newbyteorder("="))
    if PyArray_DATA(x) == PyArray_DATA(out) and PyArray_IS_C_CONTIGUOUS(x) and PyArray_SAMESHAPE(x, out):
        return x if PyArray_TYPE(x) == PyArray_TYPE(out) else copied(x, x.dtype)
    return x if apart(x, out) else copied(x, x.dtype)


cdef ndarray copied(ndarray x, dtype):
    """A copy of x. While a step is recorded a kernel makes it, because a replay runs nothing but kernels."""
    if not tape.on:
        return x.astype(dtype)
    own = np.empty((<object>x).shape, dtype)
    copy(x, own)
    tape.hold(own)
    return own


cdef inline Py_ssize_t stride(ndarray x, int axis, Py_ssize_t length) noexcept:
    """Bytes from one element of x to the next along out's axis-th last axis: 0 if it broadcasts, -1 if it cannot."""
    if axis > PyArray_NDIM(x):
        return 0
    axis = PyArray_NDIM(x) - axis
    if PyArray_DIM(x, axis) == 1:
        return 0
    return PyArray_STRIDE(x, axis) if PyArray_DIM(x, axis) == length else -1


cdef int refuse_shapes(str kernel, object a, object b, object out) except -1:
    operands = " and ".join(describe(x) for x in (a, b) if x is not None and x is not out)
    raise ShapeError(f"{kernel}: {operands} to be broadcast to out, {describe(out)}; need trailing axes equal or 1")


cdef int merge_axes(str kernel, mg_map_args *p, ndarray a, ndarray b, ndarray out) except -1:
    """Fill the axes, the last one first; an axis that continues the one before it is merged with it."""
    cdef int axis, k = 0, axes = PyArray_NDIM(out)
    cdef bint fits = (a is None or PyArray_NDIM(a) <= axes) and (b is None or PyArray_NDIM(b) <= axes)
    cdef Py_ssize_t length, sa = 0, sb = 0
    for axis in range(1, axes + 1):
        length = PyArray_DIM(out, axes - axis)
        sa = 0 if a is None else stride(a, axis, length)
        sb = 0 if b is None else stride(b, axis, length)
        fits = fits and sa != -1 and sb != -1           # -1 is no stride of an aligned array
        if length == 1 or not fits:
            continue
        if k and sa == p.axis[k - 1].a * <Py_ssize_t>p.axis[k - 1].length and (
            sb == p.axis[k - 1].b * <Py_ssize_t>p.axis[k - 1].length
        ):
            p.axis[k - 1].length *= length
            continue
        if k == MG_AXES:
            raise ShapeError(f"{kernel}: more than {MG_AXES} axes that cannot be merged; pass kernels.contiguous(x)")
        p.axis[k] = mg_axis(length, sa, sb)
        k += 1
    if not fits:
        refuse_shapes(kernel, a, b, out)
    while k < 2:
        p.axis[k] = mg_axis(1, 0, 0)
        k += 1
    p.axes = k
    return 0


cdef int strided_map(
    kernel_of kernel, size_t cost, str name, mg_map_args *p, object a, object b, ndarray out
) except -1:
    """A map whose operands are numbers, or arrays of any layout; b is out for a map of one operand."""
    cdef ndarray x = None, y = None
    p.a = p.b = NULL
    if isinstance(a, ndarray):
        x = readable(name, a, out, p.op == mg_op_convert)
        p.a = PyArray_DATA(x)
    else:
        put(&p.a_value, p.precision, a)
    if isinstance(b, ndarray):
        y = b if b is out else readable(name, b, out, False)
        p.b = PyArray_DATA(y)
    else:
        put(&p.b_value, p.precision, b)
    merge_axes(name, p, x, y, out)
    if PyArray_SIZE(out):
        call(kernel, p, cost * PyArray_SIZE(out))       # here, while x and y are alive
    return 0


cdef bint alike(object x, ndarray out) noexcept:
    """Whether x is a C-contiguous array with out's shape and dtype, and is out itself or shares no memory with it."""
    if type(x) is not ndarray:
        return False
    cdef ndarray array = <ndarray>x
    cdef Py_ssize_t ahead = <char *>PyArray_DATA(array) - <char *>PyArray_DATA(out)
    cdef Py_ssize_t bytes = PyArray_SIZE(out) * PyArray_ITEMSIZE(out)
    if PyArray_TYPE(array) != PyArray_TYPE(out) or not PyArray_ISCARRAY_RO(array) or not PyArray_SAMESHAPE(array, out):
        return False
    return ahead == 0 or ahead >= bytes or ahead <= -bytes


cdef int map_by(kernel_of kernel, size_t cost, str name, int op, object a, object b, ndarray out) except -1:
    """out = op(a, b) by a family's kernel of maps. A map of one operand passes out as b, which it does not read."""
    cdef mg_map_args p
    record(&p, sizeof(p))
    cdef size_t size = PyArray_SIZE(out)
    check_out(name, out)
    p.op, p.precision, p.out = op, check_real(name, out), PyArray_DATA(out)
    p.a_value = p.b_value = 0
    if not (alike(a, out) and (b is out or alike(b, out))):
        return strided_map(kernel, cost, name, &p, a, b, out)
    p.a, p.b, p.axes = PyArray_DATA(<ndarray>a), PyArray_DATA(<ndarray>b), 2
    p.axis[0] = mg_axis(size, item_size(p.precision), item_size(p.precision))
    p.axis[1] = mg_axis(1, 0, 0)
    if size:
        call(kernel, &p, cost * size)
    return 0


cdef inline int map2(str name, int op, object a, object b, ndarray out) except -1:
    return map_by(k_map, cost_of(op), name, op, a, b, out)


def add(a, b, ndarray out not None): map2("add", mg_op_add, a, b, out)
def sub(a, b, ndarray out not None): map2("sub", mg_op_sub, a, b, out)
def mul(a, b, ndarray out not None): map2("mul", mg_op_mul, a, b, out)
def div(a, b, ndarray out not None): map2("div", mg_op_div, a, b, out)
def neg(x, ndarray out not None): map2("neg", mg_op_neg, x, out, out)
def abs(x, ndarray out not None): map2("abs", mg_op_abs, x, out, out)
def sign(x, ndarray out not None): map2("sign", mg_op_sign, x, out, out)
def sqrt(x, ndarray out not None): map2("sqrt", mg_op_sqrt, x, out, out)
def exp(x, ndarray out not None): map2("exp", mg_op_exp, x, out, out)
def log(x, ndarray out not None): map2("log", mg_op_log, x, out, out)
def tanh(x, ndarray out not None): map2("tanh", mg_op_tanh, x, out, out)
def sigmoid(x, ndarray out not None): map2("sigmoid", mg_op_sigmoid, x, out, out)
def relu(x, ndarray out not None): map2("relu", mg_op_relu, x, out, out)
def relu_grad(g, y, ndarray out not None): map2("relu_grad", mg_op_relu_grad, g, y, out)
def tanh_grad(g, y, ndarray out not None): map2("tanh_grad", mg_op_tanh_grad, g, y, out)
def sigmoid_grad(g, y, ndarray out not None): map2("sigmoid_grad", mg_op_sigmoid_grad, g, y, out)


cdef inline bint is_real(int t) noexcept:
    return t == NPY_FLOAT or t == NPY_DOUBLE


cdef inline int copy_op(object x, ndarray out) noexcept:
    """The op that copies x to out: a copy of the bits, a conversion between the two floats, or BY_NUMPY."""
    cdef int t = PyArray_TYPE(out), size = PyArray_ITEMSIZE(out)
    if not isinstance(x, ndarray):
        return mg_op_copy if is_real(t) else BY_NUMPY
    if PyArray_TYPE(<ndarray>x) == t and (is_real(t) or PyTypeNum_ISINTEGER(t) and (size == 4 or size == 8)):
        return mg_op_copy                   # which copies bits, so it is right for integers of 4 or 8 bytes too
    return mg_op_convert if is_real(t) and is_real(PyArray_TYPE(<ndarray>x)) else BY_NUMPY


def copy(x, ndarray out not None):
    cdef mg_map_args p
    record(&p, sizeof(p))
    check_out("copy", out)
    p.op, p.precision, p.out = copy_op(x, out), PyArray_ITEMSIZE(out) == 8, PyArray_DATA(out)
    p.a_value = p.b_value = 0
    if p.op == BY_NUMPY:
        np.copyto(out, x, casting="unsafe")
    else:
        strided_map(k_map, 1, "copy", &p, x, out, out)


know("map", k_map)
