"""Containers: what they hold is found, named, saved, copied and pickled; edits keep numbers in order; bad entries."""

import copy
import pickle

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn


class Ladder(nn.Module):
    """All containers in one model."""

    def __init__(self):
        self.steps = nn.ModuleList(nn.Linear(3, 3) for _ in range(3))
        self.heads = nn.ModuleDict({"a": nn.Linear(3, 2), "b": nn.Sequential(nn.Linear(3, 1))})
        self.scales = nn.ParameterList([[1.0, 2.0, 3.0], np.ones(3, np.float32)])
        self.block = nn.Residual(nn.Linear(3, 3), nn.Tanh(), drop=0.5)
        self.rest = nn.Sequential(nn.Identity(), nn.Lambda(mg.square))

    def forward(self, x):
        for step, scale in zip(self.steps, [*self.scales, None]):
            x = step(x) if scale is None else step(x) * scale
        x = self.rest(self.block(x))
        return mg.cat([head(x) for head in self.heads.values()], dim=1)


NAMES = [f"steps.{i}.{part}" for i in range(3) for part in ("weight", "bias")] + [
    "heads.a.weight",
    "heads.a.bias",
    "heads.b.0.weight",
    "heads.b.0.bias",
    "scales.0",
    "scales.1",
    "block.branch.0.weight",
    "block.branch.0.bias",
]
X = np.random.default_rng(0).standard_normal((5, 3)).astype(np.float32)


def test_a_model_of_containers_is_found_saved_copied_pickled_and_predicts(backend, tmp_path):
    model = Ladder()
    assert [name for name, _ in model.named_parameters()] == NAMES == list(model.state_dict())
    expected = model.predict(X)
    for twin in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert (twin.predict(X) == expected).all()
        assert twin.steps[0] is twin.steps.children()[0] is not model.steps[0]
    mg.save(tmp_path / "model.safetensors", model)
    mg.manual_seed(9)
    other = Ladder()
    assert (other.predict(X) != expected).any()
    other.load_state_dict(mg.load(tmp_path / "model.safetensors"))
    assert (other.predict(X) == expected).all()
    model(mg.tensor(X)).sum().backward()
    assert all(p.grad is not None for p in model.parameters())


def test_lists_are_edited_as_lists_are():
    a, b, c, d = (nn.Linear(1, n) for n in (1, 2, 3, 4))
    found = nn.ModuleList([a, b])
    assert found.append(c) is found and found.extend([d]) is found
    found.insert(1, nn.ReLU())
    assert [type(m).__name__ for m in found] == ["Linear", "ReLU", "Linear", "Linear", "Linear"]
    assert isinstance(found.pop(1), nn.ReLU) and list(found) == [a, b, c, d]
    del found[0], found[-1]
    assert list(found) == [b, c] and [name for name, _ in found.named_children()] == ["0", "1"]
    found[-1] = d
    assert found[1] is d and d in found and c not in found and len(found) == 2
    assert list(found[::-1]) == [d, b] and type(found[:1]) is nn.ModuleList
    assert list(found + [a]) == [b, d, a] and len(found) == 2
    assert list(found.state_dict()) == ["0.weight", "0.bias", "1.weight", "1.bias"]
    with pytest.raises(IndexError):
        found[2]
    with pytest.raises(NotImplementedError, match="ModuleList defines no forward"):
        found(1)


def test_a_frozen_parameter_stays_in_its_list():
    found = nn.ParameterList([[1.0], [2.0], [3.0]])
    found[1].requires_grad_(False)
    frozen = found[1]
    found.insert(0, [4.0])
    assert found[2] is frozen and [p.tolist() for p in found] == [[4.0], [1.0], [2.0], [3.0]]
    assert len(found.parameters()) == 4 and len(found[1:]) == 3 and found[1:][1] is frozen
    del found[0]
    assert list(found.state_dict()) == ["0", "1", "2"]


def test_bad_entries_are_named():
    for make, text in [
        (lambda: nn.ModuleList([nn.ReLU]), r"ModuleList: entry 0 is .*; did you mean ReLU\(\)\?"),
        (lambda: nn.ModuleList([nn.ReLU(), 3]), "ModuleList: entry 1 is 3; need a Module"),
        (lambda: nn.ModuleDict({"a": nn.ReLU}), r"ModuleDict: 'a' is .*ReLU\(\)\?"),
        (lambda: nn.ParameterList([mg.zeros(2)]), "entry 0 is a tensor without requires_grad"),
        (lambda: nn.ParameterList([nn.Parameter([1.0]) * 2]), "entry 0 is a result"),
        (lambda: nn.ParameterList(["x"]), "entry 0 is 'x'"),
        (lambda: nn.Lambda(3), "Lambda: function is 3"),
        (lambda: nn.Lambda(nn.ReLU()), "a layer needs no Lambda"),
        (lambda: nn.Residual(), "Residual: got no layer"),
        (lambda: nn.Residual(nn.ReLU), r"layer 0 is .*ReLU\(\)"),
        (lambda: nn.Residual(nn.ReLU(), shortcut=3), "shortcut is 3"),
    ]:
        with pytest.raises(TypeError, match=text):
            make()
    with pytest.raises(ValueError, match=r"drop .* is 2; need"):
        nn.Residual(nn.ReLU(), drop=2)
    for key in ("a.b", "", 3):
        with pytest.raises(ValueError, match="need a word without a dot"):
            nn.ModuleDict([(key, nn.ReLU())])
    for key in ("training", "forward", "keys", "_parts"):
        with pytest.raises(ValueError, match="every module has an attribute"):
            nn.ModuleDict({key: nn.ReLU()})


def test_a_dict_of_modules_is_a_dict():
    first, second = nn.ReLU(), nn.Tanh()
    found = nn.ModuleDict({"a": first})
    found["b"] = second
    found["a"] = second
    assert list(found) == ["a", "b"] and found["a"] is second and len(found) == 2 and "b" in found
    assert list(found.items()) == [("a", second), ("b", second)]
    with pytest.raises(KeyError, match="there is no 'c'; there are a, b"):
        found["c"]
    del found["a"]
    assert found.pop("b") is second and list(found.keys()) == []
    with pytest.raises(KeyError, match="there are none"):
        del found["a"]


def test_a_shortcut_is_not_broadcast(backend):
    with pytest.raises(mg.ShapeError, match=r"Residual: the branch gives \(4, 1\), x \(4, 3\); need the same"):
        nn.Residual(nn.Linear(3, 1))(mg.zeros(4, 3))
    with pytest.raises(mg.ShapeError, match=r"model.0 \(Residual\): the branch gives \(4, 1\), the shortcut \(4, 2\)"):
        nn.Sequential(nn.Residual(nn.Linear(3, 1), shortcut=nn.Linear(3, 2)))(mg.zeros(4, 3))
    block = nn.Residual(nn.Linear(3, 2), shortcut=nn.Linear(3, 2, bias=False))
    x = mg.tensor(X)
    np.testing.assert_array_equal(block(x).data, (x @ block.shortcut.weight).data + block.branch(x).data)


def test_a_dropped_branch_leaves_the_row_unchanged(backend):
    mg.manual_seed(4)
    block = nn.Residual(nn.Linear(3, 3), drop=0.5)
    x = mg.tensor(np.tile(X, (8, 1)), requires_grad=True)
    y, kept = block(x), block.drop.last_mask()[:, 0]
    assert 0 < kept.sum() < 40
    np.testing.assert_array_equal(y.data[~kept], x.data[~kept])
    np.testing.assert_array_equal(y.data[kept], (x + 2.0 * block.branch(x)).data[kept])
    np.testing.assert_array_equal(block.eval()(x).data, (x + block.branch(x)).data)
    whole = nn.StochasticDepth(0.5, mode="batch")
    outputs = [whole(mg.ones(3, 2)).data for _ in range(20)]
    assert {tuple(np.unique(y)) for y in outputs} == {(0.0,), (2.0,)}
    assert "batch" in repr(whole)
    with pytest.raises(ValueError, match="mode is 'rows'; need 'row' or 'batch'"):
        nn.StochasticDepth(0.5, mode="rows")
    with pytest.raises(mg.ShapeError, match="single number"):
        whole(mg.tensor(1.0))


def test_texts():
    assert repr(nn.Lambda(mg.square)) == "Lambda(square)"
    assert repr(nn.Residual(nn.ReLU(), drop=0.25)) == ("Residual()\n  branch: ReLU()\n  drop: StochasticDepth(p=0.25)")
