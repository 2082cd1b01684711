"""From the text of a regularizer to its canonical form."""

from __future__ import annotations

from typing import Any

from . import deep, packages, scikit
from .grammar import parse
from .reading import Convention, Facts, arguments, filled, find

RULES = {rule.name: rule for module in (scikit, deep, packages) for rule in module.RULES}
# The first word, as people write it, and the library that it means.
LIBRARIES = {
    "sklearn": "sklearn",
    "scikit-learn": "sklearn",
    "keras": "keras",
    "tf": "keras",
    "tensorflow": "keras",
    "torch": "torch",
    "pytorch": "torch",
    "optax": "optax",
    "glmnet": "glmnet",
    "statsmodels": "statsmodels",
    "sm": "statsmodels",
    "xgboost": "xgboost",
    "xgb": "xgboost",
    "article": "article",
    "articles": "article",
}


def known() -> list[str]:
    """The full names of all conventions that `read` accepts.

    >>> "sklearn.linear_model.Ridge" in known()
    True
    """
    return sorted(RULES)


def read(text: str, *, rows: int | None = None, sd_y: float | None = None, batch: int | None = None) -> Convention:
    """What a regularizer written for another library is in canonical form, mean data loss + l1 Σ|w| + (l2/2) Σw².

    text    "sklearn.Ridge(alpha=3)", "keras l2(0.01)", "torch AdamW weight_decay=1e-4", "glmnet lambda=0.1 alpha=0.5",
            'Dense(64, kernel_regularizer="l2")': a call, or names and values with blanks between; `known()` lists
            the names. It is read by a grammar of its own, and nothing of it is evaluated.
    rows    the number of training rows, where the strength depends on it (Ridge, LogisticRegression)
    sd_y    the standard deviation of y, divided by n (glmnet with alpha < 1)
    batch   the rows of a batch (MLPClassifier)

    Returns a Convention; print it. ValueError for a text that cannot be read, a name that is not known, or a number
    that is missing; TypeError for an argument that the library's function does not take.

    >>> ridge = read("sklearn.Ridge(alpha=3)", rows=100)
    >>> ridge.l1, ridge.l2, ridge.coupled
    (0.0, 0.03, True)
    >>> read("torch AdamW weight_decay=1e-4").coupled
    False
    >>> read("Ridge(alpha=3)")
    Traceback (most recent call last):
      ...
    ValueError: Ridge(alpha=3): its strength depends on the number of training rows: give rows=... (--rows N)
    """
    call = parse(text)
    rule = find(call, RULES, LIBRARIES)
    facts = Facts(str(call), rows, sd_y, batch)
    values: dict[str, Any] = arguments(rule, call)
    return filled(rule.make(facts, **values), call, rule, facts)
