"""Printed numbers: what agrees is said so, what does not is caught, and missing data are named."""

import importlib.metadata
import json

import numpy as np
import pytest

from minigrad import cli
from minigrad.lab.gallery import pages, paper


def has(package):
    try:
        importlib.metadata.distribution(package)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


DATA = {
    "P1_prostate": "faraway",
    "P2_elastic_net": "faraway",
    "P3_diabetes": "scikit-learn",
    "P4_hitters": "ISLP",
    "P8_which_rule": "ISLP",
}
OPEN = {"P6_ridgeless": "its limits need the full number of rows", "P8_which_rule": "two splits decide nothing"}


@pytest.mark.parametrize("path", pages.programs(pages.PAPERS), ids=lambda path: path.stem)
def test_numbers_agree(path):
    if not has(DATA.get(path.stem, "numpy")):
        pytest.skip(f"needs the data of {DATA[path.stem]}")
    found = pages.run(path, quick=True, kind="paper")
    assert found.kept and found.last
    if path.stem not in OPEN:
        assert [kept.words for kept in found.kept if not kept.held] == []


def test_missing_data_are_named(monkeypatch, capsys):
    def missing(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "distribution", missing)
    for path in pages.programs(pages.PAPERS, ["P1", "P2", "P3", "P4", "P8"]):
        found = pages.run(path, quick=True, kind="paper")
        assert found.kept == [] and "pip install --no-deps" in capsys.readouterr().out


def test_a_file_that_a_package_lacks():
    with pytest.raises(ImportError, match=r"this version of numpy has no prostate\.csv"):
        paper.shipped_file("numpy", "prostate.csv")


def test_a_number_that_differs_is_caught(capsys):
    made = paper.Paper("examples/papers/P1_prostate.py", "A title.", ["--quick"])
    with pytest.raises(AssertionError, match=r"printed 0\.521, ours 0\.52250"):
        made.agrees("error", 0.521, 0.5225, 3)
    assert not made.agrees("error", 0.521, 0.5225, 3, 0.001, "a reason")
    assert made.kept[-1].held is False and "within 0.001: a reason" in made.kept[-1].words
    assert made.agrees("error", 0.521, 0.5215, 3) and made.agrees("error", 0.521, 0.5205, 3)


def test_entries_and_halving():
    path = [np.array(w) for w in ([0, 0, 0], [0, 1, 0], [2, 1, 0], [2, 0, 0], [2, 3, 1])]
    assert paper.entries(path) == [2, 1, -2, 2, 3]
    assert paper.between(1e-3, 1e3, lambda x: x > 7) == pytest.approx(7, rel=1e-12)


def test_the_page(tmp_path):
    assert cli.main(["papers", "P5", "--quick", "--no-figures", "--out", str(tmp_path)]) == 0
    assert "degrees of freedom" in (tmp_path / "papers.html").read_text(encoding="utf-8")
    assert "P5_degrees_of_freedom" in json.loads((tmp_path / "papers.json").read_text(encoding="utf-8"))["examples"]
    assert cli.main(["papers", "P99", "--out", str(tmp_path)]) == 2
