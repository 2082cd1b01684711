"""Rows that stay in their files: fit, evaluate and predict give the bits that they give from memory."""

import os
import subprocess
import sys
import textwrap

import numpy as np
import pytest

import minigrad as mg
from minigrad import data, nn, optim
from minigrad.data import LazyRows, Loader, Mixup, RandomFlip, open_idx, open_npy, write_idx
from minigrad.errors import DTypeError, NonFiniteError
from minigrad.train import accuracy, evaluate, fit

RNG = np.random.default_rng(0)
X = RNG.standard_normal((60, 6)).astype(np.float32)
Y = RNG.integers(0, 3, 60)


def in_file(folder, array, name="x.npy"):
    """The array in a file, IDX or NPY by its name."""
    if name.endswith(".npy"):
        np.save(folder / name, array)
        return open_npy(folder / name)
    write_idx(folder / name, array)
    return open_idx(folder / name)


def network(outputs=3, dtype="float32"):
    mg.manual_seed(0)
    return nn.Sequential(
        nn.Linear(6, 8, activation="tanh", dtype=dtype), nn.Dropout(0.2), nn.Linear(8, outputs, dtype=dtype)
    )


def trained(rows, loss=mg.cross_entropy, make=network, metrics=(), **options):
    """All bits that come of training on rows, with the same rows as validation data, of evaluation and prediction."""
    model = make()
    optimizer = optim.Adam(model.parameters(), lr=0.01)
    pair = (rows.x, rows.y) if isinstance(rows, Loader) else rows
    history = fit(model, rows, loss, optimizer, epochs=2, validation_data=pair, metrics=metrics, **options)
    found = [{name: value for name, value in row.items() if name != "seconds"} for row in history.rows]
    found.append(evaluate(model, rows, loss, metrics, batch_size=7))
    arrays = [*model.state_dict().values(), model.predict(pair[0], batch_size=11)]
    return found, [a.tobytes() for a in arrays]


STORED = {
    "floats": ("x.npy", np.float32),
    "as double": ("x.npy", np.float64),
    "big-endian": ("x.npy", ">f4"),
    "IDX": ("x", np.float32),
    "IDX as double": ("x", np.float64),
    "IDX bytes": ("x", np.uint8),
    "IDX int16": ("x", np.int16),
    "bytes": ("x.npy", np.uint8),
    "booleans": ("x.npy", np.bool_),
}


@pytest.mark.parametrize("stored", STORED)
def test_the_bits_are_those_from_memory(backend, tmp_path, stored):
    name, dtype = STORED[stored]
    x = (X if np.dtype(dtype).kind == "f" else np.abs(X) * 40).astype(dtype)
    mapped, labels = in_file(tmp_path, x, name), in_file(tmp_path, Y.astype(np.uint8), f"labels-{name}")
    for made in (network, lambda: network(dtype="float64")):
        options = {"make": made, "metrics": [accuracy], "batch_size": 16, "seed": 3}
        right = trained((x, Y), **options)
        assert trained((mapped, Y), **options) == right
        assert trained((mapped, labels), **options) == right
        assert trained((LazyRows(x), Y), **options) == right


@pytest.mark.parametrize("dtype", ["float32", ">f8", "uint8"])
def test_loaders_with_transforms(backend, tmp_path, dtype):
    x = np.abs(X * 40).astype(dtype)
    mapped = in_file(tmp_path, x)
    options = {"dtype": "float32", "transform": [RandomFlip(shape=(2, 3)), Mixup(0.3, classes=3)], "seed": 5}
    made = [Loader(rows, Y, 16, weight=np.arange(60), **options) for rows in (x, mapped)]
    for a, b in zip(*made):
        assert [part.tobytes() for part in a] == [part.tobytes() for part in b]
    assert trained(Loader(mapped, Y, 16, **options)) == trained(Loader(x, Y, 16, **options))
    assert isinstance(made[1].x, LazyRows)


def test_pixels_are_scaled_by_the_batch_in_training_and_in_evaluation(backend, tmp_path):
    pixels = np.abs(X * 40).astype(np.uint8)
    rows = LazyRows(in_file(tmp_path, pixels, "x"), prepare=lambda rows: rows.astype(np.float32) / np.float32(255))
    scaled = pixels.astype(np.float32) / np.float32(255)
    assert trained((rows, Y)) == trained((scaled, Y))
    assert trained(Loader(rows, Y, 32)) == trained(Loader(scaled, Y, 32))


@pytest.mark.parametrize("loss", [mg.mse, mg.bce_with_logits])
def test_targets_in_a_file(backend, tmp_path, loss):
    """As wide as the rows, as those of an autoencoder are: they stay in the file too."""
    x = np.abs(X).clip(0, 1)
    mapped = in_file(tmp_path, x)
    wide = {"loss": loss, "make": lambda: network(6)}
    assert trained((mapped, mapped), **wide) == trained((x, x), **wide)
    assert trained(Loader(mapped, mapped, 32), **wide) == trained(Loader(x, x, 32), **wide)
    assert isinstance(Loader(mapped, mapped, 32).y, LazyRows)
    narrow = {"loss": loss, "make": lambda: network(1)}
    assert trained((mapped, mapped[:, 2:3]), **narrow) == trained((x, x[:, 2:3]), **narrow)


def test_integers_reach_an_embedding(backend, tmp_path):
    class Bag(nn.Module):
        def __init__(self):
            self.table = nn.Parameter(np.random.default_rng(1).standard_normal((50, 3)).astype(np.float32))

        def forward(self, words):
            return mg.embedding(words, self.table).mean(dim=1)

    words = RNG.integers(0, 50, (60, 4)).astype(">i4")
    mapped = in_file(tmp_path, words)
    assert trained((mapped, Y), make=Bag) == trained((words, Y), make=Bag)
    assert trained(Loader(mapped, Y, 16), make=Bag) == trained(Loader(words, Y, 16), make=Bag)


def test_a_bad_number_is_named_when_its_batch_is_read(tmp_path):
    x = np.ones((60, 6), np.float32)
    x[51, 4] = np.nan
    mapped = in_file(tmp_path, x)
    model = network()
    optimizer = optim.SGD(model.parameters(), lr=0.01)
    Loader(mapped, Y, 16)
    for act, words in [
        (lambda: fit(model, (mapped, Y), mg.cross_entropy, optimizer), "^x: row 51, column 4 is nan"),
        (lambda: evaluate(model, (mapped, Y), mg.cross_entropy), "x: row 51, column 4 is nan"),
        (lambda: list(Loader(mapped, Y, 16)), "x: row 51, column 4 is nan"),
        (lambda: data.check_xy(mapped, Y), "x: row 51, column 4 is nan"),
        (
            lambda: fit(model, (x[:50], Y[:50]), mg.cross_entropy, optimizer, epochs=1, validation_data=(mapped, Y)),
            "x: row 51, column 4 is nan",
        ),
    ]:
        with pytest.raises(NonFiniteError, match=words):
            act()
    assert all(np.isfinite(p.data).all() for p in model.parameters())
    assert np.isnan(model.predict(mapped)[51]).all()  # as from memory: predict asks nothing of the numbers
    with pytest.raises(NonFiniteError, match="weight: row 2 is nan"):
        Loader(X, Y, 16, weight=in_file(tmp_path, np.where(np.arange(60) == 2, np.nan, 1.0), "w.npy"))


def test_bad_targets_are_named_when_their_batch_is_read(tmp_path):
    y = np.abs(X).clip(0, 1)
    y[44, 1] = 2
    mapped = in_file(tmp_path, y)
    model = network(6)
    optimizer = optim.SGD(model.parameters(), lr=0.01)
    for act in (
        lambda: fit(model, (X, mapped), mg.bce_with_logits, optimizer),
        lambda: fit(model, Loader(X, mapped, 16), mg.bce_with_logits, optimizer),
        lambda: evaluate(model, (X, mapped), mg.bce_with_logits),
    ):
        with pytest.raises(ValueError, match=r"y: row 44 holds 2\.0; bce_with_logits needs targets from 0 to 1"):
            act()
    fit(model, (X, mapped), mg.mse, optimizer, epochs=1)  # which takes them


def test_what_does_not_fit_is_said_before_training(tmp_path):
    model = network()
    optimizer = optim.SGD(model.parameters(), lr=0.01)
    mapped = in_file(tmp_path, X.astype(np.float64))
    for given, error, words in [
        ((mapped, Y[1:]), mg.ShapeError, "x has 60 rows, y has 59"),
        ((mapped[:, 1:], Y), mg.ShapeError, r"need \(rows, 6\)"),
        ((mapped, Y + 1), ValueError, "need labels from 0 to 2"),
        ((mapped[:0], Y[:0]), mg.ShapeError, r"x is \(0, 6\)"),
        (Loader(mapped, Y, 16), DTypeError, "the Loader gives float64, the model is float32; pass dtype"),
        ((np.memmap(tmp_path / "x.npy", "c8", "r", 128, (60, 6)), Y), DTypeError, "x is complex64"),
    ]:
        with pytest.raises(error, match=words):
            fit(model, given, mg.cross_entropy, optimizer)


LARGE = """
    import os, sys, threading, time
    import numpy as np
    import minigrad as mg
    from minigrad import nn, optim, train

    def private():
        '''Memory of the process that lies in no file, in MiB.'''
        status = dict(line.split(":") for line in open("/proc/self/status"))
        return int(status["RssAnon"].split()[0]) / 1024

    def watch():
        while watching:
            peaks.append(max(peaks.pop(), private()))
            time.sleep(0.005)

    n = int(sys.argv[2])
    with open(sys.argv[1], "wb") as file:
        np.lib.format.write_array_header_1_0(file, {"descr": "<f4", "fortran_order": False, "shape": (n, 784)})
        file.truncate(file.tell() + n * 784 * 4)
    y = (np.arange(n) % 10).astype(np.uint8)
    model = nn.Sequential(nn.Linear(784, 64, activation="relu"), nn.Linear(64, 10))
    optimizer = optim.SGD(model.parameters(), lr=0.01)
    before, start = private(), time.perf_counter()
    peaks, watching = [before], [True]
    thread = threading.Thread(target=watch)
    thread.start()
    rows = (mg.data.open_npy(sys.argv[1]), y)
    train.fit(model, rows, mg.cross_entropy, optimizer, epochs=1, batch_size=256)
    speed = n / (time.perf_counter() - start)
    watching.clear()
    thread.join()
    print(peaks[0] - before, speed)
"""


def own_memory(folder, rows):
    """MiB of memory that one epoch over so many rows of 784 takes for itself, and rows per second."""
    program = textwrap.dedent(LARGE)
    options = {"capture_output": True, "text": True, "check": True}
    done = subprocess.run([sys.executable, "-c", program, str(folder / "large.npy"), str(rows)], **options)
    os.remove(folder / "large.npy")
    return tuple(map(float, done.stdout.split()))


needs_linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="RssAnon is in Linux's /proc")


@needs_linux
def test_an_epoch_keeps_the_rows_in_the_file(tmp_path):
    """188 MB in the file."""
    assert own_memory(tmp_path, 60_000)[0] < 30


@needs_linux
@pytest.mark.slow
def test_an_epoch_over_eight_gigabytes(tmp_path, capsys):
    used, speed = own_memory(tmp_path, 2_600_000)
    with capsys.disabled():
        print(f"\n2.6 million rows of 784: {used:.0f} MiB of memory of its own, {speed:.0f} rows per second")
    assert used < 300


@pytest.mark.slow
def test_two_hundred_megabytes_give_the_same_bits(tmp_path):
    x = np.random.default_rng(0).standard_normal((64_000, 784), np.float32)
    y = np.random.default_rng(1).integers(0, 10, len(x))

    def make():
        mg.manual_seed(0)
        return nn.Sequential(nn.Linear(784, 32, activation="relu"), nn.Dropout(0.2), nn.Linear(32, 10))

    right = trained((x, y), make=make, metrics=[accuracy], batch_size=128)
    for stored in (x, x.astype(">f8")):
        mapped = in_file(tmp_path, stored)
        assert os.path.getsize(tmp_path / "x.npy") >= 200e6
        assert trained((mapped, y), make=make, metrics=[accuracy], batch_size=128) == right
