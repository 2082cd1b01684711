"""minigrad cost: its rows, what it counts, its command; and what must hold on any machine: no memory, no pass more."""

import json
import tracemalloc
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from kernels.twins import needs_native

import minigrad as mg
from minigrad import cli, nn, optim, reg
from minigrad.lab.cost import cost, measured, measures

ROOT = Path(__file__).parents[3]
X, Y = np.random.default_rng(0).random((16, 20)).astype(np.float32), np.arange(16) % 3


def network(dtype="float32"):
    mg.manual_seed(0)
    return nn.Sequential(nn.Linear(20, 300, activation="relu", dtype=dtype), nn.Linear(300, 3, dtype=dtype))


def test_a_row_for_each_way_that_a_term_can_take():
    class Square:
        """A penalty that can only be added to the loss."""

        def __call__(self, w):
            return mg.square(w).sum()

        def value(self, w):
            return self(w).item()

    model = network()
    before = model.state_dict()
    with_dropout = nn.Sequential(*list(model)[:1], nn.Dropout(0.5), *list(model)[1:])
    terms = {"net": reg.ElasticNet(0.1, 0.1), "drop": with_dropout, "own": Square()}
    costs = cost.of(model, X, Y, terms, rounds=1)
    names = ["none", "net in the update", "net proximal", "net in the loss", "drop", "own in the loss"]
    assert [c.name for c in costs] == names
    assert all(c.parameters == 20 * 300 + 300 + 903 for c in costs)
    assert all(0 < c.state_bytes - 3 * 4 * c.parameters < 100 for c in costs)  # the weights, Adam's m, v and counters
    assert all(c.step_seconds > 0 and c.predict_seconds > 0 and c.ratio > 0 for c in costs) and costs[0].ratio == 1
    assert all(low <= c.ratio <= high for c in costs for low, high in [c.interval])
    assert all((before[name] == after).all() for name, after in model.state_dict().items())
    assert [line.split()[0] for line in cost.table(costs).splitlines()] == ["term", *(n.split()[0] for n in names)]


@needs_native  # the reference kernels make arrays of their own
def test_memory_is_that_of_the_arrays_of_a_step():
    costs = {c.name: c.step_bytes for c in cost.of(network(), X, Y, {"L2": reg.L2(0.1)}, rounds=1)}
    weights = 4 * (20 * 300 + 900)
    assert costs["none"] > weights  # the gradients
    assert abs(costs["L2 in the update"] - costs["none"]) < 2000
    assert abs(costs["L2 proximal"] - costs["none"]) < 2000
    assert costs["L2 in the loss"] - costs["none"] > 0.9 * weights  # another gradient of every weight
    assert not tracemalloc.is_tracing()


def held_by_the_second_of_two(step):
    """The bytes that the second of two calls holds at its peak."""
    tracemalloc.start()
    try:
        step()
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        step()
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("moment", ["none", "penalty", "prox"])
@pytest.mark.parametrize("kind", ["SGD", "Adam", "RMSprop", "Adagrad"])
def test_an_update_allocates_no_array_and_is_one_kernel_call(monkeypatch, moment, kind):
    model, calls = network(), []
    terms = {moment: reg.on(model, "*.weight", reg.ElasticNet(0.1, 0.1))} if moment != "none" else {}
    optimizer = getattr(optim, kind)(model.parameters(), lr=0.1, **terms)
    mg.cross_entropy(model(mg.tensor(X)), Y).backward()
    optimizer.step()
    for name in mg.kernels.NAMES:

        def counted(kernel, name, *args, **options):
            calls.append(name)
            return kernel(*args, **options)

        if name != "segments":  # by which an optimizer notices a change of backend
            monkeypatch.setattr(mg.kernels, name, partial(counted, getattr(mg.kernels, name), name))
    held = held_by_the_second_of_two(optimizer.step)
    computed = [name for name in calls if name not in ("contiguous", "alike")]
    assert computed == [f"{kind.lower()}_update"] * 2
    assert mg.kernels.backend() != "native" or held < 3000, held  # Python's own lists; a bias is 1200 bytes


def test_rows_are_timed_in_turn_and_keep_their_fastest_slice(monkeypatch):
    """A disturbance, here of a second, is not in the figure unless it lasts through every slice."""
    clock, order = [0.0], []
    monkeypatch.setattr(measures.time, "perf_counter", lambda: clock[0])

    def row(name, took, disturbed):
        def call():
            order.append(name)
            clock[0] += took + (1.0 if order.count(name) == disturbed else 0)

        return call

    found = measures.fastest([row("a", 1e-3, 2), row("b", 2e-3, 4)])
    assert found == pytest.approx([1e-3, 2e-3])
    turns = [name for i, name in enumerate(order) if i == 0 or order[i - 1] != name]
    assert turns == ["a", "b"] * measures.TURNS


def test_a_copy_of_the_plain_network_costs_nothing():
    """Noise of every kind is in this ratio, so the bound is wide; alone on a machine it stays within 1 %."""
    makers = {name: partial(cost.plain, network) for name in ("none", "again")}
    again = cost.compare(makers, X, Y, rounds=15)[1]
    assert 0.9 < again.ratio < 1.1 and again.interval[0] <= again.ratio <= again.interval[1]


def test_the_command_prints_a_table_and_json(capsys):
    before = mg.rng.get_state(), mg.get_num_threads()
    assert cli.main(["cost", "--hidden", "8", "--batch-size", "4", "--rounds", "1"]) == 0
    text = capsys.readouterr().out
    assert "64-8-10, Adam, batches of 4" in text
    for name in ("none", "L1 in the update", "elastic-net proximal", "L2 in the loss", "dropout", "DropConnect"):
        assert f"\n{name} " in text
    arguments = ["cost", "--hidden", "8", "4", "--terms", "clipping", "averages", "--rounds", "2", "--json"]
    assert cli.main(arguments) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["layers"] == [64, 8, 4, 10] and found["batch"] == 32
    assert [c["name"] for c in found["costs"]] == ["none", "clipping", "averages"]
    assert (mg.rng.get_state(), mg.get_num_threads()) == before


@pytest.mark.parametrize(
    ("name", "terms", "parameters"),
    [
        ("C1", ["L1", "spatial-dropout", "batch-norm", "averages"], 25 * 16 + 16 + 25 * 512 + 32 + 1569 * 128 + 1290),
        ("R1", ["L1", "variational-dropout", "recurrent-dropout", "clipping"], (32 + 128 + 2) * 512 + 1290),
    ],
)
def test_networks_of_convolutions_and_of_time(capsys, name, terms, parameters):
    """C1 and R1 of the benchmarks: their layers, batches, and the terms that they take."""
    assert cli.main(["cost", "--network", name, "--batch-size", "2", "--rounds", "1", "--json", "--terms", *terms]) == 0
    found = json.loads(capsys.readouterr().out)
    ways = ["L1 in the update", "L1 proximal", "L1 in the loss"]
    assert [c["name"] for c in found["costs"]] == ["none", *ways, *terms[1:]]
    assert found["batch"] == 2 and found["layers"] == measured.NETWORKS[name].title
    counted = {c["name"]: c["parameters"] for c in found["costs"]}
    assert counted.pop("batch-norm", parameters + 96) == parameters + 96
    assert set(counted.values()) == {parameters}
    assert cli.main(["cost", "--network", name, "--terms", "compact"]) == 2
    assert f"there is no term 'compact' for {name}; there are L1" in capsys.readouterr().err
    for option in (["--data", "digits"], ["--hidden", "4"]):
        assert cli.main(["cost", "--network", name, *option]) == 2
        assert f"{option[0]} goes with --network relu; {name} is" in capsys.readouterr().err


@pytest.mark.skipif(not (ROOT / "benchmarks").exists(), reason="needs the checkout, not an installed package")
def test_the_networks_are_those_of_the_benchmarks(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT))
    from benchmarks.steps import STEPS

    for name in ("C1", "R1"):
        network, step = measured.NETWORKS[name], STEPS[name]
        assert network.rows == step.batch
        model = network.make()
        linears = [(p.in_features, p.out_features) for p in model.modules() if isinstance(p, nn.Linear)]
        assert linears == step.sizes
        filters = [tuple(p.weight.shape) for p in model.modules() if isinstance(p, nn.Conv2d)]
        assert filters == (step.filter_shapes if step.filters else [])
        if step.sequence:
            assert network.shape(step.batch) == (step.batch, *step.sequence)


def test_compact_has_half_the_units_and_zeros_have_all(capsys):
    assert cli.main(["cost", "--hidden", "8", "4", "--terms", "zeros", "compact", "--rounds", "1", "--json"]) == 0
    none, zeros, compact = json.loads(capsys.readouterr().out)["costs"]
    assert none["parameters"] == zeros["parameters"] == 65 * 8 + 9 * 4 + 5 * 10
    assert compact["parameters"] == 65 * 4 + 5 * 2 + 3 * 10
    assert compact["state_bytes"] < zeros["state_bytes"] == none["state_bytes"]


def test_an_update_with_a_term_on_groups_or_a_constraint_allocates_no_array():
    """Maps and projections work in the place of the weights; so does a group over several of them."""
    model = network()
    units = {str(j): [("0.weight", np.s_[:, j]), ("0.bias", j)] for j in range(300)}
    chosen = {"units": (reg.everything, reg.NamedGroupLasso(0.1, units)), "rows": ("1.weight", reg.GroupLasso(0.1))}
    ways = {
        "prox": [reg.on(model, chosen), reg.on(model, "*.weight", reg.SparseGroupLasso(0.1, 0.1))],
        "constraints": [reg.on(model, "*.weight", reg.MaxNorm(0.5)), reg.on(model, "*.weight", reg.Box(-0.5, 0.5))],
    }
    for moment, bound in [(moment, bound) for moment, every in ways.items() for bound in every]:
        optimizer = optim.Adam(model.parameters(), lr=0.1, **{moment: bound})
        mg.cross_entropy(model(mg.tensor(X)), Y).backward()
        optimizer.step()
        held = held_by_the_second_of_two(optimizer.step)
        assert mg.kernels.backend() != "native" or held < 6000, held  # the weights take 27 600 bytes


def test_bad_arguments(capsys, monkeypatch, tmp_path):
    assert cli.main(["cost", "--terms", "L3"]) == 2
    assert "there is no term 'L3' for relu; there are L1, L2" in capsys.readouterr().err
    monkeypatch.setenv("MINIGRAD_DATA", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cli.main(["cost", "--data", "mnist"]) == 2
    assert "load_mnist" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        cli.main(["cost", "--batch-size", "0"])
    with pytest.raises(ValueError, match="rounds is 0"):
        cost.of(network(), X, Y, {}, rounds=0)
    with pytest.raises(ValueError, match="matches no parameter"):
        cost.of(network(), X, Y, {"L1": reg.L1(0.1)}, selector="*.wight", rounds=1)
