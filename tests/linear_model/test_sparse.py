"""Sparse inputs: the dense solutions, without a dense matrix; what is read, and what is refused."""

import dataclasses
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from minigrad import kernels, selection
from minigrad.errors import DTypeError, NonFiniteError, ShapeError
from minigrad.linear_model import GroupLasso, Huber, Logistic, Poisson, Regression, adaptive, relaxed
from minigrad.linear_model.column_products import SparseColumns
from minigrad.linear_model.sparse import SparseDesign, as_sparse


class Sparse:
    """A matrix as SciPy has it, by columns or by rows, without SciPy."""

    def __init__(self, dense, form="csc", mix=None):
        lines = dense.T if form == "csc" else dense
        places = [np.flatnonzero(line) for line in lines]
        if mix is not None:
            places = [mix.permutation(place) for place in places]
        self.format, self.shape = form, dense.shape
        self.indptr = np.cumsum([0] + [len(place) for place in places], dtype=np.int32)
        self.indices = np.concatenate(places).astype(np.int32)
        self.data = np.concatenate([line[place] for line, place in zip(lines, places)])


def table(seed, rows=None, columns=None):
    rng = np.random.default_rng(seed)
    m, p = rows or int(rng.integers(12, 60)), columns or int(rng.integers(2, 90))
    x = rng.standard_normal((m, p)) * (rng.random((m, p)) < rng.uniform(0.05, 0.6))
    if seed % 3 == 0:
        x[:, 0] = 3.0  # a constant column that is full
    if seed % 4 == 0:
        x[:, -1] = 0.0  # and one that is empty
    return x, rng


def settings(seed, p, rng):
    found = {"l1_ratio": [1.0, 0.5, 0.2][seed % 3], "fit_intercept": seed % 5 != 0, "standardize": bool(seed % 2)}
    if seed % 4 == 1:
        found["penalty_factor"] = np.where(rng.random(p) < 0.1, 0.0, rng.uniform(0.5, 2, p))
        found["penalty_factor"][:2] = 0.0, 1.0
    if seed % 6 == 2:
        found["lower"] = 0.0
    return found


@pytest.mark.parametrize("seed", range(24))
def test_regression_is_that_of_the_dense_matrix(seed):
    x, rng = table(seed)
    y = x @ rng.standard_normal(x.shape[1]) * 0.5 + rng.standard_normal(len(x)) + 2
    weights = rng.uniform(0, 2, len(x)) * (rng.random(len(x)) < 0.9) if seed % 2 else None
    offset = rng.standard_normal(len(x)) if seed % 3 == 1 else None
    family = Regression(**settings(seed, x.shape[1], rng))
    dense = family.start(x, y, weights, offset)
    sparse = family.start(Sparse(x, "csr" if seed % 2 else "csc", rng), y, weights, offset)
    top = dense.lambda_max()
    assert sparse.lambda_max() == pytest.approx(top, rel=1e-10)
    for share in (1.01, 0.5, 0.1):
        one, other = dense.fit(share * top), sparse.fit(share * top)
        assert other.coefficients == pytest.approx(one.coefficients, abs=1e-8 * (1 + np.abs(one.coefficients).max()))
        assert other.output(Sparse(x), offset) == pytest.approx(one.output(x, offset), abs=1e-8)
        assert not other.gap > 1e-9 * (1 + one.gap) and not other.trouble


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("seed", range(10))
def test_logistic_is_that_of_the_dense_matrix(seed, classes):
    x, rng = table(seed, rows=60)
    y = np.digitize(x[:, 0] * (seed % 3 != 0) + x[:, 1] + rng.standard_normal(60), [0.0, 0.7][: classes - 1])
    assert len(np.unique(y)) == classes
    weights = rng.uniform(0.1, 2, 60) if seed % 2 else None
    offset = 0.3 * rng.standard_normal((60, classes) if classes > 2 else 60) if seed % 3 == 1 else None
    told = settings(seed, x.shape[1], rng)
    told.pop("penalty_factor", None)
    family = Logistic(**told)
    dense, sparse = (family.start(given, y, weights, offset=offset) for given in (x, Sparse(x)))
    top = dense.lambda_max()
    assert sparse.lambda_max() == pytest.approx(top, rel=1e-10)
    for share in (0.5, 0.1):
        one, other = dense.fit(share * top), sparse.fit(share * top)
        assert other.coefficients == pytest.approx(one.coefficients, abs=1e-7)
        assert other.output(Sparse(x), offset) == pytest.approx(one.output(x, offset), abs=1e-7)


@pytest.mark.parametrize("family", [Regression(0.0), Logistic(0.0), Regression(0.0, standardize=True)])
def test_ridge(family):
    x, rng = table(7, rows=50, columns=30)
    y = (x[:, 1] + rng.standard_normal(50) > 0).astype(int) if family.classifies else x[:, 1] + rng.standard_normal(50)
    one, other = (family.start(given, y).solve(0.0, 0.1) for given in (x, Sparse(x)))
    assert other.coefficients == pytest.approx(one.coefficients, abs=1e-9)


@pytest.mark.skipif(kernels.runtime is None, reason="some 400 fits take NumPy most of a minute")
def test_folds_stability_and_two_steps():
    x, rng = table(5, rows=60, columns=25)
    y = 2 * x[:, 0] - x[:, 3] + rng.standard_normal(60)
    family, sparse = Regression(standardize=True), Sparse(x, "csr")
    told = {"count": 12, "weights": rng.uniform(0.5, 2, 60)}
    one, other = (selection.cross_validate(family, given, y, **told) for given in (x, sparse))
    assert other.lambdas == pytest.approx(one.lambdas, rel=1e-12) and other.scores == pytest.approx(one.scores)
    assert other.best == one.best and other.one_se == one.one_se
    halves = [selection.stability(family, given, y, draws=8, count=30, bound=4.0).frequencies for given in (x, sparse)]
    assert (halves[0] == halves[1]).all()
    nested = [selection.nested_cross_validate(family, given, y, outer=3, folds=3, count=6) for given in (x, sparse)]
    assert nested[1].mean == pytest.approx(nested[0].mean)
    lasso = family.start(x, y).fit(0.2)
    free = [relaxed(family, lasso, given, y).coefficients for given in (x, sparse)]
    assert free[1] == pytest.approx(free[0], abs=1e-9)
    factors = [adaptive(family, given, y, first=lasso).penalty_factor for given in (x, sparse)]
    assert factors[0] == pytest.approx(factors[1])


def test_a_log_knows_its_rows(tmp_path):
    x, rng = table(7, rows=60, columns=5)
    y, told = 3 * x[:, 1] + rng.standard_normal(60), {"count": 5, "folds": 3, "log": tmp_path / "sweep.jsonl"}
    once = selection.cross_validate(Regression(), Sparse(x), y, **told)
    assert (selection.cross_validate(Regression(), Sparse(x, "csr"), y, **told).scores == once.scores).all()
    with pytest.raises(ValueError, match="log"):
        selection.cross_validate(Regression(), Sparse(-x), y, **told)


@pytest.mark.parametrize("standardize", [False, True])
def test_the_columns_are_those_of_the_design(standardize):
    x, rng = table(9, rows=40, columns=12)
    weights = rng.uniform(0, 1, 40) * (rng.random(40) < 0.8)
    design = SparseDesign(Sparse(x), weights, standardize=standardize)
    mean = np.average(x, axis=0, weights=weights)
    spread = np.sqrt(np.average((x - mean) ** 2, axis=0, weights=weights)) if standardize else np.ones(12)
    z = ((x - mean) / np.where(spread > 1e-12, spread, 1))[weights > 0]
    assert design.z.dense(range(12)) == pytest.approx(z, abs=1e-12)
    root = rng.uniform(0.5, 1, len(z))
    rows = design.z.times_rows(root)
    assert rows.gram(root) == pytest.approx(z.T @ (z * (root**3)[:, None]), abs=1e-10)
    assert rows.squares() == pytest.approx((z * root[:, None]).__pow__(2).sum(0), abs=1e-10)
    r = rng.standard_normal((len(z), 2))
    assert rows.dots(r) == pytest.approx(r.T @ (z * root[:, None]), abs=1e-12)
    assert rows.times(r[:12]) == pytest.approx((z * root[:, None]) @ r[:12], abs=1e-12)
    some = rows.of([3, 1]).with_ones()
    assert some.shape == (len(z), 3) and isinstance(some, SparseColumns)
    assert some.dense([2, 0]) == pytest.approx(np.column_stack([np.ones(len(z)), z[:, 3] * root]), abs=1e-12)


def test_columns_far_from_1():
    x, rng = table(2, rows=30, columns=6)
    y = x[:, 1] + rng.standard_normal(30)
    far = x * np.array([1e-180, 1e150, 1, 1, 1e-200, 1])
    one, other = (Regression(standardize=True).start(given, y).fit(0.05) for given in (far, Sparse(far)))
    assert other.coefficients == pytest.approx(one.coefficients, rel=1e-8)


def test_what_is_read():
    x, rng = table(3, rows=9, columns=5)
    for form in ("csc", "csr"):
        assert (as_sparse(Sparse(x, form, rng), "x").toarray() == x).all()
    twice = Sparse(np.array([[1.0, 0.0], [0.0, 2.0]]))
    twice.indptr, twice.indices, twice.data = [0, 2, 3], [0, 0, 1], [0.25, 0.75, 2.0]
    assert as_sparse(twice, "x").toarray().tolist() == [[1.0, 0.0], [0.0, 2.0]]
    longer = Sparse(x)  # SciPy may keep room behind the last entry
    longer.indices, longer.data = np.append(longer.indices, 77), np.append(longer.data, np.nan)
    assert (as_sparse(longer, "x").toarray() == x).all()
    matrix = as_sparse(Sparse(x), "x")
    order = rng.permutation(9)[:6]
    assert (matrix[order].toarray() == x[order]).all() and (matrix[x[:, 1] != 0].toarray() == x[x[:, 1] != 0]).all()
    with pytest.raises(ValueError, match="each of its rows once"):
        matrix[[1, 1]]


def changed(x, **parts):
    made = Sparse(x)
    vars(made).update(parts)
    return made


@pytest.mark.parametrize(
    ("parts", "error", "message"),
    [
        ({"format": "coo"}, DTypeError, r"x is a sparse matrix of the form 'coo'; need x\.tocsc\(\)"),
        ({"data": np.ones(4, complex)}, DTypeError, "x is complex128; need real numbers"),
        ({"indptr": [0, 2, 5]}, ShapeError, "are no CSC matrix of 3 rows and 2 columns"),
        ({"indices": [0, 1, 2, 3]}, ShapeError, "indices go from 0 to 3; need 0 to 2"),
        ({"data": [1.0, np.inf, 1.0, 1.0]}, NonFiniteError, "x: row 1, column 0 is inf; need numbers"),
        ({"data": [1.0, 1e301, 1.0, 1.0]}, NonFiniteError, r"x: column 0 reaches 1e\+301"),
        ({"indices": [0.0, 1.5, 1.0, 2.0]}, DTypeError, "x: indices is float64; need integers"),
        ({"shape": (3,)}, ShapeError, r"x is \(3,\); need rows and columns"),
    ],
)
def test_what_is_no_sparse_matrix(parts, error, message):
    x = np.array([[1.0, 0.0], [2.0, 3.0], [0.0, 4.0]])
    with pytest.raises(error, match=message):
        Regression().start(changed(x, **parts), [1.0, 2.0, 4.0])


def test_families_that_take_none_say_so():
    x, rng = table(3, rows=30, columns=4)
    y = rng.poisson(1.0, 30).astype(float)
    for family in (Poisson(), Huber(), GroupLasso()):
        name = type(family).__name__
        with pytest.raises(TypeError, match=f"{name} takes no sparse x; Regression and Logistic do"):
            family.start(Sparse(x), y)
        with pytest.raises(TypeError, match=f"x is a sparse matrix, and {name} takes none"):
            selection.cross_validate(family, Sparse(x), y)
    with pytest.raises(TypeError, match=r"Imputed takes none \(a sparse matrix has no gaps"):
        selection.cross_validate(selection.Imputed(Regression()), Sparse(x), y)
    for call in (selection.criteria, selection.tune, selection.nested_tune):
        with pytest.raises(TypeError, match=f"{call.__name__}: x is a sparse matrix; cross_validate"):
            call(Regression(), Sparse(x), y)
    with pytest.raises(ShapeError, match="need one target for each of 30 rows"):
        Regression().start(Sparse(x), y[:7])
    model = Regression().start(Sparse(x), y).fit(0.1)
    with pytest.raises(ShapeError, match=r"x is \(30, 3\); the model was fitted on 4 columns"):
        model.output(Sparse(x[:, :3]))
    with pytest.raises(ValueError, match="every column is constant"):
        selection.cross_validate(Regression(), Sparse(np.ones((30, 2))), y)


BIG = """
import numpy as np
from minigrad.linear_model import Logistic, Regression

class CSR:
    format, shape = "csr", (20_000, 50_000)

rng = np.random.default_rng(0)
x = CSR()
x.indptr, x.indices = np.arange(0, 200_001, 10), rng.integers(0, 50_000, 200_000)
x.data = rng.standard_normal(200_000)
y = x.data.reshape(-1, 10).sum(1) + rng.standard_normal(20_000)
for family, target in ((Regression(standardize=True), y), (Logistic(), (y > 0).astype(int))):
    solver = family.start(x, target)
    assert 0 < solver.fit(0.5 * solver.lambda_max()).nonzeros < 20_000
with open("/proc/self/status") as status:
    print(next(line.split()[1] for line in status if line.startswith("VmHWM")))  # kB; of this process alone
"""


def test_a_wide_matrix_is_never_made_dense():
    """20,000 x 50,000 as an array would be 8 GB; measured 85 MB, NumPy and minigrad among them."""
    if not Path("/proc/self/status").exists():
        pytest.skip("needs Linux's /proc")
    done = subprocess.run([sys.executable, "-c", BIG], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert int(done.stdout) < 600_000


@pytest.mark.peers
def test_scikit_learn_on_sparse_rows():
    linear = pytest.importorskip("sklearn.linear_model")
    sparse = pytest.importorskip("scipy.sparse")
    x, rng = table(1, rows=80, columns=120)
    y = x[:, 0] - x[:, 5] + rng.standard_normal(80)
    given = sparse.csc_matrix(x)
    for ratio in (1.0, 0.5):
        ours = dataclasses.replace(Regression(), l1_ratio=ratio).start(given, y).fit(0.05)
        theirs = linear.ElasticNet(alpha=0.05, l1_ratio=ratio, tol=1e-14, max_iter=200_000).fit(given, y)
        assert ours.coefficients == pytest.approx(theirs.coef_, abs=1e-8)
        assert ours.intercept == pytest.approx(float(theirs.intercept_), abs=1e-8)
    labels = (y > 0).astype(int)
    ours = Logistic(l1_ratio=0.0).start(given, labels).fit(0.1)
    theirs = linear.LogisticRegression(C=1 / (0.1 * 80), tol=1e-12, max_iter=20_000).fit(given, labels)
    assert ours.coefficients == pytest.approx(theirs.coef_[0], abs=1e-7)
