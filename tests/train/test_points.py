"""The points at which fit calls callbacks: the fifth, between backward and update, and what it may change."""

import numpy as np

import minigrad as mg
from minigrad import optim
from minigrad.train import AverageWeights, Callback, LearningRate, fit

X = np.linspace(-1, 1, 12, dtype=np.float32).reshape(12, 1)
Y = 2 * X + 1


def train(callbacks=(), batch_size=4, lr=0.1, epochs=2, **terms):
    mg.manual_seed(3)
    model = mg.nn.Linear(1, 1)
    optimizer = optim.SGD(model.parameters(), lr=lr)
    history = fit(
        model, mg.data.Loader(X, Y, batch_size, shuffle=False), mg.mse, optimizer, epochs=epochs, callbacks=callbacks
    )
    return model, optimizer, history


class Accumulate(Callback):
    """The update of every `n`-th batch takes the sum of n gradients."""

    def __init__(self, n):
        self.n, self.flags = n, []

    def on_gradients(self, run):
        if run.batch % self.n:
            run.skip_update = run.keep_gradients = True

    def on_batch_end(self, run):
        self.flags.append(run.skip_update)


def test_objects_with_four_points_keep_working():
    class Duck:
        called = 0

        def on_train_begin(self, run): ...
        def on_epoch_end(self, run): ...
        def on_train_end(self, run): ...

        def on_batch_end(self, run):
            self.called += 1

    duck = Duck()
    train([duck])
    assert duck.called == 6


def test_gradients_may_be_changed():
    class Zero(Callback):
        def on_gradients(self, run):
            for p in run.model.parameters():
                p.grad.array[...] = 0

    mg.manual_seed(3)
    start = mg.nn.Linear(1, 1).weight.data
    assert train([Zero()])[0].weight.data == start


def test_accumulated_gradients_are_those_of_a_larger_batch():
    accumulate = Accumulate(3)
    small = train([accumulate], batch_size=4, lr=0.1 / 3)[0]
    large = train(batch_size=12, lr=0.1)[0]
    assert accumulate.flags == [True, True, False] * 2
    np.testing.assert_allclose(small.weight.data, large.weight.data, rtol=1e-5)
    np.testing.assert_allclose(small.bias.data, large.bias.data, rtol=1e-5)


def test_gradients_of_a_skipped_update_are_forgotten_unless_they_are_kept():
    class Skip(Callback):
        def on_gradients(self, run):
            run.skip_update = run.batch < 3

    model = train([Skip()], epochs=1)[0]
    mg.manual_seed(3)
    alone = mg.nn.Linear(1, 1)
    optimizer = optim.SGD(alone.parameters(), lr=0.1)
    mg.mse(alone(mg.tensor(X[8:])), mg.tensor(Y[8:])).backward()
    optimizer.step()
    assert model.weight.data == alone.weight.data


def test_averages_and_schedules_follow_updates_not_batches():
    averages = AverageWeights(decay=0.5, keep=False)
    mg.manual_seed(3)
    model = mg.nn.Linear(1, 1)
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    rates = LearningRate(optim.ExponentialLR(optimizer, 0.5), every="batch")
    data = mg.data.Loader(X, Y, 4, shuffle=False)
    fit(model, data, mg.mse, optimizer, epochs=1, callbacks=[Accumulate(3), averages, rates])
    assert rates.rates == [0.1]
    mg.manual_seed(3)
    start = mg.nn.Linear(1, 1).weight.data
    np.testing.assert_allclose(averages.ema.state_dict()["weight"], (start + model.weight.data) / 2, rtol=1e-6)


def test_penalties_of_a_skipped_update_are_those_of_the_present_weights():
    mg.manual_seed(3)
    model = mg.nn.Linear(1, 1)
    penalty = mg.reg.on(model, {"l2": ("weight", mg.reg.L2(0.5))})
    optimizer = optim.SGD(model.parameters(), lr=0.1, penalty=penalty)
    seen = []

    class Note(Callback):
        def on_gradients(self, run):
            run.skip_update = run.batch == 2
            seen.append(penalty.value()["l2"])

    history = fit(model, (X, Y), mg.mse, optimizer, epochs=1, batch_size=4, callbacks=[Note()])
    np.testing.assert_allclose(history["l2"][0], np.mean(seen), rtol=1e-6)


def test_stop_now_ends_inside_an_epoch():
    class Stop(Callback):
        def on_batch_end(self, run):
            run.stop_now = (run.epoch, run.batch) == (2, 1)

    history = train([Stop()], epochs=5)[2]
    assert history["epoch"] == [1]
