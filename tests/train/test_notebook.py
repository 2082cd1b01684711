"""What notebooks show: HTML of every kind of result, figures, and the progress of a run in one cell."""

import inspect
import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

import minigrad as mg
from minigrad import data, linear_model, nn, optim, reg, selection, train
from minigrad.public import described
from minigrad.train import History
from minigrad.train.notebook import shell

X, Y = data.load_digits()


def network():
    return nn.Sequential(nn.Linear(64, 8, activation="relu"), nn.Linear(8, 10))


def test_tensors():
    small = mg.tensor([[1.0, float("nan")], [2.0, 3.0]], requires_grad=True)._repr_html_()
    assert "2 × 2, float32, requires_grad" in small and "nan" in small
    large = mg.tensor(np.r_[np.zeros(50), np.ones(50), np.inf, np.nan])._repr_html_()
    assert "102 numbers, 50 of them 0, 0 to 1, mean 0.5, 2 not finite" in large
    assert mg.tensor(np.full(100, np.nan))._repr_html_().count("100 not finite") == 1
    for odd in (np.zeros((0, 3)), np.float64(2), np.ones(70, bool), np.arange(100)):
        assert mg.tensor(odd)._repr_html_()


def test_models_terms_and_zeros():
    model = network()
    model[0].weight.requires_grad_(False)
    shown = model._repr_html_()
    assert "0.weight" in shown and "64 × 8" in shown and "frozen" in shown and "610 parameters" in shown
    assert "0 parameters" in nn.ReLU()._repr_html_()
    terms = reg.on(model, "*.weight", reg.L1(0.1))
    assert "L1(0.1)" in terms._repr_html_() and "1.weight" in reg.sparsity(model)._repr_html_()
    odd = nn.ModuleDict({"<script>": nn.Linear(2, 2)})
    assert "<script>" not in odd._repr_html_() and "&lt;script&gt;" in odd._repr_html_()


def test_a_trace_says_in_which_cell_an_op_was_called(monkeypatch):
    """The code of a cell stands in a file of a made-up name, which IPython can tell."""
    compiler = SimpleNamespace(format_code_name=lambda name: ("Cell", "In[3]") if name == __file__ else None)
    ipython = ModuleType("IPython")
    ipython.get_ipython = lambda: SimpleNamespace(compile=compiler)
    x = mg.tensor(2.0, requires_grad=True)
    with mg.debug.trace() as outside:
        x * 3.0
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    with mg.debug.trace() as inside:
        x * 3.0
    assert "line test_notebook.py:" in str(outside) and "line In[3]:" in str(inside)


def history(epochs=20):
    return History([{"epoch": i + 1, "loss": 1 / (i + 1), "val_loss": abs(i - 6) + 1.0} for i in range(epochs)])


def test_histories():
    shown = history()._repr_html_()
    assert "8 epochs before" in shown and shown.count("<tr>") == 13
    assert History()._repr_html_() == "<p>no epochs</p>"
    stopped = history()
    stopped.stopped = "val_<b>loss</b> & more"
    assert "val_&lt;b&gt;loss&lt;/b&gt; &amp; more" in stopped._repr_html_()


def cross_validated():
    x, y, _ = data.regression(60, 10, noise=1.0, nonzero=2, dtype="float64")
    return selection.cross_validate(linear_model.Regression(), x, y, count=30), x, y


def test_choices_of_lambda():
    result, x, y = cross_validated()
    assert "more λ" in result._repr_html_() and "5 folds" in result._repr_html_()
    assert "BIC" in selection.criteria(linear_model.Regression(), x, y)._repr_html_()


def test_figures(tmp_path):
    pytest.importorskip("matplotlib", reason="needs matplotlib: pip install minigrad[figures]")
    figure = history().plot(tmp_path / "history.png")
    assert figure.axes[0].get_title() == "held-out loss 1 in epoch 7, the best of 20"
    assert figure._repr_svg_().rstrip().endswith("</svg>")  # a notebook shows it, without pyplot
    assert figure.axes[0].get_xlabel() == "epoch" and (tmp_path / "history.png").stat().st_size > 1000
    plain = History([{"epoch": 1, "loss": 0.5}]).plot()
    assert plain.axes[0].get_title() == "loss 0.5 after 1 epoch"
    History([{"epoch": 1, "loss": 0.5, "val_loss": float("nan")}]).plot()
    result, *_ = cross_validated()
    assert f"λ = {result.lambda_min:.4g}" in result.plot().axes[0].get_title()
    names = [f"input {i}" for i in range(10)]
    labels = [t.get_text() for t in result.plot_path(names).axes[0].get_legend().get_texts()]
    assert any("input" in label for label in labels) and any("best: " in label for label in labels)
    with pytest.raises(mg.NotFittedError):
        History().plot()


def test_figures_without_matplotlib(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match=r"History.plot needs matplotlib: pip install 'minigrad\[figures\]'"):
        history().plot()


class Screen:
    """A notebook: what its one cell shows in turn."""

    def __init__(self, monkeypatch):
        self.shown = []
        display = ModuleType("IPython.display")
        display.HTML = lambda text: text
        display.display = lambda text, display_id: self.update(text) or self
        ipython = ModuleType("IPython")
        ipython.get_ipython = lambda: SimpleNamespace(kernel=object())
        monkeypatch.setitem(sys.modules, "IPython", ipython)
        monkeypatch.setitem(sys.modules, "IPython.display", display)

    def update(self, text):
        self.shown.append(text)


def test_progress_in_a_notebook(monkeypatch, capsys):
    screen = Screen(monkeypatch)
    model = network()
    train.fit(
        model,
        (X[:200], Y[:200]),
        mg.cross_entropy,
        optim.Adam(model.parameters()),
        epochs=15,
        callbacks=[train.Progress()],
    )
    last = screen.shown[-1]
    assert any("<progress" in text for text in screen.shown) and "<progress" not in last
    assert "loss" in last and "   15  " in last and "    2  " not in last
    assert capsys.readouterr().err == ""


def test_elsewhere_there_is_no_notebook(monkeypatch):
    monkeypatch.delitem(sys.modules, "IPython", raising=False)
    assert shell() is None
    Screen(monkeypatch)
    sys.modules["IPython"].get_ipython = lambda: SimpleNamespace()  # IPython in a terminal
    assert shell() is None


def test_everything_says_what_it_is():
    assert repr(train.EarlyStopping("loss", patience=3)) == "EarlyStopping(monitor='loss', patience=3)"
    assert repr(optim.StepLR(optim.SGD(network().parameters(), lr=0.1), 5)).startswith("StepLR(")
    assert repr(data.RandomShift(3)) == "RandomShift(pixels=3)"
    silent = []
    for module in (mg, nn, optim, train, data, reg, selection, linear_model):
        for name in getattr(module, "__all__", dir(module)):
            kind = getattr(module, name, None)
            if inspect.isclass(kind) and kind.__module__.startswith("minigrad") and not issubclass(kind, BaseException):
                silent += [name] if kind.__repr__ is object.__repr__ else []
    assert set(silent) <= {"no_grad"}


def test_descriptions_leave_out_what_is_long():
    class Odd:
        __repr__ = described

        def __init__(self, model, rows=None, *more, rate=0.1):
            self.model, self.rows, self._rate = model, rows, rate

    assert repr(Odd(network(), rows=list(range(10**4)), rate=0.2)).startswith("Odd(model=Sequential, rows=[0, 1, 2")
    assert len(repr(Odd(network(), rows=list(range(10**4))))) < 120
