"""scikit-learn estimators over minigrad: for Pipeline, GridSearchCV, cross_val_score. The extra `sklearn`.

Strengths are minigrad's: l1 Σ|w| + (l2/2) Σw² beside the mean loss of the training rows.
"""

try:
    import sklearn  # noqa: F401
except ImportError:
    raise ImportError("minigrad.sklearn needs scikit-learn: pip install 'minigrad[sklearn]'") from None

from .linear import ElasticNetRegressor, HuberRegressor, LogisticClassifier, PoissonRegressor
from .mlp import MLPClassifier, MLPRegressor

__all__ = [
    "ElasticNetRegressor",
    "HuberRegressor",
    "LogisticClassifier",
    "MLPClassifier",
    "MLPRegressor",
    "PoissonRegressor",
]
