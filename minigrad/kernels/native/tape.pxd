# Whether a step is being recorded, and what `record` and `call` of launch.pxd tell of each kernel call then.
cdef bint on                                                        # no other variable is read while nothing is recorded
cdef void expect(void *args, size_t size, bint clear) noexcept      # a struct of that size will come to note
cdef void note(void *kernel, const void *args) noexcept             # kernel(args) is being called
cdef int hold(object array) except -1                               # a copy that a kernel made of an argument
cdef int know(str name, void *kernel) except -1                     # a kernel has that name in records
