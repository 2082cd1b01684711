# cython: language_level=3, boundscheck=False, wraparound=False
"""Penalties: checks, then blocks over threads. Arithmetic: src_c/penalty.c; meaning: reference.py."""

from cython.parallel cimport prange
from numpy cimport PyArray_DATA, PyArray_SIZE, ndarray

from minigrad.kernels cimport runtime
from minigrad.kernels._c cimport mg_penalty
from minigrad.kernels.checks cimport check_same

cdef enum: BLOCK = 16384                    # elements; fixed, so that threads never change an order


cdef struct elastic_net_grad_args:
    Py_ssize_t n
    const char *w
    char *out
    double l1, l2, scale
    int bits


cdef inline void elastic_net_grad_block(const elastic_net_grad_args *p, Py_ssize_t i) noexcept nogil:
    cdef Py_ssize_t start = i * BLOCK, n = min(BLOCK, p.n - start)
    if p.bits == 32:
        mg_penalty[runtime.variant].elastic_net_grad_f32(n, <const float *>p.w + start, p.l1, p.l2, p.scale, <float *>p.out + start)
    else:
        mg_penalty[runtime.variant].elastic_net_grad_f64(n, <const double *>p.w + start, p.l1, p.l2, p.scale, <double *>p.out + start)


cdef int k_elastic_net_grad(const elastic_net_grad_args *p) noexcept nogil:
    cdef Py_ssize_t i, blocks = (p.n + BLOCK - 1) // BLOCK
    cdef int threads = runtime.threads_for(p.n)
    if threads == 1:                        # a prange in the path costs 0.5 us, even with one thread
        for i in range(blocks):
            elastic_net_grad_block(p, i)
    else:
        for i in prange(blocks, num_threads=threads, schedule="static"):
            elastic_net_grad_block(p, i)
    return 0


def elastic_net_grad(ndarray w, ndarray out, *, double l1, double l2, double scale=1.0):
    cdef elastic_net_grad_args p
    p.bits = check_same("elastic_net_grad", w, out)
    p.n, p.w, p.out, p.l1, p.l2, p.scale = PyArray_SIZE(w), <const char *>PyArray_DATA(w), <char *>PyArray_DATA(out), l1, l2, scale
    if runtime.releases_gil(p.n):
        with nogil:
            k_elastic_net_grad(&p)
    else:
        k_elastic_net_grad(&p)
