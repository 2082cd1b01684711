"""MNIST: 70,000 handwritten digits of 28x28 pixels (LeCun, Cortes, Burges), from files or, if asked, from the web."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from ...checks import real_dtype, truth
from ..dataset import Dataset
from ..formats.fetch import fetch_gzip
from ..formats.idx import idx_header, read_idx
from ..prepare.labels import check_labels
from ..prepare.splitting import Split

MIRRORS = ("https://storage.googleapis.com/cvdf-datasets/mnist/", "https://ossci-datasets.s3.amazonaws.com/mnist/")
FILES = {  # name: (bytes, SHA-256), both of the unpacked file
    "train-images-idx3-ubyte": (47040016, "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"),
    "train-labels-idx1-ubyte": (60008, "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"),
    "t10k-images-idx3-ubyte": (7840016, "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"),
    "t10k-labels-idx1-ubyte": (10008, "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"),
}
MAX_BYTES = 1 << 28  # of one file: room for other sets in the same format


def load_mnist(download: bool = False, dtype: Any = "float32", flat: bool = True, verify: bool = True) -> Split:
    """train and test, each x (n, 784), or (n, 1, 28, 28) if not flat: pixel / 255 in [0, 1]; y (n,) int64, 0 to 9.

    The four IDX files, plain or gzipped, with -idx or .idx in their names, are looked for in $MINIGRAD_DATA/mnist, then
    in the user's cache ($XDG_CACHE_HOME or ~/.cache, then minigrad/mnist). download=True fetches what is missing into
    the first of these. FileNotFoundError if a file is missing; ValueError if one is damaged or, by its SHA-256, not
    MNIST. verify=False takes other data of 28x28 images and labels from 0 to 9 in files of the same names
    (Fashion-MNIST).

    >>> train, test = load_mnist()  # doctest: +SKIP
    >>> train.x.shape, test.y.shape  # doctest: +SKIP
    ((60000, 784), (10000,))
    """
    wanted, flat = truth(download, "load_mnist: download"), truth(flat, "load_mnist: flat")
    real = real_dtype(dtype, "load_mnist: dtype")
    found = {name: path for name in FILES if (path := _find(name))}
    missing = [name for name in FILES if name not in found]
    if missing and not wanted:
        raise FileNotFoundError(_advice(missing))
    for name in missing:
        size, sha256 = FILES[name]
        found[name] = folders()[0] / f"{name}.gz"
        fetch_gzip([f"{mirror}{name}.gz" for mirror in MIRRORS], found[name], sha256, size)
    arrays = {name: _read(path, name, verify) for name, path in found.items()}
    train, test = (
        _pair(arrays[f"{part}-images-idx3-ubyte"], arrays[f"{part}-labels-idx1-ubyte"], part, real, flat)
        for part in ("train", "t10k")
    )
    return Split(train, test)


def folders() -> list[Path]:
    """Where MNIST is looked for, in order."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "minigrad"
    chosen = os.environ.get("MINIGRAD_DATA")
    return [root / "mnist" for root in ([Path(chosen).expanduser()] if chosen else []) + [cache]]


def _find(name: str) -> Path | None:
    """The first file of this name, plain or packed; archives write a dot before idx as well."""
    names = (name, name.replace("-idx", ".idx"))
    places = (folder / f"{file}{end}" for folder in folders() for file in names for end in ("", ".gz"))
    return next((place for place in places if place.is_file()), None)


def _advice(missing: list[str]) -> str:
    return (
        f"load_mnist: {', '.join(missing)} (plain or .gz) not found in {' or '.join(map(str, folders()))}. "
        "Either load_mnist(download=True) fetches and checks them, or put them there yourself; "
        "the environment variable MINIGRAD_DATA names another folder that holds a folder mnist."
    )


def _read(path: Path, name: str, verify: bool) -> np.ndarray:
    array = read_idx(path, MAX_BYTES)
    if verify:
        import hashlib

        content = hashlib.sha256(idx_header(array))
        content.update(array.reshape(-1).data)
        if content.hexdigest() != FILES[name][1]:
            raise ValueError(
                f"{path}: not MNIST's {name}: SHA-256 (unpacked) {content.hexdigest()}, need {FILES[name][1]}; "
                "verify=False takes other data in this format"
            )
    return array


def _pair(images: np.ndarray, labels: np.ndarray, part: str, real: np.dtype, flat: bool) -> Dataset:
    n = len(labels)
    if images.shape != (n, 28, 28) or labels.shape != (n,) or images.dtype != np.uint8 or n == 0:
        raise ValueError(
            f"load_mnist: the {part} files hold {images.dtype} images {images.shape} and labels {labels.shape}; "
            "need uint8 (n, 28, 28) and (n,), n at least 1"
        )
    x = images.reshape((n, 784) if flat else (n, 1, 28, 28)).astype(real)
    x /= real.type(255)  # in place: 8x as fast as np.divide(images, 255, dtype=real), which goes through small buffers
    return Dataset(x, check_labels(labels, 10))
