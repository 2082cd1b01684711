"""minigrad info: what this installation computes with."""

from __future__ import annotations

import argparse
import platform
from pathlib import Path

from .. import kernels
from ..version import __version__


def add_info(commands: argparse._SubParsersAction) -> argparse.ArgumentParser:
    info = commands.add_parser(
        "info",
        help="what this installation computes with",
        description="Version, kernels, threads and paths: for bug reports.",
    )
    info.set_defaults(run=run_info)
    return info


def run_info(options: argparse.Namespace) -> None:
    from ..data.sets import mnist

    found = [str(folder) for folder in mnist.folders() if folder.is_dir()]
    lines = {
        "minigrad": f"{__version__}, {Path(__file__).parents[1]}",
        "python": f"{platform.python_version()} on {platform.platform()}",
        "mnist": found[0] if found else f"not found in {' or '.join(map(str, mnist.folders()))}",
    }
    print("\n".join(f"{name:<12} {value}" for name, value in lines.items()))
    print(kernels.report())
