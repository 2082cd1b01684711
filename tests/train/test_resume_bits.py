"""A resumed run goes on with equal bits, from any batch, whatever it is made of. test_resume_kills kills processes."""

import os
import signal

import numpy as np
import pytest
from train.killed import Kill, Killed, X, Y, bits, train

import minigrad as mg
from minigrad import nn, optim
from minigrad.train import AverageWeights, Callback, Checkpoint, EarlyStopping, LearningRate, fit

# --- equal bits -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("epoch, batch", [(1, 2), (1, 4), (2, 1), (2, 3), (3, 2), (3, 4)])
def test_from_any_batch(tmp_path, epoch, batch, backend):
    """Killed in this batch: the one before is the last that was saved."""
    held_out = {"validation_data": (X[:9], Y[:9]), "metrics": [mg.train.mean_absolute_error]}
    with pytest.raises(Killed):
        train(tmp_path, Kill(epoch, batch), **held_out)
    mg.rng.uniform(3)  # what the next process may have drawn
    assert bits(*train(tmp_path, resume=tmp_path, **held_out)) == bits(*train(**held_out))


def test_from_the_end_of_an_epoch(tmp_path):
    train(tmp_path, epochs=2)
    model, optimizer, history = train(tmp_path, resume=tmp_path, epochs=4)
    assert bits(model, optimizer, history) == bits(*train(epochs=4))
    assert history["epoch"] == [1, 2, 3, 4]


def test_a_run_that_is_done_gives_its_model_and_history(tmp_path):
    done = bits(*train(tmp_path, epochs=2))
    batches = []

    class Count(Callback):
        def on_batch_end(self, run):
            batches.append(run.batch)

    assert bits(*train(tmp_path, Count(), resume=tmp_path, epochs=2)) == done and batches == []


def test_without_a_checkpoint_callback(tmp_path):
    train(tmp_path, epochs=2)
    files = sorted(os.listdir(tmp_path))
    assert bits(*train(resume=tmp_path)) == bits(*train()) and sorted(os.listdir(tmp_path)) == files


def test_a_loader_that_has_been_used(tmp_path):
    def loader():
        used = mg.data.Loader(X, Y, 6, seed=4)
        used.set_epoch(7)
        return used

    with pytest.raises(Killed):
        train(tmp_path, Kill(2, 3), data=loader())
    fresh = mg.data.Loader(X, Y, 6, seed=4)
    assert bits(*train(resume=tmp_path, data=fresh)) == bits(*train(data=loader())) and fresh.epoch == 10


def with_everything(folder=None, *callbacks, resume=None, objects=None):
    """Accumulated gradients, a plateau, averages, and streams of its own; `objects`: of a fit before."""
    streams = mg.rng.Streams(6)

    class Shake(Callback):
        def on_gradients(self, run):
            run.skip_update = run.keep_gradients = run.batch % 2 == 1
            for p in run.model.parameters():
                p.grad.array[...] += streams.normal(p.shape, std=0.01)

    if objects is None:
        mg.manual_seed(1)
        model = nn.Linear(3, 1)
        optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
        plateau = optim.ReduceLROnPlateau(optimizer, patience=0, threshold=0.5)
        objects = model, optimizer, [LearningRate(plateau, monitor="loss"), AverageWeights(0.5, keep=False)]
    model, optimizer, own = objects
    save = [Checkpoint(folder, every="batch", also={"shake": streams})] if folder else []
    try:
        history = fit(
            model, (X, Y), mg.mse, optimizer, epochs=6, batch_size=6, resume=resume,
            callbacks=[Shake(), *own, *callbacks, *save],
        )  # fmt: skip
    except BaseException as error:
        error.objects = objects
        raise
    averages = {name: array.tobytes() for name, array in own[1].ema.state_dict().items()}
    return bits(model, optimizer, history), averages, own[0].rates, streams.get_state()


@pytest.mark.parametrize("batch", [1, 2, 3, 4])
def test_gradients_averages_rates_and_streams(tmp_path, batch):
    whole = with_everything()
    assert whole[2][-1] < 0.01, "the plateau should have come"
    with pytest.raises(Killed):
        with_everything(tmp_path, Kill(5, batch))
    again = with_everything(tmp_path, resume=tmp_path)
    assert again == whole


def test_the_same_objects_go_on_at_a_prompt(tmp_path):
    """After Ctrl-C, with rates and averages where they stood, and with another Checkpoint."""
    whole = with_everything(tmp_path / "whole")

    class Press(Callback):
        def on_gradients(self, run):
            if (run.epoch, run.batch) == (5, 3):
                run.interrupts._handle(signal.SIGINT, None)

    with pytest.raises(KeyboardInterrupt) as caught:
        with_everything(tmp_path / "run", Press())
    assert with_everything(tmp_path / "run", resume=tmp_path / "run", objects=caught.value.objects) == whole


@pytest.mark.parametrize("read_ahead", [0, 3])
def test_rows_in_a_file(tmp_path, read_ahead):
    np.save(tmp_path / "x.npy", X)

    def loader():
        return mg.data.Loader(np.load(tmp_path / "x.npy", mmap_mode="r"), Y, 6, seed=2, read_ahead=read_ahead)

    with pytest.raises(Killed):
        train(tmp_path / "run", Kill(2, 3), data=loader())
    assert bits(*train(resume=tmp_path / "run", data=loader())) == bits(*train(data=mg.data.Loader(X, Y, 6, seed=2)))


def test_progress_says_it(tmp_path, capsys):
    with pytest.raises(Killed):
        train(tmp_path, Kill(2, 3))
    train(None, mg.train.Progress(True), resume=tmp_path)
    assert capsys.readouterr().err.startswith("resumed: 1 of 3 epochs and 2 of 4 batches are done\nepoch    loss")


def test_a_stopped_run_stays_stopped(tmp_path):
    def stopping():
        return EarlyStopping("val_loss", patience=2)

    held_out = {"validation_data": (X[:9], -Y[:9]), "epochs": 30, "lr": 0.2}
    model, _, history = train(tmp_path, stopping(), **held_out)
    assert len(history) < 30
    again, _, resumed = train(tmp_path, stopping(), resume=tmp_path, **held_out)
    assert len(resumed) == len(history)
    assert {n: a.tobytes() for n, a in again.state_dict().items()} == {
        n: a.tobytes() for n, a in model.state_dict().items()
    }


def test_stop_now_is_no_end(tmp_path):
    """As a limit of time sets it: the next start goes on there."""

    class Limit(Callback):
        def on_batch_end(self, run):
            run.stop_now = run.updates % 3 == 0

    starts, found = 0, None
    while found is None or len(found[2]) < 3:
        starts, found = starts + 1, train(tmp_path, Limit(), resume=tmp_path)
    state = bits(*found)
    assert state == bits(*train()) and starts == 5  # the last one begins behind the last batch


def test_a_run_stopped_at_a_loss_that_is_not_finite(tmp_path):
    class Stop(Callback):
        def on_train_begin(self, run):
            run.non_finite = "stop"

        def on_gradients(self, run):
            if (run.epoch, run.batch) == (2, 2):
                run.optimizer.param_groups[0]["params"][0].grad.array[...] = np.nan

    _, _, history = train(tmp_path, Stop())
    _, _, resumed = train(tmp_path, Stop(), resume=tmp_path)
    assert history.stopped == resumed.stopped != "" and len(resumed) == 1


def test_state_beside_the_arrays(tmp_path):
    """What callbacks have changed: p of a Dropout, a strength, a frozen parameter, a part in eval mode, skips."""

    class Change(Callback):
        def on_train_begin(self, run):
            run.non_finite = "skip"

        def on_gradients(self, run):
            if (run.epoch, run.batch) == (1, 2):
                run.optimizer.param_groups[0]["params"][1].grad.array[...] = np.inf

        def on_batch_end(self, run):
            if (run.epoch, run.batch) == (1, 3):
                run.model[1].p = 0.5
                run.terms[1].entries[0].term.l1 = 0.2
                run.model[0].bias.requires_grad_(False)
                run.model[2].eval()

    with pytest.raises(Killed):
        train(tmp_path, Change(), Kill(2, 2))
    seen = []

    class See(Callback):
        def on_train_end(self, run):
            seen.append((run.skipped, run.updates, run.resumed, run.model[2].training))

    assert bits(*train(tmp_path, Change(), See(), resume=tmp_path)) == bits(*train(None, Change(), See()))
    assert seen == [(1, 11, (1, 1), False), (1, 11, None, False)]


def test_parameters_outside_of_the_model(tmp_path):
    """A loss with a parameter of its own, and a state."""

    class Scaled(nn.Module):
        def __init__(self):
            self.scale = nn.Parameter([1.0])
            self.register_buffer("calls", 0.0)

        def forward(self, output, y):
            with mg.no_grad():
                self.calls.copy_(self.calls + 1)
            return mg.mse(output * self.scale, y) + 0.01 * (self.scale * self.scale).sum()

    def run(kill=None, folder=None, resume=None):
        mg.manual_seed(8)
        model, loss = nn.Linear(3, 1), Scaled()
        optimizer = optim.Adam([*model.parameters(), *loss.parameters()])
        callbacks = [*([kill] if kill else []), *([Checkpoint(folder, every="batch")] if folder else [])]
        fit(model, (X, Y), loss, optimizer, epochs=3, batch_size=6, callbacks=callbacks, resume=resume)
        return loss.scale.data.item(), loss.calls.data.item() % 100, model.weight.data.tolist()

    with pytest.raises(Killed):
        run(Kill(2, 3), tmp_path)
    scale, _, weight = run(None, tmp_path, tmp_path)
    assert (scale, weight) == run()[::2]


@pytest.mark.parametrize("first, second", [(True, False), (False, True), (True, True)])
@pytest.mark.skipif(mg.kernels.runtime is None, reason="no compiled kernels in this installation")
def test_compiled_and_not(tmp_path, first, second):
    """Steps that are replayed and steps in Python have the same bits, on both sides of a kill."""

    def run(compile, *callbacks, resume=None):
        mg.manual_seed(8)
        model = nn.Sequential(nn.Linear(3, 5, activation="tanh"), nn.Dropout(0.2), nn.Linear(5, 1))
        optimizer = optim.Adam(model.parameters(), lr=0.05)
        history = fit(
            model,
            (X, Y),
            mg.mse,
            optimizer,
            epochs=9,
            batch_size=4,
            compile=compile,
            callbacks=callbacks,
            resume=resume,
        )
        return bits(model, optimizer, history)

    class Stop(Callback):
        def on_epoch_end(self, run):
            if run.epoch == 5:
                raise Killed

    with mg.use_backend("native"):
        with pytest.raises(Killed):
            run(first, Stop(), Checkpoint(tmp_path, every="7 batches"))
        assert mg.train.newest_checkpoint(tmp_path).name == "epoch-0005-batch-000001.safetensors"
        assert run(second, resume=tmp_path) == run(False)


def test_callbacks_know_at_the_beginning(tmp_path):
    with pytest.raises(Killed):
        train(tmp_path, Kill(2, 3))
    seen = []

    class Log(Callback):
        def on_train_begin(self, run):
            seen.append((run.resumed, len(run.history)))

        def on_batch_end(self, run):
            if len(seen) == 1:
                seen.append((run.epoch, run.batch, run.updates))

    train(tmp_path, Log(), resume=tmp_path)
    assert seen == [((1, 2), 1), (2, 3, 7)]


def test_seconds_count_on(tmp_path, monkeypatch):
    now = [0.0]
    monkeypatch.setattr("minigrad.train.run.time.perf_counter", lambda: now[0])

    class Clock(Callback):
        def on_gradients(self, run):
            now[0] += 1.0

    with pytest.raises(Killed):
        train(tmp_path, Clock(), Kill(2, 3))
    now[0] = 1000.0
    assert train(tmp_path, Clock(), resume=tmp_path)[2]["seconds"] == [4.0, 4.0, 4.0]


@pytest.mark.parametrize("parts", [tuple, list, lambda pair: dict(zip("ab", pair))], ids=["tuple", "list", "dict"])
@pytest.mark.parametrize("at", [(2, 3), (2, 4), "validation"])
def test_metrics_of_all_rows(tmp_path, parts, at):
    """They see the outputs of the batches before the kill too, also where no batch is left."""

    class Two(nn.Module):
        def __init__(self):
            self.a, self.b = nn.Linear(3, 1), nn.Linear(3, 1)

        def forward(self, x):
            return parts([self.a(x), self.b(x)])

    def pair(output):
        assert type(output) is type(parts([1, 2]))
        return output.values() if isinstance(output, dict) else output

    @mg.train.over_all_rows
    def spread(output, y):
        a, b = pair(output)
        if len(y) == 9 and at == "validation" and killing:
            raise Killed
        return float(np.ptp(a.data) + np.median(b.data))

    def loss(output, y):
        a, b = pair(output)
        return mg.mse(a, y) + mg.mse(b, y)

    def run(folder=None, *callbacks, resume=None):
        mg.manual_seed(1)
        model = Two()
        optimizer = optim.SGD(model.parameters(), lr=0.1)
        save = [Checkpoint(folder, every="batch")] if folder else []
        return bits(model, optimizer, fit(
            model, (X, Y), loss, optimizer, epochs=3, batch_size=6, metrics=[spread], resume=resume,
            validation_data=(X[:9], Y[:9]), callbacks=[*callbacks, *save],
        ))  # fmt: skip

    killing = True
    with pytest.raises(Killed):
        run(tmp_path, *([] if at == "validation" else [Kill(*at)]))
    killing = False
    assert run(tmp_path, resume=tmp_path) == run()
