"""The recipes of CONTRIBUTING.md: their Python does what they say, in the namespace of the file that it is for."""

import argparse
import importlib
import re
from pathlib import Path

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim, reg

PAGE = Path(__file__).parent.parent / "CONTRIBUTING.md"
pytestmark = pytest.mark.skipif(not PAGE.exists(), reason="needs the checkout, not an installed package")
NAMES = ("An op", "A kernel", "A layer", "A penalty", "An optimizer", "A loss", "A command")


def recipe(name, *homes, block=0):
    """A Python block of a recipe, run as if it stood in a module: what the module then has."""
    text = PAGE.read_text(encoding="utf-8").split(f"\n### {name}\n")[1].split("\n### ")[0]
    blocks = re.findall(r"^   ```python\n(.*?)^   ```$", text, re.DOTALL | re.MULTILINE)
    code = re.sub(r"^   ", "", blocks[block], flags=re.MULTILINE)
    names = {"__name__": f"{homes[0]}.added", "__package__": homes[0].rpartition(".")[0]}
    for home in homes:
        names = {**vars(importlib.import_module(home)), **names}
    exec(compile(code, str(PAGE), "exec"), names)
    return names


def test_each_recipe_says_what_to_run():
    text = PAGE.read_text(encoding="utf-8")
    for name in NAMES:
        part = text.split(f"\n### {name}\n")[1].split("\n### ")[0]
        assert "pytest" in part and "tests/" in part, name
        for path in re.findall(r"`((?:minigrad|tests|src_c|docs|benchmarks|examples)/[\w./]+)`", part):
            made = ("scale", "pseudo_huber", "digest")  # what the recipe itself makes
            assert (PAGE.parent / path).exists() or any(word in path for word in made), f"{name} names {path}"


def test_op(backend):
    logit = recipe("An op", "minigrad.ops.elementwise.exponential")["logit"]
    x = np.linspace(0.1, 0.9, 9)
    assert np.allclose(logit(mg.tensor(x)).data, np.log(x / (1 - x)), rtol=1e-14)
    assert mg.testing.gradcheck(logit, [x])


def test_kernel():
    kernel = recipe("A kernel", "minigrad.kernels.reference.penalty")["hinge_threshold"]
    v = np.array([-1.0, 0.9, 1.0, 2.0, np.nan])
    out = np.empty_like(v)
    kernel(v, out, step=0.3)
    many = np.linspace(-3, 3, 60_001)
    for at, found in zip(v[:4], out):
        price = (many - at) ** 2 / (2 * 0.3) + np.maximum(0, 1 - many)
        assert abs(found - many[price.argmin()]) < 2e-4
    assert np.isnan(out[4])


def test_layer(backend):
    scale = recipe("A layer", "minigrad.nn.linear")["Scale"]
    layer = nn.Sequential(scale(2, dtype="float64"))
    assert mg.testing.gradcheck(layer, [np.array([[1.0, -2.0]])])
    with pytest.raises(mg.ShapeError, match=r"Scale 2: x is \(3,\); need \(..., 2\)"):
        layer[0](mg.ones(3))


def test_penalty(backend):
    term = recipe("A penalty", "minigrad.reg.weights.elastic_net")["PseudoHuber"](0.3)
    w = np.array([-2.0, 0.0, 1e-4, 5.0])
    assert term.value(mg.tensor(w)) == pytest.approx(0.3 * (np.sqrt(1 + w * w) - 1).sum())
    assert mg.testing.gradcheck(term, [w])
    assert "PseudoHuber(0.3)" in repr(reg.on(nn.Linear(2, 1), "*.weight", term))


def test_optimizer(backend):
    made = recipe("An optimizer", "minigrad.optim.sgd")["SGDW"]
    w, twin = nn.Parameter(np.array([1.0, -3.0])), nn.Parameter(np.array([1.0, -3.0]))
    ours, plain = made([w], lr=0.1, weight_decay=0.5), optim.SGD([twin], lr=0.1, weight_decay=0.5)
    for optimizer, p in ((ours, w), (plain, twin)):
        mg.sum(p * p).backward()
        optimizer.step()
    assert np.allclose(w.data, twin.data)  # without momentum both are the same


def test_loss(backend):
    homes = ("minigrad.ops.losses.regression", "minigrad.ops.elementwise.arithmetic")
    text = recipe("A loss", *homes, "minigrad.ops.elementwise.trigonometric")
    loss, x, t = text["pseudo_huber_loss"], np.array([0.0, 2.0, -1.0]), np.array([0.0, 0.5, 1.0])
    assert loss(mg.tensor(x), t).item() == pytest.approx((np.sqrt(1 + (x - t) ** 2) - 1).mean())
    assert mg.testing.gradcheck(lambda x: loss(x, t), [x])


def test_command(tmp_path, capsys):
    names = recipe("A command", "minigrad.commands.show")
    mg.save(tmp_path / "w.safetensors", {"w": mg.ones(2)})
    parser = argparse.ArgumentParser()
    names["add_digest"](parser.add_subparsers())
    options = parser.parse_args(["digest", str(tmp_path / "w.safetensors")])
    options.run(options)
    assert capsys.readouterr().out.rstrip().endswith("float32 (2,)  w")
