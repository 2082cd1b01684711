"""L1, L2 and the elastic net: one formula with two strengths.

    R(w)    = l1 Σ|w| + (l2/2) Σw²                              added to the mean data loss
    R'(w)   = l1 sign(w) + l2 w,  with sign(0) = 0              followed by a gradient step
    prox(v) = argmin over w of  (w - v)² / (2 step) + R(w)      applied by a proximal step
            = sign(v) max(|v| - step l1, 0) / (1 + step l2)

L1 pulls with the same force l1 however small w is, so weights that the data do not need go to 0; L2 pulls with l2 w,
which fades with w: it shrinks weights and makes none zero. Yet a gradient step with L1 hardly ever lands on zero: it
overshoots and comes back. The proximal step stops there: all |v| <= step l1 become exactly 0.
"""

from __future__ import annotations

from typing import Any

from ... import kernels as K
from ...checks import finite
from ...engine import Tensor
from ...ops.regularize.penalty import elastic_net
from ..binding.term import Penalty


class ElasticNet(Penalty):
    """l1 Σ|w| + (l2/2) Σw². The strengths may be changed between steps; they are checked whenever they are set.

    gradient  l1 sign(w) + l2 w, sign(0) = 0
    prox(v)   sign(v) max(|v| - step l1, 0) / (1 + step l2)
    source    Zou, Hastie 2005, Regularization and variable selection via the elastic net, section 2 (there: naive)

    >>> import minigrad as mg
    >>> term, w = mg.reg.ElasticNet(l1=1.0, l2=2.0), mg.tensor([3.0, -4.0], requires_grad=True)
    >>> term(w).backward()
    >>> w.grad, term.value(w), term.prox(w, step=0.5)
    (tensor([ 7., -9.]), 32.0, tensor([ 1.25, -1.75]))
    """

    __slots__ = strengths = ("l1", "l2")
    l1: float
    l2: float

    def __init__(self, l1: float = 0.0, l2: float = 0.0) -> None:
        self.l1, self.l2 = l1, l2

    def __call__(self, w: Tensor) -> Tensor:
        """R(w) as a scalar of the graph."""
        return elastic_net(self.real(w), l1=self.l1, l2=self.l2)

    def value(self, w: Any) -> float:
        """R(w) as a number."""
        w = K.contiguous(self.real(w).array)
        value = K.empty((), w.dtype)
        K.elastic_net(w, value, l1=self.l1, l2=self.l2)
        return float(value)

    def prox(self, v: Any, step: float) -> Tensor:
        """The proximal map at v, a constant tensor; its zeros are +0."""
        v = K.contiguous(self.real(v).array)
        out = K.empty_like(v)
        K.soft_threshold(v, out, step=finite(step, "prox: step", at_least=0.0), l1=self.l1, l2=self.l2)
        return Tensor(out)


class L1(ElasticNet):
    """l1 Σ|w|: selects. Lasso(alpha=l1) in scikit-learn.

    gradient  l1 sign(w), sign(0) = 0
    prox(v)   sign(v) max(|v| - step l1, 0)
    source    Tibshirani 1996, Regression shrinkage and selection via the lasso; the prox: Parikh, Boyd 2014, Proximal
              algorithms, section 6.5

    >>> L1(0.001)
    <L1(0.001): l1 = 0.001, l2 = 0; moment: loss>
    """

    __slots__ = ()

    def __init__(self, l1: float) -> None:
        super().__init__(l1, 0.0)

    @property
    def name(self) -> str:
        return f"L1({self.written('l1')})"


class L2(ElasticNet):
    """(l2/2) Σw²: shrinks. The half makes its gradient l2 w; Keras writes λ Σw², which is L2(2λ) (see conventions).

    gradient  l2 w
    prox(v)   v / (1 + step l2)
    source    Hoerl, Kennard 1970, Ridge regression: biased estimation for nonorthogonal problems

    >>> L2(0.5).value([1.0, -3.0])
    2.5
    """

    __slots__ = ()

    def __init__(self, l2: float) -> None:
        super().__init__(0.0, l2)

    @property
    def name(self) -> str:
        return f"L2({self.written('l2')})"
