"""A report: one HTML file that holds its text, tables and pictures, and needs nothing else to be read."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

STYLE = """
:root { color-scheme: light dark; --ink: #1d1f23; --paper: #fcfcfa; --faint: #6a6f78; --rule: #dcdcd6; --link: #1f5fa8;
  --good: #00745a; --bad: #b04a00 }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e4e5e7; --paper: #17191c; --faint: #9aa0a8; --rule: #363a40; --link: #8ab8ee;
    --good: #45c5a1; --bad: #f0914a }
}
* { box-sizing: border-box }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 17px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif }
main { max-width: 60rem; margin: 0 auto; padding: 2rem 1.1rem 4rem }
h1 { font-size: 1.75rem; line-height: 1.2; margin: 0 0 .6rem } h2 { font-size: 1.25rem; margin: 2.6rem 0 .5rem }
p { max-width: 44rem; margin: .6rem 0 } a { color: var(--link) } .faint { color: var(--faint); font-size: .86rem }
.links { max-width: none; font-size: .94rem } h3 { font-size: 1.05rem; margin: 1.9rem 0 .4rem }
code { font: .88em/1.4 ui-monospace, "SF Mono", Menlo, Consolas, monospace }
pre { overflow-x: auto; border-left: 3px solid var(--rule); padding: .1rem 0 .1rem .9rem; margin: .9rem 0;
  font-size: .84rem }
.verdict { display: flex; gap: .6rem; max-width: 47rem }
.verdict i { font-style: normal; display: inline-block; width: 1.1em }
.verdict b { flex: 0 0 8.4rem; font-size: .86rem; padding-top: .1rem }
.must b, .holds b { color: var(--good) } .does b { color: var(--bad) } .undecided b { color: var(--faint) }
.scroll { overflow-x: auto; margin: 1rem 0 } .scroll:focus { outline: 2px solid var(--link) }
table { border-collapse: separate; border-spacing: 0; font-size: .88rem; font-variant-numeric: tabular-nums }
th, td { padding: .32rem .7rem; text-align: right; border-bottom: 1px solid var(--rule); white-space: nowrap }
th { font-weight: 600; vertical-align: bottom; white-space: normal; min-width: 4.4rem }
th:first-child, td:first-child {
  min-width: 8.5rem; padding-left: 0; text-align: left; position: sticky; left: 0; background: var(--paper) }
figure { margin: 1rem 0 1.2rem } figure > div { overflow-x: auto }
figure svg { display: block; width: 100%; min-width: 34rem; height: auto }
figure img { display: block; width: 100%; height: auto; border-radius: 8px; background: #fff }
figcaption { color: var(--faint); font-size: .86rem; max-width: 44rem; margin: .4rem 0 }
"""


# Three words, each with its mark; mathematics that was asserted holds as well, and says that it was.
VERDICTS = {
    "must hold": ("✓", "holds, asserted"),
    "holds": ("✓", "holds"),
    "does not hold": ("✗", "does not hold"),
    "undecided": ("?", "undecided"),
}


class Report:
    """Sections, paragraphs, tables and figures, in the order in which they are added; `write` makes the file.

    >>> report = Report("Digits")
    >>> report.section("Result")
    >>> report.text("All is well.")
    >>> "<h2>Result</h2>" in report.html()
    True
    """

    def __init__(self, title: str, subtitle: str = "") -> None:
        self.title = title
        self._parts = [f"<h1>{escape(title)}</h1>"]
        if subtitle:
            self.note(subtitle)

    def section(self, heading: str, level: int = 2, anchor: str = "") -> None:
        """A heading; `links` can point to its anchor."""
        place = f' id="{escape(anchor, quote=True)}"' if anchor else ""
        self._parts.append(f"<h{level}{place}>{escape(heading)}</h{level}>")

    def links(self, anchors: Mapping[str, str]) -> None:
        """A line for each section with an anchor: anchor -> words."""
        items = [f'<a href="#{escape(a, quote=True)}">{escape(words)}</a>' for a, words in anchors.items()]
        self._parts.append(f'<p class="links">{"<br>".join(items)}</p>')

    def text(self, paragraph: str) -> None:
        """A paragraph of plain text; `words` between backquotes are set as code."""
        pieces = escape(paragraph).split("`")
        self._parts.append("<p>" + "".join(f"<code>{p}</code>" if i % 2 else p for i, p in enumerate(pieces)) + "</p>")

    def code(self, source: str) -> None:
        """A listing."""
        self._parts.append(f"<pre><code>{escape(source)}</code></pre>")

    def verdict(self, verdict: str, words: str) -> None:
        """must hold, holds, does not hold, or undecided; and what. Each is shown with its mark, ✓, ✗ or ?."""
        kind = verdict.split()[0]
        mark, said = VERDICTS[verdict]
        told = f'<b><i aria-hidden="true">{mark}</i> {said}</b>'
        self._parts.append(f'<p class="verdict {kind}">{told} <span>{escape(words)}</span></p>')

    def note(self, text: str) -> None:
        """A small line."""
        self._parts.append(f'<p class="faint">{escape(text)}</p>')

    def table(self, head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        self._parts.append(as_html(head, rows))

    def figure(self, picture: bytes, description: str, caption: str = "") -> None:
        """A picture, PNG or one <svg> element, with a caption; `description` is read where it cannot be seen.

        Without a caption the description stands below it.
        """
        if picture.startswith(b"<svg"):
            return self.drawing(picture.decode(), description, caption)
        data = base64.b64encode(picture).decode()
        image = f'<img alt="{escape(description, quote=True)}" src="data:image/png;base64,{data}">'
        self._parts.append(f"<figure>{image}{_caption(caption or description)}</figure>")

    def drawing(self, svg: str, description: str, caption: str = "") -> None:
        """A drawing that takes the page's colours, and a caption; `description` is read where it cannot be seen."""
        head = f'<svg role="img" aria-label="{escape(description, quote=True)}"'
        svg = svg.replace("<svg", head, 1)
        self._parts.append(f'<figure class="drawn"><div>{svg}</div>{_caption(caption or description)}</figure>')

    def embed(self, element: str) -> None:
        """An element of HTML as it is: what it holds must be escaped already."""
        self._parts.append(element)

    def html(self) -> str:
        body = "\n".join(self._parts)
        return (
            '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            f"<title>{escape(self.title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n{body}\n</main>\n</body>\n</html>\n"
        )

    def write(self, path: str | Path) -> Path:
        """Write the file, making its folder; its path."""
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self.html(), encoding="utf-8")
        return path


def _caption(text: str) -> str:
    """Text below a picture; `words` between backquotes are set as code."""
    pieces = escape(text).split("`")
    return f"<figcaption>{''.join(f'<code>{p}</code>' if i % 2 else p for i, p in enumerate(pieces))}</figcaption>"


def as_html(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table that scrolls sideways where the page is narrower."""
    top = "".join(f"<th>{escape(cell)}</th>" for cell in head)
    body = "\n".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f'<div class="scroll"><table><thead><tr>{top}</tr></thead>\n<tbody>\n{body}\n</tbody></table></div>'
