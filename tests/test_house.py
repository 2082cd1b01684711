"""The order of the house: imports point downward, one idea has one home, and what a newcomer reads is short."""

import ast
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

import minigrad

PACKAGE = Path(minigrad.__file__).parent
ROOT = Path(__file__).parent.parent
MODULES = {
    ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted(PACKAGE.rglob("*.py"))
}
COMPILED = {
    ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts): path
    for path in sorted([*PACKAGE.rglob("*.pyx"), *PACKAGE.rglob("*.pxd")])
}
needs_checkout = pytest.mark.skipif(
    not (ROOT / "setup.py").exists(), reason="needs the checkout, not an installed package"
)

# The floors, lowest first: a module imports from floors below its own, or from its own folder.
FLOORS = [
    ["errors", "version"],
    ["dtypes", "checks", "public", "recording", "atomic", "interrupts"],
    ["op"],
    ["kernels"],
    ["convert", "lazy_rows", "rng"],
    ["engine"],
    ["ops"],
    ["tensor"],
    ["methods"],
    ["insight", "interop", "transforms"],
    ["nn"],
    ["reg"],
    ["optim", "data"],
    ["replay"],
    ["train", "linear_model", "exchange"],
    ["selection"],
    ["sklearn"],
    ["lab", "playground"],
    ["tabular"],
    ["commands"],
    ["cli"],
    ["__main__"],
]
FLOOR = {name: floor for floor, names in enumerate(FLOORS) for name in names}
# The same inside ops/, family by family.
FAMILIES = ["shape", "elementwise", "index", "create", "reduce", "linalg", "losses", "regularize", "layers"]

# One name from top to bottom, `elastic_net_grad`: what a newcomer reads in an evening.
READING_PATH = [
    "minigrad/engine.py",
    "minigrad/ops/regularize/penalty.py",
    "minigrad/kernels/reference/penalty.py",
    "minigrad/kernels/native/penalty.pyx",
    "src_c/penalty/penalty_naive.c",
    "src_c/penalty/penalty.c",
    "minigrad/reg/weights/elastic_net.py",
]

# What may be longer or more entangled than the limits, each with its reason.
LONG_FILES = {
    "minigrad/methods.py": "the one table of Tensor's methods, a line for each",
}
LONG_FUNCTIONS = {
    "minigrad.engine.walk": "its comparisons stand inline, because a call per input would cost a tenth of a node",
    "minigrad.engine._recorder": "it holds apply",
    "minigrad.engine.apply": "runs for every op; a call more would cost a tenth of a small op",
    "minigrad.train.loop.fit": "the loop in one piece, 60 lines, below a signature and docstring of 54",
    "minigrad.data.formats.csv.read_csv": "16 lines below a signature and a docstring of 15 options, a line for each",
    "minigrad.tabular.training.train": "7 lines below a signature and a docstring of 22 options",
    "minigrad.selection.crossvalidation.cross_validate": "24 lines below a signature and a docstring of 14 options",
    "minigrad.selection.crossvalidation.nested_cross_validate": "28 lines below a signature and a docstring of options",
    "minigrad.selection.stability.stability": "24 lines below a signature and a docstring of 17 options",
    "minigrad.selection.tune.tune": "16 lines below a signature and a docstring of 13 options",
}
# One name in two folders: an op, its kernel and its C file are one idea on several floors, and these are the others.
ONE_IDEA_ON_TWO_FLOORS = {
    "activations": "the functions in ops/, the layers in nn/",
    "attention": "the function in ops/, the layers in nn/",
    "conv": "the op in ops/, its kernels, the layers in nn/",
    "classes": "the losses of classes in ops/, their estimators in sklearn/",
    "dropout": "the op in ops/, the layer in nn/",
    "embedding": "the functions in ops/, the layers in nn/",
    "recurrent": "the functions in ops/, their kernels, the layers in nn/",
    "group_norms": "the penalty in reg/, its kernels",
    "linear": "the layer in nn/, the linear models as estimators in sklearn/",
    "losses": "the functions in ops/, the modules in nn/",
    "pool": "the ops in ops/, their kernels, the layers in nn/",
    "normalization": "the functions in ops/, the layers in nn/",
}
FOLDERS_THAT_SAY_WHICH = {
    "checks": "of any argument, and of what fit is given",
    "columns": "of a matrix of inputs in linear_model/, of a history in train/",
    "cost": "the measurement, and the command that runs it",
    "explain": "the page of a backward pass, and the command that makes one",
    "doctor": "the examination, and the command that makes one",
    "profile": "the counting of kernels and ops, and the command that does it for a script",
    "mnist": "the data set, and the demo on it",
    "regression": "a family of losses, and the linear models",
    "search": "the search for λ of a user's models, and that of the demo's settings",
    "sparse": "its kernels, and sparse inputs of linear models",
    "stability": "stability selection, and the command that runs it",
    "tune": "the descent on strengths, and the command that runs it",
    "sequential": "layers in a row in nn/, schedules in a row in optim/",
    "statistics": "ops that reduce, and what the lab's pages say of repeated runs",
    "table": "of a CSV file in data/, of the segments of an optimizer in optim/",
}


def imports(name):
    """Names of the minigrad modules that a module imports, also inside functions; not those for type checkers."""
    tree = ast.parse(MODULES[name].read_text(encoding="utf-8"))
    skipped = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    is_package = MODULES[name].name == "__init__.py"
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.split(".")[0] == "minigrad")
        elif isinstance(node, ast.ImportFrom):
            base = name.split(".") if is_package else name.split(".")[:-1]
            base = base[: len(base) - node.level + 1] if node.level else []
            source = ".".join([*base, *([node.module] if node.module else [])])
            if source.split(".")[0] == "minigrad":
                for alias in node.names:
                    full = f"{source}.{alias.name}"
                    yield full if full in MODULES else source


def compiled_imports(name):
    """Names of the minigrad modules that a Cython file imports or cimports."""
    text = COMPILED[name].read_text(encoding="utf-8")
    for source, names in re.findall(r"^\s*from (minigrad[\w.]*) c?import (\([^)]*\)|[^\n#]*)", text, re.MULTILINE):
        for alias in re.findall(r"\w+", names):
            full = f"{source}.{alias}"
            yield full if full in MODULES or full in COMPILED else source


def top(name):
    return name.split(".")[1] if "." in name else "minigrad"


def family(name):
    """The family of ops/ that a module belongs to, or None."""
    parts = name.split(".")
    return parts[2] if parts[:2] == ["minigrad", "ops"] and len(parts) > 2 else None


def assert_points_downward(name, target):
    assert target != "minigrad", f"{name} imports the whole package"
    assert top(target) in FLOOR, f"{target}: give it a place in FLOORS"
    if top(target) != top(name):
        assert FLOOR[top(target)] < FLOOR[top(name)], f"{name} imports {target}, which stands above it"
    elif family(name) and family(target) and family(target) != family(name):
        ranks = FAMILIES.index(family(target)), FAMILIES.index(family(name))
        assert ranks[0] < ranks[1], f"{name} imports {target}, whose family stands above it"


@pytest.mark.parametrize("name", MODULES)
def test_imports_point_downward(name):
    if name == "minigrad":
        return
    assert top(name) in FLOOR, f"{name}: give it a place in FLOORS"
    for target in imports(name):
        assert_points_downward(name, target)


@pytest.mark.parametrize("name", COMPILED)
def test_compiled_modules_import_downward(name):
    for target in compiled_imports(name):
        assert_points_downward(name, target)


def test_no_import_hides():
    """An import that this file cannot read would escape its rules: only the loader of compiled modules makes one."""
    for name, path in MODULES.items():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            called = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
            if called.split(".")[-1] in ("import_module", "__import__", "exec_module"):
                assert name == "minigrad.kernels", f"{name}:{node.lineno} imports what no reader sees: {called}"


def test_no_import_cycles():
    graph = {name: set(imports(name)) - {name} for name in MODULES if name != "minigrad"}
    done, path = set(), []

    def visit(name):
        assert name not in path, f"import cycle: {' -> '.join([*path[path.index(name) :], name])}"
        if name in done or name not in graph:
            return
        path.append(name)
        for target in graph[name]:
            if not name.startswith(f"{target}."):  # a module's own packages are loaded first anyway
                visit(target)
        done.add(path.pop())

    for name in graph:
        visit(name)


def closure(names):
    """The modules of the package that these import, directly or through another."""
    found, waiting = set(), list(names)
    while waiting:
        name = waiting.pop()
        aside = name.startswith("minigrad.kernels.reference.") and name not in names
        if name in MODULES and name not in found and not aside:
            found.add(name)
            waiting += imports(name)
    return found


def lines(path):
    return len(path.read_text(encoding="utf-8").splitlines())


@needs_checkout
def test_the_reading_path_is_read_in_an_evening():
    """The path and all that its Python files import, without the kernels' families that it does not name."""
    names = [path.removesuffix(".py").replace("/", ".") for path in READING_PATH if path.endswith(".py")]
    read = {str(MODULES[name].relative_to(ROOT)): lines(MODULES[name]) for name in closure(names)}
    read |= {path: lines(ROOT / path) for path in READING_PATH}
    assert sum(read.values()) < 3000, dict(sorted(read.items(), key=lambda item: -item[1]))


@needs_checkout
def test_the_reading_path_stands_in_the_readme():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for path in READING_PATH:
        assert (ROOT / path).exists(), path
        assert path in readme, f"{path} is on the reading path; the README does not name it"


def test_constructors_import_no_op():
    assert not [target for target in imports("minigrad.tensor") if target.startswith("minigrad.ops")]


def test_a_name_has_one_home():
    homes = defaultdict(set)
    for name, path in MODULES.items():
        if path.name not in ("__init__.py", "__main__.py"):
            homes[path.stem].add(top(name) if "." in name[9:] else "minigrad")
    known, shared = ONE_IDEA_ON_TWO_FLOORS | FOLDERS_THAT_SAY_WHICH, set()
    for stem, folders in homes.items():
        several = folders - {"kernels"}
        if len(several) > 1 or (len(folders) > 1 and several != {"ops"}):
            shared.add(stem)
            assert stem in known, f"{stem}.py stands in {', '.join(sorted(folders))}: one idea, one home"
    assert set(known) <= shared, f"listed, and in one folder alone: {', '.join(sorted(set(known) - shared))}"


def complexity(function):
    """1 and one for each branch: if, loop, except, conditional expression, filter, case, and each and/or."""
    count = 1
    for node in ast.walk(function):
        if isinstance(node, (ast.If, ast.For, ast.While, ast.ExceptHandler, ast.IfExp, ast.Assert, ast.match_case)):
            count += 1
        elif isinstance(node, ast.comprehension):
            count += 1 + len(node.ifs)
        elif isinstance(node, ast.BoolOp):
            count += len(node.values) - 1
    return count


def test_functions_are_short_and_plain():
    over = {}
    for name, path in MODULES.items():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef):
                size, branches = node.end_lineno - node.lineno + 1, complexity(node)
                if size > 50 or branches > 15:
                    over[f"{name}.{node.name}"] = f"{size} lines, complexity {branches}"
    assert {name: said for name, said in over.items() if name not in LONG_FUNCTIONS} == {}
    assert set(LONG_FUNCTIONS) <= set(over), "listed, and within the limits: take it out of LONG_FUNCTIONS"


@needs_checkout
def test_files_are_not_long():
    folders = ("minigrad", "examples", "benchmarks", "tests")
    for pattern in ["setup.py", "src_c/**/*.[ch]", *(f"{folder}/**/*.py*" for folder in folders)]:
        for path in ROOT.glob(pattern):
            name = str(path.relative_to(ROOT))
            if path.suffix != ".pyc" and name not in LONG_FILES:
                assert lines(path) <= 400, f"{name} has {lines(path)} lines"


@needs_checkout
def test_every_folder_is_a_package():
    """A folder without __init__.py would be left out of the wheel."""
    for folder in {path.parent for pattern in ("*.py", "*.pyx") for path in PACKAGE.rglob(pattern)}:
        assert (folder / "__init__.py").exists(), f"{folder.relative_to(ROOT)} has no __init__.py"


@needs_checkout
def test_formatted():
    ruff = pytest.importorskip("ruff", reason="formatting is checked by ruff: pip install minigrad[lint]")
    assert ruff
    done = subprocess.run(
        [sys.executable, "-m", "ruff", "format", "--check", "."], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
