"""DataFrames train and are predicted as the files that they would be written to."""

import numpy as np
import pytest

from minigrad import tabular
from minigrad.tabular.frames import as_file, is_frame

TEXT = "town,size,price\n" + "".join(f"{'ABC'[i % 3]},{i},{10 * i + 5 * (i % 3)}\n" for i in range(40))


class Frame:
    """What minigrad needs of a DataFrame."""

    columns = ("town", "size", "price")

    def to_csv(self, path, index):
        assert index is False
        with open(path, "w", encoding="utf-8") as file:
            file.write(TEXT)


def test_a_frame_is_its_file(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text(TEXT)
    of_file, of_frame = (tabular.train(data, "price", categorical=["town"], lam=0.1) for data in (path, Frame()))
    np.testing.assert_array_equal(of_file.coefficients, of_frame.coefficients)
    np.testing.assert_array_equal(of_file.predict(path), of_frame.predict(Frame()))


def test_a_frame_for_a_model_of_a_german_file(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text(TEXT.replace(",", ";"))
    model = tabular.train(path, "price", categorical=["town"], lam=0.1, delimiter=";", decimal=",")
    assert model.predict(Frame()).shape == (40,)


def test_pandas(tmp_path):
    pandas = pytest.importorskip("pandas", reason="needs pandas")
    (tmp_path / "rows.csv").write_text(TEXT)
    frame = pandas.read_csv(tmp_path / "rows.csv")
    model = tabular.train(frame, "price", categorical=["town"], lam=0.1)
    assert model.predict(frame.drop(columns="price")).shape == (40,)


def test_the_file_goes():
    assert is_frame(Frame()) and not is_frame(np.zeros((2, 2)))
    with as_file(Frame()) as path:
        assert path.read_text() == TEXT
    assert not path.exists()
