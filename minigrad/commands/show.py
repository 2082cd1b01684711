"""minigrad show: what a model or a file of tensors is."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from .. import interop, tabular
from ..lab.pages.console import close_to
from ..lab.pages.tables import as_text
from ..reg.weights.group_layout import layout
from ..tabular.keeping import FILE, HOLDS

SHOWN = 50  # tensors
TABLES = (".csv", ".tsv", ".txt", ".gz", ".json")  # names of files that hold no model

DESCRIPTION = """Say what a model is that minigrad train, cv or path has kept: scores, λ and how it was chosen, the
coefficients by name in the units of the data and per standard deviation, columns and their levels, scaling, missing
values, versions, and whether the digest of its file fits. Of any other safetensors file: its tensors and metadata, and
where weights have exact zeros, how many, and which rows, columns, filters, channels or gates are empty."""

EXAMPLES = """\
examples:
  minigrad show houses-model
  minigrad show minigrad-cv/model-1se.safetensors
  minigrad show digits.safetensors"""


def add_show(commands: argparse._SubParsersAction) -> argparse.ArgumentParser:
    command = commands.add_parser(
        "show",
        help="what a model that was kept is, or a file of tensors",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument("model", type=Path, metavar="MODEL", help="the folder of a model, or a file .safetensors")
    command.set_defaults(run=run_show)
    return command


def run_show(options: argparse.Namespace) -> None:
    """minigrad show."""
    file, others = _file(options.model)
    contents = interop.inspect(file)
    first = f"{file}: {contents.size:,} bytes, {contents.finding}"
    if contents.metadata == HOLDS and contents.verified is not False:
        print(f"{tabular.load(file).show()}\n{first}")
        for other in others:
            print(f"another model in this folder: minigrad show {other}")
        return
    print("\n".join([first, *_tensors(contents, file)]))
    if contents.verified is False:
        raise ValueError(f"{file}: {contents.finding}")


def _file(path: Path) -> tuple[Path, list[Path]]:
    """The file that holds the model, and other safetensors files in its folder, if a folder was named."""
    check_model(path)
    if not path.is_dir():
        return path, []
    others = sorted(each for each in path.glob("*.safetensors") if each.name != FILE)
    if not (path / FILE).exists():
        there = f"; it has {', '.join(each.name for each in others)}: name one of these" if others else ""
        raise ValueError(f"{path}: there is no {FILE} in this folder{there}")
    return path / FILE, others


def check_model(path: Path, data: str = "") -> None:
    """ValueError where no model can be: nothing of this name, or a file of another kind; `data` was named behind it."""
    if not path.exists():
        there = [other.name for other in path.parent.iterdir()] if path.parent.is_dir() else []
        raise ValueError(f"there is no folder or file {str(path)!r}{close_to(path.name, there)}")
    if path.is_file() and path.suffix.lower() in TABLES:
        turned = "; the order is MODEL DATA" if data and Path(data).exists() else ""
        raise ValueError(
            f"{path} is a table; need a model: the folder that minigrad train writes, or its {FILE}{turned}"
        )


def _tensors(contents: interop.Contents, file: Path) -> list[str]:
    """Version, metadata and tensors of any file."""
    told = [f"written by minigrad {contents.version}"] if contents.version else []
    told += [f"{key}: {value}" for key, value in contents.metadata.items()]
    rows = [
        [name, dtype, " × ".join(map(str, shape)) or "one number"] for name, (dtype, shape) in contents.tensors.items()
    ]
    head: tuple[str, ...] = ("tensor", "dtype", "shape")
    zeros = _zeros(contents, file) if contents.verified is not False else {}
    if zeros:
        head = (*head, "zeros", "empty")
        rows = [[*row, *zeros.get(row[0], ("", ""))] for row in rows]
    told += ["", as_text(head, rows[:SHOWN])] if rows else ["no tensors"]
    return told + ([f"and {len(rows) - SHOWN} more"] if len(rows) > SHOWN else [])


def _zeros(contents: interop.Contents, file: Path) -> dict[str, tuple[str, str]]:
    """Name -> (share of exact zeros, what is empty as a whole) of each weight that is shown and has exact zeros."""
    found = {}
    try:
        arrays = interop.load(file, mmap=True)
    except ValueError:  # a dtype that NumPy does not have: the tensors are listed all the same
        return {}
    for name in list(contents.tensors)[:SHOWN]:
        array = arrays[name]
        if array.ndim > 1 and array.dtype.kind == "f" and array.size and (share := float(np.mean(array == 0))):
            gates = any(part in name for part in ("weight_ih", "weight_hh"))
            words = ("filters", "channels") if array.ndim > 2 else ("gates",) if gates else ("rows", "columns")
            groups = [layout(word, array.shape) for word in words]
            found[name] = f"{share:.1%}", ", ".join(f"{g.groups} {g.empty(array)}/{g.count}" for g in groups)
    return found
