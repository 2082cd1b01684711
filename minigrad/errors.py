"""The errors of minigrad. Each message names the op or the layer, what came, and what would do."""


class ShapeError(ValueError):
    """Arrays whose shapes do not fit together."""


class DTypeError(TypeError):
    """A dtype that an op does not take."""


class IntegersBesideFloats(DTypeError):
    """A float array beside one of integers or booleans, from `empty_for`: the engine casts these and tries again."""


class GraphError(RuntimeError):
    """A graph that cannot be walked: freed, changed, or without a gradient."""


class NonFiniteError(ArithmeticError):
    """NaN or infinity where only finite numbers make sense."""


class ReplayError(RuntimeError):
    """A training step that mg.compile cannot replay: Python computes in it, or something changes from step to step."""


class NotFittedError(ValueError, AttributeError):
    """An estimator or history asked for results before fit."""


class KernelMismatch(ArithmeticError):
    """A native kernel and its NumPy reference differ by more than their bound: see use_backend("compare")."""
