"""A record as plain data: no address is left in it, and what is read back runs the same step on other memory."""

import ast
import re
from pathlib import Path

import numpy as np
import pytest
from kernels.test_bad_arguments import UPDATES
from replay.test_recorder import CALLS, copies, noted
from replay.twins import X, Y, classifier, network

import minigrad as mg
from minigrad import kernels as K
from minigrad import optim, reg
from minigrad.kernels import reference
from minigrad.replay import plain
from minigrad.replay.blocks import byte_bounds
from minigrad.replay.plain import Form, launched
from minigrad.replay.record import KEPT, Record

pytestmark = pytest.mark.skipif(
    K.backend() != "native", reason="needs the compiled kernels: the reference ones are Python calls in a record"
)
MAPS = Path("/proc/self/maps")


def training():
    """A step with dropout, Adam and a prox: (model, optimizer, compiled step)."""
    model, optimizer, step = classifier(
        lambda: network(0.5), lambda m: optim.Adam(m.parameters(), prox=reg.on(m, "*.weight", reg.L1(1e-3)))
    )()
    return model, optimizer, mg.compile(step)


def entry_of(step):
    (entry,) = step._entries.values()
    return entry


def mapped():
    """The ranges of addresses that this process has."""
    if not MAPS.exists():
        pytest.skip("needs /proc/self/maps, to tell addresses from numbers")
    found = [re.match(r"(\w+)-(\w+) ", line).groups() for line in MAPS.read_text().splitlines()]
    return [(int(low, 16), int(high, 16)) for low, high in found]


def addresses(calls, ranges):
    """Words in the structs of calls that are addresses of this process."""
    return [
        (call.name, one.kernel, int(word))
        for call in calls
        for one in call.launches
        for word in np.frombuffer(one.struct[: len(one.struct) // 8 * 8], np.uint64)
        if any(low <= word < high for low, high in ranges)
    ]


def test_no_address_is_left_in_a_record():
    _, _, step = training()
    step.run(3, X[:8], Y[:8])
    calls = entry_of(step).record_.calls
    assert addresses(calls, mapped()) == []
    assert sum(len(one.places) for call in calls for one in call.launches) > 40


@pytest.mark.parametrize("name", sorted(set(CALLS) - set(reference.REFUSED)))
def test_no_kernel_leaves_an_address(name):
    with mg.use_backend("native"):
        arguments, options = copies(CALLS[name][0]), CALLS[name][1]
        record = Record(*(noted(name, arguments, options) for _ in range(2)))
    assert addresses(record.calls, mapped()) == []
    assert record.calls[-1].launches


@pytest.mark.parametrize("name", UPDATES)
def test_no_update_leaves_an_address(name):
    """Also of parameters without elements, and of those without a gradient."""
    params = [np.ones((3, 4)), np.ones(5), np.ones((0, 2))]
    table = K._native["segments"](params, *[[np.ones_like(w) for w in params] for _ in range(3)])
    table.counters = np.ones((3, 2))
    with mg.use_backend("native"):
        record = Record(
            *(noted(name, (table, [np.ones((3, 4)), None, np.ones((0, 2))]), UPDATES[name]) for _ in range(2))
        )
    assert addresses(record.calls, mapped()) == []
    assert record.calls[0].said == "3 parameters, 17 numbers"


def laid_out(record, data):
    """Memory of its own for each block of a record: (arrays of bytes by number, their addresses)."""
    blocks = {}
    for number, (size, kind) in enumerate(data["blocks"]):
        blocks[number] = np.full(size + 64, 255, np.uint8)
        blocks[number] = blocks[number][-blocks[number].ctypes.data % 64 :][:size]
        if kind != "made":
            blocks[number][...] = record.memory.bytes(number)
    return blocks, {number: block.ctypes.data for number, block in blocks.items()}


def test_a_record_that_was_written_and_read_replays_the_same_bits_elsewhere():
    model, optimizer, step = training()
    step.run(3, X[:8], Y[:8])
    entry, steps = entry_of(step), 7
    text = repr(entry.record_.plain())
    data = ast.literal_eval(text)
    assert "0x" not in text
    calls, slots = plain.read(data)
    assert calls == entry.record_.calls
    assert slots == entry.record_.slots
    assert len(slots) == 1
    blocks, starts = laid_out(entry.record_, data)
    numbers = [feed.rows for feed in entry.draws.feeds(steps)]
    step.run(steps, X[:8], Y[:8])
    after = {n: entry.record_.memory.bytes(n).tobytes() for n, (_, kind) in enumerate(data["blocks"]) if kind == KEPT}

    made = K.tape.Program([one for call in calls for one in launched(call.launches, starts)])
    firsts = np.cumsum([0, *(len(call.launches) for call in calls)])
    feeds = [
        (made.address(int(firsts[slot.call]) + slot.note, slot.offset), rows.ctypes.data, 16, rows.strides[0])
        for slot, rows in zip(slots, numbers)
    ]
    assert made.run(steps, feeds, []) is None
    assert {n: blocks[n].tobytes() for n in after} == after
    assert len(after) > 8


def test_forms_are_arrays_on_blocks():
    array = np.arange(24, dtype=np.float32).reshape(4, 6)
    for view in (array, array.T, array[::-1, 2:4], array[1:3, 1], array[:, ::-2]):
        at = view.__array_interface__["data"][0] - array.__array_interface__["data"][0]
        form = Form(0, at, view.shape, view.strides, view.dtype.str)
        low, high = (x - array.__array_interface__["data"][0] for x in byte_bounds(view))
        assert form.bounds == (low, high)
        assert form.nbytes == view.nbytes
        assert (np.ndarray(form.shape, form.dtype, array.view(np.uint8).ravel(), form.at, form.strides) == view).all()


def spoiled(change):
    _, _, step = training()
    step.run(3, X[:8], Y[:8])
    data = ast.literal_eval(repr(entry_of(step).record_.plain()))
    change(data)
    return data


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda d: d.update(format=99), "the record has format 99; need 1"),
        (lambda d: d["calls"][0]["launches"][0].__setitem__(0, "matmol"), "the kernel 'matmol', which is not here"),
        (lambda d: d["calls"][0]["launches"][0][2][0].__setitem__(0, 10**6), "a pointer outside of its struct"),
        (lambda d: d["calls"][0]["launches"][0][2][0].__setitem__(1, 999), "a pointer outside of its struct"),
        (lambda d: d["calls"][0]["launches"][0][2][0].__setitem__(2, -8), "a pointer outside of its struct"),
    ],
)
def test_a_spoiled_record_is_refused(change, match):
    with pytest.raises(ValueError, match=match):
        plain.read(spoiled(change))


def test_a_program_refuses_kernels_and_pointers_that_are_not_there():
    with pytest.raises(ValueError, match=r"there is no kernel 'matmol'; there are .*matmul"):
        K.tape.Program([("matmol", bytes(64), [])])
    with pytest.raises(ValueError, match="map has 64 bytes of arguments, none at 60"):
        K.tape.Program([("map", bytes(64), [(60, 0)])])
