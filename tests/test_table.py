"""The table of ops is whole: each has kernels in both backends, a check of its values and gradients, and its text."""

import ast
import importlib
import importlib.util
import inspect
import pkgutil
import re
import types
import unicodedata

import pytest
from ops import test_gradients

import minigrad as mg
import minigrad.kernels as K
import minigrad.ops

if importlib.util.find_spec("hypothesis"):
    from ops import specs

MODULES = [importlib.import_module(m.name) for m in pkgutil.walk_packages(minigrad.ops.__path__, "minigrad.ops.")]
PUBLIC = {
    name: f
    for name, f in vars(mg).items()
    if isinstance(f, types.FunctionType) and f.__module__.startswith("minigrad.ops.")
}
OPS = {
    f.op.name: f
    for module in MODULES
    for f in vars(module).values()
    if isinstance(f, types.FunctionType) and hasattr(f, "op")
}
# hypothesis is an extra: the sdist's tests run with pytest alone
no_hypothesis = not importlib.util.find_spec("hypothesis")
needs_specs = pytest.mark.skipif(no_hypothesis, reason="Specs need hypothesis: minigrad[dev]")
NO_NUMBERS = {  # views of their argument, and answers that are indices or truth, found by comparing
    "add_dims",
    "drop_dims",
    "view",
    "chunk",
    "flip",
    "movedim",
    "narrow",
    "select",
    "split",
    "squeeze",
    "swapaxes",
    "t",
    "unbind",
    "unsqueeze",
    "one_hot",
    "diagonal",
    "permute",
    "broadcast_to",
    "transpose",
    "argmax",
    "argmin",
    "any",
    "all",
    "count_nonzero",
    "eq",
    "ne",
    "lt",
    "le",
    "gt",
    "ge",
    "isnan",
    "isinf",
    "isfinite",
    "logical_and",
    "logical_not",
    "logical_or",
    "equal",
    "allclose",
    "argsort",
    "rand",
    "randn",  # rng.py has their kernels
}
NO_GRADIENT = {  # their values are in tests/ops/: test_gather.py, test_create.py, test_compare.py
    "one_hot",
    "zeros",
    "ones",
    "full",
    "zeros_like",
    "ones_like",
    "full_like",
    "eye",
    "arange",
    "linspace",
    "rand",
    "randn",
    "equal",
    "allclose",
    "argsort",
}
ARITHMETIC = {  # what a kernel does in NumPy's place
    "add",
    "subtract",
    "multiply",
    "divide",
    "exp",
    "log",
    "sqrt",
    "power",
    "tanh",
    "dot",
    "matmul",
    "einsum",
    "mean",
    "var",
    "std",
    "maximum",
    "minimum",
    "clip",
    "square",
    "reciprocal",
    "linalg",
    "random",
    "cumprod",
    "negative",
}


def source(f):
    """The syntax tree of a function, without its decorator: what an op computes, not its rules."""
    tree = ast.parse(inspect.cleandoc("\n" + inspect.getsource(inspect.unwrap(f)))).body[0]
    tree.decorator_list = []
    return tree


def kernels_behind(f, seen=None):
    """Names of the kernels that f and the functions of minigrad.ops which it calls take from the table."""
    seen = set() if seen is None else seen
    if f in seen:
        return set()
    seen.add(f)
    found, known = set(), vars(importlib.import_module(f.__module__))
    for node in ast.walk(source(f)):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "K":
            found.add(node.attr)
        elif isinstance(node, ast.Name):
            other = known.get(node.id)
            if isinstance(other, types.FunctionType) and other.__module__.startswith("minigrad.ops."):
                found |= kernels_behind(other, seen)
    return found


@pytest.mark.parametrize("name", sorted({*OPS, *PUBLIC}))
def test_every_number_comes_from_kernels_of_the_table(name):
    used = kernels_behind(OPS.get(name) or PUBLIC[name])
    assert used <= set(K.NAMES), f"{name} uses {used - set(K.NAMES)}, which the table of kernels does not have"
    assert used or name in NO_NUMBERS, f"{name} uses no kernel: where do its numbers come from?"
    if K.runtime is not None:
        with K.use_backend("native"):
            missing = {kernel for kernel in used if K._server[kernel] != "native"}
        assert not missing, f"{name}: the native table lacks {missing}"


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_ops_leave_arithmetic_to_kernels(module):
    tree = ast.parse(inspect.getsource(module))
    attributes = {ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    used = {name for name in ARITHMETIC if f"np.{name}" in attributes}
    assert not used, f"{module.__name__} computes with np.{', np.'.join(used)}"


def names_in(call):
    """The names of functions that a case or Spec calls: itself, what it names, and what it was made of."""
    found = {call.__name__, *call.__code__.co_names}
    inner = [cell.cell_contents for cell in call.__closure__ or ()] + list(call.__defaults__ or ())
    return found.union(*(names_in(f) for f in inner if isinstance(f, types.FunctionType) and f is not call))


def checked():
    calls = [function for cases in test_gradients.CASES.values() for function, *_ in cases]
    keys = set(test_gradients.CASES)
    if importlib.util.find_spec("hypothesis"):
        keys |= {name for name, _ in specs.load()}
        calls += [spec.ours for _, spec in specs.load()]
    return keys.union(*(names_in(call) for call in calls))


@needs_specs
@pytest.mark.parametrize("name", sorted({*OPS, *PUBLIC}))
def test_every_op_is_checked(name):
    if name in NO_GRADIENT:
        return
    assert name in checked(), f"{name} has neither a Spec beside its test nor a case in tests/ops/test_gradients.py"


BY_HAND = {  # fused gradients, and ops of packed bits or whole numbers: their cases are in tests/ops/test_gradients.py
    "bce_with_logits_grad",
    "center",
    "cross_entropy_grad",
    "dropout",
    "elastic_net",
    "elastic_net_grad",
    "masked_scale",
    "mse_grad",
    "pick",
    "prod_grad",
    "put_back",
}


@needs_specs
def test_every_op_has_generated_cases():
    assert set(OPS) - {name for name, _ in specs.load()} == BY_HAND


FORMULAS = {"input": "[xa]", "other": "b", "target": "t"}  # what formulas call them


def mentions(text, argument):
    """Whether a docstring names an argument, as a word or as a letter of a formula, also as an exponent or an index."""
    plain = [unicodedata.normalize("NFKC", c) for c in text]
    apart = "".join(c if c == p else f" {p} " for c, p in zip(text, plain))
    return re.search(rf"(?<![A-Za-z_])({argument}|{FORMULAS.get(argument, argument)})(?![A-Za-z_])", apart) is not None


@pytest.mark.parametrize("name", sorted({*OPS, *PUBLIC}))
def test_every_op_is_described(name):
    f = PUBLIC.get(name) or OPS[name]
    text = inspect.getdoc(f) or ""
    assert len(text.partition("\n")[0]) > 5, f"{name} has no docstring"
    if name in PUBLIC:
        unnamed = [a for a in inspect.signature(f).parameters if not mentions(text.partition(">>>")[0], a)]
        assert not unnamed, f"{name}: the docstring does not say what {unnamed} are"
        assert ">>> mg." in text or re.search(r">>> .*mg\.", text), f"{name} has no example that runs"
