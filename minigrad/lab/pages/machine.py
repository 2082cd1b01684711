"""What a page of figures was computed on, in words."""

from __future__ import annotations

import os
import platform
import time
from pathlib import Path
from typing import Any

import numpy as np

from ... import kernels


def cpu_name() -> str:
    """The processor as the system calls it."""
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def facts() -> dict[str, Any]:
    """Date, processor and how many of it this process may use, kernels, versions."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return {
        "date": time.strftime("%Y-%m-%d"),
        "cpu": cpu_name(),
        "processors": count,
        "kernels": kernels.backend(),
        "variant": kernels.cpu_variant(),
        "threads": kernels.get_num_threads(),
        "python": platform.python_version(),
        "numpy": np.__version__,
    }
