"""The bound on the spectral norm: against SVD, ties, sizes, bits; beside other constraints; what it refuses."""

import numpy as np
import pytest
from kernels.twins import every_variant, needs_native

import minigrad as mg
from minigrad import nn, optim, reg

RNG = np.random.default_rng(0)


def by_svd(w, limit):
    u, s, v = np.linalg.svd(w.reshape(w.shape[0], -1), full_matrices=False)
    return ((u * np.minimum(s, limit)) @ v).reshape(w.shape)


@pytest.mark.parametrize("shape", [(5, 4), (4, 5), (1, 6), (6, 1), (30, 30), (8, 3, 3, 3), (2, 40)])
@pytest.mark.parametrize("limit", [1e-9, 1e-3, 0.5, 2.0])
def test_singular_values_are_cut_as_by_svd(backend, shape, limit):
    w = RNG.normal(size=shape)
    np.testing.assert_allclose(reg.SpectralNorm(limit).project(w).data, by_svd(w, limit), rtol=0, atol=1e-11 * limit)
    half = reg.SpectralNorm(limit).project(w.astype(np.float32)).data
    assert half.dtype == np.float32
    np.testing.assert_allclose(half, by_svd(w.astype(np.float32), limit), rtol=0, atol=2e-7 * limit)


@pytest.mark.parametrize(
    "values",
    [
        [1.0] * 12,
        [1 + 1e-9] * 6 + [1 - 1e-9] * 6,
        [1 + 1e-13] * 12,
        [5.0] * 6 + [0.0] * 6,
        [1e4, *np.linspace(0.9, 1.1, 11)],
        list(np.geomspace(1e-6, 1e6, 12)),
        [0.0] * 12,
    ],
)
def test_singular_values_at_the_limit_and_equal_ones(values):
    u, v = (np.linalg.qr(RNG.normal(size=(12, 12)))[0] for _ in range(2))
    w = (u * np.array(values)) @ v.T
    p = reg.SpectralNorm(1.0).project(w).data
    np.testing.assert_allclose(p, (u * np.minimum(values, 1)) @ v.T, rtol=0, atol=2e-12 * max(1, max(values) / 100))
    np.testing.assert_allclose(reg.SpectralNorm(1.0).project(p).data, p, rtol=0, atol=1e-12)


@pytest.mark.parametrize("gap", [1e-6, 1e-9, 1e-11, 1e-13])
def test_many_singular_values_near_the_limit_among_others(gap):
    """What is told from the limit by rounding alone must not disturb what is further from it."""
    rng, n = np.random.default_rng(1), 64
    u, v = (np.linalg.qr(rng.normal(size=(n, n)))[0] for _ in range(2))
    values = np.concatenate([1 + gap * rng.normal(size=20), np.ones(20), rng.uniform(0.5, 1.5, n - 41), [1 + 1e-8]])
    p = reg.SpectralNorm(1.0).project((u * values) @ v.T).data
    np.testing.assert_allclose(p, (u * np.minimum(values, 1)) @ v.T, rtol=0, atol=2e-12)
    np.testing.assert_allclose(reg.SpectralNorm(1.0).project(p).data, p, rtol=0, atol=1e-12)


def test_what_is_within_stays_to_the_bit(backend):
    w = RNG.normal(size=(20, 10))
    sigma = np.linalg.norm(w, 2)
    assert np.linalg.norm(w) > 1.01 * sigma  # the Frobenius norm alone does not say it
    assert reg.SpectralNorm(1.001 * sigma).project(w).data.tobytes() == w.tobytes()
    assert (reg.SpectralNorm(0.999 * sigma).project(w).data != w).any()


def test_the_edges_of_numbers(backend):
    for size in (1e200, 1e-200):
        w = np.array([[3.0, 0.0], [0.0, 1.0]])
        np.testing.assert_allclose(reg.SpectralNorm(2 * size).project(w * size).data, [[2 * size, 0], [0, size]], 1e-12)
    assert (reg.SpectralNorm(0).project(w).data == 0).all()
    assert np.isnan(reg.SpectralNorm(1).project([[np.nan, 1.0]]).data).all()
    assert np.isnan(reg.SpectralNorm(1).project([[np.inf, 1.0]]).data).all()
    assert reg.SpectralNorm(1).project(np.zeros((0, 3))).shape == (0, 3)


@needs_native
def test_bits_are_the_same_on_every_variant():
    w, found = RNG.normal(size=(40, 23)).astype(np.float32), set()
    with mg.use_backend("native"):
        for _variant, _threads in every_variant(threads=(1, 3)):
            found.add(reg.SpectralNorm(1.5).project(w).data.tobytes())
    assert len(found) == 1


def test_training_stays_within():
    mg.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(1, 4, 3, activation="relu"), nn.Flatten(), nn.Linear(64, 3))
    bound = reg.on(model, {"norms": ("*.weight", reg.SpectralNorm(0.4)), "columns": ("2.weight", reg.MaxNorm(0.2))})
    optimizer = optim.Adam(model.parameters(), 0.05, constraints=bound)
    x, y = mg.tensor(RNG.normal(size=(20, 1, 6, 6)).astype(np.float32)), np.arange(20) % 3
    for _ in range(5):
        optimizer.zero_grad()
        mg.cross_entropy(model(x), y).backward()
        optimizer.step()
        assert np.linalg.norm(model[0].weight.data.reshape(4, -1), 2) == pytest.approx(0.4, rel=1e-5)
        assert np.linalg.norm(model[2].weight.data, 2) <= 0.4 * (1 + 1e-6)
        assert np.linalg.norm(model[2].weight.data, axis=0).max() <= 0.2 * (1 + 1e-6)


def test_bad_input():
    layer = nn.Linear(3, 2)
    for other, fault in (
        (reg.NonNegative(), r"SpectralNorm\(1\) leaves NonNegative again"),
        (reg.UnitNorm(), r"SpectralNorm\(1\) leaves UnitNorm\(columns\) again"),
        (reg.SpectralNorm(2.0), "of one kind"),
    ):
        for pair in ((reg.SpectralNorm(1.0), other), (other, reg.SpectralNorm(1.0))):
            with pytest.raises(ValueError, match=fault):
                reg.on(layer, {"a": ("weight", pair[0]), "b": ("weight", pair[1])})
    with pytest.raises(mg.ShapeError, match=r"SpectralNorm\(1\): bias is \(2,\); need a weight with two dimensions"):
        reg.on(layer, "bias", reg.SpectralNorm(1.0))
    with pytest.raises(mg.ShapeError, match="need a weight with two dimensions"):
        reg.SpectralNorm(1.0).project([1.0, 2.0])
    with pytest.raises(ValueError, match="SpectralNorm: limit is -1"):
        reg.SpectralNorm(-1)


def test_compile_refuses_it_by_name():
    model = nn.Linear(3, 2)
    optimizer = optim.SGD(model.parameters(), 0.1, constraints=reg.on(model, "weight", reg.SpectralNorm(0.1)))

    @mg.compile
    def step(x):
        optimizer.zero_grad()
        model(x).sum().backward()
        optimizer.step()

    with pytest.raises(mg.ReplayError, match=r"SpectralNorm\(0.1\) inside a step that mg.compile records"):
        step(mg.ones(4, 3))
        step(mg.ones(4, 3))
