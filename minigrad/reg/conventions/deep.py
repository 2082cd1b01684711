"""Keras, PyTorch and Optax: regularizers in the loss, and weight decay by the optimizer.

Sources: keras.io/api/layers/regularizers, keras/src/optimizers/base_optimizer.py (Keras 3), the formulas in the
documentation of torch.optim, and optax's reference of transformations.
"""

from __future__ import annotations

from typing import Any

from ...checks import finite
from .grammar import Call
from .reading import EVERYTHING, KERNELS, Convention, Facts, Rule, arguments, penalty_line

LOSS = "the loss that the model is compiled with (its mse is the mean of (y - ŷ)², without a half)"


def _strength(value: Any, name: str) -> float:
    return finite(value, name, at_least=0.0)


def keras_l1_l2(facts: Facts, l1: Any = 0.0, l2: Any = 0.0) -> Convention:
    l1, l2 = _strength(l1, "L1L2: l1"), _strength(l2, "L1L2: l2")
    return Convention(
        objective="loss + l1 Σ|w| + l2 Σw²: no half, so that its l2 counts twice in canonical form",
        l1=l1,
        l2=2 * l2,
        data=LOSS,
        touches="what it is given to: kernel_regularizer= the weights, bias_regularizer= the biases",
        line=penalty_line(l1, 2 * l2),
        source="keras.io/api/layers/regularizers",
    )


def keras_l1(facts: Facts, l1: Any = 0.01) -> Convention:
    return keras_l1_l2(facts, l1, 0.0)


def keras_l2(facts: Facts, l2: Any = 0.01) -> Convention:
    return keras_l1_l2(facts, 0.0, l2)


NAMED = {"l1": keras_l1, "l2": keras_l2, "l1_l2": keras_l1_l2, "l1l2": keras_l1_l2}


def keras_layer(
    facts: Facts, kernel_regularizer: Any = None, bias_regularizer: Any = None, activity_regularizer: Any = None
) -> Convention:
    kernel, bias = _inner(facts, kernel_regularizer), _inner(facts, bias_regularizer)
    main = kernel or bias
    if main is None:
        main = keras_l1_l2(facts)
    if kernel and bias and (kernel.l1, kernel.l2) == (bias.l1, bias.l2):
        touches, where, bias = "weights (kernel) and biases of this layer", '"*"', None
    else:
        touches = KERNELS + " of this layer" if kernel else "biases of this layer"
        where = '"LAYER.weight"' if kernel else '"LAYER.bias"'
    remarks = []
    if kernel and bias:
        remarks.append(f"beside it, bias_regularizer puts l1 = {bias.l1:.9g}, l2 = {bias.l2:.9g} on the biases")
    if not kernel and not bias:
        touches, remarks = "nothing: no kernel_regularizer or bias_regularizer is given", []
    if activity_regularizer is not None:
        remarks.append("activity_regularizer penalizes outputs, not weights, by the batch: reg.Activity is minigrad's")
    return Convention(
        objective=main.objective,
        l1=main.l1,
        l2=main.l2,
        data=LOSS,
        touches=touches,
        line=penalty_line(main.l1 or 0.0, main.l2 or 0.0, where),
        remarks=tuple(remarks),
        source=main.source,
    )


def _inner(facts: Facts, given: Any) -> Convention | None:
    """The regularizer given to a layer: a call such as l2(0.01), or a name."""
    if given is None:
        return None
    call = Call([given]) if isinstance(given, str) else given
    name = call.words[-1].rpartition(".")[2].lower() if isinstance(call, Call) else ""
    if name not in NAMED:
        raise ValueError(f"a Keras layer is given {given!s}; its regularizers known here are l1, l2 and l1_l2")
    make = NAMED[name]
    return make(facts, **arguments(Rule(f"keras.regularizers.{name}", make), call))


def _decoupled(strength: float, optimizer: str, source: str, remarks: tuple[str, ...] = ()) -> Convention:
    kind = "SGD" if "SGD" in optimizer else "AdamW"
    same = (f"with plain SGD it is the step of L2({strength:.9g}); with momentum or Adam it is not",)
    line = (
        f"optim.AdamW(model.parameters(), lr, weight_decay={strength:.9g})"
        if kind == "AdamW"
        else f"optim.SGD(model.parameters(), lr, weight_decay={strength:.9g})   # the same step without momentum only"
    )
    return Convention(
        objective="w ← w - lr λ w, beside the step: the loss and the optimizer's averages do not see it",
        l1=None,
        l2=None,
        data="",
        touches=EVERYTHING,
        line=line,
        remarks=(*remarks, *same),
        source=source,
        decay=strength,
    )


def _coupled(strength: float, optimizer: str, source: str) -> Convention:
    adaptive = optimizer.rpartition(".")[2] not in ("SGD", "ASGD")
    return Convention(
        objective="g ← g + λ w before anything else: the gradient of (λ/2) Σw², seen by momentum and scaling",
        l1=0.0,
        l2=strength,
        data="the loss",
        touches=EVERYTHING,
        line=f"optim.{'Adam' if adaptive else 'SGD'}(model.parameters(), lr, weight_decay={strength:.9g})",
        remarks=(
            f"minigrad's reg.on(model, reg.L2({strength:.9g})) as penalty= leaves biases out unless they are named",
        ),
        source=source,
    )


def _torch(name: str, default: float, decoupled: bool = False) -> Rule:
    source = f"docs.pytorch.org, torch.optim.{name}"

    def coupled_or_not(facts: Facts, weight_decay: Any = default, decoupled_weight_decay: Any = False) -> Convention:
        strength = _strength(weight_decay, f"{name}: weight_decay")
        if decoupled or decoupled_weight_decay is True:
            return _decoupled(strength, name, source)
        return _coupled(strength, name, source)

    idle = ("amsgrad", "betas", "momentum", "dampening", "nesterov", "maximize", "foreach", "capturable", "fused")
    more = ("differentiable", "eps", "alpha", "centered", "rho", "lr_decay", "initial_accumulator_value", "lambd", "t0")
    return Rule(f"torch.optim.{name}", coupled_or_not, (*idle, *more, "momentum_decay"), ("params", "lr"))


def _keras_optimizer(name: str, default: float | None) -> Rule:
    source = "keras.io/api/optimizers; keras/src/optimizers/base_optimizer.py, _apply_weight_decay"

    def decay(facts: Facts, weight_decay: Any = default) -> Convention:
        strength = _strength(0.0 if weight_decay is None else weight_decay, f"{name}: weight_decay")
        return _decoupled(strength, name, source, ("exclude_from_weight_decay leaves variables out, by name",))

    idle = (
        "beta_1",
        "beta_2",
        "epsilon",
        "amsgrad",
        "momentum",
        "nesterov",
        "rho",
        "centered",
        "clipnorm",
        "clipvalue",
    )
    more = ("global_clipnorm", "use_ema", "ema_momentum", "ema_overwrite_frequency", "loss_scale_factor", "name")
    last = ("gradient_accumulation_steps", "initial_accumulator_value")
    return Rule(f"keras.optimizers.{name}", decay, (*idle, *more, *last), ("learning_rate",))


def optax_adamw(facts: Facts, weight_decay: Any = 1e-4) -> Convention:
    strength = _strength(weight_decay, "adamw: weight_decay")
    return _decoupled(strength, "adamw", "optax.readthedocs.io, optax.adamw", ("mask= leaves parameters out",))


def optax_decayed(facts: Facts, weight_decay: Any = 0.0) -> Convention:
    strength = _strength(weight_decay, "add_decayed_weights: weight_decay")
    coupled = _coupled(strength, "SGD", "optax.readthedocs.io, optax.add_decayed_weights")
    where = "it adds λ w to the updates that it gets: before the optimizer in optax.chain it is L2, after it decoupled"
    return Convention(**{**vars(coupled), "remarks": (where, "mask= leaves parameters out")})


LAYER_IDLE = (
    *("units", "filters", "kernel_size", "strides", "padding", "data_format", "dilation_rate", "groups", "activation"),
    *(
        "use_bias",
        "kernel_initializer",
        "bias_initializer",
        "kernel_constraint",
        "bias_constraint",
        "name",
        "input_dim",
    ),
    *("input_shape", "dtype", "trainable", "lora_rank", "lora_alpha"),
)
RULES = [
    *(
        Rule(f"keras.regularizers.{name}", make)
        for name, make in (("L1", keras_l1), ("L2", keras_l2), ("L1L2", keras_l1_l2), ("l1_l2", keras_l1_l2))
    ),
    *(
        Rule(f"keras.layers.{name}", keras_layer, LAYER_IDLE, leading)
        for name, leading in (
            ("Dense", ("units", "activation")),
            ("Conv1D", ("filters", "kernel_size")),
            ("Conv2D", ("filters", "kernel_size")),
        )
    ),
    *(_keras_optimizer(name, None) for name in ("SGD", "Adam", "RMSprop", "Adagrad", "Nadam", "Adamax")),
    _keras_optimizer("AdamW", 0.004),
    *(
        _torch(name, 0.0)
        for name in ("SGD", "Adam", "RMSprop", "Adagrad", "Adadelta", "Adamax", "ASGD", "NAdam", "RAdam")
    ),
    _torch("AdamW", 0.01, decoupled=True),
    Rule(
        "optax.adamw", optax_adamw, ("b1", "b2", "eps", "eps_root", "mu_dtype", "mask", "nesterov"), ("learning_rate",)
    ),
    Rule("optax.add_decayed_weights", optax_decayed, ("mask",)),
]
