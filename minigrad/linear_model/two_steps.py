"""Fits in two steps: the adaptive lasso, whose penalty factors a first fit gives, and relaxed fits, on a support."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from ..checks import finite
from .logistic import Logistic
from .model import Linear, LinearModel
from .regression import Regression


def adaptive(family: Linear, x: Any, y: Any, first: Any = None, power: float = 1.0, weights: Any = None) -> Linear:
    """The family with penalty factors 1/|w|^power from a first fit: the adaptive lasso (Zou 2006, JASA 101).

    family      Regression(...) or Logistic(...); its own penalty factors multiply the new ones
    first       a LinearModel that was fitted on these columns, or coefficients (p,). None: least squares, or a logistic
                fit without penalty; with more columns than rows, where there is none, give a ridge
    power       γ: at least 0; 1 is Zou's nonnegative garrote

    Returns the family for the second step, of which λ is chosen anew. A coefficient that is 0 in the first fit stays 0:
    its factor is 1e100. With standardize the first coefficients are multiplied by the deviation of their columns,
    because factors are on the standardized ones. ValueError where all are 0.

    >>> from minigrad.data import regression
    >>> x, y, truth = regression(80, 10, noise=1.0, nonzero=2, dtype="float64")
    >>> plain, second = Regression(), adaptive(Regression(), x, y)
    >>> plain.start(x, y).fit(0.05).nonzeros > second.start(x, y).fit(0.05).nonzeros
    True
    """
    if not isinstance(family, (Regression, Logistic)):
        raise TypeError(f"adaptive: family is a {type(family).__name__}; need Regression(...) or Logistic(...)")
    power = finite(power, "adaptive: power", at_least=0.0)
    design = family.start(x, y, weights)
    if first is None:
        if design.rows.shape[1] > len(design.rows):
            raise ValueError(
                f"adaptive: {design.rows.shape[1]} columns and {len(design.rows)} rows leave no fit without a penalty; "
                "pass first=, the model of a ridge: Regression(l1_ratio=0).start(x, y).fit(λ)"
            )
        first = dataclasses.replace(family, penalty_factor=None).start(x, y, weights).solve(0.0, 0.0)
    w = np.asarray(getattr(first, "coefficients", first), np.float64)
    sizes = np.abs(w.reshape(len(w), -1)).max(1) * (design.design.scale if family.standardize else 1.0)
    if len(sizes) != len(design.factor):
        raise ValueError(f"adaptive: first has {len(sizes)} coefficients; x has {len(design.factor)} columns")
    if not sizes.any():
        raise ValueError("adaptive: every coefficient of the first fit is 0; take a smaller λ there")
    factors = np.where(sizes > 0, 1 / np.maximum(sizes, 1e-100) ** power, 1e100)
    return dataclasses.replace(family, penalty_factor=factors * design.factor)


def relaxed(family: Linear, model: LinearModel, x: Any, y: Any, gamma: float = 0.0, weights: Any = None) -> LinearModel:
    """The model refitted on its support without penalty, mixed with it: γ w + (1 - γ) w_support.

    gamma       1 is the model as it is, 0 (the default) least squares, or logistic regression, on the inputs that are
                not 0 (the relaxed lasso in glmnet's form: Hastie, Tibshirani, Tibshirani 2020, Statist. Sci. 35)

    Returns a LinearModel with the same support, whose l1 and l2 are those of the first fit. Classes that the support
    separates have no fit without a penalty: a ConvergenceWarning says so.

    >>> from minigrad.data import regression
    >>> x, y, truth = regression(80, 10, noise=1.0, nonzero=2, dtype="float64")
    >>> lasso = Regression().start(x, y).fit(0.3)
    >>> again = relaxed(Regression(), lasso, x, y)
    >>> again.nonzeros == lasso.nonzeros, bool(np.abs(again.coefficients).sum() > np.abs(lasso.coefficients).sum())
    (True, True)
    """
    gamma = finite(gamma, "relaxed: gamma", 0.0, 1.0)
    w = model.coefficients.reshape(len(model.coefficients), -1)
    support = np.flatnonzero((w != 0).any(1))
    if gamma == 1 or not support.size:
        return model
    table = np.ascontiguousarray(np.asarray(x, np.float64)[:, support])
    plain = dataclasses.replace(family, penalty_factor=None)
    free = plain.start(table, y, weights).solve(0.0, 0.0)
    whole = np.zeros_like(w)
    whole[support] = free.coefficients.reshape(len(support), -1)
    mixed = (gamma * w + (1 - gamma) * whole).reshape(model.coefficients.shape)
    intercept = gamma * np.asarray(model.intercept) + (1 - gamma) * np.asarray(free.intercept)
    return dataclasses.replace(
        model,
        coefficients=mixed,
        intercept=float(intercept) if mixed.ndim == 1 else intercept,
        rounds=free.rounds,
        gap=float("nan"),
        trouble=free.trouble,
    )
