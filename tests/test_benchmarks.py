"""benchmarks: the command runs, prints a table, writes JSON; its arithmetic is right. No test looks at a time."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parent.parent
pytestmark = pytest.mark.skipif(
    not (ROOT / "benchmarks").exists(), reason="needs the checkout, not an installed package"
)


@pytest.fixture(autouse=True)
def checkout(monkeypatch):
    """benchmarks is a package of the checkout, not of the installation."""
    monkeypatch.syspath_prepend(str(ROOT))


def bench(*arguments, **environment):
    return subprocess.run(
        [sys.executable, "-m", "benchmarks", *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_a_quick_run_prints_a_table_and_writes_json(tmp_path):
    done = bench(
        "matmul",
        "--quick",
        "--sizes",
        "8x9x10",
        "--peers",
        "numpy",
        "--threads",
        "1",
        "--json",
        str(tmp_path / "b.json"),
        OPENBLAS_CORETYPE="Prescott",
        MINIGRAD_BACKEND="reference",
    )
    assert done.returncode == 0, done.stderr
    table = done.stdout[done.stdout.index("matmul:") :].splitlines()
    assert table[2].split() == ["time", "±", "GFLOP/s", "roof", "x", "NumPy"]
    assert table[3].split()[:2] == ["(8x9)(9x10)", "NumPy"]
    default = json.loads((tmp_path / "b.json").read_text())["machine"]["default"]
    assert sum(f"> {default} " in line for line in table) == 1
    assert any(line.startswith(f"{default}, the default here, is ") for line in table)
    assert "OPENBLAS_CORETYPE was Prescott" in done.stdout
    found = json.loads((tmp_path / "b.json").read_text())
    rows = {row["who"]: row for row in found["families"]["matmul"]}
    assert {"NumPy", "reference"} <= set(rows) and not found["complaints"]
    native = [who for who in rows if who.startswith("minigrad ")]
    assert bool(native) == bool(list((ROOT / "minigrad/kernels/native").glob("matmul.*.so")))
    for row in rows.values():
        assert row["agrees"] and row["seconds"] == pytest.approx(float(np.median(row["samples"])))
        assert len(row["samples"]) == 3 and row["threads"] == 1
    assert rows["NumPy"]["flops"] == 2 * 8 * 9 * 10 and rows["NumPy"]["times numpy"] == 1
    assert found["machine"]["cpu"] and found["machine"]["versions"]["numpy"] == np.__version__


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["step", "--sizes", "S9"], "there is no step S9"),
        (["losses", "--sizes", "32"], "rows x classes"),
        (["matmul", "--threads", "0"], "0 is no number of threads"),
    ],
)
def test_a_wrong_option_gives_one_line(arguments, message, capsys):
    from benchmarks.harness.command import main

    assert main([*arguments, "--quick", "--peers"]) == 2
    error = capsys.readouterr().err
    assert message in error and len(error.splitlines()) == 1


def make_row(who, threads, seconds, peer="minigrad", label="", flops=0.0, bytes=0.0):
    from benchmarks.harness.driver import Row

    row = Row(who, peer, label or who, threads, flops, bytes, [], None, len(seconds))
    row.samples = dict(enumerate(seconds))
    return row


def test_ratios_are_medians_over_rounds():
    slow, fast = make_row("a", 1, [2.0, 40.0, 4.0]), make_row("b", 1, [1.0, 10.0, 4.0])
    assert fast.over(slow) == 2.0  # of 2, 4, 1: a disturbance that hits both rows of a round does not count
    assert (slow.median, slow.best) == (4.0, 2.0)
    late = make_row("c", 1, [1.0])
    assert late.over(slow) == 2.0


def test_results_know_roofs_numpy_and_threads():
    from benchmarks.harness import table
    from benchmarks.harness.case import Case

    rows = [
        make_row("NumPy", 1, [8e-6] * 3, "numpy", flops=1e6, bytes=4e3),
        make_row("NumPy raw", 1, [4e-6] * 3, "numpy", flops=1e6, bytes=4e3),
        make_row("minigrad avx2", 1, [2e-6] * 3, flops=1e6, bytes=4e3),
        make_row("minigrad avx2", 2, [1e-6] * 3, flops=1e6, bytes=4e3),
        make_row("FMA peak", 1, [1e-6] * 3, flops=1e6),
        make_row("copy", 1, [0.5e-6] * 3, bytes=4e3),
    ]
    case = Case("case", "float32", {}, 1e6, 4e3)
    found = {(r["who"], r["threads"]): r for r in table.results(case, rows, ("FMA", "copy"), "GFLOP/s")}
    native = found["minigrad avx2", 1]
    assert native["times numpy"] == 2.0  # the best row of NumPy counts
    assert native["share of roof"] == pytest.approx(0.75)  # (1 + 0.5) of 2 us
    assert native["rate"] == pytest.approx(500)
    assert found["minigrad avx2", 2]["gain of threads"] == 2.0
    assert found["copy", 1]["times numpy"] is None
    text = table.lines(list(found.values()), [1, 2], (8, 16))
    assert text[2].split() == [
        "minigrad",
        "avx2",
        "2.00",
        "us",
        "0%",
        "500.0",
        "75%",
        "2.00",
        "1.00",
        "us",
        "0%",
        "1000.0",
        "2.00",
    ]


def test_answers_that_differ_are_marked():
    from benchmarks.harness import table
    from benchmarks.harness.case import Case, agree, digest

    x = np.arange(10.0)
    y = x.copy()
    y[3] = 5
    assert agree(digest(x), digest(x + 1e-7), 1e-5)
    assert not agree(digest(x), digest(y), 1e-3)
    assert not agree(digest(x), digest(x[::-1]), 1e-3)
    assert not agree(digest(x), digest(x * np.nan), 1e-3)
    row = make_row("numba", 1, [1e-6])
    row.agrees = False
    text = table.lines(table.results(Case("c", "float32", {}, 0, 0), [row], (), "GB/s"), [1], (4, 8))
    assert "1.00 us!" in text[0] and "differ from NumPy's" in text[1]


def test_workers_see_no_settings_but_their_threads(monkeypatch):
    from benchmarks.harness.driver import clean_environment

    for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "OMP_WAIT_POLICY", "MINIGRAD_CPU", "XLA_FLAGS"):
        monkeypatch.setenv(name, "1")
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    clean = clean_environment(2)
    numeric = {name: value for name, value in clean.items() if name.startswith(("OPENBLAS", "OMP", "MINIGRAD", "XLA"))}
    assert numeric == {"OPENBLAS_NUM_THREADS": "2", "OMP_NUM_THREADS": "2", "MINIGRAD_NUM_THREADS": "2"}


def test_all_families_are_the_default():
    from benchmarks.harness.command import families, parser
    from benchmarks.harness.families import MODULES

    assert families(parser().parse_args([])) == families(parser().parse_args(["all"])) == tuple(MODULES)
    assert families(parser().parse_args(["step", "matmul", "step"])) == ("step", "matmul")


def test_every_case_of_every_family_has_a_name_of_its_own_and_work():
    from benchmarks.harness.families import MODULES, family

    for name in MODULES:
        for quick in (True, False):
            cases = family(name).cases([], quick)
            assert len({case.name for case in cases}) == len(cases) > 0
            assert all(case.flops or case.bytes for case in cases)
            assert json.loads(json.dumps([case._asdict() for case in cases]))


@pytest.mark.parametrize("peer", [None, pytest.param("torch", marks=pytest.mark.peers)])
def test_trainings_learn_alike(peer):
    """After three calls every peer reads the training rows equally well, and better than by chance."""
    import minigrad.kernels as K
    from benchmarks.harness.case import agree
    from benchmarks.training import epochs

    (case,) = epochs.cases([], quick=True)
    found = {**epochs.by_numpy(case), **epochs.by_kernels(K, case)}
    if peer:
        pytest.importorskip(peer, reason="needs the extra `peers`")
        found |= epochs.by_torch(case)
    for run in found.values():
        for _ in range(3):
            run.call()
    answers = [run.answer() for run in found.values()]
    assert answers[0][0] > 0.5 and all(agree(answers[0], other, epochs.TOLERANCE) for other in answers)
    for size, message in (("1000x1", "need a multiple of 32"), ("960", "need rows x epochs"), ("96x0", "one epoch")):
        with pytest.raises(ValueError, match=message):
            epochs.cases([size], quick=True)


@pytest.mark.parametrize("name", ["S0", "S1-SGD", "S2-10", "S4"])
def test_numpy_by_hand_takes_the_steps_of_minigrad(name):
    """The hand-written derivatives are right: three steps move the weights as autograd does."""
    from benchmarks.harness.case import agree
    from benchmarks.steps import STEPS, by_hand, minigrad

    step = STEPS[name]
    answers = []
    for run in [*by_hand.runs(step).values(), *minigrad.runs(step).values()]:
        for _ in range(3):
            run.call()
        answers.append(run.answer())
    assert all(agree(answers[0], other, 1e-3) for other in answers)


def test_the_roofline_figure_is_written(tmp_path):
    pytest.importorskip("matplotlib", reason="needs matplotlib: pip install 'minigrad[figures]'")
    from benchmarks.harness.figure import points, roofline

    rows = [
        {"who": who, "case": "S0: x", "threads": 1, "dtype": "float32", "seconds": s, "flops": 1e6, "bytes": 1e4}
        for who, s in [("NumPy", 2e-5), ("minigrad avx2", 2e-5), ("minigrad avx512", 1e-5), ("PyTorch fused", 1e-6)]
    ]
    found = {
        "machine": {
            "cpu": "test",
            "date": "2026-01-01 00:00",
            "roofs": {"1": {"GFLOP/s": {"float32": {"avx2": 100.0, "avx512": 200.0}}, "GB/s": {"L1": 100.0}}},
        },
        "families": {"step": rows},
    }
    assert [(peer, rate) for *_, peer, _, rate in points(found, 1)] == [
        ("numpy", pytest.approx(50.0)),
        ("minigrad", pytest.approx(100.0)),
    ]
    roofline(found, tmp_path / "roof.png")
    assert (tmp_path / "roof.png").read_bytes().startswith(b"\x89PNG")


def row(who, case, times, threads=1):
    """A row as the JSON keeps it, of which tables and dots read what is here."""
    return {"who": who, "case": case, "dtype": "float32", "threads": threads, "base": "numpy", "times numpy": times}


def test_dots_show_what_is_slower_in_another_colour(tmp_path):
    pytest.importorskip("matplotlib", reason="needs matplotlib: pip install 'minigrad[figures]'")
    from benchmarks.harness.figure import dots
    from minigrad.insight.plotting import BETTER, WORSE

    rows = [row("minigrad avx2", "128³", 2.0), row("minigrad avx2", "sum", 0.5), row("naive C", "sum", 0.01)]
    machine = {"cpu": "test", "date": "2026-01-01 00:00", "default": "minigrad avx2"}
    dots({"machine": machine, "families": {"matmul": rows}}, tmp_path / "dots.svg")
    svg = (tmp_path / "dots.svg").read_text()
    assert "minigrad avx2 is faster than its rival in 1 of 2 cases, slower in 1" in svg
    assert BETTER in svg and WORSE in svg and "naive" not in svg
    with pytest.raises(ValueError, match="no family has a row of minigrad"):
        dots({"machine": {**machine, "default": "minigrad avx512"}, "families": {"matmul": rows}}, tmp_path / "no.svg")


def test_a_table_marks_the_default_and_ends_in_a_sentence():
    from benchmarks.harness import table

    rows = [
        row("naive C", "a", 0.1),
        row("minigrad avx2", "a", 2.0),
        row("minigrad avx2", "b", 0.5),
        row("NumPy", "a", 1),
    ]
    assert table.in_order([r["who"] for r in rows[:2]] + ["copy"]) == ["minigrad avx2", "copy", "naive C"]
    said = table.sentence(rows, "minigrad avx2")
    assert (
        said.endswith("median of 2 cases; slower in 1, at the least 0.50 times as fast (b).") and "1.25 times" in said
    )
    assert table.sentence(rows, "minigrad avx512") == ""
    full = [{**r, "seconds": 1e-3, "spread": 0.0, "rate": None, "share of roof": None, "agrees": True} for r in rows]
    for r in full:
        r["gain of threads"] = None
    shown = table.lines([r for r in full if r["case"] == "a"], [1], (4, 20), "minigrad avx2")
    assert shown[0].startswith("a   > minigrad avx2") and shown[-1].strip().startswith("naive C")


def test_the_engine_is_timed_per_op_beside_pytorch():
    from benchmarks.engine import overhead
    from benchmarks.harness import table
    from benchmarks.harness.case import Case

    case = Case("forward y * 0.999", "float32", {"phase": "forward", "op": "y * 0.999", "lengths": [10]}, 1, 0)
    (run,) = overhead.runs(overhead.of_minigrad(case.params["op"]), case).values()
    run.call()
    y, gradient = run.answer()
    assert (y, gradient) == (pytest.approx(0.5 * 0.999**10), pytest.approx(0.999**10))
    assert 0 < run.timed() < 1
    rows = [make_row("minigrad avx2", 1, [1e-6] * 3), make_row("PyTorch", 1, [4e-6] * 3, "torch")]
    found = table.results(case, rows, (), "", "torch")
    assert found[0]["times torch"] == 4.0
    assert overhead.notes(found, [], True) == ["forward: 0.25 of PyTorch's time (target 0.6)"]
    assert "x PyTorch" in table.head("", "", [1], (8, 8), "torch")[2]


def test_two_threads_are_timed_against_one_call_by_call(monkeypatch):
    import minigrad.kernels as K
    from benchmarks.engine import threads

    monkeypatch.setattr(threads, "SLICE", 0.005)
    before = K.get_num_threads()
    times = threads.measure("matmul 32x784x64", 0.02)
    K.set_num_threads(before)
    assert times.keys() == {"1", "2"} and all(t > 0 for found in times.values() for t in found)
    shown = threads.line("lower", "S0", {"1": [1e-4] * 100, "2": [1e-4] * 97 + [2e-3] * 3})
    assert shown.startswith("lower  S0") and shown.endswith("over: mean, p99") and "x   1.00" in shown
    assert "over" not in threads.line("quiet", "S0", {"1": [1e-4], "2": [1.0]})
    with pytest.raises(ValueError, match="there is no S9"):
        threads.cases(["S9"], True)
