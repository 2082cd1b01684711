"""Specs of ops/elementwise/compare.py, on whole numbers, so that equal ones occur. Their operators: test_compare.py."""

import numpy as np
from hypothesis import strategies as st
from ops.specs import Spec, broadcasting

import minigrad as mg


@st.composite
def whole(draw, n):
    """n arrays of whole numbers from -2 to 2, integers or booleans, that broadcast."""
    rng = np.random.default_rng(draw(st.integers(0, 999)))
    dtypes = [draw(st.sampled_from([np.int64, np.int32, np.bool_])) for _ in range(n)]
    return [np.asarray(rng.integers(-2, 3, s)).astype(t) for s, t in zip(draw(broadcasting(n)), dtypes)], {}


SPECS = {
    "eq": Spec(mg.eq, whole(2), lambda torch, a, b: torch.eq(a, b)),
    "ne": Spec(mg.ne, whole(2), lambda torch, a, b: torch.ne(a, b)),
    "lt": Spec(mg.lt, whole(2), lambda torch, a, b: torch.lt(a, b)),
    "le": Spec(mg.le, whole(2), lambda torch, a, b: torch.le(a, b)),
    "gt": Spec(mg.gt, whole(2), lambda torch, a, b: torch.gt(a, b)),
    "ge": Spec(mg.ge, whole(2), lambda torch, a, b: torch.ge(a, b)),
    "isnan": Spec(mg.isnan, whole(1), lambda torch, x: torch.isnan(x)),
    "isinf": Spec(mg.isinf, whole(1), lambda torch, x: torch.isinf(x)),
    "isfinite": Spec(mg.isfinite, whole(1), lambda torch, x: torch.isfinite(x)),
    "logical_not": Spec(mg.logical_not, whole(1), lambda torch, x: torch.logical_not(x)),
    "logical_and": Spec(mg.logical_and, whole(2), lambda torch, a, b: torch.logical_and(a, b)),
    "logical_or": Spec(mg.logical_or, whole(2), lambda torch, a, b: torch.logical_or(a, b)),
}
