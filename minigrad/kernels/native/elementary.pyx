# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""Functions of one number or two, and where: maps of elementwise.pyx over src_c/elementwise/elementary.c.

Meaning: reference/elementary.py.
"""

import numpy as np
from libc.stdint cimport uint8_t
from numpy cimport (
    NPY_BOOL, PyArray_DATA, PyArray_ISCARRAY_RO, PyArray_SIZE, PyArray_TYPE, ndarray,
)

from minigrad.kernels.native cimport runtime
from minigrad.kernels.native.checks cimport apart, check_out, check_real, describe
from minigrad.kernels.native.elementwise cimport alike, map_by
from minigrad.kernels.native.launch cimport call, know, least, pieces, record, share
from minigrad.kernels.native.maps cimport map_all, mg_map_args, mg_mapper

from minigrad.errors import DTypeError, ShapeError

cdef extern from "numpy/arrayobject.h":     # not in Cython's numpy module
    bint PyArray_SAMESHAPE(ndarray a, ndarray b)

cdef extern from "elementwise/elementary.h" nogil:
    enum:
        mg_op_expm1, mg_op_log1p, mg_op_log2, mg_op_sin, mg_op_cos, mg_op_tan, mg_op_sinh, mg_op_cosh, mg_op_asinh
        mg_op_atan, mg_op_erf, mg_op_normal_cdf, mg_op_softplus, mg_op_floor, mg_op_ceil, mg_op_gelu, mg_op_gelu_tanh
        mg_op_pow, mg_op_atan2, mg_op_hypot, mg_op_logaddexp, mg_op_maximum, mg_op_minimum, mg_op_step
        mg_op_leaky_relu, mg_op_leaky_slope, mg_op_gelu_grad, mg_op_gelu_tanh_grad
    ctypedef struct mg_where_args:
        size_t n
        const uint8_t *c
        const void *a
        const void *b
        void *out
        double a_value, b_value
        int precision
    ctypedef struct mg_elementary_table:
        mg_mapper map[2]
        void (*where[2])(const mg_where_args *p, size_t first, size_t n) noexcept nogil
    const mg_elementary_table *const *mg_elementary_tables

cdef enum: BLOCK = 8192                     # elements of where; fixed, though its results do not depend on it


cdef inline size_t cost_of(int op) noexcept nogil:
    """The work of an element, in elements of memory-bound work: exact functions take as long as a copy."""
    if op == mg_op_floor or op == mg_op_ceil or mg_op_maximum <= op <= mg_op_leaky_slope:
        return 1
    return 12


cdef int k_elementary_map(const void *args) noexcept nogil:
    p = <const mg_map_args *>args
    return map_all(p, mg_elementary_tables[runtime.variant].map[p.precision], cost_of(p.op))


cdef inline int map2(str name, int op, object a, object b, ndarray out) except -1:
    return map_by(k_elementary_map, cost_of(op), name, op, a, b, out)


def expm1(x, ndarray out not None): map2("expm1", mg_op_expm1, x, out, out)
def log1p(x, ndarray out not None): map2("log1p", mg_op_log1p, x, out, out)
def log2(x, ndarray out not None): map2("log2", mg_op_log2, x, out, out)
def sin(x, ndarray out not None): map2("sin", mg_op_sin, x, out, out)
def cos(x, ndarray out not None): map2("cos", mg_op_cos, x, out, out)
def tan(x, ndarray out not None): map2("tan", mg_op_tan, x, out, out)
def sinh(x, ndarray out not None): map2("sinh", mg_op_sinh, x, out, out)
def cosh(x, ndarray out not None): map2("cosh", mg_op_cosh, x, out, out)
def asinh(x, ndarray out not None): map2("asinh", mg_op_asinh, x, out, out)
def atan(x, ndarray out not None): map2("atan", mg_op_atan, x, out, out)
def erf(x, ndarray out not None): map2("erf", mg_op_erf, x, out, out)
def normal_cdf(x, ndarray out not None): map2("normal_cdf", mg_op_normal_cdf, x, out, out)
def softplus(x, ndarray out not None): map2("softplus", mg_op_softplus, x, out, out)
def floor(x, ndarray out not None): map2("floor", mg_op_floor, x, out, out)
def ceil(x, ndarray out not None): map2("ceil", mg_op_ceil, x, out, out)
def pow(a, b, ndarray out not None): map2("pow", mg_op_pow, a, b, out)
def atan2(a, b, ndarray out not None): map2("atan2", mg_op_atan2, a, b, out)
def hypot(a, b, ndarray out not None): map2("hypot", mg_op_hypot, a, b, out)
def logaddexp(a, b, ndarray out not None): map2("logaddexp", mg_op_logaddexp, a, b, out)
def maximum(a, b, ndarray out not None): map2("maximum", mg_op_maximum, a, b, out)
def minimum(a, b, ndarray out not None): map2("minimum", mg_op_minimum, a, b, out)
def step(a, b, ndarray out not None): map2("step", mg_op_step, a, b, out)
def leaky_relu(x, slope, ndarray out not None): map2("leaky_relu", mg_op_leaky_relu, x, slope, out)
def leaky_slope(x, slope, ndarray out not None): map2("leaky_slope", mg_op_leaky_slope, x, slope, out)
def gelu(x, ndarray out not None): map2("gelu", mg_op_gelu, x, out, out)
def gelu_grad(g, x, ndarray out not None): map2("gelu_grad", mg_op_gelu_grad, g, x, out)
def gelu_tanh(x, ndarray out not None): map2("gelu_tanh", mg_op_gelu_tanh, x, out, out)
def gelu_tanh_grad(g, x, ndarray out not None): map2("gelu_tanh_grad", mg_op_gelu_tanh_grad, g, x, out)


# --- where ---

cdef void where_block(const void *args, size_t i) noexcept nogil:
    p = <const mg_where_args *>args
    mg_elementary_tables[runtime.variant].where[p.precision](p, i * BLOCK, least(BLOCK, p.n - i * BLOCK))


cdef int k_where(const void *args) noexcept nogil:
    p = <const mg_where_args *>args
    share(p.n, pieces(p.n, BLOCK), where_block, p)
    return 0


cdef ndarray shaped(str what, ndarray x, dtype, ndarray out):
    """A contiguous copy of x, broadcast to the shape of out, in that dtype."""
    try:
        spread = np.broadcast_to(x, (<object>out).shape)
    except ValueError:
        raise ShapeError(f"where: {what} is {describe(x)} to be broadcast to out, {describe(out)}") from None
    return np.array(spread, dtype=dtype, order="C", copy=True)


cdef ndarray operand(str what, ndarray x, ndarray out):
    """x, or a copy of it with the shape and dtype of out that shares no memory with out."""
    if alike(x, out):
        return x
    if check_real("where", x) > check_real("where", out):
        raise DTypeError(f"where: {what} is {describe(x)}, out is {describe(out)}; copy it to float32 first")
    return shaped(what, x, out.dtype, out)


def where(condition, a, b, ndarray out not None):
    cdef mg_where_args p
    record(&p, sizeof(p))
    cdef ndarray c = condition if type(condition) is ndarray else np.asarray(condition), x = None, y = None
    check_out("where", out)
    p.precision, p.n, p.out = check_real("where", out), PyArray_SIZE(out), PyArray_DATA(out)
    if PyArray_TYPE(c) != NPY_BOOL:
        raise DTypeError(f"where: the condition is {describe(c)}; need bool")
    if not (PyArray_SAMESHAPE(c, out) and PyArray_ISCARRAY_RO(c) and apart(c, out)):
        c = shaped("the condition", c, np.bool_, out)
    p.a = p.b = NULL
    p.a_value = p.b_value = 0
    if isinstance(a, ndarray):
        x = operand("a", a, out)
        p.a = PyArray_DATA(x)
    else:
        p.a_value = a
    if isinstance(b, ndarray):
        y = operand("b", b, out)
        p.b = PyArray_DATA(y)
    else:
        p.b_value = b
    p.c = <const uint8_t *>PyArray_DATA(c)
    if p.n:
        call(k_where, &p, p.n)


know("elementary_map", k_elementary_map)
know("where", k_where)
