# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""Convolutions of planes and their gradients: checks, then groups of samples, or channels, shared among threads.

Arithmetic: src_c/conv/conv.c; meaning: reference/conv.py.
"""

cimport cython
from numpy cimport PyArray_DATA, PyArray_DIM, PyArray_NDIM, PyArray_SIZE, PyArray_TYPE, ndarray

from minigrad.kernels.native cimport runtime
from minigrad.kernels.native.checks cimport apart, check_flat, check_out, check_real, describe
from minigrad.kernels.native.launch cimport (
    call, give_scratch, know, least, pieces, record, scratch, share, take_scratch, threads_for,
)

cdef extern from "conv/conv.h" nogil:
    enum: MG_ACT_NONE, MG_ACT_RELU, MG_ACT_TANH, MG_ACT_SIGMOID
    enum: MG_CONV, MG_CONV_INPUT, MG_CONV_WEIGHT
    ctypedef struct mg_conv_axis:
        size_t x, y, kernel, stride, padding, dilation
    ctypedef struct mg_conv_args:
        size_t samples, groups
        size_t channels_in "in"
        size_t channels_out "out"
        mg_conv_axis axis[2]
        const void *x
        const void *w
        const void *y
        const void *bias
        void *result
        int activation, precision
    ctypedef void (*sum_over_taps)(
        const mg_conv_args *p, const void *filters, size_t first, size_t n, size_t part, size_t parts, void *scratch
    ) noexcept nogil
    ctypedef struct mg_conv_table:
        size_t (*conv2d_scratch[2])(const mg_conv_args *p, int which) noexcept nogil
        size_t (*conv2d_filters[2])(const mg_conv_args *p, int which, void *to) noexcept nogil
        sum_over_taps conv2d[2]
        sum_over_taps conv2d_input[2]
        void (*conv2d_weight[2])(const mg_conv_args *p, size_t first, size_t n, void *scratch) noexcept nogil
    const mg_conv_table *const *mg_conv_tables

cdef enum:
    NO_MEMORY = 1                           # returned by a kernel that gets no scratch memory; it has written nothing
    LARGEST = 1 << 30                       # of a stride, a padding, a dilation: their products fit into 64 bits


cdef struct plan:                           # how the units of a call are divided into parts
    const mg_conv_args *p
    int which                               # MG_CONV, MG_CONV_INPUT, MG_CONV_WEIGHT
    size_t units, parts, slices             # parts of several units, or each unit in several slices
    scratch filters, memory


cdef inline size_t work_of(const mg_conv_args *p) noexcept nogil:
    """In elements of memory-bound work, as matmul counts it; computed in float64, which cannot overflow."""
    cdef double places = <double>p.axis[0].y * <double>p.axis[1].y * <double>p.samples * <double>p.groups
    cdef double taps = <double>p.axis[0].kernel * <double>p.axis[1].kernel
    return <size_t>min(places * p.channels_out * (p.channels_in * taps / 8 + 1) + places * p.channels_in, 1e18)


cdef void compute_part(const void *args, size_t i) noexcept nogil:
    s = <const plan *>args
    p = s.p
    table = mg_conv_tables[runtime.variant]
    cdef size_t first = s.units * i // s.parts, last = s.units * (i + 1) // s.parts, part = 0
    cdef void *memory = s.memory.first + i * s.memory.size if s.memory.size else NULL
    if s.slices > 1:
        first, part = i // s.slices, i % s.slices
        last = first + 1
    if s.which == MG_CONV_WEIGHT:
        table.conv2d_weight[p.precision](p, first, last - first, memory)
    elif s.which == MG_CONV_INPUT:
        table.conv2d_input[p.precision](p, s.filters.first, first, last - first, part, s.slices, memory)
    else:
        table.conv2d[p.precision](
            p, s.filters.first if s.filters.size else NULL, first, last - first, part, s.slices, memory)


cdef int spread(const mg_conv_args *p, int which) noexcept nogil:
    """Share the units among threads: groups of samples, or channels of x for the gradient of w. Each part has its own
    scratch."""
    cdef plan s
    cdef size_t work = work_of(p), threads = threads_for(work)
    table = mg_conv_tables[runtime.variant]
    s.p, s.which, s.slices = p, which, 1
    s.units = p.groups * (p.channels_in if which == MG_CONV_WEIGHT else p.samples)
    s.parts = least(threads, s.units)
    if s.units < threads and which != MG_CONV_WEIGHT:
        s.slices = pieces(threads, s.units)
        s.parts = s.units * s.slices
    if not take_scratch(&s.memory, s.parts, table.conv2d_scratch[p.precision](p, which)):
        return NO_MEMORY
    if not take_scratch(&s.filters, 1, table.conv2d_filters[p.precision](p, which, NULL)
                        if which != MG_CONV_WEIGHT else 0):
        give_scratch(&s.memory)
        return NO_MEMORY
    if s.filters.size:
        table.conv2d_filters[p.precision](p, which, s.filters.first)
    share(work, s.parts, compute_part, &s)
    give_scratch(&s.filters)
    give_scratch(&s.memory)
    return 0


cdef int k_conv2d(const void *args) noexcept nogil:
    return spread(<const mg_conv_args *>args, MG_CONV)


cdef int k_conv2d_input(const void *args) noexcept nogil:
    return spread(<const mg_conv_args *>args, MG_CONV_INPUT)


cdef int k_conv2d_weight(const void *args) noexcept nogil:
    return spread(<const mg_conv_args *>args, MG_CONV_WEIGHT)


# --- checks ---

cdef int misfit(str kernel, ndarray x, ndarray w, ndarray y, object groups) except -1:
    from minigrad.errors import ShapeError
    raise ShapeError(
        f"{kernel}: x is {describe(x)}, w {describe(w)}, y {describe(y)}, groups {groups}; need (n, c, h, w), "
        "(o, c / groups, kh, kw) and (n, o, ., .), all of one dtype, with o a multiple of groups"
    )


@cython.boundscheck(True)                   # because stride, padding and dilation may be tuples of one number
cdef int fill_axis(
    str kernel, mg_conv_axis *a, int d, ndarray x, ndarray w, ndarray y, object stride, object padding, object dilation
) except -1:
    cdef Py_ssize_t s = stride[d], p = padding[d], e = dilation[d]
    a.x, a.y, a.kernel = PyArray_DIM(x, 2 + d), PyArray_DIM(y, 2 + d), PyArray_DIM(w, 2 + d)
    if not (1 <= s < LARGEST and 0 <= p < LARGEST and 1 <= e < LARGEST and a.kernel > 0):
        raise ValueError(
            f"{kernel}: stride {s}, padding {p}, dilation {e}, kernel {a.kernel}; need at least 1, 0, 1, 1 "
            f"and less than {LARGEST}"
        )
    if a.y and <Py_ssize_t>((a.y - 1) * s) > <Py_ssize_t>a.x + 2 * p:
        raise ValueError(f"{kernel}: {a.y} places of y, {s} apart, reach beyond {a.x} of x and a padding of {p}")
    a.stride, a.padding, a.dilation = s, p, e
    return 0


cdef int check_inputs(str kernel, ndarray a, ndarray b, ndarray out) except -1:
    check_flat(kernel, a)
    check_flat(kernel, b)
    if not apart(a, out) or not apart(b, out):
        raise ValueError(f"{kernel}: {describe(out)} is written and shares memory with an input; pass a copy of it")
    return 0


cdef int fill(
    str kernel, mg_conv_args *p, ndarray x, ndarray w, ndarray y, ndarray a, ndarray b, ndarray out,
    object stride, object padding, object dilation, Py_ssize_t groups,
) except -1:
    """Check all arguments and put them into p. a and b are those of x, w and y that are read; `out` is written."""
    cdef int dtype = PyArray_TYPE(out)
    if PyArray_NDIM(x) != 4 or PyArray_NDIM(w) != 4 or PyArray_NDIM(y) != 4 or groups < 1 or (
        PyArray_TYPE(x) != dtype or PyArray_TYPE(w) != dtype or PyArray_TYPE(y) != dtype
        or PyArray_DIM(x, 0) != PyArray_DIM(y, 0) or PyArray_DIM(x, 1) != PyArray_DIM(w, 1) * groups
        or PyArray_DIM(y, 1) != PyArray_DIM(w, 0) or PyArray_DIM(w, 0) % groups
    ):
        misfit(kernel, x, w, y, groups)
    p.precision = check_real(kernel, out)
    check_out(kernel, out)
    check_inputs(kernel, a, b, out)
    for d in range(2):
        fill_axis(kernel, &p.axis[d], d, x, w, y, stride, padding, dilation)
    p.samples, p.groups = PyArray_DIM(x, 0), groups
    p.channels_in, p.channels_out = PyArray_DIM(w, 1), PyArray_DIM(w, 0) // groups
    p.x, p.w, p.y, p.bias, p.result = PyArray_DATA(x), PyArray_DATA(w), PyArray_DATA(y), NULL, PyArray_DATA(out)
    p.activation = MG_ACT_NONE
    return 0


cdef int launch(str kernel, int (*k)(const void *args) noexcept nogil, const mg_conv_args *p) except -1:
    if call(k, p, work_of(p)) == NO_MEMORY:
        raise MemoryError(f"{kernel}: no memory for planes")
    return 0


cdef int activation_code(object name) except -1:
    if name is None:
        return MG_ACT_NONE
    if name == "relu":
        return MG_ACT_RELU
    if name == "tanh":
        return MG_ACT_TANH
    if name == "sigmoid":
        return MG_ACT_SIGMOID
    raise ValueError(f"conv2d: activation is {name!r}; need None, 'relu', 'tanh' or 'sigmoid'")


def conv2d(
    ndarray x not None, ndarray w not None, ndarray y not None, *, object stride, object padding, object dilation,
    Py_ssize_t groups=1, ndarray bias=None, object activation=None,
):
    cdef mg_conv_args p
    record(&p, sizeof(p))
    fill("conv2d", &p, x, w, y, x, w, y, stride, padding, dilation, groups)
    p.activation = activation_code(activation)
    if bias is not None:
        if PyArray_NDIM(bias) != 1 or PyArray_DIM(bias, 0) != PyArray_DIM(w, 0) or PyArray_TYPE(bias) != PyArray_TYPE(y):
            misfit("conv2d: bias", x, w, bias, groups)
        check_flat("conv2d", bias)
        if not apart(bias, y):
            raise ValueError("conv2d: out shares memory with the bias; pass a copy of one of them")
        p.bias = PyArray_DATA(bias)
    if PyArray_SIZE(y):
        launch("conv2d", k_conv2d, &p)


def conv2d_input(
    ndarray y not None, ndarray w not None, ndarray x not None, *, object stride, object padding, object dilation,
    Py_ssize_t groups=1,
):
    cdef mg_conv_args p
    record(&p, sizeof(p))
    fill("conv2d_input", &p, x, w, y, y, w, x, stride, padding, dilation, groups)
    if PyArray_SIZE(x):
        launch("conv2d_input", k_conv2d_input, &p)


def conv2d_weight(
    ndarray x not None, ndarray y not None, ndarray w not None, *, object stride, object padding, object dilation,
    Py_ssize_t groups=1,
):
    cdef mg_conv_args p
    record(&p, sizeof(p))
    fill("conv2d_weight", &p, x, w, y, x, y, w, stride, padding, dilation, groups)
    if PyArray_SIZE(w):
        launch("conv2d_weight", k_conv2d_weight, &p)


know("conv2d", k_conv2d)
know("conv2d_input", k_conv2d_input)
know("conv2d_weight", k_conv2d_weight)
