"""CSV: the right table, or an error with file, line and column."""

import numpy as np
import pytest

from minigrad.data import read_csv

GOOD = "size,town,kind,price\n1.5,Aa,x,10\n2,Bb,y,20.5\n-3e-1,Aa,x,7\n"


def write(tmp_path, content):
    path = tmp_path / "houses.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def read(tmp_path, content=GOOD, **options):
    return read_csv(write(tmp_path, content), **({"categorical": ["town", "kind"]} | options))


def test_a_table(tmp_path):
    found = read(tmp_path)
    assert found.names == ["size", "town=Aa", "town=Bb", "kind=x", "kind=y"] and found.target == "price"
    assert found.x.tolist() == [[1.5, 1, 0, 1, 0], [2, 0, 1, 0, 1], [-0.3, 1, 0, 1, 0]]
    assert found.y.tolist() == [10, 20.5, 7] and found.x.dtype == found.y.dtype == np.float64


def test_targets_and_columns_as_said(tmp_path):
    found = read(tmp_path, target="kind", ignore=["town"])
    assert found.names == ["size", "price"] and found.y.tolist() == ["x", "y", "x"]


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbf" + GOOD.encode(),
        GOOD.replace("\n", "\r\n"),
        GOOD.replace("\n", "\r"),
        GOOD + "\n\n\n",
        GOOD.rstrip(),
        GOOD.replace("Aa", '"Aa"').replace("size", '"size"'),
        GOOD.replace(",", " , "),
    ],
)
def test_marks_ends_quotes_and_spaces(tmp_path, content):
    found, plain = read(tmp_path, content), read(tmp_path)
    assert found.names == plain.names and (found.x == plain.x).all() and (found.y == plain.y).all()


def test_quotes_hold_commas_quotes_and_line_ends(tmp_path):
    content = 'a,"town, or ""place""",y\n1,"Aa, north",3\n2,"Bb\nsouth",4\nbad,Cc,5\n'
    with pytest.raises(ValueError, match=r"houses\.csv:5: column 'a' is 'bad', not a number"):
        read(tmp_path, content, categorical=['town, or "place"'])
    found = read(tmp_path, content.replace("bad", "3"), categorical=['town, or "place"'])
    assert found.names[1:] == [f'town, or "place"={level}' for level in ("Aa, north", "Bb\nsouth", "Cc")]


def test_other_delimiters(tmp_path):
    found = read(tmp_path, GOOD.replace(",", "\t"), delimiter="\t")
    assert (found.x == read(tmp_path).x).all()


@pytest.mark.parametrize("gap", ["", "NA", "NaN", "N/A", "null", "?", '""'])
def test_gaps(tmp_path, gap):
    content = GOOD.replace("2,Bb", f"{gap},{gap}")
    with pytest.raises(ValueError, match=r"houses\.csv:3: column 'size' is missing .* missing='keep'"):
        read(tmp_path, content)
    found = read(tmp_path, content, missing="keep")
    assert found.names == ["size", "town=Aa", "kind=x", "kind=y"]
    assert np.isnan(found.x[1, :2]).all() and np.isfinite(found.x).sum() == found.x.size - 2


@pytest.mark.parametrize(
    ("content", "where", "what"),
    [
        (GOOD.replace("2,Bb", "2,Bb,x"), 3, "5 fields, the header has 4"),
        (GOOD.replace("2,Bb,", "2,"), 3, "3 fields, the header has 4"),
        (GOOD.replace("2,Bb", "\n2,Bb"), 3, "0 fields, the header has 4"),
        (GOOD.replace("2,", "two,"), 3, "column 'size' is 'two', not a number; say that the column is categorical"),
        (GOOD.replace("2,", '"2,5",'), 3, "column 'size' is '2,5', not a number; write a decimal point"),
        (GOOD.replace("2,", "1_0,"), 3, "column 'size' is '1_0', not a number"),
        (GOOD.replace("2,", "inf,"), 3, "column 'size' is 'inf', not a number"),
        (GOOD.replace("2,", "٣,"), 3, "not a number"),
        (GOOD.replace("2,", "1e999,"), 3, "too large for float64"),
        (GOOD.replace("20.5", ""), 3, r"column 'price' is missing \(''\); missing_target='drop'"),
        (GOOD.replace("2,Bb", '2,"Bb'), 3, "look for a quote that is not closed"),
        (GOOD.replace("2,Bb", '2,"B"b'), 3, "look for a quote"),
        (GOOD.replace("kind", "town"), 1, "the name 'town' stands twice"),
        (GOOD.replace("kind", " "), 1, "column 3 has no name"),
        (GOOD.replace(",", ";"), 1, "is the delimiter ';'"),
        ("1,2,3\n4,5,6\n", 1, "are numbers; need a header"),
        (GOOD.replace("2,", "2\0,"), 3, "a NUL byte"),
        (GOOD.encode().replace(b"Bb", b"B\xe9"), 3, "byte 0xe9 is not UTF-8"),
        ("", 1, "the file is empty"),
        ("size,town,kind,price\n", 1, "there is no row below the header"),
    ],
)
def test_what_is_refused(tmp_path, content, where, what):
    with pytest.raises(ValueError, match=rf"houses\.csv:{where}: .*{what}"):
        read(tmp_path, content)


def test_names_that_are_not_there(tmp_path):
    with pytest.raises(ValueError, match=r"houses\.csv:1: there is no column 'prise'; did you mean 'price'\?"):
        read(tmp_path, target="prise")
    with pytest.raises(ValueError, match="the target 'price' is among the columns to ignore"):
        read(tmp_path, ignore=["price"])
    with pytest.raises(ValueError, match="no column beside the target 'price'"):
        read(tmp_path, ignore=["size", "town", "kind"])
    with pytest.raises(ValueError, match="missing is 'drop'"):
        read(tmp_path, missing="drop")
    with pytest.raises(FileNotFoundError):
        read_csv(tmp_path / "nowhere.csv")


@pytest.mark.parametrize("seed", range(3))
def test_damaged_bytes_are_refused_or_read(tmp_path, seed):
    """Any byte may change: a table comes back, or a ValueError that names the file."""
    rng, told = np.random.default_rng(seed), []
    for _ in range(150):
        data = bytearray(GOOD.encode())
        for at in rng.integers(0, len(data), 2):
            data[at] = rng.integers(0, 256)
        try:
            found = read(tmp_path, bytes(data))
        except ValueError as error:
            told.append(str(error))
        else:
            assert found.x.ndim == 2 and np.isfinite(found.x).all() and len(found.y) == len(found.x)
    assert told and all("houses.csv:" in text for text in told)
