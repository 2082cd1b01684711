# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""Normalization of rows and channels: checks, then phases, each of them in parts that threads share.

Arithmetic: src_c/layers/standardize.c; meaning: reference/standardize.py.

x is (samples, channels, inner), its channels in `groups`. A row is one group of one sample.
"""

from libc.stdint cimport int64_t
from numpy cimport NPY_DOUBLE, NPY_INT64, PyArray_DATA, PyArray_DIM, PyArray_NDIM, PyArray_SIZE, PyArray_TYPE, ndarray

from minigrad.kernels.native cimport runtime
from minigrad.kernels.native.checks cimport apart, check_flat, check_out, check_same, describe
from minigrad.kernels.native.launch cimport (
    NO_MEMORY, call, call_in_memory, give_scratch, item_size, know, least, pieces, record, rounded, scratch, share,
    take_scratch, threads_for,
)

from minigrad.errors import DTypeError, ShapeError

cdef extern from "layers/standardize.h" nogil:
    ctypedef struct mg_standardize_args:
        size_t samples, groups, width, inner
        const void *x
        const void *weight
        const void *bias
        void *out
        double *mean
        double *rstd
        double *var
        double eps
        int center, given, precision
    ctypedef struct mg_standardize_grad_args:
        size_t samples, groups, width, inner
        const void *g
        const void *x
        const void *weight
        const double *mean
        const double *rstd
        void *out
        void *weight_grad
        void *bias_grad
        int center, given, precision
    ctypedef struct mg_running_args:
        size_t channels
        const double *mean
        const double *var
        void *running_mean
        void *running_var
        int64_t *count
        double momentum, correction
        int cumulative, precision
    enum: mg_sample_chunk, mg_standardize_rows_of_numbers
    ctypedef struct mg_standard_work:
        double *sums
        void *numbers
    ctypedef void (*mg_standardize_part)(
        const mg_standardize_args *p, const mg_standard_work *work, size_t first, size_t n) noexcept nogil
    ctypedef void (*mg_standardize_grad_part)(
        const mg_standardize_grad_args *p, const mg_standard_work *work, size_t first, size_t n) noexcept nogil
    ctypedef struct mg_standardize_table:
        mg_standardize_part standardize_rows[2]
        mg_standardize_part standardize_channels[2]
        mg_standardize_part column_sums[2]
        mg_standardize_part column_moments[2]
        mg_standardize_part standardize_places[2]
        mg_standardize_grad_part standardize_rows_grad[2]
        mg_standardize_grad_part row_sums[2]
        mg_standardize_grad_part standardize_channels_grad[2]
        mg_standardize_grad_part column_sums_grad[2]
        mg_standardize_grad_part column_slopes[2]
        mg_standardize_grad_part standardize_places_grad[2]
        void (*running_moments[2])(const mg_running_args *p, double share, size_t first, size_t n) noexcept nogil
        void (*add_chunks)(double *sums, size_t chunks, size_t stride, size_t first, size_t n) noexcept nogil
    const mg_standardize_table *const *mg_standardize_tables

cdef enum:
    BLOCK = 8192                            # elements that a thread takes at once, in whole rows, channels or samples
    WEIGHT = 3                              # the work of a number, in elements of memory-bound work: three passes


# --- parts of a phase: rows, channels, chunks or samples from part * size on ---

cdef struct phase:                          # what the parts share: p and body, or q and grad, or chunks to be added
    const mg_standardize_args *p
    mg_standardize_part body
    const mg_standardize_grad_args *q
    mg_standardize_grad_part grad
    const mg_standard_work *work
    size_t count, size, chunks


cdef void phase_part(const void *args, size_t i) noexcept nogil:
    f = <const phase *>args
    cdef size_t first = i * f.size, n = least(f.size, f.count - first)
    if f.body != NULL:
        f.body(f.p, f.work, first, n)
    elif f.grad != NULL:
        f.grad(f.q, f.work, first, n)
    else:
        mg_standardize_tables[runtime.variant].add_chunks(f.work.sums, f.chunks, f.count, first, n)


cdef inline void run_phase(phase *f, size_t count, size_t numbers) noexcept nogil:
    """Run a phase over `count` rows, channels, chunks or samples, of `numbers` numbers each."""
    cdef size_t work = WEIGHT * count * numbers
    f.count, f.size = count, count if threads_for(work) == 1 else 1 + BLOCK // (numbers + 1)
    if count:
        share(work, pieces(f.count, f.size), phase_part, f)


cdef inline void run_body(phase *f, mg_standardize_part body, size_t count, size_t numbers) noexcept nogil:
    f.body = body
    run_phase(f, count, numbers)

cdef inline void run_grad(phase *f, mg_standardize_grad_part grad, size_t count, size_t numbers) noexcept nogil:
    f.grad = grad
    run_phase(f, count, numbers)


cdef inline void add_all(phase *f, size_t chunks, size_t channels) noexcept nogil:
    """Add the sums of all chunks to those of the first."""
    f.body, f.grad, f.chunks = NULL, NULL, chunks
    if chunks > 1:
        run_phase(f, 2 * channels, chunks)


cdef inline bint take_work(
    scratch *s, mg_standard_work *work, size_t chunks, size_t channels, int precision
) noexcept nogil:
    """Allocate the sums of chunks and the numbers of channels; False if there is no memory."""
    cdef size_t sums = chunks * 2 * channels * sizeof(double)
    cdef size_t numbers = mg_standardize_rows_of_numbers * channels * item_size(precision)
    if not take_scratch(s, 1, sums + numbers):
        return False
    work.sums, work.numbers = <double *>s.first, s.first + sums
    return True


cdef int k_standardize_rows(const void *args) noexcept nogil:
    cdef phase f
    p = <const mg_standardize_args *>args
    f.p, f.work = p, NULL
    run_body(&f, mg_standardize_tables[runtime.variant].standardize_rows[p.precision], p.samples * p.groups,
             p.width * p.inner)
    return 0


cdef int k_standardize_channels(const void *args) noexcept nogil:
    cdef phase f
    cdef mg_standard_work work
    cdef scratch memory
    p = <const mg_standardize_args *>args
    t = mg_standardize_tables[runtime.variant]
    cdef size_t channels = p.groups * p.width, chunks = pieces(p.samples, mg_sample_chunk)
    f.p, f.q, f.work = p, NULL, &work
    if not p.given and (p.inner != 1 or p.samples == 0):
        run_body(&f, t.standardize_channels[p.precision], channels, p.samples * p.inner)
        return 0
    if not take_work(&memory, &work, 0 if p.given else chunks, channels, p.precision):
        return NO_MEMORY
    if not p.given:
        run_body(&f, t.column_sums[p.precision], chunks, channels * mg_sample_chunk)
        add_all(&f, chunks, channels)
    run_body(&f, t.column_moments[p.precision], channels, 1)
    run_body(&f, t.standardize_places[p.precision], p.samples, channels * p.inner)
    give_scratch(&memory)
    return 0


cdef int k_standardize_rows_grad(const void *args) noexcept nogil:
    cdef phase f
    cdef mg_standard_work work
    cdef scratch memory
    q = <const mg_standardize_grad_args *>args
    t = mg_standardize_tables[runtime.variant]
    cdef size_t channels = q.groups * q.width, chunks = pieces(q.samples, mg_sample_chunk)
    cdef bint sums = q.weight_grad != NULL
    f.p, f.q, f.body, f.work = NULL, q, NULL, &work
    if not take_work(&memory, &work, chunks if sums else 0, channels if sums else 0, q.precision):
        return NO_MEMORY
    run_grad(&f, t.standardize_rows_grad[q.precision], chunks, channels * q.inner * mg_sample_chunk)
    if sums:
        add_all(&f, chunks, channels)
        run_grad(&f, t.row_sums[q.precision], channels, 1)
    give_scratch(&memory)
    return 0


cdef int k_standardize_channels_grad(const void *args) noexcept nogil:
    cdef phase f
    cdef mg_standard_work work
    cdef scratch memory
    q = <const mg_standardize_grad_args *>args
    t = mg_standardize_tables[runtime.variant]
    cdef size_t channels = q.groups * q.width, chunks = pieces(q.samples, mg_sample_chunk)
    f.p, f.q, f.body, f.work = NULL, q, NULL, &work
    if q.inner != 1 or q.samples == 0:
        run_grad(&f, t.standardize_channels_grad[q.precision], channels, q.samples * q.inner)
        return 0
    if not take_work(&memory, &work, chunks, channels, q.precision):
        return NO_MEMORY
    run_grad(&f, t.column_sums_grad[q.precision], chunks, channels * mg_sample_chunk)
    add_all(&f, chunks, channels)
    run_grad(&f, t.column_slopes[q.precision], channels, 1)
    run_grad(&f, t.standardize_places_grad[q.precision], q.samples, channels)
    give_scratch(&memory)
    return 0

# --- checks ---

cdef int check_sizes(str kernel, ndarray x, ndarray like, Py_ssize_t groups) except -1:
    """x and `like` are (samples, channels, inner) of one shape, and the channels can be divided into `groups`."""
    if PyArray_NDIM(x) != 3 or (<object>x).shape != (<object>like).shape:
        raise ShapeError(f"{kernel}: arrays are {describe(x)} and {describe(like)}; need both (samples, channels, inner)")
    if groups < 1 or PyArray_DIM(x, 1) % groups:
        raise ShapeError(f"{kernel}: groups is {groups}, x is {describe(x)}; need groups of equally many channels")
    return 0


cdef int check_moments(str kernel, str what, ndarray a, Py_ssize_t n) except -1:
    """a is n float64 numbers, contiguous and writable."""
    if PyArray_TYPE(a) != NPY_DOUBLE:
        raise DTypeError(f"{kernel}: {what} is {describe(a)}; need float64")
    if PyArray_SIZE(a) != n:
        raise ShapeError(f"{kernel}: {what} is {describe(a)}; need {n} numbers")
    check_out(kernel, a)
    return 0


cdef int check_apart(str kernel, ndarray x, ndarray out) except -1:
    """out is x, or shares no memory with it."""
    if PyArray_DATA(x) != PyArray_DATA(out) and not apart(x, out):
        raise ValueError(f"{kernel}: out is {describe(out)} and overlaps an input; pass a copy")
    return 0


cdef int check_channels(str kernel, str what, ndarray a, ndarray x, bint written) except -1:
    """a has x's dtype and one number for each channel."""
    if PyArray_TYPE(a) != PyArray_TYPE(x):
        raise DTypeError(f"{kernel}: {what} is {describe(a)}, x {describe(x)}; need one dtype")
    if PyArray_SIZE(a) != PyArray_DIM(x, 1):
        raise ShapeError(f"{kernel}: {what} is {describe(a)}, x {describe(x)}; need one number for each channel")
    if written:
        check_out(kernel, a)
    else:
        check_flat(kernel, a)
    return 0


cdef int fill(
    str kernel, mg_standardize_args *p, ndarray x, ndarray weight, ndarray bias, ndarray out, Py_ssize_t groups, double eps
) except -1:
    """Check the arguments that rows and channels have in common, and put them into p."""
    p.precision = check_same(kernel, x, out)
    check_sizes(kernel, x, out, groups)
    check_apart(kernel, x, out)
    p.weight = p.bias = NULL
    if weight is not None:
        check_channels(kernel, "weight", weight, x, False)
        p.weight = PyArray_DATA(weight)
    if bias is not None:
        check_channels(kernel, "bias", bias, x, False)
        p.bias = PyArray_DATA(bias)
    p.samples, p.groups = PyArray_DIM(x, 0), groups
    p.width, p.inner = PyArray_DIM(x, 1) // groups, PyArray_DIM(x, 2)
    p.x, p.out, p.eps, p.var = PyArray_DATA(x), PyArray_DATA(out), rounded(eps, p.precision), NULL
    p.center, p.given = True, False
    return 0

cdef int fill_grad(
    str kernel, mg_standardize_grad_args *q, ndarray g, ndarray x, ndarray weight, ndarray mean, ndarray rstd,
    Py_ssize_t groups, Py_ssize_t moments
) except -1:
    """Check the arguments that all gradients have in common, and put them into q."""
    q.precision = check_same(kernel, x, g)
    check_sizes(kernel, x, g, groups)
    check_moments(kernel, "mean", mean, moments)
    check_moments(kernel, "rstd", rstd, moments)
    q.weight = q.out = q.weight_grad = q.bias_grad = NULL
    if weight is not None:
        check_channels(kernel, "weight", weight, x, False)
        q.weight = PyArray_DATA(weight)
    q.samples, q.groups = PyArray_DIM(x, 0), groups
    q.width, q.inner = PyArray_DIM(x, 1) // groups, PyArray_DIM(x, 2)
    q.g, q.x, q.mean, q.rstd = PyArray_DATA(g), PyArray_DATA(x), <double *>PyArray_DATA(mean), <double *>PyArray_DATA(rstd)
    q.center, q.given = True, False
    return 0


cdef inline Py_ssize_t rows_of(ndarray x, Py_ssize_t groups) noexcept:
    return PyArray_DIM(x, 0) * groups if PyArray_NDIM(x) else 0

# --- rows ---

def standardize_rows(
    ndarray x not None, ndarray out not None, ndarray mean not None, ndarray rstd not None, *, ndarray weight=None,
    ndarray bias=None, Py_ssize_t groups=1, double eps, bint center=True
):
    cdef mg_standardize_args p
    record(&p, sizeof(p))
    fill("standardize_rows", &p, x, weight, bias, out, groups, eps)
    check_moments("standardize_rows", "mean", mean, rows_of(x, groups))
    check_moments("standardize_rows", "rstd", rstd, rows_of(x, groups))
    p.mean, p.rstd, p.center = <double *>PyArray_DATA(mean), <double *>PyArray_DATA(rstd), center
    call_in_memory("standardize_rows", k_standardize_rows, &p, WEIGHT * PyArray_SIZE(x))


def standardize_rows_grad(
    ndarray g not None, ndarray x not None, ndarray mean not None, ndarray rstd not None, ndarray out not None, *,
    ndarray weight=None, ndarray weight_grad=None, ndarray bias_grad=None, Py_ssize_t groups=1, bint center=True
):
    cdef mg_standardize_grad_args q
    record(&q, sizeof(q))
    check_same("standardize_rows_grad", x, out)
    fill_grad("standardize_rows_grad", &q, g, x, weight, mean, rstd, groups, rows_of(x, groups))
    check_sizes("standardize_rows_grad", x, out, groups)
    check_apart("standardize_rows_grad", x, out)
    check_apart("standardize_rows_grad", g, out)
    if (weight_grad is None) != (bias_grad is None):
        raise TypeError("standardize_rows_grad: got one of weight_grad and bias_grad; need both or neither")
    if weight_grad is not None:
        check_channels("standardize_rows_grad", "weight_grad", weight_grad, x, True)
        check_channels("standardize_rows_grad", "bias_grad", bias_grad, x, True)
        q.weight_grad, q.bias_grad = PyArray_DATA(weight_grad), PyArray_DATA(bias_grad)
    q.out, q.center = PyArray_DATA(out), center
    call_in_memory("standardize_rows_grad", k_standardize_rows_grad, &q, WEIGHT * PyArray_SIZE(x))


# --- channels ---

def standardize_channels(
    ndarray x not None, ndarray out not None, ndarray mean not None, ndarray var not None, ndarray rstd not None, *,
    ndarray weight=None, ndarray bias=None, double eps, bint given=False
):
    cdef mg_standardize_args p
    record(&p, sizeof(p))
    fill("standardize_channels", &p, x, weight, bias, out, 1, eps)
    check_moments("standardize_channels", "mean", mean, PyArray_DIM(x, 1))
    check_moments("standardize_channels", "var", var, PyArray_DIM(x, 1))
    check_moments("standardize_channels", "rstd", rstd, PyArray_DIM(x, 1))
    p.mean, p.var, p.rstd = <double *>PyArray_DATA(mean), <double *>PyArray_DATA(var), <double *>PyArray_DATA(rstd)
    p.given = given
    call_in_memory("standardize_channels", k_standardize_channels, &p, WEIGHT * PyArray_SIZE(x))


def standardize_channels_grad(
    ndarray g not None, ndarray x not None, ndarray mean not None, ndarray rstd not None, ndarray out not None,
    ndarray weight_grad not None, ndarray bias_grad not None, *, ndarray weight=None, bint given=False
):
    cdef mg_standardize_grad_args q
    record(&q, sizeof(q))
    check_same("standardize_channels_grad", x, out)
    fill_grad("standardize_channels_grad", &q, g, x, weight, mean, rstd, 1, PyArray_DIM(x, 1) if PyArray_NDIM(x) > 1 else 0)
    check_sizes("standardize_channels_grad", x, out, 1)
    check_apart("standardize_channels_grad", x, out)
    check_apart("standardize_channels_grad", g, out)
    check_channels("standardize_channels_grad", "weight_grad", weight_grad, x, True)
    check_channels("standardize_channels_grad", "bias_grad", bias_grad, x, True)
    q.out, q.given = PyArray_DATA(out), given
    q.weight_grad, q.bias_grad = PyArray_DATA(weight_grad), PyArray_DATA(bias_grad)
    call_in_memory("standardize_channels_grad", k_standardize_channels_grad, &q, WEIGHT * PyArray_SIZE(x))


# --- running_moments ---

cdef int k_running_moments(const void *args) noexcept nogil:
    p = <const mg_running_args *>args
    p.count[0] += 1
    mg_standardize_tables[runtime.variant].running_moments[p.precision](
        p, 1 / <double>p.count[0] if p.cumulative else p.momentum, 0, p.channels)
    return 0


def running_moments(
    ndarray mean not None, ndarray var not None, ndarray running_mean not None, ndarray running_var not None,
    ndarray count not None, *, object momentum, double correction
):
    cdef mg_running_args p
    record(&p, sizeof(p))
    p.channels = PyArray_SIZE(mean)
    p.precision = check_same("running_moments", running_mean, running_var)
    check_moments("running_moments", "mean", mean, PyArray_SIZE(running_mean))
    check_moments("running_moments", "var", var, PyArray_SIZE(running_var))
    check_out("running_moments", running_mean)
    check_out("running_moments", count)
    if PyArray_TYPE(count) != NPY_INT64 or PyArray_SIZE(count) != 1:
        raise ShapeError(f"running_moments: count is {describe(count)}; need one int64")
    p.mean, p.var = <double *>PyArray_DATA(mean), <double *>PyArray_DATA(var)
    p.running_mean, p.running_var = PyArray_DATA(running_mean), PyArray_DATA(running_var)
    p.count, p.cumulative = <int64_t *>PyArray_DATA(count), momentum is None
    p.momentum, p.correction = 0 if p.cumulative else rounded(momentum, p.precision), correction
    call(k_running_moments, &p, p.channels)


know("standardize_rows", k_standardize_rows)
know("standardize_channels", k_standardize_channels)
know("standardize_rows_grad", k_standardize_rows_grad)
know("standardize_channels_grad", k_standardize_channels_grad)
know("running_moments", k_running_moments)
