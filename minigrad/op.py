"""What an op is made of, beside its arithmetic: a rule for each argument, and how arguments find their places."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

from .errors import GraphError


def describe(x: Any) -> str:
    """A tensor as errors name it: float32 (3, 4); anything else as it prints."""
    array = getattr(x, "array", None)
    return f"{x!r:.80}" if array is None else f"{array.dtype} {array.shape}"


class ForEach:
    """The rules of a variadic op, as many as are asked for: its one rule, given the position of the argument first."""

    def __init__(self, rule: Callable) -> None:
        self.rule = rule

    def __getitem__(self, i: int) -> Callable:
        return functools.partial(self.rule, i)


class Op:
    """What an op is made of: its forward on arrays, its rules by position, and the defaults of its arguments."""

    __slots__ = (
        "defaults", "forward", "keywords", "name", "names", "options", "replayable", "rules", "shared", "variadic",
    )  # fmt: skip

    def __init__(self, forward: Callable, rules: dict, shared: Callable | None, replayable: bool) -> None:
        self.name, self.forward, self.shared, self.replayable = forward.__name__, forward, shared, replayable
        parameters = inspect.signature(forward).parameters.values()
        positional = [p for p in parameters if p.kind is not p.KEYWORD_ONLY]
        self.names, self.defaults = tuple(p.name for p in positional), tuple(p.default for p in positional)
        self.keywords = tuple(p.name for p in parameters if p.kind is p.KEYWORD_ONLY)
        self.options = {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY and p.default is not p.empty}
        missing, unknown = set(self.names) - set(rules), set(rules) - set(self.names)
        if missing or unknown:
            raise TypeError(f"{self.name}: rules are needed for {self.names} (None where an argument has no gradient); "
                            f"missing {sorted(missing)}, unknown {sorted(unknown)}")  # fmt: skip
        self.rules: Any = tuple(rules[name] for name in self.names)
        self.variadic = any(p.kind is p.VAR_POSITIONAL for p in positional)
        if self.variadic:
            if len(positional) > 1 or not inspect.isfunction(self.rules[0]):
                raise TypeError(f"{self.name}: *{self.names[-1]} must be the only positional argument, with a function "
                                "as its rule; pass constants by keyword")  # fmt: skip
            self.rules = ForEach(self.rules[0])

    def __repr__(self) -> str:
        return f"<op {self.name}>"

    def named(self, error: Exception) -> Exception:
        """The error, with the name of the op: kernels that many ops share do not know whom they serve."""
        return error if self.name in str(error).split(":")[0] else type(error)(f"{self.name}: {error}")

    def blame(self, args: tuple, options: dict) -> None:
        """Raise for the argument that no arithmetic can take, if there is one: the body fell over it."""
        self.bind(args, options)  # an option that the op does not have
        for i, (x, rule) in enumerate(zip(args, self.rules)):
            missing = x is None and (self.variadic or self.defaults[i] is not None)
            if rule is not None and (missing or isinstance(x, (str, tuple, slice))):
                raise TypeError(f"{self.name}: {self.argument(i)} is {x!r}; need a tensor, an array or a number")

    def written(self, x: Any) -> GraphError:
        """The error for an input x whose numbers are no longer those that this op used."""
        return GraphError(f"backward: an input of {self.name}, shape {x.array.shape}, was written by copy_ or an "
                          "optimizer after its use; run the forward pass again")  # fmt: skip

    def argument(self, i: int) -> str:
        """The name of positional argument i, for errors."""
        return f"{self.names[0]}[{i}]" if self.variadic else self.names[i]

    def bind(self, args: tuple, options: dict) -> tuple[tuple, dict]:
        """All positional arguments and all options, with defaults filled and arguments given by name in their place."""
        options = dict(options)
        if len(args) > len(self.names) and not self.variadic:  # sum(x, 1): options may come by position too
            more = args[len(self.names) :]
            if len(more) > len(self.keywords) or not options.keys().isdisjoint(self.keywords[: len(more)]):
                raise TypeError(f"{self.name}: takes {', '.join(self.names + self.keywords)}; got {len(args)} arguments"
                                f" by position, {', '.join(options) or 'none'} by name")  # fmt: skip
            args, options = args[: len(self.names)], {**options, **dict(zip(self.keywords, more))}
        bound = list(args)
        for name, default in zip(self.names[len(args) :], self.defaults[len(args) :]):
            value = options.pop(name, default)
            if value is inspect.Parameter.empty:
                raise TypeError(f"{self.name}: argument {name!r} is missing")
            bound.append(value)
        for name in options:
            if name not in self.keywords:
                again = " a second time" if name in self.names else ""
                raise TypeError(f"{self.name}: got {name!r}{again}; it takes {', '.join(self.names + self.keywords)}")
        return tuple(bound), {**self.options, **options}
