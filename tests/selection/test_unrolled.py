"""Hyper-gradients of small networks: finite differences of whole training runs, and runs that equal an optimizer's."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim, reg, rng, selection
from minigrad.errors import NonFiniteError
from minigrad.selection import Unrolled
from minigrad.selection.unrolled import Run

STEP = 1e-4


def build(dropout=0.0):
    def made():
        parts = [nn.Dropout(dropout)] if dropout else []
        return nn.Sequential(
            nn.Linear(5, 6, activation="tanh", dtype="float64"), *parts, nn.Linear(6, 1, dtype="float64")
        )

    return made


def data(n=60):
    x, y, _ = mg.data.regression(n, 5, noise=1.0, nonzero=2, dtype="float64")
    return (x[:40], y[:40]), (x[40:], y[40:])


def differences(network, strengths):
    """Central differences of the held-out loss by every log λ."""
    train, rest = data()
    found = {}
    for name, values in strengths.items():
        slopes = []
        for i in range(len(values)):
            step = np.zeros(len(values))
            step[i] = STEP
            ends = [
                network.hypergradient(
                    *train, rest, {**strengths, name: values * np.exp(sign * step)}, gradient=False
                ).value
                for sign in (1, -1)
            ]
            slopes.append((ends[0] - ends[1]) / (2 * STEP))
        found[name] = np.array(slopes)
    return found


TERMS = {
    "inputs": ("0.weight", "l2", "row"),
    "each": ("*.weight", "l2", "parameter"),
    "out": ("*1.weight", "l2", "term"),
}
STRENGTHS = {"inputs": np.full(5, 0.02), "each": np.array([0.01, 0.03]), "out": np.array([0.001])}


def test_500_steps_of_a_tanh_network_to_1e_6():
    network = Unrolled(build(), mg.mse, TERMS, steps=500, lr=0.05)
    found = network.hypergradient(*data()[0], data()[1], STRENGTHS).gradient
    for name, slopes in differences(network, STRENGTHS).items():
        assert found[name] == pytest.approx(slopes, abs=1e-6), name


@pytest.mark.parametrize("options", [{"momentum": 0.9}, {"batch_size": 16}, {"momentum": 0.5, "batch_size": 7}])
def test_momentum_batches_and_dropout(options):
    terms = TERMS if "momentum" not in options else {**TERMS, "out": ("2.weight", "l2", "term")}
    network = Unrolled(build(0.2 if "momentum" in options else 0.0), mg.mse, terms, steps=60, lr=0.02, **options)
    found = network.hypergradient(*data()[0], data()[1], STRENGTHS).gradient
    for name, slopes in differences(network, STRENGTHS).items():
        assert found[name] == pytest.approx(slopes, abs=1e-6), name


def test_l1_acts_in_the_proximal_step():
    """Zeros, and the derivative of a run whose zeros stay."""
    network = Unrolled(
        build(), mg.mse, {"few": ("0.weight", "l1", "row"), "out": ("1.weight", "l2", "term")}, steps=200
    )
    strengths = {"few": np.array([0.01, 0.02, 0.2, 0.01, 0.02]), "out": np.array([0.01])}
    found = network.hypergradient(*data()[0], data()[1], strengths)
    assert (found.model.module[0].weight.data == 0).sum() >= 6
    for name, slopes in differences(network, strengths).items():
        assert found.gradient[name] == pytest.approx(slopes, abs=1e-6), name


def test_a_penalty_of_ones_own():
    def penalty(module, lam):
        return (module[0].weight * module[0].weight * module[0].weight * module[0].weight).sum() * lam["quartic"][0]

    network = Unrolled(build(), mg.mse, {"quartic": 1}, penalty, steps=50)
    strengths = {"quartic": np.array([0.05])}
    found = network.hypergradient(*data()[0], data()[1], strengths).gradient
    assert found["quartic"] == pytest.approx(differences(network, strengths)["quartic"], abs=1e-6)
    assert found["quartic"][0] != 0


def test_classes():
    x, y = mg.data.moons(60, dtype="float64")
    made = lambda: nn.Sequential(nn.Linear(2, 5, activation="tanh", dtype="float64"), nn.Linear(5, 2, dtype="float64"))
    network = Unrolled(made, mg.cross_entropy, {"l2": ("*.weight", "l2", "term")}, classifies=True, steps=40)

    def value(log):
        return network.hypergradient(x[:40], y[:40], (x[40:], y[40:]), {"l2": 0.01 * np.exp(log)})

    here = value(0.0)
    slope = (value(STEP).value - value(-STEP).value) / (2 * STEP)
    assert here.gradient["l2"][0] == pytest.approx(slope, abs=1e-6)


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_the_run_is_that_of_the_optimizer(momentum):
    """Full batches: the weights are those of optim.SGD with the same terms in the update."""
    (x, y), _ = data()
    terms = {"few": ("0.weight", "l1", "term"), "small": ("1.weight", "l2", "term")}
    network = Unrolled(build(), mg.mse, terms, steps=30, lr=0.05, momentum=momentum)
    run = Run(network, x, y, seed=3)
    model = run.train({"few": 0.02, "small": 0.1})
    with rng.own_streams(3):
        module = build()()
    few, small = reg.on(module, "0.weight", reg.L1(0.02)), reg.on(module, "1.weight", reg.L2(0.1))
    optimizer = optim.SGD(module.parameters(), lr=0.05, momentum=momentum, prox=few)
    z, t = mg.tensor(run.x), mg.tensor(run.y)
    for _ in range(30):
        optimizer.zero_grad()
        (mg.mse(module(z), t) + small()).backward()
        optimizer.step()
    for mine, theirs in zip(model.module.parameters(), module.parameters()):
        assert mine.data == pytest.approx(theirs.data, rel=1e-9, abs=1e-12)


def test_held_out_loss_is_in_the_units_of_the_targets():
    (x, y), (hx, hy) = data()
    network = Unrolled(build(), mg.mse, {"l2": ("*.weight", "l2", "term")}, steps=20)
    one = network.hypergradient(x, y, (hx, hy), {"l2": 0.1})
    ten = network.hypergradient(x, 10 * y, (hx, 10 * hy), {"l2": 0.1})
    assert ten.value == pytest.approx(100 * one.value, rel=1e-9)
    assert ten.gradient["l2"] == pytest.approx(100 * one.gradient["l2"], rel=1e-7)
    assert np.mean((one.model.output(hx)[:, 0] - hy) ** 2) == pytest.approx(one.value, rel=1e-12)


def test_the_same_run_twice_and_no_stream_of_the_user_moves():
    before = rng.get_state()
    network = Unrolled(build(0.3), mg.mse, {"l2": ("*.weight", "l2", "term")}, steps=10, batch_size=8)
    first, second = (network.hypergradient(*data()[0], data()[1], {"l2": 0.1}) for _ in range(2))
    assert first.value == second.value and first.gradient["l2"] == second.gradient["l2"]
    assert network.hypergradient(*data()[0], data()[1], {"l2": 0.1}, seed=1).value != first.value
    assert rng.get_state() == before


def test_errors_name_what_came():
    term = ("*.weight", "l2", "term")
    with pytest.raises(TypeError, match="build must be a function"):
        Unrolled(build()(), mg.mse, {"l2": term})
    with pytest.raises(ValueError, match=r"terms\['a'\] is .*need \(selector, kind, share\)"):
        Unrolled(build(), mg.mse, {"a": ("*.weight", "l3", "term")})
    with pytest.raises(TypeError, match=r"terms is \{name"):
        Unrolled(build(), mg.mse, [term])
    with pytest.raises(ValueError, match="lr"):
        Unrolled(build(), mg.mse, {"l2": term}, lr=-1)
    (x, y), rest = data()
    none = Unrolled(build(), mg.mse, {"l2": ("7.weight", "l2", "term")})
    with pytest.raises(ValueError, match=r"terms\['l2'\] matches no parameter; there are 0\.weight"):
        none.hypergradient(x, y, rest, {"l2": 0.1})
    two = Unrolled(build(), mg.mse, {"l2": ("*.weight", "l2", "row")})
    with pytest.raises(ValueError, match=r"a λ for each row, and matches 0\.weight, 1\.weight"):
        two.hypergradient(x, y, rest, {"l2": 0.1})
    network = Unrolled(build(), mg.mse, {"l2": term}, steps=3)
    with pytest.raises(ValueError, match=r"strengths for l1; need l2"):
        network.hypergradient(x, y, rest, {"l1": 0.1})
    with pytest.raises(ValueError, match=r"strength 'l2' is 0.*above 0"):
        network.hypergradient(x, y, rest, {"l2": 0})
    with pytest.raises(NonFiniteError, match=r"step \d+ of 500 left the range of float64; lr = 300"):
        Unrolled(build(), mg.mse, {"l2": term}, lr=300).hypergradient(x, y, rest, {"l2": 0.5})
    norm = lambda: nn.Sequential(nn.Linear(5, 4), nn.BatchNorm1d(4), nn.Linear(4, 1))
    with pytest.raises(ValueError, match="keeps running statistics"):
        Unrolled(norm, mg.mse, {"l2": term}).hypergradient(x, y, rest, {"l2": 0.1})


def test_sizes_are_known_without_data():
    assert Unrolled(build(), mg.mse, TERMS).sizes() == {"inputs": 5, "each": 2, "out": 1}
    assert selection.Unrolled is Unrolled
