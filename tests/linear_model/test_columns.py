"""More columns than rows: the optimality conditions hold, and the products of all columns are never made."""

import tracemalloc

import numpy as np
import pytest
from linear_model.tables import slopes, table, wide

from minigrad import linear_model
from minigrad.linear_model.columns import row_space

pytestmark = pytest.mark.usefixtures("backend")


@pytest.mark.parametrize("classes", [0, 2, 3])
@pytest.mark.parametrize("ratio", [1.0, 0.5, 0.01, 0.0])
def test_more_columns_than_rows(rng, classes, ratio, monkeypatch):
    """The optimality conditions hold, whether all chosen columns fit in one block or not."""
    x, y = wide(rng, classes=classes)
    family = (linear_model.Logistic if classes else linear_model.Regression)(ratio)
    top = family.start(x, y).lambda_max() if ratio else 10.0
    for whole in (1024, 32):
        monkeypatch.setattr("minigrad.linear_model.columns.WHOLE", whole)
        monkeypatch.setattr("minigrad.linear_model.columns.BLOCK", 16)
        model = family.start(x, y).fit(0.3 * top)
        g, free = slopes(model, x, y)
        w = model.coefficients
        s = g - model.l2 * w
        np.testing.assert_allclose(s[w != 0], model.l1 * np.sign(w[w != 0]), atol=1e-8)
        assert (np.abs(s) <= model.l1 + 1e-8).all() and w.any()
        np.testing.assert_allclose(free, 0, atol=1e-9)


@pytest.mark.parametrize("classes", [0, 2])
def test_one_column_more_than_rows_changes_nothing(rng, classes):
    """A constant column, which has no coefficient, makes the table wide."""
    x, y = table(rng, m=12, p=12, classes=classes)
    for ratio in (1.0, 0.5, 0.0):
        family = (linear_model.Logistic if classes else linear_model.Regression)(ratio)
        narrow, wide = (family.start(rows, y).fit(0.1) for rows in (x, np.column_stack([x, np.ones(12)])))
        np.testing.assert_allclose(wide.coefficients[:-1], narrow.coefficients, atol=1e-7)
        assert wide.coefficients[-1] == 0 and wide.intercept == pytest.approx(narrow.intercept, abs=1e-6)


def test_products_of_all_columns_are_never_made(rng):
    """30,000 columns of 20 rows: 5 MB, where the products of all columns would take 7 GB."""
    x, y = wide(rng, p=30_000)
    for family, target in (
        (linear_model.Regression(), y),
        (linear_model.Regression(0.0), y),
        (linear_model.Logistic(), y > y.mean()),
        (linear_model.Logistic(0.0), y > y.mean()),
    ):
        tracemalloc.start()
        solver = family.start(x, target.astype(np.int64) if target.dtype == bool else target)
        assert solver.fit(0.3 * min(solver.lambda_max(), 1.0)).nonzeros
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 60e6


def test_row_space_of_dependent_rows(rng):
    rows = rng.standard_normal((6, 40))
    rows[3] = rows[0] - rows[1]
    rows[5] = 0
    table, basis = row_space(rows)
    assert table.shape == (6, 4)
    np.testing.assert_allclose(table @ basis, rows, atol=1e-13)
    np.testing.assert_allclose(basis @ basis.T, np.eye(4), atol=1e-14)


@pytest.mark.parametrize("classes", [0, 2])
def test_a_last_sweep_that_moves_nothing_does_not_undo_those_before(classes):
    """Small whole numbers: a coefficient often reaches its best value at once, to the bit."""
    for seed in range(60):
        draw = np.random.default_rng(seed)
        x = draw.integers(-2, 3, (6, 12)).astype(np.float64)
        y = draw.integers(-5, 6, 6).astype(np.float64) if not classes else np.arange(6) % 2
        solver = (linear_model.Logistic if classes else linear_model.Regression)(fit_intercept=False).start(x, y)
        for share in (0.8, 0.5, 0.3):
            model = solver.fit(share * solver.lambda_max())
            g, w = slopes(model, x, y)[0], model.coefficients
            off = np.where(w != 0, np.abs(g - model.l1 * np.sign(w)), np.maximum(np.abs(g) - model.l1, 0))
            assert off.max() < 1e-9
