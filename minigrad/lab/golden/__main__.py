"""Compute the golden runs and compare their hashes; --write rewrites these."""

import sys

from .runs import main

sys.exit(main())
