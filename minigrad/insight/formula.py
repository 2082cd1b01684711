"""A rule as mathematics: the ops that a rule called, written as one formula in the names of its arguments."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from ..engine import Tensor

SUM, PRODUCT, SIGN, POWER, ATOM = range(5)  # how tightly a written term binds

SIGNS = {"add": (" + ", SUM), "sub": (" − ", SUM), "mul": (" · ", PRODUCT), "div": (" / ", PRODUCT)}
FUNCTIONS = {"sum": "Σ", "sqrt": "√", "abs": "abs"}


class Operand(NamedTuple):
    """An argument of an op: the stamp of a tensor, or None for a plain value; and how it is written if not by name."""

    stamp: int | None
    text: str


class Call(NamedTuple):
    """An op that was called in a rule: its name, its arguments, its options as written."""

    op: str
    operands: tuple[Operand, ...]
    options: dict[str, Any]


def call_of(y: Tensor, inputs: tuple, options: dict) -> Call:
    """What was called to make y."""
    operands = tuple(Operand(x.stamp, short(x)) if isinstance(x, Tensor) else Operand(None, plain(x)) for x in inputs)
    return Call(y.op.name, operands, dict(options))


def short(x: Tensor) -> str:
    """A tensor that has no name: its number if it is one, else its shape."""
    return plain(x.array.item()) if x.array.size == 1 else f"constant {x.array.shape}"


def plain(x: Any) -> str:
    """A number with up to six digits, anything else as Python writes it, shortened.

    >>> plain(0.1 + 0.2), plain(2.0), plain((3, 4))
    ('0.3', '2', '(3, 4)')
    """
    return f"{x:.6g}" if isinstance(x, (int, float)) and not isinstance(x, bool) else f"{x!r:.40}"


def formula(stamp: int, calls: dict[int, Call], name: Callable[[int], str | None]) -> str:
    """The tensor with that stamp, written in what `name` knows by name, through the calls that made it.

    >>> calls = {3: Call("mul", (Operand(1, ""), Operand(2, "")), {}), 4: Call("neg", (Operand(3, ""),), {})}
    >>> formula(4, calls, {1: "g", 2: "b"}.get)
    '−(g · b)'
    """
    return _written(Operand(stamp, "?"), calls, name)[0]


def _written(x: Operand, calls: dict[int, Call], name: Callable[[int], str | None]) -> tuple[str, int]:
    """The text of an operand, and how tightly it binds."""
    known = None if x.stamp is None else name(x.stamp)
    if known is not None:
        return known, ATOM
    call = None if x.stamp is None else calls.get(x.stamp)
    if call is None:
        return x.text, SIGN if x.text.startswith("-") else ATOM
    parts = [_written(operand, calls, name) for operand in call.operands]
    if call.op in SIGNS and len(parts) == 2:
        sign, binding = SIGNS[call.op]
        # The right side of − and / needs its own brackets also where it binds as tightly: a − (b − c).
        right = binding + (call.op in ("sub", "div"))
        return _within(parts[0], binding) + sign + _within(parts[1], right), binding
    if call.op == "neg":
        return "−" + _within(parts[0], SIGN), SIGN
    if call.op == "square":
        return _within(parts[0], ATOM) + "²", POWER
    if call.op == "pow" and len(parts) == 2:
        return f"{_within(parts[0], ATOM)}^{_within(parts[1], ATOM)}", POWER
    if call.op == "matmul":
        flipped = [call.options.get(option, False) for option in ("ta", "tb")]
        sides = [_within(part, ATOM) + "ᵀ" if flip else _within(part, PRODUCT) for part, flip in zip(parts, flipped)]
        return " @ ".join(sides), PRODUCT
    options = [f"{key}={plain(value)}" for key, value in call.options.items() if value not in (None, False, ())]
    return f"{FUNCTIONS.get(call.op, call.op)}({', '.join([text for text, _ in parts] + options)})", ATOM


def _within(part: tuple[str, int], binding: int) -> str:
    """A written term inside one that binds that tightly: in brackets if it binds less."""
    return part[0] if part[1] >= binding else f"({part[0]})"
