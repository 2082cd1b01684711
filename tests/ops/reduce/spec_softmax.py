"""Specs of mean, softmax and log_softmax, and of their gradients."""

from hypothesis import strategies as st
from ops.specs import Spec, reduced, shapes, summed, values

import minigrad as mg
from minigrad.ops.reduce import softmax


def along(low=-2.0, high=2.0, n=1):
    """Arrays of one shape and a dim of theirs."""

    @st.composite
    def drawn(draw):
        old = draw(shapes(1))
        dim = draw(st.integers(-len(old), len(old) - 1))
        return [values(old, 15 + i, low, high) for i in range(n)], {"dim": dim}

    return drawn()


SPECS = {
    "mean": Spec(mg.mean, reduced(empty=False), summed("mean")),
    "softmax": Spec(mg.softmax, along(), lambda torch, x, dim: torch.softmax(x, dim)),
    "log_softmax": Spec(mg.log_softmax, along(), lambda torch, x, dim: torch.log_softmax(x, dim)),
    "softmax_grad": Spec(softmax.softmax_grad, along(n=2)),
    "log_softmax_grad": Spec(softmax.log_softmax_grad, along(n=2)),
}
