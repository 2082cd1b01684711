# Elementwise maps for other families: operands of any strides, blocks and threads as in elementwise.pyx.
from numpy cimport ndarray

from minigrad.kernels.native._c cimport mg_mapper_f32, mg_mapper_f64


cdef bint alike(object x, ndarray out) noexcept
cdef int map_by(
    mg_mapper_f32 map_f32, mg_mapper_f64 map_f64, int cost, str kernel, int op, object a, object b, ndarray out,
) except -1
