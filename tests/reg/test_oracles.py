"""Every convention on data, generated and real, against the scikit-learn model that the table of conventions names."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim, reg
from minigrad.reg import conventions as c

datasets = pytest.importorskip("sklearn.datasets", reason="needs scikit-learn: pip install minigrad[sklearn]")
linear = pytest.importorskip("sklearn.linear_model", reason="needs scikit-learn: pip install minigrad[sklearn]")
LAM = 0.2


def generated():
    rng = np.random.default_rng(11)
    x = rng.standard_normal((70, 9))
    return x, x @ np.array([2.0, -1, 0.5, 0, 0, 0, 0.1, -3, 0]) + 0.5 * rng.standard_normal(70)


def diabetes():
    x, y = datasets.load_diabetes(return_X_y=True)
    x = (x - x.mean(0)) / x.std(0)
    return x, (y - y.mean()) / y.std()


def digits():
    """Is it an eight? 64 pixels, of which 3 never vary; 400 samples."""
    x, y = datasets.load_digits(return_X_y=True)
    x = x[:400] / 16
    return x - x.mean(0), (y[:400] == 8) - (y[:400] == 8).mean()


DATA = {make.__name__: make() for make in (generated, diabetes, digits)}


def ridge(alpha):
    return linear.Ridge(alpha=alpha, fit_intercept=False, solver="cholesky")


def net(alpha, ratio=1.0):
    return linear.ElasticNet(alpha=alpha, l1_ratio=ratio, fit_intercept=False, tol=1e-13, max_iter=200_000)


ROWS = {  # source in the table: our penalty and its oracle, for m samples
    "000 L1": lambda m: (c.article_000_l1(LAM), net(LAM)),
    "000 L2 formula": lambda m: (c.article_000_l2(LAM), ridge(m * LAM)),
    "000 L2 code": lambda m: (c.article_000_l2_code(LAM), ridge(2 * m * LAM)),
    "001 L1": lambda m: (c.article_001_l1(LAM), net(LAM / 2)),
    "001 L2": lambda m: (c.article_001_l2(LAM), ridge(m * LAM)),
    "001 printed gradient, L1": lambda m: (c.article_001_l1_gradient(LAM), net(LAM)),
    "001 printed gradient, L2": lambda m: (c.article_001_l2_gradient(LAM), ridge(2 * m * LAM)),
    "002": lambda m: (c.article_002(LAM, m), ridge(LAM)),
    "003 and Keras, L1": lambda m: (c.keras_l1(LAM), net(LAM)),
    "003 and Keras, L2": lambda m: (c.keras_l2(LAM), ridge(2 * m * LAM)),
    "004 formula": lambda m: (c.article_004(LAM, m), net(LAM / (2 * m))),
    "PyTorch weight_decay": lambda m: (c.torch_weight_decay(LAM), ridge(m * LAM)),
    "scikit-learn ElasticNet": lambda m: (c.sklearn_elastic_net(LAM, 0.3), net(LAM, 0.3)),
}


def solved(x, y, term, make=optim.FISTA):
    model = nn.Linear(x.shape[1], 1, bias=False, init="zeros", dtype="float64")
    optimizer = make(model.parameters(), prox=reg.on(model, "weight", term))
    tx, ty = mg.tensor(x), mg.tensor(y.reshape(-1, 1).astype(np.float64))
    optimizer.minimize(lambda: mg.mse(model(tx), ty) * 0.5, tolerance=1e-12, steps=20_000)
    return model.weight.data.ravel()


@pytest.mark.parametrize("source", ROWS)
@pytest.mark.parametrize("data", DATA)
def test_each_row_of_the_table(data, source):
    x, y = DATA[data]
    term, oracle = ROWS[source](len(x))
    w, expected = solved(x, y, term), oracle.fit(x, y).coef_
    np.testing.assert_allclose(w, expected, atol=1e-6)
    varies = x.std(0) > 0  # scikit-learn's coordinates leave a column of zeros where they were
    assert ((w == 0) == (expected == 0))[varies].all() or term.l1 == 0
    slope = x.T @ (y - x @ w) / len(x) - term.l2 * w  # KKT: in l1 ∂|w|
    np.testing.assert_allclose(slope[w != 0], term.l1 * np.sign(w[w != 0]), atol=1e-8)
    assert (np.abs(slope[w == 0]) <= term.l1 + 1e-12).all()


OPTIMIZERS = {
    "SGD": lambda params, **terms: optim.SGD(params, lr=0.3, **terms),
    "momentum": lambda params, **terms: optim.SGD(params, lr=0.1, momentum=0.8, **terms),
    "nesterov": lambda params, **terms: optim.SGD(params, lr=0.1, momentum=0.8, nesterov=True, **terms),
    "Adam": lambda params, **terms: optim.Adam(params, lr=0.1, betas=(0.9, 0.99), **terms),
    "AdamW": lambda params, **terms: optim.AdamW(params, lr=0.1, betas=(0.9, 0.99), weight_decay=0.0, **terms),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizers_prox_ends_at_the_lasso(name):
    """Whatever its momentum or metric: the fixed points are those of the objective, with its zeros."""
    x, y = DATA["generated"]
    model = nn.Linear(9, 1, bias=False, dtype="float64")
    optimizer = OPTIMIZERS[name](model.parameters(), prox=reg.on(model, "weight", reg.ElasticNet(0.2, 0.1)))
    tx, ty = mg.tensor(x), mg.tensor(y.reshape(-1, 1))
    for step in range(900):
        if name.startswith("Adam") and step > 300:
            optimizer.param_groups[0]["lr"] *= 0.98
        optimizer.zero_grad()
        (mg.mse(model(tx), ty) * 0.5).backward()
        optimizer.step()
    expected = net(0.3, 2 / 3).fit(x, y).coef_
    w = model.weight.data.ravel()
    np.testing.assert_allclose(w, expected, atol=1e-6)
    assert ((w == 0) == (expected == 0)).all()
    assert (w == 0).sum() >= 3
