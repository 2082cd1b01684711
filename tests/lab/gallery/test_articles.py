"""The articles: every program runs quickly, its failures fail, its criteria hold, and the page says all of it."""

import json
import math
import re

import numpy as np
import pytest
from lab.reading import must_hold, quick_runs, read

import minigrad as mg
from minigrad import cli
from minigrad.lab import shipped
from minigrad.lab.gallery import pages
from minigrad.lab.gallery.article import SIZES, Article, around, descend, one_pixel

PROGRAMS = {path.stem: path for path in sorted(pages.ARTICLES.path.glob("*.py"))}
pytestmark = pytest.mark.skipif(not PROGRAMS, reason="needs the checkout, not an installed package")

# What each program must hold, in words that stand in its checks, in their order; scikit-learn's are where it is.
MUST_HOLD = {
    "000_linear": ["L2 by the formula", "L2 by the code", "L1: the data pull", "Lasso(alpha=λ)", "Ridge(alpha=mλ)"],
    "000_network": [
        "list of all variables: TypeError",
        "again in the loss: ValueError",
        "1.4612 = log(e + 9) - 1",
        "with two",
        "changes no bit",
        "serves one step: GraphError",
        "softmax twice, trained",
    ],
    "001_gradient": [
        "L1: minigrad's gradient",
        "L1: the printed one is minus",
        "L1: the true one",
        "L2: minigrad's gradient",
        "L2: the printed one is minus",
        "L2: the true one",
        "sign mended: the end is the ridge with l2 = 2λ",
        "sign and factor mended: the end is the ridge with l2 = λ",
        "a million times",
    ],
    "001_network": ["nobody has: TypeError", "see article 000): ValueError", "not attached", "attached, it changes"],
    "001_selection": ["LassoCV picks the same λ"],
    "002_descent": [
        "Two weights for one column: ValueError",
        "stops again: NameError",
        "initial θ has no effect",
        "of the closed form, in all four",
        "training rows falls with λ",
        "Ridge(alpha=λ)",
    ],
    "002_gradients": ["plain sigmoid", "the penalty acts alone", "clipping divides", "is log ρ", "log 0.9"],
    "002_uneven_data": [],
    "003_dropout": ["Dropout(0.2) keeps", "bit for bit", "inverted dropout does nothing"],
    "004_outputs": [
        "each row, where one number is due: ValueError",
        "for penalties: AttributeError",
        "‖softmax‖₁ is 1",
        "less sure",
        "moves no weight",
        "training with ‖ŷ‖₁ ends",
    ],
    "004_weights": ["the data pull with λ/(2m)", "Lasso(alpha=λ/(2m))"],
}
SKLEARN = "scikit-learn|Lasso|Ridge"


@pytest.fixture(scope="module")
def articles(tmp_path_factory):
    yield from quick_runs(PROGRAMS, tmp_path_factory.mktemp("empty"))


def test_every_program_is_known():
    assert set(PROGRAMS) == set(MUST_HOLD) == set(SIZES)
    assert {name[:3] for name in PROGRAMS} == {"000", "001", "002", "003", "004"}


@pytest.mark.parametrize("name", MUST_HOLD)
def test_what_must_hold(articles, name):
    article = articles(name)
    must_hold(article, MUST_HOLD[name], SKLEARN)
    assert article.number == name[:3] and article.title.startswith(f"Article {name[:3]}") and len(article.last) > 40


@pytest.mark.parametrize("name", MUST_HOLD)
def test_a_program_is_read_from_top_to_bottom(name):
    text = PROGRAMS[name].read_text()
    assert PROGRAMS[name].name in text and "--quick" in text and "__main__" not in text
    assert len(text.splitlines()) <= 160
    assert not re.search("[一-鿿]", text)  # the articles are Chinese; the words here are ours


def test_figures_of_the_mathematics(articles):
    """Numbers that the programs print, against the same by other means."""
    told = {name: " ".join(kept.words for kept in articles(name).kept) for name in ("000_network", "002_gradients")}
    assert f"{math.log(math.e + 9) - 1:.4f}" == "1.4612"
    assert "the loss is 1.4612" in told["000_network"]
    assert f"{math.log(0.9):.4f}: {math.log(0.9):.4f}" in told["002_gradients"]


def test_descent_reaches_the_closed_form():
    (train, _), places = one_pixel(rows=80)
    assert len(places) == train.x.shape[1] and 28 not in places
    assert np.allclose(train.x.mean(0), 0) and np.allclose(train.x.std(0), 1)
    w = descend(train, mg.reg.L2(0.2), 2000)
    gram = train.x.T @ train.x / len(train.x)
    assert np.allclose(w, np.linalg.solve(gram + 0.2 * np.eye(len(gram)), train.x.T @ train.y[:, 0] / len(train.x)))


def test_a_criterion_that_fails_is_an_error_and_a_finding_is_not(capsys):
    article = Article("002_descent.py", "Title.", ["--quick"])
    with pytest.raises(AssertionError, match="002_descent: 1 is 2"):
        article.holds("1 is 2", False)
    with pytest.raises(AssertionError, match="it divides: no ZeroDivisionError was raised"):
        article.fails("it divides", ZeroDivisionError, lambda: 1)
    with pytest.raises(ValueError, match="another"):
        article.fails("it divides", ZeroDivisionError, lambda: int("another"))
    article.finds("1 is more than 2", False)
    assert [kept.kind for kept in article.kept] == ["does not hold"]
    assert "does not hold: 1 is more than 2" in capsys.readouterr().out


def test_means_over_seeds():
    assert around([1.0, 3.0], 2) == "2.00 ± 1.41"
    assert around([0.5], 1, 100) == "50.0"
    assert around([math.nan], 1) == "–"


def test_the_page_holds_everything(articles):
    done = [(articles(name), 1.0) for name in MUST_HOLD]
    page = read(pages.write(done, True, 1.0).html())
    text = " ".join(" ".join(page.text).split())
    assert page.loads == [] and page.links == page.anchors == list(MUST_HOLD)
    for article, _ in done:
        assert article.title in text and article.last in text
        assert all(kept.words in text for kept in article.kept)
    assert "def train_as_printed" in text and "noqa" not in text
    assert all(what in text for sizes in SIZES.values() for what in sizes)


@pytest.mark.parametrize("figures", [True, False])
def test_command(tmp_path, capsys, monkeypatch, figures):
    if figures:
        pytest.importorskip("matplotlib", reason="needs the extra `figures`")
    monkeypatch.delenv("MINIGRAD_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    options = ["articles", "001", "--quick", "--out", str(tmp_path), *([] if figures else ["--no-figures"])]
    assert cli.main(options) == 0
    out = capsys.readouterr().out
    assert "look at: one wrong sign" in out and str(tmp_path / "articles.html") in out and "002_descent" not in out
    page = read((tmp_path / "articles.html").read_text(encoding="utf-8"))
    assert len(page.images) == (5 if figures else 0)
    assert page.anchors == ["001_gradient", "001_network", "001_selection"]
    found = json.loads((tmp_path / "articles.json").read_text(encoding="utf-8"))["examples"]
    assert set(found) == set(page.anchors) and found["001_gradient"]["kept"][0]["held"] is True


def test_errors_of_the_command(tmp_path, capsys, monkeypatch):
    assert cli.main(["articles", "007", "--out", str(tmp_path)]) == 2
    assert "no article 007; there are 000, 001, 002, 003, 004" in capsys.readouterr().err
    monkeypatch.setattr(shipped, "PACKAGE", tmp_path / "minigrad")  # a package without its programs
    assert cli.main(["articles", "--out", str(tmp_path)]) == 2
    assert "install minigrad anew" in capsys.readouterr().err
