# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""Elementwise losses: checks, then parts, shared among threads.

Arithmetic: src_c/losses/losses.c; meaning: reference/losses.py.
"""

from numpy cimport PyArray_DATA, PyArray_SIZE, PyArray_TYPE, ndarray

from minigrad.kernels.native cimport runtime
from minigrad.kernels.native.checks cimport check_flat, check_out, check_real, describe
from minigrad.kernels.native.launch cimport call, kernel_of, know, least, pieces, put, record, share
from minigrad.kernels.native.reduction cimport NONE, check_losses, divisor_of
from minigrad.kernels.native.sums cimport part_size, stretch, sum_in_parts

from minigrad.errors import DTypeError, ShapeError

cdef extern from "losses/losses.h" nogil:
    ctypedef struct mg_loss_args:
        size_t n
        const void *x
        const void *t
        void *loss
        double divisor
        int each, precision
    ctypedef struct mg_loss_grad_args:
        size_t n
        const void *x
        const void *t
        const void *g
        void *out
        double divisor
        int each, precision
    ctypedef double (*mg_loss)(const mg_loss_args *p, size_t first, size_t n) noexcept nogil
    ctypedef void (*mg_loss_grad)(const mg_loss_grad_args *p, size_t first, size_t n) noexcept nogil
    ctypedef struct mg_losses_table:
        mg_loss bce_with_logits[2]
        mg_loss mse[2]
        mg_loss_grad bce_with_logits_grad[2]
        mg_loss_grad mse_grad[2]
    const mg_losses_table *const *mg_losses_tables

cdef enum: BCE_WEIGHT = 16                  # work of an exponential and a logarithm, in elements of memory-bound work


# --- the losses ---

cdef struct loss_call:                      # what the parts share
    const mg_loss_args *p
    mg_loss body


cdef void loss_part(const void *args, size_t i) noexcept nogil:
    s = <const stretch *>args
    c = <const loss_call *>s.args
    s.sums[i] = c.body(c.p, i * s.size, least(s.size, s.n - i * s.size))


cdef inline int sum_losses(size_t work, const mg_loss_args *p, mg_loss body) noexcept nogil:
    cdef loss_call c
    c.p, c.body = p, body
    cdef double total = sum_in_parts(work, 0, p.n, loss_part, &c)
    if not p.each:
        put(p.loss, p.precision, total / p.divisor)
    return 0


cdef int k_bce_with_logits(const void *args) noexcept nogil:
    p = <const mg_loss_args *>args
    return sum_losses(BCE_WEIGHT * p.n, p, mg_losses_tables[runtime.variant].bce_with_logits[p.precision])


cdef int k_mse(const void *args) noexcept nogil:
    p = <const mg_loss_args *>args
    return sum_losses(p.n, p, mg_losses_tables[runtime.variant].mse[p.precision])


# --- their gradients ---

cdef void bce_with_logits_grad_part(const void *args, size_t i) noexcept nogil:
    p = <const mg_loss_grad_args *>args
    cdef size_t size = part_size(p.n)
    mg_losses_tables[runtime.variant].bce_with_logits_grad[p.precision](p, i * size, least(size, p.n - i * size))


cdef int k_bce_with_logits_grad(const void *args) noexcept nogil:
    p = <const mg_loss_grad_args *>args
    share(BCE_WEIGHT * p.n, pieces(p.n, part_size(p.n)), bce_with_logits_grad_part, p)
    return 0


cdef void mse_grad_part(const void *args, size_t i) noexcept nogil:
    p = <const mg_loss_grad_args *>args
    cdef size_t size = part_size(p.n)
    mg_losses_tables[runtime.variant].mse_grad[p.precision](p, i * size, least(size, p.n - i * size))


cdef int k_mse_grad(const void *args) noexcept nogil:
    p = <const mg_loss_grad_args *>args
    share(p.n, pieces(p.n, part_size(p.n)), mse_grad_part, p)
    return 0


cdef int check_pair(str kernel, ndarray x, str name, ndarray t) except -1:
    """x and t are flat reals of one dtype and one shape. Returns their precision."""
    if PyArray_TYPE(x) != PyArray_TYPE(t):
        raise DTypeError(f"{kernel}: x is {describe(x)}, {name} is {describe(t)}; need the same dtype")
    if (<object>x).shape != (<object>t).shape:
        raise ShapeError(f"{kernel}: x is {describe(x)}, {name} is {describe(t)}; need the same shape")
    check_flat(kernel, x)
    check_flat(kernel, t)
    return check_real(kernel, x)


cdef int run_loss(
    str name, kernel_of kernel, size_t weight, ndarray x, ndarray t, ndarray loss, int reduction
) except -1:
    cdef mg_loss_args p
    record(&p, sizeof(p))
    p.precision, p.n, p.each = check_pair(name, x, "t", t), PyArray_SIZE(x), reduction == NONE
    check_out(name, loss)
    check_losses(name, "loss", loss, x, p.n, reduction)
    p.divisor = divisor_of(name, x, p.n, reduction)
    p.x, p.t, p.loss = PyArray_DATA(x), PyArray_DATA(t), PyArray_DATA(loss)
    call(kernel, &p, weight * p.n)
    return 0


cdef int run_loss_grad(
    str name, kernel_of kernel, size_t weight, ndarray x, ndarray t, ndarray g, ndarray out, int reduction
) except -1:
    cdef mg_loss_grad_args p
    record(&p, sizeof(p))
    p.precision, p.n, p.each = check_pair(name, x, "t", t), PyArray_SIZE(x), reduction == NONE
    check_pair(name, x, "out", out)
    check_out(name, out)
    check_losses(name, "g", g, x, p.n, reduction)
    if p.n == 0:
        return 0
    p.divisor = divisor_of(name, x, p.n, reduction)
    p.x, p.t, p.g, p.out = PyArray_DATA(x), PyArray_DATA(t), PyArray_DATA(g), PyArray_DATA(out)
    call(kernel, &p, weight * p.n)
    return 0


def bce_with_logits(ndarray x not None, ndarray t not None, ndarray loss not None, *, int reduction):
    run_loss("bce_with_logits", k_bce_with_logits, BCE_WEIGHT, x, t, loss, reduction)


def bce_with_logits_grad(
    ndarray x not None, ndarray t not None, ndarray g not None, ndarray out not None, *, int reduction
):
    run_loss_grad("bce_with_logits_grad", k_bce_with_logits_grad, BCE_WEIGHT, x, t, g, out, reduction)


def mse(ndarray x not None, ndarray t not None, ndarray loss not None, *, int reduction):
    run_loss("mse", k_mse, 1, x, t, loss, reduction)


def mse_grad(ndarray x not None, ndarray t not None, ndarray g not None, ndarray out not None, *, int reduction):
    run_loss_grad("mse_grad", k_mse_grad, 1, x, t, g, out, reduction)


know("bce_with_logits", k_bce_with_logits)
know("mse", k_mse)
know("bce_with_logits_grad", k_bce_with_logits_grad)
know("mse_grad", k_mse_grad)
