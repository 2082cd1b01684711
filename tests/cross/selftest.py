"""Builds and runs selftest.c with any compiler, with the flags and the list of objects that setup.py has.

`python tests/cross/selftest.py --write` rewrites hashes.json from this machine's compiler (and the CHANGELOG says why).
"""

import argparse
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
FILE = HERE / "hashes.json"


def recipe():
    """setup.py as a module: its data, without the building."""
    spec = importlib.util.spec_from_file_location("minigrad_setup", ROOT / "setup.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def missing(*programs):
    """What is not installed of these, as one line; empty if all are there."""
    absent = [name for name in programs if not shutil.which(name)]
    if not (ROOT / "src_c").exists():
        absent.append("the checkout: this installed copy has no src_c")
    return f"not here: {', '.join(absent)}" if absent else ""


def run(*command, **environment):
    """stdout of a command; one that fails shows what it said."""
    command = [str(word) for word in command]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, **environment})
    said = done.stdout[-2000:] + done.stderr[-8000:]
    assert done.returncode == 0, f"{' '.join(command)}\nexit {done.returncode}\n{said}"
    return done.stdout


def build(name, compiler, machine, flags=(), link=()):
    """build/cross/name/selftest, made by `compiler` for `machine`. Only what is older than its inputs is compiled."""
    setup, folder = recipe(), ROOT / "build" / "cross" / name
    folder.mkdir(parents=True, exist_ok=True)
    kernels = [ROOT / "setup.py", *(ROOT / "src_c").rglob("*.h")]
    common = [compiler, *setup.CFLAGS, *flags, f"-I{ROOT / 'src_c'}", f"-I{HERE}"]

    def compile_one(job):
        source, variant, own = job
        made = folder / f"{source.stem}-{variant}.o"
        inputs = [source, *kernels, *(HERE.glob("*.h") if source.parent == HERE else [])]
        if not made.exists() or made.stat().st_mtime < max(path.stat().st_mtime for path in inputs):
            run(*common, *own, f"-DMG_VARIANT={variant}", "-c", source, "-o", made)
        return made

    jobs = [(HERE / "selftest.c", "naive", [])]
    for family in setup.FAMILIES:
        jobs += [(ROOT / "src_c" / file, *rest) for file, *rest in setup.BuildKernels.jobs(family, machine)]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        objects = list(pool.map(compile_one, jobs))
    run(compiler, *flags, *objects, "-o", folder / "selftest", "-lm", "-pthread", *link)
    return folder / "selftest"


def hashes(*command):
    """variant -> {"family kernel": hash}, as the self-test prints them."""
    found = {}
    for line in run(*command).splitlines():
        variant, family, kernel, value = line.split()
        found.setdefault(variant, {})[f"{family} {kernel}"] = value
    return found


def differences(found, expected):
    """One line per variant that differs, with the kernels that do; empty if none does."""
    wrong = {v: sorted(k for k in expected | got if got.get(k) != expected.get(k)) for v, got in found.items()}
    return "\n".join(f"{variant}: {', '.join(kernels)}" for variant, kernels in wrong.items() if kernels)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="rewrite tests/cross/hashes.json")
    write = parser.parse_args().write
    found = hashes(build("native", os.environ.get("CC", "gcc"), recipe().MACHINE))
    if write:
        FILE.write_text(json.dumps(found["naive"], indent=1) + "\n")
    wrong = differences(found, json.loads(FILE.read_text()))
    print(wrong or f"self-test: {len(found['naive'])} hashes, equal on {', '.join(found)}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
