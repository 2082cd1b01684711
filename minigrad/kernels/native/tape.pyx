# cython: language_level=3, boundscheck=False, wraparound=False
"""The kernel calls of a step that is being recorded, and the loop that runs them again without Python.

A call is the name of a kernel and a copy of its struct. While a step is recorded, `record` and `call` of launch.pxd
note each one here; minigrad.replay makes a Program of them, for which names become addresses again.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.exc cimport PyErr_CheckSignals
from libc.stdint cimport int64_t, uintptr_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy, memset
from posix.time cimport CLOCK_MONOTONIC, clock_gettime, timespec

cdef extern from "pythread.h":
    unsigned long PyThread_get_thread_ident()

cdef enum: DEPTH = 32                       # structs that are being filled at a time: a def may call other kernels
cdef enum: LINE = 64                        # bytes of a cache line: each struct starts on one
cdef double SLICE = 0.04                    # seconds between two checks for signals

cdef bint on = False
cdef unsigned long owner = 0                # the thread that records
cdef list notes = [], held = []
cdef dict addresses = {}                    # of kernels, by name
cdef dict names = {}                        # of kernels, by address


cdef struct filling:                        # a struct that is being filled
    void *args
    size_t size

cdef filling[DEPTH] waiting
cdef int count = 0


cdef void expect(void *args, size_t size, bint clear) noexcept:
    global count
    cdef int i
    if PyThread_get_thread_ident() != owner:
        return
    if clear:
        memset(args, 0, size)               # else the bytes between the fields would differ from step to step
    for i in range(count):
        if waiting[i].args == args:
            waiting[i].size = size
            return
    if count < DEPTH:
        waiting[count] = filling(args, size)
        count += 1


cdef void note(void *kernel, const void *args) noexcept:
    cdef int i
    if PyThread_get_thread_ident() != owner:
        return
    for i in range(count - 1, -1, -1):
        if waiting[i].args == args:
            notes.append((name_of(kernel), PyBytes_FromStringAndSize(<const char *>args, waiting[i].size)))
            return
    notes.append((name_of(kernel), None))               # its def has no `record`


cdef inline object name_of(void *kernel):
    """The name that a kernel has in records, or None if its file has no `know` for it."""
    return names.get(<uintptr_t>kernel)


cdef int know(str name, void *kernel) except -1:
    if addresses.setdefault(name, <uintptr_t>kernel) != <uintptr_t>kernel:
        raise RuntimeError(f"tape: two kernels are called {name}")
    names[<uintptr_t>kernel] = name
    return 0


def known():
    """The names of all kernels that records may call."""
    return frozenset(addresses)


cdef int hold(object array) except -1:
    if on and PyThread_get_thread_ident() == owner:
        held.append(array)
    return 0


def start():
    """Note the kernel calls of this thread from now on."""
    global on, owner
    owner = PyThread_get_thread_ident()
    collect()
    on = True


def stop():
    """Note no more."""
    global on
    on = False
    collect()


def collect():
    """What was noted since the last call: [(name of the kernel, its struct as bytes)], and copies to hold.

    A name is None if there is no `know` for the kernel, and a struct is None if its def has no `record`.
    """
    global notes, held, count
    cdef tuple found = (notes, held)
    notes, held, count = [], [], 0
    return found


cdef struct one_call:
    int (*kernel)(const void *args) noexcept nogil
    char *args


cdef struct feed:                           # before step s: `bytes` bytes from source + s stride go to `to`
    char *to
    const char *source
    size_t bytes, stride


cdef struct tap:                            # after a call of step s: `bytes` bytes from `source` go to row s of `to`,
    Py_ssize_t call                         # or to row rows[s]; if that is negative, nothing is copied
    size_t bytes, stride
    const char *source
    char *to
    const int64_t *rows


cdef class Program:
    """Calls in order, each with a struct of its own: [(name of the kernel, bytes, [(offset, address), ...]), ...].

    The caller keeps the arrays alive that the addresses lie in, also those of feeds and taps during `run`.
    """
    cdef Py_ssize_t n
    cdef one_call *calls
    cdef void *block
    cdef readonly int64_t done              # steps that the last run completed
    cdef readonly bint running

    def __cinit__(self, calls):
        cdef Py_ssize_t i = 0
        cdef size_t bytes = LINE
        cdef uintptr_t at
        cdef object data
        self.n = len(calls)
        for _, data, _ in calls:
            bytes += (len(data) + LINE - 1) // LINE * LINE
        self.block, self.calls = calloc(bytes, 1), <one_call *>calloc(self.n + 1, sizeof(one_call))
        if self.block == NULL or self.calls == NULL:
            raise MemoryError("replay: no memory for the list of calls")
        at = (<uintptr_t>self.block + LINE - 1) // LINE * LINE
        for name, data, places in calls:
            if name not in addresses:
                raise ValueError(f"replay: there is no kernel {name!r}; there are {', '.join(sorted(addresses))}")
            self.calls[i].kernel = <int (*)(const void *) noexcept nogil><void *><uintptr_t>addresses[name]
            self.calls[i].args = <char *>at
            memcpy(self.calls[i].args, PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data))
            for offset, place in places:
                if <size_t>offset + sizeof(uintptr_t) > <size_t>len(data):
                    raise ValueError(f"replay: {name} has {len(data)} bytes of arguments, none at {offset}")
                (<uintptr_t *>(self.calls[i].args + <size_t>offset))[0] = <uintptr_t>place
            at += (len(data) + LINE - 1) // LINE * LINE
            i += 1

    def __dealloc__(self):
        free(self.calls)
        free(self.block)

    def __len__(self):
        return self.n

    def address(self, Py_ssize_t call, size_t offset):
        """The address of the word at `offset` of a call's struct, for a feed. Raises IndexError for no such call."""
        if not 0 <= call < self.n:
            raise IndexError(f"replay: call {call} of {self.n}")
        return <uintptr_t>(self.calls[call].args + offset)

    def run(self, int64_t steps, list feeds, list taps):
        """Run all calls `steps` times. Returns None, or (step, call, result) of a call that did not return 0.

        feeds [(to, source, bytes, stride)], taps [(call, source, bytes, to, stride, rows)] in the order of their
        calls: addresses; rows is the address of an int64 for each step, or 0. KeyboardInterrupt, or what another signal
        handler raises, is raised between two steps; `done` is then the number of complete steps. Raises RuntimeError if
        another thread is running the same program, MemoryError if there is no memory for feeds and taps.
        """
        cdef Py_ssize_t n_feeds = len(feeds), n_taps = len(taps), i
        cdef feed *ins = <feed *>calloc(n_feeds + 1, sizeof(feed))
        cdef tap *outs = <tap *>calloc(n_taps + 1, sizeof(tap))
        cdef int64_t pace = 1, last
        cdef int result = 0
        cdef Py_ssize_t failed = 0
        cdef double began
        if self.running:
            free(ins)
            free(outs)
            raise RuntimeError("replay: this program is running in another thread")
        self.done, self.running = 0, True
        try:
            if ins == NULL or outs == NULL:
                raise MemoryError("replay: no memory for feeds and taps")
            for i in range(n_feeds):
                to, source, size, stride = feeds[i]
                ins[i] = feed(<char *><uintptr_t>to, <const char *><uintptr_t>source, size, stride)
            for i in range(n_taps):
                call, source, size, to, stride, rows = taps[i]
                outs[i] = tap(call, size, stride, <const char *><uintptr_t>source, <char *><uintptr_t>to,
                              <const int64_t *><uintptr_t>rows)
            while self.done < steps:
                began, last = seconds(), min(steps, self.done + pace)
                with nogil:
                    result = self.run_some(last, ins, n_feeds, outs, n_taps, &failed)
                if result:
                    return self.done, failed, result
                PyErr_CheckSignals()
                pace = next_pace(pace, seconds() - began)
        finally:
            self.running = False
            free(ins)
            free(outs)

    cdef int run_some(
        self, int64_t last, const feed *ins, Py_ssize_t n_feeds, const tap *outs, Py_ssize_t n_taps, Py_ssize_t *failed
    ) noexcept nogil:
        cdef Py_ssize_t i, call, end, t
        cdef int64_t step, row
        cdef int result
        for step in range(self.done, last):
            for i in range(n_feeds):
                memcpy(ins[i].to, ins[i].source + <size_t>step * ins[i].stride, ins[i].bytes)
            call, t = 0, 0
            while True:
                end = outs[t].call + 1 if t < n_taps else self.n
                while call < end:
                    result = self.calls[call].kernel(self.calls[call].args)
                    if result:
                        failed[0] = call
                        return result
                    call += 1
                if t == n_taps:
                    break
                row = outs[t].rows[step] if outs[t].rows != NULL else step
                if row >= 0:
                    memcpy(outs[t].to + <size_t>row * outs[t].stride, outs[t].source, outs[t].bytes)
                t += 1
            self.done = step + 1
        return 0

    def time_calls(self, int64_t steps, list feeds):
        """Seconds that each call took, the least of `steps` steps: for explain()."""
        cdef Py_ssize_t i
        cdef int64_t step
        cdef double before, after
        cdef list least = [1e30] * self.n
        for step in range(steps):
            for to, source, size, stride in feeds:
                memcpy(<void *><uintptr_t>to, <const char *><uintptr_t>source + <size_t>(step * stride), size)
            before = seconds()
            for i in range(self.n):
                if self.calls[i].kernel(self.calls[i].args):
                    return least
                after = seconds()
                least[i] = min(<object>least[i], after - before)
                before = seconds()
        return least


cdef inline double seconds() noexcept nogil:
    cdef timespec now
    clock_gettime(CLOCK_MONOTONIC, &now)
    return now.tv_sec + 1e-9 * now.tv_nsec


cdef inline int64_t next_pace(int64_t pace, double took) noexcept:
    """How many steps fit into SLICE seconds if `pace` steps took `took` seconds; at most eight times as many."""
    cdef double fit = SLICE * pace / took if took > 0 else 1e18
    return <int64_t>max(1.0, min(fit, 8.0 * pace, 1e15))
