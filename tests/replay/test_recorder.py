"""Every kernel of the table notes itself while a step is recorded, or is listed with the reason why it does not."""

import re
from pathlib import Path

import numpy as np
import pytest

import minigrad as mg
from minigrad import kernels as K
from minigrad.kernels import reference
from minigrad.lab.golden.kernel_calls import UPDATES, calls, given
from minigrad.recording import aside
from minigrad.replay.record import Record
from minigrad.replay.recorder import Call, Recorder, arrays_in, recording

needs_native = pytest.mark.skipif(K.runtime is None, reason="needs compiled kernels")
CALLS = calls(given())
NATIVE = Path(K.__file__).parent / "native"
CALLS.pop("contiguous", None)  # has a test of its own


def test_every_name_is_called_here_or_is_listed_with_its_reason():
    """Or its file shows that it notes itself: kernels of layers, which have good calls in the tests of their layers."""
    listed = {**reference.SILENT, **reference.REFUSED}
    elsewhere = set(K.NAMES) - set(CALLS) - set(UPDATES) - set(listed) - {"contiguous"}
    noting = "".join(text for text in sources().values() if declared(text) == text.count("record(&"))
    assert {name for name in elsewhere if not re.search(rf"^def {name}\(", noting, re.MULTILINE)} == set()
    assert all(len(reason) > 10 for reason in listed.values())
    assert set(reference.WRITES) | set(reference.ADDS) <= set(K.NAMES)


def sources():
    """The text of every native family, by its name."""
    found = {path.stem: path.read_text() for path in NATIVE.glob("*.pyx")}
    return found or pytest.skip("needs the sources, not an installed package")


def declared(text):
    """How many structs of arguments the defs of a family fill."""
    return len(re.findall(r"^    cdef mg_\w+_args \w+$", text, re.MULTILINE))


def test_every_def_that_fills_a_struct_lets_it_be_recorded():
    missing = {name for name, text in sources().items() if declared(text) != text.count("record(&")}
    assert missing == {"descent", "sparse", "peaks"}, "what solvers call, and the measurements of benchmarks"


@needs_native
def test_every_kernel_has_the_name_of_its_function_in_records():
    """The last lines of each file; the names are those of a record that was written down."""
    defined = {name for text in sources().values() for name in re.findall(r"^cdef int k_(\w+)\(", text, re.MULTILINE)}
    assert defined - set(K.tape.known()) == {
        *("coordinate_descent", "group_descent", "sparse_dots", "sparse_sum", "sparse_gram"),
        *("peak_fma", "peak_copy"),
    }, "see the test above"
    assert set(K.tape.known()) <= defined
    for text in sources().values():
        for name, kernel in re.findall(r'^know\("(\w+)", k_(\w+)\)$', text, re.MULTILINE):
            assert name == kernel


def copies(arguments):
    """The arguments, each array a copy of its own."""
    return [copies(x) if isinstance(x, list) else x.copy() if isinstance(x, np.ndarray) else x for x in arguments]


def noted(name, arguments, options):
    recorder = Recorder()
    with recording(recorder):
        getattr(K, name)(*arguments, **options)
    return recorder


@needs_native
@pytest.mark.parametrize("name", sorted(set(CALLS) - set(reference.REFUSED)))
def test_a_noted_call_computes_the_same_again(name):
    """Run by its struct alone, with what it wrote scrambled before: nothing else decides its result."""
    eager, replayed = copies(CALLS[name][0]), copies(CALLS[name][0])
    options = CALLS[name][1]
    with mg.use_backend("native"):
        getattr(K, name)(*eager, **options)
        call = noted(name, replayed, options).calls[-1]
        assert call.notes
        assert all(kernel in K.tape.known() and struct is not None for kernel, struct in call.notes)
        if name not in reference.ADDS:
            for array in call.writes:
                array.view(np.uint8)[...] = 77 if array.dtype.kind != "f" else 255  # floats that are NaN
        getattr(K, name)(*eager, **options)
        assert K.tape.Program([(kernel, struct, []) for kernel, struct in call.notes]).run(1, [], []) is None
    for x, y in zip(arrays_in(list(eager)), arrays_in(list(replayed))):
        assert x.tobytes() == y.tobytes()


@needs_native
@pytest.mark.parametrize("name", UPDATES)
def test_a_noted_update_computes_the_same_again(name):
    rng = np.random.default_rng(0)
    tables, gradients = [], [rng.normal(size=(3, 4)), rng.normal(size=5)]
    for _ in range(2):
        params = [np.ones((3, 4)), np.ones(5)]
        table = K._native["segments"](params, *[[np.ones((3, 4)), np.ones(5)] for _ in range(3)])
        table.scalars[:, 0], table.counters = 0.1, np.ones((2, 2))
        tables.append(table)
    with mg.use_backend("native"):
        for _ in range(2):
            getattr(K, name)(tables[0], gradients, **UPDATES[name])
        (call,) = noted(name, (tables[1], gradients), UPDATES[name]).calls
        ((kernel, struct),) = call.notes
        K.tape.Program([(kernel, struct, [])]).run(1, [], [])
    for a, b in zip(tables[0].params, tables[1].params):
        assert a.tobytes() == b.tobytes()
    assert tables[0].counters.tobytes() == tables[1].counters.tobytes()


@pytest.mark.parametrize("name", sorted(set(CALLS) - set(reference.REFUSED)))
def test_what_a_kernel_is_said_to_read_it_does_not_write(name):
    call = Call(name, getattr(K, name), tuple(copies(CALLS[name][0])), CALLS[name][1])
    written = {id(array) for array in call.writes}
    before = [(array, array.tobytes()) for array in call.reads if id(array) not in written]
    call.kernel(*call.arguments, **call.options)
    assert all(array.tobytes() == content for array, content in before)
    assert len(written) == len(call.writes)
    named = [*call.reads, *call.writes]
    assert all(any(array is known for known in named) for array in arrays_in(list(call.arguments)))


@pytest.mark.parametrize("name", reference.REFUSED)
def test_what_is_refused_is_refused_by_name(name):
    arguments, options = CALLS[name]
    with pytest.raises(mg.ReplayError, match=rf"compile: {name}, in test_recorder.py, line .* cannot be replayed"):
        noted(name, copies(arguments), options)


@needs_native
def test_a_kernel_that_does_not_note_itself_is_refused_by_name(monkeypatch):
    """As if `record` were missing in its def."""
    with mg.use_backend("native"):
        monkeypatch.setattr(K, "relu", reference.relu)
        with pytest.raises(mg.ReplayError, match=r"relu, in .* without a kernel that notes itself"):
            noted("relu", (np.ones(3), np.empty(3)), {})


class Deaf:
    """The tape, which loses something of what kernels note."""

    def __init__(self, lose):
        self.lose, self.start, self.stop = lose, K.tape.start, K.tape.stop

    def collect(self, collect=None if K.tape is None else K.tape.collect):
        notes, held = collect()
        return self.lose(notes), held


LOST = {
    "the note": lambda notes: [],
    "the struct": lambda notes: [(name, None) for name, _ in notes],
    "the name": lambda notes: [(None, struct) for _, struct in notes],
}


@needs_native
@pytest.mark.parametrize("lost", LOST)
@pytest.mark.parametrize("name", sorted((set(CALLS) | set(UPDATES)) - set(reference.REFUSED)))
def test_no_kernel_vanishes_silently(name, lost, monkeypatch):
    """Whatever is missing (`record`, `call` or `know`), the step is refused, and says which kernel it is."""
    if name in UPDATES:
        params = [np.ones((3, 4))]
        table = K._native["segments"](params, *[[np.ones((3, 4))] for _ in range(3)])
        table.counters = np.ones((1, 2))
        arguments, options = (table, [np.ones((3, 4))]), UPDATES[name]
    else:
        arguments, options = copies(CALLS[name][0]), CALLS[name][1]
    with mg.use_backend("native"):
        noted(name, arguments, options)
        monkeypatch.setattr(K, "tape", Deaf(LOST[lost]))
        with pytest.raises(mg.ReplayError, match=rf"compile: {name}, in .* is computed without a kernel that notes"):
            noted(name, arguments, options)


@needs_native
@pytest.mark.parametrize("name", sorted((set(CALLS)) - set(reference.REFUSED)))
def test_no_part_of_a_kernel_vanishes_silently(name, monkeypatch):
    """Of a table function that runs several kernels, each lost one is refused: an array is then found nowhere."""
    with mg.use_backend("native"):
        arguments, options = copies(CALLS[name][0]), CALLS[name][1]
        count = len(noted(name, arguments, options).calls[-1].notes)
        for i in range(count if count > 1 else 0):
            with monkeypatch.context() as patch:
                patch.setattr(K, "tape", Deaf(lambda notes, i=i: notes[:i] + notes[i + 1 :]))
                first, second = (noted(name, arguments, options) for _ in range(2))
            with pytest.raises(mg.ReplayError):
                Record(first, second)


@needs_native
def test_a_copy_by_numpy_is_refused_by_name():
    with mg.use_backend("native"), pytest.raises(mg.ReplayError, match=r"copy of int64 \(3,\), float32 \(3,\)"):
        noted("copy", (np.arange(3), np.empty(3, np.float32)), {})


def test_the_table_is_as_it_was_afterwards():
    before = {name: getattr(K, name) for name in K.NAMES}
    methods = dict(vars(mg.Tensor))
    call = mg.nn.Module.__call__
    with pytest.raises(ZeroDivisionError), recording(Recorder()):
        assert K.relu is not before["relu"]
        raise ZeroDivisionError
    assert {name: getattr(K, name) for name in K.NAMES} == before
    assert dict(vars(mg.Tensor)) == methods
    assert mg.nn.Module.__call__ is call


def test_what_is_done_aside_is_no_part_of_the_step():
    recorder = Recorder()
    x = mg.tensor([1.0, 2.0])
    with recording(recorder):
        y = x + x
        with aside():
            assert (x * 3).sum().item() == 9
        y * y
    assert [call.name for call in recorder.calls] == ["add", "mul"]


def test_views_are_found_as_the_block_that_they_show():
    recorder = Recorder()
    x = np.arange(24, dtype=np.float32).reshape(4, 6)
    for view in (x, x.T, x[::-1], x[1:, 2:4], x.reshape(-1)[5:], x[:0]):
        if view.size:
            assert recorder.blocks.of(view) is recorder.blocks.of(x)
    assert recorder.blocks.of(x.copy()) is not recorder.blocks.of(x)


def test_contiguous_is_a_copy():
    recorder = Recorder()
    with recording(recorder):
        y = K.contiguous(given().x.T)
        assert K.contiguous(y) is y
    assert [call.name for call in recorder.calls] == ["copy"]
    assert (y == given().x.T).all()
