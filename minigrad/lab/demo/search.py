"""How λ and p of the demo were found: every setting of a grid, on seeds that the demo does not use.

python -m minigrad.lab.demo.search prints the mean test accuracy and loss of each; the highest accuracy was taken. The
test rows of these seeds serve as validation rows: each seed draws its own split, so no split of the demo was looked at.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from ... import reg
from ..pages.statistics import mean
from .experiment import EPOCHS, Method, train_one

SEEDS = range(1000, 1005)
L1S, L2S = (3e-4, 5e-4, 1e-3, 1.5e-3, 2e-3, 3e-3), (1.25e-3, 2.5e-3, 5e-3, 1e-2, 1.5e-2, 2e-2, 3e-2)
RATES = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8)


def grid() -> list[Method]:
    """The settings tried, each λ in steps of at most a factor 2; the ends of a grid must not win."""
    settings = [Method("L2", penalty=reg.L2(l2)) for l2 in L2S]
    settings += [Method("L1 sub-gradient", penalty=reg.L1(l1)) for l1 in L1S]
    settings += [Method("L1 proximal", prox=reg.L1(l1)) for l1 in L1S]
    settings += [Method("elastic net", prox=reg.ElasticNet(l1, l2)) for l1 in L1S[:4] for l2 in L2S[1:5]]
    settings += [Method("dropout", dropout=p) for p in RATES]
    settings += [Method("dropout + L2", penalty=reg.L2(l2), dropout=p) for p in RATES[2:] for l2 in L2S[:4]]
    return settings


def search(settings: Sequence[Method], seeds: Sequence[int] = SEEDS, epochs: int = EPOCHS) -> None:
    """Print a line for each setting: mean test accuracy and loss over the seeds."""
    for method in settings:
        runs = [train_one(method, seed, epochs) for seed in seeds]
        accuracy, loss = (mean([r.test[measure] for r in runs]) for measure in ("accuracy", "loss"))
        print(f"{method.name:<17}{method.setting:<28} accuracy {accuracy:.2%}  loss {loss:.3f}", flush=True)


if __name__ == "__main__":
    argparse.ArgumentParser(prog="python -m minigrad.lab.demo.search", description=__doc__).parse_args()
    search(grid())
