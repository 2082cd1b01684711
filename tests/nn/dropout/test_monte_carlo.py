"""Monte-Carlo prediction: a function of its seed; mean and spread as computed by hand; nothing is left changed."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.nn.dropout.redraw import drawing_from


@pytest.fixture
def model():
    mg.manual_seed(0)
    return nn.Sequential(
        nn.Linear(4, 16, activation="relu", dtype="float64"), nn.Dropout(0.3), nn.Dropout(0.2, seed=5),
        nn.Linear(16, 3, dtype="float64"),
    )  # fmt: skip


@pytest.fixture
def x(rng):
    return rng.standard_normal((6, 4))


def test_mean_and_spread_of_a_linear_layer(backend, rng):
    """y = Σ w x m / (1 - p): mean w x, variance Σ (w x)² p / (1 - p)."""
    model = nn.Sequential(nn.Dropout(0.25), nn.Linear(30, 1, bias=False, dtype="float64"))
    x, samples = rng.standard_normal((5, 30)), 4000
    found = mg.nn.mc_predict(model, x, samples=samples)
    terms = x * model[1].weight.data.T
    std = np.sqrt((terms**2).sum(1) / 3)
    assert (np.abs(found.mean.data[:, 0] - terms.sum(1)) < 5 * std / np.sqrt(samples)).all()
    np.testing.assert_allclose(found.std.data[:, 0], std, rtol=5 / np.sqrt(2 * samples))


def test_equals_the_draws_one_by_one(backend, model, x):
    mean, std = nn.mc_predict(model, x, samples=7, seed=11)
    streams, outputs = mg.rng.Streams(11), []
    with drawing_from(model, lambda layer: streams.next(layer.purpose)):
        outputs = [model(mg.tensor(x)).data for _ in range(7)]
    np.testing.assert_allclose(mean.data, np.mean(outputs, 0), rtol=1e-13)
    np.testing.assert_allclose(std.data, np.std(outputs, 0, ddof=1), rtol=1e-12)


def test_a_function_of_the_seed_that_changes_nothing(backend, model, x):
    model.train()
    model[2].eval()
    before = mg.rng.get_state(), model.state_dict(), [m.training for _, m in model.named_modules()]
    first, again, other = (nn.mc_predict(model, x, samples=5, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.mean.data, again.mean.data)
    np.testing.assert_array_equal(first.std.data, again.std.data)
    assert (first.mean.data != other.mean.data).any()
    assert not first.mean.requires_grad and all(p.grad is None for p in model.parameters())
    after = mg.rng.get_state(), model.state_dict(), [m.training for _, m in model.named_modules()]
    assert before[0] == after[0] and before[2] == after[2]
    assert all((before[1][name] == after[1][name]).all() for name in before[1])


def test_only_random_layers_train(x):
    class Mode(nn.Module):
        def forward(self, x):
            assert not self.training
            return x

    model = nn.Sequential(Mode(), nn.Dropout(0.5))
    assert (nn.mc_predict(model, x, samples=3).std.data > 0).any()
    assert model[0].training


def test_a_locked_mask_lasts_for_one_sample(backend):
    class Steps(nn.Module):
        def __init__(self):
            self.drop = nn.VariationalDropout(0.5, locked=True, seed=3)

        def forward(self, x):
            return self.drop(x) - self.drop(x)

    model = Steps()
    kept = model.drop(mg.tensor(np.ones((2, 30)))).data
    assert (nn.mc_predict(model, np.ones((2, 30)), samples=4).std.data == 0).all()  # one mask within a sample
    assert (nn.mc_predict(model.drop, np.ones((2, 30)), samples=4).std.data > 0).any()  # another in the next
    assert (model.drop(mg.tensor(np.ones((2, 30)))).data == kept).all()  # the sequence that was running goes on


def test_transform_and_bad_input(model, x):
    probabilities = nn.mc_predict(model, x, samples=10, transform=mg.softmax)
    np.testing.assert_allclose(probabilities.mean.data.sum(1), 1, rtol=1e-12)
    with pytest.raises(ValueError, match="samples is 1; need at least 2"):
        nn.mc_predict(model, x, samples=1)
    with pytest.raises(ValueError, match="no layer that draws"):
        nn.mc_predict(nn.Linear(4, 2, dtype="float64"), x)
    with pytest.raises(ValueError, match="seed is -1"):
        nn.mc_predict(model, x, seed=-1)
    with pytest.raises(mg.ShapeError):
        nn.mc_predict(model, x[:, :3])
    assert all(m.training and getattr(m, "source", None) is None for _, m in model.named_modules())
