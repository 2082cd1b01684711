# cython: language_level=3, cdivision=True
# The loop of every elementwise map: threads share units of about MAP_BLOCK elements, whole rows or pieces of a row.
from minigrad.kernels.native.launch cimport least, pieces, share

cdef extern from "base/operand.h" nogil:
    enum: MG_AXES
    ctypedef struct mg_axis:
        size_t length
        Py_ssize_t a, b
    ctypedef struct mg_map_args:
        const void *a
        const void *b
        void *out
        double a_value, b_value
        int op, precision, axes
        mg_axis axis[MG_AXES]
    ctypedef struct mg_operand:
        const char *p
        Py_ssize_t row, col
    ctypedef void (*mg_mapper)(int op, size_t rows, size_t n, mg_operand a, mg_operand b, void *out) noexcept nogil

cdef enum: MAP_BLOCK = 8192                 # elements; fixed, so that threads never change an order


cdef struct map_units:                      # how the map *p is divided
    const mg_map_args *p
    mg_mapper map
    size_t units, groups, pieces            # a unit is `height` rows of `width` elements
    size_t height, width


cdef inline void map_unit(const void *args, size_t i) noexcept nogil:
    """Compute unit i, counted with pieces of a row running fastest, then groups of rows, then the outer axes."""
    u = <const map_units *>args
    p = u.p
    cdef mg_operand a, b
    cdef size_t column, row, place, where, width = u.width, height = u.height, start = 0
    cdef int axis
    a.p, a.row, a.col = <const char *>p.a if p.a != NULL else <const char *>&p.a_value, p.axis[1].a, p.axis[0].a
    b.p, b.row, b.col = <const char *>p.b if p.b != NULL else <const char *>&p.b_value, p.axis[1].b, p.axis[0].b
    if u.units > 1:
        column, i = i % u.pieces * width, i // u.pieces
        row, place = i % u.groups * height, i // u.groups
        width, height = least(width, p.axis[0].length - column), least(height, p.axis[1].length - row)
        start = (place * p.axis[1].length + row) * p.axis[0].length + column
        a.p += <Py_ssize_t>row * a.row + <Py_ssize_t>column * a.col
        b.p += <Py_ssize_t>row * b.row + <Py_ssize_t>column * b.col
        for axis in range(2, p.axes):
            where, place = place % p.axis[axis].length, place // p.axis[axis].length
            a.p += <Py_ssize_t>where * p.axis[axis].a
            b.p += <Py_ssize_t>where * p.axis[axis].b
    u.map(p.op, height, width, a, b, <char *>p.out + (start << (2 + p.precision)))


cdef inline int map_all(const mg_map_args *p, mg_mapper map, size_t cost) noexcept nogil:
    """Compute *p by `map`, which takes as long for an element as memory-bound work takes for `cost` elements."""
    cdef map_units u
    cdef size_t columns = p.axis[0].length, rows = p.axis[1].length, outer = 1
    cdef int axis
    u.p, u.map, u.units, u.width, u.height = p, map, 1, columns, rows
    if p.axes == 2 and columns * rows <= MAP_BLOCK:     # one unit, which needs none of the divisions below
        map_unit(&u, 0)
        return 0
    for axis in range(2, p.axes):
        outer *= p.axis[axis].length
    u.width = least(columns, MAP_BLOCK)
    u.height = least(rows, MAP_BLOCK // u.width)        # 1 at least
    u.pieces, u.groups = pieces(columns, u.width), pieces(rows, u.height)
    u.units = u.pieces * u.groups * outer
    share(cost * outer * rows * columns, u.units, map_unit, &u)
    return 0
