"""step.explain() and step.check(): what a recorded step is made of, and whether a replay has its bits."""

import pytest
from replay.twins import X, Y, classifier, network, state

import minigrad as mg
from minigrad import optim


def adam(model):
    return optim.Adam(model.parameters(), lr=0.01)


def test_explain_lists_the_calls_and_changes_nothing():
    model, optimizer, step = classifier(lambda: network(0.5), adam)()
    step = mg.compile(step)
    assert "nothing is recorded yet" in step.explain()
    step.epoch(mg.data.Loader(X, Y, 10))
    step.epoch(mg.data.Loader(X, Y, 10))
    before = state(model, optimizer)
    full, last = step.explain().split("\n\n")
    assert state(model, optimizer) == before
    assert full.startswith("float32 (10, 6), int64 (10,): ")
    assert last.startswith("float32 (4, 6), int64 (4,): ")
    lines = full.splitlines()[2:]
    assert [line.split()[2] for line in lines[:3]] == ["matmul", "dropout", "matmul:2"]
    assert "4 parameters, 83 numbers" in lines[-1]
    assert "adam_update" in lines[-1]
    assert "twins.py" in lines[-1]
    assert "optimizer.step()" in lines[-1]
    assert all(0 < float(line.split()[0]) < 1e5 and int(line.split()[1]) > 0 for line in lines)


def test_check_makes_one_step_and_compares_all_bits():
    model, optimizer, step = classifier(lambda: network(0.5), adam)()
    expected = [step(mg.tensor(X[:8]), mg.tensor(Y[:8])) and state(model, optimizer) for _ in range(4)]
    model, optimizer, step = classifier(lambda: network(0.5), adam)()
    step = mg.compile(step)
    assert step.check(X[:8], Y[:8]).startswith("equal: 2 results, ")  # after two steps that were recorded
    found, wanted = state(model, optimizer), expected[2]
    assert found == wanted
    step.check(X[:8], Y[:8])
    assert state(model, optimizer) == expected[3]


def test_check_names_what_differs():
    """A side effect of Python that no kernel shows: from the third step on, the step is another one."""
    model, _, step = classifier()()
    calls = []

    def forward(x, y):
        calls.append(1)
        loss = step(x, y)[0]
        return loss if len(calls) < 3 else loss + 1.0

    compiled = mg.compile(forward)
    with pytest.raises(mg.ReplayError, match="check: a result has other bits in a replay than in the step in Python"):
        compiled.check(X[:8], Y[:8])
