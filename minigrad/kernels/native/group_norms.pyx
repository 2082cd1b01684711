# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""Norms of groups: checks, then groups over threads. Arithmetic: src_c/penalty/group_norms.c; meaning: reference/group_norms.py.

The axes [first, last) make x an array (outer, n, inner). If they are its last axes, every group is a row; else a column.
"""

from cython.parallel cimport prange
from numpy cimport (
    NPY_DOUBLE, PyArray_DATA, PyArray_DIM, PyArray_NDIM, PyArray_SAMESHAPE, PyArray_SIZE, PyArray_TYPE, ndarray
)

from minigrad.kernels.native cimport runtime
from minigrad.kernels.native._c cimport mg_group_norms_tables, mg_group_norms_layout, mg_group_norms_table, mg_metric
from minigrad.kernels.native.checks cimport check_flat, check_out, check_real, check_same, describe

from minigrad.errors import DTypeError, ShapeError

cdef enum: BLOCK = 16384                    # elements that a thread takes at once, in whole panels of groups
cdef enum: PANEL = 64                       # as in group_norms.c
cdef enum: NORM, SOFT_THRESHOLD, LIMIT, LEVEL


cdef struct groups_args:
    Py_ssize_t outer, n, inner
    const char *x
    const char *step                        # SOFT_THRESHOLD; of LEVEL, the steps that come out
    const char *before                      # LEVEL only, as what follows
    const char *square
    mg_metric metric
    char *out
    double a, b                             # l1 and strength, or low and high
    int bits, kernel


cdef inline void some_groups(const groups_args *p, Py_ssize_t i, Py_ssize_t j, Py_ssize_t count) noexcept nogil:
    """The groups j ... j + count - 1 of slice i (rows: there is one slice): pick the function, point it at them."""
    cdef const mg_group_norms_table *t = mg_group_norms_tables[runtime.variant]
    cdef mg_group_norms_layout g
    g.count, g.m, g.stride, g.next = count, p.n, p.inner, p.n if p.inner == 1 else 1
    cdef Py_ssize_t at = i * p.n * p.inner + j * <Py_ssize_t>g.next, group = i * p.inner + j
    if p.bits == 32:
        if p.kernel == NORM:
            t.group_norm_f32(g, <const float *>p.x + at, <double *>p.out + group)
        elif p.kernel == SOFT_THRESHOLD:
            t.group_soft_threshold_f32(g, <const float *>p.x + at, <const float *>p.step + group, p.a, p.b,
                                       <float *>p.out + at)
        elif p.kernel == LIMIT:
            t.group_limit_f32(g, <const float *>p.x + at, p.a, p.b, <float *>p.out + at)
        else:
            t.group_level_f32(g, <float *>p.out + at, <const float *>p.before + at, <const float *>p.square + at,
                              &p.metric, <float *>p.step + group)
    else:
        if p.kernel == NORM:
            t.group_norm_f64(g, <const double *>p.x + at, <double *>p.out + group)
        elif p.kernel == SOFT_THRESHOLD:
            t.group_soft_threshold_f64(g, <const double *>p.x + at, <const double *>p.step + group, p.a, p.b,
                                       <double *>p.out + at)
        elif p.kernel == LIMIT:
            t.group_limit_f64(g, <const double *>p.x + at, p.a, p.b, <double *>p.out + at)
        else:
            t.group_level_f64(g, <double *>p.out + at, <const double *>p.before + at, <const double *>p.square + at,
                              &p.metric, <double *>p.step + group)


cdef int k_groups(const groups_args *p) noexcept nogil:
    cdef Py_ssize_t slices = 1 if p.inner == 1 else p.outer, groups = p.outer if p.inner == 1 else p.inner
    cdef Py_ssize_t i, size, blocks
    cdef int threads = runtime.threads_for(2 * p.outer * p.n * p.inner)
    if threads == 1:                        # a prange in the path costs 0.5 us, even with one thread
        for i in range(slices):
            some_groups(p, i, 0, groups)
    else:
        size = (1 + BLOCK // (PANEL * (p.n + 1))) * PANEL
        blocks = (groups + size - 1) // size
        for i in prange(slices * blocks, num_threads=threads, schedule="static"):
            some_groups(p, i // blocks, i % blocks * size, min(size, groups - i % blocks * size))
    return 0


cdef Py_ssize_t product(ndarray x, Py_ssize_t first, Py_ssize_t last):
    cdef Py_ssize_t i, n = 1
    for i in range(first, last):
        n *= PyArray_DIM(x, <int>i)
    return n


cdef int split(str kernel, groups_args *p, ndarray x, Py_ssize_t first, Py_ssize_t last) except -1:
    """outer, n, inner of x with groups along the axes [first, last)."""
    p.bits = 32 << check_real(kernel, x)
    check_flat(kernel, x)
    if not 0 <= first <= last <= PyArray_NDIM(x):
        raise ShapeError(f"{kernel}: axes [{first}, {last}) of {describe(x)}; need 0 <= first <= last <= {x.ndim}")
    p.outer, p.n, p.inner = product(x, 0, first), product(x, first, last), product(x, last, PyArray_NDIM(x))
    p.x, p.step, p.a, p.b = <const char *>PyArray_DATA(x), NULL, 0, 0
    return 0


cdef int check_alike(str kernel, ndarray v, ndarray out) except -1:
    """v and out have one shape and dtype: the axes mean the same in both."""
    if not PyArray_SAMESHAPE(v, out):
        raise ShapeError(f"{kernel}: v is {describe(v)}, out is {describe(out)}; need the same shape")
    return check_same(kernel, v, out)


cdef int check_count(str kernel, const groups_args *p, str name, ndarray a) except -1:
    if PyArray_SIZE(a) != p.outer * p.inner:
        raise ShapeError(f"{kernel}: {name} is {describe(a)}; need one element for each of {p.outer * p.inner} groups")
    return 0


cdef int run(groups_args *p, ndarray out) except -1:
    p.out = <char *>PyArray_DATA(out)
    if runtime.releases_gil(p.outer * p.n * p.inner):
        with nogil:
            k_groups(p)
    else:
        k_groups(p)
    return 0


def group_norm(ndarray x not None, ndarray out not None, Py_ssize_t first, Py_ssize_t last):
    cdef groups_args p
    split("group_norm", &p, x, first, last)
    if PyArray_TYPE(out) != NPY_DOUBLE:
        raise DTypeError(f"group_norm: out is {describe(out)}; need float64")
    check_out("group_norm", out)
    check_count("group_norm", &p, "out", out)
    p.kernel = NORM
    run(&p, out)


def group_soft_threshold(
    ndarray v not None, ndarray step not None, ndarray out not None, Py_ssize_t first, Py_ssize_t last, *,
    double l1, double strength,
):
    cdef groups_args p
    split("group_soft_threshold", &p, v, first, last)
    check_alike("group_soft_threshold", v, out)
    if PyArray_TYPE(step) != PyArray_TYPE(v):
        raise DTypeError(f"group_soft_threshold: v is {describe(v)}, step is {describe(step)}; need the same dtype")
    check_flat("group_soft_threshold", step)
    check_count("group_soft_threshold", &p, "step", step)
    p.kernel, p.step, p.a, p.b = SOFT_THRESHOLD, <const char *>PyArray_DATA(step), l1, strength
    run(&p, out)


def group_limit(ndarray v not None, ndarray out not None, Py_ssize_t first, Py_ssize_t last, *, double low, double high):
    cdef groups_args p
    split("group_limit", &p, v, first, last)
    check_alike("group_limit", v, out)
    p.kernel, p.a, p.b = LIMIT, low, high
    run(&p, out)


def group_level(
    ndarray w not None, ndarray before not None, ndarray square not None, ndarray step not None, Py_ssize_t first,
    Py_ssize_t last, *, double lr, double root, double eps, double scale,
):
    cdef groups_args p
    split("group_level", &p, w, first, last)
    check_alike("group_level", before, w)
    check_alike("group_level", square, w)
    check_flat("group_level", before)
    check_flat("group_level", square)
    check_out("group_level", w)
    if PyArray_TYPE(step) != PyArray_TYPE(w):
        raise DTypeError(f"group_level: w is {describe(w)}, step is {describe(step)}; need the same dtype")
    check_out("group_level", step)
    check_count("group_level", &p, "step", step)
    p.kernel, p.step = LEVEL, <const char *>PyArray_DATA(step)
    p.before, p.square = <const char *>PyArray_DATA(before), <const char *>PyArray_DATA(square)
    p.metric = mg_metric(lr, root, eps, scale)
    run(&p, w)
