"""What holds of every term, whatever its formula: second order, kinks, NaN, precisions, integers, the batch."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, reg
from minigrad.insight.gradcheck import gradcheck

UNITS = {"a": [("w", np.s_[:, 0])], "b": [("w", np.s_[:, 1:])]}


def named(w):
    """NamedGroupLasso as a function of one weight."""
    return reg.NamedGroupLasso(0.3, UNITS)({"w": w})


ON_WEIGHTS = {
    "L1": reg.L1(0.3),
    "L2": reg.L2(0.7),
    "ElasticNet": reg.ElasticNet(0.3, 0.7),
    "Norm": reg.Norm(0.4),
    "GroupLasso": reg.GroupLasso(0.4),
    "GroupLasso rows": reg.GroupLasso(0.4, "rows", scaled=True),
    "SparseGroupLasso": reg.SparseGroupLasso(0.2, 0.4),
    "NamedGroupLasso": named,
    "Orthogonal": reg.Orthogonal(0.2),
}
ON_OUTPUTS = {
    "Activity": reg.Activity(0.3, 0.5),
    "ActivityNorm": reg.ActivityNorm(0.3, 0.5),
    "ConfidencePenalty": reg.ConfidencePenalty(0.6),
}
each = pytest.mark.parametrize("name", [*ON_WEIGHTS, *ON_OUTPUTS])
TERM = ON_WEIGHTS | ON_OUTPUTS


def test_all_terms_are_here():
    classes = {name: found for name in reg.__all__ if isinstance(found := getattr(reg, name), type)}
    terms = {name for name, found in classes.items() if hasattr(found, "value")}
    assert terms - {"Penalty", "Terms", "InputGradient"} <= set(TERM)  # InputGradient: test_outputs.py


@each
def test_gradients_to_second_order(backend, rng, name):
    assert gradcheck(TERM[name], [rng.standard_normal((4, 3)) + 0.1])


@each
def test_at_zero_the_gradient_is_zero_and_the_second_is_finite(backend, name):
    """Zero weights stay zero; an orthogonal penalty is stationary there, a confidence penalty has its minimum."""
    w = mg.tensor(np.zeros((4, 3)), requires_grad=True)
    (g,) = mg.grad(TERM[name](w), [w], create_graph=True)
    np.testing.assert_allclose(g.data, 0, atol=1e-16)
    if g.requires_grad:
        assert np.isfinite(mg.grad((g * g).sum(), [w], allow_unused=True)[0].data).all()


@each
def test_nan_is_seen_in_value_and_gradient(backend, name):
    w = np.arange(12.0).reshape(4, 3) / 7 - 0.5
    w[1, 1] = np.nan
    t = mg.tensor(w, requires_grad=True)
    value = TERM[name](t)
    value.backward()
    assert np.isnan(value.item())
    assert np.isnan(t.grad.data[1, 1])


@each
def test_precisions_agree_and_a_gradient_has_that_of_its_leaf(backend, rng, name):
    w = rng.standard_normal((4, 3))
    found = {}
    for dtype in ("float32", "float64"):
        t = mg.tensor(w.astype(dtype), requires_grad=True)
        value = TERM[name](t)
        value.backward()
        assert t.grad.data.dtype == dtype == value.data.dtype
        found[dtype] = value.item(), t.grad.data
    for single, double in zip(*found.values()):
        np.testing.assert_allclose(single, double, rtol=2e-5, atol=1e-6)


@pytest.mark.parametrize("name", [name for name in TERM if name != "NamedGroupLasso"])
def test_integers_are_refused(backend, name):
    with pytest.raises(mg.DTypeError, match="int64"):
        TERM[name](mg.tensor(np.ones((4, 3), np.int64)))


@pytest.mark.parametrize("name", [name for name in ON_WEIGHTS if hasattr(ON_WEIGHTS[name], "prox")])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_proximal_map_keeps_nan_and_maps_zero_to_zero(backend, name, dtype):
    prox = ON_WEIGHTS[name].prox
    v = np.full((4, 3), 2.0, dtype)
    v[1, 1] = np.nan
    assert np.isnan(prox(v, 0.5).data[1, 1])
    mapped = prox(np.zeros((4, 3), dtype), 0.5).data
    assert mapped.dtype == dtype and not mapped.any()
    same = prox(np.abs(v[0]) * np.ones((4, 3), dtype), 0.0).data
    np.testing.assert_array_equal(same, 2.0)


@pytest.mark.parametrize("name", [name for name in ON_WEIGHTS if name != "NamedGroupLasso"])
def test_a_penalty_on_weights_knows_no_batch(backend, rng, name):
    """It is neither divided by the rows of a mini-batch nor added once for each: its own gradient stays the same."""
    mg.manual_seed(0)
    model = nn.Linear(4, 3, dtype="float64")
    terms = reg.on(model, "*.weight", ON_WEIGHTS[name])
    x, y = mg.tensor(rng.standard_normal((12, 4))), rng.integers(0, 3, 12)
    added = []
    for rows in (1, 5, 12):
        slopes = []
        for penalty in (False, True):
            model.zero_grad()
            loss = mg.cross_entropy(model(x[:rows]), y[:rows])
            (loss + terms() if penalty else loss).backward()
            slopes.append(model.weight.grad.data.copy())
        added.append(slopes[1] - slopes[0])
    np.testing.assert_allclose(added[1:], [added[0]] * 2, atol=1e-14)
    assert np.abs(added[0]).max() > 1e-3


MAKERS = {
    "L1": reg.L1,
    "L2": reg.L2,
    "ElasticNet l1": reg.ElasticNet,
    "ElasticNet l2": lambda x: reg.ElasticNet(0.1, x),
    "Norm": reg.Norm,
    "GroupLasso": reg.GroupLasso,
    "SparseGroupLasso l1": lambda x: reg.SparseGroupLasso(x, 0.1),
    "SparseGroupLasso": lambda x: reg.SparseGroupLasso(0.1, x),
    "NamedGroupLasso": lambda x: reg.NamedGroupLasso(x, UNITS),
    "Orthogonal": reg.Orthogonal,
    "Activity l1": reg.Activity,
    "Activity l2": lambda x: reg.Activity(0.1, x),
    "ActivityNorm": reg.ActivityNorm,
    "ConfidencePenalty": reg.ConfidencePenalty,
    "InputGradient": reg.InputGradient,
    "MaxNorm": reg.MaxNorm,
    "article 002": lambda x: reg.conventions.article_002(x, 10),
    "Keras": reg.conventions.keras_l2,
    "PyTorch": reg.conventions.torch_weight_decay,
}


@pytest.mark.parametrize("strength", [-0.1, float("nan"), float("inf"), "0.1"])
@pytest.mark.parametrize("name", MAKERS)
def test_a_strength_is_finite_and_not_negative(name, strength):
    with pytest.raises(ValueError, match="need a finite number"):
        MAKERS[name](strength)


@pytest.mark.parametrize("m", [0, -5, 2.5, float("nan"), "100"])
def test_the_number_of_samples_is_whole_and_positive(m):
    for convention in (reg.conventions.article_002, reg.conventions.article_004):
        with pytest.raises((ValueError, TypeError), match=r"\bm\b"):
            convention(0.1, m)
