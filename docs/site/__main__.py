"""Build the site: `python -m docs.site [FOLDER]`, by default build/docs. It needs Sphinx and MyST: minigrad[docs].

Pages are gathered in FOLDER-source first. A warning is an error. Nothing is fetched, and no page loads anything that
is not in the folder.
"""

from __future__ import annotations

import shutil
import sys
import time
from pathlib import Path

from .links import ROOT


def main(arguments: list[str]) -> int:
    """Build into the folder; 0, or 1 after warnings, 2 without Sphinx."""
    try:
        import myst_parser
        from sphinx.cmd.build import build_main
    except ImportError as missing:
        print(f"docs: {missing.name} is not installed: pip install 'minigrad[docs]', or make docs", file=sys.stderr)
        return 2
    del myst_parser
    from .stage import stage

    begun = time.perf_counter()
    out = Path(arguments[0] if arguments else ROOT / "build" / "docs").resolve()
    staged = out.with_name(f"{out.name}-source")
    try:
        stage(staged)
    except (LookupError, RuntimeError, OSError) as error:
        print(f"docs: {error}", file=sys.stderr)
        return 1
    shutil.rmtree(out, ignore_errors=True)
    options = ["-q", "-W", "--keep-going", "-E", "-c", str(Path(__file__).parent), "-d", str(staged / ".doctrees")]
    status = build_main(["-b", "html", *options, str(staged), str(out)])
    if not status:
        pages = sum(1 for _ in out.rglob("*.html"))
        print(f"docs: {pages} pages in {time.perf_counter() - begun:.0f} s; open {out / 'index.html'}")
    return status


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
