"""Random streams: every random number of minigrad is a function of (seed, purpose, call number, position).

Philox is a function, not a state: it turns a key and a 128-bit counter into random bits. The key is the seed; the
counter is the block within a draw (64 bits), the call number (48) and the purpose (16). So the numbers of a draw depend
neither on the draws of other purposes nor on threads, dtypes or NumPy's generators, and the state is a few integers.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from . import kernels as K
from .checks import finite, real_dtype, whole
from .recording import mode

PURPOSES = ("init", "dropout", "shuffle", "split", "noise", "data", "labels", "augment")
INIT, DROPOUT, SHUFFLE, SPLIT, NOISE, DATA, LABELS, AUGMENT = range(len(PURPOSES))
CALLS = 1 << 48  # call numbers of one purpose
SEEDS = 1 << 64

Shape = int | tuple[int, ...]


def stream(purpose: int, call: int) -> int:
    """The stream of one call: call | purpose << 48, for callers that number their calls themselves (epochs, folds).

    ValueError for a call number outside of [0, 2⁴⁸).

    >>> stream(SHUFFLE, 3) == 3 + 2 * 2**48
    True
    """
    if not 0 <= call < CALLS:
        raise ValueError(f"call number {call} of the purpose {PURPOSES[purpose]!r} is outside [0, 2**48)")
    return call | purpose << 48


def permutation(n: int, key: int, stream: int) -> np.ndarray:
    """The numbers 0 ... n - 1 (int64) in the order of n random 64-bit keys, equal keys in order of index.

    >>> order = permutation(5, key=0, stream=stream(SHUFFLE, 0))
    >>> sorted(order.tolist())
    [0, 1, 2, 3, 4]
    """
    keys = np.empty(n, np.uint64)
    K.random_bits(keys, key=key, stream=stream, offset=0)
    # A stable sort takes 4 times as long (60,000 keys, AVX-512: 4.3 against 1.0 ms). It gives another order only if two
    # keys are equal, which happens in one of 10¹⁰ draws of 60,000.
    order = np.argsort(keys)
    ordered = keys[order]
    if (ordered[1:] == ordered[:-1]).any():
        order = np.argsort(keys, kind="stable")
    return order.astype(np.int64, copy=False)


class Streams:
    """The streams of one seed. Each draw takes the next call number of its purpose; none is handed out twice.

    The functions of this module draw from the streams of the process; a Streams that you make counts its own draws.

    Raises TypeError if the seed is no whole number, and ValueError if it lies outside [0, 2**64). set_state raises
    ValueError for anything but what get_state gave, and TypeError if one of its numbers is no whole number.

    >>> mine = Streams(7)
    >>> a, b = mine.uniform(3), mine.uniform(3)
    >>> again = Streams(7)
    >>> bool((again.uniform(3) == a).all()), bool((again.uniform(3) == b).all()), bool((a == b).any())
    (True, True, False)
    """

    def __init__(self, seed: int = 0) -> None:
        self._lock = threading.Lock()
        self.seed(seed)

    def seed(self, seed: int) -> None:
        """Start again at call number 0 of every purpose, with this seed in [0, 2**64)."""
        key = whole(seed, "seed", 0, SEEDS)
        with self._lock:
            self._key, self._calls = key, [0] * len(PURPOSES)

    def next(self, purpose: int) -> tuple[int, int]:
        """(key, stream) for one draw, as the random kernels take them. Safe to call from several threads."""
        return self._next(purpose) if mode.draws is None else mode.draws.of(lambda: self._next(purpose))

    def _next(self, purpose: int) -> tuple[int, int]:
        with self._lock:
            call = self._calls[purpose]
            found = self._key, stream(purpose, call)
            self._calls[purpose] = call + 1
        if mode.step is not None:
            mode.step.drawn(self, purpose, found)
        return found

    def skip(self, purpose: int, draws: int) -> None:
        """Count draws of a purpose that a replayed step made by itself."""
        with self._lock:
            self._calls[purpose] += draws

    def get_state(self) -> dict[str, int]:
        """The seed and the next call number of each purpose, by name, as plain integers."""
        with self._lock:
            return {"seed": self._key, **dict(zip(PURPOSES, self._calls))}

    def set_state(self, state: Mapping[str, int]) -> None:
        """Continue from what get_state gave. Everything is checked before anything changes."""
        if not isinstance(state, Mapping) or set(state) != {"seed", *PURPOSES}:
            raise ValueError(f"set_state: got {state!r}; need a mapping with the keys seed, {', '.join(PURPOSES)}")
        key = whole(state["seed"], "set_state: seed", 0, SEEDS)
        calls = [whole(state[name], f"set_state: {name}", 0, CALLS) for name in PURPOSES]
        with self._lock:
            self._key, self._calls = key, calls

    def __getstate__(self) -> dict[str, int]:
        """What copy, deepcopy and pickle keep: a copy continues at the same call numbers, and counts its own draws."""
        return self.get_state()

    def __setstate__(self, state: dict[str, int]) -> None:
        self._lock = threading.Lock()
        self.set_state(state)

    def permutation(self, n: int, purpose: int = SHUFFLE) -> np.ndarray:
        """The numbers 0 ... n - 1 (int64) in random order."""
        return permutation(n, *self.next(purpose))

    def bits(self, shape: Shape, purpose: int = NOISE) -> np.ndarray:
        """64 random bits per element (uint64)."""
        out = np.empty(shape, np.uint64)
        key, stream = self.next(purpose)
        K.random_bits(out, key=key, stream=stream, offset=0)
        return out

    def uniform(
        self, shape: Shape, low: float = 0.0, high: float = 1.0, dtype: Any = "float32", purpose: int = NOISE
    ) -> np.ndarray:
        """Numbers uniform in [low, high): computed in float64 and rounded once; float32 may round up to high itself."""
        low, high = finite(low, "uniform: low"), finite(high, "uniform: high", at_least=low)
        out = K.empty(shape, real_dtype(dtype, "uniform: dtype"))
        key, stream = self.next(purpose)
        K.uniform(out, key=key, stream=stream, offset=0, low=low, high=high)
        return out

    def normal(
        self, shape: Shape, mean: float = 0.0, std: float = 1.0, dtype: Any = "float32", purpose: int = NOISE
    ) -> np.ndarray:
        """Normal numbers mean + std Φ⁻¹(u), with one uniform u each: computed in float64 and rounded once."""
        mean, std = finite(mean, "normal: mean"), finite(std, "normal: std", at_least=0.0)
        out = K.empty(shape, real_dtype(dtype, "normal: dtype"))
        key, stream = self.next(purpose)
        K.normal(out, key=key, stream=stream, offset=0, mean=mean, std=std)
        return out

    def __repr__(self) -> str:
        return f"Streams({', '.join(f'{name}={value}' for name, value in self.get_state().items())})"


_process = Streams(0)


class _Thread(threading.local):
    streams: Streams | None = None


_thread = _Thread()


def _here() -> Streams:
    """The streams that this thread draws from: those of the process, unless it is inside own_streams."""
    return _thread.streams or _process


@contextmanager
def own_streams(seed: int) -> Iterator[None]:
    """A block in which this thread's calls of the functions of this module draw from new streams of this seed.

    TypeError or ValueError for a seed that manual_seed does not take.

    >>> with own_streams(3):
    ...     a = uniform(2)
    >>> with own_streams(3):
    ...     bool((uniform(2) == a).all())
    True
    """
    before, _thread.streams = _thread.streams, Streams(seed)
    try:
        yield
    finally:
        _thread.streams = before


def _new_lock_in_child() -> None:
    _process._lock = threading.Lock()  # another thread may have held it when the process forked


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_new_lock_in_child)


def manual_seed(seed: int) -> None:
    """Restart the random streams of this process: seed in [0, 2**64), call number 0 everywhere. At import: seed 0.

    Raises TypeError if the seed is no whole number, and ValueError if it lies outside [0, 2**64).

    >>> manual_seed(1)
    >>> a = uniform(2)
    >>> manual_seed(1)
    >>> bool((uniform(2) == a).all())
    True
    >>> manual_seed(0)
    """
    _here().seed(seed)


def next_stream(purpose: int) -> tuple[int, int]:
    """(key, stream) for the next draw of a purpose, as the random kernels take them.

    >>> manual_seed(5)
    >>> [next_stream(DROPOUT) == (5, stream(DROPOUT, call)) for call in range(2)]
    [True, True]
    >>> manual_seed(0)
    """
    return _here().next(purpose)


def get_state() -> dict[str, int]:
    """The streams of this process as plain integers: the seed, and the next call number of each purpose.

    >>> sorted(get_state())
    ['augment', 'data', 'dropout', 'init', 'labels', 'noise', 'seed', 'shuffle', 'split']
    """
    return _here().get_state()


def set_state(state: Mapping[str, int]) -> None:
    """Continue the streams of this process from what get_state gave; ValueError or TypeError if it is none.

    >>> before = get_state()
    >>> a = uniform(2)
    >>> set_state(before)
    >>> bool((uniform(2) == a).all())
    True
    """
    _here().set_state(state)


def uniform(
    shape: Shape, low: float = 0.0, high: float = 1.0, dtype: Any = "float32", purpose: int = NOISE
) -> np.ndarray:
    """Numbers uniform in [low, high) from the next stream of a purpose; see Streams.uniform.

    ValueError if low or high is not finite, or high < low; DTypeError for another dtype than float32 and float64.

    >>> uniform((2, 3), -1.0, 1.0).shape
    (2, 3)
    """
    return _here().uniform(shape, low, high, dtype, purpose)


def normal(
    shape: Shape, mean: float = 0.0, std: float = 1.0, dtype: Any = "float32", purpose: int = NOISE
) -> np.ndarray:
    """Normal numbers mean + std z from the next stream of a purpose; see Streams.normal.

    ValueError if mean or std is not finite, or std is below 0; DTypeError for another dtype than float32 and float64.

    >>> normal(4, std=0.1, dtype="float64").dtype
    dtype('float64')
    """
    return _here().normal(shape, mean, std, dtype, purpose)
