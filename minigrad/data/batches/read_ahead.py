"""Batches made ahead in a thread, in order, while the ones before them are used."""

from __future__ import annotations

import contextvars
import os
import threading
import weakref
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

from ...recording import is_grad_enabled, recording

IDLE = 1.0  # seconds after which a thread ends that has nothing to do; the next request starts another one
PATIENCE = 10.0  # seconds for which the end of an iteration waits for the batch that is just being made


class Work:
    """What an iterator and its thread share. Everything but `make` is read and written under `changed`.

    `made` holds the batches that wait: number, batch, None, or number, None, exception. `next` is the number of the one
    that is made next.
    """

    def __init__(self, make: Callable[[int], Any], first: int, end: int, ahead: int) -> None:
        self.make, self.next, self.end, self.ahead = make, first, end, ahead
        self.made: deque[tuple[int, Any, BaseException | None]] = deque()
        self.changed = threading.Condition()
        self.thread: threading.Thread | None = None
        self.stopped = False
        self.process = os.getpid()
        self.context = contextvars.copy_context()  # NumPy's errstate is in it
        self.records = is_grad_enabled()

    def start(self) -> None:
        """Start a thread, if there is none and something to do."""
        if self.thread is None and self.next < self.end and len(self.made) < self.ahead:
            self.thread = threading.Thread(target=run, args=(self,), name="minigrad read_ahead", daemon=True)
            self.thread.start()


def run(work: Work) -> None:
    """What the thread does: it makes batches until all are made, one raised, or nobody took one for IDLE seconds."""
    with recording(work.records):
        while True:
            with work.changed:
                while not work.stopped and work.next < work.end and len(work.made) >= work.ahead:
                    if not work.changed.wait(IDLE):
                        break
                if work.stopped or work.next >= work.end or len(work.made) >= work.ahead:
                    work.thread = None
                    return
                number = work.next
            batch, error = None, None
            try:
                batch = work.context.run(work.make, number)
            except BaseException as raised:  # it is raised where the batch is asked for
                error = raised
            with work.changed:
                work.made.append((number, batch, error))
                work.next = number + 1 if error is None else work.end
                work.changed.notify_all()
            del batch, error  # which would be kept while the thread waits


def stop(work: Work) -> None:
    """End the thread of an iterator that was dropped, and wait until it has ended."""
    if work.process != os.getpid():
        return  # after a fork: the thread is the parent's, and its lock may be held here for ever
    with work.changed:
        work.stopped, thread = True, work.thread
        work.made.clear()
        work.changed.notify_all()
    if thread is not None and thread is not threading.current_thread():
        thread.join(PATIENCE)


class ReadAhead(Iterator[Any]):
    """make(first), ..., make(end - 1): up to `ahead` of them are made in a thread before they are asked for.

    They are called in order, one at a time. What make raises is raised by the call of next() that its batch answers,
    with the trace of the thread, and ends the iteration. The thread ends with the iteration, when the iterator is
    dropped, at exit, and by itself when no batch was asked for for a second: a program at a prompt after Ctrl-C keeps
    none. In a forked process the iteration goes on from where it stood, with a thread of its own.

    >>> list(ReadAhead(lambda number: number * number, 2, 5, ahead=2))
    [4, 9, 16]
    """

    def __init__(self, make: Callable[[int], Any], first: int, end: int, ahead: int) -> None:
        self._number, self._end = first, end
        self._work = self._begun(make, ahead)

    def _begun(self, make: Callable[[int], Any], ahead: int) -> Work:
        work = Work(make, self._number, self._end, ahead)
        weakref.finalize(self, stop, work)  # also at exit, before the interpreter takes the thread's modules away
        return work

    def __next__(self) -> Any:
        if self._number >= self._end:
            raise StopIteration
        if self._work.process != os.getpid():
            self._work = self._begun(self._work.make, self._work.ahead)
        taken = self._taken()
        if taken is None or taken[0] != self._number:  # Ctrl-C came after a batch was taken and before it was returned
            self._work = self._begun(self._work.make, self._work.ahead)
            taken = self._taken()
        assert taken is not None
        _, batch, error = taken
        del taken
        self._number = self._end if error is not None else self._number + 1
        if isinstance(error, StopIteration):  # which would end the epoch as if it were complete
            raise RuntimeError("making a batch raised StopIteration") from error
        if error is not None:
            try:
                raise error
            finally:
                del error  # the exception holds this frame; the frame must not hold the exception
        return batch

    def _taken(self) -> tuple[int, Any, BaseException | None] | None:
        """The next batch with its number, as soon as it is made; None if none waits and none is left to make."""
        work = self._work
        with work.changed:
            work.start()
            while not work.made:
                if work.thread is None:
                    return None
                work.changed.wait(IDLE)  # with a limit, because Windows does not interrupt a wait without one
                if work.thread is None or not work.thread.is_alive():
                    work.thread = None
                    work.start()
            taken = work.made.popleft()
            work.start()
            work.changed.notify_all()
        return taken

    def __reduce__(self) -> Any:
        raise TypeError("an iteration cannot be copied or pickled; copy the Loader, and set_position(epoch, batch)")
