"""A table unpacks into four, and keeps what stands beside them."""

import copy
import pickle

import numpy as np
import pytest

from minigrad.data import Table


@pytest.mark.parametrize(
    "duplicate", [copy.copy, copy.deepcopy, lambda t: pickle.loads(pickle.dumps(t)), lambda t: t._replace(target="z")]
)
def test_a_table_and_its_copies(duplicate):
    plain = Table(np.ones((2, 1)), np.arange(2.0), ["a"], "y")
    assert plain.groups is None and plain.weights is None and plain.notes == ()
    table = duplicate(plain.beside(groups=np.array(["p", "q"]), notes=("a row was left out",)))
    x, y, names, target = table
    assert x.shape == (2, 1) and y.tolist() == [0, 1] and names == ["a"] and target in "yz"
    assert table.groups.tolist() == ["p", "q"] and table.notes == ("a row was left out",) and table.weights is None
