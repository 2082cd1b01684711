"""The folder of a recorded training: snapshots, the loss of each batch, and run.json, which says what they are.

run.json                        how the training was made: settings, hash of the data, versions, how far apart
                                snapshots are, `about`: what the user said
epoch-0003-batch-000120.safetensors    snapshots: files of train.Checkpoint, the whole state at that place
losses.bin                      the data loss of each batch, float64, the lowest byte first
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import numpy as np

from ...atomic import atomic_write
from ...data.batches.loader import Loader
from ..checkpoint_folder import checkpoints, place_of
from ..resume import described

KIND = "minigrad record 1"
ABOUT, LOSSES = "run.json", "losses.bin"
LOSS = np.dtype("<f8")
Place = tuple[int, int]


def step_of(place: Place, batches: int) -> int:
    """How many steps are done at a place: epochs, and batches of the next one.

    >>> step_of((3, 2), batches=10)
    32
    """
    return place[0] * batches + place[1]


def snapshots(folder: Path, batches: int) -> dict[int, Path]:
    """The snapshots of a folder by the step after which they were made, in order."""
    found = {step_of(place_of(file.name) or (0, 0), batches): file for file in checkpoints(folder)}
    return dict(sorted(found.items()))


def write_about(folder: Path, about: dict[str, Any]) -> None:
    """Write run.json, whole or not at all."""
    text = json.dumps({"kind": KIND, **about}, indent=1, ensure_ascii=False) + "\n"
    with atomic_write(folder / ABOUT) as file:
        file.write(text.encode())


def read_about(folder: Path) -> dict[str, Any]:
    """What run.json says. FileNotFoundError where there is none; ValueError for another file of that name."""
    path = folder / ABOUT
    if not path.exists():
        what = "there is no such folder" if not folder.exists() else f"it has no {ABOUT}"
        raise FileNotFoundError(
            f"{folder}: {what}; need the folder of a recorded training: fit(..., callbacks=[train.Record(folder)]), or "
            "minigrad train --model mlp --record FOLDER"
        )
    try:
        about = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path}: is damaged: {error}") from None
    if not isinstance(about, dict) or about.get("kind") != KIND:
        kind = about.get("kind") if isinstance(about, dict) else None
        raise ValueError(f"{path}: its kind is {kind!r:.60}; this version of minigrad reads {KIND!r}")
    return about


def read_losses(folder: Path, steps: int) -> np.ndarray:
    """The data loss of the first `steps` batches, (steps,), float64; NaN where it was not kept."""
    path = folder / LOSSES
    raw = path.read_bytes() if path.exists() else b""
    kept = np.frombuffer(raw[: len(raw) // LOSS.itemsize * LOSS.itemsize], LOSS)[:steps]
    losses = np.full(steps, np.nan)
    losses[: len(kept)] = kept
    return losses


def append_losses(folder: Path, before: int, losses: list[float]) -> None:
    """Put losses behind the first `before` of the file, and let them reach the disk; what is missing becomes NaN."""
    size = LOSS.itemsize
    with open(folder / LOSSES, "ab") as file:
        there = file.tell()
        if there > before * size:
            file.truncate(before * size)
        elif there < before * size:
            file.truncate(there // size * size)
            file.write(np.full(before - there // size, np.nan, LOSS).tobytes())
        file.write(np.array(losses, LOSS).tobytes())
        file.flush()
        os.fsync(file.fileno())


def hash_of(array: np.ndarray | None) -> str:
    """A hash of all numbers of an array; of a memory map, whose rows are read as they are used, of some rows."""
    if array is None:
        return "none"
    if not isinstance(array, np.ndarray):
        return described(array)
    digest = hashlib.sha256(np.ascontiguousarray(array).data if array.size else b"").hexdigest()
    return f"{array.dtype} {array.shape}, hash {digest[:16]}"


def data_of(loader: Loader) -> dict[str, str]:
    """Hashes of the data of a loader, by name."""
    return {"x": hash_of(loader.x), "y": hash_of(loader.y), "weight": hash_of(loader.weight)}
