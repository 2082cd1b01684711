# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""Softmax and cross-entropy: checks, then rows over threads. Arithmetic: src_c/reduce/softmax.c; meaning: reference/softmax.py."""

from cython.parallel cimport prange
from libc.stdint cimport int64_t
from numpy cimport PyArray_DATA, PyArray_DIM, PyArray_NDIM, PyArray_SIZE, PyArray_TYPE, ndarray

from minigrad.kernels.native cimport runtime
from minigrad.kernels.native._c cimport mg_softmax_tables, mg_softmax_table
from minigrad.kernels.native.checks cimport check_indices, check_out, check_same, describe
from minigrad.kernels.native.reduction cimport NONE, check_losses, divisor_of
from minigrad.kernels.native.sums cimport CHUNK, mg_pairwise, mg_pairwise_add, mg_pairwise_total

from minigrad.errors import DTypeError, ShapeError

cdef enum:
    BLOCK = 4096                            # elements that a thread takes at once, in whole rows
    WEIGHT = 8                              # an exponential and its share of a sum, in elements of memory-bound work
    SOFTMAX, SOFTMAX_GRAD, LOG_SOFTMAX, LOG_SOFTMAX_GRAD


cdef struct rows_args:                      # of the four kernels that map rows to rows
    int kind, bits
    Py_ssize_t rows, n
    const char *x                           # or the incoming gradient
    const char *y                           # the output, for a gradient
    char *out


cdef void rows_block(const rows_args *p, Py_ssize_t i, Py_ssize_t rows) noexcept nogil:
    cdef const mg_softmax_table *c = mg_softmax_tables[runtime.variant]
    cdef Py_ssize_t at = i * p.n
    cdef const float *x32 = <const float *>p.x + at
    cdef const float *y32 = <const float *>p.y + at
    cdef const double *x64 = <const double *>p.x + at
    cdef const double *y64 = <const double *>p.y + at
    cdef float *out32 = <float *>p.out + at
    cdef double *out64 = <double *>p.out + at
    if p.bits == 32:
        if p.kind == SOFTMAX: c.softmax_f32(rows, p.n, x32, out32)
        elif p.kind == SOFTMAX_GRAD: c.softmax_grad_f32(rows, p.n, x32, y32, out32)
        elif p.kind == LOG_SOFTMAX: c.log_softmax_f32(rows, p.n, x32, out32)
        else: c.log_softmax_grad_f32(rows, p.n, x32, y32, out32)
    else:
        if p.kind == SOFTMAX: c.softmax_f64(rows, p.n, x64, out64)
        elif p.kind == SOFTMAX_GRAD: c.softmax_grad_f64(rows, p.n, x64, y64, out64)
        elif p.kind == LOG_SOFTMAX: c.log_softmax_f64(rows, p.n, x64, out64)
        else: c.log_softmax_grad_f64(rows, p.n, x64, y64, out64)


cdef int k_rows(const rows_args *p) noexcept nogil:
    cdef int threads = runtime.threads_for(WEIGHT * p.rows * p.n)
    cdef Py_ssize_t i, size = 1 + BLOCK // p.n, blocks = (p.rows + size - 1) // size
    if threads == 1:
        rows_block(p, 0, p.rows)
    else:
        for i in prange(blocks, num_threads=threads, schedule="static"):
            rows_block(p, i * size, min(size, p.rows - i * size))
    return 0


cdef inline bint is_table(ndarray x, ndarray out) noexcept:
    """Both are (rows, classes), knowing that their sizes are equal."""
    return PyArray_NDIM(out) == 2 and PyArray_NDIM(x) == 2 and PyArray_DIM(x, 1) == PyArray_DIM(out, 1)


cdef int run_rows(str kernel, int kind, ndarray x, ndarray y, ndarray out) except -1:
    cdef rows_args p
    p.kind, p.bits = kind, 32 << check_same(kernel, x, out)
    if kind == SOFTMAX_GRAD or kind == LOG_SOFTMAX_GRAD:
        check_same(kernel, y, out)
    if not (is_table(x, out) and is_table(y, out)):
        first = f"x is {describe(x)}" if x is y else f"g is {describe(x)}, y is {describe(y)}"
        raise ShapeError(f"{kernel}: {first}, out is {describe(out)}; need all (rows, classes)")
    p.rows, p.n = PyArray_DIM(out, 0), PyArray_DIM(out, 1)
    p.x, p.y, p.out = <const char *>PyArray_DATA(x), <const char *>PyArray_DATA(y), <char *>PyArray_DATA(out)
    if p.rows * p.n == 0:
        return 0
    if runtime.releases_gil(WEIGHT * p.rows * p.n):
        with nogil:
            k_rows(&p)
    else:
        k_rows(&p)
    return 0


def softmax(ndarray x not None, ndarray out not None):
    run_rows("softmax", SOFTMAX, x, x, out)


def softmax_grad(ndarray g not None, ndarray y not None, ndarray out not None):
    run_rows("softmax_grad", SOFTMAX_GRAD, g, y, out)


def log_softmax(ndarray x not None, ndarray out not None):
    run_rows("log_softmax", LOG_SOFTMAX, x, x, out)


def log_softmax_grad(ndarray g not None, ndarray y not None, ndarray out not None):
    run_rows("log_softmax_grad", LOG_SOFTMAX_GRAD, g, y, out)


cdef struct cross_entropy_args:
    Py_ssize_t rows, n
    const char *x
    const int64_t *label                    # or NULL, and probabilities t
    const char *t
    char *loss
    char *probs
    bint each                               # one loss per row; else their sum over divisor
    double divisor
    int bits


cdef void cross_entropy_block(const cross_entropy_args *p, Py_ssize_t i, Py_ssize_t rows, char *loss) noexcept nogil:
    """The losses of `rows` rows from row i on."""
    cdef const mg_softmax_table *c = mg_softmax_tables[runtime.variant]
    cdef Py_ssize_t at = i * p.n
    cdef const int64_t *label = p.label + i if p.label else NULL
    if p.bits == 32:
        c.cross_entropy_f32(rows, p.n, <const float *>p.x + at, label, <const float *>p.t + at,
                            <float *>loss, <float *>p.probs + at)
    else:
        c.cross_entropy_f64(rows, p.n, <const double *>p.x + at, label, <const double *>p.t + at,
                            <double *>loss, <double *>p.probs + at)


cdef void cross_entropy_rows(const cross_entropy_args *p, Py_ssize_t i, Py_ssize_t rows, char *loss) noexcept nogil:
    """The same over threads."""
    cdef int threads = runtime.threads_for(WEIGHT * rows * p.n)
    cdef Py_ssize_t j, size = 1 + BLOCK // p.n, blocks = (rows + size - 1) // size
    if threads == 1:
        cross_entropy_block(p, i, rows, loss)
    else:
        for j in prange(blocks, num_threads=threads, schedule="static"):
            cross_entropy_block(p, i + j * size, min(size, rows - j * size), loss + j * size * (p.bits // 8))


cdef int k_cross_entropy(const cross_entropy_args *p) noexcept nogil:
    cdef double losses[CHUNK]               # of one chunk of the sum, as reals of p.bits
    cdef mg_pairwise sum
    cdef Py_ssize_t i = 0, rows
    if p.each:
        cross_entropy_rows(p, 0, p.rows, p.loss)
        return 0
    sum.count = sum.waiting = 0
    while i < p.rows:
        rows = min(CHUNK, p.rows - i)
        cross_entropy_rows(p, i, rows, <char *>losses)
        if p.bits == 32:
            mg_pairwise_add(&sum, mg_softmax_tables[runtime.variant].sum_flat_f32(rows, <const float *>losses))
        else:
            mg_pairwise_add(&sum, mg_softmax_tables[runtime.variant].sum_flat_f64(rows, losses))
        i += rows
    if p.bits == 32:
        (<float *>p.loss)[0] = <float>(mg_pairwise_total(&sum) / p.divisor)
    else:
        (<double *>p.loss)[0] = mg_pairwise_total(&sum) / p.divisor
    return 0


cdef int check_target(str kernel, ndarray x, ndarray target) except -1:
    """target is labels (rows,) in [0, classes), or probabilities like x."""
    if PyArray_NDIM(x) != 2:
        raise ShapeError(f"{kernel}: x is {describe(x)}; need (rows, classes)")
    if PyArray_NDIM(target) == 1 and PyArray_SIZE(target) == PyArray_DIM(x, 0):
        return check_indices(kernel, "label", target, PyArray_DIM(x, 1))
    if (<object>target).shape != (<object>x).shape:
        raise ShapeError(f"{kernel}: x is {describe(x)}, target is {describe(target)}; "
                         f"need labels ({PyArray_DIM(x, 0)},) or probabilities like x")
    if PyArray_TYPE(target) != PyArray_TYPE(x):
        raise DTypeError(f"{kernel}: x is {describe(x)}, target is {describe(target)}; need probabilities in x's dtype")
    check_same(kernel, target, x)
    return 0


def cross_entropy(
    ndarray x not None, ndarray target not None, ndarray loss not None, ndarray probs not None, *, int reduction
):
    cdef cross_entropy_args p
    p.bits = 32 << check_same("cross_entropy", x, probs)
    check_target("cross_entropy", x, target)
    p.rows, p.n, p.each = PyArray_DIM(x, 0), PyArray_DIM(x, 1), reduction == NONE
    if p.rows > 0 and p.n == 0:
        raise ShapeError(f"cross_entropy: x is {describe(x)}; need at least one class")
    check_out("cross_entropy", loss)
    check_losses("cross_entropy", "loss", loss, x, p.rows, reduction)
    p.divisor = divisor_of("cross_entropy", x, p.rows, reduction)
    p.x, p.loss, p.probs = <const char *>PyArray_DATA(x), <char *>PyArray_DATA(loss), <char *>PyArray_DATA(probs)
    p.t = <const char *>PyArray_DATA(target)
    p.label = <const int64_t *>p.t if PyArray_NDIM(target) == 1 else NULL
    if runtime.releases_gil(WEIGHT * p.rows * p.n):
        with nogil:
            k_cross_entropy(&p)
    else:
        k_cross_entropy(&p)


cdef struct cross_entropy_grad_args:
    Py_ssize_t rows, n, step
    const char *probs
    const int64_t *label                    # or NULL, and probabilities t
    const char *t
    const char *g
    char *out
    double divisor
    int bits


cdef void cross_entropy_grad_block(const cross_entropy_grad_args *p, Py_ssize_t i, Py_ssize_t rows) noexcept nogil:
    cdef const mg_softmax_table *c = mg_softmax_tables[runtime.variant]
    cdef Py_ssize_t at = i * p.n, g = i * p.step
    cdef const int64_t *label = p.label + i if p.label else NULL
    if p.bits == 32:
        c.cross_entropy_grad_f32(rows, p.n, <const float *>p.probs + at, label, <const float *>p.t + at,
                                 <const float *>p.g + g, p.step, p.divisor, <float *>p.out + at)
    else:
        c.cross_entropy_grad_f64(rows, p.n, <const double *>p.probs + at, label, <const double *>p.t + at,
                                 <const double *>p.g + g, p.step, p.divisor, <double *>p.out + at)


cdef int k_cross_entropy_grad(const cross_entropy_grad_args *p) noexcept nogil:
    cdef int threads = runtime.threads_for(p.rows * p.n)
    cdef Py_ssize_t i, size = 1 + BLOCK // p.n, blocks = (p.rows + size - 1) // size
    if threads == 1:
        cross_entropy_grad_block(p, 0, p.rows)
    else:
        for i in prange(blocks, num_threads=threads, schedule="static"):
            cross_entropy_grad_block(p, i * size, min(size, p.rows - i * size))
    return 0


def cross_entropy_grad(
    ndarray probs not None, ndarray target not None, ndarray g not None, ndarray out not None, *, int reduction
):
    cdef cross_entropy_grad_args p
    p.bits = 32 << check_same("cross_entropy_grad", probs, out)
    check_target("cross_entropy_grad", probs, target)
    p.rows, p.n, p.step = PyArray_DIM(probs, 0), PyArray_DIM(probs, 1), reduction == NONE
    check_losses("cross_entropy_grad", "g", g, probs, p.rows, reduction)
    if p.rows * p.n == 0:
        return
    p.divisor = divisor_of("cross_entropy_grad", probs, p.rows, reduction)
    p.probs, p.g, p.out = <const char *>PyArray_DATA(probs), <const char *>PyArray_DATA(g), <char *>PyArray_DATA(out)
    p.t = <const char *>PyArray_DATA(target)
    p.label = <const int64_t *>p.t if PyArray_NDIM(target) == 1 else NULL
    if runtime.releases_gil(p.rows * p.n):
        with nogil:
            k_cross_entropy_grad(&p)
    else:
        k_cross_entropy_grad(&p)
