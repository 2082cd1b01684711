"""What a library's regularizer is in canonical form: the answer of `read`, and how it is looked up."""

from __future__ import annotations

import difflib
import inspect
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ...checks import finite, whole
from .grammar import Call

KERNELS = "weights (kernels), not biases"
COEFFICIENTS = "coefficients, not the intercept"
EVERYTHING = "every parameter of the optimizer, biases too"


@dataclass(frozen=True)
class Convention:
    """A regularizer of some library as mean data loss + l1 Σ|w| + (l2/2) Σw², minigrad's canonical form.

    text        what was read, with names in full
    objective   what the library minimizes or does, in its own letters
    l1, l2      the strengths beside `data`; None where nothing is added to the loss (decoupled decay)
    data        the mean data loss beside which l1 and l2 hold
    touches     which parameters
    line        the same in minigrad
    remarks     what else a user should know
    source      where the library says so
    facts       what was told beside the text: rows, sd_y, batch
    """

    objective: str
    l1: float | None
    l2: float | None
    data: str
    touches: str
    line: str
    source: str
    remarks: tuple[str, ...] = ()
    decay: float | None = None
    text: str = ""
    call: Call | None = None
    facts: tuple[tuple[str, float], ...] = ()

    @property
    def coupled(self) -> bool:
        """Whether the penalty's gradient is added to that of the loss, so that optimizer and momentum see it."""
        return self.l1 is not None

    def __str__(self) -> str:
        told = "".join(f", {name.replace('_', '-')} = {value:.9g}" for name, value in self.facts)
        if self.coupled:
            strengths = f"l1 = {self.l1:.9g}, l2 = {self.l2:.9g}   in l1 Σ|w| + (l2/2) Σw², beside {self.data}"
        else:
            strengths = f"no penalty: w is multiplied by 1 - lr * {self.decay:.9g} in each step (decoupled)"
        rows = [
            ("it is", self.objective),
            ("canonical", strengths),
            ("touches", self.touches),
            ("minigrad", self.line),
            *(("mind", remark) for remark in self.remarks),
            ("source", self.source),
        ]
        wrapped = (
            textwrap.fill(
                text,
                110,
                initial_indent=f"  {name:10}",
                subsequent_indent=" " * 12,
                break_long_words=False,
                break_on_hyphens=False,
            )
            if name != "minigrad"
            else f"  {name:10}" + text.replace("\n", "\n" + " " * 12)
            for name, text in rows
        )
        return "\n".join([self.text + told, *wrapped])

    def as_dict(self) -> dict[str, Any]:
        """The same as plain values, for JSON."""
        names = ("text", "objective", "l1", "l2", "coupled", "decay", "data", "touches", "line", "source")
        return {**{name: getattr(self, name) for name in names}, "remarks": list(self.remarks), **dict(self.facts)}


class Facts:
    """What the user said of the data: a rule that needs one asks for it, and only then must it be there."""

    NEEDS: Mapping[str, tuple[str, str]] = {
        "rows": ("--rows N", "the number of training rows"),
        "sd_y": ("--sd-y S", "the standard deviation of y (divided by n, not n - 1)"),
        "batch": ("--batch N", "the rows of a batch"),
    }

    def __init__(self, who: str, rows: Any = None, sd_y: Any = None, batch: Any = None) -> None:
        self.who, self.used = who, {}  # type: str, dict[str, float]
        self.known = {
            "rows": None if rows is None else whole(rows, "rows", 1),
            "sd_y": None if sd_y is None else finite(sd_y, "sd_y", at_least=5e-324),
            "batch": None if batch is None else whole(batch, "batch", 1),
        }

    def __getattr__(self, name: str) -> Any:
        if name not in Facts.NEEDS:
            raise AttributeError(name)
        value = self.known[name]
        if value is None:
            option, what = Facts.NEEDS[name]
            raise ValueError(f"{self.who}: its strength depends on {what}: give {name}=... ({option})")
        self.used[name] = value
        return value


@dataclass(frozen=True)
class Rule:
    """How one class or function of a library is read: `make(facts, **arguments)` gives the Convention."""

    name: str  # in full: sklearn.linear_model.Ridge
    make: Callable[..., Convention]
    idle: tuple[str, ...] = ()  # arguments that have no part in the penalty
    leading: tuple[str, ...] = ()  # arguments before the first that matters, in the library's order

    @property
    def last(self) -> str:
        return self.name.rpartition(".")[2]


def linear_line(
    l1: float, l2: float, kind: str = "Regression", standardize: bool = False, intercept: bool = True
) -> str:
    """The fit of minigrad.linear_model with these strengths.

    >>> linear_line(0.25, 0.75)
    'linear_model.Regression(l1_ratio=0.25).start(x, y).fit(1)'
    """
    lam = l1 + l2
    options = [f"l1_ratio={l1 / lam if lam else 1:.9g}"]
    options += ["standardize=True"] if standardize else []
    options += [] if intercept else ["fit_intercept=False"]
    return f"linear_model.{kind}({', '.join(options)}).start(x, y).fit({lam:.9g})"


def penalty_line(l1: float, l2: float, where: str = '"*.weight"') -> str:
    """The term to add to the loss.

    >>> penalty_line(0.0, 0.02)
    'terms = reg.on(model, "*.weight", reg.L2(0.02)); loss = data_loss + terms()'
    """
    if not l1 and not l2:
        return "no term: nothing is penalized"
    if l1 and l2:
        term = f"reg.ElasticNet({l1:.9g}, {l2:.9g})"
    else:
        term = f"reg.L1({l1:.9g})" if l1 else f"reg.L2({l2:.9g})"
    return f"terms = reg.on(model, {where}, {term}); loss = data_loss + terms()"


def arguments(rule: Rule, call: Call) -> dict[str, Any]:
    """The arguments of the call by the rule's names; TypeError for one that the library's function does not have."""
    names = [name for name in inspect.signature(rule.make).parameters if name != "facts"]
    order = [*rule.leading, *names]
    if len(call.values) > len(order):
        raise TypeError(f"{rule.name} takes {', '.join(order)}: {len(call.values)} values are too many")
    given = dict(zip(order, map(_word, call.values), strict=False))
    for name, value in call.named.items():
        plain = name.replace("-", "_").replace(".", "_")
        plain = plain + "_" if plain == "lambda" else plain
        if plain in given:
            raise TypeError(f"{rule.name}: {name} is given twice")
        given[plain] = _word(value)
    for name in given:
        if name not in order and name not in rule.idle:
            close = difflib.get_close_matches(name, [*order, *rule.idle], 1)
            shown = ", ".join(each.rstrip("_") for each in names)
            raise TypeError(
                f"{rule.name}: unknown argument {name!r}; "
                + (f"did you mean {close[0].rstrip('_')!r}?" if close else f"what matters to its penalty is {shown}")
            )
    return {name: value for name, value in given.items() if name in names}


def _word(value: Any) -> Any:
    """A bare word is meant as a string: booster=gblinear."""
    return value.words[0] if isinstance(value, Call) and not value.values and not value.named else value


def find(call: Call, rules: Mapping[str, Rule], libraries: Mapping[str, str]) -> Rule:
    """The rule whose name ends as the words of the call do; words in the middle may be left out: sklearn.Ridge."""
    parts = ".".join(call.words).split(".")
    library = libraries.get(parts[0].lower(), "")
    wanted = parts[1:] if library else parts
    if not wanted and library in rules:
        return rules[library]
    inside = [rule for rule in rules.values() if library in ("", rule.name.partition(".")[0])]
    if not wanted:
        raise ValueError(f"{parts[0]}: which of its regularizers? {', '.join(sorted(rule.last for rule in inside))}")
    fits = [rule for rule in inside if _ends_as(rule.name, wanted)]
    fits = [rule for rule in fits if rule.last == wanted[-1]] or fits
    if len(fits) != 1:
        raise ValueError(_which(".".join(parts), fits, inside))
    return fits[0]


def _ends_as(name: str, wanted: list[str]) -> bool:
    """Whether the last parts are the same, and the others of `wanted` stand in `name` in their order; case is not."""

    def plain(part: str) -> str:
        return part.replace("_", "").replace("-", "").lower()

    have, want = [plain(part) for part in name.split(".")], [plain(part) for part in wanted]
    left = iter(have)
    return have[-1] == want[-1] and all(part in left for part in want)


def _which(asked: str, fits: list[Rule], known: list[Rule]) -> str:
    """What is wrong with a name that fits several rules, or none."""
    if fits:
        return f"{asked}: which one? {', '.join(rule.name for rule in fits)}"
    last = asked.rpartition(".")[2]
    close = difflib.get_close_matches(last.lower(), [rule.last.lower() for rule in known], 1)
    if close:
        best = next(rule.name for rule in known if rule.last.lower() == close[0])
        return f"{asked}: no convention of that name is known; did you mean {best}?"
    return f"{asked}: no convention of that name is known; known are {', '.join(sorted(rule.name for rule in known))}"


def filled(made: Convention, call: Call, rule: Rule, facts: Facts) -> Convention:
    """The Convention with what was read in full names, and the facts that the rule asked for."""
    full = Call([rule.name], call.values, call.named)
    return replace(made, text=str(full), call=full, facts=tuple(facts.used.items()))
