"""Elementary functions: within their ulps of the truth, right at special values, the same bits in every variant."""

import numpy as np
import pytest
from kernels.maps import TWO, arguments, compute
from kernels.truth import hard_arguments, oracle_case, ulps
from kernels.twins import EDGES, SPECIALS, assert_one_answer, bits, needs_native

import minigrad.kernels as K
from minigrad.errors import DTypeError, ShapeError
from minigrad.kernels import reference

pytestmark = needs_native
BOUND = {  # ulp of float64
    "expm1": 2,
    "log1p": 2,
    "log2": 2,
    "sin": 2,
    "cos": 2,
    "tan": 3,
    "sinh": 3,
    "cosh": 3,
    "asinh": 3,
    "atan": 2,
    "erf": 2,
    "softplus": 2,
    "pow": 2,
    "atan2": 2,
    "hypot": 2,
}
EXACT = ["floor", "ceil", "maximum", "minimum", "step", "leaky_relu", "leaky_slope"]
GELU = ["gelu", "gelu_grad", "gelu_tanh", "gelu_tanh_grad"]  # accurate as test_gelu.py says
ALL = [*BOUND, "normal_cdf", "logaddexp", *EXACT, *GELU]
both = pytest.mark.parametrize("dtype", [np.float32, np.float64])
each = pytest.mark.parametrize("name", ALL)


def truth(name, *operands):
    """By mpmath with digits enough for any argument, as the sum of two float64 in long double."""
    mp = pytest.importorskip("mpmath", reason="the truth is computed by mpmath: pip install mpmath")
    if np.finfo(np.longdouble).nmant < 63:
        pytest.skip("long double is float64 on this machine: no wider type to compare with")
    special = {
        "log2": lambda x: mp.log(x, 2),
        "softplus": lambda x: mp.log1p(mp.exp(x)),
        "pow": mp.power,
        "normal_cdf": mp.ncdf,
        "logaddexp": lambda a, b: max(a, b) + mp.log1p(mp.exp(-abs(a - b))),
    }
    function, found = special.get(name) or getattr(mp, name), []
    with mp.workprec(160):
        for x in zip(*(v.tolist() for v in operands)):
            t = function(*map(mp.mpf, x))
            found.append((float(t), float(t - mp.mpf(float(t))) if abs(t) < 1e308 else 0.0))
    high, low = np.array(found, np.longdouble).T
    return high + low


@pytest.mark.parametrize("name", BOUND)
def test_accuracy(name):
    x = arguments(name, 400, seed=1)
    assert ulps(compute(name, *x), truth(name, *x)).max() <= BOUND[name]


@pytest.mark.slow
@pytest.mark.parametrize("name", BOUND)
def test_accuracy_of_many(name):
    x = arguments(name, 20_000, seed=2)
    worst = ulps(compute(name, *x), truth(name, *x)).max()
    assert worst <= BOUND[name]
    print(f"{name}: {worst:.3f} ulp over {len(x[0])} arguments")


@pytest.mark.parametrize("name", ["normal_cdf", "logaddexp"])
def test_absolute_accuracy(name):
    """Sums that may cancel: as near as the rounding of what is added."""
    x = [np.random.default_rng(i).uniform(-8, 8, 300) for i in range(1 + (name in TWO))]
    scale = np.abs(x).max(0) if name in TWO else 1
    assert (np.abs(compute(name, *x) - truth(name, *x)) <= 2.0**-52 * scale).all()


@each
@both
def test_one_answer(name, dtype):
    """Special values in every pair, every size, and any bits at all."""
    rng = np.random.default_rng(4)
    edges = [
        *SPECIALS,
        5e-324,
        2.0**-1022,
        0.5,
        -0.5,
        2,
        -3,
        0.41421356,
        2.41421356,
        22.0,
        709.9,
        710.3,
        -745.5,
        711.0,
        2.0**27,
        2.0**30,
        2.0**52 + 1,
        2.0**53 - 1,
        -(2.0**53),
        1e300,
        -1e308,
        5.93,
        5.99,
    ]
    with np.errstate(over="ignore", invalid="ignore"):
        a, b = (v.ravel().astype(dtype) for v in np.meshgrid(edges, edges))
        anything = [np.frombuffer(rng.bytes(1500 * dtype().itemsize), dtype) for _ in range(2)]
        usual = [v.astype(dtype) for v in arguments(name, 300, seed=5)]
    operands = [a, b], anything, usual, [rng.uniform(-1, 1, 3000).astype(dtype) for _ in range(2)]
    for pair in operands:
        assert_one_answer(lambda pair=pair: compute(name, *pair[: 1 + (name in TWO)]), threads=(1,))
    for n in EDGES:
        x = [v[:n] for v in operands[-1][: 1 + (name in TWO)]]
        assert_one_answer(lambda x=x: compute(name, *x), threads=(1,))


@both
def test_exact_ones_equal_numpy(dtype):
    a, b = (v.ravel().astype(dtype) for v in np.meshgrid([*SPECIALS[:7], 1.5, -1.5, 2.5, -0.3, 1, 7.0], SPECIALS))
    for name in EXACT:
        expected = np.empty_like(a)
        with np.errstate(invalid="ignore", over="ignore"):
            getattr(reference, name)(*[a, b][: 1 + (name in TWO)], expected)
        assert bits(compute(name, *[a, b][: 1 + (name in TWO)])) == bits(expected), name


@both
def test_layouts_numbers_and_threads(dtype):
    x = np.random.default_rng(6).uniform(0.1, 3, (60, 700)).astype(dtype)
    calls = ("sin", (x.T,)), ("pow", (x, x[:1])), ("atan2", (2.0, x[:, ::-1])), ("hypot", (x[:, :1], 0.1))
    for name, operands in calls:
        shape = np.broadcast_shapes(*(np.shape(v) for v in operands))

        def call(name=name, operands=operands, shape=shape):
            out = np.empty(shape, dtype)
            getattr(K, name)(*operands, out)
            return out

        (y,) = assert_one_answer(call)
        same = [np.ascontiguousarray(np.broadcast_to(np.asarray(v, dtype), shape)) for v in operands]
        assert bits(y) == bits(compute(name, *same))


@both
def test_special_values(dtype):
    tiny, big = np.finfo(dtype).smallest_subnormal, np.finfo(dtype).max
    inf, nan, pi = np.inf, np.nan, dtype(np.pi)
    same = [(0, 0), (-0.0, -0.0), (tiny, tiny), (-tiny, -tiny), (nan, nan)]
    table = {
        "expm1": [*same, (inf, inf), (-inf, -1), (-1e5, -1), (1e5, inf)],
        "log1p": [*same, (inf, inf), (-1, -inf), (-2, nan), (-inf, nan)],
        "log2": [(0, -inf), (-0.0, -inf), (1, 0), (8, 3), (0.125, -3), (inf, inf), (-1, nan), (-inf, nan), (nan, nan)],
        "sin": [*same, (inf, nan), (-inf, nan)],
        "tan": [*same, (inf, nan), (-inf, nan)],
        "cos": [(0, 1), (-0.0, 1), (tiny, 1), (inf, nan), (-inf, nan), (nan, nan)],
        "sinh": [*same, (inf, inf), (-inf, -inf), (1e5, inf)],
        "cosh": [(0, 1), (-0.0, 1), (inf, inf), (-inf, inf), (-1e5, inf), (nan, nan)],
        "asinh": [*same, (inf, inf), (-inf, -inf)],
        "atan": [*same, (inf, pi / 2), (-inf, -pi / 2), (big, pi / 2)],
        "erf": [(0, 0), (-0.0, -0.0), (nan, nan), (6, 1), (inf, 1), (-inf, -1), (-big, -1)],
        "normal_cdf": [(0, 0.5), (-0.0, 0.5), (inf, 1), (-inf, 0), (9, 1), (-40, 0), (nan, nan)],
        "softplus": [(inf, inf), (-inf, 0), (-1e5, 0), (1e4, 1e4), (nan, nan)],
        "floor": [(-0.0, -0.0), (0.5, 0), (-0.5, -1), (-tiny, -1), (big, big), (-inf, -inf), (nan, nan)],
        "ceil": [(-0.0, -0.0), (0.5, 1), (-0.5, -0.0), (tiny, 1), (-big, -big), (inf, inf), (nan, nan)],
    }
    for name, pairs in table.items():
        x, y = np.array(pairs, dtype).T.copy()
        got = compute(name, x)
        np.testing.assert_array_equal(got, y, err_msg=name)
        assert (np.signbit(got) == np.signbit(y))[~np.isnan(y)].all(), name


@both
@pytest.mark.parametrize("name", ["pow", "atan2", "hypot", "logaddexp"])
def test_special_pairs_equal_numpys(name, dtype):
    """Every pair of special values, where the standard of C says what comes out."""
    values = [0.0, -0.0, 1, -1, 2, -2, 3, -3, 0.5, -0.5, 2.5, np.inf, -np.inf, np.nan, 1e30, -1e30]
    a, b = (v.ravel().astype(dtype) for v in np.meshgrid(values, values))
    expected = np.empty_like(a)
    getattr(reference, name)(a, b, expected)
    got = compute(name, a, b)
    assert (ulps(got, expected.astype(np.float64)) <= 4).all()
    known = ~np.isnan(expected)
    assert (np.signbit(got) == np.signbit(expected))[known].all()


@pytest.mark.parametrize("name", ["expm1", "log1p", "sin", "cos", "erf", "nn.functional.softplus"])
@both
def test_oracle_values(name, dtype):
    """Their rounding is half an ulp of a float64 result, but that of float32's erf."""
    x, t = oracle_case(name, dtype)
    if name.endswith("softplus"):  # PyTorch's is the identity beyond 20
        x, t = x[x < 20], t[x < 20]
    bound = 2.5 if dtype is np.float64 else 1.5 if name == "erf" else 0.51
    assert ulps(compute(name.split(".")[-1], x), t).max() <= bound


@pytest.mark.parametrize("name", ["expm1", "sin", "cos", "erf"])
def test_hard_to_round(name):
    x = hard_arguments(name)[::5]
    assert ulps(compute(name, x), truth(name, x)).max() <= 1.5


def test_huge_angles():
    """Neighbours of multiples of a quarter turn, among them 6381956970095103 * 2^797, the nearest of all."""
    x = np.array([6381956970095103.0 * 2.0**797, 1e22, 2.0**30, 2.0**1023, np.finfo(float).max, 5.319372648326541e255])
    for name in "sin", "cos", "tan":
        assert ulps(compute(name, x), truth(name, x)).max() <= BOUND[name]
    assert abs(compute("cos", x)[0]) < 1e-18


def test_step_by_step():
    """From number to number the values fall by an ulp at most, also where a formula or a table changes."""
    for name, start in [
        ("erf", 0.1927),
        ("erf", 0.578),
        ("erf", 2.8915),
        ("sinh", 1.0),
        ("asinh", 2.0**28),
        ("atan", 0.4142135),
        ("atan", 2.414213),
        ("expm1", 0.34657),
        ("log1p", 0.5),
    ]:
        x = (np.array(start, np.float32) + np.arange(-3000, 3000) * np.spacing(np.float32(start))).astype(np.float64)
        y = compute(name, x)
        assert (np.diff(y) >= -np.spacing(np.abs(y[1:]))).all(), (name, start)
        assert name != "erf" or (y <= 1).all()


@both
def test_where(dtype):
    rng = np.random.default_rng(7)
    a, b = rng.standard_normal((2, 70, 300)).astype(dtype)
    a[0, :4], b[0, :4] = [np.nan, -0.0, 0.0, np.inf], [-0.0, np.nan, np.inf, 0.0]
    c = a > b
    for condition, p, q in [
        (c, a, b),
        (c.T.copy().T, a[:, ::-1], b),
        (c[:1], a, b[:, :1]),
        (c, a[0], 0.1),
        (c, 2, b),
        (c, 1.0, -0.0),
        (c[:, :1], a.astype(np.float32), b),
    ]:

        def call(condition=condition, p=p, q=q):
            out = np.empty(a.shape, dtype)
            K.where(condition, p, q, out)
            return out

        (y,) = assert_one_answer(call)
        assert bits(y) == bits(np.where(condition, p, q).astype(dtype))
    expected = np.where(c, a, b)
    K.where(c, a, b, a)  # in place
    assert bits(a) == bits(expected)
    out = np.zeros((70, 300), dtype)
    for wrong, error, match in [
        ((a, a, b), DTypeError, "need bool"),
        ((c[:, :5], a, b), ShapeError, "the condition is"),
        ((c, a[:5], b), ShapeError, "a is"),
        ((c, a, b > 0), DTypeError, "where"),
        ((c, a, "1"), TypeError, "number"),
    ]:
        with pytest.raises(error, match=match):
            K.where(*wrong, out)
    assert not out.any()
