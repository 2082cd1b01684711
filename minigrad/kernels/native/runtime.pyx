# cython: language_level=3
"""What computes: the CPU variant and the threads, how they share parts, and what happens to them in a forked child."""

import os

from cython.parallel cimport prange

cdef extern from "base/cpu.h" nogil:
    const char *const *mg_variant_names()
    int mg_variant_count()
    int mg_variant_supported(int variant)
    int mg_denormals_kept()

cdef int variant = 0
cdef int threads = 1

names = [mg_variant_names()[i].decode() for i in range(mg_variant_count())]


cdef void share_among_threads(size_t parts, part_of part, const void *args) noexcept nogil:
    """part(args, i) for every i below parts, equal runs for each thread. Only `share` of launch.pxd calls it."""
    cdef Py_ssize_t i, count = parts
    for i in prange(count, num_threads=<int>min(threads, count), schedule="static"):
        part(args, <size_t>i)


def supported():
    """Names of the variants that this processor can run, worst first."""
    return [name for i, name in enumerate(names) if mg_variant_supported(i)]


def set_variant(str name):
    """Use one variant for all kernels that are called from now on."""
    global variant
    if name not in supported():
        raise ValueError(f"MINIGRAD_CPU={name!r}: this processor runs {', '.join(supported())}")
    variant = names.index(name)


def get_variant():
    """Name of the variant in use."""
    return names[variant]


def set_num_threads(int n):
    """Use at most n threads per kernel call. Results do not depend on it."""
    global threads
    if n < 1:
        raise ValueError(f"set_num_threads: n is {n}; need at least 1")
    threads = n


def get_num_threads():
    """The largest number of threads that a kernel call uses."""
    return threads


def denormals_kept():
    """False when some library set the processor to flush denormal numbers to zero: results would then differ."""
    return bool(mg_denormals_kept())


def _one_thread_in_child():
    # libgomp's threads do not survive a fork: a child that asked for two would wait for ever.
    global threads
    threads = 1


os.register_at_fork(after_in_child=_one_thread_in_child)
