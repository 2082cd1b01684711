"""Specs of ops/elementwise/exponential.py."""

from ops.specs import Spec, binary, unary

import minigrad as mg

POSITIVE = (0.3, 2.0)
SPECS = {
    "expm1": Spec(mg.expm1, unary(), lambda torch, x: torch.expm1(x)),
    "log1p": Spec(mg.log1p, unary(-0.7, 2), lambda torch, x: torch.log1p(x)),
    "log2": Spec(mg.log2, unary(*POSITIVE), lambda torch, x: torch.log2(x)),
    "reciprocal": Spec(mg.reciprocal, unary(*POSITIVE), lambda torch, x: torch.reciprocal(x)),
    "rsqrt": Spec(mg.rsqrt, unary(*POSITIVE), lambda torch, x: torch.rsqrt(x)),
    "floor": Spec(mg.floor, unary(avoid=(-1, 0, 1)), lambda torch, x: torch.floor(x)),
    "ceil": Spec(mg.ceil, unary(avoid=(-1, 0, 1)), lambda torch, x: torch.ceil(x)),
    "erf": Spec(mg.erf, unary(), lambda torch, x: torch.erf(x)),
    "normal_cdf": Spec(mg.normal_cdf, unary(), lambda torch, x: torch.special.ndtr(x)),
    "logaddexp": Spec(mg.logaddexp, binary(), lambda torch, a, b: torch.logaddexp(a, b)),
    "pow": [
        Spec(mg.pow, binary(POSITIVE, (-2, 2)), lambda torch, a, b: torch.pow(a, b)),
        *(Spec(lambda x, n=n: x**n, unary(*POSITIVE), lambda torch, x, n=n: x**n) for n in (0, 1, 2, 3, -1, 0.5, -1.5)),
        *(Spec(lambda x, n=n: x**n, unary(avoid=(0,)), lambda torch, x, n=n: x**n) for n in (2, 3, -2)),
        Spec(lambda x: 2**x, unary(), lambda torch, x: 2**x),
    ],
}
