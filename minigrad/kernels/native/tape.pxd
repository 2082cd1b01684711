# Whether a step is being recorded, and the functions by which `record` and `call` of launch.pxd report kernel calls.
cdef bint on                                                        # all that is read while nothing is recorded
cdef void expect(void *args, size_t size, bint clear) noexcept      # note will be called with this struct of that size
cdef void note(void *kernel, const void *args) noexcept             # kernel(args) is being called
cdef int hold(object array) except -1                               # a copy that a kernel made of an argument
cdef int know(str name, void *kernel) except -1                     # a kernel has that name in records
