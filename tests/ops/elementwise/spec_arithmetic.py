"""Specs of ops/elementwise/arithmetic.py, of relu, tanh and sigmoid, and of exp, log and sqrt."""

from ops.specs import Spec, binary, unary

import minigrad as mg

AWAY = {"avoid": (0.0,)}
SPECS = {
    "add": Spec(mg.add, binary(), lambda torch, a, b: a + b),
    "sub": Spec(mg.sub, binary(), lambda torch, a, b: a - b),
    "mul": Spec(mg.mul, binary(), lambda torch, a, b: a * b),
    "div": Spec(mg.div, binary((-2, 2), (0.5, 2)), lambda torch, a, b: a / b),
    "neg": Spec(mg.neg, unary(), lambda torch, x: -x),
    "abs": Spec(mg.abs, unary(**AWAY), lambda torch, x: torch.abs(x)),
    "sign": Spec(mg.sign, unary(**AWAY), lambda torch, x: torch.sign(x)),
    "square": Spec(mg.square, unary(), lambda torch, x: torch.square(x)),
    "sqrt": Spec(mg.sqrt, unary(0.3, 2), lambda torch, x: torch.sqrt(x)),
    "exp": Spec(mg.exp, unary(), lambda torch, x: torch.exp(x)),
    "log": Spec(mg.log, unary(0.3, 2), lambda torch, x: torch.log(x)),
    "relu": Spec(mg.relu, unary(**AWAY), lambda torch, x: torch.relu(x)),
    "tanh": Spec(mg.tanh, unary(), lambda torch, x: torch.tanh(x)),
    "sigmoid": Spec(mg.sigmoid, unary(), lambda torch, x: torch.sigmoid(x)),
}
