"""A sweep: many independent tasks, one after the other or side by side, with the same results in any order.

n_jobs=1 needs nothing. Other values go through joblib, the extra `parallel`: its loky processes on this machine, or the
backend of `joblib.parallel_config` (dask, ray) beyond it. Every task computes with one thread and with the kernels of
the calling process; what is random in it comes from its arguments alone.
"""

from __future__ import annotations

import os
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TextIO

from .. import kernels
from .log import Log
from .result import SelectionWarning

Job = Callable[..., Any]


def run(
    job: Job,
    tasks: Mapping[str, tuple[Any, ...]],
    *,
    n_jobs: int = 1,
    log: Log | None = None,
    progress: bool | None = None,
    label: str = "sweep",
) -> dict[str, Any]:
    """job(*arguments) of every task, by key, in the order of `tasks`. Results are plain values: they go into the log.

    Keys that the log has are not run again. progress: None writes only to a terminal, True always, False never. Where a
    worker process was killed, a SelectionWarning says so, and new ones go on with the tasks that are left; RuntimeError
    where a worker is killed again before another task is done.
    """
    done = dict(log.done) if log is not None else {}
    begun = sum(key in done for key in tasks)
    line = Line(label, len(tasks), begun, progress)
    try:
        while todo := {key: arguments for key, arguments in tasks.items() if key not in done}:
            before = len(done)
            try:
                for key, result in _results(job, todo, n_jobs):
                    done[key] = result
                    if log is not None:
                        log.add(key, result)
                    line.step()
            except WorkerKilled as error:
                _say(error, len(todo) - len(done) + before, len(tasks), len(done) > before, log)
    finally:
        line.end()
    return {key: done[key] for key in tasks}


class WorkerKilled(RuntimeError):
    """A process of joblib's was killed: by the system where memory was short, or by somebody."""


def _say(error: WorkerKilled, left: int, tasks: int, progress: bool, log: Log | None) -> None:
    """A warning that a worker was killed; RuntimeError where no task was done since the last start: it would go on."""
    text = (
        f"sweep: a worker process was killed when {left} of {tasks} tasks were left; is memory short? Try fewer n_jobs"
    )
    if progress:
        warnings.warn(f"{text}. New workers go on with them", SelectionWarning, stacklevel=4)
        return
    kept = f". The results of the others are in {log.path}: the same call goes on there" if log is not None else ""
    raise RuntimeError(f"{text}{kept}") from error


def logged(
    job: Job, tasks: Mapping[str, tuple[Any, ...]], path: Any, settings: dict[str, Any], **options: Any
) -> dict[str, Any]:
    """run with the log at `path`, of a sweep with these settings; without a log for None."""
    log = Log(path, settings) if path is not None else None
    try:
        return run(job, tasks, log=log, **options)
    finally:
        if log is not None:
            log.close()


def _results(job: Job, tasks: Mapping[str, tuple[Any, ...]], n_jobs: int) -> Iterator[tuple[str, Any]]:
    if n_jobs == 1 or not tasks:
        for key, arguments in tasks.items():
            yield key, job(*arguments)
        return
    parallel = _joblib(n_jobs)
    from concurrent.futures import BrokenExecutor  # not at the top: it takes a tenth of the import of minigrad

    from joblib import delayed

    threads = kernels.get_num_threads()
    kernels.set_num_threads(1)  # for a backend that runs tasks in threads of this process
    try:
        backend = kernels.backend()
        yield from parallel(delayed(_work)(job, os.getpid(), backend, key, args) for key, args in tasks.items())
    except BrokenExecutor as error:
        raise WorkerKilled(str(error)) from error
    finally:
        kernels.set_num_threads(threads)


def _joblib(n_jobs: int) -> Any:
    try:
        import joblib
    except ImportError:
        raise ImportError(f"n_jobs={n_jobs} needs joblib: pip install 'minigrad[parallel]'") from None
    # joblib hands out quick tasks in batches unless told not to, and gives their results when the batch is done: tasks
    # that are done would then be missing from the log of a sweep whose worker is killed.
    try:
        return joblib.Parallel(n_jobs=n_jobs, batch_size=1, return_as="generator_unordered")
    except (ValueError, NotImplementedError):  # a backend that gives its results at the end, all at once
        return joblib.Parallel(n_jobs=n_jobs, batch_size=1)


def _work(job: Job, home: int, backend: str, key: str, arguments: tuple[Any, ...]) -> tuple[str, Any]:
    """One task, in whatever process it was sent to."""
    if os.getpid() != home:
        kernels.set_num_threads(1)
        if kernels.backend() != backend and backend in ("native", "reference"):
            kernels.use_backend(backend)
    return key, job(*arguments)


class Line:
    """One line on stderr that says how far a sweep is: rewritten on a terminal, else a new one each time."""

    def __init__(self, label: str, total: int, done: int, show: bool | None, stream: TextIO | None = None) -> None:
        self.label, self.total, self.done, self.skipped = label, total, done, done
        self.to = stream if stream is not None else sys.stderr
        self.terminal = self.to.isatty()
        self.on = self.terminal if show is None else show
        self.start = time.monotonic()

    def step(self) -> None:
        """One task more is done."""
        self.done += 1
        if self.on:
            resumed = f", {self.skipped} from the log" if self.skipped else ""
            text = f"{self.label}: {self.done}/{self.total}{resumed}, {time.monotonic() - self.start:.1f} s"
            print(f"\r{text}" if self.terminal else text, end="" if self.terminal else "\n", file=self.to, flush=True)

    def end(self) -> None:
        """Leave the line."""
        if self.on and self.terminal and self.done > self.skipped:
            print(file=self.to)
