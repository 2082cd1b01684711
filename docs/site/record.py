"""Run the scripts of examples/ in full, and keep what they print and draw: `python -m docs.site.record [NAME ...]`.

Texts go to docs/examples.json, figures to docs/images/example-NAME.png. A minute or two in all, on the data in the
package. Run it again for a script whose page says that it was changed since.
"""

from __future__ import annotations

import json
import sys
import time

from minigrad.lab.pages.machine import facts

from .examples import RECORDED, digest, recorded, run
from .links import ROOT


def main(names: list[str]) -> None:
    """Run the scripts of these names, or all."""
    kept = recorded()
    made = facts()
    kept["run"] = f"{made['cpu']}, one thread, {made['kernels']} kernels ({made['variant']})"
    for path in sorted((ROOT / "examples").glob("*.py")):
        if names and path.stem not in names:
            continue
        figure = ROOT / "docs" / "images" / f"example-{path.stem}.png"
        options = ["--figure", str(figure)] if "--figure" in path.read_text(encoding="utf-8") else []
        begun = time.perf_counter()
        output = run(path, *options).replace(str(figure), figure.name)
        seconds = time.perf_counter() - begun
        kept["examples"][path.stem] = {
            "date": made["date"], "code": digest(path), "output": output
        }  # fmt: skip
        print(f"{path.stem}: {seconds:.1f} s")
    kept["examples"] = dict(sorted(kept["examples"].items()))
    RECORDED.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
