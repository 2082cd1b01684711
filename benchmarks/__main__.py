"""python -m benchmarks."""

from .harness.command import main

raise SystemExit(main())
