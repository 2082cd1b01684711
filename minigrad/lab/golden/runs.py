"""The golden runs and their hashes: SHA-256 of each tensor after each stage of a fixed training, per precision.

A run is a file of this folder, its hashes the .json file of that name. A difference is said by run, stage and tensor.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from ... import kernels, rng
from . import dense, normalized, planes, sequences

Hashes = dict[str, dict[str, str]]  # stage -> tensor -> hash
FOLDER = Path(__file__).parent
PRECISIONS = ("float32", "float64")


class Golden(NamedTuple):
    """A fixed training: its name, the function that does it, and the file of the hashes that it must give."""

    name: str
    run: Callable[[str], Hashes]
    file: Path


RUNS = tuple(
    Golden(module.__name__.rpartition(".")[2], module.run, FOLDER / f"{module.__name__.rpartition('.')[2]}.json")
    for module in (dense, planes, normalized, sequences)
)


def hashes(golden: Golden, dtype: str) -> Hashes:
    """The hashes that a run gives here and now. The random state of the process stays what it was."""
    before = rng.get_state()
    try:
        return golden.run(dtype)
    finally:
        rng.set_state(before)


def differences(dtype: str, runs: Sequence[Golden] = RUNS) -> str:
    """Where the runs first give other hashes than their files say: run, stage and tensors. "" if nowhere."""
    for golden in runs:
        expected = json.loads(golden.file.read_text(encoding="utf-8"))[dtype]
        for stage, found in hashes(golden, dtype).items():
            wrong = [name for name, h in found.items() if h != expected[stage].get(name)]
            if wrong:
                at = f"run {golden.name!r}, stage {stage!r}, in {', '.join(wrong)}"
                return f"{dtype}: the first difference is in {at}"
    return ""


def write() -> None:
    """Rewrite the files of hashes by what this machine computes."""
    for golden in RUNS:
        text = json.dumps({dtype: hashes(golden, dtype) for dtype in PRECISIONS}, indent=1)
        golden.file.write_text(f"{text}\n", encoding="utf-8")
        print(f"wrote {golden.file.name}: say in the CHANGELOG why the bits changed")


def main(arguments: Sequence[str] | None = None) -> int:
    """`python -m minigrad.lab.golden`: 0 if all hashes are as the files say, else 1 and what differs."""
    parser = argparse.ArgumentParser(prog="minigrad.lab.golden", description="The golden runs against their hashes.")
    parser.add_argument("--write", action="store_true", help="rewrite the files of hashes")
    if parser.parse_args(arguments).write:
        write()
        return 0
    found = [text for text in map(differences, PRECISIONS) if text]
    print("\n".join(found) or f"golden: equal ({kernels.cpu_variant()}, {kernels.get_num_threads()} threads)")
    return 1 if found else 0
