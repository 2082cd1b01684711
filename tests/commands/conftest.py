"""A table for the tests of `minigrad cv` and `minigrad path`."""

import numpy as np
import pytest


@pytest.fixture
def houses(tmp_path):
    """A CSV file with a word column, a gap, and a price that follows from two of five columns."""
    rng = np.random.default_rng(1)
    x = rng.standard_normal((60, 4)).round(3)
    towns = rng.choice(["Aa", "Bb", "Cc"], 60)
    price = x[:, 0] * 3 - x[:, 1] + (towns == "Bb") * 2 + 0.5 * rng.standard_normal(60)
    rows = [",".join([*map(str, row), town, f"{p:.3f}"]) for row, town, p in zip(x, towns, price)]
    rows[3] = rows[3].replace(rows[3].split(",")[2], "", 1)
    path = tmp_path / "houses.csv"
    path.write_text("\n".join(["a,b,c,d,town,price", *rows]) + "\n")
    return path
