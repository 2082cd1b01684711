"""The families of benchmarks by the names that the command takes, and where each stands."""

from __future__ import annotations

import importlib
from types import ModuleType

MODULES = {
    "matmul": "kernels.matmul",
    "conv": "kernels.conv",
    "pool": "kernels.pool",
    "penalty": "kernels.penalty",
    "dropout": "kernels.dropout",
    "update": "kernels.update",
    "elementwise": "kernels.elementwise",
    "reduce": "kernels.reduce",
    "normalization": "kernels.normalization",
    "losses": "kernels.losses",
    "descent": "kernels.descent",
    "engine": "engine.overhead",
    "threads": "engine.threads",
    "step": "steps.family",
    "training": "training.epochs",
    "paths": "linear.paths",
}


def family(name: str) -> ModuleType:
    """The module of a family: its cases, what it measures, and how its rows are printed."""
    return importlib.import_module(f"benchmarks.{MODULES[name]}")
