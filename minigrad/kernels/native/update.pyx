# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""Optimizer updates: one call for a table of parameters, in pieces that threads share.

Arithmetic: src_c/update/update.c; meaning: reference/update.py.
"""

from libc.stdlib cimport calloc, free
from numpy cimport NPY_DOUBLE, PyArray_DATA, PyArray_ISCARRAY, PyArray_SIZE, PyArray_TYPE, ndarray

from minigrad.kernels.native cimport runtime
from minigrad.kernels.native.checks cimport check_flat, check_out, check_real, check_same, describe
from minigrad.kernels.native.launch cimport WAVE, call, know, least, record_filled, share

import numpy as np

from minigrad.errors import ShapeError
from minigrad.kernels.reference.segments import new_scalars

cdef extern from "update/update.h" nogil:
    enum: MG_CORRECTION1, MG_CORRECTION2, MG_COLUMNS, MG_PIECE, MG_GIVEN, MG_ZEROS, MG_LEAVE, mg_rules
    enum: mg_rule_sgd, mg_rule_adam, mg_rule_rmsprop, mg_rule_adagrad
    ctypedef struct mg_update_settings:
        double momentum, beta1, beta2, eps, lr_decay
        int nesterov, amsgrad, centered, rule
    ctypedef struct mg_segment:
        size_t n
        void *w
        void *state[3]
        const void *g
        int gradient, precision
    ctypedef struct mg_update_args:
        const double *scalars
        double *counters
        double *sums
        mg_update_settings settings
        size_t n
        mg_segment segment[1]               # n of them
    ctypedef void (*mg_update)(const mg_update_args *p, size_t segment, size_t first, size_t n) noexcept nogil
    ctypedef struct mg_update_table:
        void (*sums[2])(const mg_update_args *p, size_t segment, size_t first, size_t n, double *sums) noexcept nogil
        mg_update update[4][2]
    const mg_update_table *const *mg_update_tables

cdef enum: STATES = 3
cdef enum: COUNTERS = 2                     # of a segment, at most


# --- the update: pieces of MG_PIECE elements, as in penalty.pyx, so that both give one value of a penalty ---

cdef struct piece:
    size_t segment, first, n


cdef struct update_wave:                    # pieces whose sums are on the stack until they are added
    const mg_update_args *p
    size_t count
    piece *pieces
    double (*sums)[2]


cdef inline void update_piece(const mg_update_args *p, const piece *q, double *sums) noexcept nogil:
    t = mg_update_tables[runtime.variant]
    cdef const mg_segment *s = &p.segment[q.segment]
    if p.sums != NULL:
        t.sums[s.precision](p, q.segment, q.first, q.n, sums)
    if s.gradient != MG_LEAVE:
        t.update[p.settings.rule][s.precision](p, q.segment, q.first, q.n)


cdef void update_part(const void *args, size_t i) noexcept nogil:
    w = <const update_wave *>args
    update_piece(w.p, &w.pieces[i], w.sums[i])


cdef inline void update_wave_of(update_wave *w, size_t work) noexcept nogil:
    """Update the pieces of a wave, shared among threads, and add their sums in order."""
    cdef double *total
    cdef size_t j
    share(work, w.count, update_part, w)
    if w.p.sums != NULL:
        for j in range(w.count):
            total = w.p.sums + 2 * w.pieces[j].segment
            total[0] += w.sums[j][0]
            total[1] += w.sums[j][1]
    w.count = 0


cdef inline void advance(const mg_update_args *p) noexcept nogil:
    """Advance the counters of every segment that is updated, and compute its corrections from them."""
    cdef double *counter
    cdef double *row
    cdef size_t i
    for i in range(p.n):
        if p.segment[i].gradient == MG_LEAVE:
            continue
        counter, row = p.counters + COUNTERS * i, <double *>p.scalars + MG_COLUMNS * i
        if p.settings.rule == mg_rule_adam:                 # β1^t, β2^t
            counter[0] *= p.settings.beta1
            counter[1] *= p.settings.beta2
            row[MG_CORRECTION1] = 1 - counter[0]
            row[MG_CORRECTION2] = 1 - counter[1]
        elif p.settings.rule == mg_rule_adagrad:            # t, from 1 on
            row[MG_CORRECTION1] = 1 + (counter[0] - 1) * p.settings.lr_decay
            counter[0] += 1


cdef int k_update(const void *args) noexcept nogil:
    p = <const mg_update_args *>args
    cdef piece[WAVE] pieces
    cdef double[WAVE][2] sums
    cdef update_wave w
    cdef size_t i, first, n, work = 0
    for i in range(p.n):
        work += p.segment[i].n
    work *= 2 if p.settings.rule == mg_rule_sgd else 4
    if p.counters != NULL:
        advance(p)
    w.p, w.pieces, w.sums, w.count = p, pieces, sums, 0
    if p.sums != NULL:
        for i in range(2 * p.n):
            p.sums[i] = 0
    for i in range(p.n):
        first = 0
        while first < p.segment[i].n:
            n = least(MG_PIECE, p.segment[i].n - first)
            w.pieces[w.count] = piece(i, first, n)
            w.count += 1
            first += n
            if w.count == WAVE:
                update_wave_of(&w, work)
    if w.count:
        update_wave_of(&w, work)
    return 0


# --- the table of parameters ---

cdef class Segments:
    """The native table of segments.py: the same attributes, and one block of memory with the arguments of a call."""
    cdef readonly tuple params, states
    cdef readonly ndarray scalars, sums
    cdef public ndarray counters            # (n, 2) float64 that an update advances, or None
    cdef public bint summed
    cdef Py_ssize_t n, elements
    cdef mg_update_args *args               # with the segments at its end

    def __cinit__(self, params, *states):
        cdef Py_ssize_t i, k
        cdef ndarray w
        cdef mg_segment *s
        self.params, self.states = tuple(params), tuple([tuple(state) for state in states])
        self.n = len(self.params)
        if len(self.states) > STATES or any([len(state) != self.n for state in self.states]):
            states = [len(state) for state in self.states]
            raise ShapeError(f"segments: {self.n} parameters, {states} states; need at most {STATES} for each")
        self.scalars, self.sums, self.summed = new_scalars(self.n), np.zeros((self.n, 2)), True
        self.args = <mg_update_args *>calloc(1, sizeof(mg_update_args) + self.n * sizeof(mg_segment))
        if self.args is NULL:
            raise MemoryError("segments: no memory for the table")
        self.args.n = self.n
        for i in range(self.n):
            w, s = array_of("segments: a parameter", self.params[i]), &self.args.segment[i]
            s.precision = check_real("segments", w)
            check_out("segments", w)
            s.n, s.w = PyArray_SIZE(w), start_of(w)
            for k in range(STATES):         # any address will do for a state that there is not: it is never read
                s.state[k] = s.w
            for k in range(len(self.states)):
                check_same("segments", w, array_of("segments: a state", self.states[k][i]))
                s.state[k] = start_of(<ndarray>self.states[k][i])
            self.elements += PyArray_SIZE(w)

    def __dealloc__(self):
        free(self.args)


cdef inline void *start_of(ndarray x) noexcept:
    """The address of the first element; NULL for an empty array, because a record cannot tell whose address it is."""
    return PyArray_DATA(x) if PyArray_SIZE(x) else NULL


cdef inline ndarray array_of(str what, object x):
    if not isinstance(x, ndarray):
        raise TypeError(f"{what} is {type(x).__name__}; need an array")
    return x


cdef run(str name, table, grads, const mg_update_settings *settings, Py_ssize_t states):
    """Check the table and every gradient, before anything is written; then update."""
    cdef Segments t = table if isinstance(table, Segments) else adopt(table)
    cdef mg_segment *s
    cdef Py_ssize_t i
    cdef tuple held = tuple(grads)          # alive while the GIL is released
    if len(held) != t.n or len(t.states) < states:
        raise ShapeError(
            f"{name}: the table has {t.n} parameters with {len(t.states)} states, got {len(held)} gradients; "
            f"need {t.n} gradients and {states} states"
        )
    for i in range(t.n):
        g, s = held[i], &t.args.segment[i]
        s.g = NULL
        if g is None:
            s.gradient = MG_ZEROS
        elif g is False:
            s.gradient = MG_LEAVE
        else:
            check_gradient(name, t.params[i], array_of("a gradient", g))
            s.gradient, s.g = MG_GIVEN, start_of(<ndarray>g)
    record_filled(t.args, sizeof(mg_update_args) + t.n * sizeof(mg_segment))
    t.args.settings, t.args.scalars = settings[0], <const double *>PyArray_DATA(t.scalars)
    t.args.counters = NULL if t.counters is None else counters_of(name, t)
    t.args.sums = <double *>PyArray_DATA(t.sums) if t.summed else NULL
    call(k_update, t.args, t.elements)


cdef inline int check_gradient(str name, ndarray w, ndarray g) except -1:
    if PyArray_TYPE(w) != PyArray_TYPE(g) or PyArray_SIZE(w) != PyArray_SIZE(g):
        raise ShapeError(f"{name}: parameter {describe(w)}, gradient {describe(g)}; need the same dtype and size")
    return check_flat(name, g)


cdef double *counters_of(str name, Segments t) except NULL:
    cdef object x = t.counters
    if PyArray_TYPE(t.counters) != NPY_DOUBLE or not PyArray_ISCARRAY(t.counters) or x.shape != (t.n, COUNTERS):
        raise ShapeError(f"{name}: counters is {describe(x)}; need float64 {(t.n, COUNTERS)}, contiguous")
    return <double *>PyArray_DATA(t.counters)


cdef Segments adopt(table):
    """A native table for a table that another backend made; both share parameters, states, scalars and sums."""
    cdef Segments t = Segments(table.params, *table.states)
    for x in (table.scalars, table.sums):
        if PyArray_TYPE(x) != NPY_DOUBLE or not PyArray_ISCARRAY(x):
            raise ShapeError(f"segments: scalars and sums are {describe(x)}; need float64, contiguous")
    if table.scalars.shape != (t.n, MG_COLUMNS) or table.sums.shape != (t.n, 2):
        raise ShapeError(f"segments: scalars {table.scalars.shape}, sums {table.sums.shape} for {t.n} parameters")
    t.scalars, t.sums, t.summed, t.counters = table.scalars, table.sums, table.summed, table.counters
    return t


def segments(params, *states):
    return Segments(params, *states)


def sgd_update(table, grads, *, double momentum=0.0, bint nesterov=False):
    cdef mg_update_settings settings = mg_update_settings(
        momentum=momentum, beta1=0, beta2=0, eps=0, lr_decay=0, nesterov=nesterov, amsgrad=0, centered=0,
        rule=mg_rule_sgd)
    run("sgd_update", table, grads, &settings, 1 if momentum != 0 else 0)


def adam_update(table, grads, *, double beta1, double beta2, double eps, bint amsgrad=False):
    cdef mg_update_settings settings = mg_update_settings(
        momentum=0, beta1=beta1, beta2=beta2, eps=eps, lr_decay=0, nesterov=0, amsgrad=amsgrad, centered=0,
        rule=mg_rule_adam)
    run("adam_update", table, grads, &settings, 3 if amsgrad else 2)


def rmsprop_update(table, grads, *, double alpha, double eps, double momentum=0.0, bint centered=False):
    cdef mg_update_settings settings = mg_update_settings(
        momentum=momentum, beta1=0, beta2=alpha, eps=eps, lr_decay=0, nesterov=0, amsgrad=0, centered=centered,
        rule=mg_rule_rmsprop)
    run("rmsprop_update", table, grads, &settings, 1 + centered + (1 if momentum != 0 else 0))


def adagrad_update(table, grads, *, double eps, double lr_decay=0.0):
    cdef mg_update_settings settings = mg_update_settings(
        momentum=0, beta1=0, beta2=0, eps=eps, lr_decay=lr_decay, nesterov=0, amsgrad=0, centered=0,
        rule=mg_rule_adagrad)
    run("adagrad_update", table, grads, &settings, 1)


know("update", k_update)
