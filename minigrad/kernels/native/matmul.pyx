# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""Matrix products: checks, then parts of the result over threads. Arithmetic: src_c/matmul/matmul.c; meaning: reference/matmul.py."""

cimport cython
from cython.parallel cimport prange
from libc.stdlib cimport free, malloc
from numpy cimport (
    PyArray_DATA, PyArray_DIM, PyArray_ISALIGNED, PyArray_ISNOTSWAPPED, PyArray_ITEMSIZE, PyArray_NDIM, PyArray_STRIDE,
    PyArray_TYPE, ndarray,
)

from minigrad.kernels.native cimport runtime
from minigrad.kernels.native._c cimport (
    MG_ACT_NONE, MG_ACT_RELU, MG_ACT_SIGMOID, MG_ACT_TANH, mg_matmul_tables, mg_matmul_args, mg_matmul_table,
)
from minigrad.kernels.native.checks cimport apart, check_flat, check_out, check_real, describe

cdef enum:
    COLUMNS = 128                           # bytes; parts are whole panels of columns
    NPY_MAXDIMS = 64


cdef struct matmul_args:                    # what replay stores
    mg_matmul_args all                      # the product, or the first one of a batch
    int bits
    bint lanes                              # n is 1: the order of matvec
    int dims                                # of the batch, outermost first; a step is 0 where an operand is broadcast
    Py_ssize_t size[NPY_MAXDIMS]
    Py_ssize_t a_step[NPY_MAXDIMS]
    Py_ssize_t b_step[NPY_MAXDIMS]
    Py_ssize_t count                        # products in the batch
    Py_ssize_t work                         # of all of them


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
        if p.lanes:                         # b_col: from the vector of one row to that of the next
            q.b = <const char *>q.b + first * q.b_col * item
        q.c = <char *>q.c + first * q.c_row * item
    return q


cdef void compute(const matmul_args *p, mg_matmul_args q, char *scratch) noexcept nogil:
    cdef const mg_matmul_table *table = mg_matmul_tables[runtime.variant]
    if p.lanes:
        if p.bits == 32: table.matvec_f32(&q)
        else: table.matvec_f64(&q)
    else:
        if p.bits == 32: table.matmul_f32(&q, scratch)
        else: table.matmul_f64(&q, scratch)


cdef size_t scratch_bytes(const matmul_args *p, mg_matmul_args q) noexcept nogil:
    cdef const mg_matmul_table *table = mg_matmul_tables[runtime.variant]
    if p.lanes:
        return 0
    return table.matmul_scratch_f32(&q) if p.bits == 32 else table.matmul_scratch_f64(&q)


cdef void products(const matmul_args *p, Py_ssize_t first, Py_ssize_t last, char *scratch) noexcept nogil:
    """Products first .. last of the batch, one after the other."""
    cdef Py_ssize_t[NPY_MAXDIMS] at
    cdef Py_ssize_t item = p.bits // 8, a = 0, b = 0, i = first
    cdef mg_matmul_args q = p.all
    cdef int d
    for d in range(p.dims - 1, -1, -1):
        at[d] = i % p.size[d]
        i //= p.size[d]
        a += at[d] * p.a_step[d]
        b += at[d] * p.b_step[d]
    for i in range(first, last):
        q.a = <const char *>p.all.a + a * item
        q.b = <const char *>p.all.b + b * item
        q.c = <char *>p.all.c + i * <Py_ssize_t>(q.m * q.n) * item
        compute(p, q, scratch)
        for d in range(p.dims - 1, -1, -1):         # the next place in the batch, the last dimension fastest
            at[d] += 1
            a += p.a_step[d]
            b += p.b_step[d]
            if at[d] < p.size[d]:
                break
            at[d] = 0
            a -= p.size[d] * p.a_step[d]
            b -= p.size[d] * p.b_step[d]


cdef char *scratch_of(Py_ssize_t parts, size_t *size, char **memory) noexcept nogil:
    """Scratch for each of `parts`, which each starts a cache line: vectors that cross two cost a fifth."""
    size[0] = (size[0] + 63) // 64 * 64
    memory[0] = <char *>malloc(size[0] * parts + 64)
    return memory[0] + (64 - <size_t>memory[0] % 64) if memory[0] != NULL else NULL


cdef int k_batch(const matmul_args *p) noexcept nogil:
    """The products of a batch, spread over threads. Returns as k_matmul does."""
    cdef Py_ssize_t i, parts = min(<Py_ssize_t>runtime.threads_for(p.work), p.count)
    cdef size_t size = scratch_bytes(p, p.all)
    cdef char *memory = NULL
    cdef char *scratch = NULL
    if size:
        scratch = scratch_of(parts, &size, &memory)
        if scratch == NULL:
            return -1
    if parts == 1:
        products(p, 0, p.count, scratch)
    else:
        for i in prange(parts, num_threads=<int>parts, schedule="static"):
            products(p, p.count * i // parts, p.count * (i + 1) // parts, scratch + i * size if size else NULL)
    free(memory)
    return 0


cdef int k_matmul(const matmul_args *p) noexcept nogil:
    """Returns -1, with nothing written, if there is no memory for scratch."""
    if p.count > 1:
        return k_batch(p)
    cdef bint by_columns = False
    cdef Py_ssize_t i, parts = count_parts(p, &by_columns)
    cdef size_t size = scratch_bytes(p, p.all) if parts == 1 else 0
    cdef char *memory = NULL
    cdef char *scratch = NULL
    for i in range(parts if parts > 1 else 0):
        size = max(size, scratch_bytes(p, part(p, i, parts, by_columns)))
    if size:
        scratch = scratch_of(parts, &size, &memory)
        if scratch == NULL:
            return -1
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


@cython.wraparound(True)
cdef int refuse(object a, object b, object out, bint ta, bint tb, object bias) except -1:
    """Raise the error that says why shapes or dtypes do not fit."""
    from minigrad.errors import DTypeError, ShapeError
    flags = f"(ta={ta}, tb={tb})" if ta or tb else ""
    if a.ndim < 2 or b.ndim < 2 or out.ndim < 2:
        raise ShapeError(f"matmul: a is {a.shape}, b is {b.shape}, out is {out.shape}; need two dimensions each")
    m, k, n = a.shape[a.ndim - 2 + ta], a.shape[a.ndim - 1 - ta], b.shape[b.ndim - 1 - tb]
    if k != b.shape[b.ndim - 2 + tb]:
        need = f"a.shape[{a.ndim - 1 - ta}] == b.shape[{b.ndim - 2 + tb}]"
        raise ShapeError(f"matmul{flags}: a is {a.shape}, b is {b.shape}; need {need}")
    batch = out.shape[:out.ndim - 2]
    for x in (a, b):
        sizes = x.shape[:x.ndim - 2]
        if len(sizes) > len(batch) or any(s not in (1, t) for s, t in zip(sizes[::-1], batch[::-1])):
            raise ShapeError(f"matmul: the batch {sizes} of {describe(x)} does not broadcast to {batch} of out")
    if out.shape != (*batch, m, n):
        given = f"matmul{flags}: a is {a.shape}, b is {b.shape}, out is {out.shape}"
        raise ShapeError(f"{given}; need out {(*batch, m, n)}")
    if bias is not None and bias.shape != (n,):
        raise ShapeError(f"matmul: bias is {bias.shape}, out is {out.shape}; need bias {(n,)}")
    last = "" if bias is None else f", bias is {bias.dtype}"
    raise DTypeError(
        f"matmul: a is {a.dtype}, b is {b.dtype}, out is {out.dtype}{last}; "
        "need one dtype, float32 or float64: use .float() or .double()"
    )


cdef inline int check_strided(ndarray x) except -1:
    if not PyArray_ISALIGNED(x) or not PyArray_ISNOTSWAPPED(x):
        raise ValueError(f"matmul: {describe(x)} is misaligned or byte-swapped; pass kernels.contiguous(x)")
    return 0


cdef inline int check_apart(ndarray x, ndarray out) except -1:
    if not apart(x, out):
        raise ValueError(f"matmul: out shares memory with an input {describe(x)}; pass a copy of one of them")
    return 0


cdef inline Py_ssize_t step(ndarray x, int d) noexcept:
    """Stride in elements; that of one element is never used, and NumPy may keep anything there."""
    return PyArray_STRIDE(x, d) // PyArray_ITEMSIZE(x) if PyArray_DIM(x, d) > 1 else 1


cdef bint batch_step(ndarray x, int d, int dims, Py_ssize_t size, Py_ssize_t *step) noexcept:
    """The step of x along dimension d of a batch of dims; False if x does not broadcast to that size."""
    cdef int axis = d + PyArray_NDIM(x) - dims - 2
    if axis < 0 or PyArray_DIM(x, axis) == 1:
        step[0] = 0
    else:
        step[0] = PyArray_STRIDE(x, axis) // PyArray_ITEMSIZE(x)
    return axis < 0 or PyArray_DIM(x, axis) == size or PyArray_DIM(x, axis) == 1


cdef bint set_batch(matmul_args *p, ndarray a, ndarray b, ndarray out) noexcept:
    """Fill the batch of p; False if shapes do not fit. A batch of rows that meet one b is one product of more rows, and
    so is one of dot products that are evenly apart."""
    cdef int d, dims = PyArray_NDIM(out) - 2
    cdef bint shared = True, even = p.all.m * p.all.n == 1
    cdef Py_ssize_t rows = p.all.m, a_one = 0, b_one = 0
    if PyArray_NDIM(a) > dims + 2 or PyArray_NDIM(b) > dims + 2:
        return False
    p.dims, p.count = dims, 1
    for d in range(dims - 1, -1, -1):
        p.size[d] = PyArray_DIM(out, d)
        if not batch_step(a, d, dims, p.size[d], &p.a_step[d]) or not batch_step(b, d, dims, p.size[d], &p.b_step[d]):
            return False
        if p.count == 1:
            a_one, b_one = p.a_step[d], p.b_step[d]
        even = even and (p.size[d] == 1 or p.a_step[d] == p.count * a_one and p.b_step[d] == p.count * b_one)
        p.count *= p.size[d]
        shared = shared and p.b_step[d] == 0 and (p.size[d] == 1 or p.a_step[d] == rows * p.all.a_row)
        rows *= p.size[d]
    if shared and p.count > 0:
        p.all.m, p.count = rows, 1
    elif even:                              # a product with lanes, whose rows each meet a vector of their own
        p.all.a_row, p.all.b_col, p.all.m, p.count = a_one, b_one, p.count, 1
    return True


def matmul(
    ndarray a not None, ndarray b not None, ndarray out not None, *,
    bint ta=False, bint tb=False, ndarray bias=None, str activation=None, bint accumulate=False,
):
    cdef matmul_args p
    cdef int dtype = PyArray_TYPE(out), failed
    cdef int x = PyArray_NDIM(a) - 2, y = PyArray_NDIM(b) - 2, z = PyArray_NDIM(out) - 2   # dimensions of the batch
    if (
        x < 0 or y < 0 or z < 0
        or PyArray_DIM(a, x + (not ta)) != PyArray_DIM(b, y + tb) or PyArray_DIM(out, z) != PyArray_DIM(a, x + ta)
        or PyArray_DIM(out, z + 1) != PyArray_DIM(b, y + (not tb))
        or PyArray_TYPE(a) != dtype or PyArray_TYPE(b) != dtype
    ):
        refuse(a, b, out, ta, tb, None)
    p.all.m, p.all.n, p.all.k = PyArray_DIM(out, z), PyArray_DIM(out, z + 1), PyArray_DIM(b, y + tb)
    p.bits = 32 << check_real("matmul", out)
    check_out("matmul", out)
    check_strided(a)
    check_strided(b)
    p.all.a, p.all.b, p.all.c, p.all.bias = PyArray_DATA(a), PyArray_DATA(b), PyArray_DATA(out), NULL
    p.all.a_row, p.all.a_col = step(a, x + ta), step(a, x + (not ta))
    p.all.b_row, p.all.b_col = step(b, y + tb), step(b, y + (not tb)) if p.all.n > 1 else 0
    p.all.c_row = p.all.n
    p.all.activation, p.all.accumulate = MG_ACT_NONE, accumulate
    if bias is not None:
        if PyArray_NDIM(bias) != 1 or PyArray_DIM(bias, 0) != PyArray_DIM(out, z + 1) or PyArray_TYPE(bias) != dtype:
            refuse(a, b, out, ta, tb, bias)
        check_flat("matmul", bias)
        check_apart(bias, out)
        p.all.bias = PyArray_DATA(bias)
    if activation is not None:
        p.all.activation = activation_code(activation)
    if accumulate and (bias is not None or activation is not None):
        raise ValueError("matmul: accumulate adds the plain product to out; it takes neither bias nor activation")
    p.count = 1
    if x + y + z > 0 and not set_batch(&p, a, b, out):
        refuse(a, b, out, ta, tb, None)
    if p.all.m == 0 or p.all.n == 0 or p.count == 0:
        return
    if p.all.k != 0:
        check_apart(a, out)
        check_apart(b, out)
    p.lanes = p.all.n == 1
    p.work = <Py_ssize_t>min(
        p.count * (<double>p.all.m * p.all.n * p.all.k / 8 + <double>p.all.k * (p.all.m + p.all.n)), 1e18
    )
    if runtime.releases_gil(p.work):
        with nogil:
            failed = k_matmul(&p)
    else:
        failed = k_matmul(&p)
    if failed:
        raise MemoryError("matmul: no memory for packing")
