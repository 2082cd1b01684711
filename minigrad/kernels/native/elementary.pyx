# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""Functions of one number or two, and where: maps of elementwise.pyx over src_c/elementwise/elementary.c. Meaning: reference/elementary.py."""

import numpy as np
from cython.parallel cimport prange
from libc.stdint cimport uint8_t
from numpy cimport (
    NPY_BOOL, PyArray_DATA, PyArray_ISCARRAY_RO, PyArray_SIZE, PyArray_TYPE, ndarray,
)

from minigrad.kernels.native cimport runtime
from minigrad.kernels.native._c cimport (
    mg_elementary_tables, mg_elementary_asinh, mg_elementary_atan, mg_elementary_atan2, mg_elementary_ceil, mg_elementary_cos,
    mg_elementary_cosh, mg_elementary_erf, mg_elementary_expm1, mg_elementary_floor, mg_elementary_gelu,
    mg_elementary_gelu_grad, mg_elementary_gelu_tanh, mg_elementary_gelu_tanh_grad, mg_elementary_hypot,
    mg_elementary_leaky_relu, mg_elementary_leaky_slope, mg_elementary_log1p, mg_elementary_log2,
    mg_elementary_logaddexp, mg_elementary_maximum, mg_elementary_minimum, mg_elementary_normal_cdf, mg_elementary_pow,
    mg_elementary_sin, mg_elementary_sinh, mg_elementary_softplus, mg_elementary_step, mg_elementary_table,
    mg_elementary_tan,
)
from minigrad.kernels.native.checks cimport apart, check_out, check_real, describe
from minigrad.kernels.native.elementwise cimport alike, map_by

from minigrad.errors import DTypeError, ShapeError

cdef extern from "numpy/arrayobject.h":     # not in Cython's numpy module
    bint PyArray_SAMESHAPE(ndarray a, ndarray b)

cdef enum:
    BLOCK = 8192                            # elements of where; fixed, though its results do not depend on it
    EXACT = 1                               # what an element costs, in elements of memory-bound work
    HARD = 12


cdef inline int map2(str kernel, int op, int cost, object a, object b, ndarray out) except -1:
    cdef const mg_elementary_table *table = mg_elementary_tables[runtime.variant]
    return map_by(table.map_f32, table.map_f64, cost, kernel, op, a, b, out)


def expm1(x, ndarray out not None): map2("expm1", mg_elementary_expm1, HARD, x, out, out)
def log1p(x, ndarray out not None): map2("log1p", mg_elementary_log1p, HARD, x, out, out)
def log2(x, ndarray out not None): map2("log2", mg_elementary_log2, HARD, x, out, out)
def sin(x, ndarray out not None): map2("sin", mg_elementary_sin, HARD, x, out, out)
def cos(x, ndarray out not None): map2("cos", mg_elementary_cos, HARD, x, out, out)
def tan(x, ndarray out not None): map2("tan", mg_elementary_tan, HARD, x, out, out)
def sinh(x, ndarray out not None): map2("sinh", mg_elementary_sinh, HARD, x, out, out)
def cosh(x, ndarray out not None): map2("cosh", mg_elementary_cosh, HARD, x, out, out)
def asinh(x, ndarray out not None): map2("asinh", mg_elementary_asinh, HARD, x, out, out)
def atan(x, ndarray out not None): map2("atan", mg_elementary_atan, HARD, x, out, out)
def erf(x, ndarray out not None): map2("erf", mg_elementary_erf, HARD, x, out, out)
def normal_cdf(x, ndarray out not None): map2("normal_cdf", mg_elementary_normal_cdf, HARD, x, out, out)
def softplus(x, ndarray out not None): map2("softplus", mg_elementary_softplus, HARD, x, out, out)
def floor(x, ndarray out not None): map2("floor", mg_elementary_floor, EXACT, x, out, out)
def ceil(x, ndarray out not None): map2("ceil", mg_elementary_ceil, EXACT, x, out, out)
def pow(a, b, ndarray out not None): map2("pow", mg_elementary_pow, HARD, a, b, out)
def atan2(a, b, ndarray out not None): map2("atan2", mg_elementary_atan2, HARD, a, b, out)
def hypot(a, b, ndarray out not None): map2("hypot", mg_elementary_hypot, HARD, a, b, out)
def logaddexp(a, b, ndarray out not None): map2("logaddexp", mg_elementary_logaddexp, HARD, a, b, out)
def maximum(a, b, ndarray out not None): map2("maximum", mg_elementary_maximum, EXACT, a, b, out)
def minimum(a, b, ndarray out not None): map2("minimum", mg_elementary_minimum, EXACT, a, b, out)
def step(a, b, ndarray out not None): map2("step", mg_elementary_step, EXACT, a, b, out)
def leaky_relu(x, slope, ndarray out not None): map2("leaky_relu", mg_elementary_leaky_relu, EXACT, x, slope, out)
def leaky_slope(x, slope, ndarray out not None): map2("leaky_slope", mg_elementary_leaky_slope, EXACT, x, slope, out)
def gelu(x, ndarray out not None): map2("gelu", mg_elementary_gelu, HARD, x, out, out)
def gelu_grad(g, x, ndarray out not None): map2("gelu_grad", mg_elementary_gelu_grad, HARD, g, x, out)
def gelu_tanh(x, ndarray out not None): map2("gelu_tanh", mg_elementary_gelu_tanh, HARD, x, out, out)
def gelu_tanh_grad(g, x, ndarray out not None): map2("gelu_tanh_grad", mg_elementary_gelu_tanh_grad, HARD, g, x, out)


# --- where ---

cdef struct where_args:
    Py_ssize_t n
    const uint8_t *c
    const char *a
    const char *b
    char *out
    Py_ssize_t a_step, b_step               # in elements: 0 for a number
    int bits
    double a_value, b_value                 # of out's dtype: the first four bytes hold a float32


cdef inline void where_block(const where_args *p, Py_ssize_t i) noexcept nogil:
    cdef Py_ssize_t start = i * BLOCK, n = min(BLOCK, p.n - start), item = p.bits // 8
    cdef const mg_elementary_table *table = mg_elementary_tables[runtime.variant]
    cdef const char *a = p.a + start * p.a_step * item
    cdef const char *b = p.b + start * p.b_step * item
    cdef char *out = p.out + start * item
    if p.bits == 32:
        table.where_f32(n, p.c + start, <const float *>a, p.a_step, <const float *>b, p.b_step, <float *>out)
    else:
        table.where_f64(n, p.c + start, <const double *>a, p.a_step, <const double *>b, p.b_step, <double *>out)


cdef int k_where(const where_args *p) noexcept nogil:
    cdef Py_ssize_t i, blocks = (p.n + BLOCK - 1) // BLOCK
    cdef int threads = runtime.threads_for(p.n)
    if threads == 1:
        for i in range(blocks):
            where_block(p, i)
    else:
        for i in prange(blocks, num_threads=threads, schedule="static"):
            where_block(p, i)
    return 0


cdef ndarray shaped(str what, ndarray x, dtype, ndarray out):
    """x broadcast to out's shape: an array of that dtype, contiguous and apart from out."""
    try:
        spread = np.broadcast_to(x, (<object>out).shape)
    except ValueError:
        raise ShapeError(f"where: {what} is {describe(x)} to be broadcast to out, {describe(out)}") from None
    return np.array(spread, dtype=dtype, order="C", copy=True)


cdef ndarray operand(str what, object x, ndarray out, const char **place, double *value, Py_ssize_t *step):
    """Where the numbers of x stand, one after the other (step 1) or one for all; what must live as long."""
    cdef ndarray array = None
    step[0] = isinstance(x, ndarray)
    if step[0]:
        if not alike(x, out):
            if check_real("where", x) > check_real("where", out):
                raise DTypeError(f"where: {what} is {describe(x)}, out is {describe(out)}; copy it to float32 first")
            x = shaped(what, x, out.dtype, out)
        array = x
        place[0] = <const char *>PyArray_DATA(array)
        return array
    value[0] = x
    if check_real("where", out) == 0:
        (<float *>value)[0] = <float>value[0]
    place[0] = <const char *>value
    return None


def where(condition, a, b, ndarray out not None):
    cdef where_args p
    cdef ndarray c = condition if type(condition) is ndarray else np.asarray(condition)
    check_out("where", out)
    p.bits, p.n, p.out = 32 << check_real("where", out), PyArray_SIZE(out), <char *>PyArray_DATA(out)
    if PyArray_TYPE(c) != NPY_BOOL:
        raise DTypeError(f"where: the condition is {describe(c)}; need bool")
    if not (PyArray_SAMESHAPE(c, out) and PyArray_ISCARRAY_RO(c) and apart(c, out)):
        c = shaped("the condition", c, np.bool_, out)
    kept = operand("a", a, out, &p.a, &p.a_value, &p.a_step), operand("b", b, out, &p.b, &p.b_value, &p.b_step)
    p.c = <const uint8_t *>PyArray_DATA(c)
    if p.n == 0:
        return
    if runtime.releases_gil(p.n):
        with nogil:
            k_where(&p)
    else:
        k_where(&p)
