"""What tests of functions compare with: units in the last place, and oracle values that stand beside the project."""

import gzip
import json
import os
from pathlib import Path

import numpy as np
import pytest


def ulps(y, t):
    """|y - t| in units in the last place of y's dtype at t; 0 or infinity where t is NaN or rounds to an infinity."""
    with np.errstate(all="ignore"):
        rounded = t.astype(y.dtype)
        agree = (y == rounded) | (np.isnan(y) & np.isnan(t))
        return np.where(np.isfinite(rounded), np.abs(y - t) / np.spacing(np.abs(rounded)), np.where(agree, 0, np.inf))


def oracle():
    """The folder of oracle values, which is not part of the project."""
    folder = Path(os.environ.get("MINIGRAD_DATA", "/nowhere")).parent / "oracle"
    if not folder.is_dir():
        pytest.skip("no oracle values: they stand in the folder `oracle` beside the folder that MINIGRAD_DATA names")
    return folder


def oracle_case(name, dtype):
    """Arguments of a function and their values by mpmath, rounded to float64."""
    folder = oracle() / "cases"
    index = json.loads(gzip.decompress((folder / "math.json.gz").read_bytes()))
    data = gzip.decompress((folder / "math.bin.gz").read_bytes())
    (case,) = (c for c in index["cases"] if c["id"] == f"{name}-{np.dtype(dtype)}")
    places = [index["arrays"][case[column]] for column in "xy"]
    x, t = (np.frombuffer(data, place["d"], int(np.prod(place["s"])), place["o"]) for place in places)
    return x.astype(dtype), t


def hard_arguments(name):
    """CORE-MATH's worst arguments of a function of float64."""
    lines = (oracle() / "data" / "core_math" / f"{name}.txt").read_text().split()
    return np.array([float.fromhex(line) for line in lines])
