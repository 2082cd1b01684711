"""The Sphinx extension of the site: docstrings as they stand, lists of names, and links from words to sources.

    .. docstring:: minigrad.nn.Linear     what its docstring says, by docstrings.py
    .. names::                            a list of names, a line each, with the first sentence of each
    .. all-names::                        every entry of the reference, in alphabetical order
    {source}`words <path>`                a link to the page of a file or folder of the repository

Inline code that is the path of such a file, or a public name, becomes a link by itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective, SphinxRole
from sphinx.util.osutil import relative_uri
from sphinx.writers.html5 import HTML5Translator

from . import sources
from .docstrings import Block, blocks, first_sentence
from .reference import canonical, lookup


def inline(text: str) -> list[nodes.Node]:
    """Text with `code` between backquotes."""
    parts = text.split("`")
    if len(parts) % 2 == 0:
        return [nodes.Text(text)]
    return [nodes.literal(p, p) if i % 2 else nodes.Text(p) for i, p in enumerate(parts) if p]


def as_nodes(block: Block) -> nodes.Node:
    if block.kind == "text":
        return nodes.paragraph("", "", *inline(block.text))
    if block.kind == "points":
        items = [nodes.list_item("", nodes.paragraph("", "", *inline(words))) for _, words in block.rows]
        return nodes.bullet_list("", *items)
    if block.kind == "rows":
        return pairs([(inline(name), inline(words)) for name, words in block.rows], "rows")
    found = nodes.literal_block(block.text, block.text)
    found["language"] = "pycon" if block.kind == "example" else "text"
    return found


def pairs(rows: list[tuple[list[nodes.Node], list[nodes.Node]]], kind: str) -> nodes.definition_list:
    """Terms with what they are, beside each other where there is room."""
    result = nodes.definition_list(classes=[kind])
    for name, words in rows:
        term, definition = nodes.term("", "", *name), nodes.definition("", nodes.paragraph("", "", *words))
        result += nodes.definition_list_item("", term, definition)
    return result


class Docstring(SphinxDirective):
    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        full = self.arguments[0]
        thing = lookup(full)
        owner, _, name = full.rpartition(".")
        text = getattr(thing, "__doc__", None)
        if owner == "minigrad.Tensor" and not text:  # an attached method: the function of its name says it
            text = sources.OF_TENSOR.get(name, "")
        if not text:
            raise self.error(f"{full} has no docstring")
        return [as_nodes(block) for block in blocks(text)]


class Names(SphinxDirective):
    has_content = True

    def run(self) -> list[nodes.Node]:
        rows = []
        for full in self.content:
            rows.append(([link(full, full.rpartition(".")[2])], inline(first_sentence(lookup(full).__doc__))))
        return [pairs(rows, "names")]


def link(full: str, words: str) -> addnodes.pending_xref:
    """A link to the entry of a public name; the build fails if there is none."""
    found = addnodes.pending_xref(
        "", nodes.literal(words, words), refdomain="py", reftype="obj", reftarget=full, refexplicit=True, refwarn=True
    )
    found["py:module"] = found["py:class"] = None
    return found


class AllNames(SphinxDirective):
    def run(self) -> list[nodes.Node]:
        from .names import names_of, packages

        listed = [name for module, names in packages().items() for name in names_of(module, names)]
        listed = [name for name in listed if canonical(name) == name.full]
        result = nodes.paragraph(classes=["all-names"])
        for name in sorted(listed, key=lambda name: (name.name.lower(), name.full)):
            result += [link(name.full, name.full.removeprefix("minigrad.")), nodes.Text(" ")]
        return [result]


class Source(SphinxRole):
    def run(self) -> tuple[list[nodes.Node], list[Any]]:
        found = re.fullmatch(r"(.*?)\s*<(.+)>", self.text)
        words, path = (found[1], found[2]) if found else (self.text, self.text)
        if not sources.known(path):
            raise LookupError(f"{self.env.docname}: {path} has no page among the sources")
        return [nodes.inline("", words, source=path, classes=["source"])], []


def link_sources(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Source roles, inline code that is a path, and signatures get links to the pages of files."""
    here = app.builder.get_target_uri(docname)
    for node in list(doctree.findall(nodes.inline)):
        if "source" in node:
            node.replace_self(to_source(node["source"], nodes.Text(node.astext()), here))
    for node in list(doctree.findall(nodes.literal)):
        path = node.astext().rstrip("/")
        if sources.known(path) and not isinstance(node.parent, (nodes.reference, addnodes.pending_xref)):
            node.replace_self(to_source(path, node.deepcopy(), here))
    for node in doctree.findall(addnodes.desc_signature):
        place = sources.place(f"{node.get('module')}.{node.get('fullname')}") if node.get("fullname") else None
        if place:
            found = to_source(place[0], nodes.Text("source"), here, f"#L-{place[1]}")
            found["classes"].append("to-source")
            node += found


def to_source(path: str, content: nodes.Node, here: str, anchor: str = "") -> nodes.reference:
    sources.WANTED.add(path)
    uri = relative_uri(here, f"source/{sources.page_name(path)}.html") + anchor
    return nodes.reference("", "", content, refuri=uri, internal=True)


def trim_blocks(app: Sphinx, doctree: nodes.document) -> None:
    """Sessions in Markdown end with an empty line, which doctest needs and a page does not."""
    for node in list(doctree.findall(nodes.literal_block)):
        text = node.astext().rstrip()
        if text != node.astext() and len(node.children) == 1:
            node.replace_self(nodes.literal_block(text, text, **node.attributes))


def link_names(app: Sphinx, doctree: nodes.document) -> None:
    """Inline code that is a public name, `nn.Linear` or `mg.relu(x)`, becomes a link to its entry."""
    for node in list(doctree.findall(nodes.literal)):
        if isinstance(node.parent, (nodes.reference, addnodes.pending_xref)):
            continue
        found = re.match(r"(?:(mg|minigrad)\.)?([A-Za-z_][\w.]*\w)", node.astext())
        full = f"minigrad.{found[2]}" if found and (found[1] or "." in found[2]) else ""
        if full in sources.entries() and node.astext()[found.end() : found.end() + 1] in ("", "("):
            one = link(full, node.astext())
            one["refwarn"] = False
            node.replace_self(one)


def source_pages(app: Sphinx) -> Iterator[tuple[str, dict[str, Any], str]]:
    for path, title, body in sources.pages():
        yield f"source/{path}", {"title": title, "body": body, "is_source": True}, "source.html"


class Translator(HTML5Translator):
    """Tables and pictures scroll sideways where the page is narrower than they are."""

    def visit_table(self, node: nodes.Element) -> None:
        self.body.append('<div class="scroll" tabindex="0" role="region" aria-label="table">\n')
        super().visit_table(node)

    def depart_table(self, node: nodes.Element) -> None:
        super().depart_table(node)
        self.body.append("</div>\n")

    def visit_image(self, node: nodes.Element) -> None:
        kind = "drawn" if node["uri"].endswith(".svg") else "picture"
        self.body.append(f'<span class="{kind}">')
        super().visit_image(node)
        self.body.append("</span>")


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_directive("docstring", Docstring)
    app.add_directive("names", Names)
    app.add_directive("all-names", AllNames)
    app.add_role("source", Source())
    app.set_translator("html", Translator)
    app.connect("doctree-read", trim_blocks)
    app.connect("doctree-read", link_names)
    app.connect("doctree-resolved", link_sources)
    app.connect("html-collect-pages", source_pages)
    return {"version": "1", "parallel_read_safe": False, "parallel_write_safe": False}
