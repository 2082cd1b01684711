# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""The peak speeds of this machine, for benchmarks/: fused multiply-adds without memory, and a plain copy."""

from numpy cimport PyArray_DATA, PyArray_SIZE, ndarray

from minigrad.kernels.native cimport runtime
from minigrad.kernels.native.checks cimport FLOAT32, FLOAT64, check_same
from minigrad.kernels.native.launch cimport THREAD_WORK, call, share

cdef enum:
    ALL = 1 << 30                           # so much work that every thread is woken

cdef extern from "measure/peaks.h" nogil:
    ctypedef struct mg_peak_fma_args:
        size_t rounds, parts
        double *operations
        int precision
    ctypedef struct mg_peak_copy_args:
        size_t n, parts
        const void *x
        void *out
        int precision
    ctypedef struct mg_peaks_table:
        double (*peak_fma[2])(size_t rounds, void *sink) noexcept nogil
        void (*peak_copy[2])(const mg_peak_copy_args *p, size_t first, size_t n) noexcept nogil
    const mg_peaks_table *const *mg_peaks_tables


cdef void peak_fma_part(const void *args, size_t i) noexcept nogil:
    p = <const mg_peak_fma_args *>args
    cdef float sink32 = 0.5
    cdef double sink64 = 0.5
    cdef void *sink = <void *>&sink32 if p.precision == FLOAT32 else <void *>&sink64
    cdef double operations = mg_peaks_tables[runtime.variant].peak_fma[p.precision](p.rounds, sink)
    if i == 0:                              # every part makes the same number
        p.operations[0] = operations


cdef int k_peak_fma(const void *args) noexcept nogil:
    p = <const mg_peak_fma_args *>args
    share(ALL, p.parts, peak_fma_part, p)
    return 0


def peak_fma(int bits, Py_ssize_t rounds):
    """Run chains of fused multiply-adds on every thread. Returns how many additions and multiplications were made."""
    cdef mg_peak_fma_args p
    cdef double operations = 0
    p.rounds, p.parts, p.operations = rounds, runtime.threads, &operations
    p.precision = FLOAT64 if bits == 64 else FLOAT32
    call(k_peak_fma, &p, THREAD_WORK)
    return operations * <Py_ssize_t>p.parts


cdef void peak_copy_part(const void *args, size_t i) noexcept nogil:
    p = <const mg_peak_copy_args *>args
    cdef size_t first = p.n * i // p.parts, last = p.n * (i + 1) // p.parts
    mg_peaks_tables[runtime.variant].peak_copy[p.precision](p, first, last - first)


cdef int k_peak_copy(const void *args) noexcept nogil:
    p = <const mg_peak_copy_args *>args
    share(ALL, p.parts, peak_copy_part, p)
    return 0


def peak_copy(ndarray x not None, ndarray out not None):
    """out = x, flat, one part per thread."""
    cdef mg_peak_copy_args p
    p.precision, p.n, p.parts = check_same("peak_copy", x, out), PyArray_SIZE(x), runtime.threads
    p.x, p.out = PyArray_DATA(x), PyArray_DATA(out)
    call(k_peak_copy, &p, p.n)
