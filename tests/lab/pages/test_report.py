"""Intervals, tables, and the page that holds a report."""

import math

import numpy as np
import pytest
from lab.reading import read

from minigrad.lab.pages.report import Report
from minigrad.lab.pages.statistics import Gain, mean, median_interval, paired_gain, spread, t95
from minigrad.lab.pages.tables import as_html, as_text


def test_t95_against_scipy():
    stats = pytest.importorskip("scipy.stats", reason="needs scipy, which scikit-learn brings")
    for freedom in [*range(1, 60), 100, 1000]:
        assert t95(freedom) == pytest.approx(stats.t.ppf(0.975, freedom), rel=3e-6)


def test_t95_falls_to_the_normal_distribution():
    values = [t95(freedom) for freedom in range(1, 200)]
    assert values == sorted(values, reverse=True)
    assert values[-1] > 1.959964
    assert t95(10**9) == pytest.approx(1.959964)
    with pytest.raises(ValueError, match="at least 1"):
        t95(0)


def test_paired_gain_by_hand():
    """Differences 1, 2, 3: mean 2, standard error 1/√3, t = 4.30265 on two degrees of freedom."""
    gain = paired_gain([2.0, 4.0, 6.0], [1.0, 2.0, 3.0])
    assert gain == pytest.approx((2.0, 4.30265 / math.sqrt(3)))
    assert gain.verdict == "undecided"
    assert paired_gain([2.0, 2.1, 2.0], [1.0, 1.0, 1.0]).verdict == "higher"
    assert paired_gain([1.0, 1.0, 1.0], [2.0, 2.1, 2.0]).verdict == "lower"
    assert paired_gain([1.0], [2.0]).verdict == "undecided"  # one pair says nothing
    assert Gain(0.0, 0.0).verdict == "undecided"
    with pytest.raises(ValueError):
        paired_gain([1.0], [1.0, 2.0])


def test_the_interval_of_a_median_holds_it_in_95_of_100_samples():
    rng = np.random.default_rng(0)
    for n in (15, 21, 60):
        found = [median_interval(rng.exponential(size=n).tolist()) for _ in range(4000)]
        held = sum(low <= math.log(2) <= high for low, high in found) / len(found)
        assert 0.935 < held < 0.985  # a binomial number moves in steps
    assert median_interval([3.0]) == (3.0, 3.0)
    assert median_interval([2.0, 1.0, 5.0, 3.0]) == (1.0, 5.0)


def test_means_and_spread():
    assert mean([1.0, 2.0, 6.0]) == 3.0
    assert spread([1.0, 3.0]) == pytest.approx(math.sqrt(2))
    assert math.isnan(spread([1.0]))


def test_tables_align_and_escape():
    text = as_text(("a", "b"), [["long name", "1.0"], ["x", "10.0"]]).splitlines()
    assert text == ["a             b", "long name   1.0", "x          10.0"]
    assert "<td>a &lt; b</td>" in as_html(("h",), [["a < b"]])


def test_a_report_is_one_file_that_needs_nothing_else(tmp_path):
    report = Report("A < B", "small & light")
    report.section("One")
    report.text("Use `reg.L1(λ)` & see <b>.")
    report.table(("name", "value"), [["a", "1"]])
    report.figure(b"\x89PNG", 'a "quoted" picture')
    path = report.write(tmp_path / "deep" / "report.html")
    page = read(path.read_text(encoding="utf-8"))
    assert page.loads == []
    assert page.images == ["data:image/png;base64,iVBORw=="]
    assert "reg.L1(λ)" in page.text
    assert "viewport" in path.read_text() and "prefers-color-scheme: dark" in path.read_text()
