# cython: language_level=3, boundscheck=False, wraparound=False
"""Penalties: checks, then blocks, shared among threads.

Arithmetic: src_c/penalty/penalty.c; meaning: reference/penalty.py.

A kernel is three functions, read from the last: `def name` checks and fills the struct, `k_name` runs all blocks
(without the GIL, if there are many), `name_block` runs one. Helpers: launch.pxd; `record` is for mg.compile.
"""

from numpy cimport PyArray_DATA, PyArray_SIZE, ndarray

from minigrad.kernels.native cimport runtime
from minigrad.kernels.native.checks cimport check_flat, check_out, check_real, check_same, describe
from minigrad.kernels.native.launch cimport add_pieces, call, know, least, pieces, put, record, rounded, share, wave

cdef extern from "penalty/penalty.h" nogil:
    ctypedef struct mg_elastic_net_args:
        size_t n
        const void *w
        void *grad
        void *value
        double l1, l2
        int precision, value_precision
    ctypedef struct mg_elastic_net_grad_args:
        size_t n
        const void *w
        void *out
        double l1, l2, scale
        int precision
    ctypedef struct mg_soft_threshold_args:
        size_t n
        const void *v
        void *out
        double step, l1, l2
        int precision
    ctypedef struct mg_penalty_table:
        void (*elastic_net[2])(const mg_elastic_net_args *p, size_t first, size_t n, double *sums) noexcept nogil
        void (*elastic_net_grad[2])(const mg_elastic_net_grad_args *p, size_t first, size_t n) noexcept nogil
        void (*soft_threshold[2])(const mg_soft_threshold_args *p, size_t first, size_t n) noexcept nogil
    const mg_penalty_table *const *mg_penalty_tables

cdef enum: BLOCK = 4096                     # elements; MG_PIECE of update.h is equal, so that both give equal sums


# --- elastic_net: value and gradient in one pass ---

cdef void elastic_net_block(const void *args, size_t i) noexcept nogil:
    current = <const wave *>args
    p = <const mg_elastic_net_args *>current.args
    cdef size_t start = (current.first + i) * BLOCK
    mg_penalty_tables[runtime.variant].elastic_net[p.precision](p, start, least(BLOCK, p.n - start), current.sums[i])


cdef int k_elastic_net(const void *args) noexcept nogil:
    p = <const mg_elastic_net_args *>args
    cdef double[2] sums                     # Σ|w|, Σw²
    cdef double value = 0
    sums[0] = sums[1] = 0
    if p.n <= BLOCK:
        mg_penalty_tables[runtime.variant].elastic_net[p.precision](p, 0, p.n, sums)
    else:
        add_pieces(p.n, pieces(p.n, BLOCK), elastic_net_block, p, sums)
    if p.l1 != 0:                           # 0 times an infinite sum would be NaN
        value = p.l1 * sums[0]
    if p.l2 != 0:
        value += 0.5 * p.l2 * sums[1]
    put(p.value, p.value_precision, value)
    return 0


def elastic_net(ndarray w not None, ndarray value not None, ndarray grad=None, *, double l1, double l2):
    cdef mg_elastic_net_args p
    record(&p, sizeof(p))
    p.precision, p.value_precision = check_real("elastic_net", w), check_real("elastic_net", value)
    check_flat("elastic_net", w)
    check_out("elastic_net", value)
    if PyArray_SIZE(value) != 1:
        from minigrad.errors import ShapeError
        raise ShapeError(f"elastic_net: value is {describe(value)}; need one element")
    if grad is not None:
        check_same("elastic_net", w, grad)
    p.n, p.w, p.value = PyArray_SIZE(w), PyArray_DATA(w), PyArray_DATA(value)
    p.grad = NULL if grad is None else PyArray_DATA(grad)
    p.l1, p.l2 = rounded(l1, p.precision), rounded(l2, p.precision)     # k_elastic_net multiplies by them in double
    call(k_elastic_net, &p, p.n)


# --- elastic_net_grad: the gradient alone ---

cdef void elastic_net_grad_block(const void *args, size_t i) noexcept nogil:
    p = <const mg_elastic_net_grad_args *>args
    mg_penalty_tables[runtime.variant].elastic_net_grad[p.precision](p, i * BLOCK, least(BLOCK, p.n - i * BLOCK))


cdef int k_elastic_net_grad(const void *args) noexcept nogil:
    p = <const mg_elastic_net_grad_args *>args
    share(p.n, pieces(p.n, BLOCK), elastic_net_grad_block, p)
    return 0


def elastic_net_grad(ndarray w not None, ndarray out not None, *, double l1, double l2, double scale=1.0):
    cdef mg_elastic_net_grad_args p
    record(&p, sizeof(p))
    p.precision = check_same("elastic_net_grad", w, out)
    p.n, p.w, p.out = PyArray_SIZE(w), PyArray_DATA(w), PyArray_DATA(out)
    p.l1, p.l2, p.scale = l1, l2, scale
    call(k_elastic_net_grad, &p, p.n)


# --- soft_threshold: the proximal map ---

cdef void soft_threshold_block(const void *args, size_t i) noexcept nogil:
    p = <const mg_soft_threshold_args *>args
    mg_penalty_tables[runtime.variant].soft_threshold[p.precision](p, i * BLOCK, least(BLOCK, p.n - i * BLOCK))


cdef int k_soft_threshold(const void *args) noexcept nogil:
    p = <const mg_soft_threshold_args *>args
    share(p.n, pieces(p.n, BLOCK), soft_threshold_block, p)
    return 0


def soft_threshold(ndarray v not None, ndarray out not None, *, double step, double l1, double l2):
    cdef mg_soft_threshold_args p
    record(&p, sizeof(p))
    p.precision = check_same("soft_threshold", v, out)
    p.n, p.v, p.out = PyArray_SIZE(v), PyArray_DATA(v), PyArray_DATA(out)
    p.step, p.l1, p.l2 = step, l1, l2
    call(k_soft_threshold, &p, p.n)


know("elastic_net", k_elastic_net)
know("elastic_net_grad", k_elastic_net_grad)
know("soft_threshold", k_soft_threshold)
