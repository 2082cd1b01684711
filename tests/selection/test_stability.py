"""Stability selection: its halves, its counts against scikit-learn's lasso, its bounds against their definition."""

import json

import numpy as np
import pytest

from minigrad import selection
from minigrad.errors import ShapeError
from minigrad.linear_model import Logistic, Regression
from minigrad.selection import SelectionWarning, Stability, bound_of, stability
from minigrad.selection.prepared import prepare
from minigrad.selection.stability import _halves
from minigrad.selection.stable import most_picks

pytestmark = pytest.mark.filterwarnings("ignore::minigrad.selection.SelectionWarning")


def rows(n=80, p=15, seed=0):
    draw = np.random.default_rng(seed)
    x = draw.standard_normal((n, p))
    return x, 2 * x[:, 0] - 1.5 * x[:, 3] + x[:, 7] + draw.standard_normal(n)


@pytest.mark.parametrize("n", [80, 81])
def test_halves_share_no_row_and_have_half_of_each_class(n):
    x, y = rows(n)
    data = prepare(Logistic(), x, np.where(np.arange(n) % 4 == 0, "few", "many"))
    for draw in range(3):
        one, other = _halves(data, 5, draw)
        assert len(one) == len(other) == n // 2 and not np.intersect1d(one, other).size
        assert abs(int((data.y[one] == 0).sum()) - (data.y == 0).sum() / 2) <= 1
    assert not np.array_equal(_halves(data, 5, 0)[0], _halves(data, 5, 1)[0])
    plain = prepare(Regression(), x, y)
    assert not np.array_equal(_halves(plain, 5, 0)[0], _halves(plain, 6, 0)[0])


def test_frequencies_equal_those_of_scikit_learn_on_the_same_halves():
    linear_model = pytest.importorskip("sklearn.linear_model", reason="the oracle is scikit-learn")
    x, y = rows()
    lambdas = np.array([1.0, 0.5, 0.2, 0.1])
    found = stability(Regression(), x, y, lambdas, draws=10, pairs=True, seed=4)
    data, counts = prepare(Regression(), x, y), np.zeros((4, 15))
    for draw in range(10):
        for half in _halves(data, 4, draw):
            for i, lam in enumerate(lambdas):
                counts[i] += linear_model.Lasso(lam, tol=1e-10, max_iter=100_000).fit(x[half], y[half]).coef_ != 0
    assert (found.frequencies * 20).round(9).tolist() == counts.tolist() and found.halves == 20


def test_the_range_q_and_the_bound():
    """q counts a column once, wherever in the range a half picks it; the range is the longest that keeps the bound."""
    x, y = rows()
    found = stability(Regression(), x, y, bound=2.0, cutoff=0.8, draws=30)
    assert found.q <= most_picks(2.0, 0.8, 15) < found.picked[found.end]
    assert found.bound == pytest.approx(found.q**2 / (0.6 * 15)) and found.bound <= 2.0
    assert (np.diff(found.picked) >= 0).all()
    assert found.q >= found.frequencies[: found.end].sum(1).max() - 1e-12
    assert found.shares == pytest.approx(found.frequencies[: found.end].max(0))
    assert found.stable == [j for j in np.argsort(-found.shares, kind="stable") if found.shares[j] >= 0.8]
    assert set(found.named()) == {"x0", "x3", "x7"}
    by_q = stability(Regression(), x, y, q=most_picks(2.0, 0.8, 15), cutoff=0.8, draws=30)
    assert by_q.end == found.end
    whole = stability(Regression(), x, y, draws=30)
    again = whole.at(0.8, bound=2.0)
    assert again.end == found.end and again.stable == found.stable and again.bound == found.bound
    with pytest.raises(ValueError, match="share above 1/2"):
        whole.at(0.4)
    assert whole.end == len(whole.lambdas) and whole.q == whole.picked[-1]


def test_bound_at_its_edges():
    assert bound_of(5, 0.75, 50) == 1.0 and bound_of(5, 1.0, 50) == 0.5
    assert bound_of(50, 0.6, 50) == 50  # never more than there are
    assert bound_of(0, 0.9, 50) == 0
    assert bound_of(40, 0.9, 50, pairs=50) == bound_of(40, 0.9, 50)  # θ above 1/√3: only the first one holds


@pytest.mark.parametrize("cutoff", [0.56, 0.6, 0.7, 0.75, 0.76, 0.9, 1.0])
@pytest.mark.parametrize(("q", "p", "pairs"), [(5, 50, 25), (10, 50, 50), (3, 60, 25)])
def test_the_unimodal_bound_is_the_worst_unimodal_distribution(q, p, pairs, cutoff):
    """By linear programming: the largest P(both halves pick in a share of 2π - 1 of the pairs) of all unimodal
    distributions on 0, 1/B, ..., 1 of mean θ², which p columns have at most.
    """
    optimize = pytest.importorskip("scipy.optimize", reason="the oracle is a linear program of SciPy")
    mean, least, worst = (q / p) ** 2, int(np.ceil((2 * cutoff - 1) * pairs - 1e-9)), 0.0
    rising = np.eye(pairs + 1)[:-1] - np.eye(pairs + 1)[1:]
    for mode in range(pairs + 1):
        shape = np.where(np.arange(pairs).reshape(-1, 1) < mode, rising, -rising)
        found = optimize.linprog(
            -(np.arange(pairs + 1) >= least).astype(float),
            A_ub=np.vstack([shape, np.arange(pairs + 1) / pairs]),
            b_ub=[*[0.0] * pairs, mean],
            A_eq=np.ones((1, pairs + 1)),
            b_eq=[1.0],
        )
        worst = max(worst, -found.fun if found.status == 0 else 0.0)
    assert bound_of(q, cutoff, p, pairs) == pytest.approx(p * worst, rel=1e-6)


def test_classes_weights_and_columns_that_are_always_there():
    x, y = rows(120)
    classes = np.where(y > 0, "up", "down")
    family = Logistic(standardize=True, penalty_factor=[0, *[1] * 14])
    found = stability(family, x, classes, bound=1.0, draws=20, weights=np.ones(120), names=[f"c{j}" for j in range(15)])
    assert "c0" not in found.named() and "c3" in found.named()
    assert found.frequencies[:, 0].tolist() == [1.0] * len(found.lambdas) and np.isnan(found.shares[0])
    assert any("never penalized, so always there, and not judged: c0" in note for note in found.notes)
    plain = stability(family, x, classes, bound=1.0, draws=20)
    assert np.array_equal(plain.frequencies, found.frequencies)


def test_the_same_in_any_number_of_jobs_and_from_a_log(tmp_path):
    pytest.importorskip("joblib", reason="n_jobs needs joblib: pip install minigrad[parallel]")
    x, y = rows(40, 8)
    options = {"draws": 6, "bound": 1.0, "seed": 2, "pairs": True}
    alone = stability(Regression(), x, y, **options)
    assert np.array_equal(stability(Regression(), x, y, n_jobs=2, **options).frequencies, alone.frequencies)
    log = tmp_path / "draws"
    stability(Regression(), x, y, log=log, **options)
    lines = log.read_text().splitlines(keepends=True)
    assert len(lines) == 7
    log.write_text("".join(lines[:4]))  # as if it had been killed after three draws
    resumed = stability(Regression(), x, y, log=log, **{**options, "cutoff": 0.9, "bound": 0.5})  # of the same draws
    assert np.array_equal(resumed.frequencies, alone.frequencies) and len(log.read_text().splitlines()) == 7
    with pytest.raises(ValueError, match="the log is of another sweep: seed was 2, now it is 3"):
        stability(Regression(), x, y, log=log, **{**options, "seed": 3})


def test_report_and_figure(tmp_path):
    x, y = rows()
    found = stability(Regression(), x, y, bound=2.0, draws=20, names=[f"<{j}>" for j in range(15)])
    text = found.table(3)
    assert text.splitlines()[0] == found.headline() and "12 more: table(top=15)" in text
    assert "20 halves" in text and "at most" in text
    assert "&lt;0&gt;" in found._repr_html_() and "<0>" not in found._repr_html_()
    plain = json.loads(found.to_json())
    assert plain["stable"] == found.named() and plain["bound"] == found.bound
    assert np.array(plain["frequencies"]).shape == found.frequencies.shape
    assert repr(found).startswith("Stability(3 stable of 15 columns; ")
    pytest.importorskip("matplotlib", reason="figures are drawn by matplotlib: pip install minigrad[figures]")
    found.plot(tmp_path / "stability.png")
    assert (tmp_path / "stability.png").stat().st_size > 5000


@pytest.mark.filterwarnings("error::minigrad.selection.SelectionWarning")
def test_warnings():
    x, y = rows()
    with pytest.warns(SelectionWarning, match="already at the largest λ, 0.01, a half picks .* more than wanted"):
        found = stability(Regression(), x, y, [0.01, 0.001], bound=0.5, draws=4)
    assert found.end == 0 and found.stable == [] and found.q == 0 and "no λ" in found.headline()
    with pytest.warns(SelectionWarning, match="the whole path keeps the bound of 20"):
        stability(Regression(), x, y, [1.0, 0.9], bound=20.0, draws=4)
    draw = np.random.default_rng(0)
    with pytest.warns(SelectionWarning, match=r"the bound allows .* false columns, as many as are stable"):
        stability(Regression(), draw.standard_normal((40, 5)), draw.standard_normal(40), q=3, draws=4)


def test_errors_name_what_came():
    x, y = rows()
    with pytest.raises(ValueError, match=r"cutoff is 0\.5; need a share above 1/2"):
        stability(Regression(), x, y, cutoff=0.5)
    with pytest.raises(ValueError, match="give bound or q, not both"):
        stability(Regression(), x, y, bound=1, q=3)
    with pytest.raises(ValueError, match="q is 16; need more than 0 columns, and at most the 15"):
        stability(Regression(), x, y, q=16)
    with pytest.raises(ValueError, match="l1_ratio=0, which picks every column"):
        stability(Regression(0.0), x, y)
    with pytest.raises(ValueError, match="pass pairs=True"):
        stability(Regression(), x, y, unimodal=True)
    with pytest.raises(ShapeError, match="2 names; need one for each of 15 columns"):
        stability(Regression(), x, y, names=["a", "b"])
    with pytest.raises(ShapeError, match="penalty_factor has 2 numbers; x has 15 columns"):
        stability(Regression(penalty_factor=[1, 2]), x, y)
    with pytest.raises(ValueError, match="3 rows leave halves of 1"):
        stability(Regression(), x[:3], y[:3])
    with pytest.raises(TypeError, match="unknown keyword 'threshold'"):
        stability(Regression(), x, y, threshold=0.9)

    class Without:
        rising, classifies, score = False, False, "mse"

        def settings(self):
            return {"model": "Without"}

        def start(self, x, y):
            return self

        def fit(self, lam, seed=0):
            return self

    with pytest.raises(TypeError, match="models of Without have no coefficients"):
        stability(Without(), x, y, [1.0], draws=2)
    assert selection.stability is stability


def test_a_column_that_leaves_again_is_counted_once_and_stays_counted():
    """Two halves, three λ, three columns: column 1 leaves where column 2 enters."""
    picks = np.zeros((2, 3, 3), bool)
    picks[:, 0, 1] = True
    picks[0, 1, 2] = picks[:, 2, 2] = True
    found = Stability.of(picks, np.array([3.0, 2.0, 1.0]), ["a", "b", "c"], np.ones(3, bool), 0.75, 1.5, None, None, [])
    assert found.picked.tolist() == [1.0, 1.5, 2.0] and found.end == 2 and found.q == 1.5
    assert found.shares.tolist() == [0.0, 1.0, 0.5] and found.named() == ["b"]
    assert found.bound == 1.5**2 / (0.5 * 3)


def test_offsets_go_with_their_rows():
    x, y = rows()
    known = 5 * np.random.default_rng(1).standard_normal(80)
    one = stability(Regression(), x, y + known, bound=1.0, draws=6, offset=known)
    two = stability(Regression(), x, y, bound=1.0, draws=6)
    assert one.lambdas == pytest.approx(two.lambdas, rel=1e-9) and one.named() == two.named()
    assert stability(Regression(), x, y + known, bound=1.0, draws=6).lambdas[0] != pytest.approx(one.lambdas[0])
