"""How each op is called in generated tests: one Spec per op, in a file per family, found here by its name.

`tests/ops/test_generated.py` draws cases of every Spec (Hypothesis) and checks gradients to second order, layouts, both
backends, and agreement with PyTorch. A family's file holds `SPECS = {name: Spec or [Spec, ...]}`.
"""

import importlib
import pkgutil

from .build import Spec


def load():
    """(name, Spec) of every family's file."""
    found = []
    for module in pkgutil.iter_modules(__path__):
        for name, specs in getattr(importlib.import_module(f"{__name__}.{module.name}"), "SPECS", {}).items():
            found += [(name, spec) for spec in ([specs] if isinstance(specs, Spec) else specs)]
    return found
