"""What a user writes of a library's regularizer, taken apart: names and values, of which nothing is ever evaluated.

text   = word+ ["(" [part ("," part)*] ")"] (name "=" value)*      keras l2(0.01), glmnet lambda=0.1 alpha=0.5
part   = [name "="] value
value  = number | "string" | True | False | None | text | "[" [part ("," part)*] "]"
word   = letters, digits and _, with points and hyphens inside      sklearn.linear_model.Ridge, scikit-learn
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

CONSTANTS = {"true": True, "t": True, "false": False, "f": False, "none": None, "null": None}
TOKEN = re.compile(
    r"""\s*(?:
    (?P<number>[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?(?![\w.]))
    |(?P<string>"[^"]*"|'[^']*')
    |(?P<word>[A-Za-z_]\w*(?:[.-][A-Za-z_0-9]\w*)*)
    |(?P<mark>[()\[\]=,.])
    )""",
    re.VERBOSE,
)
DEEPEST = 20  # calls inside one another


@dataclass(repr=False)
class Call:
    """One text: `words` as they came, the values without a name, and those with one."""

    words: list[str]
    values: list[Any] = field(default_factory=list)
    named: dict[str, Any] = field(default_factory=dict)

    def __repr__(self) -> str:
        parts = [*map(written, self.values), *(f"{name}={written(value)}" for name, value in self.named.items())]
        return ".".join(self.words) + (f"({', '.join(parts)})" if parts else "")


def written(value: Any) -> str:
    """A value as a user would write it.

    >>> written(parse('Dense(64, kernel_regularizer="l2")'))
    "Dense(64, kernel_regularizer='l2')"
    """
    if isinstance(value, float):
        return f"{value:.12g}"
    if isinstance(value, list):
        return f"[{', '.join(map(written, value))}]"
    return repr(value) if isinstance(value, str) else str(value)


def parse(text: str) -> Call:
    """The call that the text is; ValueError that shows the place where it is none.

    >>> parse("sklearn.Ridge(alpha=3)")
    sklearn.Ridge(alpha=3)
    >>> call = parse("torch AdamW weight_decay=1e-4")
    >>> call.words, call.values, call.named
    (['torch', 'AdamW'], [], {'weight_decay': 0.0001})
    """
    if not isinstance(text, str):
        raise TypeError(
            f"a convention is read from a string such as 'sklearn.Ridge(alpha=3)', not {type(text).__name__}"
        )
    reader = _Reader(text)
    call = reader.call()
    if reader.kind != "end":
        raise reader.error("nothing more")
    return call


class _Reader:
    """The tokens of a text, one after the other; kind, token and start are those of the next one."""

    def __init__(self, text: str) -> None:
        self.text, self.end, self.depth = text, 0, 0
        self.step()

    def step(self) -> str:
        """Take the next token and look at the one behind it; the taken one comes back."""
        taken = getattr(self, "token", "")
        found = TOKEN.match(self.text, self.end)
        if found:
            self.kind, self.token = str(found.lastgroup), found[found.lastgroup or 0]
            self.start, self.end = found.start(found.lastgroup or 0), found.end()
        else:
            rest = self.text[self.end :]
            self.start = self.end + len(rest) - len(rest.lstrip())
            self.kind, self.token = ("end" if not rest.strip() else "unknown"), rest.strip()[:1]
        return taken

    def error(self, needed: str) -> ValueError:
        came = f"{self.token!r}" if self.kind != "end" else "the end"
        return ValueError(f"cannot read {self.text!r}: at character {self.start + 1}, {came} where {needed} should be")

    def call(self) -> Call:
        """word+ ["(" parts ")" ["." word "(" parts ")"]] (name "=" value)*."""
        call = Call([])
        while self.kind == "word" and not self._names_a_value():
            call.words.append(self.step())
        if not call.words:
            raise self.error("a name such as sklearn.Ridge")
        self._in_brackets(call)
        if self._at("."):  # a method of what was made: its arguments are those that count
            self.step()
            if self.kind != "word":
                raise self.error("the name of a method")
            call = Call([*call.words, self.step()])
            self._in_brackets(call)
        while self.kind == "word" and self._names_a_value():
            self._part(call)
            if self._at(","):
                self.step()
        return call

    def _at(self, mark: str) -> bool:
        return self.kind == "mark" and self.token == mark

    def _in_brackets(self, call: Call) -> None:
        if self._at("("):
            self.step()
            self._parts(call, ")")

    def _names_a_value(self) -> bool:
        return self.text[self.end :].lstrip().startswith("=")

    def _parts(self, call: Call, closing: str) -> None:
        self.depth += 1
        if self.depth > DEEPEST:
            raise ValueError(f"cannot read {self.text[:60]!r}...: more than {DEEPEST} calls inside one another")
        while not self._at(closing):
            self._part(call)
            if self._at(","):
                self.step()
            elif not self._at(closing):
                raise self.error(f"a comma or {closing!r}")
        self.depth -= 1
        self.step()

    def _part(self, call: Call) -> None:
        if self.kind == "word" and self._names_a_value():
            name = self.step()
            self.step()  # the =
            if name in call.named:
                raise ValueError(f"cannot read {self.text!r}: {name} is given twice")
            call.named[name] = self._value()
        elif call.named:
            raise self.error("name=value, as after the first such,")
        else:
            call.values.append(self._value())

    def _value(self) -> Any:
        if self.kind == "number":
            return float(self.step())
        if self.kind == "string":
            return self.step()[1:-1]
        if self._at("["):
            self.step()
            inside = Call(["list"])
            self._parts(inside, "]")
            return inside.values
        if self.kind == "word" and self.token.lower() in CONSTANTS:
            return CONSTANTS[self.step().lower()]
        if self.kind == "word":
            return self._name_or_call()
        raise self.error("a number, a string or a name")

    def _name_or_call(self) -> Call:
        """A name of the user's program, such as model.parameters(), or a regularizer inside a layer."""
        call = Call([self.step()])
        while self.kind == "mark" and self.token in ("(", "."):
            if self.step() == "(":
                self._parts(call, ")")
            elif self.kind == "word":
                call = Call([f"{call}.{self.step()}"])
            else:
                raise self.error("a name")
        return call
