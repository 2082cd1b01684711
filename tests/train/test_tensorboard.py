"""TensorBoard: what its own reader finds in the files; one clear line where it is missing."""

import copy
import importlib.util
import time

import numpy as np
import pytest

import minigrad as mg
from minigrad.train import Callback, Checkpoint, TensorBoard, fit

X = np.linspace(-1, 1, 12, dtype=np.float32).reshape(12, 1)


def train(*callbacks, **options):
    mg.manual_seed(0)
    model = mg.nn.Linear(1, 1)
    optimizer = mg.optim.SGD(model.parameters(), lr=0.1)
    options = {"epochs": 3, "batch_size": 4, "validation_data": (X, X), **options}
    return fit(model, (X, 2 * X), mg.mse, optimizer, callbacks=callbacks, **options)


def test_missing(monkeypatch, tmp_path):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(
        ImportError, match=r"^TensorBoard needs the package tensorboard: pip install 'minigrad\[tensorb"
    ):
        TensorBoard(tmp_path)


def curves(folder):
    reader = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    found = reader.EventAccumulator(str(folder)).Reload()
    return {tag: [(e.step, e.value) for e in found.Scalars(tag)] for tag in found.Tags()["scalars"]}


@pytest.mark.peers
@pytest.mark.filterwarnings("ignore")
def test_curves_are_the_history(tmp_path):
    pytest.importorskip("tensorboard", reason="pip install minigrad[tensorboard]")
    board = TensorBoard(tmp_path / "a")
    history = train(board)
    found = curves(tmp_path / "a")
    assert set(found) == {"loss/train", "loss/validation", "seconds"}
    for tag, column in (("loss/train", "loss"), ("loss/validation", "val_loss")):
        assert [step for step, _ in found[tag]] == [1, 2, 3]
        np.testing.assert_allclose([value for _, value in found[tag]], history[column], rtol=1e-6)
    copy.deepcopy(board)


@pytest.mark.peers
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("batches", [None, 1, 2, 5])
def test_a_compiled_fit_writes_the_same(tmp_path, batches):
    pytest.importorskip("tensorboard", reason="pip install minigrad[tensorboard]")
    for compiled in (False, True):
        train(TensorBoard(tmp_path / str(compiled), batches), epochs=9, compile=compiled)
    one, other = curves(tmp_path / "False"), curves(tmp_path / "True")
    del one["seconds"], other["seconds"]
    assert one == other


@pytest.mark.peers
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("batches", [None, 2])
def test_a_resumed_run_hides_what_it_trains_again(tmp_path, batches):
    pytest.importorskip("tensorboard", reason="pip install minigrad[tensorboard]")

    class Stop(Callback):
        def on_epoch_end(self, run):
            if run.epoch == 3:
                raise RuntimeError("killed")

    save = Checkpoint(tmp_path / "run", "2 epochs")
    with pytest.raises(RuntimeError, match="killed"):
        train(TensorBoard(tmp_path / "b", batches), save, Stop(), epochs=5, resume=tmp_path / "run")
    assert save.last.name.startswith("epoch-0002")
    time.sleep(1.1)  # readers take the files of a folder by name, which holds the second in which each was begun
    history = train(
        TensorBoard(tmp_path / "b", batches),
        Checkpoint(tmp_path / "run", "2 epochs"),
        epochs=5,
        resume=tmp_path / "run",
    )
    found = curves(tmp_path / "b")
    scale = 1 if batches is None else 3
    assert [step for step, _ in found["loss/train"]] == [scale * epoch for epoch in range(1, 6)]
    np.testing.assert_allclose([value for _, value in found["loss/train"]], history["loss"], rtol=1e-6)
    if batches:
        assert [step for step, _ in found["loss/batch"]] == [2, 4, 6, 8, 10, 12, 14]
