"""A profile as a page: bars below bars, each as wide as its share of the time, and the tables."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .profile import profile

STYLE = """
:root { color-scheme: light dark; --ink: #1d1f23; --paper: #fcfcfa; --rule: #dcdcd6; --faint: #6a6f78;
  --shade: #0003; --forward: #cfe0f3; --backward: #f6d9bf; --kernel: #d8ead2; --other: #e6e2ef }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e4e5e7; --paper: #17191c; --rule: #363a40; --faint: #9aa0a8;
    --shade: #fff4; --forward: #254a70; --backward: #6b3d12; --kernel: #2b5232; --other: #423a57 } }
body { margin: 0 auto; padding: 1.5rem 1.1rem 3rem; max-width: 70rem; background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, Arial, sans-serif }
h1 { font-size: 1.4rem } h2 { font-size: 1.1rem; margin-top: 2rem } .faint { color: var(--faint) }
.row { display: flex; width: 100% } .bar { overflow: hidden; min-width: 0 }
.name { height: 1.7rem; line-height: 1.7rem; padding: 0 .3rem; white-space: nowrap; overflow: hidden; font-size: .8rem;
  border: 1px solid var(--paper); border-radius: 4px }
.forward { background: var(--forward) } .backward { background: var(--backward) }
.kernel { background: var(--kernel) } .other { background: var(--other) }
.name { container-type: inline-size; cursor: pointer }
.name span { display: block; overflow: hidden; text-overflow: ellipsis }
@container (max-width: 3.4rem) { .name span { visibility: hidden } }
#said { min-height: 1.5em; display: block; margin: .4rem 0 0 }
.scroll { overflow-x: auto; max-width: 100%;
  background: linear-gradient(to right, var(--paper) 30%, transparent) left / 3rem 100%
  no-repeat local, linear-gradient(to left, var(--paper) 30%, transparent) right / 3rem 100% no-repeat local,
  linear-gradient(to right, var(--shade), transparent) left / 1rem 100% no-repeat scroll,
  linear-gradient(to left, var(--shade), transparent) right / 1rem 100% no-repeat scroll }
@media (max-width: 600px) { td, th { padding: .25rem .35rem !important } table { font-size: .76rem !important }
  td:first-child, th:first-child { position: sticky; left: 0; background: var(--paper); white-space: normal;
    min-width: 6.5rem } }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .88rem }
td, th { padding: .25rem .7rem; border-bottom: 1px solid var(--rule); white-space: nowrap }
"""

SCRIPT = """<script>for (const bar of document.querySelectorAll(".bar")) bar.addEventListener("click", event => {
  event.stopPropagation(); document.getElementById("said").value = bar.title })</script>"""

Bar = tuple[str, str, float, list]  # name, kind, seconds, the bars below it


def page_of(seen: profile) -> str:
    """The page: one file that needs nothing else."""
    tables = "".join(
        f"<h2>{escape(title)}</h2><div class='scroll' tabindex='0'>{table}</div>" for title, table in seen.html_tables()
    )
    bars = drawn(bars_of(seen), seen.seconds)
    return (
        "<!doctype html><html lang='en'><head><meta charset='utf-8'><title>Profile</title>"
        "<meta name='viewport' content='width=device-width, initial-scale=1'>"
        f"<style>{STYLE}</style></head><body><h1>Where {seen.seconds * 1e3:.3f} ms went</h1>"
        "<p class='faint'>Ops forward (blue), backward (orange), and what is neither; below each, its kernels (green). "
        "The rest of an op is Python. Point at a bar, or touch it, to read it.</p>"
        f"<div class='row'>{bars}</div><output id='said' class='faint'></output>{tables}{SCRIPT}</body></html>"
    )


def bars_of(seen: profile) -> list[Bar]:
    """Ops forward, then backward, then the kernels that no op called, Python outside of ops, and the profile itself."""
    bars: list[Bar] = []
    for direction in ("forward", "backward"):
        for name, sides in seen.ops().items():
            total = sides[direction]
            if total.calls:
                inside = seen.inside.get((name, direction), {})
                below: list[Bar] = [(kernel, "kernel", each.seconds, []) for kernel, each in inside.items()]
                times = f"{total.calls:,} {'times' if direction == 'forward' else 'rules'}"
                bars.append((f"{name}, {times}", direction, total.seconds, below))
    others: dict[str, float] = {}
    for call in seen.tally.calls:
        if call.floor not in ("ops", "engine", ""):
            key = f"{call.name} ({call.floor})"
            others[key] = others.get(key, 0.0) + call.seconds
    bars += [(name, "kernel", seconds, []) for name, seconds in others.items()]
    rest = seen.seconds - sum(bar[2] for bar in bars) - seen.overhead
    return [
        *bars,
        ("Python outside of ops", "other", max(0.0, rest), []),
        ("counting, estimated", "other", seen.overhead, []),
    ]


def drawn(bars: list[Bar], whole: float) -> str:
    """Bars beside each other, each a share of `whole`; what is left stays empty."""
    return "".join(
        f"<div class='bar' style='flex: 0 0 {100 * seconds / whole:.3f}%' "
        f"title='{escape(name, quote=True)}: {seconds * 1e3:.3f} ms, {100 * seconds / whole:.1f} %'>"
        f"<div class='name {kind}'><span>{escape(name)}</span></div>"
        f"<div class='row'>{drawn(below, seconds) if seconds > 0 else ''}</div></div>"
        for name, kind, seconds, below in bars
        if whole > 0
    )
