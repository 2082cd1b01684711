"""setup.py: a change makes anew what it reaches, and nothing else."""

import re

import pytest
from cross.selftest import ROOT, missing, recipe

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing() or "-")


@pytest.fixture
def setup(monkeypatch):
    monkeypatch.chdir(ROOT)
    return recipe()


def test_a_module_depends_on_its_own_bodies_and_on_no_others(setup):
    for family, folder in setup.FAMILIES.items():
        bodies = {path for path in setup.depends(family) if path.endswith(".c")}
        assert bodies == {"src_c/base/table.c", f"src_c/{folder}/{family}.c", f"src_c/{folder}/{family}_naive.c"}


def test_a_module_depends_on_every_header_that_its_objects_and_its_declarations_include(setup):
    """Found by hand for three that reach theirs in different ways: by the body, by a .pxd, by a .pxd of a .pxd."""
    assert "src_c/penalty/elastic_net.h" in setup.depends("update")
    assert "src_c/random/stream.h" in setup.depends("random")
    assert {"src_c/base/operand.h", "src_c/elementwise/elementary.h"} <= set(setup.depends("elementary"))
    assert "src_c/base/sums.h" in setup.depends("softmax")
    assert 'extern from "base/operand.h"' in setup.cimported("elementary")  # maps.pxd
    assert 'extern from "base/sums.h"' in setup.cimported("losses")  # sums.pxd
    for family in setup.FAMILIES:
        paths = setup.depends(family)
        text = "".join((ROOT / path).read_text() for path in paths if path.startswith("src_c"))
        assert {f"src_c/{header}" for header in re.findall(r'^#include "(.+?)"', text, re.MULTILINE)} <= set(paths)


def test_a_comment_is_no_include(setup):
    """The comment of mg_both.h shows how a body of another family begins."""
    assert "src_c/penalty/penalty.c" not in setup.included("base/mg_both.h")


def test_threads_and_the_gil_have_one_door():
    """Threads are reached through `share` of launch.pxd alone, the GIL is given up in `call` and where tape replays."""
    texts = {path.name: path.read_text() for path in (ROOT / "minigrad/kernels/native").glob("*.p[xy]*")}
    assert len(texts) > 20
    assert sorted(name for name, text in texts.items() if "with nogil" in text) == ["launch.pxd", "tape.pyx"]
    assert sorted(name for name, text in texts.items() if "share_among_threads(" in text) == [
        "launch.pxd",
        "runtime.pxd",
        "runtime.pyx",
    ]
    assert [name for name, text in texts.items() if "mg_team_share(" in text] == ["runtime.pyx"]


def test_threads_need_no_library_of_the_compiler(setup):
    """POSIX threads alone: no OpenMP in the recipe, in the sources, or in what was built."""
    for folder in ("minigrad/kernels/native", "src_c"):
        for path in (ROOT / folder).rglob("*.*"):
            text = path.read_bytes()
            assert not any(word in text for word in (b"prange", b"omp_get", b"GOMP_", b"__kmpc", b"pragma omp")), path
    assert "openmp" not in (ROOT / "setup.py").read_text().lower()
    assert "src_c/team/team.c" in setup.depends("runtime")
    assert {"src_c/team/team.h", "src_c/team/team.c"} & set(setup.depends("matmul")) == set()
