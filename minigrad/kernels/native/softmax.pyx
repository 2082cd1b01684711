# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""Softmax and cross-entropy: checks, then rows, shared among threads.

Arithmetic: src_c/reduce/softmax.c; meaning: reference/softmax.py.
"""

from libc.stdint cimport int64_t
from numpy cimport PyArray_DATA, PyArray_DIM, PyArray_NDIM, PyArray_SIZE, PyArray_TYPE, ndarray

from minigrad.kernels.native cimport runtime, tape
from minigrad.kernels.native.checks cimport check_indices, check_out, check_same, describe
from minigrad.kernels.native.indices cimport OUTSIDE, inside
from minigrad.kernels.native.launch cimport (
    call, item_size, kernel_of, know, least, pieces, put, record, share, threads_for,
)
from minigrad.kernels.native.reduction cimport NONE, check_losses, divisor_of
from minigrad.kernels.native.sums cimport CHUNK, mg_pairwise, mg_pairwise_add, mg_pairwise_total

from minigrad.errors import DTypeError, ShapeError

cdef extern from "reduce/softmax.h" nogil:
    ctypedef struct mg_softmax_args:
        size_t rows, n
        const void *x
        void *out
        int precision
    ctypedef struct mg_softmax_grad_args:
        size_t rows, n
        const void *g
        const void *y
        void *out
        int precision
    ctypedef struct mg_cross_entropy_args:
        size_t rows, n
        const void *x
        const int64_t *label
        const void *t
        void *loss
        void *probs
        double divisor
        int each, precision
    ctypedef struct mg_cross_entropy_grad_args:
        size_t rows, n
        const void *probs
        const int64_t *label
        const void *t
        const void *g
        void *out
        double divisor
        int each, precision
    ctypedef void (*mg_softmax_rows)(const mg_softmax_args *p, size_t first, size_t n) noexcept nogil
    ctypedef void (*mg_softmax_grad_rows)(const mg_softmax_grad_args *p, size_t first, size_t n) noexcept nogil
    ctypedef struct mg_softmax_table:
        mg_softmax_rows softmax[2]
        mg_softmax_rows log_softmax[2]
        mg_softmax_grad_rows softmax_grad[2]
        mg_softmax_grad_rows log_softmax_grad[2]
        double (*sum_flat[2])(size_t n, const void *losses) noexcept nogil
        void (*cross_entropy[2])(const mg_cross_entropy_args *p, size_t first, size_t n, void *loss) noexcept nogil
        void (*cross_entropy_grad[2])(const mg_cross_entropy_grad_args *p, size_t first, size_t n) noexcept nogil
    const mg_softmax_table *const *mg_softmax_tables

cdef enum:
    BLOCK = 4096                            # elements that a thread takes at once, in whole rows
    WEIGHT = 8                              # the work of an exponential and a sum, in elements of memory-bound work


cdef inline size_t rows_at_once(size_t n) noexcept nogil:
    return 1 + BLOCK // n


# --- softmax, log_softmax and their gradients: one thread computes all rows at once, several share blocks of rows ---

cdef struct softmax_call:                   # what the blocks share
    const mg_softmax_args *p
    mg_softmax_rows body


cdef void softmax_block(const void *args, size_t i) noexcept nogil:
    c = <const softmax_call *>args
    cdef size_t size = rows_at_once(c.p.n)
    c.body(c.p, i * size, least(size, c.p.rows - i * size))


cdef inline int softmax_rows(const mg_softmax_args *p, mg_softmax_rows body) noexcept nogil:
    cdef softmax_call c
    cdef size_t work = WEIGHT * p.rows * p.n
    c.p, c.body = p, body
    if threads_for(work) == 1:
        body(p, 0, p.rows)
    else:
        share(work, pieces(p.rows, rows_at_once(p.n)), softmax_block, &c)
    return 0


cdef int k_softmax(const void *args) noexcept nogil:
    p = <const mg_softmax_args *>args
    return softmax_rows(p, mg_softmax_tables[runtime.variant].softmax[p.precision])


cdef int k_log_softmax(const void *args) noexcept nogil:
    p = <const mg_softmax_args *>args
    return softmax_rows(p, mg_softmax_tables[runtime.variant].log_softmax[p.precision])


cdef struct softmax_grad_call:
    const mg_softmax_grad_args *p
    mg_softmax_grad_rows body


cdef void softmax_grad_block(const void *args, size_t i) noexcept nogil:
    c = <const softmax_grad_call *>args
    cdef size_t size = rows_at_once(c.p.n)
    c.body(c.p, i * size, least(size, c.p.rows - i * size))


cdef inline int softmax_grad_rows(const mg_softmax_grad_args *p, mg_softmax_grad_rows body) noexcept nogil:
    cdef softmax_grad_call c
    cdef size_t work = WEIGHT * p.rows * p.n
    c.p, c.body = p, body
    if threads_for(work) == 1:
        body(p, 0, p.rows)
    else:
        share(work, pieces(p.rows, rows_at_once(p.n)), softmax_grad_block, &c)
    return 0


cdef int k_softmax_grad(const void *args) noexcept nogil:
    p = <const mg_softmax_grad_args *>args
    return softmax_grad_rows(p, mg_softmax_tables[runtime.variant].softmax_grad[p.precision])


cdef int k_log_softmax_grad(const void *args) noexcept nogil:
    p = <const mg_softmax_grad_args *>args
    return softmax_grad_rows(p, mg_softmax_tables[runtime.variant].log_softmax_grad[p.precision])


cdef inline bint is_table(ndarray x, ndarray out) noexcept:
    """Whether both are (rows, classes) of one shape; their sizes must be equal already."""
    return PyArray_NDIM(out) == 2 and PyArray_NDIM(x) == 2 and PyArray_DIM(x, 1) == PyArray_DIM(out, 1)


cdef int run_rows(str name, kernel_of kernel, ndarray x, ndarray out) except -1:
    cdef mg_softmax_args p
    record(&p, sizeof(p))
    p.precision = check_same(name, x, out)
    if not is_table(x, out):
        raise ShapeError(f"{name}: x is {describe(x)}, out is {describe(out)}; need all (rows, classes)")
    p.rows, p.n, p.x, p.out = PyArray_DIM(out, 0), PyArray_DIM(out, 1), PyArray_DATA(x), PyArray_DATA(out)
    if p.rows * p.n:
        call(kernel, &p, WEIGHT * p.rows * p.n)
    return 0


cdef int run_rows_grad(str name, kernel_of kernel, ndarray g, ndarray y, ndarray out) except -1:
    cdef mg_softmax_grad_args p
    record(&p, sizeof(p))
    p.precision = check_same(name, g, out)
    check_same(name, y, out)
    if not (is_table(g, out) and is_table(y, out)):
        first = f"g is {describe(g)}, y is {describe(y)}"
        raise ShapeError(f"{name}: {first}, out is {describe(out)}; need all (rows, classes)")
    p.rows, p.n = PyArray_DIM(out, 0), PyArray_DIM(out, 1)
    p.g, p.y, p.out = PyArray_DATA(g), PyArray_DATA(y), PyArray_DATA(out)
    if p.rows * p.n:
        call(kernel, &p, WEIGHT * p.rows * p.n)
    return 0


def softmax(ndarray x not None, ndarray out not None):
    run_rows("softmax", k_softmax, x, out)


def softmax_grad(ndarray g not None, ndarray y not None, ndarray out not None):
    run_rows_grad("softmax_grad", k_softmax_grad, g, y, out)


def log_softmax(ndarray x not None, ndarray out not None):
    run_rows("log_softmax", k_log_softmax, x, out)


def log_softmax_grad(ndarray g not None, ndarray y not None, ndarray out not None):
    run_rows_grad("log_softmax_grad", k_log_softmax_grad, g, y, out)


# --- cross_entropy: the losses and the probabilities ---

cdef struct some_rows:                      # what the blocks share: their losses go to `loss`, one after the other
    const mg_cross_entropy_args *p
    size_t first, rows
    char *loss


cdef void cross_entropy_block(const void *args, size_t i) noexcept nogil:
    s = <const some_rows *>args
    p = s.p
    cdef size_t size = rows_at_once(p.n), start = i * size
    mg_softmax_tables[runtime.variant].cross_entropy[p.precision](
        p, s.first + start, least(size, s.rows - start), s.loss + start * item_size(p.precision))


cdef inline void cross_entropy_rows(
    const mg_cross_entropy_args *p, size_t first, size_t rows, void *loss
) noexcept nogil:
    """The losses of `rows` rows from `first` on."""
    cdef some_rows s
    cdef size_t work = WEIGHT * rows * p.n
    s.p, s.first, s.rows, s.loss = p, first, rows, <char *>loss
    if threads_for(work) == 1:
        mg_softmax_tables[runtime.variant].cross_entropy[p.precision](p, first, rows, loss)
    else:
        share(work, pieces(rows, rows_at_once(p.n)), cross_entropy_block, &s)


cdef int k_cross_entropy(const void *args) noexcept nogil:
    p = <const mg_cross_entropy_args *>args
    cdef double[CHUNK] losses               # of one chunk of the sum, as numbers of p's precision
    cdef mg_pairwise sum
    cdef size_t i = 0, rows
    if p.each:
        cross_entropy_rows(p, 0, p.rows, p.loss)
        return 0
    sum.count = sum.waiting = 0
    while i < p.rows:
        rows = least(CHUNK, p.rows - i)
        cross_entropy_rows(p, i, rows, losses)
        mg_pairwise_add(&sum, mg_softmax_tables[runtime.variant].sum_flat[p.precision](rows, losses))
        i += rows
    put(p.loss, p.precision, mg_pairwise_total(&sum) / p.divisor)
    return 0


cdef int k_cross_entropy_checked(const void *args) noexcept nogil:
    """The kernel of a recorded step. It checks the labels, because a replay does not call the def that checks them."""
    p = <const mg_cross_entropy_args *>args
    return k_cross_entropy(p) if p.label == NULL or inside(p.label, p.rows, p.n) else OUTSIDE


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
    cdef mg_cross_entropy_args p
    record(&p, sizeof(p))
    p.precision = check_same("cross_entropy", x, probs)
    check_target("cross_entropy", x, target)
    p.rows, p.n, p.each = PyArray_DIM(x, 0), PyArray_DIM(x, 1), reduction == NONE
    if p.rows > 0 and p.n == 0:
        raise ShapeError(f"cross_entropy: x is {describe(x)}; need at least one class")
    check_out("cross_entropy", loss)
    check_losses("cross_entropy", "loss", loss, x, p.rows, reduction)
    p.divisor = divisor_of("cross_entropy", x, p.rows, reduction)
    p.x, p.loss, p.probs, p.t = PyArray_DATA(x), PyArray_DATA(loss), PyArray_DATA(probs), PyArray_DATA(target)
    p.label = <const int64_t *>p.t if PyArray_NDIM(target) == 1 else NULL
    call(k_cross_entropy_checked if tape.on else k_cross_entropy, &p, WEIGHT * p.rows * p.n)


# --- cross_entropy_grad ---

cdef void cross_entropy_grad_block(const void *args, size_t i) noexcept nogil:
    p = <const mg_cross_entropy_grad_args *>args
    cdef size_t size = rows_at_once(p.n)
    mg_softmax_tables[runtime.variant].cross_entropy_grad[p.precision](p, i * size, least(size, p.rows - i * size))


cdef int k_cross_entropy_grad(const void *args) noexcept nogil:
    p = <const mg_cross_entropy_grad_args *>args
    share(p.rows * p.n, pieces(p.rows, rows_at_once(p.n)), cross_entropy_grad_block, p)
    return 0


cdef int k_cross_entropy_grad_checked(const void *args) noexcept nogil:
    """The kernel of a recorded step, as k_cross_entropy_checked."""
    p = <const mg_cross_entropy_grad_args *>args
    return k_cross_entropy_grad(p) if p.label == NULL or inside(p.label, p.rows, p.n) else OUTSIDE


def cross_entropy_grad(
    ndarray probs not None, ndarray target not None, ndarray g not None, ndarray out not None, *, int reduction
):
    cdef mg_cross_entropy_grad_args p
    record(&p, sizeof(p))
    p.precision = check_same("cross_entropy_grad", probs, out)
    check_target("cross_entropy_grad", probs, target)
    p.rows, p.n, p.each = PyArray_DIM(probs, 0), PyArray_DIM(probs, 1), reduction == NONE
    check_losses("cross_entropy_grad", "g", g, probs, p.rows, reduction)
    if p.rows * p.n == 0:
        return
    p.divisor = divisor_of("cross_entropy_grad", probs, p.rows, reduction)
    p.probs, p.g, p.out, p.t = PyArray_DATA(probs), PyArray_DATA(g), PyArray_DATA(out), PyArray_DATA(target)
    p.label = <const int64_t *>p.t if PyArray_NDIM(target) == 1 else NULL
    call(k_cross_entropy_grad_checked if tape.on else k_cross_entropy_grad, &p, p.rows * p.n)


know("softmax", k_softmax)
know("log_softmax", k_log_softmax)
know("softmax_grad", k_softmax_grad)
know("log_softmax_grad", k_log_softmax_grad)
know("cross_entropy", k_cross_entropy)
know("cross_entropy_grad", k_cross_entropy_grad)
know("cross_entropy_checked", k_cross_entropy_checked)
know("cross_entropy_grad_checked", k_cross_entropy_grad_checked)
