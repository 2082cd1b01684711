# cython: language_level=3, boundscheck=False, wraparound=False
"""Penalties: checks, then blocks over threads. Arithmetic: src_c/penalty/penalty.c; meaning: reference/penalty.py."""

from cython.parallel cimport prange
from libc.stdlib cimport free, malloc
from numpy cimport PyArray_DATA, PyArray_SIZE, ndarray

from minigrad.kernels.native cimport runtime
from minigrad.kernels.native._c cimport mg_penalty, mg_penalty_table
from minigrad.kernels.native.checks cimport check_flat, check_out, check_real, check_same, describe

cdef enum: BLOCK = 4096                     # elements; fixed, and as in update.pyx: both give one value of a penalty


# --- elastic_net: value and gradient in one pass ---

cdef struct elastic_net_args:
    Py_ssize_t n
    const char *w
    char *grad                              # or NULL
    char *value
    double l1, l2
    int bits, value_bits


cdef inline void elastic_net_block(const elastic_net_args *p, Py_ssize_t i, double *sums) noexcept nogil:
    cdef Py_ssize_t start = i * BLOCK, n = min(BLOCK, p.n - start)
    cdef char *grad = NULL if p.grad is NULL else p.grad + start * (p.bits // 8)
    if p.bits == 32:
        mg_penalty[runtime.variant].elastic_net_f32(n, <const float *>p.w + start, p.l1, p.l2, <float *>grad, sums)
    else:
        mg_penalty[runtime.variant].elastic_net_f64(n, <const double *>p.w + start, p.l1, p.l2, <double *>grad, sums)


cdef int k_elastic_net(const elastic_net_args *p) noexcept nogil:
    cdef Py_ssize_t i, blocks = (p.n + BLOCK - 1) // BLOCK
    cdef int threads = runtime.threads_for(p.n)
    cdef double[2] sums
    cdef double size = 0, square = 0, value = 0
    cdef double *parts = NULL if threads == 1 else <double *>malloc(2 * blocks * sizeof(double))
    if parts is NULL:
        for i in range(blocks):
            elastic_net_block(p, i, sums)
            size += sums[0]
            square += sums[1]
    else:
        for i in prange(blocks, num_threads=threads, schedule="static"):
            elastic_net_block(p, i, parts + 2 * i)
        for i in range(blocks):             # the same order as above
            size += parts[2 * i]
            square += parts[2 * i + 1]
        free(parts)
    if p.l1 != 0:                           # 0 times an infinite sum would be NaN
        value = p.l1 * size
    if p.l2 != 0:
        value += 0.5 * p.l2 * square
    if p.value_bits == 32:
        (<float *>p.value)[0] = <float>value
    else:
        (<double *>p.value)[0] = value
    return 0


def elastic_net(ndarray w not None, ndarray value not None, ndarray grad=None, *, double l1, double l2):
    cdef elastic_net_args p
    p.bits, p.value_bits = check_real("elastic_net", w), check_real("elastic_net", value)
    check_flat("elastic_net", w)
    check_out("elastic_net", value)
    if PyArray_SIZE(value) != 1:
        from minigrad.errors import ShapeError
        raise ShapeError(f"elastic_net: value is {describe(value)}; need one element")
    if grad is not None:
        check_same("elastic_net", w, grad)
    p.n, p.w, p.value = PyArray_SIZE(w), <const char *>PyArray_DATA(w), <char *>PyArray_DATA(value)
    p.grad = NULL if grad is None else <char *>PyArray_DATA(grad)
    p.l1 = <float>l1 if p.bits == 32 else l1
    p.l2 = <float>l2 if p.bits == 32 else l2
    if runtime.releases_gil(p.n):
        with nogil:
            k_elastic_net(&p)
    else:
        k_elastic_net(&p)


# --- elastic_net_grad and soft_threshold: from one array to another, with three numbers ---

cdef enum:
    ELASTIC_NET_GRAD
    SOFT_THRESHOLD


cdef struct map_args:
    Py_ssize_t n
    const char *x
    char *out
    double a, b, c
    int bits, kernel


cdef inline void map_block(const map_args *p, Py_ssize_t i) noexcept nogil:
    cdef const mg_penalty_table *t = mg_penalty[runtime.variant]
    cdef Py_ssize_t start = i * BLOCK, n = min(BLOCK, p.n - start)
    cdef const char *x = p.x + start * (p.bits // 8)
    cdef char *out = p.out + start * (p.bits // 8)
    if p.bits == 32:
        if p.kernel == ELASTIC_NET_GRAD:
            t.elastic_net_grad_f32(n, <const float *>x, p.a, p.b, p.c, <float *>out)
        else:
            t.soft_threshold_f32(n, <const float *>x, p.a, p.b, p.c, <float *>out)
    else:
        if p.kernel == ELASTIC_NET_GRAD:
            t.elastic_net_grad_f64(n, <const double *>x, p.a, p.b, p.c, <double *>out)
        else:
            t.soft_threshold_f64(n, <const double *>x, p.a, p.b, p.c, <double *>out)


cdef int k_map(const map_args *p) noexcept nogil:
    cdef Py_ssize_t i, blocks = (p.n + BLOCK - 1) // BLOCK
    cdef int threads = runtime.threads_for(p.n)
    if threads == 1:                        # a prange in the path costs 0.5 us, even with one thread
        for i in range(blocks):
            map_block(p, i)
    else:
        for i in prange(blocks, num_threads=threads, schedule="static"):
            map_block(p, i)
    return 0


cdef inline int map_over(str name, int kernel, ndarray x, ndarray out, double a, double b, double c) except -1:
    cdef map_args p
    p.bits, p.kernel = check_same(name, x, out), kernel
    p.n, p.x, p.out = PyArray_SIZE(x), <const char *>PyArray_DATA(x), <char *>PyArray_DATA(out)
    p.a, p.b, p.c = a, b, c
    if runtime.releases_gil(p.n):
        with nogil:
            k_map(&p)
    else:
        k_map(&p)
    return 0


def elastic_net_grad(ndarray w not None, ndarray out not None, *, double l1, double l2, double scale=1.0):
    map_over("elastic_net_grad", ELASTIC_NET_GRAD, w, out, l1, l2, scale)


def soft_threshold(ndarray v not None, ndarray out not None, *, double step, double l1, double l2):
    map_over("soft_threshold", SOFT_THRESHOLD, v, out, step, l1, l2)
