"""Pages of the scripts under examples/: what a script says at its head, its picture, what it prints, and its text."""

from __future__ import annotations

import ast
import hashlib
import json
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from .links import ROOT

RECORDED = ROOT / "docs" / "examples.json"  # written by `python -m docs.site.record`
TOUR = re.compile(r"Tour (\d+) of \d+: (.+?)\.\s")


def docstring(path: Path) -> str:
    found = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    if not found:
        raise LookupError(f"{path.relative_to(ROOT)}: its docstring says on the site what it shows; it has none")
    return found


def digest(path: Path) -> str:
    """A hash of what a script does: not of its comments, docstrings and layout."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if (
            isinstance(body, list)
            and body
            and isinstance(body[0], ast.Expr)
            and isinstance(body[0].value, ast.Constant)
        ):
            body[0].value.value = ""
    return hashlib.sha256(ast.dump(tree).encode()).hexdigest()[:16]


def told(path: Path) -> list[str]:
    """The paragraphs of a script's docstring that are prose; how to run it stands apart."""
    return [" ".join(p.split()) for p in docstring(path).split("\n\n") if not p.lstrip().startswith("python ")]


def usage(path: Path) -> str:
    """The lines of a script's docstring that say how to run it."""
    return "\n\n".join(p for p in docstring(path).split("\n\n") if p.lstrip().startswith("python "))


def title(path: Path) -> str:
    """What a page is called: the file's name, or the place in the tour and what it is on."""
    found = TOUR.match(docstring(path) + " ")
    return f"{found[1]}. {found[2][0].upper()}{found[2][1:]}" if found else path.name


def lead(path: Path) -> str:
    """The first paragraph, without what the title says."""
    return TOUR.sub("", told(path)[0], count=1)


def recorded() -> dict[str, Any]:
    return json.loads(RECORDED.read_text(encoding="utf-8")) if RECORDED.exists() else {"examples": {}}


def run(path: Path, *options: str) -> str:
    """What a script prints, with the data of the package and one thread. RuntimeError with what it said if it fails."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8", "MINIGRAD_NUM_THREADS": "1"}
    environment.pop("MINIGRAD_DATA", None)
    command = [sys.executable, "-W", "ignore", str(path), *options]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", env=environment, cwd=path.parent, timeout=900)
    if done.returncode:
        raise RuntimeError(f"{path.relative_to(ROOT)} failed:\n{done.stderr}")
    return done.stdout


def page(path: Path, output: str, note: str, picture: str = "") -> str:
    """The Markdown page of a script."""
    name = path.relative_to(ROOT)
    parts = [f"# {title(path)}", lead(path), *told(path)[1:], f"```console\n{as_console(usage(path))}\n```"]
    if picture:
        parts.append(f"![{alt(path)}]({picture})")
    if output:
        parts += ["## What it prints", f"```text\n{output.rstrip()}\n```", f"*{note}*" if note else ""]
    parts += ["## The script", f"{{source}}`{name}`", f"````python\n{body(path)}````"]
    return "\n\n".join(part for part in parts if part) + "\n"


def alt(path: Path) -> str:
    """What the picture of an example shows, as its option --figure says it."""
    found = re.search(r"--figure \S+ +([^\n]+(?:\n {20,}[^\n]+)*)", docstring(path))
    return " ".join(found[1].split()).replace("]", "") if found else f"The figure of {path.name}"


def as_console(lines: str) -> str:
    """Lines that begin with a command get a prompt, and what they are good for a #."""
    found = []
    for line in lines.splitlines():
        command = re.match(r"(\s*)(python .*?)(\s{2,}|$)(.*)", line)
        if command:
            found.append(f"$ {command[2]}{command[3]}# {command[4]}" if command[4] else f"$ {command[2]}")
        elif line.strip() and found:
            found[-1] += f" {line.strip()}"
    return "\n".join(found)


def body(path: Path) -> str:
    """The script below its docstring, which the page has said."""
    text = path.read_text(encoding="utf-8")
    first = ast.parse(text).body[0]
    return "\n".join(text.splitlines()[first.end_lineno :]).strip("\n") + "\n"


def gallery() -> dict[str, str]:
    """The pages of examples/*.py, and the page that lists them: file name -> Markdown."""
    paths, kept = sorted((ROOT / "examples").glob("*.py")), recorded()
    found, cards = {}, []
    for path in paths:
        made = kept["examples"].get(path.stem, {})
        picture = f"example-{path.stem}.png"
        picture = f"../images/{picture}" if (ROOT / "docs" / "images" / picture).exists() else ""
        found[f"gallery/{path.stem}.md"] = page(path, made.get("output", ""), when(made, kept, path), picture)
        image = f"![]({picture})\n" if picture else f"```text\n{ending(made.get('output', ''))}\n```\n"
        cards.append(f":::{{container}} card\n{image}\n**[{path.stem}]({path.stem}.md)**\n\n{lead(path)}\n:::")
    head = "# Gallery\n\nScripts of 60 to 120 lines, to be read from top to bottom. Each ends with what to look at."
    listed = "\n".join(path.stem for path in paths)
    found["gallery/index.md"] = (
        f"{head}\n\n::::{{container}} cards\n"
        + "\n\n".join(cards)
        + f"\n::::\n\n```{{toctree}}\n:hidden:\n\n{listed}\n```\n"
    )
    return found


def ending(output: str) -> str:
    """The last lines of an output, for a card without a picture."""
    return "\n".join(line[:70] for line in output.rstrip().splitlines()[-7:])


def when(made: dict[str, Any], kept: dict[str, Any], path: Path) -> str:
    if not made:
        return ""
    changed = "" if made["code"] == digest(path) else " The script was changed since."
    return f"Run in full on {made['date']}, on the data in the package; {kept['run']}.{changed}"


def tour() -> dict[str, str]:
    """The pages of examples/tour/*.py, run as the site is built; none where the folder is not there."""
    paths = sorted((ROOT / "examples" / "tour").glob("*.py"))
    if not paths:
        return {}
    with ThreadPoolExecutor(2) as workers:
        outputs = list(workers.map(run, paths))
    note = "Run in full when this page was made."
    found = {f"tour/{path.stem}.md": page(path, output, note) for path, output in zip(paths, outputs)}
    lines = [f"1. [{title(path).partition('. ')[2]}]({path.stem}.md). {lead(path)}" for path in paths]
    head = (
        "# Tour\n\nScripts to be read from top to bottom, one after the other, and changed. Each takes about a second "
        "and ends with what to look at: `python examples/tour/NAME.py`."
    )
    listed = "\n".join(path.stem for path in paths)
    found["tour/index.md"] = head + "\n\n" + "\n".join(lines) + f"\n\n```{{toctree}}\n:hidden:\n\n{listed}\n```\n"
    return found


def notebooks() -> dict[str, str]:
    """The pages of examples/notebooks/*.py: cells of text and of code, as `make notebooks` runs them in a kernel."""
    found, lines = {}, []
    for path in sorted((ROOT / "examples" / "notebooks").glob("*.py")):
        cells = re.split(r"^# %%", path.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
        text = "\n\n".join(as_cell(cell) for cell in cells)
        heading = re.search(r"^# (.+)$", text, re.MULTILINE)
        found[f"notebooks/{path.stem}.md"] = f"{text}\n\n{{source}}`{path.relative_to(ROOT)}`\n"
        lines.append(f"- [{heading[1] if heading else path.stem}]({path.stem}.md)")
    if found:
        head = "# Notebooks\n\nScripts in cells, for Jupyter or an editor; `make notebooks` runs them."
        listed = "\n".join(name.removeprefix("notebooks/").removesuffix(".md") for name in found)
        toctree = f"```{{toctree}}\n:hidden:\n\n{listed}\n```\n"
        found["notebooks/index.md"] = "\n\n".join([head, "\n".join(lines), toctree])
    return found


def as_cell(cell: str) -> str:
    """A cell as Markdown: text without its #, code as a block."""
    head, _, body = cell.partition("\n")
    if "[markdown]" in head:
        return "\n".join(re.sub(r"^# ?", "", line) for line in body.splitlines()).strip()
    return f"````python\n{body.strip()}\n````"
