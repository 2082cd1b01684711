"""Zoneout: by hand behind a cell, in the layers against that loop, its mean in evaluation, lengths, replay."""

import copy
import operator

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim, reg

RNG = np.random.default_rng(0)
KINDS = ("RNN", "LSTM", "GRU")


def both(state):
    return state if isinstance(state, tuple) else (state,)


def layer(kind, zoneout, **options):
    mg.manual_seed(1)
    return getattr(nn, kind)(3, 5, zoneout=zoneout, dtype="float64", **options)


def test_units_stay_or_are_new(backend):
    zone, new, before = nn.Zoneout(0.3, seed=2), RNG.normal(size=(40, 50)), RNG.normal(size=(40, 50))
    xs = [mg.tensor(t, requires_grad=True) for t in (new, before)]
    y = zone(*xs)
    stays = zone.last_mask()
    assert abs(stays.mean() - 0.3) < 5 * np.sqrt(0.3 * 0.7 / stays.size)
    np.testing.assert_array_equal(y.data, np.where(stays, before, new))  # bits: nothing is rounded
    y.sum().backward()
    np.testing.assert_array_equal(xs[0].grad.data, ~stays)
    np.testing.assert_array_equal(xs[1].grad.data, stays)
    assert (zone(*xs).data != y.data).any()  # the next draw
    np.testing.assert_allclose(zone.eval()(*xs).data, 0.3 * before + 0.7 * new, rtol=1e-15)


@pytest.mark.parametrize("kind", KINDS)
def test_a_layer_is_its_cell_with_units_that_stay(backend, kind):
    """One draw for a call, with masks in the order of steps; the new h of an LSTM is made of all of the new c."""
    shares = (0.4, 0.2) if kind == "LSTM" else (0.4,)
    model = layer(kind, shares if kind == "LSTM" else 0.4)
    cell = getattr(nn, f"{kind}Cell")(3, 5, dtype="float64")
    cell.load_state_dict({name.removesuffix("_l0"): w for name, w in model.state_dict().items()})
    x = RNG.normal(size=(6, 4, 3))
    output, last = model(mg.tensor(x))
    zones = (model.zoneout_hidden, model.zoneout_cell)[: len(shares)]
    masks = [zone.last_mask() for zone in zones]
    assert all(mask.shape == (4, 6, 5) and 0 < mask.mean() < 1 for mask in masks)
    for training in (True, False):
        if not training:
            output, last = model.eval()(mg.tensor(x))
        states = [np.zeros((4, 5))] * len(shares)
        for t in range(6):
            given = tuple(map(mg.tensor, states))
            new = both(cell(mg.tensor(x[t]), given if len(given) > 1 else given[0]))
            for i, (n, p) in enumerate(zip(new, shares)):
                share = masks[i][:, t] if training else p
                states[i] = share * states[i] + (1 - share) * n.data
            np.testing.assert_allclose(output.data[t], states[0], rtol=1e-12, atol=1e-14)
        for found, state in zip(both(last), states, strict=True):
            np.testing.assert_allclose(found.data[0], state, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("lengths", [None, [6, 1, 3, 4]])
def test_where_no_unit_stays_the_layer_is_the_fused_one(kind, lengths):
    """A share that is rounded to none: the loop over cells has the bits of the kernel over the sequence."""
    options = {"num_layers": 2, "bidirectional": True}
    x = mg.tensor(RNG.normal(size=(6, 4, 3)))
    (y, last), (z, other) = (layer(kind, p, **options)(x, lengths=lengths) for p in (0.0, 1e-9))
    bound = 0 if mg.kernels.backend() == "native" else 1e-13
    for a, b in zip((y, *both(last)), (z, *both(other)), strict=True):
        np.testing.assert_allclose(a.data, b.data, rtol=bound, atol=bound)


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("training", [False, True])
def test_behind_its_end_a_row_takes_nothing_new(backend, reverse, training):
    model = layer("LSTM", 0.3, bidirectional=reverse).train(training)
    x, n = RNG.normal(size=(6, 2, 3)), 4
    other = x.copy()
    other[n:, 1] = 99.0
    mg.manual_seed(2)
    y, (h, c) = model(mg.tensor(x), lengths=[6, n])
    mg.manual_seed(2)
    z, (h2, c2) = model(mg.tensor(other), lengths=[6, n])
    for a, b in ((y, z), (h, h2), (c, c2)):
        np.testing.assert_array_equal(a.data, b.data)
    assert (y.data[n:, 1] == 0).all()
    np.testing.assert_array_equal(h.data[0, 1], y.data[n - 1, 1, :5])
    if not training:
        alone, (h3, c3) = model(mg.tensor(x[:n, 1:]))
        np.testing.assert_allclose(y.data[:n, 1:], alone.data, rtol=1e-12)
        np.testing.assert_allclose(c.data[:, 1], c3.data[:, 0], rtol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_gradients(backend, kind):
    model = layer(kind, 0.4, seed=3)
    x = RNG.normal(size=(3, 2, 3))

    def function(x, w, u):
        mine = copy.deepcopy(model)
        mine.weight_ih_l0, mine.weight_hh_l0 = nn.Parameter(w.data), nn.Parameter(u.data)
        names = ("weight_ih_l0", "weight_hh_l0")
        mine._parts = {k: v for k, v in mine._parts.items() if k not in names}
        mine.__dict__.update(zip(names, (w, u)))
        return mg.square(mine(x, lengths=[3, 2])[0])

    assert mg.testing.gradcheck(function, [x, model.weight_ih_l0.data, model.weight_hh_l0.data])


def test_evaluation_is_near_the_mean_over_masks(backend):
    """One linear-enough step: E[h] over masks is p h_0 + (1 - p) h~, of an RNN exactly."""
    model, h0 = layer("RNN", 0.3), mg.tensor(RNG.normal(size=(1, 2000, 5)))
    x = mg.tensor(np.broadcast_to(RNG.normal(size=(1, 1, 3)), (1, 2000, 3)).copy())
    trained = model(x, mg.tensor(np.broadcast_to(h0.data[:, :1], (1, 2000, 5)).copy()))[0].data[0]
    mean = model.eval()(mg.tensor(x.data[:, :1]), mg.tensor(h0.data[:, :1]))[0].data[0, 0]
    assert (np.abs(trained.mean(0) - mean) < 5 * trained.std(0) / np.sqrt(2000)).all()


def test_a_batch_in_parts_keeps_its_masks():
    model, x = layer("LSTM", (0.5, 0.3), batch_first=True), RNG.normal(size=(6, 4, 3))
    whole = model(mg.tensor(x))[0].data
    with nn.replay(model, row=2):
        part = model(mg.tensor(x[2:]))[0].data
    bound = 0 if mg.kernels.backend() == "native" else 1e-13
    np.testing.assert_allclose(part, whole[2:], rtol=bound, atol=bound)


def test_bad_input():
    for given, match in (((0.1, 0.2), "need one share, of h"), (1.5, "GRU: zoneout .*is 1.5"), ("x", "zoneout")):
        with pytest.raises(ValueError, match=match):
            nn.GRU(3, 5, zoneout=given)
    with pytest.raises(ValueError, match=r"LSTM: zoneout is \(0.1,\); need a share, or"):
        nn.LSTM(3, 5, zoneout=(0.1,))
    with pytest.raises(mg.ShapeError, match=r"the new state is \(2, 3\), that before \(2, 4\)"):
        nn.Zoneout()(mg.ones(2, 3), mg.ones(2, 4))


@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
@pytest.mark.parametrize("with_lengths", [False, True])
@pytest.mark.parametrize("seed", [None, 4])
def test_compiled_and_resumed(kind, with_lengths, seed):
    """Replayed steps leave the bits of eager ones, and so does a run that goes on from a state in the middle."""
    x, y = RNG.normal(size=(32, 6, 3)).astype(np.float32), np.arange(32) % 5
    lengths = np.arange(32) % 6 + 1

    def run(compiled, resume):
        mg.manual_seed(1)
        model = getattr(nn, kind)(3, 5, zoneout=0.3, batch_first=True, num_layers=2, seed=seed)
        optimizer = optim.Adam(model.parameters(), lr=0.01)

        def step(x, lengths, y):
            optimizer.zero_grad()
            loss = mg.cross_entropy(model(x, lengths=lengths if with_lengths else None)[0].sum(dim=1), y)
            loss.backward()
            optimizer.step()
            return loss

        function = mg.compile(step) if compiled else step
        losses = []
        for k, i in enumerate(range(0, 32, 4)):
            if resume and k == 4:
                kept = model.state_dict(), optimizer.state_dict(), mg.rng.get_state()
                mg.manual_seed(99)
                model = getattr(nn, kind)(3, 5, zoneout=0.3, batch_first=True, num_layers=2, seed=seed)
                model.load_state_dict(kept[0])
                optimizer = optim.Adam(model.parameters(), lr=0.01)
                optimizer.load_state_dict(kept[1])
                mg.rng.set_state(kept[2])
            part = slice(i, i + 4)
            losses.append(function(mg.tensor(x[part]), mg.tensor(lengths[part]), mg.tensor(y[part])).item())
        if compiled:
            assert all(entry.program is not None for entry in function._entries.values()), "it was replayed"
        return losses, {name: a.tobytes() for name, a in model.state_dict().items()}

    plain = run(False, False)
    assert run(True, False) == plain
    assert run(False, True) == plain


def test_compact_keeps_it():
    """Units that stay at 0 leave; the others have the same shares."""
    mg.manual_seed(0)
    model = nn.Sequential(
        nn.LSTM(3, 4, zoneout=(0.3, 0.2), batch_first=True), nn.Lambda(operator.itemgetter(0)), nn.Linear(4, 2)
    ).eval()
    with mg.no_grad():
        for w in model[0].parameters():
            w.copy_(np.where(np.arange(16) // 2 == 4, 0, w.data))  # gate g of two units
    small, x = reg.compact(model), mg.tensor(RNG.normal(size=(2, 6, 3)).astype(np.float32))
    assert small[0].hidden_size == 2 and (small[0].zoneout_hidden.p, small[0].zoneout_cell.p) == (0.3, 0.2)
    np.testing.assert_allclose(small(x).data, model(x).data, rtol=0, atol=1e-6)
