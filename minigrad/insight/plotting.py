"""The colours of every figure, by meaning; and figures that objects draw of themselves, where matplotlib is installed.

Each colour has one meaning in all figures. It is told apart from the others by colour-blind readers, and has a
contrast of at least 3 to the page, in the light and in the dark; tests/insight/test_plotting.py measures both.
"""

from __future__ import annotations

import io
import os
import re
from typing import Any, NamedTuple


class Colour(NamedTuple):
    """A colour on a light page, and on a dark one."""

    light: str
    dark: str


MEANINGS = {
    "training": Colour("#0065a3", "#4a93dd"),
    "held out": Colour("#d17500", "#ffd06b"),
    "reference": Colour("#4f5059", "#7c7f90"),  # no penalty, NumPy, y = x: what the rest is compared with
    "pick": Colour("#641eda", "#e0c6ff"),
    "better": Colour("#079960", "#7fd1a3"),
    "worse": Colour("#800a09", "#ff4a40"),
}
PAGE = {
    "ink": Colour("#1d1f23", "#e4e5e7"),
    "faint": Colour("#61666f", "#a3a8b0"),
    "rule": Colour("#dcdcd6", "#363a40"),
    "paper": Colour("#fcfcfa", "#17191c"),
}
# Of lines that only have names, in this order; the first seven are told apart by colour, later ones are dashed.
SERIES = (
    Colour("#2f2984", "#8c66ea"),
    Colour("#b38600", "#e3c04a"),
    Colour("#0a5a60", "#05c7f8"),
    Colour("#d8369c", "#e7467d"),
    Colour("#4e3c18", "#bc8a4d"),
    Colour("#2a6fdb", "#47b9bb"),
    Colour("#111111", "#f5f5f5"),
)

TRAIN, HELD, REFERENCE, PICK, BETTER, WORSE = (colour.light for colour in MEANINGS.values())
INK, FAINT, RULE, PAPER = (colour.light for colour in PAGE.values())
LINES = tuple(colour.light for colour in SERIES)
UNDECIDED = FAINT  # drawn hollow, where a method is neither better nor worse

SETTINGS = {
    "font.size": 10,
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlecolor": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": FAINT,
    "axes.facecolor": "none",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "text.color": INK,
    "xtick.color": FAINT,
    "ytick.color": FAINT,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "grid.color": RULE,
    "grid.linewidth": 0.6,
    "lines.linewidth": 1.6,
    "legend.frameon": False,
    "figure.facecolor": PAPER,
    "savefig.facecolor": PAPER,
}


def several(count: int, what: str) -> str:
    """A number of things.

    >>> several(1, "epoch"), several(1_000, "epoch")
    ('1 epoch', '1,000 epochs')
    """
    return f"{count:,} {what}{'s' * (count != 1)}"


def axes(who: str, size: tuple[float, float] = (6.4, 4.0), rows: int = 1) -> Any:
    """Axes of a new figure, which belongs to no window; of several `rows`, a list of them, which share their x.

    ImportError without matplotlib, in the name of `who`.
    """
    try:
        from matplotlib import rc_context
        from matplotlib.figure import Figure
    except ImportError:
        raise ImportError(f"{who} needs matplotlib: pip install 'minigrad[figures]'") from None

    class Drawn(Figure):
        """A figure that a notebook shows, though it belongs to no window of pyplot."""

        def _repr_svg_(self) -> str:
            return as_svg(self).decode("utf-8")

    with rc_context(SETTINGS):
        figure = Drawn(figsize=(size[0], size[1] * rows), layout="constrained")
        found = figure.subplots(rows, 1, squeeze=False, sharex=True)[:, 0].tolist()
    for axis in found:
        axis.grid(False, axis="x")
    return found[0] if rows == 1 else found


def finished(axes: Any, path: str | os.PathLike[str] | None) -> Any:
    """The figure of the axes, saved to `path` if given: .svg takes the colours of a light or a dark page."""
    figure = axes.figure
    if path is not None and os.fspath(path).endswith(".svg"):
        with open(path, "wb") as file:
            file.write(as_svg(figure))
    elif path is not None:
        figure.savefig(path)
    return figure


def as_svg(figure: Any) -> bytes:
    """The figure as one <svg> element, the same bytes for the same figure, with colours for light and dark pages."""
    from matplotlib import rc_context

    buffer = io.BytesIO()
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": "minigrad"}):
        metadata = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        figure.savefig(buffer, format="svg", facecolor="none", metadata=metadata)
    text = buffer.getvalue().decode()
    text = re.sub(r"\s*<metadata>.*?</metadata>", "", text[text.index("<svg") :], flags=re.DOTALL)
    used = set(re.findall(r'url\(#([^)]+)\)|href="#([^"]+)"', text))
    kept = {name for pair in used for name in pair if name}
    text = re.sub(r' id="([^"]+)"', lambda found: found[0] if found[1] in kept else "", text)
    text = re.sub(r"<!--.*?-->\s*", "", text, flags=re.DOTALL)
    text = re.sub(r"'DejaVu Sans'[^;\"]*", "system-ui, 'DejaVu Sans', sans-serif", text)
    head, rest = text.split(">", 1)
    return f'{head} class="minigrad">\n<style>{dark_style(rest)}</style>{rest}'.encode()


def dark_style(svg: str) -> str:
    """Rules of CSS that give each colour of a drawing its dark counterpart; the light ones stand in the drawing."""
    rules = []
    for light, dark in (*MEANINGS.values(), *PAGE.values(), *SERIES):
        rules += [
            f'[style*="{what}: {light}"] {{ {what}: {dark} }}'.replace(" }", " !important }")
            for what in ("fill", "stroke")
            if f"{what}: {light}" in svg
        ]
    return f"@media (prefers-color-scheme: dark) {{ {' '.join(rules)} }}"
