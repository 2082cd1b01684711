"""Specs of ops/elementwise/trigonometric.py."""

from ops.specs import Spec, binary, unary

import minigrad as mg

SPECS = {
    "sin": Spec(mg.sin, unary(-7, 7), lambda torch, x: torch.sin(x)),
    "cos": Spec(mg.cos, unary(-7, 7), lambda torch, x: torch.cos(x)),
    "tan": Spec(mg.tan, unary(-1, 1), lambda torch, x: torch.tan(x)),
    "sinh": Spec(mg.sinh, unary(), lambda torch, x: torch.sinh(x)),
    "cosh": Spec(mg.cosh, unary(), lambda torch, x: torch.cosh(x)),
    "asinh": Spec(mg.asinh, unary(), lambda torch, x: torch.asinh(x)),
    "atan": Spec(mg.atan, unary(), lambda torch, x: torch.atan(x)),
    "atan2": [
        Spec(mg.atan2, binary((-2, 2), (0.3, 2)), lambda torch, a, b: torch.atan2(a, b)),
        Spec(mg.atan2, binary((0.3, 2), (-2, 2)), lambda torch, a, b: torch.atan2(a, b)),
    ],
    "hypot": Spec(mg.hypot, binary((-2, 2), (0.3, 2)), lambda torch, a, b: torch.hypot(a, b)),
}
