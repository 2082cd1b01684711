# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""Elementwise losses: checks, then parts over threads. Arithmetic: src_c/losses/losses.c; meaning: reference/losses.py."""

from cython.parallel cimport prange
from numpy cimport PyArray_DATA, PyArray_SIZE, PyArray_TYPE, ndarray

from minigrad.kernels.native cimport runtime
from minigrad.kernels.native._c cimport mg_losses_tables, mg_losses_table
from minigrad.kernels.native.checks cimport check_flat, check_out, check_real, describe
from minigrad.kernels.native.reduction cimport NONE, check_losses, divisor_of
from minigrad.kernels.native.sums cimport MAX_PARTS, part_size, sum_parts

from minigrad.errors import DTypeError, ShapeError

cdef enum:
    BCE, MSE
    BCE_WEIGHT = 16                         # an exponential and a logarithm, in elements of memory-bound work


cdef struct loss_args:
    int kind, bits
    Py_ssize_t n
    const char *x
    const char *t
    char *loss
    bint each                               # one loss per element; else their sum over divisor
    double divisor


cdef double loss_part(const loss_args *p, Py_ssize_t at, Py_ssize_t n) noexcept nogil:
    """The flat sum of n losses from element `at` on, or the losses themselves."""
    cdef const mg_losses_table *c = mg_losses_tables[runtime.variant]
    cdef const float *x32 = <const float *>p.x + at
    cdef const float *t32 = <const float *>p.t + at
    cdef const double *x64 = <const double *>p.x + at
    cdef const double *t64 = <const double *>p.t + at
    cdef float *loss32 = <float *>p.loss + at if p.each else NULL
    cdef double *loss64 = <double *>p.loss + at if p.each else NULL
    if p.kind == BCE:
        if p.bits == 32:
            return c.bce_with_logits_f32(n, x32, t32, loss32)
        return c.bce_with_logits_f64(n, x64, t64, loss64)
    return c.mse_f32(n, x32, t32, loss32) if p.bits == 32 else c.mse_f64(n, x64, t64, loss64)


cdef int k_loss(const loss_args *p) noexcept nogil:
    cdef int threads = runtime.threads_for(p.n * BCE_WEIGHT if p.kind == BCE else p.n)
    cdef double part[MAX_PARTS]
    cdef double total
    cdef Py_ssize_t i, size = part_size(p.n), parts = (p.n + size - 1) // size
    if threads == 1:
        total = loss_part(p, 0, p.n)
    else:
        for i in prange(parts, num_threads=threads, schedule="static"):
            part[i] = loss_part(p, i * size, min(size, p.n - i * size))
        total = sum_parts(part, parts)
    if p.each:
        return 0
    if p.bits == 32:
        (<float *>p.loss)[0] = <float>(total / p.divisor)
    else:
        (<double *>p.loss)[0] = total / p.divisor
    return 0


cdef struct loss_grad_args:
    int kind, bits
    Py_ssize_t n, step
    const char *x
    const char *t
    const char *g
    char *out
    double divisor


cdef void loss_grad_part(const loss_grad_args *p, Py_ssize_t at, Py_ssize_t n) noexcept nogil:
    cdef const mg_losses_table *c = mg_losses_tables[runtime.variant]
    cdef const float *x32 = <const float *>p.x + at
    cdef const float *t32 = <const float *>p.t + at
    cdef const float *g32 = <const float *>p.g + at * p.step
    cdef const double *x64 = <const double *>p.x + at
    cdef const double *t64 = <const double *>p.t + at
    cdef const double *g64 = <const double *>p.g + at * p.step
    if p.kind == BCE:
        if p.bits == 32: c.bce_with_logits_grad_f32(n, x32, t32, g32, p.step, p.divisor, <float *>p.out + at)
        else: c.bce_with_logits_grad_f64(n, x64, t64, g64, p.step, p.divisor, <double *>p.out + at)
    else:
        if p.bits == 32: c.mse_grad_f32(n, x32, t32, g32, p.step, p.divisor, <float *>p.out + at)
        else: c.mse_grad_f64(n, x64, t64, g64, p.step, p.divisor, <double *>p.out + at)


cdef int k_loss_grad(const loss_grad_args *p) noexcept nogil:
    cdef int threads = runtime.threads_for(p.n * BCE_WEIGHT if p.kind == BCE else p.n)
    cdef Py_ssize_t i, size = part_size(p.n), parts = (p.n + size - 1) // size
    if threads == 1:
        loss_grad_part(p, 0, p.n)
    else:
        for i in prange(parts, num_threads=threads, schedule="static"):
            loss_grad_part(p, i * size, min(size, p.n - i * size))
    return 0


cdef int check_pair(str kernel, ndarray x, str name, ndarray t) except -1:
    """x and t are flat reals of one dtype and one shape. Returns 32 or 64."""
    if PyArray_TYPE(x) != PyArray_TYPE(t):
        raise DTypeError(f"{kernel}: x is {describe(x)}, {name} is {describe(t)}; need the same dtype")
    if (<object>x).shape != (<object>t).shape:
        raise ShapeError(f"{kernel}: x is {describe(x)}, {name} is {describe(t)}; need the same shape")
    check_flat(kernel, x)
    check_flat(kernel, t)
    return check_real(kernel, x)


cdef int run_loss(str kernel, int kind, ndarray x, ndarray t, ndarray loss, int reduction) except -1:
    cdef loss_args p
    p.kind, p.bits = kind, 32 << check_pair(kernel, x, "t", t)
    p.n, p.each = PyArray_SIZE(x), reduction == NONE
    check_out(kernel, loss)
    check_losses(kernel, "loss", loss, x, p.n, reduction)
    p.divisor = divisor_of(kernel, x, p.n, reduction)
    p.x, p.t, p.loss = <const char *>PyArray_DATA(x), <const char *>PyArray_DATA(t), <char *>PyArray_DATA(loss)
    if runtime.releases_gil(p.n * BCE_WEIGHT if kind == BCE else p.n):
        with nogil:
            k_loss(&p)
    else:
        k_loss(&p)
    return 0


cdef int run_loss_grad(str kernel, int kind, ndarray x, ndarray t, ndarray g, ndarray out, int reduction) except -1:
    cdef loss_grad_args p
    p.kind, p.bits = kind, 32 << check_pair(kernel, x, "t", t)
    check_pair(kernel, x, "out", out)
    check_out(kernel, out)
    p.n, p.step = PyArray_SIZE(x), reduction == NONE
    check_losses(kernel, "g", g, x, p.n, reduction)
    if p.n == 0:
        return 0
    p.divisor = divisor_of(kernel, x, p.n, reduction)
    p.x, p.t = <const char *>PyArray_DATA(x), <const char *>PyArray_DATA(t)
    p.g, p.out = <const char *>PyArray_DATA(g), <char *>PyArray_DATA(out)
    if runtime.releases_gil(p.n * BCE_WEIGHT if kind == BCE else p.n):
        with nogil:
            k_loss_grad(&p)
    else:
        k_loss_grad(&p)
    return 0


def bce_with_logits(ndarray x not None, ndarray t not None, ndarray loss not None, *, int reduction):
    run_loss("bce_with_logits", BCE, x, t, loss, reduction)


def bce_with_logits_grad(
    ndarray x not None, ndarray t not None, ndarray g not None, ndarray out not None, *, int reduction
):
    run_loss_grad("bce_with_logits_grad", BCE, x, t, g, out, reduction)


def mse(ndarray x not None, ndarray t not None, ndarray loss not None, *, int reduction):
    run_loss("mse", MSE, x, t, loss, reduction)


def mse_grad(ndarray x not None, ndarray t not None, ndarray g not None, ndarray out not None, *, int reduction):
    run_loss_grad("mse_grad", MSE, x, t, g, out, reduction)
