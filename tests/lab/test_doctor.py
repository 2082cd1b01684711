"""minigrad doctor: well on a good installation, and by name what was broken on purpose."""

import json

import numpy as np
import pytest

import minigrad as mg
from minigrad import cli
from minigrad import kernels as K
from minigrad.lab import doctor
from minigrad.lab.golden import runs

native = pytest.mark.skipif(K.runtime is None, reason="no compiled kernels in this installation")


@native
def test_a_good_installation_is_well(capsys):
    with mg.use_backend("native"):
        assert cli.main(["doctor", "--quick"]) == 0
    said = capsys.readouterr().out
    assert "Nothing is wrong." in said and "naive" in said and "NumPy" in said


@native
def test_a_broken_kernel_is_named(monkeypatch, capsys):
    def wrong(x, out):
        K.reference.tanh(x, out)
        out.reshape(-1)[0] += 0.01

    with mg.use_backend("native"):
        monkeypatch.setattr(K, "tanh", wrong)
        assert cli.main(["doctor", "--quick", "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert not found["well"]
    assert any(
        "tanh: tanh(float32 (37, 66), float32 (37, 66)): the native kernel gave" in f["what"] for f in found["findings"]
    )
    assert all(f["cure"] for f in found["findings"])


@native
def test_a_variant_with_other_bits_is_named(monkeypatch, capsys):
    tanh, last = K.tanh, K.runtime.supported()[-1]

    def wrong(x, out):
        tanh(x, out)
        if K.cpu_variant() == last:
            out.reshape(-1)[0] = np.nextafter(out.reshape(-1)[0], 2)

    with mg.use_backend("native"):
        monkeypatch.setattr(K, "tanh", wrong)
        health = doctor.examine(quick=True)
    (finding,) = health.findings
    assert (
        finding.what == f"{last}: tanh has other bits than the naive variant" and "MINIGRAD_CPU=naive" in finding.cure
    )
    assert K.cpu_variant() == last


@native
def test_a_hash_that_differs_is_said(monkeypatch):
    monkeypatch.setattr(runs, "differences", lambda dtype: f"{dtype}: the first difference is in stage 'adam'")
    health = doctor.Health()
    with mg.use_backend("native"):
        doctor._golden(health)
    assert len(health.findings) == 2 and "stage 'adam'" in str(health) and "2 things are wrong" in str(health)


def test_without_compiled_kernels(monkeypatch):
    monkeypatch.setattr(K, "runtime", None)
    with mg.use_backend("reference"):
        health = doctor.examine(quick=True)
    (finding,) = health.findings
    assert "NumPy reference computes" in finding.what and "C compiler" in finding.cure


def test_missing_extras_come_with_their_install_line(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    health = doctor.Health()
    doctor._installed(health)
    assert (
        "matplotlib",
        "missing, for figures of demo, cv, path, articles, claims: pip install 'minigrad[figures]'",
    ) in (health.sections["Extras"])
