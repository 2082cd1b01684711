"""Builds the Cython modules of minigrad.kernels.native over the C bodies in src_c, every CPU variant in one build.

A family is minigrad/kernels/native/FAMILY.pyx over src_c/FOLDER/FAMILY.c (once per variant), FAMILY_naive.c beside it
and src_c/base/table.c. MINIGRAD_NO_NATIVE=1 builds without a compiler: the package then runs on the NumPy reference
kernels.
"""

import os
import platform
import re
import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor
from glob import glob
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.command.build_py import build_py

NATIVE = "minigrad/kernels/native"
FAMILIES = {  # family: its folder in src_c
    "gather": "gather",
    "elementwise": "elementwise",
    "elementary": "elementwise",
    "matmul": "matmul",
    "conv": "conv",
    "pool": "pool",
    "reduce": "reduce",
    "scans": "reduce",
    "softmax": "reduce",
    "standardize": "layers",
    "embedding_bag": "layers",
    "recurrent": "layers",
    "losses": "losses",
    "penalty": "penalty",
    "group_norms": "penalty",
    "dropout": "random",
    "random": "random",
    "update": "update",
    "descent": "descent",
    "sparse": "sparse",
}
MEASURE = {"peaks": "measure"}  # no kernels of the table: what benchmarks/ measure the machine with
STATE = ["runtime", "tape", "block_cache", "memory"]  # modules without bodies in C

# Two flags undo what a user's CFLAGS may ask for and what gcc does by itself: the order of operations is the contract.
EXACT = ["-fno-fast-math", "-ffp-contract=off"]
# gcc 12 (x86-64, -O2) forgets to round a pair of scalars `<double><float>x`: its SLP pass takes both casts for nothing.
GLUE = ["-O2", "-g0", "-fno-tree-slp-vectorize", *EXACT]
PTHREADS = ["-pthread"]
CFLAGS = ["-std=c11", "-O3", "-g0", *EXACT, "-fvisibility=hidden", "-Wall", "-Wextra"]
VARIANTS = {  # name: flags; the order is that of src_c/base/variants.h, behind `naive`
    "x86_64": {
        "generic": ["-DMG_GENERIC", "-O1"],  # exists to prove, not to be fast: -O3 takes twice as long to compile
        "avx2": ["-mavx2", "-mfma"],
        "avx512": ["-mavx512f", "-mavx512dq", "-mavx512bw", "-mavx512vl", "-mfma", "-mbmi2"]
        + ["-mprefer-vector-width=512"],
    },
    "aarch64": {"generic": ["-DMG_GENERIC", "-O1"], "neon": []},
}
MACHINE = {"AMD64": "x86_64", "arm64": "aarch64"}.get(platform.machine(), platform.machine())


class BuildKernels(build_ext):
    """build_ext that compiles each body once per variant, side by side."""

    def build_extensions(self):
        if not self.compiles("int main(void) { return 0; }"):
            compiler = " ".join(self.compiler.compiler[:1])
            raise SystemExit(
                f"minigrad: the C compiler {compiler!r} does not work. Install one (Debian: build-essential), "
                "set CC, or set MINIGRAD_NO_NATIVE=1 to run on the slower NumPy kernels."
            )
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            for ext in self.extensions:
                ext.extra_compile_args, ext.extra_link_args = GLUE, PTHREADS
                ext.bodies = [pool.submit(self.compile_one, job) for job in self.jobs(ext.name.rpartition(".")[2])]
            for ext in self.extensions:
                ext.extra_objects = [body.result() for body in ext.bodies]
        super().build_extensions()

    @staticmethod
    def jobs(family, machine=MACHINE):
        """(source, variant, flags) of every object that a module is linked from. tests/cross links them as well."""
        if family == "runtime":
            yield "team/team.c", "team", PTHREADS
        folder = {**FAMILIES, **MEASURE}.get(family)
        if folder is None:
            return
        yield "base/table.c", family, [f"-DMG_FAMILY={family}", f'-DMG_HEADER="{folder}/{family}.h"']
        yield f"{folder}/{family}_naive.c", "naive", []
        variants = VARIANTS.get(machine, {"generic": ["-DMG_GENERIC"]})
        yield from ((f"{folder}/{family}.c", variant, flags) for variant, flags in variants.items())

    def compile_one(self, job):
        """The object file of a job; left alone when it is newer than the setup and all that its source includes."""
        source, variant, flags = job
        folder = os.path.join(self.build_temp, variant)
        made = Path(folder, "src_c", source).with_suffix(".o")
        header = [flag.split('"')[1] for flag in flags if flag.startswith("-DMG_HEADER=")]
        inputs = ["setup.py", *included(source, *header)]
        if made.exists() and made.stat().st_mtime > max(map(os.path.getmtime, inputs)):
            return str(made)
        return self.compiler.compile(
            [f"src_c/{source}"],
            output_dir=folder,
            include_dirs=["src_c"],
            macros=[("MG_VARIANT", variant)],
            extra_postargs=CFLAGS + flags,
        )[0]

    def compiles(self, program, flags=()):
        """Whether a program compiles and links."""
        with tempfile.TemporaryDirectory() as folder:
            source = Path(folder, "probe.c")
            source.write_text(program)
            try:
                objects = self.compiler.compile([str(source)], output_dir=folder, extra_postargs=list(flags))
                self.compiler.link_executable(objects, str(Path(folder, "probe")), extra_postargs=list(flags))
            except Exception:  # distutils raises CompileError, LinkError, or what the missing program raised
                return False
        return True


class BuildPackage(build_py):
    """build_py that puts copies of the programs that commands run into the wheel: minigrad/shipped."""

    def run(self):
        super().run()
        if not self.editable_mode:
            for folder in ("examples/articles", "examples/claims", "examples/papers", "benchmarks"):
                target = Path(self.build_lib, "minigrad", "shipped", folder)
                shutil.copytree(folder, target, ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True)


def included(*sources):
    """Paths of these files of src_c and of all that they include, directly or through another."""
    found, waiting = set(), list(sources)
    while waiting:
        source = waiting.pop()
        if source not in found:
            found.add(source)
            text = Path("src_c", source).read_text(encoding="utf-8")
            waiting += re.findall(r'^#(?:include|define MG_SOURCE) "(.+?)"', text, re.MULTILINE)
    return [f"src_c/{source}" for source in sorted(found)]


def cimported(name):
    """Text of a module's .pyx and .pxd, and of every .pxd that these cimport, directly or through another."""
    text, waiting, found = "", [f"{NATIVE}/{name}.pyx", f"{NATIVE}/{name}.pxd"], set()
    while waiting:
        file = waiting.pop()
        if file in found or not Path(file).exists():
            continue
        found.add(file)
        own = Path(file).read_text(encoding="utf-8")
        names = re.findall(r"from minigrad\.kernels\.native\.(\w+) cimport", own)
        for several in re.findall(r"from minigrad\.kernels\.native cimport (.+)", own):
            names += re.findall(r"\w+", several)
        text += own
        waiting += [f"{NATIVE}/{other}.pxd" for other in names]
    return text


def depends(name):
    """All that makes a module anew when it changes, beside its .pyx and .pxd files, which Cython follows itself."""
    declared = re.findall(r'extern from "(.+?\.h)"', cimported(name))
    headers = [header for header in declared if Path("src_c", header).exists()]
    return ["setup.py", *included(*headers, *(source for source, *_ in BuildKernels.jobs(name)))]


def extensions():
    native = os.environ.get("MINIGRAD_NO_NATIVE") != "1"
    # Compiled modules that an older build left behind would be loaded, or found in the place of others.
    for old in glob("minigrad/kernels/*.so") + ([] if native else glob(f"{NATIVE}/*.so")):
        os.remove(old)
    if not native:
        return []
    import numpy
    from Cython.Build import cythonize

    modules = [
        Extension(
            f"minigrad.kernels.native.{name}",
            [f"{NATIVE}/{name}.pyx"],
            include_dirs=["src_c", numpy.get_include()],
            define_macros=[("NPY_NO_DEPRECATED_API", "NPY_2_0_API_VERSION")],
            depends=depends(name),
        )
        for name in [*STATE, *FAMILIES, *MEASURE]
    ]
    return cythonize(modules, build_dir="build/cython", language_level=3)


if __name__ == "__main__":
    command = {"build_ext": {"parallel": os.cpu_count()}}
    setup(ext_modules=extensions(), cmdclass={"build_ext": BuildKernels, "build_py": BuildPackage}, options=command)
