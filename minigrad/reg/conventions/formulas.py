"""Penalties from the strengths of others: each function quotes a formula and returns that penalty in canonical form.

Canonical: mean data loss + l1 Σ|w| + (l2/2) Σw². Where a formula divides by m, m is the number of training samples
(of the fold's training part, in cross-validation), never that of a mini-batch. The articles: examples/articles.
"""

from __future__ import annotations

from ...checks import finite, whole
from ..weights.elastic_net import L1, L2, ElasticNet


def _lam(value: float) -> float:
    return finite(value, "the strength", at_least=0.0)


def _m(value: int) -> int:
    return whole(value, "m, the number of training samples,", 1)


def article_000_l1(lam: float) -> L1:
    """λ Σ|w|."""
    return L1(lam)


def article_000_l2(lam: float) -> L2:
    """(λ/2) Σw², the formula of the text."""
    return L2(lam)


def article_000_l2_code(lam: float) -> L2:
    """λ Σw², what its code `regularizers.l2(λ)` computes: twice its formula."""
    return L2(2 * _lam(lam))


def article_001_l1(lam: float) -> L1:
    """(λ/2) Σ|w|."""
    return L1(_lam(lam) / 2)


def article_001_l2(lam: float) -> L2:
    """(λ/2) Σw²."""
    return L2(lam)


def article_001_l1_gradient(lam: float) -> L1:
    """The gradient as printed, λ ∂|w|: twice that of its formula."""
    return L1(lam)


def article_001_l2_gradient(lam: float) -> L2:
    """The gradient as printed, λ ∂(w²) = 2 λ w: twice that of its formula."""
    return L2(2 * _lam(lam))


def article_002(lam: float, m: int) -> L2:
    """λ/(2m) Σw² beside 1/(2m) Σ(y - ŷ)²: Ridge(alpha=λ)."""
    return L2(_lam(lam) / _m(m))


def article_004(lam: float, m: int) -> L1:
    """λ/(2m) Σ|w|."""
    return L1(_lam(lam) / (2 * _m(m)))


def keras_l1(lam: float) -> L1:
    """λ Σ|w|: keras.regularizers.L1(λ), and article 003."""
    return L1(lam)


def keras_l2(lam: float) -> L2:
    """λ Σw²: keras.regularizers.L2(λ), and article 003.

    >>> keras_l2(0.01)
    <L2(0.02): l1 = 0, l2 = 0.02; moment: loss>
    """
    return L2(2 * _lam(lam))


def keras_l1_l2(l1: float, l2: float) -> ElasticNet:
    """l1 Σ|w| + l2 Σw²: keras.regularizers.L1L2(l1, l2)."""
    return ElasticNet(l1, 2 * _lam(l2))


def torch_weight_decay(lam: float) -> L2:
    """λ w added to the gradient: weight_decay=λ of torch.optim.SGD and Adam (there on biases too)."""
    return L2(lam)


def sklearn_ridge(alpha: float, m: int) -> L2:
    """‖y - Xw‖² + α ‖w‖²; with the data term 1/(2m) ‖y - Xw‖²: l2 = α/m."""
    return L2(_lam(alpha) / _m(m))


def sklearn_lasso(alpha: float) -> L1:
    """1/(2m) ‖y - Xw‖² + α ‖w‖₁."""
    return L1(alpha)


def sklearn_elastic_net(alpha: float, l1_ratio: float = 0.5) -> ElasticNet:
    """1/(2m) ‖y - Xw‖² + α ρ ‖w‖₁ + α (1 - ρ)/2 ‖w‖², with ρ = l1_ratio."""
    ratio = finite(l1_ratio, "sklearn_elastic_net: l1_ratio", 0.0, 1.0)
    return ElasticNet(_lam(alpha) * ratio, _lam(alpha) * (1 - ratio))


def sklearn_logistic(C: float, m: int) -> L2:
    """½ ‖w‖² + C Σ losses; with the mean loss: l2 = 1/(C m)."""
    return L2(1 / (finite(C, "sklearn_logistic: C", at_least=1e-300) * _m(m)))


def glmnet(lam: float, alpha: float = 1.0, sd_y: float = 1.0) -> ElasticNet:
    """1/(2n) ‖y - Xw‖² + λ ((1 - α)/2 ‖w‖² + α ‖w‖₁), where y has standard deviation 1 (over n).

    Of another y, glmnet divides by sd(y) first and scales only the L1 part back: l2 = λ(1 - α)/sd(y).
    The families binomial and poisson do not scale y: leave sd_y at 1.

    >>> glmnet(0.1, 0.5, sd_y=2.0)
    <ElasticNet(0.05, 0.025): l1 = 0.05, l2 = 0.025; moment: loss>
    """
    lam, ratio = _lam(lam), finite(alpha, "glmnet: alpha", 0.0, 1.0)
    return ElasticNet(lam * ratio, lam * (1 - ratio) / finite(sd_y, "glmnet: sd_y", at_least=5e-324))


def statsmodels(alpha: float, L1_wt: float = 1.0) -> ElasticNet:
    """RSS/(2n) + α ((1 - L1_wt)/2 ‖w‖² + L1_wt ‖w‖₁): fit_regularized of OLS and GLM, where a constant counts, too."""
    ratio = finite(L1_wt, "statsmodels: L1_wt", 0.0, 1.0)
    return ElasticNet(_lam(alpha) * ratio, _lam(alpha) * (1 - ratio))


def xgboost_linear(reg_lambda: float = 0.0, reg_alpha: float = 0.0) -> ElasticNet:
    """Σ losses + n (λ/2 ‖w‖² + α ‖w‖₁): booster="gblinear", where both strengths are per row."""
    return ElasticNet(_lam(reg_alpha), _lam(reg_lambda))
