"""Copies of histories grow by themselves."""

import copy
import pickle

import pytest

from minigrad.train import History


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_copies(duplicate):
    history = History([{"epoch": 1, "loss": 0.5, "L1": 0.25, "total": 0.75}], penalties=["L1"])
    twin = duplicate(history)
    assert (twin.rows, twin.penalties, twin.table()) == (history.rows, ["L1"], history.table())
    twin.append({"epoch": 2, "loss": 0.25, "L1": 0.25, "total": 0.5})
    twin.rows[0]["loss"] = 9.0
    twin.penalties.clear()
    assert (len(history), history["loss"], history.penalties) == (1, [0.5], ["L1"])
