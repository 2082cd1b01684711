# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""Matrix products: checks, then parts of the result, shared among threads.

Arithmetic: src_c/matmul/matmul.c; meaning: reference/matmul.py.
"""

cimport cython
from numpy cimport (
    PyArray_DATA, PyArray_DIM, PyArray_ISALIGNED, PyArray_ISNOTSWAPPED, PyArray_ITEMSIZE, PyArray_NDIM, PyArray_STRIDE,
    PyArray_TYPE, ndarray,
)

from minigrad.kernels.native cimport runtime
from minigrad.kernels.native.checks cimport apart, check_flat, check_out, check_real, describe
from minigrad.kernels.native.launch cimport (
    call, give_scratch, item_size, know, least, pieces, record, scratch, share, take_scratch, threads_for,
)

cdef extern from "matmul/matmul.h" nogil:
    enum: MG_ACT_NONE, MG_ACT_RELU, MG_ACT_TANH, MG_ACT_SIGMOID
    ctypedef struct mg_product:
        size_t m, n, k
        const void *a
        const void *b
        const void *bias
        void *c
        Py_ssize_t a_row, a_col, b_row, b_col, c_row
        int activation, accumulate
    ctypedef struct mg_batch_axis:
        size_t length
        Py_ssize_t a, b
    enum: MG_BATCH_AXES
    ctypedef struct mg_matmul_args:
        mg_product first
        int precision, axes
        mg_batch_axis axis[MG_BATCH_AXES]
    ctypedef struct mg_matmul_table:
        size_t (*matmul_scratch[2])(const mg_product *p) noexcept nogil
        void (*matmul[2])(const mg_product *p, void *scratch) noexcept nogil
        void (*matvec[2])(const mg_product *p) noexcept nogil
    const mg_matmul_table *const *mg_matmul_tables

cdef enum:
    COLUMNS = 128                           # bytes; parts are whole panels of columns
    NO_MEMORY = 1                           # returned by k_matmul if there is no scratch; it has written nothing


cdef struct plan:                           # how threads share the product *p, or the batch
    const mg_matmul_args *p
    size_t count, parts                     # products in the batch; parts, one for each thread
    bint lanes, by_columns                  # lanes: n is 1, so use matvec; by_columns: a part is some columns, not rows
    scratch memory


cdef inline size_t count_products(const mg_matmul_args *p) noexcept nogil:
    cdef size_t count = 1
    cdef int d
    for d in range(p.axes):
        count *= p.axis[d].length
    return count


cdef inline size_t work_of(const mg_product *p, size_t count) noexcept nogil:
    """The work of `count` products, in elements of memory-bound work; computed in float64, which cannot overflow."""
    cdef double m = <Py_ssize_t>p.m, n = <Py_ssize_t>p.n, k = <Py_ssize_t>p.k
    return <size_t>min(<Py_ssize_t>count * (m * n * k / 8 + k * (m + n)), 1e18)


cdef size_t count_parts(plan *s, int threads) noexcept nogil:
    """How many parts the result has, at most one per thread: of columns if there are many, else of rows."""
    p = &s.p.first
    cdef size_t panels = pieces(p.n * item_size(s.p.precision), COLUMNS)
    s.by_columns = p.n >= p.m and panels >= <size_t>threads
    return least(threads, panels if s.by_columns else p.m)


cdef mg_product part(const plan *s, size_t i) noexcept nogil:
    """Part i of the result is a product itself: of some rows of a, or with some columns of b."""
    cdef mg_product q = s.p.first
    cdef Py_ssize_t item = item_size(s.p.precision), first, last, panels, parts = s.parts, at = i
    if s.by_columns:
        panels = pieces(q.n * item, COLUMNS)
        first, last = panels * at // parts * (COLUMNS // item), panels * (at + 1) // parts * (COLUMNS // item)
        q.n = min(last, <Py_ssize_t>s.p.first.n) - first
        q.b = <const char *>q.b + first * q.b_col * item
        q.c = <char *>q.c + first * item
        q.bias = <const char *>q.bias + first * item if q.bias else NULL
    else:
        first, last = <Py_ssize_t>q.m * at // parts, <Py_ssize_t>q.m * (at + 1) // parts
        q.m = last - first
        q.a = <const char *>q.a + first * q.a_row * item
        if s.lanes:                         # b_col: from the vector of one row to that of the next
            q.b = <const char *>q.b + first * q.b_col * item
        q.c = <char *>q.c + first * q.c_row * item
    return q


cdef inline void compute(const plan *s, const mg_product *q, void *memory) noexcept nogil:
    """Compute q. n of the whole product decides which kernel does it: matvec adds in another order than matmul does for
    one column of a wider product."""
    if s.lanes:
        mg_matmul_tables[runtime.variant].matvec[s.p.precision](q)
    else:
        mg_matmul_tables[runtime.variant].matmul[s.p.precision](q, memory)


cdef inline size_t scratch_bytes(const plan *s, const mg_product *q) noexcept nogil:
    return 0 if s.lanes else mg_matmul_tables[runtime.variant].matmul_scratch[s.p.precision](q)


cdef void compute_part(const void *args, size_t i) noexcept nogil:
    s = <const plan *>args
    cdef mg_product q = part(s, i)
    compute(s, &q, s.memory.first + i * s.memory.size if s.memory.size else NULL)


cdef void compute_batch(const void *args, size_t i) noexcept nogil:
    """Compute the products of part i of the batch, one after the other."""
    s = <const plan *>args
    p = s.p
    cdef Py_ssize_t[MG_BATCH_AXES] at
    cdef Py_ssize_t item = item_size(p.precision), a = 0, b = 0
    cdef size_t first = s.count * i // s.parts, j, left = first
    cdef mg_product q = p.first
    cdef void *memory = s.memory.first + i * s.memory.size if s.memory.size else NULL
    cdef int d
    for d in range(p.axes - 1, -1, -1):
        at[d] = left % p.axis[d].length
        left //= p.axis[d].length
        a += at[d] * p.axis[d].a
        b += at[d] * p.axis[d].b
    for j in range(first, s.count * (i + 1) // s.parts):
        q.a = <const char *>p.first.a + a * item
        q.b = <const char *>p.first.b + b * item
        q.c = <char *>p.first.c + j * q.m * q.n * item
        compute(s, &q, memory)
        for d in range(p.axes - 1, -1, -1):         # to the next product of the batch, the last axis fastest
            at[d] += 1
            a += p.axis[d].a
            b += p.axis[d].b
            if at[d] < <Py_ssize_t>p.axis[d].length:
                break
            at[d] = 0
            a -= <Py_ssize_t>p.axis[d].length * p.axis[d].a
            b -= <Py_ssize_t>p.axis[d].length * p.axis[d].b


cdef int k_matmul(const void *args) noexcept nogil:
    p = <const mg_matmul_args *>args
    cdef plan s
    cdef mg_product q
    cdef size_t i, work, size
    s.p, s.count, s.lanes, s.by_columns = p, count_products(p), p.first.n == 1, False
    work = work_of(&p.first, s.count)
    s.parts = threads_for(work)
    if s.count == 1 and s.parts > 1:
        s.parts = count_parts(&s, <int>s.parts)
    if s.count > 1 or s.parts == 1:
        s.parts = least(s.parts, s.count)
        size = scratch_bytes(&s, &p.first)
    else:
        size = 0
        for i in range(s.parts):
            q = part(&s, i)
            size = max(size, scratch_bytes(&s, &q))
    if not take_scratch(&s.memory, s.parts, size):
        return NO_MEMORY
    if s.count > 1:
        share(work, s.parts, compute_batch, &s)
    elif s.parts > 1:
        share(work, s.parts, compute_part, &s)
    else:
        compute(&s, &p.first, s.memory.first)
    give_scratch(&s.memory)
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
    """Stride in elements; 1 for an axis of length 1, for which NumPy may have any stride."""
    return PyArray_STRIDE(x, d) // PyArray_ITEMSIZE(x) if PyArray_DIM(x, d) > 1 else 1


cdef bint batch_step(ndarray x, int d, int axes, Py_ssize_t length, Py_ssize_t *step) noexcept:
    """The step of x along axis d of a batch; False if x does not broadcast to that length."""
    cdef int axis = d + PyArray_NDIM(x) - axes - 2
    if axis < 0 or PyArray_DIM(x, axis) == 1:
        step[0] = 0
    else:
        step[0] = PyArray_STRIDE(x, axis) // PyArray_ITEMSIZE(x)
    return axis < 0 or PyArray_DIM(x, axis) == length or PyArray_DIM(x, axis) == 1


cdef bint set_batch(mg_matmul_args *p, ndarray a, ndarray b, ndarray out) noexcept:
    """Fill the axes of the batch; False if shapes do not fit.

    If b is the same for the whole batch, (batch, m, k) times (k, n) is computed as one product of batch * m rows. A
    batch of dot products whose vectors are evenly apart is also one product (n is 1); each row has its own vector.
    """
    cdef int d, axes = PyArray_NDIM(out) - 2
    cdef bint shared = True, even = p.first.m * p.first.n == 1
    cdef Py_ssize_t rows = p.first.m, count = 1, a_one = 0, b_one = 0, length
    cdef mg_batch_axis *axis
    if PyArray_NDIM(a) > axes + 2 or PyArray_NDIM(b) > axes + 2:
        return False
    p.axes = axes
    for d in range(axes - 1, -1, -1):
        axis, length = &p.axis[d], PyArray_DIM(out, d)
        axis.length = length
        if not batch_step(a, d, axes, length, &axis.a) or not batch_step(b, d, axes, length, &axis.b):
            return False
        if count == 1:
            a_one, b_one = axis.a, axis.b
        even = even and (length == 1 or axis.a == count * a_one and axis.b == count * b_one)
        count *= length
        shared = shared and axis.b == 0 and (length == 1 or axis.a == rows * p.first.a_row)
        rows *= length
    if shared and count > 0:
        p.first.m, p.axes = rows, 0
    elif even:
        p.first.a_row, p.first.b_col, p.first.m, p.axes = a_one, b_one, count, 0
    return True


def matmul(
    ndarray a not None, ndarray b not None, ndarray out not None, *,
    bint ta=False, bint tb=False, ndarray bias=None, str activation=None, bint accumulate=False,
):
    cdef mg_matmul_args p
    record(&p, sizeof(p))
    cdef size_t count
    cdef int dtype = PyArray_TYPE(out)
    cdef int x = PyArray_NDIM(a) - 2, y = PyArray_NDIM(b) - 2, z = PyArray_NDIM(out) - 2   # dimensions of the batch
    if (
        x < 0 or y < 0 or z < 0
        or PyArray_DIM(a, x + (not ta)) != PyArray_DIM(b, y + tb) or PyArray_DIM(out, z) != PyArray_DIM(a, x + ta)
        or PyArray_DIM(out, z + 1) != PyArray_DIM(b, y + (not tb))
        or PyArray_TYPE(a) != dtype or PyArray_TYPE(b) != dtype
    ):
        refuse(a, b, out, ta, tb, None)
    p.first.m, p.first.n, p.first.k = PyArray_DIM(out, z), PyArray_DIM(out, z + 1), PyArray_DIM(b, y + tb)
    p.precision = check_real("matmul", out)
    check_out("matmul", out)
    check_strided(a)
    check_strided(b)
    p.first.a, p.first.b, p.first.c, p.first.bias = PyArray_DATA(a), PyArray_DATA(b), PyArray_DATA(out), NULL
    p.first.a_row, p.first.a_col = step(a, x + ta), step(a, x + (not ta))
    p.first.b_row, p.first.b_col = step(b, y + tb), step(b, y + (not tb)) if p.first.n > 1 else 0
    p.first.c_row = p.first.n
    p.first.activation, p.first.accumulate = MG_ACT_NONE, accumulate
    if bias is not None:
        if PyArray_NDIM(bias) != 1 or PyArray_DIM(bias, 0) != PyArray_DIM(out, z + 1) or PyArray_TYPE(bias) != dtype:
            refuse(a, b, out, ta, tb, bias)
        check_flat("matmul", bias)
        check_apart(bias, out)
        p.first.bias = PyArray_DATA(bias)
    if activation is not None:
        p.first.activation = activation_code(activation)
    if accumulate and (bias is not None or activation is not None):
        raise ValueError("matmul: accumulate adds the plain product to out; it takes neither bias nor activation")
    p.axes = 0
    if x + y + z > 0 and not set_batch(&p, a, b, out):
        refuse(a, b, out, ta, tb, None)
    count = count_products(&p)
    if p.first.m == 0 or p.first.n == 0 or count == 0:
        return
    if p.first.k != 0:
        check_apart(a, out)
        check_apart(b, out)
    if call(k_matmul, &p, work_of(&p.first, count)) == NO_MEMORY:
        raise MemoryError("matmul: no memory for packing")


know("matmul", k_matmul)
