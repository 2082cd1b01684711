"""A table of houses with words, an index and two gaps, and models of it."""

import numpy as np
import pytest

TOWNS = ["Aa", "Bb", "Cc"]


def lines(rows, head, decimal="."):
    cells = [[str(cell) if isinstance(cell, (str, np.str_)) else repr(float(cell)) for cell in row] for row in rows]
    text = "\n".join([head, *(";".join(row) for row in cells)]) + "\n"
    return text.replace(".", decimal)


@pytest.fixture
def houses(tmp_path):
    """90 rows; price from size, rooms and town, sold from price; decimal commas."""
    rng = np.random.default_rng(5)
    size, rooms = rng.normal(100, 30, 90).round(2), rng.integers(1, 6, 90)
    town, sold = rng.choice(TOWNS, 90), None
    price = 1000 * size + 5000 * rooms + 20000 * (town == "Bb") + rng.normal(0, 8000, 90)
    sold = np.where(price > np.median(price), "yes", "no")
    rows = list(zip((f"h{i}" for i in range(90)), size, rooms, town, sold, price))
    path = tmp_path / "houses.csv"
    path.write_text(lines(rows, "id;size;rooms;town;sold;price", ","))
    return path


@pytest.fixture
def new(tmp_path):
    """Five rows without a target, columns in another order."""
    rows = [
        ("n1", "Bb", 3, 90.5),
        ("n2", "Aa", 2, 60),
        ("n3", "Cc", 5, 130.25),
        ("n4", "Bb", 1, 45),
        ("n5", "Aa", 4, 101),
    ]
    path = tmp_path / "new.csv"
    path.write_text(lines(rows, "id;town;rooms;size", ","))
    return path
