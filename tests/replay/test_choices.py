"""What chooses by the numbers: comparisons are refused by name, activations choose anew in each replayed step."""

import numpy as np
import pytest

import minigrad as mg

COMPARISONS = {
    "gt": lambda x: mg.where(x > 0, x, 2 * x),
    "eq": lambda x: mg.masked_fill(x, x == 0, 1.0),
    "isnan": lambda x: mg.where(mg.isnan(x), 0.0, x),
}


@pytest.mark.parametrize("name", COMPARISONS)
def test_comparisons_are_refused_by_name(name):
    """NumPy makes them. Both recordings here give one answer, so that nothing else would tell."""
    with pytest.raises(mg.ReplayError, match=f"{name} of real numbers inside a step .*, in test_choices.py, line"):
        step = mg.compile(lambda x: COMPARISONS[name](x).sum())
        for _ in range(3):
            step(np.ones(5))


@pytest.mark.parametrize("name", ["elu", "celu", "softplus", "hardtanh", "leaky_relu"])
def test_activations_choose_anew_in_each_step(name):
    """Positive in both recordings, on the other side of the kink, and beyond the threshold, in the replays."""
    function = getattr(mg, name)

    def step(x):
        x = x.detach().requires_grad_(True)
        y = function(x).sum()
        y.backward()
        return y, x.grad

    compiled = mg.compile(step)
    for value in (0.5, 0.7, -3.0, 0.0, 21.0, -0.5):
        x = np.full(5, value)
        assert [t.data.tobytes() for t in compiled(x)] == [t.data.tobytes() for t in step(mg.tensor(x))], value
    assert all(entry.program is not None for entry in compiled._entries.values()), "it was replayed"


LENGTHS = {
    "norm": lambda x: mg.norm(x, dim=1),
    "std": lambda x: mg.std(x, dim=1),
    "group lasso": mg.reg.GroupLasso(0.1),
}


@pytest.mark.parametrize("name", LENGTHS)
def test_a_length_that_becomes_0_in_a_replayed_step(name):
    """Its gradient is 0 there, and not 0 / 0, though nothing was 0 when the step was recorded."""

    def step(x):
        x = x.detach().requires_grad_(True)
        y = LENGTHS[name](x).sum()
        y.backward()
        return y, x.grad

    compiled = mg.compile(step)
    for k in range(5):
        x = np.arange(6.0).reshape(3, 2) + k
        if k > 2:
            x[1] = x[:, 0] = 0.0
        found = [t.data.tobytes() for t in compiled(x)]
        assert found == [t.data.tobytes() for t in step(mg.tensor(x))], k
    assert np.isfinite(np.frombuffer(found[1])).all()
