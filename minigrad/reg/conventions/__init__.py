"""Penalties from the conventions of others: a function for each formula, and `read` for what users wrote.

Canonical: mean data loss + l1 Σ|w| + (l2/2) Σw². Where a formula divides by m, m is the number of training samples
(of the fold's training part, in cross-validation), never that of a mini-batch.
"""

from .formulas import (
    article_000_l1,
    article_000_l2,
    article_000_l2_code,
    article_001_l1,
    article_001_l1_gradient,
    article_001_l2,
    article_001_l2_gradient,
    article_002,
    article_004,
    glmnet,
    keras_l1,
    keras_l1_l2,
    keras_l2,
    sklearn_elastic_net,
    sklearn_lasso,
    sklearn_logistic,
    sklearn_ridge,
    statsmodels,
    torch_weight_decay,
    xgboost_linear,
)
from .lookup import known, read
from .reading import Convention
from .trial import check

__all__ = [
    "Convention",
    "article_000_l1",
    "article_000_l2",
    "article_000_l2_code",
    "article_001_l1",
    "article_001_l1_gradient",
    "article_001_l2",
    "article_001_l2_gradient",
    "article_002",
    "article_004",
    "check",
    "glmnet",
    "keras_l1",
    "keras_l1_l2",
    "keras_l2",
    "known",
    "read",
    "sklearn_elastic_net",
    "sklearn_lasso",
    "sklearn_logistic",
    "sklearn_ridge",
    "statsmodels",
    "torch_weight_decay",
    "xgboost_linear",
]
