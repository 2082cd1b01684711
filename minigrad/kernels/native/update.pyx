# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""Optimizer updates: one call for a table of parameters, cut into pieces over threads. Arithmetic: src_c/update/update.c."""

from cython.parallel cimport prange
from libc.stdlib cimport calloc, free
from numpy cimport NPY_DOUBLE, PyArray_DATA, PyArray_ISCARRAY, PyArray_SIZE, PyArray_TYPE, ndarray

from minigrad.kernels.native cimport runtime
from minigrad.kernels.native._c cimport (
    MG_COLUMNS, mg_update_tables, mg_update_f32, mg_update_f64, mg_update_settings, mg_update_table
)
from minigrad.kernels.native.checks cimport check_flat, check_out, check_real, check_same, describe

import numpy as np

from minigrad.errors import ShapeError
from minigrad.kernels.reference.segments import new_scalars

cdef enum:
    PIECE = 4096                            # elements; fixed, and as in penalty.pyx: both give one value of a penalty
    STATES = 3

cdef enum:
    SGD
    ADAM
    RMSPROP
    ADAGRAD

cdef double[PIECE] zeros                    # the gradient of a parameter that has none


cdef struct segment:
    char *w
    char *state[STATES]
    const char *g                           # of this step; NULL: leave the parameter as it is
    int bits


cdef struct piece:
    Py_ssize_t segment, start, n
    Py_ssize_t before                       # elements in all pieces before this one: how work is split over threads
    double sums[2]


cdef class Segments:
    """The native table of segments.py: the same attributes, and pointers to the arrays that they keep alive."""
    cdef readonly tuple params, states
    cdef readonly ndarray scalars, sums
    cdef public bint summed
    cdef Py_ssize_t n, n_pieces, elements
    cdef segment *segments
    cdef piece *pieces

    def __cinit__(self, params, *states):
        cdef Py_ssize_t i, k, start, size
        cdef ndarray w
        self.params, self.states = tuple(params), tuple([tuple(state) for state in states])
        self.n = len(self.params)
        if len(self.states) > STATES or any([len(state) != self.n for state in self.states]):
            states = [len(state) for state in self.states]
            raise ShapeError(f"segments: {self.n} parameters, {states} states; need at most {STATES} for each")
        self.scalars, self.sums, self.summed = new_scalars(self.n), np.zeros((self.n, 2)), True
        for x in self.params:
            w = array_of("segments: a parameter", x)
            check_real("segments", w)
            check_out("segments", w)
            self.n_pieces += pieces_of(w)
        self.segments = <segment *>calloc(self.n + 1, sizeof(segment))
        self.pieces = <piece *>calloc(self.n_pieces + 1, sizeof(piece))
        if self.segments is NULL or self.pieces is NULL:
            raise MemoryError("segments: no memory for the table")
        self.n_pieces = 0
        for i in range(self.n):
            w = self.params[i]
            self.segments[i].w, self.segments[i].bits = <char *>PyArray_DATA(w), 32 << check_real("segments", w)
            for k in range(STATES):         # not read where there is none
                self.segments[i].state[k] = self.segments[i].w
            for k in range(len(self.states)):
                check_same("segments", w, array_of("segments: a state", self.states[k][i]))
                self.segments[i].state[k] = <char *>PyArray_DATA(<ndarray>self.states[k][i])
            for start in range(0, PyArray_SIZE(w), PIECE):
                size = min(PIECE, PyArray_SIZE(w) - start)
                self.pieces[self.n_pieces].segment, self.pieces[self.n_pieces].start = i, start
                self.pieces[self.n_pieces].n, self.pieces[self.n_pieces].before = size, self.elements
                self.n_pieces += 1
                self.elements += size

    def __dealloc__(self):
        free(self.segments)
        free(self.pieces)


cdef inline ndarray array_of(str what, object x):
    if not isinstance(x, ndarray):
        raise TypeError(f"{what} is {type(x).__name__}; need an array")
    return x


cdef inline Py_ssize_t pieces_of(ndarray w) noexcept:
    return (PyArray_SIZE(w) + PIECE - 1) // PIECE


cdef struct update_args:
    Py_ssize_t n, n_pieces, elements
    const segment *segments
    piece *pieces
    const double *scalars
    double *sums                            # NULL: nobody asks for them
    mg_update_settings settings
    int rule


cdef inline mg_update_f32 rule_f32(const mg_update_table *t, int rule) noexcept nogil:
    cdef mg_update_f32[4] rules
    rules[:] = [t.sgd_f32, t.adam_f32, t.rmsprop_f32, t.adagrad_f32]
    return rules[rule]


cdef inline mg_update_f64 rule_f64(const mg_update_table *t, int rule) noexcept nogil:
    cdef mg_update_f64[4] rules
    rules[:] = [t.sgd_f64, t.adam_f64, t.rmsprop_f64, t.adagrad_f64]
    return rules[rule]


cdef inline void one_piece(const update_args *p, piece *q) noexcept nogil:
    """Pick the function; point it at the piece."""
    cdef const mg_update_table *t = mg_update_tables[runtime.variant]
    cdef const segment *s = &p.segments[q.segment]
    cdef const double *row = p.scalars + q.segment * MG_COLUMNS
    cdef Py_ssize_t at = q.start * (s.bits // 8)
    cdef char *w = s.w + at
    cdef const char *g = s.g if s.g is NULL or s.g is <const char *>zeros else s.g + at
    cdef char *state[STATES]
    cdef int k
    for k in range(STATES):
        state[k] = s.state[k] + at
    if p.sums is not NULL and s.bits == 32:
        t.sums_f32(q.n, <float *>w, row, q.sums)
    elif p.sums is not NULL:
        t.sums_f64(q.n, <double *>w, row, q.sums)
    if s.g is NULL:
        pass
    elif s.bits == 32:
        rule_f32(t, p.rule)(q.n, <float *>w, <const float *>g, <float **>state, row, &p.settings)
    else:
        rule_f64(t, p.rule)(q.n, <double *>w, <const double *>g, <double **>state, row, &p.settings)


cdef void share(const update_args *p, int thread, int threads) noexcept nogil:
    """The pieces whose first element lies in this thread's share of all elements."""
    cdef Py_ssize_t i
    for i in range(p.n_pieces):
        if p.pieces[i].before * threads // p.elements == thread:
            one_piece(p, &p.pieces[i])


cdef int k_update(const update_args *p) noexcept nogil:
    cdef Py_ssize_t i
    cdef int thread, threads = runtime.threads_for(p.elements * (2 if p.rule == SGD else 4))
    if threads == 1:                        # a prange in the path costs 0.5 us, even with one thread
        for i in range(p.n_pieces):
            one_piece(p, &p.pieces[i])
    else:
        for thread in prange(threads, num_threads=threads, schedule="static"):
            share(p, thread, threads)
    if p.sums is NULL:
        return 0
    for i in range(2 * p.n):
        p.sums[i] = 0
    for i in range(p.n_pieces):             # in order, whoever computed them
        p.sums[2 * p.pieces[i].segment] += p.pieces[i].sums[0]
        p.sums[2 * p.pieces[i].segment + 1] += p.pieces[i].sums[1]
    return 0


cdef run(str name, table, grads, update_args *p, Py_ssize_t states):
    """Check the table and every gradient, before anything is written; then update."""
    cdef Segments t = table if isinstance(table, Segments) else adopt(table)
    cdef Py_ssize_t i
    cdef tuple held = tuple(grads)          # alive while the GIL is released
    if len(held) != t.n or len(t.states) < states:
        raise ShapeError(
            f"{name}: the table has {t.n} parameters with {len(t.states)} states, got {len(held)} gradients; "
            f"need {t.n} gradients and {states} states"
        )
    for i in range(t.n):
        g = held[i]
        if g is None:
            t.segments[i].g = <const char *>zeros
        elif g is False:
            t.segments[i].g = NULL
        else:
            check_gradient(name, t.params[i], array_of("a gradient", g))
            t.segments[i].g = <const char *>PyArray_DATA(<ndarray>g)
    p.n, p.n_pieces, p.elements, p.segments, p.pieces = t.n, t.n_pieces, t.elements, t.segments, t.pieces
    p.scalars = <const double *>PyArray_DATA(t.scalars)
    p.sums = <double *>PyArray_DATA(t.sums) if t.summed else NULL
    if runtime.releases_gil(p.elements):
        with nogil:
            k_update(p)
    else:
        k_update(p)


cdef inline int check_gradient(str name, ndarray w, ndarray g) except -1:
    if PyArray_TYPE(w) != PyArray_TYPE(g) or PyArray_SIZE(w) != PyArray_SIZE(g):
        raise ShapeError(f"{name}: parameter {describe(w)}, gradient {describe(g)}; need the same dtype and size")
    return check_flat(name, g)


cdef Segments adopt(table):
    """A native table over one that another backend made, with its scalars and sums."""
    cdef Segments t = Segments(table.params, *table.states)
    for x in (table.scalars, table.sums):
        if PyArray_TYPE(x) != NPY_DOUBLE or not PyArray_ISCARRAY(x):
            raise ShapeError(f"segments: scalars and sums are {describe(x)}; need float64, contiguous")
    if table.scalars.shape != (t.n, MG_COLUMNS) or table.sums.shape != (t.n, 2):
        raise ShapeError(f"segments: scalars {table.scalars.shape}, sums {table.sums.shape} for {t.n} parameters")
    t.scalars, t.sums, t.summed = table.scalars, table.sums, table.summed
    return t


def segments(params, *states):
    return Segments(params, *states)


def sgd_update(table, grads, *, double momentum=0.0, bint nesterov=False):
    cdef update_args p
    p.settings = mg_update_settings(momentum, nesterov, 0, 0, 0, 0, 0)
    p.rule = SGD
    run("sgd_update", table, grads, &p, 1 if momentum != 0 else 0)


def adam_update(table, grads, *, double beta1, double beta2, double eps, bint amsgrad=False):
    cdef update_args p
    p.settings = mg_update_settings(0, 0, beta1, beta2, eps, amsgrad, 0)
    p.rule = ADAM
    run("adam_update", table, grads, &p, 3 if amsgrad else 2)


def rmsprop_update(table, grads, *, double alpha, double eps, double momentum=0.0, bint centered=False):
    cdef update_args p
    p.settings = mg_update_settings(momentum, 0, 0, alpha, eps, 0, centered)
    p.rule = RMSPROP
    run("rmsprop_update", table, grads, &p, 1 + centered + (1 if momentum != 0 else 0))


def adagrad_update(table, grads, *, double eps):
    cdef update_args p
    p.settings = mg_update_settings(0, 0, 0, 0, eps, 0, 0)
    p.rule = ADAGRAD
    run("adagrad_update", table, grads, &p, 1)
