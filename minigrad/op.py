"""The record of an op: its forward function, its rules, the order and defaults of its arguments, its errors."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

from .errors import DTypeError, GraphError, ShapeError
from .public import told


def describe(x: Any) -> str:
    """x in an error message: float32 (3, 4) for a tensor, at most 80 characters of its repr for anything else."""
    array = getattr(x, "array", None)
    return f"{x!r:.80}" if array is None else f"{array.dtype} {array.shape}"


class ForEach:
    """The rules of a variadic op, which has one function for all arguments: rules[i] calls it with i put first."""

    def __init__(self, rule: Callable) -> None:
        self.rule = rule

    def __getitem__(self, i: int) -> Callable:
        return functools.partial(self.rule, i)


class Op:
    """A forward function on arrays, a rule for each positional argument, names and defaults of all arguments.

    names, defaults: of the positional arguments. keywords, options: names and defaults of the keyword-only arguments.
    """

    __slots__ = (
        "defaults",
        "forward",
        "keywords",
        "name",
        "names",
        "options",
        "positions",
        "replayable",
        "rules",
        "shared",
        "variadic",
    )

    def __init__(self, name: str, forward: Callable, rules: dict, shared: Callable | None, replayable: bool) -> None:
        self.name, self.forward, self.shared, self.replayable = name, forward, shared, replayable
        parameters = inspect.signature(forward).parameters.values()
        positional = [p for p in parameters if p.kind is not p.KEYWORD_ONLY]
        by_keyword = [p for p in parameters if p.kind is p.KEYWORD_ONLY]
        self.names, self.defaults = tuple(p.name for p in positional), tuple(p.default for p in positional)
        self.keywords = tuple(p.name for p in by_keyword)
        self.options = {p.name: p.default for p in by_keyword if p.default is not p.empty}
        self.variadic = any(p.kind is p.VAR_POSITIONAL for p in positional)
        self.positions = () if self.variadic else tuple(range(len(self.names)))  # what the walk loops over
        self.rules: Any = self._checked(rules)

    def _checked(self, rules: dict) -> tuple | ForEach:
        """The rules in the order of the arguments; TypeError unless there is one for each."""
        missing, unknown = set(self.names) - set(rules), set(rules) - set(self.names)
        if missing or unknown:
            raise TypeError(
                f"{self.name}: rules are needed for {self.names} (None where an argument has no gradient); "
                f"missing {sorted(missing)}, unknown {sorted(unknown)}"
            )
        if not self.variadic:
            return tuple(rules[name] for name in self.names)
        if len(self.names) > 1 or not inspect.isfunction(rules[self.names[0]]):
            raise TypeError(
                f"{self.name}: *{self.names[-1]} must be the only positional argument, with a function "
                "as its rule; pass constants by keyword"
            )
        return ForEach(rules[self.names[0]])

    def __repr__(self) -> str:
        return f"<op {self.name}>"

    def explain(self, error: Exception, args: tuple, options: dict) -> None:
        """Raise a clearer error in place of `error`, which the forward raised for these arguments, if one is known.

        A ShapeError or DTypeError gets the name of the op, because a kernel that several ops call cannot name it.
        For any other error, the message names the option or the argument that the op cannot take.
        """
        if isinstance(error, (ShapeError, DTypeError)):
            raise (error if self.name in str(error).split(":")[0] else type(error)(f"{self.name}: {error}")) from None
        self.bind(args, options)  # raises for an option that the op does not have
        for i, (x, rule) in enumerate(zip(args, self.rules)):
            missing = x is None and (self.variadic or self.defaults[i] is not None)
            number = isinstance(x, (int, float)) and isinstance(error, AttributeError)  # a number has no .shape, say
            if rule is not None and (missing or number or isinstance(x, (str, tuple, slice))):
                more = "a tensor or an array" if number else "a tensor, an array or a number"
                raise TypeError(f"{self.name}: {self.argument(i)} is {x!r}; need {more}")
        better = told(self.name, error, {**dict(zip(self.names, args)), **options})
        if better is not error:
            raise better from error

    def written(self, x: Any) -> GraphError:
        """The error for an input x that was written after this op used its numbers."""
        return GraphError(
            f"backward: an input of {self.name}, shape {x.array.shape}, was written by copy_ or an "
            "optimizer after its use; run the forward pass again"
        )

    def freed(self) -> GraphError:
        """The error for a result of this op whose inputs an earlier backward freed."""
        return GraphError(
            f"backward: the graph behind {self.name} was freed by an earlier backward; pass "
            "retain_graph=True to that one"
        )

    def without_gradient(self, i: int) -> GraphError:
        """The error for a tracked tensor as argument i, which has no gradient."""
        return GraphError(f"{self.name} has no gradient for its argument {self.argument(i)!r}; pass it detached")

    def argument(self, i: int) -> str:
        """The name of positional argument i, for errors."""
        return f"{self.names[0]}[{i}]" if self.variadic else self.names[i]

    def bind(self, args: tuple, options: dict) -> tuple[tuple, dict]:
        """All positional arguments in order and all options, with defaults for those that were not given."""
        options = dict(options)
        if len(args) > len(self.names) and not self.variadic:  # options may be given by position too, as in sum(x, 1)
            more = args[len(self.names) :]
            if len(more) > len(self.keywords) or not options.keys().isdisjoint(self.keywords[: len(more)]):
                raise TypeError(
                    f"{self.name}: takes {', '.join(self.names + self.keywords)}; got {len(args)} arguments"
                    f" by position, {', '.join(options) or 'none'} by name"
                )
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


def op_of(function: Callable) -> Op:
    """The op of a function that `differentiable` made, to compare with `tensor.op`.

    Compare ops, not their names: two ops may have one name in errors, as those that users call by `cross_entropy` do.
    """
    return function.op  # type: ignore[attr-defined]
