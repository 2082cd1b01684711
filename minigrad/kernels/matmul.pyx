# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""Matrix products: checks, then parts of the result over threads. Arithmetic: src_c/matmul.c; meaning: reference.py."""

from cython.parallel cimport prange
from libc.stdlib cimport free, malloc
from numpy cimport (
    PyArray_DATA, PyArray_DIM, PyArray_ISALIGNED, PyArray_ISNOTSWAPPED, PyArray_ITEMSIZE, PyArray_NDIM, PyArray_STRIDE,
    PyArray_TYPE, ndarray,
)

from minigrad.kernels cimport runtime
from minigrad.kernels._c cimport (
    MG_ACT_NONE, MG_ACT_RELU, MG_ACT_SIGMOID, MG_ACT_TANH, mg_matmul, mg_matmul_args, mg_matmul_table,
)
from minigrad.kernels.checks cimport check_flat, check_out, check_real, describe

cdef enum: COLUMNS = 128                    # bytes; parts are whole panels of columns


cdef struct matmul_args:                    # what replay stores
    mg_matmul_args all
    int bits
    bint lanes                              # n is 1: the order of matvec
    Py_ssize_t work


cdef Py_ssize_t count_parts(const matmul_args *p, bint *by_columns) noexcept nogil:
    """Parts of the result, one per thread: columns where they are many, else rows. A dot product is one part."""
    cdef Py_ssize_t threads = runtime.threads_for(p.work), panels = (p.all.n * (p.bits // 8) + COLUMNS - 1) // COLUMNS
    by_columns[0] = p.all.n >= p.all.m and panels >= threads
    return min(threads, panels if by_columns[0] else <Py_ssize_t>p.all.m)


cdef mg_matmul_args part(const matmul_args *p, Py_ssize_t i, Py_ssize_t parts, bint by_columns) noexcept nogil:
    """Part i of the result is a product itself: of some rows of a, or with some columns of b."""
    cdef mg_matmul_args q = p.all
    cdef Py_ssize_t item = p.bits // 8, first, last, panels
    if by_columns:
        panels = (q.n * item + COLUMNS - 1) // COLUMNS
        first, last = panels * i // parts * (COLUMNS // item), panels * (i + 1) // parts * (COLUMNS // item)
        q.n = min(last, <Py_ssize_t>p.all.n) - first
        q.b = <const char *>q.b + first * q.b_col * item
        q.c = <char *>q.c + first * item
        q.bias = <const char *>q.bias + first * item if q.bias else NULL
    else:
        first, last = q.m * i // parts, q.m * (i + 1) // parts
        q.m = last - first
        q.a = <const char *>q.a + first * q.a_row * item
        q.c = <char *>q.c + first * q.c_row * item
    return q


cdef void compute(const matmul_args *p, mg_matmul_args q, char *scratch) noexcept nogil:
    cdef const mg_matmul_table *table = mg_matmul[runtime.variant]
    if p.lanes:
        if p.bits == 32: table.matvec_f32(&q)
        else: table.matvec_f64(&q)
    else:
        if p.bits == 32: table.matmul_f32(&q, scratch)
        else: table.matmul_f64(&q, scratch)


cdef size_t scratch_bytes(const matmul_args *p, mg_matmul_args q) noexcept nogil:
    cdef const mg_matmul_table *table = mg_matmul[runtime.variant]
    if p.lanes:
        return 0
    return table.matmul_scratch_f32(&q) if p.bits == 32 else table.matmul_scratch_f64(&q)


cdef int k_matmul(const matmul_args *p) noexcept nogil:
    """Returns -1, with nothing written, if there is no memory for scratch."""
    cdef bint by_columns = False
    cdef Py_ssize_t i, parts = count_parts(p, &by_columns)
    cdef size_t size = 0
    cdef char *memory = NULL
    cdef char *scratch = NULL
    for i in range(parts):
        size = max(size, scratch_bytes(p, part(p, i, parts, by_columns)))
    if size:                                # every part starts a cache line: vectors that cross two cost a fifth
        size = (size + 63) // 64 * 64
        memory = <char *>malloc(size * parts + 64)
        if memory == NULL:
            return -1
        scratch = memory + (64 - <size_t>memory % 64)
    if parts == 1:                          # a prange in the path costs 0.5 us, even with one thread
        compute(p, p.all, scratch)
    else:
        for i in prange(parts, num_threads=<int>parts, schedule="static"):
            compute(p, part(p, i, parts, by_columns), scratch + i * size if size else NULL)
    free(memory)
    return 0


cdef int activation_code(str name) except -1:
    if name == "relu":
        return MG_ACT_RELU
    if name == "tanh":
        return MG_ACT_TANH
    if name == "sigmoid":
        return MG_ACT_SIGMOID
    raise ValueError(f"matmul: activation is {name!r}; need None, 'relu', 'tanh' or 'sigmoid'")


cdef int refuse(object a, object b, object out, bint ta, bint tb, object bias) except -1:
    """Raise the error that says why shapes or dtypes do not fit."""
    from minigrad.errors import DTypeError, ShapeError
    flags = f"(ta={ta}, tb={tb})" if ta or tb else ""
    if a.ndim != 2 or b.ndim != 2 or out.ndim != 2:
        raise ShapeError(f"matmul: a is {a.shape}, b is {b.shape}, out is {out.shape}; need two dimensions each")
    m, k, n = a.shape[ta], a.shape[not ta], b.shape[not tb]
    if k != b.shape[tb]:
        need = f"a.shape[{int(not ta)}] == b.shape[{int(tb)}]"
        raise ShapeError(f"matmul{flags}: a is {a.shape}, b is {b.shape}; need {need}")
    if out.shape != (m, n):
        raise ShapeError(f"matmul{flags}: a is {a.shape}, b is {b.shape}, out is {out.shape}; need out {(m, n)}")
    if bias is not None and bias.shape != (n,):
        raise ShapeError(f"matmul: bias is {bias.shape}, out is {out.shape}; need bias {(n,)}")
    last = "" if bias is None else f", bias is {bias.dtype}"
    raise DTypeError(
        f"matmul: a is {a.dtype}, b is {b.dtype}, out is {out.dtype}{last}; "
        "need one dtype, float32 or float64: cast with astype"
    )


cdef inline int check_strided(ndarray x) except -1:
    if not PyArray_ISALIGNED(x) or not PyArray_ISNOTSWAPPED(x):
        raise ValueError(f"matmul: {describe(x)} is misaligned or byte-swapped; pass kernels.contiguous(x)")
    return 0


cdef inline int check_apart(ndarray x, ndarray out) except -1:
    """The memory from the first to the last element of x and that of out have nothing in common."""
    cdef const char *low = <const char *>PyArray_DATA(x)
    cdef const char *high = low
    cdef const char *start = <const char *>PyArray_DATA(out)
    cdef Py_ssize_t extent, size = PyArray_ITEMSIZE(out)
    cdef int d
    for d in range(PyArray_NDIM(x)):
        extent = (PyArray_DIM(x, d) - 1) * PyArray_STRIDE(x, d)
        if extent < 0: low += extent
        else: high += extent
    for d in range(2):
        size *= PyArray_DIM(out, d)
    if low < start + size and start < high + PyArray_ITEMSIZE(x):
        raise ValueError(f"matmul: out shares memory with an input {describe(x)}; pass a copy of one of them")
    return 0


cdef inline Py_ssize_t step(ndarray x, int d) noexcept:
    """Stride in elements; that of one element is never used, and NumPy may keep anything there."""
    return PyArray_STRIDE(x, d) // PyArray_ITEMSIZE(x) if PyArray_DIM(x, d) > 1 else 1


def matmul(
    ndarray a not None, ndarray b not None, ndarray out not None, *,
    bint ta=False, bint tb=False, ndarray bias=None, str activation=None, bint accumulate=False,
):
    cdef matmul_args p
    cdef int dtype = PyArray_TYPE(out), failed
    if (
        PyArray_NDIM(a) != 2 or PyArray_NDIM(b) != 2 or PyArray_NDIM(out) != 2
        or PyArray_DIM(a, not ta) != PyArray_DIM(b, tb) or PyArray_DIM(out, 0) != PyArray_DIM(a, ta)
        or PyArray_DIM(out, 1) != PyArray_DIM(b, not tb) or PyArray_TYPE(a) != dtype or PyArray_TYPE(b) != dtype
    ):
        refuse(a, b, out, ta, tb, None)
    p.all.m, p.all.n, p.all.k = PyArray_DIM(out, 0), PyArray_DIM(out, 1), PyArray_DIM(b, tb)
    p.bits = check_real("matmul", out)
    check_out("matmul", out)
    check_strided(a)
    check_strided(b)
    p.all.a, p.all.b, p.all.c, p.all.bias = PyArray_DATA(a), PyArray_DATA(b), PyArray_DATA(out), NULL
    p.all.a_row, p.all.a_col = step(a, ta), step(a, not ta)
    p.all.b_row, p.all.b_col = step(b, tb), step(b, not tb)
    p.all.c_row = p.all.n
    p.all.activation, p.all.accumulate = MG_ACT_NONE, accumulate
    if bias is not None:
        if PyArray_NDIM(bias) != 1 or PyArray_DIM(bias, 0) != PyArray_DIM(out, 1) or PyArray_TYPE(bias) != dtype:
            refuse(a, b, out, ta, tb, bias)
        check_flat("matmul", bias)
        check_apart(bias, out)
        p.all.bias = PyArray_DATA(bias)
    if activation is not None:
        p.all.activation = activation_code(activation)
    if accumulate and (bias is not None or activation is not None):
        raise ValueError("matmul: accumulate adds the plain product to out; it takes neither bias nor activation")
    if p.all.m == 0 or p.all.n == 0:
        return
    if p.all.k != 0:
        check_apart(a, out)
        check_apart(b, out)
    p.lanes = p.all.n == 1
    p.work = <Py_ssize_t>min(<double>p.all.m * p.all.n * p.all.k / 8 + <double>p.all.k * (p.all.m + p.all.n), 1e18)
    if runtime.releases_gil(p.work):
        with nogil:
            failed = k_matmul(&p)
    else:
        failed = k_matmul(&p)
    if failed:
        raise MemoryError("matmul: no memory for packing")
