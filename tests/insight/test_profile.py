"""The profile: every kernel call is counted, ops are told apart, nothing stays behind, and the files open."""

import json
import time

import numpy as np
import pytest

import minigrad as mg
from minigrad import kernels as K
from minigrad import nn, optim
from minigrad.insight.tally import Tally, against, flops_of, ulps
from minigrad.kernels import reference


@pytest.fixture
def step():
    mg.manual_seed(0)
    model = nn.Sequential(nn.Linear(8, 4, activation="relu"), nn.Dropout(0.5), nn.Linear(4, 2))
    optimizer = optim.Adam(model.parameters())
    x = mg.tensor(np.linspace(-1, 1, 24).reshape(3, 8).tolist())

    def run():
        optimizer.zero_grad()
        loss = mg.cross_entropy(model(x), [0, 1, 1])
        loss.backward()
        optimizer.step()
        return loss.item()

    return run


def test_each_kernel_call_is_counted(backend, step):
    step()
    with mg.profile() as seen:
        for _ in range(3):
            step()
    kernels = seen.kernels()
    assert kernels["matmul"].calls == 3 * 5  # two forward, and backward two of weights and one of the input between
    assert kernels["adam_update"].calls == 3
    assert kernels["matmul"].flops == 3 * 2 * (3 * 8 * 4 * 2 + 3 * 4 * 2 * 3)
    ops = seen.ops()
    assert ops["affine"]["forward"].calls == 6
    assert (
        ops["affine"]["backward"].calls == 3 * 5
    )  # weight, bias and input of the second, weight and bias of the first
    assert set(seen.inside["affine", "backward"]) >= {"matmul", "sum", "relu_grad"}
    assert not any("update" in name for inside in seen.inside.values() for name in inside)


def test_bits_do_not_change_and_nothing_stays(backend, step):
    before = {name: getattr(K, name) for name in K.NAMES}, K.backend()
    with mg.profile(beside=True):
        profiled = [step() for _ in range(2)]
    assert ({name: getattr(K, name) for name in K.NAMES}, K.backend()) == before
    mg.manual_seed(0)
    model = nn.Sequential(nn.Linear(8, 4, activation="relu"), nn.Dropout(0.5), nn.Linear(4, 2))
    loss = mg.cross_entropy(model(mg.tensor(np.linspace(-1, 1, 24).reshape(3, 8).tolist())), [0, 1, 1])
    assert loss.item() == profiled[0]
    with pytest.raises(ZeroDivisionError), mg.profile():
        1 / 0  # noqa: B018
    assert K.backend() == before[1]


def test_beside_the_reference(step):
    with mg.profile(beside=True) as seen:
        step()
    compared = seen.tally.compared
    assert compared["relu_grad"].ulps == 0
    assert compared["matmul"].ulps < 16
    assert "times as fast as NumPy" in repr(seen)
    assert not {"adam_update", "empty", "alike"} & set(compared)


def test_a_wrong_kernel_is_seen_beside_the_reference(monkeypatch):
    def wrong(x, out, **options):
        reference.relu(x, out)
        out[0] += 1

    x = np.array([-1.0, 2.0], np.float32)
    assert against(wrong, reference.relu, (x, np.empty_like(x)), {}).ulps > 1e6
    assert x.tolist() == [-1, 2]


def test_times_add_up_to_the_whole(step):
    with mg.profile() as seen:
        step()
        time.sleep(0.05)
    assert seen.seconds > 0.05
    inside = sum(call.seconds for call in seen.tally.calls)
    assert inside + seen.python <= seen.seconds
    assert seen.python > 0.04  # to wait is Python's own share
    assert all(call.end >= call.start for call in seen.calls)


def test_layers_are_told_apart_and_the_optimizer_has_a_row(step):
    with mg.profile() as seen:
        step()
    assert {shape for op, shape in seen.ops_by_shape() if op == "affine"} == {(3, 4), (3, 2)}
    assert seen.rooms["optim"].calls >= 1
    assert "outside of ops: optim" in repr(seen)


def percent(cell):
    return float(cell.removesuffix(" %") or 0)


def test_time_of_the_users_own_is_charged_to_no_op(step):
    """Reading data takes 0.2 s before the first kernel, and between a loss and its backward."""
    x = mg.tensor(np.ones((4, 8), np.float32), requires_grad=True)
    with mg.profile() as seen:
        time.sleep(0.2)
        mg.manual_seed(1)
        mg.nn.Linear(3, 2)
        time.sleep(0.2)
        loss = mg.sum(x * 2.0)
        time.sleep(0.2)
        loss.backward()
        time.sleep(0.2)
        step()
    slept = 0.2
    assert all(total.seconds < slept / 4 for total in seen.rooms.values()), seen.rooms
    assert all(call.end - call.start < slept / 4 for call in seen.calls)
    assert seen.phases.seconds["data and other"] > 3.9 * slept
    seen.cut()
    shares = [percent(row[-1]) for _, rows in seen.tables() for row in rows[1:]]
    assert max(shares) <= 100
    for title, rows in seen.tables():
        whole = rows[1:-1] if title == "the whole" else rows[1:]
        if not title.startswith("kernels"):
            assert sum(percent(row[-1]) for row in whole) == pytest.approx(100, abs=0.1 * len(rows)), title


def test_phases_of_a_step(step):
    step()
    with mg.profile() as seen:
        for _ in range(3):
            step()
    assert seen.phases.walks == 3
    assert all(seen.phases.seconds[name] > 0 for name in ("forward", "backward", "update"))
    forward = sum(call.seconds for call in seen.calls if call.direction == "forward")
    assert seen.phases.seconds["forward"] >= forward
    assert "a step is one backward, 3 steps" in repr(seen)
    assert not hasattr(optim.Adam.step, "__wrapped__")  # nothing stays behind


def test_layers_with_results_of_one_shape_are_told_apart():
    model = nn.Sequential(nn.Linear(8, 4, activation="relu"), nn.Linear(4, 4))
    with mg.profile() as seen:
        mg.sum(model(mg.ones((3, 8)))).backward()
    calls = {layer: sides for (op, _, layer), sides in seen.by_layer().items() if op == "affine"}
    assert set(calls) == {"0 Linear(8->4, relu)", "1 Linear(4->4)"}
    assert calls["0 Linear(8->4, relu)"]["backward"].calls == 2
    assert calls["1 Linear(4->4)"]["backward"].calls == 3
    assert repr(calls["1 Linear(4->4)"]["forward"]).startswith("Total(1 calls, ")
    with mg.profile(model=model) as named:
        model(mg.ones((3, 8)))
    assert {layer for _, _, layer in named.by_layer()} == {"0 Linear(8->4, relu)", "1 Linear(4->4)"}


def test_time_before_the_first_kernel_can_be_left_out(step):
    with mg.profile() as seen:
        time.sleep(0.1)
        step()
        time.sleep(0.1)
    seen.cut()
    assert 0 < seen.seconds < 0.1


def test_the_files(step, tmp_path):
    with mg.profile() as seen:
        step()
    events = json.loads(seen.save(tmp_path / "trace.json").read_text())["traceEvents"]
    assert {event["name"] for event in events} >= {"matmul", "affine", "affine, backward", "adam_update"}
    assert all(event["dur"] >= 0 and event["ts"] >= 0 for event in events if event["ph"] == "X")
    html = seen.save(tmp_path / "page.html").read_text()
    assert "adam_update (optim)" in html
    with pytest.raises(ValueError, match=r"page\.txt is neither \.html"):
        seen.save(tmp_path / "page.txt")
    assert "matmul" in seen._repr_html_()


def test_calls_beyond_the_bound_are_said(step):
    with mg.profile(most=5) as seen:
        step()
    assert len(seen.tally.calls) == 5
    assert "beyond the 5 kept are left out" in repr(seen)


def test_nothing_profiled_can_be_printed():
    with mg.profile() as seen:
        pass
    assert "the whole" in repr(seen)


def test_flops_and_ulps():
    a, b, out = np.zeros((4, 3)), np.zeros((4, 5)), np.zeros((3, 5))
    assert flops_of("matmul", (a, b, out), {"ta": True}) == 2 * 3 * 4 * 5
    x, w, y = np.zeros((2, 3, 8, 8)), np.zeros((5, 3, 3, 3)), np.zeros((2, 5, 6, 6))
    assert flops_of("conv2d", (x, w, y), {}) == flops_of("conv2d_weight", (x, y, w), {}) == 2 * 2 * 5 * 36 * 27
    one = np.array([1.0, 1e-8], np.float32)
    assert ulps(one, np.nextafter(one, 2)) == 1
    assert ulps(np.zeros(0), np.zeros(0)) == 0


def test_a_tally_counts_whatever_serves(backend):
    tally = Tally(False, 10)
    tally.start()
    try:
        K.relu(np.ones(2, np.float32), np.empty(2, np.float32))
    finally:
        tally.stop()
    assert [call.name for call in tally.calls] == ["relu"]
