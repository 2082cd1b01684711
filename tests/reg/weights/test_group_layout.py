"""Groups by layer: filters, channels, kernels, gates, units, on every layer that has them, against NumPy by hand."""

import copy

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim, reg
from minigrad.insight.gradcheck import gradcheck
from minigrad.reg.weights.group_layout import GROUPS, layout

R = {"dtype": "float64"}


# Layer, parameter, word, and the groups written out: what index makes group i.
CASES = [
    (lambda: nn.Conv2d(3, 4, 2, **R), "weight", "filters", 4, lambda i: np.s_[i]),
    (lambda: nn.Conv2d(3, 4, 2, **R), "weight", "channels", 3, lambda i: np.s_[:, i]),
    (lambda: nn.Conv2d(3, 4, 2, **R), "weight", "kernels", 12, lambda i: np.s_[i // 3, i % 3]),
    (lambda: nn.Conv2d(3, 4, 2, **R), "weight", "units", 4, lambda i: np.s_[i]),
    (lambda: nn.Conv1d(3, 4, 5, **R), "weight", "channels", 3, lambda i: np.s_[:, i]),
    (lambda: nn.Conv2d(4, 6, 3, groups=2, **R), "weight", "filters", 6, lambda i: np.s_[i]),
    (
        lambda: nn.Conv2d(4, 6, 3, groups=2, **R),
        "weight",
        "channels",
        4,
        lambda i: np.s_[i // 2 * 3 : i // 2 * 3 + 3, i % 2],
    ),
    (lambda: nn.Conv2d(4, 4, 3, groups=4, **R), "weight", "channels", 4, lambda i: np.s_[i]),
    (lambda: nn.ConvTranspose2d(3, 4, 2, **R), "weight", "filters", 4, lambda i: np.s_[:, i]),
    (lambda: nn.ConvTranspose2d(3, 4, 2, **R), "weight", "channels", 3, lambda i: np.s_[i]),
    (
        lambda: nn.ConvTranspose2d(4, 6, 2, groups=2, **R),
        "weight",
        "filters",
        6,
        lambda i: np.s_[i // 3 * 2 : i // 3 * 2 + 2, i % 3],
    ),
    (lambda: nn.Linear(5, 3, **R), "weight", "units", 3, lambda i: np.s_[:, i]),
    (lambda: nn.LSTM(3, 2, **R), "weight_ih_l0", "gates", 8, lambda i: np.s_[:, i]),
    (lambda: nn.LSTM(3, 2, **R), "weight_ih_l0", "units", 2, lambda i: np.s_[:, i::2]),
    (lambda: nn.GRU(3, 2, **R), "weight_hh_l0", "units", 2, lambda i: np.s_[:, i::2]),
    (lambda: nn.GRUCell(3, 2, **R), "weight_hh", "gates", 6, lambda i: np.s_[:, i]),
    (lambda: nn.RNN(3, 2, **R), "weight_ih_l0", "units", 2, lambda i: np.s_[:, i]),
    (lambda: nn.Embedding(7, 3, **R), "weight", "rows", 7, lambda i: np.s_[i]),
    (lambda: nn.Embedding(7, 3, **R), "weight", "units", 3, lambda i: np.s_[:, i]),
]
each = pytest.mark.parametrize(
    "make, name, groups, count, of", CASES, ids=[f"{c[1]}-{c[2]}-{i}" for i, c in enumerate(CASES)]
)


def parameter(layer, name):
    return dict(layer.named_parameters())[name]


@each
def test_value_gradient_and_prox_by_hand(backend, make, name, groups, count, of):
    layer = make()
    w = parameter(layer, name)
    term = reg.SparseGroupLasso(0.02, 0.3, groups, scaled=True)
    terms = reg.on(layer, name, term)
    array = w.data.copy()
    parts = [array[of(i)] for i in range(count)]
    assert sum(part.size for part in parts) == array.size
    root = np.sqrt(parts[0].size)
    expected = 0.3 * root * sum(np.linalg.norm(part) for part in parts) + 0.02 * np.abs(array).sum()
    assert terms.value()[f"{term.name} {name}"] == pytest.approx(expected, rel=1e-12)
    total = terms()
    assert total.item() == pytest.approx(expected, rel=1e-12)
    total.backward()
    slope, mapped = 0.02 * np.sign(array), array.copy()
    for i in range(count):
        slope[of(i)] += 0.3 * root * array[of(i)] / np.linalg.norm(array[of(i)])
        u = np.sign(array[of(i)]) * np.maximum(np.abs(array[of(i)]) - 0.02 * 0.4, 0)
        mapped[of(i)] = u * max(1 - 0.4 * 0.3 * root / np.linalg.norm(u), 0)
    np.testing.assert_allclose(w.grad.data, slope, rtol=1e-11)
    ((_, laid),) = terms.entries[0].arguments(None)
    np.testing.assert_allclose(term.prox(w, 0.4, laid).data, mapped, rtol=1e-11, atol=1e-15)
    assert gradcheck(lambda x: term(x, laid), [array])


@each
def test_groups_are_named_where_terms_are_printed(make, name, groups, count, of):
    layer = make()
    terms = reg.on(layer, name, reg.GroupLasso(0.1, groups))
    size = parameter(layer, name).data.size // count
    assert f"{name} {parameter(layer, name).shape}: {count} {groups} of {size}" in repr(terms)


@each
@pytest.mark.parametrize("kind", ["SGD", "Adam"])
def test_the_update_ends_with_the_map_and_empties_groups(backend, make, name, groups, count, of, kind):
    """Group 0 has no gradient and goes; the others, pulled hard, stay. One SGD step is the map, written out."""
    layer = make()
    w = parameter(layer, name)
    start = w.data.copy()
    options = {"lr": 0.01} if kind == "Adam" else {"lr": 0.1}
    optimizer = getattr(optim, kind)(
        layer.parameters(), prox=reg.on(layer, name, reg.GroupLasso(0.5, groups)), **options
    )
    pull = np.ones(w.shape)
    pull[of(0)] = 0
    pull *= -5.0
    for _ in range(1 if kind == "SGD" else 400):
        w.grad = mg.tensor(pull)
        optimizer.step()
    moved = start - 0.1 * pull
    for i in range(count):
        if kind == "SGD":
            part = moved[of(i)]
            np.testing.assert_allclose(w.data[of(i)], part * max(1 - 0.05 / np.linalg.norm(part), 0), rtol=1e-12)
        else:
            assert w.data[of(i)].any() == (i > 0)


@each
def test_constraints_on_groups(backend, make, name, groups, count, of):
    layer = make()
    w = parameter(layer, name)
    terms = reg.on(layer, name, reg.MaxNorm(0.1, groups))
    start = w.data.copy()
    terms.project()
    for i in range(count):
        part = start[of(i)]
        np.testing.assert_allclose(w.data[of(i)], part * min(1, 0.1 / np.linalg.norm(part)), rtol=1e-12)


def test_by_layer_type_on_a_whole_model(backend):
    """One term on all convolutions, whatever way round their weights lie; copies of (model, terms) keep the layouts."""
    model = nn.Sequential(nn.Conv2d(1, 4, 3, **R), nn.ConvTranspose2d(4, 2, 3, **R), nn.Flatten(), nn.Linear(8, 2, **R))
    convolutions = (nn.Conv2d, nn.ConvTranspose2d)
    terms = reg.on(
        model,
        {
            "filters": (nn.Conv2d, reg.GroupLasso(0.1, "filters")),
            "up": (nn.ConvTranspose2d, reg.GroupLasso(0.1, "filters")),
        },
    )
    expected = [
        0.1 * sum(np.linalg.norm(part) for part in np.moveaxis(layer.weight.data, axis, 0))
        for layer, axis in zip((m for m in model if isinstance(m, convolutions)), (0, 1))
    ]
    assert list(terms.value().values()) == pytest.approx(expected, rel=1e-12)
    _, twin = copy.deepcopy((model, terms))
    assert repr(twin) == repr(terms)
    assert twin.value() == terms.value()
    both = reg.on(model, reg.everything, reg.Norm(0.1))
    assert repr(both).splitlines()[1].endswith("0.weight (4, 1, 3, 3)")


def test_bare_arrays_count_as_weights_of_a_convolution(backend, rng):
    w = rng.standard_normal((2, 3, 2, 2))
    assert reg.GroupLasso(1.0, "channels").value(w) == pytest.approx(np.sqrt((w**2).sum((0, 2, 3))).sum())
    assert reg.GroupLasso(1.0, "kernels").value(w) == pytest.approx(np.sqrt((w**2).sum((2, 3))).sum())
    assert gradcheck(reg.GroupLasso(1.0, "channels"), [w])
    step = np.array([0.1, 0.2, 0.3])
    norms = np.sqrt((w**2).sum((0, 2, 3), keepdims=True))
    np.testing.assert_allclose(
        reg.GroupLasso(1.0, "channels").prox(w, step).data, w * np.maximum(1 - step.reshape(1, 3, 1, 1) / norms, 0)
    )


def test_layouts_of_odd_sizes():
    for shape in [(0, 3), (3, 0), (1, 1), (2, 0, 3)]:
        for groups in ("rows", "columns", "whole"):
            found = layout(groups, shape)
            assert found.count * found.size == 0 or found.count * found.size == int(np.prod(shape))
    assert set(GROUPS) == {"whole", "rows", "columns", "filters", "channels", "kernels", "gates", "units"}


def test_words_that_do_not_fit_a_layer_name_it():
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Linear(8, 2))
    for selector, groups, match in [
        (
            "2.weight",
            "filters",
            r"GroupLasso\(0.1, filters\) on 2.weight: .* of a Linear; it has no filters: .*convolution",
        ),
        ("0.weight", "gates", r"on 0.weight: .* of a Conv2d; it has no gates: .*recurrent layer"),
        ("0.bias", "filters", r"on 0.bias: .*a parameter is \(2,\); it has no filters: need a weight"),
    ]:
        with pytest.raises(mg.ShapeError, match=match):
            reg.on(model, selector, reg.GroupLasso(0.1, groups))
    with pytest.raises(mg.ShapeError, match=r"MaxNorm\(1, kernels\) on 2.weight"):
        reg.on(model, "2.weight", reg.MaxNorm(1, "kernels"))
    with pytest.raises(ValueError, match=r"in Box.* norms are 3 to 6, outside of MaxNorm"):
        reg.on(model, {"a": ("0.weight", reg.Box(1, 2)), "b": ("0.weight", reg.MaxNorm(2, "filters"))})


@pytest.mark.parametrize("kind", ["SGD", "Adam"])
def test_a_compiled_step_moves_the_axes_of_groups_too(rng, kind):
    """Input channels do not lie side by side: their maps and projections go through copies, replayed like the rest."""
    x, y = mg.tensor(rng.standard_normal((8, 2, 5, 5)).astype(np.float32)), rng.integers(0, 3, 8)
    states = []
    for compiled in (False, True):
        mg.manual_seed(0)
        model = nn.Sequential(
            nn.Conv2d(2, 6, 3), nn.ReLU(), nn.Conv2d(6, 4, 3, groups=2), nn.Flatten(), nn.Linear(4, 3)
        )
        terms = reg.on(model, {"channels": (nn.Conv2d, reg.SparseGroupLasso(1e-3, 2e-2, "channels"))})
        limits = reg.on(model, {"few": ("2.weight", reg.MaxNorm(0.6, "channels"))})
        optimizer = getattr(optim, kind)(model.parameters(), lr=0.05, prox=terms, constraints=limits)

        def step(model=model, optimizer=optimizer):
            optimizer.zero_grad()
            loss = mg.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
            return {"loss": loss}

        step = mg.compile(step) if compiled else step
        for _ in range(12):
            step()
        states.append(model.state_dict())
    assert all((states[0][name] == states[1][name]).all() for name in states[0])
