"""Specs of ops/reduce/order.py."""

from hypothesis import strategies as st
from ops.reduce.spec_statistics import distinct
from ops.specs import Spec

import minigrad as mg


@st.composite
def ordered(draw, few=False):
    """One array without ties and a dim; for topk, how many of it."""
    (x,), options = draw(distinct())
    dim = options["dim"] if options["dim"] is not None else -1
    if few:
        return [x], {"k": draw(st.integers(0, x.shape[dim])), "dim": dim, "largest": draw(st.booleans())}
    return [x], {"dim": dim, "descending": draw(st.booleans())}


SPECS = {
    "sort": Spec(mg.sort, ordered(), lambda torch, x, **o: torch.sort(x, **o)),
    "topk": Spec(mg.topk, ordered(few=True), lambda torch, x, **o: torch.topk(x, **o)),
}
