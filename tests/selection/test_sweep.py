"""Sweeps: the same results whoever computes; what fails is reported; what was interrupted goes on."""

import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import minigrad as mg
from minigrad import linear_model as linear
from minigrad import nn, selection
from minigrad.selection.sweep import Line, logged, run


def build():
    return nn.Sequential(nn.Linear(2, 6, activation="relu"), nn.Dropout(0.2), nn.Linear(6, 2))


NETWORK = selection.Network(build, mg.cross_entropy, options=(("lr", 0.02),), epochs=2, first=2, low=1e-3)
QUIET = pytest.mark.filterwarnings("ignore::minigrad.selection.SelectionWarning")


def sweep(**options):
    x, y = mg.data.moons(60, noise=0.2, seed=3)
    return selection.cross_validate(NETWORK, x, y, [0.1, 0.01, 0.001], folds=3, refit=False, **options)


@QUIET
def test_the_callers_random_numbers_are_left_alone():
    mg.manual_seed(5)
    before = mg.rng.get_state()
    first = sweep()
    assert mg.rng.get_state() == before
    mg.manual_seed(6)
    assert (sweep().scores == first.scores).all()
    mg.manual_seed(0)


@QUIET
@pytest.mark.parametrize("backend", ["loky", "threading", "multiprocessing"])
def test_jobs_do_not_matter(backend):
    joblib = pytest.importorskip("joblib", reason="needs joblib, the extra `parallel`")
    expected, threads = sweep(), mg.get_num_threads()
    with joblib.parallel_config(backend=backend):
        assert (sweep(n_jobs=2).scores == expected.scores).all()
    assert mg.get_num_threads() == threads


CLUSTERS = {
    "dask": """
    import distributed
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        with distributed.Client(cluster), joblib.parallel_config(backend="dask"):
            found = sweep(n_jobs=-1)
""",
    "ray": """
    import ray
    from ray.util.joblib import register_ray
    register_ray()
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="error")
    with joblib.parallel_config(backend="ray"):
        found = sweep(n_jobs=2)
""",
}


@QUIET
@pytest.mark.parametrize("cluster", CLUSTERS)
def test_a_cluster_does_not_matter(cluster):
    """Two workers, through joblib's own parallel_config."""
    pytest.importorskip("joblib", reason="needs joblib, the extra `parallel`")
    needed = {"dask": "distributed", "ray": "ray"}[cluster]
    if importlib.util.find_spec(needed) is None:  # not imported here: it starts threads
        pytest.skip(f"needs {cluster}: pip install joblib {needed}")
    program = f"""
import joblib, warnings, sys
sys.path[:0] = sys.argv[1:]
warnings.simplefilter("ignore")
from selection.test_sweep import sweep
if __name__ == "__main__":
    expected = sweep()
{CLUSTERS[cluster]}
    print((found.scores == expected.scores).all())
"""
    folder = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    paths = [folder, *filter(None, sys.path)]
    done = subprocess.run(
        [sys.executable, "-c", program, *paths],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.strip().endswith("True")


def job(value):
    return {"square": value * value, "threads": mg.get_num_threads(), "backend": mg.kernels.backend()}


def test_tasks_compute_with_one_thread_and_the_callers_kernels():
    pytest.importorskip("joblib", reason="needs joblib, the extra `parallel`")
    with mg.use_backend("reference"):
        found = run(job, {str(i): (i,) for i in range(5)}, n_jobs=2, progress=False)
    assert [found[str(i)]["square"] for i in range(5)] == [0, 1, 4, 9, 16]
    assert all(row["threads"] == 1 and row["backend"] == "reference" for row in found.values())


def test_without_joblib_one_line_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "joblib", None)
    with pytest.raises(ImportError, match=r"n_jobs=2 needs joblib: pip install 'minigrad\[parallel\]'"):
        sweep(n_jobs=2)


class Fragile(linear.Regression):
    """Fails at one λ where a certain row is among the training rows."""

    def start(self, x, y, **options):
        solver = super().start(x, y, **options)
        fit = solver.fit
        solver.fit = lambda lam, seed=0: 1 / 0 if lam == 0.1 and 7.0 in y else fit(lam, seed)
        return solver


@QUIET
def test_a_failed_fit_is_reported_and_the_rest_survive():
    x, y = np.random.default_rng(0).standard_normal((20, 3)), np.arange(20.0)
    family = Fragile()
    with pytest.warns(selection.SelectionWarning, match="failed: ZeroDivisionError: division by zero"):
        result = selection.cross_validate(family, x, y, [1.0, 0.1, 0.01], folds=4, seed=1, refit=False)
    assert result.counts.tolist() == [4, 1, 4] and len(result.failures) == 3
    assert result.failures[0]["lambda"] == 0.1 and result.failures[0]["fold"] in range(4)
    assert "fold" in result.table() and np.isfinite(result.scores).sum() == 9
    assert result.best != 1
    assert json.loads(result.to_json())["failures"] == result.failures


@QUIET
def test_a_fit_of_all_rows_that_fails_says_why():
    """One λ fails there, and in no fold: it may be picked, and its model is asked for."""

    class Whole(linear.Regression):
        def start(self, x, y, **options):
            solver = super().start(x, y, **options)
            fit = solver.fit
            solver.fit = lambda lam, seed=0: 1 / 0 if len(x) == 20 and lam == 0.01 else fit(lam, seed)
            return solver

    x = np.random.default_rng(0).standard_normal((20, 3))
    result = selection.cross_validate(Whole(), x, x @ np.ones(3), [1.0, 0.1, 0.01], folds=4)
    assert result.lambda_min == 0.01 and [model is None for model in result.path] == [False, False, True]
    assert result.failures == [{"lambda": 0.01, "fold": None, "failed": "ZeroDivisionError: division by zero"}]
    assert "note: λ = 0.01, all rows: failed: ZeroDivisionError" in result.table()
    with pytest.raises(ValueError, match=r"on all rows, λ = 0.01 could not be fitted; see `notes`"):
        result.model  # noqa: B018


def test_a_grid_without_an_upper_end_says_why():
    x = np.array([[1.0], [-1.0], [1.0], [-1.0]])
    with pytest.raises(ValueError, match="in 4 rows no input varies together with the target"):
        selection.cross_validate(linear.Regression(), x, [1.0, 1.0, 2.0, 2.0], folds=2)


def test_when_nothing_can_be_fitted_the_reason_is_said():
    class Broken(linear.Regression):
        def start(self, x, y, **options):
            raise RuntimeError("no model today")

    with pytest.raises(ValueError, match="the first failure: RuntimeError: no model today"):
        selection.cross_validate(Broken(), np.eye(6), np.arange(6.0), [1.0], folds=2)


def counted(folder, family=None):
    """A family that notes each start in a file, and is killed at the third."""

    class Counted(linear.Regression):
        def start(self, x, y, **options):
            with open(folder / "starts", "a") as file:
                file.write("x")
            if (folder / "starts").stat().st_size == 3 and not (folder / "healed").exists():
                raise KeyboardInterrupt
            return super().start(x, y, **options)

    return Counted()


@QUIET
def test_an_interrupted_sweep_resumes(tmp_path):
    x, y = np.random.default_rng(0).standard_normal((40, 3)), np.arange(40.0)
    options = {"folds": 4, "refit": False, "log": tmp_path / "log.jsonl"}
    with pytest.raises(KeyboardInterrupt):
        selection.cross_validate(counted(tmp_path), x, y, [1.0, 0.1], **options)
    with open(tmp_path / "log.jsonl", "a") as file:
        file.write('{"key": "fold 2", "resu')  # as a process leaves it that is killed while it writes
    (tmp_path / "healed").touch()
    resumed = selection.cross_validate(counted(tmp_path), x, y, [1.0, 0.1], **options)
    assert (tmp_path / "starts").stat().st_size == 3 + 2  # folds 2 and 3 only
    whole = selection.cross_validate(counted(tmp_path), x, y, [1.0, 0.1], folds=4, refit=False)
    assert (resumed.scores == whole.scores).all()
    lines = (tmp_path / "log.jsonl").read_text().splitlines()
    assert len(lines) == 5 and [json.loads(line)["key"] for line in lines[1:]] == [f"fold {f}" for f in range(4)]


def deadly(folder, number):
    """The square of a number. The largest waits for the others' results in the log; a file `shot` kills its worker."""
    log, end = Path(folder, "log.jsonl"), time.monotonic() + 60
    while number == 5 and len(log.read_bytes().splitlines()) < 6:  # the settings, and five results
        assert time.monotonic() < end, "the other tasks are not done after a minute"
        time.sleep(0.01)
    shots = sorted(Path(folder).glob("shot*")) if number == 5 else []
    if shots:
        shots[0].unlink()
        os.kill(os.getpid(), signal.SIGKILL)
    return number * number


def squares(folder, shots):
    for i in range(shots):
        (folder / f"shot{i}").touch()
    tasks = {f"task {i}": (str(folder), i) for i in range(6)}
    return logged(deadly, tasks, folder / "log.jsonl", {"numbers": 6}, n_jobs=2)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="the system has no SIGKILL")
def test_new_workers_go_on_where_one_was_killed(tmp_path):
    pytest.importorskip("joblib", reason="needs joblib, the extra `parallel`")
    with pytest.warns(
        selection.SelectionWarning, match="worker process was killed when 1 of 6 tasks were left; is mem"
    ):
        found = squares(tmp_path, shots=1)
    assert list(found.values()) == [0, 1, 4, 9, 16, 25] and list(found) == [f"task {i}" for i in range(6)]


@pytest.mark.filterwarnings("ignore:sweep. a worker process was killed")
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="the system has no SIGKILL")
def test_a_task_that_kills_its_worker_again_is_an_error_and_the_log_goes_on(tmp_path):
    pytest.importorskip("joblib", reason="needs joblib, the extra `parallel`")
    text = (
        r"killed when 1 of 6 tasks were left.*The results of the others are in .*log.jsonl: the same call goes on there"
    )
    with pytest.raises(RuntimeError, match=text):
        squares(tmp_path, shots=2)
    assert not list(tmp_path.glob("shot*"))
    before = (tmp_path / "log.jsonl").read_bytes()
    assert list(squares(tmp_path, shots=0).values()) == [0, 1, 4, 9, 16, 25]
    after = (tmp_path / "log.jsonl").read_bytes()
    assert after.startswith(before) and len(after.splitlines()) == 7


@QUIET
@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"seed": 1}, "seed was 0, now it is 1"),
        ({"lambdas": [1.0, 0.2]}, "lambdas was"),
        ({"folds": 3}, "folds was 4, now it is 3"),
        ({"family": linear.Regression(0.5)}, "l1_ratio was 1.0, now it is 0.5"),
        ({"y": np.arange(40.0)[::-1]}, "data was"),
    ],
)
def test_a_log_of_other_settings_is_refused(tmp_path, change, named):
    good = {
        "family": linear.Regression(),
        "x": np.random.default_rng(0).standard_normal((40, 3)),
        "y": np.arange(40.0),
        "lambdas": [1.0, 0.1],
        "folds": 4,
        "refit": False,
        "log": tmp_path / "log.jsonl",
    }
    selection.cross_validate(**good)
    before = (tmp_path / "log.jsonl").read_bytes()
    with pytest.raises(ValueError, match=f"log.jsonl: the log is of another sweep: {named}"):
        selection.cross_validate(**(good | change))
    assert (tmp_path / "log.jsonl").read_bytes() == before


@pytest.mark.parametrize(
    "content", [b"hello\n", b"no newline", b'{"kind": "minigrad sweep 1"}\n{"key": 1}\n', b"\xff\n"]
)
def test_a_file_that_is_no_log_is_refused_and_kept(tmp_path, content):
    (tmp_path / "notes").write_bytes(content)
    with pytest.raises(ValueError, match=r"notes(:\d)?: "):
        selection.cross_validate(linear.Regression(), np.eye(6), np.arange(6.0), [1.0], folds=2, log=tmp_path / "notes")
    assert (tmp_path / "notes").read_bytes() == content


def test_progress_line(capsys):
    run(job, {"a": (1,), "b": (2,)}, progress=True, label="cv")
    assert [line.split(",")[0] for line in capsys.readouterr().err.splitlines()] == ["cv: 1/2", "cv: 2/2"]
    run(job, {"a": (1,)})
    assert capsys.readouterr().err == ""
    assert not Line("cv", 1, 0, None, sys.stderr).on


def nn_of_three():
    return nn.Linear(3, 1)


class Answers:
    """A model that answers NaN in some rows, as a network that diverged does."""

    nonzeros = 1

    def __init__(self, bad):
        self.bad = bad

    def output(self, x):
        return np.where(x[:, :1] > 0, np.nan if self.bad else 1.0, -1.0) * np.array([-1.0, 1.0])


class Diverges(linear.Logistic):
    """Its models at λ = 0.1 answer NaN."""

    def start(self, x, y, **options):
        solver = super().start(x, y, **options)
        solver.fit = lambda lam, seed=0: Answers(lam == 0.1)
        return solver


@QUIET
@pytest.mark.parametrize("score", ["accuracy", "log_loss"])
def test_a_fold_that_diverged_is_a_failed_fit(score):
    """An argmax takes NaN for class 0, so that a plausible accuracy would come out."""
    x = np.random.default_rng(0).standard_normal((40, 2))
    y = (x[:, 0] > 0).astype(int)
    found = selection.cross_validate(Diverges(), x, y, [1.0, 0.1], score=score, folds=4, refit=False)
    assert found.counts.tolist() == [4, 0] and found.best == 0
    assert "NonFiniteError: the model answers nan in" in found.failures[0]["failed"]

    def train(x, y, seed, bad):
        return Answers(bad)

    searched = selection.search(train, selection.grid(bad=[False, True]), x, y, score=score, folds=4)
    assert np.isnan(searched.scores[1]).all() and searched.best == {"bad": False}
    with pytest.raises(ValueError, match=r"outer fold 0: .*no λ was fitted in every fold.*the model answers nan"):
        selection.nested_cross_validate(Diverges(), x, y, [0.1], score=score)


@QUIET
def test_a_network_that_diverges_is_a_failed_fit():
    x = np.random.default_rng(0).standard_normal((40, 3))
    family = selection.Network(
        nn_of_three, mg.mse, classifies=False, optimizer=mg.optim.SGD, options=(("lr", 1e9),), epochs=30
    )
    with pytest.raises(ValueError, match="no λ was fitted in every fold; the first failure: NonFiniteError"):
        selection.cross_validate(family, x, x[:, 0], [1e-3])
