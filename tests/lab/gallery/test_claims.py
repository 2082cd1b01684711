"""The claims: every one runs quickly, its mathematics holds, and the page says all of it."""

import json
import re

import numpy as np
import pytest
from lab.reading import must_hold, quick_runs, read

import minigrad as mg
from minigrad import cli
from minigrad.lab import shipped
from minigrad.lab.gallery import claim, pages
from minigrad.lab.gallery.claim import SIZES, Claim, Images, network, standard_errors, trained
from minigrad.lab.pages.statistics import T95, holm, paired_gain, paired_p, t_tail

PROGRAMS = {path.stem: path for path in sorted(pages.CLAIMS.path.glob("*.py"))}
pytestmark = pytest.mark.skipif(not PROGRAMS, reason="needs the checkout, not an installed package")

# What each must hold, in words that stand in its checks, in their order; scikit-learn's are where it is.
MUST_HOLD = {
    "C1_exact_zeros": ["the same", "at most 1e-8"],
    "C2_shrinkage": ["‖w‖ grows at every step", "s²/(s² + mλ) times", "none is exactly 0"],
    "C3_generalization": [],
    "C4_too_much_too_little": ["linear regression: 0 and 0", "two classes: 0 and 0", "ten classes: 0 and 0"],
    "C5_folds": [
        "LassoCV picks the same",
        "fold errors agree with LassoCV",
        "fewer non-zeros",
        "within one standard error",
    ],
    "C6_gap": ["on average over 4,000 masks"],
    "C7_scaling_of_dropout": [*["in the last place"] * 3, *["rescaled, the outputs stay", "without rescaling"] * 3],
    "C8_depth": ["linear: the slope is log ρ", "linear, ρ = 1", "at most the product of all"],
    "C9_cost": ["compact changes no output"],
    "C10_large_data": [],
    "C11_images_and_sequences": ["the sums over windows", "one mask for all"],
    "C12_uneven_classes": [],
    "C13_missing_values": [],
    "C14_high_dimension": ["the largest error", "no peak"],
    "C15_pairs": [],
    "C16_early_stopping": ["after t steps", "with the ridge", "gradient flow, the limit", "from 50 steps", "the risk"],
    "C17_decay": ["SGD without momentum", "AdamW's decay"],
    "C18_more_data": [],
    "C19_articles": ["Article 000's two linear models", "Article 000's network"],
    "C20_before_batch_norm": [
        "give the same outputs",
        "0.1 times that at W",
        "at a right angle",
        "reg.on warns",
        "at a rate that rises",
        "the loss of every step",
    ],
}
SKLEARN = "LassoCV"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    yield from quick_runs(PROGRAMS, tmp_path_factory.mktemp("empty"), kind="claim")


def test_every_program_is_known():
    assert set(PROGRAMS) == set(MUST_HOLD) == set(SIZES)
    assert {*claim.TIMED, *claim.LONG} <= set(SIZES)


@pytest.mark.parametrize("name", MUST_HOLD)
def test_what_must_hold(made, name):
    claim = made(name)
    must_hold(claim, MUST_HOLD[name], SKLEARN)
    assert claim.title.startswith(f"{claim.number}. ") and len(claim.last) > 20


@pytest.mark.parametrize("name", MUST_HOLD)
def test_a_claim_says_what_it_compares_before_it_looks(name):
    text = PROGRAMS[name].read_text()
    head = text.split('"""')[1]
    assert "Primary comparison: " in head and PROGRAMS[name].name in head and "--quick" in head
    assert "__main__" not in text and len(text.splitlines()) <= 130
    said = re.search(r"claim.section", text).start()
    assert not re.findall(r"^[A-Z][A-Z, ]* = ", text[said:], re.M)  # sizes, grids and thresholds stand above the first


def test_rows_of_a_seed(made):
    """Training rows differ from validation rows and between seeds; only the share asked for is wrong."""
    images = Images()
    noisy, clean, held = images.rows(100, 50, 3, noise=0.3)
    assert (noisy.y != clean.y).sum() == 30 and np.array_equal(noisy.x, clean.x)
    rows = {row.tobytes() for row in clean.x}
    assert not rows & {row.tobytes() for row in held.x} and rows != {r.tobytes() for r in images.rows(100, 50, 4)[1].x}


def test_the_network_has_dropout_behind_both_hidden_layers():
    assert [type(layer).__name__ for layer in network(4, dropout=0.5)] == ["Linear", "Dropout"] * 2 + ["Linear"]
    assert len(network(4)) == 3


def test_training_is_a_function_of_the_seed_and_takes_what_it_is_given(rng):
    data = rng.random((40, 3), "float32"), rng.integers(0, 10, 40)
    seen = []

    def noted(x, y, place):
        seen.append((len(x), place[0]))
        return x, y

    first, again = (trained(data, 3, 2, transform=[noted], batch=16)[0].weight.data for _ in range(2))
    assert np.array_equal(first, again) and seen[:3] == [(16, 3), (16, 3), (8, 3)] and len(seen) == 12
    assert (first != trained(data, 4, 2, batch=16)[0].weight.data).any()
    assert (first != trained(data, 3, 2, batch=16, rate=1e-2)[0].weight.data).any()
    made = trained(data, 3, 1, make=lambda: mg.nn.Linear(3, 10), penalty=mg.reg.L2(0.1))
    assert type(made) is mg.nn.Linear


def test_gains_have_a_direction(capsys):
    claim = Claim("C2_shrinkage.py", "Title.", ["--quick"])
    claim.gains("up", [2.0, 3.1, 4.0], [1.0, 2.0, 3.0])
    claim.gains("down", [2.0, 3.1, 4.0], [1.0, 2.0, 3.0], higher=False)
    assert claim.gains("one", [1.0], [0.0]) is None
    assert [kept.held for kept in claim.kept] == [True, False]
    assert "holds: up: +1.03 ± 0.14" in capsys.readouterr().out


def test_a_verdict_has_three_words(capsys):
    """The same three figures say: it is so, the other way round, and nothing; also by Holm and against a bound."""
    claim = Claim("C2_shrinkage.py", "Title.", ["--quick"])
    up, level, wild = [2.0, 3.0, 4.1], [1.0, 2.0, 3.0], [9.0, -8.0, 3.0]
    claim.gains("so", up, level)
    claim.gains("the other way", level, up)
    claim.gains("nothing is known", wild, level)
    words = ["holds", "does not hold", "undecided"]
    assert [kept.kind for kept in claim.kept] == words and [kept.held for kept in claim.kept] == [True, False, None]
    claim.corrected({"so": (up, level), "the other way": (level, up), "nothing": (wild, level)})
    assert [kept.kind for kept in claim.kept[3:]] == words
    gain = paired_gain(up, level)  # 1.03 ± 0.14
    for bound in (2.0, 0.5, 1.1):
        claim.compares("less", gain, "lower", bound)
    assert [kept.kind for kept in claim.kept[6:]] == words
    said = capsys.readouterr().out
    assert "undecided: nothing is known: -0.67 ± 22.40" in said and said.count("does not hold: ") == 3
    page = pages.write([(claim, 1.0)], False, 1.0, pages.CLAIMS).html()
    assert page.count('class="verdict undecided"') == 3 and ".undecided b" in page and "<th>? undecided</th>" in page


def test_tails_of_t():
    """The 95% points of the table have 5% beyond them; p values and intervals agree about 0."""
    assert np.allclose([t_tail(point, n) for n, point in enumerate(T95, 1)], 0.05, atol=1e-6)
    treated, control = [1.0, 2.5, 2.0, 4.0], [0.5, 1.0, 2.5, 2.0]
    gain = paired_gain(treated, control)
    assert (paired_p(treated, control) < 0.05) == (gain.verdict != "undecided")
    assert paired_p([1.0, 2.0], [1.0, 2.0]) == 1 and paired_p([1.0, 2.0], [0.0, 1.0]) == 0
    assert abs(standard_errors([1.0, 2.0, 3.0]) - 2 * 3**0.5) < 1e-12


def test_holm():
    assert np.allclose(holm([0.01, 0.04, 0.03]), [0.03, 0.06, 0.06])
    assert holm([0.5, 0.9]) == [1.0, 1.0] and holm([]) == []


def test_the_page_holds_everything(made):
    done = [(made(name), 1.0) for name in MUST_HOLD]
    page = read(pages.write(done, True, 1.0, pages.CLAIMS).html())
    text = " ".join(" ".join(page.text).split())
    assert page.loads == [] and page.links == page.anchors == list(MUST_HOLD)
    assert all(claim.title in text and all(kept.words in text for kept in claim.kept) for claim, _ in done)
    assert all(name in text and what in text for name, sizes in SIZES.items() for what in sizes)


@pytest.mark.parametrize("options", [("--no-figures",), (), ("--jobs", "2")])
def test_command(tmp_path, capsys, monkeypatch, options):
    if options != ("--no-figures",):
        pytest.importorskip("matplotlib", reason="needs the extra `figures`")
    if "--jobs" in options:
        pytest.importorskip("joblib", reason="needs the extra `parallel`")
    monkeypatch.delenv("MINIGRAD_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cli.main(["claims", "C7", "c17", "--quick", "--out", str(tmp_path), *options]) == 0
    said = capsys.readouterr().out
    assert str(tmp_path / "claims.html") in said and "read nothing into" in said  # as the page says of a short run
    page = read((tmp_path / "claims.html").read_text(encoding="utf-8"))
    assert page.anchors == ["C7_scaling_of_dropout", "C17_decay"]
    assert len(page.images) == (0 if options == ("--no-figures",) else 2)
    found = json.loads((tmp_path / "claims.json").read_text(encoding="utf-8"))["examples"]
    assert list(found) == page.anchors and all(kept["held"] for kept in found["C17_decay"]["kept"])


def test_errors_of_the_command(tmp_path, capsys, monkeypatch):
    assert cli.main(["claims", "C99", "--out", str(tmp_path)]) == 2
    assert "no claim C99; there are C1, C2, " in capsys.readouterr().err
    monkeypatch.setattr(shipped, "PACKAGE", tmp_path / "minigrad")  # a package without its programs
    assert cli.main(["claims", "--out", str(tmp_path)]) == 2
    assert "install minigrad anew" in capsys.readouterr().err
