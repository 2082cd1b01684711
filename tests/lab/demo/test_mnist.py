"""Article 000's network, on a few made-up rows of MNIST's shape."""

import numpy as np
import pytest
from lab.reading import read

from minigrad import cli, reg
from minigrad.data import Dataset, Split
from minigrad.lab.demo import mnist


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    x = rng.random((96, 784)).astype(np.float32)
    return Split(Dataset(x[:64], np.arange(64) % 10), Dataset(x[64:], np.arange(32) % 10))


def test_conventions_differ_by_the_factor_2():
    formula, code = mnist.CONVENTIONS.values()
    assert (formula.l1, formula.l2, code.l1, code.l2) == (0, 0.001, 0, 0.002)


def test_the_network_is_the_article_s():
    model = mnist.network()
    assert [p.shape for p in model.parameters()] == [(784, 64), (64,), (64, 64), (64,), (64, 10), (10,)]
    for name, p in model.named_parameters():
        if name.endswith("bias"):
            assert (p.data == 0).all()
        else:
            assert np.abs(p.data).max() <= np.sqrt(6 / sum(p.shape))  # Glorot uniform


def test_biases_are_penalised_and_values_apart(data, capsys):
    results = mnist.run(data, range(2), 2)
    out = capsys.readouterr().out
    assert "on all variables" in out and "seed 1" in out
    for runs in results.values():
        for r in runs:
            assert r.history.names[:4] == ["epoch", "loss", "L2", "total"]
            assert r.history.last["val_total"] == pytest.approx(r.history.last["val_loss"] + r.history.last["val_L2"])
    model = mnist.network()
    start = reg.on(model, {"L2": (reg.everything, mnist.CONVENTIONS["code, λ Σw²"])})
    assert len(start.entries[0].parameters) == 6


@pytest.mark.parametrize("figures", [True, False])
def test_command(data, tmp_path, capsys, monkeypatch, figures):
    if figures:
        pytest.importorskip("matplotlib", reason="needs the extra `figures`")
    monkeypatch.setattr(mnist, "load_mnist", lambda download: data)
    options = ["demo", "--data", "mnist", "--seeds", "2", "--epochs", "2", "--out", str(tmp_path)]
    assert cli.main(options + ([] if figures else ["--no-figures"])) == 0
    assert str(tmp_path / "mnist.html") in capsys.readouterr().out
    page = read((tmp_path / "mnist.html").read_text(encoding="utf-8"))
    assert page.loads == [] and len(page.images) == (2 if figures else 0)
    assert "seed by seed" in " ".join(page.text)
    assert (tmp_path / "mnist.json").exists()
