"""The sources of the project as pages: a file with its lines, a folder with what each file in it says of itself."""

from __future__ import annotations

import ast
import functools
import inspect
import re
from collections.abc import Iterator
from html import escape
from pathlib import Path

from markdown_it import MarkdownIt
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name

import minigrad

from .links import ROOT

TREES = ("minigrad", "src_c", "examples", "benchmarks")  # all of these; of the rest of the repository what pages name
LANGUAGES = {
    ".py": "python", ".pyi": "python", ".pyx": "cython", ".pxd": "cython", ".c": "c", ".h": "c", ".js": "javascript",
    ".css": "css", ".html": "html", ".toml": "toml", ".md": "markdown", ".sh": "bash", ".cff": "yaml", ".yml": "yaml",
    ".yaml": "yaml", ".in": "text", ".json": "json", ".txt": "text",
}  # fmt: skip
NAMED = {"Makefile": "make", "LICENSE": "text", "run": "bash"}
SKIPPED = {"__pycache__", "build", "dist"}
WANTED: set[str] = set()  # the paths that pages link to
# Attached methods whose functions have no public name, and what they say.
OF_TENSOR = {
    "array": "The numbers, as the engine holds them.",
    "shape": "The size of each dimension.",
    "dtype": "float32, float64, int64 or bool, as NumPy's type.",
    "ndim": "The number of dimensions.",
    "size": "The number of elements; size() and size(dim) give the shape, as PyTorch's.",
    "is_leaf": "Whether no op made it, or none whose graph is kept.",
    "T": "With all dimensions in the other order.",
    "mT": "With the last two dimensions swapped.",
    "tolist": "The numbers as nested lists of Python's.",
    "numel": "The number of elements.",
    "dim": "The number of dimensions.",
    "contiguous": "Itself: tensors of minigrad are read in any layout.",
    "cpu": "Itself: there is no other device.",
    "ravel": "In one dimension.",
    "float": "As float32.",
    "double": "As float64.",
    "long": "As int64.",
    "int": "As int64.",
    "bool": "True where an element is not 0.",
}


def language(path: Path) -> str | None:
    """The name of a lexer, or None for what is no text to read."""
    return LANGUAGES.get(path.suffix) or NAMED.get(path.name)


@functools.cache
def known(path: str) -> bool:
    """Whether a path names a file or folder of the repository that has, or can have, a page."""
    if not re.fullmatch(r"[\w.][\w./-]*", path) or ".." in path.split("/") or not path.strip("./"):
        return False
    file = ROOT / path
    if file.is_dir():
        return path.split("/")[0] in TREES and "/" in path and file.name not in SKIPPED
    return file.is_file() and language(file) is not None


def page_name(path: str) -> str:
    return f"{path}/index" if (ROOT / path).is_dir() else path


@functools.cache
def entries() -> frozenset[str]:
    """The full names that have an entry in the reference."""
    from .names import names_of, packages

    return frozenset(name.full for module, names in packages().items() for name in names_of(module, names))


def place(full: str) -> tuple[str, int] | None:
    """The file and the line of a public name, or None for what Python cannot tell."""
    thing = minigrad
    try:
        for part in full.split(".")[1:]:
            thing = getattr(thing, part)
        thing = inspect.unwrap(thing.fget if isinstance(thing, property) else thing)
        file = Path(inspect.getsourcefile(thing)).resolve().relative_to(ROOT).as_posix()
        return (file, max(inspect.getsourcelines(thing)[1], 1)) if known(file) else None
    except (AttributeError, TypeError, OSError, ValueError):
        return None


def first_line(path: Path) -> str:
    """What a file says of itself at its head: the first sentence of its docstring or comment."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        words = ast.get_docstring(ast.parse(text)) or ""
    else:
        found = re.match(r'\s*(?:"""|/\*+|//|#|<!--)\s*(.*?)(?:"""|\*/|-->|\n\n|\Z)', text, re.DOTALL)
        words = found[1] if found and path.suffix in (".pyx", ".pxd", ".pyi", ".c", ".h", ".js", ".css") else ""
    words = " ".join(re.sub(r"^[ *#/]+", "", line) for line in words.split("\n\n")[0].splitlines())
    return re.split(r"(?<=[.]) ", words.strip(), maxsplit=1)[0][:200]


def inside(folder: Path) -> tuple[list[Path], list[Path]]:
    """The folders and the files of a folder that have pages."""
    here = [path for path in sorted(folder.iterdir()) if path.name not in SKIPPED and path.name[0] != "."]
    folders = [path for path in here if path.is_dir() and any(inside(path))]
    return folders, [path for path in here if path.is_file() and language(path)]


def pages() -> Iterator[tuple[str, str, str]]:
    """(name, title, HTML) of every page: all of TREES, and what pages link to besides."""
    paths, waiting = set(WANTED), [ROOT / tree for tree in TREES if (ROOT / tree).is_dir()]
    while waiting:
        folders, files = inside(waiting[-1])
        paths.add(waiting.pop().relative_to(ROOT).as_posix())
        waiting += folders
        paths |= {file.relative_to(ROOT).as_posix() for file in files}
    formatter = HtmlFormatter(linenos="inline", lineanchors="L", anchorlinenos=True, cssclass="highlight source")
    for path in sorted(paths):
        file = ROOT / path
        if file.is_dir():
            yield f"{path}/index", path, crumbs(path) + listing(file)
            continue
        text = file.read_text(encoding="utf-8")
        yield path, path, crumbs(path) + highlight(text, get_lexer_by_name(language(file), stripnl=False), formatter)
    tops = "".join(f'<li><a href="{tree}/index.html">{tree}</a></li>' for tree in TREES)
    yield "index", "Source", f"<h1>Source</h1><p>The files that the pages speak of.</p><ul>{tops}</ul>"


def crumbs(path: str) -> str:
    """The path as a heading; each of its folders is a link."""
    parts = path.split("/")
    depth = len(parts) if (ROOT / path).is_dir() else len(parts) - 1
    linked = [
        f'<a href="{"../" * (depth - i - 1) or "./"}index.html">{escape(part)}</a>'
        if i < depth and parts[0] in TREES and i < len(parts) - 1
        else escape(part)
        for i, part in enumerate(parts)
    ]
    return f'<h1 class="path">{"/".join(linked)}</h1>\n'


def listing(folder: Path) -> str:
    """A folder: its README, and its folders and files with what each says of itself."""
    folders, files = inside(folder)
    rows = []
    for path in folders:
        about = path / "__init__.py"
        rows.append((f"{path.name}/index.html", f"{path.name}/", first_line(about) if about.exists() else ""))
    rows += [
        (f"{path.name}.html", path.name, first_line(path))
        for path in files
        if path.name not in ("__init__.py", "README.md")
    ]
    if (folder / "__init__.py").exists():
        rows.append(("__init__.py.html", "__init__.py", first_line(folder / "__init__.py")))
    about = folder / "README.md"
    told = about.read_text(encoding="utf-8").partition("\n")[2] if about.exists() else ""
    words = MarkdownIt("commonmark").enable("table").render(told)
    items = "\n".join(
        f'<dt><a href="{escape(link)}"><code>{escape(name)}</code></a></dt><dd><p>{escape(words)}</p></dd>'
        for link, name, words in rows
    )
    return f'{words}<dl class="names">\n{items}\n</dl>\n'
