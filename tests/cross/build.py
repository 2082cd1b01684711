"""Builds the self-test from src_c with any compiler, with the flags and the list of objects that setup.py has."""

import importlib.util
import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent


def recipe():
    """setup.py as a module: its data, without the building."""
    spec = importlib.util.spec_from_file_location("minigrad_setup", ROOT / "setup.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def build(name, compiler, machine, flags=(), link=()):
    """build/cross/name/selftest, made by `compiler` for `machine`. Only what changed is compiled again."""
    setup = recipe()
    folder = ROOT / "build" / "cross" / name
    folder.mkdir(parents=True, exist_ok=True)
    inputs = [ROOT / "setup.py", *(ROOT / "src_c").glob("*"), *HERE.glob("*.[ch]"), Path(__file__)]
    newest = max(path.stat().st_mtime for path in inputs)

    def compile_one(job):
        source, variant, own = job
        made = folder / f"{source.stem}-{variant}.o"
        if not made.exists() or made.stat().st_mtime < newest:
            command = [compiler, *setup.CFLAGS, "-Werror", *own, *flags, f"-DMG_VARIANT={variant}"]
            run([*command, f"-I{ROOT / 'src_c'}", f"-I{HERE}", "-c", source, "-o", made])
        return made

    jobs = [(ROOT / "src_c" / file, *rest) for family in setup.FAMILIES for file, *rest in kernels(setup, family, machine)]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        objects = list(pool.map(compile_one, [(HERE / "selftest.c", "naive", []), *jobs]))
    run([compiler, *flags, *objects, "-o", folder / "selftest", "-lm", "-pthread", *link])
    return folder / "selftest"


def kernels(setup, family, machine):
    return setup.BuildKernels.jobs(family, machine)


def run(command, **options):
    """stdout of a command; one that fails shows what it said."""
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False, **options)
    assert done.returncode == 0, f"{' '.join(map(str, command))}\n{done.stdout[-2000:]}{done.stderr[-8000:]}"
    return done.stdout


def hashes(program, *emulator):
    """(variant, "family kernel") -> hash, as the self-test prints them."""
    rows = (line.split() for line in run([*emulator, program]).splitlines())
    return {(variant, f"{family} {kernel}"): found for variant, family, kernel, found in rows}
