"""The pages of the reference, in reStructuredText: an entry for each public name; `extension.py` fills it."""

from __future__ import annotations

import ast
import inspect
import re
from typing import Any

import minigrad

from .links import ROOT
from .names import Name, pages

VARIABLE = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
MEMBERS = (property, classmethod, staticmethod)


def signature(thing: Any) -> str:
    """The arguments as a reader needs them: names, types that say something, defaults.

    >>> signature(minigrad.nn.LeakyReLU), signature(minigrad.nn.ReLU)
    ('(negative_slope: float = 0.01)', '()')
    """
    made = inspect.isclass(thing) and thing.__init__ is not object.__init__
    try:
        found = inspect.signature(thing.__init__ if made else thing)
        bare = inspect.isclass(thing) and all(one.kind in VARIABLE for one in found.parameters.values())
    except (TypeError, ValueError):
        return "()"
    if bare:  # __new__ of a base class takes them for its subclasses
        return "()"
    parameters = []
    for one in found.parameters.values():
        if one.name == "self":
            continue
        note = re.sub(r"\b(?:npt|np|os|collections\.abc|typing)\.", "", str(one.annotation))
        keep = one.annotation is not one.empty and note != "Any" and one.kind not in VARIABLE
        default = one.default if one.default is one.empty else Shown(one.default)
        parameters.append(one.replace(annotation=Shown(None, note) if keep else one.empty, default=default))
    return str(found.replace(parameters=parameters, return_annotation=inspect.Signature.empty))


class Shown:
    """A default or a type in a signature: its text, or the value, by name where it would print an address."""

    def __init__(self, value: Any, text: str = "") -> None:
        printed = repr(value)
        self.text = text or (getattr(value, "__name__", "...") if printed.startswith("<") else printed)

    def __repr__(self) -> str:
        return self.text


def canonical(name: Name) -> str:
    """The full name under which a thing has its entry: that of the package above, if it offers the same."""
    above, _, _ = name.module.rpartition(".")
    same = above and getattr(lookup(above), name.name, None) is name.thing
    return f"{above}.{name.name}" if same else name.full


def lookup(full: str) -> Any:
    """What a full name stands for: modules too, by the name that users have for them."""
    found: Any = minigrad
    for part in full.split(".")[1:]:
        found = getattr(found, part)
    return found


def kind(thing: Any) -> str:
    if inspect.isclass(thing):
        return "exception" if issubclass(thing, BaseException) else "class"
    return "function" if callable(thing) else "data"


def entry(name: Name) -> list[str]:
    """The lines of one name, with those of its methods."""
    what = kind(name.thing)
    shown = name.full.removeprefix("minigrad.")
    arguments = "" if what in ("data", "exception") else signature(name.thing)
    lines = [f".. py:{what}:: {shown}{arguments}", "   :module: minigrad", "", f"   .. docstring:: {name.full}", ""]
    if what == "class":
        for method in methods(name.thing):
            lines += [f"   {line}".rstrip() for line in member(name.full, method, name.thing)]
    return lines


def methods(thing: type) -> list[str]:
    """The public methods and properties that a class defines itself and says something of."""
    own = {n: m for n, m in vars(thing).items() if n[0] != "_" and (callable(m) or isinstance(m, MEMBERS))}
    return [n for n, m in own.items() if getattr(m, "__doc__", None) and not inspect.isclass(m)]


def member(owner: str, method: str, thing: type) -> list[str]:
    raw = vars(thing)[method]
    if isinstance(raw, property):
        return [f".. py:property:: {method}", "", f"   .. docstring:: {owner}.{method}", ""]
    bound = getattr(thing, method)
    arguments = signature(bound)
    if not isinstance(raw, (classmethod, staticmethod)):
        arguments = re.sub(r"^\((?:t|x|a|input)(?:, |(?=\)))", "(", arguments)
    return [f".. py:method:: {method}{arguments}", "", f"   .. docstring:: {owner}.{method}", ""]


def page(title: str, groups: dict[str, list[Name]], module: str) -> str:
    """A page of the reference: what the module is, its names with a sentence each, then the entries."""
    lines = [title, "=" * (len(title) + 2), ""]
    if module:
        lines += [f".. docstring:: {module}", ""]
    for words, names in groups.items():
        if words:
            lines += [words, "-" * (len(words) + 2), ""]
        if len(names) > 1:
            lines += [".. names::", "", *[f"   {canonical(name)}" for name in names], ""]
        for name in names:
            if canonical(name) == name.full:
                lines += entry(name)
    return "\n".join(lines) + "\n"


def tensor_page() -> str:
    """Tensor: its own methods in full, and a line for each that a function of the same name explains."""
    stub = ast.parse((ROOT / "minigrad" / "engine.pyi").read_text(encoding="utf-8"))
    node = next(n for n in stub.body if isinstance(n, ast.ClassDef) and n.name == "Tensor")
    lines = [
        "Tensor",
        "======",
        "",
        ".. py:class:: Tensor",
        "   :module: minigrad",
        "",
        "   .. docstring:: minigrad.Tensor",
        "",
    ]
    same, own, refused = [], [], []
    for one in node.body:
        if not isinstance(one, ast.FunctionDef) or one.name.startswith("_") or one.name in [n.name for n in own + same]:
            continue
        is_function = hasattr(minigrad, one.name) and not inspect.ismodule(getattr(minigrad, one.name))
        is_refused = isinstance(one.returns, ast.Name) and one.returns.id == "NoReturn"
        (refused if is_refused else same if is_function and one.name != "grad" else own).append(one)
    for one in own:
        lines += [f"   {line}".rstrip() for line in stub_entry(one)]
    lines += ["Methods that are functions", "--------------------------", ""]
    lines += ["Each does what the function of its name does, with the tensor as the first argument.", ""]
    lines += [".. names::", "", *[f"   minigrad.{one.name}" for one in same], ""]
    lines += [
        "Operators",
        "---------",
        "",
        "``+ - * / @ **``, comparisons, ``& | ~``, ``abs`` and indexing are ops with gradients.",
        "",
    ]
    listed = ", ".join(f"``{one.name}``" for one in refused)
    lines += [
        f"Tensors are values. These methods of other libraries write in place; minigrad refuses them: {listed}.",
        "",
    ]
    return "\n".join(lines) + "\n"


def stub_entry(node: ast.FunctionDef) -> list[str]:
    """An entry from the line of the stub: methods that are attached have signatures there."""
    if any(isinstance(d, ast.Name) and d.id == "property" for d in node.decorator_list):
        return [f".. py:property:: {node.name}", "", f"   .. docstring:: minigrad.Tensor.{node.name}", ""]
    del node.args.args[0]
    for argument in [*node.args.args, *node.args.kwonlyargs, *filter(None, [node.args.vararg, node.args.kwarg])]:
        note = ast.unparse(argument.annotation) if argument.annotation else "Any"
        argument.annotation = (
            None
            if note in ("Any", "_Operand", "_Dim")
            else ast.parse(note.replace("npt.", "").replace("np.", "")).body[0].value
        )
    return [
        f".. py:method:: {node.name}({ast.unparse(node.args)})",
        "",
        f"   .. docstring:: minigrad.Tensor.{node.name}",
        "",
    ]


def reference() -> dict[str, str]:
    """The pages of the reference: file name -> text."""
    found = {"api/Tensor.rst": tensor_page()}
    own, others = [], []
    for file, (title, groups) in pages().items():
        is_module = title.startswith("minigrad.")
        found[f"api/{file}.rst"] = page(title, groups, title if is_module else "")
        (others if is_module else own).append((file, title, groups))
    lines = [
        "Reference",
        "=========",
        "",
        "``import minigrad as mg`` gives the functions of the first part as ``mg.NAME``.",
        "",
    ]
    lines += ["Tensors and functions", "---------------------", "", ".. toctree::", "   :maxdepth: 1", "", "   Tensor"]
    lines += [f"   {title} <{file}>" for file, title, _ in own]
    lines += ["", "Modules", "-------", "", ".. toctree::", "   :maxdepth: 1", ""]
    lines += [f"   {file}" for file, _, _ in others]
    lines += ["", "All names", "---------", "", ".. all-names::", ""]
    found["api/index.rst"] = "\n".join(lines) + "\n"
    return found
