"""The public names of minigrad, and the pages of the reference that list them.

Public is what a package's `__all__` lists, what `import minigrad as mg` offers itself, and the functions of the few
modules below that have no list. A name that no page shows is an error of the build.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any, NamedTuple

import minigrad

# Modules without __all__ whose own functions and classes are public, by the name that users import.
WITHOUT_LIST = ("minigrad.testing", "minigrad.rng")
# Of the table of kernels, what users call; the kernels themselves are shown by minigrad.kernels.report().
KERNELS = ("report", "cpu_variant", "use_backend", "get_num_threads", "set_num_threads")
# The pages of the names of minigrad itself: title, what stands there, and the modules that the names come from.
PAGES = {
    "Making tensors": ("tensor", ("minigrad.tensor", "minigrad.ops.create")),
    "Elementwise": ("elementwise", ("minigrad.ops.elementwise",)),
    "Shapes and pieces": ("shape", ("minigrad.ops.shape", "minigrad.ops.index")),
    "Reductions and order": ("reduce", ("minigrad.ops.reduce",)),
    "Products": ("linalg", ("minigrad.ops.linalg",)),
    "Losses": ("losses", ("minigrad.ops.losses",)),
    "Dropout and penalties": ("regularize", ("minigrad.ops.regularize",)),
    "Layers as functions": ("layers", ("minigrad.ops.layers",)),
    "Gradients and your own ops": ("gradients", ("minigrad.engine", "minigrad.recording", "minigrad.transforms")),
    "Compiled steps": ("compile", ("minigrad.replay",)),
    "Looking inside": ("inside", ("minigrad.insight",)),
    "Threads, seeds, types": ("machine", ("minigrad.kernels", "minigrad.rng", "numpy")),
    "Files": ("files", ("minigrad.interop",)),
    "Errors": ("errors", ("minigrad.errors",)),
}


class Name(NamedTuple):
    """A public name: the module that users import it from, itself, and the object."""

    module: str
    name: str
    thing: Any

    @property
    def full(self) -> str:
        return f"{self.module}.{self.name}"

    @property
    def home(self) -> str:
        """The module that defines it."""
        return getattr(self.thing, "__module__", None) or type(self.thing).__module__


def own(module: ModuleType) -> list[str]:
    """The public functions and classes that a module defines."""
    things = vars(module).items()
    return [n for n, t in things if n[0] != "_" and callable(t) and getattr(t, "__module__", "") == module.__name__]


def offered() -> list[str]:
    """The names of minigrad itself: what can be called, and the data types; no modules."""
    return [n for n, t in vars(minigrad).items() if n[0] != "_" and not inspect.ismodule(t) and n != "annotations"]


def packages() -> dict[str, list[str]]:
    """The modules that users import from, and their public names.

    >>> found = packages()
    >>> "Linear" in found["minigrad.nn"], "fit" in found["minigrad.train"], "he_uniform" in found["minigrad.nn.init"]
    (True, True, True)
    """
    found = {"minigrad": offered()}
    for info in pkgutil.iter_modules(minigrad.__path__, "minigrad."):
        if info.ispkg and info.name != "minigrad.kernels":
            add(found, info.name)
    for name in WITHOUT_LIST:
        found[name] = own(importlib.import_module(name))
    found["minigrad.debug"] = list(minigrad.debug.__all__)
    found["minigrad.kernels"] = list(KERNELS)
    return found


def add(found: dict[str, list[str]], name: str) -> None:
    """A package with a list, and the modules that its list names."""
    module = importlib.import_module(name)
    listed = getattr(module, "__all__", None)
    if listed is None:
        return
    found[name] = []
    for entry in listed:
        thing = getattr(module, entry)
        if not inspect.ismodule(thing):
            found[name].append(entry)
        elif hasattr(thing, "__all__"):
            sys.modules.setdefault(f"{name}.{entry}", thing)
            add(found, f"{name}.{entry}")
        else:
            found[f"{name}.{entry}"] = own(thing)


def names_of(module: str, listed: list[str]) -> Iterator[Name]:
    place: Any = minigrad
    for part in module.split(".")[1:]:
        place = getattr(place, part)
    for name in listed:
        yield Name(module, name, getattr(place, name))


def heading(name: Name, module: str) -> str:
    """The heading under which a page of a package shows a name: the file or folder of the package that has it.

    >>> heading(Name("minigrad.nn", "Dropout", minigrad.nn.Dropout), "minigrad.nn")
    'Dropout'
    """
    home = name.home
    if not home.startswith(f"{module}."):
        return "Others"
    return home[len(module) + 1 :].split(".")[0].replace("_", " ").capitalize()


def pages() -> dict[str, tuple[str, dict[str, list[Name]]]]:
    """The pages of the reference: file name -> (title, heading -> names)."""
    found: dict[str, tuple[str, dict[str, list[Name]]]] = {}
    everything = packages()
    left = list(names_of("minigrad", everything.pop("minigrad")))
    left = [name for name in left if name.name != "Tensor"]
    for title, (file, homes) in PAGES.items():
        mine = [name for name in left if any(f"{name.home}.".startswith(f"{home}.") for home in homes)]
        left = [name for name in left if name not in mine]
        found[file] = title, by_heading(mine, "minigrad.ops" if homes[0].startswith("minigrad.ops.") else "")
    if left:
        raise LookupError(f"docs/site/names.py: PAGES has no place for {', '.join(name.full for name in left)}")
    for module, listed in everything.items():
        mine = list(names_of(module, listed))
        title = module.removeprefix("minigrad.")
        if title in found:
            raise LookupError(f"docs/site/names.py: two pages would be named {title}")
        found[title] = module, by_heading(mine, module)
    return found


def by_heading(mine: list[Name], module: str) -> dict[str, list[Name]]:
    """Names in groups. A page of few names has one group, without a heading."""
    groups: dict[str, list[Name]] = {}
    for name in sorted(mine, key=lambda name: (name.home == module, name.home, name.name.lower())):
        if module == "minigrad.ops":
            words = name.home.split(".")[3:4] or name.home.split(".")[2:3]
            groups.setdefault(words[0].replace("_", " ").capitalize(), []).append(name)
        else:
            groups.setdefault(heading(name, module) if module else "", []).append(name)
    if len(mine) <= 12 or len(groups) > len(mine) / 1.5:
        return {"": sorted(mine, key=lambda name: name.name.lower())}
    return groups
