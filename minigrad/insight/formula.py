"""A rule as mathematics: the ops that a rule called, written as one formula in the names of its arguments."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from ..engine import Tensor
from ..op import Op

SUM, PRODUCT, SIGN, POWER, ATOM = range(5)  # how tightly a written term binds

SIGNS = {"add": (" + ", SUM), "sub": (" − ", SUM), "mul": (" · ", PRODUCT), "div": (" / ", PRODUCT)}
FUNCTIONS = {"sum": "Σ", "sqrt": "√"}
PLAIN = (int, float, str, tuple)  # options that a formula shows; not the masks and labels that some ops carry

Key = tuple[str, int]  # of a tensor its stamp, of a plain value its id: ("tensor", 3)
Term = tuple[str, int]  # a written operand, and how tightly it binds


class Operand(NamedTuple):
    """An argument of an op: by what it is known (see `key`), and how it is written where it has no name."""

    key: Key
    text: str


class Call(NamedTuple):
    """An op that was called in a rule: its name, its arguments, its options as written."""

    op: str
    operands: tuple[Operand, ...]
    options: dict[str, Any]


def call_of(op: Op, inputs: tuple, options: dict) -> Call:
    """A call of an op."""
    return Call(op.name, tuple(Operand(key(x), short(x)) for x in inputs), dict(options))


def key(x: Any) -> Key:
    """By what an argument is known while its op's rules run."""
    return ("tensor", x.stamp) if isinstance(x, Tensor) else ("plain", id(x))


def short(x: Any) -> str:
    """An argument that has no name: its number if it is one, else its shape."""
    if not isinstance(x, Tensor):
        return plain(x)
    return plain(x.array.item()) if x.array.size == 1 else f"constant {x.array.shape}"


def plain(x: Any) -> str:
    """A number with up to six digits, anything else as Python writes it, shortened.

    >>> plain(0.1 + 0.2), plain(2.0), plain((3, 4))
    ('0.3', '2', '(3, 4)')
    """
    return f"{x:.6g}" if isinstance(x, (int, float)) and not isinstance(x, bool) else f"{x!r:.40}"


def formula(made: Key, calls: dict[Key, Call], name: Callable[[Key], str | None]) -> str:
    """What is known by that key, written in what `name` knows by name, through the calls that made it.

    >>> g, b, y, z = (("tensor", stamp) for stamp in range(4))
    >>> calls = {y: Call("mul", (Operand(g, ""), Operand(b, "")), {}), z: Call("neg", (Operand(y, ""),), {})}
    >>> formula(z, calls, {g: "g", b: "b"}.get)
    '−(g · b)'
    """
    return _written(Operand(made, "?"), calls, name)[0]


def _written(x: Operand, calls: dict[Key, Call], name: Callable[[Key], str | None]) -> Term:
    """The text of an operand, and how tightly it binds."""
    known, call = name(x.key), calls.get(x.key)
    if known is not None or call is None:
        text = x.text if known is None else known
        return text, SIGN if text.startswith("-") else ATOM
    parts = [_written(operand, calls, name) for operand in call.operands]
    if len(parts) == 2:
        return _of_two(call, *parts)
    if call.op == "neg":
        return "−" + _within(parts[0], SIGN), SIGN
    if call.op == "square":
        return _within(parts[0], ATOM) + "²", POWER
    return _applied(call, parts)


def _of_two(call: Call, left: Term, right: Term) -> Term:
    """An op of two arguments, with its sign between them if it has one."""
    if call.op in SIGNS:
        sign, binding = SIGNS[call.op]
        # The right side of − and / needs its own brackets also where it binds as tightly: a − (b − c).
        closer = binding + (call.op in ("sub", "div"))
        return _within(left, binding) + sign + _within(right, closer), binding
    if call.op == "pow":
        return f"{_within(left, ATOM)}^{_within(right, ATOM)}", POWER
    if call.op == "matmul":
        flips = [call.options.get(option, False) for option in ("ta", "tb")]
        sides = [_within(x, ATOM) + "ᵀ" if flip else _within(x, PRODUCT) for x, flip in zip((left, right), flips)]
        return " @ ".join(sides), PRODUCT
    return _applied(call, [left, right])


def _applied(call: Call, parts: list[Term]) -> Term:
    """An op as a function of its arguments and the options that say something."""
    options = [f"{name}={plain(value)}" for name, value in call.options.items() if isinstance(value, PLAIN) and value]
    return f"{FUNCTIONS.get(call.op, call.op)}({', '.join([text for text, _ in parts] + options)})", ATOM


def _within(part: Term, binding: int) -> str:
    """A written term inside one that binds that tightly: in brackets if it binds less."""
    return part[0] if part[1] >= binding else f"({part[0]})"
