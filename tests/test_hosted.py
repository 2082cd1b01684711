"""What a host reads: its workflow, templates, hooks of pre-commit, the citation. They parse, and name what exists."""

import re
import shlex
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
WORKFLOW = ROOT / ".github" / "workflows" / "ci.yml"
pytestmark = pytest.mark.skipif(not (ROOT / "setup.py").exists(), reason="needs the checkout, not an installed package")


def parsed(path):
    yaml = pytest.importorskip("yaml", reason="YAML is read by PyYAML: pip install pyyaml")
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def metadata():
    return (ROOT / "pyproject.toml").read_text(encoding="utf-8")


def commands():
    """The commands of the workflow, word by word; each stands on a line of its own."""
    found = re.findall(r"^ +- run: (.+)$", WORKFLOW.read_text(encoding="utf-8"), re.MULTILINE)
    assert found
    return [shlex.split(line) for line in found]


def test_the_workflow_names_commands_that_exist():
    """Scripts, tests and make targets by name; modules by file; and nothing is fetched from an address."""
    targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    for words in commands():
        if words[0] == "make":
            assert set(words[1:]) <= set(targets), words
        elif words[:2] == ["python", "-m"]:
            module = ROOT.joinpath(*words[2].split("."))
            assert words[2] in ("pip", "pytest") or any(
                path.exists() for path in (module.with_suffix(".py"), module / "__main__.py")
            ), words
        else:
            assert (ROOT / (words[1] if words[0] == "python" else words[0])).exists(), words
        for word in words:
            if word.startswith(("tests/", "examples/")):
                assert (ROOT / word).exists(), f"{word} is not there"
    assert "://" not in WORKFLOW.read_text(encoding="utf-8")


def test_what_the_workflow_installs_is_known():
    """Only packages that pyproject.toml names."""
    known = {name.lower() for name in re.findall(r'"([A-Za-z][\w-]*)(?:[>=]=[\w.]+)?"', metadata())}
    for words in commands():
        if words[2:4] == ["pip", "install"]:
            assert {word.lower() for word in words[4:]} <= known, words


def test_the_workflow_covers_pythons_and_systems():
    jobs = parsed(WORKFLOW)["jobs"]
    oldest = re.search(r'requires-python = ">=(3\.\d+)"', metadata())[1]
    for name, systems in {
        "native": {"ubuntu-24.04", "ubuntu-24.04-arm"},
        "reference": {"macos-14", "windows-2022"},
    }.items():
        matrix = jobs[name]["strategy"]["matrix"]
        assert set(matrix["os"]) == systems and matrix["python"][0] == oldest
        assert matrix["python"] == [f"3.{minor}" for minor in range(10, 15)]
    assert {"run": ".ci/run"} in jobs["everything"]["steps"]
    for job in jobs.values():
        assert job["timeout-minutes"] and all(set(step) & {"run", "uses"} for step in job["steps"])
        assert all(re.search(r"@v\d+$", step["uses"]) for step in job["steps"] if "uses" in step)
    assert all(word not in WORKFLOW.read_text(encoding="utf-8") for word in ("secrets.", "token"))


def test_hooks_are_the_ruff_of_the_environment():
    """Local hooks, so that they format as `make lint` checks; the extra `lint` brings what they run."""
    (repository,) = parsed(ROOT / ".pre-commit-config.yaml")["repos"]
    assert repository["repo"] == "local"
    lint = re.search(r"^lint = \[(.+)\]$", metadata(), re.MULTILINE)[1]
    for hook in repository["hooks"]:
        assert hook["language"] == "system" and f'"{hook["entry"].split()[0]}"' in lint
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert all(f"ruff {verb}" in makefile for verb in ("check", "format"))


def test_the_citation_has_the_authors_and_the_licence_of_the_licence():
    cited = parsed(ROOT / "CITATION.cff")
    licence = (ROOT / "LICENSE").read_text(encoding="utf-8")
    holder = re.search(r"^Copyright \(c\) \d+ (.+)$", licence, re.MULTILINE)[1]
    assert [author["name"] for author in cited["authors"]] == [holder]
    assert licence.startswith(f"{cited['license']} License") and f'license = "{cited["license"]}"' in metadata()
    assert f'authors = [{{ name = "{holder}" }}]' in metadata()
    assert {"cff-version", "message", "title", "type"} <= set(cited) and cited["title"].startswith("minigrad")


@pytest.mark.parametrize("name", ["wrong_answer.md", "missing.md"])
def test_issue_templates_have_a_head_that_parses(name):
    head = (ROOT / ".github" / "ISSUE_TEMPLATE" / name).read_text(encoding="utf-8").split("---\n")[1]
    yaml = pytest.importorskip("yaml", reason="YAML is read by PyYAML: pip install pyyaml")
    assert set(yaml.safe_load(head)) == {"name", "about", "labels"}


def test_templates_name_what_exists():
    """Commands of make, and files between backticks."""
    targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    for page in (ROOT / ".github").rglob("*.md"):
        text = page.read_text(encoding="utf-8")
        assert set(re.findall(r"`make ([\w-]+)`", text)) <= set(targets), page.name
        for said in re.findall(r"`([\w/]+(?:\.md|/))`", text):
            assert (ROOT / said).exists(), f"{page.name} names {said}"
