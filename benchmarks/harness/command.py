"""The command: which families, how long, and what is written."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from . import machine, table
from .case import Case
from .driver import Driver, installed, processors
from .families import MODULES, family

LEGEND = (
    "Times are medians; ± is half the distance of the quartiles; roof: share of what the machine's peaks allow; "
    "x NumPy, x PyTorch: above 1 is faster than its best row; gain: over one thread; "
    ">: the variant that is used by default."
)
PEERS = ("numpy", "torch", "jax", "numba", "sklearn", "celer", "skglm", "adelie")


def parser(prog: str = "python -m benchmarks") -> argparse.ArgumentParser:
    """The options, for `python -m benchmarks` and `minigrad bench`."""
    p = argparse.ArgumentParser(
        prog=prog,
        description="Times of minigrad's kernels and training steps beside NumPy by hand, the NumPy backend, naive C "
        "and, where installed, PyTorch, JAX and numba; of linear models beside scikit-learn, celer, skglm and adelie. "
        "Rows that lose stay. Six minutes; --quick: half a minute.",
    )
    p.add_argument(
        "families",
        nargs="*",
        default="all",
        metavar="FAMILY",
        choices=[*MODULES, "all"],
        help=f"{', '.join(MODULES)}, or all (default)",
    )
    p.add_argument("--quick", action="store_true", help="few sizes, one thread, short slices: to see that it works")
    p.add_argument("--json", type=Path, metavar="FILE", help="write every figure, samples included")
    p.add_argument("--figure", type=Path, metavar="FILE", help="write a roofline figure (needs matplotlib)")
    p.add_argument(
        "--dots", type=Path, metavar="FILE", help="write a figure of `times NumPy` for every case (needs matplotlib)"
    )
    p.add_argument("--threads", type=int, nargs="+", metavar="N", help="thread counts (default: 1 2; with --quick 1)")
    p.add_argument(
        "--sizes",
        nargs="+",
        default=[],
        metavar="SIZE",
        help="instead of the family's own: 64 or 32x784x64 (matmul), 55k (elements), S0 (step), 60000x1 (training), "
        "lasso:1000x200 (paths)",
    )
    p.add_argument("--peers", nargs="*", metavar="PEER", choices=PEERS, help=f"only these of {', '.join(PEERS)}")
    return p


def main(arguments: Sequence[str] | None = None, prog: str = "python -m benchmarks") -> int:
    """Run the benchmarks; the exit status is 0, or 2 if an option asks for what cannot be."""
    options = parser(prog).parse_args(arguments)
    try:
        run(options)
    except (ValueError, ImportError, OSError) as error:
        print(f"benchmarks: {error}", file=sys.stderr)
        return 2
    return 0


def families(options: argparse.Namespace) -> tuple[str, ...]:
    """The families that were asked for, each once."""
    return tuple(MODULES) if "all" in options.families else tuple(dict.fromkeys(options.families))


def run(options: argparse.Namespace) -> None:
    """Measure the families one after the other, printing each case when it is done."""
    threads = sorted(set(options.threads or ([1] if options.quick else [1, 2])))
    if threads[0] < 1:
        raise ValueError(f"--threads: {threads[0]} is no number of threads")
    too_many = [n for n in threads if n > len(processors())]
    if too_many:
        print(f"left out: {too_many[0]} threads, on {len(processors())} processor(s)")
        threads = [n for n in threads if n not in too_many] or [1]
    if (options.figure or options.dots) and not installed(["matplotlib"]):
        raise ImportError(
            f"{'--figure' if options.figure else '--dots'} needs matplotlib: pip install 'minigrad[figures]'"
        )
    wanted = PEERS if options.peers is None else options.peers
    peers = installed(wanted)
    missing = [peer for peer in wanted if peer not in peers]
    modules = {name: family(name) for name in families(options)}
    cases = {name: module.cases(options.sizes, options.quick) for name, module in modules.items()}
    start = time.monotonic()
    slices = (0.001, 3, 0.5) if options.quick else (0.003, 15, 1.5)  # seconds of a slice, rounds, seconds of a case
    with Driver([*peers, "minigrad"], threads, *slices) as driver:
        found = {"machine": describe(driver, threads), "families": {}}
        print("\n".join(machine.header(found["machine"], threads)))
        if missing:
            print(f"missing {', '.join(missing)}: pip install 'minigrad[peers]' adds their rows")
        for name in cases:
            found["families"][name] = measure(driver, name, cases[name], threads, found["machine"]["default"])
            if hasattr(modules[name], "notes"):
                print(*modules[name].notes(found["families"][name], [*peers, "minigrad"], options.quick), sep="\n")
        found["seconds"] = time.monotonic() - start
        found["complaints"] = driver.complaints
    for complaint in driver.complaints:
        print(f"no row: {complaint}")
    print(f"\n{found['seconds']:.0f} s. {LEGEND}")
    if options.json:
        options.json.write_text(json.dumps(found, indent=1))
    if options.figure:
        from .figure import roofline

        roofline(found, options.figure)
    if options.dots:
        from .figure import dots

        dots(found, options.dots)


def describe(driver: Driver, threads: list[int]) -> dict[str, Any]:
    """The machine, the versions, and the roofs as each thread count finds them."""
    found = {**machine.describe(), "versions": driver.versions, "roofs": {}, "default": default_row()}
    for worker in driver.workers:
        if worker.peer == "minigrad":
            found["roofs"][str(worker.threads)] = worker.ask(roofs=True).get("roofs", {})
    return found


def default_row() -> str:
    """The row of what runs unless something else is asked for: the best variant of this processor."""
    from minigrad import kernels

    return "reference" if kernels.runtime is None else f"minigrad {kernels.runtime.supported()[-1]}"


def measure(driver: Driver, name: str, cases: list[Case], threads: list[int], default: str) -> list[dict[str, Any]]:
    """Print the table of a family, and what it comes to; returns its rows."""
    module = family(name)
    widths = max(len(case.name) for case in cases) + 2, getattr(module, "WIDTH", 28) + 2
    base = getattr(module, "BASE", "numpy")
    print("", *table.head(module.TITLE, module.UNIT, threads, widths, base), sep="\n", flush=True)
    found: list[dict[str, Any]] = []
    for case in cases:
        seconds = module.seconds(case) if hasattr(module, "seconds") else None
        rows = driver.measure(name, case, module.TOLERANCE, base, seconds)
        results = table.results(case, rows, module.ROOFS, module.UNIT, base)
        marked = default if any(r["who"] == default for r in results) else None
        print(*table.lines(results, threads, widths, marked), sep="\n", flush=True)
        found += results
    if told := table.sentence(found, default):
        print(told)
    return found
