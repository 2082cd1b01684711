"""python -m benchmarks."""

from .command import main

raise SystemExit(main())
