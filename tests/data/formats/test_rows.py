"""The rows of a sheet as numbers: the index beside them, and what a dtype does not hold."""

import numpy as np
import pytest

from minigrad.data import read_csv


def read(tmp_path, text, **options):
    path = tmp_path / "a.csv"
    path.write_text(text)
    return read_csv(path, **options)


def test_an_index_is_no_input(tmp_path):
    table = read(tmp_path, "id,x,y\nb,1,2\nb,3,4\n", index="id")
    assert table.names == ["x"] and table.index.tolist() == ["b", "b"] and table.index_name == "id"
    table = read(tmp_path, "x,y,id\n1,2,q\n3,,r\n", index="id", missing_target="drop")
    assert table.target == "y" and table.index.tolist() == ["q"]
    table = read(tmp_path, ",x,y\na,1,2\nb,3,\nc,4,5\n", missing_target="drop")
    assert table.index.tolist() == ["a", "c"] and table.index_name == ""
    for role in ("target", "groups", "weights"):
        with pytest.raises(ValueError, match="need a column each; 'x' is named twice"):
            read(tmp_path, "z,x,y\n1,1,2\n3,3,4\n", **{"target": "y", "index": "x", role: "x"})
    with pytest.raises(ValueError, match="there is no column 'ix'"):
        read(tmp_path, "id,x,y\nb,1,2\n", index="ix")


def test_float32_does_not_overflow_unseen(tmp_path):
    with pytest.raises(ValueError, match=r"a.csv:3: column 'x' is 1e.39, too large for float32"):
        read(tmp_path, "x,y\n1,2\n1e39,4\n", dtype="float32")
    assert read(tmp_path, "x,y\n1,2\n,4\n", dtype="float32", missing="keep").x.dtype == np.float32


def test_offsets(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text("a,known,y\n1,-2.5,3\n2,1e3,4\n")
    table = read_csv(path, offset="known")
    assert table.offset.tolist() == [-2.5, 1000.0] and table.names == ["a"] and read_csv(path).offset is None
    assert table.read(path).offset.tolist() == [-2.5, 1000.0]
    assert table.read(path, target=False).offset.tolist() == [-2.5, 1000.0], "a prediction needs it, a target or not"
    path.write_text("a,known,y\n1,,3\n2,1e3,4\n")
    with pytest.raises(ValueError, match=r"rows.csv:2: column 'known' is missing; every row needs its offset"):
        read_csv(path, offset="known")
    path.write_text("a,y\n1,3\n")
    with pytest.raises(ValueError, match="there is no column 'known', the offset of every output"):
        table.read(path, missing_columns="fill")
