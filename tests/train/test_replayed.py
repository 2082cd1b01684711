"""fit(compile=True) leaves the bits of fit: weights, states, streams, history; what it cannot do it says once."""

import signal
import threading
import warnings

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim, reg, train
from minigrad.replay.entry import Entry

RNG = np.random.default_rng(0)
X = RNG.normal(size=(74, 6)).astype(np.float32)
Y = RNG.integers(0, 3, 74)
T = RNG.normal(size=(74, 3)).astype(np.float32)
VALIDATION = (X[:20], Y[:20])


def network(dropout=0.5):
    return nn.Sequential(nn.Linear(6, 8, activation="relu"), nn.Dropout(dropout), nn.Linear(8, 3))


def fitted(compiled, make_optimizer=None, loss=mg.cross_entropy, data=(X, Y), make=network, epochs=4, **options):
    """(history, all that training changed) of a fit; options may be functions of the model and the optimizer."""
    mg.manual_seed(1)
    model = make()
    optimizer = (make_optimizer or (lambda m: optim.Adam(m.parameters(), lr=0.01)))(model)
    given = {name: value(model, optimizer) if callable(value) else value for name, value in options.items()}
    history = train.fit(model, data, loss, optimizer, epochs=epochs, batch_size=10, compile=compiled, **given)
    found = {name: array.tobytes() for name, array in model.state_dict().items()}
    held = optimizer.state_dict()
    found |= {name: array.tobytes() for name, array in held["state"].items()}
    found |= {"groups": repr(held["groups"]), "streams": mg.rng.get_state()}
    return {name: repr(history[name]) for name in history.names if name != "seconds"}, found


def same(least=15, **options):
    """Both ways give one history and one end; nothing is said, and `least` of the 32 steps at least are replayed."""
    expected, counted, replay = fitted(False, **options), [], Entry.replay

    def counting(entry, steps, *given, **more):
        counted.append(steps)
        return replay(entry, steps, *given, **more)

    with warnings.catch_warnings(), pytest.MonkeyPatch.context() as patch:
        warnings.simplefilter("error")
        patch.setattr(Entry, "replay", counting)
        got = fitted(True, **options)
    assert got == expected
    assert sum(counted) >= least


CASES: dict = {
    "plain": {},
    "accuracy and validation": {"metrics": [train.accuracy], "validation_data": VALIDATION},
    "regression": {"loss": mg.mse, "data": (X, T)},
    "sgd": {"make_optimizer": lambda m: optim.SGD(m.parameters(), lr=0.1, momentum=0.9)},
    "penalty in the loss": {"penalty": lambda m, o: reg.on(m, "*.weight", reg.L2(1e-2))},
    "a ramp": {"penalty": lambda m, o: reg.on(m, "*.weight", reg.L1(reg.Ramp(0.0, 1e-2, 4)))},
    "activity": {"penalty": lambda m, o: reg.on(m, "0", reg.Activity(l1=1e-2))},
    "bound penalty": {
        "make_optimizer": lambda m: optim.Adam(
            m.parameters(), penalty=reg.on(m, "*.weight", reg.ElasticNet(1e-2, 1e-2))
        )
    },
    "prox": {"make_optimizer": lambda m: optim.Adam(m.parameters(), prox=reg.on(m, "*.weight", reg.L1(1e-2)))},
    "groups of several parameters": {
        "penalty": lambda m, o: reg.on(m, reg.everything, units()),
    },
    "max norm": {
        "make_optimizer": lambda m: optim.SGD(
            m.parameters(), lr=0.1, constraints=reg.on(m, "*.weight", reg.MaxNorm(0.9))
        )
    },
    "early stopping": {
        "validation_data": VALIDATION,
        "epochs": 9,
        "callbacks": [train.EarlyStopping("val_loss", patience=1)],
    },
    "a schedule by epoch": {"callbacks": lambda m, o: [train.LearningRate(optim.ExponentialLR(o, 0.5))]},
    "a schedule by batch": {"callbacks": lambda m, o: [train.LearningRate(optim.LinearLR(o, 0.1), every="batch")]},
    "averages": {"callbacks": lambda m, o: [train.AverageWeights(0.9)]},
    "clipping": {"make_optimizer": lambda m: clipped(optim.Adam(m.parameters()))},
    "batches": {"data": (X[:70], Y[:70])},
}


def units():
    """A group for each hidden unit: what comes in, its bias, what goes out."""
    groups = {f"unit {j}": [("0.weight", np.s_[:, j]), ("0.bias", j), ("2.weight", j)] for j in range(8)}
    return reg.NamedGroupLasso(0.02, groups)


def clipped(optimizer):
    optimizer.before_step(lambda o: nn.clipping.clip_grad_norm_(o.state, 0.1))
    return optimizer


@pytest.mark.parametrize("name", CASES)
def test_the_bits_of_fit(name):
    same(**CASES[name])


def test_float64_data_and_a_loader():
    def run(compiled):
        mg.manual_seed(1)
        model = network()
        optimizer = optim.Adam(model.parameters())
        loader = mg.data.Loader(X, Y, 9, seed=4, transform=lambda x, y, place: (x * np.float32(1.1), y))
        history = train.fit(model, loader, mg.cross_entropy, optimizer, epochs=3, compile=compiled)
        return history["loss"], [p.data.tobytes() for p in model.parameters()]

    assert run(True) == run(False)
    same(data=(X.astype(np.float64), Y))


def test_a_metric_of_all_rows():
    @train.over_all_rows
    def spread(output, target):
        return float(output.data.std()) + len(target)

    same(metrics=[spread, train.accuracy])


class Seen(train.Callback):
    def __init__(self):
        self.batches = []

    def on_batch_end(self, run):
        self.batches.append((run.batch, run.row["loss"]))


def test_a_callback_that_acts_in_each_batch_sees_each():
    seen = [Seen(), Seen()]
    expected = fitted(False, callbacks=[seen[0]])
    same(callbacks=[seen[1]])
    assert seen[0].batches == seen[1].batches[len(seen[1].batches) // 2 :]
    assert fitted(True, callbacks=[seen[0]]) == expected


class Sometimes(Seen):
    """Acts after every fifth batch, and says so."""

    def next_batch(self, run):
        return run.batch - run.batch % 5 + 5

    def on_batch_end(self, run):
        if run.batch % 5 == 0:
            super().on_batch_end(run)
            run.optimizer.param_groups[0]["lr"] *= 0.5


def test_a_callback_that_says_when_it_acts():
    seen = [Sometimes(), Sometimes()]
    assert fitted(True, callbacks=[seen[1]]) == fitted(False, callbacks=[seen[0]])
    assert seen[0].batches == seen[1].batches
    assert [batch for batch, _ in seen[1].batches] == [5] * 4


def test_a_loss_that_numpy_computes_is_trained_in_python_from_the_same_state():
    def loss(output, y):
        return mg.mse(output, np.eye(3, dtype=np.float32)[np.asarray(y)])

    expected = fitted(False, loss=loss)
    with pytest.warns(UserWarning, match="in Python, because"):
        assert fitted(True, loss=loss) == expected


def test_a_model_that_changes_with_the_step_is_trained_in_python():
    class Noisy(nn.Module):
        def __init__(self):
            self.layer, self.n = nn.Linear(6, 3), 0

        def forward(self, x):
            self.n += 1
            return self.layer(x) * (1 + 1 / self.n)

    expected = fitted(False, make=Noisy)
    with pytest.warns(UserWarning, match="mul.*a number that it gets changes from step to step"):
        assert fitted(True, make=Noisy) == expected


def test_a_loss_that_is_not_finite():
    """The same error, after the same batches."""
    data = X.copy()
    data[40] = 1e30
    errors = []
    for compiled in (False, True):
        mg.manual_seed(0)
        model = nn.Linear(6, 3)
        optimizer = optim.SGD(model.parameters(), lr=1.0)
        loader = mg.data.Loader(data, T, 10, shuffle=False)
        with pytest.raises(mg.NonFiniteError) as caught:
            train.fit(model, loader, mg.mse, optimizer, epochs=2, compile=compiled)
        errors.append((str(caught.value), model.weight.data.tobytes()))
    assert errors[0] == errors[1]
    assert "batch 5" in errors[0][0]


def test_a_run_goes_on_from_a_checkpoint_inside_an_epoch(tmp_path):
    """Written at batches that a stretch of replayed steps would have passed over."""
    expected = fitted(False)

    class Stop(train.Callback):
        def on_epoch_end(self, run):
            run.stop_now = True

    save = train.Checkpoint(tmp_path, every="5 batches", keep=None)
    fitted(True, callbacks=[save, Stop()])
    files = sorted(path.name for path in tmp_path.iterdir() if path.suffix == ".safetensors" or "epoch" in path.name)
    assert files, "batch 5 of the first epoch was written"
    newest = train.Checkpoint(tmp_path, every="5 batches", keep=None)
    assert fitted(True, callbacks=[newest], resume=str(tmp_path)) == expected


def test_a_hook_sees_every_forward_pass():
    for look in (lambda seen, y: seen.append(float(y.data.sum())), lambda seen, y: seen.append(1)):
        seen = [[], []]

        def make(i, look=look, seen=seen):
            model = network()
            model[0].register_forward_hook(lambda module, x, y: look(seen[i], y))
            return model

        expected = fitted(False, make=lambda: make(0))
        with pytest.warns(UserWarning, match=r"in Python, because .*hook <lambda> on 0 returns nothing"):
            assert fitted(True, make=lambda: make(1)) == expected
        assert seen[0] == seen[1]


def test_hooks_that_are_made_of_ops_are_replayed():
    def make():
        model = network()
        model[0].register_forward_pre_hook(lambda module, x: (x[0] * 0.5,))
        model[0].register_forward_hook(lambda module, x, y: mg.tanh(y))
        model[2].register_full_backward_hook(lambda module, inwards, outwards: (inwards[0] * 2.0,))
        return model

    same(make=make)


def test_quiet_says_nothing():
    seen = [Seen(), Seen()]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert fitted("quiet", callbacks=[seen[0]], epochs=60) == fitted(False, callbacks=[seen[1]], epochs=60)
    assert fitted("quiet", epochs=60) == fitted(True, epochs=60)
    assert fitted("quiet", epochs=2) == fitted(True, epochs=2)


def test_ctrl_c_ends_after_whole_batches_and_a_resumed_run_goes_on(tmp_path):
    def train_until(epochs, **options):
        mg.manual_seed(1)
        model = network()
        optimizer = optim.Adam(model.parameters())
        save = train.Checkpoint(tmp_path, every="1000 epochs")
        train.fit(model, (X, Y), mg.cross_entropy, optimizer, epochs=epochs, batch_size=10, callbacks=[save], **options)
        return [p.data.tobytes() for p in model.parameters()]

    threading.Timer(0.3, lambda: signal.raise_signal(signal.SIGINT)).start()
    with pytest.raises(KeyboardInterrupt) as caught:
        train_until(10**6, compile=True)
    epochs = len(caught.value.history) + 2
    resumed = train_until(epochs, compile=True, resume=str(tmp_path))
    for file in tmp_path.iterdir():
        file.unlink()
    assert resumed == train_until(epochs)


def test_compile_is_true_or_false():
    with pytest.raises((TypeError, ValueError), match="fit: compile"):
        fitted("yes")
