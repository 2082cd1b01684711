# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""Elementwise maps, copies and gathers: checks, then blocks of rows over threads. Arithmetic: src_c/elementwise/elementwise.c.

An operand may have any strides and broadcasts to out; out is C-contiguous. Axes are merged where every operand steps
evenly across them, so most calls are one row. Meaning: reference/elementwise.py.
"""

import numpy as np
from cython.parallel cimport prange
from numpy cimport (
    NPY_DOUBLE, NPY_FLOAT, PyArray_DATA, PyArray_DIM, PyArray_IS_C_CONTIGUOUS, PyArray_ISBEHAVED_RO,
    PyArray_ISCARRAY_RO, PyArray_ITEMSIZE, PyArray_NDIM, PyArray_SIZE, PyArray_STRIDE, PyArray_TYPE, PyTypeNum_ISINTEGER,
    ndarray,
)

from minigrad.kernels.native cimport runtime
from minigrad.kernels.native._c cimport (
    mg_elementwise_tables, mg_elementwise_table, mg_mapper_f32, mg_mapper_f64, mg_op_abs, mg_op_add, mg_op_copy, mg_op_div,
    mg_op_exp, mg_op_log, mg_op_mul, mg_op_neg, mg_op_relu, mg_op_relu_grad, mg_op_sigmoid, mg_op_sigmoid_grad,
    mg_op_sign, mg_op_sqrt, mg_op_sub, mg_op_tanh, mg_op_tanh_grad, mg_operand,
)
from minigrad.kernels.native.checks cimport apart, check_out, check_real, describe

from minigrad.errors import DTypeError, ShapeError

cdef extern from "numpy/arrayobject.h":     # not in Cython's numpy module
    bint PyArray_SAMESHAPE(ndarray a, ndarray b)

cdef enum:
    BLOCK = 8192                            # elements; fixed, so that threads never change an order
    AXES = 32                               # after merging
    CONVERT = -1                            # the op of a copy between float32 and float64
    BY_NUMPY = -2                           # the op of a copy between other dtypes, which is no map


cdef struct map_args:
    mg_mapper_f32 map_f32                   # of the family that the op belongs to
    mg_mapper_f64 map_f64
    int op, cost, bits                      # cost: of one element, in elements of memory-bound work; bits: of out's
    int axes                                # shape[0] is the innermost axis, shape[1] the rows; strides are in bytes
    Py_ssize_t size, units, groups, pieces  # a unit is `height` rows of `width` elements, about BLOCK in all
    Py_ssize_t height, width
    Py_ssize_t shape[AXES]
    Py_ssize_t a_stride[AXES]
    Py_ssize_t b_stride[AXES]
    const char *a                           # NULL: a is the number a_value
    const char *b
    char *out
    double a_value, b_value                 # of out's dtype: the first four bytes hold a float32


cdef inline void unit(const map_args *p, Py_ssize_t i) noexcept nogil:
    """Compute unit i, counted with pieces of a row running fastest, then groups of rows, then the outer axes."""
    cdef mg_operand a, b
    cdef Py_ssize_t column = 0, row = 0, place = 0, where, width = p.width, height = p.height, start
    cdef int axis
    a.p, a.row, a.col = p.a if p.a != NULL else <const char *>&p.a_value, p.a_stride[1], p.a_stride[0]
    b.p, b.row, b.col = p.b if p.b != NULL else <const char *>&p.b_value, p.b_stride[1], p.b_stride[0]
    if p.units > 1:
        column, i = i % p.pieces * width, i // p.pieces
        row, place = i % p.groups * height, i // p.groups
        width, height = min(width, p.shape[0] - column), min(height, p.shape[1] - row)
        start = (place * p.shape[1] + row) * p.shape[0] + column
        a.p += row * a.row + column * a.col
        b.p += row * b.row + column * b.col
        for axis in range(2, p.axes):
            where, place = place % p.shape[axis], place // p.shape[axis]
            a.p += where * p.a_stride[axis]
            b.p += where * p.b_stride[axis]
    else:
        start = 0
    if p.op == CONVERT and p.bits == 32:
        mg_elementwise_tables[runtime.variant].convert_f64(height, width, a, <float *>p.out + start)
    elif p.op == CONVERT:
        mg_elementwise_tables[runtime.variant].convert_f32(height, width, a, <double *>p.out + start)
    elif p.bits == 32:
        p.map_f32(p.op, height, width, a, b, <float *>p.out + start)
    else:
        p.map_f64(p.op, height, width, a, b, <double *>p.out + start)


cdef int k_map(const map_args *p) noexcept nogil:
    cdef Py_ssize_t i
    cdef int threads = runtime.threads_for(p.cost * p.size)
    if threads == 1 or p.units == 1:        # a prange in the path costs 0.5 us, even with one thread
        for i in range(p.units):
            unit(p, i)
    else:
        for i in prange(p.units, num_threads=threads, schedule="static"):
            unit(p, i)
    return 0


cdef inline void run(map_args *p) noexcept:
    """Cut the map into units, and compute them."""
    p.width = min(p.shape[0], BLOCK)
    p.height = min(p.shape[1], max(1, BLOCK // p.width))
    p.pieces = (p.shape[0] + p.width - 1) // p.width
    p.groups = (p.shape[1] + p.height - 1) // p.height
    p.units = p.pieces * p.groups * (p.size // (p.shape[0] * p.shape[1]))
    if runtime.releases_gil(p.cost * p.size):
        with nogil:
            k_map(p)
    else:
        k_map(p)


cdef ndarray readable(str kernel, ndarray x, ndarray out, bint convert):
    """x, or a copy that a map can read: aligned, native, out itself or apart from it; of out's dtype unless convert."""
    if not convert and PyArray_TYPE(x) != PyArray_TYPE(out):
        if check_real(kernel, x) > check_real(kernel, out):
            raise DTypeError(f"{kernel}: an operand is {describe(x)}, out is {describe(out)}; copy it to float32 first")
        x = x.astype(out.dtype)
    elif not PyArray_ISBEHAVED_RO(x):
        x = x.astype(x.dtype.newbyteorder("="))
    if PyArray_DATA(x) == PyArray_DATA(out) and PyArray_IS_C_CONTIGUOUS(x) and PyArray_SAMESHAPE(x, out):
        return x if PyArray_TYPE(x) == PyArray_TYPE(out) else x.copy()
    return x if apart(x, out) else x.copy()


cdef inline Py_ssize_t stride(ndarray x, int axis, Py_ssize_t length) noexcept:
    """Bytes from one element of x to the next along out's axis-th last axis: 0 if it broadcasts, -1 if it cannot."""
    if axis > PyArray_NDIM(x):
        return 0
    axis = PyArray_NDIM(x) - axis
    if PyArray_DIM(x, axis) == 1:
        return 0
    return PyArray_STRIDE(x, axis) if PyArray_DIM(x, axis) == length else -1


cdef int merge_axes(str kernel, map_args *p, ndarray a, ndarray b, ndarray out) except -1:
    """Fill shape and strides, from the last axis; an axis that continues the one before it is merged with it."""
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
        if k and sa == p.a_stride[k - 1] * p.shape[k - 1] and sb == p.b_stride[k - 1] * p.shape[k - 1]:
            p.shape[k - 1] *= length
            continue
        if k == AXES:
            raise ShapeError(f"{kernel}: more than {AXES} axes that cannot be merged; pass kernels.contiguous(x)")
        p.shape[k], p.a_stride[k], p.b_stride[k] = length, sa, sb
        k += 1
    if not fits:
        operands = " and ".join(describe(x) for x in (a, b) if x is not None and x is not out)
        raise ShapeError(f"{kernel}: {operands} to be broadcast to out, {describe(out)}; need trailing axes equal or 1")
    p.axes = k
    while k < 2:
        p.shape[k], p.a_stride[k], p.b_stride[k] = 1, 0, 0
        k += 1
    return 0


cdef inline int set_value(double *place, object x, int bits) except -1:
    """The number x, rounded to out's dtype, at *place."""
    cdef double value = x
    if bits == 32:
        (<float *>place)[0] = <float>value
    else:
        place[0] = value
    return 0


cdef int strided_map(str kernel, map_args *p, object a, object b, ndarray out) except -1:
    """A map whose operands are numbers, or arrays of any layout; b is out for a map of one operand."""
    cdef ndarray x = None, y = None
    if isinstance(a, ndarray):
        x = readable(kernel, a, out, p.op == CONVERT)
        p.a = <const char *>PyArray_DATA(x)
    else:
        set_value(&p.a_value, a, p.bits)
    if isinstance(b, ndarray):
        y = b if b is out else readable(kernel, b, out, False)
        p.b = <const char *>PyArray_DATA(y)
    else:
        set_value(&p.b_value, b, p.bits)
    merge_axes(kernel, p, x, y, out)
    if p.size:
        run(p)                              # here, while x and y are alive
    return 0


cdef bint alike(object x, ndarray out) noexcept:
    """x is an array that steps through memory as out does, and apart from it or out itself."""
    if type(x) is not ndarray:
        return False
    cdef ndarray array = <ndarray>x
    cdef Py_ssize_t ahead = <char *>PyArray_DATA(array) - <char *>PyArray_DATA(out)
    cdef Py_ssize_t bytes = PyArray_SIZE(out) * PyArray_ITEMSIZE(out)
    if PyArray_TYPE(array) != PyArray_TYPE(out) or not PyArray_ISCARRAY_RO(array) or not PyArray_SAMESHAPE(array, out):
        return False
    return ahead == 0 or ahead >= bytes or ahead <= -bytes


cdef int map_by(
    mg_mapper_f32 map_f32, mg_mapper_f64 map_f64, int cost, str kernel, int op, object a, object b, ndarray out,
) except -1:
    """out = op(a, b) of a family of maps. A map of one operand passes out as b, which it does not read."""
    cdef map_args p
    check_out(kernel, out)
    p.map_f32, p.map_f64, p.cost, p.op = map_f32, map_f64, cost, op
    p.bits, p.size, p.out = 32 << check_real(kernel, out), PyArray_SIZE(out), <char *>PyArray_DATA(out)
    p.a = p.b = NULL
    if not (alike(a, out) and (b is out or alike(b, out))):
        return strided_map(kernel, &p, a, b, out)
    p.a, p.b = <const char *>PyArray_DATA(<ndarray>a), <const char *>PyArray_DATA(<ndarray>b)
    p.axes, p.shape[0], p.shape[1] = 1, p.size, 1
    p.a_stride[0] = p.b_stride[0] = p.bits // 8
    p.a_stride[1] = p.b_stride[1] = 0
    if p.size:
        run(&p)
    return 0


cdef inline int cost_of(int op) noexcept:
    """What an element costs in elements of memory-bound work (runtime.pyx), as measured in the cache."""
    if mg_op_exp <= op <= mg_op_sigmoid:
        return 4
    return 2 if op == mg_op_sqrt or op == mg_op_div else 1


cdef inline int map2(str kernel, int op, object a, object b, ndarray out) except -1:
    cdef const mg_elementwise_table *table = mg_elementwise_tables[runtime.variant]
    return map_by(table.map_f32, table.map_f64, cost_of(op), kernel, op, a, b, out)


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
    """The op that copies x to out: as it stands, CONVERT between the floats, or BY_NUMPY for other dtypes."""
    cdef int t = PyArray_TYPE(out), size = PyArray_ITEMSIZE(out)
    if not isinstance(x, ndarray):
        return mg_op_copy if is_real(t) else BY_NUMPY
    if PyArray_TYPE(<ndarray>x) == t and (is_real(t) or PyTypeNum_ISINTEGER(t) and (size == 4 or size == 8)):
        return mg_op_copy                   # bits are moved, not numbers, so integers go the same way
    return CONVERT if is_real(t) and is_real(PyArray_TYPE(<ndarray>x)) else BY_NUMPY


def copy(x, ndarray out not None):
    cdef map_args p
    check_out("copy", out)
    p.map_f32, p.map_f64 = mg_elementwise_tables[runtime.variant].map_f32, mg_elementwise_tables[runtime.variant].map_f64
    p.op, p.cost, p.bits, p.size = copy_op(x, out), 1, 8 * PyArray_ITEMSIZE(out), PyArray_SIZE(out)
    p.a, p.b, p.out = NULL, NULL, <char *>PyArray_DATA(out)
    if p.op == BY_NUMPY:
        np.copyto(out, x, casting="unsafe")
    else:
        strided_map("copy", &p, x, out, out)
