"""What a term says of itself: formula, gradient, proximal map or projection where it has one, and source."""

import inspect
import re

import pytest

from minigrad import nn, reg

NO_TERMS = {"Penalty", "Ramp", "Terms"}  # the base, a schedule, what reg.on returns
TERMS = {
    name: found
    for name, found in ((name, getattr(reg, name)) for name in reg.__all__)
    if isinstance(found, type) and name not in NO_TERMS
}
DROPOUT = ["Dropout", "Dropout1d", "VariationalDropout", "DropConnect", "GaussianDropout", "GaussianNoise"]
FORMULA = re.compile(r"[Σ‖=∈≤]|[<>]=|N\(")
SOURCE = re.compile(r"\b(19|20)\d\d\b.*, |\barticle 00\d\b|\d{4} \(see \w+\)")


def lines_of(cls):
    """Label -> text of the lines `label  text` of a docstring, with the lines that continue them; "" is its first."""
    first, *lines = (inspect.getdoc(cls) or "").splitlines()  # without indents, as Python 3.13 keeps it
    found, label = {"": first}, None
    for line in lines:
        match = re.match(r"(gradient|prox\(v\)|projection|source)  +(\S.*)", line)
        if match:
            label = match[1]
            found[label] = match[2]
        elif label and line.startswith("          ") and line.strip():
            found[label] += " " + line.strip()
        else:
            label = None
    return found


def test_every_name_is_a_term_or_known_to_be_none():
    assert set(TERMS) >= {"L1", "L2", "ElasticNet", "GroupLasso", "Box", "Activity", "InputGradient"}
    assert all(hasattr(term, "value") or hasattr(term, "project") for term in TERMS.values())


@pytest.mark.parametrize("name", TERMS)
def test_formula_gradient_prox_and_source(name):
    term = TERMS[name]
    found = lines_of(term)
    assert FORMULA.search(found[""]) or "mean over samples" in found[""], f"{name}: no formula in the first line"
    assert SOURCE.search(found.get("source", "")), f"{name}: no source with author, year and title"
    if hasattr(term, "project"):
        assert "projection" in found, f"{name}: no projection"
        return
    assert "gradient" in found, f"{name}: no gradient"
    acts = name == "NamedGroupLasso" or hasattr(term, "prox")  # its groups are mapped by the optimizer
    assert ("prox(v)" in found) == acts, f"{name}: prox"


@pytest.mark.parametrize("name", DROPOUT)
def test_layers_that_drop_say_formula_and_source(name):
    layer = getattr(nn, name)
    found = lines_of(layer)
    assert FORMULA.search(found[""]) or "Dropout" in layer.__doc__, f"{name}: no formula"
    assert SOURCE.search(found.get("source", "")), f"{name}: no source with author, year and title"
