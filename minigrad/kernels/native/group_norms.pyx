# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""Norms of groups: checks, then groups, shared among threads.

Arithmetic: src_c/penalty/group_norms.c; meaning: reference/group_norms.py.

The axes [first, last) make x an array (outer, n, inner). If they are its last axes, every group is a row; otherwise it
is a column.
"""

from libc.math cimport sqrt
from numpy cimport (
    NPY_DOUBLE, PyArray_DATA, PyArray_DIM, PyArray_NDIM, PyArray_SAMESHAPE, PyArray_SIZE, PyArray_TYPE, ndarray
)

from minigrad.kernels.native cimport runtime
from minigrad.kernels.native.checks cimport check_flat, check_out, check_real, check_same, describe
from minigrad.kernels.native.launch cimport call, know, least, pieces, record, share, threads_for
from minigrad.kernels.native.runtime cimport part_of

from minigrad.errors import DTypeError, ShapeError

cdef extern from "penalty/group_norms.h" nogil:
    ctypedef struct mg_groups:
        size_t outer, n, inner
    ctypedef struct mg_metric:
        double lr, root, eps, scale
    ctypedef struct mg_group_norm_args:
        mg_groups groups
        const void *x
        double *norm
        int precision
    ctypedef struct mg_group_soft_threshold_args:
        mg_groups groups
        const void *v
        const void *step
        void *out
        double l1, strength
        int precision
    ctypedef struct mg_group_limit_args:
        mg_groups groups
        const void *v
        void *out
        double low, high
        int precision
    ctypedef struct mg_group_level_args:
        mg_groups groups
        void *w
        const void *before
        const void *square
        void *step
        mg_metric metric
        const double *correction
        const double *scale
        int precision
    ctypedef struct mg_group_norms_table:
        void (*group_norm[2])(const mg_group_norm_args *p, size_t slice, size_t first, size_t n) noexcept nogil
        void (*group_soft_threshold[2])(
            const mg_group_soft_threshold_args *p, size_t slice, size_t first, size_t n
        ) noexcept nogil
        void (*group_limit[2])(const mg_group_limit_args *p, size_t slice, size_t first, size_t n) noexcept nogil
        void (*group_level[2])(const mg_group_level_args *p, size_t slice, size_t first, size_t n) noexcept nogil
    const mg_group_norms_table *const *mg_group_norms_tables

cdef enum: BLOCK = 16384                    # elements that a thread takes at once, in whole panels of groups
cdef enum: PANEL = 64                       # as in group_norms.c


# --- the loop over groups ---

cdef struct split_groups:                   # how the groups of a call are divided into parts
    const void *args
    size_t count, size, blocks              # groups of a slice, groups of a part, parts of a slice


cdef inline size_t first_of(const split_groups *s, size_t i) noexcept nogil:
    """The first group of part i, in slice i // s.blocks."""
    return i % s.blocks * s.size


cdef inline size_t count_of(const split_groups *s, size_t i) noexcept nogil:
    return least(s.size, s.count - first_of(s, i))


cdef int share_groups(const mg_groups *g, part_of part, const void *args) noexcept nogil:
    """One thread computes a slice at a time; several threads share blocks of its groups."""
    cdef split_groups s
    cdef size_t work = 2 * g.outer * g.n * g.inner, slices = 1 if g.inner == 1 else g.outer
    s.args, s.count, s.blocks = args, g.outer if g.inner == 1 else g.inner, 1
    s.size = s.count
    if threads_for(work) > 1:
        s.size = (1 + BLOCK // (PANEL * (g.n + 1))) * PANEL
        s.blocks = pieces(s.count, s.size)
    share(work, slices * s.blocks, part, &s)
    return 0


cdef void group_norm_part(const void *args, size_t i) noexcept nogil:
    s = <const split_groups *>args
    p = <const mg_group_norm_args *>s.args
    mg_group_norms_tables[runtime.variant].group_norm[p.precision](p, i // s.blocks, first_of(s, i), count_of(s, i))


cdef int k_group_norm(const void *args) noexcept nogil:
    return share_groups(&(<const mg_group_norm_args *>args).groups, group_norm_part, args)


cdef void group_soft_threshold_part(const void *args, size_t i) noexcept nogil:
    s = <const split_groups *>args
    p = <const mg_group_soft_threshold_args *>s.args
    mg_group_norms_tables[runtime.variant].group_soft_threshold[p.precision](
        p, i // s.blocks, first_of(s, i), count_of(s, i))


cdef int k_group_soft_threshold(const void *args) noexcept nogil:
    return share_groups(&(<const mg_group_soft_threshold_args *>args).groups, group_soft_threshold_part, args)


cdef void group_limit_part(const void *args, size_t i) noexcept nogil:
    s = <const split_groups *>args
    p = <const mg_group_limit_args *>s.args
    mg_group_norms_tables[runtime.variant].group_limit[p.precision](p, i // s.blocks, first_of(s, i), count_of(s, i))


cdef int k_group_limit(const void *args) noexcept nogil:
    return share_groups(&(<const mg_group_limit_args *>args).groups, group_limit_part, args)


cdef void group_level_part(const void *args, size_t i) noexcept nogil:
    s = <const split_groups *>args
    p = <const mg_group_level_args *>s.args
    mg_group_norms_tables[runtime.variant].group_level[p.precision](p, i // s.blocks, first_of(s, i), count_of(s, i))


cdef int k_group_level(const void *args) noexcept nogil:
    cdef mg_group_level_args p = (<const mg_group_level_args *>args)[0]
    if p.correction != NULL:
        p.metric.root = 1 / sqrt(p.correction[0])
    if p.scale != NULL:
        p.metric.scale = p.scale[0]
    return share_groups(&p.groups, group_level_part, &p)


# --- checks ---

cdef Py_ssize_t product(ndarray x, Py_ssize_t first, Py_ssize_t last):
    cdef Py_ssize_t i, n = 1
    for i in range(first, last):
        n *= PyArray_DIM(x, <int>i)
    return n


cdef int split(str kernel, mg_groups *g, ndarray x, Py_ssize_t first, Py_ssize_t last) except -1:
    """outer, n, inner of x with groups along the axes [first, last). Returns x's precision."""
    check_real(kernel, x)
    check_flat(kernel, x)
    if not 0 <= first <= last <= PyArray_NDIM(x):
        raise ShapeError(f"{kernel}: axes [{first}, {last}) of {describe(x)}; need 0 <= first <= last <= {x.ndim}")
    g.outer, g.n, g.inner = product(x, 0, first), product(x, first, last), product(x, last, PyArray_NDIM(x))
    return check_real(kernel, x)


cdef int check_alike(str kernel, ndarray v, ndarray out) except -1:
    """v and out have the same shape and dtype, so that first and last are the same axes in both."""
    if not PyArray_SAMESHAPE(v, out):
        raise ShapeError(f"{kernel}: v is {describe(v)}, out is {describe(out)}; need the same shape")
    return check_same(kernel, v, out)


cdef int check_count(str kernel, const mg_groups *g, str name, ndarray a) except -1:
    if <size_t>PyArray_SIZE(a) != g.outer * g.inner:
        raise ShapeError(f"{kernel}: {name} is {describe(a)}; need one element for each of {g.outer * g.inner} groups")
    return 0


def group_norm(ndarray x not None, ndarray out not None, Py_ssize_t first, Py_ssize_t last):
    cdef mg_group_norm_args p
    record(&p, sizeof(p))
    p.precision = split("group_norm", &p.groups, x, first, last)
    if PyArray_TYPE(out) != NPY_DOUBLE:
        raise DTypeError(f"group_norm: out is {describe(out)}; need float64")
    check_out("group_norm", out)
    check_count("group_norm", &p.groups, "out", out)
    p.x, p.norm = PyArray_DATA(x), <double *>PyArray_DATA(out)
    call(k_group_norm, &p, PyArray_SIZE(x))


def group_soft_threshold(
    ndarray v not None, ndarray step not None, ndarray out not None, Py_ssize_t first, Py_ssize_t last, *,
    double l1, double strength,
):
    cdef mg_group_soft_threshold_args p
    record(&p, sizeof(p))
    p.precision = split("group_soft_threshold", &p.groups, v, first, last)
    check_alike("group_soft_threshold", v, out)
    if PyArray_TYPE(step) != PyArray_TYPE(v):
        raise DTypeError(f"group_soft_threshold: v is {describe(v)}, step is {describe(step)}; need the same dtype")
    check_flat("group_soft_threshold", step)
    check_count("group_soft_threshold", &p.groups, "step", step)
    p.v, p.step, p.out, p.l1, p.strength = PyArray_DATA(v), PyArray_DATA(step), PyArray_DATA(out), l1, strength
    call(k_group_soft_threshold, &p, PyArray_SIZE(v))


def group_limit(
    ndarray v not None, ndarray out not None, Py_ssize_t first, Py_ssize_t last, *, double low, double high
):
    cdef mg_group_limit_args p
    record(&p, sizeof(p))
    p.precision = split("group_limit", &p.groups, v, first, last)
    check_alike("group_limit", v, out)
    p.v, p.out, p.low, p.high = PyArray_DATA(v), PyArray_DATA(out), low, high
    call(k_group_limit, &p, PyArray_SIZE(v))


cdef const double *number_at(str name, object x) except? NULL:
    """The address of a number that is in an array, which a kernel may have written; NULL for a Python number."""
    if not isinstance(x, ndarray):
        return NULL
    if PyArray_TYPE(<ndarray>x) != NPY_DOUBLE or PyArray_SIZE(<ndarray>x) != 1:
        raise DTypeError(f"group_level: {name} is {describe(x)}; need a number, or float64 of one element")
    check_flat("group_level", x)
    return <const double *>PyArray_DATA(<ndarray>x)


def group_level(
    ndarray w not None, ndarray before not None, ndarray square not None, ndarray step not None, Py_ssize_t first,
    Py_ssize_t last, *, double lr, root, double eps, scale,
):
    cdef mg_group_level_args p
    record(&p, sizeof(p))
    p.precision = split("group_level", &p.groups, w, first, last)
    check_alike("group_level", before, w)
    check_alike("group_level", square, w)
    check_flat("group_level", before)
    check_flat("group_level", square)
    check_out("group_level", w)
    if PyArray_TYPE(step) != PyArray_TYPE(w):
        raise DTypeError(f"group_level: w is {describe(w)}, step is {describe(step)}; need the same dtype")
    check_out("group_level", step)
    check_count("group_level", &p.groups, "step", step)
    p.w, p.before, p.square, p.step = PyArray_DATA(w), PyArray_DATA(before), PyArray_DATA(square), PyArray_DATA(step)
    p.correction, p.scale = number_at("root", root), number_at("scale", scale)
    p.metric = mg_metric(
        lr, 1.0 if isinstance(root, ndarray) else root, eps, 1.0 if isinstance(scale, ndarray) else scale)
    call(k_group_level, &p, PyArray_SIZE(w))


know("group_norm", k_group_norm)
know("group_soft_threshold", k_group_soft_threshold)
know("group_limit", k_group_limit)
know("group_level", k_group_level)
