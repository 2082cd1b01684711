"""Where the programs of examples/ and benchmarks/ stand: in the checkout, or as copies in an installed package."""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).parents[1]


def root() -> Path:
    """The folder that holds examples/ and benchmarks/: the checkout's root, else `minigrad/shipped`.

    ImportError where neither is there: a package that something else than setup.py put together.
    """
    checkout = PACKAGE.parent
    if (checkout / "setup.py").exists() and (checkout / "benchmarks").is_dir():
        return checkout
    if (PACKAGE / "shipped").is_dir():
        return PACKAGE / "shipped"
    raise ImportError(f"no examples/ and benchmarks/ beside or in {PACKAGE}: install minigrad anew, or use a checkout")
