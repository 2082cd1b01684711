"""One answer on every processor: the self-test's hashes are those of hashes.json, whoever compiled it for whatever.

`make cross` runs this file. Under qemu-user the NEON kernels really run, on any machine.
"""

import json
import re

import pytest
from cross.selftest import FILE, ROOT, build, differences, hashes, missing, recipe

pytestmark = pytest.mark.cross
NATIVE = recipe().MACHINE if not missing() else ""
BUILDS = {  # name: compiler, machine, what to link with, what runs it
    "gcc": ("gcc", NATIVE, [], []),
    "clang": ("clang", NATIVE, [], []),
    "aarch64": ("aarch64-linux-gnu-gcc", "aarch64", ["-static"], ["qemu-aarch64"]),
}


@pytest.mark.parametrize("name", BUILDS)
def test_hashes_are_equal_on_every_variant(name):
    compiler, machine, link, emulator = BUILDS[name]
    if absent := missing(compiler, *emulator):
        pytest.skip(absent)
    found = hashes(*emulator, build(name, compiler, machine, link=link))
    setup = recipe()
    assert list(found) == ["naive", *setup.VARIANTS[machine]][: len(found)] and len(found) >= 3, list(found)
    wrong = differences(found, json.loads(FILE.read_text()))
    assert not wrong, f"{compiler} for {machine} differs from hashes.json in\n{wrong}"


def test_every_kernel_of_every_table_has_a_hash():
    """A kernel that is added to a table is added to the self-test."""
    if absent := missing():
        pytest.skip(absent)
    checked = {re.sub("_f(32|64)$", "", name) for name in json.loads(FILE.read_text())}
    for family, folder in recipe().FAMILIES.items():
        header = (ROOT / "src_c" / folder / f"{family}.h").read_text()
        members = re.findall(r"\(\*(\w+?)(?:_f\d\d|_##bits)?\)\(|mg_update_f32 (\w+)_f32;|\bX\((\w+)\)", header)
        names = {"".join(member) for member in members} - {"map", "matmul_scratch"}
        assert names, family
        assert {f"{family} {name}" for name in names} <= checked


def test_a_difference_is_named():
    expected = json.loads(FILE.read_text())
    found = {"naive": dict(expected), "neon": {**expected, "update adam_f32": "0"}}
    assert differences(found, expected) == "neon: update adam_f32"
    del found["naive"]["random normal_f64"]
    assert differences(found, expected).startswith("naive: random normal_f64\n")
