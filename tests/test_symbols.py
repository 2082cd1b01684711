"""A search for the name of a C function, such as mg_elastic_net_grad_f32, leads to the file that defines it."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

import minigrad

ROOT = Path(__file__).parent.parent
SOURCES = ROOT / "src_c"
BUILT = sorted((Path(minigrad.__file__).parent / "kernels" / "native").glob("*.so"))
TABLE = re.compile(r"^const mg_(\w+)_table MG_TABLE\((\w+)\) = \{\n(.*?)^\};$", re.DOTALL | re.MULTILINE)
FAMILIES = sorted(path for path in SOURCES.rglob("*.c") if "MG_TABLE(" in path.read_text(encoding="utf-8"))

pytestmark = pytest.mark.skipif(not FAMILIES, reason="needs the checkout, not an installed package")


def plain(path):
    """The text of a C file without comments."""
    return re.sub(r"/\*.*?\*/", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)


def fields(family, folder):
    """The members of `mg_<family>_table` in the family's header: its kernels."""
    body = re.search(rf"typedef struct \{{([^{{}}]*)\}} mg_{family}_table;", plain(folder / f"{family}.h"))[1]
    found = []
    for statement in filter(None, map(str.strip, body.split(";"))):
        pointer = re.match(r"[\w ]+\(\*(\w+)(\[\w+\])*\)\(", statement)
        found += [pointer[1]] if pointer else re.findall(r"(\w+)(?=\[|,|$)", re.sub(r"\[\w+\]", "[", statement))
    return found


def with_own_headers(path):
    """The text of a C file, and of the headers of its folder that it includes."""
    text = plain(path)
    own = re.findall(rf'#include "({path.parent.name}/\w+\.h)"', text)
    return text + "".join(plain(SOURCES / header) for header in own)


@pytest.mark.parametrize("path", FAMILIES, ids=lambda path: path.stem)
def test_a_table_names_each_function_in_full(path):
    """Each kernel of the family with both its functions, each defined as FN(name) there or in a header beside it."""
    text = with_own_headers(path)
    family, again, body = TABLE.search(text).groups()
    assert family == again == path.stem.removesuffix("_naive")
    assert f"mg_{family}_tables[]" in plain(path.parent / f"{family}.h")
    given = re.findall(r"^    \.(\w+) =", body, re.MULTILINE)
    assert given == fields(family, path.parent), "a kernel that the table leaves out would be a null pointer"
    for single, double in re.findall(r"\{(\w+), (\w+)\}", body):
        name = single.removeprefix("mg_").removesuffix("_f32")
        assert (single, double) == (f"mg_{name}_f32", f"mg_{name}_f64")
        assert re.search(rf"^(static|INLINE) [\w ]+ \*?FN\({name}\)\(", text, re.MULTILINE), (
            f"{path.name} and its headers do not define {single} as FN({name})"
        )
    assert "##" not in body and len(re.findall(r"mg_\w+_f32", body)) == len(re.findall(r"mg_\w+_f64", body))


def test_what_is_built_is_found_by_a_search():
    """Of the functions in the compiled modules, those that tables point to: each name stands in src_c as it is."""
    if not BUILT:
        pytest.skip("needs the native kernels")
    if shutil.which("nm") is None:
        pytest.skip("needs nm, of binutils")
    pointed_to = {name for path in FAMILIES for name in re.findall(r"mg_\w+_f(?:32|64)", TABLE.search(plain(path))[3])}
    built = set()
    for module in BUILT:
        listed = subprocess.run(["nm", str(module)], capture_output=True, text=True, check=True).stdout
        built |= set(re.findall(r" [tT] (mg_\w+?_f(?:32|64))$", listed, re.MULTILINE))
    if not built:
        pytest.skip("the modules were stripped of their symbols")
    assert pointed_to <= built, sorted(pointed_to - built)
    assert {"mg_elastic_net_grad_f32", "mg_matmul_f64", "mg_adam_f32"} <= pointed_to
