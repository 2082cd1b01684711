"""How each op is called in generated tests: Specs, what they are made of, and `load`, which finds them.

A Spec is a call, its counterpart in PyTorch, and a strategy for arguments. A family's `spec_*.py`, beside its tests,
holds `SPECS = {name: Spec or [Spec, ...]}`; `tests/ops/test_generated.py` draws cases of every Spec (Hypothesis) and
checks gradients to second order, layouts, both backends, and agreement with PyTorch.
"""

import importlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import strategies as st

SIZES = st.sampled_from([0, 1, 1, 2, 3, 5])


@dataclass(frozen=True)
class Spec:
    """ours(*tensors, **options) and theirs(torch, *tensors, **options); `cases` draws (arrays, options).

    Float64 arrays are differentiated; integer and boolean ones are passed as they are. order: to which derivatives are
    checked, 0 for none. rtol, atol: of the comparison with PyTorch in float64. theirs None: PyTorch lacks the function.
    """

    ours: Callable[..., Any]
    cases: Any
    theirs: Callable[..., Any] | None = None
    order: int = 2
    rtol: float = 1e-12
    atol: float = 1e-12
    float32: dict = field(default_factory=lambda: {"rtol": 2e-5, "atol": 2e-6})


def values(shape, seed, low=-2.0, high=2.0, avoid=()):
    """Numbers in (low, high), at least 0.05 from each number of avoid: a kink would spoil differences."""
    x = np.random.default_rng(seed).uniform(low, high, shape)
    for kink in avoid:
        near = np.abs(x - kink) < 0.05
        x = np.where(near, np.where(x < kink, kink - 0.1, kink + 0.1), x)
    return np.asarray(x, np.float64)


@st.composite
def shapes(draw, min_dims=0, max_dims=3):
    """Shapes with zeros and ones among their sizes."""
    return tuple(draw(SIZES) for _ in range(draw(st.integers(min_dims, max_dims))))


@st.composite
def broadcasting(draw, n, max_dims=3):
    """n shapes that broadcast together."""
    full = draw(shapes(0, max_dims))
    result = []
    for _ in range(n):
        kept = draw(st.integers(0, len(full)))
        result.append(tuple(1 if draw(st.booleans()) and draw(st.booleans()) else s for s in full[len(full) - kept :]))
    return result


@st.composite
def unary(draw, low=-2.0, high=2.0, avoid=(), min_dims=0, options=None):
    """One array; options: name -> strategy."""
    x = values(draw(shapes(min_dims)), draw(st.integers(0, 999)), low, high, avoid)
    return [x], {name: draw(strategy) for name, strategy in (options or {}).items()}


@st.composite
def binary(draw, *ranges, avoid=(), options=None):
    """Two arrays (or as many as ranges) that broadcast; ranges are (low, high)."""
    ranges = ranges or ((-2.0, 2.0), (-2.0, 2.0))
    seed = draw(st.integers(0, 999))
    found = draw(broadcasting(len(ranges)))
    arrays = [values(shape, seed + i, *r, avoid) for i, (shape, r) in enumerate(zip(found, ranges))]
    return arrays, {name: draw(strategy) for name, strategy in (options or {}).items()}


@st.composite
def reduced(draw, low=-2.0, high=2.0, avoid=(), several=True, keepdim=True, empty=True, options=None):
    """One array with dim (one, several, or None) and keepdim. empty: whether a reduced dimension may have size 0."""
    shape = draw(shapes(1))
    if not empty:
        shape = tuple(max(1, n) for n in shape)
    one = st.integers(-len(shape), len(shape) - 1)
    kinds = [one, st.none()]
    if several:
        kinds.append(st.sets(st.integers(0, len(shape) - 1), min_size=1).map(lambda s: tuple(sorted(s))))
    chosen = {"dim": draw(st.one_of(kinds))}
    if keepdim and chosen["dim"] is not None:
        chosen["keepdim"] = draw(st.booleans())
    chosen.update({name: draw(strategy) for name, strategy in (options or {}).items()})
    return [values(shape, draw(st.integers(0, 999)), low, high, avoid)], chosen


def summed(name):
    """PyTorch's reduction of this name, which takes no dim=None."""

    def call(torch, x, dim=None, **options):
        f = getattr(torch, name)
        return f(x) if dim is None else f(x, dim, **options)

    return call


def load():
    """(name, Spec) of every family's file."""
    found = []
    for path in sorted(Path(__file__).parent.glob("*/spec_*.py")):
        for name, specs in importlib.import_module(f"ops.{path.parent.name}.{path.stem}").SPECS.items():
            found += [(name, spec) for spec in ([specs] if isinstance(specs, Spec) else specs)]
    return found
