"""Links of Markdown pages: in the repository they name files, on the site they lead to pages, pictures or sources."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FENCE = re.compile(r"^(```+|~~~+)")
LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^)\s]+)\)")
CODE_OR_LINK = re.compile(rf"`+[^`]+`+|(?P<link>{LINK.pattern})")


def outside_code(text: str, change: Callable[[re.Match[str]], str]) -> str:
    """The text with each link changed, but for those in fenced blocks and in inline code.

    >>> print(outside_code("[a](b) `[a](b)` [`a`](b)\\n```\\n[a](b)\\n```", lambda link: link[2].upper()))
    A `[a](b)` `A`
    ```
    [a](b)
    ```
    """
    done, fence = [], ""
    for line in text.split("\n"):
        mark = FENCE.match(line)
        if fence:
            fence = "" if line.startswith(fence) and not line.strip("`~ ") else fence
        elif mark:
            fence = mark[1]
        else:
            line = CODE_OR_LINK.sub(lambda found: change(LINK.fullmatch(found[0])) if found["link"] else found[0], line)
        done.append(line)
    return "\n".join(done)


def rewritten(text: str, page: str, staged: str, places: Mapping[str, str]) -> str:
    """The text of a page with links as the site needs them.

    page     where the text stands in the repository, "docs/engine.md"
    staged   where it stands among the sources of the site, "engine.md"
    places   where files of the repository stand there: "README.md" -> "index.md"

    LookupError for a link to what is not in the repository.
    """

    def one(match: re.Match[str]) -> str:
        mark, words, target = match.groups()
        path, _, anchor = target.partition("#")
        if re.match(r"[a-z]+:", target) or not path:
            return match[0]
        file = os.path.normpath(os.path.join(os.path.dirname(page), path))
        if file in places:
            new = os.path.relpath(places[file], os.path.dirname(staged) or ".")
            return f"{mark}[{words}]({new}{'#' + anchor if anchor else ''})"
        if not (ROOT / file).exists():
            raise LookupError(f"{page}: a link to {target}; there is no {file}")
        if mark:
            raise LookupError(f"{page}: the picture {target} must stand in docs/images")
        return f"{{source}}`{words.replace('`', '')} <{file}>`"

    return outside_code(text, one)


def sections(text: str) -> dict[str, str]:
    """The parts of a page by their headings of level 2, in order; what stands above the first is "".

    >>> sections("# T\\nx\\n## A\\ny\\n## B\\nz")
    {'': '# T\\nx\\n', 'A': '## A\\ny\\n', 'B': '## B\\nz\\n'}
    """
    found, name, fence = {"": ""}, "", ""
    for line in text.splitlines():
        mark = FENCE.match(line)
        if mark and not fence:
            fence = mark[1]
        elif fence and line.startswith(fence):
            fence = ""
        elif not fence and line.startswith("## "):
            name = line[3:].strip()
            found[name] = ""
        found[name] += f"{line}\n"
    return found
