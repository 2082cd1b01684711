"""The pages of the site gathered in one folder: docs/*.md, parts of the README, and pages that are made of the code."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

from . import examples
from .links import ROOT, rewritten, sections
from .reference import reference

# Captions of the contents, and the pages below each: words and file; "" takes the title of the page.
CONTENTS = {
    "Start": {"start": "First steps", "tour/index": "Tour", "gallery/index": "Gallery", "notebooks/index": "Notebooks"},
    "Regularization": {
        "regularization": "The regularizers",
        "faq": "Questions",
        "claims": "What holds",
        "articles": "Five articles",
        "papers": "Printed numbers",
    },
    "Guide": {
        "training": "Training",
        "data": "Data",
        "tables": "Your own table",
        "choosing": "Choosing λ",
        "health": "Why it does not learn",
        "time_travel": "Time travel",
        "replay": "Compiled steps",
        "transforms": "Derivatives",
    },
    "How it works": {
        "reading": "The reading path",
        "engine": "One backward pass",
        "inside": "Explain and profile",
        "kernels": "Kernels",
        "benchmarks": "Benchmarks",
    },
    "Look up": {"api/index": "Reference", "contributing": "Contributing", "changes": "Changes"},
}
# Where sections of the README stand; those without a place follow on the page of first steps.
FRONT = ("", "What it looks like", "What `make demo` shows", "What you get")
PARTS = {"reading": ("The reading path",), "benchmarks": ("Speed",)}
WHOLE = {"CONTRIBUTING.md": "contributing.md", "CHANGELOG.md": "changes.md"}


def places(pages: list[Path]) -> dict[str, str]:
    """Where files of the repository stand among the sources of the site."""
    found = {"README.md": "index.md", **WHOLE}
    found |= {f"docs/{page.name}": page.name for page in pages}
    found |= {f"docs/images/{path.name}": f"images/{path.name}" for path in (ROOT / "docs" / "images").iterdir()}
    found |= {f"docs/{path.name}": path.name for path in (ROOT / "docs").glob("*.json")}
    return found


def readme() -> dict[str, str]:
    """The README in parts: the front page, first steps, and sections that have a page of their own."""
    parts = sections((ROOT / "README.md").read_text(encoding="utf-8"))
    named = {heading for headings in (FRONT, *PARTS.values()) for heading in headings}
    if missing := sorted(named - set(parts)):
        raise LookupError(f"docs/site/stage.py: the README has no section {missing}; it has {sorted(parts)}")
    rest = [heading for heading in parts if heading not in named]
    rest.sort(key=lambda heading: heading != "Using it")
    found = {"index": "".join(parts[heading] for heading in FRONT)}
    found["start"] = "# First steps\n\n" + "".join(parts[heading] for heading in rest)
    for file, headings in PARTS.items():
        found[file] = "".join(parts[heading] for heading in headings).replace("## ", "# ", 1)
    return found


def contents(present: set[str]) -> str:
    """The tables of contents, hidden on the front page; a page of docs/ that has no place yet stands in the guide."""
    listed = {file for files in CONTENTS.values() for file in files}
    text = ""
    for caption, files in CONTENTS.items():
        entries = [f"{words} <{file}>" if words else file for file, words in files.items() if file in present]
        if caption == "Guide":
            entries += sorted(file for file in present if "/" not in file and file not in listed and file != "index")
        text += f"\n```{{toctree}}\n:hidden:\n:caption: {caption}\n\n" + "\n".join(entries) + "\n```\n"
    return text


def articles() -> str:
    """The page of the articles: what each example is on, and what it found when it was run in full."""
    found = json.loads((ROOT / "docs" / "articles.json").read_text(encoding="utf-8"))
    run, parts = found["run"], []
    parts.append(
        "# Five articles, and what is right\n\nThe programs of five articles on regularization, rebuilt with their "
        "mistakes: what fails and why, what is right, and what it gives on real data. `minigrad articles` runs all of "
        "them and writes one page with tables and figures; `minigrad articles 002` runs those of one article, "
        "`--quick` takes small sizes.\n\n"
        f"The lists below are of a run in full on {run['date']}, on {run['data']}, one thread of an {run['cpu']}: "
        f"{run['seconds']:.0f} seconds. *Must hold* is mathematics and is asserted by the tests."
    )
    for path in sorted((ROOT / "examples" / "articles").glob("*.py")):
        first = examples.told(path)[0]
        name, _, about = first.partition(": ")
        parts += [f"## {path.stem.replace('_', ' ')}", f"{name}: {about}", f"{{source}}`{path.relative_to(ROOT)}`"]
        kept = found["examples"].get(path.stem, {}).get("kept", [])
        if kept:
            rows = "\n".join(f"| {one['kind']} | {cell(one['words'])} |" for one in kept)
            parts.append(f"| verdict | on |\n|---|---|\n{rows}")
    return "\n\n".join(parts) + "\n"


def cell(words: str) -> str:
    """Words as a cell of a Markdown table that shows them as they are."""
    return re.sub(r"([\\`*_\[\]|<>#])", r"\\\1", words)


def stage(folder: Path) -> None:
    """Write all pages to the folder."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    pages = sorted(page for page in (ROOT / "docs").glob("*.md") if page.name != "README.md")
    where = places(pages)
    texts = {page.name: (f"docs/{page.name}", page.read_text(encoding="utf-8")) for page in pages}
    texts |= {f"{name}.md": ("README.md", text) for name, text in readme().items()}
    texts |= {to: (name, (ROOT / name).read_text(encoding="utf-8")) for name, to in WHOLE.items()}
    made = {**examples.gallery(), **examples.tour(), **examples.notebooks(), **reference(), "articles.md": articles()}
    present = {name.rpartition(".")[0] for name in [*texts, *made]}
    for name, (page, text) in texts.items():
        extra = ""
        if name == "index.md":
            extra = contents(present)
        elif name == "benchmarks.md":
            extra = benchmarks(where)
        write(folder / name, rewritten(captioned(text), page, name, where) + extra)
    for name, text in made.items():
        write(folder / name, text)
    shutil.copytree(ROOT / "docs" / "images", folder / "images", ignore=shutil.ignore_patterns("*.md"))
    for path in (ROOT / "docs").glob("*.json"):
        shutil.copy(path, folder)


def captioned(text: str) -> str:
    """A link whose words are its file, as the README has them, gets the words of the contents."""
    captions = {file: words for files in CONTENTS.values() for file, words in files.items()}
    captions |= {Path(name).stem: captions[Path(to).stem] for name, to in WHOLE.items()}

    def one(match: re.Match[str]) -> str:
        return f"[{captions.get(Path(match[1]).stem, match[1])}]({match[2]})"

    return re.sub(r"\[((?:docs/)?\w+\.md)\]\(([^)\s]+)\)", one, text)


def benchmarks(where: dict[str, str]) -> str:
    """What stands below the README's table: more figures, and how the benchmarks are run."""
    text = "\n## More figures\n\n[Kernels](kernels.md) has the tables of single kernels, threads and processors.\n\n"
    about = ROOT / "benchmarks" / "README.md"
    if about.exists():
        own = re.sub(r"^#", "##", about.read_text(encoding="utf-8"), flags=re.MULTILINE)
        text += rewritten(own, "benchmarks/README.md", "benchmarks.md", where)
    return text


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
