"""Public docstrings: what they raise is named, and the modules that people call have examples that run.

Names of errors stand in the docstring of a function, or of a class, its __init__, __call__ or forward.
"""

import ast
import inspect
import re

import pytest

names = pytest.importorskip("docs.site.names", reason="needs the checkout, not an installed package")

FOLDERS = ("nn", "train", "selection", "optim", "data", "replay", "insight")
WITH_EXAMPLES = tuple(f"minigrad.{folder}." for folder in FOLDERS)
ERROR = re.compile(r"\b[A-Z]\w*(Error|Interrupt|Warning)\b")
WITHOUT_EXAMPLE = {"minigrad.train.TensorBoard": "needs a package that the tests do not install"}


def public():
    """Every public function and class once, by the shortest name that users import it by."""
    found = {}
    for module, listed in names.packages().items():
        for name in names.names_of(module, listed):
            thing = name.thing
            if not (inspect.isclass(thing) or inspect.isroutine(thing)) or not (name.home or "").startswith("minigrad"):
                continue
            if inspect.isclass(thing) and issubclass(thing, BaseException):
                continue
            known = found.get(id(thing))
            if known is None or len(name.full) < len(known.full):
                found[id(thing)] = name
    return sorted(found.values(), key=lambda name: name.full)


PUBLIC = public()


def text(thing):
    """Its docstring, and those of its own __init__, __call__ and forward."""
    parts = [thing.__doc__ or ""]
    if inspect.isclass(thing):
        parts += [vars(thing)[m].__doc__ or "" for m in ("__init__", "__call__", "forward") if m in vars(thing)]
    return "\n".join(parts)


def raises(thing):
    """The errors that its own source raises: what stands after `raise` in it."""
    try:
        tree = ast.parse(inspect.cleandoc("\n" + inspect.getsource(inspect.unwrap(thing))))
    except (OSError, TypeError, SyntaxError, IndentationError):
        return set()
    found = (node.exc for node in ast.walk(tree) if isinstance(node, ast.Raise) and node.exc is not None)
    called = (node.func if isinstance(node, ast.Call) else node for node in found)
    kinds = {ast.unparse(node).rpartition(".")[2] for node in called}
    return {kind for kind in kinds if ERROR.fullmatch(kind)} - {"NotImplementedError"}


@pytest.mark.parametrize("name", [n for n in PUBLIC if raises(n.thing)], ids=lambda name: name.full)
def test_what_is_raised_is_named(name):
    assert ERROR.search(text(name.thing)), f"raises {', '.join(sorted(raises(name.thing)))}; its docstring names none"


@pytest.mark.parametrize("name", [n for n in PUBLIC if n.home.startswith(WITH_EXAMPLES)], ids=lambda name: name.full)
def test_there_is_an_example(name):
    if name.full in WITHOUT_EXAMPLE:
        pytest.skip(WITHOUT_EXAMPLE[name.full])
    assert ">>>" in text(name.thing), f"{name.full}: no example"
