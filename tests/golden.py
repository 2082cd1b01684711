"""The golden hashes: SHA-256 of the weights after a fixed run, per precision, with one hash per tensor and stage.

`python tests/golden.py` prints what differs from tests/golden.json; `--write` rewrites it (and the CHANGELOG says why).
Layers with kernels of their own have a run and a file of hashes of their own: golden_*.py and .json.
The run crosses every kernel of a training step with sizes that fit no block: a relu and a tanh layer, dropout,
cross-entropy, Adam with a proximal L1 and a penalty, the shuffling loader; large enough that threads share the work.
"""

import argparse
import hashlib
import importlib
import json
import sys
from pathlib import Path

import numpy as np

import minigrad as mg
from minigrad import nn, optim, reg
from minigrad.data import Loader
from minigrad.rng import Streams

FILE = Path(__file__).with_name("golden.json")
ROWS, FEATURES, HIDDEN, CLASSES, BATCH, EPOCHS = 387, 301, 257, 11, 129, 2


def digest(array):
    """Hash of name-free content: dtype, shape, little-endian bytes in C order, every NaN written one way."""
    array = np.ascontiguousarray(array)
    array = np.where(np.isnan(array), array.dtype.type(np.nan), array)
    header = f"{array.dtype.name} {array.shape} ".encode()
    return hashlib.sha256(header + array.astype(array.dtype.newbyteorder("<")).tobytes()).hexdigest()


def stage_hashes(arrays):
    """name -> short hash of each array, and `all` -> the full hash over them in order."""
    hashes = {name: digest(array) for name, array in arrays.items()}
    together = hashlib.sha256("".join(f"{name}:{h};" for name, h in hashes.items()).encode()).hexdigest()
    return {**{name: h[:16] for name, h in hashes.items()}, "all": together}


def run(dtype):
    """Train the fixed network; stage -> hashes: init, first forward, first gradients, first update, end."""
    mg.manual_seed(20261120)
    x = Streams(7).normal((ROWS, FEATURES), dtype=dtype)
    labels = np.arange(ROWS) * 7 % CLASSES
    model = nn.Sequential(
        nn.Linear(FEATURES, HIDDEN, activation="relu", dtype=dtype),
        nn.Dropout(0.3),
        nn.Linear(HIDDEN, 17, activation="tanh", dtype=dtype),
        nn.Linear(17, CLASSES, dtype=dtype),
    )
    sparse = reg.on(model, {"0.weight": reg.L1(1e-3)})
    smooth = reg.on(model, {"[23].weight": reg.ElasticNet(l1=1e-4, l2=1e-2)})
    optimizer = optim.Adam(model.parameters(), lr=3e-3, prox=sparse, penalty=smooth)
    stages = {"init": stage_hashes(model.state_dict())}
    loader = Loader(x, labels, batch_size=BATCH, seed=3)
    for epoch in range(EPOCHS):
        loader.set_epoch(epoch)
        for batch, target in loader:
            optimizer.zero_grad()
            logits = model(mg.tensor(batch))
            loss = mg.cross_entropy(logits, target)
            loss.backward()
            if "first update" not in stages:
                stages["first forward"] = stage_hashes({"logits": logits.data, "loss": loss.data})
                grads = {name: p.grad.data for name, p in model.named_parameters()}
                stages["first gradients"] = stage_hashes(grads)
            optimizer.step()
            if "first update" not in stages:
                stages["first update"] = stage_hashes(model.state_dict())
    stages["end"] = stage_hashes(model.state_dict())
    return stages


def parts():
    """(the function that runs, the file of its hashes): this run, and that of each golden_*.py beside it."""
    found = [(run, FILE)]
    for path in sorted(FILE.parent.glob("golden_*.py")):
        found.append((importlib.import_module(path.stem).run, path.with_suffix(".json")))
    return found


def differences(dtype):
    """The first stage whose hashes differ from the files, with the names that differ; empty if none does."""
    for run_part, file in parts():
        expected = json.loads(file.read_text())[dtype]
        for stage, hashes in run_part(dtype).items():
            wrong = [name for name, h in hashes.items() if h != expected[stage].get(name)]
            if wrong:
                name = "" if file == FILE else f"{file.stem}, "
                return f"{dtype}: the first difference is at {name}stage {stage!r}, in {', '.join(wrong)}"
    return ""


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="rewrite the files of hashes")
    if parser.parse_args().write:
        for run_part, file in parts():
            file.write_text(json.dumps({dtype: run_part(dtype) for dtype in ("float32", "float64")}, indent=1) + "\n")
            print(f"wrote {file.name}: say in the CHANGELOG why the bits changed")
        return 0
    found = [text for text in map(differences, ("float32", "float64")) if text]
    print("\n".join(found) or f"golden: equal ({mg.kernels.cpu_variant()}, {mg.get_num_threads()} threads)")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
