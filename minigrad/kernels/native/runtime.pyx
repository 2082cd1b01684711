# cython: language_level=3
"""The CPU variant in use, and the team of threads, which is described in src_c/team/team.c."""

import warnings

cdef extern from "base/cpu.h" nogil:
    const char *const *mg_variant_names()
    int mg_variant_count()
    int mg_variant_supported(int variant)
    int mg_denormals_kept()

cdef extern from "team/team.h" nogil:
    int mg_team_share(size_t work, size_t parts, part_of part, const void *args)
    void mg_team_resize(int members)
    int mg_team_members()
    int mg_team_helpers()

cdef int variant = 0
cdef int threads = 1

names = [mg_variant_names()[i].decode() for i in range(mg_variant_count())]


cdef void share_among_threads(size_t work, size_t parts, part_of part, const void *args) noexcept nogil:
    """part(args, i) for every i below parts, by the team. Only `share` of launch.pxd calls it."""
    if mg_team_share(work, parts, part, args) != 0:
        fewer_threads()


cdef void fewer_threads() noexcept with gil:
    """Warn that the system refused to start a thread. This happens once, because no more threads are requested then."""
    global threads
    asked, threads = threads, mg_team_members()
    warnings.warn(
        f"minigrad: the system started {threads - 1} of {asked - 1} helper threads (a limit on processes or memory?), so "
        f"kernels use {threads} thread{'s' if threads > 1 else ''}; set_num_threads({asked}) tries again",
        RuntimeWarning,
        stacklevel=1,
    )


def supported():
    """Names of the variants that this processor can run, worst first."""
    return [name for i, name in enumerate(names) if mg_variant_supported(i)]


def set_variant(str name):
    """Use one variant for all kernels that are called from now on. Raises ValueError if the processor cannot run it."""
    global variant
    if name not in supported():
        raise ValueError(f"MINIGRAD_CPU={name!r}: this processor runs {', '.join(supported())}")
    variant = names.index(name)


def get_variant():
    """Name of the variant in use."""
    return names[variant]


def set_num_threads(int n):
    """Use at most n threads per kernel call. Results do not depend on it. Raises ValueError if n is less than 1."""
    global threads
    if n < 1:
        raise ValueError(f"set_num_threads: n is {n}; need at least 1")
    threads = n
    mg_team_resize(n)


def get_num_threads():
    """The largest number of threads that a kernel call uses."""
    return threads


def helpers():
    """How many threads help at this moment. They start with the first work that is large enough."""
    return mg_team_helpers()


def denormals_kept():
    """False when some library set the processor to flush denormal numbers to zero: results would then differ."""
    return bool(mg_denormals_kept())
