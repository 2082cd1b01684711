"""What `tabular.train` is told, checked before a row is touched."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ..checks import finite, truth, whole
from ..rng import SEEDS
from .families import FAMILIES

MODELS = ("auto", "linear", "logistic", "mlp")
PICKS = ("min", "1se")
OF_COLUMNS = {"penalty_factor": 1.0, "lower": -math.inf, "upper": math.inf}  # what a column has unless it is named
OF_FAMILY = ("family", "penalty_groups", "huber_threshold", "relax")  # of linear models
OF_LINEAR, OF_MLP = ("standardize", "pick"), ("hidden", "dropout", "epochs", "lr", "batch_size", "patience")


def placed(asked: Sequence[tuple[str | None, float]], names: Sequence[str], default: float, option: str) -> list[float]:
    """A number for each input: the one asked for its column, or for the column whose level it is, or for all (None).

    >>> placed([("town", 0.0), (None, 3.0)], ["size", "town=A", "town=B"], 1.0, "penalty_factor")
    [3.0, 0.0, 0.0]
    """
    found = [default] * len(names)
    for column, value in sorted(asked, key=lambda pair: pair[0] is not None):  # what is said of all comes first
        places = [i for i, name in enumerate(names) if column in (None, name) or name.startswith(f"{column}=")]
        if not places:
            raise ValueError(f"{option}: there is no input {column!r}; there are {', '.join(names[:20])}")
        for i in places:
            found[i] = value
    return found


def _pairs(value: Any, name: str) -> tuple[tuple[str | None, float], ...] | None:
    """A number for all columns, {column: number} or pairs of both, as pairs; None of the columns is all of them."""
    if value is None:
        return None
    given = value.items() if isinstance(value, Mapping) else value
    given = given if isinstance(given, Iterable) and not isinstance(given, str) else [(None, given)]
    found = []
    for column, number in given:
        real = isinstance(number, (int, float)) and not isinstance(number, bool) and number == number
        if not (real and (column is None or isinstance(column, str))):
            raise ValueError(f"{name} is {value!r:.80}; need a number, or {{column: number}}")
        found.append((column, float(number)))
    return tuple(found)


@dataclass(frozen=True)
class Settings:
    """See `tabular.train`."""

    model: str = "auto"
    lam: float | str | None = None
    l1_ratio: float | None = None
    l1: float | None = None
    l2: float | None = None
    pick: str = "min"
    count: int = 50
    folds: int = 5
    standardize: bool = True
    hidden: tuple[int, ...] = (64,)
    dropout: float = 0.0
    epochs: int = 200
    lr: float = 1e-3
    batch_size: int = 32
    patience: int = 20
    validation: float = 0.1
    test: float = 0.2
    seed: int = 0
    penalty_factor: Any = None
    lower: Any = None
    upper: Any = None
    family: str = "auto"
    penalty_groups: Any = None
    huber_threshold: float | None = None
    relax: bool = False

    def __post_init__(self) -> None:
        who = "tabular.train"
        for name, known in (("model", MODELS), ("pick", PICKS), ("family", FAMILIES)):
            if getattr(self, name) not in known:
                raise ValueError(f"{who}: {name} is {getattr(self, name)!r}; need {', '.join(known)}")
        for name, low in (("count", 2), ("folds", 2), ("epochs", 1), ("batch_size", 1), ("patience", 1)):
            whole(getattr(self, name), f"{who}: {name}", low)
        whole(self.seed, f"{who}: seed", 0, SEEDS)
        truth(self.standardize, f"{who}: standardize")
        for units in self.hidden:
            whole(units, f"{who}: hidden", 1)
        for name in ("dropout", "validation", "test", *(("l1_ratio",) if self.l1_ratio is not None else ())):
            finite(getattr(self, name), f"{who}: {name}", 0.0, 1.0)
        for name in ("dropout", "validation", "test"):
            if getattr(self, name) == 1:
                raise ValueError(f"{who}: {name} is 1; need a share below 1")
        if not finite(self.lr, f"{who}: lr", 0.0) > 0:
            raise ValueError(f"{who}: lr is 0; need a number above 0")
        self._check_strengths(who)
        for name in OF_COLUMNS:
            object.__setattr__(self, name, _pairs(getattr(self, name), f"{who}: {name}"))
        self._check_family(who)

    def _check_family(self, who: str) -> None:
        truth(self.relax, f"{who}: relax")
        if self.huber_threshold is not None and not finite(self.huber_threshold, f"{who}: huber_threshold", 0.0) > 0:
            raise ValueError(f"{who}: huber_threshold is 0; need a number above 0")
        groups = self.penalty_groups
        if groups is not None:
            groups = (groups,) if isinstance(groups, str) else groups
            if not isinstance(groups, Sequence) or not groups or not all(isinstance(name, str) for name in groups):
                raise ValueError(f"{who}: penalty_groups is {groups!r:.60}; need 'all', or groups such as ['A+B', 'C']")
            object.__setattr__(self, "penalty_groups", tuple(groups))
            if self.l1 is not None or self.l2 is not None:
                raise ValueError(
                    f"{who}: penalty_groups and l1 or l2 are both given; with groups give lam: lam (1 - l1_ratio) on "
                    "norms of groups, lam l1_ratio on coefficients (command line: --lambda, --l1-ratio)"
                )

    def _check_strengths(self, who: str) -> None:
        for name in ("l1", "l2", *(("lam",) if self.lam != "cv" else ())):
            if getattr(self, name) is not None:
                finite(getattr(self, name), f"{who}: {name}", 0.0)
        if self.lam is not None and (self.l1 is not None or self.l2 is not None):
            raise ValueError(
                f"{who}: lam and l1 or l2 are both given; lam means l1 = lam l1_ratio, l2 = lam (1 - l1_ratio)"
            )

    @classmethod
    def of(cls, hidden: Any, **options: Any) -> Settings:
        """The settings; hidden is a number or a sequence of numbers."""
        units = tuple(hidden) if isinstance(hidden, Sequence) and not isinstance(hidden, str) else (hidden,)
        return cls(hidden=units, **options)

    @property
    def strengths(self) -> tuple[float, float] | None:
        """(l1, l2), or None: λ is chosen by cross-validation."""
        if self.l1 is not None or self.l2 is not None:
            return float(self.l1 or 0.0), float(self.l2 or 0.0)
        if self.lam == "cv" or (self.lam is None and self.model != "mlp"):
            return None
        lam = float(self.lam or 0.0)
        return lam * self.ratio, 0.0 if self.penalty_groups else lam * (1 - self.ratio)

    @property
    def ratio(self) -> float:
        """l1_ratio: the one that was given, else 1, or 0 with groups."""
        return (0.0 if self.penalty_groups else 1.0) if self.l1_ratio is None else float(self.l1_ratio)

    @property
    def group_strength(self) -> float | None:
        """The strength of the norms of groups; None without any, or where λ is chosen by cross-validation."""
        if not self.penalty_groups or self.strengths is None:
            return None
        return float(self.lam or 0.0) * (1 - self.ratio)

    def plain(self, model: str) -> dict[str, Any]:
        """Those that a model of this kind has, for JSON."""
        network = model == "mlp"
        chosen = self.strengths is None
        left_out = {"model", "lam", "l1", "l2", *(OF_LINEAR[:1] if network else OF_MLP + ("validation",))}
        left_out |= set() if chosen else {"count", "folds", "pick", "l1_ratio"}
        left_out |= {name for name in (*OF_COLUMNS, "penalty_groups", "huber_threshold") if getattr(self, name) is None}
        left_out |= {name for name in ("family", "relax") if getattr(self, name) in ("auto", False)}
        found = asdict(self) | {"hidden": list(self.hidden), "l1_ratio": self.ratio}
        for name in OF_COLUMNS:  # JSON has no infinite number
            pairs = getattr(self, name) or ()
            found[name] = [[column, value if math.isfinite(value) else repr(value)] for column, value in pairs]
        return {name: value for name, value in found.items() if name not in left_out}
