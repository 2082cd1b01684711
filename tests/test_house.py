"""The order of the house: imports point downward, the core stays small, files stay short."""

import ast
from pathlib import Path

import pytest

import minigrad

PACKAGE = Path(minigrad.__file__).parent
ROOT = Path(__file__).parent.parent
MODULES = {
    ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted(PACKAGE.rglob("*.py"))
}

# Rank of each top-level module: an import goes to a lower rank, or stays inside its own package.
ORDER = [
    ["errors"],
    ["arguments", "arrays", "op", "recording"],
    ["kernels"],
    ["owned", "rng"],
    ["engine"],
    ["ops"],
    ["tensor"],
    ["methods", "numpy_protocol", "debug"],
    ["testing", "transforms"],
    ["nn"],
    ["reg"],
    ["optim", "data"],
    ["train", "linear_model"],
    ["selection"],
    ["sklearn"],
    ["lab"],
    ["cli"],
    ["__main__"],
]
RANK = {name: rank for rank, names in enumerate(ORDER) for name in names}
# Inside ops, families in order: the core's, then breadth.
OPS = [
    "shape", "elementwise", "reduce", "linalg", "losses", "penalty", "random",
    "compare", "choose", "functions", "trigonometric", "activations",
    "arrange", "pieces", "diagonals", "create", "indexing", "getitem", "extremes", "order", "statistics",
    "norms", "products", "einsum", "distances", "regression", "binary", "classification", "conv", "recurrent",
]  # fmt: skip

# What an evening's reading covers: engine, kernels in Python, ops, layers, penalties, optimizers, loop.
CORE = """
errors arguments arrays kernels kernels.reference kernels.reference_losses kernels.reference_penalty
kernels.reference_random kernels.reference_update kernels.segments kernels.philox owned op recording rng engine tensor
ops.shape ops.elementwise ops.reduce ops.linalg ops.losses ops.penalty ops.random nn.module nn.layers nn.random_layer
nn.dropout nn.init reg.base reg.penalties reg.terms reg.select optim.base optim.bound optim.groups optim.sgd
optim.adam data.arrays data.labels data.loader train.loop train.evaluate train.history
""".split()  # noqa: SIM905
READING_PATH = [
    "minigrad/engine.py", "minigrad/ops/linalg.py", "minigrad/kernels/reference.py", "minigrad/kernels/matmul.pyx",
    "src_c/matmul_naive.c", "src_c/matmul.c", "minigrad/reg/penalties.py",
]  # fmt: skip


def imports(name):
    """Names of the minigrad modules that a module imports, also inside functions; not those for type checkers."""
    tree = ast.parse(MODULES[name].read_text())
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


def top(name):
    return name.split(".")[1] if "." in name else "minigrad"


@pytest.mark.parametrize("name", MODULES)
def test_imports_point_downward(name):
    if name == "minigrad":
        return
    assert top(name) in RANK, f"{name}: give it a place in ORDER"
    for target in imports(name):
        assert target != "minigrad", f"{name} imports the whole package"
        if top(target) != top(name):
            assert RANK[top(target)] < RANK[top(name)], f"{name} imports {target}, which stands above it"
        elif top(name) == "ops" and target.count(".") == 2 and name.count(".") == 2:
            assert OPS.index(target.split(".")[2]) < OPS.index(name.split(".")[2]), f"{name} imports {target}"


def test_no_import_cycles():
    graph = {name: set(imports(name)) - {name} for name in MODULES if name != "minigrad"}
    done, path = set(), []

    def visit(name):
        assert name not in path, f"import cycle: {' -> '.join([*path[path.index(name) :], name])}"
        if name in done or name not in graph:
            return
        path.append(name)
        for target in graph[name]:
            if target != name.rpartition(".")[0]:  # a module's own package is loaded first anyway
                visit(target)
        done.add(path.pop())

    for name in graph:
        visit(name)


def test_core_imports_only_core():
    core = {f"minigrad.{name}" for name in CORE}
    missing = core - set(MODULES)
    assert not missing, f"in the core list, not in the tree: {missing}"
    for name in core:
        outside = {t for t in imports(name) if t not in core and t != name}
        assert not outside, f"core module {name} imports {outside}"


def code_lines(path):
    """Lines of a file that are neither blank, nor comment, nor docstring."""
    text = path.read_text()
    aside = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) and ast.get_docstring(node) is not None:
            aside |= set(range(node.body[0].lineno, node.body[0].end_lineno + 1))
    lines = enumerate(text.splitlines(), 1)
    return sum(1 for i, line in lines if line.strip() and not line.lstrip().startswith("#") and i not in aside)


def test_core_is_read_in_an_evening():
    lines = {name: code_lines(MODULES[f"minigrad.{name}"]) for name in CORE}
    assert sum(lines.values()) <= 3000, dict(sorted(lines.items(), key=lambda item: -item[1]))


def test_reading_path_stands_in_the_readme():
    if not (ROOT / "README.md").exists():
        pytest.skip("needs the checkout, not an installed package")
    readme = (ROOT / "README.md").read_text()
    for path in READING_PATH:
        assert (ROOT / path).exists(), path
        assert path in readme, f"{path} is on the reading path; the README does not name it"


def test_files_are_short():
    if not (ROOT / "setup.py").exists():
        pytest.skip("needs the checkout, not an installed package")
    limits = {"engine.py": 400, "setup.py": 120}
    folders = ("minigrad", "examples", "benchmarks", "tests")
    for pattern in ["setup.py", "src_c/*", *(f"{folder}/**/*.py*" for folder in folders)]:
        for path in ROOT.glob(pattern):
            if path.suffix == ".pyc":
                continue
            lines = len(path.read_text().splitlines())
            assert lines <= limits.get(path.name, 300), f"{path.relative_to(ROOT)} has {lines} lines"
