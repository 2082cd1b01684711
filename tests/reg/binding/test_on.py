"""Which parameters a selector matches, what terms are called, and the errors."""

import pytest

import minigrad as mg
from minigrad import nn, optim, reg


class Net(nn.Module):
    def __init__(self):
        self.weight = nn.Parameter([[1.0, -2.0]])
        self.encoder = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 2))
        self.gain = nn.Parameter([3.0])


ALL = ["weight", "gain", "encoder.0.weight", "encoder.0.bias", "encoder.1.weight", "encoder.1.bias"]


@pytest.fixture
def net():
    return Net()


def names(terms):
    return [name for entry in terms.entries for name, _ in entry.parameters]


@pytest.mark.parametrize(
    "selector, matched",
    [
        ("*.weight", ["weight", "encoder.0.weight", "encoder.1.weight"]),
        ("*", ["weight", "gain", "encoder.0.weight", "encoder.1.weight"]),
        ("encoder.*", ["encoder.0.weight", "encoder.1.weight"]),
        ("encoder.?.weight", ["encoder.0.weight", "encoder.1.weight"]),
        ("gain", ["gain"]),
        ("*.bias", ["encoder.0.bias", "encoder.1.bias"]),
        ("encoder.1.bias", ["encoder.1.bias"]),
        (nn.Linear, ["encoder.0.weight", "encoder.1.weight"]),
        (nn.Module, ["weight", "gain", "encoder.0.weight", "encoder.1.weight"]),
        (reg.everything, ALL),
        (lambda name, w: w.size == 3, ["encoder.0.bias"]),
    ],
)
def test_selectors(net, selector, matched):
    terms = reg.on(net, selector, reg.L2(0.1))
    assert names(terms) == matched
    assert terms.unmatched == [n for n in ALL if n not in matched]


def test_a_shared_weight_is_penalised_once(net):
    net.again = net.encoder[0]
    assert names(reg.on(net, nn.Linear, reg.L2(0.1))) == ["encoder.0.weight", "encoder.1.weight"]


def test_names_are_keys_or_made_of_term_and_selector(net):
    assert list(reg.on(net, "*.weight", reg.L1(0.001)).value()) == ["L1(0.001) *.weight"]
    assert list(reg.on(net, nn.Linear, reg.ElasticNet(0.1, 2)).value()) == ["ElasticNet(0.1, 2) Linear"]
    mapping = {"weight": reg.L1(0.5), "rows": ("encoder.*", reg.L2(0.1)), reg.everything: reg.L2(0.0)}
    del mapping[reg.everything]
    terms = reg.on(net, mapping)
    assert list(terms.value()) == ["weight", "rows"]
    assert terms.value()["weight"] == 1.5
    assert terms.value()["rows"] == pytest.approx(sum((w.data**2).sum() for _, w in terms.entries[1].parameters) / 20)


def test_the_sum_is_differentiable(net, backend):
    terms = reg.on(net, {"weight": reg.L1(0.5), "gain": reg.L2(0.1)})
    total = terms()
    assert total.shape == ()
    assert total.item() == pytest.approx(sum(terms.value().values()))
    total.backward()
    assert net.weight.grad.data.tolist() == [[0.5, -0.5]]
    assert net.gain.grad.data == pytest.approx(0.3)
    assert net.encoder[0].weight.grad is None


def test_the_table_says_what_is_matched(net):
    text = repr(reg.on(net, {"a": ("*.weight", reg.L1(0.001)), "b": ("gain", reg.L2(2))}))
    assert text.splitlines() == [
        "term  l1     l2  moment  on",
        "a     0.001  0   loss    weight (1, 2)",
        "                         encoder.0.weight (2, 3)",
        "                         encoder.1.weight (3, 2)",
        "b     0      2   loss    gain (1,)",
        "not penalised: encoder.0.bias, encoder.1.bias",
    ]


@pytest.mark.parametrize(
    "arguments, error, match",
    [
        (("*.wieght", reg.L1(0.1)), ValueError, r"'\*.wieght' matches no .*there are weight, gain, encoder.0.weight"),
        ((nn.Dropout, reg.L1(0.1)), ValueError, "'Dropout' matches no parameter"),
        ((lambda name, w: False, reg.L1(0.1)), ValueError, "matches no parameter"),
        ((3, reg.L1(0.1)), TypeError, "the selector is 3"),
        ((int, reg.L1(0.1)), TypeError, "the selector is <class 'int'>"),
        ((reg.L1(0.1), "*.weight"), TypeError, r"the order is on\(model, selector, term\)"),
        (("*.weight", 0.1), TypeError, "the term for '\\*.weight' is 0.1"),
        (("*.weight", reg.L1), TypeError, "need one such as"),
        (("*.weight",), TypeError, "is None"),
        (({},), ValueError, "mapping is empty"),
        (({"gain": reg.L1(0.1)}, reg.L1(0.1)), TypeError, "a mapping and a term"),
        (({"gain": ("*", reg.L1(0.1), 3)},), TypeError, r"'gain' maps to .*need a term, or \(selector, term\)"),
        (({"gain": 0.1},), TypeError, "the term for 'gain' is 0.1"),
        (({"gain": reg.L1(1), "all": ("*", reg.L1(2))},), ValueError, "'gain' and 'all' are .* both match gain"),
        (({"gain": reg.L1(1), "*": reg.ElasticNet(1, 2)},), ValueError, "of one kind"),
    ],
)
def test_errors(net, arguments, error, match):
    with pytest.raises(error, match=match):
        reg.on(net, *arguments)


def test_two_kinds_may_meet_on_a_parameter(net):
    assert len(reg.on(net, {"gain": reg.L1(1), "*": reg.L2(2)}).entries) == 2


def test_two_terms_need_two_names(net):
    with pytest.raises(ValueError, match="two terms are named 'Linear'"):
        reg.on(net, {"Linear": ("gain", reg.L1(0.1)), nn.Linear: reg.L1(0.1)})


def test_the_model_is_a_module():
    with pytest.raises(TypeError, match="the model is a list"):
        reg.on([nn.Linear(1, 1)], "*.weight", reg.L1(0.1))


def test_long_lists_of_names_are_cut():
    model = nn.Sequential(*(nn.Linear(1, 1) for _ in range(30)))
    with pytest.raises(ValueError, match=r"9.bias, and 40 more"):
        reg.on(model, "head.*", reg.L1(0.1))


def test_frozen_parameters_count_in_the_value_and_get_no_gradient(net):
    net.gain.requires_grad_(False)
    terms = reg.on(net, {"gain": reg.L2(2.0), "weight": reg.L1(1.0)})
    assert terms.value()["gain"] == 9.0
    terms().backward()
    assert net.gain.grad is None
    assert isinstance(terms(), mg.Tensor)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: reg.L1(lam=0.1), "L1: unknown keyword 'lam'; it takes l1"),
        (lambda: reg.ElasticNet(l1=0.1, l_2=0.1), "ElasticNet: unknown keyword 'l_2'; did you mean 'l2'"),
        (lambda: reg.GroupLasso(0.1, group="rows"), "GroupLasso: unknown keyword 'group'; did you mean 'groups'"),
        (lambda: reg.MaxNorm(limits=1), "MaxNorm: unknown keyword 'limits'; did you mean 'limit'"),
        (lambda: optim.StepLR(None, step_sise=3), "StepLR: unknown keyword 'step_sise'; did you mean 'step_size'"),
        (lambda: optim.ReduceLROnPlateau(None, patiense=3), "unknown keyword 'patiense'; did you mean 'patience'"),
        (lambda: optim.EMA(None, decy=0.9), "EMA: unknown keyword 'decy'; did you mean 'decay'"),
    ],
)
def test_unknown_keywords_name_a_close_one(make, message):
    with pytest.raises(TypeError, match=message):
        make()
