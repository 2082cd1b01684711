"""minigrad doctor: whether this installation computes what it should."""

from __future__ import annotations

import argparse
import json


def add_doctor(commands: argparse._SubParsersAction) -> argparse.ArgumentParser:
    doctor = commands.add_parser(
        "doctor",
        help="whether this installation computes the right bits, and what to do if not",
        description="Versions, variants, threads and extras; each kernel against plain loops (bit for bit, in every "
        "variant that this processor runs) and against NumPy; the golden trainings against their hashes; three speeds "
        "beside NumPy. What is wrong is said at the end, with what would do. Exit status: 0 where nothing is, else 1.",
    )
    doctor.add_argument("--quick", action="store_true", help="without golden trainings and speeds")
    doctor.add_argument("--json", action="store_true", help="print JSON")
    doctor.set_defaults(run=run_doctor)
    return doctor


def run_doctor(options: argparse.Namespace) -> int:
    from ..lab.doctor import examine

    health = examine(options.quick)
    print(json.dumps(health.as_dict(), ensure_ascii=False, indent=1) if options.json else health)
    return 0 if health.well else 1
