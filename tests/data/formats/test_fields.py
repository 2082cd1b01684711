"""Columns: numbers, TRUE and FALSE, words and gaps; numbers written otherwise are said as such."""

import numpy as np
import pytest

from minigrad.data import read_csv
from minigrad.data.formats.fields import Numbers, Words, as_gaps, as_words, indicator, parsed
from minigrad.data.formats.sheet import Sheet


def column(*fields, na=None, decimal="."):
    sheet = Sheet("t.csv", ["a"], [tuple(fields)], list(range(2, 2 + len(fields))))
    return parsed(sheet, "a", as_gaps(na), decimal)


def refused(*fields, **options):
    with pytest.raises(ValueError, match=r"^t\.csv:\d+: column 'a' is ") as caught:
        column(*fields, **options)
    return str(caught.value)


def test_numbers():
    found = column("1", "-2.5", "+.5", "5.", "1e3", "1E-3", "")
    assert isinstance(found, Numbers) and not found.truth
    assert found.values[:-1].tolist() == [1, -2.5, 0.5, 5, 1000, 0.001] and np.isnan(found.values[-1])


@pytest.mark.parametrize("words", [("TRUE", "FALSE"), ("True", "False"), ("true", "false")])
def test_truth(words):
    found = column(words[0], words[1], "NA", words[0])
    assert found.truth and found.values[[0, 1, 3]].tolist() == [1, 0, 1] and np.isnan(found.values[2])


def test_truth_among_numbers():
    assert "write 1 for TRUE and 0 for FALSE" in refused("1", "0", "TRUE")


def test_words():
    found = column("north", "", "south", "7")
    assert isinstance(found, Words) and found.levels == ["7", "north", "south"]
    assert found.values.tolist() == ["north", "", "south", "7"]


@pytest.mark.parametrize(
    ("field", "what"),
    [
        ("1,234", "thousands"),
        ("1.234,5", "thousands"),
        ("1,234,567", "thousands"),
        ("1'234", "thousands"),
        ("-12 345", "thousands"),
        ("1\u00a0234\u00a0567", "thousands"),
        ("1,234.50", "thousands"),
        ("12%", "percent"),
        ("$12", "currency"),
        ("12 €", "currency"),
        ("£1,200", "currency"),
        ("2,5", "--decimal ,"),
        ("-0,5e3", "--decimal ,"),
        ("1.2.3", "digits and one decimal point"),
        ("2020-01-31", "a date"),
        ("31.12.2020", "a date"),
        ("2020-01-31T10:00:00", "a date"),
        ("12:30", "a time"),
        ("inf", "not a number to compute with"),
        ("-Infinity", "finite"),
    ],
)
@pytest.mark.parametrize("among", [(), ("1", "2", "3")])
def test_numbers_written_otherwise(field, what, among):
    """They are called what they are, and never words."""
    said = refused(*among, field)
    assert what in said and repr(field) in said and "categorical" not in said and f"t.csv:{2 + len(among)}:" in said


def test_decimal_commas():
    assert column("1,5", "-,25", "3", decimal=",").values.tolist() == [1.5, -0.25, 3]
    assert "thousands" in refused("1,5", "1.234", decimal=",")  # not 1.234
    assert "where decimal=',' was said" in refused("1.5", "1.5", decimal=",")


def test_few_words_among_numbers_may_mean_a_gap():
    said = refused("1", "2", "-", "4", "none", "6")
    assert "t.csv:4" in said and "4 of its 6 fields are numbers" in said and "--na=-,none" in said
    found = column("1", "2", "-", "4", "none", "6", na=["-", "none"])
    assert np.isnan(found.values[[2, 4]]).all() and np.isfinite(found.values).sum() == 4
    assert isinstance(column("1", "-", "x", "y", "z"), Words)  # most are words


def test_gaps_that_are_numbers_however_they_are_written():
    found = column("1", "-999", "-999.0", "-9.99e2", na=["-999"])
    assert np.isnan(found.values).tolist() == [False, True, True, True]
    assert column("1", "-999").values.tolist() == [1, -999]


def test_other_gaps_replace_the_usual_ones():
    assert as_gaps(["-"]).marks(["", "-", "NA"]).tolist() == [True, True, False]
    assert "--na=" in refused("1", "NA", "3", na=["-"])
    with pytest.raises(TypeError, match="need words as the file has them"):
        as_gaps([-999])


@pytest.mark.parametrize("fill", ["-1.7976931348623157e308", "3.4028234663852886e+38", "-3.402823e+38", "9.96921e36"])
def test_what_other_programs_write_for_a_gap(fill):
    said = refused("1", "2", fill)
    assert "too large" in said and "--na" in said and fill in said
    assert np.isnan(column("1", "2", fill, na=[fill]).values[2])
    assert column("1e160", "3e300").values.tolist() == [1e160, 3e300]


@pytest.mark.parametrize("field", ["1_0", "٣", "0x10", "1e", "nan ", "--1", "infty"])
def test_what_float_would_take_and_what_nobody_does(field):
    with pytest.raises(ValueError, match="not a number"):
        column("1", "2", "3", field, na=[])


def test_levels():
    found = as_words(["b", "a", "", "b"], as_gaps(None))
    assert found.levels == ["a", "b"]
    np.testing.assert_array_equal(indicator(found.values, "b"), [1, 0, np.nan, 1])


@pytest.mark.parametrize("field", ["0x1F", "1_000", "12_345_678", "1.5D3", "-2d-4", "−0.25", "−1e3", "–7"])
def test_numbers_in_another_form_are_named(field, tmp_path):
    """The minus of typesetters, digits in groups, Fortran's exponent; as words they are taken where that is said."""
    path = tmp_path / "a.csv"
    path.write_text("code,y\n" + "".join(f"{field},{i}\n" for i in range(3)), encoding="utf-8")
    with pytest.raises(
        ValueError, match=f"a.csv:2: column 'code' is '{field}', not a number as it is written; write it"
    ):
        read_csv(path)
    assert read_csv(path, categorical="code").names == [f"code={field}"]
