# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""The roofs of this machine, for benchmarks/: fused multiply-adds without memory, and a plain copy; no kernels of ours."""

from cython.parallel cimport prange
from numpy cimport PyArray_DATA, PyArray_SIZE, ndarray

from minigrad.kernels.native cimport runtime
from minigrad.kernels.native._c cimport mg_peaks_tables
from minigrad.kernels.native.checks cimport check_same


cdef double fma_on_one_thread(int bits, Py_ssize_t rounds) noexcept nogil:
    cdef float sink32 = 0.5
    cdef double sink64 = 0.5
    if bits == 32:
        return mg_peaks_tables[runtime.variant].peak_fma_f32(rounds, &sink32)
    return mg_peaks_tables[runtime.variant].peak_fma_f64(rounds, &sink64)


cdef void copy_part(int bits, Py_ssize_t start, Py_ssize_t stop, const char *x, char *out) noexcept nogil:
    if bits == 32:
        mg_peaks_tables[runtime.variant].peak_copy_f32(stop - start, <const float *>x + start, <float *>out + start)
    else:
        mg_peaks_tables[runtime.variant].peak_copy_f64(stop - start, <const double *>x + start, <double *>out + start)


def peak_fma(int bits, Py_ssize_t rounds):
    """Run chains of fused multiply-adds on every thread; returns how many additions and multiplications that were."""
    cdef int i, threads = runtime.threads
    cdef double operations = 0
    with nogil:
        if threads == 1:
            operations = fma_on_one_thread(bits, rounds)
        else:
            for i in prange(threads, num_threads=threads, schedule="static"):
                operations += fma_on_one_thread(bits, rounds)
    return operations


def peak_copy(ndarray x not None, ndarray out not None):
    """out = x, flat, one part per thread."""
    cdef int bits = 32 << check_same("peak_copy", x, out), i, threads = runtime.threads
    cdef Py_ssize_t n = PyArray_SIZE(x)
    cdef const char *source = <const char *>PyArray_DATA(x)
    cdef char *target = <char *>PyArray_DATA(out)
    if threads == 1:
        copy_part(bits, 0, n, source, target)
    else:
        for i in prange(threads, num_threads=threads, schedule="static", nogil=True):
            copy_part(bits, n * i // threads, n * (i + 1) // threads, source, target)
