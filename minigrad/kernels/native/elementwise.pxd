# Elementwise maps for other families: operands of any strides, checked and put into the struct that a map takes.
from numpy cimport ndarray

from minigrad.kernels.native.launch cimport kernel_of


cdef bint alike(object x, ndarray out) noexcept
cdef int map_by(kernel_of kernel, size_t cost, str name, int op, object a, object b, ndarray out) except -1
