"""Specs of unfold, fold and upsample."""

from hypothesis import strategies as st
from ops.specs import Spec, values

import minigrad as mg


@st.composite
def described(draw):
    kernel = draw(st.integers(1, 3)), draw(st.integers(1, 2))
    options = {"kernel_size": kernel, "dilation": (draw(st.integers(1, 2)), 1), "padding": draw(st.integers(0, 2))}
    options["stride"] = draw(st.integers(1, 2)), draw(st.integers(1, 3))
    return options, tuple(d * (k - 1) + 1 + draw(st.integers(0, 3)) for k, d in zip(kernel, options["dilation"]))


@st.composite
def unfolds(draw):
    options, size = draw(described())
    samples = draw(st.sampled_from([(), (0,), (1,), (2,)]))
    return [values((*samples, draw(st.integers(1, 2)), *size), draw(st.integers(0, 99)))], options


@st.composite
def folds(draw):
    options, size = draw(described())
    p, s, d, k = options["padding"], options["stride"], options["dilation"], options["kernel_size"]
    count = [(n + 2 * p - b * (c - 1) - 1) // a + 1 for n, a, b, c in zip(size, s, d, k)]
    samples = draw(st.sampled_from([(), (1,), (2,)]))
    shape = (*samples, 2 * k[0] * k[1], count[0] * count[1])
    return [values(shape, draw(st.integers(0, 99)))], {"output_size": size, **options}


@st.composite
def larger(draw):
    x = values((draw(st.integers(0, 2)), 2, draw(st.integers(1, 4)), draw(st.integers(1, 5))), draw(st.integers(0, 99)))
    options = {"mode": draw(st.sampled_from(["nearest", "bilinear"]))}
    if draw(st.booleans()):
        options["size"] = draw(st.integers(1, 9)), draw(st.integers(1, 9))
    else:
        options["scale_factor"] = draw(st.sampled_from([1, 2, 3, 1.5, (2, 3)]))
    if options["mode"] == "bilinear":
        options["align_corners"] = draw(st.booleans())
    return [x], options


def interpolate(torch, x, **options):
    if len(x) == 0:  # which PyTorch refuses
        return torch.zeros(tuple(mg.upsample(mg.zeros(*x.shape), **options).shape), dtype=x.dtype) + 0 * x.sum()
    return torch.nn.functional.interpolate(x, **options)


SPECS = {
    "unfold": Spec(mg.unfold, unfolds(), lambda torch, x, **options: torch.nn.functional.unfold(x, **options)),
    "fold": Spec(mg.fold, folds(), lambda torch, x, **options: torch.nn.functional.fold(x, **options)),
    "upsample": Spec(mg.upsample, larger(), interpolate),
}
