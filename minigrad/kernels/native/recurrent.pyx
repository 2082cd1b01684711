# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""One step of a recurrent network after its matrix products: checks, then rows, shared among threads.

Arithmetic: src_c/layers/recurrent.c; meaning: reference/recurrent.py.
"""

from libc.stdint cimport int64_t
from numpy cimport (
    NPY_INT64, PyArray_DATA, PyArray_DIM, PyArray_ITEMSIZE, PyArray_NDIM, PyArray_SIZE, PyArray_TYPE, ndarray,
)

from minigrad.kernels.native cimport runtime
from minigrad.kernels.native.checks cimport check_flat, check_out, check_real, describe
from minigrad.kernels.native.launch cimport call, know, least, pieces, record, share

from minigrad.errors import DTypeError, ShapeError

cdef extern from "layers/recurrent.h" nogil:
    ctypedef struct mg_gates_args:
        size_t rows, width
        const void *z
        const void *p
        const void *h
        const void *c
        void *gates
        void *new_c
        void *tanh_c
        void *out
        const int64_t *lengths
        int64_t step
        int relu, precision
    ctypedef struct mg_gates_grad_args:
        size_t rows, width
        const void *g
        const void *gates
        const void *before
        const void *tanh_c
        void *dh
        void *dc
        void *dz
        void *dp
        const int64_t *lengths
        int64_t step
        int relu, precision
    ctypedef struct mg_keep_steps_args:
        size_t steps, rows, width
        const void *x
        void *out
        const int64_t *lengths
        int precision
    ctypedef void (*mg_gates)(const mg_gates_args *p, size_t first, size_t n) noexcept nogil
    ctypedef void (*mg_gates_grad)(const mg_gates_grad_args *p, size_t first, size_t n) noexcept nogil
    ctypedef void (*mg_keep_steps)(const mg_keep_steps_args *p, size_t first, size_t n) noexcept nogil
    ctypedef struct mg_recurrent_table:
        mg_gates rnn_gate[2]
        mg_gates lstm_gates[2]
        mg_gates gru_gates[2]
        mg_gates_grad rnn_gate_grad[2]
        mg_gates_grad lstm_gates_grad[2]
        mg_gates_grad gru_gates_grad[2]
        mg_keep_steps keep_steps[2]
    const mg_recurrent_table *const *mg_recurrent_tables

cdef enum:
    BLOCK = 1024                            # elements of the state that a thread takes at once, in whole rows
    WEIGHT = 24                             # five exponentials and quotients, in elements of memory-bound work
    GRAD_WEIGHT = 6
    ARRAYS = 9                              # the most arrays of a call


cdef inline size_t part_rows(size_t width) noexcept nogil:
    """How many rows make a part; it depends on the width alone."""
    return BLOCK // (width + 1) + 1


# --- the steps ---

cdef struct rows_call:                      # what the parts share: arguments and body of a step, or of a gradient
    const mg_gates_args *p
    mg_gates body
    const mg_gates_grad_args *q
    mg_gates_grad grad


cdef void rows_part(const void *args, size_t i) noexcept nogil:
    c = <const rows_call *>args
    cdef size_t rows = c.p.rows if c.p else c.q.rows, size = part_rows(c.p.width if c.p else c.q.width)
    cdef size_t n = least(size, rows - i * size)
    if c.p:
        c.body(c.p, i * size, n)
    else:
        c.grad(c.q, i * size, n)


cdef inline int run_rows(rows_call *c, size_t rows, size_t width, size_t weight) noexcept nogil:
    share(weight * rows * width, pieces(rows, part_rows(width)), rows_part, c)
    return 0


cdef inline int run_gates(const mg_gates_args *p, mg_gates body) noexcept nogil:
    cdef rows_call c = [p, body, NULL, NULL]
    return run_rows(&c, p.rows, p.width, WEIGHT)


cdef inline int run_gates_grad(const mg_gates_grad_args *q, mg_gates_grad grad) noexcept nogil:
    cdef rows_call c = [NULL, NULL, q, grad]
    return run_rows(&c, q.rows, q.width, GRAD_WEIGHT)


cdef int k_rnn_gate(const void *args) noexcept nogil:
    p = <const mg_gates_args *>args
    return run_gates(p, mg_recurrent_tables[runtime.variant].rnn_gate[p.precision])


cdef int k_lstm_gates(const void *args) noexcept nogil:
    p = <const mg_gates_args *>args
    return run_gates(p, mg_recurrent_tables[runtime.variant].lstm_gates[p.precision])


cdef int k_gru_gates(const void *args) noexcept nogil:
    p = <const mg_gates_args *>args
    return run_gates(p, mg_recurrent_tables[runtime.variant].gru_gates[p.precision])


# --- their gradients ---

cdef int k_rnn_gate_grad(const void *args) noexcept nogil:
    p = <const mg_gates_grad_args *>args
    return run_gates_grad(p, mg_recurrent_tables[runtime.variant].rnn_gate_grad[p.precision])


cdef int k_lstm_gates_grad(const void *args) noexcept nogil:
    p = <const mg_gates_grad_args *>args
    return run_gates_grad(p, mg_recurrent_tables[runtime.variant].lstm_gates_grad[p.precision])


cdef int k_gru_gates_grad(const void *args) noexcept nogil:
    p = <const mg_gates_grad_args *>args
    return run_gates_grad(p, mg_recurrent_tables[runtime.variant].gru_gates_grad[p.precision])


# --- keep_steps ---

cdef void keep_steps_part(const void *args, size_t i) noexcept nogil:
    p = <const mg_keep_steps_args *>args
    cdef size_t size = part_rows(p.width)
    mg_recurrent_tables[runtime.variant].keep_steps[p.precision](p, i * size, least(size, p.steps * p.rows - i * size))


cdef int k_keep_steps(const void *args) noexcept nogil:
    p = <const mg_keep_steps_args *>args
    share(p.steps * p.rows * p.width, pieces(p.steps * p.rows, part_rows(p.width)), keep_steps_part, p)
    return 0


# --- checks ---

cdef struct arrays:                         # the arrays of a call so far; one that is written must not overlap another
    int n, dtype, precision
    Py_ssize_t rows, width
    Py_ssize_t first[ARRAYS]
    Py_ssize_t end[ARRAYS]
    bint written[ARRAYS]


cdef int begin(str kernel, ndarray h, arrays *a) except -1:
    """h, (rows, width), determines the sizes and the dtype of the others."""
    if PyArray_NDIM(h) != 2:
        raise ShapeError(f"{kernel}: a state is {describe(h)}; need (rows, width)")
    a.n, a.dtype, a.precision = 0, PyArray_TYPE(h), check_real(kernel, h)
    a.rows, a.width = PyArray_DIM(h, 0), PyArray_DIM(h, 1)
    return 0


cdef int refuse(str kernel, str name, ndarray x, Py_ssize_t rows, Py_ssize_t columns, int precision) except -1:
    kind = "float64" if precision else "float32"
    error = ShapeError if x.dtype == kind else DTypeError
    raise error(f"{kernel}: {name} is {describe(x)}; need {kind} ({rows}, {columns})")


cdef void *take(str kernel, str name, ndarray x, int gates, bint written, arrays *a) except NULL:
    """Check x, which must be (rows, gates * width), and return its memory."""
    cdef Py_ssize_t first = <Py_ssize_t>PyArray_DATA(x), end
    cdef int i
    if (
        PyArray_NDIM(x) != 2 or PyArray_TYPE(x) != a.dtype or PyArray_DIM(x, 0) != a.rows
        or PyArray_DIM(x, 1) != gates * a.width
    ):
        refuse(kernel, name, x, a.rows, gates * a.width, a.precision)
    if written:
        check_out(kernel, x)
    else:
        check_flat(kernel, x)
    end = first + PyArray_SIZE(x) * PyArray_ITEMSIZE(x)
    for i in range(a.n):
        if (written or a.written[i]) and first < a.end[i] and a.first[i] < end:
            raise ValueError(f"{kernel}: {name} shares memory with another array; what is written needs its own")
    a.first[a.n], a.end[a.n], a.written[a.n] = first, end, written
    a.n += 1
    return <void *>first


cdef const int64_t *take_lengths(str kernel, object given, Py_ssize_t rows) except? NULL:
    cdef ndarray lengths
    if given is None:
        return NULL
    lengths = given
    if PyArray_TYPE(lengths) != NPY_INT64:
        raise DTypeError(f"{kernel}: lengths are {describe(lengths)}; need int64")
    if PyArray_SIZE(lengths) != rows:
        raise ShapeError(f"{kernel}: lengths are {describe(lengths)}; need {rows}, one for each row")
    check_flat(kernel, lengths)
    return <const int64_t *>PyArray_DATA(lengths)


# --- what Python calls ---

def rnn_gate(
    ndarray z not None, ndarray p not None, ndarray h not None, ndarray out not None, *, ndarray lengths=None,
    int64_t step=0, bint relu=False
):
    cdef mg_gates_args q
    record(&q, sizeof(q))
    cdef arrays a
    begin("rnn_gate", h, &a)
    q.rows, q.width, q.precision, q.relu, q.step = a.rows, a.width, a.precision, relu, step
    q.z, q.p = take("rnn_gate", "z", z, 1, False, &a), take("rnn_gate", "p", p, 1, False, &a)
    q.h, q.out = take("rnn_gate", "h", h, 1, False, &a), take("rnn_gate", "out", out, 1, True, &a)
    q.c = q.gates = q.new_c = q.tanh_c = NULL
    q.lengths = take_lengths("rnn_gate", lengths, a.rows)
    call(k_rnn_gate, &q, WEIGHT * q.rows * q.width)


def lstm_gates(
    ndarray z not None, ndarray p not None, ndarray h not None, ndarray c not None, ndarray gates not None,
    ndarray new_c not None, ndarray tanh_c not None, ndarray out not None, *, ndarray lengths=None, int64_t step=0
):
    cdef mg_gates_args q
    record(&q, sizeof(q))
    cdef arrays a
    begin("lstm_gates", h, &a)
    q.rows, q.width, q.precision, q.relu, q.step = a.rows, a.width, a.precision, False, step
    q.z, q.p = take("lstm_gates", "z", z, 4, False, &a), take("lstm_gates", "p", p, 4, False, &a)
    q.h, q.c = take("lstm_gates", "h", h, 1, False, &a), take("lstm_gates", "c", c, 1, False, &a)
    q.gates, q.new_c = take("lstm_gates", "gates", gates, 4, True, &a), take("lstm_gates", "new_c", new_c, 1, True, &a)
    q.tanh_c, q.out = take("lstm_gates", "tanh_c", tanh_c, 1, True, &a), take("lstm_gates", "out", out, 1, True, &a)
    q.lengths = take_lengths("lstm_gates", lengths, a.rows)
    call(k_lstm_gates, &q, WEIGHT * q.rows * q.width)


def gru_gates(
    ndarray z not None, ndarray p not None, ndarray h not None, ndarray gates not None, ndarray out not None, *,
    ndarray lengths=None, int64_t step=0
):
    cdef mg_gates_args q
    record(&q, sizeof(q))
    cdef arrays a
    begin("gru_gates", h, &a)
    q.rows, q.width, q.precision, q.relu, q.step = a.rows, a.width, a.precision, False, step
    q.z, q.p = take("gru_gates", "z", z, 3, False, &a), take("gru_gates", "p", p, 3, False, &a)
    q.h, q.gates = take("gru_gates", "h", h, 1, False, &a), take("gru_gates", "gates", gates, 4, True, &a)
    q.out = take("gru_gates", "out", out, 1, True, &a)
    q.c = q.new_c = q.tanh_c = NULL
    q.lengths = take_lengths("gru_gates", lengths, a.rows)
    call(k_gru_gates, &q, WEIGHT * q.rows * q.width)


def rnn_gate_grad(
    ndarray g not None, ndarray dh not None, ndarray y not None, ndarray dz not None, *, ndarray lengths=None,
    int64_t step=0, bint relu=False
):
    cdef mg_gates_grad_args q
    record(&q, sizeof(q))
    cdef arrays a
    begin("rnn_gate_grad", g, &a)
    q.rows, q.width, q.precision, q.relu, q.step = a.rows, a.width, a.precision, relu, step
    q.g, q.gates = take("rnn_gate_grad", "g", g, 1, False, &a), take("rnn_gate_grad", "y", y, 1, False, &a)
    q.dh, q.dz = take("rnn_gate_grad", "dh", dh, 1, True, &a), take("rnn_gate_grad", "dz", dz, 1, True, &a)
    q.before = q.tanh_c = q.dc = q.dp = NULL
    q.lengths = take_lengths("rnn_gate_grad", lengths, a.rows)
    call(k_rnn_gate_grad, &q, GRAD_WEIGHT * q.rows * q.width)


def lstm_gates_grad(
    ndarray g not None, ndarray dh not None, ndarray dc not None, ndarray gates not None, ndarray c not None,
    ndarray tanh_c not None, ndarray dz not None, *, ndarray lengths=None, int64_t step=0
):
    cdef mg_gates_grad_args q
    record(&q, sizeof(q))
    cdef arrays a
    cdef str name = "lstm_gates_grad"
    begin(name, g, &a)
    q.rows, q.width, q.precision, q.relu, q.step = a.rows, a.width, a.precision, False, step
    q.g, q.gates = take(name, "g", g, 1, False, &a), take(name, "gates", gates, 4, False, &a)
    q.before, q.tanh_c = take(name, "c", c, 1, False, &a), take(name, "tanh_c", tanh_c, 1, False, &a)
    q.dh, q.dc = take(name, "dh", dh, 1, True, &a), take(name, "dc", dc, 1, True, &a)
    q.dz, q.dp = take(name, "dz", dz, 4, True, &a), NULL
    q.lengths = take_lengths(name, lengths, a.rows)
    call(k_lstm_gates_grad, &q, GRAD_WEIGHT * q.rows * q.width)


def gru_gates_grad(
    ndarray g not None, ndarray dh not None, ndarray gates not None, ndarray h not None, ndarray dz not None,
    ndarray dp not None, *, ndarray lengths=None, int64_t step=0
):
    cdef mg_gates_grad_args q
    record(&q, sizeof(q))
    cdef arrays a
    cdef str name = "gru_gates_grad"
    begin(name, g, &a)
    q.rows, q.width, q.precision, q.relu, q.step = a.rows, a.width, a.precision, False, step
    q.g, q.gates = take(name, "g", g, 1, False, &a), take(name, "gates", gates, 4, False, &a)
    q.before, q.dh = take(name, "h", h, 1, False, &a), take(name, "dh", dh, 1, True, &a)
    q.dz, q.dp = take(name, "dz", dz, 3, True, &a), take(name, "dp", dp, 3, True, &a)
    q.tanh_c = q.dc = NULL
    q.lengths = take_lengths(name, lengths, a.rows)
    call(k_gru_gates_grad, &q, GRAD_WEIGHT * q.rows * q.width)


def keep_steps(ndarray x not None, ndarray lengths not None, ndarray out not None):
    cdef mg_keep_steps_args q
    record(&q, sizeof(q))
    if PyArray_NDIM(x) != 3 or (<object>x).shape != (<object>out).shape or PyArray_TYPE(x) != PyArray_TYPE(out):
        raise ShapeError(f"keep_steps: x is {describe(x)}, out is {describe(out)}; need the same (steps, rows, width)")
    q.precision = check_real("keep_steps", x)
    check_flat("keep_steps", x)
    check_out("keep_steps", out)
    cdef Py_ssize_t bytes = PyArray_SIZE(x) * PyArray_ITEMSIZE(x), apart = PyArray_DATA(x) - PyArray_DATA(out)
    if -bytes < apart < bytes:
        raise ValueError("keep_steps: out shares memory with x; it needs its own")
    q.steps, q.rows, q.width = PyArray_DIM(x, 0), PyArray_DIM(x, 1), PyArray_DIM(x, 2)
    q.x, q.out, q.lengths = PyArray_DATA(x), PyArray_DATA(out), take_lengths("keep_steps", lengths, q.rows)
    call(k_keep_steps, &q, PyArray_SIZE(x))


know("rnn_gate", k_rnn_gate)
know("lstm_gates", k_lstm_gates)
know("gru_gates", k_gru_gates)
know("rnn_gate_grad", k_rnn_gate_grad)
know("lstm_gates_grad", k_lstm_gates_grad)
know("gru_gates_grad", k_gru_gates_grad)
know("keep_steps", k_keep_steps)
