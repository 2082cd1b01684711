"""Projections against their definition, the update that ends with them, and constraints that cannot hold together."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim, reg

CASES = [  # constraint, the set as a function that is 0 inside
    (reg.Box(-0.5, 0.3), lambda w: np.maximum(0, np.maximum(-0.5 - w, w - 0.3)).max()),
    (reg.Box(low=0.1), lambda w: np.maximum(0, 0.1 - w).max()),
    (reg.Box(high=0.1), lambda w: np.maximum(0, w - 0.1).max()),
    (reg.NonNegative(), lambda w: np.maximum(0, -w).max()),
    (reg.MaxNorm(0.8), lambda w: np.maximum(0, np.linalg.norm(w, axis=0) - 0.8).max()),
    (reg.MaxNorm(0.8, "rows"), lambda w: np.maximum(0, np.linalg.norm(w, axis=1) - 0.8).max()),
    (reg.MaxNorm(0.8, "whole"), lambda w: max(0, np.linalg.norm(w) - 0.8)),
    (reg.SpectralNorm(0.8), lambda w: max(0, np.linalg.norm(w, 2) - 0.8)),
    (reg.UnitNorm(), lambda w: np.abs(np.linalg.norm(w, axis=0) - 1).max()),
    (reg.UnitNorm("rows"), lambda w: np.abs(np.linalg.norm(w, axis=1) - 1).max()),
]
each = pytest.mark.parametrize("constraint, distance", CASES, ids=[c.name for c, _ in CASES])


@each
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_projections_are_nearest_and_idempotent(backend, rng, constraint, distance, dtype):
    eps = 4 * np.finfo(dtype).eps
    w = rng.standard_normal((5, 4)).astype(dtype)
    p = constraint.project(w).data
    assert p.dtype == w.dtype
    assert distance(p.astype(np.float64)) <= eps
    beside = eps if isinstance(constraint, reg.SpectralNorm) else 0.0  # its sums have terms larger than what they give
    np.testing.assert_allclose(constraint.project(p).data, p, rtol=eps, atol=beside)
    for _ in range(50):  # no point of the set is nearer
        other = constraint.project(p + 0.1 * rng.standard_normal(p.shape)).data
        assert np.linalg.norm(p - w) <= np.linalg.norm(other.astype(np.float64) - w) + eps


@each
def test_what_is_inside_stays_bit_for_bit(backend, rng, constraint, distance):
    if not isinstance(constraint, reg.UnitNorm):
        w = np.abs(rng.standard_normal((5, 4))) * 0.05 + 0.1 * (constraint.name == "Box(0.1, inf)")
        w = np.minimum(w, 0.1) if constraint.name == "Box(-inf, 0.1)" else w
        assert distance(w) == 0
        assert (constraint.project(w).data == w).all()


def test_nan_and_infinity(backend):
    w = np.array([np.nan, np.inf, -np.inf, 0.5])
    np.testing.assert_array_equal(reg.Box(-1, 1).project(w).data, [np.nan, 1, -1, 0.5])
    np.testing.assert_array_equal(reg.NonNegative().project(w).data, [np.nan, np.inf, 0, 0.5])
    assert np.isnan(reg.MaxNorm(1, "whole").project([np.nan, 3.0]).data).all()


def test_a_group_of_zeros_has_no_direction(backend):
    w = reg.UnitNorm().project(np.array([[0.0, 3.0], [0.0, 4.0]])).data
    np.testing.assert_allclose(w, [[0, 0.6], [0, 0.8]], rtol=1e-15)


def test_weights_whose_squares_leave_the_range(backend):
    for size in (1e200, 1e-200):
        w = np.array([3.0, 4.0]) * size
        np.testing.assert_allclose(reg.UnitNorm("whole").project(w).data, [0.6, 0.8], rtol=1e-15)
        np.testing.assert_allclose(reg.MaxNorm(2.5 * size, "whole").project(w).data, w / 2, rtol=1e-15)
        assert (reg.MaxNorm(6 * size, "whole").project(w).data == w).all()


# --- after the update ------------------------------------------------------------------------------------------------

OPTIMIZERS = {
    "SGD": lambda params, **terms: optim.SGD(params, lr=0.5, momentum=0.9, **terms),
    "Adam": lambda params, **terms: optim.Adam(params, lr=0.1, **terms),
    "AdamW": lambda params, **terms: optim.AdamW(params, lr=0.1, **terms),
    "FISTA": lambda params, **terms: optim.FISTA(params, lr=0.5, **terms),
}


@each
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_weights_stay_in_the_set(rng, name, constraint, distance):
    mg.manual_seed(1)
    model = nn.Linear(5, 4, dtype="float64")
    terms = reg.on(model, "weight", constraint)
    optimizer = OPTIMIZERS[name](model.parameters(), constraints=terms)
    x, y = mg.tensor(rng.standard_normal((9, 5))), mg.tensor(rng.standard_normal((9, 4)))
    for _ in range(5):
        if name == "FISTA":
            optimizer.step(lambda: mg.mse(model(x), y))
        else:
            optimizer.zero_grad()
            mg.mse(model(x), y).backward()
            optimizer.step()
        assert distance(model.weight.data) <= 1e-14
    assert np.abs(model.bias.data).max() > 0
    assert optimizer.penalty_values() == {}
    with pytest.raises(mg.GraphError, match="act in"):
        terms()


def test_the_projection_is_the_last_thing_in_a_step(backend, rng):
    """The plain step, projected; beside a prox and a penalty on the same weight."""
    start, g = rng.standard_normal((4, 3)), rng.standard_normal((4, 3))
    models = [nn.Linear(4, 3, dtype="float64", init=lambda shape, dtype: start) for _ in range(2)]
    results = []
    for model, bound in zip(models, (False, True)):
        constraints = {"constraints": reg.on(model, "weight", reg.MaxNorm(0.5))} if bound else {}
        optimizer = optim.Adam(
            model.parameters(),
            0.1,
            prox=reg.on(model, "weight", reg.L1(0.3)),
            penalty=reg.on(model, {"ridge": ("weight", reg.L2(0.2))}),
            **constraints,
        )
        model.weight.grad = mg.tensor(g)
        optimizer.step()
        results.append(model.weight.data)
    norm = np.linalg.norm(results[0], axis=0)
    np.testing.assert_allclose(results[1], results[0] * np.minimum(1, 0.5 / norm), rtol=1e-14)


def test_by_hand_and_on_frozen_weights(backend):
    model = nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 2))
    terms = reg.on(model, "*.weight", reg.MaxNorm(0.01))
    stamp = model[0].weight.stamp
    terms.project()
    assert model[0].weight.stamp > stamp
    assert np.linalg.norm(model[0].weight.data, axis=0).max() <= 0.01 * (1 + 1e-6)
    model[1].weight.requires_grad_(False)
    with mg.no_grad():
        model[1].weight.copy_(np.ones((2, 2)))
    optimizer = optim.SGD(model.parameters(), lr=0.1, constraints=terms)
    model(mg.tensor([[1, 2, 3]])).sum().backward()
    optimizer.step()
    assert (model[1].weight.data == 1).all()


def test_a_constraint_has_no_value_and_a_penalty_no_projection():
    model = nn.Linear(3, 2)
    terms = reg.on(model, "weight", reg.NonNegative())
    with pytest.raises(TypeError, match=r"NonNegative; .*has no value to add to a loss; .*constraints=terms"):
        terms()
    assert terms.value() == {}
    assert "after the update" in repr(terms)
    with pytest.raises(TypeError, match=r"has no l1, l2\. Use constraints=\."):
        optim.SGD(model.parameters(), lr=0.1, penalty=terms)
    with pytest.raises(TypeError, match=r"needs terms with project; <L1.* has no project\. Use it in the loss"):
        optim.SGD(model.parameters(), lr=0.1, constraints=reg.on(model, "weight", reg.L1(0.1)))


@pytest.mark.parametrize(
    "first, second, fault",
    [
        (reg.NonNegative(), reg.Box(-2, -1), "no weight is at least 0 and at most -1"),
        (reg.Box(1, 2), reg.MaxNorm(1.0), "norms are 2 to 4, outside of MaxNorm"),
        (reg.Box(1, 2), reg.MaxNorm(3.0), "scaling to MaxNorm.* leaves Box.* again"),
        (reg.Box(-0.1, 0.1), reg.UnitNorm(), "norms are 0 to 0.2, outside of UnitNorm"),
        (reg.Box(-0.8, 0.8), reg.UnitNorm(), "leaves Box"),
        (reg.MaxNorm(1.0), reg.UnitNorm(), "both set the norm"),
        (reg.MaxNorm(1.0), reg.MaxNorm(2.0, "rows"), "of one kind"),
        (reg.Box(0, 1), reg.Box(0.5, 2), "of one kind"),
    ],
    ids=str,
)
def test_contradictions(first, second, fault):
    model = nn.Linear(4, 3)  # columns of 4 weights
    for a, b in ((first, second), (second, first)):
        with pytest.raises(ValueError, match=fault):
            reg.on(model, {"a": ("weight", a), "b": ("weight", b)})


def test_what_goes_together(backend, rng):
    model = nn.Linear(4, 3, dtype="float64")
    for norm in (reg.MaxNorm(0.5), reg.UnitNorm()):  # in either order: intervals come first
        for pair in (
            {"a": ("weight", reg.NonNegative()), "b": ("weight", norm)},
            {"b": ("weight", norm), "a": ("weight", reg.NonNegative())},
        ):
            with mg.no_grad():
                model.weight.copy_(rng.standard_normal((4, 3)))
            reg.on(model, pair).project()
            w = model.weight.data
            assert (w >= 0).all()
            np.testing.assert_allclose(np.linalg.norm(w, axis=0).clip(0.5), norm.high, rtol=1e-12)
    both = reg.on(model, {"a": ("weight", reg.NonNegative()), "b": ("weight", reg.Box(-1, 0.2))})
    both.project()
    assert ((model.weight.data >= 0) & (model.weight.data <= 0.2)).all()


@pytest.mark.parametrize(
    "make, match",
    [
        (lambda: reg.Box(2, 1), "Box: high is 1; need a finite number, at least 2"),
        (lambda: reg.Box(float("nan"), 1), "Box: low is nan"),
        (lambda: reg.Box("0", 1), "Box: low is '0'"),
        (lambda: reg.MaxNorm(-1), "MaxNorm: limit is -1"),
        (lambda: reg.MaxNorm(1, "neurons"), "MaxNorm: groups is 'neurons'"),
        (lambda: reg.UnitNorm(1), "UnitNorm: groups is 1"),
        (lambda: reg.on(nn.Linear(2, 2), "bias", reg.MaxNorm(1)), r"a parameter is \(2,\); it has no columns"),
    ],
)
def test_bad_arguments(make, match):
    with pytest.raises(ValueError, match=match):
        make()


def test_integers_are_refused(backend):
    for constraint in (reg.NonNegative(), reg.MaxNorm(1, "whole")):
        with pytest.raises(TypeError, match="int64"):
            constraint.project(np.arange(3))
