"""README.md of each folder of more than six files: what lives there, what it may import, where to start reading."""

import re

import pytest
from test_house import COMPILED, FLOOR, MODULES, PACKAGE, ROOT, compiled_imports, imports, needs_checkout, top

TOPS = ("benchmarks", "docs", "examples", "minigrad", "src_c", "tests")
SKIPPED = {"build", "dist", "__pycache__", "shipped"}
MADE = {".so", ".pyd", ".pyc", ".o", ".html"}


def large_folders():
    """Folders below the root with more than six files of the project; built files and hidden ones do not count."""
    tops = [ROOT / name for name in TOPS]
    for folder in [*tops, *(path for each in tops for path in each.rglob("*") if path.is_dir())]:
        parts = folder.relative_to(ROOT).parts
        if not SKIPPED & set(parts) and not any(part.startswith((".", "_")) for part in parts):
            files = [path for path in folder.iterdir() if path.is_file() and path.suffix not in MADE]
            if sum(path.name != "README.md" and not path.name.startswith(".") for path in files) > 6:
                yield folder


FOLDERS = sorted(large_folders()) if (ROOT / "setup.py").exists() else []
# Smaller folders may have one, too.
PAGES = {path.parent: path for name in TOPS for path in sorted((ROOT / name).rglob("README.md"))} if FOLDERS else {}


@needs_checkout
@pytest.mark.parametrize("folder", sorted({*FOLDERS, *PAGES}), ids=lambda folder: str(folder.relative_to(ROOT)))
def test_a_large_folder_says_what_lives_there(folder):
    name = str(folder.relative_to(ROOT))
    page = folder / "README.md"
    assert page.exists(), f"{name} has more than six files and no README.md"
    text = page.read_text(encoding="utf-8")
    assert text.startswith(f"# {name}: ") and len(text.splitlines()) <= 30
    for said in re.findall(r"`([\w./*-]+\w\.(?:py|pyx|pxd|[ch]|md|json|csv|dat|png|svg))`", text):
        found = [
            base for base in (folder, ROOT, *folder.parents) if ROOT in (base, *base.parents) and any(base.glob(said))
        ]
        assert found or re.search("[A-Z]{4}", said), f"{name}/README.md names {said}, which is not there"


@needs_checkout
def test_no_readme_of_a_folder_is_copied_from_another():
    seen = {}
    for folder, page in PAGES.items():
        for line in page.read_text(encoding="utf-8").splitlines():
            if len(line) > 70:
                assert line not in seen, f"{folder} says what {seen[line]} says: {line}"
                seen[line] = folder


def allowed(said):
    """The floors that `May import: ...` grants: `floors up to X`, `floors below X`, or a list of names."""
    bound = re.search(r"floors (up to|below) `(\w+)`", said)
    if bound:
        last = FLOOR[bound[2]] - (bound[1] == "below")
        return {name for name, floor in FLOOR.items() if floor <= last}
    return set(re.findall(r"`(\w+)`", said)) & set(FLOOR)


@needs_checkout
def test_a_folder_imports_what_its_readme_grants():
    every = MODULES | COMPILED
    for folder, page in PAGES.items():
        inside = [name for name, path in every.items() if path.parent == folder and folder != PACKAGE]
        if not inside:
            continue
        said = re.search(r"May import: (.*?)[.;]", page.read_text(encoding="utf-8"), re.DOTALL)
        assert said, f"{folder.relative_to(ROOT)}/README.md has no `May import:`"
        for name in inside:
            for target in imports(name) if name in MODULES else compiled_imports(name):
                granted = top(target) == top(name) or top(target) in allowed(said[1])
                assert granted, f"{name} imports {target}; its folder's README grants {said[1]}"


@needs_checkout
def test_c_includes_what_its_readme_grants():
    for folder, page in PAGES.items():
        if folder.parent != ROOT / "src_c":
            continue
        said = re.search(r"May include: (.*)", page.read_text(encoding="utf-8"))
        granted = {folder.name, *re.findall(r"`(\w+)/`", said[1] if said else "")}
        for path in folder.glob("*.[ch]"):
            for other in re.findall(r'^\s*#\s*include "(\w+)/', path.read_text(encoding="utf-8"), re.MULTILINE):
                assert other in granted, f"{path.name} includes {other}/"
