"""One answer on every processor: the self-test's hashes are those of hashes.json, whoever compiled it for whatever.

`make cross` runs this file. Under qemu-user the NEON kernels really run, on any machine.
"""

import json
import re

import pytest
from cross.selftest import FILE, ROOT, build, differences, hashes, missing, recipe
from cross.team import build_team, run_team

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


@pytest.mark.parametrize("name", BUILDS)
def test_the_team_computes_every_part_once(name, tmp_path):
    compiler, _machine, link, emulator = BUILDS[name]
    if absent := missing(compiler, *emulator):
        pytest.skip(absent)
    run_team(build_team(compiler, tmp_path, link=link), 4000 if emulator else 50_000, "fork", before=emulator)


def kernels_of(family, folder):
    """The members of a family's table, and the ops or rules that its `map` or `update` takes."""
    header = (ROOT / "src_c" / folder / f"{family}.h").read_text()
    if '#include "base/operand.h"' in header:
        header += (ROOT / "src_c/base/operand.h").read_text()
    table = re.search(rf"typedef struct {{([^{{}}]*)}} mg_{family}_table;", header).group(1)
    members = re.findall(r"\(\*(\w+)(?:\[2\])?\)\(", table)
    for declared in re.findall(r"^ *mg_\w+ (.+);", table, re.MULTILINE):
        members += re.findall(r"(\w+)(?:\[\w+\])*(?:, |$)", declared)
    ops = re.findall(r"\bX\((\w+)\)", header) + re.findall(r"\bmg_op_(\w+),", header)
    assert table.count(";") <= len(members), f"{family}: {members}"
    return set(members), set(ops)


def test_every_kernel_of_every_table_has_a_hash():
    """A kernel that is added to a table, or an op to the maps, is added to the self-test."""
    if absent := missing():
        pytest.skip(absent)
    checked = {re.sub("_f(32|64)$", "", name) for name in json.loads(FILE.read_text())}
    families, ops_of = recipe().FAMILIES, {}
    for family, folder in families.items():
        members, ops = kernels_of(family, folder)
        ops_of[family] = ops
        memory = {name for name in members if name.endswith("_scratch")} | {"conv2d_filters", "pool_outside"}
        named = members - {"map", "update"} - memory
        assert members, family
        assert not {name for name in named if f"{family} {name}" not in checked}
        assert bool(ops) == bool(members & {"map", "update"}), (family, members, ops)
    for op in set().union(*ops_of.values()):  # of two families with one list of ops, either has it
        assert any(f"{family} {op}" in checked for family, ops in ops_of.items() if op in ops), op


def test_a_difference_is_named():
    expected = json.loads(FILE.read_text())
    found = {"naive": dict(expected), "neon": {**expected, "update adam_f32": "0"}}
    assert differences(found, expected) == "neon: update adam_f32"
    del found["naive"]["random normal_f64"]
    assert differences(found, expected).startswith("naive: random normal_f64\n")
