"""Callbacks of the trajectory in fit: equal to the same loop by hand; they leave nothing behind; bad input."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim
from minigrad.data import Loader
from minigrad.train import AverageWeights, ClipGradients, EarlyStopping, LearningRate, fit

X = np.random.default_rng(0).standard_normal((20, 4)) * 3
Y = np.arange(20) % 3


def start():
    mg.manual_seed(0)
    model = nn.Linear(4, 3, dtype="float64")
    return model, optim.SGD(model.parameters(), lr=0.5, momentum=0.5)


def trained(model, optimizer, *callbacks, **options):
    return fit(model, Loader(X, Y, 5, seed=1), mg.cross_entropy, optimizer, epochs=3, callbacks=callbacks, **options)


def by_hand(model, optimizer, before=lambda: None, after=lambda: None, epoch_end=lambda: None):
    """The loop, with something before and after each update and at the end of each epoch."""
    loader = Loader(X, Y, 5, seed=1)
    for _ in range(3):
        for x, y in loader:
            optimizer.zero_grad()
            mg.cross_entropy(model(mg.tensor(x)), y).backward()
            before()
            optimizer.step()
            after()
        epoch_end()


def test_clipping(backend):
    model, optimizer = start()
    clipped, norms = ClipGradients(max_norm=0.9, clip_value=0.3), []
    trained(model, optimizer, clipped)
    other, second = start()

    def clip():
        nn.utils.clip_grad_value_(other.parameters(), 0.3)
        norms.append(nn.utils.clip_grad_norm_(other.parameters(), 0.9))

    by_hand(other, second, before=clip)
    np.testing.assert_array_equal(model.weight.data, other.weight.data)
    assert clipped.norms == norms and len(norms) == 12 and max(norms) > 0.9 > min(norms)
    plain, third = start()
    trained(plain, third)
    assert (plain.weight.data != model.weight.data).any()
    weights = model.weight.data.copy()
    for p in model.parameters():
        p.grad = mg.tensor(np.full(p.shape, 100.0))
    optimizer.step()  # behind the fit nothing is clipped
    assert np.abs(model.weight.data - weights).min() > 40


def test_clipping_in_a_compiled_fit(backend):
    """Same bits; the norms are those of the updates that were looked at, and a checkpoint can hold them."""
    found = []
    for compiled in (False, True):
        model, optimizer = start()
        clipped = ClipGradients(max_norm=0.9, clip_value=0.3)
        fit(
            model, Loader(X, Y, 5, seed=1), mg.cross_entropy, optimizer, epochs=9, callbacks=[clipped], compile=compiled
        )
        found.append((model.weight.data.tobytes(), clipped.norms))
    assert found[0][0] == found[1][0] and len(found[0][1]) == 36
    assert all(type(norm) is float and norm in found[0][1] for norm in found[1][1])
    assert clipped.state_dict()["norms"].dtype == np.float64


def test_a_gradient_that_is_not_finite_stops_before_the_update():
    model, optimizer = start()
    weights = model.weight.data.copy()

    def loss(output, y):  # finite, with a gradient that is not
        return mg.sqrt(mg.cross_entropy(output, y) * 0.0)

    with pytest.raises(mg.NonFiniteError, match="norm of the gradients is nan"):
        fit(model, (X, Y), loss, optimizer, epochs=1, callbacks=[ClipGradients(1.0)])
    np.testing.assert_array_equal(model.weight.data, weights)
    assert not optimizer._hooks


@pytest.mark.parametrize("every", ["epoch", "batch"])
def test_a_schedule(backend, every):
    model, optimizer = start()
    callback = LearningRate(optim.CosineAnnealingLR(optimizer, T_max=12), every=every)
    trained(model, optimizer, callback)
    other, second = start()
    schedule = optim.CosineAnnealingLR(second, T_max=12)
    by_hand(other, second, **{"after" if every == "batch" else "epoch_end": schedule.step})
    np.testing.assert_array_equal(model.weight.data, other.weight.data)
    assert len(callback.rates) == {"epoch": 3, "batch": 12}[every]
    assert callback.rates[0] == 0.5 and callback.rates[-1] < 0.5


def test_a_plateau_sees_its_column():
    model, optimizer = start()
    plateau = optim.ReduceLROnPlateau(optimizer, patience=0, factor=0.5, threshold=0.9)
    callback = LearningRate(plateau, monitor="val_loss")
    trained(model, optimizer, callback, validation_data=(X, Y))
    assert callback.rates == [0.5, 0.5, 0.25]
    model, optimizer = start()
    with pytest.raises(ValueError, match="LearningRate: there is no 'val_los'; did you mean 'val_loss'"):
        missing = LearningRate(optim.ReduceLROnPlateau(optimizer), monitor="val_los")
        trained(model, optimizer, missing, validation_data=(X, Y))


def test_a_schedule_in_two_callbacks():
    """It would go twice as fast; two schedules on one optimizer act together."""
    for make in (lambda o: optim.StepLR(o, 1, 0.5), optim.ReduceLROnPlateau):
        model, optimizer = start()
        schedule, weights = make(optimizer), model.weight.data.copy()
        twice = [LearningRate(schedule, monitor="loss"), LearningRate(schedule, monitor="loss")]
        with pytest.raises(ValueError, match=f"two callbacks step the same {type(schedule).__name__}"):
            trained(model, optimizer, *twice)
        np.testing.assert_array_equal(model.weight.data, weights)
    model, optimizer = start()
    two = [LearningRate(optim.StepLR(optimizer, 1, 0.5)), LearningRate(optim.ExponentialLR(optimizer, 0.5))]
    trained(model, optimizer, *two)
    assert optimizer.param_groups[0]["lr"] == 0.5 / 4**3


@pytest.mark.parametrize("keep", [True, False])
def test_averaged_weights(backend, keep):
    model, optimizer = start()
    callback = AverageWeights(0.8, keep=keep)
    trained(model, optimizer, callback)
    other, second = start()
    ema = optim.EMA(other, 0.8)
    by_hand(other, second, after=ema.update)
    expected = ema.state_dict()["weight"] if keep else other.weight.data
    np.testing.assert_array_equal(model.weight.data, expected)
    np.testing.assert_array_equal(callback.ema.state_dict()["weight"], ema.state_dict()["weight"])
    with callback.ema.swap():
        np.testing.assert_array_equal(model.weight.data, ema.state_dict()["weight"])


def test_all_together():
    model, optimizer = start()
    stopping = EarlyStopping(patience=2)
    rates = LearningRate(optim.LinearLR(optimizer, 0.1, total_iters=2))
    history = trained(model, optimizer, ClipGradients(1.0), rates, AverageWeights(), stopping, validation_data=(X, Y))
    assert mg.train.evaluate(model, (X, Y), mg.cross_entropy)["loss"] == pytest.approx(min(history["val_loss"]))


def test_bad_options():
    model, optimizer = start()
    for make, error, match in [
        (lambda: ClipGradients(), ValueError, "need max_norm, clip_value, or both"),
        (lambda: ClipGradients(-1.0), ValueError, "max_norm is -1"),
        (lambda: ClipGradients(clip_value=float("nan")), ValueError, "clip_value is nan"),
        (lambda: ClipGradients(0.0), ValueError, "max_norm is 0, so that no gradient"),
        (lambda: AverageWeights(1.0), ValueError, "decay is 1, so that the average would stay"),
        (lambda: LearningRate(0.1), TypeError, "got 0.1; need a schedule"),
        (lambda: LearningRate(optim.StepLR(optimizer, 1), every="step"), ValueError, "every is 'step'"),
        (lambda: AverageWeights(2.0), ValueError, "decay is 2"),
    ]:
        with pytest.raises(error, match=match):
            make()
    with pytest.raises(ValueError, match="on another optimizer"):
        trained(model, optimizer, LearningRate(optim.StepLR(start()[1], 1)))
