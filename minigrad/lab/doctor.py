"""minigrad doctor: what this installation is made of, whether it computes the right bits, and what to do if not."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from .. import kernels as K
from ..errors import KernelMismatch
from ..kernels import compared
from ..version import __version__
from .gallery.article import several
from .golden import kernel_calls, runs
from .pages.machine import cpu_name, facts

# Packages that something needs beside NumPy: how they are imported, the extra that installs them, and what for.
EXTRAS = (
    ("matplotlib", "figures", "figures of demo, cv, path, articles, claims"),
    ("rich", "progress", "a progress bar with colours"),
    ("sklearn", "sklearn", "minigrad.sklearn, estimators"),
    ("joblib", "parallel", "n_jobs above 1"),
    ("tensorboard", "tensorboard", "train.TensorBoard"),
)
SIZES = {"a few numbers": (3, 4), "whole vectors and a rest": (37, 66)}  # rows and columns of the calls
ROUNDS = 7  # of a speed


@dataclass
class Finding:
    """Something that is not as it should be: what, and what would do."""

    what: str
    cure: str


@dataclass
class Health:
    """What `minigrad doctor` found: facts by section, and what is wrong."""

    sections: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    @property
    def well(self) -> bool:
        return not self.findings

    def note(self, section: str, name: str, text: str) -> None:
        """A line of a section."""
        self.sections.setdefault(section, []).append((name, text))

    def wrong(self, section: str, name: str, what: str, cure: str) -> None:
        """A line of a section that is a finding, too."""
        self.note(section, name, f"WRONG: {what}")
        self.findings.append(Finding(f"{name}: {what}", cure))

    def __str__(self) -> str:
        lines = []
        for section, rows in self.sections.items():
            lines += [section, *(f"  {name:<26} {text}" for name, text in rows), ""]
        if self.well:
            return "\n".join([*lines, "Nothing is wrong."])
        count = len(self.findings)
        lines.append(f"{count} thing{'s are' if count > 1 else ' is'} wrong:")
        for found in self.findings:
            lines += [f"  {found.what}", f"      {found.cure}"]
        return "\n".join(lines)

    def as_dict(self) -> dict[str, Any]:
        """The same as plain values, for JSON."""
        sections = {section: dict(rows) for section, rows in self.sections.items()}
        return {"well": self.well, "findings": [vars(found) for found in self.findings], **sections}


def examine(quick: bool = False) -> Health:
    """Look at everything; quick leaves out the golden runs and the speeds.

    Kernels are compared as they are in the table: one that was replaced by a user's own is looked at, too.

    >>> health = examine(quick=True)
    >>> health.well, list(health.sections)[0]
    (True, 'Installed')
    """
    health = Health()
    _installed(health)
    _kernels(health)
    if not quick:
        _golden(health)
        _speed(health)
    return health


def _installed(health: Health) -> None:
    known = facts()
    health.note("Installed", "minigrad", f"{__version__}, {Path(K.__file__).parents[1]}")
    health.note("Installed", "Python", f"{platform.python_version()} on {platform.platform()}")
    health.note("Installed", "NumPy", np.__version__)
    health.note("Installed", "processor", f"{cpu_name()}, {known['processors']} for this process")
    if K.runtime is None:
        health.wrong(
            "Installed",
            "compiled kernels",
            "there are none, so the NumPy reference computes, with other last bits and some ten times slower",
            "install a C compiler (Debian: build-essential, macOS: xcode-select --install), unset MINIGRAD_NO_NATIVE, "
            "and install minigrad again: pip install --force-reinstall --no-cache-dir minigrad, or `pip install .`",
        )
    else:
        health.note("Installed", "variants", f"{', '.join(K.runtime.supported())}; in use: {K.cpu_variant()}")
        threads = f"{K.get_num_threads()} (MINIGRAD_NUM_THREADS, minigrad.set_num_threads)"
        health.note("Installed", "threads", threads)
        if not K.runtime.denormals_kept():
            health.wrong(
                "Installed",
                "denormal numbers",
                "another library has set this process to flush them to zero",
                "import minigrad before it, or find the library that was linked with -ffast-math",
            )
    health.note("Installed", "backend", K.backend())
    for module, extra, purpose in EXTRAS:
        if importlib.util.find_spec(module) is None:
            health.note("Extras", module, f"missing, for {purpose}: pip install 'minigrad[{extra}]'")
        else:
            package = {"sklearn": "scikit-learn"}.get(module, module)
            health.note("Extras", module, f"{importlib.metadata.version(package)}, for {purpose}")


def results(name: str, dtype: Any, rows: int, columns: int) -> list[bytes]:
    """What a kernel of the table makes of its fixed call: the bytes of all arrays that it was given."""
    g = kernel_calls.given(dtype, rows, columns)
    if name in kernel_calls.UPDATES:
        table, gradients = kernel_calls.table_of(g)
        getattr(K, name)(table, gradients, **kernel_calls.UPDATES[name])
        return [part.tobytes() for part in compared.arrays([table])]
    args, options = kernel_calls.calls(g)[name]
    getattr(K, name)(*args, **options)
    return [part.tobytes() for part in compared.arrays([*args, *options.values()])]


def _kernels(health: Health) -> None:
    names = [*kernel_calls.calls(kernel_calls.given()), *kernel_calls.UPDATES]
    cases = [(dtype, *shape) for dtype in (np.float32, np.float64) for shape in SIZES.values()]
    if K.runtime is not None:
        before = K.cpu_variant()
        try:
            K.runtime.set_variant("naive")
            naive = {name: [results(name, *case) for case in cases] for name in names}
            for variant in K.runtime.supported():
                K.runtime.set_variant(variant)
                unlike = [name for name in names if [results(name, *case) for case in cases] != naive[name]]
                _told(health, variant, unlike, len(names))
        finally:
            K.runtime.set_variant(before)
        _against_reference(health, names)


def _told(health: Health, variant: str, unlike: list[str], count: int) -> None:
    if not unlike:
        health.note("Kernels, against plain loops", variant, f"{count} of {count} kernels have the same bits")
        return
    health.wrong(
        "Kernels, against plain loops",
        variant,
        f"{', '.join(unlike)} {'have' if len(unlike) > 1 else 'has'} other bits than the naive variant",
        f"the compiler broke a promise, or the processor one: MINIGRAD_CPU=naive computes without {variant}; reinstall "
        "with CFLAGS unset or another compiler, and please report this page",
    )


def _against_reference(health: Health, names: list[str]) -> None:
    """Every kernel that serves now, beside NumPy's."""
    section, wrong = "Kernels, against NumPy", []
    for name in names:
        held = compared.beside(name, getattr(K, name), getattr(K.reference, name))
        for dtype in (np.float32, np.float64):
            g = kernel_calls.given(dtype, *SIZES["whole vectors and a rest"])
            try:
                if name in kernel_calls.UPDATES:
                    table, gradients = kernel_calls.table_of(g)
                    held(table, gradients, **kernel_calls.UPDATES[name])
                else:
                    args, options = kernel_calls.calls(g)[name]
                    held(*args, **options)
            except KernelMismatch as error:
                wrong.append((name, str(error)))
                break
    for name, said in wrong:
        health.wrong(
            section, name, said, 'look at it with minigrad.use_backend("compare"), and please report this page'
        )
    if not wrong:
        health.note(section, K.backend(), f"{len(names)} of {len(names)} kernels agree within their bounds")


def _golden(health: Health) -> None:
    section = "Golden runs: trainings with one hash everywhere"
    if K.backend() != "native":
        health.note(section, "left out", f"the hashes are those of native kernels; {K.backend()} serves")
        return
    for dtype in runs.PRECISIONS:
        said = runs.differences(dtype)
        if said:
            health.wrong(
                section,
                dtype,
                said,
                "results differ from those of other machines: MINIGRAD_CPU=naive and MINIGRAD_NUM_THREADS=1 say "
                "whether a variant or the threads do it; please report this page",
            )
        else:
            health.note(section, dtype, f"{len(runs.RUNS)} of {len(runs.RUNS)} runs have their hashes")


def _speed(health: Health) -> None:
    """Three kernels beside NumPy's, in turn, the least of a few; ours with the threads that are set."""
    g = kernel_calls.given(np.float32, 256, 256)
    out = np.zeros_like(g.x)
    table, gradients = kernel_calls.table_of(kernel_calls.given(np.float32, 512, 1024))
    twin = compared.copied(table, {})
    pairs: dict[str, tuple[Callable, Callable]] = {
        "matmul 256x256x256": (lambda: K.matmul(g.x, g.y, out), lambda: np.matmul(g.x, g.y, out=out)),
        "tanh of 65,536": (lambda: K.tanh(g.x, out), lambda: np.tanh(g.x, out=out)),
        "Adam on 1,048,576": (
            lambda: K.adam_update(table, gradients, **kernel_calls.UPDATES["adam_update"]),
            lambda: K.reference.adam_update(twin, gradients, **kernel_calls.UPDATES["adam_update"]),
        ),
    }
    for name, (ours, numpys) in pairs.items():
        seconds: tuple[list[float], list[float]] = ([], [])
        for _ in range(ROUNDS):
            for call, found in zip((ours, numpys), seconds):
                began = time.perf_counter()
                call()
                found.append(time.perf_counter() - began)
        mine, theirs = map(min, seconds)
        text = f"{mine * 1e6:,.0f} µs, NumPy {theirs * 1e6:,.0f} µs: {theirs / mine:.1f} times as fast"
        health.note(f"Speed, least of {ROUNDS}, minigrad with {several(K.get_num_threads(), 'thread')}", name, text)
