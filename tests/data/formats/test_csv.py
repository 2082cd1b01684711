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


def test_all_columns_of_words_at_once(tmp_path):
    """All are named, with the option to paste; names of rows are proposed for --ignore; "all" takes every one."""
    rows = "\n".join(f"{i},{'ab'[i % 2]},person {i},{'pqr'[i % 3]},{i}.5" for i in range(40))
    path = write(tmp_path, f'n,kind,name,"size, m2",y\n{rows}\n')
    with pytest.raises(ValueError, match=r"csv:2: column 'kind' is 'a' \(2 levels\), 'name' is 'person 0'") as e:
        read_csv(path)
    assert "'size, m2' is 'p' (3 levels), not numbers" in str(e.value)
    assert "categorical=['kind', 'size, m2'], ignore=['name']" in str(e.value)
    assert "--categorical 'kind,\"size, m2\"' --ignore name)" in str(e.value)
    found = read_csv(path, categorical="all", ignore=["name"])
    assert found.names == ["n", "kind=a", "kind=b", "size, m2=p", "size, m2=q", "size, m2=r"]
    assert read_csv(path, "kind", categorical="all", ignore="name").y[:2].tolist() == ["a", "b"]


def test_rows_without_a_target(tmp_path):
    content = GOOD.replace("20.5", "NA")
    with pytest.raises(ValueError, match=r"csv:3: column 'price' is missing \('NA'\); .*--missing-target drop"):
        read(tmp_path, content)
    found = read(tmp_path, content, missing_target="drop")
    assert found.y.tolist() == [10, 7] and found.names == ["size", "town=Aa", "kind=x"]  # no level of the row left out
    assert found.notes == ("1 of 3 rows have no 'price' and were left out",)
    content = content.replace(",10", ",").replace(",7", ",?")
    for option in ("error", "drop"):
        with pytest.raises(ValueError, match="no row has a target"):
            read(tmp_path, content, missing_target=option)


def test_gaps_of_all_columns_are_counted(tmp_path):
    with pytest.raises(ValueError, match=r"csv:2: column 'kind' is missing \('\?'\), as are 3 fields in size, kind; "):
        read(tmp_path, GOOD.replace("x", "?").replace("2,", ","))


def test_groups_and_weights(tmp_path):
    found = read(
        tmp_path, groups="town", weights="size", target="kind", missing="keep", content=GOOD.replace("-3e-1", "0")
    )
    assert found.names == ["price"] and found.groups.tolist() == ["Aa", "Bb", "Aa"]
    assert found.weights.tolist() == [1.5, 2, 0] and found.y.tolist() == ["x", "y", "x"]
    assert read(tmp_path, GOOD, weights="price").target == "kind"  # the last column without another role
    for options, what in (
        ({"weights": "size"}, r"csv:4: column 'size' is -0.3; need at least 0"),
        ({"weights": "kind"}, "column 'kind' holds words; need weights"),
        ({"groups": "price", "target": "price"}, "'price' is named twice"),
        ({"groups": "prise"}, "no column 'prise'; did you mean 'price'"),
    ):
        with pytest.raises(ValueError, match=what):
            read(tmp_path, **options)
    with pytest.raises(ValueError, match=r"csv:3: column 'town' is missing; every row needs its group"):
        read(tmp_path, GOOD.replace("Bb", ""), groups="town")
    with pytest.raises(ValueError, match="holds nothing but 0"):
        read(tmp_path, "w,a,y\n0,1,2\n0,3,4\n", weights="w", categorical=[])


def test_names_that_levels_make(tmp_path):
    for content in ("a=x,a,y\n1,x,1\n2,z,2\n", "a,a=x,y\nx,1,1\nz,2,2\n", "a,a=b,y\nb=c,c,1\nz,c,2\n"):
        with pytest.raises(ValueError, match=r"the categorical column 'a' makes a column 'a=x'|makes a column 'a=b=c'"):
            read(tmp_path, content, categorical=["a", "a=b"] if "a=b" in content else ["a"])
    assert read(tmp_path, "y=x,y,z\n1,x,1\n2,z,2\n", target="y", categorical=["y"]).names == ["y=x", "z"]


def test_a_file_of_words_without_a_header(tmp_path):
    """Every name is a value of its column as well."""
    content = "oak,wet\nelm,dry\noak,wet\nelm,wet\n"
    with pytest.raises(ValueError, match=r"csv:1: each name is a value of its column, too, as 'oak'; .*--no-header"):
        read(tmp_path, content, categorical="all")
    assert read(tmp_path, content, categorical="all", header=False).names == ["c1=elm", "c1=oak"]
    assert read(tmp_path, content, categorical="all", header=True).y.tolist() == ["dry", "wet", "wet"]
    assert read(tmp_path, "spam,n\nspam,1\nham,2\n", categorical=["spam"]).names == ["spam=ham", "spam=spam"]


def test_columns_without_a_name_by_option(tmp_path):
    content = ",a,,y\n7,1,3,2\n7,3,4,5\n"
    with pytest.raises(ValueError, match="column 1 has no name and some"):
        read(tmp_path, content, categorical=())
    assert read(tmp_path, content, categorical=(), ignore=[""]).names == ["a"]
    assert read(tmp_path, "a,y\n1,2\n", categorical=(), ignore="").names == ["a"]  # there is none
    twice = "a,b,a,y\n1,2,3,4\n2,3,4,5\n"
    with pytest.raises(ValueError, match="the name 'a' stands twice; rename one of the columns, or ignore both"):
        read(tmp_path, twice, categorical=())
    assert read(tmp_path, twice, categorical=(), ignore=["a"]).names == ["b"]


def test_an_index_that_pandas_named(tmp_path):
    """`Unnamed: 0` is left out by itself, may be named in ignore, and is a column where its fields are equal."""
    content = "Unnamed: 0,a,y\n0,1,2\n1,3,4\n"
    for ignore in ((), ["Unnamed: 0"], [""]):
        assert read(tmp_path, content, categorical=(), ignore=ignore).names == ["a"]
    content = content.replace("\n1,", "\n0,")
    assert read(tmp_path, content, categorical=()).names == ["Unnamed: 0", "a"]
    assert read(tmp_path, content, categorical=(), ignore=["Unnamed: 0"]).names == ["a"]


def test_columns_without_a_value(tmp_path):
    with pytest.raises(ValueError, match=r"column 'gap' has no value in any row; leave it out: .*--ignore gap"):
        read(tmp_path, "gap,a,y\n,1,2\nNA,3,4\n", categorical=(), missing="keep")


def test_dtypes(tmp_path):
    content = "a,b,y\n1,TRUE,2\n3,FALSE,5\n"
    assert read(tmp_path, content, categorical=()).x.dtype == np.float64
    assert read(tmp_path, content, categorical=()).notes == ("TRUE and FALSE were taken as 1 and 0: b",)
    for dtype in ("int64", "uint8", int, "float32"):
        found = read(tmp_path, content, categorical=(), dtype=dtype)
        assert found.x.dtype == np.dtype(dtype) and found.x.tolist() == [[1, 1], [3, 0]]
        assert found.y.dtype == np.float64
    with pytest.raises(ValueError, match=r"csv:3: column 'a' is 3.5; dtype='int64' needs whole numbers"):
        read(tmp_path, content.replace("3,", "3.5,"), categorical=(), dtype="int64")
    with pytest.raises(ValueError, match=r"csv:2: column 'a' is -1; dtype='uint8' needs"):
        read(tmp_path, content.replace("1,", "-1,"), categorical=(), dtype="uint8")
    with pytest.raises(ValueError, match=r"csv:2: column 'a' is nan; dtype='int64' needs .* without gaps"):
        read(tmp_path, content.replace("1,", ",", 1), categorical=(), dtype="int64", missing="keep")
    with pytest.raises(TypeError, match="dtype is float16"):
        read(tmp_path, content, categorical=(), dtype="float16")


def test_arguments_that_cannot_be(tmp_path):
    for options, what in (
        ({"target": ["price"]}, "is no name of a column"),
        ({"header": "no"}, "header is 'no'; need True, False"),
        ({"targets": "price"}, "did you mean 'target'"),
        ({"na": [-9]}, "need words as the file has them"),
    ):
        with pytest.raises(TypeError, match=what):
            read(tmp_path, **options)
    with pytest.raises(ValueError, match="a comma cannot be the delimiter and stand before decimals"):
        read(tmp_path, decimal=",")
    with pytest.raises(ValueError, match="missing_target is 'keep'; need 'error' or 'drop'"):
        read(tmp_path, missing_target="keep")
    assert read(tmp_path, categorical="town", ignore="kind").names == ["size", "town=Aa", "town=Bb"]


def test_wide_and_long_files(tmp_path):
    """As many columns as images have, and as many rows as a survey: no step looks at all names for each name."""
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (20, 20_000))
    lines = [",".join(f"p{i}" for i in range(20_000)), *(",".join(map(str, row)) for row in x)]
    assert (read_csv(write(tmp_path, "\n".join(lines))).x == x[:, :-1]).all()


def test_what_is_no_path_and_no_names_of_columns(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("a,b\n1,2\n2,3\n")
    with path.open() as file, pytest.raises(TypeError, match="path is a TextIOWrapper; need the path of a file"):
        read_csv(file)
    with pytest.raises(ValueError, match=r"https://a.b/c.csv is an address; download the file"):
        read_csv("https://a.b/c.csv")
    for option in ("categorical", "ignore"):
        with pytest.raises(TypeError, match=f"{option} is True; need names of columns"):
            read_csv(path, **{option: True})
