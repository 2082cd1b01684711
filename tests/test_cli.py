"""The command line: what it prints, its exit status, and errors without a traceback."""

import subprocess
import sys

import pytest

import minigrad
from minigrad import cli, kernels
from minigrad.lab import shipped


def run(*arguments, **environment):
    import os

    return subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "minigrad", *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, **environment},
        encoding=environment.get("PYTHONIOENCODING", "utf-8"),
    )


def test_info_as_a_module():
    found = run("info", PYTHONIOENCODING="utf-8")
    assert found.returncode == 0, found.stderr
    for word in (minigrad.__version__, "backend", "threads", "python", "mnist"):
        assert word in found.stdout


def test_help_names_every_option(capsys):
    with pytest.raises(SystemExit) as stopped:
        cli.main(["demo", "--help"])
    assert stopped.value.code == 0
    text = capsys.readouterr().out
    for option in ("--data", "--out", "--seeds", "--epochs", "--quick", "--no-figures", "--threads", "--download"):
        assert option in text


def test_version(capsys):
    with pytest.raises(SystemExit) as stopped:
        cli.main(["--version"])
    assert stopped.value.code == 0
    assert capsys.readouterr().out == f"minigrad {minigrad.__version__}\n"


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["dmeo"],
        ["demo", "--seeds", "0"],
        ["demo", "--epochs", "two"],
        ["demo", "--threads", "-1"],
        ["demo", "--dat", "x"],
    ],
)
def test_wrong_arguments_end_with_2(arguments, capsys):
    with pytest.raises(SystemExit) as stopped:
        cli.main(arguments)
    assert stopped.value.code == 2
    assert "minigrad" in capsys.readouterr().err


def test_missing_mnist_is_one_line_that_says_what_to_do(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("MINIGRAD_DATA", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cli.main(["demo", "--data", "mnist", "--out", str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert error.startswith("minigrad demo: ") and "MINIGRAD_DATA" in error and "--download" in error
    assert "Traceback" not in error


def test_a_folder_that_cannot_be_written(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert cli.main(["demo", "--seeds", "1", "--epochs", "1", "--no-figures", "--out", str(tmp_path / "file")]) == 2
    assert "file" in capsys.readouterr().err


def test_threads_hold_for_the_command(capsys):
    before = minigrad.get_num_threads()
    assert cli.main(["info", "--threads", "1"]) == 0
    assert "threads      1\n" in capsys.readouterr().out
    assert minigrad.get_num_threads() == before


def command(*arguments, **environment):
    """The command as a process of its own, not waited for."""
    import os

    return subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", "minigrad", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, **environment},
    )


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_pipe_that_closes_ends_it_without_a_word(unbuffered, tmp_path):
    """`minigrad cv ... | head -1`: nothing on stderr, and the report is there all the same."""
    out = tmp_path / "out"
    options = ["--count", "3", "--no-figures", "--out", str(out)]
    started = command("cv", "moons", *options, PYTHONUNBUFFERED=unbuffered)
    started.stdout.close()
    assert started.wait(120) == 141 and started.stderr.read() == b""
    started.stderr.close()
    assert (out / "cv.html").exists()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs Linux's /dev/full")
def test_output_that_cannot_be_written(tmp_path):
    told = [sys.executable, "-W", "ignore", "-m", "minigrad", "info"]
    with open("/dev/full", "w") as full:
        done = subprocess.run(told, stdout=full, stderr=subprocess.PIPE, timeout=120, check=False)
    assert done.returncode == 2 and done.stderr.endswith(b": no space left on device\n")
    assert done.stderr.count(b"\n") == 1


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "latin-1"])
def test_any_console(encoding, tmp_path):
    """λ is in the help, in errors and in what cv prints; the files hold it whatever the console takes."""
    assert run("cv", "--help", PYTHONIOENCODING=encoding).returncode == 0
    found = run("cv", "moons", "--count", "3", "--no-figures", "--out", str(tmp_path), PYTHONIOENCODING=encoding)
    assert (found.returncode, found.stderr) == (0, "") and "best mean at lambda = " in found.stdout
    assert "best mean at λ = " in (tmp_path / "cv.txt").read_text(encoding="utf-8")
    found = run("cv", "λ.csv", PYTHONIOENCODING=encoding)
    assert found.returncode == 2 and "no file 'lambda.csv'" in found.stderr


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"MINIGRAD_CPU": "avx1024"}, "minigrad: MINIGRAD_CPU='avx1024': this processor runs naive, generic"),
        ({"MINIGRAD_BACKEND": "nativ"}, "minigrad: use_backend: 'nativ' is none of 'native', 'reference'"),
        ({"MINIGRAD_NUM_THREADS": "two"}, "minigrad: MINIGRAD_NUM_THREADS='two': need a whole number of at least 1"),
    ],
)
def test_wrong_variables_are_one_line(variables, said):
    if "MINIGRAD_CPU" in variables and minigrad.kernels.runtime is None:
        pytest.skip("needs the compiled kernels")
    if minigrad.kernels.runtime is None and "MINIGRAD_NUM_THREADS" in variables:
        pytest.skip("needs the compiled kernels")
    found = run("info", **variables)
    assert found.returncode == 2 and found.stderr.startswith(said) and found.stderr.count("\n") == 1


def test_the_usage_is_that_of_the_command(capsys):
    for arguments, said in (
        (["cv", "digits", "--modle", "mlp"], "did you mean --model?"),
        (["path", "digits", "--coutn", "3"], "did you mean --count?"),
        (["demo", "--sedes", "1"], "did you mean --seeds?"),
        (["bench", "matmull"], "invalid choice"),
    ):
        with pytest.raises(SystemExit) as stopped:
            cli.main(arguments)
        error = capsys.readouterr().err
        assert stopped.value.code == 2 and error.startswith(f"usage: minigrad {arguments[0]} ") and said in error
    with pytest.raises(SystemExit):
        cli.main(["dmeo"])
    assert "did you mean demo?" in capsys.readouterr().err


def test_help_of_bench_without_its_programs(monkeypatch, capsys, tmp_path):
    """The package alone, neither a checkout nor installed: --help answers, and anything else says what is missing."""
    from minigrad.lab import shipped

    monkeypatch.setattr(shipped, "PACKAGE", tmp_path / "minigrad")
    assert cli.main(["bench", "--help"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("usage: minigrad bench") and "no examples/ and benchmarks/" in out
    assert cli.main(["bench", "--quick"]) == 2
    assert "no examples/ and benchmarks/" in capsys.readouterr().err


@pytest.mark.parametrize("which", ["demo", "cv", "claims"])
def test_out_that_is_a_file(which, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    arguments = {"demo": ["demo"], "cv": ["cv", "moons"], "claims": ["claims", "C1"]}[which]
    assert cli.main([*arguments, "--out", str(tmp_path / "file")]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"minigrad {which}: --out ") and "name a folder" in error and error.count("\n") == 1


def test_ctrl_c_ends_with_130(monkeypatch, capsys):
    def interrupted():
        raise KeyboardInterrupt

    monkeypatch.setattr(kernels, "report", interrupted)
    assert cli.main(["info"]) == 130
    assert "interrupted" in capsys.readouterr().err


def test_bench_without_its_programs_still_answers_help(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(shipped, "PACKAGE", tmp_path / "minigrad")
    assert cli.main(["bench", "--help"]) == 0
    assert "usage: minigrad bench" in capsys.readouterr().out
    assert cli.main(["bench", "penalty"]) == 2
    assert "install minigrad anew" in capsys.readouterr().err
