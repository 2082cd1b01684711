"""Each convention against an oracle that knows nothing of it: linear models without intercept."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim, reg
from minigrad.reg import conventions as c

M, N, LAM = 60, 8, 0.3


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(4)
    x = rng.standard_normal((M, N))
    w = np.array([2.0, -1.0, 0.5, 0, 0, 0, 0.1, -3.0])
    return x, x @ w + 0.5 * rng.standard_normal(M)


def solve(data, term, steps=200):
    """Proximal full-batch gradient descent on 1/(2m) ‖y - x w‖² + R(w), with the optimizer of the project."""
    x, y = mg.tensor(data[0]), mg.tensor(data[1].reshape(-1, 1))
    model = nn.Sequential(nn.Linear(N, 1, bias=False, init="zeros", dtype="float64"))
    rate = M / np.linalg.norm(data[0], 2) ** 2
    optimizer = optim.SGD(model.parameters(), lr=float(rate), prox=reg.on(model, "*.weight", term))
    for _ in range(steps):
        optimizer.zero_grad()
        (0.5 * mg.mse(model(x), y)).backward()
        optimizer.step()
    return model[0].weight.data.ravel()


def ridge(data, alpha):
    """The minimum of ‖y - x w‖² + alpha ‖w‖²."""
    x, y = data
    return np.linalg.solve(x.T @ x + alpha * np.eye(N), x.T @ y)


# convention, and the alpha of scikit-learn's Ridge that the table of conventions gives for it
RIDGES = {
    "article_000_l2": (c.article_000_l2(LAM), M * LAM),
    "article_000_l2_code": (c.article_000_l2_code(LAM), 2 * M * LAM),
    "article_001_l2": (c.article_001_l2(LAM), M * LAM),
    "article_001_l2_gradient": (c.article_001_l2_gradient(LAM), 2 * M * LAM),
    "article_002": (c.article_002(LAM, M), LAM),
    "keras_l2": (c.keras_l2(LAM), 2 * M * LAM),
    "torch_weight_decay": (c.torch_weight_decay(LAM), M * LAM),
    "sklearn_ridge": (c.sklearn_ridge(LAM, M), LAM),
}
LASSOS = {
    "article_000_l1": (c.article_000_l1(LAM), LAM),
    "article_001_l1": (c.article_001_l1(LAM), LAM / 2),
    "article_001_l1_gradient": (c.article_001_l1_gradient(LAM), LAM),
    "article_004": (c.article_004(LAM, M), LAM / (2 * M)),
    "keras_l1": (c.keras_l1(LAM), LAM),
    "sklearn_lasso": (c.sklearn_lasso(LAM), LAM),
}
NETS = {
    "sklearn_elastic_net": (c.sklearn_elastic_net(LAM, 0.25), LAM, 0.25),
    "keras_l1_l2": (c.keras_l1_l2(0.1, 0.2), 0.5, 0.2),  # 0.1 Σ|w| + 0.2 Σw²: alpha ρ = 0.1, alpha (1 - ρ) = 0.4
}


@pytest.mark.parametrize("name", RIDGES)
def test_ridge_by_its_closed_form(data, name):
    term, alpha = RIDGES[name]
    np.testing.assert_allclose(solve(data, term), ridge(data, alpha), rtol=1e-9)


@pytest.mark.parametrize("name", [*LASSOS, *NETS])
def test_lasso_and_elastic_net_by_their_optimality(data, name):
    """With s = xᵀ(y - x w)/m - l2 w: |s| <= l1, with equality and the sign of w where w is not 0."""
    term, alpha, ratio = {**NETS, **{name: (*case, 1.0) for name, case in LASSOS.items()}}[name]
    l1, l2 = alpha * ratio, alpha * (1 - ratio)
    w = solve(data, term)
    s = data[0].T @ (data[1] - data[0] @ w) / M - l2 * w
    np.testing.assert_allclose(s[w != 0], l1 * np.sign(w[w != 0]), atol=1e-9)
    assert (np.abs(s[w == 0]) <= l1).all()
    assert (w == 0).any() or l1 < 0.15


@pytest.mark.parametrize("name", [*RIDGES, *LASSOS, *NETS])
def test_against_scikit_learn(data, name):
    linear = pytest.importorskip("sklearn.linear_model")
    if name in RIDGES:
        term, alpha = RIDGES[name]
        oracle = linear.Ridge(alpha=alpha, fit_intercept=False, solver="cholesky")
    elif name in LASSOS:
        term, alpha = LASSOS[name]
        oracle = linear.Lasso(alpha=alpha, fit_intercept=False, tol=1e-12, max_iter=100_000)
    else:
        term, alpha, ratio = NETS[name]
        oracle = linear.ElasticNet(alpha=alpha, l1_ratio=ratio, fit_intercept=False, tol=1e-12, max_iter=100_000)
    w, expected = solve(data, term), oracle.fit(*data).coef_
    np.testing.assert_allclose(w, expected, atol=1e-6)
    assert ((w == 0) == (expected == 0)).all()


def test_logistic_regression_against_scikit_learn(data):
    linear = pytest.importorskip("sklearn.linear_model")
    x, t = mg.tensor(data[0]), (data[1] > 0).astype(np.float64)
    model = nn.Linear(N, 1, bias=False, init="zeros", dtype="float64")
    optimizer = optim.SGD(model.parameters(), lr=2.0, penalty=reg.on(model, "*.weight", c.sklearn_logistic(0.1, M)))
    for _ in range(300):
        optimizer.zero_grad()
        mg.bce_with_logits(model(x), t.reshape(-1, 1)).backward()
        optimizer.step()
    oracle = linear.LogisticRegression(C=0.1, fit_intercept=False, tol=1e-10, max_iter=10_000).fit(data[0], t)
    np.testing.assert_allclose(model.weight.data.ravel(), oracle.coef_.ravel(), atol=1e-6)


@pytest.mark.parametrize("make", [c.article_002, c.article_004, c.sklearn_ridge, c.sklearn_logistic])
def test_m_is_the_users(make):
    with pytest.raises(ValueError, match="m, the number of training samples, is 0"):
        make(0.1, 0)
    with pytest.raises(TypeError, match="whole number"):
        make(0.1, 0.5)
    with pytest.raises(ValueError, match=r"-0\.1; need a finite number"):
        make(-0.1, 10)


def test_ratios_are_checked():
    with pytest.raises(ValueError, match=r"l1_ratio is 1\.5"):
        c.sklearn_elastic_net(0.1, 1.5)
