"""Specs of ops/losses/: regression.py, classes.py and binary.py."""

import numpy as np
from hypothesis import strategies as st
from ops.specs import Spec, shapes, values

import minigrad as mg

REDUCTIONS = st.sampled_from(["mean", "sum", "none"])


def reduction_of(size):
    """A reduction that there is of so many losses."""
    return REDUCTIONS if size else st.sampled_from(["sum", "none"])


@st.composite
def elementwise(draw, low=-3.0, high=3.0, target=None, weight=None, avoid=(), constant=False, options=None):
    """Input and target of one shape; target, weight: functions of (generator, shape), those of weight are named.

    A constant target, which has no gradient, comes as an option.
    """
    shape = draw(shapes(0, 2))
    seed = draw(st.integers(0, 999))
    rng = np.random.default_rng(seed)
    x = values(shape, seed, low, high, avoid)
    t = values(shape, seed + 1, -0.01, 0.01) if target is None else np.asarray(target(rng, shape))
    chosen = {name: draw(strategy) for name, strategy in (options or {}).items()}
    chosen["reduction"] = draw(reduction_of(x.size))
    for name, of in (weight or {}).items():
        if draw(st.booleans()):
            chosen[name] = np.asarray(of(rng, shape))
    return ([x], {"target": t, **chosen}) if constant else ([x, t], chosen)


@st.composite
def classes(draw, several=True, probabilities=False, weighted=True, ignored=True, low=-3.0, high=3.0, options=None):
    """Scores (rows, classes, ...) and classes (rows, ...), or probabilities."""
    rows, n = draw(st.integers(0, 4)), draw(st.integers(2, 4))
    shape = draw(st.sampled_from([(n,), (rows, n)] + ([(rows, n, 2), (rows, n, 2, 1)] if several else [])))
    rest = shape[:1] + shape[2:] if len(shape) > 1 else ()
    seed = draw(st.integers(0, 999))
    rng = np.random.default_rng(seed)
    labels = np.asarray(rng.integers(0, n, rest))
    chosen = {name: draw(strategy) for name, strategy in (options or {}).items()}
    chosen["reduction"] = draw(reduction_of(labels.size))
    if weighted and draw(st.booleans()):
        chosen["weight"] = rng.uniform(0.2, 2, n)
    if probabilities and draw(st.booleans()):
        chosen["target"] = rng.dirichlet(np.ones(n), rest).astype(float)
        chosen["target"] = np.moveaxis(chosen["target"], -1, 1 if len(shape) > 1 else 0)
    elif ignored and draw(st.booleans()) and labels.size > 1:
        chosen["ignore_index"] = draw(st.sampled_from([-100, -1, 1]))
        labels.reshape(-1)[-1] = chosen["ignore_index"]
        labels.reshape(-1)[0] = 0
    return [values(shape, seed, low, high), labels], chosen


def divergences(options=None):
    """Cases of kl_div, without its mean, of which PyTorch warns."""
    cases = elementwise(-3.0, -0.1, shares, options=options)
    return cases.map(lambda case: (case[0], {**case[1], "reduction": case[1]["reduction"].replace("mean", "sum")}))


def signs(rng, shape):
    return rng.choice([-1.0, 1.0], shape)


def bits(rng, shape):
    return np.asarray(rng.integers(0, 2, shape), float)


def shares(rng, shape):
    return rng.uniform(0.05, 0.95, shape)


def weights(rng, shape):
    return rng.uniform(0.2, 2, shape)


def with_target(function):
    """A call of classes, whose probabilities, if any, come as an option: they have no gradient."""
    return lambda x, labels, target=None, **options: function(x, labels if target is None else target, **options)


def theirs(name, convert=("weight", "pos_weight", "target")):
    """PyTorch's function of that name, with arrays among the options as tensors."""

    def call(torch, x, *target, **options):
        options.update({key: torch.tensor(options[key], dtype=x.dtype) for key in convert if key in options})
        target = options.pop("target") if "target" in options else target[0]
        return getattr(torch.nn.functional, name)(x, target, **options)

    return call


def their_focal_loss(torch, x, target, alpha, gamma, reduction):
    """torchvision.ops.sigmoid_focal_loss, from its documentation."""
    t = torch.tensor(target, dtype=x.dtype)
    p = torch.sigmoid(x)
    p = p * t + (1 - p) * (1 - t)
    loss = torch.nn.functional.binary_cross_entropy_with_logits(x, t, reduction="none") * (1 - p) ** gamma
    if alpha >= 0:
        loss = loss * (alpha * t + (1 - alpha) * (1 - t))
    return loss if reduction == "none" else getattr(torch, reduction)(loss)


def their_softmax_focal_loss(torch, x, t, gamma, reduction, weight=None, ignore_index=-100):
    log_p = torch.log_softmax(x, 0 if x.ndim == 1 else 1)
    own = torch.nn.functional.nll_loss(log_p, t, reduction="none", ignore_index=ignore_index)
    w = torch.ones(log_p.shape[0 if x.ndim == 1 else 1], dtype=x.dtype)
    w = w if weight is None else torch.tensor(weight, dtype=x.dtype)
    kept = t != ignore_index
    w = torch.where(kept, w[torch.where(kept, t, 0)], 0)
    loss = w * (1 - torch.exp(-own)) ** gamma * own
    return loss if reduction == "none" else loss.sum() / w.sum() if reduction == "mean" else loss.sum()


def their_multi_margin_loss(torch, x, labels, **options):
    """Of no rows, PyTorch 2.13 gives whatever stands in the memory of the sum."""
    if x.numel() == 0:
        return x.sum(1) if options["reduction"] == "none" else x.sum()
    return theirs("multi_margin_loss")(torch, x, labels, **options)


def their_hinge(torch, x, target, margin, reduction):
    loss = torch.relu(margin - torch.tensor(target, dtype=x.dtype) * x)
    return loss if reduction == "none" else getattr(torch, reduction)(loss)


GAMMAS = st.sampled_from([0.0, 0.5, 2.0])
SPECS = {
    "l1_loss": Spec(mg.l1_loss, elementwise(avoid=(0.0,), weight={"weight": weights}), theirs("l1_loss")),
    "mse": Spec(mg.mse_loss, elementwise(weight={"weight": weights}), theirs("mse_loss")),
    "huber": Spec(
        mg.huber_loss,
        elementwise(
            avoid=(-2.0, -0.5, 0.5, 2.0), weight={"weight": weights}, options={"delta": st.sampled_from([0.5, 2.0])}
        ),
        theirs("huber_loss"),
    ),
    "smooth_l1_loss": Spec(
        mg.smooth_l1_loss,
        elementwise(avoid=(-2.0, 0.0, 2.0), options={"beta": st.sampled_from([0.0, 2.0])}),
        theirs("smooth_l1_loss"),
    ),
    "cross_entropy": Spec(
        with_target(mg.cross_entropy),
        classes(probabilities=True, options={"label_smoothing": st.sampled_from([0.0, 0.1, 1.0])}),
        theirs("cross_entropy"),
    ),
    "nll_loss": Spec(mg.nll_loss, classes(low=-3.0, high=-0.1), theirs("nll_loss"), order=1),
    "multi_margin_loss": Spec(
        mg.multi_margin_loss,
        classes(several=False, ignored=False, options={"p": st.sampled_from([1, 2]), "margin": st.just(1.1)}),
        their_multi_margin_loss,
        order=1,
    ),
    "softmax_focal_loss": Spec(
        mg.softmax_focal_loss,
        classes(options={"gamma": GAMMAS}),
        their_softmax_focal_loss,
        rtol=1e-10,
        float32={"rtol": 2e-4, "atol": 2e-5},
    ),
    "probability_cross_entropy": Spec(
        mg.binary_cross_entropy,
        elementwise(0.05, 0.95, shares, {"weight": weights}, constant=True),
        theirs("binary_cross_entropy"),
    ),
    "bce_with_logits": Spec(
        mg.binary_cross_entropy_with_logits,
        elementwise(target=shares, weight={"weight": weights, "pos_weight": weights}, constant=True),
        theirs("binary_cross_entropy_with_logits"),
    ),
    "sigmoid_focal_loss": Spec(
        lambda x, target, **options: mg.sigmoid_focal_loss(x, target, **options),
        elementwise(target=bits, constant=True, options={"alpha": st.sampled_from([0.25, 1.0, -1.0]), "gamma": GAMMAS}),
        their_focal_loss,
        rtol=1e-11,
        float32={"rtol": 2e-4, "atol": 2e-5},
    ),
    "soft_margin_loss": Spec(mg.soft_margin_loss, elementwise(target=signs, constant=True), theirs("soft_margin_loss")),
    "hinge_loss": Spec(
        mg.hinge_loss,
        elementwise(target=signs, avoid=(-1.1, 1.1), constant=True, options={"margin": st.just(1.1)}),
        their_hinge,
    ),
    "hinge_embedding_loss": Spec(
        mg.hinge_embedding_loss,
        elementwise(target=signs, avoid=(1.1,), constant=True, options={"margin": st.just(1.1)}),
        theirs("hinge_embedding_loss"),
    ),
    "kl_div": [
        Spec(mg.kl_div, divergences(), theirs("kl_div")),
        Spec(mg.kl_div, divergences({"log_target": st.just(True)}), theirs("kl_div")),
    ],
}
