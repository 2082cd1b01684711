"""Another file is read as the first one was; what is not as it was there is named, with what takes it."""

import gzip

import numpy as np
import pytest

from minigrad.data import read_csv

OLD = "id,size,town,new,price\nh1,1.5,Aa,TRUE,10\nh2,2,Bb,FALSE,20\nh3,4,Aa,TRUE,14\n"
READ = {"target": "price", "categorical": ["town"], "index": "id"}


def write(path, content):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.fixture
def table(tmp_path):
    return read_csv(write(tmp_path / "old.csv", OLD), **READ)


@pytest.fixture
def again(table, tmp_path):
    """Reads a text as a new file."""
    return lambda content, **options: table.read(write(tmp_path / "new.csv", content), **options)


def test_the_same_file_gives_the_same_table(table, tmp_path):
    found = table.read(tmp_path / "old.csv")
    assert found.x.tobytes() == table.x.tobytes() and found.y.tobytes() == table.y.tobytes()
    assert (found.names, found.target, found.index_name) == (table.names, "price", "id")
    assert found.index.tolist() == table.index.tolist() == ["h1", "h2", "h3"] and found.notes == table.notes[:0]
    assert found.read(tmp_path / "old.csv").x.tobytes() == table.x.tobytes()  # a table that was read later reads, too


@pytest.mark.parametrize(
    "content",
    [
        "town,new,size,id\nBb,TRUE,3,n1\nAa,FALSE,0.5,n2\n",
        "town,new,size,id\r\nBb,TRUE,3,n1\r\nAa,FALSE,0.5,n2\r\n\r\n",
        b"\xef\xbb\xbf" + b'"town","new","size","id"\n"Bb","TRUE","3","n1"\n"Aa","FALSE","0.5","n2"',
        "town,new,size,id\nBb,TRUE,3,n1\nAa,FALSE,0.5,n2\n".encode("utf-16"),
        gzip.compress(b"town,new,size,id\nBb,1,3.0,n1\nAa,0,.5,n2\n"),
        "id,price,town,new,size\nn1,,Bb,TRUE,3\nn2,7,Aa,FALSE,0.5\n",
    ],
    ids=["order", "crlf", "mark and quotes", "utf-16", "gzip, 1 and 0", "the target is left out"],
)
def test_forms_of_a_new_file(again, content):
    found = again(content, target=False)
    assert (
        found.x.tolist() == [[3, 0, 1, 1], [0.5, 1, 0, 0]] and found.y is None and found.index.tolist() == ["n1", "n2"]
    )


def test_the_target_is_read_where_it_is(again):
    assert again("size,town,new,price\n1,Aa,TRUE,3\n").y.tolist() == [3]
    assert again("size,town,new\n1,Aa,TRUE\n").y is None
    with pytest.raises(ValueError, match=r"new.csv:1: there is no column 'price', the target; there are 'size'"):
        again("size,town,new\n1,Aa,TRUE\n", target=True)
    gaps = "size,town,new,price\n1,Aa,TRUE,\n2,Aa,TRUE,5\n"
    with pytest.raises(ValueError, match=r"new.csv:2: column 'price' is missing"):
        again(gaps)
    assert again(gaps, missing_target="drop").y.tolist() == [5]
    np.testing.assert_array_equal(again(gaps, missing_target="keep").y, [np.nan, 5])


FAULTS = {
    "a new level": (
        "size,town,new\n1,Cc,TRUE\n",
        "new.csv:2: column 'town' is 'Cc', an unknown level; known are 'Aa', 'Bb'",
    ),
    "a level in other letters": ("size,town,new\n1,AA,TRUE\n", "'AA', an unknown level; did you mean 'Aa'"),
    "several new levels": ("size,town,new\n1,Cc,TRUE\n1,Dd,TRUE\n", "unknown level .one of 2."),
    "a missing column": (
        "size,town\n1,Aa\n",
        "new.csv:1: there is no column 'new'; there are .*missing_columns='fill'",
    ),
    "a renamed column": ("Size,town,new\n1,Aa,TRUE\n", "'size' .is it 'Size'.*--rename Size=size"),
    "a misspelt column": ("siez,town,new\n1,Aa,TRUE\n", "'size' .is it 'siez'.*rename={'siez': 'size'}"),
    "an additional column": (
        "size,town,new,far\n1,Aa,TRUE,3\n",
        "unknown column 'far'; leave it out by extra_columns=",
    ),
    "words for numbers": (
        "size,town,new\nbig,Aa,TRUE\n",
        "new.csv:2: column 'size' is 'big', a word; expected are numbers",
    ),
    "a word among numbers": ("size,town,new\n1,Aa,TRUE\nbig,Aa,TRUE\n3,Aa,TRUE\n", "new.csv:3: column 'size' is 'big'"),
    "truth for numbers": (
        "size,town,new\nTRUE,Aa,TRUE\n",
        "column 'size' is 'TRUE'; expected are numbers",
    ),
    "numbers for words": (
        "size,town,new\n1,7,TRUE\n",
        "column 'town' is '7', a number; expected are words, such as 'Aa'",
    ),
    "numbers for truth": ("size,town,new\n1,Aa,2\n", "column 'new' is '2'; expected are TRUE and FALSE, or 1 and 0"),
    "words for truth": ("size,town,new\n1,Aa,x\n", "column 'new' is 'x', a word; expected are TRUE and FALSE"),
    "a missing value": ("size,town,new\n1,Aa,TRUE\n,Aa,TRUE\n", "new.csv:3: column 'size' is missing.*missing='mean'"),
    "a missing word": ("size,town,new\n1,NA,TRUE\n", "new.csv:2: column 'town' is missing .'NA'."),
    "a column of gaps": ("size,town,new\n,Aa,TRUE\n,Aa,TRUE\n", "column 'size' is missing"),
    "no row": ("size,town,new\n", "new.csv:1: there is no row below the header"),
    "nothing": ("", "new.csv:1: the file is empty"),
    "no header": ("1,Aa,TRUE\n2,Bb,TRUE\n", "new.csv:1: 1 is a number; need a header"),
    "another delimiter": ("size;town;new\n1;Aa;TRUE\n", "is the delimiter ';'"),
    "decimal commas": ('size,town,new\n"1,5",Aa,TRUE\n', "new.csv:2: column 'size' is '1,5'.*decimal"),
    "a name twice": ("size,town,new,size\n1,Aa,TRUE,1\n", "the name 'size' stands twice"),
    "a column without a name": ("size,,town,new\n1,2,Aa,TRUE\n1,2,Aa,TRUE\n", "column 2 has no name"),
    "a new class": ("size,town,new,price\n1,Aa,TRUE,much\n", "column 'price' is 'much'"),
    "a ragged row": ("size,town,new\n1,Aa\n1,Aa,TRUE\n", "new.csv:2: 2 fields, the header has 3"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_are_named(again, fault):
    content, said = FAULTS[fault]
    with pytest.raises(ValueError, match=said):
        again(content)


def test_less_may_be_asked_for(again):
    assert again("size,town,new\n1,Cc,TRUE\n", handle_unknown="ignore").x.tolist() == [[1, 0, 0, 1]]
    found = again("size,town,new\n1,Cc,TRUE\n", handle_unknown="missing", missing="mean")
    assert found.x.tolist() == [[1, 2 / 3, 1 / 3, 1]] and "with an unknown level" in found.notes[0]
    assert np.isnan(again("size,town,new\n1,Cc,TRUE\n", handle_unknown="missing", missing="keep").x[0, 1:3]).all()
    found = again("size,far,town,new\n1,9,Aa,TRUE\n", extra_columns="ignore")
    assert found.x.tolist() == [[1, 1, 0, 1]] and "left out: 'far'" in found.notes[0]
    found = again("town,new\nAa,TRUE\n", missing_columns="fill")
    assert found.x.tolist() == [[2.5, 1, 0, 1]] and "missing columns" in found.notes[0]
    assert again("SIZE,town,new\n1,Aa,TRUE\n", rename={"SIZE": "size"}).x.tolist() == [[1, 1, 0, 1]]
    assert again("size,town,new\n,,\n1,Aa,TRUE\n", missing="mean").x.tolist()[0] == [2.5, 2 / 3, 1 / 3, 2 / 3]
    assert again("size,town,new\n,,\n,,\n1,Aa,TRUE\n", missing="keep").x.shape == (3, 4)
    assert again("size;town;new\n1,5;Aa;TRUE\n", delimiter=";", decimal=",").x[0, 0] == 1.5
    assert again("size,town,new\n-,Aa,TRUE\n", na=["-"], missing="mean").x[0, 0] == 2.5
    assert again("nr,size,town,new\n007,1,Aa,TRUE\n", index="nr").index.tolist() == ["007"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"handle_unknown": "warn"}, "handle_unknown is 'warn'; need 'error', 'ignore', 'missing'"),
        ({"extra_columns": "keep"}, "extra_columns is 'keep'"),
        ({"missing": "median"}, "missing is 'median'"),
        ({"rename": {"a": "syze"}}, "rename: 'a' is to be 'syze'.*did you mean 'size'"),
        ({"rename": {"a": "size"}}, "rename: there is no column 'a'"),
        ({"index": "name"}, "there is no column 'name' for the index"),
        ({"decimal": ";", "delimiter": ";"}, "decimal is ';'"),
    ],
)
def test_rules_that_are_none(again, options, said):
    with pytest.raises(ValueError, match=said):
        again("size,town,new\n1,Aa,TRUE\n", **options)
    with pytest.raises(TypeError, match="did you mean 'extra_columns'"):
        again("size,town,new\n1,Aa,TRUE\n", extra_column="ignore")


def test_without_a_header(tmp_path):
    table = read_csv(write(tmp_path / "old.csv", "10,1.5,3\n20,2,4\n"), "c1", header=False)
    new = tmp_path / "new.csv"
    assert table.read(write(new, "1,2\n3,4\n")).x.tolist() == [[1, 2], [3, 4]]  # the target was the first
    assert table.read(write(new, "9,1,2\n")).y.tolist() == [9]
    with pytest.raises(ValueError, match=r"4 columns without a header; need 3, or 2 without the target"):
        table.read(write(new, "1,2,3,4\n"))


def test_names_that_are_numbers_are_accepted_again(tmp_path):
    table = read_csv(write(tmp_path / "old.csv", "1998,1999,2000\n1,2,3\n4,5,7\n"))
    assert table.read(write(tmp_path / "new.csv", "1999,1998\n1,2\n")).x.tolist() == [[2, 1]]


def test_names_of_rows_come_back(tmp_path):
    table = read_csv(write(tmp_path / "old.csv", ",x,y\na,1,2\nb,3,5\n"))
    assert table.index.tolist() == ["a", "b"] and table.index_name == ""
    found = table.read(write(tmp_path / "new.csv", ",x\nq,7\nr,8\n"))
    assert found.index.tolist() == ["q", "r"] and found.x.tolist() == [[7], [8]]


def test_groups_weights_and_columns_left_out_need_not_be_there(tmp_path):
    text = "g,w,junk,x,y\na,1,u,1,2\nb,2,v,3,5\n"
    table = read_csv(write(tmp_path / "old.csv", text), groups="g", weights="w", ignore="junk")
    assert table.read(write(tmp_path / "new.csv", "x\n4\n")).x.tolist() == [[4]]
    found = table.read(tmp_path / "old.csv")
    assert found.groups.tolist() == ["a", "b"] and found.weights.tolist() == [1, 2]
    assert table.read(write(tmp_path / "new.csv", "g,w,x\n,,4\n")).weights is None  # of rows without a target


def test_another_encoding_is_told(tmp_path):
    table = read_csv(write(tmp_path / "old.csv", "größe,y\n1,2\n2,3\n".encode("cp1252")), encoding="cp1252")
    with pytest.raises(ValueError, match=r"encoding='utf-8' .command line: --encoding utf-8"):
        table.read(write(tmp_path / "new.csv", "größe\n1\n"))
    assert table.read(tmp_path / "new.csv", encoding="utf-8").x.tolist() == [[1]]


def test_dtypes_are_kept(tmp_path):
    for dtype in ("float32", "int64"):
        table = read_csv(write(tmp_path / "old.csv", "x,y\n1,2\n5,7\n"), dtype=dtype)
        assert table.read(write(tmp_path / "new.csv", "x\n3\n")).x.dtype == dtype
    with pytest.raises(ValueError, match=r"new.csv:2: column 'x' is 3.5; dtype='int64' needs whole numbers"):
        table.read(write(tmp_path / "new.csv", "x\n3.5\n"))


@pytest.mark.parametrize("rows", [1, 2, 3, 1000])
def test_parts_of_a_file_are_the_file(tmp_path, rows):
    """Also with quotes over line ends, empty rows at the end, and names of rows."""
    towns = ["Aa" if i % 3 else "B\nb" for i in range(17)]
    body = "".join(f'{i},{i / 7!r},"{town}"\n' for i, town in enumerate(towns))
    old = ",x,town,y\n" + "".join(f'{i},{i},"{town}",{i % 5}\n' for i, town in enumerate(towns))
    table = read_csv(write(tmp_path / "old.csv", old), categorical="town")
    text = f",x,town\n{body},,\n,,\n,,\n,,\n"
    whole = table.read(write(tmp_path / "new.csv", text))
    parts = list(table.recipe.read_in_parts("new.csv", text, 3 * rows))
    assert np.concatenate([part.x for part in parts]).tobytes() == whole.x.tobytes() and len(whole.x) == 17
    assert np.concatenate([part.index for part in parts]).tolist() == whole.index.tolist()
    assert len(parts) == -(-17 // rows) or rows == 1


@pytest.mark.parametrize("rows", [1, 2, 50])
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x\n1\n2\n\n3\n", "new:4: 0 fields, the header has 1: an empty line|new:4: column 'x' is missing"),
        ("x\n", "new:1: there is no row below the header"),
        ("", "new:1: the file is empty"),
        ("x\n1\n2\nq\n4\n5\n", "new:4: column 'x' is 'q'"),
        ('x\n1\n2\n"3\n', "new:4: a quote is open"),
    ],
)
def test_faults_of_parts_name_their_line(tmp_path, rows, text, said):
    table = read_csv(write(tmp_path / "old.csv", "x,y\n1,2\n2,4\n"))
    with pytest.raises(ValueError, match=said):
        list(table.recipe.read_in_parts("new", text, rows))


def test_a_table_made_by_hand_reads_nothing():
    from minigrad.data import Table

    with pytest.raises(ValueError, match="was read from no file"):
        Table(np.ones((1, 1)), np.ones(1), ["a"], "y").read("new.csv")
