"""Ctrl-C between batches: a batch that has begun is finished first, so that no update is half done."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Any


class Interrupts:
    """`with interrupts:` holds back a first Ctrl-C until the block ends; a second one raises at once.

    `whole` says whether the last block ended without an exception and no other has begun: model, optimizer and
    callbacks are then in their state at the end of a batch.

    >>> before = signal.signal(signal.SIGINT, signal.default_int_handler)
    >>> interrupts = Interrupts()
    >>> try:
    ...     with interrupts.caught(), interrupts:
    ...         signal.raise_signal(signal.SIGINT)  # Ctrl-C
    ...         print("the block goes on")
    ... except KeyboardInterrupt:
    ...     print("and ends", interrupts.whole)
    the block goes on
    and ends True
    >>> _ = signal.signal(signal.SIGINT, before)
    """

    def __init__(self) -> None:
        self.whole = self._held = self._pending = False

    def __enter__(self) -> None:
        self.whole, self._held = False, True

    def __exit__(self, kind: type[BaseException] | None, error: Any, trace: TracebackType | None) -> None:
        self.whole = kind is None  # first, because Ctrl-C may come as soon as it is no longer held back
        self._held = False
        if self.whole and self._pending:
            self._pending = False
            raise KeyboardInterrupt

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self._held and not self._pending:
            self._pending = True
        else:
            raise KeyboardInterrupt

    @contextmanager
    def caught(self) -> Iterator[None]:
        """A block in which Ctrl-C calls _handle if it would raise KeyboardInterrupt else: so not in other threads, in a
        nested fit, or in a program with a handler of its own.
        """
        main = threading.current_thread() is threading.main_thread()
        if not main or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
            yield
            return
        signal.signal(signal.SIGINT, self._handle)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        if self._pending:
            raise KeyboardInterrupt
