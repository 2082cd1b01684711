"""No block of code on a page escapes: sessions run in test_docs.py, the rest runs or is read here, or says why not.

A block that cannot run stands below a line `<!-- not run: the reason -->`. A block of another language than those of
CHECKED needs such a line too, and `# doctest: +SKIP` a comment before it. A page of recipes, whose blocks are parts of
files, says so once, `<!-- blocks are not run: the reason -->`; then its Python is parsed.
"""

import argparse
import ast
import re
import shlex
import textwrap
from pathlib import Path

import numpy as np
import pytest

from minigrad import cli

ROOT = Path(__file__).parent.parent
FOLDERS = ("minigrad", "src_c", "examples", "benchmarks", "tests", "docs")
PAGES = [
    page
    for page in [*ROOT.glob("*.md"), *(page for folder in FOLDERS for page in sorted((ROOT / folder).rglob("*.md")))]
    if page.name != "CHANGELOG.md" and "files" not in page.parts  # texts about data sets
]
BLOCK = re.compile(
    r"^(?P<above>[^\n]*)\n(?:[ \t]*\n)?(?P<indent> *)```(?P<language>[\w-]*)\n(?P<text>.*?)^ *```$",
    re.DOTALL | re.MULTILINE,
)
REASON = re.compile(r"<!-- not run: .{10,} -->")
CHECKED = ("python", "pycon", "console", "text", "")
# What a run of the README is shortened by, so that it takes seconds.
SHORTER = ((r"epochs=\d+", "epochs=2"), (r"in range\(\d+\)", "in range(2)"))
pytestmark = pytest.mark.skipif(not (ROOT / "setup.py").exists(), reason="needs the checkout, not an installed package")


def blocks(page):
    """(language, text, line above) of each fenced block."""
    found = BLOCK.finditer("\n" + page.read_text(encoding="utf-8"))
    return [(m["language"], textwrap.dedent(m["text"]), m["above"].strip()) for m in found]


def of_recipes(page):
    return re.search(r"^<!-- blocks are not run: .{10,} -->$", page.read_text(encoding="utf-8"), re.MULTILINE)


def name(page):
    return page.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_block_is_of_a_kind_that_is_checked(page):
    text = page.read_text(encoding="utf-8")
    fences = re.findall(r"^ *```", text, re.MULTILINE)
    assert len(fences) == 2 * len(blocks(page)), f"{name(page)}: a fence that this test cannot read"
    for language, block, above in blocks(page):
        first = block.splitlines()[0] if block else ""
        where = f"{name(page)}, the block that begins with {first!r}"
        if of_recipes(page):
            assert language != "python" or ast.parse(block), where
            continue
        assert language in CHECKED or REASON.fullmatch(above), (
            f"{where}: {language} is not run; say why in a line above"
        )
        if language in ("", "text"):
            assert not re.search(r"^\s*(>>> |import |from \w+ import |\$ )", block, re.MULTILINE), (
                f"{where}: code as text"
            )
        if language == "console":
            assert re.search(r"^\$ ", block, re.MULTILINE), f"{where}: a command begins with $"
    for skipped in re.finditer(r"^.*doctest: *\+SKIP.*$", text, re.MULTILINE):
        assert re.search(r"# .{5,}# doctest:", skipped[0]), f"{name(page)}: say why, in a comment before {skipped[0]}"


def scripts(page):
    """The blocks of Python that are no sessions and no listings, and that give no reason."""
    if of_recipes(page):
        return []
    found = [(text, above) for language, text, above in blocks(page) if language == "python" and ">>>" not in text]
    return [text for text, above in found if not above.startswith("<!-- source:") and not REASON.fullmatch(above)]


@pytest.mark.parametrize("page", [page for page in PAGES if scripts(page)], ids=name)
@pytest.mark.filterwarnings("ignore")  # two epochs leave much to warn of
def test_scripts_run(page, tmp_path, monkeypatch, capsys):
    """A page's blocks as a reader would paste them, beside a table that it speaks of.

    A block with imports begins anew; one without goes on from the last that has them.
    """
    monkeypatch.chdir(tmp_path)
    draws = np.random.default_rng(0)
    size, town = draws.uniform(40, 200, 60), draws.integers(0, 2, 60)
    rows = [f"{s:.1f},{'AB'[t]},{1000 * s + 5e4 * t + e:.0f}" for s, t, e in zip(size, town, draws.normal(0, 5e3, 60))]
    Path("houses.csv").write_text("size,town,price\n" + "\n".join(rows) + "\n")
    names = {}
    for text in scripts(page):
        for long, short in SHORTER:
            text = re.sub(long, short, text)
        begins = re.search(r"^(import|from) ", text, re.MULTILINE)
        here = {"__name__": "page"} if begins else dict(names)
        exec(compile(text, name(page), "exec"), here)
        names = here if begins else names
    assert capsys.readouterr().out


def commands(page):
    """The commands of the blocks of a page, whole lines without comments, as words."""
    for language, text, above in blocks(page):
        if language == "console" and not REASON.fullmatch(above):
            for line in re.sub(r"\\\n\s*", " ", text).splitlines():
                if line.startswith("$ "):
                    yield from (shlex.split(part, comments=True) for part in re.split(r"\s&&\s|\s\|\s", line[2:]))


@pytest.mark.parametrize("page", [page for page in PAGES if [*commands(page)]], ids=name)
def test_commands_are_understood(page, capsys):
    for words in commands(page):
        understood(words, name(page))
    capsys.readouterr()


def understood(words, where):
    line = f"{where}: {shlex.join(words)}"
    if words[0] == "minigrad":
        parsed(words[1:], line)
    elif words[0].startswith("python") and words[1].endswith(".py"):
        assert (ROOT / words[1]).exists(), line
    elif words[0].startswith("python") and words[1] == "-m":
        module = ROOT / words[2].replace(".", "/")
        assert words[2] in ("pytest", "build", "venv") or module.is_dir() or module.with_suffix(".py").exists(), line
    elif words[0] == "make" and len(words) > 1:
        targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
        assert {word for word in words[1:] if "=" not in word} <= {*targets}, line
    else:
        known = (
            "make",
            "git",
            "cd",
            "pip",
            "pytest",
            "cp",
            "open",
            "grep",
            "ruff",
            "mypy",
            "pre-commit",
            "python",
            "curl",
        )
        assert re.split(r"=\S* ", shlex.join(words))[-1].split()[0] in known or "=" in words[0], (
            f"{line}: add it to `known`"
        )


def parsed(words, line):
    """The words as arguments of the command, which are read and not run."""
    given, _ = cli.apart(words)
    if "--help" in given:
        with pytest.raises(SystemExit, match="0"):
            cli.parser().parse_args(given)
        return
    try:
        options, rest = cli.parser().parse_known_args(given)
    except SystemExit:
        pytest.fail(f"{line} is refused")
    assert not rest or options.command == "bench", f"{line}: {rest} are not understood"


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_commands_in_the_text_exist(page):
    """`minigrad claims --jobs 2` between backquotes: the command is there, and so is each of its options."""
    top = cli.parser()
    known = next(a for a in top._actions if isinstance(a, argparse._SubParsersAction)).choices
    for code in re.findall(r"(?<!`)`minigrad ([a-z]+[^`\n]*)`", page.read_text(encoding="utf-8")):
        command, *words = code.split(" -- ")[0].split()
        assert command in known or of_recipes(page), f"{name(page)}: minigrad {code}; there are {', '.join(known)}"
        if command not in known:
            continue
        options = {option for action in known[command]._actions for option in action.option_strings}
        unknown = {word.split("=")[0] for word in words if word.startswith("--")} - options
        assert command == "bench" or not unknown, f"{name(page)}: minigrad {code}: {command} has no {unknown}"


def test_a_block_cannot_escape(tmp_path):
    """The reader of blocks finds those in lists, with and without a language, and their reasons."""
    page = tmp_path / "page.md"
    reason = "<!-- not run: it needs a microscope -->"
    page.write_text(f"a\n\n```python\nx = 1\n```\n\n{reason}\n```rust\nfn\n```\n- b\n\n  ```\n  c\n  ```\n")
    assert [(language, bool(REASON.fullmatch(above))) for language, _, above in blocks(page)] == [
        ("python", False), ("rust", True), ("", False)
    ]  # fmt: skip
