"""Networks along λ: afresh at each, stopped by rows of the training part; warm starts; targets in their scale."""

import math

import numpy as np
import pytest

import minigrad as mg
from minigrad import data, nn, selection
from minigrad.selection.folds import start_seed

pytestmark = pytest.mark.filterwarnings("ignore::minigrad.selection.SelectionWarning")


def build():
    return nn.Sequential(nn.Linear(4, 16, activation="relu"), nn.Linear(16, 1))


def table(rows=120, seed=0):
    x = np.random.default_rng(seed).standard_normal((rows, 4))
    return x, x[:, 0] + 0.3 * np.random.default_rng(1).standard_normal(rows)


def network(**options):
    return selection.Network(
        build, mg.mse, classifies=False, **{"options": (("lr", 0.02),), "epochs": 40, "patience": 3, **options}
    )


def test_each_lambda_starts_afresh():
    """What is fitted at a λ does not depend on which λ stand beside it; with warm starts it does."""
    x, y = table()
    alone, among = (
        selection.cross_validate(network(), x, y, lambdas, folds=3, refit=False)
        for lambdas in ([0.1], [0.1, 0.01, 0.001])
    )
    assert (alone.scores[:, 0] == among.scores[:, 0]).all()
    warm = [
        selection.cross_validate(network(warm=True, epochs=3), x, y, lambdas, folds=3, refit=False)
        for lambdas in ([0.1], [0.1, 0.01, 0.001])
    ]
    assert (warm[0].scores[:, 0] != warm[1].scores[:, 0]).any() and warm[0].epochs is None


def test_training_ends_by_rows_of_the_training_part(monkeypatch):
    """A tenth of it, the same for every λ of a fold, other rows in another fold; never a row of the held-out fold."""
    x, y = table()
    x[:, 3] = np.arange(120)  # a row can be told by it
    seen = []
    real = selection.networks.fit

    def watched(model, rows, *more, validation_data=None, **options):
        seen.append([np.rint(part[0][:, 3]).astype(int) for part in (rows, validation_data or rows)])
        return real(model, rows, *more, validation_data=validation_data, **options)

    monkeypatch.setattr(selection.networks, "fit", watched)
    found = selection.cross_validate(network(standardize=False), x, y, [0.1, 0.01], folds=3)
    for f, (train, test) in enumerate(selection.KFold(3, seed=0).split(x)):
        for fitted, told in seen[2 * f : 2 * f + 2]:
            assert len(told) == 8 and sorted([*fitted, *told]) == train.tolist() and not set(told) & set(test)
        assert (seen[2 * f][1] == seen[2 * f + 1][1]).all()
        expected = data.split(x[train], y[train], 8, start_seed(0, f)).test.x[:, 3]
        assert (seen[2 * f][1] == expected).all()
    assert not (seen[0][1] == seen[2][1]).all()
    assert [len(fitted) for fitted, _ in seen[6:]] == [120, 120]  # all rows, for the median epochs
    assert found.epochs.shape == (3, 2)


def test_all_rows_are_trained_for_the_median_epochs(monkeypatch):
    x, y = table()
    trained = []
    real = selection.networks.fit

    def watched(*more, epochs, **options):
        trained.append(epochs)
        return real(*more, epochs=epochs, **options)

    monkeypatch.setattr(selection.networks, "fit", watched)
    found = selection.cross_validate(network(), x, y, [0.1, 0.01], folds=4)
    medians = [math.ceil(np.median(column)) for column in found.epochs.T]
    assert found.median_epochs == medians and trained[-2:] == medians[::-1]
    assert (found.epochs >= 1).all() and (found.epochs < 40).any() and trained[:8] == [40] * 8
    again = selection.CrossValidation.from_json(found.to_json())
    assert (again.epochs == found.epochs).all() and again.to_json() == found.to_json()


def test_training_that_was_cut_short_is_said_once():
    x, y = table()
    found = selection.cross_validate(network(epochs=1), x, y, [0.1, 0.01], folds=3)
    assert found.cut_short == 6
    assert sum("6 of 6 networks still improved on their validation rows after 1 epochs" in n for n in found.notes) == 1


@pytest.mark.parametrize("warm", [False, True])
@pytest.mark.parametrize(("scale", "shift"), [(1.0, 0.0), (3000.0, 10_000.0), (1e-6, 5.0)])
def test_targets_may_have_any_scale(warm, scale, shift):
    x, y = table()
    y = (y - y.mean()) / y.std()
    family = network(warm=warm, epochs=10 if warm else 40)
    found = selection.cross_validate(family, x, shift + scale * y, [10.0, 0.001], folds=3)
    shares = found.mean / scale**2
    plain = selection.cross_validate(family, x, y, [10.0, 0.001], folds=3).mean
    np.testing.assert_allclose(shares, plain, rtol=1e-3)
    assert shares[0] < 1.3 and shares[1] < 0.4
    assert np.abs(found.path[0].output(x) - shift).max() < 1.5 * scale


def test_which_targets_are_scaled():
    x, y = table()
    labels = (y > 0).astype(float)

    def scaled(y, **options):
        return selection.Network(build, **{"loss": mg.mse, "classifies": False, **options}).start(x, y).targets

    assert scaled(y) is not None and scaled(y, loss=mg.l1_loss) is not None
    assert scaled(labels) is None and scaled(labels, scale_targets=True) is not None
    assert scaled(0.1 + 0.8 * labels, loss=mg.bce_with_logits) is None
    assert scaled(y, scale_targets=False) is None


def test_a_path_with_warm_starts_goes_on():
    """The networks of a path: each from the last, and of few rows, too."""
    x, y = table()
    family = network(warm=True, epochs=3)
    prepared = selection.prepare(family, x, y)
    models = selection.fit_path(family, prepared, [1.0, 0.1, 0.01], [0, 0, 0])
    alone = selection.fit_path(family, prepared, [1.0], [0])
    assert models[0].nonzeros != alone[0].nonzeros or (models[0].output(x) != alone[0].output(x)).any()
    few = network(epochs=2).start(x[:3], y[:3]).fit(0.01)
    assert few.epochs in (1, 2)
